//! What a command about joined persons needs beside the persons: all who have
//! become them, the merges between those, and what humans have said of their
//! records.

use std::collections::BTreeSet;

use crate::foundation::{AssertionId, MergeId, PersonId, RecordNumber};
use crate::registry::TaskKind;
use crate::storage::StoreError;
use crate::storage::command::ReadSet;
use crate::storage::db::{Connection, Row};
use crate::storage::load::Working;
use crate::storage::merge_rows::{load_assertions, load_merges};
use crate::storage::rows::{Reader, parse_assertion, parse_merge, parse_person};
use crate::storage::sql::RowStatement;

const REPLACED: RowStatement = RowStatement {
    before: "select person from persons where replaced_by in (values",
    columns: 1,
    after: ")",
};

const MERGES_BY_SURVIVOR: RowStatement = RowStatement {
    before: "select merge from merges where status in ('done', 'awaiting_approval') \
        and survivor in (values",
    columns: 1,
    after: ")",
};

const MERGES_BY_RETIRED: RowStatement = RowStatement {
    before: "select merge from merges where status in ('done', 'awaiting_approval') \
        and retired in (values",
    columns: 1,
    after: ")",
};

const ASSERTIONS_OF: RowStatement = RowStatement {
    before: "select assertion from assertion_records where record in (values",
    columns: 1,
    after: ")",
};

impl Working {
    /// Loads merges and assertions that commands name, with their records; gives
    /// the persons that these are about.
    pub(super) async fn load_named_merges(
        &mut self,
        connection: &mut Connection,
        reads: &[&ReadSet],
    ) -> Result<BTreeSet<PersonId>, StoreError> {
        let merges = reads.iter().flat_map(|read| read.merges.iter().copied());
        let merges: BTreeSet<MergeId> = merges.collect();
        let said = reads
            .iter()
            .flat_map(|read| read.assertions.iter().copied());
        let said: BTreeSet<AssertionId> = said.collect();
        if merges.is_empty() && said.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.load_merges(connection, merges.clone()).await?;
        self.load_assertions(connection, said.clone()).await?;
        let merges = merges.iter().filter_map(|id| self.state.merges.get(id));
        let merges: Vec<_> = merges.cloned().collect();
        let said = said.iter().filter_map(|id| self.state.assertions.get(id));
        let said: BTreeSet<RecordNumber> = said.flat_map(|it| it.a.union(&it.b).copied()).collect();
        let found = merges
            .iter()
            .flat_map(|it| it.moved.union(&it.kept).copied());
        let records: BTreeSet<RecordNumber> = found.chain(said.iter().copied()).collect();
        self.load_records(connection, records).await?;
        let links = said
            .iter()
            .filter_map(|it| self.state.records.get(it)?.link.as_ref());
        let persons = merges.iter().flat_map(|it| [it.survivor, it.retired]);
        Ok(links.map(|link| link.person).chain(persons).collect())
    }

    /// Persons of a command that are joined or parted, as who they are now:
    /// every member of theirs is needed.
    pub(super) fn joined_whole(&self, read: &ReadSet) -> BTreeSet<PersonId> {
        let merges = read
            .merges
            .iter()
            .filter_map(|id| self.state.merges.get(id));
        let named = merges.flat_map(|merge| [merge.survivor, merge.retired]);
        let named = named.chain(read.whole.iter().copied());
        named.map(|person| self.survivor(person)).collect()
    }

    /// Persons that are joined or parted, as who they are now.
    pub(super) fn joined(
        &self,
        reads: &[&ReadSet],
        named: BTreeSet<PersonId>,
    ) -> BTreeSet<PersonId> {
        let mut joined = named;
        for read in reads {
            joined.extend(&read.whole);
            if read.families {
                joined.extend(self.reach(read));
            }
        }
        joined.into_iter().map(|it| self.survivor(it)).collect()
    }

