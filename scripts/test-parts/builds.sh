# The builds, and the tests that run in each.

# configure FOLDER COMPILER OPTIONS...: sets a build folder up, anew when its options are others than before.
configure() {
    folder=$1
    wanted=$*
    shift
    compiler=$1
    shift
    if [ -f "$folder/build.ninja" ] && [ "$(cat "$folder/wanted" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    rm -rf "$folder"
    CC=$compiler meson setup "$folder" . "$@" && echo "$wanted" >"$folder/wanted"
}

# build NAME COMPILER OPTIONS...: configures and compiles.
build() {
    build=$1
    shift
    prepare "$build-configure" configure "$builds/$build" "$@" &&
        prepare "$build-compile" ninja -k 0 --quiet -C "$builds/$build"
}

part_quick() {
    build quick gcc --buildtype=debugoptimized -Dbench=false || return
    check_tests quick-tests "$builds/quick" --no-suite long --no-suite docs
}

part_release() {
    build release gcc --buildtype=release || return
    check_tests release-tests "$builds/release"
}

part_clang() {
    need clang || return
    build clang clang --buildtype=debugoptimized || return
    check_tests clang-tests "$builds/clang" --suite unit --suite contract --suite abi
}

# Python and its extensions are not built with the sanitizers: what needs them is tested in the other builds. With them, gcc compiles for twice as
# long at -O2 as at -O1, and warns at -O1 of what it would see is no mistake at -O2, where the other builds have its warnings.
part_sanitize() {
    build sanitize gcc --optimization=1 --debug -Dwerror=false -Db_sanitize=address,undefined \
        "-Dc_args=-fno-sanitize-recover=all -g1" -Dbench=false || return
    ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
        check_tests sanitize-tests "$builds/sanitize" --timeout-multiplier 4 --no-suite long --no-suite docs --no-suite ffi
}

part_threads() {
    build threads gcc --buildtype=debugoptimized -Db_sanitize=thread -Dbench=false || return
    TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/tsan.suppressions" \
        check_tests threads-tests "$builds/threads" --suite unit --suite contract --suite examples --suite threads --no-suite long
}

part_fuzz() {
    need clang || return
    prepare fuzz-configure configure "$builds/fuzz" clang --buildtype=debugoptimized -Dfuzz=true \
        -Db_sanitize=address,undefined -Db_lundef=false -Dbench=false || return
    prepare fuzz-compile ninja -k 0 --quiet -C "$builds/fuzz" fuzzers || return
    # Each has a processor for its time.
    check_tests fuzz-tests "$builds/fuzz" --suite fuzz --num-processes "$(nproc)"
}
