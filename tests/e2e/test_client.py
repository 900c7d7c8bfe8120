"""The command and the daemon that it asks, as far as the command is concerned: what it does when the
daemon is not there, foreign, late, lost or out of its mind. Mostly the daemon here is a fake."""

import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

import house

SEARCH, INFO, STATUS, PING, SUGGEST, HELLO, DOCTOR = 0, 1, 2, 5, 9, 10, 17


def text(s):
    data = s.encode()
    return struct.pack("<Q", len(data)) + data


def success(number, op, body):
    return struct.pack("<IQI", 0, number, op) + body


def error(number, code, message):
    return struct.pack("<IQi", 1, number, code) + text(message)


def event(number, sequence, op, body):
    return struct.pack("<IQQI", 2, number, sequence, op) + body


def pong(number):
    return success(number, PING, text("pong"))


def found(number, *names):
    rows = b"".join(text(n) + text("1.0") + text("from the daemon") + text("apt") for n in names)
    return success(number, SEARCH, struct.pack("<Q", len(names)) + rows + struct.pack("<Q", len(names)))


def hello(number, schema=0, services=()):
    rows = b"".join(text(name) + text(state) + struct.pack("<Q", n) for name, state, n in services)
    return success(number, HELLO, struct.pack("<I", 1) + text("omg 0.0.0") + struct.pack("<QQQ", schema, 0, 0)
                   + struct.pack("<Q", len(services)) + rows)


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


class Peer:
    """One connection of a client to the fake."""

    def __init__(self, connection):
        self.connection = connection

    def take(self):
        """The next request: operation, id and body; None when the client has left."""
        head = self.exactly(4)
        if head is None:
            return None
        payload = self.exactly(struct.unpack(">I", head)[0])
        op, number = struct.unpack("<IQ", payload[:12])
        return op, number, payload[12:]

    def exactly(self, n):
        data = b""
        while len(data) < n:
            with contextlib.suppress(ConnectionError):
                piece = self.connection.recv(n - len(data))
                if piece:
                    data += piece
                    continue
            return None
        return data

    def send(self, *payloads):
        self.connection.sendall(b"".join(frame(p) for p in payloads))

    def raw(self, data):
        self.connection.sendall(data)

    def silence(self):
        """Waits until the client has left."""
        with contextlib.suppress(ConnectionError):
            while self.connection.recv(65536):
                pass


class Fake:
    """A daemon that does what it is told: serve(peer, n) is called for the nth connection."""

    def __init__(self, path, serve):
        self.path, self.serve, self.connections = str(path), serve, 0
        self.asked, self.failed = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.one, args=(connection, self.connections),
                                 daemon=True).start()

    def one(self, connection, n):
        try:
            self.serve(Peer(connection), n)
        except (BrokenPipeError, ConnectionResetError):
            pass
        except Exception as e:  # a test looks at it: a thread's own would be lost
            self.failed.append(e)
        finally:
            connection.close()

    def close(self):
        # A thread that waits in accept() keeps the socket alive; a connection wakes it.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        assert not self.failed, self.failed


def honest(peer, _n):
    while (asked := peer.take()) is not None:
        op, number, _ = asked
        peer.send({PING: lambda: pong(number), SEARCH: lambda: found(number, "fake-one", "fake-two"),
                   HELLO: lambda: hello(number)}
                  .get(op, lambda: error(number, -32601, "there is no such operation"))())


@pytest.fixture
def fake(tmp_path):
    made = []

    def make(serve=honest, path=tmp_path / "omg.sock"):
        made.append(Fake(path, serve))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def ask(omg, tmp_path):
    """Runs omg against the socket of the fake. It looks at this machine, or has no answer of its own."""

    def run(*words, timeout_ms=None, **rest):
        env = {"OMG_SOCKET": str(tmp_path / "omg.sock"), **rest.pop("env", {})}
        if timeout_ms:
            conf = tmp_path / "omg.conf"
            conf.write_text(f"timeout_ms = {timeout_ms}\n")
            env["OMG_CONFIG"] = str(conf)
        return omg(*words, env=env, **rest)

    run.socket = str(tmp_path / "omg.sock")
    return run


def here(omg, *words):
    """What the command answers by itself."""
    ran = omg(*words, "--no-daemon")
    assert ran.stderr == b""
    return ran.returncode, ran.stdout


def took(function):
    begin = time.monotonic()
    result = function()
    return time.monotonic() - begin, result


# --- a daemon that answers --------------------------------------------------------------------------

