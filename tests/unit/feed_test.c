/* Feeds: every durable event once and in order, whatever the arrays, filters and writers; and cursors that survive. */
#include "desk.h"
#include "engine/engine.h"
#include "engine/feed_stretch.h"

#include <dirent.h>
#include <fcntl.h>
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
    assert_true(most < 2 * 1200000); /* the half of it is what is read ahead */
    trading_feed_close(feed);
    desk_close(&desk);
}

/* ---- reading ahead ---- */

#define FAR_CALLS  40u /* each of MANY deposits */
#define FAR_EVENTS (FAR_CALLS * MANY)

static struct client deposit_far(struct desk *desk)
{
    struct client ann = desk_client(desk, 1000);
    for (size_t i = 0; i < FAR_CALLS; i++)
        deposit_many(desk, &ann.account, MANY);
    return ann;
}

static bool reads_ahead(const char *task)
{
    char path[300];
    char name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
    FILE *file = fopen(path, "r");
    bool found = file && fgets(name, sizeof name, file) && !strcmp(name, "trading-read\n");
    if (file)
        fclose(file);
    return found;
}

static size_t threads_that_read(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    size_t count = 0;
    MUST(tasks != NULL);
    while ((task = readdir(tasks)))
        count += reads_ahead(task->d_name);
    closedir(tasks);
    return count;
}

/* A thread that was joined may be seen for a moment yet. */
static void await_threads_that_read(size_t count)
{
    for (int i = 0; i < 10000 && threads_that_read() != count; i++)
        usleep(1000);
    assert_int_equal(threads_that_read(), count);
}

/* Two feeds at once, of which the first has the thread. Where they end, and why, is told by both. */
struct race {
    trading_feed *feeds[2];
    trading_event events[2][1000];
    size_t counts[2];
    int32_t codes[2];
    trading_error errors[2];
};

static void next_of_both(struct race *race)
{
    for (size_t i = 0; i < 2; i++)
        race->codes[i] = trading_feed_next(race->feeds[i], race->events[i], 1000, &race->counts[i], 0, &race->errors[i]);
}

static void race_alike(struct desk *desk, struct race *race)
{
    for (size_t i = 0; i < 2; i++)
        race->feeds[i] = open_feed(desk, 0, NULL, NULL);
    next_of_both(race);
    await_threads_that_read(1);
    while (race->codes[0] == TRADING_OK) {
        assert_int_equal(race->codes[1], TRADING_OK);
        assert_int_equal(race->counts[0], race->counts[1]);
        assert_memory_equal(race->events[0], race->events[1], race->counts[0] * sizeof race->events[0][0]);
        next_of_both(race);
    }
    assert_int_equal(race->codes[0], race->codes[1]);
    assert_string_equal(race->errors[0].message, race->errors[1].message);
    assert_int_equal(trading_feed_position(race->feeds[0]), trading_feed_position(race->feeds[1]));
    await_threads_that_read(0);
}

static void close_race(struct race *race)
{
    trading_feed_close(race->feeds[0]);
    trading_feed_close(race->feeds[1]);
}

static void what_is_read_ahead_is_told_alike(void **state)
{
    (void)state;
    static struct race race;
    struct desk desk;
    desk_open_memory(&desk);
    deposit_far(&desk);
    race_alike(&desk, &race);
    assert_int_equal(race.codes[0], TRADING_E_TIMEOUT);
    assert_int_equal(trading_feed_position(race.feeds[0]), desk_next_position(&desk));
    close_race(&race);
    desk_close(&desk);
}

