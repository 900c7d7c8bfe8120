#!/usr/bin/env python3
"""Measures omg and prints what was measured: run.py [--readme] [SECTION...]

Sections: query, codec, process, build, size, growth, and those about the daemon: wire (calls),
client (processes that ask it), refresh, memory; all of them unless some are named. --readme prints
the tables as the README holds them, without notes. OMG is the program, OMG_BENCH the folder of the
measuring programs, in which the data they need is kept too; OMG_BENCH_QUICK=1 leaves out the
largest step of the growth section. Everything runs on one core unless it says otherwise; what is
compared runs in turns within one run, and a figure is the median of its rounds.
"""
import os
import platform
import shutil
import subprocess
import sys
import time

import growth
import questions
import report
import stock
import wire
from report import (DATA, OMG, PROGRAMS, bytes_of, median, note, print_rows, program, quantile,
                    reach, time_of, times_of)

QUICK = os.environ.get("OMG_BENCH_QUICK", "") not in ("", "0")
SEARCHES, MISSPELT, INFOS = 1000, 500, 1000
QUERY_ROUNDS, PROCESS_ROUNDS, BUILD_ROUNDS, GROWTH_ROUNDS = 21, 200, 11, 3
CODEC_ROUNDS = 301
PEER_EVERY = 20  # rounds: peers take so long that fewer of theirs do


# --- running ---------------------------------------------------------------------------------

def idlest_core():
    """The core, of those that may be used, that was idle the most in the last moments."""
    def idle():
        lines = open("/proc/stat", encoding="ascii").read().splitlines()
        return {int(l.split()[0][3:]): int(l.split()[4]) for l in lines
                if l.startswith("cpu") and not l.startswith("cpu ")}
    before = idle()
    time.sleep(0.3)
    after = idle()
    return max(os.sched_getaffinity(0), key=lambda core: after.get(core, 0) - before[core])


def cpu_of(command, environment):
    """Seconds of processor time that a command took."""
    quiet = [(os.POSIX_SPAWN_OPEN, n, "/dev/null", os.O_WRONLY, 0) for n in (1, 2)]
    pid = os.posix_spawn(shutil.which(command[0]), command, environment, file_actions=quiet)
    _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime


# --- the data --------------------------------------------------------------------------------

class Bench:
    """What the sections share: the stock root, its packages, and its index."""

    def __init__(self):
        DATA.mkdir(parents=True, exist_ok=True)
        self.stock = stock.Stock(DATA / "stock")
        self.index = DATA / "index"
        self.absent = self.stock.make()
        self.known = []
        self.built = None
        if self.absent:
            print(f"No stock root, so its rows are left out: {self.absent}")
            return
        self.known = questions.packages(self.stock.packages())
        self.index.mkdir(exist_ok=True)
        self.built = program("build", self.stock.root, self.index, "cot")

    def lines(self, name, lines):
        path = DATA / name
        path.write_text("\n".join(lines) + "\n")
        return path


# --- sections --------------------------------------------------------------------------------

def section_query(bench):
    if bench.absent:
        return
    search = bench.lines("searches", questions.searches(bench.known, SEARCHES))
    misspelt = bench.lines("misspelt", questions.misspelt(bench.known, MISSPELT))
    names = bench.lines("names", questions.names(bench.known, INFOS))
    got = program("query", bench.index, QUERY_ROUNDS, search, misspelt, names)
    figure = {name: [quantile(got[name], part) for part in (0.5, 0.99, 1)]
              for name in ("search", "scan", "suggest", "info")}
    status, clock = got["status_tenths"] / 10, got["clock_tenths"] / 10
    firsts = {name: median(got[name + "_first"]) for name in figure}
    reaches = {"search": f"{reach(figure['search'][0], 15e3)}, "
                         f"p99 {reach(figure['search'][1], 200e3)}",
               "suggest": reach(figure["suggest"][0], 120e3), "info": reach(figure["info"][0], 2e3)}
    labels = {"search": f"search, {SEARCHES:,} different",
              "suggest": f"suggest, {MISSPELT} misspelt names",
              "info": f"info with long text, {INFOS:,} names",
              "scan": f"peer: scan of all {bytes_of(got['scanned_bytes'])} (memmem, AVX2)"}
    rows = [[labels[name], *map(time_of, figure[name]), time_of(firsts[name]), "",
             "p50 " + reaches[name]] for name in reaches]
    rows.insert(1, [labels["scan"], *map(time_of, figure["scan"]), time_of(firsts["scan"]),
                    times_of(figure["scan"][0] / figure["search"][0]),
                    "no ranking, no versions: only the total"])
    rows.append(["status", time_of(status), "", "", "", "", "p50 " + reach(status, 200)])
    rows.append(["floor: looking at the clock", time_of(clock), "", "", "", "",
                 "is in every figure above but status"])
    print_rows(f"Questions in process: {got['names']:,} names, limit 50, exact totals",
               ["", "p50", "p99", "max", "p50, 1st round", "ratio", "reach"], rows)
    note(f"Quantiles over the questions, each the median of {QUERY_ROUNDS - 1} rounds after the")
    note("first; every round asks all of them, and the answer's memory is emptied within the time.")
    note(f"Totals that the scan confirms: {got['same']:,} of {SEARCHES:,}.")


