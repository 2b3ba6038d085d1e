"""verify --repair and --sources: what is right is kept, to the bit; what is lost is named; nothing is touched
before all of it is made."""

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import QUESTION, SPEECH, assert_error, many_chunks

DOCUMENTS = 4


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store of several documents in two segments, two of whose chunks do not fit the window."""
    from conftest import Program
    program = Program(tmp_path_factory.mktemp("sound"))
    for number in range(DOCUMENTS):
        (program.folder / f"{number}.txt").write_text(many_chunks(f"text {number}", 20))
    store = program.folder / "store"
    flags = ("--store", store, "--precision", "f32", "ingest", "--meta", "kind=note")
    assert program(*flags, "--chunk-size", "20", *sorted(program.folder.glob("*.txt"))).code == 0
    long_text = program.write("long.txt", "word " * 600)
    assert program(*flags, "--chunk-size", "5000", "--on-overflow", "mean", long_text, SPEECH).code == 0
    return program, store


@pytest.fixture
def store(vecdb, sound):
    return shutil.copytree(sound[1], vecdb.folder / "store")


def snapshot(store):
    """What is the store's; -shm is memory that SQLite's readers share."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(store.rglob("*")) if path.is_file() and not path.name.endswith("-shm")}


def answers(vecdb, store, uris=None):
    """Answers of both documents' sorts, without what chunk ids decide."""
    found = []
    for question in (QUESTION, "text 2 line 7", "word"):
        records = vecdb("--store", store, "query", "-k", "200", "--json", question).records
        found.append([record for record in records if uris is None or record["uri"] in uris])
    for answer in found:
        for record in answer:
            del record["rank"]
    return found


def listed(vecdb, store):
    return vecdb("--store", store, "list").out.splitlines()


def flip(path, offset, bit=0):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    path.write_bytes(content)


def repair(vecdb, store, *flags):
    return vecdb("--store", store, "verify", "--repair", *flags)


def assert_whole(vecdb, sound, store):
    program, original = sound
    verified = vecdb("--store", store, "verify")
    assert verified.code == 0, verified.err
    assert listed(vecdb, store) == listed(program, original)
    assert answers(vecdb, store) == answers(program, original)


def test_a_sound_store_is_left_alone(vecdb, store):
    before = snapshot(store)
    result = repair(vecdb, store)
    assert result.code == 0 and "nothing to repair" in result.err
    assert snapshot(store) == before
    assert os.listdir(store.parent).count("store") == 1 and not list(store.parent.glob("store.*"))


@pytest.mark.parametrize("damage", ["flipped", "gone", "cut", "longer", "zeroed", "swapped"])
def test_lost_vectors_are_made_again_to_the_bit(vecdb, sound, store, damage):
    first, second = sorted((store / "segments").iterdir())
    match damage:
        case "flipped":
            flip(first, 1000)
        case "gone":
            first.unlink()
        case "cut":
            first.write_bytes(first.read_bytes()[:-1])
        case "longer":
            first.write_bytes(first.read_bytes() + b"x")
        case "zeroed":
            first.write_bytes(bytes(first.stat().st_size))
        case "swapped":
            content = first.read_bytes()
            first.write_bytes(second.read_bytes())
            second.write_bytes(content)
    assert vecdb("--store", store, "verify").code == 3
    before = snapshot(store)
    result = repair(vecdb, store)
    assert result.code == 0, result.err
    assert "encoded again" in result.err
    assert_whole(vecdb, sound, store)
    kept = store.parent / "store.damaged-1"
    assert {path.relative_to(kept): each[0] for path, each in snapshot(kept).items() if path.suffix == ".faiss"} == \
        {path.relative_to(store): each[0] for path, each in before.items() if path.suffix == ".faiss"}


@pytest.mark.parametrize("damage", ["gone", "flipped", "empty", "of another store"])
def test_a_damaged_head_is_made_again(vecdb, sound, store, damage):
    head = store / "HEAD"
    match damage:
        case "gone":
            head.unlink()
        case "flipped":
            flip(head, 30)
        case "empty":
            head.write_bytes(b"")
        case _:
            assert vecdb("--store", "other", "ingest", SPEECH).code == 0
            shutil.copy(vecdb.folder / "other" / "HEAD", head)
    assert vecdb("--store", store, "query", QUESTION).code == 3
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)


def change_rows(store, sql):
    connection = sqlite3.connect(store / "catalog.db")
    with connection:
        connection.execute(sql)
    connection.close()


