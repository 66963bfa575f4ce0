#!/usr/bin/env python3
"""trading-store-check: what it runs, prints and exits with; and that it finds a store that does not keep its word.

usage: store_check_test.py TRADING_STORE_CHECK FOLDER_OF_PLUGINS
"""
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PLUGINS = sys.argv[1:3]


def check(*arguments, path=None):
    environment = {**os.environ, "TRADING_PLUGIN_PATH": path or ""}
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment, timeout=300)


class StoreCheck(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def names(self, *arguments):
        done = check("--list", *arguments)
        self.assertEqual(0, done.returncode)
        return done.stdout.split()

    def test_a_store_that_keeps_its_word(self):
        done = check(f"lmdb:{self.folder}/")
        lines = done.stdout.splitlines()
        self.assertEqual([f"ok {name}" for name in self.names()], lines[:-1])
        self.assertEqual(f"{len(lines) - 1} passed, 0 failed", lines[-1])
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_a_store_that_forgets(self):
        done = check("--forgets", "memory:")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertTrue(done.stdout.endswith(f"{len(self.names('--forgets'))} passed, 0 failed\n"))

    def test_a_store_that_breaks_its_word(self):
        done = check("--shared", "memory:")
        self.assertEqual(1, done.returncode)
        for name in ["reopened", "kept", "read-only", "writers-alternate", "writers-race-in-processes"]:
            self.assertIn(f"not ok {name}\n", done.stdout)
        self.assertIn("\nok several-at-once\n", done.stdout)
        self.assertIn("store_contract_writers.c", done.stderr)

    def test_kinds_of_stores(self):
        local, shared, forgetful = set(self.names()), set(self.names("--shared")), set(self.names("--forgets"))
        self.assertIn("one-writer", local - shared)
        self.assertIn("writers-alternate", shared - local)
        self.assertIn("writer-dies", local & shared)
        self.assertIn("reopened", (local & shared) - forgetful)
        self.assertLess(forgetful, local & shared)

    def test_one_check_in_a_place_of_its_own(self):
        done = check("--only", "several-at", f"lmdb:{self.folder}/a_{{}}_z")
        self.assertEqual("ok several-at-once\n1 passed, 0 failed\n", done.stdout)
        self.assertEqual(["a_several_at_once_z"], os.listdir(self.folder))
        done = check("--only", "empty", f"lmdb:{self.folder}/q?x=1")
        self.assertEqual(["a_several_at_once_z", "qempty?x=1"], sorted(os.listdir(self.folder)))

    def test_plugins(self):
        done = check("--only", "table", "plain:x", path=PLUGINS)
        self.assertEqual("ok table\n1 passed, 0 failed\n", done.stdout)
        done = check("--only", "table", "--plugin", f"{PLUGINS}/newer.so", "newer:x")
        self.assertEqual("ok table\n1 passed, 0 failed\n", done.stdout)
        done = check("--plugin", "ahead", "ahead:x", path=PLUGINS)
        self.assertEqual((3, ""), (done.returncode, done.stdout))
        self.assertIn("built for interface 2; this library speaks 1", done.stderr)

    def test_a_bus(self):
        done = check("--bus", "--only", "or", "memory:")
        lines = done.stdout.splitlines()
        self.assertEqual([f"ok {name}" for name in self.names("--bus") if "or" in name], lines[:-1])
        self.assertEqual((0, "", f"{len(lines) - 1} passed, 0 failed"), (done.returncode, done.stderr, lines[-1]))
        self.assertEqual(3, check("--bus", f"lmdb:{self.folder}/").returncode)

    def test_a_venue(self):
        done = check("--venue", "--forgets", "--rejected", "IBM", "--price", "50", "--symbol", "X", "paper:?quotes=X:49/50&rejects=IBM&pieces=4")
        lines = done.stdout.splitlines()
        self.assertEqual([f"ok {name}" for name in self.names("--venue", "--forgets", "--rejected", "IBM")], lines[:-1])
        self.assertEqual((0, "", f"{len(lines) - 1} passed, 0 failed"), (done.returncode, done.stderr, lines[-1]))
        self.assertIn("ok rejected", lines)
        self.assertEqual(3, check("--venue", "memory:").returncode)
        self.assertIn("SYMBOL:BID/ASK", check("--venue", "paper:?quotes=X").stderr)

    def test_a_venue_that_breaks_its_word(self):
        done = check("--venue", "--only", "opened-again", "paper:?quotes=GOOG:99/100")
        self.assertEqual((1, "not ok opened-again\n0 passed, 1 failed\n"), (done.returncode, done.stdout))
        self.assertIn("venue_contract", done.stderr)

    def test_bad_usage(self):
        for arguments in [[], ["memory:", "memory:"], ["--list", "memory:"], ["--what", "memory:"], ["--only", "no such check", "memory:"],
                          ["--bus", "--venue", "memory:"], ["--venue", "--price", "cheap", "paper:"]]:
            self.assertEqual(2, check(*arguments).returncode, arguments)
        done = check("absent:x")
        self.assertEqual(3, done.returncode)
        self.assertIn("absent.so", done.stderr)
        self.assertEqual(0, check("--help").returncode)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
