//! Speaking to the provider: what it offers, its keys, a code for tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use reqwest::RequestBuilder;
use reqwest::header;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::RwLock;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::interfaces::oidc::assertion::{ASSERTION_TYPE, ClientKey, Statement};
use crate::interfaces::oidc::claims::{read, vouched, with_userinfo};
use crate::interfaces::oidc::keys::is_known;
use crate::interfaces::oidc::logout;
use crate::interfaces::oidc::settings::{Audience, ProviderSettings, secure};
use crate::interfaces::oidc::{LoggedOut, NotVouched, Purpose, Ticket, Vouched};

/// A sign-in page waits no longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Answers are small; nothing longer is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// An unknown key makes us ask again, but not more often.
const KEYS_AGE_MIN: Duration = Duration::from_secs(10);
/// What a provider offers changes seldom.
const OFFER_AGE_MAX: Duration = Duration::from_hours(1);

/// What the provider offers (OpenID Connect Discovery 1.0 §3).
#[derive(Debug, Clone, Deserialize)]
struct Offer {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Debug)]
struct Known {
    offer: Offer,
    keys: JwkSet,
    since: Instant,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    id_token: String,
}

/// How we show the provider who we are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Not at all: a public client, with PKCE alone.
    None,
    /// By a secret that both know.
    Secret(String),
    /// By a signed statement.
    Key(ClientKey),
}

/// A provider at which people sign in.
#[derive(Debug)]
pub struct Provider {
    settings: ProviderSettings,
    proof: Proof,
    client: reqwest::Client,
    known: RwLock<Option<Arc<Known>>>,
}

impl Provider {
    /// A provider that is asked when somebody comes.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(settings: ProviderSettings, proof: Proof) -> Result<Self, reqwest::Error> {
        let mut client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(Policy::none());
        if settings.issuer.starts_with("http:") {
            // On the machine itself: no proxy leads there.
            client = client.no_proxy();
        }
        let client = client.build()?;
        Ok(Self {
            settings,
            proof,
            client,
            known: RwLock::default(),
        })
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where people reach the pages, if it was said.
    #[must_use]
    pub fn own_url(&self) -> Option<&str> {
        let url = self.settings.url.as_deref();
        url.map(|url| url.trim_end_matches('/'))
    }

