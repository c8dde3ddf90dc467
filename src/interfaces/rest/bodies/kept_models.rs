//! Models, out.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::flows::{
    ModelAnswer, ShadowCount, ShadowReport, ShadowSample, StoredActivation, WholeModel,
};

/// The models of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelsBody {
    /// The earliest first.
    models: Vec<ListedModelBody>,
}

impl From<Vec<ModelAnswer>> for ModelsBody {
    fn from(models: Vec<ModelAnswer>) -> Self {
        Self {
            models: models.into_iter().map(ListedModelBody::from).collect(),
        }
    }
}

/// A model, and what has become of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedModelBody {
    /// What it is called by its content, as decisions name it.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    model: String,
    /// Whether it decides now.
    active: bool,
    /// Why this release cannot read it; null where it can.
    unreadable: Option<String>,
    /// Who brought it.
    brought_by: String,
    /// When (RFC 3339).
    brought_at: String,
    /// What was said of it.
    note: String,
    /// How it came to decide, the first time first.
    activations: Vec<ActivationBody>,
}

impl From<ModelAnswer> for ListedModelBody {
    fn from(model: ModelAnswer) -> Self {
        Self {
            model: model.id.to_string(),
            active: model.active,
            unreadable: model.unreadable,
            brought_by: model.brought_by,
            brought_at: model.brought_at.to_string(),
            note: model.note,
            activations: model.activations.into_iter().map(Into::into).collect(),
        }
    }
}

/// From when on a model decided, and who answers for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivationBody {
    /// Counted over all models.
    number: i64,
    /// `first`: it came with the program; `activated`: a named person approved it;
    /// `rolled_back`: the activation of another was taken back.
    kind: &'static str,
    /// Who answers for it.
    activated_by: String,
    /// Why.
    reason: String,
    /// When (RFC 3339).
    at: String,
    /// What was measured of it before (R123, R124, R126); null where nothing was asked.
    gates: Option<Value>,
}

impl From<StoredActivation> for ActivationBody {
    fn from(activation: StoredActivation) -> Self {
        Self {
            number: activation.number,
            kind: activation.kind.name(),
            activated_by: activation.activated_by,
            reason: activation.reason,
            at: activation.at.to_string(),
            gates: activation
                .gates
                .and_then(|gates| serde_json::from_str(&gates).ok()),
        }
    }
}

/// A model with what it weighs.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelBody {
    #[serde(flatten)]
    about: ListedModelBody,
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Weight in bits from which it links without a human.
    link_threshold_bits: f64,
    /// Weight in bits from which a human looks.
    review_threshold_bits: f64,
    /// Whether its probabilities are measured ones.
    calibrated: bool,
    /// The whole file, as it was brought (TOML).
    content: String,
}

impl From<WholeModel> for ModelBody {
    fn from(whole: WholeModel) -> Self {
        let (model, file) = (&whole.model, whole.model.file());
        Self {
            name: file.name.clone(),
            version: file.version.clone(),
            link_threshold_bits: model.link_threshold().bits(),
            review_threshold_bits: model.review_threshold().bits(),
            calibrated: model.calibrated(),
            content: model.text().to_owned(),
            about: whole.about.into(),
        }
    }
}

/// What a model that runs beside the active one would have decided otherwise.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShadowBody {
    /// The model.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    model: String,
    /// The one that decides.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    against: String,
    /// Who let it run.
    begun_by: String,
    /// Why.
    reason: String,
    /// When (RFC 3339).
    begun_at: String,
    /// When it ended (RFC 3339); null while it runs.
    ended_at: Option<String>,
    /// Records that both models have judged.
    judged: u64,
    /// At most so many were left out, because they came faster than they were judged.
    dropped: u64,
    /// Events that it has still to look at.
    behind_events: u64,
    /// Decisions by what differs, source and probability.
    counts: Vec<ShadowCountBody>,
    /// The first records of each kind about which the two differ.
    samples: Vec<ShadowSampleBody>,
}

/// Decisions of one kind about records of one source.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShadowCountBody {
    /// What differs: `unchanged`, `joined_instead_of_asked`, `joined_instead_of_alone`,
    /// `joined_elsewhere`, `asked_instead_of_joined`, `asked_instead_of_alone`,
    /// `asked_about_others`, `split_instead_of_joined` or `alone_instead_of_asked`.
    outcome: &'static str,
    /// The source; `other` beyond a hundred.
    source: String,
    /// How sure the shadow is of the person that it holds to be the likeliest.
    probability: String,
    /// How many.
    decisions: u64,
}

/// A record about which the two differ.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShadowSampleBody {
    /// What differs, as in the counts.
    outcome: &'static str,
    /// Number of the record in the ledger.
    record: String,
    /// Weight in bits of the likeliest person by the model that decides.
    live_bits: Option<f64>,
    /// The same by the shadow.
    shadow_bits: Option<f64>,
}

impl From<ShadowReport> for ShadowBody {
    fn from(report: ShadowReport) -> Self {
        let shadow = report.shadow;
        Self {
            model: shadow.model.to_string(),
            against: shadow.against.to_string(),
            begun_by: shadow.begun_by,
            reason: shadow.reason,
            begun_at: shadow.begun_at.to_string(),
            ended_at: shadow.ended_at.map(|at| at.to_string()),
            judged: shadow.judged,
            dropped: shadow.dropped,
            behind_events: report.behind,
            counts: report.counts.into_iter().map(Into::into).collect(),
            samples: report.samples.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ShadowCount> for ShadowCountBody {
    fn from(count: ShadowCount) -> Self {
        Self {
            outcome: count.outcome.name(),
            source: count.source,
            probability: count.probability,
            decisions: count.decisions,
        }
    }
}

impl From<ShadowSample> for ShadowSampleBody {
    fn from(sample: ShadowSample) -> Self {
        Self {
            outcome: sample.outcome.name(),
            record: format!("R{}", sample.record),
            live_bits: sample.live_bits,
            shadow_bits: sample.shadow_bits,
        }
    }
}
