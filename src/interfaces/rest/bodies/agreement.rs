//! How readers' answers agree, as figures.

use serde::Serialize;
use utoipa::ToSchema;

use crate::review::{Agreement, share_interval};

/// How readers agree with one another and with known pairs (R117).
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementBody {
    /// By name; the caller alone where they do not approve the answers of others.
    readers: Vec<ReaderBody>,
}

impl From<Vec<Agreement>> for AgreementBody {
    fn from(readers: Vec<Agreement>) -> Self {
        Self {
            readers: readers.into_iter().map(ReaderBody::from).collect(),
        }
    }
}

/// One reader.
#[derive(Debug, Serialize, ToSchema)]
struct ReaderBody {
    /// The account.
    reader: String,
    /// Answers to questions; known pairs are not among them.
    answers: u32,
    /// Answers to questions that others have read too, and with which nobody agreed.
    alone: ShareBody,
    /// Known pairs that were held to be the same or different, and wrongly.
    wrong: ShareBody,
    /// Known pairs that were left open: not told, or escalated.
    known_pairs_left_open: u32,
    /// More than one in ten of at least ten: somebody should talk with them.
    alarm: bool,
}

/// So many of so many, and between which shares the true one lies (95 %, Wilson).
#[derive(Debug, Serialize, ToSchema)]
struct ShareBody {
    /// So many.
    count: u32,
    /// Of so many.
    among: u32,
    /// The lowest likely share.
    #[schema(minimum = 0, maximum = 1)]
    low: f64,
    /// The highest likely share.
    #[schema(minimum = 0, maximum = 1)]
    high: f64,
}

impl ShareBody {
    fn of(count: u32, among: u32) -> Self {
        let (low, high) = share_interval(count, among);
        Self {
            count,
            among,
            low,
            high,
        }
    }
}

impl From<Agreement> for ReaderBody {
    fn from(known: Agreement) -> Self {
        Self {
            alarm: known.alarms(),
            answers: known.answers,
            alone: ShareBody::of(known.discordant, known.compared),
            wrong: ShareBody::of(known.wrong, known.known),
            known_pairs_left_open: known.undecided,
            reader: known.by,
        }
    }
}
