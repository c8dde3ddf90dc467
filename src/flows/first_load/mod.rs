//! The first load of an empty ledger: the path of a message, a window of some
//! thousand records at a time. Who a record may belong to is known from memory;
//! decided and written is by the same functions, one commit for a window.
//!
//! ```text
//! commands ─ make_ready ─► standardised, keys ─ look ─► scored      side by side
//!          ─ decide ─► events, answers ─ commit ─► durable          in order
//!          ─ index_fill ─► found by others                          beside the next
//! ```
//!
//! Nobody else may write meanwhile. What cannot be decided from memory, such as
//! another version of a record, is handed back for the path of a message.

mod index_fill;
mod shelf;
mod source_run;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rayon::prelude::*;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::flows::register_record::count;
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::foundation::RecordNumber;
use crate::foundation::limits::FIRST_LOAD_RECORDS_MAX;
use crate::identity::NumberStatus;
use crate::index::IndexEntry;
use crate::matching::blocking_keys;
use crate::matching::search::search_terms;
use crate::registry::{RegistrationAnswer, SourceCode};
use crate::security::Access;
use crate::storage::{CommitActor, Planned, ReadSet, StoreError};
use index_fill::IndexFill;
use shelf::Shelf;
use window::{Row, Verdict, Window, Written, look, make_ready};

/// What has become of a row.
#[derive(Debug)]
pub enum LoadedRow<T> {
    /// It is in.
    In(T, Box<RegistrationAnswer>),
    /// It was in before, with the same content.
    Known(T),
    /// It is refused.
    Refused(T, FlowError),
}

/// A load on its way. `T` is what the caller knows a row by.
pub struct FirstLoad<T> {
    context: Context,
    access: Access,
    shelf: Arc<RwLock<Shelf>>,
    defaults: BTreeMap<SourceCode, NumberStatus>,
    /// The window that is being written, with its rows.
    under_way: Option<UnderWay<T>>,
    later: Vec<(T, RegisterCommand)>,
    fill: IndexFill,
}

struct UnderWay<T> {
    tags: Vec<T>,
    commit: JoinHandle<Result<Written, StoreError>>,
}

impl<T> FirstLoad<T> {
    /// Begins when the ledger is empty, and goes on where a load was interrupted;
    /// else the path of a message is the one.
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn begin(context: &Context, access: &Access) -> Result<Option<Self>, FlowError> {
        if !context.store.begin_first_load().await? {
            return Ok(None);
        }
        let (shelf, fill) = read_back(context).await?;
        Ok(Some(Self {
            context: context.clone(),
            access: access.clone(),
            shelf: Arc::new(RwLock::new(shelf)),
            defaults: BTreeMap::new(),
            under_way: None,
            later: Vec::new(),
            fill,
        }))
    }

