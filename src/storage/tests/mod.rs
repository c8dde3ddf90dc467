//! What every engine must do, as functions over a store. Plans are made by
//! hand: who is who is the registry's business.

/// Runs tests of this module on SQLite and on PostgreSQL.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                crate::storage::tests::on_postgres(super::$test()).await;
            })+
        }
    };
}
use on_both_engines;

mod audit;
mod contract;
mod erasures;
mod gauges;
mod goldens;
mod kept_counts;
mod kept_models;
mod merges;
mod moments;
mod opening;
mod plans;
mod shared;
mod sources;
mod tasks;
mod together;
mod verify;
mod webhooks;
mod writer;

#[path = "../../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "the proofs use the rest")]
mod postgres;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{
    CommitActor, CommitReads, NewVersion, Planned, ReadSet, Store, StoreError, StoreOptions,
};
use crate::foundation::hex;
use crate::foundation::{
    Chance, EventPosition, Instant, PersonId, RecordNumber, SeededChance, TaskId,
};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::matching::{ModelId, Route};
use crate::registry::{
    CloseReason, LinkDecision, LocalId, RegistryEvent, RegistryState, SourceCode, TaskKind,
    TaskPriority, UnlinkReason, VersionStanding,
};

pub(super) const OPTIONS: StoreOptions = StoreOptions {
    live: false,
    create: true,
    exclusive: true,
};

pub(super) fn at() -> Instant {
    Instant::from_microseconds(1_700_000_000_000_000)
}

tokio::task_local! {
    /// Whether ledgers are made in the cluster.
    static SHARED: bool;
}

/// Runs a test whose ledgers are databases of the tests' cluster; says so where
/// there can be none.
pub(super) async fn on_postgres(test: impl Future<Output = ()>) {
    if let Err(why) = postgres::Cluster::shared() {
        let mut err = std::io::stderr().lock();
        writeln!(err, "skipped on PostgreSQL: {why}").expect("standard error takes a line");
        return;
    }
    SHARED.scope(true, test).await;
}

/// A store in a directory of its own, with one source.
pub(super) struct Ledger {
    pub(super) store: Store,
    directory: TempDir,
    url: Option<String>,
}

