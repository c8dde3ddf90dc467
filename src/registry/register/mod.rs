//! Registering: a record's version and what is known of others in, events and
//! an answer out. Pure; runs inside the commit on what was re-read there.
//!
//! | what arrives | what follows |
//! | --- | --- |
//! | a new local id, or one that was withdrawn | decided among the candidates: link, review (a person of its own and tasks), or a person of its own |
//! | an older `effective_at` than the current version's | kept as history |
//! | an update that turns the record into someone else | held; the earlier version is served; a task |
//! | an update of a record that is alone under its person | decided again; its person id may retire into another |
//! | any other update | stays with its person; contrary or better evidence makes a task |
//! | anything from a quarantined source | kept and not acted on (R98) |

mod asking;
mod deferral;
mod disputing;
mod invalidation;
mod life;
mod objecting;
mod overlay;
mod rejudging;
mod sampling;
#[cfg(test)]
mod tests;

pub use disputing::{DisputeRefused, dispute, end_dispute};
pub use overlay::accept_held;
pub use rejudging::rejudge;
pub use sampling::ask_to_learn;

use std::sync::Arc;

use crate::foundation::{EventPosition, PersonId, RecordNumber, TaskId};
use crate::identity::{DisputedField, StandardRecord};
use crate::matching::{Decision, LinkageModel, Reason, Route};
use crate::registry::candidates::{Scored, candidates, possible};
use crate::registry::evidence::link_decision;
use crate::registry::tasks::{Grounds, Question, close_tasks_of};
use crate::registry::{
    Change, CloseReason, LinkDecision, Numbering, OtherPerson, Outcome, RecordState, RecordStatus,
    Registered, Registration, RegistrationAnswer, RegistryEvent, RegistryState, TaskKind,
    UnlinkReason, VersionStanding,
};

/// Decides what follows from a registration. The caller has dealt with a
/// replay of the current version.
#[must_use]
pub fn register(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
) -> Change<Registered> {
    Work::on(state, model, numbering, registration).register()
}

/// The same for a record of which nothing was decided yet, because all of its
/// versions came during a quarantine: the first of them is no measure for this.
pub(super) fn register_undecided(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
) -> Change<Registered> {
    Work {
        undecided: true,
        ..Work::on(state, model, numbering, registration)
    }
    .register()
}

struct Work<'a> {
    state: &'a RegistryState,
    model: &'a LinkageModel,
    numbering: &'a Numbering<'a>,
    registration: &'a Registration,
    events: Vec<RegistryEvent>,
    /// The update brings another verified number than the earlier version had.
    changes_verified_number: bool,
    /// What is served of the record was never decided.
    undecided: bool,
    /// Candidates who object to being seen (R134).
    opaque: Vec<Scored>,
    /// One of them is in the way.
    is_obstructed: bool,
    /// Of what a dispute begins with this version (R133).
    disputes: Option<DisputedField>,
    /// Of what one ends with it.
    settles: Option<DisputedField>,
}

struct Placed {
    person: PersonId,
    outcome: Outcome,
    route: Option<crate::matching::Route>,
    weight_bits: Option<f64>,
    possible: Vec<OtherPerson>,
    tasks: Vec<TaskId>,
}

impl<'a> Work<'a> {
    fn on(
        state: &'a RegistryState,
        model: &'a LinkageModel,
        numbering: &'a Numbering<'a>,
        registration: &'a Registration,
    ) -> Self {
        Self {
            state,
            model,
            numbering,
            registration,
            events: Vec::new(),
            changes_verified_number: false,
            undecided: false,
            opaque: Vec::new(),
            is_obstructed: false,
            disputes: None,
            settles: None,
        }
    }

    fn register(self) -> Change<Registered> {
        let (source, local_id) = (&self.registration.source, &self.registration.local_id);
        let existing = self.state.record(source, local_id).cloned();
        match existing {
            None if self.is_deferred() => self.defer_record(None),
            None => self.first_version(),
            Some(record) if self.is_older(&record) => self.history(&record),
            Some(record) if self.is_deferred() => self.defer_update(&record),
            Some(record) if record.status == RecordStatus::Withdrawn => self.returning(&record),
            Some(record) => self.update(&record),
        }
    }

    fn is_older(&self, record: &RecordState) -> bool {
        match (self.registration.effective_at, record.current.effective_at) {
            (Some(sent), Some(known)) => sent < known,
            _ => false,
        }
    }

    fn push_record(&mut self) -> RecordNumber {
        let record = self.state.counters.record.next();
        self.events.push(RegistryEvent::RecordRegistered {
            record,
            source: self.registration.source.clone(),
            local_id: self.registration.local_id.clone(),
            digest: self.registration.digest.clone(),
            effective_at: self.registration.effective_at,
        });
        record
    }

    fn first_version(mut self) -> Change<Registered> {
        let record = self.push_record();
        let standard = Arc::clone(&self.registration.standard);
        let candidates = self.find_candidates(record, &standard);
        let mut placed = self.place(record, 1, &standard, &candidates, None);
        self.judge_life(record, 1, &candidates, &mut placed);
        self.take_replacement(record, 1, &mut placed);
        self.finish(record, 1, placed, Some(standard), true)
    }

