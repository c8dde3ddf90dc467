//! A source writes its records as Patients.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::flows::{self, Context, IfMatch, RegisterCommand};
use crate::identity::{Severity, SubmittedRecord};
use crate::interfaces::fhir::body::{Body, Resource, answer};
use crate::interfaces::fhir::headers::{Prefer, with_location, with_version};
use crate::interfaces::fhir::identifiers::{
    OwnId, canonical, forged, own_id, shown, source_of, sources,
};
use crate::interfaces::fhir::outcome::{Spine, notice, outcome, refuse};
use crate::interfaces::fhir::patients::Known;
use crate::interfaces::fhir::query::{Query, token};
use crate::interfaces::fhir::to_record::record_of;
use crate::interfaces::fhir::view::PatientView;
use crate::interfaces::http::conditions::{idempotency_key, if_match};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::matching::Grade;
use crate::registry::{LocalId, Outcome, RegistrationAnswer, Source, SourceCode};
use crate::security::{Access, Action};

/// Registers a Patient under the local id that it brings; one that is known is updated.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.may(Action::WriteRecord)?;
    let patient = body.resource("Patient")?;
    let sources = sources(&context, &caller).await?;
    if let Some(known) = unless_exists(&context, &caller, &headers, &sources).await? {
        return Ok(known);
    }
    let written = read(&context, &caller, &headers, &sources, &patient).await?;
    let writer = Writer {
        context: &context,
        caller: &caller,
        headers: &headers,
    };
    Box::pin(writer.write(written, None)).await
}

/// Writes the Patient of this id. What is there must be named (R107).
pub(super) async fn update(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (source, local_id) = written_record(&context, &caller, &id).await?;
    let condition = if_match(&headers, caller.request_id())?.ok_or_else(|| {
        let detail = "send If-Match with the ETag of the version that this one replaces; to \
                      write by business identifier, PUT Patient?identifier=SYSTEM|VALUE";
        caller.problem(Refused::PreconditionRequired, detail)
    })?;
    let patient = body.resource("Patient")?;
    let whole = patient.whole()?;
    if whole
        .get("id")
        .is_some_and(|sent| sent.as_str() != Some(&id))
    {
        let detail = "the id in the resource is another than that of the path";
        let (refused, spine) = (Refused::Malformed, Spine::InvalidValue);
        return Err(refuse(&caller, refused, spine, "Patient.id", detail));
    }
    let sources = sources(&context, &caller).await?;
    let view: PatientView = understood(&caller, &patient)?;
    let own = Own {
        sources: &sources,
        source: &source,
        local_id: &local_id,
    };
    let place = own.place(&caller, &view)?;
    let written = Written::of(&view, &sources, (source, local_id, place), whole);
    let writer = Writer {
        context: &context,
        caller: &caller,
        headers: &headers,
    };
    Box::pin(writer.write(written, Some(condition))).await
}

/// Registers or updates the Patient that a source keeps under an identifier
/// (PIXm ITI-104).
pub(super) async fn update_by_identifier(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    caller.may(Action::WriteRecord)?;
    let sources = sources(&context, &caller).await?;
    let (source, local_id) = by_identifier(&context, &caller, &sources, query.as_deref()).await?;
    let patient = body.resource("Patient")?;
    let view: PatientView = understood(&caller, &patient)?;
    let own = Own {
        sources: &sources,
        source: &source,
        local_id: &local_id,
    };
    let place = own.place(&caller, &view)?;
    let whole = patient.whole()?;
    let written = Written::of(&view, &sources, (source, local_id, place), whole);
    let condition = if_match(&headers, caller.request_id())?;
    let writer = Writer {
        context: &context,
        caller: &caller,
        headers: &headers,
    };
    Box::pin(writer.write(written, condition)).await
}

/// Withdraws the record of this id: its source no longer holds it.
pub(super) async fn withdraw(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (source, local_id) = written_record(&context, &caller, &id).await?;
    withdraw_record(&context, &caller, &headers, &source, &local_id).await
}

