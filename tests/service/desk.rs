//! The review desk through a browser without scripts: signing in, the queue, the
//! comparison page, an answer and the next question.

use serde_json::json;

use crate::people::{NUMBERS, john_smith, person, verified_person, with};
use crate::visitor::{PASSWORD, Visitor, make_account, with_input};
use crate::world::World;

/// A pair that one steward may settle.
fn plain_pair(world: &World) -> String {
    world.registers("gp", "1", &john_smith());
    world.registers(
        "pas",
        "1",
        &with(&john_smith(), json!({"family_name": "Smyth"})),
    );
    world.tasks().tasks()[0].clone()
}

#[test]
fn a_steward_signs_in_and_finds_the_queue_and_the_search() {
    let world = World::start();
    make_account(&world, "sam", &["steward"]);
    let mut sam = Visitor::nobody(&world);
    sam.opens("/").shows("Sign in").shows("name=\"password\"");
    sam.signs_in("sam", "wrong password")
        .expect(401)
        .hides("wrong password");
    assert!(sam.cookie.is_none());
    sam.signs_in("sam", PASSWORD).expect(303);
    let first = sam.asks("/").expect(303);
    assert_eq!(first.header("location"), "/review");
    let queue = sam.opens("/review").shows("Nothing waits here");
    for link in [
        "<a href=\"/review\" aria-current=\"page\">Review queue</a>",
        ">Search</a>",
    ] {
        assert!(queue.text.contains(link), "{link}: {}", queue.text);
    }
    sam.posts("/sign-out", &[]).expect(303);
    assert!(sam.cookie.is_none());
    let sent = sam.asks("/review?kind=overlay_held").expect(303);
    assert_eq!(
        sent.header("location"),
        "/?then=%2Freview%3Fkind%3Doverlay_held"
    );
}

#[test]
fn r131_an_account_without_a_role_sees_nothing() {
    let world = World::start();
    let task = plain_pair(&world);
    let mut nobody = Visitor::signed_in(&world, "nora", &[]);
    nobody.opens("/account").shows("none: an administrator");
    for page in ["/review", "/work", "/search", "/audit", "/sources"] {
        nobody.asks(page).expect(403).hides("Smith");
    }
    nobody
        .asks(&format!("/review/tasks/{task}"))
        .expect(403)
        .hides("Smith");
}

