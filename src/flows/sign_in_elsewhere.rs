//! Signing in by a provider's word: the account is made at the first time, and its
//! roles are those that the provider's claims give each time. Sessions are as any.

use sha2::{Digest as _, Sha256};

use crate::flows::sign_in::{audit_entry, begin, is_within, present};
use crate::flows::{Context, FlowError};
use crate::foundation::limits::CONFIRMED_ELSEWHERE_SECONDS;
use crate::foundation::{Instant, hex};
use crate::security::{Origin, Role};

/// Somebody for whom a provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The name of the account.
    pub account: String,
    /// Who they are to the provider.
    pub subject: String,
    /// Their session there, where the provider names it.
    pub session: Option<String>,
    /// The roles that the claims give; there may be none.
    pub roles: Vec<Role>,
    /// When they have last shown the provider who they are.
    pub authenticated_at: Option<Instant>,
}

/// Signs somebody in by a provider's word and gives the cookie's value; `None` when
/// the account is disabled, or is one with a password of its own.
///
/// # Errors
/// A fault of ours.
pub async fn sign_in_vouched(
    context: &Context,
    vouched: Vouched,
    asked: (&str, &Origin),
) -> Result<Option<String>, FlowError> {
    let (store, now) = (&context.store, context.clock.now());
    let name = &vouched.account;
    store
        .keep_vouched_account(name, &vouched.roles, now)
        .await?;
    let Some(account) = store.find_account(name).await? else {
        return Ok(None);
    };
    let allowed = account.disabled_at.is_none() && account.password.is_none();
    let action = if allowed {
        "sign_in"
    } else {
        "sign_in_refused"
    };
    let entry = audit_entry(&account, now, action, asked);
    store.append_audit(vec![entry]).await?;
    if !allowed {
        return Ok(None);
    }
    // Whoever has been signed in there for hours shows again who they are before
    // something grave.
    let confirmed_at = vouched.authenticated_at.unwrap_or_default().min(now);
    let there = (vouched.subject, vouched.session);
    let cookie = begin(context, account.name, confirmed_at, Some(there));
    Ok(Some(cookie.await?))
}

/// Somebody who has signed out at the provider, by its word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// Whose word.
    pub issuer: String,
    /// Who, where it says so.
    pub subject: Option<String>,
    /// From which session there; from all without one.
    pub session: Option<String>,
    /// The word's own id: it counts once.
    pub id: String,
    /// When it is too old to be believed.
    pub until: Instant,
}

/// Ends the sessions that came of one at the provider, or of all of somebody's there;
/// `false` when this very word was heard before.
///
/// # Errors
/// A fault of ours.
pub async fn end_vouched_sessions(
    context: &Context,
    said: LoggedOut,
    asked: (&str, &Origin),
) -> Result<bool, FlowError> {
    let (store, now) = (&context.store, context.clock.now());
    let word = hex(&Sha256::digest(format!("{}\n{}", said.issuer, said.id)));
    if store.has_heard(&word).await? {
        return Ok(false);
    }
    let (subject, session) = (said.subject.as_deref(), said.session.as_deref());
    let accounts = store.end_sessions_elsewhere(subject, session).await?;
    for name in accounts {
        if let Some(account) = store.find_account(&name).await? {
            let entry = audit_entry(&account, now, "signed_out_elsewhere", asked);
            store.append_audit(vec![entry]).await?;
        }
    }
    // Last: a word whose sessions could not be ended may be said again.
    store.note_heard(&word, said.until, now).await?;
    Ok(true)
}

/// Whether the provider says that whoever has this session has just now shown who they
/// are; the session keeps it.
///
/// # Errors
/// A fault of ours.
pub async fn confirm_vouched(
    context: &Context,
    cookie: &str,
    vouched: &Vouched,
    asked: (&str, &Origin),
) -> Result<bool, FlowError> {
    let Some((mut session, account)) = present(context, cookie).await? else {
        return Ok(false);
    };
    let now = context.clock.now();
    let fresh = vouched
        .authenticated_at
        .is_some_and(|at| is_within(at, CONFIRMED_ELSEWHERE_SECONDS, now));
    let confirmed = fresh && account.name == vouched.account;
    let action = if confirmed {
        "sign_in"
    } else {
        "sign_in_refused"
    };
    let entry = audit_entry(&account, now, action, asked);
    context.store.append_audit(vec![entry]).await?;
    if confirmed {
        session.confirmed_at = now;
        session.seen_at = now;
        context.store.keep_session(&session).await?;
    }
    Ok(confirmed)
}
