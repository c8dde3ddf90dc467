//! Joining, parting and moving by a human's word: first what would change, then
//! the deed, with a reason and a password that was given a short time ago.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::flows::{self, Asked, Becomes, Context, FlowError, TaskStepKind, WouldChange};
use crate::foundation::{Instant, MergeId, PersonId};
use crate::interfaces::http::Problem;
use crate::interfaces::web::forms::Form;
use crate::interfaces::web::layout::{NoPage, Page, html, redirect};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::person_page::{person_of, record_at, said};
use crate::interfaces::web::search_page::ask_purpose;
use crate::interfaces::web::task_steps::confirm;
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::interfaces::web::words;
use crate::registry::MoveTarget;
use crate::security::{Access, Action};

struct Told {
    person: String,
    reader: String,
    times: String,
    last: LocalTime,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct PreviewTemplate {
    page: Page,
    heading: &'static str,
    /// Where the form goes, and what goes along.
    action: String,
    hidden: Vec<(&'static str, String)>,
    back: String,
    reason: String,
    notes: Vec<String>,
    lines: Vec<String>,
    golden: Vec<(String, String, String, String)>,
    told: Vec<Told>,
    asks_password: bool,
    problem: Option<String>,
    may_go: bool,
}

/// Something that may be done, as the page before shows it.
struct Deed<'a> {
    heading: &'static str,
    action: String,
    hidden: Vec<(&'static str, String)>,
    back: String,
    posted: &'a Posted,
}

impl Deed<'_> {
    fn page(
        &self,
        status: StatusCode,
        seen: Option<(WouldChange, Vec<String>)>,
        problem: Option<String>,
    ) -> Response {
        let Posted { visitor, form } = self.posted;
        let may_go = seen.is_some();
        let (would, notes) = seen.unwrap_or_default();
        let template = PreviewTemplate {
            page: visitor.page(self.heading, "/search"),
            heading: self.heading,
            action: self.action.clone(),
            hidden: self.hidden.clone(),
            back: self.back.clone(),
            reason: form.text("reason").to_owned(),
            notes,
            lines: lines(&would),
            golden: golden(&would),
            told: told(&would),
            asks_password: !visitor.visit.confirmed,
            problem,
            may_go,
        };
        html(status, &template)
    }

    /// What is refused keeps what was typed.
    fn refused(&self, error: &FlowError) -> Result<Response, NoPage> {
        let visitor = &self.posted.visitor;
        let problem = Problem::of(error, &visitor.request_id);
        if matches!(problem.status, 404 | 500..) {
            return Err(NoPage::new(visitor.page("", ""), problem));
        }
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
        Ok(self.page(status, None, Some(problem.detail)))
    }
}

fn is_deed(form: &Form) -> bool {
    form.text("step") == "do"
}

fn asked(form: &Form, dry_run: bool) -> Asked {
    Asked {
        reason: form.text("reason").to_owned(),
        dry_run,
        idempotency_key: None,
    }
}

const WRONG_PASSWORD: &str = "Give your password: what follows joins or parts people, and the \
                              right one was not given within the last half hour.";

fn lines(would: &WouldChange) -> Vec<String> {
    let of = |person: &Option<PersonId>| {
        person.map_or_else(
            || "a person of its own".to_owned(),
            |person| person.to_string(),
        )
    };
    let records = would.records.iter().map(|step| {
        let (source, local_id) = (&step.record.source, &step.record.local_id);
        format!(
            "The record {source} {local_id} goes from {} to {}.",
            of(&step.from),
            of(&step.to)
        )
    });
    let persons = would.persons.iter().map(|step| {
        let id = step.person_id;
        match (step.becomes, step.replaced_by) {
            (Becomes::Active, _) => format!("{id} stands for itself again."),
            (Becomes::Retired, Some(by)) => format!("{id} leads to {by}."),
            (Becomes::Retired, None) => format!("{id} leads to another."),
            (Becomes::Withdrawn, _) => format!("{id} has no active record any more."),
        }
    });
    let tasks = would.tasks.iter().map(|step| {
        let kind = step.kind.map_or("A question", words::kind);
        match step.change {
            TaskStepKind::Opened => format!("A question is asked: {kind}"),
            TaskStepKind::Updated => format!("A question has more to go by: {kind}"),
            TaskStepKind::Closed => format!("A question is closed: {kind}"),
        }
    });
    records.chain(persons).chain(tasks).collect()
}

fn golden(would: &WouldChange) -> Vec<(String, String, String, String)> {
    let text = |record: &Option<crate::identity::SubmittedRecord>| {
        record.as_ref().map(said).unwrap_or_default()
    };
    let steps = would.golden.iter().map(|step| {
        let field = serde_json::to_value(step.field).ok();
        let field = field.and_then(|it| it.as_str().map(|it| it.replace('_', " ")));
        let person = step
            .person_id
            .map_or_else(|| "the new person".to_owned(), |it| it.to_string());
        (
            person,
            field.unwrap_or_default(),
            text(&step.before),
            text(&step.after),
        )
    });
    steps.collect()
}

fn told(would: &WouldChange) -> Vec<Told> {
    let told = would.told.iter().map(|told| Told {
        person: told.person_id.to_string(),
        reader: match &told.on_behalf_of {
            Some(person) => format!("{} for {person}", told.reader),
            None => told.reader.clone(),
        },
        times: told.times.to_string(),
        last: LocalTime::of(Instant::parse(&told.last_at).unwrap_or_default()),
    });
    told.collect()
}

fn access(visitor: &Visitor) -> Result<Access, NoPage> {
    let purpose = visitor
        .visit
        .purpose
        .as_deref()
        .unwrap_or("joins or parts records");
    visitor.may_because(Action::MergePerson, purpose)
}

/// Joins another person to this one.
pub(super) async fn merge(
    State(context): State<Context>,
    Path(person): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let Posted { visitor, form } = &posted;
    let survivor = person_of(&person, visitor)?;
    let retired = person_of(form.text("other"), visitor)?;
    let access = access(visitor)?;
    let deed = Deed {
        heading: "Join two persons",
        action: format!("/persons/{survivor}/merge"),
        hidden: vec![("other", retired.to_string())],
        back: format!("/persons/{survivor}"),
        posted: &posted,
    };
    let look = asked(form, true);
    let seen = flows::merge_persons(&context, &access, survivor, retired, (&look, None)).await;
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => return deed.refused(&error),
    };
    let notes = seen
        .approval
        .iter()
        .map(|reason| format!("A second person has to approve it: {}", reason.sentence()));
    let seen = (seen.would_change.unwrap_or_default(), notes.collect());
    if !is_deed(form) {
        return Ok(deed.page(StatusCode::OK, Some(seen), None));
    }
    if !confirm(&context, visitor, form).await? {
        let problem = Some(WRONG_PASSWORD.to_owned());
        return Ok(deed.page(StatusCode::FORBIDDEN, Some(seen), problem));
    }
    let go = asked(form, false);
    match flows::merge_persons(&context, &access, survivor, retired, (&go, None)).await {
        Ok(outcome) => Ok(match outcome.task {
            Some(task) => redirect(&format!("/review/tasks/{task}")),
            None => redirect(&format!("/persons/{survivor}")),
        }),
        Err(error) => deed.refused(&error),
    }
}

