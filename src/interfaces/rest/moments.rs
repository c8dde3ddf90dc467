//! `as_of`: an instant of knowledge, RFC 3339 (R139).

use serde::Serialize;
use utoipa::ToSchema;

use crate::flows::Moment;
use crate::foundation::Instant;
use crate::interfaces::http::{Caller, Problem, Refused};

/// The instant that an answer is as of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AsOf {
    /// The instant.
    #[schema(example = "2026-11-22T07:30:00Z")]
    at: String,
    /// Place in the ledger of the last event that counts, opaque to the reader.
    #[schema(example = "42")]
    position: String,
}

impl From<Moment> for AsOf {
    fn from(moment: Moment) -> Self {
        Self {
            at: moment.at.to_string(),
            position: moment.position.0.to_string(),
        }
    }
}

/// The instant that a caller names.
///
/// # Errors
/// The text is none.
pub(super) fn instant(caller: &Caller, text: Option<&str>) -> Result<Option<Instant>, Problem> {
    let Some(text) = text else {
        return Ok(None);
    };
    let at = Instant::parse(text).ok_or_else(|| {
        let detail = "as_of must be an instant such as 2026-11-22T07:30:00Z";
        let problem = caller.problem(Refused::Unprocessable, detail);
        problem.member("as_of").rule("RFC 3339")
    })?;
    Ok(Some(at))
}
