//! `accord generate`: a made-up population as files.

use std::io::BufWriter;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::evaluation::generator::{Population, generate};

/// What to make up.
#[derive(Debug, Args)]
pub(super) struct GenerateArguments {
    /// How many persons.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    persons: u32,
    /// The same seed gives the same files.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Rates of a population (default: a made-up English region).
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    /// Directory for records.csv and truth.csv.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(arguments: &GenerateArguments) -> anyhow::Result<()> {
    let population = match &arguments.population {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Population::parse(&text).with_context(|| path.display().to_string())?
        }
        None => Population::default_region(),
    };
    let region = generate(&population, arguments.persons as usize, arguments.seed);
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let create = |name: &str| {
        let path = arguments.out.join(name);
        std::fs::File::create(&path)
            .map(BufWriter::new)
            .with_context(|| format!("cannot write {}", path.display()))
    };
    let written = region.write(create("records.csv")?, create("truth.csv")?)?;
    println!("persons {}", written.persons);
    println!("records {}", written.records);
    Ok(())
}
