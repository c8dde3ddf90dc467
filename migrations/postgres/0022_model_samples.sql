-- Why: pairs near a threshold of a model become questions for people, so that the next
-- model learns from the answers. Which pairs somebody has asked for, and how far asking
-- has come, stand here, so that a service on the ledger does it and any process goes on.
-- Numbers of records, nothing of a patient.

create table model_samples (
    number bigint not null constraint model_samples_number primary key,
    model text collate "C" not null
        constraint model_samples_model references models (digest),
    asked_by text collate "C" not null,
    reason text collate "C" not null,
    asked_at bigint not null,
    pairs text collate "C" not null,
    looked_at bigint not null,
    tasks bigint not null,
    ended_at bigint,
    epoch bigint not null,
    lease_until bigint not null
);
