//! Whether the process lives and whether it can answer. No token, and nothing
//! of patients.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::{standing, store_figures};
use crate::interfaces::http::exchange::Doorkeeper;

/// Where an answering service stands.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// `ready`.
    status: &'static str,
    /// True.
    ready: bool,
    /// The last event of the ledger.
    #[schema(minimum = 0)]
    position: i64,
    /// Changed records that the index does not know yet; answers include them.
    #[schema(minimum = 0)]
    index_lag: i64,
    /// For how long the oldest of these has waited.
    index_lag_ms: u64,
    /// Whether that is longer than it should be: answers are right and slower.
    lagging: bool,
    /// Commands that wait for the writer.
    queue: usize,
}

/// Why a service does not answer.
#[derive(Serialize, ToSchema)]
struct NotReady {
    /// The first of the reasons.
    status: &'static str,
    /// False.
    ready: bool,
    /// `stopping`, `the ledger does not answer`.
    reasons: Vec<&'static str>,
}

/// Says that the process lives, and nothing else.
#[utoipa::path(get, path = "/healthz", tag = "watching",
    responses((status = 200, description = "`ok`.", body = String, content_type = "text/plain")))]
pub(super) async fn is_alive() -> &'static str {
    "ok"
}

/// Says whether the ledger answers, and how far the index lags.
#[utoipa::path(get, path = "/readyz", tag = "watching",
    responses(
        (status = 200, description = "It answers; an index that lags makes it slower.", body = Ready),
        (status = 503, description = "It does not: send requests elsewhere.", body = NotReady)))]
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
