//! Counts that pages show, which no statement could give without walking the ledger:
//! questions that wait, what people answered, links by weight, versions that wait.
//! Each process keeps its own in memory. A walk over the views makes them once; from
//! then on the feed of events says what has changed, which is read and put in its
//! place. Putting it there twice changes nothing, so that it does no harm when a walk
//! has seen more than its place says, and no count can drift. Nothing is stored, and
//! no two writers meet at a counter.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::Mutex;

use crate::foundation::{Instant, RecordNumber, TaskId};
use crate::matching::Route;
use crate::registry::{
    LocalId, RegistryEvent, SourceCode, TaskKind, TaskOutcome, TaskPriority, TaskStage, task_of,
};
use crate::storage::db::{self, Connection, Row};
use crate::storage::event_feed::names;
use crate::storage::feed::PAGE;
use crate::storage::feed_place::FeedPlace;
use crate::storage::rows::{Reader, parse_source, parse_task, parse_word};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError, StoredEvent};

/// Events that are taken at a time.
const EVENTS_A_TIME: u32 = 1_000;

/// The counts of a process; empty until they are asked for.
pub(super) type KeptCounts = Mutex<Option<Counted>>;

/// What is counted, up to a place of the feed.
#[derive(Debug, Default)]
pub(super) struct Counted {
    place: FeedPlace,
    pub(super) tasks: HashMap<TaskId, CountedTask>,
    pub(super) links: CountedLinks,
    /// Versions that wait to be decided, by source.
    pub(super) deferred: BTreeMap<SourceCode, BTreeSet<(RecordNumber, u32)>>,
}

/// What of a question is counted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CountedTask {
    /// It waits.
    Waits {
        source: SourceCode,
        kind: TaskKind,
        priority: TaskPriority,
        /// In whose hands, until when.
        claim: Option<(String, Instant)>,
    },
    /// People have said of a pair of this weight whether it is one person.
    Answered { weight_bits: f64, same: bool },
}

/// A route, and the weight to the nearest bit.
pub(super) type LinkKind = (Option<Route>, Option<i16>);

/// Links that stand: how each came about, so that a link that ends is taken off
/// where it was added.
#[derive(Debug, Default, PartialEq)]
pub(super) struct CountedLinks {
    of_record: BTreeMap<RecordNumber, LinkKind>,
    pub(super) by_kind: BTreeMap<LinkKind, u64>,
}

impl CountedLinks {
    fn put(&mut self, record: RecordNumber, link: Option<LinkKind>) {
        let before = match link {
            Some(kind) => {
                *self.by_kind.entry(kind).or_default() += 1;
                self.of_record.insert(record, kind)
            }
            None => self.of_record.remove(&record),
        };
        let Some(before) = before else { return };
        if let Some(count) = self.by_kind.get_mut(&before) {
            *count -= 1;
            if *count == 0 {
                self.by_kind.remove(&before);
            }
        }
    }
}

/// The weight to the nearest bit.
fn nearest_bit(weight_bits: f64) -> i16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float saturates; weights are within ±200 bits"
    )]
    let bits = weight_bits.round() as i16;
    bits
}

/// What of a task is counted. Read by [`counted_task`].
macro_rules! tasks_to_count {
    () => {
        "select t.task, t.kind, t.stage, t.priority, t.claimed_by, t.claimed_until, t.outcome, \
         t.weight_bits, t.person_b, r.source from tasks t join records r on r.record = t.record "
    };
}
const CHANGED_TASKS: RowStatement = RowStatement {
    before: concat!(tasks_to_count!(), "where t.task in (values"),
    columns: 1,
    after: ")",
};

fn counted_task(row: &Row) -> Result<(TaskId, Option<CountedTask>), StoreError> {
    let reader = Reader::named(row, "tasks")?;
    let task = reader.parsed(0, "task", parse_task)?;
    let stage: TaskStage = reader.parsed(2, "stage", parse_word)?;
    if !matches!(stage, TaskStage::Decided | TaskStage::Closed) {
        let place = usize::try_from(reader.number(3)?).ok();
        let priority = place.and_then(|place| TaskPriority::ALL.get(place).copied());
        let waits = CountedTask::Waits {
            source: reader.parsed(9, "source", parse_source)?,
            kind: reader.parsed(1, "kind", parse_word)?,
            priority: priority.ok_or_else(|| reader.wrong("priority"))?,
            claim: reader.text_or_null(4)?.zip(reader.instant_or_null(5)?),
        };
        return Ok((task, Some(waits)));
    }
    let outcome = reader.parsed_or_null(6, "outcome", parse_word::<TaskOutcome>)?;
    let same = match outcome {
        Some(TaskOutcome::Same) => Some(true),
        Some(TaskOutcome::Different) => Some(false),
        _ => None,
    };
    let of_pair = stage == TaskStage::Decided && reader.text_or_null(8)?.is_some();
    let answered = same.zip(reader.real_or_null(7)?).filter(|_| of_pair);
    let answered = answered.map(|(same, weight_bits)| CountedTask::Answered { weight_bits, same });
    Ok((task, answered))
}

impl Counted {
    fn put_task(&mut self, task: TaskId, counted: Option<CountedTask>) {
        match counted {
            Some(counted) => self.tasks.insert(task, counted),
            None => self.tasks.remove(&task),
        };
    }

