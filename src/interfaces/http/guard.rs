//! Who calls: bearer token, the person behind a system, the reason, the
//! request id. A handler gets a [`Caller`] or is not called.

use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::flows::{self, Context};
use crate::interfaces::http::Current;
use crate::interfaces::http::door::{AtTheDoor, Door};
use crate::interfaces::http::listener::ShownCertificate;
use crate::interfaces::http::settings::ClientCertificate;
use crate::interfaces::http::{Problem, Refused};
use crate::registry::SourceCode;
use crate::security::{Access, Action, Actor, ActorKind, Denied, OnBehalf, Origin, Role};

/// Longest value of one of our headers.
const HEADER_CHARACTERS_MAX: usize = 512;

/// An authenticated account with what the request says beside it.
#[derive(Debug, Clone)]
pub struct Caller {
    actor: Actor,
}

impl Caller {
    /// Id of the request.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.actor.request_id
    }

    /// Asks the policy.
    ///
    /// # Errors
    /// The policy says no.
    pub fn may(&self, action: Action) -> Result<Access, Problem> {
        Access::to(action, self.actor.clone()).map_err(|denied| self.denied(denied))
    }

    /// The same, for one source.
    ///
    /// # Errors
    /// The policy says no.
    pub fn may_for(&self, action: Action, source: &str) -> Result<Access, Problem> {
        Access::to_source(action, self.actor.clone(), source).map_err(|denied| self.denied(denied))
    }

    /// Asks the policy for a source that is to be written. Whoever writes, and tries it for
    /// a source that is not theirs, is refused, and that stands in the audit.
    ///
    /// # Errors
    /// The policy says no.
    pub async fn may_write(
        &self,
        context: &Context,
        source: &SourceCode,
    ) -> Result<Access, Problem> {
        let refused = match self.may_for(Action::WriteRecord, source.as_str()) {
            Ok(access) => return Ok(access),
            Err(refused) => refused,
        };
        if let Ok(access) = self.may(Action::WriteRecord) {
            let noted = flows::note_refusal(context, &access, source).await;
            noted.map_err(|error| Problem::of(&error, self.request_id()))?;
        }
        Err(refused)
    }

    fn denied(&self, denied: Denied) -> Problem {
        Problem::denied(denied, self.request_id())
    }

    /// A problem that carries this request's id.
    pub fn problem(&self, refused: Refused, detail: impl Into<String>) -> Problem {
        Problem::new(refused, detail, self.request_id())
    }
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>, ()> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    // Names of people and organisations come as UTF-8, which HTTP calls opaque bytes.
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| ())?
        .trim();
    if text.chars().count() > HEADER_CHARACTERS_MAX || text.chars().any(char::is_control) {
        return Err(());
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// The caller's own request id when it is sound, else one of ours. Digits alone
/// are not taken: they could be a patient's number, and the id stands in the log.
pub(super) fn request_id(headers: &HeaderMap, context: &Context) -> String {
    let sent = headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok());
    let sound = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && id.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    sent.filter(sound)
        .map_or_else(|| context.new_request_id(), str::to_owned)
}

/// Notes whose request it is, for the log; `false` when the account asks too often.
#[must_use]
pub fn let_in(parts: &Parts, name: &str) -> bool {
    let at = parts.extensions.get::<AtTheDoor>();
    let AtTheDoor { door, account } =
        at.expect("invariant: every request passes the door before its guard");
    // The first one stands: there is one guard to a request.
    let _ = account.set(name.to_owned());
    let may = door.rates.take(name, Instant::now());
    if !may {
        metrics::counter!("accord_requests_limited_total").increment(1);
    }
    may
}

