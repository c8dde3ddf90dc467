//! What a golden record is made of beside the records: versions with their times,
//! what people prefer, and which numbers are replaced.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber};
use crate::identity::{NhsNumber, SubmittedRecord};
use crate::registry::{
    GoldenField, NumberHash, RegistryEvent, Replacements, VersionStanding, number_hash,
};
use crate::storage::db::{Connection, Row};
use crate::storage::feed::event_from;
use crate::storage::rows::{Reader, parse_word};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError, StoredEvent};

/// A version of a record, with its times.
#[derive(Debug, Clone)]
pub struct VersionText {
    /// Where it stood when it came.
    pub standing: VersionStanding,
    /// When it was so at the source.
    pub effective_at: Option<Instant>,
    /// When it came.
    pub received_at: Instant,
    /// As sent; absent after an erasure.
    pub submitted: Option<SubmittedRecord>,
}

/// What somebody prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPreference {
    /// For whom.
    pub person: PersonId,
    /// For which field.
    pub field: GoldenField,
    /// The record.
    pub record: RecordNumber,
    /// Its version.
    pub version: u32,
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Instant,
    /// Since which event.
    pub position: EventPosition,
}

/// Which numbers replace which, with the records that say so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberChains {
    /// From a number to those that replace it.
    pub replacements: Replacements,
    /// The record that has named a number as the one that replaces another.
    pub named_by: BTreeMap<NumberHash, RecordNumber>,
}

const VERSIONS: RowStatement = RowStatement {
    before: "select v.record, v.version, v.standing, v.effective_at, v.received_at, p.submitted \
        from record_versions v \
        left join payloads p on p.record = v.record and p.version = v.version \
        where v.record in (values",
    columns: 1,
    after: ")",
};

const PREFERENCES: RowStatement = RowStatement {
    before: "select e.position, e.at, e.actor, e.request_id, e.body, e.stamp \
        from event_subjects s join events e on e.position = s.position \
        where e.at <= $1 and e.kind in ('golden_value_preferred', 'golden_preference_ended') \
        and s.subject in (values",
    columns: 1,
    after: ") order by e.position",
};

const CHAINS: RowStatement = RowStatement {
    before: "with asked (number) as (values",
    columns: 1,
    after: ") select n.record, n.replaced, n.replaced_by, n.position from asked \
        join number_replacements n on n.replaced = asked.number \
        union select n.record, n.replaced, n.replaced_by, n.position from asked \
        join number_replacements n on n.replaced_by = asked.number order by 4",
};

const TIMES: RowStatement = RowStatement {
    before: "select position from events where at <= $1 and position in (values",
    columns: 1,
    after: ")",
};

const STANDARDS: RowStatement = RowStatement {
    before: "select record, standard from payloads where standard is not null \
        and record in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// All versions of the records.
    ///
    /// # Errors
    /// What the database says.
    pub async fn versions_of(
        &self,
        records: &[RecordNumber],
    ) -> Result<BTreeMap<(RecordNumber, u32), VersionText>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = VERSIONS
            .select(&mut connection, &[], records, |query, record| {
                query.bind(record.0)
            })
            .await?;
        rows.iter().map(version_from).collect()
    }

    /// What holds of what people prefer for these persons, by person and field, up
    /// to an instant where one is given.
    ///
    /// # Errors
    /// What the database says.
    pub async fn golden_preferences(
        &self,
        persons: &[PersonId],
        upto: Option<Instant>,
    ) -> Result<Vec<StoredPreference>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = PREFERENCES
            .select(&mut connection, &[until(upto)], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let mut holding = BTreeMap::new();
        for row in &rows {
            take_preference(&mut holding, event_from(row)?);
        }
        Ok(holding.into_values().collect())
    }

    /// The chains that these numbers belong to, both ways, as far as they were known
    /// by an instant where one is given.
    ///
    /// # Errors
    /// What the database says.
    pub async fn number_chains(
        &self,
        numbers: &[NumberHash],
        upto: Option<Instant>,
    ) -> Result<NumberChains, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        number_chains(&mut connection, numbers, until(upto)).await
    }

    /// The number of a hash, from the record that has named it; `None` after an
    /// erasure.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_number(
        &self,
        record: RecordNumber,
        number: NumberHash,
    ) -> Result<Option<NhsNumber>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = STANDARDS
            .select(&mut connection, &[], &[record], |query, record| {
                query.bind(record.0)
            })
            .await?;
        for row in &rows {
            let standard = Reader::numbered(row, "payloads")?.standard(1)?;
            let found = standard.and_then(|standard| standard.nhs_number);
            let found = found.filter(|claim| number_hash(claim.number) == number);
            if let Some(claim) = found {
                return Ok(Some(claim.number));
            }
        }
        Ok(None)
    }
}

