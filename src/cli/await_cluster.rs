//! Before a cluster is given the work of a run: whether its scheduler listens, and whether
//! an executor takes a first small task. A plan that nobody works on would wait for ever
//! without a word.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::frames::{Engine, take_work};

/// After so long it is said what is waited for.
const SAID_AFTER: Duration = Duration::from_secs(3);

/// One attempt to reach a scheduler.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until the cluster takes work, and says after some seconds for what it waits.
///
/// # Errors
/// When nobody listens, or nobody works, before `wait` is over; when the cluster refuses.
pub(super) async fn until_it_takes_work(
    cluster: &Engine,
    scheduler: &str,
    wait: Duration,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let limit = wait.as_secs();
    until_it_listens(scheduler, (begun, wait)).await?;
    let waits_for = format!(
        "no executor has taken a first small task of the scheduler at {scheduler}: none is there, \
         or all are at work for another run; start one: {}",
        executor_command(scheduler)
    );
    let task = take_work(cluster);
    tokio::pin!(task);
    let end = begun + wait;
    let taken = match timeout_at(end.min(Instant::now() + SAID_AFTER), &mut task).await {
        Ok(taken) => taken,
        Err(_) => {
            say(&waits_for, limit);
            let taken = timeout_at(end, &mut task).await;
            taken.map_err(|_| given_up(&waits_for, limit))?
        }
    };
    taken.with_context(|| format!("the cluster of {scheduler} does not carry out a small task"))
}

/// Waits until somebody listens at the scheduler's address.
async fn until_it_listens(
    scheduler: &str,
    (begun, wait): (Instant, Duration),
) -> anyhow::Result<()> {
    let mut is_said = false;
    loop {
        let left = wait.saturating_sub(begun.elapsed());
        let why = match timeout(ATTEMPT.min(left), TcpStream::connect(scheduler)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        let waits_for = format!(
            "no scheduler listens at {scheduler} ({why}); start one there: accord cluster \
             scheduler --listen {scheduler}"
        );
        if begun.elapsed() + PAUSE >= wait {
            return Err(given_up(&waits_for, wait.as_secs()));
        }
        if !is_said && begun.elapsed() >= SAID_AFTER.min(wait) {
            say(&waits_for, wait.as_secs());
            is_said = true;
        }
        sleep(PAUSE).await;
    }
}

fn executor_command(scheduler: &str) -> String {
    format!(
        "accord cluster executor --scheduler {scheduler} --listen ADDRESS:PORT --work-folder DIR"
    )
}

fn say(waits_for: &str, limit: u64) {
    eprintln!("waiting for the cluster, {limit} s at most (--cluster-wait): {waits_for}");
}

fn given_up(waits_for: &str, limit: u64) -> anyhow::Error {
    anyhow!("{waits_for} (given up after {limit} s, --cluster-wait; nothing was linked)")
}
