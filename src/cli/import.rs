//! `accord import`: files into the ledger by the same path as a message; an empty
//! ledger takes them from memory, with the same answers. A row that is known
//! already changes nothing, so an interrupted import is run again from its start.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::bail;
use clap::Args;

use crate::cli::intake::{Intake, RowPlace};
use crate::cli::ledger::{Use, access, open_to_decide};
use crate::cli::progress::Progress;
use crate::cli::rejects::Rejects;
use crate::cli::{LedgerArguments, import_by_url};
use crate::flows::{Context, RegisterCommand, catch_up, ensure_source, follow_models};
use crate::identity::{Finding, FindingCode};
use crate::interfaces::files::{self, FileRow, RowProblem};
use crate::registry::{LocalId, SourceCode};
use crate::security::{Access, Action, Role};

/// Files, and how to read them.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    pub(super) ledger: LedgerArguments,
    /// Source of rows that name none.
    #[arg(long, value_name = "CODE")]
    pub(super) source: Option<String>,
    /// Reads COLUMN as FIELD; may be repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub(super) maps: Vec<String>,
    /// Sends the rows to a running service instead.
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// Token for --url; else the environment's `ACCORD_TOKEN`.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ACCORD_TOKEN",
        hide_env_values = true
    )]
    pub(super) token: Option<String>,
    /// Takes every row by the path of a message, into an empty ledger too.
    #[arg(long)]
    pub(super) by_message: bool,
    /// No progress.
    #[arg(long)]
    pub(super) quiet: bool,
    /// CSV (also .gz) or NDJSON files.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

/// What came of an import.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Imported {
    pub(super) rows: u64,
    pub(super) linked: u64,
    pub(super) persons: u64,
    pub(super) held: u64,
    pub(super) known: u64,
    pub(super) tasks: u64,
    pub(super) rejected: u64,
    pub(super) duplicates: u64,
    /// Files that cannot be read to their end.
    pub(super) damaged: u64,
}

impl Imported {
    pub(super) fn print(&self) {
        println!("rows {}", self.rows);
        println!("linked {}", self.linked);
        println!("new_persons {}", self.persons);
        println!("known_already {}", self.known);
        println!("updates_held {}", self.held);
        println!("tasks {}", self.tasks);
        println!("rejected {}", self.rejected);
    }
}

pub(super) async fn run(arguments: ImportArguments) -> anyhow::Result<()> {
    let imported = if let Some(url) = arguments.url.clone() {
        import_by_url::run(&arguments, &url).await?
    } else {
        let context = open_to_decide(&arguments.ledger, Use::Exclusive).await?;
        let models = tokio::spawn(follow_models(context.clone()));
        let imported = import_files(&context, &arguments).await;
        models.abort();
        let imported = imported?;
        catch_up(&context).await?;
        context.store.seal_audit(context.clock.now()).await?;
        context.store.close().await;
        imported
    };
    imported.print();
    if imported.damaged > 0 {
        bail!(
            "a file is damaged or was cut short; the rows before the damage went in, and the \
             reject file names the line"
        );
    }
    if imported.duplicates > 0 {
        bail!(
            "{} rows repeat a record_id of their file; the first of each went in",
            imported.duplicates
        );
    }
    if imported.rows == 0 && imported.rejected > 0 {
        bail!("no row could be taken; the reject file says why");
    }
    Ok(())
}

/// Imports the files one after the other. An empty ledger takes them from memory
/// first; else the index follows.
pub(super) async fn import_files(
    context: &Context,
    arguments: &ImportArguments,
) -> anyhow::Result<Imported> {
    let mut intake = Intake::begin(context, arguments.by_message).await?;
    for path in &arguments.files {
        import_file(context, arguments, path, &mut intake).await?;
    }
    intake.finish().await
}

