//! Batches: what commands see of each other, and who fails when one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    EventPosition, Ledger, NewVersion, Planned, ReadSet, RegistryEvent, Sent, StoreError, actor,
    at, person_id,
};
use crate::foundation::PersonId;
use crate::registry::{RegistryState, SourceCode};
use crate::storage::RememberedAnswer;

/// Runs commands so that they come in one batch: the writer is held while
/// they queue.
async fn together<A: Send + 'static>(
    ledger: &Ledger,
    commands: Vec<(ReadSet, Decide<A>)>,
) -> Vec<Result<A, StoreError>> {
    let held = ledger.store.inner.writer.lock().await;
    // One command fills the writer's hand; the others queue behind it.
    let gathered = || ledger.store.inner.counts.gathered.load(Ordering::SeqCst);
    let before = gathered();
    let store = ledger.store.clone();
    let idle = tokio::spawn(async move {
        let nothing = |_: &mut _, _: &_| Planned::nothing(());
        store
            .commit(ReadSet::default(), actor(), at(), nothing)
            .await
    });
    while gathered() == before {
        tokio::task::yield_now().await;
    }
    let mut waiting = Vec::new();
    for (read, decide) in commands {
        let store = ledger.store.clone();
        waiting.push(tokio::spawn(async move {
            store.commit(read, actor(), at(), decide).await
        }));
        tokio::task::yield_now().await;
    }
    drop(held);
    idle.await.expect("no test task panics").expect("a commit");
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.expect("no test task panics"));
    }
    answers
}

pub(super) type Decide<A> =
    Box<dyn FnMut(&mut RegistryState, &super::CommitReads) -> Planned<A> + Send>;

pub(super) fn first_or_join(sent: Sent) -> (ReadSet, Decide<PersonId>) {
    let read = sent.read();
    let decide = move |state: &mut RegistryState, _: &super::CommitReads| {
        let holders = state.recent_keys.get(&sent.keys[0]);
        let holder = holders.and_then(|records| records.first());
        let link = holder.and_then(|record| state.records[record].link.as_ref());
        if let Some(person) = link.map(|link| link.person) {
            assert!(!state.members(person).is_empty());
            let planned = sent.joined(state, person);
            Planned {
                answer: person,
                events: planned.events,
                versions: planned.versions,
                keys: planned.keys,
                ..Planned::nothing(person)
            }
        } else {
            let planned = sent.alone(state);
            let person = planned.answer.1;
            Planned {
                events: planned.events,
                versions: planned.versions,
                keys: planned.keys,
                ..Planned::nothing(person)
            }
        }
    };
    (read, Box::new(decide))
}

