//! `accord erase`: destroys the values of records (R135). What it prints is the
//! receipt.

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use serde_json::json;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open};
use crate::flows::{ErasureReceipt, catch_up, erase_expired, erase_record, scrub};
use crate::registry::{LocalId, SourceCode};
use crate::security::{Action, Role};

/// What to erase.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["record", "expired"])))]
pub(super) struct EraseArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The record's source.
    #[arg(long, value_name = "CODE", requires = "record")]
    source: Option<String>,
    /// The record's id there.
    #[arg(long, value_name = "LOCAL_ID", requires_all = ["source", "reason"])]
    record: Option<String>,
    /// Why; stands in the audit for good, so without a value of the patient.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Through a running service, such as `http://127.0.0.1:8080`.
    #[arg(long, value_name = "URL", requires = "record")]
    url: Option<String>,
    /// The token of a privacy officer there.
    #[arg(
        long,
        env = "ACCORD_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// All records that their sources' retention no longer allows to keep.
    #[arg(long, conflicts_with = "source")]
    expired: bool,
}

pub(super) async fn run(arguments: EraseArguments) -> anyhow::Result<()> {
    if let Some(url) = &arguments.url {
        return ask(&arguments, url).await;
    }
    // A file is written anew for it, which nobody else may use meanwhile. Nodes on
    // a database purge their own indexes as they follow.
    let alone = arguments.ledger.database.is_none();
    let use_ = if alone { Use::Exclusive } else { Use::Existing };
    let context = open(&arguments.ledger, use_).await?;
    let access = access(Action::EraseRecord, Role::PrivacyOfficer, "erase")?;
    let mut erased = 0;
    if let (Some(source), Some(record)) = (&arguments.source, &arguments.record) {
        let source = SourceCode::parse(source)?;
        let local_id = LocalId::parse(record)?;
        let reason = arguments.reason.as_deref().unwrap_or_default();
        let receipt = erase_record(&context, &access, &source, &local_id, reason).await?;
        print(&receipt);
        erased += 1;
    }
    let mut more = arguments.expired;
    while more {
        let receipts = erase_expired(&context, &access).await?;
        more = receipts.is_some();
        let receipts = receipts.unwrap_or_default();
        erased += receipts.len();
        receipts.iter().for_each(print);
    }
    if alone {
        catch_up(&context).await?;
    }
    scrub(&context).await?;
    let now = context.clock.now();
    context.store.seal_audit(now).await?;
    context.store.close().await;
    eprintln!("erased {erased}; backups made before still hold what was erased");
    Ok(())
}

/// Asks a service, which takes what is left in its files off them by itself.
async fn ask(arguments: &EraseArguments, url: &str) -> anyhow::Result<()> {
    let token = arguments
        .token
        .as_deref()
        .context("a service needs a token: --token TOKEN, or ACCORD_TOKEN in the environment")?;
    let reason = arguments.reason.as_deref().unwrap_or_default();
    let asked = json!({"source": arguments.source, "local_id": arguments.record,
        "reason": reason});
    let client = reqwest::Client::builder()
        .build()
        .context("cannot make an HTTP client")?;
    let answer = client
        .post(format!("{}/api/v1/erasures", url.trim_end_matches('/')))
        .bearer_auth(token)
        .header("accord-reason", reason)
        .json(&asked)
        .send()
        .await
        .with_context(|| format!("cannot reach {url}"))?;
    let status = answer.status();
    let body: serde_json::Value = answer
        .json()
        .await
        .context("the service's answer is no JSON")?;
    if !status.is_success() {
        let detail = body["detail"].as_str().unwrap_or("nothing said");
        bail!("the service answered {status}: {detail}");
    }
    println!("{body}");
    eprintln!("erased 1; backups made before still hold what was erased");
    Ok(())
}

fn print(receipt: &ErasureReceipt) {
    let receipt = json!({
        "source": receipt.source.as_str(),
        "local_id": receipt.local_id.as_str(),
        "record": receipt.record.0,
        "digests": receipt.digests,
        "erased_at": receipt.erased_at.to_string(),
        "by": receipt.by,
        "reason": receipt.reason,
        "position": receipt.position.0,
    });
    println!("{receipt}");
}
