//! The decision table. It is one readable piece of code; what it reads is the
//! score and the levels, what it gives is what follows.
//!
//! For each candidate person, against **all** of its records (R96):
//!
//! | step | when | then |
//! | --- | --- | --- |
//! | 1 | a human said "different" (R102); unborn against born (R57) | not this person; review if a verified number says otherwise |
//! | 2 | veto: two verified numbers (R15), other birth order (R91), no date part equal (R55) or sex and given name differ (R62) without the same verified number | review when the evidence reaches the review threshold (R15: the demographics alone), else not this person |
//! | 3 | same number, no date part equal (R11), a generation apart (R95), re-issued in 1995–97 (R24), sex and both names differ (R10) | review: suspected confusion |
//! | 4 | same verified number, exact date, given name agrees (R7), or an adult's changed gender (R23), or both names at least fuzzy | link, deterministic |
//! | 5 | same verified number, two of three date parts, both names at least fuzzy (R9); same number, inexact or missing date, both names at variant level, three of five agree (R80) and 20 bits (R54) | link, deterministic |
//! | 6 | a newborn's placeholder against a named child (R92) | review |
//! | 7 | weight at the threshold (R81, R82), exact date (R54), three of five agree (R80), given name agrees, one name exact or both variants, no twin cap without the same number (R90), members agree (R97), a common lock key, no other number | link, probabilistic |
//! | 8 | the same number otherwise (R8, R12, R19), or weight at the review threshold | review |
//! | 9 | else | not this person |
//!
//! Then a link falls to review when it would make a person that the machine may
//! not make (R98, [`super::alarms`]).
//!
//! Then over candidates: a link falls to review when another person carries
//! the same number (R19) or, for a probabilistic link, is within the margin
//! (R83), unless the two are an open possible duplicate of each other. Without
//! link or review it is a new person.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::PersonId;
use crate::identity::StandardRecord;
use crate::matching::alarms::alarm;
use crate::matching::assessment::{Assessment, Verdict, assess, compare_all};
use crate::matching::{IdentityScore, LinkageModel, MatchWeight, Reason};

/// How a link came about (R136).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// A rule about the NHS number.
    Deterministic,
    /// The weight of all evidence.
    Probabilistic,
    /// A human.
    Human,
}

/// What a candidate would be to an asker (DESIGN 6.3).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Would be linked.
    Certain,
    /// Would go to review.
    Probable,
    /// Above the floor.
    Possible,
    /// Below it, or ruled out.
    Unlikely,
}

/// A candidate person as scored, with what the table needs.
pub struct Candidate<'a> {
    /// The person.
    pub person: PersonId,
    /// Its active records.
    pub members: Vec<&'a StandardRecord>,
    /// The record's score against them.
    pub score: IdentityScore,
    /// A human said "different" of this record (or one of its person's) and
    /// this person (R102).
    pub asserted_different: bool,
    /// Open possible-duplicate tasks between this and another candidate (R83).
    pub open_duplicate_of: Vec<PersonId>,
    /// The number is under investigation: confused, anchors nothing (R19).
    pub number_confused: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The record is this person's.
    Link {
        /// The person.
        person: PersonId,
        /// How it came about.
        route: Route,
        /// The evidence.
        weight: MatchWeight,
        /// The rules that spoke.
        reasons: Vec<Reason>,
    },
    /// A new person of its own, with one task for each pair with these persons
    /// (best first).
    Review {
        /// Person, evidence, and the rules that spoke.
        persons: Vec<(PersonId, MatchWeight, Vec<Reason>)>,
    },
    /// Nobody known.
    NewPerson,
}

impl Decision {
    /// Whom it names, with the evidence and the rules: what a question would be about.
    #[must_use]
    pub fn questions(self) -> Vec<(PersonId, MatchWeight, Vec<Reason>)> {
        match self {
            Self::Link {
                person,
                weight,
                reasons,
                ..
            } => vec![(person, weight, reasons)],
            Self::Review { persons } => persons,
            Self::NewPerson => Vec::new(),
        }
    }
}

