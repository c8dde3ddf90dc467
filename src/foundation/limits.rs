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

/// Records that one submission is compared with, over all its keys, those first
/// that share the most of them. Read and compared, one costs some fifteen
/// microseconds, twice where it is registered: a crowd costs a few milliseconds.
pub const RECORDS_PER_RETRIEVAL_MAX: usize = 128;

/// What the writer of the index holds in memory before it writes a segment: some
/// 200,000 records, so that the segments of a first load need no merging. In
/// ordinary work a commit comes long before.
pub const INDEX_WRITER_BYTES: usize = 160 * 1_024 * 1_024;

/// Segments of like size that are merged into one. A look-up costs one
/// dictionary walk a segment, so few; each merge writes again, so not two.
pub const INDEX_SEGMENTS_PER_MERGE: usize = 5;

/// Segments with fewer records count as alike: those of commits and of what was
/// merged of a few. Each segment costs every look-up a walk for each of some
/// thirty keys and facets; to merge small ones again costs less.
pub const INDEX_SMALL_SEGMENT_RECORDS: u32 = 20_000;

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

/// Records of one commit when a ledger is indexed as a whole: nobody waits for
/// news, and each segment is written once.
pub const INDEX_FILL_RECORDS: u64 = 150_000;

/// Records that are read for it at once.
pub const INDEX_FILL_ROWS_MAX: u32 = 10_000;

/// Pause between two looks at the ledger by the index follower.
pub const INDEX_FOLLOW_INTERVAL_MS: u64 = 500;

/// Each commit of the index writes a segment, and segments are merged later: to
/// follow each second costs more than the records themselves. Answers do not
/// wait for it. So many changed records are enough for a commit: small segments are
/// merged again and again, which was a quarter of what an import cost.
pub const INDEX_COMMIT_RECORDS: i64 = 10_000;

/// Fewer wait so long.
pub const INDEX_COMMIT_WAIT_MS: u64 = 4_000;

/// Registrations of one batch that are prepared at once: enough to keep every
/// core busy while the writer commits.
pub const BATCH_PREPARED_IN_FLIGHT_MAX: usize = 64;

/// Registrations of one batch that wait for their commit: a few group commits,
/// so that the writer never waits for work.
pub const BATCH_COMMITS_IN_FLIGHT_MAX: usize = 256;

/// Records that a first load holds in memory: some 2 KiB each with their keys. Those
/// beyond go in by the path of a message.
pub const FIRST_LOAD_RECORDS_MAX: usize = 2_000_000;

/// Longest request body: a batch of ten thousand records fits, a flood does not.
pub const BODY_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Longest single registration or question: nothing real is longer.
pub const RECORD_BODY_BYTES_MAX: usize = 256 * 1_024;

/// Records that one transaction writes: their keys are locked together, and a database
/// server's table of locks is shared by all sessions.
pub const WRITTEN_TOGETHER_MAX: usize = 64;

/// Candidates in an answer to a question unless it asks for fewer.
pub const MATCH_CANDIDATES_DEFAULT: usize = 10;

/// Candidates in an answer at most (R120's limit on what a search returns).
pub const MATCH_CANDIDATES_MAX: usize = 50;

/// Tasks on one page at most.
pub const TASKS_PER_PAGE_MAX: u32 = 200;

/// Seconds for which a task is in somebody's hands, unless they ask otherwise:
/// the longest that a hard pair takes, so that nobody else waits for a reader who
/// went home.
pub const TASK_LEASE_SECONDS_DEFAULT: i64 = 15 * 60;

/// A lease is as long as a shift at most.
pub const TASK_LEASE_SECONDS_MAX: i64 = 8 * 60 * 60;

/// Longest reason or comment about a task: a page, no letter.
pub const NOTE_CHARACTERS_MAX: usize = 2_000;

/// Records of one person that a task shows with all their versions; the count
/// says how many there are.
pub const TASK_RECORDS_SHOWN_MAX: usize = 64;

/// Persons of one address that are looked at when one of them is confirmed to be
/// registered twice (R94): large families twice over; a care home is no family.
pub const HOUSEHOLD_PERSONS_MAX: usize = 32;

/// Addresses of two persons that are looked up for that: each costs a retrieval.
pub const HOMES_MAX: usize = 8;

/// Names and addresses that are looked up for what stands around one question: two
/// persons with four of each.
pub const LOOK_UPS_MAX: usize = 16;

/// Records of a source that its scorecard looks at, the latest first: enough for a
/// share to a per cent or two, few enough for a page.
pub const SCORECARD_RECORDS_MAX: u32 = 2_000;

/// Records of a person that are weighed against one another for its picture: 276 pairs,
/// and as many circles as can be told apart.
pub const COHESION_RECORDS_MAX: usize = 24;

