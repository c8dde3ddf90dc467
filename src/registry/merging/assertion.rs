//! What a human says of two records: the same person's, or different people's.

use std::collections::BTreeSet;

use crate::foundation::{AssertionId, PersonId, RecordNumber};
use crate::matching::LinkageModel;
use crate::registry::merging::merge::{MergeAnswer, MergeCommand, members_of, merge_persons};
use crate::registry::tasks::evidence_digest;
use crate::registry::{
    AssertionKind, Change, CloseReason, ComparedVersion, DropReason, LocalId, MergeRefusal,
    MergeStatus, Numbering, RecordState, Refused, RegistryEvent, RegistryState, SourceCode,
    TaskKind,
};

/// What a human says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionCommand {
    /// The one record.
    pub a: (SourceCode, LocalId),
    /// The other.
    pub b: (SourceCode, LocalId),
    /// The same, or different.
    pub kind: AssertionKind,
    /// Who says it.
    pub by: String,
    /// As in [`MergeCommand::restricted`].
    pub restricted: bool,
}

/// What has become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssertionAnswer {
    /// Its id.
    pub assertion: AssertionId,
    /// The merge of the two persons, where "the same" joins them: the person of
    /// the first record goes on.
    pub merge: Option<MergeAnswer>,
}

/// Takes what a human says of two records. "The same" of two persons is a merge
/// of them; "different" keeps automation from ever joining them (R102).
///
/// # Errors
/// An unknown record, one record twice, records of one person that are said to
/// be different people's, an assertion that says the contrary; for "the same",
/// as [`merge_persons`].
pub fn assert_records(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    command: &AssertionCommand,
) -> Result<Change<AssertionAnswer>, Refused> {
    let find = |(source, local_id): &(SourceCode, LocalId)| state.record(source, local_id);
    let a = find(&command.a).ok_or(MergeRefusal::UnknownRecord)?;
    let b = find(&command.b).ok_or(MergeRefusal::UnknownRecord)?;
    if a.number == b.number {
        return Err(MergeRefusal::SamePerson.into());
    }
    let persons = [a, b].map(|record| record.link.as_ref().map(|link| link.person));
    refuse_contrary(state, command.kind, [a, b], persons)?;
    let assertion = numbering.assertion();
    let mut seen = [a, b].map(|record| ComparedVersion {
        record: record.number,
        version: record.current.version,
    });
    seen.sort_unstable();
    let mut events = vec![RegistryEvent::AssertionMade {
        assertion,
        kind: command.kind,
        a: vec![a.number],
        b: vec![b.number],
        evidence: evidence_digest(model, &seen),
        by: command.by.clone(),
        merge: None,
    }];
    let mut merge = None;
    if let [Some(one), Some(other)] = persons
        && one != other
    {
        if command.kind == AssertionKind::Same {
            let command = MergeCommand {
                survivor: one,
                retired: other,
                by: command.by.clone(),
                restricted: command.restricted,
            };
            let merged = merge_persons(state, model, numbering, &command)?;
            events.extend(merged.events);
            merge = Some(merged.answer);
        } else {
            close_duplicates(state, &mut events, one, other);
            drop_merges_of(state, &mut events, [one, other], &command.by);
        }
    }
    let answer = AssertionAnswer { assertion, merge };
    Ok(Change { events, answer })
}

/// Takes an assertion back. What it has joined stays joined.
///
/// # Errors
/// An unknown assertion, or one that is withdrawn already.
pub fn withdraw_assertion(
    state: &RegistryState,
    assertion: AssertionId,
    by: &str,
) -> Result<Vec<RegistryEvent>, MergeRefusal> {
    let known = state.assertions.get(&assertion);
    let known = known.ok_or(MergeRefusal::UnknownAssertion)?;
    if known.withdrawn {
        return Err(MergeRefusal::AlreadyWithdrawn);
    }
    Ok(vec![RegistryEvent::AssertionWithdrawn {
        assertion,
        by: by.to_owned(),
    }])
}

fn refuse_contrary(
    state: &RegistryState,
    kind: AssertionKind,
    records: [&RecordState; 2],
    persons: [Option<PersonId>; 2],
) -> Result<(), Refused> {
    let own = records.map(|record| BTreeSet::from([record.number]));
    if state.sealed(&own[0], &own[1]).is_some() {
        return Err(MergeRefusal::UnknownRecord.into());
    }
    if kind == AssertionKind::Same {
        // Merging asks the same of all records of both persons.
        return match state.asserted_different(&own[0], &own[1]) {
            Some(assertion) => Err(MergeRefusal::AssertedDifferent(assertion).into()),
            None => Ok(()),
        };
    }
    if let [Some(one), Some(other)] = persons
        && one == other
    {
        return Err(MergeRefusal::TogetherNow(one).into());
    }
    let groups = |record: usize| -> BTreeSet<RecordNumber> {
        let person = persons[record].map(|person| members_of(state, person));
        person
            .unwrap_or_default()
            .union(&own[record])
            .copied()
            .collect()
    };
    let (one, other) = (groups(0), groups(1));
    let same = state.assertions.iter().find(|(_, known)| {
        known.kind == AssertionKind::Same && !known.withdrawn && known.parts(&one, &other)
    });
    match same {
        Some((assertion, _)) => Err(MergeRefusal::AssertedSame(*assertion).into()),
        None => Ok(()),
    }
}

/// Whether two persons are one is answered; a shared number is not explained.
fn close_duplicates(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    one: PersonId,
    other: PersonId,
) {
    let asked = state.open_tasks_of(one).filter(|(_, known)| {
        let asks = matches!(
            known.kind,
            TaskKind::PossibleDuplicate | TaskKind::MergeApproval
        );
        asks && known.persons.contains(&other)
    });
    events.extend(asked.map(|(task, _)| RegistryEvent::TaskClosed {
        task,
        because: CloseReason::AssertedDifferent,
    }));
}

/// What was proposed of two who are different people cannot be approved any more.
fn drop_merges_of(
    state: &RegistryState,
    events: &mut Vec<RegistryEvent>,
    pair: [PersonId; 2],
    by: &str,
) {
    let waiting = state.merges.iter().filter(|(_, known)| {
        known.status == MergeStatus::AwaitingApproval
            && pair.contains(&known.survivor)
            && pair.contains(&known.retired)
    });
    events.extend(waiting.map(|(merge, known)| RegistryEvent::MergeDropped {
        merge: *merge,
        survivor: known.survivor,
        retired: known.retired,
        by: by.to_owned(),
        because: DropReason::NoLongerPossible,
    }));
}
