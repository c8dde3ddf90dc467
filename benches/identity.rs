//! What does it cost to read one record, to make its blocking keys, and to
//! compare it with one other? Asked of 1,000 records of the made-up region, in
//! turn, so that names and addresses vary as they do; files and storage are not
//! measured.

use std::hint::black_box;

use accord::evaluation::generator::{Population, generate};
use accord::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedRecord, standardise,
};
use accord::matching::{LinkageModel, blocking_keys};
use criterion::{Criterion, criterion_group, criterion_main};

const RECORDS: usize = 1_000;

fn sent() -> Vec<SubmittedRecord> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let region = generate(&Population::default_region(), RECORDS, 1);
    region
        .records()
        .take(RECORDS)
        .map(|row| SubmittedRecord {
            nhs_number: some(row.nhs_number),
            nhs_number_status: some(row.nhs_number_status),
            given_names: [row.given_name, row.middle_name]
                .into_iter()
                .filter_map(some)
                .collect(),
            family_name: some(row.family_name),
            birth_date: some(row.date_of_birth),
            gender: some(row.gender),
            addresses: vec![SubmittedAddress {
                lines: vec![row.address_line],
                town: some(row.town),
                postcode: some(row.postcode),
                ..SubmittedAddress::default()
            }],
            phones: some(row.phone).into_iter().collect(),
            emails: some(row.email).into_iter().collect(),
            ..SubmittedRecord::default()
        })
        .collect()
}

fn options() -> StandardiseOptions {
    StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(6), Some(1)).expect("a day"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    }
}

fn measure(criterion: &mut Criterion) {
    let (sent, options, model) = (sent(), options(), LinkageModel::uk_care());
    let standard: Vec<StandardRecord> = sent
        .iter()
        .map(|record| standardise(record, &options).0)
        .collect();
    let mut turn = (0..sent.len()).cycle();
    let mut next = move || turn.next().unwrap_or(0);
    criterion.bench_function("standardise one record", |bencher| {
        bencher.iter(|| black_box(standardise(&sent[next()], &options)));
    });
    criterion.bench_function("make its blocking keys", |bencher| {
        bencher.iter(|| black_box(blocking_keys(&standard[next()])));
    });
    criterion.bench_function("score it against one other", |bencher| {
        bencher.iter(|| {
            let at = next();
            black_box(model.score(&standard[at], &[&standard[(at * 7 + 1) % standard.len()]]))
        });
    });
    criterion.bench_function("explain a score", |bencher| {
        bencher.iter(|| {
            let at = next();
            black_box(model.explain(&standard[at], &[&standard[(at + 1) % standard.len()]]))
        });
    });
}

criterion_group!(benches, measure);
criterion_main!(benches);
