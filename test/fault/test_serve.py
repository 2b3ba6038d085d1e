"""Experiment 16: a server whose clients come in a storm, are killed and stopped, break off and dawdle, while its
store is written to; and which is stopped itself at a random moment."""

import http.client
import socket
import struct
import subprocess
import threading

import pytest
from oracle import *

CLIENTS = 12
PATIENCE = 120  # seconds that no command takes, unless it waits for something that does not come
LINES = "".join(f"{'words ' * (i % 30)}{i}\n" for i in range(40))
COMMANDS = {"query": (["query", "--json", "-k", "3", QUESTION], ""), "questions": (["query", "--json", "-k", "2", "--filter", 'path ~ "**/tree/*"', "-"], LINES),
            "encode": (["encode"], LINES), "filter": (["query", "--json", "--filter", 'path ~ "**/0*"', QUESTION], "")}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"), 6, 12)


class Storm:
    """A server with HTTP, and threads that each do one random thing after the other until they are told to end."""

    def __init__(self, world, store, chance):
        self.world, self.store, self.chance = world, store, chance
        self.alone = {name: self.start(args, "--no-server").communicate(stdin, timeout=PATIENCE)[0]
                      for name, (args, stdin) in COMMANDS.items()}
        self.over = threading.Event()
        self.wrong = []
        self.errors = tempfile.TemporaryFile("w+")
        self.server = world.program.popen("--store", store, "serve", "--http", "127.0.0.1:0", "--json", stdout=subprocess.PIPE,
                                          stderr=self.errors, text=True)
        line = self.server.stdout.readline()
        assert line, self.said()
        self.ready = json.loads(line)
        self.token = Path(self.ready["token_file"]).read_text().strip()
        self.port = int(self.ready["http"].rsplit(":", 1)[1])
        self.folder = Path(self.ready["token_file"]).parent

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def start(self, args, *flags):
        return self.world.program.popen("--store", self.store, *flags, *args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def command(self, chance):
        """Whoever ends by itself has the answer that it has alone."""
        name = chance.choice(list(COMMANDS))
        args, stdin = COMMANDS[name]
        client = self.start(args)
        fate = chance.choice(["ends", "ends", "killed", "stopped", "stopped for good"])
        if fate == "ends":
            out, err = client.communicate(stdin, timeout=PATIENCE)
            assert (client.returncode, out) == (0, self.alone[name]), (name, client.returncode, err, out[:300])
            return
        try:
            client.stdin.write(stdin)
            client.stdin.flush()
        except BrokenPipeError:
            pass
        self.over.wait(chance.random() / 10)
        if fate != "killed":
            client.send_signal(signal.SIGSTOP)
            self.over.wait(chance.choice([0.1, 1, 7]))
        if fate == "stopped":
            client.send_signal(signal.SIGCONT)
            out, err = client.communicate(timeout=PATIENCE)
            assert (client.returncode, out) == (0, self.alone[name]), (name, client.returncode, err, out[:300])
        client.kill()
        client.communicate()

    def request(self, chance):
        """An answer of HTTP is right; none is as good once the server is to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            for _ in range(chance.randrange(1, 4)):
                connection.request("POST", "/query", json.dumps({"query": QUESTION, "k": 3}), {"Authorization": f"Bearer {self.token}"})
                response = connection.getresponse()
                content = response.read()
                if response.status == 200:
                    expected = [json.loads(line) for line in self.alone["query"].splitlines()]
                    assert json.loads(content)["results"] == expected, content
                else:
                    assert response.status == 503 and self.over.is_set(), (response.status, content)
        except (ConnectionError, http.client.HTTPException):
            # Refused beyond its places, or stopped.
            self.over.wait(0.1)
        finally:
            connection.close()

    def half_a_message(self, chance):
        """What no client of ours sends, to either door, and then nothing, for a while."""
        body = json.dumps({"kind": 0, "text": "x" * chance.randrange(1000)}).encode()
        head = f"POST /query HTTP/1.1\r\nHost: localhost:{self.port}\r\nAuthorization: Bearer {self.token}\r\nContent-Length: 100\r\n\r\n"
        try:
            if chance.random() < 0.5:
                door = socket.create_connection(("127.0.0.1", self.port))
                sent = head.encode() + b"{"
            else:
                door = socket.socket(socket.AF_UNIX)
                (path,) = self.folder.glob("*.sock")
                folder = os.open(path.parent, os.O_PATH)
                try:
                    door.connect(f"/proc/self/fd/{folder}/{path.name}")
                finally:
                    os.close(folder)
                sent = struct.pack("=II", len(body), 0) + body
            with door:
                door.sendall(sent[:chance.randrange(len(sent) + 1)])
                self.over.wait(chance.choice([0, 0.1, 3]))
        except (OSError, ValueError):  # it has stopped
            self.over.wait(0.1)

    def write(self, chance):
        """Documents that no answer holds."""
        file = self.world.program.write(f"{self.store.parent.name}/other.txt", many_chunks(f"else {chance.random()}", 100))
        for args in (["ingest", *FLAGS, file], ["compact"], ["delete", file]):
            writer = self.start(args)
            out, err = writer.communicate(timeout=PATIENCE)
            assert writer.returncode == 0, (args, writer.returncode, out, err)

    def work(self, what, seed):
        chance = random.Random(seed)
        while not self.over.is_set() and not self.wrong:
            try:
                what(chance)
            except Exception as failure:
                self.wrong.append(f"{what.__name__}: {type(failure).__name__}: {failure}"[:2000])

    def rage(self, seconds, end):
        work = [self.command] * CLIENTS + [self.request] * 4 + [self.half_a_message] * 4 + [self.write]
        threads = [threading.Thread(target=self.work, args=(what, self.chance.random())) for what in work]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.over.set()
        # While they are at it.
        self.server.send_signal(end)
        begun = time.monotonic()
        try:
            code = self.server.wait(timeout=PATIENCE)
        finally:
            for thread in threads:
                thread.join()
            self.server.kill()
            self.server.communicate()
        assert not self.wrong, "\n".join(self.wrong) + self.said()
        return code, time.monotonic() - begun


def test_a_server_in_a_storm(world):
    def attempt(case, chance, folder):
        folder = Path(tempfile.mkdtemp(dir=world.program.folder))
        store = folder / "store"
        world.must("ingest", *FLAGS, world.tree, store=store)
        storm = Storm(world, store, chance)
        end = [signal.SIGTERM, signal.SIGINT, signal.SIGKILL][case % 3]
        code, _ = storm.rage(chance.uniform(*per_scale((2, 6), (5, 40))), end)
        said = storm.said()
        assert not said, said
        if end == signal.SIGKILL:
            assert code == -end
        else:
            assert code == 128 + end
            assert list(storm.folder.iterdir()) == [], "it leaves nothing"
        assert world.run(store, "verify").code == 0
        shutil.rmtree(folder)

    run_tries(16, "a server in a storm of clients", per_scale(3, 120), attempt)
