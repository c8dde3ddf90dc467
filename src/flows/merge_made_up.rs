//! Joining the two people of a known pair (R117) in place of answering its question. What
//! would change is shown as of any merge. To ask for it is the answer "same": it is kept
//! as that, its reader is told at once, and nobody is joined.

use crate::flows::by_human::{Asked, reason_of};
use crate::flows::decide_task::evidence_now;
use crate::flows::known_pairs::Dealt;
use crate::flows::made_up_people::pair_of;
use crate::flows::merge_persons::MergeOutcome;
use crate::flows::would_change::WouldChange;
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId};
use crate::registry::{MergeCommand, Numbering, TaskOutcome, merge_persons};
use crate::review::Said;
use crate::security::Access;

/// What whoever joins them is told.
const KNOWN: FlowError = FlowError::Conflict(
    "that was a known pair of made-up people: that you join them is kept as your answer, and \
     nobody was joined",
);

/// What would become of them, or `None` where they are not the people of a known pair.
///
/// # Errors
/// No reason; that it was a known pair, once it is more than a look ahead; a fault of ours.
pub(super) async fn merge_made_up(
    context: &Context,
    access: &Access,
    (survivor, retired): (PersonId, PersonId),
    asked: &Asked,
) -> Result<Option<MergeOutcome>, FlowError> {
    let Some(dealt) = pair_of(context, access, [survivor, retired]).await? else {
        return Ok(None);
    };
    let reason = reason_of(asked)?;
    if asked.dry_run {
        let ahead = look_ahead(context, access, &dealt, (survivor, retired));
        return Ok(Some(ahead.await?));
    }
    let task = dealt.task().ok_or(FlowError::Broken)?;
    let said = Said {
        outcome: TaskOutcome::Same,
        evidence: evidence_now(&dealt.state, task),
    };
    dealt.settle(context, access, said, Some(reason)).await?;
    Err(KNOWN)
}

/// Asked of the registry's own rules, on a state that holds nobody else.
async fn look_ahead(
    context: &Context,
    access: &Access,
    dealt: &Dealt,
    (survivor, retired): (PersonId, PersonId),
) -> Result<MergeOutcome, FlowError> {
    let now = context.clock.now();
    let numbering = Numbering {
        now,
        chance: context.chance.as_ref(),
    };
    let command = MergeCommand {
        survivor,
        retired,
        by: access.person().to_owned(),
        restricted: false,
    };
    let merged = merge_persons(&dealt.state, &context.model, &numbering, &command);
    let merged = merged.map_err(|refused| FlowError::Refused(refused.refusal))?;
    let mut would = WouldChange::of(&dealt.state, &merged.events);
    let audit = access.audit(now, vec![survivor, retired], None);
    context.store.append_audit(vec![audit]).await?;
    would.compare_golden(context, access).await?;
    would.tell(context, retired, Instant::default()).await?;
    Ok(MergeOutcome {
        merge_id: None,
        status: merged.answer.status.into(),
        survivor,
        retired,
        task: None,
        approval: merged.answer.approval,
        would_change: Some(would),
    })
}
