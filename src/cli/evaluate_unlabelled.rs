//! `accord evaluate` where nobody knows the truth: the test with hidden NHS
//! numbers (R123) and the negative control (R124). Both change the records, link
//! them with `accord link` in a process of its own, and judge what came out.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::evaluate::{How, Reading};
use crate::cli::evaluate_groups::read_divisions;
use crate::cli::whole_files::read_model;
use crate::evaluation::against::against;
use crate::evaluation::facts::facts;
use crate::evaluation::groups::GroupBook;
use crate::evaluation::unlabelled::{ControlCount, HiddenNumbers, hidden_numbers_answer};
use crate::evaluation::{Evidence, Partition, RecordIds, Truth, evaluate};
use crate::interfaces::files::{FileRow, read_persons};

/// What is tested without a truth.
#[derive(Debug, Args)]
pub(super) struct Unlabelled {
    /// Takes the NHS numbers off these records, links them, and scores the
    /// result against the verified numbers (R123).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["links", "persons", "negative_control"])]
    pub(super) hidden_numbers: Vec<PathBuf>,
    /// Records of people who are known to be absent from --records: links both
    /// together and counts who was found all the same (R124).
    #[arg(long, value_name = "FILE", requires = "records", conflicts_with_all = ["links", "persons"])]
    pub(super) negative_control: Option<PathBuf>,
    /// The share of absent records that may be linked; more is a failure.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001)]
    absent_linked_max: f64,
    /// How `link` decides in these two tests.
    #[arg(long, value_name = "POLICY", default_value = "care")]
    policy: String,
    /// The model of `link` in these two tests, and with a truth where neither links nor
    /// persons are given; without one it trains first.
    #[arg(long, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Another model, such as the active one of a ledger: links the same records by it,
    /// and counts the true pairs that it finds and --model does not.
    #[arg(long, value_name = "FILE", requires = "model", conflicts_with_all = ["links", "persons", "negative_control"])]
    against: Option<PathBuf>,
}

/// A directory for its owner alone, which goes away with this value.
struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    fn make() -> anyhow::Result<Self> {
        let name = format!("accord-evaluate-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        if fs::remove_dir_all(&self.0).is_err() {
            eprintln!("cannot remove {}; it holds records", self.0.display());
        }
    }
}

impl Unlabelled {
    /// Links what was written; the files of the answer are beside it. Gives the model,
    /// where one was named.
    fn link(&self, directory: &PrivateDirectory, quiet: bool) -> anyhow::Result<Value> {
        self.link_by(self.model.as_deref(), directory, quiet)
    }

