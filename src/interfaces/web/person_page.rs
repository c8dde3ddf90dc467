//! A person: what its records say together and where each value comes from, the
//! records, what happened, and the ways to join, part and move, each shown before
//! it is done.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{
    self, Cohesion, Context, FlowError, GoldenAnswer, HistoryPart, PersonAnswer, PersonRecord,
    PersonStanding,
};
use crate::foundation::limits::HISTORY_ENTRIES_MAX;
use crate::foundation::{Instant, PersonId};
use crate::identity::SubmittedRecord;
use crate::interfaces::web::cohesion::Picture;
use crate::interfaces::web::forms::parameters;
use crate::interfaces::web::layout::{NoPage, Page, html, may};
use crate::interfaces::web::local_time::{LocalTime, meant};
use crate::interfaces::web::search_page::ask_purpose;
use crate::interfaces::web::timeline::{Happened, timeline};
use crate::interfaces::web::values::{ROWS, name_of, standard, values};
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::registry::{GoldenValue, Origin};
use crate::security::Action;

struct Lost {
    value: String,
    from: String,
    because: &'static str,
}

struct Golden {
    field: String,
    value: Option<String>,
    from: Option<String>,
    when: Option<LocalTime>,
    because: &'static str,
    preferred_by: Option<String>,
    lost: Vec<Lost>,
}

struct Record {
    place: usize,
    source: String,
    local_id: String,
    version: u32,
    name: String,
    birth_date: String,
    route: &'static str,
    bits: Option<String>,
    doubtful: bool,
    erased: bool,
}

struct Other {
    person: String,
    grade: &'static str,
    bits: String,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonTemplate {
    page: Page,
    id: String,
    name: String,
    requested: Option<String>,
    withdrawn: bool,
    confused: bool,
    as_of: Option<LocalTime>,
    as_of_text: String,
    /// What was asked for is no instant.
    no_instant: bool,
    golden: Vec<Golden>,
    records: Vec<Record>,
    picture: Option<Picture>,
    others: Vec<Other>,
    tasks: Vec<String>,
    happened: Vec<Happened>,
    more: bool,
    may_merge: bool,
    may_audit: bool,
    may_give: bool,
    purpose: String,
}

/// The id of a path. What is none is as unknown as one that was never given out.
pub(super) fn person_of(text: &str, visitor: &Visitor) -> Result<PersonId, NoPage> {
    text.parse().map_err(|_| {
        let unknown = FlowError::NotFound("no person with this id is known");
        visitor.no_page(&unknown)
    })
}

/// The instant that a query asks for, with how it was written; `None` where what is
/// written is no instant.
struct Then {
    written: String,
    at: Option<Instant>,
}

impl Then {
    fn of(context: &Context, uri: &Uri) -> Self {
        let mut given = parameters(uri.query()).into_iter();
        let written = given.find(|(name, _)| name == "as_of");
        let written = written.map_or_else(String::new, |(_, value)| value);
        // Today has not ended: it is known until now.
        let at = meant(&written).map(|at| at.min(context.clock.now()));
        Self { written, at }
    }
}

/// A person, now or as it was known at an instant.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
    Path(person): Path<String>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let id = person_of(&person, &visitor)?;
    let Some(purpose) = visitor.visit.purpose.clone() else {
        visitor.may_because(Action::ReadPerson, "asks")?;
        return Ok(ask_purpose(&visitor, uri.path()));
    };
    let then = Then::of(&context, &uri);
    let as_of = then.at;
    let failed = |error: FlowError| visitor.no_page(&error);
    let access = visitor.may(Action::ReadPerson)?;
    let answer = flows::view_person(&context, &access, id, as_of)
        .await
        .map_err(failed)?;
    let golden = flows::view_golden(&context, &access, id, as_of)
        .await
        .map_err(failed)?;
    let cohesion = match as_of {
        None => flows::view_cohesion(&context, &access, id)
            .await
            .map_err(failed)?,
        Some(_) => Cohesion::default(),
    };
    let reading = visitor.may(Action::ReadHistory)?;
    let part = HistoryPart {
        after: None,
        limit: HISTORY_ENTRIES_MAX,
        as_of,
    };
    let history = flows::view_history(&context, &reading, id, part)
        .await
        .map_err(failed)?;
    let shown = Shown {
        then,
        purpose,
        picture: Picture::of(&cohesion),
        more: history.next.is_some(),
        happened: timeline(&context, &visitor, history.entries).await?,
    };
    let template = template(&visitor, answer, golden, shown);
    Ok(html(StatusCode::OK, &template))
}

