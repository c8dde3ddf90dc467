//! What a comparison reads beside the index: the persons of records with all
//! their members, the records that the index does not hold yet, and what stands
//! against trusting what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use crate::foundation::{EventPosition, PersonId, RecordNumber};
use crate::registry::{Member, NumberHash, Seals};
use crate::storage::claims::claimants;
use crate::storage::db::Connection;
use crate::storage::read_flags::confused_among;
use crate::storage::recent::{Wanted, Young, by_key, find_recent, find_stored};
use crate::storage::rows::{Reader, parse_person};
use crate::storage::seals;
use crate::storage::source_state::count_deferred;
use crate::storage::sql::RowStatement;
use crate::storage::{Store, StoreError};

/// A person as a candidate: its active records with their values.
#[derive(Debug, Clone)]
pub struct StoredPerson {
    /// Its id.
    pub person: PersonId,
    /// A score of these members holds while this stands.
    pub revision: EventPosition,
    /// Members in order of number.
    pub members: Vec<Member>,
    /// A record of the person, withdrawn ones included, restricts its location:
    /// the flag outlives the record that brought it (R111).
    pub restricted: bool,
}

/// Records that the index does not hold yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct YoungRecords {
    /// Those that are looked at.
    pub records: BTreeSet<RecordNumber>,
    /// Keys that hold more: how many there are, and how many are looked at.
    pub crowded: BTreeMap<u64, (u64, u64)>,
}

/// What a question is answered from.
#[derive(Debug, Clone)]
pub struct QuestionReads {
    /// The persons of the records found, in order of id.
    pub persons: Vec<StoredPerson>,
    /// What the index does not hold yet.
    pub young: YoungRecords,
    /// Persons whose number is on two people, by an open task or because two claim
    /// it; none where no number was asked for.
    pub confused: BTreeSet<PersonId>,
    /// What keeps some of the persons apart.
    pub seals: Seals,
    /// Versions that wait until their source is released.
    pub waiting: u64,
}

const CANDIDATES: RowStatement = RowStatement {
    before: "select p.person, p.revision, l.record, r.current_version, y.standard, r.status, \
        z.restricted from persons p \
        join links l on l.person = p.person \
        join records r on r.record = l.record \
            and (l.to_position is null or r.status = 'withdrawn') \
        join payloads y on y.record = r.record and y.version = r.current_version \
        left join erasures z on z.record = r.record \
        where (y.standard is not null or z.restricted = 1) and p.person in \
        (select person from links where to_position is null and record in (values",
    columns: 1,
    after: ")) order by p.person, l.record",
};

impl Store {
    /// The persons of these records with all their members: what a search by
    /// the index is scored on. In order of id.
    ///
    /// # Errors
    /// What the database says.
    pub async fn candidate_persons(
        &self,
        records: &[RecordNumber],
    ) -> Result<Vec<StoredPerson>, StoreError> {
        let mut connection = self.reader_of_own().await?;
        persons_of(&mut connection, records).await
    }

