#!/usr/bin/env python3
"""A plugin exports its entry and nothing else, and takes nothing from the library: neither a function nor the library itself.

usage: plugin_symbols_test.py PLUGIN.SO...
"""
import subprocess
import sys
import unittest

PLUGINS = sys.argv[1:]


def lines_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


class PluginSymbols(unittest.TestCase):
    def test_there_are_plugins(self):
        self.assertTrue(PLUGINS, __doc__)

    def test_the_entry_alone_is_exported(self):
        for plugin in PLUGINS:
            with self.subTest(plugin):
                names = [line.split()[-1] for line in lines_of("nm", "-D", "--defined-only", plugin)]
                self.assertEqual(["trading_plugin_entry"], names)

    def test_nothing_of_the_library_is_used(self):
        for plugin in PLUGINS:
            with self.subTest(plugin):
                self.assertEqual([], [line for line in lines_of("nm", "-D", "-u", plugin) if "trading_" in line])
                self.assertEqual([], [line for line in lines_of("readelf", "-d", plugin) if "NEEDED" in line and "trading" in line])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
