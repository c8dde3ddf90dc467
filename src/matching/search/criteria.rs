//! What is searched for, read strictly: a value that cannot be read is refused
//! and not passed over, because a search that drops a criterion finds others.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::limits::{SEARCH_SPAN_YEARS_MAX, VALUES_PER_FIELD_MAX};
use crate::identity::{
    AddressUse, Email, FamilyName, NameToken, NhsNumber, Phone, PostalAddress, Postcode, Sex,
    StandardDate,
};
use crate::matching::search::minimum;

/// How strictly names and dates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchMode {
    /// Whole values only, equal after folding; no wildcard, no partial date.
    Exact,
    /// Equal after folding; a trailing `*` and partial dates are understood.
    #[default]
    Standard,
    /// Also names that sound alike, are misspelt, known variants, or stand in
    /// each other's place, and always historic values.
    Fuzzy,
}

/// How little a search may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchMinimum {
    /// That of the national service (R120).
    #[default]
    National,
    /// Any one of NHS number, family name, given name, birth date and mother: for
    /// doors whose operator has said so.
    Any,
}

/// What a door was asked to search for. Nothing is checked yet.
#[derive(Clone, Default)]
pub struct SearchRequest {
    /// Family name; a trailing `*` searches for its beginning.
    pub family_name: Option<String>,
    /// Given names, in any order; each may end with `*`.
    pub given_names: Vec<String>,
    /// Birth date: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    pub birth_date: Option<String>,
    /// First day of a span of birth dates.
    pub birth_date_from: Option<String>,
    /// Last day of that span.
    pub birth_date_to: Option<String>,
    /// Administrative gender.
    pub gender: Option<String>,
    /// Postcode, or its beginning with a trailing `*`.
    pub postcode: Option<String>,
    /// House and street.
    pub address_line: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// ODS code of the general practice.
    pub gp_practice: Option<String>,
    /// NHS number; enough by itself.
    pub nhs_number: Option<String>,
    /// Date of death, whole or partial.
    pub death_date: Option<String>,
    /// Source and local id of the mother's record.
    pub mother: Option<(String, String)>,
    /// How little it may hold.
    pub minimum: SearchMinimum,
    /// How strictly.
    pub mode: SearchMode,
    /// Also earlier names, addresses and dates. A fuzzy search always does.
    pub history: bool,
}

impl fmt::Debug for SearchRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SearchRequest([redacted])")
    }
}

/// Why a search is refused (R120). Safe to show: members and rules, no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriteriaProblem {
    /// The first member at fault, or that is missing.
    pub member: &'static str,
    /// What to do.
    pub detail: String,
}

impl CriteriaProblem {
    pub(super) fn new(member: &'static str, detail: impl Into<String>) -> Self {
        Self {
            member,
            detail: detail.into(),
        }
    }
}

/// A search that meets the minimum. There is no other way to make one than
/// [`SearchCriteria::read`].
#[derive(Clone)]
pub struct SearchCriteria {
    pub(super) nhs_number: Option<NhsNumber>,
    pub(super) family: Option<FamilyWanted>,
    pub(super) given: Vec<NameWanted>,
    pub(super) birth: Option<BirthWanted>,
    pub(super) gender: Option<Sex>,
    pub(super) postcode: Option<PostcodeWanted>,
    pub(super) address: Option<PostalAddress>,
    pub(super) phone: Option<Phone>,
    pub(super) email: Option<Email>,
    pub(super) gp_practice: Option<String>,
    pub(super) death: Option<StandardDate>,
    pub(super) mother: Option<(String, String)>,
    pub(super) minimum: SearchMinimum,
    pub(super) mode: SearchMode,
    pub(super) history: bool,
}

impl fmt::Debug for SearchCriteria {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SearchCriteria([redacted])")
    }
}

/// A word of a name, or its beginning.
#[derive(Clone)]
pub(super) struct NameWanted {
    pub(super) token: NameToken,
    pub(super) prefix: bool,
}

/// A family name as asked.
#[derive(Clone)]
pub(super) struct FamilyWanted {
    pub(super) whole: NameWanted,
    /// The one significant word, where particles stand before it (de Souza).
    pub(super) word: Option<NameToken>,
}

/// Birth dates as asked.
#[derive(Clone, Copy)]
pub(super) enum BirthWanted {
    /// One date, of any precision.
    On(StandardDate),
    /// All days of a span, both ends included.
    Between(StandardDate, StandardDate),
}

impl BirthWanted {
    /// Anything but one whole day.
    pub(super) const fn is_loose(self) -> bool {
        match self {
            Self::On(date) => !date.is_full(),
            Self::Between(..) => true,
        }
    }
}

