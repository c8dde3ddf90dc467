//! A validated model, ready to weigh: immutable, content-addressed, cheap to
//! clone. Its weights come from the file alone; nothing is learnt here.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use crate::identity::{Postcode, Profile};
use crate::matching::frequency::{FrequencyDefaults, NameFrequencies, TableTexts};
use crate::matching::levels::{Comparison, Level, Outcome};
use crate::matching::{MatchProbability, MatchWeight, ModelFile, ModelId, ModelProblem};

/// The most levels that a comparison has.
const LEVELS_MAX: usize = 16;

/// What a level weighs.
#[derive(Debug, Clone, Copy)]
struct LevelWeight {
    /// The file names it.
    named: bool,
    bits: f64,
    frequency_weight: f64,
    bits_max: f64,
}

impl LevelWeight {
    const NOTHING: Self = Self {
        named: false,
        bits: 0.0,
        frequency_weight: 0.0,
        bits_max: f64::INFINITY,
    };
}

/// A validated model.
#[derive(Debug, Clone)]
pub struct LinkageModel(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    file: ModelFile,
    text: String,
    profile: Profile,
    id: ModelId,
    weights: [[LevelWeight; LEVELS_MAX]; Comparison::COUNT],
    /// log2 of the average frequency: u of each comparison's first level.
    log2_average: [f64; Comparison::COUNT],
    frequencies: NameFrequencies,
    crowded_postcodes: BTreeSet<String>,
    prior_bits: f64,
    household_cap_bits: f64,
    twin_cap_bits: f64,
}

static UK_CARE: LazyLock<LinkageModel> = LazyLock::new(|| {
    LinkageModel::parse(
        include_str!("../../models/uk_care.toml"),
        &LinkageModel::embedded_table,
    )
    .expect("invariant: the embedded model uk_care is valid, as a test shows")
});

static GENERIC: LazyLock<LinkageModel> = LazyLock::new(|| {
    LinkageModel::parse(
        include_str!("../../models/generic.toml"),
        &LinkageModel::embedded_table,
    )
    .expect("invariant: the embedded model generic is valid, as a test shows")
});

impl LinkageModel {
    /// The embedded default `uk_care` (models/uk_care.toml and its tables).
    #[must_use]
    pub fn uk_care() -> Self {
        UK_CARE.clone()
    }

    /// The embedded model that assumes nothing of England.
    #[must_use]
    pub fn generic() -> Self {
        GENERIC.clone()
    }

