#!/usr/bin/env python3
"""Measures a store of a million vectors beside what people use today, and writes docs/benchmarks-scale.md.

    scale.py [--rows N] [--queries N] [--rounds N] [--build DIR] [--out FILE] [--venv DIR] [--data DIR] [--without NAMES]

Half of the vectors are synthetic clusters, half are real encodings repeated with noise (scale_data.py). Every
system gets the same vectors and texts, and the same questions in turn. Needs 12 GB of disk at a million rows;
--data keeps what was made for the next run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import report
from measure import BenchError, OtherLoad, Sample, Spread, interleave, run_process
from workbench import ROOT, install, our_environment, peer_environment, say

HERE = Path(__file__).resolve().parent
K = 10
ENOUGH = 0.95  # recall@10
EXACT = 1
SOURCES = ROOT / "build" / "venv" / "lib"  # of real passages: any tree of Python sources will do
PASSAGES = 4000
EFFORTS = {"faiss-ivf": (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256), "chroma": (0, 150, 200, 300, 400, 600),
           "lancedb-ivf": (5, 10, 20, 40, 80, 160), "faiss-flat": (0,), "sqlite-vec": (0,), "lancedb-flat": (0,),
           "vecdb-ivf": (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995), "vecdb-flat": (EXACT,)}
PEERS = ("faiss-flat", "faiss-ivf", "lancedb-flat", "lancedb-ivf", "sqlite-vec", "chroma")


@dataclass(frozen=True)
class Bench:
    build: Path
    python: Path
    data: Path
    rows: int

    def vecdb(self, *arguments) -> Sample:
        return run_process([self.build / "vecdb", *arguments], our_environment())

    def script(self, name: str, *arguments) -> Sample:
        return run_process([self.python, HERE / name, *arguments], peer_environment())

    def ask(self, system: str, effort: float, queries: Path, _round: int = 0) -> dict:
        store = self.data / system
        if system.startswith("vecdb"):
            command = [self.build / "bench_ask", store, queries.with_suffix(".f32"), K, os.cpu_count(), effort]
            answer = json.loads(run_process(command, our_environment()).output)
            answer["best"] = [[chunk - 1 for chunk in best] for best in answer["best"]]  # ids count from 1
            return answer
        return json.loads(self.script("peer_scale.py", system, "ask", store, queries, K, effort).output)


def make_data(bench: Bench, questions: int) -> None:
    done = bench.data / "made.json"
    made = {"rows": bench.rows, "questions": questions}
    if done.exists() and json.loads(done.read_text()) == made:
        return
    say("making vectors")
    passages, files = bench.data / "passages.jsonl", bench.data / "files.txt"
    files.write_text("".join(f"{path}\n" for path in sorted(SOURCES.rglob("*.py")) if path.stat().st_size > 20_000))
    found = bench.vecdb("split", "--splitter", "recursive", "--chunk-size", "400", "--files-from", files)
    lines = [line for line in found.output.splitlines() if len(line) > 300]
    passages.write_text("\n".join(lines[:: max(1, len(lines) // PASSAGES)][:PASSAGES]) + "\n", encoding="utf-8")
    encodings = bench.data / "encodings.npy"
    with encodings.open("wb") as out:
        subprocess.run([bench.build / "vecdb", "encode", "--jsonl", "--format", "npy", passages], stdout=out,
                       env=our_environment(), check=True)
    bench.script("scale_data.py", encodings, passages, bench.data, bench.rows, questions)
    done.write_text(json.dumps(made))


def timed(task) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def once(bench: Bench, system: str, task) -> float | None:
    """Seconds of making a system's store; nothing where it is there from an earlier run, with who knows what beside it."""
    store, made = bench.data / system, bench.data / f"{system}.made"
    if made.exists():
        return None
    if store.is_dir():
        shutil.rmtree(store)
    store.unlink(missing_ok=True)
    say(f"making {system}")
    took = timed(task)
    made.touch()
    return took


def import_rows(bench: Bench, store: Path, which: str) -> None:
    bench.vecdb("--store", store, "--precision", "f32", "import", "--trust-vectors", "--vectors",
                bench.data / f"{which}.npy", bench.data / f"{which}.jsonl")


def make_stores(bench: Bench, systems: list[str]) -> dict[str, dict[str, float | None]]:
    flat, lists = bench.data / "vecdb-flat", bench.data / "vecdb-ivf"
    costs = {"vecdb-flat": {"load": once(bench, "vecdb-flat", lambda: import_rows(bench, flat, "all"))}}
    if costs["vecdb-flat"]["load"] is not None:
        costs["vecdb-flat"]["one segment"] = timed(lambda: bench.vecdb("--store", flat, "compact", "--index", "flat"))

    def make_lists() -> None:
        shutil.copytree(flat, lists)
        bench.vecdb("--store", lists, "compact", "--index", "ivf")

    costs["vecdb-ivf"] = {"load": costs["vecdb-flat"]["load"], "index": once(bench, "vecdb-ivf", make_lists)}
    for name in systems:
        costs[name] = {"load": once(bench, name, partial(
            bench.script, "peer_scale.py", name, "build", bench.data, bench.data / name))}
    return costs


