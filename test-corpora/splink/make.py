"""Trains the Splink models of this folder and scores pairs with them.

    pip install splink pandas        # 5.0.0; and "splink<5" (4.0.17) for fake_1000.v4
    python make.py fake_1000 RECORDS.csv.gz fake_1000.v5
    python make.py febrl4 ../corpora/febrl4/records.csv.gz febrl4.v5

Writes NAME.json (the settings as Splink saves them), NAME.tf.COLUMN.csv (its table of term
frequencies, only where the corpus may be kept here) and NAME.pairs.csv (ids, levels, term
frequencies and match weight of a sample of pairs; no value of a record).
"""

import json
import sys

import pandas as pd
import splink
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

CORPORA = {
    "fake_1000": {
        "link_type": "dedupe_only",
        "columns": {"record_id": "unique_id", "given_name": "first_name", "family_name": "surname",
                    "date_of_birth": "dob", "town": "city", "email": "email"},
        "comparisons": lambda: [
            cl.NameComparison("first_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
        ],
        "rules": [block_on("first_name", "dob"), block_on("surname", "dob"), block_on("email"),
                  block_on("first_name", "surname"), block_on("city", "surname")],
        "deterministic": [block_on("first_name", "dob"), "l.email = r.email"],
        "train": [block_on("dob"), block_on("first_name", "surname"), block_on("email")],
        "tables": {},
    },
    "febrl4": {
        "link_type": "link_only",
        "columns": {"record_id": "unique_id", "given_name": "given_name", "family_name": "surname",
                    "date_of_birth": "date_of_birth", "postcode": "postcode", "town": "suburb",
                    "other_id": "soc_sec_id"},
        "comparisons": lambda: [
            cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("date_of_birth", [1]),
            cl.ExactMatch("postcode"),
            cl.ExactMatch("soc_sec_id"),
        ],
        "rules": [block_on("given_name", "surname"), block_on("date_of_birth"),
                  block_on("soc_sec_id"), block_on("postcode", "surname")],
        "deterministic": [block_on("soc_sec_id"), block_on("given_name", "surname", "date_of_birth")],
        "train": [block_on("date_of_birth"), block_on("given_name", "surname"), block_on("postcode")],
        "tables": {"given_name": "given_name", "surname": "surname"},
    },
}
SAMPLE = 800


def main(corpus: str, records: str, out: str) -> None:
    about = CORPORA[corpus]
    table = pd.read_csv(records, dtype=str, keep_default_na=False)
    sources = table["source"]
    table = table[list(about["columns"])].rename(columns=about["columns"])
    table = table.replace("", None)
    if about["link_type"] == "link_only":
        frames = [table[sources == name].copy() for name in sorted(set(sources))]
    else:
        frames = [table]
    settings = SettingsCreator(
        link_type=about["link_type"],
        comparisons=about["comparisons"](),
        blocking_rules_to_generate_predictions=about["rules"],
        retain_intermediate_calculation_columns=True,
        retain_matching_columns=True,
    )
    api = DuckDBAPI()
    if int(splink.__version__.split(".")[0]) >= 5:
        frames = [api.register(frame) for frame in frames]
        linker = Linker(frames, settings)
    else:
        linker = Linker(frames, settings, api)
    training = linker.training
    training.estimate_probability_two_random_records_match(about["deterministic"], recall=0.8)
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=7)
    for rule in about["train"]:
        training.estimate_parameters_using_expectation_maximisation(rule)
    linker.misc.save_model_to_json(f"{out}.json", overwrite=True)
    with open(f"{out}.json", encoding="utf-8") as file:
        model = json.load(file)
    with open(f"{out}.json", "w", encoding="utf-8") as file:
        json.dump(model, file, indent=1)
        file.write("\n")
    for column, name in about["tables"].items():
        found = linker.table_management.compute_tf_table(column).as_pandas_dataframe()
        found.sort_values(column).to_csv(f"{out}.tf.{name}.csv", index=False)
    pairs = linker.inference.predict().as_pandas_dataframe()
    keep = [c for c in pairs.columns if c.startswith(("unique_id", "gamma_", "tf_")) or c == "match_weight"]
    pairs = pairs[keep].sort_values(["unique_id_l", "unique_id_r"])
    pairs = pairs.sample(min(SAMPLE, len(pairs)), random_state=7)
    pairs.sort_values(["unique_id_l", "unique_id_r"]).to_csv(f"{out}.pairs.csv", index=False, float_format="%.9g")


main(*sys.argv[1:])
