# What runs outside of the build folders: the installed library, the demo.

part_install() {
    need pkg-config g++ nm || return
    build release gcc --buildtype=release || return
    check install scripts/test-parts/install.sh "$builds/release" "$builds/prefix"
}

part_demo() {
    check demo scripts/demo
}
