//! A way to PostgreSQL that can be cut: after any byte in either direction, or
//! just after a commit was sent, so that its outcome stays unknown to who sent
//! it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Chance;
use crate::server::lock;

/// Bytes that a connection may carry before it is cut.
const BYTES_MAX: usize = 120_000;
/// One in so many commits is cut off from its answer.
const COMMITS: usize = 4;

/// Listens on a port of its own until the process ends.
pub(super) struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    cutting: AtomicBool,
    at_bytes: AtomicUsize,
    at_commits: AtomicUsize,
    chance: Mutex<Chance>,
}

impl Proxy {
    pub(super) fn to(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            upstream,
            cutting: AtomicBool::new(false),
            at_bytes: AtomicUsize::new(0),
            at_commits: AtomicUsize::new(0),
            chance: Mutex::new(Chance::new()),
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                of_thread.connect(client);
            }
        });
        Self { port, shared }
    }

    /// Begins to cut, or leaves connections alone from now on.
    pub(super) fn cuts(&self, whether: bool) {
        self.shared.cutting.store(whether, Ordering::SeqCst);
    }

    /// Connections cut at a byte, and those cut after a commit.
    pub(super) fn counts(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (read(&self.shared.at_bytes), read(&self.shared.at_commits))
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.upstream)) else {
            return;
        };
        for stream in [&client, &server] {
            stream.set_nodelay(true).expect("a TCP option");
        }
        let left = Arc::new(AtomicUsize::new(1 + lock(&self.chance).below(BYTES_MAX)));
        for is_client in [true, false] {
            let (from, to) = if is_client {
                (&client, &server)
            } else {
                (&server, &client)
            };
            let from = from.try_clone().expect("a handle");
            let to = to.try_clone().expect("a handle");
            let (shared, left) = (Arc::clone(self), Arc::clone(&left));
            thread::spawn(move || shared.carry(from, to, is_client, &left));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream, is_client: bool, left: &AtomicUsize) {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let cutting = self.cutting.load(Ordering::SeqCst);
            let mut pass = count;
            let mut is_last = false;
            if cutting {
                let before = left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                        Some(left.saturating_sub(count))
                    })
                    .expect("always some");
                if before <= count {
                    (pass, is_last) = (before, true);
                    self.at_bytes
                        .fetch_add(usize::from(before > 0), Ordering::SeqCst);
                } else if is_client
                    && holds_commit(&bytes[..count])
                    && lock(&self.chance).below(COMMITS) == 0
                {
                    is_last = true;
                    self.at_commits.fetch_add(1, Ordering::SeqCst);
                    // What the server answers from now on is not carried.
                    let _ = from.shutdown(Shutdown::Both);
                }
            }
            if to.write_all(&bytes[..pass]).is_err() || is_last {
                break;
            }
        }
        for stream in [&from, &to] {
            // The other direction may have done it already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn holds_commit(bytes: &[u8]) -> bool {
    bytes
        .windows(6)
        .any(|word| word.eq_ignore_ascii_case(b"commit"))
}
