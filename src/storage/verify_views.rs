//! Checks that the tables hold by themselves: the partition of records into
//! persons, verified numbers, and keys.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::PersonId;
use crate::identity::{Namespace, NhsNumber};
use crate::registry::{NumberHash, Replacements, live_number, number_hash};
use crate::storage::StoreError;
use crate::storage::db::{self, Connection};
use crate::storage::feed::PAGE;
use crate::storage::rows::{Reader, parse_person};
use crate::storage::verify::Findings;

/// I2: each active record belongs to exactly one active person, no active
/// person is empty, each retired id resolves.
pub(super) async fn check_partition(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query(
        "select r.record, r.status, count(l.record), \
         sum(case when p.status = 'active' then 1 else 0 end), max(l.person) from records r \
         left join links l on l.record = r.record and l.to_position is null \
         left join persons p on p.person = l.person \
         group by r.record, r.status \
         having (r.status = 'active') <> (count(l.record) = 1) \
         or sum(case when p.status = 'active' then 1 else 0 end) <> count(l.record)",
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let (record, status): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        let (links, sound): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        let sentence = format!(
            "R{record} is {status} and has {links} links, {sound} of them to an active person"
        );
        if let Some(person) = row.try_get::<Option<String>>(4)? {
            findings.name(person);
        }
        findings.add("I2", format!("R{record}"), sentence);
    }
    let empty = db::query(
        "select p.person from persons p where p.status = 'active' and not exists \
         (select 1 from links l join records r on r.record = l.record \
         where l.person = p.person and l.to_position is null and r.status = 'active')",
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &empty {
        let person: String = row.try_get(0)?;
        let sentence = format!("{person} is active and has no active record");
        findings.add("I2", person, sentence);
    }
    check_chains(connection, findings).await
}

async fn check_chains(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query("select person from persons")
        .fetch_all(connection)
        .await?;
    let known = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<BTreeSet<String>, _>>()?;
    let rows = db::query(
        "select person, replaced_by from persons where replaced_by is not null order by person",
    )
    .fetch_all(connection)
    .await?;
    let mut replaced: BTreeMap<String, String> = BTreeMap::new();
    for row in &rows {
        replaced.insert(row.try_get(0)?, row.try_get(1)?);
    }
    for start in replaced.keys() {
        let mut steps = 0;
        let mut end = start;
        while let Some(next) = replaced.get(end) {
            end = next;
            steps += 1;
            if steps > replaced.len() {
                break;
            }
        }
        if steps > replaced.len() {
            findings.add("I2", start, format!("{start} resolves in a circle"));
        } else if !known.contains(end) {
            let sentence = format!("{start} resolves to {end}, which does not exist");
            findings.add("I2", start, sentence);
        }
    }
    Ok(())
}

/// I9: no person holds two different verified numbers of one namespace.
pub(super) async fn check_numbers(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut after = (String::new(), 0_i64);
    let mut held = HeldNumbers {
        replacements: all_replacements(connection).await?,
        ..HeldNumbers::default()
    };
    loop {
        let rows = db::query(
            "select l.person, l.record, y.standard from links l \
             join records r on r.record = l.record \
             join payloads y on y.record = r.record and y.version = r.current_version \
             where l.to_position is null and (l.person, l.record) > ($1, $2) \
             order by l.person, l.record limit $3",
        )
        .bind(after.0.clone())
        .bind(after.1)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = (last.try_get(0)?, last.try_get(1)?);
        for row in &rows {
            let reader = Reader::named(row, "payloads")?;
            let person = reader.parsed(0, "person", parse_person)?;
            let claim = reader.standard(2)?.and_then(|standard| standard.nhs_number);
            if let Some(claim) = claim.filter(|claim| claim.status.is_verified())
                && held.is_second(person, claim.number)
            {
                let sentence = format!("{person} holds two different verified numbers");
                findings.add("I9", person, sentence);
            }
        }
    }
}

async fn all_replacements(connection: &mut Connection) -> Result<Replacements, StoreError> {
    let rows = db::query("select replaced, replaced_by from number_replacements")
        .fetch_all(connection)
        .await?;
    let mut replacements = Replacements::new();
    for row in &rows {
        let [replaced, by] = [row.try_get::<i64>(0)?, row.try_get::<i64>(1)?]
            .map(|number| NumberHash(number.cast_unsigned()));
        replacements.entry(replaced).or_default().insert(by);
    }
    Ok(replacements)
}

/// The verified numbers of the person that is being walked.
#[derive(Default)]
struct HeldNumbers {
    person: Option<PersonId>,
    numbers: BTreeMap<Namespace, NhsNumber>,
    told: bool,
    /// Two numbers of which one stands for the other are one (R16).
    replacements: Replacements,
}

impl HeldNumbers {
    /// Whether this is the first number that contradicts another one.
    fn is_second(&mut self, person: PersonId, number: NhsNumber) -> bool {
        if self.person != Some(person) {
            self.person = Some(person);
            self.numbers.clear();
            self.told = false;
        }
        let first = *self.numbers.entry(number.namespace()).or_insert(number);
        let live = |number| live_number(&self.replacements, number_hash(number));
        let news = first != number && live(first) != live(number) && !self.told;
        self.told |= news;
        news
    }
}

/// I8: each active record is found by a key, unless it waits for its source to
/// be released or is erased.
pub(super) async fn check_keys(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query(
        "select r.record from records r where r.status = 'active' and not exists \
         (select 1 from record_keys k where k.record = r.record) and not exists \
         (select 1 from deferred_versions d where d.record = r.record) and not exists \
         (select 1 from erasures e where e.record = r.record \
         and e.versions >= r.current_version) order by r.record",
    )
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let record: i64 = row.try_get(0)?;
        let sentence = format!("R{record} is active and stored under no key");
        findings.add("I8", format!("R{record}"), sentence);
    }
    Ok(())
}
