//! Which model decides. Each request works with the one that was active when it
//! came; what a ledger's nodes share is the row of the last activation, which every
//! node asks for each second. Old decisions are shown by the model that made them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::flows::{Context, FlowError};
use crate::foundation::limits::MODEL_FOLLOW_INTERVAL_MS;
use crate::matching::{LinkageModel, MatchProbability, MatchWeight, ModelId};
use crate::registry::{TaskState, rests_on};
use crate::storage::{ActivationKind, KeptModel, StoredActivation, StoredModel};

/// The models that a process knows. Clones of a context share it.
#[derive(Debug)]
pub struct Models(RwLock<Known>);

#[derive(Debug)]
struct Known {
    active: Arc<LinkageModel>,
    /// Number of the activation that made it so; 0 before there is one.
    number: i64,
    /// The models that decide or have decided, the latest first.
    decided: Vec<ModelId>,
    /// Those that were read.
    read: BTreeMap<ModelId, Kept>,
}

/// A model that is kept: ready to weigh, or why this release cannot read it.
pub(super) type Kept = Result<Arc<LinkageModel>, String>;

/// By which model a question was raised.
pub(super) enum Raised {
    /// By this one.
    By(Arc<LinkageModel>),
    /// By one that this release cannot read; in words.
    Unreadable(String),
}

impl Raised {
    /// What a weight of the question stands for; what it claims, where the model cannot say.
    pub(super) fn probability(&self, weight: MatchWeight) -> MatchProbability {
        match self {
            Self::By(model) => model.probability(weight),
            Self::Unreadable(_) => weight.probability(),
        }
    }
}

impl Models {
    /// Before a ledger has been asked.
    #[must_use]
    pub fn new(model: Arc<LinkageModel>) -> Self {
        Self(RwLock::new(Known {
            decided: vec![model.id().clone()],
            read: BTreeMap::from([(model.id().clone(), Ok(Arc::clone(&model)))]),
            active: model,
            number: 0,
        }))
    }

    fn known<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn active(&self) -> Arc<LinkageModel> {
        self.known(|known| Arc::clone(&known.active))
    }
}

impl Context {
    /// The same, with the model that decides now. What is begun with one model is
    /// carried through with it.
    #[must_use]
    pub fn at_present(&self) -> Self {
        Self {
            model: self.models.active(),
            ..self.clone()
        }
    }

    /// Whether another model has become active since this one was taken.
    pub(super) fn is_superseded(&self) -> bool {
        self.models
            .known(|known| known.active.id() != self.model.id())
    }

    /// The models that have decided here, the one that does first.
    #[must_use]
    pub fn deciding_models(&self) -> Vec<ModelId> {
        self.models.known(|known| known.decided.clone())
    }

    /// The model of this id, where the ledger or the program has it.
    pub(super) async fn kept_model(&self, id: &ModelId) -> Result<Option<Kept>, FlowError> {
        if self.model.id() == id {
            return Ok(Some(Ok(Arc::clone(&self.model))));
        }
        if let Some(read) = self.models.known(|known| known.read.get(id).cloned()) {
            return Ok(Some(read));
        }
        let Some(found) = self.store.find_model(id).await? else {
            return Ok(None);
        };
        let kept = match found {
            KeptModel::Readable(model) => Ok(Arc::new(model)),
            KeptModel::Unreadable(problem) => Err(problem.to_string()),
        };
        let (id, read) = (id.clone(), kept.clone());
        self.models.change(|known| {
            known.read.insert(id, read);
        });
        Ok(Some(kept))
    }

    /// The same, for what cannot be done without it.
    pub(super) async fn model_of(&self, id: &ModelId) -> Result<Arc<LinkageModel>, FlowError> {
        let kept = self.kept_model(id).await?.ok_or(UNKNOWN)?;
        kept.map_err(|reason| FlowError::Unprocessable {
            member: "model",
            rule: "R84",
            detail: format!(
                "the ledger keeps the model {id} as it was brought, and this release cannot \
                 read it ({reason}); the release that brought it can"
            ),
        })
    }

    /// The probability that a weight stood for under the model that gave it. One that
    /// nobody has kept, or that cannot be read, gives what weights claim.
    pub(super) async fn probability_by(
        &self,
        id: &ModelId,
        weight: MatchWeight,
    ) -> Result<f64, FlowError> {
        let model = self.kept_model(id).await?.and_then(Result::ok);
        let probability =
            model.map_or_else(|| weight.probability(), |model| model.probability(weight));
        Ok(probability.value())
    }

