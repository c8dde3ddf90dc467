//! A PostgreSQL cluster of the tests' own: made in a temporary directory as
//! the user `postgres` where the tests run as root (PostgreSQL refuses root),
//! on a free port of 127.0.0.1. A small shell holds the other end of a pipe of
//! the test process: however that process ends, the shell sees the pipe close,
//! stops the cluster and removes its directory. Nothing here knows Accord.

#![expect(
    clippy::disallowed_methods,
    reason = "a cluster is found by the environment and waited for in real time"
)]

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

/// Where packages put the programs, beside what `PATH` says.
const FOLDERS: [&str; 2] = ["/usr/lib/postgresql", "/usr/local/pgsql"];
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
const START_ATTEMPTS: usize = 20;

/// Waits for the end of its input, then stops the cluster and removes it.
const WATCHDOG: &str = r#"
trap "" INT TERM HUP
read -r _
for _ in 1 2 3; do
  "$1" stop -s -D "$2" -m immediate && break
  [ -f "$2/postmaster.pid" ] || break
  sleep 1
done
rm -rf "$2" "$3"
"#;

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The disk, as in production.
    Full,
    /// Not even the write (`synchronous_commit=off`): loses commits in a power
    /// cut, which a sound proof must notice.
    Careless,
}

/// A running cluster; stopped and removed with the value or the process.
pub(crate) struct Cluster {
    programs: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    /// Of the postmaster, once it runs: its file may lie on a disk that is gone.
    postmaster: AtomicU32,
    databases: AtomicUsize,
    watchdog: Option<Child>,
}

