"""Which files a path stands for: walks, patterns, ignore files, lists of names, what is no file."""

import json
import os
import socket
import subprocess
import threading

import pytest
from conftest import PROGRAM, assert_error


def taken(result, root) -> list[str]:
    """The documents that split printed, in its order, relative to a folder."""
    uris = dict.fromkeys(record["uri"] for record in result.records)
    return [os.path.relpath(uri, root) for uri in uris]


def write_all(vecdb, *names):
    for name in names:
        vecdb.write(name, "Text of " + name)


def test_a_folder_is_walked_in_byte_order(vecdb):
    write_all(vecdb, "d/b/z", "d/b.txt", "d/a", "d/b-c/x", "d/b0", "d/é", "d/.hidden", "d/.git/config")
    assert taken(vecdb("split", "d"), vecdb.folder / "d") == ["a", "b-c/x", "b.txt", "b/z", "b0", "é"]


def test_include_and_exclude_are_patterns_of_the_walked_folder(vecdb):
    write_all(vecdb, "d/a.md", "d/a.txt", "d/docs/b.md", "d/docs/b.txt", "d/docs/old/c.md", "d/-x")
    split = lambda *flags: taken(vecdb("split", "d", *flags), vecdb.folder / "d")
    assert split("--include", "*.md") == ["a.md", "docs/b.md", "docs/old/c.md"]
    assert split("--include", "*.md", "--include=/docs/*.txt") == ["a.md", "docs/b.md", "docs/b.txt", "docs/old/c.md"]
    assert split("--include", "docs/", "--exclude", "old/") == ["docs/b.md", "docs/b.txt"]
    assert split("--exclude", "docs", "--exclude", "-x") == ["a.md", "a.txt"]
    assert split("--exclude", "*.md", "--exclude", "!b.md") == ["-x", "a.txt", "docs/b.md", "docs/b.txt"]
    # A file that is named is taken whatever the patterns say.
    assert taken(vecdb("split", "d/a.txt", "--include", "*.md"), vecdb.folder) == ["d/a.txt"]


@pytest.mark.parametrize("flag", ["--include", "--exclude"])
@pytest.mark.parametrize("glob", ["", "[a", "#x", "/"])
def test_a_pattern_that_can_match_nothing_is_refused(vecdb, flag, glob):
    vecdb.write("a", "text")
    assert_error(vecdb("split", "a", flag, glob), 2, flag, "can match nothing")


def test_ignore_files_are_obeyed_and_can_be_disregarded(vecdb):
    write_all(vecdb, "d/a.log", "d/a.txt", "d/sub/b.log", "d/sub/keep.log", "d/build/out.txt")
    vecdb.write("d/.gitignore", "*.log\nbuild/\n")
    vecdb.write("d/sub/.vecdbignore", "!keep.log\n")
    assert taken(vecdb("split", "d"), vecdb.folder / "d") == ["a.txt", "sub/keep.log"]
    every = ["a.log", "a.txt", "build/out.txt", "sub/b.log", "sub/keep.log"]
    assert taken(vecdb("split", "--no-ignore", "d"), vecdb.folder / "d") == every
    # What the user names is taken: the file, and what is in the folder.
    assert taken(vecdb("split", "d/a.log", "d/build"), vecdb.folder / "d") == ["a.log", "build/out.txt"]


def test_an_ignore_file_that_cannot_be_used_is_named(vecdb):
    write_all(vecdb, "d/a")
    vecdb.write("d/.gitignore", "a\n" * (1 << 20))
    result = vecdb("split", "d")
    assert result.code == 5 and taken(result, vecdb.folder) == ["d/a"]
    assert "d/.gitignore: skipped: its patterns do not hold: it is larger than" in result.err


def test_a_file_that_is_named_twice_is_one_document(vecdb):
    write_all(vecdb, "d/a", "d/sub/b")
    assert taken(vecdb("split", "d", "d/sub", "d/a", "./d/../d"), vecdb.folder) == ["d/a", "d/sub/b"]
    chunks = vecdb("split", "d", "d/sub", "d/a").records
    assert len(chunks) == 2
    records = vecdb("ingest", "--dry-run", "--json", "d/sub/b", "d", "d").records
    assert [r["status"] for r in records[:-1]] == ["added", "added"]


