//! What happened to a person and to its records, oldest first, in words. Events
//! hold no value of a patient, so no word here can: sources, versions, routes
//! and weights, never what a record says.

use crate::flows::changed_fields::changes;
use crate::flows::follow_events::{place_of, unsealed};
use crate::flows::moments::{known_person, moment};
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId, TaskId};
use crate::matching::Route;
use crate::registry::{
    AssertionKind, CloseReason, DisputeEnd, DropReason, EscalationReason, Gate, LinkDecision,
    LocalId, RegistryEvent, SourceCode, TaskKind, TaskOutcome, UnlinkReason, VersionStanding,
    task_of,
};
use crate::security::Access;
use crate::storage::{Moment, PlacedEvent};

/// A page of a person's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryAnswer {
    /// The id that stands now.
    pub person: PersonId,
    /// The id that was asked for.
    pub requested: PersonId,
    /// The ids from the requested one to the one that stands, in order.
    pub replaced_by: Vec<PersonId>,
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Where to go on, when something follows.
    pub next: Option<String>,
    /// The moment of knowledge that was asked for.
    pub as_of: Option<Moment>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// Its place in the ledger, to go on after.
    pub place: String,
    /// When.
    pub at: Instant,
    /// The account behind it, for roles that may see it.
    pub actor: Option<String>,
    /// In words, without a value of a patient.
    pub sentence: String,
    /// The record.
    pub record: Option<(SourceCode, LocalId)>,
    /// The person.
    pub person: Option<PersonId>,
    /// The task.
    pub task: Option<TaskId>,
    /// What.
    pub event: RegistryEvent,
}

/// Which part of a history.
#[derive(Debug, Clone, Copy)]
pub struct HistoryPart<'a> {
    /// After this place; from the beginning without one.
    pub after: Option<&'a str>,
    /// At most so many entries.
    pub limit: u32,
    /// As it was known at this instant.
    pub as_of: Option<Instant>,
}

/// The history of a person, by any id that it ever had, or had by then.
///
/// # Errors
/// Unknown id, a text that is no place, an instant in the future, or a fault of
/// ours.
pub async fn view_history(
    context: &Context,
    access: &Access,
    requested: PersonId,
    part: HistoryPart<'_>,
) -> Result<HistoryAnswer, FlowError> {
    let as_of = moment(context, part.as_of).await?;
    let store = &context.store;
    let known = known_person(context, access, requested, as_of).await?;
    let (stored, made_up) = (known.view, known.made_up.history);
    let person = stored.survivor();
    let persons = match as_of {
        None => store.person_and_retired(person).await?,
        Some(moment) => store.person_and_retired_as_of(person, moment).await?,
    };
    let upto = as_of.map(|moment| moment.at);
    let after = place_of(context, part.after)?;
    let page = store
        .list_history(&persons, after, upto, part.limit)
        .await?;
    let gate = Gate::at(access, upto);
    let mut events = unsealed(context, gate, page.events, Some(requested)).await?;
    // All of it fits on one page.
    events.extend(made_up.into_iter().filter(|_| part.after.is_none()));
    let masked_then = gate.then().map(|_| stored.restricted);
    let changes = changes(context, gate, (&persons, masked_then), &events).await?;
    let names_actors = access.sees_actors();
    let entries = events.into_iter().map(|placed| {
        let change = match &placed.stored.event {
            RegistryEvent::RecordUpdated {
                record, version, ..
            } => changes.get(&(*record, *version)),
            _ => None,
        };
        let mut entry = entry(context, placed, &persons, names_actors);
        if let Some(change) = change {
            entry.sentence.push(' ');
            entry.sentence.push_str(change);
        }
        entry
    });
    let entries = entries.collect();
    let audit = access.audit(context.clock.now(), persons.clone(), None);
    context.store.append_audit(vec![audit]).await?;
    Ok(HistoryAnswer {
        person,
        requested,
        replaced_by: stored.chain,
        entries,
        next: page.next.map(|next| context.store.place_text(next)),
        as_of,
    })
}