/// Withdraws the record that a source keeps under an identifier.
pub(super) async fn withdraw_by_identifier(
    State(context): State<Context>,
    caller: Caller,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Action::WriteRecord)?;
    let sources = sources(&context, &caller).await?;
    let (source, local_id) = by_identifier(&context, &caller, &sources, query.as_deref()).await?;
    withdraw_record(&context, &caller, &headers, &source, &local_id).await
}

async fn withdraw_record(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    source: &SourceCode,
    local_id: &LocalId,
) -> Result<Response, Problem> {
    let access = caller.may_for(Action::WriteRecord, source.as_str())?;
    let condition = if_match(headers, caller.request_id())?;
    flows::withdraw_record(context, &access, source, local_id, condition)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The record of a path that is to be written.
async fn written_record(
    context: &Context,
    caller: &Caller,
    id: &str,
) -> Result<(SourceCode, LocalId), Problem> {
    caller.may(Action::WriteRecord)?;
    if id.starts_with("P-") {
        let detail = "a person's Patient is what its records say together and is not written; \
                      write the record (R-…), or merge";
        return Err(caller.problem(Refused::MethodNotAllowed, detail));
    }
    let named = flows::named_record(context, id).await;
    let (source, local_id) = named.map_err(|error| Problem::of(&error, caller.request_id()))?;
    caller.may_for(Action::WriteRecord, source.as_str())?;
    Ok((source, local_id))
}

/// The source's record that `identifier=SYSTEM|VALUE` names.
async fn by_identifier(
    context: &Context,
    caller: &Caller,
    sources: &[Source],
    query: Option<&str>,
) -> Result<(SourceCode, LocalId), Problem> {
    let query = Query::read(query.unwrap_or_default(), caller.request_id())?;
    let pairs: Vec<_> = query
        .pairs
        .iter()
        .filter(|(name, _)| !name.starts_with("_format"))
        .collect();
    let [(name, value)] = pairs.as_slice() else {
        return Err(named_by(caller));
    };
    let (system, value) = token(value);
    let (Some(system), true) = (system, name == "identifier" && !value.is_empty()) else {
        return Err(named_by(caller));
    };
    let Some(source) = source_of(sources, system) else {
        let detail = format!("the identity domain {} is not known here", shown(system));
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidCode);
        return Err(refuse(caller, refused, spine, "identifier", detail));
    };
    if caller
        .may_for(Action::WriteRecord, source.code.as_str())
        .is_err()
    {
        return Err(forged(context, caller, source).await);
    }
    let local_id = LocalId::parse(value).map_err(|error| {
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
        refuse(caller, refused, spine, "identifier", error.to_string())
    })?;
    Ok((source.code.clone(), local_id))
}

fn named_by(caller: &Caller) -> Problem {
    let detail = "name the record by identifier=SYSTEM|VALUE and by nothing else";
    let (refused, spine) = (Refused::Malformed, Spine::InvalidValue);
    refuse(caller, refused, spine, "identifier", detail)
}

/// `If-None-Exist: identifier=…`: who is known already is answered and not written.
async fn unless_exists(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    sources: &[Source],
) -> Result<Option<Response>, Problem> {
    let Some(condition) = headers.get("if-none-exist") else {
        return Ok(None);
    };
    let condition = condition
        .to_str()
        .unwrap_or_default()
        .trim_start_matches('?');
    let (source, local_id) = by_identifier(context, caller, sources, Some(condition)).await?;
    let name = flows::name_of_record(context, &source, &local_id).await;
    let name = name.map_err(|error| Problem::of(&error, caller.request_id()))?;
    if name.is_none() {
        return Ok(None);
    }
    let known = Known::view(context, caller, &source, &local_id).await?;
    Ok(known.current())
}

/// The place of a record's own identifier in a resource that is written under it.
struct Own<'o> {
    sources: &'o [Source],
    source: &'o SourceCode,
    local_id: &'o LocalId,
}

impl Own<'_> {
    fn place(&self, caller: &Caller, view: &PatientView) -> Result<Option<usize>, Problem> {
        let mut own = view
            .identifier
            .iter()
            .enumerate()
            .filter(|(_, identifier)| {
                let system = identifier.system.as_deref().unwrap_or_default();
                let source = source_of(self.sources, system);
                source.is_some_and(|source| source.code == *self.source)
            });
        let found = own.find(|(_, it)| it.value.as_deref() == Some(self.local_id.as_str()));
        if let Some((place, _)) = found {
            return Ok(Some(place));
        }
        let detail = "the resource must bring the identifier that names it";
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
        Err(refuse(caller, refused, spine, "Patient.identifier", detail))
    }
}

