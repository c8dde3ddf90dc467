//! Who lives where one of two persons lives: looked for before a duplicate is
//! confirmed, so that its household is asked about in the same commit (R94).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flows::prepare::{fetch_question, look_up};
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::foundation::limits::{HOMES_MAX, HOUSEHOLD_PERSONS_MAX};
use crate::identity::{PostalAddress, StandardRecord};
use crate::registry::{TaskState, lives_with};

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
    let mut homes = distinct(homes);
    homes.truncate(HOMES_MAX);
    let mut found = BTreeSet::new();
    for home in homes {
        let (own, asked) = (context.clone(), home.clone());
        let looked_up = context.pool.run(move || look_up(&own, &asked)).await??;
        let (found_here, _) = fetch_question(context, looked_up, None).await?;
        let persons = found_here.persons;
        let model = Arc::clone(&context.model);
        let here = persons.into_iter().filter(|person| {
            let mut members = person.members.iter();
            !person.restricted && members.any(|it| lives_with(&model, &home, &it.standard))
        });
        found.extend(here.map(|person| person.person));
    }
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

/// A record that says nothing but one address, for each that says a postcode.
fn homes_of(record: &StandardRecord) -> Vec<StandardRecord> {
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
