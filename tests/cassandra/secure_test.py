#!/usr/bin/env python3
"""A Cassandra store over TLS with a password, against a server that takes nothing else; and that no password is ever said.

usage: secure_test.py APPENDER PLUGIN SERVER CA
"""
import os
import subprocess
import sys
import tempfile
import unittest
import uuid

APPENDER, PLUGIN, SERVER, CA = sys.argv[1:5]
HOSTS = subprocess.run([SERVER, "hosts"], check=True, capture_output=True, text=True).stdout.strip()
RIGHT, WRONG = "cassandra", "a-wrong-passw0rd"


class Secure(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def file(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def dump(self, user, *options):
        """Opens an empty journal, and says how that ended and what was said."""
        location = f"//{user}{HOSTS}/secure?" + "&".join([f"create=1&journal={uuid.uuid4().hex}&connect_timeout=3000", *options])
        done = subprocess.run([APPENDER, PLUGIN, location, "dump"], capture_output=True, text=True, timeout=120)
        self.assertNotIn(WRONG, done.stdout + done.stderr)
        return done.returncode, done.stderr

    def assert_refused(self, word, user, *options):
        code, said = self.dump(user, *options)
        self.assertEqual(2, code)
        self.assertIn(word, said)

    def test_with_all_it_takes(self):
        password = self.file("password", RIGHT + "\n")
        self.assertEqual((0, ""), self.dump("cassandra@", f"tls_ca={CA}", f"password_file={password}"))
        options = self.file("options", f"# of the test\n\nuser=cassandra\npassword={RIGHT}\ntls_ca={CA}\n")
        self.assertEqual((0, ""), self.dump("", f"options={options}"))

    def test_with_another_password(self):
        password = self.file("password", WRONG + "\n")
        self.assert_refused("bad credentials", "cassandra@", f"tls_ca={CA}", f"password_file={password}")

    def test_without_a_password(self):
        self.assert_refused("connecting", "", f"tls_ca={CA}")
        self.assert_refused("password", "cassandra@", f"tls_ca={CA}")

    def test_without_tls_and_with_a_certificate_that_nobody_vouches_for(self):
        password = self.file("password", RIGHT + "\n")
        self.assert_refused("connecting", "cassandra@", f"password_file={password}")
        self.assert_refused("connecting", "cassandra@", f"password_file={password}", "tls=1")

    def test_a_password_in_the_uri(self):
        self.assert_refused("printed", f"cassandra:{WRONG}@", f"tls_ca={CA}")
        self.assert_refused("printed", "cassandra@", f"tls_ca={CA}", f"password={WRONG}")

    def test_files_that_are_not_right(self):
        self.assert_refused("cannot be read", "", f"options={self.folder}/absent")
        self.assert_refused("cannot be read", "cassandra@", f"password_file={self.folder}/absent")
        options = self.file("options", f"passwort={WRONG}\n")
        self.assert_refused("passwort", "", f"options={options}")
        options = self.file("options", f"password {WRONG}\n")
        self.assert_refused("option=value", "", f"options={options}")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
