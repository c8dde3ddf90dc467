//! Undoing a merge at any later time (DESIGN §2.8, R103): one pointer is cut.
//!
//! | a record of the joined person | goes |
//! | --- | --- |
//! | at home with the retired person or with one that had become it | back there |
//! | decided on since, by the machine, for the joined person | where the evidence against both sides puts it; unclear: it stays, with a task |
//! | put there since by a human | nowhere: a deviation |
//! | any other | nowhere |

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{AssertionId, EventPosition, MergeId, PersonId, RecordNumber, TaskId};
use crate::matching::{Candidate, Decision, LinkageModel, Reason, Route, decide};
use crate::registry::candidates::Scored;
use crate::registry::evidence::link_decision;
use crate::registry::merging::deviation::{Deviation, DeviationKind};
use crate::registry::merging::merge::{carry, members_of, seen};
use crate::registry::merging::tasks::{ask_of, doubt_stands};
use crate::registry::supersession::resolved;
use crate::registry::tasks::evidence_digest;
use crate::registry::{
    AssertionKind, Carried, Change, CloseReason, ComparedVersion, LinkDecision, Member,
    MergeRefusal, MergeState, MergeStatus, Numbering, PersonStatus, RecordStatus, RegistryEvent,
    RegistryState, TaskKind, TaskPriority, UnlinkReason,
};

/// What undoing has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoAnswer {
    /// The merge.
    pub merge: MergeId,
    /// From whom the records part.
    pub survivor: PersonId,
    /// Whose id stands for itself again.
    pub retired: PersonId,
    /// Records that are back where they were.
    pub restored: Vec<RecordNumber>,
    /// Records that came since and that the evidence puts on that side.
    pub moved: Vec<RecordNumber>,
    /// Questions about records that the evidence does not place.
    pub tasks: Vec<TaskId>,
    /// What cannot be as it was.
    pub deviations: Vec<Deviation>,
    /// What keeps automation from joining the two again.
    pub assertion: Option<AssertionId>,
}

/// Undoes a merge, whatever was decided before and after it.
///
/// # Errors
/// An unknown merge, or one that does not hold.
pub fn undo_merge(
    state: &RegistryState,
    model: &LinkageModel,
    numbering: &Numbering<'_>,
    merge: MergeId,
    by: &str,
) -> Result<Change<UndoAnswer>, MergeRefusal> {
    let known = state.merges.get(&merge).ok_or(MergeRefusal::UnknownMerge)?;
    if known.status != MergeStatus::Done {
        return Err(MergeRefusal::WrongStatus(known.status));
    }
    let retired = known.retired;
    let survivor = state
        .survivor_of(retired)
        .ok_or(MergeRefusal::UnknownPerson(retired))?;
    let mut work = Undoing {
        state,
        model,
        numbering,
        merge,
        known,
        survivor,
        sides: Sides::of(state, known, survivor),
        events: Vec::new(),
        answer: UndoAnswer {
            merge,
            survivor,
            retired,
            restored: Vec::new(),
            moved: Vec::new(),
            tasks: Vec::new(),
            deviations: Vec::new(),
            assertion: None,
        },
    };
    work.events.push(RegistryEvent::MergeUndone {
        merge,
        survivor,
        retired,
        by: by.to_owned(),
    });
    work.events
        .push(RegistryEvent::PersonRestored { person: retired });
    work.restore();
    work.place_later_records();
    work.tell_what_has_left();
    work.settle_persons();
    work.part_tasks();
    work.assert_different(by);
    work.answer.deviations.sort_unstable();
    let Undoing { events, answer, .. } = work;
    Ok(Change { events, answer })
}

struct Undoing<'a> {
    state: &'a RegistryState,
    model: &'a LinkageModel,
    numbering: &'a Numbering<'a>,
    merge: MergeId,
    known: &'a MergeState,
    survivor: PersonId,
    sides: Sides,
    events: Vec<RegistryEvent>,
    answer: UndoAnswer,
}

