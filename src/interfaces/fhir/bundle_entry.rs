//! One entry of a bundle that writes.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::flows::{Context, IfMatch};
use crate::interfaces::fhir::FHIR_PREFIX;
use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::outcome::{Spine, outcome_of, refuse};
use crate::interfaces::fhir::view::EntryView;
use crate::interfaces::fhir::writer::Answered;
use crate::interfaces::fhir::writing::{Desk, by_identifier, withdraw_record, written_record};
use crate::interfaces::http::conditions::if_match_of;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::Source;

/// What entries are carried out with.
pub(super) struct Counter<'c> {
    pub(super) context: &'c Context,
    pub(super) caller: &'c Caller,
    pub(super) headers: &'c axum::http::HeaderMap,
    pub(super) sources: &'c [Source],
}

impl Counter<'_> {
    /// Carries an entry out; a problem has its place in the bundle.
    pub(super) async fn carry_out(
        &self,
        place: usize,
        entry: &EntryView,
    ) -> Result<Answered, Problem> {
        let done = Box::pin(self.dispatch(entry)).await;
        done.map_err(|problem| {
            let inner = problem.member.clone().unwrap_or_default();
            let at = format!("Bundle.entry[{place}]");
            let inside = inner
                .strip_prefix("Patient")
                .or_else(|| inner.strip_prefix("Resource"));
            let member = inside.map_or_else(|| at.clone(), |rest| format!("{at}.resource{rest}"));
            problem.member(&member)
        })
    }

    async fn dispatch(&self, entry: &EntryView) -> Result<Answered, Problem> {
        let Some(request) = &entry.request else {
            return Err(self.unsupported("an entry of a batch needs a request"));
        };
        let url = request.url.trim_start_matches('/');
        let (path, query) = url
            .split_once('?')
            .map_or((url, None), |(path, query)| (path, Some(query)));
        let id = path.strip_prefix("Patient/");
        let condition = match &request.if_match {
            Some(text) => Some(if_match_of(text, self.caller.request_id())?),
            None => None,
        };
        match (request.method.as_str(), id, query) {
            ("POST", None, None) if path == "Patient" => self.take_new(entry, None).await,
            ("PUT", None, Some(query)) if path == "Patient" => {
                let (context, caller) = (self.context, self.caller);
                let named = by_identifier(context, caller, self.sources, Some(query)).await?;
                let body = self.patient(entry)?;
                let patient = body.resource("Patient")?;
                self.desk().take_under(named, &patient, condition).await
            }
            ("PUT", Some(id), None) if id.starts_with("R-") && condition.is_some() => {
                let named = written_record(self.context, self.caller, id).await?;
                let body = self.patient(entry)?;
                let patient = body.resource("Patient")?;
                self.desk().take_under(named, &patient, condition).await
            }
            ("PUT", Some(id), None) if id.starts_with("R-") => {
                let detail = "an entry that writes Patient/R-… needs ifMatch";
                Err(self.caller.problem(Refused::PreconditionRequired, detail))
            }
            // The sender's own id says nothing here: the local id does.
            ("PUT" | "POST", Some(_), None) => self.take_new(entry, condition).await,
            ("DELETE", _, _) => self.withdraw(id, query).await,
            _ => Err(self.unsupported("a bundle takes POST, PUT and DELETE of Patients")),
        }
    }

    async fn withdraw(&self, id: Option<&str>, query: Option<&str>) -> Result<Answered, Problem> {
        let (context, caller) = (self.context, self.caller);
        let (source, local_id) = match id {
            Some(id) => written_record(context, caller, id).await?,
            None => by_identifier(context, caller, self.sources, query).await?,
        };
        withdraw_record(context, caller, self.headers, &source, &local_id).await?;
        Ok(Answered {
            status: StatusCode::NO_CONTENT,
            resource: None,
            version: None,
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

    fn desk(&self) -> Desk<'_> {
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
