//! Golden records of made-up versions.

use proptest::prelude::*;

use super::{Chosen, GoldenRecord, GoldenValue, Lost, NumberFacts, Preferred, golden_record};
use crate::foundation::Instant;
use crate::identity::{
    NhsNumber, NumberStatus, Profile, StandardDate, StandardiseOptions, SubmittedAddress,
    SubmittedRecord,
};
use crate::registry::{Contribution, GoldenField, LocalId, Origin, SourceCode, Survivorship};

fn options() -> StandardiseOptions {
    StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::parse("2026-11-22").expect("a date"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    }
}

fn said(source: &str, local_id: &str, trust: u8, json: serde_json::Value) -> Contribution {
    let submitted: SubmittedRecord = serde_json::from_value(json).expect("a record");
    let origin = Origin {
        source: SourceCode::parse(source).expect("a source"),
        local_id: LocalId::parse(local_id).expect("a local id"),
        version: 1,
        effective_at: submitted.effective_at.as_deref().and_then(Instant::parse),
        received_at: Instant::from_microseconds(i64::from(trust)),
    };
    Contribution::read(origin, trust, submitted, &options())
}

fn made(contributions: &[Contribution]) -> GoldenRecord {
    made_with(contributions, &[], &NumberFacts::default())
}

fn made_with(
    contributions: &[Contribution],
    preferred: &[Preferred],
    numbers: &NumberFacts,
) -> GoldenRecord {
    golden_record(contributions, preferred, numbers, &Survivorship::default())
}

fn value(golden: &GoldenRecord, field: GoldenField) -> &GoldenValue {
    let found = golden.values.iter().find(|value| value.field == field);
    found.expect("a field of which something is said")
}

fn source(value: &GoldenValue) -> Option<&str> {
    value.origin.as_ref().map(|origin| origin.source.as_str())
}

#[test]
fn the_trusted_source_wins_and_the_other_is_told_why_not() {
    let golden = made(&[
        said(
            "pas",
            "1",
            40,
            serde_json::json!({"family_name": "Ahmed", "given_names": ["Sara"]}),
        ),
        said(
            "gp",
            "1",
            80,
            serde_json::json!({"family_name": "Jones", "given_names": ["Sarah"]}),
        ),
    ]);
    let name = value(&golden, GoldenField::Name);
    assert_eq!((source(name), name.chosen), (Some("gp"), Chosen::Trust));
    assert_eq!(name.value.family_name.as_deref(), Some("Jones"));
    assert_eq!(name.lost[0].because, Lost::Trust);
    assert_eq!(name.lost[0].value.family_name.as_deref(), Some("Ahmed"));
}

#[test]
fn of_equally_trusted_sources_the_latest_wins_and_no_date_is_the_oldest() {
    let dated = |id: &str, at: &str, town: &str| {
        let address = serde_json::json!({"lines": ["12 High Street"], "town": town});
        said(
            "pas",
            id,
            50,
            serde_json::json!({"addresses": [address], "effective_at": at}),
        )
    };
    let undated = said(
        "gp",
        "1",
        50,
        serde_json::json!({"addresses": [{"lines": ["9 Elm Road"], "town": "York"}]}),
    );
    let golden = made(&[
        dated("2", "2021-01-01T00:00:00Z", "Leeds"),
        undated,
        dated("1", "2023-01-01T00:00:00Z", "Bradford"),
    ]);
    let address = value(&golden, GoldenField::Address);
    assert_eq!(address.chosen, Chosen::Recency);
    let town = |address: &SubmittedAddress| address.town.clone();
    assert_eq!(
        address.value.addresses.iter().map(town).next(),
        Some(Some("Bradford".into()))
    );
    assert!(
        address
            .lost
            .iter()
            .all(|lost| lost.because == Lost::Recency)
    );
}

#[test]
fn placeholders_and_defaults_lose_whoever_sends_them() {
    let golden = made(&[
        said(
            "gp",
            "1",
            100,
            serde_json::json!({
                "given_names": ["Unknown"], "family_name": "Unknown", "birth_date": "1900-01-01",
                "phones": ["07777777777"], "nhs_number": "9999999999",
                "addresses": [{"lines": ["No fixed abode"], "postcode": "ZZ99 3VZ"}]
            }),
        ),
        said(
            "ed",
            "1",
            1,
            serde_json::json!({
                "given_names": ["Grace"], "family_name": "Turner", "birth_date": "1957-11-06",
                "phones": ["07700 900123"], "nhs_number": "9990000018",
                "addresses": [{"lines": ["12 High Street"], "town": "Leeds"}]
            }),
        ),
    ]);
    for field in [
        GoldenField::NhsNumber,
        GoldenField::Name,
        GoldenField::BirthDate,
        GoldenField::Phones,
        GoldenField::Address,
    ] {
        let value = value(&golden, field);
        assert_eq!(source(value), Some("ed"), "{field:?}");
        assert_eq!(value.lost[0].because, Lost::NotUsable, "{field:?}");
    }
}

