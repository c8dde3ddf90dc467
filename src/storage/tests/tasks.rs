//! The queue of questions, its stages and what was written about them.

use super::{
    EventPosition, Ledger, Planned, ReadSet, RegistryEvent, Sent, actor, at, task_closed, task_id,
    task_opened,
};
use crate::foundation::{Instant, PersonId, RecordNumber, TaskId};
use crate::matching::Field;
use crate::registry::{EvidenceRow, TaskKind, TaskOutcome, TaskPriority, TaskStage, TaskState};
use crate::storage::{Assigned, QueuePart, QueuePlace, Remark, TaskFilter};

/// Two records with a person each.
async fn pair(ledger: &Ledger) -> (RecordNumber, [PersonId; 2]) {
    let (record, a) = ledger.register(Sent::new("a", &[7])).await;
    let (_, b) = ledger.register(Sent::new("b", &[8])).await;
    (record, [a.min(b), a.max(b)])
}

fn waiting() -> TaskFilter {
    TaskFilter {
        waits: Some(true),
        now: at(),
        ..TaskFilter::default()
    }
}

async fn listed(ledger: &Ledger, filter: &TaskFilter) -> Vec<TaskId> {
    let tasks = ledger.store.list_tasks(filter, QueuePart::First, 10).await;
    let tasks = tasks.expect("a list").into_iter();
    tasks.map(|(task, _)| task).collect()
}

async fn task(ledger: &Ledger, task: TaskId) -> TaskState {
    let found = ledger.store.load_task(task).await.expect("a read");
    found.expect("the task")
}

fn reads(persons: &[PersonId]) -> ReadSet {
    ReadSet {
        persons: persons.iter().map(|it| (*it, EventPosition(0))).collect(),
        ..ReadSet::default()
    }
}

fn urgent(event: RegistryEvent, priority: TaskPriority) -> RegistryEvent {
    match event {
        RegistryEvent::TaskOpened {
            task,
            kind,
            record,
            persons,
            weight_bits,
            reasons,
            evidence,
            ..
        } => RegistryEvent::TaskOpened {
            task,
            kind,
            record,
            persons,
            weight_bits: weight_bits.map(|bits| bits + f64::from(priority.place())),
            reasons,
            evidence,
            priority,
            compared: vec![],
            rows: vec![EvidenceRow {
                field: Field::Sex,
                level: "same".into(),
                weight_bits: 1.0,
            }],
        },
        other => other,
    }
}

