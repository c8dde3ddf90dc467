//! The index as its callers see it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{CandidateIndex, IndexEntry};
use crate::foundation::{EventPosition, RecordNumber};
use crate::index::{ContentHash, IndexError, RetrievalBounds, Retrieved};
use crate::matching::{BlockingKey, BlockingKeys, Facet, KeyKind, Probe};

mod damage;
mod search;

const WIDE: RetrievalBounds = RetrievalBounds {
    records_per_key: 1_000,
    records_total: 10_000,
};

fn key(hash: u64) -> BlockingKey {
    BlockingKey {
        kind: KeyKind::NhsNumber,
        hash,
    }
}

fn entry(record: i64, hashes: &[u64]) -> IndexEntry {
    IndexEntry {
        record: RecordNumber(record),
        keys: hashes.to_vec(),
        search: Vec::new(),
    }
}

/// Probes, each a key and what narrows it.
fn asking(probes: &[(u64, &[u64])]) -> BlockingKeys {
    let probes = probes
        .iter()
        .map(|&(asked, facets)| Probe {
            key: key(asked),
            facets: facets.iter().copied().map(Facet).collect(),
        })
        .collect();
    BlockingKeys {
        probes,
        ..BlockingKeys::default()
    }
}

fn bounds(records_per_key: usize, records_total: usize) -> RetrievalBounds {
    RetrievalBounds {
        records_per_key,
        records_total,
    }
}

fn numbers(retrieved: &Retrieved) -> Vec<i64> {
    retrieved.records.iter().map(|record| record.0).collect()
}

/// `key`, `held` and `looked_at` of every probe.
fn outcomes(retrieved: &Retrieved) -> Vec<(u64, u64, u64)> {
    retrieved
        .probes
        .iter()
        .map(|probe| (probe.key.hash, probe.held, probe.looked_at))
        .collect()
}

fn found(index: &CandidateIndex, hash: u64) -> Vec<i64> {
    numbers(&index.retrieve(&asking(&[(hash, &[])]), &WIDE).unwrap())
}

fn filled(entries: &[IndexEntry]) -> CandidateIndex {
    let index = CandidateIndex::in_memory().unwrap();
    index.apply(entries, &[]).unwrap();
    index.commit(EventPosition(1)).unwrap();
    index
}

/// Key 1 holds records 1 to 100; key or facet 2 the 10 records 10, 20 …; 3 the 50
/// even ones; 4 nobody.
fn crowd() -> Vec<IndexEntry> {
    (1..=100)
        .map(|record| {
            let mut hashes = vec![1];
            hashes.extend((record % 10 == 0).then_some(2));
            hashes.extend((record % 2 == 0).then_some(3));
            entry(record, &hashes)
        })
        .collect()
}

#[test]
fn records_are_found_by_every_key_they_have() {
    let index = filled(&[entry(7, &[1, 2, 2]), entry(3, &[2, 9]), entry(5, &[])]);
    assert_eq!(found(&index, 1), [7]);
    assert_eq!(found(&index, 2), [3, 7]);
    assert_eq!(found(&index, 8), [] as [i64; 0]);
    assert_eq!(index.document_count(), 3);
    let both = index
        .retrieve(&asking(&[(9, &[]), (2, &[])]), &WIDE)
        .unwrap();
    assert_eq!(numbers(&both), [3, 7]);
    assert_eq!(outcomes(&both), [(9, 1, 1), (2, 2, 2)]);
    assert!(both.complete());
}

#[test]
fn an_update_replaces_all_keys_and_applying_again_changes_nothing() {
    let index = filled(&[entry(1, &[1, 2]), entry(2, &[1])]);
    for position in 2..4 {
        index.apply(&[entry(1, &[2, 3])], &[]).unwrap();
        index.commit(EventPosition(position)).unwrap();
        assert_eq!(found(&index, 1), [2]);
        assert_eq!(found(&index, 2), [1]);
        assert_eq!(found(&index, 3), [1]);
        assert_eq!(index.document_count(), 2);
    }
}

#[test]
fn of_two_entries_for_one_record_in_one_batch_the_later_counts() {
    let index = filled(&[entry(4, &[1]), entry(9, &[1]), entry(4, &[2])]);
    assert_eq!(found(&index, 1), [9]);
    assert_eq!(found(&index, 2), [4]);
    assert_eq!(index.document_count(), 2);
}

