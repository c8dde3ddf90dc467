//! `accord serve`: the service.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use clap::builder::TypedValueParser as _;

use crate::cli::LedgerArguments;
use crate::cli::hl7;
use crate::cli::ledger::{Use, access, open_to_decide};
use crate::cli::webhook::OutwardArguments;
use crate::flows::{
    Context, DeliveryOptions, FollowerOptions, deliver_webhooks, follow, follow_erasures,
    follow_models, follow_releases, follow_reruns, follow_samples, follow_shadow, keep_counts,
    seal_audit_each_second, watch_ledger,
};
use crate::foundation::limits::{
    MERGES_PER_HOUR_MAX, WEBHOOK_ATTEMPTS_MAX, WEBHOOK_FIRST_WAIT_SECONDS,
};
use crate::foundation::load_limits::{
    CONNECTIONS_MAX, HEADER_SECONDS_MAX, REQUEST_SECONDS_MAX, REQUESTS_IN_WORK_MAX,
};
use crate::interfaces::hl7v2::{Hl7Listeners, Settings};
use crate::interfaces::http::{HttpSettings, Served, ServerLimits, ServerOptions, serve};
use crate::interfaces::oidc::{ClientKey, Proof, Provider, ProviderSettings};
use crate::registry::Survivorship;
use crate::review::ReviewRules;
use crate::security::{Action, Role};

/// Exit code after a second signal.
const STOPPED_AT_ONCE: i32 = 1;

/// Where and what to serve.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Whether /metrics is answered there, without a token (`on` or `off`).
    #[arg(
        long,
        env = "ACCORD_METRICS",
        value_name = "WHETHER",
        default_value = "off"
    )]
    metrics: Switch,
    /// Another address for /metrics, /healthz and /readyz alone.
    #[arg(long, env = "ACCORD_METRICS_LISTEN", value_name = "HOST:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// Address of HL7 v2 over MLLP; port 0 takes a free one. --hl7 says who may speak there.
    #[arg(long, env = "ACCORD_MLLP", value_name = "HOST:PORT", requires = "hl7")]
    mllp: Option<SocketAddr>,
    /// A file of HL7 senders, authorities and listeners (docs/how-to/connect-hl7.md).
    #[arg(long, env = "ACCORD_HL7", value_name = "FILE")]
    hl7: Option<PathBuf>,
    /// A file of HTTP listeners, how strictly each reads FHIR, its TLS, and client
    /// certificates that speak for a source (docs/how-to/connect-fhir.md).
    #[arg(long, env = "ACCORD_HTTP", value_name = "FILE")]
    http: Option<PathBuf>,
    /// A file that says at which OpenID Connect provider people may sign in, and which
    /// claims give which roles (docs/how-to/sign-in-elsewhere.md).
    #[arg(long, env = "ACCORD_OIDC", value_name = "FILE")]
    oidc: Option<PathBuf>,
    #[command(flatten)]
    load: LoadArguments,
    /// A file of survivorship rules: which value a golden record shows. Without
    /// one, those of models/survivorship.toml.
    #[arg(long, env = "ACCORD_SURVIVORSHIP", value_name = "FILE")]
    survivorship: Option<PathBuf>,
    #[command(flatten)]
    outward: OutwardArguments,
    /// Attempts before a message to a webhook is given up.
    #[arg(long, env = "ACCORD_WEBHOOK_ATTEMPTS", value_name = "N",
        default_value_t = WEBHOOK_ATTEMPTS_MAX,
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    webhook_attempts: u32,
    /// Seconds before the second attempt; each later one waits twice as long.
    #[arg(long, env = "ACCORD_WEBHOOK_WAIT_SECONDS", value_name = "N",
        default_value_t = WEBHOOK_FIRST_WAIT_SECONDS,
        value_parser = clap::value_parser!(u64).range(0..=3_600))]
    webhook_wait_seconds: u64,
    /// Hours between two looks for records that their source's retention no longer
    /// allows to keep (0: only `accord erase --expired` erases them).
    #[arg(long, env = "ACCORD_RETENTION_HOURS", value_name = "N", default_value_t = 24,
        value_parser = clap::value_parser!(u64).range(0..=8_784))]
    retention_hours: u64,
    /// Whether the index follows the ledger (`on` or `off`). Off is for tests:
    /// answers stay right and get slower.
    #[arg(long, env = "ACCORD_INDEX_FOLLOWER", default_value = "on", hide = true)]
    index_follower: Switch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

