#!/usr/bin/env python3
"""`trading run`: every op, every kind of wrong line, order, keys, signals."""
import json
import os
import resource
import signal
import unittest

from program import DONE, STORE, Case, without


class Desk(Case):
    """A store with a customer, quotes and a running `trading run`."""

    def setUp(self):
        super().setUp()
        self.run_ = self.lines()
        opened = self.run_.op("open_account", key="ada", name="Ada", currency="USD", deposit="10000.00")
        self.account, self.portfolio = opened["account"], opened["portfolio"]
        self.quote("GOOG", "150.10", "150.20")

    def op(self, name, /, **members):
        return self.run_.op(name, **members)

    def ok(self, name, /, **members):
        result = self.op(name, **members)
        self.assertIs(result["ok"], True, result)
        return result

    def quote(self, symbol, bid, ask, **members):
        return self.ok("quote", symbol=symbol, bid=bid, ask=ask, **members)

    def order(self, side, quantity, symbol="GOOG", limit=None, **members):
        if limit:
            members["limit_price"] = limit
        members.setdefault("portfolio", self.portfolio)
        return self.op("place_order", side=side, symbol=symbol, quantity=quantity, type="limit" if limit else "market", **members)

    def state(self):
        """All that may not change when a request is refused: money, holdings, orders that are not rejected."""
        accounts = self.ok("accounts")["accounts"]
        state = [accounts]
        for account in accounts:
            shown = self.ok("view_account", id=account["account"])
            state.append(without(shown, "version", "position"))
            for portfolio in shown["portfolios"]:
                state.append(without(self.ok("view_portfolio", id=portfolio, all=True), "version", "position"))
                state.append([without(order, "position") for order in self.ok("orders", portfolio=portfolio)["orders"]
                              if order["status"] != "rejected"])
        state.append([without(quote, "position") for quote in self.ok("quotes")["quotes"]])
        return state


