//! A source says that two of its own ids are one patient's (R104).

use std::sync::Arc;

use crate::flows::by_human::locks_of;
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::registry::{
    Numbering, RegistryState, SourceMergeAnswer, SourceMergeCommand, SourceMergeRefusal,
    merge_source_records as merge,
};
use crate::security::Access;
use crate::storage::{CommitActor, Planned, ReadSet};

/// Takes what the source says; saying it again changes nothing.
///
/// # Errors
/// Unknown ids, one id twice, a withdrawn record, or a fault of ours.
pub async fn merge_source_records(
    context: &Context,
    access: &Access,
    command: SourceMergeCommand,
) -> Result<SourceMergeAnswer, FlowError> {
    let named = [&command.survivor, &command.retired];
    let named = named.map(|local_id| (command.source.clone(), local_id.clone()));
    let mut persons: Vec<PersonId> = Vec::new();
    for (source, local_id) in &named {
        let known = context.store.find_record(source, local_id).await?;
        let link = known.and_then(|record| record.state.link);
        persons.extend(link.map(|link| link.person));
    }
    let (locks, _) = locks_of(context, &persons).await?;
    let read = ReadSet {
        records: named.to_vec(),
        families: true,
        locks,
        ..ReadSet::default()
    };
    let actor = CommitActor {
        actor: access.actor().name.clone(),
        request_id: access.actor().request_id.clone(),
    };
    let (now, by) = (context.clock.now(), access.clone());
    let (model, chance) = (Arc::clone(&context.model), Arc::clone(&context.chance));
    let decide = move |state: &mut RegistryState, _: &_| {
        let numbering = Numbering {
            now,
            chance: chance.as_ref(),
        };
        match merge(state, &model, &numbering, &command) {
            Ok(change) => {
                let name = format!("{}:{}", command.source, command.survivor);
                let audit = by.audit(now, vec![change.answer.person], Some(name));
                Planned {
                    events: change.events,
                    audit: vec![audit],
                    ..Planned::nothing(Ok(change.answer))
                }
            }
            Err(refusal) => Planned::nothing(Err(refusal)),
        }
    };
    let merged = context.store.commit(read, actor, now, decide).await?;
    merged.map_err(|refusal| match refusal {
        SourceMergeRefusal::UnknownRecord => {
            FlowError::NotFound("no record with this local id is known for this source")
        }
        SourceMergeRefusal::SameRecord => FlowError::Conflict("both local ids are the same"),
        SourceMergeRefusal::Withdrawn => FlowError::Conflict("one of the records is withdrawn"),
    })
}
