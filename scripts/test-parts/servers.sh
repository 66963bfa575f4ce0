# What runs against servers of its own, which it brings up and takes down.

# The contract once more with buckets, pages and transactions so small that every journal has many; and appends in flight.
cassandra_small_tests() {
    hosts=$(tests/servers/cassandra/server hosts)
    check cassandra-buckets "$builds/release/tools/store-check/trading-store-check" --shared --plugin "$plugin" \
        "cassandra://$hosts/contract?create=1&journal=small-$run-{}&bucket_bytes=3000&page_rows=3&inline_bytes=500"
    check cassandra-flights "$builds/release/tests/cassandra/cassandra-flights" "$plugin" \
        "//$hosts/contract?create=1&journal=flights-$run-"
}

# cassandra_tests NODES: the contract, and the faults of a store on so many nodes.
cassandra_tests() {
    class=OneNode
    [ "$1" = 3 ] && class=ThreeNodes
    run=$(date +%s)
    prepare "cassandra-$1-up" tests/servers/cassandra/server up "$1" || return
    check "cassandra-$1-contract" "$builds/release/tools/store-check/trading-store-check" --shared \
        --plugin "$plugin" "cassandra://$(tests/servers/cassandra/server hosts)/contract?create=$1&journal=$run-{}"
    [ "$1" = 3 ] || cassandra_small_tests
    check "cassandra-$1-faults" python3 tests/cassandra/faults_test.py \
        "$builds/release/tests/cassandra/cassandra-appender" "$plugin" tests/servers/cassandra/server "$class"
}

part_cassandra() {
    need java mvn cargo || return
    build release gcc --buildtype=release || return
    plugin=$(cd "$builds" && pwd)/release/backends/cassandra/cassandra.so
    TRADING_SERVERS=$(cd "$builds" && pwd)/servers
    export TRADING_SERVERS
    for nodes in 1 3; do
        cassandra_tests $nodes
        prepare "cassandra-$nodes-down" tests/servers/cassandra/server down
    done
    export CASSANDRA_SECURE=1
    prepare cassandra-secure-up tests/servers/cassandra/server up 1 &&
        check cassandra-secure python3 tests/cassandra/secure_test.py \
            "$builds/release/tests/cassandra/cassandra-appender" "$plugin" tests/servers/cassandra/server \
            "$TRADING_SERVERS/cassandra/ca.pem"
    prepare cassandra-secure-down tests/servers/cassandra/server down
    unset CASSANDRA_SECURE TRADING_SERVERS
}

# kafka_tests BROKERS: the contract, and the faults of a bus on so many brokers.
kafka_tests() {
    class=OneBroker
    [ "$1" = 3 ] && class=ThreeBrokers
    prepare "kafka-$1-up" tests/servers/kafka/server up "$1" || return
    check "kafka-$1-contract" "$builds/release/tools/store-check/trading-store-check" --plugin "$plugin" \
        --bus "kafka://$(tests/servers/kafka/server hosts)/"
    check "kafka-$1-faults" python3 tests/kafka/faults_test.py "$builds/release/tests/kafka/kafka-runner" "$plugin" \
        tests/servers/kafka/server "$class"
}

part_kafka() {
    need java mvn || return
    build release gcc --buildtype=release || return
    plugin=$(cd "$builds" && pwd)/release/backends/kafka/kafka.so
    TRADING_SERVERS=$(cd "$builds" && pwd)/servers
    export TRADING_SERVERS
    for brokers in 1 3; do
        kafka_tests $brokers
        prepare "kafka-$brokers-down" tests/servers/kafka/server down
    done
    export KAFKA_SECURE=1
    prepare kafka-secure-up tests/servers/kafka/server up 1 &&
        check kafka-secure python3 tests/kafka/secure_test.py "$builds/release/tests/kafka/kafka-runner" "$plugin" \
            tests/servers/kafka/server "$TRADING_SERVERS/kafka/ca.pem"
    prepare kafka-secure-down tests/servers/kafka/server down
    unset KAFKA_SECURE TRADING_SERVERS
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
    for test in Relay Compat; do
        check "serve-$test" python3 tests/serve/kafka_test.py $test
    done
    check serve-demo python3 tests/serve/demo_test.py
    check serve-delivery python3 tests/serve/delivery_test.py
    check serve-outage python3 tests/serve/outage_test.py
    prepare serve-cassandra-down tests/servers/cassandra/server down
    prepare serve-kafka-down tests/servers/kafka/server down
    unset TRADING_SERVERS TRADING_PROGRAM TRADING_PLUGIN_PATH TRADING_TOP TRADING_CARRIER TRADING_LINEARIZABILITY
}
