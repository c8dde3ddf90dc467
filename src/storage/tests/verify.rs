//! For each check: the ledger is broken by hand, and exactly the invariant
//! that is broken is reported.

use std::sync::Arc;

use super::kept_models::with_a_rollback;
use super::{
    EventPosition, Ledger, ReadSet, RegistryEvent, Sent, at, decision, person_id, task_id,
    task_opened,
};
use crate::identity::{NhsNumber, NhsNumberClaim, NumberStatus, StandardRecord};
use crate::matching::Route;
use crate::registry::{TaskPriority, UnlinkReason};

/// Three records: a and b are one person, c is another with a retired id
/// behind it and a task.
async fn ledger() -> Ledger {
    let ledger = Ledger::new().await;
    let (first, person) = ledger.register(Sent::new("a", &[1])).await;
    ledger.join(Sent::new("b", &[2]), person).await;
    let (third, retired) = ledger.register(Sent::new("c", &[3])).await;
    let survivor = person_id(5);
    let events = vec![
        RegistryEvent::PersonCreated { person: survivor },
        RegistryEvent::RecordUnlinked {
            record: third,
            person: retired,
            because: UnlinkReason::JoinedAnother,
            merge: None,
        },
        RegistryEvent::PersonRetired {
            person: retired,
            replaced_by: survivor,
        },
        RegistryEvent::RecordLinked {
            record: third,
            person: survivor,
            decision: decision(Some(Route::Human)),
        },
        task_opened(task_id(1), first, &[person]),
    ];
    let read = ReadSet {
        persons: vec![(person, EventPosition(0))],
        ..Sent::new("c", &[]).read()
    };
    ledger.run(read, events).await;
    ledger
}

async fn found(ledger: &Ledger) -> Vec<&'static str> {
    let report = ledger.store.verify().await.expect("a check");
    let mut found: Vec<_> = report.violations.iter().map(|it| it.invariant).collect();
    found.sort_unstable();
    found.dedup();
    found
}

