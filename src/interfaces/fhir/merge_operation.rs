//! `Patient/$merge` and `$unmerge`: people join two persons, and take it back. R6's
//! parameters, as far as they are known; a reason is ours.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::flows::{self, Asked, Context, MergeStep};
use crate::foundation::{MergeId, PersonId};
use crate::interfaces::fhir::body::{Body, answer};
use crate::interfaces::fhir::identifiers::sources;
use crate::interfaces::fhir::outcome::{Spine, notice, outcome, refuse};
use crate::interfaces::fhir::parameters::Parameters;
use crate::interfaces::fhir::persons;
use crate::interfaces::http::conditions::{idempotency_key, if_match};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::security::{Access, Action};

const OF_MERGE: [&str; 4] = ["source-patient", "target-patient", "preview", "reason"];
const OF_UNMERGE: [&str; 3] = ["merge", "preview", "reason"];

/// Joins the source Patient into the target, or says what would follow.
pub(super) async fn merge(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::MergePerson)?;
    let parameters = Parameters::read(&body, &caller, &OF_MERGE)?;
    let survivor = person(&caller, &parameters, "target-patient")?;
    let retired = person(&caller, &parameters, "source-patient")?;
    let asked = asked(&caller, &headers, &parameters)?;
    let condition = if_match(&headers, caller.request_id())?;
    let merged = flows::merge_persons(&context, &access, survivor, retired, (&asked, condition));
    let merged = merged
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let said = match merged.status {
        _ if asked.dry_run => "nothing was changed; this is what would follow",
        MergeStep::AwaitingApproval => "a second person has to approve this first",
        _ => "merged",
    };
    let mut told = vec![(
        "outcome",
        "resource",
        outcome(vec![notice("information", "informational", said)]),
    )];
    told.extend(
        merged
            .merge_id
            .map(|merge| ("merge", "valueString", json!(merge.to_string()))),
    );
    told.extend(
        merged
            .task
            .map(|task| ("task", "valueString", json!(task.to_string()))),
    );
    if let Some(would_change) = &merged.would_change {
        told.push(("would-change", "valueString", json!(text(would_change))));
    }
    result(&context, &caller, survivor, told).await
}

/// Takes a merge back, or says what would follow.
pub(super) async fn unmerge(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access: Access = caller.may(Action::MergePerson)?;
    let parameters = Parameters::read(&body, &caller, &OF_UNMERGE)?;
    let merge = parameters.one("merge").and_then(|found| found.text());
    let merge: MergeId = merge
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| caller.problem(Refused::NotFound, "no merge with this id is known"))?;
    let asked = asked(&caller, &headers, &parameters)?;
    let condition = if_match(&headers, caller.request_id())?;
    let undone = flows::undo_merge(&context, &access, merge, (&asked, condition)).await;
    let undone = undone.map_err(|error| Problem::of(&error, caller.request_id()))?;
    let said = if asked.dry_run {
        "nothing was changed; this is what would follow"
    } else {
        "parted"
    };
    let mut issues = vec![notice("information", "informational", said)];
    issues.extend(
        undone
            .deviations
            .iter()
            .map(|deviation| notice("warning", "informational", &deviation.sentence)),
    );
    let mut told = vec![("outcome", "resource", outcome(issues))];
    let reference = json!({"reference": format!("Patient/{}", undone.retired)});
    told.push(("source-patient", "valueReference", reference));
    if let Some(would_change) = &undone.would_change {
        told.push(("would-change", "valueString", json!(text(would_change))));
    }
    result(&context, &caller, undone.survivor, told).await
}

fn text(would_change: &flows::WouldChange) -> String {
    serde_json::to_string(would_change).unwrap_or_default()
}

fn asked(caller: &Caller, headers: &HeaderMap, parameters: &Parameters) -> Result<Asked, Problem> {
    let given = parameters.one("reason").and_then(|found| found.text());
    let header = headers
        .get("accord-reason")
        .and_then(|value| value.to_str().ok());
    Ok(Asked {
        reason: given
            .or_else(|| header.map(str::to_owned))
            .unwrap_or_default(),
        dry_run: parameters.flag("preview"),
        idempotency_key: idempotency_key(headers, caller.request_id())?,
    })
}

fn person(caller: &Caller, parameters: &Parameters, name: &str) -> Result<PersonId, Problem> {
    let found = parameters
        .one(name)
        .and_then(|found| found.value_reference.as_ref());
    let reference = found
        .and_then(|found| found.reference.as_deref())
        .unwrap_or_default();
    let id = reference.rsplit('/').next().unwrap_or_default();
    if id.is_empty() {
        let detail = format!("the parameter {name} is missing: a reference to a Patient (P-…)");
        let (refused, spine) = (Refused::Malformed, Spine::MissingValue);
        return Err(refuse(
            caller,
            refused,
            spine,
            "Parameters.parameter",
            detail,
        ));
    }
    id.parse().map_err(|_| {
        let detail = "people merge persons (P-…); a source merges its own records by its feed";
        caller.problem(Refused::NotFound, detail)
    })
}

async fn result(
    context: &Context,
    caller: &Caller,
    survivor: PersonId,
    told: Vec<(&str, &str, Value)>,
) -> Result<Response, Problem> {
    let read = caller.may(Action::ReadPerson)?;
    let known = sources(context, caller).await?;
    let (patient, _) = persons::patient(context, &read, caller, &known, survivor).await?;
    let mut parameters: Vec<Value> = told
        .into_iter()
        .map(|(name, kind, value)| json!({"name": name, kind: value}))
        .collect();
    parameters.push(json!({"name": "result", "resource": patient}));
    let answered = json!({"resourceType": "Parameters", "parameter": parameters});
    Ok(answer(StatusCode::OK, &answered))
}
