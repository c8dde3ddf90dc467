//! A person disputes a value of a source's record (R133). Until the source has
//! answered, by another value or by confirming it, the value is compared with nothing:
//! it supports no link. What was linked by it stays, as possible, and is asked about.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::foundation::{PersonId, RecordNumber, TaskId};
use crate::identity::{DisputedField, StandardRecord};
use crate::matching::{Candidate, Decision, IdentityScore, LinkageModel, Reason, Route, decide};
use crate::registry::candidates::Scored;
use crate::registry::register::Work;
use crate::registry::supersession::resolved;
use crate::registry::tasks::{Grounds, Question, evidence_digest};
use crate::registry::{
    Change, ComparedVersion, DisputeEnd, Member, Numbering, RecordState, RecordStatus, Registered,
    Registration, RegistryEvent, RegistryState, TaskKind, TaskState, VersionStanding,
};

/// Why a dispute neither begins nor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisputeRefused {
    /// There is no such record, or its source has withdrawn it.
    #[error("no active record with this local id is known for this source")]
    Unknown,
    /// Its source has sent another version in between.
    #[error("the record has a later version by now; read it again")]
    Changed,
    /// An update of it waits for a human, or its source is quarantined.
    #[error("an update of this record waits to be decided; that comes first")]
    Waits,
    /// The version says nothing of it that could be compared.
    #[error("the record says nothing usable of this field")]
    SaysNothing,
    /// It is disputed already.
    #[error("this field of the record is disputed already")]
    Disputed,
    /// Nobody disputes it.
    #[error("nobody disputes this field of the record")]
    Undisputed,
}

/// Notes that a value is disputed, as a further version with the same content that is
/// compared without it. The registration has the content of the current version.
///
/// # Errors
/// [`DisputeRefused`] says why not.
pub fn dispute(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    (field, by): (DisputedField, &str),
) -> Result<Change<Registered>, DisputeRefused> {
    let (record, current) = current(state, registration)?;
    if current.disputed_fields().any(|known| known == field) {
        return Err(DisputeRefused::Disputed);
    }
    if !registration.standard.says(field) {
        return Err(DisputeRefused::SaysNothing);
    }
    let mut work = Work::on(state, model, numbering, registration);
    work.disputes = Some(field);
    work.events.push(RegistryEvent::ValueDisputed {
        record: record.number,
        version: record.current.version,
        field,
        by: by.to_owned(),
    });
    let version = record.latest_version + 1;
    work.push_version(record.number, version, VersionStanding::Current);
    let standard = work.with_history(record.number);
    let tasks = work.doubt_links(record, version, &standard);
    let placed = work.stays(record, Vec::new(), tasks.into_iter().collect());
    Ok(work.finish(record.number, version, placed, Some(standard), false))
}

/// Ends a dispute: the version is decided on again with the value.
///
/// # Errors
/// [`DisputeRefused`] says why not.
pub fn end_dispute(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    registration: &Registration,
    (field, because): (DisputedField, DisputeEnd),
) -> Result<Change<Registered>, DisputeRefused> {
    let (record, current) = current(state, registration)?;
    if !current.disputed_fields().any(|known| known == field) {
        return Err(DisputeRefused::Undisputed);
    }
    let mut work = Work::on(state, model, numbering, registration);
    work.settles = Some(field);
    work.events.push(RegistryEvent::DisputeEnded {
        record: record.number,
        field,
        because,
    });
    Ok(work.become_current(record))
}

fn current<'s>(
    state: &'s RegistryState,
    registration: &Registration,
) -> Result<(&'s RecordState, &'s StandardRecord), DisputeRefused> {
    let record = state.record(&registration.source, &registration.local_id);
    let record = record.ok_or(DisputeRefused::Unknown)?;
    if record.status == RecordStatus::Withdrawn {
        return Err(DisputeRefused::Unknown);
    }
    if record.current.digest != registration.digest {
        return Err(DisputeRefused::Changed);
    }
    if record.held.is_some() || state.is_quarantined(&registration.source) {
        return Err(DisputeRefused::Waits);
    }
    // Without values it was erased in between.
    let standard = state.standards.get(&record.number);
    Ok((record, standard.ok_or(DisputeRefused::Changed)?))
}

