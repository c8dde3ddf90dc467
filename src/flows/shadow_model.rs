//! A model beside the one that decides (R86): on what comes by the doors both are asked
//! whose it is, and where they differ is counted. It follows the feed, reads, and writes
//! counts alone, so that no answer waits for it or is changed by it; what comes faster
//! than it judges is left out and counted. Nothing of a patient is kept: counts by
//! source and probability, and numbers of records as samples.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::flows::live_numbers::{compared_members, complete_numbers, look_up_numbers, numbers_of};
use crate::flows::model_life::{shown, words};
use crate::flows::prepare::{fetch_question, look_up};
use crate::flows::{Context, FlowError, NamedPerson};
use crate::foundation::limits::{
    MODEL_FOLLOW_INTERVAL_MS, SHADOW_BEHIND_MAX, SHADOW_EVENTS, SHADOW_LEASE_SECONDS,
    SHADOW_SAMPLES_EACH, SHADOW_SOURCES_MAX, SHADOW_WAIT_MS, SHADOW_WAITS_MAX,
};
use crate::foundation::{PersonId, RecordNumber};
use crate::identity::StandardRecord;
use crate::matching::{Candidate, Decision, LinkageModel, MatchWeight, ModelId, decide};
use crate::registry::{RegistryEvent, Replacements, SourceCode, VersionStanding, number_hash};
use crate::security::{Access, Action};
use crate::storage::{StoredPerson, StoredShadow};

/// What the shadow would have done with a record, and what the model that decides does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShadowOutcome {
    /// The same.
    Unchanged,
    /// Linked, where people are asked.
    JoinedInsteadOfAsked,
    /// Linked, where it is somebody new.
    JoinedInsteadOfAlone,
    /// Linked to another person.
    JoinedElsewhere,
    /// People asked, where it is linked.
    AskedInsteadOfJoined,
    /// People asked, where it is somebody new.
    AskedInsteadOfAlone,
    /// People asked about others.
    AskedAboutOthers,
    /// Somebody new, where it is linked.
    SplitInsteadOfJoined,
    /// Somebody new, where people are asked.
    AloneInsteadOfAsked,
}

impl ShadowOutcome {
    /// Its word in answers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::JoinedInsteadOfAsked => "joined_instead_of_asked",
            Self::JoinedInsteadOfAlone => "joined_instead_of_alone",
            Self::JoinedElsewhere => "joined_elsewhere",
            Self::AskedInsteadOfJoined => "asked_instead_of_joined",
            Self::AskedInsteadOfAlone => "asked_instead_of_alone",
            Self::AskedAboutOthers => "asked_about_others",
            Self::SplitInsteadOfJoined => "split_instead_of_joined",
            Self::AloneInsteadOfAsked => "alone_instead_of_asked",
        }
    }

    fn of(live: &Placement, shadow: &Placement) -> Self {
        match (live, shadow) {
            (Placement::Joined(one), Placement::Joined(other)) if one != other => {
                Self::JoinedElsewhere
            }
            (Placement::Asked(some), Placement::Asked(others)) if some != others => {
                Self::AskedAboutOthers
            }
            (Placement::Joined(_), Placement::Joined(_))
            | (Placement::Asked(_), Placement::Asked(_))
            | (Placement::Alone, Placement::Alone) => Self::Unchanged,
            (Placement::Asked(_), Placement::Joined(_)) => Self::JoinedInsteadOfAsked,
            (Placement::Alone, Placement::Joined(_)) => Self::JoinedInsteadOfAlone,
            (Placement::Joined(_), Placement::Asked(_)) => Self::AskedInsteadOfJoined,
            (Placement::Alone, Placement::Asked(_)) => Self::AskedInsteadOfAlone,
            (Placement::Joined(_), Placement::Alone) => Self::SplitInsteadOfJoined,
            (Placement::Asked(_), Placement::Alone) => Self::AloneInsteadOfAsked,
        }
    }
}

