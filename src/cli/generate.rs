//! `accord generate`: a made-up population as files.

use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::evaluation::generator::{Population, generate};

/// What to make up.
#[derive(Debug, Args)]
pub(super) struct GenerateArguments {
    /// How many persons.
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "print_population",
        value_parser = clap::value_parser!(u32).range(1..=10_000_000)
    )]
    persons: Option<u32>,
    /// The same seed gives the same files.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Rates of a population (default: a made-up English region).
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    /// Directory for records.csv, truth.csv and groups.csv: of which ethnicity (whose names
    /// the family has) and fifth of deprivation (by neighbourhood) each record's person is,
    /// for `accord evaluate --groups`.
    #[arg(long, value_name = "DIR", required_unless_present = "print_population")]
    out: Option<PathBuf>,
    /// Prints a population file to be edited, and makes nothing: region, city or
    /// coast.
    #[arg(
        long,
        value_name = "NAME",
        num_args = 0..=1,
        default_missing_value = "region",
        conflicts_with_all = ["persons", "out", "population"]
    )]
    print_population: Option<String>,
    /// Says nothing of the time that it took.
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(arguments: &GenerateArguments) -> anyhow::Result<()> {
    if let Some(name) = &arguments.print_population {
        let Some(text) = Population::built_in(name) else {
            bail!("there is no population \"{name}\": use region, city or coast");
        };
        print!("{text}");
        return Ok(());
    }
    let population = match &arguments.population {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Population::parse(&text).with_context(|| path.display().to_string())?
        }
        None => Population::default_region(),
    };
    let (persons, out) = match (arguments.persons, &arguments.out) {
        (Some(persons), Some(out)) => (persons as usize, out),
        _ => bail!("use --persons N and --out DIR"),
    };
    let begun = Instant::now();
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let create = |name: &str| {
        let path = out.join(name);
        std::fs::File::create(&path)
            .map(BufWriter::new)
            .with_context(|| format!("cannot write {}", path.display()))
    };
    let region = generate(&population, persons, arguments.seed);
    let written = region.write_with_groups(
        create("records.csv")?,
        create("truth.csv")?,
        create("groups.csv")?,
    )?;
    println!("persons {}", written.persons);
    println!("records {}", written.records);
    if !arguments.quiet {
        let seconds = begun.elapsed().as_secs_f64();
        let rate = written.records as f64 / seconds.max(0.001);
        eprintln!(
            "{} records in {seconds:.1} s: {rate:.0} a second",
            written.records
        );
    }
    Ok(())
}