/// A postcode as asked.
#[derive(Clone)]
pub(super) enum PostcodeWanted {
    /// This one; a district alone stands for all of it.
    Is(Postcode),
    /// Letters and digits at its beginning, without spaces.
    Begins(String),
}

type Read<T> = Result<Option<T>, CriteriaProblem>;

impl SearchCriteria {
    /// The number that is looked for.
    #[must_use]
    pub const fn nhs_number(&self) -> Option<NhsNumber> {
        self.nhs_number
    }

    /// Reads a request; what it returns meets the minimum (see `minimum`).
    ///
    /// # Errors
    /// The first member that cannot be read, or those that are missing.
    pub fn read(request: &SearchRequest) -> Result<Self, CriteriaProblem> {
        let wildcard = request.mode == SearchMode::Standard;
        let criteria = Self {
            nhs_number: nhs_number(text(request.nhs_number.as_ref()))?,
            family: family(text(request.family_name.as_ref()), wildcard)?,
            given: given(&request.given_names, wildcard)?,
            birth: birth(request)?,
            gender: read(
                "gender",
                request.gender.as_ref(),
                Sex::parse,
                "`male` or `female`",
            )?,
            postcode: postcode(text(request.postcode.as_ref()), wildcard)?,
            address: read(
                "address_line",
                request.address_line.as_ref(),
                address,
                "a house and a street",
            )?,
            phone: read(
                "phone",
                request.phone.as_ref(),
                Phone::parse,
                "a telephone number",
            )?,
            email: read(
                "email",
                request.email.as_ref(),
                Email::parse,
                "an e-mail address",
            )?,
            gp_practice: read(
                "gp_practice",
                request.gp_practice.as_ref(),
                ods_code,
                "an ODS code",
            )?,
            death: read(
                "death_date",
                request.death_date.as_ref(),
                iso_date,
                DATE_WORDS,
            )?,
            mother: request.mother.clone(),
            minimum: request.minimum,
            mode: request.mode,
            history: request.history || request.mode == SearchMode::Fuzzy,
        };
        minimum::check(&criteria)?;
        Ok(criteria)
    }

    /// Whether it asks for where somebody lives or can be reached (R110).
    #[must_use]
    pub const fn has_location(&self) -> bool {
        self.postcode.is_some()
            || self.address.is_some()
            || self.phone.is_some()
            || self.email.is_some()
            || self.gp_practice.is_some()
    }
}

const DATE_WORDS: &str = "a date: YYYY-MM-DD, YYYY-MM or YYYY";

fn text(value: Option<&String>) -> Option<&str> {
    value
        .map(|text| text.trim())
        .filter(|text| !text.is_empty())
}

fn read<T>(
    member: &'static str,
    value: Option<&String>,
    parse: impl Fn(&str) -> Option<T>,
    wanted: &str,
) -> Read<T> {
    let Some(text) = text(value) else {
        return Ok(None);
    };
    parse(text)
        .map(Some)
        .ok_or_else(|| CriteriaProblem::new(member, format!("{member} must be {wanted}")))
}

fn nhs_number(text: Option<&str>) -> Read<NhsNumber> {
    let Some(text) = text else { return Ok(None) };
    NhsNumber::parse(text).map(Some).map_err(|_| {
        let detail = "nhs_number must be ten digits with a correct check digit";
        CriteriaProblem::new("nhs_number", detail)
    })
}

/// The text before a trailing `*`, and whether there was one.
fn wildcard<'a>(
    member: &'static str,
    text: &'a str,
    allowed: bool,
) -> Result<(&'a str, bool), CriteriaProblem> {
    let (body, prefix) = match text.strip_suffix('*') {
        Some(body) => (body.trim_end(), true),
        None => (text, false),
    };
    if prefix && !allowed {
        let detail = format!("{member} may end with * in mode `standard` only");
        return Err(CriteriaProblem::new(member, detail));
    }
    if body.contains(['*', '?', '%']) {
        let detail = format!("{member} may have one wildcard, a * at its end");
        return Err(CriteriaProblem::new(member, detail));
    }
    let leading = body
        .chars()
        .filter(|character| character.is_alphanumeric())
        .count();
    if prefix && leading < minimum::WILDCARD_LETTERS_MIN {
        let detail = format!("{member} needs at least two letters before the *");
        return Err(CriteriaProblem::new(member, detail));
    }
    Ok((body, prefix))
}

fn unreadable(member: &'static str) -> CriteriaProblem {
    CriteriaProblem::new(member, format!("{member} has nothing that can be searched"))
}

