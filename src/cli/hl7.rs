//! HL7 v2: the listeners of the service, and `accord hl7 send`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use crate::flows::{Context, NotTaken, Outward, OutwardMessage};
use crate::interfaces::hl7v2::{Hl7Client, Hl7Notifier, Settings, messages_of};
use crate::interfaces::webhooks::WebhookSender;
use crate::registry::SourceCode;
use crate::security::OutwardPolicy;

/// How long one acknowledgement may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to do with HL7 messages.
#[derive(Debug, Subcommand)]
pub(super) enum Hl7Command {
    /// Sends the messages of a file, one after the other, and prints what comes back.
    Send(SendArguments),
}

/// Messages to send.
#[derive(Debug, Args)]
pub(super) struct SendArguments {
    /// The listener.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
    to: String,
    /// Only the counts, not the answers.
    #[arg(long)]
    quiet: bool,
    /// Messages as text, each from its MSH on, framed or not.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) async fn run(command: Hl7Command) -> anyhow::Result<()> {
    let Hl7Command::Send(arguments) = command;
    let mut client = Hl7Client::connect(&arguments.to, PATIENCE).await;
    let client = client
        .as_mut()
        .map_err(|fault| anyhow::anyhow!("{}: {fault}", arguments.to))?;
    let (mut taken, mut refused) = (0_u64, 0_u64);
    for file in &arguments.files {
        let text =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let messages = messages_of(&text);
        if messages.is_empty() {
            bail!("{} holds no line that begins with MSH", file.display());
        }
        for message in messages {
            let answer = client.exchange(&message).await?;
            let answer = String::from_utf8_lossy(&answer).replace('\r', "\n");
            let accepted = answer
                .lines()
                .any(|line| line.starts_with("MSA|AA") || line.starts_with("MSA|CA"));
            *(if accepted { &mut taken } else { &mut refused }) += 1;
            if !arguments.quiet {
                println!("{answer}");
            }
        }
    }
    println!("accepted {taken}");
    println!("refused {refused}");
    if refused > 0 {
        bail!("not all messages were accepted");
    }
    Ok(())
}

/// What a file of settings says; every source in it must be known.
pub(super) async fn settings(context: &Context, file: &Path) -> anyhow::Result<Settings> {
    let named = || format!("cannot use {}", file.display());
    let text = std::fs::read_to_string(file).with_context(named)?;
    let settings = Settings::parse(&text).with_context(named)?;
    require_sources(context, file, settings.sources()).await?;
    Ok(settings)
}

/// Every source that a file names must be known.
pub(super) async fn require_sources(
    context: &Context,
    file: &Path,
    sources: impl Iterator<Item = &SourceCode>,
) -> anyhow::Result<()> {
    for source in sources {
        if context.store.find_source(source).await?.is_none() {
            bail!(
                "{}: source {source} is not known; add it first: accord source add {source} --name NAME",
                file.display()
            );
        }
    }
    Ok(())
}

/// The ways to readers that are told of events: by the scheme of their addresses.
pub(super) struct Readers {
    web: WebhookSender,
    hl7: Hl7Notifier,
}

impl Readers {
    /// All ways, within the policy.
    pub(super) fn of(policy: &Arc<OutwardPolicy>, settings: Settings) -> anyhow::Result<Self> {
        let web = WebhookSender::new(Arc::clone(policy));
        Ok(Self {
            web: web.context("cannot set up TLS for webhooks")?,
            hl7: Hl7Notifier::new(Arc::clone(policy), settings)?,
        })
    }
}

impl Outward for Readers {
    async fn send(&self, message: &OutwardMessage) -> Result<(), NotTaken> {
        if Hl7Notifier::speaks_to(&message.url) {
            self.hl7.send(message).await
        } else {
            self.web.send(message).await
        }
    }
}
