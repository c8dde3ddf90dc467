//! Seals over the audit log: a Merkle root (RFC 6962) over the rows since the
//! last seal, chained by hash, kept in the database and appended to a file in
//! a second place. Rows are sealed off the hot path, each second.

use crate::foundation::hex;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::foundation::Instant;
use crate::storage::audit::list_after;
use crate::storage::db::{self, Connection, Row};
use crate::storage::rows::Reader;
use crate::storage::{Store, StoreError};

/// The second place.
const LOG_FILE: &str = "audit-seals.log";
/// Rows under one seal: some seconds of the fullest load.
pub(super) const ROWS_MAX: i64 = 16_384;
/// What the first seal follows.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A seal, in the database and as a line of the second place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    pub(super) seal: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// Place of the last row's commit; rows are sealed in order of it and of
    /// their number. Seals of the first layout have none.
    #[serde(default)]
    pub(super) last_stamp: i64,
    /// Rows under the seal; 0 in the first layout, whose numbers had no gap.
    #[serde(default)]
    pub(super) rows: i64,
    pub(super) root: String,
    pub(super) previous: String,
    pub(super) hash: String,
    pub(super) sealed_at: i64,
}

/// What a seal covers. A node of an older release may still seal beside newer ones, so
/// that each seal's own hash says which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Numbers without gaps.
    First,
    /// Rows in order of their commits.
    Second,
    /// The same, with where each request came from.
    Third,
}

impl Seal {
    /// By which layout its hash is what its members say; `None` when by none.
    pub(super) fn layout(&self) -> Option<Layout> {
        let layouts: &[Layout] = match self.rows {
            0 => &[Layout::First],
            _ => &[Layout::Third, Layout::Second],
        };
        let fits = |layout: &&Layout| self.hash == self.hash_as(**layout);
        layouts.iter().find(fits).copied()
    }

    /// The hash that these members must have.
    pub(super) fn hash_as(&self, layout: Layout) -> String {
        let (seal, first, last) = (self.seal, self.first, self.last);
        let stamped = |name| {
            let (stamp, rows) = (self.last_stamp, self.rows);
            format!("{name}\n{seal}\n{first}\n{last}\n{stamp}\n{rows}")
        };
        let numbers = match layout {
            Layout::First => format!("accord audit seal 1\n{seal}\n{first}\n{last}"),
            Layout::Second => stamped("accord audit seal 2"),
            Layout::Third => stamped("accord audit seal 3"),
        };
        let text = format!(
            "{numbers}\n{}\n{}\n{}\n",
            self.root, self.previous, self.sealed_at
        );
        hex(&Sha256::digest(text.as_bytes()))
    }

    /// Where the rows of the next seal begin.
    pub(super) const fn end(&self) -> (i64, i64) {
        (self.last_stamp, self.last)
    }

    /// Rows that it says it covers.
    pub(super) const fn count(&self) -> i64 {
        match self.rows {
            0 => self.last.saturating_sub(self.first).saturating_add(1),
            rows => rows,
        }
    }
}

/// The hash that the seal after `last` must name as its previous one.
pub(super) fn hash_before(last: Option<&Seal>) -> String {
    last.map_or_else(|| GENESIS.to_owned(), |seal| seal.hash.clone())
}

/// Root of the Merkle tree over leaf hashes (RFC 6962 §2.1).
pub(super) fn merkle_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [leaf] => *leaf,
        _ => {
            // The largest power of two below the count.
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            let mut hash = Sha256::new();
            hash.update([0x01]);
            hash.update(merkle_root(left));
            hash.update(merkle_root(right));
            hash.finalize().into()
        }
    }
}

macro_rules! select_seals {
    ($rest:literal) => {
        concat!(
            "select seal, first, last, root, previous, hash, sealed_at, last_stamp, row_count \
             from audit_seals ",
            $rest
        )
    };
}

/// Seals after a number, in order.
pub(super) async fn list_seals(
    connection: &mut Connection,
    after: i64,
    limit: i64,
) -> Result<Vec<Seal>, StoreError> {
    let rows = db::query(select_seals!("where seal > $1 order by seal limit $2"))
        .bind(after)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(seal_from).collect()
}

fn seal_from(row: &Row) -> Result<Seal, StoreError> {
    let reader = Reader::numbered(row, "audit_seals")?;
    Ok(Seal {
        seal: reader.number(0)?,
        first: reader.number(1)?,
        last: reader.number(2)?,
        root: reader.text(3)?,
        previous: reader.text(4)?,
        hash: reader.text(5)?,
        sealed_at: reader.number(6)?,
        last_stamp: reader.number(7)?,
        rows: reader.number(8)?,
    })
}

