//! The table of address words: abbreviations and what a word announces. How a
//! whole address is read is not here.

use std::sync::LazyLock;

/// What a word of an address announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordKind {
    /// A thoroughfare: ROAD.
    Street,
    /// A building or part of one: HOUSE, COURT.
    Building,
    /// A flat's designator follows: FLAT, UNIT, ROOM.
    Flat,
    /// Too common to tell streets apart: THE, OF.
    Plain,
    /// All other words.
    Name,
}

type Row = (&'static str, &'static str, WordKind);

/// As written, canonical, kind; one sorted list for each first letter, because
/// every word of every comparison is looked up.
static STREET_WORDS: LazyLock<[Vec<Row>; 26]> = LazyLock::new(|| {
    let mut lists = [const { Vec::new() }; 26];
    for row in include_str!("tables/street_words.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(read_row)
    {
        if let Some(list) = first_letter(row.0).and_then(|letter| lists.get_mut(letter)) {
            list.push(row);
        }
    }
    for list in &mut lists {
        list.sort_unstable_by_key(|row| row.0);
    }
    lists
});

/// Place of the first letter in the alphabet; `None` for a digit.
fn first_letter(word: &str) -> Option<usize> {
    let first = word.bytes().next().filter(u8::is_ascii_uppercase)?;
    Some(usize::from(first - b'A'))
}

fn read_row(line: &'static str) -> Option<Row> {
    let mut columns = line.split('\t');
    let (written, canonical) = (columns.next()?, columns.next()?);
    let kind = match columns.next()? {
        "street" => WordKind::Street,
        "building" => WordKind::Building,
        "flat" => WordKind::Flat,
        "plain" => WordKind::Plain,
        _ => WordKind::Name,
    };
    Some((written, canonical, kind))
}

/// The canonical word and its kind; a word that the table does not hold stands
/// for itself.
pub(super) fn canonical(word: &str) -> (&str, WordKind) {
    let Some(letter) = first_letter(word) else {
        return (word, WordKind::Name);
    };
    let list = &STREET_WORDS[letter];
    list.binary_search_by_key(&word, |row| row.0)
        .map_or((word, WordKind::Name), |place| {
            let (_, canonical, kind) = list[place];
            (canonical, kind)
        })
}

#[cfg(test)]
mod tests {
    use super::{STREET_WORDS, WordKind, canonical, read_row};

    #[test]
    fn every_row_is_read_and_no_word_stands_twice() {
        let lines = include_str!("tables/street_words.tsv").lines();
        let written = lines.filter(|line| !line.starts_with('#'));
        assert!(written.clone().all(|line| read_row(line).is_some()));
        let rows: usize = STREET_WORDS.iter().map(Vec::len).sum();
        assert_eq!(written.count(), rows);
        for list in STREET_WORDS.iter() {
            assert!(list.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn a_canonical_word_is_its_own_canonical_word() {
        for (written, word, kind) in STREET_WORDS.iter().flatten() {
            assert_eq!(canonical(word).0, *word, "{written}");
            assert!(
                *kind == WordKind::Name || canonical(word).1 == *kind,
                "{written}"
            );
        }
    }

    #[test]
    fn abbreviations_become_words() {
        assert_eq!(canonical("RD"), ("ROAD", WordKind::Street));
        assert_eq!(canonical("FLT"), ("FLAT", WordKind::Flat));
        assert_eq!(canonical("JARRAH"), ("JARRAH", WordKind::Name));
    }
}
