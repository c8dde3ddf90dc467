#!/usr/bin/env python3
"""Measures how good the linkage is and writes it into docs/measurements.md (`make measure`).

measure.py [--corpora DIR] [--seeds 10] [--persons 10000] [--only link|seeds|ledger|fairness] [--print] [--accord PROGRAM]

Corpora are folders with records.csv.gz, truth.csv.gz and meta.json (`task` is `dedupe` or `link`); they are at
../shared/corpora or where ACCORD_SHARED says. Nothing is tuned to any of them: the commands are the same for all.
Standard library only; figures come from `accord evaluate`.
"""
import argparse
import csv
import json
import os
import pathlib
import statistics
import tempfile

import measured

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/measurements.md"
# Splink 5, the best of its models, as published beside the corpora: F1, recall at 99.9 %, cluster F1.
SPLINK = {
    "historical_50k_a": (0.777, 0.445, 0.847), "uk_20k": (0.993, 0.967, 0.992),
    "uk_nonhs_20k": (0.975, 0.656, 0.978), "fake_1000": (0.861, 0.674, 0.838),
    "febrl1": (1.000, None, None), "febrl4": (0.9996, None, None), "opencr_uganda": (0.9995, None, None),
}
AIMS = {
    "historical_50k_a": (0.88, 0.65, 0.93), "uk_20k": (0.997, 0.985, 0.997), "uk_nonhs_20k": (0.986, 0.88, 0.986),
    "fake_1000": (0.89, 0.72, 0.90), "febrl1": (1.0, None, None), "febrl4": (0.9996, None, None),
    "opencr_uganda": (0.9995, None, None),
}


PROGRAM = ROOT / "target/release/accord"


def accord(*arguments):
    """Runs the program; gives output, processor seconds, MiB, wall seconds."""
    return measured.run([PROGRAM, *arguments], stderr=None)


def evaluated(records, truth, across, links=None, persons=None, replicates=400, groups=None):
    command = ["evaluate", "--quiet", "--truth", truth, "--records", records, "--replicates", replicates]
    command += ["--across-sources-only"] if across else []
    command += ["--links", links] if links else []
    command += ["--persons", persons] if persons else []
    command += ["--groups", groups] if groups else []
    return json.loads(accord(*command)[0])


def linked(records, truth, across, work, policy, replicates=400, model=None):
    """Links and evaluates one file under one policy."""
    links, persons = work / f"{policy}.links.csv", work / f"{policy}.persons.csv"
    command = ["link", "--quiet", "--policy", policy, "--links", links, "--persons", persons]
    command += ["--model", model] if model else []
    command += ["--across-sources-only"] if across else []
    _, cpu, memory, _ = accord(*command, records)
    found = evaluated(records, truth, across, links, persons, replicates)
    found["cpu_seconds"], found["memory_mib"] = cpu, memory
    return found


def share(value):
    return "" if value is None else f"{value:.4f}".rstrip("0").ljust(5, "0")


def aimed(value, aim):
    """Bold where the aim is missed."""
    text = share(value)
    return text if aim is None or value >= aim else f"**{text}**"


def cost(found):
    """Time and memory of a release build; another one's say nothing."""
    if "release" not in PROGRAM.parts:
        return "not a release build"
    return f"{found['cpu_seconds']:.2f} s, {found['memory_mib']:.0f} MiB"


def at_999(found):
    return next(row for row in found["recall_at_precision"] if row["precision"] == 0.999)


def of_care(name, found):
    """A row of what the decision table makes of a file."""
    decided, review = found["decided"], found["decided"]["review"] or {}
    return (f"| {name} | {decided['pairwise']['p']:.5f} ({decided['false_pairs']} false, at most "
            f"{decided['false_share_upper']:.5f}) | {share(decided['pairwise']['r'])} "
            f"| {share(decided['pairwise']['f1'])} | {review.get('tasks_per_1000_records', 0):.0f} "
            f"| {share(review.get('after', decided['pairwise'])['r'])} |")