impl Ledger {
    pub(super) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let url = if SHARED.try_with(|shared| *shared).unwrap_or(false) {
            let made = tokio::task::spawn_blocking(|| {
                let cluster = postgres::Cluster::shared().expect("a PostgreSQL server");
                cluster.create_database()
            });
            Some(made.await.expect("a database"))
        } else {
            None
        };
        let store = open(url.as_deref(), directory.path()).await;
        store.ensure_source(&source()).await.expect("a source");
        Self {
            store,
            directory,
            url,
        }
    }

    /// Another store on the same ledger.
    pub(super) async fn open_beside(&self, options: StoreOptions) -> Store {
        let directory = self.directory.path();
        let opened = match &self.url {
            Some(url) => Store::open_database(url, directory, options).await,
            None => Store::open(directory, options).await,
        };
        opened.expect("open")
    }

    /// How many events there are; the ledger must be sound.
    pub(super) async fn events(&self) -> u64 {
        let report = self.store.verify().await.expect("a check");
        assert!(report.is_sound(), "{report:?}");
        report.checked.events
    }

    /// Waits until followers may see all that is committed: other tests of the
    /// cluster hold the horizon back.
    pub(super) async fn settled(&self) -> EventPosition {
        let mut connection = self.store.inner.readers.acquire().await.expect("a reader");
        let row = super::db::query("select coalesce(max(stamp), 0) from records")
            .fetch_one(&mut connection)
            .await;
        let last = row.expect("a read").try_get(0).map(EventPosition);
        let last = last.expect("a number");
        loop {
            let now = self.store.followed_position().await.expect("a read");
            if now >= last {
                return last;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Another process on the same database.
    pub(super) async fn another(&self) -> (Store, TempDir) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = open(self.url.as_deref(), directory.path()).await;
        (store, directory)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Closes the store and opens it again.
    pub(super) async fn reopen(self) -> Self {
        self.store.close().await;
        drop(self.store);
        Self {
            store: open(self.url.as_deref(), self.directory.path()).await,
            ..self
        }
    }

    /// Registers a record under a person of its own.
    pub(super) async fn register(&self, sent: Sent) -> (RecordNumber, PersonId) {
        let answer = self
            .store
            .commit(sent.read(), actor(), at(), move |state, _| {
                sent.alone(state)
            })
            .await;
        answer.expect("a registration")
    }

    /// Registers a record under a person that is there.
    pub(super) async fn join(&self, sent: Sent, person: PersonId) -> RecordNumber {
        let mut read = sent.read();
        read.persons.push((person, EventPosition(0)));
        let answer = self
            .store
            .commit(read, actor(), at(), move |state, _| {
                sent.joined(state, person)
            })
            .await;
        answer.expect("a registration")
    }

    pub(super) async fn run(&self, read: ReadSet, events: Vec<RegistryEvent>) {
        let done = self.store.commit(read, actor(), at(), move |_, _| Planned {
            events: events.clone(),
            ..Planned::nothing(())
        });
        done.await.expect("a commit");
    }

    /// Breaks the ledger behind the store's back: constraints and triggers off.
    pub(super) async fn spoil(&self, sql: &'static str) {
        let mut writer = self.store.inner.writer.lock().await;
        let connection = writer.connection().await.expect("a connection");
        let whole = [
            "pragma foreign_keys = off",
            "pragma ignore_check_constraints = on",
            "drop trigger if exists events_never_change",
            "drop trigger if exists events_never_leave",
            "drop trigger if exists audit_never_changes",
            "drop trigger if exists audit_never_leaves",
            sql,
        ];
        for statement in whole {
            super::db::query(statement)
                .execute(&mut *connection)
                .await
                .expect("broken");
        }
    }
}

async fn open(url: Option<&str>, directory: &std::path::Path) -> Store {
    let opened = match url {
        Some(url) => Store::open_database(url, directory, OPTIONS).await,
        None => Store::open(directory, OPTIONS).await,
    };
    opened.expect("open")
}

pub(super) fn source() -> SourceCode {
    SourceCode::parse("gp").expect("a source code")
}

pub(super) fn actor() -> CommitActor {
    CommitActor {
        actor: "tester".into(),
        request_id: "request-1".into(),
    }
}

pub(super) fn person_id(seed: u64) -> PersonId {
    PersonId::new(at(), &SeededChance::new(seed))
}

pub(super) fn task_id(seed: u64) -> TaskId {
    TaskId::new(at(), &SeededChance::new(seed))
}

pub(super) fn decision(route: Option<Route>) -> LinkDecision {
    let model: ModelId = serde_json::from_str("\"0123456789abcdef\"").expect("a model id");
    LinkDecision {
        route,
        weight_bits: route.map(|_| 17.300_000_000_000_004),
        model,
        standardiser: 1,
        version: 1,
        compared: vec![],
        rows: vec![],
        reasons: vec![],
        carried: None,
    }
}

/// A record as a test sends it.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) local_id: LocalId,
    pub(super) submitted: String,
    pub(super) standard: Arc<StandardRecord>,
    pub(super) keys: Vec<u64>,
}

impl Sent {
    pub(super) fn new(local_id: &str, keys: &[u64]) -> Self {
        let submitted = SubmittedRecord {
            family_name: Some("Example".into()),
            gp_practice: Some(local_id.into()),
            ..SubmittedRecord::default()
        };
        let standard = StandardRecord {
            gp_practice: Some(local_id.into()),
            ..StandardRecord::default()
        };
        Self {
            local_id: LocalId::parse(local_id).expect("a local id"),
            submitted: serde_json::to_string(&submitted).expect("JSON"),
            standard: Arc::new(standard),
            keys: keys.to_vec(),
        }
    }

    pub(super) fn read(&self) -> ReadSet {
        ReadSet {
            records: vec![(source(), self.local_id.clone())],
            keys: self.keys.clone(),
            ..ReadSet::default()
        }
    }

    pub(super) fn digest(&self) -> String {
        hex(&Sha256::digest(self.submitted.as_bytes()))
    }

    fn version(&self, record: RecordNumber, version: u32) -> NewVersion {
        NewVersion {
            record,
            version,
            submitted: self.submitted.clone(),
            standard: Arc::clone(&self.standard),
            findings: "[]".into(),
            answer: format!("{{\"version\":{version}}}"),
        }
    }

    fn planned<A>(
        &self,
        record: RecordNumber,
        events: Vec<RegistryEvent>,
        answer: A,
    ) -> Planned<A> {
        Planned {
            events,
            versions: vec![self.version(record, 1)],
            keys: vec![(record, self.keys.clone())],
            ..Planned::nothing(answer)
        }
    }

    fn registered(&self, record: RecordNumber) -> RegistryEvent {
        RegistryEvent::RecordRegistered {
            record,
            source: source(),
            local_id: self.local_id.clone(),
            digest: self.digest(),
            effective_at: None,
        }
    }

    /// A person of its own.
    pub(super) fn alone(&self, state: &RegistryState) -> Planned<(RecordNumber, PersonId)> {
        let record = state.counters.record.next();
        let person = PersonId::new(at(), &LocalChance(&self.local_id));
        let events = vec![
            self.registered(record),
            RegistryEvent::PersonCreated { person },
            RegistryEvent::RecordLinked {
                record,
                person,
                decision: decision(None),
            },
        ];
        self.planned(record, events, (record, person))
    }

    /// Under a person that is there.
    pub(super) fn joined(&self, state: &RegistryState, person: PersonId) -> Planned<RecordNumber> {
        let record = state.counters.record.next();
        let events = vec![
            self.registered(record),
            RegistryEvent::RecordLinked {
                record,
                person,
                decision: decision(Some(Route::Deterministic)),
            },
        ];
        self.planned(record, events, record)
    }

    /// A further version.
    pub(super) fn updated(
        &self,
        record: RecordNumber,
        version: u32,
        standing: VersionStanding,
    ) -> Planned<()> {
        Planned {
            events: vec![RegistryEvent::RecordUpdated {
                record,
                version,
                digest: self.digest(),
                effective_at: Some(at()),
                standing,
            }],
            versions: vec![self.version(record, version)],
            keys: vec![(record, self.keys.clone())],
            ..Planned::nothing(())
        }
    }
}

/// Ids that follow from the local id, so that tests repeat.
struct LocalChance<'a>(&'a LocalId);

