//! Which records people may have asked for: those that hold a term of each
//! group. Bounded: where too many do, further criteria narrow them, and the
//! answer says so.

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::IndexError;
use crate::index::snapshot::Snapshot;
use crate::matching::search::SearchPlan;

/// What a search has to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// Sorted, each once, at most the bound; empty when even the narrowest has
    /// more.
    pub records: Vec<RecordNumber>,
    /// Where the index stood.
    pub position: EventPosition,
    /// Records were left out that hold the required terms and not the further
    /// ones.
    pub narrowed: bool,
    /// More than the bound hold all of them.
    pub too_many: bool,
}

/// Answers from one snapshot.
pub(super) fn search(
    snapshot: &Snapshot,
    plan: &SearchPlan,
    bound: usize,
) -> Result<Searched, IndexError> {
    let mut places = snapshot.holding_all(&plan.required)?;
    let mut narrowed = false;
    for group in &plan.narrowing {
        if places.len() <= bound {
            break;
        }
        let before = places.len();
        places = snapshot.keep_holding(places, group)?;
        narrowed |= places.len() < before;
    }
    let too_many = places.len() > bound;
    if too_many {
        places.clear();
    }
    Ok(Searched {
        records: snapshot.records_at(&places),
        position: snapshot.position,
        narrowed,
        too_many,
    })
}
