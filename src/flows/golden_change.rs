//! What joining or parting would change of golden records: the values before and
//! after, for a dry run. They are made from the same records by the same rules as
//! the golden record itself, and masked in the same way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::made_up_people::MadeUp;
use crate::flows::moments::{Known, known_person};
use crate::flows::view_golden::make;
use crate::flows::would_change::{Becomes, RecordStep, WouldChange};
use crate::flows::{Context, FlowError};
use crate::foundation::{EventPosition, PersonId, RecordNumber};
use crate::identity::SubmittedRecord;
use crate::registry::{Gate, GoldenField, GoldenRecord, PersonStatus};
use crate::security::Access;
use crate::storage::{StoredMember, StoredPersonView, VersionText};

/// A value of a golden record that would be another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GoldenStep {
    /// Whose; null for a new person.
    #[schema(value_type = Option<String>)]
    pub person_id: Option<PersonId>,
    /// Which field.
    pub field: GoldenField,
    /// The value that is shown now; null where there is none, or no such person.
    pub before: Option<SubmittedRecord>,
    /// The value that would be shown; null where there would be none.
    pub after: Option<SubmittedRecord>,
}

/// Whose a record is; `None` stands for a person that does not exist yet.
type Owner = Option<PersonId>;

impl WouldChange {
    /// Adds the golden values of all persons whose records would change.
    pub(super) async fn compare_golden(
        &mut self,
        context: &Context,
        access: &Access,
    ) -> Result<(), FlowError> {
        let named = self.records.iter().flat_map(|step| [step.from, step.to]);
        let named = named.flatten();
        let named: BTreeSet<PersonId> = named
            .chain(self.persons.iter().map(|step| step.person_id))
            .collect();
        let mut known: BTreeMap<PersonId, Known> = BTreeMap::new();
        for person in named {
            let found = known_person(context, access, person, None).await?;
            known.entry(found.view.survivor()).or_insert(found);
        }
        let confused = known.values().any(|known| known.confused);
        let restricted = known.values().any(|known| known.view.restricted);
        let owned = known.values().flat_map(|known| {
            let owner = known.view.survivor();
            let members = known.view.members.iter();
            members.map(move |member| (owner, member.clone()))
        });
        let (mut before, mut after) = (Members::new(), Members::new());
        for (owner, member) in owned {
            let step = self.records.iter().find(|step| is_about(step, &member));
            let then = step.map_or(Some(owner), |step| step.to);
            after.entry(then).or_default().push(member.clone());
            before.entry(Some(owner)).or_default().push(member);
        }
        let made_up = known.values();
        let seen = Seen {
            versions: made_up
                .flat_map(|known| known.made_up.versions.clone())
                .collect(),
            context,
            gate: Gate::of(access),
            confused,
            restricted,
        };
        let owners: BTreeSet<Owner> = before.keys().chain(after.keys()).copied().collect();
        for owner in owners {
            let now = seen.golden(owner, before.remove(&owner)).await?;
            let then = seen.golden(owner, after.remove(&owner)).await?;
            // An id that leads on has no golden record of its own to be compared.
            let leads_on = self
                .persons
                .iter()
                .any(|step| Some(step.person_id) == owner && step.becomes == Becomes::Retired);
            if !leads_on {
                self.golden.extend(differences(owner, &now, &then));
            }
        }
        Ok(())
    }
}

type Members = BTreeMap<Owner, Vec<StoredMember>>;

fn is_about(step: &RecordStep, member: &StoredMember) -> bool {
    step.record.source == member.state.source.as_str()
        && step.record.local_id == member.state.local_id.as_str()
}

/// How golden records are read here.
struct Seen<'c> {
    context: &'c Context,
    /// Of made-up people, whom the store does not know.
    versions: BTreeMap<(RecordNumber, u32), VersionText>,
    gate: Gate,
    confused: bool,
    restricted: bool,
}

impl Seen<'_> {
    /// Of these records, as if they were all that the person has.
    async fn golden(
        &self,
        owner: Owner,
        members: Option<Vec<StoredMember>>,
    ) -> Result<GoldenRecord, FlowError> {
        let Some(members) = members else {
            return Ok(GoldenRecord::default());
        };
        // Nobody prefers a value for somebody who does not exist yet.
        let (now, chance) = (self.context.clock.now(), self.context.chance.as_ref());
        let requested = owner.unwrap_or_else(|| PersonId::new(now, chance));
        let known = Known {
            made_up: MadeUp {
                versions: self.versions.clone(),
                history: Vec::new(),
            },
            view: StoredPersonView {
                requested,
                status: PersonStatus::Active,
                chain: Vec::new(),
                revision: EventPosition(0),
                members,
                tasks: Vec::new(),
                restricted: self.restricted,
            },
            possible: Vec::new(),
            questions: Vec::new(),
            disputes: Vec::new(),
            confused: self.confused,
        };
        let golden = make(self.context, self.gate, &known, None).await?;
        Ok(self.gate.golden(golden, self.restricted))
    }
}

fn differences(owner: Owner, now: &GoldenRecord, then: &GoldenRecord) -> Vec<GoldenStep> {
    let value = |golden: &GoldenRecord, field: GoldenField| {
        let mut values = golden.values.iter();
        let found = values.find(|value| value.field == field && value.origin.is_some());
        found.map(|value| value.value.clone())
    };
    let fields = now.values.iter().chain(&then.values);
    let fields: BTreeSet<GoldenField> = fields.map(|value| value.field).collect();
    let steps = fields.into_iter().map(|field| GoldenStep {
        person_id: owner,
        field,
        before: value(now, field),
        after: value(then, field),
    });
    steps.filter(|step| step.before != step.after).collect()
}
