"""A daemon for one test: started in the foreground on a socket of its own, for a made-up root, with
settings that the test may change; and what the test wants to know of its processes."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

import conftest
import test_hostile
import wire_module

wire = wire_module.load()
PATIENCE = 30  # seconds; on a busy machine nothing is quick


def wait_for(true, seconds=PATIENCE, what="it"):
    """Asks until it is so, and gives what was said then."""
    until = time.monotonic() + seconds
    while not (said := true()):
        assert time.monotonic() < until, f"{what} did not come to pass in {seconds} s"
        time.sleep(0.005)
    return said


def fields(pid):
    """What /proc/PID/status says; nothing of a process that is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return dict(re.findall(r"^(\w+):\s*(.*)$", text, re.M))


def lives(pid):
    return fields(pid).get("State", "Z")[0] not in "ZX"


def descriptors(pid):
    """{number: what it is}"""
    found = {}
    for one in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found[int(one.name)] = os.readlink(one)
    return found


def anonymous(pid):
    """Bytes of memory of its own."""
    return int(fields(pid)["RssAnon"].split()[0]) << 10


def ticks(pid):
    """Processor time so far, in hundredths of a second."""
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def daemon_of(client):
    """The process id of the daemon that it is connected to."""
    peer = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return struct.unpack("3i", peer)[0]


class House:
    """omg daemon and its processes."""

    def __init__(self, folder, environment, root=None):
        self.folder, self.environment = pathlib.Path(folder), dict(environment)
        self.socket = str(self.folder / "omg.sock")
        self.log = self.folder / "log"
        self.conf = self.folder / "daemon.conf"
        self.settings = {"cache.dir": self.folder / "cache"}
        if root:
            self.settings["daemon.root"] = root
        self.environment["OMG_CONFIG"] = str(self.conf)
        self.process = None

    def configure(self, **settings):
        """Keys with a "_" for each "."; what was said before stays."""
        self.settings.update({key.replace("__", "."): value for key, value in settings.items()})
        self.conf.write_text("".join(f"{k} = {v}\n" for k, v in self.settings.items()))

    def start(self, *words, before=(), ready=True, env=None, **rest):
        self.configure()
        words = words or ("--socket", self.socket)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*before, conftest.OMG, "daemon", *words], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**self.environment, **(env or {})}, **rest)
        if ready:
            self.ready()
        return self

    def ready(self):
        """Waits until every question can be answered."""
        self.listens()
        with self.client(any_peer=True) as client:
            client.gather([client.send("info", package="no-such-package")])
        return self

    def listens(self):
        """Waits until clients may come."""

        def try_it():
            assert self.process.poll() is None, self.said()
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                # And not the last breath of the one before.
                with self.client(any_peer=True) as client:
                    return daemon_of(client) == self.pid
            return False

        wait_for(try_it, what="the socket")
        return self

    def client(self, **rest):
        return wire.Client(self.socket, **{"timeout": PATIENCE, **rest})

    @property
    def pid(self):
        return self.process.pid

    def child(self, name):
        """The process id of the broker or of packages."""
        return wait_for(lambda: self.find(name), what=name)

    def find(self, name):
        with contextlib.suppress(OSError):
            for pid in pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                with contextlib.suppress(OSError):
                    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    if words[0] == f"omgd: {name}".encode() and lives(pid):
                        return int(pid)
        return None

    @property
    def broker(self):
        return self.child("broker")

    @property
    def packages(self):
        return self.child("packages")

    def reload(self, **settings):
        self.configure(**settings)
        os.kill(self.pid, signal.SIGHUP)

    def said(self):
        return self.log.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM):
        """Ends it, if it still runs; gives its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self):
        """After a test: nothing of it may be left."""
        if not self.process:
            return
        pids = [self.pid, *filter(None, (self.find("broker"), self.find("packages")))]
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in pids[1:]:
            wait_for(lambda pid=pid: not lives(pid), what=f"the end of process {pid}")


# --- for tests ----------------------------------------------------------------------------------------

@pytest.fixture
def house(tmp_path, system, omg):
    """A daemon for the root folder of the fixture system, to be started."""
    made = House(tmp_path, omg.environment, system.root)
    made.system = system
    yield made
    made.close()


@pytest.fixture
def large(house):
    """With an index that takes a moment to build."""
    house.system.write(test_hostile.LIST, conftest.PACKAGES + test_hostile.many_packages(4000))
    return house


def install(system, count):
    """As dpkg does it: a new status file takes the old one's name."""
    more = "".join(f"Package: new-{i}\nStatus: install ok installed\nVersion: {count}\n"
                   "Architecture: all\nMaintainer: Nobody <nobody@example.org>\n"
                   "Description: one that is new\n\n" for i in range(count))
    fresh = system.status.with_name("status-new")
    fresh.write_text(conftest.STATUS + more)
    os.rename(fresh, system.status)


def installed(client):
    return client.call("status").total_packages


def name_of(said):
    """The name of an error; None of a success."""
    return wire.ERRORS[said.code] if hasattr(said, "code") else None


def error_of(client, operation, **asked):
    (said,) = client.gather([client.send(operation, **asked)])
    return name_of(said)
