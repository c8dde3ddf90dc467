//! Taking back all that one human has decided in a span of time: merges, moves
//! and assertions, the last one first, each in a commit of its own. Wherever the
//! work is interrupted, what is left still holds and is found again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::assert_records::withdraw_assertion;
use crate::flows::by_human::Asked;
use crate::flows::merge_persons::{UndoOutcome, undo_merge};
use crate::flows::move_record::{MoveOutcome, move_record};
use crate::flows::{Context, FlowError};
use crate::foundation::limits::DECISIONS_UNDONE_MAX;
use crate::foundation::{AssertionId, Instant};
use crate::registry::{MergeRefusal, MoveTarget};
use crate::security::Access;
use crate::storage::ActorDecision;

/// What has become of the decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UndoneDecisions {
    /// The last decision first.
    pub decisions: Vec<UndoneDecision>,
    /// More decisions hold still: ask again for the rest.
    pub more: bool,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UndoneDecision {
    /// A merge was undone, or would be.
    Merge {
        /// What was undone.
        undone: UndoOutcome,
    },
    /// A record was moved back, or would be.
    Move {
        /// What was moved.
        moved: MoveOutcome,
    },
    /// An assertion was taken back, or would be.
    Assertion {
        /// Its id.
        #[schema(value_type = String)]
        assertion_id: AssertionId,
    },
    /// Of a dry run: it goes once a later decision, which is in the list, is taken back.
    Follows {
        /// Source and local id of the record, or the merge.
        decision: String,
        /// What stands in its way until then.
        #[schema(value_type = String)]
        after: AssertionId,
    },
    /// What the rules forbid to take back; it holds still.
    Refused {
        /// The merge, the assertion, or source and local id.
        decision: String,
        /// Why.
        detail: String,
    },
}

/// Takes back what `who` has decided from one instant until before another.
/// A dry run looks at each decision by itself.
///
/// # Errors
/// No reason, an empty span of time, or a fault of ours.
pub async fn undo_decisions(
    context: &Context,
    access: &Access,
    who: &str,
    (from, to): (Instant, Instant),
    asked: &Asked,
) -> Result<UndoneDecisions, FlowError> {
    if from >= to {
        return Err(FlowError::Unprocessable {
            member: "to",
            rule: "range",
            detail: "`to` must be later than `from`".to_owned(),
        });
    }
    let mut found = context.store.decisions_of(who, from, to).await?;
    let more = found.len() > DECISIONS_UNDONE_MAX;
    found.truncate(DECISIONS_UNDONE_MAX);
    let mut decisions = Vec::with_capacity(found.len());
    let said: Vec<AssertionId> = found.iter().filter_map(assertion_of).collect();
    for decision in found {
        let name = name_of(&decision);
        match undo(context, access, decision, asked).await {
            Ok(undone) => decisions.push(undone),
            Err(FlowError::Refused(MergeRefusal::AssertedDifferent(after)))
                if asked.dry_run && said.contains(&after) =>
            {
                let decision = name;
                decisions.push(UndoneDecision::Follows { decision, after });
            }
            // It is about somebody whom a seal keeps from the asker: it never was (R22).
            Err(
                FlowError::NotFound(_)
                | FlowError::Refused(MergeRefusal::UnknownRecord | MergeRefusal::UnknownPerson(_)),
            ) => {}
            Err(FlowError::Refused(refusal)) => decisions.push(UndoneDecision::Refused {
                decision: name,
                detail: refusal.to_string(),
            }),
            Err(error) => return Err(error),
        }
    }
    Ok(UndoneDecisions { decisions, more })
}

async fn undo(
    context: &Context,
    access: &Access,
    decision: ActorDecision,
    asked: &Asked,
) -> Result<UndoneDecision, FlowError> {
    match decision {
        ActorDecision::Merge(merge) => {
            let undone = undo_merge(context, access, merge, (asked, None)).await?;
            Ok(UndoneDecision::Merge { undone })
        }
        ActorDecision::Assertion(assertion_id) => {
            withdraw_assertion(context, access, assertion_id, asked).await?;
            Ok(UndoneDecision::Assertion { assertion_id })
        }
        ActorDecision::Move {
            source,
            local_id,
            from,
            ..
        } => {
            let to = MoveTarget::Back(from);
            let moved = move_record(context, access, (source, local_id), to, (asked, None)).await?;
            Ok(UndoneDecision::Move { moved })
        }
    }
}

fn assertion_of(decision: &ActorDecision) -> Option<AssertionId> {
    match decision {
        ActorDecision::Assertion(assertion) => Some(*assertion),
        _ => None,
    }
}

fn name_of(decision: &ActorDecision) -> String {
    match decision {
        ActorDecision::Merge(merge) => merge.to_string(),
        ActorDecision::Assertion(assertion) => assertion.to_string(),
        ActorDecision::Move {
            source, local_id, ..
        } => format!("{source}:{local_id}"),
    }
}
