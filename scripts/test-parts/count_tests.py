#!/usr/bin/env python3
"""Counts meson's test log: prints "PASSED FAILED", and writes to a file what each failed test said of it.

usage: count_tests.py TESTLOG.json FAILED.txt
"""
import json
import sys

from what_failed import what_failed


def main():
    log, report = sys.argv[1:]
    with open(log, encoding="utf-8") as lines:
        tests = [json.loads(line) for line in lines]
    if not tests:
        sys.exit("the log names no test")
    failures = [test for test in tests if test["result"] not in ("OK", "EXPECTEDFAIL")]
    with open(report, "w", encoding="utf-8") as out:
        for test in failures:
            print(f"--- {test['name']}: {test['result']}, {test['duration']:.1f} s", file=out)
            print(what_failed(test.get("stdout") or "", test.get("stderr") or ""), file=out)
    print(len(tests) - len(failures), len(failures))


if __name__ == "__main__":
    main()
