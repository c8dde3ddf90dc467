//! Who a record that waits for its commit might be, by one model; and again, where
//! another has become active before the commit.

use std::sync::Arc;

use crate::flows::FlowError;
use crate::flows::live_numbers::find;
use crate::flows::prepare::{
    LookedUp, compare, look_up, read_and_compute, score, without_prospectless,
};
use crate::flows::register_record::{Inside, PreparedRegistration};
use crate::registry::{Registration, claimed_number};
use crate::storage::ReadSet;

impl Inside {
    /// Who it might be, by the model of the context.
    pub(super) async fn search(
        self,
        looked_up: LookedUp,
    ) -> Result<PreparedRegistration, FlowError> {
        let (context, known) = (&self.context, &self.registration);
        let (standard, replacement) = (Arc::clone(&known.standard), known.replacement);
        let (found, numbers) = find(context, looked_up, &standard, replacement).await?;
        let complete = found.is_complete();
        let (lock_hashes, stored_hashes) = (found.keys.lock_hashes(), found.keys.stored_hashes());
        let (model, record) = (Arc::clone(&context.model), Arc::clone(&standard));
        let replacements = numbers.replacements.clone();
        let scoring = move |persons| score(&model, &record, &replacements, persons);
        let prepared = compare(context, found.persons, scoring).await?;
        let (source, local_id) = (&known.source, &known.local_id);
        let prepared = without_prospectless(context, source, local_id, prepared).await?;
        let read = ReadSet {
            records: vec![(source.clone(), local_id.clone())],
            persons: prepared
                .iter()
                .map(|person| (person.person, person.revision))
                .collect(),
            keys: lock_hashes.clone(),
            keys_after: found.position,
            idempotency: self.idempotency.clone(),
            claimed: claimed_number(&standard),
            replacement,
            numbers: numbers.hashes(&standard),
            ..ReadSet::default()
        };
        let registration = Registration {
            lock_hashes,
            prepared,
            complete,
            replacements: numbers.replacements,
            ..self.registration
        };
        let inside = Self {
            registration,
            stored_hashes,
            ..self
        };
        Ok(PreparedRegistration { read, inside })
    }

    /// The same by the model that is active now: scores of another stand for nothing.
    pub(super) async fn search_again(&self) -> Result<PreparedRegistration, FlowError> {
        let inside = Self {
            context: self.context.at_present(),
            ..self.clone()
        };
        let context = inside.context.clone();
        let searching = Box::pin(async move {
            let (own, standard) = (
                inside.context.clone(),
                Arc::clone(&inside.registration.standard),
            );
            let looking = move || look_up(&own, &standard);
            let looked_up = inside.context.pool.run(looking).await??;
            inside.search(looked_up).await
        });
        read_and_compute(&context, searching).await
    }
}
