//! What every request that writes begins with.

use axum::extract::{FromRef as _, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::flows::Context;
use crate::interfaces::fhir::bundle_entry::Counter;
use crate::interfaces::fhir::identifiers::sources;
use crate::interfaces::fhir::writing::Desk;
use crate::interfaces::http::{Caller, Current, Problem};
use crate::registry::Source;
use crate::security::Action;

/// Who writes, and which sources are known. Who may write nothing is told so before
/// anything is read.
pub(super) struct Opened {
    pub(super) context: Context,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) sources: Vec<Source>,
}

impl FromRequestParts<Current> for Opened {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, current: &Current) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, current).await?;
        caller.may(Action::WriteRecord)?;
        let context = Context::from_ref(current);
        let sources = sources(&context, &caller).await?;
        Ok(Self {
            context,
            caller,
            headers: parts.headers.clone(),
            sources,
        })
    }
}

impl Opened {
    /// Carries out entries.
    pub(super) const fn counter(&self) -> Counter<'_> {
        Counter {
            context: &self.context,
            caller: &self.caller,
            headers: &self.headers,
            sources: self.sources.as_slice(),
        }
    }

    /// Takes Patients in.
    pub(super) const fn desk(&self) -> Desk<'_> {
        Desk::new(
            &self.context,
            &self.caller,
            &self.headers,
            self.sources.as_slice(),
        )
    }
}
