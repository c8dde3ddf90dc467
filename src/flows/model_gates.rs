//! What must be known of a model before it may decide (R86): the test with hidden
//! numbers (R123), what it loses against the model that decides now, the negative
//! control (R124) and the errors by group (R126), as `accord evaluate` prints them of
//! that very model.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::matching::ModelId;

/// Of the pairs that a model joins in the test with hidden numbers so many must be
/// right. A number is itself wrong or shared in some records, so that the best model
/// falls short of all; at less, a false link costs more than it may (R81).
const PRECISION_MIN: f64 = 0.99;

/// Records with a verified number, and records of absent people, below which a test
/// says nothing: with none wrong among 500 up to 0.6 % may be (the rule of three).
const TESTED_MIN: u64 = 500;

/// No division of people: who lacks a field is missed more often whatever the model.
const OF_RECORDS: &str = "missing";
/// Divisions that the records say themselves; a file beside them gives others, such as
/// ethnicity or deprivation.
const OF_THE_RECORDS: [&str; 6] = [
    "sex",
    "age_band",
    "name_origin",
    "missing",
    "abode",
    "source",
];
/// What nobody said is no group of people.
const NOBODY: [&str; 2] = ["not_said", "no_name"];

/// What whoever approves lets pass, whatever the figures were made with.
#[derive(Debug, Clone, PartialEq)]
pub struct GateBounds {
    /// How many times as often as the others a group of people may be missed (R126).
    pub group_ratio_max: f64,
    /// Divisions that have to be in the figures beside sex, such as ethnicity and
    /// deprivation, which no record says (R126).
    pub groups_needed: Vec<String>,
    /// The share of absent records that may be linked (R124).
    pub absent_linked_max: f64,
    /// The share of the true pairs that the active model finds which may be lost; at 1
    /// nothing is asked (R123).
    pub recall_lost_max: f64,
}

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

/// Asks of figures whether a model may be activated in the place of the active one.
///
/// # Errors
/// Everything that is missing or speaks against it, a sentence each.
pub fn pass_gates(
    (model, active): (&ModelId, &ModelId),
    figures: &[Value],
    bounds: &GateBounds,
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
    // Of two runs the better one would speak for both.
    let mut find = |name: &str| {
        let mut found = ours.iter().filter(|figures| figures[name].is_object());
        let first = found.next();
        if found.next().is_some() {
            lacking.push(format!(
                "two files have figures of {name}: give those of one run"
            ));
        }
        first.map(|figures| &figures[name])
    };
    let hidden = find("hidden_numbers");
    let labelled = find("labelled");
    let control = find("negative_control");
    let groups = find("errors_by_group");
    let passed = [
        hidden_numbers(hidden),
        lost_pairs(active, (hidden, labelled), bounds.recall_lost_max),
        negative_control(control, bounds.absent_linked_max),
        errors_by_group(groups, bounds),
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
        "labelled": labelled,
        "negative_control": control,
        "largest_group_gaps": gaps.map(|figures| &figures["largest_group_gaps"]),
        "groups_too_small": groups.map(small_groups),
        "groups_compared": groups.map(divisions),
        "group_ratio_max": bounds.group_ratio_max,
        "absent_linked_max": bounds.absent_linked_max,
        "recall_lost_max": bounds.recall_lost_max,
    })))
}

/// The groups that were too small, to be kept. Of what a file beside the records says, no
/// few people are told of.
fn small_groups(groups: &Value) -> Vec<&Value> {
    let small = groups["too_small"].as_array().into_iter().flatten();
    let of_records = |group: &&Value| {
        let dimension = group["dimension"].as_str().unwrap_or_default();
        OF_THE_RECORDS.contains(&dimension)
    };
    small.filter(of_records).collect()
}

/// What people were compared by.
fn divisions(groups: &Value) -> BTreeSet<&str> {
    let groups = groups["groups"].as_array().into_iter().flatten();
    groups
        .filter_map(Group::of)
        .map(|it| it.dimension)
        .collect()
}

