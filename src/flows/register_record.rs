//! A record arrives: standardise, retrieve, score, then decide and append in
//! one commit (ARCHITECTURE.md walks through it).

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::flows::prepare::{retrieve, score};
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, hex};
use crate::identity::{
    Finding, FindingCode, StandardDate, StandardRecord, SubmittedRecord, standardise,
};
use crate::registry::{
    LocalId, Numbering, RecordState, RecordStatus, Registration, RegistrationAnswer, RegistryState,
    SourceCode, VersionStanding, register,
};
use crate::security::Access;
use crate::storage::{CommitActor, CommitReads, NewVersion, Planned, ReadSet, RememberedAnswer};

/// HTTP's words for what an idempotency key remembers (RFC 9110 §15.3).
const CREATED: u16 = 201;
const KNOWN: u16 = 200;

/// Which version a writer must have seen (`If-Match`, RFC 9110 §13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: the record must be known, in whatever version.
    Any,
    /// One of these versions; of none, the condition never holds.
    OneOf(Vec<u32>),
}

impl IfMatch {
    /// Whether the condition holds for the current version; `None` when the
    /// record is not known.
    #[must_use]
    pub fn holds(&self, current: Option<u32>) -> bool {
        current.is_some_and(|current| match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&current),
        })
    }
}

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

enum Verdict {
    Answer(Box<RegistrationAnswer>),
    OtherContent,
    Stale,
    /// It may repeat a version that is held or history: look before writing.
    MayRepeat,
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
    read: ReadSet,
    inside: Inside,
}

/// The slow half, outside any transaction: many may run at once.
pub(super) async fn prepare_registration(
    context: &Context,
    access: &Access,
    command: RegisterCommand,
) -> Result<PreparedRegistration, FlowError> {
    let source = context
        .store
        .find_source(&command.source)
        .await?
        .ok_or(FlowError::NotFound(
            "no source with this code is known; add it first",
        ))?;
    let mut effective_at = effective_at(&command.submitted)?;
    let options = context.standardise_options(source.number_status_default);
    let (standard, mut findings) = standardise(&command.submitted, &options);
    findings.extend(command.findings);
    if effective_at.is_some_and(|at| at > context.clock.now().plus_one_day()) {
        // It would shut out every true date that comes after it.
        findings.push(Finding::new(FindingCode::EffectiveInFuture, "effective_at"));
        effective_at = None;
    }
    refuse_the_unidentifying(&standard)?;
    let payload = serde_json::to_string(&command.submitted)
        .expect("invariant: a record of texts and lists always becomes JSON");
    let digest = hex(&Sha256::digest(payload.as_bytes()));
    let standard = Arc::new(standard);

    let found = retrieve(context, &standard, false).await?;
    // What cannot be looked up was not looked for.
    let complete = !found.keys.probes.is_empty() && found.incomplete().next().is_none();
    let lock_hashes = found.keys.lock_hashes();
    let stored_hashes: Vec<u64> = found.keys.stored.iter().map(|key| key.hash).collect();
    let keys_after = found.position;
    let prepared = score(context, &standard, found.persons);
    let key = command
        .idempotency_key
        .map(|key| (access.actor().name.clone(), key));
    let read = ReadSet {
        records: vec![(command.source.clone(), command.local_id.clone())],
        persons: prepared
            .iter()
            .map(|person| (person.person, person.revision))
            .collect(),
        keys: lock_hashes.clone(),
        keys_after,
        idempotency: key.clone(),
    };
    let registration = Registration {
        source: command.source,
        local_id: command.local_id,
        digest,
        effective_at,
        standard,
        findings,
        lock_hashes,
        prepared,
        complete,
    };
    let inside = Inside {
        context: context.clone(),
        access: access.clone(),
        now: context.clock.now(),
        registration,
        payload,
        stored_hashes,
        idempotency: key,
        if_match: command.if_match,
    };
    Ok(PreparedRegistration { read, inside })
}

/// The short half: re-read, decide, append. The order of calls is the order of
/// the commits.
pub(super) async fn commit_registration(
    prepared: PreparedRegistration,
) -> Result<RegistrationAnswer, FlowError> {
    let PreparedRegistration { read, inside } = prepared;
    let actor = CommitActor {
        actor: inside.access.actor().name.clone(),
        request_id: inside.access.actor().request_id.clone(),
    };
    let inside = Arc::new(inside);
    let mut verdict = inside.commit(read.clone(), actor.clone(), false).await?;
    if matches!(verdict, Verdict::MayRepeat) {
        if let Some(answer) = inside.earlier_answer().await? {
            return Ok(answer);
        }
        verdict = inside.commit(read, actor, true).await?;
    }
    match verdict {
        Verdict::Answer(answer) => Ok(*answer),
        Verdict::MayRepeat => Err(FlowError::Stopped),
        Verdict::Stale => Err(FlowError::Stale),
        Verdict::OtherContent => Err(FlowError::Conflict(
            "this Idempotency-Key was used with other content",
        )),
    }
}

