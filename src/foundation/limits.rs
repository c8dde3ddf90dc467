//! Every bound in the program, with its reason.

/// A field longer than this is kept as sent but compared only by its start.
/// National systems hold 35 to 255 characters; nothing real is longer.
pub const FIELD_CHARACTERS_MAX: usize = 1_024;

/// More names, addresses, phones or identifiers than this in one record are
/// kept as sent and not compared: a record with hundreds joins by chance.
pub const VALUES_PER_FIELD_MAX: usize = 20;

/// Records that one blocking key may bring to one comparison. A household, a
/// practice list or a common name and birth date stay below it; a key above it
/// is sharpened, because comparing everybody of one birth date decides nothing.
pub const RECORDS_PER_KEY_MAX: usize = 64;

/// Records that one submission is compared with, over all its keys. At about
/// one microsecond a comparison this keeps a match below its 0.8 ms.
pub const RECORDS_PER_RETRIEVAL_MAX: usize = 400;

/// What the writer of the index holds in memory before it writes a segment:
/// some 60,000 records, twice the least that the engine accepts.
pub const INDEX_WRITER_BYTES: usize = 32 * 1_024 * 1_024;

/// Segments of like size that are merged into one. A look-up costs one
/// dictionary walk a segment, so few; each merge writes again, so not two.
pub const INDEX_SEGMENTS_PER_MERGE: usize = 5;

/// Segments with fewer records count as alike: those of single commits. Twice a
/// full commit, so that what was merged once is not merged with those again.
pub const INDEX_SMALL_SEGMENT_RECORDS: u32 = 2_000;

/// A segment with more records is not merged again in the background, so that
/// no merge holds a core for minutes.
pub const INDEX_MERGE_RECORDS_MAX: usize = 1_000_000;

/// The share of replaced or removed records from which a segment is written
/// anew: they cost space and have to be skipped when records are counted.
pub const INDEX_REMOVED_SHARE_MAX: f32 = 0.2;

const _: () = assert!(RECORDS_PER_KEY_MAX <= RECORDS_PER_RETRIEVAL_MAX);

/// A record raises at most this many tasks: a question about more pairs than a
/// person can hold in mind is asked about the best ones first.
pub const REVIEW_TASKS_PER_RECORD_MAX: usize = 3;

/// At most this many other persons are named in an answer to a registration.
pub const POSSIBLE_PERSONS_MAX: usize = 10;

/// Records that the index takes in one commit: large enough that a first load
/// is not commit-bound, small enough that readers see news soon.
pub const INDEX_FEED_ROWS_MAX: u32 = 2_000;

/// Pause between two looks at the ledger by the index follower. Each look that
/// finds news writes a segment, and segments are merged later: ten looks a
/// second cost more than the records themselves. Answers do not wait for it.
pub const INDEX_FOLLOW_INTERVAL_MS: u64 = 1_000;

/// Registrations of one batch that are prepared at once: enough to keep every
/// core busy while the writer commits.
pub const BATCH_PREPARED_IN_FLIGHT_MAX: usize = 64;

/// Registrations of one batch that wait for their commit: a few group commits,
/// so that the writer never waits for work.
pub const BATCH_COMMITS_IN_FLIGHT_MAX: usize = 256;

/// Longest request body: a batch of ten thousand records fits, a flood does not.
pub const BODY_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Longest single registration or question: nothing real is longer.
pub const RECORD_BODY_BYTES_MAX: usize = 256 * 1_024;

/// Candidates in an answer to a question unless it asks for fewer.
pub const MATCH_CANDIDATES_DEFAULT: usize = 10;

/// Candidates in an answer at most (R120's limit on what a search returns).
pub const MATCH_CANDIDATES_MAX: usize = 50;

/// Tasks on one page at most.
pub const TASKS_PER_PAGE_MAX: u32 = 200;

/// Deepest JSON that is read: our own bodies have four levels.
pub const JSON_DEPTH_MAX: usize = 16;

/// Longest text of one member. What is longer than [`FIELD_CHARACTERS_MAX`] is
/// kept and compared by its start; nobody writes a book into a name.
pub const TEXT_CHARACTERS_MAX: usize = 65_536;

/// Values of one list, and members of one object, at most. Those beyond
/// [`VALUES_PER_FIELD_MAX`] are kept and not compared.
pub const VALUES_PER_LIST_MAX: usize = 1_000;

/// Lines that one quoted field of a file may run over. An address has five, a
/// note some more; a quote that nobody closed has the rest of the file.
pub const QUOTED_LINES_MAX: usize = 50;
