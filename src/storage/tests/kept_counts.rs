//! Counts that a process keeps are those of a walk, whatever has happened.

use std::collections::BTreeMap;

use super::{
    EventPosition, Instant, Ledger, OPTIONS, PersonId, ReadSet, RecordNumber, RegistryEvent, Sent,
    at, decision, source, task_closed, task_id, task_opened, withdrawal,
};
use crate::foundation::{Chance, SeededChance, TaskId};
use crate::matching::Route;
use crate::registry::{TaskOutcome, TaskStage, UnlinkReason};
use crate::review::DueTimes;
use crate::storage::db;
use crate::storage::{Store, StoreOptions};

/// Steps of a history.
const STEPS: usize = 60;

/// What a history has made so far.
struct History {
    ledger: Ledger,
    chance: SeededChance,
    records: BTreeMap<RecordNumber, PersonId>,
    tasks: Vec<(TaskId, Vec<PersonId>)>,
}

impl History {
    fn below(&self, many: usize) -> usize {
        let mut drawn = [0; 4];
        self.chance.fill(&mut drawn);
        u32::from_le_bytes(drawn) as usize % many.max(1)
    }

    fn record(&self) -> Option<(RecordNumber, PersonId)> {
        let place = self.below(self.records.len());
        let found = self.records.iter().nth(place);
        found.map(|(record, person)| (*record, *person))
    }

    async fn step(&mut self, number: usize) {
        let choice = self.below(10);
        match (choice, self.record()) {
            (0 | 1, _) | (_, None) => {
                let sent = Sent::new(&format!("r{number}"), &[number as u64]);
                let (record, person) = self.ledger.register(sent).await;
                self.records.insert(record, person);
            }
            (2, Some((_, person))) => {
                let sent = Sent::new(&format!("r{number}"), &[number as u64]);
                let record = self.ledger.join(sent, person).await;
                self.records.insert(record, person);
            }
            (3, Some((record, person))) if self.is_alone(person) => {
                self.records.remove(&record);
                self.say(&[person], withdrawal(record, person)).await;
            }
            (4 | 5, Some((record, person))) => {
                let other = self.record().map(|(_, other)| other);
                let mut persons = vec![person];
                persons.extend(other.filter(|other| *other != person));
                persons.sort_unstable();
                let task = task_id(number as u64);
                let opened = task_opened(task, record, &persons);
                self.say(&persons, vec![opened]).await;
                self.tasks.push((task, persons));
            }
            (6, Some((record, person))) => self.link_anew(record, person).await,
            _ => self.work().await,
        }
    }

    fn is_alone(&self, person: PersonId) -> bool {
        self.records.values().filter(|own| **own == person).count() == 1
            && !self
                .tasks
                .iter()
                .any(|(_, persons)| persons.contains(&person))
    }

    async fn say(&self, persons: &[PersonId], events: Vec<RegistryEvent>) {
        let read = ReadSet {
            persons: persons.iter().map(|it| (*it, EventPosition(0))).collect(),
            whole: persons.to_vec(),
            ..ReadSet::default()
        };
        self.ledger.run(read, events).await;
    }

    /// The same record, the same person, by another route.
    async fn link_anew(&self, record: RecordNumber, person: PersonId) {
        let routes = [Route::Human, Route::Probabilistic, Route::Deterministic];
        let decision = decision(Some(routes[self.below(3)]));
        let events = vec![
            RegistryEvent::RecordUnlinked {
                record,
                person,
                because: UnlinkReason::Moved,
                merge: None,
            },
            RegistryEvent::RecordLinked {
                record,
                person,
                decision,
            },
        ];
        self.say(&[person], events).await;
    }

    /// A step with a question.
    async fn work(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let place = self.below(self.tasks.len());
        let (task, persons) = self.tasks[place].clone();
        let by = ["stewart", "sue"][self.below(2)].to_owned();
        let event = match self.below(5) {
            0 | 1 => RegistryEvent::TaskClaimed {
                task,
                by,
                until: Instant::from_microseconds(at().microseconds() + 60_000_000),
                assigned_by: None,
            },
            2 => RegistryEvent::TaskReleased { task, by },
            3 => task_closed(task),
            _ => RegistryEvent::TaskDecided {
                task,
                outcome: [TaskOutcome::Same, TaskOutcome::Different][self.below(2)],
            },
        };
        if matches!(
            event,
            RegistryEvent::TaskClosed { .. } | RegistryEvent::TaskDecided { .. }
        ) {
            self.tasks.remove(place);
        }
        self.say(&persons, vec![event]).await;
    }
}

