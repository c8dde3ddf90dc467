-- Why: readers are told of what happens (webhooks), in order and at least once,
-- from the one feed of events. What is kept here is how far each has been told,
-- what could not be delivered, and which changed ids a reader says it has taken
-- over. None of it is a second truth: events can be read again from anywhere.

-- `stamp` and `position` are the place up to which the reader has been told; the
-- message on its way, or next to be tried, ends at the pending place. `epoch`
-- fences a leader that was frozen: it is raised by whoever takes the lease.
create table webhooks (
    webhook text not null constraint webhooks_webhook primary key,
    url text not null,
    actor text not null,
    sources text not null,
    kinds text not null,
    secret text not null,
    events_per_message integer not null
        constraint webhooks_events_per_message check (events_per_message >= 1),
    created_at integer not null,
    created_by text not null,
    stamp integer not null,
    position integer not null,
    pending_stamp integer,
    pending_position integer,
    attempts integer not null,
    next_at integer not null,
    failed_because text,
    epoch integer not null,
    lease_until integer not null,
    constraint webhooks_pending
        check ((pending_stamp is null) = (pending_position is null))
) strict, without rowid;

-- A message that was given up: the events after its first place, up to its last.
-- `wanted` while it is to be sent again.
create table webhook_dead_letters (
    webhook text not null,
    stamp integer not null,
    position integer not null,
    after_stamp integer not null,
    after_position integer not null,
    attempts integer not null,
    next_at integer not null,
    failed_at integer not null,
    failed_because text not null,
    wanted integer not null
        constraint webhook_dead_letters_wanted check (wanted in (0, 1)),
    constraint webhook_dead_letters_key primary key (webhook, stamp, position)
) strict, without rowid;

-- Up to which change of a person's id a reader has followed.
create table acknowledgements (
    actor text not null,
    person text not null constraint acknowledgements_person references persons (person),
    stamp integer not null,
    position integer not null,
    at integer not null,
    constraint acknowledgements_key primary key (actor, person)
) strict, without rowid;

-- Events by which an id changes its meaning, in the order of followers. Whoever
-- reads a kind checks it.
create index events_of_changed_ids on events (stamp, position)
    where kind in ('person_retired', 'person_withdrawn', 'record_unlinked', 'person_restored');
