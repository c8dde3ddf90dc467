//! A small, deterministic maker of a made-up English region: people with
//! twins, families, moves, changes of name, wrong and missing numbers, and what
//! seven kinds of source write down about them. For demonstrations, tests and
//! measurement with a known truth.
//!
//! Rates and habits are in the population file, lists of names and of slips in
//! `tables/`. None of it is shared with what matches, so that nobody measures a
//! matcher by its own tables. Each family is made from its own throws of the
//! seed: bytes do not depend on threads. Deliberately not here: any file or
//! clock; the caller gives a writer.
//!
//! Everything is invented: NHS numbers are of the test range, telephones are
//! `07700 9xxxxx` and `01632 9xxxxx` (the ranges kept for drama, widened;
//! beyond 100,000 people they are shared), e-mail is at `example.org`, `.com`
//! and `.net`, postcode areas do not exist.

mod clerk;
mod clerk_contact;
mod dice;
mod family;
mod geography;
mod habits;
mod household;
mod life;
mod naming;
mod numbers;
mod person;
mod population;
mod record;
mod region;
mod slips;
mod tables;
#[cfg(test)]
mod tests;

pub use population::{Population, PopulationProblem, RegionSource};
pub use record::{GeneratedRecord, RECORD_COLUMNS};
pub use region::{PERSONS_MAX, Region, Written, generate};

/// How common names are in a community of the made-up region.
pub(super) struct NameShares {
    /// The community.
    pub(super) code: String,
    /// Its share of the people.
    pub(super) share: f64,
    /// Name, whether it is a family name, share among those of its kind.
    pub(super) names: Vec<(&'static str, bool, f64)>,
}

/// The names of every community.
pub(super) fn name_shares() -> Vec<NameShares> {
    let population = Population::default_region();
    let communities = population.communities.values().iter();
    let shares = communities.map(|community| NameShares {
        share: community.share.into(),
        names: tables::shares(&community.code),
        code: community.code.clone(),
    });
    shares.collect()
}
