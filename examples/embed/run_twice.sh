#!/bin/sh
# Runs a deterministic example twice: both must print the same.
# usage: run_twice.sh PROGRAM
set -eu
first=$("$1")
second=$("$1")
echo "$first"
[ "$first" = "$second" ] || { echo "the second run printed: $second" >&2; exit 1; }
