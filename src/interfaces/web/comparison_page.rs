//! The comparison page: one question with all that its reader needs, and the
//! steps that can be taken.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::flows::{self, Context, FlowError, ShownRead, TaskAnswer, TaskEntry, TaskStanding};
use crate::foundation::TaskId;
use crate::interfaces::web::around::{Environs, environs};
use crate::interfaces::web::forms::parameters;
use crate::interfaces::web::layout::{NoPage, Page, html, may};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::queue_page::{Asked, REASON};
use crate::interfaces::web::side_by_side::{Compared, Head, compare};
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::waterfall::Waterfall;
use crate::interfaces::web::words;
use crate::matching::Reason;
use crate::registry::{EvidenceRow, LevelChange, TaskOutcome};
use crate::review::{Follow, Foreseen, Reviewer, barred};
use crate::security::Action;

/// A claim that is shown.
struct Claim {
    by: String,
    mine: bool,
    until: LocalTime,
}

/// Something that can be said.
struct Choice {
    code: &'static str,
    label: &'static str,
    key: &'static str,
    follows: &'static str,
    counts: String,
    refused: Option<String>,
    needs_reason: bool,
    chosen: bool,
}

struct Read {
    by: String,
    at: LocalTime,
    outcome: Option<&'static str>,
    reason: Option<String>,
    round: u32,
}

struct Entry {
    at: LocalTime,
    actor: String,
    sentence: String,
    words: Option<String>,
}

struct Change {
    field: &'static str,
    before: String,
    now: String,
}

