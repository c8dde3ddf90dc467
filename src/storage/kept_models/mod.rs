//! Models of the ledger, by content, and which of them decides (R84, R86). Rows
//! beside the events: a decision names its model, and never changes with it.

mod reruns;
mod samples;
mod shadows;
mod verify;

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::foundation::{Instant, hex};
use crate::matching::{LinkageModel, ModelId, ModelProblem};
use crate::security::AuditEntry;
use crate::storage::batch::Batch;
use crate::storage::db::{self, Connection, Query, Row};
use crate::storage::rows::{Reader, json};
use crate::storage::{Store, StoreError};

pub use reruns::{RerunState, StoredRerun};
pub use samples::StoredSample;
pub use shadows::StoredShadow;
pub(super) use verify::check;

/// A model as it was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredModel {
    /// What it is called by its content.
    pub digest: ModelId,
    /// The account that brought it.
    pub brought_by: String,
    /// When.
    pub brought_at: Instant,
    /// What was said of it.
    pub note: String,
}

/// A model that a ledger keeps, as far as this release can read it.
#[derive(Debug, Clone)]
pub enum KeptModel {
    /// Ready to weigh.
    Readable(LinkageModel),
    /// It is as it was brought, but of a format that this release does not read.
    Unreadable(ModelProblem),
}

/// How a model came to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationKind {
    /// It came with the program that opened the ledger first.
    First,
    /// A named person has approved it.
    Activated,
    /// The last standing activation was taken back.
    RolledBack,
}

impl ActivationKind {
    /// Its word in tables and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Activated => "activated",
            Self::RolledBack => "rolled_back",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::First, Self::Activated, Self::RolledBack]
            .into_iter()
            .find(|kind| kind.name() == text)
    }
}

/// A row of the activations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredActivation {
    /// Counted from 1.
    pub number: i64,
    /// How it came.
    pub kind: ActivationKind,
    /// The model that decides from then on.
    pub model: ModelId,
    /// The named person who answers for it.
    pub activated_by: String,
    /// Why, in words.
    pub reason: String,
    /// Figures of the gates, as JSON; only of what was activated.
    pub gates: Option<String>,
    /// When.
    pub at: Instant,
}

impl Store {
    /// Keeps a model with the tables that it names; `false` where it is known.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_model(
        &self,
        model: &StoredModel,
        content: &str,
        tables: &BTreeMap<String, String>,
    ) -> Result<bool, StoreError> {
        let mut named = BTreeMap::new();
        for (name, text) in tables {
            let digest = hex(&Sha256::digest(text.as_bytes()));
            let table = db::query(
                "insert into model_tables (digest, content) values ($1, $2) \
                 on conflict (digest) do nothing",
            )
            .bind(digest.clone())
            .bind(text.clone());
            self.small_write(table).await?;
            named.insert(name, digest);
        }
        let query = db::query(
            "insert into models (digest, content, tables, brought_by, brought_at, note) \
             values ($1, $2, $3, $4, $5, $6) on conflict (digest) do nothing",
        )
        .bind(model.digest.as_str().to_owned())
        .bind(content.to_owned())
        .bind(json(&named))
        .bind(model.brought_by.clone())
        .bind(model.brought_at.microseconds())
        .bind(model.note.clone());
        Ok(self.small_write(query).await? > 0)
    }

    /// Takes the lease of a row by its number and epoch until some time; gives the new epoch,
    /// and nothing while another process holds it. The statement asks for these two, for what
    /// the lease must have run out by, and for its new end.
    async fn take_lease(
        &self,
        statement: Query,
        (number, epoch): (i64, i64),
        (now, until): (Instant, Instant),
    ) -> Result<Option<i64>, StoreError> {
        // Where this process is alone, what is left of a lease is its own.
        let run_out_by = if self.inner.alone {
            i64::MAX
        } else {
            now.microseconds()
        };
        let statement = statement.bind(number).bind(epoch);
        let statement = statement.bind(run_out_by).bind(until.microseconds());
        let taken = self.small_write(statement).await? > 0;
        Ok(taken.then_some(epoch + 1))
    }

    /// All models, the earliest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_models(&self) -> Result<Vec<StoredModel>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(
            "select digest, brought_by, brought_at, note from models order by brought_at, digest",
        )
        .fetch_all(&mut connection)
        .await?;
        let model = |row: &Row| {
            let reader = Reader::named(row, "models")?;
            Ok(StoredModel {
                digest: reader.parsed(0, "digest", ModelId::parse)?,
                brought_by: reader.text(1)?,
                brought_at: Instant::from_microseconds(reader.number(2)?),
                note: reader.text(3)?,
            })
        };
        rows.iter().map(model).collect()
    }

    /// The model of this content. Its digest is checked on the text itself, whatever
    /// format that is of.
    ///
    /// # Errors
    /// Stored content that is not what its digest says, or what the database says.
    pub async fn find_model(&self, digest: &ModelId) -> Result<Option<KeptModel>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let Some(row) = KeptRow::find(&mut snapshot, digest).await? else {
            return Ok(None);
        };
        let table = |name: &str| row.tables.get(name).cloned();
        if ModelId::of_text(&row.content, &table).as_ref() != Some(digest) {
            return Err(StoreError::inconsistent("models", "content", digest));
        }
        Ok(Some(match LinkageModel::parse(&row.content, &table) {
            Ok(model) => KeptModel::Readable(model),
            Err(problem) => KeptModel::Unreadable(problem),
        }))
    }

    /// The text of a model, and those of its tables by name, as they were brought.
    ///
    /// # Errors
    /// What the database says.
    pub async fn model_texts(
        &self,
        digest: &ModelId,
    ) -> Result<Option<(String, BTreeMap<String, String>)>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let row = KeptRow::find(&mut snapshot, digest).await?;
        Ok(row.map(|row| (row.content, row.tables)))
    }

    /// All activations, the first one first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_activations(&self) -> Result<Vec<StoredActivation>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        activations(&mut connection).await
    }

    /// Adds an activation and the audit row that says so, both or neither; `false` where
    /// another came first under its number. The first one, of the program itself, has
    /// no row.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_activation(
        &self,
        activation: &StoredActivation,
        audit: Option<AuditEntry>,
    ) -> Result<bool, StoreError> {
        let query = db::query(
            "insert into model_activations (number, kind, model, activated_by, reason, gates, at) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (number) do nothing",
        )
        .bind(activation.number)
        .bind(activation.kind.name())
        .bind(activation.model.as_str().to_owned())
        .bind(activation.activated_by.clone())
        .bind(activation.reason.clone())
        .bind(activation.gates.clone())
        .bind(activation.at.microseconds());
        self.audited_write(query, audit, activation.at).await
    }

    /// Writes rows beside the ledger and the audit row that says so, both or neither;
    /// `false` where the statement changes nothing.
    async fn audited_write(
        &self,
        query: Query,
        audit: Option<AuditEntry>,
        at: Instant,
    ) -> Result<bool, StoreError> {
        let mut writer = self.inner.writer.lock().await;
        let connection = writer.connection().await?;
        db::begin(connection, &[]).await?;
        let offset = self.inner.young.offset;
        match write_audited(connection, offset, query, audit, at).await {
            Ok(true) => db::commit(connection).await.map(|()| true),
            other => {
                if !db::rollback(connection).await {
                    writer.discard();
                }
                other
            }
        }
    }
}

