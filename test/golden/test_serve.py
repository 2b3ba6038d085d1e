"""`vecdb serve`: everything as without it, only from one warm process."""

import base64
import http.client
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import DATA, PROGRAM, QUESTION, SPEECH, assert_error, many_chunks

USED = "the store's server answers"
LENT = "the store's server encodes"


class Server:
    def __init__(self, process, ready):
        self.process = process
        self.ready = ready

    def stop(self, sent=signal.SIGTERM):
        self.process.send_signal(sent)
        return self.process.wait(timeout=20)


@contextmanager
def serving(vecdb, *flags, **env):
    """A server of the store in the working folder, ready for clients; stopped at the end."""
    process = subprocess.Popen([PROGRAM, *map(os.fspath, flags), "serve", "--json"] if "--http" not in flags else
                               [PROGRAM, "serve", "--json", *map(os.fspath, flags)],
                               cwd=vecdb.folder, env=vecdb.env | env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        yield Server(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(timeout=20)
        process.stdout.close()
        process.stderr.close()


def socket_of(vecdb) -> Path:
    (found,) = (vecdb.folder / "home" / ".cache" / "vecdb" / "serve").glob("*.sock")
    return found


def connect(client, vecdb):
    """By way of its folder: a socket's address has 107 bytes, which the path of a test may exceed."""
    path = socket_of(vecdb)
    folder = os.open(path.parent, os.O_PATH)
    try:
        client.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


@pytest.fixture
def stored(vecdb):
    """The sample text in the store of the working folder."""
    result = vecdb("ingest", SPEECH)
    assert result.code == 0, result.err
    return vecdb


def test_query_is_answered_by_the_server_with_the_same_bytes(stored):
    alone = {flags: stored("query", QUESTION, *flags) for flags in [(), ("--json",), ("-k", "7", "--format", "paths")]}
    with serving(stored):
        assert USED in stored("-v", "query", QUESTION).err
        for flags, before in alone.items():
            assert stored("query", QUESTION, *flags) == before
            assert stored("query", QUESTION, *flags, "--no-server") == before
        assert USED not in stored("-v", "--no-server", "query", QUESTION).err


def test_every_flag_of_query_means_the_same(stored):
    stored.write("notes/a.md", "Bees live in hives.\n")
    stored.write("notes/b.md", "Ants live in hills.\n")
    assert stored("ingest", "notes", "--meta", "lang=en").code == 0
    asked = [["-k", "1"], ["-k", "100"], ["--min-score", "0.3"], ["--min-score", "0.99"],
             ["--filter", 'path ~ "notes/**"'], ["--filter", 'lang = "de"'], ["--filter", 'lagn = "en"'],
             ["--recall", "1"], ["--nprobe", "3"], ["--format", "vimgrep"], ["--on-overflow", "mean"]]
    for flags in asked:
        alone = stored("query", "where do insects live", *flags)
        with_long = stored("query", "hive " * 300, *flags)
        with serving(stored):
            assert stored("query", "where do insects live", *flags) == alone
            assert stored("query", "hive " * 300, *flags) == with_long
    assert_error(stored("query", "hive " * 300, "--on-overflow", "error"), 2, "the question", "tokens")
    with serving(stored):
        assert_error(stored("query", "hive " * 300, "--on-overflow", "error"), 2, "the question", "tokens")


def test_questions_from_stdin_keep_to_one_generation(stored):
    lines = "economy\n\nhealth care\n"
    alone = stored("query", "-", stdin=lines)
    with serving(stored):
        assert stored("query", "-", stdin=lines) == alone
        with subprocess.Popen([PROGRAM, "query", "-", "--format", "paths", "-k", "1"], cwd=stored.folder, env=stored.env,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as asking:
            asking.stdin.write("bees and hives\n")
            assert asking.stdout.readline() == f"{SPEECH}\n"
            stored.write("bees.md", "Bees live in hives.\n")
            assert stored("ingest", "bees.md").code == 0
            asking.stdin.write("bees and hives\n")
            assert asking.stdout.readline() == f"{SPEECH}\n"
            asking.stdin.close()


def test_the_server_follows_what_is_committed(stored):
    with serving(stored):
        stored.write("bees.md", "Bees live in hives.\n")
        ask = ["query", "bees and hives", "--format", "paths", "-k", "1"]
        assert stored(*ask).out == f"{SPEECH}\n"
        assert stored("ingest", "bees.md").code == 0
        assert stored(*ask).out == f"{stored.folder}/bees.md\n"
        assert stored("compact").code == 0
        assert stored(*ask).out == f"{stored.folder}/bees.md\n"
        assert stored("delete", "bees.md").code == 0
        assert stored(*ask).out == f"{SPEECH}\n"
        assert USED in stored("-v", *ask).err


def test_encode_and_ingest_use_it_with_the_same_bits(stored):
    texts = "".join(f"{'words ' * (i % 40)}{i}\n" for i in range(600))
    alone = stored("encode", stdin=texts)
    files = [stored.write(f"many/{name}.txt", many_chunks(name, 100)) for name in "abc"]
    assert stored("--store", "alone", "ingest", *files, "--chunk-size", "20").code == 0
    with serving(stored):
        served = stored("-v", "encode", stdin=texts)
        assert served.out == alone.out and LENT in served.err
        ingested = stored("-v", "ingest", *files, "--chunk-size", "20")
        assert ingested.code == 0 and LENT in ingested.err
        assert LENT not in stored("-v", "--no-server", "encode", stdin=texts).err
        assert LENT not in stored("-v", "--max-memory", "1G", "encode", stdin=texts).err
    vectors = {}
    for store in ("alone", ".vecdb"):
        lines = stored("--store", store, "export", "--vectors", "--filter", 'path ~ "many/**"').records
        vectors[store] = [(line["uri"], line["text"], line["vector"]) for line in lines if "text" in line]
    assert vectors["alone"] and vectors["alone"] == vectors[".vecdb"]


def test_who_needs_something_else_works_alone(stored):
    with serving(stored):
        def err_of(*flags, **env):
            result = stored("-v", *flags, "query", QUESTION, **env)
            assert result.code == 0, result.err
            return result.err
        assert USED in err_of()
        assert USED not in err_of("--max-memory", "1G")
        assert "another engine" in err_of("--engine", "torchscript")
        assert "other instructions" in err_of(VECDB_MAX_ISA="avx2")
        for name in ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "ONEDNN_DEFAULT_FPMATH_MODE"):
            assert "other instructions" in err_of(**{name: "default"})
        assert_error(stored("--model", "unheard-of", "query", QUESTION), 6, "unheard-of")
        wrong = "f32" if stored("stats", "--json").records[0]["precision"] != "f32" else "bf16"
        assert_error(stored("--precision", wrong, "query", QUESTION), 2, "--precision")
        copied = stored.folder / "copy"
        subprocess.run(["cp", "-r", stored.folder / ".vecdb", copied], check=True)
        assert USED not in err_of("--store", copied)  # of the same name, at another place
        os.symlink(stored.folder / ".vecdb", stored.folder / "link")
        assert USED in err_of("--store", stored.folder / "link")


def test_another_program_than_the_servers_works_alone(stored, tmp_path_factory):
    twin = tmp_path_factory.mktemp("twin")
    for name in PROGRAM.parent.iterdir():
        if name.suffix == ".so" or name.name == "models":
            os.symlink(name, twin / name.name)
    subprocess.run(["cp", PROGRAM, twin / "vecdb"], check=True)
    with serving(stored):
        done = subprocess.run([twin / "vecdb", "-v", "query", QUESTION], cwd=stored.folder, env=stored.env,
                              capture_output=True, text=True)
        assert done.returncode == 0 and "another vecdb" in done.stderr
        assert done.stdout == stored("query", QUESTION).out


def test_a_store_that_took_the_place_is_not_answered_from_the_old_one(stored):
    stored.write("bees.md", "Bees live in hives.\n")
    ask = ["query", "bees and hives", "--format", "paths", "-k", "1"]
    assert stored("--store", "other", "ingest", "bees.md").code == 0
    with serving(stored):
        assert stored(*ask).out == f"{SPEECH}\n"
        os.rename(stored.folder / ".vecdb", stored.folder / "old")
        os.rename(stored.folder / "other", stored.folder / ".vecdb")
        assert stored(*ask).out == f"{stored.folder}/bees.md\n"
        subprocess.run(["rm", "-r", stored.folder / ".vecdb"], check=True)
        assert_error(stored("--store", stored.folder / ".vecdb", *ask), 5, "holds no vecdb store")
        assert stored("--store", "old", *ask).out == f"{SPEECH}\n"


def test_a_link_that_leads_elsewhere_later_is_not_followed(stored):
    stored.write("bees.md", "Bees live in hives.\n")
    copied = stored.folder / "copy"
    subprocess.run(["cp", "-r", stored.folder / ".vecdb", copied], check=True)  # of the same name
    assert stored("--store", copied, "ingest", "bees.md").code == 0
    link = stored.folder / "link"
    link.symlink_to(".vecdb")
    with serving(stored, "--store", link):
        link.unlink()
        link.symlink_to("copy")
        asked = stored("-v", "query", "bees and hives", "--format", "paths", "-k", "1")
        assert asked.out == f"{SPEECH}\n" and USED in asked.err


def test_a_name_that_is_not_utf8_does_no_harm(stored):
    store = os.fsdecode(os.fsencode(stored.folder / "store") + b"\xff")
    os.rename(stored.folder / ".vecdb", store)
    server = subprocess.Popen([PROGRAM, "--store", store, "serve"], cwd=stored.folder, env=stored.env, stdout=subprocess.PIPE)
    with server:
        assert server.stdout.readline()
        segment = Path(store, "segments", next(name for name in os.listdir(f"{store}/segments") if name.endswith(".faiss")))
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        for _ in range(2):
            asked = subprocess.run([PROGRAM, "--store", store, "query", QUESTION], cwd=stored.folder, env=stored.env, capture_output=True)
            assert asked.returncode == 3
        assert server.poll() is None
        server.terminate()


def test_json_of_a_store_whose_name_is_not_utf8(stored):
    store = os.fsdecode(os.fsencode(stored.folder / "store") + b"\xff")
    os.rename(stored.folder / ".vecdb", store)
    with serving(stored, "--store", store) as server:
        assert server.ready["store"].endswith("/store\ufffd")
        assert stored("--store", store, "stats", "--json").records[0]["store"].endswith("/store\ufffd")


def spoil(path):
    """Another byte in the middle, in place."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with open(path, "r+b") as file:
        file.write(content)


@pytest.fixture
def own_model(stored):
    """The model as the user's own, so that a test may damage it."""
    models = stored.folder / "home" / ".local" / "share" / "vecdb" / "models"
    models.mkdir(parents=True)
    subprocess.run(["cp", "-r", PROGRAM.parent / "models" / "all-MiniLM-L6-v2", models], check=True)
    return models / "all-MiniLM-L6-v2"


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "encoder.pt", "model.json"])
def test_a_model_that_was_changed_on_disk_is_no_longer_used(stored, own_model, name):
    with serving(stored, "--http", "127.0.0.1:0") as server:
        os.link(own_model / name, stored.folder / "link")  # which changes nothing of it
        (own_model / name).chmod(0o600)
        assert USED in stored("-v", "query", QUESTION).err
        if name == "model.json":  # of which not every byte matters
            os.truncate(own_model / name, 100)
        else:
            spoil(own_model / name)
        assert_error(stored("query", QUESTION), 6, name)
        assert_error(stored("encode", stdin="x\n"), 6, name)
        for method, path, body in (("POST", "/query", {"query": QUESTION}), ("POST", "/embeddings", {"input": "x"}), ("GET", "/healthz", None)):
            status, answer = Http(server)(method, path, body)
            assert status == 500 and "model" in answer["error"]["message"]


