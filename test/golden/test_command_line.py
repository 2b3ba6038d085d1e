import os
import re
import subprocess

import pytest
from conftest import PROGRAM, QUESTION, SPEECH, assert_error


def test_help_and_version_go_to_stdout(vecdb):
    result = vecdb("--help")
    assert result.code == 0 and "ingest" in result.out and result.err == ""
    assert "--chunk-size" in vecdb("ingest", "--help").out
    version = vecdb("--version")
    assert version.code == 0
    assert re.fullmatch(r"vecdb \d+\.\d+\.\d+\nlibtorch 2\.13\.0\nFAISS \d+\.\d+\.\d+ \([A-Z0-9]+\)\n"
                        r"sentencepiece 0\.2\.1\nSQLite \d+\.\d+\.\d+\n", version.out)


def test_an_unknown_flag_is_refused_with_the_nearest_name(vecdb):
    assert_error(vecdb("split", "--chunk-sise", "9", SPEECH), 2, "--chunk-sise", "--chunk-size")
    assert_error(vecdb("query", "--jsn", "x"), 2, "--jsn", "--json")


def test_an_unknown_command_is_refused_with_the_nearest_name(vecdb):
    assert_error(vecdb("ingset", "x"), 2, "ingset", "ingest")
    assert_error(vecdb(), 2)


@pytest.mark.parametrize("arguments", [
    ("--precision", "f16", "list"),
    ("--color", "purple", "list"),
    ("--threads", "0", "list"),
    ("split", "--chunk-size", "0", "x"),
    ("split", "--chunk-size", "-5", "x"),
    ("split", "--chunk-size", "010x", "x"),
    ("split", "--chunk-size"),
    ("split", "--keep-separator", "middle", "x"),
    ("split", "--regex", "--separator", "(", "x"),
    ("query", "--min-score", "nan", "x"),
    ("encode", "--query", "--passage"),
])
def test_a_value_without_meaning_is_refused(vecdb, arguments):
    assert_error(vecdb(*arguments), 2)


def test_an_overlap_over_the_size_is_refused(vecdb):
    assert_error(vecdb("split", "--chunk-size", "10", "--chunk-overlap", "11", SPEECH), 2,
                 "--chunk-overlap", "--chunk-size")
    assert_error(vecdb("ingest", "--chunk-size", "10", "--chunk-overlap", "11", SPEECH), 2)
    assert not (vecdb.folder / ".vecdb").exists()


def test_environment_stands_behind_flags(vecdb, speech_store):
    assert vecdb("list", VECDB_STORE=str(speech_store)).code == 0
    assert_error(vecdb("list", "--store", "nowhere", VECDB_STORE=str(speech_store)), 5, "nowhere")
    assert_error(vecdb("query", "x", VECDB_STORE=str(speech_store), VECDB_MODEL="no-such"), 6,
                 "no-such", "all-MiniLM-L6-v2")
    assert_error(vecdb("list", VECDB_STORE=str(speech_store), VECDB_THREADS="many"), 2)


def test_no_store_is_exit_code_5(vecdb):
    for command in (("list",), ("query", "x"), ("stats",), ("verify",), ("show", "x"),
                    ("delete", "x")):
        assert_error(vecdb(*command), 5, "no store")
    vecdb.write("file", "x")
    assert_error(vecdb("--store", "file", "list"), 5, "file")


def test_split_prints_json_lines_by_default(vecdb):
    path = vecdb.write("notes.txt", "One.\n\nTwo.")
    records = vecdb("split", "--chunk-size", "5", "notes.txt").records
    assert records == [
        {"uri": str(path), "chunk": 0, "start": 0, "end": 4, "line": 1, "text": "One.", "meta": {}},
        {"uri": str(path), "chunk": 1, "start": 6, "end": 10, "line": 3, "text": "Two.", "meta": {}}]


