//! Models are kept as they were brought, also those that this release cannot read.

use std::collections::BTreeMap;

use super::{Ledger, OPTIONS, Sent, at};
use crate::foundation::{Instant, RecordNumber};
use crate::matching::{LinkageModel, ModelId};
use crate::security::{AuditEntry, Origin};
use crate::storage::{
    ActivationKind, KeptModel, RerunState, StoreOptions, StoredActivation, StoredModel,
    StoredRerun, StoredShadow,
};

on_both_engines!(
    r84_a_model_of_another_release_is_kept_and_says_why_it_cannot_be_read,
    r86_of_two_activations_at_once_the_loser_leaves_nothing_in_the_audit,
    a_rerun_is_worked_on_by_one_process_and_stays_paused_when_it_is_stopped,
    a_shadow_is_followed_by_one_process_until_it_ends,
);

fn tables() -> BTreeMap<String, String> {
    let model = LinkageModel::uk_care();
    let names = model.file().frequencies.names();
    let texts = names.map(|name| {
        let text = LinkageModel::embedded_table(name).expect("shipped");
        (name.to_owned(), text)
    });
    texts.collect()
}

/// Keeps a text as a model, whatever it says.
pub(super) async fn keep(ledger: &Ledger, text: &str) -> ModelId {
    let tables = tables();
    let digest = ModelId::of_text(text, &|name| tables.get(name).cloned()).expect("TOML");
    let stored = StoredModel {
        digest: digest.clone(),
        brought_by: "edith".to_owned(),
        brought_at: at(),
        note: String::new(),
    };
    let added = ledger.store.add_model(&stored, text, &tables).await;
    assert!(added.expect("kept"));
    digest
}

fn activation(number: i64, kind: ActivationKind, model: &ModelId) -> StoredActivation {
    StoredActivation {
        number,
        kind,
        model: model.clone(),
        activated_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        gates: None,
        at: at(),
    }
}

fn audit(request_id: &str) -> AuditEntry {
    AuditEntry {
        at: at(),
        actor: "ann".to_owned(),
        on_behalf_of: None,
        role: "approver".to_owned(),
        organisation: None,
        purpose: None,
        action: "activate_model",
        request_id: request_id.to_owned(),
        persons: Vec::new(),
        record: None,
        origin: Origin::default(),
    }
}

/// Two models of which the second, of another release, was active for a while.
pub(super) async fn with_a_rollback(ledger: &Ledger) -> [ModelId; 2] {
    let shipped = LinkageModel::uk_care();
    let ours = keep(ledger, shipped.text()).await;
    let text = format!("{}\n[of_another_release]\nx = 1\n", shipped.text());
    let theirs = keep(ledger, &text).await;
    for (number, kind, model) in [
        (1, ActivationKind::First, &ours),
        (2, ActivationKind::Activated, &theirs),
        (3, ActivationKind::RolledBack, &ours),
    ] {
        let activation = activation(number, kind, model);
        let added = ledger.store.add_activation(&activation, None);
        assert!(added.await.expect("added"));
    }
    [ours, theirs]
}

async fn r84_a_model_of_another_release_is_kept_and_says_why_it_cannot_be_read() {
    let ledger = Ledger::new().await;
    let [ours, theirs] = with_a_rollback(&ledger).await;
    let found = ledger.store.find_model(&ours).await.expect("read");
    assert!(matches!(found, Some(KeptModel::Readable(model)) if *model.id() == ours));
    let found = ledger.store.find_model(&theirs).await.expect("read");
    let Some(KeptModel::Unreadable(problem)) = found else {
        panic!("{found:?}");
    };
    assert!(
        problem.to_string().contains("of_another_release"),
        "{problem}"
    );
    let report = ledger.store.verify().await.expect("a check");
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.checked.models, 2);
}

