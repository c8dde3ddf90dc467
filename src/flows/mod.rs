//! One file per journey: the only place where the pure floors meet storage
//! and the index. A flow that answers an actor demands an
//! [`Access`](crate::security::Access), returns typed answers that have passed
//! the masking gate, and commits the audit row with its answer. (An export
//! gives ids alone; its audit row comes from the command line.)

mod accept_held;
mod acknowledge_changes;
mod active_model;
mod assert_records;
mod audit_refusal;
mod authenticate;
mod by_human;
mod catch_up_index;
mod changed_fields;
mod compare_models;
mod cpu_pool;
mod decide_task;
mod deliver_events;
mod dispute_value;
mod erase_records;
mod evidence_pack;
mod export_labels;
mod export_links;
mod find_candidates;
mod find_identifier;
mod first_load;
mod follow_events;
mod golden_change;
mod household;
mod id_changes;
mod if_match;
mod known_pairs;
mod list_tasks;
mod live_numbers;
mod made_up_people;
mod manage_accounts;
mod manage_sources;
mod manage_webhooks;
mod match_person;
mod merge_limit;
mod merge_made_up;
mod merge_persons;
mod merge_source_records;
mod model_gates;
mod model_life;
#[cfg(test)]
mod model_tests;
mod moments;
mod move_record;
mod name_record;
mod named_twice;
mod note_refusal;
mod prepare;
mod read_audit;
mod ready;
mod register_batch;
mod register_record;
mod rekey_ledger;
mod release_source;
mod rerun_model;
mod restate_record;
mod review_task;
mod sample_pairs;
mod seal_audit;
mod seal_persons;
mod search_persons;
mod shadow_model;
mod sign_in;
mod sign_in_elsewhere;
mod standard_values;
mod subject_access;
mod surroundings;
mod team_work;
mod undo_decisions;
mod view_cohesion;
mod view_golden;
mod view_history;
mod view_identity;
mod view_person;
mod view_record;
mod view_scorecard;
mod view_task;
mod watch_ledger;
mod weigh_ledger;
mod withdraw_record;
mod would_change;
mod write_together;

use std::sync::Arc;

use crate::foundation::{Chance, Clock, hex};
use crate::identity::{NumberStatus, StandardDate, StandardiseOptions};
use crate::index::{CandidateIndex, IndexError};
use crate::matching::LinkageModel;
use crate::registry::{MergeRefusal, Survivorship};
use crate::review::{ReviewRefusal, ReviewRules};
use crate::security::{Actor, ActorKind, Denied, OutwardPolicy};
use crate::storage::{Store, StoreError};