struct Shown {
    then: Then,
    purpose: String,
    picture: Option<Picture>,
    happened: Vec<Happened>,
    more: bool,
}

fn template(
    visitor: &Visitor,
    answer: PersonAnswer,
    golden: GoldenAnswer,
    shown: Shown,
) -> PersonTemplate {
    let roles = &visitor.visit.roles;
    let names_actors = golden.names_actors;
    let golden: Vec<Golden> = golden
        .golden
        .values
        .into_iter()
        .map(|value| of_golden(value, names_actors))
        .collect();
    let name = golden.iter().find(|value| value.field == "Name");
    let name = name.and_then(|value| value.value.clone());
    let name = name.unwrap_or_else(|| "No name is known".to_owned());
    PersonTemplate {
        page: visitor.page("Person", "/search"),
        id: answer.person.to_string(),
        name,
        requested: (answer.requested != answer.person).then(|| answer.requested.to_string()),
        withdrawn: answer.standing == PersonStanding::Withdrawn,
        confused: answer.number_confused,
        as_of: shown.then.at.map(LocalTime::of),
        no_instant: shown.then.at.is_none() && !shown.then.written.trim().is_empty(),
        golden,
        records: answer
            .records
            .into_iter()
            .enumerate()
            .map(of_record)
            .collect(),
        picture: shown.picture,
        others: answer
            .possible
            .iter()
            .map(|other| Other {
                person: other.person_id.to_string(),
                grade: words::grade(other.grade),
                bits: format!("{:.1}", other.weight_bits),
            })
            .collect(),
        tasks: answer.tasks.iter().map(ToString::to_string).collect(),
        happened: shown.happened,
        more: shown.more,
        may_merge: may(roles, Action::MergePerson) && shown.then.at.is_none(),
        as_of_text: shown.then.written,
        may_audit: may(roles, Action::ReadAudit),
        may_give: may(roles, Action::GiveSubjectAccess),
        purpose: shown.purpose,
    }
}

