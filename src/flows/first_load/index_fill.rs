//! The index takes the records of a load from memory, as they are durable, and commits
//! once, at the end: an index that a load leaves behind begins anew from the ledger.

use tokio::task::JoinHandle;

use crate::flows::FlowError;
use crate::foundation::EventPosition;
use crate::index::{CandidateIndex, IndexEntry, IndexError};

/// The index of a load.
pub(super) struct IndexFill {
    index: CandidateIndex,
    /// Entries that are being taken.
    under_way: Option<JoinHandle<Result<(), IndexError>>>,
    /// It has everything so far. Where it has not, it follows the ledger afterwards,
    /// and then a fault of it is told.
    whole: bool,
}

impl IndexFill {
    /// `whole`: it has everything that the ledger has, or is given it first.
    pub(super) const fn new(index: CandidateIndex, whole: bool) -> Self {
        Self {
            index,
            under_way: None,
            whole,
        }
    }

    /// Takes records that are durable, beside the caller's work. None: there is more
    /// than the caller knows.
    pub(super) async fn take(&mut self, entries: Option<Vec<IndexEntry>>) {
        self.settle().await;
        match entries {
            Some(entries) if self.whole => {
                let index = self.index.clone();
                let taken = entries.len() as u64;
                metrics::counter!("accord_index_records_total").increment(taken);
                let apply = tokio::task::spawn_blocking(move || index.apply(&entries, &[]));
                self.under_way = Some(apply);
            }
            Some(_) => {}
            None => self.whole = false,
        }
    }

    /// Makes durable what it has, if that is everything up to a position.
    ///
    /// # Errors
    /// A fault of the index.
    pub(super) async fn finish(mut self, upto: EventPosition) -> Result<(), FlowError> {
        self.settle().await;
        if !self.whole {
            return Ok(());
        }
        metrics::counter!("accord_index_commits_total").increment(1);
        let commit = tokio::task::spawn_blocking(move || self.index.commit(upto));
        commit.await.map_err(|_| FlowError::Stopped)??;
        Ok(())
    }

    async fn settle(&mut self) {
        if let Some(apply) = self.under_way.take() {
            self.whole &= matches!(apply.await, Ok(Ok(())));
        }
    }
}