async fn write_audited(
    connection: &mut Connection,
    offset: i64,
    query: Query,
    audit: Option<AuditEntry>,
    at: Instant,
) -> Result<bool, StoreError> {
    if query.execute(connection).await? == 0 {
        return Ok(false);
    }
    let mut rows = Batch::new();
    rows.audit.extend(audit);
    let settled = db::settle(connection, offset, rows.audit.len(), at).await?;
    rows.write_audit_alone(connection, &settled).await?;
    Ok(true)
}

/// A model's row with the texts of its tables.
struct KeptRow {
    content: String,
    tables: BTreeMap<String, String>,
}

impl KeptRow {
    async fn find(
        connection: &mut Connection,
        digest: &ModelId,
    ) -> Result<Option<Self>, StoreError> {
        let row = db::query("select digest, content, tables from models where digest = $1")
            .bind(digest.as_str().to_owned())
            .fetch_optional(connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let reader = Reader::named(&row, "models")?;
        let content = reader.text(1)?;
        let named: BTreeMap<String, String> =
            reader.parsed(2, "tables", |text| serde_json::from_str(text).ok())?;
        let mut tables = BTreeMap::new();
        for (name, table) in named {
            let found = db::query("select digest, content from model_tables where digest = $1")
                .bind(table)
                .fetch_optional(connection)
                .await?;
            let found = found.ok_or_else(|| reader.wrong("tables"))?;
            tables.insert(name, Reader::named(&found, "model_tables")?.text(1)?);
        }
        Ok(Some(Self { content, tables }))
    }
}

/// All activations, the first one first.
async fn activations(connection: &mut Connection) -> Result<Vec<StoredActivation>, StoreError> {
    let rows = db::query(
        "select number, kind, model, activated_by, reason, gates, at from model_activations \
         order by number",
    )
    .fetch_all(connection)
    .await?;
    let activation = |row: &Row| {
        let reader = Reader::numbered(row, "model_activations")?;
        Ok(StoredActivation {
            number: reader.number(0)?,
            kind: reader.parsed(1, "kind", ActivationKind::parse)?,
            model: reader.parsed(2, "model", ModelId::parse)?,
            activated_by: reader.text(3)?,
            reason: reader.text(4)?,
            gates: reader.text_or_null(5)?,
            at: Instant::from_microseconds(reader.number(6)?),
        })
    };
    rows.iter().map(activation).collect()
}
