#!/usr/bin/env python3
"""Measures how fast a flat segment is searched, beside a plain read of the same bytes and other builds of FAISS.

    scan.py [--rows N] [--dimension N] [--queries N] [--rounds N] [--build DIR] [--python PATH]

One query at a time over a store of random vectors, its bytes in the page cache. The programs take turns: ours,
the same linked with Debian's libfaiss (left out where libfaiss-dev is not installed), and PyPI's faiss-cpu.
Prints the least and the median time of each, and the bandwidth of the least.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from measure import BenchError, OtherLoad, Spread, interleave, run_process

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = "bench_scan"


def build(folder: Path, *options: str) -> Path:
    """The program in a build folder of its own settings."""
    configured = subprocess.run(["cmake", "--preset", "release", "-B", folder, *options], cwd=ROOT,
                                capture_output=True, text=True, check=False)
    if configured.returncode != 0:
        raise BenchError(f"{folder}: cannot be configured: {configured.stderr.strip()[-1000:]}")
    subprocess.run(["cmake", "--build", folder, "--target", TARGET], check=True, stdout=subprocess.DEVNULL)
    return folder / TARGET


def has_debian_library() -> bool:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", "libfaiss-dev"],
                           capture_output=True, text=True, check=False)
    return asked.stdout == "installed"


def search(command: list, store: Path, queries: int, _round: int) -> dict:
    return json.loads(run_process([*command, store, queries], dict(os.environ)).output)


def print_rates(name: str, results: list[dict], size: int) -> None:
    print(f"{name}, FAISS {results[0]['faiss']}")
    for what in (key for key, value in results[0].items() if isinstance(value, list) and key != "best"):
        spread = Spread.of(seconds for result in results for seconds in result[what])
        print(f"    {what:36} {spread.least * 1e3:6.1f} ms, median {spread.median * 1e3:6.1f} ms, "
              f"{size / spread.least / 1e9:5.1f} GB/s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--queries", type=int, default=10, help="by each program in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--python", type=Path, default=ROOT / "build" / "venv" / "bin" / "python",
                        help="with faiss-cpu, which scripts/setup.sh --test installs")
    args = parser.parse_args()
    try:
        ours = build(args.build.resolve())
        programs = {"vecdb": [ours, "run"]}
        if has_debian_library():
            other = build(ROOT / "build" / "bench-debian", "-DVECDB_FAISS_DIR=none", "-DVECDB_TESTS=OFF")
            programs["linked with Debian's libfaiss"] = [other, "run"]
        programs["faiss-cpu from PyPI"] = [args.python, HERE / "peer_scan.py"]
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
            store = Path(folder) / "store"
            run_process([ours, "make", store, args.rows, args.dimension], dict(os.environ))
            load = OtherLoad()
            results = interleave(args.rounds, {
                name: partial(search, command, store, args.queries) for name, command in programs.items()})
        if len({tuple(sorted(each["best"])) for name in results for each in results[name]}) != 1:
            raise BenchError("the programs find different vectors")
        for name, each in results.items():
            print_rates(name, each, args.rows * args.dimension * 4)
        print(f"(load of others: {load.share():.0%} of the processors)")
    except BenchError as error:
        print(f"scan: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
