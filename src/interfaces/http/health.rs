//! Whether the process lives and whether it can answer. No token, and nothing
//! of patients.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::flows::{standing, store_figures};
use crate::interfaces::http::exchange::Doorkeeper;

/// Where an answering service stands.
#[derive(Serialize)]
struct Ready {
    status: &'static str,
    ready: bool,
    /// The last event of the ledger.
    position: i64,
    /// Events that the index is behind the ledger; answers include them.
    index_lag: i64,
    /// For how long the oldest of these has waited.
    index_lag_ms: u64,
    /// Whether that is longer than it should be: answers are right and slower.
    lagging: bool,
    /// Commands that wait for the writer.
    queue: usize,
}

#[derive(Serialize)]
struct NotReady {
    status: &'static str,
    ready: bool,
    reasons: Vec<&'static str>,
}

/// The process lives.
pub(super) async fn is_alive() -> &'static str {
    "ok"
}

/// The ledger answers; says how far the index lags.
pub(super) async fn is_ready(State(keeper): State<Doorkeeper>) -> Response {
    let mut reasons = Vec::new();
    if keeper.door.is_stopping() {
        reasons.push("stopping");
    }
    let answered = standing(&keeper.context).await;
    if let Err(error) = &answered {
        tracing::error!(%error, "not ready");
        reasons.push("the ledger does not answer");
    }
    match answered {
        Ok(standing) if reasons.is_empty() => Json(Ready {
            status: "ready",
            ready: true,
            position: standing.position.0,
            index_lag: standing.index_lag,
            index_lag_ms: standing.index_lag_ms,
            lagging: standing.lagging,
            queue: store_figures(&keeper.context).waiting,
        })
        .into_response(),
        _ => {
            let body = Json(NotReady {
                status: reasons.first().copied().unwrap_or_default(),
                ready: false,
                reasons,
            });
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
