#!/usr/bin/env python3
"""docs/format.md is true: its example is a commit, and a reader written from it reads what the library writes."""
import hashlib
import pathlib
import re
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "examples/ffi/python"))

import customer_day  # noqa: E402
import format_reader  # noqa: E402
import trading  # noqa: E402

# Fields of an event that the format gives as the interface shows them, by name.
SAME_FIELDS = {"amount", "quantity", "price", "held", "cost", "rounding", "bid", "ask", "required", "available"}


def example_of(page):
    """The bytes of the page's hex blocks: what stands before two blanks on each line."""
    blocks = re.findall(r"```hex\n(.*?)```", page, flags=re.DOTALL)
    return [bytes.fromhex("".join(line.split("  ")[0] for line in block.splitlines())) for block in blocks]


class Format(unittest.TestCase):
    maxDiff = None

    def test_the_example_is_a_commit(self):
        stored, = example_of((TOP / "docs/format.md").read_text(encoding="utf-8"))
        commit = format_reader.read_commit(stored)
        self.assertEqual([["FUNDS_DEPOSITED"]], [[event.kind for event in entry.events] for entry in commit.entries])
        self.assertEqual({"amount": 250_000_000}, commit.events[0].fields)
        self.assertEqual(hashlib.blake2b(b"deposit-1", digest_size=16).digest(), commit.entries[0].key)
        self.assertEqual("2026-11-23T15:38:05.451986738Z", trading.time_text(commit.time))

    def test_the_page_names_every_kind_of_event(self):
        page = (TOP / "docs/format.md").read_text(encoding="utf-8")
        kinds = {number: name for name, number in trading.event_kinds().items() if name in format_reader.kind_names()}
        for number, name in kinds.items():
            self.assertRegex(page, rf"\|[^|]*\b{number}\b[^|]*\|[^|]*`{name}`")
        headers = (TOP / "include/trading/event.h").read_text(encoding="utf-8")
        defined = set(re.findall(r"#define TRADING_EVENT_(\w+)\s+\d+ ", headers)) - {"KINDS"}
        self.assertEqual(defined, format_reader.kind_names())

    def test_a_store_reads_as_the_feed_tells_it(self):
        with tempfile.TemporaryDirectory() as folder:
            day = customer_day.run_day(f"lmdb:{folder}/store", say=lambda line: None)
            self.exercise_more(f"lmdb:{folder}/store", day)
            with trading.Engine(f"lmdb:{folder}/store") as engine, engine.feed() as feed:
                told = []
                while events := feed.next():
                    told += events
                proof = engine.verify()
            commits = format_reader.read_journal(f"{folder}/store")
        self.assertEqual(proof.hash, commits[-1].digest)
        written = [event for commit in commits for event in commit.events]
        self.assertEqual([(event.position, event.kind, event.previous) for event in told],
                         [(event.position, event.kind, event.previous) for event in written])
        for event, shown in zip(written, told):
            for name in SAME_FIELDS & set(event.fields):
                self.assertEqual(event.fields[name], trading.to_decimal(getattr(shown, name)), (event, shown))
        self.assertEqual([key for commit in commits for entry in commit.entries for key in [entry.key] * len(entry.events)],
                         [event.key for event in told])
        self.check_ids(commits, told)

    def check_ids(self, commits, told):
        """What opens an account, a portfolio or an order derives its id from its key and its account's id."""
        keys = [entry.key for commit in commits for entry in commit.entries for _ in entry.events]
        for key, event in zip(keys, told):
            account = bytes(trading.to_id(1, event.account).bytes)
            if event.kind == "ACCOUNT_OPENED":
                self.assertEqual(format_reader.derive_id(1, bytes(16), key), account)
            elif event.kind == "PORTFOLIO_OPENED":
                derived = format_reader.derive_id(2, account, key)
                self.assertEqual(derived, bytes(trading.to_id(2, event.portfolio).bytes))
            elif event.kind == "ORDER_REJECTED" or event.kind == "ORDER_PLACED" and event.command == 13:
                derived = format_reader.derive_id(3, account, key)
                self.assertEqual(derived, bytes(trading.to_id(3, event.order).bytes))

    def exercise_more(self, uri, day):
        """The kinds of event that the customer's day leaves out."""
        account, portfolio = day["account"], day["portfolio"]
        with trading.Engine(uri) as engine:
            for command in (
                    trading.update_contact(account, "ada@example.com", "+44 1"),
                    trading.update_address(account, "St James's Square", "SW1", "London"),
                    trading.credit(account, "1.5"), trading.debit(account, "0.000001"), trading.accept_refund(account, "2"),
                    trading.open_portfolio(account, "Second"), trading.freeze_account(account),
                    trading.unfreeze_account(account, actor="clerk", correlation="case 7"),
                    trading.place_order(portfolio, "sell", "GOOG", "1", limit_price="900", lot=day["lot"]),
                    trading.place_order(portfolio, "buy", "GOOG", "1", limit_price="10"),
                    trading.end_session(), trading.close_portfolio(portfolio)):
                engine.do(command)
            placed = engine.do(trading.open_account(deposit="50"))
            resting = engine.do(trading.place_order(placed.portfolio, "buy", "IBM", "1", limit_price="0.333333"))
            engine.do(trading.cancel_order(resting.order))
            engine.execute([trading.withdraw(placed.account, "51")])
            engine.do(trading.transfer(placed.account, account, "1.25"))
            with engine.feed(cursor="mine") as feed:
                feed.acknowledge(1)
                feed.acknowledge(2)


if __name__ == "__main__":
    unittest.main()
