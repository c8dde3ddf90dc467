//! People's search. Criteria travel in the body and never in a URL (R120).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::flows::{self, Context, FoundPerson, SearchAnswer, SearchGap};
use crate::foundation::limits::SEARCH_PERSONS_MAX;
use crate::identity::{SubmittedAddress, SubmittedRecord};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::interfaces::rest::request::Body;
use crate::matching::search::{MatchedField, SearchMode, SearchRequest};
use crate::security::Action;

/// What is searched for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchBody {
    family_name: Option<String>,
    #[serde(default)]
    given_names: Vec<String>,
    birth_date: Option<String>,
    birth_date_from: Option<String>,
    birth_date_to: Option<String>,
    gender: Option<String>,
    postcode: Option<String>,
    address_line: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    gp_practice: Option<String>,
    nhs_number: Option<String>,
    death_date: Option<String>,
    #[serde(default)]
    mode: SearchMode,
    #[serde(default)]
    history: bool,
    limit: Option<u64>,
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
        }
    }
}

/// Who was found.
#[derive(Serialize)]
pub struct FoundBody {
    complete: bool,
    incomplete_because: Vec<GapBody>,
    too_many: bool,
    not_unique: bool,
    persons: Vec<PersonFoundBody>,
}

#[derive(Serialize)]
struct GapBody {
    code: &'static str,
    sentence: &'static str,
}

#[derive(Serialize)]
struct PersonFoundBody {
    person_id: String,
    score: f64,
    matched: Vec<MatchedBody>,
    records: usize,
    restricted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<ValuesBody>,
}

#[derive(Serialize)]
struct MatchedBody {
    field: &'static str,
    how: &'static str,
    historic: bool,
}

/// What tells people in a list apart, as the source sent it.
#[derive(Serialize)]
struct ValuesBody {
    nhs_number: Option<String>,
    nhs_number_status: Option<String>,
    title: Option<String>,
    given_names: Vec<String>,
    family_name: Option<String>,
    birth_date: Option<String>,
    gender: Option<String>,
    death_date: Option<String>,
    addresses: Vec<SubmittedAddress>,
    phones: Vec<String>,
    emails: Vec<String>,
    gp_practice: Option<String>,
}

impl From<SubmittedRecord> for ValuesBody {
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
            values: found.record.map(ValuesBody::from),
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

/// `POST /persons/search`
pub async fn search_persons(
    State(context): State<Context>,
    caller: Caller,
    body: Body,
) -> Result<Json<FoundBody>, Problem> {
    let access = caller.may(Action::SearchPerson)?;
    let body: SearchBody = body.read()?;
    let limit = body.limit.map_or(Some(SEARCH_PERSONS_MAX), |limit| {
        usize::try_from(limit).ok()
    });
    let limit = limit.filter(|limit| (1..=SEARCH_PERSONS_MAX).contains(limit));
    let limit = limit.ok_or_else(|| {
        let detail = format!("limit must be a whole number from 1 to {SEARCH_PERSONS_MAX}");
        caller
            .problem(Refused::Unprocessable, detail)
            .member("limit")
            .rule("R120")
    })?;
    let answer = flows::search_persons(&context, &access, &body.into(), limit)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok(Json(answer.into()))
}
