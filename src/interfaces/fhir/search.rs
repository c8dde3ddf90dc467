//! Search for people: the national service's, and PDQm's (ITI-78).

use axum::body::Bytes;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use crate::flows::{self, Context, FlowError, FoundPerson, SearchAnswer, SearchGap, Wanted};
use crate::foundation::PersonId;
use crate::foundation::limits::RECORD_BODY_BYTES_MAX;
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::criteria::{self, Sought};
use crate::interfaces::fhir::identifiers::{canonical, source_of, sources};
use crate::interfaces::fhir::narrowing::{Narrowing, UnknownDomain};
use crate::interfaces::fhir::outcome::{Spine, notice, outcome, refuse, too_many};
use crate::interfaces::fhir::patients::Known;
use crate::interfaces::fhir::persons;
use crate::interfaces::fhir::query::Query;
use crate::interfaces::fhir::searchset::Searchset;
use crate::interfaces::fhir::speak::{format_of, in_form};
use crate::interfaces::http::reading::{read_bytes, require_media};
use crate::interfaces::http::{Caller, FhirReadings, Problem, Refused, RetiredIds};
use crate::matching::search::SearchRequest;
use crate::registry::{LocalId, Source};
use crate::security::{Access, Action};

const FORM: &str = "application/x-www-form-urlencoded";

/// Searches by the query. What is asked for stands in the URL then: `POST _search` is
/// the better way (R120).
pub(super) async fn by_query(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    search(
        (&context, readings),
        &caller,
        &headers,
        &query.unwrap_or_default(),
    )
    .await
}

/// Searches by a form in the body.
pub(super) async fn by_form(
    State(context): State<Context>,
    caller: Caller,
    readings: FhirReadings,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Action::SearchPerson)?;
    let form = read_form(&caller, &headers, request).await?;
    let joined = [query.unwrap_or_default(), form].join("&");
    let found = search((&context, readings), &caller, &headers, &joined).await?;
    Ok(in_form(found, format_of(&joined)))
}

/// The text of a form; what is no text fails where the query is read.
pub(super) async fn read_form(
    caller: &Caller,
    headers: &HeaderMap,
    request: Request,
) -> Result<String, Problem> {
    require_media(headers, &[FORM], caller.request_id())?;
    let body: Bytes = read_bytes(request, RECORD_BODY_BYTES_MAX, caller.request_id()).await?;
    Ok(String::from_utf8(body.to_vec()).unwrap_or_else(|_| "%".to_owned()))
}

async fn search(
    (context, readings): (&Context, FhirReadings),
    caller: &Caller,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, Problem> {
    let access = caller.may(Action::SearchPerson)?;
    let query = Query::read(query, caller.request_id())?;
    let (sought, limit) = criteria::read(&query, (caller, readings), context.clock.now().date())?;
    let sources = sources(context, caller).await?;
    let narrowing = match Narrowing::read(&query, caller, &sources)? {
        Ok(narrowing) => narrowing,
        Err(domain) => return Ok(unknown_domain(&domain)),
    };
    let search = Search {
        context,
        readings,
        caller,
        access: &access,
        sources,
        narrowing,
    };
    let mut found = Searchset::new(headers);
    match sought {
        Sought::Id(id) => search.add_id(&mut found, &id).await?,
        Sought::Identifier { system, value } => {
            let persons = search.with_identifier(&mut found, &system, &value).await?;
            if persons.len() > limit || (persons.len() > 1 && !access.sees_search_list()) {
                return Ok(many());
            }
            for person in persons {
                search.add(&mut found, person, 1.0).await?;
            }
        }
        Sought::Criteria(parts) => {
            let Some(persons) = search.by_criteria(&mut found, &parts, limit).await? else {
                return Ok(many());
            };
            for person in persons {
                search.add(&mut found, person.person, person.score).await?;
            }
        }
    }
    if query
        .all("_revinclude")
        .any(|wanted| wanted == "RelatedPerson:patient")
    {
        found.include_related();
    }
    Ok(found.answer("/Patient"))
}

/// Too many, or more than one for a system that may learn of one alone: no error, and
/// nobody is named.
fn many() -> Response {
    let said = "more people meet the criteria than may be answered; add criteria";
    answer(StatusCode::OK, &too_many(said))
}

/// PDQm's case 4: whose identifiers are wanted is nobody that is known here.
fn unknown_domain(UnknownDomain(name): &UnknownDomain) -> Response {
    let said = format!("targetSystem not found: {name}");
    let issues = vec![notice("warning", "not-found", &said)];
    answer(StatusCode::NOT_FOUND, &outcome(issues))
}

/// A search under way.
struct Search<'s> {
    context: &'s Context,
    readings: FhirReadings,
    caller: &'s Caller,
    access: &'s Access,
    sources: Vec<Source>,
    narrowing: Narrowing,
}