    /// Whether memory has room for more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let shelf = self.shelf.read().unwrap_or_else(PoisonError::into_inner);
        shelf.len() < FIRST_LOAD_RECORDS_MAX
    }

    /// Takes a window of rows, in order. What is told is of the window before it:
    /// durable, or refused.
    ///
    /// # Errors
    /// A fault of ours: what was told is in, the rest is not.
    pub async fn take(
        &mut self,
        rows: Vec<(T, RegisterCommand)>,
        told: impl FnMut(LoadedRow<T>),
    ) -> Result<(), FlowError> {
        // The shelf is of one model; the same import goes on with the other.
        if self.context.is_superseded() {
            return Err(FlowError::Conflict(
                "another model became active; import the same files again",
            ));
        }
        self.learn_sources(&rows).await?;
        let (tags, commands): (Vec<T>, Vec<RegisterCommand>) = rows.into_iter().unzip();
        let (context, shelf) = (self.context.clone(), Arc::clone(&self.shelf));
        let defaults = self.defaults.clone();
        let prepare = move || {
            let mut rows = make_ready(&context, &defaults, commands);
            let shelf = shelf.read().unwrap_or_else(PoisonError::into_inner);
            look(&context, &shelf, &mut rows)?;
            Ok::<_, FlowError>(rows)
        };
        let rows = self.context.pool.run(prepare).await??;
        self.settle(told).await?;
        let (decided, has_decided) = oneshot::channel();
        let commit = tokio::spawn(commit(
            self.context.clone(),
            self.access.clone(),
            Arc::clone(&self.shelf),
            rows,
            decided,
        ));
        self.under_way = Some(UnderWay { tags, commit });
        // The next window looks at what this one has decided while it is written.
        let _ = has_decided.await;
        Ok(())
    }

    /// Waits for the last window; gives what is left for the path of a message.
    ///
    /// # Errors
    /// As [`FirstLoad::take`].
    pub async fn finish(
        mut self,
        told: impl FnMut(LoadedRow<T>),
    ) -> Result<Vec<(T, RegisterCommand)>, FlowError> {
        self.settle(told).await?;
        let upto = self.context.store.followed_position().await?;
        self.fill.finish(upto).await?;
        self.context.store.end_first_load().await?;
        Ok(self.later)
    }

    async fn settle(&mut self, mut told: impl FnMut(LoadedRow<T>)) -> Result<(), FlowError> {
        let Some(UnderWay { tags, commit }) = self.under_way.take() else {
            return Ok(());
        };
        let Written { verdicts, entries } = commit.await.map_err(|_| FlowError::Broken)??;
        self.fill.take(entries).await;
        for (tag, verdict) in tags.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Answer(answer) => {
                    count(&answer);
                    told(LoadedRow::In(tag, answer));
                }
                Verdict::Known => told(LoadedRow::Known(tag)),
                Verdict::Refused(error) => told(LoadedRow::Refused(tag, error)),
                Verdict::Later(command) => self.later.push((tag, *command)),
            }
        }
        Ok(())
    }

    async fn learn_sources(&mut self, rows: &[(T, RegisterCommand)]) -> Result<(), FlowError> {
        for (_, command) in rows {
            if self.defaults.contains_key(&command.source) {
                continue;
            }
            if let Some(source) = self.context.store.find_source(&command.source).await? {
                self.defaults
                    .insert(source.code, source.number_status_default);
            }
        }
        Ok(())
    }
}

/// What an interrupted load has written; nothing for an empty ledger. Its index is
/// behind, or nobody knows what it has beside.
async fn read_back(context: &Context) -> Result<(Shelf, IndexFill), FlowError> {
    let mut shelf = Shelf::default();
    let index = context.index.clone();
    let begins = index.document_count() == 0;
    let mut fill = IndexFill::new(index, begins);
    let mut after = RecordNumber(0);
    loop {
        let page = context.store.loaded_records(after).await?;
        let Some(last) = page.last() else { break };
        after = last.record;
        let keyed = move || {
            let keyed = page.into_par_iter().map(|loaded| {
                let entry = IndexEntry {
                    record: loaded.record,
                    keys: blocking_keys(&loaded.standard).stored_hashes(),
                    search: search_terms(&loaded.standard),
                };
                (loaded, entry)
            });
            keyed.collect::<Vec<_>>()
        };
        let mut entries = Vec::new();
        for (loaded, entry) in context.pool.run(keyed).await? {
            shelf.read_back(loaded, entry.keys.clone());
            entries.push(entry);
        }
        shelf.settle();
        fill.take(Some(entries)).await;
    }
    for (task, known) in context.store.loaded_tasks().await? {
        shelf.keep_task(task, known);
    }
    Ok((shelf, fill))
}

/// Decides a window inside its commit.
async fn commit(
    context: Context,
    access: Access,
    shelf: Arc<RwLock<Shelf>>,
    rows: Vec<Row>,
    decided: oneshot::Sender<()>,
) -> Result<Written, StoreError> {
    let actor = CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    };
    let (store, now) = (context.store.clone(), context.clock.now());
    let read = ReadSet {
        fills: Some(rows.len()),
        ..ReadSet::default()
    };
    let work = Mutex::new(Some((rows, decided)));
    let deciding = store.commit(read, actor, now, move |state, _| {
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Asked a second time: memory has moved on, and the commit is given up.
        let Some((rows, decided)) = work else {
            return Planned::nothing(None);
        };
        let mut shelf = shelf.write().unwrap_or_else(PoisonError::into_inner);
        let plan = Window::new(&context, &access, &mut shelf).decide(rows, state);
        drop(shelf);
        let _ = decided.send(());
        let Planned {
            events,
            versions,
            keys,
            audit,
            remark,
            remember,
            known_pair,
            answer,
        } = plan;
        Planned {
            events,
            versions,
            keys,
            audit,
            remark,
            remember,
            known_pair,
            answer: Some(answer),
        }
    });
    deciding.await?.ok_or(StoreError::Moved)
}
