"""Prints wire-v1.tsv: one message of every kind, as JSON and as its bytes.

Both are written down here by hand and by nothing that is part of omg, so that a number, a width or
an order that changes does not go unnoticed. A message that is there stays as it is; new operations
get new rows:  python3 tests/golden/make_wire.py >tests/golden/wire-v1.tsv
"""

import json
import struct
import sys


def u8(n):
    return struct.pack("<B", n)


def u32(n):
    return struct.pack("<I", n)


def u64(n):
    return struct.pack("<Q", n)


def i32(n):
    return struct.pack("<i", n)


def text(s):
    data = s.encode()
    return u64(len(data)) + data


def some(data):
    return u8(1) + data


def items(*all_of_them):
    return u64(len(all_of_them)) + b"".join(all_of_them)


NONE = u8(0)
NO, YES = u8(0), u8(1)


def request(number, name, fields=None, data=b"", id=7):
    return {"operation": name, "id": id, **(fields or {})}, u32(number) + u64(id) + data


def success(number, name, result=None, data=b"", id=7):
    return ({"id": id, "operation": name, "result": result or {}},
            u32(0) + u64(id) + u32(number) + data)


def error(code, name, message, id=7):
    return ({"id": id, "error": {"code": code, "name": name, "message": message}},
            u32(1) + u64(id) + i32(code) + text(message))


def event(sequence, number, name, result, data, id=7):
    return ({"id": id, "sequence": sequence, "operation": name, "result": result},
            u32(2) + u64(id) + u64(sequence) + u32(number) + data)


def failure(code, name, message, details, id=7):
    return ({"id": id, "error": {"code": code, "name": name, "message": message,
                                 "details": dict(details)}},
            u32(3) + u64(id) + i32(code) + text(message) +
            items(*(text(k) + text(v) for k, v in details)))


PING = request(5, "ping", id=1)
INFO = request(1, "info", {"package": "bash"}, text("bash"), id=2)
SEARCH = request(0, "search", {"query": "caf\u00e9 \U0001f980", "limit": 20},
                 text("caf\u00e9 \U0001f980") + some(u64(20)))
BATCH = request(8, "batch", {"requests": [PING[0], INFO[0]]}, items(PING[1], INFO[1]))
NO_ENVELOPE = {"trace": None, "token": None, "deadline_ms": None, "key": None}
TRACE = {"trace": 2 ** 64 - 1, "span": 2}

REQUESTS = [
    SEARCH,
    request(0, "search", {"query": "", "limit": None}, text("") + NONE, id=2 ** 64 - 1),
    request(1, "info", {"package": "libc6:i386"}, text("libc6:i386")),
    request(2, "status"),
    request(3, "explicit"),
    request(4, "security_audit"),
    request(5, "ping", id=0),
    request(6, "cache_stats"),
    request(7, "cache_clear"),
    request(8, "batch", {"requests": []}, items()),
    BATCH,
    request(9, "suggest", {"query": "fierfox", "limit": 5}, text("fierfox") + some(u64(5))),
    request(10, "hello", {"version": 1, "client": "omg 0.1.0"}, u32(1) + text("omg 0.1.0")),
    request(11, "with", {"trace": TRACE, "token": "secret", "deadline_ms": 250, "key": "k1",
                         "request": BATCH[0]},
            some(u64(2 ** 64 - 1) + u64(2)) + some(text("secret")) + some(u64(250)) +
            some(text("k1")) + BATCH[1]),
    request(11, "with", {**NO_ENVELOPE, "request": PING[0]}, NONE * 4 + PING[1]),
    request(8, "batch", {"requests": [
        request(11, "with", {**NO_ENVELOPE, "request": INFO[0]}, id=3)[0]]},
        items(request(11, "with", {}, NONE * 4 + INFO[1], id=3)[1])),
    request(12, "cancel", {"target": 6}, u64(6)),
    request(13, "subscribe", {"topics": ["packages", "services"]},
            items(text("packages"), text("services"))),
    request(14, "metrics"),
    request(15, "schema"),
    request(16, "refresh"),
    request(17, "doctor"),
    request(18, "house"),
]

SERVICE = {"name": "packages", "state": "running", "restarts": 2}
SERVICE_BYTES = text("packages") + text("running") + u64(2)
BARS = [{"most": 511, "count": 3}, {"most": 1023, "count": 4}]
BARS_BYTES = items(u64(511) + u64(3), u64(1023) + u64(4))
PONG = success(5, "ping", {"text": "pong"}, text("pong"), id=1)
MISS = error(-1001, "PACKAGE_NOT_FOUND", "there is no package 'x'", id=2)

