-- Why: a source whose data go wrong is quarantined (R98), a number that is
-- said to replace another is remembered (R18). A question about a source has no
-- person, so `tasks.person_a` may be null. The kinds of tasks grow with the
-- rules; whoever reads a kind checks it, so the table no longer lists them.

alter table tasks drop constraint tasks_kind;
alter table tasks alter column person_a drop not null;
alter table tasks add constraint tasks_persons_order
    check (person_b is null or person_a is not null);

-- How many records a source has sent lately: counted by walking the end of
-- this index, so that no registration writes a counter that others wait for.
create index records_by_source on records (source, position);

-- Records that contradict what is known, or bring a default, with the position
-- at which they last did. Only such registrations write here.
create table source_conflicts (
    record bigint not null constraint source_conflicts_record references records (record),
    kind text collate "C" not null constraint source_conflicts_kind
        check (kind in ('confusion', 'overlay', 'default')),
    source text collate "C" not null constraint source_conflicts_source references sources (code),
    position bigint not null,
    constraint source_conflicts_key primary key (record, kind)
);

create index source_conflicts_by_source on source_conflicts (source, position);

-- Intervals: a quarantine is ended, never deleted.
create table source_quarantines (
    source text collate "C" not null constraint source_quarantines_source references sources (code),
    from_position bigint not null,
    to_position bigint,
    record bigint not null constraint source_quarantines_record references records (record),
    because text collate "C" not null,
    conflicts bigint not null,
    records bigint not null,
    task text collate "C" not null constraint source_quarantines_task references tasks (task)
        deferrable initially deferred,
    constraint source_quarantines_key primary key (source, from_position),
    constraint source_quarantines_interval check (to_position > from_position)
);

-- Versions that came during a quarantine and wait to be decided.
create table deferred_versions (
    record bigint not null constraint deferred_versions_record references records (record),
    version bigint not null,
    position bigint not null,
    constraint deferred_versions_key primary key (record, version)
);

create index deferred_versions_by_position on deferred_versions (position);

-- Which number a source says is replaced by which, by the hashes that are
-- blocking keys too: never a number.
create table number_replacements (
    replaced bigint not null,
    replaced_by bigint not null,
    record bigint not null constraint number_replacements_record references records (record),
    position bigint not null,
    constraint number_replacements_key primary key (replaced, replaced_by)
);
