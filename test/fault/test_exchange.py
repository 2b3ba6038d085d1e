"""Experiment 15: exports beside a writer, and imports and exports that are cut short. What an import has to
keep when it is killed in a store that is there is tried with the other verbs, in experiments 1 and 2."""

import itertools
import subprocess
import threading

import pytest
from oracle import *
from test_signals import in_time, interrupt

DIMENSION = 4096
DOCUMENTS, CHUNKS = 30, 100  # of the large input: two commits


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 6, 12)


def line(document, chunk):
    vector = [0] * DIMENSION
    vector[document] = 0.6
    vector[DOCUMENTS + chunk] = 0.8
    encoder = {"model": "other", "fingerprint": "0" * 64, "precision": "f32"}
    return json.dumps({"uri": f"document {document:02}", "chunk": chunk, "start": 10 * chunk, "text": f"text {chunk}",
                       "encoder": encoder, "vector": vector}, separators=(",", ":"))


def flags_of(form):
    return ["--vectors"] if form == "jsonl" else ["--format", form]


def bytes_of(export):
    """Of a file, or of each file of a folder."""
    if export.is_dir():
        return {path.name: path.read_bytes() for path in export.iterdir()}
    return export.read_bytes()


class Large:
    """Lines with vectors, an archive, and the store that either becomes."""

    def __init__(self, world, folder):
        self.lines, self.archive, self.store = folder / "large.jsonl", folder / "large.tar", folder / "large"
        with open(self.lines, "w", encoding="utf-8") as file:
            for document, chunk in itertools.product(range(DOCUMENTS), range(CHUNKS)):
                file.write(line(document, chunk) + "\n")
        self.seconds = {}
        self.timed(world, "jsonl", "import", self.lines)
        self.timed(world, "export tar", "export", "--format", "tar", "--output", self.archive)
        for form in ("jsonl", "npy", "faiss"):
            out = folder / f"timed.{form}"
            self.timed(world, f"export {form}", "export", *flags_of(form), "--output", out)
        self.exports = {form: folder / f"timed.{form}" for form in ("jsonl", "npy", "faiss")} | {"tar": self.archive}
        twin = folder / "twin"
        self.timed(world, "tar", "import", self.archive, store=twin)
        self.state = state_of(self.store)
        assert state_of(twin) == self.state and len(self.state) == DOCUMENTS

    def timed(self, world, name, *args, store=None):
        begun = time.monotonic()
        world.must(*args, store=store or self.store)
        self.seconds[name] = time.monotonic() - begun

    def input(self, form):
        return {"jsonl": self.lines, "tar": self.archive}[form]


@pytest.fixture(scope="module")
def large(world, tmp_path_factory):
    return Large(world, tmp_path_factory.mktemp("large"))


# --- beside a writer --------------------------------------------------------------------------------

class Writer:
    """In a thread: ingests all documents with a new marker, deletes half of them, compacts, and again."""

    def __init__(self, world, store):
        self.world, self.store = world, store
        self.rounds = 0
        self.failure = None
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            while not self.is_over.is_set():
                self.rounds += 1
                write = lambda *args: self.world.must(*args, "--wait", "60", store=self.store)  # noqa: E731
                write("ingest", *FLAGS, "--meta", f"marker={self.rounds}", self.world.tree)
                write("delete", *self.world.uris[::2])
                write("compact", *(["--index", "ivf"] if self.rounds % 3 == 0 else []))
        except Exception as failure:
            self.failure = failure

    def end(self):
        self.is_over.set()
        self.thread.join()
        assert self.failure is None, self.failure
        assert self.rounds > 1, "a writer that does nothing proves nothing"


def judge_generation(world, store, truth):
    """All documents or those that are not deleted, all of one marker, with the chunks and vectors of ever."""
    found = state_of(store)
    assert world.run(store, "verify").code == 0
    assert set(found) in (set(world.uris), set(world.uris[1::2])), sorted(found)
    markers = {json.loads(meta)["marker"] for _, meta, _ in found.values()}
    assert len(markers) == 1, f"documents of the generations {markers}"
    for uri, (sha256, _, chunks) in found.items():
        assert (sha256, chunks) == (truth[uri][0], truth[uri][2]), f"{uri}: has other chunks"
    return markers.pop(), len(found)


