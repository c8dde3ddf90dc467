//! What a decision rests on, as it is stored (R84): versions, levels, weights.

use crate::foundation::RecordNumber;
use crate::identity::{STANDARDISER_VERSION, StandardRecord};
use crate::matching::{LinkageModel, Reason};
use crate::registry::candidates::Scored;
use crate::registry::{ComparedVersion, EvidenceRow, LinkDecision};

/// The versions that a comparison looked at, in order.
pub(super) fn compared(
    record: RecordNumber,
    version: u32,
    scored: &Scored,
) -> Vec<ComparedVersion> {
    let own = ComparedVersion { record, version };
    let members = scored.members.iter().map(|member| ComparedVersion {
        record: member.record,
        version: member.version,
    });
    let mut compared: Vec<ComparedVersion> = members.chain([own]).collect();
    compared.sort_unstable();
    compared
}

/// The stored decision, without route and weight, which a link adds.
pub(super) fn link_decision(
    model: &LinkageModel,
    record: RecordNumber,
    version: u32,
    chosen: Option<(&Scored, &StandardRecord)>,
    reasons: Vec<Reason>,
) -> LinkDecision {
    let (compared, rows) = chosen.map_or_else(Default::default, |(scored, standard)| {
        let values: Vec<&StandardRecord> = scored
            .members
            .iter()
            .map(|member| member.standard.as_ref())
            .collect();
        let explanation = model.explain(standard, &values);
        let rows = explanation.rows.into_iter().map(|row| EvidenceRow {
            field: row.field,
            level: row.level,
            weight_bits: row.weight_bits,
        });
        (compared(record, version, scored), rows.collect())
    });
    LinkDecision {
        route: None,
        weight_bits: None,
        model: model.id().clone(),
        standardiser: STANDARDISER_VERSION,
        version,
        compared,
        rows,
        reasons,
        carried: None,
    }
}
