-- Why: after an activation what the records say is judged again by the new model, page
-- by page, and people are asked (R86). How far that is stands here, and who let it
-- begin, so that it goes on where it was stopped, in any process; the epoch fences one
-- that has lost its lease.

create table model_reruns (
    activation integer not null constraint model_reruns_activation primary key
        constraint model_reruns_of references model_activations (number),
    begun_by text not null,
    reason text not null,
    begun_at integer not null,
    state text not null
        constraint model_reruns_state check (state in ('running', 'paused', 'done')),
    after_record integer not null,
    looked_at integer not null,
    records integer not null,
    tasks integer not null,
    tasks_until integer not null,
    continued_at integer not null,
    looked_before integer not null,
    updated_at integer not null,
    epoch integer not null,
    lease_until integer not null
) strict;
