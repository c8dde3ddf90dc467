//! A source merges two of its own ids (R104).

use axum::Json;
use axum::extract::State;

use crate::flows::{self, Context};
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem};
use crate::interfaces::rest::address::{
    NoParameters, Parameters, Segment, local_id_of, source_code,
};
use crate::interfaces::rest::bodies::{SourceMergeBody, SourceMergedBody};
use crate::interfaces::rest::document::{Conflicting, SourceParameters, Unknown, Unusable};
use crate::registry::SourceCode;
use crate::registry::SourceMergeCommand;

/// Says that two local ids of the source are one patient's.
///
/// Both go on resolving. Where the second is the only record of its person, that
/// person's id leads to the first one's; where other sources' records, another
/// verified number or a human's word stand against it, it becomes a question.
#[utoipa::path(post, path = "/sources/{source}/merges", tag = "records",
    params(SourceParameters), request_body = SourceMergeBody,
    responses((status = 200, description = "What follows.", body = SourceMergedBody),
        Unknown, Conflicting, Unusable))]
pub(super) async fn merge_source_records(
    State(context): State<Context>,
    caller: Caller,
    Segment(source): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<Json<SourceMergedBody>, Problem> {
    let id = caller.request_id();
    let source: SourceCode = source_code(&source, id)?;
    let access = caller.may_write(&context, &source).await?;
    let asked: SourceMergeBody = body.read()?;
    let named =
        |text: &str, member: &str| local_id_of(text, id).map_err(|problem| problem.member(member));
    let command = SourceMergeCommand {
        survivor: named(&asked.survivor, "survivor")?,
        retired: named(&asked.retired, "retired")?,
        source,
    };
    let merged = flows::merge_source_records(&context, &access, command)
        .await
        .map_err(|error| Problem::of(&error, id))?;
    Ok(Json(merged.into()))
}
