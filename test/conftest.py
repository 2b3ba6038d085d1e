"""Runs the real program. Each test gets a folder of its own, an own home and no inherited settings."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
DATA = PROJECT / "test" / "data"
PROGRAM = Path(os.environ.get("VECDB_PROGRAM", PROJECT / "build" / "release" / "vecdb"))
SPEECH = DATA / "state_of_the_union.txt"
SANITIZING = ("OMP_NUM_THREADS", "TSAN_OPTIONS")  # what scripts/tsan.sh says to the program
QUESTION = "What did the president say about Ketanji Brown Jackson"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]


class Program:
    """The program under test, run in `folder`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "home"), "LC_ALL": "C.UTF-8"}
        self.env |= {name: os.environ[name] for name in SANITIZING if name in os.environ}
        (folder / "home").mkdir()

    def __call__(self, *args, stdin: str | bytes = b"", cwd: Path | None = None, **env: str) -> Result:
        if isinstance(stdin, str):
            stdin = stdin.encode()
        done = subprocess.run(
            [PROGRAM, *map(os.fspath, args)], input=stdin, capture_output=True, timeout=120,
            cwd=cwd or self.folder, env=self.env | env)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def popen(self, *args, **options) -> subprocess.Popen:
        return subprocess.Popen([PROGRAM, *map(os.fspath, args)], cwd=self.folder, env=self.env,
                                **options)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


def many_chunks(name: str, count: int = 300) -> str:
    """A document of many tiny chunks: several commits for little encoding (--chunk-size 20)."""
    return "\n\n".join(f"{name} line {i}" for i in range(count))


@pytest.fixture
def vecdb(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture(scope="session")
def speech_store(tmp_path_factory) -> Path:
    """A store with the sample text, for tests that only read."""
    program = Program(tmp_path_factory.mktemp("speech"))
    store = program.folder / "store"
    result = program("--store", store, "--precision", "f32", "ingest", SPEECH)
    assert result.code == 0, result.err
    return store


def assert_error(result: Result, code: int, *words: str) -> None:
    """One clear line on stderr that holds the words, nothing on stdout, this exit code."""
    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("vecdb: ") and result.err.count("\n") == 1, result.err
    for word in words:
        assert word in result.err
