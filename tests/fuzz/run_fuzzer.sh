#!/bin/sh
# Runs a fuzzer for a short time from its corpus, and keeps what it finds in a folder that is removed, but for an input that breaks it.
# usage: run_fuzzer.sh PROGRAM CORPUS_FOLDER     TRADING_FUZZ_SECONDS: how long; 10 when unset
set -eu
program=$1
corpus=$2
name=$(basename "$program")
ls "$corpus"/* >/dev/null # a fuzzer without a corpus is a mistake
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
"$program" -max_total_time="${TRADING_FUZZ_SECONDS:-10}" -max_len=65536 -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$PWD/$name-" "$found" "$corpus"
