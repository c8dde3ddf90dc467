//! Several records are written or withdrawn in one commit: all of them, or none.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::flows::register_record::{
    Inside, PreparedRegistration, Verdict, count, prepare_registration,
};
use crate::flows::withdraw_record::{Withdrawal, outcome_of};
use crate::flows::{Context, FlowError, IfMatch, RegisterCommand};
use crate::foundation::hex;
use crate::foundation::limits::WRITTEN_TOGETHER_MAX;
use crate::registry::{LocalId, Refusal, RegistrationAnswer, RegistryState, SourceCode};
use crate::security::Access;
use crate::storage::{
    CommitActor, CommitReads, Part, Planned, ReadSet, RememberedAnswer, Together,
};

/// HTTP's word for what was done and says nothing (RFC 9110 §15.3.5).
const NO_CONTENT: u16 = 204;
/// Stands in no idempotency key of a sender: those are visible.
const BETWEEN: char = '\u{1f}';

/// Changes of the active model that one transaction lives through.
const MODEL_CHANGES_MAX: usize = 4;

/// One of several.
#[derive(Debug, Clone)]
pub enum WriteStep {
    /// Registers or updates a record; under [`IfMatch::Unknown`] who is known already is
    /// left as they are.
    Register(Box<RegisterCommand>),
    /// Withdraws one.
    Withdraw {
        /// Whose it is.
        source: SourceCode,
        /// Its id there.
        local_id: LocalId,
        /// `If-Match`.
        if_match: Option<IfMatch>,
    },
}

impl WriteStep {
    const fn record(&self) -> (&SourceCode, &LocalId) {
        match self {
            Self::Register(command) => (&command.source, &command.local_id),
            Self::Withdraw {
                source, local_id, ..
            } => (source, local_id),
        }
    }
}

/// What became of one of several.
#[derive(Debug, Clone)]
pub enum Wrote {
    /// Registered or updated.
    Registered(Box<RegistrationAnswer>),
    /// Known already, and left so.
    Known,
    /// Withdrawn.
    Withdrawn,
}

/// Nothing was written.
#[derive(Debug)]
pub struct NotWritten {
    /// The step at fault, where one is.
    pub place: Option<usize>,
    /// What is wrong.
    pub error: FlowError,
}

impl NotWritten {
    fn at(place: usize, error: impl Into<FlowError>) -> Self {
        Self {
            place: Some(place),
            error: error.into(),
        }
    }
}

/// Writes the steps in their order, each decided on what those before it leave. Under
/// `key` the same steps are answered as before; no step brings a key of its own.
///
/// # Errors
/// What any of them alone would be refused for, a record that is named twice, too many of
/// them, or a fault of ours; nothing is changed then.
pub async fn write_together(
    context: &Context,
    steps: Vec<(Access, WriteStep)>,
    key: Option<&str>,
) -> Result<Vec<Wrote>, NotWritten> {
    bounded(&steps)?;
    let mut prepared = Vec::with_capacity(steps.len());
    for (place, (access, step)) in steps.into_iter().enumerate() {
        let key = key.map(|key| match place {
            0 => key.to_owned(),
            _ => format!("{key}{BETWEEN}{place}"),
        });
        let step = Box::pin(Prepared::of(context, &access, step, key)).await;
        prepared.push(step.map_err(|error| NotWritten::at(place, error))?);
    }
    let mut digest = Sha256::new();
    for step in &prepared {
        digest.update(step.content());
    }
    let digest = hex(&digest.finalize());
    for step in &mut prepared {
        step.belongs_to(&digest);
    }
    commit(context, prepared.into_iter().map(Arc::new).collect()).await
}

fn bounded(steps: &[(Access, WriteStep)]) -> Result<(), NotWritten> {
    if steps.len() > WRITTEN_TOGETHER_MAX {
        let error = FlowError::Unprocessable {
            member: "entry",
            rule: "bound of what is written together",
            detail: format!("at most {WRITTEN_TOGETHER_MAX} records are written together"),
        };
        return Err(NotWritten::at(WRITTEN_TOGETHER_MAX, error));
    }
    for (place, (_, step)) in steps.iter().enumerate() {
        let before = steps.iter().take(place);
        if before
            .into_iter()
            .any(|(_, it)| it.record() == step.record())
        {
            let error = FlowError::Malformed {
                member: "entry",
                rule: "each record once",
                detail: "what is written together names each record once",
            };
            return Err(NotWritten::at(place, error));
        }
    }
    Ok(())
}

/// A step that waits for its commit.
struct Prepared {
    read: ReadSet,
    kind: Kind,
}

