"""The daemon for a long time among honest clients that check every answer, hostile ones that send
whatever they like, processes that are killed and packages that are installed. At the end it has to
have no more memory and descriptors than at the beginning. One line of numbers, and the exit status."""

import contextlib
import multiprocessing
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import conftest
import house
import test_hostile
from house import anonymous, descriptors, install, installed, lives, name_of, wait_for, wire

PACKAGES = 4000
HONEST, HOSTILE = 3, 3
MORE = 4 << 20  # bytes of memory that a process may have more at the end
SETTLE = 60  # seconds for what was installed to be seen, whatever is being killed


class Shared:
    """What all of the processes count and know."""

    def __init__(self):
        self.over = multiprocessing.Event()
        self.failures = multiprocessing.Queue()
        self.right, self.interrupted, self.attacks, self.changes = (
            multiprocessing.Value("q", 0) for _ in range(4))
        self.seen = multiprocessing.Value("q", 0)  # packages that everybody has to see by now
        self.there = multiprocessing.Value("q", 0)  # that have been installed so far

    def add(self, counter, n=1):
        with counter.get_lock():
            counter.value += n


# --- honest clients -----------------------------------------------------------------------------------

class Wrong(Exception):
    """An answer that is not the right one."""


def check(true, *what):
    if not true:
        raise Wrong(*what)


def check_status(shared, least):
    def right(result):
        most = shared.there.value
        check(least <= result.total_packages - 2 <= most, "status", least, result.total_packages, most)

    return right


def check_info(i):
    def right(result):
        check((result.name, result.version) == (f"made-{i}", f"1.{i % 7}"), "info", i, result)
        check(result.description.startswith(f"number {i} of many packages\n"), "info", i, result)

    return right


def check_search(i):
    def right(result):
        check(result.packages[0].name == f"made-{i}", "search", i, result.packages[:2])
        check(all(f"{i}" in p.name + p.description for p in result.packages), "search", i)

    return right


def check_total(result):
    check(result.total == PACKAGES and not result.packages, "total", result.total)


def check_pong(result):
    check(result.text == "pong", "ping", result)


def question(pick, shared):
    """(operation, what it is asked with, a check of its result, errors it may have)"""
    i = pick.randrange(PACKAGES)
    return pick.choice((
        lambda: ("ping", {}, check_pong, ()),
        lambda: ("status", {}, check_status(shared, shared.seen.value), ()),
        lambda: ("info", {"package": f"made-{i}"}, check_info(i), ()),
        lambda: ("search", {"query": f"made-{i}"}, check_search(i), ()),
        lambda: ("search", {"query": "many packages", "limit": 0}, check_total, ()),
        lambda: ("suggest", {"query": f"mode-{i}"}, lambda result: None, ()),
        lambda: ("metrics", {}, lambda result: None, ()),
        lambda: ("doctor", {}, lambda result: check(len(result.checks) > 5, "doctor"),
                 ("SERVICE_UNAVAILABLE", "RATE_LIMITED", "TIMEOUT")),
    ))()


def check_answer(asked, said):
    operation, _, right, errors = asked
    name = name_of(said)
    if name:
        check(name in errors, operation, name, said)
    else:
        check(said.operation == operation, operation, said)
        right(said.result)


def ask_many(client, asked):
    ids = client.send_many([(operation, fields) for operation, fields, _, _ in asked])
    for one, said in zip(asked, client.gather(ids)):
        check_answer(one, said)


def ask_at_once(client, asked):
    batch = [wire.request(operation, i, **fields) for i, (operation, fields, _, _) in enumerate(asked)]
    for i, (one, said) in enumerate(zip(asked, client.call("batch", requests=batch).responses)):
        check(said.id == i, "batch", i, said)
        check_answer(one, said)


def honest(seed, path, shared):
    """A connection that breaks off is made anew, as long as that does not happen for no reason."""
    pick, client = random.Random(seed), None
    while not shared.over.is_set():
        asked = [question(pick, shared) for _ in range(pick.choice((1, 1, 5, 30)))]
        try:
            client = client or wire.Client(path, timeout=120)
            pick.choice((ask_many, ask_many, ask_at_once))(client, asked)
            shared.add(shared.right, len(asked))
        except (OSError, wire.Closed):
            shared.add(shared.interrupted)
            client = None
            time.sleep(0.01)


# --- hostile clients ----------------------------------------------------------------------------------

def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def noise(pick, s):
    s.sendall(pick.randbytes(pick.randrange(1, 5000)))


def damage(pick, s):
    whole = bytearray(frame(wire.encode_request(wire.request("search", 1, query="web server"))) * 50)
    for _ in range(20):
        whole[pick.randrange(len(whole))] ^= 1 << pick.randrange(8)
    s.sendall(whole)


def half(pick, s):
    s.sendall(struct.pack(">I", 8 << 20) + b"x" * pick.randrange(1 << 20))


def deaf(_, s):
    s.setblocking(False)
    s.send(frame(wire.encode_request(wire.request("search", 1, query="made", limit=1000))) * 5000)


def slow(pick, s):
    for byte in frame(wire.encode_request(wire.request("ping", 1)))[: pick.randrange(1, 16)]:
        s.sendall(bytes([byte]))
        time.sleep(0.005)


def flood(_, s):
    s.setblocking(False)
    s.send(frame(wire.encode_request(wire.request("refresh", 1))) * 200)


def gifts(_, s):
    socket.send_fds(s, [frame(wire.encode_request(wire.request("ping", 1)))], [0, 1, 2] * 10)


def heavy(_, s):
    items = [wire.request("suggest", i, query="mqde-x1") for i in range(100)]
    s.sendall(frame(wire.encode_request(wire.request("batch", 1, requests=items))) * 3)


