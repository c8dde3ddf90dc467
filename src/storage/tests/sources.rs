//! How sources stand is read back as it was written, and a spoilt view is found.

use super::{Ledger, ReadSet, RegistryEvent, Sent, source, task_id};
use crate::foundation::{RecordNumber, TaskId};
use crate::registry::{
    CloseReason, ConflictKind, NumberHash, QuarantineReason, Replacement, TaskKind, TaskPriority,
};

fn read(replacement: Option<Replacement>) -> ReadSet {
    ReadSet {
        replacement,
        ..Sent::new("a", &[]).read()
    }
}

fn noted(record: RecordNumber, kind: ConflictKind) -> RegistryEvent {
    RegistryEvent::SourceConflictNoted {
        source: source(),
        record,
        kind,
    }
}

/// What a commit that quarantines the source says.
pub(super) fn quarantine_begun(record: RecordNumber, task: TaskId) -> Vec<RegistryEvent> {
    let quarantined = RegistryEvent::SourceQuarantined {
        source: source(),
        record,
        because: QuarantineReason::Conflicts,
        conflicts: 1,
        records: 500,
        task,
    };
    let opened = RegistryEvent::TaskOpened {
        task,
        kind: TaskKind::SourceQuarantined,
        record,
        persons: vec![],
        weight_bits: None,
        reasons: vec![],
        evidence: String::new(),
        priority: TaskPriority::Confusion,
        compared: vec![],
        rows: vec![],
    };
    vec![quarantined, opened]
}

/// What a commit that releases it says.
pub(super) fn quarantine_ended(task: TaskId) -> Vec<RegistryEvent> {
    let closed = RegistryEvent::TaskClosed {
        task,
        because: CloseReason::SourceReleased,
    };
    vec![RegistryEvent::SourceReleased { source: source() }, closed]
}

/// Two records, one of them in conflict, and a quarantine with one that waits.
pub(super) async fn quarantined() -> (Ledger, RecordNumber) {
    let ledger = Ledger::new().await;
    let (record, _) = ledger.register(Sent::new("a", &[1])).await;
    ledger.register(Sent::new("b", &[2])).await;
    let task = task_id(1);
    let events = vec![
        noted(record, ConflictKind::Confusion),
        noted(record, ConflictKind::Confusion),
        noted(record, ConflictKind::Default),
    ];
    let further = [
        RegistryEvent::VersionDeferred { record, version: 1 },
        RegistryEvent::NumberReplaced {
            record,
            replaced: NumberHash(1),
            replaced_by: NumberHash(u64::MAX),
        },
    ];
    let begun = quarantine_begun(record, task);
    let events = events.into_iter().chain(begun).chain(further).collect();
    ledger.run(read(None), events).await;
    (ledger, record)
}

#[tokio::test]
async fn r98_a_commit_reads_how_its_sources_stand() {
    let ledger = Ledger::new().await;
    let (record, _) = ledger.register(Sent::new("a", &[1])).await;
    ledger
        .run(read(None), vec![noted(record, ConflictKind::Overlay)])
        .await;
    let loaded = ledger
        .store
        .commit(read(None), super::actor(), super::at(), |state, _| {
            super::Planned::nothing(state.sources.get(&source()).cloned())
        });
    let known = loaded.await.expect("a commit").expect("the source");
    assert!(known.quarantine.is_none() && known.conflicts.contains(&record));
    assert!(known.defaults.is_empty());
}

#[tokio::test]
async fn r98_a_quarantine_is_shown_and_ends_with_its_task() {
    let (ledger, record) = quarantined().await;
    let shown = ledger.store.list_quarantines().await.expect("quarantines");
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].quarantine.record, record);
    assert_eq!(
        ledger.store.count_deferred(Some(&source())).await.ok(),
        Some(1)
    );
    let waiting = ledger.store.deferred_versions(9).await.expect("a list");
    assert!(waiting.is_empty(), "its source is quarantined");
    let task = task_id(1);
    ledger.run(read(None), quarantine_ended(task)).await;
    let waiting = ledger.store.deferred_versions(9).await.expect("a list");
    assert_eq!((waiting[0].record, waiting[0].waiting.version), (record, 1));
    let decided = RegistryEvent::DeferredDecided { record, version: 1 };
    ledger.run(ReadSet::default(), vec![decided]).await;
    assert_eq!(ledger.store.count_deferred(None).await.ok(), Some(0));
    let report = ledger.store.verify().await.expect("a check");
    assert!(report.is_sound(), "{report:?}");
}

#[tokio::test]
async fn r18_the_chain_that_a_message_speaks_of_is_loaded() {
    let (ledger, _) = quarantined().await;
    let said = Replacement {
        replaced: NumberHash(1),
        replaced_by: NumberHash(2),
    };
    let loaded = ledger
        .store
        .commit(read(Some(said)), super::actor(), super::at(), |state, _| {
            super::Planned::nothing(state.replacements.clone())
        });
    let known = loaded.await.expect("a commit");
    let successors = known.get(&NumberHash(1)).expect("a chain");
    assert!(successors.contains(&NumberHash(u64::MAX)));
}

#[tokio::test]
async fn a_spoilt_view_of_a_source_is_found() {
    for statement in [
        "delete from source_conflicts",
        "update source_conflicts set position = 1",
        "update source_quarantines set to_position = 99",
        "delete from source_quarantines",
        "delete from deferred_versions",
        "update number_replacements set replaced_by = 7",
    ] {
        let (ledger, _) = quarantined().await;
        let sound = ledger.store.verify().await.expect("a check");
        assert!(sound.is_sound(), "{sound:?}");
        ledger.spoil(statement).await;
        let report = ledger.store.verify().await.expect("a check");
        assert!(!report.is_sound(), "{statement}");
        let all = report.violations.iter();
        assert!(
            all.clone().all(|found| found.invariant == "I10"),
            "{report:?}"
        );
    }
}
