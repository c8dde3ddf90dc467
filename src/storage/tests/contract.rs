//! Commit and read back.

use super::{
    CommitReads, EventPosition, Ledger, Planned, ReadSet, RegistryEvent, Sent, StoreError, actor,
    at, decision, source, withdrawal,
};
use crate::matching::Route;
use crate::registry::{PersonStatus, RecordStatus, UnlinkReason, VersionStanding};
use crate::storage::{FeedRow, RememberedAnswer};

async fn a_record_is_read_back_as_it_was_written() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("a", &[7, u64::MAX]);
    let (record, person) = ledger.register(sent.clone()).await;
    let found = ledger.store.find_record(&source(), &sent.local_id).await;
    let found = found.expect("a read").expect("the record");
    assert_eq!(found.state.number, record);
    assert_eq!(found.state.status, RecordStatus::Active);
    assert_eq!(
        found.state.link.as_ref().map(|link| link.person),
        Some(person)
    );
    let version = &found.versions[0];
    assert_eq!(version.digest, sent.digest());
    assert_eq!(version.standing, VersionStanding::Current);
    assert!(version.received_at >= at());
    assert_eq!(version.actor.as_str(), "tester");
    let submitted = version.submitted.as_ref().expect("not erased");
    assert_eq!(submitted.gp_practice.as_deref(), Some("a"));
    assert_eq!(version.answer, "{\"version\":1}");
    let view = ledger.store.load_person(person).await.expect("a read");
    let view = view.expect("the person");
    assert_eq!(
        (view.survivor(), view.status),
        (person, PersonStatus::Active)
    );
    assert!(view.members[0].standard.as_deref() == Some(&*sent.standard));
    assert!(view.members[0].submitted.is_some());
    assert_eq!(
        ledger.store.position().await.expect("a read"),
        EventPosition(3)
    );
}

async fn a_command_finds_what_it_names() {
    let ledger = Ledger::new().await;
    let (first, person) = ledger.register(Sent::new("a", &[7])).await;
    let second = ledger.join(Sent::new("b", &[8]), person).await;
    let read = ReadSet {
        keys: vec![8],
        ..ReadSet::default()
    };
    // Record b is found by key; the whole of its person comes with it.
    let seen = ledger.store.commit(read, actor(), at(), move |state, _| {
        let members = state.members(person);
        Planned::nothing(
            members
                .iter()
                .map(|member| member.record)
                .collect::<Vec<_>>(),
        )
    });
    assert_eq!(seen.await.expect("a commit"), [first, second]);
}

async fn members_are_loaded_only_when_the_person_has_moved_on() {
    let ledger = Ledger::new().await;
    let (_, person) = ledger.register(Sent::new("a", &[7])).await;
    let candidates = ledger
        .store
        .candidate_persons(&[crate::foundation::RecordNumber(1)])
        .await;
    let revision = candidates.expect("a read")[0].revision;
    for (revision, expected) in [(revision, 0), (EventPosition(0), 1)] {
        let read = ReadSet {
            persons: vec![(person, revision)],
            ..ReadSet::default()
        };
        let seen = ledger.store.commit(read, actor(), at(), move |state, _| {
            assert!(state.persons.contains_key(&person));
            Planned::nothing(state.members(person).len())
        });
        assert_eq!(seen.await.expect("a commit"), expected);
    }
}

