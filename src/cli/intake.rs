//! How the rows of an import go in: from memory while the ledger is empty, else
//! by the path of a message while the index follows; and what is counted.

use tokio::task::JoinHandle;

use crate::cli::import::{Imported, import_access};
use crate::cli::rejects::Rejects;
use crate::flows::{
    self, Context, FirstLoad, FlowError, FollowerOptions, LoadedRow, RegisterCommand,
    catch_up_filled,
};
use crate::interfaces::files::RowProblem;
use crate::registry::{Outcome, RegistrationAnswer};
use crate::security::Access;

/// Where a row stands.
pub(super) struct RowPlace {
    /// Which of the files.
    pub(super) file: usize,
    /// Its line.
    pub(super) line: u64,
    /// The row as sent, for the reject file.
    pub(super) row: Vec<String>,
}

/// An import on its way.
pub(super) struct Intake<'c> {
    context: &'c Context,
    load: Option<FirstLoad<RowPlace>>,
    follower: Option<JoinHandle<()>>,
    tally: Tally,
}

/// What has come of the rows.
#[derive(Default)]
struct Tally {
    total: Imported,
    files: Vec<(String, Rejects)>,
    failure: Option<anyhow::Error>,
}

impl<'c> Intake<'c> {
    /// Begins; from memory if the ledger is empty and nothing is said against it.
    pub(super) async fn begin(context: &'c Context, by_message: bool) -> anyhow::Result<Self> {
        let load = if by_message {
            None
        } else {
            FirstLoad::begin(context, &import_access()?).await?
        };
        let mut intake = Self {
            context,
            load,
            follower: None,
            tally: Tally::default(),
        };
        if intake.load.is_none() {
            intake.follow();
        }
        Ok(intake)
    }

    /// Rows that are in.
    pub(super) const fn rows(&self) -> u64 {
        self.tally.total.rows
    }

    /// The next file; its number.
    pub(super) fn open(&mut self, name: String, rejects: Rejects) -> usize {
        self.tally.files.push((name, rejects));
        self.tally.files.len() - 1
    }

    /// A row that is no record.
    pub(super) fn refuse(&mut self, file: usize, problem: &RowProblem) -> anyhow::Result<()> {
        match self.tally.files.get_mut(file) {
            Some((_, rejects)) => rejects.refuse(problem),
            None => Ok(()),
        }
    }

    /// So many rows repeat an id of their file.
    pub(super) const fn repeat(&mut self, rows: u64) {
        self.tally.total.duplicates += rows;
    }

    /// Takes rows, in order.
    pub(super) async fn take(
        &mut self,
        access: &Access,
        rows: Vec<(RowPlace, RegisterCommand)>,
    ) -> anyhow::Result<()> {
        if self.load.as_ref().is_some_and(|load| !load.has_room()) {
            self.end_load(access).await?;
        }
        match &mut self.load {
            Some(load) => {
                let tally = &mut self.tally;
                load.take(rows, |row| tally.loaded(row)).await?;
                tally.failure.take().map_or(Ok(()), Err)
            }
            None => self.by_message(access, rows).await,
        }
    }

    /// Takes what is left and says where rejected rows are.
    pub(super) async fn finish(mut self) -> anyhow::Result<Imported> {
        self.end_load(&import_access()?).await?;
        if let Some(follower) = self.follower {
            follower.abort();
        }
        let mut total = self.tally.total;
        for (name, rejects) in &self.tally.files {
            total.rejected += rejects.count;
            total.damaged += u64::from(rejects.damaged);
            if let Some(kept) = rejects.path() {
                eprintln!(
                    "{} rows of {name} were rejected; see {}",
                    rejects.count,
                    kept.display()
                );
            }
        }
        Ok(total)
    }

    fn follow(&mut self) {
        let options = FollowerOptions { enabled: true };
        self.follower = Some(tokio::spawn(flows::follow(self.context.clone(), options)));
    }

    /// Brings the index up to what the load has written; what the load could not
    /// take goes by the path of a message.
    async fn end_load(&mut self, access: &Access) -> anyhow::Result<()> {
        let Some(load) = self.load.take() else {
            return Ok(());
        };
        let tally = &mut self.tally;
        let later = load.finish(|row| tally.loaded(row)).await?;
        self.tally.failure.take().map_or(Ok(()), Err)?;
        catch_up_filled(self.context, &mut |_| ()).await?;
        self.follow();
        self.by_message(access, later).await
    }

    async fn by_message(
        &mut self,
        access: &Access,
        rows: Vec<(RowPlace, RegisterCommand)>,
    ) -> anyhow::Result<()> {
        let commands = rows
            .into_iter()
            .map(|(place, command)| (place, Ok((access.clone(), command))));
        let tally = &mut self.tally;
        flows::register_batch(self.context, commands, |place, outcome| match outcome {
            Ok(answer) => tally.count(&answer),
            Err(error) => tally.reject(&place, error),
        })
        .await;
        self.tally.failure.take().map_or(Ok(()), Err)
    }
}

impl Tally {
    fn loaded(&mut self, row: LoadedRow<RowPlace>) {
        match row {
            LoadedRow::In(_, answer) => self.count(&answer),
            LoadedRow::Known(_) => {
                self.total.rows += 1;
                self.total.known += 1;
            }
            LoadedRow::Refused(place, error) => self.reject(&place, error),
        }
    }

    fn count(&mut self, answer: &RegistrationAnswer) {
        self.total.rows += 1;
        if answer.replayed {
            self.total.known += 1;
            return;
        }
        self.total.tasks += answer.tasks.len() as u64;
        match answer.outcome {
            Outcome::Linked => self.total.linked += 1,
            Outcome::NewPerson => self.total.persons += 1,
            Outcome::UpdateHeld => self.total.held += 1,
        }
    }

    /// A fault of ours ends the import; a row that is refused is kept aside.
    fn reject(&mut self, place: &RowPlace, error: FlowError) {
        if let FlowError::Store(_) | FlowError::Index(_) | FlowError::Stopped = error {
            self.failure.get_or_insert(error.into());
            return;
        }
        let Some((_, rejects)) = self.files.get_mut(place.file) else {
            return;
        };
        if let Err(error) = rejects.keep(place.line, &error.to_string(), &place.row) {
            self.failure.get_or_insert(error);
        }
    }
}
