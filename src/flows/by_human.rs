//! What every joining and parting by a human has in common: a reason, a second
//! look before anything happens (`dry_run`), an idempotency key, an audit row.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::flows::review_task::commit_actor;
use crate::flows::{Context, FlowError, merge_limit};
use crate::foundation::limits::MERGE_LOCKS_MAX;
use crate::foundation::{PersonId, hex};
use crate::matching::blocking_keys;
use crate::registry::{MergeRefusal, Numbering, Refused, RegistryEvent, RegistryState};
use crate::security::Access;
use crate::storage::{Planned, ReadSet, Remark, RememberedAnswer};

/// HTTP's word for what an idempotency key remembers (RFC 9110 §15.3.1).
const DONE: u16 = 200;
/// Longest reason, as of the header `Accord-Reason`.
const REASON_CHARACTERS_MAX: usize = 512;

/// How a human asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Why, in words; kept beside the ledger, where it can be erased.
    pub reason: String,
    /// Only say what would change.
    pub dry_run: bool,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
}

/// What a pure function has decided.
pub(super) struct Acted<A> {
    /// Events to append.
    pub(super) events: Vec<RegistryEvent>,
    /// What the reason is about.
    pub(super) subject: String,
    /// Persons that the answer names.
    pub(super) persons: Vec<PersonId>,
    /// What the caller is told.
    pub(super) answer: A,
}

/// Why nothing happens.
pub(super) enum Stop {
    /// The rules say no.
    Refused(Refused),
    /// `If-Match` names another version.
    Stale,
}

impl<R: Into<Refused>> From<R> for Stop {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}

enum Verdict<A> {
    Done(A),
    Refused(MergeRefusal),
    OtherContent,
    Stale,
    TooMany,
}

/// The reason as it is kept.
///
/// # Errors
/// None, or too many words.
pub(super) fn reason_of(asked: &Asked) -> Result<String, FlowError> {
    let reason = asked.reason.trim();
    let odd = reason.chars().any(char::is_control);
    if reason.is_empty() || odd || reason.chars().count() > REASON_CHARACTERS_MAX {
        return Err(FlowError::Unprocessable {
            member: "reason",
            rule: "R115",
            detail: format!(
                "say why, in at most {REASON_CHARACTERS_MAX} characters, none of them a control \
                 character"
            ),
        });
    }
    Ok(reason.to_owned())
}

/// Lets `decide` plan inside the commit. `content` stands for all that was
/// asked, besides the reason.
pub(super) async fn act<A, F>(
    context: &Context,
    access: &Access,
    read: ReadSet,
    (asked, content): (&Asked, &[&str]),
    decide: F,
) -> Result<A, FlowError>
where
    A: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&RegistryState, &Numbering<'_>) -> Result<Acted<A>, Stop> + Send + 'static,
{
    let (reason, dry_run) = (reason_of(asked)?, asked.dry_run);
    let account = access.actor().name.clone();
    // A question is answered afresh each time.
    let key = asked.idempotency_key.clone().filter(|_| !dry_run);
    let key = key.map(|key| (account, key));
    let digest = digest(content, &reason);
    let read = ReadSet {
        merging: (!dry_run).then(|| merge_limit::counted(context, access.person())),
        idempotency: key.clone(),
        ..read
    };
    let limit = context.merges_per_hour;
    let (now, chance) = (context.clock.now(), Arc::clone(&context.chance));
    let by = access.clone();
    let plan = move |state: &mut RegistryState, reads: &_| {
        let reads: &crate::storage::CommitReads = reads;
        if let Some(remembered) = &reads.remembered {
            let known = (remembered.digest == digest)
                .then(|| serde_json::from_str(&remembered.body).ok())
                .flatten();
            return Planned::nothing(known.map_or(Verdict::OtherContent, Verdict::Done));
        }
        let numbering = Numbering {
            now,
            chance: chance.as_ref(),
        };
        match decide(state, &numbering) {
            Ok(acted) if !dry_run && merge_limit::is_reached(limit, &acted.events, reads) => {
                Planned::nothing(Verdict::TooMany)
            }
            Ok(acted) => {
                let audit = vec![by.audit(now, acted.persons, None)];
                if dry_run {
                    return Planned {
                        audit,
                        ..Planned::nothing(Verdict::Done(acted.answer))
                    };
                }
                let remember = key.as_ref().map(|key| kept(key, &digest, &acted.answer));
                Planned {
                    events: acted.events,
                    audit,
                    remark: Some(Remark {
                        subject: acted.subject,
                        reason: reason.clone(),
                    }),
                    remember,
                    ..Planned::nothing(Verdict::Done(acted.answer))
                }
            }
            Err(Stop::Stale) => Planned::nothing(Verdict::Stale),
            Err(Stop::Refused(refused)) => Planned {
                events: if dry_run { Vec::new() } else { refused.events },
                audit: vec![by.audit(now, Vec::new(), None)],
                ..Planned::nothing(Verdict::Refused(refused.refusal))
            },
        }
    };
    let actor = commit_actor(access);
    match context.store.commit(read, actor, now, plan).await? {
        Verdict::Done(answer) => Ok(answer),
        Verdict::Refused(refusal) => Err(FlowError::Refused(refusal)),
        Verdict::Stale => Err(FlowError::Stale),
        Verdict::TooMany => Err(merge_limit::REACHED),
        Verdict::OtherContent => Err(FlowError::OtherContent),
    }
}

/// The answer as it is kept for the same request sent again.
fn kept<A: Serialize>(
    (actor, key): &(String, String),
    digest: &str,
    answer: &A,
) -> RememberedAnswer {
    RememberedAnswer {
        actor: actor.clone(),
        key: key.clone(),
        digest: digest.to_owned(),
        status: DONE,
        body: serde_json::to_string(answer)
            .expect("invariant: an answer of ids and words always becomes JSON"),
    }
}

fn digest(content: &[&str], reason: &str) -> String {
    let mut digest = Sha256::new();
    for part in content.iter().chain([&reason]) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    hex(&digest.finalize())
}

/// The keys of all records of these persons, so that nobody registers a record
/// that could belong to one of them at the same time; and whether a record,
/// withdrawn ones included, restricts the location of one (R111).
pub(super) async fn locks_of(
    context: &Context,
    persons: &[PersonId],
) -> Result<(Vec<u64>, bool), FlowError> {
    let (mut locks, mut restricted) = (std::collections::BTreeSet::new(), false);
    for person in persons {
        let Some(stored) = context.store.load_person(*person).await? else {
            continue;
        };
        restricted |= stored.restricted;
        for member in stored.members {
            if let Some(standard) = member.standard {
                locks.extend(blocking_keys(&standard).lock_hashes());
            }
        }
    }
    // The persons themselves are locked in any case.
    Ok((
        locks.into_iter().take(MERGE_LOCKS_MAX).collect(),
        restricted,
    ))
}
