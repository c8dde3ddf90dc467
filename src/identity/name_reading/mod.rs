//! Reads given and family names out of the two fields of a record: titles,
//! known-as phrases, placeholders of newborns and of absence, a family name
//! with the given name behind a comma (R34, R35, R46). Reading never fails;
//! what was found beside the name is returned as notes.

mod birth_order;
mod word_groups;

use std::collections::BTreeSet;

use self::word_groups::{all_in, fold_given, holds_a_name, is_absent_field};
use crate::foundation::limits::{FIELD_CHARACTERS_MAX, VALUES_PER_FIELD_MAX};
use crate::identity::name_words::{
    Word, clean, is_plain, joined, split_groups, split_phrases, words_of,
};
use crate::identity::placeholder::{self, Phrase};
use crate::identity::{FamilyName, NameToken, NameUse, PersonName};

/// What two name fields say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadName {
    /// The naming itself first, then known-as and earlier names found inside
    /// the text. Empty when the fields hold no name.
    pub names: Vec<PersonName>,
    /// The given name is a placeholder of a newborn ("Baby", "Twin 2").
    pub newborn_placeholder: bool,
    /// Order in a multiple birth, 1 to 7, from "Twin 2" or "Twin One".
    pub birth_order: Option<u8>,
    /// The record is of an unborn child (R57).
    pub unborn: bool,
    /// What was found beside the name, each once, sorted.
    pub notes: Vec<NameNote>,
}

/// Something found in a name field beside the name. Holds no text of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameNote {
    /// A title stood in a name field (R34).
    TitleRemoved,
    /// A generation or honour stood behind the name.
    SuffixRemoved,
    /// A name that the person is called by was found inside the text (R34).
    KnownAsFound,
    /// An earlier name was found inside the text.
    PreviousFound,
    /// The given name says absence (R35).
    GivenPlaceholder,
    /// The family name says absence (R35).
    FamilyPlaceholder,
    /// A place in a multiple birth stood in a name field (R35).
    BirthOrderFound,
    /// The name is of an unborn child (R57).
    UnbornFound,
    /// "SMITH, JOHN" stood in the family name alone.
    CommaFormSplit,
    /// One name in both slots: kept as a given name without family (R46).
    SingleName,
    /// A field held the other one's name as well; it is kept once.
    RepeatedName,
    /// A field is exactly as long as a national field limit (R43).
    TruncatedAtLimit,
    /// A field is longer than anything real; only its start is compared.
    TooLong,
    /// Text without letters, compared for equality only.
    OpaqueText,
}

/// Reads one naming.
///
/// `given_names`: the first may hold several words ("Mohammed Imran").
/// `family_name` may hold titles, particles, hyphens, "née" and "aka".
#[must_use]
pub fn read_name(name_use: NameUse, given_names: &[String], family_name: Option<&str>) -> ReadName {
    let family_text = family_name.unwrap_or_default();
    let mut reader = Reader::default();
    reader.note_lengths(given_names, family_text);
    // A space in the family name may part it from a repeated given name.
    let is_plain_family = is_plain(family_text) && !family_text.contains(' ');
    if is_plain_family && given_names.iter().all(|text| is_plain(text)) {
        let given = given_names.iter().flat_map(|text| text.split_whitespace());
        let given = given.filter_map(NameToken::fold).collect();
        return reader.finish(name_use, given, FamilyName::from_words(family_text));
    }
    let mut entries: Vec<String> = given_names.iter().map(|text| clean(text)).collect();
    let mut family_text = clean(family_text);
    reader.split_comma_form(&mut entries, &mut family_text);
    let given = reader.read_given(&entries, &words_of(&family_text));
    let family = reader.read_family(&family_text, &given);
    reader.finish(name_use, given, family)
}

/// Which field an inner name stood in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Given,
    Family,
}

/// A name found inside a field.
struct InnerName {
    name_use: NameUse,
    slot: Slot,
    words: Vec<Word>,
}

#[derive(Default)]
struct Reader {
    newborn: bool,
    unborn: bool,
    birth_order: Option<u8>,
    inner: Vec<InnerName>,
    notes: BTreeSet<NameNote>,
}

impl Reader {
    fn note(&mut self, note: NameNote) {
        self.notes.insert(note);
    }