/// Whether what a process keeps is what a walk finds, once followers see all.
async fn agrees(store: &Store) -> bool {
    let walked = store.count_ledger().await.expect("a walk");
    let compared = store.counted(|kept| {
        kept.tasks == walked.tasks && kept.links == walked.links && kept.deferred == walked.deferred
    });
    compared.await.expect("the counts")
}

/// Waits for the horizon: other tests of the cluster hold it back.
async fn come_to_agree(store: &Store) {
    for _ in 0..20_000 {
        if agrees(store).await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("what is kept is not what is there");
}

async fn one(store: &Store, sql: &'static str) -> i64 {
    let mut connection = store.inner.readers.acquire().await.expect("a reader");
    let row = db::query(sql)
        .fetch_one(&mut connection)
        .await
        .expect("a row");
    row.try_get(0).expect("a number")
}

async fn kept_counts_never_drift() {
    for seed in 1..=3 {
        let mut history = History {
            ledger: Ledger::new().await,
            chance: SeededChance::new(seed),
            records: BTreeMap::new(),
            tasks: Vec::new(),
        };
        // Another process counts from the beginning, this one from the middle on.
        let beside = StoreOptions {
            exclusive: false,
            ..OPTIONS
        };
        let beside = history.ledger.open_beside(beside).await;
        beside.keep_counts().await.expect("nothing yet");
        for number in 0..STEPS {
            history.step(number).await;
            if number % 20 == 10 {
                history.ledger.store.keep_counts().await.expect("counts");
            }
        }
        let store = &history.ledger.store;
        come_to_agree(store).await;
        come_to_agree(&beside).await;
        let due = DueTimes::default();
        let waiting = store.count_waiting((at(), &due), false).await;
        let waiting = waiting.expect("a count");
        let tasks: u32 = waiting.iter().map(|heap| heap.tasks).sum();
        let open = "select count(*) from tasks where status = 'open'";
        assert_eq!(i64::from(tasks), one(store, open).await);
        let held = waiting.iter().filter(|heap| heap.in_hand.is_some());
        let held: u32 = held.map(|heap| heap.tasks).sum();
        let claimed = "select count(*) from tasks where status = 'open' \
            and claimed_until > 1700000000000000";
        assert_eq!(i64::from(held), one(store, claimed).await);
        let links = store.count_links_by_weight().await.expect("a count");
        let links: u64 = links.iter().map(|tally| tally.links).sum();
        let open = "select count(*) from links where to_position is null";
        assert_eq!(links.cast_signed(), one(store, open).await);
        let answers = store.answers_by_weight().await.expect("answers").len();
        let decided = "select count(*) from tasks where stage = 'decided' \
            and person_b is not null";
        assert_eq!(i64::try_from(answers).ok(), Some(one(store, decided).await));
        beside.close().await;
    }
}

async fn what_waits_for_a_source_is_counted_until_it_is_decided() {
    let (ledger, record) = super::sources::quarantined().await;
    let waits = async || ledger.store.waiting_versions().await.expect("counts");
    come_to_agree(&ledger.store).await;
    assert_eq!(waits().await, BTreeMap::from([(source(), 1)]));
    let decided = RegistryEvent::DeferredDecided { record, version: 1 };
    ledger.run(ReadSet::default(), vec![decided]).await;
    come_to_agree(&ledger.store).await;
    assert_eq!(waits().await, BTreeMap::new());
}

async fn a_question_is_counted_as_late_when_its_time_is_over() {
    let ledger = Ledger::new().await;
    let (record, person) = ledger.register(Sent::new("a", &[7])).await;
    let opened = task_opened(task_id(1), record, &[person]);
    ledger.run(ReadSet::default(), vec![opened]).await;
    come_to_agree(&ledger.store).await;
    let due = DueTimes::default();
    let hour = 3_600_000_000;
    for (hours, overdue) in [(335, 0), (337, 1)] {
        let now = Instant::from_microseconds(at().microseconds() + hours * hour);
        let counted = ledger.store.count_waiting((now, &due), false).await;
        let counted = counted.expect("a count");
        assert_eq!((counted.len(), counted[0].overdue), (1, overdue), "{hours}");
        assert_eq!(counted[0].oldest, task_id(1).made_at());
    }
    let state = ledger.store.load_task(task_id(1)).await.expect("a read");
    assert_eq!(state.map(|it| it.stage), Some(TaskStage::Open));
}

super::on_both_engines! {
    kept_counts_never_drift,
    what_waits_for_a_source_is_counted_until_it_is_decided,
    a_question_is_counted_as_late_when_its_time_is_over,
}
