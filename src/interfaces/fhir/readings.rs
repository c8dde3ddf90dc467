//! How this listener reads FHIR where a suite contradicts what is promised.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::flows::{self, Context, FlowError};
use crate::interfaces::http::{FhirReadings, RetiredIds};
use crate::registry::{LocalId, SourceCode};
use crate::security::Access;

impl<S: Sync> FromRequestParts<S> for FhirReadings {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

impl FhirReadings {
    /// Whether this listener does not know the record: its source has merged it into
    /// another of its own.
    ///
    /// # Errors
    /// A fault of ours: what cannot be looked up is not shown for that.
    pub(super) async fn hides(
        self,
        context: &Context,
        access: &Access,
        source: &SourceCode,
        local_id: &LocalId,
    ) -> Result<bool, FlowError> {
        if self.retired_ids == RetiredIds::Resolve {
            return Ok(false);
        }
        match flows::merged_into(context, access, source, local_id).await {
            Ok(into) => Ok(into.is_some()),
            Err(FlowError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
