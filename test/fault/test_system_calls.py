"""Experiments 2 and 4: at every system call by which a store is changed, one after the other, the process is
killed, or the call fails. The calls are counted in an undisturbed run first; only those on files of the
store are chosen. A thread counts its own calls, so that "the n-th" is the n-th of any thread."""

import collections
import subprocess

import pytest
from oracle import *
from test_kill import judge_migration

KILLED = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "unlink", "unlinkat", "ftruncate", "mkdir")
FAILED = {
    "openat": ("EIO", "ENOSPC", "EMFILE"), "mmap": ("EIO", "ENOMEM"), "ftruncate": ("EIO", "ENOSPC"),
    "write": ("EIO", "ENOSPC", "EINTR", "0"), "pwrite64": ("EIO", "ENOSPC", "EINTR", "0"),
    "fsync": ("EIO", "ENOSPC", "EINTR"), "fdatasync": ("EIO", "ENOSPC"), "rename": ("EIO", "ENOSPC"),
    "pread64": ("EIO", "0"), "read": ("EIO",), "unlink": ("EIO",),
}  # "0" is a call that does nothing and says so: the shortest of short writes and reads


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    needs("strace")
    return World(tmp_path_factory.mktemp("world"), 4, 24)


def trace(world, store, args, *options):
    """The command under strace; what it reported, its code and its errors."""
    names = [str(each) for each in args]
    done = subprocess.run(["strace", "-f", "-qq", *options, PROGRAM, "--store", store, *names], timeout=120,
                          cwd=world.program.folder, env=world.program.env, capture_output=True)
    return Result(done.returncode, done.stdout, done.stderr.decode())


def calls_on(world, store, args, names):
    """(name, n) for every call of these names that a run makes on the store's files; not one that another
    thread makes on a library, for then it is the dynamic loader that fails, before there is a program."""
    log = world.program.folder / "calls"
    result = trace(world, store, args, "-y", "-o", log, "-e", "trace=" + ",".join(names))
    assert result.code == 0, result
    counts, found, loading = collections.Counter(), [], set()
    for line in log.read_text(errors="replace").splitlines():
        call = re.match(r"(\d+) +(\w+)\(", line)
        if not call:
            continue
        thread, name = call.groups()
        counts[thread, name] += 1
        if re.search(r'\.so[.\d]*[">]', line):
            loading.add((name, counts[thread, name]))
        if str(store) in line and (name, counts[thread, name]) not in found:
            found.append((name, counts[thread, name]))
    found = [call for call in found if call not in loading]
    assert found, "no call on the store was seen"
    return found


