//! Who claims which verified number (R19). The rows follow the current versions:
//! a commit writes them, `verify` compares them with the payloads, and a ledger
//! from before them is filled once.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::{PersonId, RecordNumber};
use crate::registry::{NumberHash, RegistryEvent, RegistryState, VersionStanding, claimed_number};
use crate::storage::command::{Planned, ReadSet};
use crate::storage::db::{self, Connection, Row};
use crate::storage::feed::PAGE;
use crate::storage::rows::{Reader, parse_person};
use crate::storage::sql::RowStatement;
use crate::storage::verify::Findings;
use crate::storage::{Store, StoreError};

/// Claims of one number that a commit looks at: two would do to know that it is
/// confused.
const CLAIMS_MAX: i64 = 16;

/// Key of `meta`: claims have been filled from the payloads.
const FILLED: &str = "claims";

/// What a batch changes of claims: each record's number from now on.
#[derive(Debug, Default)]
pub(super) struct ClaimRows {
    numbers: BTreeMap<RecordNumber, Option<NumberHash>>,
    /// Records of the batch: they claimed nothing before.
    new: BTreeSet<RecordNumber>,
}

impl ClaimRows {
    /// Takes a plan whose events are applied.
    pub(super) fn take(&mut self, plan: &Planned<()>) {
        let mut deferred = BTreeSet::new();
        for event in &plan.events {
            match event {
                RegistryEvent::RecordWithdrawn { record }
                | RegistryEvent::RecordErased { record, .. } => {
                    self.numbers.insert(*record, None);
                }
                // What waits anchors nothing for others (R98).
                RegistryEvent::VersionDeferred { record, version } => {
                    deferred.insert((*record, *version));
                }
                RegistryEvent::RecordRegistered { record, .. } => {
                    self.new.insert(*record);
                }
                _ => {}
            }
        }
        let current = plan.events.iter().filter_map(|event| match event {
            RegistryEvent::RecordRegistered { record, .. } => Some((*record, 1)),
            RegistryEvent::RecordUpdated {
                record,
                version,
                standing: VersionStanding::Current,
                ..
            } => Some((*record, *version)),
            _ => None,
        });
        let current: BTreeSet<_> = current.collect();
        for version in &plan.versions {
            let place = (version.record, version.version);
            if current.contains(&place) {
                let number = claimed_number(&version.standard);
                let number = number.filter(|_| !deferred.contains(&place));
                self.numbers.insert(version.record, number);
            }
        }
    }

    /// Writes the claims as they are now.
    pub(super) async fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let known = self
            .numbers
            .keys()
            .filter(|record| !self.new.contains(record));
        DELETE_CLAIMS
            .write(connection, &known.collect::<Vec<_>>(), |query, record| {
                query.bind(record.0)
            })
            .await?;
        let made = self.numbers.iter();
        let made = made.filter_map(|(record, number)| Some((*record, (*number)?)));
        insert(connection, &made.collect::<Vec<_>>()).await
    }
}

const DELETE_CLAIMS: RowStatement = RowStatement {
    before: "delete from number_claims where record in (values",
    columns: 1,
    after: ")",
};

const INSERT_CLAIMS: RowStatement = RowStatement {
    before: "insert into number_claims (number, record) values",
    columns: 2,
    after: "",
};

async fn insert(
    connection: &mut Connection,
    claims: &[(RecordNumber, NumberHash)],
) -> Result<(), StoreError> {
    INSERT_CLAIMS
        .write(connection, claims, |query, (record, number)| {
            query.bind(number.0.cast_signed()).bind(record.0)
        })
        .await
}

/// Loads who claims the numbers of the commands; gives the records.
pub(super) async fn load(
    connection: &mut Connection,
    state: &mut RegistryState,
    reads: &[&ReadSet],
) -> Result<BTreeSet<RecordNumber>, StoreError> {
    let numbers: BTreeSet<NumberHash> = reads.iter().filter_map(|read| read.claimed).collect();
    let mut claiming = BTreeSet::new();
    for number in numbers {
        let rows = db::query(
            "select record from number_claims where number = $1 order by record limit $2",
        )
        .bind(number.0.cast_signed())
        .bind(CLAIMS_MAX)
        .fetch_all(&mut *connection)
        .await?;
        let claims = state.claims.entry(number).or_default();
        for row in &rows {
            claims.insert(RecordNumber(row.try_get(0)?));
        }
        claiming.extend(claims.iter().copied());
    }
    Ok(claiming)
}

