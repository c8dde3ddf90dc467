//! Values that stand for nothing, of one source among two; what people share stays.

use super::{Junk, JunkKind};
use crate::bulk::{BulkRecords, SentRow};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardiseOptions, SubmittedAddress, SubmittedRecord,
};

fn options() -> StandardiseOptions {
    StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::parse("2026-11-28").expect("a date"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    }
}

/// A person of a name and a birthday like nobody else's.
fn person(number: usize) -> SubmittedRecord {
    let letter = |place: usize| char::from(b'a' + u8::try_from(place % 26).expect("a letter"));
    SubmittedRecord {
        given_names: vec![format!("Given{}", letter(number / 3))],
        family_name: Some(format!("{}ame{}", letter(number), letter(number / 26))),
        birth_date: Some(format!(
            "{}-{:02}-{:02}",
            1930 + number % 70,
            2 + number % 11,
            2 + number % 27
        )),
        phones: vec![format!("0113 4960{:03}", number % 1_000)],
        addresses: vec![SubmittedAddress {
            lines: vec![format!("{} High Street", number + 1)],
            postcode: Some(format!("LS{} {}AB", 1 + number % 19, number % 10)),
            ..SubmittedAddress::default()
        }],
        ..SubmittedRecord::default()
    }
}

fn taken(rows: Vec<(&str, SubmittedRecord)>) -> BulkRecords {
    let mut records = BulkRecords::default();
    let rows = rows.into_iter().enumerate();
    let rows = rows.map(|(number, (source, record))| SentRow {
        record_id: format!("{number:06}"),
        source: source.to_owned(),
        record,
    });
    records.take(rows.collect(), &options());
    assert!(records.seal().is_empty());
    records
}

fn told(kind: JunkKind, records: usize) -> Vec<Junk> {
    vec![Junk {
        source: "pas".to_owned(),
        kind,
        values: 1,
        records,
    }]
}

/// 600 people in each of two sources; some of one of them say something else.
fn two_sources(change: impl Fn(usize, &mut SubmittedRecord)) -> BulkRecords {
    let one = (0..600).map(|number| {
        let mut record = person(number);
        change(number, &mut record);
        ("pas", record)
    });
    taken(one.chain((0..600).map(|it| ("gp", person(it)))).collect())
}

#[test]
fn what_people_share_by_chance_and_in_households_is_kept() {
    let family = |number: usize, record: &mut SubmittedRecord| {
        if number < 40 {
            // Eight of one name and house, again and again.
            record.family_name = Some("Applethwaite".to_owned());
            record.phones = vec!["0113 496 0999".to_owned()];
            record.birth_date = Some(format!("19{}-05-12", 60 + number % 8));
        }
    };
    assert_eq!(two_sources(family).set_aside_junk(Profile::UkCare), []);
}

#[test]
fn r51_a_date_that_a_source_writes_where_it_knows_none_is_absent_there_alone() {
    let default = |number: usize, record: &mut SubmittedRecord| {
        if number.is_multiple_of(20) {
            record.birth_date = Some("1950-06-15".to_owned());
        }
    };
    let mut records = two_sources(default);
    let other = records.find("000600").expect("of the other source") as usize;
    records.facts[other].birth_date = records.facts[0].birth_date;
    assert_eq!(
        records.set_aside_junk(Profile::UkCare),
        told(JunkKind::Date, 30)
    );
    assert!(records.facts[0].birth_date.is_none() && records.facts[20].birth_date.is_none());
    assert!(records.facts[1].birth_date.is_some());
    assert!(
        records.facts[other].birth_date.is_some(),
        "another source means it"
    );
}

#[test]
fn r52_a_source_with_too_many_birthdays_on_new_year_knows_their_years() {
    let guessed = |number: usize, record: &mut SubmittedRecord| {
        if number.is_multiple_of(15) {
            record.birth_date = Some(format!("{}-01-01", 1930 + number / 15 % 2));
        }
    };
    assert_eq!(two_sources(guessed).set_aside_junk(Profile::Generic), []);
    let mut records = two_sources(guessed);
    let told_of = records.set_aside_junk(Profile::UkCare);
    assert_eq!(told_of.len(), 1);
    assert_eq!(
        (told_of[0].kind, told_of[0].records),
        (JunkKind::FirstOfJanuary, 40)
    );
    let birth = records.facts[15].birth_date.expect("a year");
    assert!(birth.year_only && birth.date.year() == 1931);
    assert!(!records.facts[1].birth_date.expect("a date").year_only);
}

#[test]
fn r70_the_phone_of_a_house_of_strangers_is_nobodys() {
    let shared = |number: usize, record: &mut SubmittedRecord| {
        if number.is_multiple_of(30) {
            record.phones.push("0113 496 0999".to_owned());
        }
    };
    let mut records = two_sources(shared);
    assert_eq!(
        records.set_aside_junk(Profile::UkCare),
        told(JunkKind::Phone, 20)
    );
    // Their own are kept, and are the same list as that of others who have it alone.
    let (one, other) = (records.facts[30].phones, records.facts[630].phones);
    assert_eq!(records.phones.at(one).len(), 1);
    assert_eq!(one, other);
}

#[test]
fn r65_the_postcode_of_an_institution_is_absent_and_the_street_is_kept() {
    let placed = |number: usize, record: &mut SubmittedRecord| {
        if number.is_multiple_of(5) {
            record.addresses[0].postcode = Some("B15 2TH".to_owned());
        }
    };
    let mut records = two_sources(placed);
    assert_eq!(
        records.set_aside_junk(Profile::UkCare),
        told(JunkKind::Postcode, 120)
    );
    let address = &records.addresses.at(records.facts[5].addresses)[0];
    assert!(address.postcode.is_none() && !address.street.is_empty());
    let other = &records.addresses.at(records.facts[6].addresses)[0];
    assert!(other.postcode.is_some());
}

#[test]
fn the_order_of_rows_changes_nothing_of_what_is_set_aside() {
    let rows = || {
        let rows = (0..600).map(|number| {
            let mut record = person(number);
            if number.is_multiple_of(20) {
                record.birth_date = Some("1950-06-15".to_owned());
            }
            if number % 20 == 7 {
                record.phones = vec!["0113 496 0999".to_owned()];
            }
            ("pas", record)
        });
        rows.collect::<Vec<_>>()
    };
    let mut turned = rows();
    turned.reverse();
    let (one, two) = (
        taken(rows()).set_aside_junk(Profile::UkCare),
        taken(turned).set_aside_junk(Profile::UkCare),
    );
    assert_eq!(one.len(), 2);
    assert_eq!(one, two);
}
