//! A source says that two of its own local ids are one patient's (R104, HL7 A40). It
//! may say so of its own ids alone, and what it says joins two persons only where no
//! other source's record would go along.

use std::collections::BTreeSet;

use crate::foundation::{PersonId, RecordNumber};
use crate::matching::{LinkageModel, Reason, Route, alarm};
use crate::registry::candidates::Scored;
use crate::registry::evidence::link_decision;
use crate::registry::merging::{carry_tasks, drop_proposals, refuse_two_numbers};
use crate::registry::supersession::resolved;
use crate::registry::tasks::{Grounds, Question, raise};
use crate::registry::{
    Change, LinkDecision, LocalId, Member, Numbering, RecordState, RegistryEvent, RegistryState,
    SourceCode, TaskKind, TaskPriority, UnlinkReason,
};

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMergeCommand {
    /// Which.
    pub source: SourceCode,
    /// The local id that goes on.
    pub survivor: LocalId,
    /// The one that was another of the same patient.
    pub retired: LocalId,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceMergeOutcome {
    /// Both were one person's already.
    Together,
    /// They are one person's now.
    Joined,
    /// Other sources' records, another verified number or what a human has said stand
    /// against it: it is a question, and nothing else.
    UnderReview,
}

/// What has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceMergeAnswer {
    /// Whose record the one that goes on is.
    pub person: PersonId,
    /// What follows.
    pub outcome: SourceMergeOutcome,
}

/// Why nothing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceMergeRefusal {
    /// The source has no such id.
    #[error("no record with this local id is known for this source")]
    UnknownRecord,
    /// An id cannot be merged with itself.
    #[error("both local ids are the same")]
    SameRecord,
    /// It has no person.
    #[error("one of the records is withdrawn")]
    Withdrawn,
}

/// Takes what a source says of two of its ids. Nothing is deleted: both go on
/// resolving.
///
/// # Errors
/// An unknown or withdrawn record, or one id twice.
pub fn merge_source_records(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    command: &SourceMergeCommand,
) -> Result<Change<SourceMergeAnswer>, SourceMergeRefusal> {
    let find = |local_id: &LocalId| {
        let record = state.record(&command.source, local_id);
        record.ok_or(SourceMergeRefusal::UnknownRecord)
    };
    let (stays, goes) = (find(&command.survivor)?, find(&command.retired)?);
    if stays.number == goes.number {
        return Err(SourceMergeRefusal::SameRecord);
    }
    let owner = |record: &RecordState| {
        let link = record.link.as_ref();
        link.map(|link| link.person)
            .ok_or(SourceMergeRefusal::Withdrawn)
    };
    let (person, other) = (owner(stays)?, owner(goes)?);
    let change = |outcome, events| {
        let answer = SourceMergeAnswer { person, outcome };
        Ok(Change { events, answer })
    };
    if person == other {
        return change(SourceMergeOutcome::Together, Vec::new());
    }
    // For the source the other does not exist (R22): no question, no word.
    let sides = [person, other].map(|person| state.sealable(person));
    if state.sealed(&sides[0], &sides[1]).is_some() {
        return change(SourceMergeOutcome::UnderReview, Vec::new());
    }
    let work = Work {
        state,
        model,
        numbering,
        command,
        persons: [person, other],
        goes,
    };
    match work.join() {
        Ok(events) => change(SourceMergeOutcome::Joined, events),
        Err(events) => change(SourceMergeOutcome::UnderReview, events),
    }
}

struct Work<'w> {
    state: &'w RegistryState,
    model: &'w LinkageModel,
    numbering: &'w Numbering<'w>,
    command: &'w SourceMergeCommand,
    /// Of the record that stays, and of the one that goes.
    persons: [PersonId; 2],
    goes: &'w RecordState,
}

impl Work<'_> {
    /// The events of joining, or those of asking.
    fn join(&self) -> Result<Vec<RegistryEvent>, Vec<RegistryEvent>> {
        let state = self.state;
        let [person, other] = self.persons;
        let sides = self.persons.map(|person| state.members(person));
        refuse_two_numbers(
            state,
            self.model,
            self.numbering,
            self.persons,
            sides.clone(),
        )
        .map_err(|refused| refused.events)?;
        let [theirs, own] = sides;
        // Also those whose values are erased: what people said of them holds (R102).
        let records = |person: PersonId| -> BTreeSet<RecordNumber> {
            let known = state.persons.get(&person);
            known.map_or_else(BTreeSet::new, |known| known.members.clone())
        };
        let alone = records(other).len() == 1;
        let quarantined = state.is_quarantined(&self.command.source);
        let apart = state.asserted_different(&records(person), &records(other));
        let (Some(member), true, false, None) = (own.first(), alone, quarantined, apart) else {
            return Err(self.ask(&theirs, &own));
        };
        let members = resolved(&state.replacements, &member.standard, theirs.clone());
        let values: Vec<_> = members.iter().map(|it| it.standard.as_ref()).collect();
        let score = self.model.score(&member.standard, &values);
        let contrary = score.is_of_someone_else()
            || alarm(self.model, &member.standard, &values).is_some()
            || values.is_empty();
        if contrary {
            return Err(self.ask(&theirs, &own));
        }
        let scored = Scored {
            person,
            members: theirs,
            score,
        };
        Ok(self.carry(member, &scored))
    }

    /// The record was alone under its person, whose id leads on from now.
    fn carry(&self, member: &Member, scored: &Scored) -> Vec<RegistryEvent> {
        let [person, other] = self.persons;
        let decision = link_decision(
            self.model,
            member.record,
            member.version,
            Some((scored, member.standard.as_ref())),
            vec![Reason::SourceMergedIds],
        );
        let mut events = vec![
            RegistryEvent::RecordUnlinked {
                record: member.record,
                person: other,
                because: UnlinkReason::JoinedAnother,
                merge: None,
            },
            RegistryEvent::RecordLinked {
                record: member.record,
                person,
                decision: LinkDecision {
                    route: Some(Route::Deterministic),
                    weight_bits: Some(scored.score.weight.bits()),
                    ..decision
                },
            },
            RegistryEvent::PersonRetired {
                person: other,
                replaced_by: person,
            },
        ];
        carry_tasks(self.state, &mut events, self.numbering, other, person);
        let by = self.command.source.as_str();
        drop_proposals(self.state, &mut events, other, by);
        events
    }

    fn ask(&self, theirs: &[Member], own: &[Member]) -> Vec<RegistryEvent> {
        let mut persons = self.persons.to_vec();
        persons.sort_unstable();
        let mut seen: Vec<_> = theirs
            .iter()
            .chain(own)
            .map(|member| crate::registry::ComparedVersion {
                record: member.record,
                version: member.version,
            })
            .collect();
        seen.sort_unstable();
        let question = Question {
            kind: TaskKind::PossibleDuplicate,
            record: self.goes.number,
            persons,
            weight_bits: None,
            reasons: vec![Reason::SourceMergedIds],
            grounds: Grounds::seen(self.model, seen),
            priority: TaskPriority::Number,
        };
        let mut events = Vec::new();
        raise(self.state, &mut events, self.numbering, question);
        events
    }
}