/// The records of the joined person, by what they have to do with the merge.
struct Sides {
    /// At home on the retired side.
    back: BTreeSet<RecordNumber>,
    /// Decided on by the machine for the joined person.
    later: BTreeSet<RecordNumber>,
    /// Put there by a human since.
    by_human: BTreeSet<RecordNumber>,
    /// Nothing to do with the merge.
    stay: BTreeSet<RecordNumber>,
}

impl Sides {
    fn of(state: &RegistryState, known: &MergeState, survivor: PersonId) -> Self {
        let family = state.family(known.retired);
        // Whoever was decided on for one of these, once all pointers to it
        // stood, was decided on for the joined person.
        let joined: BTreeMap<PersonId, EventPosition> =
            state.path(known.retired).into_iter().skip(1).collect();
        let mut sides = Self {
            back: BTreeSet::new(),
            later: BTreeSet::new(),
            by_human: BTreeSet::new(),
            stay: BTreeSet::new(),
        };
        for record in members_of(state, survivor) {
            let link = state.records.get(&record).and_then(|it| it.link.as_ref());
            let Some(home) = link.map(|link| &link.home) else {
                continue;
            };
            let since = joined.get(&home.person);
            let group = if family.contains(&home.person) {
                &mut sides.back
            } else if since.is_none_or(|since| home.since < *since) {
                &mut sides.stay
            } else if home.route == Some(Route::Human) {
                &mut sides.by_human
            } else {
                &mut sides.later
            };
            group.insert(record);
        }
        sides
    }
}

