-- Why: people sign in to the pages. An account is a name with roles and, where
-- it signs in here, an argon2id digest of its password; one that signs in by a
-- provider alone has none. A session is kept under the digest of its cookie, so
-- that reading the table opens nothing, and is deleted when it ends.

create table accounts (
    name text collate "C" not null constraint accounts_name primary key,
    password text collate "C",
    roles text collate "C" not null,
    created_at bigint not null,
    disabled_at bigint,
    failures bigint not null,
    failed_at bigint
);

create table sessions (
    digest text collate "C" not null constraint sessions_digest primary key,
    account text collate "C" not null,
    purpose text collate "C",
    began_at bigint not null,
    seen_at bigint not null,
    confirmed_at bigint not null
);

create index sessions_by_account on sessions (account);
