//! Parameters of a search for people, as the national service takes them, beside those
//! of PDQm (ITI-78).

use crate::foundation::limits::SEARCH_PERSONS_MAX;
use crate::interfaces::fhir::dates::Dates;
use crate::interfaces::fhir::narrowing::{NARROWING, is_domains};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::query::{Query, token};
use crate::interfaces::fhir::systems::NHS_NUMBER;
use crate::interfaces::http::{Caller, FhirReadings, Minimum, Problem, Refused};
use crate::matching::search::{SearchMinimum, SearchMode, SearchRequest};

/// All that is understood; what is not is refused by name.
const KNOWN: [&str; 27] = [
    "family",
    "given",
    "family:exact",
    "given:exact",
    "gender",
    "birthdate",
    "death-date",
    "address-postalcode",
    "address-postcode",
    "address",
    "general-practitioner",
    "email",
    "phone",
    "telecom",
    "identifier",
    "_id",
    "_fuzzy-match",
    "_exact-match",
    "_history",
    "_max-results",
    "_count",
    "_format",
    "_pretty",
    "_summary",
    "_total",
    "_include",
    "_revinclude",
];
/// Those that ask for nobody.
const OF_FORM: [&str; 8] = [
    "_count",
    "_max-results",
    "_format",
    "_pretty",
    "_summary",
    "_total",
    "_include",
    "_revinclude",
];

/// What is looked for.
pub(super) enum Sought {
    /// The Patient of this id.
    Id(String),
    /// Who carries this identifier.
    Identifier { system: String, value: String },
    /// Who meets one of these: a long span of birth dates is searched in parts.
    Criteria(Vec<SearchRequest>),
}

/// Reads the parameters.
///
/// # Errors
/// By the codes of the national service; no value is repeated.
pub(super) fn read(
    query: &Query,
    (caller, readings): (&Caller, FhirReadings),
    today: (i32, u8, u8),
) -> Result<(Sought, usize), Problem> {
    let minimum = match readings.search_minimum {
        Minimum::National => SearchMinimum::National,
        Minimum::Any => SearchMinimum::Any,
    };
    let reader = Reader {
        query,
        caller,
        minimum,
    };
    reader.refuse_unknown()?;
    let limit = reader.limit()?;
    let id = caller.request_id();
    if let Some(wanted) = query.one("_id", id)? {
        reader.alone("_id")?;
        return Ok((Sought::Id(wanted.to_owned()), limit));
    }
    let mut number = None;
    let mut identifiers = query.all("identifier").filter(|sent| !is_domains(sent));
    let identifier = identifiers.next().filter(|sent| !sent.is_empty());
    if identifiers.next().is_some() {
        let detail = "identifier is there twice; send it once";
        return Err(reader.bad(Spine::InvalidSearchData, "identifier", detail));
    }
    if let Some(identifier) = identifier {
        let (system, value) = token(identifier);
        let system = system.filter(|system| !system.is_empty() && !value.is_empty());
        let Some(system) = system else {
            let detail = "identifier must be SYSTEM|VALUE";
            return Err(reader.bad(Spine::InvalidSearchData, "identifier", detail));
        };
        if system == NHS_NUMBER {
            number = Some(value.to_owned());
        } else {
            reader.alone("identifier")?;
            let (system, value) = (system.to_owned(), value.to_owned());
            return Ok((Sought::Identifier { system, value }, limit));
        }
    }
    Ok((Sought::Criteria(reader.criteria(number, today)?), limit))
}

struct Reader<'q> {
    query: &'q Query,
    caller: &'q Caller,
    minimum: SearchMinimum,
}

