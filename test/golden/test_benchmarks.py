"""What scripts/bench/run.py says of its figures follows from them; no test here judges a time."""

import re
import subprocess
import sys
from array import array

import pytest
from conftest import PROGRAM, PROJECT, SPEECH

BENCH = PROJECT / "scripts" / "bench"
sys.path[:0] = [str(BENCH)]

import report  # noqa: E402
from encode_rates import least_cosine, same_work  # noqa: E402
from goals import GOALS, at_least, at_most  # noqa: E402
from instructions import costs_by_object  # noqa: E402
from measure import BenchError, Sample, Worker, interleave, run_process  # noqa: E402
from report import Row, Section, Side  # noqa: E402
from run import PARTS  # noqa: E402


def row(what, ours, other, memory=(1, 1), peer=True):
    sides = [Side(name, values, [Sample(value, value, size, "") for value in values])
             for name, values, size in (("vecdb", ours, memory[0]), ("the peer", other, memory[1]))]
    return Row(what, report.show_seconds, *sides, report.times_faster, other_is_peer=peer)


def line_about(what, sections, complete=False):
    line, = (line for line in report.goal_table(sections, complete).splitlines() if f"| {what} |" in line)
    return line


def help_of(script):
    return subprocess.run([sys.executable, BENCH / script, "--help"], capture_output=True, text=True, check=True).stdout


def test_the_script_tells_its_parts():
    assert all(part in help_of("run.py") for part in PARTS)


@pytest.mark.parametrize("script", ["encoder.py", "scale.py", "scan.py", "split.py", "tree.py"])
def test_the_other_scripts_find_what_they_share(script):
    assert "--rounds" in help_of(script)


def test_what_a_precision_loses_is_told_for_every_size_and_in_all():
    done = subprocess.run([sys.executable, BENCH / "retrieval.py", "--questions", "4", "--build", PROGRAM.parent, SPEECH],
                          capture_output=True, text=True, check=True)
    assert done.stdout.count(" passages of ") == 2 and done.stdout.count("\n  4 questions of ") == 5
    assert re.search(r"\nall 20 questions\n    bf16: [+-]0\.\d+ ± 0\.\d+\n    int8: [+-]0\.\d+ ± 0\.\d+\n$", done.stdout)


def test_the_document_shows_every_goal_and_no_other():
    text = (PROJECT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = text.split("\n## Goals\n")[1].split("\n## ")[0]
    lines = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert [(cells[0].removeprefix("| "), cells[1]) for cells in lines] == [(what, str(goal)) for what, goal in GOALS.items()]


@pytest.mark.parametrize(("goal", "value", "met"), [
    (at_least(3), 3.0, True), (at_least(3), 2.999, False), (at_most(0.9), 0.9, True), (at_most(0.9), 0.901, False)])
def test_a_goal_is_met_at_its_bound(goal, value, met):
    assert goal.is_met(value) is met


def test_a_goal_is_about_the_median_of_the_ratios_within_rounds():
    what = "ingest into an empty store"
    # Rounds of 10, 8 and 1 times: the medians of the sides alone would say 4.
    slow = Section("", "", [row(what, [1, 2, 10], [10, 16, 10])])
    assert "| 8.00 [1.00 … 10.00] | met |" in line_about(what, [slow])
    slow = Section("", "", [row(what, [1, 2, 10], [10, 15.9, 10])])
    assert "**missed**" in line_about(what, [slow])


def test_a_goal_that_was_not_measured_needs_a_reason():
    what = "encoder, int8 to bf16"
    explained = Section("", "", [], dict.fromkeys(GOALS, "no such instructions"))
    assert line_about(what, [explained], complete=True).endswith("| not measured | no such instructions |")
    assert "not measured" in line_about(what, [])
    with pytest.raises(BenchError, match="neither measured nor explained"):
        report.goal_table([Section("", "", [])], complete=True)


def test_the_document_says_where_a_peer_is_faster_or_smaller():
    told = report.behind([Section("", "", [
        row("slow", [2, 2], [1, 1]), row("large", [1, 1], [2, 2], memory=(300, 200)),
        row("good", [1, 1], [2, 2]), row("limit", [2, 2], [1, 1], peer=False)])])
    slow, large = told.splitlines()
    assert "slow: vecdb is **behind**: 0.50 times as fast as the peer" in slow
    assert "large: vecdb needs **more memory** than the peer (1.50 times its peak)" in large
    assert "No row" in report.behind([Section("", "", [row("good", [1], [2])])])


def test_rounds_take_turns_and_the_first_is_not_kept():
    order = []
    results = interleave(2, {name: lambda i, name=name: order.append((i, name)) or (i, name) for name in "ab"})
    assert order == [(i, name) for i in range(3) for name in "ab"]
    assert results == {name: [(1, name), (2, name)] for name in "ab"}
    assert interleave(2, {"warm": lambda i: i}, warm=True) == {"warm": [1, 2]}


def test_a_process_that_fails_stops_the_measurement():
    with pytest.raises(BenchError, match="exit 2: .*--nonsense"):
        run_process([PROGRAM, "--nonsense"], {})
    with pytest.raises(BenchError, match="exit 3: no model"), \
            Worker([sys.executable, "-c", "import sys; print('no model', file=sys.stderr); sys.exit(3)"], {}):
        pass


def test_a_worker_answers_line_by_line():
    code = "import sys\nprint('{\"texts\": 1}', flush=True)\nfor _ in sys.stdin: print('{\"seconds\": 0.5}', flush=True)"
    with Worker([sys.executable, "-c", code], {}) as worker:
        assert worker.facts == {"texts": 1}
        assert [worker.seconds(), worker.seconds()] == [0.5, 0.5]


def test_likeness_is_that_of_the_worst_text(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(array("f", [1, 0, 0, 2, 3, 4]).tobytes())
    other.write_bytes(array("f", [1, 0, 0, 2, 4, 3]).tobytes())
    assert least_cosine(one, other, 3) == pytest.approx(24 / 25)
    assert least_cosine(one, one, 3) == pytest.approx(1)
    with pytest.raises(BenchError, match="different sizes"):
        least_cosine(one, other, 4)


def test_engines_must_have_read_the_same():
    class Running:
        workers = {"a": type("A", (), {"facts": {"texts": 2, "tokens": 9}}), "b": type("B", (), {"facts": {"texts": 2, "tokens": 8}})}
    with pytest.raises(BenchError, match="different texts or tokens"):
        same_work(Running)


PROFILE = """version: 1
positions: line
events: Ir
summary: 65

ob=(1) /usr/bin/program
fn=(1) main
5 10
+2 5
cob=(2) /usr/lib/library.so
cfn=(2) work
calls=3 7
9 50
ob=(2)
fn=(2)
7 40
* 10
"""


def test_instructions_are_counted_where_they_are_and_not_where_they_are_called():
    assert costs_by_object(PROFILE) == {"/usr/bin/program": 15, "/usr/lib/library.so": 50}
