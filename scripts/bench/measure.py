"""Runs processes one at a time and keeps what each has cost."""

import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class BenchError(Exception):
    """Why no figures can be given."""


@dataclass(frozen=True)
class Sample:
    """One finished process: seconds of the clock, seconds of processors, bytes at its peak."""

    wall: float
    cpu: float
    memory: int
    output: str


@dataclass(frozen=True)
class Spread:
    least: float
    median: float
    most: float

    @staticmethod
    def of(values) -> "Spread":
        values = list(values)
        return Spread(min(values), statistics.median(values), max(values))


def run_process(command: list, env: dict[str, str]) -> Sample:
    """wait4 and not getrusage(RUSAGE_CHILDREN): the latter's peak is that of all children so far.

    The kernel counts this script's own memory at the fork as a floor of the child's peak, so it
    imports nothing large.
    """
    command = [str(part) for part in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            err.seek(0)
            tail = err.read().decode(errors="replace").strip()[-2000:]
            raise BenchError(f"{' '.join(command[:4])} …: exit {process.returncode}: {tail}")
        out.seek(0)
        output = out.read().decode()
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


class Worker:
    """A process that tells a JSON object when it is ready, and answers every line with another."""

    def __init__(self, command: list, env: dict[str, str]) -> None:
        self._name = " ".join(Path(str(part)).name for part in command[:3])
        self._err = tempfile.TemporaryFile()
        self._process = subprocess.Popen([str(part) for part in command], env=env, text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._err)

    def __enter__(self) -> "Worker":
        try:
            self.facts = self._answer()
        except BenchError:
            self._end()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._end()

    def seconds(self, request: str = "") -> float:
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        return self._answer()["seconds"]

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._err.seek(0)
            tail = self._err.read().decode(errors="replace").strip()[-2000:]
            raise BenchError(f"{self._name} …: exit {code}: {tail}")
        return json.loads(line)

    def _end(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._err.close()


def interleave(rounds: int, tasks: dict[str, Callable], warm: bool = False) -> dict[str, list]:
    """Every task once a round, in turn, so that a slow minute of the machine hits all of them.

    Round 0 brings files into the page cache and is not kept; tasks that are warm already need none.
    """
    results = {name: [] for name in tasks}
    for number in range(1 if warm else 0, rounds + 1):
        for name, task in tasks.items():
            result = task(number)
            if number > 0:
                results[name].append(result)
    return results


class OtherLoad:
    """How much of the machine's processors others took (or a hypervisor kept) since the start."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._busy = self._others()

    def share(self) -> float:
        elapsed = (time.perf_counter() - self._start) * os.cpu_count()
        return max(0.0, self._others() - self._busy) / elapsed

    @staticmethod
    def _others() -> float:
        user, nice, system, _, _, irq, softirq, steal = map(
            int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        own = sum(usage.ru_utime + usage.ru_stime
                  for usage in map(resource.getrusage, (resource.RUSAGE_SELF,
                                                        resource.RUSAGE_CHILDREN)))
        return busy - own
