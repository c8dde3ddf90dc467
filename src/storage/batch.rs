//! What a batch of commands will write: its rows, gathered while the commands
//! decide. Writing them stands in `write`.

use std::collections::{BTreeSet, HashMap};

use crate::foundation::{EventPosition, PersonId, RecordNumber};
use crate::registry::{RegistryEvent, RegistryState};
use crate::security::AuditEntry;
use crate::storage::StoreError;
use crate::storage::claims::ClaimRows;
use crate::storage::command::{CommitActor, NewVersion, Planned, Remark, RememberedAnswer};
use crate::storage::known_pairs::KnownPairWrite;
use crate::storage::locks::Touched;
use crate::storage::project::{Projection, VersionFact, event_kind, event_subjects};
use crate::storage::recent::KeyRow;
use crate::storage::rows::json;

pub(super) struct EventRow {
    pub(super) position: EventPosition,
    pub(super) actor: CommitActor,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

pub(super) struct VersionRow {
    pub(super) fact: VersionFact,
    pub(super) version: NewVersion,
    pub(super) actor: String,
}

/// The rows of a batch.
pub(super) struct Batch {
    pub(super) projection: Projection,
    pub(super) facts_taken: usize,
    pub(super) events: Vec<EventRow>,
    pub(super) subjects: Vec<(String, EventPosition)>,
    pub(super) versions: Vec<VersionRow>,
    pub(super) keys: Vec<KeyRow>,
    pub(super) claims: ClaimRows,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) remembered: Vec<RememberedAnswer>,
    pub(super) remarks: Vec<(EventPosition, Remark)>,
    pub(super) known_pairs: Vec<KnownPairWrite>,
}

impl Batch {
    /// An empty batch.
    pub(super) fn new() -> Self {
        Self {
            projection: Projection::default(),
            facts_taken: 0,
            events: Vec::new(),
            subjects: Vec::new(),
            versions: Vec::new(),
            keys: Vec::new(),
            claims: ClaimRows::default(),
            audit: Vec::new(),
            remembered: Vec::new(),
            remarks: Vec::new(),
            known_pairs: Vec::new(),
        }
    }

    /// Applies a plan's events to the state and gathers their rows.
    pub(super) fn apply(
        &mut self,
        plan: &Planned<()>,
        state: &mut RegistryState,
        actor: &CommitActor,
    ) {
        self.facts_taken = self.projection.versions.len();
        let first = EventPosition(state.counters.position.0 + 1);
        let remark = plan.remark.clone().filter(|_| !plan.events.is_empty());
        self.remarks.extend(remark.map(|remark| (first, remark)));
        for event in &plan.events {
            state.apply(event);
            self.projection.take(event, state);
            let position = state.counters.position;
            self.events.push(EventRow {
                position,
                actor: actor.clone(),
                kind: event_kind(event),
                body: json(event),
            });
            let subjects = event_subjects(event).into_iter();
            self.subjects
                .extend(subjects.map(|subject| (subject, position)));
        }
    }

    /// Persons that stood before the batch and that it changes or asks about, and
    /// the sources whose quarantine it begins or ends.
    pub(super) fn touched(&self, state: &RegistryState) -> Touched {
        let tasks = self.projection.new_tasks.keys();
        let tasks = tasks.chain(&self.projection.changed_tasks);
        let named = tasks.filter_map(|task| state.tasks.get(task));
        let mut persons: BTreeSet<PersonId> = named
            .flat_map(|task| task.persons.iter().copied())
            .chain(self.projection.changed_persons.iter().copied())
            .collect();
        persons.retain(|person| !self.projection.new_persons.contains_key(person));
        let sources = self.projection.sources.turned();
        Touched { persons, sources }
    }

    /// Gathers what stands beside the events of the plan applied last.
    pub(super) fn take(
        &mut self,
        plan: Planned<()>,
        state: &RegistryState,
        actor: &CommitActor,
    ) -> Result<(), StoreError> {
        self.claims.take(&plan);
        let facts = self.projection.versions.get(self.facts_taken..);
        let facts = facts.unwrap_or_default();
        let rows = version_rows(facts, plan.versions, &actor.actor)?;
        self.versions.extend(rows);
        let erased = plan.events.iter().filter_map(|event| match event {
            RegistryEvent::RecordErased { record, .. } => Some(*record),
            _ => None,
        });
        for erased in erased {
            // Those of commands before it in this batch go with the others.
            self.keys.retain(|row| row.record != erased);
        }
        for (record, keys) in plan.keys {
            let Some(known) = state.records.get(&record) else {
                return Err(StoreError::inconsistent("record_keys", "record", record.0));
            };
            let position = known.position;
            self.keys.extend(keys.into_iter().map(|key| KeyRow {
                key,
                record,
                position,
            }));
        }
        self.audit.extend(plan.audit);
        self.remembered.extend(plan.remember);
        self.known_pairs.extend(plan.known_pair);
        Ok(())
    }
}

/// Joins what the events say of versions with what the plan gives for them.
fn version_rows(
    facts: &[VersionFact],
    versions: Vec<NewVersion>,
    actor: &str,
) -> Result<Vec<VersionRow>, StoreError> {
    let mut given: HashMap<(RecordNumber, u32), NewVersion> = versions
        .into_iter()
        .map(|version| ((version.record, version.version), version))
        .collect();
    let rows = facts.iter().map(|fact| {
        let version = given.remove(&(fact.record, fact.version));
        version
            .map(|version| VersionRow {
                fact: fact.clone(),
                version,
                actor: actor.to_owned(),
            })
            .ok_or_else(|| StoreError::inconsistent("payloads", "version", fact.record.0))
    });
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    match given.keys().next() {
        Some((record, _)) => Err(StoreError::inconsistent("events", "version", record.0)),
        None => Ok(rows),
    }
}
