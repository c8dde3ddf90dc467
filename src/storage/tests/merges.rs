//! The views of merges, assertions and seals: for each way to spoil one, exactly that
//! is found.

use super::{Ledger, ReadSet, RegistryEvent, Sent, actor, at, source};
use crate::foundation::SeededChance;
use crate::matching::LinkageModel;
use crate::registry::{
    AssertionCommand, AssertionKind, LocalId, MergeCommand, Numbering, RegistryState,
    assert_records, merge_persons, seal,
};
use crate::storage::Planned;

/// Four records of four persons: the second is merged into the first, the third is
/// said to be somebody else than the first, and sealed from the fourth.
async fn ledger() -> Ledger {
    let ledger = Ledger::new().await;
    let mut persons = Vec::new();
    for (place, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let (_, person) = ledger.register(Sent::new(name, &[place as u64 + 1])).await;
        persons.push(person);
    }
    let [one, two, three, four] = persons[..] else {
        panic!("four persons");
    };
    let named = |name: &str| {
        let local_id = LocalId::parse(name).expect("a local id");
        (source(), local_id)
    };
    decide(&ledger, move |state, model, numbering| {
        let command = MergeCommand {
            survivor: one,
            retired: two,
            by: "stewart".to_owned(),
            restricted: false,
        };
        merge_persons(state, model, numbering, &command)
            .expect("a merge")
            .events
    })
    .await;
    let (a, c) = (named("a"), named("c"));
    decide(&ledger, move |state, model, numbering| {
        let command = AssertionCommand {
            a: a.clone(),
            b: c.clone(),
            kind: AssertionKind::Different,
            by: "stewart".to_owned(),
            restricted: false,
        };
        assert_records(state, model, numbering, &command)
            .expect("an assertion")
            .events
    })
    .await;
    decide(&ledger, move |state, _, numbering| {
        seal(state, numbering.seal(), "priya", (three, &[]), (four, &[])).expect("a seal")
    })
    .await;
    ledger
}

async fn decide(
    ledger: &Ledger,
    decide: impl Fn(&RegistryState, &LinkageModel, &Numbering<'_>) -> Vec<RegistryEvent>
    + Send
    + Clone
    + 'static,
) {
    let named = |name: &str| (source(), LocalId::parse(name).expect("a local id"));
    let read = ReadSet {
        records: ["a", "b", "c", "d"].map(named).to_vec(),
        families: true,
        ..ReadSet::default()
    };
    let plan = move |state: &mut RegistryState, _: &_| {
        let chance = SeededChance::new(u64::try_from(state.counters.position.0).unwrap_or(0));
        let numbering = Numbering {
            now: at(),
            chance: &chance,
        };
        Planned {
            events: decide(state, &LinkageModel::uk_care(), &numbering),
            ..Planned::nothing(())
        }
    };
    let committed = ledger.store.commit(read, actor(), at(), plan).await;
    committed.expect("a commit");
}

#[tokio::test]
async fn a_ledger_with_a_merge_an_assertion_and_a_seal_is_sound() {
    let ledger = ledger().await;
    let report = ledger.store.verify().await.expect("a check");
    assert!(report.is_sound(), "{report:?}");
}

#[tokio::test]
async fn i10_spoilt_views_of_merges_assertions_and_seals_are_found() {
    for statement in [
        "update merges set status = 'undone'",
        "update merges set asked_by = 'other'",
        "update merges set made_by = 'other'",
        "update merges set approval = '[\"child\"]'",
        "update merges set made_position = made_position + 1",
        "update merges set position = position + 1",
        "update merges set survivor = retired, retired = survivor",
        "delete from merge_records where side = 'moved'",
        "update merge_records set side = 'kept' where side = 'moved'",
        "update assertions set kind = 'same'",
        "update assertions set withdrawn = 1",
        "update assertions set made_by = 'other'",
        "update assertions set evidence = 'other'",
        "update assertions set made_position = made_position + 1",
        "delete from assertion_records where side = 'a'",
        "update links set opened_by = null where opened_by is not null",
        "update links set closed_by = null where closed_by is not null",
        "update seals set made_by = 'other'",
        "update seals set lifted_position = made_position + 1",
        "delete from seal_records where side = 'a'",
    ] {
        let ledger = ledger().await;
        ledger.spoil(statement).await;
        let report = ledger.store.verify().await.expect("a check");
        let found: Vec<_> = report.violations.iter().map(|it| it.invariant).collect();
        assert!(!found.is_empty(), "nothing found after: {statement}");
        let views = found.iter().all(|invariant| *invariant == "I10");
        assert!(views, "{statement}: {report:?}");
    }
}

#[tokio::test]
async fn i5_a_link_that_has_lost_its_home_is_found() {
    let ledger = ledger().await;
    ledger
        .spoil("update links set home_position = null where home_position is not null")
        .await;
    let report = ledger.store.verify().await.expect("a check");
    assert!(!report.is_sound(), "{report:?}");
}
