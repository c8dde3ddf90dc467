//! Known pairs among a reader's questions (R117): dealt, shown and answered like any
//! other, told afterwards, counted apart, and nothing of the ledger changes by them.

use reqwest::Method;
use serde_json::json;

use crate::people::{john_smith, with};
use crate::request::segment;
use crate::visitor::{Seen, Visitor};
use crate::world::{Actor, World, record_path};

/// A service that always deals one, with a question that is real.
fn world() -> (World, String) {
    // Made-up ids have the shape of real ones: short ones would be the same at times.
    let world = World::start_with(&[("ACCORD_KNOWN_PAIRS", "100")]);
    world.registers("gp", "4093-118", &john_smith());
    let smyth = with(&john_smith(), json!({"family_name": "Smyth"}));
    world.registers("pas", "7720-554", &smyth);
    let task = world.tasks().tasks()[0].clone();
    (world, task)
}

fn task_of(seen: &Seen) -> String {
    let place = seen.header("location");
    let rest = place.strip_prefix("/review/tasks/");
    let rest = rest.unwrap_or_else(|| panic!("{place} is no question"));
    rest.split('?').next().unwrap_or_default().to_owned()
}

/// Events in the ledger.
fn events(world: &World) -> usize {
    let feed = world.get("/events?limit=500").by(Actor::Integration).send();
    let feed = feed.expect(200);
    feed["events"].as_array().expect("events").len()
}

