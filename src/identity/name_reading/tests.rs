//! Tests of reading name fields.

use proptest::prelude::*;

use super::*;

fn read(given: &[&str], family: &str) -> ReadName {
    let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
    read_name(
        NameUse::Usual,
        &given,
        Some(family).filter(|text| !text.is_empty()),
    )
}

fn shown(name: &PersonName) -> String {
    let given: Vec<&str> = name.given.iter().map(NameToken::as_str).collect();
    let family = name
        .family
        .as_ref()
        .map_or("-", |family| family.whole.as_str());
    format!("{}|{family}", given.join(" "))
}

fn usual(given: &[&str], family: &str) -> String {
    read(given, family)
        .names
        .first()
        .map_or_else(String::new, shown)
}

fn all(given: &[&str], family: &str) -> Vec<(NameUse, String)> {
    read(given, family)
        .names
        .iter()
        .map(|name| (name.name_use, shown(name)))
        .collect()
}

#[test]
fn a_plain_name_is_read_word_by_word() {
    assert_eq!(usual(&["Mohammed Imran"], "Khan"), "MOHAMMED IMRAN|KHAN");
    assert_eq!(
        usual(&["Anne-Marie", "Louise"], "Smith-Jones"),
        "ANNEMARIE LOUISE|SMITHJONES"
    );
    assert_eq!(usual(&["Siân"], "O’Brien"), "SIAN|OBRIEN");
    assert_eq!(usual(&["J.R."], "Smith"), "J R|SMITH");
    assert_eq!(usual(&["Zoe"], "O&#39;Neill"), "ZOE|ONEILL");
}

#[test]
fn r34_titles_go_as_whole_words_only() {
    for (given, expected) in [
        ("Miss Alice", "ALICE|SMITH"),
        ("Prof. Dr. Alice", "ALICE|SMITH"),
        ("Drake", "DRAKE|SMITH"),
        ("Prince", "PRINCE|SMITH"),
        ("Dean", "DEAN|SMITH"),
        ("Sir", "SIR|SMITH"),
        ("Alice (Mrs)", "ALICE|SMITH"),
        ("Miss", "|SMITH"),
        ("John Jnr", "JOHN|SMITH"),
    ] {
        assert_eq!(usual(&[given], "Smith"), expected, "{given}");
    }
    assert_eq!(usual(&["Alice"], "Mrs Smith"), "ALICE|SMITH");
    assert_eq!(usual(&["Alice"], "Lord"), "ALICE|LORD");
    assert!(
        read(&["Miss Alice"], "Smith")
            .notes
            .contains(&NameNote::TitleRemoved)
    );
}

#[test]
fn r34_what_a_person_is_called_becomes_a_name_of_its_own() {
    for given in [
        "Elizabeth known as Betty",
        "Elizabeth (Betty)",
        "Elizabeth \"Betty\"",
        "Elizabeth 'Betty'",
        "Elizabeth aka Betty",
        "Elizabeth a.k.a. Betty",
        "Elizabeth A/K/A Betty",
        "Elizabeth alias Betty",
        "Elizabeth prefers Betty",
        "Elizabeth (prefers to be called Betty)",
        "Elizabeth - known as Betty",
    ] {
        let expected = [
            (NameUse::Usual, "ELIZABETH|JONES".to_owned()),
            (NameUse::KnownAs, "BETTY|JONES".to_owned()),
        ];
        assert_eq!(all(&[given], "Jones"), expected, "{given}");
    }
}

#[test]
fn a_known_as_name_alone_is_the_given_name() {
    for given in ["known as Betty", "\"Betty\""] {
        let read = read(&[given], "Jones");
        assert_eq!(
            read.names.iter().map(shown).collect::<Vec<_>>(),
            ["BETTY|JONES"],
            "{given}"
        );
        assert_eq!(read.notes, [NameNote::KnownAsFound], "{given}");
    }
}

#[test]
fn r34_an_earlier_family_name_becomes_a_previous_name() {
    for family in [
        "Jones née Smith",
        "Jones (nee Smith)",
        "Jones formerly Smith",
        "JONES FORMERLY KNOWN AS SMITH",
    ] {
        let expected = [
            (NameUse::Usual, "SARAH|JONES".to_owned()),
            (NameUse::Previous, "SARAH|SMITH".to_owned()),
        ];
        assert_eq!(all(&["Sarah"], family), expected, "{family}");
    }
    assert_eq!(usual(&["Sarah"], "Nee"), "SARAH|NEE");
    assert_eq!(all(&["Sarah"], "Jones aka Brown")[1].0, NameUse::KnownAs);
    assert_eq!(all(&["Sarah"], "Jones (Brown)")[1].0, NameUse::Alias);
}

