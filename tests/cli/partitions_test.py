#!/usr/bin/env python3
"""Stores of several partitions: a customer's day, statement and past are as in a store of one."""
import time
import unittest

from program import REFUSED, SECONDS, STORE, USAGE, Case, without

NAMES = ("Ann", "Bob", "Cid", "Dan", "Eve")
SYMBOLS = ("IBM", "GOOG", "MSFT")
PASSING = ("time", "position", "acquired", "as_of", "from", "to")


def timeless(record):
    """A statement without what differs from day to day."""
    if isinstance(record, dict):
        return {name: timeless(value) for name, value in record.items() if name not in PASSING}
    return [timeless(value) for value in record] if isinstance(record, list) else record


class Day:
    """What customers do in a store, each command once all that came of the one before has arrived."""

    def __init__(self, case, partitions):
        self.case = case
        self.store = f"lmdb:{case.folder}/of-{partitions}"
        self.running = case.lines("--partitions", str(partitions), store=self.store)
        self.number = 0
        self.accounts = []
        for name in NAMES:
            opened = self.ok("open_account", name=name, deposit="10000.00")
            self.accounts.append((opened["account"], opened["portfolio"]))

    def ok(self, op, **members):
        self.number += 1
        answer = self.running.op(op, key=f"{op} {self.number}", **members)
        self.case.assertIs(answer["ok"], True, answer)
        return answer

    def view(self, op, **members):
        answer = self.running.op(op, **members)
        self.case.assertIs(answer["ok"], True, answer)
        return answer

    def until(self, seen):
        end = time.monotonic() + SECONDS
        while not seen():
            self.case.assertLess(time.monotonic(), end)
            time.sleep(0.001)

    def trade(self, which, side, symbol, quantity):
        order = self.ok("place_order", portfolio=self.accounts[which][1], side=side, symbol=symbol, quantity=quantity,
                        type="market")["order"]
        self.until(lambda: self.view("view_order", id=order)["status"] == "filled")

    def transfer(self, source, target, amount):
        self.ok("transfer", account=self.accounts[source][0], to=self.accounts[target][0], amount=amount)
        self.until(lambda: "pending" not in self.view("view_account", id=self.accounts[source][0]))

    def quotes(self, bid, ask):
        for symbol in SYMBOLS:
            self.ok("quote", symbol=symbol, bid=bid, ask=ask, size="unlimited")

    def morning(self):
        self.quotes("99.00", "100.00")
        for which in range(len(NAMES)):
            self.trade(which, "buy", SYMBOLS[which % 3], "7")
            self.trade(which, "buy", SYMBOLS[(which + 1) % 3], "3")
            self.transfer(which, (which + 1) % len(NAMES), "12.50")

    def evening(self):
        self.quotes("109.00", "110.00")
        for which in range(len(NAMES)):
            self.ok("withdraw", account=self.accounts[which][0], amount="100.00")
            self.trade(which, "sell", SYMBOLS[which % 3], "5")
            self.transfer(which, (which + 2) % len(NAMES), "0.50")

    def statements(self, *arguments):
        return [self.case.json("statement", account, *arguments, store=self.store) for account, _ in self.accounts]

    def positions(self):
        return [self.view("view_account", id=account)["position"] for account, _ in self.accounts]


class Partitions(Case):
    def test_the_same_as_one(self):
        days = [Day(self, partitions) for partitions in (1, 4)]
        results = []
        for day in days:
            day.morning()
            noon = day.positions()
            day.evening()
            now = [timeless(day.view("statement", account=account)) for account, _ in day.accounts]
            activity = [timeless(day.view("activity", account=account)["activity"]) for account, _ in day.accounts]
            past = [timeless(day.view("statement", account=account, at=position))
                    for (account, _), position in zip(day.accounts, noon)]
            self.assertEqual(day.running.end()[0], 0)
            self.assertEqual([timeless(statement) for statement in day.statements()],
                             [without(statement, "ok") for statement in now])
            alone = [timeless(self.json("statement", account, "--at", position, store=day.store))
                     for (account, _), position in zip(day.accounts, noon)]
            self.assertEqual(alone, [without(statement, "ok") for statement in past])
            self.assertEqual(self.json("verify", store=day.store)["sound"], True)
            results.append((now, activity, past))
        self.assertEqual(results[0], results[1])
        self.assertGreater(len({len(lines) for lines in results[0][1]}) + len(results[0][1][0]), 5)

    def test_positions_are_of_a_partition(self):
        day = Day(self, 3)
        day.morning()
        account = day.accounts[0][0]
        before = day.view("view_account", id=account)
        when = day.view("info")["last_time"]
        day.evening()
        now = day.view("view_account", id=account)
        named = [day.running.op("view_account", id=account, at=f"{partition}:{before['position']}") for partition in range(3)]
        self.assertIn(before, named)
        self.assertEqual(day.running.op("view_account", id=account, at_least=str(int(now["position"]) + 100))["reason"], "TIMEOUT")
        self.assertIs(day.running.op("view_account", id=account, at_least=str(int(now["position"]) - 1))["ok"], True)
        day.running.end()
        for point in (before["position"], when):
            self.assertEqual(without(self.json("account", account, "--at", point, store=day.store), "position"),
                             without(before, "position"))
        for arguments in (("accounts", "--at", "1"), ("account", account, "--at", "3:1"), ("account", account, "--at", "999999"),
                          ("statement", account, "--at", "999999"), ("statement", account, "--at", "7:0")):
            refused = self.trading(*arguments, store=day.store, code=REFUSED).stderr.decode()
            self.assertTrue(refused.startswith("rejected: BAD_POSITION: "), refused)
        self.assertIn("as in 0:1", self.trading("accounts", "--at", "1", store=day.store, code=REFUSED).stderr.decode())
        self.assertTrue(self.json("accounts", "--at", "0:2", store=day.store)["ok"])

    def test_a_feed_from_a_time(self):
        day = Day(self, 3)
        day.morning()
        when = day.view("info")["last_time"]
        day.running.end()
        for account, _ in day.accounts:
            feed = self.text("feed", "--account", account, "--json", store=day.store).splitlines()
            late = self.text("feed", "--account", account, "--from", when, "--json", store=day.store).splitlines()
            self.assertLess(len(late), len(feed))
            self.assertEqual(late, feed[len(feed) - len(late):])
        for partition in "012":
            feed = self.text("feed", "--partition", partition, "--json", store=day.store).splitlines()
            late = self.text("feed", "--partition", partition, "--from", when, "--json", store=day.store).splitlines()
            self.assertEqual(late, [event for event in feed if f'"time":"{when}"' in event or event in late])
            self.assertLess(len(late), len(feed))
        self.trading("feed", "--from", "1:3", store=day.store, code=USAGE)
        self.trading("feed", "--partition", "1:3", store=day.store, code=USAGE)

    def test_the_number_stays(self):
        self.text("store", "create", "--partitions", "2")
        self.text("open-account", "--name", "Ann")
        self.run_lines([{"op": "info"}])
        self.run_lines([{"op": "info"}], "--partitions", "2")
        self.assertIn("2 partitions", self.trading("run", "--partitions", "3", input=b"", code=STORE).stderr.decode())
        self.assertIn("from 1 to 64", self.trading("run", "--partitions", "65", input=b"", code=USAGE).stderr.decode())
        self.assertIn("from 1 to 64", self.trading("store", "create", "--partitions", "0", code=USAGE).stderr.decode())


if __name__ == "__main__":
    unittest.main()
