//! PostgreSQL is killed or stopped at once under load, and started again:
//! nothing that was acknowledged is lost, the services say meanwhile that they
//! are not ready, and answer again without help. `ACCORD_DATABASE_KILLS` sets
//! how often.

use super::load::{Load, Sender, lost, surplus};
use super::{Chance, own_cluster, report, within};
use crate::postgres::{Cluster, Durability};
use crate::world::{Place, World, times};

const PROOF: &str = "database_killed";
const CLIENTS: usize = 6;
const NODES: usize = 2;
const READ: usize = 25;

fn readiness(world: &World) -> u16 {
    let answer = world.get_root("/readyz").try_send();
    answer.map_or(0, |answer| answer.status)
}

#[test]
fn nothing_is_lost_and_answers_resume_when_postgres_is_killed() {
    let Some(cluster) = own_cluster(PROOF, Durability::Full) else {
        return;
    };
    let nodes = World::nodes(Place::Postgres(&cluster), NODES);
    let mut chance = Chance::new();
    let kills = times("ACCORD_DATABASE_KILLS", 4);
    let (mut kept, mut failures, mut unanswered) = (Vec::new(), Vec::new(), 0);
    for round in 0..kills {
        let load = Load::new(&nodes, &format!("database {round}"), Sender::Insists);
        let acknowledged = load.during(CLIENTS, || {
            std::thread::sleep(chance.milliseconds(100, 800));
            let kill = [Cluster::kill_postmaster, Cluster::stop_immediate][round % 2];
            kill(&cluster);
            within(60, "the services say that they are not ready", || {
                nodes.iter().all(|node| readiness(node) == 503)
            });
            cluster.start();
            within(60, "the services are ready again", || {
                nodes.iter().all(|node| readiness(node) == 200)
            });
            let before = load.count(None);
            within(60, "answers resume", || load.count(None) > before + 10);
        });
        unanswered += load.unanswered();
        failures.extend(lost(&nodes[0], &acknowledged, READ));
        kept.extend(acknowledged);
    }
    failures.extend(lost(&nodes[1], &kept, READ * 4));
    failures.extend(surplus(&nodes[0], &kept));
    nodes[0].accord(&["verify"]).expect(0);
    let more = format!(
        "nodes={NODES} acknowledged={} unanswered={unanswered}",
        kept.len()
    );
    drop(nodes);
    report(PROOF, "postgres", kills, &failures, &more);
}