/// How much the service takes; `src/foundation/load_limits.rs` gives reasons.
#[derive(Debug, Args)]
struct LoadArguments {
    /// Open connections; more are told so and closed.
    #[arg(long, env = "ACCORD_CONNECTIONS", value_name = "N", default_value_t = CONNECTIONS_MAX,
        value_parser = from_one())]
    connections: usize,
    /// Requests in work; more are answered 503 at once.
    #[arg(long, env = "ACCORD_REQUESTS_IN_WORK", value_name = "N",
        default_value_t = REQUESTS_IN_WORK_MAX, value_parser = from_one())]
    requests_in_work: usize,
    /// Requests a second of one account; more are answered 429 (0: no bound).
    #[arg(long, env = "ACCORD_RATE_LIMIT", value_name = "N", default_value_t = 0)]
    rate_limit: u32,
    /// Persons that one human may join to others in an hour.
    #[arg(long, env = "ACCORD_MERGES_PER_HOUR", value_name = "N",
        default_value_t = MERGES_PER_HOUR_MAX)]
    merges_per_hour: u32,
    /// Known pairs of made-up people among a hundred questions that a reader is given, so
    /// that it is seen how surely questions are read; 5 at least by RULES R117 (0: none).
    #[arg(long, env = "ACCORD_KNOWN_PAIRS", value_name = "PERCENT", default_value_t = 6,
        value_parser = clap::value_parser!(u32).range(0..=100))]
    known_pairs: u32,
    /// Within how many hours questions should be settled, by place in the queue or kind,
    /// such as `confusion=8`; may be repeated.
    #[arg(
        long,
        env = "ACCORD_DUE",
        value_name = "NAME=HOURS",
        value_delimiter = ','
    )]
    due: Vec<String>,
    /// Seconds for a request that is no batch.
    #[arg(long, env = "ACCORD_REQUEST_SECONDS", value_name = "N",
        default_value_t = REQUEST_SECONDS_MAX, value_parser = seconds())]
    request_seconds: u64,
    /// Seconds for a request's header.
    #[arg(long, env = "ACCORD_HEADER_SECONDS", value_name = "N",
        default_value_t = HEADER_SECONDS_MAX, value_parser = seconds())]
    header_seconds: u64,
}

fn from_one() -> impl clap::builder::TypedValueParser<Value = usize> {
    clap::value_parser!(u32)
        .range(1..=1_000_000)
        .map(|number| number as usize)
}

fn seconds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=3_600)
}

pub(super) async fn run(arguments: ServeArguments) -> anyhow::Result<()> {
    let mut context = open_to_decide(&arguments.ledger, Use::Exclusive).await?;
    context.merges_per_hour = arguments.load.merges_per_hour;
    let mut rules = ReviewRules {
        known_pairs_percent: arguments.load.known_pairs,
        ..ReviewRules::default()
    };
    rules
        .due
        .set(arguments.load.due.iter().map(String::as_str))?;
    context.review = Arc::new(rules);
    if let Some(file) = &arguments.survivorship {
        let named = || format!("cannot use {}", file.display());
        let text = std::fs::read_to_string(file).with_context(named)?;
        context.survivorship = Arc::new(Survivorship::parse(&text).with_context(named)?);
    }
    context.outward = arguments.outward.policy()?;
    let signals = Signals::new()?;
    if !context.store.is_live() {
        eprintln!(
            "this ledger is for demonstration and measurement: NHS numbers in the test range \
             are treated as real (make one with --live for patients)"
        );
    }
    let background = Background {
        follower: FollowerOptions {
            enabled: arguments.index_follower == Switch::On,
        },
        delivery: DeliveryOptions {
            attempts_max: arguments.webhook_attempts,
            first_wait: Duration::from_secs(arguments.webhook_wait_seconds),
        },
        retention: hours(arguments.retention_hours),
    };
    let load = &arguments.load;
    let server = ServerOptions {
        listen: arguments.listen,
        metrics: arguments.metrics == Switch::On,
        watching: arguments.metrics_listen,
        limits: ServerLimits {
            connections: load.connections,
            requests_in_work: load.requests_in_work,
            rate: load.rate_limit,
            request_seconds: load.request_seconds,
            header_seconds: load.header_seconds,
        },
        settings: match &arguments.http {
            Some(file) => http_settings(&context, file).await?,
            None => HttpSettings::default(),
        },
        provider: arguments.oidc.as_deref().map(provider).transpose()?,
    };
    let settings = match &arguments.hl7 {
        Some(file) => Some(hl7::settings(&context, file).await?),
        None => None,
    };
    let notifier = settings.clone().unwrap_or_default();
    let hl7 = match settings {
        Some(settings) => Some(Hl7Listeners::bind(&context, settings, arguments.mllp).await?),
        None => None,
    };
    let doors = Doors {
        server,
        hl7,
        notifier,
    };
    run_service(context, doors, background, signals, |_| Ok(())).await
}

