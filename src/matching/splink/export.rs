//! A model becomes settings of Splink (its DuckDB dialect), as far as SQL says what a level
//! asks.

use serde_json::json;

use crate::matching::splink::conditions::Condition;
use crate::matching::splink::correspondences::{column_of, condition_of};
use crate::matching::splink::settings::{BlockingRule, Settings, SplinkComparison, SplinkLevel};
use crate::matching::splink::{Carried, Fate};
use crate::matching::{Comparison, LevelFile, ModelFile};

/// m or u may not reach 1.
const SHARE_MAX: f64 = 1.0 - 1e-9;

/// Settings, and what has become of each thing.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The settings as JSON.
    pub text: String,
    /// What has become of each level.
    pub carried: Vec<Carried>,
}

/// Settings of Splink that weigh as the model does.
#[must_use]
pub fn export(model: &ModelFile) -> Exported {
    let mut carried = Vec::new();
    let mut comparisons = Vec::new();
    for comparison in Comparison::ALL {
        let written = comparison_of(model, comparison, &mut carried);
        comparisons.extend(written);
    }
    let columns: Vec<&str> = comparisons
        .iter()
        .map(|comparison| comparison.output_column_name.as_str())
        .collect();
    let settings = Settings {
        link_type: "dedupe_only".to_owned(),
        sql_dialect: "duckdb".to_owned(),
        probability_two_random_records_match: 1.0 / (model.population + 1.0),
        blocking_rules_to_generate_predictions: blocking(&columns),
        comparisons,
    };
    for (rows, why) in [
        (
            "joint frequency of a full name, household cap, twin cap",
            "Splink adds all fields as if independent",
        ),
        (
            "tables of names",
            "Splink counts names in the data that it links",
        ),
        (
            "thresholds, calibration, vetoes",
            "Splink gives weights; what follows from them is not its matter",
        ),
    ] {
        carried.push(Carried {
            comparison: None,
            from: rows.to_owned(),
            to: Vec::new(),
            bits: None,
            fate: Fate::Lost(why.to_owned()),
        });
    }
    let text = serde_json::to_string_pretty(&settings)
        .expect("invariant: settings of texts and finite numbers always become JSON");
    Exported { text, carried }
}

fn comparison_of(
    model: &ModelFile,
    comparison: Comparison,
    carried: &mut Vec<Carried>,
) -> Option<SplinkComparison> {
    let file = model.comparison(comparison)?;
    let weighs = file
        .level
        .iter()
        .any(|level| level.base_bits().abs() > 1e-12);
    if !weighs {
        return None;
    }
    let column = column_of(comparison);
    let mut levels = vec![SplinkLevel {
        sql_condition: sql(&Condition::Null, column),
        label_for_charts: format!("{column} is NULL"),
        is_null_level: true,
        ..SplinkLevel::default()
    }];
    let (mut last, mut written): (Option<SplinkLevel>, Vec<Condition>) = (None, Vec::new());
    for known in comparison.levels() {
        let Some(level) = file.level.iter().find(|level| level.name == known.name) else {
            continue;
        };
        if known.name == "missing" {
            continue;
        }
        let condition = condition_of(comparison, known.name, column);
        let condition = condition.filter(|condition| !written.contains(condition));
        let fate = match &condition {
            Some(_) => Fate::Carried,
            None => Fate::Lost(
                "no SQL of Splink says what it asks: such pairs fall to a later level".to_owned(),
            ),
        };
        let to = condition.iter().map(|condition| sql(condition, column));
        carried.push(Carried {
            comparison: Some(comparison),
            from: format!("{}: {}", comparison.name(), known.name),
            to: to.collect(),
            bits: Some(level.base_bits()),
            fate,
        });
        let Some(condition) = condition else { continue };
        let made = splink_level(comparison, level, &condition, column);
        if condition == Condition::Else {
            last = Some(made);
        } else {
            levels.push(made);
        }
        written.push(condition);
    }
    levels.push(last?);
    Some(SplinkComparison {
        output_column_name: column.to_owned(),
        comparison_levels: levels,
    })
}

fn splink_level(
    comparison: Comparison,
    level: &LevelFile,
    condition: &Condition,
    column: &str,
) -> SplinkLevel {
    // A fixed weight has no m and u of its own; any two with its ratio say the same.
    let bits = level.base_bits();
    let (m, u) = match (level.m, level.u, level.weight_bits) {
        (Some(m), Some(u), None) => (m, u),
        _ if bits > 0.0 => (0.5, 0.5 * (-bits).exp2()),
        _ => (0.5 * bits.exp2(), 0.5),
    };
    let weight = level
        .frequency_weight
        .filter(|weight| *weight > 0.0 && comparison.by_frequency());
    SplinkLevel {
        sql_condition: sql(condition, column),
        label_for_charts: format!("{}: {}", comparison.name(), level.name),
        is_null_level: false,
        m_probability: Some(json!(m.min(SHARE_MAX))),
        u_probability: Some(json!(u.min(SHARE_MAX))),
        tf_adjustment_column: weight.map(|_| column.to_owned()),
        tf_adjustment_weight: weight,
        tf_minimum_u_value: None,
    }
}

fn sql(condition: &Condition, column: &str) -> String {
    let (l, r) = (format!("\"{column}_l\""), format!("\"{column}_r\""));
    let part = |pattern: &str| {
        let taken = |side: &str| format!("NULLIF(regexp_extract({side}, '{pattern}', 0), '')");
        format!("{} = {}", taken(&l), taken(&r))
    };
    match condition {
        Condition::Null => format!("{l} IS NULL OR {r} IS NULL"),
        Condition::Equal(_) => format!("{l} = {r}"),
        Condition::JaroWinkler(_, least) => format!("jaro_winkler_similarity({l}, {r}) >= {least}"),
        Condition::Edits(_, most) => format!("damerau_levenshtein({l}, {r}) <= {most}"),
        Condition::PostcodeSector(_) => part("^[A-Za-z]{1,2}[0-9][A-Za-z0-9]? [0-9]"),
        Condition::PostcodeDistrict(_) => part("^[A-Za-z]{1,2}[0-9][A-Za-z0-9]?"),
        Condition::PostcodeArea(_) => part("^[A-Za-z]{1,2}"),
        Condition::MailUser(_) => part("^[^@]+"),
        Condition::DatesApart(_) | Condition::Else | Condition::Other => "ELSE".to_owned(),
    }
}

/// Pairs of columns that are rare together, of those that the model compares.
fn blocking(columns: &[&str]) -> Vec<BlockingRule> {
    const RULES: [&[&str]; 8] = [
        &["nhs_number"],
        &["phone"],
        &["email"],
        &["other_id"],
        &["date_of_birth", "given_name"],
        &["date_of_birth", "family_name"],
        &["date_of_birth", "postcode"],
        &["given_name", "family_name", "postcode"],
    ];
    let known = RULES
        .iter()
        .filter(|rule| rule.iter().all(|it| columns.contains(it)));
    let texts = known.map(|rule| {
        let parts: Vec<String> = rule
            .iter()
            .map(|it| format!("l.\"{it}\" = r.\"{it}\""))
            .collect();
        BlockingRule::Rule {
            blocking_rule: parts.join(" AND "),
        }
    });
    texts.collect()
}
