//! Known pairs: questions whose answer is known, mixed into what a reader is given, so
//! that it is seen how surely questions are read (R117, hazard H12). Their people are
//! made up. A pair is asked by the registry's own rules on a state that holds nothing
//! else, so that it looks like any question; it is kept beside the ledger and what is
//! said to it changes nothing, and is no label.

mod made_up;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::foundation::{Chance, Instant, TaskId, hex};
use crate::identity::{StandardiseOptions, SubmittedRecord, standardise};
use crate::matching::{LinkageModel, blocking_keys};
use crate::registry::{
    LocalId, Numbering, Registration, RegistryEvent, RegistryState, Replacements, SourceCode,
    TaskKind, TaskOutcome, register,
};
use crate::review::known_pairs::made_up::{Dice, Drawn, draw};
use crate::review::{Said, needs_of};

/// Pairs that are drawn until the model doubts one; most models doubt every third.
const DRAWN_MAX: usize = 96;
/// A question was asked at most so long ago, in hours: as real ones are.
const AGE_HOURS_MAX: usize = 72;
/// A source has known a value for so long at most, in hours: two years.
const SAID_HOURS_MAX: usize = 17_520;

/// A record of a known pair.
#[derive(Clone, Serialize, Deserialize)]
pub struct MadeUpRecord {
    /// A source that is there; the record is not.
    pub source: SourceCode,
    /// An id that it never gave out.
    pub local_id: LocalId,
    /// What it says.
    pub submitted: SubmittedRecord,
}

/// Something that happened to a known pair.
#[derive(Clone, Serialize, Deserialize)]
pub struct KnownPairEntry {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// The account behind it.
    pub actor: String,
    /// What.
    pub event: RegistryEvent,
    /// What somebody wrote with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A question whose answer is known.
#[derive(Clone)]
pub struct KnownPair {
    /// Its id, like that of any question.
    pub task: TaskId,
    /// Whether its two people are one.
    pub same: bool,
    /// The records.
    pub sides: [MadeUpRecord; 2],
    /// All that happened, in order.
    pub entries: Vec<KnownPairEntry>,
}

/// With what a pair is made.
pub struct Making<'m> {
    /// Decides whether it is doubtful.
    pub model: &'m LinkageModel,
    /// How values are standardised.
    pub options: &'m StandardiseOptions,
    /// Of people, ids and ages.
    pub chance: &'m dyn Chance,
    /// The present.
    pub now: Instant,
    /// The account that asks in the history.
    pub actor: &'m str,
}

impl Making<'_> {
    /// Whether one question in so many is to be a known pair, this time.
    #[must_use]
    pub fn is_due(chance: &dyn Chance, percent: u32) -> bool {
        Dice(chance).holds(percent)
    }

    /// A pair of records of these sources, with ids like those given beside them, that
    /// the model doubts and one reader may settle; `None` where the model doubts nothing
    /// of what was drawn.
    #[must_use]
    pub fn make(&self, like: [&(SourceCode, LocalId); 2]) -> Option<KnownPair> {
        let dice = Dice(self.chance);
        let same = dice.holds(50);
        (0..DRAWN_MAX).find_map(|_| self.ask(&dice, draw(&dice, same), like))
    }

    fn ask(
        &self,
        dice: &Dice<'_>,
        drawn: Drawn,
        like: [&(SourceCode, LocalId); 2],
    ) -> Option<KnownPair> {
        let numbering = Numbering {
            now: before(self.now, dice, AGE_HOURS_MAX),
            chance: self.chance,
        };
        let mut sides = Vec::with_capacity(2);
        let mut state = RegistryState::default();
        let mut entries = Vec::new();
        for (mut submitted, (source, real)) in drawn.sides.into_iter().zip(like) {
            let known_since = before(numbering.now, dice, SAID_HOURS_MAX);
            submitted.effective_at = Some(known_since.to_string());
            let side = MadeUpRecord {
                source: source.clone(),
                local_id: local_id_like(dice, source, real)?,
                submitted,
            };
            for event in self.registered(&mut state, &numbering, &side) {
                entries.push(KnownPairEntry {
                    at: numbering.now.microseconds(),
                    actor: self.actor.to_owned(),
                    event,
                    words: None,
                });
            }
            sides.push(side);
        }
        let (task, asked) = state.tasks.iter().next()?;
        let one_reader = !needs_of(&state, self.now, asked, false).two_readers;
        let plain = asked.kind == TaskKind::PossibleDuplicate && asked.persons.len() == 2;
        (plain && one_reader && state.tasks.len() == 1).then_some(KnownPair {
            task: *task,
            same: drawn.same,
            sides: sides.try_into().ok()?,
            entries,
        })
    }

    fn registered(
        &self,
        state: &mut RegistryState,
        numbering: &Numbering<'_>,
        side: &MadeUpRecord,
    ) -> Vec<RegistryEvent> {
        let standard = Arc::new(standardise(&side.submitted, self.options).0);
        let keys = blocking_keys(&standard);
        let registration = Registration {
            source: side.source.clone(),
            local_id: side.local_id.clone(),
            digest: hex(&numbering.now.microseconds().to_be_bytes()),
            effective_at: side
                .submitted
                .effective_at
                .as_deref()
                .and_then(Instant::parse),
            standard: Arc::clone(&standard),
            findings: Vec::new(),
            lock_hashes: keys.lock_hashes(),
            prepared: Vec::new(),
            complete: true,
            replacement: None,
            replacements: Replacements::new(),
            invalidated: None,
        };
        let change = register(state, self.model, numbering, &registration);
        for event in &change.events {
            state.apply(event);
        }
        let record = change.answer.record;
        state.standards.insert(record, standard);
        for key in &keys.stored {
            let sharing = state.recent_keys.entry(key.hash).or_default();
            sharing.insert(record);
        }
        change.events
    }
}

