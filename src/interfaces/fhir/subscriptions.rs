//! Subscriptions by rest-hook, and to PMIR's feed (ITI-94): readers of the one outbox
//! that the webhooks have, told in order and at least once. For administrators.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::flows::{self, Context, FlowError, NewWebhook, WebhookAnswer};
use crate::foundation::WebhookId;
use crate::foundation::limits::WEBHOOK_EVENTS_MAX;
use crate::interfaces::fhir::FHIR_PREFIX;
use crate::interfaces::fhir::body::{Body, FHIR_JSON, answer};
use crate::interfaces::fhir::identifiers::{shown, source_of, sources};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::query::{Query, token};
use crate::interfaces::fhir::searchset::Searchset;
use crate::interfaces::fhir::view::SubscriptionView;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::Source;
use crate::security::{Access, Action, MessageForm, without_form};

/// The account that is told, in the audit.
const ACCOUNT: &str = "urn:accord:account";
/// With what messages are signed; told once.
const SECRET: &str = "urn:accord:secret";

/// Subscribes; what has happened before is not told.
pub(super) async fn create(
    State(context): State<Context>,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let sent: SubscriptionView = body.resource("Subscription")?.view()?;
    let known = sources(&context, &caller).await?;
    let new = wanted(&caller, &access, &known, &sent)?;
    let made = flows::add_webhook(&context, &access, new).await;
    let (made, secret) = made.map_err(|error| match &error {
        FlowError::Unprocessable { detail, .. } => {
            let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
            let place = "Subscription.channel.endpoint";
            refuse(&caller, refused, spine, place, detail.clone())
        }
        other => Problem::of(other, caller.request_id()),
    })?;
    let mut resource = subscription(&made);
    resource["extension"] = json!([
        account(&made),
        {"url": SECRET, "valueString": secret.into_revealed()},
    ]);
    let mut response = answer(StatusCode::CREATED, &resource);
    let place = format!("{FHIR_PREFIX}/Subscription/{}", made.webhook.id);
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// Reads one, and how it stands.
pub(super) async fn read(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let all = listed(&context, &caller).await?;
    let mut all = all.iter();
    let found = all.find(|it| it.webhook.id.to_string() == id);
    let found = found.ok_or_else(|| unknown(&caller))?;
    Ok(answer(StatusCode::OK, &subscription(found)))
}

/// Lists them, by status and endpoint where these are asked for.
pub(super) async fn by_query(
    State(context): State<Context>,
    caller: Caller,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let all = listed(&context, &caller).await?;
    let query = Query::read(&query.unwrap_or_default(), caller.request_id())?;
    let mut names = query.pairs.iter().map(|(name, _)| name.as_str());
    if !names.all(|name| matches!(name, "status" | "url" | "_format" | "_count")) {
        let detail = "search by status or by url";
        let (refused, spine) = (Refused::Malformed, Spine::InvalidSearchData);
        return Err(refuse(&caller, refused, spine, "query", detail));
    }
    let status = query.one("status", caller.request_id())?;
    let url = query.one("url", caller.request_id())?;
    let mut found = Searchset::new(&headers);
    for resource in all.iter().map(subscription) {
        let is = |held: &Value, asked: Option<&str>| asked.is_none_or(|asked| *held == asked);
        if is(&resource["status"], status) && is(&resource["channel"]["endpoint"], url) {
            found.add(resource, &json!({}));
        }
    }
    Ok(found.answer("/Subscription"))
}

/// Ends one, with what it did not take.
pub(super) async fn delete(
    State(context): State<Context>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let all = listed(&context, &caller).await?;
    let mut all = all.iter().map(|it| it.webhook.id);
    let id: WebhookId = all
        .find(|known| known.to_string() == id)
        .ok_or_else(|| unknown(&caller))?;
    let removed = flows::remove_webhook(&context, &access, id).await;
    removed.map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Readers that are told in FHIR's words.
async fn listed(context: &Context, caller: &Caller) -> Result<Vec<WebhookAnswer>, Problem> {
    let access = caller.may(Action::ManageWebhook)?;
    let all = flows::list_webhooks(context, &access).await;
    let mut all = all.map_err(|error| Problem::of(&error, caller.request_id()))?;
    all.retain(|it| without_form(&it.webhook.url).0 != MessageForm::Events);
    Ok(all)
}

fn unknown(caller: &Caller) -> Problem {
    caller.problem(Refused::NotFound, "no Subscription with this id is known")
}

/// What is subscribed to; what cannot be kept is refused and not passed over.
fn wanted(
    caller: &Caller,
    access: &Access,
    sources: &[Source],
    sent: &SubscriptionView,
) -> Result<NewWebhook, Problem> {
    let bad = |place: &str, detail: &str| {
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
        refuse(
            caller,
            refused,
            spine,
            &format!("Subscription.{place}"),
            detail,
        )
    };
    if !sent.modifier_extension.is_empty() {
        return Err(bad("modifierExtension", "none is known here"));
    }
    if !matches!(sent.status.as_deref(), Some("requested" | "active")) {
        return Err(bad("status", "send status requested"));
    }
    if sent.end.is_some() {
        return Err(bad("end", "a Subscription here ends when it is deleted"));
    }
    let channel = &sent.channel;
    if channel.r#type.as_deref() != Some("rest-hook") {
        return Err(bad("channel.type", "only rest-hook is spoken here"));
    }
    if !channel.header.is_empty() {
        let detail = "headers are not kept: messages are signed as Standard Webhooks says, with \
                      the secret that the answer tells";
        return Err(bad("channel.header", detail));
    }
    let form = match channel.payload.as_deref() {
        None | Some("") => MessageForm::Knock,
        Some(FHIR_JSON | "application/json") => MessageForm::PatientFeed,
        Some(_) => {
            return Err(bad(
                "channel.payload",
                "send application/fhir+json, or none",
            ));
        }
    };
    let endpoint = channel.endpoint.as_deref().unwrap_or_default();
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        return Err(bad(
            "channel.endpoint",
            "the endpoint must be an http or https URL",
        ));
    }
    let mut named = sent.extension.iter().filter(|it| it.url == ACCOUNT);
    let account = named.next().and_then(|it| it.value_string.clone());
    let account = account.unwrap_or_else(|| access.actor().name.clone());
    if account.trim().is_empty() || account.len() > 256 || account.chars().any(char::is_control) {
        return Err(bad(
            "extension",
            "the account is told by a short plain text",
        ));
    }
    Ok(NewWebhook {
        url: format!("{}{endpoint}", form.prefix()),
        actor: account,
        sources: bound_to(
            caller,
            sources,
            sent.criteria.as_deref().unwrap_or_default(),
        )?,
        kinds: Vec::new(),
        events_per_message: WEBHOOK_EVENTS_MAX,
        after: None,
    })
}

