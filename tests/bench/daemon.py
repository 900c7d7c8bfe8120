"""A daemon of its own for measuring, and as much of the protocol as measuring needs."""
import os
import pathlib
import socket
import struct
import subprocess
import time

from report import OMG, PROGRAMS

SEARCH, INFO, STATUS, PING, CACHE_STATS, REFRESH, DOCTOR = 0, 1, 2, 5, 6, 16, 17
READY_S = 30


def text(words):
    raw = words.encode()
    return struct.pack("<Q", len(raw)) + raw


def search(words):
    return text(words) + b"\0"


class Line:
    """One connection; an answer is what stands behind its kind, id and number."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(READY_S)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")
        self.last = 0

    def send(self, number, body=b""):
        self.last += 1
        payload = struct.pack("<IQ", number, self.last) + body
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def take(self):
        """(kind, id, the rest)."""
        payload = self.file.read(struct.unpack(">I", self.file.read(4))[0])
        kind, number = struct.unpack_from("<IQ", payload)
        return kind, number, payload[12:]

    def ask(self, number, body=b""):
        """None when what came is no success under this id."""
        self.send(number, body)
        kind, answered, rest = self.take()
        return rest[4:] if kind == 0 and answered == self.last else None

    def close(self):
        self.file.close()
        self.socket.close()


class Daemon:
    """omg daemon for a root folder, with settings of its own; ready when it knows the long texts.
    wait: how long to wait for that; False: not at all."""

    def __init__(self, folder, root, wait=True, **settings):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = self.folder / "socket"
        self.config = self.folder / "omg.conf"
        lines = {"daemon.root": root, "cache.dir": self.folder / "cache", **settings}
        self.config.write_text("".join(f"{key.replace('__', '.')} = {value}\n"
                                       for key, value in lines.items()))
        self.log = open(self.folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen([OMG, "daemon", "--socket", self.socket],
                                        env={"OMG_CONFIG": str(self.config)},
                                        stdout=self.log, stderr=self.log)
        self.wait(wait)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def wait(self, for_texts):
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            if len(self.pids()) == 3 and self.socket.exists():
                break
            time.sleep(0.001)
        if for_texts:
            line = Line(self.socket)
            line.ask(INFO, text("bash"))
            line.close()

    def pids(self):
        """By name: supervisor, broker, packages."""
        main = self.process.pid
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        found = {"supervisor": main}
        for pid in children:
            name = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            if name.startswith("omgd: "):
                found[name[6:]] = int(pid)
        return found

    def line(self):
        return Line(self.socket)


class Server:
    """Another program that serves on a socket of its own."""

    def __init__(self, path, command):
        self.path = pathlib.Path(path)
        self.path.unlink(missing_ok=True)
        self.process = subprocess.Popen([str(word) for word in command],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + READY_S
        while not self.path.exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def echo(folder):
    path = pathlib.Path(folder) / "echo"
    return Server(path, [PROGRAMS / "floor_echo", path])


def redis(folder, program):
    path = pathlib.Path(folder) / "redis"
    return Server(path, [program, "--port", "0", "--unixsocket", path, "--save", "",
                         "--appendonly", "no"])


# --- what the system says of a process --------------------------------------------------------

def switches(pid):
    """How often all its threads were put to sleep or to one side."""
    count = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                count += int(line.split()[1])
    return count


def memory(pid):
    """Bytes: of its mappings without the index what is private and what is its part (pss), the same
    of the index, and what the system counts as anonymous and shared."""
    got = {"private": 0, "pss": 0, "index": 0, "index_pss": 0, "dirty": 0}
    index = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            index = "memfd:omg-index" in line or line.endswith(("/catalogue", "/overlay", "/text"))
            continue
        if len(words) != 3 or words[2] != "kB":
            continue
        size = int(words[1]) << 10
        if words[0] == "Rss:" and index:
            got["index"] += size
        elif words[0] == "Pss:":
            got["index_pss" if index else "pss"] += size
        elif words[0] in ("Private_Clean:", "Private_Dirty:") and not index:
            got["private"] += size
        if words[0] == "Private_Dirty:":
            got["dirty"] += size
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            got[line[:line.index(":")]] = int(line.split()[1]) << 10
    return got
