//! An update that would turn its record into someone else: kept, not served,
//! and a question (DESIGN §2.2, R101).

use std::sync::Arc;

use crate::foundation::RecordNumber;
use crate::identity::StandardRecord;
use crate::matching::levels::NhsNumberLevel;
use crate::matching::{LinkageModel, Reason};
use crate::registry::register::{Placed, Work};
use crate::registry::tasks::{Grounds, Question};
use crate::registry::{
    Change, CloseReason, ComparedVersion, EvidenceRow, LiveNumbers, Numbering, Outcome,
    RecordState, Registered, Registration, RegistryEvent, RegistryState, TaskKind, VersionStanding,
    claimed_number,
};

/// Why an update is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// It contradicts the earlier version in at least two of given name, family
    /// name, birth date, sex and verified NHS number. A marriage changes one, a
    /// corrected date one; somebody else changes more.
    SomeoneElse,
    /// It brings a second verified number to a person that has one (R20).
    SecondNumber,
    /// It says that a number is replaced in a circle or by two others (R18).
    Supersession,
}

/// Decides on a held version that a human says is the same patient's; the
/// registration has its content. Who holds the version has settled its question.
#[must_use]
pub fn accept_held(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    version: u32,
) -> Change<Registered> {
    let existing = state.record(&registration.source, &registration.local_id);
    let existing = existing.cloned();
    let work = Work::on(state, model, numbering, registration);
    match existing {
        Some(record) => work.accept(&record, version),
        None => work.first_version(),
    }
}

