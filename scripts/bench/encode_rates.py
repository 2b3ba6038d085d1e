"""The encoder's rate beside that of the engines that people use, each warm in a process of its own."""

import math
from array import array
from contextlib import ExitStack
from dataclasses import dataclass
from operator import mul
from pathlib import Path

import report
from measure import BenchError, Worker, interleave
from report import Row, Section, Side
from workbench import NO_BF16, SAMPLE_CHUNKS, THREADS, Bench, has_bf16, say, write_copies

COPIES, QUICK_COPIES = 5, 1
LEAST_COSINE = {"f32": 0.9999, "bf16": 0.999, "int8": 0.98}  # less is another model, not rounding
PRECISIONS = ("f32", "bf16", "int8")  # of vecdb
PEERS = {
    "sentence-transformers f32": "sentence-transformers-f32",
    "sentence-transformers bf16": "sentence-transformers-bf16",
    "CTranslate2 int8": "ctranslate2-int8",
    "ONNX Runtime f32": "onnxruntime-f32",
    "OpenVINO bf16": "openvino-bf16",
}
# Ours, and what it is compared with: a peer in each of its settings, or another of ours.
PAIRS = (
    ("bf16", "sentence-transformers f32"), ("bf16", "sentence-transformers bf16"),
    ("bf16", "CTranslate2 int8"), ("bf16", "ONNX Runtime f32"), ("bf16", "OpenVINO bf16"),
    ("f32", "sentence-transformers f32"), ("f32", "ONNX Runtime f32"),
    ("int8", "bf16"), ("int8", "CTranslate2 int8"),
)
SETTINGS = {"usual": "", "best": " at its best"}  # of a peer, and what a row's name says of it


@dataclass(frozen=True)
class Running:
    """The workers, by name, and the files with their vectors."""

    workers: dict[str, Worker]
    vectors: dict[str, Path]
    settings: tuple[str, ...]  # of the peers


def prepare_peers(bench: Bench) -> Path:
    """The model in the forms that the peers' engines run."""
    forms = bench.kept / "peer-models"
    if not forms.exists():
        say("converting the model for the peers' engines")
        bench.peer("peer_models.py", bench.checkout(), forms)
    return forms


def absent_engines(bench: Bench) -> dict[str, str]:
    """What cannot run here, and why."""
    absent = {} if bench.has_precision("int8") else {"int8": "this vecdb has no int8"}
    return absent if has_bf16() else absent | {"OpenVINO bf16": NO_BF16}


def absent_rows(absent: dict[str, str]) -> dict[str, str]:
    return {f"encoder, {ours} to {other}": absent[name] for ours, other in PAIRS
            for name in (ours, other) if name in absent}


def start_workers(bench: Bench, absent: dict[str, str], texts: Path, stack: ExitStack) -> Running:
    """One at a time, as each finds its best setting first, and others would disturb that; a quick run
    looks for none."""
    workers, vectors = {}, {}
    forms, flags = prepare_peers(bench), ["--quick"] if bench.quick else []

    def keep(name: str, worker: Worker) -> None:
        workers[name] = worker if bench.quick else stack.enter_context(worker)

    for precision in [precision for precision in PRECISIONS if precision not in absent]:
        vectors[precision] = bench.folder / f"vectors-{precision}"
        keep(precision, bench.our_worker(bench.store(f"rates-{precision}", precision), THREADS, texts, vectors[precision]))
    for name, engine in [peer for peer in PEERS.items() if peer[0] not in absent]:
        say(f"{'starting' if bench.quick else 'finding the best setting of'} {name}")
        vectors[name] = bench.folder / f"vectors-{engine}"
        keep(name, bench.peer_worker("peer_encode.py", engine, bench.checkout(), forms, texts, THREADS, vectors[name], *flags))
    if bench.quick:
        for worker in workers.values():
            stack.enter_context(worker)
    return Running(workers, vectors, ("usual",) if bench.quick else tuple(SETTINGS))


def same_work(running: Running) -> tuple[int, int]:
    """The number of texts and of tokens, which all must share."""
    counts = {name: (worker.facts["texts"], worker.facts["tokens"]) for name, worker in running.workers.items()}
    if len(set(counts.values())) != 1:
        raise BenchError(f"the engines read different texts or tokens: {counts}")
    return next(iter(counts.values()))


