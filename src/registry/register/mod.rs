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

mod deferral;
mod invalidation;
mod life;
mod overlay;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::foundation::limits::REVIEW_TASKS_PER_RECORD_MAX;
use crate::foundation::{EventPosition, PersonId, RecordNumber, TaskId};
use crate::identity::StandardRecord;
use crate::matching::{Candidate, Decision, Grade, LinkageModel, Reason, Route, decide};
use crate::registry::candidates::{Scored, candidates, possible};
use crate::registry::evidence::{compared, link_decision};
use crate::registry::tasks::{Question, close_tasks_of, evidence_digest, raise, task_kind};
use crate::registry::{
    Change, CloseReason, LinkDecision, Numbering, OtherPerson, Outcome, RecordState, RecordStatus,
    Registered, Registration, RegistrationAnswer, RegistryEvent, RegistryState, TaskKind,
    UnlinkReason, VersionStanding, claimed_number,
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
    let existing = state
        .record(&registration.source, &registration.local_id)
        .cloned();
    let work = Work {
        state,
        model,
        numbering,
        registration,
        events: Vec::new(),
        changes_verified_number: false,
    };
    match existing {
        None if work.is_deferred() => work.defer_record(None),
        None => work.first_version(),
        Some(record) if work.is_older(&record) => work.history(&record),
        Some(record) if work.is_deferred() => work.defer_update(&record),
        Some(record) if record.status == RecordStatus::Withdrawn => work.returning(&record),
        Some(record) => work.update(&record),
    }
}

struct Work<'a> {
    state: &'a RegistryState,
    model: &'a LinkageModel,
    numbering: &'a Numbering<'a>,
    registration: &'a Registration,
    events: Vec<RegistryEvent>,
    /// The update brings another verified number than the earlier version had.
    changes_verified_number: bool,
}

struct Placed {
    person: PersonId,
    outcome: Outcome,
    route: Option<crate::matching::Route>,
    weight_bits: Option<f64>,
    possible: Vec<OtherPerson>,
    tasks: Vec<TaskId>,
}

impl Work<'_> {
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
        let version = record.latest_version + 1;
        if let Some(objection) = self.objection(record) {
            return self.hold(record, version, objection);
        }
        self.push_version(record.number, version, VersionStanding::Current);
        self.settle_held(record);
        let standard = self.with_history(record.number);
        let candidates = self.find_candidates(record.number, &standard);
        let person = record.link.as_ref().map(|link| link.person);
        let others = person
            .and_then(|person| self.state.persons.get(&person))
            .is_some_and(|person| person.members.len() > 1);
        // Where a human has put it, the machine leaves it.
        let kept = others || record.link.as_ref().and_then(|link| link.route) == Some(Route::Human);
        let mut placed = match person {
            Some(person) if kept => self.judge(record, person, version, &candidates),
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
            let compared = compared(record.number, version, own);
            let question = Question {
                kind: TaskKind::LinkDoubtful,
                record: record.number,
                persons: vec![person],
                weight_bits: Some(own.score.weight.bits()),
                reasons: vec![Reason::UpdateContradictsPerson],
                evidence: evidence_digest(self.model, &compared),
            };
            tasks.push(raise(
                self.state,
                &mut self.events,
                self.numbering,
                question,
            ));
        } else if let Some((task, _)) = open {
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
        let found = match decision {
            Decision::Link {
                person,
                weight,
                reasons,
                ..
            } => vec![(person, weight, reasons)],
            Decision::Review { persons } => persons,
            Decision::NewPerson => Vec::new(),
        };
        tasks.extend(self.ask_about(record.number, version, person, &found, &elsewhere));
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
                let tasks = self.ask_about(record, version, own, &persons, &others);
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

    fn ask_about(
        &mut self,
        record: RecordNumber,
        version: u32,
        own: PersonId,
        found: &[(PersonId, crate::matching::MatchWeight, Vec<Reason>)],
        candidates: &[&Scored],
    ) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for (person, weight, reasons) in found.iter().take(REVIEW_TASKS_PER_RECORD_MAX) {
            let Some(scored) = candidates.iter().find(|scored| scored.person == *person) else {
                continue;
            };
            let mut persons = vec![own, *person];
            persons.sort_unstable();
            let question = Question {
                kind: task_kind(reasons),
                record,
                persons,
                weight_bits: Some(weight.bits()),
                reasons: reasons.clone(),
                evidence: evidence_digest(self.model, &compared(record, version, scored)),
            };
            tasks.push(raise(
                self.state,
                &mut self.events,
                self.numbering,
                question,
            ));
        }
        tasks
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

    fn decide(&self, candidates: &[&Scored]) -> (Decision, Vec<(Grade, Vec<Reason>)>) {
        let persons: Vec<PersonId> = candidates.iter().map(|scored| scored.person).collect();
        let claimed = claimed_number(&self.registration.standard);
        let claimants = claimed.map_or_else(Default::default, |it| self.state.claimants(it));
        let list: Vec<Candidate<'_>> = candidates
            .iter()
            .map(|scored| Candidate {
                person: scored.person,
                members: scored
                    .members
                    .iter()
                    .map(|member| member.standard.as_ref())
                    .collect(),
                score: scored.score.clone(),
                asserted_different: self.is_asserted_different(scored.person),
                open_duplicate_of: self.state.open_duplicates_of(scored.person, &persons),
                number_confused: self.state.number_is_confused(scored.person)
                    || (claimants.len() > 1 && claimants.contains(&scored.person)),
            })
            .collect();
        decide(self.model, &self.registration.standard, &list)
    }

    /// Whether a human holds the record, or one of those beside it, to be
    /// somebody else's than this person's (R102).
    fn is_asserted_different(&self, person: PersonId) -> bool {
        let (source, local_id) = (&self.registration.source, &self.registration.local_id);
        let record = self.state.record(source, local_id);
        record.is_some_and(|record| self.state.is_asserted_different(record, person))
    }

    fn find_candidates(&self, record: RecordNumber, standard: &Arc<StandardRecord>) -> Vec<Scored> {
        candidates(self.state, self.model, self.registration, record, standard)
    }

    fn with_history(&self, record: RecordNumber) -> Arc<StandardRecord> {
        match self.state.standards.get(&record) {
            Some(earlier) => Arc::new(
                self.registration
                    .standard
                    .as_ref()
                    .clone()
                    .remembering(earlier),
            ),
            None => Arc::clone(&self.registration.standard),
        }
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
            complete: self.registration.complete && !self.is_crowded(),
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