/// A Patient as it goes to the flow.
pub(super) struct Written {
    pub(super) source: SourceCode,
    pub(super) local_id: LocalId,
    pub(super) submitted: SubmittedRecord,
}

impl Written {
    fn of(
        view: &PatientView,
        sources: &[Source],
        (source, local_id, place): (SourceCode, LocalId, Option<usize>),
        mut whole: Value,
    ) -> Self {
        without_ours(&mut whole);
        let mut submitted = record_of(view, place, Some(whole.to_string()));
        for identifier in &mut submitted.other_identifiers {
            let system = identifier.system.take();
            identifier.system = system.map(|system| canonical(sources, &system));
        }
        Self {
            source,
            local_id,
            submitted,
        }
    }
}

/// Reads a Patient that names its own local id.
pub(super) async fn read(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    sources: &[Source],
    patient: &Resource<'_>,
) -> Result<Written, Problem> {
    let view: PatientView = understood(caller, patient)?;
    let own = own_id(context, caller, headers, sources, &view).await?;
    let OwnId {
        source,
        local_id,
        place,
    } = own;
    let named = (source, local_id, Some(place));
    Ok(Written::of(&view, sources, named, patient.whole()?))
}

/// What is understood of a Patient. What must not be passed over is refused: a modifier
/// that is not known, and a reference that leads nowhere.
pub(super) fn understood(caller: &Caller, patient: &Resource<'_>) -> Result<PatientView, Problem> {
    let view: PatientView = patient.view()?;
    if !view.modifier_extension.is_empty() {
        let detail = "it has a modifier extension, and none is understood here";
        let (refused, spine) = (Refused::Malformed, Spine::InvalidValue);
        return Err(refuse(
            caller,
            refused,
            spine,
            "Patient.modifierExtension",
            detail,
        ));
    }
    let mut references = view
        .general_practitioner
        .iter()
        .map(|reference| ("Patient.generalPractitioner", reference))
        .chain(
            view.managing_organization
                .iter()
                .map(|it| ("Patient.managingOrganization", it)),
        );
    let dangling = references.find(|(_, reference)| {
        let target = reference.reference.as_deref().unwrap_or_default();
        let inside = target.strip_prefix('#').is_some_and(|id| {
            view.contained
                .iter()
                .any(|held| held.id.as_deref() == Some(id))
        });
        let elsewhere = target.contains(':');
        !(target.is_empty() || inside || elsewhere || reference.identifier.is_some())
    });
    if let Some((place, _)) = dangling {
        let detail = "the reference leads to nothing that is known here; contain the resource, \
                      or name it by identifier or by an absolute URL";
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
        return Err(refuse(caller, refused, spine, place, detail));
    }
    Ok(view)
}

/// Takes away what this service has put on: a Patient that was read and is sent back
/// says the same.
fn without_ours(whole: &mut Value) {
    let Some(members) = whole.as_object_mut() else {
        return;
    };
    members.remove("id");
    if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            members.remove("meta");
        }
    }
    if let Some(links) = members.get_mut("link").and_then(Value::as_array_mut) {
        links.retain(|link| {
            let target = link["other"]["reference"].as_str().unwrap_or_default();
            !(link["type"] == "refer" && target.contains("Patient/P-"))
        });
        if links.is_empty() {
            members.remove("link");
        }
    }
}

/// Who writes, and how.
pub(super) struct Writer<'w> {
    pub(super) context: &'w Context,
    pub(super) caller: &'w Caller,
    pub(super) headers: &'w HeaderMap,
}