fn family(text: Option<&str>, allowed: bool) -> Read<FamilyWanted> {
    let Some(text) = text else { return Ok(None) };
    let (body, prefix) = wildcard("family_name", text, allowed)?;
    let name = FamilyName::from_words(body).ok_or_else(|| unreadable("family_name"))?;
    if prefix && name.whole.as_str().chars().count() < minimum::WILDCARD_LETTERS_MIN {
        return Err(unreadable("family_name"));
    }
    let word = match name.parts.as_slice() {
        [only] if !prefix && only.as_str() != name.whole.as_str() => Some(only.clone()),
        _ => None,
    };
    Ok(Some(FamilyWanted {
        whole: NameWanted {
            token: name.whole,
            prefix,
        },
        word,
    }))
}

fn given(texts: &[String], allowed: bool) -> Result<Vec<NameWanted>, CriteriaProblem> {
    let mut wanted = Vec::new();
    for text in texts {
        let (body, prefix) = wildcard("given_names", text.trim(), allowed)?;
        let words: Vec<&str> = body.split_whitespace().collect();
        for (place, word) in words.iter().enumerate() {
            let token = NameToken::fold(word).ok_or_else(|| unreadable("given_names"))?;
            let prefix = prefix && place + 1 == words.len();
            if prefix && token.as_str().chars().count() < minimum::WILDCARD_LETTERS_MIN {
                let detail = "given_names needs at least two letters before the *";
                return Err(CriteriaProblem::new("given_names", detail));
            }
            wanted.push(NameWanted { token, prefix });
        }
    }
    if wanted.len() > VALUES_PER_FIELD_MAX {
        let detail = format!("given_names may hold {VALUES_PER_FIELD_MAX} names at most");
        return Err(CriteriaProblem::new("given_names", detail));
    }
    Ok(wanted)
}

fn birth(request: &SearchRequest) -> Read<BirthWanted> {
    let on = read(
        "birth_date",
        request.birth_date.as_ref(),
        iso_date,
        DATE_WORDS,
    )?;
    let from = read(
        "birth_date_from",
        request.birth_date_from.as_ref(),
        iso_date,
        DATE_WORDS,
    )?;
    let to = read(
        "birth_date_to",
        request.birth_date_to.as_ref(),
        iso_date,
        DATE_WORDS,
    )?;
    match (on, from, to) {
        (on, None, None) => Ok(on.map(BirthWanted::On)),
        (None, Some(from), Some(to)) => {
            let years = i32::from(to.year()) - i32::from(from.year());
            if from.earliest_day() > to.latest_day() || years > SEARCH_SPAN_YEARS_MAX {
                let detail = format!(
                    "birth_date_from must not be after birth_date_to, nor more than \
                     {SEARCH_SPAN_YEARS_MAX} years before it"
                );
                return Err(CriteriaProblem::new("birth_date_from", detail));
            }
            Ok(Some(BirthWanted::Between(from, to)))
        }
        (Some(_), ..) => Err(CriteriaProblem::new(
            "birth_date",
            "send birth_date, or birth_date_from and birth_date_to, not both",
        )),
        (None, None, _) => Err(CriteriaProblem::new(
            "birth_date_from",
            "birth_date_to needs birth_date_from beside it",
        )),
        (None, Some(_), None) => Err(CriteriaProblem::new(
            "birth_date_to",
            "birth_date_from needs birth_date_to beside it",
        )),
    }
}

/// One notation only: a misread day would find somebody else.
fn iso_date(text: &str) -> Option<StandardDate> {
    StandardDate::parse(text).filter(|date| date.to_iso() == text)
}

fn postcode(text: Option<&str>, allowed: bool) -> Read<PostcodeWanted> {
    let Some(text) = text else { return Ok(None) };
    let (body, prefix) = wildcard("postcode", text, allowed)?;
    if prefix {
        let letters = body
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_uppercase());
        let beginning: String = letters.collect();
        if beginning.len() < minimum::WILDCARD_LETTERS_MIN {
            return Err(unreadable("postcode"));
        }
        return Ok(Some(PostcodeWanted::Begins(beginning)));
    }
    let read = Postcode::parse(body).map(PostcodeWanted::Is);
    read.map(Some).ok_or_else(|| unreadable("postcode"))
}

fn address(text: &str) -> Option<PostalAddress> {
    PostalAddress::read(AddressUse::Home, &[text.into()], None, None, None)
}

fn ods_code(text: &str) -> Option<String> {
    let code = text.to_ascii_uppercase();
    let sound = code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (sound && (3..=10).contains(&code.len())).then_some(code)
}
