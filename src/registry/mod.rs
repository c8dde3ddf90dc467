//! Who is who, and since when. Pure: state and command in, events or a refusal out.
//!
//! Invariants (each is checked by `verify`):
//! 1. Each active record is linked to exactly one active person.
//! 2. No active person is without an active record; nothing is deleted.
//! 3. A retired person id resolves to one active (or withdrawn) person and is never reused.
//! 4. An update never moves a record out of a person that has other records.
//! 5. State is a fold of events: `apply` is the only code that changes it.

mod answer;
mod candidates;
mod disclosure;
mod erase;
mod event;
mod event_words;
mod evidence;
mod golden_record;
mod golden_values;
mod household;
mod known_tasks;
mod merging;
mod number_claim;
mod prefer;
mod quarantine;
mod record_state;
mod register;
mod registration;
mod release;
mod scorecard;
mod seal;
mod source;
mod source_merge;
mod state;
mod supersession;
mod survivorship;
mod task_state;
mod task_words;
mod tasks;
mod withdraw;

pub use answer::{OtherPerson, Outcome, RegistrationAnswer};
pub use disclosure::{Gate, ShownRow, ShownValues};
pub use erase::erase;
pub use event::RegistryEvent;
pub use event_words::{
    ComparedVersion, DisputeEnd, EvidenceRow, LinkDecision, NumberHash, UnlinkReason,
    VersionStanding,
};
pub use golden_record::{
    Chosen, GoldenRecord, GoldenValue, Lost, LostValue, NumberFacts, Preferred, golden_record,
};
pub use golden_values::{Contribution, Origin};
pub use household::{lives_with, sweep_household};
pub use known_tasks::KnownTasks;
pub use merging::{
    ApprovalReason, AssertionAnswer, AssertionCommand, AssertionKind, AssertionState, Carried,
    Deviation, DeviationKind, DropReason, Effects, Home, MergeAnswer, MergeCommand, MergeRefusal,
    MergeState, MergeStatus, MoveAnswer, MoveCommand, MoveTarget, PersonChange, RecordChange,
    Refused, TaskChange, UndoAnswer, approve_merge, ask_what_it_stood_for, assert_records,
    drop_merge, merge_persons, move_record, needs_approval, undo_merge, withdraw_assertion,
};
pub use number_claim::{carried_number, claimed_number};
pub use prefer::{Preference, PreferenceRefused, prefer_value};
pub use quarantine::{
    CONFLICTS_MIN, ConflictKind, Earlier, LONG_RUN_RECORDS, Quarantine, QuarantineReason,
    SourceState, WINDOW_RECORDS, holds_default,
};
pub use record_state::{LinkState, RecordState, RecordStatus, VersionState};
pub use register::{DisputeRefused, accept_held, dispute, end_dispute, register, rejudge};
pub use registration::{PreparedPerson, Registered, Registration};
pub use release::{DecidedAgain, WaitingVersion, decide_again, release_source};
pub use scorecard::{Measure, SampledRecord, Scorecard};
pub use seal::{SealRefusal, SealState, Seals, object, seal};
pub use source::{InvalidName, LocalId, Source, SourceCode};
pub use source_merge::{
    SourceMergeAnswer, SourceMergeCommand, SourceMergeOutcome, SourceMergeRefusal,
    merge_source_records,
};
pub use state::{Member, PersonState, PersonStatus, RegistryState};
pub use supersession::{LiveNumbers, Replacement, Replacements, live_number, number_hash};
pub use survivorship::{Criterion, GoldenField, Survivorship, SurvivorshipProblem};
pub use task_state::{
    LevelChange, TaskClaim, TaskOutcome, TaskPriority, TaskRead, TaskStage, TaskState,
    is_new_evidence, level_changes, task_of,
};
pub use task_words::{CloseReason, EscalationReason, TaskKind};
pub use tasks::{is_child, rests_on};
pub use withdraw::withdraw;

use crate::foundation::{
    AssertionId, Chance, EventPosition, Instant, MergeId, PersonId, RecordNumber, SealId, TaskId,
};

/// What a command needs beside the state: the present, chance for new ids, and
/// the next numbers.
pub struct Numbering<'a> {
    /// The present.
    pub now: Instant,
    /// Chance for ids.
    pub chance: &'a dyn Chance,
}

impl Numbering<'_> {
    /// A new person id.
    #[must_use]
    pub fn person(&self) -> PersonId {
        PersonId::new(self.now, self.chance)
    }

    /// A new seal id.
    #[must_use]
    pub fn seal(&self) -> SealId {
        SealId::new(self.now, self.chance)
    }

    /// A new task id.
    #[must_use]
    pub fn task(&self) -> TaskId {
        TaskId::new(self.now, self.chance)
    }

    /// A new merge id.
    #[must_use]
    pub fn merge(&self) -> MergeId {
        MergeId::new(self.now, self.chance)
    }

    /// A new assertion id.
    #[must_use]
    pub fn assertion(&self) -> AssertionId {
        AssertionId::new(self.now, self.chance)
    }
}

/// What a command leads to: events to append and what to write beside them.
#[derive(Debug)]
pub struct Change<A> {
    /// Events in order; empty when nothing changes.
    pub events: Vec<RegistryEvent>,
    /// What the caller is told.
    pub answer: A,
}

/// Why a command is refused. The texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such record.
    #[error("no record with this local id is known for this source")]
    UnknownRecord,
    /// Withdrawn before.
    #[error("the record is withdrawn already")]
    AlreadyWithdrawn,
    /// `If-Match` named another version.
    #[error("the record has changed since the version that If-Match names")]
    StaleVersion,
}

/// The last position and record number that a state has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Position of the last event.
    pub position: EventPosition,
    /// Highest record number given out.
    pub record: RecordNumberCounter,
}

/// Highest record number given out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordNumberCounter(pub i64);

impl RecordNumberCounter {
    /// The next free number.
    #[must_use]
    pub const fn next(self) -> RecordNumber {
        RecordNumber(self.0 + 1)
    }
}