enum Kind {
    Register(Box<Inside>),
    Withdraw(Box<Withdrawal>, Option<String>),
}

impl Prepared {
    async fn of(
        context: &Context,
        access: &Access,
        step: WriteStep,
        key: Option<String>,
    ) -> Result<Self, FlowError> {
        match step {
            WriteStep::Register(command) => {
                let idempotency_key = key;
                let command = RegisterCommand {
                    idempotency_key,
                    ..*command
                };
                let PreparedRegistration { read, inside } =
                    prepare_registration(context, access, command).await?;
                let kind = Kind::Register(Box::new(inside));
                Ok(Self { read, kind })
            }
            WriteStep::Withdraw {
                source,
                local_id,
                if_match,
            } => {
                let account = access.actor().name.clone();
                let read = ReadSet {
                    records: vec![(source.clone(), local_id.clone())],
                    idempotency: key.map(|key| (account, key)),
                    ..ReadSet::default()
                };
                let withdrawal = Withdrawal {
                    access: access.clone(),
                    now: context.clock.now(),
                    source,
                    local_id,
                    if_match,
                };
                let kind = Kind::Withdraw(Box::new(withdrawal), None);
                Ok(Self { read, kind })
            }
        }
    }

    fn content(&self) -> String {
        match &self.kind {
            Kind::Register(inside) => inside.content(),
            Kind::Withdraw(withdrawal, _) => {
                let (source, local_id) = (&withdrawal.source, &withdrawal.local_id);
                format!("withdraw {source} {local_id}{BETWEEN}")
            }
        }
    }

    fn belongs_to(&mut self, digest: &str) {
        match &mut self.kind {
            Kind::Register(inside) => inside.together = Some(digest.to_owned()),
            Kind::Withdraw(_, together) => *together = Some(digest.to_owned()),
        }
    }

    fn access(&self) -> &Access {
        match &self.kind {
            Kind::Register(inside) => &inside.access,
            Kind::Withdraw(withdrawal, _) => &withdrawal.access,
        }
    }

    fn decide(&self, state: &RegistryState, reads: &CommitReads, looked: &Looked) -> Planned<Said> {
        match &self.kind {
            Kind::Register(inside) => {
                let again = matches!(looked, Looked::New);
                let plan = inside.run(state, reads, again);
                let only_new = inside.if_match == Some(IfMatch::Unknown);
                match (&plan.answer, looked) {
                    (Verdict::Stale, _) if only_new => Planned::nothing(Said::Known),
                    (Verdict::MayRepeat, Looked::Known(answer)) => Planned {
                        audit: inside.audit(answer),
                        remember: inside.remember(answer),
                        ..Planned::nothing(Said::Registered(Verdict::Answer(answer.clone())))
                    },
                    _ => said(plan, Said::Registered),
                }
            }
            Kind::Withdraw(withdrawal, together) => {
                let content = together.clone().unwrap_or_default();
                match &reads.remembered {
                    Some(known) if known.digest == content => Planned {
                        audit: withdrawal.audit(state),
                        ..Planned::nothing(Said::Withdrawn)
                    },
                    Some(_) => Planned::nothing(Said::Registered(Verdict::OtherContent)),
                    None => self.withdraw(withdrawal, state, content),
                }
            }
        }
    }

    fn withdraw(
        &self,
        withdrawal: &Withdrawal,
        state: &RegistryState,
        digest: String,
    ) -> Planned<Said> {
        let plan = withdrawal.decide(state);
        let remember = self.read.idempotency.clone();
        let remember = remember.map(|(actor, key)| RememberedAnswer {
            actor,
            key,
            digest,
            status: NO_CONTENT,
            body: String::new(),
        });
        let plan = said(plan, |outcome| match outcome {
            Ok(()) | Err(Refusal::AlreadyWithdrawn) => Said::Withdrawn,
            Err(refusal) => Said::NotWithdrawn(refusal),
        });
        // A no is asked again: its cause may be gone.
        let remember = remember.filter(|_| plan.answer.agrees());
        Planned { remember, ..plan }
    }
}

/// What was found among earlier versions of a record, after a first try has asked.
enum Looked {
    NotYet,
    New,
    Known(Box<RegistrationAnswer>),
}

/// What a step says inside the commit.
enum Said {
    Registered(Verdict),
    Known,
    Withdrawn,
    NotWithdrawn(Refusal),
}

impl Said {
    const fn agrees(&self) -> bool {
        matches!(
            self,
            Self::Registered(Verdict::Answer(_)) | Self::Known | Self::Withdrawn
        )
    }