    /// What a question needs beside the index, by one reader: the persons of the
    /// records found and of those that came after the index under any of the
    /// keys, with what stands against them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn read_question(
        &self,
        found: &[RecordNumber],
        keys: &[u64],
        after: EventPosition,
        number: Option<NumberHash>,
    ) -> Result<QuestionReads, StoreError> {
        let mut connection = self.reader_of_own().await?;
        let young = self.young_on(&mut connection, keys, after).await?;
        let mut records = young.records.clone();
        records.extend(found);
        let records: Vec<RecordNumber> = records.into_iter().collect();
        let persons = persons_of(&mut connection, &records).await?;
        let named = persons.iter().map(|person| person.person);
        let asked = named.clone().filter(|_| number.is_some());
        let mut confused = confused_among(&mut connection, asked).await?;
        if let Some(number) = number {
            let claimants = claimants(&mut connection, number).await?;
            confused.extend(claimants.iter().filter(|_| claimants.len() > 1));
        }
        let named: Vec<PersonId> = named.collect();
        Ok(QuestionReads {
            seals: seals::about(&mut connection, &named, &[]).await?,
            persons,
            young,
            confused,
            waiting: count_deferred(&mut connection, None).await?,
        })
    }

    /// Records younger than `after` that are stored under any of the keys, in
    /// order of number: what the index may not know yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn recent_records(
        &self,
        keys: &[u64],
        after: EventPosition,
    ) -> Result<Vec<RecordNumber>, StoreError> {
        let young = self.young_records(keys, after).await?;
        Ok(young.records.into_iter().collect())
    }

    /// The same, with the keys that hold more than are looked at.
    ///
    /// # Errors
    /// What the database says.
    pub async fn young_records(
        &self,
        keys: &[u64],
        after: EventPosition,
    ) -> Result<YoungRecords, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        self.young_on(&mut connection, keys, after).await
    }

    async fn young_on(
        &self,
        connection: &mut Connection,
        keys: &[u64],
        after: EventPosition,
    ) -> Result<YoungRecords, StoreError> {
        let young = &self.inner.young;
        let found = if let Some(remembered) = self.remembered_records(keys, after) {
            remembered
        } else if let Some(horizon) = young.horizon(connection).await? {
            let wanted = Wanted {
                after,
                upto: after,
                horizon: Some(horizon),
            };
            find_recent(connection, &young.keys, keys, wanted).await?
        } else {
            by_key(&find_stored(connection, keys, after).await?)
        };
        let mut young = YoungRecords::default();
        for (key, found) in found {
            if found.is_cut() {
                let counts = (found.held as u64, found.records.len() as u64);
                young.crowded.insert(key, counts);
            }
            young.records.extend(found.records);
        }
        Ok(young)
    }

    /// A reader for what nobody but this process writes, where that is so.
    async fn reader_of_own(&self) -> Result<Connection, StoreError> {
        if self.inner.alone {
            self.inner.readers.begin_kept().await
        } else {
            self.inner.readers.acquire().await
        }
    }

    fn remembered_records(
        &self,
        keys: &[u64],
        after: EventPosition,
    ) -> Option<BTreeMap<u64, Young>> {
        let keys_of_young = self.inner.alone.then_some(&self.inner.young.keys)?;
        let recent = keys_of_young.read().unwrap_or_else(PoisonError::into_inner);
        let find = |key: &u64| (*key, recent.find(*key, after));
        recent
            .covers(after)
            .then(|| keys.iter().map(find).collect())
    }
}

async fn persons_of(
    connection: &mut Connection,
    records: &[RecordNumber],
) -> Result<Vec<StoredPerson>, StoreError> {
    let rows = CANDIDATES
        .select(connection, &[], records, |query, number| {
            query.bind(number.0)
        })
        .await?;
    let mut persons: Vec<StoredPerson> = Vec::new();
    let mut seen: BTreeSet<(PersonId, RecordNumber)> = BTreeSet::new();
    for row in &rows {
        let reader = Reader::named(row, "persons")?;
        let person = reader.parsed(0, "person", parse_person)?;
        let record = RecordNumber(reader.number(2)?);
        // A long list is asked in parts, which may name one person twice.
        if !seen.insert((person, record)) {
            continue;
        }
        if persons.last().is_none_or(|last| last.person != person) {
            persons.push(StoredPerson {
                person,
                revision: reader.position(1)?,
                members: Vec::new(),
                restricted: false,
            });
        }
        let Some(last) = persons.last_mut() else {
            continue;
        };
        last.restricted |= reader.number_or_null(6)? == Some(1);
        let Some(standard) = reader.standard(4)? else {
            continue;
        };
        last.restricted |= standard.restricted;
        if row.try_get::<&str>(5)? != "withdrawn" {
            last.members.push(Member {
                record,
                version: reader.count(3, "current_version")?,
                standard,
            });
        }
    }
    persons.retain(|candidate| !candidate.members.is_empty());
    persons.sort_by_key(|candidate| candidate.person);
    Ok(persons)
}
