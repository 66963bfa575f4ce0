#!/usr/bin/env python3
"""`trading run --venue`: routed orders are executed at a venue, on paper and by the plugin of examples/plugin-venue; and booked once, whoever is
killed.

usage: venue_test.py LINES.SO
"""
import pathlib
import signal
import subprocess
import sys
import time
import unittest

from program import DONE, SECONDS, STORE, TOP, USAGE, Case

LINES = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else None
EXCHANGE = TOP / "examples/plugin-venue/exchange.py"


class Venue(Case):
    def setUp(self):
        super().setUp()
        opened, _ = self.run_lines([{"op": "open_account", "key": "ada", "deposit": "100000.00"},
                                    {"op": "quote", "symbol": "GOOG", "bid": "99.00", "ask": "100.00"}])
        self.portfolio = opened["portfolio"]

    def route(self, number, quantity="3", limit=None, **members):
        terms = {"type": "limit", "limit_price": limit, "time_in_force": "gtc"} if limit else {"type": "market"}
        return {"op": "route_order", "key": f"order-{number}", "portfolio": self.portfolio, "side": "buy", "symbol": "GOOG",
                "quantity": quantity, **terms, **members}

    def orders(self):
        return self.run_lines([{"op": "orders", "portfolio": self.portfolio}])[0]["orders"]

    def statuses(self):
        return sorted((order["status"], order["filled_quantity"]) for order in self.orders())

    def test_on_paper(self):
        venue = ("--venue", "paper:?pieces=2&rejects=IBM", "--venue-wait")
        answers = self.run_lines([self.route(1), self.route(3, symbol="IBM", limit="1.00")], *venue, "60")  # it ends when all orders have
        answers += self.run_lines([self.route(2, limit="90.00")], *venue, "1")
        self.assertEqual([answer["status"] for answer in answers], ["new"] * 3)
        self.assertEqual([("canceled", "0"), ("filled", "3"), ("new", "0")], self.statuses())
        running = self.lines("--venue", "paper:", "--venue-wait", "60")
        running.op("quote", symbol="GOOG", bid="80.00", ask="89.00")
        self.assertEqual(DONE, running.end()[0])
        self.assertEqual([("canceled", "0"), ("filled", "3"), ("filled", "3")], self.statuses())
        self.assertIs(self.json("verify")["sound"], True)

    def test_of_several_partitions(self):
        store = self.store + "-parted"
        openings = [{"op": "open_account", "key": f"p{i}", "deposit": "1000.00"} for i in range(8)]
        opened = self.run_lines(openings, "--partitions", "4", store=store)
        requests = [self.route(i, portfolio=opened[i]["portfolio"], limit="10.00") for i in range(8)]
        self.run_lines(requests, "--venue", "broker=paper:?quotes=*:9/10", "--venue-wait", "60", store=store)
        for one in opened:
            orders = self.run_lines([{"op": "orders", "portfolio": one["portfolio"]}], store=store)[0]["orders"]
            self.assertEqual(["filled"], [order["status"] for order in orders])

    def test_bad_usage(self):
        self.assertIn("NAME=URI", self.complaint("run", "--venue", "=paper:", code=USAGE))
        self.assertIn("NAME=URI", self.complaint("run", "--venue", "x" * 33 + "=paper:", code=USAGE))
        self.assertIn("no venue is registered", self.complaint("run", "--venue", "lmdb:", code=STORE))
        self.assertIn("SYMBOL:BID/ASK", self.complaint("run", "--venue", "a=paper:?quotes=x", code=USAGE))
        self.assertIn("a venue is named by", self.complaint("run", "--venue", "a b=paper:", code=STORE))
        self.assertIn("--compat", self.complaint("serve", "--bus", "memory:", "--compat", "reference", "--venue", "paper:", code=USAGE))

    def exchange(self, folder):
        process = subprocess.Popen([sys.executable, EXCHANGE, folder], stdin=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)

    def test_a_line_that_was_cut_before_its_end(self):
        """It never counted: the order goes out again, as the only one."""
        folder = self.folder / "cut"
        arguments = ("--plugin", LINES, "--venue", f"lines:{folder}")
        for requests in ([self.route(1, limit="100.00")], []):
            running = self.lines(*arguments)
            for request in requests:
                self.assertIs(running.ask(request)["ok"], True)
            whole = self.await_line(folder / "orders")
            running.stop()
            self.assertEqual(1, whole.count("|.\n"))
            (folder / "orders").write_text(whole.rstrip("\n"))
        self.exchange(folder)
        self.run_lines([], *arguments, "--venue-wait", "30")
        self.assertEqual([("filled", "3")], self.statuses())

    def await_line(self, path):
        """Until the file ends with one that is whole."""
        end = time.monotonic() + SECONDS
        while not (path.exists() and (text := path.read_text()).endswith("|.\n")):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        return text

    def test_killed_while_orders_are_at_the_venue(self):
        folder = self.folder / "venue"
        arguments = ("--plugin", LINES, "--venue", f"drop-copy=lines:{folder}", "--pipeline", "16")
        for i in range(10):
            running = self.lines(*arguments)
            for k in range(3):
                self.assertIs(running.ask(self.route(3 * i + k, limit="100.00"))["ok"], True)
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()
            if i == 4:  # the first orders wait in the file until now
                self.exchange(folder)
        self.run_lines([], *arguments, "--venue-wait", "60")
        self.assertEqual([("filled", "3")] * 30, self.statuses())
        self.assertIs(self.json("verify")["sound"], True)
        executed = [line for line in (folder / "executions").read_text().splitlines() if "|TRADE|" in line]
        self.assertEqual(60, len(executed))
        account = self.run_lines([{"op": "accounts"}])[0]["accounts"][0]
        self.assertEqual("91000.00", account["balance"])


if __name__ == "__main__":
    unittest.main()
