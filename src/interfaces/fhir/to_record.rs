//! A Patient becomes what a source says of a patient. Nothing is judged here: what is
//! odd in a value is found when it is standardised.

use crate::identity::{
    SubmittedAddress, SubmittedAssociatedPerson, SubmittedIdentifier, SubmittedName,
    SubmittedRecord,
};
use crate::interfaces::fhir::systems::{
    ADDRESS_KEY, BIRTH_SEX, DEATH_STATUS, NHS_NUMBER, NUMBER_STATUS, ODS_CODE,
};
use crate::interfaces::fhir::view::{
    Address, CodeableConcept, Contact, Extension, HumanName, Identifier, PatientView, Period,
};

/// The column in which a resource is kept as it came.
pub(super) const KEPT: &str = "fhir_r4_patient";

/// Confidentiality codes whose location is withheld (R109).
const RESTRICTED: [&str; 2] = ["R", "V"];

/// What a Patient says. `own` is the place of the identifier that is the record's
/// local id, and `resource` the resource as it came.
pub(super) fn record_of(
    view: &PatientView,
    own: Option<usize>,
    resource: Option<String>,
) -> SubmittedRecord {
    let mut record = SubmittedRecord::default();
    read_identifiers(view, own, &mut record);
    read_names(view, &mut record);
    record.birth_date.clone_from(&view.birth_date);
    record.gender.clone_from(&view.gender);
    record.birth_sex = code_of(&view.extension, BIRTH_SEX);
    record.addresses = view.address.iter().map(address_of).collect();
    for point in view
        .telecom
        .iter()
        .filter(|point| !is_past(point.r#use.as_ref(), &point.period))
    {
        let Some(value) = point.value.clone() else {
            continue;
        };
        match point.system.as_deref() {
            Some("email") => record.emails.push(value),
            Some("phone" | "sms" | "fax") | None => record.phones.push(value),
            Some(_) => {}
        }
    }
    read_death(view, &mut record);
    record.birth_order = view.multiple_birth_integer.map(|order| order.to_string());
    record.gp_practice = view
        .general_practitioner
        .iter()
        .filter_map(|practice| practice.identifier.as_ref())
        .find(|identifier| identifier.system.as_deref() == Some(ODS_CODE))
        .and_then(|identifier| identifier.value.clone());
    let restricts = |code: &str| RESTRICTED.contains(&code);
    let mut labels = view
        .meta
        .security
        .iter()
        .filter_map(|label| label.code.as_deref());
    record.restricted = labels.any(restricts).then_some(true);
    record.associated_persons = view.contact.iter().map(associated).collect();
    record
        .other_columns
        .extend(resource.map(|text| (KEPT.to_owned(), text)));
    record
}

fn read_identifiers(view: &PatientView, own: Option<usize>, record: &mut SubmittedRecord) {
    for (place, identifier) in view.identifier.iter().enumerate() {
        let Some(value) = identifier.value.clone().filter(|_| own != Some(place)) else {
            continue;
        };
        let current = !is_past(identifier.r#use.as_ref(), &identifier.period);
        let is_number = identifier.system.as_deref() == Some(NHS_NUMBER);
        if is_number && current && record.nhs_number.is_none() {
            record.nhs_number = Some(value);
            record.nhs_number_status = number_status(identifier);
        } else {
            record.other_identifiers.push(SubmittedIdentifier {
                system: identifier.system.clone(),
                value,
            });
        }
    }
}

fn number_status(identifier: &Identifier) -> Option<String> {
    code_of(&identifier.extension, NUMBER_STATUS)
}

/// The code of an extension, however it is typed.
fn code_of(extensions: &[Extension], url: &str) -> Option<String> {
    let extension = extensions.iter().find(|extension| extension.url == url)?;
    let concept = extension.value_codeable_concept.as_ref();
    let coded = concept.and_then(|concept| concept.coding.iter().find_map(|it| it.code.clone()));
    coded
        .or_else(|| extension.value_coding.as_ref()?.code.clone())
        .or_else(|| extension.value_code.clone())
}

/// The name by which a person goes now stands first: whole names before parts, then
/// usual before official, and what is past last.
fn read_names(view: &PatientView, record: &mut SubmittedRecord) {
    let rank = |name: &HumanName| {
        let whole = name.family.is_some() && !words(&name.given).is_empty();
        let by_use = match name.r#use.as_deref() {
            _ if is_past(name.r#use.as_ref(), &name.period) => 5,
            Some("usual") => 0,
            Some("official") => 1,
            None => 2,
            Some("temp") => 3,
            Some("maiden") => 5,
            Some(_) => 4,
        };
        (by_use == 5, !whole, by_use)
    };
    let said = |name: &&HumanName| name.family.is_some() || !words(&name.given).is_empty();
    let mut names: Vec<&HumanName> = view.name.iter().filter(said).collect();
    names.sort_by_key(|name| rank(name));
    let mut names = names.into_iter();
    if let Some(first) = names.next() {
        record.family_name.clone_from(&first.family);
        record.given_names = words(&first.given);
        let title = words(&first.prefix).join(" ");
        record.title = Some(title).filter(|title| !title.is_empty());
    }
    record.aliases = names
        .map(|name| SubmittedName {
            given_names: words(&name.given),
            family_name: name.family.clone(),
            name_use: Some(name.r#use.clone().unwrap_or_else(|| "alias".to_owned())),
        })
        .collect();
}

fn words(texts: &[Option<String>]) -> Vec<String> {
    texts.iter().flatten().cloned().collect()
}

/// A value that was, and is no longer.
fn is_past(sent_use: Option<&String>, period: &Period) -> bool {
    sent_use.is_some_and(|sent| sent == "old") || period.end.is_some()
}

fn address_of(address: &Address) -> SubmittedAddress {
    let past = is_past(address.r#use.as_ref(), &address.period);
    let own = address.r#use.clone();
    SubmittedAddress {
        address_use: if past { Some("old".to_owned()) } else { own },
        lines: words(&address.line),
        town: address.city.clone(),
        postcode: address.postal_code.clone(),
        uprn: uprn_of(&address.extension),
        from: address.period.start.clone(),
        to: address.period.end.clone(),
    }
}

fn uprn_of(extensions: &[Extension]) -> Option<String> {
    let keys = extensions
        .iter()
        .filter(|extension| extension.url == ADDRESS_KEY);
    keys.filter(|key| code_of(&key.extension, "type").is_some_and(|kind| kind == "UPRN"))
        .find_map(|key| {
            let mut parts = key.extension.iter();
            parts.find(|part| part.url == "value")?.value_string.clone()
        })
}

fn read_death(view: &PatientView, record: &mut SubmittedRecord) {
    let day = view.deceased_date_time.as_deref();
    record.death_date = day.map(|text| text.split('T').next().unwrap_or(text).to_owned());
    let notified = view
        .extension
        .iter()
        .find(|extension| extension.url == DEATH_STATUS);
    let notified = notified.and_then(|known| {
        let inside = code_of(&known.extension, "deathNotificationStatus");
        inside.or_else(|| code_of(&view.extension, DEATH_STATUS))
    });
    // A source that only says so has been told informally.
    let said = view
        .deceased_boolean
        .filter(|dead| *dead)
        .map(|_| "1".to_owned());
    record.death_status = notified.or(said);
}

/// Kept beside the patient and never compared as the patient (R71).
fn associated(contact: &Contact) -> SubmittedAssociatedPerson {
    let name = contact.name.as_ref().map(|name| {
        name.text.clone().unwrap_or_else(|| {
            let mut parts = words(&name.given);
            parts.extend(name.family.clone());
            parts.join(" ")
        })
    });
    let phones = contact.telecom.iter();
    let mut phones = phones.filter(|point| point.system.as_deref() != Some("email"));
    SubmittedAssociatedPerson {
        relationship: contact.relationship.iter().find_map(concept_text),
        name,
        phone: phones.find_map(|point| point.value.clone()),
    }
}

fn concept_text(concept: &CodeableConcept) -> Option<String> {
    let code = || concept.coding.iter().find_map(|coding| coding.code.clone());
    let display = || {
        concept
            .coding
            .iter()
            .find_map(|coding| coding.display.clone())
    };
    concept.text.clone().or_else(display).or_else(code)
}
