"""Experiment 10: a store that belongs to another user and may not be written to."""

import subprocess

import pytest
from oracle import *

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    needs_root()
    needs("setpriv")
    return World(tmp_path_factory.mktemp("world"), 4, 30)


def as_nobody(world, store, *args, home="/nonexistent"):
    env = world.program.env | {"HOME": home}
    done = subprocess.run([*NOBODY, PROGRAM, "--store", store, *args], cwd="/", env=env, capture_output=True,
                          text=True, timeout=120)
    return Result(done.returncode, done.stdout, done.stderr)


def protect(store):
    for path in [store, *store.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


READ = (["list", "--json"], ["stats", "--json"], ["verify"], ["query", "-k", "40", "--json", QUESTION])


@pytest.mark.parametrize("index", ["flat", "ivf"])
def test_another_user_reads_what_its_owner_reads(world, index):
    def attempt(case, chance, folder):
        store = shutil.copytree(world.after, folder / "store")
        world.must("compact", "--index", index, store=store)
        for name in ("catalog.db-shm", "catalog.db-wal"):
            if case == "no log files":
                (store / name).unlink(missing_ok=True)
        right = [world.must(*args, store=store).out for args in READ]
        if case == "no log files":  # the owner's reading made them
            for name in ("catalog.db-shm", "catalog.db-wal"):
                (store / name).unlink(missing_ok=True)
        protect(store)
        before = files_of(store)
        for args, out in zip(READ, right):
            result = as_nobody(world, store, *args)
            assert (result.code, result.out) == (0, out), result
        assert files_of(store) == before

    run_tries(10, f"another user reads, {index}", ["log files", "no log files"], attempt)


def test_another_user_cannot_write_and_is_told_so(world):
    def attempt(verb, chance, folder):
        args, begin, _, _ = world.command(verb)
        store = shutil.copytree(begin, folder / "store")
        protect(store)
        before = files_of(store)
        result = as_nobody(world, store, *args)
        one_line(result, 5)
        assert files_of(store) == before

    run_tries(10, "another user tries to write", VERBS, attempt)


def test_a_log_that_only_its_owner_may_read_is_no_wrong_answer(world):
    """The last commits are in a log and the reader may not make what SQLite needs to read it."""
    def attempt(case, chance, folder):
        store = shutil.copytree(world.before, folder / "store")
        process = world.program.popen("--store", store, "ingest", "--json", *FLAGS, world.tree, "--name", "o", "-",
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
        process.kill()
        process.communicate()
        assert (store / "catalog.db-wal").stat().st_size > 0
        (store / "catalog.db-shm").unlink()
        protect(store)
        before = files_of(store)
        result = as_nobody(world, store, "list", "--json")
        if result.code == 0:
            right = {record["uri"]: record["sha256"] for record in result.records}
            assert right == {uri: document[0] for uri, document in world.new.items()}
        else:
            one_line(result, 5)
        assert files_of(store) == before

    run_tries(10, "another user and a log", 1, attempt)