/// Questions, those asked last first, from whose answers it is said how readers agree.
pub const ANSWERED_TASKS_LOOKED_AT: u32 = 2_000;

/// Faulty records in the list for a sender.
pub const SCORECARD_LISTED_MAX: usize = 1_000;

/// Persons that one human may join to others in an hour, so that nobody joins
/// hundreds before it is seen (RELIABILITY T8).
pub const MERGES_PER_HOUR_MAX: u32 = 30;

/// Persons in an answer to a search; with more the answer says "too many" (R120).
pub const SEARCH_PERSONS_MAX: usize = 50;

/// Records whose values one search looks at: some tens of milliseconds. Nobody
/// shares a name and a birth date with so many; a common name and a year may.
pub const SEARCH_RECORDS_MAX: usize = 2_000;

/// Records beyond the index whose values one search looks at (RELIABILITY
/// §5.4): what two seconds of a bulk import leave behind.
pub const SEARCH_TAIL_RECORDS_MAX: u32 = 5_000;

/// Years that a span of birth dates may cover: "in their forties or fifties".
pub const SEARCH_SPAN_YEARS_MAX: i32 = 20;

/// Entries on one page of a history, and unless it asks for fewer.
pub const HISTORY_ENTRIES_MAX: u32 = 200;

/// Events on one page of the change feed at most.
pub const EVENTS_PER_PAGE_MAX: u32 = 500;

/// Events on one page of the change feed unless it asks otherwise.
pub const EVENTS_PER_PAGE_DEFAULT: u32 = 100;

/// Pages of events that one request reads through for an account that may see
/// few of them.
pub const EVENT_PAGES_SCANNED_MAX: usize = 10;

/// Versions that are decided together after the release of a source: a few
/// group commits, so that what comes by the doors meanwhile waits no longer.
pub const DEFERRED_PER_PAGE: u32 = 128;

/// Pause between two looks for versions that wait for a released source. A
/// release is rare and nobody waits for its end at a screen.
pub const RELEASE_FOLLOW_INTERVAL_MS: u64 = 1_000;

/// Records of one person from which on no further one joins by itself (R98).
/// People are known to a few dozen systems at most; whoever has more is a test
/// patient, a placeholder or a chain of errors. It also bounds what a comparison
/// with one person costs: some 30 microseconds a record.
pub const PERSON_RECORDS_ALARM: usize = 64;

/// Records under one key that a commit or a question takes from those which the
/// index does not hold yet: as many as the index gives for a key.
pub const YOUNG_RECORDS_PER_KEY_MAX: usize = RECORDS_PER_KEY_MAX;

/// Where a key holds more young records, so many of the youngest are taken. A
/// key that crowded says next to nothing, and whoever is one person with the
/// record shares a sharper one; they are compared in the commit, for which all
/// others wait.
pub const YOUNG_RECORDS_OF_CROWD: usize = 16;

/// Keys of one record that are kept, the youngest first: some fifty versions
/// with nothing in common. Older ones are no longer looked up; the versions stay.
pub const KEYS_PER_RECORD_MAX: usize = 1_024;

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

/// Blocking keys that a merge locks beside its persons: below the bound of one
/// transaction, and more than the records of any two patients have.
pub const MERGE_LOCKS_MAX: usize = 1_000;

/// Decisions of one human that one request takes back: some seconds of work.
pub const DECISIONS_UNDONE_MAX: usize = 200;
/// Readers that are told by webhooks: each is a few reads a second.
pub const WEBHOOKS_MAX: usize = 100;

/// Events in one message to a reader at most, and unless it asks for fewer: some
/// 30 KiB, which any receiver takes.
pub const WEBHOOK_EVENTS_MAX: u32 = 100;

/// Messages to one reader before another look at all of them.
pub const WEBHOOK_MESSAGES_PER_ROUND: usize = 16;

/// Pause between two looks for something to tell.
pub const WEBHOOK_PAUSE_MS: u64 = 500;

/// A node that delivers to a reader keeps the others off for so long: longer
/// than an attempt may take. After a crash another goes on then.
pub const WEBHOOK_LEASE_SECONDS: u64 = 30;

/// A receiver that does not answer within this time has not taken a message.
pub const WEBHOOK_SECONDS_MAX: u64 = 10;

/// Attempts before a message is given up: with the waits between them, a night.
pub const WEBHOOK_ATTEMPTS_MAX: u32 = 20;

/// Wait before the second attempt; each later one waits twice as long,
pub const WEBHOOK_FIRST_WAIT_SECONDS: u64 = 5;

/// and at most so long.
pub const WEBHOOK_RETRY_SECONDS_MAX: u64 = 3_600;

/// Dead letters of one reader that are listed at once.
pub const DEAD_LETTERS_PER_PAGE_MAX: u32 = 1_000;