@pytest.mark.parametrize("form", ["jsonl", "npy", "tar"])
def test_an_export_beside_a_writer_is_of_one_generation(world, form):
    def attempt(_, chance, folder):
        store = folder / "store"
        world.must("ingest", *FLAGS, "--meta", "marker=0", world.tree, store=store)
        truth = state_of(store)
        writer = Writer(world, store)
        seen = set()
        try:
            for number in range(per_scale(12, 400)):
                time.sleep(chance.uniform(0, 0.3))
                out, copy = folder / f"out{number}", folder / f"copy{number}"
                world.must("export", *flags_of(form), "--output", out, store=store)
                world.must("import", out, store=copy)
                seen.add(judge_generation(world, copy, truth))
                shutil.rmtree(copy)
                shutil.rmtree(out) if out.is_dir() else out.unlink()
        finally:
            writer.end()
        assert len(seen) > 2, f"all exports are of {seen}: nothing was written beside them"
        assert world.run(store, "verify").code == 0

    run_tries(15, f"export of {form} beside a writer", 1, attempt)


# --- cut short --------------------------------------------------------------------------------------

def judge_import(world, large, form, store, reported):
    """Of lines what is committed, whole; of an archive nothing or all. And the import can be made again."""
    if store.exists():
        if form == "tar":
            assert judge_state(world, store, large.state, large.state, {}) == large.state
        elif world.run(store, "verify").code == 0:
            judge_state(world, store, {}, large.state, reported)
        else:
            assert not reported, f"{len(reported)} documents were reported, and the store is none"
    assert store.exists() or not reported
    again = world.run(store, "import", large.input(form))
    taken = form == "tar" and again.code == 5 and "is there already" in again.err
    assert again.code == 0 or (taken and store.exists()), again
    assert judge_state(world, store, large.state, large.state, {}) == large.state
    assert not rubbish(store)
    assert taken or {path.name for path in store.parent.iterdir()} == {"store"}, "something is left"


@pytest.mark.parametrize("form", ["jsonl", "tar"])
def test_a_killed_import_leaves_what_is_committed(world, large, form):
    def attempt(_, chance, folder):
        store = folder / "store"
        process = world.program.popen("--store", store, "import", "--json", large.input(form), stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL)
        try:
            out, _ = process.communicate(timeout=chance.uniform(0, 1.1 * large.seconds[form]))
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        judge_import(world, large, form, store, reported_by(out.splitlines()))

    run_tries(15, f"SIGKILL during a large import of {form}", per_scale(4, 60), attempt)


@pytest.mark.parametrize("form", ["jsonl", "tar"])
def test_an_interrupted_import_leaves_what_is_committed(world, large, form):
    def attempt(_, chance, folder):
        moment, tries = chance.uniform(0.05, large.seconds[form]), iter(range(3))

        def once():
            place = folder / f"try{next(tries)}"
            place.mkdir()
            args = ["import", "--json", large.input(form)]
            result, took = interrupt(world, place / "store", args, moment, signal.SIGINT, False)
            return (result, place / "store"), took
        (result, store), took = in_time(once)
        assert result.code in ((130, 0) if took >= 0 else (0,)), result
        assert "breaks off" not in result.err and "damaged" not in result.err, result
        assert {path.name for path in store.parent.iterdir()} <= {"store"}, "something is left"
        if form == "tar":  # the signal may come when all is done
            assert store.exists() or result.code == 130, result
        judge_import(world, large, form, store, reported_by(result.out.encode().splitlines()))

    run_tries(15, f"SIGINT during a large import of {form}", per_scale(4, 60), attempt)


@pytest.mark.parametrize("form", ["jsonl", "npy", "faiss", "tar"])
def test_an_interrupted_export_leaves_nothing_or_all_of_it(world, large, form):
    def attempt(_, chance, folder):
        moment, tries = chance.uniform(0.03, large.seconds[f"export {form}"]), iter(range(3))

        def once():
            place = folder / f"try{next(tries)}"
            place.mkdir()
            args = ["export", *flags_of(form), "--output", place / "out"]
            result, took = interrupt(world, large.store, args, moment, signal.SIGINT, False)
            return (result, place), took
        (result, place), took = in_time(once)
        assert result.code in ((130, 0) if took >= 0 else (0,)), result
        left = {path.name for path in place.iterdir()}
        assert left in ({"out"}, set()) and (left or result.code != 0), (result, left)
        if left:
            assert bytes_of(place / "out") == bytes_of(large.exports[form]), "what is there is not all of it"
        assert result.code == 0 or result.err.count("\n") <= 1, result

    run_tries(15, f"SIGINT during an export of {form}", per_scale(4, 60), attempt)
