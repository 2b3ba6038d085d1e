#!/usr/bin/env python3
"""Times `vecdb split` beside LangChain's splitter on one generated file.

Each round runs both, one after the other, as programs that read the file and print a JSON line for each
chunk. Prints the median seconds, megabytes a second of processor time, the ratio of the two and the peak memory of
each, as a multiple of the file. Run it with a Python that has langchain-text-splitters.
"""

import argparse
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PEER = """
import json, sys
import langchain_text_splitters as splitters
kind = {"character": splitters.CharacterTextSplitter,
        "recursive": splitters.RecursiveCharacterTextSplitter}[sys.argv[1]]
text = open(sys.argv[3], encoding="utf-8", newline="").read()
for chunk in kind(chunk_size=int(sys.argv[2]), chunk_overlap=0).split_text(text):
    print(json.dumps({"text": chunk}, ensure_ascii=False))
"""


def write_text(path, megabytes):
    """Paragraphs of random lines of words."""
    rng = random.Random(1)
    words = (PROJECT / "test" / "data" / "state_of_the_union.txt").read_text(encoding="utf-8").split()
    with path.open("w", encoding="utf-8", newline="") as out:
        while out.tell() < megabytes * 1_000_000:
            lines = [" ".join(rng.choices(words, k=rng.randint(3, 16))) for _ in range(rng.choice([1, 3, 8, 20]))]
            out.write("\n".join(lines) + "\n\n")


def run(command):
    """Wall seconds, processor seconds and peak bytes of a program."""
    start = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        pid = os.posix_spawn(command[0], command, os.environ,
                             file_actions=[(os.POSIX_SPAWN_DUP2, nowhere.fileno(), 1),
                                           (os.POSIX_SPAWN_DUP2, nowhere.fileno(), 2)])
        _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"{command[0]}: failed")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", default=str(PROJECT / "build" / "release" / "vecdb"))
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chunk-size", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "text.txt"
        write_text(path, arguments.megabytes)
        size = path.stat().st_size
        print(f"{size / 1e6:.0f} MB, chunk size {arguments.chunk_size}, median of {arguments.rounds}")
        for kind in ("character", "recursive", "sentence"):
            runs = {"vecdb": [arguments.program, "split", f"--splitter={kind}",
                              f"--chunk-size={arguments.chunk_size}", str(path)]}
            if kind != "sentence":
                runs["langchain"] = [sys.executable, "-c", PEER, kind, str(arguments.chunk_size), str(path)]
            measured = {name: [] for name in runs}
            for _ in range(arguments.rounds):
                for name, command in runs.items():
                    measured[name].append(run(command))
            medians = {name: [statistics.median(values) for values in zip(*rounds)]
                       for name, rounds in measured.items()}
            for name, (wall, processor, peak) in medians.items():
                print(f"{kind:10} {name:10} {wall:7.2f} s {size / 1e6 / processor:7.0f} MB/s a core "
                      f"{peak / size:5.1f} x the file in memory")
            if "langchain" in medians:
                print(f"{kind:10} vecdb is {medians['langchain'][0] / medians['vecdb'][0]:.1f} times as fast")


if __name__ == "__main__":
    main()
