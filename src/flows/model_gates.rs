//! What must be known of a model before it may decide (R86): the test with hidden
//! numbers (R123), the negative control (R124) and the errors by group (R126), as
//! `accord evaluate` prints them of that very model.

use serde_json::{Value, json};

use crate::matching::ModelId;

/// Of the pairs that a model joins in the test with hidden numbers so many must be
/// right. A number is itself wrong or shared in some records, so that the best model
/// falls short of all; at less, a false link costs more than it may (R81).
const PRECISION_MIN: f64 = 0.99;

/// Divisions of people. Who lacks a field is missed more often whatever the model.
const OF_PEOPLE: [&str; 5] = ["sex", "age_band", "name_origin", "abode", "source"];
/// What nobody said is no group of people.
const NOBODY: [&str; 2] = ["not_said", "no_name"];

/// What was measured of a model, to be kept with its activation.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedGates(Value);

impl PassedGates {
    /// As it is stored.
    #[must_use]
    pub const fn figures(&self) -> &Value {
        &self.0
    }
}

/// Asks of figures whether a model may be activated. `ratio_max` is how many times as
/// often as everybody a group may be missed.
///
/// # Errors
/// Everything that is missing or speaks against it, a sentence each.
pub fn pass_gates(
    model: &ModelId,
    figures: &[Value],
    ratio_max: f64,
) -> Result<PassedGates, Vec<String>> {
    let mut lacking = Vec::new();
    let (ours, others): (Vec<&Value>, Vec<&Value>) = figures
        .iter()
        .partition(|figures| figures["linked_by"] == model.as_str());
    for other in others {
        lacking.push(match other["linked_by"].as_str() {
            Some(named) => format!("figures are of the model {named}, not of {model}"),
            None => "figures name no model: run accord evaluate with --model".to_owned(),
        });
    }
    if ours.iter().any(|figures| figures["policy"] != "care") {
        lacking.push("figures are of another policy than a ledger's, which is care".to_owned());
    }
    let find = |name: &str| ours.iter().find(|figures| figures[name].is_object());
    let hidden = find("hidden_numbers").map(|figures| &figures["hidden_numbers"]);
    let control = find("negative_control").map(|figures| &figures["negative_control"]);
    let groups = find("errors_by_group").map(|figures| &figures["errors_by_group"]);
    let passed = [
        hidden_numbers(hidden),
        negative_control(control),
        errors_by_group(groups, ratio_max),
    ];
    lacking.extend(passed.into_iter().flatten());
    if !lacking.is_empty() {
        return Err(lacking);
    }
    let gaps = ours
        .iter()
        .find(|figures| figures["largest_group_gaps"].is_array());
    Ok(PassedGates(json!({
        "hidden_numbers": hidden,
        "negative_control": control,
        "largest_group_gaps": gaps.map(|figures| &figures["largest_group_gaps"]),
        "group_ratio_max": ratio_max,
    })))
}

/// Why the test with hidden numbers does not do.
fn hidden_numbers(figures: Option<&Value>) -> Vec<String> {
    let Some(figures) = figures else {
        return vec![
            "R123: no test with hidden numbers (accord evaluate --hidden-numbers FILE --model MODEL)"
                .to_owned(),
        ];
    };
    let mut lacking = Vec::new();
    for of in ["pair", "cluster"] {
        for name in ["p", "r", "r_of_retrieval"] {
            if figures[of][name].as_f64().is_none() {
                lacking.push(format!("R123: the figure {name} of {of} is missing"));
            }
        }
    }
    if let Some(precision) = figures["pair"]["p"].as_f64()
        && precision < PRECISION_MIN
    {
        lacking.push(format!(
            "R123: of the pairs that it joins {:.2} % are right, which is less than {} %",
            precision * 100.0,
            PRECISION_MIN * 100.0
        ));
    }
    lacking
}

/// Why the negative control does not do.
fn negative_control(figures: Option<&Value>) -> Vec<String> {
    let Some(figures) = figures else {
        return vec![
            "R124: no negative control (accord evaluate --negative-control ABSENT --records FILE \
             --model MODEL)"
                .to_owned(),
        ];
    };
    if figures["within_ceiling"] == true {
        return Vec::new();
    }
    vec![format!(
        "R124: {} of {} absent records were linked, more than the share of {} that may be",
        figures["linked"], figures["absent_records"], figures["ceiling"]
    )]
}

