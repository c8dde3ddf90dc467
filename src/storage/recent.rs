//! Keys of young records in memory. The index follows the ledger by some
//! hundred milliseconds; what it does not know yet is looked up here. A table
//! ordered by key would do the same at ten times the cost of a registration:
//! twenty random leaf pages written for each record, against one or two in
//! order of record. Facets, which are negative in the table, are not looked up there
//! and not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};

use crate::foundation::limits::{YOUNG_RECORDS_OF_CROWD, YOUNG_RECORDS_PER_KEY_MAX};
use crate::foundation::{EventPosition, RecordNumber};
use crate::matching::FACET_BIT;
use crate::storage::StoreError;
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::Reader;
use crate::storage::source_state::Windows;
use crate::storage::sql::RowStatement;

/// Entries past which the memory gives up what the index knows: some ten
/// thousand records, 20 MB.
const ENTRIES_KEPT: usize = 1 << 18;
/// Entries past which it gives up more; the table answers in its place.
const ENTRIES_MAX: usize = 1 << 20;
/// Positions that are read back at most to extend the memory.
const READ_BACK_MAX: i64 = 100_000;

/// A key of a record since a position. Where several processes write, the
/// position is the commit's place in the order that followers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyRow {
    pub(super) key: u64,
    pub(super) record: RecordNumber,
    pub(super) position: EventPosition,
}

impl KeyRow {
    /// Facets are not: too many records have them.
    const fn is_looked_up(&self) -> bool {
        self.key & FACET_BIT == 0
    }
}

/// Positions after one, up to and with another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    after: EventPosition,
    upto: EventPosition,
}

/// The keys of all records after a position, up to the last commit.
#[derive(Debug, Default)]
pub(super) struct RecentKeys {
    /// Complete for positions after this one; `None` until the first batch.
    after: Option<EventPosition>,
    upto: EventPosition,
    by_key: HashMap<u64, Vec<(EventPosition, RecordNumber)>>,
    in_order: VecDeque<KeyRow>,
}

/// Young records under one key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Young {
    /// [`YOUNG_RECORDS_OF_CROWD`] where there are more than
    /// [`YOUNG_RECORDS_PER_KEY_MAX`], else all.
    pub(super) records: BTreeSet<RecordNumber>,
    /// How many there are.
    pub(super) held: usize,
}

impl Young {
    fn of(mut entries: Vec<(EventPosition, RecordNumber)>) -> Self {
        // A record may stand there once for each version.
        entries.sort_unstable_by(|a, b| b.cmp(a));
        let mut seen = BTreeSet::new();
        entries.retain(|(_, record)| seen.insert(*record));
        let held = entries.len();
        if held > YOUNG_RECORDS_PER_KEY_MAX {
            entries.truncate(YOUNG_RECORDS_OF_CROWD);
        }
        Self {
            records: entries.into_iter().map(|(_, record)| record).collect(),
            held,
        }
    }

    /// Whether some are left out.
    pub(super) fn is_cut(&self) -> bool {
        self.records.len() < self.held
    }
}

/// Rows of the table, by key.
pub(super) fn by_key(rows: &[KeyRow]) -> BTreeMap<u64, Young> {
    let mut found: BTreeMap<u64, Vec<(EventPosition, RecordNumber)>> = BTreeMap::new();
    for row in rows {
        let entries = found.entry(row.key).or_default();
        entries.push((row.position, row.record));
    }
    found
        .into_iter()
        .map(|(key, entries)| (key, Young::of(entries)))
        .collect()
}

/// Where young records are looked for, and what else the writer remembers.
pub(super) struct YoungKeys {
    /// Their keys.
    pub(super) keys: RwLock<RecentKeys>,
    /// The last records of the sources.
    pub(super) windows: Windows,
    /// What is added to transaction ids (see `feed`).
    pub(super) offset: i64,
}

