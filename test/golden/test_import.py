"""`import`: what export wrote, and what others did."""

import contextlib
import fcntl
import io
import json
import os
import tarfile

import pytest
from conftest import DATA, QUESTION, SPEECH, assert_error


def vector_line(**changes):
    line = {"uri": "u", "chunk": 0, "start": 0, "text": "Some text.", "vector": [1.0] + [0.0] * 383}
    return json.dumps(line | changes) + "\n"


def without_ids(lines):
    return [{key: value for key, value in line.items() if key != "id"} for line in lines]


@pytest.fixture
def store(vecdb):
    vecdb.write("a.txt", "Alpha.\n\nBeta with é.")
    vecdb.write("t.csv", "text,n\nhello,1\nworld,2\n")
    flags = ("--chunk-size", "8", "--text-field", "text", "--meta", "k=v")
    assert vecdb("--store", "s", "ingest", *flags, "a.txt", "t.csv", SPEECH).code == 0
    return flags


@pytest.mark.parametrize("form", ["jsonl", "npy", "tar"])
def test_a_round_trip_loses_nothing(vecdb, store, form):
    flags = ("--vectors",) if form == "jsonl" else ("--format", form)
    assert vecdb("--store", "s", "export", *flags, "--output", "out").code == 0
    assert vecdb("--store", "r", "import", "out").code == 0
    for verb in (["list", "--json"], ["query", "--json", "-k", "50", QUESTION]):
        assert vecdb("--store", "r", *verb).out == vecdb("--store", "s", *verb).out
    lines = [vecdb("--store", each, "export", "--vectors").records for each in "sr"]
    assert without_ids(lines[0]) == without_ids(lines[1])
    assert vecdb("--store", "r", "verify").code == 0
    again = vecdb("--store", "r", "ingest", "--json", *store, "a.txt", "t.csv").records
    assert [each["status"] for each in again[:-1]] == ["unchanged"] * 2


def test_texts_without_vectors_are_encoded(vecdb, store):
    lines = vecdb("--store", "s", "export").out
    assert vecdb("--store", "r", "import", "-", stdin=lines).code == 0
    assert vecdb("--store", "r", "list", "--json").out == vecdb("--store", "s", "list", "--json").out
    assert vecdb("--store", "n", "import", "-", stdin='{"text":"Only a text."}\n').code == 0


def test_the_same_import_again_changes_nothing(vecdb, store):
    lines = vecdb("--store", "s", "export", "--vectors").out
    again = vecdb("--store", "s", "import", "--json", "-", stdin=lines).records
    assert {each["status"] for each in again[:-1]} == {"unchanged"}


@pytest.mark.parametrize("vector, why", [
    ([0.0] * 384, "zero"), ([2.0] + [0.0] * 383, "--normalize"), ("x", "vector"), ([], "0 numbers"),
    ([1.0, None], "vector"), ([[1.0]], "vector")])
def test_a_vector_that_is_none_is_refused_and_named(vecdb, vector, why):
    lines = vector_line() + vector_line(uri="v", vector=vector)
    assert_error(vecdb("import", "--trust-vectors", "-", stdin=lines), 5, "-:2", why)


def test_numbers_past_a_float_and_a_vector_too_short_are_refused(vecdb):
    line = vector_line().replace("[1.0", "[1e39")
    assert_error(vecdb("import", "--trust-vectors", "-", stdin=line), 5, "-:1", "finite")
    assert_error(vecdb("import", "--trust-vectors", "-", stdin=vector_line(vector=[1.0])), 5, "384")


def test_vectors_need_an_owner(vecdb):
    assert_error(vecdb("import", "-", stdin=vector_line()), 2, "--trust-vectors")
    other = {"model": "other", "fingerprint": "0" * 64, "precision": "f32"}
    assert vecdb("--store", "o", "import", "-", stdin=vector_line(encoder=other)).code == 0
    assert vecdb("--store", "m", "ingest", SPEECH).code == 0
    assert_error(vecdb("--store", "m", "import", "-", stdin=vector_line(encoder=other)), 6, "other")


def test_normalize_brings_a_vector_to_length_one(vecdb):
    line = vector_line(vector=[3.0, 4.0] + [0.0] * 382)
    assert vecdb("import", "--trust-vectors", "--normalize", "-", stdin=line).code == 0
    (stored,) = vecdb("export", "--vectors").records
    assert stored["vector"][:2] == [0.6, 0.8]


