#!/usr/bin/env python3
"""`trading serve` as a process: how signals end it. One process, over a bus within it; deployments are in tests/serve."""
import fcntl
import os
import pathlib
import signal
import subprocess
import time
import unittest

from program import DONE, PROGRAM, SECONDS, Case


class Signals(Case):
    def start(self, *arguments, stdout=subprocess.DEVNULL):
        serving = subprocess.Popen([PROGRAM, "serve", "--store", self.store, "--bus", "memory:here", *arguments], text=True,
                                   stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        self.addCleanup(serving.stderr.close)
        self.addCleanup(serving.wait, SECONDS)
        self.addCleanup(serving.kill)
        while "is open" not in (line := serving.stderr.readline()):
            self.assertTrue(line, "it ended by itself")
        return serving

    def await_blocked(self, serving):
        """Until its first thread waits for room in a pipe."""
        end = time.monotonic() + SECONDS
        while "pipe_write" not in pathlib.Path(f"/proc/{serving.pid}/wchan").read_text():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_the_first_ends_it_in_good_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                serving = self.start()
                serving.send_signal(number)
                self.assertEqual(DONE, serving.wait(SECONDS))
                self.assertIn("partition 0 is closed", serving.stderr.read())

    def test_the_second_ends_it_at_once(self):
        """It cannot heed the first, as it waits for someone to read its metrics."""
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writer, bytes(4096))
        serving = self.start("--metrics", "1", stdout=writer)
        os.close(writer)
        self.await_blocked(serving)
        serving.send_signal(signal.SIGTERM)
        self.await_default(serving)
        self.await_blocked(serving)
        serving.send_signal(signal.SIGTERM)
        self.assertEqual(-signal.SIGTERM, serving.wait(SECONDS))
        self.trading("verify")

    def await_default(self, serving):
        """Until the signal was taken, after which it does what it always does."""
        end = time.monotonic() + SECONDS
        bit = 1 << (signal.SIGTERM - 1)
        while int(next(line for line in pathlib.Path(f"/proc/{serving.pid}/status").read_text().splitlines()
                       if line.startswith("SigCgt")).split()[1], 16) & bit:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