class Ops(Desk):
    def test_order_is_filled(self):
        bought = self.order("buy", "10")
        self.assertEqual(without(bought, "order", "position", "version"),
                         {"ok": True, "status": "filled", "account": self.account, "portfolio": self.portfolio,
                          "filled_quantity": "10", "average_price": "150.20"})
        shown = self.ok("view_order", id=bought["order"])
        self.assertEqual([shown[name] for name in ("status", "side", "symbol", "type", "quantity", "leaves_quantity", "consideration")],
                         ["filled", "buy", "GOOG", "market", "10", "0", "1502.00"])
        self.assertEqual([without(execution, "execution", "time") for execution in shown["executions"]],
                         [{"quantity": "10", "price": "150.20", "consideration": "1502.00"}])
        portfolio = self.ok("view_portfolio", id=self.portfolio)
        self.assertEqual([without(lot, "acquired") for lot in portfolio["lots"]],
                         [{"lot": bought["order"], "symbol": "GOOG", "quantity": "10", "reserved": "0", "cost_basis": "1502.00"}])
        self.assertEqual(portfolio["positions"][0]["market_value"], "1501.00")
        self.assertEqual((portfolio["realized_pnl"], portfolio["unrealized_pnl"], portfolio["market_value"]),
                         ("0.00", "-1.00", "1501.00"))

    def test_partial_fill_cancel(self):
        self.quote("GOOG", "150.10", "150.20", ask_size="4")
        placed = self.order("buy", "10", limit="150.20", time_in_force="gtc")
        self.assertEqual((placed["status"], placed["filled_quantity"]), ("partially_filled", "4"))
        account = self.ok("view_account", id=self.account)
        self.assertEqual((account["balance"], account["held"], account["available"]), ("9399.20", "901.20", "8498.00"))
        book = self.ok("view_book", symbol="GOOG")
        self.assertEqual(book["bids"], [{"price": "150.20", "quantity": "6", "orders": "1"}])
        self.assertEqual([order["order"] for order in self.ok("orders", portfolio=self.portfolio, open=True)["orders"]],
                         [placed["order"]])
        canceled = self.ok("cancel_order", order=placed["order"])
        self.assertEqual((canceled["status"], canceled["filled_quantity"], canceled["order"]),
                         ("canceled", "4", placed["order"]))
        self.assertEqual(self.ok("view_account", id=self.account)["held"], "0.00")

    def test_chosen_lot(self):
        first, second = self.order("buy", "3")["order"], self.order("buy", "5")["order"]
        self.assertEqual(self.order("sell", "2", lot=second)["status"], "filled")
        self.assertEqual([(lot["lot"], lot["quantity"]) for lot in self.ok("lots", portfolio=self.portfolio)["lots"]],
                         [(first, "3"), (second, "3")])
        self.order("sell", "4")
        self.assertEqual([(lot["lot"], lot["quantity"]) for lot in self.ok("lots", portfolio=self.portfolio)["lots"]],
                         [(second, "2")])

    def test_sold_out_symbols(self):
        self.order("buy", "3")
        self.order("sell", "3")
        self.assertEqual(self.ok("view_portfolio", id=self.portfolio)["positions"], [])
        everything = self.ok("view_portfolio", id=self.portfolio, all=True)["positions"]
        self.assertEqual([(one["symbol"], one["quantity"], one["realized_pnl"]) for one in everything], [("GOOG", "0", "-0.30")])

    def test_cash(self):
        for op, amount, balance in (("deposit", "1.50", "10001.50"), ("withdraw", "0.50", "10001.00"),
                                    ("credit", "0.000001", "10001.000001"), ("debit", "0.000001", "10001.00"),
                                    ("refund", "4", "10005.00")):
            result = self.ok(op, account=self.account, amount=amount)
            self.assertEqual((result["status"], result["account"]), ("accepted", self.account))
            self.assertEqual(self.ok("view_account", id=self.account)["balance"], balance)

    def test_profile(self):
        opened = self.ok("open_account", name="G. H.", profile={"name": "Grace", "surname": "Hopper"},
                         contact={"email": "g@example.org", "phoneNumber": "1"},
                         address={"street": "s", "postalCode": "2", "province": "p"})
        shown = self.ok("view_account", id=opened["account"])
        self.assertEqual((shown["name"], shown["profile"], shown["contact"], shown["address"]),
                         ("G. H.", {"name": "Grace", "surname": "Hopper"}, {"email": "g@example.org", "phone_number": "1"},
                          {"street": "s", "postal_code": "2", "province": "p"}))
        self.ok("update_contact", account=opened["account"], contact={"email": "", "phone_number": "3"})
        self.assertEqual(self.ok("view_account", id=opened["account"])["contact"], {"email": "", "phone_number": "3"})

    def test_forget(self):
        opened = self.ok("open_account", name="G. H.", profile={"name": "Grace", "surname": "Hopper"})
        named = self.ok("open_portfolio", account=opened["account"], name="Engines")
        self.assertEqual(self.ok("forget", account=opened["account"]),
                         {"ok": True, "status": "forgotten", "account": opened["account"]})
        shown = self.ok("view_account", id=opened["account"])
        self.assertEqual((shown["forgotten"], shown["profile"]), (True, {"name": "", "surname": ""}))
        self.assertEqual(self.ok("view_portfolio", id=named["portfolio"])["name"], "")
        again = self.op("update_address", account=opened["account"], address={"street": "", "postal_code": "", "province": ""})
        self.assertEqual((again["ok"], again["reason"]), (False, "FORGOTTEN"))
        self.assertEqual(self.op("forget", account="A-00000000000000000000000001")["reason"], "UNKNOWN_ACCOUNT")
        self.assertEqual(self.op("forget")["reason"], "BAD_REQUEST")

    def test_close(self):
        self.quote("GOOG", "150.10", "150.20", bid_size="2")
        self.order("buy", "5")
        self.order("buy", "1", limit="100")
        self.assertEqual(self.ok("close_portfolio", portfolio=self.portfolio)["status"], "closing")
        self.assertEqual(self.order("buy", "1")["reason"], "PORTFOLIO_CLOSING")
        self.quote("GOOG", "150.10", "150.20")
        self.assertEqual(self.ok("close_portfolio", portfolio=self.portfolio)["status"], "closed")
        self.assertEqual(self.order("buy", "1")["reason"], "PORTFOLIO_CLOSED")

    def test_past(self):
        then = self.ok("view_account", id=self.account)
        self.ok("deposit", account=self.account, amount="1")
        self.assertEqual(self.ok("view_account", id=self.account, at=then["position"]), then)
        self.assertEqual(self.ok("view_account", id=self.account, at=int(then["position"])), then)
        self.assertEqual(self.ok("accounts", at="1999-01-01")["accounts"], [])
        self.assertEqual(self.op("accounts", at="99999")["reason"], "BAD_POSITION")

    def test_history_and_activity(self):
        self.order("buy", "10")
        events = self.ok("history", id=self.account)["events"]
        self.assertEqual(events[-1]["event"], "ACCOUNT_OPENED")
        self.assertEqual(self.ok("history", id=self.account, limit=1)["events"], events[:1])
        self.assertEqual(self.ok("history", id="GOOG")["events"][-1]["event"], "INSTRUMENT_LISTED")
        activity = self.ok("activity", account=self.account)["activity"]
        self.assertEqual([(line["type"], line["amount"], line["balance"]) for line in activity],
                         [("deposit", "10000.00", "10000.00"), ("buy", "-1502.00", "8498.00")])
        self.assertIs(self.op("statement", account=self.account)["ok"], True)

    def test_verify_info_checkpoint(self):
        verified = self.ok("verify")
        self.assertIs(verified["sound"], True)
        self.assertRegex(verified["hash"], "^[0-9a-f]{64}$")
        self.assertEqual((verified["accounts"], verified["portfolios"]), ("1", "1"))
        self.assertEqual([ledger["customers"] for ledger in verified["ledgers"]], ["10000.00"])
        position = self.ok("info")["position"]
        self.assertEqual(verified["position"], position)
        self.assertEqual(self.ok("checkpoint")["checkpoint_position"], position)

    def test_cursor(self):
        self.ok("acknowledge", cursor="mail", position="1")
        self.assertEqual(self.op("acknowledge", cursor="mail", position="0")["reason"], "BAD_POSITION")

    def test_versions(self):
        version = self.ok("view_account", id=self.account)["version"]
        conflict = self.op("deposit", account=self.account, amount="1", expected_version=int(version) + 5)
        self.assertEqual((conflict["reason"], conflict["version"]), ("VERSION_CONFLICT", version))
        self.ok("deposit", account=self.account, amount="1", expected_version=version)


