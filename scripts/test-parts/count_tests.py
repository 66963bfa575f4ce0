#!/usr/bin/env python3
"""Counts meson's test log: prints "PASSED FAILED", and writes to a file what each failed test said of it.

usage: count_tests.py TESTLOG.json FAILED.txt
"""
import json
import signal
import sys

from what_failed import what_failed


def ending(test):
    """Which signal ended it, as it may have had no time to print anything; or its exit status."""
    code = test.get("returncode") or 0
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def main():
    log, report = sys.argv[1:]
    with open(log, encoding="utf-8") as lines:
        tests = [json.loads(line) for line in lines]
    if not tests:
        sys.exit("the log names no test")
    failures = [test for test in tests if test["result"] not in ("OK", "EXPECTEDFAIL")]
    with open(report, "w", encoding="utf-8") as out:
        for test in failures:
            print(f"--- {test['name']}: {test['result']}, {ending(test)}, {test['duration']:.1f} s", file=out)
            print(what_failed(test.get("stdout") or "", test.get("stderr") or ""), file=out)
    print(len(tests) - len(failures), len(failures))


if __name__ == "__main__":
    main()