/// Why the test with hidden numbers does not do.
fn hidden_numbers(figures: Option<&Value>) -> Vec<String> {
    let Some(figures) = figures else {
        return vec![
            "R123: no test with hidden numbers (accord evaluate --hidden-numbers FILE --model MODEL)"
                .to_owned(),
        ];
    };
    let mut lacking = too_few(
        "R123",
        "records with a verified number",
        &figures["records_with_truth"],
    );
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

/// Why too much is lost of what the active model finds, where it is asked: by hidden
/// numbers always, by labels where there are some.
fn lost_pairs(
    active: &ModelId,
    (hidden, labelled): (Option<&Value>, Option<&Value>),
    lost_max: f64,
) -> Vec<String> {
    if lost_max >= 1.0 {
        return Vec::new();
    }
    let asked = hidden.into_iter().chain(labelled);
    let asked = asked.filter_map(|figures| lost_of(active, &figures["against"], lost_max));
    asked.collect()
}

fn lost_of(active: &ModelId, against: &Value, lost_max: f64) -> Option<String> {
    if against["model"] != active.as_str() {
        return Some(format!(
            "R123: it is not said what it loses of what the active model finds (accord model show \
             {active} --out active.toml, then accord evaluate … --against active.toml)"
        ));
    }
    let (found, lost) = (&against["found_by_other"], &against["lost"]);
    // What is not said is not known to be good.
    let share = against["lost_share"]["share"].as_f64().unwrap_or(1.0);
    (share > lost_max).then(|| {
        format!(
            "R123: of {found} true pairs that the active model finds it loses {lost} ({:.2} %), \
             more than the share of {lost_max} that may be (--recall-lost-max)",
            share * 100.0
        )
    })
}

/// Says so where a test is of fewer than tell anything.
fn too_few(rule: &str, what: &str, tested: &Value) -> Vec<String> {
    let tested = tested.as_u64().unwrap_or(0);
    let few = (tested < TESTED_MIN).then(|| {
        format!("{rule}: the test has {tested} {what}; fewer than {TESTED_MIN} tell nothing")
    });
    few.into_iter().collect()
}

/// Why the negative control does not do.
fn negative_control(figures: Option<&Value>, linked_max: f64) -> Vec<String> {
    let Some(figures) = figures else {
        return vec![
            "R124: no negative control (accord evaluate --negative-control ABSENT --records FILE \
             --model MODEL)"
                .to_owned(),
        ];
    };
    let mut lacking = too_few("R124", "absent records", &figures["absent_records"]);
    let absent = figures["absent_records"].as_f64().unwrap_or(0.0);
    // What is not said is not known to be good.
    let linked = figures["linked"].as_f64().unwrap_or(absent.max(1.0));
    if linked > linked_max * absent {
        lacking.push(format!(
            "R124: {linked} of {absent} absent records were linked, more than the share of \
             {linked_max} that may be"
        ));
    }
    lacking
}

/// A group of people, what is missed of it, and who is mixed up.
struct Group<'a> {
    dimension: &'a str,
    name: &'a str,
    missed: Errors,
    /// Where the figures say it.
    mixed_up: Option<Errors>,
}

/// Pairs of a group, and the share of them that is wrong.
#[derive(Clone, Copy)]
struct Errors {
    pairs: f64,
    share: f64,
    at_least: f64,
}

impl Errors {
    /// What is not said is not known to be good.
    fn of(pairs: &Value, errors: &Value) -> Self {
        let of = |of: &str| errors[of].as_f64().unwrap_or(1.0);
        Self {
            pairs: pairs.as_f64().unwrap_or(0.0),
            share: of("share"),
            at_least: of("lower"),
        }
    }
}

