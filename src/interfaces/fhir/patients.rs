//! A source's record as a Patient: what the source sent, with its versions.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::flows::{self, Context, RecordAnswer, VersionAnswer};
use crate::foundation::PersonId;
use crate::identity::SubmittedRecord;
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::from_record::{Members, list, members_of};
use crate::interfaces::fhir::headers::{base_of, with_version};
use crate::interfaces::fhir::identifiers::sources;
use crate::interfaces::fhir::persons;
use crate::interfaces::fhir::systems::CONFIDENTIALITY;
use crate::interfaces::fhir::to_record::KEPT;
use crate::interfaces::http::{Caller, FhirReadings, Problem, Refused};
use crate::registry::{LocalId, RecordStatus, Source, SourceCode, VersionStanding};
use crate::security::Action;

/// Reads a record's or a person's Patient.
pub(super) async fn read(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    if let Ok(person) = id.parse::<PersonId>() {
        return persons::read(&context, &caller, readings, person).await;
    }
    let known = Known::find(&context, &caller, &id).await?;
    if known.is_hidden(&context, &caller, readings).await? {
        return Err(unknown(&caller));
    }
    if known.record.status == RecordStatus::Withdrawn {
        let detail = "the source has withdrawn this record; its versions can be read";
        return Err(caller.problem(Refused::Gone, detail));
    }
    known.current().ok_or_else(|| unknown(&caller))
}

