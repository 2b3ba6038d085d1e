"""`similar`: the passages nearest to a stored chunk, a stored document or a file, beside a computation by NumPy."""

import json
import os
import shutil
import socket
import struct
import threading
from contextlib import contextmanager

import pytest
from conftest import PROGRAM, SPEECH, assert_error, many_chunks
from test_serve import LENT, USED, connect, serving, socket_of

numpy = pytest.importorskip("numpy")

TEXTS = {
    "a.txt": "Bees live in hives.\n\nAnts live in hills.\n\nWasps build nests of paper.",
    "b.txt": "Bees make honey.\n\nThe honey of bees is sweet.\n\nTea wants water just off the boil.",
    "c.txt": "A bridge opens at noon.\n\nBoats wait at the lock.\n\nAnts live in hills.",
    "d.txt": "Coffee wants it a little cooler.\n\nBees live in hives, and ants in hills.",
}


@pytest.fixture
def stored(vecdb):
    for name, text in TEXTS.items():
        vecdb.write(name, text)
    result = vecdb("ingest", "--chunk-size", "30", "--separator", "\n\n", *TEXTS)
    assert result.code == 0, result.err
    return vecdb


class Exported:
    """All chunks of the store with their vectors."""

    def __init__(self, vecdb):
        shutil.rmtree(vecdb.folder / "exported", ignore_errors=True)
        assert vecdb("export", "--format", "npy", "--output", "exported").code == 0
        folder = vecdb.folder / "exported"
        self.places = [(line["uri"], line["chunk"])
                       for line in map(json.loads, (folder / "chunks.jsonl").read_text().splitlines())]
        self.vectors = numpy.load(folder / "vectors.npy").astype("float64")

    def nearest(self, asked, left_out, k):
        """(uri, chunk), score; equal to rounding is equal."""
        scores = (self.vectors @ asked.reshape(-1, self.vectors.shape[1]).T).max(axis=1)
        ranked = sorted((-round(score, 9), place) for score, place in zip(scores, self.places)
                        if place not in left_out)
        return [(place, -score) for score, place in ranked[:k]]

    def of(self, uri, chunk=None):
        chosen = [place for place in self.places if place[0] == uri and chunk in (None, place[1])]
        return self.vectors[[self.places.index(place) for place in chosen]], set(chosen)


def places(result):
    assert result.code == 0, result.err
    return [((hit["uri"], hit["chunk"]), hit["score"]) for hit in result.records]


def assert_same(result, expected):
    found = places(result)
    assert [place for place, _ in found] == [place for place, _ in expected]
    assert numpy.allclose([score for _, score in found], [score for _, score in expected], atol=2e-7, rtol=0)


