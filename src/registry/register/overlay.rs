//! An update that would turn its record into someone else: kept, not served,
//! and a question (DESIGN §2.2, R101).

use std::sync::Arc;

use crate::foundation::RecordNumber;
use crate::identity::StandardRecord;
use crate::matching::Reason;
use crate::matching::levels::NhsNumberLevel;
use crate::registry::register::{Placed, Work};
use crate::registry::tasks::{Question, evidence_digest, raise};
use crate::registry::{
    Change, CloseReason, ComparedVersion, LiveNumbers, Outcome, RecordState, Registered,
    RegistryEvent, TaskKind, VersionStanding,
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

impl Work<'_> {
    /// Why the update must not become current, if so.
    pub(super) fn objection(&mut self, record: &RecordState) -> Option<Objection> {
        let said = self.registration.replacement;
        if said.is_some_and(|said| self.state.contradicts_supersession(said)) {
            return Some(Objection::Supersession);
        }
        let earlier = self.state.standards.get(&record.number)?;
        let earlier = self.with_live_number(earlier);
        let score = self.model.score(&self.registration.standard, &[&earlier]);
        self.changes_verified_number =
            score.vector.nhs_number() == NhsNumberLevel::DifferentVerified;
        if score.contradictions() >= 2 {
            Some(Objection::SomeoneElse)
        } else if self.changes_verified_number && self.companions_keep_their_number(record) {
            Some(Objection::SecondNumber)
        } else {
            None
        }
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
            let question = Question {
                kind: TaskKind::SupersessionConflict,
                record,
                persons: vec![placed.person],
                weight_bits: None,
                reasons: vec![Reason::SupersessionConflicts],
                evidence: evidence_digest(self.model, &[ComparedVersion { record, version }]),
            };
            let task = raise(self.state, &mut self.events, self.numbering, question);
            placed.tasks.push(task);
        } else if !self.state.knows_replacement(said) {
            self.events.push(RegistryEvent::NumberReplaced {
                record,
                replaced: said.replaced,
                replaced_by: said.replaced_by,
            });
        }
    }

    /// A version that fits settles the question about one that did not.
    pub(super) fn settle_held(&mut self, record: &RecordState) {
        let person = record.link.as_ref().map(|link| link.person);
        let open = person.and_then(|person| {
            self.state
                .open_task_of_kind(&[person], TaskKind::OverlayHeld)
        });
        if let Some((task, state)) = open
            && state.record == record.number
        {
            let because = CloseReason::Superseded;
            self.events
                .push(RegistryEvent::TaskClosed { task, because });
        }
    }

    pub(super) fn hold(
        mut self,
        record: &RecordState,
        version: u32,
        objection: Objection,
    ) -> Change<Registered> {
        self.push_version(record.number, version, VersionStanding::Held);
        let person = record.link.as_ref().map(|link| link.person);
        let question = Question {
            kind: match objection {
                Objection::Supersession => TaskKind::SupersessionConflict,
                Objection::SomeoneElse | Objection::SecondNumber => TaskKind::OverlayHeld,
            },
            record: record.number,
            persons: person.into_iter().collect(),
            weight_bits: None,
            reasons: vec![match objection {
                Objection::SomeoneElse => Reason::UpdateTurnsIntoSomeoneElse,
                Objection::SecondNumber => Reason::SecondVerifiedNumber,
                Objection::Supersession => Reason::SupersessionConflicts,
            }],
            evidence: evidence_digest(
                self.model,
                &[
                    ComparedVersion {
                        record: record.number,
                        version: record.current.version,
                    },
                    ComparedVersion {
                        record: record.number,
                        version,
                    },
                ],
            ),
        };
        let task = raise(self.state, &mut self.events, self.numbering, question);
        let mut placed = self.stays(record, Vec::new(), vec![task]);
        placed.outcome = Outcome::UpdateHeld;
        self.finish(record.number, version, placed, None, false)
    }
}