fn entry(
    context: &Context,
    placed: PlacedEvent,
    persons: &[PersonId],
    names_actors: bool,
) -> HistoryEntry {
    let own = placed.persons.iter().find(|own| persons.contains(own));
    HistoryEntry {
        place: context.store.place_text(placed.place()),
        at: placed.stored.at,
        actor: Some(placed.stored.actor).filter(|_| names_actors),
        sentence: sentence(&placed.stored.event, placed.record.as_ref()),
        person: own.copied(),
        task: task_of(&placed.stored.event),
        record: placed.record,
        event: placed.stored.event,
    }
}

fn sentence(event: &RegistryEvent, record: Option<&(SourceCode, LocalId)>) -> String {
    let source = record.map_or("A source", |(source, _)| source.as_str());
    match event {
        RegistryEvent::RecordRegistered { .. } => {
            format!("{source} sent the record for the first time.")
        }
        RegistryEvent::RecordUpdated {
            version, standing, ..
        } => updated(source, *version, *standing),
        RegistryEvent::RecordWithdrawn { .. } => format!("{source} withdrew the record."),
        RegistryEvent::ValueDisputed { .. } | RegistryEvent::DisputeEnded { .. } => {
            about_dispute(event, source)
        }
        RegistryEvent::SealMade { whole: true, .. } => {
            "The identity is kept from everybody: somebody objects to its being shared.".to_owned()
        }
        RegistryEvent::SealMade { .. } => "The identity was sealed from another.".to_owned(),
        RegistryEvent::SealLifted { .. } => "A seal was opened.".to_owned(),
        RegistryEvent::RecordErased { .. } => {
            format!("What {source} said in the record was erased.")
        }
        RegistryEvent::PersonCreated { .. } => "This identity was made.".to_owned(),
        RegistryEvent::RecordLinked { decision, .. } => linked(source, decision),
        RegistryEvent::RecordUnlinked { because, .. } => match because {
            UnlinkReason::Withdrawn => {
                format!("The record of {source} left, because its source withdrew it.")
            }
            UnlinkReason::JoinedAnother => {
                format!("The record of {source} left, because new evidence joins it to another.")
            }
            UnlinkReason::Merged => {
                format!("The record of {source} was carried to the person that goes on.")
            }
            UnlinkReason::Unmerged => {
                format!("The record of {source} left, because a merge was undone.")
            }
            UnlinkReason::Moved => format!("The record of {source} was moved by a human."),
        },
        RegistryEvent::PersonRetired {
            person,
            replaced_by,
        } => format!("{person} was replaced by {replaced_by}."),
        RegistryEvent::PersonWithdrawn { .. } => {
            "The identity was withdrawn: it has no active record any more.".to_owned()
        }
        RegistryEvent::TaskUpdated { .. } => {
            format!("New evidence from {source} was added to an open question.")
        }
        RegistryEvent::HeldSettled {
            version, accepted, ..
        } => held(source, *version, *accepted),
        RegistryEvent::PersonRestored { .. }
        | RegistryEvent::MergeProposed { .. }
        | RegistryEvent::MergeDropped { .. }
        | RegistryEvent::MergeMade { .. }
        | RegistryEvent::MergeUndone { .. }
        | RegistryEvent::AssertionMade { .. }
        | RegistryEvent::AssertionWithdrawn { .. } => about_merge(event),
        _ => sentence_of_task(event).unwrap_or_else(|| about_source(event, source)),
    }
}

fn about_dispute(event: &RegistryEvent, source: &str) -> String {
    match event {
        RegistryEvent::ValueDisputed { version, field, .. } => format!(
            "The {} that {source} said in version {version} is disputed: it supports no link \
             until {source} has answered.",
            field.words()
        ),
        RegistryEvent::DisputeEnded { field, because, .. } => {
            let field = field.words();
            match because {
                DisputeEnd::Answered => format!("{source} answered with another {field}."),
                DisputeEnd::Confirmed => format!("The {field} of {source} was confirmed."),
                DisputeEnd::Withdrawn | DisputeEnd::Erased => {
                    format!("The {field} of {source} is disputed no more.")
                }
            }
        }
        _ => String::new(),
    }
}

fn held(source: &str, version: u32, accepted: bool) -> String {
    if accepted {
        format!("A human said that version {version} of {source} is the same patient.")
    } else {
        format!(
            "A human said that version {version} of {source} is somebody else: the earlier \
             version stands."
        )
    }
}

