# Counting: every test is counted as passed or failed; a failure, of a test or on the way to it, shows the errors in what was printed, and its end.

passed=0
failed=0


fail() { # what, file with what was printed
    failed=$((failed + 1))
    echo "FAILED  $1"
    { python3 scripts/test-parts/what_failed.py "$2" || tail -n 60 "$2"; } | sed 's/^/        /'
}

# prepare NAME COMMAND...: a step on the way to a test, which counts only when it fails.
prepare() {
    name=$1
    shift
    began=$(date +%s)
    if "$@" >"$logs/$name.log" 2>&1 </dev/null; then
        echo "ok      $name ($(($(date +%s) - began)) s)"
    else
        fail "$name" "$logs/$name.log"
        return 1
    fi
}

# check NAME COMMAND...: a test that is one command.
check() {
    prepare "$@" && passed=$((passed + 1))
}

# check_tests NAME BUILD_FOLDER ARGUMENTS...: `meson test`, each of its tests counted. None at all is a failure, and so is one skipped.
check_tests() {
    name=$1
    folder=$2
    shift 2
    began=$(date +%s)
    rm -f "$folder/meson-logs/$name.json"
    # The bounds on time are for what hangs, not for a machine that is slow or busy. A test waits for a quarter of its time, for disks and clocks: so
    # one more runs than there are processors.
    meson test -C "$folder" --no-rebuild --timeout-multiplier 4 --num-processes $(($(nproc) + 1)) --logbase "$name" "$@" \
        >"$logs/$name.log" 2>&1 </dev/null
    counts=$(python3 scripts/test-parts/count_tests.py "$folder/meson-logs/$name.json" "$logs/$name.failed" 2>>"$logs/$name.log")
    if [ -z "$counts" ]; then
        fail "$name: no test ran" "$logs/$name.log"
        return 1
    fi
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
    if [ "${counts#* }" -eq 0 ]; then
        echo "ok      $name: ${counts% *} tests ($(($(date +%s) - began)) s)"
    else
        echo "FAILED  $name: ${counts#* } of $((${counts% *} + ${counts#* })) tests"
        sed 's/^/        /' "$logs/$name.failed"
        return 1
    fi
}

# beside NAME...: runs the functions test_NAME at the same time, each in a shell of its own, and counts what they counted. They are those that wait for
# most of their time. What each prints comes when all have ended.
beside() {
    for side; do
        rm -f "$logs/$side.counts"
        (
            passed=0
            failed=0
            "test_$side"
            echo "$passed $failed" >"$logs/$side.counts"
        ) >"$logs/$side.lines" 2>&1 &
    done
    wait
    for side; do
        cat "$logs/$side.lines"
        if [ -f "$logs/$side.counts" ]; then
            read -r more_passed more_failed <"$logs/$side.counts"
            passed=$((passed + more_passed))
            failed=$((failed + more_failed))
        else
            fail "$side: it broke off" "$logs/$side.lines"
        fi
    done
}

# need TOOL...: a tool that is not there is a failure with a clear word.
need() {
    for tool; do
        command -v "$tool" >/dev/null && continue
        failed=$((failed + 1))
        echo "FAILED  $tool is not there: scripts/install-dependencies --test --servers installs it"
        return 1
    done
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
