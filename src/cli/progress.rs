//! Progress: a bar on a terminal, plain lines when piped, nothing when quiet.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::bulk::{Stage, Watch};

/// Pause between two plain lines.
const LINE_PAUSE: Duration = Duration::from_secs(5);

/// How far a long command is.
pub(super) struct Progress {
    shape: Shape,
}

enum Shape {
    Quiet,
    Bar(ProgressBar),
    Lines {
        what: String,
        last: Instant,
        rows: u64,
    },
}

impl Progress {
    /// Over `total` bytes of a file; `what` names the work.
    pub(super) fn over_bytes(what: &str, total: u64, quiet: bool) -> Self {
        let shape = if quiet {
            Shape::Quiet
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total);
            let template = "{msg:24} {wide_bar} {percent:>3}%  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            Shape::Bar(bar)
        } else {
            Shape::Lines {
                what: what.to_owned(),
                last: Instant::now(),
                rows: 0,
            }
        };
        Self { shape }
    }

    /// Over rows whose number nobody knows beforehand.
    pub(super) fn over_rows(what: &str, quiet: bool) -> Self {
        let bar = Self::over_bytes(what, 0, quiet);
        if let Shape::Bar(bar) = &bar.shape {
            let template = "{msg:24} {human_pos} rows, {per_sec}, {elapsed}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
        }
        bar
    }

    /// Over pairs of records; a total of 0 is not known beforehand.
    pub(super) fn over_pairs(what: &str, total: u64, quiet: bool) -> Self {
        if total == 0 {
            Self::over_rows(what, quiet)
        } else {
            Self::over_bytes(what, total, quiet)
        }
    }

    /// So many rows are done, and so many bytes read.
    pub(super) fn at(&mut self, rows_done: u64, bytes: u64) {
        match &mut self.shape {
            Shape::Quiet => {}
            Shape::Bar(bar) => bar.set_position(bytes),
            Shape::Lines { what, last, rows } => {
                *rows = rows_done;
                if last.elapsed() >= LINE_PAUSE {
                    eprintln!("{what}: {rows_done} rows");
                    *last = Instant::now();
                }
            }
        }
    }

    /// All is done.
    pub(super) fn finish(self) {
        match self.shape {
            Shape::Quiet => {}
            Shape::Bar(bar) => bar.finish_and_clear(),
            Shape::Lines { what, rows, .. } => eprintln!("{what}: {rows} rows, done"),
        }
    }
}

/// Shows the stages of a run.
pub(super) struct Stages {
    quiet: bool,
    shown: Mutex<Option<Progress>>,
}

impl Stages {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            shown: Mutex::new(None),
        }
    }

    /// The last stage is over.
    pub(super) fn finish(&self) {
        self.show(None);
    }

    fn show(&self, next: Option<Progress>) {
        if let Ok(mut shown) = self.shown.lock()
            && let Some(before) = std::mem::replace(&mut *shown, next)
        {
            before.finish();
        }
    }
}

impl Watch for Stages {
    fn begin(&self, stage: Stage, total: u64) {
        let what = match stage {
            Stage::Meeting => "finding pairs",
            Stage::Training => "training",
            Stage::Comparing => "comparing pairs",
            Stage::Grouping => "grouping",
        };
        self.show(Some(Progress::over_pairs(what, total, self.quiet)));
    }

    fn at(&self, done: u64) {
        if let Ok(mut shown) = self.shown.lock()
            && let Some(progress) = &mut *shown
        {
            progress.at(done, done);
        }
    }
}
