-- Why: a question has stages, readers and a place in the queue (R114 to R118).
-- What is asked for or sorted by has a column; the rest of what the events say
-- stands in `detail` as JSON. Tasks from before keep the queue's last class, as
-- their events say. Words that people write about a task stand in `remarks`.

alter table tasks add column stage text not null default 'open';
alter table tasks add column outcome text;
alter table tasks add column version integer not null default 1;
alter table tasks add column priority integer not null default 4;
alter table tasks add column rank real not null default 0;
alter table tasks add column claimed_by text;
alter table tasks add column claimed_until integer;
alter table tasks add column detail text not null default '{}';

update tasks set stage = case when status = 'closed' then 'closed' else 'open' end,
    rank = -coalesce(weight_bits, 0),
    version = (select count(*) from event_subjects s join events e on e.position = s.position
        where s.subject = tasks.task
        and e.kind in ('task_opened', 'task_updated', 'task_closed'));

-- In the queue's order; the id is the order of age.
create index tasks_by_queue on tasks (status, priority, rank, task);

-- What people have decided is asked for too: it is not asked again.
drop index tasks_by_person_a;
drop index tasks_by_person_b;
create index tasks_by_person_a on tasks (person_a);
create index tasks_by_person_b on tasks (person_b);
