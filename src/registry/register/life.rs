//! Birth and death: dates that cannot be together (R56), and activity after a death
//! (R58). Both are questions; no link is changed.

use std::collections::BTreeSet;

use crate::foundation::{Instant, PersonId, RecordNumber};
use crate::identity::{FindingCode, StandardDate, StandardRecord};
use crate::matching::Reason;
use crate::registry::candidates::Scored;
use crate::registry::register::{Placed, Work};
use crate::registry::tasks::{Question, evidence_digest, raise};
use crate::registry::{ComparedVersion, TaskKind};

impl Work<'_> {
    /// Asks about what a version says of birth and death.
    pub(super) fn judge_life(
        &mut self,
        record: RecordNumber,
        version: u32,
        candidates: &[Scored],
        placed: &mut Placed,
    ) {
        let implausible = self.registration.findings.iter().any(|finding| {
            matches!(
                finding.code,
                FindingCode::BirthDateAfterEvent | FindingCode::DeathBeforeBirth
            )
        });
        if implausible {
            let reason = Reason::DatesImplausible;
            self.ask(
                TaskKind::ImplausibleDates,
                reason,
                (record, version),
                placed,
            );
        }
        if self.is_active_after_death(record, placed.person, candidates) {
            let reason = Reason::ActiveAfterDeath;
            self.ask(
                TaskKind::ActivityAfterDeath,
                reason,
                (record, version),
                placed,
            );
        }
    }

    fn ask(
        &mut self,
        kind: TaskKind,
        reason: Reason,
        (record, version): (RecordNumber, u32),
        placed: &mut Placed,
    ) {
        let question = Question {
            kind,
            record,
            persons: vec![placed.person],
            weight_bits: None,
            reasons: vec![reason],
            evidence: evidence_digest(self.model, &[ComparedVersion { record, version }]),
        };
        let task = raise(self.state, &mut self.events, self.numbering, question);
        placed.tasks.push(task);
    }

    /// Whether this version speaks of a day after a companion's death, or tells of a
    /// death before a day of which a companion speaks. A record that says itself
    /// that the person has died may come late.
    fn is_active_after_death(
        &self,
        record: RecordNumber,
        person: PersonId,
        candidates: &[Scored],
    ) -> bool {
        let own = self.registration.standard.as_ref();
        let own_day = self.registration.effective_at.and_then(day_of);
        let scored = candidates
            .iter()
            .find(|candidate| candidate.person == person);
        let scored = scored.into_iter().flat_map(|scored| scored.members.clone());
        let mut seen = BTreeSet::from([record]);
        let companions = scored.chain(self.state.members(person));
        companions
            .filter(|member| seen.insert(member.record))
            .any(|member| {
                let other = member.standard.as_ref();
                let known = self.state.records.get(&member.record);
                let day = known.and_then(|known| known.current.effective_at);
                is_after(own, own_day, other) || is_after(other, day.and_then(day_of), own)
            })
    }
}

/// Whether `active` speaks of a day after the death that `dead` tells of.
fn is_after(active: &StandardRecord, day: Option<i32>, dead: &StandardRecord) -> bool {
    let died = dead.death_date.map(StandardDate::latest_day);
    !active.deceased && day.zip(died).is_some_and(|(day, died)| day > died)
}

/// The day of an instant, counted as dates count it.
fn day_of(at: Instant) -> Option<i32> {
    let (year, month, day) = at.date();
    let date = StandardDate::from_parts(i16::try_from(year).ok()?, Some(month), Some(day));
    date.map(StandardDate::latest_day)
}
