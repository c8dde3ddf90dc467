//! Logs, set up once: to standard error, ids and counts only.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging; `ACCORD_LOG` sets the level in the place of the given one.
pub(super) fn start(level: &str) {
    let filter = EnvFilter::try_from_env("ACCORD_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    // A second start, in a test, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
    // The usual words of a panic can quote what was being read: only its place is told.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location();
        let place = place.map(|place| format!("{}:{}", place.file(), place.line()));
        tracing::error!(place = place.as_deref().unwrap_or("unknown"), "panicked");
    }));
}
