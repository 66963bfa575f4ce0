#!/usr/bin/env python3
"""`trading bench`: each benchmark at a tiny size, the figures it must give, and that they agree with each other."""
import base64
import heapq
import json
import os
import pty
import re
import struct
import subprocess
import unittest
import zlib

from program import DONE, PROGRAM, SECONDS, USAGE, Case

TINY = ("--seconds", "0.1", "--accounts", "100")
FIELDS = ("per_second p50_us p99_us p999_us cpu_us_per_command max_rss_bytes rss_anon_bytes bytes_per_command "
          "written_bytes_per_command syncs").split()


def counts_of(encoded):
    """The buckets of a histogram in the encoding V2, compressed: their largest values, with how many there are."""
    data = base64.b64decode(encoded, validate=True)
    cookie, length = struct.unpack_from(">II", data)
    assert cookie == 0x1C849314 and length == len(data) - 8
    data = zlib.decompress(data[8:])
    cookie, length, offset, digits, lowest, highest, ratio = struct.unpack_from(">IIIIqqd", data)
    assert (cookie, length, offset, digits, lowest, highest, ratio) == (0x1C849313, len(data) - 40, 0, 3, 1, 3600 * 10**9, 1.0)
    at, place, counts = 40, 0, {}
    while at < len(data):
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte if shift == 56 else byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift == 63:
                break
        value = value >> 1 ^ -(value & 1)
        if value < 0:
            place -= value
            continue
        bucket = max(place // 1024 - 1, 0)
        counts[((place - bucket * 1024 + 1) << bucket) - 1] = value
        place += 1
    return counts


def percentile(counts, part):
    wanted, seen = part * sum(counts.values()), 0
    for value, count in counts.items():
        seen += count
        if seen >= wanted:
            return value
    return 0


def sums_of_flow(orders):
    """Trades, shares traded and orders left of the flow that matching engines are compared by, matched here by price, then time."""
    state, trades, shares = 88172645463325252, 0, 0
    books = ([], [])  # buyers, sellers: (rank of the price, number, price, open quantity), the best first
    for number in range(orders):
        state ^= state << 13 & (1 << 64) - 1
        state ^= state >> 7
        state ^= state << 17 & (1 << 64) - 1
        sells, price, left = state & 1, 9950 + (state >> 1) % 101, 1 + (state >> 20) % 100
        sign = 1 if sells else -1
        others = books[1 - sells]
        while left and others and (others[0][2] - price) * sign >= 0:
            rank, first, at, quantity = heapq.heappop(others)
            traded = min(left, quantity)
            left, trades, shares = left - traded, trades + 1, shares + traded
            if quantity > traded:
                heapq.heappush(others, (rank, first, at, quantity - traded))
        if left:
            heapq.heappush(books[sells], (price * sign, number, price, left))
    return trades, shares, len(books[0]) + len(books[1])


class Bench(Case):
    def setUp(self):
        super().setUp()
        self.environment["TMPDIR"] = str(self.folder)

    def bench(self, work, *arguments, code=DONE):
        """A benchmark with a store of its own."""
        done = subprocess.run([PROGRAM, "bench", work, *TINY, "--json", *arguments], capture_output=True, env=self.environment,
                              timeout=SECONDS, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def some_figures(self, work, *arguments, names):
        """The figures of a benchmark, these among them, all of them more than nothing."""
        figures = json.loads(self.bench(work, *arguments).stdout)
        self.assertEqual(figures["work"], work)
        for name in names.split():
            self.assertGreater(figures[name], 0, name)
        self.assertEqual(list(self.folder.glob("trading-bench-*")), [])
        return figures

    def figures(self, work, *arguments):
        done = self.bench(work, *arguments)
        figures = json.loads(done.stdout)
        for name in FIELDS:
            self.assertIn(name, figures)
        self.assertEqual(figures["work"], work)
        self.assertGreater(figures["per_second"], 0)
        self.assertGreater(figures["p50_us"], 0)
        self.assertLessEqual(figures["p50_us"], figures["p99_us"])
        self.assertLessEqual(figures["p99_us"], figures["p999_us"])
        self.assertLessEqual(figures["p999_us"], figures["max_us"])
        self.assertGreater(figures["max_rss_bytes"], figures["rss_anon_bytes"])
        seconds = figures["commands"] / figures["per_second"]
        self.assertAlmostEqual(seconds, figures["measured_seconds"], delta=seconds / 10 + 0.0006)  # told in whole milliseconds
        self.assertEqual(list(self.folder.glob("trading-bench-*")), [])
        return figures

    def test_deposits(self):
        figures = self.figures("deposits", "--batch", "64")
        self.assertEqual((figures["accounts"], figures["batch"], figures["flight"]), (100, 64, 4))
        self.assertEqual(figures["commands"] % 64, 0)
        # No more than a batch is in a commit, and each commit is synced.
        self.assertGreaterEqual(figures["commits"], figures["commands"] / 64)
        self.assertGreaterEqual(figures["syncs"], figures["commits"])
        self.assertGreater(figures["bytes_per_command"], 16)
        self.assertEqual(figures["events_per_command"], 1)

    def test_one_command_at_a_time(self):
        figures = self.figures("deposits", "--batch", "1")
        self.assertEqual((figures["commands"], figures["flight"]), (figures["commits"], 1))

    def test_threads_share_commits(self):
        figures = self.figures("deposits", "--batch", "1", "--threads", "8", "--commands", "4000", "--seconds", "60")
        self.assertLess(figures["commits"], figures["commands"])

    def test_not_synced(self):
        """One flush a commit, and one now and then for zeros that are laid ahead."""
        figures = self.figures("deposits", "--durability", "process", "--batch", "16", "--commands", "16000", "--seconds", "60")
        self.assertLess(figures["syncs"], 1.5 * figures["commits"])

    def test_time_that_is_over_at_once(self):
        """As on a machine that is busy: what is measured is never nothing."""
        at_once = ("--seconds", "0.000001")
        self.assertGreater(self.figures("deposits", "--batch", "16", *at_once)["commands"], 0)
        self.assertGreaterEqual(self.figures("deposits", "--batch", "1", "--threads", "8", *at_once)["commands"], 8)
        self.some_figures("views", *at_once, names="reads beside_reads_per_second writer_per_second_alone writer_per_second_beside")
        self.some_figures("open", "--accounts", "1000", "--events", "20000", "--batch", "1000", *at_once, names="replayed_events")

    def test_pace(self):
        figures = self.figures("deposits", "--rate", "2000", "--batch", "10", "--seconds", "0.5")
        self.assertLessEqual(figures["commands"], 1010)
        self.assertEqual(figures["pace"], "from the time it was due")

    def test_skew(self):
        for skew in ("80/20", "zipf:0.99"):
            self.figures("deposits", "--skew", skew, "--batch", "16")

    def test_beside(self):
        figures = self.figures("deposits", "--batch", "64", "--beside", "lmdb")
        self.assertLessEqual(figures["ratio_least"], figures["ratio"])
        self.assertLessEqual(figures["ratio"], figures["ratio_most"])
        self.assertGreater(figures["lmdb_per_second"], 0)
        self.assertGreater(self.figures("deposits", "--batch", "1", "--beside", "disk")["disk_p99_us"], 0)

    def test_store_is_kept_and_used_again(self):
        self.bench("deposits", "--store", self.store, "--batch", "16")
        self.bench("deposits", "--store", self.store, "--batch", "16")
        info = self.json("info")
        self.assertEqual(info["accounts"], "100")
        self.assertIn("The store is sound", self.text("verify"))

    def test_commands_are_counted(self):
        self.assertEqual(self.figures("deposits", "--commands", "1000", "--batch", "64", "--seconds", "60")["commands"], 1000)
        figures = self.figures("deposits", "--commands", "1000", "--batch", "1", "--threads", "4", "--seconds", "60")
        self.assertEqual(figures["commands"], 1000)

    def test_what_goes_before_does_not_count(self):
        figures = self.figures("deposits", "--batch", "16", "--warm", "500", "--cache", "1000000", "--checkpoint", "200", "--store", self.store)
        self.assertGreaterEqual(int(self.json("info")["position"]), 100 + 500 + figures["commands"])
        self.bench("deposits", "--commands", "10", "--warm", "5", code=USAGE)

    def test_a_store_grows_first(self):
        figures = self.figures("deposits", "--accounts", "1000", "--events", "20000", "--batch", "100", "--store", self.store)
        self.assertGreaterEqual(int(self.json("info")["position"]), 20000 + figures["commands"])

    def test_book(self):
        for orders in (100, 5000):
            figures = self.some_figures("book", "--commands", str(orders), names="per_second per_cpu_second p50_us max_rss_bytes")
            self.assertEqual([figures[name] for name in ("trades", "shares", "resting")], list(sums_of_flow(orders)))

    def test_orders_trade_as_the_book_does(self):
        figures = self.figures("orders", "--accounts", "1000", "--commands", "2500", "--seconds", "60")
        self.assertEqual([figures[name] for name in ("commands", "trades", "shares", "resting")], [2500, *sums_of_flow(2500)])
        self.assertAlmostEqual(figures["bytes_per_trade"] * figures["trades"], figures["bytes_per_command"] * 2500, delta=5000)

    def test_orders_of_several_partitions(self):
        """What is a message when its order is answered is waited for, and counted where the book is; messages come in an order of their own, and
        so trade a little otherwise."""
        figures = self.figures("orders", "--accounts", "1000", "--commands", "2500", "--seconds", "60", "--partitions", "4")
        for name, expected in zip(("trades", "shares", "resting"), sums_of_flow(2500)):
            self.assertAlmostEqual(figures[name], expected, delta=expected / 5, msg=name)

    def test_views(self):
        figures = self.some_figures("views", names="reads per_second p50_us beside_reads_per_second writer_per_second_alone "
                                    "writer_per_second_beside writer_cpu_us_alone writer_cpu_us_beside")
        self.assertGreaterEqual(figures["keys_cpu_us"], 0)
        self.assertLessEqual(figures["writer_cpu_growth_least"], figures["writer_cpu_growth_most"])

    def test_replay(self):
        figures = self.some_figures("replay", "--accounts", "1000", "--events", "20000", "--batch", "1000",
                                    names="events per_second feed_per_second cpu_us_per_event")
        self.assertGreaterEqual(figures["events"], 20000)

    def test_open(self):
        figures = self.some_figures("open", "--accounts", "1000", "--events", "20000", "--batch", "1000", "--store", self.store,
                                    names="events open_seconds killed_open_seconds replayed_events")
        self.assertGreaterEqual(figures["events"], 20000)
        self.assertIn("The store is sound", self.text("verify"))

    def test_log(self):
        log = self.folder / "latency.hlog"
        figures = self.figures("deposits", "--batch", "16", "--log", str(log))
        lines = log.read_text(encoding="ascii").splitlines()
        self.assertIn("#[Histogram log format version 1.3]", lines)
        _, length, longest, encoded = lines[-1].split(",")
        counts = counts_of(encoded)
        self.assertEqual(sum(counts.values()), figures["commands"] / 16)
        self.assertAlmostEqual(float(length), figures["measured_seconds"], delta=0.002)
        self.assertAlmostEqual(float(longest) * 1000, figures["max_us"], delta=1)
        for part, name in ((0.5, "p50_us"), (0.99, "p99_us")):
            shown = min(percentile(counts, part) / 1000, figures["max_us"])
            self.assertAlmostEqual(figures[name], shown, delta=1)

    def test_for_people(self):
        leader, follower = pty.openpty()
        done = subprocess.run([PROGRAM, "bench", "deposits", *TINY, "--seconds", "0.5", "--batch", "16"], stdout=subprocess.PIPE,
                              stderr=follower, env=self.environment, timeout=SECONDS, check=True, text=True)
        os.close(follower)
        self.assertRegex(done.stdout, r"(?m)^a second +[\d,]+$")
        self.assertRegex(os.read(leader, 65536).decode(), r"\rmeasuring: +\d+ %, [\d,]+ a second")
        os.close(leader)

    def test_usage(self):
        for arguments in (("nonsense",), ("deposits", "--skew", "90"), ("deposits", "--seconds", "0"),
                          ("deposits", "--durability", "none"), ("deposits", "--beside", "nobody"), ("deposits", "--batch", "0")):
            done = subprocess.run([PROGRAM, "bench", *arguments], capture_output=True, env=self.environment, timeout=SECONDS,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (USAGE, b""))
            self.assertTrue(re.search(rb"trading bench: .*\n", done.stderr))


if __name__ == "__main__":
    unittest.main()
