//! What a service may set of the work of people: within how many hours a question
//! should be settled, and how many known pairs are mixed in.

use std::collections::BTreeMap;

use crate::foundation::{Instant, TaskId};
use crate::registry::{TaskKind, TaskPriority, TaskState};

const HOUR_MICROSECONDS: i64 = 3_600_000_000;
/// The longest that may be set: a year.
const HOURS_MAX: i64 = 8_784;

/// Settings of the review desk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewRules {
    /// Known pairs among a hundred questions that a reader is given (R117: five at
    /// least). The default of this type is none.
    pub known_pairs_percent: u32,
    /// When questions are due.
    pub due: DueTimes,
}

/// Within how many hours questions should be settled: by place in the queue, and of
/// some kinds whatever their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimes {
    by_priority: [i64; TaskPriority::ALL.len()],
    by_kind: BTreeMap<TaskKind, i64>,
}

impl Default for DueTimes {
    /// What can harm within a day, numbers within three, the rest in a fortnight, what is
    /// asked to learn from the answer in two.
    fn default() -> Self {
        let by_priority = TaskPriority::ALL.map(|priority| match priority {
            TaskPriority::Household | TaskPriority::Confusion | TaskPriority::Sensitive => 24,
            TaskPriority::Number => 72,
            TaskPriority::Weight => 336,
            TaskPriority::Learning => 672,
        });
        Self {
            by_priority,
            by_kind: BTreeMap::new(),
        }
    }
}

/// A setting that is none. The text is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no due time: give a place in the queue (household, confusion, sensitive, number, \
     weight, learning) or a kind of question (such as overlay_held), `=` and whole hours from 1 to 8784"
)]
pub struct NoDueTime(String);

impl DueTimes {
    /// Takes settings such as `confusion=8`; a kind wins over a place in the queue.
    ///
    /// # Errors
    /// The first text that is none.
    pub fn set<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> Result<(), NoDueTime> {
        for text in texts {
            let none = || NoDueTime(text.to_owned());
            let (name, hours) = text.split_once('=').ok_or_else(none)?;
            let hours = hours.trim().parse::<i64>().ok();
            let hours = hours.filter(|hours| (1..=HOURS_MAX).contains(hours));
            let (name, hours) = (name.trim(), hours.ok_or_else(none)?);
            let word = || serde_json::Value::String(name.to_owned());
            if let Ok(priority) = serde_json::from_value::<TaskPriority>(word()) {
                self.by_priority[usize::from(priority.place())] = hours;
            } else {
                let kind: TaskKind = serde_json::from_value(word()).map_err(|_| none())?;
                self.by_kind.insert(kind, hours);
            }
        }
        Ok(())
    }

    /// When the question is due.
    #[must_use]
    pub fn due_at(&self, task: TaskId, state: &TaskState) -> Instant {
        self.due(task, state.kind, state.priority)
    }

    /// When a question of this kind, at this place in the queue, is due.
    #[must_use]
    pub fn due(&self, task: TaskId, kind: TaskKind, priority: TaskPriority) -> Instant {
        let hours = self.by_kind.get(&kind);
        let hours = hours.unwrap_or(&self.by_priority[usize::from(priority.place())]);
        task.made_at().plus_microseconds(hours * HOUR_MICROSECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::DueTimes;
    use crate::foundation::{Instant, SeededChance, TaskId};
    use crate::registry::{TaskKind, TaskPriority};

    #[test]
    fn due_times_are_set_by_place_and_by_kind() {
        let now = Instant::from_microseconds(10_000 * 3_600_000_000);
        let mut due = DueTimes::default();
        due.set(["confusion=8", " overlay_held = 2 "])
            .expect("due times");
        let task = TaskId::new(now, &SeededChance::new(1));
        let hours = |kind, priority| {
            let due = due.due(task, kind, priority);
            (due.microseconds() - now.microseconds()) / 3_600_000_000
        };
        let by_place = TaskPriority::ALL.map(|place| hours(TaskKind::PossibleDuplicate, place));
        assert_eq!(by_place, [24, 8, 24, 72, 336, 672]);
        assert_eq!(TaskPriority::ALL[1], TaskPriority::Confusion);
        assert_eq!(hours(TaskKind::OverlayHeld, TaskPriority::Weight), 2);
        for text in [
            "",
            "confusion",
            "confusion=",
            "confusion=0",
            "haste=3",
            "weight=9999",
        ] {
            assert!(due.set([text]).is_err(), "{text}");
        }
    }
}
