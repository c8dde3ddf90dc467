//! A re-run after an activation: it goes on where it was, asks nothing twice, and not
//! one question more than it may.

use crate::flows::active_model::refresh;
use crate::flows::model_tests::{access, activate, blind, command, gp, model_of, opened, register};
use crate::flows::register_record::{commit_registration, prepare_registration};
use crate::flows::rerun_model::{judge_page, rerun_some};
use crate::flows::{Context, ensure_source, keep_first_model};
use crate::foundation::{PersonId, RecordNumber};
use crate::matching::LinkageModel;
use crate::registry::{RegistryEvent, TaskKind};
use crate::storage::{ActivationKind, FeedPlace, RerunState, StoredActivation, StoredRerun};

/// Kinds of the questions that have been raised, and how many records are somebody's
/// own person.
async fn asked_and_alone(context: &Context) -> (Vec<TaskKind>, usize) {
    let page = context.store.list_feed(FeedPlace::default(), 500).await;
    let events = page.expect("read").events.into_iter();
    let (mut kinds, mut alone) = (Vec::new(), 0);
    for stored in events {
        match stored.event {
            RegistryEvent::TaskOpened { kind, .. } => kinds.push(kind),
            RegistryEvent::PersonCreated { .. } => alone += 1,
            RegistryEvent::RecordUnlinked { .. } | RegistryEvent::PersonRetired { .. } => {
                panic!("somebody was moved")
            }
            _ => {}
        }
    }
    (kinds, alone)
}

fn rerun(context: &Context, activation: i64, tasks_until: u64) -> StoredRerun {
    let now = context.clock.now();
    StoredRerun {
        activation,
        begun_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        begun_at: now,
        state: RerunState::Running,
        after: RecordNumber(0),
        looked_at: 0,
        records: 4,
        tasks: 0,
        tasks_until,
        continued_at: now,
        looked_before: 0,
        updated_at: now,
        epoch: 0,
    }
}

async fn begin(context: &Context, activation: i64, tasks_until: u64) {
    let begun = rerun(context, activation, tasks_until);
    let audit = access().audit(context.clock.now(), Vec::new(), None);
    let begun = context.store.begin_rerun(&begun, audit).await;
    assert!(begun.expect("begun"));
}

/// A ledger whose records came while the model was blind: 1 and 2 are one person, 3 and
/// 4 are another one.
async fn came_unseen(directory: &std::path::Path, exclusive: bool) -> Context {
    let mut context = opened(directory, blind(), exclusive).await;
    keep_first_model(&mut context).await.expect("kept");
    ensure_source(&context, &gp()).await.expect("a source");
    for local_id in ["1", "2"] {
        register(&context, local_id).await;
    }
    for local_id in ["3", "4"] {
        let mut other = command(local_id);
        other.submitted.family_name = Some("Featherstone".to_owned());
        other.submitted.birth_date = Some("1975-11-20".to_owned());
        other.submitted.phones = vec!["07700900777".to_owned()];
        let prepared = prepare_registration(&context, &access(), other).await;
        commit_registration(prepared.expect("prepared"))
            .await
            .expect("registered");
    }
    assert_eq!(asked_and_alone(&context).await, (Vec::new(), 4));
    activate(&context, &LinkageModel::uk_care()).await;
    assert!(refresh(&context).await.expect("seen"));
    context
}

#[tokio::test]
async fn r118_a_killed_rerun_goes_on_where_it_was_and_asks_nothing_twice() {
    let directory = tempfile::tempdir().expect("a folder");
    let killed = came_unseen(directory.path(), false).await;
    begin(&killed, 2, 100).await;
    let now = killed.at_present();
    let page = rerun_some(&now, &access(), 1).await.expect("a page");
    assert!(page.more);
    assert_eq!(page.standing.expect("noted").tasks, 1);

    // The next page is judged, and dies before it is noted.
    let known = killed.store.last_rerun().await.expect("read").expect("one");
    let until = killed.clock.now().plus_microseconds(60_000_000);
    let lease = killed.store.lease_rerun(&known, killed.clock.now(), until);
    let epoch = lease.await.expect("asked").expect("free");
    let unnoted = StoredRerun { epoch, ..known };
    let unnoted = judge_page(&now, &access(), unnoted, 2)
        .await
        .expect("a page");
    assert_eq!((unnoted.looked_at, unnoted.tasks), (3, 2));
    killed.store.close().await;

    let mut next = opened(directory.path(), LinkageModel::uk_care(), true).await;
    keep_first_model(&mut next).await.expect("kept");
    while rerun_some(&next, &access(), 1).await.expect("a page").more {}
    let done = next.store.last_rerun().await.expect("read").expect("one");
    assert_eq!((done.state, done.looked_at), (RerunState::Done, 4));
    let both = vec![TaskKind::PossibleDuplicate; 2];
    assert_eq!(asked_and_alone(&next).await, (both.clone(), 4));
    // Whoever lost the lease notes nothing more.
    assert!(!next.store.keep_rerun(&unnoted).await.expect("asked"));
    // The links are those of the model that made them.
    assert_eq!(&model_of(&next, "2").await, blind().id());

    // Another activation of the same model asks nothing that waits already.
    let again = StoredActivation {
        number: 3,
        kind: ActivationKind::Activated,
        model: LinkageModel::uk_care().id().clone(),
        activated_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        gates: None,
        at: next.clock.now(),
    };
    assert!(
        next.store
            .add_activation(&again, None)
            .await
            .expect("activated")
    );
    begin(&next, 3, 100).await;
    while rerun_some(&next, &access(), 9).await.expect("a page").more {}
    assert_eq!(asked_and_alone(&next).await, (both, 4));
}