    /// The text of an embedded table file, so that a trained model can go on
    /// naming it.
    #[must_use]
    pub fn embedded_table(name: &str) -> Option<String> {
        let text = match name {
            "uk_care.given_names.tsv" => include_str!("../../models/uk_care.given_names.tsv"),
            "uk_care.family_names.tsv" => include_str!("../../models/uk_care.family_names.tsv"),
            "uk_care.communities.tsv" => include_str!("../../models/uk_care.communities.tsv"),
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// Parses and validates. `table` gives the text of a table file named in
    /// the model.
    ///
    /// # Errors
    /// Names the place in the file or table and the rule.
    pub fn parse(text: &str, table: &dyn Fn(&str) -> Option<String>) -> Result<Self, ModelProblem> {
        Self::build(ModelFile::parse(text)?, text.to_owned(), table)
    }

    /// A model from a file in memory, as training makes it; its text is what
    /// [`ModelFile::to_toml`] gives.
    ///
    /// # Errors
    /// As [`LinkageModel::parse`].
    pub fn from_file(
        file: ModelFile,
        table: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ModelProblem> {
        file.validate()?;
        let text = file.to_toml()?;
        Self::build(file, text, table)
    }

    fn build(
        file: ModelFile,
        text: String,
        table: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ModelProblem> {
        let read = |name: &Option<String>| -> Result<Option<String>, ModelProblem> {
            let Some(name) = name else { return Ok(None) };
            table(name).map(Some).ok_or_else(|| ModelProblem {
                place: format!("frequencies: {name}"),
                rule: "names a table that is at hand".to_owned(),
            })
        };
        let given_names = read(&file.frequencies.given_names)?;
        let family_names = read(&file.frequencies.family_names)?;
        let communities = read(&file.frequencies.communities)?;
        let crowded = read(&file.frequencies.crowded_postcodes)?;
        let tables = [&given_names, &family_names, &communities, &crowded];
        let id = ModelId::of(&text, tables.into_iter().flatten().map(String::as_str));
        let (weights, log2_average) = weights_of(&file);
        let prior_bits = -file.population.log2();
        let defaults = FrequencyDefaults {
            log2_floor: file.frequencies.floor.log2(),
            log2_given: log2_average[Comparison::GivenName as usize],
            log2_family: log2_average[Comparison::FamilyName as usize],
            log2_one_person: file
                .frequencies
                .full_name_floor
                .map_or(prior_bits, f64::log2),
        };
        let texts = TableTexts {
            given_names: given_names.as_deref(),
            family_names: family_names.as_deref(),
            communities: communities.as_deref(),
        };
        let frequencies = NameFrequencies::read(texts, defaults)?;
        let profile = file.profile().ok_or_else(|| ModelProblem {
            place: "profile".to_owned(),
            rule: "is `uk_care` or `generic`".to_owned(),
        })?;
        Ok(Self(Arc::new(Parts {
            profile,
            id,
            weights,
            log2_average,
            frequencies,
            crowded_postcodes: crowded
                .iter()
                .flat_map(|text| text.lines())
                .filter_map(Postcode::parse)
                .map(|code| code.text())
                .collect(),
            prior_bits,
            household_cap_bits: (file.population / file.caps.household_size_excess).log2(),
            twin_cap_bits: (file.population / file.caps.co_twin_rate).log2(),
            file,
            text,
        })))
    }

    /// What the model is called by its content.
    #[must_use]
    pub fn id(&self) -> &ModelId {
        &self.0.id
    }

    /// The file that it was made from.
    #[must_use]
    pub fn file(&self) -> &ModelFile {
        &self.0.file
    }

    /// The text that the id is of.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The profile that records are to be standardised by.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.0.profile
    }

    /// Whether the model carries a valid calibration: the upper 95 % bound of
    /// the false share at the threshold is no more than nominal (R82).
    #[must_use]
    pub fn calibrated(&self) -> bool {
        let nominal = 1.0 / (self.0.file.cost_ratio + 1.0);
        self.0
            .file
            .calibration
            .is_some_and(|found| found.false_share_upper <= nominal)
    }

    /// The probability that a weight stands for, calibrated when the model is.
    #[must_use]
    pub fn probability(&self, weight: MatchWeight) -> MatchProbability {
        match (&self.0.file.calibration, self.calibrated()) {
            (Some(found), true) => {
                MatchWeight::new(found.slope * weight.bits() + found.intercept).probability()
            }
            (_, _) => weight.probability(),
        }
    }

    /// The least weight that may link without a human (R81, R82).
    #[must_use]
    pub fn link_threshold(&self) -> MatchWeight {
        match (&self.0.file.calibration, self.calibrated()) {
            (Some(found), true) => {
                MatchWeight::new((self.0.file.cost_ratio.log2() - found.intercept) / found.slope)
            }
            (_, _) => MatchWeight::new(self.0.file.link_uncalibrated_bits),
        }
    }

    /// The least weight that a human looks at.
    #[must_use]
    pub fn review_threshold(&self) -> MatchWeight {
        MatchWeight::new(self.0.file.review_threshold_bits)
    }

    /// log2 of one in the population (R78); near enough the log-odds.
    #[must_use]
    pub fn prior_bits(&self) -> f64 {
        self.0.prior_bits
    }

    /// What a household shares counts for no more bits (R89).
    #[must_use]
    pub fn household_cap_bits(&self) -> f64 {
        self.0.household_cap_bits
    }

    /// What twins share counts for no more bits (R90).
    #[must_use]
    pub fn twin_cap_bits(&self) -> f64 {
        self.0.twin_cap_bits
    }

    pub(super) fn frequencies(&self) -> &NameFrequencies {
        &self.0.frequencies
    }

    /// log2 of the share of people whom chance makes agree fully.
    pub(super) fn log2_average(&self, comparison: Comparison) -> f64 {
        self.0.log2_average[comparison as usize]
    }

    pub(super) fn has_crowded_postcodes(&self) -> bool {
        !self.0.crowded_postcodes.is_empty()
    }

    pub(super) fn is_crowded(&self, postcode: &str) -> bool {
        self.0.crowded_postcodes.contains(postcode)
    }

    /// Whether the model weighs an optional level.
    pub(super) fn names_level(&self, comparison: Comparison, level: impl Level) -> bool {
        self.0.weights[comparison as usize][usize::from(level.index())].named
    }

    /// A level with its weight, where frequency plays no part.
    #[must_use]
    pub fn outcome(&self, comparison: Comparison, level: impl Level) -> Outcome {
        let weight = &self.0.weights[comparison as usize][usize::from(level.index())];
        Outcome::of(level, weight.bits.min(weight.bits_max))
    }

    /// A level with its weight for a value of this frequency (log2).
    pub(super) fn named_outcome(
        &self,
        comparison: Comparison,
        level: impl Level,
        log2_frequency: f64,
    ) -> Outcome {
        Outcome {
            log2_frequency,
            ..Outcome::of(
                level,
                self.named_weight(comparison, level.index(), log2_frequency),
            )
        }
    }

    /// log2(m/u), plus its share of log2(average frequency / frequency), and
    /// never more than the first level earns by the same frequency: otherwise
    /// a rare near miss could outweigh equality (R77).
    pub(super) fn named_weight(
        &self,
        comparison: Comparison,
        level: u8,
        log2_frequency: f64,
    ) -> f64 {
        let place = comparison as usize;
        let adjusted = |weight: &LevelWeight| {
            let rarity = self.0.log2_average[place] - log2_frequency;
            (weight.bits + weight.frequency_weight * rarity).min(weight.bits_max)
        };
        let weights = &self.0.weights[place];
        let weight = &weights[usize::from(level)];
        if weight.frequency_weight <= 0.0 {
            return weight.bits.min(weight.bits_max);
        }
        adjusted(weight).min(adjusted(&weights[0]))
    }
}

type Weights = [[LevelWeight; LEVELS_MAX]; Comparison::COUNT];

fn weights_of(file: &ModelFile) -> (Weights, [f64; Comparison::COUNT]) {
    let mut weights = [[LevelWeight::NOTHING; LEVELS_MAX]; Comparison::COUNT];
    let mut log2_average = [0.0; Comparison::COUNT];
    for comparison in Comparison::ALL {
        let Some(levels) = file.comparison(comparison) else {
            continue;
        };
        for (place, known) in comparison.levels().iter().enumerate() {
            let Some(level) = levels.level.iter().find(|level| level.name == known.name) else {
                continue;
            };
            weights[comparison as usize][place] = LevelWeight {
                named: true,
                bits: level.base_bits(),
                frequency_weight: level.frequency_weight.unwrap_or(0.0),
                bits_max: level.bits_max.unwrap_or(f64::INFINITY),
            };
            if place == 0 {
                log2_average[comparison as usize] = level.u.unwrap_or(1.0).log2();
            }
        }
    }
    (weights, log2_average)
}

#[cfg(test)]
mod tests {
    use super::LinkageModel;
    use crate::matching::levels::Comparison;
    use crate::matching::{Calibration, MatchWeight};

    #[test]
    fn the_embedded_models_are_valid_and_survive_their_text() {
        for model in [LinkageModel::uk_care(), LinkageModel::generic()] {
            let text = model.file().to_toml().expect("writable");
            let again =
                LinkageModel::parse(&text, &LinkageModel::embedded_table).expect("readable");
            assert_eq!(again.file(), model.file());
            assert_eq!(model.id().as_str().len(), 16);
        }
        assert_ne!(LinkageModel::uk_care().id(), LinkageModel::generic().id());
    }

    #[test]
    fn a_model_that_breaks_a_rule_is_refused_by_its_place() {
        let good = LinkageModel::uk_care().file().clone();
        let mut file = good.clone();
        file.comparison_mut(Comparison::BirthDate)
            .expect("there")
            .level[8]
            .weight_bits = Some(1.0);
        assert!(
            file.validate()
                .expect_err("missing weighs")
                .place
                .contains("birth_date, level missing")
        );
        let mut file = good.clone();
        file.comparison_mut(Comparison::Postcode)
            .expect("there")
            .level[0]
            .m = Some(1.5);
        assert!(
            file.validate()
                .expect_err("m above 1")
                .place
                .contains("postcode")
        );
        let mut file = good.clone();
        let level = &mut file.comparison_mut(Comparison::Phone).expect("there").level[1];
        (level.m, level.u) = (Some(0.9), Some(1e-9));
        assert!(
            file.validate()
                .expect_err("near above same")
                .rule
                .contains("better level")
        );
        let mut file = good.clone();
        file.comparison
            .retain(|comparison| comparison.name != "sex");
        assert!(
            file.validate()
                .expect_err("sex is gone")
                .place
                .contains("sex")
        );
        let mut file = good;
        file.profile = "martian".to_owned();
        assert_eq!(file.validate().expect_err("no profile").place, "profile");
        assert!(LinkageModel::parse("name = 3", &|_| None).is_err());
    }

    #[test]
    fn r78_ten_times_the_population_takes_3_32_bits() {
        let with = |population: f64| {
            let mut file = LinkageModel::uk_care().file().clone();
            file.population = population;
            LinkageModel::from_file(file, &LinkageModel::embedded_table)
                .expect("valid")
                .prior_bits()
        };
        assert!((with(300_000.0) - with(3_000_000.0) - 10.0_f64.log2()).abs() < 1e-3);
        assert!((LinkageModel::uk_care().prior_bits() + 20.52).abs() < 0.01);
    }

    fn with_calibration(cost_ratio: f64, false_share_upper: f64) -> LinkageModel {
        let mut file = LinkageModel::uk_care().file().clone();
        file.cost_ratio = cost_ratio;
        file.calibration = Some(Calibration {
            slope: 1.0,
            intercept: 0.0,
            pairs: 3_000,
            false_share_upper,
        });
        LinkageModel::from_file(file, &LinkageModel::embedded_table).expect("valid")
    }

    #[test]
    fn r81_the_threshold_follows_the_cost_ratio() {
        let at = |ratio: f64| {
            let model = with_calibration(ratio, 1e-4);
            model.probability(model.link_threshold()).value()
        };
        assert!((at(20.0) - 20.0 / 21.0).abs() < 1e-9);
        assert!((at(1_000.0) - 1_000.0 / 1_001.0).abs() < 1e-9);
    }

    #[test]
    fn r82_without_a_valid_calibration_only_20_bits_link() {
        let fresh = LinkageModel::uk_care();
        assert!(!fresh.calibrated());
        assert_eq!(fresh.link_threshold(), MatchWeight::new(20.0));
        // 300 clean pairs bound the false share at 1 %, 3,000 at 0.1 %.
        assert!(!with_calibration(1_000.0, 3.0 / 300.0).calibrated());
        assert!(with_calibration(1_000.0, 2.99 / 3_000.0).calibrated());
    }
}
