//! The model as people read and write it: TOML with every comparison and
//! level named, checked when it is read. What the numbers mean for a pair is
//! in `model` and `score`.

use serde::{Deserialize, Serialize};

use crate::identity::Profile;
use crate::matching::levels::Comparison;

/// Why a model file is refused; names the place in the file and the rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {rule}")]
pub struct ModelProblem {
    /// Table, comparison and level, or the key.
    pub place: String,
    /// What holds there.
    pub rule: String,
}

impl ModelProblem {
    fn at(place: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            rule: rule.into(),
        }
    }
}

/// A model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// What it is called.
    pub name: String,
    /// Its version, set by whoever writes it.
    pub version: String,
    /// `uk_care` or `generic`.
    pub profile: String,
    /// What a reader should know, such as what training kept.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
    /// People from whom a record's person could come; gives the prior (R78).
    pub population: f64,
    /// The year from which ages are counted: there is no clock here (R44).
    pub reference_year: i16,
    /// At or above this many bits a human looks.
    pub review_threshold_bits: f64,
    /// At or above this many bits a candidate is worth showing.
    pub floor_bits: f64,
    /// Cost of a false link over cost of a miss; with a valid calibration the
    /// linking threshold is p ≥ C/(C+1) (R81).
    pub cost_ratio: f64,
    /// The linking threshold without a valid calibration (R82).
    pub link_uncalibrated_bits: f64,
    /// How far the next person must be behind (R83).
    pub margin_bits: f64,
    /// A link of whole files weighs the groups that two records belong to, and
    /// not the two alone.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub weighs_groups: bool,
    /// Caps on what households and twins share (R89, R90).
    pub caps: Caps,
    /// Tables of how common names are.
    pub frequencies: FrequencyFiles,
    /// What weights are worth, measured; absent in a fresh installation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub calibration: Option<Calibration>,
    /// The comparisons, each exactly once.
    pub comparison: Vec<ComparisonFile>,
}

/// How many others share such evidence (uk-identity 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Others in a mean household: mean size less one.
    pub household_size_excess: f64,
    /// Chance that a random other person is one's co-twin, times the population.
    pub co_twin_rate: f64,
}

/// Table files beside the model, by name; absent: one frequency for all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrequencyFiles {
    /// name ⇥ frequency ⇥ `sex_share_female` ⇥ community.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub given_names: Option<String>,
    /// name ⇥ frequency ⇥ community.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub family_names: Option<String>,
    /// community ⇥ share ⇥ note.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub communities: Option<String>,
    /// Postcodes that say nothing of a person: institutions, and the 1 % with
    /// most people (R65). One a line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub crowded_postcodes: Option<String>,
    /// Share of people of a name that no table holds; no name is rarer.
    pub floor: f64,
    /// No full name is rarer; one person of the population where absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub full_name_floor: Option<f64>,
}

impl FrequencyFiles {
    /// The tables that are named.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.given_names,
            &self.family_names,
            &self.communities,
            &self.crowded_postcodes,
        ];
        all.into_iter().flatten().map(String::as_str)
    }
}

/// A calibration of weights against pairs whose truth is known (R82).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Calibrated bits = slope × weight + intercept.
    pub slope: f64,
    /// See `slope`.
    pub intercept: f64,
    /// Pairs at or above the threshold that were read or number-hidden.
    pub pairs: u64,
    /// Upper 95 % bound of the false share among them.
    pub false_share_upper: f64,
}

/// A comparison's levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparisonFile {
    /// Its name.
    pub name: String,
    /// Its levels, each exactly once.
    pub level: Vec<LevelFile>,
}

/// A level's weight: log2(m/u), or a fixed weight where a rule dictates it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelFile {
    /// Its name.
    pub name: String,
    /// Share of pairs of one person at this level.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub m: Option<f64>,
    /// Share of pairs of two people at this level.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub u: Option<f64>,
    /// The weight itself, in place of m and u.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weight_bits: Option<f64>,
    /// How much of log2(u of the first level / frequency of the value) is
    /// added, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub frequency_weight: Option<f64>,
    /// The weight is never more than this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bits_max: Option<f64>,
}

