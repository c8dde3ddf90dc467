//! `as_of`: an instant of knowledge, RFC 3339 (R139).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::Moment;
use crate::foundation::Instant;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::SourceCode;
use crate::security::{Access, Action};

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

/// Whose masking and seals apply to an answer about the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Masking {
    /// Those of now.
    Now,
    /// Those of the instant that `as_of` names: for auditors, to see what was visible
    /// then.
    Then,
}

/// Asks the policy for a read: by the action, or by an auditor's right to see what was
/// visible then.
///
/// # Errors
/// The policy says no, or no instant is named.
pub(super) fn may_read(
    caller: &Caller,
    action: Action,
    source: Option<&SourceCode>,
    (masking, as_of): (Option<Masking>, Option<&str>),
) -> Result<Access, Problem> {
    let action = match masking {
        Some(Masking::Then) if as_of.is_none() => {
            let detail = "masking=then needs as_of, the instant whose sight it is about";
            let problem = caller.problem(Refused::Unprocessable, detail);
            return Err(problem.member("as_of").rule("R139"));
        }
        Some(Masking::Then) => Action::ReconstructPast,
        Some(Masking::Now) | None => action,
    };
    match source {
        Some(source) => caller.may_for(action, source.as_str()),
        None => caller.may(action),
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
