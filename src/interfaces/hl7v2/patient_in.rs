//! PID, PD1 and NK1 as a record of ours, by the conventions of the United Kingdom.
//! Segments that say who somebody is are kept whole beside it, Z segments too;
//! clinical ones (PV1, AL1, DG1, OBX, …) are not: this is no place for them.

use std::collections::BTreeMap;

use crate::identity::{
    NhsNumber, SubmittedAddress, SubmittedAssociatedPerson, SubmittedIdentifier, SubmittedMother,
    SubmittedName, SubmittedRecord,
};
use crate::interfaces::hl7v2::er7::{Message, Part, Segment};
use crate::interfaces::hl7v2::fault::{Code, Fault, Place};
use crate::interfaces::hl7v2::settings::{NamedAuthority, Sender, Settings};
use crate::interfaces::hl7v2::time_stamp::TimeStamp;
use crate::registry::LocalId;

/// Begins the names of the columns that keep what was sent.
pub(super) const KEPT: &str = "hl7:";

/// OID and URI of the NHS number.
const NHS_NUMBER: [&str; 2] = [
    "2.16.840.1.113883.2.1.4.1",
    "https://fhir.nhs.uk/Id/nhs-number",
];

/// A patient as a message names it.
pub(super) struct NamedPatient {
    /// Its id at the sender's source.
    pub(super) local_id: LocalId,
    /// What the message says of it.
    pub(super) record: SubmittedRecord,
}

/// The segments about one patient: PID and what follows it, up to the next PID or MRG.
pub(super) struct PatientGroup<'m> {
    pub(super) pid: Segment<'m>,
    pub(super) merged: Option<Segment<'m>>,
    others: Vec<Segment<'m>>,
}

impl<'m> PatientGroup<'m> {
    /// All patients of a message, in order.
    pub(super) fn all(message: &Message<'m>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for segment in message.segments() {
            match (segment.name(), groups.last_mut()) {
                ("PID", _) => groups.push(Self {
                    pid: segment,
                    merged: None,
                    others: Vec::new(),
                }),
                ("MRG", Some(group)) => group.merged = Some(segment),
                (_, Some(group)) => group.others.push(segment),
                (_, None) => {}
            }
        }
        groups
    }

    fn all_of(&self, name: &'m str) -> impl Iterator<Item = Segment<'m>> + '_ {
        self.others
            .iter()
            .copied()
            .filter(move |it| it.name() == name)
    }

    /// What is kept of the message as it was sent.
    fn kept(&self) -> BTreeMap<String, String> {
        let mut kept = BTreeMap::new();
        let identifying =
            |name: &str| matches!(name, "PD1" | "NK1" | "ARV") || name.starts_with('Z');
        let others = self
            .others
            .iter()
            .filter(|segment| identifying(segment.name()));
        for segment in std::iter::once(&self.pid).chain(others) {
            let name = format!("{KEPT}{}", segment.name());
            let places = (2..).map(|place| format!("{name}.{place}"));
            let mut names = std::iter::once(name.clone()).chain(places);
            let free = names.find(|name| !kept.contains_key(name)).unwrap_or(name);
            kept.insert(free, segment.in_usual_form());
        }
        kept
    }
}

/// Reads the patient of a group; `at` is when it was so at the source.
///
/// # Errors
/// It names no id that the sender may assign.
pub(super) fn read_patient(
    group: &PatientGroup<'_>,
    settings: &Settings,
    sender: &Sender,
    at: Option<String>,
) -> Result<NamedPatient, Fault> {
    let pid = group.pid;
    let local_id = own_id(pid.field(3), Place::field("PID", 3), settings, sender)?;
    let mut record = SubmittedRecord {
        effective_at: at,
        other_columns: group.kept(),
        ..SubmittedRecord::default()
    };
    let reliability = Reliability::of(pid.field(32));
    read_identifiers(
        &mut record,
        pid,
        (settings, sender),
        &local_id,
        reliability.status.as_deref(),
    );
    read_names(&mut record, pid, &reliability);
    read_life(&mut record, pid, &reliability);
    read_contact(&mut record, pid, &reliability);
    read_others(&mut record, group, settings);
    Ok(NamedPatient { local_id, record })
}

