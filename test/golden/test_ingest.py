import contextlib
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, QUESTION, SPEECH, assert_error, many_chunks


def test_a_store_is_made_in_the_working_folder_and_found_from_below(vecdb):
    vecdb.write("notes.txt", "Alpha beta gamma.")
    assert vecdb("ingest", "notes.txt").code == 0
    assert (vecdb.folder / ".vecdb" / "catalog.db").exists()
    below = vecdb.folder / "deep" / "er"
    below.mkdir(parents=True)
    hits = vecdb("query", "--json", "alpha", cwd=below).records
    assert [hit["uri"] for hit in hits] == [str(vecdb.folder / "notes.txt")]


def test_ingest_prints_nothing_on_stdout_without_json(vecdb):
    vecdb.write("notes.txt", "Alpha beta gamma.")
    result = vecdb("ingest", "notes.txt")
    assert result.out == ""
    assert "1 added" in result.err


def test_json_reports_each_commit_and_a_summary(vecdb):
    path = vecdb.write("notes.txt", "Alpha beta gamma.")
    document, summary = vecdb("ingest", "--json", "notes.txt").records
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert document == {"uri": str(path), "status": "added", "sha256": digest, "chunks": 1}
    assert summary["summary"]["added"] == 1


def test_the_same_again_changes_and_encodes_nothing(vecdb):
    vecdb("ingest", SPEECH)
    before = {p: p.stat().st_mtime_ns for p in (vecdb.folder / ".vecdb").rglob("*.faiss")}
    generation = vecdb("stats", "--json").records[0]["generation"]
    document, summary = vecdb("ingest", "--json", SPEECH).records
    assert document["status"] == "unchanged" and document["chunks"] == 42
    assert summary["summary"]["tokens"] == 0
    assert {p: p.stat().st_mtime_ns for p in (vecdb.folder / ".vecdb").rglob("*.faiss")} == before
    assert vecdb("stats", "--json").records[0]["generation"] == generation


def test_a_changed_file_replaces_its_chunks(vecdb):
    path = vecdb.write("notes.txt", "The cat sat on the mat.\n\nA dog barked.")
    vecdb("ingest", "notes.txt", "--chunk-size", "25")
    path.write_text("Submarines dive deep.")
    document = vecdb("ingest", "--json", "notes.txt", "--chunk-size", "25").records[0]
    assert document["status"] == "changed"
    texts = [hit["text"] for hit in vecdb("query", "-k", "9", "--json", "cat").records]
    assert texts == ["Submarines dive deep."]
    assert vecdb("verify").code == 0


def test_other_split_settings_split_again(vecdb):
    vecdb.write("notes.txt", "One sentence here.\n\nAnother sentence there.")
    assert vecdb("ingest", "--json", "notes.txt").records[0]["chunks"] == 1
    document = vecdb("ingest", "--json", "--chunk-size", "25", "notes.txt").records[0]
    assert (document["status"], document["chunks"]) == ("changed", 2)


def summary_of(result):
    assert result.code in (0, 1), result.err
    return result.records[-1]["summary"]


def opened_by(vecdb, *args):
    """Paths that the program opens, as strace sees them."""
    log = vecdb.folder / "strace.log"
    subprocess.run(["strace", "-f", "-e", "trace=open,openat", "-o", log, PROGRAM, *args], check=True,
                   cwd=vecdb.folder, env=vecdb.env, capture_output=True, timeout=120)
    return log.read_text()


def test_an_unchanged_file_is_not_opened(vecdb):
    path = vecdb.write("notes.txt", "Alpha beta gamma.")
    time.sleep(0.1)  # a file written in the last instant could change again without a new time
    vecdb("ingest", "notes.txt")
    assert "notes.txt" not in opened_by(vecdb, "ingest", ".")
    assert "notes.txt" in opened_by(vecdb, "ingest", "--checksum", ".")
    path.touch()
    assert "notes.txt" in opened_by(vecdb, "ingest", ".")


