//! Tokens of local accounts. Only the digest of a token is kept: who reads the
//! database cannot act.

use crate::foundation::Instant;
use crate::security::{ActorKind, Role};
use crate::storage::db;
use crate::storage::rows::{Reader, json};
use crate::storage::{Store, StoreError};

/// A token as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// SHA-256 of the token, hexadecimal.
    pub digest: String,
    /// Account.
    pub actor: String,
    /// Person or system.
    pub kind: ActorKind,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Sources that it is bound to; empty means all.
    pub sources: Vec<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it was revoked.
    pub revoked_at: Option<Instant>,
}

impl Store {
    /// Keeps a token.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_token(&self, token: &StoredToken) -> Result<(), StoreError> {
        let roles: Vec<&str> = token.roles.iter().map(|role| role.name()).collect();
        let kind = match token.kind {
            ActorKind::Person => "person",
            ActorKind::System => "system",
        };
        let query = db::query(
            "insert into tokens (digest, actor, kind, roles, sources, created_at, revoked_at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(token.digest.clone())
        .bind(token.actor.clone())
        .bind(kind)
        .bind(json(&roles))
        .bind(json(&token.sources))
        .bind(token.created_at.microseconds())
        .bind(token.revoked_at.map(Instant::microseconds));
        self.inner.writer.lock().await.execute(query).await?;
        Ok(())
    }

    /// The token of this digest, revoked or not.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_token(&self, digest: &str) -> Result<Option<StoredToken>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select actor, kind, roles, sources, created_at, revoked_at, digest from tokens \
             where digest = $1",
        )
        .bind(digest.to_owned())
        .fetch_optional(&mut connection)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let reader = Reader::named(&row, "tokens")?;
        let kind = reader.parsed(1, "kind", |word| match word {
            "person" => Some(ActorKind::Person),
            "system" => Some(ActorKind::System),
            _ => None,
        })?;
        let names: Vec<String> =
            reader.parsed(2, "roles", |text| serde_json::from_str(text).ok())?;
        let roles = names.iter().map(|name| name.parse());
        Ok(Some(StoredToken {
            actor: reader.text(0)?,
            kind,
            roles: roles
                .collect::<Result<_, _>>()
                .map_err(|_| reader.wrong("roles"))?,
            sources: reader.parsed(3, "sources", |text| serde_json::from_str(text).ok())?,
            created_at: Instant::from_microseconds(reader.number(4)?),
            revoked_at: reader.instant_or_null(5)?,
            digest: reader.text(6)?,
        }))
    }

    /// Revokes the tokens of an account; says how many were valid until now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn revoke_tokens(&self, actor: &str, at: Instant) -> Result<u64, StoreError> {
        let query =
            db::query("update tokens set revoked_at = $2 where actor = $1 and revoked_at is null")
                .bind(actor.to_owned())
                .bind(at.microseconds());
        self.inner.writer.lock().await.execute(query).await
    }
}