/// What a file says of HTTP.
async fn http_settings(context: &Context, file: &Path) -> anyhow::Result<HttpSettings> {
    let named = || format!("cannot use {}", file.display());
    let text = std::fs::read_to_string(file).with_context(named)?;
    let settings = HttpSettings::parse(&text).with_context(named)?;
    hl7::require_sources(context, file, settings.sources()).await?;
    Ok(settings)
}

/// The provider of a file, with the secret or the key that stands in a file of its own.
fn provider(file: &Path) -> anyhow::Result<Arc<Provider>> {
    let named = || format!("cannot use {}", file.display());
    let text = std::fs::read_to_string(file).with_context(named)?;
    let settings = ProviderSettings::parse(&text).with_context(named)?;
    let beside = |place: &Path| {
        let place = file.parent().unwrap_or(Path::new("")).join(place);
        let text = std::fs::read_to_string(&place);
        text.with_context(|| format!("cannot use {}", place.display()))
    };
    let proof = match (&settings.client_secret_file, &settings.client_key_file) {
        (Some(place), _) => Proof::Secret(beside(place)?.trim().to_owned()),
        (None, Some(place)) => {
            let id = settings.client_key_id.clone();
            let key = ClientKey::parse(&beside(place)?, &settings.client_key_algorithm, id);
            Proof::Key(key.with_context(|| format!("cannot use {}", place.display()))?)
        }
        (None, None) => Proof::None,
    };
    Ok(Arc::new(Provider::new(settings, proof)?))
}

/// Where requests and messages come in.
pub(super) struct Doors {
    pub(super) server: ServerOptions,
    pub(super) hl7: Option<Hl7Listeners>,
    /// Whose ids are whose, for notices to HL7 systems.
    pub(super) notifier: Settings,
}

/// What runs beside the requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Background {
    pub(super) follower: FollowerOptions,
    pub(super) delivery: DeliveryOptions,
    /// How often expired records are erased, if they are.
    pub(super) retention: Option<Duration>,
}

fn hours(hours: u64) -> Option<Duration> {
    (hours > 0).then(|| Duration::from_secs(hours * 3_600))
}

impl Default for Background {
    fn default() -> Self {
        Self {
            follower: FollowerOptions { enabled: true },
            delivery: DeliveryOptions {
                attempts_max: WEBHOOK_ATTEMPTS_MAX,
                first_wait: Duration::from_secs(WEBHOOK_FIRST_WAIT_SECONDS),
            },
            retention: hours(24),
        }
    }
}

