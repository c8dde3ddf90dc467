//! A body that must arrive: not drop by drop, and whole within its time. The
//! number of its bytes is bounded elsewhere. Of a body that is refused before its
//! end the rest is read and forgotten, so that the answer arrives and the
//! connection stays.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt as _;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep};

use crate::foundation::load_limits::{
    BODY_SECONDS_MAX, BODY_STALL_SECONDS_MAX, FORGOTTEN_BYTES_MAX,
};

/// Whether a body came too slowly. The handler sees a body that broke off.
#[derive(Debug, Clone, Default)]
pub(super) struct Lateness(Arc<AtomicBool>);

impl Lateness {
    pub(super) fn is_late(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body with a clock.
pub(super) struct TimedBody {
    body: Body,
    late: Lateness,
    whole: Instant,
    stall: Duration,
    wait: Option<Pin<Box<Sleep>>>,
    /// Nothing more comes, or nobody waits for more.
    over: bool,
}

impl TimedBody {
    /// Puts the clock over a body; one that is there already needs none. A caller
    /// that `asks_first` (RFC 9110 §10.1.1) keeps a body that is refused unread.
    pub(super) fn over(body: Body, asks_first: bool) -> (Body, Lateness) {
        let late = Lateness::default();
        if body.is_end_stream() {
            return (body, late);
        }
        let stall = Duration::from_secs(BODY_STALL_SECONDS_MAX);
        let mut timed = Self::new(
            body,
            late.clone(),
            stall,
            Duration::from_secs(BODY_SECONDS_MAX),
        );
        timed.over = asks_first;
        (Body::new(timed), late)
    }

    fn new(body: Body, late: Lateness, stall: Duration, whole: Duration) -> Self {
        Self {
            body,
            late,
            whole: Instant::now() + whole,
            stall,
            wait: None,
            over: false,
        }
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if self.over || self.body.is_end_stream() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let rest = forget(std::mem::take(&mut self.body));
        let patience = self.stall;
        runtime.spawn(async move {
            // However it ends, the answer has had its time.
            let _ = tokio::time::timeout(patience, rest).await;
        });
    }
}

async fn forget(rest: Body) {
    let mut rest = rest.into_data_stream();
    let mut left = FORGOTTEN_BYTES_MAX;
    while let Some(Ok(bytes)) = rest.next().await {
        let Some(less) = left.checked_sub(bytes.len()) else {
            return;
        };
        left = less;
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.wait = None;
            this.over = !matches!(frame, Some(Ok(_)));
            return Poll::Ready(frame);
        }
        let deadline = this.whole.min(Instant::now() + this.stall);
        let wait = this
            .wait
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        std::task::ready!(wait.as_mut().poll(cx));
        this.late.0.store(true, Ordering::Relaxed);
        this.over = true;
        let said = std::io::Error::from(std::io::ErrorKind::TimedOut);
        Poll::Ready(Some(Err(axum::Error::new(said))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::time::Duration;

    use axum::body::{Body, Bytes};
    use futures_util::StreamExt as _;
    use futures_util::stream::{once, pending};
    use tokio::sync::Notify;

    use super::{Lateness, TimedBody};

    const SOON: Duration = Duration::from_millis(20);
    const LATER: Duration = Duration::from_mins(1);

    async fn read(stall: Duration, whole: Duration) -> (bool, bool) {
        let begins = once(async { Ok::<_, Infallible>(Bytes::from_static(b"{")) });
        let body = Body::from_stream(begins.chain(pending()));
        let late = Lateness::default();
        let timed = Body::new(TimedBody::new(body, late.clone(), stall, whole));
        (
            axum::body::to_bytes(timed, 64).await.is_err(),
            late.is_late(),
        )
    }

    #[tokio::test]
    async fn a_body_that_stops_or_takes_too_long_breaks_off() {
        assert_eq!(read(SOON, LATER).await, (true, true));
        assert_eq!(read(LATER, SOON).await, (true, true));
    }

    #[tokio::test]
    async fn a_body_that_is_there_comes_whole() {
        let (body, late) = TimedBody::over(Body::from("{}"), false);
        let bytes = axum::body::to_bytes(body, 64).await.expect("a body");
        assert_eq!((bytes.as_ref(), late.is_late()), (b"{}".as_slice(), false));
    }

    /// A body of a hundred pieces that says when its last was taken.
    fn pieces(taken: Arc<Notify>) -> Body {
        let pieces = futures_util::stream::iter(0..100).map(move |place| {
            if place == 99 {
                taken.notify_one();
            }
            Ok::<_, Infallible>(Bytes::from_static(b"piece"))
        });
        Body::from_stream(pieces)
    }

    #[tokio::test]
    async fn what_is_left_of_a_refused_body_is_read_and_forgotten() {
        let taken = Arc::new(Notify::new());
        let (body, _) = TimedBody::over(pieces(Arc::clone(&taken)), false);
        let mut stream = body.into_data_stream();
        assert!(stream.next().await.is_some());
        drop(stream);
        taken.notified().await;
    }

    #[tokio::test]
    async fn a_caller_that_asks_first_keeps_its_body() {
        let taken = Arc::new(Notify::new());
        let (body, _) = TimedBody::over(pieces(Arc::clone(&taken)), true);
        drop(body);
        let waited = tokio::time::timeout(SOON, taken.notified()).await;
        assert!(waited.is_err());
    }
}
