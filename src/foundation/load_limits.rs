//! Bounds of a service under load, each with its reason. Those that an operator
//! sets are defaults here. Bounds on data stand in `limits`.

use crate::foundation::limits::BATCH_PREPARED_IN_FLIGHT_MAX;

/// Open connections. Callers are engines with a few kept open each; a process
/// has 1,024 files unless told otherwise, and the ledger and the index need some.
pub const CONNECTIONS_MAX: usize = 768;

/// Requests in work. A core answers some hundreds a second, so that the last of
/// these waits about half a second; one more would be answered too late to help.
pub const REQUESTS_IN_WORK_MAX: usize = 256;

/// Batches in work, beside the requests: each holds its body and its answers.
pub const BATCHES_IN_WORK_MAX: usize = 8;

/// From the first byte of a request to the end of its header.
pub const HEADER_SECONDS_MAX: u64 = 10;

/// A connection without a request. Longer than the 60 s after which the usual
/// proxies give up theirs, so that no request meets a closing door.
pub const IDLE_SECONDS_MAX: u64 = 75;

/// A caller that takes no more bytes of its answer.
pub const WRITE_STALL_SECONDS_MAX: u64 = 30;

/// A caller that sends no more bytes of its body.
pub const BODY_STALL_SECONDS_MAX: u64 = 10;

/// A whole body: the largest batch at two megabits a second.
pub const BODY_SECONDS_MAX: u64 = 64;

/// A request that is no batch, its body included. A proxy asks again after 60 s.
pub const REQUEST_SECONDS_MAX: u64 = 30;

/// Requests in work when the service is told to stop. Supervisors kill after 30 s.
pub const STOP_SECONDS_MAX: u64 = 20;

/// What is left of a body that was refused unread is read and forgotten up to
/// here, and as long as a caller may be silent; a close over bytes that were not
/// read would take the answer away.
pub const FORGOTTEN_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Longest path with its query: four times the longest record's.
pub const URI_CHARACTERS_MAX: usize = 4_096;

/// Headers of a request; the parser itself stops at 100.
pub const HEADERS_MAX: usize = 64;

/// Bytes of all names and values of the headers.
pub const HEADER_BYTES_MAX: usize = 16 * 1_024;

/// What a connection reads ahead: a header beyond it is refused by the parser.
pub const READ_AHEAD_BYTES_MAX: usize = 64 * 1_024;

/// Connections beyond the bound that are being told so; others are dropped.
pub const TURNED_AWAY_AT_ONCE_MAX: usize = 64;

/// How long such a connection may take to go.
pub const TURN_AWAY_SECONDS_MAX: u64 = 1;

/// Accounts whose rate is counted; a bucket that is full again is forgotten.
pub const RATED_ACCOUNTS_MAX: usize = 10_000;

/// Tokens that need no look-up.
pub const TOKENS_REMEMBERED_MAX: usize = 1_024;

/// For how long. A revoked token is accepted for this long at most.
pub const TOKEN_REMEMBERED_SECONDS: u64 = 5;

/// At the door of the ledger's queue. The writer empties a full queue in less.
pub const LEDGER_QUEUE_SECONDS_MAX: u64 = 2;

/// Pieces of computing that wait for a core: a quarter of a second's work.
pub const CPU_QUEUE_MAX: usize = 1_024;

/// Records whose comparison does not pay for a change of threads: some twenty
/// microseconds, as long as the change takes.
pub const COMPARED_IN_PLACE_MAX: usize = 16;

/// What `/readyz` gives the ledger to answer.
pub const READY_SECONDS_MAX: u64 = 2;

/// The index lags when it is later than this: an operator is told (RELIABILITY I15).
pub const INDEX_LAG_MS_MAX: u64 = 5_000;

/// Pause between two looks of a process for what its counts have to follow. A page
/// that shows them catches up by itself; this keeps what it has to read short.
pub const COUNTS_INTERVAL_MS: u64 = 1_000;

/// Pause between two samples of what only the ledger knows, such as tasks by age.
pub const GAUGE_SAMPLE_SECONDS: u64 = 30;

/// Connections of one HL7 listener: an integration engine keeps one for each feed.
pub const HL7_CONNECTIONS_MAX: usize = 256;
/// Longest HL7 message. Nothing that says who somebody is is longer; what carries
/// documents belongs elsewhere.
pub const HL7_MESSAGE_BYTES_MAX: usize = 1_024 * 1_024;
/// Segments of one HL7 message.
pub const HL7_SEGMENTS_MAX: usize = 1_000;
/// A connection between two messages. Feeds are silent at night, and engines keep
/// their connections; one that is dead is noticed by then.
pub const HL7_IDLE_SECONDS_MAX: u64 = 24 * 3_600;
/// A connection within a message, or within its TLS handshake.
pub const HL7_STALL_SECONDS_MAX: u64 = 30;

// With its defaults a service refuses at its door and never in the middle.
const _: () = assert!(
    REQUESTS_IN_WORK_MAX + BATCHES_IN_WORK_MAX * BATCH_PREPARED_IN_FLIGHT_MAX <= CPU_QUEUE_MAX
);
const _: () = assert!(BODY_STALL_SECONDS_MAX < REQUEST_SECONDS_MAX);
const _: () = assert!(LEDGER_QUEUE_SECONDS_MAX < REQUEST_SECONDS_MAX);
const _: () = assert!(HEADER_BYTES_MAX + URI_CHARACTERS_MAX < READ_AHEAD_BYTES_MAX);
