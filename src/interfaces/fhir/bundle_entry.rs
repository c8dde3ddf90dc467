//! One entry of a bundle that writes.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::flows::{Context, IfMatch};
use crate::interfaces::fhir::FHIR_PREFIX;
use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::outcome::{Spine, outcome_of, refuse};
use crate::interfaces::fhir::patients::Known;
use crate::interfaces::fhir::view::{EntryView, RequestView};
use crate::interfaces::fhir::writer::Answered;
use crate::interfaces::fhir::writing::{
    Desk, by_identifier, named_or_new, withdraw_record, written_record,
};
use crate::interfaces::http::conditions::if_match_of;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::{LocalId, Source, SourceCode};

/// What entries are carried out with.
pub(super) struct Counter<'c> {
    pub(super) context: &'c Context,
    pub(super) caller: &'c Caller,
    pub(super) headers: &'c axum::http::HeaderMap,
    pub(super) sources: &'c [Source],
}

/// What an entry asks for.
pub(super) enum Asked {
    /// To take a Patient under the local id that it brings.
    New(Body, Option<IfMatch>),
    /// To take one under a local id that the entry names.
    Under((SourceCode, LocalId), Body, Option<IfMatch>),
    /// To take one only where nobody is known, and somebody is.
    Known((SourceCode, LocalId), Body),
    /// To withdraw a record.
    Withdraw((SourceCode, LocalId), Option<IfMatch>),
}

/// A problem with its place in the bundle.
pub(super) fn placed(place: usize, problem: Problem) -> Problem {
    let inner = problem.member.clone().unwrap_or_default();
    let at = format!("Bundle.entry[{place}]");
    let inside = inner
        .strip_prefix("Patient")
        .or_else(|| inner.strip_prefix("Resource"));
    let member = inside.map_or_else(|| at.clone(), |rest| format!("{at}.resource{rest}"));
    problem.member(&member)
}