    fn note_lengths(&mut self, given_names: &[String], family_text: &str) {
        for text in given_names.iter().map(String::as_str).chain([family_text]) {
            if text.len() < 35 {
                continue;
            }
            match text.chars().count() {
                35 | 40 => self.note(NameNote::TruncatedAtLimit),
                length if length > FIELD_CHARACTERS_MAX => self.note(NameNote::TooLong),
                _ => {}
            }
        }
    }

    /// "SMITH, JOHN" as the family name of a record without a given name.
    fn split_comma_form(&mut self, entries: &mut Vec<String>, family_text: &mut String) {
        if entries.iter().any(|entry| !words_of(entry).is_empty()) {
            return;
        }
        let Some((family, given)) = family_text.split_once(',') else {
            return;
        };
        let is_name =
            |word: &Word| !placeholder::is_suffix(&word.key) && !placeholder::is_title(&word.key);
        if words_of(family).is_empty() || !words_of(given).iter().any(is_name) {
            return;
        }
        let (family, given) = (family.to_owned(), given.to_owned());
        *entries = vec![given];
        *family_text = family;
        self.note(NameNote::CommaFormSplit);
    }

    fn read_given(&mut self, entries: &[String], family: &[Word]) -> Vec<NameToken> {
        let mut words: Vec<Word> = Vec::new();
        let mut sent = false;
        for entry in entries {
            sent |= !entry.is_empty();
            let found = self.take_inner_names(entry, Slot::Given);
            if !is_absent_field(&found, Slot::Given) {
                words.extend(found);
            }
        }
        let words = self.take_unborn(words);
        let words = self.take_birth_order(words);
        let words = self.take_newborn(words, family);
        let words = self.take_titles(words, Slot::Given);
        let tokens = fold_given(&words);
        if tokens.is_empty() && sent {
            self.note(NameNote::GivenPlaceholder);
            self.newborn |= self.birth_order.is_some();
        }
        tokens
    }

    fn read_family(&mut self, text: &str, given: &[NameToken]) -> Option<FamilyName> {
        let words = self.take_inner_names(text, Slot::Family);
        if words.is_empty() || is_absent_field(&words, Slot::Family) {
            if !text.is_empty() {
                self.note(NameNote::FamilyPlaceholder);
            }
            return None;
        }
        let words = self.take_unborn(words);
        let words = self.take_birth_order(words);
        let words = self.take_newborn_family(words, given);
        let words = self.take_titles(words, Slot::Family);
        let words = self.take_repeated_given(words, given);
        let family = FamilyName::from_words(&joined(&words));
        if family.is_none() {
            self.note(NameNote::FamilyPlaceholder);
        }
        family
    }

    /// Moves bracketed, quoted and announced names out of a field and returns
    /// the words that are left.
    fn take_inner_names(&mut self, text: &str, slot: Slot) -> Vec<Word> {
        let (main, groups) = split_groups(text);
        let (words, announced) = split_phrases(&words_of(&main), 1);
        for (phrase, inner) in announced {
            self.keep_inner(Some(phrase), slot, inner);
        }
        for group in groups {
            let (plain, announced) = split_phrases(&words_of(&group), 0);
            self.keep_inner(None, slot, plain);
            for (phrase, inner) in announced {
                self.keep_inner(Some(phrase), slot, inner);
            }
        }
        words
    }

    fn keep_inner(&mut self, phrase: Option<Phrase>, slot: Slot, words: Vec<Word>) {
        let words = self.take_unborn(words);
        let words = self.take_birth_order(words);
        let words = self.take_titles(words, slot);
        let is_name = !words.is_empty()
            && !is_absent_field(&words, slot)
            && !words
                .iter()
                .all(|word| placeholder::is_newborn_filler(&word.key));
        if !is_name || self.inner.len() >= VALUES_PER_FIELD_MAX {
            return;
        }
        let (name_use, slot) = match (phrase, slot) {
            (Some(Phrase::KnownAs), _) | (None, Slot::Given) => (NameUse::KnownAs, slot),
            (Some(Phrase::Previous), _) => (NameUse::Previous, slot),
            (Some(Phrase::Maiden), _) => (NameUse::Previous, Slot::Family),
            (None, Slot::Family) => (NameUse::Alias, slot),
        };
        self.inner.push(InnerName {
            name_use,
            slot,
            words,
        });
    }

