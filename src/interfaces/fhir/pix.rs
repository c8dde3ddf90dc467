//! `Patient/$ihe-pix` (PIXm, ITI-83): by one identifier the others of the same person.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::flows::{self, Context, FlowError, IdentityAnswer, Wanted};
use crate::foundation::PersonId;
use crate::interfaces::fhir::body::{Body, answer};
use crate::interfaces::fhir::identifiers::{canonical, shown, source_of, sources};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::parameters::Parameters;
use crate::interfaces::fhir::persons::identifiers_of;
use crate::interfaces::fhir::query::{Query, token};
use crate::interfaces::fhir::speak::in_form;
use crate::interfaces::fhir::systems::NHS_NUMBER;
use crate::interfaces::http::{Caller, FhirReadings, Problem, Refused};
use crate::registry::{LocalId, Source};
use crate::security::{Access, Action};

/// By the query.
pub(super) async fn by_query(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    caller.may(Action::ReadPerson)?;
    let id = caller.request_id();
    let query = Query::read(&query.unwrap_or_default(), id)?;
    let source = query.one("sourceIdentifier", id)?.map(str::to_owned);
    let targets = query.all("targetSystem").map(str::to_owned).collect();
    refer((&context, readings), &caller, source, targets).await
}

/// Parameters of a body.
const KNOWN: [&str; 3] = ["sourceIdentifier", "targetSystem", "_format"];

/// By Parameters in the body.
pub(super) async fn by_parameters(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    body: Body,
) -> Result<Response, Problem> {
    caller.may(Action::ReadPerson)?;
    let parameters = Parameters::read(&body, &caller, &KNOWN)?;
    let source = parameters
        .one("sourceIdentifier")
        .and_then(|found| found.text());
    let targets = parameters
        .all("targetSystem")
        .filter_map(|found| found.text());
    let told = refer((&context, readings), &caller, source, targets.collect()).await?;
    let format = parameters.one("_format").and_then(|found| found.text());
    Ok(in_form(told, format.as_deref()))
}

async fn refer(
    (context, readings): (&Context, FhirReadings),
    caller: &Caller,
    source: Option<String>,
    targets: Vec<String>,
) -> Result<Response, Problem> {
    let access = caller.may(Action::ReadPerson)?;
    let known = sources(context, caller).await?;
    let sent = source.unwrap_or_default();
    let (system, value) = token(&sent);
    let Some(system) = system.filter(|system| !system.is_empty() && !value.is_empty()) else {
        let (refused, spine) = (Refused::Malformed, Spine::MissingValue);
        let detail = "sourceIdentifier is missing: SYSTEM|VALUE";
        return Err(refuse(caller, refused, spine, "sourceIdentifier", detail));
    };
    if system != NHS_NUMBER && source_of(&known, system).is_none() {
        let detail = format!("the identity domain {} is not known here", shown(system));
        let (refused, spine) = (Refused::Malformed, Spine::InvalidCode);
        return Err(refuse(caller, refused, spine, "sourceIdentifier", detail));
    }
    for target in &targets {
        if target != NHS_NUMBER && source_of(&known, target).is_none() {
            let detail = format!("the identity domain {} is not known here", shown(target));
            let (refused, spine) = (Refused::Forbidden, Spine::InvalidCode);
            return Err(refuse(caller, refused, spine, "targetSystem", detail));
        }
    }
    let asked = (canonical(&known, system), value.to_owned());
    let reader = Reader {
        context,
        readings,
        caller,
        access: &access,
        known: &known,
    };
    let persons = reader.persons(system, value).await?;
    if persons.is_empty() {
        let detail = format!(
            "no such identifier is known in the identity domain {}",
            shown(system)
        );
        let (refused, spine) = (Refused::NotFound, Spine::NotFound);
        return Err(refuse(caller, refused, spine, "sourceIdentifier", detail));
    }
    let targets: Vec<String> = targets
        .iter()
        .map(|target| canonical(&known, target))
        .collect();
    let mut parameters = Vec::new();
    for person in persons {
        let identity = flows::view_identity(context, &access, person, None).await;
        let identity = identity.map_err(|error| Problem::of(&error, caller.request_id()))?;
        let left_out = (!readings.pix_tells_asked).then_some(&asked);
        parameters.extend(told(&identity, &known, left_out, &targets));
    }
    let mut answered = json!({"resourceType": "Parameters"});
    if !parameters.is_empty() {
        answered["parameter"] = json!(parameters);
    }
    Ok(answer(StatusCode::OK, &answered))
}

