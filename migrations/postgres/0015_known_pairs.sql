-- Why: questions whose answer is known are mixed into what a reader is given (R117).
-- Their people are made up, so what a pair says and what happened to it stand in the
-- row itself: no event, no task, no patient. The reader is whose hands it is for, and
-- once it is answered who answered.

create table known_pairs (
    task text collate "C" not null constraint known_pairs_task primary key,
    reader text collate "C" not null,
    truth text collate "C" not null constraint known_pairs_truth check (truth in ('same', 'different')),
    sides text collate "C" not null,
    entries text collate "C" not null,
    version bigint not null constraint known_pairs_version check (version >= 1),
    dealt_at bigint not null,
    answered_at bigint,
    answer text collate "C",
    constraint known_pairs_answered check ((answered_at is null) = (answer is null))
);

create index known_pairs_by_reader on known_pairs (reader, answered_at);
