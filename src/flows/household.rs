//! Who lives where one of two persons lives: looked for before a duplicate is
//! confirmed, so that its household is asked about in the same commit (R94).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::flows::prepare::{fetch_question, look_up_within};
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::foundation::limits::{
    HOMES_MAX, HOUSEHOLD_PERSONS_MAX, LOOK_UPS_MAX, RECORDS_PER_KEY_MAX, RECORDS_PER_RETRIEVAL_MAX,
};
use crate::identity::{PostalAddress, StandardRecord};
use crate::index::{ProbeOutcome, RetrievalBounds};
use crate::registry::{TaskState, lives_with};
use crate::storage::StoredPerson;

/// Persons at the addresses of those whom the task names, without themselves;
/// nobody whose location is restricted, on either side (R112).
pub(super) async fn residents(
    context: &Context,
    task: &TaskState,
) -> Result<Vec<PersonId>, FlowError> {
    let mut homes: Vec<StandardRecord> = Vec::new();
    for person in &task.persons {
        let Some(person) = context.store.load_person(*person).await? else {
            continue;
        };
        if person.restricted {
            return Ok(Vec::new());
        }
        let members = person
            .members
            .into_iter()
            .filter_map(|member| member.standard);
        homes.extend(members.flat_map(|member| homes_of(&member)));
    }
    let mut looked = Looked::default();
    let (found, _) = at_homes(context, &mut looked, homes).await?;
    let mut found: BTreeSet<PersonId> = found.into_keys().collect();
    found.retain(|person| !task.persons.contains(person));
    let all: Vec<PersonId> = found.iter().chain(&task.persons).copied().collect();
    let seals = context.store.seals_about(&all, &[]).await?;
    // Who objects is not there (R134).
    found.retain(|person| !seals.hide(*person));
    let all: Vec<PersonId> = found.iter().chain(&task.persons).copied().collect();
    // Who is sealed from somebody there is not asked about (R22).
    if seals.part_any(&all, &[]) {
        return Ok(Vec::new());
    }
    // A care home is no family: nothing there is a pattern.
    if found.len() > HOUSEHOLD_PERSONS_MAX {
        return Ok(Vec::new());
    }
    Ok(found.into_iter().collect())
}

/// Of an address everybody counts: how many live there says whether it is a home.
const ALL: RetrievalBounds = RetrievalBounds {
    records_per_key: RECORDS_PER_KEY_MAX,
    records_total: RECORDS_PER_RETRIEVAL_MAX,
};

/// Whoever lives at one of these homes and does not have its location restricted
/// (R112); and whether everybody was looked at who shares a key with them.
pub(super) async fn at_homes(
    context: &Context,
    looked: &mut Looked,
    homes: Vec<StandardRecord>,
) -> Result<(BTreeMap<PersonId, StoredPerson>, bool), FlowError> {
    let mut homes = distinct(homes);
    homes.truncate(HOMES_MAX);
    let (mut found, mut complete) = (BTreeMap::new(), true);
    for home in homes {
        let Some((persons, all)) = looked.sharing_keys(context, &home, ALL).await? else {
            complete = false;
            break;
        };
        complete &= all;
        let model = Arc::clone(&context.model);
        let here = persons.iter().filter(|person| {
            let mut members = person.members.iter();
            !person.restricted && members.any(|it| lives_with(&model, &home, &it.standard))
        });
        found.extend(here.map(|person| (person.person, person.clone())));
    }
    Ok((found, complete))
}

/// Who was found by which record: the sides of a question are called alike and live
/// alike, and each look-up costs a retrieval and everybody who is found.
#[derive(Default)]
pub(super) struct Looked {
    found: Vec<(StandardRecord, Sharing)>,
}

/// Whoever shares a key with a record, and whether that is everybody who does.
pub(super) type Sharing = (Arc<[StoredPerson]>, bool);

impl Looked {
    /// Whoever shares a key with this record, looked up once; `None` where too many
    /// others were looked up before.
    pub(super) async fn sharing_keys(
        &mut self,
        context: &Context,
        record: &StandardRecord,
        bounds: RetrievalBounds,
    ) -> Result<Option<Sharing>, FlowError> {
        let known = self.found.iter().find(|(asked, _)| asked == record);
        if let Some((_, sharing)) = known {
            return Ok(Some(sharing.clone()));
        }
        if self.found.len() >= LOOK_UPS_MAX {
            return Ok(None);
        }
        let (own, asked) = (context.clone(), record.clone());
        let looking = move || look_up_within(&own, &asked, &bounds);
        let looked_up = context.pool.run(looking).await??;
        let (found, probes) = fetch_question(context, looked_up, None).await?;
        let complete = probes.iter().all(ProbeOutcome::complete);
        let sharing: Sharing = (found.persons.into(), complete);
        self.found.push((record.clone(), sharing.clone()));
        Ok(Some(sharing))
    }
}

/// A record that says nothing but one address, for each that says a postcode.
pub(super) fn homes_of(record: &StandardRecord) -> Vec<StandardRecord> {
    let known = record.addresses.iter();
    let known = known.filter(|address: &&PostalAddress| address.postcode.is_some());
    known
        .map(|address| StandardRecord {
            addresses: vec![address.clone()],
            ..StandardRecord::default()
        })
        .collect()
}

fn distinct(homes: Vec<StandardRecord>) -> Vec<StandardRecord> {
    let mut distinct: Vec<StandardRecord> = Vec::new();
    for home in homes {
        if !distinct.contains(&home) {
            distinct.push(home);
        }
    }
    distinct
}
