#!/usr/bin/env python3
"""Copying a store: with as many partitions, and with more."""
import decimal
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from program import DONE, PROGRAM, SECONDS, STORE, USAGE, Case
from partitions_test import Day, timeless

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docs"))

import format_reader  # noqa: E402

STOPPED = 130
SLOT = 64  # of secrets.dat: the first says what it is, the second that the copy is not finished


class Copy(Case):
    def day(self, partitions):
        day = Day(self, partitions)
        day.morning()
        day.ok("place_order", portfolio=day.accounts[0][1], side="buy", symbol="IBM", quantity="2", type="limit", limit_price="50.00",
               time_in_force="gtc")
        return day

    def copy(self, store, name, *arguments):
        told = self.json("store", "copy", "--to", f"lmdb:{self.folder}/{name}", *arguments, store=store)
        return f"lmdb:{self.folder}/{name}", told

    def seen(self, store, accounts, *arguments):
        statements = [self.json("statement", account, *arguments, store=store) for account, _ in accounts]
        accounts = sorted(self.json("accounts", store=store)["accounts"], key=lambda account: account["account"])
        quotes = sorted(self.json("quotes", store=store)["quotes"], key=lambda quote: quote["symbol"])
        return [timeless(statements), timeless(accounts), timeless(quotes), self.json("book", "IBM", store=store)["bids"]]

    def test_more_partitions(self):
        day = self.day(1)
        noon = day.view("info")["last_time"]
        time.sleep(0.001)
        day.evening()
        day.running.end()
        before = self.seen(day.store, day.accounts)
        past = self.seen(day.store, day.accounts, "--at", noon)
        proof = self.json("verify", store=day.store)
        files = {path: path.read_bytes() for path in sorted((self.folder / "of-1").glob("journal.mdb"))}
        store, told = self.copy(day.store, "more", "--partitions", "4")
        self.assertEqual([told["partitions"], told["source_partitions"], told["events"], told["secrets"]],
                         ["4", "1", proof["events"], str(len(day.accounts))])
        self.assertEqual(files, {path: path.read_bytes() for path in files}, "the store was written")
        self.assertEqual(before, self.seen(store, day.accounts))
        self.assertEqual(past, self.seen(store, day.accounts, "--at", noon))
        split = self.json("verify", store=store)
        self.assertEqual([split["sound"], split["accounts"], split["portfolios"]], [True, proof["accounts"], proof["portfolios"]])
        self.assertEqual(self.totals(proof), self.totals(split))
        self.check_journals(day.store, store)
        answers = self.run_lines([{"op": "deposit", "account": account, "amount": "1.00", "key": "after"} for account, _ in day.accounts],
                                 store=store)
        self.assertTrue(all(answer["status"] == "accepted" for answer in answers), answers)
        again = self.run_lines([{"op": "withdraw", "account": day.accounts[0][0], "amount": "100.00", "key": key} for key in
                                (f"withdraw {number}" for number in range(1, day.number + 1))], store=store)
        self.assertIn("duplicate", [answer.get("status") for answer in again])
        self.assertTrue(self.json("verify", store=store)["sound"])

    def totals(self, proof):
        return [sum(decimal.Decimal(ledger[name]) for ledger in proof["ledgers"])
                for name in ("customers", "house", "bank", "clearing", "fee")]

    def check_journals(self, source, store):
        """Each partition has all that was, and then its split, in docs/format.md's words."""
        old = format_reader.read_journal(source.removeprefix("lmdb:"))
        for partition in range(4):
            commits = [commit for commit in format_reader.read_journal(store.removeprefix("lmdb:")) if commit.partition == partition]
            self.assertEqual([commit.entries for commit in commits[:-1]], [commit.entries for commit in old])
            end = old[-1].first_position + len(old[-1].events)
            event, = commits[-1].events
            self.assertEqual([event.kind, event.fields], ["PARTITION_SPLIT", {"from": 1, "to": 4, "ends": end.to_bytes(8, "little")}])
            self.assertEqual(commits[-1].entries[0].type, 255)

    def test_as_many(self):
        day = self.day(2)
        day.running.end()
        store, told = self.copy(day.store, "same")
        self.assertEqual(told["partitions"], "2")
        proofs = [self.json("verify", store=each) for each in (day.store, store)]
        self.assertEqual(proofs[0]["hash"], proofs[1]["hash"])
        self.assertEqual(self.seen(day.store, day.accounts), self.seen(store, day.accounts))
        self.assertIn("already", self.refused(day.store, store))
        self.assertIn("already", self.refused(store, day.store))

    def test_backups_beside_a_writer(self):
        """Of a store that `trading run` writes: all that was answered before, and sound."""
        day = self.day(2)
        for number in range(3):
            day.ok("deposit", account=day.accounts[number][0], amount="1.00")
            before = self.seen(day.store, day.accounts)
            told = self.json("store", "backup", "--to", f"lmdb:{self.folder}/backup-{number}", store=day.store)
            self.assertEqual([told["partitions"], told["secrets"]], ["2", str(len(day.accounts))])
            self.assertEqual(before, self.seen(f"lmdb:{self.folder}/backup-{number}", day.accounts))
            self.assertTrue(self.json("verify", store=f"lmdb:{self.folder}/backup-{number}")["sound"])
        self.assertIn("has the 2 partitions", self.trading("store", "backup", "--to", f"lmdb:{self.folder}/split", "--partitions", "4",
                                                           store=day.store, code=STORE).stderr.decode())
        day.running.end()

    def test_backup_beside_much_writing(self):
        """Commands go on being answered while the backup is made, and it is whole."""
        account = self.large()
        lines = [{"op": "deposit", "account": account, "amount": "1.00"}] * 60000
        writer = subprocess.Popen([PROGRAM, "run", "--store", self.store, "--pipeline", "100"], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, env=self.environment)
        feeding = threading.Thread(target=lambda: (writer.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines)),
                                                   writer.stdin.close()))
        feeding.start()
        balances = []
        while writer.poll() is None and len(balances) < 5:
            target = f"lmdb:{self.folder}/live-{len(balances)}"
            self.json("store", "backup", "--to", target)
            self.assertTrue(self.json("verify", store=target)["sound"])
            balances.append(decimal.Decimal(self.json("account", account, store=target)["balance"]))
        feeding.join()
        self.assertEqual(writer.wait(timeout=SECONDS), DONE)
        self.assertEqual(balances, sorted(balances))
        self.assertGreaterEqual(balances[0], 30000)
        self.assertEqual(self.json("account", account)["balance"], "90000.00")

    def refused(self, store, target, *arguments, code=STORE):
        return self.trading("store", "copy", "--to", target, *arguments, store=store, code=code).stderr.decode()

    def test_what_is_refused(self):
        day = self.day(2)
        day.running.end()
        target = f"lmdb:{self.folder}/target"
        self.assertIn("2 or a multiple of that, not 3", self.refused(day.store, target, "--partitions", "3"))
        self.assertIn("not 1", self.refused(day.store, target, "--partitions", "1"))
        self.assertIn("from 1 to 64", self.refused(day.store, target, "--partitions", "65", code=USAGE))
        self.assertIn("onto itself", self.refused(day.store, day.store))
        self.assertIn("--to", self.trading("store", "copy", store=day.store, code=USAGE).stderr.decode())
        self.assertIn("only copy and backup", self.trading("store", "create", "--to", target, store=day.store, code=USAGE).stderr.decode())
        self.refused(f"lmdb:{self.folder}/nothing", target)
        self.assertFalse((self.folder / "nothing").exists(), "a store that is not there was made")

    def large(self):
        """A store that takes some time to be copied."""
        account = self.run_lines([{"op": "open_account", "name": "Ann", "key": "ann"}])[0]["account"]
        self.run_lines([{"op": "deposit", "account": account, "amount": "1.00"}] * 30000, "--pipeline", "1000")
        return account

    def interrupt(self, number, target):
        """Copies until something was written, and ends it by the signal."""
        process = subprocess.Popen([PROGRAM, "store", "copy", "--store", self.store, "--to", target, "--partitions", "64"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        end = time.monotonic() + SECONDS
        secrets = pathlib.Path(target.removeprefix("lmdb:")) / "secrets.dat"
        while process.poll() is None and not (secrets.exists() and secrets.stat().st_size > 2 * SLOT):
            self.assertLess(time.monotonic(), end)
        process.send_signal(number)
        _, error = process.communicate(timeout=SECONDS)
        return process.returncode, error.decode()

    def interrupt_in_time(self, number):
        """Again where the copy was whole before the signal came. Returns the target as well."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            target = f"lmdb:{tempfile.mkdtemp(dir=self.folder)}/store"
            ended, error = self.interrupt(number, target)
            if ended != DONE:
                break
        return target, ended, error

    def test_interruptions(self):
        account = self.large()
        for number, code in ((signal.SIGINT, STOPPED), (signal.SIGKILL, -signal.SIGKILL)):
            target, ended, error = self.interrupt_in_time(number)
            self.assertEqual(ended, code, error)
            for arguments in (("verify",), ("account", account), ("deposit", account, "1")):
                self.assertIn("not finished", self.trading(*arguments, store=target, code=STORE).stderr.decode())
            self.assertIn("not finished", self.refused(self.store, target))
        self.assertEqual(self.json("account", account)["balance"], "30000.00")


if __name__ == "__main__":
    unittest.main()
