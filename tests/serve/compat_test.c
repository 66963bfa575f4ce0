/* A deployment that stands in for the other system's Portfolio service, between its Account and its Trade Order service, which are played here; and
 * what everybody is told. Over a bus and a store in memory. */
#include "deployment.h"
#include "serve/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NODES = 2, INBOUND = 3 };

static const char in_portfolio[] = "InboundPortfolioEventTopic";
static const char in_account[] = "InboundAccountEventTopic";
static const char out_order[] = "OutboundTradeOrderEventTopic";
static const char in_order[] = "InboundTradeOrderEventTopic";

/* ---- numbers ---- */

static void numbers_are_read_as_they_are_written(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"0", "0"},
        {"-0.0", "-0"},
        {"1", "1"},
        {"100.10", "100.1"},
        {"1.0E7", "10000000"},
        {"1e-3", "0.001"},
        {"12.5e+1", "125"},
        {"0.30000000000000004", "0.30000000000000004"},
        {"-2.50", "-2.5"},
        {"9223372036854.775807", "9223372036854.775807"},
        {"1234567E-6", "1.234567"},
    };
    static const char *const wrong[] = {"", "-", "1.", ".5", "1e", "1e+", "1.2.3", "1e999", "0x10", "1 ", "NaN"};
    char plain[256];
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_true(reference_plain_number(pairs[i][0], plain, sizeof plain));
        assert_string_equal(plain, pairs[i][1]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(reference_plain_number(wrong[i], plain, sizeof plain));
    static const char json[] = "{\"a 1\":1.50,\"b\":\"\\\"2\",\"c\":[-3e7,true]}";
    char *quoted = reference_quote_numbers(json, strlen(json));
    assert_string_equal(quoted, "{\"a 1\":\"1.50\",\"b\":\"\\\"2\",\"c\":[\"-3e7\",true]}");
    free(quoted);
}

static void options_name_topics(void **state)
{
    (void)state;
    struct reference reference;
    char complaint[256];
    assert_true(reference_init(&reference, "reference", complaint, sizeof complaint));
    assert_string_equal(reference.portfolio_topic, in_portfolio);
    assert_string_equal(reference.currency, "USD");
    assert_true(reference_init(&reference, "reference?account_topic=credits&currency=EUR", complaint, sizeof complaint));
    assert_string_equal(reference.account_topic, "credits");
    assert_string_equal(reference.currency, "EUR");
    assert_false(reference_init(&reference, "another", complaint, sizeof complaint));
    assert_false(reference_init(&reference, "reference?colour=red", complaint, sizeof complaint));
    assert_false(reference_init(&reference, "reference?currency=EURO", complaint, sizeof complaint));
}

/* ---- the stage ---- */

/* What the services that are played here read, from their topics' beginnings. */
struct stage {
    struct deployment deployment;
    trading_bus *bus;
    int64_t retry; /* 0: as it is by itself */
};

static void prepare(struct serving *serving)
{
    char complaint[256];
    assert_true(reference_init(&serving->reference, "reference", complaint, sizeof complaint));
    serving->tells_events = true;
}

/* The topics are the other system's. */
static void make_topics(struct stage *stage, trading_host *host, const char *uri)
{
    trading_error error;
    static const char *const topics[] = {in_portfolio, in_account, out_order, in_order};
    assert_int_equal(trading_bus_open(&stage->bus, host, uri, NULL, &error), TRADING_OK);
    for (size_t i = 0; i < 4; i++) {
        int32_t code = trading_bus_topic(stage->bus, topics[i], INBOUND, 0, &error);
        for (uint32_t p = 0; p < INBOUND && code == TRADING_OK && (topics[i] == in_account || topics[i] == out_order); p++)
            code = trading_bus_follow(stage->bus, topics[i], p, TRADING_BUS_OLDEST, &error);
        assert_int_equal(code, TRADING_OK);
    }
}

static struct stage *now_prepared;

/* The first node to be prepared finds the host. */
static void prepare_stage(struct serving *serving)
{
    if (!now_prepared->bus)
        make_topics(now_prepared, serving->host, serving->bus);
    prepare(serving);
    if (now_prepared->retry)
        serving->reference.retry = now_prepared->retry;
}