impl Cluster {
    /// The one cluster that the tests of a process share. Its commits wait for
    /// the disk: Accord refuses a server on which they do not. `Err` says why
    /// there is none.
    pub(crate) fn shared() -> Result<&'static Self, String> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start_new(Durability::Full));
        shared.as_ref().map_err(Clone::clone)
    }

    /// A cluster of the caller's own in a temporary directory.
    pub(crate) fn start_new(durability: Durability) -> Result<Self, String> {
        Self::make(None, durability)
    }

    /// A cluster whose data lies in `folder`, which every user may enter.
    pub(crate) fn start_new_in(folder: &Path, durability: Durability) -> Result<Self, String> {
        Self::make(Some(folder), durability)
    }

    fn make(folder: Option<&Path>, durability: Durability) -> Result<Self, String> {
        let programs = programs().ok_or(
            "PostgreSQL is not installed (no initdb, pg_ctl and postgres on PATH or in \
             /usr/lib/postgresql/*/bin)",
        )?;
        let user = server_user()?;
        // Sockets have short paths only, and may not lie on a disk that is cut off.
        let sockets = short_folder()?;
        let data = folder.unwrap_or(&sockets).join("postgres");
        fs::create_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        for path in [&data, &sockets] {
            if let Some((user, group)) = user {
                chown(path, Some(user), Some(group))
                    .map_err(|error| format!("cannot give {}: {error}", path.display()))?;
            }
        }
        let mut cluster = Self {
            programs,
            data,
            sockets,
            user,
            port: 0,
            postmaster: AtomicU32::new(0),
            databases: AtomicUsize::new(0),
            watchdog: None,
        };
        cluster.watch()?;
        cluster.initialise(durability)?;
        for _ in 0..START_ATTEMPTS {
            cluster.take_free_port()?;
            if cluster.try_start().is_ok() {
                return Ok(cluster);
            }
        }
        Err(format!("PostgreSQL does not start:\n{}", cluster.log()))
    }

    /// A new empty database; its URL.
    pub(crate) fn create_database(&self) -> String {
        self.create_database_like("template1")
    }

    /// A new database with what `template` holds; nobody may be using that.
    pub(crate) fn create_database_like(&self, template: &str) -> String {
        let place = self.databases.fetch_add(1, Ordering::SeqCst);
        let name = format!("story_{}_{place}", std::process::id());
        self.execute(
            "postgres",
            &format!("create database {name} template {template}"),
        );
        // The copy of a sequence counts the numbers that were logged ahead for
        // the template as its own: until a checkpoint, a crash takes it back.
        self.execute("postgres", "checkpoint");
        self.url(&name)
    }

    /// Removes a database, with whoever still uses it.
    pub(crate) fn drop_database(&self, name: &str) {
        self.execute(
            "postgres",
            &format!("drop database if exists {name} (force)"),
        );
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://127.0.0.1:{}/{database}?user=postgres",
            self.port
        )
    }

    /// The database in a URL.
    pub(crate) fn name_in(url: &str) -> &str {
        let end = url.rsplit('/').next().unwrap_or_default();
        end.split('?').next().unwrap_or_default()
    }

    /// Where its data lies: no other cluster of this process has it.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Runs statements as the superuser, each committed alone.
    pub(crate) fn execute(&self, database: &str, sql: &str) {
        self.connected(database, async |mut connection| {
            let done = sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        });
    }

    /// The one number that a query gives.
    pub(crate) fn number(&self, database: &str, sql: &str) -> i64 {
        self.connected(database, async |mut connection| {
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{sql}: {error}"))
        })
    }

    /// On a thread and runtime of its own, so that callers may be async.
    fn connected<T: Send>(
        &self,
        database: &str,
        work: impl AsyncFnOnce(PgConnection) -> T + Send,
    ) -> T {
        let url = self.url(database);
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime for a query");
                runtime.block_on(async {
                    let connection = PgConnection::connect(&url).await;
                    work(connection.expect("the cluster answers")).await
                })
            });
            worker.join().expect("a query of the tests")
        })
    }

    /// Starts the cluster again on its port, replaying what a crash left.
    pub(crate) fn start(&self) {
        for attempt in 1.. {
            match self.try_start() {
                Ok(()) => return,
                // Backends of a killed postmaster take a moment to leave.
                Err(_) if attempt < START_ATTEMPTS => thread::sleep(Duration::from_millis(500)),
                Err(error) => panic!("PostgreSQL does not start again: {error}\n{}", self.log()),
            }
        }
    }

    /// Stops without a checkpoint, as a crash of the server would.
    pub(crate) fn stop_immediate(&self) {
        let stopped = self
            .as_server_user("pg_ctl")
            .args(["stop", "-s", "-m", "immediate", "-D"])
            .arg(&self.data)
            .status();
        assert!(
            stopped.is_ok_and(|status| status.success()),
            "PostgreSQL does not stop"
        );
    }

    /// Kills the postmaster (SIGKILL); its backends see it and leave.
    pub(crate) fn kill_postmaster(&self) {
        let postmaster = self.postmaster.load(Ordering::SeqCst);
        signal("KILL", &[postmaster]);
        wait_for_end(postmaster);
    }

    /// Kills everything at once (SIGKILL), as a power cut does.
    pub(crate) fn kill_all(&self) {
        let processes = self.processes();
        signal("KILL", &processes);
        processes.into_iter().for_each(wait_for_end);
    }

    /// Whether it answers.
    pub(crate) fn is_running(&self) -> bool {
        let mut asked = self.as_server_user("pg_ctl");
        let status = asked.arg("status").arg("-D").arg(&self.data).status();
        status.is_ok_and(|status| status.success())
    }

    /// The postmaster and all its backends.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let postmaster = self.postmaster.load(Ordering::SeqCst);
        let mut all = children(postmaster);
        all.insert(0, postmaster);
        all
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.sockets.join("log")).unwrap_or_default()
    }

    fn as_server_user(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        self.give_to_server_user(&mut command);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Nothing of the caller's environment, a folder that the user may enter.
    fn give_to_server_user(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir(&self.sockets)
            .stdin(Stdio::null());
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
    }

    fn watch(&mut self) -> Result<(), String> {
        let mut command = Command::new("sh");
        self.give_to_server_user(&mut command);
        let child = command
            .args(["-c", WATCHDOG, "accord-test-cluster"])
            .arg(self.programs.join("pg_ctl"))
            .args([&self.data, &self.sockets])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt at the keyboard is for the tests, not for this.
            .process_group(0)
            .spawn();
        self.watchdog = Some(child.map_err(|error| format!("no shell: {error}"))?);
        Ok(())
    }

    fn initialise(&self, durability: Durability) -> Result<(), String> {
        let mut command = self.as_server_user("initdb");
        command
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"])
            .arg("-D")
            .arg(&self.data)
            .args(["--data-checksums", "--no-sync"]);
        let output = command.stderr(Stdio::piped()).output();
        let output = output.map_err(|error| format!("initdb: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let synchronous = match durability {
            Durability::Full => "on",
            Durability::Careless => "off",
        };
        // A statement holds a patient's values: none goes to the log.
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\n\
             max_connections = 200\nmax_locks_per_transaction = 256\nshared_buffers = '64MB'\n\
             fsync = on\nsynchronous_commit = {synchronous}\nmax_wal_size = '256MB'\n\
             log_lock_waits = on\nlog_min_error_statement = panic\nlog_error_verbosity = terse\n",
            self.sockets.display()
        );
        let file = fs::OpenOptions::new()
            .append(true)
            .open(self.data.join("postgresql.conf"));
        file.and_then(|mut file| file.write_all(settings.as_bytes()))
            .map_err(|error| format!("postgresql.conf: {error}"))
    }

    fn take_free_port(&mut self) -> Result<(), String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        self.port = free
            .map_err(|error| format!("no free port: {error}"))?
            .port();
        Ok(())
    }

    fn try_start(&self) -> Result<(), String> {
        let started = self
            .as_server_user("pg_ctl")
            .args(["start", "-s", "-w", "-t", "60", "-D"])
            .arg(&self.data)
            .arg("-l")
            .arg(self.sockets.join("log"))
            .arg("-o")
            .arg(format!("-p {}", self.port))
            .status();
        match started {
            Ok(status) if status.success() => {}
            other => return Err(format!("pg_ctl start: {other:?}")),
        }
        let written = fs::read_to_string(self.data.join("postmaster.pid"));
        let written = written.map_err(|error| format!("postmaster.pid: {error}"))?;
        let process = written.lines().next().and_then(|id| id.trim().parse().ok());
        let process = process.ok_or("postmaster.pid holds no process")?;
        self.postmaster.store(process, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.stdin.take());
            // It removes what is left when this process is gone as well.
            let _ = watchdog.wait();
        }
    }
}