pub use crate::storage::{
    ActivationKind, AuditRow, Moment, RerunState, SealedRecord, StoredActivation, StoredRerun,
    StoredSeal as SealAnswer, StoredShadow, WaitingTasks,
};
pub use acknowledge_changes::{ChaseEntry, ChaseList, acknowledge_change, chase_list};
pub use active_model::{Models, follow_models, keep_first_model, take_active_model};
pub use assert_records::{AssertionOutcome, assert_records, assertion_holds, withdraw_assertion};
pub use audit_refusal::audit_refusal;
pub use authenticate::{KnownTokens, NewToken, authenticate, create_token};
pub use by_human::Asked;
pub use catch_up_index::{FollowerOptions, catch_up, catch_up_filled, follow};
pub use compare_models::{LinkedTwice, link_twice};
pub use cpu_pool::{CpuPool, CpuPoolFigures};
pub use decide_task::{DecideCommand, DecisionAnswer, decide_task};
pub use deliver_events::{DeliveryOptions, NotTaken, Outward, OutwardMessage, deliver_webhooks};
pub use dispute_value::{DisputeAnswer, DisputeOutcome, DisputeStep, dispute_value, list_disputes};
pub use erase_records::{ErasureReceipt, erase_expired, erase_record, follow_erasures, scrub};
pub use evidence_pack::{EvidencePack, evidence_pack};
pub use export_labels::{ExportedLabel, export_labels};
pub use export_links::{ExportedLink, ExportedRecord, export_links, export_persons};
pub use find_identifier::{IdentifierAnswer, persons_with_identifier};
pub use first_load::{FirstLoad, LoadedRow};
pub use follow_events::{EventFeed, FeedEvent, follow_events};
pub use golden_change::GoldenStep;
pub use id_changes::IdChange;
pub use if_match::IfMatch;
pub use known_pairs::{deal_known_pair, mix_in_known_pair};
pub use list_tasks::{
    ListedTask, TaskFilter, TaskPage, TaskStanding, list_tasks, place_of_task, standing_of,
};
pub use manage_accounts::{
    AccountAnswer, add_account, disable_account, list_accounts, set_password,
};
pub use manage_sources::{add_source, ensure_source, list_sources};
pub use manage_webhooks::{
    DeadLetterAnswer, NewWebhook, WebhookAnswer, add_webhook, list_dead_letters, list_webhooks,
    redeliver, remove_webhook,
};
pub use match_person::{Incomplete, MatchAnswer, MatchCandidate, match_person};
pub use merge_persons::{
    DeviationEntry, DeviationWord, MergeHappening, MergeOutcome, MergeStep, MergeView, UndoOutcome,
    merge_persons, undo_merge, view_merge,
};
pub use merge_source_records::merge_source_records;
pub use model_gates::{GateBounds, PassedGates, pass_gates};
pub use model_life::{
    BroughtModel, ModelAnswer, NamedPerson, WholeModel, activate_model, add_model, list_models,
    model_texts, roll_back_model, view_model,
};
pub use move_record::{MoveOutcome, move_record};
pub use name_record::{name_of_record, named_record};
pub use named_twice::named_twice;
pub use note_refusal::note_refusal;
pub use read_audit::{AuditQuestion, AuditTrail, read_audit};
pub use register_batch::register_batch;
pub use register_record::{RegisterCommand, register_record};
pub use rekey_ledger::{keys_fit, rekey};
pub use release_source::{
    DecidedDeferred, SourceQuarantine, decide_deferred, follow_releases, list_quarantines,
    release_source,
};
pub use rerun_model::{
    RerunPage, begin_rerun, follow_reruns, pause_rerun, rerun_page, rerun_standing,
};
pub use restate_record::{RestateCommand, is_merged_away, merged_into, restate_record, say_merged};
pub use review_task::{claim_task, comment_task, release_task};
pub use sample_pairs::{PairToRead, pairs_to_read};
pub use seal_audit::seal_audit_each_second;
pub use seal_persons::{SealSide, lift_seal, list_seals, seal_persons};
pub use search_persons::{FoundPerson, SearchAnswer, SearchGap, search_persons};
pub use shadow_model::{
    ShadowCount, ShadowOutcome, ShadowReport, ShadowSample, begin_shadow, end_shadow,
    follow_shadow, shadow_report, shadow_some,
};
pub use sign_in::{
    Visit, change_password, confirm_visit, set_purpose, sign_in, sign_out, sign_out_everywhere,
    visit,
};
pub use sign_in_elsewhere::{
    LoggedOut, Vouched, confirm_vouched, end_vouched_sessions, sign_in_vouched,
};
pub use standard_values::standard_values;
pub use subject_access::{SubjectAccess, SubjectEntry, SubjectRecord, subject_access};
pub use surroundings::{Around, Neighbour, NeighboursKnown, Surroundings, surroundings};
pub use team_work::{TeamWork, assign_task, colleagues, readers_agree, team_work};
pub use undo_decisions::{UndoneDecision, UndoneDecisions, undo_decisions};
pub use view_cohesion::{Cohesion, Tie, view_cohesion};
pub use view_golden::{GoldenAnswer, prefer, stop_preferring, view_golden};
pub use view_history::{HistoryAnswer, HistoryEntry, HistoryPart, view_history};
pub use view_identity::{IdentityAnswer, view_identity};
pub use view_person::{PersonAnswer, PersonRecord, PersonStanding, view_person};
pub use view_record::{
    CrossReference, RecordAnswer, RecordLink, VersionAnswer, Wanted, cross_reference, view_record,
};
pub use view_scorecard::{FaultyRecord, SourceCard, faulty_records, view_scorecard};
pub use view_task::{
    ShownRead, Side, SideRecord, TaskAnswer, TaskEntry, reasons_of_task, view_task,
};
pub use watch_ledger::{Standing, keep_counts, standing, store_figures, watch_ledger};
pub use weigh_ledger::{LedgerWeights, LinkTally, NearThreshold, weigh_ledger};
pub use withdraw_record::{withdraw_record, withdraw_record_as_of};
pub use would_change::{
    Becomes, NamedLocal, PersonStep, RecordStep, TaskStep, TaskStepKind, Told, WouldChange,
};
pub use write_together::{NotWritten, WriteStep, Wrote, write_together};

