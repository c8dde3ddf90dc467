//! A provider's word that somebody has signed out there (OpenID Connect Back-Channel
//! Logout 1.0 §2.4 and §2.6).

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;

use crate::foundation::Instant;
use crate::interfaces::oidc::keys::key_of;
use crate::interfaces::oidc::settings::ProviderSettings;
use crate::interfaces::oidc::{LoggedOut, NotVouched};

/// The member of `events` that makes a token this one.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// An older word is not believed: what was heard is remembered for as long.
const AGE_SECONDS_MAX: i64 = 300;
/// Clocks may differ by so much.
const LEEWAY_SECONDS: i64 = 60;
/// Longest id that is taken.
const ID_BYTES_MAX: usize = 1_024;

/// Reads a token that is by the provider, for us, made just now, and of this kind.
pub(super) fn read(
    token: &str,
    keys: &JwkSet,
    settings: &ProviderSettings,
    now: Instant,
) -> Result<LoggedOut, NotVouched> {
    let wrong = NotVouched::NotOurs;
    let (key, algorithm) = key_of(token, keys)?.ok_or(wrong("unknown key"))?;
    let header = decode_header(token).map_err(|_| wrong("header"))?;
    let kinds = ["JWT", "logout+jwt"];
    if !header
        .typ
        .is_none_or(|typ| kinds.iter().any(|kind| typ.eq_ignore_ascii_case(kind)))
    {
        return Err(wrong("kind of token"));
    }
    let mut validation = Validation::new(algorithm);
    validation.leeway = LEEWAY_SECONDS.unsigned_abs();
    validation.validate_nbf = true;
    validation.set_audience(&[&settings.client_id]);
    validation.set_issuer(&[&settings.issuer]);
    // Final since 2023, `exp` is still left out by some: `iat` bounds it in any case.
    validation.set_required_spec_claims(&["iss", "aud"]);
    let claims = decode::<Value>(token, &key, &validation)
        .map_err(|_| wrong("the logout token is not valid"))?
        .claims;
    let made = claims
        .get("iat")
        .and_then(Value::as_i64)
        .ok_or(wrong("iat"))?;
    let age = now.microseconds() / 1_000_000 - made;
    if !(-LEEWAY_SECONDS..=AGE_SECONDS_MAX).contains(&age) {
        return Err(wrong("iat"));
    }
    let event = claims.get("events").and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err(wrong("events"));
    }
    if claims.get("nonce").is_some() {
        return Err(wrong("nonce"));
    }
    let text = |name: &str| {
        let text = claims.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty() && text.len() <= ID_BYTES_MAX)
            .map(ToOwned::to_owned)
    };
    let (subject, session) = (text("sub"), text("sid"));
    if subject.is_none() && session.is_none() {
        return Err(wrong("neither sub nor sid"));
    }
    let until = (made + AGE_SECONDS_MAX + LEEWAY_SECONDS).saturating_mul(1_000_000);
    Ok(LoggedOut {
        issuer: settings.issuer.clone(),
        subject,
        session,
        id: text("jti").ok_or(wrong("jti"))?,
        until: Instant::from_microseconds(until),
    })
}
