#!/usr/bin/env python3
"""What bench/compare makes of its measurements: targets, spreads, the picture, peers that are not there."""
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench"))

from comparison import rows  # noqa: E402
from comparison.picture import Chart  # noqa: E402
from comparison.tools import Failure, Spread, Tools  # noqa: E402


class Targets(unittest.TestCase):
    def test_at_least(self):
        finding = rows.Finding("of LMDB's puts", Spread([0.9, 0.84, 0.2]), at_least=0.85)
        self.assertEqual((finding.target, finding.verdict), ("≥ 0.85 ×", "NOT reached"))
        finding.measured = Spread([0.2, 0.85, 0.9])
        self.assertEqual(finding.verdict, "reached")

    def test_at_most(self):
        finding = rows.Finding("clean", Spread([1.01]), at_most=1, unit="s")
        self.assertEqual((finding.target, finding.verdict), ("≤ 1 s", "NOT reached"))
        finding.measured = Spread([1])
        self.assertEqual(finding.verdict, "reached")
        finding.full_size = False
        self.assertEqual(finding.verdict, "(smaller)")

    def test_no_target(self):
        self.assertEqual((rows.Finding("CPU", Spread([1])).target, rows.Finding("CPU", Spread([1])).verdict), ("", ""))

    def test_spread(self):
        spread = Spread(iter([3, 1, 2]))
        self.assertEqual((spread.least, spread.median, spread.most), (1, 2, 3))

    def test_every_row_has_its_own_name(self):
        names = [row.name for row in rows.ROWS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 14)


class Picture(unittest.TestCase):
    def test_bars_are_as_long_as_their_values(self):
        chart = Chart()
        chart.add("orders", "libtrading", 3e6, own=True)
        chart.add("orders", "A & B <peer>", 1.5e6)
        root = xml.fromstring(chart.svg("caption"))
        space = "{http://www.w3.org/2000/svg}"
        widths = [float(bar.get("width")) for bar in root.iter(f"{space}rect")][1:]
        self.assertAlmostEqual(widths[0], 2 * widths[1], delta=0.2)
        texts = [element.text for element in root.iter(f"{space}text")]
        self.assertEqual(texts, ["orders", "libtrading", "3.0 M", "A & B <peer>", "1.5 M", "caption"])


class Peers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        program = self.folder / "examples/cli/trading"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n", encoding="utf-8")

    def tools(self, **options):
        return Tools(self.folder, rows.QUICK, say=lambda text: None, **options)

    def test_tigerbeetle(self):
        program = self.folder / "tigerbeetle"
        program.write_text("#!/bin/sh\necho 'load offered = 1000000 tx/s'\necho 'load accepted = 288123 tx/s'\n", encoding="utf-8")
        program.chmod(0o700)
        self.assertEqual(self.tools(tigerbeetle=program).tigerbeetle_transfers(), 288123)
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        with self.assertRaises(Failure):
            self.tools(tigerbeetle=program).tigerbeetle_transfers()

    def test_what_is_not_there(self):
        with self.assertRaises(Failure):
            self.tools(tigerbeetle=self.folder / "nowhere").tigerbeetle_transfers()
        with self.assertRaises(Failure):
            self.tools().sqlite(10)
        done = subprocess.run([TOP / "bench/compare", "--build", self.folder / "nowhere"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("there is no build", done.stderr)

    def test_a_store_is_grown_once(self):
        program = self.folder / "examples/cli/trading"
        program.write_text("#!/bin/sh\necho \"$@\" >>\"$0.calls\"\necho '{}'\n", encoding="utf-8")
        program.chmod(0o700)
        tools = self.tools(stores=self.folder)
        store = tools.grown(10, 300)
        self.assertEqual((store, tools.grown(10, 300)), (f"lmdb:{self.folder}/10-accounts-300-events",) * 2)
        calls = (self.folder / "examples/cli/trading.calls").read_text(encoding="utf-8").splitlines()
        self.assertEqual(calls, [f"bench deposits --json --accounts 10 --events 300 --store {store} --seconds 0.1"])

    def test_each_measure_has_its_turn(self):
        tools, order = self.tools(), []
        tools.scale = rows.dataclasses.replace(rows.QUICK, repeat=2)
        results = tools.repeat(lambda: order.append("a") or len(order), lambda: order.append("b") or len(order))
        self.assertEqual((order, results), (["a", "b", "a", "b"], [[1, 3], [2, 4]]))


if __name__ == "__main__":
    unittest.main()
