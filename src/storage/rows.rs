//! How domain values stand in columns: words for enums, JSON for lists, and
//! versioned bytes for a standardised record. Reading back never trusts.

use std::sync::Arc;

use crate::foundation::{
    AssertionId, EventPosition, Instant, MergeId, PersonId, RecordNumber, TaskId,
};
use crate::identity::StandardRecord;
use crate::registry::{
    Home, LinkState, LocalId, PersonStatus, RecordState, RecordStatus, SourceCode, VersionStanding,
    VersionState,
};
use crate::storage::StoreError;
use crate::storage::db::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// First byte of a stored standard record; other layouts take other numbers.
const STANDARD_LAYOUT: u8 = 2;
/// The one before: without disputes, which stand last.
const LAYOUT_WITHOUT_DISPUTES: u8 = 1;
/// No disputes, as the encoding writes it.
const NO_DISPUTES: u8 = 0;

/// The word of an enum that serde writes as a text.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The enum of a word.
pub(super) fn parse_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

/// A list as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("invariant: stored lists and events have text keys only")
}

/// The bytes of a standardised record.
pub(super) fn encode_standard(standard: &StandardRecord) -> Vec<u8> {
    postcard::to_extend(standard, vec![STANDARD_LAYOUT])
        .expect("invariant: a standard record has only types that the encoding knows")
}

/// The record of these bytes; `None` when the layout is not ours.
pub(super) fn decode_standard(bytes: &[u8]) -> Option<StandardRecord> {
    let (layout, rest) = bytes.split_first()?;
    match *layout {
        STANDARD_LAYOUT => postcard::from_bytes(rest).ok(),
        LAYOUT_WITHOUT_DISPUTES => {
            let whole = [rest, &[NO_DISPUTES]].concat();
            postcard::from_bytes(&whole).ok()
        }
        _ => None,
    }
}

/// Reads a column by its place; the names are for the error only.
pub(super) struct Reader<'r> {
    row: &'r Row,
    table: &'static str,
    name: Name<'r>,
}

/// Number or id of a row.
enum Name<'r> {
    Number(i64),
    Id(&'r str),
}

impl<'r> Reader<'r> {
    /// A reader for a row whose first column is its number.
    pub(super) fn numbered(row: &'r Row, table: &'static str) -> Result<Self, StoreError> {
        let name = Name::Number(row.try_get(0)?);
        Ok(Self { row, table, name })
    }

    /// A reader for a row whose first column is its id.
    pub(super) fn named(row: &'r Row, table: &'static str) -> Result<Self, StoreError> {
        let name = Name::Id(row.try_get(0)?);
        Ok(Self { row, table, name })
    }

    pub(super) fn number(&self, place: usize) -> Result<i64, StoreError> {
        self.row.try_get(place)
    }

    pub(super) fn number_or_null(&self, place: usize) -> Result<Option<i64>, StoreError> {
        self.row.try_get(place)
    }

    pub(super) fn real_or_null(&self, place: usize) -> Result<Option<f64>, StoreError> {
        self.row.try_get(place)
    }

    pub(super) fn text(&self, place: usize) -> Result<String, StoreError> {
        self.row.try_get(place)
    }

    pub(super) fn text_or_null(&self, place: usize) -> Result<Option<String>, StoreError> {
        self.row.try_get(place)
    }

    pub(super) fn position(&self, place: usize) -> Result<EventPosition, StoreError> {
        self.number(place).map(EventPosition)
    }

    pub(super) fn instant_or_null(&self, place: usize) -> Result<Option<Instant>, StoreError> {
        Ok(self.number_or_null(place)?.map(Instant::from_microseconds))
    }

    /// A text column through a parser.
    pub(super) fn parsed<T>(
        &self,
        place: usize,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(self.row.try_get(place)?).ok_or_else(|| self.wrong(column))
    }

    /// The same where the column may be null.
    pub(super) fn parsed_or_null<T>(
        &self,
        place: usize,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.row.try_get(place)?;
        text.map(|text| parse(text).ok_or_else(|| self.wrong(column)))
            .transpose()
    }

    /// A small number that is never negative.
    pub(super) fn count(&self, place: usize, column: &'static str) -> Result<u32, StoreError> {
        u32::try_from(self.number(place)?).map_err(|_| self.wrong(column))
    }

    /// A standardised record; `None` after an erasure.
    pub(super) fn standard(&self, place: usize) -> Result<Option<Arc<StandardRecord>>, StoreError> {
        let bytes: Option<&[u8]> = self.row.try_get(place)?;
        bytes
            .map(|bytes| {
                decode_standard(bytes)
                    .map(Arc::new)
                    .ok_or_else(|| self.wrong("standard"))
            })
            .transpose()
    }

    pub(super) fn wrong(&self, column: &'static str) -> StoreError {
        match self.name {
            Name::Number(number) => StoreError::inconsistent(self.table, column, number),
            Name::Id(id) => StoreError::inconsistent(self.table, column, id),
        }
    }
}

pub(super) fn parse_person(text: &str) -> Option<PersonId> {
    text.parse().ok()
}

pub(super) fn parse_task(text: &str) -> Option<TaskId> {
    text.parse().ok()
}

pub(super) fn parse_merge(text: &str) -> Option<MergeId> {
    text.parse().ok()
}

pub(super) fn parse_assertion(text: &str) -> Option<AssertionId> {
    text.parse().ok()
}

pub(super) fn parse_source(text: &str) -> Option<SourceCode> {
    SourceCode::parse(text).ok()
}

