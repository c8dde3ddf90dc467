-- Why: readers are told of what happens (webhooks), in order and at least once,
-- from the one feed of events. What is kept here is how far each has been told,
-- what could not be delivered, and which changed ids a reader says it has taken
-- over. None of it is a second truth: events can be read again from anywhere.

-- `stamp` and `position` are the place up to which the reader has been told; the
-- message on its way, or next to be tried, ends at the pending place. `epoch`
-- fences a leader that was frozen: it is raised by whoever takes the lease.
create table webhooks (
    webhook text collate "C" not null constraint webhooks_webhook primary key,
    url text collate "C" not null,
    actor text collate "C" not null,
    sources text collate "C" not null,
    kinds text collate "C" not null,
    secret text collate "C" not null,
    events_per_message bigint not null
        constraint webhooks_events_per_message check (events_per_message >= 1),
    created_at bigint not null,
    created_by text collate "C" not null,
    stamp bigint not null,
    position bigint not null,
    pending_stamp bigint,
    pending_position bigint,
    attempts bigint not null,
    next_at bigint not null,
    failed_because text collate "C",
    epoch bigint not null,
    lease_until bigint not null,
    constraint webhooks_pending
        check ((pending_stamp is null) = (pending_position is null))
);

-- A message that was given up: the events after its first place, up to its last.
-- `wanted` while it is to be sent again.
create table webhook_dead_letters (
    webhook text collate "C" not null,
    stamp bigint not null,
    position bigint not null,
    after_stamp bigint not null,
    after_position bigint not null,
    attempts bigint not null,
    next_at bigint not null,
    failed_at bigint not null,
    failed_because text collate "C" not null,
    wanted bigint not null
        constraint webhook_dead_letters_wanted check (wanted in (0, 1)),
    constraint webhook_dead_letters_key primary key (webhook, stamp, position)
);

-- Up to which change of a person's id a reader has followed.
create table acknowledgements (
    actor text collate "C" not null,
    person text collate "C" not null constraint acknowledgements_person references persons (person),
    stamp bigint not null,
    position bigint not null,
    at bigint not null,
    constraint acknowledgements_key primary key (actor, person)
);

-- Events by which an id changes its meaning, in the order of followers. Whoever
-- reads a kind checks it.
create index events_of_changed_ids on events (stamp, position)
    where kind in ('person_retired', 'person_withdrawn', 'record_unlinked', 'person_restored');
