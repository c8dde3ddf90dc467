//! How common names are: tables of the model, never live counters (DESIGN
//! §2.11). Frequencies are shares of all people, kept as log2. Given names are
//! pooled over their spellings (R39); a full name's joint frequency knows that
//! names of one community go together (R49).
//!
//! A table is tab-separated text; lines that begin with `#` are comments, and
//! so is a first line that names its columns.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::identity::{NameToken, VariantGrade, given_classes, given_variant};
use crate::matching::ModelProblem;

/// A name's share of all people, as log2, and the community it is typical of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frequency {
    /// log2 of the share; 0 for no value.
    pub(super) log2: f64,
    community: Option<u16>,
}

impl Frequency {
    /// Of no value.
    pub(super) const NONE: Self = Self {
        log2: 0.0,
        community: None,
    };

    /// Of two spellings together.
    pub(super) fn pooled_with(self, other: Self) -> Self {
        let commoner = self.commoner(other);
        Self {
            log2: (self.log2.exp2() + other.log2.exp2()).log2().min(0.0),
            ..commoner
        }
    }

    /// The commoner of two; symmetric.
    pub(super) fn commoner(self, other: Self) -> Self {
        if (other.log2, other.community) > (self.log2, self.community) {
            other
        } else {
            self
        }
    }

    /// The rarer of two; symmetric.
    pub(super) fn rarer(self, other: Self) -> Self {
        if (other.log2, other.community) < (self.log2, self.community) {
            other
        } else {
            self
        }
    }
}

/// The texts of a model's tables, where it has them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct TableTexts<'a> {
    pub(super) given_names: Option<&'a str>,
    pub(super) family_names: Option<&'a str>,
    pub(super) communities: Option<&'a str>,
}

/// What a model says of a name that its tables do not hold, and of all names
/// where it has no table.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrequencyDefaults {
    /// log2 share of a name in no table; also the least share of any name.
    pub(super) log2_floor: f64,
    /// log2 share of any given name where there is no table.
    pub(super) log2_given: f64,
    /// log2 share of any family name where there is no table.
    pub(super) log2_family: f64,
    /// log2 of one person's share: the least joint frequency (R49).
    pub(super) log2_one_person: f64,
}

/// The tables of a model.
#[derive(Debug, Clone)]
pub(super) struct NameFrequencies {
    given: Option<Table>,
    family: Option<Table>,
    /// Summed shares of the table's names by variant class.
    class_shares: HashMap<u32, f64, FastHash>,
    /// Table names of each variant class.
    class_names: HashMap<u32, Vec<(NameToken, f64)>, FastHash>,
    /// log2 share of each community.
    communities: Vec<f64>,
    defaults: FrequencyDefaults,
}

type Table = HashMap<Box<str>, Frequency, FastHash>;

impl NameFrequencies {
    /// Reads the tables; a problem names table and line.
    pub(super) fn read(
        texts: TableTexts<'_>,
        defaults: FrequencyDefaults,
    ) -> Result<Self, ModelProblem> {
        let mut community_names: Vec<String> = Vec::new();
        let mut communities = Vec::new();
        for row in rows("communities", texts.communities.unwrap_or_default()) {
            let (place, columns) = row;
            communities.push(share(&place, columns.get(1))?.log2());
            community_names.push(columns[0].to_owned());
        }
        let community =
            |name: Option<&&str>| index_of(&community_names, name.map_or("", |name| name.trim()));
        let mut tables = Self {
            given: None,
            family: None,
            class_shares: HashMap::default(),
            class_names: HashMap::default(),
            communities,
            defaults,
        };
        if let Some(text) = texts.family_names {
            let mut table = Table::default();
            for (place, columns) in rows("family_names", text) {
                let log2 = share(&place, columns.get(1))?
                    .log2()
                    .max(defaults.log2_floor);
                insert(
                    &mut table,
                    columns[0],
                    Frequency {
                        log2,
                        community: community(columns.get(2)),
                    },
                );
            }
            tables.family = Some(table);
        }
        if let Some(text) = texts.given_names {
            let mut names = Vec::new();
            for (place, columns) in rows("given_names", text) {
                let share = share(&place, columns.get(1))?;
                if let Some(token) = NameToken::fold(columns[0]) {
                    names.push((token, share, community(columns.get(3))));
                }
            }
            tables.given = Some(tables.pool(&names));
        }
        Ok(tables)
    }

