//! `Patient/$match`, as FHIR and PDQm (ITI-119) define it: asks who somebody is and
//! writes nothing but the audit.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use crate::flows::{self, Context, MatchCandidate};
use crate::foundation::limits::{MATCH_CANDIDATES_DEFAULT, MATCH_CANDIDATES_MAX};
use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::identifiers::sources;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::parameters::Parameters;
use crate::interfaces::fhir::persons;
use crate::interfaces::fhir::searchset::Searchset;
use crate::interfaces::fhir::to_record::record_of;
use crate::interfaces::fhir::view::PatientView;
use crate::interfaces::fhir::writing::understood;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::matching::Grade;
use crate::security::Action;

const MATCH_GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";
const PARAMETERS: [&str; 4] = ["resource", "onlyCertainMatches", "onlySingleMatch", "count"];

/// A question: a Patient, bare or among Parameters.
struct Question {
    view: PatientView,
    only_certain: bool,
    only_single: bool,
    limit: usize,
}

/// Answers with whole identities, best first.
pub(super) async fn answer(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::MatchPerson)?;
    let question = read(&body, &caller)?;
    let asked = record_of(&question.view, None, None);
    // One more than is wanted, so that "only one" is known to be one.
    let limit = question.limit.max(2);
    let found = flows::match_person(&context, &access, &asked, limit).await;
    let found = found.map_err(|error| Problem::of(&error, caller.request_id()))?;
    let sources = sources(&context, &caller).await?;
    let mut answered = Searchset::new(&headers);
    let wanted =
        |candidate: &&MatchCandidate| !question.only_certain || candidate.grade == Grade::Certain;
    let candidates: Vec<&MatchCandidate> = found.candidates.iter().filter(wanted).collect();
    let single = !question.only_single || candidates.len() == 1;
    for candidate in candidates
        .into_iter()
        .take(question.limit)
        .filter(|_| single)
    {
        let (patient, _) =
            persons::patient(&context, &access, &caller, &sources, candidate.person).await?;
        let grade = json!([{"url": MATCH_GRADE, "valueCode": word(candidate.grade)}]);
        let score = (candidate.probability * 1e6).round() / 1e6;
        answered.add(patient, &json!({"extension": grade, "score": score}));
    }
    if !found.complete {
        answered.incomplete(
            "more records share a name, a date or a place with the question than were compared",
        );
    }
    if found.under_investigation {
        answered.incomplete("the NHS number is under investigation and points to nobody (R19)");
    }
    Ok(answered.answer("/Patient/$match"))
}

const fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => "certain",
        Grade::Probable => "probable",
        Grade::Possible => "possible",
        Grade::Unlikely => "certainly-not",
    }
}

fn read(body: &Body, caller: &Caller) -> Result<Question, Problem> {
    let resource = body.any()?;
    if resource.kind == "Patient" {
        let view = understood(caller, &resource)?;
        return Ok(Question {
            view,
            only_certain: false,
            only_single: false,
            limit: MATCH_CANDIDATES_DEFAULT,
        });
    }
    let parameters = Parameters::read(body, caller, &PARAMETERS)?;
    let bad = |spine, detail: &str| {
        refuse(
            caller,
            Refused::Malformed,
            spine,
            "Parameters.parameter",
            detail,
        )
    };
    let patient = parameters
        .one("resource")
        .and_then(|found| found.resource.as_ref());
    let patient = patient.ok_or_else(|| {
        bad(
            Spine::MissingValue,
            "the parameter resource is missing: the Patient that is asked for",
        )
    })?;
    // Read again by the one reader, so that its faults have their place.
    let inner = Body::of(patient.to_string(), caller.request_id());
    let view = understood(caller, &inner.resource("Patient")?)?;
    let count = parameters.one("count").map(|found| found.value_integer);
    let limit = match count {
        None => MATCH_CANDIDATES_DEFAULT,
        Some(count) => {
            let count = count
                .and_then(|count| usize::try_from(count).ok())
                .filter(|count| *count > 0);
            let detail = "count must be a whole number from 1";
            count
                .ok_or_else(|| bad(Spine::InvalidValue, detail))?
                .min(MATCH_CANDIDATES_MAX)
        }
    };
    Ok(Question {
        view,
        only_certain: parameters.flag("onlyCertainMatches"),
        only_single: parameters.flag("onlySingleMatch"),
        limit,
    })
}
