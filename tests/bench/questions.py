"""The questions that are asked: seeded, made from the names and summaries of real package lists.

Searches are 1 to 3 pieces, each of them 1 to 20 letters of a real name (from any place in it) or of
a word of a summary. The pieces of half of the longer searches come from one package, so that they
have a match; those of the others come from anywhere. Every search is a different one.
"""
import random
import re

SEED = 20240229


class Chance(random.Random):
    """Only random() itself gives the same numbers in every version of Python."""

    def below(self, n):
        return int(self.random() * n)

    def of(self, items):
        return items[self.below(len(items))]


def packages(paths):
    """(name, summary) of each name in some Packages files, in the order of their coming."""
    found = {}
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        for stanza in re.finditer(r"^Package: (\S+)\n(?:.+\n)*?Description: (.*)$", text, re.M):
            found.setdefault(stanza[1], stanza[2].strip())
    return list(found.items())


def piece(chance, package):
    name, summary = package
    words = summary.split()
    source = name if not words or chance.below(2) else chance.of(words)
    length = min(1 + chance.below(20), len(source))
    start = chance.below(len(source) - length + 1)
    return source[start:start + length]


def searches(known, count, seed=SEED):
    chance, made = Chance(seed), {}
    while len(made) < count:
        words, package, together = 1 + chance.below(3), chance.of(known), chance.below(2)
        pieces = [piece(chance, package if together else chance.of(known)) for _ in range(words)]
        text = " ".join(pieces)
        if len(text.encode()) <= 200:
            made.setdefault(" ".join(sorted(set(text.lower().split()))), text)
    return list(made.values())


def misspell(chance, name):
    """One mistake: a letter left out, doubled, wrong, or two swapped."""
    at, letter = chance.below(len(name) - 1), "abcdefghijklmnopqrstuvwxyz"[chance.below(26)]
    return chance.of([name[:at] + name[at + 1:],
                      name[:at] + name[at] + name[at:],
                      name[:at] + letter + name[at + 1:],
                      name[:at] + name[at + 1] + name[at] + name[at + 2:]])


def misspelt(known, count, seed=SEED + 1):
    """Half of them with one mistake, half with two."""
    chance, made, names = Chance(seed), {}, {name for name, _ in known}
    while len(made) < count:
        name = chance.of(known)[0]
        if len(name) < 3:
            continue
        wrong = misspell(chance, name)
        if chance.below(2) and len(wrong) > 2:
            wrong = misspell(chance, wrong)
        if wrong not in names:
            made[wrong] = True
    return list(made)


def names(known, count, seed=SEED + 2):
    chance, made = Chance(seed), {}
    while len(made) < min(count, len(known)):
        made[chance.of(known)[0]] = True
    return list(made)