    /// Given names with the shares of their spellings added.
    fn pool(&mut self, names: &[(NameToken, f64, Option<u16>)]) -> Table {
        for (token, share, _) in names {
            for class in given_classes(token) {
                *self.class_shares.entry(*class).or_default() += share;
                self.class_names
                    .entry(*class)
                    .or_default()
                    .push((token.clone(), *share));
            }
        }
        let mut table = Table::default();
        for (token, share, community) in names {
            let log2 = (share + self.spellings_share(token)).log2();
            let frequency = Frequency {
                log2: log2.clamp(self.defaults.log2_floor, 0.0),
                community: *community,
            };
            insert(&mut table, token.as_str(), frequency);
        }
        table
    }

    /// Summed shares of the other spellings of a name.
    fn spellings_share(&self, token: &NameToken) -> f64 {
        let mut counted: Vec<&NameToken> = Vec::new();
        let mut sum = 0.0;
        for class in given_classes(token) {
            for (other, share) in self.class_names.get(class).into_iter().flatten() {
                if given_variant(token, other) == Some(VariantGrade::Spelling)
                    && !counted.contains(&other)
                {
                    counted.push(other);
                    sum += share;
                }
            }
        }
        sum
    }

    /// A given name's share, its spellings included.
    pub(super) fn given(&self, token: &NameToken) -> Frequency {
        let Some(table) = &self.given else {
            return Frequency {
                log2: self.defaults.log2_given,
                community: None,
            };
        };
        if let Some(frequency) = table.get(token.as_str()) {
            return *frequency;
        }
        let floor = self.defaults.log2_floor;
        let share = if given_classes(token).is_empty() {
            0.0
        } else {
            self.spellings_share(token)
        };
        Frequency {
            log2: share.log2().clamp(floor, 0.0),
            community: None,
        }
    }

    /// The share of two variants' common class (R39), at least that of either.
    pub(super) fn given_pooled(&self, a: &NameToken, b: &NameToken) -> Frequency {
        let commoner = self.given(a).commoner(self.given(b));
        let others = given_classes(b);
        let shared = given_classes(a)
            .iter()
            .filter(|class| others.contains(class))
            .filter_map(|class| self.class_shares.get(class))
            .fold(0.0_f64, |most, share| most.max(*share));
        Frequency {
            log2: commoner.log2.max(shared.log2()).min(0.0),
            ..commoner
        }
    }

    /// A family name's share.
    pub(super) fn family(&self, token: &NameToken) -> Frequency {
        let Some(table) = &self.family else {
            return Frequency {
                log2: self.defaults.log2_family,
                community: None,
            };
        };
        let floor = Frequency {
            log2: self.defaults.log2_floor,
            community: None,
        };
        table.get(token.as_str()).copied().unwrap_or(floor)
    }

    /// log2 of the least share that any name has.
    pub(super) fn lowest(&self) -> f64 {
        let defaults = &self.defaults;
        defaults
            .log2_floor
            .min(defaults.log2_given)
            .min(defaults.log2_family)
    }

    /// log2 of the share of people with both names: their product, more within
    /// one community, never less than one person and never more than either.
    pub(super) fn joint(&self, given: Frequency, family: Frequency) -> f64 {
        let product = given.log2 + family.log2;
        let together = match (given.community, family.community) {
            (Some(a), Some(b)) if a == b => product - self.communities[usize::from(a)],
            _ => product,
        };
        together
            .max(self.defaults.log2_one_person)
            .min(given.log2)
            .min(family.log2)
    }
}

/// Rows of a table with the place of each: comments, blank lines and a line of
/// column names left out.
fn rows<'a>(table: &'static str, text: &'a str) -> impl Iterator<Item = (String, Vec<&'a str>)> {
    text.lines().enumerate().filter_map(move |(number, line)| {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let columns: Vec<&str> = line.split('\t').collect();
        let heading = matches!(columns.get(1), Some(&("frequency" | "share")));
        (!heading).then(|| (format!("{table} line {}", number + 1), columns))
    })
}

