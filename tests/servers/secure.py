"""What the tests against servers that take nothing but TLS and a password share: files for a URI to name, and that no password is ever said."""
import subprocess
import tempfile
import unittest

WRONG = "a-wrong-passw0rd"


def hosts_of(server):
    return subprocess.run([server, "hosts"], check=True, capture_output=True, text=True).stdout.strip()


class SecureTest(unittest.TestCase):
    """Of tests that say how to `open` with a user and options."""
    never_said = [WRONG]

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def file(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_it(self, *command):
        """How it ended, and what was said on standard error."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
        for password in self.never_said:
            self.assertNotIn(password, done.stdout + done.stderr)
        return done.returncode, done.stderr

    def assert_refused(self, word, user, *options):
        code, said = self.open(user, *options)
        self.assertEqual(2, code)
        self.assertIn(word, said)
