"""Turns measured rows into docs/benchmarks.md; what it says of a result follows from its number."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from measure import Sample, Spread

NOISY_SHARE = 0.05  # of the machine, taken by others
TOLD_CPU_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Side:
    """One program's figures in one row, a value a round."""

    name: str
    values: list[float]
    samples: list[Sample] = field(default_factory=list)  # for memory and processor time

    def peak_memory(self) -> int:
        return max((sample.memory for sample in self.samples), default=0)


@dataclass(frozen=True)
class Goal:
    bound: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Row:
    what: str
    show: Callable[[float], str]
    ours: Side
    other: Side | None = None
    # One round's two values to the figure in the ratio's column.
    ratio: Callable[[float, float], float] | None = None
    goal: Goal | None = None
    ratio_is_gain: bool = True  # above 1 is good for us

    def ratios(self) -> Spread:
        return Spread.of(self.ratio(*pair) for pair in zip(self.ours.values, self.other.values))


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    rows: list[Row]


def show_seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def show_rate(value: float) -> str:
    return f"{value:,.0f}"


def times_faster(ours: float, other: float) -> float:
    return other / ours


def times_rate(ours: float, other: float) -> float:
    return ours / other


def times_cost(ours: float, other: float) -> float:
    return ours / other


def show_side(side: Side | None, show: Callable[[float], str]) -> str:
    if side is None:
        return "–"
    spread = Spread.of(side.values)
    return f"{show(spread.median)} [{show(spread.least)} … {show(spread.most)}]"


def show_cost(side: Side | None) -> str:
    """Processor time and peak memory, where a whole process was measured."""
    if side is None or not side.samples:
        return "–"
    cpu = Spread.of(sample.cpu for sample in side.samples).median
    return f"{show_seconds(cpu)}, {side.peak_memory() / 2**20:,.0f} MiB"


def show_ratios(row: Row) -> str:
    if row.other is None:
        return "–"
    spread = row.ratios()
    return f"**{spread.median:.2f}** [{spread.least:.2f} … {spread.most:.2f}]"


def table(rows: list[Row]) -> str:
    other = next((row.other.name for row in rows if row.other), None)
    if other is None:
        lines = ["| | vecdb |", "|---|---|"]
        lines += [f"| {row.what} | {show_side(row.ours, row.show)} |" for row in rows]
        return "\n".join(lines)
    lines = [f"| | vecdb | {other} | ratio, pair by pair | CPU time and peak memory of vecdb "
             f"| of {other} |",
             "|---|---|---|---|---|---|"]
    lines += [f"| {row.what} | {show_side(row.ours, row.show)} | {show_side(row.other, row.show)} "
              f"| {show_ratios(row)} | {show_cost(row.ours)} | {show_cost(row.other)} |"
              for row in rows]
    return "\n".join(lines)


def ratio_in_words(row: Row) -> str:
    spread = row.ratios()
    meaning = (f"times faster than {row.other.name}" if row.ratio_is_gain else
               f"times the time of {row.other.name}")
    return f"{spread.median:.2f} [{spread.least:.2f} … {spread.most:.2f}] {meaning}"


def verdict(row: Row) -> str:
    result = "met" if row.goal.is_met(row.ratios().median) else "**missed**"
    return f"- {row.what}: {ratio_in_words(row)}; goal {row.goal}: {result}."


def shortfalls(row: Row) -> list[str]:
    """Where a peer does better, by time or by memory."""
    found = []
    if row.ratios().median < 1:
        found.append(f"- {row.what}: vecdb is **behind**: {ratio_in_words(row)}.")
    ours, other = row.ours.peak_memory(), row.other.peak_memory()
    if ours > other > 0:
        found.append(f"- {row.what}: vecdb needs **more memory** than {row.other.name} "
                     f"({ours / other:.2f} times its peak).")
    return found


def goals_and_shortfalls(sections: list[Section]) -> str:
    rows = [row for section in sections for row in section.rows if row.other]
    peers = [row for row in rows if row.ratio_is_gain]
    lines = [verdict(row) for row in rows if row.goal]
    behind = [line for row in peers for line in shortfalls(row)]
    lines += behind or ["- No row shows a peer that is faster, or, where memory was measured, one "
                        "that needs less of it."]
    return "\n".join(lines)


def machine_facts() -> str:
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    flags = fields.get("flags", fields.get("Features", "")).split()
    told = ", ".join(f"{flag} {'yes' if flag in flags else 'no'}" for flag in TOLD_CPU_FLAGS)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = fields.get("model name", platform.machine())
    return (f"- {model}, {os.cpu_count()} processors: {told}\n"
            f"- {memory:.1f} GiB of memory\n"
            f"- {platform.system()} {platform.release()}")


def noise_note(share: float) -> str:
    percent = f"{share * 100:.0f} %"
    if share > NOISY_SHARE:
        return (f"Other programs took {percent} of the machine's processor time during the run: "
                "**read the ratios, not the seconds**, and not the last digits of either.")
    return f"Other programs took {percent} of the machine's processor time during the run."


def rounds_note(rounds: int, quick: bool) -> str:
    kind = "A quick run, made to see that everything works: " if quick else ""
    counted = f"{rounds} round{'s' if rounds > 1 else ''}"
    return (f"{kind}{counted} after one that is not counted (what a machine does once, such "
            "as hashing the model's file, falls into that one); a cell is the median "
            "[least … most] of the rounds, a ratio is taken within each round.")


def text(sections: list[Section], versions: list[str], rounds: int, quick: bool,
         other_load: float) -> str:
    parts = [
        "# Benchmarks",
        "Written by `scripts/bench/run.py` from what it measured; to repeat it:",
        "```\nscripts/setup.sh && scripts/build.sh\npython3 scripts/bench/run.py\n```",
        "Stores of a million vectors are measured in [benchmarks-scale.md](benchmarks-scale.md).",
        "Each figure is of a fresh process, with its files in the page cache: the programs take "
        f"turns, one process at a time. {rounds_note(rounds, quick)} Peak memory is the largest "
        "resident set of any round. " + noise_note(other_load),
        "## The machine", machine_facts(),
        "## Versions", "\n".join(f"- {line}" for line in versions),
        "## Goals, and where vecdb is behind", goals_and_shortfalls(sections)]
    for section in sections:
        parts += [f"## {section.title}", section.text, table(section.rows)]
    return "\n\n".join(parts) + "\n"
