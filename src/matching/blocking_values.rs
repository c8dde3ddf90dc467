//! The values of a record that blocking keys are made of: codes of names by
//! variant class and by sound, dates by their parts, places. Which of them are
//! joined to keys is in `blocking`.

use std::collections::BTreeSet;

use crate::identity::{
    NameToken, Sex, StandardRecord, double_metaphone, given_class_name, given_classes,
};

/// A field that sharpens a key, when the record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Year,
    Month,
    Sex,
    Outward,
    Given,
}

impl Next {
    /// Part of the stored format.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Sex => "sex",
            Self::Outward => "outward",
            Self::Given => "given",
        }
    }
}

/// The values that keys are made of.
#[derive(Default)]
pub(super) struct Values {
    /// Birth date as year, month, day, all known.
    pub(super) date: Option<Date>,
    pub(super) year: Option<i16>,
    pub(super) month: Option<u8>,
    pub(super) sex: Option<Sex>,
    /// Classes of given names; sounds of those without a class.
    pub(super) given_classes: Vec<String>,
    /// Classes and sounds of given names.
    pub(super) given_all: Vec<String>,
    /// Main sounds of first given names.
    pub(super) given_sounds: Vec<String>,
    /// Sounds of family names and of their parts.
    pub(super) family: Vec<String>,
    /// Main sounds of whole family names.
    pub(super) family_sounds: Vec<String>,
    pub(super) postcodes: Vec<String>,
    pub(super) outwards: Vec<String>,
    pub(super) uprns: Vec<String>,
}

/// Year, month, day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date(pub(super) i16, pub(super) u8, pub(super) u8);

impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}-{}", self.0, self.1, self.2)
    }
}

impl Values {
    pub(super) fn of(record: &StandardRecord) -> Self {
        let mut values = Self {
            sex: record.gender.or(record.birth_sex),
            ..Self::default()
        };
        if let Some(birth) = &record.birth_date {
            let date = birth.date;
            values.year = Some(date.year());
            if !birth.year_only {
                values.month = date.month();
                values.date = date
                    .month()
                    .zip(date.day())
                    .map(|(m, d)| Date(date.year(), m, d));
            }
        }
        for name in &record.names {
            let before_family = values.family.len();
            values.add_given(&name.given);
            if let Some(family) = &name.family {
                values.add_family(&family.whole);
                if let Some(sound) = values.family.get(before_family) {
                    values.family_sounds.push(sound.clone());
                }
                for part in family.parts.iter().filter(|_| family.parts.len() > 1) {
                    values.add_family(part);
                }
            } else if let [only] = name.given.as_slice() {
                // A single name stands in either slot (R46).
                values.add_family(only);
            }
        }
        for address in &record.addresses {
            if let Some(postcode) = &address.postcode {
                values.postcodes.push(postcode.text());
                values.outwards.push(
                    postcode
                        .outward()
                        .map_or_else(|| postcode.text(), str::to_owned),
                );
            }
            values
                .uprns
                .extend(address.uprn.as_deref().map(str::to_owned));
        }
        values.tidy();
        values
    }

    /// The first two given names: a person may go by the second (R40).
    fn add_given(&mut self, given: &[NameToken]) {
        for (place, token) in given
            .iter()
            .filter(|token| !token.is_initial())
            .take(2)
            .enumerate()
        {
            let before = self.given_classes.len();
            class_codes(token, &mut self.given_classes);
            let classed = self.given_classes.len() > before;
            self.given_all
                .extend_from_slice(&self.given_classes[before..]);
            let mut sounds = Vec::new();
            sound_codes(token, &mut sounds);
            if !classed {
                self.given_classes.extend_from_slice(&sounds);
            }
            if place == 0 {
                self.given_sounds.extend(sounds.first().cloned());
            }
            if place == 0 || !classed {
                self.given_all.append(&mut sounds);
            }
        }
        if let [first, second, ..] = given
            && let Some(joined) = NameToken::fold(&format!("{}{}", first.as_str(), second.as_str()))
        {
            let mut sounds = Vec::new();
            sound_codes(&joined, &mut sounds);
            self.given_all.extend(sounds.into_iter().take(1));
        }
    }

    fn add_family(&mut self, token: &NameToken) {
        if !token.is_initial() {
            sound_codes(token, &mut self.family);
        }
    }

    fn tidy(&mut self) {
        for list in [
            &mut self.given_classes,
            &mut self.given_all,
            &mut self.given_sounds,
            &mut self.family,
            &mut self.family_sounds,
            &mut self.postcodes,
            &mut self.outwards,
            &mut self.uprns,
        ] {
            let mut seen = BTreeSet::new();
            list.retain(|text| seen.insert(text.clone()));
        }
    }

    /// The first value of each sharpening field.
    pub(super) fn sharpening(&self) -> Vec<(Next, String)> {
        let mut next = Vec::new();
        next.extend(self.year.map(|year| (Next::Year, year.to_string())));
        next.extend(self.month.map(|month| (Next::Month, month.to_string())));
        next.extend(self.sex.map(|sex| (Next::Sex, sex_code(sex).to_owned())));
        next.extend(
            self.outwards
                .first()
                .map(|outward| (Next::Outward, outward.clone())),
        );
        next.extend(
            self.given_sounds
                .first()
                .map(|sound| (Next::Given, sound.clone())),
        );
        next
    }
}

impl Values {
    /// Texts of a given and a family name: class with sound, and both sounds
    /// in alphabetical order, so that exchanged slots meet (R36).
    pub(super) fn name_pairs(&self) -> Vec<String> {
        let mut pairs = Vec::new();
        for family in &self.family {
            for given in &self.given_classes {
                pairs.push(format!("{given}|{family}"));
            }
        }
        for family in &self.family_sounds {
            for given in &self.given_sounds {
                let (low, high) = if given <= family {
                    (given, family)
                } else {
                    (family, given)
                };
                pairs.push(format!("{low}&{high}"));
            }
        }
        pairs
    }
}

pub(super) const fn sex_code(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "m",
        Sex::Female => "f",
    }
}

pub(super) fn class_codes(token: &NameToken, codes: &mut Vec<String>) {
    for class in given_classes(token) {
        codes.push(format!("c{}", given_class_name(*class)));
    }
}

/// Sound codes of a word, main one first; a word without sounds is its own code.
pub(super) fn sound_codes(token: &NameToken, codes: &mut Vec<String>) {
    let (main, alternate) = double_metaphone(token);
    if main.is_empty() {
        codes.push(format!("w{}", token.as_str()));
        return;
    }
    if alternate != main && !alternate.is_empty() {
        codes.push(format!("s{main}"));
        codes.push(format!("s{alternate}"));
    } else {
        codes.push(format!("s{main}"));
    }
}
