//! What is answered about what happened. Only what is listed here leaves: no
//! digest, because one of a restricted record could be guessed at, and no row of
//! an explanation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::flows::{EventFeed, FeedEvent, HistoryAnswer, HistoryEntry};
use crate::foundation::PersonId;
use crate::interfaces::rest::bodies::records::LocalIdBody;
use crate::interfaces::rest::moments::AsOf;
use crate::registry::{LocalId, RegistryEvent, SourceCode, task_of};

/// What happened.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A record is new.
    RecordRegistered,
    /// A record has a new version.
    RecordUpdated,
    /// A source no longer holds a record.
    RecordWithdrawn,
    /// A person disputes a value of a record (R133).
    ValueDisputed,
    /// That is over.
    DisputeEnded,
    /// Two identities are kept apart; for privacy officers only (R22).
    SealMade,
    /// A seal was opened; for privacy officers only.
    SealLifted,
    /// The values of a record were destroyed (R135): whoever keeps a copy of them
    /// destroys it.
    RecordErased,
    /// A person is new.
    PersonCreated,
    /// A record belongs to a person.
    RecordLinked,
    /// A record no longer belongs to a person.
    RecordUnlinked,
    /// An id is replaced by another.
    PersonRetired,
    /// A person has no active record any more.
    PersonWithdrawn,
    /// A question for a human.
    TaskOpened,
    /// New evidence for an open question.
    TaskUpdated,
    /// The question is gone.
    TaskClosed,
    /// It is asked again, on other evidence.
    TaskReopened,
    /// Somebody has it in hand.
    TaskClaimed,
    /// Somebody gave it back.
    TaskReleased,
    /// A reader has said something.
    TaskRead,
    /// The readers have settled it.
    TaskDecided,
    /// It waits for the national back office (R119).
    TaskEscalated,
    /// Somebody wrote beside it.
    TaskCommented,
    /// A human has said what a held version is.
    HeldSettled,
    /// A record contradicts what is known, or holds a default (R98).
    SourceConflictNoted,
    /// What a source sends is kept and not acted on from here (R98).
    SourceQuarantined,
    /// That has ended.
    SourceReleased,
    /// A version came during a quarantine and waits.
    VersionDeferred,
    /// Such a version has been decided.
    DeferredDecided,
    /// A source says that one NHS number is replaced by another (R16).
    NumberReplaced,
    /// Somebody prefers what a record says of a field.
    GoldenValuePreferred,
    /// The rules choose that field's value again.
    GoldenPreferenceEnded,
    /// An id that was replaced stands for itself again.
    PersonRestored,
    /// A human wants two persons to be one; another has to approve (R114).
    MergeProposed,
    /// A proposed merge is not carried out.
    MergeDropped,
    /// A human has joined two persons.
    MergeMade,
    /// A human has taken a merge back.
    MergeUndone,
    /// A human says that records are the same person's, or different people's.
    AssertionMade,
    /// Such an assertion is taken back.
    AssertionWithdrawn,
}

impl EventKind {
    /// Its word, as events are stored under it.
    pub fn word(self) -> String {
        let word = serde_json::to_value(self).ok();
        let word = word.and_then(|word| word.as_str().map(str::to_owned));
        word.expect("invariant: a variant without members becomes its name")
    }
}

fn local_id((source, local_id): (SourceCode, LocalId)) -> LocalIdBody {
    LocalIdBody {
        source: source.to_string(),
        local_id: local_id.to_string(),
    }
}

/// A page of a history.
#[derive(Serialize, ToSchema)]
pub struct HistoryBody {
    /// The active person.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// The id that was asked for.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    requested_id: String,
    /// The ids that replaced it, in order; empty for an active person.
    #[schema(example = json!(["P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"]))]
    replaced_by: Vec<String>,
    /// Oldest first.
    history: Vec<EntryBody>,
    /// Send as `after` for the next page; null on the last.
    #[schema(example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40")]
    next: Option<String>,
    /// The instant that this was known at, when one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

/// One thing that happened to a person.
#[derive(Serialize, ToSchema)]
struct EntryBody {
    /// Its place, to go on after; opaque.
    #[schema(example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40")]
    position: String,
    /// When (RFC 3339).
    at: String,
    /// The account behind it, for roles that may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// What.
    kind: EventKind,
    /// In words, without a value of a patient.
    sentence: String,
    /// The record.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<LocalIdBody>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: Option<String>,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^T-[0-9a-f]{32}$")]
    task: Option<String>,
}

impl From<HistoryEntry> for EntryBody {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            position: entry.place,
            at: entry.at.to_string(),
            actor: entry.actor,
            kind: kind_and_data(&entry.event).0,
            sentence: entry.sentence,
            record: entry.record.map(local_id),
            person_id: entry.person.map(|person| person.to_string()),
            task: entry.task.map(|task| task.to_string()),
        }
    }
}