/// Persons of the questions that have been raised.
async fn asked_about(context: &Context) -> Vec<Vec<PersonId>> {
    let page = context.store.list_feed(FeedPlace::default(), 500).await;
    let events = page.expect("read").events.into_iter();
    let persons = events.filter_map(|stored| match stored.event {
        RegistryEvent::TaskOpened { persons, .. } => Some(persons),
        _ => None,
    });
    persons.collect()
}

#[tokio::test]
async fn a_rerun_asks_not_one_question_more_than_it_may_and_loses_none() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut context = opened(directory.path(), blind(), true).await;
    keep_first_model(&mut context).await.expect("kept");
    ensure_source(&context, &gp()).await.expect("a source");
    // Each is asked about with each other.
    for local_id in ["1", "2", "3", "4"] {
        register(&context, local_id).await;
    }
    activate(&context, &LinkageModel::uk_care()).await;
    assert!(refresh(&context).await.expect("seen"));
    let context = context.at_present();
    begin(&context, 2, 1).await;
    let mut bound = 1;
    let done = loop {
        let page = rerun_some(&context, &access(), 9).await.expect("a page");
        let standing = page.standing.expect("noted");
        assert_eq!(standing.tasks, asked_about(&context).await.len() as u64);
        assert!(standing.tasks <= bound, "{standing:?}");
        match standing.state {
            RerunState::Done => break standing,
            RerunState::Running => {}
            RerunState::Paused => {
                assert_eq!(standing.tasks, bound, "it pauses at its bound alone");
                bound += 1;
                let on = StoredRerun {
                    state: RerunState::Running,
                    tasks_until: bound,
                    ..standing
                };
                let audit = access().audit(context.clock.now(), Vec::new(), None);
                let turned = context.store.turn_rerun(&on, RerunState::Paused, audit);
                assert!(turned.await.expect("asked"));
            }
        }
    };
    let mut pairs = asked_about(&context).await;
    assert!(pairs.len() >= 3, "the first record alone asks thrice");
    let asked = pairs.len();
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!((pairs.len(), done.looked_at), (asked, 4), "and none twice");
}

#[tokio::test]
async fn a_rerun_pauses_at_its_bound_and_ends_with_its_activation() {
    let directory = tempfile::tempdir().expect("a folder");
    let context = came_unseen(directory.path(), true).await.at_present();
    begin(&context, 2, 1).await;
    let page = rerun_some(&context, &access(), 1).await.expect("a page");
    assert!(!page.more);
    let paused = context
        .store
        .last_rerun()
        .await
        .expect("read")
        .expect("one");
    assert_eq!((paused.state, paused.looked_at), (RerunState::Paused, 1));
    assert!(
        !rerun_some(&context, &access(), 1)
            .await
            .expect("nothing")
            .more
    );

    let on = StoredRerun {
        state: RerunState::Running,
        tasks_until: 100,
        ..paused
    };
    let audit = access().audit(context.clock.now(), Vec::new(), None);
    let turned = context.store.turn_rerun(&on, RerunState::Paused, audit);
    assert!(turned.await.expect("asked"));
    assert!(
        rerun_some(&context, &access(), 1)
            .await
            .expect("a page")
            .more
    );

    let back = StoredActivation {
        number: 3,
        kind: ActivationKind::RolledBack,
        model: blind().id().clone(),
        activated_by: "ann".to_owned(),
        reason: "a test".to_owned(),
        gates: None,
        at: context.clock.now(),
    };
    assert!(
        context
            .store
            .add_activation(&back, None)
            .await
            .expect("activated")
    );
    assert!(
        !rerun_some(&context, &access(), 9)
            .await
            .expect("nothing")
            .more
    );
    let over = context
        .store
        .last_rerun()
        .await
        .expect("read")
        .expect("one");
    assert_eq!((over.state, over.looked_at), (RerunState::Paused, 2));
    let (asked, _) = asked_and_alone(&context).await;
    assert_eq!(asked.len(), 1, "of the second record the question waits");
}
