//! R120 without I/O: the minimum, what a record is found by, and that whatever
//! is verified is also retrieved.

use std::sync::Arc;

use super::{
    MatchedHow, SearchCriteria, SearchField, SearchMatch, SearchMode, SearchRequest,
    SearchedRecord, search_terms,
};
use crate::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedAddress,
    SubmittedName, SubmittedRecord, standardise,
};

fn standard(submitted: &SubmittedRecord) -> StandardRecord {
    let options = StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(11), Some(22)).expect("a day"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    };
    standardise(submitted, &options).0
}

fn named(given: &[&str], family: &str, born: &str) -> SubmittedRecord {
    SubmittedRecord {
        given_names: given.iter().map(|name| (*name).to_owned()).collect(),
        family_name: Some(family.to_owned()),
        birth_date: Some(born.to_owned()),
        ..SubmittedRecord::default()
    }
}

fn rosalind() -> SubmittedRecord {
    SubmittedRecord {
        nhs_number: Some("9990000018".to_owned()),
        gender: Some("female".to_owned()),
        aliases: vec![SubmittedName {
            family_name: Some("Thornwick".to_owned()),
            name_use: Some("maiden".to_owned()),
            ..SubmittedName::default()
        }],
        addresses: vec![SubmittedAddress {
            lines: vec!["12 Heron Close".to_owned()],
            postcode: Some("LS1 4AP".to_owned()),
            ..SubmittedAddress::default()
        }],
        phones: vec!["07700 900123".to_owned()],
        ..named(&["Rosalind", "Mary"], "Pemberton-Hall", "1975-04-03")
    }
}

fn asked(given: &[&str], family: &str, born: &str, mode: SearchMode) -> SearchRequest {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    SearchRequest {
        given_names: given.iter().map(|name| (*name).to_owned()).collect(),
        family_name: some(family),
        birth_date: some(born),
        mode,
        ..SearchRequest::default()
    }
}

fn read(request: &SearchRequest) -> SearchCriteria {
    SearchCriteria::read(request).unwrap_or_else(|problem| panic!("{problem:?}"))
}

/// Verifies one record, and that the index would have found it.
fn find(request: &SearchRequest, record: &SubmittedRecord) -> Option<SearchMatch> {
    let criteria = read(request);
    let current = standard(record);
    let terms = search_terms(&current);
    let found = criteria.verify(&[SearchedRecord {
        current: Arc::new(current),
        earlier: Vec::new(),
    }]);
    if found.is_some() {
        for group in criteria.plan().required {
            let holds = group.iter().any(|term| terms.binary_search(term).is_ok());
            assert!(holds, "verified and not retrieved");
        }
    }
    found
}

fn how(found: Option<&SearchMatch>, field: SearchField) -> Option<MatchedHow> {
    let matched = &found?.matched;
    matched
        .iter()
        .find(|met| met.field == field)
        .map(|met| met.how)
}

#[test]
fn r120_what_falls_short_is_refused_by_the_names_of_what_is_missing() {
    let cases: [(SearchRequest, &str, &[&str]); 8] = [
        (
            asked(&[], "Smith", "", SearchMode::Standard),
            "birth_date",
            &[],
        ),
        (
            asked(&["Ann"], "", "1975-04-03", SearchMode::Standard),
            "family_name",
            &[],
        ),
        (
            asked(&[], "Smith", "1975-04-03", SearchMode::Fuzzy),
            "given_names",
            &[],
        ),
        (
            asked(&[], "", "", SearchMode::Fuzzy),
            "given_names",
            &["family_name", "birth_date"],
        ),
        (
            asked(&[], "Smith", "1975", SearchMode::Standard),
            "given_names",
            &["gender", "postcode"],
        ),
        (
            asked(&["Ann"], "Smith", "1975", SearchMode::Fuzzy),
            "birth_date",
            &[],
        ),
        (
            asked(&["Ann"], "Smith", "1975", SearchMode::Exact),
            "birth_date",
            &[],
        ),
        (
            asked(&["Ann"], "Smith", "03/04/1975", SearchMode::Standard),
            "birth_date",
            &["YYYY"],
        ),
    ];
    for (request, member, named) in cases {
        let problem = SearchCriteria::read(&request).expect_err("it falls short");
        assert_eq!(problem.member, member, "{}", problem.detail);
        for name in named {
            assert!(problem.detail.contains(name), "{}", problem.detail);
        }
        assert!(!problem.detail.contains("Smith"), "{}", problem.detail);
    }
}

