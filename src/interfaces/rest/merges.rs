//! Joining and parting persons and records by a human's word.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::flows::{
    self, Asked, AssertionOutcome, Context, MergeOutcome, MoveOutcome, UndoOutcome, UndoneDecisions,
};
use crate::foundation::{AssertionId, Instant, MergeId, PersonId};
use crate::interfaces::http::conditions::{idempotency_key, if_match};
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::address::{
    NoParameters, Parameters, Segment, local_id_of, source_code,
};
use crate::interfaces::rest::bodies::MergeBody;
use crate::interfaces::rest::document::{
    Conflicting, MergeParameters, Stale, Unknown, Unusable, WriteConditions,
};
use crate::interfaces::rest::records::with_etag;
use crate::registry::{AssertionKind, LocalId, MoveTarget, SourceCode};
use crate::security::Action;

/// Two persons that are to become one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MergeRequest {
    /// The person whose id goes on.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    survivor: String,
    /// The person whose id is to lead there.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f71"
    )]
    retired: String,
    /// Why, in words. It is kept beside the ledger and can be erased.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "both letters came from one household member, confirmed by telephone"
    )]
    reason: String,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
}

/// Why a merge is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UndoRequest {
    /// Why, in words. It is kept beside the ledger and can be erased.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "they are sisters"
    )]
    reason: String,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
}

/// A record that is to belong to somebody else.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkRequest {
    /// Code of the record's source.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp"
    )]
    source: String,
    /// The record's id there.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-1001"
    )]
    local_id: String,
    /// The person, or `new` for one of its own.
    #[schema(
        pattern = "^(new|P-[0-9a-f]{32})$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// Why, in words. It is kept beside the ledger and can be erased.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "the letter was filed under the wrong twin"
    )]
    reason: String,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
}

/// What is said of two records.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssertionRequest {
    /// The one record.
    a: SaidOf,
    /// The other.
    b: SaidOf,
    /// The same person's, or different people's.
    kind: AssertionKind,
    /// Why, in words. It is kept beside the ledger and can be erased.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "father and son of one name"
    )]
    reason: String,
}

/// A record by its source and local id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SaidOf {
    /// Code of the source.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "gp"
    )]
    source: String,
    /// The record's id there.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-1001"
    )]
    local_id: String,
}

impl SaidOf {
    fn read(&self, member: &str, id: &str) -> Result<(SourceCode, LocalId), Problem> {
        let within = |problem: Problem| {
            let inner = problem.member.clone().unwrap_or_default();
            problem.member(&format!("{member}.{inner}"))
        };
        Ok((
            source_code(&self.source, id).map_err(within)?,
            local_id_of(&self.local_id, id).map_err(within)?,
        ))
    }
}

fn asked(
    reason: String,
    dry_run: bool,
    headers: &HeaderMap,
    caller: &Caller,
) -> Result<Asked, Problem> {
    Ok(Asked {
        reason,
        dry_run,
        idempotency_key: idempotency_key(headers, caller.request_id())?,
    })
}

/// An id that cannot be one is as unknown as one that was never given out.
fn person_of(text: &str, member: &str, caller: &Caller) -> Result<PersonId, Problem> {
    text.parse().map_err(|_| {
        let problem = caller.problem(Refused::NotFound, "no person with this id is known");
        problem.member(member)
    })
}

fn merge_of(text: &str, caller: &Caller) -> Result<MergeId, Problem> {
    text.parse().map_err(|_| {
        let problem = caller.problem(Refused::NotFound, "no merge with this id is known");
        problem.member("merge")
    })
}

/// Joins two persons, or proposes it where it needs a second human.
///
/// Nothing is deleted: the records are carried over, and the merge can be undone
/// at any later time. `If-Match` names the ETags of both persons.
#[utoipa::path(post, path = "/merges", tag = "merges", params(WriteConditions),
    request_body = MergeRequest,
    responses(
        (status = 200, description = "The merge, or what it would change.", body = MergeOutcome),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn merge_persons(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MergeOutcome>, Problem> {
    let access = caller.may(Action::MergePerson)?;
    let request: MergeRequest = body.read()?;
    let survivor = person_of(&request.survivor, "survivor", &caller)?;
    let retired = person_of(&request.retired, "retired", &caller)?;
    let condition = if_match(&headers, caller.request_id())?;
    let asked = asked(request.reason, request.dry_run, &headers, &caller)?;
    flows::merge_persons(&context, &access, survivor, retired, (&asked, condition))
        .await
        .map(Json)
        .map_err(|error| Problem::of(&error, caller.request_id()))
}

/// Shows a merge: its persons, the records that it carried over, its steps.
#[utoipa::path(get, path = "/merges/{merge}", tag = "merges",
    params(MergeParameters),
    responses(
        (status = 200, description = "The merge.", body = MergeBody,
            headers(("ETag" = String, description = "For If-Match of its undoing."))),
        Unknown))]
pub(super) async fn view_merge(
    State(context): State<Context>,
    caller: Caller,
    Segment(merge): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
) -> Result<Response, Problem> {
    let access = caller.may(Action::ReadMerge)?;
    let merge = merge_of(&merge, &caller)?;
    let view = flows::view_merge(&context, &access, merge)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let tag = view.tag;
    let body = MergeBody::of(view);
    Ok(with_etag(Json(body).into_response(), tag))
}

