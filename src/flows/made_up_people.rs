//! The people of known pairs (R117), wherever those who answer questions may look for
//! them while the pair waits for an answer. Its question waits in everybody's queue, and
//! leads to their pages and records, so that a colleague who is asked sees what its reader
//! sees. By their values (a search, `/match`) they are found by that reader alone: what
//! others find by a name is real. To systems, to whoever works through one, and to
//! everybody afterwards, they are unknown.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flows::known_pairs::Dealt;
use crate::flows::list_tasks::{TaskFilter, TaskStanding};
use crate::flows::moments::Known;
use crate::flows::search_persons::FoundPerson;
use crate::flows::{Context, FlowError};
use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::identity::{NumberStatus, standardise};
use crate::matching::search::{SearchCriteria, SearchedRecord};
use crate::matching::{BlockingKeys, blocking_keys};
use crate::registry::{
    Gate, LocalId, Member, Outcome, PersonStatus, RecordState, RegistrationAnswer, RegistryEvent,
    SourceCode, TaskKind, TaskState, VersionStanding,
};
use crate::review::MadeUpRecord;
use crate::security::Access;
use crate::storage::{
    Moment, PlacedEvent, StoredKnownPair, StoredMember, StoredPerson, StoredPersonView,
    StoredRecord, StoredVersion, VersionText, WaitingTasks,
};

/// What the store does not know of a made-up person.
#[derive(Default)]
pub(super) struct MadeUp {
    /// Its record's version, as the golden record reads it.
    pub(super) versions: BTreeMap<(RecordNumber, u32), VersionText>,
    /// What happened to it.
    pub(super) history: Vec<PlacedEvent>,
}

/// One of the people of a pair that waits.
struct Person {
    dealt: Dealt,
    person: PersonId,
    record: RecordState,
    said: MadeUpRecord,
}

/// Pairs that wait, as those see them who answer questions.
async fn waiting(context: &Context, access: &Access) -> Result<Vec<StoredKnownPair>, FlowError> {
    if !access.works_at_the_desk() {
        return Ok(Vec::new());
    }
    Ok(context.store.waiting_known_pairs().await?)
}

/// The same of those that were dealt to the asker.
async fn own(context: &Context, access: &Access) -> Result<Vec<StoredKnownPair>, FlowError> {
    if !access.works_at_the_desk() {
        return Ok(Vec::new());
    }
    Ok(context.store.open_known_pairs(access.person()).await?)
}

/// The people of these pairs.
fn people(context: &Context, open: Vec<StoredKnownPair>) -> Vec<Person> {
    let mut people = Vec::new();
    for stored in open {
        let persons = Dealt::of(context, stored.clone()).persons().to_vec();
        for person in persons {
            let dealt = Dealt::of(context, stored.clone());
            let own = dealt.only_member(person).and_then(|member| {
                let record = dealt.state.records.get(&member.record)?.clone();
                let mut sides = dealt.stored.pair.sides.iter();
                let named = |it: &&MadeUpRecord| {
                    (&it.source, &it.local_id) == (&record.source, &record.local_id)
                };
                let said = sides.find(named)?.clone();
                Some((record, said))
            });
            people.extend(own.map(|(record, said)| Person {
                dealt,
                person,
                record,
                said,
            }));
        }
    }
    people
}

/// A number that no record of the ledger has, so that a text made of it leads nowhere.
fn number_of(person: PersonId) -> RecordNumber {
    let text = person.to_string();
    let digits = text.get(text.len().saturating_sub(15)..);
    let number = digits.and_then(|digits| i64::from_str_radix(digits, 16).ok());
    RecordNumber(number.unwrap_or(i64::MAX))
}

impl Person {
    /// When its record came.
    fn came(&self) -> Instant {
        let first = self.dealt.stored.pair.entries.first();
        Instant::from_microseconds(first.map_or(0, |entry| entry.at))
    }

    fn is_known_at(&self, as_of: Option<Moment>) -> bool {
        as_of.is_none_or(|moment| moment.at >= self.came())
    }

    fn state(&self) -> RecordState {
        RecordState {
            number: number_of(self.person),
            ..self.record.clone()
        }
    }

    fn known(self) -> Known {
        let (number, task) = (number_of(self.person), self.dealt.stored.pair.task);
        let standard = self.dealt.only_member(self.person);
        let member = StoredMember {
            state: self.state(),
            standard: standard.map(|member| member.standard),
            submitted: Some(self.said.submitted.clone()),
        };
        let text = VersionText {
            standing: VersionStanding::Current,
            effective_at: self.record.current.effective_at,
            received_at: self.came(),
            submitted: Some(self.said.submitted.clone()),
        };
        Known {
            made_up: MadeUp {
                versions: BTreeMap::from([((number, 1), text)]),
                history: self.history(),
            },
            view: StoredPersonView {
                requested: self.person,
                status: PersonStatus::Active,
                chain: Vec::new(),
                revision: EventPosition(1),
                members: vec![member],
                tasks: vec![task],
                restricted: false,
            },
            questions: self.dealt.task().cloned().into_iter().collect(),
            possible: Vec::new(),
            confused: false,
            disputes: Vec::new(),
        }
    }

