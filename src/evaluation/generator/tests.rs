//! The region as a whole: determinism, truth, numbers, and that proportions
//! stay near what is published.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn region(persons: usize, seed: u64) -> Region {
    generate(&Population::default_region(), persons, seed)
}

fn bytes(region: &Region) -> (Vec<u8>, Vec<u8>) {
    let (mut records, mut truth) = (Vec::new(), Vec::new());
    let written = region
        .write(&mut records, &mut truth)
        .expect("memory can be written");
    assert!(written.records >= written.persons);
    (records, truth)
}

fn by_person(records: &[GeneratedRecord]) -> BTreeMap<&str, Vec<&GeneratedRecord>> {
    let mut people: BTreeMap<&str, Vec<&GeneratedRecord>> = BTreeMap::new();
    for record in records {
        people.entry(&record.person_id).or_default().push(record);
    }
    people
}

/// Share of pairs of one person's records, where both have a value, that agree.
fn agreement(records: &[GeneratedRecord], value: impl Fn(&GeneratedRecord) -> String) -> f64 {
    let (mut same, mut all) = (0, 0);
    for group in by_person(records).values() {
        for (at, a) in group.iter().enumerate() {
            for b in &group[at + 1..] {
                let (a, b) = (value(a), value(b));
                if !a.is_empty() && !b.is_empty() {
                    all += 1;
                    same += usize::from(a == b);
                }
            }
        }
    }
    same as f64 / f64::from(all)
}

fn iso(date: &str) -> String {
    match date.split('/').collect::<Vec<_>>()[..] {
        [day, month, year] => format!("{year}-{month}-{day}"),
        _ => date.to_owned(),
    }
}

fn joined(text: &str) -> String {
    text.replace(' ', "")
}

#[test]
fn what_groups_people_are_of_is_told_beside_the_records_and_goes_with_the_home() {
    let region = region(6_000, 7);
    let records: Vec<GeneratedRecord> = region.records().collect();
    let mut of_postcode: BTreeMap<String, BTreeMap<Option<u8>, usize>> = BTreeMap::new();
    let mut fifths: BTreeMap<Option<u8>, usize> = BTreeMap::new();
    for record in &records {
        *fifths.entry(record.deprivation).or_default() += 1;
        assert!(!record.ethnicity.is_empty());
        if record.postcode.is_empty() || record.postcode.starts_with("ZZ99") {
            continue;
        }
        let of = of_postcode.entry(joined(&record.postcode)).or_default();
        *of.entry(record.deprivation).or_default() += 1;
    }
    // Most records have the postcode of the home that they are of.
    let most = of_postcode.values().filter_map(|of| of.values().max());
    let (most, all): (usize, usize) = (
        most.sum(),
        of_postcode.values().flat_map(BTreeMap::values).sum(),
    );
    assert!(most * 10 > all * 9, "{most} of {all}");
    assert_eq!(fifths.keys().flatten().count(), 5, "{fifths:?}");
    assert!(fifths.contains_key(&None), "some have no abode: {fifths:?}");

    let (mut first, mut again) = (Vec::new(), Vec::new());
    for groups in [&mut first, &mut again] {
        let sink = std::io::sink;
        region
            .write_with_groups(sink(), sink(), groups)
            .expect("memory can be written");
    }
    assert!(first.starts_with(b"record_id,ethnicity,deprivation\n"));
    assert_eq!(first, again);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let one = bytes(&region(700, 1));
    assert_eq!(one, bytes(&region(700, 1)));
    assert_ne!(one.0, bytes(&region(700, 2)).0);
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be started")
            .install(|| bytes(&region(1_500, 5)))
    };
    assert!(on(1) == on(2) && on(2) == on(5));
}

#[test]
fn truth_covers_every_record_and_every_person() {
    let region = region(1_234, 3);
    let (records, truth) = bytes(&region);
    let column = |bytes: &[u8], at: usize| -> Vec<String> {
        let mut reader = csv::Reader::from_reader(bytes);
        let rows = reader
            .records()
            .map(|row| row.expect("a row").get(at).unwrap_or("").to_owned());
        rows.collect()
    };
    let ids = column(&records, 0);
    assert_eq!(ids, column(&truth, 0));
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        ids.len(),
        "ids are unique"
    );
    let people: BTreeSet<String> = column(&truth, 1).into_iter().collect();
    let now = people.iter().filter(|id| !id.ends_with("-before"));
    assert!(
        people
            .iter()
            .map(|id| id.trim_end_matches("-before"))
            .collect::<BTreeSet<_>>()
            .len()
            == 1_234
            && now.count() > 1_225
    );
    assert_eq!(region.persons(), 1_234);
    let mut sources: BTreeSet<String> = column(&records, 1).into_iter().collect();
    for source in region.sources() {
        assert!(
            sources.remove(&source.code),
            "{} has no records",
            source.code
        );
    }
    assert!(sources.is_empty());
}