class Refused(Desk):
    """Each gets a precise answer, and changes nothing."""

    def setUp(self):
        super().setUp()
        other = self.ok("open_account", name="Other", deposit="500.00")
        self.other, self.other_portfolio = other["account"], other["portfolio"]
        self.lot = self.order("buy", "10")["order"]
        self.other_lot = self.order("buy", "1", portfolio=self.other_portfolio)["order"]
        self.resting = self.order("buy", "1", limit="1.00", time_in_force="gtc")["order"]

    def check(self, reason, request, **expected):
        before = self.state()
        answer = self.run_.ask(request)
        self.assertIs(answer["ok"], False, answer)
        self.assertEqual(answer["reason"], reason, answer)
        self.assertTrue(answer["message"])
        for name, value in expected.items():
            self.assertEqual(answer.get(name), value, answer)
        self.assertEqual(self.state(), before)
        return answer

    def place(self, side, quantity, **members):
        return {"op": "place_order", "portfolio": self.portfolio, "side": side, "symbol": "GOOG", "quantity": quantity,
                "type": "limit" if "limit_price" in members else "market", **members}

    def cash(self, op, amount, account=None, **members):
        return {"op": op, "account": account or self.account, "amount": amount, **members}

    def test_amounts(self):
        huge = "9223372036854.775807"
        for amount, reason in (("0", "BAD_AMOUNT"), ("0.00", "BAD_AMOUNT"), ("-1.00", "BAD_AMOUNT"), ("-0.00", "BAD_AMOUNT"),
                               ("0.001", "TOO_PRECISE"), ("1.0000001", "TOO_PRECISE"), ("0.0000000000000000001", "TOO_PRECISE"),
                               ("9223372036854.775808", "BAD_AMOUNT"), ("1" + 400 * "0", "BAD_AMOUNT"),
                               ("", "BAD_REQUEST"), ("1e3", "BAD_REQUEST"), (" 1", "BAD_REQUEST"), ("1,000", "BAD_REQUEST"),
                               ("NaN", "BAD_REQUEST"), ("0x10", "BAD_REQUEST"), (".5", "BAD_REQUEST"), ("5.", "BAD_REQUEST"),
                               (5, "BAD_REQUEST"), (5.5, "BAD_REQUEST"), (None, "BAD_REQUEST"), ([], "BAD_REQUEST"),
                               (True, "BAD_REQUEST")):
            with self.subTest(amount=amount):
                self.check(reason, self.cash("deposit", amount))
                self.check(reason, self.cash("withdraw", amount))
                if reason != "TOO_PRECISE":  # a quantity may be as fine as a millionth
                    self.check(reason, self.place("buy", amount))
                    if reason != "BAD_AMOUNT":
                        self.check(reason, self.place("buy", "1", limit_price=amount))
        self.check("TOO_PRECISE", self.cash("withdraw", huge))
        self.check("INSUFFICIENT_FUNDS", self.cash("withdraw", "9223372036854.77"), required="9223372036854.77")
        self.check("TOO_LARGE", self.cash("deposit", "9223372036854.77"))
        self.check("TOO_PRECISE", self.place("buy", "1.0000001"))
        for price in ("0", "-1"):
            self.check("BAD_PRICE", self.place("buy", "1", limit_price=price))
        self.check("BAD_PRICE", {**self.place("buy", "1"), "type": "limit"})
        self.check("BAD_PRICE", {**self.place("buy", "1", limit_price="1"), "type": "market"})
        self.check("TOO_LARGE", self.place("buy", huge, limit_price=huge))

    def test_funds_and_shares(self):
        self.check("INSUFFICIENT_FUNDS", self.place("buy", "100", limit_price="150.20"), required="15020.00", status="rejected")
        self.check("INSUFFICIENT_FUNDS", self.place("buy", "100"))
        self.check("INSUFFICIENT_FUNDS", self.cash("withdraw", "10000.00"))
        self.check("INSUFFICIENT_FUNDS", self.cash("debit", "10000.000001"), required="10000.000001")
        self.check("INSUFFICIENT_SHARES", self.place("sell", "10.000001"), required="10.000001", available="10")
        self.quote("IBM", "9", "10")
        self.check("INSUFFICIENT_SHARES", {**self.place("sell", "1"), "symbol": "IBM"}, available="0")
        self.check("LOT_TOO_SMALL", self.place("sell", "11", lot=self.lot), required="11", available="10")

    def test_unknown_ids(self):
        nobody = "00000000000000000000000001"
        for text in (nobody, "DOES-NOT-EXIST", "", "0" * 26, self.account[2:-1], self.account[2:] + "0", "é", "A" * 1000):
            account, portfolio, order = "A-" + text, "P-" + text, "ORD-" + text
            with self.subTest(text=text):
                self.check("UNKNOWN_ACCOUNT", self.cash("deposit", "1", account=account))
                self.check("UNKNOWN_ACCOUNT", {"op": "freeze", "account": account})
                self.check("UNKNOWN_ACCOUNT", {"op": "view_account", "id": account})
                self.check("UNKNOWN_PORTFOLIO", {**self.place("buy", "1"), "portfolio": portfolio})
                self.check("UNKNOWN_PORTFOLIO", {"op": "close_portfolio", "portfolio": portfolio})
                self.check("UNKNOWN_PORTFOLIO", {"op": "view_portfolio", "id": portfolio})
                self.check("UNKNOWN_PORTFOLIO", {"op": "lots", "portfolio": portfolio})
                self.check("UNKNOWN_ORDER", {"op": "cancel_order", "order": order})
                self.check("UNKNOWN_ORDER", {"op": "view_order", "id": order})
                self.check("UNKNOWN_LOT", self.place("sell", "1", lot=order))
        self.check("UNKNOWN_ACCOUNT", self.cash("deposit", "1", account=self.portfolio))
        self.check("UNKNOWN_SYMBOL", {"op": "view_book", "symbol": "NOWHERE"})
        self.check("UNKNOWN_SYMBOL", {"op": "view_quote", "symbol": "NOWHERE"})

    def test_what_is_others(self):
        self.check("UNKNOWN_LOT", self.place("sell", "1", lot=self.other_lot))
        self.check("UNKNOWN_LOT", self.place("sell", "1", lot=self.resting))
        self.check("UNKNOWN_PORTFOLIO", {**self.place("buy", "1"), "account": self.other})
        self.check("UNKNOWN_ORDER", {"op": "cancel_order", "order": self.resting, "account": self.other})
        self.check("UNKNOWN_PORTFOLIO", {"op": "close_portfolio", "portfolio": self.portfolio, "account": self.other})
        self.check("UNKNOWN_ORDER", {"op": "refund", "account": self.other, "amount": "1", "order": self.lot})
        self.quote("IBM", "9", "10")
        ibm = self.order("buy", "1", symbol="IBM")["order"]
        self.check("LOT_OF_OTHER_SYMBOL", self.place("sell", "1", lot=ibm))

    def test_frozen_and_closed(self):
        self.ok("freeze", account=self.account)
        self.check("ACCOUNT_FROZEN", self.cash("withdraw", "1"))
        self.check("ACCOUNT_FROZEN", self.place("buy", "1"))
        self.check("ACCOUNT_FROZEN", self.place("sell", "1"))
        self.check("ACCOUNT_FROZEN", {"op": "freeze", "account": self.account})
        self.ok("unfreeze", account=self.account)
        self.check("NOT_FROZEN", {"op": "unfreeze", "account": self.account})
        self.check("PORTFOLIOS_OPEN", {"op": "close_account", "account": self.account})
        self.ok("close_portfolio", portfolio=self.other_portfolio)
        rest = self.ok("view_account", id=self.other)["balance"]
        self.check("FUNDS_REMAIN", {"op": "close_account", "account": self.other}, available=rest)
        self.ok("withdraw", account=self.other, amount=rest)
        self.ok("close_account", account=self.other)
        self.check("ACCOUNT_CLOSED", self.cash("deposit", "1", account=self.other))
        self.check("ACCOUNT_CLOSED", {"op": "close_account", "account": self.other})

    def test_out_of_order(self):
        self.ok("cancel_order", order=self.resting)
        self.check("ORDER_NOT_OPEN", {"op": "cancel_order", "order": self.resting}, status="canceled")
        self.check("ORDER_NOT_OPEN", {"op": "cancel_order", "order": self.lot}, status="filled")
        self.order("buy", "1", symbol="NEW", limit="1.00", time_in_force="ioc")  # lists it
        self.check("NO_QUOTE", {**self.place("buy", "1"), "symbol": "NEW"})
        self.check("CROSSED_QUOTE", {"op": "quote", "symbol": "GOOG", "bid": "2", "ask": "1"})
        self.check("OTHER_CURRENCY", {"op": "quote", "symbol": "GOOG", "bid": "1", "ask": "2", "currency": "EUR"})

    def test_keys(self):
        again = self.op("open_account", key="ada", name="Ada", currency="USD", deposit="10000.00")
        self.assertEqual((again["ok"], again["status"], again["duplicate"], again["account"], again["portfolio"]),
                         (True, "duplicate", True, self.account, self.portfolio))
        self.ok("deposit", account=self.account, amount="5", key="d")
        before = self.state()
        self.assertEqual(self.op("deposit", account=self.account, amount="5", key="d")["status"], "duplicate")
        self.assertEqual(self.state(), before)
        shown = next(event["key"] for event in self.ok("history", id=self.account)["events"] if event.get("amount") == "5.00")
        self.assertEqual(self.op("deposit", account=self.account, amount="5", key=f"={shown}")["status"], "duplicate")
        self.assertEqual(self.state(), before)
        self.check("KEY_REUSED", self.cash("deposit", "6", key="d"))
        self.check("KEY_REUSED", self.cash("withdraw", "5", key="d"))
        self.check("KEY_REUSED", {"op": "open_account", "key": "ada", "name": "Eve", "currency": "USD", "deposit": "10000.00"})
        placed = self.order("buy", "1", key="o")
        before = self.state()
        again = self.order("buy", "1", key="o")
        self.assertEqual(without(again, "duplicate"), placed)
        self.assertIs(again["duplicate"], True)
        self.assertEqual(self.state(), before)
        refused = self.check("INSUFFICIENT_FUNDS", self.cash("withdraw", "99999.00", key="w"))
        self.ok("deposit", account=self.account, amount="100000")
        again = self.check("INSUFFICIENT_FUNDS", self.cash("withdraw", "99999.00", key="w"), duplicate=True)
        self.assertEqual(without(again, "duplicate"), refused)

    def test_text(self):
        ten_megabytes = "x" * 10_000_000
        self.check("BAD_TEXT", {"op": "open_account", "name": ten_megabytes})
        self.check("BAD_TEXT", {"op": "open_account", "name": "tab\there"})
        self.check("BAD_TEXT", {"op": "open_account", "name": "x" * 121})
        self.check("UNKNOWN_ACCOUNT", self.cash("deposit", "1", account=ten_megabytes))
        self.check("BAD_SYMBOL", {"op": "quote", "symbol": ten_megabytes, "bid": "1", "ask": "2"})
        self.check("BAD_SYMBOL", {"op": "quote", "symbol": "goog", "bid": "1", "ask": "2"})
        self.check("BAD_SYMBOL", {"op": "quote", "symbol": "", "bid": "1", "ask": "2"})
        self.check("BAD_CURRENCY", {"op": "open_account", "currency": "usd"})
        self.check("BAD_CURRENCY", {"op": "open_account", "currency": "ZZZ"})
        self.check("BAD_CURRENCY", {"op": "open_account", "currency": ""})
        self.check("BAD_REQUEST", self.cash("deposit", ten_megabytes))
        self.check("BAD_REQUEST", {"op": ten_megabytes})
        self.check("BAD_REQUEST", {"op": "verify", ten_megabytes: 1})
        self.assertEqual(self.ok("deposit", account=self.account, amount="1", key=ten_megabytes)["status"], "accepted")
        self.assertEqual(self.ok("deposit", account=self.account, amount="1", key=ten_megabytes)["status"], "duplicate")


