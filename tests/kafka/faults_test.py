#!/usr/bin/env python3
"""The Kafka bus under faults: publishers that die or stand still, members that stand still, brokers that die.

usage: faults_test.py RUNNER PLUGIN SERVER OneBroker|ThreeBrokers...

SERVER is tests/servers/kafka/server; as many brokers are up as the tests that are named want.
"""
import signal
import subprocess
import sys
import threading
import time
import unittest
import uuid

RUNNER, PLUGIN, SERVER = sys.argv[1:4]
SECONDS = 180  # a wait that takes longer has failed


def server(*arguments):
    return subprocess.run([SERVER, *arguments], check=True, capture_output=True, text=True).stdout


URI = f"kafka://{server('hosts').strip()}/"


class Runner:
    """A process of kafka-runner; its lines as they come."""

    def __init__(self, *arguments, options=""):
        self.arguments = arguments
        self.process = subprocess.Popen([RUNNER, PLUGIN, URI + options, *arguments], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=self.listen), threading.Thread(target=self.process.stderr.read)]
        for thread in self.threads:
            thread.start()

    def listen(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.split())
                self.changed.notify_all()

    def count(self, word):
        return sum(line[0] == word for line in self.lines)

    def wait(self, condition, what, seconds=SECONDS):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), seconds):
                raise AssertionError(f"{self.arguments}: {what} did not come; its last lines: {self.lines[-5:]}")

    def await_more(self, count, word, seconds=SECONDS):
        wanted = self.count(word) + count
        self.wait(lambda runner: runner.count(word) >= wanted, f"{count} more of {word}", seconds)

    def signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        if self.process.stdin:
            self.process.stdin.close()
        code = self.process.wait(SECONDS)
        for thread in self.threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def kill(self):
        self.process.kill()
        return self.finish()

    def published(self):
        return max([int(line[1]) for line in self.lines if line[0] == "published"], default=0)

    def numbers(self):
        return [int(line[2]) for line in self.lines if line[0] == "record"]


class Faults(unittest.TestCase):
    def setUp(self):
        self.topic = f"faults-{uuid.uuid4().hex}"
        self.runners = []
        self.addCleanup(self.end_all)

    def run_it(self, *arguments, options=""):
        runner = Runner(*arguments, options=options)
        self.runners.append(runner)
        return runner

    def end_all(self):
        for runner in self.runners:
            if runner.process.poll() is None:
                runner.signal(signal.SIGCONT)
                runner.kill()

    def publisher(self, when_fenced="reopen", options=""):
        return self.run_it("publish", self.topic, self.topic, when_fenced, options=options)

    def assert_all_once(self, reader, least):
        """Everything was read that was acknowledged, and nothing twice: the numbers from 0 on, to the end of some batch."""
        reader.wait(lambda reader: len(reader.numbers()) >= least, f"{least} records")
        fresh = self.run_it("read", self.topic)
        fresh.wait(lambda fresh: len(fresh.numbers()) >= least, f"{least} records, read again")
        for each in (reader, fresh):
            self.assertEqual(0, each.finish())
            numbers = each.numbers()
            self.assertEqual(list(range(len(numbers))), sorted(numbers))
            self.assertEqual(0, len(numbers) % 10)
        self.assertGreaterEqual(len(numbers), least)


class OneBroker(Faults):
    def test_publishers_that_are_killed(self):
        reader = self.run_it("read", self.topic)
        last = 0
        for number in range(12):
            publisher = self.publisher()
            publisher.await_more(3, "published")
            time.sleep(number * 0.003)  # at another moment of what it does each time
            publisher.kill()
            last = max(last, publisher.published())
        publisher = self.publisher()
        publisher.await_more(1, "published")
        self.assertEqual(0, publisher.finish())
        self.assertGreaterEqual(publisher.published(), last + 10)
        self.assert_all_once(reader, publisher.published())

    def test_a_publisher_that_stood_still_while_another_took_over(self):
        reader = self.run_it("read", self.topic)
        stopped = self.publisher("stop")
        stopped.await_more(5, "published")
        stopped.signal(signal.SIGSTOP)
        successor = self.publisher("stop")
        successor.await_more(5, "published")
        stopped.signal(signal.SIGCONT)
        self.assertEqual(3, stopped.process.wait(SECONDS))
        self.assertEqual("FENCED", stopped.lines[-1][1])
        successor.await_more(5, "published")
        self.assertEqual(0, successor.finish())
        self.assert_all_once(reader, successor.published())

    def test_a_member_that_stood_still(self):
        options = "?session.timeout.ms=15000&max.poll.interval.ms=15000"  # a busy machine is not a member that stood still
        first = self.run_it("member", self.topic, self.topic, options=options)
        first.await_more(4, "owned")
        second = self.run_it("member", self.topic, self.topic, options=options)
        second.await_more(2, "owned")
        first.wait(lambda first: first.count("revoked") == 2, "2 times revoked")
        first.signal(signal.SIGSTOP)
        second.await_more(2, "owned")
        first.signal(signal.SIGCONT)
        first.await_more(2, "lost")
        first.wait(lambda first: first.count("owned") == 6, "what it owns, as it takes part again")
        second.wait(lambda second: second.count("revoked") == 2, "2 times revoked")
        for member in (first, second):
            self.assertEqual(0, member.finish())

    def test_a_member_that_is_called_by_name_comes_back_to_what_it_had(self):
        options = f"?session.timeout.ms={1000 * SECONDS + 60000}&member="  # nobody would take over what it had before it is waited for no more
        first = self.run_it("member", self.topic, self.topic, options=options + "one")
        first.await_more(4, "owned")
        second = self.run_it("member", self.topic, self.topic, options=options + "two")
        second.await_more(2, "owned")
        second.kill()
        second = self.run_it("member", self.topic, self.topic, options=options + "two")
        second.await_more(2, "owned")
        self.assertEqual(0, first.count("lost"))
        self.assertEqual((4, 2), (first.count("owned"), first.count("revoked")))
        for member in (first, second):
            self.assertEqual(0, member.finish())

    def test_the_broker_killed_and_started_again(self):
        reader = self.run_it("read", self.topic)
        publisher = self.publisher()
        publisher.await_more(10, "published")
        server("kill", "1")
        server("restart", "1")
        publisher.await_more(20, "published")
        self.assertEqual(0, publisher.finish())
        self.assert_all_once(reader, publisher.published())


class ThreeBrokers(Faults):
    def test_brokers_killed_while_it_is_published_and_read(self):
        reader = self.run_it("read", self.topic)
        publisher = self.publisher()
        publisher.await_more(10, "published")
        for broker in ("1", "2"):
            server("kill", broker)
            publisher.await_more(20, "published")
            server("restart", broker)
            publisher.await_more(5, "published")
        self.assertEqual(0, publisher.finish())
        self.assert_all_once(reader, publisher.published())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
