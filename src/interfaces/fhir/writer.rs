//! Hands a Patient to the flow, and says what became of it.

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::flows::{self, Context, IfMatch, RegisterCommand, RestateCommand};
use crate::identity::{Severity, SubmittedRecord};
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::headers::{Prefer, with_location, with_version};
use crate::interfaces::fhir::identifiers::canonical;
use crate::interfaces::fhir::outcome::{Spine, notice, outcome, refuse};
use crate::interfaces::fhir::patients::{Known, kept};
use crate::interfaces::fhir::to_record::{KEPT, record_of};
use crate::interfaces::fhir::view::PatientView;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::matching::Grade;
use crate::registry::{
    LocalId, Outcome, RegistrationAnswer, Source, SourceCode, SourceMergeCommand,
};
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

/// What has become of a Patient that was sent.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) resource: Option<Value>,
    /// Id and version, unless it is held.
    pub(super) version: Option<(String, u32)>,
}

impl Answered {
    pub(super) const fn nothing(status: StatusCode) -> Self {
        Self {
            status,
            resource: None,
            version: None,
        }
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let response = match &self.resource {
            Some(resource) => answer(self.status, resource),
            None => self.status.into_response(),
        };
        match &self.version {
            Some((name, version)) => {
                with_version(with_location(response, name, *version), *version, None)
            }
            None => response,
        }
    }
}

impl Writer<'_> {
    /// Writes, and answers as the writer prefers. A Patient that another one has
    /// replaced is the source's merge of two of its ids (R104).
    pub(super) async fn take(
        &self,
        mut written: Written,
        replaced_by: Option<LocalId>,
        (key, condition): (Option<String>, Option<IfMatch>),
    ) -> Result<Answered, Problem> {
        let (source, local_id) = (written.source.clone(), written.local_id.clone());
        if let Some(survivor) = replaced_by
            && !self.merge(&mut written, survivor).await?
        {
            return Ok(Answered::nothing(StatusCode::OK));
        }
        let registered = Box::pin(self.register(written, key, condition)).await?;
        self.answer(&source, &local_id, &registered).await
    }

    /// Takes what the source says of two of its ids; whether a version is to be written
    /// that says so. One that says nothing else of the patient leaves the values as they
    /// are.
    async fn merge(&self, written: &mut Written, survivor: LocalId) -> Result<bool, Problem> {
        let of = |error| Problem::of(&error, self.caller.request_id());
        let access = self
            .caller
            .may_for(Action::WriteRecord, written.source.as_str())?;
        let command = SourceMergeCommand {
            source: written.source.clone(),
            survivor: survivor.clone(),
            retired: written.local_id.clone(),
        };
        flows::merge_source_records(self.context, &access, command)
            .await
            .map_err(of)?;
        if !says_nothing(&written.submitted) {
            flows::say_merged(&mut written.submitted, &survivor);
            return Ok(true);
        }
        let (source, local_id) = (&written.source, &written.local_id);
        let known = Known::view(self.context, self.caller, source, local_id).await?;
        let current = &known.record.record;
        let Some(mut whole) = known.current_patient() else {
            return Ok(false);
        };
        if current.restricted == Some(true) {
            // What is shown is masked, and must not become what the source says: what is
            // kept says it again.
            let restate = RestateCommand {
                source: source.clone(),
                from: local_id.clone(),
                to: local_id.clone(),
                merged_into: Some(survivor),
                effective_at: None,
            };
            let restated = flows::restate_record(self.context, &access, restate).await;
            restated.map_err(of)?;
            return Ok(false);
        }
        let sent = kept(&written.submitted).unwrap_or_default();
        whole["active"] = json!(false);
        whole["link"] = sent.get("link").cloned().unwrap_or_default();
        without_ours(&mut whole);
        let mut submitted = current.clone();
        let columns = &mut submitted.other_columns;
        columns.insert(KEPT.to_owned(), whole.to_string());
        flows::say_merged(&mut submitted, &survivor);
        written.submitted = submitted;
        Ok(true)
    }

    /// Hands it to the flow.
    async fn register(
        &self,
        written: Written,
        idempotency_key: Option<String>,
        if_match: Option<IfMatch>,
    ) -> Result<RegistrationAnswer, Problem> {
        let (access, command) = Box::pin(self.command(written, if_match)).await?;
        let command = RegisterCommand {
            idempotency_key,
            ..command
        };
        let registered = flows::register_record(self.context, &access, command).await;
        registered.map_err(|error| Problem::of(&error, self.caller.request_id()))
    }

    /// What the flow is asked for, and by whom.
    pub(super) async fn command(
        &self,
        written: Written,
        if_match: Option<IfMatch>,
    ) -> Result<(Access, RegisterCommand), Problem> {
        let source = written.source.as_str();
        let access = self.caller.may_for(Action::WriteRecord, source)?;
        if access.actor().is_person() {
            self.refuse_known(&access, &written).await?;
        }
        let command = RegisterCommand {
            source: written.source,
            local_id: written.local_id,
            submitted: written.submitted,
            idempotency_key: None,
            if_match,
            findings: Vec::new(),
        };
        Ok((access, command))
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
        let refused = Refused::Conflict;
        Err(refuse(self.caller, refused, spine, "Patient", detail))
    }

    /// What its sender is told of a record.
    pub(super) async fn answer(
        &self,
        source: &SourceCode,
        local_id: &LocalId,
        registered: &RegistrationAnswer,
    ) -> Result<Answered, Problem> {
        let of = |error| Problem::of(&error, self.caller.request_id());
        if registered.outcome == Outcome::UpdateHeld {
            let held = "this version would turn the record into somebody else, or its source is \
                        in quarantine: it is kept, the earlier one goes on being served, and a \
                        person looks at it";
            let issue = notice("warning", "business-rule", held);
            return Ok(Answered {
                status: status_of(registered),
                resource: Some(outcome(vec![issue])),
                version: None,
            });
        }
        let name = flows::name_of_record(self.context, source, local_id)
            .await
            .map_err(of)?;
        let name = name.unwrap_or_default();
        let prefer = Prefer::of(self.headers);
        let may_read = self
            .caller
            .may_for(Action::ReadRecord, source.as_str())
            .is_ok();
        let resource = match prefer {
            Prefer::Outcome => Some(outcome(issues(registered))),
            Prefer::Representation if may_read => {
                let known = Known::view(self.context, self.caller, source, local_id).await?;
                known.current_patient()
            }
            Prefer::Representation | Prefer::Minimal => None,
        };
        Ok(Answered {
            status: status_of(registered),
            resource,
            version: Some((name, registered.version)),
        })
    }
}

/// HTTP's word for what has become of a record.
pub(super) fn status_of(registered: &RegistrationAnswer) -> StatusCode {
    match registered.outcome {
        Outcome::UpdateHeld => StatusCode::ACCEPTED,
        Outcome::Linked | Outcome::NewPerson if registered.created => StatusCode::CREATED,
        Outcome::Linked | Outcome::NewPerson => StatusCode::OK,
    }
}

/// Nothing of the patient beside identifiers.
fn says_nothing(submitted: &SubmittedRecord) -> bool {
    let about = SubmittedRecord {
        other_identifiers: Vec::new(),
        other_columns: std::collections::BTreeMap::new(),
        ..submitted.clone()
    };
    about == SubmittedRecord::default()
}

/// What was found in the data, and how the record is linked.
fn issues(registered: &RegistrationAnswer) -> Vec<Value> {
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