#[test]
fn a_removed_record_is_neither_found_nor_counted() {
    let index = filled(&crowd());
    index
        .apply(&[], &[RecordNumber(20), RecordNumber(1_000)])
        .unwrap();
    index.commit(EventPosition(2)).unwrap();
    assert_eq!(index.document_count(), 99);
    let retrieved = index
        .retrieve(&asking(&[(1, &[2])]), &bounds(10, 50))
        .unwrap();
    assert_eq!(numbers(&retrieved), [10, 30, 40, 50, 60, 70, 80, 90, 100]);
    assert_eq!(outcomes(&retrieved), [(1, 99, 9)]);

    index
        .apply(&[entry(30, &[1])], &[RecordNumber(30)])
        .unwrap();
    index.commit(EventPosition(3)).unwrap();
    assert_eq!(index.document_count(), 98);
}

#[test]
fn changes_and_position_are_seen_together_and_survive_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let index = CandidateIndex::open(directory.path()).unwrap();
    assert_eq!(index.position(), EventPosition(0));
    index.apply(&[entry(1, &[1])], &[]).unwrap();
    index.commit(EventPosition(41)).unwrap();
    index.apply(&[entry(2, &[1])], &[]).unwrap();
    assert_eq!(
        (index.position(), found(&index, 1)),
        (EventPosition(41), vec![1])
    );
    index.commit(EventPosition(42)).unwrap();
    assert_eq!(
        (index.position(), found(&index, 1)),
        (EventPosition(42), vec![1, 2])
    );
    index.commit(EventPosition(50)).unwrap();
    index.apply(&[entry(3, &[1])], &[]).unwrap();
    drop(index);

    let index = CandidateIndex::open(directory.path()).unwrap();
    let retrieved = index.retrieve(&asking(&[(1, &[])]), &WIDE).unwrap();
    assert_eq!(retrieved.position, EventPosition(50));
    assert_eq!(numbers(&retrieved), [1, 2]);
    index.apply(&[entry(2, &[7])], &[]).unwrap();
    index.commit(EventPosition(51)).unwrap();
    assert_eq!(
        found(&index, 1),
        [1],
        "a record written before reopening is replaced"
    );
}

#[test]
fn a_key_within_its_bound_is_not_narrowed() {
    let index = filled(&crowd());
    let retrieved = index
        .retrieve(&asking(&[(2, &[4])]), &bounds(10, 50))
        .unwrap();
    assert_eq!(outcomes(&retrieved), [(2, 10, 10)]);
    assert!(retrieved.complete());
}

