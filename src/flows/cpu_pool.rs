//! The one bridge from the runtime to threads that compute: looking up keys,
//! standardising, comparing. A runtime's thread that computed would keep other
//! requests' answers waiting. What is computed stands in the flows.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use crate::flows::FlowError;
use crate::foundation::load_limits::CPU_QUEUE_MAX;
use crate::foundation::{Tally, TallyFigures};

/// Threads that compute, and a bounded queue before them. Clones share it. A
/// thread without work sleeps at once: on few cores, to look out for more takes
/// from those who would bring it.
#[derive(Clone)]
pub struct CpuPool {
    threads: Arc<Threads>,
    load: Arc<Load>,
}

struct Threads {
    count: usize,
    queue: Arc<Queue>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.filled.notify_all();
    }
}

type Piece = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    pieces: Mutex<Pieces>,
    filled: Condvar,
}

#[derive(Default)]
struct Pieces {
    waiting: VecDeque<Piece>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece, in order of arrival; `None` when there will be none.
    fn next(&self) -> Option<Piece> {
        let mut pieces = self.lock();
        loop {
            if let Some(piece) = pieces.waiting.pop_front() {
                return Some(piece);
            }
            if pieces.closed {
                return None;
            }
            pieces = self
                .filled
                .wait(pieces)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

thread_local! {
    /// Whether this is a thread of a pool.
    static COMPUTES: Cell<bool> = const { Cell::new(false) };
}

struct Load {
    queue_max: usize,
    waiting: AtomicUsize,
    busy: AtomicUsize,
    wait_micros: Tally<8>,
}

/// How the pool does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuPoolFigures {
    /// Threads.
    pub threads: usize,
    /// Of these, how many compute.
    pub busy: usize,
    /// Pieces of work that wait for a thread.
    pub waiting: usize,
    /// Microseconds that each waited.
    pub wait_micros: TallyFigures,
}

impl CpuPool {
    /// A thread for each core.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn for_this_machine() -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::new(cores, CPU_QUEUE_MAX)
    }

    /// So many threads, before which at most `queue_max` pieces of work wait.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(threads: usize, queue_max: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let threads = Threads {
            count: threads,
            queue: Arc::clone(&queue),
        };
        for number in 0..threads.count {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("compute-{number}"))
                .spawn(move || {
                    COMPUTES.set(true);
                    while let Some(piece) = queue.next() {
                        piece();
                    }
                })?;
        }
        let load = Load {
            queue_max,
            waiting: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            wait_micros: Tally::new([10, 20, 50, 100, 1_000, 10_000, 100_000, 1_000_000]),
        };
        Ok(Self {
            threads: Arc::new(threads),
            load: Arc::new(load),
        })
    }

    /// Computes on one of the threads, which may be this one. Work whose caller has
    /// gone away before its turn is left out; a panic is its caller's alone.
    ///
    /// # Errors
    /// [`FlowError::Busy`] when the queue is full, [`FlowError::Broken`] when
    /// the work panics.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, FlowError> {
        if COMPUTES.get() {
            return Ok(work());
        }
        if self.load.waiting.fetch_add(1, Ordering::Relaxed) >= self.load.queue_max {
            self.load.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(FlowError::Busy);
        }
        let (reply, answer) = oneshot::channel();
        let load = Arc::clone(&self.load);
        let asked = Instant::now();
        let piece = move || {
            load.waiting.fetch_sub(1, Ordering::Relaxed);
            let waited = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
            load.wait_micros.record(waited);
            if reply.is_closed() {
                return;
            }
            load.busy.fetch_add(1, Ordering::Relaxed);
            let computed = catch_unwind(AssertUnwindSafe(work));
            load.busy.fetch_sub(1, Ordering::Relaxed);
            // The caller may have gone away meanwhile.
            let _ = reply.send(computed);
        };
        let queue = &self.threads.queue;
        queue.lock().waiting.push_back(Box::new(piece));
        queue.filled.notify_one();
        match answer.await {
            Ok(Ok(computed)) => Ok(computed),
            Ok(Err(_)) | Err(_) => Err(FlowError::Broken),
        }
    }

    /// How it does.
    #[must_use]
    pub fn figures(&self) -> CpuPoolFigures {
        CpuPoolFigures {
            threads: self.threads.count,
            busy: self.load.busy.load(Ordering::Relaxed),
            waiting: self.load.waiting.load(Ordering::Relaxed),
            wait_micros: self.load.wait_micros.figures(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt as _;

    use super::CpuPool;
    use crate::flows::FlowError;

    #[tokio::test]
    async fn a_panic_is_its_callers_alone() {
        let pool = CpuPool::new(1, 8).expect("a thread");
        let broken = pool.run(|| -> u32 { panic!("on purpose") }).await;
        assert!(matches!(broken, Err(FlowError::Broken)));
        assert_eq!(pool.run(|| 7).await.expect("computed"), 7);
        assert_eq!(pool.figures().busy, 0);
    }

    #[tokio::test]
    async fn a_piece_that_asks_for_more_does_it_itself() {
        let pool = CpuPool::new(1, 1).expect("a thread");
        let own = pool.clone();
        let both = pool.run(move || own.run(|| 7).now_or_never()).await;
        assert!(matches!(both, Ok(Some(Ok(7)))));
    }

    #[tokio::test]
    async fn work_beyond_the_queue_is_refused_and_the_rest_is_done() {
        let pool = CpuPool::new(1, 1).expect("a thread");
        let (started, begun) = tokio::sync::oneshot::channel();
        let (free, held) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    let _ = started.send(());
                    held.recv().is_ok()
                })
                .await
            }
        });
        begun.await.expect("the first piece runs");
        let mut second = Box::pin(pool.run(|| 2));
        assert!(futures_util::poll!(second.as_mut()).is_pending());

        assert!(matches!(pool.run(|| 3).await, Err(FlowError::Busy)));

        free.send(()).expect("the first piece waits");
        assert!(first.await.expect("no panic").expect("computed"));
        assert_eq!(second.await.expect("computed"), 2);
        assert_eq!(pool.figures().waiting, 0);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_left_out() {
        let pool = CpuPool::new(1, 8).expect("a thread");
        let (free, held) = mpsc::channel::<()>();
        let (told, heard) = mpsc::channel::<u32>();
        let mut first = Box::pin(pool.run(move || held.recv().is_ok()));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        let mut second = Box::pin(pool.run(move || told.send(2).is_ok()));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        drop(second);
        free.send(()).expect("the first piece waits");
        assert!(first.await.expect("computed"));
        pool.run(|| ()).await.expect("computed");
        assert!(heard.recv().is_err());
    }
}
