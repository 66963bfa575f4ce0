# What runs outside of the build folders: the installed library, the demo, the comparison with peers.

part_install() {
    need pkg-config g++ nm || return
    build release gcc --buildtype=release || return
    check install scripts/test-parts/install.sh "$builds/release" "$builds/prefix"
}

part_demo() {
    check demo scripts/demo
}

part_compare() {
    prepare bench-dependencies scripts/install-dependencies --bench || return
    build release gcc --buildtype=release || return
    check compare bench/compare --quick --build "$builds/release" --json "$builds/compare.json" \
        --picture "$builds/speed.svg" --png "$builds/speed.png"
}
