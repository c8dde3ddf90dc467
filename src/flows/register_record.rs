//! A record arrives: standardise, retrieve, score, then decide and append in
//! one commit (ARCHITECTURE.md walks through it).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::flows::prepare::{LookedUp, look_up, read_and_compute};
use crate::flows::ready::Ready;
use crate::flows::view_record::unsealed_possible;
use crate::flows::{Context, FlowError, IfMatch};
use crate::foundation::{Instant, hex};
use crate::identity::{Finding, NumberStatus, SubmittedRecord};
use crate::matching::blocking_keys;
use crate::registry::{
    Change, DecidedAgain, Gate, LocalId, Numbering, Outcome, RecordState, RecordStatus, Registered,
    Registration, RegistrationAnswer, RegistryEvent, RegistryState, Replacements, SourceCode,
    VersionStanding, WaitingVersion, decide_again, register,
};
use crate::security::Access;
use crate::storage::{CommitActor, CommitReads, NewVersion, Planned, ReadSet, RememberedAnswer};

/// HTTP's words for what an idempotency key remembers (RFC 9110 §15.3).
const CREATED: u16 = 201;
const KNOWN: u16 = 200;

/// What a door hands over.
#[derive(Debug, Clone)]
pub struct RegisterCommand {
    /// Who sends it.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// What it says.
    pub submitted: SubmittedRecord,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// `If-Match`.
    pub if_match: Option<IfMatch>,
    /// Findings of the door, beside those of standardising.
    pub findings: Vec<Finding>,
}

pub(super) enum Verdict {
    Answer(Box<RegistrationAnswer>),
    OtherContent,
    Stale,
    /// It may repeat a version that is held or history: look before writing.
    MayRepeat,
    /// A deferred version: its source is quarantined.
    Waits,
    /// A deferred version: a later one has overtaken it.
    Overtaken,
    /// Another model has become active since the record was scored.
    OtherModel,
}

/// Registers or updates a record.
///
/// # Errors
/// Unknown source, nothing that identifies, a stale `If-Match`, an idempotency
/// key with other content, or a fault of ours; nothing is changed then.
pub async fn register_record(
    context: &Context,
    access: &Access,
    command: RegisterCommand,
) -> Result<RegistrationAnswer, FlowError> {
    let prepared = prepare_registration(context, access, command).await?;
    commit_registration(prepared).await
}

/// A registration that waits for its commit.
pub(super) struct PreparedRegistration {
    pub(super) read: ReadSet,
    pub(super) inside: Inside,
}

/// The slow half, outside any transaction: many may run at once.
pub(super) async fn prepare_registration(
    context: &Context,
    access: &Access,
    command: RegisterCommand,
) -> Result<PreparedRegistration, FlowError> {
    let (own, access) = (context.clone(), access.clone());
    // Kept small: it is handed on by value.
    let preparing = Box::pin(async move { prepare(&own, &access, command).await });
    read_and_compute(context, preparing).await
}

async fn prepare(
    context: &Context,
    access: &Access,
    command: RegisterCommand,
) -> Result<PreparedRegistration, FlowError> {
    let source = context.store.find_source(&command.source).await?;
    let source = source.ok_or(FlowError::NotFound(
        "no source with this code is known; add it first",
    ))?;
    let (sent, own) = (command.submitted, context.clone());
    let (door_findings, default) = (command.findings, source.number_status_default);
    let reading = move || read(&own, &sent, door_findings, default);
    let (ready, looked_up) = context.pool.run(reading).await??;
    let Ready {
        effective_at,
        standard,
        findings,
        payload,
        digest,
        replacement,
        invalidated,
    } = ready;
    let account = access.actor().name.clone();
    let registration = Registration {
        source: command.source,
        local_id: command.local_id,
        digest,
        effective_at,
        standard,
        findings,
        lock_hashes: Vec::new(),
        prepared: Vec::new(),
        complete: false,
        replacement,
        replacements: Replacements::default(),
        invalidated,
    };
    let inside = Inside {
        context: context.clone(),
        access: access.clone(),
        now: context.clock.now(),
        registration,
        payload,
        stored_hashes: Vec::new(),
        idempotency: command.idempotency_key.map(|key| (account, key)),
        if_match: command.if_match,
        together: None,
        again: None,
    };
    inside.search(looked_up).await
}

