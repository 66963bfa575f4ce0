#!/usr/bin/env python3
"""The subcommands: a customer's day, exit codes, help, the past, two programs on one store."""
import json
import os
import pty
import re
import signal
import subprocess
import time
import unittest

from program import DONE, PROGRAM, REFUSED, SECONDS, STORE, TOP, USAGE, Case

ACCOUNT = r"A-[0-9A-HJKMNP-TV-Z]{26}"
PORTFOLIO = ACCOUNT.replace("A-", "P-", 1)
ORDER = ACCOUNT.replace("A-", "ORD-", 1)


def field(text, title):
    """What a list shows under a title."""
    found = re.search(rf"^{title} +(\S.*)$", text, re.MULTILINE)
    return found and found[1]


class Day(Case):
    """The whole day of a customer, as people see it."""

    def open(self, *arguments):
        text = self.text("open-account", *arguments)
        return field(text, "account"), field(text, "portfolio")

    def test_day(self):
        account, portfolio = self.open("--name", "Ada Lovelace", "--deposit", "10000", "--email", "ada@example.org")
        self.assertRegex(account, f"^{ACCOUNT}$")
        self.assertRegex(portfolio, f"^{PORTFOLIO}$")
        self.text("deposit", account, "5015.25")
        self.text("quote", "GOOG", "--bid", "150.10", "--ask", "150.20", "--size", "500")
        bought = self.text("buy", portfolio, "GOOG", "10")
        first = field(bought, "order")
        self.assertEqual((field(bought, "status"), field(bought, "filled"), field(bought, "average price")),
                         ("filled", "10", "150.20"))
        second = field(self.text("buy", portfolio, "GOOG", "5", "--limit", "150.20"), "order")
        resting = field(self.text("buy", portfolio, "GOOG", "5", "--limit", "149.00", "--time-in-force", "gtc"), "order")

        shown = self.text("account", account)
        self.assertEqual((field(shown, "balance"), field(shown, "held"), field(shown, "available")),
                         ("12,762.25", "745.00", "12,017.25"))
        self.assertEqual((field(shown, "name"), field(shown, "e-mail")), ("Ada Lovelace", "ada@example.org"))
        self.assertIn(resting, self.text("orders", portfolio, "--open"))
        self.assertIn("149.00", self.text("book", "GOOG"))
        self.assertEqual(field(self.text("cancel", resting), "status"), "canceled")
        self.assertEqual(self.text("orders", portfolio, "--open"), "There are no such orders.\n")

        sold = self.text("sell", portfolio, "GOOG", "2", "--lot", second)
        self.assertEqual((field(sold, "status"), field(sold, "average price")), ("filled", "150.10"))
        lots = self.text("lots", portfolio).splitlines()
        self.assertEqual(lots[0].split(), ["LOT", "SYMBOL", "QUANTITY", "RESERVED", "COST", "BASIS", "ACQUIRED"])
        self.assertEqual([line.split()[:5] for line in lots[1:]],
                         [[first, "GOOG", "10", "0", "1,502.00"], [second, "GOOG", "3", "0", "450.60"]])
        shown = self.text("portfolio", portfolio)
        self.assertEqual((field(shown, "realized pnl"), field(shown, "unrealized pnl"), field(shown, "market value")),
                         ("-0.20", "-1.30", "1,951.30"))
        self.text("withdraw", account, "1000")
        self.assertEqual(field(self.text("account", account), "balance"), "12,062.45")
        self.assertIn("The store is sound", self.text("verify"))
        self.assertEqual(field(self.text("info"), "orders"), "4")

    def test_tables_are_aligned(self):
        self.open("--deposit", "5")
        self.open("--deposit", "1234567.89")
        table = self.text("accounts").splitlines()
        self.assertEqual(len(table), 3)
        end = table[0].index("BALANCE") + len("BALANCE")
        self.assertEqual([line[:end].split()[-1] for line in table], ["BALANCE", "5.00", "1,234,567.89"])
        self.assertNotIn("\033", "".join(table))

    def test_currency_decides_decimals(self):
        account, portfolio = self.open("--currency", "JPY", "--deposit", "150000")
        shown = self.json("account", account)
        self.assertEqual((shown["currency"], shown["balance"]), ("JPY", "150000"))
        self.text("quote", "7203", "--bid", "2000", "--ask", "2001", "--currency", "JPY")
        bought = self.json("buy", portfolio, "7203", "1")
        self.assertEqual(bought["average_price"], "2001")
        self.assertEqual(self.json("order", bought["order"])["consideration"], "2001")
        self.assertEqual(self.json("orders", portfolio)["orders"][0]["consideration"], "2001")
        self.assertEqual(self.json("lots", portfolio)["lots"][0]["cost_basis"], "2001")
        self.assertEqual(self.json("book", "7203")["quote"]["bid"], "2000")
        self.assertEqual(self.json("history", bought["order"])["events"][0]["amount"], "2001")
        self.assertIn("needs 210,105 JPY", self.complaint("buy", portfolio, "7203", "100", code=REFUSED))

    def test_key_makes_it_once(self):
        account, _ = self.open("--key", "signup")
        self.assertEqual(self.open("--key", "signup")[0], account)
        self.assertEqual(self.json("deposit", account, "7", "--key", "k")["status"], "accepted")
        again = self.json("deposit", account, "7", "--key", "k")
        self.assertEqual((again["status"], again["duplicate"]), ("duplicate", True))
        self.assertIn("KEY_REUSED", self.complaint("deposit", account, "8", "--key", "k", code=REFUSED))
        self.assertEqual(self.json("account", account)["balance"], "7.00")

    def test_contact_and_address(self):
        account, _ = self.open("--name", "Müller")
        self.text("update-contact", account, "--email", "m@example.org", "--phone", "")
        self.text("update-address", account, "--street", "Gasse 1", "--postal-code", "1010", "--province", "Wien")
        shown = self.json("account", account)
        self.assertEqual(shown["contact"], {"email": "m@example.org", "phone_number": ""})
        self.assertEqual(shown["address"], {"street": "Gasse 1", "postal_code": "1010", "province": "Wien"})
        self.assertEqual(shown["name"], "Müller")

    def test_a_new_store_is_told(self):
        new = f"trading: {self.store} is a new store: nothing was ever written to it\n"
        said = self.complaint("deposit", "A-00000000000000000000000001", "1", code=REFUSED)
        self.assertTrue(said.startswith(new + "rejected: UNKNOWN_ACCOUNT"), said)
        self.assertEqual(self.trading("open-account").stderr.decode(), new)
        self.assertEqual(self.trading("open-account").stderr, b"")
        self.assertEqual(self.trading("run", input=b"").stderr, b"")
        self.assertEqual(self.trading("open-account", store="memory:").stderr, b"")
        self.assertEqual(self.trading("run", input=b"", store=self.store + "-2").stderr.decode(), new.replace("store is", "store-2 is"))

    def test_forget(self):
        account, portfolio = self.open("--name", "Ada Lovelace", "--email", "ada@example.org", "--deposit", "100")
        said = self.complaint("forget", account, code=USAGE)
        self.assertIn("--yes is missing: it cannot be undone", said)
        self.assertIn("Usage: trading forget ACCOUNT --yes", said)
        self.assertEqual(self.json("account", account)["name"], "Ada Lovelace")
        self.assertEqual(field(self.text("forget", account, "--yes"), "status"), "forgotten")
        self.assertEqual(self.json("forget", "--yes", account), {"ok": True, "status": "forgotten", "account": account})
        shown = self.json("account", account)
        self.assertEqual((shown["forgotten"], shown["name"], shown["contact"]), (True, "", {"email": "", "phone_number": ""}))
        shown = self.text("account", account)
        self.assertEqual((field(shown, "forgotten"), field(shown, "balance")), ("yes", "100.00"))
        self.assertIsNone(field(shown, "name"))
        self.assertEqual(self.json("portfolio", portfolio)["name"], "")
        self.assertIn("FORGOTTEN", self.complaint("update-contact", account, "--email", "a", "--phone", "", code=REFUSED))
        self.text("withdraw", account, "100")
        self.assertIn("UNKNOWN_ACCOUNT", self.complaint("forget", "A-00000000000000000000000001", "--yes", code=REFUSED))
        self.text("verify")

    def test_freeze_and_close(self):
        account, portfolio = self.open("--deposit", "100")
        second = field(self.text("open-portfolio", account, "--name", "Second"), "portfolio")
        self.text("freeze", account)
        self.assertIn("ACCOUNT_FROZEN", self.complaint("withdraw", account, "1", code=REFUSED))
        self.text("unfreeze", account)
        self.assertIn("NOT_FROZEN", self.complaint("unfreeze", account, code=REFUSED))
        self.assertIn("PORTFOLIOS_OPEN", self.complaint("close-account", account, code=REFUSED))
        for which in (portfolio, second):
            self.assertEqual(self.json("close-portfolio", which)["status"], "closed")
        self.assertIn("withdraw 100.00 USD first", self.complaint("close-account", account, code=REFUSED))
        self.text("withdraw", account, "100")
        self.text("close-account", account)
        self.assertIn("ACCOUNT_CLOSED", self.complaint("deposit", account, "1", code=REFUSED))

    def test_house_money(self):
        account, portfolio = self.open("--deposit", "1000")
        self.text("credit", account, "12.345678")
        self.text("debit", account, "2.345678")
        self.text("quote", "IBM", "--bid", "9", "--ask", "10")
        order = field(self.text("buy", portfolio, "IBM", "10"), "order")
        self.text("refund", account, "1.50")
        self.text("refund", account, "100", "--order", order)
        self.assertIn("REFUND_TOO_LARGE", self.complaint("refund", account, "0.01", "--order", order, code=REFUSED))
        self.assertEqual(self.json("account", account)["balance"], "1011.50")
        self.assertEqual(self.json("order", order)["refunded"], "100.00")

    def test_session_ends(self):
        _, portfolio = self.open("--deposit", "1000")
        order = field(self.text("buy", portfolio, "IBM", "1", "--limit", "5"), "order")
        self.text("end-session")
        self.assertEqual(self.json("order", order)["status"], "expired")
        self.assertEqual(self.json("order", order)["held"], "0.00")

    def test_history(self):
        account, portfolio = self.open("--deposit", "1000")
        self.text("deposit", account, "5")
        self.text("deposit", account, "6")
        events = self.json("history", account, "--limit", "2")["events"]
        self.assertEqual([(event["event"], event["amount"]) for event in events],
                         [("FUNDS_DEPOSITED", "6.00"), ("FUNDS_DEPOSITED", "5.00")])
        self.assertIn("FUNDS_DEPOSITED", self.text("history", account))
        self.assertIn("PORTFOLIO_OPENED", self.text("history", portfolio))
        self.text("quote", "IBM", "--bid", "9", "--ask", "10")
        self.assertIn("QUOTE_SET", self.text("history", "IBM"))