/// Decisions of one kind about records of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowCount {
    /// What differs.
    pub outcome: ShadowOutcome,
    /// The source; `other` beyond a hundred.
    pub source: String,
    /// How sure the shadow is of the person that it holds to be the likeliest.
    pub probability: String,
    /// How many.
    pub decisions: u64,
}

/// A record about which the two differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShadowSample {
    /// What differs.
    pub outcome: ShadowOutcome,
    /// Number of the record.
    pub record: i64,
    /// Weight of the likeliest person by the model that decides; none where nobody is like it.
    pub live_bits: Option<f64>,
    /// The same by the shadow.
    pub shadow_bits: Option<f64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Found {
    counts: Vec<ShadowCount>,
    samples: Vec<ShadowSample>,
}

/// What a shadow has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowReport {
    /// Which models, since when, and how many records.
    pub shadow: StoredShadow,
    /// Decisions by outcome, source and probability.
    pub counts: Vec<ShadowCount>,
    /// The first records of each outcome about which the two differ.
    pub samples: Vec<ShadowSample>,
    /// Events that it has still to look at.
    pub behind: u64,
}

/// Lets a model of the ledger run beside the one that decides, from now on.
///
/// # Errors
/// Nobody with the role of an engineer, no reason, a model that is unknown, unreadable
/// or decides, another one that runs, or a fault of ours.
pub async fn begin_shadow(
    context: &Context,
    by: NamedPerson,
    id: &ModelId,
    reason: &str,
    request_id: &str,
) -> Result<StoredShadow, FlowError> {
    let reason = words("reason", reason, false)?;
    let actor = shown(context, by, Some(&reason), request_id).await?;
    let access = Access::to(Action::BringModel, actor)?;
    context.model_of(id).await?;
    let activations = context.store.list_activations().await?;
    let active = activations.last().map(|last| &last.model);
    let active = active.filter(|active| *active != id);
    let active = active.ok_or(FlowError::Conflict("this model is the active one"))?;
    let last = context.store.last_shadow().await?;
    if last.as_ref().is_some_and(|last| last.ended_at.is_none()) {
        return Err(FlowError::Conflict(
            "another model runs in the shadow; stop it first",
        ));
    }
    let now = context.clock.now();
    let shadow = StoredShadow {
        number: last.map_or(0, |last| last.number) + 1,
        model: id.clone(),
        against: active.clone(),
        begun_by: access.actor().name.clone(),
        reason,
        begun_at: now,
        ended_at: None,
        place: context.store.feed_end().await?,
        judged: 0,
        dropped: 0,
        found: text_of(&Found::default()),
        epoch: 0,
    };
    let audit = access.audit(now, Vec::new(), Some(id.to_string()));
    if !context.store.begin_shadow(&shadow, audit).await? {
        return Err(FlowError::Conflict(
            "another model runs in the shadow; stop it first",
        ));
    }
    Ok(shadow)
}

/// Ends the shadow that runs.
///
/// # Errors
/// Nobody with the role of an engineer, no reason, none runs, or a fault of ours.
pub async fn end_shadow(
    context: &Context,
    by: NamedPerson,
    reason: &str,
    request_id: &str,
) -> Result<(), FlowError> {
    const NONE: FlowError = FlowError::Conflict("no model runs in the shadow");
    let reason = words("reason", reason, false)?;
    let actor = shown(context, by, Some(&reason), request_id).await?;
    let access = Access::to(Action::BringModel, actor)?;
    let running = context.store.last_shadow().await?.ok_or(NONE)?;
    let now = context.clock.now();
    let audit = access.audit(now, Vec::new(), Some(running.model.to_string()));
    let ended = context.store.end_shadow(running.number, now, Some(audit));
    ended.await?.then_some(()).ok_or(NONE)
}

/// What the shadow that began last has come to.
///
/// # Errors
/// None has begun, or a fault of ours.
pub async fn shadow_report(context: &Context, access: &Access) -> Result<ShadowReport, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), None);
    context.store.append_audit(vec![audit]).await?;
    let shadow = context.store.last_shadow().await?;
    let shadow = shadow.ok_or(FlowError::NotFound("no model has run in the shadow"))?;
    let Found { counts, samples } = found_in(&shadow);
    let end = context.store.feed_end().await?;
    let runs = shadow.ended_at.is_none();
    Ok(ShadowReport {
        behind: if runs { shadow.place.events_to(end) } else { 0 },
        shadow,
        counts,
        samples,
    })
}