def recall(truth: list[list[int]], answer: dict) -> float:
    found = sum(len(set(right) & set(best)) for right, best in zip(truth, answer["best"]))
    return found / sum(map(len, truth))


def choose_efforts(bench: Bench, systems: list[str], truth: list[list[int]]) -> dict[str, float]:
    """For each, the least effort that finds enough; the most there is, where none does."""
    chosen = {}
    for name in systems:
        for effort in EFFORTS[name]:
            chosen[name] = effort
            if len(EFFORTS[name]) == 1 or recall(truth, bench.ask(name, effort, bench.data / "queries.npy")) >= ENOUGH:
                break
        say(f"{name}: effort {chosen[name]}")
    return chosen


def bytes_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*") if f.is_file())


def show(spread: Spread) -> str:
    return f"{report.show_seconds(spread.median)} [{report.show_seconds(spread.least)} … {report.show_seconds(spread.most)}]"


def search_table(bench: Bench, results: dict[str, list[dict]], truth, costs, efforts) -> str:
    ours = {sort: Spread.of(s for r in results[f"vecdb-{sort}"] for s in r["queries"][1:]).median for sort in ("flat", "ivf")}
    lines = ["| | recall@10 | a question | vecdb is faster by | open and first question | memory that is no file's | on disk | made in |",
             "|---|---|---|---|---|---|---|---|"]
    for name, answers in results.items():
        spread = Spread.of(s for answer in answers for s in answer["queries"][1:])
        first = Spread.of(answer["open"] + answer["queries"][0] for answer in answers)
        sort = "flat" if len(EFFORTS[name]) == 1 else "ivf"
        ratio = "–" if name.startswith("vecdb") else f"**{spread.median / ours[sort]:.2f}**"
        made = " + ".join("–" if seconds is None else f"{seconds:,.0f} s" for seconds in costs[name].values())
        effort = "" if sort == "flat" else f" (effort {efforts[name]:g})"
        lines.append(f"| {name}{effort} | {recall(truth, answers[0]):.3f} | {show(spread)} | {ratio} | {show(first)} "
                     f"| {max(a['anonymous'] for a in answers) / 2**20:,.0f} MiB "
                     f"| {bytes_of(bench.data / name) / 1e9:.2f} GB | {made} |")
    return "\n".join(lines)


def scan_table(bench: Bench, rounds: int) -> tuple[str, float]:
    """The bandwidth of a flat search beside a plain read of the same bytes."""
    ours = [bench.build / "bench_scan", "run", bench.data / "vecdb-flat", 5]
    peer = [bench.python, HERE / "peer_scan.py", bench.data / "vecdb-flat", 5]
    results = interleave(rounds, {"ours": lambda _: json.loads(run_process(ours, our_environment()).output),
                                  "peer": lambda _: json.loads(run_process(peer, peer_environment()).output)})
    size = bench.rows * 384 * 4
    rates = {}
    for who, answers in results.items():
        for what, value in answers[0].items():
            if what == "best" or not isinstance(value, list):
                continue
            name = "faiss-cpu" if who == "peer" else what
            rates[name] = size / min(s for answer in answers for s in answer[what]) / 1e9
    lines = ["| | GB/s, the best of all | of a plain read with as many threads |", "|---|---|---|"]
    for name, rate in rates.items():
        plain = rates["plain read, 1 thread" if "1 thread" in name else "plain read, 2 threads"]
        lines.append(f"| {name} | {rate:.1f} | {rate / plain:.0%} |")
    return "\n".join(lines), rates["vecdb, 2 threads"] / rates["plain read, 2 threads"]