def test_the_daemon_is_asked(fake, ask):
    fake()
    ran = ask("ping")
    assert (ran.returncode, b"pong" in ran.stdout, ran.stderr) == (0, True, b"")
    ran = ask("search", "anything", "--json")
    assert [p["name"] for p in json.loads(ran.stdout)["packages"]] == ["fake-one", "fake-two"]
    assert ran.stderr == b""


def test_one_connection_for_a_whole_command(fake, ask):
    seen = []

    def serve(peer, n):
        while (asked := peer.take()) is not None:
            seen.append((n, asked[0], asked[1]))
            peer.send(error(asked[1], -1001, "it is not here"))

    fake(serve)
    ran = ask("info", "a", "b", "c")
    assert ran.returncode == 1 and ran.stderr.count(b"it is not here") == 3
    assert [s[:2] for s in seen] == [(1, INFO)] * 3
    assert len({s[2] for s in seen}) == 3


def test_an_error_of_the_daemon_is_the_answer(fake, ask):
    fake(lambda peer, n: peer.send(error(peer.take()[1], -1002, "try again in 20 ms")))
    ran = ask("search", "x")
    assert ran.returncode == 4 and ran.stderr.startswith(b"omg: try again in 20 ms")
    assert ran.stdout == b""


def test_an_error_cannot_steer_the_terminal(fake, ask):
    fake(lambda peer, n: peer.send(error(peer.take()[1], -1002, "a\x1b[31mb\u202e")))
    ran = ask("search", "x")
    assert b"\x1b" not in ran.stderr and "\u202e".encode() not in ran.stderr


def test_an_answer_in_pieces(fake, ask):
    def serve(peer, _n):
        data = frame(found(peer.take()[1], *[f"name-{i}" for i in range(40)]))
        for i in range(0, len(data), 7):
            peer.raw(data[i:i + 7])
            if i % 70 == 0:
                time.sleep(0.001)

    fake(serve)
    assert json.loads(ask("search", "x", "--json").stdout)["total"] == 40


@pytest.mark.parametrize("names, length", [(1000, 250), (1000, 5000)])
def test_an_answer_larger_than_a_read(fake, ask, names, length):
    fake(lambda peer, n: peer.send(found(peer.take()[1], *["n" * length] * names)))
    ran = ask("search", "x", "--json", "--limit", "1000")
    assert ran.returncode == 0
    packages = json.loads(ran.stdout)["packages"]
    assert len(packages) == names and {len(p["name"]) for p in packages} == {length}


def test_events_before_the_answer(fake, ask):
    def serve(peer, _n):
        number = peer.take()[1]
        peer.send(event(number, 1, PING, text("soon")), event(number, 2, PING, text("soon")),
                  pong(number))

    fake(serve)
    assert b"pong" in ask("ping").stdout


# --- none, or one that is not wanted ------------------------------------------------------------------

def test_without_a_daemon(ask, omg):
    for words in (["search", "bash", "--json"], ["status", "--json"], ["suggest", "bsah"]):
        ran = ask(*words)
        assert (ran.returncode, ran.stdout) == here(omg, *words)
        assert ran.stderr == b""
    ran = ask("status", "-v")
    assert f"omg: no daemon listens on {ask.socket}; answering without it\n" in ran.stderr.decode()


def test_what_only_a_daemon_answers(ask):
    ran = ask("ping")
    assert (ran.returncode, ran.stdout) == (5, b"")
    said = ran.stderr.decode()
    assert ask.socket in said and "`omg daemon` starts one" in said and said.count("\n") == 1
    ran = ask("ping", "--no-daemon")
    assert ran.returncode == 5 and b"--no-daemon" in ran.stderr


def test_a_dead_socket_is_no_daemon(ask, omg):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(ask.socket)
    assert ask("ping").returncode == 5
    assert (ask("status").returncode, ask("status").stdout) == here(omg, "status")


@pytest.mark.parametrize("kind", ["file", "folder", "nothing", "long"])
def test_a_path_that_is_no_socket(ask, omg, tmp_path, kind):
    path = {"file": "plain", "folder": "folder", "nothing": "a/b/c", "long": "x" * 200}[kind]
    path = str(tmp_path / path)
    if kind == "file":
        open(path, "wb").close()
    if kind == "folder":
        os.mkdir(path)
    ran = ask("status", env={"OMG_SOCKET": path})
    assert (ran.returncode, ran.stdout, ran.stderr) == (*here(omg, "status"), b"")
    assert ask("ping", env={"OMG_SOCKET": path}).returncode == 5