fn text_of(found: &Found) -> String {
    serde_json::to_string(found).expect("invariant: counts and numbers always become JSON")
}

/// What cannot be read, such as counts of another release, is counted anew.
fn found_in(shadow: &StoredShadow) -> Found {
    serde_json::from_str(&shadow.found).unwrap_or_default()
}

/// Judges what has come next, where a model runs in the shadow and nobody else follows;
/// whether there is more.
///
/// # Errors
/// A fault of ours; what is not noted is judged again.
pub async fn shadow_some(context: &Context) -> Result<bool, FlowError> {
    let Some(known) = context.store.last_shadow().await? else {
        return Ok(false);
    };
    if known.ended_at.is_some() {
        return Ok(false);
    }
    let now = context.clock.now();
    if known.against != *context.model.id() {
        // Another model decides: what is counted would be of two.
        context.store.end_shadow(known.number, now, None).await?;
        return Ok(false);
    }
    let until = now.plus_microseconds(SHADOW_LEASE_SECONDS * 1_000_000);
    let Some(epoch) = context.store.lease_shadow(&known, now, until).await? else {
        return Ok(false);
    };
    let mut shadow = StoredShadow { epoch, ..known };
    let more = follow_on(context, &mut shadow).await?;
    Ok(context.store.keep_shadow(&shadow).await? && more)
}

/// Moves the shadow on by a page of events.
async fn follow_on(context: &Context, shadow: &mut StoredShadow) -> Result<bool, FlowError> {
    let end = context.store.feed_end().await?;
    let behind = shadow.place.events_to(end);
    metrics::gauge!("accord_shadow_behind_events").set(behind as f64);
    if behind > SHADOW_BEHIND_MAX {
        let dropped = context.store.count_versions(shadow.place, end).await?;
        metrics::counter!("accord_shadow_dropped_total").increment(dropped);
        shadow.dropped += dropped;
        shadow.place = end;
        return Ok(false);
    }
    let model = context.model_of(&shadow.model).await?;
    let page = context.store.list_feed(shadow.place, SHADOW_EVENTS).await?;
    let records: BTreeSet<RecordNumber> = page
        .events
        .iter()
        .filter_map(|stored| judged_record(&stored.event))
        .collect();
    let mut found = found_in(shadow);
    let quarantined = context.store.list_quarantines().await?;
    let quarantined = quarantined.into_iter().map(|known| known.source);
    let quarantined: BTreeSet<SourceCode> = quarantined.collect();
    for record in records {
        give_way(context).await;
        if let Some(compared) = judge_twice(context, &model, record, &quarantined).await? {
            shadow.judged += 1;
            let outcome = compared.outcome.name();
            metrics::counter!("accord_shadow_decisions_total", "outcome" => outcome).increment(1);
            found.take(&model, record, compared);
        }
    }
    shadow.found = text_of(&found);
    shadow.place = page.next;
    Ok(page.more)
}

/// The record of which a version is served from now on.
const fn judged_record(event: &RegistryEvent) -> Option<RecordNumber> {
    match event {
        RegistryEvent::RecordRegistered { record, .. }
        | RegistryEvent::RecordUpdated {
            record,
            standing: VersionStanding::Current,
            ..
        } => Some(*record),
        _ => None,
    }
}

/// Lets those compute first who wait for an answer; not for ever.
async fn give_way(context: &Context) {
    for _ in 0..SHADOW_WAITS_MAX {
        if context.pool.figures().waiting == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(SHADOW_WAIT_MS)).await;
    }
}

/// Whose a record is by one model.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Placement {
    Joined(PersonId),
    Asked(BTreeSet<PersonId>),
    Alone,
}

struct Compared {
    outcome: ShadowOutcome,
    source: String,
    live: Option<MatchWeight>,
    shadow: Option<MatchWeight>,
}

