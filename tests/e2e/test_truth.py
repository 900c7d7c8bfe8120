"""What omg says is what Debian's own tools say on the same machine, for every package."""

import fcntl
import pathlib
import random
import re
import shutil
import subprocess

import pytest
from oracle import Machine, agree, by_name, fold, licences, long_text, relations, settled

WORDS = 300
QUERIES = 500
MISSPELT = 200


# --- machines -----------------------------------------------------------------------------------


def copy(source, to):
    to.parent.mkdir(parents=True, exist_ok=True)
    if pathlib.Path(source).exists():
        shutil.copyfile(source, to)


def make_stock(root):
    """Debian as it comes: plain lists, English descriptions, none of a container's settings."""
    etc, state = root / "etc/apt", root / "var/lib"
    shutil.rmtree(etc, ignore_errors=True)
    for part in ("apt.conf.d", "sources.list.d", "preferences.d"):
        (etc / part).mkdir(parents=True)
        for file in pathlib.Path("/etc/apt", part).iterdir():
            if file.is_file() and not file.name.startswith("docker-"):
                copy(file, etc / part / file.name)
    copy("/etc/apt/sources.list", etc / "sources.list")
    copy("/var/lib/dpkg/status", state / "dpkg/status")
    copy("/var/lib/dpkg/arch", state / "dpkg/arch")
    copy("/var/lib/apt/extended_states", state / "apt/extended_states")
    for folder in ("lib/apt/lists/partial", "cache/apt/archives/partial"):
        (root / "var" / folder).mkdir(parents=True, exist_ok=True)
    config = root / "apt.conf"
    config.write_text(
        f'Dir "{root}/";\n'
        f'Dir::State::status "{root}/var/lib/dpkg/status";\n'
        'Dir::Etc::trusted "/etc/apt/trusted.gpg";\n'
        'Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d/";\n'
        'Acquire::GzipIndexes "false";\n'
        'Acquire::Languages { "en"; };\n'
        'Acquire::Retries "1";\n'
        'Acquire::http::Timeout "10";\n'
        'APT::Sandbox::User "root";\n'
    )
    return config


