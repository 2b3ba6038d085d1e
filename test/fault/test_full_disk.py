"""Experiment 5: the disk is too small, or a file may not grow as far as it would."""

import contextlib
import resource
import subprocess

import pytest
from oracle import *


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    needs_root()
    return World(tmp_path_factory.mktemp("world"), 8, 200)


@contextlib.contextmanager
def disk_of(kib, place):
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", place], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"tmpfs cannot be mounted: {done.stderr.decode().strip()}")
    try:
        yield place
    finally:
        unmount(place)


def resize(place, kib):
    subprocess.run(["mount", "-o", f"remount,size={kib}k", place], check=True)


def kib_of(folder):
    return sum(-(-path.stat().st_size // 4096) * 4 for path in folder.rglob("*") if path.is_file()) + 32


@pytest.mark.parametrize("verb", ["ingest", "delete", "compact"])
def test_a_full_disk_is_told_and_nothing_is_lost(world, verb):
    args, begin, old, new = world.command(verb)
    least, most = kib_of(begin), 64 << 10

    def attempt(case, chance, folder):
        with disk_of(most, folder / "disk") as disk:
            store = shutil.copytree(begin, disk / "store")
            resize(disk, least + case)
            result = world.run(store, *args)
            reported = reported_by(result.out.encode().splitlines())
            if result.code != 0:
                one_line(result, 5)
                assert re.search("space|full", result.err), result.err
            assert world.must("list", store=store).out  # a reader needs no room
            resize(disk, most)  # space is freed
            found = judge_state(world, store, old, new, reported)
            assert result.code != 0 or found == new
            judge_crash(world, store, verb, {}, ask=case == 0)

    # kibibytes beyond what the store takes already
    room = [0, 4, 8, 16, 36, 64, 100, 200, 400, 800, 1200, 1600, 2400, 3200, 4800, 8000, 16000, 60000]
    cases = sorted(set(room) | set(range(0, 4000, 40))) if LARGE else room[:: 1 if verb == "ingest" else 2]
    run_tries(5, f"a full disk during {verb}", cases, attempt)


def test_a_store_on_a_disk_that_is_too_small_for_it_is_made_later(world):
    source = world.program.write("few/a.txt", "One text.\n\nAnother text.")
    args = ("ingest", "--json", *FLAGS, str(source))
    world.must(*args, store=world.program.folder / "first")
    truth = state_of(world.program.folder / "first")

    def attempt(case, chance, folder):
        with disk_of(case, folder / "disk") as disk:
            result = world.run(disk / "store", *args)
            if result.code != 0:
                one_line(result, 5)
                assert re.search("space|full", result.err), result.err
            resize(disk, 16 << 10)
            world.must(*args, store=disk / "store")
            judge_state(world, disk / "store", truth, truth, {})

    run_tries(5, "the first ingest on a small disk", sample(range(4, 400, 8), 8), attempt)


@pytest.mark.parametrize("verb", ["ingest", "delete", "compact"])
def test_a_limit_of_file_sizes_is_a_full_disk_and_no_death(world, verb):
    """`ulimit -f` cuts a write short, and sends SIGXFSZ with the next one."""
    args, begin, old, new = world.command(verb)
    largest = max(path.stat().st_size for path in world.after.rglob("*"))

    def attempt(case, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (case, case))  # noqa: E731
        process = world.program.popen("--store", store, *args, preexec_fn=limit, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate()
        if process.returncode != 0:
            one_line(Result(process.returncode, out, err), 5)
        found = judge_state(world, store, old, new, reported_by(out.encode().splitlines()))
        assert process.returncode != 0 or found == new
        judge_crash(world, store, verb, {}, ask=False)

    limits = [0, 1, 100, 4096, 5000, 33000, 100_000] + [largest * n // 10 for n in range(1, 15)]
    run_tries(5, f"a limit of file sizes during {verb}", sample(limits, 8), attempt)
