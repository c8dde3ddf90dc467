//! Settings of Splink become a model.
//!
//! A level of ours without a counterpart weighs as the next worse one that has: no level may
//! weigh more than a better one, and Splink itself would have put such a pair lower still. A
//! comparison that Splink's model lacks weighs nothing. Thresholds, caps and the margin are
//! those of the model that is started from: they are the rules' and not learnt.

use std::collections::BTreeMap;

use crate::matching::splink::conditions::{Condition, blocking_columns, read};
use crate::matching::splink::correspondences::{Counterpart, KEYS, counterpart};
use crate::matching::splink::settings::{Settings, SplinkComparison, SplinkLevel};
use crate::matching::splink::{Carried, Fate, SplinkProblem};
use crate::matching::{Comparison, ComparisonFile, LevelFile, ModelFile};

/// Below the product of any two names: Splink weighs each by itself.
const FULL_NAME_FLOOR: f64 = 1e-30;
/// Of a comparison that weighs nothing but needs a frequency.
const AVERAGE_UNKNOWN: f64 = 0.01;

/// How common values of a column are, as Splink counts them: value and share.
pub type TermFrequencies = BTreeMap<Comparison, Vec<(String, f64)>>;

/// A model from Splink's settings.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The model; it names its tables.
    pub file: ModelFile,
    /// Its tables, by name.
    pub tables: BTreeMap<String, String>,
    /// What has become of each thing.
    pub carried: Vec<Carried>,
}

/// Makes a model of the settings. `start` gives what is not learnt, `field` says which
/// comparison a column belongs to, `frequencies` are Splink's own tables, which its settings
/// do not hold.
///
/// # Errors
/// Not settings of Splink, or a model that breaks a rule.
pub fn import(
    text: &str,
    start: &ModelFile,
    field: &dyn Fn(&str) -> Option<Comparison>,
    frequencies: &TermFrequencies,
) -> Result<Imported, SplinkProblem> {
    let settings: Settings = serde_json::from_str(text)
        .map_err(|error| SplinkProblem::NotSettings(error.to_string()))?;
    let prior = settings.probability_two_random_records_match;
    if !(prior > 0.0 && prior < 1.0) {
        let why = "probability_two_random_records_match is a share".to_owned();
        return Err(SplinkProblem::NotSettings(why));
    }
    let mut work = Work {
        file: empty(start),
        carried: Vec::new(),
        taken: Vec::new(),
        field,
    };
    work.prior(prior);
    for comparison in &settings.comparisons {
        work.comparison(comparison);
    }
    work.absent();
    let tables = work.frequencies(&settings, frequencies);
    for rule in &settings.blocking_rules_to_generate_predictions {
        work.blocking(rule.text());
    }
    work.own_rules();
    work.file.validate()?;
    Ok(Imported {
        file: work.file,
        tables,
        carried: work.carried,
    })
}

/// The starting model with every level at nothing.
fn empty(start: &ModelFile) -> ModelFile {
    let mut file = start.clone();
    "imported from Splink".clone_into(&mut file.name);
    file.notes = Vec::new();
    file.calibration = None;
    file.weighs_groups = false;
    file.frequencies.given_names = None;
    file.frequencies.family_names = None;
    file.frequencies.communities = None;
    file.frequencies.crowded_postcodes = None;
    file.frequencies.full_name_floor = Some(FULL_NAME_FLOOR);
    file.comparison = Comparison::ALL.into_iter().map(nothing).collect();
    file
}

fn nothing(comparison: Comparison) -> ComparisonFile {
    let levels = comparison.levels().iter().enumerate();
    let level = levels
        .filter(|(_, known)| !known.optional)
        .map(|(place, known)| {
            let by_frequency = place == 0 && comparison.by_frequency();
            LevelFile {
                name: known.name.to_owned(),
                m: by_frequency.then_some(AVERAGE_UNKNOWN),
                u: by_frequency.then_some(AVERAGE_UNKNOWN),
                weight_bits: (!by_frequency).then_some(0.0),
                frequency_weight: None,
                bits_max: None,
            }
        });
    ComparisonFile {
        name: comparison.name().to_owned(),
        level: level.collect(),
    }
}

struct Work<'a> {
    file: ModelFile,
    carried: Vec<Carried>,
    /// Comparisons that a comparison of Splink has filled.
    taken: Vec<Comparison>,
    field: &'a dyn Fn(&str) -> Option<Comparison>,
}

/// m and u of a level of ours, and how much its frequency counts.
type Weights = BTreeMap<&'static str, (f64, f64, Option<f64>)>;