static void open_stage_with(struct stage *stage, size_t nodes, int64_t retry)
{
    *stage = (struct stage){.retry = retry};
    now_prepared = stage;
    deployment_open_with(&stage->deployment, nodes, 2, prepare_stage);
    assert_int_equal(trading_bus_follow(stage->bus, "test.dead", 0, TRADING_BUS_OLDEST, NULL), TRADING_OK);
}

static void open_stage(struct stage *stage, size_t nodes)
{
    open_stage_with(stage, nodes, 0);
}

static void close_stage(struct stage *stage)
{
    for (size_t i = 0; i < DEPLOYMENT_NODES; i++)
        deployment_stop(&stage->deployment, i);
    deployment_verify(&stage->deployment);
    trading_bus_close(stage->bus);
    deployment_close(&stage->deployment);
}

static void tell(struct stage *stage, const char *topic, uint32_t partition, const char *type, const char *value)
{
    trading_error error;
    const trading_bus_header header = {"EVENT_TYPE", type, type ? strlen(type) : 0};
    const trading_bus_record record = {.topic = topic,
                                       .partition = partition,
                                       .key = "k",
                                       .key_size = 1,
                                       .value = value,
                                       .value_size = strlen(value),
                                       .headers = &header,
                                       .header_count = type ? 1 : 0};
    if (trading_bus_publish(stage->bus, &record, 1, TRADING_BUS_NO_MARK, &error) != TRADING_OK)
        fail_msg("%s", error.message);
}

/* What has more headers than a dead letter of it has room for. */
static void tell_overladen(struct stage *stage, const char *topic, const char *value)
{
    trading_error error;
    trading_bus_header headers[1024];
    for (size_t i = 0; i < 1024; i++)
        headers[i] = wire_text_header("burden", "heavy");
    const trading_bus_record record = {
        .topic = topic, .value = value, .value_size = strlen(value), .headers = headers, .header_count = 1024};
    assert_int_equal(trading_bus_publish(stage->bus, &record, 1, TRADING_BUS_NO_MARK, &error), TRADING_OK);
}

/* A record that came, copied. */
struct heard {
    char topic[64];
    char value[512];
    char type[64];
    char reason[64];
    char position[24];
};

static void copy_header(const trading_bus_record *record, const char *name, char *text, size_t bytes)
{
    const trading_bus_header *header = wire_header(record, name);
    snprintf(text, bytes, "%.*s", header ? (int)header->size : 0, header ? (const char *)header->value : "");
}

/* Waits for the next record of what the services read. */
static struct heard listen(struct stage *stage)
{
    struct heard heard = {.topic = ""};
    trading_bus_notice notice;
    size_t count;
    trading_error error;
    if (trading_bus_poll(stage->bus, &notice, 1, &count, INT64_C(60000000000), &error) != TRADING_OK)
        fail_msg("nothing came: %s", error.message);
    const trading_bus_record *record = &notice.record;
    snprintf(heard.topic, sizeof heard.topic, "%s", record->topic);
    snprintf(heard.value, sizeof heard.value, "%.*s", (int)record->value_size, (const char *)record->value);
    copy_header(record, "EVENT_TYPE", heard.type, sizeof heard.type);
    copy_header(record, "reason", heard.reason, sizeof heard.reason);
    copy_header(record, "position", heard.position, sizeof heard.position);
    return heard;
}

static void expect(struct stage *stage, const char *topic, const char *type, const char *value)
{
    struct heard heard = listen(stage);
    if (strcmp(heard.topic, topic) != 0 || strcmp(heard.type, type) != 0 || strcmp(heard.value, value) != 0)
        fail_msg("%s %s %s (%s) instead of %s %s %s", heard.topic, heard.type, heard.value, heard.reason, topic, type, value);
}

static void expect_dead(struct stage *stage, const char *reason, const char *value)
{
    struct heard heard = listen(stage);
    if (strcmp(heard.topic, "test.dead") != 0 || strcmp(heard.reason, reason) != 0 || strcmp(heard.value, value) != 0)
        fail_msg("%s %s %s instead of the dead letter %s %s", heard.topic, heard.reason, heard.value, reason, value);
    assert_true(heard.position[0] >= '0' && heard.position[0] <= '9');
}

