//! How often the blind answers of a reader agree with those of others (R117).
//! Reviewers differ in a few per cent of pairs; one who differs in many is tired,
//! untrained, or guesses, and harms people (hazard H12).

use std::collections::BTreeMap;

use crate::registry::{TaskOutcome, TaskRead, TaskState};

/// Comparisons below which nothing is said of somebody.
const COMPARED_MIN: u32 = 10;
/// One in so many may differ (R117: 10 %).
const DISCORDANT_ONE_IN: u32 = 10;

/// An answer to a known pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAnswer {
    /// Who.
    pub by: String,
    /// What is right: same or different.
    pub right: TaskOutcome,
    /// What was said.
    pub said: TaskOutcome,
}

/// What somebody's answers come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Who.
    pub by: String,
    /// Answers.
    pub answers: u32,
    /// Answers to questions that somebody else has answered in the same round.
    pub compared: u32,
    /// Of those, answers with which nobody else of the round agrees.
    pub discordant: u32,
    /// Known pairs of which they said that they are the same or different.
    pub known: u32,
    /// Of those, wrong ones.
    pub wrong: u32,
    /// Known pairs that they could not tell, or escalated.
    pub undecided: u32,
}

impl Agreement {
    /// Whether somebody should talk with them (R117): by what others said, or by what
    /// is known.
    #[must_use]
    pub const fn alarms(&self) -> bool {
        is_much(self.discordant, self.compared) || is_much(self.wrong, self.known)
    }
}

const fn is_much(of: u32, among: u32) -> bool {
    among >= COMPARED_MIN && of * DISCORDANT_ONE_IN > among
}

/// Between which shares the true one lies with a confidence of 95 % (Wilson's score
/// interval): a few answers say little, and the interval says so. From 0 to 1 of none.
#[must_use]
pub fn share_interval(of: u32, among: u32) -> (f64, f64) {
    if among == 0 {
        return (0.0, 1.0);
    }
    let (share, count) = (f64::from(of) / f64::from(among), f64::from(among));
    let z = 1.959_964_f64;
    let spread = z * (share * (1.0 - share) / count + z * z / (4.0 * count * count)).sqrt();
    let (middle, scale) = (share + z * z / (2.0 * count), 1.0 + z * z / count);
    let low = ((middle - spread) / scale).max(0.0);
    (low, ((middle + spread) / scale).min(1.0))
}

/// The agreement of each reader of these questions and known pairs, by name. An
/// escalation is no answer.
#[must_use]
pub fn agreement<'t>(
    tasks: impl IntoIterator<Item = &'t TaskState>,
    known: &'t [KnownAnswer],
) -> Vec<Agreement> {
    let mut found: BTreeMap<&str, Agreement> = BTreeMap::new();
    for answer in known {
        let reader = of_reader(&mut found, &answer.by);
        match answer.said {
            TaskOutcome::Same | TaskOutcome::Different => {
                reader.known += 1;
                reader.wrong += u32::from(answer.said != answer.right);
            }
            _ => reader.undecided += 1,
        }
    }
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
            let known = of_reader(&mut found, &read.by);
            known.answers += 1;
            known.compared += u32::from(!others.is_empty());
            let alone = !others.is_empty() && !others.contains(&read.outcome);
            known.discordant += u32::from(alone);
        }
    }
    found.into_values().collect()
}

fn of_reader<'a, 't>(
    found: &'a mut BTreeMap<&'t str, Agreement>,
    by: &'t str,
) -> &'a mut Agreement {
    found.entry(by).or_insert_with(|| Agreement {
        by: by.to_owned(),
        ..Agreement::default()
    })
}

#[cfg(test)]
mod tests {
    use super::{Agreement, KnownAnswer, agreement, share_interval};
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
        let all = agreement(tasks, &[]);
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

    #[test]
    fn r117_a_reader_who_is_wrong_in_59_of_100_is_named_within_50_known_pairs() {
        use TaskOutcome::{CannotTell, Different, Same};
        let said = |by: &str, right, said| KnownAnswer {
            by: by.to_owned(),
            right,
            said,
        };
        // The share of one who is wrong most often, spread evenly, and one of a sure reader.
        let wrong = |answer: u32| (answer + 1) * 59 / 100 > answer * 59 / 100;
        let mut answers = Vec::new();
        let named = (0..50).find(|answer| {
            answers.push(said(
                "guy",
                Same,
                if wrong(*answer) { Different } else { Same },
            ));
            answers.push(said(
                "sure",
                Same,
                if *answer == 30 { Different } else { Same },
            ));
            let all = agreement(&[], &answers);
            all.iter().any(|one| one.by == "guy" && one.alarms())
        });
        assert!(named.is_some(), "named within 50");
        answers.push(said("sure", Same, CannotTell));
        let all = agreement(&[], &answers);
        let sure = all.iter().find(|one| one.by == "sure").expect("answers");
        assert!(!sure.alarms());
        assert_eq!((sure.answers, sure.undecided), (0, 1), "no label, no count");
    }

    #[test]
    fn few_answers_leave_a_wide_interval() {
        let rounded = |of, among| {
            let (low, high) = share_interval(of, among);
            ((low * 1000.0).round(), (high * 1000.0).round())
        };
        // By the formula of Wilson (1927) in any table of it.
        assert_eq!(rounded(0, 0), (0.0, 1000.0));
        assert_eq!(rounded(0, 10), (0.0, 278.0));
        assert_eq!(rounded(1, 10), (18.0, 404.0));
        assert_eq!(rounded(10, 100), (55.0, 174.0));
    }
}
