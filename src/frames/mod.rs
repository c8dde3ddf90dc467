//! Linkage of files that one machine's memory does not hold, as tables of DataFusion: on one
//! machine, which spills to its disk, or on a Ballista cluster whose executors are this
//! program. Where records meet and what pairs weigh are functions of the plan, and they are
//! those of a run in memory (`bulk::Piecework`), so that the links are the same.
//!
//! ```text
//! SentRow… ─ RowsTable ─► rows ─ sort by id ─► records: number, source, lacks, standard
//! records ─ meeting_places ─► (place, record)… ─ group by place ─► blocks ─ weighed_pairs ─► Edge…
//! Edge… ─ pieces ─► records of a piece together ─ settle ─► persons
//! ```
//!
//! Ids, edges and the persons of records are kept in memory: some 60 bytes a record.

#[cfg(feature = "ballista")]
mod cluster;
mod functions;
mod linking;
mod problem;
mod run_file;
mod session;
mod tables;

#[cfg(feature = "ballista")]
pub use cluster::{Executor, SCHEDULER_WAIT_SECONDS, execute, remote, schedule, take_work};
pub use linking::{LinkedTables, link_tables};
pub use problem::FramesProblem;
pub use run_file::RunFile;
pub use session::{Engine, MEMORY_MIN_BYTES, local};
pub use tables::RowsTable;
