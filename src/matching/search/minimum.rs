//! What a search has to hold at least (R120, after the national demographics
//! service):
//!
//! | mode | at least |
//! | --- | --- |
//! | any | NHS number |
//! | `exact` | family name and a whole birth date |
//! | `standard` | family name and birth date; with a partial date or a span one more of given name, gender, postcode, phone, e-mail, practice, address |
//! | `fuzzy` | a whole birth date with given and family name; or with family name, gender and postcode; or with given name, gender and postcode |
//!
//! A door whose operator has said so asks for less ([`SearchMinimum::Any`]).
//!
//! The national service knows no partial dates. A year holds hundreds of one
//! family name, so it needs a further field; and a fuzzy search looks at all
//! who share its birth date, so that has to be whole.

use crate::matching::search::criteria::{
    BirthWanted, CriteriaProblem, SearchCriteria, SearchMinimum, SearchMode,
};

/// Letters and digits before a wildcard.
pub(super) const WILDCARD_LETTERS_MIN: usize = 2;

const NORMAL: [&[&str]; 1] = [&["family_name", "birth_date"]];
const FUZZY: [&[&str]; 3] = [
    &["given_names", "family_name", "birth_date"],
    &["family_name", "birth_date", "gender", "postcode"],
    &["given_names", "birth_date", "gender", "postcode"],
];

/// Refuses what falls short, by the names of what is missing.
pub(super) fn check(criteria: &SearchCriteria) -> Result<(), CriteriaProblem> {
    if criteria.minimum == SearchMinimum::Any {
        return check_any(criteria);
    }
    let loose = criteria.birth.is_some_and(BirthWanted::is_loose);
    if loose && criteria.mode == SearchMode::Exact {
        return Err(not_whole());
    }
    if criteria.nhs_number.is_some() {
        return Ok(());
    }
    let alternatives: &[&[&'static str]] = match criteria.mode {
        SearchMode::Exact | SearchMode::Standard => &NORMAL,
        SearchMode::Fuzzy => &FUZZY,
    };
    let missing_of = |members: &&[&'static str]| -> Vec<&'static str> {
        let absent = members.iter().filter(|member| !holds(criteria, member));
        absent.copied().collect()
    };
    let fewest = alternatives
        .iter()
        .map(missing_of)
        .min_by_key(Vec::len)
        .unwrap_or_default();
    if let Some(first) = fewest.first() {
        return Err(CriteriaProblem::new(
            first,
            format!(
                "this search falls short of the minimum; missing: {}. A search needs the NHS \
                 number, or {}",
                fewest.join(", "),
                sentence(criteria.mode)
            ),
        ));
    }
    if loose { check_loose(criteria) } else { Ok(()) }
}

/// For doors whose operator wants less than the national service: something to look up.
fn check_any(criteria: &SearchCriteria) -> Result<(), CriteriaProblem> {
    let found_by = criteria.nhs_number.is_some()
        || criteria.family.is_some()
        || !criteria.given.is_empty()
        || criteria.birth.is_some()
        || criteria.mother.is_some();
    if found_by {
        return Ok(());
    }
    let detail = "a search needs at least one of NHS number, name, birth date and mother";
    Err(CriteriaProblem::new("family_name", detail))
}

fn not_whole() -> CriteriaProblem {
    let detail = "birth_date must be whole in this mode (YYYY-MM-DD); mode `standard` takes a \
                  partial date or a span";
    CriteriaProblem::new("birth_date", detail)
}

fn check_loose(criteria: &SearchCriteria) -> Result<(), CriteriaProblem> {
    if criteria.mode == SearchMode::Fuzzy {
        return Err(not_whole());
    }
    let further =
        !criteria.given.is_empty() || criteria.gender.is_some() || criteria.has_location();
    if further {
        return Ok(());
    }
    let detail = "a partial birth date or a span needs one more: given_names, gender, postcode, \
                  phone, email, gp_practice or address_line";
    Err(CriteriaProblem::new("given_names", detail))
}

fn holds(criteria: &SearchCriteria, member: &str) -> bool {
    match member {
        "family_name" => criteria.family.is_some(),
        "given_names" => !criteria.given.is_empty(),
        "birth_date" => criteria.birth.is_some(),
        "gender" => criteria.gender.is_some(),
        _ => criteria.postcode.is_some(),
    }
}

const fn sentence(mode: SearchMode) -> &'static str {
    match mode {
        SearchMode::Exact | SearchMode::Standard => "family_name and birth_date",
        SearchMode::Fuzzy => {
            "given_names, family_name and birth_date; or birth_date, gender and postcode with \
             family_name or given_names"
        }
    }
}
