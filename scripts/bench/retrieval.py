#!/usr/bin/env python3
"""Measures what bf16 and int8 lose of the passages that f32 finds.

    retrieval.py [--questions N] [--seed N] [--build DIR] [PATH…]

Files and folders are split into passages; default: the sample, and the topics of Python's help(). A question is a
run of words from one passage, which it has to find: nDCG@10 is 1 / log2(1 + rank), or 0 where it is not among the
first ten. Prints for each size of passages and questions the mean of f32, and of the others the mean difference to
it with its standard error, beside the least cosine of the questions' and the passages' vectors to those of f32.
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
SETTINGS = ((1000, 12), (1000, 6), (300, 12), (300, 6), (300, 3))  # characters of a passage, words of a question


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


def gains(program: Path, store: Path, precision: str, split: list, questions: dict) -> list[float]:
    run(program, "--store", store, "--precision", precision, "ingest", "--quiet", *split)
    found = dict.fromkeys(questions, 0.0)
    for record in run(program, "--store", store, "query", "--json", "-k", TOP, "-",
                      text="".join(f"{question}\n" for question in questions)):
        if place(record) == questions[record["query"]]:
            found[record["query"]] = 1 / math.log2(1 + record["rank"])
    return list(found.values())


def vectors(program: Path, precision: str, texts: list[str]) -> list[list[float]]:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    return [record["vector"] for record in run(program, "--precision", precision, "encode", "--jsonl", text=lines)]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(map(mul, a, b)) / math.sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))


def report(program: Path, paths: list[Path], size: int, words: int, count: int, seed: int) -> dict[str, list[float]]:
    """Prints a setting's lines; each question's differences to f32."""
    split = ["--splitter", "recursive", "--chunk-size", size, *paths]
    passages = run(program, "split", "--json", *split)
    questions = make_questions(passages, words, count, random.Random(seed))
    texts = {"questions": list(questions), "passages": [passage["text"] for passage in passages][:count]}
    with tempfile.TemporaryDirectory() as folder:
        gain = {each: gains(program, Path(folder, each), each, split, questions) for each in PRECISIONS}
    exact = {what: vectors(program, "f32", each) for what, each in texts.items()}
    print(f"{len(passages)} passages of {size} characters, {len(questions)} questions of {words} words: "
          f"f32 {statistics.mean(gain['f32']):.4f}")
    differences = {}
    for precision in PRECISIONS[1:]:
        differences[precision] = [a - b for a, b in zip(gain[precision], gain["f32"], strict=True)]
        least = [f"{what} {min(map(cosine, vectors(program, precision, each), exact[what])):.5f}"
                 for what, each in texts.items()]
        show(precision, differences[precision], f"; least cosine: {', '.join(least)}")
    return differences


def show(precision: str, differences: list[float], more: str = "") -> None:
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    print(f"    {precision}: {statistics.mean(differences):+.4f} ± {error:.4f}{more}", flush=True)


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
    every = {precision: [] for precision in PRECISIONS[1:]}
    try:
        with tempfile.TemporaryDirectory() as folder:
            paths = args.paths or default_paths(Path(folder))
            for size, words in SETTINGS:
                found = report(args.build / "vecdb", paths, size, words, args.questions, args.seed)
                for precision, differences in found.items():
                    every[precision] += differences
    except BenchError as error:
        print(f"retrieval.py: {error}", file=sys.stderr)
        return 1
    print(f"all {len(every['int8'])} questions")
    for precision, differences in every.items():
        show(precision, differences)
    return 0


if __name__ == "__main__":
    sys.exit(main())