#[test]
fn a_value_that_cannot_be_used_is_shown_as_such_and_not_as_a_value() {
    let golden = made(&[said(
        "gp",
        "1",
        50,
        serde_json::json!({"birth_date": "1900-01-01"}),
    )]);
    let birth = value(&golden, GoldenField::BirthDate);
    assert_eq!(birth.chosen, Chosen::NothingUsable);
    assert_eq!(birth.origin, None);
    assert_eq!(birth.value, SubmittedRecord::default());
}

fn numbered(source: &str, trust: u8, number: &str, status: &str) -> Contribution {
    let json = serde_json::json!({"nhs_number": number, "nhs_number_status": status});
    said(source, "1", trust, json)
}

#[test]
fn r12_a_verified_number_beats_a_trusted_source() {
    let golden = made(&[
        numbered("gp", 100, "9990000018", "02"),
        numbered("pas", 1, "9990000026", "01"),
    ]);
    let number = value(&golden, GoldenField::NhsNumber);
    assert_eq!(number.value.nhs_number.as_deref(), Some("9990000026"));
    assert_eq!(number.lost[0].because, Lost::Status);
}

#[test]
fn r20_of_two_verified_numbers_none_is_chosen_in_silence() {
    let golden = made(&[
        numbered("gp", 100, "9990000018", "01"),
        numbered("pas", 1, "9990000026", "01"),
    ]);
    let number = value(&golden, GoldenField::NhsNumber);
    assert_eq!(
        (&number.origin, number.chosen),
        (&None, Chosen::UnderInvestigation)
    );
    assert_eq!(number.lost.len(), 2);
}

#[test]
fn r19_a_confused_number_is_nobodys() {
    let facts = NumberFacts {
        confused: true,
        ..NumberFacts::default()
    };
    let golden = made_with(&[numbered("gp", 50, "9990000018", "01")], &[], &facts);
    assert_eq!(
        value(&golden, GoldenField::NhsNumber).chosen,
        Chosen::UnderInvestigation
    );
}

#[test]
fn r16_r17_r27_a_superseded_number_shows_the_one_that_stands_and_what_was_sent() {
    let number = |text| NhsNumber::parse(text).expect("a number");
    let (old, new) = (number("9990000018"), number("9990000034"));
    let facts = NumberFacts {
        replaced: [(old, Some(new))].into(),
        confused: false,
    };
    let records = [
        numbered("gp", 100, "9990000018", "01"),
        numbered("pas", 1, "9990000034", "01"),
    ];
    let golden = made_with(&records, &[], &facts);
    let both = value(&golden, GoldenField::NhsNumber);
    assert_eq!(both.value.nhs_number.as_deref(), Some("9990000034"));
    assert_eq!((source(both), both.raw_number), (Some("pas"), None));

    let golden = made_with(&records[..1], &[], &facts);
    let alone = value(&golden, GoldenField::NhsNumber);
    assert_eq!(alone.value.nhs_number.as_deref(), Some("9990000034"));
    assert_eq!((source(alone), alone.raw_number), (Some("gp"), Some(old)));

    let unknown = NumberFacts {
        replaced: [(old, None)].into(),
        confused: false,
    };
    let golden = made_with(&records[..1], &[], &unknown);
    let none = value(&golden, GoldenField::NhsNumber);
    assert_eq!(none.origin, None);
    assert_eq!(none.lost[0].because, Lost::Superseded);
}

#[test]
fn r3_a_number_of_an_unknown_range_is_not_shown_as_an_nhs_number() {
    let golden = made(&[numbered("pas", 50, "0123456789", "01")]);
    let number = value(&golden, GoldenField::NhsNumber);
    assert_eq!(number.chosen, Chosen::NothingUsable);
    let golden = made(&[
        numbered("gp", 10, "9990000018", "02"),
        numbered("pas", 50, "0123456789", "01"),
    ]);
    let number = value(&golden, GoldenField::NhsNumber);
    assert_eq!(number.value.nhs_number.as_deref(), Some("9990000018"));
    assert_eq!(number.lost[0].because, Lost::NotUsable);
}

#[test]
fn r56_a_death_before_the_birth_is_not_shown() {
    let golden = made(&[
        said(
            "gp",
            "1",
            90,
            serde_json::json!({"birth_date": "1980-05-12"}),
        ),
        said(
            "pas",
            "1",
            10,
            serde_json::json!({"death_date": "1970-01-02", "death_status": "2"}),
        ),
    ]);
    let death = value(&golden, GoldenField::Death);
    assert_eq!(death.origin, None);
    assert_eq!(death.lost[0].because, Lost::DeathBeforeBirth);
}

