//! What a source says, as sent: nothing trusted, nothing changed. The same
//! shape is the native API's registration body and the stored payload.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Identity data as one source sent it. Every member is optional; texts are
/// kept to the byte. Unknown members are refused by name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmittedRecord {
    /// NHS number, in any notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<String>,
    /// NHS number status indicator code, `01` to `08`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number_status: Option<String>,
    /// Date of the last trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number_traced_on: Option<String>,
    /// A number that this record's number supersedes. Without a number and with
    /// status 01 it is invalid and nothing has replaced it (R21).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces_nhs_number: Option<String>,
    /// Identifiers of other authorities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_identifiers: Vec<SubmittedIdentifier>,
    /// Title, such as Mrs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Given names in order; the first is the forename.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given_names: Vec<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Earlier and other names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<SubmittedName>,
    /// Birth date: full, or a year, or a year and month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// The source says that the birth date is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date_estimated: Option<bool>,
    /// Administrative gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Sex observed at birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_sex: Option<String>,
    /// Gender identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender_identity: Option<String>,
    /// Addresses, current and earlier.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<SubmittedAddress>,
    /// Telephone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// Date of death.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub death_date: Option<String>,
    /// Death notification status: `1` informal, `2` formal, `U` removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub death_status: Option<String>,
    /// Order in a multiple birth: 1 to 7, 8 not applicable, 9 not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_order: Option<String>,
    /// The mother's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mother: Option<SubmittedMother>,
    /// ODS code of the general practice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gp_practice: Option<String>,
    /// The person's location is restricted (sensitive).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted: Option<bool>,
    /// Next of kin and others: kept, never compared as the patient (R71).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub associated_persons: Vec<SubmittedAssociatedPerson>,
    /// When it was so at the source (RFC 3339 or a date).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<String>,
    /// Columns of a file that nothing maps: kept, not compared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_columns: BTreeMap<String, String>,
}

/// Columns in which the doors of FHIR and HL7 keep a message as it was sent, to give it
/// back, and what a source's merge leaves.
const DOORS_COLUMNS: [&str; 3] = ["fhir_r4_patient", "hl7:", "merged_into"];

impl SubmittedRecord {
    /// With columns of other names in place of those that are FHIR's and HL7's own: who
    /// sends by another door would have them show somebody else than was matched.
    /// Nothing is lost.
    #[must_use]
    pub fn without_columns_of_doors(mut self) -> Self {
        let is_doors = |name: &str| DOORS_COLUMNS.iter().any(|own| name.starts_with(own));
        if self.other_columns.keys().any(|name| is_doors(name)) {
            let columns = std::mem::take(&mut self.other_columns).into_iter();
            self.other_columns = columns
                .map(|(name, value)| {
                    let name = if is_doors(&name) {
                        format!("sent:{name}")
                    } else {
                        name
                    };
                    (name, value)
                })
                .collect();
        }
        self
    }
}

/// An identifier of another authority; `system` may be unknown.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmittedIdentifier {
    /// The authority, as a URI, OID or code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The identifier.
    pub value: String,
}

/// An earlier or other name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmittedName {
    /// Given names in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given_names: Vec<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// `maiden`, `old`, `nickname`, `temp`, `alias`, …
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub name_use: Option<String>,
}

/// An address as sent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmittedAddress {
    /// `home`, `temp`, `billing`, `old`, …
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub address_use: Option<String>,
    /// Lines in order; blank ones may be missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Post town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub town: Option<String>,
    /// Postcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// Unique property reference number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uprn: Option<String>,
    /// First day of residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Last day of residence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The mother's record, by any of the ways a source can name it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmittedMother {
    /// Source of the local id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Local id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// NHS number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<String>,
}

/// Somebody beside the patient.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmittedAssociatedPerson {
    /// Relationship to the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationship: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

macro_rules! never_printed {
    ($($name:ident),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )+};
}

never_printed!(
    SubmittedRecord,
    SubmittedIdentifier,
    SubmittedName,
    SubmittedAddress,
    SubmittedMother,
    SubmittedAssociatedPerson
);
