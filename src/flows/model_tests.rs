//! Which model decides what, where one takes another's place.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::flows::active_model::{Raised, refresh};
use crate::flows::register_record::{commit_registration, prepare_registration};
use crate::flows::{
    Context, CpuPool, Models, RegisterCommand, ensure_source, keep_first_model, list_models,
    view_model,
};
use crate::foundation::{RecordNumber, SystemChance, SystemClock, TaskId, hex};
use crate::identity::SubmittedRecord;
use crate::index::CandidateIndex;
use crate::matching::{Calibration, LinkageModel, MatchWeight, ModelId};
use crate::registry::{
    LocalId, RegistryEvent, RegistryState, SourceCode, TaskKind, TaskPriority, TaskState,
};
use crate::security::{Access, Action, Actor, ActorKind, Origin, Role};
use crate::storage::{ActivationKind, Store, StoreOptions, StoredActivation, StoredModel};

/// A model by which a bit is worth a tenth.
fn wary() -> LinkageModel {
    let mut file = LinkageModel::uk_care().file().clone();
    file.calibration = Some(Calibration {
        slope: 0.1,
        intercept: 0.0,
        pairs: 9_000,
        false_share_upper: 1e-4,
    });
    LinkageModel::from_file(file, &LinkageModel::embedded_table).expect("valid")
}

/// A model that links and asks from far more bits on than anybody has.
pub(super) fn blind() -> LinkageModel {
    let mut file = LinkageModel::uk_care().file().clone();
    file.review_threshold_bits = 300.0;
    file.link_uncalibrated_bits = 300.0;
    LinkageModel::from_file(file, &LinkageModel::embedded_table).expect("valid")
}

async fn context(directory: &std::path::Path, model: LinkageModel) -> Context {
    opened(directory, model, false).await
}

pub(super) async fn opened(
    directory: &std::path::Path,
    model: LinkageModel,
    exclusive: bool,
) -> Context {
    let options = StoreOptions {
        live: false,
        create: true,
        exclusive,
    };
    let model = Arc::new(model);
    Context {
        store: Store::open(directory, options).await.expect("a ledger"),
        index: CandidateIndex::in_memory().expect("an index"),
        models: Arc::new(Models::new(Arc::clone(&model))),
        model,
        survivorship: Arc::default(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        pool: CpuPool::for_this_machine().expect("threads"),
        merges_per_hour: 1,
        review: Arc::default(),
        outward: Arc::default(),
    }
}

pub(super) fn gp() -> SourceCode {
    SourceCode::parse("gp").expect("a source code")
}

pub(super) fn access() -> Access {
    access_to(Action::WriteRecord, Role::Integration)
}

fn access_to(action: Action, role: Role) -> Access {
    let actor = Actor {
        name: "gp".to_owned(),
        kind: ActorKind::System,
        roles: vec![role],
        sources: Vec::new(),
        on_behalf_of: None,
        reason: None,
        request_id: "1".to_owned(),
        origin: Origin::default(),
    };
    Access::to(action, actor).expect("allowed")
}

pub(super) fn command(local_id: &str) -> RegisterCommand {
    RegisterCommand {
        source: gp(),
        local_id: LocalId::parse(local_id).expect("a local id"),
        submitted: SubmittedRecord {
            given_names: vec!["Ottoline".to_owned()],
            family_name: Some("Quillthorpe".to_owned()),
            birth_date: Some("1961-03-05".to_owned()),
            gender: Some("female".to_owned()),
            phones: vec!["07700900461".to_owned()],
            ..SubmittedRecord::default()
        },
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    }
}

pub(super) async fn register(context: &Context, local_id: &str) -> ModelId {
    let prepared = prepare_registration(context, &access(), command(local_id)).await;
    let prepared = prepared.expect("prepared");
    commit_registration(prepared).await.expect("registered");
    model_of(context, local_id).await
}

/// The model that the link of the record names.
pub(super) async fn model_of(context: &Context, local_id: &str) -> ModelId {
    let id = LocalId::parse(local_id).expect("a local id");
    let found = context.store.find_record(&gp(), &id).await.expect("read");
    let link = found.expect("known").state.link.expect("a link");
    link.home.model
}

/// What the command line does, without its gates.
pub(super) async fn activate(context: &Context, model: &LinkageModel) {
    activate_text(context, model.id(), model.text()).await;
}

/// The same of a text, whatever it says.
async fn activate_text(context: &Context, id: &ModelId, text: &str) {
    let stored = StoredModel {
        digest: id.clone(),
        brought_by: "edith".to_owned(),
        brought_at: context.clock.now(),
        note: String::new(),
    };
    let shipped = LinkageModel::uk_care();
    let names = shipped.file().frequencies.names();
    let tables = names.map(|name| {
        let text = LinkageModel::embedded_table(name).expect("shipped");
        (name.to_owned(), text)
    });
    let (store, tables) = (&context.store, tables.collect());
    let added = store.add_model(&stored, text, &tables);
    assert!(added.await.expect("added"));
    let activation = StoredActivation {
        number: 2,
        kind: ActivationKind::Activated,
        model: id.clone(),
        activated_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        gates: None,
        at: context.clock.now(),
    };
    let added = store.add_activation(&activation, None).await;
    assert!(added.expect("activated"));
    let again = store
        .add_activation(&activation, None)
        .await
        .expect("asked");
    assert!(!again, "a number is given once");
}

#[tokio::test]
async fn r86_a_ledger_keeps_the_model_that_it_began_with() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut first = context(directory.path(), wary()).await;
    keep_first_model(&mut first).await.expect("kept");
    // A later program ships another.
    let mut later = context(directory.path(), LinkageModel::uk_care()).await;
    keep_first_model(&mut later).await.expect("kept");
    assert_eq!(later.model.id(), wary().id());
    assert_eq!(later.model.link_threshold(), wary().link_threshold());
    assert_eq!(later.deciding_models(), [wary().id().clone()]);
    let activations = later.store.list_activations().await.expect("read");
    assert_eq!(activations.len(), 1);
}

