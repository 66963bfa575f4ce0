#!/usr/bin/env python3
"""`trading serve` as a process: how signals end it. One process, over a bus within it; deployments are in tests/serve."""
import os
import signal
import subprocess
import time
import unittest

from program import DONE, PROGRAM, SECONDS, Case


class Signals(Case):
    def setUp(self):
        super().setUp()
        self.said = self.folder / "said"
        os.mkfifo(self.said)

    def start(self):
        reader = os.open(self.said, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(reader, True)
        with open(self.said, "wb") as saying:
            serving = subprocess.Popen([PROGRAM, "serve", "--store", self.store, "--bus", "memory:here"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=saying)
        serving.stderr = open(reader, encoding="utf-8")
        self.addCleanup(serving.stderr.close)
        self.addCleanup(serving.wait, SECONDS)
        self.addCleanup(serving.kill)
        while "is open" not in (line := serving.stderr.readline()):
            self.assertTrue(line, "it ended by itself")
        return serving

    def fill_what_is_said(self):
        """So that who has more to say waits for someone to read."""
        filling = os.open(self.said, os.O_WRONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, filling)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(filling, b"\n")

    def test_the_first_ends_it_in_good_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                serving = self.start()
                serving.send_signal(number)
                self.assertEqual(DONE, serving.wait(SECONDS))
                self.assertIn("partition 0 is closed", serving.stderr.read())

    def test_the_next_ends_it_at_once(self):
        """The first cannot: it waits for someone to read that the partition is closed."""
        serving = self.start()
        self.fill_what_is_said()
        end = time.monotonic() + SECONDS
        while serving.poll() is None:
            self.assertLess(time.monotonic(), end)
            serving.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        self.assertEqual(-signal.SIGTERM, serving.returncode)
        self.trading("verify")


if __name__ == "__main__":
    unittest.main()
