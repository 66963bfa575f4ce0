#!/usr/bin/env python3
"""Deployments on one node and one broker whose records come twice, late and out of order, and whose partitions two write at once. Afterwards the
invariants are proved from the journal, and what the clients of single accounts were answered is judged.

usage: delivery_test.py [CLASS[.TEST]]...
"""
import os
import time
import unittest
import uuid

from harness import ALONE, Deployment, Lines, Servers, await_that, judge

ROUNDS = int(os.environ.get("SERVE_ROUNDS", "1"))


def setUpModule():
    global servers
    servers = Servers()


class Accounts(unittest.TestCase):
    def test_each_is_linearizable_while_processes_fail(self):
        """Clients die as well: nobody knows what became of what they asked for."""
        with Deployment(servers, partitions=2, processes=2) as deployment:
            with deployment.load(**ALONE | {"clients": 8}) as alone:
                for _ in range(ROUNDS):
                    for process in deployment.processes:
                        alone.await_more(40)
                        process.kill()
                        alone.await_more(40)
                        process.start()
                        alone.await_more(40)
                        process.pause()
                        deployment.await_successors(process)
                        alone.await_more(40)
                        process.resume()
            deployment.prove(alone.history)
            judge(alone.history)


class Delivery(unittest.TestCase):
    def test_twice_and_out_of_order(self):
        """Of commands, letters and results; and what the topics have twice is read again by those who take over."""
        with Deployment(servers, partitions=3, processes=2) as deployment:
            with deployment.carrier(), deployment.load() as load, deployment.load(**ALONE) as alone:
                for _ in range(ROUNDS):
                    for process in deployment.processes:
                        load.await_more(60)
                        alone.await_more(40)
                        process.kill()
                        load.await_more(40)
                        process.start()
                load.await_more(60)
            deployment.prove(load.history + alone.history)
            judge(alone.history)


class TwoWriters(unittest.TestCase):
    def test_two_groups(self):
        """Each has all partitions, reads all commands, and wants to write: who comes second is fenced, opens it again, and fences the other."""
        with Deployment(servers, partitions=2, processes=2, start=1) as deployment:
            with deployment.load(clients=2) as load, deployment.load(**ALONE) as alone:
                for _ in range(ROUNDS):
                    alone.await_more(40)
                    before = deployment.fenced()
                    deployment.processes[1].start("--group", f"other-{uuid.uuid4().hex}")
                    await_that(lambda: deployment.fenced() > before, lambda: f"nobody was fenced:\n{deployment.said()}")
                    load.await_more(60)
                    alone.await_more(60)
                    deployment.processes[1].stop()
                load.await_more(60)
            deployment.prove(load.history + alone.history)
            judge(alone.history)

    def test_by_hand(self):
        """Somebody writes to the store of a deployment that runs."""
        with Deployment(servers, partitions=2, processes=2) as deployment:
            with deployment.load(clients=2) as load, deployment.load(**ALONE) as alone:
                by_hand = []
                for _ in range(3 * ROUNDS):
                    alone.await_more(30)
                    before = deployment.fenced()
                    by_hand += [self.write_by_hand(deployment, account) for account, _ in alone.accounts]
                    await_that(lambda: deployment.fenced() > before, lambda: f"nobody was fenced:\n{deployment.said()}")
                load.await_more(60)
                alone.await_more(60)
            deployment.prove(load.history + alone.history + by_hand)
            judge(alone.history + by_hand)

    def write_by_hand(self, deployment, account):
        """A deposit, tried until it is not the one that is fenced."""
        request = {"op": "deposit", "key": uuid.uuid4().hex, "account": account, "amount": "0.01"}
        entry = {"client": -2, "start": time.monotonic_ns(), "request": request, "answer": None}

        def is_done():
            lines = Lines("run", "--store", deployment.store)
            entry["answer"] = lines.ask(request)
            lines.close()
            return entry["answer"]["ok"]

        await_that(is_done, lambda: entry)
        return entry | {"end": time.monotonic_ns()}


if __name__ == "__main__":
    unittest.main(verbosity=2)
