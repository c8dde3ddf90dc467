//! The router is the table of contents of the service.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::flows::Context;
use crate::foundation::load_limits::{
    CONNECTIONS_MAX, HEADER_SECONDS_MAX, REQUEST_SECONDS_MAX, REQUESTS_IN_WORK_MAX,
};
use crate::interfaces::http::current::Current;
use crate::interfaces::http::door::Door;
use crate::interfaces::http::exchange::{Doorkeeper, exchange};
use crate::interfaces::http::listener::Listener;
use crate::interfaces::http::origin::Proxies;
use crate::interfaces::http::{HttpSettings, Problem, Refused, health, metrics};
use crate::interfaces::oidc::Provider;
use crate::interfaces::tls::{Line, TlsFault};
use crate::interfaces::{fhir, rest, web};

/// Connections of those who watch: a scraper and a supervisor, twice over.
const WATCHING_CONNECTIONS_MAX: usize = 16;
/// Histograms are brought together this often, asked for or not.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

const JSON: (header::HeaderName, &str) = (header::CONTENT_TYPE, "application/json");

/// Where to listen, and how much to take.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `/metrics` is answered there, to anybody.
    pub metrics: bool,
    /// Another address for `/metrics`, `/healthz` and `/readyz` alone. It
    /// answers until the last request is done.
    pub watching: Option<SocketAddr>,
    /// How much.
    pub limits: ServerLimits,
    /// How listeners behave, those beside the first, and whose certificates are whose.
    pub settings: HttpSettings,
    /// Where people may sign in beside accounts with passwords.
    pub provider: Option<Arc<Provider>>,
}

/// What an operator may set; the other bounds stand in `load_limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Open connections.
    pub connections: usize,
    /// Requests in work.
    pub requests_in_work: usize,
    /// Requests a second of one account; zero for no bound.
    pub rate: u32,
    /// Time for a request that is no batch.
    pub request_seconds: u64,
    /// Time for a header.
    pub header_seconds: u64,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            requests_in_work: REQUESTS_IN_WORK_MAX,
            rate: 0,
            request_seconds: REQUEST_SECONDS_MAX,
            header_seconds: HEADER_SECONDS_MAX,
        }
    }
}

/// A bound server.
pub struct Served<F> {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether by TLS.
    pub tls: bool,
    /// Where it listens beside it, and whether by TLS.
    pub others: Vec<(SocketAddr, bool)>,
    /// Where those who watch may look beside it.
    pub watching: Option<SocketAddr>,
    /// Runs until told to stop.
    pub run: F,
}

