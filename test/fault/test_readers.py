"""Experiments 7 and 9: readers while somebody writes, and while compaction removes the files that they read."""

import collections
import subprocess
import threading

import pytest
from oracle import *

READERS = 16
DOCUMENTS = 6


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), DOCUMENTS, 12)


class Crowd:
    """Readers, each in a thread that runs one command after the other until the time is over. What they
    find wrong is kept."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds
        self.answers = collections.Counter()
        self.wrong = []
        self.threads = []

    def goes_on(self):
        return time.monotonic() < self.end and not self.wrong

    def add(self, name, once):
        def work():
            while self.goes_on():
                try:
                    once()
                    self.answers[name] += 1
                except Exception as failure:
                    self.wrong.append(f"{name}: {failure}"[:2000])
        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()

    def end_of_all(self):
        for thread in self.threads:
            thread.join()
        assert not self.wrong, "\n".join(self.wrong)


def markers_of(records):
    return {record["meta"]["marker"] for record in records}


def reads(world, store, verb):
    """One answer, which must be of one generation: every commit gives all documents the same marker."""
    args = {"list": ["list", "--json"], "query": ["query", "--json", "-k", "1000", QUESTION], "verify": ["verify"],
            "show": ["show", "--json", world.uris[0]], "stats": ["stats", "--json"]}[verb]

    def once():
        result = world.run(store, *args)
        assert result.code == 0, result
        if verb not in ("verify", "stats"):
            assert len(markers_of(result.records)) == 1, markers_of(result.records)
        if verb == "list":
            assert len(result.records) == DOCUMENTS
        if verb == "query":
            assert len(result.records) == 12 * DOCUMENTS
    return once


def marked_store(world, folder):
    store = folder / "store"
    world.must("ingest", *FLAGS, "--meta", "marker=0", world.tree, store=store)
    return store


def run_crowd(world, store, seconds, verbs, write):
    crowd = Crowd(seconds)
    for number in range(READERS):
        verb = verbs[number % len(verbs)]
        crowd.add(verb, reads(world, store, verb))
    commits = 0
    while crowd.goes_on():
        commits += 1
        write(commits)
    crowd.end_of_all()
    assert commits > 1 and all(crowd.answers[verb] > 0 for verb in verbs), (commits, crowd.answers)


def test_each_answer_belongs_to_one_generation(world):
    def attempt(_, chance, folder):
        store = marked_store(world, folder)

        def write(n):
            world.must("ingest", *FLAGS, "--meta", f"marker={n}", world.tree, store=store)
        run_crowd(world, store, per_scale(20, 600), ("list", "query", "show", "list", "stats", "verify"), write)
        assert world.run(store, "verify").code == 0

    run_tries(7, "16 readers and a writer", 1, attempt)


def test_readers_never_miss_a_file_that_compaction_removes(world):
    def attempt(_, chance, folder):
        store = marked_store(world, folder)

        def write(n):
            world.must("compact", *(["--index", "ivf"] if n % 3 == 0 else []), store=store)
            world.must("ingest", *FLAGS, "--meta", f"marker={n}", *world.uris, store=store)
        run_crowd(world, store, per_scale(15, 300), ("query", "verify", "list", "query"), write)
        assert world.run(store, "verify").code == 0

    run_tries(9, "16 readers and compaction", 1, attempt)


def memory_of(process):
    """Bytes of its own: without the pages of files."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", text)[1]) << 10


def test_a_reader_that_answers_for_long_does_not_grow(world):
    def attempt(_, chance, folder):
        store = marked_store(world, folder)
        reader = world.program.popen("--store", store, "query", "--json", "-k", "1", "-", stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True, bufsize=1)
        seen, sizes = set(), []
        for n in range(per_scale(200, 20000)):
            reader.stdin.write(f"text {n % 7} line {chance.randrange(20)}\n")
            seen.add(json.loads(reader.stdout.readline())["meta"]["marker"])
            if n % 25 == 24:
                sizes.append(memory_of(reader))
                world.must("ingest", *FLAGS, "--meta", f"marker={n}", world.tree, store=store)
        reader.communicate()
        assert reader.returncode == 0
        assert seen == {"0"}, "a reader stays with the generation that it opened"
        assert sizes[-1] - sizes[1] < 4 << 20, sizes

    run_tries(7, "memory of a long-lived reader", 1, attempt)
