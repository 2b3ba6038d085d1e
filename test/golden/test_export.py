"""`export`: lines, arrays, indexes and archives."""

import json
import shutil
import signal
import subprocess
import tarfile

import pytest
from conftest import PROGRAM, SPEECH, assert_error


def test_a_line_holds_what_show_prints_and_the_document(vecdb, speech_store):
    lines = vecdb("--store", speech_store, "export").records
    shown = vecdb("--store", speech_store, "show", "--json", SPEECH).records
    assert len(lines) == 42
    assert [{key: line[key] for key in shown[0]} for line in lines] == shown
    assert lines[0]["document"]["chunks"] == 42 and "vector" not in lines[0]


def test_a_filter_leaves_out_what_does_not_pass(vecdb):
    vecdb.write("a.txt", "Alpha."), vecdb.write("b.md", "Beta.")
    vecdb("ingest", "a.txt", "b.md")
    assert [line["text"] for line in vecdb("export", "--filter", "type = text").records] == ["Alpha."]


def test_arrays_and_faiss_have_the_vectors_of_the_lines(vecdb, speech_store):
    numpy = pytest.importorskip("numpy")
    faiss = pytest.importorskip("faiss")
    vecdb("--store", speech_store, "export", "--format", "npy", "--output", "n")
    vecdb("--store", speech_store, "export", "--format", "faiss", "--output", "f")
    lines = vecdb("--store", speech_store, "export", "--vectors").records
    vectors = numpy.array([line["vector"] for line in lines], dtype="float32")
    assert (numpy.load(vecdb.folder / "n" / "vectors.npy") == vectors).all()
    index = faiss.read_index(str(vecdb.folder / "f"))
    assert (index.index.reconstruct_n(0, 42) == vectors).all()
    assert faiss.vector_to_array(index.id_map).tolist() == [line["id"] for line in lines]
    beside = [json.loads(line) for line in (vecdb.folder / "n" / "chunks.jsonl").read_text().splitlines()]
    assert [line["text"] for line in beside] == [line["text"] for line in lines]


def test_what_is_there_is_not_replaced_unless_forced(vecdb, speech_store):
    taken = vecdb.write("out", "mine")
    export = ("--store", speech_store, "export", "--output", "out")
    assert_error(vecdb(*export), 5, "out", "--force")
    assert taken.read_text() == "mine"
    assert vecdb(*export, "--force").code == 0 and taken.read_text().startswith('{"uri"')
    vecdb.write("folder/other", "mine")
    assert_error(vecdb("--store", speech_store, "export", "--format", "npy", "--output", "folder",
                       "--force"), 5, "other")


def test_an_archive_has_the_same_bytes_twice_and_only_regular_files(vecdb, speech_store):
    for name in ("one", "two"):
        assert vecdb("--store", speech_store, "export", "--format", "tar", "--output", name).code == 0
    assert (vecdb.folder / "one").read_bytes() == (vecdb.folder / "two").read_bytes()
    with tarfile.open(vecdb.folder / "one") as archive:
        assert archive.getnames()[:3] == ["HEAD", "LOCK", "catalog.db"]
        assert all(member.isreg() for member in archive)


def test_a_damaged_store_is_not_exported_as_an_archive(vecdb):
    vecdb("ingest", SPEECH)
    (segment,) = (vecdb.folder / ".vecdb/segments").glob("*.faiss")
    content = bytearray(segment.read_bytes())
    content[1000] ^= 1
    segment.write_bytes(content)
    assert_error(vecdb("export", "--format", "tar", "--output", "t"), 3, segment.name)
    assert not list(vecdb.folder.glob("t*"))


def test_a_full_disk_gives_5(vecdb, speech_store):
    with open("/dev/full", "w") as full:
        process = vecdb.popen("--store", speech_store, "export", stdout=full)
        assert process.wait(20) == 5


def killed_at(vecdb, call, *args):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when=1",
                           PROGRAM, *args], cwd=vecdb.folder, env=vecdb.env, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done


@pytest.mark.parametrize("form", ["jsonl", "faiss", "tar", "npy"])
def test_a_killed_export_leaves_nothing_that_the_next_one_does_not_remove(vecdb, speech_store, form):
    folder = vecdb.folder / "out"
    folder.mkdir()
    args = "--store", speech_store, "export", "--format", form, "--output", folder / "x"
    killed_at(vecdb, "fsync", *args)
    if form in ("jsonl", "faiss"):
        assert list(folder.iterdir()) == []
    (folder / "x.tmp-notes").mkdir()  # somebody else's, as these are
    (folder / "x.tmp-999999999").mkdir()
    (folder / "x.tmp-999999999" / "mine").touch()
    assert vecdb(*args).code == 0
    assert {path.name for path in folder.iterdir()} == {"x", "x.tmp-notes", "x.tmp-999999999"}
    assert vecdb(*args).code == 5
    assert vecdb(*args, "--force").code == 0