    /// Takes what has changed: events in order, the tasks that they name as they are
    /// now, and the sources of records.
    fn take(
        &mut self,
        events: &[StoredEvent],
        tasks: Vec<(TaskId, Option<CountedTask>)>,
        names: &BTreeMap<RecordNumber, (SourceCode, LocalId)>,
    ) {
        for (task, counted) in tasks {
            self.put_task(task, counted);
        }
        for stored in events {
            match &stored.event {
                RegistryEvent::RecordLinked {
                    record, decision, ..
                } => {
                    let weight = decision.weight_bits.map(nearest_bit);
                    self.links.put(*record, Some((decision.route, weight)));
                }
                RegistryEvent::RecordUnlinked { record, .. } => self.links.put(*record, None),
                RegistryEvent::VersionDeferred { record, version } => {
                    let source = names.get(record).map(|(source, _)| source.clone());
                    self.put_deferred(source, (*record, *version), true);
                }
                RegistryEvent::DeferredDecided { record, version } => {
                    let source = names.get(record).map(|(source, _)| source.clone());
                    self.put_deferred(source, (*record, *version), false);
                }
                _ => {}
            }
        }
    }

    fn put_deferred(
        &mut self,
        source: Option<SourceCode>,
        version: (RecordNumber, u32),
        waits: bool,
    ) {
        let Some(source) = source else { return };
        let of_source = self.deferred.entry(source.clone()).or_default();
        if waits {
            of_source.insert(version);
        } else {
            of_source.remove(&version);
        }
        if of_source.is_empty() {
            self.deferred.remove(&source);
        }
    }
}

impl Store {
    /// Leads the counts of this process along to the last commit; the first time it
    /// walks the ledger.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_counts(&self) -> Result<(), StoreError> {
        self.counted(|_| ()).await
    }

    /// Reads the counts as of the last commit that followers see.
    pub(super) async fn counted<T>(
        &self,
        read: impl FnOnce(&Counted) -> T,
    ) -> Result<T, StoreError> {
        let mut kept = self.inner.kept_counts.lock().await;
        let counted = match &mut *kept {
            Some(counted) => counted,
            none => none.insert(self.count_ledger().await?),
        };
        // Whoever goes away in the middle leaves whole pages behind.
        while self.follow_page(counted).await? {}
        Ok(read(counted))
    }

    /// Takes a page of events; whether more follow.
    async fn follow_page(&self, counted: &mut Counted) -> Result<bool, StoreError> {
        let page = self.list_feed(counted.place, EVENTS_A_TIME).await?;
        let (mut tasks, mut deferring) = (BTreeSet::new(), BTreeSet::new());
        for stored in &page.events {
            tasks.extend(task_of(&stored.event));
            if let RegistryEvent::VersionDeferred { record, .. }
            | RegistryEvent::DeferredDecided { record, .. } = stored.event
            {
                deferring.insert(record);
            }
        }
        let mut connection = self.inner.readers.acquire().await?;
        let tasks: Vec<TaskId> = tasks.into_iter().collect();
        let bind = |query: db::Query, task: &TaskId| query.bind(task.to_string());
        let rows = CHANGED_TASKS
            .select(&mut connection, &[], &tasks, bind)
            .await?;
        let tasks = rows.iter().map(counted_task).collect::<Result<_, _>>()?;
        let deferring: Vec<RecordNumber> = deferring.into_iter().collect();
        let names = names(&mut connection, &deferring).await?;
        counted.take(&page.events, tasks, &names);
        counted.place = page.next;
        Ok(page.more)
    }

    /// Counts by walking the views, page by page. What changes meanwhile lies behind
    /// the place that is taken first, and is put in its place by the feed.
    pub(super) async fn count_ledger(&self) -> Result<Counted, StoreError> {
        let mut counted = Counted {
            place: self.feed_end().await?,
            ..Counted::default()
        };
        let mut connection = self.inner.readers.acquire().await?;
        count_tasks(&mut connection, &mut counted).await?;
        count_links(&mut connection, &mut counted).await?;
        count_deferred(&mut connection, &mut counted).await?;
        Ok(counted)
    }
}

async fn count_tasks(connection: &mut Connection, counted: &mut Counted) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let rows = db::query(concat!(
            tasks_to_count!(),
            "where t.task > $1 order by t.task limit $2"
        ))
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.try_get(0)?;
        for row in &rows {
            let (task, found) = counted_task(row)?;
            counted.put_task(task, found);
        }
    }
}

async fn count_links(connection: &mut Connection, counted: &mut Counted) -> Result<(), StoreError> {
    let mut after = 0_i64;
    loop {
        let rows = db::query(
            "select record, route, weight_bits from links \
             where to_position is null and record > $1 order by record limit $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = last.try_get(0)?;
        for row in &rows {
            let reader = Reader::numbered(row, "links")?;
            let route = reader.parsed_or_null(1, "route", parse_word)?;
            let weight = reader.real_or_null(2)?.map(nearest_bit);
            let record = RecordNumber(reader.number(0)?);
            counted.links.put(record, Some((route, weight)));
        }
    }
}

async fn count_deferred(
    connection: &mut Connection,
    counted: &mut Counted,
) -> Result<(), StoreError> {
    let mut after = (0_i64, 0_i64);
    loop {
        let rows = db::query(
            "select d.record, d.version, r.source from deferred_versions d \
             join records r on r.record = d.record where (d.record, d.version) > ($1, $2) \
             order by d.record, d.version limit $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = (last.try_get(0)?, last.try_get(1)?);
        for row in &rows {
            let reader = Reader::numbered(row, "deferred_versions")?;
            let version = (RecordNumber(reader.number(0)?), reader.count(1, "version")?);
            let source = reader.parsed(2, "source", parse_source)?;
            counted.put_deferred(Some(source), version, true);
        }
    }
}
