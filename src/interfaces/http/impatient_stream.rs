//! A connection's bytes with a clock: a header that comes drop by drop and an
//! answer that nobody takes end the connection. The parser above it bounds how
//! long a connection may be silent between requests, which is much longer.

use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::foundation::load_limits::WRITE_STALL_SECONDS_MAX;

/// Requests of one connection whose headers were read, and that were answered.
#[derive(Default)]
pub(super) struct Exchanges {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request in work, until dropped.
pub(super) struct Answering(Arc<Exchanges>);

impl Exchanges {
    /// A header was read whole.
    pub(super) fn begin(self: &Arc<Self>) -> Answering {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Answering(Arc::clone(self))
    }

    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn in_work(&self) -> bool {
        self.ended.load(Ordering::Relaxed) < self.begun()
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The clock over one header.
struct HeaderClock {
    /// Requests that had begun before it.
    after: u64,
    runs_out: Pin<Box<Sleep>>,
}

/// A stream that gives up.
pub(super) struct ImpatientStream<S> {
    stream: S,
    exchanges: Arc<Exchanges>,
    header_time: Duration,
    header: Option<HeaderClock>,
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> ImpatientStream<S> {
    pub(super) fn new(stream: S, exchanges: Arc<Exchanges>, header_time: Duration) -> Self {
        Self {
            stream,
            exchanges,
            header_time,
            header: None,
            write: None,
        }
    }

    /// Bytes came: those of a header start its clock, those of a body do not.
    fn heard(&mut self) {
        let begun = self.exchanges.begun();
        let runs = self.header.as_ref().is_some_and(|it| it.after == begun);
        if self.exchanges.in_work() {
            self.header = None;
        } else if !runs {
            self.header = Some(HeaderClock {
                after: begun,
                runs_out: Box::pin(tokio::time::sleep(self.header_time)),
            });
        }
    }

    /// No bytes came: is a header overdue?
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let begun = self.exchanges.begun();
        match &mut self.header {
            Some(clock) if clock.after == begun => {
                ready!(clock.runs_out.as_mut().poll(cx));
                metrics::counter!("accord_slow_headers_total").increment(1);
                Poll::Ready(Error::new(ErrorKind::TimedOut, "a header came too slowly"))
            }
            _ => {
                self.header = None;
                Poll::Pending
            }
        }
    }

    /// Bounds how long a write may make no way.
    fn patient<T>(&mut self, cx: &mut Context<'_>, written: Poll<Result<T>>) -> Poll<Result<T>> {
        if written.is_ready() {
            self.write = None;
            return written;
        }
        let stall = Duration::from_secs(WRITE_STALL_SECONDS_MAX);
        let clock = self
            .write
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        ready!(clock.as_mut().poll(cx));
        let said = "an answer was not taken";
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, said)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ImpatientStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Pending => this.poll_overdue(cx).map(Err),
            ready @ Poll::Ready(_) => {
                if buffer.filled().len() > before {
                    this.heard();
                }
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ImpatientStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.patient(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.patient(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = self.get_mut();
        let ended = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.patient(cx, ended)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.patient(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::{Exchanges, ImpatientStream};

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_header_that_does_not_end_ends_the_connection() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut stream = ImpatientStream::new(server, Arc::default(), SOON);
        client.write_all(b"GET / HT").await.expect("sent");
        let mut buffer = [0; 64];
        assert_eq!(stream.read(&mut buffer).await.expect("read"), 8);
        let cut = stream.read(&mut buffer).await.expect_err("too slow");
        assert_eq!(cut.kind(), std::io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_request_in_work_and_a_silent_connection_have_time() {
        let (mut client, server) = tokio::io::duplex(64);
        let exchanges = Arc::new(Exchanges::default());
        let mut stream = ImpatientStream::new(server, Arc::clone(&exchanges), SOON);
        let mut buffer = [0; 64];
        let silent = tokio::time::timeout(SOON * 3, stream.read(&mut buffer)).await;
        assert!(silent.is_err(), "nothing was sent: {silent:?}");
        client.write_all(b"header").await.expect("sent");
        assert_eq!(stream.read(&mut buffer).await.expect("read"), 6);
        let answering = exchanges.begin();
        let body = tokio::time::timeout(SOON * 3, stream.read(&mut buffer)).await;
        assert!(body.is_err(), "the body may come later: {body:?}");
        drop(answering);
        let idle = tokio::time::timeout(SOON * 3, stream.read(&mut buffer)).await;
        assert!(idle.is_err(), "the next request may come later: {idle:?}");
    }
}
