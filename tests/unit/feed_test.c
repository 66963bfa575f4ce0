/* Feeds: every durable event once and in order, whatever the arrays, filters and writers; and cursors that survive. */
#include "desk.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 5000

static const trading_decimal one = TRADING_DECIMAL_ONE;

static trading_feed *open_feed(struct desk *desk, int64_t from, const trading_filter *filter, const char *cursor)
{
    trading_feed *feed;
    trading_error error;
    if (trading_feed_open(&feed, desk->engine, from, filter, cursor, &error))
        fprintf(stderr, "%s\n", error.message);
    MUST(feed != NULL);
    return feed;
}

/* Many deposits in one call, and so in few commits. */
static void deposit_many(struct desk *desk, const trading_id *account, size_t count)
{
    trading_cash body = TRADING_CASH_INIT;
    body.amount = one;
    trading_command *commands = calloc(count, sizeof *commands);
    trading_result *results = calloc(count, sizeof *results);
    for (size_t i = 0; i < count; i++)
        commands[i] =
            (trading_command){.type = TRADING_COMMAND_DEPOSIT, .account = *account, .body = &body, .body_size = sizeof body};
    MUST(trading_engine_execute(desk->engine, commands, count, results, NULL) == TRADING_OK);
    for (size_t i = 0; i < count; i++)
        MUST(results[i].status == TRADING_STATUS_ACCEPTED);
    free(commands);
    free(results);
}

/* ---- order and arrays ---- */

static void every_event_comes_once_whatever_the_array(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    deposit_many(&desk, &ann.account, MANY);
    for (int i = 0; i < 50; i++)
        desk_cash(&desk, TRADING_COMMAND_WITHDRAW, &ann.account, one);
    size_t total = (size_t)desk_next_position(&desk);
    trading_event *all = calloc(total + 1, sizeof *all);
    trading_event *paged = calloc(total + 1, sizeof *paged);
    const size_t pages[] = {1, 7, 1000, total + 1};
    for (size_t p = 0; p < 4; p++) {
        trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
        trading_event *into = p ? paged : all;
        assert_int_equal(desk_drain(feed, into, total + 1, pages[p]), total);
        assert_int_equal(trading_feed_position(feed), total);
        trading_feed_close(feed);
        assert_memory_equal(into, all, total * sizeof *all);
    }
    for (size_t i = 0; i < total; i++)
        assert_int_equal(all[i].position, i);
    assert_int_equal(all[0].kind, TRADING_EVENT_ACCOUNT_OPENED);
    assert_int_equal(all[total - 1].kind, TRADING_EVENT_FUNDS_WITHDRAWN);
    assert_int_equal(all[total - 1].amount, one);
    assert_memory_equal(&all[total - 1].account, &ann.account, sizeof ann.account);
    free(all);
    free(paged);
    desk_close(&desk);
}

static void a_feed_begins_at_any_event(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    deposit_many(&desk, &ann.account, 100);
    int64_t total = desk_next_position(&desk);
    for (int64_t from = 0; from < total; from++) {
        trading_feed *feed = open_feed(&desk, from, NULL, NULL);
        trading_event event;
        size_t count;
        assert_int_equal(trading_feed_position(feed), from);
        assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_OK);
        assert_int_equal(count, 1);
        assert_int_equal(event.position, from);
        assert_int_equal(trading_feed_position(feed), from + 1);
        trading_feed_close(feed);
    }
    trading_event event;
    size_t count = 5;
    trading_feed *feed = open_feed(&desk, total, NULL, NULL);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, 1000, NULL), TRADING_E_TIMEOUT);
    assert_int_equal(count, 0);
    trading_feed_close(feed);
    desk_close(&desk);
}

