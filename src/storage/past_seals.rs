//! What seals take out of an answer beside persons: those of a past instant, for
//! whoever asks what was visible then (R139), and counts.

use std::collections::BTreeMap;

use crate::foundation::{Instant, PersonId, RecordNumber};
use crate::registry::Seals;
use crate::storage::rows::Reader;
use crate::storage::seals::{by_person, seals_from};
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

/// What had been a person's by then, also where it was only for a while: rather too
/// much is kept apart than too little.
const EVER_BY_THEN: RowStatement = RowStatement {
    before: "select l.person, l.record from links l join events e on e.position = l.from_position \
        where e.at <= $1 and l.person in (values",
    columns: 1,
    after: ")",
};

/// All records of the seals that held any of these.
const AROUND_THEN: RowStatement = RowStatement {
    before: "select o.seal, o.record, o.side, x.whole from seals x \
        join seal_records o on o.seal = x.seal \
        join events m on m.position = x.made_position \
        left join events u on u.position = x.lifted_position \
        where m.at <= $1 and (u.at is null or u.at > $1) \
        and x.seal in (select seal from seal_records where record in (values",
    columns: 1,
    after: "))",
};

/// How many records of each side of a seal share a key.
const UNDER_KEYS: RowStatement = RowStatement {
    before: "select k.key, s.seal, s.side, x.whole, count(*) from record_keys k \
        join seal_records s on s.record = k.record \
        join seals x on x.seal = s.seal and x.lifted_position is null where k.key in (values",
    columns: 1,
    after: ") group by k.key, s.seal, s.side, x.whole",
};

impl Store {
    /// How many records under each key an answer may not count: those of whom nobody
    /// may see, and of two who may not be seen together the fewer (R22).
    ///
    /// # Errors
    /// What the database says.
    pub async fn uncounted_under(&self, keys: &[u64]) -> Result<BTreeMap<u64, u64>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = UNDER_KEYS
            .select(&mut snapshot, &[], keys, |query, key| {
                query.bind(key.cast_signed())
            })
            .await?;
        let mut sides: BTreeMap<(u64, String), (bool, Vec<u64>)> = BTreeMap::new();
        for row in &rows {
            let reader = Reader::numbered(row, "record_keys")?;
            let place = (reader.number(0)?.cast_unsigned(), reader.text(1)?);
            let (whole, counts) = sides.entry(place).or_default();
            *whole = reader.number(3)? == 1;
            counts.push(reader.number(4)?.unsigned_abs());
        }
        let mut uncounted: BTreeMap<u64, u64> = BTreeMap::new();
        for ((key, _), (whole, counts)) in sides {
            let hidden = match counts.as_slice() {
                [only] if whole => *only,
                [one, other] => *one.min(other),
                _ => 0,
            };
            *uncounted.entry(key).or_default() += hidden;
        }
        Ok(uncounted)
    }

    /// The seals that bore on these persons and records at an instant.
    ///
    /// # Errors
    /// What the database says.
    pub async fn seals_about_as_of(
        &self,
        persons: &[PersonId],
        records: &[RecordNumber],
        at: Instant,
    ) -> Result<Seals, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let at = [at.microseconds()];
        let rows = EVER_BY_THEN
            .select(&mut snapshot, &at, persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let (own, all) = by_person(&rows, records)?;
        let rows = AROUND_THEN
            .select(&mut snapshot, &at, &all, |query, record| {
                query.bind(record.0)
            })
            .await?;
        Ok(Seals {
            seals: seals_from(&rows)?.into_values().collect(),
            records: own,
        })
    }
}