async fn i3_commands_of_one_batch_see_each_other() {
    let ledger = Ledger::new().await;
    let commands = (0..40).map(|number| first_or_join(Sent::new(&format!("r{number}"), &[7])));
    let answers = together(&ledger, commands.collect()).await;
    let persons: std::collections::BTreeSet<PersonId> = answers
        .into_iter()
        .map(|answer| answer.expect("a commit"))
        .collect();
    assert_eq!(persons.len(), 1);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn a_person_that_an_earlier_command_of_the_batch_changed_comes_whole() {
    let ledger = Ledger::new().await;
    let (first, person) = ledger.register(Sent::new("a", &[1])).await;
    let candidates = ledger
        .store
        .candidate_persons(&[first])
        .await
        .expect("a read");
    let scored = ReadSet {
        persons: vec![(person, candidates[0].revision)],
        ..ReadSet::default()
    };
    let joining = Sent::new("b", &[2]);
    let mut read = joining.read();
    read.persons.clone_from(&scored.persons);
    let joins: Decide<usize> = Box::new(move |state, _| {
        assert_eq!(state.members(person).len(), 0);
        let planned = joining.joined(state, person);
        Planned {
            events: planned.events,
            versions: planned.versions,
            keys: planned.keys,
            ..Planned::nothing(0)
        }
    });
    let looks: Decide<usize> =
        Box::new(move |state, _| Planned::nothing(state.members(person).len()));
    let commands = vec![(read, joins), (scored, looks)];
    let answers = together(&ledger, commands).await;
    let seen: Vec<usize> = answers
        .into_iter()
        .map(|answer| answer.expect("a commit"))
        .collect();
    assert_eq!(seen, [0, 2]);
}

async fn i4_a_key_repeated_in_one_batch_is_answered_from_memory() {
    let ledger = Ledger::new().await;
    let decided = Arc::new(AtomicUsize::new(0));
    let commands = (0..8).map(|number| {
        let read = ReadSet {
            idempotency: Some(("tester".into(), "key".into())),
            ..ReadSet::default()
        };
        let decided = Arc::clone(&decided);
        let decide: Decide<String> = Box::new(move |_, reads| {
            if let Some(remembered) = &reads.remembered {
                return Planned::nothing(remembered.body.clone());
            }
            decided.fetch_add(1, Ordering::SeqCst);
            let body = format!("answer {number}");
            Planned {
                remember: Some(RememberedAnswer {
                    actor: "tester".into(),
                    key: "key".into(),
                    digest: "d".into(),
                    status: 200,
                    body: body.clone(),
                }),
                ..Planned::nothing(body)
            }
        });
        (read, decide)
    });
    let answers = together(&ledger, commands.collect()).await;
    let answers: std::collections::BTreeSet<String> = answers
        .into_iter()
        .map(|answer| answer.expect("a commit"))
        .collect();
    assert_eq!((answers.len(), decided.load(Ordering::SeqCst)), (1, 1));
}

async fn a_panic_fails_its_own_request_only() {
    let ledger = Ledger::new().await;
    let panics: Decide<PersonId> = Box::new(|state, _| {
        // Whatever it did to the state before must not be seen by others.
        state.records.clear();
        state.counters.position = EventPosition(77);
        panic!("a bug");
    });
    let commands = vec![
        first_or_join(Sent::new("a", &[7])),
        (ReadSet::default(), panics),
        first_or_join(Sent::new("b", &[7])),
    ];
    let answers = together(&ledger, commands).await;
    assert!(matches!(answers[1], Err(StoreError::Panicked)));
    let (first, last) = (answers[0].as_ref(), answers[2].as_ref());
    assert_eq!(first.expect("a commit"), last.expect("a commit"));
    assert_eq!(ledger.events().await, 5);
}

async fn i10_a_command_that_cannot_be_written_fails_alone_and_leaves_nothing() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("poison", &[9]);
    let read = sent.read();
    // A source that does not exist: a foreign key says no.
    let poison: Decide<PersonId> = Box::new(move |state, _| {
        let mut planned = sent.alone(state);
        if let Some(RegistryEvent::RecordRegistered { source, .. }) = planned.events.first_mut() {
            *source = SourceCode::parse("nobody").expect("a source code");
        }
        Planned {
            events: planned.events,
            versions: planned.versions,
            keys: planned.keys,
            ..Planned::nothing(planned.answer.1)
        }
    });
    let commands = vec![
        first_or_join(Sent::new("a", &[7])),
        (read, poison),
        first_or_join(Sent::new("b", &[7])),
    ];
    let answers = together(&ledger, commands).await;
    assert!(matches!(answers[1], Err(StoreError::Database(_))));
    let (first, last) = (answers[0].as_ref(), answers[2].as_ref());
    assert_eq!(first.expect("a commit"), last.expect("a commit"));
    assert_eq!(ledger.events().await, 5);
}

async fn a_decision_that_applies_its_events_itself_is_refused() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("a", &[7]);
    let answer = ledger
        .store
        .commit(sent.read(), actor(), at(), move |state, _| {
            let planned = sent.alone(state);
            planned.events.iter().for_each(|event| state.apply(event));
            planned
        });
    assert!(matches!(answer.await, Err(StoreError::Inconsistent { .. })));
}

async fn a_link_to_a_person_that_was_not_loaded_is_refused() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("a", &[7]);
    let answer = ledger
        .store
        .commit(sent.read(), actor(), at(), move |state, _| {
            sent.joined(state, person_id(404))
        });
    assert!(matches!(answer.await, Err(StoreError::Inconsistent { .. })));
}

