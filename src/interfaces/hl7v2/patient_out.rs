//! A person as PID: what its source sent of it, where that may be shown, with the ids
//! that were asked for.

use std::collections::BTreeSet;

use crate::identity::{SubmittedAddress, SubmittedRecord};
use crate::interfaces::hl7v2::er7::{Line, Segment, components, escape};
use crate::interfaces::hl7v2::patient_in::KEPT;
use crate::interfaces::hl7v2::settings::{Authority, Settings};
use crate::registry::{LocalId, SourceCode};

/// Authorities whose ids are wanted; `None` for all.
pub(super) type Domains = Option<BTreeSet<String>>;

/// The name under which an authority is wanted.
pub(super) fn domain_of(authority: &Authority) -> String {
    authority.system()
}

/// The domain of NHS numbers.
pub(super) const NHS_DOMAIN: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// Identifiers of a person as repetitions of PID-3, those of wanted domains only.
pub(super) fn identifiers(
    settings: &Settings,
    records: &[(SourceCode, LocalId)],
    nhs_number: Option<&str>,
    wanted: &Domains,
) -> Vec<String> {
    let is_wanted = |domain: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(domain));
    let local = records.iter().filter_map(|(source, local_id)| {
        let id = escape(local_id.as_str());
        match settings.of_source(source) {
            Some(authority) => is_wanted(&domain_of(authority)).then(|| {
                let designator = authority.designator().map(escape).join("&");
                format!("{id}^^^{}^PI", designator.trim_end_matches('&'))
            }),
            None => {
                is_wanted(source.as_str()).then(|| format!("{id}^^^{}^PI", escape(source.as_str())))
            }
        }
    });
    let number = nhs_number.filter(|_| is_wanted(NHS_DOMAIN));
    let number =
        number.map(|number| format!("{}^^^NHS&2.16.840.1.113883.2.1.4.1&ISO^NH", escape(number)));
    local.chain(number).collect()
}

/// A PID segment. What was sent as PID is sent back, but for its identifiers; a record
/// that came by another door, or whose location may not be shown, is written anew.
pub(super) fn pid(
    record: &SubmittedRecord,
    identifiers: &[String],
    mothers_name: Option<&str>,
    place: usize,
) -> Line {
    let kept = record.other_columns.get(&format!("{KEPT}PID"));
    let line = match kept {
        Some(sent) => Line::of("PID", &Segment::usual(sent)).er7(2, "").er7(4, ""),
        None => written(record),
    };
    let line = line
        .er7(1, place.to_string())
        .er7(3, identifiers.join("~"))
        // A number may have been replaced since, or be in doubt: PID-3 says what stands.
        .er7(19, "")
        .er7(32, "");
    match mothers_name {
        Some(name) if !line.has(6) => line.er7(6, name),
        _ => line,
    }
}

/// A name as XPN.
pub(super) fn name(record: &SubmittedRecord) -> String {
    let given = &record.given_names;
    let first = given.first().map_or("", String::as_str);
    let further = given.get(1..).unwrap_or_default().join(" ");
    let family = record.family_name.as_deref().unwrap_or_default();
    let title = record.title.as_deref().unwrap_or_default();
    if family.is_empty() && first.is_empty() {
        return String::new();
    }
    components(&[family, first, &further, "", title, "", "L"])
}

fn written(record: &SubmittedRecord) -> Line {
    let day = |date: &Option<String>| date.as_deref().unwrap_or_default().replace('-', "");
    let gender = match record.gender.as_deref().map(str::to_lowercase).as_deref() {
        Some("male" | "m" | "1") => "M",
        Some("female" | "f" | "2") => "F",
        Some("other" | "o" | "9") => "O",
        Some(_) => "U",
        None => "",
    };
    let addresses: Vec<String> = record.addresses.iter().map(address).collect();
    let phones = record
        .phones
        .iter()
        .map(|phone| components(&[phone, "PRN", "PH"]));
    let emails = record
        .emails
        .iter()
        .map(|email| components(&["", "NET", "Internet", email]));
    let contacts: Vec<String> = phones.chain(emails).collect();
    Line::new("PID")
        .er7(5, name(record))
        .text(7, &day(&record.birth_date))
        .er7(8, gender)
        .er7(11, addresses.join("~"))
        .er7(13, contacts.join("~"))
        .text(29, &day(&record.death_date))
        .er7(30, if record.death_date.is_some() { "Y" } else { "" })
}

fn address(address: &SubmittedAddress) -> String {
    let line = |place: usize| address.lines.get(place).map_or("", String::as_str);
    let further = address.lines.get(1..).unwrap_or_default().join(", ");
    let use_ = match address.address_use.as_deref() {
        Some("home") | None => "H",
        Some("temp") => "C",
        Some("old") => "B",
        Some(_) => "M",
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    components(&[
        line(0),
        &further,
        &text(&address.town),
        "",
        &text(&address.postcode),
        "",
        use_,
    ])
}
