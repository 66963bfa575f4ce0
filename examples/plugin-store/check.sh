#!/bin/sh
# Puts the store to the contract in a folder of its own.
# usage: check.sh TRADING_STORE_CHECK FILES.SO
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" --plugin "$(realpath "$2")" "files:$folder/"
