#!/usr/bin/env python3
"""A Kafka bus over TLS with a password, against a broker that takes nothing else; and that no password is ever said.

usage: secure_test.py RUNNER PLUGIN SERVER CA
"""
import ctypes
import subprocess
import sys
import tempfile
import unittest
import uuid

RUNNER, PLUGIN, SERVER, CA = sys.argv[1:5]
HOSTS = subprocess.run([SERVER, "hosts"], check=True, capture_output=True, text=True).stdout.strip()
RIGHT, WRONG = "trading-secret", "a-wrong-passw0rd"
PLAIN = "sasl.mechanism=PLAIN"
SCRAM_WORKS = ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >= 0x020601ff  # with brokers from Kafka 4.0 on


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

    def run_it(self, user, options, *command):
        uri = f"kafka://{user}{HOSTS}/?" + "&".join(["connect_timeout=3000", *options])
        done = subprocess.run([RUNNER, PLUGIN, uri, *command], capture_output=True, text=True, timeout=120, input="")
        self.assertNotIn(WRONG, done.stdout + done.stderr)
        self.assertNotIn(RIGHT, done.stdout + done.stderr)
        return done

    def assert_refused(self, word, user, *options):
        done = self.run_it(user, options, "open")
        self.assertEqual(2, done.returncode)
        self.assertIn(word, done.stderr)

    def test_with_all_it_takes(self):
        password = self.file("password", RIGHT + "\n")
        topic = uuid.uuid4().hex
        options = [PLAIN, f"ssl.ca.location={CA}", f"password_file={password}"]
        done = self.run_it("trading@", options, "publish", topic, topic, "stop")
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        file = self.file("options", f"# of the test\n\nuser=trading\npassword={RIGHT}\n{PLAIN}\nssl.ca.location={CA}\n")
        done = self.run_it("", [f"options={file}"], "member", topic, topic)
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_by_scram_which_is_the_default(self):
        password = self.file("password", RIGHT + "\n")
        done = self.run_it("trading@", [f"ssl.ca.location={CA}", f"password_file={password}"], "open")
        self.assertEqual(0 if SCRAM_WORKS else 2, done.returncode)
        if not SCRAM_WORKS:
            self.assertIn("cannot log in to Kafka 4 with SCRAM-SHA-512: it takes 2.6.1", done.stderr)

    def test_by_the_properties_of_librdkafka(self):
        file = self.file("options", f"security.protocol=SASL_SSL\n{PLAIN}\nsasl.username=trading\n"
                                    f"sasl.password={RIGHT}\nssl.ca.location={CA}\n")
        done = self.run_it("", [f"options={file}"], "open")
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_with_another_password(self):
        password = self.file("password", WRONG + "\n")
        self.assert_refused("Authentication failed", "trading@", PLAIN, f"ssl.ca.location={CA}", f"password_file={password}")

    def test_without_a_password(self):
        self.assert_refused("no broker", "", f"ssl.ca.location={CA}", "security.protocol=SSL")
        self.assert_refused("a user and a password", "trading@", f"ssl.ca.location={CA}")

    def test_without_tls_and_with_a_certificate_that_nobody_vouches_for(self):
        password = self.file("password", RIGHT + "\n")
        self.assert_refused("no broker", "trading@", f"password_file={password}", "security.protocol=SASL_PLAINTEXT")
        self.assert_refused("certificate", "trading@", f"password_file={password}")

    def test_a_value_that_cannot_be_is_not_said(self):
        file = self.file("options", f"ssl.ca.location={CA}\nsasl.mechanism={WRONG * 2}\nsecurity.protocol={WRONG}\n")
        self.assert_refused("security.protocol", "", f"options={file}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
