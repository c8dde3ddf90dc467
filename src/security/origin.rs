//! Where a request came from: for the audit, and so that no care system is shown who is
//! made up (R117). The address stands in no log.

use std::net::IpAddr;

/// From where somebody came, and by which door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's network address: the other end of the connection, or what a proxy
    /// says that the operator trusts.
    pub address: Option<IpAddr>,
    /// Method and pattern of the path (`GET /fhir/R4/Patient/{id}`), or `HL7 v2`. It
    /// holds nothing that was sent.
    pub door: Option<String>,
}

impl Origin {
    /// Whether it is a door of care systems, whoever knocks: FHIR or HL7.
    #[must_use]
    pub fn is_of_care_systems(&self) -> bool {
        let door = self.door.as_deref().unwrap_or_default();
        door.starts_with("HL7") || door.contains(" /fhir/")
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn r117_fhir_and_hl7_are_doors_of_care_systems_and_the_desk_is_not() {
        let of = |door: &str| Origin {
            door: Some(door.to_owned()),
            ..Origin::default()
        };
        for door in ["GET /fhir/R4/Patient/{id}", "POST /fhir/R4/", "HL7 v2"] {
            assert!(of(door).is_of_care_systems(), "{door}");
        }
        for door in ["GET /persons/{person}", "POST /api/v1/persons/search"] {
            assert!(!of(door).is_of_care_systems(), "{door}");
        }
    }
}
