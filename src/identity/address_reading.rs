//! From address lines to flat, number and street words (R69). Lines are joined
//! first, so that where a line breaks hardly matters. How two addresses stand
//! to each other is in the neighbouring file.

use std::borrow::Cow;

use crate::identity::HouseNumber;
use crate::identity::address_tokens::{
    Token, fold_lines, house_number, is_position, is_suffix, position_of, split, take_postcode,
    without_zeros,
};
use crate::identity::street_words::{WordKind, canonical};

/// Words beyond this are left out: no address has as many, and the comparison
/// marks words in 64 bits.
const WORDS_MAX: usize = 60;

/// What address lines say.
#[derive(Default)]
pub(super) struct ReadAddress {
    /// Canonical designator.
    pub(super) flat: Option<String>,
    /// House number or range.
    pub(super) number: Option<HouseNumber>,
    /// Other words, canonical.
    pub(super) street: Vec<Box<str>>,
    /// A whole UK postcode that stood within the lines.
    pub(super) postcode: Option<String>,
}

/// Reads lines. `town` is in canonical words and taken out of the lines where
/// it repeats; so is an opaque postcode given as `code`.
pub(super) fn read_lines(
    lines: &[Cow<'_, str>],
    town: Option<&str>,
    code: Option<&str>,
) -> ReadAddress {
    let folded = fold_lines(lines);
    let mut tokens = split(&folded);
    let postcode = take_postcode(&mut tokens, code);
    let mut reading = Reading {
        tokens: &tokens,
        ..Reading::default()
    };
    reading.run();
    let (number, flat, words) = reading.resolve();
    let mut words = without_repeats(words, town);
    words.truncate(WORDS_MAX);
    ReadAddress {
        flat,
        number,
        street: words.into_iter().map(|word| word.text.into()).collect(),
        postcode,
    }
}

/// Canonical words of a town, joined by blanks; `None` when nothing is left.
pub(super) fn read_town(town: &str) -> Option<String> {
    let folded = fold_lines(&[Cow::Borrowed(town)]);
    let tokens = split(&folded);
    let mut text = String::with_capacity(folded.len());
    let mut first = true;
    for token in &tokens {
        if let Token::Word(word) = token {
            if !first {
                text.push(' ');
            }
            text.push_str(if first && *word == "ST" {
                "SAINT"
            } else {
                canonical(word).0
            });
            first = false;
        }
    }
    (!text.is_empty()).then_some(text)
}

/// A word kept for the street, and the line (or part between commas) it is of.
struct StreetWord<'a> {
    text: Cow<'a, str>,
    kind: WordKind,
    line: usize,
}

/// A number met on the way, and how many words stood before it.
struct MetNumber<'a> {
    number: HouseNumber,
    written: &'a str,
    words_before: usize,
    line: usize,
}

#[derive(Default)]
struct Reading<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    line: usize,
    flat: Option<String>,
    numbers: Vec<MetNumber<'a>>,
    words: Vec<StreetWord<'a>>,
}

