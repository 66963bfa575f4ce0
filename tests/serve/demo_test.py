#!/usr/bin/env python3
"""The demo on Cassandra and Kafka: what it does on LMDB, recorded and sent to a deployment of one process, makes the same statements, to the last
byte."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness import PROGRAM, SECONDS, TOP, Deployment, Servers

DATA = TOP / "examples/data"
REPLAY = ["replay", "AAPL.csv", "GOOG.csv", "IBM.csv", "monthly.csv", "--strategy", "demo-strategy.jsonl", "--size", "0.001%"]


def said(*arguments, folder=None):
    return subprocess.run([PROGRAM, *arguments], check=True, cwd=folder, stdout=subprocess.PIPE, timeout=SECONDS).stdout


class Demo(unittest.TestCase):
    def test_statements(self):
        with tempfile.TemporaryDirectory() as folder:
            lines, store = pathlib.Path(folder) / "lines", f"lmdb:{folder}/store"
            said(*REPLAY, "--store", store, "--record", lines, folder=DATA)
            accounts = [account["account"] for account in json.loads(said("accounts", "--store", store, "--json"))["accounts"]]
            self.assertEqual(5, len(accounts))
            with Deployment(Servers(), partitions=1, processes=1, options=["--clock", "records"]) as deployment:
                said("send", "--bus", deployment.bus, "--prefix", deployment.prefix, "--pipeline", "256", lines)
                deployment.processes[0].stop()
                for account in accounts:
                    for period in ([], ["--year", "2008"]):
                        self.assertEqual(said("statement", account, *period, "--store", store),
                                         said("statement", account, *period, "--store", deployment.store))
                self.assertEqual(said("accounts", "--store", store), said("accounts", "--store", deployment.store))
                self.assertIn(b"sound", said("verify", "--store", deployment.store))


if __name__ == "__main__":
    unittest.main(verbosity=2)
