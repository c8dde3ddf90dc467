//! Words of names, each once, with what shows in a few instructions that two of
//! them are not alike in any way that a comparison knows. Most pairs that meet
//! are of two people, and most of those differ plainly in their names.

use std::collections::HashMap;

use crate::bulk::hashing::FastHash;
use crate::identity::{
    NameToken, PersonName, family_group, family_variant, given_group, given_groups_related,
    is_prefix_name,
};

/// Words below this likeness (Jaro–Winkler) are alike in no level.
const ALIKE_MIN: f32 = 0.75;

/// What a bound may be off by its arithmetic.
const ROUNDING: f32 = 1e-4;

/// Given names, and family names, that are looked at one by one.
const WORDS_MAX: usize = 3;

/// Shorter family names are not cut at the length of a field.
const CUT_LETTERS_MIN: u8 = 30;

/// No group.
const NONE: u32 = u32::MAX;

/// What is known of a word.
#[derive(Debug, Clone, Copy)]
struct Word {
    /// Which of the letters A to Z it has.
    letters: u32,
    given_group: u32,
    family_group: u32,
    length: u8,
    first: u8,
    /// A–Z only and with one folding: bounds hold.
    plain: bool,
}

/// The words of a list of names, where bounds hold for them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Given names in order, of all namings; the first `given_count` are used.
    pub(super) given: [u32; WORDS_MAX],
    /// Family names and their parts, of all namings; the first is the whole of
    /// the first.
    pub(super) family: [u32; WORDS_MAX],
    given_count: u8,
    family_count: u8,
    /// The family name says hardly anything.
    generic: bool,
    pub(super) kind: ShapeKind,
}

/// What a glance at words may conclude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeKind {
    /// Nothing.
    Opaque,
    /// That no two words are alike.
    Loose,
    /// Levels too: one naming of one to three given names and a family name of
    /// one part, no prefix name before it.
    Plain,
}

/// How two names stand to each other, as far as a glance shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glance {
    /// The words are equal.
    Same,
    /// In no level but `different` (`conflict` of middle names).
    Differs,
    /// Alike by letters or sound at most.
    Like,
    /// They must be compared.
    Open,
}

/// Shapes of all lists of names, and their words.
#[derive(Default)]
pub(super) struct Words {
    words: Vec<Word>,
    shapes: Vec<Shape>,
    tokens: Vec<NameToken>,
}

impl Words {
    /// Of all lists.
    pub(super) fn of(lists: &[Vec<PersonName>]) -> Self {
        let mut known: HashMap<&NameToken, u32, FastHash> = HashMap::default();
        let mut words = Self::default();
        for list in lists {
            let shape = words.shape(list, &mut known);
            words.shapes.push(shape);
        }
        words
    }

