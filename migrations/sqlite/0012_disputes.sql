-- Why: a person disputes a value of a source's record (R133). Until the source has
-- answered, the value supports no automatic link. The row says of which field and
-- version, never the value; it is ended, never deleted.

create table disputes (
    record integer not null constraint disputes_record references records (record),
    field text not null,
    version integer not null constraint disputes_version check (version >= 1),
    made_by text not null,
    made_position integer not null,
    ended_position integer,
    ended_because text,
    constraint disputes_key primary key (record, field, made_position),
    constraint disputes_interval check (ended_position > made_position),
    constraint disputes_end check ((ended_position is null) = (ended_because is null))
) strict, without rowid;
