/* Reading the location of a Kafka bus: what needs no server. */
#include "backends/kafka/location.h"
#include "tests/servers/location_reading.h"

static void test_hosts_and_options(void **state)
{
    (void)state;
    assert_string_equal(read_good("//a").hosts, "a:9092");
    assert_string_equal(read_good("//a,b:7/").hosts, "a:7,b:7");
    struct location location = read_good("//[::1]:7?replication=3&member=node%201&marks=x.marks&linger.ms=3");
    assert_string_equal(location.hosts, "[::1]:7");
    assert_int_equal(location.replication, 3);
    assert_string_equal(location.member, "node 1");
    assert_string_equal(location.marks, "x.marks");
    assert_int_equal(location.setting_count, 1);
    assert_string_equal(location.settings[0].name, "linger.ms");
    assert_string_equal(location.settings[0].value, "3");
    location = read_good("//a/");
    assert_string_equal(location.marks, "trading.marks");
    assert_int_equal(location.publish_timeout_ms, 30000);
    read_bad("a:1", TRADING_E_SYNTAX, "kafka://");
    read_bad("//", TRADING_E_SYNTAX, "host");
    read_bad("//a/path", TRADING_E_SYNTAX, "without a path");
    read_bad("//a/?what=1", TRADING_E_SYNTAX, "\"what\"");
    read_bad("//a/?replication=101", TRADING_E_SYNTAX, "replication");
    read_bad("//a/?publish_timeout=x", TRADING_E_SYNTAX, "publish_timeout");
    read_bad("//a/?marks=", TRADING_E_SYNTAX, "marks");
    read_bad("//a/?isolation.level=read_uncommitted", TRADING_E_INVALID, "isolation.level");
    read_bad("//a/?enable.idempotence=false", TRADING_E_INVALID, "not to be set");
    read_bad("//a/?acks=1", TRADING_E_INVALID, "acks");
    read_bad("//a/?allow.auto.create.topics=true", TRADING_E_INVALID, "not to be set");
}

static void test_secrets(void **state)
{
    (void)state;
    struct location location = read_good_with_file(
        "//a/?options=", "# ours\nuser=you\npassword=a=b\nssl.key.password=more\nsasl.mechanism=SCRAM-SHA-512\n");
    assert_string_equal(location.user, "you");
    assert_string_equal(location.password, "a=b");
    assert_int_equal(location.setting_count, 2);
    assert_string_equal(location.settings[0].value, "more");
    location_forget(&location);
    assert_string_equal(location.password, "");
    assert_string_equal(location.settings[0].value, "");
    read_bad("//me:hush@a", TRADING_E_INVALID, "printed");
    read_bad("//me@a/?password=hush", TRADING_E_INVALID, "printed");
    read_bad("//me@a/?sasl.password=hush", TRADING_E_INVALID, "printed");
    read_bad("//me@a/?ssl.keystore.password=hush", TRADING_E_INVALID, "printed");
    read_bad("//me@a/?sasl.oauthbearer.client.secret=hush", TRADING_E_INVALID, "printed");
    read_bad("//me@a", TRADING_E_INVALID, "a user and a password");
    read_bad("//a/?options=/absent", TRADING_E_IO, "/absent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts_and_options),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