    /// What a person's history tells of it: its record, its link, its question.
    fn history(&self) -> Vec<PlacedEvent> {
        let own = self.record.number;
        let (events, _) = self.dealt.happened();
        let told = events.into_iter().filter(|stored| match &stored.event {
            RegistryEvent::RecordRegistered { record, .. } => *record == own,
            RegistryEvent::PersonCreated { person }
            | RegistryEvent::RecordLinked { person, .. } => *person == self.person,
            RegistryEvent::TaskOpened { .. } => true,
            _ => false,
        });
        let name = (self.record.source.clone(), self.record.local_id.clone());
        let placed = told.map(|stored| PlacedEvent {
            stored,
            persons: vec![self.person],
            record: Some(name.clone()),
            records: Vec::new(),
            moved_from: None,
            asserted: Vec::new(),
        });
        placed.collect()
    }

    fn stored_record(self, context: &Context) -> StoredRecord {
        let options = context.standardise_options(NumberStatus::NotTraced);
        let (_, findings) = standardise(&self.said.submitted, &options);
        let raised = self
            .dealt
            .task()
            .filter(|task| task.record == self.record.number);
        let task = self.dealt.stored.pair.task;
        let answer = RegistrationAnswer {
            source: self.record.source.clone(),
            local_id: self.record.local_id.clone(),
            version: 1,
            person_id: self.person,
            outcome: Outcome::NewPerson,
            route: None,
            weight_bits: None,
            probability: None,
            calibrated: context.model.calibrated(),
            complete: true,
            possible: Vec::new(),
            tasks: raised.map(|_| task).into_iter().collect(),
            findings,
            position: EventPosition(1),
            replayed: false,
            created: true,
        };
        let entries = &self.dealt.stored.pair.entries;
        let version = StoredVersion {
            version: 1,
            digest: self.record.current.digest.clone(),
            standing: VersionStanding::Current,
            effective_at: self.record.current.effective_at,
            received_at: self.came(),
            position: EventPosition(1),
            actor: entries.first().map_or(String::new(), |it| it.actor.clone()),
            submitted: Some(self.said.submitted.clone()),
            findings: String::new(),
            // Written of texts and numbers alone.
            answer: serde_json::to_string(&answer).unwrap_or_default(),
        };
        StoredRecord {
            tasks: answer.tasks,
            state: self.state(),
            versions: vec![version],
        }
    }
}

/// A made-up person of this id, where the asker may know of it.
///
/// # Errors
/// A fault of ours.
pub(super) async fn made_up_person(
    context: &Context,
    access: &Access,
    person: PersonId,
    as_of: Option<Moment>,
) -> Result<Option<Known>, FlowError> {
    let mut people = people(context, waiting(context, access).await?).into_iter();
    let found = people.find(|it| it.person == person && it.is_known_at(as_of));
    Ok(found.map(Person::known))
}

/// A made-up record of this name, where the asker may know of it.
///
/// # Errors
/// A fault of ours.
pub(super) async fn made_up_record(
    context: &Context,
    access: &Access,
    (source, local_id): (&SourceCode, &LocalId),
    as_of: Option<Moment>,
) -> Result<Option<StoredRecord>, FlowError> {
    let mut people = people(context, waiting(context, access).await?).into_iter();
    let found = people.find(|it| {
        (&it.record.source, &it.record.local_id) == (source, local_id) && it.is_known_at(as_of)
    });
    Ok(found.map(|person| person.stored_record(context)))
}

/// Those of the asker's made-up people whom a search finds.
///
/// # Errors
/// A fault of ours.
pub(super) async fn found_made_up(
    context: &Context,
    access: &Access,
    criteria: &SearchCriteria,
) -> Result<Vec<FoundPerson>, FlowError> {
    let gate = Gate::of(access);
    let people = people(context, own(context, access).await?).into_iter();
    let found = people.filter_map(|it| {
        let standard = it.dealt.only_member(it.person)?.standard;
        let searched = SearchedRecord {
            current: Arc::clone(&standard),
            earlier: Vec::new(),
        };
        let found = criteria.verify(&[searched])?;
        Some(FoundPerson {
            person: it.person,
            score: found.score,
            matched: found.matched,
            records: 1,
            restricted: false,
            record: Some(gate.record(it.said.submitted.clone(), false)),
        })
    });
    Ok(found.collect())
}

