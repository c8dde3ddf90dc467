//! Who uses the pages: signing in, a session until it ends, and giving the
//! password again before something grave. Each sign-in leaves an audit row.

use sha2::{Digest, Sha256};

use crate::flows::manage_accounts::is_right;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::{
    CONFIRMATION_SECONDS, SESSION_IDLE_SECONDS, SESSION_SECONDS_MAX, SESSION_SEEN_SECONDS,
    SIGN_IN_FAILURES_MAX, SIGN_IN_WAIT_SECONDS,
};
use crate::foundation::{Instant, hex};
use crate::security::{AuditEntry, Origin, Role};
use crate::storage::{StoredAccount, StoredSession};

/// Random bytes of a session's cookie.
const COOKIE_BYTES: usize = 32;
/// Longest purpose, as of the header `Accord-Reason`.
const PURPOSE_CHARACTERS_MAX: usize = 512;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The account.
    pub account: String,
    /// Its roles now.
    pub roles: Vec<Role>,
    /// Why persons are read, where it was said.
    pub purpose: Option<String>,
    /// When it began.
    pub began_at: Instant,
    /// Whether they have shown within [`CONFIRMATION_SECONDS`] who they are.
    pub confirmed: bool,
    /// A provider says who they are; they have no password here.
    pub elsewhere: bool,
}

/// Signs somebody in and gives the cookie's value, which is stored nowhere;
/// `None` when name and password do not fit, the account is disabled, or too many
/// wrong passwords came.
///
/// # Errors
/// A fault of ours.
pub async fn sign_in(
    context: &Context,
    name: &str,
    password: String,
    asked: (&str, &Origin),
) -> Result<Option<String>, FlowError> {
    let Some(account) = confirm(context, name, password, asked).await? else {
        return Ok(None);
    };
    let now = context.clock.now();
    Ok(Some(begin(context, account.name, now, None).await?))
}

/// Begins a session of somebody who was confirmed at that time; gives the cookie.
pub(super) async fn begin(
    context: &Context,
    account: String,
    confirmed_at: Instant,
    there: Option<(String, Option<String>)>,
) -> Result<String, FlowError> {
    let mut random = [0_u8; COOKIE_BYTES];
    context.chance.fill(&mut random);
    let cookie = hex(&random);
    let now = context.clock.now();
    let session = StoredSession {
        digest: digest(&cookie),
        account,
        purpose: None,
        began_at: now,
        seen_at: now,
        confirmed_at,
    };
    let (subject, session_there) = there.unzip();
    let there = (subject, session_there.flatten());
    let stale = now.plus_microseconds(-SESSION_SECONDS_MAX * 1_000_000);
    context.store.begin_session(&session, there, stale).await?;
    Ok(cookie)
}

/// The account whose name and password these are.
pub(super) async fn confirm(
    context: &Context,
    name: &str,
    password: String,
    asked: (&str, &Origin),
) -> Result<Option<StoredAccount>, FlowError> {
    let found = context.store.find_account(name).await?;
    let now = context.clock.now();
    let stale = now.plus_microseconds(-SIGN_IN_WAIT_SECONDS * 1_000_000);
    let bound = (stale, SIGN_IN_FAILURES_MAX);
    let may = context.store.begin_guess(name, now, bound).await?;
    let known = found
        .as_ref()
        .filter(|account| may && account.disabled_at.is_none());
    let expected = known.and_then(|account| account.password.clone());
    let right = is_right(context, expected, password).await?;
    let Some(account) = found else {
        return Ok(None);
    };
    let allowed = right && account.disabled_at.is_none();
    if allowed {
        context.store.forget_failures(&account.name).await?;
    }
    let action = if allowed {
        "sign_in"
    } else {
        "sign_in_refused"
    };
    let entry = audit_entry(&account, now, action, asked);
    context.store.append_audit(vec![entry]).await?;
    Ok(allowed.then_some(account))
}

pub(super) fn audit_entry(
    account: &StoredAccount,
    at: Instant,
    action: &'static str,
    (request_id, origin): (&str, &Origin),
) -> AuditEntry {
    AuditEntry {
        at,
        actor: account.name.clone(),
        on_behalf_of: None,
        role: account
            .roles
            .first()
            .map_or("none", |role| role.name())
            .to_owned(),
        organisation: None,
        purpose: None,
        action,
        request_id: request_id.to_owned(),
        persons: Vec::new(),
        record: None,
        origin: origin.clone(),
    }
}