/* ---- its accounts ---- */

static void ours(const char *name, char account[TRADING_ID_TEXT], char portfolio[TRADING_ID_TEXT])
{
    char text[128];
    trading_id key;
    trading_id ids[2];
    snprintf(text, sizeof text, "reference/%s", name);
    trading_key_from_text(text, strlen(text), &key);
    trading_opened_ids(&key, &ids[0], &ids[1]);
    trading_id_format(TRADING_ENTITY_ACCOUNT, &ids[0], account);
    trading_id_format(TRADING_ENTITY_PORTFOLIO, &ids[1], portfolio);
}

/* The account's balance once it is this, or what it is after long. */
static void wait_for_balance(struct stage *stage, const char *name, const char *balance)
{
    char account[TRADING_ID_TEXT];
    char portfolio[TRADING_ID_TEXT];
    char line[128];
    char last[64] = "nothing";
    const struct timespec moment = {.tv_nsec = 20000000};
    ours(name, account, portfolio);
    snprintf(line, sizeof line, "{\"op\":\"view_account\",\"id\":\"%s\"}", account);
    for (int tries = 0; tries < 6000; tries++) {
        json_t *answer = deployment_ask(&stage->deployment, line);
        const char *shown = json_string_value(json_object_get(answer, "balance"));
        snprintf(last, sizeof last, "%s", shown ? shown : "nothing");
        json_decref(answer);
        if (!strcmp(last, balance))
            return;
        nanosleep(&moment, NULL);
    }
    fail_msg("%s has %s, not %s", name, last, balance);
}

static void its_accounts_are_ours(void **state)
{
    (void)state;
    struct stage stage;
    char account[TRADING_ID_TEXT];
    char portfolio[TRADING_ID_TEXT];
    open_stage(&stage, 1);
    tell(&stage, in_portfolio, 0, "OPENPORTFOLIO_EVENT",
         "{\"accountId\":\"A-77\",\"portfolio\":\"P-5\",\"name\":\"Ada\",\"fund\":1.0E3}");
    tell(&stage, in_portfolio, 0, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-77\",\"portfolioId\":\"P-5\",\"amount\":100.10}");
    tell(&stage, in_portfolio, 0, "WITHDRAWAL_EVENT", "{\"accountId\":\"A-77\",\"portfolioId\":\"P-5\",\"amount\":50}");
    wait_for_balance(&stage, "A-77", "1050.10");
    ours("A-77", account, portfolio);
    json_t *shown = deployment_do(&stage.deployment, "{\"op\":\"view_account\",\"id\":\"%s\"}", account);
    assert_string_equal(json_string_value(json_object_get(shown, "name")), "Ada");
    assert_int_equal(json_array_size(json_object_get(shown, "aliases")), 2);
    json_decref(shown);
    /* Told again, it is the same account. */
    tell(&stage, in_portfolio, 0, "OPENPORTFOLIO_EVENT",
         "{\"accountId\":\"A-77\",\"portfolio\":\"P-5\",\"name\":\"Ada\",\"fund\":1.0E3}");
    tell(&stage, in_portfolio, 0, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-77\",\"portfolioId\":\"P-5\",\"amount\":0.9}");
    wait_for_balance(&stage, "A-77", "1051.00");
    close_stage(&stage);
}

/* A deposit that is here before its account waits for it, for a minute, and what is behind it does not. */
static void what_comes_early_waits_for_its_account(void **state)
{
    (void)state;
    struct stage stage;
    const struct timespec moment = {.tv_nsec = 300000000};
    open_stage_with(&stage, 1, INT64_C(2000000000));
    tell(&stage, in_portfolio, 1, "OPENPORTFOLIO_EVENT", "{\"accountId\":\"A-1\",\"portfolio\":\"P-1\",\"fund\":1}");
    wait_for_balance(&stage, "A-1", "1.00");
    tell(&stage, in_portfolio, 1, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-2\",\"amount\":5}");
    tell(&stage, in_portfolio, 1, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\",\"amount\":6}");
    wait_for_balance(&stage, "A-1", "7.00");
    nanosleep(&moment, NULL);
    tell(&stage, in_portfolio, 2, "OPENPORTFOLIO_EVENT", "{\"accountId\":\"A-2\",\"portfolio\":\"P-2\",\"fund\":1}");
    wait_for_balance(&stage, "A-2", "6.00");
    close_stage(&stage);
}

