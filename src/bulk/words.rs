//! Words of names, each once, with what shows in a few instructions that two of
//! them are not alike in any way that a comparison knows. Most pairs that meet
//! are of two people, and most of those differ plainly in their names.

use std::collections::HashMap;

use crate::bulk::hashing::FastHash;
use crate::bulk::shapes::{Shape, ShapeKind};
use crate::bulk::word::{Foldings, NONE, Word};
use crate::identity::{
    NameToken, PersonName, family_groups_related, family_variant, given_groups_related,
    is_prefix_name,
};
use crate::matching::levels::words_alike;

/// Shorter family names are not cut at the length of a field.
const CUT_LETTERS_MIN: u8 = 30;

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
    /// A side has none.
    Missing,
}

/// Shapes of all lists of names, and their words.
#[derive(Default)]
pub(super) struct Words {
    words: Vec<Word>,
    shapes: Vec<Shape>,
    tokens: Vec<NameToken>,
    /// By word: the numbers of its main and its second folding.
    foldings: Vec<[u32; 2]>,
}

/// Numbers of words and of their foldings on the way.
#[derive(Default)]
struct Known<'n> {
    words: HashMap<&'n NameToken, u32, FastHash>,
    foldings: HashMap<&'n str, u32, FastHash>,
}

impl<'n> Known<'n> {
    fn folding(&mut self, text: &'n str) -> u32 {
        let next = u32::try_from(self.foldings.len()).unwrap_or(u32::MAX);
        *self.foldings.entry(text).or_insert(next)
    }
}

impl Words {
    /// Of all lists.
    pub(super) fn of(lists: &[Vec<PersonName>]) -> Self {
        let mut known = Known::default();
        let mut words = Self::default();
        for list in lists {
            let shape = words.shape(list, &mut known);
            words.shapes.push(shape);
        }
        words
    }