async fn tasks_are_filtered() {
    let ledger = Ledger::new().await;
    let (record, pair) = pair(&ledger).await;
    let (first, second) = (task_id(1).min(task_id(2)), task_id(1).max(task_id(2)));
    let events = vec![
        task_opened(first, record, &pair),
        task_opened(second, record, &pair[..1]),
    ];
    ledger.run(ReadSet::default(), events).await;
    // Naming one person of the pair loads the task.
    ledger
        .run(reads(&pair[1..]), vec![task_closed(first)])
        .await;
    assert_eq!(listed(&ledger, &waiting()).await, [second]);
    let closed = TaskFilter {
        waits: Some(false),
        stage: Some(TaskStage::Closed),
        kind: Some(TaskKind::PossibleDuplicate),
        ..waiting()
    };
    assert_eq!(listed(&ledger, &closed).await, [first]);
    let of_source = |code: &str| TaskFilter {
        source: Some(crate::registry::SourceCode::parse(code).expect("a code")),
        ..waiting()
    };
    assert_eq!(listed(&ledger, &of_source("gp")).await, [second]);
    assert_eq!(listed(&ledger, &of_source("ed")).await, []);
    let about = |person| TaskFilter {
        persons: vec![person],
        waits: None,
        ..waiting()
    };
    assert_eq!(listed(&ledger, &about(pair[0])).await.len(), 2);
    assert_eq!(listed(&ledger, &about(pair[1])).await, [first]);
    let before = |microseconds: i64| TaskFilter {
        before: Some(Instant::from_microseconds(
            at().microseconds() + microseconds,
        )),
        ..waiting()
    };
    assert_eq!(listed(&ledger, &before(0)).await, []);
    assert_eq!(listed(&ledger, &before(1_000)).await, [second]);
    let view = ledger.store.load_person(pair[0]).await.expect("a read");
    assert_eq!(view.expect("the person").tasks, [second]);
    assert_eq!(task(&ledger, first).await.weight_bits, Some(3.25));
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn r116_the_queue_is_in_order_of_urgency_then_weight_then_age() {
    let ledger = Ledger::new().await;
    let (record, pair) = pair(&ledger).await;
    let mut tasks: Vec<TaskId> = (1..=7).map(task_id).collect();
    tasks.sort_unstable();
    let of = |place: usize, persons: &[PersonId], priority| {
        urgent(task_opened(tasks[place], record, persons), priority)
    };
    let events = vec![
        of(0, &pair, TaskPriority::Weight),
        of(1, &pair[..1], TaskPriority::Number),
        of(2, &pair[1..], TaskPriority::Sensitive),
        of(3, &[], TaskPriority::Confusion),
        of(4, &pair[..1], TaskPriority::Confusion),
        of(5, &pair[1..], TaskPriority::Household),
        // Lighter than the first: its weight is what the test's events have.
        task_opened(tasks[6], record, &pair[..1]),
    ];
    ledger.run(ReadSet::default(), events).await;
    let order = [5, 3, 4, 2, 1, 0, 6].map(|place| tasks[place]);
    assert_eq!(listed(&ledger, &waiting()).await, order);
    let mut paged = Vec::new();
    let mut part = QueuePart::First;
    let mut last_place = None;
    loop {
        let page = ledger.store.list_tasks(&waiting(), part, 2).await;
        let page = page.expect("a page");
        let Some((last, state)) = page.last() else {
            break;
        };
        let place = QueuePlace::of(*last, state);
        assert_eq!(QueuePlace::parse(&place.text()), Some(place));
        part = QueuePart::After(place);
        last_place = Some(place);
        paged.extend(page.iter().map(|(task, _)| *task));
    }
    assert_eq!(paged, order);
    let back = QueuePart::Before(last_place.expect("a last place"));
    let before = ledger.store.list_tasks(&waiting(), back, 2).await;
    let before: Vec<TaskId> = before.expect("a page").iter().map(|(it, _)| *it).collect();
    assert_eq!(before, [order[5], order[4]], "the nearest first");
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn a_claim_ends_by_the_clock() {
    let ledger = Ledger::new().await;
    let (record, pair) = pair(&ledger).await;
    let id = task_id(1);
    let until = Instant::from_microseconds(at().microseconds() + 1_000_000);
    let opened = task_opened(id, record, &pair);
    ledger.run(ReadSet::default(), vec![opened]).await;
    let claimed = RegistryEvent::TaskClaimed {
        task: id,
        by: "stewart".into(),
        until,
        assigned_by: None,
    };
    ledger.run(reads(&pair), vec![claimed]).await;
    let held = |assigned, now| TaskFilter {
        assigned: Some(assigned),
        now,
        ..waiting()
    };
    let own = || Assigned::To("stewart".into());
    assert_eq!(listed(&ledger, &held(own(), at())).await, [id]);
    assert_eq!(
        listed(&ledger, &held(Assigned::ToSomebody, at())).await,
        [id]
    );
    assert_eq!(listed(&ledger, &held(Assigned::ToNobody, at())).await, []);
    assert_eq!(listed(&ledger, &held(own(), until)).await, []);
    assert_eq!(
        listed(&ledger, &held(Assigned::ToNobody, until)).await,
        [id]
    );
    let state = task(&ledger, id).await;
    assert!(state.claim_at(at()).is_some() && state.claim_at(until).is_none());
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn what_readers_said_is_read_back_and_what_people_settled_is_loaded() {
    let ledger = Ledger::new().await;
    let (record, pair) = pair(&ledger).await;
    let id = task_id(1);
    let opened = urgent(task_opened(id, record, &pair), TaskPriority::Number);
    ledger.run(ReadSet::default(), vec![opened]).await;
    let read = RegistryEvent::TaskRead {
        task: id,
        by: "stewart".into(),
        outcome: TaskOutcome::Different,
        evidence: "11".into(),
    };
    let decided = RegistryEvent::TaskDecided {
        task: id,
        outcome: TaskOutcome::Different,
    };
    let remark = Remark {
        subject: id.to_string(),
        reason: "because".into(),
    };
    let done = ledger
        .store
        .commit(reads(&pair), actor(), at(), move |_, _| Planned {
            events: vec![read.clone(), decided.clone()],
            remark: Some(remark.clone()),
            ..Planned::nothing(())
        });
    done.await.expect("a commit");
    let state = task(&ledger, id).await;
    assert_eq!(
        (state.stage, state.outcome, state.version, state.reads.len()),
        (TaskStage::Decided, Some(TaskOutcome::Different), 3, 1)
    );
    assert_eq!(state.rows.len(), 1);
    let seen = ledger
        .store
        .commit(reads(&pair), actor(), at(), move |state, _| {
            Planned::nothing(state.tasks.get(&id).cloned())
        });
    assert_eq!(seen.await.expect("a commit"), Some(state));
    let (events, words) = ledger.store.task_history(id).await.expect("a read");
    assert_eq!(events.len(), 3);
    assert_eq!(
        words.get(&events[1].position).map(String::as_str),
        Some("because")
    );
    let labels = ledger.store.decided_tasks(None, 10).await.expect("a read");
    assert_eq!(labels.len(), 1);
    assert_eq!(labels[0].at, events[2].at, "when it was committed");
    let near = ledger.store.list_tasks_near(3.0, 10).await.expect("a read");
    assert!(near.windows(2).all(|two| {
        let away = |state: &TaskState| (state.weight_bits.unwrap_or(f64::MAX) - 3.0).abs();
        away(&two[0]) <= away(&two[1])
    }));
    assert_eq!(near.len(), 1);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

super::on_both_engines! {
    tasks_are_filtered,
    r116_the_queue_is_in_order_of_urgency_then_weight_then_age,
    a_claim_ends_by_the_clock,
    what_readers_said_is_read_back_and_what_people_settled_is_loaded,
}

/// A ledger with a note, spoiled so; what `verify` says.
async fn spoiled(sql: &'static str) -> Vec<&'static str> {
    let ledger = Ledger::new().await;
    let (record, pair) = pair(&ledger).await;
    let id = task_id(1);
    let opened = task_opened(id, record, &pair);
    ledger.run(ReadSet::default(), vec![opened]).await;
    let commented = RegistryEvent::TaskCommented {
        task: id,
        by: "stewart".into(),
    };
    let done = ledger
        .store
        .commit(reads(&pair), actor(), at(), move |_, _| Planned {
            events: vec![commented.clone()],
            remark: Some(Remark {
                subject: id.to_string(),
                reason: "a word".into(),
            }),
            ..Planned::nothing(())
        });
    done.await.expect("a commit");
    ledger.spoil(sql).await;
    let report = ledger.store.verify().await.expect("a check");
    report.violations.iter().map(|it| it.invariant).collect()
}

#[tokio::test]
async fn verify_finds_a_spoiled_queue_and_lost_words() {
    assert_eq!(spoiled("select 1").await, [""; 0]);
    for sql in [
        "update tasks set stage = 'escalated'",
        "update tasks set priority = 0",
        "update tasks set rank = 7",
        "update tasks set status = 'closed'",
        "update tasks set claimed_by = 'x', claimed_until = 9",
        "update tasks set version = 9",
    ] {
        assert_eq!(spoiled(sql).await, ["I10"], "{sql}");
    }
    assert_eq!(spoiled("delete from remarks").await, ["I1"]);
    // As an erasure leaves it.
    let erased = "update remarks set reason = null";
    assert_eq!(spoiled(erased).await, [""; 0]);
}