/// An instant up to so many hours ago, an hour at least.
fn before(now: Instant, dice: &Dice<'_>, hours_max: usize) -> Instant {
    let seconds = 3_600 + dice.below(hours_max * 3_600);
    let seconds = i64::try_from(seconds).unwrap_or_default();
    now.plus_microseconds(-seconds * 1_000_000)
}

/// An id that looks like one of the source's. Only its shape is taken over, and the
/// source's code where it begins with that: local ids may say something of a patient.
fn local_id_like(dice: &Dice<'_>, source: &SourceCode, real: &LocalId) -> Option<LocalId> {
    let code = source.as_str();
    let rest = real.as_str().strip_prefix(code);
    let (kept, rest) = rest.map_or(("", real.as_str()), |rest| (code, rest));
    let drawn = |from: u8, many| {
        let over = u8::try_from(dice.below(many)).unwrap_or_default();
        char::from(from + over)
    };
    let letters = rest.chars().map(|letter| match letter {
        'a'..='z' => drawn(b'a', 26),
        'A'..='Z' => drawn(b'A', 26),
        '-' | '/' | '.' | '_' | ' ' => letter,
        _ => drawn(b'0', 10),
    });
    LocalId::parse(&letters.fold(kept.to_owned(), |mut id, letter| {
        id.push(letter);
        id
    }))
    .ok()
}

impl KnownPair {
    /// The state that its events make, with the values as they are compared.
    #[must_use]
    pub fn state(&self, options: &StandardiseOptions) -> RegistryState {
        let mut state = RegistryState::default();
        for entry in &self.entries {
            state.apply(&entry.event);
        }
        for side in &self.sides {
            let record = state.record(&side.source, &side.local_id);
            if let Some(number) = record.map(|record| record.number) {
                let standard = standardise(&side.submitted, options).0;
                state.standards.insert(number, Arc::new(standard));
            }
        }
        state
    }

    /// Adds what happened.
    pub fn push(&mut self, at: Instant, actor: &str, event: RegistryEvent, words: Option<String>) {
        self.entries.push(KnownPairEntry {
            at: at.microseconds(),
            actor: actor.to_owned(),
            event,
            words,
        });
    }

    /// The answer that is right.
    #[must_use]
    pub const fn answer(&self) -> TaskOutcome {
        if self.same {
            TaskOutcome::Same
        } else {
            TaskOutcome::Different
        }
    }

    /// Whether somebody may see it: for whom it was made, or through whose hands it went.
    #[must_use]
    pub fn is_known_to(&self, reader: &str, asker: &str) -> bool {
        let worked = |entry: &KnownPairEntry| {
            let event = &entry.event;
            entry.actor == asker
                && matches!(
                    event,
                    RegistryEvent::TaskClaimed { .. }
                        | RegistryEvent::TaskReleased { .. }
                        | RegistryEvent::TaskCommented { .. }
                        | RegistryEvent::TaskRead { .. }
                )
        };
        reader == asker || self.entries.iter().any(worked)
    }
}

