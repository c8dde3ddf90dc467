//! Writes the rows of a batch by multi-row statements, in the order that the
//! foreign keys ask for.

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, TaskId};
use crate::registry::RegistryState;
use crate::security::AuditEntry;
use crate::storage::StoreError;
use crate::storage::batch::{Batch, EventRow, VersionRow};
use crate::storage::command::RememberedAnswer;
use crate::storage::db::{self, Connection};
use crate::storage::project::{LinkRow, PersonRow, RecordRow};
use crate::storage::prune::prune_keys;
use crate::storage::recent::KeyRow;
use crate::storage::rows::{encode_standard, json, word};
use crate::storage::sql::{Bound, RowStatement};
use crate::storage::task_rows::{INSERT_TASKS, TaskRow, UPDATE_TASKS, bind_new_task, bind_task};

/// Where and when the commit is.
#[derive(Clone, Copy)]
struct Stamp {
    /// Its place for followers, where positions are not it.
    place: Option<i64>,
    at: Instant,
}

struct AuditRow<'b> {
    audit: i64,
    entry: &'b AuditEntry,
    stamp: i64,
}

impl Batch {
    /// Writes all rows; `state` is the one that the commands have left.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        state: &RegistryState,
        settled: &db::Settled,
    ) -> Result<(), StoreError> {
        let stamp = Stamp {
            place: settled.receipt.map(|receipt| receipt.stamp),
            at: settled.at,
        };
        if !self.events.is_empty() {
            let events = self.events.iter().map(|row| (row, stamp));
            INSERT_EVENTS
                .write(connection, &events.collect::<Vec<_>>(), bind_event)
                .await?;
            INSERT_SUBJECTS
                .write(connection, &self.subjects, |query, (subject, position)| {
                    query.bind(subject.clone()).bind(position.0)
                })
                .await?;
            self.write_persons(connection, state).await?;
            self.write_records(connection, state, stamp).await?;
            self.write_links(connection).await?;
            self.write_tasks(connection, state).await?;
            self.projection.sources.write(connection).await?;
            self.projection.seals.write(connection).await?;
            self.projection.disputes.write(connection).await?;
            self.projection.merges.write(connection, state).await?;
            INSERT_REMARKS
                .write(connection, &self.remarks, |query, (position, remark)| {
                    query
                        .bind(position.0)
                        .bind(remark.subject.clone())
                        .bind(remark.reason.clone())
                })
                .await?;
        }
        for pair in &self.known_pairs {
            pair.write(connection).await?;
        }
        self.write_audit(connection, &settled.audit, stamp.place)
            .await?;
        let remembered = self.remembered.iter().map(|answer| (answer, settled.at));
        let remembered: Vec<(&RememberedAnswer, Instant)> = remembered.collect();
        INSERT_REMEMBERED
            .write(connection, &remembered, |query, (answer, at)| {
                query
                    .bind(answer.actor.clone())
                    .bind(answer.key.clone())
                    .bind(answer.digest.clone())
                    .bind(i64::from(answer.status))
                    .bind(answer.body.clone())
                    .bind(at.microseconds())
            })
            .await
    }

    /// Writes audit rows, where nothing else is in the batch.
    pub(super) async fn write_audit_alone(
        &self,
        connection: &mut Connection,
        settled: &db::Settled,
    ) -> Result<(), StoreError> {
        let stamp = settled.receipt.map(|receipt| receipt.stamp);
        self.write_audit(connection, &settled.audit, stamp).await
    }

    async fn write_audit(
        &self,
        connection: &mut Connection,
        numbers: &[i64],
        stamp: Option<i64>,
    ) -> Result<(), StoreError> {
        let numbered = numbers.iter().copied().zip(&self.audit);
        let rows: Vec<AuditRow> = numbered
            .map(|(audit, entry)| AuditRow {
                audit,
                entry,
                stamp: stamp.unwrap_or(audit),
            })
            .collect();
        INSERT_AUDIT.write(connection, &rows, bind_audit).await?;
        let named = rows.iter().flat_map(|row| {
            let mut persons = row.entry.persons.clone();
            persons.sort_unstable();
            persons.dedup();
            persons.into_iter().map(move |person| (person, row.audit))
        });
        let named: Vec<(PersonId, i64)> = named.collect();
        INSERT_AUDIT_PERSONS
            .write(connection, &named, |query, (person, audit)| {
                query.bind(person.to_string()).bind(*audit)
            })
            .await
    }

    async fn write_persons(
        &self,
        connection: &mut Connection,
        state: &RegistryState,
    ) -> Result<(), StoreError> {
        let row = |person: &PersonId| {
            self.projection
                .person_row(*person, state)
                .ok_or_else(|| StoreError::inconsistent("persons", "person", person))
        };
        let new = self.projection.new_persons.keys().map(row);
        let new: Vec<PersonRow> = new.collect::<Result<_, _>>()?;
        INSERT_PERSONS
            .write(connection, &new, |query, row| {
                bind_person(query, row).bind(row.created_position.map(|position| position.0))
            })
            .await?;
        let changed = self.projection.changed_persons.iter().map(row);
        let changed: Vec<PersonRow> = changed.collect::<Result<_, _>>()?;
        UPDATE_PERSONS
            .write(connection, &changed, bind_person)
            .await
    }

    async fn write_records(
        &self,
        connection: &mut Connection,
        state: &RegistryState,
        stamp: Stamp,
    ) -> Result<(), StoreError> {
        let (place, at) = (stamp.place, stamp.at);
        let row = |record: &RecordNumber| {
            let known = state.records.get(record);
            known
                .map(|known| (RecordRow::of(known), place))
                .ok_or_else(|| StoreError::inconsistent("records", "record", record.0))
        };
        let new = self.projection.new_records.iter().map(row);
        let new: Vec<(RecordRow, Option<i64>)> = new.collect::<Result<_, _>>()?;
        INSERT_RECORDS
            .write(connection, &new, |query, stamped| {
                let (row, _) = stamped;
                bind_record(query, stamped)
                    .bind(row.source.clone())
                    .bind(row.local_id.clone())
            })
            .await?;
        let versions = self.versions.iter().map(|row| (row, at));
        INSERT_VERSIONS
            .write(connection, &versions.collect::<Vec<_>>(), bind_version)
            .await?;
        INSERT_PAYLOADS
            .write(connection, &self.versions, |query, row| {
                query
                    .bind(row.fact.record.0)
                    .bind(i64::from(row.fact.version))
                    .bind(row.version.submitted.clone())
                    .bind(encode_standard(&row.version.standard))
            })
            .await?;
        self.projection.erasures.write(connection).await?;
        let changed = self.projection.changed_records.iter().map(row);
        let changed: Vec<(RecordRow, Option<i64>)> = changed.collect::<Result<_, _>>()?;
        UPDATE_RECORDS
            .write(connection, &changed, bind_record)
            .await?;
        let keys = distinct_keys(self.keys.iter().map(|row| (*row, place)));
        let is_new = |(row, _): &(KeyRow, Option<i64>)| {
            let new = &self.projection.new_records;
            new.contains(&row.record)
        };
        let (new, known): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_new);
        INSERT_KEYS.write(connection, &new, bind_key).await?;
        UPSERT_KEYS.write(connection, &known, bind_key).await?;
        self.claims.write(connection).await?;
        prune_keys(connection, &self.versions).await
    }

    async fn write_links(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let closings = &self.projection.closings;
        CLOSE_LINKS
            .write(connection, closings, |query, (record, position, merge)| {
                let merge = merge.map(|merge| merge.to_string());
                query.bind(record.0).bind(position.0).bind(merge)
            })
            .await?;
        INSERT_LINKS
            .write(connection, &self.projection.links, bind_link)
            .await
    }

    async fn write_tasks(
        &self,
        connection: &mut Connection,
        state: &RegistryState,
    ) -> Result<(), StoreError> {
        let row = |task: &TaskId, opened: EventPosition| {
            let known = state.tasks.get(task).cloned();
            known
                .filter(|state| state.persons.len() <= 2)
                .map(|state| TaskRow {
                    task: *task,
                    state,
                    opened,
                })
                .ok_or_else(|| StoreError::inconsistent("tasks", "task", task))
        };
        let new = self.projection.new_tasks.iter();
        let new = new.map(|(task, opened)| row(task, *opened));
        let new: Vec<TaskRow> = new.collect::<Result<_, _>>()?;
        INSERT_TASKS.write(connection, &new, bind_new_task).await?;
        let changed = self.projection.changed_tasks.iter();
        let changed = changed.map(|task| row(task, EventPosition::default()));
        let changed: Vec<TaskRow> = changed.collect::<Result<_, _>>()?;
        UPDATE_TASKS.write(connection, &changed, bind_task).await
    }
}

