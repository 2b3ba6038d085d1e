"""Experiment 1: SIGKILL at a random moment of whatever changes a store."""

import subprocess

import pytest
from oracle import *


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 8, 200)


@pytest.fixture(scope="module")
def encoding_world(tmp_path_factory):
    """Without a pantry: the killed ingest encodes."""
    return World(tmp_path_factory.mktemp("encoding"), 6, 100, pantry=False)


def run_and_kill(world, store, args, moment):
    """What the command reported until it was killed or done."""
    process = world.program.popen("--store", store, *args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        out, _ = process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
    return out.splitlines()


def duration(world, verb, folder):
    args, begin, _, _ = world.command(verb)
    store = shutil.copytree(begin, folder / "timed")
    begun = time.monotonic()
    world.must(*args, store=store)
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def small_world(tmp_path_factory):
    """For what takes long: to train an index."""
    return World(tmp_path_factory.mktemp("small"), 6, 30)


def test_the_oracle_sees_what_is_lost_or_mixed(small_world, tmp_path):
    """An experiment that could not fail would prove nothing."""
    world = small_world
    store = shutil.copytree(world.after, tmp_path / "store")
    judge_state(world, store, world.new, world.new, {uri: world.new[uri][0] for uri in world.uris})
    uri = world.uris[0]
    world.must("delete", uri, store=store)
    with pytest.raises(AssertionError, match="neither state"):
        judge_state(world, store, world.new, world.new, {})
    without = {name: document for name, document in world.new.items() if name != uri}
    with pytest.raises(AssertionError, match="was reported"):
        judge_state(world, store, without, world.new, {uri: world.new[uri][0]})
    next((store / "segments").glob("*.faiss")).write_bytes(b"")
    with pytest.raises(read_store.Damage):
        state_of(store)


@pytest.mark.parametrize("verb", VERBS)
def test_a_killed_command_keeps_what_it_reported(world, small_world, verb, tmp_path):
    world = small_world if "ivf" in verb else world
    args, begin, _, _ = world.command(verb)
    seconds = duration(world, verb, tmp_path)

    def attempt(case, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        lines = run_and_kill(world, store, args, chance.uniform(0, 1.1 * seconds))
        judge_crash(world, store, verb, reported_by(lines), ask=case % 5 == 0)

    run_tries(1, f"SIGKILL during {verb}", per_scale(10, 125), attempt)


def test_a_killed_ingest_that_encodes_keeps_what_it_reported(encoding_world):
    world = encoding_world
    args, begin, _, _ = world.command("ingest")

    def attempt(_, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        lines = run_and_kill(world, store, args, chance.uniform(0, 1.1 * world.seconds))
        judge_crash(world, store, "ingest", reported_by(lines))

    run_tries(1, "SIGKILL during ingest that encodes", per_scale(6, 60), attempt)


def test_a_killed_first_ingest_can_be_done_again(world):
    """The store is made by the killed command itself; many documents of one chunk, so that it is quick."""
    source = world.program.write("few/a.txt", "One text.\n\nAnother text.\n\nA third text.")
    expected = world.program.folder / "first"
    begun = time.monotonic()
    world.must("ingest", *FLAGS, source, store=expected)
    seconds = time.monotonic() - begun
    truth = state_of(expected)

    def attempt(_, chance, folder):
        store = folder / "store"
        args = ("ingest", "--json", *FLAGS, str(source))
        reported = reported_by(run_and_kill(world, store, args, chance.uniform(0, 1.1 * seconds)))
        if reported:
            judge_state(world, store, {}, truth, reported)
        world.must(*args, store=store)
        judge_state(world, store, truth, truth, {})
        assert not rubbish(store)

    run_tries(1, "SIGKILL during the first ingest", per_scale(6, 60), attempt)


def test_a_killed_migration_leaves_the_old_store_or_the_new_one(world, tmp_path):
    expected = extract_old_store(tmp_path / "expected")
    begun = time.monotonic()
    world.must("migrate", store=expected)
    seconds = time.monotonic() - begun
    truth = state_of(expected)

    def attempt(_, chance, folder):
        store = extract_old_store(folder / "store")
        run_and_kill(world, store, ["migrate"], chance.uniform(0, 1.1 * seconds))
        judge_migration(world, store, truth)

    run_tries(1, "SIGKILL during migrate", per_scale(6, 60), attempt)


def judge_migration(world, store, truth):
    verified = world.run(store, "verify")
    if verified.code != 0:
        assert verified.code == 3 and "run `vecdb migrate`" in verified.err, verified
    again = world.must("migrate", store=store)
    assert ("already" in again.err) == (verified.code == 0), again
    judge_state(world, store, truth, truth, {})
    assert not Path(f"{store}.migrating").exists()