class Past(Case):
    """--at shows what was."""

    def test_position_and_time(self):
        opened = self.json("open-account", "--deposit", "100")
        account = opened["account"]
        then = self.json("account", account)
        time.sleep(0.01)  # so that the next commit has a later time
        self.text("deposit", account, "11")
        now = self.json("account", account)
        self.assertEqual((then["balance"], now["balance"]), ("100.00", "111.00"))
        self.assertEqual(self.json("account", account, "--at", then["position"])["balance"], "100.00")
        self.assertEqual(self.json("account", account, "--at", now["position"])["balance"], "111.00")
        self.assertEqual(self.json("account", account, "--at", then["opened"])["balance"], "100.00")
        self.assertIn("UNKNOWN_ACCOUNT", self.complaint("account", account, "--at", "0", code=REFUSED))
        self.assertIn("UNKNOWN_ACCOUNT", self.complaint("account", account, "--at", "1999-12-31", code=REFUSED))
        self.assertIn("BAD_POSITION", self.complaint("account", account, "--at", "1000000", code=REFUSED))
        self.assertIn("neither a position nor a time", self.complaint("account", account, "--at", "soon", code=USAGE))


class ExitCodes(Case):
    def test_usage(self):
        account = "A-00000000000000000000000001"
        for arguments in (["deposit"], ["deposit", "A-1"], ["deposit", "A-1", "2", "3"], ["deposit", "--nonsense", "A-1", "2"],
                          ["deposit", "A-1", "2", "--key"], ["deposit", account, "many"], ["deposit", account, "2", "--key", ""],
                          ["run", "--pipeline", "0"], ["run", "/nowhere/at/all"], ["feed", "--from", "1", "--cursor", "c"],
                          ["feed", "--event", "NO_SUCH"], ["buy", account.replace("A", "P"), "GOOG", "1", "--time-in-force", "never"],
                          ["buy", account.replace("A", "P"), "GOOG", "1", "--time-in-force", "gtc"], ["transfer", account, account, "2"]):
            with self.subTest(arguments=arguments):
                said = self.complaint(*arguments, code=USAGE)
                self.assertIn("--help", said)
        self.assertFalse((self.folder / "store").exists(), "bad usage made a store")

    def test_usage_of_serve(self):
        for arguments, words in ((["--events", "ORDER_EXECUTED,NO_SUCH"], 'no kind of event "NO_SUCH"'), (["--clock", "sun"], "neither system nor records"),
                                 (["--compat", "other"], "no system that there is a bridge to"), (["--compat", "reference?colour=red"], "no option of it"),
                                 (["--prefix", ""], "--prefix has 1 to"), (["--partitions", "65"], "not a number from 1 to 64"),
                                 (["--partitions", "2"], "need a store on a server")):
            with self.subTest(arguments=arguments):
                self.assertIn(words, self.complaint("serve", "--bus", "memory:", *arguments, code=USAGE))
        self.assertFalse((self.folder / "store").exists(), "bad usage made a store")

    def test_no_or_unknown_subcommand(self):
        for arguments in ([], ["fly"], ["help", "fly"]):
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, check=False, timeout=SECONDS)
            self.assertEqual(done.returncode, USAGE)

    def test_not_utf8(self):
        self.assertIn("UTF-8", self.complaint("open-account", "--name", b"\xff\xfe", code=USAGE))

    def test_refused_says_what_to_do(self):
        opened = self.json("open-account", "--deposit", "10000.00")
        self.text("quote", "GOOG", "--bid", "1400", "--ask", "1430")
        said = self.complaint("buy", opened["portfolio"], "GOOG", "10", code=REFUSED)
        self.assertEqual(said, "rejected: INSUFFICIENT_FUNDS: needs 15,015.00 USD, 10,000.00 available; deposit 5,015.00 more or "
                               "buy fewer shares\n")
        self.assertIn("10,000.00 available", self.complaint("withdraw", opened["account"], "10000.01", code=REFUSED))
        refused = self.json("withdraw", opened["account"], "10000.01", code=REFUSED)
        self.assertEqual((refused["ok"], refused["required"], refused["available"]), (False, "10000.01", "10000.00"))
        self.assertIn("BAD_AMOUNT", self.complaint("deposit", opened["account"], "-5", code=REFUSED))
        self.assertIn("TOO_PRECISE", self.complaint("deposit", opened["account"], "0.001", code=REFUSED))
        self.assertIn("UNKNOWN_ACCOUNT", self.complaint("account", "A-00000000000000000000000001", code=REFUSED))

    def test_store_fails(self):
        self.assertIn("NOT_FOUND", self.complaint("accounts", code=STORE))
        self.assertFalse((self.folder / "store").exists(), "reading made a store")
        for store in ("nonsense:x", "lmdb:/proc/no/such/place", f"lmdb:{__file__}"):
            with self.subTest(store=store):
                self.trading("open-account", store=store, code=STORE)
        self.trading("open-account", store="/no/uri", code=USAGE)
        missing = self.trading("open-account", store=f"lmdb:{self.folder}/no/such", code=STORE).stderr.decode()
        self.assertIn("make what it is to be in first", missing)

    def test_no_checkpoint_is_no_failure(self):
        """What was answered stands; to say that it failed would have it done twice."""
        account = self.json("open-account")["account"]
        log = self.folder / "store/state/63.pages"
        log.unlink(missing_ok=True)
        log.mkdir()
        done = self.trading("deposit", account, "5")
        self.assertIn("which loses nothing", done.stderr.decode())
        self.assertEqual(self.json("account", account)["balance"], "5.00")
        self.assertIn("state file 63", self.complaint("checkpoint", code=STORE))

    @unittest.skipUnless(os.geteuid() == 0, "who may read and not write is another user")
    def test_reader_who_may_not_write(self):
        account = self.json("open-account", "--deposit", "5")["account"]
        nobody = 65534
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, nobody, -1)
            path.chmod(0o500 if path.is_dir() else 0o400)
        self.assertEqual(self.json("account", account, user=nobody)["balance"], "5.00")
        self.assertIn("READ_ONLY", self.trading("deposit", account, "5", code=STORE, user=nobody).stderr.decode())

    def test_store_is_made_before_it_is_used(self):
        self.complaint("store", "destroy", code=USAGE)
        for _ in range(2):
            self.assertEqual("the store is there; its next position is 0\n", self.text("store", "create"))
        self.assertEqual([], self.json("accounts")["accounts"])
        self.json("open-account")
        self.assertNotEqual("0", self.json("store", "create")["next_position"])

    def test_info_of_partitions(self):
        """Where each of them stands, and its cursor of commands, if it has one."""
        self.text("store", "create", "--partitions", "2")
        for number in range(8):  # some in each, always the same
            self.text("open-account", "--key", f"ada{number}")
        info = self.json("info")
        self.assertEqual([["partition", "position"]] * 2, [list(row) for row in info["partitions"]])
        positions = [int(row["position"]) for row in info["partitions"]]
        self.assertEqual(int(info["position"]), sum(positions))
        self.assertGreater(min(positions), 0)
        self.run_lines([{"op": "acknowledge", "cursor": "trading.commands", "position": "1"}])
        self.assertEqual({"1"}, {row["next_command"] for row in self.json("info")["partitions"] if "next_command" in row})
        self.assertNotIn("next_command", str(self.json("info", "--prefix", "another")))
        rows = self.text("info").split("PARTITION")[1].splitlines()
        self.assertEqual((["NEXT", "POSITION", "NEXT", "COMMAND"], 3), (rows[0].split(), len(rows)))
        self.assertNotIn("lag", info)

    def test_info_of_a_bus_that_is_not_there(self):
        self.text("open-account")
        told = self.json("info", "--bus", "nowhere:", code=STORE)
        self.assertEqual((False, "NOT_FOUND"), (told["ok"], told["reason"]))
        self.assertIn("--prefix has 1 to", self.complaint("info", "--prefix", "x" * 200, code=USAGE))

    def test_failure_as_json(self):
        account = self.json("open-account")["account"]
        refused = self.json("account", account[:-1], code=REFUSED)
        self.assertEqual(refused["reason"], "UNKNOWN_ACCOUNT")

    def test_default_store(self):
        environment = dict(self.environment, XDG_DATA_HOME=str(self.folder / "data"))
        for variables, place in ((environment, self.folder / "data/libtrading"),
                                 (self.environment, self.folder / ".local/share/libtrading"),
                                 (dict(environment, TRADING_STORE=f"lmdb:{self.folder}/named"), self.folder / "named")):
            subprocess.run([PROGRAM, "open-account"], env=variables, check=True, capture_output=True, timeout=SECONDS)
            self.assertTrue(place.is_dir(), place)


