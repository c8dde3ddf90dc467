//! Texts of many rows are read together, each once. A record must say what it says when it
//! is standardised alone, whatever came before it.

use proptest::prelude::*;
use proptest::sample::select;

use crate::bulk::{BulkRecords, SentRow};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedIdentifier, SubmittedName, SubmittedRecord, standardise,
};

/// One of a few texts, so that rows share them, or none.
fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<Option<String>> {
    prop::option::weighted(0.8, select(texts).prop_map(str::to_owned)).boxed()
}

fn some_of(texts: &'static [&'static str]) -> BoxedStrategy<Vec<String>> {
    prop::collection::vec(select(texts).prop_map(str::to_owned), 0..3).boxed()
}

const GIVEN: &[&str] = &[
    "Rosalind",
    "rosalind ",
    "Anne Marie",
    "Baby",
    "Baby Girl",
    "Twin 2",
    "Mohammed",
    "Unborn",
    "Dr Ada",
    "J",
    "UNKNOWN",
    "Jean-Luc",
    "Łukasz",
    "Foetus",
    "?",
];
const FAMILY: &[&str] = &[
    "Applethwaite",
    "O'Brien",
    "van der Berg",
    "Smith-Jones",
    "Kaur",
    "Unborn",
    "Baby",
    "NK",
    "Ng",
    "Twin 1 Smith",
];
const DATES: &[&str] = &[
    "1980-05-12",
    "12/05/1980",
    "1900-01-01",
    "1890-02-03",
    "2030-01-01",
    "1980-01-01",
    "1980",
    "not known",
    "31/02/1980",
    "2024-06-01",
    "30.11",
];
const LINES: &[&str] = &[
    "Flat 3, 9 Elm Road",
    "9 Elm Rd",
    "HMP Leeds",
    "LS1 4AP",
    "c/o Mrs Smith",
    "No fixed abode",
    "Leeds",
    "12-14 High Street",
];
const PHONES: &[&str] = &[
    "0113 496 0123",
    "+44 113 4960123",
    "07700 900123",
    "07777777777",
    "0113 496 0123 ext 4",
    "unknown",
    "mother 07700 900456",
];

fn address() -> BoxedStrategy<SubmittedAddress> {
    (
        one_of(&["home", "temp", "old", "billing"]),
        some_of(LINES),
        one_of(&["Leeds", "York", "LEEDS LS1 4AP"]),
        one_of(&["LS1 4AP", "lsi4ap", "ZZ99 3VZ", "YO1", "nonsense"]),
        one_of(&["10023456789", "0", "12x"]),
        one_of(&["2020-01-01"]),
    )
        .prop_map(
            |(address_use, lines, town, postcode, uprn, to)| SubmittedAddress {
                address_use,
                lines,
                town,
                postcode,
                uprn,
                from: None,
                to,
            },
        )
        .boxed()
}

prop_compose! {
    fn who()(
        (title, birth_order, birth_date_estimated) in
            (one_of(&["Mr", "Baby", "Dr"]), one_of(&["1", "2", "twin 2"]), any::<Option<bool>>()),
        (given_names, family_name, birth_date, effective_at) in
            (some_of(GIVEN), one_of(FAMILY), one_of(DATES), one_of(&["2024-05-01", "1979", "soon"])),
        aliases in prop::collection::vec((some_of(GIVEN), one_of(FAMILY), one_of(&["maiden", "old", "nickname"])), 0..2),
        (gender, birth_sex) in (one_of(&["1", "F", "female", "X", "9"]), one_of(&["M", "2"])),
    ) -> SubmittedRecord {
        let aliases = aliases.into_iter().map(|(given_names, family_name, name_use)| {
            SubmittedName { given_names, family_name, name_use }
        });
        SubmittedRecord {
            title, birth_order, birth_date_estimated, given_names, family_name, birth_date,
            effective_at, aliases: aliases.collect(), gender, birth_sex,
            ..SubmittedRecord::default()
        }
    }
}

prop_compose! {
    fn row()(
        who in who().boxed(),
        (nhs_number, nhs_number_status) in
            (one_of(&["9990000018", "999 000 0026", "9999999999", "1234567890"]), one_of(&["01", "04", "7"])),
        addresses in prop::collection::vec(address(), 0..2),
        (phones, emails) in (some_of(PHONES), some_of(&["a.b@example.org", "A.B@EXAMPLE.ORG", "reception@x.nhs.uk", "none"])),
        identifier in prop::option::of((one_of(&["urn:hospital", "birth-date-text"]), select(&["A 1", "a1", "0", "UNKNOWN"][..]))),
        gp_practice in one_of(&["B83001", "b83001", "V81999"]),
    ) -> SubmittedRecord {
        let other_identifiers = identifier.into_iter().map(|(system, value)| {
            SubmittedIdentifier { system, value: value.to_owned() }
        });
        SubmittedRecord {
            nhs_number, nhs_number_status, addresses, phones, emails, gp_practice,
            other_identifiers: other_identifiers.collect(),
            ..who
        }
    }
}

/// What whole files keep of a record.
fn kept(alone: StandardRecord) -> StandardRecord {
    StandardRecord {
        nhs_number: alone.nhs_number,
        names: alone.names,
        birth_date: alone.birth_date,
        gender: alone.gender,
        birth_sex: alone.birth_sex,
        addresses: alone.addresses,
        phones: alone.phones,
        emails: alone.emails,
        identifiers: alone.identifiers,
        birth_order: alone.birth_order,
        newborn_placeholder: alone.newborn_placeholder,
        unborn: alone.unborn,
        gp_practice: alone.gp_practice,
        ..StandardRecord::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_record_read_among_others_says_what_it_says_alone(
        files in prop::collection::vec(prop::collection::vec(row().boxed(), 1..12), 1..4),
        generic in any::<bool>(),
        january in any::<bool>(),
    ) {
        let options = StandardiseOptions {
            profile: if generic { Profile::Generic } else { Profile::UkCare },
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::parse("2026-11-28").expect("a date"),
            test_numbers_are_real: true,
            first_of_january_is_default: january,
        };
        let mut records = BulkRecords::default();
        for rows in &files {
            let place = records.len();
            let rows = rows.iter().zip(place..).map(|(record, place)| SentRow {
                record_id: format!("{place:06}"),
                source: String::new(),
                record: record.clone(),
            });
            records.take(rows.collect(), &options);
        }
        prop_assert!(records.seal().is_empty());
        for (place, sent) in (0..).zip(files.iter().flatten()) {
            let together = records.standard(place);
            let alone = kept(standardise(sent, &options).0);
            prop_assert!(
                together == alone,
                "record {place}: {}", serde_json::to_string(sent).unwrap_or_default()
            );
        }
    }
}