/// Asks both models whose a record is, as if it had just come, of what the ledger holds
/// now; nothing where it is not there any more.
async fn judge_twice(
    context: &Context,
    shadow: &Arc<LinkageModel>,
    record: RecordNumber,
    quarantined: &BTreeSet<SourceCode>,
) -> Result<Option<Compared>, FlowError> {
    let own = context.store.candidate_persons(&[record]).await?;
    let own = own.iter().find_map(|person| {
        let mut members = person.members.iter();
        let member = members.find(|member| member.record == record)?;
        Some((person.person, Arc::clone(&member.standard)))
    });
    let name = context.store.name_of_record(record).await?;
    let (Some((person, standard)), Some((source, _))) = (own, name) else {
        return Ok(None);
    };
    // What a quarantined source sends is compared with nobody (R98).
    if quarantined.contains(&source) {
        return Ok(None);
    }
    let (looking, asked) = (context.clone(), Arc::clone(&standard));
    let looked_up = context
        .pool
        .run(move || look_up(&looking, &asked))
        .await??;
    let numbers = numbers_of(context, &standard, None).await?;
    let looked_up = look_up_numbers(context, looked_up, &numbers).await?;
    let number = standard.nhs_number.map(|claim| number_hash(claim.number));
    let (found, _) = fetch_question(context, looked_up, number).await?;
    let numbers = complete_numbers(context, numbers, &found.persons).await?;
    let mut persons = found.persons;
    for candidate in &mut persons {
        candidate.members.retain(|member| member.record != record);
    }
    persons.retain(|candidate| {
        let apart =
            found.seals.hide(candidate.person) || found.seals.part(person, candidate.person);
        !candidate.members.is_empty() && !apart
    });
    let question = Question {
        standard,
        persons,
        replacements: numbers.replacements,
        confused: found.confused,
    };
    let (live, shadow) = (Arc::clone(&context.model), Arc::clone(shadow));
    let both = move || (question.place(&live), question.place(&shadow));
    let ((live, live_bits), (shadow, shadow_bits)) = context.pool.run(both).await?;
    Ok(Some(Compared {
        outcome: ShadowOutcome::of(&live, &shadow),
        source: source.to_string(),
        live: live_bits,
        shadow: shadow_bits,
    }))
}

struct Question {
    standard: Arc<StandardRecord>,
    persons: Vec<StoredPerson>,
    replacements: Replacements,
    confused: BTreeSet<PersonId>,
}

impl Question {
    /// What the table makes of it by a model, and the weight of the likeliest person.
    fn place(&self, model: &LinkageModel) -> (Placement, Option<MatchWeight>) {
        let members: Vec<Vec<Arc<StandardRecord>>> = self
            .persons
            .iter()
            .map(|person| compared_members(&self.replacements, &self.standard, person))
            .collect();
        let candidates = self.persons.iter().zip(&members).map(|(person, members)| {
            let members: Vec<&StandardRecord> = members.iter().map(AsRef::as_ref).collect();
            Candidate {
                person: person.person,
                score: model.score(&self.standard, &members),
                members,
                asserted_different: false,
                open_duplicate_of: Vec::new(),
                number_confused: self.confused.contains(&person.person),
            }
        });
        let candidates: Vec<Candidate<'_>> = candidates.collect();
        let weights = candidates.iter().map(|candidate| candidate.score.weight);
        let likeliest = weights.max_by(|one, other| one.bits().total_cmp(&other.bits()));
        let (decision, _) = decide(model, &self.standard, &candidates);
        let placement = match decision {
            Decision::Link { person, .. } => Placement::Joined(person),
            Decision::Review { persons } => {
                Placement::Asked(persons.into_iter().map(|(person, ..)| person).collect())
            }
            Decision::NewPerson => Placement::Alone,
        };
        (placement, likeliest)
    }
}