impl Work<'_> {
    fn tell(&mut self, comparison: Option<Comparison>, from: String, fate: Fate) {
        self.carried.push(Carried {
            comparison,
            from,
            to: Vec::new(),
            bits: None,
            fate,
        });
    }

    fn prior(&mut self, prior: f64) {
        // Odds, so that the prior is the same number of bits on both sides.
        self.file.population = ((1.0 - prior) / prior).max(2.0);
        self.carried.push(Carried {
            comparison: None,
            from: format!("probability_two_random_records_match {prior}"),
            to: vec![format!("population {:.0}", self.file.population)],
            bits: Some(-self.file.population.log2()),
            fate: Fate::Alike(
                "it is that of the files that Splink has seen: a service asks one record against \
                 its whole region, so set population to its people",
            ),
        });
    }

    fn comparison(&mut self, from: &SplinkComparison) {
        let conditions: Vec<Condition> = from
            .comparison_levels
            .iter()
            .map(|level| read(&level.sql_condition))
            .collect();
        let column = conditions.iter().find_map(Condition::column);
        let column = column.unwrap_or(&from.output_column_name).to_owned();
        let Some(comparison) = (self.field)(&column) else {
            let why = format!("no comparison of ours reads the column {column}; --map names one");
            return self.tell(None, from.output_column_name.clone(), Fate::Lost(why));
        };
        if self.taken.contains(&comparison) {
            let why = format!("{} is filled by an earlier comparison", comparison.name());
            let name = from.output_column_name.clone();
            return self.tell(Some(comparison), name, Fate::Lost(why));
        }
        self.taken.push(comparison);
        let mut weights = Weights::new();
        for (level, condition) in from.comparison_levels.iter().zip(&conditions) {
            let of_column = condition.column().is_none_or(|asked| asked == column);
            let found = if of_column {
                counterpart(comparison, condition)
            } else {
                Counterpart::None("it asks about another column than the comparison")
            };
            let told = Self::level(comparison, level, found, &mut weights, &column);
            self.carried.push(Carried {
                from: format!("{}: {}", from.output_column_name, level.name()),
                ..told
            });
        }
        self.fill(comparison, &weights);
    }

    /// Takes one level; what has become of it.
    fn level(
        comparison: Comparison,
        level: &SplinkLevel,
        found: Counterpart,
        weights: &mut Weights,
        column: &str,
    ) -> Carried {
        let bits = level.shares().map(|(m, u)| (m / u).log2());
        let told = |to: &[&str], bits, fate| Carried {
            comparison: Some(comparison),
            from: String::new(),
            to: to.iter().map(|&name| name.to_owned()).collect(),
            bits,
            fate,
        };
        let (names, fate) = match found {
            Counterpart::None(why) => {
                return told(&[], bits, Fate::Lost(why.to_owned()));
            }
            Counterpart::Same(["missing"]) => return told(&["missing"], Some(0.0), Fate::Carried),
            Counterpart::Same(names) => (names, Fate::Carried),
            Counterpart::Alike(names, why) => (names, Fate::Alike(why)),
        };
        let Some((m, u)) = level.shares() else {
            let why = "it has no m and u between 0 and 1: it was never learnt".to_owned();
            return told(&[], None, Fate::Lost(why));
        };
        if names.iter().any(|name| weights.contains_key(name)) {
            let why = format!("{} is filled by a better level", names.join(", "));
            return told(&[], bits, Fate::Lost(why));
        }
        // No level may weigh more than a better one.
        let better = weights.values().map(|(m, u, _)| (m / u).log2());
        let most = better.fold(f64::INFINITY, f64::min);
        let lowered = bits.is_some_and(|bits| bits > most);
        let m = if lowered { u * most.exp2() } else { m };
        let by_frequency =
            level.tf_adjustment_column.as_deref() == Some(column) && comparison.by_frequency();
        let frequency = by_frequency.then(|| level.tf_adjustment_weight.unwrap_or(1.0).min(1.0));
        for name in names {
            weights.insert(name, (m, u, frequency));
        }
        let fate = if lowered {
            Fate::Alike("lowered to the better level before it: no level weighs more than that")
        } else {
            fate
        };
        told(names, bits, fate)
    }

    /// Writes the weights; a ranked level without one weighs as the next worse.
    fn fill(&mut self, comparison: Comparison, weights: &Weights) {
        let mut level: Vec<LevelFile> = Vec::new();
        let mut worse: Option<(f64, f64)> = None;
        for (place, known) in comparison.levels().iter().enumerate().rev() {
            let own = weights.get(known.name).copied();
            if own.is_none() && known.optional {
                continue;
            }
            let given = own.or_else(|| {
                let (m, u) = worse.filter(|_| known.ranked)?;
                Some((m, u, None))
            });
            if let Some((m, u, _)) = given.filter(|_| known.ranked) {
                worse = Some((m, u));
            }
            let given = given.or_else(|| {
                let needs = place == 0 && comparison.by_frequency();
                needs.then_some((AVERAGE_UNKNOWN, AVERAGE_UNKNOWN, None))
            });
            level.push(LevelFile {
                name: known.name.to_owned(),
                m: given.map(|(m, _, _)| m),
                u: given.map(|(_, u, _)| u),
                weight_bits: given.is_none().then_some(0.0),
                frequency_weight: given.and_then(|(_, _, frequency)| frequency),
                bits_max: None,
            });
        }
        level.reverse();
        if let Some(file) = self.file.comparison_mut(comparison) {
            file.level = level;
        }
        let filled: Vec<&str> = comparison
            .levels()
            .iter()
            .filter(|known| known.ranked && !weights.contains_key(known.name))
            .map(|known| known.name)
            .collect();
        if !filled.is_empty() && !weights.is_empty() {
            let names = format!("{}: {}", comparison.name(), filled.join(", "));
            let fate =
                Fate::Alike("ours alone: weighs as the next worse level that was carried over");
            self.tell(Some(comparison), names, fate);
        }
    }

    /// Comparisons of which Splink's model says nothing.
    fn absent(&mut self) {
        for comparison in Comparison::ALL {
            if !self.taken.contains(&comparison) && comparison != Comparison::BirthOrder {
                let why = "ours alone: it weighs nothing in this model, though the decision table \
                           goes on asking it where a rule does";
                self.tell(
                    Some(comparison),
                    comparison.name().to_owned(),
                    Fate::Lost(why.to_owned()),
                );
            }
        }
    }

    /// Tables of names, and what is said of those that cannot be.
    fn frequencies(
        &mut self,
        settings: &Settings,
        given: &TermFrequencies,
    ) -> BTreeMap<String, String> {
        let mut tables = BTreeMap::new();
        let mut least = f64::INFINITY;
        for from in &settings.comparisons {
            let levels = from.comparison_levels.iter();
            let mut adjusted = levels.filter(|level| level.tf_adjustment_column.is_some());
            let Some(level) = adjusted.next() else {
                continue;
            };
            let column = level.tf_adjustment_column.clone().unwrap_or_default();
            let what = format!("term frequencies of {column}");
            let comparison = (self.field)(&column);
            let Some(comparison) = comparison.filter(|it| table_of(*it).is_some()) else {
                let why = "only names are weighed by how common they are here; a postcode, a \
                           contact and a town by what their level says";
                self.tell(comparison, what, Fate::Lost(why.to_owned()));
                continue;
            };
            let Some(shares) = given.get(&comparison) else {
                let why = "Splink's settings do not hold its tables; --tf COLUMN=FILE brings one";
                self.tell(Some(comparison), what, Fate::Lost(why.to_owned()));
                continue;
            };
            let floor = level.tf_minimum_u_value.unwrap_or(0.0);
            let shares = shares
                .iter()
                .map(|(value, share)| (value, share.max(floor)));
            let shares: Vec<(&String, f64)> = shares.collect();
            least = shares
                .iter()
                .fold(least, |least, (_, share)| least.min(*share));
            let name = table_of(comparison).unwrap_or_default().to_owned();
            tables.insert(name.clone(), table(&shares));
            let files = &mut self.file.frequencies;
            let fate = if comparison == Comparison::GivenName {
                files.given_names = Some(name);
                Fate::Alike("spellings of one given name share their frequency here (R39)")
            } else {
                files.family_names = Some(name);
                Fate::Carried
            };
            self.tell(Some(comparison), what, fate);
        }
        if least.is_finite() && least > 0.0 && least < 1.0 {
            self.file.frequencies.floor = least;
        }
        tables
    }

    fn blocking(&mut self, rule: &str) {
        let columns = blocking_columns(rule);
        let fields: Option<Vec<Comparison>> =
            columns.and_then(|columns| columns.iter().map(|it| (self.field)(it)).collect());
        let covered = fields.is_some_and(|fields| {
            KEYS.iter()
                .any(|key| key.iter().all(|part| fields.contains(part)))
        });
        let fate = if covered {
            Fate::Alike("our keys bring such pairs together, also where a value is misspelt")
        } else {
            let why = "keys stand in code here and are not part of a model; pairs that agree in \
                       this alone may not be compared";
            Fate::Lost(why.to_owned())
        };
        self.tell(None, format!("blocking rule {rule}"), fate);
    }

    /// What ours has beside Splink's sum.
    fn own_rules(&mut self) {
        let rows = "joint frequency of a full name (R49), household cap (R89), twin cap (R90)";
        let why = "ours alone: Splink adds all fields as if independent; these rows only take away, \
                   and each explanation shows them";
        self.tell(None, rows.to_owned(), Fate::Alike(why));
        let thresholds = "calibration";
        let why = "Splink's settings hold none: links need the weight of an uncalibrated model \
                   until labels have measured it (R82)";
        self.tell(None, thresholds.to_owned(), Fate::Lost(why.to_owned()));
    }
}

const fn table_of(comparison: Comparison) -> Option<&'static str> {
    match comparison {
        Comparison::GivenName => Some("given_names.tsv"),
        Comparison::FamilyName => Some("family_names.tsv"),
        _ => None,
    }
}

fn table(shares: &[(&String, f64)]) -> String {
    let mut text = String::from("name\tfrequency\n");
    for (value, share) in shares {
        let plain = !value.contains(['\t', '\n', '\r']) && !value.starts_with('#');
        if plain && *share > 0.0 && *share <= 1.0 {
            text.push_str(value);
            text.push('\t');
            text.push_str(&share.to_string());
            text.push('\n');
        }
    }
    text
}
