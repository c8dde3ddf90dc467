//! Why a decision fell as it did: one reason for each rule that may speak,
//! with its number and a sentence that holds no value of a record.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! reasons {
    ($($variant:ident = $rule:literal, $sentence:literal;)+) => {
        /// A rule that spoke.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $(#[doc = $sentence] $variant,)+
        }

        impl Reason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The rule's number, such as `R15`.
            #[must_use]
            pub const fn rule(self) -> &'static str {
                match self {
                    $(Self::$variant => $rule,)+
                }
            }

            /// Plain English, without values.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$variant => $sentence,)+
                }
            }
        }
    };
}

reasons! {
    TwoVerifiedNumbers = "R15", "Both have a verified NHS number, and the numbers differ: a possible duplicate number, to be settled nationally.";
    DifferentNumbers = "R15", "The NHS numbers differ: at best for review.";
    AssertedDifferent = "R102", "A human decided that these are different people.";
    AssertionContradicted = "R102", "A human decided that these are different people, but their verified NHS numbers are equal.";
    Unborn = "R57", "One is an unborn child: an expected date is not a birth date.";
    PerhapsTheExpectedChild = "R57", "One is an unborn child and the other an infant of the same family and home or mother: perhaps the child that was expected. Nobody is joined by that.";
    DifferentBirthOrder = "R91", "The orders in the multiple birth differ: siblings.";
    NoDatePartEqual = "R55", "No part of the birth dates is equal.";
    SexAndGivenNameDiffer = "R62", "Sex and given name both differ.";
    VerifiedNumberDateAndGivenName = "R7", "The same verified NHS number, birth date and given name.";
    GivenNameContradictsNumber = "R7", "The same NHS number and birth date, but the given names do not agree: a co-twin's number?";
    NumberWithoutSupport = "R8", "The NHS number is equal, but what else there is does not support it enough.";
    VerifiedNumberAndNames = "R9", "The same verified NHS number, both names, and most of the birth date.";
    NumberConfusedBySexAndNames = "R10", "The same NHS number, but sex and both names differ: a suspected confusion.";
    NumberConfusedByDate = "R11", "The same NHS number, but no part of the birth date is equal: a suspected confusion.";
    NumberNotVerified = "R12", "The same NHS number, not verified by both: evidence, no anchor.";
    NumberSuspect = "R13", "A trace of the NHS number failed or is open: decided on demographics only.";
    NumberClaimedTwice = "R19", "The NHS number is claimed by more than one person and anchors nothing.";
    ChangedGender = "R23", "The same verified NHS number and birth date of an adult, whose sex and given name changed.";
    SexContradictsNumber = "R23", "The same NHS number and birth date, but the sexes differ: for review.";
    ReissuedNumber = "R24", "The NHS number may be one of those issued twice between December 1995 and March 1997.";
    ParentNumber = "R95", "The same NHS number, but the birth dates are a generation apart: a parent's number?";
    NumberNamesAndMostOfDate = "R54", "The same NHS number, both names, and most of the birth date.";
    DateNotExact = "R54", "Without a verified NHS number an inexact birth date does not link.";
    NewbornNotNamed = "R92", "A newborn's placeholder and a named child: for review until number, birth order or mother settles it.";
    PossibleMultipleBirth = "R90", "What agrees is what twins share: possible multiple birth.";
    WeightAboveThreshold = "R81", "The evidence together reaches the linking threshold.";
    TooFewFieldsAgree = "R80", "Fewer than three of given name, family name, birth date, sex and postcode agree.";
    NamesInexact = "R80", "Neither name agrees exactly, and no number supports them.";
    GivenNameDoesNotAgree = "R80", "The given names do not agree.";
    HouseholdOfDuplicate = "R94", "Somebody of the same household was confirmed to be registered twice in the same way.";
    RunnerUpTooClose = "R83", "Another person is nearly as likely.";
    KnownDuplicate = "R83", "The other person as likely is an open possible duplicate of this one.";
    MembersDisagree = "R97", "The person's records as a whole do not support it.";
    NoCommonKey = "R96", "The records share no key under which both would have been locked.";
    BelowLinkThreshold = "R82", "The evidence is enough for review, not for a link.";
    UpdateTurnsIntoSomeoneElse = "R101", "The update contradicts the earlier version in two or more of names, birth date, sex and verified NHS number.";
    SourceConflictsJumped = "R98", "More records of this source than usual contradict what is known: its records are kept and not acted on.";
    SourceDefaultsJumped = "R98", "More records of this source than usual hold default names, dates or postcodes: its records are kept and not acted on.";
    SupersessionConflicts = "R18", "The NHS number is said to be replaced in a circle, or by two different numbers.";
    SecondVerifiedNumber = "R20", "The update brings a second verified NHS number to a person that has one.";
    TooManyRecords = "R98", "The person has more records than anybody's: no further one joins by itself.";
    TooManyBirthDates = "R98", "The person would have more than three birth dates.";
    TwoLiveNumbers = "R98", "The person would have two verified NHS numbers.";
    SexesAndNamesDiffer = "R98", "The person would have records of both sexes without a common given name.";
    DatesImplausible = "R56", "A birth after the event that the record speaks of, or a death before the birth: the value is not used.";
    ActiveAfterDeath = "R58", "A record speaks of a time after the death that another record tells of.";
    UnmergeUnclear = "R103", "The record came while two persons were one; they are parted again, and the evidence does not say to whom it belongs.";
    UpdateContradictsPerson = "R101", "After this update the record fits the person's other records badly.";
    ValueDisputed = "R133", "Somebody disputes a value on which the link rests: it is possible until the source has answered.";
    SourceMergedIds = "R104", "The source says that its two records are one patient's.";
    AskedToLearn = "R86", "Nobody suspects anything: the pair weighs about what a threshold of the model does, and somebody has asked for it to be read, so that a model can learn from the answer.";
}

impl Reason {
    /// Whether it suspects one number on two people.
    #[must_use]
    pub const fn suspects_confusion(self) -> bool {
        matches!(
            self,
            Self::GivenNameContradictsNumber
                | Self::NumberConfusedBySexAndNames
                | Self::NumberConfusedByDate
                | Self::NumberClaimedTwice
                | Self::SexContradictsNumber
                | Self::ReissuedNumber
                | Self::ParentNumber
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn every_reason_has_a_rule_and_a_sentence() {
        for reason in Reason::ALL {
            assert!(reason.rule().starts_with('R') && reason.sentence().ends_with(['.', '?']));
        }
    }
}