/// The account of a request: that of its token, or of its certificate where there is none.
async fn authenticated(
    parts: &Parts,
    context: &Context,
    request_id: &str,
) -> Result<Actor, Problem> {
    let refuse = |detail: &str| Problem::new(Refused::Unauthenticated, detail, request_id);
    let token = parts
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned());
    let Some(token) = token else {
        let client = client_of(parts).ok_or_else(|| {
            refuse("send a token: Authorization: Bearer TOKEN (see `accord token create`)")
        })?;
        return Ok(Actor {
            name: client.account.clone(),
            kind: ActorKind::System,
            roles: vec![Role::Integration],
            sources: vec![client.source.to_string()],
            on_behalf_of: None,
            reason: None,
            request_id: request_id.to_owned(),
            origin: Origin::default(),
        });
    };
    let known = door_of(parts).tokens.authenticate(context, &token).await;
    known
        .map_err(|error| Problem::of(&error, request_id))?
        .ok_or_else(|| refuse("this token is not known here or was revoked"))
}

/// The same account, bound to the source of its connection's certificate. A token of
/// another source that comes with it is refused, and that is audited.
async fn bound(
    parts: &Parts,
    context: &Context,
    mut actor: Actor,
    request_id: &str,
) -> Result<Actor, Problem> {
    let Some(client) = client_of(parts) else {
        return Ok(actor);
    };
    let source = client.source.to_string();
    if actor.may_use_source(&source) {
        actor.sources = vec![source];
        return Ok(actor);
    }
    request_id.clone_into(&mut actor.request_id);
    actor.origin = origin_in(parts);
    actor.reason = Some("refused: the certificate speaks for another source".to_owned());
    let written = flows::audit_refusal(context, &actor).await;
    written.map_err(|error| Problem::of(&error, request_id))?;
    let detail = "the certificate of this connection speaks for another source than the token";
    Err(Problem::new(Refused::Forbidden, detail, request_id))
}

fn door_of(parts: &Parts) -> &Door {
    let at = parts.extensions.get::<AtTheDoor>();
    &at.expect("invariant: every request passes the door before its guard")
        .door
}

/// Where the request comes from.
pub fn origin_in(parts: &Parts) -> Origin {
    parts.extensions.get().cloned().unwrap_or_default()
}

/// What the certificate of the connection speaks for.
fn client_of(parts: &Parts) -> Option<&ClientCertificate> {
    let shown = parts.extensions.get::<ShownCertificate>()?;
    door_of(parts).settings.client(&shown.0)
}

impl FromRequestParts<Current> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, current: &Current) -> Result<Self, Problem> {
        let context = current.context();
        let request_id = request_id(&parts.headers, context);
        let actor = authenticated(parts, context, &request_id).await?;
        // Before anything is written of it.
        if !let_in(parts, &actor.name) {
            let detail = "this account asks too often; send the same request again in a second";
            return Err(Problem::new(Refused::TooMany, detail, &request_id));
        }
        let mut actor = bound(parts, context, actor, &request_id).await?;
        let malformed = |name: &str| {
            let detail = format!("the {name} header is not text of at most 512 characters");
            Problem::new(Refused::Malformed, detail, &request_id).member(name)
        };
        let header = |name: &'static str| text(&parts.headers, name).map_err(|()| malformed(name));
        actor.reason = header("accord-reason")?;
        if let Some(user) = header("accord-user")? {
            let role = header("accord-role")?.ok_or_else(|| malformed("accord-role"))?;
            let role = role.parse().map_err(|_| malformed("accord-role"))?;
            let organisation = header("accord-organisation")?;
            if !context
                .trusts_on_behalf(&actor)
                .await
                .map_err(|e| Problem::of(&e, &request_id))?
            {
                let detail = "this account may not act for a person; an administrator can allow \
                              it for its source";
                return Err(Problem::new(Refused::Forbidden, detail, &request_id));
            }
            actor.on_behalf_of = Some(OnBehalf {
                user,
                role,
                organisation,
            });
        }
        actor.request_id = request_id;
        actor.origin = origin_in(parts);
        Ok(Self { actor })
    }
}
