//! `accord evaluate`: how good links and persons are, against a truth. Prints
//! one JSON object; its names at the top are the contract's.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use crate::cli::evaluate_page::{Explainer, Region, write_pages};
use crate::cli::evaluate_unlabelled::{Labelled, Unlabelled};
use crate::cli::progress::Progress;
use crate::evaluation::calibration::Nominal;
use crate::evaluation::curve::Costs;
use crate::evaluation::facts::readable;
use crate::evaluation::groups::GroupBook;
use crate::evaluation::retrieval::HeldKeys;
use crate::evaluation::worst::PairToRead;
use crate::evaluation::{
    Evaluation, EvaluationOptions, Evidence, Links, Partition, RecordIds, Truth, evaluate, report,
};
use crate::interfaces::files::{self, Place, read_links, read_persons};

/// What is evaluated, and how.
#[derive(Debug, Args)]
pub(super) struct EvaluateArguments {
    /// Who is who: `record_id,person_id`, CSV or .csv.gz.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["hidden_numbers", "negative_control"])]
    truth: Option<PathBuf>,
    /// Links: `record_id_a,record_id_b,weight_bits,probability`.
    #[arg(long, value_name = "FILE")]
    links: Option<PathBuf>,
    /// Persons: `record_id,person_id`; records that it leaves out are alone.
    #[arg(long, value_name = "FILE")]
    persons: Option<PathBuf>,
    /// The records, for errors by group and for pairs to read. The answer then
    /// holds what these pairs say.
    #[arg(long, value_name = "FILE")]
    pub(super) records: Vec<PathBuf>,
    /// Reads COLUMN of the records as FIELD; may be repeated.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    pub(super) maps: Vec<String>,
    /// What groups of people the records are of, such as ethnicity or deprivation:
    /// `record_id`, then a column for each division, blank where nothing is said (R126). It
    /// is counted by and nothing else: no comparison has it, and it is kept nowhere (R138).
    #[arg(long, value_name = "FILE", conflicts_with = "negative_control")]
    pub(super) groups: Option<PathBuf>,
    /// All pairs that were compared, for the recall of retrieval by itself.
    #[arg(long, value_name = "FILE")]
    candidates: Option<PathBuf>,
    /// Writes a page to be read by people.
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,
    /// Writes a report for users of linked data, by GUILD's items (R129); needs
    /// --records.
    #[arg(long, value_name = "FILE.json", requires = "records")]
    pub(super) linkage_report: Option<PathBuf>,
    /// What the data are, for the report: `febrl` data support no claim (R128).
    #[arg(long, value_name = "FAMILY", default_value = "not said")]
    pub(super) data_family: String,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    region: Region,
    #[command(flatten)]
    unlabelled: Unlabelled,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

/// How things are worked out.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Only pairs of two sources count; needs --records.
    #[arg(long)]
    across_sources_only: bool,
    /// Tells precision and recall at this weight; may be repeated.
    #[arg(long, value_name = "BITS", default_values_t = [0.5], allow_negative_numbers = true)]
    at: Vec<f64>,
    /// Links of at least so many bits are decided where there is no persons file
    /// [default: log2 of the costs' ratio].
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    link_from: Option<f64>,
    /// Links of at least so many bits between two persons go to review
    /// [default: all links of the file].
    #[arg(long, value_name = "BITS", allow_negative_numbers = true)]
    review_from: Option<f64>,
    /// What a false link costs (R81).
    #[arg(long, value_name = "COST", default_value_t = 1_000.0)]
    cost_false_link: f64,
    /// What a missed link costs.
    #[arg(long, value_name = "COST", default_value_t = 1.0)]
    cost_miss: f64,
    /// What a minute of a clerk costs. A miss is put at fifty minutes.
    #[arg(long, value_name = "COST", default_value_t = 0.02)]
    cost_review_minute: f64,
    /// Minutes that a clerk needs for a pair.
    #[arg(long, value_name = "MINUTES", default_value_t = 2.0)]
    minutes_per_task: f64,
    /// Replicates of the intervals.
    #[arg(long, value_name = "N", default_value_t = 400)]
    replicates: u32,
    /// Pairs to read of each kind.
    #[arg(long, value_name = "N", default_value_t = 10)]
    worst: usize,
}

