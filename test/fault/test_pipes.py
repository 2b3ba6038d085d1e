"""Experiment 14: whoever reads the output goes away, there is no stdout, or it is full."""

import subprocess

import pytest
from oracle import *


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 6, 150)


def printing(world):
    """A command of every verb that prints, and whether it changes the store."""
    text = world.program.write("few.txt", "one\n\ntwo\n\nthree")
    return {
        "query": ["query", "-k", "900", QUESTION], "query --json": ["query", "--json", "-k", "900", QUESTION],
        "query paths": ["query", "-k", "900", "--format", "paths", QUESTION],
        "dedup --json": ["dedup", "--json", "--threshold", "0.5"],
        "similar --json": ["similar", "--json", "-k", "900", world.uris[0]],
        "query vimgrep": ["query", "-k", "900", "--format", "vimgrep", QUESTION],
        "list": ["list"], "list --json": ["list", "--json"], "show": ["show", world.uris[0]],
        "show --json": ["show", "--json", world.uris[0]], "stats": ["stats"], "stats --json": ["stats", "--json"],
        "verify --json": ["verify", "--json"], "split": ["split", "--chunk-size", "20", str(world.tree)],
        "split text": ["split", "--format", "text", "--chunk-size", "20", str(world.tree)],
        "split --stats": ["split", "--stats", str(world.tree)],
        "encode": ["encode", str(text)], "encode npy": ["encode", "--format", "npy", str(text)],
        "model list": ["model", "list"], "model show": ["model", "show"], "model verify": ["model", "verify", "--json"],
        "ingest --json": ["ingest", "--json", *FLAGS, str(world.tree)],
        "delete --json": ["delete", "--json", world.uris[0]], "compact --json": ["compact", "--json"],
        "migrate --json": ["migrate", "--json"],
        "--help": ["--help"], "--version": ["--version"], "query --help": ["query", "--help"],
    }


CHANGE = ("ingest --json", "delete --json", "compact --json")
NAMES = ["query", "query --json", "query paths", "dedup --json", "similar --json", "query vimgrep", "list", "list --json", "show", "show --json", "stats",
         "stats --json", "verify --json", "split", "split text", "split --stats", "encode", "encode npy", "model list",
         "model show", "model verify", *CHANGE, "migrate --json", "--help", "--version", "query --help"]


def run_shell(world, store, args, redirection):
    """The command with a shell's redirection; its own exit code and stderr."""
    quoted = " ".join("'" + str(each).replace("'", r"'\''") + "'" for each in (PROGRAM, "--store", store, *args))
    done = subprocess.run(["bash", "-c", f"{quoted} {redirection}; exit ${{PIPESTATUS[0]}}"], capture_output=True,
                          text=True, cwd=world.program.folder, env=world.program.env, timeout=120, stdin=subprocess.DEVNULL)
    return Result(done.returncode, done.stdout, done.stderr)


def store_for(world, name, folder):
    return shutil.copytree(world.before if name.startswith("ingest") else world.after, folder / "store")


def judge_store(world, store, name):
    old = world.old if name.startswith("ingest") else world.new
    judge_state(world, store, old, world.new if name != "delete --json" else
                {uri: document for uri, document in world.new.items() if uri != world.uris[0]}, {})


def test_every_name_has_a_command(world):
    assert list(printing(world)) == NAMES


def test_a_full_stdout_is_told_and_nothing_is_lost(world):
    def attempt(name, chance, folder):
        store = store_for(world, name, folder)
        one_line(run_shell(world, store, ["--quiet", *printing(world)[name]], "> /dev/full"), 5)
        judge_store(world, store, name)

    run_tries(14, "/dev/full", NAMES, attempt)


def test_a_reader_that_goes_away_ends_a_command_quietly(world):
    def attempt(name, chance, folder):
        reader = ("true", "head -c 1 > /dev/null")[chance.randrange(2)]
        store = store_for(world, name, folder)
        result = run_shell(world, store, ["--quiet", *printing(world)[name]], f"| {reader}")
        assert (result.code, result.err) == (0, ""), (reader, result)
        judge_store(world, store, name)

    run_tries(14, "a pipe that closes", NAMES, attempt)


def test_the_first_line_of_a_long_answer_is_the_first_line(world):
    whole = world.must("query", "-k", "900", QUESTION, store=world.after).out
    result = run_shell(world, world.after, ["query", "-k", "900", QUESTION], "| head -1")
    assert (result.code, result.out, result.err) == (0, whole.splitlines(keepends=True)[0], "")


def test_a_closed_stdout_is_an_error_and_writes_into_no_file(world):
    """Without descriptor 1, the next file that is opened would get it, and the answer would go into the store."""
    def attempt(name, chance, folder):
        store = store_for(world, name, folder)
        before = state_of(store)
        result = run_shell(world, store, ["--quiet", *printing(world)[name]], ">&-")
        one_line(result, 5)
        judge_store(world, store, name)
        assert name in CHANGE or state_of(store) == before

    run_tries(14, "a closed stdout", NAMES, attempt)


def test_what_is_printed_without_a_stdout_does_not_end_in_a_file_of_the_store(world, tmp_path):
    """LOCK is the first file that stays open: it got descriptor 1, and the report of the commit."""
    store = shutil.copytree(world.before, tmp_path / "store")
    one_line(run_shell(world, store, ["--quiet", *printing(world)["ingest --json"]], ">&-"), 5)
    assert "uri" not in (store / "LOCK").read_text()


def test_without_any_descriptor_nothing_is_lost(world):
    def attempt(name, chance, folder):
        store = store_for(world, name, folder)
        for redirection in ("2>&- | cat", "<&- 2>&- | cat", "<&- >&- 2>&-"):
            result = run_shell(world, store, printing(world)[name], redirection)
            assert result.code in (0, 5), result
            if "cat" not in redirection:
                assert result.code == 5
        judge_store(world, store, name)

    run_tries(14, "closed descriptors", [*CHANGE, "list", "query"], attempt)


def test_a_write_that_a_signal_interrupts_is_made_again(world):
    needs("strace")
    right = world.must("list", "--json", store=world.after).out

    def attempt(when, _, folder):
        log = folder / "log"
        command = ["strace", "-o", log, "-e", "trace=write", "-e", f"inject=write:error=EINTR:when={when}", PROGRAM,
                   "--store", world.after, "list", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, env=world.program.env, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, right, ""), done
        assert "EINTR" in log.read_text()

    run_tries(14, "a write to stdout is interrupted", ["1", "1..3"], attempt)