impl<'a> Group<'a> {
    fn of(group: &'a Value) -> Option<Self> {
        let text = |of: &str| group[of].as_str().unwrap_or_default();
        let (dimension, name) = (text("dimension"), text("group"));
        let of_people = dimension != OF_RECORDS && !NOBODY.contains(&name);
        let mixed_up = group["false_links"].is_object();
        of_people.then(|| Self {
            dimension,
            name,
            missed: Errors::of(&group["true_pairs"], &group["missed"]),
            mixed_up: mixed_up.then(|| Errors::of(&group["linked_pairs"], &group["false_links"])),
        })
    }

    /// The share that is wrong of the other groups of its dimension; of nobody where it is
    /// the only one. Everybody holds the group itself: half of them would be compared with
    /// themselves.
    fn beside(&self, groups: &[Self], errors: impl Fn(&Self) -> Option<Errors>) -> Option<f64> {
        let others = groups.iter();
        let others = others.filter(|it| it.dimension == self.dimension && it.name != self.name);
        let others = others.filter_map(errors);
        let (pairs, wrong) = others.fold((0.0, 0.0), |(pairs, wrong), it| {
            (pairs + it.pairs, wrong + it.pairs * it.share)
        });
        (pairs > 0.0).then(|| wrong / pairs)
    }
}

/// Why the errors by group do not do.
fn errors_by_group(figures: Option<&Value>, bounds: &GateBounds) -> Vec<String> {
    let ratio_max = bounds.group_ratio_max;
    let groups = figures.and_then(|figures| figures["groups"].as_array());
    let everybody = figures.and_then(|figures| figures["missed"]["share"].as_f64());
    let (Some(groups), Some(everybody)) = (groups, everybody) else {
        return vec![
            "R126: no errors by group (accord evaluate --hidden-numbers prints them)".to_owned(),
        ];
    };
    let mut lacking = Vec::new();
    if ratio_max * everybody >= 1.0 {
        lacking.push(format!(
            "R126: {:.2} % of everybody's pairs are missed: no group could be missed {ratio_max} \
             times as often",
            everybody * 100.0
        ));
    }
    let groups: Vec<Group<'_>> = groups.iter().filter_map(Group::of).collect();
    let of = |dimension: &str| {
        let groups = groups.iter().filter(|it| it.dimension == dimension);
        groups.count()
    };
    if of("sex") < 2 {
        lacking.push(
            "R126: too few persons to compare women and men; test on more records".to_owned(),
        );
    }
    let needed = bounds.groups_needed.iter().filter(|it| of(it) < 2);
    lacking.extend(needed.map(|division| {
        format!(
            "R126: the figures do not compare people by {division}: give a file with it \
             (accord evaluate --groups FILE), and at least two groups of a hundred persons"
        )
    }));
    let mixed_up = figures.and_then(|figures| figures["false_links"]["share"].as_f64());
    for group in &groups {
        let others = group.beside(&groups, |it| Some(it.missed));
        let fares = (group.missed, others.unwrap_or(everybody));
        lacking.extend(fares_worse(group, "are missed", fares, ratio_max));
        if let (Some(of_it), Some(everybody)) = (group.mixed_up, mixed_up) {
            let others = group.beside(&groups, |it| it.mixed_up);
            // False links are few: of the others there may be none at all.
            let others = others.unwrap_or(everybody).max(everybody);
            let what = "of what is linked is false";
            lacking.extend(fares_worse(group, what, (of_it, others), ratio_max));
        }
    }
    lacking
}