async fn a_plan_whose_parts_do_not_fit_is_refused() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("a", &[7]);
    let without = sent.clone();
    let answer = ledger
        .store
        .commit(sent.read(), actor(), at(), move |state, _| Planned {
            versions: Vec::<NewVersion>::new(),
            ..without.alone(state)
        });
    assert!(matches!(answer.await, Err(StoreError::Inconsistent { .. })));
    let answer = ledger
        .store
        .commit(sent.read(), actor(), at(), move |state, _| Planned {
            events: Vec::<RegistryEvent>::new(),
            ..sent.alone(state)
        });
    assert!(matches!(answer.await, Err(StoreError::Inconsistent { .. })));
    assert_eq!(
        ledger.store.position().await.expect("a read"),
        EventPosition(0)
    );
}

#[tokio::test]
async fn i16_a_full_disk_is_told_and_the_writer_goes_on_when_there_is_room() {
    let ledger = Ledger::new().await;
    ledger.register(Sent::new("before", &[1])).await;
    ledger.spoil("pragma max_page_count = 1").await;
    let big = |number: usize| {
        let mut sent = Sent::new(&format!("big{number}"), &[7]);
        sent.submitted = format!("{{\"family_name\":\"{}\"}}", "x".repeat(1_000_000));
        first_or_join(sent)
    };
    let answers = together(&ledger, (0..4).map(big).collect()).await;
    for answer in &answers {
        assert!(matches!(answer, Err(StoreError::Database(_))));
    }
    // The connection was given up with its bound: there is room again.
    ledger.register(Sent::new("after", &[2])).await;
    assert_eq!(ledger.events().await, 6);
}

async fn a_caller_that_goes_away_tears_nothing() {
    let ledger = Ledger::new().await;
    let held = ledger.store.inner.writer.lock().await;
    let (read, decide) = first_or_join(Sent::new("a", &[7]));
    let store = ledger.store.clone();
    let waiting = tokio::spawn(async move { store.commit(read, actor(), at(), decide).await });
    tokio::task::yield_now().await;
    waiting.abort();
    drop(held);
    ledger.register(Sent::new("b", &[8])).await;
    assert_eq!(ledger.events().await, 6);
}

async fn callers_at_once_share_commits() {
    let ledger = Ledger::new().await;
    let before = ledger.store.health().await.expect("health");
    for round in 0..4 {
        let callers = (0..64)
            .map(|caller| first_or_join(Sent::new(&format!("c{caller}-{round}"), &[caller])));
        for answer in together(&ledger, callers.collect()).await {
            answer.expect("a commit");
        }
    }
    // Callers are answered before their batch is counted, under the same lock.
    drop(ledger.store.inner.writer.lock().await);
    let after = ledger.store.health().await.expect("health");
    // Each round has one command of its own that holds the writer.
    assert_eq!(after.commands - before.commands, 4 * (64 + 1));
    assert!(after.commits - before.commits <= 4 * 2, "{after:?}");
    assert_eq!(after.waiting, 0);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn a_closed_store_says_so() {
    let ledger = Ledger::new().await;
    ledger.store.close().await;
    let (read, decide) = first_or_join(Sent::new("a", &[7]));
    let answer = ledger.store.commit(read, actor(), at(), decide).await;
    assert!(matches!(answer, Err(StoreError::Closed)));
}

super::on_both_engines! {
    i3_commands_of_one_batch_see_each_other,
    a_person_that_an_earlier_command_of_the_batch_changed_comes_whole,
    i4_a_key_repeated_in_one_batch_is_answered_from_memory,
    a_panic_fails_its_own_request_only,
    i10_a_command_that_cannot_be_written_fails_alone_and_leaves_nothing,
    a_decision_that_applies_its_events_itself_is_refused,
    a_link_to_a_person_that_was_not_loaded_is_refused,
    a_plan_whose_parts_do_not_fit_is_refused,
    a_caller_that_goes_away_tears_nothing,
    callers_at_once_share_commits,
    a_closed_store_says_so,
}
