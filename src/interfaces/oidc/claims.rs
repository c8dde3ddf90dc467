//! What an ID token says, once its signature and its address are right.

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Validation, decode};
use serde_json::Value;

use crate::foundation::Instant;
use crate::interfaces::oidc::keys::key_of;
use crate::interfaces::oidc::settings::ProviderSettings;
use crate::interfaces::oidc::{NotVouched, Vouched};

/// Longest name of an account, as for those made here.
const NAME_CHARACTERS_MAX: usize = 64;

/// The claims of a token that is by the provider, for us, in time, and of this sign-in.
pub(super) fn read(
    token: &str,
    keys: &JwkSet,
    settings: &ProviderSettings,
    nonce: &str,
) -> Result<Value, NotVouched> {
    let (key, algorithm) = key_of(token, keys)?.ok_or(NotVouched::NotOurs("unknown key"))?;
    let mut validation = Validation::new(algorithm);
    validation.validate_nbf = true;
    validation.set_audience(&[&settings.client_id]);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = decode::<Value>(token, &key, &validation)
        .map_err(|_| NotVouched::NotOurs("the ID token is not valid"))?
        .claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("nonce") != Some(nonce) {
        return Err(NotVouched::NotOurs("nonce"));
    }
    let others = claims.get("aud").and_then(Value::as_array);
    let several = others.is_some_and(|all| all.len() > 1);
    let party = text("azp");
    if (several || party.is_some()) && party != Some(&settings.client_id) {
        return Err(NotVouched::NotOurs("authorized party"));
    }
    Ok(claims)
}

/// The token's claims with those of userinfo, which are of the same subject and never
/// replace what was signed.
pub(super) fn with_userinfo(claims: Value, userinfo: Value) -> Result<Value, NotVouched> {
    if userinfo.get("sub") != claims.get("sub") {
        return Err(NotVouched::NotOurs("userinfo of another subject"));
    }
    match (claims, userinfo) {
        (Value::Object(signed), Value::Object(mut all)) => {
            all.extend(signed);
            Ok(Value::Object(all))
        }
        _ => Err(NotVouched::Unreachable("claims that are no object")),
    }
}

/// Who it is.
pub(super) fn vouched(claims: &Value, settings: &ProviderSettings) -> Result<Vouched, NotVouched> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let strong = |acr: &str| settings.acr_values.iter().any(|wanted| wanted == acr);
    if !settings.acr_values.is_empty() && !text("acr").is_some_and(strong) {
        return Err(NotVouched::TooWeak);
    }
    let name = text(&settings.account_claim).unwrap_or_default();
    let odd = |letter: char| letter.is_control() || letter.is_whitespace();
    let account = format!("{}{name}", settings.account_prefix);
    if name.is_empty() || name.chars().any(odd) || account.chars().count() > NAME_CHARACTERS_MAX {
        return Err(NotVouched::Unreachable("no claim that names an account"));
    }
    let seconds = claims.get("auth_time").and_then(Value::as_i64);
    let subject = text("sub").unwrap_or_default().to_owned();
    Ok(Vouched {
        account,
        subject,
        session: text("sid").map(ToOwned::to_owned),
        roles: settings.roles(claims),
        authenticated_at: seconds
            .and_then(|seconds| seconds.checked_mul(1_000_000))
            .map(Instant::from_microseconds),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{vouched, with_userinfo};
    use crate::interfaces::oidc::NotVouched;
    use crate::interfaces::oidc::settings::ProviderSettings;

    fn settings(more: &str) -> ProviderSettings {
        let text =
            format!("issuer = \"https://provider.example.org\"\nclient_id = \"accord\"\n{more}");
        ProviderSettings::parse(&text).expect("a sound file")
    }

    #[test]
    fn userinfo_adds_and_never_replaces() {
        let signed = json!({"sub": "1", "acr": "weak"});
        let more = json!({"sub": "1", "acr": "strong", "groups": ["a"]});
        let all = with_userinfo(signed.clone(), more).expect("one subject");
        assert_eq!(all["acr"], "weak");
        assert_eq!(all["groups"][0], "a");
        assert!(with_userinfo(signed, json!({"sub": "2"})).is_err());
    }

    #[test]
    fn an_account_is_named_by_its_claim_behind_a_prefix() {
        let claims = json!({"sub": "1", "uid": "555", "auth_time": 7});
        let found = vouched(&claims, &settings("account_claim = \"uid\"")).expect("somebody");
        assert_eq!(found.account, "oidc:555");
        assert_eq!(
            found.authenticated_at.map(|at| at.microseconds()),
            Some(7_000_000)
        );
        for odd in [json!({"sub": ""}), json!({"sub": "a b"}), json!({"sub": 1})] {
            assert!(vouched(&odd, &settings("")).is_err());
        }
    }

    #[test]
    fn a_sign_in_that_is_too_weak_is_refused() {
        let settings = settings("acr_values = [\"AAL3_ANY\"]");
        for claims in [json!({"sub": "1"}), json!({"sub": "1", "acr": "AAL1"})] {
            assert_eq!(vouched(&claims, &settings), Err(NotVouched::TooWeak));
        }
        let strong = json!({"sub": "1", "acr": "AAL3_ANY"});
        assert!(vouched(&strong, &settings).is_ok());
    }
}