#[test]
fn a_preference_beats_the_rules_until_it_says_nothing_usable() {
    let records = [
        said(
            "gp",
            "1",
            90,
            serde_json::json!({"family_name": "Jones", "given_names": ["Ann"]}),
        ),
        said(
            "pas",
            "1",
            10,
            serde_json::json!({"family_name": "Ahmed", "given_names": ["Ann"]}),
        ),
    ];
    let preferring = |contribution: &Contribution| Preferred {
        field: GoldenField::Name,
        contribution: contribution.clone(),
        by: "steward".to_owned(),
        at: Instant::from_microseconds(5),
    };
    let none = NumberFacts::default();
    let golden = made_with(&records, &[preferring(&records[1])], &none);
    let name = value(&golden, GoldenField::Name);
    assert_eq!(
        (source(name), name.chosen),
        (Some("pas"), Chosen::Preferred)
    );
    assert_eq!(name.lost[0].because, Lost::Preferred);

    let nameless = said("ed", "1", 10, serde_json::json!({"family_name": "Unknown"}));
    let golden = made_with(&records, &[preferring(&nameless)], &none);
    assert_eq!(value(&golden, GoldenField::Name).chosen, Chosen::Trust);
}

#[test]
fn every_reason_is_a_sentence_of_plain_english() {
    let golden = made(&[
        said(
            "gp",
            "1",
            50,
            serde_json::json!({"birth_date": "1980-05-12", "gender": "F"}),
        ),
        said(
            "pas",
            "1",
            50,
            serde_json::json!({"birth_date": "1981-05-12", "gender": "F"}),
        ),
    ]);
    assert_eq!(value(&golden, GoldenField::Gender).chosen, Chosen::AllAgree);
    let birth = value(&golden, GoldenField::BirthDate);
    assert_eq!(birth.chosen, Chosen::SourceOrder);
    assert_eq!(source(birth), Some("gp"));
    for value in &golden.values {
        assert!(value.chosen.sentence().ends_with('.'));
        assert!(
            value
                .lost
                .iter()
                .all(|lost| lost.because.sentence().ends_with('.'))
        );
    }
}

/// Records of one person with few distinct values, so that ties are common.
fn some_records() -> impl Strategy<Value = Vec<Contribution>> {
    let one = (
        0_usize..3,
        prop::sample::select(vec!["Jones", "Ahmed", "Unknown", "O'Brien"]),
        prop::sample::select(vec!["1980-05-12", "1980", "1900-01-01", "1980-12-05"]),
        prop::sample::select(vec!["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", ""]),
        prop::sample::select(vec!["9990000018", "9990000026", "9999999999"]),
        prop::sample::select(vec!["01", "02", "05"]),
        0_u8..3,
    );
    prop::collection::vec(one, 1..8).prop_map(|all| {
        let all = all.into_iter().enumerate();
        all.map(
            |(place, (source, family, birth, at, number, status, trust))| {
                let mut json = serde_json::json!({
                    "given_names": ["Ann"], "family_name": family, "birth_date": birth,
                    "nhs_number": number, "nhs_number_status": status,
                    "phones": ["07700 900123"],
                });
                if !at.is_empty() {
                    json["effective_at"] = at.into();
                }
                said(
                    ["gp", "pas", "ed"][source],
                    &format!("{place}"),
                    trust,
                    json,
                )
            },
        )
        .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn i6_a_hundred_shuffles_make_one_golden_record(
        records in some_records(),
        orders in prop::collection::vec(any::<u64>(), 100),
    ) {
        let golden = made(&records);
        for order in orders {
            let mut shuffled = records.clone();
            shuffled.sort_by_key(|contribution| {
                let place: u64 = contribution.origin.local_id.as_str().parse().unwrap_or(0);
                (place + 1).wrapping_mul(order | 1).rotate_left(17)
            });
            for (place, contribution) in shuffled.iter_mut().enumerate() {
                // When it came is shown, and decides nothing.
                contribution.origin.received_at = Instant::from_microseconds(place as i64);
            }
            let mut again = made(&shuffled);
            let came = |origin: &mut Origin| {
                let same = records.iter().find(|record| {
                    (&record.origin.source, &record.origin.local_id)
                        == (&origin.source, &origin.local_id)
                });
                origin.received_at = same.map_or(origin.received_at, |it| it.origin.received_at);
            };
            for value in &mut again.values {
                value.origin.iter_mut().for_each(came);
                value.lost.iter_mut().for_each(|lost| came(&mut lost.origin));
            }
            prop_assert!(again == golden);
        }
        for value in &golden.values {
            prop_assert!(value.chosen != Chosen::Preferred);
            prop_assert!(value.value.nhs_number.as_deref() != Some("9999999999"));
        }
    }
}
