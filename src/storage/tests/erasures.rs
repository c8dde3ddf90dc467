//! An erasure destroys what it must, keeps what it must, and a spoilt one is
//! found.

use super::{Ledger, RegistryEvent, Sent, source};
use crate::foundation::{EventPosition, Instant};
use crate::registry::LocalId;
use crate::storage::db;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

async fn r135_payload_and_keys_go_and_the_tombstone_stays() {
    let ledger = Ledger::new().await;
    let (record, person) = ledger.register(Sent::new("a", &[1, 2])).await;
    ledger.register(Sent::new("b", &[2])).await;
    let erased = RegistryEvent::RecordErased {
        record,
        versions: 1,
        restricted: true,
    };
    ledger.run(Sent::new("a", &[]).read(), vec![erased]).await;

    let local_id = LocalId::parse("a").expect("a local id");
    let stored = ledger.store.find_record(&source(), &local_id).await;
    let stored = stored.expect("a read").expect("the record stays");
    assert!(stored.versions[0].submitted.is_none());
    assert_eq!(stored.versions[0].digest.len(), 64);
    let view = ledger.store.load_person(person).await.expect("a read");
    let view = view.expect("the person stays");
    assert!(view.members[0].standard.is_none() && view.restricted);
    let (feed, _) = ledger
        .store
        .index_feed(EventPosition::default(), 10)
        .await
        .expect("a feed");
    let own = feed.iter().find(|row| row.record == record);
    assert!(own.is_some_and(|row| row.erased && row.keys.is_empty()));
    ledger.events().await;
    assert!(ledger.store.scrub_is_due().await.expect("a look"));
    assert!(ledger.store.scrub().await.expect("a scrub"));
    assert!(!ledger.store.scrub_is_due().await.expect("a look"));
    ledger.events().await;
    for spoil in [
        "update payloads set submitted = '{}' where record = 1",
        "delete from erasures",
    ] {
        let mut writer = ledger.store.inner.writer.lock().await;
        let connection = writer.connection().await.expect("the writer");
        db::query(spoil).execute(connection).await.expect("spoilt");
        drop(writer);
        let report = ledger.store.verify().await.expect("a check");
        assert!(!report.is_sound(), "{spoil}");
    }
}

async fn r135_a_record_expires_after_its_last_message() {
    let ledger = Ledger::new().await;
    ledger.register(Sent::new("a", &[1])).await;
    let mut known = ledger.store.find_source(&source()).await.expect("a read");
    let local_id = LocalId::parse("a").expect("a local id");
    let stored = ledger.store.find_record(&source(), &local_id).await;
    let stored = stored.expect("a read").expect("the record");
    // By the clock of whoever commits.
    let came = stored.versions[0].received_at.microseconds();
    let later = |days: i64| Instant::from_microseconds(came + days * DAY);
    let expired = async |days| ledger.store.expired_records(later(days), 10).await;
    assert!(
        expired(36_000).await.expect("a read").is_empty(),
        "kept for good"
    );
    let mut known = known.take().expect("the source");
    known.retention_days = Some(30);
    ledger.store.add_source(&known).await.expect("changed");
    assert!(expired(30).await.expect("a read").is_empty());
    assert_eq!(expired(31).await.expect("a read").len(), 1);
}

on_both_engines!(
    r135_payload_and_keys_go_and_the_tombstone_stays,
    r135_a_record_expires_after_its_last_message,
);