impl Reader<'_> {
    fn bad(&self, spine: Spine, parameter: &str, detail: impl Into<String>) -> Problem {
        refuse(self.caller, Refused::Malformed, spine, parameter, detail)
    }

    fn refuse_unknown(&self) -> Result<(), Problem> {
        let mut names = self.query.pairs.iter().map(|(name, _)| name.as_str());
        let is_known = |name: &str| KNOWN.contains(&name) || NARROWING.contains(&name);
        if let Some(unknown) = names.find(|name| !is_known(name)) {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte);
            let shown = unknown.len() <= 40 && unknown.bytes().all(plain);
            let shown = if shown { unknown } else { "(not a word)" };
            let detail = format!("the parameter {shown} is not known here");
            return Err(self.bad(Spine::AdditionalProperties, shown, detail));
        }
        let asks = |(name, value): &(String, String)| {
            let name = name.as_str();
            !OF_FORM.contains(&name) && !NARROWING.contains(&name) && !value.is_empty()
        };
        if self.query.pairs.iter().any(asks) {
            return Ok(());
        }
        let detail = "send what is searched for; see /fhir/R4/metadata";
        Err(self.bad(Spine::Unsupported, "query", detail))
    }

    fn alone(&self, name: &str) -> Result<(), Problem> {
        let mut names = self.query.pairs.iter().map(|(held, _)| held.as_str());
        let beside = |held: &str| OF_FORM.contains(&held) || NARROWING.contains(&held);
        if names.all(|held| held == name || beside(held)) {
            return Ok(());
        }
        let detail = format!("{name} is searched for by itself");
        Err(self.bad(Spine::InvalidSearchData, name, detail))
    }

    fn limit(&self) -> Result<usize, Problem> {
        let id = self.caller.request_id();
        let sent = match self.query.one("_max-results", id)? {
            Some(sent) => Some(("_max-results", sent)),
            None => self.query.one("_count", id)?.map(|sent| ("_count", sent)),
        };
        let Some((name, sent)) = sent else {
            return Ok(SEARCH_PERSONS_MAX);
        };
        let limit = sent
            .parse()
            .ok()
            .filter(|limit| (1..=SEARCH_PERSONS_MAX).contains(limit));
        limit.ok_or_else(|| {
            let detail = format!("{name} must be a whole number from 1 to {SEARCH_PERSONS_MAX}");
            self.bad(Spine::InvalidValue, name, detail)
        })
    }

    fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.query.one(name, self.caller.request_id())? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => {
                let detail = format!("{name} must be true or false");
                Err(self.bad(Spine::InvalidValue, name, detail))
            }
        }
    }

    fn text(&self, names: &[&str]) -> Result<Option<String>, Problem> {
        for name in names {
            if let Some(value) = self.query.one(name, self.caller.request_id())? {
                return Ok(Some(value.to_owned()));
            }
        }
        Ok(None)
    }

    fn criteria(
        &self,
        nhs_number: Option<String>,
        today: (i32, u8, u8),
    ) -> Result<Vec<SearchRequest>, Problem> {
        let strict = self
            .query
            .pairs
            .iter()
            .any(|(name, _)| name.ends_with(":exact"));
        let mode = match (
            self.flag("_fuzzy-match")?,
            self.flag("_exact-match")? || strict,
        ) {
            (true, true) => {
                let detail = "a search is fuzzy or exact, not both";
                return Err(self.bad(Spine::InvalidSearchData, "_fuzzy-match", detail));
            }
            (true, false) => SearchMode::Fuzzy,
            (false, true) => SearchMode::Exact,
            (false, false) => SearchMode::Standard,
        };
        let gender = self.text(&["gender"])?;
        if gender
            .as_deref()
            .is_some_and(|sent| !["male", "female", "other", "unknown"].contains(&sent))
        {
            let detail = "gender must be male, female, other or unknown";
            return Err(self.bad(Spine::InvalidValue, "gender", detail));
        }
        let birth = self.dates("birthdate", today)?;
        let death = self.dates("death-date", today)?;
        let death_date = death
            .as_ref()
            .map(|dates| dates.single())
            .unwrap_or_default();
        if death.is_some() && death_date.is_none() {
            let detail = "death-date is searched for by one date, with eq or without a prefix";
            return Err(self.bad(Spine::InvalidSearchData, "death-date", detail));
        }
        let least = self.minimum == SearchMinimum::National;
        if least && birth.is_none() && nhs_number.is_none() {
            let detail = "birthdate is missing: the least is family and birthdate";
            return Err(self.bad(Spine::MissingValue, "birthdate", detail));
        }
        let given = self.query.all("given").chain(self.query.all("given:exact"));
        let (phone, email) = self.telecom()?;
        let request = SearchRequest {
            family_name: self.text(&["family", "family:exact"])?,
            given_names: given
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            // Neither of the other two is a value that people are told apart by (R59).
            gender: gender.filter(|sent| matches!(sent.as_str(), "male" | "female")),
            postcode: self.text(&["address-postalcode", "address-postcode"])?,
            address_line: self.text(&["address"])?,
            phone,
            email,
            gp_practice: self.text(&["general-practitioner"])?,
            nhs_number,
            death_date,
            mode,
            history: self.flag("_history")?,
            minimum: self.minimum,
            ..SearchRequest::default()
        };
        let parts = birth.map(|dates| dates.parts(&request));
        Ok(parts.unwrap_or_else(|| vec![request]))
    }

    fn dates(&self, name: &str, today: (i32, u8, u8)) -> Result<Option<Dates>, Problem> {
        let sent: Vec<&str> = self
            .query
            .all(name)
            .filter(|date| !date.is_empty())
            .collect();
        if sent.is_empty() {
            return Ok(None);
        }
        Dates::read(&sent, today).map(Some).ok_or_else(|| {
            let detail = format!(
                "{name} must be YYYY-MM-DD, YYYY-MM or YYYY, with eq, ge, le, gt, lt or ap \
                 before it, or two that are a span"
            );
            self.bad(Spine::InvalidValue, name, detail)
        })
    }

    fn telecom(&self) -> Result<(Option<String>, Option<String>), Problem> {
        let (phone, email) = (self.text(&["phone"])?, self.text(&["email"])?);
        let Some(other) = self.text(&["telecom"])? else {
            return Ok((phone, email));
        };
        let (system, value) = token(&other);
        let is_email = system == Some("email") || (system.is_none() && value.contains('@'));
        Ok(if is_email {
            (phone, email.or_else(|| Some(value.to_owned())))
        } else {
            (phone.or_else(|| Some(value.to_owned())), email)
        })
    }
}
