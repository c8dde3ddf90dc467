//! How often the blind answers of a reader agree with those of others (R117).
//! Reviewers differ in a few per cent of pairs; one who differs in many is tired,
//! untrained, or guesses, and harms people (hazard H12).

use std::collections::BTreeMap;

use crate::registry::{TaskOutcome, TaskRead, TaskState};

/// Comparisons below which nothing is said of somebody.
const COMPARED_MIN: u32 = 10;
/// One in so many may differ (R117: 10 %).
const DISCORDANT_ONE_IN: u32 = 10;

/// What somebody's answers come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Who.
    pub by: String,
    /// Answers.
    pub answers: u32,
    /// Answers to questions that somebody else has answered in the same round.
    pub compared: u32,
    /// Of those, answers with which nobody else of the round agrees.
    pub discordant: u32,
}

impl Agreement {
    /// Whether somebody should talk with them (R117).
    #[must_use]
    pub const fn alarms(&self) -> bool {
        self.compared >= COMPARED_MIN && self.discordant * DISCORDANT_ONE_IN > self.compared
    }
}

/// The agreement of each reader of these questions, by name. An escalation is no
/// answer.
#[must_use]
pub fn agreement<'t>(tasks: impl IntoIterator<Item = &'t TaskState>) -> Vec<Agreement> {
    let mut found: BTreeMap<&str, Agreement> = BTreeMap::new();
    for task in tasks {
        let answers: Vec<&TaskRead> = task
            .reads
            .iter()
            .filter(|read| read.outcome != TaskOutcome::Escalate)
            .collect();
        for read in &answers {
            let others = answers
                .iter()
                .filter(|other| other.round == read.round && other.by != read.by);
            let others: Vec<TaskOutcome> = others.map(|other| other.outcome).collect();
            let known = found.entry(&read.by).or_insert_with(|| Agreement {
                by: read.by.clone(),
                answers: 0,
                compared: 0,
                discordant: 0,
            });
            known.answers += 1;
            known.compared += u32::from(!others.is_empty());
            let alone = !others.is_empty() && !others.contains(&read.outcome);
            known.discordant += u32::from(alone);
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::{Agreement, agreement};
    use crate::foundation::{Instant, PersonId, RecordNumber, SeededChance, TaskId};
    use crate::registry::{
        RegistryEvent, RegistryState, TaskKind, TaskOutcome, TaskPriority, TaskState,
    };

    /// A question with these answers.
    fn answered(answers: &[(&str, TaskOutcome)]) -> TaskState {
        let (at, chance) = (Instant::default(), SeededChance::new(1));
        let task = TaskId::new(at, &chance);
        let mut state = RegistryState::default();
        state.apply(&RegistryEvent::TaskOpened {
            task,
            kind: TaskKind::PossibleDuplicate,
            record: RecordNumber(1),
            persons: vec![PersonId::new(at, &chance)],
            weight_bits: None,
            reasons: Vec::new(),
            evidence: String::new(),
            priority: TaskPriority::Weight,
            compared: Vec::new(),
            rows: Vec::new(),
        });
        for (by, outcome) in answers {
            state.apply(&RegistryEvent::TaskRead {
                task,
                by: (*by).to_owned(),
                outcome: *outcome,
                evidence: String::new(),
            });
        }
        state.tasks[&task].clone()
    }

    fn of(tasks: &[TaskState], by: &str) -> Agreement {
        let all = agreement(tasks);
        let found = all.into_iter().find(|one| one.by == by);
        found.expect("an answer of theirs")
    }

    #[test]
    fn whoever_stands_alone_in_a_round_disagrees() {
        use TaskOutcome::{Different, Same};
        let tasks = [
            answered(&[("sam", Same), ("april", Same)]),
            answered(&[("sam", Same), ("april", Different), ("arthur", Same)]),
            answered(&[("sam", Same)]),
        ];
        let sam = of(&tasks, "sam");
        assert_eq!((sam.answers, sam.compared, sam.discordant), (3, 2, 0));
        let april = of(&tasks, "april");
        assert_eq!((april.answers, april.compared, april.discordant), (2, 2, 1));
    }

    #[test]
    fn r117_one_who_differs_in_more_than_one_in_ten_is_named_and_few_answers_name_nobody() {
        use TaskOutcome::{Different, Same};
        let agrees = answered(&[("sam", Same), ("april", Same)]);
        let differs = answered(&[("sam", Same), ("april", Different)]);
        let mut tasks = vec![differs.clone(); 5];
        assert!(!of(&tasks, "sam").alarms(), "five are few");
        tasks.extend(vec![differs; 1]);
        tasks.extend(vec![agrees.clone(); 44]);
        // 6 of 50.
        assert!(of(&tasks, "sam").alarms());
        tasks.extend(vec![agrees; 10]);
        // 6 of 60 is one in ten.
        assert!(!of(&tasks, "sam").alarms());
    }
}
