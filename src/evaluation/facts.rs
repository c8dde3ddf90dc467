//! What a record says of the groups that it belongs to, and of itself where
//! somebody reads it.

use std::collections::BTreeMap;

use crate::evaluation::groups::{FIELDS, RecordFacts};
use crate::evaluation::name_origin;
use crate::identity::{Sex, StandardDate, SubmittedRecord};

/// The pseudo-postcode of people without an address (NHS Data Dictionary).
const NO_FIXED_ABODE: &str = "ZZ993VZ";

/// The texts of a record by the names of [`FIELDS`]; blank ones are left out.
fn texts(record: &SubmittedRecord) -> [Option<String>; FIELDS.len()] {
    let joined = |texts: &[String]| {
        let text = texts.join(" ");
        (!text.trim().is_empty()).then_some(text)
    };
    let address = record.addresses.first();
    let sent = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    [
        sent(&record.nhs_number),
        joined(&record.given_names),
        sent(&record.family_name),
        sent(&record.birth_date),
        sent(&record.gender),
        address.and_then(|address| joined(&address.lines)),
        address.and_then(|address| sent(&address.postcode)),
        joined(&record.phones),
    ]
}

/// The groups of a record; `source` is its place among the sources.
#[must_use]
pub fn facts(record: &SubmittedRecord, source: u16) -> RecordFacts {
    let texts = texts(record);
    let missing = texts.iter().enumerate();
    let missing = missing.fold(0, |bits, (place, text)| {
        bits | u8::from(text.is_none()) << place
    });
    let [_, given, family, birth_date, gender, _, postcode, _] = texts;
    let year = birth_date.and_then(|text| StandardDate::parse(&text));
    RecordFacts {
        source,
        sex: match gender.and_then(|text| Sex::parse(&text)) {
            Some(Sex::Female) => 0,
            Some(Sex::Male) => 1,
            None => 2,
        },
        birth_year: year.map(StandardDate::year),
        name_origin: name_origin::class_of(
            given.as_deref().unwrap_or_default(),
            family.as_deref().unwrap_or_default(),
        ),
        missing,
        no_fixed_abode: postcode.is_some_and(|text| {
            let letters = text.chars().filter(|letter| !letter.is_whitespace());
            letters
                .collect::<String>()
                .eq_ignore_ascii_case(NO_FIXED_ABODE)
        }),
    }
}

/// A record as somebody reads it beside another: names of fields and values as
/// they were sent.
#[must_use]
pub fn readable(source: Option<&str>, record: &SubmittedRecord) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            values.insert(name.to_owned(), value);
        }
    };
    for (name, text) in FIELDS.iter().zip(texts(record)) {
        put(name, text);
    }
    put("source", source.map(ToOwned::to_owned));
    put("nhs_number_status", record.nhs_number_status.clone());
    put("email", record.emails.first().cloned());
    let town = record
        .addresses
        .first()
        .and_then(|address| address.town.clone());
    put("town", town);
    let earlier = record
        .aliases
        .iter()
        .find_map(|alias| alias.family_name.clone());
    put("previous_family_name", earlier);
    let other = record.other_identifiers.first();
    put("other_id", other.map(|identifier| identifier.value.clone()));
    for (name, value) in &record.other_columns {
        put(name, Some(value.clone()));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::{facts, readable};
    use crate::identity::SubmittedRecord;

    #[test]
    fn a_record_says_what_groups_it_is_in() {
        let record = SubmittedRecord {
            given_names: vec!["Agnieszka".to_owned()],
            family_name: Some("Nowak".to_owned()),
            birth_date: Some("12/05/1980".to_owned()),
            gender: Some("F".to_owned()),
            ..SubmittedRecord::default()
        };
        let found = facts(&record, 3);
        assert_eq!(
            (found.source, found.sex, found.birth_year),
            (3, 0, Some(1980))
        );
        // Number, address line, postcode and phone are missing.
        assert_eq!(found.missing, 0b1110_0001);
        assert_eq!(readable(Some("gp"), &record)["family_name"], "Nowak");
    }
}
