//! How many merges a human has made of late, as a commit counts them: those of the
//! ledger, and those of the commands before it in the batch.

use std::collections::BTreeMap;

use crate::registry::{RegistryEvent, RegistryState};
use crate::storage::StoreError;
use crate::storage::command::ReadSet;
use crate::storage::db::{self, Connection};
use crate::storage::rows::Reader;

/// Merges by the human who made or asked for them.
#[derive(Debug, Default)]
pub(super) struct MergeCounts(BTreeMap<String, u64>);

impl MergeCounts {
    /// Counts for the commands that ask for it, under their locks.
    pub(super) async fn load(
        connection: &mut Connection,
        reads: &[&ReadSet],
    ) -> Result<Self, StoreError> {
        let mut counts = BTreeMap::new();
        for (human, since) in reads.iter().filter_map(|read| read.merging.as_ref()) {
            if counts.contains_key(human) {
                continue;
            }
            let row = db::query(
                "select count(*) from merges m join events e on e.position = m.made_position \
                 where e.at > $2 and (m.made_by = $1 or m.asked_by = $1)",
            )
            .bind(human.clone())
            .bind(since.microseconds())
            .fetch_one(&mut *connection)
            .await?;
            let made = Reader::numbered(&row, "merges")?.number(0)?;
            counts.insert(human.clone(), made.unsigned_abs());
        }
        Ok(Self(counts))
    }

    /// Takes the events of a command that the state has applied.
    pub(super) fn take(&mut self, events: &[RegistryEvent], state: &RegistryState) {
        if self.0.is_empty() {
            return;
        }
        for event in events {
            if let RegistryEvent::MergeMade { merge, by, .. } = event {
                let asked_by = state.merges.get(merge).map(|known| &known.asked_by);
                let humans = [Some(by), asked_by.filter(|asked| *asked != by)];
                for human in humans.into_iter().flatten() {
                    if let Some(made) = self.0.get_mut(human) {
                        *made += 1;
                    }
                }
            }
        }
    }

    /// How many the human of this command has made.
    pub(super) fn of(&self, read: &ReadSet) -> u64 {
        let human = read.merging.as_ref().map(|(human, _)| human);
        let made = human.and_then(|human| self.0.get(human));
        made.copied().unwrap_or(0)
    }
}