def least_cosine(one: Path, other: Path, texts: int) -> float:
    """Of each text's two vectors."""
    a, b = (array("f", path.read_bytes()) for path in (one, other))
    if len(a) != len(b) or len(a) % texts:
        raise BenchError(f"{one.name} and {other.name}: vectors of different sizes")
    size = len(a) // texts

    def cosine(first: int) -> float:
        x, y = a[first:first + size], b[first:first + size]
        return sum(map(mul, x, y)) / math.sqrt(sum(map(mul, x, x)) * sum(map(mul, y, y)))
    return min(map(cosine, range(0, len(a), size)))


def cosine_rows(running: Running, texts: int) -> list[Row]:
    """Of everything else with ours in f32."""
    rows = []
    for name, path in running.vectors.items():
        if name == "f32":
            continue
        cosine = least_cosine(running.vectors["f32"], path, texts)
        if cosine < LEAST_COSINE[name.split()[-1]]:
            raise BenchError(f"{name}: a cosine of {cosine:.4f} with vecdb in f32: this is not the same work")
        rows.append(Row(f"{name} to f32, least cosine", report.show_cosine, Side("", [cosine])))
    return rows


@dataclass(frozen=True)
class Duel:
    ours: str
    other: str
    setting: str = ""  # of the other, if it is a peer

    def __str__(self) -> str:
        return f"encoder, {self.ours} to {self.other}{SETTINGS.get(self.setting, '')}"


def duels(running: Running) -> list[Duel]:
    return [Duel(*pair, setting) for pair in PAIRS if set(pair) <= set(running.workers)
            for setting in (running.settings if pair[1] in PEERS else ("",))]


def rate_rows(bench: Bench, running: Running, tokens: int) -> list[Row]:
    tasks = {}
    for duel in duels(running):
        tasks[duel, duel.ours] = lambda _, duel=duel: running.workers[duel.ours].seconds()
        tasks[duel, duel.other] = lambda _, duel=duel: running.workers[duel.other].seconds(duel.setting)
    results = interleave(bench.rounds, tasks, warm=True)

    def side(duel, name):
        shown = name if name in PEERS else f"vecdb {name}"
        return Side(shown, [tokens / seconds for seconds in results[duel, name]])
    return [Row(str(duel), report.show_rate, side(duel, duel.ours), side(duel, duel.other), report.times_rate,
                other_is_peer=duel.other in PEERS) for duel in duels(running)]


def told_settings(running: Running) -> str:
    peers = {name: worker.facts for name, worker in running.workers.items() if name in PEERS}
    text = (f"Peers are given the texts sorted by length, with {next(iter(peers.values()))['usual']}, which is what "
            "sentence-transformers does when it is not told")
    if "best" not in running.settings:
        return text
    best = "; ".join(f"{name}: {facts['best']}" for name, facts in peers.items())
    return (f'{text}; "at its best", in the setting that was fastest of those that `peer_encode.py` tries (texts a batch; '
            f"batches at a time, which share the threads): {best}")


def measure(bench: Bench) -> list[Section]:
    absent = absent_engines(bench)
    copies = write_copies(bench.folder / "copies", QUICK_COPIES if bench.quick else COPIES)
    texts = bench.folder / "chunks.jsonl"
    texts.write_text(bench.vecdb("split", *copies).output, encoding="utf-8")
    with ExitStack() as stack:
        running = start_workers(bench, absent, texts, stack)
        count, tokens = same_work(running)
        cosines = cosine_rows(running, count)
        say("the encoder's rate, beside the peers'")
        rates = rate_rows(bench, running, tokens)
        told = told_settings(running)
    if count != len(copies) * SAMPLE_CHUNKS:
        raise BenchError(f"{count} texts, not {len(copies) * SAMPLE_CHUNKS}")
    return [Section(
        "Encoder", f"Tokens a second on {THREADS} threads: {count} chunks of {len(copies)} × the sample, "
        f"{tokens:,} tokens for every engine, the tokenizer's work included. All are warm: each is a process that has "
        "encoded these texts before, and they take turns, vecdb directly before each peer. "
        f"{told}. vecdb makes its batches by itself. The ratio says how many times faster vecdb is.",
        rates, absent_rows(absent)),
        Section("Likeness of vectors", "The least cosine, over all chunks, with the vectors of vecdb in f32: all "
                "engines do the same work.", cosines)]
