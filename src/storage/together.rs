//! Several commands in one commit: each is decided on what those before it leave, and
//! all are written, or none.

use crate::foundation::Instant;
use crate::storage::command::{self, Part, Queued, Reply, Together};
use crate::storage::{Store, StoreError};

impl Store {
    /// Commits the parts together, in their order, under the union of their locks. The
    /// first whose answer does not agree ends it: nothing is written, of audit rows neither.
    ///
    /// # Errors
    /// As [`Store::commit`], of all of them.
    pub async fn commit_together<A: Send + 'static>(
        &self,
        parts: Vec<Part<A>>,
        at: Instant,
        agrees: fn(&A) -> bool,
    ) -> Result<Together<A>, StoreError> {
        let mut replies = Vec::with_capacity(parts.len());
        let mut queued = parts.into_iter().map(|part| {
            let (work, reply) = command::work(part.decide, agrees);
            replies.push(reply);
            Queued {
                read: Some(part.read),
                actor: part.actor,
                at,
                came: tokio::time::Instant::now(),
                work,
                with: None,
            }
        });
        let Some(first) = queued.next() else {
            return Ok(Together::Done(Vec::new()));
        };
        let with = Some(queued.collect());
        self.queue(Queued { with, ..first }).await?;
        told(replies, agrees).await
    }
}

async fn told<A>(
    replies: Vec<Reply<A>>,
    agrees: fn(&A) -> bool,
) -> Result<Together<A>, StoreError> {
    let mut answers = Vec::with_capacity(replies.len());
    let (mut undone, mut refused) = (false, None);
    for (place, reply) in replies.into_iter().enumerate() {
        match reply.await.map_err(|_| StoreError::Closed)? {
            Ok(answer) if agrees(&answer) => answers.push(answer),
            Ok(answer) => refused = Some(Together::Refused(place, answer)),
            Err(StoreError::Undone) => undone = true,
            Err(error) => return Err(error),
        }
    }
    match refused {
        Some(refused) => Ok(refused),
        None if undone => Err(StoreError::Panicked),
        None => Ok(Together::Done(answers)),
    }
}
