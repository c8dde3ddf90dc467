//! The fields of a record as people compare them, each as it was sent and as it
//! is standardised.

use crate::flows::{Context, standard_values};
use crate::identity::{
    PostalAddress, StandardRecord, SubmittedAddress, SubmittedName, SubmittedRecord,
};
use crate::interfaces::web::words;

/// A row of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    NhsNumber,
    Name,
    OtherNames,
    BirthDate,
    Sex,
    Address,
    Phone,
    Email,
    GpPractice,
    Identifier,
    BirthOrder,
    Mother,
    Death,
}

pub(super) const ROWS: [Row; 13] = [
    Row::NhsNumber,
    Row::Name,
    Row::OtherNames,
    Row::BirthDate,
    Row::Sex,
    Row::Address,
    Row::Phone,
    Row::Email,
    Row::GpPractice,
    Row::Identifier,
    Row::BirthOrder,
    Row::Mother,
    Row::Death,
];

impl Row {
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS number",
            Self::Name => "Name",
            Self::OtherNames => "Earlier and other names",
            Self::BirthDate => "Birth date",
            Self::Sex => "Sex",
            Self::Address => "Address",
            Self::Phone => "Telephone",
            Self::Email => "Email",
            Self::GpPractice => "GP practice",
            Self::Identifier => "Other identifiers",
            Self::BirthOrder => "Order in a multiple birth",
            Self::Mother => "Mother",
            Self::Death => "Death",
        }
    }

    /// Whether it tells where somebody lives or can be reached.
    pub(super) const fn is_location(self) -> bool {
        matches!(
            self,
            Self::Address | Self::Phone | Self::Email | Self::GpPractice
        )
    }
}

/// A value of a field.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value {
    /// As it was sent.
    pub(super) sent: String,
    /// What was said beside it: a status, a use, a span of time.
    pub(super) note: String,
    /// Only this value, to be standardised.
    alone: SubmittedRecord,
}

/// All values that a record has in a row.
pub(super) fn values(row: Row, record: &SubmittedRecord) -> Vec<Value> {
    let empty = SubmittedRecord::default;
    match row {
        Row::NhsNumber => number(record),
        Row::Name => {
            let name = SubmittedName {
                given_names: record.given_names.clone(),
                family_name: record.family_name.clone(),
                name_use: None,
            };
            let title = record.title.as_deref().map(str::trim).unwrap_or_default();
            one(Some(full_name(&name)), title, named(&name))
        }
        Row::BirthDate => {
            let estimated = record.birth_date_estimated == Some(true);
            let birth_date = record.birth_date.clone();
            let alone = SubmittedRecord {
                birth_date,
                ..empty()
            };
            let note = if estimated { "estimated" } else { "" };
            one(record.birth_date.clone(), note, alone)
        }
        Row::Sex => {
            let gender = record.gender.clone();
            let birth = record.birth_sex.as_ref();
            let note = birth.map_or_else(String::new, |sex| format!("at birth: {sex}"));
            one(gender.clone(), &note, SubmittedRecord { gender, ..empty() })
        }
        Row::GpPractice => one(record.gp_practice.clone(), "", empty()),
        Row::BirthOrder => one(record.birth_order.clone(), "", empty()),
        Row::Mother => mother(record),
        Row::Death => death(record),
        Row::OtherNames | Row::Address | Row::Phone | Row::Email | Row::Identifier => {
            listed(row, record)
        }
    }
}

fn one(sent: Option<String>, note: &str, alone: SubmittedRecord) -> Vec<Value> {
    let value = sent.map(|sent| Value {
        sent,
        note: note.to_owned(),
        alone,
    });
    Vec::from_iter(value.filter(|value| !value.sent.trim().is_empty()))
}

/// Of the fields that a record may have many of.
fn listed(row: Row, record: &SubmittedRecord) -> Vec<Value> {
    let empty = SubmittedRecord::default;
    match row {
        Row::OtherNames => {
            let names = record.aliases.iter();
            let value = |name: &SubmittedName| {
                let note = name.name_use.as_deref().unwrap_or_default();
                one(Some(full_name(name)), note, named(name))
            };
            names.flat_map(value).collect()
        }
        Row::Address => {
            let value = |address: &SubmittedAddress| {
                let alone = SubmittedRecord {
                    addresses: vec![address.clone()],
                    ..empty()
                };
                one(Some(address_text(address)), &address_note(address), alone)
            };
            record.addresses.iter().flat_map(value).collect()
        }
        Row::Phone => {
            let value = |phone: &String| {
                let phones = vec![phone.clone()];
                let alone = SubmittedRecord { phones, ..empty() };
                one(Some(phone.clone()), "", alone)
            };
            record.phones.iter().flat_map(value).collect()
        }
        Row::Email => {
            let value = |email: &String| {
                let emails = vec![email.clone()];
                let alone = SubmittedRecord { emails, ..empty() };
                one(Some(email.clone()), "", alone)
            };
            record.emails.iter().flat_map(value).collect()
        }
        _ => {
            let others = record.other_identifiers.iter();
            let values = others.flat_map(|other| {
                let note = other.system.as_deref().unwrap_or("authority not said");
                one(Some(other.value.clone()), note, empty())
            });
            values.collect()
        }
    }
}

