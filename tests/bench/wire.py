"""The sections about the daemon: calls, processes that call it, its refreshing, its memory."""
import contextlib
import os
import shutil
import signal
import sys
import threading
import time

import daemon
import questions
import stock
from report import (DATA, OMG, PROGRAMS, bytes_of, digits, median, note, print_rows, program, reach,
                    time_of, times_of)

WIRE_ROUNDS, FLIGHT_ROUNDS, SPAWN_ROUNDS, REFRESH_ROUNDS = 21, 11, 300, 12
SEARCHES, MISSPELT, INFOS = 1000, 500, 1000
IDLE_S = 20
PLACES = {"one": "one core", "two": "two cores", "free": "unpinned"}
FOLDER = DATA / "daemon"


def other_core(core):
    """-1 when there is none."""
    return next((n for n in range(os.cpu_count()) if n != core), -1)


def unpinned():
    os.sched_setaffinity(0, range(os.cpu_count()))


def load_note():
    note(f"Load meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


# --- calls -----------------------------------------------------------------------------------

def latency_rows(got):
    """For each row of the table: name, label, reach by the figures of floor and omg."""
    def plus(us):
        return lambda floor, own: reach(own["p50"], floor["p50"] + us * 1000) + \
            f" (floor + {us} µs)"

    def ping(floor, own):
        return (f"p50 {reach(own['p50'], 1.25 * floor['p50'])}, "
                f"p99 {reach(own['p99'], 2 * floor['p99'])}")

    def search(floor, own):
        return plus(20)(floor, own) + f", p99 {reach(own['p99'], floor['p99'] + 250e3)}"

    return [("ping", "ping", ping), ("connect", "connect, ping, close", None),
            ("status", "status", plus(3)), ("info", "info, uncached", plus(3)),
            ("info_kept", "info, cached", plus(3)), ("search", "search, uncached", search),
            ("search_kept", "search, cached", None), ("suggest", "suggest, uncached", plus(150))]


def print_latency(got, core):
    rows = []
    for name, label, judge in latency_rows(got):
        one = got["one"][name]
        floor, own = one["floor"], one["omg"]
        rows.append([label, time_of(own["p50"]), time_of(own["p99"]), time_of(floor["p50"]),
                     time_of(floor["p99"]), time_of(max(0, own["p50"] - floor["p50"])),
                     times_of(own["p50"] / floor["p50"]),
                     f"{one['bytes']:,}", judge(floor, own) if judge else ""])
        peer = {"ping": "peer: redis PING", "connect": "peer: redis, connect, PING, close",
                "status": "peer: redis GET of 1,000 bytes"}.get(name)
        if "redis" in one and peer:
            his = one["redis"]
            rows.append([peer, time_of(his["p50"]), time_of(his["p99"]), "", "",
                         time_of(max(0, his["p50"] - floor["p50"])),
                         times_of(his["p50"] / floor["p50"]), "", ""])
    print_rows(f"Calls, one at a time; client and daemon on core {core}; {WIRE_ROUNDS} rounds",
               ["", "p50", "p99", "floor p50", "floor p99", "p50 − floor", "ratio", "bytes",
                "reach"], rows)
    rows = []
    for name, label, _ in latency_rows(got):
        row = [label]
        for place in [place for place in PLACES if place in got]:
            one = got[place][name]
            row += [time_of(one["omg"]["p50"]), time_of(one["floor"]["p50"])]
        rows.append(row)
    heads = [""]
    for place in [place for place in PLACES if place in got]:
        heads += [PLACES[place], "floor"]
    print_rows("The same, p50, elsewhere", heads + [""], rows)


def millions(rate):
    return digits(rate / 1e6) + " M/s"


def at_least(rate, least):
    return f"≥ {millions(least)}: {'met' if rate >= least else 'MISSED'}"


def print_flight(got):
    labels = {"ping": "pings, 64 in flight", "info": "infos, uncached, 64 in flight",
              "info_kept": "infos, cached, 64 in flight",
              "ping_mux": "pings, 64 in flight, with client/mux",
              "info_mux": "infos, cached, 64 in flight, with client/mux",
              "alone": "pings of 1 client process", "crowd": "pings of 16 client processes"}
    goals = {"ping": 3e6, "info": 1e6, "info_kept": 1e6, "ping_mux": 3e6, "info_mux": 1e6,
             "crowd": 0.8 * got["one"]["alone"]["omg"]["median"]}
    rows = []
    for name, label in labels.items():
        one = got["one"][name]
        own = one["omg"]["median"]
        row = [label, millions(own), millions(one["omg"]["most"])]
        row += [millions(one[peer]["median"]) if peer in one else "" for peer in ("floor", "redis")]
        for place in ("two", "free"):
            row += [millions(got[place][name]["omg"]["median"]) if place in got else ""]
        rows.append(row + [at_least(own, goals[name]) if name in goals else ""])
    print_rows(f"Calls a second; one core unless it says otherwise; {FLIGHT_ROUNDS} rounds",
               ["", "median", "best", "floor", "redis", "two cores", "unpinned", "reach"], rows)
    note("redis: PING, and GET of 1,000 bytes beside infos. Every client keeps 64 calls in flight.")
    note("Of one client the median of pieces of 640 calls; of processes all their calls in 60 ms.")


def section_wire(bench):
    if bench.absent:
        return
    core = min(os.sched_getaffinity(0))
    search = bench.lines("searches", questions.searches(bench.known, SEARCHES))
    misspelt = bench.lines("misspelt", questions.misspelt(bench.known, MISSPELT))
    names = bench.lines("names", questions.names(bench.known, INFOS))
    found, where = shutil.which("redis-server"), [core, other_core(core)]
    if not found:
        note("redis-server is not installed: its rows are left out")
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(daemon.Daemon(FOLDER, bench.stock.root))
        others = {"floor": stack.enter_context(daemon.echo(FOLDER))}
        if found:
            others["redis"] = stack.enter_context(daemon.redis(FOLDER, found))
        servers = [f"{name}:{one.process.pid}:{one.path}" for name, one in others.items()]
        servers.insert(1, f"omg:{own.pids()['broker']}:{own.socket}")
        print_latency(program("wire", *where, WIRE_ROUNDS, search, misspelt, names, *servers), core)
        print_flight(program("flight", *where, FLIGHT_ROUNDS, names, *servers))
    note("The floor is an epoll echo that is asked for frames of the same lengths, in turns with")
    note("the daemon. Quantiles of ping, connect and status are medians of each round's; those of")
    note("the others are over the questions, each of which is the median of its rounds.")
    load_note()


# --- processes -------------------------------------------------------------------------------

def section_client(bench):
    if bench.absent:
        return
    with daemon.Daemon(FOLDER, bench.stock.root) as own:
        settings = [f"OMG_CONFIG={own.config}", f"OMG_SOCKET={own.socket}"]
        commands = {"floor": [1, str(PROGRAMS / "floor_empty")],
                    "bare": [1, str(PROGRAMS / "floor_ping"), str(own.socket)],
                    "ping": [1, *settings, OMG, "ping"],
                    "search": [1, *settings, OMG, "search", "firefox"],
                    "alone": [1, *settings, OMG, "--no-daemon", "--root", str(bench.stock.root),
                              "search", "firefox"],
                    "info": [1, *settings, OMG, "info", "bash"],
                    "status": [1, *settings, OMG, "status"]}
        arguments = []
        for command in commands.values():
            arguments += ["--"] * bool(arguments) + command
        got = dict(zip(commands, program("floor_spawn", SPAWN_ROUNDS, *arguments)))
    wall = {name: value["wall"]["p50"] for name, value in got.items()}
    labels = {"floor": "floor: an empty static program",
              "bare": "floor: connect, ping, print and nothing else", "ping": "omg ping",
              "search": "omg search firefox", "alone": "omg --no-daemon search firefox",
              "info": "omg info bash", "status": "omg status"}
    goals = {"ping": f"{reach(wall['ping'], 2.5 * wall['floor'])} (2.5 × floor)",
             "search": reach(wall["search"], 350e3)}
    rows = []
    for name, label in labels.items():
        remark = goals.get(name, "")
        if got[name]["status"]:
            remark = f"exit status {got[name]['status']}: worth nothing"
        rows.append([label, time_of(wall[name]), time_of(wall[name] - wall["floor"]),
                     times_of(wall[name] / wall["floor"]), time_of(got[name]["cpu"]["p50"]),
                     time_of(got[name]["wall"]["p99"]), remark])
    print_rows("Processes that ask the daemon, from spawn to exit; one core; "
               f"{SPAWN_ROUNDS} rounds",
               ["", "p50", "without floor", "ratio", "processor", "p99", "reach"], rows)
    load_note()


# --- refreshing ------------------------------------------------------------------------------

class Asker(threading.Thread):
    """Keeps asking, and counts what is not answered by a success, and the longest wait."""

    def __init__(self, own, names):
        super().__init__()
        self.line, self.names, self.done = own.line(), names, False
        self.asked, self.failed, self.longest = 0, 0, 0.0

    def run(self):
        while not self.done:
            name = self.names[self.asked % len(self.names)]
            for number, body in ((daemon.PING, b""), (daemon.STATUS, b""),
                                 (daemon.INFO, daemon.text(name)),
                                 (daemon.SEARCH, daemon.search("firefox"))):
                began = time.monotonic()
                self.failed += self.line.ask(number, body) is None
                self.longest = max(self.longest, time.monotonic() - began)
                self.asked += 1
            time.sleep(0.001)
        self.line.close()


def replace(path, content):
    """As dpkg does it."""
    fresh = path.with_name(path.name + "-new")
    fresh.write_text(content)
    return lambda: os.replace(fresh, path)


def right(line, total, name, licence):
    """Whether both answers are those of the new state."""
    status, info = line.ask(daemon.STATUS), line.ask(daemon.INFO, daemon.text(name))
    return int.from_bytes(status[:8], "little") == total and \
        (daemon.text("MIT") in info) == licence


def changed(line, path, content, state, refresh=False):
    """Nanoseconds from when the status file is another one until the answers are right."""
    change = replace(path, content)
    began = time.monotonic()
    change()
    if refresh and line.ask(daemon.REFRESH) is None:
        sys.exit("a refresh failed")
    while not right(line, *state):
        if time.monotonic() - began > 10:
            sys.exit("the daemon never noticed that a package came or went")
    return (time.monotonic() - began) * 1e9


def section_refresh(bench):
    if bench.absent:
        return
    root = stock.twin(bench.stock, DATA / "twin")
    count, before, after, name = stock.one_more(bench.known, root)
    path, affinity = root / "var/lib/dpkg/status", os.sched_getaffinity(0)
    unpinned()
    sys.setswitchinterval(0.0005)
    rows = {"at once when the daemon has begun": [], "told by nobody (inotify)": [],
            "with a call of refresh": []}
    first, told, asked = rows.values()
    with daemon.Daemon(FOLDER, root) as own:
        line, asker = own.line(), Asker(own, questions.names(bench.known, 200))
        total = int.from_bytes(line.ask(daemon.STATUS)[:8], "little")
        asker.start()
        for i in range(1 + 2 * REFRESH_ROUNDS):
            more = i % 2 == 0
            took = changed(line, path, after if more else before, (total + more, name, more),
                           i > REFRESH_ROUNDS)
            (asked if i > REFRESH_ROUNDS else told if i else first).append(took)
            time.sleep(0.5)
        asker.done = True
        asker.join()
    os.sched_setaffinity(0, affinity)
    print_rows(f"From a package more or less of {count} in dpkg's status to right answers; "
               f"unpinned; {REFRESH_ROUNDS} rounds",
               ["", "median", "least", "most", "reach"],
               [[label, time_of(median(took)), time_of(min(took)), time_of(max(took)),
                 reach(max(took), 250e6)] for label, took in rows.items()])
    note(f"Another client asked {asker.asked:,} times meanwhile; {asker.failed} were not answered, "
         f"the longest took {time_of(asker.longest * 1e9)}.")
    load_note()


# --- memory ----------------------------------------------------------------------------------

def fill(own, bench):
    """Answers until the daemon keeps no more of them; how many it keeps."""
    line = own.line()
    for name in questions.names(bench.known, 3000):
        line.ask(daemon.INFO, daemon.text(name))
    for words in questions.searches(bench.known, SEARCHES):
        line.ask(daemon.SEARCH, daemon.search(words))
    kept = line.ask(daemon.CACHE_STATS)
    line.close()
    return int.from_bytes(kept[:8], "little")


def parked(own, number, body):
    """How much the broker's own memory grows for a call that waits: 16 clients have 250 each."""
    clients, each, broker = 16, 250, own.pids()["broker"]
    lines = [own.line() for _ in range(clients)]
    for line in lines:
        line.ask(daemon.PING)
    before = daemon.memory(broker)["private"]
    for line in lines:
        for _ in range(each):
            line.send(number, body)
    for line in lines:
        line.send(daemon.PING)
        while line.take()[1] != line.last:  # behind it all others have been taken
            sys.exit("a call that should wait was answered")
    grown = daemon.memory(broker)["private"] - before
    os.kill(own.pids()["packages"], signal.SIGCONT)
    answered = sum(line.take()[0] == 0 for line in lines for _ in range(each))
    for line in lines:
        line.close()
    return grown / (clients * each), clients * each - answered


def stopped(own):
    os.kill(own.pids()["packages"], signal.SIGSTOP)
    return own


def section_memory(bench):
    if bench.absent:
        return
    fast = {"rate.slow": 1000000}
    with daemon.Daemon(FOLDER, bench.stock.root) as own:
        pids, kept = own.pids(), fill(own, bench)
        client = own.line()
        client.ask(daemon.PING)
        used = {name: daemon.memory(pid) for name, pid in pids.items()}
        time.sleep(2)
        before = {name: daemon.switches(pid) for name, pid in pids.items()}
        time.sleep(IDLE_S)
        woken = {name: daemon.switches(pid) - before[name] for name, pid in pids.items()}
        client.close()
    with daemon.Daemon(FOLDER, bench.stock.root, **fast) as own:
        waiting = parked(stopped(own), daemon.DOCTOR, b"")
    shutil.rmtree(FOLDER / "cache", ignore_errors=True)
    with daemon.Daemon(FOLDER, bench.stock.root, wait=False, **fast) as own:
        queued = parked(stopped(own), daemon.INFO, daemon.text("bash"))
    rows = [[name, bytes_of(one["private"]), bytes_of(one["RssAnon"]), bytes_of(one["dirty"]),
             bytes_of(one["pss"]), bytes_of(one["RssShmem"]), bytes_of(one["index"]),
             bytes_of(one["index_pss"]), str(woken[name]),
             reach(one["private"], 4e6, bytes_of) if name == "broker" else ""]
            for name, one in used.items()]
    whole = {key: sum(one[key] for one in used.values()) for key in used["broker"]}
    rows.append(["the whole tree", bytes_of(whole["private"]), bytes_of(whole["RssAnon"]),
                 bytes_of(whole["dirty"]), bytes_of(whole["pss"]), bytes_of(whole["RssShmem"]),
                 "", bytes_of(whole["index_pss"]), str(sum(woken.values())),
                 f"pss {reach(whole['pss'], 10e6, bytes_of)}, wake-ups "
                 f"{'0: met' if not any(woken.values()) else 'MISSED'}"])
    print_rows(f"Memory with {kept:,} answers kept, and wake-ups in {IDLE_S} s of idleness with "
               "one client",
               ["", "private", "anonymous", "dirty", "pss", "shared", "index mapped", "index pss",
                "wake-ups", "reach"], rows)
    note("private and pss are without the index, which all of them share: sealed memory.")
    print_rows("Memory of a call under way: 4,000 of them", ["", "bytes a call", "reach"],
               [[label, f"{size:,.0f}", reach(size, 1024, lambda n: f"{n:,} bytes") +
                 (f"; {lost} WERE NOT ANSWERED" if lost else "")]
                for label, (size, lost) in (("with a service", waiting),
                                            ("waiting for the index", queued))])


SECTIONS = {"wire": section_wire, "client": section_client, "refresh": section_refresh,
            "memory": section_memory}
