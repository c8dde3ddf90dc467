//! What an operator watches: the queue and its door, tasks by age, the audit.

use super::{
    EventPosition, Instant, Ledger, Planned, ReadSet, Sent, StoreError, actor, at, task_id,
    task_opened,
};
use crate::storage::writer::QUEUE_MAX;

fn later(seconds: i64) -> Instant {
    Instant::from_microseconds(at().microseconds() + seconds * 1_000_000)
}

async fn nothing(store: crate::storage::Store) -> Result<(), StoreError> {
    let nothing = |_: &mut _, _: &_| Planned::nothing(());
    store
        .commit(ReadSet::default(), actor(), at(), nothing)
        .await
}

#[tokio::test]
async fn i17_who_waits_too_long_at_a_full_queue_is_refused_and_the_others_are_served() {
    let ledger = Ledger::new().await;
    let held = ledger.store.inner.writer.lock().await;
    // One is in the writer's hand, the queue is full behind it.
    let mut waiting = vec![tokio::spawn(nothing(ledger.store.clone()))];
    tokio::task::yield_now().await;
    while ledger.store.figures().waiting > 0 {
        tokio::task::yield_now().await;
    }
    waiting.extend((0..QUEUE_MAX).map(|_| tokio::spawn(nothing(ledger.store.clone()))));
    while ledger.store.figures().waiting < QUEUE_MAX {
        tokio::task::yield_now().await;
    }

    let refused = nothing(ledger.store.clone()).await;

    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    drop(held);
    for caller in waiting {
        caller.await.expect("no panic").expect("a commit");
    }
    let figures = ledger.store.figures();
    assert_eq!(figures.waiting, 0);
    assert!(figures.writing);
    assert_eq!(figures.group.sum, figures.commands);
    assert_eq!(figures.group.count, figures.commit_micros.count);
}

#[tokio::test]
async fn tasks_are_counted_by_kind_and_age() {
    let ledger = Ledger::new().await;
    let (record, person) = ledger.register(Sent::new("a", &[7])).await;
    let (_, other) = ledger.register(Sent::new("b", &[8])).await;
    let pair = [person.min(other), person.max(other)];
    let events = vec![task_opened(task_id(1), record, &pair)];
    ledger.run(ReadSet::default(), events).await;

    let before = [later(1), later(0), later(-1)];
    let gauges = ledger.store.task_gauges(before).await.expect("a read");

    let [gauge] = gauges.as_slice() else {
        panic!("{gauges:?}");
    };
    assert_eq!(gauge.kind, "possible_duplicate");
    assert_eq!((gauge.open, gauge.opened_before), (1, [1, 0, 0]));
    // When it was committed, which is later than when it came.
    assert!(gauge.oldest >= at());
}

#[tokio::test]
async fn audit_rows_wait_until_they_are_sealed() {
    let ledger = Ledger::new().await;
    let empty = ledger.store.audit_gauges().await.expect("a read");
    assert_eq!((empty.unsealed, empty.last_seal), (0, None));
    let entry = super::audit::entry("1", &[1]);
    ledger
        .store
        .append_audit(vec![entry])
        .await
        .expect("appended");
    let waiting = ledger.store.audit_gauges().await.expect("a read");
    assert_eq!((waiting.unsealed, waiting.oldest_unsealed), (1, Some(at())));
    ledger.store.seal_audit(later(5)).await.expect("sealed");
    let sealed = ledger.store.audit_gauges().await.expect("a read");
    assert_eq!((sealed.unsealed, sealed.last_seal), (0, Some(later(5))));
}

#[tokio::test]
async fn the_first_event_beyond_a_position_says_when_it_was_written() {
    let ledger = Ledger::new().await;
    let ask = async |position| {
        let asked = ledger.store.position_and_lag(EventPosition(position));
        asked.await.expect("a read")
    };
    assert_eq!(ask(0).await, (EventPosition(0), 0, None));
    ledger.register(Sent::new("a", &[7])).await;
    let (last, beyond, written) = ask(0).await;
    assert_eq!((last, beyond), (EventPosition(3), 1));
    assert!(written.is_some_and(|written| written >= at()));
    assert_eq!(ask(3).await, (EventPosition(3), 0, None));
}

#[tokio::test]
async fn r108_a_second_active_record_of_a_source_in_one_person_is_counted() {
    let ledger = Ledger::new().await;
    let (_, person) = ledger.register(Sent::new("a", &[1])).await;
    let counted = || async { ledger.store.source_duplicates().await.expect("a count") };
    assert_eq!(counted().await, []);
    ledger.join(Sent::new("b", &[2]), person).await;
    assert_eq!(counted().await, [(super::source().to_string(), 1)]);
    ledger.join(Sent::new("c", &[3]), person).await;
    assert_eq!(counted().await, [(super::source().to_string(), 1)]);
}
