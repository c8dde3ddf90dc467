//! What the decision table says of one candidate person by itself: steps 1 to
//! 9 of `decision`. Candidates beside each other are not here, except that a
//! co-twin among them is known.

use crate::identity::StandardRecord;
use crate::matching::comparison::ComparisonVector;
use crate::matching::levels::{
    BirthDateLevel, BirthOrderLevel, GivenNameLevel, NhsNumberLevel, SexLevel,
};
use crate::matching::pair_facts::{
    agreeing_fields, born_when_reissued, both_names_inexact, same_mother,
};
use crate::matching::{Candidate, LinkageModel, Reason, Route, blocking_keys};

/// An adult's sex may change with the number kept (R23).
const ADULT_AGE_MIN: i16 = 18;
/// A parent is at least this much older than a child (R95).
const GENERATION_YEARS: i16 = 12;
/// Of given, family, date, sex and postcode so many must agree (R80).
const AGREEING_FIELDS_MIN: usize = 3;

/// What one candidate would be if it were alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Link by this route.
    Link(Route),
    /// A human looks.
    Review,
    /// Not this person.
    No,
}

/// A candidate's verdict with its reasons.
#[derive(Debug, Clone)]
pub(super) struct Assessment {
    pub(super) verdict: Verdict,
    pub(super) reasons: Vec<Reason>,
    /// An automatic link is forbidden whatever the score.
    pub(super) vetoed: bool,
    /// Not even to be shown as possible.
    pub(super) ruled_out: bool,
    /// A member carries the record's number, not suspect.
    pub(super) same_number: bool,
}

impl Assessment {
    pub(super) fn add(&mut self, reason: Reason) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    fn settle(mut self, verdict: Verdict, reason: Reason) -> Self {
        self.verdict = verdict;
        self.add(reason);
        self
    }
}

/// One candidate with everything that the steps read.
struct Case<'a> {
    model: &'a LinkageModel,
    record: &'a StandardRecord,
    candidate: &'a Candidate<'a>,
    vectors: &'a [ComparisonVector],
    co_twin_known: bool,
}

/// The record against each member of each candidate: compared once, and read
/// by all steps of all candidates.
pub(super) fn compare_all(
    model: &LinkageModel,
    record: &StandardRecord,
    candidates: &[Candidate<'_>],
) -> Vec<Vec<ComparisonVector>> {
    let compare = |candidate: &Candidate<'_>| {
        let members = candidate.members.iter();
        members
            .map(|member| model.compare(record, member))
            .collect()
    };
    candidates.iter().map(compare).collect()
}