/// Active records with their claims as the payloads say, page by page.
async fn expected(
    connection: &mut Connection,
    after: RecordNumber,
) -> Result<Option<(RecordNumber, BTreeMap<RecordNumber, NumberHash>)>, StoreError> {
    let rows = db::query(
        "select r.record, y.standard from records r \
         join payloads y on y.record = r.record and y.version = r.current_version \
         where r.status = 'active' and r.record > $1 and not exists \
         (select 1 from deferred_versions d where d.record = r.record \
         and d.version = r.current_version) order by r.record limit $2",
    )
    .bind(after.0)
    .bind(PAGE)
    .fetch_all(connection)
    .await?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let last = RecordNumber(last.try_get(0)?);
    let mut claims = BTreeMap::new();
    for row in &rows {
        let reader = Reader::numbered(row, "payloads")?;
        let number = reader.standard(1)?.and_then(|it| claimed_number(&it));
        if let Some(number) = number {
            claims.insert(RecordNumber(reader.number(0)?), number);
        }
    }
    Ok(Some((last, claims)))
}

/// Fills the claims of a ledger that was made before there were any.
pub(super) async fn fill(connection: &mut Connection) -> Result<(), StoreError> {
    if is_filled(connection).await? {
        return Ok(());
    }
    db::begin_long(connection).await?;
    // Of nodes that start together one fills.
    db::lock(connection, &[crate::storage::LINEAGE_LOCK]).await?;
    let filled = fill_all(connection).await;
    match filled {
        Ok(()) => db::commit(connection).await,
        Err(error) => {
            db::rollback(connection).await;
            Err(error)
        }
    }
}

async fn is_filled(connection: &mut Connection) -> Result<bool, StoreError> {
    let known = db::query("select value from meta where key = $1").bind(FILLED);
    Ok(known.fetch_optional(connection).await?.is_some())
}

async fn fill_all(connection: &mut Connection) -> Result<(), StoreError> {
    if is_filled(connection).await? {
        return Ok(());
    }
    db::query("delete from number_claims")
        .execute(connection)
        .await?;
    let mut after = RecordNumber(0);
    while let Some((last, claims)) = expected(connection, after).await? {
        insert(connection, &claims.into_iter().collect::<Vec<_>>()).await?;
        after = last;
    }
    db::query("insert into meta (key, value) values ($1, 'filled') on conflict (key) do nothing")
        .bind(FILLED)
        .execute(connection)
        .await?;
    Ok(())
}

/// I9: the claims are those of the payloads.
pub(super) async fn check(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query("select record, number from number_claims")
        .fetch_all(&mut *connection)
        .await?;
    let mut stored = BTreeMap::new();
    for row in &rows {
        let number: i64 = row.try_get(1)?;
        stored.insert(RecordNumber(row.try_get(0)?), number.cast_unsigned());
    }
    let mut after = RecordNumber(0);
    while let Some((last, claims)) = expected(connection, after).await? {
        for (record, number) in claims {
            if stored.remove(&record) != Some(number.0) {
                findings.add_difference(format!("R{}", record.0), "number_claims");
            }
        }
        after = last;
    }
    for record in stored.keys() {
        findings.add_difference(format!("R{}", record.0), "number_claims");
    }
    Ok(())
}

/// The persons that claim a number as verified: its owner where there is one,
/// nobody's where there are more.
pub(super) async fn claimants(
    connection: &mut Connection,
    number: NumberHash,
) -> Result<BTreeSet<PersonId>, StoreError> {
    let rows = db::query(
        "select distinct l.person from number_claims c \
         join links l on l.record = c.record and l.to_position is null where c.number = $1",
    )
    .bind(number.0.cast_signed())
    .fetch_all(connection)
    .await?;
    let person = |row: &Row| Reader::named(row, "links")?.parsed(0, "person", parse_person);
    rows.iter().map(person).collect()
}

impl Store {
    /// Other persons that claim a number which one of the person's records claims: its
    /// number is under investigation where there is one (R19).
    ///
    /// # Errors
    /// What the database says.
    pub async fn rivals_for_number(
        &self,
        person: PersonId,
    ) -> Result<BTreeSet<PersonId>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select distinct k.person from links l join number_claims c on c.record = l.record \
             join number_claims o on o.number = c.number \
             join links k on k.record = o.record and k.to_position is null \
             where l.person = $1 and l.to_position is null and k.person <> $1",
        )
        .bind(person.to_string())
        .fetch_all(&mut connection)
        .await?;
        let person = |row: &Row| Reader::named(row, "links")?.parsed(0, "person", parse_person);
        rows.iter().map(person).collect()
    }
}
