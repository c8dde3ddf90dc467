//! The search. Criteria travel in a form and never in an address; the reason for
//! looking at people is asked for first and kept for the session (R131).

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flows::{self, Context, FlowError, FoundPerson, SearchAnswer, SearchGap};
use crate::foundation::limits::SEARCH_PERSONS_MAX;
use crate::interfaces::http::Problem;
use crate::interfaces::web::forms::Form;
use crate::interfaces::web::layout::{NoPage, Page, html, redirect};
use crate::interfaces::web::values::{address_text, name_of};
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::interfaces::web::words;
use crate::matching::search::{SearchMinimum, SearchMode, SearchRequest};
use crate::security::Action;

/// A field of the form.
struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
}

const FIELDS: [(&str, &str, &str); 8] = [
    ("nhs_number", "NHS number", "enough by itself"),
    ("family_name", "Family name", "may end with *"),
    ("given_names", "Given names", "with blanks between them"),
    ("birth_date", "Birth date", "1980-05-12, 1980-05 or 1980"),
    (
        "postcode",
        "Postcode",
        "whole, a district, or with * at its end",
    ),
    ("address_line", "House and street", ""),
    ("phone", "Telephone", ""),
    ("email", "Email", ""),
];

struct Found {
    person: String,
    name: String,
    birth_date: String,
    sex: String,
    number: String,
    number_status: &'static str,
    addresses: Vec<String>,
    records: usize,
    restricted: bool,
    score: String,
    /// Another row has this name and birth date: look twice.
    alike: bool,
}