/// Applies steps 1 to 9 to `candidates[place]`; `vectors` are those of
/// [`compare_all`].
pub(super) fn assess(
    model: &LinkageModel,
    record: &StandardRecord,
    candidates: &[Candidate<'_>],
    vectors: &[Vec<ComparisonVector>],
    place: usize,
) -> Assessment {
    let candidate = &candidates[place];
    let case = Case {
        model,
        record,
        candidate,
        vectors: &vectors[place],
        co_twin_known: co_twin_known(record, candidate, vectors, place),
    };
    let mut assessment = Assessment {
        verdict: Verdict::No,
        reasons: Vec::new(),
        vetoed: false,
        ruled_out: false,
        same_number: case.carries_same_number(),
    };
    if candidate.number_confused
        && case
            .vectors
            .iter()
            .any(|vector| vector.nhs_number().is_same())
    {
        assessment.add(Reason::NumberClaimedTwice);
    }
    if candidate.score.twin_capped {
        assessment.add(Reason::PossibleMultipleBirth);
    }
    if case
        .vectors
        .iter()
        .any(|vector| vector.nhs_number() == NhsNumberLevel::SameSuspect)
    {
        assessment.add(Reason::NumberSuspect);
    }
    if let Some(reason) = case.ruled_out() {
        return case.settle_ruled_out(assessment, reason);
    }
    let vetoes = case.vetoes();
    if !vetoes.is_empty() {
        return case.settle_vetoed(assessment, &vetoes);
    }
    if let Some((verdict, reason)) = case.number_verdict() {
        return assessment.settle(verdict, reason);
    }
    case.settle_by_weight(assessment)
}

impl Case<'_> {
    /// The weight that counts: a number under investigation says nothing (R11,
    /// R19), and the demographics decide as they do for a suspect one (R13).
    fn bits(&self) -> f64 {
        let score = &self.candidate.score;
        if self.candidate.number_confused {
            score.without_number.bits()
        } else {
            score.weight.bits()
        }
    }

    fn reaches_review(&self, bits: f64) -> bool {
        bits >= self.model.review_threshold().bits()
    }

    fn pairs(&self) -> impl Iterator<Item = (&ComparisonVector, &StandardRecord)> {
        self.vectors
            .iter()
            .zip(self.candidate.members.iter().copied())
    }

    /// Step 1.
    fn ruled_out(&self) -> Option<Reason> {
        if self.candidate.asserted_different {
            return Some(Reason::AssertedDifferent);
        }
        self.candidate
            .members
            .iter()
            .any(|member| member.unborn != self.record.unborn)
            .then_some(Reason::Unborn)
    }

    fn settle_ruled_out(&self, mut assessment: Assessment, reason: Reason) -> Assessment {
        assessment.vetoed = true;
        let verified = self
            .vectors
            .iter()
            .any(|vector| vector.nhs_number() == NhsNumberLevel::SameVerified);
        if reason == Reason::AssertedDifferent && verified {
            return assessment.settle(Verdict::Review, Reason::AssertionContradicted);
        }
        assessment.ruled_out = true;
        assessment.settle(Verdict::No, reason)
    }

    /// Step 2: all vetoes that any member raises.
    fn vetoes(&self) -> Vec<Reason> {
        let mut vetoes = Vec::new();
        for vector in self.vectors {
            let verified = vector.nhs_number() == NhsNumberLevel::SameVerified;
            let same = vector.nhs_number().is_same() && !self.candidate.number_confused;
            let given_differs =
                !(vector.given_name().agrees() || vector.given_name() == GivenNameLevel::Missing);
            let raised = [
                (
                    vector.nhs_number() == NhsNumberLevel::DifferentVerified,
                    Reason::TwoVerifiedNumbers,
                ),
                (
                    vector.birth_order() == BirthOrderLevel::Different,
                    Reason::DifferentBirthOrder,
                ),
                // With the same number it is a suspected confusion, step 3.
                (
                    vector.birth_date() == BirthDateLevel::NoPart && !same,
                    Reason::NoDatePartEqual,
                ),
                (
                    vector.sex() == SexLevel::Different && given_differs && !verified && !same,
                    Reason::SexAndGivenNameDiffer,
                ),
            ];
            for (applies, reason) in raised {
                if applies && !vetoes.contains(&reason) {
                    vetoes.push(reason);
                }
            }
        }
        vetoes
    }

    fn settle_vetoed(&self, mut assessment: Assessment, vetoes: &[Reason]) -> Assessment {
        assessment.vetoed = true;
        for reason in vetoes {
            assessment.add(*reason);
        }
        let score = &self.candidate.score;
        let bits = if vetoes.contains(&Reason::TwoVerifiedNumbers) {
            score.without_number.bits()
        } else {
            self.bits()
        };
        let review = self.reaches_review(bits) || assessment.same_number;
        assessment.verdict = if review { Verdict::Review } else { Verdict::No };
        assessment
    }

    /// Steps 3 to 5 over all members that carry the same number: a confusion
    /// with any of them comes first, then a link by any of them.
    fn number_verdict(&self) -> Option<(Verdict, Reason)> {
        if self.candidate.number_confused {
            return None;
        }
        let mut link = None;
        let mut doubt = None;
        for (vector, member) in self
            .pairs()
            .filter(|(vector, _)| vector.nhs_number().is_same())
        {
            if let Some(reason) = self.confusion(vector, member) {
                return Some((Verdict::Review, reason));
            }
            match self.number_link(vector, member) {
                Ok(reason) => link = link.or(Some((Verdict::Link(Route::Deterministic), reason))),
                Err(reason) => doubt = doubt.or(reason.map(|reason| (Verdict::Review, reason))),
            }
        }
        link.or(doubt)
    }

    /// Step 3.
    fn confusion(&self, vector: &ComparisonVector, member: &StandardRecord) -> Option<Reason> {
        let date = vector.birth_date();
        let both_names_differ = vector.given_name().differs() && vector.family_name().differs();
        let years = |record: &StandardRecord| record.birth_date.map(|birth| birth.date.year());
        let apart = years(self.record)
            .zip(years(member))
            .is_some_and(|(a, b)| a.abs_diff(b) >= GENERATION_YEARS.unsigned_abs());
        let other_date = !date.is_exact() && date != BirthDateLevel::Missing;
        if apart && (date != BirthDateLevel::NoPart || vector.shares_household()) {
            Some(Reason::ParentNumber)
        } else if date == BirthDateLevel::NoPart {
            Some(Reason::NumberConfusedByDate)
        } else if (born_when_reissued(self.record) || born_when_reissued(member))
            && (other_date || both_names_differ)
        {
            Some(Reason::ReissuedNumber)
        } else if vector.sex() == SexLevel::Different && both_names_differ {
            Some(Reason::NumberConfusedBySexAndNames)
        } else {
            None
        }
    }

    /// Steps 4 and 5: the rule that links, or why this number does not;
    /// `Err(None)` leaves it to the weight.
    fn number_link(
        &self,
        vector: &ComparisonVector,
        member: &StandardRecord,
    ) -> Result<Reason, Option<Reason>> {
        let (date, given, family) = (
            vector.birth_date(),
            vector.given_name(),
            vector.family_name(),
        );
        let verified = vector.nhs_number() == NhsNumberLevel::SameVerified;
        let both_fuzzy = given.is_at_least_fuzzy() && family.is_at_least_fuzzy();
        if verified && date.is_exact() {
            if self.record.newborn_placeholder != member.newborn_placeholder {
                return if self.co_twin_known {
                    Err(Some(Reason::NewbornNotNamed))
                } else {
                    Ok(Reason::VerifiedNumberDateAndGivenName)
                };
            }
            if given.agrees() {
                return Ok(Reason::VerifiedNumberDateAndGivenName);
            }
            if vector.sex() == SexLevel::Different {
                let changed =
                    self.is_adult() && family.is_at_least_variant() && !self.co_twin_known;
                return if changed {
                    Ok(Reason::ChangedGender)
                } else {
                    Err(Some(Reason::SexContradictsNumber))
                };
            }
            // "Surinder" and "Suvinder" may be twins with one number between them (R90).
            if both_fuzzy && !self.co_twin_known {
                return Ok(Reason::VerifiedNumberAndNames);
            }
            let missing = given == GivenNameLevel::Missing;
            return Err((!missing).then_some(Reason::GivenNameContradictsNumber));
        }
        if verified && date.is_two_of_three() && both_fuzzy {
            return Ok(Reason::VerifiedNumberAndNames);
        }
        let inexact =
            !date.is_exact() && !matches!(date, BirthDateLevel::OnePart | BirthDateLevel::NoPart);
        // R8 forbids a number with nothing beside it; without a date the names,
        // and sex or postcode, stand in for it.
        let supported =
            date != BirthDateLevel::Missing || agreeing_fields(vector) >= AGREEING_FIELDS_MIN;
        let both_variant = given.names_the_same()
            && given != GivenNameLevel::Swapped
            && family.is_at_least_variant();
        let enough = self.candidate.score.weight.bits() >= self.model.file().link_uncalibrated_bits;
        if inexact && supported && both_variant && enough && self.members_agree() {
            return Ok(Reason::NumberNamesAndMostOfDate);
        }
        Err(None)
    }

    fn is_adult(&self) -> bool {
        self.record.birth_date.is_some_and(|birth| {
            self.model
                .file()
                .reference_year
                .saturating_sub(birth.date.year())
                >= ADULT_AGE_MIN
        })
    }

    /// R97: every member counts.
    fn members_agree(&self) -> bool {
        self.reaches_review(self.candidate.score.mean_member.bits())
    }

    /// Steps 6 to 9.
    fn settle_by_weight(&self, mut assessment: Assessment) -> Assessment {
        let newborn = self.newborn_not_named();
        if newborn {
            assessment.add(Reason::NewbornNotNamed);
        }
        match self.probabilistic_doubt() {
            None if !newborn => {
                return assessment.settle(
                    Verdict::Link(Route::Probabilistic),
                    Reason::WeightAboveThreshold,
                );
            }
            Some(doubt) if self.reaches_review(self.bits()) || assessment.same_number => {
                assessment.add(doubt);
            }
            None | Some(_) => {}
        }
        if assessment.same_number {
            let reason = if self
                .vectors
                .iter()
                .any(|vector| vector.nhs_number() == NhsNumberLevel::Same)
            {
                Reason::NumberNotVerified
            } else {
                Reason::NumberWithoutSupport
            };
            return assessment.settle(Verdict::Review, reason);
        }
        if newborn || self.reaches_review(self.bits()) {
            assessment.verdict = Verdict::Review;
        }
        assessment
    }

    /// A placeholder on one side, with the same date and a common household or
    /// mother (R92).
    fn newborn_not_named(&self) -> bool {
        self.pairs().any(|(vector, member)| {
            self.record.newborn_placeholder != member.newborn_placeholder
                && vector.birth_date().is_exact()
                && (vector.shares_household() || same_mother(self.record, member))
                && vector.birth_order() != BirthOrderLevel::Same
        })
    }

    /// Why the weight of evidence does not link; `None` when it does.
    fn probabilistic_doubt(&self) -> Option<Reason> {
        let score = &self.candidate.score;
        let vector = &score.vector;
        if self.bits() < self.model.link_threshold().bits() {
            Some(Reason::BelowLinkThreshold)
        } else if self
            .vectors
            .iter()
            .any(|vector| vector.nhs_number().is_different())
        {
            Some(Reason::DifferentNumbers)
        } else if !vector.birth_date().is_exact() {
            Some(Reason::DateNotExact)
        } else if vector.given_name().differs() {
            Some(Reason::GivenNameDoesNotAgree)
        } else if !self.carries_same_number() && both_names_inexact(vector) {
            Some(Reason::NamesInexact)
        } else if score.twin_capped && !self.carries_same_number() {
            Some(Reason::PossibleMultipleBirth)
        } else if agreeing_fields(vector) < AGREEING_FIELDS_MIN {
            Some(Reason::TooFewFieldsAgree)
        } else if !self.members_agree() {
            Some(Reason::MembersDisagree)
        } else if !self.shares_lock_key() {
            Some(Reason::NoCommonKey)
        } else {
            None
        }
    }

    /// Co-twins share everything but the number (R90): where a number that no
    /// trace doubts is the same, what the cap left of the weight decides.
    fn carries_same_number(&self) -> bool {
        self.vectors
            .iter()
            .any(|vector| vector.nhs_number().is_same())
            && !self.candidate.number_confused
    }

    fn shares_lock_key(&self) -> bool {
        let keys = blocking_keys(self.record);
        self.candidate
            .members
            .iter()
            .any(|member| keys.shares_lock_with(&blocking_keys(member)))
    }
}

/// Whether a co-twin is known: an order in a multiple birth said on one side
/// only, or another candidate born the same day in the same household.
fn co_twin_known(
    record: &StandardRecord,
    candidate: &Candidate<'_>,
    vectors: &[Vec<ComparisonVector>],
    place: usize,
) -> bool {
    let orders = |other: &StandardRecord| other.birth_order.is_some_and(|order| order <= 7);
    let said = candidate
        .members
        .iter()
        .any(|member| orders(member) != orders(record));
    let others = vectors
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != place);
    said || others.flat_map(|(_, vectors)| vectors).any(|vector| {
        vector.birth_date().is_exact()
            && vector.shares_household()
            && !vector.nhs_number().is_same()
    })
}
