import json
import os
import re
from pathlib import Path

import pytest
from conftest import DATA, PROGRAM, QUESTION, SPEECH, assert_error, many_chunks


def test_the_original_example_gives_its_ten_passages_in_order(vecdb, speech_store):
    expected = json.loads((DATA / "seed_example.json").read_text())
    hits = vecdb("query", "--store", speech_store, "-k", "10", "--json", expected["query"]).records
    assert [hit["chunk"] for hit in hits] == [top["chunk"] for top in expected["top"]]
    assert [hit["rank"] for hit in hits] == list(range(1, 11))
    for hit, top in zip(hits, expected["top"]):
        assert abs(hit["score"] - top["cosine"]) < 1e-5
        assert abs(hit["distance"] - top["l2sq"]) < 1e-5


def test_a_hit_names_its_place_in_the_source(vecdb, speech_store):
    hit = vecdb("query", "--store", speech_store, "-k", "1", "--json", QUESTION).records[0]
    source = SPEECH.read_bytes()
    assert list(hit) == ["query", "rank", "score", "distance", "uri", "chunk", "start", "end",
                         "line", "text", "meta", "type", "size", "mtime_ns"]
    assert hit["uri"] == str(SPEECH)
    assert source[hit["start"]:hit["end"]].decode() == hit["text"]
    assert source[:hit["start"]].count(b"\n") + 1 == hit["line"]
    assert hit["query"] == QUESTION
    assert hit["meta"] == {}


def test_flags_stand_before_or_after_the_command(vecdb, speech_store):
    before = vecdb("--store", speech_store, "--json", "query", QUESTION)
    after = vecdb("query", QUESTION, "--json", "--store", speech_store)
    assert before.code == 0 and before.out == after.out


def test_k_defaults_to_four_and_may_exceed_the_store(vecdb, speech_store):
    assert len(vecdb("query", "--store", speech_store, "--json", QUESTION).records) == 4
    assert len(vecdb("query", "--store", speech_store, "-k", "1000", "--json", QUESTION).records) == 42


def test_min_score_leaves_out_what_is_farther(vecdb, speech_store):
    hits = vecdb("query", "--store", speech_store, "--min-score", "0.17", "--json", QUESTION).records
    assert [hit["chunk"] for hit in hits] == [31, 0]


def test_nothing_found_is_exit_code_1(vecdb, speech_store):
    result = vecdb("query", "--store", speech_store, "--min-score", "0.99", QUESTION)
    assert (result.code, result.out) == (1, "")


def test_text_format_shows_rank_score_place_and_passage(vecdb, speech_store):
    lines = vecdb("query", "--store", speech_store, "-k", "1", QUESTION).out.splitlines()
    assert lines[0] == f"1  0.4014  {SPEECH}:528"
    assert lines[1].startswith("Tonight. I call on the Senate to: Pass the Freedom to Vote Act.")


def test_paths_format_prints_each_file_once(vecdb, speech_store):
    result = vecdb("query", "--store", speech_store, "--format", "paths", QUESTION)
    assert result.out == f"{SPEECH}\n"


def test_vimgrep_format_prints_places_for_editors(vecdb, speech_store):
    result = vecdb("query", "--store", speech_store, "-k", "1", "--format", "vimgrep", QUESTION)
    assert result.out.startswith(f"{SPEECH}:528:1:Tonight. I call on the Senate")


def test_stdin_gives_one_answer_a_line_with_the_bits_of_a_single_query(vecdb, speech_store):
    questions = [QUESTION, "inflation", "Ukraine and Russia", QUESTION, "cancer", "¿Qué dijo?"]
    many = vecdb("query", "--store", speech_store, "--json", "-", stdin="\n".join(questions)).records
    single = [vecdb("query", "--store", speech_store, "--json", each).records for each in questions]
    assert many == [hit for hits in single for hit in hits]


def test_threads_do_not_change_an_answer(vecdb, speech_store):
    one = vecdb("query", "--store", speech_store, "--threads", "1", "--json", QUESTION)
    two = vecdb("query", "--store", speech_store, "--threads", "2", "--json", QUESTION)
    assert one.code == 0 and one.out == two.out


