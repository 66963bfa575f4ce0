"""The program `trading` as the tests drive it."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["TRADING_PROGRAM"])
TOP = pathlib.Path(os.environ["TRADING_TOP"])

DONE, REFUSED, USAGE, STORE = 0, 1, 2, 3
SECONDS = 120  # a test that waits longer has failed


class Lines:
    """A running `trading run`: a line in, a line out."""

    def __init__(self, store, *arguments):
        self.process = subprocess.Popen([PROGRAM, "run", "--store", store, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def send(self, request):
        line = request if isinstance(request, bytes) else json.dumps(request, ensure_ascii=False).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("no answer: " + self.process.stderr.read().decode())
        return json.loads(line)

    def ask(self, request):
        self.send(request)
        return self.receive()

    def op(self, name, /, **members):
        return self.ask({"op": name, **members})

    def end(self):
        """Closes the input. Returns exit code and what it still wrote."""
        self.process.stdin.close()
        self.process.stdin = None
        out, error = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, error.decode()

    def stop(self):
        """Ends it, whatever it does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        self.process.wait(timeout=SECONDS)


class Case(unittest.TestCase):
    """A test with a store of its own."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = f"lmdb:{folder.name}/store"
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder.name, "LANG": "C.UTF-8"}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def trading(self, *arguments, code=DONE, store=None, **options):
        """Runs a subcommand and checks its exit code."""
        done = subprocess.run([PROGRAM, arguments[0], "--store", store or self.store, *arguments[1:]], capture_output=True,
                              env=self.environment, timeout=SECONDS, check=False, **options)
        if done.returncode != code:
            self.fail(f"trading {arguments}: {done.returncode} instead of {code}\n{done.stdout[-2000:]!r}\n{done.stderr[-2000:]!r}")
        return done

    def text(self, *arguments, **options):
        return self.trading(*arguments, **options).stdout.decode()

    def complaint(self, *arguments, code):
        done = self.trading(*arguments, code=code)
        self.assertEqual(done.stdout, b"")
        return done.stderr.decode()

    def json(self, *arguments, **options):
        return json.loads(self.trading(*arguments, "--json", **options).stdout)

    def lines(self, *arguments, store=None):
        running = Lines(store or self.store, *arguments)
        self.addCleanup(running.stop)
        return running

    def run_lines(self, data, *arguments, code=DONE, store=None):
        """Gives `trading run` all of its input at once. Returns its answers."""
        if not isinstance(data, bytes):
            data = b"".join(json.dumps(request).encode() + b"\n" for request in data)
        out = self.trading("run", *arguments, input=data, code=code, store=store).stdout
        return [json.loads(line) for line in out.splitlines()]


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}