/* Changes a byte of the body of the commit in the middle. */
static void damage_journal(const struct desk *desk)
{
    char path[128];
    static uint8_t bytes[64 << 20];
    size_t commits = 0;
    ssize_t middle = 0;
    snprintf(path, sizeof path, "%s/journal.mdb", desk->folder);
    int file = open(path, O_RDWR);
    MUST(file >= 0);
    ssize_t size = pread(file, bytes, sizeof bytes, 0);
    for (ssize_t pass = 0, half = 0; pass < 2; pass++, half = (ssize_t)commits / 2, commits = 0)
        for (ssize_t at = 0; at + 4 <= size; at++)
            if (!memcmp(bytes + at, "TRCM", 4) && commits++ == (size_t)half)
                middle = at;
    bytes[middle + 500] ^= 1;
    MUST(pwrite(file, bytes + middle + 500, 1, middle + 500) == 1);
    close(file);
}

static void damage_is_found_alike(void **state)
{
    (void)state;
    static struct race race;
    struct desk desk;
    desk_open_folder(&desk);
    deposit_far(&desk);
    damage_journal(&desk);
    race_alike(&desk, &race);
    assert_int_equal(race.codes[0], TRADING_E_DAMAGED);
    assert_true(trading_feed_position(race.feeds[0]) > FAR_EVENTS / 4);
    assert_true(trading_feed_position(race.feeds[0]) < FAR_EVENTS / 4 * 3);
    next_of_both(&race);
    assert_int_equal(race.codes[0], TRADING_E_DAMAGED); /* it stays where it is */
    assert_string_equal(race.errors[0].message, race.errors[1].message);
    close_race(&race);
    desk_close(&desk);
}

static void who_leaves_early_leaves_the_thread_to_others(void **state)
{
    (void)state;
    struct desk desk;
    trading_event event;
    size_t count;
    desk_open_memory(&desk);
    deposit_far(&desk);
    trading_feed *near = open_feed(&desk, FAR_EVENTS - 40000, NULL, NULL); /* several stretches */
    assert_int_equal(trading_feed_next(near, &event, 1, &count, 0, NULL), TRADING_OK);
    await_threads_that_read(0);
    for (int i = 0; i < 20; i++) {
        trading_feed *feed = open_feed(&desk, 1000 * i, NULL, NULL);
        for (int j = 0; j <= i; j++)
            assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_OK);
        await_threads_that_read(1);
        trading_feed_close(feed);
        await_threads_that_read(0);
    }
    trading_feed_close(near);
    desk_close(&desk);
}

/* False when it cannot be read. */
static bool read_next(struct feed_ahead *ahead, struct feed_stretch *stretch, int64_t limit)
{
    int64_t from = feed_stretch_end(stretch);
    feed_ahead_ask(ahead, stretch, limit);
    for (int i = 0; i < 100; i++) { /* what was not begun must be asked for again */
        usleep(1000);
        if (feed_ahead_take(ahead, from, stretch))
            return true;
        feed_ahead_ask(ahead, stretch, limit);
    }
    return false;
}

static void a_stretch_read_ahead_follows_the_one_before(void **state)
{
    (void)state;
    struct desk desk;
    struct feed_stretch stretch = {0};
    desk_open_memory(&desk);
    deposit_far(&desk);
    int64_t end = desk_next_position(&desk);
    const struct journal *journal = &desk.engine->journal;
    assert_int_equal(feed_stretch_read(&stretch, journal, 0, end, NULL, NULL), TRADING_OK);
    struct feed_ahead *ahead = feed_ahead_open(journal);
    assert_non_null(ahead);
    for (int64_t from = feed_stretch_end(&stretch); from < FAR_EVENTS / 2; from = feed_stretch_end(&stretch)) {
        assert_true(read_next(ahead, &stretch, end));
        assert_int_equal(stretch.commits[0].first_position, from);
    }
    feed_ahead_ask(ahead, &stretch, end);
    usleep(10000);
    assert_false(feed_ahead_take(ahead, 0, &stretch)); /* it was asked for another */
    stretch.commits[stretch.count - 1].digest[0] ^= 1;
    assert_false(read_next(ahead, &stretch, end));
    feed_ahead_close(ahead);
    feed_stretch_close(&stretch, &desk.engine->memory);
    desk_close(&desk);
}