    fn shape<'n>(
        &mut self,
        list: &'n [PersonName],
        known: &mut HashMap<&'n NameToken, u32, FastHash>,
    ) -> Shape {
        let mut shape = Shape {
            given: [0; WORDS_MAX],
            family: [0; WORDS_MAX],
            given_count: 0,
            family_count: 0,
            generic: false,
            kind: ShapeKind::Opaque,
        };
        let Some((first, others)) = list.split_first() else {
            return shape;
        };
        let Some(family) = first.family.as_ref().filter(|_| !first.given.is_empty()) else {
            return shape;
        };
        shape.generic = family.generic;
        let aliases = others.iter().filter_map(|name| name.family.as_ref());
        let parts = family.parts.iter().filter(|part| **part != family.whole);
        let families: Vec<&NameToken> = [&family.whole]
            .into_iter()
            .chain(parts)
            .chain(aliases.map(|family| &family.whole))
            .collect();
        let given: Vec<&NameToken> = list.iter().flat_map(|name| &name.given).collect();
        if given.len() > WORDS_MAX || families.len() > WORDS_MAX {
            return shape;
        }
        let mut all_plain = true;
        for (words, tokens) in [(&mut shape.given, &given), (&mut shape.family, &families)] {
            for (place, token) in words.iter_mut().zip(tokens) {
                *place = self.word(token, known);
                all_plain &= self.words[*place as usize].plain;
            }
        }
        shape.given_count = u8::try_from(given.len()).unwrap_or(u8::MAX);
        shape.family_count = u8::try_from(families.len()).unwrap_or(u8::MAX);
        // The only part of a name with a particle is not the whole of it.
        let plain = others.is_empty() && families.len() == 1 && family.parts.len() == 1;
        shape.kind = match (all_plain, plain && !is_prefix_name(&first.given[0])) {
            (false, _) => ShapeKind::Opaque,
            (true, false) => ShapeKind::Loose,
            (true, true) => ShapeKind::Plain,
        };
        shape
    }

    fn word<'n>(
        &mut self,
        token: &'n NameToken,
        known: &mut HashMap<&'n NameToken, u32, FastHash>,
    ) -> u32 {
        if let Some(place) = known.get(token) {
            return *place;
        }
        let place = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        let text = token.as_str().as_bytes();
        let letters = text
            .iter()
            .filter(|byte| byte.is_ascii_uppercase())
            .fold(0, |mask, byte| mask | 1 << (byte - b'A'));
        self.words.push(Word {
            letters,
            given_group: given_group(token).unwrap_or(NONE),
            family_group: family_group(token).unwrap_or(NONE),
            length: u8::try_from(text.len()).unwrap_or(u8::MAX),
            first: text[0],
            plain: !token.is_opaque() && token.transliterated().is_none(),
        });
        self.tokens.push(token.clone());
        known.insert(token, place);
        place
    }

    /// All words, by their numbers.
    pub(super) fn tokens(&self) -> &[NameToken] {
        &self.tokens
    }

    /// What is known of the words of a list.
    pub(super) fn shape_of(&self, list: u32) -> &Shape {
        &self.shapes[list as usize]
    }

    /// Whether a word is longer than an initial.
    pub(super) fn is_whole(&self, word: u32) -> bool {
        self.words[word as usize].length > 1
    }

    /// How the names of two lists stand to each other; `None` where a glance cannot say. Of loose ones all
    /// is open that is not plainly different.
    pub(super) fn glance(&self, x: &Shape, y: &Shape) -> Option<Glances> {
        if x.kind == ShapeKind::Opaque
            || y.kind == ShapeKind::Opaque
            || (self.may_be_swapped(x, y) && self.may_be_swapped(y, x))
        {
            return None;
        }
        let (mut given, mut family) = (self.given(x, y), self.families(x, y));
        let mut middle = self.middle(x, y);
        if x.kind == ShapeKind::Loose || y.kind == ShapeKind::Loose {
            for glance in [&mut given, &mut family] {
                if *glance != Glance::Differs {
                    *glance = Glance::Open;
                }
            }
            middle = middle.map(|glance| match glance {
                Glance::Same => Glance::Same,
                _ => Glance::Open,
            });
        }
        Some(Glances {
            given,
            family,
            middle,
            one_generic: x.generic != y.generic
                && self.words[x.family[0] as usize].length > 1
                && self.words[y.family[0] as usize].length > 1,
        })
    }

    /// Whether the given name of one may be the family name of the other.
    fn may_be_swapped(&self, a: &Shape, b: &Shape) -> bool {
        a.givens().iter().any(|given| {
            let one = &self.words[*given as usize];
            b.families().iter().any(|family| {
                given == family
                    || (a.given_count > 1 && one.may_begin(&self.words[*family as usize]))
            })
        })
    }

    /// The first given names; of plain shapes also one that the other side has as
    /// a further name, or sends as two words (R47).
    fn given(&self, x: &Shape, y: &Shape) -> Glance {
        let plain = x.kind == ShapeKind::Plain && y.kind == ShapeKind::Plain;
        if !plain {
            let mut pairs = x
                .givens()
                .iter()
                .flat_map(|a| y.givens().iter().map(|b| (*a, *b)));
            let differ = pairs.all(|(a, b)| {
                let (x, y) = (&self.words[a as usize], &self.words[b as usize]);
                self.two_given(a, b) == Glance::Differs && !x.may_begin(y) && !y.may_begin(x)
            });
            return if differ {
                Glance::Differs
            } else {
                Glance::Open
            };
        }
        let (a, b) = (x.given[0], y.given[0]);
        if a == b && self.is_whole(a) {
            return Glance::Same;
        }
        let used =
            |first: u32, of: &Shape| self.is_whole(first) && of.givens()[1..].contains(&first);
        let split = |one: &Shape, many: &Shape| {
            one.given_count == 1
                && many.given_count > 1
                && self.words[many.given[0] as usize].may_begin(&self.words[one.given[0] as usize])
        };
        if used(a, y) || used(b, x) || split(x, y) || split(y, x) {
            return Glance::Open;
        }
        self.two_given(a, b)
    }

    /// The further given names, where both sides have some: of plain shapes.
    fn middle(&self, x: &Shape, y: &Shape) -> Option<Glance> {
        let (a, b) = (x.givens().get(1..)?, y.givens().get(1..)?);
        let (first, other) = (a.first()?, b.first()?);
        let shared = a
            .iter()
            .any(|word| self.is_whole(*word) && b.contains(word));
        Some(if shared {
            Glance::Same
        } else {
            self.two_given(*first, *other)
        })
    }

    /// How two given names stand to each other; initials are open where they fit.
    pub(super) fn two_given(&self, a: u32, b: u32) -> Glance {
        let (x, y) = (&self.words[a as usize], &self.words[b as usize]);
        if x.length == 1 || y.length == 1 {
            return if x.first == y.first {
                Glance::Open
            } else {
                Glance::Differs
            };
        }
        let related = x.given_group != NONE
            && y.given_group != NONE
            && given_groups_related(x.given_group, y.given_group);
        if a == b || related {
            Glance::Open
        } else if x.letters_differ(y) {
            Glance::Differs
        } else {
            Glance::Like
        }
    }

    fn families(&self, x: &Shape, y: &Shape) -> Glance {
        if let ([a], [b]) = (x.families(), y.families()) {
            return self.two_families(*a, *b);
        }
        let mut pairs = x
            .families()
            .iter()
            .flat_map(|a| y.families().iter().map(|b| (*a, *b)));
        if pairs.all(|(a, b)| self.two_families(a, b) == Glance::Differs) {
            Glance::Differs
        } else {
            Glance::Open
        }
    }

    fn two_families(&self, a: u32, b: u32) -> Glance {
        let (x, y) = (&self.words[a as usize], &self.words[b as usize]);
        if a == b && x.length > 1 {
            return Glance::Same;
        }
        if x.length == 1 || y.length == 1 {
            return if x.first == y.first {
                Glance::Open
            } else {
                Glance::Differs
            };
        }
        // Spelling rules keep the first letter, but for the Irish O.
        let may_vary = x.first == y.first
            || x.first == b'O'
            || y.first == b'O'
            || (x.family_group != NONE && y.family_group != NONE);
        if !x.letters_differ(y) {
            let may_be_cut = x.length.min(y.length) >= CUT_LETTERS_MIN;
            return if may_vary || may_be_cut {
                Glance::Open
            } else {
                Glance::Like
            };
        }
        let tokens = (&self.tokens[a as usize], &self.tokens[b as usize]);
        if may_vary && family_variant(tokens.0, tokens.1).is_some() {
            Glance::Open
        } else {
            Glance::Differs
        }
    }
}