# What the seeds say of their own codec, in microseconds; the reach is a tenth of it.
SEEDS_CODEC = {"search request": 5, "search response": 50, "info response": 10,
               "status response": 20}


def section_codec(_):
    got = program("codec", CODEC_ROUNDS)
    rows = []
    for name, figure in got.items():
        encode, decode, copy = (figure[way] for way in ("encode", "decode", "copy"))
        most = SEEDS_CODEC.get(name, 0) * 100
        rows.append([name, f"{figure['bytes']:,}", time_of(encode), time_of(decode), time_of(copy),
                     f"each {reach(max(encode, decode), most)}" if most else ""])
    print_rows("Encoding and decoding, in process",
               ["", "bytes", "encode", "decode", "floor: copying", "reach"], rows)
    note(f"Medians of {CODEC_ROUNDS} rounds over 64 different messages of each kind.")


def settings_file():
    path = DATA / "omg.conf"
    path.write_text(f"cache.dir = {DATA / 'cache'}\n")
    return path


def section_process(bench):
    config = f"OMG_CONFIG={settings_file()}"
    nobody = f"OMG_SOCKET={DATA / 'nobody'}"
    root = ["--root", str(bench.stock.root)]
    apt = [f"{key}={value}" for key, value in bench.stock.environment().items()]
    own = {"search": ["search", "firefox"], "info": ["info", "bash"], "status": ["status"]}
    commands = {"floor": [1, str(PROGRAMS / "floor_empty")]}
    for name, words in own.items():
        commands[name] = [1, config, nobody, OMG, *words]
    if not bench.absent:
        for name, words in own.items():
            commands[name + "_stock"] = [1, config, nobody, OMG, *root, *words]
        apt_cache = [PEER_EVERY, *apt, shutil.which("apt-cache")]
        commands["search_peer"] = [*apt_cache, "search", "-n", "firefox"]
        commands["info_peer"] = [*apt_cache, "show", "bash"]
    if shutil.which("dpkg"):
        commands["status_peer"] = [PEER_EVERY, "LC_ALL=C", shutil.which("dpkg"), "-l"]
    arguments = []
    for command in commands.values():
        arguments += ["--"] * bool(arguments) + command
    got = dict(zip(commands, program("floor_spawn", PROCESS_ROUNDS, *arguments)))
    wall = {name: value["wall"]["p50"] for name, value in got.items()}
    rows = []

    def row(key, label, peer_of="", most=0):
        remark = reach(wall[key], most) if most else ""
        if got[key]["status"]:
            remark = f"exit status {got[key]['status']}: worth nothing"
        rest = "" if key == "floor" else time_of(max(0, wall[key] - wall["floor"]))
        ratio = times_of(wall[key] / wall[peer_of]) if peer_of else ""
        rows.append([label, time_of(wall[key]), rest, time_of(got[key]["cpu"]["p50"]),
                     time_of(got[key]["wall"]["p99"]), ratio, remark])

    row("floor", "floor: an empty static program")
    peers = {"search": "apt-cache search -n firefox", "info": "apt-cache show bash",
             "status": "dpkg -l"}
    for name, words in own.items():
        row(name, f"omg {' '.join(words)}", most=1e6)
        if name + "_stock" in got:
            row(name + "_stock", f"omg {' '.join(words)}, stock root")
        if name + "_peer" in got:
            row(name + "_peer", f"peer: {peers[name]}",
                name if name == "status" else name + "_stock")
    print_rows("Whole processes, warm, from spawn to exit; root folder /; "
               f"{PROCESS_ROUNDS} rounds, peers {PROCESS_ROUNDS // PEER_EVERY}",
               ["", "p50", "without floor", "processor", "p99", "ratio", "reach"], rows)
    note("apt answers from the stock root (plain lists, translations, pkgcache.bin built) and is")
    note("compared with omg there; dpkg lists the packages of /. Where a virtual machine's host")
    note("traps CPUID, glibc's start makes 68 such traps of some 8 µs: half a millisecond of each")
    note("process that glibc starts is then the machine's, not the program's.")


