//! How SQLite finds what pages ask for: by an index, never by walking a table whose
//! rows grow with the ledger.

use super::{EventPosition, ReadSet, Sent, at, source, task_id, task_opened};
use crate::foundation::PersonId;
use crate::review::DueTimes;
use crate::storage::db::{self, seen};
use crate::storage::load::Working;
use crate::storage::{Assigned, QueuePart, Store, TaskFilter};

/// What does not grow with the records may be walked: small tables, a list that is given.
const SMALL: [&str; 6] = [
    "SCAN q",
    "SCAN asked",
    "SCAN readers",
    "source_quarantines",
    "accounts",
    "meta",
];

/// What is wrong with how a statement finds its rows.
async fn walks(store: &Store, text: &str) -> Vec<String> {
    let mut connection = store.inner.readers.acquire().await.expect("a reader");
    let plan = db::query(format!("explain query plan {text}"));
    let rows = plan.fetch_all(&mut connection).await.expect("a plan");
    let steps = rows
        .iter()
        .map(|row| row.try_get::<String>(3).expect("a step"));
    let queue = text.contains("order by priority, rank, task limit")
        || text.contains("order by priority desc, rank desc, task desc limit");
    let wrong = steps.filter(|step| {
        let small = SMALL.iter().any(|table| step.contains(table));
        // Parts of an index that hold what is asked for alone, in the order asked for.
        let part = ["tasks_answered", "known_pairs_answered", "seals_active"];
        let part = part.iter().any(|index| step.contains(index));
        let constant = step.contains("CONSTANT ROW") || step.contains("SUBQUERY");
        let walks = step.starts_with("SCAN") && !small && !part && !constant;
        // All that wait stand under one status.
        walks || (step.contains("tasks_by_queue (status=?)") && !queue)
    });
    wrong.collect()
}

/// What a queue may be asked for.
fn filters(person: PersonId) -> Vec<TaskFilter> {
    let waiting = TaskFilter {
        waits: Some(true),
        now: at(),
        ..TaskFilter::default()
    };
    vec![
        waiting.clone(),
        TaskFilter {
            persons: vec![person],
            ..waiting.clone()
        },
        TaskFilter {
            waits: Some(false),
            persons: vec![person],
            stage: Some(crate::registry::TaskStage::Decided),
            ..waiting.clone()
        },
        TaskFilter {
            assigned: Some(Assigned::To("stewart".into())),
            ..waiting.clone()
        },
        TaskFilter {
            assigned: Some(Assigned::ToSomebody),
            ..waiting.clone()
        },
        TaskFilter {
            source: Some(source()),
            ..waiting.clone()
        },
    ]
}

#[tokio::test]
async fn no_statement_of_a_page_reads_rows_in_proportion_to_the_ledger() {
    let (ledger, _) = super::sources::quarantined().await;
    let (record, person) = ledger.register(Sent::new("q", &[7])).await;
    let opened = task_opened(task_id(9), record, &[person]);
    ledger.run(ReadSet::default(), vec![opened]).await;
    let store = &ledger.store;
    store.keep_counts().await.expect("counts");
    seen::take();
    // Work, sources and the model, on counts that are kept.
    let due = DueTimes::default();
    store
        .count_waiting((at(), &due), false)
        .await
        .expect("work");
    store.waiting_versions().await.expect("sources");
    store.list_quarantines().await.expect("sources");
    store.count_links_by_weight().await.expect("the model");
    store.answers_by_weight().await.expect("the model");
    store.answered_tasks(10).await.expect("work");
    store.known_answers(10).await.expect("work");
    store.waiting_known_pairs().await.expect("the queue");
    store.list_tasks_near(3.0, 4).await.expect("the model");
    // The queue, whatever is asked of it.
    for filter in filters(person) {
        let listed = store.list_tasks(&filter, QueuePart::First, 10).await;
        listed.expect("a list");
    }
    // A record and a person, which every page of either reads.
    let local_id = Sent::new("q", &[]).local_id;
    let found = store.find_record(&source(), &local_id).await;
    assert!(found.expect("an answer").is_some(), "a record");
    let found = store.load_person(person).await;
    assert_eq!(found.expect("an answer").map(|it| it.tasks.len()), Some(1));
    // A question, and what its decision would read.
    store.task_history(task_id(9)).await.expect("a history");
    let read = ReadSet {
        records: vec![(source(), Sent::new("q", &[]).local_id)],
        whole: vec![person],
        persons: vec![(person, EventPosition(0))],
        ..ReadSet::default()
    };
    let mut writer = store.inner.writer.lock().await;
    let connection = writer.connection().await.expect("a connection");
    let looked = Working::open(connection, &store.inner.young, &[&read]).await;
    looked.expect("a look");
    drop(writer);
    let asked = seen::take();
    assert!(asked.len() > 20, "{}", asked.len());
    let reads = |text: &&String| !text.contains("insert into") && !text.contains("update ");
    for text in asked.iter().filter(reads) {
        let wrong = walks(store, text).await;
        assert!(wrong.is_empty(), "{text}\n{wrong:?}");
    }
}
