//! What people are searched for by, and who was found.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::flows::{FoundPerson, SearchAnswer, SearchGap};
use crate::identity::{SubmittedAddress, SubmittedRecord};
use crate::matching::search::{MatchedField, SearchMode, SearchRequest};

/// What is searched for. A search needs an NHS number, or enough of the rest to
/// be about one person (R120); what is missing is named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "family_name": "Applethw*", "given_names": ["Rosalind"], "birth_date": "1980-05-12",
    "postcode": "LS8 2QD", "mode": "standard", "limit": 10,
}))]
pub struct SearchBody {
    /// Family name; in the standard mode a trailing `*` searches for its beginning.
    family_name: Option<String>,
    /// Given names, in any order; in the standard mode each may end with `*`.
    #[serde(default)]
    given_names: Vec<String>,
    /// Birth date: `YYYY-MM-DD`, or in the standard and fuzzy modes `YYYY-MM` or `YYYY`.
    birth_date: Option<String>,
    /// First day of a span of birth dates of 20 years at most, instead of `birth_date`.
    birth_date_from: Option<String>,
    /// Last day of that span.
    birth_date_to: Option<String>,
    /// `male` or `female`.
    gender: Option<String>,
    /// Postcode or district; in the standard mode its beginning with a trailing `*`.
    postcode: Option<String>,
    /// House and street.
    address_line: Option<String>,
    /// Telephone number.
    phone: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// ODS code of the general practice.
    gp_practice: Option<String>,
    /// NHS number, in any notation; enough by itself.
    nhs_number: Option<String>,
    /// Date of death: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    death_date: Option<String>,
    /// How strictly names and dates are compared.
    #[serde(default)]
    mode: SearchMode,
    /// Also earlier names, addresses and dates; a fuzzy search always does.
    #[serde(default)]
    history: bool,
    /// Persons at most; 50 unless sent.
    #[schema(minimum = 1, maximum = 50)]
    pub(in crate::interfaces::rest) limit: Option<u64>,
}

impl From<SearchBody> for SearchRequest {
    fn from(body: SearchBody) -> Self {
        Self {
            family_name: body.family_name,
            given_names: body.given_names,
            birth_date: body.birth_date,
            birth_date_from: body.birth_date_from,
            birth_date_to: body.birth_date_to,
            gender: body.gender,
            postcode: body.postcode,
            address_line: body.address_line,
            phone: body.phone,
            email: body.email,
            gp_practice: body.gp_practice,
            nhs_number: body.nhs_number,
            death_date: body.death_date,
            mode: body.mode,
            history: body.history,
            ..Self::default()
        }
    }
}

/// Who was found.
#[derive(Serialize, ToSchema)]
pub struct FoundBody {
    /// Whether all that could hold the criteria was looked at.
    complete: bool,
    /// Why not.
    incomplete_because: Vec<GapBody>,
    /// More persons were found than are answered; add criteria.
    too_many: bool,
    /// A system asked, and more than one person was found: none is named.
    not_unique: bool,
    /// Best first.
    persons: Vec<PersonFoundBody>,
}

/// What was not looked at.
#[derive(Serialize, ToSchema)]
struct GapBody {
    /// A stable word.
    #[schema(value_type = String, pattern = "^(narrowed|too_broad|index_behind)$")]
    code: &'static str,
    /// The same in plain English, and what to do.
    #[schema(value_type = String)]
    sentence: &'static str,
}

/// A person that was found.
#[derive(Serialize, ToSchema)]
struct PersonFoundBody {
    /// Who.
    #[schema(
        pattern = "^P-[0-9a-f]{32}$",
        example = "P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70"
    )]
    person_id: String,
    /// How well the criteria are met: 1 when all is equal to a current value.
    #[schema(minimum = 0.0, maximum = 1.0)]
    score: f64,
    /// Each criterion and how it was met.
    matched: Vec<MatchedBody>,
    /// Records of the person.
    records: usize,
    /// Whether a record of the person is restricted; its values are not shown.
    restricted: bool,
    /// What tells people in a list apart; absent where the caller may not see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<FoundValuesBody>,
}

/// A criterion and how it was met.
#[derive(Serialize, ToSchema)]
struct MatchedBody {
    /// The member of the request.
    #[schema(value_type = String, example = "family_name")]
    field: &'static str,
    /// How.
    #[schema(
        value_type = String,
        pattern = "^(exact|history|prefix|partial|variant|swapped|sounds_like|misspelt)$",
        example = "exact"
    )]
    how: &'static str,
    /// Whether by a value that is no longer current.
    historic: bool,
}

/// What tells people in a list apart, as the source sent it.
#[derive(Serialize, ToSchema)]
struct FoundValuesBody {
    /// NHS number.
    nhs_number: Option<String>,
    /// NHS number status indicator code.
    nhs_number_status: Option<String>,
    /// Title.
    title: Option<String>,
    /// Given names in order.
    given_names: Vec<String>,
    /// Family name.
    family_name: Option<String>,
    /// Birth date.
    birth_date: Option<String>,
    /// Administrative gender.
    gender: Option<String>,
    /// Date of death.
    death_date: Option<String>,
    /// Addresses.
    addresses: Vec<SubmittedAddress>,
    /// Telephone numbers.
    phones: Vec<String>,
    /// E-mail addresses.
    emails: Vec<String>,
    /// ODS code of the general practice.
    gp_practice: Option<String>,
}

impl From<SubmittedRecord> for FoundValuesBody {
    fn from(record: SubmittedRecord) -> Self {
        Self {
            nhs_number: record.nhs_number,
            nhs_number_status: record.nhs_number_status,
            title: record.title,
            given_names: record.given_names,
            family_name: record.family_name,
            birth_date: record.birth_date,
            gender: record.gender,
            death_date: record.death_date,
            addresses: record.addresses,
            phones: record.phones,
            emails: record.emails,
            gp_practice: record.gp_practice,
        }
    }
}

impl From<SearchGap> for GapBody {
    fn from(gap: SearchGap) -> Self {
        let (code, sentence) = match gap {
            SearchGap::Narrowed => (
                "narrowed",
                "Very many share these names and dates; only records that hold the other criteria \
                 too were looked at.",
            ),
            SearchGap::TooBroad => (
                "too_broad",
                "More records hold these criteria than one search looks at; add criteria.",
            ),
            SearchGap::IndexBehind => (
                "index_behind",
                "The index is catching up; some recent changes were not looked at. Search again \
                 later.",
            ),
        };
        Self { code, sentence }
    }
}

impl From<MatchedField> for MatchedBody {
    fn from(matched: MatchedField) -> Self {
        Self {
            field: matched.field.name(),
            how: matched.how.name(),
            historic: matched.historic,
        }
    }
}

impl From<FoundPerson> for PersonFoundBody {
    fn from(found: FoundPerson) -> Self {
        Self {
            person_id: found.person.to_string(),
            score: found.score,
            matched: found.matched.into_iter().map(MatchedBody::from).collect(),
            records: found.records,
            restricted: found.restricted,
            values: found.record.map(FoundValuesBody::from),
        }
    }
}

impl From<SearchAnswer> for FoundBody {
    fn from(answer: SearchAnswer) -> Self {
        let gaps = answer.incomplete_because.into_iter();
        let persons = answer.persons.into_iter();
        Self {
            complete: gaps.len() == 0,
            incomplete_because: gaps.map(GapBody::from).collect(),
            too_many: answer.too_many,
            not_unique: answer.not_unique,
            persons: persons.map(PersonFoundBody::from).collect(),
        }
    }
}
