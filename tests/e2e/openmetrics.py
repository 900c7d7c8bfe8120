"""A strict reader of OpenMetrics text 1.0, as far as omg prints it: no timestamps, no exemplars."""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL})?(?:,{LABEL})*)\}})? (\S+)")
SUFFIXES = {"counter": {"_total"}, "gauge": {""}, "histogram": {"_bucket", "_count", "_sum"}}


class Malformed(Exception):
    pass


def check(true, what):
    if not true:
        raise Malformed(what)


def number(text):
    check(re.fullmatch(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|Inf)|NaN", text), f"the number {text!r}")
    return float(text.replace("Inf", "inf"))


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help = name, None, None, None
        self.samples = []  # (suffix, labels, value)

    def describe(self, word, value):
        key = word.lower()
        check(not self.samples, f"{word} behind samples of {self.name}")
        check(getattr(self, key) is None, f"a second {word} of {self.name}")
        check(word != "TYPE" or value in SUFFIXES, f"the type {value!r}")
        check(word != "UNIT" or self.name.endswith("_" + value), f"the unit of {self.name}")
        setattr(self, key, value)

    def finish(self):
        seen = [(suffix, tuple(sorted(labels.items()))) for suffix, labels, _ in self.samples]
        check(len(seen) == len(set(seen)), f"a sample of {self.name} twice")
        for suffix, _, value in self.samples:
            check(self.type == "gauge" or value >= 0, f"{self.name}{suffix} is {value}")
        if self.type == "histogram":
            self.finish_histograms()

    def finish_histograms(self):
        groups = {}
        last = None
        for suffix, labels, value in self.samples:
            key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            check(key == last or key not in groups, f"{self.name}: {key} stands in two places")
            last = key
            groups.setdefault(key, {"_bucket": []})
            if suffix == "_bucket":
                groups[key]["_bucket"].append((number(labels["le"]), value))
            else:
                groups[key][suffix] = value
        for key, group in groups.items():
            bounds = [bound for bound, _ in group["_bucket"]] or [0]
            counts = [count for _, count in group["_bucket"]]
            check(bounds == sorted(set(bounds)) and bounds[-1] == math.inf and bounds[0] >= 0,
                  f"bounds of {key}")
            check(counts == sorted(counts), f"{self.name}: counts of {key} fall")
            check(group.get("_count") == counts[-1], f"{self.name}: the count of {key}")


def parse(text):
    """{name: Family}; Malformed where anything is not as it has to be."""
    families, family = {}, None
    check(text.endswith("# EOF\n"), "no end")
    for line in text[:-len("# EOF\n")].splitlines():
        meta = re.fullmatch(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)", line)
        if meta:
            word, name, value = meta.groups()
            if not family or family.name != name:
                check(name not in families, f"{name} stands in two places")
                family = families[name] = Family(name)
            family.describe(word, value)
            continue
        sample = SAMPLE.fullmatch(line)
        check(sample, f"the line {line!r}")
        name, labels, value = sample.groups()
        check(family and name.startswith(family.name), f"{name} has no family")
        suffix = name[len(family.name):]
        check(suffix in SUFFIXES.get(family.type, ()), f"{name} is no {family.type}")
        pairs = dict(re.findall(r'([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"', labels or ""))
        check(("le" in pairs) == (suffix == "_bucket"), f"le in {line!r}")
        family.samples.append((suffix, pairs, number(value)))
    for family in families.values():
        family.finish()
    return families
