//! What do records cost that share what everybody shares? Prints the time of a
//! registration and of a question, median and 99th percentile, for people who
//! share nothing and for a crowd under one key (RELIABILITY T10: less than
//! twice), the processor time of both together, and how many are found again of
//! those who have other records there; then an update of a record with many
//! versions, and a question in a ledger whose index stands still. `ACCORD_CROWD` sets the size of the crowd,
//! `ACCORD_SHARED=BirthDate` measures one crowd alone.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads its settings and prints what it finds"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use accord::evaluation::generator::{GeneratedRecord, Population, generate};
use accord::flows::{Context, catch_up, match_person, register_batch, register_record};
use accord::foundation::PersonId;
use accord::identity::SubmittedRecord;
use accord::security::Action;
use support::{access, command, ledger, submitted};

const CROWD: usize = 20_000;
const MEASURED: usize = 300;

/// What the crowd shares.
#[derive(Debug, Clone, Copy)]
enum Shared {
    Nothing,
    Phone,
    BirthDate,
    Postcode,
    Defaults,
}

fn record(row: &GeneratedRecord, shared: Shared) -> SubmittedRecord {
    let mut record = submitted(row);
    match shared {
        Shared::Nothing => {}
        Shared::Phone => record.phones = vec!["07700 900123".to_owned()],
        Shared::BirthDate => record.birth_date = Some("1970-06-15".to_owned()),
        Shared::Postcode => record.addresses[0].postcode = Some("LS9 7TF".to_owned()),
        Shared::Defaults => {
            record.given_names = vec!["UNKNOWN".to_owned()];
            record.addresses[0].postcode = Some("ZZ99 3VZ".to_owned());
        }
    }
    record
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    println!("{what:48} p50 {:>7} us  p99 {:>7} us", at(50), at(99));
}

/// Processor time of this process in hundredths of a second, all threads; zero
/// where the system does not say. Unlike the clock it does not count what other
/// processes took.
fn processor_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.flat_map(str::parse::<u64>).sum()
}

/// The persons of the ledger who hold a record of each person of the truth.
type Holders<'a> = BTreeMap<&'a str, BTreeSet<PersonId>>;

async fn load<'a>(
    context: &Context,
    rows: &[&'a GeneratedRecord],
    shared: Shared,
    indexed: bool,
) -> Holders<'a> {
    let mut holders = Holders::new();
    for (part, chunk) in rows.chunks(1_000).enumerate() {
        let commands = chunk.iter().enumerate().map(|(place, row)| {
            let command = command(part * 1_000 + place, record(row, shared));
            (
                row.person_id.as_str(),
                Ok((access(Action::WriteRecord), command)),
            )
        });
        register_batch(context, commands, |truth, answer| {
            let person = answer.expect("registered").person_id;
            holders.entry(truth).or_default().insert(person);
        })
        .await;
        if indexed {
            catch_up(context).await.expect("indexed");
        }
    }
    holders
}

async fn measure(rows: &[GeneratedRecord], shared: Shared, indexed: bool) {
    let directory = tempfile::tempdir().expect("a directory");
    let context = ledger(directory.path()).await;
    // Spread, so that the crowd has other records of most of the same persons.
    let each = rows.len() / MEASURED;
    let is_measured = |place: usize| (place + 1).is_multiple_of(each);
    let (measured, crowd): (Vec<_>, Vec<_>) =
        (0..).zip(rows).partition(|(place, _)| is_measured(*place));
    let crowd: Vec<&GeneratedRecord> = crowd.into_iter().map(|(_, row)| row).collect();
    let holders = load(&context, &crowd, shared, indexed).await;
    let (mut asking, mut registering) = (Vec::new(), Vec::new());
    let (mut known, mut found) = (0, 0);
    let before = processor_ticks();
    for (place, (_, row)) in measured.iter().enumerate() {
        let asked = record(row, shared);
        let start = Instant::now();
        let read = access(Action::MatchPerson);
        let answer = match_person(&context, &read, &asked, 10)
            .await
            .expect("answered");
        asking.push(start.elapsed());
        if let Some(persons) = holders.get(row.person_id.as_str()) {
            known += 1;
            let candidates = &answer.candidates;
            found += usize::from(candidates.iter().any(|it| persons.contains(&it.person)));
        }
        let write = access(Action::WriteRecord);
        let start = Instant::now();
        register_record(&context, &write, command(1_000_000 + place, asked))
            .await
            .expect("registered");
        registering.push(start.elapsed());
    }
    let ticks = processor_ticks() - before;
    let index = if indexed { "" } else { ", the index stands" };
    told(&format!("{shared:?} shared{index}: a question"), asking);
    told(
        &format!("{shared:?} shared{index}: a registration"),
        registering,
    );
    let each = ticks * 10_000 / measured.len() as u64;
    println!("{shared:?} shared{index}: both, processor {each} us; {found} of {known} found again");
}

async fn measure_versions(rows: &[GeneratedRecord]) {
    let directory = tempfile::tempdir().expect("a directory");
    let context = ledger(directory.path()).await;
    let mut times = Vec::new();
    for (version, row) in rows.iter().take(1_600).enumerate() {
        let mut submitted = record(row, Shared::BirthDate);
        submitted.given_names = vec!["Rosalind".to_owned()];
        submitted.gender = Some("female".to_owned());
        let start = Instant::now();
        register_record(
            &context,
            &access(Action::WriteRecord),
            command(1, submitted),
        )
        .await
        .expect("registered");
        catch_up(&context).await.expect("indexed");
        times.push(start.elapsed());
        if (version + 1).is_multiple_of(400) {
            told(&format!("an update, up to version {}", version + 1), times);
            times = Vec::new();
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let crowd = std::env::var("ACCORD_CROWD").ok();
    let crowd = crowd.and_then(|text| text.parse().ok()).unwrap_or(CROWD);
    let rows: Vec<GeneratedRecord> = generate(&Population::default_region(), crowd, 1)
        .records()
        .take(crowd + MEASURED)
        .collect();
    let only = std::env::var("ACCORD_SHARED").ok();
    let wanted = |shared: &Shared| {
        only.as_ref()
            .is_none_or(|only| *only == format!("{shared:?}"))
    };
    runtime.block_on(async {
        for shared in [
            Shared::Nothing,
            Shared::Phone,
            Shared::BirthDate,
            Shared::Postcode,
            Shared::Defaults,
        ]
        .into_iter()
        .filter(wanted)
        {
            measure(&rows, shared, true).await;
        }
        if only.is_some() {
            return;
        }
        let few = &rows[..rows.len().min(4_000)];
        measure(few, Shared::Postcode, false).await;
        measure_versions(&rows).await;
    });
}
