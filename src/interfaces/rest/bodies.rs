//! The bodies of the native API: the only serialisable types of this door.

use serde::{Deserialize, Serialize};

use crate::flows::{
    MatchAnswer, PersonAnswer, PersonStanding, RecordAnswer, RecordLink, TaskAnswer,
};
use crate::foundation::TaskId;
use crate::identity::{Finding, SubmittedRecord};
use crate::registry::{
    LocalId, OtherPerson, RecordStatus, RegistrationAnswer, ShownRow, Source, SourceCode,
    TaskState, TaskStatus,
};
use crate::security::Access;

/// The answer to a registration.
#[derive(Debug, Serialize)]
pub struct RegistrationBody {
    source: String,
    local_id: String,
    version: u32,
    person_id: String,
    outcome: crate::registry::Outcome,
    route: Option<crate::matching::Route>,
    weight_bits: Option<f64>,
    probability: Option<f64>,
    calibrated: bool,
    complete: bool,
    possible: Vec<OtherPerson>,
    tasks: Vec<String>,
    findings: Vec<Finding>,
    position: String,
}

impl RegistrationBody {
    /// Renders the answer for this access.
    #[must_use]
    pub fn of(answer: RegistrationAnswer, access: &Access) -> Self {
        let possible = if access.sees_possible() {
            answer.possible
        } else {
            Vec::new()
        };
        Self {
            source: answer.source.to_string(),
            local_id: answer.local_id.to_string(),
            version: answer.version,
            person_id: answer.person_id.to_string(),
            outcome: answer.outcome,
            route: answer.route,
            weight_bits: answer.weight_bits,
            probability: answer.probability,
            calibrated: answer.calibrated,
            complete: answer.complete,
            possible,
            tasks: answer.tasks.iter().map(ToString::to_string).collect(),
            findings: answer.findings,
            position: answer.position.0.to_string(),
        }
    }
}

/// A record with its versions.
#[derive(Debug, Serialize)]
pub struct RecordBody {
    #[serde(flatten)]
    registration: RegistrationBody,
    status: &'static str,
    record: SubmittedRecord,
    versions: Vec<VersionBody>,
    link: Option<LinkBody>,
}

#[derive(Debug, Serialize)]
struct VersionBody {
    version: u32,
    standing: crate::registry::VersionStanding,
    effective_at: Option<String>,
    received_at: String,
    record: Option<SubmittedRecord>,
}

#[derive(Debug, Serialize)]
struct LinkBody {
    person_id: String,
    route: Option<crate::matching::Route>,
    weight_bits: Option<f64>,
    probability: Option<f64>,
}

impl From<RecordLink> for LinkBody {
    fn from(link: RecordLink) -> Self {
        Self {
            person_id: link.person.to_string(),
            route: link.route,
            weight_bits: link.weight_bits,
            probability: link.probability,
        }
    }
}

impl RecordBody {
    /// Renders a record for this access.
    #[must_use]
    pub fn of(answer: RecordAnswer, access: &Access) -> Self {
        let mut registration = RegistrationBody::of(answer.answer, access);
        if let Some(link) = &answer.link {
            registration.person_id = link.person.to_string();
            registration.route = link.route;
            registration.weight_bits = link.weight_bits;
            registration.probability = link.probability;
        }
        if answer.held {
            registration.outcome = crate::registry::Outcome::UpdateHeld;
        }
        registration.tasks = answer.tasks.iter().map(ToString::to_string).collect();
        Self {
            registration,
            status: match answer.status {
                RecordStatus::Active => "active",
                RecordStatus::Withdrawn => "withdrawn",
            },
            record: answer.record,
            versions: answer
                .versions
                .into_iter()
                .map(|version| VersionBody {
                    version: version.version,
                    standing: version.standing,
                    effective_at: version.effective_at.map(|at| at.to_string()),
                    received_at: version.received_at.to_string(),
                    record: version.record,
                })
                .collect(),
            link: answer.link.map(LinkBody::from),
        }
    }

    /// The version that is served, for the `ETag`.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.registration.version
    }
}

/// A local id of a person.
#[derive(Debug, Serialize)]
pub struct LocalIdBody {
    source: String,
    local_id: String,
}

/// A cross-reference.
#[derive(Debug, Serialize)]
pub struct CrossReferenceBody {
    person_id: String,
    route: Option<crate::matching::Route>,
    weight_bits: Option<f64>,
    probability: Option<f64>,
    records: Vec<LocalIdBody>,
    possible: Vec<OtherPerson>,
    under_investigation: bool,
    tasks: Vec<String>,
}

