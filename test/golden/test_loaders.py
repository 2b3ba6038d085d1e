"""What files of each kind become, and that places lead to the source: `split`, and `ingest` where it matters."""

import csv
import gzip
import html
import io
import json
import os
import random
import re
import signal
import subprocess
import time

import bs4
import pypdf
import pytest
import zstandard

from conftest import assert_error
from pdf_file import pdf

PARAGRAPHS = {
    "windows-1252": "L’été dernier, nous avons visité la forêt près du château. À côté de l’étang, une "
                    "vieille dame vendait des gâteaux sucrés et du café brûlant aux élèves fatigués.",
    "iso-8859-1": "Gestern Abend saßen wir müde vor dem Haus und hörten, wie die Kühe über die Brücke "
                  "zurück nach Süden zogen. Die Mädchen fragten, ob es später schönes Wetter würde.",
    "iso-8859-2": "Wczoraj wieczorem siedzieliśmy zmęczeni przed domem i słuchaliśmy, jak krowy wracają "
                  "przez most na łąkę. Dziewczęta pytały, czy później będzie ładniejsza pogoda.",
    "windows-1250": "Včera večer jsme seděli unavení před domem a poslouchali, jak se krávy vracejí přes "
                    "most na louku. Děvčata se ptala, jestli bude později hezčí počasí.",
    "windows-1251": "Вчера вечером мы сидели усталые перед домом и слушали, как коровы возвращаются "
                    "через мост на луг. Девочки спрашивали, будет ли потом погода лучше.",
    "koi8-r": "Старый мост давно закрыт, поэтому все ездят вокруг озера. Летом там хорошо купаться, "
              "а зимой дети катаются на коньках до позднего вечера.",
    "iso-8859-7": "Χθες το βράδυ καθόμασταν κουρασμένοι μπροστά στο σπίτι και ακούγαμε τις αγελάδες να "
                  "γυρίζουν από τη γέφυρα στο λιβάδι.",
    "shift_jis": "昨日の夕方、私たちは疲れて家の前に座り、牛が橋を渡って牧草地へ帰るのを聞いていました。",
    "euc_jp": "古い橋は長い間閉鎖されているので、みんな湖の周りを通ります。夏はそこで泳ぐのが楽しいです。",
    "gb18030": "昨天晚上，我们疲惫地坐在房子前面，听着牛群过桥回到草地上。姑娘们问以后天气会不会更好。",
    "big5": "昨天晚上，我們疲憊地坐在房子前面，聽著牛群過橋回到草地上。姑娘們問以後天氣會不會更好。",
    "euc_kr": "어제 저녁 우리는 지쳐서 집 앞에 앉아 소들이 다리를 건너 풀밭으로 돌아가는 소리를 들었습니다.",
}


def split(vecdb, *args, stdin=b"", code=0):
    result = vecdb("split", "--quiet", *args, stdin=stdin)
    assert result.code == code, result.err
    return result.records


def skipped(vecdb, *args) -> str:
    result = vecdb("split", "--quiet", *args)
    assert result.code == 5 and result.out == "", result
    return result.err.splitlines()[0]


def place(content: bytes, chunk: dict) -> bytes:
    return content[chunk["start"]:chunk["end"]]


# Encodings