ATTACKS = (noise, damage, half, deaf, slow, flood, gifts, heavy)


def hostile(seed, path, shared):
    """Keeps some of its connections open and lets the others go, read or not."""
    pick, crowd = random.Random(seed), []
    while not shared.over.is_set():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(2)
        crowd.append(s)
        with contextlib.suppress(OSError):
            s.connect(path)
            pick.choice(ATTACKS)(pick, s)
        shared.add(shared.attacks)
        while len(crowd) > pick.choice((5, 50, 150)):
            one = crowd.pop(pick.randrange(len(crowd)))
            if pick.random() < 0.3:
                one.setblocking(False)
                with contextlib.suppress(OSError):
                    one.recv(1 << 20)
            one.close()
    for s in crowd:
        s.close()


# --- the world ----------------------------------------------------------------------------------------

def change(daemon, shared):
    """One package more; gives when everybody has to see it."""
    shared.add(shared.there)
    install(daemon.system, shared.there.value)
    shared.add(shared.changes)


def all_see(daemon, shared):
    """Waits until what is installed by now is answered."""
    wanted = 2 + shared.there.value

    def seen():
        with contextlib.suppress(OSError, wire.Closed), wire.Client(daemon.socket, timeout=120) as client:
            return installed(client) >= wanted
        return False

    wait_for(seen, SETTLE, "the new package")
    shared.seen.value = wanted - 2


def kill(daemon, name):
    victim = daemon.find(name)
    if victim:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


def live(daemon, shared, seconds):
    """Until the time is over: packages come, settings are read again, processes are killed. They are
    killed so seldom that they are started anew soon."""
    until, pause = time.monotonic() + seconds, max(10, min(70, seconds / 5))
    due = {"broker": time.monotonic() + pause / 2, "packages": time.monotonic() + pause}
    kills = dict.fromkeys(due, 0)
    while time.monotonic() < until and shared.failures.empty():
        for name, when in due.items():
            if time.monotonic() > when:
                kill(daemon, name)
                kills[name] += 1
                due[name] += pause
        change(daemon, shared)
        all_see(daemon, shared)
        daemon.reload(batch__max=100 + shared.there.value % 7)
        time.sleep(0.2)
    return kills


def figures(daemon):
    """{process: (bytes of memory, descriptors)} once all clients are gone."""
    pids = {"supervisor": daemon.pid, "broker": daemon.broker, "packages": daemon.packages}

    def settled():
        before = {name: len(descriptors(pid)) for name, pid in pids.items()}
        time.sleep(0.5)
        return before == {name: len(descriptors(pid)) for name, pid in pids.items()}

    wait_for(settled)
    return {name: (anonymous(pid), len(descriptors(pid))) for name, pid in pids.items()}


def warm_up(daemon):
    """What every daemon has done once it is in use."""
    with daemon.client() as client:
        for i in range(200):
            client.call("search", query=f"made-{i}", limit=1000)
        client.call("metrics")
        client.call("doctor")
        client.call("refresh")


def worse(before, after):
    """What is more than it was."""
    return [f"{name}: {what} {was} -> {now}"
            for name in before
            for what, was, now, more in zip(("memory", "descriptors"), before[name], after[name], (MORE, 0))
            if now > was + more]


def report(seconds, shared, kills, before, after, failures):
    sizes = ", ".join(f"{name} {before[name][0] >> 10} -> {after[name][0] >> 10} KiB and "
                      f"{before[name][1]} -> {after[name][1]} descriptors" for name in before)
    print(f"soak: {seconds} s: {shared.right.value:,} answers right, {shared.interrupted.value} connections "
          f"broken by {kills['broker']} kills of the broker and {kills['packages']} of packages, "
          f"{shared.attacks.value:,} attacks, {shared.changes.value} changes of packages; {sizes}; "
          f"{'; '.join(failures) or 'all is well'}")


def guarded(run, *rest):
    """A process that tells what went wrong in it."""
    shared = rest[-1]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run(*rest)
    except Exception as e:  # pylint: disable=broad-except
        shared.failures.put(f"{run.__name__}: {e!r:.500}")


def soak(folder, seconds):
    system = conftest.make_system(folder / "root")
    system.write(test_hostile.LIST, conftest.PACKAGES + test_hostile.many_packages(PACKAGES))
    daemon = house.House(folder, {"PATH": os.environ["PATH"], "HOME": str(folder)}, system.root)
    daemon.system = system
    daemon.configure(frame__timeout_ms=2000, idle__timeout_ms=20000)
    shared, kills = Shared(), {"broker": 0, "packages": 0}
    daemon.start()
    workers = [multiprocessing.Process(target=guarded, args=(run, seed, daemon.socket, shared))
               for run, count in ((honest, HONEST), (hostile, HOSTILE)) for seed in range(count)]
    failures = []
    try:
        warm_up(daemon)
        before = figures(daemon)
        for worker in workers:
            worker.start()
        kills = live(daemon, shared, seconds)
        shared.over.set()
        for worker in workers:
            worker.join(150)
        warm_up(daemon)
        after = figures(daemon)
        failures += worse(before, after)
    except AssertionError as e:
        failures.append(str(e))
        after = before
    finally:
        shared.over.set()
        for worker in workers:
            if worker.is_alive():
                worker.kill()
                failures.append("a client did not end")
        while not shared.failures.empty():
            failures.append(shared.failures.get())
        pids = [daemon.find("broker"), daemon.find("packages")]
        if daemon.stop() != 0:
            failures.append("the daemon did not end well")
        failures += [f"process {pid} stayed" for pid in pids if pid and lives(pid)]
    report(seconds, shared, kills, before, after, failures)
    return 1 if failures or not shared.right.value else 0


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="omg-soak-"))
    try:
        return soak(folder, int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