/// Reads the second place; `None` where there is no such file. A line that is
/// no seal reads as `None` in its place.
pub(super) fn read_log(directory: &Path) -> Result<Option<Vec<Option<Seal>>>, StoreError> {
    let file = match File::open(directory.join(LOG_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut seals = Vec::new();
    for line in BufReader::new(file).lines() {
        seals.push(serde_json::from_str(&line?).ok());
    }
    Ok(Some(seals))
}

/// Appends seals and waits for the disk.
fn append_log(directory: &Path, seals: &[Seal]) -> Result<(), StoreError> {
    let path = directory.join(LOG_FILE);
    let mut file = File::options().create(true).append(true).open(path)?;
    let mut text = String::new();
    for seal in seals {
        text.push_str(&crate::storage::rows::json(seal));
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    Ok(file.sync_data()?)
}

impl Store {
    /// Seals the audit rows that no seal covers yet; says how many. Called
    /// each second by the process that serves.
    ///
    /// # Errors
    /// What the database or the second place says; the next call catches up.
    pub async fn seal_audit(&self, at: Instant) -> Result<u64, StoreError> {
        let mut logged = self.inner.sealed.lock().await;
        let mut sealed = 0;
        loop {
            // Each seal at once: where the disk is slow, new rows keep coming,
            // and after a crash only one seal may be on its way.
            self.log_seals(&mut logged).await?;
            let Some(seal) = self.next_seal(at).await? else {
                return Ok(sealed);
            };
            sealed += seal.rows.unsigned_abs();
            self.insert_seal(seal).await?;
        }
    }

    /// Gives a ledger that was copied into this directory a second place: from
    /// here on it is told of what is changed later.
    ///
    /// # Errors
    /// What the database or the second place says.
    pub async fn log_copied_seals(&self) -> Result<(), StoreError> {
        let mut logged = self.inner.sealed.lock().await;
        self.log_seals(&mut logged).await
    }

    async fn next_seal(&self, at: Instant) -> Result<Option<Seal>, StoreError> {
        let mut snapshot = self.inner.readers.begin().await?;
        let row = db::query(select_seals!("order by seal desc limit 1"))
            .fetch_optional(&mut snapshot)
            .await?;
        let last = row.as_ref().map(seal_from).transpose()?;
        let after = last.as_ref().map_or((0, 0), Seal::end);
        // What commits of an earlier place may still join is left for later.
        let horizon = self.inner.young.horizon(&mut snapshot).await?;
        let upto = horizon.map_or(i64::MAX, |horizon| horizon.0);
        let stamped = list_after(&mut snapshot, after, upto, ROWS_MAX).await?;
        let last_stamp = stamped.last().map_or(0, |(stamp, _)| *stamp);
        let rows: Vec<_> = stamped.into_iter().map(|(_, row)| row).collect();
        let (Some(first), Some(end)) = (rows.first(), rows.last()) else {
            return Ok(None);
        };
        let leaves: Vec<[u8; 32]> = rows.iter().map(|row| row.leaf(Layout::Third)).collect();
        let mut seal = Seal {
            seal: last.as_ref().map_or(0, |seal| seal.seal) + 1,
            first: first.audit,
            last: end.audit,
            last_stamp,
            rows: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            root: hex(&merkle_root(&leaves)),
            previous: hash_before(last.as_ref()),
            hash: String::new(),
            sealed_at: at.microseconds(),
        };
        seal.hash = seal.hash_as(Layout::Third);
        Ok(Some(seal))
    }

    async fn insert_seal(&self, seal: Seal) -> Result<(), StoreError> {
        // Another process may seal the same rows: one of the two is enough.
        let query = db::query(
            "insert into audit_seals (seal, first, last, root, previous, hash, sealed_at, \
             last_stamp, row_count) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             on conflict do nothing",
        )
        .bind(seal.seal)
        .bind(seal.first)
        .bind(seal.last)
        .bind(seal.root)
        .bind(seal.previous)
        .bind(seal.hash)
        .bind(seal.sealed_at)
        .bind(seal.last_stamp)
        .bind(seal.rows);
        self.inner.writer.lock().await.execute(query).await?;
        Ok(())
    }

    /// Brings the second place up to the database. `logged` is its last seal,
    /// unknown at first and while something is on its way there: a failure
    /// must neither write a seal twice nor behind a torn line.
    async fn log_seals(&self, logged: &mut Option<i64>) -> Result<(), StoreError> {
        let directory = &self.inner.directory;
        let mut known = match *logged {
            Some(known) => known,
            None => last_logged(directory.clone()).await?,
        };
        loop {
            *logged = Some(known);
            let mut connection = self.inner.readers.acquire().await?;
            let seals = list_seals(&mut connection, known, crate::storage::feed::PAGE).await?;
            drop(connection);
            let Some(last) = seals.last().map(|seal| seal.seal) else {
                return Ok(());
            };
            *logged = None;
            let directory = directory.clone();
            blocking(move || append_log(&directory, &seals)).await?;
            known = last;
        }
    }
}

/// The last seal of the second place. A line torn by a power cut is cut off;
/// the database still has its seal.
async fn last_logged(directory: PathBuf) -> Result<i64, StoreError> {
    blocking(move || {
        let path = directory.join(LOG_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            let file = File::options().write(true).open(&path)?;
            file.set_len(whole as u64)?;
        }
        let last = text.get(..whole).and_then(|text| text.lines().next_back());
        let last = last.and_then(|line| serde_json::from_str::<Seal>(line).ok());
        Ok(last.map_or(0, |seal| seal.seal))
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| StoreError::Closed)?
}

#[cfg(test)]
mod tests {
    use super::merkle_root;
    use crate::foundation::hex;
    use sha2::{Digest, Sha256};

    /// Inputs and roots of the Certificate Transparency reference tests.
    #[test]
    fn roots_are_those_of_rfc_6962() {
        let inputs: [&[u8]; 8] = [
            b"",
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
                0x6e, 0x6f,
            ],
        ];
        let leaves = inputs.map(|input| {
            let mut hash = Sha256::new();
            hash.update([0x00]);
            hash.update(input);
            hash.finalize().into()
        });
        let root = |count: usize| hex(&merkle_root(&leaves[..count]));
        assert_eq!(
            root(1),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            root(2),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
        assert_eq!(
            root(3),
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
        );
        assert_eq!(
            root(8),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }
}
