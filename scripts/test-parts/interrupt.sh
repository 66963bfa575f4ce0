# Being interrupted: whoever interrupts the suite gets a machine back on which nothing of it runs.

# supervise ARGUMENT...: runs the suite in a process beside this one, and ends as it ends. A shell hears of a signal only once the command that it waits for has
# ended, be that in an hour; this one only waits, and so hears of it at once.
supervise() {
    mark=$$-$(date +%s)
    trap 'end_suite 130' INT
    trap 'end_suite 143' TERM HUP
    # What a shell starts beside itself ignores INT and QUIT, and would hand that on to every test.
    TRADING_TEST_MARK=$mark env --default-signal=INT,QUIT scripts/test "$@" &
    wait $!
    exit
}

# The pids of all that the suite started and that still runs. It has the mark in its environment, also where it left the process group, as servers and
# the tests of meson do.
marked() {
    grep -lsxzF "TRADING_TEST_MARK=$mark" /proc/[0-9]*/environ | cut -d/ -f3
}

# end_suite STATUS
end_suite() {
    trap '' INT TERM HUP
    echo "scripts/test: interrupted; what it started is ended" >&2
    # First as Ctrl-C does, so that tests can delete their folders.
    kill -s INT $(marked) 2>/dev/null
    for tenth in $(seq 30); do
        [ -n "$(marked)" ] || break
        sleep 0.1
    done
    while pids=$(marked) && [ -n "$pids" ]; do
        kill -s KILL $pids 2>/dev/null
        sleep 0.1
    done
    [ -z "$servers" ] || for server in cassandra kafka; do # what they had is of no more use
        for cluster in "" apart; do
            TRADING_CLUSTER=$cluster TRADING_SERVERS=$(cd "$builds" && pwd)/servers "tests/servers/$server/server" down
        done
    done
    exit "$1"
}
