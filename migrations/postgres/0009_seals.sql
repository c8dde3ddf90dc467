-- Why: two identities of one human being may have to be kept apart for everybody
-- but a privacy officer (R21, R22): an adoption, a witness, a changed gender. A
-- seal names the records of both sides, so that it holds whatever ids they are
-- under; it is lifted, never deleted.

create table seals (
    seal text collate "C" not null constraint seals_seal primary key,
    made_by text collate "C" not null,
    made_position bigint not null,
    lifted_position bigint,
    constraint seals_interval check (lifted_position > made_position)
);

create index seals_active on seals (seal) where lifted_position is null;

create table seal_records (
    record bigint not null constraint seal_records_record references records (record),
    seal text collate "C" not null,
    side text collate "C" not null constraint seal_records_side check (side in ('a', 'b')),
    constraint seal_records_key primary key (record, seal)
);

create index seal_records_by_seal on seal_records (seal);