def test_no_daemon_is_asked(fake, ask, omg, system):
    one = fake()
    for words in (["--no-daemon"], ["--root", str(system.root)], ["--no-cache", "--root", str(system.root)]):
        ran = ask("search", "web", "--json", *words)
        assert b"fake" not in ran.stdout and ran.returncode == 0
    assert one.connections == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed")
def test_a_socket_of_another_user(ask, omg, tmp_path):
    script = ("import os, socket, sys\n"
              "os.setuid(65534)\n"
              "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(4)\n"
              "print(flush=True)\n"
              "while True:\n"
              "    c, _ = s.accept(); print(len(c.recv(100)), flush=True)\n")
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    for above in folder.parents:
        if above.stat().st_uid == 0 and str(above).startswith("/tmp/"):
            above.chmod(above.stat().st_mode | 0o111)
    path = str(folder / "omg.sock")
    squatter = subprocess.Popen(["python3", "-c", script, path], stdout=subprocess.PIPE)
    try:
        assert squatter.stdout.readline()
        words = ["status", "--json"]
        ran = ask(*words, "-v", env={"OMG_SOCKET": path})
        assert (ran.returncode, ran.stdout) == here(omg, *words)
        assert "65534" in ran.stderr.decode() and "neither root nor you" in ran.stderr.decode()
        assert squatter.stdout.readline() == b"0\n"  # not one byte went to it
        checks = json.loads(ask("doctor", "--json", env={"OMG_SOCKET": path}).stdout)["checks"]
        assert [c["state"] for c in checks if c["name"] == "daemon"] == ["warning"]
    finally:
        squatter.kill()
        squatter.wait()
        squatter.stdout.close()


# --- one that does not answer as it should --------------------------------------------------------------

def nothing(peer, _n):
    peer.silence()


def half(peer, _n):
    peer.raw(frame(pong(peer.take()[1]))[:9])
    peer.silence()


def dribble(peer, _n):
    number = peer.take()[1]
    for byte in frame(found(number, *["slow"] * 100)):
        peer.raw(bytes([byte]))
        time.sleep(0.03)


@pytest.mark.parametrize("serve", [nothing, half, dribble])
def test_a_hung_daemon(fake, ask, omg, serve):
    fake(serve)
    words = ["search", "bash", "--json"]
    seconds, ran = took(lambda: ask(*words, timeout_ms=300))
    assert 0.28 < seconds < 1.5
    assert (ran.returncode, ran.stdout) == here(omg, *words)
    assert "did not answer within 0.3 s; answering without it" in ran.stderr.decode()
    seconds, ran = took(lambda: ask("ping", timeout_ms=300))
    assert ran.returncode == 5 and seconds < 1.5 and b"did not answer" in ran.stderr


def test_a_hung_daemon_is_waited_for_once(fake, ask, omg):
    one = fake(nothing)
    seconds, ran = took(lambda: ask("info", "bash", "dpkg", "apt", "--json", timeout_ms=300))
    assert (ran.returncode, ran.stdout) == here(omg, "info", "bash", "dpkg", "apt", "--json")
    assert 0.28 < seconds < 0.6 and one.connections == 1
    assert ran.stderr.count(b"answering without it") == 1