pub(super) fn parse_local_id(text: &str) -> Option<LocalId> {
    LocalId::parse(text).ok()
}

pub(super) const fn record_status_word(status: RecordStatus) -> &'static str {
    match status {
        RecordStatus::Active => "active",
        RecordStatus::Withdrawn => "withdrawn",
    }
}

fn parse_record_status(word: &str) -> Option<RecordStatus> {
    match word {
        "active" => Some(RecordStatus::Active),
        "withdrawn" => Some(RecordStatus::Withdrawn),
        _ => None,
    }
}

pub(super) const fn person_status_word(status: PersonStatus) -> &'static str {
    match status {
        PersonStatus::Active => "active",
        PersonStatus::Retired { .. } => "retired",
        PersonStatus::Withdrawn => "withdrawn",
    }
}

/// The status of a person by its word and the person that replaces it.
pub(super) fn person_status(word: &str, replaced_by: Option<PersonId>) -> Option<PersonStatus> {
    match (word, replaced_by) {
        ("active", None) => Some(PersonStatus::Active),
        ("withdrawn", None) => Some(PersonStatus::Withdrawn),
        ("retired", Some(replaced_by)) => Some(PersonStatus::Retired { replaced_by }),
        _ => None,
    }
}

/// Whether a task waits, as its column says.
pub(super) const fn task_status_word(waits: bool) -> &'static str {
    if waits { "open" } else { "closed" }
}

/// Select of a record with its versions, its open link and the current
/// version's values, and what follows it. Read by [`record_from`].
macro_rules! select_records {
    ($rest:literal) => {
        concat!(
            "select r.record, r.source, r.local_id, r.status, r.latest_version, r.position, \
             c.version, c.digest, c.effective_at, h.version, h.digest, h.effective_at, \
             l.person, l.from_position, l.route, l.weight_bits, l.model, p.standard, \
             o.person, o.from_position, o.route, o.weight_bits, o.model \
             from records r \
             join record_versions c on c.record = r.record and c.version = r.current_version \
             left join record_versions h on h.record = r.record and h.version = r.held_version \
             left join links l on l.record = r.record and l.to_position is null \
             left join links o on o.record = r.record and o.from_position = l.home_position \
             left join payloads p on p.record = r.record and p.version = r.current_version ",
            $rest
        )
    };
}
pub(super) use select_records;

/// A record as `select_records` gives it.
pub(super) fn record_from(
    row: &Row,
) -> Result<(RecordState, Option<Arc<StandardRecord>>), StoreError> {
    let reader = Reader::numbered(row, "records")?;
    let current = VersionState {
        version: reader.count(6, "current_version")?,
        digest: reader.text(7)?,
        effective_at: reader.instant_or_null(8)?,
        standing: VersionStanding::Current,
    };
    let held = match reader.number_or_null(9)? {
        Some(_) => Some(VersionState {
            version: reader.count(9, "held_version")?,
            digest: reader.text(10)?,
            effective_at: reader.instant_or_null(11)?,
            standing: VersionStanding::Held,
        }),
        None => None,
    };
    let link = match reader.parsed_or_null(12, "person", parse_person)? {
        Some(person) => {
            let own = home_from(&reader, 12)?;
            Some(LinkState {
                person,
                route: own.route,
                weight_bits: own.weight_bits,
                since: own.since,
                home: match reader.text_or_null(18)? {
                    Some(_) => home_from(&reader, 18)?,
                    None => own,
                },
            })
        }
        None => None,
    };
    let state = RecordState {
        number: RecordNumber(reader.number(0)?),
        source: reader.parsed(1, "source", parse_source)?,
        local_id: reader.parsed(2, "local_id", parse_local_id)?,
        status: reader.parsed(3, "status", parse_record_status)?,
        latest_version: reader.count(4, "latest_version")?,
        position: reader.position(5)?,
        current,
        held,
        link,
    };
    Ok((state, reader.standard(17)?))
}

/// A decision about a record from five columns: person, and place, route, weight
/// and model of its link.
fn home_from(reader: &Reader<'_>, first: usize) -> Result<Home, StoreError> {
    Ok(Home {
        person: reader.parsed(first, "person", parse_person)?,
        since: reader.position(first + 1)?,
        route: reader.parsed_or_null(first + 2, "route", parse_word)?,
        weight_bits: reader.real_or_null(first + 3)?,
        model: reader.parsed(first + 4, "model", parse_word)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{decode_standard, encode_standard, parse_word, word};
    use crate::identity::StandardRecord;
    use crate::matching::Route;
    use crate::registry::TaskKind;

    #[test]
    fn a_word_survives() {
        assert_eq!(word(&Route::Deterministic), "deterministic");
        assert_eq!(parse_word("overlay_held"), Some(TaskKind::OverlayHeld));
        assert_eq!(parse_word::<TaskKind>("something"), None);
    }

    #[test]
    fn a_standard_record_survives_and_another_layout_is_refused() {
        let standard = StandardRecord {
            gp_practice: Some("A81001".into()),
            birth_order: Some(2),
            ..StandardRecord::default()
        };
        let mut bytes = encode_standard(&standard);
        assert!(decode_standard(&bytes).as_ref() == Some(&standard));
        bytes[0] = 1;
        bytes.pop();
        let earlier = decode_standard(&bytes).expect("the layout before is read");
        assert!(earlier.birth_order == Some(2) && earlier.disputed.is_none());
        bytes[0] = 9;
        assert!(decode_standard(&bytes).is_none());
    }
}
