//! Erasing records, one by one or when their source's retention has ended (R135).

use std::time::Duration;

use crate::flows::{Context, FlowError};
use crate::foundation::limits::ERASED_PER_PAGE;
use crate::foundation::{EventPosition, Instant, RecordNumber};
use crate::registry::{LocalId, Refusal, RegistryState, SourceCode, erase};
use crate::security::Access;
use crate::storage::{CommitActor, Planned, ReadSet};

/// How often it is looked whether something was erased, or has to be.
const ERASURE_LOOK: Duration = Duration::from_secs(2);

/// What was erased: to be kept by whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureReceipt {
    /// The source.
    pub source: SourceCode,
    /// The local id, which stays.
    pub local_id: LocalId,
    /// The record's number, which stays.
    pub record: RecordNumber,
    /// SHA-256 of the payload of each version, the first one first. They stay as
    /// the tombstone.
    pub digests: Vec<String>,
    /// When.
    pub erased_at: Instant,
    /// By which account.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The event that says so.
    pub position: EventPosition,
}

/// Destroys the values of all versions of a record.
///
/// # Errors
/// Unknown record, one without anything left to erase, a blank reason, or a
/// fault of ours.
pub async fn erase_record(
    context: &Context,
    access: &Access,
    source: &SourceCode,
    local_id: &LocalId,
    reason: &str,
) -> Result<ErasureReceipt, FlowError> {
    const UNKNOWN: FlowError =
        FlowError::NotFound("no record with this local id is known for this source");
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(FlowError::Unprocessable {
            member: "reason",
            rule: "R135",
            detail: "say why the record is erased, without a value of the patient".to_owned(),
        });
    }
    let stored = context.store.find_record(source, local_id).await?;
    let stored = stored.ok_or(UNKNOWN)?;
    if stored.versions.iter().all(|it| it.submitted.is_none()) {
        return Err(FlowError::Conflict("this record is erased already"));
    }
    let now = context.clock.now();
    let person = stored.state.link.as_ref().map(|link| link.person);
    let name = format!("{source}:{local_id}");
    let mut audit = access.audit(now, person.into_iter().collect(), Some(name));
    audit.purpose = Some(reason.to_owned());
    let read = ReadSet {
        records: vec![(source.clone(), local_id.clone())],
        ..ReadSet::default()
    };
    let actor = CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    };
    let named = (source.clone(), local_id.clone());
    let decide = move |state: &mut RegistryState, _: &_| match erase(state, &named.0, &named.1) {
        Ok(change) => {
            let position = EventPosition(state.counters.position.0 + 1);
            Planned {
                events: change.events,
                audit: vec![audit.clone()],
                ..Planned::nothing(Ok((change.answer, position)))
            }
        }
        Err(refusal) => Planned::nothing(Err(refusal)),
    };
    let erased = context.store.commit(read, actor, now, decide).await?;
    let (versions, position) = erased.map_err(|_: Refusal| UNKNOWN)?;
    let digests = stored.versions.into_iter();
    Ok(ErasureReceipt {
        source: source.clone(),
        local_id: local_id.clone(),
        record: stored.state.number,
        digests: digests
            .filter(|version| version.version <= versions)
            .map(|version| version.digest)
            .collect(),
        erased_at: now,
        by: access.actor().name.clone(),
        reason: reason.to_owned(),
        position,
    })
}

/// Erases a page of the records that their sources' retention no longer allows to
/// keep; `None` when there is none. What another process has erased meanwhile is
/// passed over.
///
/// # Errors
/// A fault of ours; what was erased before it stays erased.
pub async fn erase_expired(
    context: &Context,
    access: &Access,
) -> Result<Option<Vec<ErasureReceipt>>, FlowError> {
    let now = context.clock.now();
    let expired = context.store.expired_records(now, ERASED_PER_PAGE).await?;
    if expired.is_empty() {
        return Ok(None);
    }
    let mut receipts = Vec::with_capacity(expired.len());
    for (source, local_id) in expired {
        let erasing = erase_record(context, access, &source, &local_id, "retention has ended");
        match erasing.await {
            Ok(receipt) => receipts.push(receipt),
            Err(FlowError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(receipts))
}

/// Takes what erased records have left behind off the disk of this process: the
/// index's removed terms and the ledger's free pages. False where somebody still
/// reads what was before.
///
/// # Errors
/// A fault of ours; to be called again.
pub async fn scrub(context: &Context) -> Result<bool, FlowError> {
    Ok(context.store.scrub().await?)
}

/// Until the service ends: erases every so often what retention no longer allows to
/// keep, and takes off the disk what any erasure has left there.
pub async fn follow_erasures(context: Context, access: Access, retention: Option<Duration>) {
    let mut due = Instant::default();
    loop {
        tokio::time::sleep(ERASURE_LOOK).await;
        let now = context.clock.now();
        if let Some(every) = retention.filter(|_| due <= now) {
            let wait = i64::try_from(every.as_micros()).unwrap_or(i64::MAX);
            due = now.plus_microseconds(wait);
            if let Err(error) = erase_all_expired(&context, &access).await {
                tracing::warn!(%error, "retention was not carried out to the end");
            }
        }
        if let Err(error) = scrub_if_due(&context).await {
            tracing::warn!(%error, "the file was not scrubbed after an erasure");
        }
    }
}

async fn erase_all_expired(context: &Context, access: &Access) -> Result<(), FlowError> {
    let mut erased = 0;
    while let Some(receipts) = erase_expired(context, access).await? {
        erased += receipts.len();
    }
    if erased > 0 {
        tracing::info!(erased, "erased what retention no longer allows to keep");
    }
    Ok(())
}

async fn scrub_if_due(context: &Context) -> Result<(), FlowError> {
    if context.store.scrub_is_due().await? {
        context.store.scrub().await?;
    }
    Ok(())
}