/// What every flow works with.
#[derive(Clone)]
pub struct Context {
    /// The ledger.
    pub store: Store,
    /// The candidate index, which may lag.
    pub index: CandidateIndex,
    /// The model that decides what is done with this context.
    pub model: Arc<LinkageModel>,
    /// The model that is active at present, and those before it.
    pub models: Arc<Models>,
    /// Which value a golden record shows.
    pub survivorship: Arc<Survivorship>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Chance for ids.
    pub chance: Arc<dyn Chance>,
    /// Threads that compute.
    pub pool: CpuPool,
    /// Persons that one human may join in an hour.
    pub merges_per_hour: u32,
    /// When questions are due, and how many known pairs are mixed in.
    pub review: Arc<ReviewRules>,
    /// Where messages to readers may go.
    pub outward: Arc<OutwardPolicy>,
}

impl Context {
    /// An id for a request that brings none.
    #[must_use]
    pub fn new_request_id(&self) -> String {
        let mut random = [0_u8; 8];
        self.chance.fill(&mut random);
        hex(&random)
    }

    /// Whether the account is a system whose sources are all trusted to act for a
    /// person. A person acts for nobody else: that would be a second pair of eyes of
    /// their own (R114).
    ///
    /// # Errors
    /// A fault of ours.
    pub async fn trusts_on_behalf(&self, actor: &Actor) -> Result<bool, FlowError> {
        if actor.kind == ActorKind::Person || actor.sources.is_empty() {
            return Ok(false);
        }
        let sources = self.store.list_sources().await?;
        Ok(actor.sources.iter().all(|name| {
            sources
                .iter()
                .any(|source| source.code.as_str() == name && source.acts_for_people)
        }))
    }

    fn today(&self) -> StandardDate {
        let (year, month, day) = self.clock.now().date();
        i16::try_from(year)
            .ok()
            .and_then(|year| StandardDate::from_parts(year, Some(month), Some(day)))
            .expect("invariant: the clock's day is a calendar day")
    }

    fn standardise_options(&self, number_status_default: NumberStatus) -> StandardiseOptions {
        StandardiseOptions {
            profile: self.model.profile(),
            number_status_default,
            today: self.today(),
            test_numbers_are_real: !self.store.is_live(),
            first_of_january_is_default: false,
        }
    }
}

/// Why a flow gives no answer. All texts are safe to show.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The policy says no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Unknown, or not visible to this actor.
    #[error("{0}")]
    NotFound(&'static str),
    /// A value breaks a rule.
    #[error("{detail}")]
    Unprocessable {
        /// The member of the body.
        member: &'static str,
        /// The rule, by its number or in words.
        rule: &'static str,
        /// What to do.
        detail: String,
    },
    /// The request cannot be read.
    #[error("{detail}")]
    Malformed {
        /// The member or parameter.
        member: &'static str,
        /// The rule, in words.
        rule: &'static str,
        /// What to do.
        detail: &'static str,
    },
    /// The request contradicts what is known.
    #[error("{0}")]
    Conflict(&'static str),
    /// The idempotency key stands for something else.
    #[error("this Idempotency-Key was used with other content")]
    OtherContent,
    /// A human's joining or parting that the rules forbid.
    #[error(transparent)]
    Refused(MergeRefusal),
    /// The human has done it too often for now.
    #[error("{0}")]
    TooMany(&'static str),
    /// A step with a question that may not be taken.
    #[error(transparent)]
    Review(#[from] ReviewRefusal),
    /// `If-Match` names another version, or any version of an unknown record.
    #[error("it is not at a version that If-Match names; read it again")]
    Stale,
    /// The work was stopped or broke off; nothing was changed by it.
    #[error("the work was stopped before it was done; send it again")]
    Stopped,
    /// Too much waits already; nothing was begun.
    #[error("too much waits to be done; send the same request again in a moment")]
    Busy,
    /// The work broke off by a fault in the program; nothing was changed by it.
    #[error("the work broke off inside")]
    Broken,
    /// The ledger cannot answer.
    #[error("the ledger cannot answer now")]
    Store(#[source] StoreError),
    /// The index cannot answer: an error, never an empty result (R122).
    #[error("the candidate index cannot answer now")]
    Index(#[from] IndexError),
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy | StoreError::Filling => Self::Busy,
            StoreError::Panicked => Self::Broken,
            StoreError::Changed => Self::Stale,
            other => Self::Store(other),
        }
    }
}
