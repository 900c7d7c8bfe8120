"""What only the daemon answers, as the command line shows it: ping, cache, refresh, metrics."""

import json
import re

import pytest

import house
import openmetrics


@pytest.fixture
def daemon(omg, system, tmp_path):
    """A daemon for the made-up system, and the words to ask it."""
    one = house.House(tmp_path, omg.environment, root=system.root)
    one.ask = lambda *words, **rest: omg("--socket", one.socket, *words, **rest)
    try:
        yield one.start()
    finally:
        one.close()


# --- words that need no daemon ----------------------------------------------------------------

@pytest.mark.parametrize("words, sentence", [
    (["ping", "x"], "ping takes no operands"),
    (["ping", "--count", "0"], "--count has to be a number from 1 to 1000000, not '0'"),
    (["ping", "--count", "1x"], "--count has to be a number from 1 to 1000000, not '1x'"),
    (["ping", "--limit", "1"], "ping has no option '--limit'"),
    (["status", "--count", "1"], "status has no option '--count'"),
    (["status", "--detach"], "status has no option '--detach'"),
    (["daemon", "x"], "daemon takes no operands"),
    (["cache", "empty"], "cache has no 'empty'"),
    (["cache", "clear", "x"], "cache clear takes no operands"),
    (["cache-stats"], "there is no command 'cache-stats'"),
    (["batch"], "there is no command 'batch'"),
    (["house"], "there is no command 'house'"),
    (["status", "--format", "openmetrics"], "status has no form 'openmetrics'"),
    (["metrics", "--format", "mdoc"], "metrics has no form 'mdoc'"),
    (["--timeout", "0", "ping"],
     "--timeout has to be a time of at most a day, as 2, 0.5s or 200ms, not '0'"),
    (["--timeout", "soon", "ping"],
     "--timeout has to be a time of at most a day, as 2, 0.5s or 200ms, not 'soon'"),
    (["--socket", "", "ping"], "--socket has to name a path"),
])
def test_wrong_usage(omg, words, sentence):
    ran = omg(*words)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode().startswith(f"omg: {sentence}")


def test_a_misspelt_word_is_told(omg):
    assert omg("cache", "claer").stderr == b"omg: cache has no 'claer'; did you mean 'clear'?\n"
    assert b"did you mean 'cache'?" in omg("cahce").stderr


def test_help_follows_the_rows(omg):
    said = omg("help").stdout.decode()
    groups = re.split(r"\n(?=[A-Z][\w ]+\n)", said)
    daemon = next(g for g in groups if g.startswith("The daemon\n"))
    assert re.findall(r"^  (\w+)", daemon, re.M) == ["ping", "metrics", "refresh", "cache", "daemon"]
    assert "hello" not in said and "batch" not in said and "__names" not in said
    assert "--count" not in said and "--count N" in omg("help", "ping").stdout.decode()
    assert "--detach" in omg("help", "daemon").stdout.decode()
    assert "Empty the daemon's cache" in omg("help", "cache").stdout.decode()


# --- with a daemon ------------------------------------------------------------------------------

def test_ping(daemon):
    ran = daemon.ask("ping")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"pong\n", b"")
    assert re.fullmatch(r"pong in [\d.]+ (ns|µs|ms)\n", daemon.ask("ping", "-v").stdout.decode())
    assert json.loads(daemon.ask("ping", "--json").stdout) == {"text": "pong"}
    many = daemon.ask("ping", "--count", "20").stdout.decode()
    span = r"[\d.]+ (?:ns|µs|ms)"
    assert re.fullmatch(f"20 times pong: shortest {span}, median {span}, longest {span}\n", many)
    told = json.loads(daemon.ask("ping", "--count", "20", "--json").stdout)
    assert told["count"] == 20
    assert 0 < told["shortest_ns"] <= told["median_ns"] <= told["longest_ns"]
    plain = dict(l.split("\t") for l in
                 daemon.ask("ping", "--count", "3", "--plain").stdout.decode().splitlines())
    assert plain.keys() == {"count", "shortest_ns", "median_ns", "longest_ns"}


def test_the_cache_is_shown_and_emptied(daemon):
    for _ in range(2):
        assert daemon.ask("search", "web").returncode == 0
    full = json.loads(daemon.ask("cache", "--json").stdout)
    assert full["size"] >= 1 and full["max_size"] >= full["size"]
    cleared = daemon.ask("cache", "clear")
    assert cleared.returncode == 0 and not cleared.stdout.startswith(b"Text:")
    assert cleared.stdout.count(b"\n") == 1
    assert json.loads(daemon.ask("cache", "--json").stdout)["size"] == 0


def test_refresh(daemon):
    done = json.loads(daemon.ask("refresh", "--json").stdout)
    assert done["generation"] >= 1 and done["catalogue"] is False
    assert re.search(rb"^Took: +[\d.]+ \S+$", daemon.ask("refresh").stdout, re.M)


def test_metrics_in_every_form(daemon):
    for _ in range(3):
        daemon.ask("search", "web")
    daemon.ask("info", "no-such-package")
    result = json.loads(daemon.ask("metrics", "--json").stdout)
    told = {o["operation"]: o for o in result["operations"]}
    assert told["search"]["calls"] >= 3 and told["info"]["errors"] >= 1
    lines = [l.split("\t") for l in daemon.ask("metrics").stdout.decode().splitlines()]
    search = next(l for l in lines if l[0] == "search")
    assert len(search) == 10 and int(search[1]) == told["search"]["calls"]
    assert {l[0] for l in lines if len(l) == 2} == {r["name"] for r in result["readings"]}
    table = daemon.ask("metrics", "--format", "text").stdout.decode()
    assert re.search(r"calls +errors +hits +in +out +median +99 % +longest\n", table)
    assert re.search(r"^search +3 ", table, re.M)


def test_openmetrics_is_well_formed(daemon):
    for _ in range(3):
        daemon.ask("search", "web")
    daemon.ask("info", "no-such-package")
    families = openmetrics.parse(daemon.ask("metrics", "--format", "openmetrics").stdout.decode())
    result = json.loads(daemon.ask("metrics", "--json").stdout)
    told = {o["operation"]: o for o in result["operations"]}
    calls = {labels["operation"]: value
             for _, labels, value in families["omg_operation_calls"].samples}
    assert calls["search"] == told["search"]["calls"] == 3
    took = [value for suffix, labels, value in families["omg_operation_duration_seconds"].samples
            if suffix == "_sum" and labels["operation"] == "search"]
    assert took == [told["search"]["total_ns"] / 1e9]
    for suffix, labels, value in families["omg_operation_answer_bytes"].samples:
        if suffix == "_count":
            assert value >= 1, labels
    for reading in result["readings"]:
        name = "omg_" + reading["name"]
        family = families.get(name) or families[f"{name}_{reading['unit']}"]
        assert family.type == reading["kind"] and family.help == reading["help"]
