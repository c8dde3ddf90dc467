-- Why: a task's evidence is longer than what a page of an index keeps of a row,
-- and without a rowid each comparison on the way to a row read all of it. The
-- table is the same but for that.

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
    stage text not null default 'open',
    outcome text,
    version integer not null default 1,
    priority integer not null default 4,
    rank real not null default 0,
    claimed_by text,
    claimed_until integer,
    detail text not null default '{}',
    constraint tasks_persons_order check (person_b is null or person_a is not null)
) strict;

insert into tasks_again (task, kind, status, record, person_a, person_b, weight_bits, reasons,
    evidence, opened_position, position, stage, outcome, version, priority, rank, claimed_by,
    claimed_until, detail)
select task, kind, status, record, person_a, person_b, weight_bits, reasons, evidence,
    opened_position, position, stage, outcome, version, priority, rank, claimed_by,
    claimed_until, detail from tasks;
drop table tasks;
alter table tasks_again rename to tasks;

create index tasks_by_record on tasks (record);
create index tasks_by_queue on tasks (status, priority, rank, task);
create index tasks_by_person_a on tasks (person_a);
create index tasks_by_person_b on tasks (person_b);