def test_other_times_alone_cost_one_reading(vecdb):
    path = vecdb.write("notes.txt", "Alpha beta gamma.")
    time.sleep(0.1)
    vecdb("ingest", "notes.txt")
    os.utime(path, ns=(1, 1))
    time.sleep(0.1)
    first = vecdb("ingest", "--json", "notes.txt")
    assert first.records[0]["status"] == "unchanged" and summary_of(first)["tokens"] == 0
    assert vecdb("list", "--json").records[0]["mtime_ns"] == 1
    assert "notes.txt" not in opened_by(vecdb, "ingest", "notes.txt")
    assert vecdb("verify").code == 0


def test_a_change_that_keeps_size_and_mtime_is_seen(vecdb):
    path = vecdb.write("notes.txt", "Alpha beta gamma.")
    stamp = path.stat()
    time.sleep(0.1)
    vecdb("ingest", "notes.txt")
    path.write_text("Alpha beta delta.")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert vecdb("ingest", "--json", "notes.txt").records[0]["status"] == "changed"


def test_a_file_that_was_just_written_is_read_again(vecdb):
    path = vecdb.write("notes.txt", "Alpha beta gamma.")
    coming = time.time_ns() + 3600 * 10**9
    os.utime(path, ns=(coming, coming))  # as far as a clock can tell, not settled yet
    vecdb("ingest", "notes.txt")
    assert "notes.txt" in opened_by(vecdb, "ingest", "notes.txt")


def test_a_skipped_row_is_named_each_time(vecdb):
    vecdb.write("rows.jsonl", '{"text":"one"}\n{bad\n{"text":"two"}\n')
    time.sleep(0.1)
    for status in ("added", "unchanged"):
        result = vecdb("ingest", "--json", "rows.jsonl")
        assert result.code == 1 and "rows.jsonl:2: skipped" in result.err
        assert status in {r.get("status") for r in result.records}
    assert_error(vecdb("ingest", "--strict", "rows.jsonl"), 5, "rows.jsonl:2", "--strict")