/// Who comes with this cookie; `None` when the session has ended.
///
/// # Errors
/// A fault of ours.
pub async fn visit(context: &Context, cookie: &str) -> Result<Option<Visit>, FlowError> {
    let Some((session, account)) = present(context, cookie).await? else {
        return Ok(None);
    };
    let now = context.clock.now();
    Ok(Some(Visit {
        elsewhere: account.password.is_none(),
        account: account.name,
        roles: account.roles,
        confirmed: is_within(session.confirmed_at, CONFIRMATION_SECONDS, now),
        purpose: session.purpose,
        began_at: session.began_at,
    }))
}

pub(super) async fn present(
    context: &Context,
    cookie: &str,
) -> Result<Option<(StoredSession, StoredAccount)>, FlowError> {
    let store = &context.store;
    let Some(mut session) = store.find_session(&digest(cookie)).await? else {
        return Ok(None);
    };
    let now = context.clock.now();
    let lasts = is_within(session.began_at, SESSION_SECONDS_MAX, now)
        && is_within(session.seen_at, SESSION_IDLE_SECONDS, now);
    let account = store.find_account(&session.account).await?;
    let account = account.filter(|account| lasts && account.disabled_at.is_none());
    let Some(account) = account else {
        store.end_session(&session.digest).await?;
        return Ok(None);
    };
    if !is_within(session.seen_at, SESSION_SEEN_SECONDS, now) {
        session.seen_at = now;
        store.keep_session(&session).await?;
    }
    Ok(Some((session, account)))
}

/// A clock that was set back ends nothing and confirms nothing.
pub(super) fn is_within(since: Instant, seconds: i64, now: Instant) -> bool {
    now < since.plus_microseconds(seconds * 1_000_000)
}

/// The password, given again in a session; `false` when it is not the right one.
///
/// # Errors
/// A fault of ours.
pub async fn confirm_visit(
    context: &Context,
    cookie: &str,
    password: String,
    asked: (&str, &Origin),
) -> Result<bool, FlowError> {
    let Some((mut session, account)) = present(context, cookie).await? else {
        return Ok(false);
    };
    let confirmed = confirm(context, &account.name, password, asked).await?;
    if confirmed.is_none() {
        return Ok(false);
    }
    session.confirmed_at = context.clock.now();
    session.seen_at = session.confirmed_at;
    context.store.keep_session(&session).await?;
    Ok(true)
}

/// Keeps why the reader reads persons from now on.
///
/// # Errors
/// No words or too many, or a fault of ours.
pub async fn set_purpose(context: &Context, cookie: &str, purpose: &str) -> Result<(), FlowError> {
    let purpose = purpose.trim();
    let length = purpose.chars().count();
    let odd = purpose.chars().any(char::is_control);
    if !(1..=PURPOSE_CHARACTERS_MAX).contains(&length) || odd {
        return Err(FlowError::Unprocessable {
            member: "purpose",
            rule: "R131",
            detail: format!(
                "say in words why you look at people, in {PURPOSE_CHARACTERS_MAX} characters at most"
            ),
        });
    }
    if let Some((mut session, _)) = present(context, cookie).await? {
        session.purpose = Some(purpose.to_owned());
        context.store.keep_session(&session).await?;
    }
    Ok(())
}

/// Ends the session.
///
/// # Errors
/// A fault of ours.
pub async fn sign_out(context: &Context, cookie: &str) -> Result<(), FlowError> {
    context.store.end_session(&digest(cookie)).await?;
    Ok(())
}

/// Ends all sessions of the account, on every machine.
///
/// # Errors
/// A fault of ours.
pub async fn sign_out_everywhere(context: &Context, account: &str) -> Result<(), FlowError> {
    context.store.end_sessions(account).await?;
    Ok(())
}

/// Gives the account of this session another password, which ends its sessions;
/// `false` when the present one is not right.
///
/// # Errors
/// A new password that is too short, or a fault of ours.
pub async fn change_password(
    context: &Context,
    cookie: &str,
    (present, new): (String, String),
    asked: (&str, &Origin),
) -> Result<bool, FlowError> {
    let Some(known) = visit(context, cookie).await? else {
        return Ok(false);
    };
    if !confirm_visit(context, cookie, present, asked).await? {
        return Ok(false);
    }
    super::set_password(context, &known.account, new).await?;
    Ok(true)
}

fn digest(cookie: &str) -> String {
    hex(&Sha256::digest(cookie.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{Instant, is_within};

    fn at(seconds: i64) -> Instant {
        Instant::from_microseconds(1_700_000_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn a_time_out_counts_from_what_was_last() {
        assert!(is_within(at(0), 60, at(59)));
        assert!(!is_within(at(0), 60, at(60)));
        assert!(is_within(at(10), 60, at(0)), "a clock that was set back");
    }
}
