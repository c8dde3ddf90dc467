//! Whether the process lives and whether it can answer. No token, and nothing
//! of patients.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::flows::{Context, index_lag};

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// Events that the index is behind the ledger; answers include them.
    index_lag: i64,
}

/// The process lives.
pub(super) async fn is_alive() -> &'static str {
    "ok"
}

/// The ledger answers; says how far the index lags.
pub(super) async fn is_ready(State(context): State<Context>) -> Response {
    match index_lag(&context).await {
        Ok(index_lag) => Json(Ready {
            status: "ready",
            index_lag,
        })
        .into_response(),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let body = Json(Ready {
                status: "the ledger does not answer",
                index_lag: 0,
            });
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}
