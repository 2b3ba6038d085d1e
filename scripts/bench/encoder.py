#!/usr/bin/env python3
"""Measures the native engine beside oneDNN's matrix products at the model's own shapes.

    encoder.py [--model DIR] [--precision f32|bf16|int8] [--tokens N] [--rounds N] [--build DIR] [--venv DIR]

Both take turns on one thread. oneDNN comes from PyPI, into the virtual environment of the peers
(scripts/requirements/onednn.txt). Prints the median rates and the median of the rounds' ratios.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

import report
from measure import BenchError, OtherLoad, run_process
from report import Row, Section, Side
from workbench import NO_BF16, ROOT, Bench, build_targets, has_bf16, install, say

TARGETS = ("bench_encoder", "vecdb")
BATCH_TOKENS = 1024
ROUNDS, QUICK_ROUNDS = 40, 4
MINILM, JINA = "all-MiniLM-L6-v2", "JinaBERT base"
JINA_SHAPE = ("--layers", "12", "--heads", "12", "--hidden", "768", "--intermediate", "3072")
# Precision, model, tokens of a text, and how many times fewer rounds.
CASES = (("bf16", MINILM, 200, 1), ("f32", MINILM, 200, 1), ("bf16", JINA, 512, 4), ("bf16", JINA, 4096, 10))


def show_rate(value: float) -> str:
    return f"{value / 1e9:.0f} Gop/s"


def run(build: Path, model: Path, precision: str, tokens: int, rounds: int) -> dict[str, list[float]]:
    """Lists of rates, one a round: see encoder.cpp."""
    return json.loads(run_process([build / "bench_encoder", model.resolve(), precision, tokens, BATCH_TOKENS, rounds],
                                  dict(os.environ)).output)


def random_jina_bert(bench: Bench) -> Path:
    """A model of the shape of jina-embeddings-v2-base with random weights, made once."""
    model = bench.kept / "jina-bert-base"
    if not model.exists():
        say("making a JinaBERT of random weights")
        checkout = bench.folder / "jina-bert-checkout"
        bench.peer(ROOT / "test" / "python" / "make_checkpoint.py", "jina-bert", checkout, *JINA_SHAPE)
        bench.vecdb("model", "make", checkout, "--out", model)
    return model


def name_of(precision: str, model: str, tokens: int) -> str:
    return f"{precision} to oneDNN's limit, {model}, texts of {tokens:,} tokens"


def row(bench: Bench, precision: str, model: str, tokens: int, fewer: int) -> Row:
    folder = bench.build / "models" / MINILM if model == MINILM else random_jina_bert(bench)
    rounds = max(1, (QUICK_ROUNDS if bench.quick else ROUNDS) // fewer)
    result = run(bench.build, folder, precision, tokens, rounds)
    limit = [max(pair) for pair in zip(result["layer"], result["alone"], strict=True)]
    return Row(name_of(precision, model, tokens), show_rate, Side("vecdb", result["engine"]),
               Side("oneDNN", limit), report.times_rate, other_is_peer=False)


def measure(bench: Bench) -> Section:
    say("the encoder, beside oneDNN's matrix products")
    cases = [case for case in CASES if case[0] != "bf16" or has_bf16()]
    absent = {name_of(*case[:3]): NO_BF16 for case in CASES if case not in cases}
    return Section("The encoder and the limit of its matrix products",
                   "Operations a second on one thread, of the thread's own time: the whole encoder (its products and its "
                   "attention count, everything else is time lost) beside oneDNN's products of the same shapes, without "
                   "anything between them: the best rate that they have one after another as a layer has them, or each "
                   "again and again with its weights in the cache. oneDNN finds its best order of weights beforehand. "
                   f"{BATCH_TOKENS} tokens or one text a batch. JinaBERT has random weights. The ratio says how much "
                   "of the limit the encoder reaches.", [row(bench, *case) for case in cases], absent)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model's folder; default: all-MiniLM-L6-v2 beside the program")
    parser.add_argument("--precision", choices=("f32", "bf16", "int8"), default="bf16")
    parser.add_argument("--tokens", type=int, default=200, help="of a text")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "bench-venv")
    args = parser.parse_args()
    build = args.build.resolve()
    try:
        install(args.venv.absolute(), {"onednn.txt": ()})
        build_targets(build, args.venv.absolute(), *TARGETS)
        model = args.model or build / "models" / MINILM
        load = OtherLoad()
        result = run(build, model, args.precision, args.tokens, args.rounds)
        print(f"{model.name}, {args.precision}, texts of {args.tokens} tokens, {result['tokens']} a batch")
        print(f"    engine       {statistics.median(result['engine']) / 1e9:7.0f} Gop/s, "
              f"{statistics.median(result['tokens_a_second']):,.0f} tokens/s on one thread")
        for name, what in (("layer", "the products of a layer in turn"), ("alone", "each again and again")):
            ratio = statistics.median(a / b for a, b in zip(result["engine"], result[name], strict=True))
            print(f"    oneDNN       {statistics.median(result[name]) / 1e9:7.0f} Gop/s, {what}: "
                  f"the engine has {ratio:.2f} of it")
        print(f"(load of others: {load.share():.0%} of the processors)")
    except BenchError as error:
        print(f"encoder.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
