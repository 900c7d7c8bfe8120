"""Running the measuring programs, and printing what they measured."""
import json
import os
import pathlib
import subprocess
import sys

OMG = os.environ["OMG"]
PROGRAMS = pathlib.Path(os.environ["OMG_BENCH"])
DATA = PROGRAMS / "data"

readme = False  # whether tables are printed as the README holds them, without notes


def program(name, *arguments):
    """What a measuring program prints."""
    done = subprocess.run([PROGRAMS / name, *map(str, arguments)], stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout)


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def median(values):
    return quantile(values, 0.5)


def digits(value):
    """Three of them."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def time_of(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{digits(ns / size)} {unit}"
    return f"{ns:.1f} ns" if ns < 10 else f"{ns:.0f} ns"


def bytes_of(n):
    return f"{n / 1e6:.2f} MB" if n >= 1e6 else f"{n / 1e3:.0f} kB"


def times_of(ratio):
    return digits(ratio) + " ×"


def reach(value, most, shown=time_of):
    return f"≤ {shown(most)}: {'met' if value <= most else 'MISSED'}"


def print_rows(title, heads, rows):
    """A table whose first and last columns lean left and the others right."""
    rows = [[str(cell) for cell in row] + [""] * (len(heads) - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in [heads] + rows) for i in range(len(heads))]
    before = "    " if readme else ""
    print(f"\n{before}{title}")
    for row in [heads] + rows:
        cells = [cell.ljust(width) if i in (0, len(heads) - 1) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print(f"{before}  " + "  ".join(cells).rstrip())
    sys.stdout.flush()


def note(text):
    if readme:
        return
    print("  " + text)
    sys.stdout.flush()
