"""What `omg schema` prints as source: a module of Python that is the client of these tests, and
types of Rust that bincode reads and writes. Both are held to the frames that were written by
bincode and to those that were written by hand."""

import ast
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import types

import pytest

import wire_module

TESTS = pathlib.Path(__file__).resolve().parent.parent
OWN = TESTS / "golden/wire-v1.tsv"
SEEDS = TESTS.parent.parent / "shared/vectors/golden-v1.tsv"
REGISTRY = os.environ.get("OMG_CRATES", "/usr/share/cargo/registry")  # where Debian has crates

wire = wire_module.load()


def rows(path):
    """(whether it is a response, how it is shown, its payload) of each line."""
    if not path.exists():
        pytest.skip(f"{path} is not there")
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            continue
        first, second, payload = line.split("\t")
        if first in ("request", "response"):
            yield first == "response", second, bytes.fromhex(payload)
        else:
            yield first.split()[0] in ("Success", "Error"), first, bytes.fromhex(payload)


def decode(response, payload):
    return wire.decode_response(payload) if response else wire.decode_request(payload)


def encode(response, message):
    return wire.encode_response(message) if response else wire.encode_request(message)


# --- the golden file ------------------------------------------------------------------------

def test_the_golden_file_is_what_was_written_by_hand():
    made = subprocess.run([sys.executable, TESTS / "golden/make_wire.py"], capture_output=True,
                          check=True, timeout=60)
    assert made.stdout == OWN.read_bytes()


def test_every_number_is_there_twice():
    requests = {struct.unpack("<I", p[:4])[0] for r, _, p in rows(OWN) if not r}
    results = {struct.unpack("<I", p[12:16])[0] for r, _, p in rows(OWN) if r and p[0] == 0}
    assert requests == results == {o.number for o in wire.OPERATIONS}


# --- Python: messages -----------------------------------------------------------------------

@pytest.mark.parametrize("path", [SEEDS, OWN], ids=["bincode", "own"])
def test_frames_go_both_ways(path):
    for response, _, payload in rows(path):
        assert encode(response, decode(response, payload)) == payload


