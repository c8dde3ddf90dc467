//! Questions for a human as a state machine: who may take which step, and what
//! follows from what readers say. Pure: task and step in, events or a refusal
//! out.
//!
//! | stage | who may read it next | reads lead to |
//! | --- | --- | --- |
//! | open | a steward | decided; the second reader, where R114 asks for two |
//! | second reader | an approver, not the first reader, who does not see what the first said | decided when both say the same, else the third reader |
//! | third reader | an approver, neither of the two | decided |
//! | escalated | as before it was escalated: the national back office has answered | as above |
//! | decided | nobody | open again, when evidence comes that nobody has judged |
//! | closed (the question is gone) | nobody | |
//!
//! Any stage that waits may be claimed: a lease for one person, that ends by the
//! clock. R114 asks for two readers of a question that may lead to a merge with
//! consequences; both read it whatever the first says, because a question that
//! came to the second reader only after "same" would tell what the first said.
//! A third "same" merges only with another "same" beside it: a merge takes two.
//!
//! What an outcome means for each kind of question ("–": not an outcome of it;
//! all but the last two may be escalated, and then wait with their evidence pack):
//!
//! | kind | same | different | `cannot_tell` | approve | reject |
//! | --- | --- | --- | --- | --- | --- |
//! | `possible_duplicate`, `possible_duplicate_number`, `suspected_confusion` | the persons are merged; with two live verified numbers (R15) it is escalated as suspected to be one | an assertion keeps them apart | they stay apart until there is other evidence | – | – |
//! | `overlay_held` | the held version is the same patient: it becomes current; where it brings a second verified number it is escalated (R20) | it is somebody else: the version is refused, and the record says so to its source | it stays held | – | – |
//! | `link_doubtful` | the record stays; an assertion says so | the record gets a person of its own, kept apart by an assertion | it stays, with the warning that it carries | – | – |
//! | `supersession_conflict` | – | – | nothing changes | – | the statement is not taken: a version held for it is refused |
//! | `implausible_dates` | – | – | nothing changes | the dates stand as they are | a date is wrong: its source has to mend it |
//! | `activity_after_death` | the activity is this patient's | it is somebody else's: the record gets a person of its own | nothing changes | – | – |
//! | `source_quarantined` | – | – | – | the source is released (R98) | – |
//! | `merge_approval` | – | – | – | the merge is made (R114) | it is dropped |
//!
//! A confusion that people leave apart goes on keeping the number from anchoring
//! anything (R19): whose number it is says the national service.

use follow::names_of;

use crate::registry::TaskKind;

mod agreement;
mod carrying;
mod evidence;
mod follow;
mod foresight;
mod known_pairs;
mod reading;
mod rules;
#[cfg(test)]
mod tests;

pub use agreement::{Agreement, KnownAnswer, agreement, share_interval};
pub use carrying::{Carried, carry_out, needs_of, needs_reason, reasons_for_two};
pub use evidence::{SeenRecord, evidence_seen};
pub use follow::{Follow, follow, outcomes};
pub use foresight::{Foreseen, Foresight, foresee};
pub use known_pairs::{KnownPair, KnownPairEntry, MadeUpRecord, Making, settle_known_pair};
pub use reading::{
    Needs, Reading, Reviewer, Said, assign, barred, claim, comment, may_see_read, read, release,
};

pub use rules::{DueTimes, NoDueTime, ReviewRules};

/// Why a step is refused. The texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefusal {
    /// People have settled it, or the question is gone.
    #[error("the question is settled already; read it again")]
    Settled,
    /// Somebody else holds the claim.
    #[error("somebody else has this question in hand; its claim says until when")]
    InHand,
    /// There is no claim of this person.
    #[error("this question is not in your hands; claim it first, or leave it")]
    NotInHand,
    /// This person has read it in this round (R114).
    #[error("you have read this question already; another person has to read it now")]
    SamePerson,
    /// The first read is a steward's.
    #[error("this question waits for its first reader, who must be a steward")]
    NotSteward,
    /// Later reads are an approver's.
    #[error("this question waits for a second pair of eyes, which must be an approver's")]
    NotApprover,
    /// The kind of question has no such outcome.
    #[error("this kind of question has no such outcome; say {}", names_of(*.0))]
    NotAnOutcome(TaskKind),
    /// What was seen is not what is known now.
    #[error("the evidence has changed since it was read; read the question again")]
    StaleEvidence {
        /// What would be seen now.
        now: String,
    },
}
