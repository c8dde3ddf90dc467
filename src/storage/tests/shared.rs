//! What holds where several processes write one ledger.

use std::time::Duration;

use super::writer::{Decide, first_or_join};
use super::{Ledger, Sent, actor, at, on_postgres};
use crate::foundation::{EventPosition, PersonId, RecordNumber};
use crate::storage::{Planned, ReadSet, StoreError, db};

async fn commit(
    store: &crate::storage::Store,
    (read, decide): (ReadSet, Decide<PersonId>),
) -> Result<PersonId, StoreError> {
    store.commit(read, actor(), at(), decide).await
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_two_processes_that_share_a_key_make_one_person() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        let (other, _directory) = ledger.another().await;
        for round in 0..25 {
            let sent = |node: &str, number: u32| {
                let keys = [1_000 + round, 2_000 + round];
                first_or_join(Sent::new(&format!("{round}-{node}-{number}"), &keys))
            };
            let here = (0..4).map(|number| commit(&ledger.store, sent("a", number)));
            let there = (0..4).map(|number| commit(&other, sent("b", number)));
            let all = futures_util::future::join_all(here);
            let (here, there) = tokio::join!(all, futures_util::future::join_all(there));
            let mut persons: Vec<PersonId> = here
                .into_iter()
                .chain(there)
                .map(|person| person.expect("a commit"))
                .collect();
            persons.dedup();
            assert_eq!(persons.len(), 1, "round {round}");
        }
        assert!(ledger.events().await > 0);
    })
    .await;
}

/// Links a new record to a person, whatever its keys.
fn join(sent: Sent, person: PersonId) -> (ReadSet, Decide<PersonId>) {
    let mut read = sent.read();
    read.persons.push((person, EventPosition(0)));
    let decide: Decide<PersonId> = Box::new(move |state, _| {
        let planned = sent.joined(state, person);
        Planned {
            events: planned.events,
            versions: planned.versions,
            keys: planned.keys,
            ..Planned::nothing(person)
        }
    });
    (read, decide)
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_person_that_two_processes_change_under_other_keys_loses_nothing() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        let (other, _directory) = ledger.another().await;
        let (_, person) = ledger.register(Sent::new("first", &[1])).await;
        for round in 0..25_u64 {
            let sent = |node: &str, key: u64| {
                join(
                    Sent::new(&format!("{round}-{node}"), &[key + round]),
                    person,
                )
            };
            let (here, there) = tokio::join!(
                commit(&ledger.store, sent("a", 1_000)),
                commit(&other, sent("b", 2_000))
            );
            here.expect("a commit");
            there.expect("a commit");
        }
        let view = other.load_person(person).await.expect("a read");
        assert_eq!(view.expect("the person").members.len(), 51);
        assert!(ledger.events().await > 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_a_follower_misses_nothing_that_commits_late() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        let (other, _directory) = ledger.another().await;
        let stores = [ledger.store.clone(), other];
        let writers = (0..2).map(|node: usize| {
            let store = stores[node].clone();
            tokio::spawn(async move {
                for number in 0..100_u64 {
                    let key = number + 1_000 * node as u64;
                    let sent = Sent::new(&format!("{node}-{number}"), &[key]);
                    commit(&store, first_or_join(sent)).await.expect("a commit");
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut seen: Vec<RecordNumber> = Vec::new();
        let mut after = EventPosition(0);
        while seen.len() < 200 {
            let (rows, upto) = ledger.store.index_feed(after, 7).await.expect("a feed");
            assert!(upto >= after);
            after = upto;
            seen.extend(rows.iter().map(|row| row.record));
            if writers.iter().all(tokio::task::JoinHandle::is_finished) {
                ledger.settled().await;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_reply_is_lost_is_not_repeated() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        let mut writer = ledger.store.inner.writer.lock().await;
        let connection = writer.connection().await.expect("a connection");
        db::begin(connection, &[7]).await.expect("begun");
        let settled = db::settle(connection, 0, 2, at()).await.expect("a place");
        let known = settled.receipt.expect("left");
        assert_eq!(settled.audit.len(), 2);
        db::commit(connection).await.expect("committed");
        let forged = db::Receipt {
            token: known.token ^ 1,
            ..known
        };
        assert!(db::has_receipt(connection, known).await.expect("a read"));
        assert!(!db::has_receipt(connection, forged).await.expect("a read"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_line_is_opened_again_and_the_commit_goes_on() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        for number in 0..3 {
            let mut reader = ledger
                .store
                .inner
                .readers
                .acquire()
                .await
                .expect("a reader");
            let ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                where datname = current_database() and pid <> pg_backend_pid()";
            db::query(ended)
                .fetch_one(&mut reader)
                .await
                .expect("ended");
            drop(reader);
            ledger
                .register(Sent::new(&format!("r{number}"), &[7]))
                .await;
        }
        assert_eq!(ledger.events().await, 9);
        assert!(ledger.store.health().await.expect("health").retries >= 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sequences_that_were_taken_back_are_lifted_when_a_process_starts() {
    on_postgres(async {
        let ledger = Ledger::new().await;
        ledger.register(Sent::new("a", &[7])).await;
        let mut writer = ledger.store.inner.writer.lock().await;
        let back = "select setval('event_positions', 0, false), \
            setval('record_numbers', 0, false), setval('audit_numbers', 1, false)";
        db::query(back)
            .fetch_one(writer.connection().await.expect("a connection"))
            .await
            .expect("taken back");
        drop(writer);
        let (other, _directory) = ledger.another().await;
        let second = commit(&other, first_or_join(Sent::new("b", &[8]))).await;
        second.expect("a commit");
        assert_eq!(ledger.events().await, 6);
    })
    .await;
}

/// The tables and columns are those of the other engine.
#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let mut columns = Vec::new();
    let lite = Ledger::new().await;
    let mut reader = lite.store.inner.readers.acquire().await.expect("a reader");
    let rows = db::query(
        "select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c \
         where m.type = 'table' and m.name not like 'sqlite_%' and m.name <> '_sqlx_migrations'",
    );
    columns.push(rows.fetch_all(&mut reader).await.expect("columns"));
    on_postgres(async {
        let ledger = Ledger::new().await;
        let mut reader = ledger
            .store
            .inner
            .readers
            .acquire()
            .await
            .expect("a reader");
        let rows = db::query(
            "select table_name || '.' || column_name from information_schema.columns \
             where table_schema = 'public' and table_name <> '_sqlx_migrations' \
             and table_name <> 'commits'",
        );
        columns.push(rows.fetch_all(&mut reader).await.expect("columns"));
    })
    .await;
    let named = columns.iter().map(|rows| {
        let names = rows.iter().map(|row| row.try_get(0).expect("a name"));
        names.collect::<std::collections::BTreeSet<String>>()
    });
    let named: Vec<_> = named.collect();
    assert!(!named[0].is_empty());
    assert_eq!(named[0], named[1]);
}
