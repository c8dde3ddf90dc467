//! The connection between a node and PostgreSQL is cut at random bytes and
//! just after a commit was sent. Whether that commit took place is unknown to
//! the node; still nothing acknowledged is lost and nothing is there twice.
//! `ACCORD_CUTS` sets how many connections.

use super::load::{Load, Sender, lost, surplus};
use super::proxy::Proxy;
use super::{durable_cluster, report, within};
use crate::world::{Place, Setting, World, times};

const PROOF: &str = "database_cut";
const CLIENTS: usize = 6;
const SECONDS_MAX: u64 = 600;

#[test]
fn a_cut_connection_to_postgres_loses_nothing_and_doubles_nothing() {
    let Some(cluster) = durable_cluster(PROOF) else {
        return;
    };
    let place = Place::Postgres(cluster);
    let whole = World::prepared(place, Setting::default());
    let url = whole.database().expect("a world on PostgreSQL").to_owned();
    let proxy = Proxy::to(cluster.port());
    let by_proxy = url.replace(&cluster.port().to_string(), &proxy.port.to_string());
    let setting = Setting {
        database: Some(by_proxy),
        ..Setting::default()
    };
    let nodes = [World::prepared(place, setting)];
    nodes[0].serves();

    let wanted = times("ACCORD_CUTS", 100);
    let load = Load::new(&nodes, "cut", Sender::Insists);
    let sum = |(bytes, commits)| -> usize { bytes + commits };
    let kept = load.during(CLIENTS, || {
        proxy.cuts(true);
        within(SECONDS_MAX, "enough connections are cut", || {
            sum(proxy.counts()) >= wanted
        });
        proxy.cuts(false);
        let before = load.count(None);
        within(60, "answers resume", || load.count(None) > before + 10);
    });
    let mut failures = lost(&nodes[0], &kept, usize::MAX);
    failures.extend(surplus(&nodes[0], &kept));
    nodes[0].verify();
    let (at_bytes, at_commits) = proxy.counts();
    let more = format!(
        "at_bytes={at_bytes} at_commits={at_commits} acknowledged={} unanswered={}",
        kept.len(),
        load.unanswered()
    );
    report(PROOF, "postgres", at_bytes + at_commits, &failures, &more);
}
