"""The examples of man/omg-protocol.7 against a daemon: its bytes, both ways, and its session with the
module for Python."""

import re
import socket
import subprocess
import sys

import pytest

import conftest
import house
import wire_module

PAGE = conftest.HERE.parent.parent / "man/omg-protocol.7"

PACKAGE = """\
Package: {name}
Version: {version}
Installed-Size: 280
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Description: {summary}
Section: devel
Priority: optional
Filename: pool/main/h/{name}/{name}_{version}_amd64.deb
Size: 53080
SHA256: 4dd2a9d1ac5ef0ba4d2cf1d2ac4b8ee5a0e5d7b7f1b9f0a5a3a7a2b8d7a3a1b2

"""


def section(title):
    return re.search(rf"^\.Sh {title}\n(.*?)^\.Sh ", PAGE.read_text(), re.M | re.S)[1]


def literals(text):
    """What stands between .Bd and .Ed, as it is printed."""
    escapes = {r"\(aq": "'", r"\(dq": '"', r"\&": "", r"\e": "\\"}
    for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", text, re.M | re.S):
        for escape, character in escapes.items():
            block = block.replace(escape, character)
        yield block


def bytes_of(block):
    """Bytes in hexadecimal; two blanks end them."""
    return b"".join(bytes.fromhex(line.split("  ")[0]) for line in block.splitlines())


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """It answers for the system that the page speaks of: two packages match hello."""
    folder = tmp_path_factory.mktemp("pages")
    system = conftest.System(folder / "root")
    stem = "var/lib/apt/lists/deb.example.org_debian_dists_bookworm_"
    system.write("var/lib/dpkg/status", conftest.STATUS)
    system.write("var/lib/dpkg/arch", "amd64\n")
    system.write("etc/apt/sources.list", "deb http://deb.example.org/debian bookworm main\n")
    system.write(stem + "InRelease", conftest.RELEASE)
    system.write(stem + "main_binary-amd64_Packages", "".join(PACKAGE.format(**p) for p in (
        {"name": "hello", "version": "2.10-3", "summary": "example package based on GNU hello"},
        {"name": "hello-traditional", "version": "2.10-6",
         "summary": "example package not using any helper package"})))
    one = house.House(folder, {"PATH": "/usr/bin:/bin", "HOME": str(folder / "home")}, system.root)
    yield one.start()
    one.close()


def dumps():
    blocks = [bytes_of(block) for block in literals(section("EXAMPLES"))]
    return list(zip(blocks[::2], blocks[1::2]))


def test_the_page_has_its_examples():
    assert len(dumps()) == 3


@pytest.mark.parametrize("place", range(3))
def test_the_daemon_answers_with_the_bytes_of_the_page(daemon, place):
    asked, answered = dumps()[place]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(daemon.socket)
        client.sendall(asked)
        got = b""
        while len(got) < len(answered):
            piece = client.recv(1 << 16)
            assert piece, got
            got += piece
    assert got == answered


def test_the_session_of_the_page_is_what_python_prints(daemon, tmp_path):
    shown = "\n".join(literals(section("CLIENTS FROM THE TABLES")))
    session = shown[shown.index(">>>"):]
    assert session.count(">>>") > 8
    (tmp_path / "omg.py").write_text(wire_module.source())
    (tmp_path / "session").write_text(session)
    done = subprocess.run([sys.executable, "-m", "doctest", "session"], cwd=tmp_path, timeout=60,
                          env={"OMG_SOCKET": daemon.socket, "PYTHONDONTWRITEBYTECODE": "1"},
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