class Help(unittest.TestCase):
    def subcommands(self):
        text = subprocess.run([PROGRAM, "help"], capture_output=True, check=True, text=True, timeout=SECONDS).stdout
        return re.findall(r"^  ([a-z-]+) {2,}\S", text, re.MULTILINE)

    def test_every_subcommand_has_examples(self):
        names = self.subcommands()
        for name in ("open-account deposit withdraw update-contact update-address quote buy sell cancel account portfolio lots order "
                     "orders book history feed statement verify info run replay store plugins serve send bench").split():
            self.assertIn(name, names)
        for name in names:
            shown = subprocess.run([PROGRAM, name, "--help"], capture_output=True, check=True, text=True, timeout=SECONDS).stdout
            self.assertIn(f"\nExamples:\n  trading {name}" if name != "run" else "\nExamples:\n", shown)
            self.assertEqual(name not in ("plugins", "send"), "--store URI" in shown)  # which open no store
            also = subprocess.run([PROGRAM, "help", name], capture_output=True, check=True, text=True, timeout=SECONDS).stdout
            self.assertEqual(shown, also)

    def test_page_has_every_subcommand(self):
        page = (TOP / "docs/cli.md").read_text(encoding="utf-8")
        for name in self.subcommands():
            self.assertIn(f"`{name}", page)

    def test_version(self):
        shown = subprocess.run([PROGRAM, "--version"], capture_output=True, check=True, text=True, timeout=SECONDS).stdout
        self.assertRegex(shown, r"^trading \d+\.\d+\.\d+\n$")


