//! `accord model compare`: what another model would make of a ledger's records.

use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open_to_decide};
use crate::cli::model_life::model_id;
use crate::cli::progress::Stages;
use crate::evaluation::regrouping::{Grouped, Grouping, Regrouping, regrouping};
use crate::flows::link_twice;
use crate::matching::ModelId;
use crate::security::{Action, Role};

/// Two models of a ledger.
#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
    /// Sets of persons of each kind to name, by numbers of records.
    #[arg(long, value_name = "N", default_value_t = 5)]
    samples: usize,
    /// No progress.
    #[arg(long)]
    quiet: bool,
    /// The model that the other is held against.
    #[arg(value_name = "MODEL", value_parser = model_id)]
    before: ModelId,
    /// The other.
    #[arg(value_name = "OTHER", value_parser = model_id)]
    after: ModelId,
}

pub(super) async fn run(arguments: CompareArguments) -> anyhow::Result<()> {
    let context = open_to_decide(&arguments.ledger, Use::Existing).await?;
    let access = access(Action::ReadModel, Role::Engineer, "model-compare")?;
    let stages = Stages::new(arguments.quiet);
    let models = [&arguments.before, &arguments.after];
    let linked = link_twice(&context, &access, models, &stages).await?;
    stages.finish();
    let records = Grouping {
        numbers: &linked.numbers,
        sources: &linked.sources,
    };
    let [before, after] = [&linked.before, &linked.after].map(|linked| Grouped {
        persons: &linked.persons,
        certainty: &linked.certainty,
    });
    let found = regrouping(records, before, after, arguments.samples);
    if arguments.json {
        println!("{}", serde_json::to_string(&found)?);
    } else {
        tell(&found);
    }
    Ok(())
}

fn tell(found: &Regrouping) {
    println!("records {}", found.records);
    println!(
        "persons {} -> {}",
        found.persons_before, found.persons_after
    );
    println!("joined {}", found.joined);
    println!("split {}", found.split);
    println!("moved {}", found.moved);
    for row in &found.by {
        println!(
            "{}\t{}\t{}\t{} records",
            row.change.name(),
            row.source,
            row.probability,
            row.records
        );
    }
    for sample in &found.samples {
        let before = words(&sample.before);
        println!(
            "{}\t{before} -> {}",
            sample.change.name(),
            words(&sample.after)
        );
    }
}

/// `R1+R2 R3`: two persons, the first with two records.
fn words(persons: &[Vec<i64>]) -> String {
    let person = |records: &Vec<i64>| {
        let names: Vec<String> = records.iter().map(|number| format!("R{number}")).collect();
        names.join("+")
    };
    persons.iter().map(person).collect::<Vec<_>>().join(" ")
}
