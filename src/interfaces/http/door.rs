//! What all requests of a process share at the door: how many are in work, how
//! often each account asks, whether the service is stopping.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusHandle;

use crate::flows::KnownTokens;
use crate::foundation::load_limits::{BATCHES_IN_WORK_MAX, RATED_ACCOUNTS_MAX};
use crate::interfaces::http::{HttpSettings, ServerLimits};

/// The state of the door.
pub(super) struct Door {
    pub(super) limits: ServerLimits,
    /// Whose certificates are whose.
    pub(super) settings: HttpSettings,
    pub(super) tokens: KnownTokens,
    pub(super) rates: Rates,
    /// Present when metrics are on.
    pub(super) figures: Option<PrometheusHandle>,
    stopping: AtomicBool,
    requests: Arc<AtomicUsize>,
    batches: Arc<AtomicUsize>,
}

/// What the guard finds beside a request and tells about it.
#[derive(Clone)]
pub(super) struct AtTheDoor {
    pub(super) door: Arc<Door>,
    /// The account, once it is known; for the log.
    pub(super) account: Arc<OnceLock<String>>,
}

/// A request's place among those in work, until dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Door {
    pub(super) fn new(
        limits: ServerLimits,
        settings: HttpSettings,
        figures: Option<PrometheusHandle>,
    ) -> Self {
        Self {
            limits,
            settings,
            tokens: KnownTokens::default(),
            rates: Rates::new(limits.rate),
            figures,
            stopping: AtomicBool::new(false),
            requests: Arc::default(),
            batches: Arc::default(),
        }
    }

    /// From now on this process is not ready.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// A place for a request or a batch, when there is one.
    pub(super) fn enter(&self, batch: bool) -> Option<Place> {
        let (count, most) = if batch {
            (&self.batches, BATCHES_IN_WORK_MAX)
        } else {
            (&self.requests, self.limits.requests_in_work)
        };
        let place = Place(Arc::clone(count));
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }

    /// Requests and batches in work.
    pub(super) fn in_work(&self) -> (usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (read(&self.requests), read(&self.batches))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often accounts may ask: each has a bucket that holds the requests of one
/// second and fills at the rate.
pub(super) struct Rates {
    /// Requests a second; zero for no bound.
    rate: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Rates {
    fn new(rate: u32) -> Self {
        Self {
            rate,
            buckets: Mutex::default(),
        }
    }

    /// Takes a request of an account; `false` when it has to wait a second.
    pub(super) fn take(&self, account: &str, now: Instant) -> bool {
        if self.rate == 0 {
            return true;
        }
        let full = f64::from(self.rate);
        // A bucket is whole whatever panicked beside it.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= RATED_ACCOUNTS_MAX && !buckets.contains_key(account) {
            // After a second a bucket is full and as good as forgotten.
            let second = Duration::from_secs(1);
            buckets.retain(|_, bucket| now.duration_since(bucket.at) < second);
            if buckets.len() >= RATED_ACCOUNTS_MAX {
                return false;
            }
        }
        let bucket = match buckets.get_mut(account) {
            Some(bucket) => bucket,
            None => buckets.entry(account.to_owned()).or_insert(Bucket {
                left: full,
                at: now,
            }),
        };
        let gained = now.duration_since(bucket.at).as_secs_f64() * full;
        bucket.left = (bucket.left + gained).min(full);
        bucket.at = now;
        let may = bucket.left >= 1.0;
        if may {
            bucket.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Door, Rates};
    use crate::foundation::load_limits::RATED_ACCOUNTS_MAX;
    use crate::interfaces::http::{HttpSettings, ServerLimits};

    #[test]
    fn an_account_has_its_rate_and_no_other_accounts() {
        let rates = Rates::new(2);
        let now = Instant::now();
        let later = now + Duration::from_millis(500);
        assert_eq!([(); 3].map(|()| rates.take("a", now)), [true, true, false]);
        assert!(rates.take("b", now));
        assert_eq!([(); 2].map(|()| rates.take("a", later)), [true, false]);
        let much_later = now + Duration::from_hours(1);
        let taken = [(); 3].map(|()| rates.take("a", much_later));
        assert_eq!(taken, [true, true, false]);
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let rates = Rates::new(0);
        let now = Instant::now();
        assert!((0..1_000).all(|_| rates.take("a", now)));
    }

    #[test]
    fn the_buckets_are_bounded() {
        let rates = Rates::new(1);
        let now = Instant::now();
        for account in 0..RATED_ACCOUNTS_MAX {
            assert!(rates.take(&account.to_string(), now));
        }
        assert!(!rates.take("one more", now));
        assert!(rates.take("one more", now + Duration::from_secs(1)));
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let limits = ServerLimits {
            requests_in_work: 1,
            ..ServerLimits::default()
        };
        let door = Door::new(limits, HttpSettings::default(), None);
        let place = door.enter(false).expect("a place");
        assert!(door.enter(false).is_none());
        assert!(door.enter(true).is_some());
        drop(place);
        assert!(door.enter(false).is_some());
        assert_eq!(door.in_work(), (0, 0));
    }
}