/// Standardises, and looks the keys up.
fn read(
    context: &Context,
    sent: &SubmittedRecord,
    findings: Vec<Finding>,
    default: NumberStatus,
) -> Result<(Ready, LookedUp), FlowError> {
    let ready = Ready::from(context, sent, findings, default)?;
    let looked_up = look_up(context, &ready.standard)?;
    Ok((ready, looked_up))
}

/// Decides a version that came during a quarantine of its source, and those that
/// it has overtaken; whether it no longer waits.
pub(super) async fn commit_again(
    prepared: PreparedRegistration,
    waiting: WaitingVersion,
) -> Result<bool, FlowError> {
    let PreparedRegistration { read, mut inside } = prepared;
    let actor = CommitActor {
        actor: inside.access.actor().name.clone(),
        request_id: inside.access.actor().request_id.clone(),
    };
    inside.again = Some(waiting);
    let verdict = Arc::new(inside).commit(read, actor, true).await?;
    Ok(!matches!(verdict, Verdict::Waits | Verdict::OtherModel))
}

/// The short half: re-read, decide, append. The order of calls is the order of
/// the commits.
pub(super) async fn commit_registration(
    prepared: PreparedRegistration,
) -> Result<RegistrationAnswer, FlowError> {
    let PreparedRegistration { mut read, inside } = prepared;
    let actor = CommitActor {
        actor: inside.access.actor().name.clone(),
        request_id: inside.access.actor().request_id.clone(),
    };
    let (mut inside, mut looked) = (Arc::new(inside), false);
    let verdict = loop {
        match inside.commit(read.clone(), actor.clone(), looked).await? {
            Verdict::OtherModel => {
                let anew = Box::pin(inside.search_again()).await?;
                (read, inside) = (anew.read, Arc::new(anew.inside));
            }
            Verdict::MayRepeat if !looked => {
                if let Some(answer) = inside.earlier_answer().await? {
                    count(&answer);
                    return Box::pin(inside.unsealed(answer)).await;
                }
                looked = true;
            }
            verdict => break verdict,
        }
    };
    match verdict {
        Verdict::Answer(answer) => {
            count(&answer);
            Box::pin(inside.unsealed(*answer)).await
        }
        // These are said of deferred versions alone, or were seen to above.
        Verdict::MayRepeat | Verdict::Waits | Verdict::Overtaken | Verdict::OtherModel => {
            Err(FlowError::Stopped)
        }
        Verdict::Stale => Err(FlowError::Stale),
        Verdict::OtherContent => Err(FlowError::OtherContent),
    }
}

pub(super) fn count(answer: &RegistrationAnswer) {
    let outcome = match answer.outcome {
        _ if answer.replayed => "replayed",
        Outcome::Linked => "linked",
        Outcome::NewPerson if answer.tasks.is_empty() => "new",
        Outcome::NewPerson => "review",
        Outcome::UpdateHeld => "held",
    };
    metrics::counter!("accord_registrations_total", "outcome" => outcome).increment(1);
    if !answer.complete {
        metrics::counter!("accord_incomplete_answers_total", "door" => "register").increment(1);
    }
}

/// What runs between the re-read and the inserts of the commit.
#[derive(Clone)]
pub(super) struct Inside {
    pub(super) context: Context,
    pub(super) access: Access,
    pub(super) now: Instant,
    pub(super) registration: Registration,
    pub(super) payload: String,
    pub(super) stored_hashes: Vec<u64>,
    pub(super) idempotency: Option<(String, String)>,
    pub(super) if_match: Option<IfMatch>,
    /// Digest of all that is written with it, all or nothing.
    pub(super) together: Option<String>,
    /// The deferred version that this decides.
    pub(super) again: Option<WaitingVersion>,
}

