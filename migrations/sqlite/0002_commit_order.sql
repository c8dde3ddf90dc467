-- Why: followers (the index, the change feed, the sealing of the audit) read in
-- the order in which commits become visible. With one writer that is the order
-- of positions, which `stamp` repeats here; with several it is not, and `stamp`
-- holds the transaction's place. Rows from before keep 0: they come first.

alter table records add column stamp integer not null default 0;
update records set stamp = position;
drop index records_by_position;
create index records_by_stamp on records (stamp, record);

alter table record_keys rename column position to stamp;

alter table events add column stamp integer not null default 0;
create index events_by_stamp on events (stamp, position);

alter table audit add column stamp integer not null default 0;
create index audit_by_stamp on audit (stamp, audit);

alter table audit_seals add column last_stamp integer not null default 0;
alter table audit_seals add column row_count integer not null default 0;