/* Counts events in order, and stops once in the middle. */
struct counting {
    int64_t next;
    bool stopped;
};

static int32_t count_on(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    struct counting *counting = context;
    for (size_t i = 0; i < count; i++)
        if (events[i].position != counting->next++)
            return 2;
    if (counting->stopped || counting->next < FAR_EVENTS / 3)
        return 0;
    counting->stopped = true;
    counting->next = trading_projection_position(projection, NULL);
    return 1;
}

static void what_a_projection_undid_is_told_again(void **state)
{
    (void)state;
    struct desk desk;
    struct counting counting = {0};
    trading_projection *projection;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = "count";
    options.apply = count_on;
    options.context = &counting;
    desk_open_memory(&desk);
    deposit_far(&desk);
    assert_int_equal(trading_projection_open(&projection, desk.engine, &options, NULL), TRADING_OK);
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_E_STOPPED);
    assert_true(counting.next < FAR_EVENTS / 3); /* what was not committed is undone */
    assert_int_equal(trading_projection_run(projection, NULL, NULL), TRADING_OK);
    assert_int_equal(counting.next, desk_next_position(&desk));
    trading_projection_close(projection);
    await_threads_that_read(0);
    desk_close(&desk);
}

static void an_engine_without_threads_has_none_for_feeds(void **state)
{
    (void)state;
    struct desk desk;
    trading_event event;
    size_t count;
    desk_open_folder(&desk);
    deposit_far(&desk);
    desk_stop(&desk);
    desk_start(&desk, TRADING_ENGINE_READ_ONLY | TRADING_ENGINE_MANUAL);
    trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_OK);
    await_threads_that_read(0);
    trading_feed_close(feed);
    desk_close(&desk);
}

/* The thread is the parent's, and nobody in the child may wait for it. */
static void a_child_leaves_the_thread_alone(void **state)
{
    (void)state;
    struct desk desk;
    trading_event event;
    size_t count;
    int status;
    desk_open_memory(&desk);
    deposit_far(&desk);
    trading_feed *feed = open_feed(&desk, 0, NULL, NULL);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_OK);
    await_threads_that_read(1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int32_t code = trading_feed_next(feed, &event, 1, &count, 0, NULL);
        trading_feed_close(feed);
        _exit(code == TRADING_E_FORKED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(trading_feed_next(feed, &event, 1, &count, 0, NULL), TRADING_OK);
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

struct depositor {
    struct desk *desk;
    trading_id account;
};

static void *write_deposits(void *arg)
{
    struct depositor *writer = arg;
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
    struct depositor writers[WRITERS];
    pthread_t threads[WRITERS + READERS];
    for (size_t i = 0; i < READERS; i++)
        MUST(pthread_create(&threads[WRITERS + i], NULL, follow, &desk) == 0);
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct depositor){.desk = &desk, .account = desk_client(&desk, 1000).account};
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
        cmocka_unit_test(what_is_read_ahead_is_told_alike),
        cmocka_unit_test(damage_is_found_alike),
        cmocka_unit_test(who_leaves_early_leaves_the_thread_to_others),
        cmocka_unit_test(a_stretch_read_ahead_follows_the_one_before),
        cmocka_unit_test(what_a_projection_undid_is_told_again),
        cmocka_unit_test(an_engine_without_threads_has_none_for_feeds),
        cmocka_unit_test(a_child_leaves_the_thread_alone),
        cmocka_unit_test(cursors_survive_with_the_journal),
        cmocka_unit_test(a_foreign_cursor_may_stand_beyond_the_journal),
        cmocka_unit_test(acknowledging_wakes_no_reader_with_a_cursor),
        cmocka_unit_test(readers_follow_while_writers_write),
        cmocka_unit_test(closing_tells_who_waits),
        cmocka_unit_test(a_reader_is_told_once_and_may_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