fn until(upto: Option<Instant>) -> i64 {
    upto.map_or(i64::MAX, Instant::microseconds)
}

/// The chains of these numbers, in both directions.
pub(super) async fn number_chains(
    connection: &mut Connection,
    numbers: &[NumberHash],
    until: i64,
) -> Result<NumberChains, StoreError> {
    let mut chains = NumberChains::default();
    let mut asked: BTreeSet<NumberHash> = BTreeSet::new();
    let mut open: Vec<NumberHash> = numbers.to_vec();
    loop {
        open.retain(|number| asked.insert(*number));
        if open.is_empty() {
            return Ok(chains);
        }
        let rows = CHAINS
            .select(connection, &[], &open, |query, number| {
                query.bind(number.0.cast_signed())
            })
            .await?;
        let known = known_by(connection, &rows, until).await?;
        open.clear();
        for row in &rows {
            let reader = Reader::numbered(row, "number_replacements")?;
            if !known.contains(&reader.number(3)?) {
                continue;
            }
            let replaced = NumberHash(reader.number(1)?.cast_unsigned());
            let by = NumberHash(reader.number(2)?.cast_unsigned());
            chains.replacements.entry(replaced).or_default().insert(by);
            let record = RecordNumber(reader.number(0)?);
            chains.named_by.entry(by).or_insert(record);
            open.extend([replaced, by]);
        }
    }
}

/// Which of the statements had been made by then.
async fn known_by(
    connection: &mut Connection,
    rows: &[Row],
    until: i64,
) -> Result<BTreeSet<i64>, StoreError> {
    let positions = rows.iter().map(|row| row.try_get(3));
    let positions: Vec<i64> = positions.collect::<Result<_, _>>()?;
    if until == i64::MAX {
        return Ok(positions.into_iter().collect());
    }
    let rows = TIMES
        .select(connection, &[until], &positions, |query, position| {
            query.bind(*position)
        })
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// The subjects of an event about a preference.
pub(super) fn golden_subjects(event: &RegistryEvent) -> Vec<String> {
    match event {
        RegistryEvent::GoldenValuePreferred { person, record, .. } => {
            vec![person.to_string(), format!("R{}", record.0)]
        }
        RegistryEvent::GoldenPreferenceEnded { person, .. } => vec![person.to_string()],
        _ => Vec::new(),
    }
}

fn take_preference(
    holding: &mut BTreeMap<(PersonId, GoldenField), StoredPreference>,
    stored: StoredEvent,
) {
    match stored.event {
        RegistryEvent::GoldenValuePreferred {
            person,
            field,
            record,
            version,
        } => {
            let preference = StoredPreference {
                person,
                field,
                record,
                version,
                by: stored.actor,
                at: stored.at,
                position: stored.position,
            };
            holding.insert((person, field), preference);
        }
        RegistryEvent::GoldenPreferenceEnded { person, field } => {
            holding.remove(&(person, field));
        }
        _ => {}
    }
}

fn version_from(row: &Row) -> Result<((RecordNumber, u32), VersionText), StoreError> {
    let reader = Reader::numbered(row, "record_versions")?;
    let text = reader.text_or_null(5)?;
    // The error of the parser is left out: it would quote the value.
    let submitted = text
        .map(|text| serde_json::from_str(&text).map_err(|_| reader.wrong("submitted")))
        .transpose()?;
    let name = (RecordNumber(reader.number(0)?), reader.count(1, "version")?);
    let version = VersionText {
        standing: reader.parsed(2, "standing", parse_word)?,
        effective_at: reader.instant_or_null(3)?,
        received_at: Instant::from_microseconds(reader.number(4)?),
        submitted,
    };
    Ok((name, version))
}
