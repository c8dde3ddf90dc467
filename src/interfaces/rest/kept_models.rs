//! Models of the ledger. They are brought and activated by the command line, where a
//! second person gives their password.

use axum::Json;
use axum::extract::State;

use crate::flows::{self, Context};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment};
use crate::interfaces::rest::bodies::{ModelBody, ModelsBody, ShadowBody};
use crate::interfaces::rest::document::Unknown;
use crate::matching::ModelId;
use crate::security::Action;

/// Lists the models of the ledger; the active one decides.
#[utoipa::path(get, path = "/models", tag = "models",
    responses((status = 200, description = "All models, the earliest first.", body = ModelsBody)))]
pub(super) async fn list_models(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ModelsBody>, Problem> {
    let access = caller.may(Action::ReadModel)?;
    let models = flows::list_models(&context, &access)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(models.into()))
}

/// Shows what the model that runs beside the active one would have decided otherwise.
#[utoipa::path(get, path = "/models/shadow", tag = "models",
    responses((status = 200, description = "Counts by source and probability, and numbers of records as samples.",
        body = ShadowBody), Unknown))]
pub(super) async fn view_shadow(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ShadowBody>, Problem> {
    let access = caller.may(Action::ReadModel)?;
    let report = flows::shadow_report(&context, &access)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(report.into()))
}

/// Shows a model with what it weighs.
#[utoipa::path(get, path = "/models/{model}", tag = "models",
    params(("model" = String, Path, description = "A model's id, as decisions name it.",
        example = "0193d0a2b7c47d3e")),
    responses((status = 200, description = "The model and its file.", body = ModelBody), Unknown))]
pub(super) async fn view_model(
    State(context): State<Context>,
    caller: Caller,
    Segment(model): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<ModelBody>, Problem> {
    let access = caller.may(Action::ReadModel)?;
    let unknown = || caller.problem(Refused::NotFound, "no model with this id is known");
    let id = ModelId::parse(&model).ok_or_else(unknown)?;
    let model = flows::view_model(&context, &access, &id)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(model.into()))
}
