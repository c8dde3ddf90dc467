//! The population file: who lives in the made-up region, what happens to them
//! and how its sources write. Reading one either gives a population that can be
//! generated from, or says by name what is wrong with it.

use std::collections::BTreeMap;

use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::dice::Weighted;
use super::habits::{Habits, Rate};
use super::tables;

/// The files that come with the program; others may be based on them.
const BUILT_IN: [(&str, &str); 3] = [
    (
        "region",
        include_str!("../../../test-corpora/populations/region.toml"),
    ),
    (
        "city",
        include_str!("../../../test-corpora/populations/city.toml"),
    ),
    (
        "coast",
        include_str!("../../../test-corpora/populations/coast.toml"),
    ),
];

/// Why a population file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PopulationProblem {
    /// The text is no TOML, or a member is missing, unknown or out of range.
    #[error("the population file cannot be read: {0}")]
    Unreadable(String),
    /// A list or table has nothing to draw from.
    #[error("the population file has no {0} with a share above 0")]
    Nothing(&'static str),
    /// It is based on a population that does not come with the program.
    #[error("the population file is based on \"{0}\"; there are region, city and coast")]
    UnknownBase(String),
    /// A community for which no names are known.
    #[error("the population file names the community \"{0}\", for which there is no list of names")]
    UnknownCommunity(String),
    /// A source of a kind that has no habits.
    #[error("source \"{code}\" is of the kind \"{kind}\", which has no [kinds.{kind}]")]
    UnknownKind {
        /// The source's code.
        code: String,
        /// The kind it names.
        kind: String,
    },
    /// Two sources share a code.
    #[error("two sources have the code \"{0}\"")]
    SourceTwice(String),
    /// Shares within a habit that cannot all hold.
    #[error("{0}")]
    Impossible(String),
}

/// A validated population file.
#[derive(Debug, Clone)]
pub struct Population {
    pub(super) name: String,
    /// Julian day of the reference date.
    pub(super) today: i32,
    pub(super) towns: Vec<Town>,
    pub(super) communities: Weighted<Community>,
    pub(super) households: BTreeMap<String, Weighted<HouseholdKind>>,
    pub(super) children: Weighted<usize>,
    pub(super) life: Life,
    pub(super) kinds: Vec<SourceKind>,
    pub(super) sources: Vec<SourceEntry>,
}

/// A town and its share of the people.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Town {
    pub(super) name: String,
    pub(super) share: Rate,
    pub(super) postcode_districts: Vec<String>,
}

/// How a community forms and hands on names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Custom {
    Western,
    MuslimSouthAsian,
    Sikh,
    Tamil,
    Slavic,
    Lithuanian,
    Chinese,
    Arabic,
    Patronymic,
    Iberian,
}

/// A community of names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Community {
    #[serde(skip)]
    pub(super) code: String,
    pub(super) share: Rate,
    pub(super) custom: Custom,
    #[serde(default)]
    pub(super) english_forename: Option<Rate>,
    #[serde(default)]
    pub(super) composed_surnames: Option<Rate>,
    #[serde(default)]
    pub(super) first_january: Option<Rate>,
    #[serde(default)]
    three_generations: Option<Rate>,
}

/// Who lives together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HouseholdKind {
    Single,
    Couple,
    CoupleWithChildren,
    LoneParent,
    ThreeGenerations,
    ParentAndAdultChild,
    SharedHouse,
    CareHomeResident,
    HostelResident,
    StudentInHall,
    Prisoner,
    NoFixedAbode,
    Namesakes,
}

/// Rates of what happens in lives; the population file documents each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Life {
    pub(super) twins_per_birth: Rate,
    pub(super) identical_sounding_twins: Rate,
    pub(super) child_named_after_parent: Rate,
    pub(super) child_has_mothers_surname: Rate,
    pub(super) moves_per_year_child: Rate,
    pub(super) moves_per_year_young_adult: Rate,
    pub(super) moves_per_year_adult: Rate,
    pub(super) moves_per_year_old: Rate,
    pub(super) move_within_town: Rate,
    pub(super) married_couples: Rate,
    pub(super) wife_takes_name: Rate,
    pub(super) wife_double_barrels: Rate,
    pub(super) divorced_returns_to_maiden: Rate,
    pub(super) couple_of_one_sex: Rate,
    pub(super) lone_parent_is_mother: Rate,
    pub(super) separated_single: Rate,
    pub(super) death_rate_scale: f64,
    pub(super) deaths_kept_years: i32,
    pub(super) middle_name: Rate,
    pub(super) second_middle_name: Rate,
    pub(super) mobile_owners: Rate,
    pub(super) mobile_changes_per_year: Rate,
    pub(super) landline_homes: Rate,
    pub(super) email_owners: Rate,
    pub(super) number_superseded: Rate,
    pub(super) gender_changed: Rate,
    pub(super) new_number_with_gender: Rate,
    pub(super) adopted: Rate,
    pub(super) adopted_given_name_changed: Rate,
    pub(super) baby_names_unknown_days: i32,
}

