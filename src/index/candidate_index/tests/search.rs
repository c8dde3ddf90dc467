//! Searching: an AND of ORs, over all segments, without what was removed.

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::{CandidateIndex, IndexEntry, Searched};
use crate::matching::search::SearchPlan;

fn entry(record: i64, search: &[u64]) -> IndexEntry {
    IndexEntry {
        record: RecordNumber(record),
        keys: vec![1],
        search: search.to_vec(),
    }
}

/// Three commits, so that the records lie in several segments.
fn index() -> CandidateIndex {
    let index = CandidateIndex::in_memory().unwrap();
    let commits: [&[IndexEntry]; 3] = [
        &[entry(1, &[10, 20]), entry(2, &[10, 21, 30])],
        &[entry(3, &[11, 20, 30]), entry(4, &[12, 20])],
        &[entry(5, &[10, 20, 20])],
    ];
    for (position, entries) in (1..).zip(commits) {
        index.apply(entries, &[]).unwrap();
        index.commit(EventPosition(position)).unwrap();
    }
    index
}

fn ask(index: &CandidateIndex, plan: &SearchPlan, bound: usize) -> Searched {
    index.search(plan, bound).unwrap()
}

fn plan(required: &[&[u64]], narrowing: &[&[u64]]) -> SearchPlan {
    let owned = |groups: &[&[u64]]| groups.iter().map(|group| group.to_vec()).collect();
    SearchPlan {
        required: owned(required),
        narrowing: owned(narrowing),
    }
}

fn numbers(searched: &Searched) -> Vec<i64> {
    searched.records.iter().map(|record| record.0).collect()
}

#[test]
fn a_record_must_hold_one_term_of_each_group() {
    let index = index();
    let found = |required: &[&[u64]]| numbers(&ask(&index, &plan(required, &[]), 100));
    assert_eq!(found(&[&[10]]), [1, 2, 5]);
    assert_eq!(found(&[&[10, 11], &[20]]), [1, 3, 5]);
    assert_eq!(found(&[&[10], &[20, 21], &[30]]), [2]);
    assert!(found(&[&[10], &[99]]).is_empty());
    assert!(found(&[&[10], &[]]).is_empty());
    assert!(found(&[]).is_empty());
}

#[test]
fn too_many_are_narrowed_and_that_is_said() {
    let index = index();
    let asked = plan(&[&[20]], &[&[10, 11], &[30]]);
    let all = ask(&index, &asked, 4);
    assert_eq!(numbers(&all), [1, 3, 4, 5]);
    assert!(!all.narrowed && !all.too_many);
    let narrowed = ask(&index, &asked, 3);
    assert_eq!(numbers(&narrowed), [1, 3, 5]);
    assert!(narrowed.narrowed && !narrowed.too_many);
    assert_eq!(numbers(&ask(&index, &asked, 1)), [3]);
    let crowded = ask(&index, &plan(&[&[20]], &[&[10, 11]]), 2);
    assert!(crowded.too_many && crowded.records.is_empty());
    assert_eq!(crowded.position, EventPosition(3));
}

#[test]
fn a_replaced_or_removed_record_is_found_as_it_is_now() {
    let index = index();
    index.apply(&[entry(2, &[12])], &[RecordNumber(1)]).unwrap();
    index.commit(EventPosition(4)).unwrap();
    let found = |term: u64| numbers(&ask(&index, &plan(&[&[term]], &[]), 100));
    assert_eq!(found(10), [5]);
    assert_eq!(found(12), [2, 4]);
}

#[test]
fn what_is_searched_by_is_no_blocking_key() {
    let index = index();
    assert!(ask(&index, &plan(&[&[1]], &[]), 100).records.is_empty());
}
