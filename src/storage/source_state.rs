//! How sources stand: what a commit needs to judge them, and what is shown.
//!
//! Nothing here is a counter. A registration that fits writes nothing for its
//! source; how many there were is counted by walking the end of an index, at
//! most [`WINDOW_RECORDS`] and, where conflicts are many, [`LONG_RUN_RECORDS`]
//! entries more. So no two registrations of one source wait for each other, and
//! two nodes that do not see each other yet are wrong by what they write at once.
//! The walk is left out while no alarm could follow from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::foundation::{EventPosition, PersonId, RecordNumber, TaskId};
use crate::identity::SubmittedRecord;
use crate::registry::{
    ConflictKind, Earlier, LONG_RUN_RECORDS, LocalId, NumberHash, Quarantine, QuarantineReason,
    RegistryState, SourceCode, SourceState, WINDOW_RECORDS, WaitingVersion, carried_number,
};
use crate::storage::command::ReadSet;
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::{Reader, parse_local_id, parse_source, parse_task, parse_word};
use crate::storage::sql::RowStatement;
use crate::storage::task_rows::{select_tasks, task_from};
use crate::storage::{Store, StoreError};

/// Conflicts of the window from which on it is asked what is usual: fewer can
/// come to an alarm within one batch only, and then they are a jump.
const LOOK_FROM: usize = 8;

/// A quarantine that holds, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQuarantine {
    /// Whose.
    pub source: SourceCode,
    /// Local id of the record that tipped the scale.
    pub local_id: LocalId,
    /// The quarantine.
    pub quarantine: Quarantine,
}

/// The last version of a record that came during a quarantine of its source.
#[derive(Debug, Clone)]
pub struct DeferredVersion {
    /// The record.
    pub record: RecordNumber,
    /// The version that waits, and those that wait before it.
    pub waiting: WaitingVersion,
    /// Whose.
    pub source: SourceCode,
    /// Its local id.
    pub local_id: LocalId,
    /// As sent; absent after an erasure.
    pub submitted: Option<SubmittedRecord>,
}

const QUARANTINES: RowStatement = RowStatement {
    before: "select source, from_position, to_position, record, because, conflicts, records, \
        task from source_quarantines where source in (values",
    columns: 1,
    after: ") order by source, from_position",
};

const TASKS: RowStatement = RowStatement {
    before: select_tasks!("where task in (values"),
    columns: 1,
    after: ")",
};

const WAITING: RowStatement = RowStatement {
    before: "select d.record, d.version, p.standard from deferred_versions d \
        left join payloads p on p.record = d.record and p.version = d.version \
        where d.record in (values",
    columns: 1,
    after: ") order by d.record, d.version desc",
};

const REPLACEMENTS: RowStatement = RowStatement {
    before: "select replaced, replaced_by from number_replacements where replaced in (values",
    columns: 1,
    after: ")",
};

/// Where the windows of sources began when they were walked last. Records move
/// to the end alone, so that no window ever begins earlier again.
#[derive(Debug, Default)]
pub(super) struct Windows(Mutex<BTreeMap<SourceCode, EventPosition>>);

