"""`ingest --jsonl`, `--prune` and `--dry-run`."""

import json
import os

import pytest
from conftest import SPEECH, assert_error
from test_overflow import model_with


def lines(*records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def chunks_of(vecdb, store, *uris):
    return [chunk for uri in uris
            for chunk in vecdb("--store", store, "show", "--json", uri).records]


def vectors_of(store):
    """All vectors of a store, in the order of their segments."""
    files = sorted((store / "segments").glob("*.faiss"))
    return b"".join(file.read_bytes()[82:] for file in files)


def test_split_piped_into_ingest_gives_the_same_store(vecdb):
    vecdb.write("bom.txt", b"\xef\xbb\xbfFirst part.\n\nSecond part.")
    other = vecdb.write("other.txt", "Alpha.\n\nBeta.\n\nGamma.")
    names = (SPEECH, vecdb.folder / "bom.txt", other)
    flags = ("--chunk-size", "300", "--chunk-overlap", "40", "--separator", "\n")
    vecdb("--store", "files", "ingest", *flags, *names)
    split = vecdb("split", *flags, *names).out
    result = vecdb("--store", "piped", "ingest", "--jsonl", "--json", "-", stdin=split)
    assert [r["status"] for r in result.records[:-1]] == ["added"] * 3
    assert chunks_of(vecdb, "piped", *names) == chunks_of(vecdb, "files", *names)
    assert vectors_of(vecdb.folder / "piped") == vectors_of(vecdb.folder / "files")
    assert vecdb("--store", "piped", "verify").code == 0


def test_the_same_chunks_again_change_nothing(vecdb):
    split = vecdb("split", SPEECH).out
    vecdb("ingest", "--jsonl", "-", stdin=split)
    assert vecdb("ingest", "--jsonl", "--json", "-", stdin=split).records[0]["status"] == "unchanged"


def test_records_of_other_programs_are_documents(vecdb):
    records = lines({"text": "First text.", "uri": "db:1", "meta": {"lang": "en", "n": 3}},
                    {"text": "Second text."},
                    {"text": "Third text.", "id": 7, "score": None})
    result = vecdb("ingest", "--jsonl", "--json", "--meta", "lang=xx", "--name", "feed", "-",
                   stdin=records)
    assert [r["uri"] for r in result.records[:-1]] == ["db:1", "feed:2", "feed:3"]
    metas = {r["uri"]: r["meta"] for r in vecdb("list", "--json").records}
    assert metas == {"db:1": {"lang": "en", "n": 3}, "feed:2": {"lang": "xx"},
                     "feed:3": {"lang": "xx"}}


def test_consecutive_chunks_of_one_uri_are_one_document(vecdb):
    def chunk(uri, text):
        return {"uri": uri, "chunk": 0, "start": 0, "text": text}
    records = lines(chunk("a", "one"), chunk("a", "two"), {"uri": "c", "text": "whole"},
                    chunk("b", "three"), chunk("b", "four"))
    assert vecdb("ingest", "--jsonl", "-", stdin=records).code == 0
    assert [(d["uri"], d["chunks"]) for d in vecdb("list", "--json").records] == [
        ("a", 2), ("b", 2), ("c", 1)]
    assert [c["text"] for c in vecdb("show", "--json", "b").records] == ["three", "four"]


def test_a_line_that_is_no_record_is_skipped_and_named(vecdb):
    vecdb.write("r.jsonl", '{"text":"good"}\n{"text":1}\nnot json\n[]\n{"uri":"x"}\n\n'
                           '{"text":"x","meta":[]}\n{"text":""}\n'
                           '{"text":"x","uri":"u","chunk":0,"start":-1}\n'
                           '{"text":"x","text":"y"}\n' + "[" * 200_000 + "\n")
    result = vecdb("ingest", "--jsonl", "--json", "r.jsonl")
    assert result.code == 1
    reasons = {r["uri"]: r["reason"] for r in result.records[:-1] if r["status"] == "skipped"}
    place = f"{vecdb.folder}/r.jsonl"
    assert list(reasons) == [f"{place}:{n}" for n in (2, 3, 4, 5, 7, 8, 9, 10, 11)]
    assert "text is not a string" in reasons[f"{place}:2"]
    assert "twice" in reasons[f"{place}:10"] and "deeper" in reasons[f"{place}:11"]
    assert len(vecdb("list").out.splitlines()) == 1


def test_prune_drops_only_what_is_gone_under_the_given_paths(vecdb):
    for name in ("d/a", "d/sub/b", "dd/c", "e"):
        vecdb.write(name, f"Text of {name}.")
    vecdb("ingest", "d", "dd", "e")
    vecdb("ingest", "--name", "d/stdin", "-", stdin="Some text.")
    for name in ("d/sub/b", "dd/c"):
        (vecdb.folder / name).unlink()
    vecdb("ingest", "d")
    assert len(vecdb("list").out.splitlines()) == 5
    result = vecdb("ingest", "--prune", "--json", "d")
    assert [(os.path.basename(r["uri"]), r["status"]) for r in result.records[:-1]] == [
        ("a", "unchanged"), ("b", "removed")]
    assert result.records[-1]["summary"]["removed"] == 1
    assert len(vecdb("list").out.splitlines()) == 4
    assert vecdb("verify").code == 0
    assert_error(vecdb("ingest", "--prune", "--jsonl", "-"), 2, "--prune")


def test_a_dry_run_says_what_would_happen_and_changes_nothing(vecdb):
    vecdb.write("a", "Text of a.")
    vecdb.write("b", "Text of b.")
    result = vecdb("ingest", "--dry-run", "--json", "a")
    assert result.records[0]["status"] == "added" and result.records[0]["chunks"] == 1
    assert not (vecdb.folder / ".vecdb").exists()
    vecdb("ingest", "a", "b")
    generation = vecdb("stats", "--json").records[0]["generation"]
    vecdb.write("a", "Other text.")
    (vecdb.folder / "b").unlink()
    result = vecdb("ingest", "--dry-run", "--prune", "--json", ".", LD_DEBUG="files")
    assert [r["status"] for r in result.records[:-1]] == ["changed", "removed"]
    assert "libtorch" not in result.err
    assert vecdb("stats", "--json").records[0]["generation"] == generation


def test_a_dry_run_refuses_what_the_real_run_would(vecdb):
    vecdb.write("a", "Text of a.")
    vecdb.write("mine/notes.txt", "x")
    assert_error(vecdb("--store", "mine", "ingest", "--dry-run", "a"), 5, "mine", "notes.txt")
    assert_error(vecdb("--model", "absent", "ingest", "--dry-run", "a"), 6, "absent")
    vecdb("--store", "s", "--precision", "f32", "ingest", "a")
    assert_error(vecdb("--store", "s", "--precision", "bf16", "ingest", "--dry-run", "a"), 2, "--precision")
    model_with(vecdb, window=16)
    assert_error(vecdb("--store", "s", "ingest", "--dry-run", "a"), 6, "changed", "all-MiniLM-L6-v2")
    assert sorted(os.listdir(vecdb.folder / "mine")) == ["notes.txt"]


def test_a_record_without_uri_is_named_after_its_file_however_that_was_typed(vecdb):
    vecdb.write("d/r.jsonl", lines({"text": "One."}, {"uri": "own", "text": "Two."}, {"text": "Three."}))
    first = vecdb("ingest", "--jsonl", "--json", "d/r.jsonl").records
    place = f"{vecdb.folder}/d/r.jsonl"
    assert [r["uri"] for r in first[:-1]] == [f"{place}:1", "own", f"{place}:3"]
    for name in ("./d/../d//r.jsonl", place):
        assert [r["status"] for r in vecdb("ingest", "--jsonl", "--json", name).records[:-1]] == ["unchanged"] * 3


@pytest.mark.parametrize("flags", [("--type", "csv"), ("--text-field", "body"), ("--encoding", "latin1"), ("--prune",)])
def test_a_flag_of_files_is_refused_with_records(vecdb, flags):
    assert_error(vecdb("ingest", "--jsonl", *flags, "-", stdin=lines({"text": "x"})), 2, flags[0], "--jsonl")


def test_a_folder_of_many_kinds_becomes_the_same_store_through_a_pipe(vecdb):
    vecdb.write("d/notes.md", "---\ntitle: Notes\n---\nThe bridge opens at noon.\n\nBoats wait.")
    vecdb.write("d/page.html", "<html lang=en><title>T</title><p>Caf&eacute; <b>open</b></p><p>Late.</p>")
    vecdb.write("d/table.csv", 'name,body\nx,"a ""quoted"" text"\ny,two\n')
    vecdb.write("d/rows.jsonl", '{"text":"one","k":1}\n{"text":"two","k":1}\n')
    vecdb.write("d/utf16.txt", "hello wörld".encode("utf-16"))
    flags = ("--chunk-size", "30")
    assert vecdb("--store", "direct", "ingest", *flags, "d").code == 0
    chunks = vecdb("split", "--json", *flags, "d").out
    assert vecdb("--store", "piped", "ingest", "--jsonl", "-", stdin=chunks).code == 0
    facts = ("type", "size", "mtime_ns")  # of the source, which is not at hand

    def answers(store):
        hits = vecdb("--store", store, "query", "-k", "99", "--json", "when does the bridge open").records
        return [{key: value for key, value in hit.items() if key not in facts} for hit in hits]

    assert len(answers("direct")) == 8 and answers("direct") == answers("piped")
    assert {"title": "Notes"} in [hit["meta"] for hit in answers("piped")]


def test_chunks_may_be_filtered_on_their_way_to_vectors(vecdb):
    vecdb.write("a.txt", "one\n\ntwo\n\nthree")
    chunks = vecdb("split", "--chunk-size", "3", "a.txt").out.splitlines(keepends=True)
    vectors = vecdb("encode", "--jsonl", stdin="".join(line for line in chunks if "two" not in line)).records
    assert [v["vector"] for v in vectors] == [
        vecdb("encode", stdin=text).records[0]["vector"] for text in ("one", "three")]


def test_a_bad_line_among_chunks_costs_that_chunk_alone(vecdb):
    vecdb.write("a.txt", "one\n\ntwo\n\nthree")
    chunks = vecdb("split", "--chunk-size", "5", "a.txt").out.splitlines(keepends=True)
    result = vecdb("ingest", "--jsonl", "--json", "-", stdin=chunks[0] + "{bad\n" + chunks[2])
    assert result.code == 1
    assert [r["status"] for r in result.records[:-1]] == ["skipped", "added"]
    assert [c["text"] for c in vecdb("show", "--json", "a.txt").records] == ["one", "three"]


def test_records_that_come_too_late_are_named(vecdb):
    records = lines({"text": "first", "uri": "u"}, {"text": "other", "uri": "v"},
                    {"text": "second", "uri": "u"})
    result = vecdb("ingest", "--jsonl", "--json", "-", stdin=records)
    assert result.code == 1 and result.records[-1]["summary"]["skipped"] == 1
    assert "u: skipped: comes twice; the first counts" in result.err
    assert vecdb("show", "--json", "u").records[0]["text"] == "first"


def test_ready_chunks_are_not_measured_against_a_size_they_were_not_split_to(vecdb):
    split = vecdb("split", "--chunk-size", "2000", SPEECH).out
    result = vecdb("ingest", "--jsonl", "--json", "--dry-run", "-", stdin=split)
    assert result.records[-1]["summary"]["oversize"] == 0 and "longer" not in result.err


def test_prune_drops_a_file_that_became_a_folder(vecdb):
    path = vecdb.write("d/f", "a file")
    vecdb("ingest", "d")
    path.unlink()
    vecdb.write("d/f/inner", "a file in a folder")
    vecdb("ingest", "--prune", "d")
    assert [r["uri"] for r in vecdb("list", "--json").records] == [str(path / "inner")]


def test_what_is_stored_of_a_file_that_is_skipped_now_stays_and_that_is_said(vecdb):
    path = vecdb.write("a.txt", "some text")
    vecdb("ingest", "a.txt")
    path.write_text("")
    assert "is empty; what was stored of it stays" in vecdb("ingest", "a.txt").err
    assert len(vecdb("list", "--json").records) == 1


def test_what_was_stored_before_an_error_is_told(vecdb):
    good = lines(*({"text": f"a text of its own, number {n}", "uri": f"u{n}"} for n in range(600)))
    result = vecdb("ingest", "--jsonl", "--json", "--strict", "-", stdin=good + "{bad\n")
    assert result.code == 5 and "--strict" in result.err
    stored = {r["uri"] for r in vecdb("list", "--json").records} if (vecdb.folder / ".vecdb").exists() else set()
    assert {r["uri"] for r in result.records if r.get("status") == "added"} == stored
