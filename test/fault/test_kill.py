"""Experiment: SIGKILL at a random moment. What was reported as committed must be there, whole, and
nothing else half; the same command again must bring the store to where it would have been.

VECDB_KILLS sets how many times; each time prints its seed on failure.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time

import pytest
from conftest import PROJECT, many_chunks

KILLS = int(os.environ.get("VECDB_KILLS", "6"))
READER = PROJECT / "test" / "python" / "read_store.py"
FLAGS = ("--chunk-size", "20", "--precision", "f32")
FILES = 8


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Files of which each is about one commit, and a store of an earlier state of half of them."""
    folder = tmp_path_factory.mktemp("tree")
    for number in range(FILES):
        (folder / f"{number:02}.txt").write_text(many_chunks(f"text {number}", 200))
    return folder


def contents(vecdb, store):
    """Every document with the texts and places of its chunks, as a reader of our own sees them."""
    lines = subprocess.run([sys.executable, READER, store], check=True, capture_output=True, text=True)
    documents = {}
    for line in lines.stdout.splitlines():
        chunk = json.loads(line)
        documents.setdefault(chunk["uri"], []).append((chunk["start"], chunk["end"], chunk["text"]))
    return documents


def kill_after(process, seconds):
    """What the process reported, line by line, until it was killed or done."""
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    return [json.loads(line) for line in out.splitlines() if line.endswith(b"}")]


def ask(vecdb, store):
    return vecdb("--store", store, "query", "-k", "50", "--json", "text 7 line 100").out


def sound(vecdb, store):
    verified = vecdb("--store", store, "verify")
    assert verified.code == 0, verified.out + verified.err


@pytest.fixture(scope="module")
def truth(tree, tmp_path_factory):
    """Before and after: the store that ingest changes, and what it becomes; and the seconds it takes."""
    from conftest import Program
    program = Program(tmp_path_factory.mktemp("truth"))
    changed = [tree / f"{n:02}.txt" for n in range(0, FILES, 2)]
    old = {path: path.read_text() for path in changed}
    for path in changed:
        path.write_text(many_chunks("an older text", 150) + path.name)
    assert program("--store", "before", "ingest", *FLAGS, *changed).code == 0
    for path, text in old.items():
        path.write_text(text)
    shutil.copytree(program.folder / "before", program.folder / "after")
    begun = time.monotonic()
    assert program("--store", "after", "ingest", *FLAGS, tree).code == 0
    return program, time.monotonic() - begun


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_ingest_keeps_what_it_reported(vecdb, tree, truth, seed):
    program, seconds = truth
    before = contents(program, program.folder / "before")
    after = contents(program, program.folder / "after")
    store = shutil.copytree(program.folder / "before", vecdb.folder / "store")
    moment = random.Random(seed).uniform(0, seconds * 1.1)
    ingest = vecdb.popen("--store", store, "ingest", "--json", *FLAGS, tree, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    reported = {r["uri"] for r in kill_after(ingest, moment) if r.get("status") in ("added", "changed")}

    found = contents(vecdb, store) if any(store.iterdir()) else {}
    for uri, chunks in found.items():
        assert chunks in (before.get(uri), after[uri]), uri  # one state or the other, never a mixture
    for uri in reported:
        assert found[uri] == after[uri], uri
    assert before.keys() <= found.keys()
    sound(vecdb, store)

    assert vecdb("--store", store, "ingest", *FLAGS, tree).code == 0
    assert contents(vecdb, store) == after
    sound(vecdb, store)
    assert ask(vecdb, store) == ask(program, program.folder / "after")


@pytest.mark.parametrize("seed", range(KILLS // 3))
def test_a_killed_delete_leaves_all_or_nothing(vecdb, tree, truth, seed):
    program, _ = truth
    after = contents(program, program.folder / "after")
    store = shutil.copytree(program.folder / "after", vecdb.folder / "store")
    gone = sorted(after)[: FILES // 2]
    process = vecdb.popen("--store", store, "delete", *gone, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    time.sleep(random.Random(seed).uniform(0, 0.05))
    process.kill()
    process.communicate()
    found = contents(vecdb, store)
    assert found in (after, {uri: chunks for uri, chunks in after.items() if uri not in gone})
    sound(vecdb, store)
    assert vecdb("--store", store, "delete", *gone).code in (0, 5)  # 5: they are gone
    assert not set(gone) & contents(vecdb, store).keys()
