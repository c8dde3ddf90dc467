//! What a record says, as members of a Patient. Used for what did not come as FHIR, for
//! what is masked, and for persons.

use serde_json::{Map, Value, json};

use crate::identity::{SubmittedAddress, SubmittedAssociatedPerson, SubmittedRecord};
use crate::interfaces::fhir::systems::{
    ADDRESS_KEY, ADDRESS_KEY_CODES, BIRTH_SEX, BIRTH_SEX_CODES, DEATH_STATUS, DEATH_STATUS_CODES,
    NHS_NUMBER, NUMBER_STATUS, NUMBER_STATUS_CODES, ODS_CODE,
};

/// The genders that FHIR knows.
const GENDERS: [&str; 4] = ["male", "female", "other", "unknown"];

/// A Patient on its way.
pub(super) type Members = Map<String, Value>;

/// All that a record says; identifiers beside its own local id among it.
pub(super) fn members_of(record: &SubmittedRecord) -> Members {
    let mut members = Map::new();
    list(&mut members, "identifier", identifiers(record));
    list(&mut members, "name", names(record));
    list(&mut members, "telecom", telecom(record));
    gender(&mut members, record.gender.as_deref());
    if let Some(date) = &record.birth_date {
        members.insert("birthDate".to_owned(), json!(date));
    }
    list(
        &mut members,
        "address",
        record.addresses.iter().map(address).collect(),
    );
    death(&mut members, record);
    let order = record
        .birth_order
        .as_deref()
        .and_then(|order| order.parse::<u32>().ok());
    if let Some(order) = order.filter(|order| *order < 8) {
        members.insert("multipleBirthInteger".to_owned(), json!(order));
    }
    if let Some(practice) = &record.gp_practice {
        let identifier = json!({"system": ODS_CODE, "value": practice});
        let practice = json!([{"type": "Organization", "identifier": identifier}]);
        members.insert("generalPractitioner".to_owned(), practice);
    }
    list(&mut members, "contact", contacts(record));
    if let Some(sex) = &record.birth_sex {
        let coding = json!({"coding": [{"system": BIRTH_SEX_CODES, "code": sex}]});
        extend(
            &mut members,
            json!({"url": BIRTH_SEX, "valueCodeableConcept": coding}),
        );
    }
    members
}

fn identifiers(record: &SubmittedRecord) -> Vec<Value> {
    let number = record.nhs_number.iter();
    let number = number.map(|number| nhs_number(number, record.nhs_number_status.as_deref()));
    let others = record.other_identifiers.iter().map(|other| {
        let mut identifier = json!({"value": other.value});
        if let Some(system) = &other.system {
            identifier["system"] = json!(system);
        }
        identifier
    });
    number.chain(others).collect()
}

/// The usual name first, then the others.
fn names(record: &SubmittedRecord) -> Vec<Value> {
    let others = record.aliases.iter().filter_map(|alias| {
        let sent = alias.name_use.as_deref().unwrap_or_default();
        let known = [
            "usual",
            "official",
            "temp",
            "nickname",
            "anonymous",
            "old",
            "maiden",
        ];
        let name_use = if known.contains(&sent) { sent } else { "old" };
        human_name(
            alias.family_name.as_deref(),
            &alias.given_names,
            None,
            name_use,
        )
    });
    name_of(record).into_iter().chain(others).collect()
}

fn contacts(record: &SubmittedRecord) -> Vec<Value> {
    let contact = |other: &SubmittedAssociatedPerson| {
        let mut contact = Map::new();
        if let Some(relationship) = &other.relationship {
            let relationship = json!([{"text": relationship}]);
            contact.insert("relationship".to_owned(), relationship);
        }
        if let Some(name) = &other.name {
            contact.insert("name".to_owned(), json!({"text": name}));
        }
        if let Some(phone) = &other.phone {
            let phone = json!([{"system": "phone", "value": phone}]);
            contact.insert("telecom".to_owned(), phone);
        }
        Value::Object(contact)
    };
    record.associated_persons.iter().map(contact).collect()
}