#[test]
fn a_crowded_key_is_narrowed_by_one_facet_after_another_until_it_fits() {
    let index = filled(&crowd());
    let retrieved = index
        .retrieve(&asking(&[(1, &[3, 2, 4])]), &bounds(10, 50))
        .unwrap();
    assert_eq!(
        numbers(&retrieved),
        [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    );
    assert_eq!(outcomes(&retrieved), [(1, 100, 10)]);
    assert!(retrieved.probes[0].narrowed && !retrieved.complete());

    let first_fits = index
        .retrieve(&asking(&[(1, &[3, 2])]), &bounds(50, 500))
        .unwrap();
    assert_eq!(outcomes(&first_fits), [(1, 100, 50)]);
    let past_nobody = index
        .retrieve(&asking(&[(1, &[4, 2])]), &bounds(10, 50))
        .unwrap();
    assert_eq!(numbers(&past_nobody), numbers(&retrieved));
}

#[test]
fn what_no_facet_makes_small_enough_is_cut_by_record_number() {
    let index = filled(&crowd());
    let retrieved = index
        .retrieve(&asking(&[(1, &[3, 2])]), &bounds(4, 50))
        .unwrap();
    assert_eq!(numbers(&retrieved), [10, 20, 30, 40]);
    assert_eq!(outcomes(&retrieved), [(1, 100, 4)]);
    let blunt = index
        .retrieve(&asking(&[(1, &[])]), &bounds(4, 50))
        .unwrap();
    assert_eq!(numbers(&blunt), [1, 2, 3, 4]);
    assert_eq!(outcomes(&blunt), [(1, 100, 4)]);
    let nobody = index
        .retrieve(&asking(&[(1, &[4])]), &bounds(4, 50))
        .unwrap();
    assert_eq!(numbers(&nobody), [1, 2, 3, 4]);
    assert!(!nobody.complete());
}

#[test]
fn a_record_retrieved_by_one_key_counts_as_looked_at_under_another() {
    let index = filled(&crowd());
    let probes = asking(&[(3, &[4]), (1, &[2])]);
    let retrieved = index.retrieve(&probes, &bounds(10, 50)).unwrap();
    assert_eq!(outcomes(&retrieved), [(3, 50, 18), (1, 100, 18)]);
    let all = asking(&[(1, &[3]), (3, &[]), (2, &[])]);
    let retrieved = index.retrieve(&all, &bounds(50, 500)).unwrap();
    assert_eq!(
        outcomes(&retrieved),
        [(1, 100, 50), (3, 50, 50), (2, 10, 10)]
    );
}

#[test]
fn the_bound_over_all_keeps_those_that_share_the_rarest_keys() {
    let index = filled(&[crowd(), vec![entry(200, &[5]), entry(201, &[5])]].concat());
    let probes = asking(&[(3, &[]), (2, &[]), (5, &[])]);
    let retrieved = index.retrieve(&probes, &bounds(64, 14)).unwrap();
    assert_eq!(
        numbers(&retrieved),
        [2, 4, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, 201]
    );
    assert_eq!(outcomes(&retrieved), [(3, 50, 12), (2, 10, 10), (5, 2, 2)]);
    let exact = index.retrieve(&probes, &bounds(64, 52)).unwrap();
    assert_eq!(exact.records.len(), 52);
    assert!(exact.complete());
    let nothing = index.retrieve(&probes, &bounds(64, 0)).unwrap();
    assert_eq!(outcomes(&nothing), [(3, 50, 0), (2, 10, 0), (5, 2, 0)]);
}

#[test]
fn the_bound_over_all_keeps_those_that_share_the_most_keys() {
    let entries: Vec<IndexEntry> = (1..=109)
        .map(|record| match record {
            ..50 => entry(record, &[1]),
            50..=60 => entry(record, &[1, 3]),
            _ => entry(record, &[3]),
        })
        .collect();
    let index = filled(&entries);
    let probes = asking(&[(1, &[]), (3, &[])]);
    let retrieved = index.retrieve(&probes, &bounds(64, 11)).unwrap();
    assert_eq!(numbers(&retrieved), (50..=60).collect::<Vec<_>>());
}

#[test]
fn the_answer_does_not_depend_on_how_the_records_were_committed() {
    let end = EventPosition(1_000);
    let probes = asking(&[(1, &[3, 2]), (3, &[2]), (2, &[]), (1, &[])]);
    let narrow = bounds(7, 12);
    let whole = filled(&crowd());
    whole.commit(end).unwrap();
    let expected = whole.retrieve(&probes, &narrow).unwrap();
    for size in [1, 7, 33] {
        for backwards in [false, true] {
            let mut entries = crowd();
            if backwards {
                entries.reverse();
            }
            let index = filled(&[entry(50, &[9]), entry(3, &[2, 3]), entry(400, &[1])]);
            for batch in entries.chunks(size) {
                index.apply(batch, &[]).unwrap();
                index.commit(EventPosition(2)).unwrap();
            }
            index.apply(&[], &[RecordNumber(400)]).unwrap();
            index.commit(end).unwrap();
            assert_eq!(index.retrieve(&probes, &narrow).unwrap(), expected);
            assert_eq!(index.content_hash().unwrap(), whole.content_hash().unwrap());
        }
    }
}

#[test]
fn the_content_hash_is_that_of_the_live_pairs() {
    let index = filled(&[entry(1, &[1, 2, 2]), entry(2, &[1]), entry(3, &[8])]);
    index.apply(&[entry(2, &[4])], &[RecordNumber(3)]).unwrap();
    index.commit(EventPosition(6)).unwrap();
    let mut expected = ContentHash::default();
    for (record, hash) in [(2, 4), (1, 2), (1, 1)] {
        expected.include(RecordNumber(record), hash);
    }
    assert_eq!(index.content_hash().unwrap(), (EventPosition(6), expected));
}

#[test]
fn reading_does_not_wait_for_the_writer() {
    let index = filled(&crowd());
    let _writer = index.shared.writer.lock().unwrap();
    assert_eq!(found(&index, 2).len(), 10);
    assert_eq!(index.position(), EventPosition(1));
}

#[test]
fn readers_see_whole_commits_while_the_writer_works() {
    let index = CandidateIndex::in_memory().unwrap();
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = || {
            let mut seen = EventPosition(0);
            while !finished.load(Ordering::Acquire) {
                let retrieved = index.retrieve(&asking(&[(1, &[])]), &WIDE).unwrap();
                let expected: Vec<i64> = (1..=retrieved.position.0).collect();
                assert_eq!(numbers(&retrieved), expected);
                assert!(retrieved.position >= seen, "time does not run backwards");
                seen = retrieved.position;
            }
        };
        scope.spawn(reader);
        scope.spawn(reader);
        let outcome = (1..=120).try_for_each(|position| {
            // The record before is written again: it must never be missing.
            let again = entry((position - 1).max(1), &[1]);
            index.apply(&[again, entry(position, &[1])], &[])?;
            index.commit(EventPosition(position))
        });
        finished.store(true, Ordering::Release);
        assert_eq!(outcome, Ok(()));
    });
    assert_eq!(found(&index, 1).len(), 120);
}

