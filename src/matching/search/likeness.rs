//! How a word that was asked for stands to a word of a record.

use rapidfuzz::distance::osa;

use crate::identity::{NameToken, double_metaphone, family_variant, given_variant, soundex};
use crate::matching::search::criteria::{NameWanted, SearchMode};
use crate::matching::search::verify::MatchedHow;

/// In shorter words one other letter makes another name (Ann, Amy).
const ONE_EDIT_LETTERS_MIN: usize = 4;
/// From here two slips are still the same name.
const TWO_EDITS_LETTERS_MIN: usize = 8;

/// Which table of variants applies.
#[derive(Clone, Copy)]
pub(super) enum NameKind {
    Given,
    Family,
}

/// How the word matches, if it does.
pub(super) fn word(
    kind: NameKind,
    mode: SearchMode,
    wanted: &NameWanted,
    held: &NameToken,
) -> Option<MatchedHow> {
    if wanted.token.same(held) {
        return Some(MatchedHow::Exact);
    }
    if wanted.prefix {
        let begins = |text: &str| wanted.token.foldings().any(|start| text.starts_with(start));
        return held.foldings().any(begins).then_some(MatchedHow::Prefix);
    }
    if mode == SearchMode::Fuzzy {
        roughly(kind, &wanted.token, held)
    } else {
        None
    }
}

fn roughly(kind: NameKind, wanted: &NameToken, held: &NameToken) -> Option<MatchedHow> {
    if wanted.is_opaque() || held.is_opaque() || wanted.is_initial() || held.is_initial() {
        return None;
    }
    if sounds_alike(wanted, held) {
        return Some(MatchedHow::SoundsLike);
    }
    let variant = match kind {
        NameKind::Given => given_variant(wanted, held),
        NameKind::Family => family_variant(wanted, held),
    };
    if variant.is_some() {
        return Some(MatchedHow::Variant);
    }
    is_misspelt(wanted.as_str(), held.as_str()).then_some(MatchedHow::Misspelt)
}

/// Soundex, as the national service, or Double Metaphone, which also hears that
/// Kathryn and Cathryn are one.
fn sounds_alike(a: &NameToken, b: &NameToken) -> bool {
    let (left, right) = (soundex(a), soundex(b));
    if !left.is_empty() && left == right {
        return true;
    }
    let (left, right) = (double_metaphone(a).0, double_metaphone(b).0);
    left.len() > 1 && left == right
}

/// One letter other, missing, too many, or two neighbours exchanged; two such
/// slips in long words.
fn is_misspelt(a: &str, b: &str) -> bool {
    let letters = a.len().min(b.len());
    let allowed = if letters >= TWO_EDITS_LETTERS_MIN {
        2
    } else {
        usize::from(letters >= ONE_EDIT_LETTERS_MIN)
    };
    allowed > 0 && a.len().abs_diff(b.len()) <= allowed && {
        let arguments = osa::Args::default().score_cutoff(allowed);
        osa::distance_with_args(a.bytes(), b.bytes(), &arguments).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::{NameKind, word};
    use crate::identity::NameToken;
    use crate::matching::search::criteria::{NameWanted, SearchMode};
    use crate::matching::search::verify::MatchedHow;

    fn family(mode: SearchMode, asked: &str, held: &str) -> Option<MatchedHow> {
        let fold = |text: &str| NameToken::fold(text).expect("a word");
        let wanted = NameWanted {
            token: fold(asked.trim_end_matches('*')),
            prefix: asked.ends_with('*'),
        };
        word(NameKind::Family, mode, &wanted, &fold(held))
    }

    #[test]
    fn only_a_fuzzy_search_hears_and_forgives() {
        let cases = [
            ("Taylor", "Tayler", MatchedHow::SoundsLike),
            ("Donnell", "O'Donnell", MatchedHow::Variant),
            ("Pemberton", "Pxmberton", MatchedHow::Misspelt),
            ("Wilkinson", "Zilkinxon", MatchedHow::Misspelt),
        ];
        for (asked, held, how) in cases {
            assert_eq!(family(SearchMode::Fuzzy, asked, held), Some(how), "{asked}");
            assert_eq!(family(SearchMode::Standard, asked, held), None, "{asked}");
            assert_eq!(family(SearchMode::Exact, asked, held), None, "{asked}");
        }
        assert_eq!(family(SearchMode::Fuzzy, "Pemberton", "Okafor"), None);
        assert_eq!(family(SearchMode::Fuzzy, "Lee", "Bee"), None);
    }

    #[test]
    fn a_beginning_matches_in_either_folding() {
        let standard = |asked, held| family(SearchMode::Standard, asked, held);
        assert_eq!(standard("Pem*", "Pemberton"), Some(MatchedHow::Prefix));
        assert_eq!(standard("Mue*", "Müller"), Some(MatchedHow::Prefix));
        assert_eq!(standard("Lee*", "Lee"), Some(MatchedHow::Exact));
        assert_eq!(standard("Pem*", "Temper"), None);
    }

    #[test]
    fn equal_after_folding_is_exact() {
        assert_eq!(
            family(SearchMode::Exact, "o'brien", "OBrien"),
            Some(MatchedHow::Exact)
        );
    }
}
