//! Who objects to being seen is in the way all the same (R134): whoever would be
//! joined to them is not joined, to nobody else either, and only a privacy officer
//! is asked.

use crate::foundation::{PersonId, RecordNumber};
use crate::identity::StandardRecord;
use crate::matching::{Decision, MatchWeight, Reason};
use crate::registry::candidates::Scored;
use crate::registry::register::Work;

/// A person with the weight and the rules that speak for it.
pub(super) type Found = (PersonId, MatchWeight, Vec<Reason>);

impl Work<'_> {
    /// The decision among all, and those of it who may not be seen; what is decided
    /// without them where they do not bear on it. Whoever came before and was kept from
    /// them is asked about with them already: the next record of the same patient goes
    /// there (R83).
    pub(super) fn around_the_opaque(
        &mut self,
        others: &[&Scored],
        without: Decision,
    ) -> (Decision, Vec<Found>) {
        if self.opaque.is_empty() {
            return (without, Vec::new());
        }
        let mut all: Vec<&Scored> = others.iter().copied().chain(&self.opaque).collect();
        all.sort_by(|a, b| {
            let by_weight = b.score.weight.bits().total_cmp(&a.score.weight.bits());
            by_weight.then(a.person.cmp(&b.person))
        });
        let (decision, _) = self.decide(&all);
        let hidden = |person: PersonId| self.opaque.iter().any(|it| it.person == person);
        let (in_the_way, seen): (Vec<Found>, Vec<Found>) = decision
            .questions()
            .into_iter()
            .partition(|(person, ..)| hidden(*person));
        if in_the_way.is_empty() {
            return (without, in_the_way);
        }
        if let Decision::Link { person, .. } = &without {
            let hidden: Vec<PersonId> = in_the_way.iter().map(|(person, ..)| *person).collect();
            let asked = self.state.open_duplicates_of(*person, &hidden);
            if hidden.iter().all(|hidden| asked.contains(hidden)) {
                self.is_obstructed = true;
                return (without, Vec::new());
            }
        }
        (Decision::Review { persons: seen }, in_the_way)
    }

    /// Asks about those in the way. The task names somebody who is hidden, so that
    /// nobody but a privacy officer ever sees it; the sender is told that the answer
    /// is not complete.
    pub(super) fn ask_unseen(
        &mut self,
        asked: (RecordNumber, u32),
        standard: &StandardRecord,
        own: PersonId,
        in_the_way: &[Found],
    ) {
        self.is_obstructed = true;
        let opaque = std::mem::take(&mut self.opaque);
        let candidates: Vec<&Scored> = opaque.iter().collect();
        self.ask_about(asked, standard, own, in_the_way, &candidates);
    }
}
