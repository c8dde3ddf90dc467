//! Tokens: made once, shown once, stored as a digest.

use sha2::{Digest, Sha256};

use crate::flows::{Context, FlowError};
use crate::foundation::hex;
use crate::security::{Actor, ActorKind, Role};
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
        }))
}

fn digest(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}