async fn import_file(
    context: &Context,
    arguments: &ImportArguments,
    path: &std::path::Path,
    intake: &mut Intake<'_>,
) -> anyhow::Result<()> {
    let rows = files::open(path, &arguments.maps)?;
    let bytes = rows.bytes_read();
    let size = std::fs::metadata(path).map_or(0, |about| about.len());
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut progress = Progress::over_bytes(&format!("importing {name}"), size, arguments.quiet);
    let rejects = Rejects::new(&arguments.ledger.data.join("rejects"), path);
    let file = intake.open(name.clone(), rejects);
    let access = import_access()?;
    let mut seen = Seen::default();
    let mut source_of = SourceOf::new(context, arguments.source.as_deref());
    let mut rows = rows.peekable();
    while rows.peek().is_some() {
        let mut chunk = Vec::with_capacity(ROWS_PER_CHUNK);
        for row in rows.by_ref().take(ROWS_PER_CHUNK) {
            let planned = match row {
                Ok(row) => {
                    let source = source_of.find(row.source.as_deref()).await?;
                    command_of(row, source, &mut seen)
                }
                Err(problem) => Err(problem),
            };
            match planned {
                Ok((line, row, command)) => chunk.push((RowPlace { file, line, row }, command)),
                Err(problem) => intake.refuse(file, &problem)?,
            }
        }
        intake.take(&access, chunk).await?;
        progress.at(intake.rows(), bytes.load(Ordering::Relaxed));
    }
    progress.finish();
    for (first, again) in seen.1.iter().take(DUPLICATES_NAMED_MAX) {
        eprintln!("{name}: line {again} repeats the record_id of line {first}");
    }
    intake.repeat(seen.1.len() as u64);
    Ok(())
}

/// Who imports.
pub(super) fn import_access() -> anyhow::Result<Access> {
    access(Action::WriteRecord, Role::Integration, "import")
}

/// Repeated ids that are named on standard error; the reject file has them all.
const DUPLICATES_NAMED_MAX: usize = 20;

/// Rows that are read, registered and reported together.
const ROWS_PER_CHUNK: usize = 4_096;

type Sourced = Result<KnownSource, String>;
type Planned = (u64, Vec<String>, RegisterCommand);

/// A row's source, and whether this import has added it.
#[derive(Debug, Clone)]
struct KnownSource {
    code: SourceCode,
    added: bool,
}

/// Ids of a file and the lines that they stand on.
#[derive(Default)]
struct Seen(
    std::collections::HashMap<(SourceCode, LocalId), u64>,
    Vec<(u64, u64)>,
);

fn command_of(row: FileRow, source: Sourced, seen: &mut Seen) -> Result<Planned, RowProblem> {
    let line = row.line;
    let refuse = |reason: String, row: &[String]| RowProblem::new(line, reason, row.to_vec());
    let source = source.map_err(|reason| refuse(reason, &row.row))?;
    let local_id =
        LocalId::parse(&row.record_id).map_err(|error| refuse(error.to_string(), &row.row))?;
    let KnownSource {
        code: source,
        added,
    } = source;
    let name = (source.clone(), local_id.clone());
    if let Some(first) = seen.0.get(&name).copied() {
        let reason = format!("this record_id was on line {first} already");
        seen.1.push((first, line));
        return Err(refuse(reason, &row.row));
    }
    seen.0.insert(name, line);
    let command = RegisterCommand {
        source,
        local_id,
        submitted: row.record,
        idempotency_key: None,
        if_match: None,
        findings: added
            .then(|| Finding::new(FindingCode::SourceNotKnown, "source"))
            .into_iter()
            .collect(),
    };
    Ok((line, row.row, command))
}

/// Finds the source of a row, adding one that is not known (with a line that
/// says so: an unknown code is more often a typing error than a new system).
struct SourceOf<'a> {
    context: &'a Context,
    default: Option<&'a str>,
    known: std::collections::BTreeMap<String, Sourced>,
}

impl<'a> SourceOf<'a> {
    fn new(context: &'a Context, default: Option<&'a str>) -> Self {
        Self {
            context,
            default,
            known: std::collections::BTreeMap::new(),
        }
    }

    async fn find(&mut self, named: Option<&str>) -> anyhow::Result<Sourced> {
        let Some(name) = named.or(self.default) else {
            let reason = "the row names no source; use --source CODE".to_owned();
            return Ok(Err(reason));
        };
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let found = match SourceCode::parse(name) {
            Ok(code) => {
                let added = ensure_source(self.context, &code).await?;
                if added {
                    eprintln!("source {code} was not known and has been added");
                }
                Ok(KnownSource { code, added })
            }
            Err(error) => Err(error.to_string()),
        };
        self.known.insert(name.to_owned(), found.clone());
        Ok(found)
    }
}