static void what_makes_no_feed_is_refused(void **state)
{
    (void)state;
    struct desk desk;
    trading_feed *feed;
    trading_error error;
    trading_filter filter = {0};
    char name[65];
    memset(name, 'x', 64);
    name[64] = '\0';
    desk_open_memory(&desk);
    assert_int_equal(trading_feed_open(NULL, desk.engine, 0, NULL, NULL, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, NULL, 0, NULL, NULL, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, -2, NULL, NULL, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, TRADING_FEED_AT_CURSOR, NULL, NULL, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, 0, &filter, NULL, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, 0, NULL, "", &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, 0, NULL, "a\nb", &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, 0, NULL, name, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_open(&feed, desk.engine, 1, NULL, NULL, &error), TRADING_E_NOT_FOUND);
    assert_string_equal(error.message, "a feed cannot begin at position 1: the next position is 0");
    assert_null(feed);
    feed = open_feed(&desk, 0, NULL, NULL);
    trading_event event;
    size_t count;
    assert_int_equal(trading_feed_next(feed, &event, 0, &count, 0, &error), TRADING_E_INVALID);
    assert_int_equal(trading_feed_acknowledge(feed, 0, &error), TRADING_E_INVALID);
    trading_feed_close(feed);
    trading_feed_close(NULL);
    desk_close(&desk);
}

static void filters_choose_kinds_and_account(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    struct client bob = desk_client(&desk, 1000);
    desk_quote(&desk, "ACME", 9 * one, 10 * one);
    desk_order(&desk, &ann, "ACME", TRADING_SIDE_BUY, 5, 10 * one);
    desk_order(&desk, &bob, "ACME", TRADING_SIDE_BUY, 5, 10 * one);
    size_t total = (size_t)desk_next_position(&desk);
    trading_event all[64];
    trading_event some[64];
    trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
    assert_int_equal(desk_drain(feed, all, 64, 64), total);
    trading_feed_close(feed);
    for (int by_account = 0; by_account < 2; by_account++) {
        for (int32_t kind = 0; kind < TRADING_EVENT_KINDS; kind++) {
            trading_filter filter = TRADING_FILTER_INIT;
            if (kind) /* 0: all kinds */
                filter.kinds[kind / 64] = UINT64_C(1) << (kind % 64);
            if (by_account)
                filter.account = bob.account;
            feed = open_feed(&desk, 0, &filter, NULL);
            size_t count = desk_drain(feed, some, 64, 3);
            assert_int_equal(trading_feed_position(feed), total);
            trading_feed_close(feed);
            size_t at = 0;
            for (size_t i = 0; i < total; i++) {
                bool of_account = !by_account || !memcmp(&all[i].account, &bob.account, sizeof bob.account);
                if (of_account && (!kind || all[i].kind == kind))
                    assert_int_equal(some[at++].position, all[i].position);
            }
            assert_int_equal(count, at);
        }
    }
    desk_close(&desk);
}

static void what_a_feed_holds_is_bounded(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct client ann = desk_client(&desk, 1000);
    for (int i = 0; i < 20; i++)
        deposit_many(&desk, &ann.account, 4000);
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    assert_int_equal(trading_engine_get_info(desk.engine, &info, NULL), TRADING_OK);
    assert_true(info.journal_bytes > 2000000);
    uint64_t before = trading_host_memory(desk.host);
    trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
    trading_event event;
    size_t count;
    uint64_t most = 0;
    while (trading_feed_next(feed, &event, 1, &count, 0, NULL) == TRADING_OK) {
        uint64_t held = trading_host_memory(desk.host) - before;
        most = held > most ? held : most;
    }
    assert_int_equal(trading_feed_position(feed), desk_next_position(&desk));
    assert_true(most < 1200000);
    trading_feed_close(feed);
    desk_close(&desk);
}

/* ---- cursors ---- */

static void cursors_survive_with_the_journal(void **state)
{
    (void)state;
    struct desk desk;
    trading_error error;
    desk_open_folder(&desk);
    desk_client(&desk, 1000);
    trading_event events[64];
    trading_feed *feed = open_feed(&desk, TRADING_FEED_AT_CURSOR, NULL, "reports");
    assert_int_equal(trading_feed_position(feed), 0);
    size_t count = desk_drain(feed, events, 64, 64);
    assert_true(count > 1);
    assert_int_equal(trading_feed_acknowledge(feed, 1, &error), TRADING_OK);
    int64_t next = desk_next_position(&desk);
    assert_int_equal(trading_feed_acknowledge(feed, 1, &error), TRADING_OK);
    assert_int_equal(desk_next_position(&desk), next); /* nothing is written where it stands already */
    assert_int_equal(trading_feed_acknowledge(feed, 0, &error), TRADING_E_INVALID);
    assert_non_null(strstr(error.message, "\"reports\" stands at 1 and cannot be moved to 0"));
    assert_int_equal(trading_feed_acknowledge(feed, 1000, &error), TRADING_E_INVALID);
    trading_feed_close(feed);
    desk_stop(&desk);
    desk_start(&desk, 0);
    feed = open_feed(&desk, TRADING_FEED_AT_CURSOR, NULL, "reports");
    trading_feed *other = open_feed(&desk, TRADING_FEED_AT_CURSOR, NULL, "report");
    assert_int_equal(trading_feed_position(feed), 1);
    assert_int_equal(trading_feed_position(other), 0);
    assert_int_equal(trading_feed_acknowledge(feed, 2, &error), TRADING_OK);
    assert_int_equal(trading_feed_acknowledge(other, 1, &error), TRADING_OK);
    trading_feed_close(other);
    trading_feed_close(feed);
    desk_stop(&desk);
    desk_start(&desk, TRADING_ENGINE_READ_ONLY);
    feed = open_feed(&desk, TRADING_FEED_AT_CURSOR, NULL, "reports");
    assert_int_equal(trading_feed_position(feed), 2);
    assert_int_equal(trading_feed_acknowledge(feed, 3, &error), TRADING_E_READ_ONLY);
    trading_feed_close(feed);
    desk_close(&desk);
}

static trading_result acknowledge(struct desk *desk, uint32_t flags, int64_t position)
{
    trading_error error;
    trading_result result;
    trading_acknowledge body = TRADING_ACKNOWLEDGE_INIT;
    body.flags = flags;
    body.name = (trading_text){"commands", 8};
    body.position = position;
    trading_command command = {.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &body, .body_size = sizeof body};
    assert_int_equal(trading_engine_execute(desk->engine, &command, 1, &result, &error), TRADING_OK);
    return result;
}

/* What a cursor stands for elsewhere, such as the offset in a topic, has nothing to do with how long the journal is. */
static void a_foreign_cursor_may_stand_beyond_the_journal(void **state)
{
    (void)state;
    struct desk desk;
    trading_error error;
    trading_view *view;
    int64_t position;
    desk_open_folder(&desk);
    const int64_t far = INT64_C(1) << 40;
    assert_int_equal(acknowledge(&desk, TRADING_ACKNOWLEDGE_FOREIGN, far).status, TRADING_STATUS_ACCEPTED);
    assert_int_equal(acknowledge(&desk, TRADING_ACKNOWLEDGE_FOREIGN, far - 1).reason, TRADING_REASON_BAD_POSITION);
    assert_int_equal(acknowledge(&desk, 2, far).reason, TRADING_REASON_BAD_REQUEST);
    desk_stop(&desk);
    desk_start(&desk, 0);
    assert_int_equal(trading_view_open(&view, desk.engine, TRADING_VIEW_LATEST, &error), TRADING_OK);
    assert_int_equal(trading_view_cursor(view, "commands", &position, &error), TRADING_OK);
    assert_int_equal(position, far);
    assert_int_equal(trading_view_cursor(view, "command", &position, &error), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_cursor(view, NULL, &position, &error), TRADING_E_INVALID);
    trading_view_close(view);
    desk_close(&desk);
}

static void acknowledging_wakes_no_reader_with_a_cursor(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    desk_client(&desk, 1000);
    trading_event events[64];
    trading_feed *mine = open_feed(&desk, 0, NULL, "mine");
    trading_feed *other = open_feed(&desk, 0, NULL, "other");
    trading_feed *plain = open_feed(&desk, 0, NULL, NULL);
    trading_filter filter = TRADING_FILTER_INIT;
    filter.kinds[1] = UINT64_C(1) << (TRADING_EVENT_CURSOR_ACKNOWLEDGED - 64);
    trading_feed *asked = open_feed(&desk, 0, &filter, "asked");
    size_t before = desk_drain(mine, events, 64, 64);
    assert_int_equal(desk_drain(other, events, 64, 64), before);
    assert_int_equal(trading_feed_acknowledge(mine, trading_feed_position(mine), NULL), TRADING_OK);
    assert_int_equal(desk_drain(mine, events, 64, 64), 0);
    assert_int_equal(desk_drain(other, events, 64, 64), 0);
    assert_int_equal(trading_feed_position(mine), before + 1);
    assert_int_equal(desk_drain(plain, events, 64, 64), before + 1);
    assert_int_equal(events[before].kind, TRADING_EVENT_CURSOR_ACKNOWLEDGED);
    assert_int_equal(events[before].cursor_position, before);
    assert_int_equal(desk_drain(asked, events, 64, 64), 1);
    trading_feed_close(mine);
    trading_feed_close(other);
    trading_feed_close(plain);
    trading_feed_close(asked);
    desk_close(&desk);
}

/* ---- following ---- */

#define WRITERS  2
#define READERS  3
#define DEPOSITS 400

struct writer {
    struct desk *desk;
    trading_id account;
};

static void *write_deposits(void *arg)
{
    struct writer *writer = arg;
    for (int i = 0; i < DEPOSITS; i++)
        desk_cash(writer->desk, TRADING_COMMAND_DEPOSIT, &writer->account, one);
    return NULL;
}

static void *follow(void *arg)
{
    struct desk *desk = arg;
    trading_feed *feed = open_feed(desk, 0, NULL, NULL);
    trading_event events[16];
    int64_t deposits = 0;
    int64_t expected = 0;
    while (deposits < (int64_t)WRITERS * (DEPOSITS + 1)) {
        size_t count;
        MUST(trading_feed_next(feed, events, 16, &count, -1, NULL) == TRADING_OK);
        MUST(count >= 1);
        for (size_t i = 0; i < count; i++) {
            MUST(events[i].position == expected++);
            deposits += events[i].kind == TRADING_EVENT_FUNDS_DEPOSITED;
        }
    }
    trading_feed_close(feed);
    return NULL;
}

static void readers_follow_while_writers_write(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS + READERS];
    for (size_t i = 0; i < READERS; i++)
        MUST(pthread_create(&threads[WRITERS + i], NULL, follow, &desk) == 0);
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.desk = &desk, .account = desk_client(&desk, 1000).account};
        MUST(pthread_create(&threads[i], NULL, write_deposits, &writers[i]) == 0);
    }
    for (size_t i = 0; i < WRITERS + READERS; i++)
        pthread_join(threads[i], NULL);
    desk_close(&desk);
}

