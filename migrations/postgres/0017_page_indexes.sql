-- Why: pages ask the questions for what is in somebody's hands, what was answered
-- last and what weighs about so much, and must not walk all of them. The queue's
-- index holds what a filter asks for, so that rows of another kind, stage or source
-- are passed over without being read.

drop index tasks_by_queue;
create index tasks_by_queue on tasks (status, priority, rank, task, stage, kind, record);
create index tasks_by_claim on tasks (claimed_until, claimed_by) where claimed_by is not null;
create index tasks_answered on tasks (task)
    where stage in ('decided', 'second_reader', 'third_reader');
create index tasks_by_weight on tasks (weight_bits, task) where kind = 'possible_duplicate';
create index known_pairs_answered on known_pairs (dealt_at, task) where answered_at is not null;
