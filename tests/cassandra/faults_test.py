#!/usr/bin/env python3
"""A Cassandra store under faults: writers that stand still, servers that stand still, servers that die.

usage: faults_test.py APPENDER PLUGIN SERVER OneNode|ThreeNodes...

SERVER is tests/servers/cassandra/server; as many nodes are up as the tests that are named want.
"""
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

APPENDER, PLUGIN, SERVER = sys.argv[1:4]
SECONDS = 180  # a wait that takes longer has failed


def server(*arguments):
    return subprocess.run([SERVER, *arguments], check=True, capture_output=True, text=True).stdout


HOSTS = server("hosts").strip()
NODES = HOSTS.count(",") + 1


def node_pid(number):
    for line in server("status").splitlines():
        words = line.split()
        if words[0] == f"node{number}":
            return int(words[2])
    raise AssertionError(f"node {number} does not run")


class Appender:
    """A writer in a process of its own; its lines as they come."""

    def __init__(self, location, name, size=200):
        self.name = name
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([APPENDER, PLUGIN, location, "append", str(name), str(size)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.lines = []
        self.is_over = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.split())
                self.changed.notify_all()
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def count(self, *words):
        return sum(line[0] in words for line in self.lines)

    def await_more(self, count, *words, seconds=SECONDS):
        """Waits until there are so many more lines that begin with one of the words."""
        with self.changed:
            wanted = self.count(*words) + count
            self.changed.wait_for(lambda: self.count(*words) >= wanted or self.is_over, seconds)
            if self.count(*words) < wanted:
                raise AssertionError(f"writer {self.name} {self.state()}; its last lines: {self.lines[-5:]}; it said: {self.said()}")

    def state(self):
        """Of one that did not go on."""
        return f"ended with {self.process.wait()}" if self.is_over else "did not go on"

    def said(self):
        """The end of it, read without moving where it goes on."""
        size = os.fstat(self.errors.fileno()).st_size
        return os.pread(self.errors.fileno(), 1000, max(0, size - 1000)).decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.stdin.write("stop\n")
        self.process.stdin.close()
        code = self.process.wait(SECONDS)
        self.thread.join()
        self.process.stdout.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()


class Writers(unittest.TestCase):
    def setUp(self):
        self.writers = []

    def tearDown(self):
        for writer in self.writers:
            writer.kill()

    def location(self, **options):
        options = {"create": NODES, "journal": f"fault-{uuid.uuid4().hex}", **options}
        return f"//{HOSTS}/faults?" + "&".join(f"{name}={value}" for name, value in options.items())

    def write(self, location, name, **arguments):
        self.writers.append(Appender(location, name, **arguments))
        return self.writers[-1]

    def dump(self, location):
        """All commits as {position: (writer, number)}; positions are dense, bytes whole, and each commit there once."""
        done = subprocess.run([APPENDER, PLUGIN, location, "dump"], capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        commits = {}
        for line in done.stdout.splitlines():
            position, events, writer, number, state = line.split()
            self.assertEqual((len(commits), "1", "whole"), (int(position), events, state))
            commits[int(position)] = (int(writer), int(number))
        self.assertEqual(len(commits), len(set(commits.values())), "a commit is there twice")
        return commits

    def verify(self, location, *writers):
        """That the journal has what each writer was told, and nothing that a writer was told had failed."""
        commits = self.dump(location)
        told = {}
        for writer in writers:
            for line in writer.lines:
                if line[0] in ("ok", "was"):
                    self.assertNotIn(int(line[1]), told, "two commits were acknowledged at one position")
                    told[int(line[1])] = (writer.name, int(line[2]))
        self.assertEqual(commits, told)


class OneNode(Writers):
    def test_a_writer_that_stood_still_does_not_write_over_its_successor(self):
        for size in 200, 300000:  # inside the transaction, and before it
            location = self.location()
            old = self.write(location, 1, size=size)
            old.await_more(5, "ok")
            old.signal(signal.SIGSTOP)
            new = self.write(location, 2, size=size)
            new.await_more(10, "ok")
            self.assertEqual(0, new.stop(), new.said())
            before = old.count("ok")
            old.signal(signal.SIGCONT)
            old.await_more(1, "lost")
            self.assertLessEqual(old.count("ok") - before, 1, "what was answered before it stood still, at most")
            old.await_more(3, "ok")  # it learnt where to go on
            self.assertEqual(0, old.stop(), old.said())
            self.verify(location, old, new)

    def test_a_server_that_stands_still_longer_than_a_request_may_take(self):
        for size in 200, 300000:
            location = self.location(request_timeout=400)
            writer = self.write(location, 1, size=size)
            writer.await_more(5, "ok")
            for _ in range(3):
                pid = node_pid(1)
                os.kill(pid, signal.SIGSTOP)
                time.sleep(1.5)  # the fault itself: longer than the timeout
                os.kill(pid, signal.SIGCONT)
                writer.await_more(5, "ok", "failed")
            self.assertEqual(0, writer.stop(), writer.said())
            self.assertEqual(0, writer.count("unknown", "lost"))
            self.verify(location, writer)

    def test_an_outcome_that_cannot_be_learnt_in_time(self):
        location = self.location()
        writer = self.write(f"{location}&request_timeout=300&resolve_timeout=300", 1)
        writer.await_more(5, "ok")
        pid = node_pid(1)
        os.kill(pid, signal.SIGSTOP)
        try:
            writer.await_more(1, "unknown")
        finally:
            os.kill(pid, signal.SIGCONT)
        writer.await_more(1, "was", "was-not")
        writer.await_more(5, "ok")
        self.assertEqual(0, writer.stop(), writer.said())
        self.verify(location, writer)


class ThreeNodes(Writers):
    def test_a_node_of_three_dies_under_two_writers(self):
        location = self.location()
        writers = [self.write(location, name, size=size) for name, size in [(1, 200), (2, 300000)]]
        for victim in 1, 3:
            for writer in writers:
                writer.await_more(3, "ok", "lost")
            os.kill(node_pid(victim), signal.SIGKILL)
            for writer in writers:
                writer.await_more(5, "ok", "lost")
            server("restart", str(victim))
        for writer in writers:  # the small one's first: beside it the large one's may be too late every time
            writer.await_more(1, "ok")
            self.assertEqual(0, writer.stop(), writer.said())
        self.verify(location, *writers)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[4:]])
