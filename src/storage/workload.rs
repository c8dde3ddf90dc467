//! How much work waits and what the weights have come to, as this process counts, and
//! the answers that people gave last.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{Instant, TaskId};
use crate::registry::{SourceCode, TaskKind, TaskPriority, TaskState};
use crate::review::DueTimes;
use crate::storage::db::{self, Row};
use crate::storage::kept_counts::{Counted, CountedTask};
use crate::storage::rows::{Reader, parse_task};
use crate::storage::task_rows::{select_tasks, task_from};
use crate::storage::{LinkTally, Store, StoreError};

/// Questions that wait and have all this in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingTasks {
    /// Raised by a record of this source.
    pub source: SourceCode,
    /// What is asked.
    pub kind: TaskKind,
    /// Where they stand in the queue.
    pub priority: TaskPriority,
    /// In whose hands.
    pub in_hand: Option<String>,
    /// How many.
    pub tasks: u32,
    /// How many of them are past their time.
    pub overdue: u32,
    /// When the oldest was asked.
    pub oldest: Instant,
}

/// Waiting questions about somebody who objects to being told of: only a privacy
/// officer's. Few object, and few questions name them: the queue's index is kept out.
const HIDDEN: &str = "select t.task from seals x join seal_records s on s.seal = x.seal \
    join links l on l.record = s.record join tasks t on t.person_a = l.person \
    where x.lifted_position is null and x.whole = 1 and t.status || '' = 'open' \
    union select t.task from seals x join seal_records s on s.seal = x.seal \
    join links l on l.record = s.record join tasks t on t.person_b = l.person \
    where x.lifted_position is null and x.whole = 1 and t.status || '' = 'open'";

/// What questions that are counted together have in common.
type Common = (SourceCode, TaskKind, TaskPriority, Option<String>);

impl Store {
    /// How much waits, in no order; without what an objection hides where the asker
    /// does not see it (R134).
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_waiting(
        &self,
        (now, due): (Instant, &DueTimes),
        sees_sealed: bool,
    ) -> Result<Vec<WaitingTasks>, StoreError> {
        let hidden = if sees_sealed {
            BTreeSet::new()
        } else {
            self.hidden_tasks().await?
        };
        self.counted(|counted| waiting(counted, &hidden, now, due))
            .await
    }

    async fn hidden_tasks(&self) -> Result<BTreeSet<TaskId>, StoreError> {
        if !self.has_seals().await? {
            return Ok(BTreeSet::new());
        }
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(HIDDEN).fetch_all(&mut connection).await?;
        let task = |row: &Row| Reader::named(row, "tasks")?.parsed(0, "task", parse_task);
        rows.iter().map(task).collect()
    }

    /// Versions that wait to be decided, by source.
    ///
    /// # Errors
    /// What the database says.
    pub async fn waiting_versions(&self) -> Result<BTreeMap<SourceCode, u64>, StoreError> {
        let count = |counted: &Counted| {
            let by_source = counted.deferred.iter();
            let by_source =
                by_source.map(|(source, waiting)| (source.clone(), waiting.len() as u64));
            by_source.collect()
        };
        self.counted(count).await
    }

    /// Links that stand, by route and by weight to the nearest bit.
    ///
    /// # Errors
    /// What the database says.
    pub async fn count_links_by_weight(&self) -> Result<Vec<LinkTally>, StoreError> {
        let tally = |counted: &Counted| {
            let by_kind = counted.links.by_kind.iter();
            let tallies = by_kind.map(|((route, weight), links)| LinkTally {
                route: *route,
                weight_bits: weight.map(f64::from),
                links: *links,
            });
            tallies.collect()
        };
        self.counted(tally).await
    }

    /// Weights of questions about a pair that people have decided, and whether they
    /// said that it is one person; in no order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn answers_by_weight(&self) -> Result<Vec<(f64, bool)>, StoreError> {
        let answered = |task: &CountedTask| match task {
            CountedTask::Answered { weight_bits, same } => Some((*weight_bits, *same)),
            CountedTask::Waits { .. } => None,
        };
        self.counted(|counted| counted.tasks.values().filter_map(answered).collect())
            .await
    }

    /// Questions that more than one person may have answered, those asked last first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn answered_tasks(&self, most: u32) -> Result<Vec<TaskState>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_tasks!(
            "where stage in ('decided', 'second_reader', 'third_reader') \
             order by task desc limit $1"
        ))
        .bind(i64::from(most))
        .fetch_all(&mut connection)
        .await?;
        let tasks = rows
            .iter()
            .map(|row| task_from(row).map(|(_, state)| state));
        tasks.collect()
    }
}

/// Adds up what waits.
fn waiting(
    counted: &Counted,
    hidden: &BTreeSet<TaskId>,
    now: Instant,
    due: &DueTimes,
) -> Vec<WaitingTasks> {
    let mut heaps: BTreeMap<Common, WaitingTasks> = BTreeMap::new();
    for (task, known) in &counted.tasks {
        let CountedTask::Waits {
            source,
            kind,
            priority,
            claim,
        } = known
        else {
            continue;
        };
        if hidden.contains(task) {
            continue;
        }
        let claim = claim.as_ref().filter(|(_, until)| *until > now);
        let in_hand = claim.map(|(by, _)| by.clone());
        let (asked, overdue) = (task.made_at(), due.due(*task, *kind, *priority) < now);
        let common = (source.clone(), *kind, *priority, in_hand.clone());
        let heap = heaps.entry(common).or_insert_with(|| WaitingTasks {
            source: source.clone(),
            kind: *kind,
            priority: *priority,
            in_hand,
            tasks: 0,
            overdue: 0,
            oldest: asked,
        });
        heap.tasks += 1;
        heap.overdue += u32::from(overdue);
        heap.oldest = heap.oldest.min(asked);
    }
    heaps.into_values().collect()
}