impl Windows {
    fn begin(&self, source: &SourceCode) -> Option<EventPosition> {
        self.known().get(source).copied()
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<SourceCode, EventPosition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Loads what the batch needs of the sources of its records and of the chains
/// of numbers that its messages speak of.
pub(super) async fn load(
    connection: &mut Connection,
    windows: &Windows,
    state: &mut RegistryState,
    reads: &[&ReadSet],
) -> Result<(), StoreError> {
    let mut commands: BTreeMap<SourceCode, usize> = BTreeMap::new();
    for (source, _) in reads.iter().flat_map(|read| &read.records) {
        *commands.entry(source.clone()).or_default() += 1;
    }
    let sources: Vec<SourceCode> = commands.keys().cloned().collect();
    let rows = QUARANTINES
        .select(connection, &[], &sources, |query, source| {
            query.bind(source.as_str().to_owned())
        })
        .await?;
    let mut tasks = Vec::new();
    let mut released = BTreeMap::new();
    for row in &rows {
        let (source, quarantine, to) = quarantine_from(row)?;
        if let Some(to) = to {
            released.insert(source, to);
        } else {
            tasks.push(quarantine.task);
            state.sources.entry(source).or_default().quarantine = Some(quarantine);
        }
    }
    let rows = TASKS
        .select(connection, &[], &tasks, |query, task| {
            query.bind(task.to_string())
        })
        .await?;
    for row in &rows {
        let (task, known) = task_from(row)?;
        if known.waits() {
            state.tasks.insert_new(task, known);
        }
    }
    for (source, commands) in commands {
        if !state.is_quarantined(&source) {
            let after = released.get(&source).copied().unwrap_or_default();
            let counted = count(connection, windows, &source, after, commands).await?;
            state.sources.insert(source, counted);
        }
    }
    let said = reads.iter().filter_map(|read| read.replacement);
    let numbers = said.flat_map(|said| [said.replaced, said.replaced_by]);
    let numbers = numbers.chain(reads.iter().flat_map(|read| read.numbers.iter().copied()));
    load_chains(connection, state, numbers.collect()).await
}

/// Since when these of the sources are quarantined now.
pub(super) async fn open_quarantines(
    connection: &mut Connection,
    sources: &BTreeSet<SourceCode>,
) -> Result<BTreeMap<SourceCode, EventPosition>, StoreError> {
    let sources: Vec<SourceCode> = sources.iter().cloned().collect();
    let rows = QUARANTINES
        .select(connection, &[], &sources, |query, source| {
            query.bind(source.as_str().to_owned())
        })
        .await?;
    let mut open = BTreeMap::new();
    for row in &rows {
        let (source, quarantine, to) = quarantine_from(row)?;
        if to.is_none() {
            open.insert(source, quarantine.since);
        }
    }
    Ok(open)
}

/// The source's records in conflict since `after`, and what is usual for it.
/// Each command can bring one more. By a window that began earlier there are only
/// more of them: when these come to no alarm, the true ones do not.
async fn count(
    connection: &mut Connection,
    windows: &Windows,
    source: &SourceCode,
    after: EventPosition,
    commands: usize,
) -> Result<SourceState, StoreError> {
    if let Some(first) = windows.begin(source) {
        let counted = conflicts(connection, source, first, after).await?;
        if !counted.is_near_alarm(commands) {
            return Ok(counted);
        }
    }
    let (records, first) = last_records(connection, source, None, WINDOW_RECORDS).await?;
    windows.known().insert(source.clone(), first);
    let mut counted = conflicts(connection, source, first, after).await?;
    let many = counted.conflicts.len().max(counted.defaults.len()) >= LOOK_FROM;
    if many && records == WINDOW_RECORDS {
        counted.earlier = usual(connection, source, first).await?;
    }
    Ok(counted)
}

/// Records in conflict in the window that begins at `first`, since `after`.
async fn conflicts(
    connection: &mut Connection,
    source: &SourceCode,
    first: EventPosition,
    after: EventPosition,
) -> Result<SourceState, StoreError> {
    // The window's first record may have come long before a release.
    let from = EventPosition((first.0 - 1).max(after.0));
    let rows = db::query(
        "select record, kind from source_conflicts where source = $1 and position > $2 \
         order by position desc limit $3",
    )
    .bind(source.as_str().to_owned())
    .bind(from.0)
    .bind(i64::from(2 * WINDOW_RECORDS))
    .fetch_all(connection)
    .await?;
    let mut counted = SourceState::default();
    for row in &rows {
        let reader = Reader::numbered(row, "source_conflicts")?;
        let record = RecordNumber(reader.number(0)?);
        match reader.parsed(1, "kind", parse_word)? {
            ConflictKind::Default => counted.defaults.insert(record),
            ConflictKind::Confusion | ConflictKind::Overlay => counted.conflicts.insert(record),
        };
    }
    Ok(counted)
}

/// What the records before a position say.
async fn usual(
    connection: &mut Connection,
    source: &SourceCode,
    before: EventPosition,
) -> Result<Earlier, StoreError> {
    let (records, first) = last_records(connection, source, Some(before), LONG_RUN_RECORDS).await?;
    let rows = db::query(
        "select count(*), kind from source_conflicts where source = $1 \
         and position >= $2 and position < $3 group by kind",
    )
    .bind(source.as_str().to_owned())
    .bind(first.0)
    .bind(before.0)
    .fetch_all(connection)
    .await?;
    let mut earlier = Earlier {
        records,
        ..Earlier::default()
    };
    for row in &rows {
        let reader = Reader::numbered(row, "source_conflicts")?;
        let count = reader.count(0, "count")?;
        match reader.parsed(1, "kind", parse_word)? {
            ConflictKind::Default => earlier.defaults += count,
            ConflictKind::Confusion | ConflictKind::Overlay => earlier.conflicts += count,
        }
    }
    Ok(earlier)
}

/// How many of the source's last records there are, `most` at most, and the
/// position of the earliest of them.
async fn last_records(
    connection: &mut Connection,
    source: &SourceCode,
    before: Option<EventPosition>,
    most: u32,
) -> Result<(u32, EventPosition), StoreError> {
    let row = db::query(
        "select count(*), coalesce(min(position), 0) from (select position from records \
         where source = $1 and position < $2 order by position desc limit $3) as latest",
    )
    .bind(source.as_str().to_owned())
    .bind(before.map_or(i64::MAX, |before| before.0))
    .bind(i64::from(most))
    .fetch_one(connection)
    .await?;
    let reader = Reader::numbered(&row, "records")?;
    Ok((reader.count(0, "count")?, reader.position(1)?))
}

/// Loads the chains of the numbers of persons that are joined or parted, where they
/// have more than one (R15, R16).
pub(super) async fn load_chains_of(
    connection: &mut Connection,
    state: &mut RegistryState,
    persons: &BTreeSet<PersonId>,
) -> Result<(), StoreError> {
    let members = persons.iter().flat_map(|person| state.members(*person));
    let numbers = members.filter_map(|member| carried_number(&member.standard));
    let numbers: BTreeSet<NumberHash> = numbers.collect();
    if numbers.len() < 2 {
        return Ok(());
    }
    load_chains(connection, state, numbers).await
}

async fn load_chains(
    connection: &mut Connection,
    state: &mut RegistryState,
    numbers: BTreeSet<NumberHash>,
) -> Result<(), StoreError> {
    let mut asked = BTreeSet::new();
    let mut open: Vec<NumberHash> = numbers.into_iter().collect();
    while !open.is_empty() {
        asked.extend(open.iter().copied());
        let rows = REPLACEMENTS
            .select(connection, &[], &open, |query, number| {
                query.bind(number.0.cast_signed())
            })
            .await?;
        open.clear();
        for row in &rows {
            let reader = Reader::numbered(row, "number_replacements")?;
            let replaced = NumberHash(reader.number(0)?.cast_unsigned());
            let by = NumberHash(reader.number(1)?.cast_unsigned());
            state.replacements.entry(replaced).or_default().insert(by);
            if !asked.contains(&by) && !open.contains(&by) {
                open.push(by);
            }
        }
    }
    Ok(())
}

/// A quarantine, and its end, as [`QUARANTINES`] gives them.
fn quarantine_from(
    row: &Row,
) -> Result<(SourceCode, Quarantine, Option<EventPosition>), StoreError> {
    let reader = Reader::named(row, "source_quarantines")?;
    let quarantine = Quarantine {
        since: reader.position(1)?,
        record: RecordNumber(reader.number(3)?),
        because: reader.parsed(4, "because", parse_word::<QuarantineReason>)?,
        conflicts: reader.count(5, "conflicts")?,
        records: reader.count(6, "records")?,
        task: reader.parsed::<TaskId>(7, "task", parse_task)?,
    };
    let to = reader.number_or_null(2)?.map(EventPosition);
    Ok((reader.parsed(0, "source", parse_source)?, quarantine, to))
}

impl Store {
    /// The quarantines that hold, in order of source.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_quarantines(&self) -> Result<Vec<StoredQuarantine>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select q.source, q.from_position, q.to_position, q.record, q.because, q.conflicts, \
             q.records, q.task, r.local_id from source_quarantines q \
             join records r on r.record = q.record where q.to_position is null order by q.source",
        )
        .fetch_all(&mut connection)
        .await?;
        let mut quarantines = Vec::with_capacity(rows.len());
        for row in &rows {
            let (source, quarantine, _) = quarantine_from(row)?;
            let local_id = Reader::named(row, "records")?.parsed(8, "local_id", parse_local_id)?;
            quarantines.push(StoredQuarantine {
                source,
                local_id,
                quarantine,
            });
        }
        Ok(quarantines)
    }