@pytest.mark.parametrize("content", [b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8'}", b"",
                                     b"IxFI" + b"\xff" * 60, b"IwFl" + b"\0" * 200, b"nothing"])
def test_a_file_that_holds_no_vectors_is_refused(vecdb, content):
    vecdb.write("v", content)
    line = vector_line().replace('"vector"', '"other"')
    assert_error(vecdb("import", "--trust-vectors", "--vectors", "v", "-", stdin=line), 5, "v: ")


def archive_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, kind in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
    return out.getvalue()


@pytest.mark.parametrize("members", [
    [("../evil", tarfile.REGTYPE)], [("/etc/evil", tarfile.REGTYPE)], [("HEAD", tarfile.SYMTYPE)],
    [("segments/../../evil", tarfile.REGTYPE)], [("HEAD", tarfile.REGTYPE)] * 2,
    [("HEAD", tarfile.REGTYPE)], [("x", tarfile.DIRTYPE)]])
def test_a_hostile_archive_leaves_nothing(vecdb, members):
    before = set(vecdb.folder.rglob("*"))
    assert_error(vecdb("--store", "r", "import", "-", stdin=archive_of(*members)), 5)
    assert set(vecdb.folder.rglob("*")) == before


def test_an_archive_that_is_cut_short_or_changed_leaves_nothing(vecdb, store):
    vecdb("--store", "s", "export", "--format", "tar", "--output", "t")
    whole = (vecdb.folder / "t").read_bytes()
    before = set(vecdb.folder.glob("*"))
    for length in (600, len(whole) // 2, len(whole) - 1024):
        assert vecdb("--store", "r", "import", "-", stdin=whole[:length]).code == 5
    changed = bytearray(whole)
    changed[-5000] ^= 1
    assert vecdb("--store", "r", "import", "-", stdin=bytes(changed)).code in (3, 5)
    assert set(vecdb.folder.glob("*")) == before
    assert_error(vecdb("--store", "s", "import", "t"), 5, "already")


@contextlib.contextmanager
def held(folder):
    """With the lock that a living import has."""
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield
    os.close(lock)


def test_what_a_killed_import_left_goes_with_the_next_but_not_what_a_living_one_writes(vecdb, store):
    vecdb("--store", "s", "export", "--format", "tar", "--output", "t")
    for name in ("r.importing-1", "r.importing-2", "r.importing-", "r.importing-1x", "q.importing-1"):
        vecdb.write(f"{name}/segments/file", "left")
    (vecdb.folder / "r.importing-3").symlink_to("r.importing-1x")
    with held(vecdb.folder / "r.importing-2"):
        assert vecdb("--store", "r", "import", "t").code == 0
    left = {path.name for path in vecdb.folder.glob("*.importing-*")}
    assert left == {"r.importing-2", "r.importing-", "r.importing-1x", "q.importing-1", "r.importing-3"}
    assert (vecdb.folder / "r.importing-1x/segments/file").read_text() == "left"


@pytest.mark.parametrize("version", ["0.5.23", "1.5.9"])
def test_a_chroma_collection_becomes_documents(vecdb, version):
    with tarfile.open(DATA / f"chroma_{version}.tar.gz") as archive:
        archive.extractall(vecdb.folder / "db", filter="data")
    database = vecdb.folder / "db" / "chroma.sqlite3"
    before = database.read_bytes()
    named = ("import", "--chroma", "db", "--collection", "langchain")
    assert vecdb(*named).code == 0
    assert vecdb("--store", "v", *named, "--trust-vectors").code == 0
    for store in (".vecdb", "v"):
        lines = vecdb("--store", store, "export").records
        assert [(line["uri"], line["text"]) for line in lines] == [
            ("alone", "No source, changed."), ("bridge.txt", "The bridge opens — at “noon”."),
            ("tea.txt", "Tea is hot."), ("tea.txt", "Coffee is hotter.")]
        assert lines[2]["meta"] == {"ok": True, "page": 1, "score": 0.5}
        assert lines[3]["meta"] == {"big": 9007199254740993, "page": 2}
    assert database.read_bytes() == before and [p.name for p in (vecdb.folder / "db").iterdir()] == [
        "chroma.sqlite3"]
    assert_error(vecdb("import", "--chroma", "db"), 2, "langchain, other")