/// The id among these that the sender's source issues.
///
/// # Errors
/// There is none: nothing, no authority, an unknown one, or somebody else's.
pub(super) fn own_id(
    field: Part<'_>,
    place: Place,
    settings: &Settings,
    sender: &Sender,
) -> Result<LocalId, Fault> {
    let mut why = Fault::error(Code::FieldMissing, place, "no patient identifier is sent");
    for (index, repetition) in field.repetitions().enumerate() {
        let place = place.within(u16::try_from(index + 1).unwrap_or(u16::MAX), 4);
        let Some(id) = repetition.text() else {
            continue;
        };
        if is_nhs_number(repetition) {
            continue;
        }
        why = match settings.authority(repetition.component(4)) {
            NamedAuthority::Known(authority)
                if authority.source.as_ref() == Some(&sender.source) =>
            {
                return LocalId::parse(&id).map_err(|problem| {
                    Fault::error(
                        Code::DataType,
                        place.within(place.repetition, 1),
                        problem.to_string(),
                    )
                });
            }
            NamedAuthority::Known(_) => Fault::forbidden(
                place,
                "this sender may not assign identifiers of this authority",
            ),
            NamedAuthority::Unknown => Fault::forbidden(
                place,
                "no authority is configured with the name in this place",
            ),
            NamedAuthority::Unsaid => Fault::error(
                Code::FieldMissing,
                place,
                "the identifier has no assigning authority",
            ),
        };
    }
    Err(why)
}

/// PID-32, as senders here use it.
struct Reliability {
    /// `NSTS01` to `NSTS08`: the status of the NHS number.
    status: Option<String>,
    /// `AL`: the name is an alias.
    alias: bool,
    /// `UD`: a made-up birth date.
    birth_date_unknown: bool,
    /// `ED`: an estimated one.
    birth_date_estimated: bool,
    /// `UA`: a made-up address.
    address_unknown: bool,
}

impl Reliability {
    fn of(field: Part<'_>) -> Self {
        let codes: Vec<String> = field.repetitions().filter_map(Part::text).collect();
        let has = |code: &str| codes.iter().any(|it| it.eq_ignore_ascii_case(code));
        let status = codes.iter().find_map(|code| {
            let upper = code.to_uppercase();
            upper.strip_prefix("NSTS").map(str::to_owned)
        });
        Self {
            status,
            alias: has("AL"),
            birth_date_unknown: has("UD"),
            birth_date_estimated: has("ED"),
            address_unknown: has("UA"),
        }
    }
}

/// Whether a CX is an NHS number: by its type, or by its authority.
fn is_nhs_number(identifier: Part<'_>) -> bool {
    let kind = identifier.component(5).as_sent().to_uppercase();
    let authority = identifier.component(4);
    let universal = authority.subcomponent(2).text().unwrap_or_default();
    let universal = universal.trim_start_matches("urn:oid:");
    let of_nhs = NHS_NUMBER
        .iter()
        .any(|name| name.eq_ignore_ascii_case(universal));
    let namespace = authority.subcomponent(1).text().unwrap_or_default();
    kind == "NH"
        || kind.starts_with("NH{")
        || of_nhs
        || (kind.is_empty() && matches!(namespace.to_uppercase().as_str(), "NHS" | "NHSNBR" | "NH"))
}

/// `NH{status:01}`: the status of a number beside its type.
fn inline_status(identifier: Part<'_>) -> Option<String> {
    let kind = identifier.component(5).as_sent().to_lowercase();
    let (_, status) = kind.split_once("{status:")?;
    Some(status.trim_end_matches('}').trim().to_owned())
}