def plain(message):
    """A message of the module as the object that its JSON is."""
    if isinstance(message, list):
        return [plain(item) for item in message]
    if isinstance(message, wire.Request):
        return {"operation": message.operation, "id": message.id, **plain(message.body)}
    if isinstance(message, (wire.Success, wire.Event)):
        fields = {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
        return {**fields, "result": plain(message.result)}
    if isinstance(message, (wire.Error, wire.Failure)):
        error = {"code": message.code, "name": wire.ERRORS[message.code],
                 "message": message.message}
        if isinstance(message, wire.Failure):
            error["details"] = dict(message.details)
        return {"id": message.id, "error": error}
    if dataclasses.is_dataclass(message):
        return {f.name: plain(getattr(message, f.name)) for f in dataclasses.fields(message)}
    return message


def test_they_hold_what_their_json_says():
    for response, shown, payload in rows(OWN):
        assert plain(decode(response, payload)) == json.loads(shown)


def test_what_is_cut_off_or_left_over_is_refused():
    for response, _, payload in rows(OWN):
        for cut in range(len(payload)):
            with pytest.raises(wire.WireError):
                decode(response, payload[:cut])
        with pytest.raises(wire.WireError):
            decode(response, payload + b"\0")


def test_what_is_not_a_message_is_refused():
    head = struct.pack("<IQ", 0, 1)
    ping = wire.request("ping")
    batch = wire.request("batch", requests=[ping])
    envelope = wire.request("with", request=ping)
    for payload in (struct.pack("<IQ", 99, 1),
                    head + struct.pack("<Q", 1) + b"\xff" + b"\0",
                    head + struct.pack("<Q", 0) + b"\2" + struct.pack("<Q", 1),
                    head + struct.pack("<Q", 2 ** 63),
                    wire.encode_request(wire.request("batch", requests=[batch])),
                    wire.encode_request(wire.request("with", request=envelope))):
        with pytest.raises(wire.WireError):
            wire.decode_request(payload)
    wire.decode_request(wire.encode_request(wire.request("with", request=batch)))
    wire.decode_request(wire.encode_request(wire.request("batch", requests=[envelope])))
    with pytest.raises(wire.WireError):
        wire.decode_response(struct.pack("<IQ", 4, 1))


def test_the_module_needs_nothing_else():
    tree = ast.parse(wire_module.source(), feature_version=(3, 9))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names <= {"dataclasses", "os", "select", "socket", "struct", "time", "typing"}
    assert all(len(line) <= 120 or line.lstrip().startswith("#:")
               for line in wire_module.source().splitlines())


def test_tables_are_those_of_the_schema(omg):
    schema = json.loads(omg("schema", "--json").stdout)
    assert [(o.number, o.name) for o in wire.OPERATIONS] == [
        (o["number"], o["name"]) for o in schema["operations"]]
    assert wire.ERRORS == {e["code"]: e["name"] for e in schema["errors"]}
    assert [o.name for o in wire.OPERATIONS if not o.public] == ["house"]


# --- Python: the client ---------------------------------------------------------------------

class Server:
    """A daemon made of a function: what it gives for a request is sent."""

    def __init__(self, path, answer):
        self.answer, self.listener = answer, socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as stream:
            while True:
                head = stream.read(4)
                if len(head) < 4:
                    return
                payload = stream.read(struct.unpack(">I", head)[0])
                out = self.answer(wire.decode_request(payload))
                if out is None:
                    return
                try:
                    connection.sendall(out)
                except OSError:
                    return


def frame(response):
    payload = wire.encode_response(response)
    return struct.pack(">I", len(payload)) + payload


def pong(id, text="pong"):
    return frame(wire.Success(id, "ping", wire.PingResult(text)))


@pytest.fixture
def connect(tmp_path):
    made = []

    def begin(answer, **rest):
        path = tmp_path / f"{len(made)}.sock"
        server = Server(path, answer)
        client = wire.Client(str(path), **rest)
        made.append((server, client))
        return client

    yield begin
    for server, client in made:
        client.close()
        server.listener.close()


def test_a_call_gives_its_result(connect):
    client = connect(lambda q: pong(q.id, f"{q.operation} {q.id}"))
    assert client.call("ping").text == "ping 1"
    assert client.call("ping", id=41).text == "ping 41"
    assert client.call("ping").text == "ping 42"


def test_an_error_is_an_exception(connect):
    answers = [wire.Error(1, -1001, "no"), wire.Failure(2, -1002, "wait", [("retry_ms", "5")])]
    client = connect(lambda q: frame(answers[q.id - 1]))
    with pytest.raises(wire.CallError) as caught:
        client.call("info", package="x")
    assert (caught.value.code, caught.value.name, caught.value.message) == (
        -1001, "PACKAGE_NOT_FOUND", "no")
    with pytest.raises(wire.CallError) as caught:
        client.call("info", package="x")
    assert dict(caught.value.details) == {"retry_ms": "5"}


def test_answers_are_told_apart_by_their_ids(connect):
    kept = []

    def answer(q):
        kept.append(pong(q.id, str(q.id)))
        return b"".join(reversed(kept)) if len(kept) == 3 else b""

    client = connect(answer)
    ids = client.send_many([("ping", {})] * 3)
    assert [r.result.text for r in client.gather(ids)] == ["1", "2", "3"]


@pytest.mark.parametrize("out", [
    pong(999),
    frame(wire.Success(1, "status", wire.StatusResult())),
    struct.pack(">I", 0),
    struct.pack(">I", 2 ** 31),
    struct.pack(">I", 2) + b"xx",
], ids=["foreign id", "other operation", "empty", "too long", "garbage"])
def test_what_was_not_asked_is_refused(connect, out):
    client = connect(lambda q: out)
    with pytest.raises(wire.WireError):
        client.call("ping")


def test_the_end_of_a_connection_is_said(connect):
    with pytest.raises(wire.Closed):
        connect(lambda q: None).call("ping")
    half = connect(lambda q: pong(q.id)[:9] if q.id == 1 else None)
    half.send_many([("ping", {})] * 2)
    with pytest.raises(wire.Closed, match="within a frame"):
        half.receive()


def test_who_is_turned_away_learns_why(tmp_path):
    path = str(tmp_path / "omg.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        for out in (frame(wire.Error(0, -1008, "too many clients")), b""):
            with wire.Client(path) as client:
                with listener.accept()[0] as peer:
                    peer.sendall(out)
                with pytest.raises(wire.CallError if out else BrokenPipeError) as caught:
                    client.call("ping")
                assert not out or caught.value.message == "too many clients"


def test_what_was_answered_before_the_end_is_kept(tmp_path):
    path = str(tmp_path / "omg.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with wire.Client(path) as client:
            first = client.send("ping")
            with listener.accept()[0] as peer:
                peer.recv(64)
                peer.sendall(pong(first))
            with pytest.raises(BrokenPipeError):
                client.send("ping")
            assert client.gather([first])[0].result.text == "pong"


def test_the_socket_is_looked_for_where_the_daemon_makes_it(monkeypatch):
    monkeypatch.delenv("OMG_SOCKET", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    for folder, socket_path in [("/some/where", "/some/where/omg.sock"), ("some/where", "/tmp/omg.sock"),
                                ("", "/tmp/omg.sock")]:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        assert wire.socket_path() == socket_path
    monkeypatch.setattr(os.path, "isdir", lambda path: path == "/run/user/4242")
    for owner, socket_path in [(4242, "/run/user/4242/omg.sock"), (4243, "/tmp/omg.sock")]:
        monkeypatch.setattr(os, "stat", lambda path, owner=owner: types.SimpleNamespace(st_uid=owner))
        assert wire.socket_path() == socket_path


def test_nothing_waits_for_ever(connect):
    client = connect(lambda q: b"", timeout=0.2)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        client.call("ping")
    assert time.monotonic() - began < 5


def test_an_answer_in_pieces_is_whole_in_the_end(connect):
    parts = iter([pong(1)[:3], pong(1)[3:20], pong(1)[20:] + pong(2) + pong(3)])
    client = connect(lambda q: next(parts))
    ids = client.send_many([("ping", {})] * 3)
    assert [r.id for r in client.gather(ids)] == ids


def test_a_long_pipeline_does_not_stall(connect):
    client = connect(lambda q: pong(q.id, "x" * 2000), timeout=60)
    ids = client.send_many([("ping", {})] * 5000)
    assert len(client.gather(ids)) == 5000


def test_an_envelope_is_answered_with_what_was_in_it(connect):
    client = connect(lambda q: pong(q.id))
    inner = wire.request("ping")
    assert client.call("with", request=inner, deadline_ms=5).text == "pong"


def test_what_is_said_unasked_is_kept_aside(connect):
    event = frame(wire.Event(1, 9, "ping", wire.PingResult("news")))
    client = connect(lambda q: event + pong(q.id))
    assert client.call("ping").text == "pong"
    assert [e.sequence for e in client.events] == [9]


def test_operations_of_the_house_are_not_for_clients(connect):
    client = connect(lambda q: pong(q.id))
    with pytest.raises(ValueError):
        client.call("house")
    with pytest.raises(KeyError):
        client.call("fly")


# --- Rust -----------------------------------------------------------------------------------

MANIFEST = """\
[package]
name = "held"
version = "0.1.0"
edition = "2021"

[dependencies]
serde = { version = "1", features = ["derive"] }
bincode = "=1.3.3"
"""

PROGRAM = """\
#[deny(warnings)]
#[allow(dead_code)]
mod omg;

fn main() {
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (kind, hex) = line.split_once(' ').unwrap();
        let digit = |i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len() / 2).map(digit).collect();
        let (id, back, shown) = if kind == "request" {
            let read: omg::Request = bincode::deserialize(&bytes).unwrap();
            (read.id(), bincode::serialize(&read).unwrap(), format!("{read:?}"))
        } else {
            let read: omg::Response = bincode::deserialize(&bytes).unwrap();
            (read.id(), bincode::serialize(&read).unwrap(), format!("{read:?}"))
        };
        let hex: String = back.iter().map(|b| format!("{b:02x}")).collect();
        println!("{id}\\t{hex}\\t{shown}");
    }
}
"""

FOLDER = """\
[source.crates-io]
replace-with = "folder"
[source.folder]
directory = "{}"
"""


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    """The Rust source, built with serde and bincode into a program that repeats payloads."""
    cargo = shutil.which("cargo") or os.path.expanduser("~/.cargo/bin/cargo")
    if not os.access(cargo, os.X_OK):
        pytest.skip("there is no cargo")
    folder = tmp_path_factory.mktemp("held")
    (folder / "src").mkdir()
    (folder / "Cargo.toml").write_text(MANIFEST)
    (folder / "src/main.rs").write_text(PROGRAM)
    (folder / "src/omg.rs").write_text(wire_module.source("rust"))
    if os.path.isdir(f"{REGISTRY}/bincode-1.3.3"):
        (folder / ".cargo").mkdir()
        (folder / ".cargo/config.toml").write_text(FOLDER.format(REGISTRY))
    environment = {**os.environ, "CARGO_TARGET_DIR": str(folder / "target"),
                   "CARGO_NET_RETRY": "0", "CARGO_HTTP_TIMEOUT": "5"}
    lock = subprocess.run([cargo, "generate-lockfile", "-q"], cwd=folder, env=environment,
                          capture_output=True, timeout=120, check=False)
    if lock.returncode:
        pytest.skip("serde and bincode cannot be had: no registry of crates answers")
    built = subprocess.run([cargo, "build", "-q"], cwd=folder, env=environment,
                           capture_output=True, timeout=400, check=False)
    assert built.returncode == 0, built.stderr.decode()
    return folder / "target/debug/held"


@pytest.mark.parametrize("path", [SEEDS, OWN], ids=["bincode", "own"])
def test_bincode_reads_and_writes_the_types_of_rust(held, path):
    all_rows = list(rows(path))
    lines = [f"{'response' if r else 'request'} {p.hex()}\n" for r, _, p in all_rows]
    done = subprocess.run([held], input="".join(lines).encode(), capture_output=True, check=True,
                          timeout=60)
    for (response, shown, payload), line in zip(all_rows, done.stdout.decode().splitlines()):
        id, back, debug = line.split("\t")
        assert (int(id), back) == (struct.unpack("<Q", payload[4:12])[0], payload.hex())
        assert response or path == OWN or debug == shown


def test_rust_is_laid_out_as_rustfmt_has_it(tmp_path):
    rustfmt = shutil.which("rustfmt") or os.path.expanduser("~/.cargo/bin/rustfmt")
    if not os.access(rustfmt, os.X_OK):
        pytest.skip("there is no rustfmt")
    path = tmp_path / "omg.rs"
    path.write_text(wire_module.source("rust"))
    done = subprocess.run([rustfmt, "--check", "--edition", "2021", path], capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode()
