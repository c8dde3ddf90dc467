//! What does it cost to find whom to compare with, at 300,000 records of 12 keys
//! each? Asked of one index, built in 1,000-record commits and left to merge as
//! in service: twelve probes that hold few records; the same when two of them
//! are crowded and have to be sharpened; and one key that 1,000 records share
//! and nothing sharpens. It may take a quarter of the 0.8 ms of a whole match.

#![expect(clippy::print_stderr, reason = "a bench says what it did")]

use std::hint::black_box;

use accord::foundation::{EventPosition, RecordNumber};
use accord::index::{CandidateIndex, IndexEntry, RetrievalBounds};
use accord::matching::{BlockingKey, BlockingKeys, Facet, KeyKind, Probe};
use criterion::{Criterion, criterion_group, criterion_main};

const RECORDS: i64 = 300_000;
const COMMIT_RECORDS: usize = 1_000;

/// How many values each of the twelve keys takes: from nearly unique to shared
/// by 1,000 records.
const VALUES: [u64; 12] = [
    280_000, 250_000, 200_000, 150_000, 100_000, 60_000, 50_000, 30_000, 20_000, 10_000, 1_000, 300,
];

/// A value that differs by record and field, the same in every run.
fn spread(record: i64, field: usize) -> u64 {
    let seed = record.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (field as u64) << 56;
    let mixed = (seed ^ (seed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 29)
}

fn key(field: usize, record: i64) -> BlockingKey {
    let hash = spread(record, field) % VALUES[field] + ((field as u64 + 1) << 32);
    BlockingKey {
        kind: KeyKind::NhsNumber,
        hash,
    }
}

fn entries() -> Vec<IndexEntry> {
    (0..RECORDS)
        .map(|record| IndexEntry {
            record: RecordNumber(record),
            keys: (0..VALUES.len())
                .map(|field| key(field, record).hash)
                .collect(),
            search: Vec::new(),
        })
        .collect()
}

fn probe(field: usize, record: i64, facets: &[usize]) -> Probe {
    let facet = |&field: &usize| Facet(key(field, record).hash);
    Probe {
        key: key(field, record),
        facets: facets.iter().map(facet).collect(),
    }
}

fn built(directory: &std::path::Path) -> CandidateIndex {
    let index = CandidateIndex::open(directory).expect("an empty directory");
    let mut position = 0;
    for batch in entries().chunks(COMMIT_RECORDS) {
        position += 1;
        index.apply(batch, &[]).expect("room on the disk");
        index
            .commit(EventPosition(position))
            .expect("room on the disk");
    }
    index.settle().expect("room on the disk");
    index
}

fn retrieve(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("room on the disk");
    let started = std::time::Instant::now();
    let index = built(directory.path());
    eprintln!("built in {:?}", started.elapsed());
    drop(index);
    let started = std::time::Instant::now();
    let index = CandidateIndex::open(directory.path()).expect("the index just written");
    eprintln!("opened, with its check values, in {:?}", started.elapsed());

    let few = |record| {
        (0..10)
            .chain([2, 4])
            .map(|field| probe(field, record, &[]))
            .collect()
    };
    let crowded = |record| {
        let narrow = (0..10).map(|field| probe(field, record, &[]));
        narrow
            .chain([probe(10, record, &[9, 8]), probe(11, record, &[7])])
            .collect()
    };
    let shared = |record| vec![probe(11, record, &[])];
    let mut ask = |name: &str, probes: &dyn Fn(i64) -> Vec<Probe>| {
        let mut record = 0;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                record = (record + 7_919) % RECORDS;
                let keys = BlockingKeys {
                    probes: probes(record),
                    ..BlockingKeys::default()
                };
                black_box(index.retrieve(&keys, &RetrievalBounds::default()))
            });
        });
    };
    ask("twelve probes, few records each", &few);
    ask("twelve probes, two crowded", &crowded);
    ask("one key of 1,000 records, not sharpened", &shared);
}

criterion_group!(benches, retrieve);
criterion_main!(benches);
