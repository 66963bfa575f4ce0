#!/usr/bin/env python3
"""The Python binding in examples/ffi/python: its layouts are the headers', and it runs a customer's day on LMDB."""
import ctypes
import pathlib
import re
import sys
import tempfile
import threading
import unittest
from decimal import Decimal

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "examples/ffi/python"))

import _layout  # noqa: E402
import customer_day  # noqa: E402
import trading  # noqa: E402


class Layout(unittest.TestCase):
    """The transcription of the headers, held against them."""

    def test_structs_are_as_recorded(self):
        seen = 0
        for line in (TOP / "tests/abi/layout.inc").read_text(encoding="utf-8").splitlines():
            match = re.fullmatch(r"(STRUCT|FIELD)\((\w+), (.*)\)", line)
            struct = match and _layout.STRUCTS.get(match[2])
            if not struct:
                continue
            seen += 1
            if match[1] == "STRUCT":
                self.assertEqual(int(match[3]), ctypes.sizeof(struct), match[2])
            else:
                name, offset, size = match[3].split(", ")
                field = getattr(struct, name)
                self.assertEqual((int(offset), int(size)), (field.offset, field.size), line)
        self.assertEqual(seen, sum(1 + len(struct._fields_) for struct in _layout.STRUCTS.values()))

    def test_constants_are_the_headers(self):
        headers = "\n".join(path.read_text(encoding="utf-8") for path in (TOP / "include").rglob("*.h"))
        defined = dict(re.findall(r"^#define TRADING_(\w+)\s+\(?(-?\d+)u?\)?(?:\s|$)", headers, flags=re.MULTILINE))
        constants = {name: value for name, value in vars(_layout).items() if name.isupper() and isinstance(value, int)}
        self.assertGreater(len(constants), 40)
        self.assertEqual({name: int(defined[name]) for name in constants}, constants)

    def test_functions_are_exported(self):
        exported = (TOP / "tests/abi/symbols.txt").read_text(encoding="utf-8").split()
        self.assertEqual([], sorted(set(_layout.FUNCTIONS) - set(exported)))


class Values(unittest.TestCase):
    def test_decimals_are_exact_or_refused(self):
        self.assertEqual(1_230_000, trading.to_decimal(Decimal("1.23")))
        self.assertEqual(-5_000_000, trading.to_decimal(-5))
        self.assertEqual(Decimal("9223372036854.775807"), trading.from_decimal(2**63 - 1))
        with self.assertRaises(TypeError):
            trading.to_decimal(1.5)
        for bad in ("0.0000001", "1e3", "", "9223372036854.775808", Decimal("NaN")):
            with self.assertRaises(trading.Error):
                trading.to_decimal(bad)

    def test_times(self):
        self.assertEqual("2013-03-01T14:30:00Z", trading.time_text(trading.to_time("2013-03-01T14:30:00Z")))
        with self.assertRaises(trading.Error):
            trading.to_time("yesterday")


class CustomerDay(unittest.TestCase):
    """The whole day once, on a store in a temporary folder; the tests look at what it left."""

    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.day = customer_day.run_day(f"lmdb:{folder}/store", say=lambda line: None)

    def test_money_and_shares_are_as_on_paper(self):
        cash, portfolio, lots, positions = self.day["before"]
        self.assertEqual(Decimal("3521"), cash.balance)  # 10000 + 2500 - 10 × 800 - 2 × 799.50 + 2 × 810 - 1000
        self.assertEqual((Decimal(0), cash.balance), (cash.held, cash.available))
        self.assertEqual(Decimal("21"), portfolio.realized_pnl)  # 2 × (810 - 799.50)
        self.assertEqual(Decimal("100"), portfolio.unrealized_pnl)  # 10 × (810 - 800)
        self.assertEqual(Decimal("8100"), portfolio.market_value)
        self.assertEqual([(self.day["lot"], "GOOG", Decimal(10), Decimal(8000))],
                         [(lot.lot, lot.symbol, lot.quantity, lot.cost_basis) for lot in lots])
        self.assertEqual([("GOOG", Decimal(10))], [(position.symbol, position.quantity) for position in positions])

    def test_everything_is_there_after_a_stop(self):
        self.assertEqual(self.day["before"], self.day["after"])

    def test_the_same_key_answers_the_first_outcome(self):
        again = self.day["again"]
        self.assertEqual(("DUPLICATE", self.day["account"], self.day["portfolio"]),
                         (again.status, again.account, again.portfolio))

    def test_the_feed_told_every_event_in_order(self):
        events = self.day["events"]
        self.assertEqual(list(range(len(events))), [event.position for event in events])
        self.assertEqual("ACCOUNT_OPENED", next(event.kind for event in events if event.entity == 1))
        rejected = [event for event in events if event.kind == "ORDER_REJECTED"]
        self.assertEqual(["INSUFFICIENT_FUNDS"], [event.reason for event in rejected])

    def test_the_activity_adds_up_to_the_balance(self):
        lines = self.day["activity"]
        self.assertEqual(self.day["after"][0].balance, sum(line.amount for line in lines))
        self.assertEqual(self.day["after"][0].balance, lines[-1].balance)
        self.assertEqual(Decimal("21"), sum(line.realized_pnl for line in lines))

    def test_the_projection_counted_every_event_once(self):
        self.assertEqual(len(self.day["events"]), sum(self.day["counts"].values()))
        self.assertEqual(2, self.day["counts"]["FUNDS_DEPOSITED"])  # the opening deposit and the other

    def test_the_store_is_sound(self):
        proof = self.day["proof"]
        self.assertEqual((1, "", -1), (proof.sound, proof.finding, proof.bad_position))
        self.assertEqual(len(self.day["events"]), proof.events)


