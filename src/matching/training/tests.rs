//! The method and not only the code: patterns are drawn from known figures,
//! and training gives the figures back.

use super::{Observed, Pattern, PatternCounts, learn};
use crate::foundation::{Chance, SeededChance};
use crate::matching::levels::Comparison;
use crate::matching::{LinkageModel, ModelFile};

/// The share at the better of two levels, for true pairs and for others.
const TRUE_SHARES: [(Comparison, f64, f64); 5] = [
    (Comparison::GivenName, 0.8, 0.01),
    (Comparison::FamilyName, 0.7, 0.004),
    (Comparison::BirthDate, 0.9, 0.001),
    (Comparison::Postcode, 0.6, 0.003),
    (Comparison::Phone, 0.5, 0.002),
];

struct Dice(SeededChance);

impl Dice {
    fn roll(&self) -> f64 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    }
}

/// The worst level that is not `missing` and not a special case.
fn worst(comparison: Comparison) -> u64 {
    let levels = comparison.levels();
    let place = levels.iter().rposition(|level| level.ranked);
    place.expect("a ranked level") as u64
}

fn draw(dice: &Dice, matching: bool) -> Pattern {
    let mut bits = 0;
    for comparison in Comparison::ALL {
        let known = TRUE_SHARES.iter().find(|(name, _, _)| *name == comparison);
        let level = match known {
            // A tenth says nothing.
            Some(_) if dice.roll() < 0.1 => u64::from(comparison.missing()),
            Some((_, m, u)) if dice.roll() < if matching { *m } else { *u } => 0,
            Some(_) => worst(comparison),
            None => u64::from(comparison.missing()),
        };
        bits |= level << (4 * comparison as u32);
    }
    Pattern(bits)
}

fn drawn(true_pairs: usize, others: usize) -> Observed {
    let dice = Dice(SeededChance::new(7));
    let one = |matching: bool, count: usize| -> Vec<(Pattern, u64)> {
        (0..count).map(|_| (draw(&dice, matching), 1)).collect()
    };
    let (same, different) = (one(true, true_pairs), one(false, others));
    // Random pairs are of one person as often as all pairs are.
    let random_true = 300_000 * true_pairs / (true_pairs + others);
    let random = one(true, random_true)
        .into_iter()
        .chain(one(false, 300_000 - random_true));
    let random = PatternCounts::of(random);
    Observed {
        pairs: (true_pairs + others) as f64,
        met: PatternCounts::of(same.into_iter().chain(different)),
        met_share: 1.0,
        random,
        equal: [None; Comparison::COUNT],
    }
}

fn start() -> ModelFile {
    let mut file = LinkageModel::generic().file().clone();
    file.population = 10_000.0;
    // Nobody here has a household or a twin.
    file.caps.household_size_excess = 1e-6;
    file.caps.co_twin_rate = 1e-6;
    file
}

fn share(file: &ModelFile, comparison: Comparison, level: usize) -> (f64, f64) {
    let name = comparison.levels()[level].name;
    let levels = &file.comparison(comparison).expect("there").level;
    let found = levels
        .iter()
        .find(|level| level.name == name)
        .expect("there");
    (found.m.expect("m"), found.u.expect("u"))
}

#[test]
fn known_figures_are_recovered_from_patterns_without_labels() {
    let learnt = learn(&start(), &drawn(4_000, 400_000)).expect("a model");
    assert!(
        (learnt.true_pairs - 4_000.0).abs() < 200.0,
        "{} true pairs",
        learnt.true_pairs
    );
    for (comparison, m, u) in TRUE_SHARES {
        let (found_m, found_u) = share(&learnt.file, comparison, 0);
        assert!(
            (found_m - m).abs() < 0.03,
            "m of {} is {found_m}, not {m}",
            comparison.name()
        );
        assert!(
            (found_u / u).log2().abs() < 0.3,
            "u of {} is {found_u}, not {u}",
            comparison.name()
        );
    }
}

#[test]
fn what_the_data_cannot_teach_keeps_its_figures_and_is_named() {
    let learnt = learn(&start(), &drawn(4_000, 400_000)).expect("a model");
    assert!(learnt.kept.contains(&"email") && !learnt.kept.contains(&"phone"));
    let (before, after) = (start(), &learnt.file);
    assert_eq!(
        before.comparison(Comparison::Email),
        after.comparison(Comparison::Email)
    );
    assert!(after.notes.iter().any(|note| note.contains("email")));
}

#[test]
fn nothing_is_learnt_from_nothing() {
    let empty = Observed {
        met: PatternCounts::default(),
        met_share: 1.0,
        random: PatternCounts::default(),
        pairs: 1.0,
        equal: [None; Comparison::COUNT],
    };
    let learnt = learn(&start(), &empty).expect("a model");
    assert_eq!(learnt.file.comparison, start().comparison);
}