def test_a_model_that_was_removed_is_no_longer_used(stored, own_model):
    alone = stored("query", QUESTION)
    with serving(stored):
        os.rename(own_model, own_model.with_name("gone"))
        asked = stored("-v", "query", QUESTION)  # with that beside the program
        assert asked.out == alone.out and "model's files have changed" in asked.err
        os.rename(own_model.with_name("gone"), own_model)
        assert USED in stored("-v", "query", QUESTION).err


def test_a_damaged_catalogue_is_noticed_by_a_server_that_had_it_open(stored):
    assert stored("compact").code == 0
    with serving(stored):
        assert stored("query", QUESTION).code == 0
        catalogue = stored.folder / ".vecdb" / "catalog.db"
        catalogue.write_bytes(b"\xff" * catalogue.stat().st_size)
        assert_error(stored("query", QUESTION), 3, "catalog.db")


def test_a_damaged_segment_is_noticed_by_a_server_that_had_it_open(stored):
    with serving(stored):
        assert stored("query", QUESTION).code == 0
        (segment,) = (stored.folder / ".vecdb" / "segments").glob("*.faiss")
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        assert_error(stored("query", QUESTION), 3, segment.name)


def test_one_server_a_store(stored):
    with serving(stored) as first:
        assert_error(stored("serve"), 4, str(first.ready["pid"]), "serve")
        assert USED in stored("-v", "query", QUESTION).err


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_cleanly(stored, sent):
    with serving(stored) as server:
        path = socket_of(stored)
        assert server.stop(sent) == 128 + sent
        assert list(path.parent.iterdir()) == []  # nor lock, nor token
        assert stored("query", QUESTION).code == 0


