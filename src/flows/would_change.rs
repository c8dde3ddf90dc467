//! What joining or parting would change, as it is told before anything happens.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::flows::by_human::Stop;
use crate::flows::golden_change::GoldenStep;
use crate::flows::{Context, FlowError, IfMatch};
use crate::foundation::{Instant, PersonId, RecordNumber, TaskId, hex};
use crate::registry::{Effects, PersonChange, RegistryEvent, RegistryState, TaskChange, TaskKind};

/// A record by its source and local id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct NamedLocal {
    /// Code of the source.
    pub source: String,
    /// The record's id there.
    pub local_id: String,
}

/// All that would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WouldChange {
    /// Records that would belong to somebody else.
    pub records: Vec<RecordStep>,
    /// Person ids that would mean something else.
    pub persons: Vec<PersonStep>,
    /// Golden values that would be others, masked as golden records are.
    pub golden: Vec<GoldenStep>,
    /// Questions that would be asked or closed.
    pub tasks: Vec<TaskStep>,
    /// Who was told an id that would mean something else, the last one first.
    pub told: Vec<Told>,
    /// Digest of what the ledger knows of the persons and of what would become of
    /// them: whoever has seen this may ask for just this (`IfMatch::Seen`).
    #[serde(skip)]
    #[schema(ignore)]
    pub seen: String,
}

/// A record that would belong to somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordStep {
    /// The record.
    #[serde(flatten)]
    pub record: NamedLocal,
    /// Whom it would leave.
    #[schema(value_type = Option<String>)]
    pub from: Option<PersonId>,
    /// To whom it would belong; null for a new person.
    #[schema(value_type = Option<String>)]
    pub to: Option<PersonId>,
}

/// A person id that would mean something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonStep {
    /// The id.
    #[schema(value_type = String)]
    pub person_id: PersonId,
    /// What it would become.
    pub becomes: Becomes,
    /// The id that would replace it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub replaced_by: Option<PersonId>,
}

/// What a person id would become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Becomes {
    /// It would stand for itself again.
    Active,
    /// It would lead to another.
    Retired,
    /// It would have no active record any more.
    Withdrawn,
}

/// A question that would be asked or closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskStep {
    /// Its id; null for one that would be asked.
    #[schema(value_type = Option<String>)]
    pub task: Option<TaskId>,
    /// What is asked.
    pub kind: Option<TaskKind>,
    /// What would become of it.
    pub change: TaskStepKind,
}

/// What would become of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStepKind {
    /// It would be asked.
    Opened,
    /// It would have more to go by.
    Updated,
    /// It would be closed.
    Closed,
}

/// A reader that was told an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Told {
    /// The id.
    #[schema(value_type = String)]
    pub person_id: PersonId,
    /// Account.
    pub reader: String,
    /// The person for whom a system asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on_behalf_of: Option<String>,
    /// How often.
    pub times: u64,
    /// First (RFC 3339).
    pub first_at: String,
    /// Last (RFC 3339).
    pub last_at: String,
}

impl WouldChange {
    /// What the events would change, but for golden values and who was told.
    pub(super) fn of(state: &RegistryState, events: &[RegistryEvent]) -> Self {
        let effects = Effects::of(state, events);
        let created =
            |person: &PersonId| effects.persons.get(person) == Some(&PersonChange::Created);
        let records = effects.records.iter().filter_map(|change| {
            Some(RecordStep {
                record: name_of(state, change.record)?,
                from: change.from,
                to: change.to.filter(|person| !created(person)),
            })
        });
        let persons = effects.persons.iter().filter_map(|(person, change)| {
            let (becomes, replaced_by) = match change {
                PersonChange::Created => return None,
                PersonChange::Restored => (Becomes::Active, None),
                PersonChange::Withdrawn => (Becomes::Withdrawn, None),
                PersonChange::Retired { replaced_by } => (Becomes::Retired, Some(*replaced_by)),
            };
            Some(PersonStep {
                person_id: *person,
                becomes,
                replaced_by,
            })
        });
        let tasks = effects.tasks.iter().map(|(task, kind, change)| TaskStep {
            task: Some(*task).filter(|_| *change != TaskChange::Opened),
            kind: *kind,
            change: match change {
                TaskChange::Opened => TaskStepKind::Opened,
                TaskChange::Updated => TaskStepKind::Updated,
                TaskChange::Closed(_) => TaskStepKind::Closed,
            },
        });
        Self {
            records: records.collect(),
            persons: persons.collect(),
            golden: Vec::new(),
            tasks: tasks.collect(),
            told: Vec::new(),
            seen: String::new(),
        }
        .sealed(state)
    }

    /// With the digest of itself and of the last change of each person in it: a value
    /// that has changed since does not show in what would happen.
    fn sealed(mut self, state: &RegistryState) -> Self {
        let named = self.records.iter().flat_map(|step| [step.from, step.to]);
        let named = named.flatten();
        let named: BTreeSet<PersonId> = named
            .chain(self.persons.iter().map(|step| step.person_id))
            .collect();
        let known = named.iter().filter_map(|person| {
            let known = state.persons.get(person)?;
            Some((person.to_string(), known.revision.0))
        });
        let known: Vec<(String, i64)> = known.collect();
        let text = serde_json::to_vec(&(&self.records, &self.persons, &self.tasks, known));
        let text = text.expect("invariant: ids and words always become JSON");
        self.seen = hex(&Sha256::digest(text));
        self
    }

    /// What would change, where it is asked for.
    ///
    /// # Errors
    /// Stale, where somebody has seen something else.
    pub(super) fn asked_for(
        dry_run: bool,
        if_match: Option<&IfMatch>,
        of: impl FnOnce() -> Self,
    ) -> Result<Option<Self>, Stop> {
        match if_match {
            Some(IfMatch::Seen(seen)) => {
                let now = of();
                if now.seen == *seen {
                    Ok(dry_run.then_some(now))
                } else {
                    Err(Stop::Stale)
                }
            }
            _ => Ok(dry_run.then(of)),
        }
    }

    /// Who was told the id since then.
    pub(super) async fn tell(
        &mut self,
        context: &Context,
        person: PersonId,
        since: Instant,
    ) -> Result<(), FlowError> {
        let told = context.store.readers_told(person, since).await?;
        self.told.extend(told.into_iter().map(|told| Told {
            person_id: told.person,
            reader: told.actor,
            on_behalf_of: told.on_behalf_of,
            times: told.times,
            first_at: told.first_at.to_string(),
            last_at: told.last_at.to_string(),
        }));
        Ok(())
    }
}

/// The name of a loaded record.
pub(super) fn name_of(state: &RegistryState, record: RecordNumber) -> Option<NamedLocal> {
    let known = state.records.get(&record)?;
    Some(NamedLocal {
        source: known.source.to_string(),
        local_id: known.local_id.to_string(),
    })
}
