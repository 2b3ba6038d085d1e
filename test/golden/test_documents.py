"""What the documents show is what the program does.

In README.md and docs/CLI.md a ```console block holds commands, led by "$ ", and their output, stdout
and stderr together. All commands of a document run in order in one shell. "..." on a line of its own
stands for one line or more, inside a line for anything. White space at line ends is not compared.
A ```sh block holds commands that cannot run in a test; each of its lines is named here.
"""

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest
from conftest import PROGRAM, PROJECT, SPEECH

DOCUMENTS = ("README.md", "docs/CLI.md")
SHOWN_FOLDER = "/home/you/vecdb/demo"  # what the documents call the folder of the run
SHELL_LINES = {
    "./scripts/quickstart.sh",
    "./scripts/test.sh",
    "./scripts/fuzz.sh",
    "./scripts/tsan.sh",
    "test/fault/run_long.py --time-limit 30 --report docs/reliability.md",
    "test/fault/run_long.py --only 6 --scale small --seed 17",
    "./scripts/setup.sh --test",
    "./scripts/build.sh",
    "./scripts/test.sh --label-regex golden",
    "./scripts/trace_encoder.py HF_DIR --out DIR",
    "./scripts/bench/run.py",
    'export PATH="$PWD/build/release:$PATH"',
    "mkdir demo && cd demo && cp ../test/data/state_of_the_union.txt .",
    'cmake --install build/release --prefix "$HOME/.local"',
    "cmake --preset dev",
    "cmake --build --preset dev",
    "./scripts/prepare_minilm.sh build/dev",
    "ctest --preset dev --label-regex '^unit$'",
}
DOCUMENTS_WITH_SHELL = (*DOCUMENTS, "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/benchmarks.md")
MARK = "=== end of step ==="


@dataclass
class Block:
    language: str
    line: int  # of the fence, from 1
    lines: list[str]


@dataclass
class Step:
    line: int
    command: str
    shown: list[str]


def blocks_of(text: str) -> list[Block]:
    blocks, current = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("```"):
            if current:
                current.lines.append(line)
        elif current:
            assert line == "```", f"line {number}: a fence inside a block"
            blocks.append(current)
            current = None
        else:
            current = Block(line.strip().removeprefix("```"), number, [])
    assert current is None, f"line {current.line}: the block is never closed"
    return blocks


def steps_of(blocks: list[Block]) -> list[Step]:
    steps = []
    for block in blocks:
        if block.language != "console":
            assert not any(line.startswith("$ ") for line in block.lines), (
                f"line {block.line}: commands stand in a block that no test runs")
            continue
        assert block.lines and block.lines[0].startswith("$ "), f"line {block.line}: no command"
        for number, line in enumerate(block.lines, block.line + 1):
            if line.startswith("$ "):
                steps.append(Step(number, line[2:], []))
            else:
                steps[-1].shown.append(line)
    for step in steps:
        assert not step.shown or any(line.strip() != "..." for line in step.shown), (
            f"line {step.line}: an ellipsis alone shows nothing")
    return steps


def matches(shown: list[str], lines: list[str]) -> bool:
    pattern = "".join(
        r"(?:.*\n)+" if line.strip() == "..." else
        ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"\n"
        for line in shown)
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in lines)) is not None