/// A kind of source and its habits.
#[derive(Debug, Clone)]
pub(super) struct SourceKind {
    pub(super) habits: Habits,
    /// Indices into the sources, by share.
    pub(super) sources: Weighted<usize>,
}

/// A source as the file declares it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceEntry {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) ods_code: String,
    share: Rate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PopulationFile {
    name: String,
    reference_date: String,
    towns: Vec<Town>,
    communities: BTreeMap<String, Community>,
    households: Households,
    life: Life,
    habits: toml::Table,
    kinds: BTreeMap<String, toml::Table>,
    sources: Vec<SourceEntry>,
}

#[derive(Deserialize)]
struct Households {
    children: Vec<Rate>,
    #[serde(flatten)]
    kinds: BTreeMap<HouseholdKind, Rate>,
}

/// A source of the region, for registering it before its records come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionSource {
    /// Code as in the records' `source` column.
    pub code: String,
    /// Made-up name of the organisation.
    pub name: String,
    /// Kind, such as `gp` or `acute`.
    pub kind: String,
    /// A made-up code in the shape of an ODS code.
    pub ods_code: String,
}

impl Population {
    /// The built-in region.
    ///
    /// # Panics
    /// Never: the built-in file is tested.
    #[must_use]
    pub fn default_region() -> Self {
        Self::parse(BUILT_IN[0].1).expect("invariant: the built-in population file is valid")
    }

    /// The text of a population file that comes with the program: `region`,
    /// `city` or `coast`.
    #[must_use]
    pub fn built_in(name: &str) -> Option<&'static str> {
        let found = BUILT_IN.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| *text)
    }

    /// Reads and checks a population file (TOML).
    ///
    /// # Errors
    /// The first thing that is wrong with it, by name.
    pub fn parse(text: &str) -> Result<Self, PopulationProblem> {
        let table = with_base(text.parse().map_err(unreadable)?, BUILT_IN.len())?;
        let file: PopulationFile = serde_path_to_error::deserialize(table).map_err(unreadable)?;
        check_towns(&file.towns)?;
        check_life(&file.life)?;
        let children = file.households.children.iter().enumerate();
        let children = Weighted::new(children.map(|(at, rate)| (at + 1, f64::from(*rate))));
        let kinds = source_kinds(&file)?;
        Ok(Self {
            today: reference_day(&file.reference_date)?,
            children: children.ok_or(PopulationProblem::Nothing("households.children"))?,
            households: households(&file)?,
            communities: communities(file.communities)?,
            name: file.name,
            towns: file.towns,
            life: file.life,
            kinds,
            sources: file.sources,
        })
    }

    /// The region's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The sources whose records are generated, in the order of the file.
    #[must_use]
    pub fn sources(&self) -> Vec<RegionSource> {
        let view = |source: &SourceEntry| RegionSource {
            code: source.code.clone(),
            name: source.name.clone(),
            kind: source.kind.clone(),
            ods_code: source.ods_code.clone(),
        };
        self.sources.iter().map(view).collect()
    }
}

/// A file with what it does not say taken from the one it is based on; `depth`
/// ends a circle.
fn with_base(mut table: toml::Table, depth: usize) -> Result<toml::Table, PopulationProblem> {
    let Some(base) = table.remove("based_on") else {
        return Ok(table);
    };
    let name = base.as_str().unwrap_or_default();
    let text = Population::built_in(name).filter(|_| depth > 0);
    let text = text.ok_or_else(|| PopulationProblem::UnknownBase(name.to_owned()))?;
    let mut merged = with_base(text.parse().map_err(unreadable)?, depth - 1)?;
    lay_over(&mut merged, table);
    Ok(merged)
}

/// Tables member by member; all else replaces what was there.
fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (name, value) in above {
        match (below.get_mut(&name), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => {
                below.insert(name, value);
            }
        }
    }
}

fn unreadable(problem: impl std::fmt::Display) -> PopulationProblem {
    PopulationProblem::Unreadable(problem.to_string().trim().replace('\n', " "))
}

fn reference_day(text: &str) -> Result<i32, PopulationProblem> {
    let parsed = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let date = parsed.map_err(|_| unreadable(format!("reference_date: \"{text}\" is no date")))?;
    if !(1990..=2200).contains(&date.year()) {
        return Err(unreadable(
            "reference_date: the year must be between 1990 and 2200",
        ));
    }
    Ok(date.to_julian_day())
}