    fn returning(mut self, record: &RecordState) -> Change<Registered> {
        let version = record.latest_version + 1;
        self.push_version(record.number, version, VersionStanding::Current);
        let standard = self.with_history(record.number);
        self.note_answers(record.number, &standard);
        let candidates = self.find_candidates(record.number, &standard);
        let mut placed = self.place(record.number, version, &standard, &candidates, None);
        self.judge_life(record.number, version, &candidates, &mut placed);
        self.take_replacement(record.number, version, &mut placed);
        self.finish(record.number, version, placed, Some(standard), false)
    }

    fn history(mut self, record: &RecordState) -> Change<Registered> {
        let version = record.latest_version + 1;
        self.push_version(record.number, version, VersionStanding::History);
        let placed = self.stays(record, Vec::new(), Vec::new());
        self.finish(record.number, version, placed, None, false)
    }

    fn update(mut self, record: &RecordState) -> Change<Registered> {
        if let Some(objection) = self.objection(record) {
            return self.hold(record, record.latest_version + 1, objection);
        }
        self.become_current(record)
    }

    fn become_current(mut self, record: &RecordState) -> Change<Registered> {
        let version = record.latest_version + 1;
        self.push_version(record.number, version, VersionStanding::Current);
        self.settle_held(record);
        let standard = self.with_history(record.number);
        self.note_answers(record.number, &standard);
        let candidates = self.find_candidates(record.number, &standard);
        let person = record.link.as_ref().map(|link| link.person);
        let others = person
            .and_then(|person| self.state.persons.get(&person))
            .is_some_and(|person| person.members.len() > 1);
        // Where a human has put it, the machine leaves it.
        let kept = others || record.link.as_ref().and_then(|link| link.route) == Some(Route::Human);
        let mut placed = match person {
            Some(person) if kept => self.judge(record, person, version, &standard, &candidates),
            _ => self.place(record.number, version, &standard, &candidates, person),
        };
        self.judge_life(record.number, version, &candidates, &mut placed);
        self.take_replacement(record.number, version, &mut placed);
        self.finish(record.number, version, placed, Some(standard), false)
    }

    /// The record keeps its person; what the new version says against it or
    /// for another becomes a task (DESIGN §2.2).
    fn judge(
        &mut self,
        record: &RecordState,
        person: PersonId,
        version: u32,
        standard: &StandardRecord,
        candidates: &[Scored],
    ) -> Placed {
        let mut tasks = Vec::new();
        let own = candidates
            .iter()
            .find(|candidate| candidate.person == person);
        let doubtful = own.is_some_and(|own| own.score.speaks_against_a_link(self.model));
        let open = self
            .state
            .open_tasks_of(person)
            .find(|(_, task)| task.kind == TaskKind::LinkDoubtful && task.record == record.number);
        if let (true, Some(own)) = (doubtful, own) {
            let asked = (record.number, version);
            tasks.extend(self.raise(Question {
                kind: TaskKind::LinkDoubtful,
                record: record.number,
                persons: vec![person],
                weight_bits: Some(own.score.weight.bits()),
                reasons: vec![Reason::UpdateContradictsPerson],
                grounds: Grounds::compared(self.model, asked, standard, own),
                priority: self.priority(TaskKind::LinkDoubtful, standard, Some(own)),
            }));
        } else if let Some((task, known)) = open
            && !self.rests_on_a_dispute(known, person, record.number, standard)
        {
            self.events.push(RegistryEvent::TaskClosed {
                task,
                because: CloseReason::Superseded,
            });
        }
        let elsewhere: Vec<&Scored> = candidates
            .iter()
            .filter(|candidate| candidate.person != person)
            .collect();
        let (decision, graded) = self.decide(&elsewhere);
        let found = decision.questions();
        let asked = (record.number, version);
        tasks.extend(self.ask_about(asked, standard, person, &found, &elsewhere));
        self.stays(
            record,
            possible(self.model, &elsewhere, &graded, Some(person)),
            tasks,
        )
    }

