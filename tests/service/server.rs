//! The process behind a world: its data directory, its log, its end. Sources
//! and tokens are made once by the command line; each world copies them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::postgres::{Cluster, children, signal, wait_for_end};
use crate::world::SOURCES;

const START_SECONDS: u64 = 60;
const TEMPLATE: &str = "service-template-";

/// Who speaks. `Nobody` has no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Actor {
    Integration,
    GpFeed,
    Clinician,
    Steward,
    SecondSteward,
    Approver,
    SecondApprover,
    Engineer,
    Auditor,
    Administrator,
    PrivacyOfficer,
    Nobody,
}

impl Actor {
    const WITH_TOKENS: [Self; 11] = [
        Self::Integration,
        Self::GpFeed,
        Self::Clinician,
        Self::Steward,
        Self::SecondSteward,
        Self::Approver,
        Self::SecondApprover,
        Self::Engineer,
        Self::Auditor,
        Self::Administrator,
        Self::PrivacyOfficer,
    ];

    fn token_arguments(self) -> &'static [&'static str] {
        match self {
            Self::Integration => &["--actor", "engine", "--role", "integration"],
            Self::GpFeed => &[
                "--actor",
                "gp-feed",
                "--role",
                "integration",
                "--source",
                "gp",
            ],
            Self::Clinician => &["--actor", "clare", "--role", "clinician", "--person"],
            Self::Steward => &["--actor", "stewart", "--role", "steward", "--person"],
            Self::SecondSteward => &["--actor", "stella", "--role", "steward", "--person"],
            Self::Approver => &["--actor", "april", "--role", "approver", "--person"],
            Self::SecondApprover => &["--actor", "arthur", "--role", "approver", "--person"],
            Self::Engineer => &["--actor", "edith", "--role", "engineer", "--person"],
            Self::Auditor => &["--actor", "audrey", "--role", "auditor", "--person"],
            Self::Administrator => &["--actor", "adam", "--role", "administrator", "--person"],
            Self::PrivacyOfficer => &["--actor", "priya", "--role", "privacy_officer", "--person"],
            Self::Nobody => &[],
        }
    }

    pub(crate) fn is_person(self) -> bool {
        self.token_arguments().contains(&"--person")
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "the command ended with {:?}\n{}\n{}",
            self.code,
            self.out,
            self.err
        );
        self
    }
}

/// Where a service keeps its ledger, and how it is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setting {
    /// URL of a PostgreSQL database; without one, SQLite in the data directory.
    pub database: Option<String>,
    /// The data directory; without one, in the story's temporary folder.
    pub data: Option<PathBuf>,
    pub environment: Vec<(&'static str, String)>,
    pub serve_arguments: &'static [&'static str],
    /// A program that runs the service, with its arguments.
    pub under: Vec<String>,
}

/// A process, or none yet, on a data directory.
pub(crate) struct Server {
    root: Option<TempDir>,
    pub data: PathBuf,
    setting: Setting,
    pub tokens: BTreeMap<Actor, String>,
    child: Mutex<Option<Child>>,
    pub url: Mutex<String>,
    pub secrets: Mutex<BTreeSet<String>>,
    pub failed: AtomicBool,
    runtime: Runtime,
    client: reqwest::Client,
}

impl Server {
    pub(crate) fn new(tokens: BTreeMap<Actor, String>, setting: Setting) -> Self {
        let root = tempfile::Builder::new()
            .prefix("accord-story-")
            .tempdir()
            .expect("a temporary directory");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime for the client");
        let client = reqwest::Client::builder()
            .no_proxy()
            // No story speaks TLS: reading the system's certificates costs more.
            .tls_certs_only([])
            .timeout(Duration::from_mins(2))
            .build()
            .expect("a client without TLS");
        Self {
            data: setting
                .data
                .clone()
                .unwrap_or_else(|| root.path().join("data")),
            root: Some(root),
            setting,
            tokens,
            child: Mutex::new(None),
            url: Mutex::new(String::new()),
            secrets: Mutex::new(BTreeSet::new()),
            failed: AtomicBool::new(false),
            runtime,
            client,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        let root = self.root.as_ref().expect("the folder lives with the story");
        root.path()
    }

    pub(crate) fn database(&self) -> Option<&str> {
        self.setting.database.as_deref()
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = accord(arguments, &self.data, self.setting.database.as_deref());
        command.current_dir(self.root());
        command
    }

    /// `accord serve`, under another program where the setting names one.
    fn serve_command(&self) -> Command {
        let serve = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let Some((program, arguments)) = self.setting.under.split_first() else {
            return serve;
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(serve.get_program())
            .args(serve.get_args())
            .current_dir(self.root())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }

    pub(crate) fn accord(&self, arguments: &[&str]) -> Ended {
        run(&mut self.command(arguments))
    }

    #[track_caller]
    pub(crate) fn serve(&self) {
        self.try_serve().unwrap_or_else(|fault| panic!("{fault}"));
    }

    /// `Err` when the service ends, or is not ready in time.
    pub(crate) fn try_serve(&self) -> Result<(), String> {
        let (out, err) = (self.root().join("serve.out"), self.root().join("serve.err"));
        let appending = |path: &Path| {
            let file = fs::OpenOptions::new().create(true).append(true).open(path);
            Stdio::from(file.expect("the log can be written"))
        };
        let printed_before = fs::read_to_string(&out).unwrap_or_default().len();
        let mut command = self.serve_command();
        command
            .args(self.setting.serve_arguments)
            // Stories ask for known pairs where they are about them.
            .env("ACCORD_KNOWN_PAIRS", "0")
            .envs(self.setting.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(appending(&out))
            .stderr(appending(&err));
        let mut child = command.spawn().expect("accord can be started");
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS);
        let url = loop {
            let printed = fs::read_to_string(&out).unwrap_or_default();
            if let Some(url) = listening(&printed[printed_before..]) {
                break url;
            }
            let ended = child.try_wait().expect("the service can be watched");
            if ended.is_some() || Instant::now() > deadline {
                *lock(&self.child) = Some(child);
                self.kill();
                let log = tail(&self.log(), 40);
                return Err(format!("the service did not start ({ended:?}):\n{log}"));
            }
            thread::sleep(Duration::from_millis(5));
        };
        *lock(&self.url) = url;
        *lock(&self.child) = Some(child);
        Ok(())
    }

    /// The processes of the service, the one that serves last.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let Some(first) = lock(&self.child).as_ref().map(Child::id) else {
            return Vec::new();
        };
        let mut all = vec![first];
        if !self.setting.under.is_empty() {
            all.extend(children(first));
        }
        all
    }