class Engine(unittest.TestCase):
    def setUp(self):
        self.engine = trading.Engine("memory:")
        self.addCleanup(self.engine.close)

    def open_account(self, **options):
        return self.engine.do(trading.open_account("Test", deposit="100", **options))

    def test_failures_are_exceptions_with_a_code(self):
        with self.assertRaises(trading.Error) as caught:
            trading.Engine("nonsense:")
        self.assertEqual("NOT_FOUND", caught.exception.name)
        with self.engine.view() as view, self.assertRaises(trading.Error) as caught:
            view.account("A-" + "0" * 25 + "1")
        self.assertEqual("NOT_FOUND", caught.exception.name)

    def test_a_rejection_says_what_it_required(self):
        account = self.open_account().account
        with self.assertRaises(trading.Rejected) as caught:
            self.engine.do(trading.withdraw(account, "100.01"))
        result = caught.exception.result
        self.assertEqual(("INSUFFICIENT_FUNDS", Decimal("100.01"), Decimal("100")),
                         (result.reason, result.required, result.available))

    def test_a_batch_answers_each_command(self):
        account = self.open_account().account
        results = self.engine.execute([trading.deposit(account, "1"), trading.withdraw(account, "1000"),
                                       trading.deposit(account, "2")])
        self.assertEqual(["ACCEPTED", "REJECTED", "ACCEPTED"], [result.status for result in results])
        with self.engine.view() as view:
            self.assertEqual(Decimal("103"), view.account(account).balance)
            several = view.accounts_by_id([account, "A-" + "0" * 25 + "1"])
            self.assertEqual([view.account(account), None], several)
            self.assertEqual([], view.accounts_by_id([]))

    def test_text_of_any_language_comes_back(self):
        account = self.open_account(profile_name="Žofie", email="žofie@example.org", street="東京都").account
        self.engine.do(trading.update_contact(account, "new@example.org", "+420 123"))
        with self.engine.view() as view:
            profile = view.profile(account)
            self.assertEqual(("Žofie", "new@example.org", "東京都"),
                             (profile.profile_name, profile.email, profile.street))
            self.assertEqual("Test", view.portfolio_name(next(view.portfolios(account))))

    def test_a_person_is_forgotten(self):
        account = self.open_account(profile_name="Ada").account
        self.engine.forget(account)
        with self.engine.view() as view:
            self.assertEqual((1, ""), (view.profile(account).forgotten, view.profile(account).profile_name))
        with self.assertRaises(trading.Error):
            self.engine.forget("A-00000000000000000000000001")

    def test_the_book_shows_what_rests(self):
        portfolio = self.open_account().portfolio
        placed = self.engine.do(trading.place_order(portfolio, "buy", "IBM", "2", limit_price="10"))
        with self.engine.view() as view:
            self.assertEqual([(Decimal(10), Decimal(2), 1)], list(view.book("IBM", "buy")))
            self.assertEqual([placed.order], [order.id for order in view.orders(portfolio, open_only=True)])
            self.assertEqual(["IBM"], list(view.instruments()))
        self.assertEqual("canceled", self.engine.do(trading.cancel_order(placed.order)).order_status)

    def test_views_of_the_past_and_ledgers(self):
        account = self.open_account().account
        before = self.engine.info().next_position
        self.engine.do(trading.deposit(account, "7"))
        with self.engine.view(before) as view:
            self.assertEqual(Decimal("100"), view.account(account).balance)
        with self.engine.view() as view:
            ledger, = view.ledgers()
            self.assertEqual(("USD", "107"), (ledger.currency, ledger.customers.split(".")[0]))
            self.assertEqual("FUNDS_DEPOSITED", next(view.history(account)).kind)

    def test_a_filtered_feed_with_a_cursor(self):
        first, second = self.open_account().account, self.open_account().account
        self.engine.do(trading.deposit(second, "1"))
        with self.engine.feed(kinds=["FUNDS_DEPOSITED"], account=second, cursor="mine") as feed:
            events = feed.next()
            self.assertEqual([Decimal(100), Decimal(1)], [event.amount for event in events])
            self.assertNotIn(first, [event.account for event in events])
            feed.acknowledge(events[0].position + 1)
        with self.engine.feed(trading.FEED_AT_CURSOR, kinds=["FUNDS_DEPOSITED"], account=second, cursor="mine") as feed:
            self.assertEqual([Decimal(1)], [event.amount for event in feed.next()])

    def test_many_threads_share_one_engine(self):
        account = self.open_account().account

        def deposit_many():
            for _ in range(50):
                self.engine.do(trading.deposit(account, "1"))

        threads = [threading.Thread(target=deposit_many) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self.engine.view() as view:
            self.assertEqual(Decimal(300), view.account(account).balance)


if __name__ == "__main__":
    unittest.main()
