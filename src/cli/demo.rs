//! `accord demo`: makes up a region, takes it in through the ledger, serves it
//! on loopback and prints what to try.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::demo_questions::{User, make_users, raise_questions};
use crate::cli::import::{ImportArguments, Imported, import_files};
use crate::cli::ledger::{Use, access, open_to_decide};
use crate::cli::serve::{Background, Doors, Signals, run_service};
use crate::evaluation::generator::{GeneratedRecord, Population, generate};
use crate::flows::{
    Context, NewToken, TaskFilter, TaskStanding, add_source, catch_up, create_token,
    export_persons, list_tasks,
};
use crate::identity::NumberStatus;
use crate::interfaces::hl7v2::Settings;
use crate::interfaces::http::{HttpSettings, ServerLimits, ServerOptions};
use crate::registry::{Source, SourceCode};
use crate::review::ReviewRules;
use crate::security::{Action, ActorKind, Role};

/// The region.
#[derive(Debug, Args)]
pub(super) struct DemoArguments {
    /// Data directory; made and filled on first use, then served as it is.
    #[arg(long, value_name = "DIR", default_value = "./accord-demo")]
    data: PathBuf,
    /// How many made-up persons.
    #[arg(long, value_name = "N", default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    persons: u32,
    /// The same seed gives the same region.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Address and port on loopback.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Known pairs among a hundred questions that a reader is given (0: none).
    #[arg(long, env = "ACCORD_KNOWN_PAIRS", value_name = "PERCENT", default_value_t = 6,
        value_parser = clap::value_parser!(u32).range(0..=100))]
    known_pairs: u32,
    /// No progress.
    #[arg(long)]
    quiet: bool,
}

pub(super) async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    if !arguments.listen.ip().is_loopback() {
        bail!("the demonstration listens on loopback only, such as 127.0.0.1:8080");
    }
    refuse_a_ledger_of_others(&arguments.data)?;
    let ledger = LedgerArguments {
        data: arguments.data.clone(),
        database: None,
        live: false,
    };
    let mut context = open_to_decide(&ledger, Use::Exclusive).await?;
    context.review = Arc::new(ReviewRules {
        known_pairs_percent: arguments.known_pairs,
        ..ReviewRules::default()
    });
    let population = Population::default_region();
    let region = generate(&population, arguments.persons as usize, arguments.seed);
    let done = arguments.data.join("demo-complete");
    if done.exists() {
        eprintln!("{} holds the region already", arguments.data.display());
    } else {
        fill(&context, &arguments, &ledger, &region).await?;
        raise_questions(&context).await?;
        catch_up(&context).await?;
        std::fs::write(&done, b"").context("cannot mark the region as complete")?;
    }
    let shown = Shown::find(&context, region.records()).await?;
    let tokens = Tokens::make(&context).await?;
    let users = make_users(&context).await?;
    let background = Background::default();
    let server = ServerOptions {
        listen: arguments.listen,
        metrics: true,
        watching: None,
        limits: ServerLimits::default(),
        settings: HttpSettings::default(),
        provider: None,
    };
    run_service(
        context,
        Doors {
            server,
            hl7: None,
            notifier: Settings::default(),
        },
        background,
        Signals::new()?,
        move |address| {
            eprintln!("{}", shown.text(address, &tokens));
            print_users(address, &users);
            Ok(())
        },
    )
    .await
}

/// Whoever starts the demonstration signs in with these; they are of this run.
fn print_users(address: SocketAddr, users: &[User]) {
    println!("The review desk: http://{address}/ (sign in with any of these)\n");
    for user in users {
        println!("{}", user.line());
    }
}

/// A file that says that the directory was made for the demonstration.
const MARK: &str = "demo-directory";

/// Made-up patients never go into a ledger that was made for something else.
fn refuse_a_ledger_of_others(data: &Path) -> anyhow::Result<()> {
    let mark = data.join(MARK);
    if data.join("accord.db").exists() && !mark.exists() {
        bail!(
            "{} holds a ledger that was not made for the demonstration; use --data DIR with \
             another directory",
            data.display()
        );
    }
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    std::fs::write(mark, b"").context("cannot mark the directory")?;
    Ok(())
}

async fn fill(
    context: &Context,
    arguments: &DemoArguments,
    ledger: &LedgerArguments,
    region: &crate::evaluation::generator::Region,
) -> anyhow::Result<()> {
    let write = access(Action::WriteSource, Role::Administrator, "demo")?;
    for source in region.sources() {
        let source = Source {
            code: SourceCode::parse(&source.code)?,
            name: source.name,
            ods_code: Some(source.ods_code),
            authority: None,
            trust: 50,
            number_status_default: NumberStatus::NotTraced,
            acts_for_people: false,
            retention_days: None,
        };
        add_source(context, &write, source).await?;
    }
    let file = arguments.data.join("region.csv");
    let records = std::fs::File::create(&file).context("cannot write the region")?;
    region.write_records(std::io::BufWriter::new(records))?;
    let import = ImportArguments {
        ledger: ledger.clone(),
        source: None,
        maps: Vec::new(),
        url: None,
        token: None,
        by_message: false,
        quiet: arguments.quiet,
        files: vec![file.clone()],
    };
    let Imported {
        rows,
        linked,
        persons,
        tasks,
        ..
    } = import_files(context, &import).await?;
    catch_up(context).await?;
    std::fs::remove_file(&file).context("cannot remove the region's file")?;
    eprintln!(
        "{rows} records: {persons} new persons, {linked} linked, {tasks} questions for people"
    );
    Ok(())
}

