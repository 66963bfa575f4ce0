# What runs against servers of its own, which it brings up and takes down.

# backend_tests KIND RUNNER SERVER SECURE: KIND_contract and the faults, whose classes are OneSERVER and ThreeSERVERs, on one server and on
# three; and the tests over TLS, on a server that is told of it by the variable SECURE. RUNNER is their program.
backend_tests() {
    plugin=$(cd "$builds" && pwd)/release/backends/$1/$1.so
    TRADING_SERVERS=$(cd "$builds" && pwd)/servers
    export TRADING_SERVERS
    for class in "One$3" "Three$3s"; do
        count=1
        [ "$class" = "One$3" ] || count=3
        if prepare "$1-$count-up" "tests/servers/$1/server" up $count; then
            "$1_contract" $count
            check "$1-$count-faults" python3 "tests/$1/faults_test.py" "$builds/release/tests/$1/$2" "$plugin" \
                "tests/servers/$1/server" "$class"
        fi
        prepare "$1-$count-down" "tests/servers/$1/server" down
    done
    export "$4=1"
    prepare "$1-secure-up" "tests/servers/$1/server" up 1 &&
        check "$1-secure" python3 "tests/$1/secure_test.py" "$builds/release/tests/$1/$2" "$plugin" \
            "tests/servers/$1/server" "$TRADING_SERVERS/$1/ca.pem"
    prepare "$1-secure-down" "tests/servers/$1/server" down
    unset "$4" TRADING_SERVERS
}

# The contract once more with buckets, pages and transactions so small that every journal has many; and appends in flight.
cassandra_small_tests() {
    hosts=$(tests/servers/cassandra/server hosts)
    check cassandra-buckets "$builds/release/tools/store-check/trading-store-check" --shared --plugin "$plugin" \
        "cassandra://$hosts/contract?create=1&journal=small-$run-{}&bucket_bytes=3000&page_rows=3&inline_bytes=500"
    check cassandra-flights "$builds/release/tests/cassandra/cassandra-flights" "$plugin" \
        "//$hosts/contract?create=1&journal=flights-$run-"
    check cassandra-copy python3 tests/cassandra/copy_test.py "$builds/release/examples/cli/trading" "$plugin" \
        "cassandra://$hosts/contract?create=1&journal=copy-$run"
}

cassandra_contract() {
    run=$(date +%s)
    check "cassandra-$1-contract" "$builds/release/tools/store-check/trading-store-check" --shared \
        --plugin "$plugin" "cassandra://$(tests/servers/cassandra/server hosts)/contract?create=$1&journal=$run-{}"
    [ "$1" = 3 ] || cassandra_small_tests
}

test_cassandra() {
    backend_tests cassandra cassandra-appender Node CASSANDRA_SECURE
}

part_cassandra() {
    need java mvn cargo || return
    build release gcc --buildtype=release || return
    test_cassandra
}

kafka_contract() {
    check "kafka-$1-contract" "$builds/release/tools/store-check/trading-store-check" --plugin "$plugin" \
        --bus "kafka://$(tests/servers/kafka/server hosts)/"
}

test_kafka() {
    backend_tests kafka kafka-runner Broker KAFKA_SECURE
}

part_kafka() {
    need java mvn || return
    build release gcc --buildtype=release || return
    test_kafka
}

part_plugins() {
    need java mvn cargo || return
    build release gcc --buildtype=release || return
    beside cassandra kafka
}

# The program that judges histories. Its one dependency is locked by go.sum.
build_linearizability() {
    prepare serve-linearizability-build sh -c 'cd tests/serve/linearizability && go vet . && go build -buildvcs=false -o "$0" .' "$1" &&
        check serve-linearizability sh -c 'cd tests/serve/linearizability && go test -count=1 .'
}

# Deployments of `trading serve` on one node of each, whole and with faults, and on three of each, of which some die.
# SERVE_ROUNDS=N repeats each fault N times, SERVE_OUTAGE=SECONDS keeps all servers down for longer.
part_serve() {
    need java mvn cargo go || return
    build release gcc --buildtype=release || return
    release=$(cd "$builds" && pwd)/release
    TRADING_SERVERS=$(cd "$builds" && pwd)/servers
    TRADING_PROGRAM=$release/examples/cli/trading
    TRADING_PLUGIN_PATH=$release/backends/cassandra:$release/backends/kafka
    TRADING_TOP=$PWD
    TRADING_CARRIER=$release/tests/serve/serve-carrier
    TRADING_LINEARIZABILITY=$release/linearizability
    export TRADING_SERVERS TRADING_PROGRAM TRADING_PLUGIN_PATH TRADING_TOP TRADING_CARRIER TRADING_LINEARIZABILITY
    build_linearizability "$TRADING_LINEARIZABILITY" || return
    for test in Whole Faults; do
        check "serve-$test" python3 tests/serve/faults_test.py $test
    done
    for test in Relay Compat Watched; do
        check "serve-$test" python3 tests/serve/kafka_test.py $test
    done
    check serve-demo python3 tests/serve/demo_test.py
    check serve-delivery python3 tests/serve/delivery_test.py
    check serve-outage python3 tests/serve/outage_test.py
    prepare serve-cassandra-down tests/servers/cassandra/server down
    prepare serve-kafka-down tests/servers/kafka/server down
    unset TRADING_SERVERS TRADING_PROGRAM TRADING_PLUGIN_PATH TRADING_TOP TRADING_CARRIER TRADING_LINEARIZABILITY
}
