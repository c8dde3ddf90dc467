//! A source writes its records as Patients.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::flows::{self, Context, IfMatch};
use crate::interfaces::fhir::body::{Body, Resource};
use crate::interfaces::fhir::identifiers::{forged, own_id, shown, source_of, sources};
use crate::interfaces::fhir::opened::Opened;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::patients::Known;
use crate::interfaces::fhir::query::{Query, token};
use crate::interfaces::fhir::replaced::replaced_by;
use crate::interfaces::fhir::view::PatientView;
use crate::interfaces::fhir::writer::{Answered, Writer, Written};
use crate::interfaces::http::conditions::{idempotency_key, if_match};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::{LocalId, Source, SourceCode};
use crate::security::Action;

/// Registers a Patient under the local id that it brings; one that is known is updated.
pub(super) async fn create(opened: Opened, body: Body) -> Result<Response, Problem> {
    let patient = body.resource("Patient")?;
    if let Some(known) = unless_exists(&opened).await? {
        return Ok(known);
    }
    let key = idempotency_key(&opened.headers, opened.caller.request_id())?;
    let answered = Box::pin(opened.desk().take_new(&patient, (key, None))).await?;
    Ok(answered.into_response())
}

/// Writes the Patient of this id. What is there must be named (R107).
pub(super) async fn update(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let named = written_record(&context, &caller, &id).await?;
    let condition =
        if_match(&headers, caller.request_id())?.ok_or_else(|| unconditional(&caller))?;
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
    let desk = Desk::new(&context, &caller, &headers, &sources);
    let key = idempotency_key(&headers, caller.request_id())?;
    let conditions = (key, Some(condition));
    let answered = Box::pin(desk.take_under(named, &patient, conditions)).await?;
    Ok(answered.into_response())
}

fn unconditional(caller: &Caller) -> Problem {
    let detail = "send If-Match with the ETag of the version that this one replaces; to write by \
                  business identifier, PUT Patient?identifier=SYSTEM|VALUE";
    caller.problem(Refused::PreconditionRequired, detail)
}

/// Registers or updates the Patient that a source keeps under an identifier
/// (PIXm ITI-104).
pub(super) async fn update_by_identifier(
    opened: Opened,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, Problem> {
    let named = opened.by_identifier(query.as_deref()).await?;
    let patient = body.resource("Patient")?;
    let id = opened.caller.request_id();
    let condition = if_match(&opened.headers, id)?;
    let key = idempotency_key(&opened.headers, id)?;
    let answered = Box::pin(opened.desk().take_under(named, &patient, (key, condition))).await?;
    Ok(answered.into_response())
}

/// Where Patients are taken in, alone or in bundles.
pub(super) struct Desk<'d> {
    writer: Writer<'d>,
    sources: &'d [Source],
}

impl<'d> Desk<'d> {
    pub(super) const fn new(
        context: &'d Context,
        caller: &'d Caller,
        headers: &'d HeaderMap,
        sources: &'d [Source],
    ) -> Self {
        let writer = Writer {
            context,
            caller,
            headers,
        };
        Self { writer, sources }
    }

