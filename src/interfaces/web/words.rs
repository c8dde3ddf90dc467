//! Plain English for what the ledger says in codes. One place, so that pages do
//! not differ.

use crate::flows::TaskStanding;
use crate::identity::{Severity, Sex};
use crate::matching::{Field, Grade, Route};
use crate::registry::{
    EscalationReason, GoldenField, TaskKind, TaskOutcome, TaskPriority, VersionStanding,
};
use crate::review::Follow;
use crate::security::Role;

/// Kinds of questions by their codes.
pub(super) const KINDS: [(TaskKind, &str, &str); 10] = [
    (
        TaskKind::PossibleDuplicate,
        "possible_duplicate",
        "Are these two persons one?",
    ),
    (
        TaskKind::PossibleDuplicateNumber,
        "possible_duplicate_number",
        "One person with two NHS numbers?",
    ),
    (
        TaskKind::SuspectedConfusion,
        "suspected_confusion",
        "Two people under one NHS number?",
    ),
    (
        TaskKind::OverlayHeld,
        "overlay_held",
        "Has this record turned into somebody else?",
    ),
    (
        TaskKind::LinkDoubtful,
        "link_doubtful",
        "Does this record still belong to this person?",
    ),
    (
        TaskKind::SourceQuarantined,
        "source_quarantined",
        "May this source go on?",
    ),
    (
        TaskKind::SupersessionConflict,
        "supersession_conflict",
        "Which NHS number replaces which?",
    ),
    (
        TaskKind::ImplausibleDates,
        "implausible_dates",
        "Which of these dates is right?",
    ),
    (
        TaskKind::ActivityAfterDeath,
        "activity_after_death",
        "Active after a death: the same person?",
    ),
    (
        TaskKind::MergeApproval,
        "merge_approval",
        "May these two persons become one?",
    ),
];

pub(super) fn kind(kind: TaskKind) -> &'static str {
    let found = KINDS.iter().find(|(known, _, _)| *known == kind);
    found.map_or("", |(_, _, words)| words)
}

/// How tasks stand, by code.
pub(super) const STANDINGS: [(TaskStanding, &str, &str); 8] = [
    (TaskStanding::Waiting, "waiting", "Whatever waits"),
    (TaskStanding::Open, "open", "Open"),
    (TaskStanding::Claimed, "claimed", "In hand"),
    (
        TaskStanding::AwaitingSecond,
        "awaiting_second",
        "Waits for a second reader",
    ),
    (
        TaskStanding::AwaitingThird,
        "awaiting_third",
        "Waits for a third reader",
    ),
    (
        TaskStanding::Escalated,
        "escalated",
        "With the national back office",
    ),
    (TaskStanding::Decided, "decided", "Settled"),
    (TaskStanding::Closed, "closed", "Closed by itself"),
];

pub(super) fn standing(standing: TaskStanding) -> &'static str {
    let found = STANDINGS.iter().find(|(known, _, _)| *known == standing);
    found.map_or("", |(_, _, words)| words)
}

/// Why a task stands where it does.
pub(super) const fn priority(kind: TaskKind, priority: TaskPriority) -> &'static str {
    match priority {
        // Somebody waits, whoever the two are.
        TaskPriority::Sensitive if matches!(kind, TaskKind::MergeApproval) => {
            "Somebody waits for it"
        }
        TaskPriority::Household => "Household of a confirmed duplicate",
        TaskPriority::Confusion => "Confusion",
        TaskPriority::Sensitive => "Child or restricted person",
        TaskPriority::Number => "Two numbers",
        TaskPriority::Weight => "By weight",
    }
}

pub(super) const fn outcome(outcome: TaskOutcome) -> &'static str {
    match outcome {
        TaskOutcome::Same => "Same",
        TaskOutcome::Different => "Different",
        TaskOutcome::CannotTell => "Cannot tell",
        TaskOutcome::Escalate => "Escalate to the national back office",
        TaskOutcome::Approve => "Approve",
        TaskOutcome::Reject => "Reject",
    }
}

/// The key of an outcome on the keyboard.
pub(super) const fn outcome_key(outcome: TaskOutcome) -> &'static str {
    match outcome {
        TaskOutcome::Same => "s",
        TaskOutcome::Different => "d",
        TaskOutcome::CannotTell => "c",
        TaskOutcome::Escalate => "e",
        TaskOutcome::Approve => "a",
        TaskOutcome::Reject => "r",
    }
}

pub(super) fn outcome_of(code: &str) -> Option<TaskOutcome> {
    let all = [
        TaskOutcome::Same,
        TaskOutcome::Different,
        TaskOutcome::CannotTell,
        TaskOutcome::Escalate,
        TaskOutcome::Approve,
        TaskOutcome::Reject,
    ];
    all.into_iter().find(|outcome| outcome.name() == code)
}

