#!/usr/bin/env python3
"""A deployment on three nodes and three brokers, while servers fail: one at a time, and all of a kind, and all, for a while. Nothing is done for it: the flow goes on by
itself. Afterwards the invariants are proved from the journal, and what the clients of single accounts were answered is judged.

usage: outage_test.py [CLASS[.TEST]]...
"""
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from harness import ALONE, Deployment, Servers, judge

ROUNDS = int(os.environ.get("SERVE_ROUNDS", "1"))
OUTAGE = int(os.environ.get("SERVE_OUTAGE", "4"))  # seconds, and as long again at least until they are up: a process is taken for dead after six


def setUpModule():
    global servers
    servers = Servers(nodes=3, brokers=3)


def kill(which):
    server, number = which
    server("kill", str(number))


class Outages(unittest.TestCase):
    def fail(self, groups, outage=0):
        """Kills each group at once, and starts it again, under load; while it is away, the flow goes on, or all wait."""
        with Deployment(servers, partitions=3, processes=2) as deployment:
            with deployment.load(clients=3) as load, deployment.load(**ALONE) as alone:
                for group in groups:
                    alone.await_more(30)
                    with ThreadPoolExecutor(len(group)) as pool:
                        list(pool.map(kill, group))
                    if outage:
                        time.sleep(outage)
                    else:
                        load.await_more(30)
                        alone.await_more(30)
                    servers.start()
                    load.await_more(30)
                    alone.await_more(30)
            deployment.prove(load.history + alone.history)
            judge(alone.history)

    def test_one_at_a_time(self):
        self.fail([[(which, round % 3 + 1)] for round in range(ROUNDS) for which in (servers.cassandra, servers.kafka)])

    def test_all_for_a_while(self):
        """The store, the bus, and both."""
        every = servers.each()
        groups = [[one for one in every if one[0] == which] for which in (servers.cassandra, servers.kafka)] + [every]
        self.fail(groups * ROUNDS, OUTAGE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