/// What happened to a question, in words; `None` for another event. What a
/// reader said is not in here: the next one reads blind.
pub(super) fn sentence_of_task(event: &RegistryEvent) -> Option<String> {
    Some(match event {
        RegistryEvent::TaskOpened { kind, .. } => format!("A question was raised: {}", asks(*kind)),
        RegistryEvent::TaskUpdated { .. } => "New evidence was added.".to_owned(),
        RegistryEvent::TaskClosed { because, .. } => closed(*because).to_owned(),
        RegistryEvent::TaskReopened { .. } => {
            "There is evidence that nobody has judged: the question is asked again.".to_owned()
        }
        RegistryEvent::TaskClaimed {
            by,
            assigned_by: Some(giver),
            ..
        } => format!("{giver} gave a question to {by}."),
        RegistryEvent::TaskClaimed { by, .. } => format!("{by} took a question in hand."),
        RegistryEvent::TaskReleased { by, .. } => format!("{by} gave a question back."),
        RegistryEvent::TaskRead { by, .. } => format!("{by} has read a question."),
        RegistryEvent::TaskDecided { outcome, .. } => decided(*outcome).to_owned(),
        RegistryEvent::TaskEscalated { because, .. } => match because {
            EscalationReason::Asked => "A question went to the national back office.",
            EscalationReason::TwoLiveNumbers => {
                "Suspected to be one person with two live NHS numbers: a question went to the \
                 national back office."
            }
        }
        .to_owned(),
        RegistryEvent::TaskCommented { by, .. } => format!("{by} wrote about a question."),
        _ => return None,
    })
}

const fn decided(outcome: TaskOutcome) -> &'static str {
    match outcome {
        TaskOutcome::Same => "A question was settled: the same.",
        TaskOutcome::Different => "A question was settled: different people.",
        TaskOutcome::CannotTell => "A question was settled: what is known does not tell.",
        TaskOutcome::Escalate => "A question was settled by the national back office.",
        TaskOutcome::Approve => "A question was settled: approved.",
        TaskOutcome::Reject => "A question was settled: rejected.",
    }
}

fn about_merge(event: &RegistryEvent) -> String {
    match event {
        RegistryEvent::PersonRestored { person } => format!("{person} stands for itself again."),
        RegistryEvent::MergeProposed {
            survivor, retired, ..
        } => format!(
            "Somebody proposed to merge {retired} into {survivor}; somebody else has to approve it."
        ),
        RegistryEvent::MergeDropped {
            survivor,
            retired,
            because,
            ..
        } => match because {
            DropReason::Rejected => {
                format!("The merge of {retired} into {survivor} was not approved.")
            }
            DropReason::NoLongerPossible => format!(
                "The proposed merge of {retired} into {survivor} was dropped: it had become \
                 impossible."
            ),
        },
        RegistryEvent::MergeMade {
            survivor,
            retired,
            moved,
            ..
        } => format!(
            "{retired} was merged into {survivor} by a human; {} moved.",
            records(moved.len())
        ),
        RegistryEvent::MergeUndone {
            survivor, retired, ..
        } => format!("The merge of {retired} into {survivor} was undone by a human."),
        RegistryEvent::AssertionMade {
            kind: AssertionKind::Same,
            ..
        } => "A human said that records are the same person's.".to_owned(),
        RegistryEvent::AssertionMade { .. } => {
            "A human said that records are different people's; they are never joined by themselves."
                .to_owned()
        }
        _ => "A human took back what was said of records.".to_owned(),
    }
}

fn records(count: usize) -> String {
    if count == 1 {
        "one record".to_owned()
    } else {
        format!("{count} records")
    }
}