impl Shape {
    /// Given names.
    pub(super) fn givens(&self) -> &[u32] {
        &self.given[..usize::from(self.given_count)]
    }

    /// Family names and their parts.
    pub(super) fn families(&self) -> &[u32] {
        &self.family[..usize::from(self.family_count)]
    }
}

/// What a glance at two names shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glances {
    pub(super) given: Glance,
    pub(super) family: Glance,
    /// Where both sides have further given names: `same` where one is shared.
    pub(super) middle: Option<Glance>,
    /// The family name of one side alone says hardly anything.
    pub(super) one_generic: bool,
}

impl Word {
    /// Whether the other word may begin with this one and go on.
    fn may_begin(&self, other: &Self) -> bool {
        self.first == other.first
            && self.length < other.length
            && self.letters & !other.letters == 0
    }

    /// Whether so few letters are common that no likeness reaches its least:
    /// Jaro's measure counts no letter that only one word has, and Winkler's
    /// share is for a common beginning.
    fn letters_differ(&self, other: &Self) -> bool {
        let lacking = |a: &Self, b: &Self| {
            let only = (a.letters & !b.letters).count_ones();
            f32::from(a.length) - only as f32
        };
        let common = lacking(self, other).min(lacking(other, self));
        if common < 1.0 {
            return true;
        }
        let (a, b) = (f32::from(self.length), f32::from(other.length));
        let jaro = (common / a + common / b + 1.0) / 3.0;
        let most = if self.first == other.first {
            jaro + 0.4 * (1.0 - jaro)
        } else {
            jaro
        };
        most < ALIKE_MIN - ROUNDING
    }
}