def with_sister(folder):
    """A file without numbers, by the model that labels of a sister file have calibrated."""
    sister, place = folder / "uk_20k", folder / "uk_nonhs_20k"
    if not (sister.exists() and place.exists()):
        return []
    with tempfile.TemporaryDirectory() as made:
        work = pathlib.Path(made)
        accord("train", "--quiet", "--labels", sister / "truth.csv.gz", "--out", work / "sister.toml",
               sister / "records.csv.gz")
        found = linked(place / "records.csv.gz", place / "truth.csv.gz", False, work, "care",
                       model=work / "sister.toml")
    return [of_care("uk_nonhs_20k, by the model that uk_20k's labels calibrate", found)]


def of_corpora(folder):
    """The accuracy table, and what limits each figure."""
    rows, care, limits = [], [], []
    for place in sorted(path for path in folder.iterdir() if (path / "meta.json").exists()):
        across = json.loads((place / "meta.json").read_text())["task"] == "link"
        records, truth = place / "records.csv.gz", place / "truth.csv.gz"
        with tempfile.TemporaryDirectory() as made:
            work = pathlib.Path(made)
            found = linked(records, truth, across, work, "model")
            careful = linked(records, truth, across, work, "care")
        name, fixed = place.name, at_999(found)
        peer, aim = SPLINK.get(name, (None,) * 3), AIMS.get(name, (None,) * 3)
        figures = (found["best"]["f1"], fixed["recall"], found["pairwise"]["f1"])
        bounds = fixed["recall_95"]
        rows.append(f"| {name} | {aimed(figures[0], aim[0])} | {aimed(figures[1], aim[1])} "
                    f"({bounds['lower']:.3f} to {bounds['upper']:.3f}; {fixed['false_links']} false) "
                    f"| {aimed(figures[2], aim[2])} | {' · '.join(share(it) or '–' for it in peer)} "
                    f"| {' · '.join(share(it) or '–' for it in aim)} "
                    f"| {cost(found)} |")
        care.append(of_care(name, careful))
        reach, missed = found["reach"], found["decided"]["missed"]
        limits.append(f"| {name} | {share(reach['links'])} | {share(reach['links_closed'])} "
                      f"| {share(reach['groups'])} | {missed['not_in_links']} | {missed['below_threshold']} "
                      f"| {missed['grouped_apart']} | {found['decided']['false_pairs']} |")
        print(rows[-1], care[-1], limits[-1], sep="\n", flush=True)
    care += with_sister(folder)
    head = "| corpus | best pair F1 | recall at precision 99.9 % (95 %) | cluster F1 | Splink 5 | aim | link |\n" \
           "| --- | --- | --- | --- | --- | --- | --- |\n"
    head_care = "| corpus | precision of pairs | recall | F1 | questions for 1,000 records | recall after review |\n" \
                "| --- | --- | --- | --- | --- | --- |\n"
    head_limits = "| corpus | links | links, persons completed | groups | missed: in no link | link too light " \
                  "| apart in spite of a link | false pairs |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    return (
        f"`accord link --policy model`, without `--model`: it trains on the file itself. Bold misses the aim. "
        f"Splink's figures are its published best, in the same order. {measured.load()}.\n\n"
        + head + "\n".join(rows)
        + "\n\nThe same with `--policy care`, where the decision table has its say (by weight alone from where "
        "hidden NHS numbers certify one false link in a thousand; else from 20 bits), and the links of the file that join two persons go to clerks who decide rightly:\n\n"
        + head_care + "\n".join(care)
        + "\n\nWhat limits recall under `--policy model`: the recall of the links, of the links with persons "
        "completed over true links (what no grouping can pass), and of the groups; then the missed true pairs by "
        "reason.\n\n" + head_limits + "\n".join(limits))


def without_numbers(source, target):
    """The same records without NHS numbers."""
    with open(source, newline="", encoding="utf-8") as read, open(target, "w", newline="", encoding="utf-8") as write:
        rows = csv.DictReader(read)
        writer = csv.DictWriter(write, rows.fieldnames)
        writer.writeheader()
        for row in rows:
            row["nhs_number"] = row["nhs_number_status"] = ""
            writer.writerow(row)


