-- Why: followers (the index, the change feed, the sealing of the audit) read in
-- the order in which commits become visible. Sequences do not give that order:
-- a later commit can hold a lower number. `stamp` is the transaction's id, taken
-- once all its locks are held; a follower stops at the id of the oldest open
-- transaction. Numbers come from sequences that step by what a batch may use.

alter table records add column stamp bigint not null default 0;
update records set stamp = position;
drop index records_by_position;
create index records_by_stamp on records (stamp, record);

alter table record_keys rename column position to stamp;
-- What other nodes have written since is read by each batch.
create index record_keys_by_stamp on record_keys (stamp);

-- The planner takes the index of open links by record for a person's, if this
-- one is not as narrow.
create index links_open_by_person on links (person) where to_position is null;

alter table events add column stamp bigint not null default 0;
create index events_by_stamp on events (stamp, position);

alter table audit add column stamp bigint not null default 0;
create index audit_by_stamp on audit (stamp, audit);

alter table audit_seals add column last_stamp bigint not null default 0;
alter table audit_seals add column row_count bigint not null default 0;
-- Numbers do not rise with the order of commits here.
alter table audit_seals drop constraint audit_seals_range;

-- What a commit leaves to be found by when its reply is lost.
create table commits (
    stamp bigint not null,
    token bigint not null,
    constraint commits_key primary key (stamp, token)
);

create sequence event_positions as bigint increment by 4096 minvalue 0 start with 0;
create sequence record_numbers as bigint increment by 64 minvalue 0 start with 0;
create sequence audit_numbers as bigint;