async fn a_retired_person_resolves_to_its_survivor() {
    let ledger = Ledger::new().await;
    let (record, old) = ledger.register(Sent::new("a", &[7])).await;
    let (_, survivor) = ledger.register(Sent::new("b", &[8])).await;
    let events = vec![
        RegistryEvent::RecordUnlinked {
            record,
            person: old,
            because: UnlinkReason::JoinedAnother,
            merge: None,
        },
        RegistryEvent::PersonRetired {
            person: old,
            replaced_by: survivor,
        },
        RegistryEvent::RecordLinked {
            record,
            person: survivor,
            decision: decision(Some(Route::Probabilistic)),
        },
    ];
    let read = ReadSet {
        persons: vec![(survivor, EventPosition(0))],
        ..Sent::new("a", &[]).read()
    };
    ledger.run(read, events).await;
    let view = ledger.store.load_person(old).await.expect("a read");
    let view = view.expect("the person");
    assert_eq!(
        (view.chain.as_slice(), view.members.len()),
        ([survivor].as_slice(), 2)
    );
    let link = view.members[0].state.link.as_ref().expect("a link");
    assert_eq!(link.route, Some(Route::Probabilistic));
    assert_eq!(link.weight_bits, Some(17.300_000_000_000_004));
    // Whoever comes with the old id and a score of it gets the survivor whole.
    let read = ReadSet {
        persons: vec![(old, EventPosition(3))],
        ..ReadSet::default()
    };
    let seen = ledger.store.commit(read, actor(), at(), move |state, _| {
        Planned::nothing(state.members(survivor).len())
    });
    assert_eq!(seen.await.expect("a commit"), 2);
    let rows = exported(&ledger).await;
    assert_eq!(
        rows,
        [("a".to_owned(), survivor), ("b".to_owned(), survivor)]
    );
    let tallies = ledger.store.count_links_by_weight().await.expect("a read");
    let by_weight = tallies
        .iter()
        .find(|tally| tally.route == Some(Route::Probabilistic));
    assert_eq!(
        by_weight.map(|tally| (tally.weight_bits, tally.links)),
        Some((Some(17.0), 1))
    );
    assert_eq!(tallies.iter().map(|tally| tally.links).sum::<u64>(), 2);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn exported(ledger: &Ledger) -> Vec<(String, crate::foundation::PersonId)> {
    let mut rows = Vec::new();
    let walked = ledger.store.export_rows(|row| {
        rows.push((row.local_id.to_string(), row.person));
        Ok::<(), StoreError>(())
    });
    walked.await.expect("an export");
    rows
}

async fn versions_stand_as_they_are_now() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("a", &[7]);
    let (record, person) = ledger.register(sent.clone()).await;
    let before = ledger
        .store
        .candidate_persons(&[record])
        .await
        .expect("a read");
    let steps = [
        (2, VersionStanding::Current),
        (3, VersionStanding::History),
        (4, VersionStanding::Held),
    ];
    for (version, standing) in steps {
        let next = Sent::new("a", &[u64::from(version)]);
        let done = ledger
            .store
            .commit(sent.read(), actor(), at(), move |_, reads| {
                assert!(reads.current_answer.is_some());
                next.updated(record, version, standing)
            });
        done.await.expect("an update");
    }
    let found = ledger.store.find_record(&source(), &sent.local_id).await;
    let found = found.expect("a read").expect("the record");
    let standings: Vec<_> = found
        .versions
        .iter()
        .map(|version| version.standing)
        .collect();
    assert_eq!(
        standings,
        [
            VersionStanding::History,
            VersionStanding::Current,
            VersionStanding::History,
            VersionStanding::Held
        ]
    );
    assert_eq!(found.state.held.map(|held| held.version), Some(4));
    let after = ledger
        .store
        .candidate_persons(&[record])
        .await
        .expect("a read");
    assert_eq!((after[0].person, after[0].members[0].version), (person, 2));
    assert!(after[0].revision > before[0].revision);
    let (feed, _) = ledger
        .store
        .index_feed(EventPosition(0), 10)
        .await
        .expect("a feed");
    assert_eq!(feed[0].keys, [2, 3, 4, 7]);
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn the_feed_gives_each_changed_record_once_and_says_how_far_it_is() {
    let ledger = Ledger::new().await;
    let (first, person) = ledger.register(Sent::new("a", &[7])).await;
    let (second, _) = ledger.register(Sent::new("b", &[8, 9])).await;
    ledger.settled().await;
    let (feed, complete) = ledger
        .store
        .index_feed(EventPosition(0), 1)
        .await
        .expect("a feed");
    assert_eq!((feed.len(), feed[0].record), (1, first));
    let (feed, complete) = ledger.store.index_feed(complete, 10).await.expect("a feed");
    let expected = FeedRow {
        record: second,
        keys: vec![8, 9],
        withdrawn: false,
        erased: false,
    };
    assert_eq!(feed, [expected]);
    assert!(complete >= ledger.settled().await);
    let read = Sent::new("a", &[]).read();
    ledger.run(read, withdrawal(first, person)).await;
    ledger.settled().await;
    let (feed, complete) = ledger.store.index_feed(complete, 10).await.expect("a feed");
    assert_eq!((feed[0].record, feed[0].withdrawn), (first, true));
    assert!(complete >= ledger.settled().await);
    assert!(
        ledger
            .store
            .index_feed(complete, 10)
            .await
            .expect("a feed")
            .0
            .is_empty()
    );
    assert!(ledger.store.verify().await.expect("a check").is_sound());
}

async fn keys_of_a_changed_record_are_recent_again() {
    let ledger = Ledger::new().await;
    let sent = Sent::new("a", &[7]);
    let (record, _) = ledger.register(sent.clone()).await;
    let after = ledger.settled().await;
    assert!(
        ledger
            .store
            .recent_records(&[7], after)
            .await
            .expect("a read")
            .is_empty()
    );
    let next = sent.clone();
    let done = ledger
        .store
        .commit(sent.read(), actor(), at(), move |_, _| {
            next.updated(record, 2, VersionStanding::Current)
        });
    done.await.expect("an update");
    let recent = ledger
        .store
        .recent_records(&[6, 7], after)
        .await
        .expect("a read");
    assert_eq!(recent, [record]);
}

async fn candidates_come_whole_however_many_records_name_them() {
    let ledger = Ledger::new().await;
    let (_, person) = ledger.register(Sent::new("r0", &[1])).await;
    for number in 1..300 {
        ledger
            .join(Sent::new(&format!("r{number}"), &[1]), person)
            .await;
    }
    let (other, _) = ledger.register(Sent::new("other", &[2])).await;
    let mut records: Vec<_> = (1..=300).map(crate::foundation::RecordNumber).collect();
    records.push(other);
    let found = ledger
        .store
        .candidate_persons(&records)
        .await
        .expect("a read");
    let mut sizes: Vec<usize> = found.iter().map(|person| person.members.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 300]);
}

