//! Seals as rows, and the seals that bear on somebody. Where there is none, which
//! is nearly always, a question costs one look at an empty index.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, SealId};
use crate::registry::{LocalId, RegistryEvent, RegistryState, SealState, Seals, SourceCode};
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::{Reader, parse_local_id, parse_person, parse_source};
use crate::storage::sql::RowStatement;
use crate::storage::verify::Findings;
use crate::storage::{Store, StoreError};

/// A record of a side by name, with the person that it belongs to.
pub type SealedRecord = (SourceCode, LocalId, Option<PersonId>);

/// A seal as a privacy officer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSeal {
    /// Its id.
    pub id: SealId,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Instant,
    /// Records of the one side, by name, with the person of each.
    pub a: Vec<SealedRecord>,
    /// Of the other.
    pub b: Vec<SealedRecord>,
    /// It has no other side: an objection (R134).
    pub whole: bool,
}

/// The seals of a run of events.
#[derive(Debug, Default)]
pub(super) struct SealRows {
    made: BTreeMap<SealId, SealRow>,
    /// Earlier ones that they lift.
    lifted: BTreeMap<SealId, EventPosition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SealRow {
    by: String,
    made: EventPosition,
    lifted: Option<EventPosition>,
    whole: bool,
    records: BTreeMap<RecordNumber, &'static str>,
}

/// The subjects of an event about a seal.
pub(super) fn seal_subjects(event: &RegistryEvent) -> Vec<String> {
    match event {
        RegistryEvent::SealMade { seal, a, b, .. } => {
            let records = a.iter().chain(b).map(|record| format!("R{}", record.0));
            records.chain([seal.to_string()]).collect()
        }
        RegistryEvent::SealLifted { seal, .. } => vec![seal.to_string()],
        _ => Vec::new(),
    }
}

impl SealRows {
    /// Takes an event at its position; others change nothing.
    pub(super) fn take(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::SealMade {
                seal,
                a,
                b,
                by,
                whole,
            } => {
                let a = a.iter().map(|record| (*record, "a"));
                let b = b.iter().map(|record| (*record, "b"));
                let row = SealRow {
                    by: by.clone(),
                    made: position,
                    lifted: None,
                    whole: *whole,
                    records: a.chain(b).collect(),
                };
                self.made.insert(*seal, row);
            }
            RegistryEvent::SealLifted { seal, .. } => match self.made.get_mut(seal) {
                Some(row) => row.lifted = Some(position),
                None => {
                    self.lifted.insert(*seal, position);
                }
            },
            _ => {}
        }
    }

    /// Writes all rows.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let made: Vec<_> = self.made.iter().collect();
        INSERT_SEALS
            .write(connection, &made, |query, (seal, row)| {
                query
                    .bind(seal.to_string())
                    .bind(row.by.clone())
                    .bind(row.made.0)
                    .bind(row.lifted.map(|position| position.0))
                    .bind(i64::from(row.whole))
            })
            .await?;
        let records = made.iter().flat_map(|(seal, row)| {
            let records = row.records.iter();
            records.map(move |(record, side)| (*record, **seal, *side))
        });
        let records: Vec<_> = records.collect();
        INSERT_SEAL_RECORDS
            .write(connection, &records, |query, (record, seal, side)| {
                query.bind(record.0).bind(seal.to_string()).bind(*side)
            })
            .await?;
        let lifted: Vec<_> = self.lifted.iter().collect();
        LIFT_SEALS
            .write(connection, &lifted, |query, (seal, position)| {
                query.bind(seal.to_string()).bind(position.0)
            })
            .await
    }

    /// Compares the tables with what follows from the events.
    pub(super) async fn compare(
        &self,
        connection: &mut Connection,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let mut found: BTreeMap<SealId, SealRow> = BTreeMap::new();
        let all = "select seal, made_by, made_position, lifted_position, whole from seals";
        let rows = db::query(all).fetch_all(&mut *connection).await?;
        for row in &rows {
            let reader = Reader::named(row, "seals")?;
            let row = SealRow {
                by: reader.text(1)?,
                made: reader.position(2)?,
                lifted: reader.number_or_null(3)?.map(EventPosition),
                whole: reader.number(4)? == 1,
                records: BTreeMap::new(),
            };
            found.insert(reader.parsed(0, "seal", parse_seal)?, row);
        }
        let rows = db::query("select record, seal, side from seal_records")
            .fetch_all(connection)
            .await?;
        for row in &rows {
            let reader = Reader::numbered(row, "seal_records")?;
            let seal = reader.parsed(1, "seal", parse_seal)?;
            let side = reader.parsed(2, "side", parse_side)?;
            if let Some(row) = found.get_mut(&seal) {
                row.records.insert(RecordNumber(reader.number(0)?), side);
            }
        }
        let all: BTreeSet<&SealId> = found.keys().chain(self.made.keys()).collect();
        for seal in all {
            if found.get(seal) != self.made.get(seal) {
                findings.add_difference(seal, "seals");
            }
        }
        Ok(())
    }
}

