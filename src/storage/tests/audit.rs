//! The audit log and its seals.

use super::{Ledger, at, person_id};
use crate::foundation::hex;
use crate::security::{AuditEntry, Origin};
use crate::storage::audit::list_after;
use crate::storage::seal::{Layout, Seal, list_seals, merkle_root};

pub(super) fn entry(request_id: &str, seeds: &[u64]) -> AuditEntry {
    AuditEntry {
        at: at(),
        actor: "tester".into(),
        on_behalf_of: None,
        role: "clinician".into(),
        organisation: Some("A81001".into()),
        purpose: Some("direct care".into()),
        action: "read_person",
        request_id: request_id.into(),
        persons: seeds.iter().map(|seed| person_id(*seed)).collect(),
        record: None,
        origin: Origin {
            address: Some([192, 0, 2, 7].into()),
            door: Some("GET /persons".to_owned()),
        },
    }
}

async fn sealed() -> Ledger {
    let ledger = Ledger::new().await;
    for round in 0..3 {
        let entries = (0..5).map(|number| entry(&format!("{round}-{number}"), &[number]));
        ledger
            .store
            .append_audit(entries.collect())
            .await
            .expect("appended");
        assert_eq!(ledger.store.seal_audit(at()).await.expect("sealed"), 5);
    }
    assert_eq!(ledger.store.seal_audit(at()).await.expect("nothing new"), 0);
    ledger
}

/// The invariants that a check names after the ledger was spoilt.
async fn found(ledger: &Ledger) -> Vec<&'static str> {
    let report = ledger.store.verify().await.expect("a check");
    let mut found: Vec<_> = report.violations.iter().map(|it| it.invariant).collect();
    found.dedup();
    found
}

#[tokio::test]
async fn r130_who_looked_at_whom_can_be_read() {
    let ledger = Ledger::new().await;
    let entries = vec![entry("1", &[1, 2]), entry("2", &[2, 2]), entry("3", &[])];
    ledger.store.append_audit(entries).await.expect("appended");
    let all = ledger.store.list_audit(None, 0, 10).await.expect("a list");
    assert_eq!(all.len(), 3);
    let of_two = ledger
        .store
        .list_audit(Some(person_id(2)), 0, 10)
        .await
        .expect("a list");
    let requests: Vec<_> = of_two.iter().map(|row| row.request_id.as_str()).collect();
    assert_eq!(requests, ["1", "2"]);
    let later = ledger
        .store
        .list_audit(Some(person_id(2)), 1, 10)
        .await
        .expect("a list");
    assert_eq!((later.len(), later[0].action.as_str()), (1, "read_person"));
    assert!(found(&ledger).await.is_empty());
}

#[tokio::test]
async fn i13_a_sound_log_verifies_after_a_restart_too() {
    let ledger = sealed().await.reopen().await;
    let report = ledger.store.verify().await.expect("a check");
    assert_eq!((report.checked.audit_rows, report.checked.seals), (15, 3));
    assert!(report.is_sound(), "{report:?}");
    ledger
        .store
        .append_audit(vec![entry("4", &[])])
        .await
        .expect("appended");
    ledger.store.seal_audit(at()).await.expect("sealed");
    assert!(found(&ledger).await.is_empty());
}

#[tokio::test]
async fn i13_tampering_is_found() {
    let mutations = [
        "update audit set actor = 'nobody' where audit = 2",
        "update audit set purpose = null where audit = 7",
        "update audit set at = at - 1 where audit = 15",
        "update audit set record = '' where audit = 1",
        "update audit set address = null where audit = 3",
        "update audit set door = 'GET /' where audit = 4",
        "update audit_seals set root = (select root from audit_seals where seal = 2) where seal = 1",
        "update audit_seals set sealed_at = sealed_at - 1 where seal = 2",
        "update audit_seals set last = 9223372036854775807 where seal = 3",
        "delete from audit_seals where seal = 3",
        "delete from audit_seals where seal = 1",
        "insert into audit_seals select 4, 16, 16, root, hash, 'x', 0, 16, 1 from audit_seals \
         where seal = 3",
    ];
    for mutation in mutations {
        let ledger = sealed().await;
        ledger.spoil(mutation).await;
        assert_eq!(found(&ledger).await, ["I13"], "{mutation}");
    }
}

