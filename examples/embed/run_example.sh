#!/bin/sh
# Runs an example in memory, and twice on one store on disk: what the first run left must not trouble the second.
# usage: run_example.sh PROGRAM
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program"
"$program" "lmdb:$folder/store"
"$program" "lmdb:$folder/store"
