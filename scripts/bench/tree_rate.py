"""Ingest of a large tree beside the encoder's own rate: what everything around the encoder costs."""

import json
import random
import shutil
from functools import partial
from pathlib import Path

import report
from measure import BenchError, Sample, Worker, interleave
from report import Row, Section, Side
from workbench import SAMPLE, THREADS, Bench, say, summary_of

WRITTEN, FOUND = 2000, 1000  # files
QUICK_WRITTEN, QUICK_FOUND = 60, 20
ROUNDS = 3
DOCUMENTS = Path("/usr/share/doc")
TEXT_NAMES = ("", ".txt", ".md", ".rst")
MAX_BYTES = 4096


def write_speeches(folder: Path, count: int) -> None:
    """Small files of the sample's lines in a random order, always the same."""
    chance = random.Random(1)
    lines = [line for line in SAMPLE.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number in range(count):
        path = folder / f"{number // 100}" / f"speech-{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(chance.sample(lines, chance.randint(2, 8))) + "\n", encoding="utf-8")


def is_text(path: Path) -> bool:
    if path.is_symlink() or not path.is_file() or path.suffix not in TEXT_NAMES or path.stat().st_size > MAX_BYTES:
        return False
    content = path.read_bytes()
    try:
        return b"\0" not in content and content.decode().strip() != ""
    except UnicodeDecodeError:
        return False


def copy_documents(folder: Path, count: int) -> int:
    found = [path for path in sorted(DOCUMENTS.rglob("*")) if is_text(path)][:count]
    for path in found:
        copy = folder / path.relative_to(DOCUMENTS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return len(found)


def write_distinct_chunks(bench: Bench, tree: Path) -> Path:
    """What ingest encodes: a text that occurs again has its vector already."""
    lines = bench.vecdb("split", "--hidden", "--no-ignore", tree).output.splitlines()
    texts = dict.fromkeys(json.loads(line)["text"] for line in lines)
    path = bench.folder / "tree.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def ingest(bench: Bench, tree: Path, number: int) -> Sample:
    return bench.vecdb("--store", bench.folder / f"tree-store-{number}", "--threads", THREADS, "ingest", "--json",
                       "--hidden", "--no-ignore", tree)


def encoder_seconds(encoder: Worker, _round: int) -> float:
    return encoder.seconds()


def measure(bench: Bench) -> Section:
    say("ingest of a tree, beside the encoder's own rate")
    tree, rounds = bench.folder / "tree", min(ROUNDS, bench.rounds)
    write_speeches(tree / "speeches", QUICK_WRITTEN if bench.quick else WRITTEN)
    found = copy_documents(tree / "documents", QUICK_FOUND if bench.quick else FOUND)
    chunks = write_distinct_chunks(bench, tree)
    with bench.our_worker(bench.store("tree-encoder"), THREADS, chunks, bench.folder / "tree.f32") as encoder:
        results = interleave(rounds, {"ingest": partial(ingest, bench, tree),
                                      "encoder": partial(encoder_seconds, encoder)})
        tokens = encoder.facts["tokens"]
    summaries = [summary_of(sample) for sample in results["ingest"]]
    if {summary["tokens"] for summary in summaries} != {tokens}:
        raise BenchError(f"ingest encoded {summaries[0]['tokens']} tokens, the encoder {tokens}")
    ours = Side("vecdb", [tokens / sample.wall for sample in results["ingest"]], results["ingest"])
    row = Row("ingest of a tree, to the encoder's own rate", report.show_rate, ours,
              Side("the encoder alone", [tokens / seconds for seconds in results["encoder"]]),
              report.times_rate, other_is_peer=False)
    first = summaries[0]
    return Section("Ingest of a tree", f"{first['added']:,} small files, of the sample's lines and {found:,} of "
                   f"`{DOCUMENTS}`: {first['chunks']:,} chunks, of which {first['reused']:,} were encoded before, "
                   f"{tokens:,} tokens to encode. Tokens a second on {THREADS} threads: those of the whole process of "
                   "`vecdb ingest` into an empty store, which reads, splits, encodes, stores and commits; beside it "
                   f"those of the encoder alone, warm, with the same distinct chunks at once. {report.counted(rounds, 'round')}.", [row])