struct waiter {
    struct desk *desk;
    _Atomic int opened;
    _Atomic int32_t code;
};

static void *wait_for_ever(void *arg)
{
    struct waiter *waiter = arg;
    trading_feed *feed = open_feed(waiter->desk, 0, NULL, NULL);
    trading_event event;
    size_t count;
    atomic_store(&waiter->opened, 1);
    atomic_store(&waiter->code, trading_feed_next(feed, &event, 1, &count, -1, NULL));
    trading_feed_close(feed);
    return NULL;
}

static void closing_tells_who_waits(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    /* In whichever order the two arrive, the waiter hears of it, and the engine is closed once it is gone. */
    struct waiter waiter = {.desk = &desk};
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, wait_for_ever, &waiter) == 0);
    while (!atomic_load(&waiter.opened))
        sched_yield();
    assert_int_equal(trading_engine_close(desk.engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&waiter.code), TRADING_E_CLOSED);
    desk_close(&desk);
}

static void a_reader_is_told_once_and_may_go_on(void **state)
{
    (void)state;
    struct desk desk;
    trading_event event;
    size_t count;
    desk_open_memory(&desk);
    trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
    assert_int_equal(trading_engine_close(desk.engine, TRADING_CLOSE_DRAIN, NULL), TRADING_E_BUSY);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, -1, NULL), TRADING_E_CLOSED);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_E_TIMEOUT);
    desk_client(&desk, 10);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, -1, NULL), TRADING_OK);
    trading_feed_close(feed);
    feed = open_feed(&desk, 0, NULL, NULL); /* opened after it: was not told of it */
    while (!trading_feed_next(feed, &event, 1, &count, 0, NULL))
        continue;
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_E_TIMEOUT);
    trading_feed_close(feed);
    desk_close(&desk);
}

