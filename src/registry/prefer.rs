//! Somebody prefers what one record says of a field, whatever the rules say. The
//! event names the record's version, never the value.

use crate::foundation::PersonId;
use crate::registry::{GoldenField, LocalId, RegistryEvent, RegistryState, SourceCode};

/// What is preferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// For whom.
    pub person: PersonId,
    /// For which field.
    pub field: GoldenField,
    /// Whose record.
    pub source: SourceCode,
    /// Which.
    pub local_id: LocalId,
    /// Which version of it.
    pub version: u32,
}

/// Why a preference is refused. The texts are safe to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreferenceRefused {
    /// The record is not this person's.
    #[error("the record does not belong to this person now")]
    OtherPerson,
    /// The record has no such version, or it waits for a human.
    #[error("the record has no such version, or that version is held")]
    NoVersion,
    /// Numbers are settled by the national service.
    #[error("which number stands is settled nationally, never locally")]
    Number,
}

/// Prefers a version for a field.
///
/// # Errors
/// [`PreferenceRefused`] says why not.
pub fn prefer_value(
    state: &RegistryState,
    preference: &Preference,
) -> Result<RegistryEvent, PreferenceRefused> {
    if preference.field.is_number() {
        return Err(PreferenceRefused::Number);
    }
    let record = state.record(&preference.source, &preference.local_id);
    let record = record.ok_or(PreferenceRefused::OtherPerson)?;
    let owner = record.link.as_ref().map(|link| link.person);
    if owner != Some(preference.person) {
        return Err(PreferenceRefused::OtherPerson);
    }
    let held = record.held.as_ref().map(|held| held.version);
    let known = (1..=record.latest_version).contains(&preference.version);
    if !known || held == Some(preference.version) {
        return Err(PreferenceRefused::NoVersion);
    }
    Ok(RegistryEvent::GoldenValuePreferred {
        person: preference.person,
        field: preference.field,
        record: record.number,
        version: preference.version,
    })
}