    fn take_unborn(&mut self, mut words: Vec<Word>) -> Vec<Word> {
        let before = words.len();
        words.retain(|word| !placeholder::is_unborn_word(&word.key));
        if words.len() < before {
            self.unborn = true;
            self.note(NameNote::UnbornFound);
        }
        words
    }

    /// "Twin 2", "2nd twin", "Twin-Two", "Baby 1".
    fn take_birth_order(&mut self, mut words: Vec<Word>) -> Vec<Word> {
        let Some((order, range)) = birth_order::find(&words) else {
            return words;
        };
        self.birth_order = self.birth_order.or(Some(order));
        self.note(NameNote::BirthOrderFound);
        let is_baby = range.clone().any(|at| words[at].key.starts_with("BABY"));
        words.drain(range);
        if is_baby {
            words.insert(0, Word::of("BABY"));
        }
        words
    }

    /// Empties a given name that stands for a newborn without one (R35).
    fn take_newborn(&mut self, mut words: Vec<Word>, family: &[Word]) -> Vec<Word> {
        let filler = words
            .iter()
            .take_while(|word| placeholder::is_newborn_filler(&word.key));
        let filler = filler.count();
        let Some(first) = words.first() else {
            return words;
        };
        let rest = &words[filler..];
        let opens = placeholder::is_newborn_word(&first.key);
        let only_filler = rest.is_empty()
            && words
                .iter()
                .any(|word| placeholder::is_newborn_word(&word.key));
        let lone = words.len() == 1 && placeholder::is_lone_newborn(&first.key);
        let of = |at: usize| words.get(at).is_some_and(|word| word.key == "OF");
        let child_of = of(0) || placeholder::is_child_of(&first.key) && of(1);
        // "Baby Alice" is Alice; "Baby Smith" of the Smiths and "Baby Girl
        // Alice" (the mother's name) are nobody's given name.
        let nameless =
            opens && (filler > 1 || first.key != "BABY" || of(filler) || all_in(rest, family));
        if only_filler || lone || child_of || nameless {
            self.newborn = true;
            return Vec::new();
        }
        let of_family = self.unborn || self.birth_order.is_some();
        if of_family && all_in(&words, family) {
            self.newborn |= !self.unborn;
            return Vec::new();
        }
        if opens {
            words.drain(..filler);
        }
        // "Oliver Twin": a twin, without the place.
        while words.len() > 1
            && words
                .last()
                .is_some_and(|it| placeholder::is_multiple_word(&it.key))
        {
            words.pop();
        }
        words
    }

    /// "Baby Smith" and "Baby of Smith" as a family name without a given one.
    fn take_newborn_family(&mut self, mut words: Vec<Word>, given: &[NameToken]) -> Vec<Word> {
        if self.newborn && words.len() > 1 && words[0].key == "OF" {
            words.remove(0);
        }
        let opens = words
            .first()
            .is_some_and(|word| placeholder::is_newborn_word(&word.key));
        let of = words.get(1).is_some_and(|word| word.key == "OF");
        if !opens || !given.is_empty() && !of {
            return words;
        }
        let filler = words
            .iter()
            .take_while(|word| placeholder::is_newborn_filler(&word.key));
        let mut drop = filler.count();
        if words.get(drop).is_some_and(|word| word.key == "OF") {
            drop += 1;
        }
        words.drain(..drop);
        self.newborn |= given.is_empty();
        words
    }

    /// Removes titles before, suffixes behind, and words of absence anywhere.
    fn take_titles(&mut self, mut words: Vec<Word>, slot: Slot) -> Vec<Word> {
        words.retain(|word| !placeholder::is_absent_word(&word.key));
        let is_title = match slot {
            Slot::Given => placeholder::is_title,
            Slot::Family => placeholder::is_plain_title,
        };
        while let Some(first) = words.first() {
            let alone = words.len() == 1;
            if !(is_title(&first.key) && !alone || placeholder::is_plain_title(&first.key)) {
                break;
            }
            words.remove(0);
            self.note(NameNote::TitleRemoved);
        }
        while let [_, .., last] = words.as_slice() {
            if placeholder::is_suffix(&last.key) {
                self.note(NameNote::SuffixRemoved);
            } else if placeholder::is_plain_title(&last.key) {
                self.note(NameNote::TitleRemoved);
            } else {
                break;
            }
            words.pop();
        }
        words
    }