/* ---- beside a writer's process ---- */

static void tell(int pipe)
{
    MUST(write(pipe, "x", 1) == 1);
}

static void await(int pipe)
{
    char byte;
    MUST(read(pipe, &byte, 1) == 1);
}

/* Opens a store, and another client each time that it is asked. */
static _Noreturn void run_writer(int asked, int done)
{
    struct desk desk;
    char byte;
    desk_open_folder(&desk);
    MUST(write(done, desk.folder, sizeof desk.folder) == (ssize_t)sizeof desk.folder);
    while (read(asked, &byte, 1) == 1) {
        desk_client(&desk, 100);
        tell(done);
    }
    desk_stop(&desk);
    tell(done);
    _exit(0);
}

static void a_read_only_engine_follows_another_process(void **state)
{
    (void)state;
    int ask[2];
    int done[2];
    assert_int_equal(pipe(ask) | pipe(done), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ask[1]);
        run_writer(ask[0], done[1]);
    }
    close(ask[0]);
    struct desk desk = {0};
    MUST(read(done[0], desk.folder, sizeof desk.folder) == (ssize_t)sizeof desk.folder);
    snprintf(desk.uri, sizeof desk.uri, "lmdb:%s", desk.folder);
    tell(ask[1]);
    await(done[0]);
    assert_int_equal(trading_host_open(&desk.host, NULL, NULL), TRADING_OK);
    desk_start(&desk, TRADING_ENGINE_READ_ONLY);
    trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
    trading_event events[16];
    size_t first = desk_drain(feed, events, 16, 16);
    assert_true(first > 0);
    for (size_t i = 1; i < 5; i++) {
        tell(ask[1]); /* it may or may not have answered when we look */
        size_t seen = 0;
        while (seen < first) {
            size_t count;
            assert_int_equal(trading_feed_next(feed, events, 16, &count, -1, NULL), TRADING_OK);
            seen += count;
        }
        assert_int_equal(seen, first);
        assert_int_equal(trading_feed_position(feed), (i + 1) * first);
        await(done[0]);
    }
    trading_feed_close(feed);
    desk_stop(&desk);
    close(ask[1]);
    await(done[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(done[0]);
    close(done[1]);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_only_engine_follows_another_process), /* first: it forks */
        cmocka_unit_test(every_event_comes_once_whatever_the_array),
        cmocka_unit_test(a_feed_begins_at_any_event),
        cmocka_unit_test(what_makes_no_feed_is_refused),
        cmocka_unit_test(filters_choose_kinds_and_account),
        cmocka_unit_test(what_a_feed_holds_is_bounded),
        cmocka_unit_test(cursors_survive_with_the_journal),
        cmocka_unit_test(a_foreign_cursor_may_stand_beyond_the_journal),
        cmocka_unit_test(acknowledging_wakes_no_reader_with_a_cursor),
        cmocka_unit_test(readers_follow_while_writers_write),
        cmocka_unit_test(closing_tells_who_waits),
        cmocka_unit_test(a_reader_is_told_once_and_may_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
