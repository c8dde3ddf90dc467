//! Models are kept as they were brought, also those that this release cannot read.

use std::collections::BTreeMap;

use super::{Ledger, at, on_both_engines};
use crate::matching::{LinkageModel, ModelId};
use crate::security::AuditEntry;
use crate::storage::{ActivationKind, KeptModel, StoredActivation, StoredModel};

on_both_engines!(
    r84_a_model_of_another_release_is_kept_and_says_why_it_cannot_be_read,
    r86_of_two_activations_at_once_the_loser_leaves_nothing_in_the_audit,
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

fn audit(request_id: &str) -> Option<AuditEntry> {
    Some(AuditEntry {
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
    })
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
        let added = ledger
            .store
            .add_activation(&activation(number, kind, model), None);
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
    let won = ledger.store.add_activation(&first, audit("the first"));
    assert!(won.await.expect("added"));
    let lost = ledger.store.add_activation(&first, audit("the second"));
    assert!(!lost.await.expect("asked"));
    let rows = ledger.store.list_audit(None, 0, 10).await.expect("rows");
    let requests: Vec<&str> = rows.iter().map(|row| row.request_id.as_str()).collect();
    assert_eq!(requests, ["the first"]);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}
