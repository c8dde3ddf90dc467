//! What is held of a person.

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{AuditRow, SubjectAccess, SubjectRecord};
use crate::interfaces::rest::bodies::records::VersionBody;
use crate::registry::RecordStatus;

/// All that is held of a person.
#[derive(Serialize, ToSchema)]
pub struct SubjectAccessBody {
    /// The id that stands.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: String,
    /// The id that was asked for.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    requested_id: String,
    /// Every id that has become it, and itself.
    person_ids: Vec<String>,
    /// When this was put together (RFC 3339).
    made_at: String,
    /// What the sources have sent.
    records: Vec<HeldRecordBody>,
    /// What happened, oldest first.
    history: Vec<HappenedBody>,
    /// Who has looked or changed something, oldest first.
    accesses: Vec<AccessBody>,
    /// There were more accesses than are listed.
    more_accesses: bool,
}

/// What a source has sent under one local id.
#[derive(Serialize, ToSchema)]
struct HeldRecordBody {
    /// Code of the source.
    source: String,
    /// The record's id there.
    local_id: String,
    /// Whether the source still holds it.
    active: bool,
    /// Every version, the first one first.
    versions: Vec<VersionBody>,
}

/// One thing that happened.
#[derive(Serialize, ToSchema)]
struct HappenedBody {
    /// When (RFC 3339).
    at: String,
    /// In words.
    sentence: String,
}

/// Somebody who has looked or changed something.
#[derive(Serialize, ToSchema)]
struct AccessBody {
    /// When (RFC 3339).
    at: String,
    /// The account.
    actor: String,
    /// The person for whom a system acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<String>,
    /// In which role.
    role: String,
    /// Of which organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// What was done.
    action: String,
}

impl From<SubjectRecord> for HeldRecordBody {
    fn from(record: SubjectRecord) -> Self {
        Self {
            source: record.source.to_string(),
            local_id: record.local_id.to_string(),
            active: record.status == RecordStatus::Active,
            versions: record.versions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<AuditRow> for AccessBody {
    fn from(row: AuditRow) -> Self {
        Self {
            at: row.at.to_string(),
            actor: row.actor,
            on_behalf_of: row.on_behalf_of,
            role: row.role,
            organisation: row.organisation,
            purpose: row.purpose,
            action: row.action,
        }
    }
}

impl From<SubjectAccess> for SubjectAccessBody {
    fn from(held: SubjectAccess) -> Self {
        let history = held.history.into_iter().map(|entry| HappenedBody {
            at: entry.at.to_string(),
            sentence: entry.sentence,
        });
        Self {
            person_id: held.person.to_string(),
            requested_id: held.requested.to_string(),
            person_ids: held.persons.iter().map(ToString::to_string).collect(),
            made_at: held.made_at.to_string(),
            records: held.records.into_iter().map(Into::into).collect(),
            history: history.collect(),
            accesses: held.accesses.into_iter().map(Into::into).collect(),
            more_accesses: held.more_accesses,
        }
    }
}
