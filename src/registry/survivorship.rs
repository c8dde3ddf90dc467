//! Which value of a field survives in a golden record: rules by field, from a
//! file that an operator may replace.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rules that stand when nobody brings others.
const DEFAULT: &str = include_str!("../../models/survivorship.toml");

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $words:literal, $location:literal;)+) => {
        /// What a golden record shows, each from one record.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum GoldenField {
            $($(#[$doc])* $variant,)+
        }

        impl GoldenField {
            /// All fields, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in paths, bodies and the file of rules.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Its name for people.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$variant => $words,)+
                }
            }

            /// Whether it says where the person lives or can be reached (R109).
            #[must_use]
            pub const fn is_location(self) -> bool {
                match self {
                    $(Self::$variant => $location,)+
                }
            }
        }
    };
}

fields! {
    /// The NHS number of England and Wales, or of the test range.
    NhsNumber = "nhs_number", "NHS number", false;
    /// The number of Scotland.
    ChiNumber = "chi_number", "CHI number", false;
    /// The number of Northern Ireland.
    HealthAndCareNumber = "health_and_care_number", "Health and Care number", false;
    /// Title, given names and family name, of one record.
    Name = "name", "name", false;
    /// Birth date.
    BirthDate = "birth_date", "birth date", false;
    /// Administrative gender.
    Gender = "gender", "gender", false;
    /// Sex observed at birth.
    BirthSex = "birth_sex", "sex at birth", false;
    /// Gender identity.
    GenderIdentity = "gender_identity", "gender identity", false;
    /// The current home.
    Address = "address", "address", true;
    /// Telephone numbers, of one record.
    Phones = "phones", "phone numbers", true;
    /// E-mail addresses, of one record.
    Emails = "emails", "e-mail addresses", true;
    /// The general practice.
    GpPractice = "gp_practice", "general practice", true;
    /// That the person has died, and when.
    Death = "death", "death", false;
}

impl GoldenField {
    /// The field of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }

    /// Whether it is the number of a national service, which nobody local chooses
    /// (R15).
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(
            self,
            Self::NhsNumber | Self::ChiNumber | Self::HealthAndCareNumber
        )
    }
}

/// What makes one value better than another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// A verified number, a formal death, a whole birth date, a real name.
    Status,
    /// The trust of its source.
    Trust,
    /// How many parts it has.
    Completeness,
    /// When it was so at the source; without that it is older than any that has it.
    Recency,
    /// How many sources say the same.
    Agreement,
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivorship {
    rules: BTreeMap<GoldenField, Vec<Criterion>>,
}

/// Why a file of rules is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SurvivorshipProblem {
    /// It is not TOML of this shape.
    #[error("the file of survivorship rules cannot be read: {0}")]
    Unreadable(String),
    /// A field that does not exist.
    #[error("[rules]: there is no field {0}")]
    UnknownField(String),
    /// A rule that can never speak.
    #[error("[rules] {0}: a rule stands there twice")]
    Repeated(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    rules: BTreeMap<String, Vec<Criterion>>,
}

impl Survivorship {
    /// Reads a file of rules; a field that it does not name keeps the usual ones.
    ///
    /// # Errors
    /// [`SurvivorshipProblem`] names the place.
    pub fn parse(text: &str) -> Result<Self, SurvivorshipProblem> {
        let mut usual = Self::default();
        usual.rules.append(&mut Self::read(text)?);
        Ok(usual)
    }

    fn read(text: &str) -> Result<BTreeMap<GoldenField, Vec<Criterion>>, SurvivorshipProblem> {
        let file: RulesFile = toml::from_str(text)
            .map_err(|error| SurvivorshipProblem::Unreadable(error.message().to_owned()))?;
        let mut rules = BTreeMap::new();
        for (name, criteria) in file.rules {
            let field = GoldenField::parse(&name);
            let field = field.ok_or(SurvivorshipProblem::UnknownField(name))?;
            let mut distinct = criteria.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() != criteria.len() {
                return Err(SurvivorshipProblem::Repeated(field.name()));
            }
            rules.insert(field, criteria);
        }
        Ok(rules)
    }

    /// The rules of a field, the first one first.
    #[must_use]
    pub fn of(&self, field: GoldenField) -> &[Criterion] {
        self.rules.get(&field).map_or(&[], Vec::as_slice)
    }
}

impl Default for Survivorship {
    fn default() -> Self {
        let rules = Self::read(DEFAULT);
        let rules = rules.expect("invariant: the embedded rules are read by a test");
        Self { rules }
    }
}

#[cfg(test)]
mod tests {
    use super::{Criterion, GoldenField, Survivorship, SurvivorshipProblem};

    #[test]
    fn the_embedded_rules_name_every_field() {
        let usual = Survivorship::default();
        for field in GoldenField::ALL {
            assert!(!usual.of(*field).is_empty(), "{}", field.name());
            assert_eq!(GoldenField::parse(field.name()), Some(*field));
        }
    }

    #[test]
    fn a_file_changes_what_it_names_and_refuses_what_cannot_be() {
        let changed = Survivorship::parse("[rules]\nname = [\"recency\"]").expect("rules");
        assert_eq!(changed.of(GoldenField::Name), [Criterion::Recency]);
        assert_eq!(
            changed.of(GoldenField::Death),
            Survivorship::default().of(GoldenField::Death)
        );
        for (text, problem) in [
            (
                "[rules]\nshoe_size = []",
                SurvivorshipProblem::UnknownField("shoe_size".into()),
            ),
            (
                "[rules]\nname = [\"trust\", \"trust\"]",
                SurvivorshipProblem::Repeated("name"),
            ),
        ] {
            assert_eq!(Survivorship::parse(text), Err(problem));
        }
        assert!(matches!(
            Survivorship::parse("[rules]\nname = [\"luck\"]"),
            Err(SurvivorshipProblem::Unreadable(_))
        ));
    }
}
