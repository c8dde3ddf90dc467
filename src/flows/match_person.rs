//! Asks who somebody is without writing anything but the audit.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flows::live_numbers::{compared_members, complete_numbers, look_up_numbers, numbers_of};
use crate::flows::made_up_people::{AlsoAsked, also_asked};
use crate::flows::prepare::{LookedUp, compare, fetch_question, look_up, read_and_compute};
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::identity::{NumberStatus, StandardRecord, SubmittedRecord, standardise};
use crate::index::ProbeOutcome;
use crate::matching::{
    Candidate, Comparison, ComparisonVector, Grade, IdentityScore, LinkageModel, Reason, decide,
    same_mother,
};
use crate::registry::{Gate, Replacements, Seals, ShownRow, lives_with, number_hash};
use crate::security::Access;
use crate::storage::StoredPerson;

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchAnswer {
    /// Whether all records that share a key were compared.
    pub complete: bool,
    /// The keys for which that is not so.
    pub incomplete_because: Vec<Incomplete>,
    /// Whether the probabilities are calibrated (R82).
    pub calibrated: bool,
    /// The number of the question is under investigation: it points to nobody
    /// (R19).
    pub under_investigation: bool,
    /// Best first.
    pub candidates: Vec<MatchCandidate>,
    /// Who is somebody else and may be related: an unborn child and an infant (R57).
    pub related: Vec<PersonId>,
}

/// A key that too many records share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete {
    /// Name of the key's kind.
    pub key: &'static str,
    /// Records that share it.
    pub held: u64,
    /// Records of those that were compared.
    pub looked_at: u64,
}

/// A person that it may be.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchCandidate {
    /// Who.
    pub person: PersonId,
    /// What the decision table makes of it.
    pub grade: Grade,
    /// Posterior weight in bits.
    pub weight_bits: f64,
    /// Posterior probability, 0 to 1.
    pub probability: f64,
    /// The rules that spoke.
    pub reasons: Vec<Reason>,
    /// The waterfall; its weights sum to `weight_bits`.
    pub explanation: Vec<ShownRow>,
}

struct Scored {
    person: PersonId,
    /// As they are compared: with the numbers that stand (R16).
    members: Vec<Arc<StandardRecord>>,
    /// As they are.
    shown: Vec<Arc<StandardRecord>>,
    asked: StandardRecord,
    score: IdentityScore,
    restricted: bool,
}

/// Finds the persons that the record may belong to, at most `limit`.
///
/// # Errors
/// Nothing to look by, or a fault of ours; never an empty list for a fault.
pub async fn match_person(
    context: &Context,
    access: &Access,
    submitted: &SubmittedRecord,
    limit: usize,
) -> Result<MatchAnswer, FlowError> {
    let (own, gate, by_person) = (
        context.clone(),
        Gate::of(access),
        access.actor().is_person(),
    );
    let (sent, asking) = (submitted.clone(), access.clone());
    let made_up = also_asked(context, access).await?;
    let judging = async move {
        let judged = judge(&own, gate, by_person, (sent, made_up), limit).await?;
        let named = judged.candidates.iter().map(|candidate| candidate.person);
        let named = named.chain(judged.related.iter().copied());
        let audit = vec![asking.audit(own.clock.now(), named.collect(), None)];
        // At once: who waits for it need not wake up before.
        let handed_in = own.store.hand_in_audit(audit.clone());
        Ok((judged, audit, handed_in))
    };
    let (judged, audit, handed_in) = read_and_compute(context, judging).await?;
    match handed_in {
        Some(handed_in) => handed_in.durable().await?,
        None => context.store.append_audit(audit).await?,
    }
    let Judged {
        incomplete_because,
        candidates,
        related,
        compared,
        under_investigation,
    } = judged;
    let answer = MatchAnswer {
        complete: incomplete_because.is_empty(),
        incomplete_because,
        calibrated: context.model.calibrated(),
        under_investigation,
        candidates,
        related,
    };
    count(&answer, compared);
    Ok(answer)
}

/// What an answer comes to before it is audited.
struct Judged {
    incomplete_because: Vec<Incomplete>,
    candidates: Vec<MatchCandidate>,
    related: Vec<PersonId>,
    compared: usize,
    under_investigation: bool,
}

