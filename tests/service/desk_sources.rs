//! Sources on the pages: their scorecards, and the files that go to their senders.

use serde_json::json;

use crate::people::{NUMBERS, person, with};
use crate::visitor::Visitor;
use crate::world::{Actor, World};

/// The figure of a row of the scorecard's file.
fn figure(file: &str, what: &str) -> String {
    let row = file.lines().find(|line| line.contains(what));
    let row = row.unwrap_or_else(|| panic!("no row {what}: {file}"));
    row.split(',').nth(2).unwrap_or_default().replace('"', "")
}

#[test]
fn a_scorecard_counts_what_the_sender_can_mend_and_goes_to_it_as_a_file() {
    let world = World::start();
    let with_number = json!({"nhs_number": NUMBERS[2], "nhs_number_status": "02"});
    world.registers("gp", "1", &with(&person("card one"), with_number.clone()));
    let placeholder = json!({"given_names": ["Unknown"], "birth_date": "1900-01-01"});
    world.registers("gp", "2", &with(&person("card two"), placeholder));
    let impossible = json!({"birth_date": "1999-02-30"});
    world.registers("gp", "=cmd(3)", &with(&person("card three"), impossible));
    // The first patient once more.
    let verified = json!({"nhs_number": NUMBERS[3], "nhs_number_status": "01"});
    let twice = with(&person("card four"), verified);
    world.registers("gp", "4", &twice);
    world.registers("gp", "5", &twice);
    world.registers("pas", "1", &person("of another source"));

    let mut edith = Visitor::signed_in(&world, "edith", &["engineer"]);
    edith
        .opens("/sources/gp")
        .shows("5 records of the source")
        .shows("Placeholders in place of a value")
        .shows("The birth date does not exist")
        .hides("cmd(3)");
    let file = edith.opens("/sources/gp?csv");
    assert!(file.header("content-type").starts_with("text/csv"));
    for (what, count) in [
        ("Placeholders in place", "1"),
        ("Default or year-only", "1"),
        ("Values that cannot be", "1"),
        ("No usable NHS number", "2"),
        ("nobody has verified", "1"),
        ("same person twice", "2"),
    ] {
        assert_eq!(figure(&file.text, what), count, "{what}: {}", file.text);
    }
    edith.asks("/sources/gp/findings").expect(403);
    edith.asks("/sources/nowhere").expect(404);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let list = sam.opens("/sources/gp/findings");
    for row in [
        "\"'=cmd(3)\",\"1\",\"birth_date\",\"error\",\"R53\"",
        "The same person as your record 5.",
        "The given name is a placeholder",
    ] {
        assert!(list.text.contains(row), "{row}: {}", list.text);
    }
    // No value of a patient leaves by it.
    for value in ["1999-02-30", "1900-01-01", NUMBERS[2]] {
        assert!(!list.text.contains(value), "{value}: {}", list.text);
    }
}

#[test]
fn r134_who_objects_is_not_in_the_list_for_the_sender() {
    let world = World::start();
    let odd = json!({"birth_date": "1999-02-30"});
    let objector = world.registers("gp", "objector", &with(&person("objects"), odd.clone()));
    world.registers("gp", "other", &with(&person("does not"), odd));
    let body = json!({"a": {"person_id": objector.person()}, "reason": "objection of 3 March"});
    let sealed = world.post("/seals").by(Actor::PrivacyOfficer).json(&body);
    sealed.send().expect(201);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let list = sam.opens("/sources/gp/findings");
    list.shows("other").hides("objector");
}