#[test]
fn a_region_of_nobody_is_a_header() {
    let (records, _) = bytes(&region(0, 3));
    assert_eq!(
        String::from_utf8(records).expect("text"),
        "record_id,source,nhs_number,nhs_number_status,title,given_name,middle_name,family_name,\
         previous_family_name,date_of_birth,gender,address_line,town,postcode,phone,email,\
         birth_order,date_of_death,effective_at\n"
    );
    assert_eq!(
        region(1, 3).records().map(|record| record.person_id).max(),
        Some("P00000001".into())
    );
}

#[test]
fn verified_numbers_are_valid_and_in_the_test_range() {
    let records: Vec<GeneratedRecord> = region(3_000, 8).records().collect();
    let verified = records
        .iter()
        .filter(|record| record.nhs_number_status == "01");
    let mut owners: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for record in verified {
        let number = joined(&record.nhs_number);
        assert!(number.len() == 10 && number.starts_with('9'), "{number}");
        let (nine, check) = number.split_at(9);
        let check = check.parse().expect("a digit");
        assert_eq!(
            numbers::check_digit(nine.parse().expect("digits")),
            Some(check),
            "{number}"
        );
        owners.entry(number).or_default().insert(&record.person_id);
    }
    let confused = owners.values().filter(|people| people.len() > 1).count();
    assert!(
        confused > 0 && confused < owners.len() / 100,
        "{confused} of {}",
        owners.len()
    );
}

#[test]
fn twins_share_all_but_their_names_and_numbers() {
    let records: Vec<GeneratedRecord> = region(12_000, 4).records().collect();
    let mut twins: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for record in records
        .iter()
        .filter(|record| !record.birth_order.is_empty())
    {
        let key = (iso(&record.date_of_birth), joined(&record.postcode));
        twins.entry(key).or_default().insert(&record.person_id);
    }
    let pairs = twins.values().filter(|people| people.len() == 2).count();
    assert!(pairs >= 10, "{pairs} pairs of twins");
    let placeholder = |record: &&GeneratedRecord| {
        let name = record.given_name.to_lowercase();
        name.starts_with("baby") || name.starts_with("twin")
    };
    assert!(records.iter().filter(placeholder).count() > 5);
}

#[test]
fn people_marry_move_die_and_are_named_after_parents() {
    let records: Vec<GeneratedRecord> = region(6_000, 11).records().collect();
    let people = by_person(&records);
    let tells_apart = |value: fn(&GeneratedRecord) -> &str| {
        let differs = |rows: &&Vec<&GeneratedRecord>| {
            rows.iter()
                .map(|row| joined(value(row)).to_uppercase())
                .collect::<BTreeSet<_>>()
                .len()
                > 1
        };
        people.values().filter(differs).count()
    };
    assert!(tells_apart(|row| &row.postcode) > 1_000);
    assert!(tells_apart(|row| &row.family_name) > 200);
    assert!(
        records
            .iter()
            .filter(|row| !row.previous_family_name.is_empty())
            .count()
            > 100
    );
    assert!(
        records
            .iter()
            .filter(|row| !row.date_of_death.is_empty())
            .count()
            > 100
    );
    assert!(records.iter().any(|row| joined(&row.postcode) == "ZZ993VZ"));
    let mut same_name: BTreeMap<(&str, &str, String), BTreeSet<String>> = BTreeMap::new();
    for row in records.iter().filter(|row| row.source.starts_with("GP-")) {
        let key = (
            row.given_name.as_str(),
            row.family_name.as_str(),
            joined(&row.postcode),
        );
        same_name
            .entry(key)
            .or_default()
            .insert(row.date_of_birth[..4.min(row.date_of_birth.len())].to_owned());
    }
    let two_generations = |years: &&BTreeSet<String>| {
        let years: Vec<i32> = years.iter().filter_map(|year| year.parse().ok()).collect();
        years
            .iter()
            .max()
            .zip(years.iter().min())
            .is_some_and(|(max, min)| max - min >= 18)
    };
    assert!(same_name.values().filter(two_generations).count() > 5);
}