async fn judge(
    context: &Context,
    gate: Gate,
    by_person: bool,
    (sent, made_up): (SubmittedRecord, AlsoAsked),
    limit: usize,
) -> Result<Judged, FlowError> {
    let own = context.clone();
    let reading = move || read_question(&own, &sent);
    let (asked, looked_up) = context.pool.run(reading).await??;
    let numbers = numbers_of(context, &asked, None).await?;
    let looked_up = look_up_numbers(context, looked_up, &numbers).await?;
    let number = asked.nhs_number.map(|claim| number_hash(claim.number));
    let made_up = made_up.sharing(&looked_up.keys);
    let (mut found, probes) = fetch_question(context, looked_up, number).await?;
    found.persons.extend(made_up);
    let numbers = complete_numbers(context, numbers, &found.persons).await?;
    let probes = counted(context, gate, probes).await?;
    let incomplete_because = incomplete(&probes, found.waiting);
    // A relative's shared address would show a restricted one (R112). A person's
    // question must not show by contrast that somebody is hidden (R110).
    let mut persons = found.persons;
    persons.retain(|person| gate.sees_sealed() || !found.seals.hide(person.person));
    let hides_locations = !by_person && persons.iter().any(|person| person.restricted);
    persons.retain(|person| gate.may_find(&asked, person.restricted));
    let question = Question {
        model: Arc::clone(&context.model),
        gate,
        asked,
        limit,
        hides_locations,
        replacements: numbers.replacements,
        confused: found.confused,
        seals: found.seals,
        this_year: i16::try_from(context.clock.now().date().0).unwrap_or(i16::MAX),
    };
    let compared = persons.len();
    let (candidates, related) =
        compare(context, persons, move |persons| question.answer(persons)).await?;
    let twice = |candidate: &MatchCandidate| {
        let mut reasons = candidate.reasons.iter();
        reasons.any(|reason| *reason == Reason::NumberClaimedTwice)
    };
    let under_investigation = candidates.iter().any(twice);
    Ok(Judged {
        incomplete_because,
        candidates,
        related,
        compared,
        under_investigation,
    })
}

/// The counts of crowded keys without what seals hide (R22, R134). That the key is
/// crowded stays said.
async fn counted(
    context: &Context,
    gate: Gate,
    mut probes: Vec<ProbeOutcome>,
) -> Result<Vec<ProbeOutcome>, FlowError> {
    let crowded = probes.iter().filter(|probe| !probe.complete());
    let crowded: Vec<u64> = crowded.map(|probe| probe.key.hash).collect();
    if crowded.is_empty() || gate.sees_sealed() || !context.store.has_seals().await? {
        return Ok(probes);
    }
    let uncounted = context.store.uncounted_under(&crowded).await?;
    for probe in probes.iter_mut().filter(|probe| !probe.complete()) {
        let hidden = uncounted.get(&probe.key.hash).copied().unwrap_or(0);
        probe.held = probe.held.saturating_sub(hidden).max(probe.looked_at + 1);
    }
    Ok(probes)
}

/// What was not looked at: keys that too many share, and what a quarantined
/// source has sent, which is compared with nobody (R98).
fn incomplete(probes: &[ProbeOutcome], waiting: u64) -> Vec<Incomplete> {
    let waiting = (waiting > 0).then_some(Incomplete {
        key: "source_quarantined",
        held: waiting,
        looked_at: 0,
    });
    let keys = probes.iter().filter(|probe| !probe.complete());
    let keys = keys.map(|probe| Incomplete {
        key: probe.key.kind.name(),
        held: probe.held,
        looked_at: probe.looked_at,
    });
    keys.chain(waiting).collect()
}

/// What is asked, and where to look.
fn read_question(
    context: &Context,
    submitted: &SubmittedRecord,
) -> Result<(StandardRecord, LookedUp), FlowError> {
    let options = context.standardise_options(NumberStatus::NotTraced);
    let (asked, _) = standardise(submitted, &options);
    let looked_up = look_up(context, &asked)?;
    if looked_up.keys.probes.is_empty() {
        return Err(FlowError::Unprocessable {
            member: "",
            rule: "one blocking key",
            detail: "nothing here can be looked up; send at least one of: NHS number, birth \
                     date, given and family name, postcode, phone, e-mail, another identifier"
                .to_owned(),
        });
    }
    Ok((asked, looked_up))
}

/// Counts what an operator watches: never who.
fn count(answer: &MatchAnswer, compared: usize) {
    let outcome = match answer.candidates.first().map(|best| best.grade) {
        Some(Grade::Certain) => "linked",
        Some(Grade::Probable) => "review",
        Some(Grade::Possible | Grade::Unlikely) | None => "new",
    };
    metrics::counter!("accord_match_total", "outcome" => outcome).increment(1);
    metrics::histogram!("accord_match_candidates").record(compared as f64);
    if !answer.complete {
        metrics::counter!("accord_incomplete_answers_total", "door" => "match").increment(1);
    }
}