impl From<HistoryAnswer> for HistoryBody {
    fn from(answer: HistoryAnswer) -> Self {
        Self {
            person_id: answer.person.to_string(),
            requested_id: answer.requested.to_string(),
            replaced_by: answer.replaced_by.iter().map(ToString::to_string).collect(),
            history: answer.entries.into_iter().map(EntryBody::from).collect(),
            as_of: answer.as_of.map(Into::into),
            next: answer.next,
        }
    }
}

/// A part of the change feed.
#[derive(Serialize, ToSchema)]
pub struct FeedBody {
    /// In order.
    events: Vec<EventBody>,
    /// Send as `after` to go on; opaque, and to be kept even when no event came.
    #[schema(example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40")]
    next: String,
    /// Whether something follows already. There may then be no event here.
    more: bool,
}

/// An event of the feed.
#[derive(Serialize, ToSchema)]
struct EventBody {
    /// Its place, to go on after; opaque.
    #[schema(example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40")]
    position: String,
    /// When (RFC 3339).
    at: String,
    /// What. Others may be added: pass over what is unknown.
    kind: EventKind,
    /// Persons that it names, and the one that its record belonged to.
    #[schema(example = json!(["P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"]))]
    person_ids: Vec<String>,
    /// Its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<LocalIdBody>,
    /// What else is known of it, by kind: a version, a route and a weight, a
    /// task, a reason. Never a value of a patient.
    #[schema(value_type = Object)]
    data: Value,
}

impl From<FeedEvent> for EventBody {
    fn from(event: FeedEvent) -> Self {
        let (kind, mut data) = kind_and_data(&event.event);
        leave_out_others(&mut data, &event.persons);
        Self {
            position: event.place,
            at: event.at.to_string(),
            kind,
            person_ids: event.persons.iter().map(ToString::to_string).collect(),
            record: event.record.map(local_id),
            data,
        }
    }
}

impl From<EventFeed> for FeedBody {
    fn from(feed: EventFeed) -> Self {
        Self {
            events: feed.events.into_iter().map(EventBody::from).collect(),
            next: feed.next,
            more: feed.more,
        }
    }
}

/// Takes the ids of persons out whom the reader is not told of: a merge names both sides
/// to whoever may know one.
fn leave_out_others(data: &mut Value, told: &[PersonId]) {
    if let Value::Object(members) = data {
        members.retain(|_, value| {
            let named = value
                .as_str()
                .and_then(|text| text.parse::<PersonId>().ok());
            named.is_none_or(|person| told.contains(&person))
        });
    }
}

/// The kind of an event, and what leaves of it beside persons and record.
fn kind_and_data(event: &RegistryEvent) -> (EventKind, Value) {
    match event {
        RegistryEvent::RecordRegistered { .. } => {
            (EventKind::RecordRegistered, json!({ "version": 1 }))
        }
        RegistryEvent::RecordUpdated {
            version, standing, ..
        } => (
            EventKind::RecordUpdated,
            json!({ "version": version, "standing": standing }),
        ),
        RegistryEvent::RecordWithdrawn { .. } => (EventKind::RecordWithdrawn, json!({})),
        RegistryEvent::SealMade { seal, whole, .. } => {
            let details = json!({ "seal": seal, "objection": whole });
            (EventKind::SealMade, details)
        }
        RegistryEvent::SealLifted { seal, .. } => (EventKind::SealLifted, json!({ "seal": seal })),
        RegistryEvent::RecordErased { versions, .. } => {
            (EventKind::RecordErased, json!({ "versions": versions }))
        }
        RegistryEvent::PersonCreated { .. } => (EventKind::PersonCreated, json!({})),
        RegistryEvent::RecordLinked {
            person, decision, ..
        } => (
            EventKind::RecordLinked,
            json!({
                "person_id": person,
                "version": decision.version,
                "route": decision.route,
                "weight_bits": decision.weight_bits,
                "model": decision.model,
                "reasons": decision.reasons,
            }),
        ),
        RegistryEvent::RecordUnlinked {
            person, because, ..
        } => (
            EventKind::RecordUnlinked,
            json!({ "person_id": person, "because": because }),
        ),
        RegistryEvent::PersonRetired {
            person,
            replaced_by,
        } => (
            EventKind::PersonRetired,
            json!({ "person_id": person, "replaced_by": replaced_by }),
        ),
        RegistryEvent::PersonWithdrawn { .. } => (EventKind::PersonWithdrawn, json!({})),
        RegistryEvent::TaskOpened { task, kind, .. } => {
            (EventKind::TaskOpened, json!({ "task": task, "kind": kind }))
        }
        RegistryEvent::TaskUpdated { task, .. } => {
            (EventKind::TaskUpdated, json!({ "task": task }))
        }
        RegistryEvent::TaskClosed { task, because } => (
            EventKind::TaskClosed,
            json!({ "task": task, "because": because }),
        ),
        RegistryEvent::HeldSettled {
            version, accepted, ..
        } => (
            EventKind::HeldSettled,
            json!({ "version": version, "accepted": accepted }),
        ),
        _ => kind_and_data_of_task(event).unwrap_or_else(|| kind_and_data_of_merge(event)),
    }
}

