# What runs against servers of its own, which it brings up and takes down.

cassandra_server() {
    TRADING_SERVERS=$PWD/$builds/servers tests/servers/cassandra/server "$@"
}

# The contract once more with buckets, pages and transactions so small that every journal has many; and appends in flight.
cassandra_small_tests() {
    hosts=$(cassandra_server hosts)
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
    prepare "cassandra-$1-up" cassandra_server up "$1" || return
    check "cassandra-$1-contract" "$builds/release/tools/store-check/trading-store-check" --shared \
        --plugin "$plugin" "cassandra://$(cassandra_server hosts)/contract?create=$1&journal=$run-{}"
    [ "$1" = 3 ] || cassandra_small_tests
    check "cassandra-$1-faults" env TRADING_SERVERS="$PWD/$builds/servers" python3 tests/cassandra/faults_test.py \
        "$builds/release/tests/cassandra/cassandra-appender" "$plugin" tests/servers/cassandra/server "$class"
}

part_cassandra() {
    need java mvn cargo || return
    build release gcc --buildtype=release || return
    plugin=$PWD/$builds/release/backends/cassandra/cassandra.so
    for nodes in 1 3; do
        cassandra_tests $nodes
        prepare "cassandra-$nodes-down" cassandra_server down
    done
    export CASSANDRA_SECURE=1
    prepare cassandra-secure-up cassandra_server up 1 &&
        check cassandra-secure env TRADING_SERVERS="$PWD/$builds/servers" python3 tests/cassandra/secure_test.py \
            "$builds/release/tests/cassandra/cassandra-appender" "$plugin" tests/servers/cassandra/server \
            "$builds/servers/cassandra/ca.pem"
    prepare cassandra-secure-down cassandra_server down
    unset CASSANDRA_SECURE
}