#[tokio::test]
async fn r84_a_record_that_was_scored_by_another_model_is_scored_again() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut context = context(directory.path(), LinkageModel::uk_care()).await;
    keep_first_model(&mut context).await.expect("kept");
    ensure_source(&context, &gp()).await.expect("a source");
    let shipped = LinkageModel::uk_care().id().clone();
    assert_eq!(register(&context, "1").await, shipped);

    let prepared = prepare_registration(&context, &access(), command("2")).await;
    let prepared = prepared.expect("prepared");
    activate(&context, &wary()).await;
    assert!(refresh(&context).await.expect("seen"));
    let answer = commit_registration(prepared).await.expect("registered");
    assert!(answer.calibrated, "the answer is the new model's");
    assert_eq!(&model_of(&context, "2").await, wary().id());
    // A context goes on with its own model until it is asked for the one of the present.
    assert_eq!(context.model.id(), &shipped);
    assert_eq!(&register(&context.at_present(), "3").await, wary().id());
    // The old decision is its own model's.
    assert_eq!(model_of(&context, "1").await, shipped);
    let known = context.model_of(&shipped).await.expect("read");
    assert!(!known.calibrated());
}

#[tokio::test]
async fn r84_a_release_that_cannot_read_a_kept_model_says_so_and_goes_on() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut first = context(directory.path(), LinkageModel::uk_care()).await;
    keep_first_model(&mut first).await.expect("kept");
    let later = format!(
        "{}\n[of_another_release]\nx = 1\n",
        LinkageModel::uk_care().text()
    );
    let theirs = ModelId::of_text(&later, &LinkageModel::embedded_table).expect("TOML");
    activate_text(&first, &theirs, &later).await;

    // Active, it is needed: the error says what to do.
    let mut ours = context(directory.path(), LinkageModel::uk_care()).await;
    let refused = keep_first_model(&mut ours).await.expect_err("unreadable");
    for part in [
        theirs.as_str(),
        "of_another_release",
        "accord model rollback",
    ] {
        assert!(refused.to_string().contains(part), "{part}: {refused}");
    }
    let back = StoredActivation {
        number: 3,
        kind: ActivationKind::RolledBack,
        model: LinkageModel::uk_care().id().clone(),
        activated_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        gates: None,
        at: ours.clock.now(),
    };
    let added = ours.store.add_activation(&back, None).await;
    assert!(added.expect("activated"));

    // Where it decides no more, it is in nobody's way.
    keep_first_model(&mut ours).await.expect("readable");
    let reading = access_to(Action::ReadModel, Role::Engineer);
    let listed = list_models(&ours, &reading).await.expect("listed");
    let unreadable: Vec<_> = listed.iter().filter(|it| it.unreadable.is_some()).collect();
    assert!(matches!(&unreadable[..], [one] if one.id == theirs && !one.active));
    let seen = view_model(&ours, &reading, &theirs)
        .await
        .expect_err("unreadable");
    assert!(seen.to_string().contains("of_another_release"), "{seen}");

    // A question that it has raised says so, and keeps its probability.
    let raised = ours.model_of_task(&asked_by(&theirs)).await.expect("asked");
    let Raised::Unreadable(why) = &raised else {
        panic!("it was read");
    };
    assert!(why.contains(theirs.as_str()), "{why}");
    let weight = MatchWeight::new(1.0);
    assert_eq!(raised.probability(weight), weight.probability());
}

/// A question whose evidence names a model and no versions.
fn asked_by(model: &ModelId) -> TaskState {
    let task: TaskId = "T-00000000000000000000000000000001".parse().expect("an id");
    let opened = RegistryEvent::TaskOpened {
        task,
        kind: TaskKind::PossibleDuplicate,
        record: RecordNumber(1),
        persons: Vec::new(),
        weight_bits: Some(1.0),
        reasons: Vec::new(),
        evidence: hex(&Sha256::digest(model.as_str())),
        priority: TaskPriority::Weight,
        compared: Vec::new(),
        rows: Vec::new(),
    };
    let mut state = RegistryState::default();
    state.apply(&opened);
    state.tasks.get(&task).expect("opened").clone()
}
