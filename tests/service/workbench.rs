//! What engineers see: the model and what came of it, in figures and levels, and
//! nobody. The same pictures as in the reports.

use serde_json::json;

use crate::people::{john_smith, with};
use crate::visitor::Visitor;
use crate::world::World;

#[test]
fn an_engineer_sees_what_the_model_weighs_and_nobody() {
    let world = World::start();
    world.registers("gp", "10077", &john_smith());
    let other = with(&john_smith(), json!({"family_name": "Smyth"}));
    world.registers("pas", "20088", &other);
    let task = world.tasks().tasks()[0].clone();

    let mut edith = Visitor::signed_in(&world, "edith", &["engineer"]);
    let first = edith.asks("/").expect(303);
    assert_eq!(first.header("location"), "/models");
    let page = edith
        .opens("/models")
        .shows("m and u of each level")
        .shows("birth date: exact")
        .shows("Looked at from")
        .shows("Levels and weights only")
        .shows("near the review threshold")
        .hides("Smith")
        .hides("Smyth")
        .hides("10077")
        .hides("20088")
        .hides(&task)
        .hides("style=");
    assert_eq!(
        page.text.matches("<svg").count(),
        page.text.matches("<desc").count()
    );
    edith.asks(&format!("/review/tasks/{task}")).expect(403);

    // An answer is a label: its weight and what was said of it.
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.asks("/models").expect(403);
    let question = sam.opens(&format!("/review/tasks/{task}"));
    let (evidence, version) = (question.field("evidence"), question.field("version"));
    let said = [
        ("outcome", "different"),
        ("reason", "father and son"),
        ("evidence", &evidence),
        ("version", &version),
    ];
    sam.posts(&format!("/review/tasks/{task}/decide"), &said)
        .expect(303);
    edith
        .opens("/models")
        .shows("Answers by weight")
        .shows("people said: two people")
        .hides("father and son");
}
