//! What the words of a name field say together.

use super::Slot;
use crate::identity::name_words::Word;
use crate::identity::person_name::belongs_to_next;
use crate::identity::{NameToken, is_particle, placeholder};

/// Whether all words of a field together say "no value".
pub(super) fn is_absent_field(words: &[Word], slot: Slot) -> bool {
    if let [only] = words {
        // Na is a name; NA and nan are what programs write for nothing.
        return matches!(only.text.as_str(), "NA" | "NaN" | "nan")
            || placeholder::means_absent(&only.key)
            || slot == Slot::Given && placeholder::is_sex_word(&only.key);
    }
    let says_nobody =
        |word: &Word| placeholder::is_absent_word(&word.key) || placeholder::is_sex_word(&word.key);
    let key: String = words.iter().map(|word| word.key.as_str()).collect();
    placeholder::means_absent(&key)
        || words.iter().any(says_nobody) && words.iter().all(|it| says_nobody(it) || it.is_number())
}

/// Whether every word is one of the others; false for no words.
pub(super) fn all_in(words: &[Word], others: &[Word]) -> bool {
    let is_other = |word: &Word| others.iter().any(|other| other.key == word.key);
    !words.is_empty() && words.iter().all(is_other)
}

/// Whether words are more than particles and prefixes ("St John" of John).
pub(super) fn holds_a_name(words: &[Word]) -> bool {
    words
        .iter()
        .any(|word| !is_particle(&word.key) && !belongs_to_next(&word.text))
}

/// Given names as tokens; numbers go where there are words.
pub(super) fn fold_given(words: &[Word]) -> Vec<NameToken> {
    let lettered = words.iter().any(|word| !word.is_number());
    words
        .iter()
        .filter(|word| !lettered || !word.is_number())
        .filter_map(|word| NameToken::fold(&word.text))
        .collect()
}
