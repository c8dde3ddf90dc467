//! Seals: identities that nobody but a privacy officer may see together (R22), or at
//! all (R134).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::flows::{self, Context, SealSide};
use crate::foundation::SealId;
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{
    NoParameters, Parameters, Segment, local_id_of, source_code,
};
use crate::interfaces::rest::bodies::{MadeSealBody, SealBody, SealSideBody, SealsBody};
use crate::interfaces::rest::document::{Conflicting, Unknown, Unusable};
use crate::security::Action;

/// Lists the seals that hold.
#[utoipa::path(get, path = "/seals", tag = "seals",
    responses((status = 200, description = "The first one first.", body = SealsBody)))]
pub(super) async fn list_seals(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SealsBody>, Problem> {
    let access = caller.may(Action::ManageSeal)?;
    let seals = flows::list_seals(&context, &access)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(seals.into()))
}

/// Seals two identities from each other, or one from everybody.
///
/// From now on neither appears beside the other for anybody but a privacy
/// officer: in matching, review, search, histories and the change feed. Without `b`
/// it is an objection: the one identity appears nowhere, and stays to prevent
/// duplicates.
#[utoipa::path(post, path = "/seals", tag = "seals", request_body = SealBody,
    responses((status = 201, description = "The seal.", body = MadeSealBody),
        Conflicting, Unusable))]
pub(super) async fn seal_persons(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<(StatusCode, Json<MadeSealBody>), Problem> {
    let access = caller.may(Action::ManageSeal)?;
    let asked: SealBody = body.read()?;
    let b = asked.b.map(|b| side(b, "b", &caller)).transpose()?;
    let sides = (side(asked.a, "a", &caller)?, b);
    let (seal, at) = flows::seal_persons(&context, &access, sides, &asked.reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((StatusCode::CREATED, Json(MadeSealBody::of(seal, at))))
}

/// Opens a seal. The reason is that of the header `Accord-Reason`.
#[utoipa::path(delete, path = "/seals/{seal}", tag = "seals",
    params(("seal" = String, Path, description = "A seal's id.",
        example = "SL-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")),
    responses((status = 204, description = "It holds no more."), Unknown, Unusable))]
pub(super) async fn lift_seal(
    State(context): State<Context>,
    caller: Caller,
    Segment(seal): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<StatusCode, Problem> {
    let access = caller.may(Action::ManageSeal)?;
    let unknown = |_| {
        let problem = caller.problem(Refused::NotFound, "no seal with this id holds");
        problem.member("seal")
    };
    let seal: SealId = seal.parse().map_err(unknown)?;
    let reason = access.actor().reason.clone().unwrap_or_default();
    flows::lift_seal(&context, &access, seal, &reason)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT)
}

fn side(body: SealSideBody, member: &str, caller: &Caller) -> Result<SealSide, Problem> {
    let id = caller.request_id();
    match (body.person_id, body.source, body.local_id) {
        (Some(person), None, None) => {
            let unusable = |_| {
                let detail = format!("{member}.person_id is no person's id");
                let problem = caller.problem(Refused::Unprocessable, detail);
                problem.member("person_id").rule("person id")
            };
            Ok(SealSide::Person(person.parse().map_err(unusable)?))
        }
        (None, Some(source), Some(local_id)) => Ok(SealSide::Record(
            source_code(&source, id)?,
            local_id_of(&local_id, id)?,
        )),
        _ => {
            let detail = format!("{member} is either a person_id, or a source and a local_id");
            let problem = caller.problem(Refused::Unprocessable, detail);
            Err(problem.member(member).rule("R22"))
        }
    }
}
