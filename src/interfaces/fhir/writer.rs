//! Hands a Patient to the flow, and says what became of it.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::flows::{self, Context, IfMatch, RegisterCommand};
use crate::identity::{Severity, SubmittedRecord};
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::headers::{Prefer, with_location, with_version};
use crate::interfaces::fhir::identifiers::canonical;
use crate::interfaces::fhir::outcome::{Spine, notice, outcome, refuse};
use crate::interfaces::fhir::patients::Known;
use crate::interfaces::fhir::to_record::record_of;
use crate::interfaces::fhir::view::PatientView;
use crate::interfaces::http::conditions::idempotency_key;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::matching::Grade;
use crate::registry::{LocalId, Outcome, RegistrationAnswer, Source, SourceCode};
use crate::security::{Access, Action};

/// A Patient as it goes to the flow.
pub(super) struct Written {
    pub(super) source: SourceCode,
    pub(super) local_id: LocalId,
    pub(super) submitted: SubmittedRecord,
}

impl Written {
    pub(super) fn of(
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
    pub(super) async fn write(
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
