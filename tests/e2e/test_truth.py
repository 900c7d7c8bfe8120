"""What omg says is what Debian's own tools say on the same machine, for every package."""

import fcntl
import pathlib
import random
import re
import shutil
import subprocess

import pytest
from oracle import Machine, licences, long_text, relations, settled

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
    """Kept among pytest's folders from run to run, where an update fetches little."""
    root = tmp_path_factory.getbasetemp().parent / "stock-debian"
    root.mkdir(exist_ok=True)
    with open(root / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        machine = Machine(root, root / "scratch", make_stock(root))
        try:
            machine.apt("apt-get", "-q", "update")
        except subprocess.TimeoutExpired:
            pass
        if not any((root / "var/lib/apt/lists").glob("*_Translation-en")):
            pytest.skip("there is no network to fetch package lists from")
        yield machine


@pytest.fixture(params=["own", "stock"], scope="session")
def machine(request, tmp_path_factory):
    if request.param == "stock":
        return request.getfixturevalue("stock")
    return Machine("/", tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    return Machine("/", tmp_path_factory.mktemp("own"))


def differences(got, wanted):
    """{name: (got, wanted)}, so that a failure shows what differs and nothing else."""
    return {k: (got.get(k), wanted.get(k)) for k in {*got, *wanted} if got.get(k) != wanted.get(k)}


# --- what is installed --------------------------------------------------------------------------


@settled
def test_every_installed_version_is_known(machine):
    wanted = {f"{name}:{arch}={version}": version for name, arch, version in machine.installed}
    assert not differences(machine.versions(wanted), wanted)


@settled
def test_installed_packages_are_counted(machine):
    assert machine.answer("status")["total_packages"] == len(machine.installed)


@settled
def test_explicit_is_what_apt_mark_calls_manual(machine):
    assert machine.answer("explicit")["packages"] == sorted(machine.manual)


@settled
def test_explicit_packages_are_counted(machine):
    assert machine.answer("status")["explicit_packages"] == len(machine.manual)


@settled
def test_orphans_are_what_autoremove_would_remove(machine):
    assert machine.answer("status")["orphan_packages"] == len(machine.removable)


# --- what is on offer ---------------------------------------------------------------------------


@settled
def test_every_candidate_is_apts(machine):
    assert not differences(machine.versions(machine.names), machine.candidates)


@settled
def test_updates_are_what_apt_lists(machine):
    assert machine.answer("status")["updates_available"] == len(machine.upgradable)


@settled
def test_every_update_has_apts_version(machine):
    wanted = {name: version for name, (_, version) in machine.upgradable.items()}
    assert not differences(machine.versions(wanted), wanted)


@settled
def test_security_updates_come_from_a_security_suite(machine):
    security = [s for s, _ in machine.upgradable.values() if any(x.endswith("-security") for x in s)]
    assert machine.answer("status")["security_vulnerabilities"] == len(security)


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
    got = {name: infos[name].get(field, infos[name]["description"].split("\n")[0]) for name in wanted}
    assert not differences(got, wanted)
