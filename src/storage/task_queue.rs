//! The queue of questions, what was written about them, and what people have
//! said, as flows read them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::registry::{LocalId, SourceCode, TaskKind, TaskPriority, TaskStage, TaskState};
use crate::storage::db::{self, Query};
use crate::storage::feed::{StoredEvent, event_from};
use crate::storage::rows::{
    Reader, parse_local_id, parse_source, parse_task, task_status_word, word,
};
use crate::storage::sql::RowStatement;
use crate::storage::task_rows::{rank, select_tasks, task_from};
use crate::storage::{Store, StoreError};

/// Who has a task in hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// This account.
    To(String),
    /// Nobody, or somebody whose lease has ended.
    ToNobody,
    /// Anybody.
    ToSomebody,
}

/// Which tasks a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Those that wait, or those that do not.
    pub waits: Option<bool>,
    /// At this stage.
    pub stage: Option<TaskStage>,
    /// In whose hands, as of `now`.
    pub assigned: Option<Assigned>,
    /// What is asked.
    pub kind: Option<TaskKind>,
    /// Raised by a record of this source.
    pub source: Option<SourceCode>,
    /// About one of these persons; empty for all.
    pub persons: Vec<PersonId>,
    /// Opened before.
    pub before: Option<Instant>,
    /// The present.
    pub now: Instant,
}

/// Which part of the queue a list shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QueuePart {
    /// From its head.
    First,
    /// What comes after a place, in order.
    After(QueuePlace),
    /// What comes before a place, the nearest first.
    Before(QueuePlace),
}

/// A task's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueuePlace {
    priority: u8,
    rank: f64,
    task: TaskId,
}

/// Part of a place; changes when places change meaning.
const PLACE_FORMAT: &str = "1.";

impl QueuePlace {
    /// The place of a task.
    #[must_use]
    pub fn of(task: TaskId, state: &TaskState) -> Self {
        Self {
            priority: state.priority.place(),
            rank: rank(state),
            task,
        }
    }

    /// Which of two places comes first.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let (one, two) = (self.priority, other.priority);
        one.cmp(&two)
            .then(self.rank.total_cmp(&other.rank))
            .then(self.task.cmp(&other.task))
    }

    /// As a text that says nothing to its reader.
    #[must_use]
    pub fn text(&self) -> String {
        let rank = self.rank.to_bits();
        format!("{PLACE_FORMAT}{}.{rank:016x}.{}", self.priority, self.task)
    }

    /// The place of a text; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PLACE_FORMAT)?.splitn(3, '.');
        let (priority, rank, task) = (parts.next()?, parts.next()?, parts.next()?);
        let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if rank.len() != 16 || !rank.bytes().all(hexadecimal) {
            return None;
        }
        let place = Self {
            priority: priority.parse().ok()?,
            rank: f64::from_bits(u64::from_str_radix(rank, 16).ok()?),
            task: parse_task(task)?,
        };
        let is_class = usize::from(place.priority) < TaskPriority::ALL.len();
        (is_class && place.rank.is_finite() && place.text() == text).then_some(place)
    }
}

/// A condition that grows.
struct Where {
    text: String,
    values: Vec<db::Value>,
}

impl Where {
    /// Adds a part; each `?` in it stands for the next value.
    fn and(&mut self, part: &str, values: impl IntoIterator<Item = db::Value>) {
        self.text
            .push_str(if self.values.is_empty() && self.text.is_empty() {
                "where "
            } else {
                " and "
            });
        self.values.extend(values);
        let mut number = self.values.len() + 1 - part.matches('?').count();
        for piece in part.split_inclusive('?') {
            match piece.strip_suffix('?') {
                Some(piece) => {
                    self.text.push_str(piece);
                    self.text.push('$');
                    self.text.push_str(&number.to_string());
                    number += 1;
                }
                None => self.text.push_str(piece),
            }
        }
    }
}

