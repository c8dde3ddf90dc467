//! The file of `accord serve --oidc`: which provider, and which claims give which
//! roles.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::interfaces::oidc::assertion::is_algorithm;
use crate::security::Role;

/// A provider, as its operator describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its issuer identifier.
    pub(super) issuer: String,
    /// What people call it.
    #[serde(default = "plain_name")]
    pub(super) name: String,
    /// What it calls us.
    pub(super) client_id: String,
    /// A file with the secret; without one the client is a public one.
    pub client_secret_file: Option<std::path::PathBuf>,
    /// A file with the private key by which the client proves itself, in place of a secret.
    pub client_key_file: Option<std::path::PathBuf>,
    /// What the provider calls that key.
    pub client_key_id: Option<String>,
    /// How it signs.
    #[serde(default = "plain_algorithm")]
    pub client_key_algorithm: String,
    /// To whom the statement of who the client is speaks.
    #[serde(default)]
    pub(super) client_key_audience: Audience,
    /// Where people reach the pages; may be left out on the machine itself.
    pub(super) url: Option<String>,
    /// What is asked for.
    #[serde(default = "plain_scopes")]
    pub(super) scopes: Vec<String>,
    /// The claim that names the account.
    #[serde(default = "subject")]
    pub(super) account_claim: String,
    /// Stands before that name, so that no account made here has the same.
    #[serde(default = "plain_prefix")]
    pub(super) account_prefix: String,
    /// How well somebody has to have shown who they are; any of these.
    #[serde(default)]
    pub(super) acr_values: Vec<String>,
    /// Which claims give which roles.
    #[serde(default, rename = "grant")]
    pub(super) grants: Vec<Grant>,
}

/// To whom a client's signed statement of itself speaks; providers differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Audience {
    /// The address that it is sent to.
    #[default]
    TokenEndpoint,
    /// The provider by its name.
    Issuer,
}

fn plain_algorithm() -> String {
    "RS512".to_owned()
}

fn plain_name() -> String {
    "your organisation".to_owned()
}

fn plain_scopes() -> Vec<String> {
    ["openid", "profile"].map(str::to_owned).into()
}

fn subject() -> String {
    "sub".to_owned()
}

fn plain_prefix() -> String {
    "oidc:".to_owned()
}

/// Who has these claims, all of them, has the role.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grant {
    role: String,
    /// A claim that is this value, or a list with it; dots lead into objects.
    claim: Option<String>,
    value: Option<String>,
    /// Of the national role that was chosen (NHS CIS2): its code, or a beginning of it
    /// up to a colon.
    role_code: Option<String>,
    activity_code: Option<String>,
    organisation: Option<String>,
}

/// Why the file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProviderProblem(String);

impl ProviderSettings {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Names what is wrong.
    pub fn parse(text: &str) -> Result<Self, ProviderProblem> {
        let problem = |text: String| ProviderProblem(text);
        let settings: Self = toml::from_str(text).map_err(|error| problem(error.to_string()))?;
        if secure(&settings.issuer).is_none() {
            return Err(problem("issuer: an https address".to_owned()));
        }
        if settings
            .url
            .as_deref()
            .is_some_and(|url| secure(url).is_none())
        {
            return Err(problem("url: an https address".to_owned()));
        }
        if !settings.scopes.iter().any(|scope| scope == "openid") {
            return Err(problem("scopes: openid is among them".to_owned()));
        }
        if settings.client_key_file.is_some() && settings.client_secret_file.is_some() {
            return Err(problem(
                "client_key_file: in place of client_secret_file".to_owned(),
            ));
        }
        if !is_algorithm(&settings.client_key_algorithm) {
            return Err(problem(
                "client_key_algorithm: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA"
                    .to_owned(),
            ));
        }
        if settings.account_prefix.trim().is_empty() {
            return Err(problem(
                "account_prefix: not empty, so that no account made here has such a name"
                    .to_owned(),
            ));
        }
        for (place, grant) in settings.grants.iter().enumerate() {
            let name = format!("grant {}", place + 1);
            match grant.role.parse::<Role>() {
                Err(unknown) => return Err(problem(format!("{name}: {unknown}"))),
                Ok(Role::Integration) => {
                    return Err(problem(format!("{name}: integration is a system's role")));
                }
                Ok(_) => {}
            }
            let conditions = [&grant.claim, &grant.role_code, &grant.activity_code];
            let paired = grant.claim.is_some() == grant.value.is_some();
            if conditions.iter().all(|it| it.is_none()) || !paired {
                return Err(problem(format!(
                    "{name}: claim with value, role_code or activity_code says who has it"
                )));
            }
        }
        Ok(settings)
    }

    /// The roles that claims give, each once.
    pub(super) fn roles(&self, claims: &Value) -> Vec<Role> {
        let chosen = chosen_role(claims);
        let granted = self.grants.iter();
        let granted = granted.filter(|grant| grant.holds(claims, chosen));
        let roles: BTreeSet<Role> = granted
            .filter_map(|grant| grant.role.parse().ok())
            .collect();
        roles.into_iter().collect()
    }
}