def test_a_document_with_a_damaged_row_is_left_out_and_named(vecdb, sound, store):
    program, original = sound
    change_rows(store, "UPDATE chunks SET text = 'forged' WHERE id = 3")
    result = repair(vecdb, store, "--json")
    assert result.code == 1
    lost, = (record["lost"] for record in result.records if "lost" in record)
    assert lost.endswith("/0.txt")
    assert vecdb("--store", store, "verify").code == 0
    rest = [line.split("\t")[0] for line in listed(program, original) if "/0.txt" not in line]
    assert [line.split("\t")[0] for line in listed(vecdb, store)] == rest
    assert answers(vecdb, store, rest) == answers(program, original, rest)
    # What was lost comes back with the file.
    again = vecdb("--store", store, "ingest", "--chunk-size", "20", "--meta", "kind=note", lost)
    assert again.code == 0
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("sql", [
    "UPDATE state SET generation = generation + 1",
    "DELETE FROM state",
    "DELETE FROM segments",
    "UPDATE segments SET sha256 = 'x'",
    "INSERT INTO tombstones SELECT id, first FROM segments",
])
def test_rows_that_are_no_documents_lose_nothing(vecdb, sound, store, sql):
    change_rows(store, sql)
    assert vecdb("--store", store, "verify").code == 3
    result = repair(vecdb, store)
    assert result.code == 0, result.err
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("seed", range(20))
def test_any_flipped_bit_of_the_catalogue_leaves_a_sound_store_or_says_that_it_cannot(vecdb, sound, store, seed):
    program, original = sound
    catalogue = store / "catalog.db"
    luck = random.Random(seed)
    flip(catalogue, luck.randrange(4096, catalogue.stat().st_size), luck.randrange(8))
    before = snapshot(store)
    if vecdb("--store", store, "verify").code == 0:
        return  # where no row is
    result = repair(vecdb, store, "--json")
    if result.code == 3:
        assert {p: c for p, (c, _) in snapshot(store).items()} == {p: c for p, (c, _) in before.items()}
        return
    assert result.code in (0, 1), result.err
    assert vecdb("--store", store, "verify").code == 0
    names = {line.split("\t")[0] for line in listed(vecdb, store)}
    all_names = {line.split("\t")[0] for line in listed(program, original)}
    assert names <= all_names
    lost = [record for record in result.records if "lost" in record]
    assert len(names) + len(lost) >= len(all_names) or any("documents" in r["lost"] for r in lost)
    assert answers(vecdb, store, names) == answers(program, original, names)


def test_without_tables_and_settings_nothing_is_touched(vecdb, store):
    (store / "catalog.db").write_bytes(b"no database")
    before = snapshot(store)
    assert repair(vecdb, store).code == 3
    assert snapshot(store) == before


def test_a_store_of_a_newer_version_is_not_repaired(vecdb, store):
    head = (store / "HEAD").read_bytes().replace(b"format 3", b"format 99")
    body = head[:head.index(b"sha256 ")]
    (store / "HEAD").write_bytes(body + b"sha256 " + hashlib.sha256(body).hexdigest().encode() + b"\n")
    before = snapshot(store)
    result = repair(vecdb, store)
    assert result.code == 3 and "newer vecdb" in result.err
    assert snapshot(store) == before


def test_a_catalogue_of_a_newer_version_is_not_repaired_either(vecdb, store):
    change_rows(store, "PRAGMA user_version = 99")
    content = (store / "catalog.db").read_bytes()
    result = repair(vecdb, store)
    assert result.code == 3 and "newer vecdb" in result.err
    assert (store / "catalog.db").read_bytes() == content


def test_the_model_is_asked_for_only_when_vectors_are_lost(vecdb, sound, store):
    nowhere = {"VECDB_HOME": str(vecdb.folder / "nowhere")}
    first, _ = sorted((store / "segments").iterdir())
    (store / "HEAD").unlink()
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)
    flip(sorted((store / "segments").iterdir())[0], 1000)
    before = snapshot(store)
    result = vecdb("--store", store, "--model", "another", "verify", "--repair", **nowhere)
    assert result.code == 6
    assert {path: each[0] for path, each in snapshot(store).items() if path.name != "LOCK"} == \
        {path: each[0] for path, each in before.items() if path.name != "LOCK"}
    assert not (store.parent / "store.repairing").exists()


def test_an_older_copy_is_never_overwritten(vecdb, sound, store):
    for number in (1, 2):
        flip(sorted((store / "segments").iterdir())[0], 500)
        assert repair(vecdb, store).code == 0
        assert (store.parent / f"store.damaged-{number}").is_dir()
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_repair_leaves_the_damaged_store_or_the_repaired_one(vecdb, sound, store, seed):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    process = vecdb.popen("--store", store, "verify", "--repair", stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    time.sleep(random.Random(seed).uniform(0, 0.6))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert vecdb("--store", store, "verify").code in (0, 3)
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)
    assert not (store.parent / "store.repairing").exists()


def test_a_repair_waits_for_a_writer_and_says_who_it_is(vecdb, store):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    with open(store / "LOCK", "r+") as lock:
        import fcntl
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert repair(vecdb, store, "--wait", "0").code == 4


# --sources

@pytest.fixture
def files(vecdb):
    for name in ("a", "b", "c", "d"):
        vecdb.write(f"{name}.txt", f"the text of {name}")
    assert vecdb("--precision", "f32", "ingest", *(f"{name}.txt" for name in "abcd")).code == 0
    assert vecdb("ingest", "-", stdin="from nowhere").code == 0
    return vecdb.folder


def test_files_that_are_as_they_were_are_counted(vecdb, files):
    result = vecdb("verify", "--sources", "--json")
    assert result.code == 0
    assert result.records[-1]["summary"]["sources"] == {"compared": 4, "differing": 0, "no_files": 1}


def test_files_that_differ_are_named(vecdb, files):
    stamp = (files / "a.txt").stat()
    vecdb.write("a.txt", "the text of A")  # as long, and as old
    os.utime(files / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (files / "b.txt").unlink()
    (files / "c.txt").unlink()
    os.mkfifo(files / "c.txt")
    result = vecdb("verify", "--sources", "--json")
    assert result.code == 1
    assert {r["source"][-5:]: r["status"] for r in result.records if "source" in r} == {
        "a.txt": "changed", "b.txt": "gone", "c.txt": "unreadable"}
    told = vecdb("verify", "--sources")
    assert told.code == 1 and told.out == "" and "a.txt: has changed" in told.err and "b.txt: is gone" in told.err


def test_a_damaged_store_is_told_before_its_sources(vecdb, files):
    (files / ".vecdb" / "HEAD").unlink()
    assert vecdb("verify", "--sources").code == 3