    /// How many versions wait to be decided, of one source or of all.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_deferred(&self, source: Option<&SourceCode>) -> Result<u64, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        count_deferred(&mut connection, source).await
    }

    /// Of each record whose source is not quarantined any more the last version
    /// that waits, those that came first before the others.
    ///
    /// # Errors
    /// What the database says.
    pub async fn deferred_versions(&self, limit: u32) -> Result<Vec<DeferredVersion>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(
            "select d.record, d.version, r.source, r.local_id, p.submitted \
             from deferred_versions d join records r on r.record = d.record \
             left join payloads p on p.record = d.record and p.version = d.version \
             where not exists (select 1 from source_quarantines q \
             where q.source = r.source and q.to_position is null) \
             and not exists (select 1 from deferred_versions later \
             where later.record = d.record and later.version > d.version) \
             order by d.position limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut snapshot)
        .await?;
        let mut found = rows
            .iter()
            .map(deferred_from)
            .collect::<Result<Vec<_>, _>>()?;
        fill_overtaken(&mut snapshot, &mut found).await?;
        Ok(found)
    }
}

async fn fill_overtaken(
    connection: &mut Connection,
    deferred: &mut [DeferredVersion],
) -> Result<(), StoreError> {
    let records: Vec<RecordNumber> = deferred.iter().map(|waiting| waiting.record).collect();
    let rows = WAITING
        .select(connection, &[], &records, |query, record| {
            query.bind(record.0)
        })
        .await?;
    let mut waiting: BTreeMap<RecordNumber, Vec<_>> = BTreeMap::new();
    for row in &rows {
        let reader = Reader::numbered(row, "deferred_versions")?;
        let version = (reader.count(1, "version")?, reader.standard(2)?);
        let record = RecordNumber(reader.number(0)?);
        waiting.entry(record).or_default().push(version);
    }
    for last in deferred {
        let mut versions = waiting.remove(&last.record).unwrap_or_default();
        versions.retain(|(version, _)| *version < last.waiting.version);
        last.waiting.overtaken = versions;
    }
    Ok(())
}

