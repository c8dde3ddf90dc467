//! The router is the table of contents of the service.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::flows::Context;
use crate::foundation::limits::BODY_BYTES_MAX;
use crate::interfaces::http::guard::request_id;
use crate::interfaces::http::{Problem, Refused, health};
use crate::interfaces::rest;

/// A request that takes longer is given up; a batch is not.
const REQUEST_SECONDS_MAX: u64 = 120;

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// Where to listen.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// A bound server.
pub struct Served<F> {
    /// Where it listens.
    pub address: SocketAddr,
    /// Runs until told to stop.
    pub run: F,
}

/// Binds, and gives the address and the future that serves until `stop`.
///
/// # Errors
/// The address cannot be bound.
pub async fn serve(
    context: Context,
    options: ServerOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<Served<impl Future<Output = std::io::Result<()>>>> {
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    let run = async move {
        axum::serve(listener, router(context))
            .with_graceful_shutdown(stop)
            .await
    };
    Ok(Served { address, run })
}

fn router(context: Context) -> Router {
    let limit = TimeoutLayer::with_status_code(
        axum::http::StatusCode::SERVICE_UNAVAILABLE,
        Duration::from_secs(REQUEST_SECONDS_MAX),
    );
    // A batch takes as long as its records do: its length is bounded instead.
    let api = rest::routes().layer(limit).merge(rest::batch_routes());
    let (api, document) = OpenApiRouter::default()
        .nest(rest::API_PREFIX, api)
        .split_for_parts();
    let document = Bytes::from(rest::publish(&document));
    api.route("/openapi.json", get(|| async { ([JSON], document) }))
        .route("/healthz", get(health::is_alive))
        .route("/readyz", get(health::is_ready))
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(context.clone(), name_request))
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                tracing::error!("a request broke off; it changed nothing by halves");
                axum::response::IntoResponse::into_response(Problem::new(
                    Refused::Fault,
                    "this request broke off; it is counted and logged",
                    "",
                ))
            },
        ))
        .with_state(context)
}

/// Gives each request an id, so that the guard, the audit, the problem and the
/// log speak of the same one, and says it in the answer.
async fn name_request(
    State(context): State<Context>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers(), &context);
    let value = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("unnamed"));
    request.headers_mut().insert("x-request-id", value.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert("x-request-id", value);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn unknown_path(request: Request) -> Problem {
    Problem::new(
        Refused::NotFound,
        "no such path; the API lives under /api/v1",
        &id_of(&request),
    )
}

async fn method_not_allowed(request: Request) -> Problem {
    let detail = "this path does not take this method";
    Problem::new(Refused::MethodNotAllowed, detail, &id_of(&request))
}

fn id_of(request: &Request) -> String {
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|value| value.to_str().ok());
    id.unwrap_or_default().to_owned()
}