fn effective_at(submitted: &SubmittedRecord) -> Result<Option<Instant>, FlowError> {
    let Some(text) = submitted.effective_at.as_deref() else {
        return Ok(None);
    };
    let at = Instant::parse(text).or_else(|| {
        let date = StandardDate::parse(text)?;
        Instant::parse(&format!("{}T00:00:00Z", date.to_iso()))
    });
    at.map(Some).ok_or_else(|| FlowError::Unprocessable {
        member: "effective_at",
        rule: "RFC 3339",
        detail: "effective_at must be a full date or an RFC 3339 instant such as \
                 2026-11-22T07:30:00Z"
            .to_owned(),
    })
}

fn refuse_the_unidentifying(standard: &StandardRecord) -> Result<(), FlowError> {
    if standard.identifies() {
        return Ok(());
    }
    Err(FlowError::Unprocessable {
        member: "",
        rule: "one identifying value",
        detail: "nothing in this record identifies a person after standardising; send at least \
                 an NHS number, a name, a birth date, an address, a phone, an e-mail or another \
                 identifier"
            .to_owned(),
    })
}

/// What runs between the re-read and the inserts of the commit.
struct Inside {
    context: Context,
    access: Access,
    now: Instant,
    registration: Registration,
    payload: String,
    stored_hashes: Vec<u64>,
    idempotency: Option<(String, String)>,
    if_match: Option<IfMatch>,
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

    /// The answer of a held or historic version with this content.
    async fn earlier_answer(&self) -> Result<Option<RegistrationAnswer>, FlowError> {
        let (source, local_id) = (&self.registration.source, &self.registration.local_id);
        let Some(stored) = self.context.store.find_record(source, local_id).await? else {
            return Ok(None);
        };
        let repeated = stored.versions.iter().rev().find(|version| {
            version.digest == self.registration.digest
                && version.standing != VersionStanding::Current
        });
        let answer = repeated.and_then(|version| serde_json::from_str(&version.answer).ok());
        if let Some(answer) = &answer {
            self.context.store.append_audit(self.audit(answer)).await?;
        }
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

    fn run(&self, state: &RegistryState, reads: &CommitReads, looked: bool) -> Planned<Verdict> {
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
        if known.is_some_and(|record| self.repeats(record))
            && let Some(answer) = &reads.current_answer
        {
            return self.repeat(answer, false);
        }
        if !looked && known.is_some_and(|record| self.may_repeat(record)) {
            return Planned::nothing(Verdict::MayRepeat);
        }
        self.write(state, &content)
    }

    /// Digest of everything that the idempotency key stands for.
    fn content(&self) -> String {
        let mut digest = Sha256::new();
        for part in [
            self.registration.source.as_str(),
            self.registration.local_id.as_str(),
            &self.registration.digest,
        ] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        hex(&digest.finalize())
    }

    fn repeats(&self, record: &RecordState) -> bool {
        record.status == RecordStatus::Active && record.current.digest == self.registration.digest
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

    fn audit(&self, answer: &RegistrationAnswer) -> Vec<crate::security::AuditEntry> {
        let mut persons = vec![answer.person_id];
        persons.extend(answer.possible.iter().map(|other| other.person_id));
        let record = format!("{}:{}", answer.source, answer.local_id);
        vec![self.access.audit(self.now, persons, Some(record))]
    }

    fn write(&self, state: &RegistryState, content: &str) -> Planned<Verdict> {
        let numbering = Numbering {
            now: self.now,
            chance: self.context.chance.as_ref(),
        };
        let change = register(state, &self.context.model, &numbering, &self.registration);
        let answer = change.answer.answer;
        let body = serde_json::to_string(&answer)
            .expect("invariant: an answer of texts and numbers always becomes JSON");
        let version = NewVersion {
            record: change.answer.record,
            version: answer.version,
            submitted: self.payload.clone(),
            standard: change
                .answer
                .remembered
                .clone()
                .unwrap_or_else(|| Arc::clone(&self.registration.standard)),
            findings: findings_json(&self.registration.findings),
            answer: body.clone(),
        };
        let keys = match change.answer.remembered {
            Some(_) => vec![(change.answer.record, self.stored_hashes.clone())],
            None => Vec::new(),
        };
        let remember = self
            .idempotency
            .clone()
            .map(|(actor, key)| RememberedAnswer {
                actor,
                key,
                digest: content.to_owned(),
                status: if answer.created { CREATED } else { KNOWN },
                body,
            });
        Planned {
            events: change.events,
            versions: vec![version],
            keys,
            audit: self.audit(&answer),
            remember,
            answer: Verdict::Answer(Box::new(answer)),
        }
    }
}

fn findings_json(findings: &[Finding]) -> String {
    serde_json::to_string(findings)
        .expect("invariant: findings of codes and sentences always become JSON")
}