/// Undoes a merge at any later time.
///
/// The partition becomes that which all decisions but this one make; what cannot
/// be as it was is listed, by a dry run before anything happens.
#[utoipa::path(post, path = "/merges/{merge}/undo", tag = "merges",
    params(MergeParameters, WriteConditions),
    request_body = UndoRequest,
    responses(
        (status = 200, description = "What was undone, or would be.", body = UndoOutcome),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn undo_merge(
    State(context): State<Context>,
    caller: Caller,
    Segment(merge): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<UndoOutcome>, Problem> {
    let access = caller.may(Action::MergePerson)?;
    let merge = merge_of(&merge, &caller)?;
    let request: UndoRequest = body.read()?;
    let condition = if_match(&headers, caller.request_id())?;
    let asked = asked(request.reason, request.dry_run, &headers, &caller)?;
    flows::undo_merge(&context, &access, merge, (&asked, condition))
        .await
        .map(Json)
        .map_err(|error| Problem::of(&error, caller.request_id()))
}

/// Moves one record to another person, or to one of its own.
///
/// Automation never puts it back: whom it left and it are held to be different
/// people. `If-Match` names the record's version.
#[utoipa::path(post, path = "/links", tag = "merges", params(WriteConditions),
    request_body = LinkRequest,
    responses(
        (status = 200, description = "The move, or what it would change.", body = MoveOutcome),
        Unknown, Conflicting, Stale, Unusable))]
pub(super) async fn move_record(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MoveOutcome>, Problem> {
    let access = caller.may(Action::MergePerson)?;
    let request: LinkRequest = body.read()?;
    let source = source_code(&request.source, caller.request_id())?;
    let local_id = local_id_of(&request.local_id, caller.request_id())?;
    let to = if request.person_id == "new" {
        MoveTarget::New
    } else {
        MoveTarget::Person(person_of(&request.person_id, "person_id", &caller)?)
    };
    let condition = if_match(&headers, caller.request_id())?;
    let asked = asked(request.reason, request.dry_run, &headers, &caller)?;
    let record = (source, local_id);
    flows::move_record(&context, &access, record, to, (&asked, condition))
        .await
        .map(Json)
        .map_err(|error| Problem::of(&error, caller.request_id()))
}

/// Says that two records are the same person's, or different people's.
///
/// "The same" of two persons is a merge of them, into the first one's; "different"
/// keeps automation from ever joining them, also through third records.
#[utoipa::path(post, path = "/assertions", tag = "merges", params(WriteConditions),
    request_body = AssertionRequest,
    responses(
        (status = 201, description = "What was said is kept.", body = AssertionOutcome),
        Unknown, Conflicting, Unusable))]
pub(super) async fn assert_records(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<AssertionOutcome>), Problem> {
    let access = caller.may(Action::MergePerson)?;
    let request: AssertionRequest = body.read()?;
    let a = request.a.read("a", caller.request_id())?;
    let b = request.b.read("b", caller.request_id())?;
    let asked = asked(request.reason, false, &headers, &caller)?;
    flows::assert_records(&context, &access, (a, b), request.kind, &asked)
        .await
        .map(|outcome| (StatusCode::CREATED, Json(outcome)))
        .map_err(|error| Problem::of(&error, caller.request_id()))
}

/// Takes an assertion back. What it has joined stays joined.
#[utoipa::path(delete, path = "/assertions/{assertion}", tag = "merges",
    params(("assertion" = String, Path, description = "An assertion's id.", example = "A-0193d0a2b7c47d3e8f1a2b3c4d5e6f73")),
    responses(
        (status = 204, description = "It is taken back."),
        Unknown, Conflicting))]
pub(super) async fn withdraw_assertion(
    State(context): State<Context>,
    caller: Caller,
    Segment(assertion): Segment,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let access = caller.may(Action::MergePerson)?;
    let assertion: AssertionId = assertion.parse().map_err(|_| {
        let problem = caller.problem(Refused::NotFound, "no assertion with this id is known");
        problem.member("assertion")
    })?;
    // A deletion has no body: who deletes may say why in the header.
    let reason = access.actor().reason.clone();
    let reason = reason.unwrap_or_else(|| "taken back".to_owned());
    let asked = asked(reason, false, &headers, &caller)?;
    flows::withdraw_assertion(&context, &access, assertion, &asked)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose decisions are taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UndoDecisionsRequest {
    /// The account, or the person for whom a system acted.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "data.quality"
    )]
    actor: String,
    /// From this instant on (RFC 3339).
    #[schema(example = "2026-11-22T07:30:00Z")]
    from: String,
    /// Before this instant (RFC 3339).
    #[schema(example = "2026-11-22T09:00:00Z")]
    to: String,
    /// Why, in words. It is kept beside the ledger and can be erased.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "a wrong list was worked through"
    )]
    reason: String,
    /// Only say what would change, for each decision by itself.
    #[serde(default)]
    dry_run: bool,
}

/// Takes back all that one human has decided in a span of time.
///
/// Merges, moves and assertions that hold still, the last one first, each by
/// itself; at most 200, and `more` says whether to ask again.
#[utoipa::path(post, path = "/merges/undo", tag = "merges",
    request_body = UndoDecisionsRequest,
    responses(
        (status = 200, description = "What was taken back, or would be.", body = UndoneDecisions),
        Unusable))]
pub(super) async fn undo_decisions(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<Json<UndoneDecisions>, Problem> {
    let access = caller.may(Action::MergePerson)?;
    let request: UndoDecisionsRequest = body.read()?;
    let instant = |member: &str, text: &str| {
        Instant::parse(text).ok_or_else(|| {
            let detail = format!("{member} must be an RFC 3339 instant");
            let problem = caller.problem(Refused::Unprocessable, detail);
            problem.member(member).rule("RFC 3339")
        })
    };
    let span = (instant("from", &request.from)?, instant("to", &request.to)?);
    let asked = Asked {
        reason: request.reason,
        dry_run: request.dry_run,
        idempotency_key: None,
    };
    flows::undo_decisions(&context, &access, &request.actor, span, &asked)
        .await
        .map(Json)
        .map_err(|error| Problem::of(&error, caller.request_id()))
}
