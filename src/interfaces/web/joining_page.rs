//! Joining, parting and moving by a human's word: first what would change, then
//! the deed, with a reason and a password that was given a short time ago.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::flows::{
    self, Asked, Becomes, Context, DeviationEntry, FlowError, IfMatch, TaskStepKind, WouldChange,
};
use crate::foundation::{Instant, MergeId, PersonId};
use crate::interfaces::http::Problem;
use crate::interfaces::web::forms::Form;
use crate::interfaces::web::layout::{NoPage, Page, html, redirect};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::person_page::{person_of, record_at, said};
use crate::interfaces::web::search_page::ask_purpose;
use crate::interfaces::web::task_steps::{confirm, unconfirmed};
use crate::interfaces::web::visitor::{Posted, Visitor};
use crate::interfaces::web::words;
use crate::registry::{LocalId, MoveTarget, SourceCode};
use crate::security::{Access, Action};

struct Told {
    person: String,
    reader: String,
    times: String,
    last: LocalTime,
}

/// A line of what would change.
struct Line {
    text: String,
    /// It was not there when somebody looked.
    fresh: bool,
}

/// A value that would be another.
struct Value {
    person: String,
    field: String,
    before: String,
    after: String,
    fresh: bool,
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
    notes: Vec<Line>,
    lines: Vec<Line>,
    golden: Vec<Value>,
    told: Vec<Told>,
    asks_password: bool,
    elsewhere: bool,
    problem: Option<String>,
    may_go: bool,
}

/// What is done to records and persons.
enum Step {
    Merge {
        survivor: PersonId,
        retired: PersonId,
    },
    Undo(MergeId),
    Move {
        record: (SourceCode, LocalId),
        from: PersonId,
        to: MoveTarget,
    },
}

/// What a step would do, or has done.
struct Taken {
    would: WouldChange,
    notes: Vec<String>,
    /// The page that it came from, and the one that follows.
    back: String,
    then: String,
}

impl Step {
    async fn take(
        &self,
        context: &Context,
        access: &Access,
        asked: &Asked,
        seen: Option<IfMatch>,
    ) -> Result<Taken, FlowError> {
        match self {
            Self::Merge { survivor, retired } => {
                let how = (asked, seen);
                let outcome = flows::merge_persons(context, access, *survivor, *retired, how);
                let outcome = outcome.await?;
                let because = outcome.approval.iter().map(|reason| {
                    let reason = reason.sentence();
                    format!("A second person has to approve it: {reason}")
                });
                let back = format!("/persons/{survivor}");
                let task = outcome.task.map(|task| format!("/review/tasks/{task}"));
                Ok(Taken {
                    would: outcome.would_change.unwrap_or_default(),
                    notes: because.collect(),
                    then: task.unwrap_or_else(|| back.clone()),
                    back,
                })
            }
            Self::Undo(merge) => {
                let outcome = flows::undo_merge(context, access, *merge, (asked, seen)).await?;
                Ok(Taken {
                    would: outcome.would_change.unwrap_or_default(),
                    notes: outcome.deviations.iter().map(not_as_it_was).collect(),
                    back: format!("/persons/{}", outcome.survivor),
                    then: format!("/persons/{}", outcome.retired),
                })
            }
            Self::Move { record, from, to } => {
                let moved = flows::move_record(context, access, record.clone(), *to, (asked, seen));
                let outcome = moved.await?;
                Ok(Taken {
                    would: outcome.would_change.unwrap_or_default(),
                    notes: Vec::new(),
                    back: format!("/persons/{from}"),
                    then: format!("/persons/{}", outcome.person_id.unwrap_or(*from)),
                })
            }
        }
    }
}

fn not_as_it_was(deviation: &DeviationEntry) -> String {
    let record = deviation.record.as_ref();
    let record = record.map(|it| format!("{} {}: ", it.source, it.local_id));
    let record = record.unwrap_or_default();
    format!("Not as it was: {record}{}", deviation.sentence)
}

/// A step with the form that asks for it.
struct Deed<'a> {
    heading: &'static str,
    action: String,
    hidden: Vec<(&'static str, String)>,
    back: String,
    posted: &'a Posted,
    step: Step,
}