/// The sources whose identity domains the criteria name (ITI-94); none for all.
fn bound_to(caller: &Caller, sources: &[Source], criteria: &str) -> Result<Vec<String>, Problem> {
    let bad = |detail: String| {
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
        refuse(caller, refused, spine, "Subscription.criteria", detail)
    };
    let wanted = "criteria must be Patient? or Patient?identifier=SYSTEM|,SYSTEM|";
    let (kind, query) = criteria.split_once('?').unwrap_or((criteria, ""));
    if kind != "Patient" {
        return Err(bad(wanted.to_owned()));
    }
    let query = Query::read(query, caller.request_id())?;
    let mut bound = Vec::new();
    for (name, value) in &query.pairs {
        if name != "identifier" {
            return Err(bad(wanted.to_owned()));
        }
        for part in value.split(',') {
            let (system, rest) = token(part);
            let system = system.unwrap_or(rest);
            if !rest.is_empty() && system != rest {
                return Err(bad(wanted.to_owned()));
            }
            let found = source_of(sources, system).ok_or_else(|| {
                bad(format!(
                    "the identity domain {} is not known here",
                    shown(system)
                ))
            })?;
            bound.push(found.code.to_string());
        }
    }
    Ok(bound)
}

fn account(of: &WebhookAnswer) -> Value {
    json!({"url": ACCOUNT, "valueString": of.webhook.actor})
}

/// A reader as a Subscription, without its secret.
fn subscription(of: &WebhookAnswer) -> Value {
    let webhook = &of.webhook;
    let (form, endpoint) = without_form(&webhook.url);
    let bound = webhook.sources.iter();
    let bound: Vec<String> = bound
        .map(|code| format!("urn:accord:source:{code}|"))
        .collect();
    let criteria = if bound.is_empty() {
        "Patient?".to_owned()
    } else {
        format!("Patient?identifier={}", bound.join(","))
    };
    let error = webhook.failed_because.clone().or_else(|| {
        (of.dead_letters > 0).then(|| format!("{} messages were given up", of.dead_letters))
    });
    let mut resource = json!({
        "resourceType": "Subscription", "id": webhook.id.to_string(),
        "extension": [account(of)],
        "status": if error.is_some() { "error" } else { "active" },
        "reason": "patient identities and their changes",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": endpoint},
    });
    if let Some(error) = error {
        resource["error"] = json!(error);
    }
    if form == MessageForm::PatientFeed {
        resource["channel"]["payload"] = json!(FHIR_JSON);
    }
    resource
}
