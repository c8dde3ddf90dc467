//! What a registration asks of people.

use crate::foundation::limits::REVIEW_TASKS_PER_RECORD_MAX;
use crate::foundation::{PersonId, RecordNumber, TaskId};
use crate::identity::StandardRecord;
use crate::matching::{Candidate, Decision, Grade, MatchWeight, Reason, decide};
use crate::registry::candidates::Scored;
use crate::registry::register::Work;
use crate::registry::tasks::{Grounds, Question, priority, raise, task_kind};
use crate::registry::{TaskKind, TaskPriority, claimed_number};

impl Work<'_> {
    /// What the table makes of these candidates.
    pub(super) fn decide(&self, candidates: &[&Scored]) -> (Decision, Vec<(Grade, Vec<Reason>)>) {
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
    pub(super) fn is_asserted_different(&self, person: PersonId) -> bool {
        let (source, local_id) = (&self.registration.source, &self.registration.local_id);
        let record = self.state.record(source, local_id);
        record.is_some_and(|record| self.state.is_asserted_different(record, person))
    }

    pub(super) fn ask_about(
        &mut self,
        asked: (RecordNumber, u32),
        standard: &StandardRecord,
        own: PersonId,
        found: &[(PersonId, MatchWeight, Vec<Reason>)],
        candidates: &[&Scored],
    ) -> Vec<TaskId> {
        let mut tasks = Vec::new();
        for (person, weight, reasons) in found.iter().take(REVIEW_TASKS_PER_RECORD_MAX) {
            let Some(scored) = candidates.iter().find(|scored| scored.person == *person) else {
                continue;
            };
            let mut persons = vec![own, *person];
            persons.sort_unstable();
            let kind = task_kind(reasons);
            tasks.extend(self.raise(Question {
                kind,
                record: asked.0,
                persons,
                weight_bits: Some(weight.bits()),
                reasons: reasons.clone(),
                grounds: Grounds::compared(self.model, asked, standard, scored),
                priority: self.priority(kind, standard, Some(scored)),
            }));
        }
        tasks
    }

    pub(super) fn raise(&mut self, question: Question) -> Option<TaskId> {
        raise(self.state, &mut self.events, self.numbering, question).waiting()
    }

    pub(super) fn priority(
        &self,
        kind: TaskKind,
        standard: &StandardRecord,
        with: Option<&Scored>,
    ) -> TaskPriority {
        let members = with.into_iter().flat_map(|scored| &scored.members);
        let members = members.map(|member| member.standard.as_ref());
        priority(kind, members.chain([standard]), self.numbering.now)
    }
}
