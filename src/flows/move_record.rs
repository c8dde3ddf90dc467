//! Moving one record by a human's word.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::by_human::{Acted, Asked, Stop, act, locks_of};
use crate::flows::would_change::WouldChange;
use crate::flows::{Context, FlowError, IfMatch};
use crate::foundation::{AssertionId, Instant, PersonId};
use crate::registry::{LocalId, MoveCommand, MoveTarget, SourceCode, move_record as move_it};
use crate::security::Access;
use crate::storage::ReadSet;

/// What has become of a move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MoveOutcome {
    /// Code of the source.
    pub source: String,
    /// The record's id there.
    pub local_id: String,
    /// Whom it has left.
    #[schema(value_type = String)]
    pub from: PersonId,
    /// To whom it belongs; null for a dry run to a new person.
    #[schema(value_type = Option<String>)]
    pub person_id: Option<PersonId>,
    /// What keeps automation from putting it back; null for a dry run, and where
    /// the record was the only one of its person.
    #[schema(value_type = Option<String>)]
    pub assertion_id: Option<AssertionId>,
    /// For a dry run: all that would change.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub would_change: Option<WouldChange>,
}

/// Moves a record to another person, or to one of its own.
///
/// # Errors
/// No reason, a stale `If-Match`, what [`crate::registry::MergeRefusal`] says,
/// or a fault of ours.
pub async fn move_record(
    context: &Context,
    access: &Access,
    (source, local_id): (SourceCode, LocalId),
    to: MoveTarget,
    (asked, if_match): (&Asked, Option<IfMatch>),
) -> Result<MoveOutcome, FlowError> {
    let mut persons: Vec<PersonId> = match to {
        MoveTarget::Person(person) | MoveTarget::Back(person) => vec![person],
        MoveTarget::New => Vec::new(),
    };
    let target = persons.clone();
    let known = context.store.find_record(&source, &local_id).await?;
    let link = known.and_then(|record| record.state.link);
    persons.extend(link.map(|link| link.person));
    let (locks, _) = locks_of(context, &persons).await?;
    let read = ReadSet {
        records: vec![(source.clone(), local_id.clone())],
        families: true,
        whole: target.clone(),
        locks,
        ..ReadSet::default()
    };
    let goes_to = target
        .first()
        .map_or_else(|| "new".to_owned(), PersonId::to_string);
    let content = ["link", source.as_str(), local_id.as_str(), &goes_to];
    let command = MoveCommand {
        source: source.clone(),
        local_id: local_id.clone(),
        to,
        by: access.person().to_owned(),
    };
    let (model, dry_run) = (Arc::clone(&context.model), asked.dry_run);
    let mut outcome: MoveOutcome = act(context, access, read, (asked, &content), {
        move |state, numbering| {
            let known = state.record(&command.source, &command.local_id);
            let version = known.map(|known| known.current.version);
            if if_match
                .as_ref()
                .is_some_and(|condition| !condition.holds(version))
            {
                return Err(Stop::Stale);
            }
            let change = move_it(state, &model, numbering, &command)?;
            let would_change = WouldChange::asked_for(dry_run, if_match.as_ref(), || {
                WouldChange::of(state, &change.events)
            })?;
            let made_up = dry_run && command.to == MoveTarget::New;
            let answer = MoveOutcome {
                source: command.source.to_string(),
                local_id: command.local_id.to_string(),
                from: change.answer.from,
                person_id: Some(change.answer.to).filter(|_| !made_up),
                assertion_id: change.answer.assertion.filter(|_| !dry_run),
                would_change,
            };
            Ok(Acted {
                events: change.events,
                subject: format!("R{}", change.answer.record.0),
                persons: vec![change.answer.from, change.answer.to],
                answer,
            })
        }
    })
    .await?;
    let from = outcome.from;
    if let Some(would_change) = &mut outcome.would_change {
        would_change.compare_golden(context, access).await?;
        would_change.tell(context, from, Instant::default()).await?;
    }
    Ok(outcome)
}
