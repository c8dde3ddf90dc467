-- Why: before a model decides, engineers see what it would have decided on what comes by
-- the doors (R86). One follows the feed at a time; how far it is, what it has counted
-- and what it has left out stand here, so that any node goes on. Counts and numbers of
-- records, nothing of a patient.

create table model_shadows (
    number integer not null constraint model_shadows_number primary key,
    model text not null
        constraint model_shadows_model references models (digest),
    against text not null
        constraint model_shadows_against references models (digest),
    begun_by text not null,
    reason text not null,
    begun_at integer not null,
    ended_at integer,
    stamp integer not null,
    position integer not null,
    judged integer not null,
    dropped integer not null,
    found text not null,
    epoch integer not null,
    lease_until integer not null
) strict;
