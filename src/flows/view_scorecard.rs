//! How good a source's records are, and which of them its sender should mend.

use crate::flows::moments::seals_of;
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::foundation::limits::{SCORECARD_LISTED_MAX, SCORECARD_RECORDS_MAX};
use crate::identity::{Finding, Severity};
use crate::registry::{ConflictKind, Gate, LocalId, SampledRecord, Scorecard, Source, SourceCode};
use crate::security::Access;

/// A source with its scorecard.
#[derive(Debug, Clone)]
pub struct SourceCard {
    /// Who sends.
    pub source: Source,
    /// How good its last records are.
    pub card: Scorecard,
    /// The source has more records than were looked at.
    pub more: bool,
}

/// A record that its sender should mend; no value of it.
#[derive(Debug, Clone)]
pub struct FaultyRecord {
    /// Its id at the source.
    pub local_id: LocalId,
    /// The version that is served.
    pub version: u32,
    /// Warnings and errors in it.
    pub findings: Vec<Finding>,
    /// Other records of the source that are the same person's.
    pub siblings: Vec<LocalId>,
    /// Its number or demographics contradict what is known.
    pub confused: bool,
    /// An update would have turned it into somebody else.
    pub overlaid: bool,
}

/// How good the last records of a source are: figures alone.
///
/// # Errors
/// Unknown source, or a fault of ours.
pub async fn view_scorecard(
    context: &Context,
    access: &Access,
    code: &SourceCode,
) -> Result<SourceCard, FlowError> {
    let source = known_source(context, code).await?;
    let mut sample = sample(context, code).await?;
    let more = sample.len() > SCORECARD_RECORDS_MAX as usize;
    sample.truncate(SCORECARD_RECORDS_MAX as usize);
    let audit = access.audit(context.clock.now(), Vec::new(), Some(code.to_string()));
    context.store.append_audit(vec![audit]).await?;
    Ok(SourceCard {
        source,
        card: Scorecard::of(&sample),
        more,
    })
}

/// The records behind the figures, for the sender: those with a fault, the latest
/// first, without whoever objects to being told of (R134).
///
/// # Errors
/// Unknown source, or a fault of ours.
pub async fn faulty_records(
    context: &Context,
    access: &Access,
    code: &SourceCode,
) -> Result<Vec<FaultyRecord>, FlowError> {
    known_source(context, code).await?;
    let mut found = sample(context, code).await?;
    found.retain(is_faulty);
    found.truncate(SCORECARD_LISTED_MAX);
    let gate = Gate::of(access);
    let mut persons: Vec<PersonId> = found.iter().filter_map(|record| record.person).collect();
    persons.sort_unstable();
    persons.dedup();
    let seals = seals_of(context, gate, &persons, &[]).await?;
    let may_tell = |person: PersonId| gate.may_tell(&seals, &[person], &[]);
    persons.retain(|person| may_tell(*person));
    found.retain(|record| record.person.is_none_or(may_tell));
    let now = context.clock.now();
    let audit = access.audit(now, persons, Some(code.to_string()));
    context.store.append_audit(vec![audit]).await?;
    Ok(found.into_iter().map(faulty).collect())
}

async fn known_source(context: &Context, code: &SourceCode) -> Result<Source, FlowError> {
    let sources = context.store.list_sources().await?;
    let found = sources.into_iter().find(|source| source.code == *code);
    found.ok_or(FlowError::NotFound("no source with this code is known"))
}

async fn sample(context: &Context, code: &SourceCode) -> Result<Vec<SampledRecord>, FlowError> {
    let one_more = SCORECARD_RECORDS_MAX + 1;
    Ok(context.store.sample_source(code, one_more).await?)
}

fn is_faulty(record: &SampledRecord) -> bool {
    let mut findings = record.findings.iter();
    findings.any(is_fault) || !record.siblings.is_empty() || !record.conflicts.is_empty()
}

fn is_fault(finding: &Finding) -> bool {
    finding.severity != Severity::Information
}

fn faulty(record: SampledRecord) -> FaultyRecord {
    let mut findings = record.findings;
    findings.retain(is_fault);
    FaultyRecord {
        local_id: record.local_id,
        version: record.version,
        findings,
        siblings: record.siblings,
        confused: record.conflicts.contains(&ConflictKind::Confusion),
        overlaid: record.conflicts.contains(&ConflictKind::Overlay),
    }
}