impl YoungKeys {
    /// The horizon, where several processes write.
    pub(super) async fn horizon(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<EventPosition>, StoreError> {
        let horizon = db::horizon(connection, self.offset).await?;
        Ok(horizon.map(EventPosition))
    }
}

impl RecentKeys {
    /// Whether a look-up after `position` finds all.
    pub(super) fn covers(&self, position: EventPosition) -> bool {
        self.after.is_some_and(|after| after <= position)
    }

    /// Records under the key after a position, the youngest where there are
    /// more than are looked at.
    pub(super) fn find(&self, key: u64, after: EventPosition) -> Young {
        Young::of(self.entries(key, after))
    }

    fn entries(&self, key: u64, after: EventPosition) -> Vec<(EventPosition, RecordNumber)> {
        let entries = self.by_key.get(&key).into_iter().flatten();
        let entries = entries.filter(|(position, _)| *position > after);
        entries.copied().collect()
    }

    /// Prepares for a batch at the ledger's position: forgets all when somebody
    /// else has written, and says what has to be read back for the batch.
    pub(super) fn prepare(&mut self, upto: EventPosition, needed: EventPosition) -> Option<Span> {
        let known = self.after.filter(|_| self.upto == upto);
        let after = known.unwrap_or_else(|| {
            *self = Self {
                after: Some(upto),
                upto,
                ..Self::default()
            };
            upto
        });
        let missing = needed < after && after.0 - needed.0 <= READ_BACK_MAX;
        missing.then_some(Span {
            after: needed,
            upto: after,
        })
    }

    /// Takes what was read back, latest first.
    pub(super) fn extend(&mut self, span: Span, rows: Vec<KeyRow>) {
        for row in rows {
            self.in_order.push_front(row);
            self.remember(row);
        }
        self.after = Some(span.after);
    }

    /// Takes the keys of a commit that ends at a position, and gives up what
    /// no command asks for any more.
    pub(super) fn commit(&mut self, keys: Vec<KeyRow>, upto: EventPosition, needed: EventPosition) {
        for row in keys.into_iter().filter(KeyRow::is_looked_up) {
            self.in_order.push_back(row);
            self.remember(row);
        }
        self.upto = upto;
        while let Some(first) = self.in_order.front().copied() {
            let count = self.in_order.len();
            let known_to_index = count > ENTRIES_KEPT && first.position <= needed;
            if !known_to_index && count <= ENTRIES_MAX {
                break;
            }
            self.in_order.pop_front();
            self.forget(first);
        }
    }

    /// Where several processes write: up to where the memory is complete, for a
    /// look-up after a position. What the index knows is given up, so that a
    /// process that was idle does not read all that the others wrote.
    pub(super) fn settled(
        &mut self,
        horizon: EventPosition,
        needed: EventPosition,
    ) -> EventPosition {
        let least = needed.min(horizon);
        if self.after.is_none() || self.upto < least {
            *self = Self {
                after: Some(least),
                upto: least,
                ..Self::default()
            };
        }
        self.upto
    }

    /// Takes what has come after [`RecentKeys::settled`], in order of place, up
    /// to the horizon: commits of an earlier place may still join the rest.
    pub(super) fn settle(
        &mut self,
        rows: &[KeyRow],
        horizon: EventPosition,
        needed: EventPosition,
    ) {
        if horizon > self.upto {
            let new = |row: &&KeyRow| self.upto < row.position && row.position <= horizon;
            let settled: Vec<KeyRow> = rows.iter().filter(new).copied().collect();
            self.commit(settled, horizon, needed);
        }
    }

    fn remember(&mut self, row: KeyRow) {
        let entries = self.by_key.entry(row.key).or_default();
        entries.push((row.position, row.record));
    }

