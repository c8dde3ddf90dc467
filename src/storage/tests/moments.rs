//! When a commit was, and what was known then.

use std::collections::BTreeMap;

use super::{Ledger, Planned, Sent, actor, at, on_postgres, source, withdrawal};
use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber};
use crate::storage::{Moment, Store, StoreError};

fn seconds(count: i64) -> Instant {
    at().plus_microseconds(count * 1_000_000)
}

/// A record under a person of its own, by a caller whose clock says `now`.
async fn register(store: &Store, name: &str, now: Instant) -> (RecordNumber, PersonId) {
    let sent = Sent::new(name, &[]);
    let read = sent.read();
    let done = store.commit(read, actor(), now, move |state, _| sent.alone(state));
    done.await.expect("a registration")
}

async fn times(store: &Store) -> BTreeMap<EventPosition, Instant> {
    let mut times = BTreeMap::new();
    let walked: Result<(), StoreError> = store
        .for_each_event(EventPosition(0), |event| {
            times.insert(event.position, event.at);
            Ok(())
        })
        .await;
    walked.expect("a walk");
    times
}

async fn moment(store: &Store, asked: Instant) -> Moment {
    let moment = store.moment(asked, asked).await.expect("a read");
    moment.expect("not in the future")
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_reorder_what_was_known() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    register(store, "a", seconds(100)).await;
    register(store, "b", seconds(200)).await;
    let (_, late) = register(store, "c", seconds(50)).await;

    let all: Vec<Instant> = times(store).await.into_values().collect();
    assert!(all.is_sorted() && all.len() == 9, "{all:?}");
    for (asked, position) in [(0, 0), (150, 3), (300, 9)] {
        let moment = moment(store, seconds(asked)).await;
        assert_eq!(moment.position, EventPosition(position), "{asked}");
    }
    // What came when the clock said 50 was not known at 150.
    let then = moment(store, seconds(150)).await;
    let past = store.load_person_as_of(late, then).await.expect("a read");
    assert!(past.is_none());
    let future = store.moment(seconds(900), seconds(300)).await;
    assert_eq!(future.expect("a read"), None);
    assert_eq!(ledger.events().await, 9);
}

async fn a_record_belonged_to_whom_it_was_linked_then() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let (first, person) = register(store, "a", seconds(100)).await;
    let sent = Sent::new("b", &[]);
    let mut read = sent.read();
    read.persons.push((person, EventPosition(0)));
    let joined = sent.clone();
    let done = store.commit(read, actor(), seconds(200), move |state, _| {
        joined.joined(state, person)
    });
    let second = done.await.expect("a registration");
    let before = *times(store).await.values().last().expect("an event");
    let mut events = withdrawal(second, person);
    events.pop();
    let withdrawn = store.commit(sent.read(), actor(), seconds(300), move |_, _| Planned {
        events: events.clone(),
        ..Planned::nothing(())
    });
    withdrawn.await.expect("a commit");

    let now = *times(store).await.values().last().expect("an event");
    for (asked, expected) in [(before, vec![first, second]), (now, vec![first])] {
        let then = moment(store, asked).await;
        let past = store.load_person_as_of(person, then).await.expect("a read");
        let view = past.expect("the person").view;
        let members = view.members.iter().map(|member| member.state.number);
        assert_eq!(members.collect::<Vec<_>>(), expected);
        assert!(view.members.iter().all(|member| member.submitted.is_some()));
    }
    let then = moment(store, before).await;
    let source = source();
    let record = store.find_record_as_of(&source, &sent.local_id, then);
    let record = record.await.expect("a read").expect("the record");
    assert_eq!(record.state.link.map(|link| link.person), Some(person));
    let early = moment(store, seconds(0)).await;
    let record = store.find_record_as_of(&source, &sent.local_id, early);
    assert!(record.await.expect("a read").is_none());
}

on_both_engines!(a_record_belonged_to_whom_it_was_linked_then);

#[tokio::test(flavor = "multi_thread")]
async fn the_clocks_of_nodes_count_for_nothing_where_they_share_a_server() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        let (other, _directory) = ledger.another().await;
        let year = 366 * 24 * 60 * 60;
        register(&ledger.store, "a", seconds(100 * year)).await;
        register(&other, "b", seconds(-year)).await;
        register(&ledger.store, "c", seconds(0)).await;
        let all: Vec<Instant> = times(&ledger.store).await.into_values().collect();
        assert!(all.is_sorted(), "{all:?}");
        let (first, last) = (all[0], all[8]);
        assert!(last <= first.plus_microseconds(3_600_000_000), "{all:?}");
        assert!(first < seconds(100 * year) && first > seconds(0));
    })
    .await;
}