fn about_source(event: &RegistryEvent, source: &str) -> String {
    match event {
        RegistryEvent::VersionDeferred { version, .. } => {
            format!("Version {version} waits, because {source} is quarantined.")
        }
        RegistryEvent::DeferredDecided { version, .. } => {
            format!("Version {version} was decided after the release of {source}.")
        }
        RegistryEvent::NumberReplaced { .. } => {
            format!("{source} said that one NHS number is replaced by another.")
        }
        RegistryEvent::SourceQuarantined { .. } => {
            format!("{source} was quarantined after this record.")
        }
        RegistryEvent::SourceReleased { .. } => format!("{source} was released from quarantine."),
        RegistryEvent::GoldenValuePreferred { field, version, .. } => format!(
            "Of the {}, what {source} said in version {version} was preferred by a human.",
            field.words()
        ),
        RegistryEvent::GoldenPreferenceEnded { field, .. } => format!(
            "Of the {}, nobody prefers a value any more; the rules choose it.",
            field.words()
        ),
        _ => format!("The record of {source} contradicts what is known, or holds a default."),
    }
}

fn updated(source: &str, version: u32, standing: VersionStanding) -> String {
    match standing {
        VersionStanding::Current => {
            format!("{source} sent version {version}; it became what the record says.")
        }
        VersionStanding::History => format!(
            "{source} sent version {version}; it is older than what was known and is kept as \
             history."
        ),
        VersionStanding::Held => format!(
            "{source} sent version {version}; it would turn the record into somebody else and is \
             held for a human."
        ),
    }
}

fn linked(source: &str, decision: &LinkDecision) -> String {
    let weight = decision
        .weight_bits
        .map_or_else(String::new, |bits| format!(" ({bits:.1} bits)"));
    if let Some(carried) = &decision.carried {
        return if carried.undone {
            format!("The record of {source} went back, because a merge was undone.")
        } else {
            format!("The record of {source} came with a merge.")
        };
    }
    match decision.route {
        None => format!("The record of {source} was linked as the first of an identity."),
        Some(Route::Deterministic) => format!(
            "The record of {source} was linked by a rule about its number{weight}{}",
            why(decision)
        ),
        Some(Route::Probabilistic) => format!(
            "The record of {source} was linked by the weight of the evidence{weight}{}",
            why(decision)
        ),
        Some(Route::Human) => format!("The record of {source} was linked by a human."),
    }
}

/// The rules that spoke, in words that hold no value of a record.
fn why(decision: &LinkDecision) -> String {
    let reasons = decision.reasons.iter().map(|reason| reason.sentence());
    let reasons: Vec<&str> = reasons.collect();
    if reasons.is_empty() {
        ".".to_owned()
    } else {
        format!(": {}", reasons.join(" "))
    }
}

const fn asks(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::PossibleDuplicate => "are these two persons one?",
        TaskKind::PossibleDuplicateNumber => "does one person have two NHS numbers?",
        TaskKind::SuspectedConfusion => "do two persons share one NHS number?",
        TaskKind::OverlayHeld => "would this update turn the record into somebody else?",
        TaskKind::LinkDoubtful => "does the record still belong to this person?",
        TaskKind::SourceQuarantined => "why does this source contradict what is known?",
        TaskKind::SupersessionConflict => "which NHS number stands for the other?",
        TaskKind::ImplausibleDates => "which of these dates of birth, death or event is wrong?",
        TaskKind::ActivityAfterDeath => "has this person died, or is the activity somebody else's?",
        TaskKind::MergeApproval => "may these two persons become one, as somebody has proposed?",
    }
}

const fn closed(because: CloseReason) -> &'static str {
    match because {
        CloseReason::PersonsParted => {
            "A question was closed: the persons have been parted, and it is asked of the one that \
             has the record now."
        }
        CloseReason::AssertedDifferent => {
            "A question was closed: a human said that these are different people."
        }
        CloseReason::RecordMoved => {
            "A question was closed: a human has decided where the record belongs."
        }
        CloseReason::MergeDropped => "A question was closed: the merge is not carried out.",
        CloseReason::MergeProposed => {
            "A question was closed: a merge of the two is proposed, and its approval is asked for \
             instead."
        }
        CloseReason::PersonsJoined => "A question was closed: the persons have become one.",
        CloseReason::PersonWithdrawn => "A question was closed: a person was withdrawn.",
        CloseReason::Superseded => {
            "A question was closed: a later version of the record settles it."
        }
        CloseReason::SourceReleased => "A question was closed: the source was released.",
        CloseReason::Sealed => "A question was closed: the persons were sealed from each other.",
    }
}
