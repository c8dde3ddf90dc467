//! Pairs near the thresholds of a model become questions for people, so that the next
//! model learns from the answers (R86). They stand last in the queue, bounded in number;
//! nobody is joined or parted by being asked about, and who has been asked about is not
//! asked about again (R118). Pair by pair, each in a commit of its own: wherever it is
//! interrupted, it goes on.

use std::time::Duration;

use crate::bulk::Watch;
use crate::flows::ask_of_records::{Asked, ask, make_ready};
use crate::flows::model_life::{shown, words};
use crate::flows::sample_pairs::{PairsOf, pairs_to_read};
use crate::flows::{Context, FlowError, NamedPerson};
use crate::foundation::RecordNumber;
use crate::foundation::limits::{
    MODEL_FOLLOW_INTERVAL_MS, RERUN_PAUSE_MS, SAMPLE_LEASE_SECONDS, SAMPLE_PAGE,
    SAMPLE_TASKS_WAITING_MAX,
};
use crate::matching::ModelId;
use crate::registry::ask_to_learn;
use crate::security::{Access, Action};
use crate::storage::StoredSample;

/// A sample that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct SampleAsked<'a> {
    /// Near whose thresholds.
    pub model: &'a ModelId,
    /// At most so many pairs.
    pub pairs: u32,
    /// Why.
    pub reason: &'a str,
}

/// Chooses pairs of two persons near the thresholds, for people to be asked about.
///
/// # Errors
/// Neither an engineer nor a steward, no reason, a sample that is still being asked about
/// or too many questions of that kind that wait, an unknown model, or a fault of ours.
pub async fn begin_sample(
    context: &Context,
    by: NamedPerson,
    asked: SampleAsked<'_>,
    watch: &(dyn Watch + Sync),
    request_id: &str,
) -> Result<StoredSample, FlowError> {
    const ASKING: FlowError =
        FlowError::Conflict("people are still being asked about the sample before this one");
    let reason = words("reason", asked.reason, false)?;
    let actor = shown(context, by, Some(&reason), request_id).await?;
    let access = match Access::to(Action::BringModel, actor.clone()) {
        Ok(access) => access,
        Err(_) => Access::to(Action::DecideTask, actor)?,
    };
    let last = context.store.last_sample().await?;
    if last.as_ref().is_some_and(|last| last.ended_at.is_none()) {
        return Err(ASKING);
    }
    let waiting = context.store.count_learning_tasks().await?;
    if waiting + u64::from(asked.pairs) > SAMPLE_TASKS_WAITING_MAX {
        return Err(FlowError::Conflict(
            "more than 500 questions to learn from would wait: ask for fewer pairs, or let people \
             answer those that wait",
        ));
    }
    let wanted = (asked.model, asked.pairs as usize, PairsOf::TwoPersons);
    let pairs = pairs_to_read(context, &access, wanted, watch).await?;
    let now = context.clock.now();
    let sample = StoredSample {
        number: last.map_or(0, |last| last.number) + 1,
        model: asked.model.clone(),
        asked_by: access.actor().name.clone(),
        reason,
        asked_at: now,
        pairs: pairs.into_iter().map(|pair| pair.records).collect(),
        looked_at: 0,
        tasks: 0,
        ended_at: None,
        epoch: 0,
    };
    let audit = access.audit(now, Vec::new(), Some(asked.model.to_string()));
    if !context.store.begin_sample(&sample, audit).await? {
        return Err(ASKING);
    }
    Ok(sample)
}

/// How far asking about the last sample has come.
///
/// # Errors
/// A fault of ours.
pub async fn sample_standing(
    context: &Context,
    access: &Access,
) -> Result<Option<StoredSample>, FlowError> {
    let audit = access.audit(context.clock.now(), Vec::new(), None);
    context.store.append_audit(vec![audit]).await?;
    Ok(context.store.last_sample().await?)
}

/// Asks about the next pairs of a sample, where there is one and nobody else does;
/// whether there is more. `access` is one that may write records.
///
/// # Errors
/// A fault of ours; what is not noted is looked at again, and not asked twice.
pub async fn ask_some(context: &Context, access: &Access) -> Result<bool, FlowError> {
    let known = context.store.last_sample().await?;
    let Some(known) = known.filter(|known| known.ended_at.is_none()) else {
        return Ok(false);
    };
    let now = context.clock.now();
    let until = now.plus_microseconds(SAMPLE_LEASE_SECONDS * 1_000_000);
    let Some(epoch) = context.store.lease_sample(&known, now, until).await? else {
        return Ok(false);
    };
    let mut sample = StoredSample { epoch, ..known };
    let done = usize::try_from(sample.looked_at).unwrap_or(usize::MAX);
    let page: Vec<[RecordNumber; 2]> = sample.pairs.iter().skip(done).copied().collect();
    for pair in page.iter().take(SAMPLE_PAGE) {
        sample.tasks += ask_about(context, access, *pair).await?;
        sample.looked_at += 1;
    }
    if page.len() <= SAMPLE_PAGE {
        sample.ended_at = Some(context.clock.now());
    }
    let kept = context.store.keep_sample(&sample).await?;
    Ok(kept && sample.ended_at.is_none())
}

/// Asks about one pair; how many questions that are. Nothing of a record that is there
/// no more.
async fn ask_about(
    context: &Context,
    access: &Access,
    [one, other]: [RecordNumber; 2],
) -> Result<u64, FlowError> {
    let before = RecordNumber(one.0 - 1);
    let found = context.store.current_records(before, 1).await?.pop();
    let Some(current) = found.filter(|current| current.record == one) else {
        return Ok(0);
    };
    let ready = make_ready(context, access, current).await?;
    let with = (ready.version, other);
    let asking = ask(ready, 1, move |state, inside| {
        let (model, registration) = (&inside.context.model, &inside.registration);
        ask_to_learn(state, model, &inside.numbering(), registration, with)
    });
    let Asked { questions, .. } = asking.await?;
    Ok(questions)
}

/// Asks about samples as long as the process lives, wherever they were asked for.
pub async fn follow_samples(context: Context, access: Access) {
    loop {
        let pause = match ask_some(&context.at_present(), &access).await {
            Ok(true) => RERUN_PAUSE_MS,
            Ok(false) => MODEL_FOLLOW_INTERVAL_MS,
            Err(error) => {
                tracing::warn!(%error, "people could not be asked about a sample; trying again");
                MODEL_FOLLOW_INTERVAL_MS
            }
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
