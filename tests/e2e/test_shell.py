"""`omg shell`: as somebody at a terminal has it, and as a script has it."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import termios
import time

import pytest

import house

PATIENCE = 30
STYLE = re.compile(r"\r\x1b\[\d+C|\x1b\[[0-9;?]*[A-Za-z]")  # and where the cursor goes in the line
UP, DELETE, HOME = "\x1b[A", "\x7f", "\x1b[1~"


class Terminal:
    """omg on a terminal of its own. What it shows is taken without styles; each drawing of the line
    that is edited begins with a carriage return."""

    def __init__(self, path, environment, *words, columns=80, rows=24):
        self.leader, self.follower = pty.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.follower)
        full = {**environment, "TERM": "xterm"}
        self.pid = os.fork()
        if not self.pid:
            os.login_tty(self.follower)
            os.execve(path, [path, *words], full)
        self.shown = ""
        self.seen = 0

    def size(self, columns, rows):
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def take(self, seconds):
        """Reads what comes within that time; False when nothing did."""
        if not select.select([self.leader], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self.leader, 65536)
        except OSError:
            return False
        self.shown += piece.decode(errors="replace")
        return bool(piece)

    def expect(self, pattern, seconds=PATIENCE):
        """Waits for it behind all that was shown when something was last expected; gives the match.
        So a pattern has to end where nothing more will come without a key."""
        until = time.monotonic() + seconds
        while True:
            text = STYLE.sub("", self.shown[self.seen:]).replace("\r\n", "\n")
            found = re.search(pattern, text)
            if found:
                self.seen = len(self.shown)
                return found
            left = until - time.monotonic()
            if left <= 0 or not self.take(left):
                raise AssertionError(f"{pattern!r} did not come, but {text!r}")

    def type(self, keys):
        os.write(self.leader, keys.encode() if isinstance(keys, str) else keys)

    def run(self, line, prompt=r"omg> $"):
        """Enters a line; gives what it printed."""
        self.type(line)
        self.expect(re.escape(line[-8:]) + r"[^\n]*$")
        self.type("\r")
        found = self.expect(r"\n(?s:(.*))" + prompt)
        return found.group(1).rpartition("\r")[0]

    def prompt(self):
        self.expect(r"omg> $")
        return self

    def end(self):
        """Its exit status, once it ended; negative for a signal."""
        until = time.monotonic() + PATIENCE
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < until, "it does not end"
            self.take(0.01)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.leader)
        os.close(self.follower)


@pytest.fixture
def shell(omg, system):
    """Starts a shell for the made-up system; words are its own."""
    with contextlib.ExitStack() as stack:
        def start(*words, bare=False, env=None, **rest):
            own = [] if bare else ["shell", "--root", str(system.root), "--no-cache"]
            t = Terminal(omg.path, {**omg.environment, **(env or {})}, *own, *words, **rest)
            stack.callback(t.close)
            return t
        yield start


@pytest.fixture
def history(tmp_path):
    return tmp_path / "home/.local/state/omg/history"


# --- on a terminal --------------------------------------------------------------------------------

def test_a_bare_omg_on_a_terminal_is_the_shell(shell):
    t = shell(bare=True).prompt()
    assert "Ctrl-D leaves" in t.shown
    assert t.run("version").startswith("omg ")
    t.type("\x04")
    assert t.end() == 0


def test_the_same_commands_with_the_same_options(shell, omg, system):
    t = shell().prompt()
    assert "Total packages:    2" in t.run("status")
    assert '"total_packages": 2' in t.run("status --json")
    shown = t.run("info 'webserver-tiny' \"bash\"")
    assert "small server" in shown and "GNU Bourne Again SHell" in shown
    alone = omg("--root", str(system.root), "--no-cache", "status", "--plain").stdout.decode()
    assert t.run("status --plain") == alone
    for leave in ("exit", "quit"):
        t = shell().prompt()
        t.type(leave + "\r")
        assert t.end() == 0


def test_errors_do_not_end_it_and_are_seen(shell):
    t = shell().prompt()
    assert "did you mean 'status'?" in t.run("stauts", r"omg \[2\]> $")
    assert "a ' is not closed" in t.run("info 'a", r"omg \[2\]> $")
    assert "does nothing here" in t.run("search a | less", r"omg \[2\]> $")
    assert "there is no package 'bahs'" in t.run("info bahs", r"omg \[1\]> $")
    assert "is not for the shell" in t.run("daemon", r"omg \[6\]> $")
    assert "is not for the shell" in t.run("shell", r"omg \[6\]> $")
    t.run("status")
    t.type("\x04")
    assert t.end() == 0


def test_tab_completes(shell):
    t = shell().prompt()
    t.type("sea\t")
    t.expect(r"omg> search QUERY…$")  # and hints at the operand
    t.type("--li\t")
    t.expect(r"omg> search --limit N$")
    t.type("\x15info w\t")
    t.expect(r"omg> info webserver-tiny $")
    t.type("\x15status --color=al\t")
    t.expect(r"omg> status --color=always $")
    t.type("\x15cache c\t")
    t.expect(r"omg> cache clear $")
    t.type("\x15help doc\t")
    t.expect(r"omg> help doctor $")


def test_tab_lists_what_there_is(shell):
    t = shell(env={"NO_COLOR": "1"}).prompt()
    t.type("s\t")
    shown = t.expect(r"s\n(?s:(.*))\romg> s$").group(1)
    assert [l.split()[0] for l in shown.splitlines()] == ["search", "status", "suggest", "schema"]
    assert "Find packages" in shown
    t.type("\x15info \t")
    shown = t.expect(r"info \n(?s:(.*))\romg> info $").group(1)
    assert shown.split() == ["bash", "hostile", "libc6", "webserver-tiny"]
    t.type("\x15nonsense \t")
    t.expect("\x07")


def test_lines_come_back_in_the_next_session(shell, history):
    t = shell().prompt()
    t.run("status")
    t.run(" suggest secret", r"omg \[1\]> $")
    t.run("search web")
    t.type("\x04")
    t.end()
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert history.read_text() == "status\nsearch web\n"
    t = shell().prompt()
    t.type(UP)
    t.expect(r"omg> search web$")
    t.type(UP + "\r")
    assert "Total packages" in t.expect(r"\n(?s:(.*))omg> $").group(1)
    t.type("\x12web")
    t.expect(r"web': search web$")


def test_shells_at_once_keep_each_others_lines(shell, history):
    one, other = shell().prompt(), shell().prompt()
    one.run("status")
    other.run("version")
    one.run("search web")
    for t in (one, other):
        t.type("\x04")
        t.end()
    assert history.read_text() == "status\nversion\nsearch web\n"


def test_no_home_is_fine(shell, omg):
    del omg.environment["HOME"]
    t = shell().prompt()
    t.run("status")
    t.type(UP)
    t.expect(r"omg> status$")


def test_ctrl_c_drops_the_line(shell):
    t = shell().prompt()
    t.type("search somethi")
    t.expect("somethi$")
    t.type("\x03")
    t.expect(r"\^C\n(?s:.*)omg> $")
    assert "Total packages" in t.run("status")


def test_ctrl_d_leaves_only_an_empty_line(shell):
    t = shell().prompt()
    t.type("x\x01\x04")
    t.expect(r"omg> $")
    t.type("\x04")
    assert t.end() == 0


def test_keys_of_several_terminals(shell):
    t = shell().prompt()
    t.type("earch" + HOME + "s\x1b[F web" + "\x1b[1;5D" + "\x1bb" + "\x1b[3~\x1b[200~")
    t.expect(r"omg> search we$")
    t.type("\x1b\x7f\x1b\x7f")  # Alt-Backspace
    t.type("\x15status\x1bOH\x1bOF")
    t.expect(r"omg> status$")


def test_what_is_typed_cannot_steer_the_terminal(shell):
    t = shell().prompt()
    t.type(b"a\xffb\xc2\x9b31m\xe2\x80\xaec\xe2\x82d")
    shown = t.expect(r"omg> (a[^\r]*d)$").group(1)
    assert shown == "a\ufffdb\ufffd31m\ufffdc\ufffdd"
    t.type("\r")
    t.expect(r"omg \[2\]> $")


def test_a_line_has_an_end(shell):
    t = shell().prompt()
    for _ in range(10):
        t.type("x" * 1000)
        while t.take(0.2):
            pass
    t.type("\r")
    assert "there is no command" in t.expect(r"\n(?s:(.*))omg \[2\]> $").group(1)
    assert "Total packages" in t.run("status")


def test_time_tells_how_long(shell):
    t = shell().prompt()
    span = r"[\d.]+ (?:ns|µs|ms|s)"
    assert re.search(f"Total packages(?s:.*)\n1 call in {span}, {span} in all\n$",
                     t.run("time status"))
    assert re.search(f"2 calls in {span}", t.run("time info bash libc6"))
    assert re.search(f"\n{span} in all\n$", t.run("time version"))
    assert "time needs a command" in t.run("time", r"omg \[2\]> $")


@pytest.mark.parametrize("columns", [80, 40])
def test_nothing_is_wider_than_the_terminal(shell, columns):
    t = shell(columns=columns, rows=100, env={"NO_COLOR": "1", "PAGER": ""})
    t.prompt()
    for line in ("help", "help shell", "status", "search e", "info webserver-tiny", "doctor",
                 "stauts"):
        t.type(line + "\r")
        for row in t.expect(r"\n(?s:(.*))\romg(?: \[\d+\])?> $").group(1).splitlines():
            assert len(row) <= columns, row
    t.type("info --\t")
    shown = t.expect(r"info --\n(?s:(.*))\romg> info --$|\n(?s:(.*))> info --$")
    for row in (shown.group(1) or shown.group(2)).splitlines():
        assert len(row) <= columns, row


def test_a_new_size_is_noticed(shell):
    t = shell(columns=80, env={"NO_COLOR": "1"}).prompt()
    t.type("search " + "abcdefghij" * 5)
    t.expect("abcdefghij$")
    t.size(40, 20)
    t.expect(r"\romg> [^\r]{20,34}$")  # drawn anew without a key
    t.type("\x15")
    assert max(map(len, t.run("search e").splitlines())) <= 40


# --- paging ---------------------------------------------------------------------------------------

def test_what_is_longer_than_the_screen_is_paged(shell):
    t = shell(rows=10, env={"PAGER": "sed s/^/p:/"}).prompt()
    shown = t.run("help")
    assert shown.splitlines()[3].startswith("p:") and "p:  search" in shown
    assert "p:" not in t.run("status")
    t.size(80, 200)
    assert "p:" not in t.run("help")


def test_a_pager_that_is_not_there_is_done_without(shell, tmp_path):
    t = shell(rows=10, env={"PAGER": "no-such-pager", "PATH": str(tmp_path)}).prompt()
    t.type("help\r")
    t.expect(r"-- more --$")
    t.type("\r")
    t.expect(r"\n[^\n]*-- more --$")
    t.type(" ")
    t.expect(r"-- more --$")
    t.type("q")
    t.expect(r"omg> $")
    t.type("help\r")
    t.expect(r"-- more --$")
    t.type("\x03")
    t.expect(r"omg(?: \[130\])?> $")


@pytest.mark.skipif(not shutil.which("less"), reason="less is not installed")
def test_less_can_be_left(shell):
    t = shell(rows=10).prompt()
    for _ in range(2):
        t.type("schema\r")
        t.expect(r"\n:$")
        t.type("q")
        t.expect(r"omg> $")


@pytest.mark.skipif(os.geteuid() != 0, reason="root's power is lent by root")
@pytest.mark.parametrize("lent", ["SUDO_UID", "PKEXEC_UID"])
def test_power_that_was_lent_is_not_lent_on(shell, tmp_path, lent):
    less = tmp_path / "less"
    less.write_text("#!/bin/sh\nprintf '<%s>\\n' \"$LESSSECURE\" \"$LESSOPEN\" \"$LESSSECURE_ALLOW\"\n")
    less.chmod(0o755)
    own = {"PAGER": "sed s/^/p:/", "PATH": f"{tmp_path}:{os.environ['PATH']}",
           "LESSOPEN": "|id %s", "LESSSECURE_ALLOW": "shell"}
    assert "p:  search" in shell(rows=10, env=own).prompt().run("help")
    shown = shell(rows=10, env={**own, lent: "1000"}).prompt().run("help")
    assert "p:" not in shown and shown.split()[-3:] == ["<1>", "<>", "<>"]


# --- how it ends ----------------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_leaves_the_terminal_as_it_was(shell, number):
    t = shell().prompt()
    t.type("sta")
    t.expect("sta$")
    assert termios.tcgetattr(t.follower) != t.before  # raw
    os.kill(t.pid, number)
    assert t.end() == -number
    assert termios.tcgetattr(t.follower) == t.before


def test_leaving_leaves_the_terminal_as_it_was(shell):
    for keys in ("\x04", "exit\r", "abc\x03\x04"):
        t = shell().prompt()
        t.run("status")
        t.type(keys)
        assert t.end() == 0
        assert termios.tcgetattr(t.follower) == t.before


def test_commands_have_the_terminal_as_it_was(shell):
    t = shell(rows=10, env={"PAGER": "stty -a </dev/tty; cat >/dev/null"}).prompt()
    assert " icanon " in t.run("help").replace("\n", " ")


def test_a_terminal_that_is_gone(shell):
    t = shell().prompt()
    t.type("cache clear")
    t.expect("clear$")
    os.close(t.leader)
    os.close(t.follower)
    t.leader, t.follower = pty.openpty()
    assert t.end() in (0, -signal.SIGHUP)


def test_a_dumb_terminal(omg, system):
    t = Terminal(omg.path, omg.environment, "shell", "--root", str(system.root), "--no-cache")
    t.close()
    leader, follower = pty.openpty()
    ran = subprocess.Popen([omg.path, "shell", "--root", str(system.root), "--no-cache"],
                           stdin=follower, stdout=follower, stderr=follower,
                           env={**omg.environment, "TERM": "dumb"})
    os.close(follower)
    os.write(leader, b"status\n\x04")
    shown = b""
    with contextlib.suppress(OSError):
        while piece := os.read(leader, 65536):
            shown += piece
    os.close(leader)
    assert ran.wait(PATIENCE) == 0
    assert b"Total packages:    2" in shown and b"\x1b" not in shown


# --- with a daemon --------------------------------------------------------------------------------

@pytest.fixture
def daemon(omg, system, tmp_path):
    one = house.House(tmp_path, omg.environment, root=system.root)
    try:
        yield one.start()
    finally:
        one.close()


def test_ctrl_c_ends_a_command(shell, daemon):
    t = shell("shell", "--socket", daemon.socket, bare=True).prompt()
    t.type("ping --count 1000000\r")
    t.expect(r"ping --count 1000000\n")
    time.sleep(0.2)
    t.type("\x03")
    t.expect(r"\^C(?s:.*)omg \[130\]> $")
    assert t.run("ping").startswith("pong in ")


def test_ctrl_c_gives_up_a_daemon_that_hangs(shell, tmp_path):
    path = str(tmp_path / "hung.sock")
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(path)
        hung.listen()
        t = shell("shell", "--socket", path, "--timeout", "1min", bare=True).prompt()
        for line in ("ping", "status"):
            t.type(line + "\r")
            t.expect(line + r"\n$")
            with hung.accept()[0] as peer:
                peer.recv(64)
                begun = time.monotonic()
                t.type("\x03")
                t.expect(r"\^C(?s:.*)omg \[130\]> $")
                assert time.monotonic() - begun < 5


def test_one_connection_that_survives_the_daemon(shell, daemon):
    t = shell("shell", "--socket", daemon.socket, bare=True).prompt()
    for _ in range(3):
        assert t.run("ping").startswith("pong in ")
    before = re.search(r"clients accepted +(\d+)", t.run("metrics --format text")).group(1)
    t.run("ping")
    after = re.search(r"clients accepted +(\d+)", t.run("metrics --format text")).group(1)
    assert after == before
    daemon.stop()
    assert "no daemon listens" in t.run("ping", r"omg \[5\]> $")
    daemon.start()
    assert t.run("ping").startswith("pong in ")


# --- as a script ------------------------------------------------------------------------------------

def script(omg, system, text, **rest):
    words = ["shell", "--root", str(system.root), "--no-cache"]
    reader, writer = os.pipe()
    os.write(writer, text if isinstance(text, bytes) else text.encode())
    os.close(writer)
    with os.fdopen(reader) as lines:
        return omg(*words, stdin=lines, **rest)


def test_a_script_runs_plainly(omg, system, history):
    ran = script(omg, system, "# a comment\n\nsearch web\nstatus --plain # another\n")
    alone = [omg("--root", str(system.root), "--no-cache", *words).stdout
             for words in (["search", "web"], ["status", "--plain"])]
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"".join(alone), b"")
    assert not history.exists()


@pytest.mark.parametrize("text, status", [
    ("status\n", 0), ("info bahs\nstatus\n", 1), ("info bahs\nserach\nstatus\n", 2),
    ("info 'a\n", 2), ("exit\nserach\n", 0), ("serach\nexit\n", 2), ("status", 0), ("", 0),
    ("info a\0b\n", 2), ("#" * 100, 0), ("time status\n", 0),
])
def test_the_worst_status_is_the_scripts(omg, system, text, status):
    assert script(omg, system, text).returncode == status


def test_a_script_with_a_line_that_is_too_long(omg, system):
    ran = script(omg, system, "status --plain\n" + "x" * 20000 + " status\nversion\n")
    assert ran.returncode == 2
    assert ran.stderr == b"omg: the line is longer than 8192 bytes. See `omg help`.\n"
    assert ran.stdout.endswith(b"\n") and ran.stdout.count(b"omg ") == 1


def test_options_of_the_shell_hold_for_every_line(omg, system):
    words = ["shell", "--root", str(system.root), "--no-cache", "--json"]
    ran = subprocess.run([omg.path, *words], input=b"status\nstatus --plain\nstatus\n",
                         env=omg.environment, capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0
    assert ran.stdout.count(b'{"total_packages":2') == 2
    assert ran.stdout.count(b"total_packages\t2\n") == 1


def test_answers_are_as_new_as_the_files(omg, system):
    process = subprocess.Popen([omg.path, "shell", "--root", str(system.root), "--plain"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=omg.environment)
    def ask():
        process.stdin.write(b"status\n")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(5)]
        return lines[0]
    assert ask() == b"total_packages\t2\n"
    system.status.write_text(system.status.read_text().split("\n\n")[0] + "\n\n")
    house.wait_for(lambda: ask() == b"total_packages\t1\n", what="the new answer")
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    process.stdout.close()