impl Work<'_> {
    /// Why the update must not become current, if so.
    pub(super) fn objection(&mut self, record: &RecordState) -> Option<Objection> {
        let said = self.registration.replacement;
        if said.is_some_and(|said| self.state.contradicts_supersession(said)) {
            return Some(Objection::Supersession);
        }
        let Some(earlier) = self.state.standards.get(&record.number) else {
            // Erased: nothing is left to compare with but the records beside it.
            let second = self.companions_keep_their_number(record);
            return second.then_some(Objection::SecondNumber);
        };
        let earlier = self.with_live_number(earlier);
        let score = self.model.score(&self.registration.standard, &[&earlier]);
        self.changes_verified_number =
            score.vector.nhs_number() == NhsNumberLevel::DifferentVerified;
        if score.is_of_someone_else() {
            // What was served before was never decided: it holds nothing up.
            (!self.undecided).then_some(Objection::SomeoneElse)
        } else if claimed_number(&self.registration.standard) != claimed_number(&earlier)
            && self.companions_keep_their_number(record)
        {
            Some(Objection::SecondNumber)
        } else {
            None
        }
    }

    /// The version with the history before it; what was served and never decided
    /// counts as history unless it speaks of someone else.
    pub(super) fn with_history(&self, record: RecordNumber) -> Arc<StandardRecord> {
        let earlier = self.state.standards.get(&record).filter(|earlier| {
            let score = || self.model.score(&self.registration.standard, &[earlier]);
            !self.undecided || !score().is_of_someone_else()
        });
        let Some(earlier) = earlier else {
            return Arc::clone(&self.registration.standard);
        };
        let said = self.registration.standard.as_ref();
        let mut standard = match self.settles {
            Some(field) => said
                .clone()
                .remembering(&earlier.as_ref().clone().settling(field)),
            None => said.clone().remembering(earlier),
        };
        if let Some(field) = self.disputes {
            standard = standard.withholding(field, said);
        }
        Arc::new(standard)
    }

    /// A record as the update is compared with it: a number that is replaced, by
    /// the update itself perhaps, counts as the one that stands (R16).
    fn with_live_number(&self, record: &Arc<StandardRecord>) -> Arc<StandardRecord> {
        let numbers = self.state.replacements_with(self.registration);
        let record = std::slice::from_ref(record);
        LiveNumbers::of(&numbers, &self.registration.standard, record).resolve(&record[0])
    }

    /// Whether another record of the person has a verified number that is not
    /// the update's: the update would give the person two (R15, R20).
    fn companions_keep_their_number(&self, record: &RecordState) -> bool {
        let person = record.link.as_ref().map(|link| link.person);
        let members = person.map_or_else(Vec::new, |person| self.state.members(person));
        members
            .iter()
            .filter(|member| member.record != record.number)
            .any(|member| {
                let standard = self.with_live_number(&member.standard);
                let pair = self.model.compare(&self.registration.standard, &standard);
                pair.nhs_number() == NhsNumberLevel::DifferentVerified
            })
    }

    /// Remembers which number is replaced by which; a statement that cannot be
    /// is a question and nothing else (R18).
    pub(super) fn take_replacement(
        &mut self,
        record: RecordNumber,
        version: u32,
        placed: &mut Placed,
    ) {
        self.take_invalidation(record, placed);
        let Some(said) = self.registration.replacement else {
            return;
        };
        if self.state.contradicts_supersession(said) {
            let compared = vec![ComparedVersion { record, version }];
            let content = [self.registration.digest.as_str()];
            let standard = &self.registration.standard;
            placed.tasks.extend(self.raise(Question {
                kind: TaskKind::SupersessionConflict,
                record,
                persons: vec![placed.person],
                weight_bits: None,
                reasons: vec![Reason::SupersessionConflicts],
                grounds: Grounds::contents(&content, compared),
                priority: self.priority(TaskKind::SupersessionConflict, standard, None),
            }));
        } else if !self.state.knows_replacement(said) {
            self.events.push(RegistryEvent::NumberReplaced {
                record,
                replaced: said.replaced,
                replaced_by: said.replaced_by,
            });
        }
    }

    fn rows_against_earlier(&self, record: &RecordState) -> Vec<EvidenceRow> {
        let Some(earlier) = self.state.standards.get(&record.number) else {
            return Vec::new();
        };
        let explained = self
            .model
            .explain(&self.registration.standard, &[earlier.as_ref()]);
        let rows = explained.rows.into_iter().map(|row| EvidenceRow {
            field: row.field,
            level: row.level,
            weight_bits: row.weight_bits,
        });
        rows.collect()
    }

    /// A version that fits settles the question about one that did not.
    pub(super) fn settle_held(&mut self, record: &RecordState) {
        let person = record.link.as_ref().map(|link| link.person);
        let open = person.and_then(|person| {
            let mut open = self.state.open_tasks_of(person);
            open.find(|(_, task)| {
                task.kind == TaskKind::OverlayHeld && task.record == record.number
            })
        });
        if let Some((task, _)) = open {
            let because = CloseReason::Superseded;
            self.events
                .push(RegistryEvent::TaskClosed { task, because });
        }
    }

    /// The held version as a further one with the same content, whatever the
    /// machine holds against it: a human has said that it is the same patient.
    pub(super) fn accept(mut self, record: &RecordState, held: u32) -> Change<Registered> {
        self.events.push(RegistryEvent::HeldSettled {
            record: record.number,
            version: held,
            accepted: true,
        });
        self.become_current(record)
    }

    pub(super) fn hold(
        mut self,
        record: &RecordState,
        version: u32,
        objection: Objection,
    ) -> Change<Registered> {
        self.push_version(record.number, version, VersionStanding::Held);
        let person = record.link.as_ref().map(|link| link.person);
        let compared = [record.current.version, version].map(|version| ComparedVersion {
            record: record.number,
            version,
        });
        let kind = match objection {
            Objection::Supersession => TaskKind::SupersessionConflict,
            Objection::SomeoneElse | Objection::SecondNumber => TaskKind::OverlayHeld,
        };
        let contents = [&record.current.digest, &self.registration.digest];
        let mut grounds = Grounds::contents(&contents.map(String::as_str), compared.to_vec());
        let standard = &self.registration.standard;
        grounds.rows = self.rows_against_earlier(record);
        let task = self.raise(Question {
            kind,
            record: record.number,
            persons: person.into_iter().collect(),
            weight_bits: None,
            reasons: vec![match objection {
                Objection::SomeoneElse => Reason::UpdateTurnsIntoSomeoneElse,
                Objection::SecondNumber => Reason::SecondVerifiedNumber,
                Objection::Supersession => Reason::SupersessionConflicts,
            }],
            grounds,
            priority: self.priority(kind, standard, None),
        });
        if task.is_none() {
            // A human has said of this content that it is somebody else.
            self.events.push(RegistryEvent::HeldSettled {
                record: record.number,
                version,
                accepted: false,
            });
        }
        let mut placed = self.stays(record, Vec::new(), task.into_iter().collect());
        placed.outcome = Outcome::UpdateHeld;
        self.finish(record.number, version, placed, None, false)
    }
}