def test_a_server_whose_cache_folder_was_removed_leaves_the_next_one_alone(stored):
    with serving(stored, "--http", "127.0.0.1:0") as first:
        subprocess.run(["rm", "-r", stored.folder / "home" / ".cache"], check=True)
        assert USED not in stored("-v", "query", QUESTION).err
        with serving(stored, "--http", "127.0.0.1:0") as second:
            assert first.stop() == 143
            assert USED in stored("-v", "query", QUESTION).err
            assert Http(second)("POST", "/query", {"query": QUESTION})[0] == 200
            folder = socket_of(stored).parent
        assert list(folder.iterdir()) == []


def test_servers_that_start_and_stop_at_once_never_share_a_store(stored):
    """The lock's file goes with its server while others wait to open it."""
    begun, ended = [], []

    def serve_again_and_again():
        for _ in range(8):
            process = stored.popen("serve", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if process.stdout.readline():
                begun.append(process.pid)
                socket_of(stored)  # there is one, and it is not removed by those that end
                process.terminate()
            err = process.communicate(timeout=60)[1]
            ended.append((process.returncode, err))
            assert process.returncode == 143 or "is being served" in err, err

    threads = [threading.Thread(target=serve_again_and_again) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 32 and begun, ended
    assert list((stored.folder / "home" / ".cache" / "vecdb" / "serve").iterdir()) == []


def test_a_server_that_was_killed_is_in_nobodys_way(stored):
    alone = stored("query", QUESTION)
    with serving(stored) as server:
        server.stop(signal.SIGKILL)
        assert socket_of(stored).exists()
        assert stored("query", QUESTION) == alone
    with serving(stored):
        assert USED in stored("-v", "query", QUESTION).err


def test_a_server_that_hangs_is_left_after_some_seconds(stored):
    alone = stored("query", QUESTION)
    with serving(stored) as server:
        server.process.send_signal(signal.SIGSTOP)
        assert stored("query", QUESTION) == alone
        server.process.send_signal(signal.SIGCONT)
        assert USED in stored("-v", "query", QUESTION).err


def test_a_client_goes_on_alone_when_the_server_dies(stored):
    lines = [f"question {i} about the economy\n" for i in range(3)]
    ask = ["query", "--json", "-k", "1", "-"]
    alone = stored(*ask, stdin="".join(lines)).out.splitlines(keepends=True)
    with serving(stored) as server, subprocess.Popen(
            [PROGRAM, *ask], cwd=stored.folder, env=stored.env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1) as asking:
        for number, line in enumerate(lines):
            asking.stdin.write(line)
            assert asking.stdout.readline() == alone[number]
            if number == 0:
                server.stop(signal.SIGKILL)
        asking.stdin.close()
        assert asking.stderr.read() == "" and asking.wait(timeout=20) == 0


def test_an_ingest_goes_on_alone_when_the_server_dies(stored):
    text = many_chunks("x", 2000)
    path = stored.write("x.txt", text)
    with serving(stored) as server:
        ingest = stored.popen("ingest", path, "--chunk-size", "20", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.3)
        server.stop(signal.SIGKILL)
        out, err = ingest.communicate(timeout=120)
        assert ingest.returncode == 0, err
    assert stored("verify").code == 0
    assert stored("--store", "alone", "ingest", path, "--chunk-size", "20").code == 0
    def vectors(store):
        lines = stored("--store", store, "export", "--vectors", "--filter", 'path ~ "**/x.txt"').records
        return [line["vector"] for line in lines if "text" in line]
    assert vectors(".vecdb") == vectors("alone") and len(vectors("alone")) > 1000


def test_many_clients_at_a_time_get_their_own_answers(stored):
    questions = [f"what about {word}" for word in ("taxes", "war", "health", "schools", "roads", "jobs", "guns", "sea")]
    alone = {question: stored("query", "--json", question) for question in questions}
    wrong = []

    def ask(question):
        for _ in range(5):
            if stored("query", "--json", question) != alone[question]:
                wrong.append(question)

    path = stored.write("x.txt", many_chunks("x", 1000))
    with serving(stored):
        # In the store of its own, so that the answers stay.
        ingest = stored.popen("--store", "other", "ingest", path, "--chunk-size", "20", stderr=subprocess.DEVNULL)
        encode = stored.popen("encode", path, stdout=subprocess.DEVNULL)
        clients = [threading.Thread(target=ask, args=(question,)) for question in questions]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert ingest.wait(timeout=120) == 0 and encode.wait(timeout=120) == 0
    assert wrong == []


def test_more_clients_than_there_are_places_work_alone(stored):
    alone = stored("query", QUESTION)
    with serving(stored):
        idle = []
        for _ in range(70):
            idle.append(socket.socket(socket.AF_UNIX))
            connect(idle[-1], stored)
        assert stored("query", QUESTION) == alone
        for each in idle:
            each.close()
        time.sleep(0.5)
        assert USED in stored("-v", "query", QUESTION).err


def test_clients_that_wait_for_a_descriptor_cost_nothing(stored):
    alone = stored("query", QUESTION)
    with serving(stored) as server:
        pid = server.ready["pid"]
        last = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (last + 1, last + 1))
        with socket.socket(socket.AF_UNIX) as waiting:
            connect(waiting, stored)

            def ticks():
                return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
            before = ticks()
            assert stored("query", QUESTION) == alone  # after five seconds
            assert ticks() - before < os.sysconf("SC_CLK_TCK") / 2


def messages():
    """What no client sends: (lengths, parts)."""
    yield b""
    yield b"\x01"
    yield struct.pack("=II", 0xFFFFFFFF, 0)
    yield struct.pack("=II", 5, 0xFFFFFFFF) + b"{}"
    kinds = [b'{"kind":%d%s}' % (kind, rest) for kind in range(8) for rest in (b"", b',"text":"x","name":"y"', b',"task":0,"starts":[0,5]')]
    for body in (b"", b"{", b"[]", b"{}", b'{"kind":99}', b'{"kind":"x"}', b"\xff" * 9, b'{"kind":' + b"[" * 100000, *kinds):
        yield struct.pack("=II", len(body), 0) + body
        yield struct.pack("=II", len(body), 7) + body + b"seven!!"


def test_malformed_messages_do_no_harm(stored):
    with serving(stored):
        for message in messages():
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(10)
                connect(client, stored)
                client.sendall(message)
                client.shutdown(socket.SHUT_WR)
                try:
                    while client.recv(65536):
                        pass
                except ConnectionResetError:  # it left before the end
                    pass
        assert USED in stored("-v", "query", QUESTION).err


def test_the_socket_is_this_users_alone(stored):
    folder = stored.folder / "home" / ".cache" / "vecdb" / "serve"
    with serving(stored):
        assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    assert_error(stored("serve"), 5, "serve", "700")
    folder.chmod(0o700)
    with serving(stored):
        folder.chmod(0o755)  # somebody else might have put a socket there
        assert USED not in stored("-v", "query", QUESTION).err


def test_a_deep_cache_folder_does_no_harm(stored):
    deep = "/".join([str(stored.folder / "home")] + ["d" * 60] * 4)
    with serving(stored, XDG_CACHE_HOME=deep):
        assert USED in stored("-v", "query", QUESTION, XDG_CACHE_HOME=deep).err


def test_serve_says_what_it_cannot_do(vecdb):
    assert_error(vecdb("serve"), 5, "no store")
    assert vecdb("ingest", SPEECH).code == 0
    assert_error(vecdb("serve", "--no-server"), 2, "--no-server")
    assert_error(vecdb("serve", "--http", "0.0.0.0:0"), 2, "--http", "this machine alone")
    assert_error(vecdb("serve", "--http", "example.com:80"), 2, "--http")
    assert_error(vecdb("serve", "--http", "127.0.0.1"), 2, "--http", "ADDRESS:PORT")
    assert_error(vecdb("serve", "--http", "127.0.0.1:70000"), 2, "--http")
    assert vecdb("serve", "--token-file", "x").code == 2
    assert_error(vecdb("serve", "--http", "127.0.0.1:0", "--token-file", "nowhere"), 5, "nowhere")
    vecdb.write("short", "x\n")
    assert_error(vecdb("serve", "--http", "127.0.0.1:0", "--token-file", "short"), 5, "short")
    assert_error(vecdb("--model", "unheard-of", "serve"), 6, "unheard-of")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert_error(vecdb("serve", "--http", f"127.0.0.1:{port}"), 5, "cannot listen", str(port))
    del vecdb.env["HOME"]
    assert_error(vecdb("serve"), 5, "XDG_CACHE_HOME")


class Http:
    """Requests to a server with its token."""

    def __init__(self, server):
        self.host, port = server.ready["http"].removeprefix("http://").rsplit(":", 1)
        self.port = int(port)
        self.token = Path(server.ready["token_file"]).read_text().strip()

    def __call__(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.host.strip("[]"), self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        connection.request(method, path, body if isinstance(body, (str, bytes, type(None))) else json.dumps(body),
                           {key: value for key, value in headers.items() if value is not None})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content)


@contextmanager
def serving_http(vecdb):
    with serving(vecdb, "--http", "127.0.0.1:0") as server:
        yield Http(server)


def test_http_embeddings_are_those_of_encode(stored):
    texts = ["hello world", "ein zweiter Text", "long " * 600, ""]
    encoded = stored("encode", "--jsonl", stdin="".join(json.dumps({"text": text}) + "\n" for text in texts)).records
    with serving_http(stored) as http:
        for path in ("/embeddings", "/v1/embeddings"):
            status, answer = http("POST", path, {"input": texts, "model": "all-MiniLM-L6-v2"})
            assert status == 200 and answer["object"] == "list" and answer["model"] == "all-MiniLM-L6-v2"
            assert [each["index"] for each in answer["data"]] == [0, 1, 2, 3]
            assert [each["embedding"] for each in answer["data"]] == [each["vector"] for each in encoded]
            assert [each.get("truncated", False) for each in answer["data"]] == [each["truncated"] for each in encoded]
            assert answer["usage"]["total_tokens"] == sum(each["tokens"] for each in encoded)
        status, answer = http("POST", "/embeddings", {"input": texts[0], "encoding_format": "base64", "dimensions": 384})
        packed = base64.b64decode(answer["data"][0]["embedding"], validate=True)
        assert [struct.unpack("<f", struct.pack("<f", x))[0] for x in encoded[0]["vector"]] == list(struct.unpack("<384f", packed))


def test_http_query_is_that_of_the_command(stored):
    with serving_http(stored) as http:
        status, answer = http("POST", "/query", {"query": QUESTION, "k": 3, "min_score": 0.1, "filter": "size > 10"})
        assert status == 200
        expected = stored("query", "--json", QUESTION, "-k", "3", "--min-score", "0.1", "--filter", "size > 10").records
        assert answer["results"] == expected and answer["truncated"] is False
        assert http("GET", "/healthz", Authorization=None) == (200, {
            "status": "ok", "model": "all-MiniLM-L6-v2", "dimension": 384, "generation": 1,
            "precision": stored("stats", "--json").records[0]["precision"]})
        stored.write("bees.md", "Bees live in hives.\n")
        assert stored("ingest", "bees.md").code == 0
        assert http("GET", "/healthz")[1]["generation"] == 2
        assert http("POST", "/query", {"query": "bees", "k": 1})[1]["results"][0]["uri"].endswith("bees.md")


def test_http_warns_of_keys_that_no_document_has(stored):
    stored.write("a.md", "Bees live in hives.\n")
    assert stored("ingest", "a.md", "--meta", "lang=en").code == 0
    with serving_http(stored) as http:
        for text in ('lagn = "en"', " or ".join(f'key{i} = "x"' for i in range(5)), 'lang = "en"'):
            status, answer = http("POST", "/query", {"query": "bees", "filter": text})
            told = stored("query", "bees", "--filter", text).err.splitlines()
            expected = [line.removeprefix("vecdb: ").replace("--filter", '"filter"', 1) for line in told if "--filter" in line]
            assert status == 200 and answer["warnings"] == expected
        assert http("POST", "/query", {"query": "bees"})[1]["warnings"] == []


def test_http_lets_only_those_in_who_may(stored):
    ask = {"query": QUESTION}
    with serving_http(stored) as http:
        assert http("POST", "/query", ask)[0] == 200
        for authorization in (None, "", "Bearer", "Bearer x", f"Bearer {http.token}x", f"bearer {http.token}", http.token):
            assert http("POST", "/query", ask, Authorization=authorization)[0] == 401
        assert http("POST", "/query", ask, Origin="http://localhost")[0] == 403
        assert http("GET", "/healthz", Origin="null")[0] == 403
        for host in ("example.com", f"example.com:{http.port}", "127.0.0.1", "127.0.0.1:1", ""):
            assert http("POST", "/query", ask, Host=host)[0] == 403
        for host in (f"localhost:{http.port}", f"[::1]:{http.port}"):
            assert http("POST", "/query", ask, Host=host)[0] == 200
        assert http("POST", "/query", ask, Host=f"127.0.0.2:{http.port}")[0] == 403


@pytest.mark.parametrize("address", ["127.0.0.2:0", "[::1]:0", "localhost:0", "127.0.0.1:80"])
def test_http_is_reached_at_the_address_that_it_names(stored, address):
    if address.endswith(":80"):
        try:
            socket.create_server(("127.0.0.1", 80)).close()
        except OSError as error:
            pytest.skip(f"port 80: {error}")
    with serving(stored, "--http", address) as server:
        assert Http(server)("POST", "/query", {"query": QUESTION})[0] == 200


def test_http_says_what_is_wrong_with_a_request(stored):
    wrong = [("POST", "/nowhere", {}, 404), ("GET", "/query", None, 405), ("POST", "/healthz", {}, 405),
             ("POST", "/query", "", 400), ("POST", "/query", "{", 400), ("POST", "/query", "[]", 400), ("POST", "/query", {}, 400),
             ("POST", "/query", {"query": " "}, 400), ("POST", "/query", {"query": 3}, 400),
             ("POST", "/query", {"query": "x", "k": 0}, 400), ("POST", "/query", {"query": "x", "k": -1}, 400),
             ("POST", "/query", {"query": "x", "k": 1.5}, 400), ("POST", "/query", {"query": "x", "top": 1}, 400),
             ("POST", "/query", {"query": "x", "filter": "size >"}, 400), ("POST", "/query", {"query": "x", "min_score": 2}, 400),
             ("GET", "/%ff", None, 404), ("POST", "/query", b'{"query":"\xff"}', 400), ("POST", "/query", "[" * 100_000, 400),
             ("POST", "/embeddings", {}, 400), ("POST", "/embeddings", {"input": []}, 400),
             ("POST", "/embeddings", {"input": [1, 2]}, 400), ("POST", "/embeddings", {"input": ["x"] * 2049}, 400),
             ("POST", "/embeddings", {"input": "x", "model": "text-embedding-3-small"}, 404),
             ("POST", "/embeddings", {"input": "x", "dimensions": 5}, 400),
             ("POST", "/embeddings", {"input": "x", "encoding_format": "int8"}, 400),
             ("POST", "/embeddings", {"input": "x", "input_type": "poem"}, 400)]
    with serving_http(stored) as http:
        for method, path, body, status in wrong:
            found, answer = http(method, path, body)
            assert found == status, (method, path, str(body)[:80], answer)
            assert answer["error"]["message"] and answer["error"]["type"] == "invalid_request_error"
        assert http("POST", "/query", {"query": QUESTION})[0] == 200


def test_http_takes_no_more_than_it_can_hold(stored):
    with serving_http(stored) as http:
        head = f"POST /query HTTP/1.1\r\nHost: localhost:{http.port}\r\nAuthorization: Bearer {http.token}\r\n"
        for length in ("5000000", "99999999999999999999"):
            with socket.create_connection(("127.0.0.1", http.port), timeout=30) as client:
                client.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode())
                assert client.recv(100).split()[1] in (b"413", b"400")
        with socket.create_connection(("127.0.0.1", http.port), timeout=30) as client:
            client.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(10):
                client.sendall(b"80000\r\n" + b"x" * 0x80000 + b"\r\n")
            client.sendall(b"0\r\n\r\n")
            assert client.recv(100).split()[1] == b"413"
        with socket.create_connection(("127.0.0.1", http.port), timeout=30) as client:
            client.sendall(head.encode() + b"X: " + b"x" * 100_000 + b"\r\n\r\n")
            assert client.recv(100).split()[1:2] in ([b"431"], [b"413"], [])


