//! PostgreSQL is killed or stopped at once under load, and started again:
//! nothing that was acknowledged is lost, the services say meanwhile that they
//! are not ready, and answer again without help. `ACCORD_DATABASE_KILLS` sets
//! how often.

use super::load::{Load, Sender, exported, lost, surplus};
use super::{Chance, own_cluster, report, within};
use crate::people::person;
use crate::postgres::{Cluster, Durability};
use crate::server::Template;
use crate::world::{Place, Setting, World, times};

const PROOF: &str = "database_killed";
const CLIENTS: usize = 6;
const NODES: usize = 2;
const READ: usize = 25;

fn readiness(world: &World) -> u16 {
    let answer = world.get_root("/readyz").try_send();
    answer.map_or(0, |answer| answer.status)
}

/// The copy of a sequence counts the numbers that were logged ahead for its
/// template as its own, and a crash takes back what it gave out of these.
#[test]
fn a_crash_soon_after_a_copy_of_the_database_takes_no_number_twice() {
    const PROOF: &str = "sequences_taken_back";
    let Some(cluster) = own_cluster(PROOF, Durability::Full) else {
        return;
    };
    let place = Place::Postgres(&cluster);
    let template = Template::get_in(&cluster).database.clone();
    let template = template.expect("this template is in a database");
    let (mut failures, mut behind) = (Vec::new(), 0);
    let rounds = 4;
    for round in 0..rounds {
        let database = format!("copy_{round}");
        let copy = format!("create database {database} template {template}");
        cluster.execute("postgres", &copy);
        let setting = Setting {
            database: Some(cluster.url(&database)),
            ..Setting::default()
        };
        let world = World::prepared(place, setting);
        world.serves();
        let registers = |part: &str| {
            for record in 0..5 {
                let local_id = format!("{part}-{record}");
                let known = person(&format!("{part} {round} {record}"));
                world.registers("gp", &local_id, &known);
            }
        };
        registers("before");
        cluster.kill_all();
        cluster.start();
        let last = "select (select last_value from event_positions) + 4096 - \
            (select max(position) from events)";
        behind += usize::from(cluster.number(&database, last) < 0);
        within(60, "the service is ready again", || {
            readiness(&world) == 200
        });
        registers("after");
        if exported(&world).len() != 10 {
            failures.push(format!("round {round}: not every record is there"));
        }
        world.verify();
    }
    let more = format!("taken_back={behind}");
    report(PROOF, "postgres", rounds, &failures, &more);
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