class Together(Case):
    """Others look on while one program writes."""

    def test_readers_beside_a_writer(self):
        writer = self.lines()
        account = writer.op("open_account", deposit="100.00")["account"]
        self.assertEqual(self.json("account", account)["balance"], "100.00")
        writer.op("deposit", account=account, amount="1.00")
        self.assertEqual(self.json("account", account)["balance"], "101.00")
        self.assertIn("101.00", self.text("accounts"))
        self.assertIn("The store is sound", self.text("verify"))
        self.assertIn("LOCKED", self.complaint("deposit", account, "1", code=STORE))
        writer.op("deposit", account=account, amount="1.00")
        code, _, _ = writer.end()
        self.assertEqual(code, DONE)
        self.text("deposit", account, "1")
        self.assertEqual(self.json("account", account)["balance"], "103.00")


class Send(unittest.TestCase):
    """Nobody serves: what it says, and for how long it waits."""

    WAITS = 'trading send: waiting for the bus: there is no topic "trading.commands"\n'

    def send(self, *arguments):
        process = subprocess.Popen([PROGRAM, "send", "--bus", "memory:bus", *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def test_waits_until_its_time_is_over(self):
        start = time.monotonic()
        said = self.send("--timeout", "1")
        self.assertEqual(STORE, said.wait(SECONDS))
        self.assertGreaterEqual(time.monotonic() - start, 1)
        *waits, last = said.stderr.readlines()
        self.assertIn(waits, ([self.WAITS], []))  # none, if it did not run before its time was over
        self.assertIn("there is no topic", last)

    def test_waits_until_it_is_stopped(self):
        waiting = self.send("--timeout", "86400")
        self.assertEqual(self.WAITS, waiting.stderr.readline())
        waiting.send_signal(signal.SIGTERM)
        self.assertEqual(STORE, waiting.wait(SECONDS))

    def test_does_not_wait_for_a_bus_that_there_is_not(self):
        ended = subprocess.run([PROGRAM, "send", "--bus", "nowhere:bus", "--timeout", "86400"], stdin=subprocess.DEVNULL, capture_output=True,
                               text=True, timeout=SECONDS, check=False)
        self.assertEqual(STORE, ended.returncode)
        self.assertNotIn("waiting", ended.stderr)

    def test_refuses_a_prefix_that_nobody_serves(self):
        refused = self.send("--prefix", "x" * 55)
        self.assertEqual(USAGE, refused.wait(SECONDS))
        self.assertIn("--prefix has 1 to 54 characters", refused.stderr.read())


class Feed(Case):
    def events(self, *arguments):
        return [json.loads(line) for line in self.text("feed", "--json", *arguments).splitlines()]

    def test_positions_kinds_accounts(self):
        first = self.json("open-account", "--deposit", "1")["account"]
        second = self.json("open-account", "--deposit", "2")["account"]
        events = self.events()
        self.assertEqual([event["position"] for event in events], [str(i) for i in range(len(events))])
        self.assertEqual(self.events("--from", "2"), events[2:])
        self.assertEqual(self.events("--from", "1999-01-01"), events)
        self.assertEqual(self.events("--from", events[0]["time"]), events)
        deposits = self.events("--event", "FUNDS_DEPOSITED")
        self.assertEqual([(event["account"], event["amount"]) for event in deposits], [(first, "1.00"), (second, "2.00")])
        self.assertEqual({event["account"] for event in self.events("--account", second)}, {second})
        self.assertEqual(len(self.text("feed").splitlines()), len(events))
        self.assertIn("BAD_POSITION", self.complaint("feed", "--from", "999", code=REFUSED))

    def test_cursor_moves(self):
        account = self.json("open-account", "--deposit", "1")["account"]
        before = self.events("--cursor", "mail")
        self.assertEqual(before[-1]["event"], "FUNDS_DEPOSITED")
        self.text("deposit", account, "2")
        after = self.events("--cursor", "mail", "--event", "FUNDS_DEPOSITED")
        self.assertEqual([event["amount"] for event in after], ["2.00"])
        self.assertEqual(self.events("--cursor", "mail", "--event", "FUNDS_DEPOSITED"), [])

    def follow(self, *arguments):
        process = subprocess.Popen([PROGRAM, "feed", "--store", self.store, "--json", "--follow", *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_follow_beside_a_writer(self):
        writer = self.lines()
        account = writer.op("open_account", deposit="1.00")["account"]
        follower = self.follow("--event", "FUNDS_DEPOSITED")
        self.assertEqual(json.loads(follower.stdout.readline())["amount"], "1.00")
        for amount in ("2.00", "3.00"):
            writer.op("deposit", account=account, amount=amount)
            self.assertEqual(json.loads(follower.stdout.readline())["amount"], amount)
        follower.send_signal(signal.SIGINT)
        self.assertEqual(follower.wait(timeout=SECONDS), DONE)
        self.assertEqual(follower.stdout.read(), b"")

    def test_cursor_beside_a_writer(self):
        """It cannot be moved while another program writes; what it was not moved past comes again."""
        writer = self.lines()
        writer.op("open_account", deposit="1.00")
        follower = self.follow("--event", "FUNDS_DEPOSITED", "--cursor", "mail")
        self.assertEqual(json.loads(follower.stdout.readline())["amount"], "1.00")
        self.assertIn(b"stays for now at 0", follower.stderr.readline())
        follower.send_signal(signal.SIGTERM)
        self.assertEqual(follower.wait(timeout=SECONDS), STORE)
        self.assertIn(b"was left at 0", follower.stderr.read())
        self.assertEqual(writer.end()[0], DONE)
        self.assertEqual(len(self.events("--event", "FUNDS_DEPOSITED", "--cursor", "mail")), 1)
        self.assertEqual(self.events("--event", "FUNDS_DEPOSITED", "--cursor", "mail"), [])

    def test_reader_goes_away(self):
        account = self.json("open-account", "--deposit", "1")["account"]
        self.run_lines([{"op": "deposit", "account": account, "amount": "1"}] * 3000, "--pipeline", "1000")
        follower = self.follow()
        follower.stdout.readline()
        follower.stdout.close()
        self.assertEqual(follower.wait(timeout=SECONDS), DONE)
        self.assertEqual(follower.stderr.read(), b"")


class Terminal(Case):
    def shown(self, **variables):
        """What is shown on a terminal."""
        master, slave = pty.openpty()
        subprocess.run([PROGRAM, "accounts", "--store", self.store], env=dict(self.environment, **variables), stdout=slave, check=True,
                       timeout=SECONDS)
        os.close(slave)
        text = os.read(master, 65536)
        os.close(master)
        return text

    def test_titles_are_bold_on_a_terminal_alone(self):
        self.text("open-account")
        self.assertTrue(self.shown().startswith(b"\x1b[1mACCOUNT"))
        self.assertNotIn(b"\x1b", self.shown(NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.trading("accounts").stdout)


if __name__ == "__main__":
    unittest.main()