impl How {
    pub(super) fn options(&self) -> anyhow::Result<EvaluationOptions> {
        let costs = Costs {
            false_link: self.cost_false_link,
            miss: self.cost_miss,
            review_minute: self.cost_review_minute,
            minutes_a_task: self.minutes_per_task,
        };
        let all = [
            costs.false_link,
            costs.miss,
            costs.review_minute,
            costs.minutes_a_task,
        ];
        if !all.iter().all(|cost| cost.is_finite() && *cost > 0.0) {
            bail!("costs and minutes are numbers above 0");
        }
        Ok(EvaluationOptions {
            at: self.at.clone(),
            link_from: self
                .link_from
                .unwrap_or((costs.false_link / costs.miss).log2()),
            review_from: self.review_from,
            costs,
            replicates: self.replicates,
            worst: self.worst,
        })
    }
}

pub(super) fn run(arguments: &EvaluateArguments) -> anyhow::Result<()> {
    let reading = Reading {
        quiet: arguments.quiet,
    };
    let (unlabelled, maps) = (&arguments.unlabelled, &arguments.maps);
    let answer = if let Some(truth) = &arguments.truth {
        against_truth(arguments, &reading, truth)?
    } else if let Some(absent) = &unlabelled.negative_control {
        unlabelled.control(absent, &arguments.records, &reading, maps)?
    } else {
        let groups = arguments.groups.as_deref();
        unlabelled.hide_numbers(&arguments.how, &reading, (maps, groups))?
    };
    println!("{answer}");
    Ok(())
}

fn against_truth(
    arguments: &EvaluateArguments,
    reading: &Reading,
    truth: &Path,
) -> anyhow::Result<Value> {
    if arguments.how.across_sources_only && arguments.records.is_empty() {
        bail!("--across-sources-only needs --records: they name the sources");
    }
    let labelled = linked_here(arguments, reading)?;
    let options = arguments.how.options()?;
    let (ids, person) = reading.truth(truth)?;
    let explainer = Explainer::new(arguments.unlabelled.model.as_deref())?;
    let has_page = arguments.report.is_some() && !arguments.records.is_empty();
    let mut keys = has_page.then(HeldKeys::default);
    let book = reading.book(&ids, arguments, |record, sent| {
        if let Some(keys) = &mut keys {
            keys.add(record, &explainer.standard(sent));
        }
    })?;
    let source = match (&book, arguments.how.across_sources_only) {
        (Some(book), true) => Some(sources(&ids, book)?),
        _ => None,
    };
    let truth = Truth::new(ids, person, source);
    let read_links = |path: &Option<PathBuf>| {
        let path = path.as_deref();
        path.map(|path| reading.links(&truth, path)).transpose()
    };
    let candidates = read_links(&arguments.candidates)?;
    let links = match &labelled {
        Some(labelled) => Some(reading.links_of_known(&truth, &labelled.links())?),
        None => read_links(&arguments.links)?,
    };
    let persons = labelled.as_ref().map(Labelled::persons);
    let persons = persons.or_else(|| arguments.persons.clone());
    let persons = persons
        .map(|path| reading.persons(&truth, &path))
        .transpose()?;
    let evidence = Evidence {
        truth: &truth,
        links: links.as_ref().map(|(links, nominal)| (links, nominal)),
        persons: persons.as_ref(),
        candidates: candidates.as_ref().map(|(links, _)| links),
        groups: book.as_ref(),
    };
    let mut evaluation = evaluate(&evidence, &options, &mut |what| {
        if !arguments.quiet {
            eprintln!("working out {what}");
        }
    });
    let files = (&arguments.records[..], &arguments.maps[..]);
    reading.pairs(&mut evaluation, files, &explainer)?;
    let retrieval = keys.map(|keys| keys.figures(&truth));
    let beside = report::Beside {
        yearly: arguments.region.yearly(evaluation.records),
        model: &explainer.model,
        retrieval: retrieval.as_ref(),
    };
    write_pages(arguments, (&evaluation, &options), &beside, book.as_ref())?;
    let mut all = evaluation.to_json();
    if let (Some(labelled), Some(persons)) = (&labelled, &persons) {
        let unlabelled = &arguments.unlabelled;
        unlabelled.tell_labelled(labelled, (&truth, persons), reading, &mut all)?;
    }
    Ok(all)
}