/// Sends a signal to processes that the caller started; those that have ended
/// are passed over.
pub(crate) fn signal(name: &str, processes: &[u32]) {
    let mut command = Command::new("kill");
    command.arg(format!("-{name}"));
    command.args(processes.iter().map(ToString::to_string));
    // Some may have ended meanwhile, which `kill` tells by its status.
    let _ = command.stderr(Stdio::null()).status();
}

/// The direct children of a process.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|listed| {
            let ids: Vec<u32> = listed.split_whitespace().flat_map(str::parse).collect();
            ids
        })
        .collect()
}

/// Waits until a process has ended that is nobody's direct child here.
pub(crate) fn wait_for_end(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let is_alive = || {
        let status = fs::read_to_string(format!("/proc/{process}/status"));
        let threads = fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count);
        // One that nobody has waited for yet is a zombie, and has ended once its
        // other threads have: they may hold its files for a while.
        status.is_ok_and(|status| !status.contains("State:\tZ") || threads > 1)
    };
    while is_alive() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The folder that holds all programs of a server; the newest of several.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/local/bin"));
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for root in FOLDERS {
        let mut versions: Vec<PathBuf> = fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect();
        versions.sort();
        folders.extend(versions.iter().rev().map(|version| version.join("bin")));
        folders.push(Path::new(root).join("bin"));
    }
    folders
        .into_iter()
        .find(|folder| PROGRAMS.iter().all(|name| folder.join(name).is_file()))
}

/// Whom the server runs as: nobody special, or `postgres` in place of root.
fn server_user() -> Result<Option<(u32, u32)>, String> {
    let own = fs::metadata("/proc/self").map_or(1, |about| about.uid());
    if own != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let ids = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        (fields[0] == "postgres").then_some(ids)
    });
    found
        .map(Some)
        .ok_or_else(|| "PostgreSQL refuses root, and there is no user `postgres`".to_owned())
}

fn short_folder() -> Result<PathBuf, String> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let place = MADE.fetch_add(1, Ordering::SeqCst);
    let folder = PathBuf::from(format!("/tmp/accord-pg-{}-{place}", std::process::id()));
    fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}
