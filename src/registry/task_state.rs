//! A question for a human and how far it has come. A fold of its events; which
//! step may follow which is the business of `review`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::matching::{Field, Reason};
use crate::registry::{ComparedVersion, EvidenceRow, RegistryEvent, RegistryState, TaskKind};

/// How far a question has come. A claim is not in here: it ends by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStage {
    /// Nobody has read it.
    Open,
    /// One has; another person has to (R114).
    SecondReader,
    /// Two have, and differ; a third has to.
    ThirdReader,
    /// It waits for the national back office (R119); then it is read again.
    Escalated,
    /// People have settled it.
    Decided,
    /// The question is gone.
    Closed,
}

/// What a reader says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskOutcome {
    /// One person; of a held version: the same patient.
    Same,
    /// Two people; of a held version: somebody else.
    Different,
    /// What is known does not tell.
    CannotTell,
    /// The national back office has to say.
    Escalate,
    /// What was proposed may be done.
    Approve,
    /// It may not.
    Reject,
}

impl TaskOutcome {
    /// Its name in requests, forms and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
            Self::CannotTell => "cannot_tell",
            Self::Escalate => "escalate",
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// Where a question stands in the queue (R94, R116); the first is the most
/// urgent. Whoever is an active inpatient is not known here.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskPriority {
    /// The household of a duplicate that was just confirmed (R94).
    Household,
    /// Two people in one record or under one number.
    Confusion,
    /// A child, or a person whose location is restricted.
    Sensitive,
    /// Two numbers on one person.
    Number,
    /// By weight, the heaviest first.
    #[default]
    Weight,
}

impl TaskPriority {
    /// All, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Household,
        Self::Confusion,
        Self::Sensitive,
        Self::Number,
        Self::Weight,
    ];

    /// Its place in the queue, 0 first.
    #[must_use]
    pub const fn place(self) -> u8 {
        self as u8
    }

    /// Whether it is what stored events leave out.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody works on it until then. After that it is as good as open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskClaim {
    /// Account, or the person for whom a system acts.
    pub by: String,
    /// When the lease ends.
    pub until: Instant,
}

/// What one reader said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRead {
    /// Account, or the person for whom a system acts.
    pub by: String,
    /// What was said.
    pub outcome: TaskOutcome,
    /// Digest of what was seen.
    pub evidence: String,
    /// Counted from 1; re-opening begins another.
    pub round: u32,
    /// Position of its event.
    pub position: EventPosition,
}

/// A level that is another than when people decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelChange {
    /// What was compared.
    pub field: Field,
    /// The level then; absent where it was not compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// The level now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub now: Option<String>,
}

/// A question for a human.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskState {
    /// What is asked.
    pub kind: TaskKind,
    /// How far it has come.
    pub stage: TaskStage,
    /// The record that raised it.
    pub record: RecordNumber,
    /// The person, or the pair in order of id.
    pub persons: Vec<PersonId>,
    /// Weight of the evidence.
    pub weight_bits: Option<f64>,
    /// The rules that spoke.
    pub reasons: Vec<Reason>,
    /// What raised it.
    pub evidence: String,
    /// Position of the last event about it.
    pub position: EventPosition,
    /// Where it stands in the queue.
    pub priority: TaskPriority,
    /// The versions that were compared.
    pub compared: Vec<ComparedVersion>,
    /// The rows of that comparison.
    pub rows: Vec<EvidenceRow>,
    /// Why it was opened again, where it was.
    pub changed: Vec<LevelChange>,
    /// Who works on it.
    pub claim: Option<TaskClaim>,
    /// What readers said, all rounds.
    pub reads: Vec<TaskRead>,
    /// The present round.
    pub round: u32,
    /// What was decided, where it was.
    pub outcome: Option<TaskOutcome>,
    /// Events about it.
    pub version: u32,
}

impl TaskState {
    /// Whether it waits for somebody.
    #[must_use]
    pub const fn waits(&self) -> bool {
        !matches!(self.stage, TaskStage::Decided | TaskStage::Closed)
    }