impl LevelFile {
    /// The weight of a value of average frequency, before `bits_max`.
    pub(super) fn base_bits(&self) -> f64 {
        match (self.weight_bits, self.m, self.u) {
            (Some(bits), _, _) => bits,
            (None, Some(m), Some(u)) => (m / u).log2(),
            (None, _, _) => 0.0,
        }
    }
}

impl ModelFile {
    /// Parses and validates the text.
    ///
    /// # Errors
    /// Names the place and the rule that does not hold.
    pub fn parse(text: &str) -> Result<Self, ModelProblem> {
        let file: Self = toml::from_str(text)
            .map_err(|error| ModelProblem::at("model file", error.message().to_owned()))?;
        file.validate()?;
        Ok(file)
    }

    /// The file's text: what [`ModelFile::parse`] reads.
    ///
    /// # Errors
    /// When a number cannot be written.
    pub fn to_toml(&self) -> Result<String, ModelProblem> {
        toml::to_string(self).map_err(|error| ModelProblem::at("model file", error.to_string()))
    }

    /// The profile that the model is for.
    #[must_use]
    pub fn profile(&self) -> Option<Profile> {
        match self.profile.as_str() {
            "uk_care" => Some(Profile::UkCare),
            "generic" => Some(Profile::Generic),
            _ => None,
        }
    }

    /// The weights of a comparison.
    #[must_use]
    pub fn comparison(&self, comparison: Comparison) -> Option<&ComparisonFile> {
        self.comparison
            .iter()
            .find(|file| file.name == comparison.name())
    }

    /// The same, to be changed by training.
    pub fn comparison_mut(&mut self, comparison: Comparison) -> Option<&mut ComparisonFile> {
        self.comparison
            .iter_mut()
            .find(|file| file.name == comparison.name())
    }

    /// Checks everything that a model must keep.
    ///
    /// # Errors
    /// Names the place and the rule that does not hold.
    pub fn validate(&self) -> Result<(), ModelProblem> {
        if self.profile().is_none() {
            return Err(ModelProblem::at("profile", "is `uk_care` or `generic`"));
        }
        let positive = [
            ("population", self.population, 2.0),
            ("cost_ratio", self.cost_ratio, 1.0),
            (
                "caps.household_size_excess",
                self.caps.household_size_excess,
                1e-9,
            ),
            ("caps.co_twin_rate", self.caps.co_twin_rate, 1e-9),
        ];
        for (place, value, least) in positive {
            if !(value >= least && value.is_finite()) {
                return Err(ModelProblem::at(
                    place,
                    format!("is a number of at least {least}"),
                ));
            }
        }
        let full_name_floor = self.frequencies.full_name_floor;
        if !is_share(self.frequencies.floor) || !full_name_floor.is_none_or(is_share) {
            return Err(ModelProblem::at(
                "frequencies.floor and full_name_floor",
                "are above 0 and below 1",
            ));
        }
        let ordered = self.floor_bits <= self.review_threshold_bits
            && self.review_threshold_bits <= self.link_uncalibrated_bits
            && self.floor_bits.is_finite()
            && self.link_uncalibrated_bits.is_finite();
        if !ordered {
            return Err(ModelProblem::at(
                "thresholds",
                "floor_bits ≤ review_threshold_bits ≤ link_uncalibrated_bits",
            ));
        }
        if !(self.margin_bits >= 0.0 && self.margin_bits.is_finite()) {
            return Err(ModelProblem::at("margin_bits", "is not negative"));
        }
        self.validate_calibration()?;
        self.validate_comparisons()
    }

