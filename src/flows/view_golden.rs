//! What a person's records say together, with where each value comes from and why
//! (R106), and what people prefer for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::flows::moments::{Known, known_person, may_tell_link, moment};
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId, RecordNumber};
use crate::identity::{DisputedField, NhsNumber, NumberStatus};
use crate::registry::{
    Contribution, Gate, GoldenField, GoldenRecord, LocalId, NumberFacts, NumberHash, Origin,
    Preference, PreferenceRefused, Preferred, RegistryEvent, RegistryState, Source, SourceCode,
    golden_record, live_number, number_hash, prefer_value,
};
use crate::security::Access;
use crate::storage::{
    CommitActor, Moment, Planned, ReadSet, StoredMember, StoredPersonView, StoredPreference,
    VersionText,
};

/// A person's golden record, masked.
#[derive(Debug, Clone)]
pub struct GoldenAnswer {
    /// The id that stands now, or stood then.
    pub person: PersonId,
    /// The id that was asked for.
    pub requested: PersonId,
    /// The ids from the requested one to the one that stands, in order.
    pub replaced_by: Vec<PersonId>,
    /// The values.
    pub golden: GoldenRecord,
    /// Whether accounts may be named.
    pub names_actors: bool,
    /// The moment of knowledge that was asked for.
    pub as_of: Option<Moment>,
    /// What is disputed of its records, or was then (R133).
    pub disputed: Vec<(SourceCode, LocalId, DisputedField)>,
}

/// The golden record of a person, by any id that it ever had.
///
/// # Errors
/// Unknown id, an instant in the future, or a fault of ours.
pub async fn view_golden(
    context: &Context,
    access: &Access,
    requested: PersonId,
    as_of: Option<Instant>,
) -> Result<GoldenAnswer, FlowError> {
    let as_of = moment(context, as_of).await?;
    let known = known_person(context, access, requested, as_of).await?;
    let gate = Gate::at(access, as_of.map(|moment| moment.at));
    let golden = make(context, gate, &known, as_of).await?;
    let disputed = disputed(&known);
    let view = known.view;
    let golden = gate.golden(golden, view.restricted);
    let person = view.survivor();
    let audit = access.audit(context.clock.now(), vec![person], None);
    context.store.append_audit(vec![audit]).await?;
    Ok(GoldenAnswer {
        person,
        requested,
        replaced_by: view.chain,
        golden,
        names_actors: access.sees_actors(),
        as_of,
        disputed,
    })
}

fn disputed(known: &Known) -> Vec<(SourceCode, LocalId, DisputedField)> {
    let disputes = known.disputes.iter();
    let named = disputes.filter_map(|dispute| {
        let mut members = known.view.members.iter();
        let member = members.find(|member| member.state.number == dispute.record)?;
        let (source, local_id) = (&member.state.source, &member.state.local_id);
        Some((source.clone(), local_id.clone(), dispute.field))
    });
    named.collect()
}

/// What the records of a view say together.
pub(super) async fn make(
    context: &Context,
    gate: Gate,
    known: &Known,
    as_of: Option<Moment>,
) -> Result<GoldenRecord, FlowError> {
    let view = &known.view;
    let store = &context.store;
    let records: Vec<RecordNumber> = numbers_of(view);
    let mut versions = store.versions_of(&records).await?;
    versions.extend(known.made_up.versions.clone());
    let sources = store.list_sources().await?;
    let sources: BTreeMap<SourceCode, Source> = sources
        .into_iter()
        .map(|source| (source.code.clone(), source))
        .collect();
    let reader = Reading {
        context,
        versions,
        sources,
    };
    let contributions: Vec<Contribution> = view
        .members
        .iter()
        .filter_map(|member| reader.contribution(member, member.state.current.version))
        .collect();
    let preferred = preferred(context, view, as_of).await?;
    let preferred: Vec<Preferred> = preferred
        .into_iter()
        .filter_map(|stored| {
            let member = view
                .members
                .iter()
                .find(|member| member.state.number == stored.record)?;
            Some(Preferred {
                field: stored.field,
                contribution: reader.contribution(member, stored.version)?,
                by: stored.by,
                at: stored.at,
            })
        })
        .collect();
    let numbers = NumberFacts {
        replaced: replaced_numbers(context, gate, view.survivor(), &contributions, as_of).await?,
        confused: known.confused,
    };
    Ok(golden_record(
        &contributions,
        &preferred,
        &numbers,
        &context.survivorship,
    ))
}

fn numbers_of(view: &StoredPersonView) -> Vec<RecordNumber> {
    let members = view.members.iter();
    members.map(|member| member.state.number).collect()
}

/// What a version is read with.
struct Reading<'a> {
    context: &'a Context,
    versions: BTreeMap<(RecordNumber, u32), VersionText>,
    sources: BTreeMap<SourceCode, Source>,
}

impl Reading<'_> {
    /// `None` after an erasure.
    fn contribution(&self, member: &StoredMember, version: u32) -> Option<Contribution> {
        let text = self.versions.get(&(member.state.number, version))?;
        let source = self.sources.get(&member.state.source);
        let (trust, default) = source.map_or((0, NumberStatus::NotTraced), |source| {
            (source.trust, source.number_status_default)
        });
        let origin = Origin {
            source: member.state.source.clone(),
            local_id: member.state.local_id.clone(),
            version,
            effective_at: text.effective_at,
            received_at: text.received_at,
        };
        let options = self.context.standardise_options(default);
        let submitted = text.submitted.clone()?;
        Some(Contribution::read(origin, trust, submitted, &options))
    }
}