#[test]
fn r120_the_minimum_of_the_national_service_is_enough() {
    let full = |gender: bool, postcode: bool, request: SearchRequest| SearchRequest {
        gender: gender.then(|| "female".to_owned()),
        postcode: postcode.then(|| "LS1 4AP".to_owned()),
        ..request
    };
    let by_number = SearchRequest {
        nhs_number: Some("999 000 0018".to_owned()),
        ..SearchRequest::default()
    };
    let fuzzy = SearchMode::Fuzzy;
    for request in [
        asked(&[], "Smith", "1975-04-03", SearchMode::Standard),
        asked(&[], "Smith", "1975-04-03", SearchMode::Exact),
        asked(&["Ann"], "Smith", "1975-04-03", fuzzy),
        full(true, true, asked(&[], "Smith", "1975-04-03", fuzzy)),
        full(true, true, asked(&["Ann"], "", "1975-04-03", fuzzy)),
        full(
            true,
            false,
            asked(&[], "Smith", "1975", SearchMode::Standard),
        ),
        by_number,
    ] {
        assert!(SearchCriteria::read(&request).is_ok(), "{:?}", request.mode);
    }
}

#[test]
fn r120_a_wildcard_needs_two_letters_before_it_and_stands_at_the_end() {
    let refused = [
        asked(&[], "S*", "1975-04-03", SearchMode::Standard),
        asked(&[], "*", "1975-04-03", SearchMode::Standard),
        asked(&[], "Sm*th", "1975-04-03", SearchMode::Standard),
        asked(&[], "Sm?", "1975-04-03", SearchMode::Standard),
        asked(&["A*"], "Smith", "1975-04-03", SearchMode::Standard),
        asked(&["An*"], "Smith", "1975-04-03", SearchMode::Fuzzy),
        asked(&[], "Smi*", "1975-04-03", SearchMode::Exact),
        SearchRequest {
            postcode: Some("L*".to_owned()),
            ..asked(&[], "Smith", "1975-04-03", SearchMode::Standard)
        },
    ];
    for request in refused {
        assert!(SearchCriteria::read(&request).is_err());
    }
    let found = find(
        &SearchRequest {
            postcode: Some("ls1*".to_owned()),
            ..asked(&["Ros*"], "Pemb*", "1975-04-03", SearchMode::Standard)
        },
        &rosalind(),
    );
    for field in [
        SearchField::FamilyName,
        SearchField::GivenNames,
        SearchField::Postcode,
    ] {
        assert_eq!(how(found.as_ref(), field), Some(MatchedHow::Prefix));
    }
}

#[test]
fn everything_equal_scores_one_and_anything_else_less() {
    let exact = SearchRequest {
        gender: Some("female".to_owned()),
        postcode: Some("LS1 4AP".to_owned()),
        phone: Some("+44 7700 900123".to_owned()),
        nhs_number: Some("9990000018".to_owned()),
        ..asked(
            &["Rosalind"],
            "Pemberton-Hall",
            "1975-04-03",
            SearchMode::Exact,
        )
    };
    let found = find(&exact, &rosalind()).expect("it is she");
    assert!((found.score - 1.0).abs() < f64::EPSILON);
    let part = asked(&["Mary"], "Pemberton", "1975-04-03", SearchMode::Standard);
    let part = find(&part, &rosalind());
    assert_eq!(
        how(part.as_ref(), SearchField::FamilyName),
        Some(MatchedHow::Partial)
    );
    assert!(part.expect("a part of the name").score < 1.0);
}