async fn r86_of_two_activations_at_once_the_loser_leaves_nothing_in_the_audit() {
    let ledger = Ledger::new().await;
    let model = keep(&ledger, LinkageModel::uk_care().text()).await;
    let first = activation(1, ActivationKind::First, &model);
    let won = ledger
        .store
        .add_activation(&first, Some(audit("the first")));
    assert!(won.await.expect("added"));
    let lost = ledger
        .store
        .add_activation(&first, Some(audit("the second")));
    assert!(!lost.await.expect("asked"));
    let rows = ledger.store.list_audit(None, 0, 10).await.expect("rows");
    let requests: Vec<&str> = rows.iter().map(|row| row.request_id.as_str()).collect();
    assert_eq!(requests, ["the first"]);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

fn later(seconds: i64) -> Instant {
    at().plus_microseconds(seconds * 1_000_000)
}

async fn a_rerun_is_worked_on_by_one_process_and_stays_paused_when_it_is_stopped() {
    let ledger = Ledger::new().await;
    ledger.register(Sent::new("a", &[1])).await;
    with_a_rollback(&ledger).await;
    let store = &ledger.store;
    assert_eq!(store.count_current_records().await.expect("a count"), 1);
    let begun = StoredRerun {
        activation: 3,
        begun_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        begun_at: at(),
        state: RerunState::Running,
        after: RecordNumber(0),
        looked_at: 0,
        records: 1,
        tasks: 0,
        tasks_until: 10,
        continued_at: at(),
        looked_before: 0,
        updated_at: at(),
        epoch: 0,
    };
    let entry = || audit("rerun");
    assert!(store.begin_rerun(&begun, entry()).await.expect("begun"));
    assert!(!store.begin_rerun(&begun, entry()).await.expect("asked"));
    assert_eq!(store.last_rerun().await.expect("read"), Some(begun.clone()));

    // Another process, which is not alone, waits for the end of a lease.
    let beside = ledger
        .open_beside(StoreOptions {
            exclusive: false,
            ..OPTIONS
        })
        .await;
    let epoch = beside.lease_rerun(&begun, at(), later(60)).await;
    let leased = StoredRerun {
        epoch: epoch.expect("asked").expect("free"),
        ..begun.clone()
    };
    let again = beside.lease_rerun(&leased, later(1), later(61)).await;
    assert_eq!(again.expect("asked"), None);
    let after_it = beside.lease_rerun(&leased, later(61), later(99)).await;
    let taken = StoredRerun {
        epoch: after_it.expect("asked").expect("free again"),
        ..begun.clone()
    };
    let noted = StoredRerun {
        after: RecordNumber(1),
        looked_at: 1,
        tasks: 2,
        updated_at: later(70),
        ..leased
    };
    assert!(!store.keep_rerun(&noted).await.expect("asked"), "fenced");

    // It is stopped while a page is in work: the page counts, and it stays stopped.
    let paused = StoredRerun {
        state: RerunState::Paused,
        ..begun.clone()
    };
    let turned = store
        .turn_rerun(&paused, RerunState::Running, entry())
        .await;
    assert!(turned.expect("turned"));
    let noted = StoredRerun {
        epoch: taken.epoch,
        ..noted
    };
    assert!(store.keep_rerun(&noted).await.expect("kept"));
    let known = store.last_rerun().await.expect("read").expect("one");
    assert_eq!((known.state, known.looked_at), (RerunState::Paused, 1));
    assert_eq!((known.after, known.tasks), (RecordNumber(1), 2));
    assert!(store.verify().await.expect("a check").is_sound());
}

async fn a_shadow_is_followed_by_one_process_until_it_ends() {
    let ledger = Ledger::new().await;
    let [ours, theirs] = with_a_rollback(&ledger).await;
    let store = &ledger.store;
    let place = store.feed_end().await.expect("a place");
    let begun = StoredShadow {
        number: 1,
        model: theirs,
        against: ours,
        begun_by: "edith".to_owned(),
        reason: "a test".to_owned(),
        begun_at: at(),
        ended_at: None,
        place,
        judged: 0,
        dropped: 0,
        found: "{}".to_owned(),
        epoch: 0,
    };
    let entry = || audit("shadow");
    assert!(store.begin_shadow(&begun, entry()).await.expect("begun"));
    assert!(!store.begin_shadow(&begun, entry()).await.expect("asked"));
    ledger.register(Sent::new("a", &[1])).await;
    ledger.settled().await;
    let end = store.feed_end().await.expect("a place");
    assert!(begun.place.events_to(end) >= 3);
    assert_eq!(store.count_versions(place, end).await.expect("a count"), 1);

    let epoch = store.lease_shadow(&begun, at(), later(60)).await;
    let noted = StoredShadow {
        place: end,
        judged: 1,
        dropped: 4,
        found: "{\"counts\":[]}".to_owned(),
        epoch: epoch.expect("asked").expect("free"),
        ..begun.clone()
    };
    assert!(!store.keep_shadow(&begun).await.expect("asked"), "fenced");
    assert!(store.keep_shadow(&noted).await.expect("kept"));
    assert_eq!(
        store.last_shadow().await.expect("read"),
        Some(noted.clone())
    );
    assert!(store.end_shadow(1, later(9), None).await.expect("ended"));
    let twice = store.end_shadow(1, later(10), Some(entry())).await;
    assert!(!twice.expect("asked"));
    let over = store.lease_shadow(&noted, later(99), later(100)).await;
    assert_eq!(over.expect("asked"), None);
    let known = store.last_shadow().await.expect("read").expect("one");
    assert_eq!(known.ended_at, Some(later(9)));
}