def lifecycle_table(bench: Bench) -> str:
    """What else is done with a store: each once, on a copy."""
    store = bench.data / "copy"
    shutil.rmtree(store, ignore_errors=True)
    shutil.copytree(bench.data / "vecdb-flat", store)
    few = bench.data / "few"
    shutil.rmtree(few, ignore_errors=True)
    lines = ["| | seconds | peak memory, files' pages included |", "|---|---|---|"]

    def row(what: str, *arguments, at: Path = store) -> Sample:
        sample = bench.vecdb("--store", at, *arguments)
        lines.append(f"| {what} | {sample.wall:.2f} | {sample.memory / 2**20:,.0f} MiB |")
        return sample

    question = "how is a tensor moved to another device"
    row("`query`, whole process, of a store just copied: it hashes the segment first", "query", question)
    row("the same with a filter that 1 in 10,000 passes", "query", "--filter", 'path ~ "passages/*0000"', question)
    row("`stats`", "stats")
    row("`delete` of 1 % of the documents", "delete", "--filter", 'path ~ "passages/*00"')
    row("`compact --index flat`, which writes all vectors anew", "compact", "--index", "flat")
    row("`verify`", "verify")
    # The same 500 records, ready to be encoded, into a small store and into the large one.
    with (bench.data / "passages.jsonl").open(encoding="utf-8") as passages:
        fresh = [json.loads(line)["text"] for line, _ in zip(passages, range(1500))]
    costs = {"10 k": [], "1 M": []}
    import_rows(bench, few, "few")
    for part in range(3):
        records = bench.data / "fresh.jsonl"
        records.write_text("".join(json.dumps({"uri": f"fresh/{part}/{i}", "text": f"{part} {text}"}) + "\n"
                                   for i, text in enumerate(fresh[500 * part:500 * part + 500])))
        for name, at in (("10 k", few), ("1 M", store)):
            costs[name].append(bench.vecdb("--store", at, "ingest", "--jsonl", records).wall)
    small, large = min(costs["10 k"]), min(costs["1 M"])
    lines.append(f"| `ingest` of 500 new passages into a store of 10,000 (the least of 3) | {small:.2f} | |")
    lines.append(f"| the same into the large store | {large:.2f}, **{large / small:.2f}** times | |")
    return "\n".join(lines)


def versions(bench: Bench) -> str:
    ours = ", ".join(filter(None, bench.vecdb("--version").output.split("\n")))
    code = ("import importlib.metadata as m\nprint(*(n + ' ' + m.version(n) for n in "
            "('faiss-cpu', 'chromadb', 'lancedb', 'sqlite-vec', 'apsw', 'numpy')), sep=', ')")
    return f"- {ours}\n- {run_process([bench.python, '-c', code], peer_environment()).output.strip()}"


def measure(bench: Bench, args: argparse.Namespace) -> str:
    peers = [name for name in PEERS if name not in args.without]
    load = OtherLoad()
    make_data(bench, args.queries)
    truth = json.loads((bench.data / "truth.json").read_text())
    costs = make_stores(bench, peers)
    systems = ["vecdb-flat", "vecdb-ivf", *peers]
    efforts = choose_efforts(bench, systems, truth)
    say("asking in turn")
    results = interleave(args.rounds, {name: partial(bench.ask, name, efforts[name], bench.data / "queries.npy")
                                       for name in systems})
    say("scanning")
    scan, share = scan_table(bench, args.rounds)
    say("the rest of a store's life")
    life = lifecycle_table(bench)
    flat, lists = (Spread.of(s for r in results[f"vecdb-{sort}"] for s in r["queries"][1:]).median for sort in ("flat", "ivf"))
    left_out = f" Left out: {', '.join(args.without)}." if args.without else ""
    return "\n\n".join([
        "# Benchmarks of large stores",
        f"Written by `scripts/bench/scale.py`, of {bench.rows:,} vectors of 384 dimensions: half of them synthetic clusters, "
        f"half real encodings repeated with noise. Every system has the same vectors and texts. {args.queries} questions, "
        f"one at a time, in {args.rounds} rounds after one that is not counted, the systems in turn, {os.cpu_count()} threads "
        f"where a system takes them. A cell is the median [least … most]; what a store was made in is told where it was made by "
        f"this run.{left_out} " + report.noise_note(load.share()),
        report.machine_facts(), versions(bench),
        "## Search",
        f"Lists are searched as far as recall@10 ≥ {ENOUGH} needs. vecdb's lists answer **{flat / lists:.1f}** times as fast "
        "as its flat search. faiss keeps vectors alone; the others return the texts too.",
        search_table(bench, results, truth, costs, efforts),
        "## Bandwidth of the flat search",
        f"With two threads it reads at **{share:.0%}** of what a plain loop over the same bytes does.", scan,
        "## Other commands", life]) + "\n"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks-scale.md")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "bench-scale-venv",
                        help="virtual environment of the peers, made when it is not there")
    parser.add_argument("--data", type=Path, help="where vectors and stores are kept; else they are thrown away")
    parser.add_argument("--without", type=lambda names: names.split(","), default=[], help=f"of {','.join(PEERS)}")
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    try:
        python = install(args.venv.absolute(), {"bench-scale.txt": ()})
        subprocess.run(["cmake", "--build", args.build, "--target", "vecdb", "bench_ask", "bench_scan"], check=True,
                       stdout=subprocess.DEVNULL)
        with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
            data = (args.data or Path(folder)).absolute()
            data.mkdir(parents=True, exist_ok=True)
            text = measure(Bench(args.build.absolute(), python, data, args.rows), args)
        args.out.write_text(text, encoding="utf-8")
        print(text)
    except (BenchError, subprocess.CalledProcessError) as error:
        print(f"scale: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