    fn forget(&mut self, row: KeyRow) {
        self.after = self.after.max(Some(row.position));
        if let Some(entries) = self.by_key.get_mut(&row.key) {
            entries.retain(|entry| *entry != (row.position, row.record));
            if entries.is_empty() {
                self.by_key.remove(&row.key);
            }
        }
    }
}

/// Keys of a span, latest first.
pub(super) async fn read_back(
    connection: &mut Connection,
    span: Span,
) -> Result<Vec<KeyRow>, StoreError> {
    let rows = db::query(
        "select k.record, k.key, k.stamp from records r \
         join record_keys k on k.record = r.record \
         where r.stamp > $1 and k.stamp > $1 and k.stamp <= $2 and k.key >= 0 \
         order by k.stamp desc",
    )
    .bind(span.after.0)
    .bind(span.upto.0)
    .fetch_all(connection)
    .await?;
    rows.iter().map(key_row).collect()
}

const RECENT: RowStatement = RowStatement {
    before: "select k.record, k.key, k.stamp from records r \
        join record_keys k on k.record = r.record \
        where r.stamp > $1 and k.stamp > $1 and k.key in (values",
    columns: 1,
    after: ")",
};

/// Keys after a place, in its order; at most as many as are kept.
async fn read_after(
    connection: &mut Connection,
    after: EventPosition,
) -> Result<Vec<KeyRow>, StoreError> {
    let rows = db::query(
        "select record, key, stamp from record_keys where stamp > $1 and key >= 0 \
         order by stamp limit $2",
    )
    .bind(after.0)
    .bind(i64::try_from(ENTRIES_KEPT).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    rows.iter().map(key_row).collect()
}

/// Records under keys that are younger than a position, from memory where it
/// reaches that far, else from the table.
pub(super) async fn find_recent(
    connection: &mut Connection,
    recent: &RwLock<RecentKeys>,
    keys: &[u64],
    wanted: Wanted,
) -> Result<BTreeMap<u64, Young>, StoreError> {
    let fresh = if let Some(horizon) = wanted.horizon {
        refresh(connection, recent, horizon, wanted.after).await?
    } else {
        let missing = writable(recent).prepare(wanted.upto, wanted.after);
        if let Some(missing) = missing {
            let rows = read_back(connection, missing).await?;
            writable(recent).extend(missing, rows);
        }
        Vec::new()
    };
    match look_up(recent, keys, wanted.after, &fresh) {
        Some(found) => Ok(found),
        None => Ok(by_key(&find_stored(connection, keys, wanted.after).await?)),
    }
}

/// Reads what other processes have written since, and keeps what is settled.
async fn refresh(
    connection: &mut Connection,
    recent: &RwLock<RecentKeys>,
    horizon: EventPosition,
    after: EventPosition,
) -> Result<Vec<KeyRow>, StoreError> {
    let upto = writable(recent).settled(horizon, after);
    let fresh = read_after(connection, upto).await?;
    if fresh.len() < ENTRIES_KEPT {
        writable(recent).settle(&fresh, horizon, after);
    } else {
        // Too much to keep: the table answers.
        *writable(recent) = RecentKeys::default();
    }
    Ok(fresh)
}

fn look_up(
    recent: &RwLock<RecentKeys>,
    keys: &[u64],
    after: EventPosition,
    fresh: &[KeyRow],
) -> Option<BTreeMap<u64, Young>> {
    let recent = recent.read().unwrap_or_else(PoisonError::into_inner);
    if !recent.covers(after) {
        return None;
    }
    let known = keys.iter().map(|key| (*key, recent.entries(*key, after)));
    let mut found: BTreeMap<u64, Vec<(EventPosition, RecordNumber)>> = known.collect();
    for row in fresh.iter().filter(|row| row.position > after) {
        if let Some(entries) = found.get_mut(&row.key) {
            entries.push((row.position, row.record));
        }
    }
    let young = found.into_iter();
    Some(young.map(|(key, found)| (key, Young::of(found))).collect())
}

fn writable(recent: &RwLock<RecentKeys>) -> std::sync::RwLockWriteGuard<'_, RecentKeys> {
    recent.write().unwrap_or_else(PoisonError::into_inner)
}

/// Which young records are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Younger than this.
    pub(super) after: EventPosition,
    /// The ledger's last position, where one process writes.
    pub(super) upto: EventPosition,
    /// The horizon, where several do.
    pub(super) horizon: Option<EventPosition>,
}

