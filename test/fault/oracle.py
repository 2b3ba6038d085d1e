"""What the experiments share: a tree of documents with a store before and after its ingest, the states
of stores as a reader of our own sees them, the crash oracle, and the counting of tries.

  VECDB_FAULT_SCALE    small (default) or large: how many tries
  VECDB_FAULT_SEED     a number from which all chance comes; default 1
  VECDB_FAULT_MINUTES  how long the tries of one experiment may take; default: as long as it takes
  VECDB_FAULT_REPORT   a file to which a line of JSON is added for every experiment

`run_long.py` sets these.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest
from conftest import DATA, PROGRAM, PROJECT, Program, Result, many_chunks

sys.path.insert(0, str(PROJECT / "test" / "python"))
import read_store  # noqa: E402

LARGE = os.environ.get("VECDB_FAULT_SCALE", "small") == "large"
SEED = int(os.environ.get("VECDB_FAULT_SEED", "1"))
MINUTES = float(os.environ.get("VECDB_FAULT_MINUTES", "inf"))
REPORT = os.environ.get("VECDB_FAULT_REPORT")
FLAGS = ("--chunk-size", "20", "--precision", "f32")
QUESTION = "text 3 line 7"
MOST_FAILURES = 5  # after which an experiment stops: they will be of one kind


def per_scale(small, large):
    return large if LARGE else small


def needs_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")


def needs(tool):
    if not shutil.which(tool, path="/usr/bin:/bin:/usr/sbin:/sbin"):
        pytest.skip(f"needs {tool}")


# --- tries ------------------------------------------------------------------------------------------

def sample(cases, small):
    """All cases in the long run, else `small` of them, evenly spread."""
    cases = list(cases)
    if LARGE or len(cases) <= small:
        return cases
    return [cases[i * len(cases) // small] for i in range(small)]


def run_tries(experiment, what, cases, attempt):
    """Calls attempt(case, chance, folder) for every case, each with chance and a folder of its own;
    fails afterwards, with the seeds, if one of them did. `cases` may be a number."""
    cases = list(range(cases) if isinstance(cases, int) else cases)
    assert cases, "an experiment without cases proves nothing"
    begun = time.monotonic()
    done, failures = 0, []
    for case in cases:
        if time.monotonic() - begun > 60 * MINUTES or len(failures) == MOST_FAILURES:
            break
        folder = Path(tempfile.mkdtemp(prefix="vecdb-fault-"))
        folder.chmod(0o755)
        try:
            attempt(case, random.Random(f"{SEED} {what} {case}"), folder)
        except Exception as failure:
            place = traceback.extract_tb(failure.__traceback__)[-1]
            text = str(failure).strip() or place.line
            failures.append(f"seed {SEED}, case {case}: {type(failure).__name__}: {text[:1500]} (line {place.lineno})")
        shutil.rmtree(folder, ignore_errors=True)
        done += 1
    if REPORT:
        line = {"experiment": experiment, "what": what, "planned": len(cases), "done": done, "seed": SEED,
                "failures": failures, "seconds": round(time.monotonic() - begun, 1)}
        with open(REPORT, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    assert not failures, f"{len(failures)} of {done} tries failed:\n" + "\n".join(failures)


def unmount(place):
    """Also while somebody, such as the frame of a failure, holds a file open there."""
    subprocess.run(["umount", "--lazy", place], check=True)


# --- states -----------------------------------------------------------------------------------------

def state_of(store):
    """Every document: its SHA-256 and of each chunk place, text and vector, read without vecdb. Fails
    on anything that docs/FORMAT.md does not allow."""
    segments, documents, chunks = read_store.read_store(Path(store))
    vectors = {}
    for index, rows in segments:
        matrix = index.index.reconstruct_n(0, index.ntotal)
        vectors.update((chunk, matrix[row].tobytes()) for chunk, row in rows.items())
    return {document["uri"]: (document["sha256"], document["meta"], tuple(
        (chunk["start"], chunk["end"], chunk["text"], vectors[chunk["id"]])
        for chunk in chunks[document["id"]])) for document in documents}


def rubbish(store):
    """Files that a writer left behind and the next one has to sweep."""
    catalogue = read_store.open_catalogue(Path(store))
    named = set()
    for name, index in catalogue.execute("SELECT name, search_index FROM segments"):
        named.add(name)
        if index:
            named.add(json.loads(index)["name"])
    catalogue.close()
    loose = [path for path in Path(store).iterdir() if re.search(r"\.tmp-\d+(-journal|-wal|-shm)?$", path.name)]
    return loose + [path for path in (Path(store) / "segments").iterdir() if path.name not in named]


def files_of(store):
    """Bytes and times of every file, to see that nothing was touched."""
    return {str(path.relative_to(store)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(Path(store).rglob("*")) if path.is_file()}


# --- the world --------------------------------------------------------------------------------------

class World:
    """A tree of `files` documents of `lines` chunks each; the store `before`, which holds half of them in
    an older version; and `after`, what the ingest of the tree makes of it. With a pantry every text of
    the tree is in `before` too, as a document of its own, so that no ingest has to load libtorch."""

    def __init__(self, folder, files, lines, pantry=True):
        self.program = Program(folder)
        self.tree = folder / "tree"
        self.tree.mkdir()
        paths = [self.tree / f"{number:02}.txt" for number in range(files)]
        texts = [many_chunks(f"text {number}", lines) for number in range(files)]
        self.before, self.after = folder / "before", folder / "after"
        if pantry:
            self.must("ingest", *FLAGS, "--name", "pantry", "-", stdin="\n\n".join(texts))
        for number in range(0, files, 2):
            paths[number].write_text(many_chunks(f"an older text {number}", lines // 2))
        self.must("ingest", *FLAGS, self.tree)
        for path, text in zip(paths, texts):
            path.write_text(text)
        shutil.copytree(self.before, self.after)
        begun = time.monotonic()
        self.must("ingest", *FLAGS, self.tree, store=self.after)
        self.seconds = time.monotonic() - begun
        self.old, self.new = state_of(self.before), state_of(self.after)
        self.uris = [str(path) for path in paths]
        self.answer = self.ask(self.after)
        self.lines = folder / "lines.jsonl"
        self.must("export", "--vectors", "--output", self.lines, store=self.after)

    def run(self, store, *args, stdin="", **env):
        """Damaged bytes may be shown as they are, so that the output need not be UTF-8."""
        done = subprocess.run([PROGRAM, "--store", store, *args], input=stdin, capture_output=True, timeout=300,
                              cwd=self.program.folder, env=self.program.env | env, encoding="utf-8",
                              errors="surrogateescape")
        return Result(done.returncode, done.stdout, done.stderr)

    def must(self, *args, store=None, **options):
        result = self.run(store or self.before, *args, **options)
        assert result.code == 0, result.err
        return result

    def ask(self, store):
        return self.must("query", "-k", "40", "--json", QUESTION, store=store).out

    def command(self, verb):
        """The arguments of a command that changes a store, the store it begins with, and the states of
        before and of afterwards."""
        half = self.uris[: len(self.uris) // 2]
        rest = {uri: document for uri, document in self.new.items() if uri not in half}
        return {
            "ingest": (["ingest", "--json", *FLAGS, str(self.tree)], self.before, self.old, self.new),
            "import": (["import", "--json", str(self.lines)], self.before, self.old, self.new),
            "delete": (["delete", "--json", *half], self.after, self.new, rest),
            "compact": (["compact"], self.after, self.new, self.new),
            "compact --index ivf": (["compact", "--index", "ivf"], self.after, self.new, self.new),
        }[verb]


VERBS = ("ingest", "import", "delete", "compact", "compact --index ivf")


def extract_old_store(folder):
    """A store of format 2 for `migrate`."""
    shutil.unpack_archive(DATA / "store_format2.tar.gz", folder)
    return Path(folder)


# --- the oracle -------------------------------------------------------------------------------------

def reported_by(lines):
    """The uris that `--json` reported as committed. A last line that was cut short is none."""
    records = [json.loads(line) for line in lines if line.endswith(b"}")]
    return {record["uri"]: record["sha256"] for record in records
            if record.get("status") in ("added", "changed", "removed")}


def judge_state(world, store, old, new, reported):
    """The store opens, is sound, holds what was reported, and every document is of one state or the other."""
    found = state_of(store)
    for uri in found.keys() | old.keys() | new.keys():
        assert found.get(uri) in (old.get(uri), new.get(uri)), f"{uri}: is of neither state"
    for uri, sha256 in reported.items():
        assert found.get(uri) == new.get(uri), f"{uri}: was reported and is not there"
        assert uri not in new or new[uri][0] == sha256, f"{uri}: reported with another SHA-256"
    verified = world.run(store, "verify")
    assert verified.code == 0, verified
    return found


def judge_crash(world, store, verb, reported, ask=True):
    """The crash oracle for a command of World.command that was cut short."""
    args, _, old, new = world.command(verb)
    found = judge_state(world, store, old, new, reported)
    left = len(rubbish(store))
    again = world.run(store, *args)
    gone = verb == "delete" and found == new
    assert again.code == (5 if gone else 0), again
    if not gone:
        told = re.search(r"removed (\d+) files? that no commit names", again.err)
        assert (int(told[1]) if told else 0) == left, f"{left} files were left; {again.err}"
        assert not rubbish(store)
    assert judge_state(world, store, new, new, {}) == new
    if ask and verb in ("ingest", "import"):
        assert world.ask(store) == world.answer


def one_line(result, code):
    """An error as it should be: this code, and one clear line, beside those that name skipped inputs."""
    assert result.code == code, result
    lines = [line for line in result.err.splitlines() if ": skipped: " not in line]
    assert len(lines) == 1 and lines[0].startswith("vecdb: ") and result.err.endswith("\n"), result


__all__ = [name for name in dir() if not name.startswith("__")]
