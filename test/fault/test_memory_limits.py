"""Experiment 12: memory runs out: under limits of the address space, and at the n-th large allocation."""

import resource
import subprocess

import pytest
from oracle import *

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
// malloc that fails at the FAIL_AT-th request of at least FAIL_FROM bytes, and counts them into descriptor 9.
static atomic_long seen;
static int fails(size_t size) {
  static long at = -1, from;
  if (at < 0) {
    const char* text = getenv("FAIL_AT");
    from = atol(getenv("FAIL_FROM"));
    at = text ? atol(text) : 0;
  }
  return size >= (size_t)from && ++seen == at;
}
void* malloc(size_t size) {
  static void* (*next)(size_t);
  if (!next) next = dlsym(RTLD_NEXT, "malloc");
  if (!fails(size)) return next(size);
  errno = ENOMEM;
  return NULL;
}
void* realloc(void* old, size_t size) {
  static void* (*next)(void*, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "realloc");
  if (!fails(size)) return next(old, size);
  errno = ENOMEM;
  return NULL;
}
int posix_memalign(void** to, size_t alignment, size_t size) {
  static int (*next)(void**, size_t, size_t);
  if (!next) next = dlsym(RTLD_NEXT, "posix_memalign");
  return fails(size) ? ENOMEM : next(to, alignment, size);
}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 6, 60)


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    needs("cc")
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c", "-ldl"], check=True)
    return folder / "shim.so"


def run_limited(world, store, args, limit=None, env=None):
    preexec = (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))) if limit else None
    done = subprocess.run([PROGRAM, "--store", store, *args], cwd=world.program.folder, capture_output=True, text=True,
                          env=world.program.env | (env or {}), preexec_fn=preexec, timeout=120)
    return Result(done.returncode, done.stdout, done.stderr)


def least_limit(world):
    """What the program needs to start at all, in bytes: below, the dynamic loader gives up."""
    for limit in range(16 << 20, 4 << 30, 4 << 20):
        if run_limited(world, world.after, ["--help"], limit).code == 0:
            return limit
    raise AssertionError("it never starts")


def judge(world, store, result, old, new):
    if result.code != 0:
        one_line(result, 5)
    found = judge_state(world, store, old, new, reported_by(result.out.encode().splitlines()))
    assert result.code != 0 or found == new


@pytest.mark.parametrize("verb", VERBS)
def test_a_writer_under_a_memory_limit_ends_with_one_line_and_loses_nothing(world, verb):
    args, begin, old, new = world.command(verb)
    least = least_limit(world)

    def attempt(limit, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        judge(world, store, run_limited(world, store, args, limit), old, new)
        judge_crash(world, store, verb, {}, ask=False)

    # The training of an index uses OpenMP, whose library ends the process itself, with 1, where a thread
    # cannot be started. So an index is tried from where the threads' stacks fit.
    least += (len(os.sched_getaffinity(0)) * 16 << 20) if "ivf" in verb else 0
    limits = [least + (n << 19) for n in [*range(16), 20, 24, 32, 48, 64, 128, 256, 512]]
    run_tries(12, f"a memory limit for {verb}", sample(limits, 6 if "ivf" in verb else 12), attempt)


@pytest.mark.parametrize("verb", ["query", "ingest"])
def test_encoding_under_a_memory_limit_ends_with_one_line(world, verb):
    """What loads libtorch: some hundred MB of address space."""
    fresh = world.program.write("fresh.txt", "\n\n".join(f"a fresh line {n}" for n in range(40)))
    args = ["query", "--json", QUESTION] if verb == "query" else ["ingest", "--json", *FLAGS, fresh]
    least = least_limit(world)
    right = world.must("query", "--json", QUESTION, store=world.after).out
    after = shutil.copytree(world.after, world.program.folder / f"fresh-{verb}")
    world.must("ingest", *FLAGS, fresh, store=after)
    new = state_of(after)

    def attempt(limit, chance, folder):
        store = shutil.copytree(world.after, folder / "store")
        result = run_limited(world, store, args, limit)
        if verb == "ingest":
            return judge(world, store, result, world.new, new)
        if result.code == 0:
            assert result.out == right
        else:
            one_line(result, 5)

    limits = [least + (n << 20) for n in (0, 5, 20, 60, 150, 250, 350, 450, 550, 650, 750, 850, 950, 1100, 1300, 1600, 2000)]
    run_tries(12, f"a memory limit for {verb} that encodes", sample(limits, 9), attempt)


@pytest.mark.parametrize("verb", [*VERBS, "list", "verify"])
def test_a_large_allocation_that_fails_ends_with_one_line_and_loses_nothing(world, shim, verb):
    args, begin, old, new = world.command(verb) if verb in VERBS else ([verb, "--json"], world.after, world.new, world.new)
    right = world.must(*args, store=shutil.copytree(begin, world.program.folder / f"right-{verb}")).out

    def attempt(case, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        env = {"LD_PRELOAD": str(shim), "FAIL_FROM": str(case[0]), "FAIL_AT": str(case[1])}
        result = run_limited(world, store, args, env=env)
        judge(world, store, result, old, new)
        if verb not in VERBS:
            assert result.code != 0 or result.out == right
        else:
            judge_crash(world, store, verb, {}, ask=False)

    cases = [(size, n) for size in (300, 4000, 60_000) for n in range(1, 400 if size == 300 else 60)]
    run_tries(12, f"an allocation of {verb} fails", sample(cases, 6 if "ivf" in verb else 25), attempt)


def test_memory_that_ends_while_a_question_loads_its_modules_is_told_in_one_line(world, shim):
    """FAISS fills tables in constructors, which run while its module is opened."""
    args = ["query", "--json", QUESTION]
    right = world.must(*args, store=world.after).out

    def attempt(case, _, folder):
        store = shutil.copytree(world.after, folder / "store")
        env = {"LD_PRELOAD": str(shim), "FAIL_FROM": str(case[0]), "FAIL_AT": str(case[1])}
        result = run_limited(world, store, args, env=env)
        if result.code == 0:
            assert result.out == right
        else:
            one_line(result, 5)

    cases = [(size, n) for size in (300, 4000, 60_000) for n in range(1, 400 if size == 300 else 60)]
    run_tries(12, "an allocation of a question fails", sample(cases, 25), attempt)


def test_an_index_is_made_where_no_or_few_threads_can_be_started(world):
    """OpenMP's library would end the process."""
    needs_root()
    needs("setpriv")
    user = 54_321  # has no other processes

    def attempt(threads, _, folder):
        store = shutil.copytree(world.after, folder / "store")
        for path in [store, *store.rglob("*")]:
            os.chown(path, user, user)
        command = ["setpriv", f"--reuid={user}", "--clear-groups", "prlimit", f"--nproc={threads + 1}", PROGRAM,
                   "--store", store, "compact", "--index", "ivf"]
        env = world.program.env | {"HOME": "/nonexistent", "OMP_NUM_THREADS": "4"}
        done = subprocess.run(command, cwd="/", env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and "libgomp" not in done.stderr, done.stderr
        assert world.run(store, "verify").code == 0

    run_tries(12, "few threads can be started", [0, 1, 2], attempt)
