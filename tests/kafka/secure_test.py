#!/usr/bin/env python3
"""A Kafka bus over TLS with a password, against a broker that takes nothing else; and that no password is ever said.

usage: secure_test.py RUNNER PLUGIN SERVER CA
"""
import ctypes
import pathlib
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from secure import WRONG, SecureTest, hosts_of  # noqa: E402

RUNNER, PLUGIN, SERVER, CA = sys.argv[1:5]
HOSTS = hosts_of(SERVER)
RIGHT = "trading-secret"
PLAIN = "sasl.mechanism=PLAIN"
SCRAM_WORKS = ctypes.CDLL("librdkafka.so.1").rd_kafka_version() >= 0x020601ff  # with brokers from Kafka 4.0 on


class Secure(SecureTest):
    never_said = [RIGHT, WRONG, "guest-secret"]

    def run_bus(self, user, options, *command):
        uri = f"kafka://{user}{HOSTS}/?" + "&".join(options)
        return self.run_it(RUNNER, PLUGIN, uri, *command)

    def open(self, user, *options, seconds=60):
        return self.run_bus(user, [f"connect_timeout={1000 * seconds}", *options], "open")

    def assert_refused(self, word, user, *options):
        """A broker says why as soon as a busy machine lets it."""
        for seconds in (3, 12, 48):
            code, said = self.open(user, *options, seconds=seconds)
            if word in said:
                break
        self.assertEqual(2, code)
        self.assertIn(word, said)

    def test_with_all_it_takes(self):
        password = self.file("password", RIGHT + "\n")
        topic = uuid.uuid4().hex
        options = [PLAIN, f"ssl.ca.location={CA}", f"password_file={password}"]
        self.assertEqual((0, ""), self.run_bus("trading@", options, "publish", topic, topic, "stop"))
        file = self.file("options", f"# of the test\n\nuser=trading\npassword={RIGHT}\n{PLAIN}\nssl.ca.location={CA}\n")
        self.assertEqual((0, ""), self.run_bus("", [f"options={file}"], "member", topic, topic))

    def test_by_scram_which_is_the_default(self):
        password = self.file("password", RIGHT + "\n")
        code, said = self.open("trading@", f"ssl.ca.location={CA}", f"password_file={password}", seconds=60 if SCRAM_WORKS else 3)
        self.assertEqual(0 if SCRAM_WORKS else 2, code)
        if not SCRAM_WORKS:
            self.assertIn("cannot log in to Kafka 4 with SCRAM-SHA-512: it takes 2.6.1", said)

    def test_by_the_properties_of_librdkafka(self):
        file = self.file("options", f"security.protocol=SASL_SSL\n{PLAIN}\nsasl.username=trading\n"
                                    f"sasl.password={RIGHT}\nssl.ca.location={CA}\n")
        self.assertEqual((0, ""), self.open("", f"options={file}"))

    def test_with_another_password(self):
        password = self.file("password", WRONG + "\n")
        self.assert_refused("Authentication failed", "trading@", PLAIN, f"ssl.ca.location={CA}", f"password_file={password}")

    def test_without_a_password(self):
        self.assert_refused("no broker", "", f"ssl.ca.location={CA}", "security.protocol=SSL")
        self.assert_refused("a user and a password", "trading@", f"ssl.ca.location={CA}")

    def test_without_rights(self):
        """It is said at once what is not allowed."""
        password = self.file("password", "guest-secret\n")
        code, said = self.run_bus("guest@", [PLAIN, f"ssl.ca.location={CA}", f"password_file={password}", "connect_timeout=60000"],
                                  "read", uuid.uuid4().hex)
        self.assertEqual(2, code)
        self.assertIn("Topic authorization failed", said)

    def test_without_tls_and_with_a_certificate_that_nobody_vouches_for(self):
        password = self.file("password", RIGHT + "\n")
        self.assert_refused("no broker", "trading@", f"password_file={password}", "security.protocol=SASL_PLAINTEXT")
        self.assert_refused("certificate", "trading@", f"password_file={password}")

    def test_a_value_that_cannot_be_is_not_said(self):
        file = self.file("options", f"ssl.ca.location={CA}\nsasl.mechanism={WRONG * 2}\nsecurity.protocol={WRONG}\n")
        self.assert_refused("security.protocol", "", f"options={file}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