#[cfg(test)]
mod tests {
    use super::{Glance, ShapeKind, Words};
    use crate::identity::{FamilyName, NameToken, NameUse, PersonName};
    use crate::matching::LinkageModel;
    use crate::matching::levels::{FamilyNameLevel, GivenNameLevel, Level as _};

    const GIVEN: &str = "Ann|Anne|Anna May|Annmay|A|May|John|Jhon|Ian|Jack|Jackson|Mohammed Imran|\
        Imran|Muhammad|Li Wei|Liwei|Wei|Katarzyna|Kasia|Robert|Bob|B|Siân|Müller|Mueller|Xi Aoming|\
        Xiaoming|Jo|Oliver James Peter|J|Olga|Smith|Odonnell";
    const FAMILY: &str = "Smith|Smythe|Smit|S|Jones|Jonas|O'Donnell|Donnell|Singh|Kaur|Khan|Kahn|\
        McDonald|MacDonald|Müller|Mueller|Muller|Kowalski|Kowalska|Ng|Ann|Liwei|Li|Smith-Jones|\
        de Souza|Chen|Chan|May|Annamay";

    fn names() -> Vec<Vec<PersonName>> {
        let mut lists = Vec::new();
        for (place, given) in GIVEN.split('|').enumerate() {
            for family in FAMILY.split('|').skip(place % 3).step_by(3) {
                lists.push(vec![PersonName {
                    name_use: NameUse::Usual,
                    given: given
                        .split_whitespace()
                        .filter_map(NameToken::fold)
                        .collect(),
                    family: FamilyName::from_words(family.trim()),
                }]);
            }
        }
        lists
    }

    #[test]
    fn what_a_glance_shows_is_what_the_comparison_finds() {
        let (lists, model) = (names(), LinkageModel::uk_care());
        let words = Words::of(&lists);
        let mut seen = [0; 3];
        for (i, a) in (0..).zip(&lists) {
            for (j, b) in (0..).zip(&lists) {
                let (x, y) = (words.shape_of(i), words.shape_of(j));
                let Some(glances) = words.glance(x, y) else {
                    continue;
                };
                let found = model.compare_names(a, b);
                let given = GivenNameLevel::at(found.given.level);
                let family = FamilyNameLevel::at(found.family.level);
                match (glances.given, given) {
                    (Glance::Same, GivenNameLevel::Exact)
                    | (Glance::Differs, GivenNameLevel::Different)
                    | (
                        Glance::Like,
                        GivenNameLevel::FuzzyNear
                        | GivenNameLevel::Fuzzy
                        | GivenNameLevel::Different,
                    )
                    | (Glance::Open, _) => {}
                    (glance, level) => panic!("{glance:?} {level:?} of lists {i} and {j}"),
                }
                match (glances.family, family) {
                    (Glance::Same, FamilyNameLevel::Exact)
                    | (Glance::Differs, FamilyNameLevel::Different | FamilyNameLevel::Generic)
                    | (
                        Glance::Like,
                        FamilyNameLevel::FuzzyNear
                        | FamilyNameLevel::Phonetic
                        | FamilyNameLevel::Fuzzy
                        | FamilyNameLevel::Different
                        | FamilyNameLevel::Generic,
                    )
                    | (Glance::Open, _) => {}
                    (glance, level) => panic!("{glance:?} {level:?} of lists {i} and {j}"),
                }
                let plain = [x, y].iter().all(|shape| shape.kind == ShapeKind::Plain);
                let middle = matches!(glances.middle, None | Some(Glance::Differs));
                let differ = glances.given == Glance::Differs && glances.family == Glance::Differs;
                if plain && middle && differ {
                    let both = glances.middle.is_some();
                    let quick = model.names_that_differ(both, glances.one_generic);
                    assert_eq!(quick, found, "lists {i} and {j}");
                    seen[0] += 1;
                }
                seen[1] += usize::from(glances.given == Glance::Same);
                seen[2] += usize::from(glances.family == Glance::Open);
            }
        }
        assert!(
            seen[0] > 5_000 && seen[1] > 200 && seen[2] > 200,
            "{seen:?}"
        );
    }
}
