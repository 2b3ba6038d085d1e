"""Counts of instructions by Valgrind's Callgrind: no other load of the machine changes them."""

import re
import shutil
import subprocess
from pathlib import Path

import report
from measure import BenchError
from processes import Server
from report import Row, Section, Side
from workbench import QUESTION, SAMPLE, Bench, our_environment, say

ENGINES = ("libvecdb_native", "libtorch")  # whose share of a query is the encoder's
# What Callgrind's processor has; a server with other instructions would not be asked.
LEVEL = {"VECDB_MAX_ISA": "avx2"}


def costs_by_object(profile: str) -> dict[str, int]:
    """Instructions of each program or library of a profile, without what they call."""
    names, costs = {}, {}
    current, is_call = "", False
    for line in profile.splitlines():
        if match := re.match(r"ob=\((\d+)\)(?: (.*))?$", line):
            names.setdefault(match[1], match[2])
            current = names[match[1]]
        elif match := re.match(r"cob=\((\d+)\)(?: (.*))?$", line):  # the called one; its name may stand only here
            names.setdefault(match[1], match[2])
        elif line.startswith("calls="):
            is_call = True  # the next line's cost is the callee's
        elif re.match(r"[+\-*\d]", line):
            if not is_call:
                costs[current] = costs.get(current, 0) + int(line.split()[1])
            is_call = False
    return costs


def count(bench: Bench, *arguments) -> dict[str, int]:
    profile = bench.folder / "callgrind.out"
    done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", bench.program, *arguments],
                          env=our_environment() | LEVEL, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"valgrind vecdb {arguments[0]} …: exit {done.returncode}: {done.stderr[-2000:]}")
    costs = costs_by_object(profile.read_text())
    told = re.search(r"Collected : (\d+)", done.stderr)
    if told is None or sum(costs.values()) != int(told[1]):
        raise BenchError(f"Callgrind's profile adds up to {sum(costs.values())}, its report says {told and told[1]}")
    profile.unlink()
    return costs


def is_engine(place: str) -> bool:
    return Path(place).name.startswith(ENGINES)


def row(name: str, costs: dict[str, int]) -> Row:
    return Row(name, report.show_millions, Side("vecdb", [sum(costs.values()) / 1e6]))


def without_engine(costs: dict[str, int]) -> dict[str, int]:
    if not any(map(is_engine, costs)):
        raise BenchError("a query from a cold start: Callgrind saw no engine")
    return {place: cost for place, cost in costs.items() if not is_engine(place)}


def count_client(bench: Bench, store: Path, query: tuple) -> dict[str, int]:
    with Server(bench, store, **LEVEL):
        costs = count(bench, *query)
    if any(map(is_engine, costs)):
        raise BenchError("vecdb query: does not ask the server that runs")
    return costs


def measure(bench: Bench) -> Section:
    title, text = "Instructions", "Millions of instructions of one whole process, as Valgrind's Callgrind counts them."
    if shutil.which("valgrind") is None:
        return Section(title, f"{text} Not measured: valgrind is not installed (`./scripts/setup.sh --test` does that).", [])
    say("instructions")
    store = bench.store("counted", "f32")
    query = ("--store", store, "--threads", "1", "query", QUESTION)
    bench.vecdb(*query)  # remembers the hashes of the files
    rows = [row(f"`vecdb {flag}`", count(bench, flag)) for flag in ("--version", "--help")]
    rows.append(row("`vecdb split FILE`", count(bench, "split", SAMPLE)))
    rows.append(row("`vecdb query`, cold, without the encoder's module", without_engine(count(bench, *query))))
    if bench.has_verb("serve"):
        rows.append(row("`vecdb query` with a server, the client alone", count_client(bench, store, query)))
    return Section(title, f"{text} They hardly differ from run to run, whatever else the machine does. A start of the "
                   "program is in each; Callgrind's processor has AVX2 and no more.", rows)
