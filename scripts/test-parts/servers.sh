# What runs against servers of its own, which it brings up and takes down.

# ready_for_servers TOOL...: what is tested on servers is built, in $release, and every shell knows where the servers are.
ready_for_servers() {
    need "$@" || return
    build release gcc --buildtype=release || return
    release=$(cd "$builds" && pwd)/release
    TRADING_SERVERS=$(cd "$builds" && pwd)/servers
    export TRADING_SERVERS
}

# apart: from here on servers are a second cluster, beside the first.
apart() {
    TRADING_CLUSTER=apart
    CASSANDRA_PORT=$((${CASSANDRA_PORT:-19042} + 100))
    CASSANDRA_STORAGE_PORT=$((${CASSANDRA_STORAGE_PORT:-17000} + 100))
    KAFKA_PORT=$((${KAFKA_PORT:-19092} + 100))
    export TRADING_CLUSTER CASSANDRA_PORT CASSANDRA_STORAGE_PORT KAFKA_PORT
}

# on_servers KIND RUNNER COUNT CLASS: KIND_contract on so many servers, and the faults of that class. RUNNER is their program.
on_servers() {
    plugin=$release/backends/$1/$1.so
    if prepare "$1-$3-up" "tests/servers/$1/server" up "$3"; then
        "$1_contract" "$3"
        check "$1-$3-faults" python3 "tests/$1/faults_test.py" "$release/tests/$1/$2" "$plugin" "tests/servers/$1/server" "$4"
    fi
    prepare "$1-$3-down" "tests/servers/$1/server" down
}

# over_tls KIND RUNNER: the tests over TLS, on one server.
over_tls() {
    export CASSANDRA_SECURE=1 KAFKA_SECURE=1
    prepare "$1-secure-up" "tests/servers/$1/server" up 1 &&
        check "$1-secure" python3 "tests/$1/secure_test.py" "$release/tests/$1/$2" "$release/backends/$1/$1.so" \
            "tests/servers/$1/server" "$TRADING_SERVERS/$1/ca.pem"
    prepare "$1-secure-down" "tests/servers/$1/server" down
}

# The contract once more with buckets, pages and transactions so small that every journal has many; and appends in flight.
cassandra_small_tests() {
    hosts=$(tests/servers/cassandra/server hosts)
    check cassandra-buckets "$release/tools/store-check/trading-store-check" --shared --plugin "$plugin" \
        "cassandra://$hosts/contract?create=1&journal=small-$run-{}&bucket_bytes=3000&page_rows=3&inline_bytes=500"
    check cassandra-flights "$release/tests/cassandra/cassandra-flights" "$plugin" \
        "//$hosts/contract?create=1&journal=flights-$run-"
    check cassandra-copy python3 tests/cassandra/copy_test.py "$release/examples/cli/trading" "$plugin" \
        "cassandra://$hosts/contract?create=1&journal=copy-$run"
}

cassandra_contract() {
    run=$(date +%s)
    check "cassandra-$1-contract" "$release/tools/store-check/trading-store-check" --shared \
        --plugin "$plugin" "cassandra://$(tests/servers/cassandra/server hosts)/contract?create=$1&journal=$run-{}"
    [ "$1" = 3 ] || cassandra_small_tests
}

test_cassandra() {
    on_servers cassandra cassandra-appender 1 OneNode
    on_servers cassandra cassandra-appender 3 ThreeNodes
    over_tls cassandra cassandra-appender
}

kafka_contract() {
    check "kafka-$1-contract" "$release/tools/store-check/trading-store-check" --plugin "$plugin" \
        --bus "kafka://$(tests/servers/kafka/server hosts)/"
}

test_kafka() {
    on_servers kafka kafka-runner 1 OneBroker
    over_tls kafka kafka-runner
}

test_kafka_apart() {
    apart
    on_servers kafka kafka-runner 3 ThreeBrokers
}

part_cassandra() {
    ready_for_servers java mvn cargo && beside cassandra
}

part_kafka() {
    ready_for_servers java mvn && beside kafka kafka_apart
}

# Cassandra computes for most of the time, and Kafka's tests wait.
part_plugins() {
    ready_for_servers java mvn cargo && beside cassandra kafka kafka_apart
}

# The program that judges histories. Its one dependency is locked by go.sum.
build_linearizability() {
    prepare serve-linearizability-build sh -c 'cd tests/serve/linearizability && go vet . && go build -buildvcs=false -o "$0" .' "$1" &&
        check serve-linearizability sh -c 'cd tests/serve/linearizability && go test -count=1 .'
}

test_serve() {
    for test in Whole Faults; do
        check "serve-$test" python3 tests/serve/faults_test.py $test
    done
    for test in Relay Compat Watched; do
        check "serve-$test" python3 tests/serve/kafka_test.py $test
    done
    check serve-demo python3 tests/serve/demo_test.py
    check serve-delivery python3 tests/serve/delivery_test.py
    prepare serve-cassandra-down tests/servers/cassandra/server down
    prepare serve-kafka-down tests/servers/kafka/server down
}

test_serve_apart() {
    apart
    check serve-outage python3 tests/serve/outage_test.py
    prepare serve-outage-cassandra-down tests/servers/cassandra/server down
    prepare serve-outage-kafka-down tests/servers/kafka/server down
}

# Deployments of `trading serve` on one node of each, whole and with faults, and on three of each, of which some die.
# SERVE_ROUNDS=N repeats each fault N times, SERVE_OUTAGE=SECONDS keeps all servers down for longer.
part_serve() {
    ready_for_servers java mvn cargo go || return
    TRADING_PROGRAM=$release/examples/cli/trading
    TRADING_PLUGIN_PATH=$release/backends/cassandra:$release/backends/kafka
    TRADING_TOP=$PWD
    TRADING_CARRIER=$release/tests/serve/serve-carrier
    TRADING_LINEARIZABILITY=$release/linearizability
    export TRADING_PROGRAM TRADING_PLUGIN_PATH TRADING_TOP TRADING_CARRIER TRADING_LINEARIZABILITY
    build_linearizability "$TRADING_LINEARIZABILITY" && beside serve serve_apart
    unset TRADING_PROGRAM TRADING_PLUGIN_PATH TRADING_TOP TRADING_CARRIER TRADING_LINEARIZABILITY
}