/// What an answer to a known pair becomes: it settles it, whatever it is.
#[must_use]
pub fn settle_known_pair(task: TaskId, by: &str, said: &Said) -> Vec<RegistryEvent> {
    vec![
        RegistryEvent::TaskRead {
            task,
            by: by.to_owned(),
            outcome: said.outcome,
            evidence: said.evidence.clone(),
        },
        RegistryEvent::TaskDecided {
            task,
            outcome: said.outcome,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::{KnownPair, Making, settle_known_pair};
    use crate::foundation::{Instant, SeededChance};
    use crate::identity::{NumberStatus, Profile, StandardDate, StandardiseOptions};
    use crate::matching::LinkageModel;
    use crate::registry::Numbering;
    use crate::registry::{LocalId, SourceCode, TaskKind, TaskOutcome, TaskStage};
    use crate::review::{Said, foresee};

    fn options() -> StandardiseOptions {
        StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::from_parts(2026, Some(6), Some(1)).expect("a day"),
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        }
    }

    fn now() -> Instant {
        Instant::parse("2026-06-01T09:00:00Z").expect("an instant")
    }

    fn made(seed: u64) -> Option<KnownPair> {
        let (model, options) = (LinkageModel::uk_care(), options());
        let like = [("gp", "gp-10077"), ("pas", "K/4 \u{e9}7")].map(|(code, id)| {
            let source = SourceCode::parse(code).expect("a code");
            (source, LocalId::parse(id).expect("an id"))
        });
        let chance = SeededChance::new(seed);
        let making = Making {
            model: &model,
            options: &options,
            chance: &chance,
            now: now(),
            actor: "gp",
        };
        making.make([&like[0], &like[1]])
    }

    #[test]
    fn r117_pairs_of_both_answers_are_made_that_the_model_doubts() {
        let pairs: Vec<KnownPair> = (0..40).filter_map(made).collect();
        assert!(pairs.len() >= 38, "{} of 40 were made", pairs.len());
        let same = pairs.iter().filter(|pair| pair.same).count();
        assert!((8..=30).contains(&same), "{same} of them are one person");
        for pair in &pairs {
            let state = pair.state(&options());
            let task = &state.tasks[&pair.task];
            assert_eq!(task.kind, TaskKind::PossibleDuplicate);
            assert!(task.persons.len() == 2 && !task.rows.is_empty());
            let [gp, pas] = pair.sides.each_ref().map(|side| side.local_id.as_str());
            assert!(gp.starts_with("gp-") && gp.len() == 8, "{gp}");
            assert!(pas.is_ascii() && pas.len() == 6, "{pas}");
            assert_eq!((&pas[1..2], &pas[3..4]), ("/", " "));
            assert!(
                pair.sides
                    .iter()
                    .all(|side| side.submitted.nhs_number.is_none())
            );
        }
    }

    #[test]
    fn r117_a_known_pair_looks_ahead_like_any_question_and_is_settled_by_any_answer() {
        let mut pair = made(1).expect("a pair");
        let state = pair.state(&options());
        let (chance, model) = (SeededChance::new(2), LinkageModel::uk_care());
        let numbering = Numbering {
            now: now(),
            chance: &chance,
        };
        let ahead = foresee(&state, &model, &numbering, pair.task, ("sam", false));
        assert!(ahead.two_readers.is_empty());
        assert!(ahead.outcomes.iter().all(|it| it.refused.is_none()));
        assert!(
            ahead
                .outcomes
                .iter()
                .any(|it| it.outcome == TaskOutcome::Same && it.moved == 1)
        );
        let said = Said {
            outcome: TaskOutcome::Escalate,
            evidence: "seen".into(),
        };
        for event in settle_known_pair(pair.task, "sam", &said) {
            pair.push(now(), "sam", event, None);
        }
        let settled = &pair.state(&options()).tasks[&pair.task];
        assert_eq!(settled.stage, TaskStage::Decided);
        assert_eq!(settled.reads.len(), 1);
        assert!(pair.is_known_to("sam", "sam") && !pair.is_known_to("sam", "sue"));
    }
}
