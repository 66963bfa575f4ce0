#!/bin/sh
# Puts the venue to the contract in a folder of its own, with an exchange that executes its orders.
# usage: check.sh TRADING_STORE_CHECK LINES.SO
set -eu
folder=$(mktemp -d)
mkfifo "$folder/until"
python3 "$(dirname "$0")/exchange.py" "$folder/venue" <"$folder/until" &
exec 3>"$folder/until"
trap 'exec 3>&-; wait; rm -rf "$folder"' EXIT
"$1" --venue --rejected IBM --plugin "$(realpath "$2")" "lines:$folder/venue"
