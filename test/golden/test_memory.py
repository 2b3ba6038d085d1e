"""`--max-memory`: how much encoding takes at a time, and that it changes no bit."""

import json
import os
import random
import subprocess

import pytest
from conftest import PROGRAM, SPEECH, assert_error

MEBI = 1 << 20


def texts(count, words):
    chance = random.Random(3)
    vocabulary = SPEECH.read_text().split()
    return "".join(json.dumps({"text": " ".join(chance.choices(vocabulary, k=words))}) + "\n"
                   for _ in range(count))


def peak(vecdb, stdin, *flags):
    """Result lines, and the peak of resident memory as last seen before the end."""
    process = vecdb.popen("--precision", "f32", *flags, "encode", "--jsonl",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    path = vecdb.write("stdin", stdin)
    process.stdin.write(path.read_bytes())
    process.stdin.close()
    largest, lines = 0, []
    while line := process.stdout.readline():
        lines.append(line)
        with open(f"/proc/{process.pid}/status") as status:
            fields = dict(each.split(":", 1) for each in status)
        largest = max(largest, int(fields["VmHWM"].split()[0]) * 1024 if "VmHWM" in fields else 0)
    assert process.wait(120) == 0
    return lines, largest


def test_vectors_are_the_same_whatever_the_budget(vecdb):
    lines = texts(60, 150)
    default = vecdb("--precision", "f32", "encode", "--jsonl", stdin=lines).out
    for flags in (("--max-memory", "40M"), ("--max-memory", "100M", "--threads", "2"),
                  ("--max-memory", "1T", "--threads", "3")):
        assert vecdb("--precision", "f32", *flags, "encode", "--jsonl", stdin=lines).out == default
    assert vecdb("--precision", "f32", "encode", "--jsonl", stdin=lines,
                 VECDB_MAX_MEMORY="40M").out == default


def test_more_workers_take_more_memory_only_as_far_as_the_budget_lets_them(vecdb):
    """In libtorch, whose workers hold most: the native engine's come and go too fast to be all seen at once."""
    lines = texts(256, 200)
    engine = ("--engine", "torchscript", "--threads")
    _, alone = peak(vecdb, lines, *engine, "1")
    _, wide = peak(vecdb, lines, *engine, "8", "--max-memory", "2G")
    small = 48 * MEBI
    _, narrow = peak(vecdb, lines, *engine, "8", "--max-memory", str(small))
    assert narrow < wide - 32 * MEBI, (alone, wide, narrow)
    assert narrow < alone + small, (alone, wide, narrow)


def test_the_native_engine_keeps_within_the_budget_too(vecdb):
    lines = texts(256, 200)
    _, alone = peak(vecdb, lines, "--threads", "1")
    small = 48 * MEBI
    _, narrow = peak(vecdb, lines, "--threads", "8", "--max-memory", str(small))
    assert narrow < alone + small, (alone, narrow)


def test_a_text_that_cannot_fit_is_told_before_anything_is_encoded(vecdb):
    result = vecdb("--max-memory", "2M", "encode", stdin="short\n" + "word " * 300)
    assert_error(result, 5, "--max-memory", "256 tokens", "M; give at least that")
    vecdb.write("a", "word " * 300)
    assert_error(vecdb("--max-memory", "2M", "ingest", "a"), 5, "--max-memory")
    assert vecdb("list").out == ""


@pytest.mark.parametrize("size", ["", "0", "1K", "-1", "1.5G", "2GB", "M", "99999999999T", "12 M"])
def test_a_size_without_meaning_is_refused(vecdb, size):
    assert_error(vecdb("--max-memory", size, "list"), 2, "--max-memory", "512M")


def test_fewer_threads_than_asked_for_do_the_same_work(vecdb):
    """With stacks this large not all of them fit the address space."""
    lines = texts(64, 200)
    limits = "ulimit -s 2000000; ulimit -v 12000000"
    env = vecdb.env | {"OPENBLAS_NUM_THREADS": "1"}

    def limited(*arguments):
        command = f"{limits}; exec '{PROGRAM}' --precision f32 --threads 16 \"$@\""
        return subprocess.run(["bash", "-c", command, "bash", *arguments], input=lines.encode(), timeout=120,
                              capture_output=True, cwd=vecdb.folder, env=env)
    done = limited("encode", "--jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == vecdb("--precision", "f32", "encode", "--jsonl", stdin=lines).out
    done = limited("ingest", "--jobs", "16", "--jsonl", "-")
    assert done.returncode == 0, done.stderr
    assert len(vecdb("list").out.splitlines()) == 64


def test_an_address_space_that_is_small_is_lived_with(vecdb):
    """Under `ulimit -v` the default budget is what that leaves."""
    lines = texts(64, 200)
    command = f"ulimit -v 4000000; exec '{PROGRAM}' --precision f32 --threads 2 encode --jsonl"
    done = subprocess.run(["bash", "-c", command], input=lines.encode(), capture_output=True,
                          cwd=vecdb.folder, env=vecdb.env | {"OPENBLAS_NUM_THREADS": "1"}, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode() == vecdb("--precision", "f32", "encode", "--jsonl", stdin=lines).out
