"""`dedup`: groups of passages that say nearly the same, beside the rule written down in NumPy."""

import json
import os
import signal
import subprocess
import time

import pytest
from conftest import SPEECH, assert_error, many_chunks
from test_similar import Exported

numpy = pytest.importorskip("numpy")

TEXTS = {
    "a.txt": "Bees live in hives.\n\nAnts live in hills.\n\nWasps build nests of paper.",
    "b.txt": "Ants live in hills.\n\nBees live in hives!",
    "c.txt": "A bridge opens at noon.\n\nAnts live in hills.\n\nThe bridge opens at noon.",
    "d.txt": "Coffee wants it a little cooler.",
}
SPLITTING = ("--chunk-size", "30", "--separator", "\n\n")


@pytest.fixture
def stored(vecdb):
    for name, text in TEXTS.items():
        vecdb.write(name, text)
    assert vecdb("ingest", *SPLITTING, *TEXTS).code == 0
    return vecdb


def by_the_rule(vecdb, threshold):
    """place of a duplicate -> place of what is kept, score."""
    exported = Exported(vecdb)
    kept, nearest = [], {}
    for place in sorted(exported.places):
        (vector,), _ = exported.of(*place)
        scores = [1.0 if (vector == each).all() else min(1.0, vector @ each) for _, each in kept]
        best = max(scores, default=-1)
        if best >= threshold:
            nearest[place] = kept[scores.index(best)][0], best
        else:
            kept.append((place, vector))
    return nearest


def found_by(result):
    assert result.code == 0, result.err
    kept, nearest = {}, {}
    for line in result.records:
        place = line["uri"], line["chunk"]
        if line["kept"]:
            assert line["score"] == 1 and line["group"] == len(kept) + 1
            kept[line["group"]] = place
        else:
            nearest[place] = kept[line["group"]], line["score"]
    return nearest


def assert_by_the_rule(vecdb, threshold, *flags):
    expected = by_the_rule(vecdb, threshold)
    found = found_by(vecdb("dedup", "--threshold", str(threshold), "--json", *flags))
    assert {place: kept for place, (kept, _) in found.items()} == {place: kept for place, (kept, _) in expected.items()}
    assert all(abs(score - expected[place][1]) < 2e-7 for place, (_, score) in found.items())
    return found


def test_groups_are_those_of_the_rule(stored):
    stored.write("many.txt", many_chunks("text", 200))
    assert stored("ingest", "--chunk-size", "20", "many.txt", SPEECH).code == 0
    for threshold in (0, 0.3, 0.6, 0.8, 0.95, 0.99, 1):
        assert assert_by_the_rule(stored, threshold) or threshold > 0.99
    assert stored("compact", "--index", "ivf").code == 0
    assert stored("delete", "c.txt").code == 0
    assert_by_the_rule(stored, 0.8)
    assert_by_the_rule(stored, 0.8, "--threads", "1")


def test_a_line_holds_group_score_and_place(stored):
    lines = stored("dedup", "--json").records
    assert list(lines[0]) == ["group", "kept", "score", "uri", "chunk", "start", "end", "line", "text", "meta"]
    ants = [line for line in lines if line["text"] == "Ants live in hills."]
    assert [(line["group"], line["kept"], line["score"], os.path.basename(line["uri"]), line["chunk"]) for line in ants] == [
        (ants[0]["group"], True, 1, "a.txt", 1), (ants[0]["group"], False, 1, "b.txt", 0),
        (ants[0]["group"], False, 1, "c.txt", 1)]


def test_text_is_for_eyes(stored):
    result = stored("dedup", "--threshold", "1")
    a, b, c = (stored.folder / name for name in ("a.txt", "b.txt", "c.txt"))
    assert result.out == (f"1  kept    {a}:3\nAnts live in hills.\n\n1  1.0000  {b}:1\nAnts live in hills.\n\n"
                          f"1  1.0000  {c}:3\nAnts live in hills.\n\n")
    assert result.err == ("vecdb: 2 of 9 chunks are near-duplicates, in 1 group; 0 documents with nothing else\n")
    assert stored("-q", "dedup", "--threshold", "1").err == ""