    fn validate_calibration(&self) -> Result<(), ModelProblem> {
        let Some(calibration) = &self.calibration else {
            return Ok(());
        };
        if !(calibration.slope > 0.0 && calibration.slope.is_finite()) {
            return Err(ModelProblem::at("calibration.slope", "is above 0"));
        }
        if !calibration.intercept.is_finite() {
            return Err(ModelProblem::at("calibration.intercept", "is a number"));
        }
        if !(0.0..=1.0).contains(&calibration.false_share_upper) {
            return Err(ModelProblem::at(
                "calibration.false_share_upper",
                "is from 0 to 1",
            ));
        }
        Ok(())
    }

    fn validate_comparisons(&self) -> Result<(), ModelProblem> {
        for file in &self.comparison {
            if !Comparison::ALL
                .iter()
                .any(|known| known.name() == file.name)
            {
                let place = format!("comparison {}", file.name);
                return Err(ModelProblem::at(
                    place,
                    "is not a comparison of this program",
                ));
            }
        }
        for comparison in Comparison::ALL {
            let place = format!("comparison {}", comparison.name());
            let mut named = self
                .comparison
                .iter()
                .filter(|file| file.name == comparison.name());
            let (Some(file), None) = (named.next(), named.next()) else {
                return Err(ModelProblem::at(place, "is named exactly once"));
            };
            validate_levels(comparison, file)?;
        }
        Ok(())
    }
}

fn validate_levels(comparison: Comparison, file: &ComparisonFile) -> Result<(), ModelProblem> {
    let place = |level: &str| format!("comparison {}, level {level}", comparison.name());
    for level in &file.level {
        if !comparison
            .levels()
            .iter()
            .any(|known| known.name == level.name)
        {
            return Err(ModelProblem::at(
                place(&level.name),
                "is not a level of this comparison",
            ));
        }
        validate_level(comparison, level, &place(&level.name))?;
    }
    let mut better: Option<(&str, f64)> = None;
    for known in comparison.levels() {
        let mut named = file.level.iter().filter(|level| level.name == known.name);
        let (level, again) = (named.next(), named.next());
        if level.is_none() && known.optional {
            continue;
        }
        let (Some(level), None) = (level, again) else {
            return Err(ModelProblem::at(place(known.name), "is named exactly once"));
        };
        if !known.ranked {
            continue;
        }
        let bits = level.base_bits();
        if let Some((name, best)) = better
            && bits > best + 1e-9
        {
            let rule = format!("weighs no more than the better level {name}");
            return Err(ModelProblem::at(place(known.name), rule));
        }
        better = Some((known.name, bits));
    }
    Ok(())
}

fn validate_level(
    comparison: Comparison,
    level: &LevelFile,
    place: &str,
) -> Result<(), ModelProblem> {
    match (level.m, level.u, level.weight_bits) {
        (Some(m), Some(u), None) => {
            if !is_share(m) || !is_share(u) {
                return Err(ModelProblem::at(place, "m and u are above 0 and below 1"));
            }
        }
        (None, None, Some(bits)) => {
            if !bits.is_finite() || bits.abs() > 100.0 {
                return Err(ModelProblem::at(place, "weight_bits is from -100 to 100"));
            }
        }
        _ => return Err(ModelProblem::at(place, "has m and u, or weight_bits")),
    }
    if level.name == "missing" && level.base_bits().abs() > 0.0 {
        return Err(ModelProblem::at(place, "missing weighs exactly 0 (R75)"));
    }
    let first = level.name == comparison.levels()[0].name;
    if first && comparison.by_frequency() && level.u.is_none() {
        return Err(ModelProblem::at(
            place,
            "has m and u: its u is the average frequency",
        ));
    }
    match level.frequency_weight {
        Some(_) if !comparison.by_frequency() => Err(ModelProblem::at(
            place,
            "frequency_weight is for names only",
        )),
        Some(weight) if !(0.0..=1.0).contains(&weight) => {
            Err(ModelProblem::at(place, "frequency_weight is from 0 to 1"))
        }
        _ => Ok(()),
    }
}

fn is_share(value: f64) -> bool {
    value > 0.0 && value < 1.0
}
