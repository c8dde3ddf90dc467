//! What every request goes through: its id, the bounds, one line in the log and
//! its figures, however it ends. Paths, queries and bodies never reach the log:
//! a path may hold a local id that names a patient.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;

use crate::flows::Context;
use crate::foundation::load_limits::{HEADER_BYTES_MAX, HEADERS_MAX, URI_CHARACTERS_MAX};
use crate::interfaces::fhir::takes_many;
use crate::interfaces::http::door::{AtTheDoor, Door};
use crate::interfaces::http::guard::request_id;
use crate::interfaces::http::origin::origin_of;
use crate::interfaces::http::timed_body::TimedBody;
use crate::interfaces::http::{Problem, Refused};

/// How routes are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// Counted and bounded.
    Request,
    /// The same, beside the requests and as long as its records take.
    Batch,
    /// Always answered: who watches must see that there is too much.
    Watching,
}

/// One request, until it is answered or its caller goes away.
struct Exchange {
    id: String,
    trace: Option<String>,
    method: &'static str,
    route: Option<MatchedPath>,
    account: Arc<OnceLock<String>>,
    started: Instant,
    treatment: Treatment,
    told: bool,
}

/// The state of this layer.
#[derive(Clone)]
pub(super) struct Doorkeeper {
    pub(super) context: Context,
    pub(super) door: Arc<Door>,
}

/// Takes a request in, lets it be answered, and says how it went.
pub(super) async fn exchange(
    State(keeper): State<Doorkeeper>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut exchange = Exchange::of(&request, &keeper.context);
    let value = HeaderValue::from_str(&exchange.id).unwrap_or(HeaderValue::from_static("unnamed"));
    request.headers_mut().insert("x-request-id", value.clone());
    let mut response = exchange.answer(&keeper.door, request, next).await;
    let headers = response.headers_mut();
    headers.insert("x-request-id", value);
    // Only what is in the binary says otherwise.
    let kept = headers.entry(header::CACHE_CONTROL);
    kept.or_insert(HeaderValue::from_static("no-store"));
    exchange.tell(Some(response.status()));
    response
}