class Malformed(Desk):
    """Lines that are no requests: line and column are told, and the run goes on."""

    def check(self, line, column, says):
        before = self.state()
        answer = self.run_.ask(line)
        self.assertEqual((answer["ok"], answer["reason"]), (False, "BAD_REQUEST"), answer)
        self.assertIn(says, answer["message"])
        self.assertEqual(answer["column"], column, answer)
        self.assertEqual(self.state(), before)
        return answer

    def test_json(self):
        for line, column, says in (
                (b"nonsense", 8, "'[' or '{' expected"), (b"{", 1, ""), (b'{"op":', 6, ""), (b'{"op":"verify"', 14, ""),
                (b'{"op":"verify"} x', 17, "end of file expected"), (b'{"op":"verify","op":"info"}', 19, "duplicate"),
                (b'{"op":"verify\xff"}', 13, "byte 0xff"), (b'{"op":"ver\x00ify"}', 10, ""),
                (b'{"op":"ver\\u0000ify"}', 20, "\\u0000"), (b'{"op":"\xed\xa0\x80"}', 7, "byte 0xed"),
                (b'{"op":"x","n":' + b"9" * 30 + b"}", 44, "too big"), (b"[" * 100_000, 2049, "depth")):
            with self.subTest(line=line[:40]):
                answer = self.run_.ask(line)
                self.assertEqual((answer["ok"], answer["reason"]), (False, "BAD_REQUEST"), answer)
                self.assertIn(says, answer["message"])
                self.assertEqual(answer["column"], column, answer)
        self.ok("verify")

    def test_requests(self):
        self.check(b'  ["op"]', 3, "JSON object")
        self.check(b'{"key":"x"}', 1, "op: is missing")
        self.check(b'{"op":1}', 2, "op: must be a string")
        self.check('{"ключ":"x", "op":"fly"}'.encode(), 14, 'there is no op "fly"')
        self.check(b'{"op":"deposit","amount":"1"}', 1, "account: is missing")
        self.check(b'{"op":"end_session","acount":"1"}', 21, "acount: op end_session takes no such key")
        self.check(b'{"op":"open_account","contact":{"email":"x","fax":"1"}}', 45, "contact.fax: op open_account takes no such key")
        self.check(b'{"op":"open_account","contact":"x"}', 22, "contact: must be an object")
        self.check(b'{"op":"open_account","contact.email":"x"}', 22, "takes no such key")
        self.check(b'{"op":"open_account","contact":{"phone_number":"1","phoneNumber":"2"}}', 52, "given twice")
        self.check(b'{"op":"open_account","deposit":100}', 22, "decimals are strings")
        self.check(b'{"op":"open_account","name":null}', 22, "must be a string")
        self.check(b'{"op":"open_account","key":""}', 22, "is empty")
        self.check(b'{"op":"view_account","id":"' + self.account.encode() + b'","at":"never"}', 58, "must be a position, or a time")
        self.check(b'{"op":"view_account","id":"' + self.account.encode() + b'","at":-1}', 58, "integer from 0 on")
        order = '{"op":"place_order","portfolio":"%s","symbol":"X","quantity":"1","type":"%s","side":"%s"}'
        for kind, side, wrong, says in (("stop", "buy", '"type"', 'is not "market" or "limit"'),
                                        ("market", "hold", '"side"', 'is not "buy" or "sell"')):
            line = order % (self.portfolio, kind, side)
            self.check(line.encode(), line.index(wrong) + 1, says)

    def test_members_that_do_not_go_together(self):
        order = f'{{"op":"place_order","portfolio":"{self.portfolio}","symbol":"X","quantity":"1","type":"market","side":"buy",'
        for line, wrong, says in (
                (order + '"time_in_force":"day"}', '"time_in_force"', "a market order is filled at once"),
                (order + '"lot":"ORD-00000000000000000000000001"}', '"lot"', "only a sell order is of a lot"),
                (f'{{"op":"transfer","account":"{self.account}","to":"{self.account}","amount":"1"}}', '"to"', "is the account itself"),
                ('{"op":"quote","symbol":"X","bid":"1","ask":"2","size":"1","bid_size":"2"}', '"size"', "is that of both sides")):
            self.check(line.encode(), line.index(wrong) + 1, says)

    def test_lines(self):
        answers = self.run_lines(b"\xef\xbb\xbf" + b'{"op":"fly"}\r\n\n   \t \n{"op":"fly"}\n' + b"x" * (17 << 20) + b'\n{"op":"fly"}',
                                 store=f"lmdb:{self.folder}/other")
        self.assertEqual([(answer["line"], answer["column"]) for answer in answers],
                         [(1, 2), (4, 2), (5, (16 << 20) + 1), (6, 2)])
        self.assertIn("longer than 16777216 bytes", answers[2]["message"])

    def test_long_line_that_never_ends(self):
        answers = self.run_lines(b'{"op":"fly"}\n' + b" " * (40 << 20), store=f"lmdb:{self.folder}/other")
        self.assertEqual([answer["line"] for answer in answers], [1, 2])