fn parse_seal(text: &str) -> Option<SealId> {
    text.parse().ok()
}

fn parse_side(text: &str) -> Option<&'static str> {
    ["a", "b"].into_iter().find(|side| *side == text)
}

const INSERT_SEALS: RowStatement = RowStatement {
    before: "insert into seals (seal, made_by, made_position, lifted_position, whole) values",
    columns: 5,
    after: "",
};

const INSERT_SEAL_RECORDS: RowStatement = RowStatement {
    before: "insert into seal_records (record, seal, side) values",
    columns: 3,
    after: "",
};

const LIFT_SEALS: RowStatement = RowStatement {
    before: "with lifting (seal, position) as (values",
    columns: 2,
    after: ") update seals set lifted_position = lifting.position from lifting \
        where seals.seal = lifting.seal",
};

/// All records of the seals that hold any of these.
const AROUND: RowStatement = RowStatement {
    before: "select o.seal, o.record, o.side, x.whole from seals x \
        join seal_records o on o.seal = x.seal where x.lifted_position is null \
        and x.seal in (select seal from seal_records where record in (values",
    columns: 1,
    after: "))",
};

const SURVIVORS: RowStatement = RowStatement {
    before: "select person, replaced_by from persons where replaced_by is not null \
        and person in (values",
    columns: 1,
    after: ")",
};

/// A withdrawn record still says whose it was.
const RECORDS: RowStatement = RowStatement {
    before: "select l.person, l.record from links l join records r on r.record = l.record \
        and (l.to_position is null or r.status = 'withdrawn') where l.person in (values",
    columns: 1,
    after: ")",
};

/// Where a record is now, or was last before it was withdrawn: what was here by
/// mistake and has been parted is not the person's.
const LAST_HERE: RowStatement = RowStatement {
    before: "select l.person, l.record from links l where not exists (select 1 from links n \
        where n.record = l.record and n.from_position > l.from_position) \
        and l.person in (values",
    columns: 1,
    after: ")",
};

/// The withdrawn ones alone.
const WITHDRAWN: RowStatement = RowStatement {
    before: "select l.person, l.record from links l join records r on r.record = l.record \
        and r.status = 'withdrawn' where l.person in (values",
    columns: 1,
    after: ")",
};

