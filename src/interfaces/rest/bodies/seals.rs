//! Seals, in and out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::SealAnswer;
use crate::foundation::{Instant, SealId};
use crate::interfaces::rest::bodies::records::LocalIdBody;

/// Two identities that are to be kept apart.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealBody {
    /// The one.
    pub a: SealSideBody,
    /// The other; absent, the one objects to being shared and is kept from everybody.
    pub b: Option<SealSideBody>,
    /// Why; it stands in the audit.
    #[schema(
        min_length = 1,
        max_length = 512,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "adoption order"
    )]
    pub reason: String,
}

/// One side: a person's id, or a record by its name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SealSideBody {
    /// The person, by any id that it ever had.
    #[serde(default)]
    #[schema(max_length = 34, pattern = "^P-[0-9a-f]{32}$")]
    pub person_id: Option<String>,
    /// Source of a record.
    #[serde(default)]
    #[schema(max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$", example = "gp")]
    pub source: Option<String>,
    /// The record's id there.
    #[serde(default)]
    #[schema(
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "A-1001"
    )]
    pub local_id: Option<String>,
}

/// A new seal.
#[derive(Serialize, ToSchema)]
pub struct MadeSealBody {
    /// Its id.
    #[schema(pattern = "^SL-[0-9a-f]{32}$")]
    seal_id: String,
    /// Since when (RFC 3339).
    made_at: String,
}

impl MadeSealBody {
    /// The seal.
    pub fn of(seal: SealId, at: Instant) -> Self {
        Self {
            seal_id: seal.to_string(),
            made_at: at.to_string(),
        }
    }
}

/// The seals that hold.
#[derive(Serialize, ToSchema)]
pub struct SealsBody {
    /// The first one first.
    seals: Vec<ListedSealBody>,
}

/// A seal.
#[derive(Serialize, ToSchema)]
struct ListedSealBody {
    /// Its id.
    #[schema(pattern = "^SL-[0-9a-f]{32}$")]
    seal_id: String,
    /// Since when (RFC 3339).
    made_at: String,
    /// By whom.
    made_by: String,
    /// The one side.
    a: SealedBody,
    /// The other; absent for an objection, which keeps the one from everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<SealedBody>,
}

/// One side of a seal as it stands now.
#[derive(Serialize, ToSchema)]
struct SealedBody {
    /// Persons that its records belong to now.
    person_ids: Vec<String>,
    /// Its records.
    records: Vec<LocalIdBody>,
}

impl From<Vec<SealAnswer>> for SealsBody {
    fn from(seals: Vec<SealAnswer>) -> Self {
        let side = |records: Vec<crate::flows::SealedRecord>| {
            let mut person_ids: Vec<String> = records
                .iter()
                .filter_map(|(_, _, person)| person.map(|person| person.to_string()))
                .collect();
            person_ids.sort();
            person_ids.dedup();
            let records = records.into_iter();
            let records = records.map(|(source, local_id, _)| LocalIdBody {
                source: source.to_string(),
                local_id: local_id.to_string(),
            });
            SealedBody {
                person_ids,
                records: records.collect(),
            }
        };
        let seals = seals.into_iter().map(|seal| ListedSealBody {
            seal_id: seal.id.to_string(),
            made_at: seal.made_at.to_string(),
            made_by: seal.made_by,
            a: side(seal.a),
            b: (!seal.whole).then(|| side(seal.b)),
        });
        Self {
            seals: seals.collect(),
        }
    }
}