    fn link_by(
        &self,
        model: Option<&Path>,
        directory: &PrivateDirectory,
        quiet: bool,
    ) -> anyhow::Result<Value> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = Command::new(program);
        command.arg("link").args(["--policy", &self.policy]);
        let mut linked_by = Value::Null;
        if let Some(path) = model {
            command.arg("--model").arg(path);
            linked_by = json!(read_model(path)?.id());
        }
        if quiet {
            command.arg("--quiet");
        }
        command
            .arg("--links")
            .arg(directory.file("links.csv"))
            .arg("--persons")
            .arg(directory.file("persons.csv"))
            .arg(directory.file("records.ndjson"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let status = command.status().context("cannot start `accord link`")?;
        if !status.success() {
            bail!("`accord link` failed; see above");
        }
        Ok(linked_by)
    }

    /// The test with hidden numbers.
    pub(super) fn hide_numbers(
        &self,
        how: &How,
        reading: &Reading,
        (maps, groups): (&[String], Option<&Path>),
    ) -> anyhow::Result<Value> {
        let directory = PrivateDirectory::make()?;
        let mut hidden = HiddenNumbers::default();
        let mut ids: Vec<String> = Vec::new();
        let (mut book, mut sources) = (GroupBook::default(), RecordIds::default());
        let mut writer = Records::create(&directory.file("records.ndjson"))?;
        reading.each_record(&self.hidden_numbers, maps, |mut row| {
            hidden.hide(&mut row.record);
            let code = row.source.as_deref().unwrap_or("not_said");
            let (source, new) = sources.add(code.as_bytes());
            if new {
                book.sources.push(code.to_owned());
            }
            let source = u16::try_from(source).unwrap_or(u16::MAX);
            book.facts.push(Some(facts(&row.record, source)));
            writer.write(&row.record_id, &row)?;
            ids.push(row.record_id);
            Ok(())
        })?;
        writer.finish()?;
        let (mut known, mut numbers) = (RecordIds::default(), RecordIds::default());
        let (mut person, all) = (Vec::new(), std::mem::take(&mut book.facts));
        for ((place, id), facts) in ids.iter().enumerate().zip(all) {
            let Some(number) = hidden.truth(place) else {
                continue;
            };
            if !known.add(id.as_bytes()).1 {
                bail!("record {id} is there twice");
            }
            book.facts.push(facts);
            person.push(numbers.add(&number.to_le_bytes()).0);
        }
        if person.is_empty() {
            bail!("no record has an NHS number that could stand for the truth");
        }
        if let Some(path) = groups {
            book.given = read_divisions(&known, path)?;
        }
        let linked_by = self.link(&directory, reading.quiet)?;
        let truth = Truth::new(known, person, None);
        let (links, nominal) = reading.links_of_known(&truth, &directory.file("links.csv"))?;
        let persons = reading.persons(&truth, &directory.file("persons.csv"))?;
        let evidence = Evidence {
            truth: &truth,
            links: Some((&links, &nominal)),
            persons: Some(&persons),
            candidates: None,
            groups: Some(&book),
        };
        let evaluation = evaluate(&evidence, &how.options()?, &mut |_| {});
        let answer = hidden_numbers_answer(&evaluation, hidden.by(), ids.len() as u64);
        let mut all = evaluation.to_json();
        all["hidden_numbers"] = answer;
        all["linked_by"] = linked_by;
        all["policy"] = json!(self.policy);
        if let Some(against) = self.link_against(&directory, (&truth, &persons), reading)? {
            all["hidden_numbers"]["against"] = against;
        }
        Ok(all)
    }

    /// Links the same records by the other model, where one is named, and says what is
    /// lost and gained.
    fn link_against(
        &self,
        directory: &PrivateDirectory,
        (truth, ours): (&Truth, &Partition),
        reading: &Reading,
    ) -> anyhow::Result<Option<Value>> {
        let Some(other) = &self.against else {
            return Ok(None);
        };
        let model = self.link_by(Some(other), directory, reading.quiet)?;
        let theirs = reading.persons(truth, &directory.file("persons.csv"))?;
        let mut answer = json!(against(truth, ours, &theirs));
        answer["model"] = model;
        Ok(Some(answer))
    }

    /// Links labelled records by the model, where neither links nor persons are given.
    pub(super) fn link_labelled(
        &self,
        records: &[PathBuf],
        reading: &Reading,
        maps: &[String],
    ) -> anyhow::Result<Labelled> {
        let directory = PrivateDirectory::make()?;
        let mut writer = Records::create(&directory.file("records.ndjson"))?;
        let mut count = 0_u64;
        reading.each_record(records, maps, |row| {
            count += 1;
            writer.write(&row.record_id, &row)
        })?;
        writer.finish()?;
        let linked_by = self.link(&directory, reading.quiet)?;
        Ok(Labelled {
            directory,
            linked_by,
            records: count,
        })
    }

    /// What an evaluation of labelled records says beside its figures.
    pub(super) fn tell_labelled(
        &self,
        labelled: &Labelled,
        (truth, ours): (&Truth, &Partition),
        reading: &Reading,
        all: &mut Value,
    ) -> anyhow::Result<()> {
        all["labelled"] = json!({
            "records": labelled.records,
            "records_with_truth": truth.records(),
        });
        all["linked_by"] = labelled.linked_by.clone();
        all["policy"] = json!(self.policy);
        if let Some(against) = self.link_against(&labelled.directory, (truth, ours), reading)? {
            all["labelled"]["against"] = against;
        }
        Ok(())
    }

    /// The negative control.
    pub(super) fn control(
        &self,
        absent: &Path,
        population: &[PathBuf],
        reading: &Reading,
        maps: &[String],
    ) -> anyhow::Result<Value> {
        let directory = PrivateDirectory::make()?;
        let mut writer = Records::create(&directory.file("records.ndjson"))?;
        reading.each_record(population, maps, |row| {
            writer.write(&format!("{PRESENT}{}", row.record_id), &row)
        })?;
        reading.each_record(&[absent.to_owned()], maps, |row| {
            writer.write(&format!("{ABSENT}{}", row.record_id), &row)
        })?;
        writer.finish()?;
        let linked_by = self.link(&directory, reading.quiet)?;
        let mut count = ControlCount::default();
        read_persons(
            &directory.file("persons.csv"),
            |row| {
                count.take(row.person, row.record.starts_with(ABSENT.as_bytes()));
                Ok(())
            },
            |_| {},
        )?;
        let answer = count.answer(self.absent_linked_max);
        let value = json!({
            "negative_control": answer,
            "linked_by": linked_by,
            "policy": self.policy,
        });
        if answer.absent_records == 0 {
            bail!("{}: no record", absent.display());
        }
        if !answer.within_ceiling {
            println!("{value}");
            bail!(
                "{} of {} absent records were linked, more than the share of {} that may be (R124)",
                answer.linked,
                answer.absent_records,
                self.absent_linked_max
            );
        }
        Ok(value)
    }
}

/// Labelled records, linked by a model.
pub(super) struct Labelled {
    directory: PrivateDirectory,
    linked_by: Value,
    records: u64,
}

impl Labelled {
    /// The links that came out.
    pub(super) fn links(&self) -> PathBuf {
        self.directory.file("links.csv")
    }

    /// The persons.
    pub(super) fn persons(&self) -> PathBuf {
        self.directory.file("persons.csv")
    }
}

/// Ids of both sides in one file.
const PRESENT: &str = "present:";
const ABSENT: &str = "absent:";

/// Writes records as NDJSON.
struct Records(BufWriter<fs::File>);

impl Records {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file = fs::File::create(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(BufWriter::new(file)))
    }

    fn write(&mut self, record_id: &str, row: &FileRow) -> anyhow::Result<()> {
        let mut record = serde_json::to_value(&row.record)?;
        record["record_id"] = json!(record_id);
        if let Some(source) = &row.source {
            record["source"] = json!(source);
        }
        writeln!(self.0, "{record}")?;
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.0.flush()?;
        Ok(())
    }
}
