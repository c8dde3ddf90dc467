//! What is shown of merges beside commands: their steps, who was told which
//! id, and what one account has decided.

use std::collections::BTreeMap;

use crate::foundation::{
    AssertionId, EventPosition, Instant, MergeId, PersonId, RecordNumber, TaskId,
};
use crate::registry::{LocalId, MergeState, SourceCode};
use crate::storage::db;
use crate::storage::merge_rows::load_merges;
use crate::storage::rows::{
    Reader, parse_assertion, parse_local_id, parse_merge, parse_person, parse_source,
};
use crate::storage::{Store, StoreError};

/// Readers that a list of those who were told names.
const TOLD_MAX: i64 = 500;

/// A merge as it is shown.
#[derive(Debug, Clone)]
pub struct StoredMerge {
    /// The merge.
    pub state: MergeState,
    /// The records that it has carried over.
    pub moved: Vec<(SourceCode, LocalId)>,
    /// What happened to it, oldest first.
    pub steps: Vec<MergeStep>,
}

/// One step of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeStep {
    /// The kind of the event.
    pub kind: String,
    /// When.
    pub at: Instant,
    /// Account.
    pub actor: String,
    /// The reason in words; absent where none was given, and after an erasure.
    pub reason: Option<String>,
}

/// Somebody who was told an id of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldReader {
    /// The id.
    pub person: PersonId,
    /// Account.
    pub actor: String,
    /// The person for whom a system asked.
    pub on_behalf_of: Option<String>,
    /// How often.
    pub times: u64,
    /// First.
    pub first_at: Instant,
    /// Last.
    pub last_at: Instant,
}

/// A decision of a human that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActorDecision {
    /// A merge that holds.
    Merge(MergeId),
    /// An assertion that holds.
    Assertion(AssertionId),
    /// A record moved, and still where it was moved to.
    Move {
        /// The record's source.
        source: SourceCode,
        /// Its id there.
        local_id: LocalId,
        /// Whom it had left.
        from: PersonId,
        /// The link that the move opened.
        since: EventPosition,
    },
}

