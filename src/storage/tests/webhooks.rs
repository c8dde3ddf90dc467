//! One process at a time delivers to a reader, and one that was frozen meanwhile
//! changes nothing.

use super::{Ledger, at};
use crate::foundation::{Instant, Redacted, SeededChance, WebhookId};
use crate::storage::{
    DeadLetter, FailedAttempt, FeedPlace, Store, StoreError, StoreOptions, Webhook,
};

fn after(seconds: i64) -> Instant {
    Instant::from_microseconds(at().microseconds() + seconds * 1_000_000)
}

fn place(position: i64) -> FeedPlace {
    FeedPlace {
        stamp: position,
        position,
    }
}

fn webhook() -> Webhook {
    Webhook {
        id: WebhookId::new(at(), &SeededChance::new(1)),
        url: "https://hooks.example.org/".to_owned(),
        actor: "reader".to_owned(),
        sources: vec!["gp".to_owned()],
        kinds: vec!["person_retired".to_owned()],
        secret: Redacted::new("whsec_c2VjcmV0".to_owned()),
        events_per_message: 10,
        created_at: at(),
        created_by: "adam".to_owned(),
        place: place(3),
        pending: None,
        attempts: 0,
        next_at: Instant::default(),
        failed_because: None,
        epoch: 0,
    }
}

/// A lease that ends, and the next one: their epochs.
async fn lease_twice(store: &Store, made: &Webhook) -> (i64, i64) {
    let lease = store.lease_webhook(made, None, after(0), after(30));
    let first = lease.await.expect("a write").expect("the lease is free");
    let known = store.find_webhook(made.id).await.expect("a read");
    let known = known.expect("the webhook");
    let early = store.lease_webhook(&known, None, after(29), after(60));
    assert_eq!(early.await.expect("a write"), None, "it is held");
    let late = store.lease_webhook(&known, None, after(31), after(60));
    let second = late.await.expect("a write").expect("it has ended");
    assert!(second > first);
    (first, second)
}

async fn a_leader_that_was_frozen_is_fenced() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let made = webhook();
    store.add_webhook(&made).await.expect("kept");
    let find = async || {
        let found = store.find_webhook(made.id).await.expect("a read");
        found.expect("the webhook")
    };
    assert_eq!(find().await, made);
    // Beside each other, as two nodes are.
    let options = StoreOptions {
        exclusive: false,
        ..super::OPTIONS
    };
    let beside = ledger.open_beside(options).await;

    let wrote = |outcome: Result<bool, StoreError>| outcome.expect("a write");
    let (first, second) = lease_twice(&beside, &made).await;
    let frozen = Webhook {
        epoch: first,
        ..made.clone()
    };
    let leader = Webhook {
        epoch: second,
        ..made.clone()
    };
    let failed = FailedAttempt {
        attempts: 2,
        next_at: after(5),
        because: "timed out".to_owned(),
    };
    assert!(!wrote(beside.offer_message(&frozen, place(7)).await));
    assert!(!wrote(beside.postpone_message(&frozen, &failed).await));
    assert!(!wrote(
        beside.advance_webhook(&frozen, place(7), after(60)).await
    ));
    assert_eq!(find().await.place, place(3));
    assert!(wrote(beside.offer_message(&leader, place(5)).await));
    assert!(wrote(beside.postpone_message(&leader, &failed).await));
    let known = find().await;
    assert_eq!((known.pending, known.attempts), (Some(place(5)), 2));
    assert!(wrote(
        beside.advance_webhook(&leader, place(5), after(60)).await
    ));
    let known = find().await;
    assert_eq!(
        (known.place, known.pending, known.attempts),
        (place(5), None, 0)
    );
    beside
        .release_webhook(made.id, second)
        .await
        .expect("given back");
    let again = beside.lease_webhook(&known, None, after(32), after(90));
    assert!(again.await.expect("a write").is_some());
    beside.close().await;
}

async fn a_dead_letter_is_kept_wanted_and_gone() {
    let ledger = Ledger::new().await;
    let store = &ledger.store;
    let made = webhook();
    store.add_webhook(&made).await.expect("kept");
    let letter = DeadLetter {
        after: place(3),
        upto: place(5),
        attempts: 20,
        failed_at: after(9),
        failed_because: "answered 500".to_owned(),
        wanted: false,
    };
    assert!(store.keep_dead_letter(&made, &letter).await.expect("kept"));
    let listed = async || {
        let listed = store.list_dead_letters(made.id, FeedPlace::default(), 10);
        listed.await.expect("a read")
    };
    assert_eq!(listed().await, [letter]);
    let due = store.wanted_dead_letter(made.id, after(60)).await;
    assert_eq!(due.expect("a read"), None, "nobody wants it");
    assert_eq!(
        store
            .want_dead_letters(made.id, Some(place(4)))
            .await
            .expect("a write"),
        0
    );
    assert_eq!(
        store
            .want_dead_letters(made.id, None)
            .await
            .expect("a write"),
        1
    );
    assert_eq!(
        store.webhook_gauges().await.expect("a read").dead_letters,
        1
    );
    let due = store
        .wanted_dead_letter(made.id, after(0))
        .await
        .expect("a read");
    assert_eq!(due.expect("it is due").attempts, 0);
    store
        .remove_dead_letter(made.id, place(5))
        .await
        .expect("gone");
    assert!(listed().await.is_empty());
    assert!(store.remove_webhook(made.id).await.expect("removed"));
    assert!(!store.remove_webhook(made.id).await.expect("nothing there"));
}

on_both_engines!(
    a_leader_that_was_frozen_is_fenced,
    a_dead_letter_is_kept_wanted_and_gone,
);
