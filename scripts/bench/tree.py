#!/usr/bin/env python3
"""Ingests a real tree of files, again, and again with one file changed; compares splitting with LangChain.

    tree.py [DIR…] [--files N] [--max-bytes N] [--rounds N] [--program PATH] [--python PATH] [--split-only]

Default trees: /usr/share/doc and the site-packages of --python. What is measured is a copy of their
first N regular files, an equal share of each; --files 0 takes all, of which encoding takes hours
on a CPU unless --max-bytes leaves the large ones out. Prints the counts and seconds of `ingest --json`, and for loading and splitting the time and
the peak of memory of both programs, run in turn.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from measure import BenchError, OtherLoad, Spread, interleave, run_process

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def copy_tree(source: Path, limit: int, max_bytes: int, out: Path) -> int:
    """Copies files so that nothing of the original is ever changed. Returns their number. 0: no limit."""
    count = 0
    for folder, names, files in os.walk(source):
        names.sort()
        for name in sorted(files):
            path = Path(folder) / name
            if path.is_symlink() or not path.is_file():
                continue
            if max_bytes and path.stat().st_size > max_bytes:
                continue
            if limit and count == limit:
                return count
            copy = out / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            count += 1
    return count


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("VECDB_")}


def ingest(program: Path, store: Path, tree: Path) -> dict:
    done = subprocess.run([program, "--store", store, "ingest", "--json", "--hidden", "--no-ignore", tree],
                          env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 1):
        raise BenchError(f"ingest: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    *documents, summary = map(json.loads, done.stdout.splitlines())
    reasons: dict[str, int] = {}
    for document in documents:
        if document["status"] == "skipped":
            reason = document["reason"].split(":")[0]
            reasons[reason] = reasons.get(reason, 0) + 1
    return summary["summary"] | {"reasons": reasons}


def changeable(tree: Path) -> Path:
    """The first file that is text."""
    for path in sorted(path for path in tree.rglob("*") if path.is_file()):
        content = path.read_bytes()
        try:
            if content.decode().strip() and b"\0" not in content:
                return path
        except UnicodeDecodeError:
            continue
    raise BenchError(f"{tree}: holds no text to change")


def print_ingest(title: str, summary: dict) -> None:
    counts = ", ".join(f"{summary[name]:,} {name}" for name in ("added", "changed", "unchanged", "removed", "skipped"))
    seconds = ", ".join(f"{stage} {value:.2f}" for stage, value in summary["seconds"].items())
    print(f"{title}: {counts}; {summary['chunks']:,} chunks, {summary['tokens']:,} tokens; seconds: {seconds}")
    for reason, count in sorted(summary["reasons"].items(), key=lambda item: -item[1]):
        print(f"    skipped {count:,}: {reason}")


def compare_splitting(program: Path, python: Path, tree: Path, rounds: int) -> None:
    def ours(_):
        # Skipped inputs give 5: the shell hides that, so that other failures are seen by their output.
        command = '"$0" split --hidden --no-ignore "$1" 2>/dev/null >"$2" || [ $? -eq 5 ]'
        with tempfile.NamedTemporaryFile() as out:
            sample = run_process(["sh", "-c", command, program, tree, out.name], environment())
            return sample, sum(1 for _ in out.file)

    def peer(_):
        sample = run_process([python, HERE / "peer_tree.py", tree],
                             os.environ | {"PYTHONWARNINGS": "ignore", "LANGSMITH_TRACING": "false"})
        return sample, int(sample.output.split()[-1])

    load = OtherLoad()
    results = interleave(rounds, {"vecdb split": ours, "LangChain DirectoryLoader + CharacterTextSplitter": peer})
    for name, samples in results.items():
        wall = Spread.of(sample.wall for sample, _ in samples)
        memory = max(sample.memory for sample, _ in samples)
        print(f"{name}: {wall.median:.2f} s ({wall.least:.2f} to {wall.most:.2f}), "
              f"peak {memory / 2**20:.0f} MiB, {samples[-1][1]:,} chunks")
    print(f"(load of others: {load.share():.0%} of the processors)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trees", nargs="*", type=Path, metavar="DIR")
    parser.add_argument("--files", type=int, default=1000, help="default 1000; 0: all")
    parser.add_argument("--max-bytes", type=int, default=0, help="leave larger files out; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "release" / "vecdb")
    parser.add_argument("--python", type=Path, default=ROOT / "build" / "bench-venv" / "bin" / "python",
                        help="with what scripts/requirements/bench.txt lists")
    parser.add_argument("--split-only", action="store_true", help="encode nothing")
    args = parser.parse_args()
    packages = args.python.parent.parent / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    sources = args.trees or [path for path in (Path("/usr/share/doc"), packages) if path.is_dir()]
    program = args.program.resolve()
    try:
        with tempfile.TemporaryDirectory() as folder:
            tree, store = Path(folder) / "tree", Path(folder) / "store"
            share = args.files and max(1, args.files // len(sources))
            count = sum(copy_tree(source, share, args.max_bytes, tree / str(number)) for number, source in enumerate(sources))
            size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
            print(f"{count:,} files, {size / 1e6:.1f} MB, of {', '.join(map(str, sources))}"
                  + (f" (--files {args.files})" if args.files else "")
                  + (f" (--max-bytes {args.max_bytes})" if args.max_bytes else ""), flush=True)
            compare_splitting(program, args.python, tree, args.rounds)
            if args.split_only:
                return 0
            print_ingest("first ingest", ingest(program, store, tree))
            print_ingest("the same again", ingest(program, store, tree))
            changed = changeable(tree)
            with changed.open("ab") as file:
                file.write(b"\n\nOne more paragraph.\n")
            print_ingest("one file changed", ingest(program, store, tree))
    except BenchError as error:
        print(f"tree.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
