# What the servers of the tests share: where they live, and how their processes are watched and stopped. Sourced by <server>/server.

servers=${TRADING_SERVERS:-$(cd "$(dirname "$0")/../../.." && pwd)/build-test/servers}
# Several clusters may be up at once, each by its name and on ports of its own, with the same jars.
cluster=${TRADING_CLUSTER:+-$TRADING_CLUSTER}

fail() {
    echo "$0: $*" >&2
    exit 1
}

# fetch_jars POM FOLDER: the jars that a pom names, fetched once. They and Maven's own folder are for one at a time.
fetch_jars() {
    mkdir -p "$2"
    exec 9>"$servers/fetching"
    flock 9
    if ! cmp -s "$1" "$2/.fetched"; then
        command -v mvn >/dev/null || fail "needs Maven (scripts/install-dependencies --servers)"
        rm -rf "$2"
        mkdir -p "$2"
        mvn -q -B -ntp -f "$1" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$2" || fail "the jars of $1 cannot be fetched"
        cp "$1" "$2/.fetched"
    fi
    exec 9>&-
}

# running FOLDER: the pid of the process that was started there, if it is still that process.
running() {
    [ -f "$1/pid" ] || return 1
    pid=$(cat "$1/pid")
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$1/" || return 1
    echo "$pid"
}

# start FOLDER COMMAND...: runs it there in the background, detached, and notes its pid.
start() {
    where=$1
    shift
    (cd "$where" && exec setsid nohup "$@" >"$where/out" 2>&1 </dev/null & echo $! >"$where/pid")
    # until that is the command, and not the shell which becomes it
    until running "$where" >/dev/null || ! kill -0 "$(cat "$where/pid")" 2>/dev/null; do
        sleep 0.05
    done
}

# await_port FOLDER HOST PORT SECONDS: until the process there listens.
await_port() {
    left=$(($4 * 5))
    until bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; do
        running "$1" >/dev/null || { tail -30 "$1/out" >&2; fail "the server in $1 ended"; }
        left=$((left - 1))
        [ $left -gt 0 ] || { tail -30 "$1/out" >&2; fail "the server in $1 does not listen on $2:$3"; }
        sleep 0.2
    done
}

# end FOLDER: ends the process there at once, and waits until its last thread is gone and with it its ports: who asked for one of them would else take it
# for its successor.
end() {
    pid=$(running "$1") && kill -KILL "$pid"
    while [ -n "$pid" ] && grep -hs '^State:' "/proc/$pid/task/"*/status | grep -qv zombie; do
        sleep 0.05
    done
    rm -f "$1/pid"
}

# drop FOLDER: ends the process there, as what it has is of no more use, and deletes the folder.
drop() {
    end "$1"
    for _ in $(seq 100); do # somebody else may have killed it a moment ago, and its last threads still write
        rm -rf "$1" 2>/dev/null && return
        sleep 0.1
    done
    rm -rf "$1"
}
