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
import subprocess
import sys
import venv
from pathlib import Path

from measure import BenchError, OtherLoad, run_process

ROOT = Path(__file__).resolve().parents[2]
TARGET = "bench_encoder"
BATCH_TOKENS = 1024


def install_onednn(folder: Path) -> None:
    if (folder / "include" / "oneapi" / "dnnl" / "dnnl.hpp").exists():
        return
    if not (folder / "bin" / "python").exists():
        venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "-r",
                    ROOT / "scripts" / "requirements" / "onednn.txt"], check=True)


def build(folder: Path, onednn: Path) -> Path:
    subprocess.run(["cmake", "-B", folder, f"-DVECDB_ONEDNN_DIR={onednn}", ROOT], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder, "--target", TARGET, "vecdb"], check=True,
                   stdout=subprocess.DEVNULL)
    return folder / TARGET


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a model's folder; default: all-MiniLM-L6-v2 beside the program")
    parser.add_argument("--precision", choices=("f32", "bf16", "int8"), default="bf16")
    parser.add_argument("--tokens", type=int, default=200, help="of a text")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--venv", type=Path, default=ROOT / "build" / "bench-venv")
    args = parser.parse_args()
    try:
        install_onednn(args.venv.resolve())
        program = build(args.build.resolve(), args.venv.resolve())
        model = args.model or args.build / "models" / "all-MiniLM-L6-v2"
        load = OtherLoad()
        result = json.loads(run_process([program, model.resolve(), args.precision, args.tokens, BATCH_TOKENS,
                                         args.rounds], dict(os.environ)).output)
        print(f"{model.name}, {args.precision}, texts of {args.tokens} tokens, {result['tokens']} a batch")
        print(f"    engine       {statistics.median(result['engine']) / 1e9:7.0f} Gop/s, "
              f"{statistics.median(result['tokens_a_second']):,.0f} tokens/s on one thread")
        for name, what in (("layer", "the products of a layer in turn"), ("alone", "each again and again")):
            ratio = statistics.median(a / b for a, b in zip(result["engine"], result[name], strict=True))
            print(f"    oneDNN       {statistics.median(result[name]) / 1e9:7.0f} Gop/s, {what}: "
                  f"the engine has {ratio:.2f} of it")
        print(f"(load of others: {load.share():.0%} of the processors)")
    except (BenchError, subprocess.CalledProcessError) as error:
        print(f"encoder.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