WRONG = {
    "another id": lambda n: frame(found(n + 1, "x")),
    "no id": lambda n: frame(found(0, "x")),
    "another operation": lambda n: frame(pong(n)),
    "an unknown kind": lambda n: frame(struct.pack("<IQ", 77, n)),
    "no frame": lambda n: struct.pack(">I", 0),
    "a frame too long": lambda n: struct.pack(">I", 0xffffffff) + b"x" * 100,
    "a frame above the limit": lambda n: struct.pack(">I", (8 << 20) + 1),
    "a count too large": lambda n: frame(success(n, SEARCH, struct.pack("<Q", 1 << 62))),
    "a text too long": lambda n: frame(success(n, SEARCH, struct.pack("<QQ", 1, 1 << 63))),
    "no UTF-8": lambda n: frame(found(n, "x").replace(b"x", b"\xff")),
    "more than the message": lambda n: frame(found(n, "x") + b"\0"),
    "less than the message": lambda n: frame(found(n, "x")[:-1]),
    "a refusal": lambda n: frame(error(0, -32700, "what is that?")),
    "noise": lambda n: os.urandom(64),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_daemon_out_of_its_mind(fake, ask, omg, wrong):
    def serve(peer, _n):
        while (asked := peer.take()) is not None:
            peer.raw(WRONG[wrong](asked[1]))

    one = fake(serve)
    words = ["search", "bash", "--json"]
    ran = ask(*words, "-v", timeout_ms=400)
    assert (ran.returncode, ran.stdout) == here(omg, *words)
    assert ran.stderr.count(b"answering without it") == 1
    assert one.connections == 1
    if wrong != "another operation":
        ran = ask("ping", timeout_ms=400)
        assert ran.returncode == 3 and ran.stdout == b"" and ran.stderr.count(b"\n") == 1


def test_a_daemon_that_dies_while_it_is_asked(fake, ask, omg):
    def serve(peer, n):
        asked = peer.take()
        if n > 2:
            peer.send(pong(asked[1]))
            peer.silence()

    one = fake(serve)
    ran = ask("ping")
    assert (b"pong" in ran.stdout, ran.stderr, one.connections) == (True, b"", 3)


def test_a_daemon_that_always_dies(fake, ask, omg):
    one = fake(lambda peer, n: peer.take())
    words = ["status", "--json"]
    seconds, ran = took(lambda: ask(*words, "-v"))
    assert (ran.returncode, ran.stdout) == here(omg, *words)
    assert b"was lost; answering without it" in ran.stderr
    assert 2 <= one.connections <= 8 and seconds < 2
    before = one.connections
    ran = ask("ping")
    assert ran.returncode == 5 and b"was lost" in ran.stderr and one.connections - before <= 8


def test_a_change_is_not_made_twice(fake, ask):
    one = fake(lambda peer, n: peer.take())
    ran = ask("refresh")
    assert ran.returncode == 5 and b"is not known" in ran.stderr
    assert one.connections == 1


def test_a_daemon_that_leaves_for_good(fake, ask, omg):
    def serve(peer, _n):
        peer.take()
        one.listener.close()
        os.unlink(one.path)

    one = fake(serve)
    words = ["status", "--json"]
    ran = ask(*words)
    assert (ran.returncode, ran.stdout, ran.stderr) == (*here(omg, *words), b"")


def test_a_daemon_that_comes_back(fake, ask):
    def serve(peer, _n):
        peer.take()
        one.close()
        threading.Timer(0.1, lambda: fake(honest)).start()

    one = fake(serve)
    ran = ask("ping")
    assert (b"pong" in ran.stdout, ran.stderr) == (True, b"")


@pytest.mark.parametrize("code", [-32601, -1005])
def test_an_operation_that_the_daemon_cannot_do(fake, ask, omg, code):
    fake(lambda peer, n: peer.send(error(peer.take()[1], code, "not here")))
    words = ["status", "--json"]
    ran = ask(*words, "-v")
    assert (ran.returncode, ran.stdout) == here(omg, *words)
    assert b"omg: the daemon says: not here; answering without it\n" in ran.stderr
    assert ask(*words).stderr == b""
    assert ask("ping").returncode in (3, 5)


# --- seeing the wire --------------------------------------------------------------------------------------

def test_messages_are_shown(fake, ask):
    fake()
    said = ask("search", "web", "-vv").stderr.decode().splitlines()
    sent = json.loads(next(l for l in said if l.startswith("> "))[2:])
    assert (sent["operation"], sent["query"], sent["limit"]) == ("search", "web", 50)
    came = json.loads(next(l for l in said if l.startswith("< "))[2:])
    assert came["id"] == sent["id"] and came["result"]["total"] == 2
    said = ask("search", "web", "-vvv").stderr.decode().splitlines()
    assert any(l.startswith("> 000000  00 00 00 00 ") for l in said)
    assert any("fake-one" in l for l in said if l.startswith("< 0000"))


def test_a_shown_message_cannot_steer_the_terminal(fake, ask):
    fake(lambda peer, n: peer.send(found(peer.take()[1], "\x1b[31m\u202e\x9b")))
    said = ask("search", "x", "-vvv").stderr.decode()
    assert not {"\x1b", "\u202e", "\x9b"} & set(said)
    fake_line = next(l for l in said.splitlines() if l.startswith("< {"))
    assert json.loads(fake_line[2:])["result"]["packages"]


# --- doctor -------------------------------------------------------------------------------------------------

def daemon_checks(ran):
    return [(c["state"], c["detail"]) for c in json.loads(ran.stdout)["checks"] if c["name"] == "daemon"]


def test_doctor_looks_at_the_daemon(fake, ask, omg):
    state, detail = daemon_checks(ask("doctor", "--json"))[0]
    assert state == "note" and "no daemon listens" in detail
    assert daemon_checks(ask("doctor", "--json", "--no-daemon")) == []
    fake(lambda peer, n: peer.send(hello(peer.take()[1], 1, [("packages", "running", 0), ("host", "down", 5),
                                                             ("state", "running", 2)])))
    ran = ask("doctor", "--json")
    (server, said), down, again = daemon_checks(ran)
    assert server == "warning" and "omg 0.0.0" in said and "other tables" in said
    assert down[0] == "warning" and "host keeps dying (so far: 5)" in down[1]
    assert again[0] == "note" and "state died and was started again (so far: 2)" in again[1]


def test_doctor_does_not_depend_on_the_daemon(fake, ask):
    fake(nothing)
    ran = ask("doctor", "--json", timeout_ms=200)
    assert daemon_checks(ran)[0][0] == "warning"
    assert len(json.loads(ran.stdout)["checks"]) > 3


# --- the real one -------------------------------------------------------------------------------------------

@pytest.fixture
def daemon(omg, system, tmp_path):
    """A daemon for the made-up system, with the words to ask it and those to ask without it."""
    one = house.House(tmp_path, omg.environment, root=system.root)
    one.ask = lambda *words, **rest: omg(*words, env={"OMG_SOCKET": one.socket, **rest.pop("env", {})},
                                         **rest)
    one.alone = lambda *words: omg("--root", str(system.root), "--no-cache", *words)
    try:
        yield one.start()
    finally:
        one.close()


QUESTIONS = [["search", "e"], ["search", "e", "--limit", "2", "--json"], ["search", "zzzz"],
             ["search", "web", "--limit", "0"], ["info", "bash"], ["info", "bash", "libc6", "--json"],
             ["info", "bahs"], ["info", "bash=1"], ["status", "--plain"], ["status", "--json"],
             ["explicit"], ["suggest", "webserver-tyni"], ["suggest", "zzzzzzzz"]]


def said(ran):
    return ran.returncode, ran.stdout, ran.stderr


def test_with_and_without_a_daemon_the_same_is_said(daemon):
    assert daemon.ask("ping").returncode == 0
    for words in QUESTIONS:
        assert said(daemon.ask(*words)) == said(daemon.alone(*words)), words
    assert b"answering without it" not in daemon.ask("info", "bash", "-v").stderr


def test_a_stopped_broker(daemon, tmp_path):
    conf = tmp_path / "client.conf"
    conf.write_text("timeout_ms = 300\n")
    truth = said(daemon.alone("info", "nothing-like-it", "--json"))[:2]
    os.kill(daemon.broker, signal.SIGSTOP)
    try:
        seconds, ran = took(lambda: daemon.ask("info", "nothing-like-it", "--json",
                                               env={"OMG_CONFIG": str(conf)}))
        assert seconds < 2 and b"did not answer within 0.3 s" in ran.stderr
        assert ran.returncode == truth[0]
        seconds, ran = took(lambda: daemon.ask("ping", env={"OMG_CONFIG": str(conf)}))
        assert seconds < 2 and ran.returncode == 5
    finally:
        os.kill(daemon.broker, signal.SIGCONT)
    assert daemon.ask("ping").returncode == 0


def test_a_broker_killed_again_and_again(daemon):
    pick, over = random.Random(1), threading.Event()

    def kill():
        while not over.wait(0.02 + pick.random() * 0.1):
            pid = daemon.find("broker")
            if pid:
                os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for _ in range(60):
            ran = daemon.ask("ping", env={"OMG_CONFIG": ""})
            assert ran.returncode in (0, 5) and (ran.returncode or b"pong" in ran.stdout), ran
    finally:
        over.set()
        killer.join()
    house.wait_for(lambda: daemon.ask("ping").returncode == 0)


def test_a_daemon_that_was_killed_is_done_without(daemon, omg):
    children = [daemon.broker, daemon.packages]
    daemon.process.kill()
    daemon.process.wait()
    for pid in children:
        house.wait_for(lambda pid=pid: not house.lives(pid))
    ran = daemon.ask("status", "--json")
    assert said(ran) == said(omg("status", "--json"))
    assert daemon.ask("ping").returncode == 5
    daemon.start()
    assert daemon.ask("ping").returncode == 0


def test_doctor_and_a_daemon_that_is_well(daemon):
    states = daemon_checks(daemon.ask("doctor", "--json"))
    assert states[0][0] == "ok" and daemon.socket in states[0][1], states
    os.kill(daemon.packages, signal.SIGKILL)
    states = house.wait_for(lambda: daemon_checks(daemon.ask("doctor", "--json"))[1:])
    assert states[0][0] in ("note", "warning") and "its service packages" in states[0][1], states
