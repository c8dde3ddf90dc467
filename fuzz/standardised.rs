//! What must hold of any record: it is standardised, twice alike, and no finding
//! shows what it says.

use accord::identity::{
    NumberStatus, Profile, StandardDate, StandardiseOptions, SubmittedRecord, standardise,
};

/// Standardises the record in each profile.
pub fn check(record: &SubmittedRecord) {
    let today = StandardDate::from_parts(2026, Some(11), Some(22)).expect("a day");
    for profile in [Profile::UkCare, Profile::Generic] {
        let options = StandardiseOptions {
            profile,
            number_status_default: NumberStatus::NotTraced,
            today,
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        };
        let (first, findings) = standardise(record, &options);
        let (second, again) = standardise(record, &options);
        assert!(first == second && findings == again);
    }
}