RESPONSES = [
    success(0, "search", {"packages": [{"name": "vim", "version": "2:9.0", "description": "editor",
                                        "source": "apt"}], "total": 312},
            items(text("vim") + text("2:9.0") + text("editor") + text("apt")) + u64(312)),
    success(1, "info", {"name": "bash", "version": "5.2", "description": "shell\nlong",
                        "url": "http://x/", "size": 7164000, "download_size": 1500000,
                        "repo": "bookworm/main", "depends": ["libc6 (>= 2.36)", "libtinfo6"],
                        "licenses": ["GPL-3+"], "source": "apt"},
            text("bash") + text("5.2") + text("shell\nlong") + text("http://x/") + u64(7164000) +
            u64(1500000) + text("bookworm/main") + items(text("libc6 (>= 2.36)"),
                                                         text("libtinfo6")) +
            items(text("GPL-3+")) + text("apt")),
    success(2, "status", {"total_packages": 1, "explicit_packages": 2, "orphan_packages": 3,
                          "updates_available": 4, "security_vulnerabilities": 5,
                          "runtime_versions": [{"runtime": "go", "version": "1.22"}]},
            u64(1) + u64(2) + u64(3) + u64(4) + u64(5) + items(text("go") + text("1.22"))),
    success(3, "explicit", {"packages": ["bash", "vim"]}, items(text("bash"), text("vim"))),
    success(4, "security_audit", {
        "total_vulnerabilities": 2, "high_severity": 1, "vulnerabilities": [
            {"package": "openssl", "vulnerabilities": [
                {"id": "CVE-2023-0286", "summary": "s", "score": "7.4"},
                {"id": "X", "summary": "", "score": None}]}]},
        u64(2) + u64(1) + items(text("openssl") + items(
            text("CVE-2023-0286") + text("s") + some(text("7.4")),
            text("X") + text("") + NONE))),
    PONG,
    success(6, "cache_stats", {"size": 1, "max_size": 1000}, u64(1) + u64(1000)),
    success(7, "cache_clear", {"text": "cleared"}, text("cleared")),
    success(8, "batch", {"responses": [PONG[0], MISS[0]]}, items(PONG[1], MISS[1])),
    success(9, "suggest", {"suggestions": ["firefox"]}, items(text("firefox"))),
    success(10, "hello", {"version": 1, "server": "omg 0.1.0", "schema": 2 ** 64 - 1,
                          "limits": [{"name": "batch.max", "value": 100}],
                          "capabilities": ["package.read"], "services": [SERVICE]},
            u32(1) + text("omg 0.1.0") + u64(2 ** 64 - 1) + items(text("batch.max") + u64(100)) +
            items(text("package.read")) + items(SERVICE_BYTES)),
    success(11, "with"),
    success(12, "cancel", {"text": "given up"}, text("given up")),
    success(13, "subscribe", {"text": "subscribed"}, text("subscribed")),
    success(14, "metrics", {
        "operations": [{"operation": "ping", "calls": 7, "errors": 1, "hits": 2, "bytes_in": 84,
                        "bytes_out": 196, "half_ns": 400, "most_99_ns": 900, "longest_ns": 1000,
                        "total_ns": 4000, "latency": BARS, "requests": [], "answers": BARS}],
        "readings": [{"name": "clients", "kind": "gauge", "unit": "", "value": 3,
                      "help": "Connected."}]},
        items(text("ping") + b"".join(map(u64, (7, 1, 2, 84, 196, 400, 900, 1000, 4000))) +
              BARS_BYTES + items() + BARS_BYTES) +
        items(text("clients") + text("gauge") + text("") + u64(3) + text("Connected."))),
    success(15, "schema", {"hash": 5, "json": "{}"}, u64(5) + text("{}")),
    success(16, "refresh", {"generation": 3, "catalogue": False, "overlay": True, "text": False,
                            "took_ns": 4600}, u64(3) + NO + YES + NO + u64(4600)),
    success(17, "doctor", {"checks": [{"name": "index", "state": "ok", "detail": "fresh",
                                       "remedy": "", "count": 0}]},
            items(text("index") + text("ok") + text("fresh") + text("") + u64(0))),
    success(18, "house", {"settings": "verbose = 2\n", "link": True, "services": [SERVICE]},
            text("verbose = 2\n") + YES + items(SERVICE_BYTES)),
    event(9, 18, "house", {"settings": "", "link": False, "services": []},
          text("") + NO + items()),
    failure(-1002, "RATE_LIMITED", "too many requests", [("retry_ms", "120"), ("limit", "50")]),
    failure(-1012, "RESOURCE_LIMIT", "", []),
]

ERRORS = [
    (-32700, "PARSE_ERROR"), (-32601, "METHOD_NOT_FOUND"), (-32602, "INVALID_PARAMS"),
    (-32603, "INTERNAL_ERROR"), (-1001, "PACKAGE_NOT_FOUND"), (-1002, "RATE_LIMITED"),
    (-1003, "UNAUTHENTICATED"), (-1004, "FORBIDDEN"), (-1005, "SERVICE_UNAVAILABLE"),
    (-1006, "TIMEOUT"), (-1007, "BUSY"), (-1008, "CONFLICT"), (-1009, "UNSUPPORTED"),
    (-1010, "CANCELLED"), (-1011, "NOT_FOUND"), (-1012, "RESOURCE_LIMIT"),
    (-1013, "COMMAND_FAILED"), (-1014, "IO_ERROR"), (-1015, "DAMAGED"), (-1016, "NO_DATA"),
]
RESPONSES += [error(code, name, "m") for code, name in ERRORS]


def lines():
    yield "# kind of message, its JSON, its payload in hexadecimal; made by make_wire.py"
    for kind, messages in ("request", REQUESTS), ("response", RESPONSES):
        for value, data in messages:
            shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            yield f"{kind}\t{shown}\t{data.hex()}"


if __name__ == "__main__":
    sys.stdout.writelines(line + "\n" for line in lines())