async fn any_seal(connection: &mut Connection) -> Result<bool, StoreError> {
    let row = db::query("select seal from seals where lifted_position is null limit 1")
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

async fn around(
    connection: &mut Connection,
    records: &[RecordNumber],
) -> Result<BTreeMap<SealId, SealState>, StoreError> {
    let rows = AROUND
        .select(connection, &[], records, |query, record| {
            query.bind(record.0)
        })
        .await?;
    seals_from(&rows)
}

/// Loads the seals that bear on the persons of the state.
pub(super) async fn load(
    connection: &mut Connection,
    state: &mut RegistryState,
) -> Result<(), StoreError> {
    if !any_seal(connection).await? {
        return Ok(());
    }
    let persons: Vec<PersonId> = state.persons.keys().copied().collect();
    let rows = WITHDRAWN
        .select(connection, &[], &persons, |query, person| {
            query.bind(person.to_string())
        })
        .await?;
    for row in &rows {
        let reader = Reader::named(row, "links")?;
        let record = RecordNumber(reader.number(1)?);
        let returned = state
            .records
            .get(&record)
            .is_some_and(|it| it.link.is_some());
        // A command of this batch may have brought it back.
        if !returned {
            let persons = state.withdrawn.entry(record).or_default();
            persons.insert(reader.parsed(0, "person", parse_person)?);
        }
    }
    let members = state.persons.values().flat_map(|person| &person.members);
    let members = members.chain(state.withdrawn.keys());
    let records: BTreeSet<RecordNumber> = members.chain(state.records.keys()).copied().collect();
    let records: Vec<RecordNumber> = records.into_iter().collect();
    let found = around(connection, &records).await?;
    state.seals.extend(found);
    Ok(())
}

impl Store {
    /// Whether any seal holds.
    ///
    /// # Errors
    /// What the database says.
    pub async fn has_seals(&self) -> Result<bool, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        any_seal(&mut connection).await
    }

    /// The seals that bear on these persons, by any id that they ever had, and on
    /// these records.
    ///
    /// # Errors
    /// What the database says.
    pub async fn seals_about(
        &self,
        persons: &[PersonId],
        records: &[RecordNumber],
    ) -> Result<Seals, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        about(&mut connection, persons, records).await
    }

    /// The records that are the person's, withdrawn ones included.
    ///
    /// # Errors
    /// What the database says.
    pub async fn records_ever_of(&self, person: PersonId) -> Result<Vec<RecordNumber>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = RECORDS
            .select(&mut connection, &[], &[person], |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let records = rows.iter().map(|row| row.try_get(1).map(RecordNumber));
        let records: BTreeSet<RecordNumber> = records.collect::<Result<_, _>>()?;
        Ok(records.into_iter().collect())
    }

    /// The records that are of these persons now, or were when they were withdrawn;
    /// not those that were joined to them by mistake and have been parted.
    ///
    /// # Errors
    /// What the database says.
    pub async fn records_last_of(
        &self,
        persons: &[PersonId],
    ) -> Result<Vec<RecordNumber>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = LAST_HERE
            .select(&mut connection, &[], persons, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let records = rows.iter().map(|row| row.try_get(1).map(RecordNumber));
        let records: BTreeSet<RecordNumber> = records.collect::<Result<_, _>>()?;
        Ok(records.into_iter().collect())
    }

    /// The seals that hold, the first one first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_seals(&self) -> Result<Vec<StoredSeal>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let rows = db::query(
            "select x.seal, x.made_by, e.at, r.source, r.local_id, s.side, l.person, x.whole \
             from seals x join events e on e.position = x.made_position \
             join seal_records s on s.seal = x.seal join records r on r.record = s.record \
             left join links l on l.record = s.record and l.to_position is null \
             where x.lifted_position is null order by x.seal, s.record",
        )
        .fetch_all(&mut snapshot)
        .await?;
        let mut seals: Vec<StoredSeal> = Vec::new();
        for row in &rows {
            let reader = Reader::named(row, "seals")?;
            let id = reader.parsed(0, "seal", parse_seal)?;
            if seals.last().is_none_or(|last| last.id != id) {
                seals.push(StoredSeal {
                    id,
                    made_by: reader.text(1)?,
                    made_at: Instant::from_microseconds(reader.number(2)?),
                    a: Vec::new(),
                    b: Vec::new(),
                    whole: reader.number(7)? == 1,
                });
            }
            let named = (
                reader.parsed(3, "source", parse_source)?,
                reader.parsed(4, "local_id", parse_local_id)?,
                reader.parsed_or_null(6, "person", parse_person)?,
            );
            let side = reader.parsed(5, "side", parse_side)?;
            if let Some(last) = seals.last_mut() {
                if side == "a" {
                    &mut last.a
                } else {
                    &mut last.b
                }
                .push(named);
            }
        }
        Ok(seals)
    }
}

