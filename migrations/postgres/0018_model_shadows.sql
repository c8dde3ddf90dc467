-- Why: before a model decides, engineers see what it would have decided on what comes by
-- the doors (R86). One follows the feed at a time; how far it is, what it has counted
-- and what it has left out stand here, so that any node goes on. Counts and numbers of
-- records, nothing of a patient.

create table model_shadows (
    number bigint not null constraint model_shadows_number primary key,
    model text collate "C" not null
        constraint model_shadows_model references models (digest),
    against text collate "C" not null
        constraint model_shadows_against references models (digest),
    begun_by text collate "C" not null,
    reason text collate "C" not null,
    begun_at bigint not null,
    ended_at bigint,
    stamp bigint not null,
    position bigint not null,
    judged bigint not null,
    dropped bigint not null,
    found text collate "C" not null,
    epoch bigint not null,
    lease_until bigint not null
);
