//! The change feed: what happened in the ledger, in order, for systems that
//! keep copies. Ids, kinds, routes and weights, nothing of a patient.
//!
//! An account that is bound to sources sees the events of its own records and
//! of persons of whom its sources have or had a record, and no other. What it
//! may not see leaves no trace but a place that moves on.

use std::collections::{BTreeMap, BTreeSet};

use crate::flows::id_changes::{IdChange, id_changes};
use crate::flows::moments::seals_of;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::EVENT_PAGES_SCANNED_MAX;
use crate::foundation::{Instant, PersonId, RecordNumber, TaskId};
use crate::registry::{Gate, LocalId, RegistryEvent, SourceCode};
use crate::security::Access;
use crate::storage::{FeedPlace, PlacedEvent, event_kind};

/// A part of the feed.
#[derive(Debug, Clone, PartialEq)]
pub struct EventFeed {
    /// In order.
    pub events: Vec<FeedEvent>,
    /// Where to go on; to be kept, not read.
    pub next: String,
    /// Whether something follows already. There may then be no event here.
    pub more: bool,
}

/// An event as it leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedEvent {
    /// Its place, to go on after.
    pub place: String,
    /// When.
    pub at: Instant,
    /// Persons that it names, and the one that its record belonged to.
    pub persons: Vec<PersonId>,
    /// Its record.
    pub record: Option<(SourceCode, LocalId)>,
    /// What it does to ids that readers hold.
    pub changes: Vec<IdChange>,
    /// What.
    pub event: RegistryEvent,
}

impl FeedEvent {
    /// Its kind, as stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        event_kind(&self.event)
    }
}

/// Events after a place, at most `limit`.
///
/// # Errors
/// A text that is no place, or a fault of ours.
pub async fn follow_events(
    context: &Context,
    access: &Access,
    after: Option<&str>,
    limit: u32,
) -> Result<EventFeed, FlowError> {
    let mut after = place_of(context, after)?;
    let mut feed = None;
    for _ in 0..EVENT_PAGES_SCANNED_MAX {
        let page = context.store.list_feed(after, limit).await?;
        let placed = context.store.place_events(page.events).await?;
        let events = visible(context, access, placed).await?;
        let done = !events.is_empty() || !page.more;
        after = page.next;
        feed = Some(EventFeed {
            events: events
                .into_iter()
                .map(|event| shown(context, event))
                .collect(),
            next: context.store.place_text(page.next),
            more: page.more,
        });
        if done {
            break;
        }
    }
    let feed = feed.ok_or(FlowError::Stopped)?;
    let persons: BTreeSet<PersonId> = feed
        .events
        .iter()
        .flat_map(|event| event.persons.iter().copied())
        .collect();
    let audit = access.audit(context.clock.now(), persons.into_iter().collect(), None);
    context.store.append_audit(vec![audit]).await?;
    Ok(feed)
}

/// The place that a reader has kept; the beginning without one.
pub(super) fn place_of(context: &Context, after: Option<&str>) -> Result<FeedPlace, FlowError> {
    let Some(text) = after else {
        return Ok(FeedPlace::default());
    };
    let place = context.store.parse_place(text);
    place.ok_or_else(|| FlowError::Unprocessable {
        member: "after",
        rule: "opaque place",
        detail: "`after` must be the `next` of an earlier answer; leave it out to begin".to_owned(),
    })
}

/// Those that the account may see, and of each what it may see.
pub(super) async fn visible(
    context: &Context,
    access: &Access,
    events: Vec<PlacedEvent>,
) -> Result<Vec<PlacedEvent>, FlowError> {
    let events = unsealed(context, Gate::of(access), events, None).await?;
    let sources = &access.actor().sources;
    if sources.is_empty() {
        return Ok(events);
    }
    let persons: BTreeSet<PersonId> = events
        .iter()
        .flat_map(|event| event.persons.iter().copied().chain(event.moved_from))
        .collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let own = context.store.persons_of_sources(&persons, sources).await?;
    let events = events.into_iter().filter_map(|mut event| {
        let of_own_record = event
            .record
            .as_ref()
            .is_some_and(|(source, _)| access.actor().may_use_source(source.as_str()));
        let of_own_person = event.persons.iter().any(|person| own.contains(person));
        // A task or a retirement also names somebody else.
        event.persons.retain(|person| own.contains(person));
        event.moved_from = event.moved_from.filter(|person| own.contains(person));
        (of_own_record || of_own_person).then_some(event)
    });
    Ok(events.collect())
}

/// Events that tie nobody to somebody from whom a seal keeps them, and none about
/// a seal (R22). `beside` is whom the answer is about, and so stands beside each.
pub(super) async fn unsealed(
    context: &Context,
    gate: Gate,
    events: Vec<PlacedEvent>,
    beside: Option<PersonId>,
) -> Result<Vec<PlacedEvent>, FlowError> {
    let store = &context.store;
    let mut events = events;
    if gate.sees_sealed() {
        return Ok(events);
    }
    events.retain(|event| !event.stored.event.is_about_a_seal());
    if gate.then().is_none() && !store.has_seals().await? {
        return Ok(events);
    }
    // Later events of a question name its task alone.
    let mut asked: BTreeMap<TaskId, Vec<PersonId>> = BTreeMap::new();
    for event in &events {
        if let RegistryEvent::TaskUpdated { task, .. } | RegistryEvent::TaskClosed { task, .. } =
            &event.stored.event
        {
            let known = store.load_task(*task).await?;
            asked.insert(*task, known.map_or_else(Vec::new, |known| known.persons));
        }
    }
    let named = |event: &PlacedEvent| {
        let mut persons = event.persons.clone();
        persons.extend(event.moved_from);
        persons.extend(beside);
        if let RegistryEvent::TaskUpdated { task, .. } | RegistryEvent::TaskClosed { task, .. } =
            &event.stored.event
        {
            persons.extend(asked.get(task).into_iter().flatten());
        }
        persons
    };
    let persons: BTreeSet<PersonId> = events.iter().flat_map(named).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let records: Vec<RecordNumber> = events
        .iter()
        .flat_map(|event| event.records.iter().copied())
        .collect();
    let seals = seals_of(context, gate, &persons, &records).await?;
    events.retain(|event| gate.may_tell(&seals, &named(event), &event.records));
    Ok(events)
}

pub(super) fn shown(context: &Context, placed: PlacedEvent) -> FeedEvent {
    FeedEvent {
        place: context.store.place_text(placed.place()),
        changes: id_changes(&placed),
        at: placed.stored.at,
        persons: placed.persons,
        record: placed.record,
        event: placed.stored.event,
    }
}
