//! `accord verify` on a sound ledger: it finds nothing, served or at rest, and
//! says what it looked at.

use crate::world::World;

#[test]
fn an_empty_ledger_is_sound() {
    World::at_rest().accord(&["verify"]).expect(0);
}

#[test]
fn a_ledger_that_has_seen_everything_is_sound_while_it_is_served_and_after() {
    let world = World::lived_in();

    let served = world.accord(&["verify"]).expect(0);

    assert!(!served.out.trim().is_empty(), "it says what it looked at");
    world.verify();
}
