//! What a registration asks of people.

use crate::foundation::limits::REVIEW_TASKS_PER_RECORD_MAX;
use crate::foundation::{PersonId, RecordNumber, TaskId};
use crate::identity::StandardRecord;
use crate::matching::{MatchWeight, Reason};
use crate::registry::candidates::Scored;
use crate::registry::register::Work;
use crate::registry::tasks::{Grounds, Question, priority, raise, task_kind};
use crate::registry::{TaskKind, TaskPriority};

impl Work<'_> {
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
