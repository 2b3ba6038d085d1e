"""The store's files, seen from outside: by FAISS itself, and damaged."""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT, QUESTION, SPEECH, assert_error, many_chunks

READER = PROJECT / "test" / "python" / "read_store.py"


def test_faiss_reads_a_segment_and_finds_the_same_neighbours(vecdb, speech_store):
    faiss = pytest.importorskip("faiss")
    numpy = pytest.importorskip("numpy")
    (segment,) = (speech_store / "segments").glob("*.faiss")
    index = faiss.read_index(str(segment))
    assert (index.ntotal, index.d, index.metric_type) == (42, 384, faiss.METRIC_INNER_PRODUCT)
    vector = vecdb("--precision", "f32", "encode", "--query", stdin=QUESTION).records[0]["vector"]
    scores, ids = index.search(numpy.array([vector], dtype="float32"), 10)
    hits = vecdb("query", "--store", speech_store, "-k", "10", "--json", QUESTION).records
    assert ids[0].tolist() == [1 + hit["chunk"] for hit in hits]  # one document, the store's first
    assert max(abs(a - h["score"]) for a, h in zip(scores[0].tolist(), hits)) < 1e-6


def copy_of(store: Path, vecdb) -> Path:
    return Path(shutil.copytree(store, vecdb.folder / "store"))


def test_a_damaged_segment_is_never_searched(vecdb, speech_store):
    store = copy_of(speech_store, vecdb)
    (segment,) = (store / "segments").glob("*.faiss")
    whole = segment.read_bytes()
    chance = random.Random(1)
    for _ in range(12):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        segment.write_bytes(damaged)
        assert_error(vecdb("--store", store, "query", QUESTION), 3, segment.name)
        assert vecdb("--store", store, "verify").code == 3
    for content in (whole[:-1], whole + b"\0", whole[:20], b""):
        segment.write_bytes(content)
        assert_error(vecdb("--store", store, "query", QUESTION), 3, segment.name)
    segment.unlink()
    assert_error(vecdb("--store", store, "query", QUESTION), 3, segment.name)
    segment.write_bytes(whole)
    assert vecdb("--store", store, "query", QUESTION).code == 0


def test_a_damaged_catalogue_never_changes_an_answer(vecdb, speech_store):
    store = copy_of(speech_store, vecdb)
    catalogue = store / "catalog.db"
    whole = catalogue.read_bytes()
    truth = vecdb("--store", store, "query", "--json", "-k", "42", QUESTION).out
    chance = random.Random(2)
    for _ in range(30):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        catalogue.write_bytes(damaged)
        result = vecdb("--store", store, "query", "--json", "-k", "42", QUESTION)
        assert result.code in (0, 3, 5), result.err
        if result.code == 0:
            assert result.out == truth


def test_a_store_of_a_newer_format_is_refused_and_left_alone(vecdb, speech_store):
    import sqlite3
    store = copy_of(speech_store, vecdb)
    with sqlite3.connect(store / "catalog.db") as catalogue:
        version = catalogue.execute("PRAGMA user_version").fetchone()[0]
        catalogue.execute(f"PRAGMA user_version = {version + 1}")
    catalogue.close()
    before = (store / "catalog.db").read_bytes()
    for command in (("query", QUESTION), ("ingest", SPEECH), ("verify",)):
        result = vecdb("--store", store, *command)
        assert result.code == 3 and "newer" in result.err, result
    assert (store / "catalog.db").read_bytes() == before


def test_a_path_that_is_no_store_is_refused(vecdb):
    vecdb.write("folder/file", "x")
    vecdb.write("fake/catalog.db", "this is no database")
    assert_error(vecdb("--store", "folder", "query", "x"), 5, "folder")
    assert vecdb("--store", "fake", "query", "x").code in (3, 5)


def test_two_writers_wait_or_say_who_is_there(vecdb):
    for i in range(60):
        vecdb.write(f"d/{i}", many_chunks(str(i)))
    first = vecdb.popen("ingest", "--chunk-size", "20", "d", stdout=-1, stderr=-1)
    while not (vecdb.folder / ".vecdb" / "HEAD").exists():
        assert first.poll() is None
    vecdb.write("other", "Some other text.")
    result = vecdb("ingest", "--wait", "0", "other")
    first.kill()
    first.wait()
    if result.code != 0:  # the first may not have taken the lock yet
        assert_error(result, 4, str(first.pid))
    assert vecdb("ingest", "other").code == 0
    assert vecdb("verify").code == 0