fn read_identifiers(
    record: &mut SubmittedRecord,
    pid: Segment<'_>,
    (settings, sender): (&Settings, &Sender),
    local_id: &LocalId,
    status: Option<&str>,
) {
    let sent = [2, 3, 4, 19].map(|number| pid.field(number));
    for identifier in sent.into_iter().flat_map(Part::repetitions) {
        let Some(value) = identifier.text() else {
            continue;
        };
        if is_nhs_number(identifier) {
            if record.nhs_number.is_none() {
                record.nhs_number = Some(value);
                record.nhs_number_status = inline_status(identifier).or(status.map(str::to_owned));
            } else if record.nhs_number.as_deref() != Some(&value) {
                let system = Some("nhs-number-further".to_owned());
                record
                    .other_identifiers
                    .push(SubmittedIdentifier { system, value });
            }
            continue;
        }
        let system = match settings.authority(identifier.component(4)) {
            NamedAuthority::Known(authority) => {
                let own = authority.source.as_ref() == Some(&sender.source);
                if own && value == local_id.as_str() && !authority.quoted {
                    continue;
                }
                authority.system()
            }
            NamedAuthority::Unknown => identifier.component(4).as_sent().to_owned(),
            NamedAuthority::Unsaid => continue,
        };
        let identifier = SubmittedIdentifier {
            system: Some(system),
            value,
        };
        if !record.other_identifiers.contains(&identifier) {
            record.other_identifiers.push(identifier);
        }
    }
    // Before PID-3 could hold many, the number stood in PID-19 by itself.
    let lone = pid.field(19);
    if record.nhs_number.is_none()
        && lone.component(4).is_empty()
        && let Some(text) = lone.text().filter(|text| NhsNumber::parse(text).is_ok())
    {
        record.nhs_number = Some(text);
        record.nhs_number_status = status.map(str::to_owned);
    }
    if record.nhs_number.is_none() {
        record.nhs_number_status = status.map(str::to_owned);
    }
}

fn name(part: Part<'_>) -> (Option<String>, Vec<String>, Option<String>) {
    let family = part.component(1).text();
    let given = [2, 3].map(|number| part.component(number).text());
    (
        family,
        given.into_iter().flatten().collect(),
        part.component(5).text(),
    )
}

fn read_names(record: &mut SubmittedRecord, pid: Segment<'_>, reliability: &Reliability) {
    let alias = |part: Part<'_>, name_use: &str| {
        let (family_name, given_names, _) = name(part);
        SubmittedName {
            given_names,
            family_name,
            name_use: Some(name_use.to_owned()),
        }
    };
    let mut named = false;
    for part in pid.field(5).repetitions() {
        let name_use = match part.component(7).as_sent() {
            "A" | "P" | "S" | "T" => Some("alias"),
            "M" | "B" => Some("maiden"),
            "N" => Some("nickname"),
            _ if named || reliability.alias => Some("alias"),
            _ => None,
        };
        if let Some(name_use) = name_use {
            record.aliases.push(alias(part, name_use));
            continue;
        }
        named = true;
        let (family_name, given_names, title) = name(part);
        record.family_name = family_name;
        record.given_names = given_names;
        record.title = title;
    }
    let also = pid.field(9).repetitions().map(|part| alias(part, "alias"));
    record.aliases.extend(also);
    let blank = |name: &SubmittedName| name.family_name.is_none() && name.given_names.is_empty();
    record.aliases.retain(|name| !blank(name));
}

/// A date as far as it was said; what is none as it was sent, to become a finding.
fn date(part: Part<'_>) -> Option<String> {
    let text = part.text()?;
    Some(TimeStamp::parse(&text).map_or(text, TimeStamp::date))
}

fn read_life(record: &mut SubmittedRecord, pid: Segment<'_>, reliability: &Reliability) {
    if !reliability.birth_date_unknown {
        record.birth_date = date(pid.field(7));
        record.birth_date_estimated = reliability.birth_date_estimated.then_some(true);
    }
    record.gender = pid.field(8).text();
    record.birth_order = pid.field(25).text();
    record.death_date = date(pid.field(29));
    let dead = pid
        .field(30)
        .text()
        .is_some_and(|it| it.eq_ignore_ascii_case("Y"));
    if dead || record.death_date.is_some() {
        // A hospital's word; the formal notice comes from the registrar.
        record.death_status = Some("1".to_owned());
    }
}

