//! The waterfall as rows that sum to the total (R74). No value of a record is
//! in here: the gate that masks adds the values that an actor may see, by the
//! places that a row names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a row is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What is known before any field: one in so many people.
    Prior,
    /// NHS number.
    NhsNumber,
    /// First given name.
    GivenName,
    /// Further given names.
    MiddleName,
    /// Family name.
    FamilyName,
    /// Both names together: what their joint frequency leaves of their credit (R49).
    FullName,
    /// Birth date.
    BirthDate,
    /// Sex.
    Sex,
    /// Postcode.
    Postcode,
    /// Address lines.
    Address,
    /// Town, where postcodes cannot be compared.
    Town,
    /// Telephone number.
    Phone,
    /// E-mail address.
    Email,
    /// Identifier of another authority.
    OtherIdentifier,
    /// General practice.
    GpPractice,
    /// Order in a multiple birth.
    BirthOrder,
    /// What a household shares is not counted beyond the cap (R89).
    HouseholdCap,
    /// What twins share is not counted beyond the cap (R90).
    TwinCap,
}

impl Field {
    /// The name in answers and model files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prior => "prior",
            Self::NhsNumber => "nhs_number",
            Self::GivenName => "given_name",
            Self::MiddleName => "middle_name",
            Self::FamilyName => "family_name",
            Self::FullName => "full_name",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::Postcode => "postcode",
            Self::Address => "address",
            Self::Town => "town",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::OtherIdentifier => "other_identifier",
            Self::GpPractice => "gp_practice",
            Self::BirthOrder => "birth_order",
            Self::HouseholdCap => "household_cap",
            Self::TwinCap => "twin_cap",
        }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationRow {
    /// What it is about.
    pub field: Field,
    /// The model's level name.
    pub level: String,
    /// What it adds to the total.
    pub weight_bits: f64,
    /// A plain English sentence without values.
    pub reason: String,
    /// Which member (index) gave the level, so that the gate can show values.
    pub member: Option<usize>,
    /// Which of the record's values of this field (index into its list).
    pub record_value: Option<usize>,
    /// Which of the member's values of this field.
    pub member_value: Option<usize>,
}

/// Rows; their weights sum to the total to 1e-6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Explanation {
    /// Prior first, then fields, then caps; every field has a row.
    pub rows: Vec<ExplanationRow>,
}

impl Explanation {
    /// The sum of the rows in bits.
    #[must_use]
    pub fn total_bits(&self) -> f64 {
        self.rows.iter().map(|row| row.weight_bits).sum()
    }
}