/// An NHS number; a person shows one at most (R27).
pub(super) fn nhs_number(number: &str, status: Option<&str>) -> Value {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let value = if digits.len() == 10 { &digits } else { number };
    let mut identifier = json!({"system": NHS_NUMBER, "value": value});
    if let Some(status) = status {
        let concept = json!({"coding": [{"system": NUMBER_STATUS_CODES, "code": status}]});
        identifier["extension"] = json!([{"url": NUMBER_STATUS, "valueCodeableConcept": concept}]);
    }
    identifier
}

pub(super) fn list(members: &mut Members, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        members.insert(name.to_owned(), Value::Array(items));
    }
}

fn extend(members: &mut Members, extension: Value) {
    let held = members
        .entry("extension".to_owned())
        .or_insert_with(|| json!([]));
    if let Value::Array(extensions) = held {
        extensions.push(extension);
    }
}

fn name_of(record: &SubmittedRecord) -> Option<Value> {
    let family = record.family_name.as_deref();
    human_name(
        family,
        &record.given_names,
        record.title.as_deref(),
        "usual",
    )
}

fn human_name(
    family: Option<&str>,
    given: &[String],
    title: Option<&str>,
    name_use: &str,
) -> Option<Value> {
    if family.is_none() && given.is_empty() && title.is_none() {
        return None;
    }
    let mut name = json!({"use": name_use});
    if let Some(family) = family {
        name["family"] = json!(family);
    }
    if !given.is_empty() {
        name["given"] = json!(given);
    }
    if let Some(title) = title {
        name["prefix"] = json!([title]);
    }
    Some(name)
}

fn telecom(record: &SubmittedRecord) -> Vec<Value> {
    let phones = record.phones.iter();
    let phones = phones.map(|value| json!({"system": "phone", "value": value}));
    let emails = record.emails.iter();
    let emails = emails.map(|value| json!({"system": "email", "value": value}));
    phones.chain(emails).collect()
}

/// FHIR has four words; what a source says otherwise stays in its own door.
fn gender(members: &mut Members, sent: Option<&str>) {
    let Some(sent) = sent else { return };
    let folded = sent.trim().to_ascii_lowercase();
    let word = match folded.as_str() {
        "1" | "m" => "male",
        "2" | "f" => "female",
        "9" | "x" | "i" => "other",
        "0" | "u" | "" => "unknown",
        other => GENDERS
            .iter()
            .find(|word| **word == other)
            .unwrap_or(&"unknown"),
    };
    members.insert("gender".to_owned(), json!(word));
}

fn address(sent: &SubmittedAddress) -> Value {
    let mut address = Map::new();
    let known = ["home", "work", "temp", "old", "billing"];
    let sent_use = sent
        .address_use
        .as_deref()
        .filter(|word| known.contains(word));
    if let Some(word) = sent_use {
        address.insert("use".to_owned(), json!(word));
    }
    if !sent.lines.is_empty() {
        address.insert("line".to_owned(), json!(sent.lines));
    }
    let mut text = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            address.insert(name.to_owned(), json!(value));
        }
    };
    text("city", &sent.town);
    text("postalCode", &sent.postcode);
    if sent.from.is_some() || sent.to.is_some() {
        let mut period = Map::new();
        period.extend(sent.from.iter().map(|day| ("start".to_owned(), json!(day))));
        period.extend(sent.to.iter().map(|day| ("end".to_owned(), json!(day))));
        address.insert("period".to_owned(), Value::Object(period));
    }
    if let Some(uprn) = &sent.uprn {
        let kind = json!({"url": "type", "valueCoding":
            {"system": ADDRESS_KEY_CODES, "code": "UPRN"}});
        let value = json!({"url": "value", "valueString": uprn});
        let key = json!([{"url": ADDRESS_KEY, "extension": [kind, value]}]);
        address.insert("extension".to_owned(), key);
    }
    Value::Object(address)
}

fn death(members: &mut Members, record: &SubmittedRecord) {
    if let Some(date) = &record.death_date {
        members.insert("deceasedDateTime".to_owned(), json!(date));
    } else if matches!(record.death_status.as_deref(), Some("1" | "2")) {
        members.insert("deceasedBoolean".to_owned(), json!(true));
    }
    if let Some(status) = &record.death_status {
        let concept = json!({"coding": [{"system": DEATH_STATUS_CODES, "code": status}]});
        let inner = json!([{"url": "deathNotificationStatus", "valueCodeableConcept": concept}]);
        extend(members, json!({"url": DEATH_STATUS, "extension": inner}));
    }
}