    /// "John Smith" or "Smith John" as the family name of John.
    fn take_repeated_given(&mut self, mut words: Vec<Word>, given: &[NameToken]) -> Vec<Word> {
        let count = given.len();
        if count == 0 || words.len() <= count {
            return words;
        }
        let equal = |part: &[Word]| {
            part.iter()
                .zip(given)
                .all(|(word, token)| word.key == token.as_str())
        };
        if equal(&words[..count]) && holds_a_name(&words[count..]) {
            words.drain(..count);
            self.note(NameNote::RepeatedName);
        } else if equal(&words[words.len() - count..])
            && holds_a_name(&words[..words.len() - count])
        {
            words.truncate(words.len() - count);
            self.note(NameNote::RepeatedName);
        }
        words
    }

    fn finish(
        mut self,
        name_use: NameUse,
        given: Vec<NameToken>,
        family: Option<FamilyName>,
    ) -> ReadName {
        let mut names = Vec::new();
        let (mut given, family) = self.settle_slots(given, family);
        let inner = std::mem::take(&mut self.inner);
        // "Known as Betty" alone: the only given name there is.
        let is_called =
            |found: &&InnerName| found.name_use == NameUse::KnownAs && found.slot == Slot::Given;
        if let Some(called) = inner
            .iter()
            .find(is_called)
            .filter(|_| given.is_empty() && !self.newborn)
        {
            given = fold_given(&called.words);
            given.truncate(VALUES_PER_FIELD_MAX);
            self.notes.remove(&NameNote::GivenPlaceholder);
            self.note(NameNote::KnownAsFound);
        }
        if !given.is_empty() || family.is_some() {
            names.push(PersonName {
                name_use,
                given: given.clone(),
                family: family.clone(),
            });
        }
        for found in inner {
            self.push_inner(&mut names, found, &given, family.as_ref());
        }
        let opaque = |name: &PersonName| {
            let family = name.family.as_ref().map(|family| &family.whole);
            name.given.iter().chain(family).any(NameToken::is_opaque)
        };
        if names.iter().any(opaque) {
            self.note(NameNote::OpaqueText);
        }
        ReadName {
            names,
            newborn_placeholder: self.newborn,
            birth_order: self.birth_order,
            unborn: self.unborn,
            notes: self.notes.into_iter().collect(),
        }
    }

    /// One name in both slots stays a given name (R46); a family name behind
    /// the given names is kept once.
    fn settle_slots(
        &mut self,
        mut given: Vec<NameToken>,
        family: Option<FamilyName>,
    ) -> (Vec<NameToken>, Option<FamilyName>) {
        if given.len() > VALUES_PER_FIELD_MAX {
            given.truncate(VALUES_PER_FIELD_MAX);
            self.note(NameNote::TooLong);
        }
        let Some(family) = family else {
            return (given, None);
        };
        if let [only] = given.as_slice()
            && only.same(&family.whole)
        {
            self.note(NameNote::SingleName);
            return (given, None);
        }
        if given.len() > 1 && given.last().is_some_and(|last| last.same(&family.whole)) {
            given.pop();
            self.note(NameNote::RepeatedName);
        }
        (given, Some(family))
    }

    fn push_inner(
        &mut self,
        names: &mut Vec<PersonName>,
        found: InnerName,
        given: &[NameToken],
        family: Option<&FamilyName>,
    ) {
        let (given, family) = match found.slot {
            Slot::Given => {
                let mut inner = fold_given(&found.words);
                let repeats_family =
                    |last: &NameToken| family.is_some_and(|it| it.whole.same(last));
                if inner.len() > 1 && inner.last().is_some_and(repeats_family) {
                    inner.pop();
                }
                inner.truncate(VALUES_PER_FIELD_MAX);
                (inner, family.cloned())
            }
            Slot::Family => (
                given.to_vec(),
                FamilyName::from_words(&joined(&found.words)),
            ),
        };
        let is_new = !names
            .iter()
            .any(|name| name.given == given && name.family == family);
        if !is_new || given.is_empty() && family.is_none() {
            return;
        }
        self.note(match found.name_use {
            NameUse::Previous => NameNote::PreviousFound,
            _ => NameNote::KnownAsFound,
        });
        names.push(PersonName {
            name_use: found.name_use,
            given,
            family,
        });
    }
}

#[cfg(test)]
mod tests;