    /// The model that raised a question: its evidence names it.
    pub(super) async fn model_of_task(&self, task: &TaskState) -> Result<Raised, FlowError> {
        for id in self.deciding_models() {
            if !rests_on(task, &id) {
                continue;
            }
            match self.kept_model(&id).await? {
                Some(Ok(model)) => return Ok(Raised::By(model)),
                Some(Err(reason)) => {
                    return Ok(Raised::Unreadable(format!(
                        "The model {id} raised this question, and this release cannot read it \
                         ({reason}): what it weighed then stands with the question, and the \
                         records as they are now cannot be weighed by it."
                    )));
                }
                None => {}
            }
        }
        Ok(Raised::By(Arc::clone(&self.model)))
    }
}

/// No such model.
pub(super) const UNKNOWN: FlowError =
    FlowError::NotFound("no model with this id is known; add it first");

/// Takes the model that is active in the ledger, where one is.
///
/// # Errors
/// Its content cannot be read, or a fault of ours.
pub async fn take_active_model(context: &mut Context) -> Result<(), FlowError> {
    refresh(context).await?;
    *context = context.at_present();
    Ok(())
}

/// The same; a ledger in which none is yet keeps the one that came with this program
/// as its first, so that no later program brings another in silence (R86).
///
/// # Errors
/// As [`take_active_model`].
pub async fn keep_first_model(context: &mut Context) -> Result<(), FlowError> {
    take_active_model(context).await?;
    if context.models.known(|known| known.number) > 0 {
        return Ok(());
    }
    let model = Arc::clone(&context.model);
    let now = context.clock.now();
    let stored = StoredModel {
        digest: model.id().clone(),
        brought_by: PROGRAM.to_owned(),
        brought_at: now,
        note: format!("came with accord {}", env!("CARGO_PKG_VERSION")),
    };
    let named = model.file().frequencies.names();
    let tables =
        named.filter_map(|name| Some((name.to_owned(), LinkageModel::embedded_table(name)?)));
    let store = &context.store;
    store
        .add_model(&stored, model.text(), &tables.collect())
        .await?;
    let first = StoredActivation {
        number: 1,
        kind: ActivationKind::First,
        model: model.id().clone(),
        activated_by: PROGRAM.to_owned(),
        reason: "the first model of this ledger".to_owned(),
        gates: None,
        at: now,
    };
    // Where another node was first, its model holds.
    store.add_activation(&first, None).await?;
    take_active_model(context).await
}

/// Whoever made the first activation.
const PROGRAM: &str = "accord";

/// Reads which model is active; whether another became so.
pub(super) async fn refresh(context: &Context) -> Result<bool, FlowError> {
    let activations = context.store.list_activations().await?;
    let Some(last) = activations.last() else {
        return Ok(false);
    };
    if context.models.known(|known| known.number) == last.number {
        return Ok(false);
    }
    let kept = context.kept_model(&last.model).await?;
    let kept = kept.ok_or(FlowError::NotFound("the active model is not in the ledger"))?;
    let model = kept.map_err(|reason| FlowError::Unprocessable {
        member: "model",
        rule: "R84",
        detail: format!(
            "the model {} decides in this ledger, and this release cannot read it ({reason}): \
             go on with the release that could, or let a model decide that this one reads \
             (accord model list, then accord model rollback or accord model activate)",
            last.model
        ),
    })?;
    let mut decided: Vec<ModelId> = Vec::new();
    for activation in activations.iter().rev() {
        if !decided.contains(&activation.model) {
            decided.push(activation.model.clone());
        }
    }
    let number = last.number;
    context.models.change(|known| {
        known.active = model;
        known.number = number;
        known.decided = decided;
    });
    Ok(true)
}

/// Follows activations as long as the process lives. While the ledger cannot say which
/// model is active, the one that was goes on.
pub async fn follow_models(context: Context) {
    loop {
        match refresh(&context).await {
            Ok(true) => {
                let model = context.models.active();
                tracing::info!(model = %model.id(), "another model decides from now on");
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "cannot see which model is active; trying again"),
        }
        tokio::time::sleep(Duration::from_millis(MODEL_FOLLOW_INTERVAL_MS)).await;
    }
}