#[test]
fn an_adopted_child_has_another_identity_which_shows_nothing_of_the_one_before() {
    let often = "based_on = \"region\"\n[life]\nadopted = 0.5\ngender_changed = 0.0";
    let population = Population::parse(often).expect("a population");
    let records: Vec<GeneratedRecord> = generate(&population, 3_000, 4).records().collect();
    let people = by_person(&records);
    let mut both = 0;
    for (before, old) in people.iter().filter(|(id, _)| id.ends_with("-before")) {
        let Some(new) = people.get(before.trim_end_matches("-before")) else {
            continue;
        };
        both += 1;
        let numbers = |rows: &[&GeneratedRecord]| -> BTreeSet<String> {
            let verified = rows.iter().filter(|row| row.nhs_number_status == "01");
            verified.map(|row| joined(&row.nhs_number)).collect()
        };
        // But for the few whose number is a relative's.
        let shared = numbers(old).intersection(&numbers(new)).count();
        assert_eq!(shared, 0, "{before}");
        for row in new {
            assert!(
                old.iter().all(|old| row.previous_family_name.is_empty()
                    || row.previous_family_name.to_uppercase() != old.family_name.to_uppercase()),
                "{before}"
            );
        }
    }
    assert!(
        both > 50,
        "{both} children are known from before and from after"
    );
    // The throws are their own: without adoptions the others are the same.
    let never = often.replace("0.5", "0.0");
    let never = Population::parse(&never).expect("a population");
    let others: Vec<GeneratedRecord> = generate(&never, 3_000, 4).records().collect();
    let old = |record: &&GeneratedRecord| {
        iso(&record.date_of_birth).as_str() < "2000" && record.source == "RXE"
    };
    let ids = |records: &[GeneratedRecord]| -> BTreeSet<String> {
        let grown = records.iter().filter(old);
        grown.map(|record| record.record_id.clone()).collect()
    };
    assert!(ids(&records).intersection(&ids(&others)).count() > ids(&others).len() / 2);
}

#[test]
fn regions_differ_in_who_lives_there() {
    let share = |name: &str, of: fn(&GeneratedRecord) -> bool| {
        let text = Population::built_in(name).expect("it comes with the program");
        let population = Population::parse(text).expect("it is valid");
        let records: Vec<GeneratedRecord> = generate(&population, 3_000, 7).records().collect();
        records.iter().filter(|record| of(record)).count() as f64 / records.len() as f64
    };
    let born_before_1956 = |record: &GeneratedRecord| matches!(iso(&record.date_of_birth).get(..4), Some(year) if year > "1900" && year < "1956");
    // English lists hold common surnames of everybody, given names less so.
    let mohammed = |record: &GeneratedRecord| {
        let given = record.given_name.to_lowercase();
        given.starts_with("moham") || given.starts_with("muham")
    };
    let (city, coast) = (share("city", mohammed), share("coast", mohammed));
    assert!(city > 2.0 * coast, "{city} and {coast}");
    assert!(share("coast", born_before_1956) > share("city", born_before_1956));
}

#[test]
fn nothing_could_reach_anybody_real() {
    for record in region(2_000, 6).records() {
        let phone: String = record.phone.replace("+44", "0").replace("(0)", "");
        let phone: String = phone.chars().filter(char::is_ascii_digit).collect();
        let phone = phone.replacen("00", "0", usize::from(phone.starts_with("00")));
        assert!(
            phone.is_empty() || phone.starts_with("077009") || phone.starts_with("016329"),
            "{phone}"
        );
        let host = record.email.rsplit('@').next().unwrap_or("");
        assert!(
            ["", "example.org", "example.com", "example.net"]
                .iter()
                .any(|end| {
                    host == *end || (!end.is_empty() && host.ends_with(&format!(".{end}")))
                })
        );
    }
}

#[test]
fn proportions_stay_near_the_published_ones() {
    let records: Vec<GeneratedRecord> = region(20_000, 20_26).records().collect();
    let per_person = records.len() as f64 / 20_000.0;
    assert!(
        (2.7..3.3).contains(&per_person),
        "{per_person} records a person"
    );
    let numbered = records
        .iter()
        .filter(|record| !record.nhs_number.is_empty())
        .count();
    let numbered = numbered as f64 / records.len() as f64;
    assert!((0.90..0.97).contains(&numbered), "{numbered} with a number");
    // uk-identity 4.1 and 2.5: HAR17, CRATE.
    let birth = agreement(&records, |record| iso(&record.date_of_birth));
    assert!((0.975..0.992).contains(&birth), "{birth} birth dates agree");
    let postcode = agreement(&records, |record| joined(&record.postcode));
    assert!(
        (0.66..0.78).contains(&postcode),
        "{postcode} postcodes agree"
    );
    let given = agreement(&records, |record| record.given_name.to_uppercase());
    assert!((0.90..0.97).contains(&given), "{given} given names agree");
    let family = agreement(&records, |record| record.family_name.to_uppercase());
    assert!(
        (0.92..0.98).contains(&family),
        "{family} family names agree"
    );
    let mut in_source = BTreeSet::new();
    let again = records
        .iter()
        .filter(|row| !in_source.insert((&row.source, &row.person_id)));
    let again = again.count() as f64 / records.len() as f64;
    assert!(
        (0.01..0.04).contains(&again),
        "{again} duplicates within a source"
    );
}
