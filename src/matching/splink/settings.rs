//! The part of Splink's settings file that says what a model is. Members that only steer a
//! run of Splink are passed over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Settings as `save_model_to_json` writes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Settings {
    #[serde(default)]
    pub(super) link_type: String,
    #[serde(default)]
    pub(super) sql_dialect: String,
    pub(super) probability_two_random_records_match: f64,
    #[serde(default)]
    pub(super) blocking_rules_to_generate_predictions: Vec<BlockingRule>,
    pub(super) comparisons: Vec<SplinkComparison>,
}

/// A rule that brings pairs together; older files hold the text alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum BlockingRule {
    Text(String),
    Rule { blocking_rule: String },
}

impl BlockingRule {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text)
            | Self::Rule {
                blocking_rule: text,
            } => text,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SplinkComparison {
    pub(super) output_column_name: String,
    pub(super) comparison_levels: Vec<SplinkLevel>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SplinkLevel {
    pub(super) sql_condition: String,
    #[serde(default)]
    pub(super) label_for_charts: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_null_level: bool,
    /// A number; a sentence where training did not see the level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) m_probability: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) u_probability: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tf_adjustment_column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tf_adjustment_weight: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tf_minimum_u_value: Option<f64>,
}

impl SplinkLevel {
    /// m and u, where both were learnt and can stand in a model.
    pub(super) fn shares(&self) -> Option<(f64, f64)> {
        let share = |value: &Option<Value>| {
            let share = value.as_ref()?.as_f64()?;
            (share > 0.0 && share < 1.0).then_some(share)
        };
        share(&self.m_probability).zip(share(&self.u_probability))
    }

    pub(super) fn name(&self) -> &str {
        if self.label_for_charts.is_empty() {
            &self.sql_condition
        } else {
            &self.label_for_charts
        }
    }
}