/// What would follow, as a sentence.
pub(super) const fn follow(follow: Option<Follow>) -> &'static str {
    match follow {
        None => "It goes to the national back office with its evidence pack.",
        Some(Follow::Nothing) => "Nothing changes; the question is closed.",
        Some(Follow::Merge) => "The two persons become one.",
        Some(Follow::AssertDifferent) => "The two are kept apart from now on.",
        Some(Follow::AcceptHeld) => "The held version becomes current.",
        Some(Follow::RefuseHeld) => "The held version is refused.",
        Some(Follow::AssertSame) => "The record is confirmed to be this person's.",
        Some(Follow::MoveOut) => "The record gets a person of its own.",
        Some(Follow::ReleaseSource) => "The quarantine of the source ends.",
        Some(Follow::ApproveMerge) => "The proposed merge is made.",
        Some(Follow::DropMerge) => "The proposed merge is dropped.",
    }
}

pub(super) const fn field(field: Field) -> &'static str {
    match field {
        Field::Prior => "Before anything is compared",
        Field::NhsNumber => "NHS number",
        Field::GivenName => "First name",
        Field::MiddleName => "Further given names",
        Field::FamilyName => "Family name",
        Field::FullName => "Both names together",
        Field::BirthDate => "Birth date",
        Field::Sex => "Sex",
        Field::Postcode => "Postcode",
        Field::Address => "Address",
        Field::Town => "Town",
        Field::Phone => "Telephone",
        Field::Email => "Email",
        Field::OtherIdentifier => "Other identifier",
        Field::GpPractice => "GP practice",
        Field::BirthOrder => "Birth order",
        Field::HouseholdCap => "Shared by a household",
        Field::TwinCap => "Shared by twins",
    }
}

pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Information => "information",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

pub(super) const fn sex(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
    }
}

/// A field of a golden record.
pub(super) fn golden(field: GoldenField) -> String {
    let mut letters = field.words().chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

pub(super) const fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => "certain",
        Grade::Probable => "probable",
        Grade::Possible => "possible",
        Grade::Unlikely => "unlikely",
    }
}

pub(super) const fn route(route: Option<Route>) -> &'static str {
    match route {
        None => "came first",
        Some(Route::Deterministic) => "linked by a rule about the number",
        Some(Route::Probabilistic) => "linked by weight",
        Some(Route::Human) => "put here by a human",
    }
}

pub(super) const fn version(standing: VersionStanding) -> &'static str {
    match standing {
        VersionStanding::Current => "current",
        VersionStanding::History => "history",
        VersionStanding::Held => "held",
    }
}

pub(super) const fn escalation(reason: EscalationReason) -> &'static str {
    match reason {
        EscalationReason::Asked => "a reader asked for it",
        EscalationReason::TwoLiveNumbers => "one person seems to have two live NHS numbers",
    }
}

pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Integration => "integration",
        Role::Clinician => "clinician",
        Role::Steward => "steward",
        Role::Approver => "approver",
        Role::Engineer => "engineer",
        Role::Auditor => "auditor",
        Role::PrivacyOfficer => "privacy officer",
        Role::Administrator => "administrator",
    }
}

/// What a status code of an NHS number means (NHS data dictionary).
pub(super) fn number_status(code: Option<&str>) -> &'static str {
    match code.map(str::trim) {
        Some("01" | "1") => "verified",
        Some("02" | "2") => "present, not traced",
        Some("03" | "3") => "trace required",
        Some("04" | "4") => "trace attempted, no match",
        Some("05" | "5") => "trace to be resolved",
        Some("06" | "6") => "trace in progress",
        Some("07" | "7") => "not present, trace not required",
        Some("08" | "8") => "trace postponed (baby under six weeks)",
        _ => "status not said",
    }
}

/// How long ago, in the largest whole unit.
pub(super) fn age(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..60 => return "less than a minute".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{age, golden, outcome_of};
    use crate::registry::{GoldenField, TaskOutcome};

    #[test]
    fn fields_begin_with_a_capital() {
        assert_eq!(golden(GoldenField::NhsNumber), "NHS number");
        assert_eq!(golden(GoldenField::BirthDate), "Birth date");
    }

    #[test]
    fn an_age_is_said_in_its_largest_unit() {
        assert_eq!(age(59), "less than a minute");
        assert_eq!(age(60), "1 minute");
        assert_eq!(age(3_600), "1 hour");
        assert_eq!(age(172_800), "2 days");
    }

    #[test]
    fn outcomes_are_read_as_they_are_written() {
        for outcome in [
            TaskOutcome::Same,
            TaskOutcome::CannotTell,
            TaskOutcome::Reject,
        ] {
            assert_eq!(outcome_of(outcome.name()), Some(outcome));
        }
    }
}
