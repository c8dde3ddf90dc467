//! A person, by any id that it ever had.

use crate::flows::moments::{Known, known_person, moment};
use crate::flows::seal_persons::shows_confusion;
use crate::flows::{Context, FlowError};
use crate::foundation::{Instant, PersonId, RecordNumber, TaskId};
use crate::identity::SubmittedRecord;
use crate::matching::Route;
use crate::registry::{Gate, LocalId, OtherPerson, PersonStatus, SourceCode};
use crate::security::Access;
use crate::storage::Moment;

/// Whether the person stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonStanding {
    /// It has active records.
    Active,
    /// It has none any more.
    Withdrawn,
}

/// A person.
#[derive(Debug, Clone)]
pub struct PersonAnswer {
    /// The id that stands now.
    pub person: PersonId,
    /// Active or withdrawn.
    pub standing: PersonStanding,
    /// The id that was asked for.
    pub requested: PersonId,
    /// The ids from the requested one to the one that stands, in order; empty
    /// when they are the same.
    pub replaced_by: Vec<PersonId>,
    /// Its active records, in order of source and local id.
    pub records: Vec<PersonRecord>,
    /// Other persons that it may be.
    pub possible: Vec<OtherPerson>,
    /// Open tasks about it.
    pub tasks: Vec<TaskId>,
    /// For `If-Match` of a merge.
    pub tag: u32,
    /// The moment of knowledge that was asked for.
    pub as_of: Option<Moment>,
    /// Another person claims its number (R19).
    pub number_confused: bool,
}

/// A record of the person.
#[derive(Debug, Clone)]
pub struct PersonRecord {
    /// Names it where its local id may not stand.
    pub name: String,
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// The version that is served.
    pub version: u32,
    /// How it is linked; absent where it came first.
    pub route: Option<Route>,
    /// Posterior weight in bits.
    pub weight_bits: Option<f64>,
    /// An update has made the link doubtful: it is possible (R101).
    pub doubtful: bool,
    /// What it says, masked; absent after an erasure.
    pub record: Option<SubmittedRecord>,
}

/// Looks a person up, as it is or as it was known at an instant (R139); a
/// retired id leads to its survivor.
///
/// # Errors
/// Unknown id, an instant in the future, or a fault of ours.
pub async fn view_person(
    context: &Context,
    access: &Access,
    requested: PersonId,
    as_of: Option<Instant>,
) -> Result<PersonAnswer, FlowError> {
    let as_of = moment(context, as_of).await?;
    let known = known_person(context, access, requested, as_of).await?;
    let gate = Gate::at(access, as_of.map(|moment| moment.at));
    let person = known.view.survivor();
    let standing = match known.view.status {
        PersonStatus::Active | PersonStatus::Retired { .. } => PersonStanding::Active,
        PersonStatus::Withdrawn => PersonStanding::Withdrawn,
    };
    let tag = u32::try_from(known.view.revision.0).unwrap_or(u32::MAX);
    let (replaced_by, tasks) = (known.view.chain.clone(), known.view.tasks.clone());
    let number_confused = match gate.then() {
        None => shows_confusion(context, gate, person).await?,
        Some(_) => known.confused,
    };
    let (records, possible) = records_of(context, gate, known);
    let audit = access.audit(context.clock.now(), vec![person], None);
    context.store.append_audit(vec![audit]).await?;
    Ok(PersonAnswer {
        person,
        standing,
        requested,
        replaced_by,
        records,
        possible,
        tasks,
        tag,
        as_of,
        number_confused,
    })
}

/// The active records of a person as they may be shown, in order of source and local
/// id, and the other persons that it may be.
pub(super) fn records_of(
    context: &Context,
    gate: Gate,
    known: Known,
) -> (Vec<PersonRecord>, Vec<OtherPerson>) {
    let doubtful: Vec<RecordNumber> = (known.view.members.iter())
        .map(|member| member.state.number)
        .filter(|record| known.is_doubtful(*record))
        .collect();
    let Known {
        view: stored,
        possible,
        ..
    } = known;
    let restricted = stored.restricted;
    let mut records: Vec<PersonRecord> = stored
        .members
        .into_iter()
        .map(|member| PersonRecord {
            name: context.store.record_text(member.state.number),
            doubtful: doubtful.contains(&member.state.number),
            version: member.state.current.version,
            route: member.state.link.as_ref().and_then(|link| link.route),
            weight_bits: member.state.link.as_ref().and_then(|link| link.weight_bits),
            source: member.state.source,
            local_id: member.state.local_id,
            record: member
                .submitted
                .map(|submitted| gate.record(submitted, restricted)),
        })
        .collect();
    records.sort_by(|a, b| (&a.source, &a.local_id).cmp(&(&b.source, &b.local_id)));
    (records, possible)
}