/// The same from the table: slower the further the index is behind.
pub(super) async fn find_stored(
    connection: &mut Connection,
    keys: &[u64],
    after: EventPosition,
) -> Result<Vec<KeyRow>, StoreError> {
    let rows = RECENT
        .select(connection, &[after.0], keys, |query, key| {
            query.bind(key.cast_signed())
        })
        .await?;
    rows.iter().map(key_row).collect()
}

fn key_row(row: &Row) -> Result<KeyRow, StoreError> {
    let reader = Reader::numbered(row, "record_keys")?;
    Ok(KeyRow {
        record: RecordNumber(reader.number(0)?),
        key: reader.number(1)?.cast_unsigned(),
        position: reader.position(2)?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ENTRIES_KEPT, ENTRIES_MAX, KeyRow, RecentKeys, Span, Young};
    use crate::foundation::limits::{YOUNG_RECORDS_OF_CROWD, YOUNG_RECORDS_PER_KEY_MAX};
    use crate::foundation::{EventPosition, RecordNumber};

    fn rows(count: usize) -> Vec<KeyRow> {
        let row = |number: i64| KeyRow {
            key: 7,
            record: RecordNumber(number),
            position: EventPosition(number),
        };
        (1..).take(count).map(row).collect()
    }

    fn empty() -> RecentKeys {
        RecentKeys {
            after: Some(EventPosition(0)),
            ..RecentKeys::default()
        }
    }

    #[test]
    fn a_look_up_sees_what_came_after_its_position() {
        let mut recent = empty();
        recent.commit(rows(3), EventPosition(3), EventPosition(0));
        let found = recent.find(7, EventPosition(1)).records;
        assert_eq!(found, BTreeSet::from([RecordNumber(2), RecordNumber(3)]));
        assert_eq!(recent.find(8, EventPosition(0)), Young::default());
    }

    #[test]
    fn a_crowded_key_gives_its_youngest_and_says_how_many_there_are() {
        let crowd = i64::try_from(YOUNG_RECORDS_PER_KEY_MAX).expect("a bound") + 10;
        let mut recent = empty();
        let all = rows(YOUNG_RECORDS_PER_KEY_MAX + 10);
        let (older, younger) = all.split_at(5);
        recent.commit(younger.to_vec(), EventPosition(crowd), EventPosition(0));
        recent.extend(
            Span {
                after: EventPosition(0),
                upto: EventPosition(5),
            },
            older.to_vec(),
        );
        let found = recent.find(7, EventPosition(0));
        assert_eq!(found.held, YOUNG_RECORDS_PER_KEY_MAX + 10);
        assert!(found.is_cut());
        assert_eq!(found.records.len(), YOUNG_RECORDS_OF_CROWD);
        assert_eq!(found.records.last(), Some(&RecordNumber(crowd)));
        assert_eq!(recent.find(7, EventPosition(40)).held, all.len() - 40);
        assert!(!recent.find(7, EventPosition(40)).is_cut());
    }

    #[test]
    fn nothing_is_covered_before_the_first_batch() {
        assert!(!RecentKeys::default().covers(EventPosition(0)));
        assert!(empty().covers(EventPosition(0)));
    }

    #[test]
    fn memory_is_bounded_and_says_what_it_no_longer_covers() {
        let spread = |count: usize| {
            let keyed = rows(count).into_iter().enumerate();
            keyed
                .map(|(key, row)| KeyRow {
                    key: key as u64,
                    ..row
                })
                .collect::<Vec<_>>()
        };
        let mut recent = empty();
        let last = EventPosition(1 << 40);
        recent.commit(spread(ENTRIES_KEPT + 10), last, EventPosition(4));
        assert_eq!(recent.in_order.len(), ENTRIES_KEPT + 6);
        assert!(!recent.covers(EventPosition(3)) && recent.covers(EventPosition(4)));
        let mut recent = empty();
        recent.commit(spread(ENTRIES_MAX + 10), last, EventPosition(0));
        assert_eq!(
            (recent.in_order.len(), recent.by_key.len()),
            (ENTRIES_MAX, ENTRIES_MAX)
        );
        assert!(!recent.covers(EventPosition(9)) && recent.covers(EventPosition(10)));
    }
}