def test_http_is_told_why_it_is_refused_also_after_a_long_body(stored):
    long = json.dumps({"query": "x" * (5 << 20)})
    with serving_http(stored) as http:
        for path, headers, status in (("/query", {}, 413), ("/embeddings", {}, 413), ("/query", {"Authorization": "Bearer x"}, 401),
                                      ("/nowhere", {}, 404), ("/healthz", {}, 405), ("/query", {"Origin": "null"}, 403)):
            for _ in range(5):
                assert http("POST", path, long, **headers)[0] == status
        # One that says it will send more than it does is not waited for any longer than others.
        with socket.create_connection(("127.0.0.1", http.port), timeout=30) as client:
            client.sendall(f"POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: {10 << 30}\r\n\r\n".encode())
            assert b" 403 " in client.makefile("rb").read()  # to its end
            client.sendall(b"x" * 1000)
        assert http("POST", "/query", {"query": QUESTION})[0] == 200


def test_http_stops_at_once_whatever_its_clients_do(stored):
    with serving(stored, "--http", "127.0.0.1:0") as server:
        http_ = Http(server)
        idle = [socket.create_connection(("127.0.0.1", http_.port)) for _ in range(70)]
        for number, each in enumerate(idle):
            length = 10 << 30 if number % 3 == 0 else 5
            part = f"POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
            try:
                each.sendall(part[:number * 2])
            except OSError:  # beyond its places
                pass
        begun = time.monotonic()
        assert server.stop() == 143
        assert time.monotonic() - begun < 5
        for each in idle:
            each.close()


