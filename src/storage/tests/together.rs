//! Commands that are written all or none.

use super::writer::{Decide, first_or_join};
use super::{Ledger, Planned, ReadSet, Sent, StoreError, actor, at};
use crate::foundation::PersonId;
use crate::storage::{Part, Together};

type Told = Option<PersonId>;

fn part(read: ReadSet, decide: Decide<Told>) -> Part<Told> {
    Part {
        read,
        actor: actor(),
        decide,
    }
}

/// Registers a record under whoever has the key.
fn registers(name: &str, key: u64) -> Part<Told> {
    let (read, mut decide) = first_or_join(Sent::new(name, &[key]));
    let decide: Decide<Told> = Box::new(move |state, reads| {
        let plan = decide(state, reads);
        Planned {
            events: plan.events,
            versions: plan.versions,
            keys: plan.keys,
            ..Planned::nothing(Some(plan.answer))
        }
    });
    part(read, decide)
}

fn refuses() -> Part<Told> {
    part(
        ReadSet::default(),
        Box::new(|_, _| Planned::nothing(None)),
    )
}

async fn what_is_decided_together_is_written_all_or_none() {
    let ledger = Ledger::new().await;
    let agrees: fn(&Told) -> bool = Option::is_some;
    let some = || vec![registers("a", 7), registers("b", 7)];
    let mut parts = some();
    parts.insert(1, refuses());
    let told = ledger.store.commit_together(parts, at(), agrees).await;
    assert_eq!(told.expect("an answer"), Together::Refused(1, None));
    assert_eq!(ledger.events().await, 0);
    let told = ledger.store.commit_together(some(), at(), agrees).await;
    let Together::Done(told) = told.expect("an answer") else {
        panic!("all agree");
    };
    // The second was decided on what the first has left.
    assert!(told.len() == 2 && told[0].is_some() && told[0] == told[1]);
    let nothing = ledger.store.commit_together(Vec::new(), at(), agrees).await;
    assert_eq!(nothing.expect("an answer"), Together::Done(Vec::new()));
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn a_part_that_panics_leaves_nothing_and_the_writer_goes_on() {
    let ledger = Ledger::new().await;
    let breaks: Decide<Told> = Box::new(|_, _| panic!("a part of a story"));
    let parts = vec![registers("a", 7), part(ReadSet::default(), breaks)];
    let told = ledger.store.commit_together(parts, at(), Option::is_some);
    assert!(matches!(told.await, Err(StoreError::Panicked)));
    assert_eq!(ledger.events().await, 0);
    ledger.register(Sent::new("after", &[8])).await;
    assert_eq!(ledger.events().await, 3);
}

async fn a_no_is_nobody_else_s_and_those_who_wait_beside_it_are_written() {
    let ledger = Ledger::new().await;
    let held = ledger.store.inner.writer.lock().await;
    let mut waiting = Vec::new();
    for number in 0..6 {
        let store = ledger.store.clone();
        waiting.push(tokio::spawn(async move {
            let name = format!("r{number}");
            if number % 2 == 0 {
                let parts = vec![registers(&name, number), refuses()];
                let told = store.commit_together(parts, at(), Option::is_some).await;
                matches!(told, Ok(Together::Refused(1, None)))
            } else {
                let (read, decide) = first_or_join(Sent::new(&name, &[number]));
                store.commit(read, actor(), at(), decide).await.is_ok()
            }
        }));
        tokio::task::yield_now().await;
    }
    drop(held);
    for told in waiting {
        assert!(told.await.expect("no test task panics"));
    }
    assert_eq!(ledger.events().await, 9, "three of them were written");
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

super::on_both_engines! {
    what_is_decided_together_is_written_all_or_none,
    a_part_that_panics_leaves_nothing_and_the_writer_goes_on,
    a_no_is_nobody_else_s_and_those_who_wait_beside_it_are_written,
}
