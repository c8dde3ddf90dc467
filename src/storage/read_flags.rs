//! What stands against showing or trusting a person: a restricted location, a
//! number under investigation.

use std::collections::BTreeSet;

use crate::foundation::PersonId;
use crate::storage::db::{self, Connection};
use crate::storage::rows::{Reader, parse_person};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

const CONFUSED_A: RowStatement = RowStatement {
    before: "select person_a from tasks where (status = 'open' or outcome in ('different', 'cannot_tell')) \
        and kind = 'suspected_confusion' and person_a in (values",
    columns: 1,
    after: ")",
};

const CONFUSED_B: RowStatement = RowStatement {
    before: "select person_b from tasks where (status = 'open' or outcome in ('different', 'cannot_tell')) \
        and kind = 'suspected_confusion' and person_b in (values",
    columns: 1,
    after: ")",
};

impl Store {
    /// Those of the persons of whom an open task suspects that their number is
    /// on two people.
    ///
    /// # Errors
    /// What the database says.
    pub async fn confused_persons(
        &self,
        persons: &[PersonId],
    ) -> Result<BTreeSet<PersonId>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let mut confused = BTreeSet::new();
        for statement in [&CONFUSED_A, &CONFUSED_B] {
            let rows = statement
                .select(&mut connection, &[], persons, |query, person| {
                    query.bind(person.to_string())
                })
                .await?;
            for row in &rows {
                confused.insert(Reader::named(row, "tasks")?.parsed(0, "person", parse_person)?);
            }
        }
        Ok(confused)
    }
}

/// Whether any record that is or was the person's, and was not moved to
/// another, restricts its location.
pub(super) async fn is_restricted(
    connection: &mut Connection,
    person: PersonId,
) -> Result<bool, StoreError> {
    let rows = db::query(
        "select l.person, y.standard from links l \
         join records r on r.record = l.record \
            and (l.to_position is null or r.status = 'withdrawn') \
         join payloads y on y.record = r.record and y.version = r.current_version \
         where l.person = $1",
    )
    .bind(person.to_string())
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let standard = Reader::named(row, "payloads")?.standard(1)?;
        if standard.is_some_and(|standard| standard.restricted) {
            return Ok(true);
        }
    }
    Ok(false)
}