fn fares_worse(
    group: &Group<'_>,
    what: &str,
    (errors, others): (Errors, f64),
    ratio_max: f64,
) -> Option<String> {
    (errors.at_least > ratio_max * others).then(|| {
        format!(
            "R126: {} {}: at least {:.2} % {what}, more than {ratio_max} times as many as the \
             {:.2} % of the others",
            group.dimension,
            group.name,
            errors.at_least * 100.0,
            others * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{GateBounds, PassedGates, pass_gates};
    use crate::matching::{LinkageModel, ModelId};

    const BOUNDS: GateBounds = GateBounds {
        group_ratio_max: 2.0,
        groups_needed: Vec::new(),
        absent_linked_max: 0.001,
        recall_lost_max: 0.01,
    };

    /// The candidate, and the model that decides.
    fn models() -> [ModelId; 2] {
        [LinkageModel::uk_care(), LinkageModel::generic()].map(|model| model.id().clone())
    }

    fn passed(figures: &[Value], bounds: GateBounds) -> Result<PassedGates, Vec<String>> {
        let [model, active] = models();
        pass_gates((&model, &active), figures, &bounds)
    }

    fn group(dimension: &str, name: &str, share: f64) -> Value {
        json!({ "dimension": dimension, "group": name, "true_pairs": 1000,
            "missed": { "share": share, "lower": share * 0.8 } })
    }

    fn figures() -> Vec<Value> {
        let [model, active] = models().map(|id| id.to_string());
        let against = json!({ "model": active, "found_by_other": 900, "lost": 9,
            "lost_share": { "share": 0.01 } });
        let three = json!({ "p": 0.999, "r": 0.9, "r_of_retrieval": 0.99 });
        vec![
            json!({
                "linked_by": model,
                "policy": "care",
                "hidden_numbers": { "pair": three, "cluster": three, "records_with_truth": 5000,
                    "against": against },
                "errors_by_group": { "missed": { "share": 0.02 }, "groups": [
                    group("sex", "male", 0.02), group("sex", "female", 0.02),
                    group("missing", "phone", 0.3),
                ] },
                "largest_group_gaps": [],
            }),
            json!({
                "linked_by": model,
                "policy": "care",
                "negative_control": { "linked": 1, "absent_records": 10_000 },
            }),
        ]
    }

    fn refused(figures: &[Value]) -> String {
        let refused = passed(figures, BOUNDS);
        refused.expect_err("refused").join("\n")
    }

    #[test]
    fn r86_only_all_gates_of_that_very_model_let_it_pass() {
        let all = figures();
        let gates = passed(&all, BOUNDS).expect("passed");
        assert_eq!(gates.figures()["hidden_numbers"]["pair"]["p"], 0.999);
        let none = refused(&[]);
        for rule in ["R123", "R124", "R126"] {
            assert!(none.contains(rule), "{none}");
        }
        let [model, active] = models();
        let other = pass_gates((&active, &model), &all, &BOUNDS).expect_err("another model");
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
    fn r123_a_model_that_loses_what_the_active_one_finds_is_refused_unless_the_approver_says_so() {
        let mut all = figures();
        all[0]["hidden_numbers"]["against"]["lost_share"]["share"] = json!(0.011);
        assert!(refused(&all).contains("R123: of 900 true pairs that the active model finds"));
        let own = GateBounds {
            recall_lost_max: 0.02,
            ..BOUNDS
        };
        let gates = passed(&all, own).expect("the approver's own bound");
        assert_eq!(gates.figures()["recall_lost_max"], 0.02);

        // Against whom it was not said, or of another than the active one.
        let mut all = figures();
        all[0]["hidden_numbers"]["against"]["model"] = json!("0123456789abcdef");
        assert!(refused(&all).contains("--against active.toml"));
        all[0]["hidden_numbers"]["against"] = Value::Null;
        assert!(refused(&all).contains("--against active.toml"));
        let whatever = GateBounds {
            recall_lost_max: 1.0,
            ..BOUNDS
        };
        passed(&all, whatever).expect("nothing is asked");

        // Labels say it too, where there are some.
        let mut all = figures();
        all[0]["labelled"] = json!({ "against": all[0]["hidden_numbers"]["against"] });
        passed(&all, BOUNDS).expect("as good by labels");
        all[0]["labelled"]["against"]["lost_share"]["share"] = json!(0.5);
        assert!(refused(&all).contains("(50.00 %)"));
    }

    #[test]
    fn r126_a_group_whose_links_are_false_more_often_is_refused() {
        let mut all = figures();
        let mut groups = [group("sex", "male", 0.02), group("sex", "female", 0.02)];
        for (group, share) in groups.iter_mut().zip([0.0, 0.005]) {
            group["linked_pairs"] = json!(1000);
            group["false_links"] = json!({ "share": share, "lower": share * 0.9 });
        }
        all[0]["errors_by_group"]["groups"] = json!(groups);
        // Half of them: by themselves they would be twice as bad as everybody.
        all[0]["errors_by_group"]["false_links"] = json!({ "share": 0.0025 });
        passed(&all, BOUNDS).expect("no more than twice everybody's");
        all[0]["errors_by_group"]["false_links"] = json!({ "share": 0.002 });
        let said = refused(&all);
        assert_eq!(said.matches("R126: sex female").count(), 1, "{said}");
        assert!(said.contains("is false"), "{said}");
    }

    #[test]
    fn r126_what_a_file_says_of_people_is_asked_like_what_their_records_say() {
        let needed = || GateBounds {
            groups_needed: vec!["deprivation".to_owned()],
            ..BOUNDS
        };
        let lacking = passed(&figures(), needed()).expect_err("it is not there");
        assert!(lacking[0].contains("by deprivation"), "{lacking:?}");

        let mut all = figures();
        let groups = all[0]["errors_by_group"]["groups"].as_array_mut();
        let groups = groups.expect("groups");
        groups.extend([
            group("deprivation", "1", 0.03),
            group("deprivation", "5", 0.02),
        ]);
        all[0]["errors_by_group"]["too_small"] = json!([
            { "dimension": "deprivation", "group": "3", "persons": 7 },
            { "dimension": "age_band", "group": "85+", "persons": 7 },
        ]);
        let gates = passed(&all, needed()).expect("no group fares worse");
        let kept = gates.figures();
        assert_eq!(kept["groups_compared"], json!(["deprivation", "sex"]));
        assert_eq!(kept["groups_too_small"][0]["group"], "85+");
        assert_eq!(kept["groups_too_small"].as_array().map(Vec::len), Some(1));

        all[0]["errors_by_group"]["groups"][3] = group("deprivation", "1", 0.06);
        assert_eq!(refused(&all).matches("R126: deprivation 1").count(), 1);
    }

    #[test]
    fn r124_more_absent_people_than_may_be_are_refused_whatever_the_file_calls_it() {
        let mut all = figures();
        all[1]["negative_control"]["linked"] = json!(11);
        all[1]["negative_control"]["within_ceiling"] = json!(true);
        assert!(refused(&all).contains("R124: 11 of 10000"));
    }

    #[test]
    fn r126_a_group_that_fares_worse_is_refused_by_name_be_it_half_of_everybody() {
        let mut all = figures();
        all[0]["errors_by_group"]["missed"]["share"] = json!(0.1);
        all[0]["errors_by_group"]["groups"] =
            json!([group("sex", "female", 0.2), group("sex", "male", 0.0)]);
        assert_eq!(refused(&all).matches("R126: sex female").count(), 1);
    }

    #[test]
    fn a_model_that_links_next_to_nothing_is_not_fair() {
        let mut all = figures();
        all[0]["errors_by_group"]["missed"]["share"] = json!(1.0);
        all[0]["errors_by_group"]["groups"] =
            json!([group("sex", "female", 1.0), group("sex", "male", 1.0)]);
        assert!(refused(&all).contains("no group could be missed"));
    }

    #[test]
    fn tests_of_few_records_and_the_better_of_two_runs_tell_nothing() {
        let mut all = figures();
        all[0]["hidden_numbers"]["records_with_truth"] = json!(499);
        all[1]["negative_control"]["absent_records"] = json!(499);
        all[0]["errors_by_group"]["groups"] = json!([group("sex", "male", 0.02)]);
        let said = refused(&all);
        for few in [
            "R123: the test has 499",
            "R124: the test has 499",
            "R126: too few",
        ] {
            assert!(said.contains(few), "{few}: {said}");
        }
        let mut all = figures();
        all.push(all[1].clone());
        assert!(refused(&all).contains("two files have figures of negative_control"));
    }
}
