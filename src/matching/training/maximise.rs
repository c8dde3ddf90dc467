//! Expectation–maximisation over counted patterns.

use crate::matching::levels::{
    Comparison, GivenNameLevel, Level as _, OtherIdentifierLevel, PostcodeLevel, SexLevel,
};
use crate::matching::training::write::written;
use crate::matching::training::{Pattern, PatternCounts};
use crate::matching::{ModelFile, ModelProblem};

/// Levels of the largest comparison, with room.
pub(super) const LEVELS_MAX: usize = 16;

/// Shares by comparison and level.
pub(super) type Shares = [[f64; LEVELS_MAX]; Comparison::COUNT];

/// Pairs that the starting model is worth when m is estimated.
const START_PAIRS: f64 = 20.0;

/// The same for u.
const START_RANDOM_PAIRS: f64 = 200.0;

const ITERATIONS_MAX: usize = 200;

/// What was seen of a file.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Pairs that met under any rule, each once, or a sample of them.
    pub met: PatternCounts,
    /// The share of the pairs that met that is in `met`.
    pub met_share: f64,
    /// Random pairs.
    pub random: PatternCounts,
    /// Number of all pairs of the file.
    pub pairs: f64,
    /// Share of pairs whose values are equal, counted over all pairs, for
    /// comparisons whose first level is equality.
    pub equal: [Option<f64>; Comparison::COUNT],
}

/// What was learnt.
#[derive(Debug, Clone)]
pub struct Learnt {
    /// The model with the new figures.
    pub file: ModelFile,
    /// Estimated true pairs among those that met.
    pub true_pairs: f64,
    /// Comparisons that kept their figures, by name.
    pub kept: Vec<&'static str>,
}

/// The figures on their way.
pub(super) struct Estimate {
    pub(super) m: Shares,
    pub(super) u: Shares,
    /// Share of true pairs among all pairs.
    pub(super) prior: f64,
    /// True pairs that say something, by comparison.
    pub(super) said: [f64; Comparison::COUNT],
}

/// Learns m, u and the prior.
///
/// # Errors
/// When the result is no valid model.
pub fn learn(start: &ModelFile, observed: &Observed) -> Result<Learnt, ModelProblem> {
    let mut estimate = Estimate {
        m: shares(start, true),
        u: shares(start, false),
        prior: (1.0 / start.population).max(1.0 / observed.pairs),
        said: [0.0; Comparison::COUNT],
    };
    let first = Estimate {
        m: estimate.m,
        u: estimate.u,
        prior: estimate.prior,
        said: estimate.said,
    };
    let random = level_counts(&observed.random, &|_| 1.0);
    for _ in 0..ITERATIONS_MAX {
        let before = estimate.prior;
        estimate.u = not_matching(&first.u, &random, observed, &estimate);
        let table = log2_ratios(&estimate);
        let odds = (estimate.prior / (1.0 - estimate.prior)).log2();
        let caps = CapBits {
            household: -estimate.prior.log2() - start.caps.household_size_excess.log2(),
            twin: -estimate.prior.log2() - start.caps.co_twin_rate.log2(),
        };
        let posterior = |pattern: Pattern| {
            let bits = odds + weight(&table, pattern) + caps.taken(&table, pattern);
            1.0 / (1.0 + (-bits).exp2())
        };
        let counts = level_counts(&observed.met, &posterior);
        let matches: f64 = observed
            .met
            .0
            .iter()
            .map(|(pattern, count)| posterior(*pattern) * *count as f64)
            .sum();
        estimate.prior = (matches / observed.met_share / observed.pairs).clamp(1e-12, 0.5);
        for comparison in Comparison::ALL {
            let place = comparison as usize;
            let missing = usize::from(comparison.missing());
            let said: f64 = counts[place][..missing].iter().sum();
            estimate.said[place] = said;
            if comparison == Comparison::Address {
                continue;
            }
            let seen = counts[place].iter().zip(&first.m[place]).take(missing);
            for (m, (seen, first)) in estimate.m[place].iter_mut().zip(seen) {
                *m = (seen + START_PAIRS * first) / (said + START_PAIRS);
            }
        }
        addresses(&mut estimate, &first.m, &observed.met, &posterior);
        if (estimate.prior / before).ln().abs() < 1e-6 {
            break;
        }
    }
    written(start, &estimate, observed)
}

/// What the caps take of a pattern, as they do of a pair (R89, R90).
struct CapBits {
    household: f64,
    twin: f64,
}

impl CapBits {
    fn taken(&self, table: &Shares, pattern: Pattern) -> f64 {
        let positive = |comparison: Comparison| {
            table[comparison as usize][usize::from(pattern.level(comparison))].max(0.0)
        };
        let shared: f64 = [
            Comparison::FamilyName,
            Comparison::Postcode,
            Comparison::Address,
            Comparison::Town,
            Comparison::Phone,
            Comparison::Email,
            Comparison::GpPractice,
        ]
        .into_iter()
        .map(positive)
        .sum();
        let household = (self.household - shared).min(0.0);
        let given = GivenNameLevel::at(pattern.level(Comparison::GivenName));
        if given.names_the_same() {
            return household;
        }
        let with_date = shared + household + positive(Comparison::BirthDate);
        household + (self.twin - with_date).min(0.0)
    }
}