def inject(name, n, what):
    return "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:{what}:when={n}"


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_killed_at_a_system_call_keeps_what_it_reported(world, verb, tmp_path):
    args, begin, _, _ = world.command(verb)
    calls = calls_on(world, shutil.copytree(begin, tmp_path / "counted"), args, KILLED)

    def attempt(call, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        result = trace(world, store, args, *inject(*call, "signal=KILL"))
        assert result.code == -signal.SIGKILL, result
        judge_crash(world, store, verb, reported_by(result.out.splitlines()), ask=chance.random() < 0.1)

    run_tries(2, f"SIGKILL at a system call of {verb}", sample(calls, 10 if "ivf" in verb else 30), attempt)


def test_a_first_ingest_killed_at_a_system_call_can_be_done_again(world, tmp_path):
    source = world.program.write("few/a.txt", "One text.\n\nAnother text.")
    args = ("ingest", "--json", *FLAGS, source)
    calls = calls_on(world, tmp_path / "counted", args, KILLED)
    truth = state_of(tmp_path / "counted")

    def attempt(call, _, folder):
        store = folder / "store"
        result = trace(world, store, args, *inject(*call, "signal=KILL"))
        assert result.code == -signal.SIGKILL, result
        reported = reported_by(result.out.splitlines())
        if reported:
            judge_state(world, store, {}, truth, reported)
        world.must(*args, store=store)
        judge_state(world, store, truth, truth, {})
        assert not rubbish(store)

    run_tries(2, "SIGKILL at a system call of the first ingest", sample(calls, 20), attempt)


def test_a_migration_killed_at_a_system_call_leaves_the_old_store_or_the_new_one(world, tmp_path):
    expected = extract_old_store(tmp_path / "store")
    calls = calls_on(world, expected, ["migrate"], KILLED)
    truth = state_of(expected)

    def attempt(call, _, folder):
        store = extract_old_store(folder / "store")
        result = trace(world, store, ["migrate"], *inject(*call, "signal=KILL"))
        assert result.code == -signal.SIGKILL, result
        judge_migration(world, store, truth)

    run_tries(2, "SIGKILL at a system call of migrate", sample(calls, 30), attempt)


def spoilt(begin, folder):
    """A copy of a store of which no vector is right."""
    store = shutil.copytree(begin, folder / "store")
    for segment in (store / "segments").glob("*.faiss"):
        content = bytearray(segment.read_bytes())
        content[1000] ^= 1
        segment.write_bytes(content)
    return store


REPAIR = ["verify", "--repair", "--json"]


def judge_repair(world, store):
    """Whatever came before, a repair leaves the documents, the damaged store, and nothing else."""
    world.must(*REPAIR, store=store)
    assert state_of(store) == world.new
    world.must("verify", store=store)
    assert {path.name for path in store.parent.iterdir()} == {"store", "store.damaged-1"}


def test_a_repair_killed_at_a_system_call_leaves_the_damaged_store_or_the_repaired_one(world, tmp_path):
    calls = calls_on(world, spoilt(world.after, tmp_path), REPAIR, KILLED)

    def attempt(call, _, folder):
        store = spoilt(world.after, folder)
        result = trace(world, store, REPAIR, *inject(*call, "signal=KILL"))
        assert result.code == -signal.SIGKILL, result
        assert world.run(store, "verify").code in (0, 3)
        judge_repair(world, store)

    run_tries(2, "SIGKILL at a system call of verify --repair", sample(calls, 30), attempt)


def test_a_repair_whose_system_call_fails_leaves_the_damaged_store_alone(world, tmp_path):
    calls = calls_on(world, spoilt(world.after, tmp_path), REPAIR, FAILED)
    cases = [(*call, error) for call in calls for error in FAILED[call[0]]]

    def attempt(case, _, folder):
        name, n, error = case
        store = spoilt(world.after, folder)
        result = trace(world, store, REPAIR, *inject(name, n, "retval=0" if error == "0" else f"error={error}"))
        if result.code != 0:
            assert result.code in codes_of(name, error), result
            assert [path.name for path in folder.iterdir()] == ["store"]
        judge_repair(world, store)

    run_tries(4, "a system call of verify --repair fails", sample(cases, 30), attempt)


def codes_of(name, error):
    """A page of the catalogue that is not there is damage; one that cannot be read now is not."""
    return (3, 5) if (name, error) == ("pread64", "0") else (5,)


@pytest.mark.parametrize("verb", VERBS)
def test_a_command_whose_system_call_fails_says_so_and_loses_nothing(world, verb, tmp_path):
    args, begin, old, new = world.command(verb)
    calls = calls_on(world, shutil.copytree(begin, tmp_path / "counted"), args, FAILED)
    cases = [(*call, error) for call in calls for error in FAILED[call[0]]]

    def attempt(case, _, folder):
        name, n, error = case
        store = shutil.copytree(begin, folder / "store")
        what = "retval=0" if error == "0" else f"error={error}"
        result = trace(world, store, args, *inject(name, n, what))
        found = judge_state(world, store, old, new, reported_by(result.out.splitlines()))
        if result.code == 0:  # a call that may be made again, or one that nothing hangs on
            assert found == new
        else:
            assert result.code in codes_of(name, error), result
            if result.err or name != "write":  # else it was the main thread's n-th write, too: the message
                one_line(result, result.code)
        judge_crash(world, store, verb, {}, ask=False)

    run_tries(4, f"a system call of {verb} fails", sample(cases, 12 if "ivf" in verb else 40), attempt)


@pytest.mark.parametrize("verb", ["list", "verify", "stats", "show", "query", "similar", "dedup"])
def test_a_reader_whose_system_call_fails_gives_no_wrong_answer(world, verb, tmp_path):
    args = [verb, "--json"] + {"show": [world.uris[0]], "query": ["-k", "40", QUESTION],
                               "similar": ["-k", "40", world.uris[0]], "dedup": ["--threshold", "0.5"]}.get(verb, [])
    store = shutil.copytree(world.after, tmp_path / "store")
    names = ("openat", "mmap", "pread64", "read")
    right = world.must(*args, store=store).out
    cases = [(*call, error) for call in calls_on(world, store, args, names) for error in FAILED[call[0]]]

    def attempt(case, _, folder):
        name, n, error = case
        result = trace(world, store, args, *inject(name, n, "retval=0" if error == "0" else f"error={error}"))
        if result.code == 0:
            assert result.out.decode() == right
        elif (verb, result.code) != ("verify", 3):  # its problems stand on stdout
            assert result.code in codes_of(name, error), result
            one_line(result, result.code)

    run_tries(4, f"a system call of {verb} fails", sample(cases, 10 if verb == "query" else 20), attempt)
