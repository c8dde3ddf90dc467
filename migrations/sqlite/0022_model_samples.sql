-- Why: pairs near a threshold of a model become questions for people, so that the next
-- model learns from the answers. Which pairs somebody has asked for, and how far asking
-- has come, stand here, so that a service on the ledger does it and any process goes on.
-- Numbers of records, nothing of a patient.

create table model_samples (
    number integer not null constraint model_samples_number primary key,
    model text not null
        constraint model_samples_model references models (digest),
    asked_by text not null,
    reason text not null,
    asked_at integer not null,
    pairs text not null,
    looked_at integer not null,
    tasks integer not null,
    ended_at integer,
    epoch integer not null,
    lease_until integer not null
) strict;
