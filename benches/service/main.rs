//! What do requests cost, over HTTP, durable, on both engines? Starts the
//! release binary on a made-up region and prints the processor time of the
//! service (and of the database server's processes) for a request, beside a
//! null request of the same server; wall times as the client sees them.
//!
//! `ACCORD_PERSONS` (default 20,000) sets the size, `ACCORD_ENGINES` (default
//! `sqlite,postgres`) the engines, `ACCORD_REQUESTS` (default 2,000) the sample.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement reads its settings, waits and prints what it finds"
)]

mod client;
#[path = "../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "the proofs use the rest")]
mod postgres;
mod processes;
mod scenario;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use client::Client;
use processes::{Meter, cpu_of};
use scenario::{Load, Scenario};

/// Clients at once in the second half of a scenario.
const CLIENTS: usize = 8;

struct Settings {
    persons: u64,
    requests: usize,
    engines: Vec<String>,
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

impl Settings {
    fn read() -> Self {
        let number = |name: &str, default: &str| setting(name, default).parse().expect("a number");
        Self {
            persons: number("ACCORD_PERSONS", "20000"),
            requests: usize::try_from(number("ACCORD_REQUESTS", "2000")).expect("a count"),
            engines: setting("ACCORD_ENGINES", "sqlite,postgres")
                .split(',')
                .map(str::to_owned)
                .collect(),
        }
    }
}

fn accord() -> Command {
    Command::new(env!("CARGO_BIN_EXE_accord"))
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("accord runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

fn main() {
    let settings = Settings::read();
    let folder = tempfile::tempdir().expect("a folder");
    let generated = folder.path().join("generated");
    let persons = settings.persons.to_string();
    run(accord()
        .args([
            "generate",
            "--seed",
            "20260101",
            "--persons",
            &persons,
            "--out",
        ])
        .arg(&generated));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("persons {persons}, load average before: {}", load.trim());
    for engine in &settings.engines {
        let cluster = (engine == "postgres").then(|| {
            postgres::Cluster::start_new(postgres::Durability::Full).expect("a PostgreSQL server")
        });
        let ledger = Ledger {
            data: folder.path().join(engine),
            url: cluster.as_ref().map(postgres::Cluster::create_database),
        };
        measure(&settings, engine, &ledger, cluster.as_ref(), &generated);
    }
}

struct Ledger {
    data: PathBuf,
    url: Option<String>,
}

impl Ledger {
    fn command(&self, name: &str) -> Command {
        let mut command = accord();
        command.arg(name).arg("--data").arg(&self.data);
        if let Some(url) = &self.url {
            command.arg("--database").arg(url);
        }
        command
    }

    fn token(&self) -> String {
        let mut command = accord();
        command.args([
            "token",
            "create",
            "--actor",
            "bench",
            "--role",
            "integration",
        ]);
        command.arg("--data").arg(&self.data);
        if let Some(url) = &self.url {
            command.arg("--database").arg(url);
        }
        run(&mut command).trim().to_owned()
    }
}

fn measure(
    settings: &Settings,
    engine: &str,
    ledger: &Ledger,
    cluster: Option<&postgres::Cluster>,
    generated: &Path,
) {
    let database = || cluster.map_or(0.0, |cluster| cpu_of(&cluster.processes()));
    import(engine, ledger, &generated.join("records.csv"), &database);
    let token = ledger.token();
    let started = Instant::now();
    let (mut service, address) = serve(ledger);
    println!(
        "{engine}: ready {:.2} s after the start",
        started.elapsed().as_secs_f64()
    );
    let meter = Meter::new(service.id(), &database);
    let scenarios = [
        Scenario::Null,
        Scenario::Match,
        Scenario::Register,
        Scenario::PopularBirthDate,
    ];
    let load = Load::read(&generated.join("records.csv"));
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
        "{engine}: resident memory {} MiB",
        processes::resident_mib(service.id())
    );
    // The ledger is durable; nothing else is of interest.
    let _ = service.kill();
    let _ = service.wait();
}

fn import(engine: &str, ledger: &Ledger, file: &Path, database: &dyn Fn() -> f64) {
    let started = Instant::now();
    let before = database();
    let mut child = ledger
        .command("import")
        .arg("--quiet")
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("accord runs");
    let mut own = 0.0;
    while child.try_wait().expect("a child").is_none() {
        own = cpu_of(&[child.id()]).max(own);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let wall = started.elapsed().as_secs_f64();
    let rows = std::fs::read_to_string(file)
        .expect("records")
        .lines()
        .count()
        - 1;
    println!(
        "{engine}: import of {rows} records: {:.3} ms CPU a record, {:.3} of it the server's; \
         {:.0} records/s",
        (own + database() - before) * 1e3 / rows as f64,
        (database() - before) * 1e3 / rows as f64,
        rows as f64 / wall
    );
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
