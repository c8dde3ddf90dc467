//! Who looked at a person, and what somebody looked at. Reading the audit is
//! audited itself, under the persons that it was asked about.

use crate::flows::{Context, FlowError};
use crate::foundation::PersonId;
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
}

/// A page of the audit, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTrail {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// Ask for rows before this number, where more may be.
    pub before: Option<i64>,
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
    };
    let more = rows.len() >= ROWS_PER_PAGE as usize;
    rows.truncate(ROWS_PER_PAGE as usize);
    let audit = access.audit(context.clock.now(), named, None);
    store.append_audit(vec![audit]).await?;
    Ok(AuditTrail {
        before: rows.last().map(|row| row.audit).filter(|_| more),
        rows,
    })
}