/// Links the records by the model, where nothing that was linked is given.
fn linked_here(
    arguments: &EvaluateArguments,
    reading: &Reading,
) -> anyhow::Result<Option<Labelled>> {
    if arguments.links.is_some() || arguments.persons.is_some() {
        return Ok(None);
    }
    let (unlabelled, records) = (&arguments.unlabelled, &arguments.records);
    if unlabelled.model.is_none() || records.is_empty() {
        bail!(
            "nothing to evaluate: use --links FILE, --persons FILE or both, or --records FILE \
             with --model FILE to link them"
        );
    }
    let labelled = unlabelled.link_labelled(records, reading, &arguments.maps);
    labelled.map(Some)
}

/// For each record its source; each record of the truth must have one.
fn sources(ids: &RecordIds, book: &GroupBook) -> anyhow::Result<Vec<u32>> {
    let facts = (0..).zip(&book.facts).map(|(record, facts)| {
        let facts = facts.with_context(|| {
            format!(
                "the records lack {}, which the truth file names",
                ids.text(record)
            )
        })?;
        Ok(u32::from(facts.source))
    });
    facts.collect()
}

/// Reads the files, with progress.
pub(super) struct Reading {
    pub(super) quiet: bool,
}

impl Reading {
    fn progress(&self, what: &str, path: &Path) -> Progress {
        let size = std::fs::metadata(path).map_or(0, |about| about.len());
        Progress::over_bytes(what, size, self.quiet)
    }

    fn truth(&self, path: &Path) -> anyhow::Result<(RecordIds, Vec<u32>)> {
        let (mut ids, mut persons) = (RecordIds::default(), RecordIds::default());
        let mut person = Vec::new();
        let mut lines: Vec<u32> = Vec::new();
        let mut bar = self.progress("truth", path);
        read_persons(
            path,
            |row| {
                let (record, new) = ids.add(row.record);
                if !new {
                    return Err(twice(row.record, lines[record as usize]));
                }
                lines.push(u32::try_from(row.line).unwrap_or(u32::MAX));
                person.push(persons.add(row.person).0);
                Ok(())
            },
            |Place { rows, bytes }| bar.at(rows, bytes),
        )?;
        bar.finish();
        if ids.is_empty() {
            bail!("{}: no record has a truth", path.display());
        }
        Ok((ids, person))
    }

    /// Links of which every record has a truth.
    fn links(&self, truth: &Truth, path: &Path) -> anyhow::Result<(Links, Nominal)> {
        self.links_where(truth, path, |id| {
            let id = String::from_utf8_lossy(id);
            Err(format!("record {id} is not in the truth file"))
        })
    }

    /// The links of records that have a truth; others cannot be judged.
    pub(super) fn links_of_known(
        &self,
        truth: &Truth,
        path: &Path,
    ) -> anyhow::Result<(Links, Nominal)> {
        self.links_where(truth, path, |_| Ok(()))
    }