/// All that a partial record says, in one line.
pub(super) fn said(record: &SubmittedRecord) -> String {
    let all = ROWS.iter().flat_map(|row| values(*row, record));
    let texts = all.map(|value| match value.note.as_str() {
        "" => value.sent,
        note => format!("{} ({note})", value.sent),
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn origin(origin: &Origin) -> String {
    format!(
        "{} {}, version {}",
        origin.source, origin.local_id, origin.version
    )
}

fn of_golden(value: GoldenValue, names_actors: bool) -> Golden {
    Golden {
        field: words::golden(value.field),
        value: value.origin.is_some().then(|| said(&value.value)),
        when: value
            .origin
            .as_ref()
            .map(|it| LocalTime::of(it.effective_at.unwrap_or(it.received_at))),
        from: value.origin.as_ref().map(origin),
        because: value.chosen.sentence(),
        preferred_by: value.preferred.map(|(by, _)| by).filter(|_| names_actors),
        lost: value
            .lost
            .into_iter()
            .map(|lost| Lost {
                value: said(&lost.value),
                from: origin(&lost.origin),
                because: lost.because.sentence(),
            })
            .collect(),
    }
}

fn of_record((place, record): (usize, PersonRecord)) -> Record {
    let says = record.record.as_ref();
    Record {
        place: place + 1,
        source: record.source.to_string(),
        local_id: record.local_id.to_string(),
        version: record.version,
        name: says.map(name_of).unwrap_or_default(),
        birth_date: says
            .and_then(|it| it.birth_date.clone())
            .unwrap_or_default(),
        route: words::route(record.route),
        bits: record.weight_bits.map(|bits| format!("{bits:.1}")),
        doubtful: record.doubtful,
        erased: says.is_none(),
    }
}

struct Finding {
    field: String,
    severity: &'static str,
    sentence: String,
    rule: String,
}

struct Said {
    label: &'static str,
    sent: String,
    note: String,
    standard: Option<String>,
}

struct Version {
    version: u32,
    standing: &'static str,
    received: LocalTime,
    effective: Option<LocalTime>,
    says: Vec<Said>,
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordTemplate {
    page: Page,
    person: String,
    as_of: Option<LocalTime>,
    source: String,
    local_id: String,
    route: &'static str,
    doubtful: bool,
    findings: Vec<Finding>,
    versions: Vec<Version>,
    tasks: Vec<String>,
}

/// A record of a person, by its place among them: its local id may name a patient
/// and stands in no address.
pub(super) async fn show_record(
    State(context): State<Context>,
    visitor: Visitor,
    Path((person, place)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let id = person_of(&person, &visitor)?;
    let as_of = Then::of(&context, &uri).at;
    if visitor.visit.purpose.is_none() {
        visitor.may_because(Action::ReadRecord, "asks")?;
        return Ok(ask_purpose(&visitor, &format!("/persons/{id}")));
    }
    let failed = |error: FlowError| visitor.no_page(&error);
    let record = record_at(&context, &visitor, (id, &place), as_of).await?;
    let access = visitor.may(Action::ReadRecord)?;
    let (source, local_id) = (record.source, record.local_id);
    let answer = flows::view_record(&context, &access, &source, &local_id, as_of)
        .await
        .map_err(failed)?;
    let findings = answer.answer.findings.iter().map(|finding| Finding {
        field: finding.field.clone(),
        severity: words::severity(finding.severity),
        sentence: finding.sentence.clone(),
        rule: finding.rule.clone().unwrap_or_default(),
    });
    let versions = answer.versions.iter().rev().map(|version| {
        let says = version.record.iter().flat_map(|record| {
            ROWS.iter().flat_map(|row| {
                values(*row, record).into_iter().map(|value| Said {
                    label: row.label(),
                    standard: standard(&context, *row, &value)
                        .0
                        .filter(|it| *it != value.sent),
                    sent: value.sent,
                    note: value.note,
                })
            })
        });
        Version {
            version: version.version,
            standing: words::version(version.standing),
            received: LocalTime::of(version.received_at),
            effective: version.effective_at.map(LocalTime::of),
            says: says.collect(),
        }
    });
    let template = RecordTemplate {
        page: visitor.page("Record", "/search"),
        person: id.to_string(),
        as_of: as_of.map(LocalTime::of),
        source: source.to_string(),
        local_id: local_id.to_string(),
        route: words::route(answer.link.as_ref().and_then(|link| link.route)),
        doubtful: answer.link.as_ref().is_some_and(|link| link.doubtful),
        findings: findings.collect(),
        versions: versions.collect(),
        tasks: answer.tasks.iter().map(ToString::to_string).collect(),
    };
    Ok(html(StatusCode::OK, &template))
}

/// The record at a place of a person's list, counted from 1.
pub(super) async fn record_at(
    context: &Context,
    visitor: &Visitor,
    (person, place): (PersonId, &str),
    as_of: Option<Instant>,
) -> Result<PersonRecord, NoPage> {
    let access = visitor.may(Action::ReadPerson)?;
    let answer = flows::view_person(context, &access, person, as_of)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let place = place
        .parse::<usize>()
        .ok()
        .and_then(|place| place.checked_sub(1));
    let found = place.and_then(|place| answer.records.into_iter().nth(place));
    found.ok_or_else(|| {
        visitor.no_page(&FlowError::NotFound(
            "the person has no record at this place",
        ))
    })
}