fn check_towns(towns: &[Town]) -> Result<(), PopulationProblem> {
    if !towns.iter().any(|town| f64::from(town.share) > 0.0) {
        return Err(PopulationProblem::Nothing("towns"));
    }
    match towns.iter().find(|town| town.postcode_districts.is_empty()) {
        Some(town) => Err(PopulationProblem::Impossible(format!(
            "the town \"{}\" has no postcode_districts",
            town.name
        ))),
        None => Ok(()),
    }
}

fn check_life(life: &Life) -> Result<(), PopulationProblem> {
    let impossible = |text: &str| Err(PopulationProblem::Impossible(text.to_owned()));
    if !(0.0..=100.0).contains(&life.death_rate_scale) {
        return impossible("life.death_rate_scale must be between 0 and 100");
    }
    if !(0..=100).contains(&life.deaths_kept_years) {
        return impossible("life.deaths_kept_years must be between 0 and 100");
    }
    if !(0..=365).contains(&life.baby_names_unknown_days) {
        return impossible("life.baby_names_unknown_days must be between 0 and 365");
    }
    if f64::from(life.wife_takes_name) + f64::from(life.wife_double_barrels) > 1.0 {
        return impossible(
            "life.wife_takes_name and life.wife_double_barrels are above 1 together",
        );
    }
    Ok(())
}

fn communities(
    declared: BTreeMap<String, Community>,
) -> Result<Weighted<Community>, PopulationProblem> {
    let mut pairs = Vec::new();
    for (code, mut community) in declared {
        if !tables::has_names(&code) {
            return Err(PopulationProblem::UnknownCommunity(code));
        }
        community.code = code;
        let share = f64::from(community.share);
        pairs.push((community, share));
    }
    Weighted::new(pairs).ok_or(PopulationProblem::Nothing("communities"))
}

/// Household kinds by community: some have more large families than others.
fn households(
    file: &PopulationFile,
) -> Result<BTreeMap<String, Weighted<HouseholdKind>>, PopulationProblem> {
    let mut by_community = BTreeMap::new();
    for (code, community) in &file.communities {
        let mut shares = file.households.kinds.clone();
        if let Some(share) = community.three_generations {
            shares.insert(HouseholdKind::ThreeGenerations, share);
        }
        let weighted = Weighted::new(shares.into_iter().map(|(kind, rate)| (kind, rate.into())));
        by_community.insert(
            code.clone(),
            weighted.ok_or(PopulationProblem::Nothing("households"))?,
        );
    }
    Ok(by_community)
}

fn source_kinds(file: &PopulationFile) -> Result<Vec<SourceKind>, PopulationProblem> {
    for (at, source) in file.sources.iter().enumerate() {
        if !file.kinds.contains_key(&source.kind) {
            let (code, kind) = (source.code.clone(), source.kind.clone());
            return Err(PopulationProblem::UnknownKind { code, kind });
        }
        if file.sources[..at]
            .iter()
            .any(|earlier| earlier.code == source.code)
        {
            return Err(PopulationProblem::SourceTwice(source.code.clone()));
        }
    }
    let mut kinds = Vec::new();
    for (code, own) in &file.kinds {
        let of_kind = file
            .sources
            .iter()
            .enumerate()
            .filter(|(_, source)| source.kind == *code);
        // A kind without sources is allowed: somebody took its sources out.
        if let Some(sources) = Weighted::new(of_kind.map(|(at, source)| (at, source.share.into())))
        {
            kinds.push(SourceKind {
                habits: habits(file, code, own)?,
                sources,
            });
        }
    }
    if kinds.is_empty() {
        return Err(PopulationProblem::Nothing("sources"));
    }
    Ok(kinds)
}

