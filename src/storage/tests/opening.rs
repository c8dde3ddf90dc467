//! Opening, options, and the small tables.

use super::{
    EventPosition, Ledger, OPTIONS, ReadSet, Sent, Store, StoreError, StoreOptions, at, person_id,
    source,
};
use crate::foundation::Instant;
use crate::registry::Source;
use crate::security::{ActorKind, Role};
use crate::storage::StoredToken;

#[tokio::test]
async fn a_reopened_ledger_is_the_same() {
    let ledger = Ledger::new().await;
    let (record, person) = ledger.register(Sent::new("a", &[7])).await;
    let ledger = ledger.reopen().await;
    assert_eq!(
        ledger.store.position().await.expect("a read"),
        EventPosition(3)
    );
    let found = ledger
        .store
        .candidate_persons(&[record])
        .await
        .expect("a read");
    assert_eq!(found[0].person, person);
    let (next, _) = ledger.register(Sent::new("b", &[8])).await;
    assert_eq!(next.0, record.0 + 1);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

#[tokio::test]
async fn a_directory_is_held_by_one_exclusive_user_and_lent_to_small_writers() {
    let ledger = Ledger::new().await;
    let second = Store::open(&ledger.path(), OPTIONS).await;
    assert!(matches!(second, Err(StoreError::InUse)));
    let beside = StoreOptions {
        exclusive: false,
        create: false,
        live: false,
    };
    let beside = Store::open(&ledger.path(), beside)
        .await
        .expect("open beside");
    let token = StoredToken {
        digest: "00".into(),
        actor: "clerk".into(),
        kind: ActorKind::Person,
        roles: vec![Role::Clinician, Role::Steward],
        sources: vec!["gp".into()],
        created_at: at(),
        revoked_at: None,
    };
    beside.add_token(&token).await.expect("a token");
    assert_eq!(
        ledger.store.find_token("00").await.expect("a read"),
        Some(token)
    );
    let later = Instant::from_microseconds(at().microseconds() + 1);
    assert_eq!(
        beside.revoke_tokens("clerk", later).await.expect("revoked"),
        1
    );
    let found = ledger.store.find_token("00").await.expect("a read");
    assert_eq!(found.and_then(|token| token.revoked_at), Some(later));
    assert_eq!(ledger.store.find_token("01").await.expect("a read"), None);
}

#[tokio::test]
async fn r5_live_use_is_settled_when_the_directory_is_made() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let live = StoreOptions {
        live: true,
        ..OPTIONS
    };
    let absent = StoreOptions {
        create: false,
        ..OPTIONS
    };
    let store = Store::open(&directory.path().join("none"), absent).await;
    assert!(matches!(store, Err(StoreError::Missing)));
    let made = Store::open(&directory.path().join("live"), live)
        .await
        .expect("made");
    assert!(made.is_live());
    made.close().await;
    drop(made);
    let again = Store::open(&directory.path().join("live"), OPTIONS)
        .await
        .expect("opened");
    assert!(again.is_live());
    let demonstration = Ledger::new().await;
    assert!(!demonstration.store.is_live());
    demonstration.store.close().await;
    let refused = Store::open(&demonstration.path(), live).await;
    assert!(matches!(refused, Err(StoreError::NotLive)));
}

#[tokio::test]
async fn sources_are_added_changed_and_listed() {
    let ledger = Ledger::new().await;
    assert!(!ledger.store.ensure_source(&source()).await.expect("known"));
    let described = Source {
        code: source(),
        name: "A practice".into(),
        ods_code: Some("A81001".into()),
        authority: Some("https://example.org/ids".into()),
        trust: 80,
        number_status_default: crate::identity::NumberStatus::Verified,
        acts_for_people: true,
        retention_days: Some(30),
    };
    ledger.store.add_source(&described).await.expect("changed");
    assert_eq!(
        ledger.store.find_source(&source()).await.expect("a read"),
        Some(described)
    );
    assert_eq!(ledger.store.list_sources().await.expect("a list").len(), 1);
}

#[tokio::test]
async fn an_unknown_person_is_nobody() {
    let ledger = Ledger::new().await;
    assert!(
        ledger
            .store
            .load_person(person_id(9))
            .await
            .expect("a read")
            .is_none()
    );
}

#[tokio::test]
async fn hot_reads_use_an_index() {
    let ledger = Ledger::new().await;
    let mut connection = ledger
        .store
        .inner
        .readers
        .acquire()
        .await
        .expect("a reader");
    let statements = [
        "explain query plan select record from records r \
         where (r.source, r.local_id) in (values ($1, $2), ($3, $4))",
        "explain query plan select k.record, k.key, k.stamp from records r \
         join record_keys k on k.record = r.record \
         where r.stamp > $1 and k.stamp > $1 and k.key in (values ($2), ($3))",
        "explain query plan select p.person, l.record from persons p \
         join links l on l.person = p.person and l.to_position is null where p.person in \
         (select person from links where to_position is null and record in (values ($1), ($2)))",
        "explain query plan with asked (person) as (values ($1), ($2)) \
         select task from tasks where status = 'open' and person_a in \
         (select person from asked) union all select task from tasks \
         where status = 'open' and person_b in (select person from asked)",
    ];
    for statement in statements {
        let rows = crate::storage::db::query(statement)
            .fetch_all(&mut connection)
            .await
            .expect("a plan");
        let steps: Vec<String> = rows
            .iter()
            .map(|row| row.try_get(3).expect("a step"))
            .collect();
        let scanned = steps
            .iter()
            .filter(|step| step.starts_with("SCAN") && !step.ends_with("asked"))
            .any(|step| !step.contains("VALUES CLAUSE") && !step.contains("CONSTANT ROW"));
        assert!(!scanned, "{steps:?}");
    }
}

#[tokio::test]
async fn keys_that_this_process_has_not_written_are_read_back() {
    let ledger = Ledger::new().await;
    let (record, _) = ledger.register(Sent::new("a", &[7])).await;
    let (later, _) = ledger.register(Sent::new("b", &[7])).await;
    let ledger = ledger.reopen().await;
    let after = EventPosition(0);
    let stored = ledger.store.recent_records(&[7], after).await;
    assert_eq!(stored.expect("a read"), [record, later]);
    for (keys_after, expected) in [(EventPosition(3), 1), (after, 2), (EventPosition(6), 0)] {
        let read = ReadSet {
            keys: vec![7],
            keys_after,
            ..ReadSet::default()
        };
        let seen = ledger.store.commit(read, super::actor(), at(), |state, _| {
            super::Planned::nothing(state.recent_keys.get(&7).map_or(0, |found| found.len()))
        });
        assert_eq!(seen.await.expect("a commit"), expected);
    }
    let remembered = ledger.store.recent_records(&[7], after).await;
    assert_eq!(remembered.expect("a read"), [record, later]);
}

#[tokio::test]
async fn a_state_that_a_reader_keeps_ends_with_the_next_change() {
    let ledger = Ledger::new().await;
    let (first, person) = ledger.register(Sent::new("a", &[7])).await;
    let members = async || {
        let found = ledger.store.candidate_persons(&[first]).await;
        found.expect("a read")[0].members.len()
    };
    assert_eq!(members().await, 1);
    for number in 0..3 {
        ledger
            .join(Sent::new(&format!("b{number}"), &[7]), person)
            .await;
        assert_eq!(members().await, 2 + number);
    }
}
