//! Disputes about values (R133) as rows: a commit writes them, `verify` compares them
//! with what follows from the events.

use std::collections::BTreeMap;

use crate::foundation::{EventPosition, Instant, RecordNumber};
use crate::identity::DisputedField;
use crate::registry::{DisputeEnd, RegistryEvent};
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::{Reader, parse_word, word};
use crate::storage::sql::RowStatement;
use crate::storage::verify::Findings;
use crate::storage::{Store, StoreError};

/// A dispute as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDispute {
    /// Which record.
    pub record: RecordNumber,
    /// Of what.
    pub field: DisputedField,
    /// The version that says it.
    pub version: u32,
    /// Who has noted it.
    pub by: String,
    /// Since when.
    pub at: Instant,
    /// Until when, and why.
    pub ended: Option<(Instant, DisputeEnd)>,
    /// Why, in words; absent after an erasure.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct DisputeRow {
    version: u32,
    by: String,
    ended: Option<(EventPosition, DisputeEnd)>,
}

type Place = (RecordNumber, DisputedField, EventPosition);

/// The disputes of a run of events.
#[derive(Debug, Default)]
pub(super) struct DisputeRows {
    made: BTreeMap<Place, DisputeRow>,
    /// Earlier ones that they end.
    ended: BTreeMap<(RecordNumber, DisputedField), (EventPosition, DisputeEnd)>,
    /// Records of which all earlier ones end.
    erased: BTreeMap<RecordNumber, EventPosition>,
}

/// The subjects of an event about a dispute.
pub(super) fn dispute_subjects(event: &RegistryEvent) -> Vec<String> {
    match event {
        RegistryEvent::ValueDisputed { record, .. }
        | RegistryEvent::DisputeEnded { record, .. } => vec![format!("R{}", record.0)],
        _ => Vec::new(),
    }
}

impl DisputeRows {
    /// Takes an event at its position; others change nothing.
    pub(super) fn take(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::ValueDisputed {
                record,
                version,
                field,
                by,
            } => {
                let row = DisputeRow {
                    version: *version,
                    by: by.clone(),
                    ended: None,
                };
                self.made.insert((*record, *field, position), row);
            }
            RegistryEvent::DisputeEnded {
                record,
                field,
                because,
            } => {
                let end = (position, *because);
                let mut known = self.open(*record).filter(|(known, _)| known == field);
                if let Some((_, row)) = known.next() {
                    row.ended = Some(end);
                    return;
                }
                drop(known);
                self.ended.insert((*record, *field), end);
            }
            RegistryEvent::RecordErased { record, .. } => {
                for (_, row) in self.open(*record) {
                    row.ended = Some((position, DisputeEnd::Erased));
                }
                self.erased.insert(*record, position);
            }
            _ => {}
        }
    }

    fn open(
        &mut self,
        record: RecordNumber,
    ) -> impl Iterator<Item = (DisputedField, &mut DisputeRow)> {
        let rows = self.made.iter_mut();
        let rows = rows.filter(move |((of, ..), row)| *of == record && row.ended.is_none());
        rows.map(|((_, field, _), row)| (*field, row))
    }

    /// Writes all rows.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let ended: Vec<_> = self.ended.iter().collect();
        END_DISPUTES
            .write(
                connection,
                &ended,
                |query, ((record, field), (at, because))| {
                    query
                        .bind(record.0)
                        .bind(word(field))
                        .bind(at.0)
                        .bind(word(because))
                },
            )
            .await?;
        let erased: Vec<_> = self.erased.iter().collect();
        END_ERASED
            .write(connection, &erased, |query, (record, at)| {
                query.bind(record.0).bind(at.0)
            })
            .await?;
        let made: Vec<_> = self.made.iter().collect();
        INSERT_DISPUTES
            .write(connection, &made, |query, ((record, field, at), row)| {
                query
                    .bind(record.0)
                    .bind(word(field))
                    .bind(i64::from(row.version))
                    .bind(row.by.clone())
                    .bind(at.0)
                    .bind(row.ended.map(|(at, _)| at.0))
                    .bind(row.ended.map(|(_, because)| word(&because)))
            })
            .await
    }

    /// Compares the table with what follows from the events.
    pub(super) async fn compare(
        &self,
        connection: &mut Connection,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let mut expected: BTreeMap<_, _> = self.made.iter().collect();
        let all = "select record, field, version, made_by, made_position, ended_position, \
            ended_because from disputes";
        for row in &db::query(all).fetch_all(connection).await? {
            let reader = Reader::numbered(row, "disputes")?;
            let record = RecordNumber(reader.number(0)?);
            let field = reader.parsed(1, "field", parse_word)?;
            let because = reader.parsed_or_null(6, "ended_because", parse_word)?;
            let ended = reader.number_or_null(5)?.map(EventPosition).zip(because);
            let found = DisputeRow {
                version: reader.count(2, "version")?,
                by: reader.text(3)?,
                ended,
            };
            if expected.remove(&(record, field, reader.position(4)?)) != Some(&found) {
                findings.add_difference(format!("R{}", record.0), "disputes");
            }
        }
        for (record, ..) in expected.keys() {
            findings.add_difference(format!("R{}", record.0), "disputes");
        }
        Ok(())
    }
}

