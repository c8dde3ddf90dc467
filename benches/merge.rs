//! How long do a merge and an unmerge take, durably, in a ledger of 100,000
//! records (`ACCORD_PERSONS` sets another size)? Merges of two persons of one
//! record each, and a merge of a person with 200 records and its undoing, one
//! after the other. HTTP is not measured; the ledger lies in the system's
//! temporary directory. Prints percentiles, in milliseconds.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads its settings and prints what it finds"
)]

mod support;

use std::time::{Duration, Instant};

use accord::evaluation::generator::{Population, generate};
use accord::flows::{
    Asked, Context, FirstLoad, LoadedRow, catch_up_filled, merge_persons, move_record,
    register_record, undo_merge, withdraw_assertion,
};
use accord::foundation::PersonId;
use accord::identity::SubmittedRecord;
use accord::registry::{LocalId, MoveTarget, SourceCode};
use accord::security::{Access, Action, Actor, ActorKind, Origin, Role};
use support::{access, command, ledger, submitted};
use tokio::runtime::Runtime;

/// Records that the ledger is filled with at once.
const WINDOW: usize = 4_000;
/// Records of the person that is parted again.
const RECORDS: usize = 200;
/// Merges of two persons.
const PAIRS: usize = 500;
/// Merges and unmerges of the large person.
const ROUNDS: usize = 100;

/// A steward that may join and part.
fn steward() -> Access {
    let actor = Actor {
        name: "bench".to_owned(),
        kind: ActorKind::System,
        roles: vec![Role::Steward],
        sources: Vec::new(),
        on_behalf_of: None,
        reason: None,
        request_id: "bench".to_owned(),
        origin: Origin::default(),
    };
    Access::to(Action::MergePerson, actor).expect("a steward may")
}

fn asked() -> Asked {
    Asked {
        reason: "measured".to_owned(),
        dry_run: false,
        idempotency_key: None,
    }
}

fn source() -> SourceCode {
    SourceCode::parse("gp").expect("a source code")
}

/// Somebody like nobody else, and of age: no second human is asked.
fn stranger(number: usize) -> SubmittedRecord {
    let letter = |place: usize| char::from(b'a' + u8::try_from(place % 26).unwrap_or(0));
    let word = |seed: usize| -> String {
        let mut seed = seed.wrapping_mul(2_654_435_761);
        (0..9)
            .map(|_| {
                seed = seed / 26 + seed.wrapping_mul(31);
                letter(seed)
            })
            .collect()
    };
    SubmittedRecord {
        given_names: vec![word(number)],
        family_name: Some(word(number + 7_000_003)),
        birth_date: Some(format!(
            "{}-{:02}-{:02}",
            1930 + number % 60,
            1 + number % 12,
            1 + number % 28
        )),
        ..SubmittedRecord::default()
    }
}

async fn fill(context: &Context, persons: usize) {
    let rows = generate(&Population::default_region(), persons, 1);
    let commands = rows.records().take(persons).enumerate();
    let mut commands = commands.map(|(place, row)| ((), command(place, submitted(&row))));
    let write = access(Action::WriteRecord);
    let load = FirstLoad::begin(context, &write).await;
    let mut load = load.expect("a ledger").expect("an empty one");
    let told = |row| assert!(matches!(row, LoadedRow::In(..)), "registered");
    loop {
        let window: Vec<_> = commands.by_ref().take(WINDOW).collect();
        if window.is_empty() {
            break;
        }
        load.take(window, told).await.expect("taken");
    }
    let left = load.finish(told).await.expect("written");
    assert!(left.is_empty(), "each comes once");
    catch_up_filled(context, &mut |_| ())
        .await
        .expect("indexed");
}

/// A person of one record.
async fn person(context: &Context, number: usize) -> (LocalId, PersonId) {
    let write = access(Action::WriteRecord);
    let local_id = format!("stranger-{number}");
    let answer = register_record(context, &write, command(&local_id, stranger(number)))
        .await
        .expect("registered");
    (answer.local_id, answer.person_id)
}

fn print(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    println!(
        "{what}: {} times, p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
}

async fn merge_pairs(context: &Context) {
    let merge = steward();
    let mut took = Vec::new();
    for pair in 0..PAIRS {
        let (_, one) = person(context, 2 * pair).await;
        let (_, other) = person(context, 2 * pair + 1).await;
        let started = Instant::now();
        let done = merge_persons(context, &merge, one, other, (&asked(), None)).await;
        took.push(started.elapsed());
        assert!(done.expect("merged").approval.is_empty(), "nobody is asked");
    }
    print("merge of two persons", took);
}

async fn part_many(context: &Context) {
    let merge = steward();
    let (_, survivor) = person(context, 2 * PAIRS).await;
    let (_, large) = person(context, 2 * PAIRS + 1).await;
    for number in 1..RECORDS {
        let (local_id, _) = person(context, 2 * PAIRS + 1 + number).await;
        let to = MoveTarget::Person(large);
        move_record(context, &merge, (source(), local_id), to, (&asked(), None))
            .await
            .expect("moved");
    }
    let (mut merging, mut parting) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let made = merge_persons(context, &merge, survivor, large, (&asked(), None)).await;
        merging.push(started.elapsed());
        let merge_id = made.expect("merged").merge_id.expect("done");
        let started = Instant::now();
        let undone = undo_merge(context, &merge, merge_id, (&asked(), None)).await;
        parting.push(started.elapsed());
        let undone = undone.expect("undone");
        assert_eq!(undone.restored.len(), RECORDS);
        let assertion = undone.assertion_id.expect("an assertion");
        withdraw_assertion(context, &merge, assertion, &asked())
            .await
            .expect("taken back");
    }
    print("merge of a person with 200 records", merging);
    print("unmerge of 200 records", parting);
}

fn main() {
    let persons = std::env::var("ACCORD_PERSONS").ok();
    let persons = persons
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let runtime = Runtime::new().expect("a runtime");
    let directory = tempfile::tempdir().expect("a directory");
    runtime.block_on(async {
        let context = ledger(directory.path()).await;
        fill(&context, persons).await;
        println!("in a ledger of {persons} records, SQLite, durable:");
        merge_pairs(&context).await;
        part_many(&context).await;
        context.store.close().await;
    });
}
