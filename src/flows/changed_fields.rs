//! Which fields a version changes: their names, never their values, and none that
//! the gate hides (R109, R139).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::flows::{Context, FlowError};
use crate::foundation::{PersonId, RecordNumber};
use crate::identity::SubmittedRecord;
use crate::registry::{Gate, RegistryEvent, VersionStanding};
use crate::storage::{PlacedEvent, VersionText};

/// What each update of a page changes, in words; absent after an erasure. Masked as
/// of now, unless the caller says whether it was masked then.
pub(super) async fn changes(
    context: &Context,
    gate: Gate,
    (persons, masked_then): (&[PersonId], Option<bool>),
    events: &[PlacedEvent],
) -> Result<BTreeMap<(RecordNumber, u32), String>, FlowError> {
    let updates: BTreeSet<(RecordNumber, u32)> = events
        .iter()
        .filter_map(|placed| match &placed.stored.event {
            RegistryEvent::RecordUpdated {
                record, version, ..
            } => Some((*record, *version)),
            _ => None,
        })
        .collect();
    let mut records: Vec<RecordNumber> = updates.iter().map(|(record, _)| *record).collect();
    records.dedup();
    let versions = context.store.versions_of(&records).await?;
    // Of now, also for a record that has gone to somebody else since (R111).
    let restricted = match masked_then {
        Some(masked) => masked,
        None => context.store.is_masked(persons, &records).await?,
    };
    let told = updates.into_iter().filter_map(|(record, version)| {
        let after = versions.get(&(record, version))?.submitted.clone()?;
        let before = served_before(&versions, record, version)?
            .submitted
            .clone()?;
        let masked = |submitted| gate.record(submitted, restricted);
        Some(((record, version), sentence(&masked(before), &masked(after))))
    });
    Ok(told.collect())
}

/// The version that was served when this one came.
fn served_before(
    versions: &BTreeMap<(RecordNumber, u32), VersionText>,
    record: RecordNumber,
    version: u32,
) -> Option<&VersionText> {
    let earlier = versions.range((record, 1)..(record, version));
    let mut served = earlier.filter(|(_, text)| text.standing == VersionStanding::Current);
    served.next_back().map(|(_, text)| text)
}

fn sentence(before: &SubmittedRecord, after: &SubmittedRecord) -> String {
    let (before, after) = (members(before), members(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: Vec<String> = names
        .into_iter()
        .filter(|name| *name != "effective_at" && before.get(*name) != after.get(*name))
        .map(|name| words(name))
        .collect();
    match changed.split_last() {
        None => "It changes nothing that is shown here.".to_owned(),
        Some((only, [])) => format!("It changes the {only}."),
        Some((last, others)) => format!("It changes the {} and the {last}.", others.join(", the ")),
    }
}

fn members(record: &SubmittedRecord) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// The name of a member for people.
fn words(name: &str) -> String {
    match name {
        "gp_practice" => "general practice".to_owned(),
        "birth_sex" => "sex at birth".to_owned(),
        "restricted" => "restriction of the location".to_owned(),
        "other_columns" => "columns that nobody has mapped".to_owned(),
        name => name.replace("nhs_number", "NHS number").replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::identity::SubmittedRecord;

    fn said(json: serde_json::Value) -> SubmittedRecord {
        serde_json::from_value(json).expect("a record")
    }

    #[test]
    fn a_change_is_told_by_the_names_of_fields() {
        let one = said(serde_json::json!({
            "family_name": "Jones", "nhs_number": "9990000018", "gp_practice": "A81001",
        }));
        let other = said(serde_json::json!({
            "family_name": "Ahmed", "nhs_number_status": "01", "gp_practice": "A81001",
            "nhs_number": "9990000018",
        }));
        assert_eq!(
            sentence(&one, &other),
            "It changes the family name and the NHS number status."
        );
        assert_eq!(
            sentence(&one, &one),
            "It changes nothing that is shown here."
        );
        let moved = said(serde_json::json!({"phones": ["07700 900123"], "gender": "F"}));
        assert_eq!(
            sentence(&moved, &one),
            "It changes the family name, the gender, the general practice, the NHS number and the \
             phones."
        );
    }
}