    pub(crate) fn kill(&self) {
        // A program that runs the service does not take it along.
        let under = &self.processes();
        if under.len() > 1 {
            signal("KILL", under);
            under[1..].iter().copied().for_each(wait_for_end);
        }
        if let Some(mut child) = lock(&self.child).take() {
            child.kill().expect("the service can be killed");
            child.wait().expect("the service ends");
        }
    }

    #[track_caller]
    pub(crate) fn terminate(&self) -> Ended {
        let mut child = lock(&self.child).take().expect("a running service");
        signal("TERM", &[child.id()]);
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS);
        loop {
            if let Some(status) = child.try_wait().expect("the service can be watched") {
                return Ended {
                    code: status.code(),
                    out: String::new(),
                    err: self.log(),
                };
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("the service did not stop when asked to");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> String {
        ["serve.out", "serve.err"]
            .map(|name| {
                let bytes = fs::read(self.root().join(name)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).into_owned()
            })
            .join("\n")
    }

    pub(crate) fn speak(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, BTreeMap<String, String>, String), String> {
        self.exchange(&self.client, method, path, (headers, body))
    }

    /// The same, and goes nowhere by itself.
    pub(crate) fn browse(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, BTreeMap<String, String>, String), String> {
        static BROWSER: OnceLock<reqwest::Client> = OnceLock::new();
        let browser = BROWSER.get_or_init(|| {
            let builder = reqwest::Client::builder().no_proxy().tls_certs_only([]);
            // A connection belongs to the runtime that opened it, and each world has one.
            let builder = builder.pool_max_idle_per_host(0);
            let builder = builder.redirect(reqwest::redirect::Policy::none());
            builder.build().expect("a client without TLS")
        });
        self.exchange(browser, method, path, (headers, body))
    }

    fn exchange(
        &self,
        client: &reqwest::Client,
        method: Method,
        path: &str,
        (headers, body): (&[(String, String)], Option<Vec<u8>>),
    ) -> Result<(u16, BTreeMap<String, String>, String), String> {
        let url = format!("{}{path}", lock(&self.url));
        let mut request = client.request(method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await.map_err(|fault| format!("{fault:?}"))?;
            let status = response.status().as_u16();
            // Values of one name stand on lines of their own.
            let mut headers: BTreeMap<String, String> = BTreeMap::new();
            for (name, value) in response.headers() {
                let value = String::from_utf8_lossy(value.as_bytes());
                headers
                    .entry(name.as_str().to_owned())
                    .and_modify(|known| {
                        known.push('\n');
                        known.push_str(&value);
                    })
                    .or_insert_with(|| value.clone().into_owned());
            }
            let text = response
                .text()
                .await
                .map_err(|fault| format!("{fault:?}"))?;
            Ok((status, headers, text))
        })
    }

    /// Identifying values that stand in the log.
    fn leaks(&self) -> Vec<String> {
        let log = self.log().to_lowercase();
        let secrets = lock(&self.secrets);
        secrets
            .iter()
            .filter(|secret| log.contains(*secret))
            .cloned()
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let found = if self.is_failed() || thread::panicking() {
            Some(format!("the log ends:\n{}", tail(&self.log(), 40)))
        } else {
            let leaks = self.leaks();
            let verified = self.accord(&["verify"]);
            if !leaks.is_empty() {
                Some(format!("identifying values stand in the log: {leaks:?}"))
            } else if verified.code != Some(0) {
                Some(format!("accord verify: {}\n{}", verified.out, verified.err))
            } else {
                None
            }
        };
        if let Some(found) = found {
            let kept = self.root.take().map(TempDir::keep);
            let message = format!("kept {}\n{found}", kept.unwrap_or_default().display());
            if thread::panicking() || self.is_failed() {
                eprintln!("{message}");
            } else {
                panic!("{message}");
            }
        }
    }
}

/// A data directory with sources and tokens, made once for all stories of an
/// engine.
pub(crate) struct Template {
    pub data: PathBuf,
    /// Name of the database that the data belongs to, on PostgreSQL.
    pub database: Option<String>,
    pub tokens: BTreeMap<Actor, String>,
}

impl Template {
    pub(crate) fn get() -> &'static Self {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        TEMPLATE.get_or_init(|| Self::make(&std::process::id().to_string(), None))
    }