impl Counter<'_> {
    /// Carries an entry out; a problem has its place in the bundle.
    pub(super) async fn carry_out(
        &self,
        place: usize,
        entry: &EntryView,
        key: Option<String>,
    ) -> Result<Answered, Problem> {
        let done = Box::pin(self.dispatch(entry, key)).await;
        done.map_err(|problem| placed(place, problem))
    }

    async fn dispatch(&self, entry: &EntryView, key: Option<String>) -> Result<Answered, Problem> {
        let desk = self.desk();
        match self.asked(entry).await? {
            Asked::New(body, condition) => {
                let patient = body.resource("Patient")?;
                desk.take_new(&patient, (key, condition)).await
            }
            Asked::Under(named, body, condition) => {
                let patient = body.resource("Patient")?;
                desk.take_under(named, &patient, (key, condition)).await
            }
            Asked::Known((source, local_id), _) => self.known(&source, &local_id).await,
            Asked::Withdraw(named, condition) => {
                withdraw_record(self.context, self.caller, named, condition).await?;
                Ok(Answered::nothing(StatusCode::NO_CONTENT))
            }
        }
    }

    /// What an entry asks for; nothing is done yet.
    pub(super) async fn asked(&self, entry: &EntryView) -> Result<Asked, Problem> {
        let Some(request) = &entry.request else {
            return Err(self.unsupported("an entry needs a request here"));
        };
        let (context, caller) = (self.context, self.caller);
        let url = request.url.trim_start_matches('/');
        let (path, query) = url
            .split_once('?')
            .map_or((url, None), |(path, query)| (path, Some(query)));
        let id = path.strip_prefix("Patient/");
        let condition = match &request.if_match {
            Some(text) => Some(if_match_of(text, caller.request_id())?),
            None => None,
        };
        match (request.method.as_str(), id, query) {
            ("POST", None, None) if path == "Patient" => self.created(entry, request).await,
            ("PUT", None, Some(query)) if path == "Patient" => {
                let named = by_identifier(context, caller, self.sources, Some(query)).await?;
                Ok(Asked::Under(named, self.patient(entry)?, condition))
            }
            ("PUT", Some(id), None) if id.starts_with("R-") && condition.is_some() => {
                let named = written_record(context, caller, id).await?;
                Ok(Asked::Under(named, self.patient(entry)?, condition))
            }
            ("PUT", Some(id), None) if id.starts_with("R-") => {
                let detail = "an entry that writes Patient/R-… needs ifMatch";
                Err(caller.problem(Refused::PreconditionRequired, detail))
            }
            // The sender's own id says nothing here: the local id does.
            ("PUT" | "POST", Some(_), None) => Ok(Asked::New(self.patient(entry)?, condition)),
            ("DELETE", Some(id), _) => {
                let named = written_record(context, caller, id).await?;
                Ok(Asked::Withdraw(named, condition))
            }
            ("DELETE", None, _) if path == "Patient" => {
                let named = by_identifier(context, caller, self.sources, query).await?;
                Ok(Asked::Withdraw(named, condition))
            }
            _ => Err(self.unsupported("a bundle takes POST, PUT and DELETE of Patients")),
        }
    }

    /// A Patient to be created, unless the entry names somebody who is known.
    async fn created(&self, entry: &EntryView, request: &RequestView) -> Result<Asked, Problem> {
        let Some(condition) = &request.if_none_exist else {
            return Ok(Asked::New(self.patient(entry)?, None));
        };
        let (context, caller) = (self.context, self.caller);
        let named = named_or_new(context, caller, self.sources, condition).await?;
        let body = self.patient(entry)?;
        Ok(match named {
            (source, local_id, true) => Asked::Known((source, local_id), body),
            // Somebody else may register it meanwhile: that is not to be written over.
            (source, local_id, false) => {
                Asked::Under((source, local_id), body, Some(IfMatch::Unknown))
            }
        })
    }

    /// Who is known already is answered and not written.
    pub(super) async fn known(
        &self,
        source: &SourceCode,
        local_id: &LocalId,
    ) -> Result<Answered, Problem> {
        let known = Known::view(self.context, self.caller, source, local_id).await?;
        Ok(Answered {
            status: StatusCode::OK,
            resource: None,
            version: known.current_version(),
        })
    }

    /// Takes a Patient under the local id that it brings.
    pub(super) async fn take_new(
        &self,
        entry: &EntryView,
        condition: Option<IfMatch>,
    ) -> Result<Answered, Problem> {
        let body = self.patient(entry)?;
        self.take_patient(&body, condition).await
    }

    /// The same of a body that holds nothing else.
    pub(super) async fn take_patient(
        &self,
        body: &Body,
        condition: Option<IfMatch>,
    ) -> Result<Answered, Problem> {
        let patient = body.resource("Patient")?;
        self.desk().take_new(&patient, (None, condition)).await
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk::new(self.context, self.caller, self.headers, self.sources)
    }

    /// Read again by the one reader, so that its faults have their place.
    fn patient(&self, entry: &EntryView) -> Result<Body, Problem> {
        let resource = entry.resource.as_ref().ok_or_else(|| {
            let (refused, spine) = (Refused::Malformed, Spine::MissingValue);
            refuse(
                self.caller,
                refused,
                spine,
                "Resource",
                "the entry has no resource",
            )
        })?;
        Ok(Body::of(resource.to_string(), self.caller.request_id()))
    }

    fn unsupported(&self, detail: &str) -> Problem {
        let (refused, spine) = (Refused::Malformed, Spine::Unsupported);
        refuse(self.caller, refused, spine, "Bundle.entry", detail)
    }
}

/// What a batch answers of one entry.
pub(super) fn told(done: &Result<Answered, Problem>) -> Value {
    match done {
        Ok(answered) => {
            let mut response = json!({"status": answered.status.as_u16().to_string()});
            if let Some((name, version)) = &answered.version {
                let place = format!("{FHIR_PREFIX}/Patient/{name}/_history/{version}");
                response["location"] = json!(place);
                response["etag"] = json!(format!("W/\"{version}\""));
            }
            let mut entry = json!({"response": response});
            if let Some(resource) = &answered.resource {
                entry["resource"] = resource.clone();
            }
            entry
        }
        Err(problem) => json!({"response":
            {"status": problem.status.to_string(), "outcome": outcome_of(problem)}}),
    }
}
