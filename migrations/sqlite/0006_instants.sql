-- Why: "as of an instant" counts the events whose commit is not later. A commit
-- asks for the latest time that it can see, and gives itself none before it.

create index events_by_time on events (at, position);

-- A golden record and a comparison ask which numbers a number stands for.
create index number_replacements_by_successor on number_replacements (replaced_by);
