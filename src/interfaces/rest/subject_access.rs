//! Subject access (R132).

use axum::Json;
use axum::extract::State;

use crate::flows::{self, Context};
use crate::foundation::PersonId;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{NoParameters, Parameters, Segment};
use crate::interfaces::rest::bodies::SubjectAccessBody;
use crate::interfaces::rest::document::{Unknown, Unusable};
use crate::security::Action;

/// All that is held of a person, for the person.
///
/// What each source has sent, what happened and why, and who has looked. What is
/// other people's is left out.
#[utoipa::path(get, path = "/persons/{person}/subject-access", tag = "persons",
    params(("person" = String, Path, description = "A person's id, also a retired one.",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70")),
    responses((status = 200, description = "What is held.", body = SubjectAccessBody),
        Unknown, Unusable))]
pub(super) async fn subject_access(
    State(context): State<Context>,
    caller: Caller,
    Segment(person): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Json<SubjectAccessBody>, Problem> {
    let access = caller.may(Action::GiveSubjectAccess)?;
    let unknown = |_| {
        let problem = caller.problem(Refused::NotFound, "no person with this id is known");
        problem.member("person")
    };
    let person: PersonId = person.parse().map_err(unknown)?;
    let held = flows::subject_access(&context, &access, person)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(held.into()))
}
