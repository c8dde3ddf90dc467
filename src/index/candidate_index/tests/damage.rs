//! What damage to the files of an index does: it is noticed when the index is
//! opened, or changes no answer.

use std::fs;
use std::path::Path;

use super::{asking, bounds, crowd, entry, files_of};
use crate::foundation::{EventPosition, RecordNumber};
use crate::index::{CandidateIndex, ContentHash, IndexError, Retrieved};

/// From one flipped byte to the next. All bytes, one after the other, hold too;
/// they take half a minute.
const STEP: usize = 31;

/// A small index of two segments, one of them with a removed record.
fn written(directory: &Path) -> (Retrieved, ContentHash) {
    let index = CandidateIndex::open(directory).unwrap();
    index.apply(&crowd(), &[]).unwrap();
    index.commit(EventPosition(100)).unwrap();
    index
        .apply(&[entry(300, &[1, 2])], &[RecordNumber(10)])
        .unwrap();
    index.commit(EventPosition(101)).unwrap();
    answers(&index).unwrap()
}

fn answers(index: &CandidateIndex) -> Result<(Retrieved, ContentHash), IndexError> {
    let keys = asking(&[(1, &[2]), (3, &[])]);
    let retrieved = index.retrieve(&keys, &bounds(10, 50))?;
    Ok((retrieved, index.content_hash()?.1))
}

/// Opens a copy of an index in which one file was changed: it must be unusable
/// or answer the same.
fn opened_after(
    expected: &(Retrieved, ContentHash),
    file: &Path,
    change: impl FnOnce(&Path),
) -> Option<IndexError> {
    let original = file.parent().unwrap();
    let copy = tempfile::tempdir().unwrap();
    for from in files_of(original) {
        fs::copy(&from, copy.path().join(from.file_name().unwrap())).unwrap();
    }
    change(&copy.path().join(file.file_name().unwrap()));
    match CandidateIndex::open(copy.path()) {
        Ok(index) => {
            assert_eq!(&answers(&index).unwrap(), expected, "{}", file.display());
            None
        }
        Err(error) => Some(error),
    }
}

fn is_lock(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "lock")
}

#[test]
fn a_missing_or_shortened_file_makes_the_index_unusable() {
    let directory = tempfile::tempdir().unwrap();
    let expected = written(directory.path());
    for file in files_of(directory.path()) {
        let emptied = opened_after(&expected, &file, |file| fs::write(file, "").unwrap());
        let halved = opened_after(&expected, &file, |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        });
        for error in [emptied, halved] {
            let unusable = matches!(error, Some(IndexError::Unusable { .. }));
            assert!(unusable || is_lock(&file), "{} {error:?}", file.display());
        }
        let name = file.file_name().unwrap().to_str().unwrap();
        // Without its list of segments a directory has no index: one is made.
        if name == "meta.json" || is_lock(&file) {
            continue;
        }
        let missing = opened_after(&expected, &file, |file| fs::remove_file(file).unwrap());
        let needed = [".term", ".idx", ".fast", ".del", ".managed.json"];
        let unusable = matches!(missing, Some(IndexError::Unusable { .. }));
        assert!(
            unusable || !needed.iter().any(|end| name.ends_with(end)),
            "{name} {missing:?}"
        );
    }
}

#[test]
fn a_flipped_byte_is_noticed_or_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let expected = written(directory.path());
    let mut noticed = 0;
    for file in files_of(directory.path()) {
        let length = fs::read(&file).unwrap().len();
        for place in (0..length).step_by(STEP) {
            let error = opened_after(&expected, &file, |file| {
                let mut bytes = fs::read(file).unwrap();
                bytes[place] ^= 0x04;
                fs::write(file, bytes).unwrap();
            });
            noticed += u32::from(error.is_some());
        }
    }
    assert!(noticed > 20, "only {noticed} were noticed");
}

#[test]
fn a_directory_of_something_else_is_unusable() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("not a directory");
    fs::write(&file, "text").unwrap();
    assert!(matches!(
        CandidateIndex::open(&file),
        Err(IndexError::Unusable { .. })
    ));
    fs::write(directory.path().join("meta.json"), "text").unwrap();
    let opened = CandidateIndex::open(directory.path());
    assert!(matches!(opened, Err(IndexError::Unusable { .. })));
}