def test_a_processor_without_avx2_gives_the_same_answer(vecdb, speech_store):
    question = ("--store", speech_store, "query", "--json", "-k", "10", QUESTION)
    without = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"}  # as the loader sees the processor
    assert "(AVX2)" not in vecdb("--version", **without).out
    if (PROGRAM.parent / "glibc-hwcaps").is_dir() and knows_x86_64_v3():
        assert "(AVX2)" in vecdb("--version").out
    answer = vecdb(*question)
    assert len(answer.records) == 10
    assert vecdb(*question, **without) == answer


def knows_x86_64_v3() -> bool:
    flags = re.search(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"} <= set(flags[1].split() if flags else ())


def test_equal_passages_come_in_order_of_uri_and_chunk(vecdb):
    text = "\n\n".join(["The same words again and again."] * 40)
    for name in ("b", "a", "c"):
        vecdb.write(name, text)
    assert vecdb("ingest", "--chunk-size", "31", "b", "a", "c").code == 0
    hits = vecdb("query", "-k", "50", "--json", "same words").records
    places = [(os.path.basename(hit["uri"]), hit["chunk"]) for hit in hits]
    assert places == [("a", i) for i in range(40)] + [("b", i) for i in range(10)]
    assert len({hit["score"] for hit in hits}) == 1


def test_an_empty_question_is_refused(vecdb, speech_store):
    for question in ("", "  \t"):
        assert_error(vecdb("query", "--store", speech_store, question), 2, "question", "empty")
    result = vecdb("query", "--store", speech_store, "-", stdin="\n")
    assert result.code == 2 and "holds no question" in result.err


def test_empty_lines_are_passed_over_with_a_word(vecdb, speech_store):
    result = vecdb("query", "--store", speech_store, "-k", "1", "--json", "-",
                   stdin="inflation\n\ncancer\n")
    assert (result.code, len(result.records)) == (0, 2)
    assert result.err == "vecdb: stdin: line 2: is empty and was passed over\n"


def test_a_question_of_a_megabyte_is_answered_with_a_warning(vecdb, speech_store):
    question = "what about justice " * 55_000
    result = vecdb("query", "--store", speech_store, "--json", "-", stdin=question)
    assert result.code == 0 and len(result.records) == 4
    assert "only the first 256" in result.err


def test_a_question_that_is_not_utf8_is_refused(vecdb, speech_store):
    assert_error(vecdb("query", "--store", speech_store, b"caf\xe9"), 2, "UTF-8", "byte 3")


def test_k_must_be_positive(vecdb, speech_store):
    for k in ("0", "-1", "x", "1.5", ""):
        assert_error(vecdb("query", "--store", speech_store, "-k", k, QUESTION), 2)
    assert_error(vecdb("query", "--store", speech_store, "-k", "0", QUESTION), 2, "-k 0")


def test_a_question_may_begin_with_a_dash_after_two_dashes(vecdb, speech_store):
    assert vecdb("query", "--store", speech_store, "--", "-5 degrees").code == 0


def test_unquoted_words_are_explained(vecdb, speech_store):
    assert_error(vecdb("query", "--store", speech_store, "two", "words"), 2, "words", "quote")


def test_a_store_without_documents_answers_nothing(vecdb):
    vecdb.write("empty", "")
    assert vecdb("ingest", "empty").code == 1
    result = vecdb("query", "anything")
    assert (result.code, result.out) == (1, "")
    assert "holds no passages" in result.err
    assert vecdb("-q", "query", "anything").err == ""


def test_a_python_free_path_is_enough(vecdb, speech_store):
    result = vecdb("query", "--store", speech_store, QUESTION, PATH="/nonexistent")
    assert result.code == 0


@pytest.mark.parametrize("flags", [(), ("--nprobe", "1"), ("--recall", "0.5")])
def test_an_index_gives_as_many_as_are_asked_for(vecdb, flags):
    vecdb.write("a", many_chunks("text", 200))
    assert vecdb("ingest", "--chunk-size", "20", "a").code == 0
    assert vecdb("compact", "--index", "ivf").code == 0
    for k, found in ((50, 50), (200, 200), (1000, 200)):
        hits = vecdb("query", *flags, "-k", str(k), "--json", "text line 7").records
        assert [hit["rank"] for hit in hits] == list(range(1, found + 1))
