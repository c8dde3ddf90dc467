//! Claims of verified numbers: at most one owner, and none where two persons claim
//! one (R19, DESIGN §4).

use std::collections::BTreeSet;

use crate::foundation::PersonId;
use crate::identity::StandardRecord;
use crate::matching::number_key;
use crate::registry::{NumberHash, RegistryState};

/// The verified number that a record claims, by its hash.
#[must_use]
pub fn claimed_number(standard: &StandardRecord) -> Option<NumberHash> {
    let claim = standard.nhs_number?;
    let verified = claim.status.is_verified();
    verified.then(|| NumberHash(number_key(claim.number)))
}

/// The number that a record carries, whatever is known of it.
#[must_use]
pub fn carried_number(standard: &StandardRecord) -> Option<NumberHash> {
    let claim = standard.nhs_number?;
    Some(NumberHash(number_key(claim.number)))
}

impl RegistryState {
    /// The persons that claim a number: its owner where there is one, nobody's
    /// where there are more. Only for numbers whose claims are loaded.
    #[must_use]
    pub fn claimants(&self, number: NumberHash) -> BTreeSet<PersonId> {
        let records = self.claims.get(&number).into_iter().flatten();
        let links = records.filter_map(|record| self.records.get(record)?.link.as_ref());
        links.map(|link| link.person).collect()
    }
}
