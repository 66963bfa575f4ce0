#!/usr/bin/env python3
"""A Cassandra store over TLS with a password, against a server that takes nothing else; and that no password is ever said.

usage: secure_test.py APPENDER PLUGIN SERVER CA
"""
import pathlib
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from secure import WRONG, SecureTest, hosts_of  # noqa: E402

APPENDER, PLUGIN, SERVER, CA = sys.argv[1:5]
HOSTS = hosts_of(SERVER)
RIGHT = "cassandra"


class Secure(SecureTest):
    def open(self, user, *options):
        """Opens an empty journal."""
        location = f"//{user}{HOSTS}/secure?" + "&".join([f"create=1&journal={uuid.uuid4().hex}&connect_timeout=3000", *options])
        return self.run_it(APPENDER, PLUGIN, location, "dump")

    def test_with_all_it_takes(self):
        password = self.file("password", RIGHT + "\n")
        self.assertEqual((0, ""), self.open("cassandra@", f"tls_ca={CA}", f"password_file={password}"))
        options = self.file("options", f"# of the test\n\nuser=cassandra\npassword={RIGHT}\ntls_ca={CA}\n")
        self.assertEqual((0, ""), self.open("", f"options={options}"))

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
