-- Why: humans join and part persons. A merge carries records to another person
-- and leaves the decision about each record where it fell: `home_position` is
-- the link of the same record that holds that decision, null where it is the
-- link itself. `opened_by` and `closed_by` say which merge carried it.

alter table links add column home_position integer;
alter table links add column opened_by text;
alter table links add column closed_by text;

-- A merge from its proposal to its undoing; approvals are the reasons why it
-- needed a second human.
create table merges (
    merge text not null constraint merges_merge primary key,
    status text not null
        constraint merges_status check (status in ('awaiting_approval', 'done', 'undone', 'dropped')),
    survivor text not null constraint merges_survivor references persons (person),
    retired text not null constraint merges_retired references persons (person),
    asked_by text not null,
    made_by text,
    approval text not null,
    task text constraint merges_task references tasks (task) deferrable initially deferred,
    made_position integer,
    position integer not null,
    constraint merges_not_itself check (survivor <> retired)
) strict, without rowid;

create index merges_by_survivor on merges (survivor);
create index merges_by_retired on merges (retired);
create index merges_by_made_position on merges (made_position);

-- The records that a merge found: moved from the retired person, kept by the survivor.
create table merge_records (
    merge text not null constraint merge_records_merge references merges (merge),
    record integer not null constraint merge_records_record references records (record),
    side text not null constraint merge_records_side check (side in ('moved', 'kept')),
    constraint merge_records_key primary key (merge, record)
) strict, without rowid;

-- What a human has said of two groups of records: withdrawn, never deleted.
create table assertions (
    assertion text not null constraint assertions_assertion primary key,
    kind text not null constraint assertions_kind check (kind in ('same', 'different')),
    evidence text not null,
    made_by text not null,
    merge text constraint assertions_merge references merges (merge),
    withdrawn integer not null constraint assertions_withdrawn check (withdrawn in (0, 1)),
    made_position integer not null,
    position integer not null
) strict, without rowid;

create index assertions_by_made_position on assertions (made_position);

create table assertion_records (
    record integer not null constraint assertion_records_record references records (record),
    assertion text not null constraint assertion_records_assertion references assertions (assertion),
    side text not null constraint assertion_records_side check (side in ('a', 'b')),
    constraint assertion_records_key primary key (record, assertion, side)
) strict, without rowid;

create index assertion_records_by_assertion on assertion_records (assertion);

-- Who retired into whom: a person's whole family is read through it.
create index persons_by_replaced_by on persons (replaced_by) where replaced_by is not null;

-- What humans gave as their reason, beside the ledger, because words may
-- identify: the text becomes null by an erasure. By the first event of what was
-- done.
create table remarks (
    position integer not null constraint remarks_position primary key
        constraint remarks_event references events (position),
    subject text not null,
    reason text
) strict;

create index remarks_by_subject on remarks (subject, position);