def of_seeds(seeds, persons):
    """The noisy figures over generated populations, with their spread."""
    figures = {}
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory() as made:
            work = pathlib.Path(made)
            accord("generate", "--persons", persons, "--seed", seed, "--out", work)
            without_numbers(work / "records.csv", work / "without.csv")
            for kind, name in (("with numbers", "records.csv"), ("without numbers", "without.csv")):
                found = linked(work / name, work / "truth.csv", False, work, "model", replicates=0)
                careful = linked(work / name, work / "truth.csv", False, work, "care", replicates=0)
                figures.setdefault(kind, []).append((
                    found["best"]["f1"], found["recall_at_p0.99"], found["recall_at_p0.999"],
                    found["recall_at_p0.9995"], found["pairwise"]["f1"],
                    careful["decided"]["pairwise"]["p"], careful["decided"]["pairwise"]["r"]))
                print(seed, kind, figures[kind][-1], flush=True)
    rows = []
    for kind, values in figures.items():
        cells = []
        for column in zip(*values):
            spread = statistics.stdev(column) if len(column) > 1 else 0.0
            cells.append(f"{statistics.mean(column):.4f} ± {spread:.4f} ({min(column):.4f} to {max(column):.4f})")
        rows.append(f"| {kind} | " + " | ".join(cells) + " |")
    head = "| populations | best F1 | recall at p 99 % | recall at p 99.9 % | recall at p 99.95 % | cluster F1 " \
           "| care: precision | care: recall |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
    return (f"`accord generate --persons {persons} --seed 1` to `{seeds}`, linked with `--policy model`: mean ± "
            f"standard deviation over the seeds, lowest and highest in brackets.\n\n" + head + "\n".join(rows))


# What divides people; sources and missing fields divide records. The last two are in no record: a file beside them says it.
OF_PEOPLE = ("sex", "age_band", "name_origin", "abode", "ethnicity", "deprivation")


def gap_cells(found):
    """The largest gap between a group of people and everybody, of misses and of false links, with its bounds."""
    cells = []
    for of in ("missed", "false_links"):
        gaps = [gap for gap in found["largest_group_gaps"] if gap["of"] == of and gap["dimension"] in OF_PEOPLE]
        worst = max(gaps, key=lambda gap: gap["gap"])
        points = [f"{worst[name] * 100:+.4f}" for name in ("gap", "lower", "upper")]
        cells.append(f"{worst['everybody']:.4%} | {worst['group']} ({worst['dimension']}) {worst['share']:.4%} "
                     f"| {points[0]} ({points[1]} to {points[2]})")
    return cells


def of_fairness(records, regions):
    """The largest gaps between groups of people on made-up regions of so many records; `-` after a region's name takes
    the NHS numbers off."""
    rows = []
    for region, numbers in ((name.rstrip("-"), not name.endswith("-")) for name in regions):
        with tempfile.TemporaryDirectory() as made:
            work = pathlib.Path(made)
            (work / "population.toml").write_text(accord("generate", "--print-population", region)[0], encoding="utf-8")
            # Some 2.9 records a person.
            accord("generate", "--quiet", "--persons", round(records / 2.88), "--seed", 1, "--out", work,
                   "--population", work / "population.toml")
            file = work / "records.csv"
            if not numbers:
                without_numbers(file, work / "without.csv")
                file = work / "without.csv"
            for policy in ("model", "care"):
                persons = work / f"{policy}.csv"
                accord("link", "--quiet", "--policy", policy, "--persons", persons, file)
                found = evaluated(file, work / "truth.csv", False, persons=persons, replicates=0, groups=work / "groups.csv")
                kind = "with numbers" if numbers else "without numbers"
                head = f"| {region}, {kind}, {found['n_records']:,} records | {policy} | "
                rows += [head + f"{of} | {cell} |" for of, cell in zip(("missed pairs", "false links"), gap_cells(found))]
                print("\n".join(rows[-2:]), flush=True)
    head = "| population | policy | of | everybody | the group that fares worst | gap in percentage points (bounds) |\n" \
           "| --- | --- | --- | --- | --- | --- |\n"
    return (f"The group of people (by {', '.join(OF_PEOPLE)}; at least 100 persons) whose share lies furthest above "
            f"everybody's, with both shares at their nearer and farther 95 % bounds; {measured.load()}.\n\n"
            + head + "\n".join(rows))