    /// Who writes, and how.
    pub(super) const fn writer(&self) -> &Writer<'d> {
        &self.writer
    }

    /// Under the local id that the Patient brings.
    pub(super) async fn take_new(
        &self,
        patient: &Resource<'_>,
        conditions: (Option<String>, Option<IfMatch>),
    ) -> Result<Answered, Problem> {
        let (written, replaced_by) = self.ready_new(patient).await?;
        self.writer.take(written, replaced_by, conditions).await
    }

    /// Under a local id that is known from elsewhere.
    pub(super) async fn take_under(
        &self,
        named: (SourceCode, LocalId),
        patient: &Resource<'_>,
        conditions: (Option<String>, Option<IfMatch>),
    ) -> Result<Answered, Problem> {
        let (written, replaced_by) = self.ready_under(named, patient).await?;
        self.writer.take(written, replaced_by, conditions).await
    }

    /// What would be taken under the local id that the Patient brings, and the id that
    /// has replaced it, where it says so.
    pub(super) async fn ready_new(
        &self,
        patient: &Resource<'_>,
    ) -> Result<(Written, Option<LocalId>), Problem> {
        let Writer {
            context,
            caller,
            headers,
        } = self.writer;
        let view: PatientView = understood(caller, patient)?;
        let own = own_id(context, caller, headers, self.sources, &view).await?;
        let replaced_by = replaced_by(context, caller, self.sources, &own.source, &view).await?;
        let named = (own.source, own.local_id, Some(own.place));
        let written = Written::of(&view, self.sources, named, patient.whole()?);
        Ok((written, replaced_by))
    }

    /// The same under a local id that is known from elsewhere.
    pub(super) async fn ready_under(
        &self,
        (source, local_id): (SourceCode, LocalId),
        patient: &Resource<'_>,
    ) -> Result<(Written, Option<LocalId>), Problem> {
        let Writer {
            context, caller, ..
        } = self.writer;
        let view: PatientView = understood(caller, patient)?;
        let own = Own {
            sources: self.sources,
            source: &source,
            local_id: &local_id,
        };
        let place = own.place(caller, &view)?;
        let replaced_by = replaced_by(context, caller, self.sources, &source, &view).await?;
        let named = (source, local_id, place);
        let written = Written::of(&view, self.sources, named, patient.whole()?);
        Ok((written, replaced_by))
    }
}

/// Withdraws the record of this id: its source no longer holds it.
pub(super) async fn withdraw(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let named = written_record(&context, &caller, &id).await?;
    let condition = if_match(&headers, caller.request_id())?;
    withdraw_record(&context, &caller, named, condition).await
}

/// Withdraws the record that a source keeps under an identifier.
pub(super) async fn withdraw_by_identifier(
    opened: Opened,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let named = opened.by_identifier(query.as_deref()).await?;
    let condition = if_match(&opened.headers, opened.caller.request_id())?;
    withdraw_record(&opened.context, &opened.caller, named, condition).await
}

impl Opened {
    /// The source's record that a query names.
    async fn by_identifier(&self, query: Option<&str>) -> Result<(SourceCode, LocalId), Problem> {
        by_identifier(&self.context, &self.caller, &self.sources, query).await
    }
}

pub(super) async fn withdraw_record(
    context: &Context,
    caller: &Caller,
    (source, local_id): (SourceCode, LocalId),
    condition: Option<IfMatch>,
) -> Result<Response, Problem> {
    let access = caller.may_for(Action::WriteRecord, source.as_str())?;
    flows::withdraw_record(context, &access, &source, &local_id, condition)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The record of a path that is to be written.
pub(super) async fn written_record(
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
    caller.may_write(context, &source).await?;
    Ok((source, local_id))
}

/// The source's record that `identifier=SYSTEM|VALUE` names.
pub(super) async fn by_identifier(
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
async fn unless_exists(opened: &Opened) -> Result<Option<Response>, Problem> {
    let Opened {
        context,
        caller,
        headers,
        sources,
    } = opened;
    let Some(condition) = headers.get("if-none-exist") else {
        return Ok(None);
    };
    let condition = condition.to_str().unwrap_or_default();
    let (source, local_id, known) = named_or_new(context, caller, sources, condition).await?;
    if !known {
        return Ok(None);
    }
    let known = Known::view(context, caller, &source, &local_id).await?;
    Ok(known.current())
}

/// The record that a condition `identifier=…` names, and whether it is known.
pub(super) async fn named_or_new(
    context: &Context,
    caller: &Caller,
    sources: &[Source],
    condition: &str,
) -> Result<(SourceCode, LocalId, bool), Problem> {
    let condition = condition.trim_start_matches('?');
    let (source, local_id) = by_identifier(context, caller, sources, Some(condition)).await?;
    let name = flows::name_of_record(context, &source, &local_id).await;
    let name = name.map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((source, local_id, name.is_some()))
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
