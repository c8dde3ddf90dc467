//! Linkages: which Patients are one person, as a person's own Patient says by its links.
//! Ids alone stand in one.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::flows::{self, Context, FlowError, IdentityAnswer, Wanted};
use crate::foundation::PersonId;
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::query::Query;
use crate::interfaces::fhir::searchset::Searchset;
use crate::interfaces::http::{Caller, FhirReadings, Problem, Refused, RetiredIds};
use crate::security::Action;

/// Reads that of a person, by any id that the person ever had.
pub(super) async fn read(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.may(Action::ReadPerson)?;
    let unknown = || caller.problem(Refused::NotFound, "no Linkage with this id is known");
    let person: PersonId = id.parse().map_err(|_| unknown())?;
    let identity = identity(&context, &caller, person).await?;
    let retired = identity.requested != identity.person;
    if retired && readings.retired_ids == RetiredIds::Unknown {
        return Err(unknown());
    }
    Ok(answer(StatusCode::OK, &linkage(&identity)))
}

/// Searches by a Patient that is linked: a record's, or a person's.
pub(super) async fn by_query(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.may(Action::ReadPerson)?;
    let query = Query::read(&query.unwrap_or_default(), caller.request_id())?;
    let bad =
        |spine: Spine, detail: &str| refuse(&caller, Refused::Malformed, spine, "item", detail);
    let known = |name: &str| matches!(name, "item" | "source" | "_format" | "_count");
    if !query.pairs.iter().all(|(name, _)| known(name)) {
        let detail = "search by item or by source";
        return Err(bad(Spine::InvalidSearchData, detail));
    }
    let (item, source) = (
        query.one("item", caller.request_id())?,
        query.one("source", caller.request_id())?,
    );
    let Some(wanted) = item.or(source) else {
        return Err(bad(
            Spine::MissingValue,
            "name a Patient by item=Patient/ID",
        ));
    };
    let id = wanted.rsplit('/').next().unwrap_or_default();
    let mut found = Searchset::new(&headers);
    if let Some(person) = person_of(&context, &caller, readings, id).await? {
        match identity(&context, &caller, person).await {
            Ok(identity) => {
                let linkage = linkage(&identity);
                // The source of a Linkage is the person alone.
                let by_source = source.is_none_or(|_| identity.person.to_string() == id);
                let retired = identity.requested != identity.person;
                if by_source && !(retired && readings.retired_ids == RetiredIds::Unknown) {
                    found.add(linkage, &json!({}));
                }
            }
            Err(problem) if problem.status == 404 => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(found.answer("/Linkage"))
}

/// Whom a Patient's id means.
async fn person_of(
    context: &Context,
    caller: &Caller,
    readings: FhirReadings,
    id: &str,
) -> Result<Option<PersonId>, Problem> {
    if let Ok(person) = id.parse() {
        return Ok(Some(person));
    }
    let of = |error: FlowError| match error {
        FlowError::NotFound(_) => Ok(None),
        error => Err(Problem::of(&error, caller.request_id())),
    };
    let (source, local_id) = match flows::named_record(context, id).await {
        Ok(named) => named,
        Err(error) => return of(error),
    };
    let access = caller.may_for(Action::ReadRecord, source.as_str())?;
    match readings.hides(context, &access, &source, &local_id).await {
        Ok(false) => {}
        Ok(true) => return Ok(None),
        Err(error) => return of(error),
    }
    let wanted = Wanted::default();
    match flows::cross_reference(context, &access, &source, &local_id, wanted).await {
        Ok(known) => Ok(Some(known.person)),
        Err(error) => of(error),
    }
}

async fn identity(
    context: &Context,
    caller: &Caller,
    person: PersonId,
) -> Result<IdentityAnswer, Problem> {
    let access = caller.may(Action::ReadPerson)?;
    let identity = flows::view_identity(context, &access, person, None).await;
    identity.map_err(|error| Problem::of(&error, caller.request_id()))
}

fn linkage(identity: &IdentityAnswer) -> Value {
    let item = |kind: &str, id: &dyn std::fmt::Display| json!({"type": kind, "resource": {"reference": format!("Patient/{id}")}});
    let mut items = vec![item("source", &identity.person)];
    if identity.requested == identity.person {
        items.extend(identity.records.iter().map(|record| {
            let mut item = item("alternate", &record.name);
            if record.doubtful {
                // The link is possible until a human has looked (R101).
                item["extension"] = json!([{"url": "urn:accord:doubtful", "valueBoolean": true}]);
            }
            item
        }));
    }
    let retired = identity.replaces.iter();
    items.extend(retired.map(|person| item("historical", person)));
    json!({
        "resourceType": "Linkage", "id": identity.requested.to_string(),
        "meta": {"versionId": identity.tag.to_string()},
        "active": identity.active && identity.requested == identity.person,
        "item": items,
    })
}