#[test]
fn r35_placeholders_are_no_name() {
    for given in [
        "Baby",
        "Infant",
        "Boy",
        "Girl",
        "Unknown",
        "FNU",
        "Not Known",
        "Test",
        ".",
        "-",
        "N/A",
        "NULL",
        "XXX",
        "Twin 2",
        "Baby of Sarah",
        "B/O Sarah",
        "Unborn",
        "Baby Smith",
        "NA",
        "Baby Girl Sarah",
        "Male Infant",
        "not stated",
        "Unknown Male 3",
    ] {
        let read = read(&[given], "Smith");
        assert_eq!(
            read.names.first().map(shown).as_deref(),
            Some("|SMITH"),
            "{given}"
        );
        assert!(read.notes.contains(&NameNote::GivenPlaceholder), "{given}");
    }
    for family in ["Unknown", "LNU", "N/A", "Not Known", "."] {
        let read = read(&["John"], family);
        assert_eq!(
            read.names.first().map(shown).as_deref(),
            Some("JOHN|-"),
            "{family}"
        );
        assert_eq!(read.notes, [NameNote::FamilyPlaceholder], "{family}");
    }
    assert!(read(&["Unknown"], "Unknown").names.is_empty());
    assert_eq!(usual(&["John", "Unknown"], "Smith"), "JOHN|SMITH");
    assert_eq!(usual(&["Na"], "Li"), "NA|LI");
    assert_eq!(usual(&["Baby Alice"], "Smith"), "ALICE|SMITH");
    assert_eq!(usual(&["Oliver"], "Boy"), "OLIVER|BOY");
}

#[test]
fn r35_newborns_are_marked_with_their_birth_order() {
    for (given, order) in [
        ("Baby", None),
        ("Baby Boy", None),
        ("Twin 2", Some(2)),
        ("Twin One", Some(1)),
        ("TWIN II", Some(2)),
        ("Second Twin", Some(2)),
        ("Twin-2", Some(2)),
        ("Baby 1", Some(1)),
        ("Baby Twin B", Some(2)),
        ("Triplet 3", Some(3)),
        ("Baby Boy 2", Some(2)),
        ("Smith Twin 1", Some(1)),
    ] {
        let read = read(&[given], "Smith");
        assert!(read.newborn_placeholder, "{given}");
        assert_eq!(read.birth_order, order, "{given}");
        assert_eq!(
            read.names.first().map(shown).as_deref(),
            Some("|SMITH"),
            "{given}"
        );
    }
    let named = read(&["Oliver (Twin 1)"], "Smith");
    assert_eq!(
        (named.newborn_placeholder, named.birth_order),
        (false, Some(1))
    );
    let family = read(&[], "Baby Smith");
    assert!(family.newborn_placeholder);
    assert_eq!(shown(&family.names[0]), "|SMITH");
}

#[test]
fn r57_an_unborn_child_is_marked() {
    for read in [
        read(&["Unborn"], "Smith"),
        read(&[], "Unborn Smith"),
        read(&["Unborn Baby"], "Smith"),
    ] {
        assert!(read.unborn);
        assert_eq!(shown(&read.names[0]), "|SMITH");
    }
}

#[test]
fn a_comma_splits_a_family_field_that_holds_both_names() {
    let read = read(&[], "SMITH, JOHN");
    assert_eq!(shown(&read.names[0]), "JOHN|SMITH");
    assert_eq!(read.notes, [NameNote::CommaFormSplit]);
    assert_eq!(usual(&[], "Smith, Jr"), "|SMITH");
    assert_eq!(usual(&["John"], "Smith, John"), "JOHN|SMITH");
}

#[test]
fn r43_a_field_as_long_as_a_national_limit_is_noted() {
    assert_eq!(
        read(&["John"], &"a".repeat(35)).notes,
        [NameNote::TruncatedAtLimit]
    );
    assert!(read(&["John"], &"a".repeat(36)).notes.is_empty());
}

