//! What happened: to one person in words, and in the whole ledger for systems
//! that follow it. Only what is listed here leaves: no digest, because one of a
//! restricted record could be guessed at, and no row of an explanation.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::flows::{self, Context, EventFeed, FeedEvent, HistoryAnswer, HistoryEntry};
use crate::foundation::PersonId;
use crate::foundation::limits::{
    EVENTS_PER_PAGE_DEFAULT, EVENTS_PER_PAGE_MAX, HISTORY_ENTRIES_MAX,
};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::request::{Parameters, Segment};
use crate::registry::{LocalId, RegistryEvent, SourceCode};
use crate::security::Action;

/// Where to go on, and how far.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageParameters {
    after: Option<String>,
    limit: Option<u32>,
}

impl PageParameters {
    fn limit(&self, caller: &Caller, default: u32, most: u32) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(default);
        if (1..=most).contains(&limit) {
            return Ok(limit);
        }
        let detail = format!("limit must be a whole number from 1 to {most}");
        Err(caller
            .problem(Refused::Unprocessable, detail)
            .member("limit")
            .rule("limit"))
    }
}

/// A record by the name that its source gave it.
#[derive(Serialize)]
struct RecordBody {
    source: String,
    local_id: String,
}

impl From<(SourceCode, LocalId)> for RecordBody {
    fn from((source, local_id): (SourceCode, LocalId)) -> Self {
        Self {
            source: source.to_string(),
            local_id: local_id.to_string(),
        }
    }
}

/// A page of a history.
#[derive(Serialize)]
pub struct HistoryBody {
    person_id: String,
    requested_id: String,
    replaced_by: Vec<String>,
    history: Vec<EntryBody>,
    next: Option<String>,
}

#[derive(Serialize)]
struct EntryBody {
    position: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    kind: &'static str,
    sentence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    person_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
            record: entry.record.map(RecordBody::from),
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
            next: answer.next,
        }
    }
}

/// `GET /persons/{id}/history`
pub async fn view_history(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Json<HistoryBody>, Problem> {
    let access = caller.may(Action::ReadHistory)?;
    let unknown = |_| caller.problem(Refused::NotFound, "no person with this id is known");
    let person: PersonId = person.parse().map_err(unknown)?;
    let limit = page.limit(&caller, HISTORY_ENTRIES_MAX, HISTORY_ENTRIES_MAX)?;
    let answer = flows::view_history(&context, &access, person, page.after.as_deref(), limit)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}

/// A part of the change feed.
#[derive(Serialize)]
pub struct FeedBody {
    events: Vec<EventBody>,
    next: String,
    more: bool,
}

#[derive(Serialize)]
struct EventBody {
    position: String,
    at: String,
    kind: &'static str,
    person_ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordBody>,
    data: Value,
}

impl From<FeedEvent> for EventBody {
    fn from(event: FeedEvent) -> Self {
        let (kind, data) = kind_and_data(&event.event);
        Self {
            position: event.place,
            at: event.at.to_string(),
            kind,
            person_ids: event.persons.iter().map(ToString::to_string).collect(),
            record: event.record.map(RecordBody::from),
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

/// `GET /events`
pub async fn follow_events(
    State(context): State<Context>,
    caller: Caller,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Json<FeedBody>, Problem> {
    let access = caller.may(Action::ReadEvent)?;
    let limit = page.limit(&caller, EVENTS_PER_PAGE_DEFAULT, EVENTS_PER_PAGE_MAX)?;
    let feed = flows::follow_events(&context, &access, page.after.as_deref(), limit)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(feed.into()))
}

/// The kind of an event, and what leaves of it beside persons and record.
fn kind_and_data(event: &RegistryEvent) -> (&'static str, Value) {
    match event {
        RegistryEvent::RecordRegistered { .. } => ("record_registered", json!({ "version": 1 })),
        RegistryEvent::RecordUpdated {
            version, standing, ..
        } => (
            "record_updated",
            json!({ "version": version, "standing": standing }),
        ),
        RegistryEvent::RecordWithdrawn { .. } => ("record_withdrawn", json!({})),
        RegistryEvent::PersonCreated { .. } => ("person_created", json!({})),
        RegistryEvent::RecordLinked {
            person, decision, ..
        } => (
            "record_linked",
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
            "record_unlinked",
            json!({ "person_id": person, "because": because }),
        ),
        RegistryEvent::PersonRetired {
            person,
            replaced_by,
        } => (
            "person_retired",
            json!({ "person_id": person, "replaced_by": replaced_by }),
        ),
        RegistryEvent::PersonWithdrawn { .. } => ("person_withdrawn", json!({})),
        RegistryEvent::TaskOpened { task, kind, .. } => {
            ("task_opened", json!({ "task": task, "kind": kind }))
        }
        RegistryEvent::TaskUpdated { task, .. } => ("task_updated", json!({ "task": task })),
        RegistryEvent::TaskClosed { task, because } => {
            ("task_closed", json!({ "task": task, "because": because }))
        }
        _ => kind_and_data_of_source(event),
    }
}

/// The same for sources, versions that wait and numbers. The hashes of numbers
/// do not leave: who has a number could look for it.
fn kind_and_data_of_source(event: &RegistryEvent) -> (&'static str, Value) {
    match event {
        RegistryEvent::SourceConflictNoted { kind, .. } => {
            ("source_conflict_noted", json!({ "kind": kind }))
        }
        RegistryEvent::SourceQuarantined {
            source,
            because,
            task,
            ..
        } => (
            "source_quarantined",
            json!({ "source": source, "because": because, "task": task }),
        ),
        RegistryEvent::SourceReleased { source } => {
            ("source_released", json!({ "source": source }))
        }
        RegistryEvent::VersionDeferred { version, .. } => {
            ("version_deferred", json!({ "version": version }))
        }
        RegistryEvent::DeferredDecided { version, .. } => {
            ("deferred_decided", json!({ "version": version }))
        }
        _ => ("number_replaced", json!({})),
    }
}
