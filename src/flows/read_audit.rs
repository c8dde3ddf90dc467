//! Who looked at a person, and what somebody looked at. Reading the audit is
//! audited itself, under the persons that it was asked about.

use crate::flows::moments::seals_of;
use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
use crate::registry::Gate;
use crate::security::Access;
use crate::storage::AuditRow;

/// Rows on one page.
const ROWS_PER_PAGE: u32 = 100;

/// What an auditor asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditQuestion {
    /// Who looked at this person, under any id that it ever had?
    Person(PersonId),
    /// What did this account look at, or the person for whom a system acted?
    Actor(String),
    /// The row with this number.
    Row(i64),
}

/// A page of the audit, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTrail {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Ask for rows before this number, where more may be.
    pub before: Option<i64>,
    /// The ids that the person asked about ever had; none where an account was asked about.
    pub asked: Vec<PersonId>,
}

/// A page of the audit.
///
/// # Errors
/// A fault of ours.
pub async fn read_audit(
    context: &Context,
    access: &Access,
    question: &AuditQuestion,
    before: Option<i64>,
) -> Result<AuditTrail, FlowError> {
    let store = &context.store;
    let from = before.unwrap_or(i64::MAX);
    let (mut rows, named) = match question {
        AuditQuestion::Actor(actor) => {
            let rows = store
                .latest_audit_of_actor(actor, from, ROWS_PER_PAGE)
                .await?;
            (rows, Vec::new())
        }
        AuditQuestion::Person(person) => {
            let persons = store.person_and_retired(*person).await?;
            let mut rows = Vec::new();
            for own in &persons {
                rows.extend(
                    store
                        .latest_audit_of_person(*own, from, ROWS_PER_PAGE)
                        .await?,
                );
            }
            rows.sort_by_key(|row| std::cmp::Reverse(row.audit));
            // A row that names two of its ids is one row.
            rows.dedup_by_key(|row| row.audit);
            (rows, persons)
        }
        AuditQuestion::Row(number) => {
            let mut rows = store.list_audit(None, number.saturating_sub(1), 1).await?;
            rows.retain(|row| row.audit == *number);
            (rows, Vec::new())
        }
    };
    let more = rows.len() >= ROWS_PER_PAGE as usize;
    rows.truncate(ROWS_PER_PAGE as usize);
    without_sealed(context, access, &named, &mut rows).await?;
    // One row is about those whom it still names.
    let about = match question {
        AuditQuestion::Row(_) => rows.iter().flat_map(persons_of).collect(),
        _ => named.clone(),
    };
    let audit = access.audit(context.clock.now(), about, None);
    store.append_audit(vec![audit]).await?;
    Ok(AuditTrail {
        before: rows.last().map(|row| row.audit).filter(|_| more),
        rows,
        asked: named,
    })
}

/// Takes out of each row whom it names on both sides of a seal (R22): of a question
/// about a person its own ids stay, of others none. That somebody looked stays.
async fn without_sealed(
    context: &Context,
    access: &Access,
    asked: &[PersonId],
    rows: &mut [AuditRow],
) -> Result<(), FlowError> {
    if access.sees_sealed() || !context.store.has_seals().await? {
        return Ok(());
    }
    for row in rows {
        let mut persons = persons_of(row);
        let seals = seals_of(context, Gate::of(access), &persons, &[]).await?;
        if seals.part_any(&persons, &[]) {
            persons.retain(|person| asked.contains(person));
            let kept: Vec<String> = persons.iter().map(|id| format!("\"{id}\"")).collect();
            row.persons = format!("[{}]", kept.join(","));
            row.record = None;
        }
    }
    Ok(())
}

/// The persons that a row names.
fn persons_of(row: &AuditRow) -> Vec<PersonId> {
    let ids: Vec<String> = serde_json::from_str(&row.persons).unwrap_or_default();
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}
