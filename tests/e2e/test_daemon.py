"""The daemon as a whole: how it starts and ends, what its processes may do, what happens when one of
them dies, and that what it answers is what the command answers without it."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

import pytest

import conftest
from house import (daemon_of, descriptors, error_of, fields, house, install, installed, large, lives, ticks,
                   wait_for, wire)
from test_hostile import NOBODY, ROOT, as_root, needs_strace

PTRACE_ATTACH = 16
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def daemon(house, *words, **rest):
    """Runs a second daemon, which is expected to end by itself."""
    house.configure()
    rest.setdefault("timeout", 30)
    return subprocess.run([conftest.OMG, "daemon", *words], env=house.environment, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, **rest)


# --- starting ---------------------------------------------------------------------------------------

def test_it_answers_before_its_index_is_there(large):
    large.start(ready=False).listens()
    with large.client() as client:
        assert client.call("ping").text == "pong"
        assert client.call("search", query="web").total > 0


def test_nothing_of_it_stays(house):
    house.start()
    assert house.stop() == 0
    assert {p.name for p in house.folder.iterdir()} == {"daemon.conf", "log", "root", "cache"}
    assert house.said() == ""


@needs_strace
def test_the_socket_is_its_owners_from_its_first_instant(house, tmp_path):
    """The mask is narrow before the name is there, and nothing has to be put right afterwards."""
    log = tmp_path / "trace"
    house.start(before=("strace", "-D", "-qq", "-o", str(log), "-e", "trace=umask,bind,chmod,fchmod,fchmodat"),
                preexec_fn=lambda: os.umask(0))
    calls = [line for line in log.read_text().splitlines() if "(" in line]
    at = next(i for i, line in enumerate(calls) if line.startswith("bind(") and "omg.sock" in line)
    assert calls[at - 1].startswith("umask(0177)") and calls[at + 1].startswith("umask(000)")
    assert not [line for line in calls if "chmod" in line]
    assert stat.S_IMODE(os.stat(house.socket).st_mode) == 0o600


def test_a_second_daemon_is_refused(house):
    house.start()
    for more in ((), ("--detach",)):
        ran = daemon(house, "--socket", house.socket, *more)
        assert ran.returncode == 5 and b"another omg daemon serves" in ran.stderr
    with house.client() as client:
        assert client.call("ping").text == "pong"


def test_a_stale_socket_is_taken_over(house):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(house.socket)
    dead.close()
    house.configure()
    house.start(ready=False)
    wait_for(lambda: stat.S_IMODE(os.stat(house.socket).st_mode) == 0o600)
    house.ready()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
def test_a_socket_that_somebody_has_is_left_alone(house, kind):
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(house.socket)
        if kind != socket.SOCK_DGRAM:
            other.listen()
        inode = os.stat(house.socket).st_ino
        ran = daemon(house, "--socket", house.socket)
        assert ran.returncode == 5 and b"another program serves" in ran.stderr
        assert os.stat(house.socket).st_ino == inode


@pytest.mark.parametrize("make", [pathlib.Path.touch, pathlib.Path.mkdir], ids=["file", "folder"])
def test_what_is_no_socket_is_left_alone(house, make):
    make(pathlib.Path(house.socket))
    ran = daemon(house, "--socket", house.socket)
    assert ran.returncode == 2 and b"is not a socket" in ran.stderr
    assert not os.path.exists(house.socket + ".lock")


def test_paths_that_cannot_be_are_told(house, tmp_path):
    for path, words in ((f"/tmp/{'x' * 103}", b"longer than 107 bytes"),
                        (f"{tmp_path}/none/omg.sock", b"there is no folder")):
        ran = daemon(house, "--socket", path)
        assert ran.returncode == 2 and words in ran.stderr


@as_root
def test_a_lock_of_another_user_is_refused(house):
    lock = pathlib.Path(house.socket + ".lock")
    lock.touch()
    os.chown(lock, NOBODY, NOBODY)
    ran = daemon(house, "--socket", house.socket)
    assert ran.returncode == 4 and b"is not yours" in ran.stderr


def test_settings_with_an_error_stop_it(house):
    house.configure()
    house.conf.write_text("rate.fast = many\n")
    ran = subprocess.run([conftest.OMG, "daemon", "--socket", house.socket], env=house.environment,
                         capture_output=True, timeout=30, check=False)
    assert ran.returncode == 2 and b"daemon.conf:1: rate.fast" in ran.stderr


def test_it_is_ready_when_it_says_so(house, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        house.start(ready=False, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert manager.recv(100) == b"READY=1"
        with house.client() as client:
            assert client.call("ping").text == "pong"
        house.reload(batch__max=5)
        assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(100) == b"READY=1"
        house.stop()
        assert manager.recv(100) == b"STOPPING=1"


# systemd sets LISTEN_PID to the process that it starts, which a parent cannot know before it is there.
ACTIVATE = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_socket_that_is_handed_over_is_served_and_left(house):
    program = (sys.executable, "-c", ACTIVATE, house.socket)
    house.configure()
    house.start("-v", before=program)
    assert "the socket that was handed over" in house.said()
    assert not os.path.exists(house.socket + ".lock")
    assert house.stop() == 0
    assert os.path.exists(house.socket)


def test_detached_it_is_there_when_the_command_ends(house):
    ran = daemon(house, "--socket", house.socket, "--detach")  # waits for the end of its output too
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    with house.client() as client:
        pid = daemon_of(client)
        assert client.call("ping").text == "pong"
    assert os.getsid(pid) == pid
    assert set(descriptors(pid)[i] for i in range(3)) == {"/dev/null"}
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not os.path.exists(house.socket + ".lock"))


# --- ending -----------------------------------------------------------------------------------------

def test_what_was_sent_before_the_end_is_answered(house):
    """More than one turn of requests wait when the broker is told to end."""
    house.start()
    with house.client() as client:
        client.call("ping")
        os.kill(house.broker, signal.SIGSTOP)
        broker = house.broker
        asked = client.send_many([("ping", {})] * 8000)
        house.process.send_signal(signal.SIGTERM)
        os.kill(broker, signal.SIGCONT)
        assert all(one.result.text == "pong" for one in client.gather(asked))
        assert client.receive_frame() is None
    assert house.process.wait(30) == 0


def test_without_an_index_and_its_maker_nobody_waits(house):
    house.start("--socket", house.socket, "--root", str(house.folder / "not-there"), ready=False)
    house.listens()
    with house.client() as client:
        wait_for(lambda: client.call("hello", version=1, client="test").services[0].state == "down")
        assert error_of(client, "status") == "SERVICE_UNAVAILABLE"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_calls_under_way_are_answered_when_it_ends(house, number):
    house.start()
    stopped = house.packages
    os.kill(stopped, signal.SIGSTOP)
    with house.client() as client:
        waiting = [client.send("doctor") for _ in range(5)]
        client.call("ping")
        house.process.send_signal(number)
        said = client.gather(waiting)
        assert {wire.ERRORS[one.code] for one in said} == {"SERVICE_UNAVAILABLE"}
        assert client.receive_frame() is None
    with contextlib.suppress(ProcessLookupError):
        os.kill(stopped, signal.SIGCONT)
    assert house.process.wait(30) == 0
    assert not os.path.exists(house.socket) and not os.path.exists(house.socket + ".lock")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_what_a_terminal_sends_to_all_is_the_supervisors_to_decide(house, number):
    house.start(start_new_session=True)
    children = [house.broker, house.packages]
    with house.client() as client:
        client.call("ping")
        os.killpg(house.pid, number)
        if number == signal.SIGHUP:
            assert error_of(client, "doctor") is None
            assert [house.broker, house.packages] == children
        else:
            assert house.process.wait(30) == 0
    assert "was ended" not in house.said()


def test_a_process_that_does_not_end_is_made_to(house):
    house.start()
    stuck = house.packages
    os.kill(stuck, signal.SIGSTOP)
    assert house.stop() == 0
    assert not lives(stuck)


def test_a_client_that_does_not_read_does_not_hold_it_up(house):
    house.start()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.connect(house.socket)
        ask = wire.encode_request(wire.request("explicit", 1))
        deaf.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                deaf.send((struct.pack(">I", len(ask)) + ask) * 100)
        assert house.stop() == 0


# --- settings ---------------------------------------------------------------------------------------

def limit(client, name):
    return {one.name: one.value for one in client.call("hello", version=1, client="a test").limits}[name]


def test_settings_are_read_again_while_it_runs(house):
    house.start()
    with house.client() as client:
        assert limit(client, "batch.max") == 100
        house.reload(batch__max=3, verbose=2)
        wait_for(lambda: limit(client, "batch.max") == 3)
        ping = wire.request("ping")
        assert len(client.call("batch", requests=[ping] * 3).responses) == 3
        assert error_of(client, "batch", requests=[ping] * 4) == "INVALID_PARAMS"
        client.call("suggest", query="said-in-the-log")
        wait_for(lambda: "said-in-the-log" in house.said())


def test_settings_with_an_error_change_nothing(house):
    house.start()
    with house.client() as client:
        house.conf.write_text("batch.max = 3\nthis is wrong\n")
        os.kill(house.pid, signal.SIGHUP)
        wait_for(lambda: "the settings stay as they were" in house.said())
        assert limit(client, "batch.max") == 100


def test_a_log_that_nobody_reads_holds_nothing_up(house):
    reader, writer = os.pipe()
    house.configure(verbose=3)
    house.process = subprocess.Popen([conftest.OMG, "daemon", "--socket", house.socket],
                                     stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
                                     env=house.environment)
    os.close(writer)
    house.log.touch()
    house.ready()
    with house.client() as client:
        for _ in range(500):
            client.call("search", query="web")
    assert os.read(reader, 1)
    os.close(reader)


# --- processes that die -----------------------------------------------------------------------------

def test_a_broker_that_is_killed_comes_back_with_all_it_knew(house):
    house.start()
    inode = os.stat(house.socket).st_ino
    for _ in range(3):
        old = house.broker
        with house.client() as client:
            client.call("ping")
            os.kill(old, signal.SIGKILL)
            with house.client() as next_one:  # waits in the queue of the socket
                assert installed(next_one) == 2
            with pytest.raises(OSError):
                client.call("ping")
        assert house.broker != old and os.stat(house.socket).st_ino == inode
    assert house.said().count("broker was ended by signal 9") == 3


def test_a_service_that_is_killed_comes_back_and_the_rest_goes_on(house):
    house.start()
    with house.client() as client:
        for round_ in range(3):
            old = house.packages
            os.kill(old, signal.SIGSTOP)
            waiting = client.send("doctor")
            client.call("ping")
            os.kill(old, signal.SIGKILL)
            (said,) = client.gather([waiting])
            assert wire.ERRORS[said.code] == "SERVICE_UNAVAILABLE"
            assert installed(client) == 2
            wait_for(lambda: error_of(client, "doctor") is None)
            (packages,) = client.call("hello", version=1, client="").services
            assert (packages.state, packages.restarts) == ("running", round_ + 1)


def test_a_service_that_keeps_dying_is_told_to_be_down(house):
    house.start()

    def state():
        (packages,) = client.call("hello", version=1, client="").services
        return packages.state

    with house.client() as client:
        while state() != "down":
            with contextlib.suppress(ProcessLookupError, TypeError):
                os.kill(house.find("packages"), signal.SIGKILL)
        assert installed(client) == 2 and error_of(client, "doctor") == "SERVICE_UNAVAILABLE"


def test_packages_installed_while_the_service_is_dead_are_found(house):
    house.start()
    with house.client() as client:
        os.kill(house.packages, signal.SIGKILL)
        install(house.system, 3)
        wait_for(lambda: installed(client) == 5)


def test_all_end_with_the_supervisor_and_the_next_one_begins(house):
    house.start()
    children = [house.broker, house.packages]
    with house.client() as client:
        client.call("ping")
        house.process.kill()
        house.process.wait()
        house.start()
        with house.client() as other:
            assert installed(other) == 2
    wait_for(lambda: not any(map(lives, children)))


def test_killed_at_any_moment_the_house_stands_again(large):
    """Broker and packages, while the index is being built or handed over."""
    large.start(ready=False).listens()
    for number in range(4):
        time.sleep(0.02 * number)
        for name in ("packages", "broker"):
            victim = large.find(name)
            if victim:
                os.kill(victim, signal.SIGKILL)
    large.ready()
    with large.client() as client:
        assert client.call("search", query="made-17").packages[0].name == "made-17"


def test_a_broken_link_between_two_that_live_is_made_anew(house):
    """So many new indexes for a broker that stands still that it can only be given the last."""
    house.start()
    with house.client() as client:
        os.kill(house.broker, signal.SIGSTOP)
        with house.client() as _:
            for count in range(1, 13):
                seen = newest(house)
                install(house.system, count)
                wait_for(lambda: newest(house) != seen, 15, what="a new index")
        os.kill(house.broker, signal.SIGCONT)
        wait_for(lambda: installed(client) == 14)


def newest(house):
    """Its time alone would not do: the nanoseconds are a seal (cache.h)."""
    (overlay,) = (house.folder / "cache").rglob("overlay")
    return overlay.stat().st_ino, overlay.stat().st_mtime_ns


# --- what the processes may ---------------------------------------------------------------------------

def test_the_broker_has_no_power(house):
    house.start()
    status = fields(house.broker)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert not any(int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"))
    if ROOT:
        assert status["Uid"].split() == status["Gid"].split() == [str(NOBODY)] * 4


def test_the_broker_has_no_descriptors_but_its_own(house):
    house.start()
    with house.client() as client:
        client.call("ping")
        kinds = sorted(re.sub(r"\d+", "N", what) for fd, what in descriptors(house.broker).items()
                       if fd > 2)
    # the supervisor, the listener and one in reserve, packages, the client
    assert kinds == ["anon_inode:[eventpoll]", "anon_inode:[timerfd]", *["socket:[N]"] * 5]


@as_root
def test_nobody_can_look_into_the_broker(house):
    """Not even who has its own user id."""
    house.start()
    script = ("import ctypes, os, sys\n"
              "l = ctypes.CDLL(None, use_errno=True)\n"
              f"assert l.ptrace({PTRACE_ATTACH}, {house.broker}, 0, 0) == -1\n"
              "assert ctypes.get_errno() == 1\n"
              "for name in ('mem', 'environ', 'maps', 'syscall', 'auxv'):\n"
              "    try:\n"
              f"        open(f'/proc/{house.broker}/' + name, 'rb').read(1)\n"
              "    except PermissionError:\n"
              "        continue\n"
              "    sys.exit(name)\n")
    ran = subprocess.run([*AS_NOBODY, sys.executable, "-c", script], capture_output=True, check=False)
    assert ran.returncode == 0, ran


@as_root
def test_it_serves_an_ordinary_user_too(house):
    for folder in reversed(house.folder.parents[:2]):
        folder.chmod(0o755)
    for path in (house.folder, *house.folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    house.start(before=AS_NOBODY)
    with house.client(any_peer=True) as client:
        assert installed(client) == 2 and error_of(client, "refresh") is None
    for pid in (house.broker, house.packages):
        assert fields(pid)["Uid"].split() == [str(NOBODY)] * 4
    assert (fields(house.broker)["NoNewPrivs"], fields(house.broker)["Seccomp"]) == ("1", "2")
    assert house.stop() == 0 and not os.path.exists(house.socket)


def as_nobody(house, *words):
    house.folder.chmod(0o755)
    return subprocess.run([*AS_NOBODY, conftest.OMG, *words], check=False,
                          capture_output=True, timeout=60, cwd="/",
                          env={**house.environment, "OMG_CONFIG": "", "HOME": "/nonexistent",
                               "OMG_SOCKET": house.socket})


@as_root
def test_other_users_are_not_let_in(house):
    for folder in reversed(house.folder.parents[:2]):
        folder.chmod(0o755)
    house.start()
    ran = as_nobody(house, "ping")
    assert ran.returncode in (4, 5) and b"may not use the socket" in ran.stderr


@as_root
def test_other_users_may_what_their_capabilities_say(house):
    """Where the administrator lets them in."""
    for folder in reversed(house.folder.parents[:2]):
        folder.chmod(0o755)
    house.start()
    os.chmod(house.socket, 0o666)
    for words in (("ping",), ("search", "web"), ("status",), ("cache",), ("metrics",), ("doctor",)):
        ran = as_nobody(house, *words)
        assert ran.returncode == 0, ran
    for words in (("cache", "clear"), ("refresh",)):
        ran = as_nobody(house, *words)
        assert ran.returncode == 4 and b"permission denied" in ran.stderr


def test_it_sleeps_while_nothing_happens(house):
    house.start()
    pids = [house.pid, house.broker, house.packages]

    def slept(seconds):
        before = [(ticks(pid), fields(pid)["voluntary_ctxt_switches"]) for pid in pids]
        time.sleep(seconds)
        return [(ticks(pid), fields(pid)["voluntary_ctxt_switches"]) for pid in pids] == before

    with house.client() as client:
        client.call("ping")
        wait_for(lambda: slept(0.3))  # what the start has left to do is done
        assert slept(2)


# --- what it answers --------------------------------------------------------------------------------

@contextlib.contextmanager
def asked_meanwhile(house, clients=4):
    """Clients that ask all the time; gives the errors they got and how many answers."""
    over, failed, counts = threading.Event(), [], []

    def ask():
        questions = (("search", {"query": "e"}), ("info", {"package": "bash"}), ("status", {}),
                     ("explicit", {}), ("suggest", {"query": "webserver-tny"}))
        count = 0
        try:
            with house.client() as client:
                while not over.is_set():
                    for operation, asked in questions:
                        client.call(operation, **asked)
                        count += 1
        except Exception as e:  # pylint: disable=broad-except
            failed.append(e)
        counts.append(count)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield failed, counts
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_packages_installed_while_questions_run_fail_none(house):
    house.start()
    took = []
    with asked_meanwhile(house) as (failed, counts), house.client() as client:
        for count in range(1, 31):
            install(house.system, count)
            begin = time.monotonic()
            wait_for(lambda count=count: installed(client) == 2 + count, 10)
            took.append(time.monotonic() - begin)
    assert not failed and sum(counts) > 100
    assert sorted(took)[len(took) // 2] < 0.25, took


def test_what_changes_right_after_the_start_is_seen(house):
    """Between reading the sources and watching them nothing is missed."""
    for count in range(1, 6):
        house.start(ready=False).listens()
        with house.client() as client:
            client.call("status")
            install(house.system, count)
            wait_for(lambda count=count: installed(client) == 2 + count, 10)
        house.stop()


def test_sources_that_vanish_and_come_back_are_followed(house):
    house.start()
    lists = house.system.lists
    with house.client() as client:
        assert client.call("search", query="webserver").total == 1
        for _ in range(3):
            shutil.move(lists, house.folder / "aside")
            wait_for(lambda: error_of(client, "search", query="webserver") == "NO_DATA", 10)
            shutil.move(house.folder / "aside", lists)
            wait_for(lambda: error_of(client, "search", query="webserver") is None, 10)


WORDS = ("e", "web", "web server", "made-1", "made-17", "number", "long", "lib", "hostile", "nothing-is-so",
         "of many", "tiny", "made 3", "c", "bash", "packages 11")


def questions():
    for word in WORDS:
        for shown in ("0", "1", "7", "50", "1000"):
            yield "search", "--limit", shown, "--", *word.split()
        yield "search", "--", word
        yield "suggest", "--", word
    for i in range(0, 4000, 80):
        yield "info", f"made-{i}"
    for name in ("bash", "libc6", "libc6:amd64", "webserver-tiny", "bash=5.2.15-2+b8", "bash/stable",
                 "hostile", "emcas", "made-99999"):
        yield "info", name
    yield ("status",)
    yield ("explicit",)


def test_it_answers_what_the_command_answers_without_it(large):
    large.start()

    environment = {**large.environment, "OMG_SOCKET": large.socket}

    def run(*words):
        ran = subprocess.run([conftest.OMG, "--json", *words], env=environment, timeout=60,
                             capture_output=True, check=False)
        return ran.returncode, ran.stdout

    for words in questions():
        asked = run(*words)
        assert asked == run("--no-daemon", "--root", str(large.system.root), *words), words
    with large.client() as client:
        seen = {one.operation: one.calls for one in client.call("metrics").operations}
    assert seen["search"] + seen["suggest"] + seen["info"] > 150


def test_a_kept_answer_is_the_uncached_one_byte_for_byte(large):
    large.start()
    with large.client() as client:

        def answers():
            said = []
            for limit_ in (None, 0, 1, 50, 1000):
                for word in WORDS:
                    for operation in ("search", "suggest"):
                        asked = wire.request(operation, 7, query=word, limit=limit_)
                        client.send_frame(wire.encode_request(asked))
                        said.append(client.receive_frame())
            return said

        client.call("cache_clear")
        first = answers()
        hits = {one.operation: one.hits for one in client.call("metrics").operations}
        assert answers() == first
        after = {one.operation: one.hits for one in client.call("metrics").operations}
        assert sum(after.values()) - sum(hits.values()) > 100
        client.call("cache_clear")
        assert client.call("cache_stats").size == 0
        assert answers() == first


def test_what_is_kept_is_bounded(large):
    large.configure(answers__max=10, answers__max_bytes=100000)
    large.start()
    with large.client() as client:
        for i in range(300):
            client.call("search", query=f"made-{i}", limit=100)
            assert client.call("cache_stats").size <= 10


def test_the_log_at_its_loudest_shows_messages_and_bytes(house):
    house.configure(verbose=3)
    house.start()
    with house.client() as client:
        client.call("search", query="needle-in-the-log")
        token = wire.request("with", token="a-secret-token", request=wire.request("ping"))
        client.gather([client.send("with", token="a-secret-token", request=token.body.request)])
    wait_for(lambda: "needle-in-the-log" in house.said())
    assert "a-secret-token" not in house.said()
    messages = [line for line in house.said().splitlines() if line.startswith("received{")]
    assert all(json.loads(line[len("received"):]) for line in messages)
