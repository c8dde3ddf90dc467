//! Which records to compare with: bounded, sharpened, and honest about what was
//! not looked at.
//!
//! 1. Each probe is looked up. While it holds more records than the bound a key it
//!    is narrowed to those that share its next facet with what is asked about; a
//!    facet that nobody there has is passed over, for by it nobody would be looked at.
//! 2. Each probe brings its first records, up to the bound a key. Where all of them
//!    are more than the bound over all, those stay that share the most and the
//!    rarest keys; among equals the record number decides, so that the answer
//!    depends on the records alone and not on how they were written.
//! 3. For every probe it is counted how many of the records that share its
//!    *whole* key are among those retrieved, by whichever key.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::foundation::{EventPosition, RecordNumber, limits};
use crate::index::IndexError;
use crate::matching::{BlockingKey, BlockingKeys, Facet, Probe};

/// What is looked up: one committed state of the index, or the memory of a load.
pub(super) trait Holdings {
    /// What stands under a key, or the part of it that has some facets.
    type Holding;
    /// Where a record is.
    type Place: Copy + Ord;

    /// The position that it is complete up to.
    fn position(&self) -> EventPosition;
    /// Looks a key up.
    fn holding(&self, key: &BlockingKey) -> Result<Self::Holding, IndexError>;
    /// Those of a holding that have a facet.
    fn narrowed(&self, holding: &Self::Holding, facet: Facet) -> Result<Self::Holding, IndexError>;
    /// How many live records stand there.
    fn held(holding: &Self::Holding) -> u64;
    /// The first `bound` of them by record number, sorted, each with its place.
    fn first_records(
        &self,
        holding: &Self::Holding,
        bound: usize,
    ) -> Result<Vec<(RecordNumber, Self::Place)>, IndexError>;
    /// How many of the places, which are sorted, stand there.
    fn count_among(
        &self,
        holding: &Self::Holding,
        places: &[Self::Place],
    ) -> Result<u64, IndexError>;
}

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
    /// Whether every record that shares a key was retrieved.
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
    /// Whether only those of its records were taken that have some facets.
    pub narrowed: bool,
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
struct Resolved<H> {
    key: BlockingKey,
    asked: H,
    held: u64,
    /// Present when the key was narrowed, with how many records are left.
    narrowed: Option<(H, u64)>,
}

impl<H> Resolved<H> {
    const fn served(&self) -> (&H, u64) {
        match &self.narrowed {
            Some((narrowed, held)) => (narrowed, *held),
            None => (&self.asked, self.held),
        }
    }

    const fn takes_whole_key(&self, bounds: &RetrievalBounds) -> bool {
        self.narrowed.is_none() && self.held <= bounds.records_per_key as u64
    }
}

/// Whom to compare with.
struct Taken<P> {
    records: BTreeMap<RecordNumber, P>,
    /// Whether nothing was left out that a probe brought.
    all_fitted: bool,
}

/// Answers the probes from one state.
pub(super) fn retrieve<S: Holdings>(
    snapshot: &S,
    keys: &BlockingKeys,
    bounds: &RetrievalBounds,
) -> Result<Retrieved, IndexError> {
    let probes = keys
        .probes
        .iter()
        .map(|probe| resolve(snapshot, probe, bounds.records_per_key))
        .collect::<Result<Vec<_>, _>>()?;
    let taken = take(snapshot, &probes, bounds)?;
    let mut places: Vec<S::Place> = taken.records.values().copied().collect();
    places.sort_unstable();
    let probes = probes
        .iter()
        .map(|probe| {
            let whole = taken.all_fitted && probe.takes_whole_key(bounds);
            let looked_at = if whole {
                probe.held
            } else {
                snapshot.count_among(&probe.asked, &places)?
            };
            Ok(ProbeOutcome {
                key: probe.key,
                narrowed: probe.narrowed.is_some(),
                held: probe.held,
                looked_at,
            })
        })
        .collect::<Result<_, IndexError>>()?;
    Ok(Retrieved {
        records: taken.records.into_keys().collect(),
        position: snapshot.position(),
        probes,
    })
}

/// Looks a probe up and narrows it while it holds too many.
fn resolve<S: Holdings>(
    snapshot: &S,
    probe: &Probe,
    bound: usize,
) -> Result<Resolved<S::Holding>, IndexError> {
    let bound = bound as u64;
    let asked = snapshot.holding(&probe.key)?;
    let held = S::held(&asked);
    let mut narrowed: Option<(S::Holding, u64)> = None;
    for facet in &probe.facets {
        let (wide, wide_held) = narrowed
            .as_ref()
            .map_or((&asked, held), |(part, left)| (part, *left));
        if wide_held <= bound {
            break;
        }
        let part = snapshot.narrowed(wide, *facet)?;
        let left = S::held(&part);
        if (1..wide_held).contains(&left) {
            narrowed = Some((part, left));
        }
    }
    Ok(Resolved {
        key: probe.key,
        asked,
        held,
        narrowed,
    })
}

/// Takes all that the probes bring; where that is too many, the records that share
/// the most with what is asked about, then by record number.
fn take<S: Holdings>(
    snapshot: &S,
    probes: &[Resolved<S::Holding>],
    bounds: &RetrievalBounds,
) -> Result<Taken<S::Place>, IndexError> {
    let mut found: BTreeMap<RecordNumber, (S::Place, u32)> = BTreeMap::new();
    for probe in probes {
        let (served, held) = probe.served();
        for (record, place) in snapshot.first_records(served, bounds.records_per_key)? {
            found.entry(record).or_insert((place, 0)).1 += rarity(held);
        }
    }
    let all_fitted = found.len() <= bounds.records_total;
    let mut ranked: Vec<_> = found.into_iter().collect();
    if !all_fitted {
        // Stable, and in order of record until now.
        ranked.sort_by_key(|(_, (_, shared))| Reverse(*shared));
        ranked.truncate(bounds.records_total);
    }
    let records = ranked
        .into_iter()
        .map(|(record, (place, _))| (record, place));
    Ok(Taken {
        records: records.collect(),
        all_fitted,
    })
}

/// What it says that two records share a key that so many hold: 1 for a crowd, two
/// more for each halving, so that a key of a few weighs more than all that a crowd
/// has in common.
fn rarity(held: u64) -> u32 {
    const CROWD: u64 = 64;
    1 + 2 * (CROWD.ilog2() - held.clamp(1, CROWD).ilog2())
}
