-- Why: the registry's ledger. `events` is the truth and only ever grows;
-- `payloads` is the one table that identifies a patient and can be erased; the
-- other tables are views of these two that `verify` can rebuild and compare.
-- Names of tables and columns are the same on every engine.

create table meta (
    key text not null constraint meta_key primary key,
    value text not null
) strict;

create table sources (
    code text not null constraint sources_code primary key,
    name text not null,
    ods_code text,
    authority text,
    trust integer not null constraint sources_trust check (trust between 0 and 100),
    number_status_default text not null,
    acts_for_people integer not null
        constraint sources_acts_for_people check (acts_for_people in (0, 1))
) strict;

create table records (
    record integer not null constraint records_record primary key,
    source text not null constraint records_source references sources (code),
    local_id text not null,
    status text not null constraint records_status check (status in ('active', 'withdrawn')),
    latest_version integer not null constraint records_latest check (latest_version >= 1),
    current_version integer not null,
    held_version integer,
    position integer not null,
    constraint records_name unique (source, local_id),
    constraint records_versions_order
        check (current_version <= latest_version and held_version <= latest_version),
    constraint records_current foreign key (record, current_version)
        references record_versions (record, version) deferrable initially deferred,
    constraint records_held foreign key (record, held_version)
        references record_versions (record, version) deferrable initially deferred
) strict;

-- The index follows by position.
create index records_by_position on records (position);

-- `standing` is what the event said when the version came; what is served now
-- stands in records.current_version and records.held_version.
create table record_versions (
    record integer not null constraint record_versions_record references records (record),
    version integer not null constraint record_versions_version check (version >= 1),
    digest text not null,
    standing text not null
        constraint record_versions_standing check (standing in ('current', 'history', 'held')),
    effective_at integer,
    received_at integer not null,
    position integer not null,
    findings text not null,
    answer text not null,
    actor text not null,
    constraint record_versions_key primary key (record, version)
) strict, without rowid;

-- The one identifying, erasable table: both columns become null by an erasure.
create table payloads (
    record integer not null,
    version integer not null,
    submitted text,
    standard blob,
    constraint payloads_key primary key (record, version),
    constraint payloads_version foreign key (record, version)
        references record_versions (record, version)
) strict;

-- Hashes of blocking keys, never their text: what the index takes in, and what
-- a commit re-checks for records that the index does not know yet. In order of
-- record, so that a registration writes one page and not one for each key.
create table record_keys (
    record integer not null constraint record_keys_record references records (record),
    key integer not null,
    position integer not null,
    constraint record_keys_key primary key (record, key)
) strict, without rowid;

create table persons (
    person text not null constraint persons_person primary key,
    status text not null
        constraint persons_status check (status in ('active', 'retired', 'withdrawn')),
    replaced_by text constraint persons_replaced_by references persons (person)
        deferrable initially deferred,
    created_position integer not null,
    revision integer not null,
    constraint persons_retired check ((status = 'retired') = (replaced_by is not null)),
    constraint persons_not_itself check (replaced_by <> person)
) strict, without rowid;

-- Intervals: a link is closed, never moved or deleted.
create table links (
    record integer not null constraint links_record references records (record),
    person text not null constraint links_person references persons (person),
    from_position integer not null,
    to_position integer,
    route text constraint links_route
        check (route in ('deterministic', 'probabilistic', 'human')),
    weight_bits real,
    model text not null,
    constraint links_key primary key (record, from_position),
    constraint links_interval check (to_position > from_position)
) strict, without rowid;

create unique index links_one_open on links (record) where to_position is null;
create index links_by_person on links (person);

create table tasks (
    task text not null constraint tasks_task primary key,
    kind text not null constraint tasks_kind check (kind in (
        'possible_duplicate', 'possible_duplicate_number', 'suspected_confusion',
        'overlay_held', 'link_doubtful'
    )),
    status text not null constraint tasks_status check (status in ('open', 'closed')),
    record integer not null constraint tasks_record references records (record),
    person_a text not null constraint tasks_person_a references persons (person),
    person_b text constraint tasks_person_b references persons (person),
    weight_bits real,
    reasons text not null,
    evidence text not null,
    opened_position integer not null,
    position integer not null
) strict, without rowid;

create index tasks_by_person_a on tasks (person_a) where status = 'open';
create index tasks_by_person_b on tasks (person_b) where status = 'open';
create index tasks_by_record on tasks (record);

create table events (
    position integer not null constraint events_position primary key,
    at integer not null,
    actor text not null,
    request_id text not null,
    kind text not null,
    body text not null
) strict;

create trigger events_never_change before update on events
begin select raise(abort, 'events are append-only'); end;
create trigger events_never_leave before delete on events
begin select raise(abort, 'events are append-only'); end;

-- Subject: a record as R and its number, or the id of a person or a task.
create table event_subjects (
    subject text not null,
    position integer not null constraint event_subjects_position references events (position),
    constraint event_subjects_key primary key (subject, position)
) strict, without rowid;

create index event_subjects_by_position on event_subjects (position);

create table audit (
    audit integer not null constraint audit_audit primary key,
    at integer not null,
    actor text not null,
    on_behalf_of text,
    role text not null,
    organisation text,
    purpose text,
    action text not null,
    request_id text not null,
    persons text not null,
    record text
) strict;

create trigger audit_never_changes before update on audit
begin select raise(abort, 'the audit is append-only'); end;
create trigger audit_never_leaves before delete on audit
begin select raise(abort, 'the audit is append-only'); end;

-- One row for each person that an audit row names: "who looked at whom".
create table audit_persons (
    person text not null,
    audit integer not null constraint audit_persons_audit references audit (audit),
    constraint audit_persons_key primary key (person, audit)
) strict, without rowid;

create index audit_persons_by_audit on audit_persons (audit);

create table audit_seals (
    seal integer not null constraint audit_seals_seal primary key,
    first integer not null,
    last integer not null,
    root text not null,
    previous text not null constraint audit_seals_chain unique,
    hash text not null,
    sealed_at integer not null,
    constraint audit_seals_range check (last >= first)
) strict;

create table idempotency (
    actor text not null,
    key text not null,
    digest text not null,
    status integer not null constraint idempotency_status check (status between 100 and 599),
    body text not null,
    at integer not null,
    constraint idempotency_key primary key (actor, key)
) strict, without rowid;

create index idempotency_by_time on idempotency (at);

create table tokens (
    digest text not null constraint tokens_digest primary key,
    actor text not null,
    kind text not null constraint tokens_kind check (kind in ('person', 'system')),
    roles text not null,
    sources text not null,
    created_at integer not null,
    revoked_at integer
) strict, without rowid;