def test_documents_that_hold_nothing_new_can_be_deleted(stored):
    paths = stored("dedup", "--format", "paths")
    assert paths.out == f"{stored.folder}/b.txt\n"
    before = Exported(stored)
    assert stored("delete", *paths.out.splitlines()).code == 0
    left = Exported(stored)
    assert len(left.places) == len(before.places) - 2
    assert ((before.vectors @ left.vectors.T).max(axis=1) >= 0.95 - 1e-6).all()
    assert stored("dedup", "--format", "paths").out == ""


def test_a_document_that_repeats_itself_only_is_not_among_them(vecdb):
    vecdb.write("a.txt", "\n\n".join(["The same words again and again."] * 5))
    assert vecdb("ingest", "--chunk-size", "31", "a.txt").code == 0
    assert len(vecdb("dedup", "--json").records) == 5
    assert vecdb("dedup", "--format", "paths").out == ""


def test_the_order_of_ingesting_and_the_number_of_threads_make_no_difference(vecdb):
    for name, text in TEXTS.items():
        vecdb.write(name, text)
    outputs = set()
    for store, names in (("one", list(TEXTS)), ("two", list(TEXTS)[::-1])):
        for name in names:
            assert vecdb("--store", store, "ingest", name, *SPLITTING).code == 0
        for threads in ("1", "2", "7"):
            outputs.add(vecdb("--store", store, "--threads", threads, "dedup", "--json", "--threshold", "0.6").out)
    assert len(outputs) == 1


def test_a_filter_lets_only_some_be_compared(stored):
    places = {line["uri"] for line in stored("dedup", "--json", "--filter", 'name in ("b.txt", "c.txt")').records}
    assert {os.path.basename(uri) for uri in places} == {"b.txt", "c.txt"}
    assert stored("dedup", "--format", "paths", "--filter", 'name = "b.txt"').out == ""
    unknown = stored("dedup", "--filter", "lang = en")
    assert unknown.code == 0 and unknown.out == "" and '"lang"' in unknown.err


def test_nothing_found_is_no_failure(vecdb):
    vecdb.write("a.txt", "Alone.")
    assert vecdb("ingest", "a.txt").code == 0
    for format in ("text", "json", "paths"):
        result = vecdb("dedup", "--format", format)
        assert (result.code, result.out) == (0, "") and result.err.startswith("vecdb: 0 of 1 chunk")
    assert vecdb("delete", "a.txt").code == 0
    assert vecdb("dedup").code == 0


def test_wrong_values_and_stores_are_refused(stored):
    for threshold in ("-0.1", "1.01", "x", "", "nan"):
        assert_error(stored("dedup", "--threshold", threshold), 2, "--threshold")
    assert_error(stored("dedup", "--format", "vimgrep"), 2, "--format")
    assert_error(stored("dedup", "more"), 2, "more")
    assert_error(stored("--store", "none", "dedup"), 5, "none", "holds no vecdb store")
    (segment,) = (stored.folder / ".vecdb" / "segments").glob("*.faiss")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    assert_error(stored("dedup"), 3, segment.name)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_soon(vecdb, sent):
    count = 40_000
    vectors = numpy.random.default_rng(1).standard_normal((count, 384)).astype("float32")
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    numpy.save(vecdb.folder / "v.npy", vectors)
    vecdb.write("l.jsonl", "".join(json.dumps({"uri": f"d{i}", "chunk": 0, "start": 0, "end": 1, "line": 1, "text": f"t {i}"}) + "\n"
                                   for i in range(count)))
    assert vecdb("import", "l.jsonl", "--vectors", "v.npy", "--trust-vectors").code == 0
    dedup = vecdb.popen("dedup", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    assert dedup.poll() is None
    begun = time.monotonic()
    dedup.send_signal(sent)
    out, _ = dedup.communicate(timeout=60)
    assert dedup.returncode == 128 + sent and out == b""
    assert time.monotonic() - begun < 2 * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
