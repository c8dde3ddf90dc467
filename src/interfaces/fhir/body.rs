//! Resources that come in and go out.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::foundation::limits::RECORD_BODY_BYTES_MAX;
use crate::interfaces::fhir::outcome::{Spine, faulty};
use crate::interfaces::fhir::xml;
use crate::interfaces::http::Current;
use crate::interfaces::http::reading::{read_bytes, request_id, require_media};
use crate::interfaces::http::{Problem, Refused};
use crate::interfaces::json::Tree;

/// The media type of answers.
pub(super) const FHIR_JSON: &str = "application/fhir+json";
/// That of answers in XML.
pub(super) const FHIR_XML: &str = "application/fhir+xml";
/// Those of requests.
const ACCEPTED: [&str; 5] = [
    FHIR_JSON,
    "application/json",
    "application/json+fhir",
    FHIR_XML,
    "application/xml",
];

/// A resource that is not read yet: who may not do a thing is told so, and not what is
/// wrong with the resource.
pub(super) struct Body {
    bytes: Bytes,
    id: String,
}

impl FromRequest<Current> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Current) -> Result<Self, Problem> {
        Self::within(request, RECORD_BODY_BYTES_MAX).await
    }
}

impl Body {
    /// A body of at most `most` bytes.
    pub(super) async fn within(request: Request, most: usize) -> Result<Self, Problem> {
        let id = request_id(request.headers());
        require_media(request.headers(), &ACCEPTED, &id)?;
        let sent = request.headers().get(header::CONTENT_TYPE);
        let sent = sent.and_then(|media| media.to_str().ok());
        let xml = sent.is_some_and(|media| media.to_ascii_lowercase().contains("xml"));
        let mut bytes = read_bytes(request, most, &id).await?;
        if xml {
            let said = xml::to_json(&bytes).map_err(|fault| {
                let problem = Problem::new(Refused::Malformed, fault.to_string(), &id);
                problem.member("Resource").rule(Spine::InvalidValue.code())
            })?;
            bytes = said.into();
        }
        Ok(Self { bytes, id })
    }

    /// A resource that came inside another.
    pub(super) fn of(text: impl Into<Bytes>, id: &str) -> Self {
        Self {
            bytes: text.into(),
            id: id.to_owned(),
        }
    }

    /// The resource, which must be of this type.
    pub(super) fn resource(&self, wanted: &str) -> Result<Resource<'_>, Problem> {
        let resource = self.any()?;
        if resource.kind == wanted {
            return Ok(resource);
        }
        let detail = format!("this path takes a {wanted}");
        let problem = Problem::new(Refused::Malformed, detail, &self.id);
        Err(problem
            .member("Resource.resourceType")
            .rule(Spine::InvalidValue.code()))
    }

    /// The resource, whatever it is.
    pub(super) fn any(&self) -> Result<Resource<'_>, Problem> {
        let tree =
            Tree::parse(&self.bytes).map_err(|fault| faulty("Resource", &fault, &self.id))?;
        let mut named = tree.clone();
        let kind: Option<String> = named
            .take_as("resourceType")
            .map_err(|fault| faulty("Resource", &fault, &self.id))?;
        let kind =
            kind.ok_or_else(|| faulty("Resource", &Tree::missing("resourceType"), &self.id))?;
        Ok(Resource {
            kind,
            tree,
            id: &self.id,
        })
    }
}

/// A resource as it came.
pub(super) struct Resource<'b> {
    pub(super) kind: String,
    tree: Tree<'b>,
    id: &'b str,
}

impl Resource<'_> {
    /// What is understood of it.
    pub(super) fn view<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let read = self.tree.clone().read();
        read.map_err(|fault| faulty(&self.kind, &fault, self.id))
    }

    /// All of it.
    pub(super) fn whole(&self) -> Result<Value, Problem> {
        self.view()
    }
}

/// An answer.
pub(super) fn answer(status: StatusCode, resource: &Value) -> Response {
    let body = resource.to_string();
    (status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
}
