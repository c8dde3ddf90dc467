//! The table of roles and actions, in a form that a Caldicott Guardian can
//! read (DESIGN §5).

use std::fmt;
use std::str::FromStr;

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A system that registers, matches and cross-references.
    Integration,
    /// Care staff: search and read with a relationship.
    Clinician,
    /// Data-quality staff: review, merge, unmerge.
    Steward,
    /// The second pair of eyes.
    Approver,
    /// Models and evaluation, nothing identifying.
    Engineer,
    /// Reads who looked at whom.
    Auditor,
    /// Seals, restriction, erasure, subject access.
    PrivacyOfficer,
    /// Accounts and sources, no patient data.
    Administrator,
}

const ROLES: [(Role, &str); 8] = [
    (Role::Integration, "integration"),
    (Role::Clinician, "clinician"),
    (Role::Steward, "steward"),
    (Role::Approver, "approver"),
    (Role::Engineer, "engineer"),
    (Role::Auditor, "auditor"),
    (Role::PrivacyOfficer, "privacy_officer"),
    (Role::Administrator, "administrator"),
];

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role; use integration, clinician, steward, approver, engineer, auditor, \
     privacy_officer or administrator"
)]
pub struct UnknownRole;

impl Role {
    /// Its name in tokens, headers and audit rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        ROLES
            .iter()
            .find(|(role, _)| *role == self)
            .map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let found = ROLES.iter().find(|(_, name)| *name == text);
        found.map(|(role, _)| *role).ok_or(UnknownRole)
    }
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Register, update or withdraw a source record.
    WriteRecord,
    /// Read a source record and its cross-reference.
    ReadRecord,
    /// Ask who somebody is without writing.
    MatchPerson,
    /// Read a person and its records.
    ReadPerson,
    /// Search for people. A system gets an answer only when it is unique.
    SearchPerson,
    /// Read what happened to a person.
    ReadHistory,
    /// Choose which record's value a golden record shows.
    PreferValue,
    /// See what models weigh and what came of it, without anything that
    /// identifies.
    ReadModel,
    /// Bring a model to the ledger, for somebody else to approve (R86).
    BringModel,
    /// Say which model decides (R86). Persons only.
    ActivateModel,
    /// Follow what happens in the ledger.
    ReadEvent,
    /// Read review tasks.
    ReadTask,
    /// Claim, release, comment on and escalate review tasks, and read them out
    /// first or second as the next two say. Persons only.
    WorkTask,
    /// Read a task first (R114).
    DecideTask,
    /// Read a task second or third, and approve (R114).
    ApproveTask,
    /// List sources.
    ReadSource,
    /// Add or change sources.
    WriteSource,
    /// End the quarantine of a source (R98): whoever does it has looked at the
    /// questions that it left.
    ReleaseSource,
    /// Join and part persons and records by a human's word.
    MergePerson,
    /// Read a merge.
    ReadMerge,
    /// Read the audit log.
    ReadAudit,
    /// See what others could see at a past instant, with the masking and the
    /// seals of then (R139).
    ReconstructPast,
    /// Note that a person disputes a value of a record (R133).
    DisputeValue,
    /// Confirm a disputed value for its source, or take the dispute back.
    AnswerDispute,
    /// Make, list and lift seals (R22).
    ManageSeal,
    /// Destroy the values of a record (R135).
    EraseRecord,
    /// Put together what is held of a person, for the person (R132).
    GiveSubjectAccess,
    /// Make, list and remove webhooks, and send again what they did not take.
    ManageWebhook,
    /// Be told of events by a webhook.
    DeliverEvent,
    /// Say that a changed id has been taken over.
    AcknowledgeChange,
    /// See which readers have not taken over a changed id.
    ReadChaseList,
}

