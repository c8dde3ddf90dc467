//! What does a whole file cost by stage? Asked of some 6,000 rows of the
//! made-up region: reading them into coded records, linking with the shipped
//! model, and linking with training first. Files are not measured; larger ones
//! are for `make bench-link`.

use std::hint::black_box;

use accord::bulk::{BulkRecords, LinkPlan, Policy, SentRow, Stage, Watch, link};
use accord::evaluation::generator::{Population, generate};
use accord::identity::{
    NumberStatus, Profile, StandardDate, StandardiseOptions, SubmittedAddress, SubmittedRecord,
};
use accord::matching::LinkageModel;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const PERSONS: usize = 2_000;

struct Nobody;

impl Watch for Nobody {
    fn begin(&self, _stage: Stage, _total: u64) {}
    fn at(&self, _done: u64) {}
}

fn rows() -> Vec<SentRow> {
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    generate(&Population::default_region(), PERSONS, 1)
        .records()
        .map(|row| SentRow {
            record_id: row.record_id,
            source: row.source,
            record: SubmittedRecord {
                nhs_number: some(row.nhs_number),
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
            },
        })
        .collect()
}

fn taken(rows: Vec<SentRow>) -> BulkRecords {
    let options = StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(6), Some(1)).expect("a day"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    };
    let mut records = BulkRecords::default();
    records.take(rows, &options);
    records.seal();
    records
}

fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("link");
    group.sample_size(20);
    group.bench_function("read", |bencher| {
        bencher.iter_batched(rows, |rows| black_box(taken(rows)), BatchSize::LargeInput);
    });
    let records = taken(rows());
    for trains in [false, true] {
        let plan = LinkPlan {
            model: LinkageModel::uk_care(),
            trains,
            policy: Policy::Model,
            across_sources_only: false,
            least_bits: None,
        };
        let name = if trains { "trained" } else { "by_a_model" };
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(link(&records, &plan, &Nobody).expect("linked")));
        });
    }
    group.finish();
}

criterion_group!(benches, measure);
criterion_main!(benches);
