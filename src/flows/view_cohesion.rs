//! How the records of a person hang together: the strongest ties that keep them in
//! one piece, and every pair that speaks against it.

use std::sync::Arc;

use crate::flows::live_numbers::chains_of;
use crate::flows::moments::known_person;
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::foundation::limits::COHESION_RECORDS_MAX;
use crate::identity::StandardRecord;
use crate::matching::LinkageModel;
use crate::registry::{Gate, LiveNumbers};
use crate::security::Access;
use crate::storage::StoredMember;

/// A pair of records of one person, by their places in its list from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// The one.
    pub a: usize,
    /// The other.
    pub b: usize,
    /// What the pair weighs, in bits.
    pub weight_bits: f64,
    /// The records fall apart without it, or without another as strong.
    pub holds: bool,
}

/// How the records of a person hang together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cohesion {
    /// Records that were looked at: the first ones of the list.
    pub looked_at: usize,
    /// All records.
    pub records: usize,
    /// Ties that hold, and pairs that speak against; the strongest first.
    pub ties: Vec<Tie>,
}

/// Weighs the records of a person against one another, by what the reader may see.
///
/// # Errors
/// Unknown id, or a fault of ours.
pub async fn view_cohesion(
    context: &Context,
    access: &Access,
    person: PersonId,
) -> Result<Cohesion, FlowError> {
    let known = known_person(context, access, person, None).await?;
    let (gate, restricted) = (Gate::of(access), known.view.restricted);
    let (survivor, mut members) = (known.view.survivor(), known.view.members);
    let name = |member: &StoredMember| (member.state.source.clone(), member.state.local_id.clone());
    members.sort_by_key(name);
    let records = members.len();
    members.truncate(COHESION_RECORDS_MAX);
    let looked_at = members.len();
    // An erased record keeps its place and has no ties.
    let placed = members.iter().enumerate();
    let placed: Vec<(usize, Arc<StandardRecord>)> = placed
        .filter_map(|(place, member)| {
            let standard = member.standard.as_ref()?;
            // No weight that is shown depends on a location that is not (R109).
            Some((place, Arc::new(gate.question(standard, restricted))))
        })
        .collect();
    let all: Vec<Arc<StandardRecord>> = placed.iter().map(|(_, it)| Arc::clone(it)).collect();
    let replacements = chains_of(context, all.iter().map(AsRef::as_ref)).await?;
    let model = Arc::clone(&context.model);
    let weighing = move || {
        let Some(first) = all.first() else {
            return Vec::new();
        };
        let live = LiveNumbers::of(&replacements, first, &all);
        let resolved = placed.iter().map(|(place, it)| (*place, live.resolve(it)));
        ties(&model, &resolved.collect::<Vec<_>>())
    };
    let ties = context.pool.run(weighing).await?;
    let audit = access.audit(context.clock.now(), vec![survivor], None);
    context.store.append_audit(vec![audit]).await?;
    Ok(Cohesion {
        looked_at,
        records,
        ties,
    })
}

/// The ties that hold the records together (a spanning tree of the strongest), and
/// the pairs that weigh against.
fn ties(model: &LinkageModel, records: &[(usize, Arc<StandardRecord>)]) -> Vec<Tie> {
    let mut all = Vec::new();
    for (at, (a, one)) in records.iter().enumerate() {
        for (b, other) in &records[at + 1..] {
            let score = model.score(one, &[other.as_ref()]);
            all.push(Tie {
                a: *a,
                b: *b,
                weight_bits: score.weight.bits(),
                holds: false,
            });
        }
    }
    all.sort_by(|x, y| y.weight_bits.total_cmp(&x.weight_bits));
    let places = records.iter().map(|(place, _)| *place).max().unwrap_or(0);
    // Each record begins as a piece of its own.
    let mut pieces: Vec<usize> = (0..=places).collect();
    for tie in &mut all {
        let (one, other) = (pieces[tie.a], pieces[tie.b]);
        if one != other {
            tie.holds = true;
            for piece in &mut pieces {
                if *piece == other {
                    *piece = one;
                }
            }
        }
    }
    all.retain(|tie| tie.holds || tie.weight_bits < 0.0);
    all
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::ties;
    use crate::identity::{
        NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, SubmittedRecord,
        standardise,
    };
    use crate::matching::LinkageModel;

    fn record(given: &str, born: &str) -> Arc<StandardRecord> {
        let said = SubmittedRecord {
            given_names: vec![given.to_owned()],
            family_name: Some("Quillgarth".to_owned()),
            birth_date: Some(born.to_owned()),
            ..SubmittedRecord::default()
        };
        let today = StandardDate::from_parts(2026, Some(1), Some(1)).expect("a day");
        let options = StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today,
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        };
        Arc::new(standardise(&said, &options).0)
    }

    #[test]
    fn records_hang_together_by_their_strongest_ties_and_contradictions_are_kept() {
        let records = [
            (0, record("Ottoline", "1961-03-04")),
            (2, record("Ottoline", "1961-03-04")),
            (3, record("Barnaby", "1988-12-24")),
        ];
        let found = ties(&LinkageModel::uk_care(), &records);
        assert_eq!((found[0].a, found[0].b, found[0].holds), (0, 2, true));
        assert!(found[0].weight_bits > 0.0);
        let holding = found.iter().filter(|tie| tie.holds).count();
        assert_eq!(holding, 2, "two ties hold three records");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[2].weight_bits < 0.0 && !found[2].holds);
        assert!(ties(&LinkageModel::uk_care(), &records[..1]).is_empty());
        assert!(ties(&LinkageModel::uk_care(), &[]).is_empty());
    }
}
