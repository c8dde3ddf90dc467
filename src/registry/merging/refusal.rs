//! Why a human's joining or parting is refused.

use crate::foundation::{AssertionId, MergeId, PersonId, TaskId};
use crate::registry::{ApprovalReason, MergeStatus, RegistryEvent};

/// Why nothing is joined or parted. The texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeRefusal {
    /// No such person.
    #[error("no person with this id is known")]
    UnknownPerson(PersonId),
    /// No such record.
    #[error("no record with this local id is known for this source")]
    UnknownRecord,
    /// No such merge.
    #[error("no merge with this id is known")]
    UnknownMerge,
    /// No such assertion.
    #[error("no assertion with this id is known")]
    UnknownAssertion,
    /// The source has withdrawn the record.
    #[error("the record is withdrawn and belongs to nobody")]
    RecordWithdrawn,
    /// Both ids are the same person's.
    #[error("both are the same person already")]
    SamePerson,
    /// The id was replaced: who names it has not seen who it is now.
    #[error("{person} was replaced by {survivor}; look at that one and name it")]
    Retired {
        /// The id.
        person: PersonId,
        /// Who it is now.
        survivor: PersonId,
    },
    /// The person has no active record.
    #[error("{0} has no active record")]
    Withdrawn(PersonId),
    /// Two different verified numbers of one namespace (R15).
    #[error(
        "both have a verified NHS number, and the numbers differ: nobody local joins them; the \
         question is noted and settled nationally (R15)"
    )]
    TwoVerifiedNumbers(TaskId),
    /// A human has said that they are different (R102).
    #[error("{0} says that these are different people; whoever knows better withdraws it first")]
    AssertedDifferent(AssertionId),
    /// A human has said that they are the same (R102).
    #[error("{0} says that these are the same person's; whoever knows better withdraws it first")]
    AssertedSame(AssertionId),
    /// Records of one person cannot be said to be different people's.
    #[error("both records belong to {0}; move one of them, or undo the merge that joined them")]
    TogetherNow(PersonId),
    /// The same merge waits already.
    #[error("{merge} of these two persons waits for approval already")]
    AlreadyProposed {
        /// The merge.
        merge: MergeId,
        /// The task that asks.
        task: Option<TaskId>,
    },
    /// Somebody has read the question whether the two are one, and another has to: a
    /// merge would go past what was said (R114).
    #[error("the question whether these two are one is half read: answer {0}")]
    HalfRead(TaskId),
    /// It joins two persons for good, which takes two humans (R114).
    #[error("moving its only record joins two persons, which needs approval: ask for a merge")]
    NeedsApproval(Vec<ApprovalReason>),
    /// Who asked may not approve (R114).
    #[error("a second, different person has to approve")]
    SameHuman,
    /// The merge is at another step.
    #[error("the merge is {}", status_in_words(*.0))]
    WrongStatus(MergeStatus),
    /// The record is where it is to go.
    #[error("the record belongs to this person already")]
    AlreadyThere,
    /// The assertion was withdrawn before.
    #[error("the assertion is withdrawn already")]
    AlreadyWithdrawn,
}

/// A refusal with what it leaves behind: a question, for instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Why.
    pub refusal: MergeRefusal,
    /// Events to append all the same; usually none.
    pub events: Vec<RegistryEvent>,
}

impl From<MergeRefusal> for Refused {
    fn from(refusal: MergeRefusal) -> Self {
        Self {
            refusal,
            events: Vec::new(),
        }
    }
}

const fn status_in_words(status: MergeStatus) -> &'static str {
    match status {
        MergeStatus::AwaitingApproval => "not approved yet",
        MergeStatus::Done => "made",
        MergeStatus::Undone => "undone already",
        MergeStatus::Dropped => "not carried out",
    }
}
