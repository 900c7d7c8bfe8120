"""Ten and a hundred times as many packages, none of which exists.

The first copy is the real names and summaries. Each further one is the same with the letters of the
alphabet exchanged for one another (another permutation for each copy, capitals alike), so it has as
many names, as long, with as many different words, and with the same frequencies of letters, pairs
and triples, only of other letters. Long queries match hardly any of it; short ones do, and those
whose totals change by more than a few are left out when the curve is made.
"""
import pathlib
import shutil
import string

import questions

LIST = "var/lib/apt/lists/growth.invalid_debian_dists_stable_main_binary-{arch}_Packages"
FEW = 5  # by how much a total may change


def table(chance):
    letters = list(string.ascii_lowercase)
    for i in range(len(letters) - 1, 0, -1):
        k = chance.below(i + 1)
        letters[i], letters[k] = letters[k], letters[i]
    lower = "".join(letters)
    return bytes.maketrans((string.ascii_lowercase + string.ascii_uppercase).encode(),
                           (lower + lower.upper()).encode())


def stanzas(names, summaries, arch):
    middle = f"\nVersion: 1.0-1\nArchitecture: {arch}\nSize: 1000\nDescription: ".encode()
    return b"".join([b"Package: " + name + middle + summary + b"\n\n"
                     for name, summary in zip(names, summaries)])


def make(folder, known, copies, arch):
    """The root folder of so many copies; kept from run to run as long as the lists are the same."""
    root = pathlib.Path(folder) / f"growth-{copies}"
    names = "\n".join(name for name, _ in known).encode()
    summaries = "\n".join(summary.replace("\n", " ") for _, summary in known).encode()
    mark, stamp = root / "made", f"{len(names)} {len(summaries)} {hash_of(names)} {arch}"
    if mark.exists() and mark.read_text() == stamp:
        return root
    shutil.rmtree(root, ignore_errors=True)
    path = root / LIST.format(arch=arch)
    for at in ("etc/apt", "var/lib/dpkg", str(path.parent.relative_to(root))):
        (root / at).mkdir(parents=True)
    (root / "etc/apt/sources.list").write_text("deb http://growth.invalid/debian stable main\n")
    (root / "var/lib/dpkg/status").touch()
    (root / "var/lib/dpkg/arch").write_text(arch + "\n")
    chance = questions.Chance(questions.SEED)
    with open(path, "wb") as out:
        out.write(stanzas(names.split(b"\n"), summaries.split(b"\n"), arch))
        for _ in range(copies - 1):
            letters = table(chance)
            out.write(stanzas(names.translate(letters).split(b"\n"),
                              summaries.translate(letters).split(b"\n"), arch))
    mark.write_text(stamp)
    return root


def hash_of(data):
    value = 0
    for i in range(0, len(data), 4093):
        value = (value * 31 + data[i]) % (1 << 61)
    return value


def steady(totals):
    """The searches whose totals are nearly the same whatever the number of copies."""
    return [i for i, of_one in enumerate(zip(*totals)) if max(of_one) - min(of_one) <= FEW]