    /// Whether it asks for the approval of a merge in the place of the question whether
    /// its two persons are one (R118).
    #[must_use]
    pub fn stands_for_a_question(&self) -> bool {
        let compared = self.weight_bits.is_some() || !self.reasons.is_empty();
        self.kind == TaskKind::MergeApproval && compared
    }

    /// The claim, while its lease lasts.
    #[must_use]
    pub fn claim_at(&self, now: Instant) -> Option<&TaskClaim> {
        self.claim.as_ref().filter(|claim| claim.until > now)
    }

    /// What readers of this round said.
    pub fn reads_of_round(&self) -> impl Iterator<Item = &TaskRead> {
        self.reads.iter().filter(|read| read.round == self.round)
    }
}

/// What a question says about the evidence for it.
struct Evidence<'e> {
    record: RecordNumber,
    weight_bits: Option<f64>,
    reasons: &'e [Reason],
    digest: &'e str,
    compared: &'e [ComparedVersion],
    rows: &'e [EvidenceRow],
}

impl RegistryState {
    /// Takes an event about a task.
    pub(super) fn apply_task(&mut self, event: &RegistryEvent, position: EventPosition) {
        if let RegistryEvent::TaskOpened { task, .. } = event {
            if let Some(state) = opened(event, position) {
                self.tasks.insert(*task, state);
            }
            return;
        }
        let state = task_of(event).and_then(|task| self.tasks.get_mut(&task));
        if let Some(state) = state {
            state.take(event, position);
            state.position = position;
            state.version += 1;
        }
    }
}

fn opened(event: &RegistryEvent, position: EventPosition) -> Option<TaskState> {
    let RegistryEvent::TaskOpened {
        kind,
        record,
        persons,
        weight_bits,
        reasons,
        evidence,
        priority,
        compared,
        rows,
        ..
    } = event
    else {
        return None;
    };
    Some(TaskState {
        kind: *kind,
        stage: TaskStage::Open,
        record: *record,
        persons: persons.clone(),
        weight_bits: *weight_bits,
        reasons: reasons.clone(),
        evidence: evidence.clone(),
        position,
        priority: *priority,
        compared: compared.clone(),
        rows: rows.clone(),
        changed: Vec::new(),
        claim: None,
        reads: Vec::new(),
        round: 1,
        outcome: None,
        version: 1,
    })
}

impl TaskState {
    fn take(&mut self, event: &RegistryEvent, position: EventPosition) {
        if let Some(evidence) = evidence_of(event) {
            self.take_evidence(&evidence);
        }
        match event {
            RegistryEvent::TaskUpdated { priority, .. } => {
                self.priority = self.priority.min(*priority);
            }
            RegistryEvent::TaskReopened {
                priority, changed, ..
            } => {
                self.stage = TaskStage::Open;
                self.priority = *priority;
                self.changed.clone_from(changed);
                self.round += 1;
                self.outcome = None;
            }
            RegistryEvent::TaskClosed { .. } => {
                self.stage = TaskStage::Closed;
                self.claim = None;
            }
            RegistryEvent::TaskClaimed { by, until, .. } => {
                self.claim = Some(TaskClaim {
                    by: by.clone(),
                    until: *until,
                });
            }
            RegistryEvent::TaskReleased { .. } => self.claim = None,
            RegistryEvent::TaskRead {
                by,
                outcome,
                evidence,
                ..
            } => {
                self.reads.push(TaskRead {
                    by: by.clone(),
                    outcome: *outcome,
                    evidence: evidence.clone(),
                    round: self.round,
                    position,
                });
                self.claim = None;
                self.stage = match self.reads_of_round().count() {
                    0 | 1 => TaskStage::SecondReader,
                    _ => TaskStage::ThirdReader,
                };
            }
            RegistryEvent::TaskDecided { outcome, .. } => {
                self.stage = TaskStage::Decided;
                self.outcome = Some(*outcome);
            }
            RegistryEvent::TaskEscalated { .. } => self.stage = TaskStage::Escalated,
            _ => {}
        }
    }

    fn take_evidence(&mut self, evidence: &Evidence<'_>) {
        self.record = evidence.record;
        self.weight_bits = evidence.weight_bits;
        self.reasons = evidence.reasons.to_vec();
        evidence.digest.clone_into(&mut self.evidence);
        self.compared = evidence.compared.to_vec();
        self.rows = evidence.rows.to_vec();
    }
}

