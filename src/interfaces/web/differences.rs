//! Where two texts differ, to the letter where they are alike and to the word
//! where they are not. Marks are elements of the page, not colours alone.

/// Longest text that is looked at letter by letter.
const LETTERS_MAX: usize = 128;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// The other text does not have it.
    pub(super) differs: bool,
}

/// The text in pieces, as it differs from the one of `others` that is most like
/// it. Without others nothing differs: there is nothing to differ from.
pub(super) fn pieces(text: &str, others: &[&str]) -> Vec<Piece> {
    let whole = |differs| {
        vec![Piece {
            text: text.to_owned(),
            differs,
        }]
    };
    if others.is_empty() || others.iter().any(|other| folded(other) == folded(text)) {
        return whole(false);
    }
    let letters: Vec<char> = text.chars().collect();
    let mut best: Option<(usize, usize, Vec<bool>)> = None;
    for other in others {
        let other: Vec<char> = other.chars().collect();
        if letters.len() > LETTERS_MAX || other.len() > LETTERS_MAX {
            continue;
        }
        let shared = shared(&letters, &other, |a, b| fold(*a) == fold(*b));
        let count = shared.iter().filter(|shared| **shared).count();
        if best.as_ref().is_none_or(|(most, _, _)| count > *most) {
            best = Some((count, other.len(), shared));
        }
    }
    match best {
        // Letters of unlike words agree by chance: marking them would be confetti.
        Some((count, other, shared)) if 10 * count >= 6 * letters.len().max(other) => {
            joined(letters.iter().map(char::to_string).zip(shared))
        }
        _ => by_word(text, others),
    }
}

fn by_word(text: &str, others: &[&str]) -> Vec<Piece> {
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let mut best: Option<(usize, Vec<bool>)> = None;
    for other in others {
        let other: Vec<&str> = other.split_inclusive(char::is_whitespace).collect();
        let bounded = words.len().max(other.len()) <= LETTERS_MAX;
        let shared = if bounded {
            shared(&words, &other, |a, b| folded(a) == folded(b))
        } else {
            vec![false; words.len()]
        };
        let count = shared.iter().filter(|shared| **shared).count();
        if best.as_ref().is_none_or(|(most, _)| count > *most) {
            best = Some((count, shared));
        }
    }
    let shared = best.map_or_else(Vec::new, |(_, shared)| shared);
    joined(words.into_iter().map(str::to_owned).zip(shared))
}

/// Which items stand in a longest common subsequence.
fn shared<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<bool> {
    let width = b.len() + 1;
    let mut lengths = vec![0_usize; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i * width + j] = if same(&a[i], &b[j]) {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let mut found = vec![false; a.len()];
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        if same(&a[i], &b[j]) {
            found[i] = true;
            i += 1;
            j += 1;
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

fn joined(parts: impl Iterator<Item = (String, bool)>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (text, shared) in parts {
        match pieces.last_mut() {
            Some(last) if last.differs != shared => last.text.push_str(&text),
            _ => pieces.push(Piece {
                text,
                differs: !shared,
            }),
        }
    }
    pieces
}

fn fold(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

/// Case and blanks make no difference.
pub(super) fn folded(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_whitespace());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::pieces;

    fn marked(text: &str, other: &str) -> String {
        let pieces = pieces(text, &[other]).into_iter();
        let marked = pieces.map(|piece| {
            if piece.differs {
                format!("[{}]", piece.text)
            } else {
                piece.text
            }
        });
        marked.collect()
    }

    #[test]
    fn differences_are_marked_inside_the_words() {
        assert_eq!(marked("Smith", "Smyth"), "Sm[i]th");
        // Of two letters that changed places one is marked, in either text.
        assert_eq!(marked("1984-07-12", "1984-07-21"), "1984-07-[1]2");
        assert_eq!(marked("1984-07-21", "1984-07-12"), "1984-07-[2]1");
        assert_eq!(marked("SMITH", "Smith"), "SMITH");
        assert_eq!(marked("LS8 2QD", "LS82QD"), "LS8 2QD");
    }

    #[test]
    fn unlike_words_are_marked_whole() {
        assert_eq!(
            marked("Perdita Wickenbrook", "Imogen Quillholm"),
            "[Perdita Wickenbrook]"
        );
        assert_eq!(
            marked("9 Larkspur Avenue", "4 Canal Walk"),
            "[9 Larkspur Avenue]"
        );
    }

    #[test]
    fn nothing_differs_from_nothing() {
        assert!(!pieces("Smith", &[])[0].differs);
        assert_eq!(pieces("", &["Smith"]).len(), 0);
    }

    #[test]
    fn very_long_texts_are_marked_by_the_word() {
        let long = "name ".repeat(100);
        assert_eq!(
            marked(&format!("{long}one"), &format!("{long}two")),
            format!("{long}[one]")
        );
    }
}
