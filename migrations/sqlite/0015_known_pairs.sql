-- Why: questions whose answer is known are mixed into what a reader is given (R117).
-- Their people are made up, so what a pair says and what happened to it stand in the
-- row itself: no event, no task, no patient. The reader is whose hands it is for, and
-- once it is answered who answered.

create table known_pairs (
    task text not null constraint known_pairs_task primary key,
    reader text not null,
    truth text not null constraint known_pairs_truth check (truth in ('same', 'different')),
    sides text not null,
    entries text not null,
    version integer not null constraint known_pairs_version check (version >= 1),
    dealt_at integer not null,
    answered_at integer,
    answer text,
    constraint known_pairs_answered check ((answered_at is null) = (answer is null))
) strict, without rowid;

create index known_pairs_by_reader on known_pairs (reader, answered_at);
