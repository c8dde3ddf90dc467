//! Replays the events and compares what follows from them with the tables:
//! the same projection that a commit writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::foundation::hex;
use crate::foundation::{EventPosition, RecordNumber};
use crate::registry::RegistryState;
use crate::storage::StoreError;
use crate::storage::copy::gaps;
use crate::storage::db::{self, Connection, Row};
use crate::storage::feed::{PAGE, StoredEvent, list_events};
use crate::storage::project::{
    LinkRow, PersonRow, Projection, RecordRow, VersionFact, event_kind, event_subjects,
};
use crate::storage::rows::{Reader, parse_merge, parse_person, parse_word};
use crate::storage::task_rows::{follows, select_tasks, task_from};
use crate::storage::verify::Findings;
use crate::storage::{verify_merges, verify_sources};
use sha2::{Digest, Sha256};

/// What follows from all events.
pub(super) struct Replay {
    state: RegistryState,
    projection: Projection,
}

/// Replays all events; checks that none is missing and that each is found by
/// its subjects.
pub(super) async fn replay(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<Replay, StoreError> {
    let mut replay = Replay {
        state: RegistryState::default(),
        projection: Projection::default(),
    };
    let mut after = EventPosition(0);
    let (gaps, _) = gaps(connection).await?;
    loop {
        let page = list_events(connection, after).await?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            return Ok(replay);
        };
        let mut subjects = load_subjects(connection, first.position, last.position).await?;
        let mut kinds = load_kinds(connection, after).await?;
        after = last.position;
        for stored in &page {
            let found = subjects.remove(&stored.position).unwrap_or_default();
            let kind = kinds.remove(&stored.position);
            check_event(stored, &found, kind.as_deref(), findings);
            let expected = EventPosition(replay.state.counters.position.0 + 1);
            if stored.position != expected && stored.position.0 <= gaps {
                // Each commit took a block of numbers and left the rest.
                replay.state.counters.position = EventPosition(stored.position.0 - 1);
            } else if stored.position != expected {
                let sentence = format!("no event stands at position {}", expected.0);
                findings.add("I10", format!("E{}", expected.0), sentence);
                replay.state.counters.position = EventPosition(stored.position.0 - 1);
            }
            replay.state.apply(&stored.event);
            replay.projection.take(&stored.event, &replay.state);
            findings.report.checked.events += 1;
        }
    }
}

fn check_event(
    stored: &StoredEvent,
    found: &BTreeSet<String>,
    kind: Option<&str>,
    findings: &mut Findings,
) {
    let subject = format!("E{}", stored.position.0);
    if *found != event_subjects(&stored.event) {
        findings.add_difference(&subject, "event_subjects");
    }
    if kind != Some(event_kind(&stored.event)) {
        findings.add_difference(&subject, "events.kind");
    }
}

async fn load_subjects(
    connection: &mut Connection,
    first: EventPosition,
    last: EventPosition,
) -> Result<BTreeMap<EventPosition, BTreeSet<String>>, StoreError> {
    let rows =
        db::query("select position, subject from event_subjects where position between $1 and $2")
            .bind(first.0)
            .bind(last.0)
            .fetch_all(connection)
            .await?;
    let mut subjects: BTreeMap<EventPosition, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let position = EventPosition(row.try_get(0)?);
        subjects
            .entry(position)
            .or_default()
            .insert(row.try_get(1)?);
    }
    Ok(subjects)
}

async fn load_kinds(
    connection: &mut Connection,
    after: EventPosition,
) -> Result<BTreeMap<EventPosition, String>, StoreError> {
    let rows = db::query(
        "select position, kind from events where position > $1 order by position limit $2",
    )
    .bind(after.0)
    .bind(PAGE)
    .fetch_all(connection)
    .await?;
    let mut kinds = BTreeMap::new();
    for row in &rows {
        kinds.insert(EventPosition(row.try_get(0)?), row.try_get(1)?);
    }
    Ok(kinds)
}

/// Compares every view with the replay.
pub(super) async fn compare(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    compare_versions(connection, replay, findings).await?;
    compare_records(connection, replay, findings).await?;
    compare_links(connection, replay, findings).await?;
    compare_persons(connection, replay, findings).await?;
    compare_tasks(connection, replay, findings).await?;
    replay
        .projection
        .seals
        .compare(connection, findings)
        .await?;
    replay
        .projection
        .disputes
        .compare(connection, findings)
        .await?;
    replay
        .projection
        .erasures
        .compare(connection, findings)
        .await?;
    verify_sources::compare(connection, &replay.projection.sources, findings).await?;
    let (state, merges) = (&replay.state, &replay.projection.merges);
    verify_merges::compare(connection, state, merges, findings).await
}

