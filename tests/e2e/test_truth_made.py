"""What omg says is what apt says, on small made-up systems: pins, kinds of archives, releases and
foreign architectures. Everything but the preferences is drawn from a seed."""

import dataclasses
import pathlib
import random
import zlib

import pytest
from oracle import Machine, agree, by_name, long_text, paragraphs, version_key

OFFERED = """\
Package: {name}
Version: {version}
Architecture: {arch}
{source}{more}Installed-Size: 1
Maintainer: Nobody <nobody@example.org>
Depends: {depends}
Description: something
Filename: pool/{name}_{version}_{arch}.deb
Size: 1
SHA256: {sum:064x}

"""
INSTALLED = """\
Package: {name}
Status: {want} ok {state}
Version: {version}
Architecture: {arch}
{source}{more}Installed-Size: 1
Maintainer: Nobody <nobody@example.org>
Depends: {depends}
Description: something

"""
VERSIONS = ("1.0", "1.0+b1", "1.1~rc1", "1.1", "2.0-1", "1:0.5")
FAMILIES = ("lib", "py-", "web", "x.", "c++")
NAMES = [family + name for family in FAMILIES for name in ("one", "two", "six", "ten")]
BACKPORTS = "NotAutomatic: yes\nButAutomaticUpgrades: yes\n"


@dataclasses.dataclass
class Archive:
    """A line of sources.list, how the files of its lists begin, and its Release file."""

    source: str
    stem: str
    release: str


def archive(host, suite, codename, named, more=""):
    return Archive(
        f"deb [trusted=yes] http://{host}/debian {named} main\n",
        f"{host}_debian_dists_{named.replace('/', '_')}_",
        f"Origin: {host[0].upper()} House\nLabel: {suite.title()}\nSuite: {suite}\n"
        f"Codename: {codename}\nVersion: {len(suite)}.1\n{more}"
        "Architectures: amd64 i386\nComponents: main\n",
    )


# Every kind that apt treats in its own way.
ARCHIVES = [
    archive("a.example", "stable", "bookworm", "bookworm"),
    archive("a.example", "testing", "trixie", "testing"),
    archive("b.example", "experimental", "rc-buggy", "experimental", "NotAutomatic: yes\n"),
    archive("b.example", "stable-backports", "bookworm-backports", "bookworm-backports", BACKPORTS),
    archive("a.example", "stable-security", "bookworm-security", "bookworm-security"),
    Archive(
        "deb [trusted=yes] http://d.example/pool ./\n",
        "d.example_pool_._",
        "Origin: Flat\nSuite: local\n",
    ),
]


def stanza(form, name, version, arch, **more):
    """A version is the same package wherever it stands, unless it depends on something else."""
    values = {
        "source": f"Source: src-{name[:3]} ({version}+s)\n" if name[-1] == "e" else "",
        "more": "" if arch == "all" else "Multi-Arch: same\n",
        "depends": "libone",
        "sum": zlib.crc32(f"{name} {version} {arch}".encode()),
        **more,
    }
    return form.format(name=name, version=version, arch=arch, **values)


def machine_in(root, archs=("amd64",)):
    """A machine with an apt that looks nowhere else."""
    names = "".join(f'"{arch}";' for arch in archs)
    for folder in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "cache/apt", "lib/apt/lists"):
        folder = folder if folder.startswith("etc") else f"var/{folder}"
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "apt.conf").write_text(
        f'Dir "{root}/";\nDir::State::status "{root}/var/lib/dpkg/status";\n'
        f'APT::Architecture "{archs[0]}";\nAPT::Architectures {{{names}}};\n'
    )
    write(root / "var/lib/dpkg/arch", "".join(f"{arch}\n" for arch in archs))
    return Machine(root, root / "scratch", root / "apt.conf")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def offer(root, packages):
    """One source that offers them."""
    write(root / "etc/apt/sources.list", ARCHIVES[0].source)
    stem = root / "var/lib/apt/lists" / ARCHIVES[0].stem
    write(pathlib.Path(f"{stem}InRelease"), ARCHIVES[0].release)
    write(pathlib.Path(f"{stem}main_binary-amd64_Packages"), packages)