fn share(place: &str, text: Option<&&str>) -> Result<f64, ModelProblem> {
    text.and_then(|text| text.trim().parse::<f64>().ok())
        .filter(|share| *share > 0.0 && *share <= 1.0)
        .ok_or_else(|| ModelProblem {
            place: place.to_owned(),
            rule: "the second column is a share of all people, above 0 and at most 1".to_owned(),
        })
}

/// A name that occurs twice after folding keeps its larger share.
fn insert(table: &mut Table, name: &str, frequency: Frequency) {
    let Some(token) = NameToken::fold(name) else {
        return;
    };
    let entry = table.entry(token.as_str().into()).or_insert(frequency);
    *entry = entry.commoner(frequency);
}

fn index_of(names: &[String], name: &str) -> Option<u16> {
    names
        .iter()
        .position(|known| known == name)
        .and_then(|place| u16::try_from(place).ok())
}

type FastHash = BuildHasherDefault<WordHasher>;

/// FNV-1a over the bytes: the keys are short words of a fixed table, and
/// nothing iterates over it.
#[derive(Clone)]
pub(super) struct WordHasher(u64);

impl Default for WordHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::{FrequencyDefaults, NameFrequencies, TableTexts};
    use crate::identity::NameToken;

    const DEFAULTS: FrequencyDefaults = FrequencyDefaults {
        log2_floor: -18.0,
        log2_given: -8.0,
        log2_family: -10.0,
        log2_one_person: -20.5,
    };

    fn tables(given: &str, family: &str, communities: &str) -> NameFrequencies {
        let texts = TableTexts {
            given_names: Some(given),
            family_names: Some(family),
            communities: Some(communities),
        };
        NameFrequencies::read(texts, DEFAULTS).expect("valid tables")
    }

    fn token(word: &str) -> NameToken {
        NameToken::fold(word).expect("a word")
    }

    #[test]
    fn r39_spellings_of_a_name_share_its_frequency() {
        let tables = tables(
            "# c\nname\tfrequency\tsex\tcommunity\nMohammed\t0.015\t0\tsouth\nMuhammad\t0.005\t0\tsouth\n",
            "Khan\t0.004\tsouth\n",
            "south\t0.05\tx\n",
        );
        let pooled = tables.given(&token("Mohammed")).log2.exp2();
        assert!((pooled - 0.02).abs() < 1e-9, "pooled {pooled}");
        let unlisted = tables
            .given_pooled(&token("Mohammad"), &token("Muhammad"))
            .log2
            .exp2();
        assert!(
            unlisted > 0.0199,
            "a spelling in no table has its class's share, not {unlisted}"
        );
    }

    #[test]
    fn r49_a_full_name_of_one_community_is_commoner_than_the_product() {
        let tables = tables(
            "Imran\t0.001\t0\tsouth\nJohn\t0.02\t0\tbritish\n",
            "Khan\t0.004\tsouth\n",
            "south\t0.05\t\nbritish\t0.8\t\n",
        );
        let khan = tables.family(&token("Khan"));
        let imran = tables.given(&token("Imran"));
        let john = tables.given(&token("John"));
        assert!((tables.joint(imran, khan).exp2() - 0.001 * 0.004 / 0.05).abs() < 1e-12);
        assert!((tables.joint(john, khan).exp2() - 0.02 * 0.004).abs() < 1e-12);
        let rare = tables.family(&token("Xzyqw"));
        let floor = tables.joint(tables.given(&token("Qwertz")), rare);
        assert!((floor - -20.5).abs() < 1e-12, "never rarer than one person");
    }

    #[test]
    fn a_bad_share_is_refused_by_its_line() {
        let texts = TableTexts {
            given_names: Some("# c\nJohn\t2\t0\tx\n"),
            ..TableTexts::default()
        };
        let problem = NameFrequencies::read(texts, DEFAULTS).expect_err("refused");
        assert_eq!(problem.place, "given_names line 2");
    }
}
