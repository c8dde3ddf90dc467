//! `accord verify` on a sound ledger: it finds nothing, served or at rest, and
//! says what it looked at.

use serde_json::json;

use crate::people::{john_smith, person, verified_person, with};
use crate::world::World;

#[test]
fn an_empty_ledger_is_sound() {
    World::at_rest().accord(&["verify"]).expect(0);
}

#[test]
fn a_ledger_that_has_seen_everything_is_sound_while_it_is_served_and_after() {
    let world = World::start();
    let known = verified_person("everything");
    world.registers("gp", "1", &known);
    world.registers("pas", "1", &known);
    world.registers(
        "gp",
        "1",
        &with(&known, json!({"phones": ["07700 900020"]})),
    );
    world
        .put("gp", "1", &verified_person("everything else"))
        .send()
        .expect(200);
    world.registers("gp", "2", &john_smith());
    world.registers("pas", "2", &john_smith());
    world.registers(
        "ed",
        "3",
        &with(&person("everything"), json!({"restricted": true})),
    );
    world.withdraws("ed", "3");

    let served = world.accord(&["verify"]).expect(0);

    assert!(!served.out.trim().is_empty(), "it says what it looked at");
    world.verify();
}