/// One row for each record and key, the last one: a statement may not meet a
/// row twice. In the order of the table.
fn distinct_keys(rows: impl Iterator<Item = (KeyRow, Option<i64>)>) -> Vec<(KeyRow, Option<i64>)> {
    let mut rows: Vec<(KeyRow, Option<i64>)> = rows.collect();
    let place = |(row, _): &(KeyRow, Option<i64>)| (row.record, row.key.cast_signed());
    rows.sort_by_key(place);
    rows.dedup_by(|later, kept| {
        let again = place(later) == place(kept);
        if again {
            *kept = *later;
        }
        again
    });
    rows
}

const INSERT_EVENTS: RowStatement = RowStatement {
    before: "insert into events (position, at, actor, request_id, kind, body, stamp) values",
    columns: 7,
    after: "",
};

fn bind_event(query: Bound, (row, stamp): &(&EventRow, Stamp)) -> Bound {
    query
        .bind(row.position.0)
        .bind(stamp.at.microseconds())
        .bind(row.actor.actor.clone())
        .bind(row.actor.request_id.clone())
        .bind(row.kind)
        .bind(row.body.clone())
        .bind(stamp.place.unwrap_or(row.position.0))
}

const INSERT_SUBJECTS: RowStatement = RowStatement {
    before: "insert into event_subjects (subject, position) values",
    columns: 2,
    after: "",
};