fn deferred_from(row: &Row) -> Result<DeferredVersion, StoreError> {
    let reader = Reader::numbered(row, "deferred_versions")?;
    let text = reader.text_or_null(4)?;
    // The error of the parser is left out: it would quote the value.
    let submitted = text
        .map(|text| serde_json::from_str(&text).map_err(|_| reader.wrong("submitted")))
        .transpose()?;
    Ok(DeferredVersion {
        record: RecordNumber(reader.number(0)?),
        waiting: WaitingVersion {
            version: reader.count(1, "version")?,
            overtaken: Vec::new(),
        },
        source: reader.parsed(2, "source", parse_source)?,
        local_id: reader.parsed(3, "local_id", parse_local_id)?,
        submitted,
    })
}

/// The same, by a reader that is at hand.
pub(super) async fn count_deferred(
    connection: &mut Connection,
    source: Option<&SourceCode>,
) -> Result<u64, StoreError> {
    let query = match source {
        Some(source) => db::query(
            "select count(*) from deferred_versions d join records r on r.record = d.record \
             where r.source = $1",
        )
        .bind(source.as_str().to_owned()),
        None => db::query("select count(*) from deferred_versions"),
    };
    let waiting: i64 = query.fetch_one(connection).await?.try_get(0)?;
    Ok(waiting.unsigned_abs())
}
