//! What a human says of two records, and taking it back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::by_human::{Acted, Asked, act, locks_of};
use crate::flows::merge_persons::MergeOutcome;
use crate::flows::{Context, FlowError};
use crate::foundation::{AssertionId, PersonId};
use crate::registry::{
    AssertionCommand, AssertionKind, LocalId, SourceCode, assert_records as assert_them,
    withdraw_assertion as withdraw,
};
use crate::security::Access;
use crate::storage::ReadSet;

/// What has become of an assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssertionOutcome {
    /// Its id.
    #[schema(value_type = String, pattern = "^A-[0-9a-f]{32}$")]
    pub assertion_id: AssertionId,
    /// The same, or different.
    pub kind: AssertionKind,
    /// The merge of the two persons, where "the same" joins them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub merge: Option<MergeOutcome>,
}

/// Takes what a human says of two records.
///
/// # Errors
/// No reason, what [`crate::registry::MergeRefusal`] says, or a fault of ours.
pub async fn assert_records(
    context: &Context,
    access: &Access,
    (a, b): ((SourceCode, LocalId), (SourceCode, LocalId)),
    kind: AssertionKind,
    asked: &Asked,
) -> Result<AssertionOutcome, FlowError> {
    let mut persons: Vec<PersonId> = Vec::new();
    for (source, local_id) in [&a, &b] {
        let known = context.store.find_record(source, local_id).await?;
        let link = known.and_then(|record| record.state.link);
        persons.extend(link.map(|link| link.person));
    }
    let (locks, restricted) = locks_of(context, &persons).await?;
    let read = ReadSet {
        records: vec![a.clone(), b.clone()],
        families: true,
        locks,
        ..ReadSet::default()
    };
    let word = match kind {
        AssertionKind::Same => "same",
        AssertionKind::Different => "different",
    };
    let content = [word, a.0.as_str(), a.1.as_str(), b.0.as_str(), b.1.as_str()];
    let command = AssertionCommand {
        a: a.clone(),
        b: b.clone(),
        kind,
        by: access.person().to_owned(),
        restricted,
    };
    let model = Arc::clone(&context.model);
    act(context, access, read, (asked, &content), {
        move |state, numbering| {
            let change = assert_them(state, &model, numbering, &command)?;
            let records = [&command.a, &command.b];
            let records = records.map(|(source, local_id)| state.record(source, local_id));
            let links = records
                .into_iter()
                .flatten()
                .filter_map(|it| it.link.as_ref());
            let persons: Vec<PersonId> = links.map(|link| link.person).collect();
            let merge = change.answer.merge.map(|merge| MergeOutcome {
                merge_id: Some(merge.merge),
                status: merge.status.into(),
                survivor: merge.survivor,
                retired: merge.retired,
                task: merge.task,
                approval: merge.approval,
                would_change: None,
            });
            let answer = AssertionOutcome {
                assertion_id: change.answer.assertion,
                kind,
                merge,
            };
            Ok(Acted {
                events: change.events,
                subject: change.answer.assertion.to_string(),
                persons,
                answer,
            })
        }
    })
    .await
}

/// Whether an assertion still holds, for whoever might withdraw it; it says nothing of
/// whom it is about.
///
/// # Errors
/// A fault of ours.
pub async fn assertion_holds(
    context: &Context,
    _: &Access,
    assertion: AssertionId,
) -> Result<bool, FlowError> {
    Ok(context.store.assertion_holds(assertion).await?)
}

/// Takes an assertion back.
///
/// # Errors
/// As [`assert_records`].
pub async fn withdraw_assertion(
    context: &Context,
    access: &Access,
    assertion: AssertionId,
    asked: &Asked,
) -> Result<(), FlowError> {
    let read = ReadSet {
        assertions: vec![assertion],
        ..ReadSet::default()
    };
    let name = assertion.to_string();
    let by = access.person().to_owned();
    let content = ["withdraw", name.as_str()];
    act(context, access, read, (asked, &content), {
        move |state, _| {
            let events = withdraw(state, assertion, &by)?;
            let known = state.assertions.get(&assertion);
            let records = known.iter().flat_map(|it| it.a.union(&it.b));
            let links = records.filter_map(|it| state.records.get(it)?.link.as_ref());
            Ok(Acted {
                events,
                subject: assertion.to_string(),
                persons: links.map(|link| link.person).collect(),
                answer: (),
            })
        }
    })
    .await
}