impl Found {
    fn take(&mut self, model: &LinkageModel, record: RecordNumber, compared: Compared) {
        let Compared {
            outcome,
            source,
            live,
            shadow,
        } = compared;
        let probability = shadow.map_or("nobody", |weight| model.probability(weight).band());
        let mut sources: BTreeSet<&str> = BTreeSet::new();
        sources.extend(self.counts.iter().map(|count| count.source.as_str()));
        let is_one_more = !sources.contains(source.as_str()) && sources.len() >= SHADOW_SOURCES_MAX;
        let source = if is_one_more {
            "other".to_owned()
        } else {
            source
        };
        let known = self.counts.iter_mut().find(|count| {
            count.outcome == outcome && count.source == source && count.probability == probability
        });
        match known {
            Some(count) => count.decisions += 1,
            None => self.counts.push(ShadowCount {
                outcome,
                source,
                probability: probability.to_owned(),
                decisions: 1,
            }),
        }
        let alike = self.samples.iter().filter(|it| it.outcome == outcome);
        if outcome != ShadowOutcome::Unchanged && alike.count() < SHADOW_SAMPLES_EACH {
            self.samples.push(ShadowSample {
                outcome,
                record: record.0,
                live_bits: live.map(MatchWeight::bits),
                shadow_bits: shadow.map(MatchWeight::bits),
            });
        }
    }
}

/// Follows the feed with whatever model runs in the shadow, as long as the process lives.
pub async fn follow_shadow(context: Context) {
    loop {
        let more = shadow_some(&context.at_present()).await;
        if let Err(error) = &more {
            tracing::warn!(%error, "a model in the shadow could not follow; trying again");
        }
        if !matches!(more, Ok(true)) {
            tokio::time::sleep(Duration::from_millis(MODEL_FOLLOW_INTERVAL_MS)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Compared, Found, Placement, ShadowOutcome};
    use crate::foundation::limits::{SHADOW_SAMPLES_EACH, SHADOW_SOURCES_MAX};
    use crate::foundation::{PersonId, RecordNumber};
    use crate::matching::{LinkageModel, MatchWeight};

    fn person(digit: char) -> PersonId {
        let id = format!("P-{}", String::from(digit).repeat(32));
        id.parse().expect("an id")
    }

    #[test]
    fn what_differs_has_a_name() {
        let joined = |digit| Placement::Joined(person(digit));
        let asked = |digit| Placement::Asked([person(digit)].into());
        for (live, shadow, name) in [
            (joined('1'), joined('1'), "unchanged"),
            (joined('1'), joined('2'), "joined_elsewhere"),
            (asked('1'), joined('1'), "joined_instead_of_asked"),
            (joined('1'), asked('1'), "asked_instead_of_joined"),
            (asked('1'), asked('2'), "asked_about_others"),
            (joined('1'), Placement::Alone, "split_instead_of_joined"),
            (Placement::Alone, joined('1'), "joined_instead_of_alone"),
            (Placement::Alone, asked('1'), "asked_instead_of_alone"),
            (asked('1'), Placement::Alone, "alone_instead_of_asked"),
            (Placement::Alone, Placement::Alone, "unchanged"),
        ] {
            let outcome = ShadowOutcome::of(&live, &shadow);
            assert_eq!(outcome.name(), name);
            let text = serde_json::to_string(&outcome).expect("a word");
            assert_eq!(text, format!("\"{name}\""));
        }
    }

    #[test]
    fn what_is_kept_is_bounded_in_sources_and_samples() {
        let (mut found, model) = (Found::default(), LinkageModel::uk_care());
        for number in 0..300_i64 {
            let compared = Compared {
                outcome: ShadowOutcome::SplitInsteadOfJoined,
                source: format!("S{number}"),
                live: Some(MatchWeight::new(20.0)),
                shadow: None,
            };
            found.take(&model, RecordNumber(number), compared);
        }
        assert_eq!(found.samples.len(), SHADOW_SAMPLES_EACH);
        assert_eq!(found.counts.len(), SHADOW_SOURCES_MAX + 1);
        let other = found.counts.last().expect("a count");
        assert_eq!((other.source.as_str(), other.decisions), ("other", 200));
        assert_eq!(other.probability, "nobody");
    }
}
