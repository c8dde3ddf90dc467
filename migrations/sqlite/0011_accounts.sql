-- Why: people sign in to the pages. An account is a name with roles and, where
-- it signs in here, an argon2id digest of its password; one that signs in by a
-- provider alone has none. A session is kept under the digest of its cookie, so
-- that reading the table opens nothing, and is deleted when it ends.

create table accounts (
    name text not null constraint accounts_name primary key,
    password text,
    roles text not null,
    created_at integer not null,
    disabled_at integer,
    failures integer not null,
    failed_at integer
) strict, without rowid;

create table sessions (
    digest text not null constraint sessions_digest primary key,
    account text not null,
    purpose text,
    began_at integer not null,
    seen_at integer not null,
    confirmed_at integer not null
) strict, without rowid;

create index sessions_by_account on sessions (account);
