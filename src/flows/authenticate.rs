//! Tokens: made once, shown once, stored as a digest.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::flows::{Context, FlowError};
use crate::foundation::load_limits::{TOKEN_REMEMBERED_SECONDS, TOKENS_REMEMBERED_MAX};
use crate::foundation::{Instant, hex};
use crate::security::{Actor, ActorKind, Origin, Role};
use crate::storage::StoredToken;

/// Random bytes in a token: far beyond guessing, short enough for a header.
const TOKEN_BYTES: usize = 32;

/// An account to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Name of the account.
    pub actor: String,
    /// Person or system.
    pub kind: ActorKind,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Sources that an integration account may use; empty means all.
    pub sources: Vec<String>,
}

/// Makes a token and gives its text, which is stored nowhere.
///
/// # Errors
/// A fault of ours.
pub async fn create_token(context: &Context, new: NewToken) -> Result<String, FlowError> {
    let mut random = [0_u8; TOKEN_BYTES];
    context.chance.fill(&mut random);
    let text = format!("accord_{}", hex(&random));
    let stored = StoredToken {
        digest: digest(&text),
        actor: new.actor,
        kind: new.kind,
        roles: new.roles,
        sources: new.sources,
        created_at: context.clock.now(),
        revoked_at: None,
    };
    context.store.add_token(&stored).await?;
    Ok(text)
}

/// The account behind a token, without what the request says beside it;
/// `None` when the token is unknown or revoked.
///
/// # Errors
/// A fault of ours.
pub async fn authenticate(context: &Context, token: &str) -> Result<Option<Actor>, FlowError> {
    let found = context.store.find_token(&digest(token)).await?;
    Ok(found
        .filter(|token| token.revoked_at.is_none())
        .map(|token| Actor {
            name: token.actor,
            kind: token.kind,
            roles: token.roles,
            sources: token.sources,
            on_behalf_of: None,
            reason: None,
            request_id: String::new(),
            origin: Origin::default(),
        }))
}

/// Accounts of tokens that were seen a moment ago, so that a request in a row of
/// many needs no look-up. A revocation is noticed when the moment is over.
#[derive(Default)]
pub struct KnownTokens {
    accounts: Mutex<HashMap<[u8; 32], (Instant, Actor)>>,
}

impl KnownTokens {
    /// As [`authenticate`], from memory where it can be.
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn authenticate(
        &self,
        context: &Context,
        token: &str,
    ) -> Result<Option<Actor>, FlowError> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = context.clock.now();
        if let Some(actor) = self.remembered(&key, now) {
            return Ok(Some(actor));
        }
        let found = authenticate(context, token).await?;
        if let Some(actor) = &found {
            self.remember(key, now, actor);
        }
        Ok(found)
    }

    fn remembered(&self, key: &[u8; 32], now: Instant) -> Option<Actor> {
        let accounts = self.accounts();
        let (seen, actor) = accounts.get(key)?;
        is_fresh(*seen, now).then(|| actor.clone())
    }

    fn remember(&self, key: [u8; 32], now: Instant, actor: &Actor) {
        let mut accounts = self.accounts();
        if accounts.len() >= TOKENS_REMEMBERED_MAX {
            accounts.retain(|_, (seen, _)| is_fresh(*seen, now));
        }
        if accounts.len() < TOKENS_REMEMBERED_MAX {
            accounts.insert(key, (now, actor.clone()));
        }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<[u8; 32], (Instant, Actor)>> {
        // Each entry is whole whatever panicked between two of them.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that was set back makes nothing younger.
fn is_fresh(seen: Instant, now: Instant) -> bool {
    let age = now.microseconds() - seen.microseconds();
    u64::try_from(age).is_ok_and(|age| age < TOKEN_REMEMBERED_SECONDS * 1_000_000)
}

fn digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{KnownTokens, TOKEN_REMEMBERED_SECONDS, TOKENS_REMEMBERED_MAX};
    use crate::foundation::Instant;
    use crate::security::{Actor, ActorKind, Origin};

    fn actor() -> Actor {
        Actor {
            name: "engine".to_owned(),
            kind: ActorKind::System,
            roles: Vec::new(),
            sources: Vec::new(),
            on_behalf_of: None,
            reason: None,
            request_id: String::new(),
            origin: Origin::default(),
        }
    }

    fn after(seconds: u64) -> Instant {
        Instant::from_microseconds(1_700_000_000_000_000 + seconds.cast_signed() * 1_000_000)
    }

    #[test]
    fn a_token_is_remembered_for_seconds_only() {
        let known = KnownTokens::default();
        known.remember([1; 32], after(0), &actor());
        let last = TOKEN_REMEMBERED_SECONDS - 1;
        assert!(known.remembered(&[1; 32], after(last)).is_some());
        assert!(known.remembered(&[1; 32], after(last + 1)).is_none());
        assert!(known.remembered(&[2; 32], after(0)).is_none());
        let before = Instant::from_microseconds(after(0).microseconds() - 1);
        assert!(known.remembered(&[1; 32], before).is_none());
    }

    #[test]
    fn memory_is_bounded_and_the_old_make_room() {
        let known = KnownTokens::default();
        let key = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            key
        };
        for number in 0..=TOKENS_REMEMBERED_MAX {
            known.remember(key(number), after(0), &actor());
        }
        assert_eq!(known.accounts().len(), TOKENS_REMEMBERED_MAX);
        known.remember(key(0), after(TOKEN_REMEMBERED_SECONDS), &actor());
        assert_eq!(known.accounts().len(), 1);
    }
}
