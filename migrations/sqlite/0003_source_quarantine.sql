-- Why: a source whose data go wrong is quarantined (R98), a number that is
-- said to replace another is remembered (R18). A question about a source has no
-- person, so `tasks.person_a` may be null. The kinds of tasks grow with the
-- rules; whoever reads a kind checks it, so the table no longer lists them.

create table tasks_again (
    task text not null constraint tasks_task primary key,
    kind text not null,
    status text not null constraint tasks_status check (status in ('open', 'closed')),
    record integer not null constraint tasks_record references records (record),
    person_a text constraint tasks_person_a references persons (person),
    person_b text constraint tasks_person_b references persons (person),
    weight_bits real,
    reasons text not null,
    evidence text not null,
    opened_position integer not null,
    position integer not null,
    constraint tasks_persons_order check (person_b is null or person_a is not null)
) strict, without rowid;

insert into tasks_again (task, kind, status, record, person_a, person_b, weight_bits, reasons,
    evidence, opened_position, position)
select task, kind, status, record, person_a, person_b, weight_bits, reasons, evidence,
    opened_position, position from tasks;
drop table tasks;
alter table tasks_again rename to tasks;

create index tasks_by_person_a on tasks (person_a) where status = 'open';
create index tasks_by_person_b on tasks (person_b) where status = 'open';
create index tasks_by_record on tasks (record);

-- How many records a source has sent lately: counted by walking the end of
-- this index, so that no registration writes a counter that others wait for.
create index records_by_source on records (source, position);

-- Records that contradict what is known, or bring a default, with the position
-- at which they last did. Only such registrations write here.
create table source_conflicts (
    record integer not null constraint source_conflicts_record references records (record),
    kind text not null constraint source_conflicts_kind
        check (kind in ('confusion', 'overlay', 'default')),
    source text not null constraint source_conflicts_source references sources (code),
    position integer not null,
    constraint source_conflicts_key primary key (record, kind)
) strict, without rowid;

create index source_conflicts_by_source on source_conflicts (source, position);

-- Intervals: a quarantine is ended, never deleted.
create table source_quarantines (
    source text not null constraint source_quarantines_source references sources (code),
    from_position integer not null,
    to_position integer,
    record integer not null constraint source_quarantines_record references records (record),
    because text not null,
    conflicts integer not null,
    records integer not null,
    task text not null constraint source_quarantines_task references tasks (task)
        deferrable initially deferred,
    constraint source_quarantines_key primary key (source, from_position),
    constraint source_quarantines_interval check (to_position > from_position)
) strict, without rowid;

-- Versions that came during a quarantine and wait to be decided.
create table deferred_versions (
    record integer not null constraint deferred_versions_record references records (record),
    version integer not null,
    position integer not null,
    constraint deferred_versions_key primary key (record, version)
) strict, without rowid;

create index deferred_versions_by_position on deferred_versions (position);

-- Which number a source says is replaced by which, by the hashes that are
-- blocking keys too: never a number.
create table number_replacements (
    replaced integer not null,
    replaced_by integer not null,
    record integer not null constraint number_replacements_record references records (record),
    position integer not null,
    constraint number_replacements_key primary key (replaced, replaced_by)
) strict, without rowid;
