"""A world that means no good: damaged, changing and foreign files, full and missing folders, odd
words, failing system calls, processes killed at any moment. Whatever happens, the answer is the
right one or an error of the table: never a crash, a hang or a wrong answer; and afterwards all is
as it was."""

import bz2
import contextlib
import ctypes
import gzip
import json
import lzma
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import stat
import struct
import subprocess
import tempfile
import threading
import time

import pytest

import conftest

ROOT = os.geteuid() == 0
NOBODY = 65534
KINDS = ("catalogue", "overlay", "text")
LIST = "var/lib/apt/lists/deb.example.org_debian_dists_bookworm_main_binary-amd64_Packages"
QUESTIONS = (
    ("search", "e", "--json"),
    ("search", "web server", "--json"),
    ("info", "bash", "--json"),
    ("status", "--json"),
    ("explicit", "--json"),
    ("suggest", "webserver-tny", "--json"),
)

as_root = pytest.mark.skipif(not ROOT, reason="needs root")


class Machine:
    """A root folder, and omg with a cache folder and settings of its own."""

    def __init__(self, base, system, environment):
        self.base, self.system = pathlib.Path(base), system
        self.cache = self.base / "cache"
        conf = self.base / "omg.conf"
        conf.write_text(f"cache.dir = {self.cache}\n")
        self.environment = {**environment, "OMG_CONFIG": str(conf)}
        self.truths = {}

    def command(self, *words):
        return [conftest.OMG, "--root", str(self.system.root), *words]

    def __call__(self, *words, before=(), env=None, **rest):
        rest.setdefault("capture_output", True)
        return subprocess.run([*before, *self.command(*words)], stdin=subprocess.DEVNULL,
                              env={**self.environment, **(env or {})}, timeout=60, check=False,
                              **rest)

    @property
    def folder(self):
        """Where this root's index is kept."""
        (only,) = self.cache.iterdir()
        return only

    def truth(self, *words):
        if words not in self.truths:
            ran = self("--no-cache", *words)
            assert ran.returncode in (0, 1, 10), ran
            self.truths[words] = (ran.returncode, ran.stdout)
        return self.truths[words]

    def right(self, *words, **rest):
        """Asks, and demands the right answer."""
        ran = self(*words, **rest)
        assert (ran.returncode, ran.stdout) == self.truth(*words), ran
        return ran

    def right_or_error(self, *words, **rest):
        ran = self(*words, **rest)
        assert (ran.returncode, ran.stdout) == self.truth(*words) or is_error(ran), ran
        return ran

    def clean(self):
        """Nothing lies about in the cache."""
        if self.cache.exists():
            for folder in self.cache.iterdir():
                assert {p.name for p in folder.iterdir()} <= {*KINDS, "lock"}


def is_error(ran):
    """Whether omg said an error of its table, and not that something inside it failed."""
    return (1 <= ran.returncode <= 11 and ran.returncode != 3 and ran.stderr.startswith(b"omg: ")
            and (not ran.stdout or b'"error"' in ran.stdout))


def built(ran):
    return b"the package index was built" in ran.stderr


@pytest.fixture
def machine(tmp_path, system, omg):
    (tmp_path / "home").mkdir()
    return Machine(tmp_path, system, omg.environment)


def many_packages(count):
    return "".join(
        f"Package: made-{i}\nVersion: 1.{i % 7}\nArchitecture: amd64\nSize: {i}\n"
        f"Depends: made-{i // 2}, libc6 (>= 2.{i % 40})\nDescription: number {i} of many packages\n"
        f" Its long text number {i} speaks of web and server.\n\n" for i in range(count))


@pytest.fixture
def large(machine):
    """A machine whose index takes a moment to build."""
    machine.system.write(LIST, conftest.PACKAGES + many_packages(4000))
    return machine


@contextlib.contextmanager
def meanwhile(act):
    """Does something over and over, in another thread, until the block ends."""
    over, failed = threading.Event(), []

    def loop():
        while not over.is_set():
            try:
                act()
            except Exception as e:  # pylint: disable=broad-except
                failed.append(e)
                return

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failed, failed