impl Deed<'_> {
    /// First what would change; then, where the form asks for it and has seen just
    /// that, the deed.
    async fn carry_out(mut self, context: &Context) -> Result<Response, NoPage> {
        let Posted { visitor, form } = self.posted;
        let access = access(visitor)?;
        let look = asked(form, true);
        let now = match self.step.take(context, &access, &look, None).await {
            Ok(now) => now,
            Err(error) => return self.refused(&error),
        };
        self.back.clone_from(&now.back);
        if !is_deed(form) {
            return Ok(self.page(StatusCode::OK, Some(now), None));
        }
        if form.text("seen") != now.would.seen {
            return Ok(self.changed_since(now));
        }
        if !confirm(context, visitor, form).await? {
            let problem = Some(unconfirmed(visitor).to_owned());
            return Ok(self.page(StatusCode::FORBIDDEN, Some(now), problem));
        }
        let (go, seen) = (asked(form, false), IfMatch::Seen(now.would.seen));
        match self.step.take(context, &access, &go, Some(seen)).await {
            Ok(done) => Ok(redirect(&done.then)),
            // Between the look and the commit.
            Err(FlowError::Stale) => match self.step.take(context, &access, &look, None).await {
                Ok(now) => Ok(self.changed_since(now)),
                Err(error) => self.refused(&error),
            },
            Err(error) => self.refused(&error),
        }
    }

    /// What was shown is not what would happen: the difference, and the question again.
    fn changed_since(&self, now: Taken) -> Response {
        let Posted { visitor, form } = self.posted;
        let lines = marks(visitor, &now);
        let shown: BTreeSet<&str> = form.text("lines").split(' ').collect();
        let fresh = lines.iter().filter(|line| !shown.contains(line.as_str()));
        let fresh = fresh.count();
        let gone = shown.iter().filter(|mark| !mark.is_empty());
        let gone = gone.filter(|mark| !lines.iter().any(|line| line == *mark));
        let gone = gone.count();
        let problem = if fresh + gone == 0 {
            "What is known of these people has changed since this was shown; what would happen is \
             still the same. Nothing was done: read it again."
                .to_owned()
        } else {
            format!(
                "What would happen is not what you were shown: {fresh} of the lines below are new \
                 and marked, {gone} of those that you saw would not happen any more. Nothing was \
                 done: read it again."
            )
        };
        self.page(StatusCode::CONFLICT, Some(now), Some(problem))
    }

    fn page(&self, status: StatusCode, seen: Option<Taken>, problem: Option<String>) -> Response {
        let Posted { visitor, form } = self.posted;
        let mut hidden = self.hidden.clone();
        let may_go = seen.is_some();
        // Marks of lines that were shown; the first page has shown none.
        let shown: Vec<&str> = form.text("lines").split(' ').collect();
        let is_fresh = |text: &str| {
            let mark = mark(visitor, text);
            is_deed(form) && !shown.contains(&mark.as_str())
        };
        let line = |text: String| Line {
            fresh: is_fresh(&text),
            text,
        };
        let (mut notes, mut lines_shown) = (Vec::new(), Vec::new());
        let (mut values, mut readers) = (Vec::new(), Vec::new());
        if let Some(now) = seen {
            hidden.push(("seen", now.would.seen.clone()));
            hidden.push(("lines", marks(visitor, &now).join(" ")));
            lines_shown = lines(&now.would).into_iter().map(line).collect();
            values = golden(&now.would);
            for value in &mut values {
                value.fresh = is_fresh(&value.text());
            }
            readers = told(&now.would);
            notes = now.notes.into_iter().map(line).collect();
        }
        let template = PreviewTemplate {
            page: visitor.page(self.heading, "/search"),
            heading: self.heading,
            action: self.action.clone(),
            hidden,
            back: self.back.clone(),
            reason: form.text("reason").to_owned(),
            notes,
            lines: lines_shown,
            golden: values,
            told: readers,
            elsewhere: visitor.visit.elsewhere,
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

impl Value {
    fn text(&self) -> String {
        [self.person.as_str(), &self.field, &self.before, &self.after].join("\n")
    }
}

/// Hexadecimal digits of a mark: enough to tell the lines of one page apart.
const MARK_DIGITS: usize = 16;

/// A mark of a line that tells nothing of it and holds in this session.
fn mark(visitor: &Visitor, text: &str) -> String {
    let mut mark = visitor.code_of(text);
    mark.truncate(MARK_DIGITS);
    mark
}

fn marks(visitor: &Visitor, now: &Taken) -> Vec<String> {
    let values = golden(&now.would).into_iter().map(|value| value.text());
    let all = now.notes.iter().cloned();
    let all = all.chain(lines(&now.would)).chain(values);
    all.map(|text| mark(visitor, &text)).collect()
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

fn golden(would: &WouldChange) -> Vec<Value> {
    let text = |record: &Option<crate::identity::SubmittedRecord>| {
        record.as_ref().map(said).unwrap_or_default()
    };
    let steps = would.golden.iter().map(|step| {
        let person = step
            .person_id
            .map_or_else(|| "the new person".to_owned(), |it| it.to_string());
        Value {
            person,
            field: words::golden(step.field),
            before: text(&step.before),
            after: text(&step.after),
            fresh: false,
        }
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
    let deed = Deed {
        heading: "Join two persons",
        action: format!("/persons/{survivor}/merge"),
        hidden: vec![("other", retired.to_string())],
        back: format!("/persons/{survivor}"),
        posted: &posted,
        step: Step::Merge { survivor, retired },
    };
    deed.carry_out(&context).await
}

/// Takes a merge back.
pub(super) async fn undo(
    State(context): State<Context>,
    Path(merge): Path<String>,
    posted: Posted,
) -> Result<Response, NoPage> {
    let visitor = &posted.visitor;
    let merge: MergeId = merge
        .parse()
        .map_err(|_| visitor.no_page(&FlowError::NotFound("no merge with this id is known")))?;
    let deed = Deed {
        heading: "Take a merge back",
        action: format!("/merges/{merge}/undo"),
        hidden: Vec::new(),
        back: "/search".to_owned(),
        posted: &posted,
        step: Step::Undo(merge),
    };
    deed.carry_out(&context).await
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
    let record = record_at(&context, visitor, (person, &place), None).await?;
    // A list may have changed since the form was made.
    let code = visitor.code_of(&format!("{}\n{}", record.source, record.local_id));
    let deed = Deed {
        heading: "Move a record",
        action: format!("/persons/{person}/records/{place}/move"),
        hidden: vec![("to", form.text("to").to_owned()), ("record", code.clone())],
        back: format!("/persons/{person}"),
        posted: &posted,
        step: Step::Move {
            record: (record.source, record.local_id),
            from: person,
            to,
        },
    };
    if is_deed(form) && form.text("record") != code {
        return deed.refused(&FlowError::Stale);
    }
    deed.carry_out(&context).await
}
