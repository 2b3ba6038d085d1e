"""Experiment 8: two writers at once, and several that make the same store."""

import subprocess

import pytest
from oracle import *


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 8, 100)


def start(world, store, *args):
    return world.program.popen("--store", store, *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               stdin=subprocess.PIPE)


def end(process):
    out, err = process.communicate(timeout=120)
    return Result(process.returncode, out, err)


def halves(world):
    return world.uris[:5], world.uris[3:]  # two documents are in both


def judge_both(world, store):
    for half in halves(world):
        world.must("ingest", *FLAGS, *half, store=store)
    assert judge_state(world, store, world.new, world.new, {}) == world.new
    assert not rubbish(store)


def test_of_two_writers_one_waits_or_names_the_other(world):
    def attempt(case, chance, folder):
        store = shutil.copytree(world.before, folder / "store")
        wait = "60" if case % 2 else "0"
        writers = []
        for half in halves(world):
            writers.append(start(world, store, "ingest", "--json", "--wait", wait, *FLAGS, *half))
            time.sleep(chance.choice([0, 0, 0.01, 0.05]))
        results = [end(writer) for writer in writers]
        pids = [str(writer.pid) for writer in writers]
        for result, other in zip(results, reversed(pids)):
            if result.code == 0:
                continue
            assert wait == "0", result
            one_line(result, 4)
            assert f"process {other} (" in result.err and "vecdb" in result.err, result
        assert 0 in (results[0].code, results[1].code)
        reported = {}
        for result in results:
            reported |= reported_by(result.out.encode().splitlines())
        judge_state(world, store, world.old, world.new, reported)
        judge_both(world, store)

    run_tries(8, "two writers", per_scale(20, 200), attempt)


@pytest.mark.parametrize("verb", VERBS)
def test_a_writer_that_may_not_wait_names_the_one_that_is_there(world, verb, tmp_path):
    args, begin, _, _ = world.command(verb)
    store = shutil.copytree(begin, tmp_path / "store")
    first = start(world, store, "ingest", *FLAGS, "--name", "slow", "-")
    name = f"process {first.pid} ({PROGRAM}"
    while str(first.pid) not in (store / "LOCK").read_text():
        assert first.poll() is None
    for wait in ("0", "0.3"):
        result = world.run(store, *args, "--wait", wait)
        one_line(result, 4)
        assert name in result.err and " ingest " in result.err and result.out == "", result
    waiting = start(world, store, *args, "--wait", "60")
    first.stdin.write("text 1 line 1")
    assert end(first).code == 0
    assert end(waiting).code == 0
    assert world.run(store, "verify").code == 0


def test_a_store_that_several_make_at_once_is_made_once(world):
    source = world.program.write("few/a.txt", "One text.\n\nAnother text.")
    args = ("ingest", "--json", "--wait", "60", *FLAGS)
    world.must(*args, source, store=world.program.folder / "alone")
    truth = state_of(world.program.folder / "alone")

    def attempt(case, chance, folder):
        store = folder / "parents" / "store"
        makers = [start(world, store, *args, source) for _ in range(4)]
        results = [end(maker) for maker in makers]
        assert [result.code for result in results] == [0] * 4, results
        added = [json.loads(result.out.splitlines()[0])["status"] for result in results]
        assert sorted(added) == ["added", "unchanged", "unchanged", "unchanged"], added
        assert judge_state(world, store, truth, truth, {}) == truth
        assert not rubbish(store)

    run_tries(8, "four make a store", per_scale(5, 50), attempt)


def test_a_writer_that_was_killed_leaves_no_lock(world, tmp_path):
    store = shutil.copytree(world.before, tmp_path / "store")
    first = start(world, store, "ingest", *FLAGS, "--name", "slow", "-")
    while str(first.pid) not in (store / "LOCK").read_text():
        assert first.poll() is None
    first.kill()
    end(first)
    world.must("ingest", *FLAGS, "--wait", "0", world.tree, store=store)
    assert judge_state(world, store, world.new, world.new, {}) == world.new
