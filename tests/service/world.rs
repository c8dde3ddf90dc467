//! A service on a data directory of its own. Starting one is cheap: sources
//! and tokens are made once by the command line and the directory is copied.
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
use serde_json::Value;

use crate::request::{Answer, Request, segment};
use crate::server::{Server, Template, bare, collect_secrets, copy_directory, lock, make_tokens};

pub(crate) use crate::server::{Actor, Ended, run};

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

/// One story's view of a service.
pub(crate) struct World {
    server: Arc<Server>,
}

impl World {
    /// A service of the story's own.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with the index follower stopped for good: candidates must
    /// come from the rows beyond the index's position.
    pub(crate) fn start_without_indexer() -> Self {
        Self::start_with(&[("ACCORD_INDEX_FOLLOWER", "off")])
    }

    /// A service with something in its environment.
    pub(crate) fn start_with(environment: &[(&'static str, &'static str)]) -> Self {
        let template = Template::get();
        let server = Server::new(template.tokens.clone(), environment, &[]);
        copy_directory(&template.data, &server.data);
        Self::serving(server)
    }

    /// A service on a directory made for live use, where numbers of the test
    /// range anchor nothing (R5).
    pub(crate) fn start_live() -> Self {
        let mut server = Server::new(BTreeMap::new(), &[], &["--live"]);
        server
            .accord(&["source", "add", "gp", "--name", "Practices", "--live"])
            .expect(0);
        server
            .accord(&["source", "add", "pas", "--name", "Hospital"])
            .expect(0);
        server.tokens = make_tokens(&server.data);
        Self::serving(server)
    }

    /// A directory with sources and tokens that nothing serves yet.
    pub(crate) fn at_rest() -> Self {
        let template = Template::get();
        let server = Server::new(template.tokens.clone(), &[], &[]);
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

    fn serving(server: Server) -> Self {
        let world = Self {
            server: Arc::new(server),
        };
        world.serves();
        world
    }

    /// Starts the service on the directory as it is and waits until it is ready.
    #[track_caller]
    pub(crate) fn serves(&self) {
        self.server.serve();
    }

    /// Kills the service without warning (SIGKILL).
    pub(crate) fn dies(&self) {
        self.server.kill();
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

    /// A request to a path of the native API.
    pub(crate) fn ask(&self, method: Method, path: &str) -> Request<'_> {
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
