//! DESIGN §2.1: an acknowledged record survives the death of the process at
//! any moment. Several clients write while the service is killed with SIGKILL
//! at random times. `ACCORD_KILLS` sets how often on each engine. (That
//! `kill -9` proves nothing about power cuts is known; `power` cuts it.)

use super::load::{Load, Sender, lost, surplus};
use super::{Chance, durable_cluster, report};
use crate::world::{Place, World, times};

const PROOF: &str = "kills";
const CLIENTS: usize = 6;
/// Records whose content is read after each kill; all are looked up.
const READ: usize = 25;

fn kills(place: Place<'_>) {
    let world = [World::start_on(place)];
    let mut chance = Chance::new();
    let (mut kept, mut failures) = (Vec::new(), Vec::new());
    let kills = times("ACCORD_KILLS", 20);
    for round in 0..kills {
        let after = chance.milliseconds(50, 1000);
        let load = Load::new(&world, &format!("killed {round}"), Sender::GivesUp);
        let acknowledged = load.during(CLIENTS, || {
            std::thread::sleep(after);
            world[0].dies();
        });
        world[0].serves();
        failures.extend(lost(&world[0], &acknowledged, READ));
        kept.extend(acknowledged);
    }
    failures.extend(lost(&world[0], &kept, READ * 4));
    failures.extend(surplus(&world[0], &kept));
    let more = format!("acknowledged={}", kept.len());
    world[0].verify();
    assert!(
        !kept.is_empty(),
        "nothing was acknowledged before the kills"
    );
    report(PROOF, place.name(), kills, &failures, &more);
}

#[test]
fn no_acknowledged_record_is_lost_to_kill_9_on_sqlite() {
    kills(Place::Sqlite);
}

#[test]
fn no_acknowledged_record_is_lost_to_kill_9_on_postgres() {
    if let Some(cluster) = durable_cluster(PROOF) {
        kills(Place::Postgres(cluster));
    }
}