    fn shape<'n>(&mut self, list: &'n [PersonName], known: &mut Known<'n>) -> Shape {
        let opaque = Shape::default();
        let Some((first, others)) = list.split_first() else {
            return opaque;
        };
        let given: Vec<&NameToken> = list.iter().flat_map(|name| &name.given).collect();
        let Some(family) = first
            .family
            .as_ref()
            .filter(|_| !first.given.is_empty() || given.is_empty())
        else {
            return opaque;
        };
        let aliases = others.iter().filter_map(|name| name.family.as_ref());
        let parts = family.parts.iter().filter(|part| **part != family.whole);
        let families: Vec<&NameToken> = [&family.whole]
            .into_iter()
            .chain(parts)
            .chain(aliases.map(|family| &family.whole))
            .collect();
        let numbers = |words: &mut Self, known: &mut Known<'n>, tokens: &[&'n NameToken]| {
            let tokens = tokens.iter();
            tokens
                .map(|token| words.word(token, known))
                .collect::<Vec<_>>()
        };
        let (given, families) = (
            numbers(self, known, &given),
            numbers(self, known, &families),
        );
        let all = |words: &[u32], are: fn(Foldings) -> bool| {
            let mut words = words.iter();
            words.all(|word| are(self.words[*word as usize].foldings))
        };
        let is_known = |foldings| foldings != Foldings::Unknown;
        let is_one = |foldings| foldings == Foldings::One;
        // Other namings say nothing of the given name where they have none.
        let given_plain = all(&given, is_one)
            && others.iter().all(|name| name.given.is_empty())
            && first
                .given
                .first()
                .is_some_and(|first| !is_prefix_name(first));
        // The only part of a name with a particle is not the whole of it.
        let family_plain = others.is_empty()
            && all(&families, is_one)
            && families.len() == 1
            && family.parts.len() == 1;
        let kind = if !all(&given, is_known) || !all(&families, is_known) {
            ShapeKind::Opaque
        } else if given_plain && family_plain {
            ShapeKind::Plain
        } else if given_plain {
            ShapeKind::GivenPlain
        } else {
            ShapeKind::Loose
        };
        Shape::new(&given, &families, family.generic, kind).unwrap_or(opaque)
    }

    fn word<'n>(&mut self, token: &'n NameToken, known: &mut Known<'n>) -> u32 {
        if let Some(place) = known.words.get(token) {
            return *place;
        }
        let place = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push(Word::of(token));
        let second = token.transliterated();
        let main = known.folding(token.as_str());
        self.foldings
            .push([main, second.map_or(main, |text| known.folding(text))]);
        self.tokens.push(token.clone());
        known.words.insert(token, place);
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

    /// Whether two words are equal in either folding.
    fn same(&self, a: u32, b: u32) -> bool {
        let two = |word: u32| self.words[word as usize].foldings == Foldings::Two;
        a == b
            || ((two(a) || two(b)) && {
                let (x, y) = (self.foldings[a as usize], self.foldings[b as usize]);
                x.iter().any(|folding| y.contains(folding))
            })
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
        let (given, mut family) = (self.given(x, y), self.families(x, y));
        let mut middle = self.middle(x, y);
        let plain = x.kind == ShapeKind::Plain && y.kind == ShapeKind::Plain;
        if !plain && family == Glance::Same {
            family = Glance::Open;
        }
        if !(x.kind.given_is_plain() && y.kind.given_is_plain()) {
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
                && self.is_whole(x.families()[0])
                && self.is_whole(y.families()[0]),
        })
    }

    /// Whether the given name of one may be the family name of the other.
    fn may_be_swapped(&self, a: &Shape, b: &Shape) -> bool {
        a.givens().iter().any(|given| {
            let one = &self.words[*given as usize];
            b.families().iter().any(|family| {
                self.same(*given, *family)
                    || (a.givens().len() > 1 && one.may_begin(&self.words[*family as usize]))
            })
        })
    }

    /// The first given names; of plain shapes also one that the other side has as
    /// a further name, or sends as two words (R47).
    fn given(&self, x: &Shape, y: &Shape) -> Glance {
        if x.givens().is_empty() || y.givens().is_empty() {
            return Glance::Missing;
        }
        if !(x.kind.given_is_plain() && y.kind.given_is_plain()) {
            return best_of(x.givens(), y.givens(), |a, b| {
                let (x, y) = (&self.words[a as usize], &self.words[b as usize]);
                if x.may_begin(y) || y.may_begin(x) {
                    Glance::Open
                } else {
                    self.two_given(a, b)
                }
            });
        }
        let (a, b) = (x.givens()[0], y.givens()[0]);
        if a == b && self.is_whole(a) {
            return Glance::Same;
        }
        let used =
            |first: u32, of: &Shape| self.is_whole(first) && of.givens()[1..].contains(&first);
        let split = |one: &Shape, many: &Shape| {
            let (one, many) = (one.givens(), many.givens());
            one.len() == 1
                && many.len() > 1
                && self.words[many[0] as usize].may_begin(&self.words[one[0] as usize])
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
            .any(|word| self.is_whole(*word) && b.iter().any(|other| self.same(*word, *other)));
        Some(if shared {
            Glance::Same
        } else {
            self.two_given(*first, *other)
        })
    }

    /// How two given names stand to each other; initials are open where they fit.
    pub(super) fn two_given(&self, a: u32, b: u32) -> Glance {
        let (x, y) = (&self.words[a as usize], &self.words[b as usize]);
        if a != b && self.same(a, b) {
            return Glance::Open;
        }
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
        best_of(x.families(), y.families(), |a, b| self.two_families(a, b))
    }

    fn two_families(&self, a: u32, b: u32) -> Glance {
        let (x, y) = (&self.words[a as usize], &self.words[b as usize]);
        if a == b && x.length > 1 {
            return Glance::Same;
        }
        if a != b && self.same(a, b) {
            return Glance::Open;
        }
        if x.length == 1 || y.length == 1 {
            return if x.first == y.first {
                Glance::Open
            } else {
                Glance::Differs
            };
        }
        let related = x.family_group != NONE
            && y.family_group != NONE
            && family_groups_related(x.family_group, y.family_group);
        let differ = x.letters_differ(y);
        let may_be_cut = !differ && x.length.min(y.length) >= CUT_LETTERS_MIN;
        let tokens = (&self.tokens[a as usize], &self.tokens[b as usize]);
        let varies = || x.may_vary(y) && family_variant(tokens.0, tokens.1).is_some();
        if may_be_cut || related || varies() {
            Glance::Open
        } else if differ {
            Glance::Differs
        } else {
            Glance::Like
        }
    }

    /// A closer look at words that may be alike: where they are not. `None` where it
    /// shows nothing new.
    pub(super) fn closer(&self, seen: Glances, x: &Shape, y: &Shape) -> Option<Glances> {
        let unlike =
            |a: u32, b: u32| !words_alike(&self.tokens[a as usize], &self.tokens[b as usize]);
        let mut closer = seen;
        if x.kind.given_is_plain() && y.kind.given_is_plain() {
            let (a, b) = (x.givens(), y.givens());
            if seen.given == Glance::Like && unlike(a[0], b[0]) {
                closer.given = Glance::Differs;
            }
            if seen.middle == Some(Glance::Like) && unlike(a[1], b[1]) {
                closer.middle = Some(Glance::Differs);
            }
        }
        if let ([a], [b]) = (x.families(), y.families())
            && seen.family == Glance::Like
            && unlike(*a, *b)
        {
            closer.family = Glance::Differs;
        }
        (closer != seen).then_some(closer)
    }
}

