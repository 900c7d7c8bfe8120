"""The command line: words, forms, exit statuses, terminals, completions."""

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios

import pytest


def on_terminal(omg, *words, columns=80, env=None):
    """Runs omg on a terminal of its own; gives what it showed and its exit status."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    full = {**omg.environment, "TERM": "xterm", **(env or {})}
    process = subprocess.Popen([omg.path, *words], stdin=follower, stdout=follower,
                               stderr=subprocess.PIPE, env=full)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    process.stderr.close()
    return shown.decode().replace("\r\n", "\n"), process.wait(timeout=60)


def rooted(system):
    return "--root", str(system.root), "--no-cache"


# --- usage ----------------------------------------------------------------------------------

@pytest.mark.parametrize("words, sentence", [
    (["serach", "x"], "omg: there is no command 'serach'; did you mean 'search'?\n"),
    (["--jsn", "status"], "omg: there is no option '--jsn'; did you mean '--json'?\n"),
    (["search"], "omg: search needs a query. See `omg help`.\n"),
    (["search", ""], "omg: the query is empty. See `omg help`.\n"),
    (["search", "x" * 501], "omg: the query is longer than 500 bytes. See `omg help`.\n"),
    (["search", b"\xff"], "omg: the query is not UTF-8. See `omg help`.\n"),
    (["search", "x", "--limit", "1x"],
     "omg: --limit has to be a whole number, not '1x'. See `omg help`.\n"),
    (["info"], "omg: info needs a package. See `omg help`.\n"),
    (["info", "--", "-x"], "omg: the package name begins with '-'. See `omg help`.\n"),
    (["info", "a", "--limit", "3"], "omg: info has no option '--limit'. See `omg help`.\n"),
    (["status", "x"], "omg: status takes no operands. See `omg help`.\n"),
    (["status", "--format", "mdoc"], "omg: status has no form 'mdoc'. See `omg help`.\n"),
    (["--color", "red", "status"],
     "omg: --color has to be one of auto|always|never. See `omg help`.\n"),
])
def test_wrong_usage_is_one_line_and_status_2(omg, words, sentence):
    ran = omg(*words)
    assert (ran.returncode, ran.stdout, ran.stderr.decode()) == (2, b"", sentence)


def test_an_error_is_said_in_json_too(omg):
    ran = omg("--json", "search", "")
    assert ran.returncode == 2
    assert json.loads(ran.stdout) == {
        "error": {"code": -32602, "name": "INVALID_PARAMS", "message": "the query is empty"}}
    assert ran.stderr.startswith(b"omg: ")


def test_an_error_cannot_steer_the_terminal(omg):
    ran = omg("info", "a\x1b[31mb")
    assert ran.returncode == 2
    assert b"\x1b" not in ran.stderr
    ran = omg("\x1b]0;title\x07")
    assert b"\x1b" not in ran.stderr and b"\x07" not in ran.stderr


def test_settings_are_read_and_refused(omg, tmp_path):
    conf = tmp_path / "omg.conf"
    conf.write_text("# mine\nsearch.limits = 3\n")
    ran = omg("status", env={"OMG_CONFIG": str(conf)})
    assert ran.returncode == 2
    assert ran.stderr.decode().startswith(f"omg: {conf}:2: there is no setting 'search.limits'")
    ran = omg("status", env={"OMG_CONFIG": str(tmp_path / "none")})
    assert ran.returncode == 1


# --- commands without packages ----------------------------------------------------------------

def test_help_and_version(omg):
    bare, asked = omg(), omg("help")
    assert bare.returncode == 0 and bare.stdout == asked.stdout
    for word in (b"search", b"info", b"--json", b"--limit"):
        assert word in asked.stdout + omg("help", "search").stdout
    assert omg("help", "search").stdout == omg("search", "--help").stdout
    assert omg("help", "serach").returncode == 2
    version = omg("version").stdout
    assert re.fullmatch(rb"omg \d+\.\d+\.\d+\n", version)
    assert omg("--version").stdout == version
    assert json.loads(omg("version", "--json").stdout)["version"] in version.decode()


def test_the_schema_has_forms(omg):
    schema = json.loads(omg("schema", "--json").stdout)
    assert schema["operations"][0]["name"] == "search"
    assert {e["name"] for e in schema["errors"]} >= {"PARSE_ERROR", "PACKAGE_NOT_FOUND"}
    assert b"search_request" in omg("schema").stdout
    assert omg("schema", "--format", "markdown").stdout.startswith(b"### Operations")
    mdoc = omg("schema", "--format", "mdoc").stdout
    assert mdoc.startswith(b".Ss Operations\n")
    if shutil.which("mandoc"):
        page = b".Dd $Mdocdate$\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Sh SCHEMA\n" + mdoc
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=page,
                              capture_output=True, check=False)
        assert [l for l in lint.stdout.splitlines() if b"date" not in l.lower()] == []


def test_output_that_cannot_be_written(omg):
    with open("/dev/full", "wb") as full:
        ran = omg("help", stdout=full, stderr=subprocess.PIPE)
    assert ran.returncode == 9 and ran.stderr.startswith(b"omg: ")
    closed = subprocess.run(["sh", "-c", '"$1" help >&-', "sh", omg.path], capture_output=True,
                            env=omg.environment, check=False)
    assert closed.returncode == 9


def test_a_reader_who_leaves_is_no_error(omg):
    reader, writer = os.pipe()
    os.close(reader)
    ran = omg("help", stdout=writer, stderr=subprocess.PIPE, restore_signals=False)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (0, b"")


# --- packages -----------------------------------------------------------------------------------

def test_a_pipe_gets_tabs(omg, system):
    ran = omg(*rooted(system), "search", "web")
    assert ran.returncode == 0
    rows = [line.split("\t") for line in ran.stdout.decode().splitlines()]
    assert ["webserver-tiny", "1:0.9~rc1-1", "small server for the web", "apt"] in rows
    assert b"\x1b" not in ran.stdout


def test_nothing_found_is_status_1(omg, system):
    ran = omg(*rooted(system), "search", "zzzzzz")
    assert (ran.returncode, ran.stdout) == (1, b"")
    ran = omg(*rooted(system), "info", "bahs")
    assert ran.returncode == 1
    assert "there is no package 'bahs'" in ran.stderr.decode()
    assert "bash" in ran.stderr.decode()


def test_several_packages_are_several_documents(omg, system):
    ran = omg(*rooted(system), "info", "--json", "bash", "nosuchpackage", "libc6")
    assert ran.returncode == 1
    first, second, third = map(json.loads, ran.stdout.decode().splitlines())
    assert (first["name"], third["name"]) == ("bash", "libc6")
    assert second["error"]["name"] == "PACKAGE_NOT_FOUND"


def test_limits_come_from_options_and_settings(omg, system, tmp_path):
    conf = tmp_path / "omg.conf"
    conf.write_text("search.limit = 1\n")
    env = {"OMG_CONFIG": str(conf)}
    result = json.loads(omg(*rooted(system), "--json", "search", "e", env=env).stdout)
    assert len(result["packages"]) == 1 and result["total"] > 1
    result = json.loads(omg(*rooted(system), "--json", "search", "e", "--limit=2", env=env).stdout)
    assert len(result["packages"]) == 2
    assert omg(*rooted(system), "search", "e", "--limit", "0").stdout.strip().isdigit()


def test_status_is_labelled_or_exact(omg, system):
    assert b"Total packages:" in omg(*rooted(system), "status").stdout
    plain = dict(line.split("\t") for line in
                 omg(*rooted(system), "--plain", "status").stdout.decode().splitlines())
    assert plain["total_packages"] == "2"
    assert json.loads(omg(*rooted(system), "--json", "status").stdout)["total_packages"] == 2


def test_a_terminal_of_40_columns(omg, system):
    for words in (["search", "e"], ["info", "webserver-tiny"], ["status"]):
        shown, _ = on_terminal(omg, *rooted(system), "--color", "never", *words, columns=40)
        for line in shown.splitlines():
            assert len(line) <= 40, line


def test_colour_where_it_is_wanted(omg, system):
    words = (*rooted(system), "search", "bash")
    assert "\x1b[1m" in on_terminal(omg, *words)[0]
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(omg, *words, env=env)[0]
    assert "\x1b" in on_terminal(omg, *words, env={"NO_COLOR": ""})[0]
    assert "\x1b" not in on_terminal(omg, *words, "--color=never")[0]
    assert b"\x1b" in omg(*words, "--color", "always").stdout


def test_hostile_packages_steer_no_terminal(omg, system):
    for words in (["search", "hostile"], ["search", "hostile", "--plain"], ["info", "hostile"],
                  ["info", "hostile", "--json"]):
        shown, status = on_terminal(omg, *rooted(system), "--color", "never", *words)
        assert status == 0
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown), words


def test_a_closing_line_only_on_a_terminal(omg, system):
    words = (*rooted(system), "search", "e", "--limit", "1")
    assert "showing 1 of" in on_terminal(omg, *words)[0]
    ran = omg(*words)
    assert b"showing" not in ran.stdout + ran.stderr


# --- completions ----------------------------------------------------------------------------------

COMPLETE = """
source <("$OMG" completion bash) || exit
omg() { "$OMG" "$@"; }
complete -p omg >/dev/null || exit
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_omg
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("words, offered", [
    (["omg", "se"], ["search"]),
    (["omg", "search", "--li"], ["--limit"]),
    (["omg", "info", "--li"], [""]),
    (["omg", "--format", "ma"], ["markdown"]),
    (["omg", "--color", "=", "al"], ["always"]),
    (["omg", "help", "doc"], ["doctor"]),
    (["omg", "completion", ""], ["bash", "zsh", "fish"]),
    (["omg", "cache", ""], ["clear"]),
    (["omg", "ping", "--co"], ["--color", "--count"]),
    (["omg", "status", "--co"], ["--color"]),
    (["omg", "search", "--tok"], [""]),
    (["omg", "--timeout", ""], [""]),
    (["omg", "ti"], [""]),
])
def test_bash_completes(omg, words, offered):
    ran = subprocess.run(["bash", "-c", COMPLETE, "bash", *words], capture_output=True, check=False,
                         env={**omg.environment, "OMG": omg.path})
    assert ran.stdout.decode().split("\n")[:-1] == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_parse(omg, shell):
    script = omg("completion", shell)
    assert script.returncode == 0
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    checked = subprocess.run([shell, "-n"], input=script.stdout, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_fish_completes(omg):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    ran = subprocess.run(
        ["fish", "-c", '"$OMG" completion fish | source; complete -C "omg sear"'],
        capture_output=True, check=False, env={**omg.environment, "OMG": omg.path})
    assert ran.stdout.startswith(b"search\t")


def test_names_are_completed(omg, system):
    ran = omg("__names", "web", *rooted(system))
    assert ran.stdout == b"webserver-tiny\n"
