//! The life of a model in a ledger (R86): brought by one named person, activated by
//! another who answers for it, with figures and a reason, and taken back. Nothing is
//! linked anew by any of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::flows::active_model::UNKNOWN;
use crate::flows::sign_in::confirm;
use crate::flows::{Context, FlowError, GateBounds, pass_gates};
use crate::foundation::Instant;
use crate::foundation::limits::{MODEL_BYTES_MAX, MODEL_WORDS_CHARACTERS_MAX};
use crate::matching::{LinkageModel, ModelId};
use crate::security::{Access, Action, Actor, ActorKind, Origin, Role, is_same_human};
use crate::storage::{ActivationKind, StoredActivation, StoredModel};

/// A model of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAnswer {
    /// What it is called by its content.
    pub id: ModelId,
    /// The account that brought it.
    pub brought_by: String,
    /// When.
    pub brought_at: Instant,
    /// What was said of it.
    pub note: String,
    /// Whether it decides now.
    pub active: bool,
    /// Why this release cannot read it, where it cannot.
    pub unreadable: Option<String>,
    /// How it came to decide, the first time first.
    pub activations: Vec<StoredActivation>,
}

/// A model with its content.
#[derive(Debug, Clone)]
pub struct WholeModel {
    /// Who brought it, and what it has decided.
    pub about: ModelAnswer,
    /// What it weighs.
    pub model: LinkageModel,
}

/// All models of the ledger, the earliest first.
///
/// # Errors
/// A fault of ours.
pub async fn list_models(
    context: &Context,
    access: &Access,
) -> Result<Vec<ModelAnswer>, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), None);
    context.store.append_audit(vec![audit]).await?;
    load_models(context).await
}

async fn load_models(context: &Context) -> Result<Vec<ModelAnswer>, FlowError> {
    let activations = context.store.list_activations().await?;
    let active = activations.last().map(|last| last.model.clone());
    let mut models = Vec::new();
    for stored in context.store.list_models().await? {
        let of_it = activations.iter().filter(|it| it.model == stored.digest);
        let kept = context.kept_model(&stored.digest).await?;
        models.push(ModelAnswer {
            active: active.as_ref() == Some(&stored.digest),
            unreadable: kept.and_then(Result::err),
            activations: of_it.cloned().collect(),
            id: stored.digest,
            brought_by: stored.brought_by,
            brought_at: stored.brought_at,
            note: stored.note,
        });
    }
    Ok(models)
}

/// One model, with what it weighs.
///
/// # Errors
/// Unknown, or a fault of ours.
pub async fn view_model(
    context: &Context,
    access: &Access,
    id: &ModelId,
) -> Result<WholeModel, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), Some(id.to_string()));
    context.store.append_audit(vec![audit]).await?;
    load_model(context, id).await
}

async fn load_model(context: &Context, id: &ModelId) -> Result<WholeModel, FlowError> {
    let models = load_models(context).await?;
    let about = models.into_iter().find(|model| model.id == *id);
    let about = about.ok_or(UNKNOWN)?;
    let model = context.model_of(id).await?;
    Ok(WholeModel {
        about,
        model: model.as_ref().clone(),
    })
}

/// The text of a model and those of its tables, as they were brought, whether or not
/// this release can read them.
///
/// # Errors
/// Unknown, or a fault of ours.
pub async fn model_texts(
    context: &Context,
    access: &Access,
    id: &ModelId,
) -> Result<(String, BTreeMap<String, String>), FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), Some(id.to_string()));
    context.store.append_audit(vec![audit]).await?;
    context.store.model_texts(id).await?.ok_or(UNKNOWN)
}

/// A model that somebody brings.
#[derive(Clone)]
pub struct BroughtModel {
    /// What it weighs.
    pub model: LinkageModel,
    /// The texts of the tables that it names.
    pub tables: BTreeMap<String, String>,
    /// Who brings it.
    pub by: NamedPerson,
    /// What is to be known of it.
    pub note: String,
}

/// Keeps a model; `false` where its content is known already.
///
/// # Errors
/// Nobody with the role of an engineer, a model of another profile or too large, or a
/// fault of ours.
pub async fn add_model(
    context: &Context,
    brought: BroughtModel,
    request_id: &str,
) -> Result<bool, FlowError> {
    let actor = shown(context, brought.by, None, request_id).await?;
    let access = Access::to(Action::BringModel, actor)?;
    let note = words("note", &brought.note, true)?;
    let model = &brought.model;
    if model.profile() != context.model.profile() {
        return Err(unusable(
            "model",
            format!(
                "the records of this ledger are standardised by the profile {}, not by {}",
                context.model.file().profile,
                model.file().profile
            ),
        ));
    }
    let bytes = model.text().len() + brought.tables.values().map(String::len).sum::<usize>();
    if bytes > MODEL_BYTES_MAX {
        let detail = format!("a model and its tables have {MODEL_BYTES_MAX} bytes at most");
        return Err(unusable("model", detail));
    }
    let now = context.clock.now();
    let stored = StoredModel {
        digest: model.id().clone(),
        brought_by: access.actor().name.clone(),
        brought_at: now,
        note,
    };
    let audit = access.audit(now, Vec::new(), Some(model.id().to_string()));
    context.store.append_audit(vec![audit]).await?;
    let store = &context.store;
    Ok(store
        .add_model(&stored, model.text(), &brought.tables)
        .await?)
}

/// Who answers for a step in a model's life, as shown by a password: nobody can be named
/// as the one who brought what another approves.
#[derive(Clone)]
pub struct NamedPerson {
    /// The account.
    pub name: String,
    /// Its password.
    pub password: String,
}

