//! What would follow from each outcome, before anybody says it.

use crate::foundation::{Instant, TaskId};
use crate::matching::LinkageModel;
use crate::registry::{
    ApprovalReason, MergeRefusal, Numbering, RegistryEvent, RegistryState, TaskOutcome,
};
use crate::review::{Follow, carry_out, follow, needs_of, needs_reason, outcomes, reasons_for_two};

/// What would follow from one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// The outcome.
    pub outcome: TaskOutcome,
    /// What would follow once it is settled so; `None` where it settles nothing:
    /// it is escalated.
    pub follow: Option<Follow>,
    /// Records that would go to another person.
    pub moved: usize,
    /// Other questions that would close.
    pub closed: usize,
    /// Questions that would be raised.
    pub raised: usize,
    /// What forbids it.
    pub refused: Option<MergeRefusal>,
    /// It goes against the evidence: it needs a reason (R115).
    pub needs_reason: bool,
}

/// What a reader may know before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foresight {
    /// Why the question takes two readers (R114); empty where it takes one.
    pub two_readers: Vec<ApprovalReason>,
    /// By outcome.
    pub outcomes: Vec<Foreseen>,
}

/// Looks ahead, as somebody of this name; changes nothing. The household (R94)
/// is looked for only when a duplicate is confirmed, and is not in here.
#[must_use]
pub fn foresee(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    task: TaskId,
    (by, restricted): (&str, bool),
) -> Foresight {
    let Some(known) = state.tasks.get(&task).filter(|known| known.waits()) else {
        return Foresight::default();
    };
    let now: Instant = numbering.now;
    let needs = needs_of(state, now, known, restricted);
    let mut two_readers = reasons_for_two(state, now, known);
    if needs.two_readers && two_readers.is_empty() {
        two_readers.push(ApprovalReason::Restricted);
    }
    let outcomes = outcomes(known.kind).into_iter().map(|outcome| {
        let escalates = outcome == TaskOutcome::Same && needs.two_live_numbers;
        let follow = follow(known.kind, outcome).filter(|_| !escalates);
        let mut foreseen = Foreseen {
            outcome,
            follow,
            moved: 0,
            closed: 0,
            raised: 0,
            refused: None,
            needs_reason: needs_reason(model, known, outcome),
        };
        if let Some(follow) = follow {
            let mut after = state.clone();
            if needs.two_readers {
                // As if somebody else had said the same before.
                after.apply(&RegistryEvent::TaskRead {
                    task,
                    by: String::new(),
                    outcome,
                    evidence: String::new(),
                });
            }
            after.apply(&RegistryEvent::TaskDecided { task, outcome });
            match carry_out(&after, model, numbering, task, (follow, by), &[]) {
                Ok(carried) => foreseen.count(&carried.events),
                Err(refusal) => foreseen.refused = Some(refusal),
            }
        }
        foreseen
    });
    Foresight {
        two_readers,
        outcomes: outcomes.collect(),
    }
}

impl Foreseen {
    fn count(&mut self, events: &[RegistryEvent]) {
        for event in events {
            match event {
                RegistryEvent::RecordLinked { .. } => self.moved += 1,
                RegistryEvent::TaskClosed { .. } => self.closed += 1,
                RegistryEvent::TaskOpened { .. } | RegistryEvent::TaskReopened { .. } => {
                    self.raised += 1;
                }
                _ => {}
            }
        }
    }
}
