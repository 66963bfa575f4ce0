#!/usr/bin/env python3
"""Says first what failed: out of all that a test or a build printed the lines of its errors, and then the end of it.

usage: what_failed.py FILE
"""
import re
import sys

# Of cmocka, unittest, sanitizers, assert(), compilers and ninja.
BEGIN = re.compile(r"^\[  (ERROR   |FAILED  )\]|\bERROR: |^FAIL: |^Traceback |: runtime error: |^WARNING: ThreadSanitizer|"
                   r": Assertion `|: (fatal )?error: |^FAILED: ")
END = re.compile(r"^\[ *(LINE|FAILED|PASSED|OK|RUN) *\]|^={70}$|^Ran \d+ tests? in |^SUMMARY: ")
HEAD, TAIL = 40, 30  # of what is longer the middle is left out
SHOWN = 200
WIDTH = 1000


def errors_in(lines):
    """Each as the list of its lines, from where it begins to where it ends or the next begins."""
    found, inside = [], False
    for line in lines:
        if BEGIN.search(line):
            found.append([])
            inside = True
        if inside:
            found[-1].append(line)
            inside = not END.search(line)
    return found


def shorten(lines):
    left_out = len(lines) - HEAD - TAIL
    return lines if left_out <= 1 else lines[:HEAD] + [f"... {left_out} lines ..."] + lines[-TAIL:]


def what_failed(*texts):
    """The texts are what was printed by several ways, such as standard output and error."""
    printed = [text.splitlines() for text in texts]
    shown = [line for lines in printed for error in errors_in(lines) for line in shorten(error)][:SHOWN]
    end = [line for lines in printed for line in lines][-TAIL:]
    return "\n".join(line if len(line) <= WIDTH else line[:WIDTH] + "..." for line in [*shown, "... and it ended:", *end])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        print(what_failed(file.read()))
