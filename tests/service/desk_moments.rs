//! "Why were these two joined last March?": pages of a person as it was known at an
//! instant, on a ledger whose March has passed; masked as of today (R139).

use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::people::{john_smith, with};
use crate::proofs::clock::library;
use crate::visitor::Visitor;
use crate::world::{Actor, Place, Setting, World};

const DAYS_AGO: i64 = 250;
const WHY: &str = "their letters crossed in the post";

/// A service whose clock is so many days late, where it can be set back.
fn months_ago() -> Option<World> {
    let library = match library() {
        Ok(library) => library,
        Err(why) => {
            eprintln!("left out: {why}");
            return None;
        }
    };
    let setting = Setting {
        environment: vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME", format!("-{DAYS_AGO}d")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ],
        ..Setting::default()
    };
    let world = World::prepared(Place::Sqlite, setting);
    world.serves();
    Some(world)
}

/// A day, so many after that one.
fn day(after: i64) -> String {
    let at = OffsetDateTime::now_utc() - Duration::days(DAYS_AGO - after);
    at.date().to_string()
}

#[test]
fn r139_why_two_were_joined_months_ago_is_read_as_it_was_known_then_and_masked_as_today() {
    let Some(then) = months_ago() else { return };
    let home = json!({"addresses": [{
        "use": "home", "lines": ["12 Quarry Lane"], "town": "Leeds", "postcode": "LS6 2AB",
    }]});
    let home = with(&john_smith(), home);
    then.registers("gp", "1", &home);
    then.registers("pas", "1", &with(&home, json!({"family_name": "Smyth"})));
    let task = then.tasks().tasks()[0].clone();
    let said = json!({"outcome": "same", "reason": WHY, "evidence": then.task(&task)["evidence"]});
    let decide = then.post(&format!("/review/tasks/{task}/decide"));
    decide.by(Actor::Steward).json(&said).send().expect(200);
    let person = then.record("gp", "1")["link"]["person_id"].clone();
    let page = format!("/persons/{}", person.as_str().expect("an id"));

    let world = then.goes_on_plainly();
    world.registers("gp", "1", &with(&home, json!({"restricted": true})));
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens("/search");
    sam.posts("/purpose", &[("purpose", "the family asks why")]);
    let now = sam.opens(&page).shows(WHY).hides("LS6 2AB");
    let asked = format!("{page}?as_of={}", day(1));
    sam.opens(&asked)
        .shows("As it was known at")
        .shows(WHY)
        .shows("was merged into")
        .hides("Take this merge back")
        .hides("LS6 2AB")
        .hides("Quarry");
    sam.opens(&format!("{page}/records/1?as_of={}", day(1)))
        .shows("As it was known at")
        .shows("Version 1")
        .hides("Version 2")
        .hides("LS6 2AB");
    sam.opens(&format!("{page}/records/1")).shows("Version 2");
    // Each time in the history leads to what was known then.
    let times = now.values(&format!("href=\"{page}?as_of="));
    assert!(times.len() > 4, "{times:?}");
    let at = |time: &str| format!("{page}?as_of={time}");
    sam.opens(&at(&times[0]))
        .shows("As it was known at")
        .hides(WHY);
    let last = times.last().expect("a time");
    sam.opens(&at(last)).shows(WHY).shows("sent version 2");
    sam.asks(&at(&day(-1))).expect(404);
    // A day and a time; and what is none is said.
    sam.opens(&at(&format!("{}+14%3A05", day(2)))).shows(WHY);
    sam.opens(&at("last+March"))
        .shows("is no day and no time")
        .hides("As it was known at <");
    world.verify();
}