/// Lets a model decide from now on.
///
/// # Errors
/// No approver, or the one who brought it; gates that are not passed, each by a
/// sentence; no reason; a model that is unknown or active; a fault of ours.
pub async fn activate_model(
    context: &Context,
    approver: NamedPerson,
    id: &ModelId,
    (figures, bounds): (&[Value], &GateBounds),
    reason: &str,
    request_id: &str,
) -> Result<StoredActivation, FlowError> {
    let reason = words("reason", reason, false)?;
    let access = approved(context, approver, &reason, request_id).await?;
    let activations = context.store.list_activations().await?;
    if activations.last().is_some_and(|last| last.model == *id) {
        return Err(FlowError::Conflict("this model is the active one"));
    }
    let model = load_model(context, id).await?;
    if is_same_human(&model.about.brought_by, &access.actor().name) {
        return Err(FlowError::Conflict(
            "who brought a model cannot approve it: another person has to (R86)",
        ));
    }
    let active = activations.last().map_or(id, |last| &last.model);
    let passed = pass_gates((id, active), figures, bounds);
    let passed = passed.map_err(|lacking| FlowError::Unprocessable {
        member: "figures",
        rule: "R86",
        detail: format!(
            "the model may not be activated:\n  {}",
            lacking.join("\n  ")
        ),
    })?;
    let activation = StoredActivation {
        number: activations.last().map_or(0, |last| last.number) + 1,
        kind: ActivationKind::Activated,
        model: id.clone(),
        activated_by: access.actor().name.clone(),
        reason,
        gates: Some(passed.figures().to_string()),
        at: context.clock.now(),
    };
    write(context, &access, activation).await
}

/// Takes the last standing activation back: the model before it decides again. Asks no
/// figures, because that model has decided before.
///
/// # Errors
/// No approver, nothing to go back to, no reason, or a fault of ours.
pub async fn roll_back_model(
    context: &Context,
    approver: NamedPerson,
    reason: &str,
    request_id: &str,
) -> Result<StoredActivation, FlowError> {
    let reason = words("reason", reason, false)?;
    let access = approved(context, approver, &reason, request_id).await?;
    let activations = context.store.list_activations().await?;
    let before = before_the_last(&activations).ok_or(FlowError::Conflict(
        "the first model of the ledger is active: there is none to go back to",
    ))?;
    let activation = StoredActivation {
        number: activations.last().map_or(0, |last| last.number) + 1,
        kind: ActivationKind::RolledBack,
        model: before.model.clone(),
        activated_by: access.actor().name.clone(),
        reason,
        gates: None,
        at: context.clock.now(),
    };
    write(context, &access, activation).await
}

/// The activation that stands under the last standing one.
fn before_the_last(activations: &[StoredActivation]) -> Option<&StoredActivation> {
    let mut standing: Vec<&StoredActivation> = Vec::new();
    for activation in activations {
        match activation.kind {
            ActivationKind::First | ActivationKind::Activated => standing.push(activation),
            ActivationKind::RolledBack => {
                standing.pop();
            }
        }
    }
    standing.len().checked_sub(2).map(|place| standing[place])
}

async fn write(
    context: &Context,
    access: &Access,
    activation: StoredActivation,
) -> Result<StoredActivation, FlowError> {
    let record = Some(activation.model.to_string());
    let audit = access.audit(activation.at, Vec::new(), record);
    if !context
        .store
        .add_activation(&activation, Some(audit))
        .await?
    {
        return Err(FlowError::Conflict(
            "another activation came first; look at it and decide again",
        ));
    }
    Ok(activation)
}

/// The person whose password it is, with leave to say which model decides.
pub(super) async fn approved(
    context: &Context,
    approver: NamedPerson,
    reason: &str,
    request_id: &str,
) -> Result<Access, FlowError> {
    let actor = shown(context, approver, Some(reason), request_id).await?;
    Ok(Access::to(Action::ActivateModel, actor)?)
}

/// The person whose password it is.
pub(super) async fn shown(
    context: &Context,
    answering: NamedPerson,
    reason: Option<&str>,
    request_id: &str,
) -> Result<Actor, FlowError> {
    let NamedPerson { name, password } = answering;
    let account = confirm(context, &name, password, (request_id, &Origin::default())).await?;
    let account = account.ok_or(FlowError::Conflict(
        "no open account has this name and this password",
    ))?;
    Ok(person(account.name, account.roles, reason, request_id))
}

fn person(name: String, roles: Vec<Role>, reason: Option<&str>, request_id: &str) -> Actor {
    Actor {
        name,
        kind: ActorKind::Person,
        roles,
        sources: Vec::new(),
        on_behalf_of: None,
        reason: reason.map(str::to_owned),
        request_id: request_id.to_owned(),
        origin: Origin::default(),
    }
}

/// Words that somebody writes about a model.
pub(super) fn words(
    member: &'static str,
    text: &str,
    may_be_blank: bool,
) -> Result<String, FlowError> {
    let text = text.trim();
    let length = text.chars().count();
    let least = usize::from(!may_be_blank);
    if (least..=MODEL_WORDS_CHARACTERS_MAX).contains(&length) && !text.chars().any(char::is_control)
    {
        return Ok(text.to_owned());
    }
    Err(FlowError::Unprocessable {
        member,
        rule: "R86",
        detail: format!(
            "the {member} is plain text of at most {MODEL_WORDS_CHARACTERS_MAX} characters"
        ),
    })
}

fn unusable(member: &'static str, detail: String) -> FlowError {
    FlowError::Unprocessable {
        member,
        rule: "R86",
        detail,
    }
}
