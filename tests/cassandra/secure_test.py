#!/usr/bin/env python3
"""A Cassandra store over TLS with a password, against a server that takes nothing else; and that no password is ever said.

usage: secure_test.py APPENDER PLUGIN SERVER CA
"""
import os
import pathlib
import signal
import subprocess
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
        self.assert_refused("want a user and a password", "", f"tls_ca={CA}")
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

    def test_certificates_that_are_none(self):
        """Nor is anybody asked at the terminal for what opens a key."""
        def refused(word, certificate, key):
            self.assert_refused(word, "cassandra@", f"password_file={password}", f"tls_certificate={certificate}", f"tls_key={key}")

        password, none = self.file("password", RIGHT + "\n"), self.file("none", "of these\n")
        refused("tls_certificate /absent cannot be read", "/absent", none)
        refused("tls_key /absent cannot be read", CA, "/absent")
        refused(f"tls_certificate {none} cannot be taken", none, none)
        refused(f"tls_key {none} cannot be taken", CA, none)
        key = f"{self.folder}/key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", f"pass:{WRONG}",
                        "-out", key], check=True, capture_output=True)
        refused(f"tls_key {key} cannot be taken", CA, key)
        self.assert_refused("tls_ca /absent cannot be read", "cassandra@", f"password_file={password}", "tls_ca=/absent")

    def test_a_datacentre_that_no_node_is_in(self):
        password = self.file("password", RIGHT + "\n")
        right = ["cassandra@", f"tls_ca={CA}", f"password_file={password}"]
        self.assertEqual((0, ""), self.open(*right, "datacentre=datacenter1"))
        self.assert_refused("no node is in the datacentre nowhere, only in datacenter1", *right, "datacentre=nowhere")

    def test_a_node_that_takes_connections_and_says_nothing(self):
        password = self.file("password", RIGHT + "\n")
        status = subprocess.run([SERVER, "status"], check=True, capture_output=True, text=True).stdout
        node = int(status.split()[2])
        os.kill(node, signal.SIGSTOP)
        try:
            self.assert_refused("did not answer for 6s", "cassandra@", f"tls_ca={CA}", f"password_file={password}", "connect_timeout=500")
        finally:
            os.kill(node, signal.SIGCONT)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
