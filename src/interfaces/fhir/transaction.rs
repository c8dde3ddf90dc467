//! A transaction: its entries are taken all together, or none of them is.

use axum::http::StatusCode;

use crate::flows::{self, IfMatch, NotWritten, RegisterCommand, WriteStep, Wrote};
use crate::interfaces::fhir::body::Body;
use crate::interfaces::fhir::bundle_entry::{Asked, Counter, placed};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::view::BundleView;
use crate::interfaces::fhir::writer::{Answered, status_of};
use crate::interfaces::http::conditions::idempotency_key;
use crate::interfaces::http::{Problem, Refused};
use crate::registry::{LocalId, SourceCode};
use crate::security::{Access, Action};

/// Takes all entries in FHIR's order (what is deleted, created, updated), and answers in
/// theirs. What refuses one of them refuses all, and names its place.
pub(super) async fn take(
    counter: &Counter<'_>,
    bundle: &BundleView,
) -> Result<Vec<Answered>, Problem> {
    let mut waiting = Vec::with_capacity(bundle.entry.len());
    for (place, entry) in bundle.entry.iter().enumerate() {
        let asked = Box::pin(async {
            let asked = counter.asked(entry).await?;
            Box::pin(counter.waiting(asked)).await
        });
        let found = asked.await.map_err(|problem| placed(place, problem))?;
        let method = entry
            .request
            .as_ref()
            .map(|request| request.method.as_str());
        waiting.push((turn(method), place, found));
    }
    waiting.sort_by_key(|(turn, place, _)| (*turn, *place));
    let mut records: Vec<Option<(SourceCode, LocalId)>> = vec![None; waiting.len()];
    let (mut steps, mut places) = (Vec::new(), Vec::new());
    for (_, place, found) in waiting {
        let (access, step) = found;
        if let (Some(slot), WriteStep::Register(command)) = (records.get_mut(place), &step) {
            *slot = Some(name(command));
        }
        places.push(place);
        steps.push((access, step));
    }
    counter.refuse_twice(&steps, &places).await?;
    let key = idempotency_key(counter.headers, counter.caller.request_id())?;
    let written = flows::write_together(counter.context, steps, key.as_deref()).await;
    let written = written.map_err(|refused| counter.refused(&refused, &places))?;
    let mut wrote: Vec<Option<Wrote>> = records.iter().map(|_| None).collect();
    for (place, done) in places.into_iter().zip(written) {
        if let Some(slot) = wrote.get_mut(place) {
            *slot = Some(done);
        }
    }
    let mut answers = Vec::with_capacity(records.len());
    for (record, wrote) in records.into_iter().zip(wrote) {
        answers.push(counter.told(record, wrote).await);
    }
    Ok(answers)
}

/// FHIR's order of what a transaction does.
fn turn(method: Option<&str>) -> u8 {
    match method {
        Some("DELETE") => 0,
        Some("POST") => 1,
        _ => 2,
    }
}

fn name(command: &RegisterCommand) -> (SourceCode, LocalId) {
    (command.source.clone(), command.local_id.clone())
}

impl Counter<'_> {
    async fn waiting(&self, asked: Asked) -> Result<(Access, WriteStep), Problem> {
        let desk = self.desk();
        let ready = |body: Body, named: Option<(SourceCode, LocalId)>| async move {
            let patient = body.resource("Patient")?;
            match named {
                Some(named) => desk.ready_under(named, &patient).await,
                None => desk.ready_new(&patient).await,
            }
        };
        let ((written, replaced_by), condition) = match asked {
            Asked::New(body, condition) => (ready(body, None).await?, condition),
            Asked::Under(named, body, condition) => (ready(body, Some(named)).await?, condition),
            // Whether it is known is decided with the rest: under a key what made it is
            // answered as before.
            Asked::Known(named, body) => (ready(body, Some(named)).await?, Some(IfMatch::Unknown)),
            Asked::Withdraw((source, local_id), if_match) => {
                let access = self.caller.may_for(Action::WriteRecord, source.as_str())?;
                let step = WriteStep::Withdraw {
                    source,
                    local_id,
                    if_match,
                };
                return Ok((access, step));
            }
        };
        if replaced_by.is_some() {
            let detail = "a Patient that another has replaced joins two records, which is decided \
                          by itself: send it alone, in a batch or in a message of PMIR's feed";
            let (refused, spine) = (Refused::Unprocessable, Spine::Unsupported);
            return Err(refuse(self.caller, refused, spine, "Patient.link", detail));
        }
        let (access, command) = Box::pin(self.desk().writer().command(written, condition)).await?;
        Ok((access, WriteStep::Register(Box::new(command))))
    }

    /// A person who registers somebody twice at once is told so, as of those who are known
    /// (R121).
    async fn refuse_twice(
        &self,
        steps: &[(Access, WriteStep)],
        places: &[usize],
    ) -> Result<(), Problem> {
        let of = |error| Problem::of(&error, self.caller.request_id());
        let (mut new, mut sent) = (Vec::new(), Vec::new());
        for ((access, step), place) in steps.iter().zip(places) {
            let WriteStep::Register(command) = step else {
                continue;
            };
            if !access.actor().is_person() {
                continue;
            }
            let (source, local_id) = name(command);
            let known = flows::name_of_record(self.context, &source, &local_id).await;
            if known.map_err(of)?.is_none() {
                new.push(*place);
                sent.push(command.submitted.clone());
            }
        }
        let twice = flows::named_twice(self.context, sent).await.map_err(of)?;
        let Some(place) = twice.and_then(|found| new.get(found)) else {
            return Ok(());
        };
        let detail = "another entry may be of the same person; register that one alone, and search";
        let (refused, spine) = (Refused::Conflict, Spine::SingleMatch);
        let problem = refuse(self.caller, refused, spine, "Patient", detail);
        Err(placed(*place, problem))
    }

    /// Which entry is at fault, and that nothing was done.
    fn refused(&self, refused: &NotWritten, places: &[usize]) -> Problem {
        let problem = Problem::of(&refused.error, self.caller.request_id());
        let place = refused.place.and_then(|place| places.get(place));
        place.map_or_else(|| problem.clone(), |place| placed(*place, problem.clone()))
    }

    /// What became of an entry. All is written by now: what cannot be read of it, or may
    /// not be, is left out of the answer.
    async fn told(&self, record: Option<(SourceCode, LocalId)>, wrote: Option<Wrote>) -> Answered {
        let (told, status) = match (record, wrote) {
            (Some((source, local_id)), Some(Wrote::Registered(answer))) => {
                let desk = self.desk();
                let told = desk.writer().answer(&source, &local_id, &answer).await;
                (told, status_of(&answer))
            }
            (Some((source, local_id)), Some(Wrote::Known)) => {
                (self.known(&source, &local_id).await, StatusCode::OK)
            }
            _ => return Answered::nothing(StatusCode::NO_CONTENT),
        };
        told.unwrap_or_else(|_| Answered::nothing(status))
    }
}
