//! Some thousand records on their way into an empty ledger: made ready and
//! compared side by side, then decided one after the other as commits would.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::flows::first_load::shelf::{Decided, Looked, Reach, Shelf};
use crate::flows::ready::Ready;
use crate::flows::register_record::findings_json;
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::foundation::{EventPosition, Instant, PersonId, TaskId};
use crate::identity::NumberStatus;
use crate::index::IndexEntry;
use crate::matching::search::search_terms;
use crate::matching::{BlockingKeys, blocking_keys};
use crate::registry::{
    Change, Counters, Numbering, PersonState, PersonStatus, Registered, Registration,
    RegistrationAnswer, RegistryEvent, RegistryState, SourceCode, TaskState, register, task_of,
};
use crate::security::Access;
use crate::storage::{NewVersion, Planned};

/// What becomes of a row.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is in.
    Answer(Box<RegistrationAnswer>),
    /// It was in already, and says the same.
    Known,
    /// It is for the path of a message, once all others are in.
    Later(Box<RegisterCommand>),
    /// It is refused.
    Refused(FlowError),
}

/// A row on its way.
pub(super) enum Row {
    /// Standardised, with its keys.
    Ready(Box<ReadyRow>),
    /// Settled without a decision.
    Settled(Verdict),
}

/// A row of which everything is computed that needs no other.
pub(super) struct ReadyRow {
    command: RegisterCommand,
    ready: Ready,
    keys: BlockingKeys,
    /// What people may search it by.
    search: Vec<u64>,
    looked: Option<Looked>,
}

/// What a window has written.
pub(super) struct Written {
    /// What became of its rows, in order.
    pub(super) verdicts: Vec<Verdict>,
    /// What the index takes of it; none where it must ask the ledger, because
    /// what waits there is found under no key.
    pub(super) entries: Option<Vec<IndexEntry>>,
}

/// Standardises the rows and makes their keys. A statement about another number
/// (R16, R21) is rare and reaches far: its row waits for the path of a message.
pub(super) fn make_ready(
    context: &Context,
    defaults: &BTreeMap<SourceCode, NumberStatus>,
    commands: Vec<RegisterCommand>,
) -> Vec<Row> {
    let ready = |command: RegisterCommand| {
        if command.submitted.replaces_nhs_number.is_some() {
            return Row::Settled(Verdict::Later(Box::new(command)));
        }
        let Some(default) = defaults.get(&command.source) else {
            return Row::Settled(Verdict::Later(Box::new(command)));
        };
        let findings = command.findings.clone();
        match Ready::from(context, &command.submitted, findings, *default) {
            Ok(ready) => {
                let keys = blocking_keys(&ready.standard);
                let search = search_terms(&ready.standard);
                Row::Ready(Box::new(ReadyRow {
                    command,
                    ready,
                    keys,
                    search,
                    looked: None,
                }))
            }
            Err(error) => Row::Settled(Verdict::Refused(error)),
        }
    };
    commands.into_par_iter().map(ready).collect()
}

/// Compares the rows with the persons of earlier windows.
pub(super) fn look(context: &Context, shelf: &Shelf, rows: &mut [Row]) -> Result<(), FlowError> {
    rows.par_iter_mut().try_for_each(|row| {
        if let Row::Ready(row) = row {
            let looked = shelf.look(&context.model, &row.ready.standard, &row.keys)?;
            row.looked = Some(looked);
        }
        Ok(())
    })
}

/// Under what a record is found.
struct FoundBy {
    keys: Vec<u64>,
    search: Vec<u64>,
}

/// A plan in the making.
pub(super) struct Window<'w> {
    context: &'w Context,
    access: &'w Access,
    now: Instant,
    shelf: &'w mut Shelf,
    plan: Planned<Written>,
    /// Persons and tasks of earlier windows that this one changes, as they were.
    persons: BTreeMap<PersonId, EventPosition>,
    tasks: BTreeMap<TaskId, TaskState>,
}

impl<'w> Window<'w> {
    pub(super) fn new(context: &'w Context, access: &'w Access, shelf: &'w mut Shelf) -> Self {
        Self {
            context,
            access,
            now: context.clock.now(),
            shelf,
            plan: Planned::nothing(Written {
                verdicts: Vec::new(),
                entries: Some(Vec::new()),
            }),
            persons: BTreeMap::new(),
            tasks: BTreeMap::new(),
        }
    }

