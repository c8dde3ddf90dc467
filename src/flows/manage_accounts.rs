//! Accounts of people: made, disabled and given passwords by whoever holds the
//! data directory. An account is a name with roles; how somebody proves to be its
//! owner is beside it, so that a provider can do so too.

use argon2::Argon2;
use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

use crate::flows::{Context, FlowError};
use crate::foundation::Instant;
use crate::foundation::limits::{
    PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, PASSWORDS_IN_WORK_MAX,
};
use crate::security::Role;
use crate::storage::StoredAccount;

const NAME_CHARACTERS_MAX: usize = 64;
const SALT_BYTES: usize = Salt::RECOMMENDED_LENGTH;

/// Guesses must not take the cores from registrations.
static DIGESTING: Semaphore = Semaphore::const_new(PASSWORDS_IN_WORK_MAX);

/// An account as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAnswer {
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created_at: Instant,
    /// When it was disabled.
    pub disabled_at: Option<Instant>,
}

/// Makes an account.
///
/// # Errors
/// A name that is none or taken, a password that is too short, a fault of ours.
pub async fn add_account(
    context: &Context,
    name: &str,
    roles: Vec<Role>,
    password: String,
) -> Result<(), FlowError> {
    let odd = |letter: char| letter.is_control() || letter.is_whitespace();
    let length = name.chars().count();
    if !(1..=NAME_CHARACTERS_MAX).contains(&length) || name.chars().any(odd) {
        return Err(FlowError::Unprocessable {
            member: "name",
            rule: "account name",
            detail: format!("a name has 1 to {NAME_CHARACTERS_MAX} characters and no blank"),
        });
    }
    let account = StoredAccount {
        name: name.to_owned(),
        password: Some(digest(context, password).await?),
        roles,
        created_at: context.clock.now(),
        disabled_at: None,
        failures: 0,
        failed_at: None,
    };
    if context.store.add_account(&account).await? {
        Ok(())
    } else {
        Err(FlowError::Conflict("there is an account of this name"))
    }
}

/// All accounts, by name.
///
/// # Errors
/// A fault of ours.
pub async fn list_accounts(context: &Context) -> Result<Vec<AccountAnswer>, FlowError> {
    let accounts = context.store.list_accounts().await?;
    let accounts = accounts.into_iter().map(|account| AccountAnswer {
        name: account.name,
        roles: account.roles,
        created_at: account.created_at,
        disabled_at: account.disabled_at,
    });
    Ok(accounts.collect())
}

/// Disables an account and ends its sessions.
///
/// # Errors
/// Unknown name, or a fault of ours.
pub async fn disable_account(context: &Context, name: &str) -> Result<(), FlowError> {
    let now = context.clock.now();
    if !context.store.disable_account(name, now).await? {
        return Err(UNKNOWN);
    }
    context.store.end_sessions(name).await?;
    Ok(())
}

/// Gives an account another password and ends its sessions.
///
/// # Errors
/// Unknown name, a password that is too short, or a fault of ours.
pub async fn set_password(
    context: &Context,
    name: &str,
    password: String,
) -> Result<(), FlowError> {
    let digest = digest(context, password).await?;
    if !context.store.set_password(name, &digest).await? {
        return Err(UNKNOWN);
    }
    context.store.end_sessions(name).await?;
    Ok(())
}

const UNKNOWN: FlowError = FlowError::NotFound("no account of this name is known");

/// The password as it is kept: argon2id with a salt of its own.
async fn digest(context: &Context, password: String) -> Result<String, FlowError> {
    let length = password.chars().count();
    if !(PASSWORD_CHARACTERS_MIN..=PASSWORD_CHARACTERS_MAX).contains(&length) {
        return Err(FlowError::Unprocessable {
            member: "password",
            rule: "length",
            detail: format!(
                "a password has {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters"
            ),
        });
    }
    let mut salt = [0_u8; SALT_BYTES];
    context.chance.fill(&mut salt);
    let hashed = alone(context, move || {
        let hash: Result<PasswordHash, _> =
            Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string())
    });
    hashed.await?.map_err(|_| FlowError::Broken)
}

/// Whether the password is that of the digest. Without a digest it takes as long
/// and is not.
pub(super) async fn is_right(
    context: &Context,
    digest: Option<String>,
    password: String,
) -> Result<bool, FlowError> {
    // What has no account must not be told from a wrong password by the time.
    const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$\
                          tz2iMzWFN7QAHkRnjS7QyQAAAAAAAAAAAAAAAAAAAAA";
    if password.chars().count() > PASSWORD_CHARACTERS_MAX {
        return Ok(false);
    }
    alone(context, move || {
        let known = digest.is_some();
        let digest = digest.unwrap_or_else(|| NOBODY.to_owned());
        let Ok(digest) = PasswordHash::new(&digest) else {
            return false;
        };
        let right = Argon2::default().verify_password(password.as_bytes(), &digest);
        right.is_ok() && known
    })
    .await
}

async fn alone<T: Send + 'static>(
    context: &Context,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FlowError> {
    let _place = DIGESTING.acquire().await.map_err(|_| FlowError::Stopped)?;
    context.pool.run(work).await
}
