#!/usr/bin/env python3
"""`accord link` and Splink side by side on the same made-up files: processor time and memory, and the ratios.

bench_link.py [--sizes 20000,100000] [--repeat 3] [--only-accord]

Sizes are records. Splink is installed from PyPI into target/splink-venv, pinned; where that is not possible,
Accord runs alone and the output says so. Compare processor time: wall time is another machine's noise.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

import measured

SPLINK = "splink==5.0.0"
# Records of the made-up region for each person.
RECORDS_A_PERSON = 2.9


def splink_python(root):
    """The Python that has Splink, or None."""
    python = root / "target/splink-venv/bin/python"
    if not python.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", root / "target/splink-venv"], check=True)
            subprocess.run([python, "-m", "pip", "-q", "install", SPLINK], check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
    has = subprocess.run([python, "-c", "import splink"], check=False)
    return python if has.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="20000,100000")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only-accord", action="store_true")
    arguments = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    accord = root / "target/release/accord"
    python = None if arguments.only_accord else splink_python(root)
    if python is None and not arguments.only_accord:
        print("Splink cannot be installed here; Accord runs alone")
    print("| records | program | CPU s (median of runs) | memory MiB | wall s | best F1 | recall at p 99.9 % | cluster F1 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in (int(text) for text in arguments.sizes.split(",")):
        work = root / f"target/bench-link/{size}"
        work.mkdir(parents=True, exist_ok=True)
        if not (work / "records.csv").exists():
            persons = max(1, round(size / RECORDS_A_PERSON))
            measured.run([accord, "generate", "--persons", persons, "--seed", 1, "--out", work])
        records = work / "records.csv"
        programs = {"Accord": [accord, "link", "--quiet", "--links", work / "accord.links.csv", "--persons",
                               work / "accord.persons.csv", records]}
        if python is not None:
            programs["Splink"] = [python, root / "scripts/splink_link.py", records, work / "splink.links.csv",
                                  work / "splink.persons.csv"]
        cost = {}
        for name, command in programs.items():
            runs = [measured.run(command, stderr=subprocess.DEVNULL)[1:] for _ in range(arguments.repeat)]
            cost[name] = [statistics.median(column) for column in zip(*runs)]
            files = name.lower()
            scored = json.loads(measured.run([
                accord, "evaluate", "--quiet", "--replicates", 0, "--truth", work / "truth.csv", "--links",
                work / f"{files}.links.csv", "--persons", work / f"{files}.persons.csv"])[0])
            cpu, memory, wall = cost[name]
            lines = sum(1 for _ in open(records, encoding="utf-8")) - 1
            print(f"| {lines:,} | {name} | {cpu:.2f} | {memory:.0f} | {wall:.2f} | {scored['best']['f1']:.4f} | "
                  f"{scored['recall_at_p0.999']:.4f} | {scored['pairwise']['f1']:.4f} |", flush=True)
        if len(cost) == 2:
            cpu, memory = (cost["Splink"][place] / cost["Accord"][place] for place in (0, 1))
            print(f"| | Splink / Accord | {cpu:.1f} times | {memory:.1f} times | | | | |", flush=True)
    print(f"\n{measured.load()}")


if __name__ == "__main__":
    main()