impl Search<'_> {
    fn failed(&self, error: &FlowError) -> Problem {
        match error {
            FlowError::Unprocessable {
                member,
                rule: "R120",
                detail,
            } => {
                let parameter = parameter_of(member);
                let (refused, spine) = (Refused::Malformed, Spine::InvalidSearchData);
                refuse(self.caller, refused, spine, parameter, in_words(detail))
            }
            other => Problem::of(other, self.caller.request_id()),
        }
    }

    async fn add(
        &self,
        found: &mut Searchset,
        person: PersonId,
        score: f64,
    ) -> Result<(), Problem> {
        let (mut patient, _) = persons::patient(
            self.context,
            self.access,
            self.caller,
            &self.sources,
            person,
        )
        .await?;
        let hides = self.readings.retired_ids == RetiredIds::Unknown;
        if (hides && persons::is_retired(&patient)) || !self.narrowing.keeps(&mut patient) {
            return Ok(());
        }
        found.add(patient, &json!({"score": (score * 1e4).round() / 1e4}));
        Ok(())
    }

    async fn add_id(&self, found: &mut Searchset, id: &str) -> Result<(), Problem> {
        let unknown = |problem: &Problem| problem.status == 404;
        if let Ok(person) = id.parse::<PersonId>() {
            return match self.add(found, person, 1.0).await {
                Err(problem) if unknown(&problem) => Ok(()),
                done => done,
            };
        }
        match Known::find(self.context, self.caller, id).await {
            Ok(known) => {
                let hidden = known.is_hidden(self.context, self.caller, self.readings);
                if !hidden.await?
                    && let Some(mut patient) = known.current_patient()
                    && self.narrowing.keeps(&mut patient)
                {
                    found.add(patient, &json!({"score": 1.0}));
                }
                Ok(())
            }
            Err(problem) if unknown(&problem) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// Who has the identifier: as a local id of a source, else as one of another
    /// authority.
    async fn with_identifier(
        &self,
        found: &mut Searchset,
        system: &str,
        value: &str,
    ) -> Result<Vec<PersonId>, Problem> {
        let source = source_of(&self.sources, system);
        if let Some(source) = source {
            // Local ids can be counted through: by those of others a system may not ask.
            self.caller
                .may_for(Action::SearchPerson, source.code.as_str())?;
        }
        if let (Some(source), Ok(local_id)) = (source, LocalId::parse(value)) {
            let (code, wanted) = (&source.code, Wanted::default());
            let hides = self
                .readings
                .hides(self.context, self.access, code, &local_id);
            if hides.await.map_err(|error| self.failed(&error))? {
                return Ok(Vec::new());
            }
            match flows::cross_reference(self.context, self.access, code, &local_id, wanted).await {
                Ok(known) => return Ok(vec![known.person]),
                Err(FlowError::NotFound(_)) => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        let names = [canonical(&self.sources, system)];
        let carried =
            flows::persons_with_identifier(self.context, self.access, &names, value).await;
        let carried = carried.map_err(|error| self.failed(&error))?;
        if !carried.complete {
            found
                .incomplete("so many records carry such an identifier that not all were looked at");
        }
        Ok(carried.persons)
    }

    /// Everybody who meets one of the requests, best first; `None` for too many.
    async fn by_criteria(
        &self,
        found: &mut Searchset,
        parts: &[SearchRequest],
        limit: usize,
    ) -> Result<Option<Vec<FoundPerson>>, Problem> {
        let mut persons: Vec<FoundPerson> = Vec::new();
        for part in parts {
            let searched = flows::search_persons(self.context, self.access, part, limit).await;
            let searched: SearchAnswer = searched.map_err(|error| self.failed(&error))?;
            if searched.too_many || searched.not_unique {
                return Ok(None);
            }
            for gap in searched.incomplete_because {
                found.incomplete(sentence(gap));
            }
            for person in searched.persons {
                if !persons.iter().any(|known| known.person == person.person) {
                    persons.push(person);
                }
            }
        }
        let alone = persons.len() <= 1 || self.access.sees_search_list();
        if persons.len() > limit || !alone {
            return Ok(None);
        }
        persons.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.person.cmp(&b.person)));
        Ok(Some(persons))
    }
}

const fn sentence(gap: SearchGap) -> &'static str {
    match gap {
        SearchGap::Narrowed => {
            "very many share these names and dates; only those were looked at that meet the other \
             criteria too"
        }
        SearchGap::TooBroad => "more records meet these criteria than one search looks at",
        SearchGap::IndexBehind => {
            "the index is catching up; some recent changes were not looked at"
        }
    }
}

/// Members of the native search by the parameters of this one.
const PARAMETERS: [(&str, &str); 12] = [
    ("family_name", "family"),
    ("given_names", "given"),
    ("birth_date_from", "birthdate"),
    ("birth_date_to", "birthdate"),
    ("birth_date", "birthdate"),
    ("postcode", "address-postalcode"),
    ("address_line", "address"),
    ("gp_practice", "general-practitioner"),
    ("death_date", "death-date"),
    ("nhs_number", "identifier"),
    ("NHS number", "identifier"),
    ("mode `standard`", "a search that is not fuzzy"),
];

fn parameter_of(member: &str) -> &str {
    let known = PARAMETERS.iter().find(|(own, _)| *own == member);
    known.map_or(member, |(_, parameter)| parameter)
}

fn in_words(detail: &str) -> String {
    let mut text = detail.to_owned();
    for (own, parameter) in PARAMETERS {
        text = text.replace(own, parameter);
    }
    text
}