/// Serves until the process is told to stop; `ready` is called with the
/// address once requests are answered. Told a second time, it ends at once:
/// what was acknowledged is durable.
pub(super) async fn run_service(
    context: Context,
    doors: Doors,
    options: Background,
    mut signals: Signals,
    ready: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let deciding = access(Action::WriteRecord, Role::Integration, "source-released")?;
    let rejudging = access(Action::WriteRecord, Role::Integration, "model-rerun")?;
    let sampling = access(Action::WriteRecord, Role::Integration, "model-sample")?;
    let erasing = access(Action::EraseRecord, Role::PrivacyOfficer, "retention")?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = serve(context.clone(), doors.server, async {
        let _ = stopped.await;
    })
    .await?;
    let background = [
        tokio::spawn(follow(context.clone(), options.follower)),
        tokio::spawn(follow_releases(context.clone(), deciding)),
        tokio::spawn(watch_ledger(context.clone())),
        tokio::spawn(keep_counts(context.clone())),
        tokio::spawn(follow_models(context.clone())),
        tokio::spawn(follow_reruns(context.clone(), rejudging)),
        tokio::spawn(follow_samples(context.clone(), sampling)),
        tokio::spawn(follow_shadow(context.clone())),
        tokio::spawn(follow_erasures(context.clone(), erasing, options.retention)),
    ];
    let sender = Arc::new(hl7::Readers::of(&context.outward, doors.notifier)?);
    let (deliveries, deliveries_end) = tokio::sync::oneshot::channel::<()>();
    let delivering = {
        let ended = async {
            let _ = deliveries_end.await;
        };
        let context = context.clone();
        tokio::spawn(deliver_webhooks(context, sender, options.delivery, ended))
    };
    let (seals, seals_end) = tokio::sync::oneshot::channel::<()>();
    let sealing = tokio::spawn(seal_audit_each_second(context.clone(), async {
        let _ = seals_end.await;
    }));
    announce(&served, doors.hl7.as_ref())?;
    let running = tokio::spawn(served.run);
    let (hl7_stop, hl7) = start_hl7(doors.hl7);
    ready(served.address)?;
    signals.next().await;
    tracing::info!("stopping: what is in work is finished, nothing more is taken");
    // A service that has ended by itself needs no telling.
    let _ = stop.send(());
    let _ = hl7_stop.send(());
    let finish = async {
        running.await?;
        if let Some(hl7) = hl7 {
            hl7.await?;
        }
        for task in background {
            task.abort();
        }
        drop(deliveries);
        delivering.await?;
        drop(seals);
        sealing.await?;
        context.store.seal_audit(context.clock.now()).await?;
        context.store.close().await;
        anyhow::Ok(())
    };
    tokio::select! {
        finished = finish => finished,
        () = signals.next() => {
            eprintln!("accord: stopped at once");
            std::process::exit(STOPPED_AT_ONCE);
        }
    }
}

/// Lets the listeners of HL7 run until they are told to stop.
fn start_hl7(
    listeners: Option<Hl7Listeners>,
) -> (
    tokio::sync::oneshot::Sender<()>,
    Option<tokio::task::JoinHandle<()>>,
) {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = listeners.map(|listeners| {
        tokio::spawn(listeners.run(async {
            let _ = stopped.await;
        }))
    });
    (stop, running)
}

/// Says where it listens: the address of the API last but for figures, because whoever
/// waits for it finds the others above.
fn announce<F>(served: &Served<F>, hl7: Option<&Hl7Listeners>) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for (address, tls) in hl7.iter().flat_map(|listeners| listeners.addresses()) {
        let line = if tls { "mllps" } else { "mllp" };
        writeln!(out, "hl7 on {line}://{address}")?;
    }
    let scheme = |tls: bool| if tls { "https" } else { "http" };
    for (address, tls) in &served.others {
        writeln!(out, "http beside on {}://{address}", scheme(*tls))?;
    }
    writeln!(
        out,
        "listening on {}://{}",
        scheme(served.tls),
        served.address
    )?;
    if let Some(watching) = served.watching {
        writeln!(out, "metrics on http://{watching}/metrics")?;
    }
    out.flush()?;
    Ok(())
}

/// What tells the process to stop.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    /// Listens from now on: a signal that comes before somebody waits is kept.
    pub(super) fn new() -> anyhow::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen = |kind| signal(kind).context("cannot listen to signals");
            Ok(Self {
                interrupt: listen(SignalKind::interrupt())?,
                terminate: listen(SignalKind::terminate())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
