//! `accord model shadow`: a model that runs beside the one that decides, and what it
//! would have decided.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::LedgerArguments;
use crate::cli::account::password;
use crate::cli::ledger::{access, open_for_models, open_to_follow};
use crate::cli::model_life::model_id;
use crate::flows::{
    NamedPerson, ShadowReport, begin_shadow, catch_up, end_shadow, shadow_report, shadow_some,
};
use crate::matching::ModelId;
use crate::security::{Action, Role};

/// Which model, or what is asked of the one that runs.
#[derive(Debug, Args)]
pub(super) struct ShadowArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The account of who lets it run, or stops it; it has the role engineer, and its
    /// password comes on standard input.
    #[arg(
        long,
        value_name = "NAME",
        requires = "reason",
        required_unless_present = "report"
    )]
    by: Option<String>,
    /// Why, in words.
    #[arg(long, value_name = "TEXT", requires = "by")]
    reason: Option<String>,
    /// Says what it would have decided otherwise.
    #[arg(long, conflicts_with_all = ["model", "stop", "by"])]
    report: bool,
    /// Prints the report as one JSON object.
    #[arg(long, requires = "report")]
    json: bool,
    /// Ends it.
    #[arg(long, conflicts_with = "model")]
    stop: bool,
    /// The model's id. It runs from now on, on every node's service.
    #[arg(value_name = "MODEL", value_parser = model_id, requires = "by",
        required_unless_present_any = ["report", "stop"])]
    model: Option<ModelId>,
}

pub(super) async fn run(arguments: ShadowArguments) -> anyhow::Result<()> {
    if arguments.report {
        return report(&arguments).await;
    }
    let by = NamedPerson {
        name: arguments.by.unwrap_or_default(),
        password: password()?,
    };
    let context = open_for_models(&arguments.ledger).await?;
    let reason = arguments.reason.as_deref().unwrap_or_default();
    if let Some(model) = &arguments.model {
        let begun = begin_shadow(&context, by, model, reason, "model-shadow").await?;
        println!("{} runs in the shadow of {}", begun.model, begun.against);
    } else {
        end_shadow(&context, by, reason, "model-shadow").await?;
        println!("no model runs in the shadow");
    }
    Ok(())
}

/// Where no service follows the ledger, what has come is judged first.
async fn report(arguments: &ShadowArguments) -> anyhow::Result<()> {
    let (context, alone) = open_to_follow(&arguments.ledger).await?;
    if alone {
        catch_up(&context).await?;
        while shadow_some(&context).await? {}
    }
    let reading = access(Action::ReadModel, Role::Engineer, "model-shadow")?;
    let found = shadow_report(&context, &reading).await?;
    if arguments.json {
        println!("{}", as_json(&found));
    } else {
        tell(&found);
    }
    if alone {
        context.store.close().await;
    }
    Ok(())
}

fn as_json(found: &ShadowReport) -> Value {
    let samples = found.samples.iter().map(|sample| {
        let mut value = json!(sample);
        value["record"] = json!(format!("R{}", sample.record));
        value
    });
    json!({
        "model": found.shadow.model,
        "against": found.shadow.against,
        "begun_at": found.shadow.begun_at.to_string(),
        "ended_at": found.shadow.ended_at.map(|at| at.to_string()),
        "judged": found.shadow.judged,
        "dropped": found.shadow.dropped,
        "behind_events": found.behind,
        "counts": found.counts,
        "samples": samples.collect::<Vec<_>>(),
    })
}

fn tell(found: &ShadowReport) {
    let shadow = &found.shadow;
    println!("model {}", shadow.model);
    println!("against {}", shadow.against);
    println!(
        "runs {}",
        if shadow.ended_at.is_none() {
            "yes"
        } else {
            "no"
        }
    );
    println!("judged {}", shadow.judged);
    println!("dropped {}", shadow.dropped);
    println!("behind_events {}", found.behind);
    for count in &found.counts {
        println!(
            "{}\t{}\t{}\t{}",
            count.outcome.name(),
            count.source,
            count.probability,
            count.decisions
        );
    }
    for sample in &found.samples {
        let bits = |bits: Option<f64>| bits.map_or("-".to_owned(), |bits| format!("{bits:.2}"));
        println!(
            "{}\tR{}\t{} -> {} bits",
            sample.outcome.name(),
            sample.record,
            bits(sample.live_bits),
            bits(sample.shadow_bits)
        );
    }
}