def test_what_is_over_the_size_limit_is_skipped_and_the_limit_named(vecdb):
    vecdb.write("d/big", "x" * 3000)
    vecdb.write("d/fits", "x" * 2048)
    result = vecdb("ingest", "--dry-run", "--json", "--max-file-size", "2K", "d", "d/big", "-", stdin="y" * 2049)
    reason = "is larger than --max-file-size: {} bytes, the limit is 2048"
    skipped = {r["uri"]: r["reason"] for r in result.records[:-1] if r["status"] == "skipped"}
    assert skipped == {str(vecdb.folder / "d/big"): reason.format("3000"), "-": "is larger than --max-file-size: the limit is 2048 bytes"}
    assert result.code == 1 and result.records[-1]["summary"]["added"] == 1
    assert "3000 bytes, the limit is 2048" in result.err
    assert_error(vecdb("split", "d", "--max-file-size", "many"), 2, "--max-file-size", "many")


def test_a_sparse_file_of_a_terabyte_is_not_read(vecdb):
    with open(vecdb.write("d/huge", ""), "r+b") as file:
        file.truncate(1 << 40)
    result = vecdb("split", "d")
    assert result.code == 5 and "the limit is 268435456" in result.err


def test_links_are_followed_only_when_asked_for(vecdb):
    write_all(vecdb, "d/a", "elsewhere/b")
    os.symlink("../elsewhere", vecdb.folder / "d/link")
    os.symlink(".", vecdb.folder / "d/self")
    assert taken(vecdb("split", "d"), vecdb.folder) == ["d/a"]
    result = vecdb("split", "--follow", "d")
    assert taken(result, vecdb.folder) == ["d/a", "d/link/b"]
    assert result.code == 5 and "d/self: skipped: is a symbolic link to a folder" in result.err
    # One that is named is followed.
    assert taken(vecdb("split", "d/link"), vecdb.folder) == ["d/link/b"]


@pytest.fixture
def strange(vecdb):
    """A folder of all that can go by the name of a file."""
    write_all(vecdb, "d/good", "d/new\nline", "d/esc\x1b[31mred", "d/loop/x")
    folder = vecdb.folder / "d"
    (folder / os.fsdecode(b"bad\xff")).write_text("text")
    os.symlink("..", folder / "loop" / "up")
    os.symlink("itself", folder / "itself")
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket must be short
        server.bind("socket")
        os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(folder / "device", 0o600 | 0o020000, os.makedev(1, 5))  # as /dev/zero
    vecdb.write("d/closed", "text").chmod(0)
    return folder


def test_what_is_no_regular_file_is_skipped_and_named_without_hanging(vecdb, strange):
    result = vecdb("ingest", "--dry-run", "--json", "d")
    found = {os.path.relpath(r["uri"], strange): r.get("reason", "") for r in result.records[:-1]}
    assert result.code == 1
    assert found["fifo"] == "is a FIFO, not a regular file"
    assert found["socket"] == "is a socket, not a regular file"
    assert found["bad\\xFF"] == "has a name that is not UTF-8"
    assert [found[name] for name in ("good", "new\nline", "esc\x1b[31mred", "loop/x")] == [""] * 4
    expected = {"bad\\xFF", "closed", "esc\x1b[31mred", "fifo", "good", "loop/x", "new\nline", "socket"}
    if os.geteuid() == 0:
        assert found["device"] == "is a device, not a regular file"
        expected.add("device")
    else:
        assert found["closed"] == "cannot open: Permission denied; check its permissions"
    assert set(found) == expected
    uris = [r["uri"] for r in result.records[:-1]]
    assert result.records[-1]["summary"]["skipped"] == sum(1 for reason in found.values() if reason)
    assert len(uris) == len(found)
    # Each of them named, too.
    for name in ("fifo", "socket"):
        assert "not a regular file" in vecdb("ingest", "--dry-run", strange / name).err


def test_terminal_escapes_in_names_are_shown_escaped(vecdb, strange):
    (strange / "esc\x1b[31mred").write_bytes(b"\0")
    result = vecdb("ingest", "--dry-run", "-v", "d")
    assert "\x1b" not in result.err and "esc\\x1b[31mred" in result.err
    assert "new\\x0aline: added" in result.err


