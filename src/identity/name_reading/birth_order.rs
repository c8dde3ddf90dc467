//! Finds the place in a multiple birth that a name field says instead of a name
//! (R35): "Twin 2", "2nd twin", "Twin-Two", "Baby 1".

use std::ops::Range;

use crate::identity::name_words::Word;
use crate::identity::placeholder;

/// The place in a multiple birth and the words that say it.
pub(super) fn find(words: &[Word]) -> Option<(u8, Range<usize>)> {
    for (at, word) in words.iter().enumerate() {
        if let Some(order) = joined_birth_order(word) {
            return Some((order, at..at + 1));
        }
        let multiple = placeholder::is_multiple_word(&word.key);
        let baby = word.key == "BABY"
            || at > 0 && words[at - 1].key == "BABY" && placeholder::is_lone_newborn(&word.key);
        if !multiple && !baby {
            continue;
        }
        // "Baby A" may be an initial: letters count only behind "Twin".
        if let Some(next) = words.get(at + 1)
            && (multiple || next.key.len() >= 3 || next.is_number() || words.len() == 2)
            && let Some(order) = placeholder::birth_order(&next.key)
        {
            return Some((order, at..at + 2));
        }
        if multiple && at > 0 {
            let before = &words[at - 1].key;
            let is_ordinal = before.len() >= 3 || words[at - 1].is_number();
            if let Some(order) = placeholder::birth_order(before).filter(|_| is_ordinal) {
                return Some((order, at - 1..at + 1));
            }
        }
    }
    None
}

/// "Twin2", "Twin-Two"; not "Twine".
fn joined_birth_order(word: &Word) -> Option<u8> {
    let rest = ["TWIN", "TRIPLET", "BABY"]
        .iter()
        .find_map(|start| word.key.strip_prefix(start))?;
    let separated = word
        .text
        .contains(|character: char| !character.is_alphabetic());
    placeholder::birth_order(rest).filter(|_| separated)
}
