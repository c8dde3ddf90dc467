-- Why: after an activation what the records say is judged again by the new model, page
-- by page, and people are asked (R86). How far that is stands here, and who let it
-- begin, so that it goes on where it was stopped, in any process; the epoch fences one
-- that has lost its lease.

create table model_reruns (
    activation bigint not null constraint model_reruns_activation primary key
        constraint model_reruns_of references model_activations (number),
    begun_by text collate "C" not null,
    reason text collate "C" not null,
    begun_at bigint not null,
    state text collate "C" not null
        constraint model_reruns_state check (state in ('running', 'paused', 'done')),
    after_record bigint not null,
    looked_at bigint not null,
    records bigint not null,
    tasks bigint not null,
    tasks_until bigint not null,
    continued_at bigint not null,
    looked_before bigint not null,
    updated_at bigint not null,
    epoch bigint not null,
    lease_until bigint not null
);