/// Seals from rows of seal, record, side and whether it has no other side.
pub(super) fn seals_from(rows: &[Row]) -> Result<BTreeMap<SealId, SealState>, StoreError> {
    let mut seals: BTreeMap<SealId, SealState> = BTreeMap::new();
    for row in rows {
        let reader = Reader::named(row, "seal_records")?;
        let seal = seals.entry(reader.parsed(0, "seal", parse_seal)?);
        let seal = seal.or_default();
        seal.whole = reader.number(3)? == 1;
        let record = RecordNumber(reader.number(1)?);
        match reader.parsed(2, "side", parse_side)? {
            "a" => seal.a.insert(record),
            _ => seal.b.insert(record),
        };
    }
    Ok(seals)
}

/// The seals that bear on these persons and records.
pub(super) async fn about(
    connection: &mut Connection,
    persons: &[PersonId],
    records: &[RecordNumber],
) -> Result<Seals, StoreError> {
    if (persons.is_empty() && records.is_empty()) || !any_seal(connection).await? {
        return Ok(Seals::default());
    }
    let survivors = survivors(connection, persons).await?;
    let standing: BTreeSet<PersonId> = survivors.values().copied().collect();
    let standing: Vec<PersonId> = standing.into_iter().collect();
    let rows = RECORDS
        .select(connection, &[], &standing, |query, person| {
            query.bind(person.to_string())
        })
        .await?;
    let (own, all) = by_person(&rows, records)?;
    let seals = around(connection, &all).await?;
    let records = survivors.into_iter().map(|(person, survivor)| {
        let records = own.get(&survivor).cloned().unwrap_or_default();
        (person, records)
    });
    Ok(Seals {
        seals: seals.into_values().collect(),
        records: records.collect(),
    })
}

/// Each person with who it is now.
async fn survivors(
    connection: &mut Connection,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, PersonId>, StoreError> {
    let mut survivors: BTreeMap<PersonId, PersonId> =
        persons.iter().map(|person| (*person, *person)).collect();
    let mut asked: Vec<PersonId> = survivors.keys().copied().collect();
    let mut known: BTreeSet<PersonId> = BTreeSet::new();
    while !asked.is_empty() {
        known.extend(asked.iter().copied());
        let rows = SURVIVORS
            .select(connection, &[], &asked, |query, person| {
                query.bind(person.to_string())
            })
            .await?;
        let mut next = BTreeSet::new();
        for row in &rows {
            let reader = Reader::named(row, "persons")?;
            let person = reader.parsed(0, "person", parse_person)?;
            let by = reader.parsed(1, "replaced_by", parse_person)?;
            for survivor in survivors.values_mut().filter(|it| **it == person) {
                *survivor = by;
            }
            next.insert(by);
        }
        asked = next.difference(&known).copied().collect();
    }
    Ok(survivors)
}

/// Which records are whose.
pub(super) type RecordsOf = BTreeMap<PersonId, BTreeSet<RecordNumber>>;

/// Records of each person by rows of person and record; and all of them in order,
/// with `others` among them.
pub(super) fn by_person(
    rows: &[Row],
    others: &[RecordNumber],
) -> Result<(RecordsOf, Vec<RecordNumber>), StoreError> {
    let mut own = RecordsOf::new();
    let mut all: BTreeSet<RecordNumber> = others.iter().copied().collect();
    for row in rows {
        let reader = Reader::named(row, "links")?;
        let record = RecordNumber(reader.number(1)?);
        all.insert(record);
        own.entry(reader.parsed(0, "person", parse_person)?)
            .or_default()
            .insert(record);
    }
    Ok((own, all.into_iter().collect()))
}
