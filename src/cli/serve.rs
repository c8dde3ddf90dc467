//! `accord serve`: the service.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use clap::Args;

use crate::cli::LedgerArguments;
use crate::cli::ledger::{Use, access, open};
use crate::flows::{Context, FollowerOptions, follow, follow_releases, seal_audit_each_second};
use crate::interfaces::http::{ServerOptions, serve};
use crate::security::{Action, Role};

/// Where and what to serve.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Whether the index follows the ledger (`on` or `off`). Off is for tests:
    /// answers stay right and get slower.
    #[arg(long, env = "ACCORD_INDEX_FOLLOWER", default_value = "on", hide = true)]
    index_follower: Follower,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Follower {
    On,
    Off,
}

pub(super) async fn run(arguments: ServeArguments) -> anyhow::Result<()> {
    let context = open(&arguments.ledger, Use::Exclusive).await?;
    if !context.store.is_live() {
        eprintln!(
            "this ledger is for demonstration and measurement: NHS numbers in the test range \
             are treated as real (make one with --live for patients)"
        );
    }
    let follower = FollowerOptions {
        enabled: arguments.index_follower == Follower::On,
    };
    run_service(context, arguments.listen, follower, |_| Ok(())).await
}

/// Serves until the process is told to stop; `ready` is called with the
/// address once requests are answered.
pub(super) async fn run_service(
    context: Context,
    listen: SocketAddr,
    follower: FollowerOptions,
    ready: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let deciding = access(Action::WriteRecord, Role::Integration, "source-released")?;
    let background = [
        tokio::spawn(follow(context.clone(), follower)),
        tokio::spawn(follow_releases(context.clone(), deciding)),
        tokio::spawn(seal_audit_each_second(context.clone())),
    ];
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = serve(context.clone(), ServerOptions { listen }, async {
        let _ = stopped.await;
    })
    .await
    .with_context(|| format!("cannot listen on {listen}"))?;
    let running = tokio::spawn(served.run);
    let mut out = std::io::stdout();
    writeln!(out, "listening on http://{}", served.address)?;
    out.flush()?;
    ready(served.address)?;
    told_to_stop().await;
    // Requests in flight are answered; new ones are not taken.
    let _ = stop.send(());
    running.await??;
    for task in background {
        task.abort();
    }
    context.store.seal_audit(context.clock.now()).await?;
    context.store.close().await;
    Ok(())
}

async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let kind = tokio::signal::unix::SignalKind::terminate();
        if let Ok(mut terminate) = tokio::signal::unix::signal(kind) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        // Without the other signal, this one has to do.
        let _ = tokio::signal::ctrl_c().await;
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
