//! What a caller hands to [`crate::storage::Store::commit`]: what to load, how
//! to decide, and what to write.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::foundation::{AssertionId, EventPosition, Instant, MergeId, PersonId, RecordNumber};
use crate::identity::StandardRecord;
use crate::registry::{LocalId, NumberHash, RegistryEvent, RegistryState, Replacement, SourceCode};
use crate::security::AuditEntry;
use crate::storage::StoreError;
use crate::storage::known_pairs::KnownPairWrite;

/// Who commands; stands in the events and the versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitActor {
    /// Name of the account.
    pub actor: String,
    /// Id of the request.
    pub request_id: String,
}

/// What a command reads. What is not named here may be absent in the state.
#[derive(Debug, Clone, Default)]
pub struct ReadSet {
    /// Records, with the persons that they belong to, these persons' members, and
    /// how the sources of the records stand.
    pub records: Vec<(SourceCode, LocalId)>,
    /// Persons with the revision for which the caller holds a score: members
    /// and values are loaded only when the person has moved on.
    pub persons: Vec<(PersonId, EventPosition)>,
    /// Hashes of blocking keys: records under them that are younger than
    /// `keys_after` are loaded with their persons and these persons' members.
    pub keys: Vec<u64>,
    /// Position of the index that the caller has searched.
    pub keys_after: EventPosition,
    /// Persons that are joined or parted: they come with their members and values,
    /// with all who have become them, and with the merges between these. So do
    /// the persons of `records` where `families` says so, those of `merges` and
    /// of `assertions`.
    pub whole: Vec<PersonId>,
    /// The persons of `records` are joined or parted, too.
    pub families: bool,
    /// Merges.
    pub merges: Vec<MergeId>,
    /// Assertions.
    pub assertions: Vec<AssertionId>,
    /// Hashes of blocking keys that are locked and not looked up.
    pub locks: Vec<u64>,
    /// A human whose merges since an instant are counted; one such command of theirs
    /// after the other, on any node.
    pub merging: Option<(String, Instant)>,
    /// Account and idempotency key.
    pub idempotency: Option<(String, String)>,
    /// The verified number that the record brings: who claims it is loaded.
    pub claimed: Option<NumberHash>,
    /// What the message says of numbers that are replaced: the chains that
    /// these two belong to are loaded.
    pub replacement: Option<Replacement>,
    /// Numbers whose chains are loaded, for comparing by those that stand (R16).
    pub numbers: Vec<NumberHash>,
    /// Fills an empty ledger with at most so many records: the command brings all that
    /// it reads itself, and nothing of what it writes is remembered for the next one.
    pub fills: Option<usize>,
}

impl ReadSet {
    /// How many keys it locks.
    pub(super) fn lock_count(&self) -> usize {
        self.keys.len() + self.locks.len()
    }
}

/// What the store knows beside the state.
#[derive(Debug, Clone, Default)]
pub struct CommitReads {
    /// The answer that was given under this idempotency key.
    pub remembered: Option<RememberedAnswer>,
    /// The stored answer of the current version of the first record read.
    pub current_answer: Option<String>,
    /// Merges that the human named by `merging` has made, or asked for and got.
    pub merges_made: u64,
}

/// An answer kept for the same request sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedAnswer {
    /// Account.
    pub actor: String,
    /// Its idempotency key.
    pub key: String,
    /// SHA-256 of the request's content.
    pub digest: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// The payload and the answer of a version that an event announces.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// The record.
    pub record: RecordNumber,
    /// Its version.
    pub version: u32,
    /// The submitted record as JSON; the event's digest is of these bytes.
    pub submitted: String,
    /// The same, standardised.
    pub standard: Arc<StandardRecord>,
    /// Findings as JSON.
    pub findings: String,
    /// The sender's answer as JSON.
    pub answer: String,
}

/// What a human gave as a reason: it may identify somebody, so it stands beside
/// the ledger and can be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What it is about: a merge, an assertion, a task, a record as R and its number.
    pub subject: String,
    /// The words.
    pub reason: String,
}

/// What a command decides: all of it is written in one commit, or nothing.
#[derive(Debug, Clone)]
pub struct Planned<A> {
    /// Events in order. The store applies them to the state.
    pub events: Vec<RegistryEvent>,
    /// One for each version in the events.
    pub versions: Vec<NewVersion>,
    /// Blocking keys of records; those known before get the new position.
    pub keys: Vec<(RecordNumber, Vec<u64>)>,
    /// Audit rows.
    pub audit: Vec<AuditEntry>,
    /// The reason in words, kept under the first of the events.
    pub remark: Option<Remark>,
    /// An answer to keep.
    pub remember: Option<RememberedAnswer>,
    /// What has become of a known pair, which no event tells (R117).
    pub known_pair: Option<KnownPairWrite>,
    /// What the caller is told after the commit.
    pub answer: A,
}