impl Store {
    /// Whether something is said by this id of two records and was not taken back.
    ///
    /// # Errors
    /// What the database says.
    pub async fn assertion_holds(&self, assertion: AssertionId) -> Result<bool, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select made_position from assertions where assertion = $1 and withdrawn = 0",
        )
        .bind(assertion.to_string())
        .fetch_optional(&mut connection)
        .await?;
        Ok(row.is_some())
    }

    /// A merge with its steps.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_merge(&self, merge: MergeId) -> Result<Option<StoredMerge>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let found = load_merges(&mut snapshot, &[merge]).await?;
        let Some(state) = found.into_values().next() else {
            return Ok(None);
        };
        let rows = db::query(
            "select r.record, r.source, r.local_id from merge_records m \
             join records r on r.record = m.record where m.merge = $1 and m.side = 'moved' \
             order by r.record",
        )
        .bind(merge.to_string())
        .fetch_all(&mut snapshot)
        .await?;
        let mut moved = Vec::with_capacity(rows.len());
        for row in &rows {
            let reader = Reader::numbered(row, "records")?;
            moved.push((
                reader.parsed(1, "source", parse_source)?,
                reader.parsed(2, "local_id", parse_local_id)?,
            ));
        }
        let rows = db::query(
            "select e.position, e.kind, e.at, e.actor, k.reason from event_subjects s \
             join events e on e.position = s.position \
             left join remarks k on k.position = e.position \
             where s.subject = $1 order by e.position",
        )
        .bind(merge.to_string())
        .fetch_all(&mut snapshot)
        .await?;
        let mut steps = Vec::with_capacity(rows.len());
        for row in &rows {
            let reader = Reader::numbered(row, "events")?;
            steps.push(MergeStep {
                kind: reader.text(1)?,
                at: Instant::from_microseconds(reader.number(2)?),
                actor: reader.text(3)?,
                reason: reader.text_or_null(4)?,
            });
        }
        Ok(Some(StoredMerge {
            state,
            moved,
            steps,
        }))
    }

    /// Why the merge was proposed whose approval a task asks for, in words; absent where
    /// none were given, and after an erasure. `persons` are those of the task.
    ///
    /// # Errors
    /// What the database says.
    pub async fn words_of_proposal(
        &self,
        task: TaskId,
        persons: [PersonId; 2],
    ) -> Result<Option<String>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let [one, other] = persons;
        // By the persons: a merge is not found by its task.
        let row = db::query(
            "select m.merge, k.reason from merges m \
             join event_subjects s on s.subject = m.merge \
             join events e on e.position = s.position and e.kind = 'merge_proposed' \
             join remarks k on k.position = e.position \
             where m.survivor in ($1, $2) and m.task = $3",
        )
        .bind(one.to_string())
        .bind(other.to_string())
        .bind(task.to_string())
        .fetch_optional(&mut connection)
        .await?;
        let reason = row.map(|row| Reader::named(&row, "merges")?.text_or_null(1));
        Ok(reason.transpose()?.flatten())
    }

    /// Who was told the id of a person since then, the last one first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn readers_told(
        &self,
        person: PersonId,
        since: Instant,
    ) -> Result<Vec<ToldReader>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select a.actor, a.on_behalf_of, count(*), min(a.at), max(a.at) from audit_persons p \
             join audit a on a.audit = p.audit where p.person = $1 and a.at >= $2 \
             group by a.actor, a.on_behalf_of order by max(a.at) desc, a.actor limit $3",
        )
        .bind(person.to_string())
        .bind(since.microseconds())
        .bind(TOLD_MAX)
        .fetch_all(&mut connection)
        .await?;
        let told = rows.iter().map(|row| {
            let reader = Reader::named(row, "audit")?;
            Ok(ToldReader {
                person,
                actor: reader.text(0)?,
                on_behalf_of: reader.text_or_null(1)?,
                times: u64::try_from(reader.number(2)?).unwrap_or(0),
                first_at: Instant::from_microseconds(reader.number(3)?),
                last_at: Instant::from_microseconds(reader.number(4)?),
            })
        });
        told.collect()
    }

    /// What a human has decided in a span of time and what holds still, the last
    /// decision first: by an account of that name, or by a system that acted for a
    /// person of that name. For the account of such a system it is what it has
    /// decided for anybody.
    ///
    /// # Errors
    /// What the database says.
    pub async fn decisions_of(
        &self,
        by: &str,
        from: Instant,
        to: Instant,
    ) -> Result<Vec<ActorDecision>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let mut found: BTreeMap<EventPosition, ActorDecision> = BTreeMap::new();
        let rows = db::query(
            "select m.merge, m.made_position from merges m \
             join events e on e.position = m.made_position \
             where (m.made_by = $1 or m.asked_by = $1 or e.actor = $1) and m.status = 'done' \
             and e.at >= $2 and e.at < $3",
        )
        .bind(by.to_owned())
        .bind(from.microseconds())
        .bind(to.microseconds())
        .fetch_all(&mut snapshot)
        .await?;
        for row in &rows {
            let reader = Reader::named(row, "merges")?;
            let merge = reader.parsed(0, "merge", parse_merge)?;
            found.insert(reader.position(1)?, ActorDecision::Merge(merge));
        }
        let rows = db::query(
            "select a.assertion, a.made_position from assertions a \
             join events e on e.position = a.made_position \
             where (a.made_by = $1 or e.actor = $1) and a.withdrawn = 0 and e.at >= $2 and e.at < $3",
        )
        .bind(by.to_owned())
        .bind(from.microseconds())
        .bind(to.microseconds())
        .fetch_all(&mut snapshot)
        .await?;
        for row in &rows {
            let reader = Reader::named(row, "assertions")?;
            let assertion = reader.parsed(0, "assertion", parse_assertion)?;
            found.insert(reader.position(1)?, ActorDecision::Assertion(assertion));
        }
        let rows = db::query(MOVES)
            .bind(by.to_owned())
            .bind(from.microseconds())
            .bind(to.microseconds())
            .fetch_all(&mut snapshot)
            .await?;
        for row in &rows {
            let reader = Reader::numbered(row, "links")?;
            let since = reader.position(1)?;
            let moved = ActorDecision::Move {
                source: reader.parsed(2, "source", parse_source)?,
                local_id: reader.parsed(3, "local_id", parse_local_id)?,
                from: reader.parsed(4, "person", parse_person)?,
                since,
            };
            found.insert(since, moved);
        }
        Ok(found.into_values().rev().collect())
    }

    /// Names of records.
    ///
    /// # Errors
    /// What the database says.
    pub async fn record_names(
        &self,
        records: &[RecordNumber],
    ) -> Result<BTreeMap<RecordNumber, (SourceCode, LocalId)>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        crate::storage::event_feed::names(&mut connection, records).await
    }
}

/// Open links that a human's move has made, with the link before each.
const MOVES: &str = "select l.record, l.from_position, r.source, r.local_id, b.person from links l \
    join events e on e.position = l.from_position \
    join records r on r.record = l.record \
    join links b on b.record = l.record and b.from_position = \
    (select max(x.from_position) from links x \
        where x.record = l.record and x.from_position < l.from_position) \
    where (e.actor = $1 or exists (select 1 from audit_persons p \
        join audit a on a.audit = p.audit where p.person = l.person \
        and a.request_id = e.request_id and a.on_behalf_of = $1)) and e.at >= $2 and e.at < $3 and l.to_position is null \
    and l.route = 'human' and l.home_position is null";
