//! `accord export`: what the ledger says now, in the formats of DESIGN §6.1.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open};
use crate::flows::{export_labels, export_links, export_persons};
use crate::registry::{LocalId, SourceCode};
use crate::security::{Action, Role};

/// What to write where.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Writes `record_id,person_id,probability` for every active record.
    #[arg(long, value_name = "FILE")]
    persons: Option<PathBuf>,
    /// Writes `record_id_a,record_id_b,weight_bits,probability` for every pair
    /// of records of one person.
    #[arg(long, value_name = "FILE")]
    links: Option<PathBuf>,
    /// Writes `record_id_a,record_id_b,label,reads,decided_at` for every pair that
    /// people have decided, for `train --labels`; `reads` above 1 says that more
    /// than one person has read it.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Names records as `source:local_id`.
    #[arg(long)]
    qualify: bool,
}

pub(super) async fn run(arguments: ExportArguments) -> anyhow::Result<()> {
    let files = [&arguments.persons, &arguments.links, &arguments.labels];
    if files.iter().all(|file| file.is_none()) {
        bail!("nothing to write: use --persons FILE, --links FILE or --labels FILE");
    }
    let context = open(&arguments.ledger, Use::Existing).await?;
    // The rows hold ids alone; who took them stands in the audit all the same.
    let read = access(Action::ReadPerson, Role::Integration, "export")?;
    let audit = read.audit(context.clock.now(), Vec::new(), Some("export".to_owned()));
    context.store.append_audit(vec![audit]).await?;
    let name = |source: &SourceCode, local_id: &LocalId| {
        if arguments.qualify {
            format!("{source}:{local_id}")
        } else {
            local_id.to_string()
        }
    };
    if let Some(path) = &arguments.persons {
        let mut writer = writer(path, &["record_id", "person_id", "probability"])?;
        let records = export_persons(&context).await?;
        for record in &records {
            writer.write_record([
                name(&record.source, &record.local_id),
                record.person.to_string(),
                format!("{:.6}", record.probability),
            ])?;
        }
        writer.flush()?;
        eprintln!("{} records written to {}", records.len(), path.display());
    }
    if let Some(path) = &arguments.links {
        let header = ["record_id_a", "record_id_b", "weight_bits", "probability"];
        let mut writer = writer(path, &header)?;
        let links = export_links(&context).await?;
        for link in &links {
            writer.write_record([
                name(&link.one.0, &link.one.1),
                name(&link.other.0, &link.other.1),
                format!("{:.6}", link.weight_bits),
                format!("{:.6}", link.probability),
            ])?;
        }
        writer.flush()?;
        eprintln!("{} links written to {}", links.len(), path.display());
    }
    if let Some(path) = &arguments.labels {
        let header = ["record_id_a", "record_id_b", "label", "reads", "decided_at"];
        let mut writer = writer(path, &header)?;
        let labels = export_labels(&context).await?;
        for label in &labels {
            writer.write_record([
                name(&label.one.0, &label.one.1),
                name(&label.other.0, &label.other.1),
                if label.same { "same" } else { "different" }.to_owned(),
                label.reads.to_string(),
                label.decided_at.to_string(),
            ])?;
        }
        writer.flush()?;
        eprintln!("{} labels written to {}", labels.len(), path.display());
    }
    Ok(())
}

fn writer(path: &std::path::Path, header: &[&str]) -> anyhow::Result<csv::Writer<std::fs::File>> {
    let mut writer =
        csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    writer.write_record(header)?;
    Ok(writer)
}
