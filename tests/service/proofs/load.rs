//! Clients that write through whatever happens, note what they were told, and
//! compare it afterwards with what the ledger says. A record without an answer
//! is sent again until it has one, as a sender with a queue does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::people::{fresh_number, person, with};
use crate::server::lock;
use crate::world::{World, record_path};

const PAUSE: Duration = Duration::from_millis(20);

/// What a client was told.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    pub source: &'static str,
    pub local_id: String,
    pub story: String,
    pub sent: Value,
    pub person_id: String,
    pub node: usize,
    pub at: Instant,
}

impl Acknowledged {
    /// The record as `accord export --qualify` names it.
    fn name(&self) -> String {
        format!("{}:{}", self.source, self.local_id)
    }
}

/// What happens to a record that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// Its client is done: the service was killed.
    GivesUp,
    /// It is sent again, to the next node.
    Insists,
}

/// Tells threads to stop at its end, which may be a panic.
pub(super) struct Stopping<'s>(pub &'s AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Clients on some nodes, until they are told to stop.
pub(super) struct Load<'w> {
    nodes: &'w [World],
    name: String,
    sender: Sender,
    stopped: AtomicBool,
    next: AtomicUsize,
    acknowledged: Mutex<Vec<Acknowledged>>,
    unanswered: AtomicUsize,
    refused: AtomicUsize,
}

impl<'w> Load<'w> {
    pub(super) fn new(nodes: &'w [World], name: &str, sender: Sender) -> Self {
        Self {
            nodes,
            name: name.to_owned(),
            sender,
            stopped: AtomicBool::new(false),
            next: AtomicUsize::new(0),
            acknowledged: Mutex::new(Vec::new()),
            unanswered: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// Runs clients while `happens` does; what they were told.
    pub(super) fn during(&self, clients: usize, happens: impl FnOnce()) -> Vec<Acknowledged> {
        thread::scope(|scope| {
            for client in 0..clients {
                scope.spawn(move || self.write(client));
            }
            let _stopping = Stopping(&self.stopped);
            happens();
        });
        std::mem::take(&mut lock(&self.acknowledged))
    }

    /// How many records were acknowledged so far, by one node or by all.
    pub(super) fn count(&self, node: Option<usize>) -> usize {
        let acknowledged = lock(&self.acknowledged);
        let by = |record: &&Acknowledged| node.is_none_or(|node| node == record.node);
        acknowledged.iter().filter(by).count()
    }

    /// Requests that had no answer, or 500 and above.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    /// Those of them that were answered 500 and above.
    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn write(&self, client: usize) {
        while !self.stopped.load(Ordering::SeqCst) {
            let place = self.next.fetch_add(1, Ordering::SeqCst);
            // Every third person comes a second time, from another source.
            let again = place % 3 == 2;
            let story = format!("{} {}", self.name, place - usize::from(again));
            let mut sent = person(&story);
            if place % 8 == 1 {
                let number = json!({"nhs_number": fresh_number(), "nhs_number_status": "01"});
                sent = with(&sent, number);
            }
            let record = Acknowledged {
                source: if again { "pas" } else { "gp" },
                local_id: format!("{}-{place}", self.name),
                story,
                sent,
                person_id: String::new(),
                node: client % self.nodes.len(),
                at: Instant::now(),
            };
            if !self.deliver(record) {
                return;
            }
        }
    }

    /// Whether the client goes on.
    fn deliver(&self, mut record: Acknowledged) -> bool {
        while !self.stopped.load(Ordering::SeqCst) {
            let node = &self.nodes[record.node];
            let request = node.put(record.source, &record.local_id, &record.sent);
            match request.try_send() {
                Ok(answer) if matches!(answer.status, 200 | 201) => {
                    record.person_id = answer.person();
                    record.at = Instant::now();
                    lock(&self.acknowledged).push(record);
                    return true;
                }
                Ok(answer) if answer.status < 500 => {
                    panic!("answered {} {}", answer.status, answer.text);
                }
                answered => {
                    self.unanswered.fetch_add(1, Ordering::SeqCst);
                    let refused = usize::from(answered.is_ok());
                    self.refused.fetch_add(refused, Ordering::SeqCst);
                    if self.sender == Sender::GivesUp {
                        return false;
                    }
                    record.node = (record.node + 1) % self.nodes.len();
                    thread::sleep(PAUSE);
                }
            }
        }
        false
    }
}

/// The person of each record, by `accord export`, which may run beside a
/// service.
pub(super) fn exported(world: &World) -> BTreeMap<String, String> {
    let file = world.file("exported.csv");
    let path = file.display().to_string();
    world
        .accord(&["export", "--persons", &path, "--qualify"])
        .expect(0);
    let text = fs::read_to_string(&file).expect("the export can be read");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split(',').map(ToOwned::to_owned);
            let record = fields.next().expect("a record");
            (record, fields.next().expect("a person"))
        })
        .collect()
}

/// What is wrong with acknowledged records: gone, altered, or without the
/// person that was told. All are looked up; the content of `read` of them is.
pub(super) fn lost(world: &World, kept: &[Acknowledged], read: usize) -> Vec<String> {
    let exported = exported(world);
    let mut failures = Vec::new();
    let step = kept.len() / read.max(1) + 1;
    for (place, record) in kept.iter().enumerate() {
        let name = record.name();
        let Some(person) = exported.get(&name) else {
            failures.push(format!("{name} was acknowledged and is lost"));
            continue;
        };
        // An id that was told may have been retired since; it resolves.
        if *person != record.person_id && world.person(&record.person_id).person() != *person {
            failures.push(format!("{name} has another person than was told"));
        }
        if place % step == 0 {
            failures.extend(altered(world, record));
        }
    }
    failures
}

fn altered(world: &World, record: &Acknowledged) -> Option<String> {
    let path = record_path(record.source, &record.local_id);
    let held = world.get(&path).send();
    let same = held.status == 200
        && ["family_name", "given_names", "birth_date", "nhs_number"]
            .iter()
            .all(|member| held["record"][member] == record.sent[member])
        && held["versions"]
            .as_array()
            .is_some_and(|all| all.len() == 1);
    (!same).then(|| format!("{} is not what was sent: {}", record.name(), held.status))
}

/// Stories whose records have more than one person in the end.
pub(super) fn surplus(world: &World, kept: &[Acknowledged]) -> Vec<String> {
    let exported = exported(world);
    let mut persons: BTreeMap<&str, BTreeSet<&String>> = BTreeMap::new();
    for record in kept {
        let person = exported.get(&record.name());
        persons.entry(&record.story).or_default().extend(person);
    }
    persons
        .into_iter()
        .filter(|(_, persons)| persons.len() > 1)
        .map(|(story, persons)| format!("{story}: {} persons", persons.len()))
        .collect()
}