/// The same for merges and assertions. Who decided does not leave, and neither
/// do the records of an assertion: a reader may know one side only.
fn kind_and_data_of_merge(event: &RegistryEvent) -> (EventKind, Value) {
    match event {
        RegistryEvent::PersonRestored { .. } => (EventKind::PersonRestored, json!({})),
        RegistryEvent::MergeProposed {
            merge,
            survivor,
            retired,
            task,
            ..
        } => (
            EventKind::MergeProposed,
            json!({ "merge": merge, "survivor": survivor, "retired": retired, "task": task }),
        ),
        RegistryEvent::MergeDropped {
            merge,
            survivor,
            retired,
            because,
            ..
        } => (
            EventKind::MergeDropped,
            json!({
                "merge": merge, "survivor": survivor, "retired": retired, "because": because,
            }),
        ),
        RegistryEvent::MergeMade {
            merge,
            survivor,
            retired,
            ..
        } => (
            EventKind::MergeMade,
            json!({ "merge": merge, "survivor": survivor, "retired": retired }),
        ),
        RegistryEvent::MergeUndone {
            merge,
            survivor,
            retired,
            ..
        } => (
            EventKind::MergeUndone,
            json!({ "merge": merge, "survivor": survivor, "retired": retired }),
        ),
        RegistryEvent::AssertionMade {
            assertion, kind, ..
        } => (
            EventKind::AssertionMade,
            json!({ "assertion": assertion, "kind": kind }),
        ),
        RegistryEvent::AssertionWithdrawn { assertion, .. } => (
            EventKind::AssertionWithdrawn,
            json!({ "assertion": assertion }),
        ),
        _ => kind_and_data_of_source(event),
    }
}

/// The same for the steps with a task. What a single reader said does not leave,
/// nor who it was.
fn kind_and_data_of_task(event: &RegistryEvent) -> Option<(EventKind, Value)> {
    let task = json!({ "task": task_of(event)? });
    Some(match event {
        RegistryEvent::TaskReopened { .. } => (EventKind::TaskReopened, task),
        RegistryEvent::TaskClaimed { .. } => (EventKind::TaskClaimed, task),
        RegistryEvent::TaskReleased { .. } => (EventKind::TaskReleased, task),
        RegistryEvent::TaskRead { .. } => (EventKind::TaskRead, task),
        RegistryEvent::TaskDecided { task, outcome } => (
            EventKind::TaskDecided,
            json!({ "task": task, "outcome": outcome }),
        ),
        RegistryEvent::TaskEscalated { task, because, .. } => (
            EventKind::TaskEscalated,
            json!({ "task": task, "because": because }),
        ),
        RegistryEvent::TaskCommented { .. } => (EventKind::TaskCommented, task),
        _ => return None,
    })
}

/// The same for sources, versions that wait and numbers. The hashes of numbers
/// do not leave: who has a number could look for it.
fn kind_and_data_of_source(event: &RegistryEvent) -> (EventKind, Value) {
    match event {
        RegistryEvent::SourceConflictNoted { kind, .. } => {
            (EventKind::SourceConflictNoted, json!({ "kind": kind }))
        }
        RegistryEvent::SourceQuarantined {
            source,
            because,
            task,
            ..
        } => (
            EventKind::SourceQuarantined,
            json!({ "source": source, "because": because, "task": task }),
        ),
        RegistryEvent::SourceReleased { source } => {
            (EventKind::SourceReleased, json!({ "source": source }))
        }
        RegistryEvent::VersionDeferred { version, .. } => {
            (EventKind::VersionDeferred, json!({ "version": version }))
        }
        RegistryEvent::DeferredDecided { version, .. } => {
            (EventKind::DeferredDecided, json!({ "version": version }))
        }
        RegistryEvent::GoldenValuePreferred { field, version, .. } => (
            EventKind::GoldenValuePreferred,
            json!({ "field": field, "version": version }),
        ),
        RegistryEvent::ValueDisputed { version, field, .. } => (
            EventKind::ValueDisputed,
            json!({ "version": version, "field": field }),
        ),
        RegistryEvent::DisputeEnded { field, because, .. } => (
            EventKind::DisputeEnded,
            json!({ "field": field, "because": because }),
        ),
        RegistryEvent::GoldenPreferenceEnded { field, .. } => {
            (EventKind::GoldenPreferenceEnded, json!({ "field": field }))
        }
        _ => (EventKind::NumberReplaced, json!({})),
    }
}
