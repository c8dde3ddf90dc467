//! What does it cost to register one new person, durably, to ask about one, and
//! to search for one, in a ledger of some 3,000 records? Registering is asked one at a time, where
//! the disk's flush dominates, and 64 at once, where the writer shares flushes.
//! HTTP is not measured; the ledger lies in the system's temporary directory.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};

use accord::evaluation::generator::{GeneratedRecord, Population, generate};
use accord::flows::{
    Context, catch_up, match_person, register_batch, register_record, search_persons,
};
use accord::identity::SubmittedRecord;
use accord::matching::search::{SearchMode, SearchRequest};
use accord::security::Action;
use criterion::{Criterion, criterion_group, criterion_main};
use support::{access, command, ledger, submitted};
use tokio::runtime::Runtime;

const PERSONS: usize = 1_000;
const AT_ONCE: usize = 64;

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
        command(number, submitted(&rows[row]))
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
