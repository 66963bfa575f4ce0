#!/usr/bin/env python3
"""Runs what a page of documentation shows, so that it works when pasted.

    ```c      with a main function: compiled with warnings as errors, linked with -ltrading, run
    ```c      without one: a fragment, left alone
    ```sh     run from the top folder with build/examples/cli in PATH, in order, as one session; each must succeed
    ```python run with the binding of examples/ffi/python in reach
    ```text   after one of these: what it printed, line by line, where `…` stands for anything

Other blocks (```console, ```json …) are not run. Links to files of the repository must lead somewhere.

usage: docs_test.py PAGE.md --top FOLDER --build FOLDER --library LIBTRADING.SO --cc COMMAND...
"""
import argparse
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest


@dataclasses.dataclass
class Block:
    language: str
    line: int
    text: str


def blocks_of(page):
    """The fenced blocks of a page."""
    blocks, current = [], None
    for number, line in enumerate(page.splitlines(), start=1):
        fence = re.fullmatch(r"```(\w*)", line)
        if fence and current is None:
            current = Block(fence[1], number, "")
        elif line == "```" and current is not None:
            blocks.append(current)
            current = None
        elif current is not None:
            current.text += line + "\n"
    return blocks


def expected_pattern(text):
    return re.compile(".*".join(re.escape(part) for part in text.split("…")))


class Page(unittest.TestCase):
    """One page. A sandbox stands in for the top folder of the repository, with `build` leading to the build at hand."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.sandbox = pathlib.Path(folder.name) / "top"
        self.sandbox.mkdir()
        for entry in ARGUMENTS.top.iterdir():
            if not entry.name.startswith(("build", ".git")):
                (self.sandbox / entry.name).symlink_to(entry)
        (self.sandbox / "build").symlink_to(ARGUMENTS.build)
        self.environment = dict(
            os.environ, HOME=folder.name, XDG_DATA_HOME=f"{folder.name}/data", TMPDIR=folder.name,
            PATH=f"{ARGUMENTS.build}/examples/cli:{os.environ['PATH']}", LD_LIBRARY_PATH=str(ARGUMENTS.library.parent), TRADING_LIBRARY=str(ARGUMENTS.library),
            PYTHONPATH=str(ARGUMENTS.top / "examples/ffi/python"))
        self.page = ARGUMENTS.page.read_text(encoding="utf-8")

    def run_in_sandbox(self, command, block):
        done = subprocess.run(command, cwd=self.sandbox, env=self.environment, capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            self.fail(f"{ARGUMENTS.page.name}:{block.line}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def run_c(self, block):
        source, program = self.sandbox / "block.c", self.sandbox / "block"
        source.write_text(block.text, encoding="utf-8")
        self.run_in_sandbox(
            [*ARGUMENTS.cc, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ARGUMENTS.top}/include", str(source), "-o",
             str(program), f"-L{ARGUMENTS.library.parent}", "-ltrading"], block)
        return self.run_in_sandbox([str(program)], block)

    def run_sh(self, block):
        # Variables live on from block to block, as in the reader's terminal.
        variables = self.sandbox.parent / "variables"
        session = f"set -eua; [ ! -f {variables} ] || . {variables}\n{block.text}\nexport -p > {variables}\n"
        return self.run_in_sandbox(["sh", "-c", session], block)

    def run_python(self, block):
        return self.run_in_sandbox([sys.executable, "-c", block.text], block)

    def check_output(self, block, output):
        shown, printed = block.text.splitlines(), output.splitlines()
        where = f"{ARGUMENTS.page.name}:{block.line}: it printed\n{output}"
        self.assertEqual(len(shown), len(printed), where)
        for line, actual in zip(shown, printed):
            self.assertRegex(actual, re.compile(rf"\A{expected_pattern(line.rstrip()).pattern}\s*\Z"), where)

    def test_blocks_do_what_they_show(self):
        output = None
        for block in blocks_of(self.page):
            with self.subTest(line=block.line, language=block.language):
                if block.language == "text" and output is not None:
                    self.check_output(block, output)
                output = None
                if block.language == "c" and re.search(r"^int main\(", block.text, flags=re.MULTILINE):
                    output = self.run_c(block)
                elif block.language in ("sh", "python"):
                    output = getattr(self, f"run_{block.language}")(block)

    def test_links_lead_somewhere(self):
        prose = re.sub(r"```.*?```", "", self.page, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if "://" not in target:
                self.assertTrue((ARGUMENTS.page.parent / target).exists(), f"{ARGUMENTS.page.name} links to {target}")

    def test_every_block_is_closed(self):
        fences = [line for line in self.page.splitlines() if line.startswith("```")]
        self.assertEqual(0, len(fences) % 2)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--top", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--build", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--library", type=lambda text: pathlib.Path(text).absolute(), required=True)
    parser.add_argument("--cc", nargs="+", required=True)
    return parser.parse_args()


if __name__ == "__main__":
    ARGUMENTS = parse_arguments()
    unittest.main(argv=sys.argv[:1])
