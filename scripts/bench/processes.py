"""Whole processes: vecdb as it is started by hand, beside LangChain + Chroma and beside libtorch alone."""

import json
import statistics
import subprocess
import time
from functools import partial
from pathlib import Path

import report
from measure import BenchError, Sample, interleave, run_process
from report import Row, Section, Side
from workbench import HERE, QUESTION, ROOT, SAMPLE, SAMPLE_CHUNKS, THREADS, Bench, our_environment, say, summary_of

PATIENCE = 60  # seconds until a server listens


def side(name: str, samples: list[Sample]) -> Side:
    return Side(name, [sample.wall for sample in samples], samples)


# ---- LangChain + Chroma ----

def same_answers(ours: Sample, peer: Sample) -> None:
    our_first = json.loads(ours.output.splitlines()[0])["text"]
    peer_first = json.loads(peer.output.splitlines()[0])
    if our_first != peer_first:
        raise BenchError(f"the first passages differ: {our_first[:80]!r} and {peer_first[:80]!r}")


def same_chunks(ours: Sample, peer: Sample) -> None:
    counts = summary_of(ours)["chunks"], int(peer.output)
    if counts != (SAMPLE_CHUNKS, SAMPLE_CHUNKS):
        raise BenchError(f"{SAMPLE.name}: {counts[0]} and {counts[1]} chunks, not {SAMPLE_CHUNKS}")


def measure_chain(bench: Bench) -> Section:
    say("ingest and query, beside LangChain + Chroma")
    stores = bench.folder / "chain"
    ours, peer = partial(bench.vecdb, "--store"), partial(bench.peer, "peer_langchain.py")
    results = interleave(bench.rounds, {
        "our ingest": lambda i: ours(f"{stores}-ours-{i}", "ingest", "--json", SAMPLE),
        "peer ingest": lambda i: peer("ingest", SAMPLE, f"{stores}-peer-{i}"),
        "our query": lambda i: ours(f"{stores}-ours-{i}", "query", "--json", QUESTION),
        "peer query": lambda i: peer("query", f"{stores}-peer-{i}", QUESTION),
    })
    for pair in zip(results["our ingest"], results["peer ingest"], strict=True):
        same_chunks(*pair)
    for pair in zip(results["our query"], results["peer query"], strict=True):
        same_answers(*pair)
    rows = [Row(name, report.show_seconds, side("vecdb", results[f"our {what}"]),
                side("LangChain + Chroma", results[f"peer {what}"]), report.times_faster)
            for what, name in (("ingest", "ingest into an empty store"), ("query", "query from a cold start"))]
    return Section("Ingest and query", f"`{SAMPLE.relative_to(ROOT)}` ({SAMPLE_CHUNKS} chunks with "
                   "both), then one question (the same first passage with both), each in a fresh process with "
                   "its defaults. The ratio says how many times faster vecdb is.", rows)


# ---- a question from a cold start ----

def torch_folder(program: Path) -> Path:
    """The torch package that vecdb was built with."""
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
    say("a query from a cold start, beside the loading of libtorch")
    loader, store = build_loader(bench), bench.store("start")
    results = interleave(bench.rounds * 2, {
        "query": lambda _: bench.vecdb("--store", store, "query", QUESTION),
        "loader": lambda _: run_process([loader], our_environment())})
    row = Row("query from a cold start, to the loading of libtorch", report.show_seconds,
              side("vecdb", results["query"]), side("a program that loads libtorch and exits", results["loader"]),
              report.times_cost, other_is_peer=False)
    return Section("A query from a cold start", "The whole process with its defaults: it loads its engine and the "
                   "model, encodes the question, searches and prints. vecdb does not need libtorch for that; a program "
                   f"that does nothing but load it is what others begin with. {report.counted(bench.rounds * 2, 'round')}. The ratio says "
                   "how much of that program's time vecdb takes.", [row])


# ---- a question to a server ----

class Server:
    """`vecdb serve` on a store."""

    def __init__(self, bench: Bench, store: Path, **environment: str) -> None:
        self._process = subprocess.Popen([bench.program, "--store", store, "serve"],
                                         env=our_environment() | environment,
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self) -> "Server":
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise BenchError(f"vecdb serve: does not listen: {self._process.stderr.read().decode()[-2000:]}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()

    def _listens(self) -> bool:
        """Whether a Unix socket that the process holds takes connections (flag 10000 in the kernel's list)."""
        held = set()
        for descriptor in Path(f"/proc/{self._process.pid}/fd").glob("*"):
            try:
                held.add(str(descriptor.readlink()))
            except OSError:  # closed meanwhile
                continue
        lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
        return any(f"socket:[{fields[6]}]" in held and int(fields[3], 16) & 0x10000 for fields in lines)

    def processor_time(self) -> int:
        """In nanoseconds, of all its threads that still run."""
        return sum(int(path.read_text().split()[0])
                   for path in Path(f"/proc/{self._process.pid}/task").glob("*/schedstat"))


def forward_seconds(worker, _round: int) -> float:
    return statistics.median(worker.seconds() for _ in range(5))


def measure_warm(bench: Bench) -> Section:
    title, rows = "A query with a server", [
        "query with `vecdb serve` running", "query with `vecdb serve` running, to the encoder's forward pass"]
    if not bench.has_verb("serve"):
        return Section(title, "", [], {row: "this vecdb has no `serve`" for row in rows})
    say("a query with a server")
    store, texts = bench.store("served"), bench.folder / "question.jsonl"
    texts.write_text(json.dumps({"text": QUESTION}) + "\n")
    with Server(bench, store) as server, \
            bench.our_worker(store, THREADS, texts, bench.folder / "question.f32") as encoder:
        before = server.processor_time()
        results = interleave(bench.rounds * 5, {
            "query": lambda _: bench.vecdb("--store", store, "query", QUESTION),
            "forward": partial(forward_seconds, encoder)})
        if server.processor_time() == before:
            raise BenchError("vecdb query: does not ask the server that runs")
    query = side("vecdb", results["query"])
    return Section(title, "The whole process of `vecdb query` while `vecdb serve` runs on the store; about a "
                   "millisecond of it is the start of a process by the script. The encoder's forward pass is that of "
                   f"the same question, warm, by the store's encoder. {report.counted(bench.rounds * 5, 'round')}. The ratio says "
                   "how many times as long the query takes.",
                   [Row(rows[0], report.show_seconds, query),
                    Row(rows[1], report.show_seconds, query, Side("the encoder alone", results["forward"]),
                        report.times_cost, other_is_peer=False)])


# ---- without the encoder ----

def measure_light_commands(bench: Bench) -> Section:
    say("commands that need no encoder")
    store = bench.store("light")
    commands = {"vecdb --help": ("--help",), "vecdb split FILE": ("split", SAMPLE), "vecdb list": ("--store", store, "list")}
    results = interleave(bench.rounds * 2, {
        name: lambda _, arguments=arguments: bench.vecdb(*arguments) for name, arguments in commands.items()})
    return Section("Commands that need no encoder", "They load neither engine nor model. About a millisecond of each "
                   "figure is the start of a process by the script.",
                   [Row(f"`{name}`", report.show_seconds, side("vecdb", samples)) for name, samples in results.items()])
