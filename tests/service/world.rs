//! A service on a ledger of its own. Starting one is cheap: sources and tokens
//! are made once by the command line, and the directory or database is copied.
//! Stories run on SQLite; with `ACCORD_ENGINE=postgres` all of them run on
//! PostgreSQL, and the proofs name their engine themselves.
//! At the end of each story the service is killed, `accord verify` must find
//! nothing, and no identifying value that was sent may stand in its log. A
//! story that fails keeps its directory and prints the path.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::thread;

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{john_smith, person, verified_person, with};
use crate::postgres::{Cluster, signal};
use crate::request::{Answer, Request, segment};
use crate::server::{Server, Template, bare, collect_secrets, copy_directory, lock, make_tokens};

pub(crate) use crate::server::{Actor, Ended, Setting, run};

/// Sources that every world knows. `traced` declares that its numbers without
/// a status are verified; the others declare nothing.
pub(crate) const SOURCES: [&str; 9] = [
    "gp",
    "pas",
    "ed",
    "community",
    "maternity",
    "laboratory",
    "social",
    "hospice",
    "traced",
];

/// Where a ledger lives.
#[derive(Clone, Copy)]
pub(crate) enum Place<'c> {
    /// In the data directory.
    Sqlite,
    /// In a database of its own in this cluster.
    Postgres(&'c Cluster),
}