def test_split_as_text_shows_places_and_lengths(vecdb):
    path = vecdb.write("notes.txt", "One.\n\nTwo.")
    assert vecdb("split", "--format", "text", "--chunk-size", "5", "notes.txt").out == (
        f"{path}:1  chunk 0, bytes 0-4, 4 characters\nOne.\n\n"
        f"{path}:3  chunk 1, bytes 6-10, 4 characters\nTwo.\n\n")


def test_a_separator_is_taken_verbatim(vecdb):
    def texts(text, *flags):
        return [r["text"] for r in vecdb("split", "--chunk-size", "1", *flags, "-", stdin=text).records]
    assert texts("a,b", "--separator", ",") == ["a", "b"]
    assert texts("a b,c", "--separator", "[b,c]") == ["a b,c"]
    assert texts("ab", "--separator", "") == texts("ab", "--separator=") == ["a", "b"]
    assert texts("a--b", "--separator", "--") == ["a", "b"]
    assert texts("a-kb", "--separator", "-k") == ["a", "b"]
    assert texts("a\\nb", "--separator", "\\n") == ["a", "b"]
    assert texts("a. b", "--regex", "--separator", "[.!?] ") == ["a", "b"]
    assert texts('a"b', "--separator", '"') == ["a", "b"]
    assert texts("a=b", "--separator", "=") == texts("a=b", "--separator==") == ["a", "b"]


@pytest.mark.parametrize("name, content, facts, text", [
    ("a.txt", "abcdef".encode("utf-16"), "bytes 6-14, 4 characters, overlap 4 bytes", "[cd]ef"),
    ("a.txt", "a日本e".encode("utf-16"), "bytes 6-10, 2 characters", "本e"),
    ("a.html", b"<p>ab&eacute;c<b>d</b>ef", "bytes 5-23, 4 characters, overlap 9 bytes", "[éc]de"),
    ("a.txt", "ab\u00e9cdef".encode("latin-1"), "bytes 2-6, 4 characters, overlap 2 bytes", "[éc]de"),
])
def test_an_overlap_is_shown_in_the_text_whatever_it_takes_in_the_source(vecdb, name, content, facts, text):
    vecdb.write(name, content)
    size, overlap = ("4", "2") if "overlap" in facts else ("2", "0")
    encoding = ("--encoding", "ISO-8859-1") if b"\xe9" in content else ()
    out = vecdb("split", "--format", "text", "--separator", "", "--chunk-size", size,
                "--chunk-overlap", overlap, *encoding, name).out
    assert out.split("\n\n")[1] == f"{vecdb.folder / name}:1  chunk 1, {facts}\n{text}"


def test_split_shows_what_overlaps(vecdb):
    out = vecdb("split", "--format", "text", "--separator", "", "--chunk-size", "4",
                "--chunk-overlap", "2", "-", stdin="abcdef").out
    assert out.endswith("-:1  chunk 1, bytes 2-6, 4 characters, overlap 2 bytes\n[cd]ef\n\n")


def test_split_by_tokens_fits_the_window_and_needs_no_libtorch(vecdb):
    for splitter in ("recursive", "sentence"):
        result = vecdb("split", "--splitter", splitter, "--length", "tokens", "--stats", "--json", SPEECH,
                       LD_DEBUG="libs")
        assert "libtorch" not in result.err
        (stats,) = result.records
        assert stats["chunk_size"] == stats["room"] == 254
        assert stats["over_window"] == stats["oversize"] == 0
        assert 0 < stats["tokens"]["max"] <= 254
    assert_error(vecdb("split", "--length", "tokens", "--chunk-size", "255", SPEECH), 2,
                 "--chunk-size 255", "254")