struct Reader<'r> {
    context: &'r Context,
    readings: FhirReadings,
    caller: &'r Caller,
    access: &'r Access,
    known: &'r [Source],
}

impl Reader<'_> {
    /// Whose the identifier is: a source's local id, the NHS number, or one that
    /// records bring of another authority.
    async fn persons(&self, system: &str, value: &str) -> Result<Vec<PersonId>, Problem> {
        let of = |error: FlowError| Problem::of(&error, self.caller.request_id());
        if system == NHS_NUMBER {
            let request = crate::matching::search::SearchRequest {
                nhs_number: Some(value.to_owned()),
                ..Default::default()
            };
            let found = flows::search_persons(self.context, self.access, &request, 2).await;
            let found = found.map_err(of)?;
            return Ok(found
                .persons
                .into_iter()
                .map(|found| found.person)
                .collect());
        }
        if let (Some(source), Ok(local_id)) = (source_of(self.known, system), LocalId::parse(value))
        {
            let access = self
                .caller
                .may_for(Action::ReadRecord, source.code.as_str())?;
            let wanted = Wanted::default();
            let code = &source.code;
            let hides = self.readings.hides(self.context, &access, code, &local_id);
            let hidden = hides.await;
            if hidden.map_err(|error| Problem::of(&error, self.caller.request_id()))? {
                return Ok(Vec::new());
            }
            match flows::cross_reference(self.context, &access, code, &local_id, wanted).await {
                Ok(known) => return Ok(vec![known.person]),
                Err(FlowError::NotFound(_)) => {}
                Err(error) => return Err(of(error)),
            }
        }
        let names = [canonical(self.known, system)];
        let carried =
            flows::persons_with_identifier(self.context, self.access, &names, value).await;
        let carried = carried.map_err(of)?;
        if carried.complete {
            return Ok(carried.persons);
        }
        let detail = "so many records carry such an identifier that not all were looked at";
        Err(self.caller.problem(Refused::Unavailable, detail))
    }
}

/// The identifiers of one person beside the one that is left out, and the Patients
/// of the records that they name.
fn told(
    identity: &IdentityAnswer,
    known: &[Source],
    left_out: Option<&(String, String)>,
    targets: &[String],
) -> Vec<Value> {
    let wanted = |system: &str| targets.is_empty() || targets.iter().any(|it| it == system);
    let mut parameters = Vec::new();
    for identifier in identifiers_of(identity, known) {
        let text = |name: &str| identifier[name].as_str().unwrap_or_default().to_owned();
        let pair = (text("system"), text("value"));
        if left_out == Some(&pair) || !wanted(&pair.0) {
            continue;
        }
        // The record that it names, or one that brings it.
        let named = identity.records.iter().find(|record| {
            let source = known.iter().find(|source| source.code == record.source);
            source.is_some_and(|source| source.authority_name() == pair.0)
                && record.local_id.as_str() == pair.1
        });
        let brought = || {
            identity.records.iter().find(|record| {
                let said = record.record.iter();
                let mut others = said.flat_map(|said| &said.other_identifiers);
                others
                    .any(|other| other.system.as_deref() == Some(&pair.0) && other.value == pair.1)
            })
        };
        let named = named.or_else(brought);
        if let Some(record) = named {
            let reference = json!({"reference": format!("Patient/{}", record.name)});
            parameters.push(json!({"name": "targetId", "valueReference": reference}));
        }
        let plain = json!({"system": pair.0, "value": pair.1});
        parameters.push(json!({"name": "targetIdentifier", "valueIdentifier": plain}));
    }
    parameters
}
