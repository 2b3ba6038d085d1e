"""A store of format 2, made by the program of that time, brought to the present format."""

import json
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from conftest import DATA, PROJECT, assert_error

EXPECTED = json.loads((DATA / "store_format2.json").read_text())


@pytest.fixture
def store(tmp_path) -> Path:
    folder = tmp_path / "old"
    with tarfile.open(DATA / "store_format2.tar.gz") as archive:
        archive.extractall(folder)
    return folder


def content_of(folder: Path) -> dict[str, bytes]:
    """All files but those that SQLite keeps for readers, and the name in LOCK."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.endswith(("-shm", "-wal")) and path.name != "LOCK"}


def rounded(record: dict) -> dict:
    return record | {key: pytest.approx(record[key], abs=2e-6) for key in ("score", "distance")}


def assert_is_as_before(vecdb, store: Path) -> None:
    assert vecdb("--store", store, "verify").code == 0
    listed = vecdb("--store", store, "list", "--json").records
    keys = {each["uri"]: each.pop("chunk_keys") for each in listed}  # not known to format 2
    assert listed == EXPECTED["list"]
    assert keys == {"coffee": [], "drinks.csv": ["drink", "row"], "mate": [], "tea": []}
    answer = vecdb("--store", store, "query", EXPECTED["question"], "-k", "9", "--json")
    # The stored vectors are those of the old store; the question's own has other last digits on another processor.
    assert answer.records == [rounded(each) for each in EXPECTED["answer"]]
    assert vecdb("--store", store, "stats", "--json").records[0]["dead_rows"] == 0
    subprocess.run([sys.executable, PROJECT / "test" / "python" / "read_store.py", store], check=True)


def test_every_command_names_the_way_out(vecdb, store):
    before = content_of(store)
    for command in (["list"], ["stats"], ["verify"], ["verify", "--repair"], ["query", "tea"], ["delete", "tea"], ["compact"], ["ingest", DATA]):
        assert_error(vecdb("--store", store, *command), 3,
                     "older vecdb (format 2, this one reads 3); run `vecdb migrate`")
    assert content_of(store) == before


def test_all_but_the_format_stays(vecdb, store):
    done = vecdb("--store", store, "migrate", "--json")
    assert done.code == 0, done.err
    assert done.records == [{"summary": {"migrated": True, "documents": 4}}]
    assert_is_as_before(vecdb, store)
    assert not store.with_name("old.migrating").exists()
    again = vecdb("--store", store, "migrate")
    assert again.code == 0
    assert "has the present format already" in again.err


def test_by_a_link_and_beside_what_an_earlier_attempt_left(vecdb, store):
    left = store.with_name("old.migrating")
    shutil.copytree(store, left)
    link = store.with_name("link")
    link.symlink_to(store)
    assert vecdb("--store", link, "migrate").code == 0
    assert link.is_symlink()
    assert not left.exists()
    assert_is_as_before(vecdb, store)


def test_somebody_elses_folder_is_left_alone(vecdb, store):
    other = store.with_name("old.migrating")
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    assert_error(vecdb("--store", store, "migrate"), 5, "old.migrating")
    assert (other / "notes.txt").read_text() == "mine"


def test_a_damaged_store_is_not_migrated(vecdb, store):
    files = [path for path in sorted(store.rglob("*")) if path.name == "HEAD" or path.suffix == ".faiss"]
    assert len(files) == 4
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[:60] + bytes([whole[60] ^ 8]) + whole[61:])
        before = content_of(store)
        result = vecdb("--store", store, "migrate")
        assert_error(result, 3, path.name)
        assert path.name == "HEAD" or "restore the store from a backup" in result.err
        if path.name == "HEAD":
            result = vecdb("--store", store, "verify", "--repair")
            assert result.code == 3 and "restore the store from a backup" in result.err
        assert content_of(store) == before
        assert [each.name for each in store.parent.iterdir() if each.name.startswith("old")] == ["old"]
        path.write_bytes(whole)
    catalogue = store / "catalog.db"
    whole = catalogue.read_bytes()
    place = whole.index("Südamerika".encode())
    catalogue.write_bytes(whole[:place] + b"s" + whole[place + 1:])
    assert_error(vecdb("--store", store, "migrate"), 3, "document mate")


def test_what_nobody_else_may_read_stays_so(vecdb, store):
    for path in [store, *store.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert vecdb("--store", store, "migrate").code == 0
    for path in [store, *store.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert_is_as_before(vecdb, store)


def test_a_killed_migration_leaves_the_old_store_or_the_new(vecdb, store, tmp_path):
    """It takes some tens of milliseconds, so that delays up to that are tried."""
    kills = 0
    for attempt in range(20):
        copy = tmp_path / str(attempt) / "store"
        shutil.copytree(store, copy)
        process = vecdb.popen("--store", copy, "migrate", stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        time.sleep(attempt * 0.004)
        process.kill()
        kills += process.wait() != 0
        done = vecdb("--store", copy, "migrate")
        assert done.code == 0, done.err
        assert_is_as_before(vecdb, copy)
        assert [path.name for path in copy.parent.iterdir()] == ["store"]
    assert kills > 0