impl Writer<'_> {
    /// Writes, and answers as the writer prefers.
    async fn write(
        &self,
        written: Written,
        condition: Option<IfMatch>,
    ) -> Result<Response, Problem> {
        let key = idempotency_key(self.headers, self.caller.request_id())?;
        let (source, local_id) = (written.source.clone(), written.local_id.clone());
        let registered = self.register(written, key, condition).await?;
        self.answer(&source, &local_id, &registered).await
    }

    /// Hands it to the flow.
    pub(super) async fn register(
        &self,
        written: Written,
        idempotency_key: Option<String>,
        if_match: Option<IfMatch>,
    ) -> Result<RegistrationAnswer, Problem> {
        let access = self
            .caller
            .may_for(Action::WriteRecord, written.source.as_str())?;
        if access.actor().is_person() {
            self.refuse_known(&access, &written).await?;
        }
        let command = RegisterCommand {
            source: written.source,
            local_id: written.local_id,
            submitted: written.submitted,
            idempotency_key,
            if_match,
            findings: Vec::new(),
        };
        let registered = flows::register_record(self.context, &access, command).await;
        registered.map_err(|error| Problem::of(&error, self.caller.request_id()))
    }

    /// A person who registers somebody is told who is there already (R121).
    async fn refuse_known(&self, access: &Access, written: &Written) -> Result<(), Problem> {
        let of = |error| Problem::of(&error, self.caller.request_id());
        let (source, local_id) = (&written.source, &written.local_id);
        let name = flows::name_of_record(self.context, source, local_id)
            .await
            .map_err(of)?;
        if name.is_some() {
            return Ok(());
        }
        let found = flows::match_person(self.context, access, &written.submitted, 2).await;
        let found = found.map_err(of)?.candidates.into_iter();
        let likely = |grade| matches!(grade, Grade::Certain | Grade::Probable);
        let count = found.filter(|candidate| likely(candidate.grade)).count();
        let (spine, detail) = match count {
            0 => return Ok(()),
            1 => (
                Spine::SingleMatch,
                "somebody is known who may be meant; search, and use that one",
            ),
            _ => (
                Spine::MultipleMatches,
                "several are known who may be meant; search, and ask",
            ),
        };
        Err(refuse(
            self.caller,
            Refused::Conflict,
            spine,
            "Patient",
            detail,
        ))
    }

    async fn answer(
        &self,
        source: &SourceCode,
        local_id: &LocalId,
        registered: &RegistrationAnswer,
    ) -> Result<Response, Problem> {
        let of = |error| Problem::of(&error, self.caller.request_id());
        if registered.outcome == Outcome::UpdateHeld {
            let held = "this version would turn the record into somebody else, or its source is \
                        in quarantine: it is kept, the earlier one goes on being served, and a \
                        person looks at it";
            let issue = notice("warning", "business-rule", held);
            return Ok(answer(StatusCode::ACCEPTED, &outcome(vec![issue])));
        }
        let status = if registered.created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        let name = flows::name_of_record(self.context, source, local_id)
            .await
            .map_err(of)?;
        let name = name.unwrap_or_default();
        let prefer = Prefer::of(self.headers);
        let may_read = self
            .caller
            .may_for(Action::ReadRecord, source.as_str())
            .is_ok();
        let response = match prefer {
            Prefer::Outcome => answer(status, &outcome(issues(registered))),
            Prefer::Representation if may_read => {
                let known = Known::view(self.context, self.caller, source, local_id).await?;
                let patient = known.current_patient().unwrap_or_else(|| json!({}));
                answer(status, &patient)
            }
            Prefer::Representation | Prefer::Minimal => status.into_response(),
        };
        let response = with_location(response, &name, registered.version);
        Ok(with_version(response, registered.version, None))
    }
}

/// What was found in the data, and how the record is linked.
pub(super) fn issues(registered: &RegistrationAnswer) -> Vec<Value> {
    let findings = registered.findings.iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Information => "information",
            // Data that are odd were taken all the same: no error of the request.
            Severity::Warning | Severity::Error => "warning",
        };
        let rule = finding.rule.as_deref().unwrap_or_default();
        notice(
            severity,
            "value",
            format!("{} {rule}", finding.sentence).trim(),
        )
    });
    let linked = match registered.outcome {
        Outcome::Linked => "linked to a person that is known",
        Outcome::NewPerson => "a person of its own",
        Outcome::UpdateHeld => "kept for a person to look at",
    };
    std::iter::once(notice("information", "informational", linked))
        .chain(findings)
        .collect()
}
