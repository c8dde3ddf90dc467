//! A person as one whole: its records, and what they say together.

use crate::flows::moments::{known_person, moment};
use crate::flows::view_golden::make;
use crate::flows::view_person::{PersonRecord, records_of};
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId};
use crate::registry::{Gate, GoldenRecord, OtherPerson, PersonStatus};
use crate::security::Access;

/// A person with its golden record, masked.
#[derive(Debug, Clone)]
pub struct IdentityAnswer {
    /// The id that stands now, or stood then.
    pub person: PersonId,
    /// The id that was asked for.
    pub requested: PersonId,
    /// Ids that have retired into it, in order.
    pub replaces: Vec<PersonId>,
    /// Whether it has active records.
    pub active: bool,
    /// A record of it restricts its location.
    pub restricted: bool,
    /// Another person claims its number (R19).
    pub under_investigation: bool,
    /// Its active records, in order of source and local id.
    pub records: Vec<PersonRecord>,
    /// What they say together.
    pub golden: GoldenRecord,
    /// Other persons that it may be.
    pub possible: Vec<OtherPerson>,
    /// Its version.
    pub tag: u32,
}

/// Looks a person up by any id that it ever had, as it is or as it was known at an
/// instant (R139).
///
/// # Errors
/// Unknown id, an instant in the future, or a fault of ours.
pub async fn view_identity(
    context: &Context,
    access: &Access,
    requested: PersonId,
    as_of: Option<Instant>,
) -> Result<IdentityAnswer, FlowError> {
    let as_of = moment(context, as_of).await?;
    let known = known_person(context, access, requested, as_of).await?;
    let gate = Gate::of(access);
    let golden = make(context, gate, &known, as_of).await?;
    let restricted = known.view.restricted;
    let golden = gate.golden(golden, restricted);
    let person = known.view.survivor();
    let active = known.view.status != PersonStatus::Withdrawn;
    let under_investigation = known.confused;
    let tag = u32::try_from(known.view.revision.0).unwrap_or(u32::MAX);
    let replaces = retired_into(context, gate, person, as_of).await?;
    let (records, possible) = records_of(context, gate, known);
    let audit = access.audit(context.clock.now(), vec![person], None);
    context.store.append_audit(vec![audit]).await?;
    Ok(IdentityAnswer {
        person,
        requested,
        replaces,
        active,
        restricted,
        under_investigation,
        records,
        golden,
        possible,
        tag,
    })
}

/// The ids that lead to a person, without those that a seal keeps from it (R22).
async fn retired_into(
    context: &Context,
    gate: Gate,
    person: PersonId,
    as_of: Option<crate::storage::Moment>,
) -> Result<Vec<PersonId>, FlowError> {
    let store = &context.store;
    let all = match as_of {
        None => store.person_and_retired(person).await?,
        Some(moment) => store.person_and_retired_as_of(person, moment).await?,
    };
    let mut retired: Vec<PersonId> = all.into_iter().filter(|id| *id != person).collect();
    retired.sort_unstable();
    if retired.is_empty() || gate.sees_sealed() || !store.has_seals().await? {
        return Ok(retired);
    }
    let mut named = retired.clone();
    named.push(person);
    let seals = store.seals_about(&named, &[]).await?;
    retired.retain(|id| gate.may_tell(&seals, &[person, *id], &[]));
    Ok(retired)
}
