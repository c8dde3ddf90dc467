-- Why: which model decides is part of the ledger (R84, R86). A model is kept by its
-- content, with the tables that it names, so that an old decision can be explained by
-- the model that made it, whatever a later program ships. Activations are only ever
-- added; a rollback is one that takes the last standing one back.

create table model_tables (
    digest text collate "C" not null constraint model_tables_digest primary key,
    content text collate "C" not null
);

create table models (
    digest text collate "C" not null constraint models_digest primary key,
    content text collate "C" not null,
    tables text collate "C" not null,
    brought_by text collate "C" not null,
    brought_at bigint not null,
    note text collate "C" not null
);

create table model_activations (
    number bigint not null constraint model_activations_number primary key,
    kind text collate "C" not null
        constraint model_activations_kind check (kind in ('first', 'activated', 'rolled_back')),
    model text collate "C" not null
        constraint model_activations_model references models (digest),
    activated_by text collate "C" not null,
    reason text collate "C" not null,
    gates text collate "C",
    at bigint not null
);