static void what_cannot_be_is_a_dead_letter_and_the_flow_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *topic;
        const char *type;
        const char *value;
        const char *reason;
    } bad[] = {
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "not JSON", "NOT_JSON"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "[1]", "NOT_JSON"},
        {in_portfolio, "GREETING", "{}", "UNKNOWN_TYPE"},
        {in_portfolio, NULL, "{\"accountId\":\"A-1\",\"amount\":1}", "UNKNOWN_TYPE"},
        {in_portfolio, "COMPLETE", "{}", "UNKNOWN_TYPE"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"amount\":1}", "BAD_REQUEST"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\"}", "BAD_REQUEST"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\",\"amount\":-1}", "BAD_AMOUNT"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\",\"amount\":\"much\"}", "BAD_AMOUNT"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\",\"amount\":100.10000000000001}", "TOO_PRECISE"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\",\"amount\":0.001}", "TOO_PRECISE"},
        {in_portfolio, "WITHDRAWAL_EVENT", "{\"accountId\":\"A-1\",\"amount\":1000000}", "INSUFFICIENT_FUNDS"},
        {in_portfolio, "OPENPORTFOLIO_EVENT", "{\"accountId\":\"A-1\",\"portfolio\":\"P-1\",\"fund\":2}", "KEY_REUSED"},
        {in_portfolio, "OPENPORTFOLIO_EVENT", "{\"accountId\":\"A-9\",\"portfolio\":\"P-1\",\"fund\":-2}", "BAD_AMOUNT"},
        {in_portfolio, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-404\",\"amount\":5}", "UNKNOWN_ACCOUNT"},
        {in_order, "COMPLETE", "{\"orderId\":\"ORD-1\",\"trade\":{\"shares\":1,\"sharePrice\":1}}", "UNKNOWN_ORDER"},
        {in_order, "FAILED", "{\"orderId\":\"ORD-00000000000000000000000001\"}", "UNKNOWN_ORDER"},
        {in_order, "FAILED", "{}", "BAD_REQUEST"},
    };
    struct stage stage;
    open_stage(&stage, 1);
    tell(&stage, in_portfolio, 0, "OPENPORTFOLIO_EVENT", "{\"accountId\":\"A-1\",\"portfolio\":\"P-1\",\"fund\":1}");
    wait_for_balance(&stage, "A-1", "1.00");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tell(&stage, bad[i].topic, 0, bad[i].type, bad[i].value);
        expect_dead(&stage, bad[i].reason, bad[i].value);
    }
    tell_overladen(&stage, in_portfolio, "overladen");
    expect_dead(&stage, "NOT_JSON", "overladen");
    tell(&stage, in_portfolio, 0, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-1\",\"amount\":1}");
    wait_for_balance(&stage, "A-1", "2.00");
    close_stage(&stage);
}

/* ---- its orders ---- */

/* The book that its quote is of is in another partition than the account. */
static void order(struct stage *stage, const char *portfolio, const char *side, int quantity, char id[TRADING_ID_TEXT])
{
    json_t *placed = deployment_do_once_quoted(
        &stage->deployment,
        "{\"op\":\"route_order\",\"portfolio\":\"%s\",\"side\":\"%s\",\"symbol\":\"GOOG\",\"quantity\":\"%d\","
        "\"type\":\"market\"}",
        portfolio, side, quantity);
    snprintf(id, TRADING_ID_TEXT, "%s", json_string_value(json_object_get(placed, "order")));
    assert_string_equal(json_string_value(json_object_get(placed, "status")), "new");
    json_decref(placed);
}