const INSERT_PERSONS: RowStatement = RowStatement {
    before: "insert into persons (person, status, replaced_by, revision, created_position) values",
    columns: 5,
    after: "",
};

const UPDATE_PERSONS: RowStatement = RowStatement {
    before: "with changed (person, status, replaced_by, revision) as (values",
    columns: 4,
    after: ") update persons set status = changed.status, replaced_by = changed.replaced_by, \
        revision = changed.revision from changed where persons.person = changed.person",
};

fn bind_person(query: Bound, row: &PersonRow) -> Bound {
    query
        .bind(row.person.to_string())
        .bind(row.status)
        .bind(row.replaced_by.map(|person| person.to_string()))
        .bind(row.revision.0)
}

const INSERT_RECORDS: RowStatement = RowStatement {
    before: "insert into records (record, status, latest_version, current_version, \
        held_version, position, stamp, source, local_id) values",
    columns: 9,
    after: "",
};

const UPDATE_RECORDS: RowStatement = RowStatement {
    before: "with changed (record, status, latest_version, current_version, held_version, \
        position, stamp) as (values",
    columns: 7,
    after: ") update records set status = changed.status, \
        latest_version = changed.latest_version, current_version = changed.current_version, \
        held_version = changed.held_version, position = changed.position, \
        stamp = changed.stamp from changed where records.record = changed.record",
};

fn bind_record(query: Bound, (row, stamp): &(RecordRow, Option<i64>)) -> Bound {
    query
        .bind(row.record.0)
        .bind(row.status)
        .bind(i64::from(row.latest_version))
        .bind(i64::from(row.current_version))
        .bind(row.held_version.map(i64::from))
        .bind(row.position.0)
        .bind(stamp.unwrap_or(row.position.0))
}