def overlay_rounds(bench):
    """Overlays built anew, and after a package more was installed; and whether the licences taken
    over make the same overlay as licences read."""
    root, folder = stock.twin(bench.stock, DATA / "twin"), DATA / "twin-index"
    folder.mkdir(exist_ok=True)
    status, overlay = root / "var/lib/dpkg/status", folder / "overlay"
    count, before, after, _ = stock.one_more(bench.known, root)
    program("build", root, folder, "c")
    anew, again = [], []
    for _ in range(BUILD_ROUNDS):
        status.write_text(before)
        anew.append(program("build", root, folder, "o"))
        status.write_text(after)
        again.append(program("build", root, folder, "ol"))
    taken = overlay.read_bytes()
    program("build", root, folder, "o")
    return count, anew, again, taken == overlay.read_bytes()


def section_build(bench):
    if bench.absent:
        return
    lists, texts = bench.stock.packages(), bench.stock.translations()
    got = {name: [] for name in ("c", "ct", "cot", "scan", "scan_all", "apt")}
    caches = [bench.stock.root / "var/cache/apt" / name
              for name in ("pkgcache.bin", "srcpkgcache.bin")]
    for i in range(BUILD_ROUNDS):
        for parts in ("c", "ct", "cot"):
            got[parts].append(program("build", bench.stock.root, bench.index, parts))
        got["scan"].append(program("floor_scan", *lists))
        got["scan_all"].append(program("floor_scan", *lists, *texts))
        if i % 4 == 0:
            for cache in caches:
                cache.unlink(missing_ok=True)
            got["apt"].append(cpu_of(["apt-cache", "gencaches"], bench.stock.environment()) * 1e9)
    bench.built = got["cot"][-1]
    count, anew, again, same = overlay_rounds(bench)
    cpu = {name: [one["cpu"] for one in got[name]] for name in ("c", "ct", "cot")}
    rows = []

    def row(label, values, goal="", against=None, word=""):
        ratio = times_of(median(values) / against) if against else ""
        rows.append([label, time_of(median(values)), time_of(min(values)), ratio, word or goal])

    ways = [way for way in ("avx2", "sse2", "memchr") if way in got["scan"][0]]
    best = {key: median([one[ways[0]] for one in got[key]]) for key in ("scan", "scan_all")}
    for way in ways:
        row(f"floor: newlines of {bytes_of(got['scan'][0]['bytes'])} ({way})",
            [one[way] for one in got["scan"]])
    row("catalogue", cpu["c"], reach(median(cpu["c"]), 100e6), best["scan"])
    row("peer: apt-cache gencaches", got["apt"], against=median(cpu["c"]),
        word="ratio to the catalogue; it has no search, but conflicts, breaks and so on")
    row(f"floor: newlines of {bytes_of(got['scan_all'][0]['bytes'])} ({ways[0]})",
        [one[ways[0]] for one in got["scan_all"]])
    row("catalogue and long text", cpu["ct"], reach(median(cpu["ct"]), 200e6), best["scan_all"])
    row("catalogue, overlay, long text", cpu["cot"], against=best["scan_all"])
    row(f"overlay anew ({count} installed, all licences read)", [one["cpu"] for one in anew])
    row("overlay after one package was installed", [one["cpu"] for one in again],
        reach(median([one["cpu"] for one in again]), 15e6))
    row("publishing all three: writing (wall)", [one["write"] for one in got["cot"]])
    row("publishing all three: checking whole (wall)", [one["check"] for one in got["cot"]])
    row("publishing all three: renaming (wall)", [one["rename"] for one in got["cot"]])
    print_rows("Building from plain lists in the page cache: processor time, "
               f"{BUILD_ROUNDS} rounds",
               ["", "median", "least", "ratio", "reach"], rows)
    note("Ratios of builds are to the quickest newline scan of the same bytes. The overlay whose")
    note("licences were taken over is the same as one built anew, byte for byte: "
         f"{'yes' if same else 'NO'}.")