fn evidence_of(event: &RegistryEvent) -> Option<Evidence<'_>> {
    match event {
        RegistryEvent::TaskUpdated {
            record,
            weight_bits,
            reasons,
            evidence,
            compared,
            rows,
            ..
        }
        | RegistryEvent::TaskReopened {
            record,
            weight_bits,
            reasons,
            evidence,
            compared,
            rows,
            ..
        } => Some(Evidence {
            record: *record,
            weight_bits: *weight_bits,
            reasons,
            digest: evidence,
            compared,
            rows,
        }),
        _ => None,
    }
}

/// The task that an event is about.
#[must_use]
pub const fn task_of(event: &RegistryEvent) -> Option<TaskId> {
    match event {
        RegistryEvent::TaskOpened { task, .. }
        | RegistryEvent::TaskUpdated { task, .. }
        | RegistryEvent::TaskClosed { task, .. }
        | RegistryEvent::TaskReopened { task, .. }
        | RegistryEvent::TaskClaimed { task, .. }
        | RegistryEvent::TaskReleased { task, .. }
        | RegistryEvent::TaskRead { task, .. }
        | RegistryEvent::TaskDecided { task, .. }
        | RegistryEvent::TaskEscalated { task, .. }
        | RegistryEvent::TaskCommented { task, .. } => Some(*task),
        _ => None,
    }
}

/// Which levels are others than before; fields in order. What stands beside the
/// fields (prior, caps) follows from them and from the model, and is left out.
#[must_use]
pub fn level_changes(before: &[EvidenceRow], now: &[EvidenceRow]) -> Vec<LevelChange> {
    let (before, now) = (levels(before), levels(now));
    let mut fields: Vec<Field> = before.keys().chain(now.keys()).copied().collect();
    fields.sort_unstable();
    fields.dedup();
    let changes = fields.into_iter().map(|field| LevelChange {
        field,
        before: before.get(&field).map(|level| (*level).to_owned()),
        now: now.get(&field).map(|level| (*level).to_owned()),
    });
    changes
        .filter(|change| change.before != change.now)
        .collect()
}

fn levels(rows: &[EvidenceRow]) -> BTreeMap<Field, &str> {
    let fields = rows.iter().filter(|row| {
        !matches!(
            row.field,
            Field::Prior | Field::FullName | Field::HouseholdCap | Field::TwinCap
        )
    });
    fields.map(|row| (row.field, row.level.as_str())).collect()
}

/// Whether the changes are facts that nobody has judged yet: what is missing now
/// and was there then is no new fact.
#[must_use]
pub fn is_new_evidence(changes: &[LevelChange]) -> bool {
    changes
        .iter()
        .any(|change| change.now.as_deref().is_some_and(|level| level != MISSING))
}

/// The level of a field that one side does not have (R75).
const MISSING: &str = "missing";

#[cfg(test)]
mod tests {
    use super::{is_new_evidence, level_changes};
    use crate::matching::Field;
    use crate::registry::EvidenceRow;

    fn row(field: Field, level: &str) -> EvidenceRow {
        EvidenceRow {
            field,
            level: level.to_owned(),
            weight_bits: 1.0,
        }
    }

    #[test]
    fn another_weight_or_prior_is_no_other_evidence() {
        let before = [row(Field::Prior, "one_in"), row(Field::Sex, "same")];
        let mut now = before.clone();
        now[0].level = "another".into();
        now[1].weight_bits = 7.0;
        assert_eq!(level_changes(&before, &now), []);
    }

    #[test]
    fn a_fact_that_went_missing_is_not_new_and_one_that_came_is() {
        let known = [row(Field::Phone, "exact"), row(Field::Sex, "same")];
        let gone = [row(Field::Phone, "missing"), row(Field::Sex, "same")];
        let changes = level_changes(&known, &gone);
        assert_eq!(changes.len(), 1);
        assert!(!is_new_evidence(&changes));
        assert!(is_new_evidence(&level_changes(&gone, &known)));
    }
}
