//! An update that would turn its record into someone else: kept, not served,
//! and a question (DESIGN §2.2, R101).

use crate::foundation::RecordNumber;
use crate::matching::Reason;
use crate::registry::register::Work;
use crate::registry::tasks::{Question, evidence_digest, raise};
use crate::registry::{
    Change, CloseReason, ComparedVersion, Outcome, RecordState, Registered, RegistryEvent,
    TaskKind, VersionStanding,
};

impl Work<'_> {
    /// An overlay: the new version contradicts the old one in at least two of
    /// given name, family name, birth date, sex and verified NHS number. A
    /// marriage changes one, a corrected date one; somebody else changes more.
    pub(super) fn turns_into_someone_else(&self, record: RecordNumber) -> bool {
        let Some(earlier) = self.state.standards.get(&record) else {
            return false;
        };
        let score = self.model.score(&self.registration.standard, &[earlier]);
        score.contradictions() >= 2
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

    pub(super) fn hold(mut self, record: &RecordState, version: u32) -> Change<Registered> {
        self.push_version(record.number, version, VersionStanding::Held);
        let person = record.link.as_ref().map(|link| link.person);
        let question = Question {
            kind: TaskKind::OverlayHeld,
            record: record.number,
            persons: person.into_iter().collect(),
            weight_bits: None,
            reasons: vec![Reason::UpdateTurnsIntoSomeoneElse],
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