fn conditions(filter: &TaskFilter, part: QueuePart) -> Where {
    let mut wanted = Where {
        text: String::new(),
        values: Vec::new(),
    };
    if let Some(waits) = filter.waits {
        // Few questions name a person or are in hand: they are found by that, and
        // the index of the queue, which holds all that wait, is kept out.
        let few = !filter.persons.is_empty()
            || matches!(
                filter.assigned,
                Some(Assigned::To(_) | Assigned::ToSomebody)
            );
        let part = if few {
            "status || '' = ?"
        } else {
            "status = ?"
        };
        wanted.and(part, [task_status_word(waits).into()]);
    }
    if let Some(stage) = filter.stage {
        wanted.and("stage = ?", [word(&stage).into()]);
    }
    if let Some(kind) = filter.kind {
        wanted.and("kind = ?", [word(&kind).into()]);
    }
    let now = filter.now.microseconds();
    match &filter.assigned {
        Some(Assigned::To(name)) => {
            let values = [name.clone().into(), now.into()];
            wanted.and("claimed_by = ? and claimed_until > ?", values);
        }
        Some(Assigned::ToSomebody) => {
            wanted.and("claimed_by is not null and claimed_until > ?", [now.into()]);
        }
        Some(Assigned::ToNobody) => {
            wanted.and("coalesce(claimed_until, 0) <= ?", [now.into()]);
        }
        None => {}
    }
    if let Some(source) = &filter.source {
        let part =
            "exists (select 1 from records r where r.record = tasks.record and r.source = ?)";
        wanted.and(part, [source.as_str().into()]);
    }
    if !filter.persons.is_empty() {
        let list = vec!["?"; filter.persons.len()].join(", ");
        let part = format!("(person_a in ({list}) or person_b in ({list}))");
        let persons = filter.persons.iter().chain(&filter.persons);
        wanted.and(&part, persons.map(|person| person.to_string().into()));
    }
    if let Some(before) = filter.before {
        // An id begins with the instant at which it was made.
        let milliseconds = before.microseconds().max(0) / 1_000;
        wanted.and("task < ?", [format!("T-{milliseconds:012x}").into()]);
    }
    let (place, condition) = match part {
        QueuePart::First => return wanted,
        QueuePart::After(place) => (place, "(priority, rank, task) > (?, ?, ?)"),
        QueuePart::Before(place) => (place, "(priority, rank, task) < (?, ?, ?)"),
    };
    let values = [
        i64::from(place.priority).into(),
        place.rank.into(),
        place.task.to_string().into(),
    ];
    wanted.and(condition, values);
    wanted
}

/// A decided question with the records that it was about, for labels.
#[derive(Debug, Clone)]
pub struct DecidedTask {
    /// Which.
    pub task: TaskId,
    /// How it ended.
    pub state: TaskState,
    /// When.
    pub at: Instant,
}

/// Words about a task that are not erased, by the event that they belong to.
pub type Words = BTreeMap<EventPosition, String>;

const EVENTS_OF_TASK: &str = "select e.position, e.at, e.actor, e.request_id, e.body, e.stamp \
    from event_subjects s join events e on e.position = s.position \
    where s.subject = $1 order by e.position";