def run_steps(steps: list[Step], program) -> list[list[str]]:
    """The lines that each step prints."""
    folder = program.folder.resolve() / "vecdb" / "demo"
    commands = folder.parent / "bin"
    folder.mkdir(parents=True)
    commands.mkdir()
    (commands / "vecdb").symlink_to(PROGRAM.resolve())
    shutil.copy(SPEECH, folder)
    # mark keeps $? for the next step.
    lines = [f"mark() {{ local status=$?; echo '{MARK}'; return $status; }}"]
    for step in steps:
        lines += [step.command, "mark"]
    script = program.write("steps.sh", "\n".join(lines) + "\n")
    done = subprocess.run(
        ["bash", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=300, cwd=folder,
        env=program.env | {"PATH": f"{commands}:{program.env['PATH']}"})
    outputs = done.stdout.replace(str(folder), SHOWN_FOLDER).split(MARK + "\n")
    assert len(outputs) == len(steps) + 1 and outputs[-1] == "", done.stdout[-2000:]
    return [output.splitlines() for output in outputs[:-1]]


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_program_prints_what_the_document_shows(vecdb, name):
    steps = steps_of(blocks_of(read(name)))
    assert steps, f"{name}: shows no command"
    wrong = [f"{name}:{step.line}: $ {step.command}\n--- shown\n" + "\n".join(step.shown) +
             "\n--- printed\n" + "\n".join(lines)
             for step, lines in zip(steps, run_steps(steps, vecdb), strict=True)
             if not matches(step.shown, lines)]
    assert not wrong, "\n" + "\n\n".join(wrong)


@pytest.mark.parametrize("shown, printed, same", [
    (["a", "b"], ["a", "b"], True),
    (["a"], ["a "], True),
    (["a"], ["b"], False),
    (["a"], ["a", "b"], False),
    (["a"], [], False),
    ([], ["a"], False),
    (["a."], ["ab"], False),
    (["x 0.4... y"], ["x 0.4014 y"], True),
    (["x 0.4... y"], ["x 0.5014 y"], False),
    (["a", "...", "d"], ["a", "b", "c", "d"], True),
    (["a", "...", "d"], ["a", "d"], False),
    (["a", "..."], ["b", "c"], False),
])
def test_the_comparison_can_fail(shown, printed, same):
    assert matches(shown, printed) is same


@pytest.mark.parametrize("text", [
    "```console\nno prompt\n```", "```console\n```", "```console\n$ a\n",
    "```console\n$ a\n...\n```", "```text\n$ a\n```",
])
def test_a_block_that_shows_nothing_is_refused(text):
    with pytest.raises(AssertionError):
        steps_of(blocks_of(text))


def shell_lines() -> list[tuple[str, str]]:
    return [(f"{name}:{block.line}", line)
            for name in DOCUMENTS_WITH_SHELL for block in blocks_of(read(name))
            if block.language == "sh" for line in block.lines]


def test_commands_that_no_test_runs_are_named_here():
    lines = shell_lines()
    unknown = [place for place in lines if place[1] not in SHELL_LINES]
    assert not unknown
    assert not SHELL_LINES - {line for _, line in lines}, "a line here that no document holds"


def test_scripts_and_presets_that_documents_name_exist():
    presets = set(re.findall(r'"name": "([\w-]+)"', read("CMakePresets.json")))
    for place, line in shell_lines():
        for script in re.findall(r"\./(scripts/\S+)", line):
            assert (PROJECT / script).stat().st_mode & 0o100, f"{place}: {script}"
        assert set(re.findall(r"--preset (\S+)", line)) <= presets, place


@pytest.mark.parametrize("name", [*DOCUMENTS_WITH_SHELL, "CHANGELOG.md"])
def test_files_that_a_document_links_to_exist(name):
    for target in re.findall(r"\]\(([^)#]+)\)", read(name)):
        if "://" not in target:
            assert ((PROJECT / name).parent / target).exists(), f"{name}: {target}"


FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def verbs_of(vecdb, *verb: str) -> set[str]:
    listed = vecdb(*verb, "--help").out.partition("Subcommands:")[2]
    verbs = set(re.findall(r"^  (\w+) ", listed, re.MULTILINE))
    assert verb or {"ingest", "query"} <= verbs
    return verbs


def flags_of(vecdb) -> set[str]:
    flags = set(FLAG.findall(vecdb("--help").out))
    for verb in verbs_of(vecdb):
        for inner in ([], *([each] for each in verbs_of(vecdb, verb))):
            flags |= set(FLAG.findall(vecdb(verb, *inner, "--help").out))
    assert {"--store", "--chunk-size", "--min-score", "--offline"} <= flags
    return flags


def without_console(text: str) -> str:
    return re.sub(r"^```console\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


# document -> its text as far as it tells of flags, and what the heading of a verb looks like
REFERENCES = {
    "docs/CLI.md": (without_console, r"^### (\w+)$"),
    "docs/man/vecdb.1": (lambda text: text.replace(r"\-", "-"), r"^\.SS (\w+)$"),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_names_every_verb_and_flag_and_no_other(vecdb, name):
    text_of, heading = REFERENCES[name]
    text = text_of(read(name))
    assert set(re.findall(heading, text, re.MULTILINE)) == verbs_of(vecdb)
    assert set(FLAG.findall(text)) == flags_of(vecdb)


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_names_every_exit_code(name):
    section = re.split(r"(?i)exit (?:codes|status)\n", REFERENCES[name][0](read(name)))[1]
    for code in ("0", "1", "2", "3", "4", "5", "6", "7", "130", "143"):
        assert re.search(rf"\b{code}\b", section), code


def test_the_architecture_draws_the_arrows_that_are_checked():
    path = PROJECT / "test" / "structure" / "check_includes.py"
    spec = importlib.util.spec_from_file_location("check_includes", path)
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    rows = re.findall(r"^\| `(cli|core/\w+)` \| ([^|]*) \|", read("docs/ARCHITECTURE.md"),
                      re.MULTILINE)
    drawn = {folder: set(re.findall(r"\w+", others)) for folder, others in rows}
    assert drawn == {folder: names - {folder.removeprefix("core/")}
                     for folder, names in checker.ARROWS.items()}