/// What holds of what people prefer: of the person and of those that have retired
/// into it, the latest for each field whose record is the person's.
async fn preferred(
    context: &Context,
    view: &StoredPersonView,
    as_of: Option<Moment>,
) -> Result<Vec<StoredPreference>, FlowError> {
    let (store, person) = (&context.store, view.survivor());
    let persons = match as_of {
        None => store.person_and_retired(person).await?,
        Some(moment) => store.person_and_retired_as_of(person, moment).await?,
    };
    let upto = as_of.map(|moment| moment.at);
    let mut latest: BTreeMap<GoldenField, StoredPreference> = BTreeMap::new();
    let members: BTreeSet<RecordNumber> = numbers_of(view).into_iter().collect();
    for preference in store.golden_preferences(&persons, upto).await? {
        if !members.contains(&preference.record) {
            continue;
        }
        let known = latest.get(&preference.field);
        if known.is_none_or(|known| known.position < preference.position) {
            latest.insert(preference.field, preference);
        }
    }
    Ok(latest.into_values().collect())
}

/// The numbers of the records that are replaced, as far as it was known by then. The
/// number that stands may be another person's alone: not across a seal (R22).
async fn replaced_numbers(
    context: &Context,
    gate: Gate,
    person: PersonId,
    contributions: &[Contribution],
    as_of: Option<Moment>,
) -> Result<BTreeMap<NhsNumber, Option<NhsNumber>>, FlowError> {
    let numbers: BTreeSet<NhsNumber> = contributions
        .iter()
        .filter_map(Contribution::number)
        .collect();
    let hashes: Vec<NumberHash> = numbers.iter().map(|number| number_hash(*number)).collect();
    let upto = as_of.map(|moment| moment.at);
    let chains = context.store.number_chains(&hashes, upto).await?;
    let mut replaced = BTreeMap::new();
    for number in &numbers {
        let own = number_hash(*number);
        let live = live_number(&chains.replacements, own);
        if live == Some(own) {
            continue;
        }
        let mut digits = None;
        if let Some(live) = live {
            digits = numbers
                .iter()
                .copied()
                .find(|other| number_hash(*other) == live);
            if let (None, Some(record)) = (digits, chains.named_by.get(&live))
                && may_tell_link(context, gate, person, *record).await?
            {
                digits = context.store.find_number(*record, live).await?;
            }
        }
        replaced.insert(*number, digits);
    }
    Ok(replaced)
}

/// Prefers a record's version for a field of a person, and shows what follows.
///
/// # Errors
/// Unknown person, a record that is not the person's, a version that is not there or
/// says nothing usable, a blank reason, or a fault of ours.
pub async fn prefer(
    context: &Context,
    access: &Access,
    preference: Preference,
    reason: &str,
) -> Result<GoldenAnswer, FlowError> {
    let requested = preference.person;
    let view = known_person(context, access, requested, None).await?.view;
    let preference = Preference {
        person: view.survivor(),
        ..preference
    };
    let read = ReadSet {
        records: vec![(preference.source.clone(), preference.local_id.clone())],
        ..ReadSet::default()
    };
    let now = context.clock.now();
    let record = format!("{}:{}", preference.source, preference.local_id);
    let mut audit = access.audit(now, vec![preference.person], Some(record));
    audit.purpose = Some(reason.to_owned());
    let decide = move |state: &mut RegistryState, _: &_| match prefer_value(state, &preference) {
        Ok(event) => Planned {
            events: vec![event],
            audit: vec![audit.clone()],
            ..Planned::nothing(Ok(()))
        },
        Err(refused) => Planned::nothing(Err(refused)),
    };
    let done = context
        .store
        .commit(read, actor(access), now, decide)
        .await?;
    done.map_err(refusal)?;
    view_golden(context, access, requested, None).await
}

fn refusal(refused: PreferenceRefused) -> FlowError {
    let (member, rule) = match refused {
        PreferenceRefused::OtherPerson => ("local_id", "record of the person"),
        PreferenceRefused::NoVersion => ("version", "version of the record"),
        PreferenceRefused::Number => ("field", "R15"),
    };
    FlowError::Unprocessable {
        member,
        rule,
        detail: refused.to_string(),
    }
}

/// Lets the rules choose a field's value again.
///
/// # Errors
/// Unknown person, nothing preferred, or a fault of ours.
pub async fn stop_preferring(
    context: &Context,
    access: &Access,
    requested: PersonId,
    field: GoldenField,
) -> Result<(), FlowError> {
    let view = known_person(context, access, requested, None).await?.view;
    let persons = context.store.person_and_retired(view.survivor()).await?;
    let holding = context.store.golden_preferences(&persons, None).await?;
    let holding = holding.into_iter().filter(|held| held.field == field);
    let events: Vec<RegistryEvent> = holding
        .map(|held| RegistryEvent::GoldenPreferenceEnded {
            person: held.person,
            field,
        })
        .collect();
    if events.is_empty() {
        let nothing = "nobody prefers a value for this field of this person";
        return Err(FlowError::NotFound(nothing));
    }
    let now = context.clock.now();
    let audit = access.audit(now, vec![view.survivor()], None);
    let plan = move |_: &mut RegistryState, _: &_| Planned {
        events: events.clone(),
        audit: vec![audit.clone()],
        ..Planned::nothing(())
    };
    let (read, actor) = (ReadSet::default(), actor(access));
    Ok(context.store.commit(read, actor, now, plan).await?)
}

fn actor(access: &Access) -> CommitActor {
    CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    }
}
