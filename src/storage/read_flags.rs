//! What stands against showing or trusting a person: a restricted location, a
//! number under investigation.

use std::collections::BTreeSet;

use crate::foundation::{PersonId, RecordNumber};
use crate::storage::StoreError;
use crate::storage::db::{self, Connection};
use crate::storage::rows::{Reader, parse_person};
use crate::storage::sql::RowStatement;

const CONFUSED: RowStatement = RowStatement {
    before: "with asked (person) as (values",
    columns: 1,
    after: ") select person_a from tasks \
        where (status = 'open' or outcome in ('different', 'cannot_tell')) \
        and kind = 'suspected_confusion' and person_a in (select person from asked) \
        union all select person_b from tasks \
        where (status = 'open' or outcome in ('different', 'cannot_tell')) \
        and kind = 'suspected_confusion' and person_b in (select person from asked)",
};

/// Those of the persons of whom an open task suspects that their number is on
/// two people.
pub(super) async fn confused_among(
    connection: &mut Connection,
    persons: impl Iterator<Item = PersonId>,
) -> Result<BTreeSet<PersonId>, StoreError> {
    let persons: Vec<PersonId> = persons.collect();
    let rows = CONFUSED
        .select(connection, &[], &persons, |query, person| {
            query.bind(person.to_string())
        })
        .await?;
    rows.iter()
        .map(|row| Reader::named(row, "tasks")?.parsed(0, "person", parse_person))
        .collect()
}

const FLAGS: RowStatement = RowStatement {
    before: "select p.record, p.standard, z.restricted from payloads p \
        left join erasures z on z.record = p.record where p.record in (values",
    columns: 1,
    after: ")",
};

/// Whether any version of the records restricts a location, or did when it was erased.
pub(super) async fn has_restricted_version(
    connection: &mut Connection,
    records: &[RecordNumber],
) -> Result<bool, StoreError> {
    let rows = FLAGS
        .select(connection, &[], records, |query, record| {
            query.bind(record.0)
        })
        .await?;
    for row in &rows {
        let reader = Reader::numbered(row, "payloads")?;
        let standard = reader.standard(1)?;
        if reader.number_or_null(2)? == Some(1)
            || standard.is_some_and(|standard| standard.restricted)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

const ERASED: RowStatement = RowStatement {
    before: "select record from erasures where restricted = 1 and record in (values",
    columns: 1,
    after: ")",
};

/// Whether any of the records restricted a location when it was erased.
pub(super) async fn was_erased_restricted(
    connection: &mut Connection,
    records: &[RecordNumber],
) -> Result<bool, StoreError> {
    let rows = ERASED
        .select(connection, &[], records, |query, record| {
            query.bind(record.0)
        })
        .await?;
    Ok(!rows.is_empty())
}

/// Whether any record that is or was the person's, and was not moved to
/// another, restricts its location.
pub(super) async fn is_restricted(
    connection: &mut Connection,
    person: PersonId,
) -> Result<bool, StoreError> {
    let rows = db::query(
        "select l.person, y.standard, z.restricted from links l \
         join records r on r.record = l.record \
            and (l.to_position is null or r.status = 'withdrawn') \
         join payloads y on y.record = r.record and y.version = r.current_version \
         left join erasures z on z.record = r.record where l.person = $1",
    )
    .bind(person.to_string())
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let reader = Reader::named(row, "payloads")?;
        let standard = reader.standard(1)?;
        if reader.number_or_null(2)? == Some(1)
            || standard.is_some_and(|standard| standard.restricted)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
