//! What PDQm (ITI-78) asks beside those who are searched for: which of those found are
//! wanted, by what their Patients say, and the domains of the identifiers that are told.

use serde_json::Value;

use crate::interfaces::fhir::identifiers::{canonical, shown, source_of};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::query::Query;
use crate::interfaces::fhir::systems::{CHI_NUMBER, HEALTH_AND_CARE_NUMBER, NHS_NUMBER};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::Source;

/// Parameters that narrow, with the element of an address that they are about.
const PLACES: [(&str, &str); 3] = [
    ("address-city", "city"),
    ("address-country", "country"),
    ("address-state", "state"),
];
const MAIDEN_NAME: &str = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName";

/// All that narrows.
pub(super) const NARROWING: [&str; 5] = [
    "active",
    "address-city",
    "address-country",
    "address-state",
    "mothersMaidenName",
];

/// Whom of those found the caller wants, and what of them.
#[derive(Default)]
pub(super) struct Narrowing {
    /// Systems of the identifiers that are told; empty for all.
    domains: Vec<String>,
    active: Option<bool>,
    places: Vec<(&'static str, String)>,
    maiden_name: Option<String>,
}

/// A domain that is not known here.
pub(super) struct UnknownDomain(pub(super) String);

impl Narrowing {
    /// Reads it.
    ///
    /// # Errors
    /// A value that is none.
    pub(super) fn read(
        query: &Query,
        caller: &Caller,
        sources: &[Source],
    ) -> Result<Result<Self, UnknownDomain>, Problem> {
        let id = caller.request_id();
        let active = match query.one("active", id)? {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                let (refused, spine) = (Refused::Malformed, Spine::InvalidValue);
                let detail = "active must be true or false";
                return Err(refuse(caller, refused, spine, "active", detail));
            }
        };
        let mut places = Vec::new();
        for (parameter, element) in PLACES {
            if let Some(text) = query.one(parameter, id)? {
                places.push((element, plain(text)));
            }
        }
        let maiden_name = query.one("mothersMaidenName", id)?.map(plain);
        let mut domains = Vec::new();
        for system in wanted_domains(query) {
            let of_nation = [NHS_NUMBER, CHI_NUMBER, HEALTH_AND_CARE_NUMBER].contains(&system);
            if !of_nation && source_of(sources, system).is_none() {
                return Ok(Err(UnknownDomain(shown(system).to_owned())));
            }
            domains.push(canonical(sources, system));
        }
        Ok(Ok(Self {
            domains,
            active,
            places,
            maiden_name,
        }))
    }

    /// Whether somebody found is wanted; of their identifiers those that are wanted stay.
    pub(super) fn keeps(&self, patient: &mut Value) -> bool {
        if !self.domains.is_empty() {
            let Some(identifiers) = patient["identifier"].as_array_mut() else {
                return false;
            };
            let is_wanted = |it: &Value| {
                let system = it["system"].as_str().unwrap_or_default();
                self.domains.iter().any(|wanted| wanted == system)
            };
            identifiers.retain(is_wanted);
            if identifiers.is_empty() {
                return false;
            }
        }
        let as_active = self
            .active
            .is_none_or(|wanted| (patient["active"] != false) == wanted);
        as_active
            && self.places.iter().all(|(element, text)| {
                let addresses = patient["address"].as_array().into_iter().flatten();
                let mut said = addresses.filter_map(|address| address[*element].as_str());
                said.any(|said| plain(said).starts_with(text))
            })
            && self.maiden_name.as_ref().is_none_or(|text| {
                let extensions = patient["extension"].as_array().into_iter().flatten();
                let mut named = extensions.filter(|it| it["url"] == MAIDEN_NAME);
                named.any(|it| {
                    plain(it["valueString"].as_str().unwrap_or_default()).starts_with(text)
                })
            })
    }
}

/// Systems of `identifier` parameters that have no value: the domains of which
/// identifiers are told.
fn wanted_domains(query: &Query) -> impl Iterator<Item = &str> {
    let lists = query.all("identifier").filter(|sent| is_domains(sent));
    lists.flat_map(|sent| sent.split(',').map(|part| part.trim_end_matches('|')))
}

/// Whether an `identifier` names domains alone: `SYSTEM|`, one or more of them.
pub(super) fn is_domains(sent: &str) -> bool {
    let names_one = |part: &str| part.len() > 1 && part.ends_with('|');
    !sent.is_empty() && sent.split(',').all(names_one)
}

fn plain(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Narrowing, is_domains};

    #[test]
    fn a_domain_is_a_system_without_a_value() {
        for domains in ["urn:oid:1.2.3|", "urn:oid:1.2.3|,urn:oid:4.5.6|"] {
            assert!(is_domains(domains), "{domains}");
        }
        for other in [
            "",
            "|",
            "urn:oid:1.2.3|7",
            "urn:oid:1.2.3|,urn:oid:4.5.6|8",
            "7",
        ] {
            assert!(!is_domains(other), "{other}");
        }
    }

    #[test]
    fn of_those_found_who_is_wanted_stays_with_what_is_wanted() {
        let patient = json!({"active": true,
            "identifier": [{"system": "a", "value": "1"}, {"system": "b", "value": "2"}],
            "address": [{"city": "Leeds", "country": "GBR"}],
            "extension": [{"url": super::MAIDEN_NAME, "valueString": "Moreau"}]});
        let keeps = |narrowing: &Narrowing| {
            let mut of = patient.clone();
            narrowing.keeps(&mut of).then(|| of["identifier"].clone())
        };
        let domains = |name: &str| Narrowing {
            domains: vec![name.to_owned()],
            ..Narrowing::default()
        };
        assert_eq!(
            keeps(&Narrowing::default()),
            Some(patient["identifier"].clone())
        );
        let own = json!([{"system": "a", "value": "1"}]);
        assert_eq!(keeps(&domains("a")), Some(own));
        assert_eq!(keeps(&domains("c")), None);
        let active = |wanted| Narrowing {
            active: Some(wanted),
            ..Narrowing::default()
        };
        assert!(keeps(&active(true)).is_some() && keeps(&active(false)).is_none());
        let city = |text: &str| Narrowing {
            places: vec![("city", super::plain(text))],
            ..Narrowing::default()
        };
        assert!(keeps(&city("LEE")).is_some() && keeps(&city("York")).is_none());
        let mother = |text: &str| Narrowing {
            maiden_name: Some(super::plain(text)),
            ..Narrowing::default()
        };
        assert!(keeps(&mother("moreau")).is_some() && keeps(&mother("Morel")).is_none());
    }
}