@pytest.fixture(scope="session")
def stock(tmp_path_factory):
    """Kept among pytest's folders from run to run, where an update fetches little. None where
    there is nothing to fetch it from."""
    root = tmp_path_factory.getbasetemp().parent / "stock-debian"
    root.mkdir(exist_ok=True)
    with open(root / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        machine = Machine(root, root / "scratch", make_stock(root))
        try:
            machine.apt("apt-get", "-q", "update")
        except subprocess.TimeoutExpired:
            pass
        fetched = any((root / "var/lib/apt/lists").glob("*_Translation-en"))
        yield machine if fetched else None


@pytest.fixture(params=["own", "stock"], scope="session")
def machine(request, tmp_path_factory):
    if request.param == "stock":
        return request.getfixturevalue("stock")
    return Machine("/", tmp_path_factory.mktemp("own"))


# --- what is installed --------------------------------------------------------------------------


@settled
def test_every_installed_version_is_known(machine):
    wanted = {f"{name}:{arch}={version}": version for name, arch, version in machine.installed}
    agree(machine.versions(wanted), wanted)


@settled
def test_installed_packages_are_counted(machine):
    assert machine.answer("status")["total_packages"] == len(machine.installed)


@settled
def test_explicit_is_what_apt_mark_calls_manual(machine):
    assert machine.answer("explicit")["packages"] == sorted(machine.manual, key=by_name)


@settled
def test_explicit_packages_are_counted(machine):
    assert machine.answer("status")["explicit_packages"] == len(machine.manual)


@settled
def test_orphans_are_what_autoremove_would_remove(machine):
    assert machine.answer("status")["orphan_packages"] == len(machine.removable)


# --- what is on offer ---------------------------------------------------------------------------


@settled
def test_every_candidate_is_apts(machine):
    agree(machine.versions(machine.names), machine.candidates)


@settled
def test_updates_are_what_apt_lists(machine):
    assert machine.answer("status")["updates_available"] == len(machine.upgradable)


@settled
def test_every_update_has_apts_version(machine):
    wanted = {name: version for name, (_, version) in machine.upgradable.items()}
    agree(machine.versions(wanted), wanted)


@settled
def test_security_updates_come_from_a_security_suite(machine):
    suites = (suites for suites, _ in machine.upgradable.values())
    security = sum(any(suite.endswith("-security") for suite in of) for of in suites)
    assert machine.answer("status")["security_vulnerabilities"] == security


FIELDS = {
    "version": lambda record: record["version"],
    "size": lambda record: int(record.get("installed-size", 0)) * 1024,
    "download_size": lambda record: int(record.get("size", 0)),
    "url": lambda record: record.get("homepage", ""),
    "depends": relations,
    "summary": lambda record: description(record).split("\n")[0],
}


def description(record):
    return record.get("description-en", record.get("description", ""))


@pytest.mark.parametrize("field", FIELDS)
@settled
def test_every_package_has_apts(machine, field):
    wanted = {name: FIELDS[field](record) for name, record in machine.records.items()}
    infos = machine.shown
    got = {n: infos[n].get(field, infos[n]["description"].split("\n")[0]) for n in wanted}
    agree(got, wanted)


@pytest.mark.parametrize("machine", ["stock"], indirect=True)
@settled
def test_every_package_has_apts_long_description(machine):
    wanted = {name: long_text(description(record)) for name, record in machine.records.items()}
    got = {name: info["description"].partition("\n")[2] for name, info in machine.shown.items()}
    agree(got, wanted)


@pytest.mark.parametrize("machine", ["own"], indirect=True)
@settled
def test_licences_are_those_of_the_copyright_files(machine):
    wanted = {}
    for name, arch, version in machine.installed:
        file = pathlib.Path("/usr/share/doc", name, "copyright")
        wanted[f"{name}:{arch}={version}"] = licences(file.read_text() if file.exists() else "")
    got = {name: info["licenses"] for name, info in machine.infos(wanted).items()}
    agree(got, wanted)


# --- search -------------------------------------------------------------------------------------


def piece(chance, text):
    """2 to 12 letters out of it."""
    length = chance.randint(2, 12)
    at = chance.randint(0, max(0, len(text) - length))
    return text[at : at + length]


def name_pieces(machine, count):
    """Pieces of real names, and among them enough that hold other bytes than letters."""
    chance = random.Random(6)
    names = sorted(machine.names)
    words = ["c++", "g++", "libstdc++", "0.1", "1.2-", "-dev", "+", ".", "-", "2", "3d", "lib"]
    while len(words) < count:
        word = piece(chance, chance.choice(names))
        if len(word) > 1 and (len(words) % 3 or re.search("[-+.0-9]", word)):
            words.append(word)
    return words


@settled
def test_search_finds_every_name_that_apt_finds(machine):
    words = name_pieces(machine, WORDS)
    pattern = "|".join(map(re.escape, words))
    lines = machine.apt("apt-cache", "search", "--names-only", "--", pattern).splitlines()
    apts = [line.split(" - ")[0] for line in lines]
    wanted, got = {}, {}
    for word in words:
        found = machine.search(word, 1000)
        names = {name for name in apts if word in name}
        if found["total"] > 1000:
            wanted[word], got[word] = len(machine.matching([word])), found["total"]
        else:
            wanted[word] = names
            got[word] = {p["name"] for p in found["packages"] if word in p["name"]}
    agree(got, wanted)


def queries(machine, count):
    """One to three words, taken together out of one package's name and summary."""
    chance = random.Random(7)
    texts = sorted(text for _, text in machine.texts)
    made = ["python 3", "python3 -", "web server", "a", "lib dev", "the THE the", "c++ lib"]
    while len(made) < count:
        text = chance.choice(texts)
        some = chance.choice((1, 1, 2, 2, 3))
        words = [piece(chance, chance.choice(text.split())) for _ in range(some)]
        if chance.random() < 0.3:
            words = chance.choice(re.split("[-\n]", text)).split()[:3] or words
        query = " ".join(words)
        made.append(query.upper() if chance.random() < 0.1 else query)
    return made


@settled
def test_search_finds_and_orders_what_holds_every_word(machine):
    got, wanted = {}, {}
    for query in queries(machine, QUERIES):
        found = machine.search(query)
        names = machine.matching(list(dict.fromkeys(fold(query).split())))
        got[query] = found["total"], [p["name"] for p in found["packages"]]
        wanted[query] = len(names), names[:50]
    agree(got, wanted)


@settled
def test_search_shows_the_candidate(machine):
    shown = {}
    for word in name_pieces(machine, 60):
        shown.update({p["name"]: p["version"] for p in machine.search(word, 1000)["packages"]})
    candidates = machine.candidates
    agree(shown, {name: candidates[name] for name in shown})


# --- suggestions --------------------------------------------------------------------------------


def suggestions(machine, query):
    return machine.answer("suggest", "--", query)["suggestions"]


@pytest.mark.parametrize("machine", ["own"], indirect=True)
@pytest.mark.parametrize(
    "typed, meant, place",
    [
        ("fierfox", "firefox-esr", 3),
        ("pyhton3", "python3", 1),
        ("libre-ofice", "libreoffice", 1),
        ("gti", "git", 1),
        ("bsah", "bash", 1),
        ("crul", "curl", 1),
        ("ngnix", "nginx", 1),
        ("postgrsql", "postgresql", 1),
        ("thunderbrid", "thunderbird", 1),
        ("vmi", "vim", 1),
        ("grepp", "grep", 1),
        ("sude", "sudo", 1),
    ],
)
def test_well_known_names_are_suggested(machine, typed, meant, place):
    assert meant in suggestions(machine, typed)[:place]


def misspelt(chance, name):
    """One letter too many, missing or wrong, or two of them swapped."""
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    at = chance.randrange(len(name) - 1)
    return chance.choice(
        [
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at:],
            name[:at] + letter + name[at + 1 :],
        ]
    )


def missed(machine, names):
    """{misspelt name: (meant, suggested)} of those that are not among the first ten."""
    chance = random.Random(9)
    known, found = set(machine.names), {}
    for name in chance.sample(sorted(n for n in names if len(n) >= 5), MISSPELT):
        typed = misspelt(chance, name)
        while typed in known or typed.startswith("-"):
            typed = misspelt(chance, name)
        names_shown = suggestions(machine, typed)
        if name not in names_shown[:10]:
            found[typed] = name, names_shown
    return found


@pytest.mark.parametrize("machine", ["own"], indirect=True)
def test_a_misspelt_name_is_nearly_always_found(machine):
    assert len(missed(machine, machine.names)) <= MISSPELT * 0.05


@pytest.mark.parametrize("machine", ["own"], indirect=True)
def test_a_misspelt_installed_name_is_always_found(machine):
    assert not missed(machine, [name for name, _, _ in machine.installed])
