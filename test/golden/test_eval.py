"""`eval`: the measures of BEIR, beside Python's own computation over the vectors that `encode` prints."""

import json
import math
import os
import shutil
import signal
import subprocess
import time
from operator import mul

import pytest
from conftest import DATA, assert_error

BEIR = DATA / "beir"
HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def beir(vecdb):
    """The program, beside its own copy of the data; what is temporary goes into a folder that can be looked at."""
    shutil.copytree(BEIR, vecdb.folder / "beir")
    (vecdb.folder / "tmp").mkdir()
    vecdb.env |= {"TMPDIR": str(vecdb.folder / "tmp")}
    vecdb.data = vecdb.folder / "beir"
    yield vecdb
    assert not list((vecdb.folder / "tmp").iterdir()), "a temporary store was left"


def records_of(name: str) -> dict[str, dict]:
    return {record["_id"]: record for record in map(json.loads, (BEIR / name).read_text().splitlines())}


def judgements_of(split: str) -> dict[str, dict[str, int]]:
    judged = {}
    for line in (BEIR / "qrels" / f"{split}.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        judged.setdefault(query, {})[document] = int(score)
    return judged


def vectors_of(program, texts: list[str], role: str) -> list[list[float]]:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    encoded = program("--precision", "f32", "encode", "--jsonl", role, stdin=lines)
    assert encoded.code == 0, encoded.err
    return [record["vector"] for record in encoded.records]


def rankings(program, flags: list[str]) -> dict[str, list[tuple[str, float]]]:
    """Every document with every judged query: the best chunk decides; equal scores as trec_eval orders them."""
    ids = {}
    for number, (name, record) in enumerate(records_of("corpus.jsonl").items()):
        text = " ".join(filter(None, (record.get("title"), record["text"])))
        if text.strip():
            ids[str(program.write(f"texts/{number}.txt", text))] = name
    chunks = program("split", "--json", *flags, program.folder / "texts").records
    vectors = vectors_of(program, [chunk["text"] for chunk in chunks], "--passage")
    queries = {name: records_of("queries.jsonl")[name]["text"] for name in judgements_of("test")}
    ranked = {}
    for name, question in zip(queries, vectors_of(program, list(queries.values()), "--query"), strict=True):
        best = {}
        for chunk, vector in zip(chunks, vectors, strict=True):
            score = math.fsum(map(mul, question, vector))
            best[ids[chunk["uri"]]] = max(score, best.get(ids[chunk["uri"]], -2))
        best.pop(name, None)
        ranked[name] = sorted(best.items(), key=lambda each: (each[1], each[0].encode()), reverse=True)
    return ranked


def gain(scores: list[int]) -> float:
    return sum(max(score, 0) / math.log2(rank + 1) for rank, score in enumerate(scores, 1))


def means(ranked: dict[str, list[tuple[str, float]]], k: int) -> dict[str, float]:
    sums = {"ndcg": 0.0, "recall": 0.0, "mrr": 0.0}
    judged = judgements_of("test")
    for query, judgements in judged.items():
        relevant = {name for name, score in judgements.items() if score > 0}
        found = [name for name, _ in ranked[query]]
        if relevant:
            sums["ndcg"] += gain([judgements.get(name, 0) for name in found]) / gain(
                sorted(judgements.values(), reverse=True)[:k])
            sums["recall"] += len(relevant & set(found)) / len(relevant)
            sums["mrr"] += max((1 / rank for rank, name in enumerate(found, 1) if name in relevant), default=0)
    return {name: value / len(judged) for name, value in sums.items()}


def run_of(path) -> dict[str, list[tuple[str, float]]]:
    """A TREC run, whose ranks count from 1 and whose scores fall."""
    ranked = {}
    for line in path.read_text().splitlines():
        query, q0, document, rank, score, tag = line.split(" ")
        found = ranked.setdefault(query, [])
        found.append((document, float(score)))
        assert (q0, int(rank), tag) == ("Q0", len(found), "vecdb")
        assert len(found) == 1 or found[-2][1] >= found[-1][1]
    return ranked


FLAGS = {
    "whole documents": [],
    "many chunks": ["--chunk-size", "80"],
    "recursive": ["--splitter", "recursive", "--chunk-size", "60", "--chunk-overlap", "20"],
    "tokens": ["--splitter", "sentence", "--length", "tokens", "--chunk-size", "20"],
}


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_the_measures_are_those_that_python_computes(beir, flags):
    everything = rankings(beir, flags)
    for k in (1, 2, 3, 10, 100):
        run = beir.folder / f"run{k}.txt"
        result = beir("--store", "kept", "--precision", "f32", "eval", "beir", "--json", "-k", str(k), "--run", run,
                      *flags)
        assert result.code == 0, result.err
        [figures] = result.records
        wanted = {query: ranked[:k] for query, ranked in everything.items()}
        found = run_of(run)
        assert {query: [name for name, _ in ranked] for query, ranked in found.items()} == {
            query: [name for name, _ in ranked] for query, ranked in wanted.items()}
        for query, ranked in found.items():
            assert [score for _, score in ranked] == pytest.approx([score for _, score in wanted[query]], abs=1e-7)
        for name, value in means(wanted, k).items():
            assert figures[name] == pytest.approx(value, abs=1e-9), name


def test_the_figures_say_what_was_measured(beir):
    result = beir("eval", "beir", "--json", "--precision", "f32", "--chunk-size", "80")
    [figures] = result.records
    assert list(figures) == ["dataset", "split", "documents", "skipped", "chunks", "truncated", "queries", "k", "ndcg",
                             "recall", "mrr", "model", "fingerprint", "precision", "dimension", "exact", "splitter"]
    counts = {name: figures[name] for name in ("dataset", "split", "documents", "skipped", "truncated", "queries", "k")}
    assert counts == {"dataset": "beir", "split": "test", "documents": 19, "skipped": 1, "truncated": 0, "queries": 9,
                      "k": 10}
    made = {name: figures[name] for name in ("model", "precision", "dimension", "exact")}
    assert made == {"model": "all-MiniLM-L6-v2", "precision": "f32", "dimension": 384, "exact": True}
    assert figures["splitter"] == {"splitter": "character", "separator": "\n\n", "regex": False, "keep_separator": "no",
                                   "strip": True, "chunk_size": 80, "chunk_overlap": 0}
    assert 25 < figures["chunks"] < 40 and len(figures["fingerprint"]) == 64
    shown = beir("eval", "beir", "--precision", "f32", "--chunk-size", "80")
    rows = [line.split(None, 1) for line in shown.out.splitlines()]
    assert [name for name, _ in rows] == ["dataset", "split", "documents", "skipped", "chunks", "truncated", "queries",
                                          "model", "precision", "splitter", "nDCG@10", "recall@10", "MRR@10"]
    assert dict(rows)["nDCG@10"] == f"{figures['ndcg']:.4f}"
    assert dict(rows)["recall@10"] == f"{figures['recall']:.4f}"
    assert dict(rows)["MRR@10"] == f"{figures['mrr']:.4f}"
    assert dict(rows)["splitter"] == "character, 80 characters, overlap 0"


def test_what_counts_in_silence_elsewhere_is_told(beir):
    with (beir.data / "qrels" / "test.tsv").open("a") as file:
        file.write("q9\tferry\t2\nq9\tferry\t2\n")
    told = beir("eval", "beir").err
    assert "1 judgement with another score than the same before: the last counts" in told
    assert "1 judgement of a document that is not in the corpus: as not found" in told
    assert "1 query without a relevant document: as 0, in the means too" in told
    assert "blank: skipped: " in told
    assert beir("--quiet", "eval", "beir").err.splitlines() == [
        line for line in told.splitlines() if "blank: skipped: " in line]


def test_another_split_has_its_own_queries(beir):
    [figures] = beir("eval", "beir", "--split", "dev", "--json").records
    assert (figures["split"], figures["queries"], figures["recall"]) == ("dev", 2, 1)


def test_a_store_of_its_own_is_filled_once(beir):
    first = beir("--store", "kept", "eval", "beir", "--json")
    assert "18 added" in first.err
    again = beir("eval", "beir", "--json", "--store", "kept")
    assert again.out == first.out and "0 added, 0 changed, 18 unchanged" in again.err
    one = beir("eval", "beir", "--json", "--store", "kept", "-k", "1").records[0]
    assert one["k"] == 1 and one["recall"] < first.records[0]["recall"]
    assert beir("--store", "kept", "verify").code == 0
    smaller = ["eval", "beir", "--json", "--chunk-size", "80"]
    assert beir(*smaller, "--store", "kept").out == beir(*smaller).out


def test_an_index_of_the_store_is_measured(beir):
    exact = beir("--store", "kept", "eval", "beir", "--json", "--chunk-size", "80").records[0]
    assert beir("--store", "kept", "compact", "--index", "ivf").code == 0
    found = {flags: beir("--store", "kept", "eval", "beir", "--json", "--chunk-size", "80", *flags).records[0]
             for flags in [("--nprobe", "1"), ("--recall", "1")]}
    assert found["--recall", "1"] == exact
    assert found["--nprobe", "1"]["exact"] is False
    assert found["--nprobe", "1"]["ndcg"] <= exact["ndcg"]


def test_only_the_flag_names_a_store(beir):
    beir.write("note.txt", "A note of my own.")
    assert beir("ingest", "note.txt").code == 0
    before = beir("list").out
    beir.write("config.toml", f"store = {beir.folder / '.vecdb'}\n")
    for env in ({}, {"VECDB_STORE": str(beir.folder / ".vecdb")}, {"VECDB_CONFIG": str(beir.folder / "config.toml")}):
        assert beir("eval", "beir", **env).code == 0
        assert beir("list").out == before


def test_a_store_that_holds_other_documents_is_refused_and_left_alone(beir):
    beir.write("note.txt", "A note of my own.")
    assert beir("ingest", "note.txt").code == 0
    before = beir("list", "--json").out
    assert_error(beir("-q", "--store", ".vecdb", "eval", "beir"), 5, "note.txt", "not of this corpus")
    assert beir("list", "--json").out == before


def test_a_document_that_is_refused_now_is_not_found_as_it_was_stored(beir):
    corpus = beir.data / "corpus.jsonl"
    long = {"_id": "long", "text": "Why does the sea rise and fall? " * 60}
    corpus.write_text(corpus.read_text() + json.dumps(long) + "\n")
    refusing = ["eval", "beir", "--json", "--chunk-size", "3000", "--on-overflow", "error"]
    fresh = beir(*refusing)
    assert fresh.records[0]["skipped"] == 2 and fresh.records[0]["truncated"] == 0
    warning = beir("--store", "kept", "eval", "beir", "--json", "--chunk-size", "3000")
    assert warning.records[0]["truncated"] == 1 and warning.records[0]["ndcg"] < fresh.records[0]["ndcg"]
    assert beir(*refusing, "--store", "kept").out == fresh.out


def test_a_long_question_is_cut_averaged_or_refused(beir):
    queries = beir.data / "queries.jsonl"
    queries.write_text(queries.read_text().replace("Why does the sea", "Why does the sea " * 300))
    assert "1 question longer than the model's window" in beir("eval", "beir").err
    assert "1 question longer" in beir("eval", "beir", "--on-overflow", "split").err
    assert "question longer" not in beir("eval", "beir", "--on-overflow", "mean").err
    refused = beir("eval", "beir", "--on-overflow", "error")
    assert (refused.code, refused.out) == (2, "")
    assert 'the query "moon": has ' in refused.err


def test_line_ends_and_blank_lines_change_nothing(beir):
    plain = beir("eval", "beir", "--json")
    for path in [*beir.data.glob("*.jsonl"), *beir.data.glob("qrels/*.tsv")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert beir("eval", "beir/", "--json").out == plain.out


def test_threads_change_nothing(beir):
    assert len({beir("--threads", threads, "eval", "beir", "--json").out for threads in ("1", "3")}) == 1


def test_a_run_file_takes_the_place_of_nothing(beir):
    assert_error(beir("-q", "eval", "beir", "--run", "beir/corpus.jsonl"), 5, "corpus.jsonl", "is there already")
    assert_error(beir("-q", "eval", "beir", "--run", "none/run.txt"), 5, "none/run.txt")
    assert_error(beir("-q", "eval", "beir", "--run", "/dev/stdout"), 5, "/dev/stdout")
    assert_error(beir("-q", "eval", "beir", "--split", "dev", "--run", "run.txt"), 5, '"q 10"', "white space")
    assert not list(beir.folder.glob("*run*"))


def appended(name: str, line: str):
    def change(data):
        with (data / name).open("a") as file:
            file.write(line + "\n")
    return change


def written(name: str, text: str | bytes):
    return lambda data: (data / name).write_bytes(text.encode() if isinstance(text, str) else text)


BAD = {
    "no corpus": (lambda data: (data / "corpus.jsonl").unlink(), ["beir/corpus.jsonl: cannot open"]),
    "no queries": (lambda data: (data / "queries.jsonl").unlink(), ["beir/queries.jsonl: cannot open"]),
    "no qrels": (lambda data: shutil.rmtree(data / "qrels"), ["beir/qrels/test.tsv: cannot open"]),
    "no such split": (lambda data: (data / "qrels/test.tsv").unlink(), ["test.tsv: is not there", "one of: dev"]),
    "a folder for a file": (lambda data: ((data / "corpus.jsonl").unlink(), (data / "corpus.jsonl").mkdir()),
                            ["corpus.jsonl: is a folder"]),
    "a FIFO for a file": (lambda data: ((data / "queries.jsonl").unlink(), os.mkfifo(data / "queries.jsonl")),
                          ["queries.jsonl: is a FIFO"]),
    "broken JSON": (appended("corpus.jsonl", '{"_id":"x","text":'), ["corpus.jsonl:20: "]),
    "no object": (appended("queries.jsonl", "[]"), ["queries.jsonl:12: is not a JSON object"]),
    "no id": (appended("corpus.jsonl", '{"text":"t"}'), ["corpus.jsonl:20: ", '"_id"']),
    "a number as id": (appended("queries.jsonl", '{"_id":1,"text":"t"}'), ["queries.jsonl:12: ", "not a string"]),
    "no text": (appended("corpus.jsonl", '{"_id":"x"}'), ["corpus.jsonl:20: ", '"text"']),
    "an id twice": (appended("corpus.jsonl", '{"_id":"tea","text":"t"}'), ["corpus.jsonl:20: ", '"tea" comes twice']),
    "a query twice": (appended("queries.jsonl", '{"_id":"q1","text":"t"}'), ["queries.jsonl:12: ", "comes twice"]),
    "not UTF-8": (written("queries.jsonl", b'{"_id":"q1","text":"\xff"}'), ["queries.jsonl:1: "]),
    "an empty corpus": (written("corpus.jsonl", "\n"), ["corpus.jsonl: holds no document"]),
    "no judgement": (written("qrels/test.tsv", HEADER), ["test.tsv: holds no judgement"]),
    "no header": (written("qrels/test.tsv", "q1\ttea\t1\n"), ["test.tsv:1: is a judgement, not a header"]),
    "too few fields": (appended("qrels/test.tsv", "q1\ttea"), ["test.tsv:21: has 2 fields, not 3"]),
    "TREC's own qrels": (written("qrels/test.tsv", "q1 0 tea 1\n"), ["test.tsv:1: has 1 field, not 3"]),
    "a fraction": (appended("qrels/test.tsv", "q1\ttea\t0.5"), ['test.tsv:21: the score "0.5" is not a whole number']),
    "an unknown query": (appended("qrels/test.tsv", "q99\ttea\t1"), ['test.tsv:21: the query "q99" is not in']),
}


@pytest.mark.parametrize("change, words", BAD.values(), ids=BAD)
def test_bad_data_is_told_with_its_place_before_anything_is_encoded(beir, change, words):
    change(beir.data)
    assert_error(beir("--store", "kept", "eval", "beir"), 5, *words)
    assert not (beir.folder / "kept").exists()


def test_bad_flags_and_places_are_told(beir):
    assert_error(beir("eval"), 2, "DIR")
    assert_error(beir("eval", "beir", "more"), 2, "more")
    assert_error(beir("eval", "none"), 5, "none/qrels/test.tsv")
    assert_error(beir("eval", "beir", "-k", "0"), 2, "-k 0")
    assert_error(beir("eval", "beir", "--regex", "--separator", "("), 2, "--separator")
    assert_error(beir("-q", "eval", "beir", "--model", "none"), 6, "none")
    assert_error(beir("eval", "beir", "--splt", "dev"), 2, "--split")
    beir.write("full/file", "")
    assert_error(beir("-q", "--store", "full", "eval", "beir"), 5, "full")
    assert_error(beir("-q", "eval", "beir", TMPDIR=str(beir.folder / "none")), 5, "TMPDIR")


def test_ids_may_be_any_text(beir):
    ids = ["-", "a/../b", "a#0", "new\nline", "\t", "\u0000", "'; drop table", "é", " "]
    beir.write("odd/corpus.jsonl", "".join(json.dumps({"_id": name, "text": f"Sentence {n}."}) + "\n"
                                           for n, name in enumerate(ids)))
    beir.write("odd/queries.jsonl", "".join(json.dumps({"_id": f"q{name}", "text": f"Sentence {n}."}) + "\n"
                                            for n, name in enumerate(ids)))
    quoted = [name.replace('"', '""') for name in ids]
    beir.write("odd/qrels/test.tsv", HEADER + "".join(f'"q{name}"\t"{name}"\t1\n' for name in quoted))
    [figures] = beir("eval", "odd", "--json").records
    assert (figures["chunks"], figures["queries"], figures["ndcg"], figures["mrr"]) == (len(ids), len(ids), 1, 1)


def large(program, documents: int):
    texts = (f"The {n}th sentence is about the number {n * n} and little else. " * 8 for n in range(documents))
    program.write("large/corpus.jsonl", "".join(json.dumps({"_id": str(n), "text": text}) + "\n"
                                                for n, text in enumerate(texts)))
    program.write("large/queries.jsonl", '{"_id":"q","text":"the number nine"}\n')
    program.write("large/qrels/test.tsv", HEADER + "q\t3\t1\n")


def test_progress_is_shown_while_the_corpus_is_stored(beir):
    large(beir, 60)
    shown = beir("--progress=plain", "eval", "large").err
    assert " of 60 documents, " in shown


def test_a_stdout_that_is_full_or_goes_away_leaves_nothing_either(beir):
    with open("/dev/full", "w") as full:
        running = beir.popen("-q", "eval", "beir", stdout=full, stderr=subprocess.PIPE)
        assert b"stdout" in running.communicate(timeout=60)[1] and running.returncode == 5
    running = beir.popen("-q", "eval", "beir", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    running.stdout.close()
    assert running.wait(timeout=60) == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_soon_and_leaves_nothing(beir, sent):
    large(beir, 20_000)
    running = beir.popen("eval", "large", "--run", "run.txt", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list((beir.folder / "tmp").glob("*/HEAD")):
        assert running.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    begun = time.monotonic()
    running.send_signal(sent)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 128 + sent and out == b""
    assert time.monotonic() - begun < 2 * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
    assert b"interrupted" not in err, "that something is stored, which is gone"
    assert not list(beir.folder.glob("run.txt*"))


def test_an_interrupted_corpus_is_gone_on_with(beir):
    large(beir, 600)
    running = beir.popen("--store", "kept", "eval", "large", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list((beir.folder / "kept").glob("segments/*")):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130 and b"interrupted: what is counted above is stored" in err
    stored = len(beir("--store", "kept", "list").out.splitlines())
    assert stored > 0
    done = beir("--store", "kept", "eval", "large")
    assert done.code == 0 and f"{stored:,} unchanged" in done.err
