//! Logs, set up once: to standard error, ids and counts only.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; `ACCORD_LOG` sets the level (default `warn`).
pub(super) fn start() {
    let filter = EnvFilter::try_from_env("ACCORD_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // A second start, in a test, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}
