//! A source says something about one of its own ids, and nothing of the patient: that it
//! stands for another now, or that the record goes on under another id. What the record
//! says stays in here: nobody is shown it.

use crate::flows::{Context, FlowError, RegisterCommand, register_record};
use crate::identity::SubmittedRecord;
use crate::registry::{LocalId, RegistrationAnswer, SourceCode};
use crate::security::Access;

/// The column of a record that says into which other id its source has merged it.
const MERGED_INTO: &str = "merged_into";

const UNKNOWN: FlowError =
    FlowError::NotFound("no record with this local id is known for this source");

/// What is said.
#[derive(Debug, Clone)]
pub struct RestateCommand {
    /// Of which source.
    pub source: SourceCode,
    /// The record whose content it is.
    pub from: LocalId,
    /// The id under which it is said: the same, or a new one.
    pub to: LocalId,
    /// The id that stands for it now.
    pub merged_into: Option<LocalId>,
    /// When it was so at the source.
    pub effective_at: Option<String>,
}

/// Registers what is known of `from` as a version of `to`.
///
/// # Errors
/// An unknown or erased record, or as [`register_record`].
pub async fn restate_record(
    context: &Context,
    access: &Access,
    command: RestateCommand,
) -> Result<RegistrationAnswer, FlowError> {
    let known = current(context, &command.source, &command.from).await?;
    let mut submitted = known.ok_or(UNKNOWN)?;
    submitted.other_columns.remove(MERGED_INTO);
    if let Some(into) = &command.merged_into {
        say_merged(&mut submitted, into);
    }
    submitted.effective_at = command.effective_at;
    let register = RegisterCommand {
        source: command.source,
        local_id: command.to,
        submitted,
        idempotency_key: None,
        if_match: None,
        findings: Vec::new(),
    };
    register_record(context, access, register).await
}

/// The id into which the source has merged this one, if it has and has said nothing of
/// it since.
///
/// # Errors
/// An unknown record, or a fault of ours.
pub async fn merged_into(
    context: &Context,
    _access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Option<LocalId>, FlowError> {
    let known = current(context, source, local_id)
        .await?
        .unwrap_or_default();
    let into = known.other_columns.get(MERGED_INTO);
    Ok(into.and_then(|into| LocalId::parse(into).ok()))
}

/// Lets a record say that its source has merged it into another of its ids.
pub fn say_merged(record: &mut SubmittedRecord, into: &LocalId) {
    let columns = &mut record.other_columns;
    columns.insert(MERGED_INTO.to_owned(), into.to_string());
}

/// Whether a record says that its source has merged it into another.
#[must_use]
pub fn is_merged_away(record: &SubmittedRecord) -> bool {
    record.other_columns.contains_key(MERGED_INTO)
}

/// What the current version says; `None` where it was erased.
async fn current(
    context: &Context,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Option<SubmittedRecord>, FlowError> {
    let stored = context.store.find_record(source, local_id).await?;
    let stored = stored.ok_or(UNKNOWN)?;
    let current = stored.state.current.version;
    let version = stored.versions.into_iter().find(|it| it.version == current);
    Ok(version.and_then(|version| version.submitted))
}
