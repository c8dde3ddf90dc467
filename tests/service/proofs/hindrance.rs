//! F12: somebody else on the same PostgreSQL is in the way. A transaction that
//! stays open holds back what followers may see; a locked table lets the readers'
//! pool run dry; all connections are taken. What cannot be answered is refused
//! with 503, what is answered is whole, and all of it ends by itself.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::runtime::Runtime;

use super::load::{Load, Sender, Stopping, lost, surplus};
use super::{own_cluster, report, say, within};
use crate::people::{person, with};
use crate::postgres::{Cluster, Durability};
use crate::server::lock;
use crate::world::{Place, World};

const CLIENTS: usize = 6;
const ASKING: usize = 24;
const READ: usize = 50;
/// As long as nothing can be read or written.
const HINDERED: Duration = Duration::from_secs(6);

/// Sessions of somebody else; they end with it.
struct Other {
    runtime: Runtime,
    sessions: Vec<PgConnection>,
    url: String,
}

impl Other {
    fn on(url: &str) -> Self {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build();
        Self {
            runtime: runtime.expect("a runtime for others"),
            sessions: Vec::new(),
            url: url.to_owned(),
        }
    }

    /// One more session; whether there was room for it.
    fn comes(&mut self) -> bool {
        let came = self.runtime.block_on(PgConnection::connect(&self.url));
        came.map(|session| self.sessions.push(session)).is_ok()
    }

    fn says(&mut self, sql: &str) {
        let session = self.sessions.first_mut().expect("a session");
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(session);
        self.runtime.block_on(done).expect("it is said");
    }
}

#[test]
fn f12_a_transaction_that_holds_the_horizon_is_said_and_hides_nobody() {
    const PROOF: &str = "horizon_held";
    let Some(cluster) = own_cluster(PROOF, Durability::Full) else {
        return;
    };
    let nodes = World::nodes(Place::Postgres(&cluster), 2);
    let mut other = Other::on(&cluster.url("postgres"));
    assert!(other.comes());
    other.says("begin; select pg_current_xact_id()");
    let story = |place: usize| person(&format!("beyond the horizon {place}"));
    let mut failures = Vec::new();
    for place in 0..20 {
        let first = nodes[place % 2].registers("gp", &place.to_string(), &story(place));
        let question = with(&story(place), json!({"phones": null}));
        let asked = nodes[(place + 1) % 2].matches(&question);
        if asked["complete"] != true || !asked.mentions(&first.person()) {
            failures.push(format!("{place} was asked for: {}", asked.text));
        }
        let again = nodes[(place + 1) % 2].registers("pas", &place.to_string(), &story(place));
        if again.person() != first.person() {
            failures.push(format!("{place} has two persons"));
        }
    }
    let standing = |node: &World| node.get_root("/readyz").send().expect(200);
    within(60, "the nodes say that they lag", || {
        nodes.iter().all(|node| standing(node)["lagging"] == true)
    });
    let events = |node: &World| node.get("/events?limit=500").send().expect(200);
    let before = events(&nodes[0]).list("events").len();
    other.says("rollback");
    within(60, "the nodes have followed", || {
        let followed = |node: &World| {
            let standing = standing(node);
            standing["lagging"] == false && standing["index_lag"] == 0
        };
        nodes.iter().all(followed)
    });
    let after = events(&nodes[0]).list("events").len();
    assert!(before < after, "the horizon held nothing back: {before}");
    for place in 0..20 {
        let found = nodes[place % 2].matches(&story(place));
        let person = nodes[0].cross_reference("gp", &place.to_string()).person();
        if !found.mentions(&person) {
            failures.push(format!("{place} is not in the index: {}", found.text));
        }
    }
    report(PROOF, "postgres", 20, &failures, "nodes=2");
}

/// Asks for a known person until it is told to stop: by status how often, and
/// which answers were dressed up.
fn asks(node: &World, person_id: &str, stop: &AtomicBool) -> (BTreeMap<u16, usize>, Vec<String>) {
    let (statuses, wrong) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    let known = person("asked for all the time");
    thread::scope(|scope| {
        for _ in 0..ASKING {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let answer = node.post("/match").json(&known).send();
                    *lock(&statuses).entry(answer.status).or_insert(0) += 1;
                    let sound = match answer.status {
                        200 => answer.mentions(person_id),
                        503 => answer.headers.contains_key("retry-after"),
                        _ => false,
                    };
                    if !sound {
                        lock(&wrong).push(format!("{} {}", answer.status, answer.text));
                    }
                }
            });
        }
    });
    let inner = (statuses.into_inner(), wrong.into_inner());
    (inner.0.expect("no panic"), inner.1.expect("no panic"))
}

/// Lets `hinders` be in the way for a while, under load and questions.
fn hindered(proof: &str, cluster: &Cluster, hinders: impl FnOnce(&World) -> Other) {
    let nodes = [World::start_on(Place::Postgres(cluster))];
    let known = person("asked for all the time");
    let person_id = nodes[0].registers("gp", "asked for", &known).person();
    let load = Load::new(&nodes, proof, Sender::Insists);
    let stop = AtomicBool::new(false);
    let (kept, asked) = thread::scope(|scope| {
        let asking = scope.spawn(|| asks(&nodes[0], &person_id, &stop));
        let stopping = Stopping(&stop);
        let kept = load.during(CLIENTS, || {
            within(60, "records come in", || load.count(None) > 20);
            let other = hinders(&nodes[0]);
            thread::sleep(HINDERED);
            drop(other);
            let before = load.count(None);
            within(60, "answers resume", || load.count(None) > before + 20);
        });
        drop(stopping);
        (kept, asking.join().expect("no panic"))
    });
    let (statuses, mut failures) = asked;
    within(60, "it is ready again", || {
        let answer = nodes[0].get_root("/readyz").send();
        answer.status == 200
    });
    failures.extend(lost(&nodes[0], &kept, READ));
    failures.extend(surplus(&nodes[0], &kept));
    nodes[0].verify();
    let refused = statuses.get(&503).copied().unwrap_or_default();
    if refused == 0 {
        say(&format!(
            "proof: {proof} engine=postgres: nothing was refused"
        ));
    }
    let more = format!("refused={refused} acknowledged={}", kept.len());
    report(proof, "postgres", statuses.values().sum(), &failures, &more);
}

#[test]
fn f12_locked_tables_and_full_servers_refuse_and_recover_by_themselves() {
    let Some(cluster) = own_cluster("hindered", Durability::Full) else {
        return;
    };
    hindered("tables_locked", &cluster, |world| {
        let mut other = Other::on(world.database().expect("a world on PostgreSQL"));
        assert!(other.comes());
        other.says("begin; lock table persons in access exclusive mode");
        other
    });
    hindered("connections_taken", &cluster, |world| {
        let database = Cluster::name_in(world.database().expect("a world on PostgreSQL"));
        let mut other = Other::on(&cluster.url("postgres"));
        while other.comes() {}
        other.says(&format!(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity \
             where datname = '{database}'"
        ));
        while other.comes() {}
        other
    });
}