def test_a_store_is_never_ingested(vecdb):
    vecdb.write("d/notes.txt", "Some text.")
    assert vecdb("--store", "d/store", "ingest", "d").code == 0
    assert vecdb("--store", "d/.vecdb", "ingest", "d").code == 0
    result = vecdb("--store", "d/store", "ingest", "--json", "--hidden", "--no-ignore", "d")
    assert [r["uri"] for r in result.records[:-1]] == [str(vecdb.folder / "d/notes.txt")]
    for name in ("d/store", "d/store/HEAD", "d/.vecdb/LOCK"):
        result = vecdb("ingest", "--dry-run", "--json", name)
        assert result.code == 1 and result.records[0]["reason"] == "belongs to a store of vecdb"


def test_a_name_in_a_list_that_is_gone_is_skipped(vecdb):
    write_all(vecdb, "a", "c", "d/e")
    result = vecdb("ingest", "--dry-run", "--json", "--files-from", "-", stdin="a\nb\n\nc\nd\n")
    assert result.code == 1
    found = {os.path.relpath(r["uri"], vecdb.folder): r for r in result.records[:-1]}
    assert {name: r["status"] for name, r in found.items()} == {
        "a": "added", "b": "skipped", "c": "added", "d/e": "added"}
    assert "No such file" in found["b"]["reason"]
    assert f"{vecdb.folder / 'b'}: skipped" in result.err
    # On the command line it is a mistake, and nothing is read.
    assert_error(vecdb("ingest", "--json", "a", "b"), 5, "b: no such file or folder")
    assert_error(vecdb("ingest", "--json", "a", "--files-from", "none"), 5, "none", "No such file")


def test_a_list_is_obeyed_while_it_is_written(vecdb):
    vecdb.write("a b", "Some words.\n\n" * 20_000)  # more than stdout's buffer holds
    vecdb.write("new\nline", "text")
    process = vecdb.popen("split", "-0", "--files-from", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    process.stdin.write(b"a b\0new\nli")
    process.stdin.flush()
    first = json.loads(process.stdout.readline())  # while the list goes on
    out, _ = process.communicate(b"ne\0")
    watchdog.cancel()
    assert first["uri"] == str(vecdb.folder / "a b")
    assert json.loads(out.splitlines()[-1])["uri"] == str(vecdb.folder / "new\nline")
    assert process.returncode == 0


def test_names_piped_from_find_are_the_walked_files(vecdb):
    write_all(vecdb, *(f"d/{i % 7}/{i}.txt" for i in range(100)))
    found = subprocess.run(["find", "d", "-type", "f", "-print0"], cwd=vecdb.folder, capture_output=True).stdout
    listed = vecdb("split", "--files-from", "-", "-0", stdin=found)
    assert sorted(taken(listed, vecdb.folder)) == sorted(taken(vecdb("split", "d"), vecdb.folder))


def peak_of_walk(vecdb, folder) -> int:
    """Peak resident kilobytes of a walk that takes no file."""
    code = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
            "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    python = os.path.join(os.sys.prefix, "bin", "python")
    out = subprocess.run([python, "-c", code, PROGRAM, "split", "--include", "nothing", folder],
                         env=vecdb.env, capture_output=True, check=True).stdout
    status, peak = map(int, out.split())
    assert status == 0
    return peak


def test_the_memory_of_a_walk_does_not_grow_with_the_tree(vecdb):
    for name, folders in (("few", 2), ("many", 200)):
        for i in range(folders):
            folder = vecdb.folder / name / f"a-folder-with-a-rather-long-name-{i}"
            folder.mkdir(parents=True)
            for k in range(100):
                (folder / f"a-file-with-a-rather-long-name-that-takes-memory-{k}").touch()
    # 20,000 names of 100 bytes kept would be 2 MB and more.
    assert peak_of_walk(vecdb, vecdb.folder / "many") < peak_of_walk(vecdb, vecdb.folder / "few") + 1000


def test_files_that_vanish_while_they_are_walked_are_skipped_or_taken(vecdb):
    write_all(vecdb, *(f"d/{i:03}/{k}" for i in range(100) for k in range(20)))
    process = vecdb.popen("ingest", "--dry-run", "--json", "d", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for i in range(99, -1, -1):
        for k in range(20):
            os.remove(vecdb.folder / f"d/{i:03}/{k}")
        os.rmdir(vecdb.folder / f"d/{i:03}")
    out, _ = process.communicate(timeout=60)
    *documents, summary = map(json.loads, out.splitlines())
    assert process.returncode in (0, 1)
    for document in documents:
        if document["status"] == "skipped":
            assert "No such file or directory" in document["reason"]
    assert summary["summary"]["skipped"] == sum(d["status"] == "skipped" for d in documents)