impl Undoing<'_> {
    /// The records that were there go back.
    fn restore(&mut self) {
        for record in self.sides.back.clone() {
            let merge = self.merge;
            let to = self.known.retired;
            carry(
                self.state,
                self.model,
                &mut self.events,
                record,
                to,
                |home| Carried {
                    merge,
                    undone: true,
                    home,
                },
            );
            self.answer.restored.push(record);
            if !self.state.standards.contains_key(&record) {
                self.deviate(record, to, DeviationKind::Erased);
            }
        }
        for record in self.sides.by_human.clone() {
            self.deviate(record, self.survivor, DeviationKind::PlacedByHuman);
        }
    }

    fn deviate(&mut self, record: RecordNumber, person: PersonId, kind: DeviationKind) {
        self.answer.deviations.push(Deviation {
            record: Some(record),
            person: Some(person),
            kind,
        });
    }

    /// Records that came since are decided again, against both sides; those
    /// that are clear help with the rest.
    fn place_later_records(&mut self) {
        let mut ours = self.members(&self.sides.back);
        let stay = self.sides.stay.union(&self.sides.by_human);
        let mut theirs = self.members(&stay.copied().collect());
        let mut open = self.members(&self.sides.later);
        let unreadable = self.sides.later.iter().copied();
        let unreadable: Vec<RecordNumber> = unreadable
            .filter(|record| !self.state.standards.contains_key(record))
            .collect();
        for record in unreadable {
            self.deviate(record, self.survivor, DeviationKind::Erased);
        }
        loop {
            let mut unclear = Vec::new();
            let before = open.len();
            for member in open {
                match self.decide(&member, &ours, &theirs) {
                    Some((person, decision)) if person == self.known.retired => {
                        self.move_over(&member, decision);
                        ours.push(member);
                    }
                    Some(_) => theirs.push(member),
                    None => unclear.push(member),
                }
            }
            open = unclear;
            if open.is_empty() || open.len() == before {
                break;
            }
        }
        for member in open {
            self.ask_where(&member);
        }
    }

    fn members(&self, records: &BTreeSet<RecordNumber>) -> Vec<Member> {
        let members = self.state.members(self.survivor).into_iter();
        members
            .filter(|member| records.contains(&member.record))
            .collect()
    }

    /// To which of the two the evidence links a record, if to one.
    fn decide(
        &self,
        member: &Member,
        ours: &[Member],
        theirs: &[Member],
    ) -> Option<(PersonId, LinkDecision)> {
        let own = BTreeSet::from([member.record]);
        let sides = [(self.known.retired, ours), (self.survivor, theirs)];
        let scored: Vec<Scored> = sides
            .into_iter()
            .filter(|(_, members)| !members.is_empty())
            .map(|(person, members)| {
                let numbers = &self.state.replacements;
                let members = resolved(numbers, &member.standard, members.to_vec());
                let values: Vec<_> = members.iter().map(|it| it.standard.as_ref()).collect();
                Scored {
                    person,
                    score: self.model.score(&member.standard, &values),
                    members,
                }
            })
            .collect();
        let candidates: Vec<Candidate<'_>> = scored
            .iter()
            .map(|side| {
                let records = side.members.iter().map(|it| it.record).collect();
                Candidate {
                    person: side.person,
                    members: side.members.iter().map(|it| it.standard.as_ref()).collect(),
                    score: side.score.clone(),
                    asserted_different: self.keeps_apart(&own, &records),
                    open_duplicate_of: Vec::new(),
                    number_confused: self.state.number_is_confused(self.survivor),
                }
            })
            .collect();
        let (decision, _) = decide(self.model, &member.standard, &candidates);
        let Decision::Link {
            person,
            route,
            weight,
            reasons,
        } = decision
        else {
            return None;
        };
        let chosen = scored.iter().find(|side| side.person == person)?;
        let chosen = Some((chosen, member.standard.as_ref()));
        let decision = link_decision(self.model, member.record, member.version, chosen, reasons);
        let decision = LinkDecision {
            route: Some(route),
            weight_bits: Some(weight.bits()),
            ..decision
        };
        Some((person, decision))
    }

    /// Whether a human or a seal keeps these apart.
    fn keeps_apart(&self, own: &BTreeSet<RecordNumber>, side: &BTreeSet<RecordNumber>) -> bool {
        let state = self.state;
        state.asserted_different(own, side).is_some() || state.sealed(own, side).is_some()
    }

    fn move_over(&mut self, member: &Member, decision: LinkDecision) {
        self.events.push(RegistryEvent::RecordUnlinked {
            record: member.record,
            person: self.survivor,
            because: UnlinkReason::Unmerged,
            merge: Some(self.merge),
        });
        self.events.push(RegistryEvent::RecordLinked {
            record: member.record,
            person: self.known.retired,
            decision,
        });
        self.answer.moved.push(member.record);
    }

    /// One question for each record: each may belong elsewhere.
    fn ask_where(&mut self, member: &Member) {
        self.deviate(member.record, self.survivor, DeviationKind::Unclear);
        let task = self.numbering.task();
        let version = ComparedVersion {
            record: member.record,
            version: member.version,
        };
        self.events.push(RegistryEvent::TaskOpened {
            task,
            kind: TaskKind::LinkDoubtful,
            record: member.record,
            persons: vec![self.survivor],
            weight_bits: None,
            reasons: vec![Reason::UnmergeUnclear],
            evidence: evidence_digest(self.model, &[version]),
            priority: TaskPriority::Weight,
            compared: vec![version],
            rows: Vec::new(),
        });
        self.answer.tasks.push(task);
    }

    /// Records that the merge had carried and that are not there any more by a
    /// decision of their own.
    fn tell_what_has_left(&mut self) {
        let made = self.known.made.unwrap_or_default();
        for record in self.known.moved.difference(&self.sides.back) {
            let Some(known) = self.state.records.get(record) else {
                continue;
            };
            let deviation = match &known.link {
                _ if known.status == RecordStatus::Withdrawn => (None, DeviationKind::Withdrawn),
                Some(link) if link.home.since > made => (
                    Some(link.person),
                    if link.home.route == Some(Route::Human) {
                        DeviationKind::PlacedByHuman
                    } else {
                        DeviationKind::PlacedByEvidence
                    },
                ),
                _ => continue,
            };
            let (person, kind) = deviation;
            let told = self.answer.deviations.iter();
            if !told.into_iter().any(|known| known.record == Some(*record)) {
                self.answer.deviations.push(Deviation {
                    record: Some(*record),
                    person,
                    kind,
                });
            }
        }
    }

    /// A person without an active record is withdrawn.
    fn settle_persons(&mut self) {
        let parted = self.sides.back.len() + self.answer.moved.len();
        let left = members_of(self.state, self.survivor).len() - parted;
        let active = self.state.persons.get(&self.survivor);
        let active = active.is_some_and(|known| known.status == PersonStatus::Active);
        for (person, records, stood) in [
            (self.known.retired, parted, true),
            (self.survivor, left, active),
        ] {
            if records == 0 && stood {
                self.events.push(RegistryEvent::PersonWithdrawn { person });
                self.answer.deviations.push(Deviation {
                    record: None,
                    person: Some(person),
                    kind: DeviationKind::NoRecordLeft,
                });
            }
        }
    }

    /// A question goes with the record that raised it, where the parting has not
    /// answered it.
    fn part_tasks(&mut self) {
        let gone: BTreeSet<RecordNumber> = self
            .answer
            .restored
            .iter()
            .chain(&self.answer.moved)
            .copied()
            .collect();
        let survivor = self.state.persons.get(&self.survivor);
        let own = survivor.map_or_else(BTreeSet::new, |known| known.members.clone());
        for (task, known) in self.state.open_tasks_of(self.survivor) {
            // The other person's record may have raised it: then it is about those that it
            // was compared with.
            let mut about = BTreeSet::from([known.record]);
            if !own.contains(&known.record) {
                about = known.compared.iter().map(|it| it.record).collect();
                about.retain(|record| own.contains(record));
            }
            let goes = !about.is_empty() && about.is_subset(&gone);
            let stands = doubt_stands(self.state, self.model, self.survivor, known, &gone);
            if known.kind == TaskKind::MergeApproval || (stands && !goes) {
                continue;
            }
            self.events.push(RegistryEvent::TaskClosed {
                task,
                because: CloseReason::PersonsParted,
            });
            if stands {
                let (from, to) = (self.survivor, self.known.retired);
                ask_of(
                    self.state,
                    &mut self.events,
                    self.numbering,
                    known,
                    from,
                    to,
                );
            }
        }
    }

    /// Those who were there then are different people (R102), unless a human
    /// has moved them since. The records of an assertion outlast a withdrawal.
    fn assert_different(&mut self, by: &str) {
        let there = |record: &RecordNumber, side: &BTreeSet<RecordNumber>| {
            let known = self.state.records.get(record);
            side.contains(record)
                || known.is_some_and(|known| known.status == RecordStatus::Withdrawn)
        };
        let moved = self.known.moved.iter();
        let a: Vec<RecordNumber> = moved
            .filter(|record| there(record, &self.sides.back))
            .copied()
            .collect();
        let kept = self.known.kept.iter();
        let b: Vec<RecordNumber> = kept
            .filter(|record| there(record, &self.sides.stay))
            .copied()
            .collect();
        if a.is_empty() || b.is_empty() {
            return;
        }
        let assertion = self.numbering.assertion();
        let members = self.state.members(self.survivor);
        let named = members
            .iter()
            .filter(|member| a.contains(&member.record) || b.contains(&member.record));
        self.events.push(RegistryEvent::AssertionMade {
            assertion,
            kind: AssertionKind::Different,
            evidence: evidence_digest(self.model, &seen(named)),
            a,
            b,
            by: by.to_owned(),
            merge: Some(self.merge),
        });
        self.answer.assertion = Some(assertion);
    }
}