/// As a node of an older release does that still runs beside newer ones.
#[tokio::test]
async fn i13_a_seal_without_where_requests_came_from_is_still_good() {
    let ledger = sealed().await;
    let rows = vec![entry("4", &[1]), entry("5", &[])];
    ledger.store.append_audit(rows).await.expect("appended");
    let mut connection = ledger.store.inner.readers.acquire().await.expect("one");
    let last = list_seals(&mut connection, 2, 1)
        .await
        .expect("seals")
        .remove(0);
    let rows = list_after(&mut connection, last.end(), i64::MAX, 10).await;
    let rows = rows.expect("rows");
    drop(connection);
    let leaves: Vec<_> = rows
        .iter()
        .map(|(_, row)| row.leaf(Layout::Second))
        .collect();
    let mut seal = Seal {
        seal: 4,
        first: 16,
        last: 17,
        last_stamp: rows[1].0,
        rows: 2,
        root: hex(&merkle_root(&leaves)),
        previous: last.hash,
        hash: String::new(),
        sealed_at: 0,
    };
    seal.hash = seal.hash_as(Layout::Second);
    let values = format!(
        "4, 16, 17, '{}', '{}', '{}', 0, {}, 2",
        seal.root, seal.previous, seal.hash, seal.last_stamp
    );
    ledger
        .spoil(format!("insert into audit_seals select {values}").leak())
        .await;
    assert!(found(&ledger).await.is_empty());
    ledger.store.seal_audit(at()).await.expect("caught up");
    assert!(found(&ledger).await.is_empty());
    // What it covers is held as ever.
    ledger
        .spoil("update audit set actor = 'x' where audit = 16")
        .await;
    assert_eq!(found(&ledger).await, ["I13"]);
}

#[tokio::test]
async fn i13_a_missing_row_is_found_sealed_or_not() {
    let ledger = sealed().await;
    let entries = vec![entry("4", &[]), entry("5", &[]), entry("6", &[])];
    ledger.store.append_audit(entries).await.expect("appended");
    ledger.spoil("delete from audit where audit = 17").await;
    assert_eq!(found(&ledger).await, ["I13"]);
}

#[tokio::test]
async fn i13_the_second_place_is_compared() {
    let ledger = sealed().await;
    let log = ledger.path().join("audit-seals.log");
    let text = std::fs::read_to_string(&log).expect("the second place");
    let lines: Vec<&str> = text.lines().collect();
    let edited = text.replacen("\"first\":6", "\"first\":5", 1);
    let shorter = format!("{}\n", lines[0]);
    for forged in [edited, shorter, String::new()] {
        std::fs::write(&log, forged).expect("written");
        assert_eq!(found(&ledger).await, ["I13"]);
    }
}

#[tokio::test]
async fn a_torn_line_of_the_second_place_is_repaired() {
    let ledger = sealed().await;
    let log = ledger.path().join("audit-seals.log");
    let text = std::fs::read_to_string(&log).expect("the second place");
    std::fs::write(&log, &text[..text.len() - 20]).expect("torn");
    let ledger = ledger.reopen().await;
    ledger.store.seal_audit(at()).await.expect("caught up");
    assert_eq!(
        std::fs::read_to_string(&log).expect("the second place"),
        text
    );
    assert!(found(&ledger).await.is_empty());
}

#[tokio::test]
async fn i12_a_hidden_reading_is_found() {
    let ledger = sealed().await;
    ledger
        .spoil("delete from audit_persons where audit = 3")
        .await;
    assert_eq!(found(&ledger).await, ["I12"]);
}

#[tokio::test]
async fn audit_rows_and_events_refuse_to_change() {
    let ledger = sealed().await;
    ledger.register(super::Sent::new("a", &[7])).await;
    let mut writer = ledger.store.inner.writer.lock().await;
    let connection = writer.connection().await.expect("a connection");
    let refused = [
        "update audit set actor = 'x'",
        "delete from audit",
        "update events set actor = 'x'",
        "delete from events",
    ];
    for statement in refused {
        assert!(
            crate::storage::db::query(statement)
                .execute(&mut *connection)
                .await
                .is_err()
        );
    }
}
