//! Slips of the hand, the eye and the ear: how one text becomes another by
//! mistake. Made by the generator's own tables only.

use super::dice::Dice;
use super::tables;

/// One slip in a text: a neighbouring key, two letters exchanged, one lost,
/// doubled or put in, or what a scanner makes of it.
pub(super) fn typo(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    if letters.len() < 3 {
        return text.to_owned();
    }
    // First letters are seldom wrong: they are looked at.
    let at = if dice.happens(0.08) {
        0
    } else {
        1 + dice.index(letters.len() - 1)
    };
    match dice.below(100) {
        0..28 => letters[at] = neighbour(dice, letters[at]),
        28..48 => {
            let other = if at + 1 < letters.len() {
                at + 1
            } else {
                at - 1
            };
            letters.swap(at, other);
        }
        48..70 => {
            letters.remove(at);
        }
        70..82 => letters.insert(at, letters[at]),
        82..90 => letters.insert(at, neighbour(dice, letters[at])),
        _ => return replaced(dice, text, &tables::slips().scans),
    }
    letters.into_iter().collect()
}

/// The text as somebody writes it who only heard it.
pub(super) fn misheard(dice: &mut Dice, text: &str) -> String {
    replaced(dice, text, &tables::slips().sounds)
}

/// One wrong digit.
pub(super) fn wrong_digit(dice: &mut Dice, text: &str) -> String {
    let mut bytes: Vec<char> = text.chars().collect();
    let digits: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at].is_ascii_digit())
        .collect();
    if let Some(&at) = dice.pick(&digits) {
        let digit = bytes[at].to_digit(10).unwrap_or(0);
        let step = 1 + u32::try_from(dice.below(9)).unwrap_or(0);
        bytes[at] = char::from_digit((digit + step) % 10, 10).unwrap_or('0');
    }
    bytes.into_iter().collect()
}

/// Two neighbours exchanged; unchanged where all neighbours are alike.
pub(super) fn transposed(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let differ = |at: &usize| letters[*at] != letters[*at + 1];
    let places: Vec<usize> = (0..letters.len().saturating_sub(1))
        .filter(differ)
        .collect();
    if let Some(&at) = dice.pick(&places) {
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

fn neighbour(dice: &mut Dice, letter: char) -> char {
    let lower = letter.to_ascii_lowercase();
    let near = tables::slips()
        .keys
        .get(&lower)
        .and_then(|keys| dice.pick(keys).copied());
    match near {
        Some(near) if letter.is_uppercase() => near.to_ascii_uppercase(),
        Some(near) => near,
        None => letter,
    }
}

/// One of the replacements that fit, after the first letter or at the start.
fn replaced(dice: &mut Dice, text: &str, pairs: &[(&'static str, &'static str)]) -> String {
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return text.to_owned();
    }
    let fits: Vec<&(&str, &str)> = pairs
        .iter()
        .filter(|(from, _)| lower.contains(from))
        .collect();
    let Some((from, to)) = dice.pick(&fits).copied() else {
        return text.to_owned();
    };
    let Some(at) = lower
        .rfind(from)
        .filter(|at| text.is_char_boundary(at + from.len()))
    else {
        return text.to_owned();
    };
    let mut result = format!("{}{to}{}", &text[..at], &text[at + from.len()..]);
    if at == 0 {
        let mut letters = result.chars();
        if let Some(first) = letters.next() {
            result = first.to_uppercase().chain(letters).collect();
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_changes_little() {
        let mut dice = Dice::new(3, 3);
        let mut changed = 0;
        for _ in 0..200 {
            let text = typo(&mut dice, "Hargreaves");
            changed += usize::from(text != "Hargreaves");
            assert!(
                strsim::damerau_levenshtein(&text, "Hargreaves") <= 2,
                "{text}"
            );
        }
        assert!(changed > 150);
        assert_eq!(typo(&mut dice, "Ng"), "Ng");
    }

    #[test]
    fn a_wrong_digit_is_another_digit_and_leaves_the_rest() {
        let mut dice = Dice::new(3, 4);
        for _ in 0..50 {
            let text = wrong_digit(&mut dice, "1980-05-12");
            assert_ne!(text, "1980-05-12");
            assert_eq!(strsim::hamming(&text, "1980-05-12"), Ok(1));
        }
        assert_eq!(transposed(&mut dice, "1111"), "1111");
        assert_eq!(transposed(&mut dice, "12"), "21");
    }

    #[test]
    fn what_is_misheard_sounds_alike() {
        let mut dice = Dice::new(3, 5);
        let heard: Vec<String> = (0..30).map(|_| misheard(&mut dice, "Stephen")).collect();
        assert!(heard.iter().any(|text| text == "Stefen"), "{heard:?}");
        assert_eq!(misheard(&mut dice, "Łó"), "Łó");
    }
}
