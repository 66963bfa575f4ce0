#!/bin/sh
# Installs into a folder, and builds programs outside of the tree against what is there: in C with the shared library and with the
# static one, and in C++; each public header alone.
# usage: install.sh BUILD_FOLDER PREFIX
set -eu
build=$1
rm -rf "$2"
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)

DESTDIR="$prefix" meson install -C "$build" --no-rebuild --quiet
export PKG_CONFIG_SYSROOT_DIR="$prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name libtrading.pc)")
export PKG_CONFIG_PATH
libraries=$(dirname "$(find "$prefix" -name libtrading.so)")
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
cp "$top"/examples/embed/deposit.c "$top"/examples/embed/check.h "$outside"
cd "$outside"

echo "a program with the shared library"
# shellcheck disable=SC2046 — the flags are meant to be split
cc -std=c11 -Wall -Wextra -Wpedantic -Werror deposit.c -o shared $(pkg-config --cflags --libs libtrading)
LD_LIBRARY_PATH=$libraries ./shared "lmdb:$outside/store"
readelf -d shared | grep -q 'NEEDED.*\[libtrading\.so\.0\]'

echo "a program with the static library"
# shellcheck disable=SC2046
cc -std=c11 -static deposit.c -o static $(PKG_CONFIG_PATH=$PKG_CONFIG_PATH pkg-config --static --cflags --libs libtrading)
./static "lmdb:$outside/store"

echo "each header alone, in C and in C++"
include=$(dirname "$(find "$prefix" -name trading.h)")
(cd "$include" && find trading.h trading -name '*.h') >headers
while read -r header; do
    echo "#include <$header>" >alone.c
    cc -std=c11 -Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only -I"$include" alone.c
    c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I"$include" -x c++ alone.c
done <headers
[ "$(wc -l <headers)" -eq "$(cd "$top/include" && find . -name '*.h' | wc -l)" ]

echo "a program in C++"
cat >program.cpp <<'TEXT'
#include <trading.h>
int main()
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    trading_place_order order = TRADING_PLACE_ORDER_INIT;
    trading_host *host = nullptr;
    if (trading_host_open(&host, nullptr, nullptr) != TRADING_OK || trading_abi_version() != TRADING_ABI)
        return 1;
    return trading_host_close(host, nullptr) + (options.size == sizeof options && order.size == sizeof order ? 0 : 1);
}
TEXT
# shellcheck disable=SC2046
c++ -std=c++20 -Wall -Werror program.cpp -o cpp $(pkg-config --cflags --libs libtrading)
LD_LIBRARY_PATH=$libraries ./cpp
echo "a plugin, from the headers alone; by path and by name"
mkdir plugins
cc -std=gnu11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC -fvisibility=hidden -pthread -I"$include" \
    "$top"/examples/plugin-store/*.c -o plugins/files.so
PATH=$(dirname "$(find "$prefix" -name trading-store-check)"):$PATH
export LD_LIBRARY_PATH="$libraries"
trading-store-check --plugin "$outside/plugins/files.so" "files:$outside/check-"
TRADING_PLUGIN_PATH=$outside/plugins trading-store-check --only append "files:$outside/named-"
cc -std=gnu11 -Wall -Wextra -Wpedantic -Werror -shared -fPIC -fvisibility=hidden -pthread -I"$include" \
    "$top"/examples/plugin-venue/*.c -o plugins/lines.so
"$top"/examples/plugin-venue/check.sh trading-store-check plugins/lines.so
python3 "$top"/tests/abi/plugin_symbols_test.py plugins/files.so plugins/lines.so
echo "all built and ran"