impl Grant {
    fn holds(&self, claims: &Value, chosen: Option<&Value>) -> bool {
        let claimed = match (&self.claim, &self.value) {
            (Some(claim), Some(value)) => says(find(claims, claim), value),
            _ => true,
        };
        let of = |member: &str| chosen.and_then(|chosen| chosen.get(member));
        let national = |asked: &Option<String>, holds: &dyn Fn(&str) -> bool| {
            asked.as_deref().is_none_or(holds)
        };
        let has_code = |wanted: &str| {
            let code = of("role_code").and_then(Value::as_str).unwrap_or_default();
            let rest = code.strip_prefix(wanted);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        claimed
            && national(&self.role_code, &has_code)
            && national(&self.activity_code, &|code| {
                says(of("activity_codes"), code)
            })
            && national(&self.organisation, &|code| says(of("org_code"), code))
    }
}

/// The role that somebody has chosen at NHS CIS2, among those that they have.
fn chosen_role(claims: &Value) -> Option<&Value> {
    let chosen = claims.get("selected_roleid")?.as_str()?;
    let all = claims.get("nhsid_nrbac_roles")?.as_array()?;
    let is_it = |role: &&Value| role.get("person_roleid").and_then(Value::as_str) == Some(chosen);
    all.iter().find(is_it)
}

/// A claim by its name, or by names with dots between them.
fn find<'c>(claims: &'c Value, name: &str) -> Option<&'c Value> {
    claims
        .get(name)
        .or_else(|| name.split('.').try_fold(claims, |at, part| at.get(part)))
}

fn says(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(wanted)),
        _ => false,
    }
}

/// An address over TLS, or on the machine itself.
pub(super) fn secure(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url))).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ProviderSettings;
    use crate::security::Role;

    const FILE: &str = r#"
        issuer = "https://provider.example.org"
        client_id = "accord"
        [[grant]]
        role = "steward"
        claim = "realm.groups"
        value = "data-quality"
        [[grant]]
        role = "approver"
        role_code = "S8000:G8000"
        activity_code = "B1610"
        organisation = "RVV"
    "#;

    #[test]
    fn r131_no_claim_no_role() {
        let settings = ProviderSettings::parse(FILE).expect("a sound file");
        for claims in [
            json!({}),
            json!({"realm": {"groups": ["porters"]}}),
            json!({"nhsid_nrbac_roles": [], "selected_roleid": "1"}),
        ] {
            assert_eq!(settings.roles(&claims), []);
        }
    }

    #[test]
    fn a_claim_that_is_a_list_or_a_text_gives_a_role() {
        let settings = ProviderSettings::parse(FILE).expect("a sound file");
        for groups in [json!(["porters", "data-quality"]), json!("data-quality")] {
            let claims = json!({"realm": {"groups": groups}});
            assert_eq!(settings.roles(&claims), [Role::Steward]);
        }
    }

    #[test]
    fn of_national_roles_only_the_chosen_one_counts_and_all_of_it_must_fit() {
        let settings = ProviderSettings::parse(FILE).expect("a sound file");
        let role = |id: &str, code: &str, activity: &str, organisation: &str| {
            json!({"person_roleid": id, "role_code": code, "org_code": organisation,
                "activity_codes": [activity]})
        };
        let fits = role("1", "S8000:G8000:R8001", "B1610", "RVV");
        let claims = |chosen: &str, other: serde_json::Value| json!({"selected_roleid": chosen, "nhsid_nrbac_roles": [fits, other]});
        let other = role("2", "S8000:G8000:R8001", "B1610", "RXX");
        assert_eq!(
            settings.roles(&claims("1", other.clone())),
            [Role::Approver]
        );
        for other in [
            other,
            role("2", "S8000:G80001:R8001", "B1610", "RVV"),
            role("2", "S8000:G8000:R8001", "B0264", "RVV"),
        ] {
            assert_eq!(settings.roles(&claims("2", other)), []);
        }
    }

    #[test]
    fn a_file_that_would_let_in_too_many_is_refused() {
        let with = |from: &str, to: &str| {
            let text = FILE.replace(from, to);
            assert_ne!(text, FILE);
            ProviderSettings::parse(&text).expect_err(to).to_string()
        };
        assert!(with("https://provider", "http://provider").contains("https"));
        assert!(with("\"steward\"", "\"superuser\"").contains("unknown role"));
        assert!(with("\"steward\"", "\"integration\"").contains("a system's"));
        assert!(with("value = \"data-quality\"", "").contains("grant 1"));
        assert!(with("client_id", "account_prefix = \" \"\nclient_id").contains("account_prefix"));
        assert!(with("client_id", "scopes = [\"email\"]\nclient_id").contains("openid"));
        assert!(with("client_id", "colour = \"red\"\nclient_id").contains("colour"));
        let key = "client_key_file = \"key\"\n";
        let both = format!("{key}client_secret_file = \"secret\"\nclient_id");
        assert!(with("client_id", &both).contains("in place of"));
        let weak = format!("{key}client_key_algorithm = \"HS256\"\nclient_id");
        assert!(with("client_id", &weak).contains("client_key_algorithm"));
    }
}