/// Whom a question may be compared with beside the people of the ledger: of the asker's
/// own pairs, each with the keys that it stands under.
pub(super) struct AlsoAsked(Vec<(Vec<u64>, StoredPerson)>);

/// The asker's made-up people, for `/match`.
///
/// # Errors
/// A fault of ours.
pub(super) async fn also_asked(context: &Context, access: &Access) -> Result<AlsoAsked, FlowError> {
    let people = people(context, own(context, access).await?).into_iter();
    let asked = people.filter_map(|it| {
        let member = Member {
            record: number_of(it.person),
            ..it.dealt.only_member(it.person)?
        };
        let keys = blocking_keys(&member.standard).stored_hashes();
        let person = StoredPerson {
            person: it.person,
            revision: EventPosition(1),
            members: vec![member],
            restricted: false,
        };
        Some((keys, person))
    });
    Ok(AlsoAsked(asked.collect()))
}

impl AlsoAsked {
    /// Those who share a key with what is asked about, as the index would find them.
    pub(super) fn sharing(self, keys: &BlockingKeys) -> Vec<StoredPerson> {
        let shares = |key: &u64| keys.probes.iter().any(|probe| probe.key.hash == *key);
        let people = self.0.into_iter();
        let found = people.filter(|(stored, _)| stored.iter().any(shares));
        found.map(|(_, person)| person).collect()
    }
}

/// The pair whose two people these are, where the asker may know of it.
///
/// # Errors
/// A fault of ours.
pub(super) async fn pair_of(
    context: &Context,
    access: &Access,
    [one, other]: [PersonId; 2],
) -> Result<Option<Dealt>, FlowError> {
    let waiting = waiting(context, access).await?.into_iter();
    let mut dealt = waiting.map(|stored| Dealt::of(context, stored));
    Ok(dealt.find(|dealt| {
        let persons = dealt.persons();
        one != other && persons.contains(&one) && persons.contains(&other)
    }))
}

/// Those that wait and that the filter lets through, as a list shows them.
///
/// # Errors
/// A fault of ours.
pub(super) async fn listed_pairs(
    context: &Context,
    access: &Access,
    filter: &TaskFilter,
) -> Result<Vec<(TaskId, TaskState)>, FlowError> {
    let waits = matches!(
        filter.standing,
        None | Some(TaskStanding::Waiting | TaskStanding::Open | TaskStanding::Claimed)
    );
    let kind = matches!(filter.kind, None | Some(TaskKind::PossibleDuplicate));
    if !waits || !kind {
        return Ok(Vec::new());
    }
    let now = context.clock.now();
    let waiting = waiting(context, access).await?;
    let dealt = waiting.into_iter().filter_map(|stored| {
        let dealt = Dealt::of(context, stored);
        let (task, state) = (dealt.stored.pair.task, dealt.task()?);
        let claimed = state.claim_at(now).is_some();
        let stands = match filter.standing {
            Some(TaskStanding::Open) => !claimed,
            Some(TaskStanding::Claimed) => claimed,
            _ => true,
        };
        let own = filter
            .assigned_to
            .as_deref()
            .is_none_or(|name| state.claim_at(now).is_some_and(|claim| claim.by == name));
        let raised = dealt.state.records.get(&state.record)?;
        let source = filter.source.as_ref().is_none_or(|it| *it == raised.source);
        let about = filter
            .person
            .is_none_or(|person| dealt.persons().contains(&person));
        let age = (now.microseconds() - task.made_at().microseconds()) / 1_000_000;
        let old = filter
            .older_than_seconds
            .is_none_or(|seconds| age >= seconds);
        (stands && own && source && about && old).then(|| (task, state.clone()))
    });
    Ok(dealt.collect())
}

/// What waits beside what the ledger holds.
///
/// # Errors
/// A fault of ours.
pub(super) async fn waiting_pairs(
    context: &Context,
    access: &Access,
) -> Result<Vec<WaitingTasks>, FlowError> {
    let now = context.clock.now();
    let open = waiting(context, access).await?;
    let waiting = open.into_iter().filter_map(|stored| {
        let dealt = Dealt::of(context, stored);
        let (task, state) = (dealt.stored.pair.task, dealt.task()?);
        Some(WaitingTasks {
            source: dealt.state.records.get(&state.record)?.source.clone(),
            kind: state.kind,
            priority: state.priority,
            in_hand: state.claim_at(now).map(|claim| claim.by.clone()),
            tasks: 1,
            overdue: u32::from(context.review.due.due_at(task, state) < now),
            oldest: task.made_at(),
        })
    });
    Ok(waiting.collect())
}
