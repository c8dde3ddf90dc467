//! Which records to compare with: bounded, sharpened, and honest about what was
//! not looked at.
//!
//! 1. Each probe is looked up. One that holds more records than the bound a key
//!    is replaced by the first of its sharper alternatives that holds some and
//!    not too many, or else by the one that holds fewest.
//! 2. Probes are served, those with the fewest records first, until the bound
//!    over all is reached. What does not fit is left out by record number, so
//!    that the answer depends on the records alone and not on how they were
//!    written.
//! 3. For every probe it is counted how many of the records that share its
//!    *unsharpened* key are among those retrieved, by whichever key.

use std::collections::BTreeMap;

use crate::foundation::{EventPosition, RecordNumber, limits};
use crate::index::IndexError;
use crate::index::snapshot::{Holding, Place, Snapshot};
use crate::matching::{BlockingKey, BlockingKeys, Probe};

/// How much to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrievalBounds {
    /// Records that one key may bring.
    pub records_per_key: usize,
    /// Records over all keys.
    pub records_total: usize,
}

impl Default for RetrievalBounds {
    fn default() -> Self {
        Self {
            records_per_key: limits::RECORDS_PER_KEY_MAX,
            records_total: limits::RECORDS_PER_RETRIEVAL_MAX,
        }
    }
}

/// What was found, and what was not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieved {
    /// The records to compare with, sorted, each once.
    pub records: Vec<RecordNumber>,
    /// Where the index stood: records that later events touched are not (or not
    /// as they are now) in `records`.
    pub position: EventPosition,
    /// One outcome for each probe, in the order of the probes.
    pub probes: Vec<ProbeOutcome>,
}

impl Retrieved {
    /// Whether every record that shares an unsharpened key was retrieved.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.probes.iter().all(ProbeOutcome::complete)
    }
}

/// What became of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeOutcome {
    /// The key as asked.
    pub key: BlockingKey,
    /// The key that records were taken by: `key`, or one of its alternatives.
    pub used: BlockingKey,
    /// Live records that share `key`.
    pub held: u64,
    /// How many of those were retrieved, by this probe or another.
    pub looked_at: u64,
}

impl ProbeOutcome {
    /// Whether all that the key holds was retrieved.
    #[must_use]
    pub const fn complete(&self) -> bool {
        self.looked_at == self.held
    }
}

/// A probe that was looked up.
struct Resolved {
    key: BlockingKey,
    asked: Holding,
    used: BlockingKey,
    /// Present when the key was sharpened.
    sharpened: Option<Holding>,
}

impl Resolved {
    const fn served(&self) -> &Holding {
        match &self.sharpened {
            Some(sharpened) => sharpened,
            None => &self.asked,
        }
    }

    const fn takes_whole_key(&self, bounds: &RetrievalBounds) -> bool {
        self.sharpened.is_none() && self.asked.held <= bounds.records_per_key as u64
    }
}

/// Answers the probes from one snapshot.
pub(super) fn retrieve(
    snapshot: &Snapshot,
    keys: &BlockingKeys,
    bounds: &RetrievalBounds,
) -> Result<Retrieved, IndexError> {
    let probes = keys
        .probes
        .iter()
        .map(|probe| resolve(snapshot, probe, bounds.records_per_key))
        .collect::<Result<Vec<_>, _>>()?;
    let retrieved = take(snapshot, &probes, bounds)?;
    let mut places: Vec<Place> = retrieved.values().copied().collect();
    places.sort_unstable();
    let all_fitted = retrieved.len() < bounds.records_total;
    let probes = probes
        .iter()
        .map(|probe| {
            let whole = all_fitted && probe.takes_whole_key(bounds);
            let looked_at = if whole {
                probe.asked.held
            } else {
                snapshot.count_among(&probe.asked, &places)?
            };
            Ok(ProbeOutcome {
                key: probe.key,
                used: probe.used,
                held: probe.asked.held,
                looked_at,
            })
        })
        .collect::<Result<_, IndexError>>()?;
    Ok(Retrieved {
        records: retrieved.into_keys().collect(),
        position: snapshot.position,
        probes,
    })
}

/// Looks a probe up and sharpens it where it holds too many. An alternative
/// that holds nobody is passed over as long as another holds somebody: by it
/// nothing would be looked at.
fn resolve(snapshot: &Snapshot, probe: &Probe, bound: usize) -> Result<Resolved, IndexError> {
    let bound = bound as u64;
    let asked = snapshot.holding(&probe.key)?;
    let mut best: Option<(BlockingKey, Holding)> = None;
    if asked.held > bound {
        let rank = |held: u64| (held == 0, held);
        for key in &probe.sharper {
            let holding = snapshot.holding(key)?;
            let held = holding.held;
            if best
                .as_ref()
                .is_none_or(|(_, other)| rank(held) < rank(other.held))
            {
                best = Some((*key, holding));
            }
            if (1..=bound).contains(&held) {
                break;
            }
        }
        best = best.filter(|(_, holding)| holding.held < asked.held);
    }
    let (used, sharpened) = match best {
        Some((key, holding)) => (key, Some(holding)),
        None => (probe.key, None),
    };
    Ok(Resolved {
        key: probe.key,
        asked,
        used,
        sharpened,
    })
}

/// Takes records probe by probe, the narrowest first, until no more fit.
fn take(
    snapshot: &Snapshot,
    probes: &[Resolved],
    bounds: &RetrievalBounds,
) -> Result<BTreeMap<RecordNumber, Place>, IndexError> {
    let mut order: Vec<&Resolved> = probes.iter().collect();
    order.sort_by_key(|probe| (probe.served().held, probe.used));
    let mut taken = BTreeMap::new();
    for probe in order {
        if taken.len() >= bounds.records_total {
            break;
        }
        for (record, place) in snapshot.first_records(probe.served(), bounds.records_per_key)? {
            if taken.len() < bounds.records_total || taken.contains_key(&record) {
                taken.insert(record, place);
            }
        }
    }
    Ok(taken)
}
