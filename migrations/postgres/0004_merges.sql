-- Why: humans join and part persons. A merge carries records to another person
-- and leaves the decision about each record where it fell: `home_position` is
-- the link of the same record that holds that decision, null where it is the
-- link itself. `opened_by` and `closed_by` say which merge carried it.

alter table links add column home_position bigint;
alter table links add column opened_by text collate "C";
alter table links add column closed_by text collate "C";

-- A merge from its proposal to its undoing; approvals are the reasons why it
-- needed a second human.
create table merges (
    merge text collate "C" not null constraint merges_merge primary key,
    status text collate "C" not null
        constraint merges_status check (status in ('awaiting_approval', 'done', 'undone', 'dropped')),
    survivor text collate "C" not null constraint merges_survivor references persons (person),
    retired text collate "C" not null constraint merges_retired references persons (person),
    asked_by text collate "C" not null,
    made_by text collate "C",
    approval text collate "C" not null,
    task text collate "C" constraint merges_task references tasks (task) deferrable initially deferred,
    made_position bigint,
    position bigint not null,
    constraint merges_not_itself check (survivor <> retired)
);

create index merges_by_survivor on merges (survivor);
create index merges_by_retired on merges (retired);
create index merges_by_made_position on merges (made_position);

-- The records that a merge found: moved from the retired person, kept by the survivor.
create table merge_records (
    merge text collate "C" not null constraint merge_records_merge references merges (merge),
    record bigint not null constraint merge_records_record references records (record),
    side text collate "C" not null constraint merge_records_side check (side in ('moved', 'kept')),
    constraint merge_records_key primary key (merge, record)
);

-- What a human has said of two groups of records: withdrawn, never deleted.
create table assertions (
    assertion text collate "C" not null constraint assertions_assertion primary key,
    kind text collate "C" not null constraint assertions_kind check (kind in ('same', 'different')),
    evidence text collate "C" not null,
    made_by text collate "C" not null,
    merge text collate "C" constraint assertions_merge references merges (merge),
    withdrawn bigint not null constraint assertions_withdrawn check (withdrawn in (0, 1)),
    made_position bigint not null,
    position bigint not null
);

create index assertions_by_made_position on assertions (made_position);

create table assertion_records (
    record bigint not null constraint assertion_records_record references records (record),
    assertion text collate "C" not null constraint assertion_records_assertion references assertions (assertion),
    side text collate "C" not null constraint assertion_records_side check (side in ('a', 'b')),
    constraint assertion_records_key primary key (record, assertion, side)
);

create index assertion_records_by_assertion on assertion_records (assertion);

-- Who retired into whom: a person's whole family is read through it.
create index persons_by_replaced_by on persons (replaced_by) where replaced_by is not null;

-- What humans gave as their reason, beside the ledger, because words may
-- identify: the text becomes null by an erasure. By the first event of what was
-- done.
create table remarks (
    position bigint not null constraint remarks_position primary key
        constraint remarks_event references events (position),
    subject text collate "C" not null,
    reason text collate "C"
);

create index remarks_by_subject on remarks (subject, position);