#[test]
fn after_a_fault_no_commit_can_skip_changes_until_the_caller_recovers() {
    let index = filled(&[entry(1, &[1])]);
    index.apply(&[entry(2, &[1])], &[]).unwrap();
    let fault = tantivy::TantivyError::SystemError("disk full".to_owned());
    index.shared.writer.lock().unwrap().stop(&fault);
    let not_written = |answer: Result<(), IndexError>| {
        assert!(
            matches!(answer, Err(IndexError::NotWritten { .. })),
            "{answer:?}"
        );
    };
    not_written(index.apply(&[entry(3, &[1])], &[]));
    not_written(index.commit(EventPosition(3)));
    not_written(index.settle());
    assert_eq!(found(&index, 1), [1], "reading goes on");
    assert_eq!(index.recover(), Ok(EventPosition(1)));
    index.apply(&[entry(2, &[1]), entry(3, &[1])], &[]).unwrap();
    index.commit(EventPosition(3)).unwrap();
    assert_eq!(found(&index, 1), [1, 2, 3]);
}

#[test]
fn purging_leaves_no_term_of_a_removed_record_and_no_file_that_had_one() {
    let directory = tempfile::tempdir().unwrap();
    let index = CandidateIndex::open(directory.path()).unwrap();
    for position in 1..=12 {
        let record = entry(position, &[1, 100 + position.unsigned_abs()]);
        index.apply(&[record], &[]).unwrap();
        index.commit(EventPosition(position)).unwrap();
    }
    index.settle().unwrap();
    index.apply(&[entry(4, &[1])], &[RecordNumber(7)]).unwrap();
    assert_eq!(index.purge_deleted(), Err(IndexError::ChangesPending));
    index.commit(EventPosition(13)).unwrap();
    let hash = index.content_hash().unwrap();

    index.purge_deleted().unwrap();
    let snapshot = index.snapshot();
    assert_eq!(snapshot.removed_count(), 0);
    assert!(!snapshot.has_term(&key(104)) && !snapshot.has_term(&key(107)));
    assert!(snapshot.has_term(&key(105)));
    assert_eq!(index.content_hash().unwrap(), hash);
    let live: Vec<String> = index
        .shared
        .index
        .searchable_segment_ids()
        .unwrap()
        .iter()
        .map(|segment| segment.uuid_string())
        .collect();
    for file in files_of(directory.path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(
            name.ends_with("json")
                || name.ends_with("lock")
                || live.contains(&name[..32].to_owned()),
            "{name}"
        );
    }
    drop(index);
    assert_eq!(
        CandidateIndex::open(directory.path()).unwrap().position(),
        EventPosition(13)
    );
}

#[test]
fn a_directory_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let index = CandidateIndex::open(directory.path()).unwrap();
    assert_eq!(
        CandidateIndex::open(directory.path()).err(),
        Some(IndexError::InUse)
    );
    let other_handle = index.clone();
    drop(index);
    assert_eq!(
        CandidateIndex::open(directory.path()).err(),
        Some(IndexError::InUse)
    );
    drop(other_handle);
    assert!(CandidateIndex::open(directory.path()).is_ok());
}

fn files_of(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}