/// What was done to the question before this one.
pub(super) struct Done {
    pub(super) task: String,
    pub(super) outcome: &'static str,
    pub(super) merge: Option<String>,
    pub(super) assertion: Option<String>,
    /// What was right, where it was a known pair.
    pub(super) known: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct ComparisonTemplate {
    page: Page,
    id: String,
    kind: &'static str,
    standing: &'static str,
    priority: &'static str,
    opened: LocalTime,
    weight: Option<String>,
    reasons: Vec<(&'static str, &'static str)>,
    two_readers: Vec<&'static str>,
    claim: Option<Claim>,
    waits: bool,
    escalated: bool,
    may_work: bool,
    heads: Vec<Head>,
    rows: Vec<Compared>,
    environs: Environs,
    /// Who may be given it.
    colleagues: Vec<String>,
    waterfall: Option<Waterfall>,
    unexplained: Option<String>,
    raised_on: Vec<(&'static str, String, String)>,
    changes: Vec<Change>,
    choices: Vec<Choice>,
    /// Why it is not this reader's to answer.
    barred: Option<String>,
    asks_password: bool,
    elsewhere: bool,
    reads: Vec<Read>,
    history: Vec<Entry>,
    evidence: String,
    version: u32,
    query: String,
    typed: Typed,
    problem: Option<String>,
    done: Option<Done>,
    /// What is right, where it was a known pair and is answered.
    known_answer: Option<&'static str>,
}

/// What somebody had typed when a step was refused.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) reason: String,
    pub(super) comment: String,
    pub(super) outcome: Option<TaskOutcome>,
}

/// The id of a path. What is none is as unknown as one that was never given out.
pub(super) fn task_of(text: &str, visitor: &Visitor) -> Result<TaskId, NoPage> {
    text.parse().map_err(|_| {
        let unknown = FlowError::NotFound("no task with this id is known");
        visitor.no_page(&unknown)
    })
}

/// A question.
pub(super) async fn show(
    State(context): State<Context>,
    visitor: Visitor,
    Path(task): Path<String>,
    uri: Uri,
) -> Result<Response, NoPage> {
    let task = task_of(&task, &visitor)?;
    let shown = Showing {
        status: StatusCode::OK,
        query: uri.query().map(ToOwned::to_owned),
        typed: Typed::default(),
        problem: None,
    };
    render(&context, &visitor, task, shown).await
}

/// How the page is shown: as it is, or after a step that was refused.
pub(super) struct Showing {
    pub(super) status: StatusCode,
    pub(super) query: Option<String>,
    pub(super) typed: Typed,
    pub(super) problem: Option<String>,
}

/// The page.
pub(super) async fn render(
    context: &Context,
    visitor: &Visitor,
    task: TaskId,
    showing: Showing,
) -> Result<Response, NoPage> {
    let access = visitor.may_because(Action::ReadTask, &format!("{REASON}: {task}"))?;
    let answer = flows::view_task(context, &access, task)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let around = (answer.sides.as_slice(), answer.listed.state.weight_bits);
    let environs = environs(context, visitor, task, around).await?;
    let colleagues = flows::colleagues(context).await;
    let mut colleagues = colleagues.map_err(|error| visitor.no_page(&error))?;
    colleagues.retain(|name| *name != visitor.visit.account);
    let status = showing.status;
    let barred = barred(&answer.listed.state, &Reviewer::of(&access));
    let mut template = template(context, visitor, (answer, environs, colleagues), showing);
    template.barred = barred.map(|refusal| refusal.to_string());
    Ok(html(status, &template))
}

fn template(
    context: &Context,
    visitor: &Visitor,
    (answer, environs, colleagues): (TaskAnswer, Environs, Vec<String>),
    showing: Showing,
) -> ComparisonTemplate {
    let me = visitor.visit.account.as_str();
    let (heads, rows) = compare(context, &answer);
    let state = answer.listed.state;
    let standing = answer.listed.standing;
    let claim = state.claim.filter(|_| standing == TaskStanding::Claimed);
    let may_work = may(&visitor.visit.roles, Action::WorkTask);
    let two_readers = answer.foresight.two_readers;
    let outcomes = answer.foresight.outcomes.into_iter();
    let choices = outcomes.map(|foreseen| choice(foreseen, showing.typed.outcome));
    let choices: Vec<Choice> = choices.collect();
    let asked = Asked::of(showing.query.as_deref(), me);
    let kind = words::kind(state.kind);
    ComparisonTemplate {
        page: visitor.page(kind, "/review"),
        id: answer.listed.id.to_string(),
        kind,
        standing: words::standing(standing),
        priority: words::priority(state.kind, state.priority),
        opened: LocalTime::of(answer.listed.id.made_at()),
        weight: state.weight_bits.map(|bits| format!("{bits:.1}")),
        reasons: state.reasons.iter().copied().map(spoken).collect(),
        two_readers: two_readers.iter().map(|it| it.sentence()).collect(),
        claim: claim.map(|claim| Claim {
            mine: claim.by == me,
            by: claim.by,
            until: LocalTime::of(claim.until),
        }),
        waits: !matches!(standing, TaskStanding::Decided | TaskStanding::Closed),
        escalated: standing == TaskStanding::Escalated,
        may_work,
        heads,
        rows,
        environs,
        colleagues,
        waterfall: Waterfall::of(answer.explanation),
        unexplained: answer.unexplained,
        raised_on: state.rows.iter().map(raised_on).collect(),
        changes: state.changed.into_iter().map(changed).collect(),
        elsewhere: visitor.visit.elsewhere,
        asks_password: !visitor.visit.confirmed && choices.iter().any(|choice| choice.grave()),
        choices,
        barred: None,
        reads: answer.reads.into_iter().map(said_before).collect(),
        history: answer.history.into_iter().map(happened).collect(),
        evidence: answer.evidence,
        version: state.version,
        query: asked.query(),
        typed: showing.typed,
        problem: showing.problem,
        known_answer: answer.known_answer.map(words::outcome),
        done: done_of(showing.query.as_deref()),
    }
}

fn spoken(reason: Reason) -> (&'static str, &'static str) {
    (reason.rule(), reason.sentence())
}

fn changed(change: LevelChange) -> Change {
    let level = |level: Option<String>| {
        level.map_or_else(|| "not compared".to_owned(), |it| it.replace('_', " "))
    };
    Change {
        field: words::field(change.field),
        before: level(change.before),
        now: level(change.now),
    }
}

fn said_before(read: ShownRead) -> Read {
    Read {
        by: read.by,
        at: LocalTime::of(read.at),
        outcome: read.outcome.map(words::outcome),
        reason: read.reason,
        round: read.round,
    }
}

fn happened(entry: TaskEntry) -> Entry {
    Entry {
        at: LocalTime::of(entry.at),
        actor: entry.actor,
        sentence: entry.sentence,
        words: entry.words,
    }
}

fn raised_on(row: &EvidenceRow) -> (&'static str, String, String) {
    let bits = format!("{:+.1}", row.weight_bits);
    (words::field(row.field), row.level.replace('_', " "), bits)
}

/// What joins or parts people needs a password that was given a short time ago.
pub(super) const fn is_grave(follow: Option<Follow>) -> bool {
    matches!(
        follow,
        Some(Follow::Merge | Follow::ApproveMerge | Follow::MoveOut)
    )
}

impl Choice {
    fn grave(&self) -> bool {
        matches!(self.code, "same" | "different" | "approve")
    }
}

fn choice(foreseen: Foreseen, chosen: Option<TaskOutcome>) -> Choice {
    let counted = [
        (
            foreseen.moved,
            "record goes",
            "records go",
            "to another person",
        ),
        (
            foreseen.closed,
            "other question",
            "other questions",
            "would close",
        ),
        (foreseen.raised, "question", "questions", "would be raised"),
    ];
    let counts = counted.into_iter().filter(|(count, ..)| *count > 0);
    let counts = counts.map(|(count, one, many, what)| {
        format!("{count} {} {what}", if count == 1 { one } else { many })
    });
    Choice {
        code: foreseen.outcome.name(),
        label: words::outcome(foreseen.outcome),
        key: words::outcome_key(foreseen.outcome),
        follows: words::follow(foreseen.follow),
        counts: counts.collect::<Vec<_>>().join("; "),
        refused: foreseen.refused.map(|refusal| refusal.to_string()),
        needs_reason: foreseen.needs_reason,
        chosen: chosen == Some(foreseen.outcome),
    }
}

/// The step before, as the address tells it; ids of ours only.
pub(super) fn done_of(query: Option<&str>) -> Option<Done> {
    let given = parameters(query);
    let of = |name: &str| {
        let found = given.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let task: TaskId = of("done")?.parse().ok()?;
    let outcome = words::outcome_of(of("outcome")?)?;
    let merge = of("merge").filter(|text| text.parse::<crate::foundation::MergeId>().is_ok());
    let assertion =
        of("assertion").filter(|text| text.parse::<crate::foundation::AssertionId>().is_ok());
    Some(Done {
        task: task.to_string(),
        outcome: words::outcome(outcome),
        merge: merge.map(ToOwned::to_owned),
        assertion: assertion.map(ToOwned::to_owned),
        known: of("known").and_then(words::outcome_of).map(words::outcome),
    })
}

/// The evidence pack of an escalated question, to be printed (R119).
#[derive(Template)]
#[template(path = "pack.html")]
struct PackTemplate {
    page: Page,
    id: String,
    kind: &'static str,
    because: &'static str,
    escalated: LocalTime,
    made: LocalTime,
    reasons: Vec<(&'static str, &'static str)>,
    heads: Vec<Head>,
    rows: Vec<Compared>,
    waterfall: Option<Waterfall>,
}

/// The pack.
pub(super) async fn show_pack(
    State(context): State<Context>,
    visitor: Visitor,
    Path(task): Path<String>,
) -> Result<Response, NoPage> {
    let task = task_of(&task, &visitor)?;
    let access = visitor.may_because(Action::ReadTask, &format!("{REASON}: {task}"))?;
    let pack = flows::evidence_pack(&context, &access, task)
        .await
        .map_err(|error| visitor.no_page(&error))?;
    let (heads, rows) = compare(&context, &pack.answer);
    let state = &pack.answer.listed.state;
    let template = PackTemplate {
        page: visitor.page("Evidence for the national back office", "/review"),
        id: task.to_string(),
        kind: words::kind(state.kind),
        because: words::escalation(pack.because),
        escalated: LocalTime::of(pack.escalated_at),
        made: LocalTime::of(pack.made_at),
        reasons: state.reasons.iter().copied().map(spoken).collect(),
        heads,
        rows,
        waterfall: Waterfall::of(pack.answer.explanation),
    };
    Ok(html(StatusCode::OK, &template))
}