def assert_exact(vecdb, *flags):
    exported = Exported(vecdb)
    uris = sorted({uri for uri, _ in exported.places})
    for k in (1, 3, 1000):
        for uri, chunk in exported.places[::max(1, len(exported.places) // 12)]:
            asked, left_out = exported.of(uri, chunk)
            assert_same(vecdb("similar", f"{uri}#{chunk}", "--json", "-k", str(k), *flags),
                        exported.nearest(asked, left_out, k))
        for uri in uris:
            asked, left_out = exported.of(uri)
            assert_same(vecdb("similar", uri, "--json", "-k", str(k), *flags), exported.nearest(asked, left_out, k))


def test_the_answers_are_those_of_a_plain_computation(stored):
    assert_exact(stored)


def test_replaced_and_deleted_chunks_are_no_answer(stored):
    stored.write("b.txt", "Bees make honey.\n\nSomething else.")
    assert stored("ingest", "--chunk-size", "30", "b.txt").code == 0
    assert stored("delete", "c.txt").code == 0
    assert_exact(stored)


def test_an_index_finds_the_same_and_scores_are_exact(stored):
    stored.write("many.txt", many_chunks("bees and ants, text", 400))
    assert stored("ingest", "--chunk-size", "40", "many.txt").code == 0
    assert stored("compact", "--index", "ivf").code == 0
    assert stored("delete", "d.txt").code == 0
    assert_exact(stored, "--recall", "1")
    exported = Exported(stored)
    for uri, chunk in (("a.txt", 0), ("many.txt", 7), ("a.txt", None), ("c.txt", None)):
        asked, left_out = exported.of(str(stored.folder / uri), chunk)
        scores = dict(exported.nearest(asked, left_out, 10_000))
        name = uri if chunk is None else f"{uri}#{chunk}"
        found = places(stored("similar", name, "--json", "-k", "20"))
        assert len(found) == 20
        assert all(abs(scores[place] - score) < 2e-7 for place, score in found)
        assert found == sorted(found, key=lambda each: (-each[1], each[0]))


def test_equal_scores_come_in_order_of_uri_and_chunk(vecdb):
    text = "\n\n".join(["The same words again and again."] * 40)
    for name in ("b", "a", "c"):
        vecdb.write(name, text)
    assert vecdb("ingest", "--chunk-size", "31", "b", "a", "c").code == 0
    hits = vecdb("similar", "b#3", "-k", "60", "--json").records
    assert [(os.path.basename(hit["uri"]), hit["chunk"]) for hit in hits] == (
        [("a", i) for i in range(40)] + [("b", i) for i in range(21) if i != 3])
    hits = vecdb("similar", "b", "-k", "60", "--json").records
    assert [(os.path.basename(hit["uri"]), hit["chunk"]) for hit in hits] == (
        [("a", i) for i in range(40)] + [("c", i) for i in range(20)])


def test_a_hit_has_the_fields_of_query(stored):
    (hit,) = stored("similar", "a.txt#0", "-k", "1", "--json").records
    (of_query,) = stored("query", "bees", "-k", "1", "--json").records
    assert list(hit) == list(of_query)
    assert (hit["query"], hit["rank"], hit["uri"]) == ("a.txt#0", 1, str(stored.folder / "d.txt"))
    assert abs(hit["distance"] - (2 - 2 * hit["score"])) < 1e-6


def test_the_formats_are_those_of_query(stored):
    d = stored.folder / "d.txt"
    assert stored("similar", "a.txt#0", "-k", "1").out == (
        f"1  {stored('similar', 'a.txt#0', '--json').records[0]['score']:.4f}  {d}:3\n"
        "Bees live in hives, and ants in hills.\n\n")
    assert stored("similar", "a.txt#0", "-k", "1", "--format", "vimgrep").out == (
        f"{d}:3:1:Bees live in hives, and ants in hills.\n")
    paths = stored("similar", "a.txt", "-k", "100", "--format", "paths").out.splitlines()
    assert sorted(paths) == [str(stored.folder / name) for name in ("b.txt", "c.txt", "d.txt")]


def test_filter_and_min_score_leave_out_answers(stored):
    hits = stored("similar", "a.txt#1", "--json", "-k", "9", "--filter", 'path ~ "c.txt"').records
    assert len(hits) == 3 and hits[0]["chunk"] == 2
    assert {hit["uri"] for hit in hits} == {str(stored.folder / "c.txt")}
    high = stored("similar", "a.txt#1", "--json", "--min-score", "0.99").records
    assert [(hit["uri"], hit["chunk"]) for hit in high] == [(str(stored.folder / "c.txt"), 2)]
    for flags, why in ((("--filter", 'lang = "de"'), "no passage passes the filter"),
                       (("--min-score", "1"), "no passage scores that high")):
        result = stored("similar", "a.txt#0", *flags)
        assert (result.code, result.out) == (1, "") and why in result.err


def test_a_name_is_a_uri_or_a_path_that_leads_to_it(stored):
    right = stored("similar", stored.folder / "a.txt", "--format", "paths").out
    for name in ("a.txt", "./a.txt", "x/../a.txt"):
        assert stored("similar", name, "--format", "paths").out == right
        assert stored("similar", f"{name}#0", "--json").code == 0
    record = {"uri": "urn:x#1", "text": "Bees live in hives."}
    assert stored("ingest", "--jsonl", "-", stdin=json.dumps(record)).code == 0
    (hit,) = stored("similar", "urn:x#1", "--json", "-k", "1").records
    assert hit["uri"] == str(stored.folder / "a.txt")
    assert stored("similar", "urn:x#1#0", "--json", "-k", "1").records[0]["chunk"] == hit["chunk"]
    assert_error(stored("similar", "urn:x#1#1"), 5, "urn:x#1#1", "neither in the store nor a file")


SPLITTING = ("--chunk-size", "30", "--separator", "\n\n")


def test_a_file_is_asked_for_as_it_would_be_stored_and_is_not_stored(stored):
    before = stored("stats", "--json").out, stored("list", "--json").out
    stored.write("new.txt", "Ants live in hills.\n\nTea wants hot water.\n\nSomething entirely new.")
    asked = stored("similar", "new.txt", "--json", "-k", "8", *SPLITTING)
    assert asked.code == 0 and asked.err == ""
    assert asked.records[0]["text"] == "Ants live in hills."
    assert (stored("stats", "--json").out, stored("list", "--json").out) == before
    assert stored("similar", "-", "--json", "-k", "8", *SPLITTING, stdin=(stored.folder / "new.txt").read_text()
                  ).out == asked.out.replace('"query":"new.txt"', '"query":"-"')
    assert stored("ingest", "new.txt", *SPLITTING).code == 0
    assert stored("similar", "new.txt", "--json", "-k", "8").out == asked.out


def test_a_file_is_split_and_read_as_the_flags_say(stored):
    stored.write("new.csv", "text,other\nAnts live in hills.,x\n")
    top = stored("similar", "new.csv", "--json", "-k", "1", "--text-field", "text").records[0]
    assert top["text"] == "Ants live in hills." and top["score"] > 0.999
    assert_error(stored("similar", "new.csv", "--text-field", "none"), 5, "new.csv", "none")
    stored.write("long.txt", "ants and hills " * 400)
    warned = stored("similar", "long.txt", "--chunk-size", "10000")
    assert warned.code == 0 and "1 chunk longer than the model's window" in warned.err
    for how in ("split", "mean"):
        assert stored("similar", "long.txt", "--chunk-size", "10000", "--on-overflow", how).err == ""
    assert_error(stored("similar", "long.txt", "--chunk-size", "10000", "--on-overflow", "error"), 5, "long.txt", "tokens")
    assert_error(stored("similar", "long.txt", "--chunk-size", "0"), 2, "--chunk-size")
    config = stored.write("config.toml", "on-overflow = split\n")
    assert stored("similar", "long.txt", "--chunk-size", "10000", VECDB_CONFIG=str(config)).err == ""


def test_what_is_neither_stored_nor_a_file_is_told(stored):
    for name in ("nope", "a.txt#3", "a.txt#x", "nope#0"):
        assert_error(stored("similar", name), 5, name, "neither in the store nor a file")
    (stored.folder / "folder").mkdir()
    assert_error(stored("similar", "folder"), 5, "folder", "is a folder")
    stored.write("empty", "")
    assert_error(stored("similar", "empty"), 5, "empty", "is empty")
    stored.write("blank", "\n \n")
    assert_error(stored("similar", "blank"), 5, "blank", "white space")
    stored.write("binary", b"\0\1\2" * 100)
    assert_error(stored("similar", "binary"), 5, "binary")
    assert_error(stored("similar", "-", stdin=" \n"), 5, "-", "white space")
    assert_error(stored("similar", b"caf\xe9"), 2, "UTF-8")
    assert_error(stored("similar"), 2, "ID")
    assert_error(stored("similar", "a.txt", "b.txt"), 2, "b.txt")
    assert_error(stored("--store", "none", "similar", "a.txt"), 5, "none", "holds no vecdb store")
    assert_error(stored("similar", "a.txt", "-k", "0"), 2, "-k 0")


def test_a_stored_text_needs_no_model(stored):
    model = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"
    assert stored("model", "add", model, "--name", "passing").code == 0
    assert stored("--store", "other", "--model", "passing", "ingest", "a.txt", "b.txt", *SPLITTING).code == 0
    asked = [("--store", "other", "similar", name, "--json") for name in ("a.txt", "b.txt#1")]
    right = [stored(*each).out for each in asked]
    assert stored("model", "remove", "passing").code == 0
    assert_error(stored("--store", "other", "query", "bees"), 6, "passing")
    assert_error(stored("--store", "other", "similar", "d.txt"), 6, "passing")
    assert [stored(*each).out for each in asked] == right and all(right)


def test_a_model_or_precision_that_is_asked_for_must_be_the_stores(stored):
    assert_error(stored("--model", "unheard-of", "similar", "a.txt"), 6, "unheard-of")
    wrong = "f32" if stored("stats", "--json").records[0]["precision"] != "f32" else "bf16"
    assert_error(stored("--precision", wrong, "similar", "a.txt"), 2, "--precision")
    with serving(stored):
        assert_error(stored("--precision", wrong, "similar", "a.txt"), 2, "--precision")


def test_a_store_of_one_chunk_or_none_answers_nothing(vecdb):
    vecdb.write("a.txt", "Alone.")
    assert vecdb("ingest", "a.txt").code == 0
    for name in ("a.txt", "a.txt#0"):
        result = vecdb("similar", name)
        assert (result.code, result.out) == (1, "") and "no other passages" in result.err
    vecdb.write("b.txt", "Alone.")
    assert len(vecdb("similar", "b.txt", "--json").records) == 1
    assert vecdb("delete", "a.txt").code == 0
    assert vecdb("similar", "b.txt").code == 1
    assert_error(vecdb("similar", "a.txt#0"), 5, "a.txt#0")


def test_a_damaged_store_is_told(stored):
    (segment,) = (stored.folder / ".vecdb" / "segments").glob("*.faiss")
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    stored.write("new.txt", "Ants live in hills.")
    for name in ("a.txt", "a.txt#0", "new.txt"):
        assert_error(stored("similar", name), 3, segment.name)
        with serving(stored):
            assert_error(stored("similar", name), 3, segment.name)


def questions(vecdb):
    """Ways to ask, and what each prints without a server."""
    vecdb.write("new.txt", "Ants live in hills.\n\nTea wants hot water.")
    vecdb.write("large.txt", many_chunks("ants", 70))  # more vectors than a server takes
    assert vecdb("ingest", SPEECH).code == 0
    vecdb.write("stored.txt", many_chunks("bees", 70))
    assert vecdb("ingest", "stored.txt", "--chunk-size", "14").code == 0
    asked = [["a.txt"], ["a.txt#0", "--json"], ["new.txt", *SPLITTING], ["stored.txt", "--json"], ["stored.txt#9"],
             ["large.txt", "--chunk-size", "14"], ["a.txt", "--filter", "knid = 1"], ["a.txt", "--min-score", "0.9"],
             ["a.txt", "-k", "1000", "--json"], ["a.txt#0", "--recall", "1"], ["nope"], ["a.txt#3"], ["new.txt", "--precision", "f32"]]
    return [(["similar", *each], vecdb("similar", *each)) for each in asked]


def test_the_server_answers_with_the_same_bytes(stored):
    asked = questions(stored)
    with serving(stored):
        for args, alone in asked:
            assert stored(*args) == alone
            assert stored("--no-server", *args) == alone
        assert USED in stored("-v", "similar", "a.txt").err
        served = stored("-v", "similar", "new.txt").err
        assert USED in served and LENT in served
        quiet = stored("-v", "--no-server", "similar", "new.txt").err
        assert USED not in quiet and LENT not in quiet


@contextmanager
def relay(vecdb, messages):
    """Stands before the server, hands on so many requests, each connection together, and leaves then."""
    path = socket_of(vecdb)
    real = path.with_name("real.sock")
    path.rename(real)
    folder = os.open(path.parent, os.O_PATH)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    listener.listen()
    left = [messages]

    def take(end, count):
        data = b""
        while len(data) < count:
            part = end.recv(count - len(data))
            if not part:
                return None
            data += part
        return data

    def message(end):
        head = take(end, 8)
        return head and head + take(end, sum(struct.unpack("=II", head)))

    def talk(client):
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(f"/proc/self/fd/{folder}/real.sock")
            while (request := message(client)) and left[0] > 0:
                left[0] -= 1
                server.sendall(request)
                client.sendall(message(server))

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield left
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        real.rename(path)
        os.close(folder)


@pytest.mark.parametrize("messages", range(6))
def test_a_client_goes_on_alone_wherever_the_server_leaves(stored, messages):
    asked = questions(stored)
    with serving(stored):
        for args, alone in asked:
            with relay(stored, messages) as left:
                assert stored(*args) == alone
                assert messages == 0 or left[0] < messages or "--precision" in args


def test_a_document_that_goes_while_the_server_leaves_is_told(stored):
    with serving(stored), relay(stored, 2):
        assert stored("delete", "a.txt").code == 0  # what is left to it needs no server
        (stored.folder / "a.txt").unlink()
        assert_error(stored("similar", "a.txt"), 5, "a.txt")


def test_the_server_refuses_what_no_client_asks(stored):
    def text(kind, **fields):
        return json.dumps({"kind": kind} | fields).encode()

    wrong = [text(3, uri="nope", chunk=None, chunks=1), text(3, uri=7, chunk=None, chunks=1), text(3), text(2),
             text(2, given="a"), text(3, uri=str(stored.folder / "a.txt"), chunk=3, chunks=1), text(4)]
    vectors = [b"\0" * 4, b"\0" * 384 * 4, struct.pack("=f", float("nan")) * 384, struct.pack("=f", 1) * 384 * 65]
    with serving(stored), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        connect(client, stored)

        def ask(body, extra=b""):
            client.sendall(struct.pack("=II", len(body), len(extra)) + body + extra)
            head = client.recv(8, socket.MSG_WAITALL)
            json_size, bytes_size = struct.unpack("=II", head)
            answer = client.recv(json_size + bytes_size, socket.MSG_WAITALL)
            assert b'"refused"' in answer, (body, answer)
        for body in wrong:  # without a session
            ask(body)
        for extra in vectors:
            ask(text(4), extra)
        assert USED in stored("-v", "similar", "a.txt").err
