-- Why: the registry's ledger. `events` is the truth and only ever grows;
-- `payloads` is the one table that identifies a patient and can be erased; the
-- other tables are views of these two that `verify` can rebuild and compare.
-- Names of tables and columns are the same on every engine. Text sorts by bytes,
-- so that pages by key are the same everywhere. Tables with many rows for each
-- record have no foreign keys: `verify` compares them with the events.

create table meta (
    key text collate "C" not null constraint meta_key primary key,
    value text collate "C" not null
);

create table sources (
    code text collate "C" not null constraint sources_code primary key,
    name text collate "C" not null,
    ods_code text collate "C",
    authority text collate "C",
    trust bigint not null constraint sources_trust check (trust between 0 and 100),
    number_status_default text collate "C" not null,
    acts_for_people bigint not null
        constraint sources_acts_for_people check (acts_for_people in (0, 1))
);

create table records (
    record bigint not null constraint records_record primary key,
    source text collate "C" not null constraint records_source references sources (code),
    local_id text collate "C" not null,
    status text collate "C" not null constraint records_status check (status in ('active', 'withdrawn')),
    latest_version bigint not null constraint records_latest check (latest_version >= 1),
    current_version bigint not null,
    held_version bigint,
    position bigint not null,
    constraint records_name unique (source, local_id),
    constraint records_versions_order
        check (current_version <= latest_version and held_version <= latest_version)
);

-- The index follows by position.
create index records_by_position on records (position);

-- `standing` is what the event said when the version came; what is served now
-- stands in records.current_version and records.held_version.
create table record_versions (
    record bigint not null constraint record_versions_record references records (record),
    version bigint not null constraint record_versions_version check (version >= 1),
    digest text collate "C" not null,
    standing text collate "C" not null
        constraint record_versions_standing check (standing in ('current', 'history', 'held')),
    effective_at bigint,
    received_at bigint not null,
    position bigint not null,
    findings text collate "C" not null,
    answer text collate "C" not null,
    actor text collate "C" not null,
    constraint record_versions_key primary key (record, version)
);

alter table records
    add constraint records_current foreign key (record, current_version)
        references record_versions (record, version) deferrable initially deferred,
    add constraint records_held foreign key (record, held_version)
        references record_versions (record, version) deferrable initially deferred;

-- The one identifying, erasable table: both columns become null by an erasure.
create table payloads (
    record bigint not null,
    version bigint not null,
    submitted text collate "C",
    standard bytea,
    constraint payloads_key primary key (record, version),
    constraint payloads_version foreign key (record, version)
        references record_versions (record, version)
);

-- Hashes of blocking keys, never their text: what the index takes in, and what
-- a commit re-checks for records that the index does not know yet. In order of
-- record, so that a registration writes one page and not one for each key.
create table record_keys (
    record bigint not null,
    key bigint not null,
    position bigint not null,
    constraint record_keys_key primary key (record, key)
);

create table persons (
    person text collate "C" not null constraint persons_person primary key,
    status text collate "C" not null
        constraint persons_status check (status in ('active', 'retired', 'withdrawn')),
    replaced_by text collate "C" constraint persons_replaced_by references persons (person)
        deferrable initially deferred,
    created_position bigint not null,
    revision bigint not null,
    constraint persons_retired check ((status = 'retired') = (replaced_by is not null)),
    constraint persons_not_itself check (replaced_by <> person)
);

-- Intervals: a link is closed, never moved or deleted.
create table links (
    record bigint not null constraint links_record references records (record),
    person text collate "C" not null constraint links_person references persons (person),
    from_position bigint not null,
    to_position bigint,
    route text collate "C" constraint links_route
        check (route in ('deterministic', 'probabilistic', 'human')),
    weight_bits double precision,
    model text collate "C" not null,
    constraint links_key primary key (record, from_position),
    constraint links_interval check (to_position > from_position)
);

create unique index links_one_open on links (record) where to_position is null;
create index links_by_person on links (person);

create table tasks (
    task text collate "C" not null constraint tasks_task primary key,
    kind text collate "C" not null constraint tasks_kind check (kind in (
        'possible_duplicate', 'possible_duplicate_number', 'suspected_confusion',
        'overlay_held', 'link_doubtful'
    )),
    status text collate "C" not null constraint tasks_status check (status in ('open', 'closed')),
    record bigint not null constraint tasks_record references records (record),
    person_a text collate "C" not null constraint tasks_person_a references persons (person),
    person_b text collate "C" constraint tasks_person_b references persons (person),
    weight_bits double precision,
    reasons text collate "C" not null,
    evidence text collate "C" not null,
    opened_position bigint not null,
    position bigint not null
);

create index tasks_by_person_a on tasks (person_a) where status = 'open';
create index tasks_by_person_b on tasks (person_b) where status = 'open';
create index tasks_by_record on tasks (record);

create table events (
    position bigint not null constraint events_position primary key,
    at bigint not null,
    actor text collate "C" not null,
    request_id text collate "C" not null,
    kind text collate "C" not null,
    body text collate "C" not null
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger events_append_only before update or delete or truncate on events
    for each statement execute function refuse_change();

-- Subject: a record as R and its number, or the id of a person or a task.
create table event_subjects (
    subject text collate "C" not null,
    position bigint not null,
    constraint event_subjects_key primary key (subject, position)
);

create index event_subjects_by_position on event_subjects (position);

create table audit (
    audit bigint not null constraint audit_audit primary key,
    at bigint not null,
    actor text collate "C" not null,
    on_behalf_of text collate "C",
    role text collate "C" not null,
    organisation text collate "C",
    purpose text collate "C",
    action text collate "C" not null,
    request_id text collate "C" not null,
    persons text collate "C" not null,
    record text collate "C"
);

create trigger audit_append_only before update or delete or truncate on audit
    for each statement execute function refuse_change();

-- One row for each person that an audit row names: "who looked at whom".
create table audit_persons (
    person text collate "C" not null,
    audit bigint not null,
    constraint audit_persons_key primary key (person, audit)
);

create index audit_persons_by_audit on audit_persons (audit);

create table audit_seals (
    seal bigint not null constraint audit_seals_seal primary key,
    first bigint not null,
    last bigint not null,
    root text collate "C" not null,
    previous text collate "C" not null constraint audit_seals_chain unique,
    hash text collate "C" not null,
    sealed_at bigint not null,
    constraint audit_seals_range check (last >= first)
);

create table idempotency (
    actor text collate "C" not null,
    key text collate "C" not null,
    digest text collate "C" not null,
    status bigint not null constraint idempotency_status check (status between 100 and 599),
    body text collate "C" not null,
    at bigint not null,
    constraint idempotency_key primary key (actor, key)
);

create index idempotency_by_time on idempotency (at);

create table tokens (
    digest text collate "C" not null constraint tokens_digest primary key,
    actor text collate "C" not null,
    kind text collate "C" not null constraint tokens_kind check (kind in ('person', 'system')),
    roles text collate "C" not null,
    sources text collate "C" not null,
    created_at bigint not null,
    revoked_at bigint
);
