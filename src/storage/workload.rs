//! How much work waits, counted in one walk over the questions that wait, and the
//! answers that people gave last.

use std::fmt::Write as _;

use crate::foundation::Instant;
use crate::registry::{SourceCode, TaskKind, TaskPriority, TaskState};
use crate::review::DueTimes;
use crate::storage::db::{self, Query};
use crate::storage::rows::{Reader, parse_source, parse_task, parse_word, word};
use crate::storage::task_rows::{select_tasks, task_from};
use crate::storage::{Store, StoreError};

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

const COUNTED: &str = "select t.kind, r.source, t.priority, \
    case when t.claimed_until > $1 then t.claimed_by end, count(*), min(t.task), \
    sum(case when t.task < case {kinds}when t.priority = 0 then $2 when t.priority = 1 then $3 \
        when t.priority = 2 then $4 when t.priority = 3 then $5 else $6 end then 1 else 0 end) \
    from tasks t join records r on r.record = t.record where t.status = 'open'";

/// Questions about somebody who objects to being told of: only a privacy officer's.
const NOT_HIDDEN: &str = " and not exists (select 1 from seals x \
    join seal_records s on s.seal = x.seal join links l on l.record = s.record \
    where x.lifted_position is null and x.whole = 1 and l.person in (t.person_a, t.person_b))";

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
        let hides = !sees_sealed && self.has_seals().await?;
        let mut connection = self.inner.readers.acquire().await?;
        let hidden = if hides { NOT_HIDDEN } else { "" };
        // An id begins with the instant at which it was made.
        let asked = |at: Instant| format!("T-{:012x}", at.microseconds().max(0) / 1_000);
        let mut kinds = String::new();
        let mut values: Vec<String> = due.overdue_before(now).map(asked).to_vec();
        for (kind, at) in due.kinds_overdue_before(now) {
            values.extend([word(&kind), asked(at)]);
            let last = values.len() + 1;
            let _ = write!(kinds, "when t.kind = ${} then ${last} ", last - 1);
        }
        let counted = COUNTED.replace("{kinds}", &kinds);
        let text = format!("{counted}{hidden} group by 1, 2, 3, 4");
        let query = db::query(text).bind(now.microseconds());
        let rows = values.into_iter().fold(query, Query::bind);
        let rows = rows.fetch_all(&mut connection).await?;
        let waiting = rows.iter().map(|row| {
            let reader = Reader::named(row, "tasks")?;
            let place = usize::try_from(reader.number(2)?).ok();
            let priority = place.and_then(|place| TaskPriority::ALL.get(place).copied());
            Ok(WaitingTasks {
                source: reader.parsed(1, "source", parse_source)?,
                kind: reader.parsed(0, "kind", parse_word)?,
                priority: priority.ok_or_else(|| reader.wrong("priority"))?,
                in_hand: reader.text_or_null(3)?,
                tasks: reader.count(4, "count")?,
                overdue: reader.count(6, "count")?,
                oldest: reader.parsed(5, "task", parse_task)?.made_at(),
            })
        });
        waiting.collect()
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