async fn a_remembered_answer_comes_back() {
    let ledger = Ledger::new().await;
    let key = ("tester".to_owned(), "key-1".to_owned());
    let read = ReadSet {
        idempotency: Some(key),
        ..ReadSet::default()
    };
    let answer = RememberedAnswer {
        actor: "tester".into(),
        key: "key-1".into(),
        digest: "d".into(),
        status: 201,
        body: "{}".into(),
    };
    let kept = answer.clone();
    let decide = move |_: &mut _, reads: &CommitReads| Planned {
        remember: reads.remembered.is_none().then(|| kept.clone()),
        ..Planned::nothing(reads.remembered.clone())
    };
    let again = decide.clone();
    let first = ledger
        .store
        .commit(read.clone(), actor(), at(), decide)
        .await;
    assert_eq!(first.expect("a commit"), None);
    let second = ledger.store.commit(read, actor(), at(), again).await;
    assert_eq!(second.expect("a commit"), Some(answer));
}

super::on_both_engines! {
    a_record_is_read_back_as_it_was_written,
    a_command_finds_what_it_names,
    members_are_loaded_only_when_the_person_has_moved_on,
    a_retired_person_resolves_to_its_survivor,
    versions_stand_as_they_are_now,
    the_feed_gives_each_changed_record_once_and_says_how_far_it_is,
    keys_of_a_changed_record_are_recent_again,
    candidates_come_whole_however_many_records_name_them,
    a_remembered_answer_comes_back,
}