impl Action {
    /// Its name in audit rows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WriteRecord => "write_record",
            Self::ReadRecord => "read_record",
            Self::MatchPerson => "match_person",
            Self::ReadPerson => "read_person",
            Self::SearchPerson => "search_person",
            Self::ReadHistory => "read_history",
            Self::PreferValue => "prefer_value",
            Self::ReadModel => "read_model",
            Self::BringModel => "bring_model",
            Self::ActivateModel => "activate_model",
            Self::ReadEvent => "read_event",
            Self::ReadTask => "read_task",
            Self::WorkTask => "work_task",
            Self::DecideTask => "decide_task",
            Self::ApproveTask => "approve_task",
            Self::ReadSource => "read_source",
            Self::WriteSource => "write_source",
            Self::ReleaseSource => "release_source",
            Self::MergePerson => "merge_person",
            Self::ReadMerge => "read_merge",
            Self::ReadAudit => "read_audit",
            Self::ReconstructPast => "reconstruct_past",
            Self::DisputeValue => "dispute_value",
            Self::AnswerDispute => "answer_dispute",
            Self::ManageSeal => "manage_seal",
            Self::EraseRecord => "erase_record",
            Self::GiveSubjectAccess => "give_subject_access",
            Self::ManageWebhook => "manage_webhook",
            Self::DeliverEvent => "deliver_event",
            Self::AcknowledgeChange => "acknowledge_change",
            Self::ReadChaseList => "read_chase_list",
        }
    }
}

/// Who works through questions, joins and parts.
const STEWARD: &[Action] = &[
    Action::ReadRecord,
    Action::MatchPerson,
    Action::ReadPerson,
    Action::SearchPerson,
    Action::ReadHistory,
    Action::PreferValue,
    Action::DisputeValue,
    Action::AnswerDispute,
    Action::ReadTask,
    Action::WorkTask,
    Action::DecideTask,
    Action::ReadSource,
    Action::ReleaseSource,
    Action::MergePerson,
    Action::ReadMerge,
    Action::ReadChaseList,
];

/// The second pair of eyes.
const APPROVER: &[Action] = &[
    Action::ReadRecord,
    Action::MatchPerson,
    Action::ReadPerson,
    Action::SearchPerson,
    Action::ReadHistory,
    Action::ReadTask,
    Action::WorkTask,
    Action::ActivateModel,
    Action::ApproveTask,
    Action::ReadSource,
    Action::ReleaseSource,
    Action::ReadMerge,
    Action::ReadChaseList,
];

/// What a role may do.
#[must_use]
pub const fn actions(role: Role) -> &'static [Action] {
    use Action::{
        AcknowledgeChange, AnswerDispute, BringModel, DeliverEvent, DisputeValue, EraseRecord,
        GiveSubjectAccess, ManageSeal, ManageWebhook, MatchPerson, ReadAudit, ReadChaseList,
        ReadEvent, ReadHistory, ReadMerge, ReadModel, ReadPerson, ReadRecord, ReadSource, ReadTask,
        ReconstructPast, SearchPerson, WriteRecord, WriteSource,
    };
    match role {
        Role::Integration => &[
            WriteRecord,
            DisputeValue,
            AnswerDispute,
            ReadRecord,
            MatchPerson,
            ReadPerson,
            SearchPerson,
            ReadEvent,
            DeliverEvent,
            AcknowledgeChange,
            ReadChaseList,
            ReadSource,
        ],
        Role::Clinician => &[
            ReadRecord,
            MatchPerson,
            ReadPerson,
            SearchPerson,
            ReadHistory,
            DisputeValue,
            ReadSource,
        ],
        Role::Steward => STEWARD,
        Role::Approver => APPROVER,
        Role::PrivacyOfficer => &[
            ReadRecord,
            MatchPerson,
            ReadPerson,
            SearchPerson,
            ReadHistory,
            ReadEvent,
            ReadTask,
            ReadSource,
            ReadMerge,
            ReadChaseList,
            EraseRecord,
            GiveSubjectAccess,
            DisputeValue,
            AnswerDispute,
            ManageSeal,
        ],
        Role::Engineer => &[ReadSource, ReadModel, BringModel],
        Role::Auditor => &[ReadAudit, ReconstructPast, ReadSource],
        Role::Administrator => &[ReadSource, WriteSource, ManageWebhook],
    }
}

/// The roles that may do it, in words.
pub(super) fn roles_for(action: Action) -> String {
    let may = |(role, _): &&(Role, &str)| actions(*role).contains(&action);
    let names: Vec<&str> = ROLES.iter().filter(may).map(|(_, name)| *name).collect();
    names.join(" or ")
}
