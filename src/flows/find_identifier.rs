//! Who carries an identifier of another authority: a national or an insurance
//! number that no source of this ledger issues.

use crate::flows::prepare::{LookedUp, fetch_question, look_up, read_and_compute};
use crate::flows::seal_persons::seals_for;
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::identity::{
    NumberStatus, OtherIdentifier, StandardRecord, SubmittedIdentifier, SubmittedRecord,
    standardise,
};
use crate::index::ProbeOutcome;
use crate::registry::Gate;
use crate::security::{Access, Denied};

/// Who carries an identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierAnswer {
    /// Whether everybody was looked at who may carry it.
    pub complete: bool,
    /// By id.
    pub persons: Vec<PersonId>,
}

/// The persons of which a current record carries the identifier, under any of the
/// names of its authority.
///
/// # Errors
/// The authority is a source whose local ids the actor may not ask for, in whatever
/// letters it is written; a fault of ours; never an empty list for a fault (R122).
pub async fn persons_with_identifier(
    context: &Context,
    access: &Access,
    names: &[String],
    value: &str,
) -> Result<IdentifierAnswer, FlowError> {
    let identifiers = names.iter().map(|name| SubmittedIdentifier {
        system: Some(name.clone()),
        value: value.to_owned(),
    });
    let sought = SubmittedRecord {
        other_identifiers: identifiers.collect(),
        ..SubmittedRecord::default()
    };
    let own = context.clone();
    let looking = Box::pin(async move {
        let reader = own.clone();
        let (asked, looked_up) = own.pool.run(move || read(&reader, &sought)).await??;
        if looked_up.keys.probes.is_empty() {
            return Ok((asked, None));
        }
        let found = fetch_question(&own, looked_up, None).await?;
        Ok((asked, Some(found)))
    });
    let (asked, found) = read_and_compute(context, looking).await?;
    refuse_ids_of_others(context, access, &asked.identifiers).await?;
    let gate = Gate::of(access);
    let mut answer = IdentifierAnswer {
        complete: true,
        persons: Vec::new(),
    };
    if let Some((found, probes)) = found {
        answer.complete = found.waiting == 0 && probes.iter().all(ProbeOutcome::complete);
        let carries = |held: &[OtherIdentifier]| {
            let mut wanted = asked.identifiers.iter();
            wanted.any(|identifier| held.contains(identifier))
        };
        let members = |person: &&crate::storage::StoredPerson| {
            let mut members = person.members.iter();
            members.any(|member| carries(&member.standard.identifiers))
        };
        let persons = found.persons.iter().filter(members);
        let persons: Vec<PersonId> = persons.map(|person| person.person).collect();
        let seals = seals_for(context, gate, &persons).await?;
        answer.persons = gate.apart(&seals, persons, |person| *person);
    }
    let audit = access.audit(context.clock.now(), answer.persons.clone(), None);
    context.store.append_audit(vec![audit]).await?;
    Ok(answer)
}

/// Local ids can be counted through: by those of others a bound system may not ask. It
/// is the standardised name that is judged, because that is what is looked up.
async fn refuse_ids_of_others(
    context: &Context,
    access: &Access,
    asked: &[OtherIdentifier],
) -> Result<(), FlowError> {
    let sources = context.store.list_sources().await?;
    for system in asked.iter().filter_map(|asked| asked.system.as_deref()) {
        let mut named = sources
            .iter()
            .filter(|source| source.is_authority_in_any_letters(system));
        if named.any(|source| !access.actor().may_use_source(source.code.as_str())) {
            return Err(Denied::Source.into());
        }
    }
    Ok(())
}

fn read(
    context: &Context,
    sought: &SubmittedRecord,
) -> Result<(StandardRecord, LookedUp), FlowError> {
    let options = context.standardise_options(NumberStatus::NotTraced);
    let (asked, _) = standardise(sought, &options);
    let looked_up = look_up(context, &asked)?;
    Ok((asked, looked_up))
}
