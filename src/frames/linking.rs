//! A run over the table of records: pairs by a plan of the engine, persons piece by piece.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use datafusion::common::cast::{as_binary_array, as_float64_array, as_uint32_array};
use datafusion::prelude::SessionContext;
use futures_util::StreamExt as _;

use crate::bulk::{BROAD_PLACES, BulkRecords, Edge, Linked, NO_PIECE, Piecework, SettledPiece};
use crate::frames::functions::piece_of;
use crate::frames::run_file::RunFile;
use crate::frames::tables::{number_records, register_records};
use crate::frames::{Engine, FramesProblem};

/// What came of a run.
pub struct LinkedTables {
    /// The ids of its records, and nothing else of them.
    pub ids: BulkRecords,
    /// Links and persons.
    pub linked: Linked,
}

/// Links the rows of a work folder. Pairs are found by `engine`; `here`, a session of this
/// machine, puts rows in order and brings the records of a piece together.
///
/// # Errors
/// When ids repeat, memory does not suffice, or the engine fails.
pub async fn link_tables(
    engine: &Engine,
    here: &Engine,
    work_folder: &Path,
    mut run: RunFile,
) -> Result<LinkedTables, FramesProblem> {
    let (ids, records) = number_records(&here.0, work_folder).await?;
    run.records = records;
    run.write(work_folder)?;
    let work = run.piecework()?;
    let edges = weighed_pairs(&engine.0, work_folder).await?;
    let settled = settle(&here.0, work_folder, &work, &edges, run.records).await?;
    let linked = work.linked(edges, settled.pairs, settled.persons);
    Ok(LinkedTables { ids, linked })
}

/// Pairs that reach the weight that matters, in the order of their records.
async fn weighed_pairs(
    session: &SessionContext,
    work_folder: &Path,
) -> Result<Vec<Edge>, FramesProblem> {
    register_records(session, work_folder).await?;
    let plan = plan_of(&work_folder.display().to_string());
    let mut batches = session.sql(&plan).await?.execute_stream().await?;
    let mut edges = Vec::new();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let (a, b) = (
            as_uint32_array(batch.column(0))?,
            as_uint32_array(batch.column(1))?,
        );
        let weight = as_float64_array(batch.column(2))?;
        edges.extend((0..batch.num_rows()).map(|row| Edge {
            a: a.value(row),
            b: b.value(row),
            weight: weight.value(row),
        }));
    }
    session.deregister_table("records")?;
    edges.sort_unstable_by_key(|edge| (edge.a, edge.b));
    Ok(edges)
}

/// Places where records meet in vain are dropped before anything is said of them: where one
/// stands alone, and of a broad rule those where none lacks a field.
fn plan_of(work_folder: &str) -> String {
    let run = work_folder.replace('\'', "''");
    format!(
        "WITH met AS (
           SELECT record, source, lacks, standard,
                  unnest(meeting_places('{run}', standard)) AS place
           FROM records
         ), shared AS (
           SELECT place AS shared_place FROM met GROUP BY place
           HAVING count(*) > 1 AND (place < {BROAD_PLACES} OR bool_or(lacks))
         ), blocks AS (
           SELECT place, array_agg(named_struct(
                    'record', record, 'source', source, 'standard', standard)) AS members
           FROM met JOIN shared ON place = shared_place
           GROUP BY place
         ), pairs AS (
           SELECT unnest(weighed_pairs('{run}', place, members)) AS pair FROM blocks
         )
         SELECT DISTINCT get_field(pair, 'a') AS a, get_field(pair, 'b') AS b,
                get_field(pair, 'weight') AS weight
         FROM pairs"
    )
}

/// Makes persons of all records, piece by piece.
async fn settle(
    session: &SessionContext,
    work_folder: &Path,
    work: &Piecework,
    edges: &[Edge],
    records: u32,
) -> Result<SettledPiece, FramesProblem> {
    let piece_of_record = work.pieces(edges);
    let mut inside = edges_by_piece(&piece_of_record, edges);
    let mut all = SettledPiece {
        persons: (0..records).collect(),
        pairs: Vec::new(),
    };
    register_records(session, work_folder).await?;
    session.register_batch("pieces", pieces_table(&piece_of_record)?)?;
    let plan = "SELECT piece, record, source, standard FROM records JOIN pieces ON record = member \
                ORDER BY piece, record";
    let mut batches = session.sql(plan).await?.execute_stream().await?;
    let mut open = OpenPiece::default();
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        let column = |place: usize| as_uint32_array(batch.column(place));
        let (piece, record, source) = (column(0)?, column(1)?, column(2)?);
        let standard = as_binary_array(batch.column(3))?;
        for row in 0..batch.num_rows() {
            if piece.value(row) != open.number && !open.records.is_empty() {
                let edges = std::mem::take(&mut inside[open.number as usize]);
                std::mem::take(&mut open).settle(work, &edges, &mut all)?;
            }
            open.number = piece.value(row);
            open.records.push(record.value(row));
            open.said
                .push((source.value(row), standard.value(row).to_vec()));
        }
    }
    if !open.records.is_empty() {
        let edges = std::mem::take(&mut inside[open.number as usize]);
        open.settle(work, &edges, &mut all)?;
    }
    Ok(all)
}

fn edges_by_piece(piece_of: &[u32], edges: &[Edge]) -> Vec<Vec<Edge>> {
    let last = piece_of.iter().filter(|piece| **piece != NO_PIECE).max();
    let mut inside = vec![Vec::new(); last.map_or(0, |last| *last as usize + 1)];
    for edge in edges {
        let piece = piece_of[edge.a as usize];
        if piece != NO_PIECE && piece == piece_of[edge.b as usize] {
            inside[piece as usize].push(*edge);
        }
    }
    inside
}

fn pieces_table(piece_of: &[u32]) -> Result<RecordBatch, FramesProblem> {
    let standing = || {
        (0_u32..)
            .zip(piece_of)
            .filter(|(_, piece)| **piece != NO_PIECE)
    };
    let records = UInt32Array::from_iter_values(standing().map(|(record, _)| record));
    let pieces = UInt32Array::from_iter_values(standing().map(|(_, piece)| *piece));
    Ok(RecordBatch::try_from_iter([
        ("member", Arc::new(records) as _),
        ("piece", Arc::new(pieces) as _),
    ])?)
}

/// The records of a piece as they come in.
#[derive(Default)]
struct OpenPiece {
    number: u32,
    records: Vec<u32>,
    said: Vec<(u32, Vec<u8>)>,
}

impl OpenPiece {
    fn settle(
        self,
        work: &Piecework,
        edges: &[Edge],
        all: &mut SettledPiece,
    ) -> Result<(), FramesProblem> {
        let said = self.said.iter();
        let piece = piece_of(said.map(|(source, standard)| (*source, standard.as_slice())))?;
        let place = |record: u32| {
            let place = self.records.binary_search(&record).unwrap_or_default();
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        let with = |edge: &Edge, number: &dyn Fn(u32) -> u32| Edge {
            a: number(edge.a),
            b: number(edge.b),
            ..*edge
        };
        let edges: Vec<Edge> = edges.iter().map(|edge| with(edge, &place)).collect();
        let settled = work.settle(&piece, &edges);
        let record = |place: u32| self.records[place as usize];
        for (own, first) in self.records.iter().zip(settled.persons) {
            all.persons[*own as usize] = record(first);
        }
        let pairs = settled.pairs.iter();
        all.pairs.extend(pairs.map(|pair| with(pair, &record)));
        Ok(())
    }
}