async fn assert_found(invariant: &str, statements: &[&'static str]) {
    for statement in statements {
        let ledger = ledger().await;
        ledger.spoil(statement).await;
        assert_eq!(found(&ledger).await, [invariant], "{statement}");
    }
}

#[tokio::test]
async fn a_sound_ledger_has_nothing_to_report() {
    let ledger = ledger().await;
    let report = ledger.store.verify().await.expect("a check");
    assert!(report.is_sound(), "{report:?}");
    let checked = report.checked;
    assert_eq!(
        (checked.events, checked.records, checked.versions),
        (13, 3, 3)
    );
    assert_eq!((checked.persons, checked.links, checked.tasks), (3, 4, 1));
}

#[tokio::test]
async fn i1_a_lost_or_changed_payload_is_found() {
    let statements = [
        "delete from payloads where record = 2",
        "update payloads set submitted = '{}' where record = 1",
        "delete from record_versions where record = 3",
    ];
    assert_found("I1", &statements).await;
}

#[tokio::test]
async fn a_payload_that_went_without_an_erasure_is_found() {
    let ledger = ledger().await;
    ledger
        .spoil("update payloads set submitted = null, standard = null where record = 1")
        .await;
    // Without an event that says so it is a loss.
    assert!(!found(&ledger).await.is_empty());
    let members = ledger
        .store
        .candidate_persons(&[crate::foundation::RecordNumber(2)])
        .await;
    assert_eq!(members.expect("a read")[0].members.len(), 1);
}

#[tokio::test]
async fn i2_a_broken_partition_is_found() {
    let statements = [
        "delete from links where record = 3 and to_position is null",
        "update links set to_position = 99 where record = 2",
        "update persons set status = 'withdrawn' \
         where person = (select person from links where record = 1)",
        "update records set status = 'withdrawn' where record = 3",
        "update persons set status = 'active', replaced_by = null where status = 'retired'",
        "update persons set replaced_by = 'P-00000000000000000000000000000000' \
         where status = 'retired'",
        "update persons set replaced_by = person where status = 'retired'",
        "update tasks set person_a = 'P-00000000000000000000000000000000'",
    ];
    assert_found("I2", &statements).await;
}

#[tokio::test]
async fn i8_a_record_without_a_key_is_found() {
    assert_found("I8", &["delete from record_keys where record = 2"]).await;
}

#[tokio::test]
async fn i10_views_that_differ_from_the_events_are_found() {
    let statements = [
        "update records set local_id = 'other' where record = 1",
        "update records set position = position + 1 where record = 1",
        "update record_versions set standing = 'history' where record = 1",
        "update links set weight_bits = weight_bits + 1e-13 where record = 2",
        "update links set model = 'other' where record = 1",
        "update persons set revision = revision + 1 where status = 'retired'",
        "update persons set created_position = 1 where status = 'retired'",
        "update tasks set evidence = '01'",
        "update tasks set status = 'closed'",
        "delete from tasks",
        "delete from event_subjects where position = 4",
        "update events set kind = 'record_withdrawn' where position = 4",
    ];
    assert_found("I10", &statements).await;
}

#[tokio::test]
async fn i10_a_missing_event_is_found() {
    let ledger = ledger().await;
    // The opening of the task is followed by its update, which alone stays.
    let event = RegistryEvent::TaskUpdated {
        task: task_id(1),
        record: crate::foundation::RecordNumber(1),
        weight_bits: None,
        reasons: vec![],
        evidence: "02".into(),
        priority: TaskPriority::Weight,
        compared: vec![],
        rows: vec![],
    };
    let first = Sent::new("a", &[]).read();
    ledger.run(first, vec![event]).await;
    ledger.spoil("delete from events where position = 13").await;
    let report = ledger.store.verify().await.expect("a check");
    assert!(report.violations.iter().all(|it| it.invariant == "I10"));
    assert_eq!(
        report.violations[0].sentence,
        "no event stands at position 13"
    );
}

#[tokio::test]
async fn i9_r15_two_verified_numbers_in_one_person_are_found() {
    let numbered = |local_id: &str, number: &str, status: NumberStatus| {
        let number = NhsNumber::parse(number).expect("a valid number");
        let standard = StandardRecord {
            nhs_number: Some(NhsNumberClaim { number, status }),
            ..StandardRecord::default()
        };
        Sent {
            standard: Arc::new(standard),
            ..Sent::new(local_id, &[1])
        }
    };
    let ledger = Ledger::new().await;
    let first = numbered("a", "9990000018", NumberStatus::Verified);
    let (_, person) = ledger.register(first).await;
    let same = numbered("b", "9990000018", NumberStatus::Verified);
    ledger.join(same, person).await;
    let unverified = numbered("c", "9990000026", NumberStatus::NotTraced);
    ledger.join(unverified, person).await;
    assert!(found(&ledger).await.is_empty());
    let other = numbered("d", "9990000026", NumberStatus::Verified);
    ledger.join(other, person).await;
    let report = ledger.store.verify().await.expect("a check");
    assert_eq!(report.violations.len(), 1);
    assert_eq!(report.violations[0].invariant, "I9");
    assert!(
        !report.violations[0].sentence.contains("999"),
        "at {}",
        at()
    );
}

#[tokio::test]
async fn r86_a_changed_model_and_an_activation_from_nowhere_are_found() {
    for statement in [
        "update model_tables set content = content || 'x' where digest = (select min(digest) from model_tables)",
        "update models set content = content || '#' where digest = (select min(digest) from models)",
        "update models set tables = '{}' where digest = (select min(digest) from models)",
        "delete from model_activations where number = 2",
        "update model_activations set kind = 'activated' where number = 1",
        "update model_activations set model = (select model from model_activations where number = 2) \
         where number = 3",
    ] {
        let ledger = ledger().await;
        with_a_rollback(&ledger).await;
        ledger.spoil(statement).await;
        assert_eq!(found(&ledger).await, ["R86"], "{statement}");
    }
}