#[test]
fn the_queue_has_filters_in_its_address() {
    let world = World::start();
    let task = plain_pair(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let all = sam.opens("/review");
    assert_eq!(all.tasks().join(" "), task);
    let filtered = sam.opens("/review?kind=overlay_held&state=open");
    assert!(filtered.tasks().is_empty());
    filtered.shows("<option value=\"overlay_held\" selected>");
    let by_source = sam.opens("/review?kind=possible_duplicate&source=pas");
    assert_eq!(by_source.tasks().join(" "), task);
    by_source.shows(&format!(
        "/review/tasks/{task}?kind=possible_duplicate&#38;source=pas"
    ));
    assert!(sam.opens("/review?assigned_to=me").tasks().is_empty());
    sam.posts_and_follows(&format!("/review/tasks/{task}/claim"), &[])
        .shows("In your hands until")
        .shows("data-until=");
    assert_eq!(sam.opens("/review?assigned_to=me").tasks().join(" "), task);
    let mut other = Visitor::signed_in(&world, "sue", &["steward"]);
    other
        .opens(&format!("/review/tasks/{task}"))
        .shows("In the hands of <bdi>sam</bdi>");
    other
        .answers(&task, "same")
        .expect(409)
        .shows("somebody else has this question")
        .shows("as I see it");
    sam.opens(&format!("/review/tasks/{task}"));
    sam.posts_and_follows(&format!("/review/tasks/{task}/release"), &[])
        .shows("In nobody");
}

#[test]
fn the_comparison_shows_both_sides_with_differences_marked_inside_the_words() {
    let world = World::start();
    let task = plain_pair(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let page = sam.opens(&format!("/review/tasks/{task}"));
    let page = page
        .shows("John Sm<mark>i</mark>th")
        .shows("John Sm<mark>y</mark>th")
        .shows("compared as")
        .shows("<bdi>gp 1</bdi>, version 1, current")
        .shows("to 1 that they are")
        .shows("<svg")
        .shows("The two persons become one.");
    assert!(page.text.len() < 200_000, "{} bytes", page.text.len());
}

#[test]
fn after_an_answer_the_next_question_opens_in_the_readers_hands() {
    let world = World::start();
    let first = plain_pair(&world);
    let other = json!({"birth_date": "1950-02-03", "given_names": ["Jane"], "gender": "female"});
    world.registers("gp", "2", &with(&john_smith(), other.clone()));
    world.registers("pas", "2", &with(&john_smith(), other));
    let tasks = world.tasks().tasks();
    let second = tasks
        .iter()
        .find(|task| **task != first)
        .expect("another")
        .clone();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);

    let sent = sam.answers(&first, "different").expect(303);
    let place = sent.header("location").to_owned();
    assert!(
        place.starts_with(&format!("/review/tasks/{second}?done={first}")),
        "{place}"
    );
    let page = sam
        .opens(&place)
        .shows("You said <strong>Different</strong>");
    page.shows("In your hands until")
        .shows("Take that back (u)");
    assert_eq!(world.task(&first)["outcome"], "different");

    // A second click says nothing new and goes on all the same.
    let again = answers_again(&mut sam, &first, "different");
    assert_eq!(again.status, 303, "{}", again.text);
    assert_eq!(world.task(&first)["reads"], 1);

    let last = sam.answers(&second, "same").expect(303);
    let place = last.header("location").to_owned();
    assert!(place.starts_with("/review?done="), "{place}");
    sam.opens(&place).shows("Nothing waits here");
    world.verify();
}

/// The same form once more, as it stood on the page.
fn answers_again(visitor: &mut Visitor<'_>, task: &str, outcome: &str) -> crate::visitor::Seen {
    let page = visitor.opens("/account");
    assert!(!page.text.is_empty());
    let evidence = "0".repeat(64);
    let fields = [
        ("outcome", outcome),
        ("evidence", &evidence),
        ("version", "1"),
    ];
    visitor.posts(&format!("/review/tasks/{task}/decide"), &fields)
}

#[test]
fn what_was_said_can_be_taken_back_at_once() {
    let world = World::start();
    let task = plain_pair(&world);
    let before = world.cross_reference("pas", "1").person();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let sent = sam.answers(&task, "same").expect(303);
    let place = sent.header("location").to_owned();
    assert_ne!(world.cross_reference("pas", "1").person(), before);
    let merge = place.split("merge=").nth(1).expect("a merge").to_owned();
    sam.opens(&place);
    sam.posts(&format!("/review/tasks/{task}/undo"), &[("merge", &merge)])
        .expect(303);
    assert_eq!(world.cross_reference("pas", "1").person(), before);
    world.verify();
}

#[test]
fn r114_the_second_reader_does_not_see_what_the_first_said() {
    let world = World::start();
    let verified = json!({"nhs_number": NUMBERS[0], "nhs_number_status": "01"});
    world.registers("gp", "1", &with(&john_smith(), verified));
    world.registers("pas", "1", &john_smith());
    let task = world.tasks().tasks()[0].clone();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens(&format!("/review/tasks/{task}"))
        .shows("Two people have to read this");
    sam.answers(&task, "same").expect(303);
    let mut april = Visitor::signed_in(&world, "april", &["approver"]);
    april
        .opens(&format!("/review/tasks/{task}"))
        .shows("has answered; you see what after you have")
        .hides("as I see it");
    april.answers(&task, "same").expect(303);
    assert_eq!(world.task(&task)["state"], "decided");
    world.verify();
}

#[test]
fn r119_an_escalated_question_has_its_evidence_pack() {
    let world = World::start();
    let task = plain_pair(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.asks(&format!("/review/tasks/{task}/pack")).expect(409);
    sam.answers(&task, "escalate").expect(303);
    sam.opens(&format!("/review/tasks/{task}"))
        .shows("Evidence pack");
    sam.opens(&format!("/review/tasks/{task}/pack"))
        .shows("a reader asked for it")
        .shows("John Sm<mark>i</mark>th")
        .hides("as I see it");
}

#[test]
fn a_refused_answer_loses_no_typing() {
    let world = World::start();
    let task = plain_pair(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let page = sam.opens(&format!("/review/tasks/{task}"));
    let (evidence, version) = (page.field("evidence"), page.field("version"));
    // New evidence comes while somebody types.
    let changed = json!({"family_name": "Smyth", "phones": ["07700 900555"]});
    world.registers("pas", "1", &with(&john_smith(), changed));
    let fields = [
        ("outcome", "same"),
        ("reason", "their letters crossed <b>"),
        ("evidence", &evidence),
        ("version", &version),
    ];
    let refused = sam.posts(&format!("/review/tasks/{task}/decide"), &fields);
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    refused.shows("their letters crossed &#60;b&#62;");
    // The session ends before the form is sent.
    sam.cookie = None;
    let ended = sam
        .posts(&format!("/review/tasks/{task}/decide"), &fields)
        .expect(401);
    ended
        .shows("Your session has ended")
        .shows("their letters crossed &#60;b&#62;");
}

#[test]
fn a_held_version_stands_beside_what_is_served() {
    let world = World::start();
    let known = verified_person("turns");
    world.registers("gp", "1", &known);
    let other = person("somebody else altogether");
    let turned = json!({
        "given_names": other["given_names"], "family_name": other["family_name"],
        "birth_date": "1932-01-02",
    });
    let held = world.put("gp", "1", &with(&known, turned)).send();
    let task = held.tasks()[0].clone();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens(&format!("/review/tasks/{task}"))
        .shows("What is served")
        .shows("What is held")
        .shows("The held version becomes current.");
}

#[test]
fn an_account_is_listed_changed_and_closed() {
    let world = World::start();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward", "auditor"]);
    let listed = world.accord(&["account", "list"]).expect(0);
    assert!(
        listed.out.contains("sam\tsteward,auditor"),
        "{}",
        listed.out
    );
    let short = [("present", PASSWORD), ("new", "short"), ("again", "short")];
    sam.posts("/account/password", &short)
        .expect(422)
        .shows("12 to 256 characters");
    let new = "another horse battery";
    let wrong = [("present", "not the one"), ("new", new), ("again", new)];
    sam.posts("/account/password", &wrong)
        .expect(422)
        .shows("not right");
    let right = [("present", PASSWORD), ("new", new), ("again", new)];
    sam.posts("/account/password", &right).expect(303);
    sam.asks("/review").expect(303);
    sam.signs_in("sam", PASSWORD).expect(401);
    sam.signs_in("sam", new).expect(303);
    with_input(
        &world,
        &["account", "password", "sam"],
        "a third horse battery",
    );
    sam.asks("/review").expect(303);
    sam.signs_in("sam", "a third horse battery").expect(303);
    sam.opens("/review");
    world.accord(&["account", "disable", "sam"]).expect(0);
    sam.asks("/review").expect(303);
    sam.signs_in("sam", "a third horse battery").expect(401);
    world.accord(&["account", "disable", "nobody"]).expect(1);
}

/// The reason that everything is looked at with.
const CALLER: &str = "a caller asks for her own records";

#[test]
fn r131_a_search_and_a_person_are_looked_at_for_a_reason_that_the_auditor_reads() {
    let world = World::start();
    let known = verified_person("sought");
    let id = world.registers("gp", "1", &known).person();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens(&format!("/persons/{id}"))
        .shows("Why do you look at this person?")
        .hides("gp 1");
    let number = known["nhs_number"].as_str().expect("a number");
    let family = known["family_name"].as_str().expect("a name");
    sam.opens("/search");
    sam.posts("/search", &[("nhs_number", number)]).expect(422);
    let found = sam
        .posts("/search", &[("purpose", CALLER), ("nhs_number", number)])
        .expect(200);
    found.shows(family).shows(&format!("/persons/{id}"));
    let none = sam.posts("/search", &[("purpose", CALLER), ("family_name", "Smith")]);
    assert_eq!(none.status, 422, "{}", none.text);
    sam.opens(&format!("/persons/{id}"))
        .shows(family)
        .shows("What the records say together")
        .shows("gp 1");
    sam.opens(&format!("/persons/{id}/records/1"))
        .shows("Version 1, current")
        .shows("verified");
    sam.asks(&format!("/persons/{id}/records/2")).expect(404);

    sam.asks("/audit").expect(403);
    let mut audrey = Visitor::signed_in(&world, "audrey", &["auditor"]);
    audrey
        .opens(&format!("/audit/persons/{id}"))
        .shows(CALLER)
        .shows("<bdi>sam</bdi>")
        .hides(family);
    audrey
        .posts("/audit", &[("actor", "sam"), ("step", "show")])
        .expect(200)
        .shows("search person");
    let file = audrey
        .posts("/audit", &[("actor", "sam"), ("step", "csv")])
        .expect(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(
        file.text.contains(CALLER) && file.text.contains("\"read_person\""),
        "{}",
        file.text
    );
    audrey.asks(&format!("/persons/{id}")).expect(403);
    let mut priya = Visitor::signed_in(&world, "priya", &["privacy_officer"]);
    priya
        .opens(&format!("/persons/{id}/subject-access"))
        .shows(family)
        .shows(CALLER);
    sam.asks(&format!("/persons/{id}/subject-access"))
        .expect(403);
    sam.opens("/sources")
        .shows("As a file")
        .shows("<bdi>gp</bdi>");
}

#[test]
fn people_of_one_name_and_date_are_marked_in_a_list() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    world.registers("pas", "1", &john_smith());
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens("/search");
    let fields = [
        ("purpose", CALLER),
        ("family_name", "Smith"),
        ("given_names", "John"),
        ("birth_date", "1961-03-04"),
    ];
    sam.posts("/search", &fields)
        .expect(200)
        .shows("same name and date as another");
}

#[test]
fn a_merge_is_shown_before_it_is_made_and_taken_back_from_the_timeline() {
    let world = World::start();
    let one = world
        .registers("gp", "1", &person("joined by hand"))
        .person();
    let other = world
        .registers("pas", "1", &person("joined by another hand"))
        .person();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.posts("/purpose", &[("purpose", CALLER)]).expect(303);
    let path = format!("/persons/{one}/merge");
    let fields = [
        ("other", other.as_str()),
        ("reason", "confirmed by telephone"),
    ];
    sam.opens(&format!("/persons/{one}"));
    let preview = sam
        .posts(&path, &fields)
        .expect(200)
        .shows("Nothing has changed yet");
    let preview = preview
        .shows(&format!("{other} leads to {one}."))
        .shows("confirmed by telephone");
    assert_eq!(world.cross_reference("pas", "1").person(), other);
    let seen = preview.field("seen");
    let mut go = fields.to_vec();
    go.extend([("seen", seen.as_str()), ("step", "do")]);
    let person_page = sam.posts_and_follows(&path, &go);
    assert_eq!(world.cross_reference("pas", "1").person(), one);
    let undo = person_page
        .values("action=\"/merges/")
        .pop()
        .expect("a merge");
    let undo = format!("/merges/{undo}");
    let preview = sam
        .posts(&undo, &[("reason", "they are sisters")])
        .expect(200);
    let preview = preview.shows(&format!("{other} stands for itself again."));
    let seen = preview.field("seen");
    let go = [
        ("reason", "they are sisters"),
        ("seen", seen.as_str()),
        ("step", "do"),
    ];
    sam.posts(&undo, &go).expect(303);
    assert_eq!(world.cross_reference("pas", "1").person(), other);
    // Who were parted are not joined again before what was said is taken back.
    sam.opens(&format!("/persons/{one}"));
    let refused = sam.posts(&path, &fields);
    assert!(
        refused
            .text
            .contains("says that these are different people"),
        "{}",
        refused.text
    );
    let before = sam.opens(&format!("/persons/{one}"));
    let mut deeds = before.values("action=\"/persons/").into_iter();
    let take_back = deeds.rfind(|it| it.ends_with("/withdraw"));
    let take_back = format!("/persons/{}", take_back.expect("something said"));
    sam.posts_and_follows(&take_back, &[("reason", "it was her after all")])
        .hides("/withdraw\"");
    sam.posts(&path, &fields)
        .expect(200)
        .shows("Nothing has changed yet");
    // A record is moved with a preview too.
    let page = format!("/persons/{one}/records/1/move");
    sam.opens(&format!("/persons/{one}"));
    let wrong = sam.posts(&page, &[("to", &other), ("reason", ""), ("step", "look")]);
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let preview = sam.posts(&page, &[("to", &other), ("reason", "wrong file")]);
    assert!(preview.status < 500, "{}", preview.text);
    world.verify();
}