impl Inside {
    async fn commit(
        self: &Arc<Self>,
        read: ReadSet,
        actor: CommitActor,
        looked: bool,
    ) -> Result<Verdict, FlowError> {
        let inside = Arc::clone(self);
        let decide =
            move |state: &mut RegistryState, reads: &CommitReads| inside.run(state, reads, looked);
        Ok(self
            .context
            .store
            .commit(read, actor, self.now, decide)
            .await?)
    }

    /// An answer from before a seal names nobody whom it keeps from the person.
    pub(super) async fn unsealed(
        &self,
        answer: RegistrationAnswer,
    ) -> Result<RegistrationAnswer, FlowError> {
        let gate = Gate::of(&self.access);
        let (person, possible) = (answer.person_id, answer.possible);
        let possible = unsealed_possible(&self.context, gate, person, possible).await?;
        Ok(RegistrationAnswer { possible, ..answer })
    }

    /// The answer of a held or historic version with this content, looked at and told.
    async fn earlier_answer(&self) -> Result<Option<RegistrationAnswer>, FlowError> {
        let answer = self.find_earlier().await?;
        if let Some(answer) = &answer {
            self.context.store.append_audit(self.audit(answer)).await?;
        }
        Ok(answer)
    }

    /// The answer of a held or historic version with this content.
    pub(super) async fn find_earlier(&self) -> Result<Option<RegistrationAnswer>, FlowError> {
        let (source, local_id) = (&self.registration.source, &self.registration.local_id);
        let Some(stored) = self.context.store.find_record(source, local_id).await? else {
            return Ok(None);
        };
        let repeated = stored.versions.iter().rev().find(|version| {
            version.digest == self.registration.digest
                && version.submitted.is_some()
                && version.standing != VersionStanding::Current
        });
        let answer = repeated.and_then(|version| serde_json::from_str(&version.answer).ok());
        Ok(answer.map(|answer| RegistrationAnswer {
            replayed: true,
            ..answer
        }))
    }

    /// Whether a version that is not the current one may have said the same.
    fn may_repeat(&self, record: &RecordState) -> bool {
        let held = record.held.as_ref();
        held.is_some_and(|held| held.digest == self.registration.digest)
            || self
                .registration
                .effective_at
                .zip(record.current.effective_at)
                .is_some_and(|(sent, current)| sent < current)
    }

    pub(super) fn run(
        &self,
        state: &RegistryState,
        reads: &CommitReads,
        looked: bool,
    ) -> Planned<Verdict> {
        if self.context.is_superseded() {
            return Planned::nothing(Verdict::OtherModel);
        }
        if let Some(waiting) = &self.again {
            return self.run_again(state, waiting);
        }
        let content = self.content();
        if let Some(remembered) = &reads.remembered {
            return if remembered.digest == content {
                self.repeat(&remembered.body, remembered.status == CREATED)
            } else {
                Planned::nothing(Verdict::OtherContent)
            };
        }
        let known = state.record(&self.registration.source, &self.registration.local_id);
        let current = known.map(|record| record.current.version);
        let condition = self.if_match.as_ref();
        if condition.is_some_and(|condition| !condition.holds(current)) {
            return Planned::nothing(Verdict::Stale);
        }
        if known.is_some_and(|record| self.repeats(state, record))
            && let Some(answer) = &reads.current_answer
        {
            let plan = self.repeat(answer, false);
            let remember = match &plan.answer {
                Verdict::Answer(answer) => self.remember(answer),
                _ => None,
            };
            return Planned { remember, ..plan };
        }
        if !looked && known.is_some_and(|record| self.may_repeat(record)) {
            return Planned::nothing(Verdict::MayRepeat);
        }
        self.write(state)
    }

