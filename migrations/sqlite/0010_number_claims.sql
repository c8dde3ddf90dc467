-- Why: one verified number has at most one owner (R19, DESIGN §4). A claim is an
-- active record whose current version brings the number as verified, by the hash
-- that is its blocking key. Claims of one person own the number; claims of two
-- persons make it confused: then it has no owner, anchors nothing and resolves to
-- "under investigation". Whose a claim is, its record's link says, so that a
-- merge, a correction or a withdrawal settles it by itself. A view of payloads.

create table number_claims (
    number integer not null,
    record integer not null constraint number_claims_of references records (record),
    constraint number_claims_key primary key (number, record)
) strict, without rowid;

create unique index number_claims_by_record on number_claims (record);