#[test]
fn r117_a_known_pair_is_read_like_any_question_and_changes_nothing() {
    let (world, real) = world();
    let before = events(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens("/review");
    let known = task_of(&sam.posts("/review/start", &[]).expect(303));
    assert_ne!(known, real);
    let page = format!("/review/tasks/{known}");
    sam.opens(&page)
        .shows("Are these two persons one?")
        .shows("In your hands until")
        .shows("What the comparison weighs")
        .shows("A question was raised")
        .hides("known pair");
    // It stands in everybody's list, in the hands of its reader.
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    let mut both = vec![known.clone(), real.clone()];
    both.sort_unstable();
    for reader in [&mut sam, &mut sue] {
        let mut listed = reader.opens("/review").tasks();
        listed.sort_unstable();
        assert_eq!(listed, both);
        reader.opens("/work").shows("2 questions, 0 overdue");
    }
    assert_eq!(sam.opens("/review?assigned_to=me").tasks().join(" "), known);
    sue.opens(&page)
        .shows("In the hands of <bdi>sam</bdi>")
        .hides("known pair");
    // From one to the other, as the queue has them.
    let there = sam.asks(&format!("{page}/next"));
    let back = sam.asks(&format!("{page}/previous"));
    let beside = [there.header("location"), back.header("location")];
    assert!(beside.iter().any(|it| it.contains(&real)), "{beside:?}");
    // The small steps are those of any question.
    sam.opens(&page);
    let comment = [("comment", "rang the ward")];
    sam.posts_and_follows(&format!("{page}/comment"), &comment)
        .shows("rang the ward");
    sam.posts_and_follows(&format!("{page}/release"), &[])
        .shows("In nobody");
    sam.posts_and_follows(&format!("{page}/claim"), &[])
        .shows("In your hands");
    let sent = sam.answers(&known, "different").expect(303);
    let next = task_of(&sent);
    assert_ne!(next, known, "another one is dealt");
    let place = sent.header("location").to_owned();
    sam.opens(&place)
        .shows("That was a known pair")
        .shows("Nobody was joined or parted");
    sam.opens(&page)
        .shows("That was a known pair")
        .hides("name=\"evidence\"");
    sue.asks(&page).expect(404);
    sam.answers(&next, "escalate").expect(303);
    sam.opens(&format!("/review/tasks/{next}"))
        .shows("That was a known pair");
    assert_eq!(events(&world), before, "no event came of it");
    world.verify();
}

#[test]
fn r117_figures_of_known_pairs_stand_apart_and_are_no_labels() {
    let (world, real) = world();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens("/review");
    let mut sent = sam.posts("/review/start", &[]).expect(303);
    let mut wrong = 0;
    for _ in 0..12 {
        let known = task_of(&sent);
        sent = sam.answers(&known, "different").expect(303);
        wrong += u32::from(sent.header("location").contains("known=same"));
    }
    let april = Visitor::signed_in(&world, "april", &["approver"]).opens("/work");
    let april = april
        .shows("<bdi>sam</bdi>")
        .shows(&format!("{wrong} of 12 ("));
    assert_eq!(april.text.contains("more than one in ten"), wrong > 1);
    let figures = world.get("/review/agreement").by(Actor::Approver).send();
    let figures = figures.expect(200);
    let reader = &figures["readers"][0];
    assert_eq!(reader["reader"], "sam");
    assert_eq!(reader["answers"], 0, "no answer to a real question");
    assert_eq!(reader["wrong"]["count"], wrong);
    assert_eq!(reader["wrong"]["among"], 12);
    assert!(reader["wrong"]["low"].as_f64() < reader["wrong"]["high"].as_f64());
    let own = world.get("/review/agreement").by(Actor::Steward).send();
    assert_eq!(
        own.expect(200)["readers"],
        json!([]),
        "a steward's own alone"
    );
    let waiting = world.tasks().tasks();
    assert!(waiting.contains(&real), "it waits as before: {waiting:?}");
    let file = world.writes("labels.csv", b"");
    world.accord(&["export", "--labels", &file]).expect(0);
    let labels = std::fs::read_to_string(&file).expect("the labels");
    assert_eq!(labels.lines().count(), 1, "a head alone: {labels}");
    world.verify();
}

/// The persons that a page links to, each once.
fn persons_of(seen: &Seen) -> Vec<String> {
    let mut links = seen.values("href=\"/persons/");
    links.retain(|link| link.len() == 34);
    links.sort_unstable();
    links.dedup();
    links
}

#[test]
fn r117_the_people_of_a_known_pair_have_pages_records_and_are_found_until_it_is_answered() {
    let (world, _) = world();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    for reader in [&mut sam, &mut sue] {
        reader.opens("/review");
        reader.posts("/purpose", &[("purpose", "asked by phone")]);
    }
    let known = task_of(&sam.posts("/review/start", &[]).expect(303));
    let persons = persons_of(&sam.opens(&format!("/review/tasks/{known}")));
    assert_eq!(persons.len(), 2);
    for person in &persons {
        let page = format!("/persons/{person}");
        sam.opens(&page)
            .shows("A question was raised")
            .shows(&known);
        sam.opens(&format!("{page}/records/1")).shows("ersion 1");
        sam.asks(&format!("{page}?as_of=2001-01-01")).expect(404);
        // A colleague who is asked sees the same, and nobody else does.
        sue.opens(&page).shows(&known);
        sue.opens(&format!("{page}/records/1")).shows("ersion 1");
    }
    sam.answers(&known, "same").expect(303);
    let answered = sam.opens(&format!("/review/tasks/{known}"));
    assert_eq!(persons_of(&answered), [""; 0], "nobody is there any more");
    sam.asks(&format!("/persons/{}", persons[0])).expect(404);
    world.verify();
}

#[test]
fn r117_who_reads_by_the_api_is_given_known_pairs_and_finds_their_people() {
    let (world, real) = world();
    let claim = world.post(&format!("/review/tasks/{real}/claim"));
    claim.by(Actor::Steward).json(&json!({})).send().expect(200);
    let listed = world.tasks().tasks();
    assert_eq!(listed.len(), 2, "one is mixed in");
    let known = listed.into_iter().find(|task| *task != real);
    let path = format!("/review/tasks/{}", known.expect("a known pair"));
    let task = world.get(&path).by(Actor::Steward).send().expect(200);
    let side = &task["sides"][0];
    assert_eq!(
        side["possible"][0]["person_id"],
        task["sides"][1]["person_id"]
    );
    let person = side["person_id"].as_str().expect("an id");
    let record = &side["records"][0];
    let said = &record["versions"][0]["record"];
    let texts = [&record["source"], &record["local_id"]].map(|it| it.as_str().expect("a text"));
    for path in [
        format!("/persons/{person}"),
        format!("/persons/{person}/golden"),
        format!("/persons/{person}/history"),
        format!("/persons/{person}/records"),
        record_path(texts[0], texts[1]),
    ] {
        world.get(&path).by(Actor::Steward).send().expect(200);
        world.get(&path).by(Actor::SecondSteward).send().expect(200);
    }
    let history = format!("/persons/{person}/history");
    let history = world.get(&history).by(Actor::Steward).send().expect(200);
    assert_eq!(history.list("history").len(), 4, "{}", history.text);
    // Sources write dates in many ways; a search takes a year alone.
    let written = said["birth_date"].as_str().expect("a birth date");
    let year = written
        .split(|it: char| !it.is_ascii_digit())
        .find_map(|part| part.get(..4));
    let sought = json!({
        "family_name": said["family_name"],
        "given_names": [said["given_names"][0]],
        "birth_date": year,
    });
    let finds = |actor: Actor| {
        let found = world.post("/persons/search").by(actor).json(&sought).send();
        let found = found.expect(200);
        let mut persons = found.list("persons").iter();
        persons.any(|found| found["person_id"] == person)
    };
    assert!(finds(Actor::Steward));
    // By their values they are found by their reader alone.
    assert!(!finds(Actor::SecondSteward));
    let matches = |actor: Actor| {
        let asked = with(said, json!({"effective_at": null}));
        let found = world.post("/match").by(actor).json(&asked).send();
        found.expect(200).mentions(person)
    };
    assert!(matches(Actor::Steward));
    assert!(!matches(Actor::SecondSteward) && !matches(Actor::Integration));
    world.verify();
}

#[test]
fn r117_no_care_system_is_ever_shown_somebody_made_up() {
    let (world, real) = world();
    let claim = world.post(&format!("/review/tasks/{real}/claim"));
    claim.by(Actor::Steward).json(&json!({})).send().expect(200);
    let known = world.tasks().tasks().into_iter().find(|it| *it != real);
    let known = world.task(&known.expect("a known pair"));
    let side = &known["sides"][0];
    let person = side["person_id"].as_str().expect("an id");
    let said = &side["records"][0]["versions"][0]["record"];
    let path = format!("/persons/{person}");
    world.get(&path).by(Actor::Steward).send().expect(200);
    // The same human by the door of care systems, and others by any.
    for actor in [Actor::Steward, Actor::Integration, Actor::Clinician] {
        let read = world.fhir(Method::GET, &format!("/Patient/{person}"));
        read.by(actor).send().expect(404);
        let family = said["family_name"].as_str().expect("a family name");
        let search = format!("/Patient?family={}", segment(family));
        let found = world.fhir(Method::GET, &search).by(actor).send();
        assert!(!found.text.contains(person), "{}", found.text);
    }
    for actor in [Actor::Integration, Actor::Clinician] {
        world.get(&path).by(actor).send().expect(404);
    }
    let feed = world.get("/events?limit=500").by(Actor::Integration).send();
    assert!(!feed.expect(200).text.contains(person));
    world.verify();
}

#[test]
fn r117_who_joins_the_people_of_a_known_pair_has_answered_it() {
    let (world, real) = world();
    let before = events(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens("/review");
    sam.posts("/purpose", &[("purpose", "asked by phone")]);
    let known = task_of(&sam.posts("/review/start", &[]).expect(303));
    let persons = persons_of(&sam.opens(&format!("/review/tasks/{known}")));
    let page = format!("/persons/{}", persons[0]);
    sam.opens(&page);
    let asked = [("other", persons[1].as_str()), ("reason", "one address")];
    let merge = format!("{page}/merge");
    let preview = sam.posts(&merge, &asked).expect(200);
    let preview = preview.shows(&persons[1]).hides("known pair");
    let (seen, lines) = (preview.field("seen"), preview.field("lines"));
    let done = [
        asked[0],
        asked[1],
        ("seen", seen.as_str()),
        ("lines", lines.as_str()),
        ("step", "do"),
    ];
    sam.posts(&merge, &done)
        .expect(409)
        .shows("that was a known pair")
        .shows("nobody was joined");
    sam.opens(&format!("/review/tasks/{known}"))
        .shows("That was a known pair");
    sam.asks(&page).expect(404);
    assert_eq!(world.tasks().tasks().join(" "), real, "it waits as before");
    assert_eq!(events(&world), before, "no event came of it");
    world.verify();
}

/// What the audit holds of a reader who takes the next question and opens it: what was
/// done, and how many persons each row names.
fn audit_of_a_reader(world: &World) -> Vec<(String, usize)> {
    let mut sam = Visitor::signed_in(world, "sam", &["steward"]);
    sam.opens("/review");
    let next = task_of(&sam.posts("/review/start", &[]).expect(303));
    sam.opens(&format!("/review/tasks/{next}"));
    let mut audrey = Visitor::signed_in(world, "audrey", &["auditor"]);
    audrey.opens("/audit");
    let file = audrey.posts("/audit", &[("actor", "sam"), ("step", "csv")]);
    let file = file.expect(200).text;
    let mut lines = file.lines().map(|line| {
        let cells = line.trim_matches('"').split("\",\"");
        cells.map(ToOwned::to_owned).collect::<Vec<_>>()
    });
    let head = lines.next().expect("a head");
    let place = |name: &str| head.iter().position(|it| it == name).expect("a column");
    let (action, persons) = (place("action"), place("persons"));
    let named = lines.map(|row| (row[action].clone(), row[persons].matches("P-").count()));
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

#[test]
fn r117_a_known_pair_leaves_the_audit_rows_of_any_question() {
    let (dealing, _) = world();
    let plain = World::start();
    plain.registers("gp", "1", &john_smith());
    let smyth = with(&john_smith(), json!({"family_name": "Smyth"}));
    plain.registers("pas", "1", &smyth);
    let rows = audit_of_a_reader(&plain);
    assert!(rows.len() > 5, "{rows:?}");
    assert_eq!(audit_of_a_reader(&dealing), rows);
    dealing.verify();
    plain.verify();
}

#[test]
fn r117_a_known_pair_can_be_given_to_a_colleague() {
    let (world, _) = world();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    sam.opens("/review");
    let known = task_of(&sam.posts("/review/start", &[]).expect(303));
    let page = format!("/review/tasks/{known}");
    sam.opens(&page);
    sam.posts_and_follows(&format!("{page}/assign"), &[("to", "sue")])
        .shows("In the hands of <bdi>sue</bdi>");
    sam.answers(&known, "same")
        .expect(409)
        .shows("somebody else has this question")
        .hides("known pair");
    sue.answers(&known, "cannot_tell").expect(303);
    sue.opens("/work")
        .shows("<bdi>sue</bdi>")
        .shows("none asked");
    world.verify();
}

#[test]
fn due_times_are_a_setting_and_nonsense_is_refused() {
    let world = World::start_with(&[("ACCORD_DUE", "weight=5, possible_duplicate=1")]);
    world.registers("gp", "1", &john_smith());
    let smyth = with(&john_smith(), json!({"family_name": "Smyth"}));
    world.registers("pas", "1", &smyth);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let file = sam.opens("/review?csv").text;
    let row = file.lines().nth(1).expect("a question");
    let cells: Vec<&str> = row.split(',').map(|cell| cell.trim_matches('"')).collect();
    let asked = hour_of(cells[6]);
    let due = hour_of(cells[7]);
    assert_eq!((asked + 1) % 24, due, "{row}");
    assert_eq!(cells[8], "no");
    sam.opens("/work").shows("1 questions, 0 overdue");
    world.dies();
    let refused = world.accord(&["serve", "--due", "haste=1"]).expect(1);
    assert!(refused.err.contains("is no due time"), "{}", refused.err);
}

/// The hour of an exact time.
fn hour_of(exact: &str) -> u32 {
    let hour = exact.split('T').nth(1).and_then(|time| time.get(..2));
    hour.and_then(|hour| hour.parse().ok())
        .unwrap_or_else(|| panic!("{exact} is no time"))
}
