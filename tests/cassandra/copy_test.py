#!/usr/bin/env python3
"""A store on LMDB is taken to Cassandra, into more partitions, and used there; and the way back.

usage: copy_test.py TRADING PLUGIN URI        URI: of no store yet
"""
import json
import os
import subprocess
import sys
import tempfile

TRADING, PLUGIN, THERE = sys.argv[1:4]
CUSTOMERS = 12


def trading(*arguments, store, lines=None):
    data = None if lines is None else "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = subprocess.run([TRADING, arguments[0], "--plugin", PLUGIN, "--store", store, *arguments[1:]], input=data, stdout=subprocess.PIPE,
                          timeout=600, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def accounts(store):
    listed, = trading("accounts", "--json", store=store)
    return sorted((account["account"], account["balance"], account["held"]) for account in listed["accounts"])


def proof(store):
    found, = trading("verify", "--json", store=store)
    assert found["sound"] is True, found
    return found["hash"]


def make(store):
    opened = trading("run", "--partitions", "2", store=store,
                     lines=[{"op": "open_account", "name": f"Customer {i}", "deposit": "1000.00", "key": f"open {i}"} for i in range(CUSTOMERS)])
    trading("run", store=store, lines=[{"op": "quote", "symbol": "IBM", "bid": "99.00", "ask": "100.00", "key": "quote"}] + [
        {"op": "place_order", "portfolio": account["portfolio"], "side": "buy", "symbol": "IBM", "quantity": "2", "type": "limit",
         "limit_price": str(98 + i % 4), "time_in_force": "gtc", "key": f"order {i}"} for i, account in enumerate(opened)])
    trading("checkpoint", "--json", store=store)  # which lets messages arrive
    return opened


def main():
    with tempfile.TemporaryDirectory() as folder:
        here = f"lmdb:{folder}/here"
        opened = make(here)
        before = accounts(here)
        told, = trading("store", "copy", "--to", THERE, "--partitions", "4", "--json", store=here)
        assert (told["partitions"], told["secrets"]) == ("4", str(CUSTOMERS)), told
        assert accounts(THERE) == before
        proof(THERE)
        answers = trading("run", store=THERE, lines=[{"op": "deposit", "account": account["account"], "amount": "1.00", "key": "after"}
                                                     for account in opened] + [{"op": "open_account", "name": "Customer 0", "deposit": "1000.00",
                                                                                "key": "open 0"}])
        assert [answer["status"] for answer in answers] == ["accepted"] * CUSTOMERS + ["duplicate"], answers
        trading("checkpoint", "--json", store=THERE)
        trading("store", "copy", "--to", f"lmdb:{folder}/back", "--json", store=THERE)
        assert proof(f"lmdb:{folder}/back") == proof(THERE)
        assert accounts(f"lmdb:{folder}/back") == accounts(THERE) != before


if __name__ == "__main__":
    main()