class Pipeline(Case):
    def test_answers_are_in_order(self):
        requests = [{"op": "open_account", "key": "a", "deposit": "1000.00"}]
        account = self.run_lines(requests)[0]["account"]
        balance = 100_000
        expected = []
        requests = []
        for i in range(2000):
            if i % 7 == 3:
                requests.append({"op": "withdraw", "account": account, "amount": "100000.00"})
                expected.append("INSUFFICIENT_FUNDS")
            elif i % 7 == 5:
                requests.append({"op": "fly"})
                expected.append("BAD_REQUEST")
            elif i % 50 == 0:
                requests.append({"op": "view_account", "id": account})
                expected.append(f"{balance // 100}.{balance % 100:02}")
            else:
                requests.append({"op": "deposit", "account": account, "amount": "0.01"})
                balance += 1
                expected.append("accepted")
        answers = self.run_lines(requests, "--pipeline", "64")
        self.assertEqual([answer.get("balance") or answer.get("reason") or answer["status"] for answer in answers], expected)
        positions = [int(answer["position"]) for answer in answers if answer.get("status") == "accepted"]
        self.assertEqual(positions, sorted(set(positions)))

    def test_answers_do_not_wait_for_more_input(self):
        running = self.lines("--pipeline", "64")
        account = running.op("open_account", deposit="1.00")["account"]
        for i in range(2, 20):
            self.assertEqual(running.op("deposit", account=account, amount="1.00")["status"], "accepted")
            self.assertEqual(running.op("view_account", id=account)["balance"], f"{i}.00")

    def test_orders_in_flight(self):
        requests = [{"op": "open_account", "key": "a", "deposit": "1000.00"}, {"op": "quote", "symbol": "X", "bid": "1", "ask": "2"}]
        portfolio = self.run_lines(requests)[0]["portfolio"]
        orders = [{"op": "place_order", "portfolio": portfolio, "side": "buy", "symbol": "X", "quantity": "1", "type": "limit",
                   "limit_price": "2.00", "key": f"o{i}"} for i in range(600)]
        answers = self.run_lines(orders, "--pipeline", "100")
        self.assertEqual([answer["ok"] for answer in answers], [True] * 500 + [False] * 100)
        again = self.run_lines(orders, "--pipeline", "7")
        self.assertEqual([without(answer, "duplicate") for answer in again], answers)
        self.assertTrue(all(answer["duplicate"] for answer in again))