    /// Digest of everything that the idempotency key stands for.
    pub(super) fn content(&self) -> String {
        let mut digest = Sha256::new();
        let together = self.together.as_deref();
        for part in [
            self.registration.source.as_str(),
            self.registration.local_id.as_str(),
            &self.registration.digest,
        ]
        .into_iter()
        .chain(together)
        {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        hex(&digest.finalize())
    }

    /// What was erased is not known any more: it comes as a version of its own.
    fn repeats(&self, state: &RegistryState, record: &RecordState) -> bool {
        record.status == RecordStatus::Active
            && record.current.digest == self.registration.digest
            && state.standards.contains_key(&record.number)
    }

    fn repeat(&self, body: &str, created: bool) -> Planned<Verdict> {
        match serde_json::from_str::<RegistrationAnswer>(body) {
            Ok(mut answer) => {
                answer.replayed = true;
                answer.created = created;
                let audit = self.audit(&answer);
                Planned {
                    audit,
                    ..Planned::nothing(Verdict::Answer(Box::new(answer)))
                }
            }
            // An answer of an older release that no longer reads: the content is known, so
            // nothing is lost by saying that the key is taken.
            Err(_) => Planned::nothing(Verdict::OtherContent),
        }
    }

    /// What a later request under the same key is answered with.
    pub(super) fn remember(&self, answer: &RegistrationAnswer) -> Option<RememberedAnswer> {
        let (actor, key) = self.idempotency.clone()?;
        let body = serde_json::to_string(answer)
            .expect("invariant: an answer of texts and numbers always becomes JSON");
        Some(RememberedAnswer {
            actor,
            key,
            digest: self.content(),
            status: if answer.created { CREATED } else { KNOWN },
            body,
        })
    }

    pub(super) fn audit(&self, answer: &RegistrationAnswer) -> Vec<crate::security::AuditEntry> {
        let mut persons = vec![answer.person_id];
        persons.extend(answer.possible.iter().map(|other| other.person_id));
        let record = format!("{}:{}", answer.source, answer.local_id);
        vec![self.access.audit(self.now, persons, Some(record))]
    }

    pub(super) fn numbering(&self) -> Numbering<'_> {
        Numbering {
            now: self.now,
            chance: self.context.chance.as_ref(),
        }
    }

    fn run_again(&self, state: &RegistryState, waiting: &WaitingVersion) -> Planned<Verdict> {
        let (model, numbering) = (&self.context.model, self.numbering());
        match decide_again(state, model, &numbering, &self.registration, waiting) {
            DecidedAgain::Waits => Planned::nothing(Verdict::Waits),
            DecidedAgain::Overtaken(events) => Planned {
                events,
                ..Planned::nothing(Verdict::Overtaken)
            },
            DecidedAgain::Decided(change) => self.plan(*change),
        }
    }

    fn write(&self, state: &RegistryState) -> Planned<Verdict> {
        let model = &self.context.model;
        let change = register(state, model, &self.numbering(), &self.registration);
        self.plan(change)
    }

    pub(super) fn plan(&self, change: Change<Registered>) -> Planned<Verdict> {
        let answer = change.answer.answer;
        let body = serde_json::to_string(&answer)
            .expect("invariant: an answer of texts and numbers always becomes JSON");
        let deferred = change
            .events
            .iter()
            .any(|event| matches!(event, RegistryEvent::VersionDeferred { .. }));
        let keys = match &change.answer.remembered {
            // What waits is found by nobody.
            Some(_) if deferred => Vec::new(),
            // What the versions that waited before it have brought, too.
            Some(remembered) if self.again.is_some() => blocking_keys(remembered).stored_hashes(),
            Some(_) => self.stored_hashes.clone(),
            None => Vec::new(),
        };
        let version = NewVersion {
            record: change.answer.record,
            version: answer.version,
            submitted: self.payload.clone(),
            standard: change
                .answer
                .remembered
                .unwrap_or_else(|| Arc::clone(&self.registration.standard)),
            findings: findings_json(&answer.findings),
            answer: body,
        };
        let keyed = (!keys.is_empty()).then_some((change.answer.record, keys));
        let remember = self.remember(&answer);
        Planned {
            events: change.events,
            versions: vec![version],
            keys: keyed.into_iter().collect(),
            audit: self.audit(&answer),
            remember,
            ..Planned::nothing(Verdict::Answer(Box::new(answer)))
        }
    }
}

pub(super) fn findings_json(findings: &[Finding]) -> String {
    serde_json::to_string(findings)
        .expect("invariant: findings of codes and sentences always become JSON")
}
