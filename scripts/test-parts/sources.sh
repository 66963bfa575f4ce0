# What is said of the sources without running them.

part_format() {
    need clang-format git || return
    check format format_sources
}

format_sources() {
    git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror
}

part_tidy() {
    need clang-tidy clang || return
    prepare tidy-configure tidy_configure || return
    check tidy tidy_sources
}

# Ninja makes the list of how each file is compiled anew where a file was added.
tidy_configure() {
    configure "$builds/clang" clang --buildtype=debugoptimized && ninja -C "$builds/clang" build.ninja
}

# One file a run: clang-tidy 14 mistakes the va_list of a second one. What clang-tidy counts of things it hides is left out.
tidy_sources() {
    git ls-files 'src/*.c' 'backends/*.c' |
        xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p "$builds/clang" >"$logs/tidy.raw" 2>&1
    found=$?
    grep -vE '^[0-9]+ warnings? generated|^Suppressed ' "$logs/tidy.raw"
    return $found
}

part_reference() {
    need doxygen || return
    check reference build_reference
}

build_reference() {
    (cat docs/Doxyfile && echo "OUTPUT_DIRECTORY = $builds/reference") | doxygen -
}