    /// Where the browser goes with a ticket.
    ///
    /// # Errors
    /// The provider does not answer.
    pub async fn way_there(&self, ticket: &Ticket, back: &str) -> Result<String, NotVouched> {
        let known = self.known(false).await?;
        let mut url = endpoint(&known.offer.authorization_endpoint)?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", back)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", &ticket.state())
            .append_pair("nonce", &ticket.nonce())
            .append_pair("code_challenge", &ticket.challenge())
            .append_pair("code_challenge_method", "S256");
        if !self.settings.acr_values.is_empty() {
            query.append_pair("acr_values", &self.settings.acr_values.join(" "));
        }
        if ticket.purpose == Purpose::Confirm {
            query
                .append_pair("prompt", "login")
                .append_pair("max_age", "0");
        }
        drop(query);
        Ok(url.into())
    }

    /// Where somebody ends their session at the provider, if it offers that.
    pub async fn way_out(&self, back: &str) -> Option<String> {
        let known = self.known(false).await.ok()?;
        let mut url = endpoint(known.offer.end_session_endpoint.as_deref()?).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", back);
        Some(url.into())
    }

    /// Who came back with this code.
    ///
    /// # Errors
    /// The provider does not answer, or vouches for nobody.
    pub async fn vouches(
        &self,
        ticket: &Ticket,
        code: &str,
        (back, now): (&str, crate::foundation::Instant),
    ) -> Result<Vouched, NotVouched> {
        let known = self.known(false).await?;
        let said = (code, back, now);
        let tokens = self.tokens(&known.offer, ticket, said).await?;
        let known = self.with_key_of(&tokens.id_token).await?;
        let nonce = ticket.nonce();
        let mut claims = read(&tokens.id_token, &known.keys, &self.settings, &nonce)?;
        if let Some(address) = &known.offer.userinfo_endpoint {
            let asked = self.client.get(endpoint(address)?);
            let userinfo = answer::<Value>(asked.bearer_auth(tokens.access_token)).await?;
            claims = with_userinfo(claims, userinfo)?;
        }
        vouched(&claims, &self.settings)
    }

    /// Who has signed out there, by a token that the provider has sent.
    ///
    /// # Errors
    /// The provider does not answer, or the token is not its own, not for us, not of
    /// this kind, or too old.
    pub async fn hears_logout(
        &self,
        token: &str,
        now: crate::foundation::Instant,
    ) -> Result<LoggedOut, NotVouched> {
        let known = self.with_key_of(token).await?;
        logout::read(token, &known.keys, &self.settings, now)
    }

    /// What is known of the provider, asked for anew where a token names another key.
    async fn with_key_of(&self, token: &str) -> Result<Arc<Known>, NotVouched> {
        let known = self.known(false).await?;
        if is_known(token, &known.keys)? {
            return Ok(known);
        }
        self.known(true).await
    }

    async fn tokens(
        &self,
        offer: &Offer,
        ticket: &Ticket,
        (code, back, now): (&str, &str, crate::foundation::Instant),
    ) -> Result<Tokens, NotVouched> {
        let client_id = &self.settings.client_id;
        let verifier = ticket.verifier();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back),
            ("client_id", client_id),
            ("code_verifier", &verifier),
        ];
        let methods = &offer.token_endpoint_auth_methods_supported;
        // Without a word of it, RFC 6749's own method is meant.
        let basic = methods.is_empty() || methods.iter().any(|it| it == "client_secret_basic");
        let mut request = self.client.post(endpoint(&offer.token_endpoint)?);
        let statement;
        match &self.proof {
            Proof::Secret(secret) if basic => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(encoded(client_id), Some(encoded(secret)));
            }
            Proof::Secret(secret) => fields.push(("client_secret", secret)),
            Proof::Key(key) => {
                let audience = match self.settings.client_key_audience {
                    Audience::Issuer => &offer.issuer,
                    Audience::TokenEndpoint => &offer.token_endpoint,
                };
                let said = Statement {
                    client_id,
                    audience,
                    id: &ticket.statement(code),
                    now,
                };
                let refused = NotVouched::Unreachable("the client's key does not sign");
                statement = key.sign(&said).ok_or(refused)?;
                fields.push(("client_assertion_type", ASSERTION_TYPE));
                fields.push(("client_assertion", &statement));
            }
            Proof::None => {}
        }
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let media = "application/x-www-form-urlencoded";
        answer(request.header(header::CONTENT_TYPE, media).body(form)).await
    }

    /// What is known of the provider; asked for where that is nothing, old, or `anew`.
    async fn known(&self, anew: bool) -> Result<Arc<Known>, NotVouched> {
        let most = if anew { KEYS_AGE_MIN } else { OFFER_AGE_MAX };
        let fresh = |known: &&Arc<Known>| known.since.elapsed() < most;
        if let Some(known) = self.known.read().await.as_ref().filter(fresh) {
            return Ok(Arc::clone(known));
        }
        let mut place = self.known.write().await;
        // Somebody else may have asked meanwhile.
        if let Some(known) = place.as_ref().filter(fresh) {
            return Ok(Arc::clone(known));
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let address = endpoint(&format!("{issuer}/.well-known/openid-configuration"))?;
        let offer: Offer = answer(self.client.get(address)).await?;
        if offer.issuer != self.settings.issuer {
            return Err(NotVouched::Unreachable("another issuer"));
        }
        let keys = answer(self.client.get(endpoint(&offer.jwks_uri)?)).await?;
        let known = Arc::new(Known {
            offer,
            keys,
            since: Instant::now(),
        });
        *place = Some(Arc::clone(&known));
        Ok(known)
    }
}

fn endpoint(text: &str) -> Result<Url, NotVouched> {
    secure(text).ok_or(NotVouched::Unreachable("an endpoint without TLS"))
}

/// A whole answer in JSON, of bounded length.
async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, NotVouched> {
    let request = request.header(header::ACCEPT, "application/json");
    let sent = request.send().await;
    let mut answer = sent.map_err(|_| NotVouched::Unreachable("no answer"))?;
    if answer.status().is_client_error() {
        return Err(NotVouched::Refused);
    }
    if !answer.status().is_success() {
        return Err(NotVouched::Unreachable("an answer that is no success"));
    }
    let mut body = Vec::new();
    let broken = |_| NotVouched::Unreachable("an answer that breaks off");
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(NotVouched::Unreachable("an answer without end"));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| NotVouched::Unreachable("an answer that is no JSON"))
}