const INSERT_VERSIONS: RowStatement = RowStatement {
    before: "insert into record_versions (record, version, digest, standing, effective_at, \
        received_at, position, findings, answer, actor) values",
    columns: 10,
    after: "",
};

fn bind_version(query: Bound, (row, at): &(&VersionRow, Instant)) -> Bound {
    query
        .bind(row.fact.record.0)
        .bind(i64::from(row.fact.version))
        .bind(row.fact.digest.clone())
        .bind(word(&row.fact.standing))
        .bind(row.fact.effective_at.map(Instant::microseconds))
        .bind(at.microseconds())
        .bind(row.fact.position.0)
        .bind(row.version.findings.clone())
        .bind(row.version.answer.clone())
        .bind(row.actor.clone())
}

const INSERT_PAYLOADS: RowStatement = RowStatement {
    before: "insert into payloads (record, version, submitted, standard) values",
    columns: 4,
    after: "",
};

const INSERT_KEYS: RowStatement = RowStatement {
    before: "insert into record_keys (key, record, stamp) values",
    columns: 3,
    after: "",
};

// A known key gets the new position: the index may not have the new version yet.
const UPSERT_KEYS: RowStatement = RowStatement {
    after: "on conflict (record, key) do update set stamp = excluded.stamp",
    ..INSERT_KEYS
};

fn bind_key(query: Bound, (row, stamp): &(KeyRow, Option<i64>)) -> Bound {
    query
        .bind(row.key.cast_signed())
        .bind(row.record.0)
        .bind(stamp.unwrap_or(row.position.0))
}

const CLOSE_LINKS: RowStatement = RowStatement {
    before: "with closing (record, position, merge) as (values",
    columns: 3,
    after: ") update links set to_position = closing.position, closed_by = closing.merge \
        from closing \
        where links.record = closing.record and links.to_position is null",
};

const INSERT_LINKS: RowStatement = RowStatement {
    before: "insert into links (record, person, from_position, to_position, route, weight_bits, \
        model, home_position, opened_by, closed_by) values",
    columns: 10,
    after: "",
};

fn bind_link(query: Bound, row: &LinkRow) -> Bound {
    query
        .bind(row.record.0)
        .bind(row.person.to_string())
        .bind(row.from.0)
        .bind(row.to.map(|position| position.0))
        .bind(row.route.as_ref().map(word))
        .bind(row.weight_bits)
        .bind(row.model.clone())
        .bind(row.home.map(|home| home.0))
        .bind(row.opened_by.map(|merge| merge.to_string()))
        .bind(row.closed_by.map(|merge| merge.to_string()))
}

const INSERT_AUDIT: RowStatement = RowStatement {
    before: "insert into audit (audit, at, actor, on_behalf_of, role, organisation, purpose, \
        action, request_id, persons, record, stamp, address, door) values",
    columns: 14,
    after: "",
};

fn bind_audit(query: Bound, row: &AuditRow) -> Bound {
    let entry = row.entry;
    query
        .bind(row.audit)
        .bind(entry.at.microseconds())
        .bind(entry.actor.clone())
        .bind(entry.on_behalf_of.clone())
        .bind(entry.role.clone())
        .bind(entry.organisation.clone())
        .bind(entry.purpose.clone())
        .bind(entry.action)
        .bind(entry.request_id.clone())
        .bind(json(&entry.persons))
        .bind(entry.record.clone())
        .bind(row.stamp)
        .bind(entry.origin.address.map(|address| address.to_string()))
        .bind(entry.origin.door.clone())
}

const INSERT_AUDIT_PERSONS: RowStatement = RowStatement {
    before: "insert into audit_persons (person, audit) values",
    columns: 2,
    after: "",
};

const INSERT_REMARKS: RowStatement = RowStatement {
    before: "insert into remarks (position, subject, reason) values",
    columns: 3,
    after: "",
};

const INSERT_REMEMBERED: RowStatement = RowStatement {
    before: "insert into idempotency (actor, key, digest, status, body, at) values",
    columns: 6,
    after: "",
};