    /// Decides to whom a record without companions belongs.
    fn place(
        &mut self,
        record: RecordNumber,
        version: u32,
        standard: &Arc<StandardRecord>,
        candidates: &[Scored],
        alone_under: Option<PersonId>,
    ) -> Placed {
        let others: Vec<&Scored> = candidates
            .iter()
            .filter(|candidate| Some(candidate.person) != alone_under)
            .collect();
        let (decision, graded) = self.decide(&others);
        let (decision, in_the_way) = self.around_the_opaque(&others, decision);
        if !in_the_way.is_empty() {
            let own = self.own_person(record, version, alone_under);
            self.ask_unseen((record, version), standard, own, &in_the_way);
            let found = decision.questions();
            let tasks = self.ask_about((record, version), standard, own, &found, &others);
            return alone(own, possible(self.model, &others, &graded, None), tasks);
        }
        match decision {
            Decision::Link {
                person,
                route,
                weight,
                reasons,
            } => {
                let chosen = others.iter().find(|candidate| candidate.person == person);
                let decision = link_decision(
                    self.model,
                    record,
                    version,
                    chosen.copied().map(|chosen| (chosen, standard.as_ref())),
                    reasons,
                );
                let decision = LinkDecision {
                    route: Some(route),
                    weight_bits: Some(weight.bits()),
                    ..decision
                };
                if let Some(earlier) = alone_under {
                    self.retire(record, earlier, person);
                }
                self.events.push(RegistryEvent::RecordLinked {
                    record,
                    person,
                    decision,
                });
                Placed {
                    person,
                    outcome: Outcome::Linked,
                    route: Some(route),
                    weight_bits: Some(weight.bits()),
                    possible: possible(self.model, &others, &graded, Some(person)),
                    tasks: Vec::new(),
                }
            }
            Decision::Review { persons } => {
                let own = self.own_person(record, version, alone_under);
                let tasks = self.ask_about((record, version), standard, own, &persons, &others);
                alone(own, possible(self.model, &others, &graded, None), tasks)
            }
            Decision::NewPerson => {
                let own = self.own_person(record, version, alone_under);
                alone(
                    own,
                    possible(self.model, &others, &graded, None),
                    Vec::new(),
                )
            }
        }
    }

    fn own_person(
        &mut self,
        record: RecordNumber,
        version: u32,
        alone_under: Option<PersonId>,
    ) -> PersonId {
        if let Some(person) = alone_under {
            return person;
        }
        let person = self.numbering.person();
        let decision = link_decision(self.model, record, version, None, Vec::new());
        self.events.push(RegistryEvent::PersonCreated { person });
        self.events.push(RegistryEvent::RecordLinked {
            record,
            person,
            decision,
        });
        person
    }

    fn retire(&mut self, record: RecordNumber, earlier: PersonId, survivor: PersonId) {
        self.events.push(RegistryEvent::RecordUnlinked {
            record,
            person: earlier,
            because: UnlinkReason::JoinedAnother,
            merge: None,
        });
        self.events.push(RegistryEvent::PersonRetired {
            person: earlier,
            replaced_by: survivor,
        });
        close_tasks_of(
            self.state,
            &mut self.events,
            earlier,
            CloseReason::PersonsJoined,
        );
    }

    fn stays(
        &self,
        record: &RecordState,
        possible: Vec<OtherPerson>,
        tasks: Vec<TaskId>,
    ) -> Placed {
        let link = record.link.as_ref();
        let person = link.map_or_else(|| self.numbering.person(), |link| link.person);
        let route = link.and_then(|link| link.route);
        let companions = self
            .state
            .persons
            .get(&person)
            .is_some_and(|person| person.members.len() > 1);
        Placed {
            person,
            outcome: if companions {
                Outcome::Linked
            } else {
                Outcome::NewPerson
            },
            route,
            weight_bits: link.and_then(|link| link.weight_bits),
            possible,
            tasks,
        }
    }

    fn find_candidates(
        &mut self,
        record: RecordNumber,
        standard: &Arc<StandardRecord>,
    ) -> Vec<Scored> {
        let found = candidates(self.state, self.model, self.registration, record, standard);
        self.opaque = found.opaque;
        found.seen
    }

    fn push_version(&mut self, record: RecordNumber, version: u32, standing: VersionStanding) {
        self.events.push(RegistryEvent::RecordUpdated {
            record,
            version,
            digest: self.registration.digest.clone(),
            effective_at: self.registration.effective_at,
            standing,
        });
    }

    fn finish(
        mut self,
        record: RecordNumber,
        version: u32,
        mut placed: Placed,
        remembered: Option<Arc<StandardRecord>>,
        created: bool,
    ) -> Change<Registered> {
        self.judge_source(record, &mut placed);
        let findings = self.findings(remembered.as_deref(), &placed);
        let events = i64::try_from(self.events.len()).unwrap_or(i64::MAX);
        let weight = placed.weight_bits.map(crate::matching::MatchWeight::new);
        let answer = RegistrationAnswer {
            source: self.registration.source.clone(),
            local_id: self.registration.local_id.clone(),
            version,
            person_id: placed.person,
            outcome: placed.outcome,
            route: placed.route,
            weight_bits: placed.weight_bits,
            probability: weight.map(|weight| self.model.probability(weight).value()),
            calibrated: self.model.calibrated(),
            complete: self.registration.complete && !self.is_crowded() && !self.is_obstructed,
            possible: placed.possible,
            tasks: placed.tasks,
            findings,
            position: EventPosition(self.state.counters.position.0 + events),
            replayed: false,
            created,
        };
        Change {
            events: self.events,
            answer: Registered {
                answer,
                record,
                remembered,
            },
        }
    }
}

fn alone(person: PersonId, possible: Vec<OtherPerson>, tasks: Vec<TaskId>) -> Placed {
    Placed {
        person,
        outcome: Outcome::NewPerson,
        route: None,
        weight_bits: None,
        possible,
        tasks,
    }
}
