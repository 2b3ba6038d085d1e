"""Turns measured rows into docs/benchmarks.md; what it says of a result follows from its number."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from goals import GOALS
from measure import BenchError, Sample, Spread

NOISY_SHARE = 0.05  # of the machine, taken by others
TOLD_CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Side:
    """One program's figures in one row, a value a round."""

    name: str
    values: list[float]
    samples: list[Sample] = field(default_factory=list)  # for memory and processor time

    def peak_memory(self) -> int:
        return max((sample.memory for sample in self.samples), default=0)


@dataclass(frozen=True)
class Row:
    what: str  # its goal, if it has one, has this name
    show: Callable[[float], str]
    ours: Side
    other: Side | None = None
    # One round's two values to the figure in the ratio's column.
    ratio: Callable[[float, float], float] | None = None
    other_is_peer: bool = True  # a ratio above 1 is what vecdb gains over somebody else's program

    def ratios(self) -> Spread:
        return Spread.of(self.ratio(*pair) for pair in zip(self.ours.values, self.other.values, strict=True))

    def figure(self) -> Spread:
        """What a goal is about."""
        return self.ratios() if self.other else Spread.of(self.ours.values)

    def show_figure(self, value: float) -> str:
        return f"{value:.2f}" if self.other else self.show(value)


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    rows: list[Row]
    absent: dict[str, str] = field(default_factory=dict)  # rows with a goal that could not be measured: why


def show_seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def show_rate(value: float) -> str:
    return f"{value:,.0f}"


def show_millions(value: float) -> str:
    return f"{value:,.2f}"


def show_cosine(value: float) -> str:
    return f"{value:.5f}"


def times_faster(ours: float, other: float) -> float:
    return other / ours


def times_rate(ours: float, other: float) -> float:
    return ours / other


def times_cost(ours: float, other: float) -> float:
    return ours / other


def show_spread(spread: Spread, show: Callable[[float], str]) -> str:
    """A figure that was measured once is not a spread."""
    if spread.least == spread.most:
        return show(spread.median)
    return f"{show(spread.median)} [{show(spread.least)} … {show(spread.most)}]"


def show_side(side: Side, show: Callable[[float], str]) -> str:
    return show_spread(Spread.of(side.values), show)


def show_ratio(value: float) -> str:
    return f"{value:.2f}"


def show_cost(side: Side) -> str:
    """Processor time and peak memory of a whole process."""
    cpu = Spread.of(sample.cpu for sample in side.samples).median
    return f"{show_seconds(cpu)}, {side.peak_memory() / 2**20:,.0f} MiB"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def lines_of(cells: list[list[str]]) -> str:
    head, *rest = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([head, "|---" * len(cells[0]) + "|", *rest])


def table(rows: list[Row]) -> str:
    if not any(row.other for row in rows):
        return lines_of([["", "vecdb"]] + [[row.what, show_side(row.ours, row.show)] for row in rows])
    cells = [["", "vecdb", "beside it", "ratio, round by round"]]
    whole = all(row.ours.samples and row.other and row.other.samples for row in rows)
    if whole:
        cells[0] += ["CPU time and peak memory of vecdb", "and of what is beside it"]
    for row in rows:
        cells.append([row.what, show_side(row.ours, row.show)])
        if row.other is None:
            cells[-1] += ["–"] * (len(cells[0]) - 2)
            continue
        cells[-1] += [f"{row.other.name}: {show_side(row.other, row.show)}",
                      show_spread(row.ratios(), show_ratio)] + ([show_cost(row.ours), show_cost(row.other)] if whole else [])
    return lines_of(cells)


def goal_table(sections: list[Section], complete: bool) -> str:
    rows = {row.what: row for section in sections for row in section.rows}
    absent = {what: why for section in sections for what, why in section.absent.items()}
    cells = [["", "goal", "reached", "result"]]
    for what, goal in GOALS.items():
        if what not in rows:
            if complete and what not in absent:
                raise BenchError(f"{what}: this goal was neither measured nor explained")
            cells.append([what, str(goal), "not measured", absent.get(what, "was not asked for")])
            continue
        figure, show = rows[what].figure(), rows[what].show_figure
        result = "met" if goal.is_met(figure.median) else "**missed**"
        cells.append([what, str(goal), show_spread(figure, show), result])
    return lines_of(cells)


