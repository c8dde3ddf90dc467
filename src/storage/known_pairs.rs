//! Known pairs, beside the ledger (R117): no event, no task, no patient in them.

use crate::foundation::{Instant, TaskId};
use crate::registry::{RegistryState, TaskOutcome};
use crate::review::{KnownAnswer, KnownPair};
use crate::security::AuditEntry;
use crate::storage::command::{CommitActor, CommitReads, Planned, ReadSet};
use crate::storage::db::{self, Connection, Query, Row};
use crate::storage::rows::{Reader, json, parse_task, parse_word, word};
use crate::storage::{Store, StoreError};

/// A known pair as stored.
#[derive(Clone)]
pub struct StoredKnownPair {
    /// The pair.
    pub pair: KnownPair,
    /// Whose hands it is for; once answered, who answered.
    pub reader: String,
    /// Changes of the row, counted from 1.
    pub version: i64,
    /// When it was given.
    pub dealt_at: Instant,
    /// When it was answered, and how.
    pub answered: Option<(Instant, TaskOutcome)>,
}

/// What is to be written of a pair.
#[derive(Clone)]
pub enum KnownPairWrite {
    /// It is given for the first time.
    New(Box<StoredKnownPair>),
    /// Something has happened to it, since it was read at its version.
    Changed(Box<StoredKnownPair>),
}

impl std::fmt::Debug for KnownPairWrite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::New(stored) | Self::Changed(stored)) = self;
        let mut tuple = formatter.debug_tuple("KnownPairWrite");
        tuple.field(&stored.pair.task).finish()
    }
}

impl KnownPairWrite {
    /// Writes it, inside the commit.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let query = match self {
            Self::New(stored) => inserted(stored),
            Self::Changed(stored) => updated(stored),
        };
        match query.execute(connection).await? {
            0 => Err(StoreError::Changed),
            _ => Ok(()),
        }
    }
}

fn inserted(stored: &StoredKnownPair) -> Query {
    db::query(
        "insert into known_pairs (task, reader, truth, sides, entries, version, dealt_at, \
         answered_at, answer) values ($1, $2, $3, $4, $5, $6, $7, null, null)",
    )
    .bind(stored.pair.task.to_string())
    .bind(stored.reader.clone())
    .bind(word(&stored.pair.answer()))
    .bind(json(&stored.pair.sides))
    .bind(json(&stored.pair.entries))
    .bind(stored.version)
    .bind(stored.dealt_at.microseconds())
}

fn updated(stored: &StoredKnownPair) -> Query {
    let (at, answer) = stored.answered.unzip();
    db::query(
        "update known_pairs set reader = $3, entries = $4, version = $2 + 1, \
         answered_at = $5, answer = $6 where task = $1 and version = $2",
    )
    .bind(stored.pair.task.to_string())
    .bind(stored.version)
    .bind(stored.reader.clone())
    .bind(json(&stored.pair.entries))
    .bind(at.map(Instant::microseconds))
    .bind(answer.map(|answer| word(&answer)))
}

/// From reader to reader by their index: what is answered is never looked at, and readers
/// are few.
const WAITING: &str = "with recursive readers (reader) as ( \
        select min(reader) from known_pairs \
        union all select (select min(k.reader) from known_pairs k where k.reader > readers.reader) \
        from readers where readers.reader is not null) \
    select k.task, k.reader, k.truth, k.sides, k.entries, k.version, k.dealt_at, k.answered_at, \
        k.answer \
    from readers join known_pairs k on k.reader = readers.reader and k.answered_at is null \
    order by k.task";

const SELECTED: &str = "select task, reader, truth, sides, entries, version, dealt_at, \
    answered_at, answer from known_pairs";

impl Store {
    /// Keeps what has become of a pair, with the audit rows that say who did it.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it has changed meanwhile; else what the database says.
    pub async fn keep_known_pair(
        &self,
        pair: KnownPairWrite,
        (actor, audit): (CommitActor, Vec<AuditEntry>),
        at: Instant,
    ) -> Result<(), StoreError> {
        let plan = move |_: &mut RegistryState, _: &CommitReads| Planned {
            known_pair: Some(pair.clone()),
            audit: audit.clone(),
            ..Planned::nothing(())
        };
        self.commit(ReadSet::default(), actor, at, plan).await
    }

    /// The pair of this id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_known_pair(
        &self,
        task: TaskId,
    ) -> Result<Option<StoredKnownPair>, StoreError> {
        let query = db::query(format!("{SELECTED} where task = $1")).bind(task.to_string());
        Ok(self.known_pairs(query).await?.into_iter().next())
    }

    /// Pairs that wait for an answer of this reader.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_known_pairs(&self, reader: &str) -> Result<Vec<StoredKnownPair>, StoreError> {
        let text = format!("{SELECTED} where reader = $1 and answered_at is null order by task");
        self.known_pairs(db::query(text).bind(reader.to_owned()))
            .await
    }

    /// Pairs that wait for anybody's answer.
    ///
    /// # Errors
    /// What the database says.
    pub async fn waiting_known_pairs(&self) -> Result<Vec<StoredKnownPair>, StoreError> {
        self.known_pairs(db::query(WAITING)).await
    }

    async fn known_pairs(&self, query: Query) -> Result<Vec<StoredKnownPair>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = query.fetch_all(&mut connection).await?;
        rows.iter().map(pair_of).collect()
    }

    /// What was said to known pairs, those dealt last first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn known_answers(&self, most: u32) -> Result<Vec<KnownAnswer>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select reader, truth, answer from known_pairs where answered_at is not null \
             order by dealt_at desc, task desc limit $1",
        )
        .bind(i64::from(most))
        .fetch_all(&mut connection)
        .await?;
        let answers = rows.iter().map(|row| {
            let reader = Reader::named(row, "known_pairs")?;
            Ok(KnownAnswer {
                by: reader.text(0)?,
                right: reader.parsed(1, "truth", parse_word)?,
                said: reader.parsed(2, "answer", parse_word)?,
            })
        });
        answers.collect()
    }
}

fn pair_of(row: &Row) -> Result<StoredKnownPair, StoreError> {
    let reader = Reader::named(row, "known_pairs")?;
    let truth: TaskOutcome = reader.parsed(2, "truth", parse_word)?;
    let answered_at = reader.instant_or_null(7)?;
    let answer = reader.text_or_null(8)?;
    let answer = answer.map(|text| parse_word(&text).ok_or_else(|| reader.wrong("answer")));
    Ok(StoredKnownPair {
        pair: KnownPair {
            task: reader.parsed(0, "task", parse_task)?,
            same: truth == TaskOutcome::Same,
            sides: reader.parsed(3, "sides", |text| serde_json::from_str(text).ok())?,
            entries: reader.parsed(4, "entries", |text| serde_json::from_str(text).ok())?,
        },
        reader: reader.text(1)?,
        version: reader.number(5)?,
        dealt_at: Instant::from_microseconds(reader.number(6)?),
        answered: answered_at.zip(answer.transpose()?),
    })
}