/// A question with what its answer depends on.
struct Question {
    model: Arc<LinkageModel>,
    gate: Gate,
    asked: StandardRecord,
    limit: usize,
    hides_locations: bool,
    confused: BTreeSet<PersonId>,
    replacements: Replacements,
    seals: Seals,
    this_year: i16,
}

impl Question {
    /// Compares with all of them and keeps the best; who may be related beside them.
    fn answer(&self, persons: Vec<StoredPerson>) -> (Vec<MatchCandidate>, Vec<PersonId>) {
        let mut scored: Vec<Scored> = persons
            .into_iter()
            .map(|person| self.score(person))
            .collect();
        scored.sort_by(|a, b| {
            b.score
                .weight
                .bits()
                .total_cmp(&a.score.weight.bits())
                .then(a.person.cmp(&b.person))
        });
        let mut scored = self.gate.apart(&self.seals, scored, |scored| scored.person);
        let related = scored.iter().filter(|scored| self.is_related(scored));
        let related = related.take(self.limit).map(|scored| scored.person);
        let related = related.collect();
        // Who is masked is graded by other weights, too.
        if !scored.iter().any(|scored| scored.restricted) {
            scored.retain(|scored| scored.score.has_prospects(&self.model));
        }
        (self.grade(&scored), related)
    }

    /// Whether one is an unborn child and the other an infant of the same family and
    /// home or mother (R57). Nothing is told of whose location is restricted (R112).
    fn is_related(&self, scored: &Scored) -> bool {
        let open = !scored.restricted && !self.hides_locations;
        let infant = |record: &StandardRecord| {
            let born = record.birth_date.map(|birth| birth.date.year());
            !record.unborn && born.is_some_and(|year| year + 1 >= self.this_year)
        };
        let asked = &self.asked;
        let related = |other: &Arc<StandardRecord>| {
            let expected = (asked.unborn && infant(other)) || (other.unborn && infant(asked));
            let family = |pair: ComparisonVector| pair.weight(Comparison::FamilyName) > 0.0;
            expected
                && family(self.model.compare(asked, other))
                && (lives_with(&self.model, asked, other) || same_mother(asked, other))
        };
        open && scored.members.iter().any(related)
    }

    fn score(&self, person: StoredPerson) -> Scored {
        let restricted = person.restricted;
        let asked = self.gate.question(&self.asked, restricted);
        let members = compared_members(&self.replacements, &asked, &person);
        let shown = person.members.into_iter().map(|member| member.standard);
        let values: Vec<&StandardRecord> = members.iter().map(AsRef::as_ref).collect();
        let score = self.model.score(&asked, &values);
        Scored {
            person: person.person,
            shown: shown.collect(),
            members,
            asked,
            score,
            restricted,
        }
    }

    fn grade(&self, scored: &[Scored]) -> Vec<MatchCandidate> {
        let list: Vec<Candidate<'_>> = scored
            .iter()
            .map(|scored| Candidate {
                person: scored.person,
                members: scored.members.iter().map(AsRef::as_ref).collect(),
                score: scored.score.clone(),
                asserted_different: false,
                open_duplicate_of: Vec::new(),
                number_confused: self.confused.contains(&scored.person),
            })
            .collect();
        let (_, mut grades) = decide(&self.model, &self.asked, &list);
        // No grade of a restricted person may depend on a location (R109).
        let masked = |scored: &Scored| !scored.asked.has_location();
        if self.asked.has_location() && scored.iter().any(masked) {
            let asked = self.asked.without_location();
            let (_, without) = decide(&self.model, &asked, &list);
            for ((grade, without), scored) in grades.iter_mut().zip(without).zip(scored) {
                if masked(scored) {
                    *grade = without;
                }
            }
        }
        let graded = scored.iter().zip(grades);
        graded
            .filter(|(_, (grade, _))| *grade != Grade::Unlikely)
            .take(self.limit)
            .map(|(scored, (grade, reasons))| self.candidate(scored, grade, reasons))
            .collect()
    }

    fn candidate(&self, scored: &Scored, grade: Grade, reasons: Vec<Reason>) -> MatchCandidate {
        let values: Vec<&StandardRecord> = scored.members.iter().map(AsRef::as_ref).collect();
        let model = &self.model;
        let explanation = model.explain(&scored.asked, &values);
        let values: Vec<&StandardRecord> = scored.shown.iter().map(AsRef::as_ref).collect();
        let restricted = self.hides_locations || scored.restricted;
        MatchCandidate {
            person: scored.person,
            grade,
            weight_bits: scored.score.weight.bits(),
            probability: model.probability(scored.score.weight).value(),
            reasons,
            explanation: self
                .gate
                .explanation(explanation, &scored.asked, &values, restricted),
        }
    }
}
