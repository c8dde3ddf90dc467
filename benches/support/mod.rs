//! What the benches share: a ledger of their own, and a generated row as a
//! registration.

use std::sync::Arc;

use accord::evaluation::generator::GeneratedRecord;
use accord::flows::{Context, CpuPool, Models, RegisterCommand, ensure_source};
use accord::foundation::{SystemChance, SystemClock};
use accord::identity::{SubmittedAddress, SubmittedRecord};
use accord::index::CandidateIndex;
use accord::matching::LinkageModel;
use accord::registry::{LocalId, SourceCode};
use accord::security::{Access, Action, Actor, ActorKind, Origin, Role};
use accord::storage::{Store, StoreOptions};

/// As the program has it; the system's own takes more of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An integration system that may do this.
pub(crate) fn access(action: Action) -> Access {
    let actor = Actor {
        name: "bench".to_owned(),
        kind: ActorKind::System,
        roles: vec![Role::Integration],
        sources: Vec::new(),
        on_behalf_of: None,
        reason: None,
        request_id: "bench".to_owned(),
        origin: Origin::default(),
    };
    Access::to(action, actor).expect("an integration system may")
}

/// Names, birth date, sex and address of a row; no number.
pub(crate) fn submitted(row: &GeneratedRecord) -> SubmittedRecord {
    SubmittedRecord {
        given_names: vec![row.given_name.clone()],
        family_name: Some(row.family_name.clone()),
        birth_date: Some(row.date_of_birth.clone()),
        gender: Some(row.gender.clone()),
        addresses: vec![SubmittedAddress {
            lines: vec![row.address_line.clone()],
            postcode: Some(row.postcode.clone()),
            ..SubmittedAddress::default()
        }],
        ..SubmittedRecord::default()
    }
}

/// The registration of a record of the one source.
pub(crate) fn command(number: impl ToString, submitted: SubmittedRecord) -> RegisterCommand {
    RegisterCommand {
        source: SourceCode::parse("gp").expect("a source code"),
        local_id: LocalId::parse(&number.to_string()).expect("a local id"),
        submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    }
}

/// A new ledger with one source.
pub(crate) async fn ledger(directory: &std::path::Path) -> Context {
    let options = StoreOptions {
        live: false,
        create: true,
        exclusive: true,
    };
    let context = Context {
        store: Store::open(directory, options).await.expect("a new ledger"),
        index: CandidateIndex::open(&directory.join("index")).expect("a new index"),
        model: Arc::new(LinkageModel::uk_care()),
        models: Arc::new(Models::new(Arc::new(LinkageModel::uk_care()))),
        survivorship: Arc::default(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        pool: CpuPool::for_this_machine().expect("threads"),
        merges_per_hour: u32::MAX,
        review: Arc::default(),
        outward: Arc::default(),
    };
    let gp = SourceCode::parse("gp").expect("a source code");
    ensure_source(&context, &gp).await.expect("a source");
    context
}