def of_ledger(folder):
    """What the service decides by itself: the message path into a fresh ledger."""
    rows = []
    for name in ("febrl4", "uk_20k", "uk_nonhs_20k"):
        place = folder / name
        if not place.exists():
            continue
        across = json.loads((place / "meta.json").read_text())["task"] == "link"
        with tempfile.TemporaryDirectory() as made:
            work = pathlib.Path(made)
            out = accord("import", "--quiet", "--data", work / "ledger", place / "records.csv.gz")[0]
            tasks = next(int(line.split()[1]) for line in out.splitlines() if line.startswith("tasks "))
            accord("export", "--data", work / "ledger", "--persons", work / "persons.csv")
            sound = accord("verify", "--data", work / "ledger")[0].strip().splitlines()[-1]
            found = evaluated(place / "records.csv.gz", place / "truth.csv.gz", across, persons=work / "persons.csv")
        decided = found["decided"]
        rows.append(f"| {name} | {decided['pairwise']['p']:.5f} ({decided['false_pairs']} false, at most "
                    f"{decided['false_share_upper']:.5f}) | {share(decided['pairwise']['r'])} "
                    f"| {share(decided['b_cubed']['f1'])} | {decided['overlaid_clusters']} "
                    f"| {tasks * 1000 / found['n_records']:.0f} | {sound} |")
        print(rows[-1], flush=True)
    head = "| corpus | precision of pairs | recall | B³ F1 | persons with foreign records | tasks per 1,000 records " \
           "| `verify` |\n| --- | --- | --- | --- | --- | --- | --- |\n"
    return "`accord import` into a fresh ledger (a first load), with the default model.\n\n" + head + "\n".join(rows)


def put(name, text):
    """Replaces what stands between this part's marks on the page."""
    page = PAGE.read_text(encoding="utf-8")
    start, end = f"<!-- {name}: made by make measure -->\n", f"<!-- end of {name} -->"
    before, rest = page.split(start)
    _, after = rest.split(end)
    PAGE.write_text(f"{before}{start}{text}\n{end}{after}", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = pathlib.Path(os.environ.get("ACCORD_SHARED", ROOT / "../shared"))
    parser.add_argument("--corpora", type=pathlib.Path, default=shared / "corpora")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--persons", type=int, default=10_000)
    parser.add_argument("--only", choices=("link", "seeds", "ledger", "fairness"))
    parser.add_argument("--regions", default="region,region-,city,coast", help="that gaps are measured on")
    parser.add_argument("--records", type=int, default=1_000_000, help="of a region whose gaps are measured")
    parser.add_argument("--print", action="store_true", help="leave the page alone")
    parser.add_argument("--accord", type=pathlib.Path, default=PROGRAM, help="a build; time counts for a release one")
    arguments = parser.parse_args()
    globals()["PROGRAM"] = arguments.accord
    if not arguments.corpora.is_dir() and arguments.only not in ("seeds", "fairness"):
        raise SystemExit(f"no corpora at {arguments.corpora}; set ACCORD_SHARED or use --corpora")
    parts = {
        "link": lambda: of_corpora(arguments.corpora),
        "seeds": lambda: of_seeds(arguments.seeds, arguments.persons),
        "ledger": lambda: of_ledger(arguments.corpora),
        "fairness": lambda: of_fairness(arguments.records, arguments.regions.split(",")),
    }
    for name, make in parts.items():
        if arguments.only in (None, name):
            text = make()
            if not arguments.print:
                put(name, text)


if __name__ == "__main__":
    main()