class Made:
    """A system drawn from a seed, and the tools that speak for it."""

    def __init__(self, root, seed, archs=("amd64",), preferences=None, settings=""):
        self.root, self.archs, self.chance = root, archs, random.Random(seed)
        self.machine = machine_in(root, archs)
        self.offered = {}  # {(name, architecture): versions}
        kinds = [*archs, *archs, "all"]
        self.kind = {name: kinds[i % len(kinds)] for i, name in enumerate(NAMES)}
        self.write("etc/apt/sources.list", "".join(a.source for a in ARCHIVES))
        for name, text in (preferences or {}).items():
            self.write(f"etc/apt/{name}", text)
        self.write("etc/apt/apt.conf.d/50test", settings)
        for each in ARCHIVES:
            self.write_lists(each)
        self.write_status()

    def write(self, path, text):
        write(self.root / path, text)

    def write_lists(self, each):
        lists, flat = "var/lib/apt/lists/", each.source.endswith("./\n")
        self.write(f"{lists}{each.stem}InRelease", each.release)
        for arch in self.archs[: 1 if flat else None]:
            part = "" if flat else f"main_binary-{arch}_"
            text = ""
            for name in NAMES:
                own = "all" if self.kind[name] == "all" else arch
                for version in self.chance.sample(VERSIONS, self.chance.choice((0, 1, 1, 2))):
                    text += stanza(OFFERED, name, version, own)
                    native = self.archs[0] if own == "all" else own
                    self.offered.setdefault((name, native), set()).add(version)
            self.write(f"{lists}{each.stem}{part}Packages", text)

    def write_status(self):
        status = states = ""
        for name in NAMES:
            for arch in ["all"] if self.kind[name] == "all" else self.archs:
                if self.chance.random() < 0.4:
                    continue
                state = self.chance.choice(["installed"] * 6 + ["config-files"])
                want = self.chance.choice(["install"] * 3 + ["hold"])
                want = "deinstall" if state == "config-files" else want
                version = self.chance.choice(VERSIONS)
                needs = self.chance.choice(["libone"] * 4 + ["libtwo"])  # built apart
                more = {"want": want, "state": state, "depends": needs}
                status += stanza(INSTALLED, name, version, arch, **more)
                native = self.archs[0] if arch == "all" else arch
                auto = self.chance.randint(0, 1)
                states += f"Package: {name}\nArchitecture: {native}\nAuto-Installed: {auto}\n\n"
        self.write("var/lib/dpkg/status", status)
        self.write("var/lib/apt/extended_states", states)

    def wanted(self, names):
        """{name: candidate}; for want of one what is installed, or the newest on offer."""
        native, policy, found = self.archs[0], self.machine.policy(names), {}
        installed = {
            (name, native if arch == "all" else arch): version
            for name, arch, version in self.machine.installed
        }
        for asked in names:
            name, _, arch = asked.partition(":")
            for one in [arch] if arch else self.archs:
                key, shown = (name, one), name if one == native else f"{name}:{one}"
                newest = max(self.offered.get(key, ()), key=version_key, default=None)
                rest = installed.get(key, newest)
                if rest:
                    candidate = policy[shown][0]
                    found[asked] = rest if candidate == "(none)" else candidate
                    break
            else:
                found[asked] = "PACKAGE_NOT_FOUND"
        return found


def release(pin, priority, package="*"):
    return f"Package: {package}\nPin: release {pin}\nPin-Priority: {priority}\n\n"


PREFERENCES = {
    "archive": release("a=testing", 400),
    "not a real codename": release("n=nowhere", 990),
    "codename": release("n=trixie", 990),
    "bare word": release("testing", 990),
    "all fields": release("o=A House, l=Testing, a=testing, n=trixie, c=main, v=7.1", 995),
    "label with blanks and star": release("o=A*,l=Test*", 150),
    "version of the release": release("v=6.*", 50),
    "architecture": release("b=amd64", 700),
    "component": release("c=main", 700),
    "now": release("a=now", 999),
    "downgrade": release("n=bookworm", 1001),
    "just not a downgrade": release("n=bookworm", 1000),
    "never": release("n=trixie", -1),
    "nothing at all": release("o=*", -10),
    "zero is no priority": release("n=trixie", 0),
    "origin": "Package: *\nPin: origin b.example\nPin-Priority: 900\n",
    "quoted origin": 'Package: *\nPin: origin "b.example"\nPin-Priority: 900\n',
    "local origin": 'Package: *\nPin: origin ""\nPin-Priority: 900\n',
    "version": "Package: libone py-two\nPin: version 1.*\nPin-Priority: 1001\n",
    "exact version": "Package: libone libsix libten\nPin: version 1.0\nPin-Priority: 1001\n",
    "version regex": "Package: *\nPin: version /rc/\nPin-Priority: -1\n",
    "glob": release("n=trixie", -1, "lib*"),
    "glob with class": release("n=trixie", 1001, "[lw]*"),
    "regex": release("n=trixie", 1001, "/^(py|x\\.)/"),
    "regex inside": release("n=bookworm", 1001, "/i[xy]/"),
    "source": release("n=bookworm", 1001, "src:src-lib"),
    "source glob": release("n=bookworm", 1001, "src:src-*"),
    "source version": "Package: src:src-web\nPin: version 1.1+s\nPin-Priority: 1001\n",
    "plus signs": release("n=bookworm", 1001, "c++one c++two"),
    "several names": release("n=bookworm", 1001, "libone  webtwo\n x.six"),
    "name of an architecture": release("n=bookworm", 1001, "libone:amd64 libtwo:any libsix:native"),
    "first of two": release("n=bookworm", 1001, "libone") + release("n=trixie", 1001, "libone"),
    "special before general": release("n=trixie", 200) + release("n=bookworm", 100, "lib*"),
    "comments": "# why\n\nExplanation: because\n" + release("n=trixie", 991) + "# end\n",
    "lower case fields": "package: *\npin: RELEASE a=testing\npin-priority: 991\n",
    "backports": release("n=bookworm-backports", 500) + release("a=experimental", 101),
    "flat": release("o=Flat", 1001),
    "no trailing line": release("n=trixie", 991).strip(),
}


