//! What do requests cost, over HTTP, durable, on both engines? Starts the
//! release binary on a made-up region and prints the processor time of the
//! service (and of the database server's processes) for a request, beside a
//! null request of the same server; wall times as the client sees them.
//!
//! One file is generated and imported once, into an empty SQLite ledger;
//! `accord migrate` brings the same ledger to PostgreSQL, with its proof. What an
//! import costs in a ledger of this size is measured on both by further records.
//!
//! | setting | default | what it sets |
//! | --- | --- | --- |
//! | `ACCORD_PERSONS` | 20000 | persons of the region |
//! | `ACCORD_RECORDS_PER_PERSON` | all | records of each that are loaded at most |
//! | `ACCORD_ENGINES` | `sqlite,postgres` | the engines |
//! | `ACCORD_REQUESTS` | 2000 | requests of each measurement |
//! | `ACCORD_IMPORTED` | 20000 | further records that are imported |
//! | `ACCORD_LEDGERS` | a temporary folder | where loaded ledgers are kept for the next run |

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads its settings, waits and prints what it finds"
)]

mod client;
mod ledger;
#[path = "../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "the proofs use the rest")]
mod postgres;
mod processes;
mod region;
mod scenario;

use std::process::{Child, Stdio};
use std::time::Instant;

use client::Client;
use ledger::Ledger;
use processes::{Meter, cpu_of};
use region::Region;
use scenario::{Load, Scenario};

/// Clients at once in the second half of a scenario.
const CLIENTS: usize = 8;

struct Settings {
    requests: usize,
    engines: Vec<String>,
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn number(name: &str, default: &str) -> usize {
    setting(name, default).parse().expect("a number")
}

impl Settings {
    fn read() -> Self {
        Self {
            requests: number("ACCORD_REQUESTS", "2000"),
            engines: setting("ACCORD_ENGINES", "sqlite,postgres")
                .split(',')
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// The machine's load average, which every figure is to be read with.
fn load_average() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn main() {
    let settings = Settings::read();
    let scratch = tempfile::tempdir().expect("a folder");
    let kept = std::env::var("ACCORD_LEDGERS").map(std::path::PathBuf::from);
    let folder = kept.unwrap_or_else(|_| scratch.path().to_owned());
    let region = Region::make(&folder);
    println!("{}; load average {}", region.words(), load_average());
    let base = Ledger::file(region.folder.join("sqlite"));
    if base.is_missing() {
        base.import(&region.records, "sqlite, into nothing", &|| 0.0);
    }
    for engine in &settings.engines {
        let place = scratch.path().join(engine);
        if engine == "postgres" {
            let cluster = postgres::Cluster::start_new(postgres::Durability::Full);
            let cluster = cluster.expect("a PostgreSQL server");
            let ledger = Ledger::on_server(place, cluster.create_database());
            ledger.fill_from(&base);
            let server = || cpu_of(&cluster.processes());
            measure(&settings, engine, &ledger, &region, &server);
        } else {
            let ledger = Ledger::file(place);
            ledger.copy_from(&base);
            measure(&settings, engine, &ledger, &region, &|| 0.0);
        }
    }
}

fn measure(
    settings: &Settings,
    engine: &str,
    ledger: &Ledger,
    region: &Region,
    server: &dyn Fn() -> f64,
) {
    println!("{engine}: load average {}", load_average());
    ledger.import(&region.further, engine, server);
    let token = ledger.token();
    let started = Instant::now();
    let (mut service, address) = serve(ledger);
    println!(
        "{engine}: ready {:.2} s after the start",
        started.elapsed().as_secs_f64()
    );
    let meter = Meter::new(service.id(), server);
    let scenarios = [
        Scenario::Null,
        Scenario::Match,
        Scenario::Register,
        Scenario::PopularBirthDate,
    ];
    let load = Load::read(&region.records);
    let connect = || Client::new(&address, &token);
    load.prepare(&mut connect());
    for scenario in scenarios {
        for clients in [1, CLIENTS] {
            let figures = scenario.run(&load, &connect, clients, settings.requests, &meter);
            println!(
                "{engine}: {}, {clients} at once: {figures}",
                scenario.name()
            );
        }
    }
    println!(
        "{engine}: resident memory {} MiB, load average {}",
        processes::resident_mib(service.id()),
        load_average()
    );
    // The ledger is durable; nothing else is of interest.
    let _ = service.kill();
    let _ = service.wait();
}

fn serve(ledger: &Ledger) -> (Child, String) {
    use std::io::{BufRead as _, BufReader};
    let mut service = ledger
        .command("serve")
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("accord runs");
    let mut lines = BufReader::new(service.stdout.take().expect("its output")).lines();
    let line = lines.next().expect("a line").expect("a line");
    let address = line
        .rsplit("http://")
        .next()
        .expect("an address")
        .to_owned();
    (service, address)
}
