//! Connections: how many, how long each may be silent, and their orderly end.
//! What a request is answered stands in the router.
//!
//! A connection beyond the bound is told so with 503 and closed at once. Waiting
//! in the kernel's queue would look to its caller like a slow service, while
//! another node could answer, and no metric of ours would show it.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service as _;

use crate::foundation::load_limits::{
    IDLE_SECONDS_MAX, READ_AHEAD_BYTES_MAX, STOP_SECONDS_MAX, TURN_AWAY_SECONDS_MAX,
    TURNED_AWAY_AT_ONCE_MAX,
};
use crate::interfaces::http::impatient_stream::{Exchanges, ImpatientStream};
use crate::interfaces::http::origin::Peer;
use crate::interfaces::tls::{self, Line};

/// Pause after the kernel could not give a connection, as when files run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// What a connection beyond the bound is told.
const TURNED_AWAY: &str = concat!(
    "{\"type\":\"urn:accord:problem:unavailable\",\"title\":\"Cannot answer now\",",
    "\"status\":503,\"detail\":\"too many connections are open; connect again in a moment\",",
    "\"request_id\":\"\"}"
);

/// A bound address with what it serves.
pub(super) struct Listener {
    name: &'static str,
    tcp: TcpListener,
    line: Line,
    router: Router,
    header_time: Duration,
    room: Arc<Semaphore>,
    room_max: usize,
}

impl Listener {
    /// Binds; the name is for the metrics.
    pub(super) async fn bind(
        name: &'static str,
        (address, line): (SocketAddr, Line),
        router: Router,
        connections_max: usize,
        header_time: Duration,
    ) -> std::io::Result<Self> {
        Ok(Self {
            name,
            tcp: TcpListener::bind(address).await?,
            line,
            router,
            header_time,
            room: Arc::new(Semaphore::new(connections_max)),
            room_max: connections_max,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Whether it speaks TLS.
    pub(super) const fn is_tls(&self) -> bool {
        self.line.is_tls()
    }

    /// Serves until `stop`; then takes no more connections, closes the silent
    /// ones and gives the others time to finish what they are in.
    pub(super) async fn run(self, stop: impl Future<Output = ()> + Send) {
        let (stopping, stopped) = watch::channel(());
        let away = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE_MAX));
        let mut open = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                Some(_) = open.join_next(), if !open.is_empty() => {
                    self.show_open();
                    continue;
                }
                accepted = self.tcp.accept() => accepted,
            };
            let Some((stream, peer)) = accepted_stream(accepted).await else {
                continue;
            };
            if let Ok(room) = Arc::clone(&self.room).try_acquire_owned() {
                open.spawn(self.converse((stream, peer), room, stopped.clone()));
            } else {
                metrics::counter!("accord_connections_refused_total").increment(1);
                if let Ok(place) = Arc::clone(&away).try_acquire_owned() {
                    open.spawn(turn_away(stream, place));
                }
            }
            self.show_open();
        }
        drop(self.tcp);
        drop(stopped);
        // The receivers are with the connections alone now.
        let _ = stopping.send(());
        let finish = async { while open.join_next().await.is_some() {} };
        let patience = Duration::from_secs(STOP_SECONDS_MAX);
        if tokio::time::timeout(patience, finish).await.is_err() {
            tracing::warn!("connections were cut that had not finished in time");
        }
    }

    fn show_open(&self) {
        let open = self.room_max - self.room.available_permits();
        metrics::gauge!("accord_connections_open", "listener" => self.name).set(open as f64);
    }

    /// One connection from its beginning to its end.
    fn converse(
        &self,
        (stream, peer): (TcpStream, Peer),
        room: OwnedSemaphorePermit,
        stopped: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (line, router) = (self.line.clone(), self.router.clone());
        let header_time = self.header_time;
        async move {
            match line {
                Line::Plain => talk(stream, (peer, None), router, header_time, stopped).await,
                Line::Tls(acceptor) => {
                    let shaking = tokio::time::timeout(header_time, acceptor.accept(stream));
                    if let Ok(Ok(stream)) = shaking.await {
                        let shown = tls::fingerprint(&stream).map(ShownCertificate);
                        talk(stream, (peer, shown), router, header_time, stopped).await;
                    } else {
                        // Its own words could hold what was sent.
                        tracing::debug!("a TLS handshake failed");
                    }
                }
            }
            drop(room);
        }
    }
}

/// SHA-256 of the certificate that the client of a connection has shown.
#[derive(Clone)]
pub(super) struct ShownCertificate(pub(super) String);

/// Reads requests and answers them until either side has enough.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    (peer, shown): (Peer, Option<ShownCertificate>),
    router: Router,
    header_time: Duration,
    mut stopped: watch::Receiver<()>,
) {
    let exchanges = Arc::new(Exchanges::default());
    let stream = ImpatientStream::new(stream, Arc::clone(&exchanges), header_time);
    let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
        let answering = exchanges.begin();
        request.extensions_mut().insert(peer);
        if let Some(shown) = &shown {
            request.extensions_mut().insert(shown.clone());
        }
        let answer = router.clone().call(request);
        async move {
            let response: Result<Response, Infallible> = answer.await;
            drop(answering);
            response
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(IDLE_SECONDS_MAX))
        .max_buf_size(READ_AHEAD_BYTES_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Its own words could hold what was sent.
        tracing::debug!(timeout = error.is_timeout(), "a connection broke off");
    }
}

async fn accepted_stream(
    accepted: std::io::Result<(TcpStream, SocketAddr)>,
) -> Option<(TcpStream, Peer)> {
    match accepted {
        Ok((stream, address)) => {
            // Small answers must not wait for the next packet; it is no more than slower.
            let _ = stream.set_nodelay(true);
            Some((stream, Peer(address.ip())))
        }
        Err(error) => {
            metrics::counter!("accord_accept_errors_total").increment(1);
            tracing::warn!(kind = %error.kind(), "a connection could not be taken");
            tokio::time::sleep(ACCEPT_AGAIN).await;
            None
        }
    }
}

/// Says why, and waits a moment for the caller to read it: a close over bytes
/// that were not read would take the answer away.
async fn turn_away(mut stream: TcpStream, _place: OwnedSemaphorePermit) {
    let said = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{TURNED_AWAY}",
        TURNED_AWAY.len()
    );
    let goodbye = async {
        stream.write_all(said.as_bytes()).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1_024];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::time::timeout(Duration::from_secs(TURN_AWAY_SECONDS_MAX), goodbye).await;
}
