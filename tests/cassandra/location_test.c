/* Reading a location, and commits as a block: what of the Cassandra store needs no server. */
#include "backends/cassandra/journal.h"
#include "backends/cassandra/location.h"
#include "tests/servers/location_reading.h"

static void test_hosts(void **state)
{
    (void)state;
    assert_string_equal(read_good("//db/k").hosts, "db:9042");
    assert_string_equal(read_good("//db:7/k").hosts, "db:7");
    assert_string_equal(read_good("//a,b,c:7/k").hosts, "a:7,b:7,c:7");
    assert_string_equal(read_good("//a:1,b:2/k").hosts, "a:1,b:2");
    assert_string_equal(read_good("//a:1,b/k").hosts, "a:1,b:9042");
    assert_string_equal(read_good("//[::1]/k").hosts, "[::1]:9042");
    assert_string_equal(read_good("//[::1]:7,b/k").hosts, "[::1]:7,b:9042");
    assert_string_equal(read_good("//a,[::1]:7/k").hosts, "a:7,[::1]:7");
    read_bad("db/k", TRADING_E_SYNTAX, "cassandra://");
    read_bad("///k", TRADING_E_SYNTAX, "host");
    read_bad("//a,,b/k", TRADING_E_SYNTAX, "hosts");
    read_bad("//a,/k", TRADING_E_SYNTAX, "hosts");
}

static void test_keyspace_and_options(void **state)
{
    (void)state;
    struct location location =
        read_good("//db/k_1?journal=a.B-9&create=3&consistency=local_quorum&datacentre=my%20dc&page_rows=7");
    assert_string_equal(location.keyspace, "k_1");
    assert_string_equal(location.journal, "a.B-9");
    assert_string_equal(location.datacentre, "my dc");
    assert_int_equal(location.create, 3);
    assert_int_equal(location.local, 1);
    assert_int_equal(location.page_rows, 7);
    location = read_good("//db/k");
    assert_string_equal(location.journal, "main");
    assert_int_equal(location.create, 0);
    assert_int_equal(location.local, 0);
    struct driver_settings settings = location_settings(&location);
    assert_null(settings.user);
    assert_null(settings.password);
    assert_int_equal(settings.tls, 0);
    location = read_good("//db/k?tls_ca=/ca.pem");
    assert_int_equal(location_settings(&location).tls, 1);
    location = read_good("//db/k?tls_certificate=/me.pem&tls_key=/key.pem");
    assert_int_equal(location_settings(&location).tls, 1);
    read_bad("//db/k?tls_certificate=/me.pem", TRADING_E_INVALID, "tls_key");
    read_bad("//db/k?tls_key=/key.pem", TRADING_E_INVALID, "tls_certificate");
    read_bad("//db", TRADING_E_SYNTAX, "keyspace");
    read_bad("//db/Caps", TRADING_E_SYNTAX, "keyspace");
    read_bad("//db/1k", TRADING_E_SYNTAX, "keyspace");
    read_bad("//db/k;drop", TRADING_E_SYNTAX, "keyspace");
    read_bad("//db/k?journal=a'b", TRADING_E_SYNTAX, "journal");
    read_bad("//db/k?journal=", TRADING_E_SYNTAX, "journal");
    read_bad("//db/k?what=1", TRADING_E_SYNTAX, "\"what\"");
    read_bad("//db/k?create", TRADING_E_SYNTAX, "option=value");
    read_bad("//db/k?create=x", TRADING_E_SYNTAX, "create");
    read_bad("//db/k?create=101", TRADING_E_SYNTAX, "create");
    read_bad("//db/k?page_rows=0", TRADING_E_SYNTAX, "page_rows");
    read_bad("//db/k?consistency=one", TRADING_E_SYNTAX, "quorum");
    read_bad("//db/k?datacentre=%2", TRADING_E_SYNTAX, "option=value");
    read_bad("//db/k?datacentre=%00", TRADING_E_SYNTAX, "option=value");
}

static void test_passwords(void **state)
{
    (void)state;
    struct location location = read_good_with_file("//me@db/k?password_file=", "se cret\nmore");
    assert_string_equal(location.user, "me");
    assert_string_equal(location.password, "se cret");
    location_forget(&location);
    assert_string_equal(location.password, "");
    location = read_good_with_file("//db/k?options=", "# of ours\nuser=you\n\npassword=a=b\n");
    assert_string_equal(location.user, "you");
    assert_string_equal(location.password, "a=b");
    read_bad("//me:hush@db/k", TRADING_E_INVALID, "printed");
    read_bad("//me@db/k?password=hush", TRADING_E_INVALID, "printed");
    read_bad("//me@db/k", TRADING_E_INVALID, "a user and a password");
    read_bad("//db/k?options=/absent", TRADING_E_IO, "/absent");
    read_bad("//me@db/k?password_file=/absent", TRADING_E_IO, "/absent cannot be read: No such file");
    read_bad("//me@db/k?password_file=/dev/null", TRADING_E_INVALID, "no password");
}

static void test_block(void **state)
{
    (void)state;
    const trading_store_commit commits[] = {
        {.first_position = 5, .event_count = 2, .nonce = {{1, 2}}, .data = "abc", .size = 3},
        {.first_position = 7, .event_count = 1, .nonce = {{3}}, .data = "d", .size = 1},
    };
    uint8_t bytes[128];
    uint64_t size;
    assert_int_equal(block_size(commits, 2, &size, NULL), TRADING_OK);
    assert_int_equal(size, 2 * BLOCK_HEADER + 4);
    block_pack(commits, 2, bytes);
    const uint8_t *at = bytes;
    int64_t next = 5;
    for (int i = 0; i < 2; i++) {
        trading_store_commit commit;
        assert_true(block_unpack(&at, &size, next, &commit));
        assert_int_equal(commit.first_position, commits[i].first_position);
        assert_int_equal(commit.event_count, commits[i].event_count);
        assert_int_equal(commit.size, commits[i].size);
        assert_memory_equal(&commit.nonce, &commits[i].nonce, sizeof commit.nonce);
        assert_memory_equal(commit.data, commits[i].data, commit.size);
        next += commit.event_count;
    }
    assert_int_equal(size, 0);
    for (uint64_t cut = 0; cut < BLOCK_HEADER + 3; cut++) {
        trading_store_commit commit;
        const uint8_t *begin = bytes;
        uint64_t left = cut;
        assert_false(block_unpack(&begin, &left, 5, &commit));
    }
    trading_store_commit large = commits[0];
    large.size = UINT64_MAX;
    assert_int_equal(block_size(&large, 1, &size, NULL), TRADING_E_INVALID);
    large.size = UINT64_C(3) << 28;
    const trading_store_commit pair[] = {large, large};
    assert_int_equal(block_size(pair, 2, &size, NULL), TRADING_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_keyspace_and_options),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
