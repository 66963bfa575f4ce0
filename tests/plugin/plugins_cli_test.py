#!/usr/bin/env python3
"""The command line with plugins: listing them, and a customer's day in a store that one of them brings.

usage: plugins_cli_test.py TRADING FOLDER_OF_ODD_PLUGINS FILES.SO
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM, ODD = sys.argv[1:3]
FILES = pathlib.Path(sys.argv[3]).resolve()


class Plugins(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def trading(self, *arguments, path="/absent", expect=0):
        environment = {**os.environ, "HOME": self.folder, "TRADING_PLUGIN_PATH": str(path)}
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment, timeout=120)
        self.assertEqual(expect, done.returncode, done.stdout + done.stderr)
        return done

    def test_list(self):
        listed = json.loads(self.trading("plugins", "--json", path=ODD).stdout)
        self.assertEqual(1, listed["interface"])
        plugins = {plugin["name"]: plugin for plugin in listed["plugins"]}
        self.assertEqual(sorted(plugins), [plugin["name"] for plugin in listed["plugins"]])
        self.assertEqual({"name": "plain", "path": f"{ODD}/plain.so", "loaded": False, "interface": 1, "version": "1.2.3",
                          "offers": [{"kind": "STORE", "scheme": "plain", "interface": 1}]}, plugins["plain"])
        self.assertEqual(["STORE", "BUS", "VENUE", "UNKNOWN"], [offer["kind"] for offer in plugins["mixed"]["offers"]])
        self.assertEqual(("ABI", 2, []), tuple(plugins["ahead"][key] for key in ("status", "interface", "offers")))
        self.assertIn("built for interface 2; this library speaks 1", plugins["ahead"]["message"])

    def test_table(self):
        lines = self.trading("plugins", path=ODD).stdout.splitlines()
        self.assertEqual(["PLUGIN", "VERSION", "INTERFACE", "OFFERS", "PATH"], lines[0].split())
        self.assertIn(["plain", "1.2.3", "1", "store", "plain:", f"{ODD}/plain.so"], [line.split() for line in lines])
        self.assertTrue([line for line in lines if line.startswith("ahead would not load: ABI: ")])
        self.assertEqual("There are no plugins in $TRADING_PLUGIN_PATH, nor where they are installed.\n",
                         self.trading("plugins").stdout)

    def test_loaded(self):
        listed = json.loads(self.trading("plugins", "--json", "--plugin", str(FILES)).stdout)
        self.assertEqual([("files", True)], [(plugin["name"], plugin["loaded"]) for plugin in listed["plugins"]])

    def test_what_cannot_be_loaded(self):
        self.assertIn("no absent.so in /absent", self.trading("info", "--plugin", "absent", expect=3).stderr)
        said = self.trading("info", "--store", "absent:x", expect=3).stderr
        self.assertIn("no store is registered", said)
        self.assertNotIn("nothing was ever written", said)
        self.assertIn("no driver here", self.trading("info", "--store", "failing:x", path=ODD, expect=3).stderr)

    def test_a_day_in_a_store_of_a_plugin(self):
        store = ["--store", f"files:{self.folder}/store"]
        opened = json.loads(self.trading("open-account", "--name", "Ada", "--deposit", "1000", "--json", *store, path=FILES.parent).stdout)
        self.trading("deposit", opened["account"], "5.25", "--plugin", str(FILES), *store)
        account = json.loads(self.trading("account", opened["account"], "--json", *store, path=FILES.parent).stdout)
        self.assertEqual("1005.25", account["balance"])
        self.trading("verify", *store, path=FILES.parent)
        self.assertIn("nothing was ever written", self.trading("info", "--store", f"files:{self.folder}/none", path=FILES.parent, expect=3).stderr)

    def test_state_beside_a_store_that_keeps_none(self):
        where = ["--store", f"files:{self.folder}/store", "--state", f"{self.folder}/state"]
        self.trading("open-account", "--name", "Ada", "--deposit", "1000", *where, path=FILES.parent)
        replayed = [int(json.loads(self.trading("info", "--json", *arguments, path=FILES.parent).stdout)["replayed_events"])
                    for arguments in (where, where[:2])]
        self.assertEqual(0, replayed[0])
        self.assertGreater(replayed[1], 0)

    def made(self):
        """A store with two commits; its log, and what they are."""
        store = ["--store", f"files:{self.folder}/store"]
        opened = json.loads(self.trading("open-account", "--name", "Ada", "--deposit", "1000", "--json", *store, path=FILES.parent).stdout)
        self.trading("deposit", opened["account"], "5", *store, path=FILES.parent)
        return store, opened["account"], pathlib.Path(self.folder) / "store/00000000.log"

    def balance(self, store, account):
        return json.loads(self.trading("account", account, "--json", *store, path=FILES.parent).stdout)["balance"]

    def test_an_append_that_did_not_come_to_its_end(self):
        store, account, log = self.made()
        whole = log.read_bytes()
        for cut in (1, 40):
            log.write_bytes(whole[:-cut])
            self.assertEqual("1000.00", self.balance(store, account))
        log.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        self.assertEqual("1000.00", self.balance(store, account))
        self.trading("deposit", account, "7", *store, path=FILES.parent)
        self.assertEqual("1007.00", self.balance(store, account))
        self.trading("verify", *store, path=FILES.parent)

    def test_damage_before_the_end_is_no_end(self):
        store, account, log = self.made()
        whole = log.read_bytes()
        for place in (3, 100):
            log.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:])
            said = self.trading("account", account, *store, path=FILES.parent, expect=3).stderr
            self.assertIn("00000000.log is damaged at byte", said)
            self.trading("deposit", account, "7", *store, path=FILES.parent, expect=3)
        log.write_bytes(whole)
        self.assertEqual("1005.00", self.balance(store, account))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
