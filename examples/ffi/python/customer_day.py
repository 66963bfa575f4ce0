#!/usr/bin/env python3
"""A customer's trading day through the C interface: open, deposit, quote, buy, watch it fill, look at the portfolio, sell the
chosen lot, withdraw; stop, open again, and find everything there. Meanwhile a thread follows the feed.

usage: customer_day.py [STORE]     such as lmdb:/tmp/day; without one, a store in a folder that is removed at the end
"""
import sys
import tempfile
import threading

import trading


class Follower(threading.Thread):
    """Follows the feed from the first event until it has seen the position that stop_after() names."""

    def __init__(self, engine):
        super().__init__()
        self.events = []
        self._feed = engine.feed()
        self._last = None

    def stop_after(self, position):
        self._last = position
        self.join()
        self._feed.close()

    def run(self):
        while self._last is None or self._feed.position <= self._last:
            self.events += self._feed.next(timeout=0.1)


def buy_and_sell(engine, say):
    """The day's commands; returns the account, its portfolio and the two lots."""
    opened = engine.do(trading.open_account(
        "Ada's savings", profile_name="Ada", profile_surname="Lovelace", email="ada@example.org", deposit="10000.00",
        key="customer-1815"))
    account, portfolio = opened.account, opened.portfolio
    say(f"opened {account}, portfolio {portfolio}")
    engine.do(trading.deposit(account, "2500.00"))

    engine.do(trading.set_quote("GOOG", "799.50", "800.00", bid_size="100", ask_size="4"))
    first = engine.do(trading.place_order(portfolio, "buy", "GOOG", "10", limit_price="800.00", time_in_force="gtc"))
    say(f"bought {first.filled_quantity} of 10 GOOG at {first.average_price}: {first.order_status}")
    engine.do(trading.set_quote("GOOG", "799.00", "799.50", ask_size="8"))
    with engine.view() as view:
        order = view.order(first.order)
        say(f"then {order.filled_quantity} at {order.average_price}: {order.status}, {order.execution_count} executions")
    second = engine.do(trading.place_order(portfolio, "buy", "GOOG", "2"))
    say(f"market order: {second.filled_quantity} GOOG at {second.average_price}, {second.order_status}")

    try:
        engine.do(trading.place_order(portfolio, "buy", "GOOG", "1000", limit_price="800.00"))
    except trading.Rejected as rejected:
        say(f"too much: {rejected}")

    engine.do(trading.set_quote("GOOG", "810.00", "810.50"))
    sold = engine.do(trading.place_order(portfolio, "sell", "GOOG", "2", lot=second.order))
    say(f"sold {sold.filled_quantity} GOOG of the second lot at {sold.average_price}")
    engine.do(trading.withdraw(account, "1000.00"))
    return account, portfolio, first.order


def show(engine, account, portfolio, say):
    """Prints what the account and its portfolio amount to now; returns the records."""
    with engine.view() as view:
        cash, holdings = view.account(account), view.portfolio(portfolio)
        lots, positions = list(view.lots(portfolio)), list(view.positions(portfolio))
    say(f"balance {cash.balance}, held {cash.held}, available {cash.available}")
    say(f"market value {holdings.market_value}, realised {holdings.realized_pnl}, unrealised {holdings.unrealized_pnl}")
    for lot in lots:
        say(f"  lot {lot.lot}: {lot.quantity} {lot.symbol}, cost {lot.cost_basis}, of {trading.time_text(lot.acquired)}")
    return cash, holdings, lots, positions


def count_kinds(engine, say):
    """A projection of the program's own: how many events of each kind, kept in the store beside its position."""
    with engine.projection("events-by-kind") as projection:
        while events := projection.poll():
            for event in events:
                key = event.kind.encode()
                count = int(projection.get(key) or 0) + 1
                projection.put(key, str(count).encode())
            projection.commit()
        counts = {key.decode(): int(value) for key, value in projection.items()}
    say(", ".join(f"{kind} {count}" for kind, count in counts.items()))
    return counts


def run_day(uri, say=print):
    """Runs the day in a store that is new; returns what the test looks at."""
    with trading.Engine(uri) as engine:
        follower = Follower(engine)
        follower.start()
        account, portfolio, lot = buy_and_sell(engine, say)
        follower.stop_after(engine.info().next_position - 1)
        say(f"the feed told {len(follower.events)} events meanwhile")
        before = show(engine, account, portfolio, say)

    say("stopped; opened again:")
    with trading.Engine(uri) as engine:
        after = show(engine, account, portfolio, say)
        again = engine.do(trading.open_account(
            "Ada's savings", profile_name="Ada", profile_surname="Lovelace", email="ada@example.org", deposit="10000.00",
            key="customer-1815"))
        say(f"opening the account once more under the same key: {again.status}, {again.account}")
        with engine.activity() as activity:
            lines = list(activity.list(account))
        for line in lines:
            say(f"  {trading.time_text(line.time)} {line.type:10} {line.amount:>12} {line.balance:>12}")
        counts = count_kinds(engine, say)
        proof = engine.verify()
        say(f"verify: {'sound' if proof.sound else proof.finding}, {proof.events} events in {proof.commits} commits")
    return {"account": account, "portfolio": portfolio, "lot": lot, "events": follower.events, "before": before,
            "after": after, "again": again, "activity": lines, "counts": counts, "proof": proof}


def main():
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    if len(sys.argv) == 2:
        run_day(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        run_day(f"lmdb:{folder}/store")


if __name__ == "__main__":
    main()