static void expect_order(struct stage *stage, const char *id, const char *side, int quantity)
{
    char value[512];
    snprintf(
        value, sizeof value,
        "{\"portfolioId\":\"P-\\\"5\",\"orderId\":\"%s\",\"orderDetails\":{\"symbol\":\"GOOG\",\"shares\":%d,\"tradeType\":"
        "\"%s\",\"purchaseOrderId\":null}}",
        id, quantity, side);
    expect(stage, out_order, "", value);
}

static void complete(struct stage *stage, const char *id, const char *side, int shares, const char *price)
{
    char value[512];
    snprintf(
        value, sizeof value,
        "{\"portfolioId\":\"P-5\",\"orderId\":\"%s\",\"trade\":{\"symbol\":\"GOOG\",\"tradeType\":\"%s\",\"sharePrice\":%s,"
        "\"shares\":%d}}",
        id, side, price, shares);
    tell(stage, in_order, 2, "COMPLETE", value);
}

static void its_trade_orders_are_filled_or_fail(void **state)
{
    (void)state;
    struct stage stage;
    char account[TRADING_ID_TEXT];
    char portfolio[TRADING_ID_TEXT];
    char id[TRADING_ID_TEXT];
    char value[512];
    open_stage(&stage, 1);
    ours("A-77", account, portfolio);
    tell(&stage, in_portfolio, 0, "OPENPORTFOLIO_EVENT", "{\"accountId\":\"A-77\",\"portfolio\":\"P-\\\"5\",\"fund\":1000}");
    wait_for_balance(&stage, "A-77", "1000.00");
    json_decref(deployment_do(&stage.deployment, "{\"op\":\"quote\",\"symbol\":\"GOOG\",\"bid\":\"99\",\"ask\":\"100\"}"));

    order(&stage, portfolio, "buy", 5, id);
    expect_order(&stage, id, "BUY", 5);
    complete(&stage, id, "BUY", 5, "100.50");
    expect(&stage, in_account, "WITHDRAWAL_EVENT", "{\"accountId\":\"A-77\",\"amount\":502.50}");
    wait_for_balance(&stage, "A-77", "497.50");

    /* The answer once more, and one that breaks the order's terms, change nothing. */
    complete(&stage, id, "BUY", 5, "100.50");
    struct heard again = listen(&stage);
    assert_string_equal(again.reason, "ORDER_NOT_OPEN");
    order(&stage, portfolio, "buy", 1, id);
    expect_order(&stage, id, "BUY", 1);
    complete(&stage, id, "BUY", 1, "200");
    struct heard dear = listen(&stage);
    assert_string_equal(dear.reason, "PRICE_BEYOND_LIMIT");
    snprintf(value, sizeof value, "{\"portfolioId\":\"P-5\",\"orderId\":\"%s\"}", id);
    tell(&stage, in_order, 0, "FAILED", value);

    order(&stage, portfolio, "sell", 2, id);
    expect_order(&stage, id, "SELL", 2);
    complete(&stage, id, "SELL", 2, "9.9E1");
    expect(&stage, in_account, "DEPOSIT_FUNDS_EVENT", "{\"accountId\":\"A-77\",\"amount\":198.00}");
    wait_for_balance(&stage, "A-77", "695.50");
    json_t *shown = deployment_do(&stage.deployment, "{\"op\":\"view_account\",\"id\":\"%s\"}", account);
    assert_string_equal(json_string_value(json_object_get(shown, "held")), "0.00");
    json_decref(shown);
    close_stage(&stage);
}

/* ---- processes come and go ---- */