async fn compare_versions(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let facts = replay.projection.versions.iter();
    let mut expected: BTreeMap<(RecordNumber, u32), &VersionFact> = facts
        .map(|fact| ((fact.record, fact.version), fact))
        .collect();
    let mut after = (0, 0);
    loop {
        let rows = db::query(
            "select v.record, v.version, v.digest, v.standing, v.effective_at, v.position, \
             p.record, p.submitted, p.standard from record_versions v \
             left join payloads p on p.record = v.record and p.version = v.version \
             where (v.record, v.version) > ($1, $2) order by v.record, v.version limit $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = (last.try_get(0)?, last.try_get(1)?);
        for row in &rows {
            let fact = version_from(row)?;
            let erased = replay.projection.erasures.cover(fact.record, fact.version);
            check_payload(row, &fact, erased, findings)?;
            let subject = format!("R{}", fact.record.0);
            if expected.remove(&(fact.record, fact.version)) != Some(&fact) {
                findings.add_difference(subject, "record_versions");
            }
            findings.report.checked.versions += 1;
        }
    }
    for (record, version) in expected.keys() {
        let sentence = format!(
            "version {version} of R{} was acknowledged and is lost",
            record.0
        );
        findings.add("I1", format!("R{}", record.0), sentence);
    }
    Ok(())
}

fn version_from(row: &Row) -> Result<VersionFact, StoreError> {
    let reader = Reader::numbered(row, "record_versions")?;
    Ok(VersionFact {
        record: RecordNumber(reader.number(0)?),
        version: reader.count(1, "version")?,
        digest: reader.text(2)?,
        standing: reader.parsed(3, "standing", parse_word)?,
        effective_at: reader.instant_or_null(4)?,
        position: reader.position(5)?,
    })
}

/// A payload is there as its digest says, or erased because an event says so.
fn check_payload(
    row: &Row,
    fact: &VersionFact,
    erased: bool,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let present: Option<i64> = row.try_get(6)?;
    let submitted: Option<&str> = row.try_get(7)?;
    let standard: Option<&[u8]> = row.try_get(8)?;
    let subject = format!("R{}", fact.record.0);
    let version = fact.version;
    if present.is_none() {
        let sentence = format!("the payload of version {version} of {subject} is lost");
        findings.add("I1", &subject, sentence);
    }
    if present.is_some() && (erased != submitted.is_none() || erased != standard.is_none()) {
        let words = if erased {
            "erased and still there"
        } else {
            "gone without an erasure"
        };
        let sentence = format!("the payload of version {version} of {subject} is {words}");
        findings.add("I1", &subject, sentence);
    }
    let digest = submitted.map(|text| hex(&Sha256::digest(text.as_bytes())));
    if digest.is_some_and(|digest| digest != fact.digest) {
        let sentence =
            format!("the payload of version {version} of {subject} is not what was sent");
        findings.add("I1", &subject, sentence);
    }
    Ok(())
}

async fn compare_records(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut missing: BTreeSet<RecordNumber> = replay.state.records.keys().copied().collect();
    let mut after = 0_i64;
    loop {
        let rows = db::query(
            "select record, source, local_id, status, latest_version, current_version, \
             held_version, position from records where record > $1 order by record limit $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.try_get(0)?;
        for row in &rows {
            let number = RecordNumber(row.try_get(0)?);
            missing.remove(&number);
            let expected = replay.state.records.get(&number).map(RecordRow::of);
            let same = match &expected {
                Some(expected) => same_record(row, expected)?,
                None => false,
            };
            if !same {
                findings.add_difference(format!("R{}", number.0), "records");
            }
            findings.report.checked.records += 1;
        }
    }
    for number in missing {
        findings.add_difference(format!("R{}", number.0), "records");
    }
    Ok(())
}

fn same_record(row: &Row, expected: &RecordRow) -> Result<bool, StoreError> {
    Ok(row.try_get::<&str>(1)? == expected.source
        && row.try_get::<&str>(2)? == expected.local_id
        && row.try_get::<&str>(3)? == expected.status
        && row.try_get::<i64>(4)? == i64::from(expected.latest_version)
        && row.try_get::<i64>(5)? == i64::from(expected.current_version)
        && row.try_get::<Option<i64>>(6)? == expected.held_version.map(i64::from)
        && row.try_get::<i64>(7)? == expected.position.0)
}

async fn compare_links(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let links = replay.projection.links.iter();
    let mut expected: BTreeMap<(i64, i64), &LinkRow> = links
        .map(|link| ((link.record.0, link.from.0), link))
        .collect();
    let mut after = (0, 0);
    loop {
        let rows = db::query(
            "select record, person, from_position, to_position, route, weight_bits, model, \
             home_position, opened_by, closed_by \
             from links where (record, from_position) > ($1, $2) \
             order by record, from_position limit $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = (last.try_get(0)?, last.try_get(2)?);
        for row in &rows {
            let link = link_from(row)?;
            if expected.remove(&(link.record.0, link.from.0)) != Some(&link) {
                findings.add_difference(format!("R{}", link.record.0), "links");
            }
            findings.report.checked.links += 1;
        }
    }
    for (record, _) in expected.keys() {
        findings.add_difference(format!("R{record}"), "links");
    }
    Ok(())
}

fn link_from(row: &Row) -> Result<LinkRow, StoreError> {
    let reader = Reader::numbered(row, "links")?;
    Ok(LinkRow {
        record: RecordNumber(reader.number(0)?),
        person: reader.parsed(1, "person", parse_person)?,
        from: reader.position(2)?,
        to: reader.number_or_null(3)?.map(EventPosition),
        route: reader.parsed_or_null(4, "route", parse_word)?,
        weight_bits: reader.real_or_null(5)?,
        model: reader.text(6)?,
        home: reader.number_or_null(7)?.map(EventPosition),
        opened_by: reader.parsed_or_null(8, "opened_by", parse_merge)?,
        closed_by: reader.parsed_or_null(9, "closed_by", parse_merge)?,
    })
}

async fn compare_persons(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut missing: BTreeSet<_> = replay.state.persons.keys().copied().collect();
    let mut after = String::new();
    loop {
        let rows = db::query(
            "select person, status, replaced_by, created_position, revision from persons \
             where person > $1 order by person limit $2",
        )
        .bind(after.clone())
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.try_get(0)?;
        for row in &rows {
            let person = Reader::named(row, "persons")?.parsed(0, "person", parse_person)?;
            missing.remove(&person);
            let expected = replay.projection.person_row(person, &replay.state);
            let same = match &expected {
                Some(expected) => same_person(row, expected)?,
                None => false,
            };
            if !same {
                findings.add_difference(person, "persons");
            }
            findings.report.checked.persons += 1;
        }
    }
    for person in missing {
        findings.add_difference(person, "persons");
    }
    Ok(())
}

fn same_person(row: &Row, expected: &PersonRow) -> Result<bool, StoreError> {
    let replaced_by = expected.replaced_by.map(|person| person.to_string());
    Ok(row.try_get::<&str>(1)? == expected.status
        && row.try_get::<Option<String>>(2)? == replaced_by
        && row.try_get::<Option<i64>>(3)? == expected.created_position.map(|it| it.0)
        && row.try_get::<i64>(4)? == expected.revision.0)
}

async fn compare_tasks(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut missing: BTreeSet<_> = replay.state.tasks.keys().copied().collect();
    let mut after = String::new();
    loop {
        let rows = db::query(select_tasks!("where task > $1 order by task limit $2"))
            .bind(after.clone())
            .bind(PAGE)
            .fetch_all(&mut *connection)
            .await?;
        let Some(last) = rows.last() else {
            break;
        };
        after = last.try_get(0)?;
        for row in &rows {
            let (task, found) = task_from(row)?;
            missing.remove(&task);
            for person in &found.persons {
                if !replay.state.persons.contains_key(person) {
                    let sentence = format!("{task} names {person}, which does not exist");
                    findings.add("I2", task, sentence);
                }
            }
            if replay.state.tasks.get(&task) != Some(&found) || !follows(row, &found)? {
                findings.add_difference(task, "tasks");
            }
            findings.report.checked.tasks += 1;
        }
    }
    for task in missing {
        findings.add_difference(task, "tasks");
    }
    compare_comments(connection, replay, findings).await
}

/// What was written about tasks is there, or erased.
async fn compare_comments(
    connection: &mut Connection,
    replay: &Replay,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut missing = replay.projection.comments.clone();
    let rows = db::query(
        "select m.position from remarks m join events e on e.position = m.position \
         where e.kind = 'task_commented'",
    )
    .fetch_all(connection)
    .await?;
    for row in &rows {
        missing.remove(&EventPosition(row.try_get(0)?));
    }
    for position in missing {
        let sentence = format!("what was written with event {} is lost", position.0);
        findings.add("I1", format!("E{}", position.0), sentence);
    }
    Ok(())
}
