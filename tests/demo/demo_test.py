#!/usr/bin/env python3
"""`trading replay` and `trading statement`: complaints about files, replays that are stopped and go on, and sums that are computed
again here with Python's decimals, from the price files and the rules alone."""
import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import unittest
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import program
from program import PROGRAM, REFUSED, SECONDS, TOP, USAGE

DATA = TOP / "examples" / "data"
DEMO = [DATA / name for name in ("AAPL.csv", "GOOG.csv", "IBM.csv", "monthly.csv")]
DEMO_FOR_PEOPLE = ["--strategy", DATA / "demo-strategy.jsonl", "--size", "0.001%"]
DEMO_OPTIONS = [*DEMO_FOR_PEOPLE, "--json"]
STOPPED = 130
F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ of newer Pythons
MILLIONTH = Decimal("0.000001")


def lines_of(output):
    return [json.loads(line) for line in output.splitlines()]


def statements_of(output):
    """The lines of the statements, as they were written."""
    return [line for line in output.splitlines() if line.startswith('{"statement":')]


class Case(program.Case):
    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def strategy(self, *lines):
        return self.file("strategy.jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    def replay(self, *arguments, **options):
        return self.text("replay", *arguments, **options)

    def refusal(self, *arguments, code=REFUSED):
        return self.trading("replay", *arguments, code=code).stderr.decode()


class Complaints(Case):
    """What is wrong with a file is said with its place, and nothing is done."""

    def complaint(self, *arguments, code=USAGE):
        said = super().complaint("replay", *arguments, code=code)
        self.assertFalse((self.folder / "store").exists(), "a file that is wrong leaves no store behind")
        return said.replace(str(self.folder) + "/", "")

    def test_prices(self):
        long, ohlcv = "date,symbol,price\n", "date,open,high,low,close,volume\n"
        for name, text, expected in [
            ("a.csv", "", "a.csv:1:1: the file is empty"),
            ("a.csv", long, "a.csv:2:1: there is no price"),
            ("a.csv", "date,symbol,prize\n", "a.csv:1:13: unknown column 'prize'"),
            ("a.csv", "date,date\n", "a.csv:1:6: column 'date' is there twice"),
            ("a.csv", "date,symbol\n", "a.csv:1:1: column 'open' is missing"),
            ("a.csv", "date,symbol,price,close\n", "a.csv:1:1: column 'close' does not go with column 'price'"),
            ("a.csv", long + "2008-01-02,A\n", "a.csv:2:13: the line ends before its field 'price'"),
            ("a.csv", long + "2008-01-02,A,1,2\n", "a.csv:2:16: more fields than the 3 columns"),
            ("a.csv", long + "2008-02-30,A,1\n", "a.csv:2:1: date '2008-02-30' is none"),
            ("a.csv", long + "2008-01-02,a,1\n", "a.csv:2:12: symbol 'a' is not"),
            ("a.csv", long + "2008-01-02,A,1.1234567\n", "a.csv:2:14: price '1.1234567' is no number"),
            ("a.csv", long + "2008-01-02,A,1e3\n", "a.csv:2:14: price '1e3' is no number"),
            ("a.csv", long + "2008-01-02,A,0\n", "a.csv:2:14: price 0 is not above zero"),
            ("a.csv", long + "2008-01-02,A,-1\n", "a.csv:2:14: price -1 is not above zero"),
            ("a.csv", long + "2008-01-02,A,99999999999999\n", "a.csv:2:14: price 99999999999999 is too large"),
            ("a.csv", long + '2008-01-02,A,"1\n', "a.csv:2:16: a control character or line end inside quotes"),
            ("a.csv", long + '2008-01-02,A,"1"x\n', "a.csv:2:17: text after a closing quote"),
            ("a.csv", long + '2008-01-02,A,1"\n', "a.csv:2:15: a quote inside a field"),
            ("a.csv", long.encode() + b"2008-01-02,A,1\x00\n", "a.csv:2:15: a control character"),
            ("a.csv", long + "2008-01-02,A,1\n\n2008-01-02,A,2\n", "a second price of A at 2008-01-02T00:00:00Z"),
            ("A.csv", ohlcv + "2008-01-02,1,2,3,2,5\n", "A.csv:2:12: open 1 is not between low 3 and high 2"),
            ("A.csv", ohlcv + "2008-01-02,1,2,1,3,5\n", "A.csv:2:18: close 3 is not between low 1 and high 2"),
            ("A.csv", ohlcv + "2008-01-02,1,2,1,2,-5\n", "A.csv:2:20: volume -5 is below zero"),
            ("not a symbol.csv", ohlcv + "2008-01-02,1,2,1,2,5\n", "not a symbol.csv:1:1: no column 'symbol'"),
        ]:
            with self.subTest(text=text):
                self.assertIn(expected, self.complaint(self.file(name, text)))
        self.assertIn("missing.csv: cannot be read: No such file", self.complaint(self.folder / "missing.csv"))

    def test_a_price_that_is_there_twice_in_two_files(self):
        first = self.file("first.csv", "date,symbol,price\n2008-01-02,A,1\n")
        second = self.file("A.csv", "date,open,high,low,close,volume\n2008-01-02,1,1,1,1,5\n")
        self.assertIn("a second price of A at 2008-01-02T00:00:00Z", self.complaint(first, second))

    def test_what_is_allowed(self):
        text = '\ufeffDate,Open,High,Low,Close,Adj Close,Volume\r\n\r\n2008-01-02,1,"2.50",1,2,1.9,7\r\n2008-01-03T14:30:00Z,1,2,1,2,2,0'
        self.replay(self.file("BRK.B.csv", text))
        quotes = self.json("quotes")["quotes"]
        self.assertEqual([(quote["symbol"], quote["bid"], quote["ask"]) for quote in quotes], [("BRK.B", "1.99", "2.01")])

    def test_strategies(self):
        prices = self.file("prices.csv", "date,symbol,price\n2008-01-02,A,10\n")
        account = '{"date":"2008-01-02","op":"open_account","as":"ann","deposit":"100.00"}\n'
        buy = '{"date":"2008-01-02","op":"place_order",%s"side":"buy","symbol":"A","quantity":"1","type":"market"}\n'
        for text, expected in [
            ('{"date":"2008-01-02","op":', "s.jsonl:1:"),
            ('{"op":"open_account"}', "s.jsonl:1:1: date: is missing"),
            ('{"date":"soon","op":"open_account"}', "s.jsonl:1:2: date: is not one such as"),
            ('{"date":"2008-01-02","op":"sing"}', 's.jsonl:1:22: op: there is no op "sing"'),
            ('{"date":"2008-01-02","op":"verify"}', "s.jsonl:1:1: a strategy takes ops that change something"),
            ('{"date":"2008-01-02","op":"end_session","as":"x"}', "s.jsonl:1:1: as: names an account"),
            ('{"date":"2008-01-02","op":"open_account","as":"a b"}', "s.jsonl:1:42: as: a name is"),
            (account + "\n# twice\n" + account, 's.jsonl:4:42: as: "ann" is the name that line 1 gives'),
            (account + account.replace("01-02", "01-01").replace("ann", "ben"), "s.jsonl:2:2: date: is before that of line 1"),
            (buy % '"portfolio":"@ann.portfolio",', 's.jsonl:1:41: portfolio: no line before this one gives the name "ann"'),
            (account + buy % '"portfolio":"@ann.order",', 's.jsonl:2:41: portfolio: "@ann.order": only .portfolio may follow'),
            (account + buy % '"portfolio":"@ann",', 's.jsonl:2:41: portfolio: "@ann" is not the name of a portfolio'),
            (account + buy % "", "s.jsonl:2:1: portfolio: is missing"),
            (account + '{"date":"2008-01-02","op":"deposit","account":"@ann","amount":"1.1234567"}', "s.jsonl:2:54: amount:"),
            (account + '{"date":"2008-01-02","op":"deposit","account":"@ann","amount":"1","expected_version":"2"}',
             "expected_version: a strategy does not take it"),
            ('{"date":"2008-01-02","op":"open_account","key":"k"}\n{"date":"2008-01-02","op":"open_account","key":"k"}',
             "key: is also that of"),
        ]:
            with self.subTest(text=text):
                self.assertIn(expected, self.complaint(prices, "--strategy", self.file("s.jsonl", text)))

    def test_arguments(self):
        prices = self.file("prices.csv", "date,symbol,price\n2008-01-02,A,10\n")
        for option, value in [("--spread", "0"), ("--spread", "x"), ("--spread", "10001"), ("--size", "0"), ("--size", "101%"),
                              ("--size", "%"), ("--currency", "US"), ("--until", "soon")]:
            with self.subTest(option=option, value=value):
                self.assertIn(f'{option}: "{value}"', self.complaint(prices, option, value))
        for arguments in [("--year", "1900"), ("--year", "2008", "--from", "2008-01-01"), ("--from", "2009-01-01", "--to", "2008-01-01"),
                          ("--to", "soon")]:
            with self.subTest(arguments=arguments):
                super().complaint("statement", "A-" + "0" * 25 + "1", *arguments, code=USAGE)


def quote(price, basis_points):
    """Bid and ask around a price, by the rule of docs/replay.md."""
    half = (price * Decimal(basis_points) / 20000).quantize(MILLIONTH, ROUND_HALF_EVEN)
    tick = Decimal("0.01") if price >= 1 else Decimal("0.0001")
    return ((price - half) / tick).to_integral_value(ROUND_FLOOR) * tick, ((price + half) / tick).to_integral_value(ROUND_CEILING) * tick


class Ledger:
    """One customer's cash and lots, by the rules: money is rounded to millionths, half to even; the oldest lots are sold first, or the
    one that is named; a piece of a lot costs its share of the lot's cost, and the last piece what remains."""

    def __init__(self, deposit):
        self.cash, self.bought, self.sold, self.lots, self.pieces = deposit, Decimal(0), Decimal(0), [], []

    def buy(self, name, quantity, price):
        paid = (quantity * price).quantize(MILLIONTH, ROUND_HALF_EVEN)
        self.cash -= paid
        self.bought -= paid
        self.lots.append([name, quantity, paid])

    def sell(self, quantity, price, name=None):
        received, before = (quantity * price).quantize(MILLIONTH, ROUND_HALF_EVEN), Decimal(0)
        self.cash += received
        self.sold += received
        done = Decimal(0)
        for lot in [lot for lot in self.lots if name in (None, lot[0])]:
            piece = min(lot[1], quantity - done)
            if piece == 0:
                continue
            done += piece
            until_now = (done * price).quantize(MILLIONTH, ROUND_HALF_EVEN)
            cost = lot[2] if piece == lot[1] else (lot[2] * piece / lot[1]).quantize(MILLIONTH, ROUND_HALF_EVEN)
            self.pieces.append((lot[0], piece, until_now - before, cost))
            before = until_now
            lot[1], lot[2] = lot[1] - piece, lot[2] - cost
        self.lots = [lot for lot in self.lots if lot[1] > 0]


class Sums(Case):
    """A day or two by the rules, computed here, against what the program says."""

    PRICES = "date,symbol,price\n" + "".join(
        f"2008-01-0{day},{symbol},{price}\n"
        for day, prices in [(2, ("33.37", "0.8123", "1234.5678")), (3, ("35.01", "0.7999", "1300")), (4, ("31.99", "0.9", "1111.1"))]
        for symbol, price in zip(("AAA", "PENNY", "DEAR"), prices))

    def orders(self):
        """(date, name, side, symbol, quantity, lot)"""
        return [
            ("2008-01-02", "a1", "buy", "AAA", "7.5", None), ("2008-01-02", "p1", "buy", "PENNY", "1234.567", None),
            ("2008-01-02", "d1", "buy", "DEAR", "3", None), ("2008-01-03", "a2", "buy", "AAA", "11", None),
            ("2008-01-03", "s1", "sell", "AAA", "2.2", "a1"), ("2008-01-03", "s2", "sell", "PENNY", "1000.123456", None),
            ("2008-01-04", "s3", "sell", "AAA", "10.000001", None), ("2008-01-04", "s4", "sell", "DEAR", "1", "d1"),
            ("2008-01-04", "s5", "sell", "DEAR", "2", "d1"), ("2008-01-04", "a3", "buy", "AAA", "0.333333", None),
        ]

    def expected(self, basis_points):
        """The ledgers of each symbol, and the cash of all."""
        price = {tuple(line.split(",")[:2]): Decimal(line.split(",")[2]) for line in self.PRICES.splitlines()[1:]}
        ledgers = {symbol: Ledger(Decimal(0)) for symbol in ("AAA", "PENNY", "DEAR")}
        for date, name, side, symbol, quantity, lot in self.orders():
            bid, ask = quote(price[date, symbol], basis_points)
            if side == "buy":
                ledgers[symbol].buy(name, Decimal(quantity), ask)
            else:
                ledgers[symbol].sell(Decimal(quantity), bid, lot)
        return ledgers, {symbol: quote(price["2008-01-04", symbol], basis_points)[0] for symbol in ledgers}

    def run_orders(self, basis_points):
        lines = [{"date": "2008-01-02", "op": "open_account", "as": "ann", "name": "Ann", "deposit": "20000.00"}]
        for date, name, side, symbol, quantity, lot in self.orders():
            line = {"date": date, "op": "place_order", "as": name, "portfolio": "@ann.portfolio", "side": side, "symbol": symbol,
                    "quantity": quantity, "type": "market"}
            lines.append(line if lot is None else {**line, "lot": "@" + lot})
        lines.append({"date": "2008-01-04", "op": "withdraw", "account": "@ann", "amount": "123.45"})
        run = self.replay(self.file("prices.csv", self.PRICES), "--strategy", self.strategy(*lines), "--spread", basis_points, "--json")
        results = lines_of(run)
        self.assertEqual([line["as"] for line in results if line.get("status") == "filled"], [order[1] for order in self.orders()])
        return results[-1]["statement"], {line["order"]: line["as"] for line in results if "order" in line}

    def test_against_the_rules(self):
        for basis_points in ("10", "3.7"):
            with self.subTest(basis_points=basis_points):
                self.store = f"lmdb:{self.folder / basis_points}"
                ledgers, marks = self.expected(basis_points)
                statement, names = self.run_orders(basis_points)
                self.compare(statement, names, ledgers, marks)

    def compare(self, statement, names, ledgers, marks):
        cash = Decimal(20000) - Decimal("123.45") + sum(ledger.cash for ledger in ledgers.values())
        pieces = sorted((name, piece, received, cost, received - cost) for ledger in ledgers.values()
                        for name, piece, received, cost in ledger.pieces)
        self.assertEqual(Decimal(statement["opening_balance"]), 0)
        self.assertEqual(Decimal(statement["deposits"]), 20000)
        self.assertEqual(Decimal(statement["withdrawals"]), Decimal("-123.45"))
        self.assertEqual(Decimal(statement["bought"]), sum(ledger.bought for ledger in ledgers.values()))
        self.assertEqual(Decimal(statement["sold"]), sum(ledger.sold for ledger in ledgers.values()))
        self.assertEqual(Decimal(statement["closing_balance"]), cash)
        self.assertEqual(sorted((names[piece["lot"]], *(Decimal(piece[key]) for key in
                                                       ("quantity", "proceeds", "cost_basis", "realized_pnl")))
                                for piece in statement["realized"]), pieces)
        self.assertEqual(Decimal(statement["realized_pnl"]), sum(piece[4] for piece in pieces))
        self.assertEqual([(names[lot["lot"]], Decimal(lot["quantity"]), Decimal(lot["cost_basis"])) for lot in statement["lots"]],
                         [tuple(lot) for symbol in ("AAA", "PENNY", "DEAR") for lot in ledgers[symbol].lots])
        held = {symbol: sum(lot[1] for lot in ledger.lots) for symbol, ledger in ledgers.items()}
        values = {symbol: (held[symbol] * marks[symbol]).quantize(MILLIONTH, ROUND_HALF_EVEN) for symbol in held if held[symbol]}
        self.assertEqual({position["symbol"]: Decimal(position["market_value"]) for position in statement["positions"]}, values)
        self.assertEqual(Decimal(statement["market_value"]), sum(values.values()))
        cost = sum(lot[2] for ledger in ledgers.values() for lot in ledger.lots)
        self.assertEqual(Decimal(statement["unrealized_pnl"]), sum(values.values()) - cost)
        self.assertEqual(Decimal(statement["total_value"]), cash + sum(values.values()))

    def test_periods_join(self):
        self.run_orders("10")
        account = self.json("accounts")["accounts"][0]["account"]

        def statement(*period):
            return self.json("statement", account, *period)

        days = [statement("--from", f"2008-01-0{day}", "--to", f"2008-01-0{day + 1}") for day in (2, 3, 4)]
        whole = statement("--year", "2008")
        check_sums(self, [*days, whole])
        for before, after in zip(days, days[1:]):
            self.assertEqual(before["closing_balance"], after["opening_balance"])
        self.assertEqual(days[-1]["closing_balance"], whole["closing_balance"])
        for key in ("activity", "realized"):
            self.assertEqual(sum((day[key] for day in days), []), whole[key])
        self.assertEqual((days[-1]["positions"], days[-1]["lots"]), (whole["positions"], whole["lots"]))
        self.assertEqual(statement("--year", "2010")["activity"], [])
        self.trading("statement", account, "--year", "2007", code=REFUSED)


def check_sums(case, statements):
    """The sums of statements agree with each other."""
    kinds = ("deposits", "withdrawals", "credits", "debits", "bought", "sold", "refunds", "closing", "dividends")
    for statement in statements:
        amount = {key: Decimal(value) for key, value in statement.items() if isinstance(value, str) and key.split("_")[0] in
                  ("opening", "closing", "realized", "unrealized", "market", "cost", "total", *kinds)}
        case.assertEqual(amount["opening_balance"] + sum(amount[kind] for kind in kinds), amount["closing_balance"])
        balance = amount["opening_balance"]
        for line in statement["activity"]:
            balance += Decimal(line["amount"])
            case.assertEqual(Decimal(line["balance"]), balance)
        case.assertEqual(balance, amount["closing_balance"])
        for piece in statement["realized"]:
            case.assertEqual(Decimal(piece["proceeds"]) - Decimal(piece["cost_basis"]), Decimal(piece["realized_pnl"]))
        case.assertEqual(sum(Decimal(piece["realized_pnl"]) for piece in statement["realized"]), amount["realized_pnl"])
        sales = [Decimal(line["realized_pnl"]) for line in statement["activity"] if line["type"] == "sell"]
        case.assertEqual(sum(sales), amount["realized_pnl"])
        case.assertEqual(sum(Decimal(piece["proceeds"]) for piece in statement["realized"]), amount["sold"])
        for key in ("market_value", "cost_basis", "unrealized_pnl"):
            case.assertEqual(sum(Decimal(position[key]) for position in statement["positions"]), amount[key])
        case.assertEqual(sum(Decimal(lot["cost_basis"]) for lot in statement["lots"]), amount["cost_basis"])
        case.assertEqual(amount["market_value"] - amount["cost_basis"], amount["unrealized_pnl"])
        case.assertEqual(amount["closing_balance"] + amount["market_value"], amount["total_value"])


class Exchange(Case):
    """What the quotes that are made of prices do to orders."""

    def test_parts_expiry_and_trades_inside_the_spread(self):
        rows = "".join(f"2008-01-0{day},{price},{price},{price},{price},{volume}\n"
                       for day, price, volume in [(2, 100, 5000), (3, "98.00", 4000), (4, "97.00", 3999)])
        order = {"op": "place_order", "symbol": "ABC", "type": "limit"}
        strategy = self.strategy(
            {"date": "2008-01-02", "op": "open_account", "as": "ann", "deposit": "20000.00"},
            {"date": "2008-01-02", "op": "open_account", "as": "ben", "deposit": "20000.00"},
            {**order, "date": "2008-01-02", "as": "stock", "portfolio": "@ann.portfolio", "side": "buy", "quantity": "60",
             "type": "market"},
            {**order, "date": "2008-01-02", "as": "wait", "portfolio": "@ben.portfolio", "side": "buy", "quantity": "60",
             "limit_price": "98.05", "time_in_force": "gtc"},
            {**order, "date": "2008-01-02", "as": "offer", "portfolio": "@ann.portfolio", "side": "sell", "quantity": "30",
             "limit_price": "100.01"},
            {**order, "date": "2008-01-02", "as": "take", "portfolio": "@ben.portfolio", "side": "buy", "quantity": "20",
             "limit_price": "100.02", "time_in_force": "ioc"})
        run = self.replay(self.file("ABC.csv", "date,open,high,low,close,volume\n" + rows), "--strategy", strategy, "--size", "1%",
                          "--json")
        lines = lines_of(run)
        results = {line["as"]: line for line in lines if "as" in line}
        events = [line["event"] for line in lines if "event" in line]
        self.assertEqual((results["stock"]["status"], results["stock"]["filled_quantity"], results["stock"]["average_price"]),
                         ("canceled", "50", "100.05"), "a hundredth of the volume is quoted, and a market order does not wait")
        self.assertEqual((results["take"]["status"], results["take"]["average_price"]), ("filled", "100.01"))
        names = {line["order"]: name for name, line in results.items() if "order" in line}
        self.assertEqual([(event["event"], names[event["order"]], event["quantity"], event.get("price"), event["time"][:10])
                          for event in events], [
            ("ORDER_EXECUTED", "offer", "20", "100.01", "2008-01-02"),
            ("ORDER_EXPIRED", "offer", "10", None, "2008-01-02"),
            ("ORDER_EXECUTED", "wait", "40", "98.05", "2008-01-03"),
            ("ORDER_EXECUTED", "wait", "20", "98.05", "2008-01-04"),
        ])
        check_sums(self, [line["statement"] for line in lines if "statement" in line])

    def test_a_name_that_came_to_nothing(self):
        strategy = self.strategy(
            {"date": "2008-01-02", "op": "open_account", "as": "ann", "deposit": "100.00"},
            {"date": "2008-01-02", "op": "close_portfolio", "portfolio": "@ann.portfolio"},
            {"date": "2008-01-02", "op": "close_account", "account": "@ann"},
            {"date": "2008-01-02", "op": "withdraw", "account": "@ann", "amount": "100.00"},
            {"date": "2008-01-02", "op": "close_account", "account": "@ann"},
            {"date": "2008-01-03", "op": "open_portfolio", "as": "more", "account": "@ann"},
            {"date": "2008-01-03", "op": "place_order", "portfolio": "@more", "side": "buy", "symbol": "A", "quantity": "1",
             "type": "market"},
            {"date": "2008-01-04", "op": "open_account", "as": "ben", "deposit": "100.00"})
        prices = self.file("prices.csv", "".join(["date,symbol,price\n"] + [f"2008-01-0{day},A,10\n" for day in (2, 3, 4)]))
        run = self.replay(prices, "--strategy", strategy, "--json")
        reasons = [line.get("reason") for line in lines_of(run) if "line" in line]
        self.assertEqual(reasons, [None, None, "FUNDS_REMAIN", None, None, "ACCOUNT_CLOSED", "NOT_SENT", None])
        again = self.replay(prices, "--strategy", strategy, "--json")
        self.assertEqual(again.splitlines(), statements_of(run), "nothing is sent again, nor told again")


def busy_strategy():
    """Something on each day, so that a replay can be stopped on any: a customer who pays in, bids a little too low, and sells."""
    rows = [line.split(",") for line in (DATA / "AAPL.csv").read_text().splitlines()[1:]]
    yield {"date": rows[0][0], "op": "open_account", "as": "ann", "name": "Ann", "deposit": "10000.00"}
    order = {"op": "place_order", "portfolio": "@ann.portfolio", "symbol": "AAPL"}
    for number, row in enumerate(rows):
        below = (Decimal(row[4]) * Decimal("0.99")).quantize(Decimal("0.01"))
        yield {"date": row[0], "op": "deposit", "account": "@ann", "amount": "50.00"}
        yield {**order, "date": row[0], "as": f"bid-{number}", "side": "buy", "type": "limit", "limit_price": str(below),
               "quantity": "3", "time_in_force": "gtc" if number % 3 == 0 else "day"}
        if number % 7 == 6:
            yield {**order, "date": row[0], "side": "sell", "type": "market", "quantity": "4.5"}


class Mending(Case):
    """A line that only the engine finds wrong stops the replay; once it is mended, the replay goes on."""

    def test_a_line_that_cannot_be_done(self):
        prices = self.file("prices.csv", "".join(["date,symbol,price\n"] + [f"2008-01-0{day},A,10\n" for day in (2, 3, 4)]))
        text = "".join(json.dumps(line) + "\n" for line in (
            {"date": "2008-01-02", "op": "open_account", "as": "ann", "deposit": "100.00"},
            {"date": "2008-01-03", "op": "deposit", "account": "@ann", "amount": "1.001"},
            {"date": "2008-01-03", "op": "deposit", "account": "@ann", "amount": "7.00"},
            {"date": "2008-01-04", "op": "deposit", "account": "@ann", "amount": "3.00"}))
        stopped = self.trading("replay", prices, "--strategy", self.file("s.jsonl", text), "--json", code=REFUSED)
        self.assertIn("s.jsonl:2: ", stopped.stderr.decode())
        self.assertIn("round it to what the currency has", stopped.stderr.decode())
        self.assertEqual([line["line"] for line in lines_of(stopped.stdout)], [1, 3])
        mended = self.replay(prices, "--strategy", self.file("s.jsonl", text.replace("1.001", "1.01")), "--json")
        self.assertEqual([line.get("line") for line in lines_of(mended)], [2, 4, None])
        self.assertEqual(lines_of(mended)[-1]["statement"]["closing_balance"], "111.01")


class Stopping(Case):
    """A replay, stopped in every way, ends as if it had not been."""

    def run_until(self, arguments, lines, number):
        """Replays, and sends the signal once so many lines were written. Answers the exit status, all lines, and the complaints."""
        reading, writing = os.pipe()
        fcntl.fcntl(writing, F_SETPIPE_SZ, 4096)  # the program is never more than a page ahead of its reader
        command = [PROGRAM, "replay", *arguments, "--store", self.store]
        process = subprocess.Popen(command, env=self.environment, stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        with process, open(reading, "rb") as output:
            head = [output.readline() for _ in range(lines)]
            process.send_signal(number)
            rest = output.read()
            complaints = process.stderr.read().decode()
        return process.returncode, (b"".join(head) + rest).decode(), complaints

    def test_stopped_again_and_again(self):
        arguments = [*DEMO[:3], "--strategy", self.strategy(*busy_strategy()), "--json"]
        whole = self.replay(*arguments, store=f"lmdb:{self.folder / 'whole'}")
        self.assertGreater(len(whole.splitlines()), 2000)
        for lines in (1, 2, 30, 50, 170, 300):
            status, _, complaints = self.run_until(arguments, lines, signal.SIGKILL)
            self.assertEqual(status, -signal.SIGKILL, complaints)
            status, written, complaints = self.run_until(arguments, lines + 7, signal.SIGINT)
            self.assertEqual(status, STOPPED, complaints)
            self.assertIn("the same command goes on from there", complaints)
            self.assertEqual(statements_of(written), [])
        end = self.replay(*arguments)
        self.assertLess(len(end.splitlines()), len(whole.splitlines()), "it went on, and did not begin anew")
        self.assertEqual(statements_of(end), statements_of(whole))
        self.assertEqual(len(statements_of(end)), 1)
        self.trading("verify")


class Demo(Case):
    """The demo's replay."""

    whole = None

    def setUp(self):
        super().setUp()
        if Demo.whole is None:
            Demo.whole = self.replay(*DEMO, *DEMO_OPTIONS, store=f"lmdb:{self.folder / 'whole'}")

    def test_in_portions(self):
        told = []
        for until in ("2006-12-31", "2007-01-09", "2007-06-20", "2008-09-15", "2009-12-31"):
            run = self.replay(*reversed(DEMO), *DEMO_OPTIONS, "--until", until)
            told += [line for line in run.splitlines() if not line.startswith('{"statement":')]
        self.assertEqual(told + statements_of(run), self.whole.splitlines())

    def test_time_does_not_go_back(self):
        self.replay(*DEMO, *DEMO_OPTIONS, "--until", "2007-02-01")
        before = self.json("info")["position"]
        other_spread = self.refusal(*DEMO, *DEMO_OPTIONS, "--spread", "50")
        self.assertIn("the store's time is 2007-02-01T00:00:00Z, later than 2007-01-03T00:00:00Z", other_spread)
        self.assertIn("AAPL.csv:2", other_spread)
        self.assertIn("--store lmdb:FOLDER", other_spread)
        text = (DATA / "demo-strategy.jsonl").read_text().splitlines(keepends=True)
        text.insert(9, '{"date":"2007-01-03","op":"open_account","as":"late","deposit":"1.00"}\n')
        changed = self.file("s.jsonl", "".join(text))
        self.assertIn("s.jsonl:10", self.refusal(*DEMO, "--strategy", changed, "--size", "0.001%"))
        self.assertEqual(before, self.json("info")["position"])
        self.run_lines([{"op": "open_account", "deposit": "1.00"}])
        self.assertIn("time does not go back", self.refusal(*DEMO, *DEMO_OPTIONS))

    def test_the_demo_tells_its_story(self):
        lines = lines_of(self.whole)
        results = {line["line"]: line for line in lines if "line" in line}
        source = (DATA / "demo-strategy.jsonl").read_text().splitlines()
        story = [(json.loads(source[number - 1]), result) for number, result in results.items()]
        self.assertEqual(len(story), sum(line.startswith("{") for line in source))
        self.assertEqual([result["reason"] for _, result in story if not result["ok"]],
                         ["INSUFFICIENT_FUNDS", "INSUFFICIENT_SHARES", "INSUFFICIENT_FUNDS", "UNKNOWN_LOT"])
        by_name = {result["as"]: result for _, result in story if "as" in result}
        self.assertEqual(by_name["too-low"]["status"], "new")
        closings = [result["status"] for line, result in story if line["op"] == "close_portfolio"]
        self.assertEqual(closings, ["closing", "closing", "closing", "closed"])
        events = [line["event"] for line in lines if "event" in line]
        patience = [event for event in events if event["order"] == by_name["patience"]["order"]]
        self.assertEqual([(event["event"], event["quantity"]) for event in patience],
                         [("ORDER_EXECUTED", "121"), ("ORDER_EXECUTED", "128"), ("ORDER_EXECUTED", "51")])
        inside = [event["event"] for event in events if event["order"] == by_name["inside"]["order"]]
        self.assertEqual(inside, ["ORDER_EXECUTED", "ORDER_EXPIRED"])
        check_sums(self, [line["statement"] for line in lines if "statement" in line])

    def test_for_people(self):
        run = self.trading("replay", *DEMO, *DEMO_FOR_PEOPLE)
        self.assertEqual(run.stderr, b"", "no progress bar where there is no terminal")
        for text in ("2,340 prices", "Statement of Ada Lind", "Realised profit and loss, by lot", "18,524.00", "refused: needs"):
            self.assertIn(text, run.stdout.decode())
        self.assertIn("Emil Sato", self.replay(*DEMO, *DEMO_FOR_PEOPLE, "--summary"))

    def test_a_bar_on_a_terminal(self):
        leader, follower = pty.openpty()
        command = [PROGRAM, "replay", *DEMO, "--store", self.store]
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=follower)
        os.close(follower)
        shown = b""
        with open(leader, "rb", buffering=0) as terminal:
            while select.select([terminal], [], [], SECONDS)[0]:
                try:
                    piece = terminal.read(4096)
                except OSError:  # how Linux says that the other side is closed
                    break
                if not piece:
                    break
                shown += piece
        self.assertEqual(process.wait(timeout=SECONDS), 0)
        self.assertRegex(shown.decode(), r"\r2007-0\d-\d\d  \[#*\.+\]  [\d,]+ of 3,096 steps")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), "it is gone at the end")


if __name__ == "__main__":
    unittest.main(verbosity=1)