impl Work<'_> {
    /// Says which disputes the version has answered: those that are over although
    /// nobody has ended them.
    pub(super) fn note_answers(&mut self, record: RecordNumber, standard: &StandardRecord) {
        let Some(earlier) = self.state.standards.get(&record) else {
            return;
        };
        for field in earlier.disputed_fields() {
            let over = standard.disputed_fields().all(|still| still != field);
            if over && self.settles != Some(field) {
                self.events.push(RegistryEvent::DisputeEnded {
                    record,
                    field,
                    because: DisputeEnd::Answered,
                });
            }
        }
    }

    /// Whether a question about the person's links was raised by a dispute and one of
    /// its records is disputed still.
    pub(super) fn rests_on_a_dispute(
        &self,
        question: &TaskState,
        person: PersonId,
        record: RecordNumber,
        standard: &StandardRecord,
    ) -> bool {
        let others = self.state.members(person).into_iter();
        let mut others = others.filter(|member| member.record != record);
        question.reasons.contains(&Reason::ValueDisputed)
            && (standard.disputed.is_some()
                || others.any(|member| member.standard.disputed.is_some()))
    }

    /// Asks about the links of the person that the machine would not make without the
    /// disputed value.
    fn doubt_links(
        &mut self,
        record: &RecordState,
        version: u32,
        standard: &Arc<StandardRecord>,
    ) -> Option<TaskId> {
        let person = record.link.as_ref()?.person;
        let before: BTreeMap<RecordNumber, Member> = self
            .state
            .members(person)
            .into_iter()
            .map(|member| (member.record, member))
            .collect();
        let mut after = before.clone();
        let own = Member {
            record: record.number,
            version,
            standard: Arc::clone(standard),
        };
        after.insert(record.number, own);
        let rest = |member: &&RecordNumber| {
            self.is_automatic(**member) && self.rests_on(person, **member, &before, &after)
        };
        let resting: Vec<RecordNumber> = after.keys().filter(rest).copied().collect();
        if resting.is_empty() {
            return None;
        }
        let scored = self.against_the_rest(person, record.number, &after)?;
        let mut grounds =
            Grounds::compared(self.model, (record.number, version), standard, &scored);
        grounds.compared = self.versions(&resting, (record.number, version));
        grounds.digest = evidence_digest(self.model, &grounds.compared);
        self.raise(Question {
            kind: TaskKind::LinkDoubtful,
            record: record.number,
            persons: vec![person],
            weight_bits: Some(scored.score.weight.bits()),
            reasons: vec![Reason::ValueDisputed],
            grounds,
            priority: self.priority(TaskKind::LinkDoubtful, standard, Some(&scored)),
        })
    }

    fn is_automatic(&self, record: RecordNumber) -> bool {
        let known = self.state.records.get(&record);
        let route = known.and_then(|known| known.link.as_ref()?.route);
        matches!(route, Some(Route::Deterministic | Route::Probabilistic))
    }

    /// Whether a member's link needs what is in `before` and no more in `after`.
    fn rests_on(
        &self,
        person: PersonId,
        member: RecordNumber,
        before: &BTreeMap<RecordNumber, Member>,
        after: &BTreeMap<RecordNumber, Member>,
    ) -> bool {
        let weigh = |members| self.against_the_rest(person, member, members);
        let (Some(then), Some(now)) = (weigh(before), weigh(after)) else {
            return false;
        };
        now.score.weight.bits() < then.score.weight.bits()
            && !after
                .get(&member)
                .is_some_and(|own| self.would_link(&own.standard, &now))
    }

    fn against_the_rest(
        &self,
        person: PersonId,
        record: RecordNumber,
        members: &BTreeMap<RecordNumber, Member>,
    ) -> Option<Scored> {
        let own = &members.get(&record)?.standard;
        let others = members.values().filter(|member| member.record != record);
        let others: Vec<Member> = others.cloned().collect();
        if others.is_empty() {
            return None;
        }
        let members = resolved(&self.state.replacements, own, others);
        let score: IdentityScore = {
            let values: Vec<&StandardRecord> =
                members.iter().map(|it| it.standard.as_ref()).collect();
            self.model.score(own, &values)
        };
        Some(Scored {
            person,
            members,
            score,
        })
    }

    fn would_link(&self, own: &StandardRecord, scored: &Scored) -> bool {
        let members = scored.members.iter();
        let candidate = Candidate {
            person: scored.person,
            members: members.map(|it| it.standard.as_ref()).collect(),
            score: scored.score.clone(),
            asserted_different: false,
            open_duplicate_of: Vec::new(),
            number_confused: self.state.number_is_confused(scored.person),
        };
        let (decision, _) = decide(self.model, own, &[candidate]);
        matches!(decision, Decision::Link { .. })
    }

    /// The versions of the records, with the disputed one, in order.
    fn versions(&self, records: &[RecordNumber], own: (RecordNumber, u32)) -> Vec<ComparedVersion> {
        let others = records.iter().filter(|record| **record != own.0);
        let known = others.filter_map(|record| {
            let version = self.state.records.get(record)?.current.version;
            Some((*record, version))
        });
        let mut versions: Vec<ComparedVersion> = known
            .chain([own])
            .map(|(record, version)| ComparedVersion { record, version })
            .collect();
        versions.sort_unstable();
        versions
    }
}
