"""Strangers at the daemon's socket: what they send makes no sense, is too much, never ends or is never
read. Each gets the error of the table, honest clients notice nothing, and afterwards the broker has
no more memory and descriptors than before."""

import collections
import contextlib
import os
import random
import resource
import signal
import socket
import struct
import time

import pytest

from house import (anonymous, descriptors, error_of, house, install, installed, large,
                   name_of, ticks, wait_for, wire)

MORE = 3 << 20  # bytes of memory that may stay: buffers for the next time
HALF = 4 << 20  # of a message that says it has 8 MiB
MANY = 1000


@pytest.fixture(autouse=True, scope="module")
def plenty_of_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 8192:
        pytest.skip("there are not enough descriptors for so many clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def unharmed(house):
    """The broker is the same process, no larger and with no more descriptors than before; it gives the
    client of an honest user."""
    broker = house.broker
    with house.client() as client:
        client.call("search", query="web")
        client.call("metrics")
        memory, open_ = anonymous(broker), len(descriptors(broker))
        yield client
        assert client.call("ping").text == "pong"
        wait_for(lambda: len(descriptors(broker)) == open_, what="the end of all clients")
        assert anonymous(broker) < memory + MORE
    assert house.broker == broker and "was ended" not in house.said()


def connect(house):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    s.connect(house.socket)
    return s


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def ask(operation, number=1, **asked):
    return frame(wire.encode_request(wire.request(operation, number, **asked)))


def responses(data):
    """The answers in what was received, and whether it ends with a whole one."""
    found = []
    while len(data) >= 4 and len(data) - 4 >= int.from_bytes(data[:4], "big"):
        end = 4 + int.from_bytes(data[:4], "big")
        found.append(wire.decode_response(data[4:end]))
        data = data[end:]
    return found, not data


def everything(s):
    """What comes until the other end closes."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := s.recv(1 << 16):
            data += piece
    return data


def readings(client):
    return {one.name: one.value for one in client.call("metrics").readings}


# --- bytes that are no frames -------------------------------------------------------------------------

@pytest.mark.parametrize("data", [
    b"\0\0\0\0", b"\0\0\0\0" * 100, b"\xff" * 4, b"\xff" * 1000, b"\0\x80\0\x01", b"\x7f\xff\xff\xff",
    b"\0\x80\0\x01" + b"x" * 300000, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ask("ping", 5)[4:], "{\"jsonrpc\": \"2.0\"}\n".encode("utf-16"),
], ids=lambda data: repr(data[:8]))
def test_what_is_no_frame_is_refused_and_the_connection_closed(house, data):
    house.start()
    with unharmed(house), connect(house) as s:
        with contextlib.suppress(BrokenPipeError):
            s.sendall(ask("ping", 3) + data)
        (first, *_, last), whole = responses(everything(s))
        assert (first.id, first.operation) == (3, "ping")
        assert whole and (last.id, name_of(last)) == (0, "PARSE_ERROR")


@pytest.mark.parametrize("size", [1, 3, 4, 5, 11, 100])
def test_a_client_that_leaves_within_a_frame_leaves_nothing(house, size):
    house.start()
    with unharmed(house):
        for _ in range(50):
            with connect(house) as s:
                s.sendall((ask("ping") + ask("search", query="x" * 400))[:len(ask("ping")) + size])


# --- frames that are no messages ----------------------------------------------------------------------

def whole_requests():
    ping = wire.request("ping", 1)
    return [wire.encode_request(one) for one in (
        ping, wire.request("search", 2, query="web server", limit=5), wire.request("status", 3),
        wire.request("info", 4, package="bash"), wire.request("explicit", 5),
        wire.request("suggest", 6, query="bsh"), wire.request("cache_stats", 7),
        wire.request("hello", 8, version=1, client="x"), wire.request("metrics", 9),
        wire.request("schema", 10), wire.request("subscribe", 12, topics=["a", "b"]),
        wire.request("cancel", 13, target=99), wire.request("security_audit", 14),
        wire.request("with", 15, deadline_ms=1000, request=ping),
        wire.request("batch", 16, requests=[ping, wire.request("search", 2, query="e")]))]


def damaged(pick, payload):
    """A payload with a few bits, bytes or numbers changed, cut off or with something behind it."""
    b = bytearray(payload)
    for _ in range(pick.choice((1, 1, 1, 2, 5))):
        kind = pick.randrange(5)
        at = pick.randrange(len(b)) if b else 0
        if kind == 0 and b:
            b[at] ^= 1 << pick.randrange(8)
        elif kind == 1:
            del b[at:]
        elif kind == 2:
            b += pick.randbytes(pick.randrange(1, 40))
        elif kind == 3:
            b[at:at + 8] = struct.pack("<Q", pick.choice((
                0, 1, 255, (1 << 31) - 1, 1 << 32, (1 << 61) + 1, (1 << 63) - 1, 1 << 63,
                (1 << 64) - 1, (1 << 64) - 8)))
        else:
            b[at:at + 4] = pick.choice((b"\xff\xfe\x80\xc0", b"\xed\xa0\x80\0", b"\0\0\0\0"))
    return bytes(b) or b"\0"


def id_of(payload):
    return struct.unpack_from("<Q", payload, 4)[0] if len(payload) >= 12 else 0


@pytest.mark.parametrize("seed", range(6))
def test_every_damaged_message_is_answered_once_under_its_id(house, seed):
    """And the connection goes on, as the framing is whole."""
    pick, whole = random.Random(seed), whole_requests()
    house.configure(rate__slow=1000000, verbose=3 if seed == 0 else 0)
    house.start()
    with unharmed(house) as client:
        for _ in range(60):
            sent = [damaged(pick, pick.choice(whole)) for _ in range(20)]
            client.send_bytes(b"".join(map(frame, sent)))
            got = [wire.decode_response(client.receive_frame()) for _ in sent]
            assert sorted(one.id for one in got) == sorted(map(id_of, sent))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_answered_once_under_its_id(house, seed):
    pick = random.Random(seed)
    house.configure(rate__slow=1000000)
    house.start()
    with unharmed(house) as client:
        sent = [pick.randbytes(pick.choice((1, 11, 12, 13, 40, 300, 5000))) for _ in range(1000)]
        client.send_bytes(b"".join(map(frame, sent)))
        got = [wire.decode_response(client.receive_frame()) for _ in sent]
        assert [one.id for one in got] == [id_of(payload) for payload in sent]
        assert {name_of(one) for one in got} == {"PARSE_ERROR", "METHOD_NOT_FOUND"}


REFUSED = {
    "count of 2^63": (struct.pack("<IQQ", 8, 1, 1 << 63), "PARSE_ERROR"),
    "count of 2^64 - 1": (struct.pack("<IQQ", 8, 1, (1 << 64) - 1), "PARSE_ERROR"),
    "length of 2^63 - 1": (struct.pack("<IQQ", 0, 1, (1 << 63) - 1) + b"x", "PARSE_ERROR"),
    "length one too large": (struct.pack("<IQQ", 3, 1, 2) + b"x", "PARSE_ERROR"),
    "not UTF-8": (struct.pack("<IQQ", 1, 1, 2) + b"\xc3\x28", "PARSE_ERROR"),
    "a surrogate": (struct.pack("<IQQ", 1, 1, 3) + b"\xed\xa0\x80", "PARSE_ERROR"),
    "a bool of 2": (struct.pack("<IQQ", 0, 1, 1) + b"x\x02", "PARSE_ERROR"),
    "something left over": (struct.pack("<IQ", 5, 1) + b"x", "PARSE_ERROR"),
    "an unknown operation": (struct.pack("<IQ", 4711, 1) + b"x" * 100, "METHOD_NOT_FOUND"),
    "the house's operation": (struct.pack("<IQ", 18, 1), "METHOD_NOT_FOUND"),
    "an operation to come": (struct.pack("<IQ", 4, 1), "METHOD_NOT_FOUND"),
    "a batch in a batch": (struct.pack("<IQQIQQ", 8, 1, 1, 8, 2, 0), "INVALID_PARAMS"),
    "an envelope in an envelope": (struct.pack("<IQ4xIQ4xIQ", 11, 1, 11, 2, 5, 3), "INVALID_PARAMS"),
    "101 requests": (struct.pack("<IQQ", 8, 1, 101) + struct.pack("<IQ", 5, 1) * 101, "INVALID_PARAMS"),
    "an unknown item": (struct.pack("<IQQIQ", 8, 1, 1, 99, 2), "PARSE_ERROR"),
    "an empty query": (struct.pack("<IQQx", 0, 1, 0), "INVALID_PARAMS"),
    "501 bytes of query": (struct.pack("<IQQ", 0, 1, 501) + b"x" * 501 + b"\0", "INVALID_PARAMS"),
    "a name with a star": (struct.pack("<IQQ", 1, 1, 3) + b"a*b", "INVALID_PARAMS"),
    "a name with a NUL": (struct.pack("<IQQ", 1, 1, 3) + b"a\0b", "INVALID_PARAMS"),
    "a name like an option": (struct.pack("<IQQ", 1, 1, 3) + b"-rf", "INVALID_PARAMS"),
    "a token": (struct.pack("<IQBBQ", 11, 1, 0, 1, 1) + b"x\0\0" + struct.pack("<IQ", 5, 9),
                "UNAUTHENTICATED"),
    "an old version": (struct.pack("<IQIQ", 10, 1, 0, 0), "UNSUPPORTED"),
    "nothing to cancel": (struct.pack("<IQQ", 12, 1, 77), "NOT_FOUND"),
    "a package that is not there": (struct.pack("<IQQ", 1, 1, 5) + b"emcas", "PACKAGE_NOT_FOUND"),
}


def test_each_mistake_has_its_error(house):
    house.start()
    with unharmed(house) as client:
        for what, (payload, error) in REFUSED.items():
            client.send_frame(payload)
            said = wire.decode_response(client.receive_frame())
            assert (what, said.id, name_of(said)) == (what, 1, error)


# --- too much -----------------------------------------------------------------------------------------

def send_some(sockets, data, seconds):
    """Sends data on all of them, a piece each in turn; ends when all is sent or nobody reads."""
    rest = {s: memoryview(data) for s in sockets}
    for s in sockets:
        s.setblocking(False)
    until = time.monotonic() + seconds
    while rest and time.monotonic() < until:
        for s in list(rest):
            try:
                rest[s] = rest[s][s.send(rest[s][:1 << 16]):]
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                del rest[s]
            else:
                if not rest[s]:
                    del rest[s]
        yield


def test_a_thousand_half_messages_hold_nobody_up(large):
    large.start()
    with unharmed(large) as client:
        crowd = [connect(large) for _ in range(MANY)]
        slowest = 0
        half = struct.pack(">I", 2 * HALF) + b"x" * HALF
        for _ in send_some(crowd, half, 20):
            begin = time.monotonic()
            found = client.call("search", query="made", limit=1000)
            assert found.total == 4000 and len(found.packages) == 1000
            slowest = max(slowest, time.monotonic() - begin)
        assert readings(client)["pool_bytes"] <= 64 << 20
        assert anonymous(large.broker) < 160 << 20
        asked = [client.send("search", query="made", limit=1000) for _ in range(60)]
        assert {name_of(one) for one in client.gather(asked)} == {None}
        assert slowest < 5
        for s in crowd:
            s.close()


def test_who_waits_longest_makes_room(large):
    """Eight clients have taken the whole pool: the ninth, who goes on, gets it."""
    large.configure(pool__max_bytes=8 << 20, frame__timeout_ms=60000)
    large.start()
    with unharmed(large) as client:
        crowd = [connect(large) for _ in range(8)]
        for s in crowd:
            s.sendall(struct.pack(">I", 2 << 20) + b"x" * 600000)
        wait_for(lambda: readings(client)["pool_bytes"] > 7 << 20)
        asked = client.send_many([("search", {"query": "made", "limit": 1000})] * 100)
        time.sleep(0.2)  # nothing is read, so that much of it has to wait
        assert {name_of(one) for one in client.gather(asked)} == {None}
        first = responses(everything(crowd[0]))[0]
        assert [name_of(one) for one in first] == ["RESOURCE_LIMIT"]
        for s in crowd:
            s.close()


def test_a_message_larger_than_the_pool_drives_out_nobody(house):
    house.configure(pool__max_bytes=1 << 20)
    house.start()
    with unharmed(house), connect(house) as other, connect(house) as s:
        other.sendall(struct.pack(">I", 1 << 20) + b"x" * 200000)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(struct.pack(">I", 8 << 20) + b"x" * HALF)
        assert [name_of(one) for one in responses(everything(s))[0]] == ["RESOURCE_LIMIT"]
        other.settimeout(0.5)
        with pytest.raises(TimeoutError):
            other.recv(1)


def test_without_memory_the_house_goes_on(house):
    """The pool may be larger than what the system has."""
    house.configure(pool__max_bytes=4 << 30)
    house.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (500 << 20, 500 << 20)))
    with unharmed(house) as client:
        crowd = [connect(house) for _ in range(200)]
        for _ in send_some(crowd, struct.pack(">I", 2 * HALF) + b"x" * HALF, 5):
            assert client.call("search", query="web").total == 1
        for s in crowd:
            s.close()


def test_a_client_that_never_reads_is_not_read_from(large):
    large.configure(frame__timeout_ms=1500)
    large.start()
    with unharmed(large) as client, connect(large) as deaf:
        asks = ask("search", query="made", limit=1000) * 200000
        sent = 0
        deaf.setblocking(False)
        for _ in range(5):
            with contextlib.suppress(BlockingIOError):
                while sent < len(asks):
                    sent += deaf.send(memoryview(asks)[sent:])
            time.sleep(0.05)
        assert sent < 4 << 20
        assert readings(client)["pool_bytes"] < 2 << 20
        wait_for(lambda: readings(client)["clients_dropped"] == 1)


def test_more_clients_than_may_be_are_told(house):
    house.configure(clients__max=50)
    house.start()
    with unharmed(house) as client:
        crowd = [connect(house) for _ in range(200)]
        told = 0
        for s in crowd[49:]:
            (said,), whole = responses(everything(s))
            assert whole and (said.id, name_of(said)) == (0, "RESOURCE_LIMIT")
            told += 1
        assert told == 151 and readings(client)["clients_refused"] == 151
        for s in crowd:
            s.close()
        wait_for(lambda: readings(client)["clients"] == 1)
        with house.client() as another:
            assert another.call("ping").text == "pong"


def test_1024_clients_are_served_and_more_are_told(house):
    house.start()
    with unharmed(house) as client:
        crowd = [connect(house) for _ in range(1100)]
        for s in crowd[:1023]:
            s.sendall(ask("ping"))
        assert all(s.recv(100) for s in crowd)
        assert readings(client)["clients"] == 1024
        for s in crowd:
            s.close()


def test_without_descriptors_clients_are_told_and_the_house_goes_on(house):
    """What the house sends has descriptors left: an index that is new is taken all the same."""
    house.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    with unharmed(house) as client:
        crowd = [connect(house) for _ in range(200)]
        said = [responses(s.recv(1000))[0][0] for s in crowd[-50:]]
        assert {(one.id, name_of(one)) for one in said} == {(0, "RESOURCE_LIMIT")}
        before = ticks(house.broker)
        time.sleep(0.5)
        assert ticks(house.broker) - before < 20
        for count in range(1, 6):
            install(house.system, count)
            wait_for(lambda count=count: installed(client) == 2 + count, 10)
        for s in crowd:
            s.close()


def test_descriptors_that_clients_send_are_dropped(house):
    house.start()
    with unharmed(house), connect(house) as s:
        for number in range(300):
            socket.send_fds(s, [ask("ping", number)], [0, 1, 2] * 20)
            assert s.recv(100)
        assert len(descriptors(house.broker)) < 12


def test_connections_come_and_go(house):
    house.start()
    with unharmed(house) as client:
        for number in range(3000):
            with connect(house) as s:
                if number % 3:
                    s.sendall(ask("explicit") * (number % 3))
        wait_for(lambda: readings(client)["clients"] == 1)


def test_more_calls_than_may_be_under_way_are_refused(house):
    house.configure(rate__slow=1000000, calls__max=20)
    house.start()
    with unharmed(house) as client:
        os.kill(house.packages, signal.SIGSTOP)
        try:
            asked = client.send_many([("doctor", {})] * 50)
            client.call("ping")
        finally:
            os.kill(house.packages, signal.SIGCONT)
        names = [name_of(one) for one in client.gather(asked)]
        assert names == [None] * 20 + ["BUSY"] * 30


def test_a_flood_of_changes_is_answered_one_by_one(house):
    """Each brings its caller's socket along; none is lost and none is taken for another's."""
    house.configure(rate__slow=1000000)
    house.start()
    with unharmed(house) as client:
        os.kill(house.packages, signal.SIGSTOP)
        try:
            asked = client.send_many([("refresh", {})] * 250)
            client.call("ping")
        finally:
            os.kill(house.packages, signal.SIGCONT)
        assert {name_of(one) for one in client.gather(asked)} == {None}


# --- too slow -----------------------------------------------------------------------------------------

def test_half_a_message_and_then_nothing_is_given_up(house):
    house.configure(frame__timeout_ms=400)
    house.start()
    with unharmed(house), connect(house) as s:
        begin = time.monotonic()
        s.sendall(ask("ping", 7) + ask("ping", 8)[:9])
        first, last = responses(everything(s))[0]
        assert (first.id, last.id, name_of(last)) == (7, 0, "TIMEOUT")
        assert 0.4 <= time.monotonic() - begin < 20


def test_a_broker_that_stood_still_blames_nobody_for_it(house):
    """Who has said all in time, and who has read all, is not too late because the broker is."""
    house.configure(frame__timeout_ms=1000, call__timeout_ms=1000)
    house.start()
    with unharmed(house) as client, connect(house) as s, connect(house) as reader:
        half = ask("ping", 7)
        s.sendall(half[:9])
        asks = ask("schema", 3) * 40
        reader.sendall(asks)
        waiting = client.send("doctor")
        wait_for(lambda: readings(client)["pool_bytes"] > 0)
        os.kill(house.broker, signal.SIGSTOP)
        try:
            s.sendall(half[9:])
            data = reader.recv(1 << 20)
            time.sleep(1.5)
        finally:
            os.kill(house.broker, signal.SIGCONT)
        assert [one.id for one in responses(s.recv(1000))[0]] == [7]
        assert name_of(client.gather([waiting])[0]) is None
        while len(responses(data)[0]) < 40:
            piece = reader.recv(1 << 20)
            assert piece
            data += piece


def test_one_byte_after_the_other_has_no_more_time(house):
    house.configure(frame__timeout_ms=500)
    house.start()
    with unharmed(house):
        crowd = [connect(house) for _ in range(100)]
        slow = ask("search", query="x" * 100)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for at in range(len(slow)):
                for s in crowd:
                    s.sendall(slow[at:at + 1])
                time.sleep(0.02)
        for s in crowd:
            said = responses(everything(s))[0]
            assert [name_of(one) for one in said] == ["TIMEOUT"]
            s.close()


def test_bytes_that_come_one_by_one_but_in_time_make_a_message(house):
    house.start()
    with unharmed(house), connect(house) as s:
        for byte in ask("search", 9, query="webserver") + ask("ping", 10):
            s.sendall(bytes([byte]))
        data = b""
        while len(responses(data)[0]) < 2:
            data += s.recv(4096)
        assert [one.id for one in responses(data)[0]] == [9, 10]


def test_who_says_nothing_for_long_is_hung_up_on(house):
    house.configure(idle__timeout_ms=500)
    house.start()
    with connect(house) as s, connect(house) as busy:
        begin = time.monotonic()
        while time.monotonic() - begin < 1.2:
            busy.sendall(ask("ping"))
            assert busy.recv(100)
            time.sleep(0.05)
        assert everything(s) == b""


def test_who_only_listens_any_more_gets_what_is_under_way(house):
    house.start()
    with unharmed(house):
        os.kill(house.packages, signal.SIGSTOP)
        try:
            with connect(house) as gone:
                gone.sendall(ask("doctor"))
            s = connect(house)
            s.sendall(ask("doctor", 5) + ask("ping", 6))
            s.shutdown(socket.SHUT_WR)
            time.sleep(0.1)
            before = ticks(house.broker)
            time.sleep(0.4)
            assert ticks(house.broker) - before < 20
        finally:
            os.kill(house.packages, signal.SIGCONT)
        assert sorted(one.id for one in responses(everything(s))[0]) == [5, 6]
        s.close()


# --- fair turns ---------------------------------------------------------------------------------------

def test_one_clients_heavy_batches_do_not_hold_up_another(large):
    large.start()
    with unharmed(large) as client, large.client() as greedy:
        heavy = [wire.request("suggest", query="mqde-x1") for _ in range(100)]
        asked = [greedy.send("batch", requests=heavy) for _ in range(50)]
        slowest = 0
        for _ in range(50):
            begin = time.monotonic()
            client.call("ping")
            slowest = max(slowest, time.monotonic() - begin)
        said = greedy.gather(asked)
        assert all(len(one.result.responses) == 100 for one in said)
        assert slowest < 2


def test_a_batch_that_overruns_says_so_item_by_item(large):
    large.configure(frame__max_bytes=65536)
    large.start()
    with unharmed(large) as client:
        items = [wire.request("search", 1000 + i, query=f"made-{i}", limit=20) for i in range(100)]
        said = client.call("batch", requests=items).responses
        assert [one.id for one in said] == [one.id for one in items]
        names = [name_of(one) for one in said]
        assert names[0] is None and names[-1] == "RESOURCE_LIMIT"
        assert collections.Counter(names).keys() == {None, "RESOURCE_LIMIT"}


def test_who_asks_too_often_is_told_when_to_come_back(house):
    house.configure(rate__slow=10)
    house.start()
    with unharmed(house) as client:
        client.call("hello", version=1, client="a test")
        said = client.gather(client.send_many([("doctor", {})] * 60))
        refused = [one for one in said if name_of(one) == "RATE_LIMITED"]
        assert 30 < len(refused) < 50
        ((key, wait_ms),) = refused[-1].details
        assert key == "retry_after_ms" and wait_ms in refused[-1].message
        time.sleep(int(wait_ms) / 1000 + 0.05)
        assert error_of(client, "doctor") is None
