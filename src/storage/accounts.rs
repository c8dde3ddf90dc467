//! Accounts of people who use the pages, and their sessions. Neither is an
//! event: they say nothing of a patient, and a session is gone when it ends.

use std::collections::BTreeSet;

use crate::foundation::Instant;
use crate::security::Role;
use crate::storage::db::{self, Query, Row};
use crate::storage::rows::{Reader, json};
use crate::storage::{Store, StoreError};

/// An account as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// Its name, as the audit shows it.
    pub name: String,
    /// Digest of the password in PHC form; absent where it signs in elsewhere.
    pub password: Option<String>,
    /// Its roles.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created_at: Instant,
    /// When it was disabled.
    pub disabled_at: Option<Instant>,
    /// Wrong passwords since the last right one.
    pub failures: i64,
    /// When the last of them came.
    pub failed_at: Option<Instant>,
}

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// SHA-256 of the cookie's value, hexadecimal.
    pub digest: String,
    /// Whose.
    pub account: String,
    /// Why its reader reads persons, in words.
    pub purpose: Option<String>,
    /// When somebody signed in.
    pub began_at: Instant,
    /// When it was used last, to the minute.
    pub seen_at: Instant,
    /// When the password was given last.
    pub confirmed_at: Instant,
}

impl Store {
    /// Keeps a new account; `false` when the name is taken.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_account(&self, account: &StoredAccount) -> Result<bool, StoreError> {
        let roles: Vec<&str> = account.roles.iter().map(|role| role.name()).collect();
        let query = db::query(
            "insert into accounts (name, password, roles, created_at, disabled_at, failures, \
             failed_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing",
        )
        .bind(account.name.clone())
        .bind(account.password.clone())
        .bind(json(&roles))
        .bind(account.created_at.microseconds())
        .bind(account.disabled_at.map(Instant::microseconds))
        .bind(account.failures)
        .bind(account.failed_at.map(Instant::microseconds));
        Ok(self.run_alone(query).await? > 0)
    }

    /// Keeps the account of somebody who signs in elsewhere, with the roles that they
    /// have now. One with a password stays as it is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_vouched_account(
        &self,
        name: &str,
        roles: &[Role],
        now: Instant,
    ) -> Result<(), StoreError> {
        let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let query = db::query(
            "insert into accounts (name, password, roles, created_at, disabled_at, failures, \
             failed_at) values ($1, null, $2, $3, null, 0, null) on conflict (name) \
             do update set roles = excluded.roles where accounts.password is null",
        )
        .bind(name.to_owned())
        .bind(json(&roles))
        .bind(now.microseconds());
        self.run_alone(query).await.map(|_| ())
    }

    /// The account of this name, disabled or not.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_account(&self, name: &str) -> Result<Option<StoredAccount>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select name, password, roles, created_at, disabled_at, failures, failed_at \
             from accounts where name = $1",
        )
        .bind(name.to_owned())
        .fetch_optional(&mut connection)
        .await?;
        row.as_ref().map(account_of).transpose()
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_accounts(&self) -> Result<Vec<StoredAccount>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select name, password, roles, created_at, disabled_at, failures, failed_at \
             from accounts order by name",
        )
        .fetch_all(&mut connection)
        .await?;
        rows.iter().map(account_of).collect()
    }

    /// Gives an account another password and forgets its failures; `false` when
    /// there is none of this name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<bool, StoreError> {
        let query = db::query(
            "update accounts set password = $2, failures = 0, failed_at = null where name = $1",
        )
        .bind(name.to_owned())
        .bind(password.to_owned());
        Ok(self.run_alone(query).await? > 0)
    }

    /// Disables an account; `false` when there is none of this name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn disable_account(&self, name: &str, at: Instant) -> Result<bool, StoreError> {
        let query = db::query("update accounts set disabled_at = $2 where name = $1")
            .bind(name.to_owned())
            .bind(at.microseconds());
        Ok(self.run_alone(query).await? > 0)
    }

    /// Counts a password before it is looked at, so that guesses at the same time count
    /// each other; `false` where `most` were wrong since `stale`, or nobody has the name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_guess(
        &self,
        name: &str,
        at: Instant,
        (stale, most): (Instant, i64),
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "update accounts set failed_at = $2, failures = case \
             when failed_at is null or failed_at <= $3 then 1 else failures + 1 end \
             where name = $1 and (failed_at is null or failed_at <= $3 or failures < $4)",
        )
        .bind(name.to_owned())
        .bind(at.microseconds())
        .bind(stale.microseconds())
        .bind(most);
        Ok(self.run_alone(query).await? > 0)
    }

    /// Forgets wrong passwords.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget_failures(&self, name: &str) -> Result<(), StoreError> {
        let query = db::query(
            "update accounts set failures = 0, failed_at = null where name = $1 and failures > 0",
        )
        .bind(name.to_owned());
        self.run_alone(query).await.map(|_| ())
    }

    /// Keeps a new session and drops those that were seen last before `stale`. Of one
    /// that came of a provider's word it keeps who that was there, and which session.
    ///
    /// # Errors
    /// What the database says.
    pub async fn begin_session(
        &self,
        session: &StoredSession,
        (subject, session_there): (Option<String>, Option<String>),
        stale: Instant,
    ) -> Result<(), StoreError> {
        let old = db::query("delete from sessions where seen_at < $1").bind(stale.microseconds());
        self.run_alone(old).await?;
        let query = db::query(
            "insert into sessions (digest, account, purpose, began_at, seen_at, confirmed_at, \
             provider_subject, provider_session) values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(session.digest.clone())
        .bind(session.account.clone())
        .bind(session.purpose.clone())
        .bind(session.began_at.microseconds())
        .bind(session.seen_at.microseconds())
        .bind(session.confirmed_at.microseconds())
        .bind(subject)
        .bind(session_there);
        self.run_alone(query).await.map(|_| ())
    }

    /// The session of this digest, however old.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_session(&self, digest: &str) -> Result<Option<StoredSession>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(
            "select digest, account, purpose, began_at, seen_at, confirmed_at from sessions \
             where digest = $1",
        )
        .bind(digest.to_owned())
        .fetch_optional(&mut connection)
        .await?;
        row.as_ref().map(session_of).transpose()
    }

    /// Writes what changes of a session: its purpose, and when it was seen and
    /// confirmed last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn keep_session(&self, session: &StoredSession) -> Result<(), StoreError> {
        let query = db::query(
            "update sessions set purpose = $2, seen_at = $3, confirmed_at = $4 where digest = $1",
        )
        .bind(session.digest.clone())
        .bind(session.purpose.clone())
        .bind(session.seen_at.microseconds())
        .bind(session.confirmed_at.microseconds());
        self.run_alone(query).await.map(|_| ())
    }

    /// Ends one session.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_session(&self, digest: &str) -> Result<(), StoreError> {
        let query = db::query("delete from sessions where digest = $1").bind(digest.to_owned());
        self.run_alone(query).await.map(|_| ())
    }

    /// Ends all sessions of an account, everywhere; says how many there were.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_sessions(&self, account: &str) -> Result<u64, StoreError> {
        let query = db::query("delete from sessions where account = $1").bind(account.to_owned());
        self.run_alone(query).await
    }

    /// Ends the sessions that came of one at a provider, or of all of somebody's there;
    /// whose they were.
    ///
    /// # Errors
    /// What the database says.
    pub async fn end_sessions_elsewhere(
        &self,
        subject: Option<&str>,
        session: Option<&str>,
    ) -> Result<BTreeSet<String>, StoreError> {
        // Where the provider did not name a session, its word for one is for all of them.
        let (part, values) = match (subject, session) {
            (Some(subject), Some(session)) => (
                "provider_subject = $1 and (provider_session = $2 or provider_session is null)",
                vec![subject, session],
            ),
            (Some(subject), None) => ("provider_subject = $1", vec![subject]),
            (None, Some(session)) => (
                "provider_subject is not null and provider_session = $1",
                vec![session],
            ),
            (None, None) => return Ok(BTreeSet::new()),
        };
        let query = db::query(format!("select digest, account from sessions where {part}"));
        let query = values.into_iter().fold(query, Query::bind);
        let mut connection = self.inner.readers.acquire().await?;
        let rows = query.fetch_all(&mut connection).await?;
        drop(connection);
        let mut accounts = BTreeSet::new();
        for row in &rows {
            let reader = Reader::named(row, "sessions")?;
            self.end_session(&reader.text(0)?).await?;
            accounts.insert(reader.text(1)?);
        }
        Ok(accounts)
    }

    /// Whether a provider's word of this digest was heard before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_heard(&self, digest: &str) -> Result<bool, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let query = db::query("select digest from heard_logouts where digest = $1");
        let row = query
            .bind(digest.to_owned())
            .fetch_optional(&mut connection);
        Ok(row.await?.is_some())
    }

    /// Remembers it until nobody would believe it any more, and forgets older ones.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note_heard(
        &self,
        digest: &str,
        until: Instant,
        now: Instant,
    ) -> Result<(), StoreError> {
        let old = db::query("delete from heard_logouts where until < $1").bind(now.microseconds());
        self.run_alone(old).await?;
        let query = db::query(
            "insert into heard_logouts (digest, until) values ($1, $2) \
             on conflict (digest) do nothing",
        )
        .bind(digest.to_owned())
        .bind(until.microseconds());
        self.run_alone(query).await.map(|_| ())
    }

    async fn run_alone(&self, query: Query) -> Result<u64, StoreError> {
        self.inner.writer.lock().await.execute(query).await
    }
}

fn account_of(row: &Row) -> Result<StoredAccount, StoreError> {
    let reader = Reader::named(row, "accounts")?;
    let names: Vec<String> = reader.parsed(2, "roles", |text| serde_json::from_str(text).ok())?;
    let roles = names.iter().map(|name| name.parse());
    Ok(StoredAccount {
        name: reader.text(0)?,
        password: reader.text_or_null(1)?,
        roles: roles
            .collect::<Result<_, _>>()
            .map_err(|_| reader.wrong("roles"))?,
        created_at: Instant::from_microseconds(reader.number(3)?),
        disabled_at: reader.instant_or_null(4)?,
        failures: reader.number(5)?,
        failed_at: reader.instant_or_null(6)?,
    })
}

fn session_of(row: &Row) -> Result<StoredSession, StoreError> {
    let reader = Reader::named(row, "sessions")?;
    Ok(StoredSession {
        digest: reader.text(0)?,
        account: reader.text(1)?,
        purpose: reader.text_or_null(2)?,
        began_at: Instant::from_microseconds(reader.number(3)?),
        seen_at: Instant::from_microseconds(reader.number(4)?),
        confirmed_at: Instant::from_microseconds(reader.number(5)?),
    })
}