    fn links_where(
        &self,
        truth: &Truth,
        path: &Path,
        unknown: impl Fn(&[u8]) -> Result<(), String>,
    ) -> anyhow::Result<(Links, Nominal)> {
        let (mut links, mut nominal) = (Links::default(), Nominal::default());
        let mut bar = self.progress("links", path);
        read_links(
            path,
            |row| {
                let [a, b] = [row.a, row.b].map(|id| truth.ids.find(id).ok_or(id));
                let (a, b) = match (a, b) {
                    (Ok(a), Ok(b)) => (a, b),
                    (Err(id), _) | (_, Err(id)) => return unknown(id),
                };
                links.push(truth, a, b, row.weight_bits);
                if truth.counts(a, b) {
                    nominal.take(row.weight_bits, row.probability);
                }
                Ok(())
            },
            |Place { rows, bytes }| bar.at(rows, bytes),
        )?;
        bar.finish();
        links.settle();
        Ok((links, nominal))
    }

    pub(super) fn persons(&self, truth: &Truth, path: &Path) -> anyhow::Result<Partition> {
        let mut label: Vec<Option<u32>> = vec![None; truth.records()];
        let mut persons = RecordIds::default();
        let mut bar = self.progress("persons", path);
        read_persons(
            path,
            |row| {
                // What the truth does not know cannot be judged.
                let Some(record) = truth.ids.find(row.record) else {
                    return Ok(());
                };
                let person = persons.add(row.person).0;
                if label[record as usize].replace(person).is_some() {
                    let id = String::from_utf8_lossy(row.record);
                    return Err(format!("record {id} is there twice"));
                }
                Ok(())
            },
            |Place { rows, bytes }| bar.at(rows, bytes),
        )?;
        bar.finish();
        Ok(Partition::of_labels(&label, persons.len()))
    }

    pub(super) fn each_record(
        &self,
        paths: &[PathBuf],
        maps: &[String],
        mut each: impl FnMut(files::FileRow) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for path in paths {
            let rows = files::open(path, maps)?;
            let bytes = rows.bytes_read();
            let mut bar = self.progress("records", path);
            let mut count = 0;
            for row in rows {
                match row {
                    Ok(row) => each(row)?,
                    Err(problem) if problem.ends_file => {
                        bail!("{}: {problem}", path.display());
                    }
                    // `import` and `link` say what is wrong with it.
                    Err(_) => {}
                }
                count += 1;
                if count % 4_096 == 0 {
                    bar.at(count, bytes.load(Ordering::Relaxed));
                }
            }
            bar.finish();
        }
        Ok(())
    }

    /// Adds to the pairs what their records say: read again, because only these
    /// few are kept.
    fn pairs(
        &self,
        evaluation: &mut Evaluation,
        (paths, maps): (&[PathBuf], &[String]),
        explainer: &Explainer,
    ) -> anyhow::Result<()> {
        let pairs = evaluation.worst_misses.iter_mut();
        let pairs: Vec<&mut PairToRead> = pairs.chain(&mut evaluation.worst_false_links).collect();
        if pairs.is_empty() || paths.is_empty() {
            return Ok(());
        }
        let mut wanted = RecordIds::default();
        for pair in &pairs {
            wanted.add(pair.record_id_a.as_bytes());
            wanted.add(pair.record_id_b.as_bytes());
        }
        let mut values = vec![None; wanted.len()];
        self.each_record(paths, maps, |row| {
            if let Some(place) = wanted.find(row.record_id.as_bytes()) {
                let shown = readable(row.source.as_deref(), &row.record);
                values[place as usize] = Some((shown, explainer.standard(&row.record)));
            }
            Ok(())
        })?;
        let of = |id: &str| {
            let place = wanted.find(id.as_bytes())?;
            values[place as usize].clone()
        };
        for pair in pairs {
            let both = (of(&pair.record_id_a), of(&pair.record_id_b));
            if let (Some((a, of_a)), Some((b, of_b))) = both {
                pair.records = Some([a, b]);
                pair.explanation = Some(explainer.model.explain(&of_a, &[&of_b]));
            }
        }
        Ok(())
    }
}

fn twice(record: &[u8], line: u32) -> String {
    let id = String::from_utf8_lossy(record);
    format!("record {id} is there twice, first on line {line}")
}
