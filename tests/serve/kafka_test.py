#!/usr/bin/env python3
"""One process on LMDB and a real Kafka: it stands in for the reference system's Portfolio service between its Account and its Trade Order service,
which are played here; its events are read once however often it is killed; and who watches it sees what waits, and is not noticed.

usage: kafka_test.py [CLASS[.TEST]]...
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from decimal import Decimal

TOP = pathlib.Path(os.environ["TRADING_TOP"])
PROGRAM = os.environ["TRADING_PROGRAM"]
ROUNDS = int(os.environ.get("RELAY_ROUNDS", "4"))
DEPOSITS = 1500
SECONDS = 180
sys.path.insert(0, str(TOP / "tests/servers/kafka"))
from rdkafka import Consumer, Producer  # noqa: E402


def server(*arguments):
    return subprocess.run([TOP / "tests/servers/kafka/server", *arguments], check=True, text=True, timeout=3600, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL).stdout


def setUpModule():
    global hosts
    server("up", "1")
    hosts = server("hosts").strip()


class House:
    """A `trading serve`, and what sends to it."""

    def __init__(self, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trading-compat-"))
        self.prefix = f"t{uuid.uuid4().hex[:12]}"
        self.store, self.bus, self.options = f"lmdb:{self.folder / 'store'}", f"kafka://{hosts}/?session.timeout.ms=6000", options
        self.process = self.sender = None

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", "--store", self.store, "--bus", self.bus, "--prefix", self.prefix,
                                             *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def await_topics(self):
        """A client waits for them."""
        client = subprocess.run([PROGRAM, "send", "--bus", self.bus, "--prefix", self.prefix, "--timeout", str(SECONDS), "/dev/null"],
                                stderr=subprocess.PIPE, text=True)
        assert not client.returncode, f"{client.stderr}\n{self.said()}"

    def ask(self, request):
        if not self.sender:
            self.sender = subprocess.Popen([PROGRAM, "send", "--bus", self.bus, "--prefix", self.prefix, "--again", "3",
                                            "--timeout", str(4 * SECONDS)], text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sender.stdin.write(json.dumps(request) + "\n")
        self.sender.stdin.flush()
        return json.loads(self.sender.stdout.readline())

    def done(self, request):
        answer = self.ask(request)
        assert answer["ok"], (request, answer, self.said())
        return answer

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(SECONDS) == 0, self.said()

    def close(self):
        if self.sender:
            self.sender.stdin.close()
            self.sender.wait(SECONDS)
            self.sender.stdout.close()
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)


class Compat(unittest.TestCase):
    """The played services, each with topics of its own."""

    def setUp(self):
        name = uuid.uuid4().hex[:8]
        self.names = {"portfolio_topic": f"ip{name}", "account_topic": f"ia{name}", "order_topic": f"oo{name}",
                      "answer_topic": f"io{name}", "portfolio_group": f"ag{name}", "answer_group": f"tg{name}"}
        self.house = House("--compat", "reference?" + "&".join(f"{key}={value}" for key, value in self.names.items()))
        self.addCleanup(self.house.close)
        self.house.start()
        self.house.await_topics()
        self.producer = Producer(hosts)
        self.addCleanup(self.producer.close)
        self.heard = Consumer(hosts, {self.names["account_topic"]: 1, self.names["order_topic"]: 1,
                                      f"{self.house.prefix}.dead": 1})
        self.addCleanup(self.heard.close)

    def tell(self, topic, kind, message):
        value = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.producer.send(self.names[topic], value, headers={"EVENT_TYPE": kind} if kind else {})
        self.producer.flush()

    def expect(self, topic):
        record = self.heard.next(SECONDS)
        self.assertIsNotNone(record, self.house.said())
        self.assertEqual(self.names.get(topic, f"{self.house.prefix}.{topic}"), record.topic, record)
        return record

    def account(self, name):
        """Its account under our id, once it has the alias."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for account in self.house.done({"op": "accounts"})["accounts"]:
                shown = self.house.done({"op": "view_account", "id": account["account"]})
                if {"space": "reference", "name": name} in shown.get("aliases", []):
                    return shown
            time.sleep(0.2)
        self.fail(f"{name} was not opened: {self.house.said()}")

    def await_balance(self, account, balance):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            shown = self.house.done({"op": "view_account", "id": account})
            if shown["balance"] == balance:
                return shown
            time.sleep(0.1)
        self.fail(f"{account} has {shown['balance']}, not {balance}: {self.house.said()}")

    def test_between_its_services(self):
        bad = [(b"not JSON", "DEPOSIT_FUNDS_EVENT", "NOT_JSON"), (b"{}", "GREETING", "UNKNOWN_TYPE"),
               (b'{"accountId":"A-77","amount":100.10000000000001}', "DEPOSIT_FUNDS_EVENT", "TOO_PRECISE"),
               (b'{"accountId":"A-0","amount":1}', "DEPOSIT_FUNDS_EVENT", "UNKNOWN_ACCOUNT")]
        self.tell("portfolio_topic", "OPENPORTFOLIO_EVENT", {"accountId": "A-77", "portfolio": "P-5", "name": "Ada", "fund": 1000.0})
        for value, kind, _ in bad:
            self.tell("portfolio_topic", kind, value)
        self.tell("portfolio_topic", "DEPOSIT_FUNDS_EVENT", b'{"accountId":"A-77","portfolioId":"P-5","amount":1.0E2}')
        for value, kind, reason in bad:
            dead = self.expect("dead")
            self.assertEqual((value, kind, reason, self.names["portfolio_topic"]),
                             (dead.value, dead.headers["EVENT_TYPE"], dead.headers["reason"], dead.headers["topic"]))
        account = self.account("A-77")
        self.await_balance(account["account"], "1100.00")
        self.house.done({"op": "quote", "symbol": "GOOG", "bid": "99.00", "ask": "100.00"})
        self._trade(account["account"], account["portfolios"][0])
        self.house.stop()
        verified = subprocess.run([PROGRAM, "verify", "--store", self.house.store, "--json"], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout
        self.assertTrue(json.loads(verified)["sound"], verified)

    def _order(self, portfolio, side, quantity):
        """Sends an order, and gives it as its Trade Order service has it."""
        placed = self.house.done({"op": "route_order", "portfolio": portfolio, "side": side, "symbol": "GOOG", "quantity": quantity,
                                  "type": "market"})
        order = json.loads(self.expect("order_topic").value)
        self.assertEqual((placed["order"], "P-5"), (order["orderId"], order["portfolioId"]))
        self.assertEqual({"symbol": "GOOG", "shares": int(quantity), "tradeType": side.upper(), "purchaseOrderId": None},
                         order["orderDetails"])
        return order

    def _trade(self, account, portfolio):
        order = self._order(portfolio, "buy", "5")
        answer = {"portfolioId": "P-5", "orderId": order["orderId"],
                  "trade": {"symbol": "GOOG", "tradeType": "BUY", "sharePrice": 100.5, "shares": 5}}
        self.tell("answer_topic", "COMPLETE", answer)
        debit = self.expect("account_topic")
        self.assertEqual(("WITHDRAWAL_EVENT", b'{"accountId":"A-77","amount":502.50}'), (debit.headers["EVENT_TYPE"], debit.value))
        self.tell("answer_topic", "COMPLETE", answer)  # once more
        self.assertEqual("ORDER_NOT_OPEN", self.expect("dead").headers["reason"])
        self.await_balance(account, "597.50")
        failed = self._order(portfolio, "buy", "1")
        self.assertEqual("105.00", self.house.done({"op": "view_account", "id": account})["held"])
        self.tell("answer_topic", "FAILED", {"portfolioId": "P-5", "orderId": failed["orderId"]})
        sold = self._order(portfolio, "sell", "2")
        self.tell("answer_topic", "COMPLETE", {"portfolioId": "P-5", "orderId": sold["orderId"],
                                               "trade": {"symbol": "GOOG", "tradeType": "SELL", "sharePrice": 99, "shares": 2}})
        self.assertEqual("DEPOSIT_FUNDS_EVENT", self.expect("account_topic").headers["EVENT_TYPE"])
        self.assertEqual("0.00", self.await_balance(account, "795.50")["held"])
        holdings = self.house.done({"op": "view_portfolio", "id": portfolio})["positions"]
        self.assertEqual([("GOOG", "3")], [(position["symbol"], position["quantity"]) for position in holdings])

    def test_killed_between(self):
        """What it was told is done once, and it tells of it once, however often it is killed."""
        self.tell("portfolio_topic", "OPENPORTFOLIO_EVENT", {"accountId": "A-1", "portfolio": "P-1", "fund": 0})
        account = self.account("A-1")["account"]
        total = 0
        for round in range(ROUNDS):
            for _ in range(60):
                self.producer.send(self.names["portfolio_topic"], b'{"accountId":"A-1","amount":1}',
                                   headers={"EVENT_TYPE": "DEPOSIT_FUNDS_EVENT"})
                self.producer.send(self.names["portfolio_topic"], b"bad", headers={"EVENT_TYPE": "DEPOSIT_FUNDS_EVENT"})
                total += 1
            self.producer.flush()
            time.sleep(0.3 * round)
            self.house.kill()
            self.house.start()
        self.await_balance(account, f"{total}.00")
        places = [self.expect("dead").headers["position"] for _ in range(total)]
        self.assertEqual(total, len(set(places)))
        self.assertIsNone(self.heard.next(3))
        self.await_balance(account, f"{total}.00")


class Relay(unittest.TestCase):
    def test_killed_under_load(self):
        """Who reads what is committed gets each event once, in the order of its partition of the topic."""
        house = House("--events", "all")
        self.addCleanup(house.close)
        house.start()
        house.await_topics()
        accounts = [house.done({"op": "open_account", "key": f"{house.prefix}{number}", "deposit": "10.00"})["account"]
                    for number in range(8)]
        for round in range(ROUNDS):
            day = house.folder / "day.jsonl"
            day.write_text("".join(json.dumps({"op": "deposit", "account": accounts[number % 8], "amount": "1.00"}) + "\n"
                                   for number in range(DEPOSITS)))
            load = subprocess.Popen([PROGRAM, "send", day, "--bus", house.bus, "--prefix", house.prefix, "--pipeline", "64",
                                     "--again", "2", "--timeout", str(4 * SECONDS)], text=True, stdout=subprocess.PIPE)
            answers = [load.stdout.readline() for _ in range(100 + DEPOSITS * round // (ROUNDS + 1))]
            house.kill()
            house.start()
            answers += load.stdout.readlines()
            load.stdout.close()
            self.assertEqual((0, DEPOSITS), (load.wait(SECONDS), len(answers)))
            self.assertTrue(all(json.loads(answer)["ok"] for answer in answers))
        self._compare(house, accounts)

    def _compare(self, house, accounts):
        last = house.done({"op": "deposit", "account": accounts[0], "amount": "1.00"})["position"]
        consumer = Consumer(hosts, {f"{house.prefix}.events": 1})
        self.addCleanup(consumer.close)
        read = []
        while not read or read[-1]["position"] != last:
            record = consumer.next(SECONDS)
            self.assertIsNotNone(record, house.said())
            read.append(json.loads(record.value))
            self.assertEqual(f"0/{read[-1]['position']}", record.headers["ce_id"])
        house.stop()
        told = subprocess.run([PROGRAM, "feed", "--store", house.store, "--json"], check=True, text=True, stdout=subprocess.PIPE).stdout
        events = [json.loads(line) for line in told.splitlines()]
        expected = [event for event in events if event["event"] != "CURSOR_ACKNOWLEDGED" and int(event["position"]) <= int(last)]
        self.assertEqual([event["position"] for event in expected], [event["position"] for event in read])
        self.assertEqual(expected, read)
        self.assertEqual(Decimal(8 * 10 + DEPOSITS * ROUNDS + 1),
                         sum(Decimal(event["amount"]) for event in read if event["event"] == "FUNDS_DEPOSITED"))


class Watched(unittest.TestCase):
    def setUp(self):
        self.house = House("--events", "all")
        self.addCleanup(self.house.close)
        self.house.start()
        self.house.await_topics()

    def info(self, **expected):
        """What is told, once it is what is expected."""
        end = time.monotonic() + SECONDS
        while True:
            told = subprocess.run([PROGRAM, "info", "--store", self.house.store, "--bus", self.house.bus, "--prefix", self.house.prefix,
                                   "--json"], check=True, text=True, stdout=subprocess.PIPE).stdout
            shown = json.loads(told)
            if all(shown.get(key) == value for key, value in expected.items()):
                return shown
            self.assertLess(time.monotonic(), end, (shown, self.house.said()))
            time.sleep(0.1)

    def test_beside_the_one_who_serves(self):
        account = self.house.done({"op": "open_account", "deposit": "10.00"})["account"]
        for number in range(20):
            self.house.done({"op": "deposit", "account": account, "amount": "1.00"})
            self.info()
        self.house.done({"op": "view_account", "id": account})  # what is left out at the end is marked, too
        shown = self.info(lag="0", events_lag="0", dead_letters="0")
        partition, = shown["partitions"]
        self.assertEqual((partition["position"], partition["next_command"]), (partition["events_mark"], partition["commands_end"]))
        self.assertEqual(shown["position"], partition["position"])
        self.assertGreater(int(partition["position"]), 20)
        self._stand_still()
        self.assertEqual("30.00", self.house.done({"op": "view_account", "id": account})["balance"])
        after = self.info(lag="0", events_lag="0", dead_letters="1")
        self.assertGreater(int(after["partitions"][0]["events_mark"]), int(partition["events_mark"]))
        self.assertNotIn("another publishes", self.house.said())
        self.house.stop()

    def _stand_still(self):
        producer = Producer(hosts)
        self.addCleanup(producer.close)
        self.house.process.send_signal(signal.SIGSTOP)
        for value in (b'{"op":"accounts"}', b"no request", b'{"op":"accounts"}'):
            producer.send(f"{self.house.prefix}.commands", value)
        producer.flush()
        self.info(lag="3", events_lag="0")
        self.house.process.send_signal(signal.SIGCONT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
