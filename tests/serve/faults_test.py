#!/usr/bin/env python3
"""A deployment on real servers: one process and three, and three while one of them fails. Each fault several times, under load; afterwards the
invariants are proved from the journal (harness.py).

usage: faults_test.py [CLASS[.TEST]]...
"""
import json
import os
import time
import unittest

from harness import Deployment, Servers, await_that

ROUNDS = int(os.environ.get("SERVE_ROUNDS", "2"))


def setUpModule():
    global servers
    servers = Servers()


class Case(unittest.TestCase):
    def deployment(self, **options):
        return Deployment(servers, **options)


class Whole(Case):
    def test_one_process(self):
        with self.deployment(partitions=1, processes=1, options=("--metrics", "1")) as deployment:
            with deployment.load(clients=2, accounts=4) as load:
                load.await_more(100)
                answered = len(load.history)
                await_that(lambda: self.told(deployment) >= answered, lambda: f"of {answered}, {self.told(deployment)} were told")
            deployment.prove(load.history)

    def told(self, deployment):
        """Commands and views that the metrics tell of, which are lines of JSON among others."""
        lines = [json.loads(line) for line in deployment.processes[0].lines() if line.startswith("{")]
        return max((int(line["commands"]) + int(line["reads"]) for line in lines if line["partition"] == "0" and "lag" in line), default=0)

    def test_three_processes(self):
        """One who watches sees in the end that nothing is left to do."""
        with self.deployment(partitions=6, options=("--events", "all")) as deployment:
            with deployment.load() as load:
                for _ in range(4):
                    load.await_more(100)
                    self.assertEqual(6, len(deployment.info()["partitions"]))
            self.assertTrue(all(process.partitions() for process in deployment.processes))
            await_that(lambda: self.is_done(deployment.info()), lambda: f"{deployment.info()}:\n{deployment.said()}")
            deployment.prove(load.history)

    def is_done(self, info):
        return (info["lag"], info["events_lag"], info["dead_letters"]) == ("0", "0", "0")


class Faults(Case):
    def test_kill(self):
        """A process dies, and comes back."""
        with self.deployment() as deployment:
            with deployment.load() as load:
                for round in range(ROUNDS):
                    load.await_more(60)
                    process = deployment.processes[round % 3]
                    process.kill()
                    load.await_more(60)
                    process.start()
                load.await_more(60)
            deployment.prove(load.history)

    def test_pause(self):
        """A process stands still until others have its partitions, and goes on."""
        with self.deployment() as deployment:
            with deployment.load() as load:
                for round in range(ROUNDS):
                    load.await_more(60)
                    process = deployment.processes[round % 3]
                    process.pause()
                    time.sleep(8)  # it is taken for dead after six seconds
                    load.await_more(60)
                    process.resume()
                load.await_more(100)
            deployment.prove(load.history)

    def test_lost_state(self):
        """The folder of checkpoints is deleted while a process is away."""
        with self.deployment() as deployment:
            with deployment.load() as load:
                for round in range(ROUNDS):
                    load.await_more(60)
                    process = deployment.processes[round % 3]
                    process.stop()
                    process.forget_state()
                    load.await_more(30)
                    process.start()
                load.await_more(60)
            deployment.prove(load.history)

    def test_rebalance(self):
        """Processes come and go, so that partitions are shared out anew, again and again."""
        with self.deployment(partitions=6, start=1) as deployment:
            with deployment.load() as load:
                for _ in range(ROUNDS):
                    for process in deployment.processes[1:]:
                        load.await_more(40)
                        process.start()
                    for process in deployment.processes[1:]:
                        load.await_more(40)
                        process.stop()
                load.await_more(40)
            deployment.prove(load.history)


if __name__ == "__main__":
    unittest.main(verbosity=2)