    /// Loads all who have become the persons that a command is about, with the
    /// merges between them.
    pub(super) async fn load_families(
        &mut self,
        connection: &mut Connection,
        persons: BTreeSet<PersonId>,
    ) -> Result<(), StoreError> {
        let mut family = persons.clone();
        let mut asked: Vec<PersonId> = persons.into_iter().collect();
        while !asked.is_empty() {
            let rows = select(&REPLACED, connection, &asked).await?;
            let mut next = BTreeSet::new();
            for row in &rows {
                let reader = Reader::named(row, "persons")?;
                let replaced = reader.parsed(0, "person", parse_person)?;
                if family.insert(replaced) {
                    next.insert(replaced);
                }
            }
            self.load_persons(connection, next.clone()).await?;
            asked = next.into_iter().collect();
        }
        let family: Vec<PersonId> = family.into_iter().collect();
        let merges = merges_of(connection, &family).await?;
        self.load_merges(connection, merges).await
    }

    /// Loads the merges that wait for an approval and name a loaded person.
    pub(super) async fn load_proposals(
        &mut self,
        connection: &mut Connection,
    ) -> Result<(), StoreError> {
        let asking = self.state.tasks.values();
        let asking = asking.filter(|task| task.kind == TaskKind::MergeApproval && task.waits());
        let persons: BTreeSet<PersonId> = asking.flat_map(|task| task.persons.clone()).collect();
        if persons.is_empty() {
            return Ok(());
        }
        let persons: Vec<PersonId> = persons.into_iter().collect();
        let merges = merges_of(connection, &persons).await?;
        self.load_merges(connection, merges).await
    }

    /// What humans have said of records without a person, which no person
    /// brings along.
    pub(super) async fn load_said_of(
        &mut self,
        connection: &mut Connection,
        records: &[RecordNumber],
    ) -> Result<(), StoreError> {
        let known = |number: &&RecordNumber| {
            let record = self.state.records.get(number);
            record.is_some_and(|record| record.link.is_none())
        };
        let records: Vec<RecordNumber> = records.iter().filter(known).copied().collect();
        let rows = ASSERTIONS_OF
            .select(connection, &[], &records, |query, number| {
                query.bind(number.0)
            })
            .await?;
        let mut said = BTreeSet::new();
        for row in &rows {
            let reader = Reader::named(row, "assertion_records")?;
            said.insert(reader.parsed(0, "assertion", parse_assertion)?);
        }
        self.load_assertions(connection, said).await
    }

    pub(super) async fn load_assertions(
        &mut self,
        connection: &mut Connection,
        mut assertions: BTreeSet<AssertionId>,
    ) -> Result<(), StoreError> {
        assertions.retain(|id| !self.state.assertions.contains_key(id));
        let wanted: Vec<AssertionId> = assertions.into_iter().collect();
        for (assertion, (state, _)) in load_assertions(connection, &wanted).await? {
            self.state.assertions.insert(assertion, state);
        }
        Ok(())
    }

    async fn load_merges(
        &mut self,
        connection: &mut Connection,
        mut merges: BTreeSet<MergeId>,
    ) -> Result<(), StoreError> {
        merges.retain(|id| !self.state.merges.contains_key(id));
        let wanted: Vec<MergeId> = merges.into_iter().collect();
        self.state
            .merges
            .extend(load_merges(connection, &wanted).await?);
        Ok(())
    }
}

/// Merges of these persons that hold or wait.
async fn merges_of(
    connection: &mut Connection,
    persons: &[PersonId],
) -> Result<BTreeSet<MergeId>, StoreError> {
    let mut merges = BTreeSet::new();
    for statement in [&MERGES_BY_SURVIVOR, &MERGES_BY_RETIRED] {
        for row in &select(statement, connection, persons).await? {
            let reader = Reader::named(row, "merges")?;
            merges.insert(reader.parsed(0, "merge", parse_merge)?);
        }
    }
    Ok(merges)
}

async fn select(
    statement: &RowStatement,
    connection: &mut Connection,
    persons: &[PersonId],
) -> Result<Vec<Row>, StoreError> {
    statement
        .select(connection, &[], persons, |query, person| {
            query.bind(person.to_string())
        })
        .await
}