/// Reads one version of a record's Patient.
pub(super) async fn read_version(
    State(context): State<Context>,
    caller: Caller,
    Path((id, version)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let known = Known::find(&context, &caller, &id).await?;
    let mut served = known.served();
    let found = served.find(|found| found.version.to_string() == version);
    let found = found.ok_or_else(|| unknown(&caller))?;
    Ok(known.answer(found))
}

/// Reads all versions of a record's Patient, the latest first.
pub(super) async fn history(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = Known::find(&context, &caller, &id).await?;
    let base = base_of(&headers);
    let mut entries: Vec<Value> = known
        .served()
        .map(|version| {
            let first = version.version == 1;
            json!({
                "fullUrl": format!("{base}/Patient/{id}"),
                "resource": known.patient(version),
                "request": {"method": if first { "POST" } else { "PUT" },
                    "url": if first { "Patient".to_owned() } else { format!("Patient/{id}") }},
                "response": {"status": if first { "201" } else { "200" },
                    "etag": format!("W/\"{}\"", version.version),
                    "lastModified": version.received_at.to_string()},
            })
        })
        .collect();
    entries.reverse();
    let bundle = json!({
        "resourceType": "Bundle", "type": "history", "total": entries.len(),
        "link": [{"relation": "self", "url": format!("{base}/Patient/{id}/_history")}],
        "entry": entries,
    });
    Ok(answer(StatusCode::OK, &bundle))
}

fn unknown(caller: &Caller) -> Problem {
    caller.problem(Refused::NotFound, "no Patient with this id is known")
}

/// A record with what its Patient is made of.
pub(super) struct Known {
    source: Source,
    local_id: LocalId,
    pub(super) record: RecordAnswer,
}

impl Known {
    /// By the id of its Patient.
    pub(super) async fn find(
        context: &Context,
        caller: &Caller,
        id: &str,
    ) -> Result<Self, Problem> {
        // Before the policy is asked for its source nothing says whether it exists.
        caller.may(Action::ReadRecord)?;
        let named = flows::named_record(context, id).await;
        let (source, local_id) = named.map_err(|error| Problem::of(&error, caller.request_id()))?;
        Self::view(context, caller, &source, &local_id).await
    }

    /// By source and local id.
    pub(super) async fn view(
        context: &Context,
        caller: &Caller,
        source: &SourceCode,
        local_id: &LocalId,
    ) -> Result<Self, Problem> {
        let access = caller.may_for(Action::ReadRecord, source.as_str())?;
        let of = |error| Problem::of(&error, caller.request_id());
        let record = flows::view_record(context, &access, source, local_id, None).await;
        let record = record.map_err(of)?;
        let known = sources(context, caller).await?;
        let found = known.into_iter().find(|known| known.code == *source);
        Ok(Self {
            source: found.ok_or_else(|| unknown(caller))?,
            local_id: local_id.clone(),
            record,
        })
    }

    /// Whether this listener does not know it.
    pub(super) async fn is_hidden(
        &self,
        context: &Context,
        caller: &Caller,
        readings: FhirReadings,
    ) -> Result<bool, Problem> {
        let (source, local_id) = (&self.source.code, &self.local_id);
        let access = caller.may_for(Action::ReadRecord, source.as_str())?;
        let hidden = readings.hides(context, &access, source, local_id).await;
        hidden.map_err(|error| Problem::of(&error, caller.request_id()))
    }

    /// The versions that are, or were, served: what is held is not (DESIGN §2).
    fn served(&self) -> impl Iterator<Item = &VersionAnswer> {
        let versions = self.record.versions.iter();
        versions.filter(|version| {
            matches!(
                version.standing,
                VersionStanding::Current | VersionStanding::History
            )
        })
    }

    /// The answer that shows the current version.
    pub(super) fn current(&self) -> Option<Response> {
        let mut served = self.served();
        let current = served.find(|version| version.standing == VersionStanding::Current)?;
        Some(self.answer(current))
    }

    /// The current version as it is served.
    pub(super) fn current_patient(&self) -> Option<Value> {
        let mut served = self.served();
        let current = served.find(|version| version.standing == VersionStanding::Current)?;
        Some(self.patient(current))
    }

    /// Id and number of the current version, where one is served.
    pub(super) fn current_version(&self) -> Option<(String, u32)> {
        let mut served = self.served();
        let current = served.find(|version| version.standing == VersionStanding::Current)?;
        Some((self.record.name.clone(), current.version))
    }

    fn answer(&self, version: &VersionAnswer) -> Response {
        let response = answer(StatusCode::OK, &self.patient(version));
        with_version(response, version.version, Some(version.received_at))
    }

    fn patient(&self, version: &VersionAnswer) -> Value {
        let nothing = SubmittedRecord::default();
        let said = version.record.as_ref().unwrap_or(&nothing);
        let mut patient = kept(said).unwrap_or_else(|| self.made(said));
        patient.insert("resourceType".to_owned(), json!("Patient"));
        patient.insert("id".to_owned(), json!(self.record.name));
        let mut meta = match patient.remove("meta") {
            Some(Value::Object(meta)) => meta,
            _ => Members::new(),
        };
        meta.insert("versionId".to_owned(), json!(version.version.to_string()));
        meta.insert(
            "lastUpdated".to_owned(),
            json!(version.received_at.to_string()),
        );
        if said.restricted == Some(true) && !meta.contains_key("security") {
            meta.insert("security".to_owned(), restricted());
        }
        patient.insert("meta".to_owned(), Value::Object(meta));
        if let Some(link) = &self.record.link {
            let other = json!({"reference": format!("Patient/{}", link.person)});
            let mut links = match patient.remove("link") {
                Some(Value::Array(links)) => links,
                _ => Vec::new(),
            };
            links.push(json!({"other": other, "type": "refer"}));
            list(&mut patient, "link", links);
        }
        Value::Object(patient)
    }

    /// A record that came by another door.
    fn made(&self, said: &SubmittedRecord) -> Members {
        let mut members = members_of(said);
        let mut identifiers = vec![json!({
            "use": "official",
            "system": self.source.authority_name(),
            "value": self.local_id.as_str(),
        })];
        if let Some(Value::Array(others)) = members.remove("identifier") {
            identifiers.extend(others);
        }
        list(&mut members, "identifier", identifiers);
        members.insert("active".to_owned(), json!(true));
        members
    }
}

/// The resource as it came; absent where it came otherwise, or is masked.
pub(super) fn kept(said: &SubmittedRecord) -> Option<Members> {
    let text = said.other_columns.get(KEPT)?;
    serde_json::from_str(text).ok()
}

/// The label of a patient whose location is withheld.
pub(super) fn restricted() -> Value {
    json!([{"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}])
}
