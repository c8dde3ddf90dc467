//! Sources in the ledger.

use crate::identity::NumberStatus;
use crate::registry::{Source, SourceCode};
use crate::storage::db::{self, Row};
use crate::storage::rows::{Reader, parse_source};
use crate::storage::{Store, StoreError};

/// Trust of a source that nobody described: the middle.
const TRUST_DEFAULT: u8 = 50;

macro_rules! select_sources {
    ($rest:literal) => {
        concat!(
            "select code, name, ods_code, authority, trust, number_status_default, \
             acts_for_people, retention_days from sources ",
            $rest
        )
    };
}

impl Store {
    /// Adds a source, or changes the known one of this code.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_source(&self, source: &Source) -> Result<(), StoreError> {
        self.write_source(
            source,
            "insert into sources (code, name, ods_code, authority, trust, \
             number_status_default, acts_for_people, retention_days) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) \
             on conflict (code) do update set name = excluded.name, \
             ods_code = excluded.ods_code, authority = excluded.authority, \
             trust = excluded.trust, \
             number_status_default = excluded.number_status_default, \
             acts_for_people = excluded.acts_for_people, \
             retention_days = excluded.retention_days",
        )
        .await?;
        Ok(())
    }

    /// Makes a source of this code, described by nothing else, unless it is
    /// known; says whether it was made.
    ///
    /// # Errors
    /// What the database says.
    pub async fn ensure_source(&self, code: &SourceCode) -> Result<bool, StoreError> {
        let source = Source {
            code: code.clone(),
            name: code.to_string(),
            ods_code: None,
            authority: None,
            trust: TRUST_DEFAULT,
            number_status_default: NumberStatus::NotTraced,
            acts_for_people: false,
            retention_days: None,
        };
        let made = self
            .write_source(
                &source,
                "insert into sources (code, name, ods_code, authority, trust, \
                 number_status_default, acts_for_people, retention_days) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) \
                 on conflict (code) do nothing",
            )
            .await?;
        Ok(made > 0)
    }

    async fn write_source(&self, source: &Source, sql: &'static str) -> Result<u64, StoreError> {
        let query = db::query(sql)
            .bind(source.code.as_str().to_owned())
            .bind(source.name.clone())
            .bind(source.ods_code.clone())
            .bind(source.authority.clone())
            .bind(i64::from(source.trust))
            .bind(source.number_status_default.code())
            .bind(i64::from(source.acts_for_people))
            .bind(source.retention_days.map(i64::from));
        self.inner.writer.lock().await.execute(query).await
    }

    /// The source of this code.
    ///
    /// # Errors
    /// What the database says.
    pub async fn find_source(&self, code: &SourceCode) -> Result<Option<Source>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let row = db::query(select_sources!("where code = $1"))
            .bind(code.as_str().to_owned())
            .fetch_optional(&mut connection)
            .await?;
        row.as_ref().map(source_from).transpose()
    }

    /// All sources in order of code.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list_sources(&self) -> Result<Vec<Source>, StoreError> {
        let mut connection = self.inner.readers.acquire().await?;
        let rows = db::query(select_sources!("order by code"))
            .fetch_all(&mut connection)
            .await?;
        rows.iter().map(source_from).collect()
    }
}

fn source_from(row: &Row) -> Result<Source, StoreError> {
    let reader = Reader::named(row, "sources")?;
    Ok(Source {
        code: reader.parsed(0, "code", parse_source)?,
        name: reader.text(1)?,
        ods_code: reader.text_or_null(2)?,
        authority: reader.text_or_null(3)?,
        trust: u8::try_from(reader.number(4)?).map_err(|_| reader.wrong("trust"))?,
        number_status_default: reader.parsed(5, "number_status_default", NumberStatus::parse)?,
        acts_for_people: reader.number(6)? == 1,
        retention_days: match reader.number_or_null(7)? {
            Some(_) => Some(reader.count(7, "retention_days")?),
            None => None,
        },
    })
}