const INSERT_DISPUTES: RowStatement = RowStatement {
    before: "insert into disputes (record, field, version, made_by, made_position, \
        ended_position, ended_because) values",
    columns: 7,
    after: "",
};

const END_DISPUTES: RowStatement = RowStatement {
    before: "with ending (record, field, position, because) as (values",
    columns: 4,
    after: ") update disputes set ended_position = ending.position, \
        ended_because = ending.because from ending where disputes.record = ending.record \
        and disputes.field = ending.field and disputes.ended_position is null",
};

const END_ERASED: RowStatement = RowStatement {
    before: "with erased (record, position) as (values",
    columns: 2,
    after: ") update disputes set ended_position = erased.position, ended_because = 'erased' \
        from erased where disputes.record = erased.record and disputes.ended_position is null",
};

const DISPUTES: RowStatement = RowStatement {
    before: "select d.record, d.field, d.version, d.made_by, m.at, u.at, d.ended_because, k.reason \
        from disputes d join events m on m.position = d.made_position \
        left join events u on u.position = d.ended_position \
        left join remarks k on k.position = d.made_position where d.record in (values",
    columns: 1,
    after: ") order by d.made_position",
};

impl Store {
    /// All disputes about these records, ended ones too, the first one first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn disputes_of(
        &self,
        records: &[RecordNumber],
    ) -> Result<Vec<StoredDispute>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = DISPUTES
            .select(&mut connection, &[], records, |query, record| {
                query.bind(record.0)
            })
            .await?;
        rows.iter().map(dispute_from).collect()
    }

    /// Those that hold, or held at an instant.
    ///
    /// # Errors
    /// What the database says.
    pub async fn open_disputes(
        &self,
        records: &[RecordNumber],
        as_of: Option<Instant>,
    ) -> Result<Vec<StoredDispute>, StoreError> {
        let mut disputes = self.disputes_of(records).await?;
        disputes.retain(|dispute| match as_of {
            None => dispute.ended.is_none(),
            Some(then) => dispute.at <= then && dispute.ended.is_none_or(|(ended, _)| ended > then),
        });
        Ok(disputes)
    }
}

fn dispute_from(row: &Row) -> Result<StoredDispute, StoreError> {
    let reader = Reader::numbered(row, "disputes")?;
    let ended = reader.number_or_null(5)?.map(Instant::from_microseconds);
    let because = reader.parsed_or_null(6, "ended_because", parse_word)?;
    Ok(StoredDispute {
        record: RecordNumber(reader.number(0)?),
        field: reader.parsed(1, "field", parse_word)?,
        version: reader.count(2, "version")?,
        by: reader.text(3)?,
        at: Instant::from_microseconds(reader.number(4)?),
        ended: ended.zip(because),
        reason: reader.text_or_null(7)?,
    })
}