/// How close the words of two sides come to each other; whether they are the same
/// must be compared where there are several.
fn best_of(a: &[u32], b: &[u32], two: impl Fn(u32, u32) -> Glance) -> Glance {
    let mut best = Glance::Differs;
    for a in a {
        for b in b {
            match two(*a, *b) {
                Glance::Differs => {}
                Glance::Like => best = Glance::Like,
                Glance::Same | Glance::Open | Glance::Missing => return Glance::Open,
            }
        }
    }
    best
}

/// What a glance at two names shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glances {
    pub(super) given: Glance,
    pub(super) family: Glance,
    /// Where both sides have further given names: `same` where one is shared.
    pub(super) middle: Option<Glance>,
    /// The family name of one side alone says hardly anything.
    pub(super) one_generic: bool,
}

#[cfg(test)]
mod tests {
    use super::{Glance, Glances, ShapeKind, Words};
    use crate::identity::{FamilyName, NameToken, NameUse, PersonName};
    use crate::matching::LinkageModel;
    use crate::matching::levels::{
        FamilyNameLevel, GivenNameLevel, KnownFamily, Level as _, MiddleNames, NameComparison,
    };

    const GIVEN: &str = "Ann|Anne|Anna May|Annmay|A|May|John|Jhon|Ian|Jack|Jackson|Mohammed Imran|\
        Imran|Muhammad|Li Wei|Liwei|Wei|Katarzyna|Kasia|Robert|Bob|B|Siân|Müller|Mueller|Xi Aoming|\
        Xiaoming|Jo|Oliver James Peter|J|Olga|Smith|Odonnell|";
    const FAMILY: &str = "Smith|Smythe|Smit|S|Jones|Jonas|O'Donnell|Donnell|Singh|Kaur|Khan|Kahn|\
        McDonald|MacDonald|Müller|Mueller|Muller|Kowalski|Kowalska|Ng|Ann|Liwei|Li|Smith-Jones|\
        de Souza|Chen|Chan|May|Annamay|Østergård|Oestergaard|Mueller-Smith-Jones";

    fn names() -> Vec<Vec<PersonName>> {
        let mut lists = Vec::new();
        let families: Vec<&str> = FAMILY.split('|').collect();
        for (place, given) in GIVEN.split('|').enumerate() {
            for family in FAMILY.split('|').skip(place % 3).step_by(3) {
                let named = |name_use, given: &str, family: &str| PersonName {
                    name_use,
                    given: given
                        .split_whitespace()
                        .filter_map(NameToken::fold)
                        .collect(),
                    family: FamilyName::from_words(family.trim()),
                };
                let mut list = vec![named(NameUse::Usual, given, family)];
                let other = families[lists.len() % families.len()];
                match lists.len() % 9 {
                    0 => list.push(named(NameUse::Previous, "", other)),
                    1 => list.push(named(NameUse::Alias, "Katarzyna", other)),
                    _ => {}
                }
                lists.push(list);
            }
        }
        lists
    }

    /// Of plain namings, one of which is `name`.
    fn known(model: &LinkageModel, seen: Glances, name: &PersonName) -> Option<NameComparison> {
        let given = match seen.given {
            Glance::Same => Some(model.given_share(&name.given[0])),
            Glance::Differs => None,
            _ => return None,
        };
        let middle = match seen.middle {
            None => MiddleNames::Missing,
            Some(Glance::Differs) => MiddleNames::Differ,
            _ => return None,
        };
        let family = match seen.family {
            Glance::Differs if seen.one_generic => KnownFamily::OneGeneric,
            Glance::Differs => KnownFamily::Differs,
            Glance::Same => KnownFamily::Same(model.family_share(&name.family.as_ref()?.whole)),
            _ => return None,
        };
        Some(model.known_names(given, family, middle))
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
                    | (Glance::Missing, GivenNameLevel::Missing)
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
                let closer = words.closer(glances, x, y).unwrap_or(glances);
                if let Some(quick) = known(&model, closer, &a[0]).filter(|_| plain) {
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