def test_split_stats_count_what_split_prints(vecdb):
    flags = ("--splitter", "recursive", "--chunk-size", "300", SPEECH)
    lengths = sorted(len(record["text"]) for record in vecdb("split", *flags).records)
    (stats,) = vecdb("split", "--stats", "--json", *flags).records
    characters = stats["characters"]
    assert stats["chunks"] == len(lengths)
    assert (characters["min"], characters["max"]) == (lengths[0], lengths[-1])
    assert characters["median"] == lengths[(len(lengths) - 1) // 2]
    assert characters["mean"] == pytest.approx(sum(lengths) / len(lengths))
    assert [bin["count"] for bin in characters["histogram"]] == [
        sum(bin["from"] <= length <= bin["to"] for length in lengths)
        for bin in characters["histogram"]]
    assert "characters" in vecdb("split", "--stats", *flags).out
    assert vecdb("split", "--stats", "--format", "json", *flags).records == [stats]


@pytest.mark.parametrize("flags", [
    ("--name", "speech", SPEECH), ("-0", SPEECH), ("--text-field", "", SPEECH),
    ("--text-field", "body", "--type", "html", SPEECH)])
def test_an_input_flag_that_would_have_no_effect_is_refused(vecdb, flags):
    for verb in ("split", "ingest"):
        assert_error(vecdb(verb, *flags), 2, flags[0])


def test_split_stats_without_a_model_say_so_and_count_characters(vecdb):
    result = vecdb("split", "--stats", "--json", "--model", "nowhere", SPEECH)
    assert_error(result, 6, "nowhere")
    vecdb.write("home/.config/vecdb/config.toml", "model = nowhere\n")
    result = vecdb("split", "--stats", "--json", SPEECH)
    assert result.code == 0 and "no tokens are counted" in result.err
    (stats,) = result.records
    assert stats["tokens"] is stats["room"] is stats["over_window"] is None
    assert stats["characters"]["max"] > 0


def test_a_language_that_is_not_known_is_refused_with_the_nearest(vecdb):
    assert_error(vecdb("split", "--splitter", "recursive", "--language", "pyton", SPEECH), 2,
                 "--language pyton", "python")
    assert_error(vecdb("split", "--language", "python", SPEECH), 2, "--splitter recursive")


def test_split_of_what_is_no_text_fails_and_names_it(vecdb):
    vecdb.write("bad", b"\xff")
    vecdb.write("good", "Text.")
    result = vecdb("split", "bad", "good")
    assert result.code == 5 and len(result.records) == 1
    assert "bad" in result.err and "byte 0" in result.err
    assert_error(vecdb("split", "missing"), 5, "missing")
    assert vecdb("split", "-", stdin=b"\xff").code == 5


def test_color_only_where_asked_for(vecdb, speech_store):
    query = ("query", "--store", speech_store, QUESTION)
    assert "\x1b" not in vecdb(*query).out
    assert "\x1b" in vecdb(*query, "--color", "always").out
    assert "\x1b" not in vecdb(*query, "--color", "never").out


def on_terminal(program, *args, **env):
    """What the program prints when stdout is a terminal (and stderr is one too)."""
    leader, follower = os.openpty()
    process = subprocess.Popen([PROGRAM, *map(str, args)], stdout=follower, stderr=follower,
                               stdin=subprocess.DEVNULL, cwd=program.folder,
                               env=program.env | {"TERM": "xterm"} | env)
    os.close(follower)
    text = b""
    try:
        while block := os.read(leader, 65536):
            text += block
    except OSError:  # how a terminal says that its other side is closed
        pass
    os.close(leader)
    process.wait(60)
    return text.decode()


def test_a_terminal_gets_colour_unless_no_color_is_set(vecdb, speech_store):
    query = ("query", "--store", speech_store, QUESTION)
    assert "\x1b[1m" in on_terminal(vecdb, *query)
    assert "\x1b" not in on_terminal(vecdb, *query, NO_COLOR="1")


def test_escapes_in_a_document_cannot_steer_a_terminal(vecdb):
    name = "evil\x1b[2J.txt"
    vecdb.write(name, "before \x1b]0;title\x07 after \u009b31m end")
    shown = on_terminal(vecdb, "-q", "--color", "never", "ingest", name)
    for command in (("query", "before"), ("split", "--format", "text", name), ("list",),
                    ("show", name)):
        shown += on_terminal(vecdb, "--color", "never", *command)
    assert "\x1b" not in shown and "\x07" not in shown and "\u009b" not in shown
    assert "\\x1b]0;title\\x07" in shown
    assert "\x1b]0;" in vecdb("show", name).out  # a pipe gets the text as it is


def test_quiet_leaves_only_errors(vecdb):
    vecdb.write("a", "Text.")
    vecdb.write("bad", b"\xff")
    assert vecdb("-q", "ingest", "a").err == ""
    assert "bad" in vecdb("-q", "ingest", "bad").err


def test_show_and_list_name_what_is_stored(vecdb):
    path = vecdb.write("a", "One.\n\nTwo.")
    vecdb("ingest", "--chunk-size", "5", "a")
    assert vecdb("list").out == f"{path}\t2 chunks\n"
    assert [c["text"] for c in vecdb("show", "--json", path).records] == ["One.", "Two."]
    assert vecdb("show", "a").out == vecdb("show", path).out
    assert [c["text"] for c in vecdb("show", "--json", "a#1").records] == ["Two."]
    for wrong in ("b", "a#2", "a#x"):
        assert_error(vecdb("show", wrong), 5, wrong)


def test_delete_removes_all_or_nothing(vecdb):
    for name in "abc":
        vecdb.write(name, f"Text of {name}.")
    vecdb("ingest", "a", "b", "c")
    assert_error(vecdb("delete", "a", "nothing"), 5, "nothing")
    assert len(vecdb("list").out.splitlines()) == 3
    result = vecdb("delete", "--json", "a", "b")
    assert [r["status"] for r in result.records] == ["removed", "removed"]
    hits = vecdb("query", "-k", "9", "--json", "text").records
    assert [os.path.basename(h["uri"]) for h in hits] == ["c"]
    assert vecdb("verify").code == 0


def test_stats_count_what_is_stored(vecdb, speech_store):
    stats = vecdb("stats", "--json", "--store", speech_store).records[0]
    assert (stats["documents"], stats["chunks"], stats["tokens"]) == (1, 42, 8175)
    assert (stats["model"], stats["dimension"]) == ("all-MiniLM-L6-v2", 384)
    assert "documents    1\n" in vecdb("stats", "--store", speech_store).out


def test_encode_gives_one_vector_a_line_the_empty_text_included(vecdb):
    records = vecdb("encode", stdin="first\n\nthird\n").records
    assert [r["index"] for r in records] == [0, 1, 2]
    assert [r["tokens"] for r in records] == [3, 2, 3]
    assert all(len(r["vector"]) == 384 and r["truncated"] is False for r in records)


def test_encode_reads_json_records(vecdb):
    lines = '{"text":"first"}\n{"id":7,"text":"two\\nlines"}\n'
    assert len(vecdb("encode", "--jsonl", stdin=lines).records) == 2
    assert_error(vecdb("encode", "--jsonl", stdin='{"txt":"x"}\n'), 5, "line 1", "text")
    assert_error(vecdb("encode", "--jsonl", stdin='{"text":"x",}\n'), 5, "line 1", "JSON")


def test_nothing_but_encoding_loads_an_engine(vecdb, speech_store):
    """The loader itself says which libraries it opens."""
    for arguments in (("split", SPEECH), ("--store", speech_store, "list"), ("--help",),
                      ("--version",), ("--store", speech_store, "stats"), ("nonsense",),
                      ("--store", speech_store, "ingest", "--json", SPEECH)):
        result = vecdb(*arguments, LD_DEBUG="files")
        assert "libstdc++" in result.err, arguments
        assert "libtorch" not in result.err and "vecdb_native" not in result.err, arguments
    for engine, module in (("native", "libvecdb_native_"), ("torchscript", "libtorch_cpu.so")):
        result = vecdb("--store", speech_store, "--engine", engine, "query", "x", LD_DEBUG="files")
        assert module in result.err