/// Why the errors by group do not do.
fn errors_by_group(figures: Option<&Value>, ratio_max: f64) -> Vec<String> {
    let groups = figures.and_then(|figures| figures["groups"].as_array());
    let everybody = figures.and_then(|figures| figures["missed"]["share"].as_f64());
    let (Some(groups), Some(everybody)) = (groups, everybody) else {
        return vec![
            "R126: no errors by group (accord evaluate --hidden-numbers prints them)".to_owned(),
        ];
    };
    let mut lacking = Vec::new();
    for group in groups {
        let name = |of: &str| group[of].as_str().unwrap_or_default();
        if !OF_PEOPLE.contains(&name("dimension")) || NOBODY.contains(&name("group")) {
            continue;
        }
        // What is not said is not known to be good.
        let at_least = group["missed"]["lower"].as_f64().unwrap_or(1.0);
        if at_least > ratio_max * everybody {
            lacking.push(format!(
                "R126: {} {}: at least {:.2} % are missed, more than {ratio_max} times as many as \
                 the {:.2} % of everybody",
                name("dimension"),
                name("group"),
                at_least * 100.0,
                everybody * 100.0
            ));
        }
    }
    lacking
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::pass_gates;
    use crate::matching::LinkageModel;

    fn figures() -> Vec<Value> {
        let model = LinkageModel::uk_care().id().to_string();
        let three = json!({ "p": 0.999, "r": 0.9, "r_of_retrieval": 0.99 });
        vec![
            json!({
                "linked_by": model,
                "policy": "care",
                "hidden_numbers": { "pair": three, "cluster": three },
                "errors_by_group": { "missed": { "share": 0.02 }, "groups": [
                    { "dimension": "sex", "group": "male", "missed": { "lower": 0.01 } },
                    { "dimension": "missing", "group": "phone", "missed": { "lower": 0.2 } },
                ] },
                "largest_group_gaps": [],
            }),
            json!({
                "linked_by": model,
                "policy": "care",
                "negative_control": { "within_ceiling": true, "linked": 0, "absent_records": 9, "ceiling": 0.001 },
            }),
        ]
    }

    fn refused(figures: &[Value]) -> String {
        let refused = pass_gates(LinkageModel::uk_care().id(), figures, 2.0);
        refused.expect_err("refused").join("\n")
    }

    #[test]
    fn r86_only_all_gates_of_that_very_model_let_it_pass() {
        let all = figures();
        let passed = pass_gates(LinkageModel::uk_care().id(), &all, 2.0).expect("passed");
        assert_eq!(passed.figures()["hidden_numbers"]["pair"]["p"], 0.999);
        let none = refused(&[]);
        for rule in ["R123", "R124", "R126"] {
            assert!(none.contains(rule), "{none}");
        }
        let other = pass_gates(LinkageModel::generic().id(), &all, 2.0).expect_err("another model");
        assert!(other[0].contains("are of the model"), "{other:?}");
        let mut bare = figures();
        bare[1]["policy"] = json!("model");
        assert!(refused(&bare).contains("another policy"));
        let mut unnamed = figures();
        unnamed[0]["linked_by"] = Value::Null;
        assert!(refused(&unnamed).contains("name no model"));
    }

    #[test]
    fn r123_a_missing_figure_or_one_pair_in_fifty_that_is_false_is_refused() {
        let mut all = figures();
        all[0]["hidden_numbers"]["cluster"]["r_of_retrieval"] = Value::Null;
        assert!(refused(&all).contains("r_of_retrieval of cluster"));
        let mut all = figures();
        all[0]["hidden_numbers"]["pair"]["p"] = json!(0.98);
        assert!(refused(&all).contains("98.00 %"));
    }

    #[test]
    fn r124_more_absent_people_than_may_be_are_refused() {
        let mut all = figures();
        all[1]["negative_control"]["within_ceiling"] = json!(false);
        assert!(refused(&all).contains("R124: 0 of 9"));
    }

    #[test]
    fn r126_a_group_that_fares_worse_is_refused_by_name() {
        let mut all = figures();
        all[0]["errors_by_group"]["groups"][0]["missed"]["lower"] = json!(0.05);
        assert_eq!(refused(&all).matches("R126: sex male").count(), 1);
    }
}