/// m of address levels: shares within what the postcodes allow.
fn addresses(
    estimate: &mut Estimate,
    first: &Shares,
    met: &PatternCounts,
    posterior: &dyn Fn(Pattern) -> f64,
) {
    const CONTEXTS: usize = 3;
    let place = Comparison::Address as usize;
    let missing = usize::from(Comparison::Address.missing());
    let mut counts = [[0.0; LEVELS_MAX]; CONTEXTS];
    for (pattern, count) in &met.0 {
        let context = match PostcodeLevel::at(pattern.level(Comparison::Postcode)) {
            PostcodeLevel::Missing => 0,
            PostcodeLevel::Unit
            | PostcodeLevel::HistoricUnit
            | PostcodeLevel::Near
            | PostcodeLevel::Crowded => 1,
            PostcodeLevel::Sector | PostcodeLevel::District | PostcodeLevel::Different => 2,
        };
        let level = usize::from(pattern.level(Comparison::Address));
        counts[context][level] += posterior(*pattern) * *count as f64;
    }
    for level in 0..missing {
        let (mut at, mut of) = (0.0, 0.0);
        for context in counts.iter().filter(|context| context[level] > 0.0) {
            at += context[level];
            of += context[..missing].iter().sum::<f64>();
        }
        estimate.m[place][level] = (at + START_PAIRS * first[place][level]) / (of + START_PAIRS);
    }
}

/// u from random pairs, without the true pairs among them.
fn not_matching(first: &Shares, random: &Shares, observed: &Observed, now: &Estimate) -> Shares {
    let mut u = *first;
    for comparison in Comparison::ALL {
        let place = comparison as usize;
        let missing = usize::from(comparison.missing());
        let said: f64 = random[place][..missing].iter().sum();
        // What an address level is worth depends on the postcode; random pairs
        // hardly ever share one.
        if said <= 0.0 || comparison == Comparison::Address {
            continue;
        }
        let both = said / observed.random.pairs().max(1) as f64;
        for level in 0..missing {
            let mut seen = random[place][level];
            let mut of = said;
            let mut start = START_RANDOM_PAIRS;
            if level == equality(comparison)
                && let Some(equal) = observed.equal[place]
            {
                // Counted over all pairs: as good as very many random ones.
                of = 1e9;
                seen = equal / both.max(1e-9) * of;
                start = START_RANDOM_PAIRS.min(1.0);
            }
            let matching = now.prior * now.m[place][level] * of;
            let others = (seen - matching).max(seen * 0.05);
            u[place][level] = (others + start * first[place][level]) / (of + start);
        }
    }
    u
}

/// The level of plain equality: files hardly ever say whose identifiers are.
fn equality(comparison: Comparison) -> usize {
    if comparison == Comparison::OtherIdentifier {
        usize::from(OtherIdentifierLevel::SameUnknownSystem.index())
    } else {
        0
    }
}

fn level_counts(counts: &PatternCounts, share: &dyn Fn(Pattern) -> f64) -> Shares {
    let mut levels = [[0.0; LEVELS_MAX]; Comparison::COUNT];
    for (pattern, count) in &counts.0 {
        let weight = share(*pattern) * *count as f64;
        for comparison in Comparison::ALL {
            levels[comparison as usize][taught(comparison, *pattern)] += weight;
        }
    }
    levels
}

/// The level whose share a pattern teaches: equal sexes are one level, whatever
/// the given names say.
fn taught(comparison: Comparison, pattern: Pattern) -> usize {
    let level = usize::from(pattern.level(comparison));
    if comparison == Comparison::Sex && level == usize::from(SexLevel::SameNamed.index()) {
        usize::from(SexLevel::Same.index())
    } else {
        level
    }
}

pub(super) fn log2_ratios(estimate: &Estimate) -> Shares {
    let mut table = [[0.0; LEVELS_MAX]; Comparison::COUNT];
    for comparison in Comparison::ALL {
        let place = comparison as usize;
        let shares = estimate.m[place].iter().zip(&estimate.u[place]);
        let said = shares.take(usize::from(comparison.missing()));
        for (bits, (m, u)) in table[place].iter_mut().zip(said) {
            if *m > 0.0 && *u > 0.0 {
                *bits = (m / u).log2();
            }
        }
    }
    table
}

fn weight(table: &Shares, pattern: Pattern) -> f64 {
    Comparison::ALL
        .iter()
        .map(|comparison| table[*comparison as usize][usize::from(pattern.level(*comparison))])
        .sum()
}

/// m or u of a file's levels; 0 where a level has a fixed weight.
fn shares(file: &ModelFile, matching: bool) -> Shares {
    let mut shares = [[0.0; LEVELS_MAX]; Comparison::COUNT];
    for comparison in Comparison::ALL {
        for (place, known) in comparison.levels().iter().enumerate() {
            let level = file
                .comparison(comparison)
                .and_then(|found| found.level.iter().find(|level| level.name == known.name));
            let share = level.and_then(|level| if matching { level.m } else { level.u });
            shares[comparison as usize][place] = share.unwrap_or(0.0);
        }
    }
    shares
}
