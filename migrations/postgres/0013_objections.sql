-- Why: somebody objects to being shared (R134). The identity is kept from everybody
-- but a privacy officer, and stays in the way of duplicates. It is a seal that has
-- no other side.

alter table seals add column whole bigint not null default 0
    constraint seals_whole check (whole in (0, 1));
