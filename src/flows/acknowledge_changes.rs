//! Readers say that they have taken over a changed id; the chase list shows who
//! was told an id, by the audit, and has not.

use std::collections::{BTreeMap, BTreeSet};

use crate::flows::follow_events::{place_of, unsealed};
use crate::flows::{Context, FlowError};
use crate::foundation::limits::CHASE_CHANGES_SCANNED_MAX;
use crate::foundation::{Instant, PersonId};
use crate::registry::{Gate, RegistryEvent, UnlinkReason};
use crate::security::{Access, Role};
use crate::storage::{FeedPlace, StoredEvent};

/// A reader that was told an id and has not taken over its change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChaseEntry {
    /// The id.
    pub person: PersonId,
    /// What it resolves to now; itself where it stands again.
    pub resolves_to: Option<PersonId>,
    /// The account.
    pub reader: String,
    /// When it was told the id first.
    pub told_at: Instant,
    /// When the id changed; the first change that was not taken over.
    pub changed_at: Instant,
    /// The place of the last change, to acknowledge all of them.
    pub place: String,
}

/// A part of the chase list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChaseList {
    /// In order of the changes.
    pub entries: Vec<ChaseEntry>,
    /// Where to go on.
    pub next: String,
    /// Whether something may follow.
    pub more: bool,
}

/// Notes that the account has taken over all changes of the id up to a place.
///
/// # Errors
/// An id that is not known or not visible, a text that is no place, or a fault
/// of ours.
pub async fn acknowledge_change(
    context: &Context,
    access: &Access,
    person: PersonId,
    position: &str,
) -> Result<Instant, FlowError> {
    const UNKNOWN: FlowError = FlowError::NotFound("no person with this id is known");
    let store = &context.store;
    let place = store
        .parse_place(position)
        .ok_or_else(|| FlowError::Unprocessable {
            member: "position",
            rule: "opaque place",
            detail: "position must be that of an event of the feed or of a webhook".to_owned(),
        })?;
    store.load_person(person).await?.ok_or(UNKNOWN)?;
    let sources = &access.actor().sources;
    if !sources.is_empty() {
        let own = store.persons_of_sources(&[person], sources).await?;
        if !own.contains(&person) {
            return Err(UNKNOWN);
        }
    }
    let now = context.clock.now();
    let entry = access.audit(now, vec![person], None);
    store.append_audit(vec![entry]).await?;
    store
        .acknowledge(&access.actor().name, person, place, now)
        .await?;
    Ok(now)
}

/// Who has not taken over a change from before an instant. A system sees its own
/// part of the list.
///
/// # Errors
/// A text that is no place, or a fault of ours.
pub async fn chase_list(
    context: &Context,
    access: &Access,
    before: Option<Instant>,
    after: Option<&str>,
    limit: u32,
) -> Result<ChaseList, FlowError> {
    let store = &context.store;
    let before = before.unwrap_or_else(|| context.clock.now());
    let own = access.role() == Role::Integration;
    let reader = own.then_some(access.actor().name.as_str());
    let mut place = place_of(context, after)?;
    let mut entries = Vec::new();
    let mut more = true;
    let mut left = CHASE_CHANGES_SCANNED_MAX;
    while more && left > 0 && entries.len() < limit as usize {
        let page = store
            .list_id_changes(place, before, limit.min(left))
            .await?;
        left -= limit.min(left);
        more = page.more;
        place = page.next;
        let events = told(context, Gate::of(access), page.events).await?;
        entries.extend(unacknowledged(context, &events, reader).await?);
    }
    let entries = by_reader(entries);
    let persons: BTreeSet<PersonId> = entries.iter().map(|entry| entry.person).collect();
    let audit = access.audit(context.clock.now(), persons.into_iter().collect(), None);
    store.append_audit(vec![audit]).await?;
    Ok(ChaseList {
        entries,
        next: store.place_text(place),
        more,
    })
}

/// Without the changes of two ids that a seal keeps apart now: side by side they
/// would tell that the two were one (R22).
async fn told(
    context: &Context,
    gate: Gate,
    events: Vec<StoredEvent>,
) -> Result<Vec<StoredEvent>, FlowError> {
    if gate.sees_sealed() || !context.store.has_seals().await? {
        return Ok(events);
    }
    let placed = context.store.place_events(events).await?;
    let placed = unsealed(context, gate, placed, None).await?;
    Ok(placed.into_iter().map(|event| event.stored).collect())
}

/// One entry for each reader and id: since the first change, up to the last.
fn by_reader(entries: Vec<ChaseEntry>) -> Vec<ChaseEntry> {
    let mut merged: Vec<ChaseEntry> = Vec::with_capacity(entries.len());
    for entry in entries {
        let same =
            |known: &&mut ChaseEntry| known.person == entry.person && known.reader == entry.reader;
        match merged.iter_mut().find(same) {
            Some(known) => known.place = entry.place,
            None => merged.push(entry),
        }
    }
    merged
}

async fn unacknowledged(
    context: &Context,
    events: &[StoredEvent],
    reader: Option<&str>,
) -> Result<Vec<ChaseEntry>, FlowError> {
    let store = &context.store;
    let changed: Vec<(PersonId, &StoredEvent)> = events
        .iter()
        .filter_map(|event| Some((changed_id(&event.event)?, event)))
        .collect();
    let persons: BTreeSet<PersonId> = changed.iter().map(|(person, _)| *person).collect();
    let persons: Vec<PersonId> = persons.into_iter().collect();
    let told = store.told_readers(&persons).await?;
    let acknowledged = store.acknowledged(&persons).await?;
    let mut resolved: BTreeMap<PersonId, Option<PersonId>> = BTreeMap::new();
    let mut entries = Vec::new();
    for (person, event) in changed {
        let place = FeedPlace::of(event);
        let holders = told.iter().filter(|((told, name), first)| {
            let is_reader = reader.is_none_or(|reader| reader == name);
            let done = acknowledged.get(&(person, name.clone()));
            *told == person && is_reader && **first <= event.at && done.is_none_or(|it| *it < place)
        });
        for ((_, name), first) in holders {
            if let std::collections::btree_map::Entry::Vacant(entry) = resolved.entry(person) {
                let stored = store.load_person(person).await?;
                entry.insert(stored.map(|stored| stored.survivor()));
            }
            entries.push(ChaseEntry {
                person,
                resolves_to: resolved.get(&person).copied().flatten(),
                reader: name.clone(),
                told_at: *first,
                changed_at: event.at,
                place: store.place_text(place),
            });
        }
    }
    Ok(entries)
}

/// The id whose meaning the event changes for those who hold it.
const fn changed_id(event: &RegistryEvent) -> Option<PersonId> {
    match event {
        RegistryEvent::PersonRetired { person, .. }
        | RegistryEvent::PersonWithdrawn { person }
        | RegistryEvent::PersonRestored { person } => Some(*person),
        RegistryEvent::RecordUnlinked {
            person, because, ..
        } => match because {
            // The person stays who it was, with a record less.
            UnlinkReason::Withdrawn => None,
            UnlinkReason::JoinedAnother
            | UnlinkReason::Merged
            | UnlinkReason::Unmerged
            | UnlinkReason::Moved => Some(*person),
        },
        _ => None,
    }
}
