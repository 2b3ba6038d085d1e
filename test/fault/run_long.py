#!/usr/bin/env python3
"""Runs the experiments of test/fault, by default with the numbers of the long run, and writes a report.

    run_long.py [--only 1,2,5] [--scale small|large] [--seed N] [--time-limit MINUTES] [--report FILE]
                [--program FILE]

The time limit holds for each test of an experiment (an experiment has a few); the report says how many of the planned
tries were done. With `--report docs/reliability.md` the part of that file below its mark is replaced, any other
file is written anew. The status is 1 when something failed. A long run can be split: each run replaces only the
rows of the experiments that it ran.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import random
import re
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[2]
MARK = "<!-- figures: written by test/fault/run_long.py -->"
EXPERIMENTS = {  # number: what, file, which of its tests
    1: ("SIGKILL at a random moment", "kill", ""),
    2: ("SIGKILL at the n-th system call", "system_calls", "killed"),
    3: ("power cut", "power_cut", ""),
    4: ("the n-th system call fails", "system_calls", "fails"),
    5: ("full disk", "full_disk", ""),
    6: ("flipped bits, spoilt files", "bit_flips", ""),
    7: ("16 readers and a writer", "readers", "not compaction"),
    8: ("two writers", "writers", ""),
    9: ("readers and compaction", "readers", "compaction"),
    10: ("another user reads", "readonly", ""),
    11: ("newer version, other model, other dimension", "foreign_stores", ""),
    12: ("memory runs out", "memory_limits", ""),
    13: ("SIGINT and SIGTERM", "signals", ""),
    14: ("closed pipe, no stdout, /dev/full", "pipes", ""),
    15: ("export beside a writer, import and export cut short", "exchange", ""),
    16: ("a server in a storm of clients", "serve", ""),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(map(str, EXPERIMENTS)), help="numbers of experiments")
    parser.add_argument("--scale", choices=("small", "large"), default="large")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1_000_000))
    parser.add_argument("--time-limit", type=float, metavar="MINUTES", help="for the tries of each test")
    parser.add_argument("--report", type=pathlib.Path, default=PROJECT / "build" / "reliability.md")
    parser.add_argument("--program", type=pathlib.Path, default=PROJECT / "build" / "release" / "vecdb")
    chosen = parser.parse_args()
    chosen.only = [int(number) for number in chosen.only.split(",")]
    unknown = set(chosen.only) - EXPERIMENTS.keys()
    if unknown:
        parser.error(f"there is no experiment {min(unknown)}")
    return chosen


def run_experiment(number, chosen):
    """The records of its tests; and what pytest said when it failed other than by a try, or skipped."""
    what, name, which = EXPERIMENTS[number]
    print(f"== {number}: {what}, seed {chosen.seed}", flush=True)
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as report:
        env = os.environ | {"VECDB_FAULT_SCALE": chosen.scale, "VECDB_FAULT_SEED": str(chosen.seed),
                            "VECDB_FAULT_REPORT": report.name, "VECDB_PROGRAM": str(chosen.program.resolve()),
                            "PYTHONDONTWRITEBYTECODE": "1"}
        if chosen.time_limit is not None:
            env["VECDB_FAULT_MINUTES"] = str(chosen.time_limit)
        command = [sys.executable, "-m", "pytest", "-q", "-rs", "--tb=short", "-p", "no:cacheprovider",
                   PROJECT / "test" / "fault" / f"test_{name}.py"] + (["-k", which] if which else [])
        done = subprocess.run(command, env=env, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        records = [json.loads(line) for line in report.read().splitlines()]
    failed = done.returncode != 0
    if failed:
        print(done.stdout, flush=True)
    notes = re.findall(r"^(?:SKIPPED|FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    for record in records:
        print(f"   {record['what']}: {record['done']} of {record['planned']} tries, "
              f"{len(record['failures'])} failures, {record['seconds']} s", flush=True)
    return records, notes, failed


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return (f"{model[1] if model else platform.machine()}, {len(os.sched_getaffinity(0))} processors, "
            f"{int(memory[1]) >> 20} GiB, Linux {platform.release().split('-')[0]}")


def versions(program):
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return ", ".join(text.split("\n")).strip(", ")


def row_of(record, chosen, notes):
    return (f"| {record['experiment']} | {record['what']} | {record['done']} of {record['planned']} | "
            f"{len(record['failures'])} | {record['seed']} | {record['seconds']:.0f} s | {notes} |")


def rows_of(number, records, notes, failed, chosen):
    here = f"{datetime.date.today()}, {chosen.scale}"
    rows = [row_of(record, chosen, here) for record in records]
    if notes and (not records or failed):
        text = "; ".join(notes).replace("|", "/")
        text = re.sub(r"\S*/(?=test_\w+\.py)", "", text)
        rows.append(f"| {number} | {EXPERIMENTS[number][0]} | 0 | {int(failed)} | {chosen.seed} | | {here}: {text} |")
    return rows


def failures_of(records):
    return [f"- {record['experiment']}, {record['what']}: `{failure.splitlines()[0]}`"
            for record in records for failure in record["failures"]]


def write_report(chosen, rows, failures):
    path = chosen.report
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    above, _, below = old.partition(MARK)
    kept = [line for line in below.splitlines()
            if (number := re.match(r"\| (\d+) \|", line)) and int(number[1]) not in chosen.only]
    rows = sorted(kept + rows, key=lambda row: int(row.split("|")[1]))
    text = [above.rstrip("\n") if MARK in old else "# Reliability: figures", "", MARK, "",
            f"Machine: {machine()}. Programs: {versions(chosen.program)}.", "",
            "| # | experiment | tries | failures | seed | time | run |", "|---|---|---|---|---|---|---|", *rows]
    if failures:
        text += ["", "Failures:", "", *failures]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"== the report is {path}")


def main():
    chosen = arguments()
    print(f"seed {chosen.seed}", flush=True)
    rows, failures, any_failed = [], [], False
    for number in chosen.only:
        records, notes, failed = run_experiment(number, chosen)
        any_failed |= failed
        rows += rows_of(number, records, notes, failed, chosen)
        failures += failures_of(records)
    write_report(chosen, rows, failures)
    return 1 if any_failed else 0


if __name__ == "__main__":
    sys.exit(main())