fn death(record: &SubmittedRecord) -> Vec<Value> {
    let status = record.death_status.as_deref();
    let note = match status {
        Some("1") => "informal",
        Some("2") => "formal",
        Some("U") => "taken back",
        _ => "",
    };
    let unknown = status.map(|_| "date not said".to_owned());
    let sent = record.death_date.clone().or(unknown);
    one(sent, note, SubmittedRecord::default())
}

fn number(record: &SubmittedRecord) -> Vec<Value> {
    let Some(number) = record.nhs_number.clone() else {
        return Vec::new();
    };
    let status = words::number_status(record.nhs_number_status.as_deref()).to_owned();
    let traced = record.nhs_number_traced_on.as_ref();
    let replaces = record.replaces_nhs_number.as_ref();
    let notes = [
        Some(status),
        traced.map(|day| format!("traced on {day}")),
        replaces.map(|old| format!("replaces {old}")),
    ];
    let note = notes.into_iter().flatten().collect::<Vec<_>>().join(", ");
    Vec::from([Value {
        sent: number.clone(),
        note,
        alone: SubmittedRecord {
            nhs_number: Some(number),
            nhs_number_status: record.nhs_number_status.clone(),
            ..SubmittedRecord::default()
        },
    }])
}

fn mother(record: &SubmittedRecord) -> Vec<Value> {
    let Some(mother) = &record.mother else {
        return Vec::new();
    };
    let local = match (&mother.source, &mother.local_id) {
        (Some(source), Some(local_id)) => Some(format!("{source} {local_id}")),
        _ => None,
    };
    let parts = [mother.nhs_number.clone(), local];
    let sent: Vec<String> = parts.into_iter().flatten().collect();
    Vec::from([Value {
        sent: sent.join(", "),
        note: String::new(),
        alone: SubmittedRecord::default(),
    }])
}

fn named(name: &SubmittedName) -> SubmittedRecord {
    SubmittedRecord {
        given_names: name.given_names.clone(),
        family_name: name.family_name.clone(),
        ..SubmittedRecord::default()
    }
}

/// Given names and the family name, as they were sent.
pub(super) fn full_name(name: &SubmittedName) -> String {
    let given = name.given_names.iter().map(String::as_str);
    let all = given.chain(name.family_name.as_deref());
    let words: Vec<&str> = all.map(str::trim).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The name of a record, as it was sent.
pub(super) fn name_of(record: &SubmittedRecord) -> String {
    full_name(&SubmittedName {
        given_names: record.given_names.clone(),
        family_name: record.family_name.clone(),
        name_use: None,
    })
}

/// An address in one line.
pub(super) fn address_text(address: &SubmittedAddress) -> String {
    let lines = address.lines.iter().map(String::as_str);
    let all = lines
        .chain(address.town.as_deref())
        .chain(address.postcode.as_deref());
    let parts: Vec<&str> = all.map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn address_note(address: &SubmittedAddress) -> String {
    let mut note: Vec<String> = Vec::new();
    note.extend(address.address_use.clone());
    if address.from.is_some() || address.to.is_some() {
        let day = |day: &Option<String>| day.clone().unwrap_or_else(|| "…".to_owned());
        note.push(format!("{} to {}", day(&address.from), day(&address.to)));
    }
    note.extend(address.uprn.as_ref().map(|uprn| format!("UPRN {uprn}")));
    note.join(", ")
}

/// The value as it is compared, and what was found in it; nothing where it is
/// compared as it stands, or not at all.
pub(super) fn standard(
    context: &Context,
    row: Row,
    value: &Value,
) -> (Option<String>, Vec<String>) {
    let (record, findings) = standard_values(context, &value.alone);
    let of = |finding: crate::identity::Finding| finding.sentence;
    let findings = findings.into_iter().map(of).collect();
    (text(row, &record), findings)
}

fn text(row: Row, record: &StandardRecord) -> Option<String> {
    match row {
        Row::NhsNumber => record.nhs_number.map(|claim| claim.number.digits()),
        Row::Name | Row::OtherNames => record.usual_name().map(|name| {
            let given = name.given.iter().map(|token| token.as_str());
            let family = name.family.iter().flat_map(|family| &family.parts);
            let all = given.chain(family.map(|token| token.as_str()));
            all.collect::<Vec<_>>().join(" ")
        }),
        Row::BirthDate => record.birth_date.map(|birth| birth.date.to_iso()),
        Row::Sex => record.gender.map(|sex| format!("{sex:?}").to_lowercase()),
        Row::Address => record.addresses.first().map(standard_address),
        Row::Phone => record.phones.first().map(|phone| phone.as_str().to_owned()),
        Row::Email => record.emails.first().map(|email| email.as_str().to_owned()),
        Row::GpPractice | Row::Identifier | Row::BirthOrder | Row::Mother | Row::Death => None,
    }
}

fn standard_address(address: &PostalAddress) -> String {
    let number = address.number.as_ref().map(|number| {
        let suffix = number.suffix.map(String::from).unwrap_or_default();
        if number.to == number.from {
            format!("{}{suffix}", number.from)
        } else {
            format!("{}–{}{suffix}", number.from, number.to)
        }
    });
    let flat = address.flat.as_deref().map(|flat| format!("flat {flat}"));
    let street = address.street.iter().map(|word| word.to_string());
    let town = address.town.as_deref().map(str::to_owned);
    let postcode = address.postcode.as_ref().map(|postcode| postcode.text());
    let all = flat
        .into_iter()
        .chain(number)
        .chain(street)
        .chain(town)
        .chain(postcode);
    all.collect::<Vec<_>>().join(" ")
}