impl Place<'_> {
    /// Where the stories run that do not name their engine.
    pub(crate) fn of_the_stories() -> Self {
        match std::env::var("ACCORD_ENGINE").as_deref() {
            Ok("postgres") => Place::Postgres(Cluster::shared().expect("PostgreSQL was asked for")),
            Ok("sqlite") | Err(_) => Place::Sqlite,
            Ok(other) => panic!("ACCORD_ENGINE={other}: sqlite or postgres"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

/// One story's view of a service.
pub(crate) struct World {
    server: Arc<Server>,
}

impl World {
    /// A service of the story's own.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, and its ledger has seen everything: a link, a task, a held
    /// update, a restricted record and a withdrawn one.
    pub(crate) fn lived_in() -> Self {
        let world = Self::start();
        let known = verified_person("everything");
        world.registers("gp", "1", &known);
        world.registers("pas", "1", &known);
        let phone = json!({"phones": ["07700 900020"]});
        world.registers("gp", "1", &with(&known, phone));
        world
            .put("gp", "1", &verified_person("everything else"))
            .send()
            .expect(200);
        world.registers("gp", "2", &john_smith());
        world.registers("pas", "2", &john_smith());
        let restricted = json!({"restricted": true});
        world.registers("ed", "3", &with(&person("everything"), restricted));
        world.withdraws("ed", "3");
        world
    }

    /// The same, with the index follower stopped for good: candidates must
    /// come from the rows beyond the index's position.
    pub(crate) fn start_without_indexer() -> Self {
        Self::start_with(&[("ACCORD_INDEX_FOLLOWER", "off")])
    }

    /// A service with something in its environment.
    pub(crate) fn start_with(environment: &[(&'static str, &str)]) -> Self {
        let environment = environment
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let setting = Setting {
            environment: environment.collect(),
            ..Setting::default()
        };
        Self::prepared(Place::of_the_stories(), setting).started()
    }

    /// A service on an engine.
    pub(crate) fn start_on(place: Place<'_>) -> Self {
        Self::prepared(place, Setting::default()).started()
    }

    /// Several services on one database, each with an index of its own. SQLite
    /// has one node.
    pub(crate) fn nodes(place: Place<'_>, count: usize) -> Vec<Self> {
        Self::nodes_with(place, count, Setting::default())
    }

    /// The same as a setting says.
    pub(crate) fn nodes_with(place: Place<'_>, count: usize, setting: Setting) -> Vec<Self> {
        let mut nodes = vec![Self::prepared(place, setting.clone()).started()];
        if let Place::Postgres(_) = place {
            let others = (1..count).map(|_| nodes[0].another_node(setting.clone()));
            let others: Vec<Self> = others.collect();
            nodes.extend(others);
        }
        nodes
    }

    /// Kills the service and starts another on the same ledger, with nothing
    /// special about it. This world has to live on: the files are in its folder.
    pub(crate) fn goes_on_plainly(&self) -> Self {
        self.dies();
        let setting = Setting {
            database: self.server.database().map(ToOwned::to_owned),
            data: Some(self.server.data.clone()),
            ..Setting::default()
        };
        let server = Server::new(self.server.tokens.clone(), setting);
        Self {
            server: Arc::new(server),
        }
        .started()
    }

    /// One more service on this world's database.
    fn another_node(&self, mut setting: Setting) -> Self {
        setting.database = self.server.database().map(ToOwned::to_owned);
        let server = Server::new(self.server.tokens.clone(), setting);
        Self {
            server: Arc::new(server),
        }
        .started()
    }

    /// A service on a directory made for live use, where numbers of the test
    /// range anchor nothing (R5).
    pub(crate) fn start_live() -> Self {
        let setting = Setting {
            database: match Place::of_the_stories() {
                Place::Sqlite => None,
                Place::Postgres(cluster) => Some(cluster.create_database()),
            },
            serve_arguments: &["--live"],
            ..Setting::default()
        };
        let mut server = Server::new(BTreeMap::new(), setting);
        server
            .accord(&["source", "add", "gp", "--name", "Practices", "--live"])
            .expect(0);
        server
            .accord(&["source", "add", "pas", "--name", "Hospital"])
            .expect(0);
        server.tokens = make_tokens(&server.data, server.database());
        Self {
            server: Arc::new(server),
        }
        .started()
    }

    /// A directory with sources and tokens that nothing serves yet.
    pub(crate) fn at_rest() -> Self {
        Self::prepared(Place::of_the_stories(), Setting::default())
    }

    /// The same as a setting says; without a database in it, one is made.
    pub(crate) fn prepared(place: Place<'_>, mut setting: Setting) -> Self {
        let in_cluster;
        let template = match place {
            Place::Sqlite => Template::get(),
            Place::Postgres(cluster) => {
                in_cluster = Template::get_in(cluster);
                &*in_cluster
            }
        };
        if let (Place::Postgres(cluster), None) = (place, &setting.database) {
            let name = template.database.as_deref();
            let name = name.expect("this template is in a database");
            setting.database = Some(cluster.create_database_like(name));
        }
        let server = Server::new(template.tokens.clone(), setting);
        copy_directory(&template.data, &server.data);
        Self {
            server: Arc::new(server),
        }
    }

    /// A service that stories share when each brings its own people.
    pub(crate) fn shared() -> Self {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = lock(&SHARED);
        if let Some(server) = shared.upgrade().filter(|server| !server.is_failed()) {
            return Self { server };
        }
        let world = Self::start();
        *shared = Arc::downgrade(&world.server);
        world
    }

    fn started(self) -> Self {
        self.serves();
        self
    }

    /// Starts the service on the directory as it is and waits until it is ready.
    #[track_caller]
    pub(crate) fn serves(&self) {
        self.server.serve();
    }

    /// The same where it may fail; `Err` says how.
    pub(crate) fn tries_to_serve(&self) -> Result<(), String> {
        self.server.try_serve()
    }

    /// Kills the service without warning (SIGKILL).
    pub(crate) fn dies(&self) {
        self.server.kill();
    }

    /// Stops the service where it stands (SIGSTOP) until it is thawed.
    pub(crate) fn freezes(&self) {
        signal("STOP", &self.server.processes());
    }

    /// Lets a frozen service go on (SIGCONT).
    pub(crate) fn thaws(&self) {
        signal("CONT", &self.server.processes());
    }

    /// URL of the database, when the ledger is in PostgreSQL.
    pub(crate) fn database(&self) -> Option<&str> {
        self.server.database()
    }

    /// Asks the service to stop and waits until it has.
    #[track_caller]
    pub(crate) fn stops(&self) -> Ended {
        self.server.terminate()
    }

    /// Stops the service; the ledger must then be sound.
    #[track_caller]
    pub(crate) fn verify(&self) -> Ended {
        self.dies();
        self.accord(&["verify"]).expect(0)
    }

    /// Runs a command on this world's data directory.
    pub(crate) fn accord(&self, arguments: &[&str]) -> Ended {
        self.server.accord(arguments)
    }

    /// Runs a command that touches no ledger, in the story's folder.
    pub(crate) fn accord_alone_with(&self, arguments: &[&str]) -> Ended {
        run(bare(arguments).current_dir(self.server.root()))
    }

    /// The same, and it must be done.
    #[track_caller]
    pub(crate) fn accord_alone(&self, arguments: &[&str]) {
        self.accord_alone_with(arguments).expect(0);
    }

    /// A command on this world's data directory, to be run by the story.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.server.command(arguments)
    }

    /// A place for the story's files, beside the data directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.server.root().join(name)
    }

    /// Writes a file of the story and names it as an argument.
    pub(crate) fn writes(&self, name: &str, content: &[u8]) -> String {
        let path = self.file(name);
        fs::write(&path, content).expect("the story's file can be written");
        path.display().to_string()
    }

    pub(crate) fn url(&self) -> String {
        lock(&self.server.url).clone()
    }

    pub(crate) fn token(&self, actor: Actor) -> Option<&String> {
        self.server.tokens.get(&actor)
    }

    /// What the service has printed and logged so far.
    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    /// Values that must never be seen in the log: all identifying ones of a body.
    pub(crate) fn guards(&self, body: &Value) {
        collect_secrets("", body, &mut lock(&self.server.secrets));
    }

    /// A value that must never be seen in the log.
    pub(crate) fn guards_text(&self, text: &str) {
        lock(&self.server.secrets).insert(text.to_lowercase());
    }

    /// A request to a path of the native API, or to one that names another door.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Request<'_> {
        if path.starts_with("/fhir/") {
            return Request::new(self, method, path.to_owned());
        }
        Request::new(self, method, format!("/api/v1{path}"))
    }

    pub(crate) fn get(&self, path: &str) -> Request<'_> {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Request<'_> {
        self.ask(Method::POST, path)
    }

    /// A request to a path at the root.
    pub(crate) fn get_root(&self, path: &str) -> Request<'_> {
        Request::new(self, Method::GET, path.to_owned())
    }

    /// A registration on its way, by the integration unless said otherwise.
    pub(crate) fn put(&self, source: &str, local_id: &str, body: &Value) -> Request<'_> {
        self.ask(Method::PUT, &record_path(source, local_id))
            .json(body)
    }

    /// A source registers or updates a record; it must be accepted.
    #[track_caller]
    pub(crate) fn registers(&self, source: &str, local_id: &str, body: &Value) -> Answer {
        let answer = self.put(source, local_id, body).send();
        let status = if answer.status == 201 { 201 } else { 200 };
        answer.expect(status)
    }

    /// A steward reads a record.
    #[track_caller]
    pub(crate) fn record(&self, source: &str, local_id: &str) -> Answer {
        self.get(&record_path(source, local_id))
            .by(Actor::Steward)
            .send()
            .expect(200)
    }

    /// A steward asks which person a local id is.
    #[track_caller]
    pub(crate) fn cross_reference(&self, source: &str, local_id: &str) -> Answer {
        let path = format!("{}/person", record_path(source, local_id));
        self.get(&path).by(Actor::Steward).send().expect(200)
    }

    /// A source withdraws a record.
    #[track_caller]
    pub(crate) fn withdraws(&self, source: &str, local_id: &str) {
        let answer = self
            .ask(Method::DELETE, &record_path(source, local_id))
            .send();
        assert!(
            matches!(answer.status, 200 | 204),
            "answered {} {}",
            answer.status,
            answer.text
        );
    }

    /// The integration asks who somebody is.
    #[track_caller]
    pub(crate) fn matches(&self, body: &Value) -> Answer {
        self.post("/match").json(body).send().expect(200)
    }

    /// A steward opens a person.
    #[track_caller]
    pub(crate) fn person(&self, person_id: &str) -> Answer {
        self.get(&format!("/persons/{person_id}"))
            .by(Actor::Steward)
            .send()
            .expect(200)
    }

    /// A steward opens a task.
    #[track_caller]
    pub(crate) fn task(&self, task_id: &str) -> Answer {
        self.get(&format!("/review/tasks/{task_id}"))
            .by(Actor::Steward)
            .send()
            .expect(200)
    }

    /// A steward lists what waits.
    #[track_caller]
    pub(crate) fn tasks(&self) -> Answer {
        self.get("/review/tasks")
            .by(Actor::Steward)
            .send()
            .expect(200)
    }

    /// The same as a browser does it that goes nowhere by itself.
    pub(crate) fn browse(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, BTreeMap<String, String>, String), String> {
        self.server.browse(method, path, headers, body)
    }

    /// One exchange of bytes: status, headers, body.
    pub(crate) fn speak(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, BTreeMap<String, String>, String), String> {
        self.server.speak(method, path, headers, body)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if thread::panicking() {
            self.server.failed.store(true, Ordering::SeqCst);
            eprintln!("the data directory is kept: {}", self.server.data.display());
        }
    }
}

/// The path of a record under `/api/v1`.
pub(crate) fn record_path(source: &str, local_id: &str) -> String {
    format!("/sources/{}/records/{}", segment(source), segment(local_id))
}

/// How often a story repeats itself: more in the long proofs.
pub(crate) fn times(variable: &str, default: usize) -> usize {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
