"""A hub for tests: repositories over HTTPS as huggingface.co serves them, and with its failures.

Small files come from the hub itself. Files in LFS are redirected to a second server, the CDN, on a
port of its own, which names them by ETags of its own and answers to ranges.
"""

import hashlib
import json
import ssl
import subprocess
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_certificate(folder: Path, name: str = "server") -> Path:
    """A key and a certificate that is its own authority, in one file."""
    path = folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", path.with_suffix(".key"),
         "-out", path, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True)
    return path


@dataclass
class Request:
    server: str  # "hub" or "cdn"
    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Hub:
    """What is served, what was asked, and what goes wrong."""

    files: dict[str, bytes]
    repository: str = "owner/model"
    lfs: tuple[str, ...] = ("model.safetensors",)
    commit: str = COMMIT
    api: bool = True          # or only file URLs, as a plain mirror has
    head: bool = True
    headers: bool = True      # what the hub adds to a plain server's headers
    requests: list[Request] = field(default_factory=list)
    # Called first; True when it has answered.
    meddle: Callable[["Handler"], bool] = lambda handler: False
    hub_url: str = ""
    cdn_url: str = ""

    def listing(self) -> dict:
        siblings = []
        for name, content in self.files.items():
            entry = {"rfilename": name, "size": len(content), "blobId": git_blob(content)}
            if name in self.lfs:
                entry |= {"blobId": git_blob(b"pointer"), "lfs": {
                    "sha256": sha256(content), "size": len(content), "pointerSize": 134}}
            siblings.append(entry)
        return {"id": self.repository, "sha": self.commit, "siblings": siblings}

    def asked(self, server: str, method: str = "GET", part: str = "") -> list[Request]:
        return [each for each in self.requests
                if (each.server, each.method) == (server, method) and part in each.path]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are written apart
    hub: Hub
    name: str

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.hub.requests.append(Request(self.name, self.command, self.path, dict(self.headers)))
        if not self.hub.meddle(self):
            getattr(self, f"answer_{self.name}")()

    do_HEAD = do_GET

    def reply(self, status: int, body: bytes = b"", **headers: str):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def answer_hub(self):
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        if path.startswith(f"/api/models/{hub.repository}/revision/"):
            if not hub.api:
                return self.reply(404)
            if path.rsplit("/", 1)[1] not in ("main", hub.commit):
                return self.reply(404, X_Error_Code="RevisionNotFound")
            return self.reply(200, json.dumps(hub.listing()).encode())
        if path.startswith("/api/"):
            return self.reply(404, X_Error_Code="RepoNotFound") if hub.api else self.reply(404)
        if self.command == "HEAD" and not hub.head:
            return self.reply(405)
        for revision in ("main", hub.commit):
            prefix = f"/{hub.repository}/resolve/{revision}/"
            if path.startswith(prefix) and path.removeprefix(prefix) in hub.files:
                return self.answer_file(path.removeprefix(prefix))
        self.reply(404)

    def answer_file(self, name: str):
        hub, content = self.hub, self.hub.files[name]
        commit = {"X_Repo_Commit": hub.commit} if hub.headers else {}
        if name in hub.lfs:
            linked = {"X_Linked_Etag": f'"{sha256(content)}"',
                      "X_Linked_Size": str(len(content))} if hub.headers else {}
            return self.reply(302, b"Found", **commit, **linked,
                              Location=f"{hub.cdn_url}/blob/{name}?Signature=secret",
                              ETag='"of-the-redirect"')
        etag = {"ETag": f'"{git_blob(content)}"'} if hub.headers else {}
        self.reply(200, content, **commit, **etag)

    def answer_cdn(self):
        name = urlsplit(self.path).path.removeprefix("/blob/")
        self.reply_range(self.hub.files[name], f'"cdn-{sha256(self.hub.files[name])[:16]}"')

    def reply_range(self, content: bytes, etag: str):
        """As a well-behaved server does with Range and If-Range."""
        begin = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
        if begin == "0" or self.headers.get("If-Range", etag) != etag:
            return self.reply(200, content, ETag=etag)
        if int(begin) >= len(content):
            return self.reply(416, Content_Range=f"bytes */{len(content)}")
        self.reply(206, content[int(begin):], ETag=etag,
                   Content_Range=f"bytes {begin}-{len(content) - 1}/{len(content)}")

    def cut(self, content: bytes, at: int, **headers: str):
        """Says how long the content is and hangs up before the end."""
        self.reply(200, content[:at], Content_Length=str(len(content)), **headers)
        self.hang_up()

    def hang_up(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients hang up on purpose here


@contextmanager
def serve(hub: Hub, name: str, certificate: Path | None, host: str = "127.0.0.1"):
    """The server's URL. Without a certificate it speaks plain HTTP."""
    handler = type("Bound", (Handler,), {"hub": hub, "name": name})
    with Server(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            # The handshake belongs to the connection's own thread.
            server.socket = context.wrap_socket(server.socket, server_side=True,
                                                do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield f"http{'s' if certificate else ''}://{host}:{server.server_port}"
        server.shutdown()