def section_size(bench):
    if bench.absent:
        return
    built = bench.built
    both, own = built["catalogue"] + built["overlay"], os.path.getsize(OMG)
    print_rows("Sizes", ["", "bytes", "reach"],
               [["catalogue and overlay", f"{both:,}", reach(both, 18e6, bytes_of)],
                ["long text", f"{built['text']:,}", reach(built["text"], 10e6, bytes_of)],
                ["the program", f"{own:,}", reach(own, 1 << 20, lambda n: f"{n >> 20} MiB")]])


def memory_free():
    for line in open("/proc/meminfo", encoding="ascii"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return 0


def growth_steps():
    steps = [1, 10] if QUICK else [1, 10, 100]
    if 100 in steps and memory_free() < 12 << 30:
        note("growth: less than 12 GB of memory, so the step of 100 times is left out")
        steps.remove(100)
    return steps


def section_growth(bench):
    if bench.absent:
        return
    arch = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True,
                          check=True).stdout.strip()
    search, built, got = bench.lines("searches", questions.searches(bench.known, SEARCHES)), {}, {}
    steps = growth_steps()
    for copies in steps:
        folder = DATA / f"growth-{copies}-index"
        folder.mkdir(exist_ok=True)
        root = growth.make(DATA, bench.known, copies, arch)
        built[copies] = program("build", root, folder, "co")
        got[copies] = []
    for _ in range(GROWTH_ROUNDS):
        for copies in steps:
            got[copies].append(program("query", DATA / f"growth-{copies}-index", 5, search))
    kept = growth.steady([got[copies][0]["search_total"] for copies in steps])
    rows, figures = [], []
    for copies in steps:
        times = [median(of_one) for of_one in zip(*[one["search"] for one in got[copies]])]
        steady = [times[i] for i in kept]
        figures.append(median(steady))
        rows.append([f"{copies} ×", f"{got[copies][0]['names']:,}", time_of(median(steady)),
                     time_of(quantile(steady, 0.99)), times_of(median(steady) / figures[0]),
                     time_of(median(times)), time_of(built[copies]["cpu"]),
                     bytes_of(built[copies]["catalogue"]),
                     "" if copies == 1 else reach(median(steady), 2 * figures[0])])
    empty = sum(1 for i in kept if not got[1][0]["search_total"][i])
    print_rows(f"Growth: the {len(kept)} searches of {SEARCHES:,} whose totals change by at most "
               f"{growth.FEW}",
               ["", "names", "p50", "p99", "ratio", "p50 of all", "build", "catalogue", "reach"],
               rows)
    note("Synthetic packages: copies of the real names and summaries, the letters of each copy")
    note("exchanged by a permutation of its own; digits and signs stay. Of the searches kept, "
         f"{empty} match nothing.")
    note("\"p50 of all\" holds the others too, whose matches grow with the packages.")


SECTIONS = {"query": section_query, "codec": section_codec, "process": section_process,
            "build": section_build, "size": section_size, "growth": section_growth, **wire.SECTIONS}


def main(arguments):
    report.readme = "--readme" in arguments
    names = [name for name in arguments if name != "--readme"] or list(SECTIONS)
    if any(name not in SECTIONS for name in names):
        sys.exit(__doc__)
    core = idlest_core()
    os.sched_setaffinity(0, {core})
    began, load = time.time(), os.getloadavg()[0]
    bench = Bench()
    note(f"Linux {platform.release()} on {platform.machine()}, core {core} of {os.cpu_count()}; "
         f"load at the start {load:.1f}{' (others work here: expect noise)' * (load > 1)}")
    for name in names:
        SECTIONS[name](bench)
    note(f"{time.time() - began:.0f} s in all.")


main(sys.argv[1:])
