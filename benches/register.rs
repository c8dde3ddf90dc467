//! What does it cost to register one new person, durably, to ask about one, and
//! to search for one, in a ledger of some 3,000 records? Registering is asked one at a time, where
//! the disk's flush dominates, and 64 at once, where the writer shares flushes.
//! HTTP is not measured; the ledger lies in the system's temporary directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use accord::evaluation::generator::{GeneratedRecord, Population, generate};
use accord::flows::{
    Context, CpuPool, RegisterCommand, catch_up, ensure_source, match_person, register_batch,
    register_record, search_persons,
};
use accord::foundation::{SystemChance, SystemClock};
use accord::identity::{SubmittedAddress, SubmittedRecord};
use accord::index::CandidateIndex;
use accord::matching::LinkageModel;
use accord::matching::search::{SearchMode, SearchRequest};
use accord::registry::{LocalId, SourceCode};
use accord::security::{Access, Action, Actor, ActorKind, Role};
use accord::storage::{Store, StoreOptions};
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const PERSONS: usize = 1_000;
const AT_ONCE: usize = 64;

fn access(action: Action) -> Access {
    let actor = Actor {
        name: "bench".to_owned(),
        kind: ActorKind::System,
        roles: vec![Role::Integration],
        sources: Vec::new(),
        on_behalf_of: None,
        reason: None,
        request_id: "bench".to_owned(),
    };
    Access::to(action, actor).expect("an integration system may")
}

fn command(number: u64, row: &GeneratedRecord) -> RegisterCommand {
    RegisterCommand {
        source: SourceCode::parse("gp").expect("a source code"),
        local_id: LocalId::parse(&number.to_string()).expect("a local id"),
        submitted: SubmittedRecord {
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
        },
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    }
}

async fn ledger(directory: &std::path::Path) -> Context {
    let options = StoreOptions {
        live: false,
        create: true,
        exclusive: true,
    };
    let context = Context {
        store: Store::open(directory, options).await.expect("a new ledger"),
        index: CandidateIndex::open(&directory.join("index")).expect("a new index"),
        model: Arc::new(LinkageModel::uk_care()),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        pool: CpuPool::for_this_machine().expect("threads"),
        merges_per_hour: accord::foundation::limits::MERGES_PER_HOUR_MAX,
    };
    let gp = SourceCode::parse("gp").expect("a source code");
    ensure_source(&context, &gp).await.expect("a source");
    context
}

fn measure(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let directory = tempfile::tempdir().expect("a directory");
    let context = runtime.block_on(ledger(directory.path()));
    let rows: Vec<GeneratedRecord> = generate(&Population::default_region(), PERSONS, 1)
        .records()
        .collect();
    let next = AtomicU64::new(0);
    let new = || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let row = usize::try_from(number).unwrap_or(0) % rows.len();
        command(number, &rows[row])
    };
    let many = |count: usize| {
        let commands: Vec<_> = (0..count)
            .map(|_| ((), Ok((access(Action::WriteRecord), new()))))
            .collect();
        runtime.block_on(register_batch(
            &context,
            commands.into_iter(),
            |(), answer| {
                answer.expect("registered");
            },
        ));
        runtime.block_on(catch_up(&context)).expect("indexed");
    };
    many(rows.len());
    criterion.bench_function("register one record, durable", |bencher| {
        bencher.iter(|| {
            let write = access(Action::WriteRecord);
            runtime
                .block_on(register_record(&context, &write, new()))
                .expect("registered")
        });
    });
    criterion.bench_function(
        "register 64 records at once, durable and indexed",
        |bencher| {
            bencher.iter(|| many(AT_ONCE));
        },
    );
    // The change of threads and back, from a thread of the runtime as a request does.
    criterion.bench_function("compute nothing in the pool", |bencher| {
        bencher.iter_custom(|times| {
            let pool = context.pool.clone();
            let asking = runtime.spawn(async move {
                let started = std::time::Instant::now();
                for _ in 0..times {
                    pool.run(|| ()).await.expect("computed");
                }
                started.elapsed()
            });
            runtime.block_on(asking).expect("no panic")
        });
    });
    measure_questions(criterion, &runtime, &context, &|| new().submitted);
}

fn measure_questions(
    criterion: &mut Criterion,
    runtime: &Runtime,
    context: &Context,
    asked: &dyn Fn() -> SubmittedRecord,
) {
    criterion.bench_function("ask about one person", |bencher| {
        bencher.iter(|| {
            let asked = asked();
            let read = access(Action::MatchPerson);
            runtime
                .block_on(match_person(context, &read, &asked, 10))
                .expect("answered")
        });
    });
    for (name, mode) in [
        ("search by name and date", SearchMode::Standard),
        ("search fuzzily", SearchMode::Fuzzy),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let asked = asked();
                let request = SearchRequest {
                    family_name: asked.family_name,
                    given_names: asked.given_names,
                    birth_date: asked.birth_date,
                    mode,
                    ..SearchRequest::default()
                };
                let read = access(Action::SearchPerson);
                // Some made-up records lack a name or a date: that is an answer too.
                let _ = runtime.block_on(search_persons(context, &read, &request, 50));
            });
        });
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
