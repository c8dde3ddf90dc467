//! `accord webhook`: readers that are told of events.

use std::sync::Arc;

use clap::{Args, Subcommand};

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open};
use crate::flows::{NewWebhook, add_webhook, list_webhooks, remove_webhook};
use crate::foundation::WebhookId;
use crate::foundation::limits::WEBHOOK_EVENTS_MAX;
use crate::security::{Action, OutwardPolicy, Role};
use crate::storage::FeedPlace;

/// Where messages to readers may go; nowhere unless set.
#[derive(Debug, Args)]
pub(super) struct OutwardArguments {
    /// Hosts that webhooks may go to, with commas: `hooks.example.org`,
    /// `*.example.org`, `http://10.0.0.7:9000`, `mllp://10.0.0.7:6661`,
    /// `mllps://engine.example.org:6661`. Without a scheme it is https.
    #[arg(
        long,
        env = "ACCORD_WEBHOOK_HOSTS",
        value_name = "HOSTS",
        default_value = ""
    )]
    webhook_hosts: String,
    /// Whether they may have addresses of private networks (`on` or `off`).
    #[arg(
        long,
        env = "ACCORD_WEBHOOK_PRIVATE",
        value_name = "WHETHER",
        default_value = "off",
        value_parser = ["on", "off"]
    )]
    webhook_private: String,
}

impl OutwardArguments {
    pub(super) fn policy(&self) -> anyhow::Result<Arc<OutwardPolicy>> {
        let private = self.webhook_private == "on";
        Ok(Arc::new(OutwardPolicy::parse(
            &self.webhook_hosts,
            private,
        )?))
    }
}

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
pub(super) enum WebhookCommand {
    /// Adds a webhook and prints its id and its secret, which is shown this once.
    Add(AddArguments),
    /// Lists the webhooks and how far each has been told.
    List(ListArguments),
    /// Removes a webhook with what it did not take.
    Remove(RemoveArguments),
}

/// A reader to be.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Where to.
    url: String,
    /// The account that is told, as the audit will show it.
    #[arg(long, value_name = "NAME")]
    actor: String,
    /// A source whose records and persons it is told of (default: all); may be
    /// repeated.
    #[arg(long = "source", value_name = "CODE")]
    sources: Vec<String>,
    /// Begin with the first event of the ledger instead of the next.
    #[arg(long)]
    from_the_beginning: bool,
    #[command(flatten)]
    outward: OutwardArguments,
}

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
}

/// A webhook.
#[derive(Debug, Args)]
pub(super) struct RemoveArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Its id.
    webhook: String,
}

pub(super) async fn run(command: WebhookCommand) -> anyhow::Result<()> {
    match command {
        WebhookCommand::Add(arguments) => add(arguments).await,
        WebhookCommand::List(arguments) => list(arguments).await,
        WebhookCommand::Remove(arguments) => remove(arguments).await,
    }
}

async fn add(arguments: AddArguments) -> anyhow::Result<()> {
    let mut context = open(&arguments.ledger, Use::Shared).await?;
    context.outward = arguments.outward.policy()?;
    let access = access(Action::ManageWebhook, Role::Administrator, "webhook-add")?;
    let beginning = arguments.from_the_beginning;
    let beginning = beginning.then(|| context.store.place_text(FeedPlace::default()));
    let new = NewWebhook {
        url: arguments.url,
        actor: arguments.actor,
        sources: arguments.sources,
        kinds: Vec::new(),
        events_per_message: WEBHOOK_EVENTS_MAX,
        after: beginning,
    };
    let (made, secret) = add_webhook(&context, &access, new).await?;
    println!("{}", made.webhook.id);
    println!("{}", secret.reveal());
    Ok(())
}

async fn list(arguments: ListArguments) -> anyhow::Result<()> {
    let context = open(&arguments.ledger, Use::Shared).await?;
    let access = access(Action::ManageWebhook, Role::Administrator, "webhook-list")?;
    for answer in list_webhooks(&context, &access).await? {
        let webhook = answer.webhook;
        let failing = webhook.failed_because.map_or_else(String::new, |because| {
            format!("\tfailed {} times: {because}", webhook.attempts)
        });
        println!(
            "{}\t{}\t{}\t{} dead letters{failing}",
            webhook.id, webhook.actor, webhook.url, answer.dead_letters
        );
    }
    Ok(())
}

async fn remove(arguments: RemoveArguments) -> anyhow::Result<()> {
    let id: WebhookId = arguments.webhook.parse()?;
    let context = open(&arguments.ledger, Use::Shared).await?;
    let access = access(Action::ManageWebhook, Role::Administrator, "webhook-remove")?;
    Ok(remove_webhook(&context, &access, id).await?)
}