def test_a_terminal_sees_how_far_it_is(vecdb):
    for number in range(3):
        vecdb.write(f"d/{number}.txt", many_chunks(f"text {number}", 2000))
    ours, theirs = pty.openpty()
    ingest = vecdb.popen("ingest", "--chunk-size", "20", "d", stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # what reading gives when the other side has closed
        while part := os.read(ours, 65536):
            seen += part
    os.close(ours)
    assert ingest.wait(timeout=60) == 0 and ingest.stdout.read() == b""
    ingest.stdout.close()
    drawn = seen.decode().split("\r\x1b[K")
    assert all(re.fullmatch(r"\[=*>? *\] \d of 3 documents, \S+ chunks, .*", line)
               for line in drawn[1:-1])
    assert any("tokens/s, 0:" in line and "left" in line for line in drawn), drawn
    assert drawn[-1].startswith("vecdb: 3 added")


def test_a_renamed_file_costs_no_encoding(vecdb):
    vecdb.write("old/speech.txt", SPEECH.read_bytes())
    before = summary_of(vecdb("ingest", "--json", "old"))
    assert (before["added"], before["reused"]) == (1, 0) and before["tokens"] > 8000
    hits = vecdb("query", "-k", "42", "--json", QUESTION).records
    (vecdb.folder / "old").rename(vecdb.folder / "new")
    after = summary_of(vecdb("ingest", "--json", "--prune", "new", "--jobs", "1"))
    assert (after["added"], after["chunks"], after["reused"], after["tokens"]) == (1, 42, 42, 0)
    pruned = vecdb("delete", vecdb.folder / "old" / "speech.txt")
    assert pruned.code == 0
    again = vecdb("query", "-k", "42", "--json", QUESTION).records
    assert [(h["chunk"], h["score"], h["text"]) for h in again] == \
        [(h["chunk"], h["score"], h["text"]) for h in hits]
    assert vecdb("verify").code == 0


def test_a_small_edit_encodes_only_what_is_new(vecdb):
    path = vecdb.write("speech.txt", SPEECH.read_bytes())
    vecdb("ingest", "speech.txt")
    path.write_text(path.read_text().replace("Ketanji", "Ketandschi", 1))
    changed = summary_of(vecdb("ingest", "--json", "speech.txt"))
    assert (changed["changed"], changed["chunks"], changed["reused"]) == (1, 42, 41)
    fresh = vecdb("--store", "fresh", "ingest", "--json", "speech.txt")
    assert fresh.code == 0
    asked = [vecdb("--store", store, "query", "-k", "42", "--json", QUESTION).records
             for store in (".vecdb", "fresh")]
    assert asked[0] == asked[1]


def test_equal_texts_are_encoded_once(vecdb):
    for name in ("a", "b", "c"):
        vecdb.write(f"{name}.txt", "The same licence.\n\nAbout " + name)
    summary = summary_of(vecdb("ingest", "--json", "--chunk-size", "20", "."))
    assert (summary["chunks"], summary["reused"]) == (6, 2)
    hits = vecdb("query", "-k", "3", "--json", "the same licence").records
    assert len({hit["score"] for hit in hits}) == 1 and {h["chunk"] for h in hits} == {0}


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_equal_texts_in_later_commits_are_encoded_once(vecdb, jobs):
    for number in range(4):  # each of them fills a batch of its own
        vecdb.write(f"{number}.txt", many_chunks("same", 600) + f"\n\nown text of number {number}")
    summary = summary_of(vecdb("ingest", "--json", "--chunk-size", "20", "--jobs", jobs, "."))
    assert (summary["chunks"], summary["reused"]) == (4 * 601, 3 * 600)
    assert vecdb("verify").code == 0


def test_truncated_vectors_are_not_reused_where_others_are_asked_for(vecdb):
    text = " ".join(f"word{i}" for i in range(900))
    vecdb.write("a.txt", text)
    vecdb("ingest", "a.txt")
    vecdb.write("b.txt", text)
    assert summary_of(vecdb("ingest", "--json", "b.txt"))["reused"] == 1
    vecdb.write("c.txt", text)
    mean = summary_of(vecdb("ingest", "--json", "--on-overflow", "mean", "c.txt"))
    assert (mean["reused"], mean["averaged"]) == (0, 1)
    vecdb.write("d.txt", text)
    split = summary_of(vecdb("ingest", "--json", "--on-overflow", "split", "d.txt"))
    assert split["reused"] == 0 and split["chunks"] == split["split"] > 1
    vecdb.write("e.txt", text)
    again = summary_of(vecdb("ingest", "--json", "--on-overflow", "split", "e.txt"))
    assert again["reused"] == again["split"] == split["split"]


def test_other_settings_make_documents_again_and_say_so(vecdb):
    vecdb.write("notes.txt", "One sentence here.\n\nAnother sentence there.")
    vecdb("ingest", "notes.txt")
    result = vecdb("ingest", "--json", "--chunk-size", "25", "notes.txt")
    assert summary_of(result)["remade"] == 1
    assert "1 document made again although unchanged" in result.err


def test_the_summary_names_the_seconds_of_each_stage(vecdb):
    vecdb.write("notes.txt", "One sentence here.")
    seconds = summary_of(vecdb("ingest", "--json", "notes.txt"))["seconds"]
    assert list(seconds) == ["load", "split", "encode", "tokenize", "idle", "store", "total"]
    assert 0 < seconds["encode"] <= seconds["total"] and seconds["store"] > 0
    assert 0 < seconds["tokenize"] < seconds["encode"] and seconds["idle"] == 0


def test_verbose_prints_a_table_of_the_stages(vecdb):
    for number in range(3):
        vecdb.write(f"{number}.txt", many_chunks(f"document {number}", 600))
    table = [line.removeprefix("vecdb: ").split() for line in
             vecdb("ingest", "-v", "--chunk-size", "20", ".").err.splitlines()[-5:]]
    assert [row[0] for row in table] == ["load", "split", "encode", "store", "all"]
    encode = " ".join(table[2])
    assert "tokenizing" in encode and "waited" in encode
    # Three batches: the encoder's own time, and what it waited between them, is within that of the clock.
    seconds = [float(word) for word in table[2] if word.replace(".", "").isdigit()]
    assert seconds[0] + seconds[2] <= float(table[4][1]) + 0.02


def test_an_interrupted_ingest_goes_on_where_it_stopped(vecdb):
    for number in range(6):
        vecdb.write(f"{number}.txt", many_chunks(f"document {number}", 520))
    ingest = vecdb.popen("ingest", "--json", "--chunk-size", "20", ".", stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True)
    first = json.loads(ingest.stdout.readline())
    ingest.send_signal(signal.SIGINT)
    rest = [json.loads(line) for line in ingest.stdout]
    assert ingest.wait(timeout=20) == 130
    stored = [first["uri"]] + [r["uri"] for r in rest if r.get("status") == "added"]
    assert rest[-1]["summary"]["interrupted"] and len(stored) < 6
    assert [d["uri"] for d in vecdb("list", "--json").records] == stored
    again = vecdb("ingest", "--json", "--chunk-size", "20", ".")
    assert summary_of(again)["unchanged"] == len(stored)
    assert summary_of(again)["added"] == 6 - len(stored)


def test_stdin_is_a_document_with_a_name(vecdb):
    text = SPEECH.read_bytes()
    vecdb("ingest", "-", "--name", "speech", stdin=text)
    vecdb("ingest", SPEECH)
    ours, file = (vecdb("show", "--json", uri).records for uri in ("speech", SPEECH))
    drop = lambda chunk: {key: value for key, value in chunk.items() if key != "uri"}
    assert [drop(c) for c in ours] == [drop(c) for c in file]
    hits = vecdb("query", "-k", "84", "--json", QUESTION).records
    scores = {uri: [h["score"] for h in hits if h["uri"] == uri] for uri in ("speech", str(SPEECH))}
    assert scores["speech"] == scores[str(SPEECH)] and len(scores["speech"]) == 42


def test_metadata_is_stored_and_returned(vecdb):
    vecdb.write("a", "Some text.")
    vecdb("ingest", "--meta", "lang=en", "--meta", "title=a=b, c", "a")
    assert vecdb("query", "--json", "text").records[0]["meta"] == {"lang": "en", "title": "a=b, c"}
    assert vecdb("ingest", "--meta", "title=a=b, c", "--meta", "lang=en", "--json",
                 "a").records[0]["status"] == "unchanged"
    assert_error(vecdb("ingest", "--meta", "novalue", "a"), 2, "KEY=VALUE")


def test_a_folder_is_walked_in_order_without_hidden_files(vecdb):
    for name in ("d/b.txt", "d/a.txt", "d/.hidden", "d/.git/config", "d/sub/c.txt"):
        vecdb.write(name, "Text of " + name)
    uris = [r["uri"] for r in vecdb("ingest", "--json", "d").records[:-1]]
    assert [os.path.relpath(u, vecdb.folder) for u in uris] == ["d/a.txt", "d/b.txt", "d/sub/c.txt"]


def test_names_may_come_from_a_file_or_stdin(vecdb):
    vecdb.write("a b.txt", "First text.")
    vecdb.write("new\nline.txt", "Second text.")
    result = vecdb("ingest", "--json", "--files-from", "-", "-0", stdin=b"a b.txt\0new\nline.txt\0")
    assert [r["status"] for r in result.records[:-1]] == ["added", "added"]
    assert len(vecdb("list").out.splitlines()) >= 2


@pytest.mark.parametrize("content, reason", [
    (b"", "is empty"),
    (b"abc\0def", "binary"),
    (b"good start \xff", "byte 11"),
    (b"\xff\xfea\0\0\xd8", "is not UTF-16LE: byte 4"),
    (b" \n\t\n", "white space"),
])
def test_what_is_no_text_is_skipped_with_its_reason(vecdb, content, reason):
    vecdb.write("good", "Fine text.")
    bad = vecdb.write("bad", content)
    result = vecdb("ingest", "--json", "bad", "good")
    assert result.code == 1
    statuses = {os.path.basename(r["uri"]): r for r in result.records[:-1]}
    assert statuses["good"]["status"] == "added"
    assert statuses["bad"]["status"] == "skipped" and reason in statuses["bad"]["reason"]
    assert str(bad) in result.err and reason in result.err
    assert result.records[-1]["summary"]["skipped"] == 1


def test_a_text_that_an_expression_cannot_be_used_on_is_skipped(vecdb):
    bad = vecdb.write("bad", "good start " + "a" * 60 + "b")
    vecdb.write("good", "Fine text.")
    flags = ("--regex", "--separator", " |(?:a|a)+$|(?:a+)+$", "--chunk-size", "4", "bad", "good")
    result = vecdb("ingest", "--json", *flags)
    assert result.code == 1 and f"{bad}: skipped: --separator" in result.err
    assert [r["status"] for r in result.records[:-1]] == ["skipped", "added"]
    assert "takes too long on this text" in result.records[0]["reason"]
    shown = vecdb("split", *flags)
    assert shown.code == 5 and f"{bad}: skipped: --separator" in shown.err
    assert [r["text"] for r in shown.records] == ["Fine", "text."]


@pytest.mark.parametrize("name, content", [
    ("a.txt", " \n"), ("a.csv", "id,text\n"), ("a.md", "---\ntitle: a\n---\n"),
    ("a.html", "<title>t</title>"), ("a.jsonl", '{"text": ""}\n'),
])
def test_split_and_ingest_say_the_same_of_what_gives_no_chunk(vecdb, name, content):
    uri = str(vecdb.write(name, content))
    result = vecdb("ingest", name)
    line = next(line for line in result.err.splitlines() if uri in line)
    assert result.code == 1 and f"{uri}: skipped: " in line
    shown = vecdb("split", name)
    assert shown.code == 5 and line in shown.err.splitlines() and shown.out == ""


def test_special_and_unreadable_files_are_skipped_and_never_block(vecdb):
    vecdb.write("d/good", "Fine text.")
    os.mkfifo(vecdb.folder / "d" / "fifo")
    result = vecdb("ingest", "d", vecdb.folder / "d" / "fifo")
    assert result.code == 1 and "FIFO" in result.err
    assert len(vecdb("list").out.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_skipped(vecdb):
    vecdb.write("secret", "x").chmod(0)
    result = vecdb("ingest", "secret")
    assert result.code == 1 and "Permission denied" in result.err


def test_a_missing_path_is_an_error_before_anything_is_done(vecdb):
    vecdb.write("good", "Fine text.")
    assert_error(vecdb("ingest", "good", "missing"), 5, "missing", "no such file")
    assert not (vecdb.folder / ".vecdb").exists()


def test_no_path_is_an_error_and_never_the_working_folder(vecdb):
    assert_error(vecdb("ingest"), 2, "PATH")


def test_a_byte_order_mark_is_no_text_but_counts_in_offsets(vecdb):
    vecdb.write("bom", b"\xef\xbb\xbfHello there")
    vecdb("ingest", "bom")
    chunk = vecdb("show", "--json", "bom").records[0]
    assert (chunk["text"], chunk["start"], chunk["end"]) == ("Hello there", 3, 14)


def test_chunks_over_the_size_are_reported(vecdb):
    vecdb.write("long", "short\n\n" + "x" * 50 + "\n\nshort")
    result = vecdb("ingest", "--chunk-size", "20", "long")
    assert result.code == 0
    assert "1 chunk longer than --chunk-size, the longest 50 characters" in result.err


def test_chunks_over_the_window_are_reported_and_counted(vecdb):
    vecdb.write("long", "word " * 2000)
    result = vecdb("ingest", "--json", "long")
    assert result.records[-1]["summary"]["truncated"] == 1
    assert "window" in result.err
    assert vecdb("stats", "--json").records[0]["truncated"] == 1


def test_crlf_with_a_bare_newline_separator_is_warned_of(vecdb):
    vecdb.write("dos.txt", b"one\r\n\r\ntwo\r\n")
    assert "CRLF" in vecdb("ingest", "dos.txt").err
    assert "CRLF" in vecdb("split", "dos.txt").err


def test_another_model_folder_that_is_no_store_is_left_alone(vecdb):
    vecdb.write("a", "Some text.")
    vecdb.write("foreign/file", "mine")
    assert_error(vecdb("--store", "foreign", "ingest", "a"), 5, "foreign")
    assert [p.name for p in (vecdb.folder / "foreign").iterdir()] == ["file"]


def test_a_store_keeps_its_precision(vecdb):
    vecdb.write("a", "Some text.")
    vecdb("--precision", "f32", "ingest", "a")
    assert_error(vecdb("--precision", "bf16", "ingest", "a"), 2, "precision", "f32")
    assert_error(vecdb("--precision", "bf16", "query", "x"), 2, "precision", "f32")


def test_bf16_answers_like_f32_but_for_rounding(vecdb):
    vecdb("--store", "b", "--precision", "bf16", "ingest", SPEECH)
    hits = vecdb("--store", "b", "query", "-k", "1", "--json", QUESTION).records
    assert hits[0]["chunk"] == 31 and abs(hits[0]["score"] - 0.401398) < 0.01


def test_a_signal_stops_soon_and_keeps_what_was_committed(vecdb):
    for i in range(60):
        vecdb.write(f"d/{i:02}.txt", many_chunks(str(i)))
    process = vecdb.popen("ingest", "--chunk-size", "20", "--json", "d", stdout=-1, stderr=-1, bufsize=0)
    line = process.stdout.readline()  # the first commit
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - started < 2 + 2  # 2 s are promised; the machine may be busy
    assert process.returncode == 130
    assert b"interrupted" in err
    reported = [json.loads(each) for each in [line, *out.splitlines()]]
    added = [each["uri"] for each in reported if each.get("status") == "added"]
    assert reported[-1]["summary"]["interrupted"] is True
    assert [each["uri"] for each in vecdb("list", "--json").records] == added
    assert vecdb("verify").code == 0


def test_what_is_ready_is_stored_while_stdin_keeps_waiting(vecdb):
    vecdb.write("a", "Text of a.")
    ingest = vecdb.popen("ingest", "--json", "a", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first = json.loads(ingest.stdout.readline())
    assert (first["uri"], first["status"]) == (str(vecdb.folder / "a"), "added")
    assert len(vecdb("list").out.splitlines()) == 1
    rest, _ = ingest.communicate(b"Text of stdin.", timeout=60)
    assert ingest.returncode == 0 and json.loads(rest.splitlines()[0])["uri"] == "-"


def test_records_are_stored_while_more_may_come(vecdb):
    ingest = vecdb.popen("ingest", "--jsonl", "--json", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for number in (1, 2):
        ingest.stdin.write(json.dumps({"uri": f"u{number}", "text": f"Text {number}."}).encode() + b"\n")
        ingest.stdin.flush()
        assert json.loads(ingest.stdout.readline())["uri"] == f"u{number}"
    rest, _ = ingest.communicate(timeout=60)
    assert ingest.returncode == 0 and json.loads(rest)["summary"]["added"] == 2


def test_an_error_does_not_wait_for_stdin(vecdb):
    vecdb.write("a.jsonl", '{"text":"good"}\n{"text":1}\n')
    ingest = vecdb.popen("ingest", "--strict", "a.jsonl", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ingest.wait(60) == 5
    assert b"a.jsonl:2" in ingest.stderr.read()


def interrupted(process, number):
    """Stops it; its exit code as a shell would have it, and what it printed."""
    process.send_signal(number)
    started = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - started < 2 + 2  # 2 s are promised; the machine may be busy
    return 128 - process.returncode if process.returncode < 0 else process.returncode, out + err


def wait_until(process, is_so):
    while not is_so():
        assert process.poll() is None
        time.sleep(0.002)


SIGNALS = pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@SIGNALS
def test_a_signal_ends_the_waiting_for_a_pipe(vecdb, number, code):
    vecdb.write("a", "Text of a.")
    read_end, write_end = os.pipe()
    ingest = vecdb.popen("ingest", "--json", "a", "-", stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert b"added" in ingest.stdout.readline()
    os.write(write_end, b"half a document")
    ended, out = interrupted(ingest, number)
    os.close(read_end), os.close(write_end)
    assert ended == code and b"interrupted" in out
    assert [d["uri"] for d in vecdb("list", "--json").records] == [str(vecdb.folder / "a")]
    assert vecdb("verify").code == 0


@SIGNALS
def test_a_signal_ends_the_encoding(vecdb, number, code):
    vecdb.write("a", "Text of a.")
    vecdb("ingest", "a")
    texts = "\n\n".join(f"{i}: " + "some words and more " * 40 for i in range(4000))
    vecdb.write("long", texts)
    ingest = vecdb.popen("ingest", "--json", "long", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    maps = f"/proc/{ingest.pid}/maps"
    wait_until(ingest, lambda: re.search("libvecdb_(native|torch)", open(maps).read()))
    ended, out = interrupted(ingest, number)
    assert ended == code and b"interrupted" in out and b"added\"," not in out
    assert [d["uri"] for d in vecdb("list", "--json").records] == [str(vecdb.folder / "a")]


@pytest.mark.parametrize("times", [1, 2])
@SIGNALS
def test_a_signal_lets_a_commit_end_and_two_leave_all_of_it_or_nothing(vecdb, number, code, times):
    record = json.dumps({"text": "word " * 4_000_000})
    vecdb.write("r.jsonl", f"{record}\n")
    vecdb("--store", "s", "ingest", "--jsonl", "-", stdin=json.dumps({"uri": "small", "text": "word"}))
    ingest = vecdb.popen("--store", "s", "ingest", "--json", "--jsonl", "--chunk-size", "40000000", "r.jsonl",
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log = vecdb.folder / "s" / "catalog.db-wal"
    wait_until(ingest, lambda: log.exists() and log.stat().st_size > 1024 * 1024)
    for _ in range(times - 1):
        ingest.send_signal(number)
        time.sleep(0.01)
    ended, out = interrupted(ingest, number)
    assert ended == code
    uris = [d["uri"] for d in vecdb("--store", "s", "list", "--json").records]
    assert "small" in uris and len(uris) in ((2,) if b'"added"' in out or times == 1 else (1, 2))
    assert vecdb("--store", "s", "verify").code == 0


def test_the_write_ahead_log_of_a_long_ingest_stays_bounded(vecdb):
    """All texts are equal, so that one is encoded; each is a commit of 4 MB."""
    text = "word " * (4 * 1024 * 1024 // 5)
    record = json.dumps({"text": text})
    vecdb.write("r.jsonl", f"{record}\n" * 30)
    ingest = vecdb.popen("--store", "s", "-q", "ingest", "--jsonl", "--chunk-size", "5000000", "r.jsonl")
    log = vecdb.folder / "s" / "catalog.db-wal"
    largest = 0
    while ingest.poll() is None:
        if log.exists():
            largest = max(largest, log.stat().st_size)
        time.sleep(0.002)
    assert ingest.returncode == 0
    assert 8 * 1024 * 1024 < largest < 100 * 1024 * 1024
    assert len(vecdb("--store", "s", "list").out.splitlines()) == 30


def test_a_closed_pipe_ends_quietly(vecdb):
    for i in range(2000):
        vecdb.write(f"d/{i:04}", "x\n\n" * 200)
    process = vecdb.popen("split", "--chunk-size", "1", "d", stdout=-1, stderr=-1)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b"" or b"chunk" not in process.stderr.read()
    assert process.wait(60) == 0


def test_a_full_disk_behind_stdout_is_an_error(vecdb):
    with open("/dev/full", "wb") as full:
        process = vecdb.popen("split", SPEECH, stdout=full, stderr=-1)
        assert process.wait(60) == 5
        assert b"stdout" in process.stderr.read()


def test_a_read_only_store_can_be_queried(vecdb):
    vecdb("--store", "s", "ingest", SPEECH)
    for path in [*(vecdb.folder / "s").rglob("*"), vecdb.folder / "s"]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert vecdb("--store", "s", "query", QUESTION).code == 0
    finally:
        for path in [vecdb.folder / "s", *(vecdb.folder / "s").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_copied_store_answers_the_same(vecdb):
    vecdb("--store", "s", "ingest", SPEECH)
    shutil.copytree(vecdb.folder / "s", vecdb.folder / "t")
    first, second = (vecdb("--store", s, "query", "--json", QUESTION) for s in "st")
    assert first.code == 0 and first.out == second.out
