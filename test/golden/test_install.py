"""The installed program stands on its own, and both it and a build know where their libraries are."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import PROGRAM, QUESTION, SPEECH, Program


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", PROGRAM.parent, "--prefix", prefix], check=True,
                   capture_output=True)
    return prefix


def test_everything_has_its_place(prefix):
    for file in ("bin/vecdb", "share/man/man1/vecdb.1",
                 "share/vecdb/models/all-MiniLM-L6-v2/model.json"):
        assert (prefix / file).is_file(), file
    for library in PROGRAM.parent.glob("**/libvecdb_*.so"):
        if library.is_symlink():  # for the test programs
            continue
        name = library.relative_to(PROGRAM.parent)
        assert list(prefix.glob(f"lib*/**/vecdb/{name}")), name
    assert list(prefix.glob("share/doc/**/NOTICE"))


def test_it_answers_without_the_build_folder(tmp_path, prefix):
    """Runs where an empty file system hides the build folder; the loader's own words back it up."""
    vecdb = Program(tmp_path)
    hide = f"mount -t tmpfs none '{PROGRAM.parent.parent}' && "
    if subprocess.run(["unshare", "-Urm", "sh", "-c", hide + "true"], capture_output=True).returncode:
        hide = ""  # no user namespaces here
    command = (f"'{prefix}/bin/vecdb' -q ingest '{SPEECH}' && "
               f"LD_DEBUG=files '{prefix}/bin/vecdb' query -k 1 '{QUESTION}' && "
               f"LD_DEBUG=files '{prefix}/bin/vecdb' --engine torchscript query -k 1 '{QUESTION}'")
    shell = ["unshare", "-Urm", "sh", "-c", hide + command] if hide else ["sh", "-c", command]
    done = subprocess.run(shell, capture_output=True, text=True, cwd=tmp_path, env=vecdb.env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("Ketanji Brown Jackson") == 2
    opened = [line for line in done.stderr.splitlines() if "calling init" in line]
    assert any("libvecdb_native" in line for line in opened)
    assert any("libtorch_cpu" in line for line in opened)
    assert not [line for line in opened if os.fspath(PROGRAM.parent) in line]


def test_it_finds_its_network_module(tmp_path, prefix):
    vecdb = Program(tmp_path)
    done = subprocess.run([prefix / "bin" / "vecdb", "model", "pull", "owner/model"],
                          env=vecdb.env | {"HF_ENDPOINT": "ftp://127.0.0.1"}, capture_output=True,
                          text=True)
    assert (done.returncode, "HF_ENDPOINT" in done.stderr) == (2, True), done.stderr


def test_no_library_comes_from_the_working_folder(vecdb, speech_store):
    for library in ("libc10.so", "libcurl.so.4", "libgomp.so.1", "libicuuc.so.72", "libstdc++.so.6",
                    "libtorch_cpu.so", "libvecdb_faiss.so", "libvecdb_faiss_module.so"):
        vecdb.write(library, "a trap")
    assert vecdb("--store", speech_store, "query", QUESTION).code == 0
    pull = vecdb("model", "pull", "owner/model", HF_ENDPOINT="ftp://127.0.0.1")
    assert (pull.code, "HF_ENDPOINT" in pull.err) == (2, True), pull.err
