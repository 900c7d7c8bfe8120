"""`./build.sh install`: what it puts where, and that systemd, manual pages, shells and the daemon take
it from there."""

import os
import pwd
import shutil
import socket
import stat
import subprocess
import time

import pytest

import conftest
import wire_module

TOP = conftest.HERE.parent.parent

PROGRAMS = {"bin/omg", "bin/omgd"}
PAGES = {"man1/omg.1", "man5/omg.conf.5", "man7/omg-internals.7", "man7/omg-protocol.7", "man8/omgd.8"}
COMPLETIONS = {
    "bash": "share/bash-completion/completions/omg",
    "zsh": "share/zsh/site-functions/_omg",
    "fish": "share/fish/vendor_completions.d/omg.fish",
}
UNITS = {f"lib/systemd/{who}/omgd.{kind}" for who in ("system", "user") for kind in ("service", "socket")}
USERS = "lib/sysusers.d/omg.conf"


def install(prefix, destdir=""):
    environment = {**os.environ, "DESTDIR": str(destdir)}
    words = [] if prefix is None else [str(prefix)]
    return subprocess.run([TOP / "build.sh", "install", *words], env=environment, timeout=300,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """What a package of a distribution would hold: the standard prefix below DESTDIR."""
    folder = tmp_path_factory.mktemp("packaged")
    done = install(None, folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Installed to be run from where it lies, in a folder with a blank in its name."""
    prefix = tmp_path_factory.mktemp("installed") / "o m g"
    done = install(prefix)
    assert done.returncode == 0, done.stderr
    return prefix


def tool(name):
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def files_below(folder):
    return {str(p.relative_to(folder)): p for p in folder.rglob("*") if not p.is_dir()}


# --- what there is ---------------------------------------------------------------------------

def test_everything_is_there_and_nothing_else(packaged):
    folder, _ = packaged
    wanted = PROGRAMS | {f"share/man/{page}" for page in PAGES} | set(COMPLETIONS.values()) | UNITS | {USERS}
    assert set(files_below(folder)) == {f"usr/local/{name}" for name in wanted}


def test_only_programs_may_be_run_and_nobody_may_write(packaged):
    folder, _ = packaged
    for name, path in files_below(folder / "usr/local").items():
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == (0o755 if name in PROGRAMS else 0o644), name


def test_it_tells_what_is_left_to_do_and_does_not_do_it(packaged):
    _, said = packaged
    assert "systemd-sysusers /usr/local/lib/sysusers.d/omg.conf\n" in said
    assert "systemctl enable --now omgd.socket\n" in said
    assert "systemctl --user enable --now omgd.socket\n" in said


def test_omgd_is_omg(place):
    assert os.readlink(place / "bin/omgd") == "omg"
    said = subprocess.run([place / "bin/omgd", "version"], env={"OMG_CONFIG": ""}, capture_output=True,
                          timeout=60, check=True)
    assert said.stdout.startswith(b"omg ")


@pytest.mark.parametrize("character", ['"', "$", "%", "\\", "\n"])
def test_a_prefix_that_a_unit_would_misread_is_refused(tmp_path, character):
    done = install(tmp_path / f"a{character}b")
    assert done.returncode == 1
    assert "has a character that systemd would misread" in done.stderr
    assert not list(tmp_path.iterdir())


# --- manual pages and completions --------------------------------------------------------------

@pytest.mark.parametrize("page", sorted(PAGES))
def test_man_finds_the_pages(place, page):
    name, section = page.split("/")[1].rsplit(".", 1)
    said = subprocess.run([tool("man"), "-M", place / "share/man", "-w", section, name],
                          capture_output=True, text=True, timeout=60, check=False)
    assert said.stdout.strip() == str(place / "share/man" / page)


@pytest.mark.parametrize("shell", sorted(COMPLETIONS))
def test_completions_are_those_of_the_program(place, shell):
    said = subprocess.run([place / "bin/omg", "completion", shell], env={"OMG_CONFIG": ""},
                          capture_output=True, timeout=60, check=True)
    assert said.stdout
    assert (place / COMPLETIONS[shell]).read_bytes() == said.stdout


def test_bash_loads_the_completion_by_the_name_of_its_file(place):
    script = 'source "$0"; complete -p omg'
    said = subprocess.run([tool("bash"), "--norc", "-c", script, place / COMPLETIONS["bash"]],
                          capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0 and said.stdout.strip().endswith(" omg")


# --- units -----------------------------------------------------------------------------------

def lines_of(unit):
    """{key: [values]} of a unit; every key here is of one section only."""
    found = {}
    for line in unit.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(("#", " ")):
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("who", ["system", "user"])
def test_the_program_has_its_place_in_the_units(packaged, place, who):
    folder, _ = packaged
    for at, prefix in ((folder / "usr/local", "/usr/local"), (place, place)):
        unit = at / f"lib/systemd/{who}/omgd.service"
        assert lines_of(unit)["ExecStart"] == [f'"{prefix}/bin/omgd"']
        assert "@PREFIX@" not in unit.read_text()


def test_the_sockets_lie_where_clients_look_for_them(place):
    system = lines_of(place / "lib/systemd/system/omgd.socket")
    user = lines_of(place / "lib/systemd/user/omgd.socket")
    assert (system["ListenStream"], system["SocketMode"]) == (["/run/omg.sock"], ["0600"])
    assert (user["ListenStream"], user["SocketMode"]) == (["%t/omg.sock"], ["0600"])


@pytest.mark.parametrize("who", ["system", "user"])
def test_systemd_has_nothing_to_say_against_the_units(place, tmp_path, who):
    units = [place / f"lib/systemd/{who}/omgd.{kind}" for kind in ("service", "socket")]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([tool("systemd-analyze"), "verify", f"--{who}", "--man=no", *units],
                          env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# What the loop, the processes and the index live on; a filter that takes one away stops the daemon.
CALLS = ("epoll_create1", "timerfd_create", "timerfd_settime", "signalfd4", "pidfd_open", "inotify_init1",
         "memfd_create", "socketpair", "accept4", "execve", "flock", "seccomp", "landlock_restrict_self")


@pytest.mark.parametrize("who", ("system", "user"))
def test_the_units_allow_what_the_daemon_calls(packaged, who):
    text = (packaged[0] / f"usr/local/lib/systemd/{who}/omgd.service").read_text()
    denied = [word for line in text.splitlines() if line.startswith("SystemCallFilter=~")
              for word in line.partition("~")[2].split()]
    shown = subprocess.run([tool("systemd-analyze"), "syscall-filter", "--no-pager", *denied],
                           capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert not set(shown.stdout.split()) & set(CALLS)


def test_the_unit_of_the_machine_leaves_the_daemon_little(place):
    tenths = 20  # of ten; more than that would be exposed
    done = subprocess.run(
        [tool("systemd-analyze"), "security", "--offline=yes", "--no-pager", f"--threshold={tenths}",
         place / "lib/systemd/system/omgd.service"],
        capture_output=True, text=True, timeout=60, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    assert done.returncode == 0, done.stdout


def test_the_user_for_the_powerless_processes_may_not_log_in(place, tmp_path):
    if os.geteuid():
        pytest.skip("only root may make a file of users")
    (tmp_path / "etc").mkdir()
    subprocess.run([tool("systemd-sysusers"), f"--root={tmp_path}", place / USERS], timeout=60,
                   capture_output=True, check=True)
    words = (tmp_path / "etc/passwd").read_text().strip().split(":")
    assert words[0] == "omg" and words[6].endswith("/nologin")
    assert pwd.getpwnam("root").pw_uid == 0 != int(words[2])


# --- the daemon by socket activation -----------------------------------------------------------

def ask(path, operation, **fields):
    with wire_module.load().Client(str(path), timeout=30) as client:
        return client.call(operation, **fields)


@pytest.fixture
def activated(place, system, tmp_path):
    """The installed daemon behind a socket that is listened on for it, not running yet."""
    conf = tmp_path / "daemon.conf"
    conf.write_text(f"daemon.root = {system.root}\ncache.dir = {tmp_path / 'cache'}\nverbose = 1\n")
    at, other = tmp_path / "x.sock", tmp_path / "other.sock"
    with open(tmp_path / "log", "wb") as log:
        manager = subprocess.Popen(
            [tool("systemd-socket-activate"), "-l", at, "-E", f"OMG_CONFIG={conf}",
             place / "bin/omgd", "--socket", other],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    until = time.monotonic() + 30
    while not at.exists():
        assert time.monotonic() < until and manager.poll() is None
        time.sleep(0.01)
    yield at, other, manager, tmp_path / "log"
    if manager.poll() is None:
        manager.kill()
    manager.wait()


def test_the_first_client_starts_the_daemon(activated):
    at, other, manager, log = activated
    assert ask(at, "ping").text == "pong"
    assert ask(at, "status").total_packages == 2
    assert "omgd: serving on the socket that was handed over" in log.read_text()
    assert not other.exists(), "a socket that is handed over counts before --socket"
    manager.terminate()  # by now it is the daemon
    assert manager.wait(30) == 0


def test_a_socket_that_was_handed_over_stays_and_has_no_lock(activated):
    at, _, manager, _ = activated
    ask(at, "ping")
    assert not at.with_name(at.name + ".lock").exists()
    manager.terminate()
    manager.wait(30)
    assert stat.S_ISSOCK(at.stat().st_mode)
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect(str(at))
