//! Whether what is sent together names one person twice, before anything is written.

use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::identity::{NumberStatus, StandardRecord, SubmittedRecord, standardise};
use crate::matching::{Candidate, Grade, LinkageModel, decide};

/// The place of the first record that is certainly or probably of somebody whom one before
/// it is of. The ledger is not asked (R121).
///
/// # Errors
/// A fault of ours.
pub async fn named_twice(
    context: &Context,
    sent: Vec<SubmittedRecord>,
) -> Result<Option<usize>, FlowError> {
    let own = context.clone();
    let comparing = move || {
        let options = own.standardise_options(NumberStatus::NotTraced);
        let records: Vec<StandardRecord> = sent
            .iter()
            .map(|record| standardise(record, &options).0)
            .collect();
        // Nobody's: whoever it stands for is not known yet.
        let nobody = PersonId::new(own.clock.now(), own.chance.as_ref());
        let again = |place: usize, record: &StandardRecord| {
            let mut before = records.iter().take(place);
            before.any(|known| are_likely_one(&own.model, nobody, record, known))
        };
        let mut places = records.iter().enumerate();
        let found = places.find(|(place, record)| again(*place, record));
        found.map(|(place, _)| place)
    };
    context.pool.run(comparing).await
}

fn are_likely_one(
    model: &LinkageModel,
    nobody: PersonId,
    record: &StandardRecord,
    known: &StandardRecord,
) -> bool {
    let candidate = Candidate {
        person: nobody,
        members: vec![known],
        score: model.score(record, &[known]),
        asserted_different: false,
        open_duplicate_of: Vec::new(),
        number_confused: false,
    };
    let (_, grades) = decide(model, record, &[candidate]);
    let likely = |grade: &Grade| matches!(grade, Grade::Certain | Grade::Probable);
    grades.iter().any(|(grade, _)| likely(grade))
}