@pytest.mark.parametrize("case", PREFERENCES)
@pytest.mark.parametrize("seed", range(3))
def test_candidates_obey_a_preferences_file(tmp_path, case, seed):
    made = Made(tmp_path / "root", seed, preferences={"preferences": PREFERENCES[case]})
    agree(made.machine.versions(NAMES), made.wanted(NAMES))


SETTINGS = {
    "none": "",
    "suite": 'APT::Default-Release "testing";\n',
    "codename": 'APT::Default-Release "bookworm";\n',
    "release version": 'APT::Default-Release "7.1";\n',
    "glob": 'APT::Default-Release "bookworm*";\n',
    "regex": 'APT::Default-Release "/^stable(-security)?$/";\n',
    "not automatic": 'APT::Default-Release "experimental";\n',
    "fields": 'APT::Default-Release "a=testing";\n',
}


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("seed", range(3))
def test_candidates_obey_the_default_release(tmp_path, case, seed):
    made = Made(tmp_path / "root", seed, settings=SETTINGS[case])
    agree(made.machine.versions(NAMES), made.wanted(NAMES))


def test_preferences_are_read_in_apts_order(tmp_path):
    files = {
        "preferences": release("n=bookworm", 1001, "libone"),
        "preferences.d/20-b": release("n=trixie", 1001, "libone libtwo"),
        "preferences.d/10-a.pref": release("a=experimental", 1001, "libtwo libsix"),
        "preferences.d/00-ignored.bak": release("a=local", 1001, "lib*"),
        "preferences.d/.hidden": release("a=local", 1001, "py*"),
    }
    made = Made(tmp_path / "root", 5, preferences=files)
    agree(made.machine.versions(NAMES), made.wanted(NAMES))


