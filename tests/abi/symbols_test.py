#!/usr/bin/env python3
"""The library exports exactly what symbols.txt lists, the headers declare exactly that, and layout.inc records every struct.

usage: symbols_test.py LIBTRADING.SO INCLUDE_FOLDER
"""
import pathlib
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def exported(library):
    """The defined dynamic symbols, the version's own name left out."""
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in lines.splitlines()]
    return sorted(row[-1].split("@")[0] for row in rows if row[-2] != "A")


def header_text(include):
    """All public headers, without comments and macros."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(pathlib.Path(include).rglob("*.h"))]
    text = re.sub(r"/\*.*?\*/", "", "\n".join(texts), flags=re.DOTALL)
    return re.sub(r"^#(.*\\\n)*.*$", "", text, flags=re.MULTILINE)


class Symbols(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.listed = (HERE / "symbols.txt").read_text(encoding="utf-8").split()
        cls.headers = header_text(INCLUDE)

    def test_the_list_is_sorted_and_prefixed(self):
        self.assertEqual(self.listed, sorted(set(self.listed)))
        self.assertEqual([], [name for name in self.listed if not name.startswith("trading_")])

    def test_the_library_exports_the_list(self):
        self.assertEqual(self.listed, exported(LIBRARY))

    def test_the_headers_declare_the_list(self):
        declared = re.findall(r"TRADING_API\s[^;()]*?\b(\w+)\(", self.headers)
        self.assertEqual(self.listed, sorted(declared))

    def test_every_struct_has_its_layout_recorded(self):
        defined = re.findall(r"^typedef struct (\w+) \{", self.headers, flags=re.MULTILINE)
        recorded = re.findall(r"^STRUCT\((\w+), \d+\)$", (HERE / "layout.inc").read_text(encoding="utf-8"), flags=re.MULTILINE)
        self.assertEqual(sorted(defined), sorted(recorded))

    def test_every_sized_struct_has_its_initialisers(self):
        stable = [path for path in sorted(pathlib.Path(INCLUDE).rglob("*.h")) if path.parent.name != "plugin"]
        sized = re.findall(r"^typedef struct trading_(\w+) \{\n    uint32_t size;", "".join(map(pathlib.Path.read_text, stable)),
                           flags=re.MULTILINE)
        compared = (HERE / "init_test.c").read_text(encoding="utf-8")
        self.assertGreater(len(sized), 15)
        for name in sized:
            self.assertIn(f"trading_{name}_init", self.listed)
            self.assertIn(f"X({name}, TRADING_{name.upper()}_INIT)", compared)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    LIBRARY, INCLUDE = sys.argv[1:]
    unittest.main(argv=sys.argv[:1])
