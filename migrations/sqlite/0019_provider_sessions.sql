-- Why: a provider at which somebody has signed in can end the sessions that came of
-- it (OpenID Connect Back-Channel Logout 1.0). A session says who that was there, and
-- which session there; a word to end sessions counts once, by a digest of its id.

alter table sessions add column provider_subject text;
alter table sessions add column provider_session text;
create index sessions_by_subject on sessions (provider_subject)
    where provider_subject is not null;

create table heard_logouts (
    digest text not null constraint heard_logouts_digest primary key,
    until integer not null
) strict, without rowid;

create index heard_logouts_by_time on heard_logouts (until);
