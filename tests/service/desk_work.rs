//! Who does what at the review desk: questions given to a colleague, what waits by
//! person and source, the queue as a file, and how answers agree.

use serde_json::json;

use crate::people::{NUMBERS, john_smith, with};
use crate::visitor::{Visitor, make_account};
use crate::world::World;

fn pair(world: &World) -> String {
    world.registers("gp", "1", &john_smith());
    let smyth = with(&john_smith(), json!({"family_name": "Smyth"}));
    world.registers("pas", "=1+1", &smyth);
    world.tasks().tasks()[0].clone()
}

#[test]
fn a_question_is_given_to_a_colleague_who_finds_it_and_gives_it_back() {
    let world = World::start();
    let task = pair(&world);
    make_account(&world, "adam", &["administrator"]);
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let page = format!("/review/tasks/{task}");
    sam.opens(&page)
        .shows("<option>sue</option>")
        .hides("<option>adam</option>")
        .hides("<option>sam</option>");
    let assign = format!("{page}/assign");
    sam.posts(&assign, &[("to", "adam")])
        .expect(422)
        .shows("nobody of this name may answer");
    sam.posts_and_follows(&assign, &[("to", "sue")])
        .shows("In the hands of <bdi>sue</bdi>")
        .shows("sam gave a question to sue.");
    // It is hers now, and nobody takes it out of her hands.
    sam.posts(&assign, &[("to", "sam")])
        .expect(409)
        .shows("somebody else has this question");
    sue.opens("/work").shows("Are these two persons one?");
    assert_eq!(sue.opens("/review?assigned_to=me").tasks().join(" "), task);
    sam.opens("/work").shows("assigned_to=sue");
    sue.opens(&page).shows("In your hands until");
    sue.posts_and_follows(&format!("{page}/release"), &[])
        .shows("In nobody");
    world.verify();
}

#[test]
fn r114_a_question_is_given_to_nobody_who_may_not_answer_it() {
    let world = World::start();
    let verified = json!({"nhs_number": NUMBERS[0], "nhs_number_status": "01"});
    world.registers("gp", "1", &with(&john_smith(), verified));
    world.registers("pas", "1", &john_smith());
    let task = world.tasks().tasks()[0].clone();
    make_account(&world, "april", &["approver"]);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let path = format!("/review/tasks/{task}/assign");
    // The first read is a steward's, and an approver's page says so.
    let page = format!("/review/tasks/{task}");
    let mut ann = Visitor::signed_in(&world, "ann", &["approver"]);
    ann.opens(&page)
        .shows("Not yours to answer: this question waits for its first reader");
    sam.opens(&page).hides("Not yours to answer");
    ann.posts_and_follows("/review/start", &[])
        .shows("Nothing of what is listed first is yours to take");
    sam.posts(&path, &[("to", "april")])
        .expect(403)
        .shows("must be a steward");
    sam.answers(&task, "same").expect(303);
    // The second is somebody else's.
    ann.opens(&page).hides("Not yours to answer");
    let taken = ann.posts("/review/start", &[]).expect(303);
    assert!(taken.header("location").contains(&task), "a second reading");
    ann.opens(&page);
    ann.posts_and_follows(&format!("{page}/release"), &[])
        .shows("In nobody");
    sam.opens(&page)
        .shows("Not yours to answer: you have read this question already");
    sam.posts(&path, &[("to", "sam")]).expect(409);
    sam.posts(&path, &[("to", "april")]).expect(303);
    world.verify();
}

#[test]
fn the_queue_and_its_work_are_counted_and_go_into_a_file() {
    let world = World::start();
    let task = pair(&world);
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let file = sam.opens("/review?kind=possible_duplicate&csv");
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.text.contains(&task), "{}", file.text);
    assert!(!file.text.contains("Smith") && !file.text.contains("=1+1"));
    let none = sam.opens("/review?kind=overlay_held&csv");
    assert_eq!(none.text.lines().count(), 1, "{}", none.text);
    sam.opens("/work")
        .shows("1 questions, 0 overdue")
        .shows("/review?source=pas");
    sam.opens("/sources")
        .shows("<a href=\"/review?source=pas\">1</a>");
    let mut audrey = Visitor::signed_in(&world, "audrey", &["auditor"]);
    audrey.asks("/work").expect(403);
    audrey.opens("/sources").hides("/review?source=pas");
}

#[test]
fn r117_stewards_see_how_their_own_answers_agree_and_approvers_everybodys() {
    let world = World::start();
    let verified = json!({"nhs_number": NUMBERS[0], "nhs_number_status": "01"});
    world.registers("gp", "1", &with(&john_smith(), verified));
    world.registers("pas", "1", &john_smith());
    let task = world.tasks().tasks()[0].clone();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let mut april = Visitor::signed_in(&world, "april", &["approver"]);
    for (reader, outcome) in [(&mut sam, "same"), (&mut april, "different")] {
        reader.answers(&task, outcome).expect(303);
    }
    april
        .opens("/work")
        .shows("<bdi>sam</bdi>")
        .shows("<bdi>april</bdi></th>");
    sam.opens("/work")
        .shows("<bdi>sam</bdi></th>")
        .hides("<bdi>april</bdi></th>");
}
