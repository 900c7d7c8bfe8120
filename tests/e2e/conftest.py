"""Fixtures that all end-to-end tests share: the program under test, and a tiny Debian system."""

import dataclasses
import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
OMG = os.environ.get("OMG", str(HERE.parent.parent / "build" / "omg"))

STATUS = """\
Package: bash
Essential: yes
Status: install ok installed
Priority: required
Section: shells
Installed-Size: 7164
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Multi-Arch: foreign
Version: 5.2.15-2+b7
Pre-Depends: libc6 (>= 2.36)
Description: GNU Bourne Again SHell
 Bash is an sh-compatible command language interpreter.
 .
   A verbatim line.
 .
 The last paragraph.
Homepage: http://tiswww.case.edu/php/chet/bash/bashtop.html

Package: libc6
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: 12988
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Multi-Arch: same
Version: 2.36-9
Description: GNU C Library: Shared libraries
 Contains the standard libraries.

"""

PACKAGES = """\
Package: bash
Version: 5.2.15-2+b8
Installed-Size: 7164
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Multi-Arch: foreign
Pre-Depends: libc6 (>= 2.36)
Description: GNU Bourne Again SHell
Homepage: http://tiswww.case.edu/php/chet/bash/bashtop.html
Section: shells
Priority: required
Filename: pool/main/b/bash/bash_5.2.15-2+b8_amd64.deb
Size: 1491324
SHA256: 4dd2a9d1ac5ef0ba4d2cf1d2ac4b8ee5a0e5d7b7f1b9f0a5a3a7a2b8d7a3a1b2

Package: libc6
Version: 2.36-9
Installed-Size: 12988
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Multi-Arch: same
Description: GNU C Library: Shared libraries
Section: libs
Priority: optional
Filename: pool/main/g/glibc/libc6_2.36-9_amd64.deb
Size: 2757412
SHA256: 5dd2a9d1ac5ef0ba4d2cf1d2ac4b8ee5a0e5d7b7f1b9f0a5a3a7a2b8d7a3a1b2

Package: webserver-tiny
Version: 1:0.9~rc1-1
Installed-Size: 120
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Depends: libc6 (>= 2.36)
Description: small server for the web
Section: web
Priority: optional
Filename: pool/main/w/webserver-tiny/webserver-tiny_0.9~rc1-1_amd64.deb
Size: 40960
SHA256: 6dd2a9d1ac5ef0ba4d2cf1d2ac4b8ee5a0e5d7b7f1b9f0a5a3a7a2b8d7a3a1b2

"""

# What a hostile archive could put into a summary: escape sequences, C1 controls, bytes that are
# not UTF-8, a mark that turns the direction of writing.
HOSTILE = b"""\
Package: hostile
Version: 1.0
Installed-Size: 1
Maintainer: Nobody <nobody@example.org>
Architecture: amd64
Description: red \x1b[31m title \x1b]0;x\x07 c1 \xc2\x9b31m raw \xff bidi \xe2\x80\xae end
Section: web
Priority: optional
Filename: pool/main/h/hostile/hostile_1.0_amd64.deb
Size: 1
SHA256: 7dd2a9d1ac5ef0ba4d2cf1d2ac4b8ee5a0e5d7b7f1b9f0a5a3a7a2b8d7a3a1b2

"""

RELEASE = """\
Origin: Debian
Label: Debian
Suite: stable
Codename: bookworm
Architectures: amd64
Components: main
"""


@dataclasses.dataclass
class System:
    """A folder that looks like a Debian system to `omg --root`."""

    root: pathlib.Path

    @property
    def status(self):
        return self.root / "var/lib/dpkg/status"

    @property
    def lists(self):
        return self.root / "var/lib/apt/lists"

    def write(self, path, text):
        to = self.root / path
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(text if isinstance(text, bytes) else text.encode())


def make_system(root):
    """bash (an update waits) and libc6 installed, webserver-tiny and hostile on offer."""
    s = System(root)
    stem = "var/lib/apt/lists/deb.example.org_debian_dists_bookworm_"
    s.write("var/lib/dpkg/status", STATUS)
    s.write("var/lib/dpkg/arch", "amd64\n")
    s.write("var/lib/apt/extended_states", "Package: libc6\nArchitecture: amd64\nAuto-Installed: 1\n\n")
    s.write("etc/apt/sources.list", "deb http://deb.example.org/debian bookworm main\n")
    s.write(stem + "InRelease", RELEASE)
    s.write(stem + "main_binary-amd64_Packages", PACKAGES.encode() + HOSTILE)
    for name in ("bash", "libc6:amd64"):
        s.write(f"var/lib/dpkg/info/{name}.list", "/.\n")
    return s


@pytest.fixture
def system(tmp_path):
    return make_system(tmp_path / "root")


@pytest.fixture
def omg(tmp_path):
    """Runs omg with words; caches and settings are those of a fresh user, and no daemon is there."""
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(tmp_path / "home"),
        "OMG_CONFIG": "",
        "OMG_SOCKET": str(tmp_path / "no.sock"),
    }

    def run(*words, env=None, **rest):
        rest.setdefault("stdin", subprocess.DEVNULL)
        if "stdout" not in rest:
            rest.setdefault("capture_output", True)
        return subprocess.run(
            [OMG, *words], env={**environment, **(env or {})}, timeout=60, check=False, **rest
        )

    run.path = OMG
    run.environment = environment
    return run