#[test]
fn a_historic_name_is_found_where_history_is_searched() {
    let request = |mode, history| SearchRequest {
        history,
        ..asked(&["Rosalind"], "Thornwick", "1975-04-03", mode)
    };
    let ask = |mode, history| find(&request(mode, history), &rosalind());
    assert!(ask(SearchMode::Standard, false).is_none());
    assert!(ask(SearchMode::Exact, false).is_none());
    for found in [
        ask(SearchMode::Standard, true),
        ask(SearchMode::Exact, true),
        ask(SearchMode::Fuzzy, false),
    ] {
        assert_eq!(
            how(found.as_ref(), SearchField::FamilyName),
            Some(MatchedHow::History)
        );
        assert!(found.expect("found").matched[0].historic);
    }
}

#[test]
fn an_earlier_version_is_history_too() {
    let criteria = |history| {
        read(&SearchRequest {
            history,
            ..asked(&[], "Pemberton", "1957-04-03", SearchMode::Standard)
        })
    };
    let now = standard(&named(&["Rosalind"], "Pemberton", "1975-04-03"));
    let then = standard(&named(&["Rosalind"], "Pemberton", "1957-04-03"));
    let record = SearchedRecord {
        current: Arc::new(now),
        earlier: vec![Arc::new(then)],
    };
    assert!(
        criteria(false)
            .verify(std::slice::from_ref(&record))
            .is_none()
    );
    let found = criteria(true).verify(&[record]);
    assert_eq!(
        how(found.as_ref(), SearchField::BirthDate),
        Some(MatchedHow::History)
    );
}

#[test]
fn criteria_may_be_met_by_different_records_of_one_person() {
    let record = |submitted: &SubmittedRecord| SearchedRecord {
        current: Arc::new(standard(submitted)),
        earlier: Vec::new(),
    };
    let reachable = SubmittedRecord {
        phones: vec!["07700 900123".to_owned()],
        ..named(&["R"], "Hall", "1975-04-03")
    };
    let request = SearchRequest {
        phone: Some("07700900123".to_owned()),
        ..asked(
            &["Rosalind"],
            "Pemberton",
            "1975-04-03",
            SearchMode::Standard,
        )
    };
    let here = record(&named(&["Rosalind"], "Pemberton", "1975-04-03"));
    assert!(read(&request).verify(std::slice::from_ref(&here)).is_none());
    assert!(read(&request).verify(&[here, record(&reachable)]).is_some());
}

#[test]
fn a_fuzzy_search_hears_forgives_and_exchanges() {
    let fuzzy = |given: &str, family: &str, born: &str| {
        find(
            &asked(&[given], family, born, SearchMode::Fuzzy),
            &named(&["Katherine"], "Smythe", "1975-04-03"),
        )
    };
    let family = |given, family| {
        how(
            fuzzy(given, family, "1975-04-03").as_ref(),
            SearchField::FamilyName,
        )
    };
    assert_eq!(family("Katherine", "Smith"), Some(MatchedHow::SoundsLike));
    assert_eq!(family("Smythe", "Katherine"), Some(MatchedHow::Swapped));
    assert_eq!(family("Katherine", "Okafor"), None);
    let given = |given| {
        how(
            fuzzy(given, "Smythe", "1975-04-03").as_ref(),
            SearchField::GivenNames,
        )
    };
    assert_eq!(given("Kate"), Some(MatchedHow::Variant));
    assert_eq!(given("Kltherine"), Some(MatchedHow::Misspelt));
    assert_eq!(given("Jonathan"), None);
    let date = |born| {
        how(
            fuzzy("Katherine", "Smythe", born).as_ref(),
            SearchField::BirthDate,
        )
    };
    assert_eq!(date("1975-03-04"), Some(MatchedHow::Swapped));
    assert_eq!(date("1975-03-05"), None);
}

