-- Why: an auditor asks from where somebody came, and by which door. Rows from
-- before say neither.

alter table audit add column address text collate "C";
alter table audit add column door text collate "C";