/// Applies the table. Also gives each candidate's grade and reasons, in the
/// order of `candidates`. The order of candidates is nothing to the decision.
#[must_use]
pub fn decide(
    model: &LinkageModel,
    record: &StandardRecord,
    candidates: &[Candidate<'_>],
) -> (Decision, Vec<(Grade, Vec<Reason>)>) {
    let vectors = compare_all(model, record, candidates);
    let mut assessments: Vec<Assessment> = (0..candidates.len())
        .map(|place| assess(model, record, candidates, &vectors, place))
        .collect();
    for (candidate, assessment) in candidates.iter().zip(&mut assessments) {
        if let Verdict::Link(_) = assessment.verdict
            && let Some(reason) = alarm(model, record, &candidate.members)
        {
            assessment.verdict = Verdict::Review;
            assessment.add(reason);
        }
    }
    let mut chosen = best_link(candidates, &assessments);
    if let Some(best) = chosen {
        let rivals = rivals(model, candidates, &assessments, best);
        if !rivals.is_empty() {
            for rival in rivals
                .into_iter()
                .chain([(best, rivals_reason(&assessments, best))])
            {
                assessments[rival.0].verdict = Verdict::Review;
                assessments[rival.0].add(rival.1);
            }
            chosen = None;
        }
    }
    let grades = (0..candidates.len())
        .map(|place| {
            let grade = grade(
                model,
                &candidates[place],
                &assessments[place],
                chosen == Some(place),
            );
            (grade, assessments[place].reasons.clone())
        })
        .collect();
    let decision = match chosen {
        Some(place) => link(candidates, &assessments, place),
        None => review_or_new(candidates, &assessments),
    };
    (decision, grades)
}

/// The person to link to when nobody rivals it: a deterministic link before a
/// probabilistic one, then the heavier, then the older id.
fn best_link(candidates: &[Candidate<'_>], assessments: &[Assessment]) -> Option<usize> {
    (0..candidates.len())
        .filter_map(|place| match assessments[place].verdict {
            Verdict::Link(route) => Some((place, route)),
            Verdict::Review | Verdict::No => None,
        })
        .min_by(|(a, route_a), (b, route_b)| {
            route_a
                .cmp(route_b)
                .then_with(|| heavier_first(candidates, *a, *b))
        })
        .map(|(place, _)| place)
}

fn heavier_first(candidates: &[Candidate<'_>], a: usize, b: usize) -> std::cmp::Ordering {
    let weight = |place: usize| candidates[place].score.weight.bits();
    weight(b)
        .total_cmp(&weight(a))
        .then_with(|| candidates[a].person.cmp(&candidates[b].person))
}

/// Other persons that forbid the link, with the reason.
fn rivals(
    model: &LinkageModel,
    candidates: &[Candidate<'_>],
    assessments: &[Assessment],
    best: usize,
) -> Vec<(usize, Reason)> {
    let mut found = Vec::new();
    for place in 0..candidates.len() {
        let other = &assessments[place];
        if place == best || other.vetoed || is_open_duplicate(&candidates[best], &candidates[place])
        {
            continue;
        }
        let margin = candidates[best].score.weight.bits() - candidates[place].score.weight.bits();
        let close = assessments[best].verdict == Verdict::Link(Route::Probabilistic)
            && margin < model.file().margin_bits;
        if other.same_number && (assessments[best].same_number || close) {
            found.push((place, Reason::NumberClaimedTwice));
        } else if other.same_number || close {
            found.push((place, Reason::RunnerUpTooClose));
        }
    }
    found
}

fn rivals_reason(assessments: &[Assessment], best: usize) -> Reason {
    if assessments[best].same_number {
        Reason::NumberClaimedTwice
    } else {
        Reason::RunnerUpTooClose
    }
}

fn is_open_duplicate(a: &Candidate<'_>, b: &Candidate<'_>) -> bool {
    a.open_duplicate_of.contains(&b.person) || b.open_duplicate_of.contains(&a.person)
}

fn link(candidates: &[Candidate<'_>], assessments: &[Assessment], place: usize) -> Decision {
    let candidate = &candidates[place];
    let route = match assessments[place].verdict {
        Verdict::Link(route) => route,
        Verdict::Review | Verdict::No => Route::Probabilistic,
    };
    let mut reasons = assessments[place].reasons.clone();
    let duplicate = candidates.iter().enumerate().any(|(other, found)| {
        other != place
            && matches!(
                assessments[other].verdict,
                Verdict::Link(_) | Verdict::Review
            )
            && is_open_duplicate(candidate, found)
    });
    if duplicate {
        reasons.push(Reason::KnownDuplicate);
    }
    Decision::Link {
        person: candidate.person,
        route,
        weight: candidate.score.weight,
        reasons,
    }
}

fn review_or_new(candidates: &[Candidate<'_>], assessments: &[Assessment]) -> Decision {
    let mut places: Vec<usize> = (0..candidates.len())
        .filter(|place| !matches!(assessments[*place].verdict, Verdict::No))
        .collect();
    if places.is_empty() {
        return Decision::NewPerson;
    }
    places.sort_by(|a, b| heavier_first(candidates, *a, *b));
    let persons = places
        .into_iter()
        .map(|place| {
            let candidate = &candidates[place];
            (
                candidate.person,
                candidate.score.weight,
                assessments[place].reasons.clone(),
            )
        })
        .collect();
    Decision::Review { persons }
}

fn grade(
    model: &LinkageModel,
    candidate: &Candidate<'_>,
    assessment: &Assessment,
    chosen: bool,
) -> Grade {
    match assessment.verdict {
        _ if chosen => Grade::Certain,
        Verdict::Link(_) | Verdict::Review => Grade::Probable,
        Verdict::No if assessment.ruled_out => Grade::Unlikely,
        Verdict::No if candidate.score.weight.bits() >= model.file().floor_bits => Grade::Possible,
        Verdict::No => Grade::Unlikely,
    }
}
