//! The strict reader: what it refuses, how it names it, and that it never
//! panics, never repeats a value and never changes one.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::{Breaks, read};
use crate::foundation::limits::{JSON_DEPTH_MAX, TEXT_CHARACTERS_MAX, VALUES_PER_LIST_MAX};
use crate::identity::SubmittedRecord;

fn refused(text: &[u8]) -> (String, &'static str, Breaks) {
    let Err(fault) = read::<SubmittedRecord>(text) else {
        panic!("{} was taken", String::from_utf8_lossy(text));
    };
    assert!(!fault.to_string().contains("Hidden"), "{fault}");
    (fault.member(), fault.rule, fault.breaks)
}

#[test]
fn each_fault_is_named_by_member_and_rule() {
    let shape = [
        ("", "body", "syntax"),
        (" \n", "body", "syntax"),
        ("[]", "body", "type"),
        ("null", "body", "type"),
        ("\"Hidden\"", "body", "type"),
        ("{", "body", "syntax"),
        ("{} {}", "body", "syntax"),
        ("{\"title\": NaN}", "title", "syntax"),
        ("{\"title\": -Infinity}", "title", "syntax"),
        ("{\"title\": 'Hidden'}", "title", "syntax"),
        ("{\"title\": \"Hidden", "title", "syntax"),
        ("{\"title\": \"a\u{1}\"}", "title", "syntax"),
        ("{\"title\": 1e999}", "title", "number"),
        ("{\"title\": \"\\ud800\"}", "title", "unicode"),
        (
            "{\"phones\": [\"1\", \"\\udc00Hidden\"]}",
            "phones[1]",
            "unicode",
        ),
        ("{\"title\": \"\\ud83d\\u0041\"}", "title", "unicode"),
        ("{\"title\": 3}", "title", "type"),
        ("{\"title\": {\"a\": 1}}", "title", "type"),
        ("{\"phones\": \"Hidden\"}", "phones", "type"),
        ("{\"phones\": [3]}", "phones[0]", "type"),
        ("{\"phones\": null}", "phones", "type"),
        ("{\"restricted\": \"Hidden\"}", "restricted", "type"),
        ("{\"mother\": [\"gp\", \"1\"]}", "mother", "type"),
        ("{\"addresses\": [[\"home\"]]}", "addresses[0]", "type"),
        ("{\"surname\": \"Hidden\"}", "surname", "unknown member"),
        ("{\"Hidden Person\": 1}", "(not a word)", "unknown member"),
        (
            "{\"addresses\": [{}, {\"street\": 1}]}",
            "addresses[1].street",
            "unknown member",
        ),
        (
            "{\"title\": \"a\", \"title\": \"b\"}",
            "title",
            "unique members",
        ),
        (
            "{\"title\": 1, \"titl\\u0065\": 1}",
            "title",
            "unique members",
        ),
        (
            "{\"mother\": {\"source\": \"a\", \"source\": \"b\"}}",
            "mother.source",
            "unique members",
        ),
        (
            "{\"other_columns\": {\"a\": \"b\", \"a\": \"c\"}}",
            "other_columns.a",
            "unique members",
        ),
        ("{\"title\": /* no */ 1}", "title", "syntax"),
    ];
    for (text, member, rule) in shape {
        let expected = (member.to_owned(), rule, Breaks::Shape);
        assert_eq!(refused(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn what_is_not_utf_8_is_refused_by_its_encoding() {
    for bytes in [
        b"{\"title\": \"\xff\"}".as_slice(),
        b"\xff\xfe{\x00}\x00",
        b"{\"title\": \"\xed\xa0\x80\"}",
    ] {
        assert_eq!(refused(bytes).1, "encoding");
    }
    assert!(read::<SubmittedRecord>("\u{feff}{}".as_bytes()).is_ok());
}

#[test]
fn bounds_are_said_with_the_member() {
    let long = format!("{{\"title\": \"{}\"}}", "é".repeat(TEXT_CHARACTERS_MAX + 1));
    assert_eq!(refused(long.as_bytes()).1, "maxLength");
    let fits = format!("{{\"title\": \"{}\"}}", "é".repeat(TEXT_CHARACTERS_MAX));
    assert!(read::<SubmittedRecord>(fits.as_bytes()).is_ok());
    let items = vec!["\"1\""; VALUES_PER_LIST_MAX + 1].join(",");
    let many = format!("{{\"phones\": [{items}]}}");
    let expected = ("phones".to_owned(), "maxItems", Breaks::Bound);
    assert_eq!(refused(many.as_bytes()), expected);
    let deep = format!("{{\"title\": {}1", "[".repeat(JSON_DEPTH_MAX));
    assert_eq!(refused(deep.as_bytes()).1, "depth");
    let endless = "[".repeat(200_000);
    assert_eq!(refused(endless.as_bytes()).1, "depth");
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scalars {
    whole: u8,
    kind: Option<Kind>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Same,
}

#[test]
fn numbers_and_words_are_read_by_their_rules() {
    let fault = |text: &str| {
        let fault = read::<Scalars>(text.as_bytes()).expect_err(text);
        (fault.member(), fault.rule)
    };
    assert_eq!(fault("{}"), ("whole".to_owned(), "required member"));
    assert_eq!(fault("{\"whole\": 300}"), ("whole".to_owned(), "range"));
    assert_eq!(fault("{\"whole\": -1}"), ("whole".to_owned(), "range"));
    assert_eq!(fault("{\"whole\": 1.5}"), ("whole".to_owned(), "type"));
    let other = "{\"whole\": 1, \"kind\": \"Hidden\"}";
    assert_eq!(fault(other), ("kind".to_owned(), "enum"));
    let listed = "{\"whole\": 1, \"kind\": [\"same\"]}";
    assert_eq!(fault(listed), ("kind".to_owned(), "type"));
    let read = read::<Scalars>(b"{\"whole\": 3.0, \"kind\": \"same\"}").expect("a whole number");
    assert_eq!(read.kind, Some(Kind::Same));
    assert_eq!(read.whole, 3);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read::<SubmittedRecord>(&bytes);
    }

    #[test]
    fn what_looks_like_json_is_read_or_refused(
        text in "[\\[\\]{}:,\"a-z0-9 \\\\.eE+-]{0,200}",
    ) {
        let _ = read::<SubmittedRecord>(text.as_bytes());
        let wrapped = format!("{{\"title\":{text}}}");
        let _ = read::<SubmittedRecord>(wrapped.as_bytes());
    }

    #[test]
    fn every_text_comes_out_as_it_went_in(text in any::<String>(), name in "\\PC{1,12}") {
        let columns = BTreeMap::from([(name, text.clone())]);
        let sent = SubmittedRecord {
            family_name: Some(text.clone()),
            given_names: vec![text.clone(), text],
            other_columns: columns,
            ..SubmittedRecord::default()
        };
        let bytes = serde_json::to_vec(&sent).expect("a record becomes JSON");
        prop_assert!(read::<SubmittedRecord>(&bytes) == Ok(sent));
    }

    #[test]
    fn a_record_of_which_one_byte_changed_is_read_or_refused(
        place in 0_usize..120, byte in any::<u8>(),
    ) {
        let mut bytes = br#"{"nhs_number":"9990000018","given_names":["Rosalind"],"family_name":"Applethwaite","addresses":[{"postcode":"LS8 2QD"}]}"#.to_vec();
        let place = place.min(bytes.len() - 1);
        bytes[place] = byte;
        if let Err(fault) = read::<SubmittedRecord>(&bytes) {
            let said = fault.to_string();
            prop_assert!(!said.contains("Applethwaite") && !said.contains("9990000018"));
        }
    }
}