#[test]
fn r50_dates_are_compared_as_far_as_both_are_known() {
    let found = |wanted: &str, held: &str| {
        let request = SearchRequest {
            gender: Some("female".to_owned()),
            ..asked(&["Rosalind"], "Pemberton", wanted, SearchMode::Standard)
        };
        let record = SubmittedRecord {
            gender: Some("female".to_owned()),
            ..named(&["Rosalind"], "Pemberton", held)
        };
        how(find(&request, &record).as_ref(), SearchField::BirthDate)
    };
    for (wanted, held) in [
        ("1975", "1975-04-03"),
        ("1975-04", "1975-04-03"),
        ("1975-04", "1975"),
        ("1975-04-03", "1975"),
        ("1975-04-03", "1975-04"),
    ] {
        assert_eq!(found(wanted, held), Some(MatchedHow::Partial), "{wanted}");
    }
    for (wanted, held) in [
        ("1976", "1975-04-03"),
        ("1975-05", "1975-04-03"),
        ("1975-05-03", "1975-04"),
        ("1975-04-04", "1975-04-03"),
    ] {
        assert_eq!(found(wanted, held), None, "{wanted}");
    }
}

#[test]
fn a_span_holds_both_its_ends_and_has_a_bound() {
    let span = |from: &str, to: &str| SearchRequest {
        birth_date_from: Some(from.to_owned()),
        birth_date_to: Some(to.to_owned()),
        ..asked(&["Rosalind"], "Pemberton", "", SearchMode::Standard)
    };
    let born = |born: &str| named(&["Rosalind"], "Pemberton", born);
    let request = span("1974-12-30", "1976");
    for inside in ["1974-12-30", "1976-12-31", "1975"] {
        assert!(find(&request, &born(inside)).is_some(), "{inside}");
    }
    for outside in ["1974-12-29", "1977-01-01"] {
        assert!(find(&request, &born(outside)).is_none(), "{outside}");
    }
    for refused in [span("1976", "1975"), span("1950", "1990")] {
        assert!(SearchCriteria::read(&refused).is_err());
    }
    let half = SearchRequest {
        birth_date_to: None,
        ..span("1975", "1976")
    };
    assert!(SearchCriteria::read(&half).is_err());
}

#[test]
fn r47_given_names_written_as_one_are_found_in_two() {
    let split = named(&["Xiao", "Ming"], "Li", "1975-04-03");
    let joined = named(&["Xiaoming"], "Li", "1975-04-03");
    let ask = |given: &[&str], record: &SubmittedRecord| {
        find(
            &asked(given, "Li", "1975-04-03", SearchMode::Standard),
            record,
        )
    };
    assert!(ask(&["Xiaoming"], &split).is_some());
    assert!(ask(&["Xiao", "Ming"], &joined).is_some());
    assert!(ask(&["Xiao", "Hua"], &joined).is_none());
}

#[test]
fn particles_may_be_left_out_on_either_side() {
    let ask = |asked_name: &str, held: &str| {
        let found = find(
            &asked(&[], asked_name, "1975-04-03", SearchMode::Standard),
            &named(&["Ana"], held, "1975-04-03"),
        );
        how(found.as_ref(), SearchField::FamilyName)
    };
    assert_eq!(ask("Souza", "de Souza"), Some(MatchedHow::Partial));
    assert_eq!(ask("de Souza", "Souza"), Some(MatchedHow::Partial));
    assert_eq!(ask("De Souza", "de souza"), Some(MatchedHow::Exact));
}

#[test]
fn r109_a_restricted_record_has_no_term_of_its_location() {
    let open = standard(&rosalind());
    let closed = standard(&SubmittedRecord {
        restricted: Some(true),
        ..rosalind()
    });
    let without = StandardRecord {
        addresses: Vec::new(),
        ..open.clone()
    };
    assert_eq!(search_terms(&closed), search_terms(&without));
    assert!(search_terms(&open).len() > search_terms(&closed).len());
}

#[test]
fn nothing_of_a_search_prints() {
    let request = asked(
        &["Rosalind"],
        "Pemberton",
        "1975-04-03",
        SearchMode::Standard,
    );
    let text = format!("{request:?} {:?}", read(&request));
    assert!(!text.contains("Pemb") && !text.contains("1975"), "{text}");
}