    /// Decides the rows in order. `state` has the ledger's numbers, and gets what the
    /// events change of earlier windows.
    pub(super) fn decide(mut self, rows: Vec<Row>, state: &mut RegistryState) -> Planned<Written> {
        let mut counters = state.counters;
        let opened = counters.position;
        for row in rows {
            let verdict = match row {
                Row::Settled(verdict) => verdict,
                Row::Ready(row) => self.decide_row(*row, &mut counters, opened),
            };
            self.plan.answer.verdicts.push(verdict);
        }
        self.shelf.settle();
        for (person, revision) in self.persons {
            let known = PersonState {
                status: PersonStatus::Active,
                members: std::collections::BTreeSet::new(),
                revision,
            };
            state.persons.insert(person, known);
        }
        state.tasks.extend(self.tasks);
        self.plan
    }

    fn decide_row(
        &mut self,
        row: ReadyRow,
        counters: &mut Counters,
        opened: EventPosition,
    ) -> Verdict {
        let known = self
            .shelf
            .digest(&row.command.source, &row.command.local_id);
        match known {
            Some(digest) if digest == row.ready.digest => return Verdict::Known,
            Some(_) => return Verdict::Later(Box::new(row.command)),
            None => {}
        }
        let ReadyRow {
            command,
            ready,
            keys,
            search,
            looked,
        } = row;
        let Some(looked) = looked else {
            return Verdict::Refused(FlowError::Broken);
        };
        let model = &self.context.model;
        let locks = keys.lock_hashes();
        let mut reach = self
            .shelf
            .reach(model, &command.source, &ready.standard, &locks, looked);
        reach.state.counters = *counters;
        let registration = Registration {
            source: command.source,
            local_id: command.local_id,
            digest: ready.digest,
            effective_at: ready.effective_at,
            standard: ready.standard,
            findings: ready.findings,
            lock_hashes: Vec::new(),
            prepared: std::mem::take(&mut reach.prepared),
            complete: reach.complete,
            replacement: None,
            replacements: BTreeMap::new(),
            invalidated: None,
        };
        let numbering = Numbering {
            now: self.now,
            chance: self.context.chance.as_ref(),
        };
        let change = register(&reach.state, model, &numbering, &registration);
        self.keep_earlier(&reach, &change.events, opened);
        for event in &change.events {
            reach.state.apply(event);
        }
        *counters = reach.state.counters;
        let found_by = FoundBy {
            keys: keys.stored_hashes(),
            search,
        };
        self.take(reach, &registration, change, found_by, ready.payload)
    }

    /// Puts the decision on the shelf and into the plan.
    fn take(
        &mut self,
        reach: Reach,
        registration: &Registration,
        change: Change<Registered>,
        found_by: FoundBy,
        payload: String,
    ) -> Verdict {
        let deferred = change
            .events
            .iter()
            .any(|event| matches!(event, RegistryEvent::VersionDeferred { .. }));
        let (record, answer) = (change.answer.record, change.answer.answer);
        let decided = Decided {
            registration,
            record,
            person: answer.person_id,
            keys: &found_by.keys,
            events: &change.events,
            deferred,
        };
        self.shelf.put_back(reach, &decided);
        let mut named = vec![answer.person_id];
        named.extend(answer.possible.iter().map(|other| other.person_id));
        let name = format!("{}:{}", answer.source, answer.local_id);
        let audit = self.access.audit(self.now, named, Some(name));
        self.plan.audit.push(audit);
        self.plan.versions.push(NewVersion {
            record,
            version: answer.version,
            submitted: payload,
            standard: Arc::clone(&registration.standard),
            findings: findings_json(&answer.findings),
            answer: serde_json::to_string(&answer)
                .expect("invariant: an answer of texts and numbers always becomes JSON"),
        });
        if deferred {
            self.plan.answer.entries = None;
        } else {
            self.plan.keys.push((record, found_by.keys.clone()));
        }
        if let Some(entries) = &mut self.plan.answer.entries {
            entries.push(IndexEntry {
                record,
                keys: found_by.keys,
                search: found_by.search,
            });
        }
        self.plan.events.extend(change.events);
        Verdict::Answer(Box::new(answer))
    }

    /// Notes persons and tasks of earlier windows before the events change them.
    fn keep_earlier(&mut self, reach: &Reach, events: &[RegistryEvent], opened: EventPosition) {
        for event in events {
            if let RegistryEvent::RecordLinked { person, .. } = event
                && let Some(known) = reach.state.persons.get(person)
                && known.revision <= opened
            {
                self.persons.entry(*person).or_insert(known.revision);
            }
            if let Some(task) = task_of(event)
                && let Some(known) = reach.state.tasks.get(&task)
                && known.position <= opened
            {
                self.tasks.entry(task).or_insert_with(|| known.clone());
            }
        }
    }
}
