//! I18: a service that is told to stop (SIGTERM) under load takes no more,
//! answers what it has taken and ends with code 0. No client sees another fault
//! than a closed connection, and nothing acknowledged is lost. `ACCORD_STOPS`
//! sets how often on each engine.

use super::load::{Load, Sender, lost, surplus};
use super::{Chance, durable_cluster, report};
use crate::world::{Place, World, times};

const PROOF: &str = "graceful_stops";
const CLIENTS: usize = 6;
const READ: usize = 25;

fn stops(place: Place<'_>) {
    let world = [World::start_on(place)];
    let mut chance = Chance::new();
    let (mut kept, mut failures) = (Vec::new(), Vec::new());
    let stops = times("ACCORD_STOPS", 10);
    for round in 0..stops {
        let after = chance.milliseconds(50, 700);
        let load = Load::new(&world, &format!("stopped {round}"), Sender::GivesUp);
        let acknowledged = load.during(CLIENTS, || {
            std::thread::sleep(after);
            let ended = world[0].stops();
            if ended.code != Some(0) {
                failures.push(format!("round {round} ended with {:?}", ended.code));
            }
        });
        if load.refused() > 0 {
            failures.push(format!("round {round}: {} were refused", load.refused()));
        }
        world[0].serves();
        failures.extend(lost(&world[0], &acknowledged, READ));
        kept.extend(acknowledged);
    }
    failures.extend(lost(&world[0], &kept, READ * 4));
    failures.extend(surplus(&world[0], &kept));
    world[0].verify();
    assert!(
        !kept.is_empty(),
        "nothing was acknowledged before the stops"
    );
    let more = format!("acknowledged={}", kept.len());
    report(PROOF, place.name(), stops, &failures, &more);
}

#[test]
fn i18_a_stop_under_load_loses_nothing_and_is_seen_as_a_closed_door_on_sqlite() {
    stops(Place::Sqlite);
}

#[test]
fn i18_a_stop_under_load_loses_nothing_and_is_seen_as_a_closed_door_on_postgres() {
    if let Some(cluster) = durable_cluster(PROOF) {
        stops(Place::Postgres(cluster));
    }
}