impl Store {
    /// A page of tasks of a part of the queue, in its order (R116).
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_tasks(
        &self,
        filter: &TaskFilter,
        part: QueuePart,
        limit: u32,
    ) -> Result<Vec<(TaskId, TaskState)>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let Where { mut text, values } = conditions(filter, part);
        text.insert_str(0, select_tasks!(""));
        let number = values.len() + 1;
        text.push_str(match part {
            QueuePart::First | QueuePart::After(_) => " order by priority, rank, task limit $",
            QueuePart::Before(_) => " order by priority desc, rank desc, task desc limit $",
        });
        text.push_str(&number.to_string());
        let query = values.into_iter().fold(db::query(text), Query::bind);
        let rows = query.bind(i64::from(limit)).fetch_all(&mut connection);
        rows.await?.iter().map(task_from).collect()
    }

    /// A task.
    ///
    /// # Errors
    /// What the database says.
    pub async fn load_task(&self, task: TaskId) -> Result<Option<TaskState>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(select_tasks!("where task = $1"))
            .bind(task.to_string())
            .fetch_optional(&mut connection)
            .await?;
        let task = row.as_ref().map(task_from).transpose()?;
        Ok(task.map(|(_, state)| state))
    }

    /// Source and local id of a record.
    ///
    /// # Errors
    /// What the database says.
    pub async fn name_of_record(
        &self,
        record: RecordNumber,
    ) -> Result<Option<(SourceCode, LocalId)>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query("select record, source, local_id from records where record = $1")
            .bind(record.0)
            .fetch_optional(&mut connection)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let reader = Reader::numbered(&row, "records")?;
        let source = reader.parsed(1, "source", parse_source)?;
        Ok(Some((
            source,
            reader.parsed(2, "local_id", parse_local_id)?,
        )))
    }

    /// All events about a task, in order, and the words that belong to them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn task_history(
        &self,
        task: TaskId,
    ) -> Result<(Vec<StoredEvent>, Words), StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(EVENTS_OF_TASK)
            .bind(task.to_string())
            .fetch_all(&mut snapshot)
            .await?;
        let events = rows.iter().map(event_from).collect::<Result<_, _>>()?;
        let rows = db::query("select position, reason from remarks where subject = $1")
            .bind(task.to_string())
            .fetch_all(&mut snapshot)
            .await?;
        let mut words = Words::new();
        for row in &rows {
            let reader = Reader::numbered(row, "remarks")?;
            if let Some(reason) = reader.text_or_null(1)? {
                words.insert(reader.position(0)?, reason);
            }
        }
        Ok((events, words))
    }

    /// Questions about a pair whose weight is closest to one, closest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_tasks_near(
        &self,
        weight_bits: f64,
        limit: u32,
    ) -> Result<Vec<TaskState>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let mut near = Vec::new();
        for text in [AT_OR_ABOVE, BELOW] {
            let query = db::query(text).bind(weight_bits).bind(i64::from(limit));
            let rows = query.fetch_all(&mut connection).await?;
            for row in &rows {
                near.push(task_from(row)?);
            }
        }
        let away = |state: &TaskState| (state.weight_bits.unwrap_or(f64::MAX) - weight_bits).abs();
        near.sort_by(|(one, a), (other, b)| away(a).total_cmp(&away(b)).then(one.cmp(other)));
        near.truncate(limit as usize);
        Ok(near.into_iter().map(|(_, state)| state).collect())
    }

    /// Tasks that people have decided, in order of id after one.
    ///
    /// # Errors
    /// What the database says.
    pub async fn decided_tasks(
        &self,
        after: Option<TaskId>,
        limit: u32,
    ) -> Result<Vec<DecidedTask>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_tasks!(
            "where stage = 'decided' and task > $1 order by task limit $2"
        ))
        .bind(after.map_or_else(String::new, |task| task.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&mut connection)
        .await?;
        let mut decided = Vec::with_capacity(rows.len());
        for row in &rows {
            let (task, state) = task_from(row)?;
            let at = Instant::default();
            decided.push(DecidedTask { task, state, at });
        }
        let positions: Vec<i64> = decided.iter().map(|task| task.state.position.0).collect();
        let rows = TIMES
            .select(&mut connection, &[], &positions, |query, position| {
                query.bind(*position)
            })
            .await?;
        let mut times = BTreeMap::new();
        for row in &rows {
            let reader = Reader::numbered(row, "events")?;
            times.insert(
                reader.number(0)?,
                Instant::from_microseconds(reader.number(1)?),
            );
        }
        for task in &mut decided {
            task.at = times
                .get(&task.state.position.0)
                .copied()
                .unwrap_or_default();
        }
        Ok(decided)
    }
}

/// Questions about a pair from a weight upwards, and those below it.
const AT_OR_ABOVE: &str = select_tasks!(
    "where kind = 'possible_duplicate' and weight_bits >= $1 order by weight_bits, task limit $2"
);
const BELOW: &str = select_tasks!(
    "where kind = 'possible_duplicate' and weight_bits < $1 \
     order by weight_bits desc, task desc limit $2"
);

const TIMES: RowStatement = RowStatement {
    before: "select position, at from events where position in (values",
    columns: 1,
    after: ")",
};

#[cfg(test)]
mod tests {
    use super::QueuePlace;
    use crate::storage::tests::task_id;

    #[test]
    fn a_place_in_the_queue_survives_its_text_and_no_other_text_is_one() {
        let place = QueuePlace {
            priority: 4,
            rank: -12.25,
            task: task_id(1),
        };
        assert_eq!(QueuePlace::parse(&place.text()), Some(place));
        let nonsense = place.text().replace("c028800000000000", "7ff8000000000000");
        for text in ["", "1.4", &nonsense, &place.text().replace("1.4", "1.+4")] {
            assert_eq!(QueuePlace::parse(text), None, "{text}");
        }
    }
}
