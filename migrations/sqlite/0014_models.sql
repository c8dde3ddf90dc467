-- Why: which model decides is part of the ledger (R84, R86). A model is kept by its
-- content, with the tables that it names, so that an old decision can be explained by
-- the model that made it, whatever a later program ships. Activations are only ever
-- added; a rollback is one that takes the last standing one back.

create table model_tables (
    digest text not null constraint model_tables_digest primary key,
    content text not null
) strict;

create table models (
    digest text not null constraint models_digest primary key,
    content text not null,
    tables text not null,
    brought_by text not null,
    brought_at integer not null,
    note text not null
) strict;

create table model_activations (
    number integer not null constraint model_activations_number primary key,
    kind text not null
        constraint model_activations_kind check (kind in ('first', 'activated', 'rolled_back')),
    model text not null
        constraint model_activations_model references models (digest),
    activated_by text not null,
    reason text not null,
    gates text,
    at integer not null
) strict;