impl From<crate::flows::CrossReference> for CrossReferenceBody {
    fn from(answer: crate::flows::CrossReference) -> Self {
        let records = answer
            .records
            .into_iter()
            .map(|(source, local_id)| LocalIdBody {
                source: source.to_string(),
                local_id: local_id.to_string(),
            });
        Self {
            person_id: answer.person.to_string(),
            route: answer.link.route,
            weight_bits: answer.link.weight_bits,
            probability: answer.link.probability,
            records: records.collect(),
            possible: answer.possible,
            under_investigation: !answer.tasks.is_empty(),
            tasks: answer.tasks.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The answer to a question.
#[derive(Debug, Serialize)]
pub struct MatchBody {
    complete: bool,
    incomplete_because: Vec<IncompleteBody>,
    calibrated: bool,
    candidates: Vec<CandidateBody>,
}

#[derive(Debug, Serialize)]
struct IncompleteBody {
    key: &'static str,
    held: u64,
    looked_at: u64,
}

#[derive(Debug, Serialize)]
struct CandidateBody {
    person_id: String,
    grade: crate::matching::Grade,
    weight_bits: f64,
    probability: f64,
    reasons: Vec<ReasonBody>,
    explanation: Vec<RowBody>,
}

/// A rule that spoke.
#[derive(Debug, Serialize)]
struct ReasonBody {
    code: crate::matching::Reason,
    rule: &'static str,
    sentence: &'static str,
}

impl From<crate::matching::Reason> for ReasonBody {
    fn from(reason: crate::matching::Reason) -> Self {
        Self {
            code: reason,
            rule: reason.rule(),
            sentence: reason.sentence(),
        }
    }
}

#[derive(Debug, Serialize)]
struct RowBody {
    field: &'static str,
    level: String,
    values_shown: Option<ValuesBody>,
    weight_bits: f64,
    reason: String,
}

#[derive(Debug, Serialize)]
struct ValuesBody {
    asked: Option<String>,
    held: Option<String>,
}

impl From<ShownRow> for RowBody {
    fn from(row: ShownRow) -> Self {
        Self {
            field: row.field.name(),
            level: row.level,
            values_shown: row.values.map(|values| ValuesBody {
                asked: values.asked,
                held: values.held,
            }),
            weight_bits: row.weight_bits,
            reason: row.reason,
        }
    }
}

impl From<MatchAnswer> for MatchBody {
    fn from(answer: MatchAnswer) -> Self {
        let incomplete = answer
            .incomplete_because
            .into_iter()
            .map(|incomplete| IncompleteBody {
                key: incomplete.key,
                held: incomplete.held,
                looked_at: incomplete.looked_at,
            });
        let candidates = answer
            .candidates
            .into_iter()
            .map(|candidate| CandidateBody {
                person_id: candidate.person.to_string(),
                grade: candidate.grade,
                weight_bits: candidate.weight_bits,
                probability: candidate.probability,
                reasons: candidate
                    .reasons
                    .into_iter()
                    .map(ReasonBody::from)
                    .collect(),
                explanation: candidate
                    .explanation
                    .into_iter()
                    .map(RowBody::from)
                    .collect(),
            });
        Self {
            complete: answer.complete,
            incomplete_because: incomplete.collect(),
            calibrated: answer.calibrated,
            candidates: candidates.collect(),
        }
    }
}

/// A person.
#[derive(Debug, Serialize)]
pub struct PersonBody {
    person_id: String,
    status: &'static str,
    requested_id: String,
    replaced_by: Vec<String>,
    records: Vec<PersonRecordBody>,
    possible: Vec<OtherPerson>,
    under_investigation: bool,
    tasks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct PersonRecordBody {
    source: String,
    local_id: String,
    version: u32,
    route: Option<crate::matching::Route>,
    weight_bits: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<SubmittedRecord>,
}

impl PersonBody {
    /// Renders a person; with the records' values or with their ids only.
    #[must_use]
    pub fn of(answer: PersonAnswer, with_values: bool) -> Self {
        let records = answer.records.into_iter().map(|record| PersonRecordBody {
            source: record.source.to_string(),
            local_id: record.local_id.to_string(),
            version: record.version,
            route: record.route,
            weight_bits: record.weight_bits,
            record: record.record.filter(|_| with_values),
        });
        Self {
            person_id: answer.person.to_string(),
            status: match answer.standing {
                PersonStanding::Active => "active",
                PersonStanding::Withdrawn => "withdrawn",
            },
            requested_id: answer.requested.to_string(),
            replaced_by: answer.replaced_by.iter().map(ToString::to_string).collect(),
            records: records.collect(),
            possible: answer.possible,
            under_investigation: !answer.tasks.is_empty(),
            tasks: answer.tasks.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A page of tasks.
#[derive(Debug, Serialize)]
pub struct TasksBody {
    /// In order of age.
    pub tasks: Vec<TaskBody>,
    /// Send as `after` for the next page; absent on the last.
    pub next: Option<String>,
}

/// A task.
#[derive(Debug, Serialize)]
pub struct TaskBody {
    task_id: String,
    kind: crate::registry::TaskKind,
    state: &'static str,
    persons: Vec<String>,
    record: Option<LocalIdBody>,
    weight_bits: Option<f64>,
    reasons: Vec<ReasonBody>,
    evidence: String,
    opened_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Vec<RowBody>>,
}

impl TaskBody {
    /// Renders a task.
    #[must_use]
    pub fn of(id: TaskId, state: TaskState, record: Option<(SourceCode, LocalId)>) -> Self {
        Self {
            task_id: id.to_string(),
            kind: state.kind,
            state: match state.status {
                TaskStatus::Open => "open",
                TaskStatus::Closed => "closed",
            },
            persons: state.persons.iter().map(ToString::to_string).collect(),
            record: record.map(|(source, local_id)| LocalIdBody {
                source: source.to_string(),
                local_id: local_id.to_string(),
            }),
            weight_bits: state.weight_bits,
            reasons: state.reasons.into_iter().map(ReasonBody::from).collect(),
            evidence: state.evidence,
            opened_at: id.made_at().to_string(),
            explanation: None,
        }
    }
}

impl From<TaskAnswer> for TaskBody {
    fn from(answer: TaskAnswer) -> Self {
        let rows = answer.explanation.into_iter().map(RowBody::from).collect();
        Self {
            explanation: Some(rows),
            ..Self::of(answer.id, answer.state, answer.record)
        }
    }
}

/// A source, in and out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceBody {
    /// Its code.
    pub code: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// ODS code of its organisation.
    #[serde(default)]
    pub ods_code: Option<String>,
    /// The authority that issues its local ids.
    #[serde(default)]
    pub authority: Option<String>,
    /// 0 to 100.
    #[serde(default = "trust_default")]
    pub trust: u8,
    /// Status of a number that comes without one.
    #[serde(default = "status_default")]
    pub nhs_status_default: String,
    /// Whether its systems may act for a named person.
    #[serde(default)]
    pub acts_for_people: bool,
    /// Set while what it sends is kept and not acted on (R98); never sent in.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<QuarantineBody>,
}

/// A quarantine of a source.
#[derive(Debug, Serialize)]
pub struct QuarantineBody {
    because: crate::registry::QuarantineReason,
    conflicts: u32,
    records: u32,
    task_id: String,
    waiting: u64,
}

impl From<&crate::flows::SourceQuarantine> for QuarantineBody {
    fn from(known: &crate::flows::SourceQuarantine) -> Self {
        Self {
            because: known.quarantine.because,
            conflicts: known.quarantine.conflicts,
            records: known.quarantine.records,
            task_id: known.quarantine.task.to_string(),
            waiting: known.waiting,
        }
    }
}

/// A source that is no longer quarantined.
#[derive(Debug, Serialize)]
pub struct ReleasedBody {
    /// Its code.
    pub source: String,
    /// Versions that are decided from now on.
    pub waiting: u64,
}

const fn trust_default() -> u8 {
    50
}

fn status_default() -> String {
    "02".to_owned()
}

impl From<Source> for SourceBody {
    fn from(source: Source) -> Self {
        Self {
            code: source.code.to_string(),
            name: source.name,
            ods_code: source.ods_code,
            authority: source.authority,
            trust: source.trust,
            nhs_status_default: source.number_status_default.code().to_owned(),
            acts_for_people: source.acts_for_people,
            quarantined: None,
        }
    }
}

/// The list of sources.
#[derive(Debug, Serialize)]
pub struct SourcesBody {
    /// By code.
    pub sources: Vec<SourceBody>,
}