impl Exchange {
    fn of(request: &Request, context: &Context) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let treatment = match route.as_ref().map_or("", MatchedPath::as_str) {
            "/healthz" | "/readyz" | "/metrics" => Treatment::Watching,
            path if path.ends_with("/batch") || takes_many(path) => Treatment::Batch,
            _ => Treatment::Request,
        };
        Self {
            id: request_id(request.headers(), context),
            trace: trace_id(request.headers()),
            method: method_name(request.method()),
            route,
            account: Arc::default(),
            started: Instant::now(),
            treatment,
            told: false,
        }
    }

    async fn answer(&self, door: &Arc<Door>, request: Request, next: Next) -> Response {
        if let Some(problem) = self.too_large(&request) {
            return problem.into_response();
        }
        if self.treatment == Treatment::Watching {
            return self.unless_it_breaks(next.run(request)).await;
        }
        let Some(_place) = door.enter(self.treatment == Treatment::Batch) else {
            metrics::counter!("accord_requests_shed_total").increment(1);
            let detail = "too much is in work; send the same request again in a moment";
            return self.problem(Refused::Unavailable, detail);
        };
        let origin = origin_of(&request, format!("{} {}", self.method, self.route()));
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(origin);
        let asks_first = parts.headers.contains_key(header::EXPECT);
        let (body, late) = TimedBody::over(body, asks_first);
        parts.extensions.insert(AtTheDoor {
            door: Arc::clone(door),
            account: Arc::clone(&self.account),
        });
        let answering = self.unless_it_breaks(next.run(Request::from_parts(parts, body)));
        let time = Duration::from_secs(door.limits.request_seconds);
        let answered = match self.treatment {
            // Its length is bounded instead.
            Treatment::Batch => Some(answering.await),
            _ => tokio::time::timeout(time, answering).await.ok(),
        };
        if late.is_late() {
            let detail = "the body came too slowly";
            return self.problem(Refused::TooSlow, detail);
        }
        answered.unwrap_or_else(|| {
            let detail = "this took too long; what was already handed to the ledger is still \
                          written, and the same request again says what became of it";
            self.problem(Refused::Unavailable, detail)
        })
    }

    /// A panic is this request's alone.
    async fn unless_it_breaks(&self, answering: impl Future<Output = Response>) -> Response {
        let answered = AssertUnwindSafe(answering).catch_unwind().await;
        answered.unwrap_or_else(|_| {
            tracing::error!(request_id = self.id, "a request broke off");
            let detail = "this request broke off; it is counted and logged";
            self.problem(Refused::Fault, detail)
        })
    }

    /// The pattern of the path, which holds nothing that was sent.
    fn route(&self) -> &str {
        self.route.as_ref().map_or("unmatched", MatchedPath::as_str)
    }

    fn too_large(&self, request: &Request) -> Option<Problem> {
        let uri = request.uri();
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        if path.len() > URI_CHARACTERS_MAX {
            let detail = format!("a path may have {URI_CHARACTERS_MAX} characters at most");
            return Some(Problem::new(Refused::UriTooLong, detail, &self.id));
        }
        let headers = request.headers();
        let bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        (headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX).then(|| {
            let detail = format!(
                "a request may have {HEADERS_MAX} headers with {HEADER_BYTES_MAX} bytes at most"
            );
            Problem::new(Refused::HeadersTooLarge, detail, &self.id)
        })
    }

    fn problem(&self, refused: Refused, detail: &str) -> Response {
        Problem::new(refused, detail, &self.id).into_response()
    }

    /// Logs and counts; without a status the caller went away.
    fn tell(&mut self, status: Option<StatusCode>) {
        self.told = true;
        let took = self.started.elapsed();
        let route = self.route();
        let class = status.map_or("gone", |status| class(status));
        let labels = [
            ("route", route.to_owned()),
            ("method", self.method.to_owned()),
            ("status", class.to_owned()),
        ];
        metrics::counter!("accord_http_requests_total", &labels).increment(1);
        metrics::histogram!("accord_http_request_seconds", "route" => route.to_owned())
            .record(took.as_secs_f64());
        if self.treatment == Treatment::Watching {
            return;
        }
        tracing::info!(
            target: "accord::request",
            request_id = self.id,
            trace_id = self.trace.as_deref(),
            method = self.method,
            route,
            status = status.map_or(0, |status| status.as_u16()),
            milliseconds = (took.as_secs_f64() * 1e5).round() / 1e2,
            account = self.account.get().map(String::as_str),
            "{}",
            if status.is_some() { "answered" } else { "the caller went away" },
        );
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.told {
            self.tell(None);
        }
    }
}

const fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// Only methods that are known: any word may stand there.
fn method_name(method: &Method) -> &'static str {
    let known = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::DELETE, "DELETE"),
        (Method::PATCH, "PATCH"),
        (Method::HEAD, "HEAD"),
        (Method::OPTIONS, "OPTIONS"),
    ];
    let found = known.iter().find(|(known, _)| known == method);
    found.map_or("OTHER", |(_, name)| name)
}

/// The trace that the request is part of (W3C Trace Context, level 1).
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = sent.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let sound = hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && hex(parent, 16)
        && hex(flags, 2)
        && (version != "00" || parts.next().is_none());
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    (sound && !zero(trace) && !zero(parent)).then(|| trace.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::{method_name, trace_id};

    fn sent(text: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(text));
        trace_id(&headers)
    }

    /// The examples of the standard, and what it forbids.
    #[test]
    fn a_trace_is_taken_only_when_it_is_well_formed() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(sent(good).as_deref(), Some(trace));
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future";
        assert_eq!(sent(later).as_deref(), Some(trace));
        let bad = [
            "",
            "00-Canaryfamily-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        ];
        for text in bad {
            assert_eq!(sent(text), None, "{text}");
        }
    }

    #[test]
    fn a_word_in_the_place_of_a_method_is_not_repeated() {
        assert_eq!(method_name(&Method::PUT), "PUT");
        let word = Method::from_bytes(b"CANARYFAMILY").expect("a token");
        assert_eq!(method_name(&word), "OTHER");
    }
}
