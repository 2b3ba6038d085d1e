"""Experiment 3: the power goes while a store is written. The store lies on an ext4 of its own in a file; at a
random moment the writer is stopped, the file is copied, and the copy is mounted: it holds what the
file system had handed to its disk by then, and nothing else. What a disk keeps in its own cache is not
modelled; a process that asked for fsync is taken to have got it."""

import contextlib
import subprocess

import pytest
from oracle import *

OPTIONS = ("data=ordered,commit=300", "data=writeback,commit=300", "data=ordered,noauto_da_alloc,commit=300")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    needs_root()
    needs("mkfs.ext4")
    folder = tmp_path_factory.mktemp("world")
    try:
        with mounted(make_image(folder / "probe"), folder / "probed", OPTIONS[0]):
            pass
    except subprocess.CalledProcessError as failure:
        pytest.skip(f"loop mounts are impossible here: {failure.stderr.decode().strip()}")
    return World(folder, 8, 200)


def make_image(file):
    with open(file, "wb") as image:
        image.truncate(48 << 20)
    subprocess.run(["mkfs.ext4", "-q", file], check=True, capture_output=True)
    return file


@contextlib.contextmanager
def mounted(image, place, options):
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", f"loop,{options}", image, place], check=True, capture_output=True)
    try:
        yield place
    finally:
        unmount(place)


def copy_of_image(image, copy):
    """The image at one moment: the copy counts only if nothing was written meanwhile."""
    for _ in range(50):
        before = image.stat().st_mtime_ns
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        if image.stat().st_mtime_ns == before:
            return copy
    raise AssertionError("the file system is never at rest")


def cut_power(world, args, disk, image, copy, moment):
    """Copies the disk while the command runs, and returns what was reported by then."""
    said = copy.with_suffix(".out")
    with open(said, "wb") as out:
        process = world.program.popen("--store", disk / "store", *args, stdout=out, stderr=subprocess.DEVNULL)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGSTOP)
    reported = reported_by(said.read_bytes().splitlines())  # whatever comes later need not be on disk
    copy_of_image(image, copy)
    process.kill()
    process.wait()
    return reported


@pytest.mark.parametrize("verb", ["ingest", "delete", "compact"])
def test_what_was_reported_outlives_a_power_cut(world, verb):
    args, begin, _, _ = world.command(verb)

    def attempt(case, chance, folder):
        image, options = make_image(folder / "image"), OPTIONS[case % len(OPTIONS)]
        with mounted(image, folder / "disk", options) as disk:
            shutil.copytree(begin, disk / "store")
            os.sync()
            longest = {"ingest": world.seconds, "delete": 0.15, "compact": 0.3}[verb]
            moment = chance.uniform(0, 1.2 * longest)
            reported = cut_power(world, args, disk, image, folder / "copy", moment)
        with mounted(folder / "copy", folder / "restarted", options) as disk:
            judge_crash(world, disk / "store", verb, reported, ask=case % 5 == 0)

    run_tries(3, f"power cut during {verb}", per_scale(4, 70), attempt)


def test_a_store_that_a_power_cut_kept_from_being_made_is_made_again(world):
    source = world.program.write("few/a.txt", "One text.\n\nAnother text.")
    args = ("ingest", "--json", *FLAGS, str(source))
    begun = time.monotonic()
    world.must(*args, store=world.program.folder / "first")
    seconds = time.monotonic() - begun
    truth = state_of(world.program.folder / "first")

    def attempt(case, chance, folder):
        image, options = make_image(folder / "image"), OPTIONS[case % len(OPTIONS)]
        with mounted(image, folder / "disk", options) as disk:
            reported = cut_power(world, args, disk, image, folder / "copy", chance.uniform(0, 1.1 * seconds))
        with mounted(folder / "copy", folder / "restarted", options) as disk:
            if reported:
                judge_state(world, disk / "store", truth, truth, reported)
            world.must(*args, store=disk / "store")
            judge_state(world, disk / "store", truth, truth, {})

    run_tries(3, "power cut during the first ingest", per_scale(4, 40), attempt)
