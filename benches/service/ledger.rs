//! Ledgers on either engine, filled and used by the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::load_average;
use crate::processes::cpu_of;

/// The release binary.
pub(crate) fn accord() -> Command {
    Command::new(env!("CARGO_BIN_EXE_accord"))
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().expect("a program runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// A ledger.
pub(crate) struct Ledger {
    data: PathBuf,
    url: Option<String>,
}

impl Ledger {
    pub(crate) fn file(data: PathBuf) -> Self {
        Self { data, url: None }
    }

    pub(crate) fn on_server(data: PathBuf, url: String) -> Self {
        let url = Some(url);
        Self { data, url }
    }

    /// Whether it was never filled, or not to its end.
    pub(crate) fn is_missing(&self) -> bool {
        !self.data.join("whole").exists()
    }

    /// `accord` with this command, on this ledger.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = accord();
        command.arg(name);
        self.locate(&mut command);
        command
    }

    fn locate(&self, command: &mut Command) {
        command.arg("--data").arg(&self.data);
        if let Some(url) = &self.url {
            command.arg("--database").arg(url);
        }
    }

    pub(crate) fn token(&self) -> String {
        let mut command = accord();
        command.args(["token", "create", "--actor", "bench"]);
        command.args(["--role", "integration"]);
        self.locate(&mut command);
        run(&mut command).trim().to_owned()
    }

    /// Imports a file and says what it cost.
    pub(crate) fn import(&self, file: &Path, what: &str, server: &dyn Fn() -> f64) {
        let started = Instant::now();
        let before = server();
        let mut child = self
            .command("import")
            .arg("--quiet")
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("accord runs");
        let mut own = 0.0;
        let ended = loop {
            if let Some(ended) = child.try_wait().expect("a child") {
                break ended;
            }
            own = cpu_of(&[child.id()]).max(own);
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(ended.success(), "the import fails");
        let wall = started.elapsed().as_secs_f64();
        let server = server() - before;
        let reader = csv::Reader::from_path(file).expect("records");
        let rows = reader.into_byte_records().count() as f64;
        println!(
            "{what}: import of {rows} records: {:.3} ms CPU a record, {:.3} of it the server's; \
             {:.0} records/s; load average {}",
            (own + server) * 1e3 / rows,
            server * 1e3 / rows,
            rows / wall,
            load_average()
        );
        std::fs::write(self.data.join("whole"), "").expect("a mark");
    }

    /// The same ledger in another place.
    pub(crate) fn copy_from(&self, base: &Self) {
        run(Command::new("cp")
            .args(["--recursive", "--reflink=auto"])
            .arg(&base.data)
            .arg(&self.data));
    }

    /// Moves a copy of the ledger to this server, with its proof, and makes its
    /// index.
    pub(crate) fn fill_from(&self, base: &Self) {
        let started = Instant::now();
        let told = run(self
            .command("migrate")
            .arg("--quiet")
            .arg("--from")
            .arg(&base.data));
        let proof = told.lines().next_back().unwrap_or_default().to_owned();
        println!(
            "postgres: {proof}; {:.0} s",
            started.elapsed().as_secs_f64()
        );
        let started = Instant::now();
        let told = run(self.command("rebuild-index").arg("--quiet"));
        println!(
            "postgres: index made twice: {}; {:.0} s",
            told.trim(),
            started.elapsed().as_secs_f64()
        );
    }
}
