//! Acknowledgements of changed ids, and the chase list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::{ChaseEntry, ChaseList};
use crate::foundation::{Instant, PersonId};

/// What a reader has taken over.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgementBody {
    /// `position` of the event that changed the id, as the feed, a webhook or the
    /// chase list gave it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[!-~]+$",
        example = "2.6b1f0c95d2a4e87730c6f1b8a95d24e3f07c1a6b52d98e40"
    )]
    pub position: String,
}

/// What is noted.
#[derive(Serialize, ToSchema)]
pub struct AcknowledgedBody {
    /// The id.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: String,
    /// Up to where.
    position: String,
    /// When (RFC 3339).
    at: String,
}

impl AcknowledgedBody {
    /// What is noted.
    pub fn of(person: PersonId, position: String, at: Instant) -> Self {
        Self {
            person_id: person.to_string(),
            position,
            at: at.to_string(),
        }
    }
}

/// Readers that hold an id that has changed.
#[derive(Serialize, ToSchema)]
pub struct ChaseBody {
    /// In order of the changes; each reader once for each id.
    unacknowledged: Vec<ChaseEntryBody>,
    /// Send as `after` to go on; opaque.
    next: String,
    /// Whether something may follow.
    more: bool,
}

/// A reader that holds an id that has changed.
#[derive(Serialize, ToSchema)]
struct ChaseEntryBody {
    /// The account.
    #[schema(example = "gp-feed")]
    reader: String,
    /// The id that it was told.
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    person_id: String,
    /// What the id resolves to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^P-[0-9a-f]{32}$")]
    resolves_to: Option<String>,
    /// When it was told first (RFC 3339).
    told_at: String,
    /// When the id changed (RFC 3339): the first change not taken over.
    changed_at: String,
    /// The place of the last change: acknowledging it acknowledges all; opaque.
    position: String,
}

impl From<ChaseEntry> for ChaseEntryBody {
    fn from(entry: ChaseEntry) -> Self {
        Self {
            reader: entry.reader,
            person_id: entry.person.to_string(),
            resolves_to: entry.resolves_to.map(|person| person.to_string()),
            told_at: entry.told_at.to_string(),
            changed_at: entry.changed_at.to_string(),
            position: entry.place,
        }
    }
}

impl From<ChaseList> for ChaseBody {
    fn from(list: ChaseList) -> Self {
        Self {
            unacknowledged: list.entries.into_iter().map(ChaseEntryBody::from).collect(),
            next: list.next,
            more: list.more,
        }
    }
}
