//! What a registration comes to before anything is asked: standardised, and its
//! digest taken. Refuses what nobody could be found by.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, hex};
use crate::identity::{
    Finding, FindingCode, NhsNumber, NumberStatus, StandardDate, StandardRecord, SubmittedRecord,
    standardise,
};
use crate::registry::{NumberHash, Replacement, number_hash};

/// A registration of which everything is computed that needs no ledger.
pub(super) struct Ready {
    pub(super) effective_at: Option<Instant>,
    pub(super) standard: Arc<StandardRecord>,
    pub(super) findings: Vec<Finding>,
    pub(super) payload: String,
    pub(super) digest: String,
    pub(super) replacement: Option<Replacement>,
    /// The number that it invalidates.
    pub(super) invalidated: Option<NumberHash>,
}

impl Ready {
    pub(super) fn from(
        context: &Context,
        submitted: &SubmittedRecord,
        door_findings: Vec<Finding>,
        number_status_default: NumberStatus,
    ) -> Result<Self, FlowError> {
        let mut effective_at = effective_at(submitted.effective_at.as_deref())?;
        let options = context.standardise_options(number_status_default);
        let (standard, mut findings) = standardise(submitted, &options);
        findings.extend(door_findings);
        if effective_at.is_some_and(|at| at > context.clock.now().plus_one_day()) {
            // It would shut out every true date that comes after it.
            findings.push(Finding::new(FindingCode::EffectiveInFuture, "effective_at"));
            effective_at = None;
        }
        refuse_the_unidentifying(&standard)?;
        let payload = serde_json::to_string(submitted)
            .expect("invariant: a record of texts and lists always becomes JSON");
        let digest = hex(&Sha256::digest(payload.as_bytes()));
        let replacement = replacement(submitted, &standard);
        let invalidated = invalidated(submitted);
        Ok(Self {
            effective_at,
            standard: Arc::new(standard),
            findings,
            payload,
            digest,
            replacement,
            invalidated,
        })
    }
}

/// What the message says of the number that its own verified number replaces.
fn replacement(submitted: &SubmittedRecord, standard: &StandardRecord) -> Option<Replacement> {
    let claim = standard
        .nhs_number
        .filter(|claim| claim.status.is_verified())?;
    let replaced = NhsNumber::parse(submitted.replaces_nhs_number.as_deref()?).ok()?;
    (replaced != claim.number).then(|| Replacement {
        replaced: number_hash(replaced),
        replaced_by: number_hash(claim.number),
    })
}

/// The number that the message calls invalid: it replaces it by none, and says so
/// as verified, so that a forgotten number invalidates nothing.
fn invalidated(submitted: &SubmittedRecord) -> Option<NumberHash> {
    let none = submitted
        .nhs_number
        .as_deref()
        .is_none_or(|it| it.trim().is_empty());
    let verified = submitted.nhs_number_status.as_deref() == Some("01");
    let replaced = NhsNumber::parse(submitted.replaces_nhs_number.as_deref()?).ok()?;
    (none && verified).then(|| number_hash(replaced))
}

/// A moment at a source: an instant, or a day.
pub(super) fn effective_at(text: Option<&str>) -> Result<Option<Instant>, FlowError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let at = Instant::parse(text).or_else(|| {
        let date = StandardDate::parse(text)?;
        Instant::parse(&format!("{}T00:00:00Z", date.to_iso()))
    });
    at.map(Some).ok_or_else(|| FlowError::Unprocessable {
        member: "effective_at",
        rule: "RFC 3339",
        detail: "effective_at must be a full date or an RFC 3339 instant such as \
                 2026-11-22T07:30:00Z"
            .to_owned(),
    })
}

fn refuse_the_unidentifying(standard: &StandardRecord) -> Result<(), FlowError> {
    if standard.identifies() {
        return Ok(());
    }
    Err(FlowError::Unprocessable {
        member: "",
        rule: "one identifying value",
        detail: "nothing in this record identifies a person after standardising; send at least \
                 an NHS number, a name, a birth date, an address, a phone, an e-mail or another \
                 identifier"
            .to_owned(),
    })
}