#[test]
fn r46_a_single_name_in_both_slots_is_kept_once_as_a_given_name() {
    let read = read(&["Selvan"], "Selvan");
    assert_eq!(
        read.names.iter().map(shown).collect::<Vec<_>>(),
        ["SELVAN|-"]
    );
    assert_eq!(read.notes, [NameNote::SingleName]);
    assert_eq!(usual(&["John Smith"], "Smith"), "JOHN|SMITH");
    assert_eq!(usual(&["John"], "John Smith"), "JOHN|SMITH");
    assert_eq!(usual(&["John"], "Smith John"), "JOHN|SMITH");
    assert_eq!(usual(&["John"], "St John"), "JOHN|STJOHN");
}

#[test]
fn numbers_are_opaque_alone_and_go_beside_words() {
    let alone = read(&["12345"], "");
    assert_eq!(alone.notes, [NameNote::OpaqueText]);
    assert_eq!(usual(&["John 2"], "Smith"), "JOHN|SMITH");
}

#[test]
fn hostile_fields_stay_small() {
    let words = "a ".repeat(40_000);
    let read = read(&[&words], &"b-".repeat(40_000));
    let name = &read.names[0];
    assert!(name.given.len() <= VALUES_PER_FIELD_MAX);
    assert!(
        name.family
            .as_ref()
            .is_some_and(|family| family.parts.len() <= VALUES_PER_FIELD_MAX)
    );
    assert!(read.notes.contains(&NameNote::TooLong));
}

/// The reading that does not take the short way for plain fields.
fn read_slowly(given: &[String], family: &str) -> ReadName {
    let mut reader = Reader::default();
    reader.note_lengths(given, family);
    let entries: Vec<String> = given.iter().map(|text| clean(text)).collect();
    let family = clean(family);
    let given = reader.read_given(&entries, &words_of(&family));
    let family = reader.read_family(&family, &given);
    reader.finish(NameUse::Usual, given, family)
}

proptest! {
    #[test]
    fn reading_never_panics_and_makes_no_empty_name(
        given in proptest::collection::vec(".{0,30}", 0..3),
        family in proptest::option::of("\\PC{0,30}"),
    ) {
        let read = read_name(NameUse::Usual, &given, family.as_deref());
        for name in &read.names {
            prop_assert!(!name.given.is_empty() || name.family.is_some());
        }
        prop_assert!(read.birth_order.is_none_or(|order| (1..=7).contains(&order)));
    }

    #[test]
    fn phrases_and_placeholders_in_any_order_never_panic(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "Baby", "of", "Twin", "2", "Two", "Boy", "Unborn", "known", "as", "aka", "(", ")",
                "\"", "'", "née", "Mrs", "Jr", "Smith", "John", ",", "N/A", "Unknown", "-", "a.k.a.",
            ]),
            0..8,
        ),
        split in 0_usize..8,
    ) {
        let at = split.min(words.len());
        let given = words[..at].join(" ");
        let read = read_name(NameUse::Usual, &[given], Some(&words[at..].join(" ")));
        prop_assert!(read.names.len() <= 1 + words.len());
    }

    #[test]
    fn plain_fields_are_read_the_same_by_the_short_way(
        given in proptest::collection::vec("[A-Za-z]{1,6}([ '-][A-Za-z]{1,6}){0,2}", 0..3),
        family in "[A-Za-z]{1,6}([ '-][A-Za-z]{1,6}){0,2}",
    ) {
        let quick = read_name(NameUse::Usual, &given, Some(&family));
        prop_assert!(quick == read_slowly(&given, &family));
    }

    #[test]
    fn reading_what_was_read_changes_nothing(
        given in proptest::collection::vec("[A-Za-zéüł]{3,6}", 1..3),
        family in "[A-Za-zéüł]{3,6}",
    ) {
        let once = read_name(NameUse::Usual, &given, Some(&family));
        if let [name] = once.names.as_slice() {
            let words: Vec<String> = name.given.iter().map(|it| it.as_str().to_owned()).collect();
            let family = name.family.as_ref().map(|family| family.whole.as_str());
            let twice = read_name(NameUse::Usual, &words, family);
            prop_assert_eq!(shown(name), twice.names.first().map(shown).unwrap_or_default());
        }
    }
}
