//! Checks of the models that a ledger keeps (R84, R86): each text is what its digest
//! says, whether or not this release can read it, and the activations are one chain.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::foundation::hex;
use crate::matching::ModelId;
use crate::storage::StoreError;
use crate::storage::db::{self, Connection};
use crate::storage::kept_models::{ActivationKind, StoredActivation, activations};
use crate::storage::rows::Reader;
use crate::storage::verify::Findings;

/// What is checked here, as the report names it.
const INVARIANT: &str = "R86";

/// Checks the three tables.
pub(in crate::storage) async fn check(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let tables = check_tables(connection, findings).await?;
    check_models(connection, &tables, findings).await?;
    check_chain(&activations(connection).await?, findings);
    Ok(())
}

/// Texts of tables by their digests.
async fn check_tables(
    connection: &mut Connection,
    findings: &mut Findings,
) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = db::query("select digest, content from model_tables order by digest")
        .fetch_all(connection)
        .await?;
    let mut tables = BTreeMap::new();
    for row in &rows {
        let reader = Reader::named(row, "model_tables")?;
        let (digest, content) = (reader.text(0)?, reader.text(1)?);
        if hex(&Sha256::digest(content.as_bytes())) != digest {
            let sentence = format!("the table {digest} of a model is not what its digest says");
            findings.add(INVARIANT, &digest, sentence);
        }
        tables.insert(digest, content);
    }
    Ok(tables)
}

async fn check_models(
    connection: &mut Connection,
    tables: &BTreeMap<String, String>,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let rows = db::query("select digest, content, tables from models order by digest")
        .fetch_all(connection)
        .await?;
    for row in &rows {
        let reader = Reader::named(row, "models")?;
        let digest = reader.text(0)?;
        findings.report.checked.models += 1;
        let named = serde_json::from_str::<BTreeMap<String, String>>(&reader.text(2)?);
        let named = named.unwrap_or_default();
        let table = |name: &str| tables.get(named.get(name)?).cloned();
        let is = ModelId::of_text(&reader.text(1)?, &table);
        if is.is_none_or(|is| is.as_str() != digest) {
            let sentence = format!("the model {digest} is not what its digest says");
            findings.add(INVARIANT, &digest, sentence);
        }
    }
    Ok(())
}

/// Counted from 1 without a gap; the first one came with the program, and what is taken
/// back gives way to the one that stood under it.
fn check_chain(activations: &[StoredActivation], findings: &mut Findings) {
    let mut standing: Vec<&ModelId> = Vec::new();
    for (expected, activation) in (1..).zip(activations) {
        let first = standing.is_empty();
        let fits = match activation.kind {
            ActivationKind::First | ActivationKind::Activated => {
                standing.push(&activation.model);
                first == (activation.kind == ActivationKind::First)
            }
            ActivationKind::RolledBack => {
                standing.pop();
                standing.last() == Some(&&activation.model)
            }
        };
        if !fits || activation.number != expected {
            let number = activation.number;
            let sentence =
                format!("activation {number} of a model does not follow from those before it");
            findings.add(INVARIANT, format!("activation {number}"), sentence);
            return;
        }
    }
}
