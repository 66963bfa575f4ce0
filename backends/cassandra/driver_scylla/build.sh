#!/bin/sh
# Builds the driver's archive: build.sh CARGO OUTPUT FOLDER, in FOLDER. An archive of the same sources, by the same compiler, is kept
# from build to build, as ccache keeps those of C files.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cargo=$1
output=$2
target=$(mkdir -p "$3" && cd "$3" && pwd)/cargo

key=$( (cat "$here/Cargo.toml" "$here/Cargo.lock" "$here"/src/*.rs "$0"; "$cargo" --version; uname -m) | sha256sum | cut -c1-32)
kept=
cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
if [ -n "$cache" ] && mkdir -p "$cache/libtrading"; then
    kept=$cache/libtrading/cassandra-driver-$key.a
    [ -f "$kept" ] && cp "$kept" "$output" && exit 0
fi

nice "$cargo" build --quiet --release --locked --manifest-path "$here/Cargo.toml" --target-dir "$target"
cp "$target/release/libtrading_cassandra_driver.a" "$output"
[ -z "$kept" ] || { cp "$output" "$kept.$$" && mv "$kept.$$" "$kept"; }