struct Tokens {
    rows: Vec<(&'static str, String)>,
}

impl Tokens {
    async fn make(context: &Context) -> anyhow::Result<Self> {
        let mut rows = Vec::new();
        for (name, kind, role) in [
            ("integration", ActorKind::System, Role::Integration),
            ("clinician", ActorKind::Person, Role::Clinician),
            ("steward", ActorKind::Person, Role::Steward),
            ("approver", ActorKind::Person, Role::Approver),
            ("auditor", ActorKind::Person, Role::Auditor),
            ("administrator", ActorKind::Person, Role::Administrator),
        ] {
            let actor = format!("demo-{name}");
            let new = NewToken {
                actor,
                kind,
                roles: vec![role],
                sources: Vec::new(),
            };
            rows.push((name, create_token(context, new).await?));
        }
        Ok(Self { rows })
    }

    fn of(&self, role: &str) -> &str {
        self.rows
            .iter()
            .find(|(name, _)| *name == role)
            .map_or("", |(_, token)| token)
    }
}

/// Records that show something worth seeing.
struct Shown {
    local: (String, String),
    misspelt: serde_json::Value,
    task: Option<String>,
}

impl Shown {
    /// A record whose person has several, a patient to misspell, and the
    /// weightiest open question.
    async fn find(
        context: &Context,
        mut records: impl Iterator<Item = GeneratedRecord>,
    ) -> anyhow::Result<Self> {
        let mut members = std::collections::BTreeMap::<_, Vec<_>>::new();
        for row in export_persons(context).await? {
            members
                .entry(row.person)
                .or_default()
                .push((row.source, row.local_id));
        }
        let most = members
            .into_values()
            .max_by_key(Vec::len)
            .unwrap_or_default();
        let local = most
            .first()
            .map(|(source, local_id)| (source.to_string(), local_id.to_string()))
            .unwrap_or_default();
        let patient = records
            .find(|record| {
                record.given_name.len() > 5
                    && record.given_name.is_ascii()
                    && record.family_name.len() > 5
                    && !record.postcode.is_empty()
                    && !record.phone.is_empty()
                    && record.middle_name.is_empty()
                    && record.date_of_birth.len() == 10
            })
            .unwrap_or_default();
        let misspelt = serde_json::json!({
            "given_names": [misspell(&patient.given_name)],
            "family_name": patient.family_name,
            "birth_date": patient.date_of_birth,
            "phones": [patient.phone],
            "addresses": [{"postcode": patient.postcode}],
        });
        let read = access(Action::ReadTask, Role::Steward, "demo")?;
        let filter = TaskFilter {
            standing: Some(TaskStanding::Open),
            limit: 200,
            ..TaskFilter::default()
        };
        let tasks = list_tasks(context, &read, filter).await?;
        let weightiest = tasks.tasks.iter().max_by(|a, b| {
            let bits = |weight: Option<f64>| weight.unwrap_or(f64::MIN);
            bits(a.state.weight_bits).total_cmp(&bits(b.state.weight_bits))
        });
        Ok(Self {
            local,
            misspelt,
            task: weightiest.map(|task| task.id.to_string()),
        })
    }

    fn text(&self, address: SocketAddr, tokens: &Tokens) -> String {
        let base = format!("http://{address}/api/v1");
        let (source, local_id) = &self.local;
        let mut lines = vec![
            String::new(),
            "Tokens by role, made anew at each start:".to_owned(),
        ];
        for (name, token) in &tokens.rows {
            lines.push(format!("  {name:14} {token}"));
        }
        let integration = tokens.of("integration");
        let steward = tokens.of("steward");
        lines.push("\nWho is this local id, and what is it called elsewhere?\n".to_owned());
        lines.push(format!(
            "  curl -s -H 'Authorization: Bearer {integration}' \\\n    \
             '{base}/sources/{source}/records/{local_id}/person'"
        ));
        lines.push("\nA misspelt patient: who may it be, and why?\n".to_owned());
        lines.push(format!(
            "  curl -s -H 'Authorization: Bearer {integration}' \\\n    \
             -H 'Content-Type: application/json' \\\n    -d '{}' '{base}/match'",
            self.misspelt
        ));
        lines.push("\nA question that a human has to decide:\n".to_owned());
        let task = match &self.task {
            Some(task) => format!("{base}/review/tasks/{task}"),
            None => format!("{base}/review/tasks?state=open"),
        };
        lines.push(format!(
            "  curl -s -H 'Authorization: Bearer {steward}' \\\n    \
             -H 'Accord-Reason: looking around' '{task}'\n"
        ));
        lines.join("\n")
    }
}

/// Exchanges two letters inside the name, as a hurried hand does.
fn misspell(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() > 3 {
        letters.swap(1, 2);
    }
    letters.into_iter().collect()
}
