//! What an operation is given.

use serde::Deserialize;
use serde_json::Value;

use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::view::{PlainIdentifier, Reference};
use crate::interfaces::http::{Caller, Problem, Refused};

/// A Parameters resource.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Parameters {
    parameter: Vec<Parameter>,
}

/// One of its parameters.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) resource: Option<Value>,
    pub(super) value_boolean: Option<bool>,
    pub(super) value_integer: Option<i64>,
    pub(super) value_string: Option<String>,
    pub(super) value_uri: Option<String>,
    pub(super) value_url: Option<String>,
    pub(super) value_identifier: Option<PlainIdentifier>,
    pub(super) value_reference: Option<Reference>,
    modifier_extension: Vec<Value>,
}

impl Parameters {
    /// Reads them; none beside these names may be there.
    pub(super) fn read(body: &Body, caller: &Caller, known: &[&str]) -> Result<Self, Problem> {
        let read: Self = body.resource("Parameters")?.view()?;
        for (place, parameter) in read.parameter.iter().enumerate() {
            let expression = format!("Parameters.parameter[{place}]");
            let (spine, detail) = if !parameter.modifier_extension.is_empty() {
                (
                    Spine::InvalidValue,
                    "it has a modifier extension, and none is understood here",
                )
            } else if known.contains(&parameter.name.as_str()) {
                continue;
            } else {
                (
                    Spine::AdditionalProperties,
                    "no such parameter is known here",
                )
            };
            return Err(refuse(
                caller,
                Refused::Malformed,
                spine,
                &expression,
                detail,
            ));
        }
        Ok(read)
    }

    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Parameter> {
        self.parameter
            .iter()
            .filter(move |parameter| parameter.name == name)
    }

    pub(super) fn one(&self, name: &str) -> Option<&Parameter> {
        self.parameter
            .iter()
            .find(|parameter| parameter.name == name)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.one(name)
            .and_then(|parameter| parameter.value_boolean)
            .unwrap_or(false)
    }
}

impl Parameter {
    /// Its text, however it is typed.
    pub(super) fn text(&self) -> Option<String> {
        let plain = self.value_string.clone().or_else(|| self.value_uri.clone());
        plain.or_else(|| self.value_url.clone()).or_else(|| {
            let identifier = self.value_identifier.as_ref()?;
            let system = identifier.system.as_deref().unwrap_or_default();
            Some(format!("{system}|{}", identifier.value.as_deref()?))
        })
    }
}