/// Why the server cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// An address cannot be had.
    #[error("cannot listen on {0}")]
    Address(SocketAddr, #[source] std::io::Error),
    /// A listener's TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// Figures cannot be kept.
    #[error("metrics cannot be kept")]
    Metrics(#[source] std::io::Error),
}

/// Binds, and gives the addresses and the future that serves until `stop`: it
/// then takes no more, finishes what is in work within a bounded time, and ends.
///
/// # Errors
/// [`ServeFault`].
pub async fn serve(
    context: Context,
    options: ServerOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<Served<impl Future<Output = ()>>, ServeFault> {
    let counted = options.metrics || options.watching.is_some();
    let figures = counted.then(metrics::start).transpose();
    let figures = figures.map_err(|error| ServeFault::Metrics(std::io::Error::other(error)))?;
    let limits = options.limits;
    let listeners = options.settings.listeners_at(options.listen);
    let door = Arc::new(Door::new(limits, options.settings, figures.clone()));
    let keeper = Doorkeeper {
        context,
        door: Arc::clone(&door),
    };
    let header_time = Duration::from_secs(limits.header_seconds);
    let api = router(&keeper, options.metrics, options.provider);
    let mut bound = Vec::with_capacity(listeners.len());
    for (address, settings) in listeners {
        let at = (address, Line::of(settings.tls.as_ref())?);
        let proxies = Proxies(settings.proxies.into());
        let api = api.clone().layer(Extension(settings.fhir));
        let api = api.layer(Extension(proxies));
        let name = if bound.is_empty() {
            "api"
        } else {
            "api_beside"
        };
        let listener = Listener::bind(name, at, api, limits.connections, header_time).await;
        bound.push(listener.map_err(|error| ServeFault::Address(address, error))?);
    }
    let watching = match options.watching {
        Some(address) => {
            let (at, most) = ((address, Line::Plain), WATCHING_CONNECTIONS_MAX);
            let router = watching_router(&keeper);
            let listener = Listener::bind("watching", at, router, most, header_time).await;
            Some(listener.map_err(|error| ServeFault::Address(address, error))?)
        }
        None => None,
    };
    let at = |listener: &Listener| {
        let fault = |error| ServeFault::Address(options.listen, error);
        Ok::<_, ServeFault>((listener.address().map_err(fault)?, listener.is_tls()))
    };
    let mut others = bound.iter().map(at).collect::<Result<Vec<_>, _>>()?;
    let (address, tls) = others.remove(0);
    let watched = watching.as_ref().map(at).transpose()?;
    let run = async move {
        let (done, all_done) = oneshot::channel::<()>();
        let ended = async {
            let _ = all_done.await;
        };
        let watching = watching.map(|watching| tokio::spawn(watching.run(ended)));
        let upkeep = tokio::spawn(keep_up(figures));
        run_all(bound, &door, stop).await;
        drop(done);
        if let Some(watching) = watching {
            // It has nothing to lose.
            let _ = watching.await;
        }
        upkeep.abort();
    };
    Ok(Served {
        address,
        tls,
        others,
        watching: watched.map(|(address, _)| address),
        run,
    })
}

/// Runs all listeners until `stop`, and until each has ended.
async fn run_all(listeners: Vec<Listener>, door: &Arc<Door>, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(());
    let mut running = JoinSet::new();
    for listener in listeners {
        let mut stopped = stopped.clone();
        running.spawn(listener.run(async move {
            let _ = stopped.changed().await;
        }));
    }
    drop(stopped);
    stop.await;
    door.stop();
    let _ = stopping.send(());
    while running.join_next().await.is_some() {}
}

async fn keep_up(figures: Option<PrometheusHandle>) {
    while let Some(figures) = &figures {
        tokio::time::sleep(METRICS_UPKEEP).await;
        figures.run_upkeep();
    }
}

/// For those who watch: no token, nothing of patients.
fn watching_routes(metrics: bool) -> OpenApiRouter<Doorkeeper> {
    let routes = OpenApiRouter::default()
        .routes(routes!(health::is_alive))
        .routes(routes!(health::is_ready));
    if metrics {
        routes.routes(routes!(metrics::show))
    } else {
        routes
    }
}

fn watching_router(keeper: &Doorkeeper) -> Router {
    let routes = Router::from(watching_routes(true));
    guarded(routes.with_state(keeper.clone()), keeper)
}

/// Around every route and every path that is none.
fn guarded(routes: Router, keeper: &Doorkeeper) -> Router {
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(keeper.clone(), exchange))
        .layer(from_fn(fhir::speak))
        .layer(from_fn(web::speak))
}

fn router(keeper: &Doorkeeper, metrics: bool, provider: Option<Arc<Provider>>) -> Router {
    let (api, mut document) = OpenApiRouter::default()
        .nest(rest::API_PREFIX, rest::routes())
        .split_for_parts();
    // Whether they are answered is a setting; what they answer is not.
    document.merge(watching_routes(true).into_openapi());
    let document = Bytes::from(rest::publish(&document));
    let routes = api
        .merge(web::routes(provider))
        .nest(fhir::FHIR_PREFIX, fhir::routes())
        .route(fhir::FHIR_ROOT, fhir::root())
        .with_state(Current(keeper.context.clone()))
        .route("/openapi.json", get(|| async { ([JSON], document) }))
        .merge(Router::from(watching_routes(metrics)).with_state(keeper.clone()));
    guarded(routes, keeper)
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
