#!/usr/bin/env python3
"""Measures what bf16 and int8 lose of the passages that f32 finds.

    retrieval.py [--questions N] [--seed N] [--build DIR] [PATH…]

Files and folders are split into passages; default: the sample, and the topics of Python's help(). A question is a
run of words from one passage, which it has to find: nDCG@10 is 1 / log2(1 + rank), or 0 where it is not among the
first ten. Prints for each size of passages and questions the mean of f32, and of the others the mean difference to
it with its standard error; and the least cosine of passages' and questions' vectors to those of f32.
"""

import argparse
import json
import math
import pydoc_data.topics
import random
import statistics
import subprocess
import sys
import tempfile
from operator import mul
from pathlib import Path

from measure import BenchError
from workbench import ROOT, SAMPLE, our_environment

PRECISIONS = ("f32", "bf16", "int8")
TOP = 10
WORDS = {1000: (12, 6), 300: (12, 6, 3)}  # of the questions, for passages of so many characters


def run(program: Path, *arguments, text: str = "") -> list[dict]:
    """The records that vecdb prints."""
    done = subprocess.run([program, *map(str, arguments)], env=our_environment(), input=text, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"vecdb {' '.join(map(str, arguments[:4]))} …: exit {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def place(record: dict) -> tuple[str, int]:
    return record["uri"], record["chunk"]


def make_questions(passages: list[dict], words: int, count: int, chance: random.Random) -> dict[str, tuple[str, int]]:
    """Runs of words, each with the place of the passage that it is from."""
    questions = {}
    for passage in chance.sample(passages, len(passages)):
        text = passage["text"].split()
        if len(text) >= words and len(questions) < count:
            first = chance.randrange(len(text) - words + 1)
            questions.setdefault(" ".join(text[first:first + words]), place(passage))
    return questions


def gains(program: Path, store: Path, questions: dict[str, tuple[str, int]]) -> list[float]:
    """nDCG@10, one a question."""
    found = dict.fromkeys(questions, 0.0)
    for record in run(program, "--store", store, "query", "--json", "-k", TOP, "-",
                      text="".join(f"{question}\n" for question in questions)):
        if place(record) == questions[record["query"]]:
            found[record["query"]] = 1 / math.log2(1 + record["rank"])
    return list(found.values())


def least_cosine(some: list[dict], others: list[dict]) -> float:
    """Of records with vectors of unit length."""
    return min(sum(map(mul, a["vector"], b["vector"])) for a, b in zip(some, others, strict=True))


def encoded(program: Path, precision: str, texts: list[str]) -> list[dict]:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    return run(program, "--precision", precision, "encode", "--jsonl", text=lines)


def show(precision: str, differences: list[float], more: str = "") -> None:
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    print(f"    {precision}: {statistics.mean(differences):+.4f} ± {error:.4f}{more}", flush=True)


def compare(program: Path, folder: Path, size: int, paths: list[Path], count: int, chance: random.Random) -> dict:
    """Prints what passages of a size show; each question's difference to f32, by precision."""
    split = ["--splitter", "recursive", "--chunk-size", size, *paths]
    passages = run(program, "split", "--json", *split)
    stores = {precision: folder / f"{precision}-{size}" for precision in PRECISIONS}
    vectors = {}
    for precision, store in stores.items():
        run(program, "--store", store, "--precision", precision, "ingest", "--quiet", *split)
        vectors[precision] = run(program, "--store", store, "export", "--vectors")
    print(f"{len(passages)} passages of {size} characters; least cosine: " + ", ".join(
        f"{precision} {least_cosine(vectors[precision], vectors['f32']):.5f}" for precision in PRECISIONS[1:]))
    differences = {precision: [] for precision in PRECISIONS[1:]}
    for words in WORDS[size]:
        questions = make_questions(passages, words, count, chance)
        exact = gains(program, stores["f32"], questions)
        exact_vectors = encoded(program, "f32", list(questions))
        print(f"  {len(questions)} questions of {words} words: f32 {statistics.mean(exact):.4f}")
        for precision, every in differences.items():
            found = [a - b for a, b in zip(gains(program, stores[precision], questions), exact, strict=True)]
            cosine = least_cosine(encoded(program, precision, list(questions)), exact_vectors)
            show(precision, found, f"; least cosine: {cosine:.5f}")
            every += found
    return differences


def default_paths(folder: Path) -> list[Path]:
    for name, text in pydoc_data.topics.topics.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return [SAMPLE, folder]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="texts")
    parser.add_argument("--questions", type=int, default=1000, help="at most, of a setting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    args = parser.parse_args()
    differences = {precision: [] for precision in PRECISIONS[1:]}
    try:
        with tempfile.TemporaryDirectory() as texts, tempfile.TemporaryDirectory() as stores:
            paths = args.paths or default_paths(Path(texts))
            for size in WORDS:
                found = compare(args.build / "vecdb", Path(stores), size, paths, args.questions, random.Random(args.seed))
                for precision, every in differences.items():
                    every += found[precision]
    except BenchError as error:
        print(f"retrieval.py: {error}", file=sys.stderr)
        return 1
    print(f"all {len(differences['int8'])} questions")
    for precision, every in differences.items():
        show(precision, every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
