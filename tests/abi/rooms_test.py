#!/usr/bin/env python3
"""The rooms of src/README.md include and use only what is below them, and no file calls another that calls it back: what the picture there
says, asked of the sources and of the objects.

usage: rooms_test.py LIBTRADING-CORE.A SOURCE_FOLDER
"""
import collections
import pathlib
import re
import subprocess
import sys
import unittest

CONTEXTS = {"src/account", "src/portfolio", "src/order", "src/market"}
STORES = {"backends/lmdb", "backends/memory", "backends/paper", "backends/state", "backends/store", "backends/uri"}
# What each room uses. The contexts know nothing of each other; only the process room sees several.
USES = {
    "src/base": set(),
    "src/journal": {"src/base"},
    "src/state": {"src/base"},
    **{context: {"src/base", "src/state"} for context in CONTEXTS},
    **{store: {"src/base"} | STORES for store in STORES},
    "src/keys": {"src/base", "src/state", "backends/memory"},
    "src/process": {"src/base", "src/state", "src/journal"} | CONTEXTS,
    "src/plugin": {"src/base"} | STORES,
    "src/engine": {"src/base", "src/state", "src/journal", "src/keys", "src/process", "src/plugin", "backends/memory"} | CONTEXTS,
    "src/outbox": {"src/base", "src/plugin", "src/engine"},
    "src/venue": {"src/base", "src/plugin", "src/engine"},
}
# Headers that are included for what has no code of its own: records of the account's events in those of orders and lots, and the interface
# of a store of states, which a host keeps of each scheme.
INCLUDES = {"src/order": {"src/account"}, "src/portfolio": {"src/account"}, "src/plugin": {"src/state"}}
INCLUDE = re.compile(r'^#include "([a-z]+)/(?:([a-z]+)/)?[^/"]+"', re.MULTILINE)
# A projection of several partitions is one of each.
RECURSIVE = [{"src/engine/projection", "src/engine/projection_parts"}]

SYMBOL = re.compile(r".*[:/](?P<file>[^/:]+)\.c\.o:\s*[0-9a-f]*\s+(?P<kind>[A-Za-z]) (?P<name>\S+)$")


def file_of(object_name):
    """src_engine_copy_write -> src/engine/copy_write"""
    return object_name.replace("_", "/", 2)


def room_of(file):
    return file.rsplit("/", 1)[0]


def calls_of(archive):
    """{file: {other file: {names}}}"""
    lines = subprocess.run(["nm", "-A", archive], check=True, capture_output=True, text=True).stdout.splitlines()
    symbols = [match.groupdict() for match in map(SYMBOL.match, lines) if match]
    owners = {symbol["name"]: file_of(symbol["file"]) for symbol in symbols if symbol["kind"] in "BDRTVW"}
    calls = collections.defaultdict(lambda: collections.defaultdict(set))
    for symbol in symbols:
        file, owner = file_of(symbol["file"]), owners.get(symbol["name"])
        if symbol["kind"] == "U" and owner and owner != file:
            calls[file][owner].add(symbol["name"])
    return calls


def reached(calls, start):
    found, waiting = set(), [start]
    while waiting:
        for other in calls.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def circles(calls):
    reach = {file: reached(calls, file) for file in calls}
    return {frozenset(other for other in reach[file] if file in reach.get(other, ())) for file in reach if file in reach[file]}


class Rooms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.calls = calls_of(sys.argv[1])

    def test_the_objects_were_read(self):
        self.assertEqual(set(), {"src/base", "src/engine", "src/process"} - {room_of(file) for file in self.calls})

    def test_a_room_uses_what_is_below_it(self):
        for file, others in self.calls.items():
            for other, names in others.items():
                if room_of(other) != room_of(file):
                    self.assertIn(room_of(other), USES.get(room_of(file), ()), f"{file}.c uses {sorted(names)} of {other}.c")

    def test_a_room_includes_what_is_below_it(self):
        paths = list(pathlib.Path(sys.argv[2]).glob("src/*/*.[ch]"))
        self.assertGreater(len(paths), 100)
        for path in paths:
            room = f"src/{path.parent.name}"
            for first, second in INCLUDE.findall(path.read_text()):
                included = f"backends/{second}" if first == "backends" else f"src/{first}"
                self.assertIn(included, {room, *USES[room], *INCLUDES.get(room, ())}, path)

    def test_no_files_call_each_other_in_a_circle(self):
        self.assertEqual([], [sorted(circle) for circle in circles(self.calls) if circle not in RECURSIVE])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