/// Takes a merge back.
pub(super) async fn undo(
    State(context): State<Context>,
    Path(merge): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let Posted { visitor, form } = &posted;
    let merge: MergeId = merge
        .parse()
        .map_err(|_| visitor.no_page(&FlowError::NotFound("no merge with this id is known")))?;
    let access = access(visitor)?;
    let mut deed = Deed {
        heading: "Take a merge back",
        action: format!("/merges/{merge}/undo"),
        hidden: Vec::new(),
        back: "/search".to_owned(),
        posted: &posted,
    };
    let look = asked(form, true);
    let seen = match flows::undo_merge(&context, &access, merge, (&look, None)).await {
        Ok(seen) => seen,
        Err(error) => return deed.refused(&error),
    };
    deed.back = format!("/persons/{}", seen.survivor);
    let notes = seen.deviations.iter().map(|deviation| {
        let record = deviation.record.as_ref();
        let record = record.map(|it| format!("{} {}: ", it.source, it.local_id));
        format!(
            "Not as it was: {}{}",
            record.unwrap_or_default(),
            deviation.sentence
        )
    });
    let seen = (seen.would_change.unwrap_or_default(), notes.collect());
    if !is_deed(form) {
        return Ok(deed.page(StatusCode::OK, Some(seen), None));
    }
    if !confirm(&context, visitor, form).await? {
        let problem = Some(WRONG_PASSWORD.to_owned());
        return Ok(deed.page(StatusCode::FORBIDDEN, Some(seen), problem));
    }
    let go = asked(form, false);
    match flows::undo_merge(&context, &access, merge, (&go, None)).await {
        Ok(outcome) => Ok(redirect(&format!("/persons/{}", outcome.retired))),
        Err(error) => deed.refused(&error),
    }
}

/// Moves one record to another person, or to one of its own.
pub(super) async fn move_record(
    State(context): State<Context>,
    Path((person, place)): Path<(String, String)>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let Posted { visitor, form } = &posted;
    let person = person_of(&person, visitor)?;
    if visitor.visit.purpose.is_none() {
        return Ok(ask_purpose(visitor, &format!("/persons/{person}")));
    }
    let to = match form.text("to") {
        "" | "new" => MoveTarget::New,
        other => MoveTarget::Person(person_of(other, visitor)?),
    };
    let record = record_at(&context, visitor, person, &place).await?;
    // A list may have changed since the form was made.
    let digest = visitor.code_of(&record.source, &record.local_id);
    let access = access(visitor)?;
    let deed = Deed {
        heading: "Move a record",
        action: format!("/persons/{person}/records/{place}/move"),
        hidden: vec![
            ("to", form.text("to").to_owned()),
            ("record", digest.clone()),
        ],
        back: format!("/persons/{person}"),
        posted: &posted,
    };
    if is_deed(form) && form.text("record") != digest {
        return deed.refused(&FlowError::Stale);
    }
    let record = (record.source, record.local_id);
    let look = asked(form, true);
    let seen = flows::move_record(&context, &access, record.clone(), to, (&look, None)).await;
    let seen = match seen {
        Ok(seen) => (seen.would_change.unwrap_or_default(), Vec::new()),
        Err(error) => return deed.refused(&error),
    };
    if !is_deed(form) {
        return Ok(deed.page(StatusCode::OK, Some(seen), None));
    }
    if !confirm(&context, visitor, form).await? {
        let problem = Some(WRONG_PASSWORD.to_owned());
        return Ok(deed.page(StatusCode::FORBIDDEN, Some(seen), problem));
    }
    let go = asked(form, false);
    match flows::move_record(&context, &access, record, to, (&go, None)).await {
        Ok(outcome) => {
            let to = outcome.person_id.unwrap_or(person);
            Ok(redirect(&format!("/persons/{to}")))
        }
        Err(error) => deed.refused(&error),
    }
}