/// A kind's habits: the common ones with its own laid over them.
fn habits(
    file: &PopulationFile,
    kind: &str,
    own: &toml::Table,
) -> Result<Habits, PopulationProblem> {
    let mut merged = file.habits.clone();
    merged.extend(own.clone());
    let habits: Habits = serde_path_to_error::deserialize(merged)
        .map_err(|problem| unreadable(format!("kinds.{kind}: {problem}")))?;
    let impossible = |text: &str| {
        Err(PopulationProblem::Impossible(format!(
            "kinds.{kind}: {text}"
        )))
    };

    if habits
        .statuses()
        .map(|(_, rate)| f64::from(rate))
        .iter()
        .sum::<f64>()
        > 1.000_001
    {
        return impossible("the shares of the number statuses are above 1 together");
    }
    if !(0.0..=50.0).contains(&habits.record_age_years_mean) {
        return impossible("record_age_years_mean must be between 0 and 50");
    }
    if !habits.coverage.is_sorted_by_key(|step| step.from_age) {
        return impossible("the ages of coverage must rise");
    }
    if habits.name_length_max < 5 {
        return impossible("name_length_max must be at least 5");
    }
    Ok(habits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(from: &str, to: &str) -> String {
        assert!(
            BUILT_IN[0].1.contains(from),
            "the built-in file has no {from}"
        );
        let text = BUILT_IN[0].1.replacen(from, to, 1);
        Population::parse(&text)
            .expect_err("the file is wrong")
            .to_string()
    }

    #[test]
    fn the_built_in_region_has_seven_kinds_of_source() {
        let region = Population::default_region();
        assert_eq!(region.kinds.len(), 7);
        assert_eq!(region.sources().len(), 12);
        assert_eq!(region.name(), "Wenmoor");
    }

    #[test]
    fn a_share_above_one_is_named() {
        let said = problem(
            "twins_per_birth              = 0.016",
            "twins_per_birth = 1.6",
        );
        assert!(
            said.contains("life.twins_per_birth") && said.contains("1.6"),
            "{said}"
        );
        let said = problem("number_missing = 0.38", "number_missing = 38");
        assert!(
            said.contains("kinds.ambulance") && said.contains("number_missing"),
            "{said}"
        );
    }

    #[test]
    fn an_unknown_member_is_named() {
        let said = problem("twins_per_birth ", "twins_pr_birth ");
        assert!(said.contains("twins_pr_birth"), "{said}");
        let said = problem("case = \"upper\"", "caze = \"upper\"");
        assert!(said.contains("caze"), "{said}");
        let said = problem("case = \"upper\"", "case = \"loud\"");
        assert!(said.contains("loud"), "{said}");
    }

    #[test]
    fn unknown_communities_kinds_and_doubled_sources_are_named() {
        let said = problem("bangladeshi  = {", "atlantean = {");
        assert!(said.contains("atlantean"), "{said}");
        let said = problem("kind = \"hospice\"", "kind = \"dentist\"");
        assert!(
            said.contains("dentist") && said.contains("HSP-8A01"),
            "{said}"
        );
        let said = problem("prisoner               = 0.003", "sailor = 0.003");
        assert!(
            said.contains("households") && said.contains("sailor"),
            "{said}"
        );
        let said = problem("code = \"RXB\"", "code = \"RXA\"");
        assert!(said.contains("RXA"), "{said}");
    }

    #[test]
    fn a_file_may_say_only_what_differs_from_a_region_that_is_there() {
        let laid = "based_on = \"region\"\nname = \"Mine\"\n[life]\ntwins_per_birth = 1.0\n\
                    [communities]\nenglish = { share = 0.0 }\nwelsh = { custom = \"sikh\" }";
        let mine = Population::parse(laid).expect("the rest is the region's");
        let region = Population::default_region();
        assert_eq!((mine.name(), mine.sources()), ("Mine", region.sources()));
        assert!(f64::from(mine.life.twins_per_birth) > 0.99);
        let codes = |population: &Population| -> Vec<String> {
            let values = population.communities.values().iter();
            values.map(|community| community.code.clone()).collect()
        };
        assert_eq!(codes(&mine).len() + 1, codes(&region).len());
        let elsewhere = Population::parse("based_on = \"atlantis\"");
        assert_eq!(
            elsewhere.map(|found| found.name),
            Err(PopulationProblem::UnknownBase("atlantis".to_owned()))
        );
    }

    #[test]
    fn every_built_in_population_can_be_generated_from() {
        for (name, text) in BUILT_IN {
            let population =
                Population::parse(text).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
            let region = crate::evaluation::generator::generate(&population, 300, 1);
            assert!(region.records().count() >= 300, "{name}");
        }
    }

    /// A rate is published somewhere, or it is an estimate; its line says which.
    #[test]
    fn every_rate_says_where_it_comes_from() {
        for (name, text) in BUILT_IN {
            let (mut said, mut each) = (false, false);
            for line in text.lines() {
                match line.chars().next() {
                    // The sentences before a table speak of all its rows, but not in
                    // the long tables of the first file.
                    Some('#') => said = true,
                    None => said = false,
                    Some('[') => each = matches!(line, "[life]" | "[habits]" | "[households]"),
                    Some(_) => {
                        let told = said && !(each && name == "region");
                        assert!(told || line.contains('#'), "{name}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn impossible_sums_and_dates_are_refused() {
        let said = problem("status_verified = 0.985", "status_verified = 0.999");
        assert!(
            said.contains("kinds.gp") && said.contains("status"),
            "{said}"
        );
        let said = problem(
            "{ from_age = 80, share = 0.88 }",
            "{ from_age = 8, share = 0.88 }",
        );
        assert!(
            said.contains("kinds.community") && said.contains("coverage"),
            "{said}"
        );
        let said = problem("2026-03-31", "2026-02-31");
        assert!(said.contains("reference_date"), "{said}");
        assert!(Population::parse("not toml").is_err());
    }
}
