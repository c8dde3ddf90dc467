//! What is held of a person, for the person (R132): what each source has sent, to whom
//! its records were linked and why, and who has looked. What is other people's is left
//! out: who else is named in a record, and other persons' ids.

use std::collections::BTreeSet;

use crate::flows::moments::known_person;
use crate::flows::view_history::{HistoryPart, view_history};
use crate::flows::{Context, FlowError, VersionAnswer};
use crate::foundation::limits::{SUBJECT_ACCESSES_MAX, SUBJECT_PAGE};
use crate::foundation::{Instant, PersonId};
use crate::identity::SubmittedRecord;
use crate::registry::{Gate, LocalId, RecordStatus, SourceCode};
use crate::security::{Access, Action};
use crate::storage::AuditRow;

/// Stands for the id of somebody else.
const ANOTHER: &str = "another person";

/// All that is held of a person.
#[derive(Debug, Clone)]
pub struct SubjectAccess {
    /// The id that stands.
    pub person: PersonId,
    /// The id that was asked for.
    pub requested: PersonId,
    /// Every id that has become it, and itself.
    pub persons: Vec<PersonId>,
    /// When this was put together.
    pub made_at: Instant,
    /// What the sources have sent, withdrawn records included.
    pub records: Vec<SubjectRecord>,
    /// What happened, oldest first.
    pub history: Vec<SubjectEntry>,
    /// Who has looked or changed something, oldest first.
    pub accesses: Vec<AuditRow>,
    /// There were more accesses than are listed.
    pub more_accesses: bool,
}

/// What a source has sent under one local id.
#[derive(Debug, Clone)]
pub struct SubjectRecord {
    /// The source.
    pub source: SourceCode,
    /// Its local id.
    pub local_id: LocalId,
    /// Active or withdrawn.
    pub status: RecordStatus,
    /// Every version, the first one first.
    pub versions: Vec<VersionAnswer>,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct SubjectEntry {
    /// When.
    pub at: Instant,
    /// In words.
    pub sentence: String,
}

/// Puts together what is held of a person, by any id that it ever had.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn subject_access(
    context: &Context,
    access: &Access,
    requested: PersonId,
) -> Result<SubjectAccess, FlowError> {
    let store = &context.store;
    let known = known_person(context, access, requested, None).await?;
    // A paper about somebody made up could be given to somebody real (R117).
    if known.is_made_up() {
        return Err(FlowError::NotFound("no person with this id is known"));
    }
    let view = known.view;
    let person = view.survivor();
    let persons = store.person_and_retired(person).await?;
    let now = context.clock.now();
    // Before it is put together: whoever asked is in the list.
    let audit = access.audit(now, persons.clone(), None);
    store.append_audit(vec![audit]).await?;
    let mut records = Vec::new();
    let numbers = store.records_last_of(&persons).await?;
    for (source, local_id) in store.record_names(&numbers).await?.into_values() {
        records.extend(record(context, access, view.restricted, source, local_id).await?);
    }
    records.sort_by(|a, b| (&a.source, &a.local_id).cmp(&(&b.source, &b.local_id)));
    let names = records.iter();
    let names = names.map(|record| (record.source.clone(), record.local_id.clone()));
    let own = Own {
        persons: persons.iter().copied().collect(),
        records: names.collect(),
    };
    let history = history(context, access, requested, &own).await?;
    let mut accesses = Vec::new();
    let mut more_accesses = false;
    for own in &persons {
        let mut after = 0;
        loop {
            let page = store.list_audit(Some(*own), after, SUBJECT_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.audit;
            accesses.extend(page);
            if accesses.len() >= SUBJECT_ACCESSES_MAX {
                more_accesses = true;
                break;
            }
        }
    }
    // That somebody is kept apart from somebody else is told to neither.
    accesses.retain(|row| row.action != Action::ManageSeal.name());
    accesses.sort_by_key(|row| row.audit);
    accesses.dedup_by_key(|row| row.audit);
    Ok(SubjectAccess {
        person,
        requested,
        persons,
        made_at: now,
        records,
        history,
        accesses,
        more_accesses,
    })
}

async fn record(
    context: &Context,
    access: &Access,
    restricted: bool,
    source: SourceCode,
    local_id: LocalId,
) -> Result<Option<SubjectRecord>, FlowError> {
    let Some(stored) = context.store.find_record(&source, &local_id).await? else {
        return Ok(None);
    };
    let gate = Gate::of(access);
    let versions = stored.versions.into_iter().map(|version| VersionAnswer {
        version: version.version,
        standing: version.standing,
        effective_at: version.effective_at,
        received_at: version.received_at,
        record: version
            .submitted
            .map(|submitted| without_others(gate.record(submitted, restricted))),
    });
    Ok(Some(SubjectRecord {
        versions: versions.collect(),
        status: stored.state.status,
        source,
        local_id,
    }))
}

/// What a record says of its own person: not who its mother is by number, nor how
/// its friends are called and reached; nor what nobody mapped, such as next of kin in
/// a message that was kept whole.
fn without_others(mut record: SubmittedRecord) -> SubmittedRecord {
    record.mother = None;
    record.other_columns.clear();
    for person in &mut record.associated_persons {
        person.name = None;
        person.phone = None;
    }
    record
}

/// What is the person's own.
struct Own {
    persons: BTreeSet<PersonId>,
    records: BTreeSet<(SourceCode, LocalId)>,
}

async fn history(
    context: &Context,
    access: &Access,
    requested: PersonId,
    own: &Own,
) -> Result<Vec<SubjectEntry>, FlowError> {
    let mut entries = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let part = HistoryPart {
            after: after.as_deref(),
            limit: SUBJECT_PAGE,
            as_of: None,
        };
        let page = view_history(context, access, requested, part).await?;
        // That somebody is kept apart from somebody else is no news for either; a record
        // that was here by mistake is somebody else's.
        let told = page.entries.into_iter().filter(|entry| {
            let named = entry.record.as_ref();
            !entry.event.is_about_a_seal() && named.is_none_or(|name| own.records.contains(name))
        });
        entries.extend(told.map(|entry| SubjectEntry {
            at: entry.at,
            sentence: without_other_ids(&entry.sentence, &own.persons),
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(entries),
        }
    }
}

fn without_other_ids(sentence: &str, own: &BTreeSet<PersonId>) -> String {
    let words = sentence.split(' ').map(|word| {
        let id = word.trim_end_matches(['.', ',', ';', ':', '?']);
        match id.parse::<PersonId>() {
            Ok(person) if !own.contains(&person) => word.replace(id, ANOTHER),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<String>>().join(" ")
}