def test_http_requests_that_dawdle_are_ended(stored):
    with serving_http(stored) as http:
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", http.port), timeout=40) as slow:
            try:
                for _ in range(35):  # a byte a second: never idle
                    slow.sendall(b"P" if _ == 0 else b"O")
                    time.sleep(1)
            except OSError:
                pass
        assert time.monotonic() - begun < 30
        assert http("POST", "/query", {"query": QUESTION})[0] == 200


def test_http_is_refused_beyond_its_places_and_the_rest_goes_on(stored):
    with serving_http(stored) as http:
        idle = [socket.create_connection(("127.0.0.1", http.port)) for _ in range(80)]
        assert USED in stored("-v", "query", QUESTION).err
        for each in idle:
            each.close()
        time.sleep(0.5)
        assert http("POST", "/query", {"query": QUESTION})[0] == 200


def test_the_token_may_be_the_users_own(stored):
    token = stored.write("token", "a-token-of-my-own\n")
    with serving(stored, "--http", "127.0.0.1:0", "--token-file", token) as server:
        assert Http(server)("POST", "/query", {"query": QUESTION})[0] == 200
    assert token.exists()
    with serving(stored, "--http", "[::1]:0") as server:
        made = Path(server.ready["token_file"])
        assert made.stat().st_mode & 0o777 == 0o600
        assert server.ready["http"].startswith("http://[::1]:")
    assert not made.exists()


def test_files_of_an_old_generation_are_let_go(stored):
    path = stored.write("x.txt", many_chunks("x", 3000))
    with serving(stored) as server:
        assert stored("query", QUESTION).code == 0
        assert stored("ingest", path, "--chunk-size", "20").code == 0
        assert stored("compact").code == 0
        deadline = time.monotonic() + 10
        wanted = {p.name for p in (stored.folder / ".vecdb" / "segments").iterdir()}
        assert len([name for name in wanted if name.endswith(".faiss")]) == 1
        # Readers of the old generation are closed by themselves: no file that is gone stays mapped.
        while time.monotonic() < deadline:
            maps = Path(f"/proc/{server.ready['pid']}/maps").read_text()
            if "(deleted)" not in maps:
                break
            time.sleep(0.2)
        assert "segments" not in "".join(line for line in maps.splitlines() if line.endswith("(deleted)"))


def test_documents_name_the_flags():
    text = (DATA.parents[1] / "docs" / "CLI.md").read_text()
    for word in ("vecdb serve", "--no-server", "--http", "--token-file", "/embeddings", "/query", "/healthz"):
        assert word in text, word