struct Outcome {
    found: Vec<Found>,
    too_many: bool,
    gaps: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchTemplate {
    page: Page,
    purpose: String,
    fields: Vec<Field>,
    mode: &'static str,
    history: bool,
    problem: Option<String>,
    result: Option<Outcome>,
}

impl SearchTemplate {
    fn of(visitor: &Visitor, form: Option<&Form>) -> Self {
        let typed = |name| form.map_or("", |form| form.text(name)).to_owned();
        let known = visitor.visit.purpose.clone().unwrap_or_default();
        Self {
            page: visitor.page("Search", "/search"),
            purpose: form.map_or(known, |form| form.text("purpose").to_owned()),
            fields: FIELDS
                .iter()
                .map(|(name, label, hint)| Field {
                    name,
                    label,
                    hint,
                    value: typed(name),
                })
                .collect(),
            mode: mode(&typed("mode")).0,
            history: !typed("history").is_empty(),
            problem: None,
            result: None,
        }
    }
}

fn mode(text: &str) -> (&'static str, SearchMode) {
    match text {
        "exact" => ("exact", SearchMode::Exact),
        "fuzzy" => ("fuzzy", SearchMode::Fuzzy),
        _ => ("standard", SearchMode::Standard),
    }
}

/// The form.
pub(super) async fn show(visitor: Visitor) -> Result<Response, NoPage> {
    // Whoever may not search is told so before anything is typed.
    visitor.may_because(Action::SearchPerson, "search")?;
    Ok(html(StatusCode::OK, &SearchTemplate::of(&visitor, None)))
}

/// Who was found.
pub(super) async fn search(
    State(context): State<Context>,
    Posted { visitor, form }: Posted,
) -> Result<Response, NoPage> {
    let mut template = SearchTemplate::of(&visitor, Some(&form));
    let purpose = form.text("purpose");
    let access = visitor.may_because(Action::SearchPerson, purpose);
    let kept = flows::set_purpose(&context, &visitor.cookie, purpose).await;
    if let Err(error) = kept {
        return refused(&visitor, template, &error);
    }
    let request = request(&form);
    match flows::search_persons(&context, &access?, &request, SEARCH_PERSONS_MAX).await {
        Ok(answer) => {
            template.result = Some(result(answer));
            Ok(html(StatusCode::OK, &template))
        }
        Err(error) => refused(&visitor, template, &error),
    }
}

fn refused(
    visitor: &Visitor,
    mut template: SearchTemplate,
    error: &FlowError,
) -> Result<Response, NoPage> {
    let problem = Problem::of(error, &visitor.request_id);
    if problem.status >= 500 {
        return Err(NoPage::new(visitor.page("", ""), problem));
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    template.problem = Some(problem.detail);
    Ok(html(status, &template))
}

fn request(form: &Form) -> SearchRequest {
    let given = form.text("given_names").split_whitespace();
    SearchRequest {
        family_name: form.given("family_name"),
        given_names: given.map(ToOwned::to_owned).collect(),
        birth_date: form.given("birth_date"),
        birth_date_from: None,
        birth_date_to: None,
        gender: form.given("gender"),
        postcode: form.given("postcode"),
        address_line: form.given("address_line"),
        phone: form.given("phone"),
        email: form.given("email"),
        gp_practice: None,
        nhs_number: form.given("nhs_number"),
        death_date: None,
        mother: None,
        minimum: SearchMinimum::default(),
        mode: mode(form.text("mode")).1,
        history: form.given("history").is_some(),
    }
}

fn result(answer: SearchAnswer) -> Outcome {
    let gaps = answer.incomplete_because.iter().map(|gap| match gap {
        SearchGap::Narrowed => "Very many share these names and dates; only records that hold the other criteria too were looked at.",
        SearchGap::TooBroad => "Even so there were too many; add what you know.",
        SearchGap::IndexBehind => "Very much has come in just now, and only the latest of it was looked at; search again in a minute.",
    });
    let mut found: Vec<Found> = answer.persons.into_iter().map(of_found).collect();
    let names: Vec<String> = found
        .iter()
        .map(|one| format!("{} {}", one.name.to_lowercase(), one.birth_date))
        .collect();
    for (place, name) in names.iter().enumerate() {
        found[place].alike = names.iter().filter(|other| *other == name).count() > 1;
    }
    Outcome {
        found,
        too_many: answer.too_many,
        gaps: gaps.collect(),
    }
}

fn of_found(found: FoundPerson) -> Found {
    let record = found.record.unwrap_or_default();
    Found {
        person: found.person.to_string(),
        name: name_of(&record),
        birth_date: record.birth_date.unwrap_or_default(),
        sex: record.gender.unwrap_or_default(),
        number_status: words::number_status(record.nhs_number_status.as_deref()),
        number: record.nhs_number.unwrap_or_default(),
        addresses: record.addresses.iter().map(address_text).collect(),
        records: found.records,
        restricted: found.restricted,
        score: format!("{:.2}", found.score),
        alike: false,
    }
}

#[derive(Template)]
#[template(path = "purpose.html")]
struct PurposeTemplate {
    page: Page,
    then: String,
    problem: Option<String>,
}

/// Asks why, before somebody is shown; `then` is the page that was wanted.
pub(super) fn ask_purpose(visitor: &Visitor, then: &str) -> Response {
    let template = PurposeTemplate {
        page: visitor.page("Why do you look at this person?", ""),
        then: then.to_owned(),
        problem: None,
    };
    html(StatusCode::OK, &template)
}

/// Keeps why, and goes on.
pub(super) async fn set_purpose(
    State(context): State<Context>,
    Posted { visitor, form }: Posted,
) -> Result<Response, NoPage> {
    let then = form.text("then");
    let person = then
        .strip_prefix("/persons/")
        .and_then(|rest| rest.split('/').next());
    let known = person.is_some_and(|id| id.parse::<crate::foundation::PersonId>().is_ok());
    let place = if known { then } else { "/account" };
    match flows::set_purpose(&context, &visitor.cookie, form.text("purpose")).await {
        Ok(()) => Ok(redirect(place)),
        Err(FlowError::Unprocessable { detail, .. }) => {
            let template = PurposeTemplate {
                page: visitor.page("Why do you look at this person?", ""),
                then: place.to_owned(),
                problem: Some(detail),
            };
            Ok(html(StatusCode::UNPROCESSABLE_ENTITY, &template))
        }
        Err(error) => Err(visitor.no_page(&error)),
    }
}