impl Chance for LocalChance<'_> {
    fn fill(&self, bytes: &mut [u8]) {
        let digest = Sha256::digest(self.0.as_str().as_bytes());
        for (byte, drawn) in bytes.iter_mut().zip(digest) {
            *byte = drawn;
        }
    }
}

pub(super) fn withdrawal(record: RecordNumber, person: PersonId) -> Vec<RegistryEvent> {
    vec![
        RegistryEvent::RecordWithdrawn { record },
        RegistryEvent::RecordUnlinked {
            record,
            person,
            because: UnlinkReason::Withdrawn,
            merge: None,
        },
        RegistryEvent::PersonWithdrawn { person },
    ]
}

pub(super) fn task_opened(
    task: TaskId,
    record: RecordNumber,
    persons: &[PersonId],
) -> RegistryEvent {
    RegistryEvent::TaskOpened {
        task,
        kind: TaskKind::PossibleDuplicate,
        record,
        persons: persons.to_vec(),
        weight_bits: Some(3.25),
        reasons: vec![],
        evidence: "00".into(),
        priority: TaskPriority::Weight,
        compared: vec![],
        rows: vec![],
    }
}

pub(super) const fn task_closed(task: TaskId) -> RegistryEvent {
    RegistryEvent::TaskClosed {
        task,
        because: CloseReason::Superseded,
    }
}
