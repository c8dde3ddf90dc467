#!/usr/bin/env python3
"""Links a records file with Splink (pinned by scripts/bench_link.py), to be measured beside `accord link`.

splink_link.py RECORDS.csv[.gz] LINKS.csv PERSONS.csv

Reading, cleaning, training and clustering are included, as they are in Accord. The model is what Splink's
documentation recommends for such columns: name, birth date, postcode and e-mail comparisons of its library
with term frequencies, u by sampling, m by EM over two blockings that sample their pairs, ten blocking rules.
"""
import sys

import duckdb
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.backends.duckdb import DuckDBAPI

CLEAN = """
create table cleaned as
with raw as (select * from read_csv('{path}', all_varchar = true, header = true)),
tidy as (
  select record_id as unique_id,
    nullif(regexp_replace(nhs_number, '[^0-9]', '', 'g'), '') as nhs_number,
    nullif(regexp_replace(lower(given_name), '[^a-z]', '', 'g'), '') as first_name,
    nullif(regexp_replace(lower(family_name), '[^a-z]', '', 'g'), '') as surname,
    strftime(coalesce(try_strptime(date_of_birth,
      ['%Y-%m-%d', '%d/%m/%Y', '%d-%m-%Y', '%d.%m.%Y', '%Y%m%d', '%d %b %Y', '%d-%b-%Y'])), '%Y-%m-%d') as dob,
    case lower(left(gender, 1)) when 'm' then 'm' when '1' then 'm' when 'f' then 'f' when '2' then 'f' end as gender,
    nullif(regexp_replace(upper(postcode), '[^A-Z0-9]', '', 'g'), '') as squashed,
    nullif(right(regexp_replace(phone, '[^0-9]', '', 'g'), 10), '') as phone,
    nullif(lower(trim(email)), '') as email
  from raw)
select * exclude (squashed), case when length(squashed) > 4
  then left(squashed, length(squashed) - 3) || ' ' || right(squashed, 3) end as postcode from tidy
"""

BLOCKS = [
    ("nhs_number",), ("first_name", "dob"), ("surname", "dob"), ("first_name", "surname", "substr(dob,1,4)"),
    ("postcode", "dob"), ("postcode", "first_name"), ("postcode", "surname", "substr(first_name,1,2)"),
    ("phone",), ("email",), ("substr(surname,1,4)", "substr(first_name,1,2)", "substr(dob,6,5)"),
]


def main(records, links, persons):
    connection = duckdb.connect()
    connection.execute(CLEAN.format(path=records.replace("'", "''"))).fetchall()
    filled = connection.execute(
        "select count(nhs_number), count(postcode), count(phone), count(email), count(gender) from cleaned").fetchall()[0]
    has = dict(zip(("nhs_number", "postcode", "phone", "email", "gender"), filled))
    comparisons = [
        cl.NameComparison("first_name"), cl.NameComparison("surname"),
        cl.DateOfBirthComparison("dob", input_is_string=True),
    ]
    if has["postcode"]:
        comparisons.append(cl.PostcodeComparison("postcode"))
    for column in ("phone", "gender", "nhs_number"):
        if has[column]:
            comparisons.append(cl.ExactMatch(column))
    if has["email"]:
        comparisons.append(cl.EmailComparison("email"))
    rules = [rule for rule in BLOCKS if all(has.get(column, 1) for column in rule)]
    settings = SettingsCreator(
        link_type="dedupe_only", comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules])
    api = DuckDBAPI(connection)
    linker = Linker(api.register("cleaned"), settings)
    strong = [block_on("first_name", "surname", "dob")]
    linker.training.estimate_probability_two_random_records_match(strong, recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in (block_on("first_name", "surname"), block_on("dob")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_weight=0)
    groups = linker.clustering.cluster_pairwise_predictions_at_threshold(found, threshold_match_probability=0.95)
    connection.execute(f"""copy (select unique_id_l as record_id_a, unique_id_r as record_id_b,
        match_weight as weight_bits, match_probability as probability from {found.physical_name})
        to '{links}' (header, delimiter ',')""")
    connection.execute(f"""copy (select unique_id as record_id, cluster_id as person_id, 1.0 as probability
        from {groups.physical_name}) to '{persons}' (header, delimiter ',')""")


if __name__ == "__main__":
    main(*sys.argv[1:4])