fn read_contact(record: &mut SubmittedRecord, pid: Segment<'_>, reliability: &Reliability) {
    if !reliability.address_unknown {
        record.addresses = pid.field(11).repetitions().map(address).collect();
        record
            .addresses
            .retain(|it| !it.lines.is_empty() || it.postcode.is_some());
    }
    // PID-14 is where the person works: others answer there. It is kept as sent.
    let contacts = [13, 40].map(|number| pid.field(number));
    for contact in contacts.into_iter().flat_map(Part::repetitions) {
        let kind = contact.component(3).as_sent();
        let electronic =
            contact.component(2).as_sent() == "NET" || kind == "Internet" || kind == "X.400";
        if electronic {
            let address = contact.component(4).text().or_else(|| contact.text());
            record.emails.extend(address);
        } else {
            record.phones.extend(phone(contact));
        }
    }
}

fn address(part: Part<'_>) -> SubmittedAddress {
    let lines = [1, 2, 4].map(|number| part.component(number).text());
    let address_use = match part.component(7).as_sent() {
        "H" | "P" | "L" | "" => "home",
        "C" | "V" => "temp",
        "B" | "BA" | "BDL" | "BR" | "RH" | "F" => "old",
        _ => "billing",
    };
    let period = part.component(12);
    let day = |start: usize, alone: usize| {
        let within = period.subcomponent(start).text();
        let text = part.component(alone).text().or(within)?;
        TimeStamp::parse(&text).map(TimeStamp::date)
    };
    SubmittedAddress {
        address_use: Some(address_use.to_owned()),
        lines: lines.into_iter().flatten().collect(),
        town: part.component(3).text(),
        postcode: part.component(5).text(),
        uprn: None,
        from: day(1, 13),
        to: day(2, 14),
    }
}

fn phone(contact: Part<'_>) -> Option<String> {
    let whole = contact.text().or_else(|| contact.component(12).text());
    whole.or_else(|| {
        let parts = [6, 7].map(|number| contact.component(number).text());
        let digits: String = parts.into_iter().flatten().collect();
        (!digits.is_empty()).then_some(digits)
    })
}

fn read_others(record: &mut SubmittedRecord, group: &PatientGroup<'_>, settings: &Settings) {
    record.mother = mother(group.pid.field(21), settings);
    for relative in group.all_of("NK1") {
        let relationship = relative.field(3);
        let words = relationship
            .component(2)
            .text()
            .or_else(|| relationship.text());
        let (family, given, _) = name(relative.field(2));
        let full: Vec<String> = given.into_iter().chain(family).collect();
        let associated = SubmittedAssociatedPerson {
            relationship: words,
            name: (!full.is_empty()).then(|| full.join(" ")),
            phone: relative.field(5).repetitions().find_map(phone),
        };
        if associated != SubmittedAssociatedPerson::default() {
            record.associated_persons.push(associated);
        }
        let is_mother = relationship.text().is_some_and(|code| code == "MTH");
        if is_mother && record.mother.is_none() {
            record.mother = mother(relative.field(33), settings);
        }
    }
    if let Some(further) = group.all_of("PD1").next() {
        let practice = further.field(3);
        let code = practice
            .component(3)
            .text()
            .or_else(|| practice.component(10).text());
        record.gp_practice = code.or_else(|| further.field(4).component(1).text());
        let protected = further.field(12).text();
        record.restricted = protected
            .filter(|it| it.eq_ignore_ascii_case("Y"))
            .map(|_| true);
    }
}

/// The mother's record, by a CX that names it.
fn mother(field: Part<'_>, settings: &Settings) -> Option<SubmittedMother> {
    let mut mother = SubmittedMother::default();
    for identifier in field.repetitions() {
        let Some(value) = identifier.text() else {
            continue;
        };
        if is_nhs_number(identifier) {
            mother.nhs_number = Some(value);
        } else if let NamedAuthority::Known(authority) = settings.authority(identifier.component(4))
            && let Some(source) = &authority.source
        {
            mother.source = Some(source.to_string());
            mother.local_id = Some(value);
        }
    }
    (mother != SubmittedMother::default()).then_some(mother)
}