@pytest.mark.parametrize("encoding", PARAGRAPHS)
def test_a_paragraph_in_an_old_encoding_is_recognised(vecdb, encoding):
    text = PARAGRAPHS[encoding]
    content = f"{text}\n\n{text}".encode(encoding)
    vecdb.write("a.txt", content)
    chunks = split(vecdb, "--chunk-size", "1", "a.txt")
    assert [chunk["text"] for chunk in chunks] == [text, text]
    assert [place(content, chunk).decode(encoding) for chunk in chunks] == [text, text]
    assert [chunk["line"] for chunk in chunks] == [1, 3]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso-8859-1", "iso-8859-2", "iso-8859-15",
             "cp1250", "cp1251", "cp1252", "cp1253", "koi8-r", "koi8-u", "cp866", "shift_jis", "euc_jp", "gb18030",
             "gbk", "big5", "euc_kr"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_random_texts_decode_as_python_decodes_them(vecdb, encoding):
    """Named, each text and each chunk's range; Python's codec encodes what it can."""
    draw = random.Random(encoding)
    alphabet = "abc XYZ.,é ñüß жЩ яє λΩ ąłšž 東京 今日は 한국 字 \n\n\n"
    if "utf" in encoding or encoding == "gb18030":
        alphabet += "😀𝄞"
    if encoding == "big5":  # of its kana and Cyrillic there are several arrangements
        alphabet = "abc XYZ., λΩ 東京 今日 字 \n\n\n"
    for _ in range(10):
        text = "".join(draw.choice(alphabet) for _ in range(draw.randrange(5, 400)))
        content = text.encode(encoding, "ignore")
        text = content.decode(encoding)
        name = {"utf-8-sig": "utf-8", "cp1250": "windows-1250"}.get(encoding, encoding)
        chunks = split(vecdb, "--encoding", name, "--chunk-size", "20", "-", stdin=content)
        lines = []
        for chunk in chunks:
            got = place(content, chunk).decode({"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding))
            assert got.lstrip("\ufeff") == chunk["text"]
            lines.append(text.count("\n", 0, text.find(chunk["text"])) + 1)
        assert "".join("".join(c["text"].split()) for c in chunks) == "".join(text.split())
        assert all(a["start"] < b["start"] and a["line"] <= b["line"] for a, b in zip(chunks, chunks[1:]))
        if chunks:
            assert chunks[0]["line"] == lines[0]


def test_what_cannot_be_decoded_names_its_byte_and_the_way_out(vecdb):
    vecdb.write("a", b"good start \xff")
    assert skipped(vecdb, "a").endswith("a: skipped: is not UTF-8: byte 11; if it is text, name its "
                                        "encoding with --encoding")
    assert split(vecdb, "--encoding", "latin1", "a")[0]["text"] == "good start ÿ"
    vecdb.write("b", "abc é".encode("utf-16") + b"\x00\xdc")
    assert skipped(vecdb, "b").endswith("is not UTF-16LE: byte 12")
    assert_error(vecdb("split", "--encoding", "no-such", "a"), 2, "--encoding no-such", "not known")


# Types


def test_markdown_front_matter_is_not_text(vecdb):
    content = b"---\ntitle: A\n---\n# Head\n\nText.\n"
    vecdb.write("a.md", content)
    chunks = split(vecdb, "--chunk-size", "5", "a.md")
    assert [(c["text"], c["line"]) for c in chunks] == [("# Head", 4), ("Text.", 6)]
    assert [place(content, c) for c in chunks] == [b"# Head", b"Text."]
    assert split(vecdb, "--type", "text", "a.md")[0]["start"] == 0


PAGE = """<!DOCTYPE html><html lang="en"><head><title>Tea &amp; more</title><style>p {}</style></head>
<body><h1>On  tea</h1>
<p>Water   just off the <b>boil</b>, caf&eacute; &amp;
  <a href="x">green&nbsp;tea</a>.<p>AT&T &lt;3 &#x6771;&copy2024</p><script>var p = "<p>no</p>";</script>
<ul><li>one<li>two <em>three</em></ul><pre>
  kept
    as is</pre><table><tr><th>a<th>b<tr><td>1<td>2</table><!-- not this --></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_each_word_of_a_page_stands_in_its_chunks_range(vecdb, encoding):
    content = PAGE.encode(encoding)
    vecdb.write("a.html", content)
    chunks = split(vecdb, "--chunk-size", "1", "--encoding", "auto", "a.html")
    assert [c["text"] for c in chunks] == [
        "On tea", "Water just off the boil, café & green\u00a0tea.", "AT&T <3 東©2024", "one\ntwo three",
        "kept\n    as is", "a\tb\n1\t2"]
    decoder = {"utf-16": "utf-16-le"}.get(encoding, encoding)
    for chunk in chunks:
        between = "" if chunk["chunk"] == 1 else " "  # there tags stand inside a word
        source = html.unescape(re.sub(r"<[^>]*>", between, place(content, chunk).decode(decoder)))
        assert source.split() == chunk["text"].split()
    assert [c["line"] for c in chunks] == [2, 3, 4, 5, 6, 7]


def test_the_words_of_pages_are_those_that_another_parser_finds(vecdb):
    """html5 parsing by BeautifulSoup with html.parser, on pages without broken markup."""
    draw = random.Random(3)
    inline, block = ["b", "i", "a", "span", "code"], ["p", "div", "h2", "blockquote", "li", "section"]

    def piece(depth):
        kind = draw.randrange(6)
        if depth > 4 or kind < 2:
            return "".join(draw.choice(["tea ", "caf&eacute; ", "a &lt; b ", "\n ", "&#19996; ", "x&nbsp;y ", "AT&amp;T "])
                           for _ in range(draw.randrange(1, 6)))
        tag = draw.choice(inline if kind < 4 else block)
        if tag in block and depth and kind == 4:
            tag = "div"
        inner = "".join(piece(depth + 1) for _ in range(draw.randrange(1, 4)))
        return f"<{tag} class='x y'>{inner}</{tag}>" if tag in inline or tag == "div" else f"<div>{inner}</div>"

    for number in range(40):
        body = "".join(f"<p>{piece(5)}</p><div>{piece(0)}</div><!-- c --><script>a<b</script>" for _ in range(5))
        page = f"<html><head><title>t</title></head><body>{body}</body></html>"
        soup = bs4.BeautifulSoup(page, "html.parser")
        for hidden in soup(["head", "script"]):
            hidden.decompose()
        for div in soup(["div", "p"]):
            div.insert_before("\n"), div.insert_after("\n")
        expected = soup.get_text().split()
        vecdb.write("a.html", page)
        chunks = split(vecdb, "--chunk-size", str(1 + 40 * number), "a.html")
        assert " ".join(c["text"] for c in chunks).split() == expected
        for chunk in chunks:
            source = html.unescape(re.sub(r"<!--.*?-->|<script>.*?</script>|<[^>]*>", " ", place(page.encode(), chunk).decode()))
            assert re.sub(r"\s+", "", source) == re.sub(r"\s+", "", chunk["text"])


def test_csv_rows_are_those_of_pythons_reader(vecdb):
    draw = random.Random(4)
    for number in range(60):
        rows = [[draw.choice(["", "tea", "a,b", 'say "x"', "two\nlines", " é ", "\t"]) for _ in range(3)]
                for _ in range(draw.randrange(1, 12))]
        out = io.StringIO()
        csv.writer(out, quoting=draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
                   lineterminator=draw.choice(["\n", "\r\n"])).writerows([["id", "n", "text"], *rows])
        content = (b"\xef\xbb\xbf" if number % 2 else b"") + out.getvalue().encode()
        vecdb.write("a.csv", content)
        expected = [row for row in csv.DictReader(io.StringIO(out.getvalue(), newline=""))]
        code = 0 if any(row["text"].strip() for row in expected) else 5
        chunks = split(vecdb, "--text-field", "text", "--no-strip", "a.csv", code=code)
        assert [(c["text"], c["meta"]) for c in chunks] == [
            (row["text"], {"id": row["id"], "n": row["n"], "row": i})
            for i, row in enumerate(expected, 1) if row["text"].strip()]
        for chunk in chunks:
            again = next(csv.reader(io.StringIO(place(content, chunk).decode(), newline="")))
            assert again == list(expected[chunk["meta"]["row"] - 1].values())
        loader_form = ["\n".join(f"{k}: {v.strip()}" for k, v in row.items()) for row in expected]
        chunks = split(vecdb, "--no-strip", "--separator", "\f", "a.csv")
        assert [c["text"] for c in chunks] == [
            text for text, row in zip(loader_form, expected) if "".join(row.values()).strip()]


def test_malformed_rows_are_named_and_the_others_kept(vecdb):
    vecdb.write("a.csv", "a,b\n1,2\nalone\n3,4\n")
    result = vecdb("split", "a.csv")
    assert result.code == 5 and len(result.records) == 2
    assert f"{vecdb.folder}/a.csv:3: skipped: the number of fields is 1, in the header 2" in result.err
    vecdb.write("a.jsonl", '{"body":"x","n":1}\n{"body":\n{"body":"y"}\n')
    result = vecdb("ingest", "--json", "--text-field", "body", "a.jsonl")
    assert result.code == 1
    assert [(os.path.basename(r["uri"]), r["status"]) for r in result.records[:-1]] == [
        ("a.jsonl:2", "skipped"), ("a.jsonl", "added")]
    assert_error(vecdb("split", "--strict", "--text-field", "body", "a.jsonl"), 5, "a.jsonl:2", "--strict")
    assert_error(vecdb("ingest", "--strict", "--jsonl", "-", stdin='{"text":1}\n'), 5, "-:1", "--strict")


def test_chunks_keep_what_is_known_of_them_through_a_pipe(vecdb):
    vecdb.write("a.csv", "t,k\none,1\ntwo,2\n")
    lines = vecdb("split", "--text-field", "t", "a.csv").out
    assert [json.loads(line)["meta"] for line in lines.splitlines()] == [{"k": "1", "row": 1}, {"k": "2", "row": 2}]
    assert vecdb("ingest", "--jsonl", "-", stdin=lines).code == 0


# Compression


def test_compressed_text_is_read_with_places_in_what_it_holds(vecdb):
    for name, content in (("a.txt.gz", gzip.compress(b"one\n\n") + gzip.compress(b"two")),
                          ("b.txt.zst", zstandard.compress(b"one\n\n") + zstandard.compress(b"two"))):
        vecdb.write(name, content)
        chunks = split(vecdb, "--chunk-size", "3", name)
        assert [(c["text"], c["start"], c["line"]) for c in chunks] == [("one", 0, 1), ("two", 5, 3)]
        for cut in (4, 12, len(content) // 2, len(content) - 1):
            vecdb.write("cut", content[:cut])
            assert "is cut off" in skipped(vecdb, "cut")
        vecdb.write("bad", content[:-1] + bytes([content[-1] ^ 1]) + b"tail")
        assert "is damaged" in skipped(vecdb, "bad") or "is cut off" in skipped(vecdb, "bad")


@pytest.mark.parametrize("compress", [lambda block: gzip.compress(block * 300, 1),
                                      lambda block: zstandard.compress(block * 300)])
def test_a_bomb_stops_at_the_limit(vecdb, compress):
    vecdb.write("bomb", compress(b"x" * (1 << 20)))
    assert "is larger than the limit of 268435456 bytes when decompressed" in skipped(vecdb, "bomb")


# PDF


def test_a_pdf_is_read_page_by_page(vecdb):
    vecdb.write("a", pdf("First page.\nIts second line.", "", "Third page, caf\u00e9."))
    chunks = split(vecdb, "--chunk-size", "500", "a")
    assert [(c["text"], c["meta"]) for c in chunks] == [
        ("First page.\nIts second line.", {"page": 1}), ("Third page, café.", {"page": 3})]
    text = subprocess.run(["pdftotext", "-enc", "UTF-8", vecdb.folder / "a", "-"], capture_output=True).stdout
    assert [place(text, c).decode() for c in chunks] == [c["text"] for c in chunks]


def test_a_pdf_that_cannot_be_read_says_why(vecdb):
    whole = pdf("Some text.")
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(whole))
    writer.encrypt("secret", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    for content, reason in ((locked.getvalue(), "is encrypted: it needs a password"),
                            (whole[:150], "is a broken PDF"), (b"%PDF-1.4\n", "is a broken PDF"),
                            (pdf("", ""), "holds no text")):
        vecdb.write("a.pdf", content)
        assert reason in skipped(vecdb, "a.pdf")
    vecdb.write("a.pdf", whole)
    result = vecdb("split", "a.pdf", PATH="/nowhere")
    assert result.code == 5 and "needs pdftotext; install poppler-utils" in result.err


def test_an_interrupt_ends_the_reader_of_a_pdf(vecdb):
    fake = vecdb.write("bin/pdftotext", "#!/bin/sh\necho $$ > \"$HOME/pid\"\nexec sleep 600\n")
    fake.chmod(0o755)
    vecdb.env["PATH"] = f"{fake.parent}:{vecdb.env['PATH']}"
    vecdb.write("a.pdf", pdf("Text."))
    running = vecdb.popen("split", "a.pdf", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pid = vecdb.folder / "home" / "pid"
    while not (pid.exists() and pid.read_text().strip()):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


# Binary


def test_binary_files_are_skipped_by_their_kind(vecdb):
    vecdb.write("a", b"\x89PNG\r\n\x1a\n\0\0\0")
    assert "is a PNG image, not text" in skipped(vecdb, "a")
    vecdb.write("b", b"text\0more")
    assert skipped(vecdb, "b").endswith("is binary: NUL at byte 4")


def test_a_records_text_is_text_whatever_its_uri_says(vecdb):
    vecdb("ingest", "--jsonl", "-", stdin=json.dumps({"uri": "a.html", "text": "<p>x</p>"}))
    assert vecdb("show", "--json", "a.html").records[0]["text"] == "<p>x</p>"
