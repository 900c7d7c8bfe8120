"""A machine as Debian's own tools see it, and as omg sees it, in the same shapes.

Nothing here knows how omg works: facts come from dpkg-query, apt-cache, apt-mark, apt-get and apt,
or are computed anew from the files they read."""

import functools
import json
import os
import pathlib
import re
import subprocess

import pytest
from conftest import OMG

LISTS = 20000  # names on one command line of apt-cache
INFOS = 2000  # names on one command line of omg


def in_pieces(names, size):
    names = list(names)
    return [names[i : i + size] for i in range(0, len(names), size)]


def by_name(name):
    """Orders name and name:architecture by the name first."""
    return name.split(":")


def fold(text):
    """Lower case in ASCII alone."""
    return text.encode().lower().decode()


def fields(paragraph):
    """deb822: {name: value}, continuation lines as they stand; of two fields the first counts."""
    found, lines = {}, []
    for line in paragraph.split("\n"):
        if line.startswith((" ", "\t")):
            lines.append(line)
        elif line and not line.startswith("#"):
            name, _, first = line.partition(":")
            lines = [first.strip()]
            found.setdefault(name.lower(), lines)
    return {name: "\n".join(lines) for name, lines in found.items()}


def paragraphs(text):
    return [fields(p) for p in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")) if p]


def version_key(version):
    """deb-version(7), as something Python can order."""

    def part(text):
        key = []
        for letters, digits in re.findall(r"([^0-9]*)([0-9]*)", text):
            weights = [-1 if c == "~" else ord(c) + 256 * (not c.isalpha()) for c in letters]
            key.append((*weights, 0))
            key.append(int(digits or 0))
        return key + [(0,)]

    epoch, _, rest = version.rpartition(":") if ":" in version else ("0", "", version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch), part(upstream), part(revision)


def relations(record):
    """The items of Pre-Depends, then those of Depends."""
    items = ",".join(record.get(f, "") for f in ("pre-depends", "depends")).split(",")
    return [item.strip() for item in items if item.strip()]


def long_text(description):
    """What follows the summary: no leading blank, and an empty line for a dot."""
    lines = description.split("\n")[1:]
    return "\n".join("" if line == " ." else line[1:] for line in lines)


def ordered(words, names, installed):
    """As the manual says: the words as one phrase that is the name, begins it, begins a word of
    it or is inside it; else by how many words the name lacks. Then installed ones, the shorter
    names, the alphabet."""
    phrases = {"-".join(words), "".join(words)}
    starts_word = re.compile("[^A-Za-z0-9](?:" + "|".join(map(re.escape, phrases)) + ")")

    def key(name):
        held = [phrase for phrase in phrases if phrase in name]
        if not held:
            place = 4 + sum(word not in name for word in words)
        elif name in held:
            place = 0
        elif name.startswith(tuple(held)):
            place = 1
        else:
            place = 2 if starts_word.search(name) else 3
        return place, name not in installed, len(name), name

    return sorted(names, key=key)


def licences(copyright_text):
    """Short names of a machine-readable copyright file's header and Files paragraphs."""
    found = []
    for number, p in enumerate(paragraphs(copyright_text)):
        if number == 0 and "copyright-format" not in p.get("format", ""):
            return []
        name = p.get("license", "").split("\n")[0].strip()
        if name and name not in found and (number == 0 or "files" in p):
            found.append(name)
    return found


def agree(got, wanted):
    """Fails with the first few keys whose values differ."""
    wrong = sorted(k for k in {*got, *wanted} if got.get(k) != wanted.get(k))
    lines = [f"{k}: omg says {got.get(k)!r:.300}, not {wanted.get(k)!r:.300}" for k in wrong[:8]]
    __tracebackhide__ = True
    assert not wrong, "\n".join([f"{len(wrong)} of {len(wanted)} differ", *lines])


def fact(function):
    """A property that is asked for once, and again when the machine has changed."""

    @functools.wraps(function)
    def get(machine):
        stamp = machine.stamp()
        if machine.kept.get("stamp") != stamp:
            machine.kept = {"stamp": stamp}
        if function.__name__ not in machine.kept:
            machine.kept[function.__name__] = function(machine)
        return machine.kept[function.__name__]

    return property(get)


def settled(test):
    """Others may install packages meanwhile: a failure counts once nothing changed around it.
    Where the machine is None the test is skipped."""

    @functools.wraps(test)
    def run(machine, **rest):
        if machine is None:
            pytest.skip("there is no network to fetch package lists from")
        for attempt in range(4):
            before = machine.stamp()
            try:
                return test(machine, **rest)
            except AssertionError:
                if attempt == 3 or machine.stamp() == before == machine.kept.get("stamp", before):
                    raise

    return run


class Machine:
    """A root folder ("/" or a made-up one), the tools that speak for it, and omg on it."""

    def __init__(self, root, scratch, config=None):
        self.root = pathlib.Path(root)
        self.own = str(root) == "/"
        self.kept = {}
        scratch.mkdir(parents=True, exist_ok=True)
        (scratch / "omg.conf").write_text(f"cache.dir = {scratch}/index\n")
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "HOME": str(scratch),
            "OMG_CONFIG": str(scratch / "omg.conf"),
        }
        for name, value in os.environ.items():
            if name.endswith(("_proxy", "_PROXY")):
                self.environment[name] = value
        if config:
            self.environment["APT_CONFIG"] = str(config)
        self.cache = ["-o", f"Dir::Cache::pkgcache={scratch}/pkgcache.bin"]

    def stamp(self):
        """What tells that packages or lists have changed."""
        dpkg, apt = self.root / "var/lib/dpkg", self.root / "var/lib/apt"
        told = dpkg / "status", dpkg / "updates", apt / "extended_states", apt / "lists"
        stats = (path.stat() for path in told if path.exists())
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in stats)

    def run(self, *words):
        done = subprocess.run(
            words, env=self.environment, capture_output=True, timeout=120, check=False
        )
        return done.stdout.decode(errors="replace")

    def apt(self, tool, *words, names=None):
        """Output of one of apt's tools, run as often as the names need."""
        pieces = [[]] if names is None else in_pieces(names, LISTS)
        return "".join(self.run(tool, *self.cache, *words, *piece) for piece in pieces)

    def omg(self, *words):
        root = [] if self.own else ["--root", str(self.root)]
        return self.run(OMG, *root, "--json", *words)

    def answer(self, *words):
        return json.loads(self.omg(*words))

    def infos(self, names):
        """{operand: message or error} of any number of them."""
        found = {}
        for piece in in_pieces(names, INFOS):
            answers = self.omg("info", *piece).splitlines()
            assert len(answers) == len(piece)
            found.update(zip(piece, map(json.loads, answers)))
        return found

    def versions(self, names):
        """{operand: the version that omg info shows, or the name of its error}."""
        infos = self.infos(names).items()
        return {name: info.get("version") or info["error"]["name"] for name, info in infos}

    def search(self, query, limit=50):
        return self.answer("search", "--limit", str(limit), "--", query)

    @fact
    def installed(self):
        """[(name, architecture, version)]"""
        form = "${Package}\t${Architecture}\t${Version}\t${db:Status-Status}\n"
        folder = f"--admindir={self.root / 'var/lib/dpkg'}"
        lines = self.run("dpkg-query", folder, "-W", "-f", form).splitlines()
        rows = (line.split("\t") for line in lines)
        return [tuple(row[:3]) for row in rows if row[3] == "installed"]

    @fact
    def names(self):
        return self.apt("apt-cache", "pkgnames").split()

    def policy(self, names):
        """{name: (candidate or "(none)", [versions, the newest first])}"""
        found, name = {}, None
        for line in self.apt("apt-cache", "policy", names=names).splitlines():
            if not line.startswith(" "):
                name = line[:-1]
            elif line.startswith("  Candidate: "):
                found[name] = (line[13:], [])
            elif line.startswith((" *** ", "     ")) and not line.startswith("      "):
                found[name][1].append(line.split()[-2])
        return found

    @fact
    def candidates(self):
        return {name: candidate for name, (candidate, _) in self.policy(self.names).items()}

    @fact
    def manual(self):
        return self.apt("apt-mark", "showmanual").split()

    @fact
    def upgradable(self):
        """{name: (suites, version)}; name:architecture for a foreign one."""
        line = re.compile(r"([^/\s]+)/(\S+) (\S+) (\S+) \[upgradable")
        own = self.native, "all"
        return {
            m[1] if m[4] in own else f"{m[1]}:{m[4]}": (m[2].split(","), m[3])
            for m in map(line.match, self.apt("apt", "list", "--upgradable").splitlines())
            if m
        }

    @fact
    def native(self):
        return self.apt("apt-config", "dump", "APT::Architecture").split('"')[1]

    @fact
    def removable(self):
        simulated = self.apt("apt-get", "-s", "autoremove").splitlines()
        return [line.split()[1] for line in simulated if line.startswith("Remv ")]

    @fact
    def records(self):
        """{name: fields of its candidate}. In compressed lists apt-cache show begins anew for each
        package; dumpavail prints the same records in one pass, but no translations."""
        if self.own:
            shown = self.apt("apt-cache", "dumpavail")
        else:
            shown = self.apt("apt-cache", "show", "--no-all-versions", names=self.names)
        return {record["package"]: record for record in paragraphs(shown)}

    @fact
    def shown(self):
        """{name: all that omg info says}"""
        return self.infos(self.names)

    @fact
    def offered(self):
        """{name: (key, summary)} of the newest version on offer, native ones first."""
        target = "--format", "$(FILENAME)", "Created-By: Packages"
        field = re.compile(r"^(Package|Version|Architecture|Description): *(.*)$", re.M)
        newest, own = {}, (self.native, "all")
        for file in self.apt("apt-get", "indextargets", *target).split():
            text = self.run("/usr/lib/apt/apt-helper", "cat-file", file)
            for p in text.split("\n\n"):
                if not p.strip():
                    continue
                record = dict(field.findall(p))
                key = record["Architecture"] in own, version_key(record["Version"])
                if record["Package"] not in newest or newest[record["Package"]][0] < key:
                    newest[record["Package"]] = key, record["Description"]
        return newest

    @fact
    def texts(self):
        """[(name, name and summary folded)] of everything that a search may find."""
        found = {name: summary for name, (_, summary) in self.offered.items()}
        status = (self.root / "var/lib/dpkg/status").read_text(errors="replace")
        for record in paragraphs(status):
            if record["status"].endswith(" installed"):
                found.setdefault(record["package"], record.get("description", "").split("\n")[0])
        return [(name, fold(f"{name}\n{summary}")) for name, summary in found.items()]

    def matching(self, words):
        """Names that hold every word in the name or summary, in the order they are shown."""
        found = self.texts
        for word in words:
            found = [row for row in found if word in row[1]]
        return ordered(words, [name for name, _ in found], {name for name, _, _ in self.installed})
