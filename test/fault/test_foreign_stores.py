"""Experiment 11: stores of a newer version, of another model or of another dimension are refused and left as
they are, to the byte and the time of modification."""

import hashlib
import sqlite3
import subprocess

import pytest
from oracle import *

COMMANDS = (["query", QUESTION], ["list"], ["stats"], ["show", "x"], ["verify"], ["compact"], ["migrate"],
            ["delete", "pantry"], ["ingest", *FLAGS, str(DATA / "state_of_the_union.txt")])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 4, 12)


@pytest.fixture(scope="module")
def other_model(world):
    """A home in which a model of other weights and another dimension is installed, as `small`."""
    home = world.program.folder / "models"
    checkout = world.program.folder / "small"
    subprocess.run([sys.executable, PROJECT / "test/python/make_checkpoint.py", "bert", checkout], check=True,
                   capture_output=True)
    added = world.program("model", "add", "--name", "small", checkout, VECDB_HOME=str(home))
    assert added.code == 0, added.err
    return home


def newer_head(store):
    path = store / "HEAD"
    body = path.read_bytes()[:-72].replace(b"format 3", b"format 4")
    path.write_bytes(body + b"sha256 %s\n" % hashlib.sha256(body).hexdigest().encode())


def newer_catalogue(store):
    catalogue = sqlite3.connect(store / "catalog.db")
    catalogue.execute("PRAGMA user_version = 4")
    catalogue.close()


def settled(store):
    """Without what SQLite keeps for readers; LOCK names whoever asked last."""
    return {name: what for name, what in files_of(store).items()
            if name != "LOCK" and not name.endswith(("-shm", "-wal"))}


@pytest.mark.parametrize("newer", [newer_head, newer_catalogue, lambda store: (newer_head(store), newer_catalogue(store))])
def test_a_store_of_a_newer_version_is_refused_and_untouched(world, newer):
    def attempt(args, chance, folder):
        store = shutil.copytree(world.after, folder / "store")
        newer(store)
        before = settled(store)
        result = world.run(store, *args)
        assert result.code == 3 and "newer vecdb (format 4" in result.err and result.out == "", result
        assert settled(store) == before

    run_tries(11, "a store of a newer version", COMMANDS, attempt)


def test_another_model_is_refused_and_the_store_is_untouched(world, other_model):
    text = world.program.write("new.txt", "a text that is not stored")

    def attempt(args, chance, folder):
        store = shutil.copytree(world.after, folder / "store")
        before = settled(store)
        result = world.run(store, "--model", "small", *args, VECDB_HOME=str(other_model))
        one_line(result, 6)
        assert "small" in result.err and settled(store) == before, result

    run_tries(11, "another model", [["query", QUESTION], ["ingest", "--chunk-size", "20", str(text)]], attempt)


def test_a_store_of_a_model_that_is_not_here_is_refused_and_untouched(world, other_model):
    text = world.program.write("new.txt", "a text that is not stored")
    made = world.program.folder / "of-another-model"
    done = world.run(made, "--model", "small", "ingest", text, VECDB_HOME=str(other_model))
    assert done.code == 0, done.err

    def attempt(args, chance, folder):
        store = shutil.copytree(made, folder / "store")
        before = settled(store)
        one_line(world.run(store, *args), 6)
        for more in (["--model", "all-MiniLM-L6-v2"],):
            one_line(world.run(store, *more, *args), 6)
        assert settled(store) == before
        assert world.run(store, "list").code == world.run(store, "verify").code == 0  # no model is needed

    run_tries(11, "a store of another model", [["query", QUESTION], ["ingest", str(text)]], attempt)


def test_another_dimension_is_refused_and_the_store_is_untouched(world):
    text = world.program.write("new.txt", "a text that is not stored")

    def attempt(dimension, chance, folder):
        store = shutil.copytree(world.after, folder / "store")
        before = settled(store)
        result = world.run(store, "ingest", "--dimensions", dimension, *FLAGS, text)
        assert result.code in (2, 6), result
        one_line(result, result.code)
        assert settled(store) == before

    run_tries(11, "another dimension", ["1", "32", "383", "385"], attempt)
