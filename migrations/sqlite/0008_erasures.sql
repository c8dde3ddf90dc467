-- Why: a source's retention ends, or a record has to go (R135). What is destroyed
-- are the payloads and keys; that and when is a fact of the ledger, and this is
-- its view: up to which version a record's values are gone. A restriction of
-- location outlives them.

create table erasures (
    record integer not null constraint erasures_record primary key
        constraint erasures_of references records (record),
    versions integer not null constraint erasures_versions check (versions >= 1),
    restricted integer not null constraint erasures_restricted check (restricted in (0, 1)),
    position integer not null
) strict;

-- Days after its last message for which a source's record is kept; null for good.
alter table sources add column retention_days integer
    constraint sources_retention_days check (retention_days >= 1);
