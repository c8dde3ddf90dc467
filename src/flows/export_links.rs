//! What the ledger says now, as files.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::flows::{Context, FlowError};
use crate::foundation::{PersonId, RecordNumber};
use crate::identity::StandardRecord;
use crate::matching::MatchWeight;
use crate::registry::{LocalId, SourceCode};
use crate::storage::ExportRow;

/// Records whose values are read at once.
const RECORDS_PER_READ: usize = 500;

type Named = (SourceCode, LocalId, Arc<StandardRecord>);

async fn rows(context: &Context) -> Result<Vec<ExportRow>, FlowError> {
    let mut rows = Vec::new();
    let gather = |row| {
        rows.push(row);
        Ok::<(), FlowError>(())
    };
    context.store.export_rows(gather).await?;
    Ok(rows)
}

/// A record and its person.
#[derive(Debug, Clone)]
pub struct ExportedRecord {
    /// Its source.
    pub source: SourceCode,
    /// Its id there.
    pub local_id: LocalId,
    /// Its person.
    pub person: PersonId,
    /// Posterior probability of its link; 1 for the first record of a person.
    pub probability: f64,
}

/// Two records of one person.
#[derive(Debug, Clone)]
pub struct ExportedLink {
    /// One record.
    pub one: (SourceCode, LocalId),
    /// The other.
    pub other: (SourceCode, LocalId),
    /// The model's score of the pair, in bits.
    pub weight_bits: f64,
    /// The probability that goes with it.
    pub probability: f64,
}

/// Every active record with its person, in order of source and local id.
///
/// # Errors
/// A fault of ours.
pub async fn export_persons(context: &Context) -> Result<Vec<ExportedRecord>, FlowError> {
    let mut records: Vec<ExportedRecord> = Vec::new();
    for row in rows(context).await? {
        let probability = match row.weight_bits {
            Some(bits) => {
                let weight = MatchWeight::new(bits);
                context.probability_by(&row.model, weight).await?
            }
            None => 1.0,
        };
        records.push(ExportedRecord {
            source: row.source,
            local_id: row.local_id,
            person: row.person,
            probability,
        });
    }
    records.sort_by(|a, b| (&a.source, &a.local_id).cmp(&(&b.source, &b.local_id)));
    Ok(records)
}

/// Every pair of records of one person with the model's score, strongest
/// first, then by ids.
///
/// # Errors
/// A fault of ours.
pub async fn export_links(context: &Context) -> Result<Vec<ExportedLink>, FlowError> {
    let mut persons: BTreeMap<PersonId, Vec<Named>> = BTreeMap::new();
    let rows = rows(context).await?;
    for page in rows.chunks(RECORDS_PER_READ) {
        let names: BTreeMap<_, _> = page.iter().map(|row| (row.record, row)).collect();
        let records: Vec<RecordNumber> = names.keys().copied().collect();
        for person in context.store.candidate_persons(&records).await? {
            let members = persons.entry(person.person).or_default();
            // A person's members may stand on several pages; each is taken from its own.
            members.extend(person.members.into_iter().filter_map(|member| {
                let row = names.get(&member.record)?;
                Some((row.source.clone(), row.local_id.clone(), member.standard))
            }));
        }
    }
    let mut links = Vec::new();
    for mut members in persons.into_values() {
        members.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        for (index, one) in members.iter().enumerate() {
            for other in &members[index + 1..] {
                let weight = context.model.score(&one.2, &[&other.2]).weight;
                links.push(ExportedLink {
                    one: (one.0.clone(), one.1.clone()),
                    other: (other.0.clone(), other.1.clone()),
                    weight_bits: weight.bits(),
                    probability: context.model.probability(weight).value(),
                });
            }
        }
    }
    links.sort_by(|a, b| {
        b.weight_bits
            .total_cmp(&a.weight_bits)
            .then_with(|| (&a.one, &a.other).cmp(&(&b.one, &b.other)))
    });
    Ok(links)
}