    /// The same in a cluster.
    pub(crate) fn get_in(cluster: &Cluster) -> Arc<Self> {
        static TEMPLATES: Mutex<BTreeMap<PathBuf, Arc<Template>>> = Mutex::new(BTreeMap::new());
        let mut templates = lock(&TEMPLATES);
        if let Some(template) = templates.get(cluster.data()) {
            return Arc::clone(template);
        }
        let url = cluster.create_database();
        let database = Cluster::name_in(&url);
        let folder = format!("{}-{}", std::process::id(), templates.len());
        let mut template = Self::make(&folder, Some(&url));
        template.database = Some(database.to_owned());
        let template = Arc::new(template);
        templates.insert(cluster.data().to_owned(), Arc::clone(&template));
        template
    }

    fn make(name: &str, database: Option<&str>) -> Self {
        // Not a temporary directory: a static is never dropped. The build's own
        // folder is cleaned with the build, and the next run takes out what
        // earlier ones left.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        remove_left_templates(folder);
        let data = folder.join(format!("{TEMPLATE}{name}"));
        for source in SOURCES {
            let mut arguments = vec!["source", "add", source, "--name", source];
            if source == "traced" {
                arguments.extend(["--nhs-status-default", "01"]);
            }
            run(&mut accord(&arguments, &data, database)).expect(0);
        }
        let tokens = make_tokens(&data, database);
        Self {
            data,
            database: None,
            tokens,
        }
    }
}

/// Templates of runs that have ended; those of a run beside this one stay.
fn remove_left_templates(folder: &Path) {
    let entries = fs::read_dir(folder).expect("the build's temporary folder");
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name
            .strip_prefix(TEMPLATE)
            .map(|rest| rest.split('-').next().unwrap_or(rest));
        if process.is_some_and(|id| !Path::new("/proc").join(id).exists()) {
            // Another run may be doing the same.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

pub(crate) fn make_tokens(data: &Path, database: Option<&str>) -> BTreeMap<Actor, String> {
    Actor::WITH_TOKENS
        .into_iter()
        .map(|actor| {
            let mut arguments = vec!["token", "create"];
            arguments.extend(actor.token_arguments());
            let made = run(&mut accord(&arguments, data, database)).expect(0);
            (actor, made.out.trim().to_owned())
        })
        .collect()
}

/// The command on a data directory and the database that belongs to it.
pub(crate) fn accord(arguments: &[&str], data: &Path, database: Option<&str>) -> Command {
    let mut command = bare(arguments);
    command.arg("--data").arg(data);
    if let Some(url) = database {
        command.args(["--database", url]);
    }
    command
}

/// The command with an environment of its own.
pub(crate) fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_accord"));
    command.args(arguments).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("accord can be started");
    Ended {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The address in the line `listening on http://HOST:PORT`, once it is whole.
fn listening(printed: &str) -> Option<String> {
    let whole = &printed[..printed.rfind('\n')?];
    whole
        .lines()
        .find_map(|line| line.strip_prefix("listening on "))
        .map(|url| url.trim().to_owned())
}

pub(crate) fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a data directory");
    for entry in fs::read_dir(from).expect("the template can be read") {
        let entry = entry.expect("the template can be listed");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the template can be copied");
        }
    }
}

/// Identifying texts of a body, in lower case. Short names are left out, for
/// they may be part of a word of the log.
pub(crate) fn collect_secrets(member: &str, value: &Value, secrets: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let text = text.trim().to_lowercase();
            let least = match member {
                "given_names" | "family_name" | "name" | "lines" | "postcode" => 6,
                "nhs_number" | "birth_date" | "phones" | "phone" | "emails" => 10,
                _ => return,
            };
            let squashed: String = text.split_whitespace().collect();
            for form in [text, squashed] {
                if form.chars().count() >= least && form != "unknown" && form != "infant" {
                    secrets.insert(form);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_secrets(member, item, secrets);
            }
        }
        Value::Object(members) => {
            for (name, held) in members {
                collect_secrets(name, held, secrets);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A story that panicked while it held a lock must not fail the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