class Ends(Case):
    def test_signals_finish_what_is_in_flight(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                running = self.lines("--pipeline", "16")
                opened = running.op("open_account", deposit="1.00")
                running.process.send_signal(number)
                self.assertEqual(running.process.wait(timeout=60), DONE)  # with its input open
                self.assertEqual(running.process.stdout.read(), b"")
                self.assertEqual(self.json("account", opened["account"])["balance"], "1.00")

    def test_signal_within_input(self):
        running = self.lines("--pipeline", "16")
        account = running.op("open_account", deposit="1.00")["account"]
        os.set_blocking(running.process.stdin.fileno(), False)
        line = json.dumps({"op": "deposit", "account": account, "amount": "0.01"}).encode() + b"\n"
        sent = running.process.stdin.raw.write(line * 400)
        running.process.send_signal(signal.SIGTERM)
        self.assertEqual(running.process.wait(timeout=60), DONE)
        answers = [json.loads(answer) for answer in running.process.stdout.read().splitlines()]
        self.assertLessEqual(len(answers), sent // len(line))
        self.assertTrue(all(answer["ok"] for answer in answers))
        self.assertEqual(self.json("account", account)["balance"], f"{1 + len(answers) / 100:.2f}")

    def test_reader_goes_away(self):
        running = self.lines()
        opened = running.op("open_account", deposit="1.00")
        running.process.stdout.close()
        for _ in range(3):
            running.send({"op": "view_account", "id": opened["account"]})
        self.assertEqual(running.process.wait(timeout=60), STORE)
        self.assertIn(b"cannot be written", running.process.stderr.read())
        self.assertEqual(self.json("account", opened["account"])["balance"], "1.00")

    def test_disk_is_full(self):
        """A limit on the size of files stands in for a full disk."""
        requests = [{"op": "open_account", "key": "a"}]
        account = self.run_lines(requests)[0]["account"]
        deposit = json.dumps({"op": "deposit", "account": account, "amount": "0.01"}).encode() + b"\n"

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        done = self.trading("run", "--pipeline", "64", input=deposit * 30_000, code=STORE, preexec_fn=limit)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(answers), 30_000)
        self.assertEqual({answer["reason"] for answer in answers if not answer["ok"]}, {"NO_SPACE"})
        self.assertLess(len(done.stderr.splitlines()), 20)
        accepted = sum(answer["ok"] for answer in answers)
        self.assertEqual(self.json("account", account)["balance"], f"{accepted / 100:.2f}")
        self.assertIs(self.json("verify")["sound"], True)
        self.text("deposit", account, "0.01")

    def test_rejections_are_no_failure(self):
        self.run_lines([{"op": "fly"}, {"op": "view_account", "id": "A-1"}], code=DONE)

    def test_input_is_a_folder(self):
        self.assertIn("cannot read on", self.trading("run", "/", code=STORE).stderr.decode())


if __name__ == "__main__":
    unittest.main()