impl<'a> Reading<'a> {
    fn run(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            match *token {
                Token::Break => self.line += 1,
                Token::Slash | Token::Dash => {}
                Token::Word(word) => {
                    let taken = self
                        .take_care_of(word)
                        .or_else(|| self.take_position(word))
                        .or_else(|| self.take_flat(word))
                        .or_else(|| self.take_number(word));
                    if let Some(taken) = taken {
                        self.at += taken;
                        continue;
                    }
                    self.keep_word(word);
                }
            }
            self.at += 1;
        }
    }

    fn token(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn word(&self, ahead: usize) -> Option<&'a str> {
        match self.token(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// "C/O", and "NO" before a number: nothing to compare.
    fn take_care_of(&self, word: &str) -> Option<usize> {
        match word {
            "C" if self.token(1) == Some(Token::Slash) && self.word(2) == Some("O") => Some(3),
            "NO" | "NUMBER" | "NUM" => self
                .word(1)
                .filter(|next| house_number(next).is_some())
                .map(|_| 1),
            _ => None,
        }
    }

    /// "FIRST FLOOR FLAT", "BASEMENT FLAT", "GROUND FLOOR".
    fn take_position(&mut self, word: &str) -> Option<usize> {
        position_of(word)?;
        let mut length = 1;
        while length < 3 && self.word(length).and_then(position_of).is_some() {
            length += 1;
        }
        let mut flat = String::new();
        for ahead in 0..length {
            if ahead > 0 {
                flat.push(' ');
            }
            flat.push_str(self.word(ahead).and_then(position_of)?);
        }
        let has_floor = matches!(self.word(length), Some("FLOOR" | "FLR"));
        if has_floor {
            flat.push_str(" FLOOR");
            length += 1;
        }
        let flat_word = self
            .word(length)
            .is_some_and(|next| canonical(next).1 == WordKind::Flat);
        if flat_word && !self.is_designated(length + 1) {
            length += 1;
        } else if !has_floor {
            return None;
        }
        // A number says more than a position.
        self.flat.get_or_insert(flat);
        Some(length)
    }

    /// Whether a designator stands there that is not the house's number.
    fn is_designated(&self, ahead: usize) -> bool {
        self.designator(ahead).is_some_and(|(text, taken)| {
            !text.starts_with(|first: char| first.is_ascii_digit())
                || self.number_follows(ahead + taken)
        })
    }

    /// "FLAT 3B", "FLAT3", "UNIT 4", "APT NO 7".
    fn take_flat(&mut self, word: &str) -> Option<usize> {
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        if canonical(&word[..letters]).1 != WordKind::Flat {
            return None;
        }
        let (designator, taken) = if letters < word.len() {
            (without_zeros(&word[letters..]).to_owned(), 1)
        } else {
            let (designator, taken) = self.designator(1)?;
            (designator, taken + 1)
        };
        self.flat = Some(match self.flat.take() {
            Some(earlier) if !is_position(&earlier) => format!("{earlier} {designator}"),
            _ => designator,
        });
        Some(taken)
    }

    /// The designator that starts `ahead`, and how many tokens it takes.
    fn designator(&self, ahead: usize) -> Option<(String, usize)> {
        if matches!(self.word(ahead), Some("NO" | "NUMBER")) {
            let (text, taken) = self.plain_designator(ahead + 1)?;
            return Some((text, taken + 1));
        }
        self.plain_designator(ahead)
    }

    fn plain_designator(&self, ahead: usize) -> Option<(String, usize)> {
        let word = self.word(ahead)?;
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 {
            return (word.len() == 1).then(|| (word.to_owned(), 1));
        }
        if word.len() - digits > 2 || word.len() > 5 {
            return None;
        }
        let mut text = without_zeros(word).to_owned();
        if self.token(ahead + 1) == Some(Token::Slash)
            && let Some(second) = self
                .word(ahead + 2)
                .filter(|second| house_number(second).is_some())
            && self.number_follows(ahead + 3)
        {
            text = format!("{text}/{}", without_zeros(second));
            return Some((text, 3));
        }
        if digits == word.len()
            && let Some(letter) = self.word(ahead + 1).filter(|letter| is_suffix(letter))
            && (self.number_follows(ahead + 2) || self.token(ahead + 2) == Some(Token::Break))
        {
            text.push_str(letter);
            return Some((text, 2));
        }
        Some((text, 1))
    }

    /// Whether a number stands there, a line break aside.
    fn number_follows(&self, ahead: usize) -> bool {
        let skip = usize::from(self.token(ahead) == Some(Token::Break));
        self.word(ahead + skip)
            .is_some_and(|word| house_number(word).is_some())
    }

    fn take_number(&mut self, word: &'a str) -> Option<usize> {
        let (from, mut suffix) = house_number(word)?;
        let second = self.word(2).and_then(house_number);
        if self.token(1) == Some(Token::Slash)
            && let Some((to, letter)) = second
        {
            self.take_pair(word, (from, suffix), (to, letter));
            return Some(3);
        }
        let (mut to, mut taken) = (from, 1);
        if self.token(1) == Some(Token::Dash)
            && let Some((end, letter)) = second.filter(|(end, _)| *end > from)
        {
            (to, suffix, taken) = (end, letter.or(suffix), 3);
        } else if suffix.is_none() {
            let (letter, letters_taken) = self.suffix_after();
            suffix = letter;
            taken += letters_taken;
        }
        self.meet(word, HouseNumber { from, to, suffix });
        Some(taken)
    }

    /// "3/9" is flat 3 of number 9; "2/1" before another number is the flat
    /// "2/1"; "1/2" behind a number is a half.
    fn take_pair(&mut self, word: &'a str, a: (u32, Option<char>), b: (u32, Option<char>)) {
        let behind_number = self.at > 0
            && matches!(self.tokens[self.at - 1], Token::Word(before) if house_number(before).is_some());
        if behind_number
            && (a.0, b.0) == (1, 2)
            && let Some(met) = self.numbers.last_mut()
        {
            met.number.suffix = Some('½');
            return;
        }
        let first = without_zeros(word);
        if self.number_follows(3) {
            let second = self.word(2).map_or("", without_zeros);
            self.flat.get_or_insert(format!("{first}/{second}"));
        } else {
            self.flat.get_or_insert(first.to_owned());
            let written = self.word(2).unwrap_or(word);
            self.meet(
                written,
                HouseNumber {
                    from: b.0,
                    to: b.0,
                    suffix: b.1,
                },
            );
        }
    }

    fn meet(&mut self, written: &'a str, number: HouseNumber) {
        self.numbers.push(MetNumber {
            number,
            written,
            words_before: self.words.len(),
            line: self.line,
        });
    }

    /// "9 A ELM ROAD" and "144 AND A HALF".
    fn suffix_after(&self) -> (Option<char>, usize) {
        let half = |ahead| self.word(ahead) == Some("A") && self.word(ahead + 1) == Some("HALF");
        if self.word(1) == Some("AND") && half(2) {
            return (Some('½'), 3);
        }
        if half(1) {
            return (Some('½'), 2);
        }
        let Some(letter) = self.word(1).filter(|letter| is_suffix(letter)) else {
            return (None, 0);
        };
        let is_street_name = self
            .word(2)
            .is_some_and(|next| canonical(next).1 == WordKind::Street);
        if is_street_name {
            (None, 0)
        } else {
            (letter.chars().next(), 1)
        }
    }

    fn keep_word(&mut self, word: &'a str) {
        let (text, kind) = match word {
            "ST" => self.saint_or_street(),
            "DR" if self.begins_line() => ("DR", WordKind::Name),
            "LA" if self.begins_line() => ("LA", WordKind::Name),
            _ => canonical(word),
        };
        // A word such as ROOM that announced no flat stands for itself.
        let text = if kind == WordKind::Flat { word } else { text };
        self.words.push(StreetWord {
            text: Cow::Borrowed(text),
            kind,
            line: self.line,
        });
    }

    /// ST before a name is a saint, behind one a street.
    fn saint_or_street(&self) -> (&'static str, WordKind) {
        let name_follows = self
            .word(1)
            .is_some_and(|next| canonical(next).1 == WordKind::Name);
        if name_follows && (self.begins_line() || self.follows_building()) {
            ("SAINT", WordKind::Name)
        } else {
            ("STREET", WordKind::Street)
        }
    }

    /// No word of this line stands before.
    fn begins_line(&self) -> bool {
        self.words
            .last()
            .is_none_or(|before| before.line != self.line)
            || self
                .numbers
                .last()
                .is_some_and(|met| met.words_before == self.words.len())
    }

    fn follows_building(&self) -> bool {
        self.words
            .last()
            .is_some_and(|before| matches!(before.kind, WordKind::Building | WordKind::Street))
    }

    /// Decides which of the numbers is the house's. A number that no word
    /// follows is one only right behind its street ("ELM ROAD 9"); of two, the
    /// first is the flat's, unless a street stands between them.
    fn resolve(mut self) -> (Option<HouseNumber>, Option<String>, Vec<StreetWord<'a>>) {
        let words = self.words.len();
        let is_followed = |met: &MetNumber<'_>| met.words_before < words;
        let behind_street = |met: &MetNumber<'_>| {
            met.words_before == 0 || self.words[met.words_before - 1].kind == WordKind::Street
        };
        let house = self
            .numbers
            .iter()
            .position(is_followed)
            .or_else(|| self.numbers.iter().position(behind_street));
        let Some(mut house) = house else {
            self.keep_numbers(None);
            return (None, self.flat, self.words);
        };
        let next = self.numbers.get(house + 1).filter(|next| is_followed(next));
        if let Some(next) = next
            && self.flat.is_none()
            && !self.words[self.numbers[house].words_before..next.words_before]
                .iter()
                .any(|word| word.kind == WordKind::Street)
        {
            self.flat = Some(number_text(&self.numbers[house].number));
            self.numbers.remove(house);
            house = house.min(self.numbers.len() - 1);
        }
        self.keep_numbers(Some(house));
        let number = self.numbers.swap_remove(house).number;
        (Some(number), self.flat, self.words)
    }

    /// Numbers other than the house's stay as words.
    fn keep_numbers(&mut self, house: Option<usize>) {
        for (place, met) in self.numbers.iter().enumerate() {
            if Some(place) != house {
                self.words.push(StreetWord {
                    text: Cow::Borrowed(met.written),
                    kind: WordKind::Name,
                    line: met.line,
                });
            }
        }
    }
}