def test_a_store_whose_creation_was_cut_short_is_finished_by_the_next_ingest(vecdb):
    vecdb.write("a", "Some text.")
    vecdb("ingest", "--name", "other", "-", stdin="x")
    store = vecdb.folder / ".vecdb"
    for name in ("catalog.db", "catalog.db-wal", "catalog.db-shm"):
        (store / name).unlink(missing_ok=True)
    assert vecdb("ingest", "a").code == 3  # its HEAD tells of a commit: that is damage
    shutil.rmtree(store)
    vecdb.write("empty", "")
    vecdb("ingest", "empty")  # makes a store without a commit
    for name in ("catalog.db", "catalog.db-wal", "catalog.db-shm"):
        (store / name).unlink(missing_ok=True)
    assert vecdb("ingest", "--dry-run", "a").code == 0
    assert vecdb("ingest", "a").code == 0
    assert vecdb("verify").code == 0 and len(vecdb("list").out.splitlines()) == 1


def test_a_killed_ingest_loses_nothing_that_was_reported(vecdb):
    for i in range(12):
        vecdb.write(f"d/{i:02}", many_chunks(str(i)))
    process = vecdb.popen("ingest", "--chunk-size", "20", "--json", "d", stdout=-1, stderr=-1, bufsize=0)
    reported = json.loads(process.stdout.readline())
    process.kill()
    rest, _ = process.communicate()
    added = [reported] + [json.loads(line) for line in rest.splitlines()]
    stored = {r["uri"]: r["sha256"] for r in vecdb("list", "--json").records}
    assert {r["uri"]: r["sha256"] for r in added}.items() <= stored.items()
    assert vecdb("verify").code == 0
    assert vecdb("ingest", "--chunk-size", "20", "d").code == 0
    assert len(vecdb("list").out.splitlines()) == 12


def test_the_independent_reader_of_the_format_agrees(vecdb, speech_store):
    pytest.importorskip("faiss")
    done = subprocess.run([sys.executable, READER, speech_store], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(SPEECH) in done.stdout


@pytest.fixture
def indexed(vecdb, speech_store):
    store = copy_of(speech_store, vecdb)
    assert vecdb("--store", store, "compact", "--index", "ivf").code == 0
    (index,) = (store / "segments").glob("*.ivf")
    return store, index


@pytest.mark.parametrize("codes", ["f32", "f16", "sq8"])
def test_faiss_reads_an_index_and_all_its_lists_find_what_a_scan_finds(vecdb, speech_store, codes):
    store = copy_of(speech_store, vecdb)
    flat = vecdb("--store", store, "query", "--json", "-k", "10", QUESTION).out
    assert vecdb("--store", store, "compact", "--index", "ivf", "--codes", codes).code == 0
    (figures,) = vecdb("--store", store, "stats", "--json", "--recall").records
    assert (figures["indexed"], figures["recall"][-1]["recall"]) == (42, 1)
    for effort in (("--recall", "1"), ("--nprobe", "13")):
        assert vecdb("--store", store, "query", "--json", "-k", "10", *effort, QUESTION).out == flat
    assert vecdb("--store", store, "query", "-k", "1", QUESTION).code == 0
    assert vecdb("--store", store, "verify").code == 0
    subprocess.run([sys.executable, READER, store], check=True, stdout=subprocess.DEVNULL)
    assert vecdb("--store", store, "compact", "--index", "flat").code == 0
    assert not list((store / "segments").glob("*.ivf"))
    assert vecdb("--store", store, "query", "--json", "-k", "10", QUESTION).out == flat


def test_a_damaged_index_is_told_and_can_be_done_without(vecdb, indexed):
    store, index = indexed
    whole = index.read_bytes()
    for content in (whole[:100] + bytes([whole[100] ^ 1]) + whole[101:], whole[:-1], b"", None):
        index.write_bytes(content) if content is not None else index.unlink()
        assert_error(vecdb("--store", store, "query", QUESTION), 3, index.name)
        assert vecdb("--store", store, "query", "--recall", "1", QUESTION).code == 0
    assert vecdb("--store", store, "verify").code == 3
    assert vecdb("--store", store, "compact", "--index", "ivf").code == 0
    assert vecdb("--store", store, "query", QUESTION).code == vecdb("--store", store, "verify").code == 0


def test_flags_of_the_index_speak_plainly(vecdb, indexed):
    store, _ = indexed
    assert_error(vecdb("--store", store, "query", "--nprobe", "0", QUESTION), 2, "--nprobe")
    assert_error(vecdb("--store", store, "query", "--recall", "1.5", QUESTION), 2, "--recall")
    assert vecdb("--store", store, "query", "--recall", "0.9", "--nprobe", "3", QUESTION).code == 2
    assert_error(vecdb("--store", store, "compact", "--codes", "sq4"), 2, "--codes")
