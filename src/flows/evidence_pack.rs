//! The evidence for the national back office (R119): identifiers, history,
//! statuses and reasoning of an escalated question. What people wrote about it,
//! what nobody mapped, and other people's particulars stay here.

use crate::flows::list_tasks::known_task;
use crate::flows::{Context, FlowError, TaskAnswer, view_task};
use crate::foundation::{Instant, TaskId};
use crate::identity::SubmittedRecord;
use crate::registry::{EscalationReason, RegistryEvent};
use crate::security::Access;

/// The pack.
#[derive(Debug, Clone)]
pub struct EvidencePack {
    /// The question with its sides; no words of anybody in it.
    pub answer: TaskAnswer,
    /// Why it was escalated last.
    pub because: EscalationReason,
    /// When.
    pub escalated_at: Instant,
    /// When this pack was made.
    pub made_at: Instant,
}

/// Makes the pack from what the ledger says now, through the masking gate.
///
/// # Errors
/// Unknown task, one that nobody has escalated, or a fault of ours.
pub async fn evidence_pack(
    context: &Context,
    access: &Access,
    task: TaskId,
) -> Result<EvidencePack, FlowError> {
    known_task(context, access, task).await?;
    let (events, _) = context.store.task_history(task).await?;
    let escalated = events.iter().rev().find_map(|stored| match stored.event {
        RegistryEvent::TaskEscalated { because, .. } => Some((because, stored.at)),
        _ => None,
    });
    let (because, escalated_at) = escalated.ok_or(FlowError::Conflict(
        "there is a pack for the national back office once the question is escalated",
    ))?;
    let mut answer = view_task(context, access, task).await?;
    for side in &mut answer.sides {
        for record in &mut side.records {
            for version in &mut record.versions {
                version.record = version.record.take().map(without_notes);
            }
        }
    }
    answer.history.clear();
    answer.reads.clear();
    Ok(EvidencePack {
        answer,
        because,
        escalated_at,
        made_at: context.clock.now(),
    })
}

fn without_notes(record: SubmittedRecord) -> SubmittedRecord {
    SubmittedRecord {
        other_columns: std::collections::BTreeMap::new(),
        associated_persons: Vec::new(),
        ..record
    }
}