/// Takes out lines that repeat an earlier one or the town, and the town at the
/// end; never everything.
fn without_repeats<'a>(words: Vec<StreetWord<'a>>, town: Option<&str>) -> Vec<StreetWord<'a>> {
    let is_town = |line: &[StreetWord<'_>]| {
        town.is_some_and(|town| {
            town.split(' ')
                .eq(line.iter().map(|word| word.text.as_ref()))
        })
    };
    let mut repeated = vec![false; words.len()];
    let mut start = 0;
    while start < words.len() {
        let length = words[start..]
            .iter()
            .take_while(|word| word.line == words[start].line)
            .count();
        let line = &words[start..start + length];
        let repeats = words[..start]
            .chunk_by(|a, b| a.line == b.line)
            .any(|earlier| {
                earlier
                    .iter()
                    .map(|word| &word.text)
                    .eq(line.iter().map(|word| &word.text))
            });
        if is_town(line) || repeats {
            repeated[start..start + length].fill(true);
        }
        start += length;
    }
    if repeated.iter().all(|repeated| *repeated) {
        return words;
    }
    let mut marks = repeated.iter();
    let mut kept = words;
    kept.retain(|_| marks.next() == Some(&false));
    let town_words = town.map_or(0, |town| town.split(' ').count());
    if town_words > 0 && kept.len() > town_words && is_town(&kept[kept.len() - town_words..]) {
        kept.truncate(kept.len() - town_words);
    }
    kept
}

fn number_text(number: &HouseNumber) -> String {
    let mut text = number.from.to_string();
    if number.to != number.from {
        text = format!("{text}-{}", number.to);
    }
    text.extend(number.suffix);
    text
}
