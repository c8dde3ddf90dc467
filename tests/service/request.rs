//! Requests and answers of the native API, so that stories read as stories.

use std::collections::BTreeMap;
use std::ops::Index;

use reqwest::Method;
use serde_json::Value;

use crate::world::{Actor, World};

/// A request on its way.
pub(crate) struct Request<'w> {
    world: &'w World,
    method: Method,
    path: String,
    actor: Actor,
    reason: bool,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl<'w> Request<'w> {
    pub(crate) fn new(world: &'w World, method: Method, path: String) -> Self {
        Self {
            world,
            method,
            path,
            actor: Actor::Integration,
            reason: true,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Somebody else than the integration that may use every source.
    pub(crate) fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// A person who does not say why.
    pub(crate) fn without_reason(mut self) -> Self {
        self.reason = false;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A JSON body; its identifying values must never be seen in a log.
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.world.guards(body);
        self.body = Some(body.to_string().into_bytes());
        self.header("content-type", "application/json")
    }

    /// A body as it is.
    pub(crate) fn bytes(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    #[track_caller]
    pub(crate) fn send(self) -> Answer {
        let asked = format!("{} {}", self.method, self.path);
        self.try_send()
            .unwrap_or_else(|fault| panic!("{asked} was not answered: {fault}"))
    }

    /// `Err` when no whole answer came back, as when the service is killed.
    pub(crate) fn try_send(self) -> Result<Answer, String> {
        let asked = format!("{} {}", self.method, self.path);
        let mut headers = self.headers;
        if let Some(token) = self.world.token(self.actor) {
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        if self.reason && self.actor.is_person() {
            headers.push(("accord-reason".to_owned(), "direct care".to_owned()));
        }
        let (status, headers, text) =
            self.world
                .speak(self.method, &self.path, &headers, self.body)?;
        Ok(Answer {
            asked,
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    asked: String,
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// Null when the answer is not one JSON value.
    pub body: Value,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status, status,
            "{} answered {} {}",
            self.asked, self.status, self.text
        );
        self
    }

    /// A problem (RFC 9457) that names `mention` and shows none of `hidden`.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, mention: &str, hidden: &[&str]) -> Self {
        let answer = self.expect(status);
        let kind = answer
            .headers
            .get("content-type")
            .map_or("", String::as_str);
        let outcome = kind.starts_with("application/fhir+json");
        assert!(
            outcome || kind.starts_with("application/problem+json"),
            "{} answered with content type {kind:?}",
            answer.asked
        );
        let members: &[&str] = if outcome {
            &["resourceType"]
        } else {
            &["type", "detail"]
        };
        for &member in members {
            assert!(
                answer[member].as_str().is_some_and(|text| !text.is_empty()),
                "{} answered a problem without {member}: {}",
                answer.asked,
                answer.text
            );
        }
        assert!(
            answer.text.contains(mention),
            "the problem does not name {mention:?}: {}",
            answer.text
        );
        for value in hidden {
            assert!(
                !answer.text.contains(value),
                "the problem repeats {value:?}: {}",
                answer.text
            );
        }
        answer
    }

    #[track_caller]
    pub(crate) fn person(&self) -> String {
        self.member("person_id")
    }

    #[track_caller]
    pub(crate) fn member(&self, name: &str) -> String {
        self[name]
            .as_str()
            .unwrap_or_else(|| panic!("{} answered no {name}: {}", self.asked, self.text))
            .to_owned()
    }

    /// The members of an array.
    #[track_caller]
    pub(crate) fn list(&self, name: &str) -> &Vec<Value> {
        self[name]
            .as_array()
            .unwrap_or_else(|| panic!("{} answered no list {name}: {}", self.asked, self.text))
    }

    /// The ids of the tasks that the answer names.
    #[track_caller]
    pub(crate) fn tasks(&self) -> Vec<String> {
        self.list("tasks")
            .iter()
            .map(|task| {
                let id = task.as_str().or_else(|| task["task_id"].as_str());
                id.unwrap_or_else(|| panic!("a task without an id: {}", self.text))
                    .to_owned()
            })
            .collect()
    }

    /// Whether some text in the answer is exactly this, as a value.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        mentions(&self.body, text)
    }

    /// The body without what may differ between two equal answers.
    pub(crate) fn comparable(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| name != "request_id" && name != "position");
        }
        body
    }
}

impl Index<&str> for Answer {
    type Output = Value;

    fn index(&self, member: &str) -> &Value {
        &self.body[member]
    }
}

/// Whether a text somewhere inside the value is exactly `text`.
pub(crate) fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(held) => held == text,
        Value::Array(items) => items.iter().any(|item| mentions(item, text)),
        Value::Object(members) => members.values().any(|member| mentions(member, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A path segment with everything but letters and digits percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