def shortfalls(row: Row) -> list[str]:
    """Where a peer does better, by time or by memory."""
    found, ratios = [], row.ratios()
    if ratios.median < 1:
        found.append(f"- {row.what}: vecdb is **behind**: {show_spread(ratios, show_ratio)} times as fast as "
                     f"{row.other.name}.")
    ours, other = row.ours.peak_memory(), row.other.peak_memory()
    if ours > other > 0:
        found.append(f"- {row.what}: vecdb needs **more memory** than {row.other.name} "
                     f"({ours / other:.2f} times its peak).")
    return found


def behind(sections: list[Section]) -> str:
    rows = [row for section in sections for row in section.rows if row.other and row.other_is_peer]
    lines = [line for row in rows for line in shortfalls(row)]
    return "\n".join(lines) or ("No row shows a peer that is faster, or, where memory was measured, one that needs "
                                "less of it.")


def machine_facts() -> str:
    fields = {}
    for line in Path("/proc/cpuinfo").read_text().split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        fields[key.strip()] = value.strip()
    flags = fields.get("flags", fields.get("Features", "")).split()
    told = ", ".join(f"{flag} {'yes' if flag in flags else 'no'}" for flag in TOLD_CPU_FLAGS)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = fields.get("model name", platform.machine())
    family = f" (family {fields['cpu family']}, model {fields['model']})" if "cpu family" in fields else ""
    return (f"- {model}{family}, {os.cpu_count()} processors: {told}\n"
            f"- {memory:.1f} GiB of memory\n"
            f"- {platform.system()} {platform.release()}")


def noise_note(share: float) -> str:
    percent = f"{share * 100:.0f} %"
    if share > NOISY_SHARE:
        return (f"Other programs took {percent} of the machine's processor time during the run: "
                "**read the ratios, not the seconds**, and not the last digits of either.")
    return f"Other programs took {percent} of the machine's processor time during the run."


def rounds_note(rounds: int, quick: bool) -> str:
    kind = "A quick run with less text, made to see that everything works: " if quick else ""
    return (f"{kind}{counted(rounds, 'round')} (where a section does not say otherwise) after one that is not counted: what a machine "
            "does once, such as hashing the model's file, falls into that one. A cell is the median [least … most] of "
            "the rounds, a ratio is taken within each round.")


def section_parts(section: Section) -> list[str]:
    absent = [f"Not measured: {what}: {why}." for what, why in section.absent.items()]
    rows = [table(section.rows)] if section.rows else []
    return [f"## {section.title}", *([section.text] if section.text else []), *rows, *absent]


def text(sections: list[Section], versions: list[str], rounds: int, quick: bool, complete: bool,
         other_load: float) -> str:
    parts = [
        "# Benchmarks",
        "Written by `scripts/bench/run.py` from what it measured; to repeat it:",
        "```sh\n./scripts/setup.sh --test\n./scripts/build.sh\n./scripts/bench/run.py\n```",
        "Stores of a million vectors are measured in [benchmarks-scale.md](benchmarks-scale.md).",
        "All figures are with the files in the page cache. The programs take turns, one at a time. "
        f"{rounds_note(rounds, quick)} Peak memory is the largest resident set of any round. " + noise_note(other_load),
        "## Goals", "A goal is about the median: of the ratios, or of vecdb's own figure. Those to other engines are about "
        "what these do with 32 texts a batch. Some do better in another setting: the section on the encoder has both.",
        goal_table(sections, complete),
        "## Where vecdb is behind", behind(sections),
        "## The machine", machine_facts(),
        "## Versions", "\n".join(f"- {line}" for line in versions)]
    for section in sections:
        parts += section_parts(section)
    return "\n\n".join(parts) + "\n"