/// Changed ids on one page of the chase list at most.
pub const CHASE_ENTRIES_MAX: u32 = 500;

/// Changes of ids that one request for the chase list looks at.
pub const CHASE_CHANGES_SCANNED_MAX: u32 = 2_000;

/// Records that are erased together when their retention has ended.
pub const ERASED_PER_PAGE: u32 = 1_000;

/// Accesses that a subject access lists at most: a busy person's of some years.
pub const SUBJECT_ACCESSES_MAX: usize = 50_000;

/// Rows that a subject access reads at once.
pub const SUBJECT_PAGE: u32 = 500;

/// A session of the pages ends when nobody has used it for so long (RELIABILITY
/// T13): a desk that was left is soon locked.
pub const SESSION_IDLE_SECONDS: i64 = 15 * 60;

/// A session ends then, however busy: the longest shift.
pub const SESSION_SECONDS_MAX: i64 = 12 * 60 * 60;

/// How often the use of a session is written down; it may idle so much less.
pub const SESSION_SEEN_SECONDS: i64 = 60;

/// Persons are joined and parted only by somebody whose password was given within
/// this time (T13): a steward at work types it some times a day.
pub const CONFIRMATION_SECONDS: i64 = 30 * 60;
/// Seconds since a provider asked somebody to show who they are, so that it counts as
/// done for this service; clocks of two machines differ.
pub const CONFIRMED_ELSEWHERE_SECONDS: i64 = 5 * 60;

/// Wrong passwords of one account before it waits.
pub const SIGN_IN_FAILURES_MAX: i64 = 5;

/// So long then, and after so long a failure is forgotten: some 480 guesses a day
/// at most, of a password that has no fewer than 2^40 likes.
pub const SIGN_IN_WAIT_SECONDS: i64 = 15 * 60;

/// Passwords that are digested at once: each takes 19 MiB and a core.
pub const PASSWORDS_IN_WORK_MAX: usize = 2;

/// Shortest password (NCSC: length before rules about letters).
pub const PASSWORD_CHARACTERS_MIN: usize = 12;

/// Longest password.
pub const PASSWORD_CHARACTERS_MAX: usize = 256;

/// How often a node asks which model decides: so long after an activation all do.
pub const MODEL_FOLLOW_INTERVAL_MS: u64 = 1_000;

/// Longest reason of an activation and note of a model, as of the header `Accord-Reason`.
pub const MODEL_WORDS_CHARACTERS_MAX: usize = 512;

/// Bytes of a model's file with its tables at most: ten times the shipped one.
pub const MODEL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Records of a ledger that are read at once where a model goes through all of them.
pub const MODEL_PAGE: u32 = 5_000;

/// Records that a re-run judges together: a group commit, so that what comes by the
/// doors meanwhile waits no longer.
pub const RERUN_PAGE: u32 = 64;

/// Records of a page that are scored at once.
pub const RERUN_AT_ONCE: usize = 2;

/// Questions that a re-run raises before somebody has to let it go on: what a team of
/// five reads in a week.
pub const RERUN_TASKS_MAX: u32 = 500;

/// Pause between two pages of a re-run in a service, which leaves most of the time to
/// those who wait for an answer.
pub const RERUN_PAUSE_MS: u64 = 50;

/// Events that a model in the shadow looks at together.
pub const SHADOW_EVENTS: u32 = 200;

/// Events past which a model in the shadow leaves out what has come: some thousand
/// registrations, of which the counts tell no less.
pub const SHADOW_BEHIND_MAX: u64 = 20_000;

/// Records of each outcome that are named as samples.
pub const SHADOW_SAMPLES_EACH: usize = 20;

/// Sources that are counted by themselves.
pub const SHADOW_SOURCES_MAX: usize = 100;

/// A model in the shadow waits so long, while others wait for a thread,
pub const SHADOW_WAIT_MS: u64 = 20;

/// and at most so many times for one record.
pub const SHADOW_WAITS_MAX: u32 = 50;

/// A node that follows for a model in the shadow keeps the others off for so long: longer
/// than a page takes, however busy it is.
pub const SHADOW_LEASE_SECONDS: i64 = 300;

/// A node that works on a re-run keeps the others off for so long: longer than a page
/// takes. After a crash another goes on then.
pub const RERUN_LEASE_SECONDS: i64 = 60;

/// Questions that wait for nothing but to be learnt from: what a team of five reads in a
/// week beside its work.
pub const SAMPLE_TASKS_WAITING_MAX: u64 = 500;

/// Pairs of a sample that people are asked about before it is noted how far it is.
pub const SAMPLE_PAGE: usize = 16;

/// A node that asks about a sample keeps the others off for so long: longer than a page
/// takes. After a crash another goes on then.
pub const SAMPLE_LEASE_SECONDS: i64 = 60;
