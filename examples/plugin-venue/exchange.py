#!/usr/bin/env python3
"""Executes what the venue lines:FOLDER writes, as the side that it trades with: everything crosses at 100, in two trades where there is
more than one share; what does not cross rests until it is canceled. IBM is not traded. Ends when its standard input does.

usage: exchange.py FOLDER
"""
import decimal
import os
import select
import sys

PRICE = decimal.Decimal(100)


class Exchange:
    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.orders = open(os.path.join(folder, "orders"), "a+", encoding="utf-8")
        self.orders.seek(0)
        self.executions = open(os.path.join(folder, "executions"), "a", encoding="utf-8")
        self.resting = set()
        self.part = ""

    def tell(self, *fields):
        self.executions.write("|".join([*fields, "."]) + "\n")
        self.executions.flush()

    def crosses(self, side, price):
        return price == 0 or (price >= PRICE if side == "BUY" else price <= PRICE)

    def new(self, order, side, symbol, kind, time_in_force, quantity, price):
        if symbol == "IBM":
            self.tell(order, "REJECTED", f"{order}.0", "not traded here")
            return
        self.tell(order, "NEW")
        if self.crosses(side, decimal.Decimal(price)):
            shares = decimal.Decimal(quantity)
            for number, part in enumerate([shares - 1, 1] if shares > 1 else [shares], start=1):
                self.tell(order, "TRADE", f"{order}.{number}", str(part), str(PRICE))
        elif time_in_force == "IOC":
            self.tell(order, "CANCELED", f"{order}.1", "immediate or cancel")
        else:
            self.resting.add(order)

    def cancel(self, order):
        if order in self.resting:
            self.resting.remove(order)
            self.tell(order, "CANCELED", f"{order}.c", "as asked")
        else:
            self.tell(order, "CANCEL_REJECTED")

    def take(self):
        """Every whole line that is new."""
        *lines, self.part = (self.part + self.orders.read()).split("\n")
        for line in lines:
            kind, *fields = line.split("|")
            if fields[-1:] == ["."]:
                (self.new if kind == "NEW" else self.cancel)(*fields[:-1])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    exchange = Exchange(sys.argv[1])
    while not select.select([sys.stdin], [], [], 0.002)[0]:
        exchange.take()