    /// Why it does not agree.
    fn refusal(self) -> FlowError {
        match self {
            Self::Registered(Verdict::Stale) => FlowError::Stale,
            Self::Registered(Verdict::OtherContent) => FlowError::OtherContent,
            Self::NotWithdrawn(refusal) => {
                outcome_of(Err(refusal)).err().unwrap_or(FlowError::Stopped)
            }
            // The others agree, or are said of deferred versions.
            Self::Registered(_) | Self::Known | Self::Withdrawn => FlowError::Stopped,
        }
    }
}

fn said<A>(plan: Planned<A>, of: impl FnOnce(A) -> Said) -> Planned<Said> {
    Planned {
        events: plan.events,
        versions: plan.versions,
        keys: plan.keys,
        audit: plan.audit,
        remark: plan.remark,
        remember: plan.remember,
        known_pair: plan.known_pair,
        answer: of(plan.answer),
    }
}

/// A step that may repeat an earlier version of its record is looked up and the whole
/// tried again, each step once; all are compared again where the active model has changed.
async fn commit(
    context: &Context,
    mut steps: Vec<Arc<Prepared>>,
) -> Result<Vec<Wrote>, NotWritten> {
    let whole = |error: FlowError| NotWritten { place: None, error };
    let mut looked: Vec<Arc<Looked>> = steps.iter().map(|_| Arc::new(Looked::NotYet)).collect();
    for _ in 0..=steps.len() + MODEL_CHANGES_MAX {
        let parts = steps.iter().zip(&looked);
        let parts = parts.map(|(step, looked)| part(step, looked)).collect();
        let now = context.clock.now();
        let committed = context
            .store
            .commit_together(parts, now, Said::agrees)
            .await;
        match committed.map_err(|error| whole(error.into()))? {
            Together::Done(said) => return told(&steps, said).await.map_err(whole),
            Together::Refused(place, Said::Registered(Verdict::MayRepeat)) => {
                let (Some(step), Some(known)) = (steps.get(place), looked.get_mut(place)) else {
                    break;
                };
                let Kind::Register(inside) = &step.kind else {
                    break;
                };
                let earlier = inside.find_earlier().await.map_err(whole)?;
                *known = Arc::new(earlier.map_or(Looked::New, |it| Looked::Known(Box::new(it))));
            }
            Together::Refused(_, Said::Registered(Verdict::OtherModel)) => {
                for step in &mut steps {
                    compare_again(step).await.map_err(whole)?;
                }
            }
            Together::Refused(place, said) => return Err(NotWritten::at(place, said.refusal())),
        }
    }
    Err(whole(FlowError::Stopped))
}

/// Compares a registration with the model that is active now.
async fn compare_again(step: &mut Arc<Prepared>) -> Result<(), FlowError> {
    if let Kind::Register(inside) = &step.kind {
        let PreparedRegistration { read, inside } = Box::pin(inside.search_again()).await?;
        let kind = Kind::Register(Box::new(inside));
        *step = Arc::new(Prepared { read, kind });
    }
    Ok(())
}

fn part(step: &Arc<Prepared>, looked: &Arc<Looked>) -> Part<Said> {
    let actor = step.access().actor();
    let (own, looked) = (Arc::clone(step), Arc::clone(looked));
    Part {
        read: step.read.clone(),
        actor: CommitActor {
            actor: actor.name.clone(),
            request_id: actor.request_id.clone(),
        },
        decide: Box::new(move |state, reads| own.decide(state, reads, &looked)),
    }
}

async fn told(steps: &[Arc<Prepared>], said: Vec<Said>) -> Result<Vec<Wrote>, FlowError> {
    let mut wrote = Vec::with_capacity(steps.len());
    for (step, said) in steps.iter().zip(said) {
        wrote.push(match (&step.kind, said) {
            (Kind::Register(inside), Said::Registered(Verdict::Answer(answer))) => {
                count(&answer);
                let seen = Box::pin(inside.unsealed((*answer).clone())).await;
                // It is written: where the seals cannot be read, nobody is named beside it.
                Wrote::Registered(Box::new(seen.unwrap_or_else(|_| RegistrationAnswer {
                    possible: Vec::new(),
                    ..*answer
                })))
            }
            (Kind::Register(_), Said::Known) => Wrote::Known,
            (Kind::Withdraw(..), Said::Withdrawn) => Wrote::Withdrawn,
            // What does not agree ends the commit before.
            _ => return Err(FlowError::Stopped),
        });
    }
    Ok(wrote)
}
