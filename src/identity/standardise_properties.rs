//! Properties of standardising as a whole, over arbitrary text in every field.
//! Examples of single rules live beside the steps.

use proptest::prelude::*;

use crate::identity::standardise::test_support::options;
use crate::identity::{
    Profile, StandardRecord, StandardiseOptions, SubmittedAddress, SubmittedAssociatedPerson,
    SubmittedIdentifier, SubmittedMother, SubmittedName, SubmittedRecord, standardise,
};

/// Any Unicode at all, and texts close to what is expected. Boxed, because a
/// strategy of so many fields would not fit on a test's stack.
fn text() -> BoxedStrategy<String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,12}",
        "[0-9 /.-]{0,12}",
        "[0-9]{10}",
        "(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "[A-Z]{1,2}[0-9OI]{1,2} ?[0-9OI][A-Z]{2}",
        "(Flat |Unit )?[0-9]{1,2}[/-]?[0-9A]? (St|Elm|High) (Rd|Close|St)",
        "[+0][0-9 ()]{6,14}",
        "[a-z.]{1,6}@[a-z]{1,5}[.]org",
        prop::sample::select(vec![
            "",
            "UNKNOWN",
            "ZZ99 3VZ",
            "Baby",
            "Twin 2",
            "9999999999",
            "9990000018"
        ])
        .prop_map(str::to_owned),
    ]
    .boxed()
}

fn some_text() -> BoxedStrategy<Option<String>> {
    prop::option::weighted(0.8, text()).boxed()
}

fn texts() -> BoxedStrategy<Vec<String>> {
    prop::collection::vec(text(), 0..4).boxed()
}

fn address() -> BoxedStrategy<SubmittedAddress> {
    (
        some_text(),
        texts(),
        some_text(),
        some_text(),
        some_text(),
        some_text(),
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

fn naming() -> BoxedStrategy<SubmittedName> {
    (texts(), some_text(), some_text())
        .prop_map(|(given_names, family_name, name_use)| SubmittedName {
            given_names,
            family_name,
            name_use,
        })
        .boxed()
}

fn mother() -> BoxedStrategy<SubmittedMother> {
    (some_text(), some_text(), some_text())
        .prop_map(|(source, local_id, nhs_number)| SubmittedMother {
            source,
            local_id,
            nhs_number,
        })
        .boxed()
}

fn identifier() -> BoxedStrategy<SubmittedIdentifier> {
    (some_text(), text())
        .prop_map(|(system, value)| SubmittedIdentifier { system, value })
        .boxed()
}

prop_compose! {
    fn who_fields()(
        (nhs_number, nhs_number_status, replaces_nhs_number, title) in (some_text(), some_text(), some_text(), some_text()),
        usual in naming(),
        aliases in prop::collection::vec(naming(), 0..3),
        (birth_date, birth_date_estimated, birth_order) in (some_text(), any::<Option<bool>>(), some_text()),
        (gender, birth_sex, gender_identity) in (some_text(), some_text(), some_text()),
        other_identifiers in prop::collection::vec(identifier(), 0..3),
    ) -> SubmittedRecord {
        SubmittedRecord {
            nhs_number, nhs_number_status, replaces_nhs_number, title,
            given_names: usual.given_names, family_name: usual.family_name, aliases,
            birth_date, birth_date_estimated, birth_order, gender, birth_sex, gender_identity,
            other_identifiers,
            ..SubmittedRecord::default()
        }
    }
}

prop_compose! {
    fn submitted_fields()(
        who in who_fields().boxed(),
        (addresses, phones, emails) in (prop::collection::vec(address(), 0..3), texts(), texts()),
        (death_date, death_status, effective_at, gp_practice) in (some_text(), some_text(), some_text(), some_text()),
        mother in prop::option::of(mother()),
        kin in text(),
    ) -> SubmittedRecord {
        SubmittedRecord {
            addresses, phones, emails, death_date, death_status, effective_at, gp_practice, mother,
            associated_persons: vec![SubmittedAssociatedPerson { phone: Some(kin), ..SubmittedAssociatedPerson::default() }],
            ..who
        }
    }
}

fn submitted() -> BoxedStrategy<SubmittedRecord> {
    submitted_fields().boxed()
}

fn any_options() -> impl Strategy<Value = StandardiseOptions> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(generic, real, january)| {
        StandardiseOptions {
            profile: if generic {
                Profile::Generic
            } else {
                Profile::UkCare
            },
            test_numbers_are_real: real,
            first_of_january_is_default: january,
            ..options()
        }
    })
}

/// What a source would send that sends the standard texts.
fn resubmit(record: &StandardRecord) -> SubmittedRecord {
    SubmittedRecord {
        nhs_number: record.nhs_number.map(|claim| claim.number.digits()),
        nhs_number_status: record
            .nhs_number
            .map(|claim| claim.status.code().to_owned()),
        birth_date: record.birth_date.map(|birth| birth.date.to_iso()),
        birth_date_estimated: record.birth_date.map(|birth| birth.year_only),
        death_date: record.death_date.map(|date| date.to_iso()),
        addresses: record
            .addresses
            .iter()
            .filter_map(|address| address.postcode.as_ref())
            .map(|postcode| SubmittedAddress {
                postcode: Some(postcode.text()),
                ..SubmittedAddress::default()
            })
            .collect(),
        phones: record
            .phones
            .iter()
            .map(|phone| phone.as_str().to_owned())
            .collect(),
        emails: record
            .emails
            .iter()
            .map(|email| email.as_str().to_owned())
            .collect(),
        ..SubmittedRecord::default()
    }
}

proptest! {
    #[test]
    fn any_record_is_standardised_always_alike(sent in submitted(), options in any_options()) {
        let (record, findings) = standardise(&sent, &options);
        let (again, findings_again) = standardise(&sent, &options);
        prop_assert!(record == again);
        prop_assert_eq!(findings, findings_again);
    }

    #[test]
    fn the_standard_texts_are_standard_already(sent in submitted(), options in any_options()) {
        let (record, _) = standardise(&sent, &options);
        let (again, findings) = standardise(&resubmit(&record), &options);
        prop_assert!(again.nhs_number == record.nhs_number);
        prop_assert!(again.birth_date == record.birth_date);
        prop_assert!(again.death_date == record.death_date);
        prop_assert!(again.phones == record.phones);
        prop_assert!(again.emails == record.emails);
        let postcodes = |record: &StandardRecord| -> Vec<_> {
            let mut texts: Vec<_> = record.addresses.iter().filter_map(|address| address.postcode.clone()).collect();
            texts.sort();
            texts.dedup();
            texts
        };
        prop_assert!(postcodes(&again) == postcodes(&record), "{findings:?}");
    }

    #[test]
    fn a_finding_shows_nothing_of_the_record(sent in submitted(), options in any_options()) {
        let (_, findings) = standardise(&sent, &options);
        for finding in findings {
            prop_assert_eq!(finding.sentence.as_str(), finding.code.sentence());
            prop_assert!(finding.field.bytes().all(|byte| byte.is_ascii_lowercase() || b"_[].0123456789".contains(&byte)));
        }
    }

    #[test]
    fn the_number_of_an_associated_person_changes_nothing(sent in submitted()) {
        let alone = SubmittedRecord { associated_persons: Vec::new(), ..sent.clone() };
        prop_assert!(standardise(&sent, &options()).0 == standardise(&alone, &options()).0);
    }
}