static void nothing_is_done_twice_whoever_has_the_bridge(void **state)
{
    (void)state;
    struct stage stage;
    char value[128];
    enum { DEPOSITS = 300 };
    open_stage(&stage, NODES);
    for (uint32_t p = 0; p < INBOUND; p++) {
        snprintf(value, sizeof value, "{\"accountId\":\"A-%u\",\"portfolio\":\"P-%u\",\"fund\":0.5}", p, p);
        tell(&stage, in_portfolio, p, "OPENPORTFOLIO_EVENT", value);
    }
    for (int i = 0; i < DEPOSITS; i++) {
        snprintf(value, sizeof value, "{\"accountId\":\"A-%d\",\"amount\":1}", i % INBOUND);
        tell(&stage, in_portfolio, (uint32_t)i % INBOUND, "DEPOSIT_FUNDS_EVENT", value);
        if (i % 60 == 30) { /* one leaves, another comes */
            deployment_stop(&stage.deployment, (size_t)(i / 60) % NODES);
            deployment_start(&stage.deployment, (size_t)(i / 60) % NODES);
        }
    }
    for (uint32_t p = 0; p < INBOUND; p++) {
        snprintf(value, sizeof value, "A-%u", p);
        wait_for_balance(&stage, value, "100.50");
    }
    const struct timespec moment = {.tv_nsec = 200000000};
    nanosleep(&moment, NULL);
    for (uint32_t p = 0; p < INBOUND; p++) {
        snprintf(value, sizeof value, "A-%u", p);
        wait_for_balance(&stage, value, "100.50");
    }
    close_stage(&stage);
}

/* ---- what everybody is told ---- */

static void events_are_told_as_cloud_events(void **state)
{
    (void)state;
    struct stage stage;
    trading_bus *bus;
    trading_bus_notice notice;
    size_t count;
    bool met = false;
    open_stage(&stage, 1);
    json_decref(deployment_do(&stage.deployment, "{\"op\":\"open_account\",\"key\":\"ada\",\"deposit\":\"12.50\"}"));
    assert_int_equal(trading_bus_open(&bus, stage.deployment.host, stage.deployment.bus_uri, NULL, NULL), TRADING_OK);
    for (uint32_t p = 0; p < 2; p++)
        assert_int_equal(trading_bus_follow(bus, "test.events", p, TRADING_BUS_OLDEST, NULL), TRADING_OK);
    while (!met) {
        struct heard heard = {.topic = ""};
        char text[64];
        assert_int_equal(trading_bus_poll(bus, &notice, 1, &count, INT64_C(60000000000), NULL), TRADING_OK);
        copy_header(&notice.record, "EVENT_TYPE", heard.type, sizeof heard.type);
        met = !strcmp(heard.type, "FUNDS_DEPOSITED");
        copy_header(&notice.record, "ce_specversion", text, sizeof text);
        assert_string_equal(text, "1.0");
        copy_header(&notice.record, "content-type", text, sizeof text);
        assert_string_equal(text, "application/json");
        copy_header(&notice.record, "ce_source", text, sizeof text);
        assert_string_equal(text, "/test.events");
        json_t *value = json_loadb(notice.record.value, (size_t)notice.record.value_size, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(value, "event")), heard.type);
        if (met) {
            const char *account = json_string_value(json_object_get(value, "account"));
            copy_header(&notice.record, "ce_type", text, sizeof text);
            assert_string_equal(text, "trading.FUNDS_DEPOSITED");
            copy_header(&notice.record, "ce_subject", text, sizeof text);
            assert_string_equal(text, account);
            copy_header(&notice.record, "ce_time", text, sizeof text);
            assert_string_equal(text, json_string_value(json_object_get(value, "time")));
            copy_header(&notice.record, "ce_id", text, sizeof text);
            assert_string_equal(strchr(text, '/') + 1, json_string_value(json_object_get(value, "position")));
            assert_int_equal(notice.record.key_size, strlen(account));
            assert_memory_equal(notice.record.key, account, strlen(account));
            assert_string_equal(json_string_value(json_object_get(value, "amount")), "12.50");
        }
        json_decref(value);
    }
    trading_bus_close(bus);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_they_are_written),
        cmocka_unit_test(options_name_topics),
        cmocka_unit_test(its_accounts_are_ours),
        cmocka_unit_test(what_comes_early_waits_for_its_account),
        cmocka_unit_test(what_cannot_be_is_a_dead_letter_and_the_flow_goes_on),
        cmocka_unit_test(its_trade_orders_are_filled_or_fail),
        cmocka_unit_test(nothing_is_done_twice_whoever_has_the_bridge),
        cmocka_unit_test(events_are_told_as_cloud_events),
    };
    return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