def drawn_preferences(chance):
    """A few stanzas of any kind, but none that means the status file alone: with those apt offers
    versions of which only the settings are left."""
    releases = ["a=testing", "n=bookworm", "o=B House", "a=stable*", "l=Experimental", "c=main"]
    pins = [f"release {each}" for each in [*releases, "v=6.1", "o=Flat"]]
    pins += ["origin a.example", "origin b.example", "version 1.*", "version 2.0-1", "version *rc*"]
    packages = ["*", "*", "lib*", "/t/", "src:src-py-", "c++*", "libone webtwo", "x.six", "?ibten"]
    priorities = [-1, 1, 99, 100, 101, 499, 500, 501, 989, 990, 991, 999, 1000, 1001, 1002]
    return "\n".join(
        f"Package: {chance.choice(packages)}\nPin: {chance.choice(pins)}\n"
        f"Pin-Priority: {chance.choice(priorities)}\n"
        for _ in range(chance.randint(1, 4))
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_drawn_system_is_seen_as_apt_sees_it(tmp_path, seed):
    chance = random.Random(1000 + seed)
    archs = ("amd64", "i386") if seed % 2 else ("amd64",)
    names = [*NAMES, *(f"{name}:{arch}" for name in NAMES for arch in archs)]
    made = Made(
        tmp_path / "root",
        seed,
        archs,
        preferences={"preferences": drawn_preferences(chance)},
        settings=chance.choice(list(SETTINGS.values())),
    )
    machine = made.machine
    agree(machine.versions(names), made.wanted(names))
    status = machine.answer("status")
    security = [s for s, _ in machine.upgradable.values() if "stable-security" in s]
    wanted = {
        "total_packages": len(machine.installed),
        "explicit_packages": len(machine.manual),
        "updates_available": len(machine.upgradable),
        "security_vulnerabilities": len(security),
    }
    agree({field: status[field] for field in wanted}, wanted)
    assert machine.answer("explicit")["packages"] == sorted(machine.manual, key=by_name)


def test_a_rebuilt_package_is_an_update_as_apt_has_it(tmp_path):
    """apt tells two packages of one version apart by what they depend on."""
    there = {"want": "install", "state": "installed", "depends": "one-thing"}
    machine = machine_in(tmp_path)
    write(tmp_path / "var/lib/dpkg/status", stanza(INSTALLED, "libone", "1.0", "amd64", **there))
    offer(tmp_path, stanza(OFFERED, "libone", "1.0", "amd64", depends="another"))
    assert machine.answer("status")["updates_available"] == len(machine.upgradable)


# Long texts as people have them, and as they should not.
DESCRIPTIONS = {
    "plain": " One line.\n And another.",
    "paragraphs": " One.\n .\n Two.\n .\n Three.",
    "begins-empty": " .\n One.",
    "begins-empty-twice": " .\n .\n One.",
    "empty-lines": " One.\n .\n .\n .\n Two.",
    "ends-empty": " One.\n .",
    "verbatim": " List:\n  * one\n    more\n  * two\n   deep",
    "verbatim-dot": " One.\n  .\n Two.",
    "dots": " One.\n ...\n .hidden\n Two.",
    "blanks": " One  two   three.\n Four.",
    "tab": " One\ttwo.",
    "utf-8": " Grüße, 世界.",
    "one-line": "",
}


@pytest.mark.parametrize("form", ["installed", "offered"])
def test_long_texts_are_apts(tmp_path, form):
    machine, there = machine_in(tmp_path), {"want": "install", "state": "installed"}
    text = ""
    for name, long in DESCRIPTIONS.items():
        one = stanza(OFFERED if form == "offered" else INSTALLED, name, "1.0", "all", **there)
        text += one.replace("something", f"a summary\n{long}".rstrip("\n"))
    write(tmp_path / "var/lib/dpkg/status", text if form == "installed" else "")
    offer(tmp_path, text if form == "offered" else "")
    shown = paragraphs(machine.apt("apt-cache", "show", names=DESCRIPTIONS))
    wanted = {p["package"]: long_text(p.get("description-en") or p["description"]) for p in shown}
    infos = machine.infos(DESCRIPTIONS)
    agree({name: a["description"].partition("\n")[2] for name, a in infos.items()}, wanted)


def drawn_packages(chance):
    """Installed packages whose relations all hold, and the states of most of them automatic."""
    names = [f"p{number}" for number in range(40)]
    virtual = [f"v{number}" for number in range(5)]
    provided = {name: chance.sample(virtual, chance.choice((0, 0, 0, 1, 2))) for name in names}
    offered = sorted({v for name in names for v in provided[name]})

    def some(most):
        items = []
        for _ in range(chance.choice((0, 0, 0, 1, most))):
            choice = chance.sample(names + offered, chance.choice((1, 1, 1, 2)))
            choice = [n + chance.choice(("", " (>= 0.9)")) if n in names else n for n in choice]
            items.append(" | ".join(choice + chance.choice(([], [], ["not-there (>= 2)"]))))
        return ", ".join(items)

    status = states = ""
    for name in names:
        want = chance.choice(["install", "install", "hold"])
        status += f"Package: {name}\nStatus: {want} ok installed\nVersion: 1.0\n"
        status += "Architecture: amd64\nMaintainer: Nobody <nobody@example.org>\n"
        more = {
            "Pre-Depends": some(1),
            "Depends": some(2),
            "Recommends": some(1),
            "Suggests": some(1),
            "Provides": ", ".join(provided[name]),
            "Essential": "yes" if chance.random() < 0.1 else "",
            "Important": "yes" if chance.random() < 0.1 else "",
            "Section": chance.choice(["web", "oldlibs", "metapackages", "non-free/metapackages"]),
        }
        status += "".join(f"{field}: {value}\n" for field, value in more.items() if value)
        status += "Description: something\n\n"
        auto = int(chance.random() < 0.9)
        states += f"Package: {name}\nArchitecture: amd64\nAuto-Installed: {auto}\n\n"
    return status, states


KEEPING = [
    "",
    'APT::AutoRemove::SuggestsImportant "false";\n',
    'APT::AutoRemove::RecommendsImportant "false";\nAPT::AutoRemove::SuggestsImportant "0";\n',
    'APT::NeverAutoRemove { "^p1"; "p3$"; };\n',
    'APT::Never-MarkAuto-Sections { "metapackages"; };\n',
]


@pytest.mark.parametrize("seed", range(40))
def test_orphans_of_a_drawn_system_are_apts(tmp_path, seed):
    chance = random.Random(seed)
    status, states = drawn_packages(chance)
    write(tmp_path / "var/lib/dpkg/status", status)
    write(tmp_path / "var/lib/apt/extended_states", states)
    write(tmp_path / "etc/apt/apt.conf.d/50test", chance.choice(KEEPING))
    machine = machine_in(tmp_path)
    assert machine.answer("status")["orphan_packages"] == len(machine.removable)