impl<A> Planned<A> {
    /// A plan that writes nothing.
    pub const fn nothing(answer: A) -> Self {
        Self {
            events: Vec::new(),
            versions: Vec::new(),
            keys: Vec::new(),
            audit: Vec::new(),
            remark: None,
            remember: None,
            known_pair: None,
            answer,
        }
    }
}

/// A command in the writer's queue.
pub(super) struct Queued {
    /// `None` for a command that writes audit rows alone: nothing is loaded.
    pub(super) read: Option<ReadSet>,
    pub(super) actor: CommitActor,
    pub(super) at: Instant,
    /// When it came, by a clock that nobody sets.
    pub(super) came: tokio::time::Instant,
    pub(super) work: Box<dyn Work>,
    /// Those that are decided after it in the same commit: all of them, or none. Of one
    /// that is alone there, none are; its no counts all the same.
    pub(super) with: Option<Vec<Queued>>,
}

impl Queued {
    /// How many keys it locks.
    pub(super) fn lock_count(&self) -> usize {
        let own = self.read.as_ref().map_or(0, ReadSet::lock_count);
        let with = self.with.iter().flatten();
        own + with.map(Self::lock_count).sum::<usize>()
    }

    /// It, then those that are written with it.
    pub(super) fn all(mut self) -> Vec<Self> {
        let with = self.with.take().unwrap_or_default();
        std::iter::once(self).chain(with).collect()
    }
}

/// One of several commands that are written together.
pub struct Part<A> {
    /// What it reads and locks.
    pub read: ReadSet,
    /// Who commands it.
    pub actor: CommitActor,
    /// Decides it, on what those before it leave.
    pub decide: Decide<A>,
}

/// How a part of several is decided.
pub type Decide<A> = Box<dyn FnMut(&mut RegistryState, &CommitReads) -> Planned<A> + Send>;

/// What became of commands that are written together.
#[derive(Debug, PartialEq, Eq)]
pub enum Together<A> {
    /// All are durable; an answer for each.
    Done(Vec<A>),
    /// Nothing is written: the one at this place does not agree.
    Refused(usize, A),
}

/// The part of a command whose types the writer does not know.
pub(super) trait Work: Send {
    /// Decides, keeps the answer, gives the rest.
    fn decide(&mut self, state: &mut RegistryState, reads: &CommitReads) -> Planned<()>;
    /// Whether those with it may be written as well as it.
    fn agrees(&self) -> bool;
    /// Tells the caller.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Decision<A, F> {
    decide: F,
    agrees: fn(&A) -> bool,
    answer: Option<A>,
    reply: oneshot::Sender<Result<A, StoreError>>,
}

impl<A, F> Work for Decision<A, F>
where
    A: Send,
    F: FnMut(&mut RegistryState, &CommitReads) -> Planned<A> + Send,
{
    fn decide(&mut self, state: &mut RegistryState, reads: &CommitReads) -> Planned<()> {
        self.answer = None;
        let planned = (self.decide)(state, reads);
        self.answer = Some(planned.answer);
        Planned {
            events: planned.events,
            versions: planned.versions,
            keys: planned.keys,
            audit: planned.audit,
            remark: planned.remark,
            remember: planned.remember,
            known_pair: planned.known_pair,
            answer: (),
        }
    }

    fn agrees(&self) -> bool {
        self.answer.as_ref().is_some_and(self.agrees)
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { answer, reply, .. } = *self;
        let told = outcome.and_then(|()| answer.ok_or(StoreError::Panicked));
        // The caller may have gone away; what was committed stays.
        let _ = reply.send(told);
    }
}

/// What becomes of a decision.
pub(super) type Reply<A> = oneshot::Receiver<Result<A, StoreError>>;

/// Wraps a decision; the receiver gets its answer once it is durable. `agrees` says of an
/// answer whether those with it may be written.
pub(super) fn work<A, F>(decide: F, agrees: fn(&A) -> bool) -> (Box<dyn Work>, Reply<A>)
where
    A: Send + 'static,
    F: FnMut(&mut RegistryState, &CommitReads) -> Planned<A> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let decision = Decision {
        decide,
        agrees,
        answer: None,
        reply,
    };
    (Box::new(decision), answer)
}

/// The earliest index position that a command of the batch has searched; more
/// rows than one needs do no harm. Without keys nothing is needed.
pub(super) fn needed_after(reads: &[&ReadSet], position: EventPosition) -> EventPosition {
    let keyed = reads.iter().filter(|read| !read.keys.is_empty());
    keyed.map(|read| read.keys_after).min().unwrap_or(position)
}
