"""`--on-overflow`: what becomes of texts that are longer than the model's window."""

import html
import json
import os
import random
import re

import pytest
from conftest import PROGRAM, SPEECH, assert_error

MODEL = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"
WINDOW = 256
LONG = "".join(f"Sentence {i} tells of the number {i}.\n" for i in range(200))
CHOICES = ("warn", "split", "mean", "error")


def ingest(vecdb, *arguments, overflow="warn"):
    return vecdb("--precision", "f32", "ingest", "--json", "--on-overflow", overflow, *arguments)


def model_with(vecdb, **changes):
    """Has vecdb find the model with other settings than it was made with, as small-window."""
    folder = vecdb.folder / "home2" / "models" / "changed"
    folder.mkdir(parents=True)
    for file in MODEL.iterdir():
        if file.name != "model.json":
            os.symlink(file, folder / file.name)
    manifest = json.loads((MODEL / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(manifest | {"name": "changed"} | changes))
    vecdb.env |= {"VECDB_HOME": str(vecdb.folder / "home2"), "VECDB_MODEL": "changed"}


def encoded(vecdb, texts, *flags):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    result = vecdb("--precision", "f32", "encode", "--jsonl", *flags, stdin=lines)
    assert result.code == 0, result.err
    return result.records


def test_a_long_chunk_is_split_into_chunks_with_their_own_places(vecdb):
    path = vecdb.write("long", LONG)
    source = path.read_bytes()
    result = ingest(vecdb, "long", "--chunk-size", "5000", overflow="split")
    assert result.code == 0
    chunks = vecdb("show", "--json", "long").records
    assert len(chunks) > 5
    assert [c["chunk"] for c in chunks] == list(range(len(chunks)))
    assert "".join(c["text"] for c in chunks) == LONG.strip()
    for chunk in chunks:
        assert source[chunk["start"]:chunk["end"]].decode() == chunk["text"]
        assert chunk["line"] == source[:chunk["start"]].count(b"\n") + 1
        assert chunk["tokens"] <= WINDOW and chunk["fit"] == "split" and not chunk["truncated"]
    assert all(c["text"][-1].isspace() for c in chunks[:-1])
    summary = result.records[-1]["summary"]
    assert (summary["chunks"], summary["split"], summary["truncated"]) == (len(chunks), len(chunks), 0)
    assert vecdb("stats", "--json").records[0]["split"] == len(chunks)
    assert f"{len(chunks)} chunks made by splitting" in result.err
    assert vecdb("verify").code == 0


def test_a_part_has_the_vector_of_its_text(vecdb):
    vecdb.write("long", LONG)
    ingest(vecdb, "long", overflow="split")
    text = vecdb("show", "--json", "long#3").records[0]["text"]
    hit = vecdb("query", "-k", "1", "--json", text).records[0]
    assert (hit["chunk"], hit["score"]) == (3, 1.0)


def test_short_chunks_stay_as_they_are_beside_long_ones(vecdb):
    vecdb.write("mixed", "Short one.\n\n" + LONG + "\n\nShort two.")
    ingest(vecdb, "mixed", "--chunk-size", "20", overflow="split")
    chunks = vecdb("show", "--json", "mixed").records
    assert (chunks[0]["text"], chunks[0]["fit"]) == ("Short one.", "whole")
    assert (chunks[-1]["text"], chunks[-1]["fit"]) == ("Short two.", "whole")
    assert {c["fit"] for c in chunks[1:-1]} == {"split"}


def test_a_mean_is_the_parts_vectors_weighted_with_their_tokens(vecdb):
    numpy = pytest.importorskip("numpy")
    vecdb.write("long", LONG)
    ingest(vecdb, "long", overflow="split")
    parts = [chunk["text"] for chunk in vecdb("show", "--json", "long").records]
    records = encoded(vecdb, parts)
    mean = sum(r["tokens"] * numpy.array(r["vector"]) for r in records)
    mean /= numpy.linalg.norm(mean)
    one, two = encoded(vecdb, [LONG.strip(), "short"], "--on-overflow", "mean")
    assert numpy.abs(numpy.array(one["vector"]) - mean).max() < 1e-6
    assert one["truncated"] is False and one["tokens"] > WINDOW
    assert two == encoded(vecdb, ["", "short"])[1]
    result = ingest(vecdb, "long", overflow="mean")
    assert result.records[-1]["summary"]["averaged"] == 1
    (chunk,) = vecdb("show", "--json", "long").records
    assert (chunk["text"], chunk["fit"]) == (LONG.strip(), "averaged")
    (hit,) = vecdb("query", "--json", "--on-overflow", "mean", LONG.strip()).records
    assert hit["score"] == 1.0
    assert vecdb("stats", "--json").records[0]["averaged"] == 1


def test_error_skips_the_document_and_leaves_the_store_as_it_was(vecdb):
    vecdb.write("a", "Short text of a.")
    vecdb.write("b", "Short text of b.")
    ingest(vecdb, "a", "b")
    vecdb.write("a", LONG)
    vecdb.write("b", "Other text of b.")
    result = ingest(vecdb, "a", "b", overflow="error")
    assert result.code == 1
    statuses = {os.path.basename(r["uri"]): r for r in result.records[:-1]}
    assert statuses["b"]["status"] == "changed"
    assert statuses["a"]["status"] == "skipped"
    assert "tokens" in statuses["a"]["reason"] and str(WINDOW) in statuses["a"]["reason"]
    assert [c["text"] for c in vecdb("show", "--json", "a").records] == ["Short text of a."]
    assert [c["text"] for c in vecdb("show", "--json", "b").records] == ["Other text of b."]


def test_an_ingest_of_which_everything_is_refused_commits_nothing(vecdb):
    vecdb.write("a", "Short text.")
    ingest(vecdb, "a")
    before = vecdb("stats", "--json").records[0]
    vecdb.write("long", LONG)
    assert ingest(vecdb, "long", overflow="error").code == 1
    assert vecdb("stats", "--json").records[0] == before


@pytest.mark.parametrize("first", ("warn", "split", "mean"))
@pytest.mark.parametrize("second", CHOICES)
def test_another_choice_does_the_documents_again_that_it_affects(vecdb, first, second):
    vecdb.write("long", LONG)
    vecdb.write("short", "A short text.")
    ingest(vecdb, "long", "short", overflow=first)
    result = ingest(vecdb, "long", "short", overflow=second)
    statuses = [r["status"] for r in sorted(result.records[:-1], key=lambda r: r["uri"])]
    expected = "unchanged" if first == second else "skipped" if second == "error" else "changed"
    assert statuses == [expected, "unchanged"]


@pytest.mark.parametrize("overflow", ("split", "mean"))
def test_ready_chunks_become_the_same_store_as_files(vecdb, overflow):
    vecdb.write("long", "\ufeff" + LONG + "\n\n" + SPEECH.read_text())
    flags = ("--separator", "\n\n", "--chunk-size", "3000")
    ingest(vecdb, "--store", "files", *flags, "long", overflow=overflow)
    vecdb("--precision", "f32", "--store", "piped", "ingest", "--on-overflow", overflow, "--jsonl",
          "-", stdin=vecdb("split", *flags, "long").out)
    files, piped = (vecdb("--store", store, "show", "--json", "long").records
                    for store in ("files", "piped"))
    assert files == piped and any(c["fit"] != "whole" for c in files)
    vectors = [b"".join(f.read_bytes() for f in (vecdb.folder / store / "segments").iterdir())
               for store in ("files", "piped")]
    assert vectors[0] == vectors[1]


def test_parts_of_a_chunk_that_is_not_the_sources_own_text_have_its_whole_place(vecdb):
    """A ready chunk that covers more bytes than its text has."""
    record = {"uri": "u", "chunk": 0, "start": 10, "end": 9000, "line": 7, "text": LONG}
    vecdb("ingest", "--on-overflow", "split", "--jsonl", "-", stdin=json.dumps(record))
    chunks = vecdb("show", "--json", "u").records
    assert "".join(c["text"] for c in chunks) == LONG and len(chunks) > 5
    assert {(c["start"], c["end"], c["line"]) for c in chunks} == {(10, 9000, 7)}


def test_encode_reports_refuses_or_averages(vecdb):
    lines = f"short\n{LONG.replace(chr(10), ' ')}\n"
    result = vecdb("encode", stdin=lines)
    assert [r["truncated"] for r in result.records] == [False, True]
    assert "1 text longer than the model's window" in result.err
    assert_error(vecdb("encode", "--on-overflow", "error", stdin=lines), 5, "line 2", "tokens",
                 str(WINDOW), "--on-overflow")
    assert_error(vecdb("encode", "--on-overflow", "split", stdin=lines), 2, "--on-overflow", "mean")


def test_a_long_question_is_cut_with_a_warning_refused_or_averaged(vecdb):
    vecdb.write("a", "Short text.")
    ingest(vecdb, "a")
    question = " ".join(["question"] * 300)
    result = vecdb("query", "--json", question)
    assert "302 tokens" in result.err and result.code == 0
    assert_error(vecdb("query", "--on-overflow", "error", question), 2, "the question", "302",
                 str(WINDOW))
    result = vecdb("query", "--on-overflow", "error", "-", stdin=f"fine\n{question}\n")
    assert result.code == 2 and "line 2" in result.err
    mean = vecdb("query", "--json", "--on-overflow", "mean", question)
    assert mean.code == 0 and mean.err == ""
    assert_error(vecdb("query", "--on-overflow", "split", "x"), 2, "--on-overflow", "mean")


@pytest.mark.parametrize("text", [
    "x" * 3000, "漢字" * 700, "e\u0301" * 900, "👩‍👩‍👧" * 300, "a b " * 500 + "\u00ad" * 5000,
    " ".join("y" * 150 for _ in range(20)), "[SEP][CLS] " * 400,
], ids=lambda text: ascii(text[:4]))
@pytest.mark.parametrize("window", (3, 5, 64))
def test_hostile_texts_are_divided_to_the_smallest_window(vecdb, window, text):
    model_with(vecdb, window=window)
    path = vecdb.write("hostile", text)
    assert ingest(vecdb, "hostile", overflow="split").code == 0
    chunks = vecdb("show", "--json", "hostile").records
    assert "".join(c["text"] for c in chunks) == text.strip()
    assert all(c["tokens"] <= window for c in chunks)
    source = path.read_bytes()
    assert all(source[c["start"]:c["end"]].decode() == c["text"] for c in chunks)


def test_random_texts_are_divided_without_loss(vecdb):
    chance = random.Random(5)
    alphabet = ["a", "b", "Z", "9", ".", " ", "  ", "\n", "\r\n", "\t", "é", "e\u0301", "漢", "😀", "🇩🇪",
                "[UNK]", "\u200d", "\u3000", "x" * 120]
    texts = ["".join(chance.choices(alphabet, k=chance.randrange(1, 400))) for _ in range(40)]
    model_with(vecdb, window=16)
    records = "".join(json.dumps({"uri": f"t{i:02}", "text": "." + text}) + "\n"
                      for i, text in enumerate(texts))
    vecdb("ingest", "--no-strip", "--on-overflow", "split", "--separator", "none", "--chunk-size",
          "9999", "--jsonl", "-", stdin=records)
    for i, text in enumerate(texts):
        chunks = vecdb("show", "--json", f"t{i:02}").records
        assert "".join(c["text"] for c in chunks) == "." + text
        assert all(c["tokens"] <= 16 for c in chunks)


def test_the_prefix_counts(vecdb):
    model_with(vecdb, window=16, passage={"prefix": "a passage to be found: ", "task": ""})
    vecdb.write("long", " ".join(["word"] * 30))
    ingest(vecdb, "long", overflow="split")
    chunks = vecdb("show", "--json", "long").records
    room = 16 - encoded(vecdb, [""], "--passage")[0]["tokens"]
    assert [len(c["text"].split()) for c in chunks][0] == room
    assert all(c["tokens"] <= 16 for c in chunks)


def test_a_prefix_that_fills_the_window_is_refused(vecdb):
    model_with(vecdb, window=8, query={"prefix": "some words that are more than there is room for ", "task": ""})
    assert_error(vecdb("encode", stdin="x"), 6, "model.json", "prefix", "window")


def test_a_character_that_never_fits_is_told(vecdb):
    """Of a window of 3 tokens the prefix leaves 0 or 1; one character may take more."""
    model_with(vecdb, window=4, passage={"prefix": "a", "task": ""})
    vecdb.write("fine", "one two three four")
    assert ingest(vecdb, "fine", overflow="split").code == 0
    assert len(vecdb("show", "--json", "fine").records) == 4


@pytest.mark.parametrize("name, encoding", [("a.txt", "utf-16"), ("a.txt", "cp1252"), ("a.html", "utf-8"),
                                            ("a.html", "utf-16-le")])
def test_the_parts_of_a_chunk_have_their_own_places_in_any_source(vecdb, name, encoding):
    """Also where a chunk's text is by chance as long as its range."""
    lines = [f"Café number {i} has the déjà vu of {i}.\n" for i in range(200)]
    if name == "a.html":
        lines = [f"<b>Caf&eacute;</b> number {i} has\r\n   the <i>déjà</i> vu &amp; tea of {i}.<br>\n" for i in range(200)]
    source = "".join(lines).encode(encoding)
    vecdb.write(name, source)
    flags = ("--chunk-size", "100000", "--encoding", {"utf-16": "auto"}.get(encoding, encoding), name)
    (whole,) = vecdb("split", *flags).records
    assert ingest(vecdb, *flags, overflow="split").code == 0
    chunks = vecdb("show", "--json", name).records
    assert len(chunks) > 5 and "".join(c["text"] for c in chunks) == whole["text"]
    decoder = {"utf-16": "utf-16-le"}.get(encoding, encoding)

    def words(text):
        return html.unescape(re.sub(r"<[^>]*>", "", text)).split()

    for chunk in chunks:
        place = source[chunk["start"]:chunk["end"]].decode(decoder)
        assert words(place) == chunk["text"].split()
        assert chunk["line"] == source[:chunk["start"]].decode(decoder, "ignore").count("\n") + 1
    assert chunks[0]["start"] == whole["start"] and chunks[-1]["end"] == whole["end"]