def for_seconds(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


# --- the kept index ---------------------------------------------------------------------------------

def swap_magic(b):
    return b[:8][::-1] + b[8:]


def older(b):
    version, = struct.unpack_from("<I", b, 8)
    return b[:8] + struct.pack("<I", version - (1 << 24)) + b[12:]


DAMAGES = {
    "empty": lambda b: b"",
    "one byte": lambda b: b[:1],
    "a header alone": lambda b: b[:700],
    "half": lambda b: b[: len(b) // 2],
    "without its end": lambda b: b[:-1],
    "with more behind": lambda b: b + b"\0" * 64,
    "another byte order": swap_magic,
    "an older version": older,
    "zeros behind the header": lambda b: b[:1024] + b"\0" * (len(b) - 1024),
    "ones": lambda b: b[:64] + b"\xff" * (len(b) - 64),
    "noise": lambda b: random.Random(1).randbytes(len(b)),
    "noise behind the header": lambda b: b[:1024] + random.Random(2).randbytes(len(b) - 1024),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_index_is_built_anew(machine, kind):
    for words in QUESTIONS:
        machine.right(*words)
    path = machine.folder / kind
    for damage in DAMAGES.values():
        path.write_bytes(damage(path.read_bytes()))
        for words in QUESTIONS:
            machine.right(*words)
    assert not built(machine.right("info", "bash", "--json", "-v"))
    machine.clean()


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_bit_is_noticed(machine, kind):
    """Wherever it is, in the header's table too."""
    machine.right("info", "bash", "--json")
    path, pick = machine.folder / kind, random.Random(kind)
    size = path.stat().st_size
    for at in [*range(0, 900, 97), *(pick.randrange(size) for _ in range(20))]:
        with path.open("r+b") as f:
            f.seek(at)
            byte = f.read(1)[0] ^ 1 << pick.randrange(8)
            f.seek(at)
            f.write(bytes([byte]))
        assert built(machine.right("info", "bash", "--json", "-v")), at


def test_one_part_in_the_place_of_another_is_refused(machine):
    for words in QUESTIONS:
        machine.right(*words)
    for kind, other in zip(KINDS, KINDS[1:] + KINDS[:1]):
        shutil.copy(machine.folder / other, machine.folder / kind)
        for words in QUESTIONS:
            machine.right(*words)


def test_an_index_of_another_root_is_refused(machine, tmp_path):
    machine.right("info", "bash", "--json")
    shutil.copytree(machine.system.root, tmp_path / "other")
    other = Machine(tmp_path, conftest.System(tmp_path / "other"), machine.environment)
    other.cache = machine.cache
    (tmp_path / "other" / LIST).write_text("Package: wrong\nVersion: 1\n\n")
    mine = {p.name: p.read_bytes() for p in machine.folder.iterdir()}
    other("info", "bash", "--json")
    for folder in machine.cache.iterdir():
        for name, content in mine.items():
            (folder / name).write_bytes(content)
    assert json.loads(other("search", "e", "--json").stdout)["total"] == 2  # what is installed
    machine.right("search", "e", "--json")


def test_a_restored_copy_is_used(machine):
    """A backup does not keep every nanosecond, but the bytes are the right ones."""
    machine.right("info", "bash", "--json")
    for kind in KINDS:
        content = (machine.folder / kind).read_bytes()
        (machine.folder / kind).write_bytes(content)
        os.utime(machine.folder / kind, (1, 1))
    assert not built(machine.right("info", "bash", "--json", "-v"))


def test_an_index_that_is_cut_off_and_rewritten_while_it_is_read(large):
    for words in QUESTIONS:
        large.right(*words)
    pick = random.Random(5)
    whole = {kind: (large.folder / kind).read_bytes() for kind in KINDS}

    def spoil():
        kind = pick.choice(KINDS)
        path, content = large.folder / kind, whole[kind]
        with contextlib.suppress(FileNotFoundError):
            os.truncate(path, pick.choice([0, 1, 4096, 5000, len(content) // 2, len(content) - 9]))
            time.sleep(pick.random() / 500)
            with path.open("r+b") as f:
                f.write(content[: len(content) // 2])
                f.write(content[len(content) // 2:])
            time.sleep(pick.random() / 200)

    with meanwhile(spoil):
        for _ in for_seconds(3):
            for words in QUESTIONS:
                large.right_or_error(*words)
    for words in QUESTIONS:
        large.right(*words)
    large.clean()


def test_an_index_that_is_replaced_while_it_is_read(large):
    for words in QUESTIONS:
        large.right(*words)
    pick = random.Random(6)

    def replace():
        kind = pick.choice(KINDS)
        new = large.folder / "replacement"
        new.write_bytes(pick.choice([b"", b"x" * 5000, os.urandom(3000)]))
        new.rename(large.folder / kind)
        time.sleep(0.002)

    with meanwhile(replace):
        for _ in for_seconds(1):
            for words in QUESTIONS:
                large.right(*words)


# --- whose files ------------------------------------------------------------------------------------

def test_what_others_may_write_is_not_used(machine):
    machine.right("search", "e", "--json")
    assert not built(machine.right("search", "e", "--json", "-v"))
    for mode in (0o620, 0o602, 0o666):
        os.chmod(machine.folder / "catalogue", mode)
        assert built(machine.right("search", "e", "--json", "-v"))
        assert stat.S_IMODE((machine.folder / "catalogue").stat().st_mode) & 0o022 == 0
    for mode in (0o770, 0o707, 0o1777):
        os.chmod(machine.folder, mode)
        before = (machine.folder / "catalogue").stat()
        for _ in range(2):
            assert built(machine.right("search", "e", "--json", "-v"))
        assert (machine.folder / "catalogue").stat().st_ino == before.st_ino


@as_root
def test_what_somebody_else_owns_is_not_used(machine):
    machine.right("search", "e", "--json")
    os.chown(machine.folder / "overlay", NOBODY, NOBODY)
    assert built(machine.right("search", "e", "--json", "-v"))
    os.chown(machine.folder, NOBODY, NOBODY)
    before = sorted((p.name, p.stat().st_mtime_ns) for p in machine.folder.iterdir())
    assert built(machine.right("search", "e", "--json", "-v"))
    assert sorted((p.name, p.stat().st_mtime_ns) for p in machine.folder.iterdir()) == before


def test_links_in_the_cache_are_not_followed(machine, tmp_path):
    machine.right("info", "bash", "--json")
    victim = tmp_path / "victim"
    for name in (*KINDS, "lock", *(f"{kind}.draft" for kind in KINDS)):
        victim.write_bytes(b"precious")
        path = machine.folder / name
        path.unlink(missing_ok=True)
        path.symlink_to(victim)
        for words in QUESTIONS:
            machine.right(*words)
        assert victim.read_bytes() == b"precious" and victim.stat().st_nlink == 1
        path.unlink(missing_ok=True)
    elsewhere, folder = tmp_path / "elsewhere", machine.folder
    shutil.rmtree(folder)
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    machine.right("info", "bash", "--json")
    assert list(elsewhere.iterdir()) == []


def test_pipes_and_folders_in_the_cache_do_no_harm(machine):
    machine.right("info", "bash", "--json")
    for name in (*KINDS, "lock", *(f"{kind}.draft" for kind in KINDS)):
        path = machine.folder / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        machine.right("info", "bash", "--json")
        path.unlink(missing_ok=True)
        path.mkdir()
        machine.right("info", "bash", "--json")
        path.rmdir()
    machine.right("info", "bash", "--json")
    machine.clean()


# --- the cache folder -------------------------------------------------------------------------------

@contextlib.contextmanager
def mounted(path, options):
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], check=False,
                          capture_output=True)
    if made.returncode:
        pytest.skip("cannot mount here")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


@as_root
@pytest.mark.parametrize("options", ["size=4k", "size=44k", "size=48k", "size=52k", "size=56k",
                                     "size=100k", "nr_inodes=3", "nr_inodes=4", "nr_inodes=5",
                                     "ro"])
def test_a_cache_folder_without_room(machine, options):
    with mounted(machine.cache, options):
        for _ in range(2):
            for words in QUESTIONS:
                machine.right(*words)
        machine.clean()


def test_a_cache_folder_that_cannot_be_made(machine):
    machine.cache.write_text("in the way")
    assert built(machine.right("search", "e", "--json", "-v"))
    assert machine.cache.read_text() == "in the way"


@pytest.mark.parametrize("builders", [2, 8])
def test_builders_at_once_build_once(large, builders):
    started = [subprocess.Popen(large.command("search", "web server", "--json", "-v"),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=large.environment)
               for _ in range(builders)]
    said = [process.communicate(timeout=60) for process in started]
    truth = large.truth("search", "web server", "--json")
    assert {(p.returncode, out) for p, (out, _) in zip(started, said)} == {truth}
    assert sum(b"was built" in err for _, err in said) == 1
    large.clean()


def test_a_lock_that_is_given_back_late(machine):
    machine.right("search", "e", "--json")
    with subprocess.Popen(["flock", machine.folder / "lock", "cat"], stdin=subprocess.PIPE) as holder:
        time.sleep(0.1)
        machine.right("search", "e", "--json")  # needs no lock
        (machine.folder / "overlay").unlink()
        with subprocess.Popen(machine.command("search", "e", "--json"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, env=machine.environment) as waiting:
            time.sleep(0.2)
            assert waiting.poll() is None
            holder.stdin.close()
            assert waiting.communicate(timeout=5)[0] == machine.truth("search", "e", "--json")[1]


# --- lists ------------------------------------------------------------------------------------------

def doctor(machine):
    ran = machine("doctor", "--json")
    assert ran.returncode in (0, 10), ran
    return json.loads(ran.stdout)["checks"]


def noted(machine, words):
    return sum(c["count"] for c in doctor(machine) if words in c["detail"])


def total(machine, query):
    ran = machine("search", query, "--json", "--limit", "1000")
    assert ran.returncode in (0, 1) or (ran.returncode == 11 and is_error(ran)), ran
    return json.loads(ran.stdout).get("total", 0)


def test_a_list_that_is_cut_off_anywhere(machine):
    whole = conftest.PACKAGES.encode()
    names = [b"\nPackage: bash\n", b"\nPackage: libc6\n", b"\nPackage: webserver-tiny\n"]
    for n in range(0, len(whole), 41):
        machine.system.write(LIST, whole[:n])
        ends = [(b"\n" + whole).find(name) for name in names]
        # Only a record that is there up to its version is one; libc6 and bash are installed too.
        sure = sum(whole.find(b"\nVersion", e) + 60 < n for e in ends)
        assert max(2, sure) <= total(machine, "e") + total(machine, "bash") <= 5


def test_a_bad_record_costs_itself_and_is_told(machine):
    machine.system.write(LIST, (
        b"Package: one-good\nVersion: 1\nDescription: good\n\n"
        b"Package: no version good\nDescription: good\n\n"
        b"Version: 3\nDescription: good without a name\n\n"
        b"Package: two-good\nVersion: 1\nVersion: 2\nDescription: good\n\n"
        b"Package: bad_version-good\nVersion: 1 2\nDescription: good\n\n"
        b"Package: three-good\nVersion: 1\nDescription: good \0 and \xff bad\nno field\n\n"
        b"Package: four-good\nVersion: 1\nDescription: " + b"good " * 2000000 + b"\n\n"
        b"Package: five-good\nVersion: 1\nDescription: good\n\n"
        b"Package: six-good\nVers"))
    assert total(machine, "good") == 5
    assert noted(machine, "valid name and version") == 4
    assert noted(machine, "passed over") == 3
    shown = machine("info", "two-good", "--json").stdout
    assert json.loads(shown)["version"] == "1"
    assert len(machine("info", "four-good", "--json").stdout) < 10000


def test_bad_records_of_the_status_file_cost_themselves(machine):
    good = conftest.STATUS.encode()
    machine.system.write("var/lib/dpkg/status", (
        good + b"Package: \xff\nStatus: install ok installed\nVersion: 1\n\n"
        b"Status: install ok installed\nVersion: 1\n\n"
        b"Package: nov\nStatus: install ok installed\nArchitecture: amd64\n\n"
        b"Package: last\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
        b"Description: " + b"l" * 10000000 + b"\n\n"))
    ran = machine("status", "--json")
    assert json.loads(ran.stdout)["total_packages"] == 3
    assert noted(machine, "var/lib/dpkg/status") == 3


def test_lists_that_change_while_they_are_read(large):
    """By rename, as apt does: the answer is that of the old or of the new one."""
    one = (conftest.PACKAGES + many_packages(3000)).encode()
    other = (conftest.PACKAGES + many_packages(1500)).encode()
    question, answers = ("search", "made many", "--json"), set()
    for content in (one, other):
        large.system.write(LIST, content)
        answers.add(large("--no-cache", *question).stdout)
    path, pick = large.system.root / LIST, random.Random(9)

    def replace():
        new = large.base / "new"
        new.write_bytes(pick.choice([one, other]))
        new.rename(path)
        time.sleep(pick.random() / 20)

    with meanwhile(replace):
        for _ in for_seconds(2):
            ran = large(*question)
            assert (ran.returncode == 0 and ran.stdout in answers) or is_error(ran), ran
    assert large(*question).stdout in answers
    large.clean()


def test_lists_that_are_written_in_place_while_they_are_read(large):
    """Nobody does that, and no answer can be held to anything; but there is one, and in the end it
    is the right one."""
    content = (conftest.PACKAGES + many_packages(4000)).encode()
    path, status, pick = large.system.root / LIST, large.system.status, random.Random(10)

    def write():
        with path.open("r+b") as f:
            os.truncate(f.fileno(), pick.choice([0, 4096, 100000, len(content)]))
            time.sleep(pick.random() / 300)
            f.write(content)
        with status.open("r+b") as f:
            f.truncate(pick.randrange(800))
            f.write(conftest.STATUS.encode())
            f.truncate()
        time.sleep(pick.random() / 50)

    with meanwhile(write):
        for _ in for_seconds(2.5):
            for words in (("search", "web server", "--json"), ("info", "bash", "--json")):
                ran = large(*words)
                assert ran.returncode in (0, 1) or is_error(ran), ran
    for words in QUESTIONS:
        large.right(*words)
    large.clean()


def packed_lists():
    plain = conftest.PACKAGES.encode()
    packed = {".gz": gzip.compress(plain), ".xz": lzma.compress(plain), ".bz2": bz2.compress(plain)}
    for name in ("lz4", "zstd"):
        if shutil.which(name):
            packed["." + name.replace("zstd", "zst")] = subprocess.run(
                [name, "-q", "-c"], input=plain, capture_output=True, check=True).stdout
    return packed


def test_packed_lists_that_are_damaged(machine):
    (machine.system.root / LIST).unlink()
    pick = random.Random(3)
    for ending, packed in packed_lists().items():
        path = LIST + ending
        machine.system.write(path, packed)
        assert total(machine, "webserver-tiny") == 1, ending
        for n in range(0, len(packed), 53):
            machine.system.write(path, packed[:n])
            assert total(machine, "webserver-tiny") <= 1
        for _ in range(12):
            wrong = bytearray(packed)
            wrong[pick.randrange(len(wrong))] ^= 1 << pick.randrange(8)
            machine.system.write(path, bytes(wrong))
            assert total(machine, "bash") >= 1
        (machine.system.root / path).unlink()


def test_packed_lists_that_lie_about_their_size(machine):
    (machine.system.root / LIST).unlink()
    plain = conftest.PACKAGES.encode()
    for size in (0, 1, len(plain) - 1, len(plain) + 1, 0x7FFFFFFF, 0xFFFFFFFF):
        machine.system.write(LIST + ".gz", gzip.compress(plain)[:-4] + struct.pack("<I", size))
        assert total(machine, "bash") >= 1
    (machine.system.root / (LIST + ".gz")).unlink()
    # A zstd frame with a content size of 8 bytes, and raw blocks of which the first ends it all.
    for size in (1, len(plain) + 9, 1 << 40, (1 << 64) - 1):
        frame = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", size)
        frame += struct.pack("<I", len(plain) << 3 | 1)[:3] + plain
        machine.system.write(LIST + ".zst", frame)
        assert total(machine, "bash") >= 1


def test_a_list_that_never_ends(machine):
    """More than a gigabyte out of one megabyte: what is too much is cut off and told."""
    stanza = conftest.PACKAGES.encode()
    member = gzip.compress(b"\0" * (16 << 20), 6)
    bomb = gzip.compress(stanza) + member * 70
    (machine.system.root / LIST).unlink()
    machine.system.write(LIST + ".gz", bomb)
    start = time.monotonic()
    assert total(machine, "webserver-tiny") == 1
    assert noted(machine, "damaged or too large") == 1
    assert time.monotonic() - start < 30


def test_a_plain_list_with_a_hole(machine):
    """A sparse file of a terabyte costs its maker nothing."""
    path = machine.system.root / LIST
    try:
        os.truncate(path, 1 << 40)
    except OSError:
        pytest.skip("no such large files here")
    start = time.monotonic()
    assert total(machine, "webserver-tiny") == 1
    assert noted(machine, "damaged or too large") == 1
    assert time.monotonic() - start < 30


def test_no_status_file(machine):
    machine.system.status.unlink()
    assert total(machine, "webserver") == 1
    assert noted(machine, "no such file") == 1
    (machine.system.root / LIST).unlink()
    ran = machine("search", "webserver")
    assert ran.returncode == 11 and is_error(ran)


# --- the root ---------------------------------------------------------------------------------------

def test_a_root_that_is_none(omg, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for root in (tmp_path / "none", file, file / "below", "", "\0"[:0] + "/" + "x" * 5000):
        for words in QUESTIONS:
            ran = omg("--root", str(root), *words)
            assert is_error(ran), (root, ran)


def test_an_empty_root(omg, tmp_path):
    (tmp_path / "root").mkdir()
    for words in QUESTIONS:
        ran = omg("--root", str(tmp_path / "root"), "--no-cache", *words)
        assert ran.returncode == 11 and is_error(ran), ran


COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
"""

OUTSIDE_STATUS = """\
Package: outside
Status: install ok installed
Architecture: amd64
Version: 1
Description: secret

"""


@pytest.mark.parametrize("before", [(), ("strace", "-f", "-o", "/dev/null", "-e",
                                         "inject=openat2:error=ENOSYS")], ids=["", "old kernel"])
def test_links_in_the_root_stay_inside(machine, tmp_path, before):
    if before and not shutil.which("strace"):
        pytest.skip("strace is not installed")
    outside = tmp_path / "outside"
    (outside / "lists").mkdir(parents=True)
    (outside / "status").write_text(OUTSIDE_STATUS)
    (outside / "copyright").write_text(COPYRIGHT + "License: outside\n secret\n")
    for path in (tmp_path / "root").glob("var/lib/apt/lists/*"):
        (outside / "lists" / path.name).write_text(
            "Package: outside\nVersion: 1\nDescription: secret\n\n")
    up = "/".join([".."] * 30)
    root = machine.system.root
    for path, target in (("var/lib/dpkg/status", "status"), ("var/lib/apt/lists", "lists"),
                         ("usr/share/doc/bash/copyright", "copyright"),
                         (LIST, f"lists/{pathlib.Path(LIST).name}"), ("var/lib/dpkg", ".")):
        for link in (outside / target, pathlib.Path(up + str(outside / target))):
            place, saved = root / path, tmp_path / "saved"
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.exists():
                place.rename(saved)
            place.symlink_to(link)
            for words in (("search", "secret"), ("search", "outside"), ("info", "outside"),
                          ("info", "bash"), ("doctor",)):
                ran = machine("--no-cache", *words, before=before)
                assert b"secret" not in ran.stdout and b"outside" not in ran.stdout, (path, ran)
                assert ran.returncode >= 0
            place.unlink()
            if saved.exists():
                saved.rename(place)


# --- words ------------------------------------------------------------------------------------------

ODD_WORDS = ["", " ", "\t\n", "x" * 500, "x" * 501, "x" * 100000, b"\xff", b"a\xc3", b"\xed\xa0\x80",
             "%s%n%x%p", "%1$*2$d", "-", "--", "-x", "--json=", "--limit=-1", "../../etc/passwd",
             "/etc/passwd", "$(id)", "`id`", "a;b", "a|b", "*", "?", "[", "\\", "\x1b[31m", "\x07",
             "a:b:c", "a=b=c", "a/b/c", "=", ":", "/", "a=", "a:", "a/", "bash=%n", "\u202e", "\ufeff",
             "e " * 250, "- " * 200, "\U0001f427", "İ", "ß", "0", "-0", "\x01", "a\rb"]


@pytest.mark.parametrize("command", ["search", "info", "suggest", "__names", "help", "completion"])
def test_odd_words(machine, command):
    for word in ODD_WORDS:
        for words in ([command, word], [command, "--", word], [command, "bash", word]):
            ran = machine(*words)
            assert 0 <= ran.returncode <= 2 and ran.stderr.count(b"omg: ") <= 2, (words, ran)
            assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", ran.stderr), (words, ran)


def test_nothing_to_print_to(machine):
    for words in QUESTIONS:
        with open("/dev/full", "wb") as full:
            ran = machine(*words, stdout=full, stderr=subprocess.PIPE, capture_output=False)
        assert ran.returncode == 9 and ran.stderr.startswith(b"omg: ")
        closed = subprocess.run(["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *machine.command(*words)],
                                env=machine.environment, check=False, timeout=60)
        assert closed.returncode == 9
    for words in QUESTIONS:
        machine.right(*words)


# --- who asks ---------------------------------------------------------------------------------------

@pytest.fixture
def shared(omg):
    """A machine that every user may look at."""
    base = pathlib.Path(tempfile.mkdtemp(prefix="omg-shared-"))
    os.chmod(base, 0o755)
    system = conftest.System(base / "root")
    stem = LIST.replace("main_binary-amd64_Packages", "")
    system.write("var/lib/dpkg/status", conftest.STATUS)
    system.write("var/lib/dpkg/arch", "amd64\n")
    system.write("etc/apt/sources.list", "deb http://deb.example.org/debian bookworm main\n")
    system.write(stem + "InRelease", conftest.RELEASE)
    system.write(LIST, conftest.PACKAGES)
    made = Machine(base, system, omg.environment)
    yield made
    shutil.rmtree(base)


USER = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@pytest.fixture
def user(shared):
    """Runs omg as an ordinary user, who has a home."""
    if not ROOT or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv")
    ran = subprocess.run([*USER, conftest.OMG, "version"], check=False, capture_output=True)
    if ran.returncode:
        pytest.skip("the program cannot be run by others where it lies")
    shared.home = shared.base / "home"
    shared.home.mkdir()
    os.chown(shared.home, NOBODY, NOBODY)
    shared.environment = {"PATH": shared.environment["PATH"], "HOME": str(shared.home),
                          "OMG_CONFIG": ""}
    shared.cache = shared.home / ".cache/omg"

    def run(*words, right=True, **rest):
        return (shared.right if right else shared)(*words, before=USER, **rest)

    run.machine = shared
    return run


def test_a_user_keeps_an_index_of_their_own(user):
    for words in QUESTIONS:
        user(*words)
    assert not built(user("info", "bash", "--json", "-v"))
    folder = user.machine.folder
    for path in (folder, *folder.iterdir()):
        st = path.stat()
        assert st.st_uid == NOBODY and st.st_mode & 0o077 == 0, path


def test_a_user_without_a_home(user):
    for env in ({"HOME": ""}, {"HOME": "/nonexistent"}, {"HOME": "relative"},
                {"HOME": "/" + "x" * 5000}, {"XDG_CACHE_HOME": "/proc"}, {"HOME": "/root"}):
        for words in QUESTIONS:
            user(*words, env=env)
    del user.machine.environment["HOME"]
    for words in QUESTIONS:
        user(*words)
    ran = user("doctor", "--json", right=False)
    assert b"there is no cache folder" in ran.stdout


def test_a_user_with_a_cache_that_is_read_only_or_not_theirs(user):
    machine = user.machine
    user("info", "bash", "--json")
    folder = machine.folder
    os.chmod(folder, 0o500)
    assert not built(user("info", "bash", "--json", "-v"))
    machine.system.write("var/lib/dpkg/status", conftest.STATUS)
    assert built(user("info", "bash", "--json", "-v"))
    assert built(user("info", "bash", "--json", "-v"))
    os.chmod(folder, 0o700)
    for path in (*folder.iterdir(), folder):
        os.chown(path, 1234, 1234)
    os.chmod(folder, 0o755)
    assert built(user("info", "bash", "--json", "-v"))
    assert {p.stat().st_uid for p in folder.iterdir()} == {1234}


def test_a_user_before_an_unreadable_root(user):
    machine = user.machine
    user("search", "e", "--json")
    for path in (machine.system.status, machine.system.root / "var/lib/dpkg", machine.system.root):
        mode = stat.S_IMODE(path.stat().st_mode)
        os.chmod(path, 0)
        for words in QUESTIONS:
            ran = user(*words, right=False)
            assert is_error(ran) or (ran.returncode, ran.stdout) == machine.truth(*words), ran
        os.chmod(path, mode)
    for words in QUESTIONS:
        user(*words)


def key_of(root):
    """The name of a root's folder in the cache (src/pkg/cache.c)."""
    st = os.stat(root)
    product = (st.st_dev ^ 0x9E3779B97F4A7C15) * (st.st_ino ^ 0xD1B54A32D192ED03)
    return f"{(product ^ product >> 64) & (1 << 64) - 1:016x}"


@as_root
def test_under_sudo_nothing_is_left_in_the_users_home(user):
    machine = user.machine
    system = pathlib.Path("/var/cache/omg") / key_of(machine.system.root)
    try:
        for words in QUESTIONS:
            machine.right(*words, env={"SUDO_UID": str(NOBODY), "SUDO_USER": "nobody",
                                       "HOME": str(machine.home)})
        assert list(machine.home.iterdir()) == []
        assert {p.name for p in system.iterdir()} == {*KINDS, "lock"}
        assert system.stat().st_mode & 0o022 == 0
        # What root built serves everybody.
        assert not built(user("info", "bash", "--json", "-v"))
        assert not (machine.home / ".cache/omg").exists() or machine.clean() is None
    finally:
        shutil.rmtree(system, ignore_errors=True)


# --- the builder ------------------------------------------------------------------------------------

def traced(machine, *words, filters=()):
    log = machine.base / "trace"
    machine.right(*words, before=("strace", "-f", "-y", "-s", "200", "-o", str(log), *filters))
    calls = []
    for line in log.read_text(errors="replace").splitlines():
        pid, call = line.split(None, 1)
        calls.append((int(pid), call))
    return calls


needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
DATABASE = re.compile(r"_Packages|dpkg/status|Translation|extended_states|copyright|sources\.list")


@as_root
@needs_strace
def test_only_a_process_without_power_reads_package_databases(machine):
    calls = traced(machine, "info", "bash", "--json")
    parent = calls[0][0]
    readers = {pid for pid, call in calls if DATABASE.search(call) and "O_PATH" not in call
               and re.match(r"(open|read|mmap|pread)", call)}
    assert len(readers) == 1 and parent not in readers
    (child,) = readers
    own = [call for pid, call in calls if pid == child]
    first = next(i for i, call in enumerate(own) if DATABASE.search(call))
    before = "\n".join(own[:first])
    assert re.search(r"prctl\(PR_SET_NO_NEW_PRIVS, 1.*= 0", before)
    assert re.search(r"landlock_restrict_self\(.*= 0", before)
    assert re.search(r"(prctl\(PR_SET_SECCOMP|seccomp\().*= 0", before)
    assert re.search(r"setresgid\((\d+), \1, \1\) += 0", before)
    uid = re.search(r"setresuid\((\d+), \1, \1\) += 0", before)
    assert uid and uid[1] != "0"
    assert re.search(r"capset\(.*CAP_DAC_READ_SEARCH.*inheritable=0.*= 0", before)
    allowed = r"read|pread64|write|lseek|close|fstat|open|mmap|munmap|mremap|mprotect|madvise|brk|" \
              r"fcntl|uname|exit|getdents|newfstatat|stat|landlock|rt_sig|\+\+\+|clock_gettime"
    sealed = max(i for i, call in enumerate(own) if "SECCOMP" in call or call.startswith("seccomp"))
    for call in own[sealed + 1:]:
        assert re.match(allowed, call), call
    opened = [call for call in own if re.match(r"open", call) and "O_PATH" not in call]
    assert not [call for call in opened if re.search(r"O_WRONLY|O_CREAT|O_TRUNC", call)]


@needs_strace
def test_the_builder_has_no_descriptors_but_its_own(machine):
    reader, writer = os.pipe()
    high = os.dup2(reader, 77, inheritable=True)
    try:
        log = machine.base / "trace"
        ran = machine("search", "e", "--json", pass_fds=(reader, high),
                      before=("strace", "-f", "-o", str(log)))
        assert ran.returncode == 0
    finally:
        for fd in (reader, writer, high):
            os.close(fd)
    calls = log.read_text(errors="replace")
    assert re.search(r"close_range\(\d+, \d+, 0\) += 0", calls)
    assert len(re.findall(r"dup2\(\d+, [012]\) += [012]|dup3\(\d+, [012], ", calls)) == 3


FAULTS = [
    *(f"write:error={e}:when={n}+" for e in ("ENOSPC", "EDQUOT", "EIO") for n in (1, 2)),
    *(f"renameat:error=EIO:when={n}" for n in (1, 2, 3)),
    *(f"mmap:error=ENOMEM:when={n}" for n in range(1, 46)),
    *(f"openat:error=EMFILE:when={n}" for n in range(1, 10)),
    *(f"openat2:error=EIO:when={n}" for n in range(1, 46)),
    *(f"fstat:error=EIO:when={n}" for n in range(1, 40, 3)),
    *(f"read:error=EIO:when={n}" for n in range(1, 16)),
    *(f"getdents64:error=EIO:when={n}" for n in range(1, 5)),
    *(f"{call}:error=EPERM" for call in ("flock", "unlinkat", "mkdir", "utimensat", "fchmod",
                                         "setresuid", "setresgid", "setgroups", "capset", "dup2",
                                         "close_range", "prctl", "landlock_create_ruleset",
                                         "landlock_restrict_self", "memfd_create", "madvise",
                                         "fcntl", "prlimit64")),
    *(f"{call}:error=EAGAIN" for call in ("fork", "clone", "wait4")),
    "openat2:error=ENOSYS", "openat2:error=EAGAIN:when=9", "flock:error=EAGAIN:when=1",
    "read:retval=0:when=2", "munmap:error=EINVAL", "mremap:error=ENOMEM:when=1",
]


# An injected error goes by way of a system call that does not exist, for which seccomp would end the
# child; so the child has to believe that it has seccomp.
UNSEALED = ("strace", "-f", "-qq", "-o", "/dev/null", "-e",
            f"inject=prctl:retval=0:when={4 if ROOT else 3}")


def strace_fails(machine, fault, words):
    """Runs omg with one fault injected into parent and child. Without memory or output there may be
    nothing said, but the exit status tells. A copyright file that cannot be read costs its licences
    until it can."""
    ran = machine(*words, before=(*UNSEALED, "-e", f"inject={fault}"))
    status, truth = machine.truth(*words)
    right = ran.returncode == status and ran.stdout in (truth, truth.replace(b'"MIT"', b""))
    said = is_error(ran) or (ran.returncode in (7, 9) and not ran.stderr)
    assert right or said, (fault, ran)


@needs_strace
@pytest.mark.parametrize("part", range(4))
def test_system_calls_that_fail(machine, part):
    words = ("info", "bash", "--json")
    machine.system.write("usr/share/doc/bash/copyright", COPYRIGHT + "License: MIT\n")
    machine.truth(*words)
    for fault in FAULTS[part::4]:
        shutil.rmtree(machine.cache, ignore_errors=True)
        strace_fails(machine, fault, words)
        ran = machine(*words)
        assert (ran.returncode, ran.stdout) == machine.truth(*words), (fault, ran)
        machine.clean()


def children(pid):
    with contextlib.suppress(OSError):
        return [int(c) for c in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@pytest.mark.parametrize("whom", ["parent", "child", "both"])
def test_killed_at_any_moment(large, whom):
    words, pick = ("info", "bash", "--json"), random.Random(whom)
    large.truth(*words)
    for i in range(12):
        shutil.rmtree(large.cache, ignore_errors=True)
        process = subprocess.Popen(large.command(*words), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=large.environment)
        time.sleep(pick.random() * 0.06)
        victims = children(process.pid) if whom != "parent" else []
        victims += [process.pid] if whom != "child" else []
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        out, err = process.communicate(timeout=60)
        if whom == "child":
            ran = subprocess.CompletedProcess(words, process.returncode, out, err)
            assert (ran.returncode, out) == large.truth(*words) or is_error(ran), ran
        left = {p.name for p in large.folder.iterdir()} if large.cache.exists() and \
            list(large.cache.iterdir()) else set()
        assert left <= {*KINDS, "lock", *(f"{kind}.draft" for kind in KINDS)}, (i, left)
        large.right(*words)
        large.clean()


def limited(what, value):
    return lambda: resource.setrlimit(what, (value, value))


@pytest.mark.parametrize("what, values", [
    (resource.RLIMIT_FSIZE, [0, 1, 4096, 50000]),
    (resource.RLIMIT_NOFILE, [3, 4, 5, 6, 7, 8, 10, 12]),
    (resource.RLIMIT_AS, [16 << 20, 64 << 20, 1 << 30, 1100 << 20, 2 << 30, 8 << 30]),
    (resource.RLIMIT_CORE, [0]),
    (resource.RLIMIT_STACK, [256 << 10, 1 << 20]),
], ids=["file size", "descriptors", "address space", "core", "stack"])
def test_little_of_everything(machine, what, values):
    for value in values:
        for cold in (True, False):
            if cold:
                shutil.rmtree(machine.cache, ignore_errors=True)
            # A pipe has no size, so the answer can be told whatever a file may hold.
            ran = machine("info", "bash", "--json", preexec_fn=limited(what, value))
            right = (ran.returncode, ran.stdout) == machine.truth("info", "bash", "--json")
            assert right or is_error(ran), (value, ran)
    machine.right("info", "bash", "--json")
    machine.clean()


def test_who_ignores_the_end_of_children(machine):
    machine.right("info", "bash", "--json",
                  preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))


def test_signals_that_are_blocked_or_ignored(machine):
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        for number in (signal.SIGPIPE, signal.SIGXCPU, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    machine.right("info", "bash", "--json", preexec_fn=block)
    machine.clean()


def test_any_umask(machine):
    for mask in (0o000, 0o022, 0o077, 0o777):
        shutil.rmtree(machine.cache, ignore_errors=True)
        for words in QUESTIONS:
            machine.right(*words, preexec_fn=lambda mask=mask: os.umask(mask))
        if machine.cache.exists() and mask != 0o777:
            for path in (machine.folder, *machine.folder.iterdir()):
                assert path.stat().st_mode & 0o077 == 0, (mask, path)
        for path in [*machine.cache.glob("*"), machine.cache]:
            if path.exists():
                os.chmod(path, 0o700)


@as_root
def test_nobody_can_look_into_the_builder(large):
    """While it runs it is not dumpable, so that nobody's other processes cannot reach into it."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    process = subprocess.Popen(large.command("info", "bash", "--json"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=large.environment)
    seen = set()
    while process.poll() is None:
        for child in children(process.pid):
            with contextlib.suppress(OSError):
                status = pathlib.Path(f"/proc/{child}/status").read_text()
                uids = re.search(r"^Uid:\s+(\d+)\s+(\d+)\s+(\d+)", status, re.M).groups()
                if set(uids) != {"0"} and "Seccomp:\t2" in status:
                    seen.add((uids, os.stat(f"/proc/{child}/mem").st_uid))
    assert process.returncode == 0 and ptrace
    assert seen and all(set(uids) == {str(NOBODY)} and owner == 0 for uids, owner in seen)
