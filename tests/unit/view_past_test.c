/* Views that stay where they are while the writer goes on, and views of the past. */
#include "backends/memory/memory_store.h"
#include "view_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENTS 200 /* before which no further command is begun */
#define MOST   400
#define SEED   UINT64_C(20260401)

static int set_up(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    desk_open(desk, NULL);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    desk_close(*state);
    free(*state);
    return 0;
}

static char *text_now(struct desk *desk)
{
    trading_view *view = view_at(desk, TRADING_VIEW_NOW);
    char *text = view_text(view, 64);
    trading_view_close(view);
    return text;
}

static void a_pinned_view_stays(void **state)
{
    struct desk *desk = *state;
    uint64_t seed = SEED;
    desk_morning(desk);
    trading_view *views[4];
    char *texts[4];
    for (size_t i = 0; i < 4; i++) {
        views[i] = view_at(desk, TRADING_VIEW_NOW);
        texts[i] = view_text(views[i], 64);
        for (size_t n = 0; n < 25; n++)
            desk_random(desk, &seed);
    }
    for (size_t i = 0; i < 4; i++) {
        char *text = view_text(views[i], 2);
        assert_string_equal(text, texts[i]);
        free(text);
        free(texts[i]);
        trading_view_close(views[i]);
    }
}

/* What views showed when they were of now, by the position that they stood at. */
struct album {
    char *texts[MOST];
    int64_t end;
};

static void picture(struct album *album, struct desk *desk)
{
    album->end = engine_durable(desk->engine);
    assert_true(album->end < MOST);
    if (!album->texts[album->end])
        album->texts[album->end] = text_now(desk);
}

static void live_a_while(struct album *album, struct desk *desk)
{
    uint64_t seed = SEED;
    picture(album, desk); /* of nothing */
    desk->ann = desk_trader(desk, "Ann", UNITS(10000));
    picture(album, desk);
    desk->bob = desk_trader(desk, "Bob", UNITS(9000));
    picture(album, desk);
    while (engine_durable(desk->engine) < EVENTS) {
        desk_random(desk, &seed);
        picture(album, desk);
    }
}

static void compare_past(struct album *album, struct desk *desk)
{
    for (int64_t position = 0; position <= album->end; position++) {
        int64_t end_of_commit = position;
        while (!album->texts[end_of_commit])
            end_of_commit++;
        trading_view *view = view_at(desk, position);
        assert_int_equal(trading_view_position(view), end_of_commit);
        char *text = view_text(view, 64);
        assert_string_equal(text, album->texts[end_of_commit]);
        free(text);
        trading_view_close(view);
    }
}

static void the_past_is_as_it_was(void **state)
{
    struct desk *desk = *state;
    struct album *album = calloc(1, sizeof *album);
    live_a_while(album, desk);
    compare_past(album, desk);
    assert_string_equal(album->texts[0], "at 0 0\n");
    for (size_t i = 0; i < MOST; i++)
        free(album->texts[i]);
    free(album);
}

/* The same from snapshots, taken on the way, and the journal behind each. */
static void the_past_is_rebuilt_from_snapshots(void **state)
{
    struct desk *desk = *state;
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.snapshot_events = 40;
    must(trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &error), &error);
    desk_open_store(desk, &options, "memory:");
    int64_t position;
    uint32_t chunks;
    the_past_is_as_it_was(state);
    must(desk->engine->ops->snapshot_find(desk->engine->store, ENGINE_PARTITION, EVENTS, &position, &chunks, &error), &error);
    assert_true(position > 0);
}

/* Turns a byte over in the middle of each file, or of every second. */
static void damage_snapshots(const char *folder, unsigned step)
{
    char path[512];
    snprintf(path, sizeof path, "%s/snapshots", folder);
    DIR *names = opendir(path);
    assert_non_null(names);
    unsigned at = 0;
    for (const struct dirent *entry; (entry = readdir(names));) {
        if (entry->d_name[0] == '.' || at++ % step)
            continue;
        snprintf(path, sizeof path, "%s/snapshots/%.200s", folder, entry->d_name);
        int file = open(path, O_RDWR | O_CLOEXEC);
        uint8_t byte = 0;
        off_t middle = lseek(file, 0, SEEK_END) / 2;
        assert_true(file >= 0 && pread(file, &byte, 1, middle) == 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(file, &byte, 1, middle), 1);
        close(file);
    }
    closedir(names);
    assert_true(at > 2);
}

static void forget_state(const char *folder)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf %s/state %s/state.mdb %s/keys", folder, folder, folder);
    assert_int_equal(system(command), 0);
}

/* Cuts off the end of the newest one's file, which is where it begins to be read. */
static void a_snapshot_that_was_cut_off_hides_none(void **state)
{
    struct desk *desk = *state;
    uint64_t seed = SEED;
    trading_error error;
    char folder[] = "/tmp/view-past-XXXXXX";
    char path[128];
    int64_t newest;
    int64_t older;
    uint32_t chunks;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "lmdb:%s", folder);
    desk_reopen(desk, 25, path);
    desk_morning(desk);
    while (engine_durable(desk->engine) < 200)
        desk_random(desk, &seed);
    trading_engine *engine = desk->engine;
    must(engine->ops->snapshot_find(engine->store, ENGINE_PARTITION, INT64_MAX, &newest, &chunks, &error), &error);
    must(engine->ops->snapshot_find(engine->store, ENGINE_PARTITION, newest - 1, &older, &chunks, &error), &error);
    snprintf(path, sizeof path, "%s/snapshots/%010u-%019lld.snap", folder, ENGINE_PARTITION, (long long)newest);
    assert_int_equal(truncate(path, 100), 0);
    struct domain domain = {0};
    must(engine_past_domain(engine, &domain, INT64_MAX, true, &error), &error);
    assert_int_equal(domain_mark(&domain)->next_position, older);
    domain_close(&domain);
    desk_reopen(desk, 0, "memory:");
    snprintf(path, sizeof path, "rm -r %s", folder);
    assert_int_equal(system(path), 0);
}

/* What is damaged is passed over: for an older snapshot, and for the journal in the end. */
static void damaged_snapshots_are_passed_over(void **state)
{
    struct desk *desk = *state;
    struct album *album = calloc(1, sizeof *album);
    char folder[] = "/tmp/view-past-XXXXXX";
    char uri[64];
    assert_non_null(mkdtemp(folder));
    snprintf(uri, sizeof uri, "lmdb:%s", folder);
    desk_reopen(desk, 25, uri);
    live_a_while(album, desk);
    for (unsigned step = 2; step > 0; step--) {
        damage_snapshots(folder, step);
        compare_past(album, desk);
        desk_reopen(desk, 0, "memory:");
        forget_state(folder);
        desk_reopen(desk, 0, uri);
        char *text = text_now(desk);
        assert_string_equal(text, album->texts[album->end]);
        free(text);
    }
    for (size_t i = 0; i < MOST; i++)
        free(album->texts[i]);
    free(album);
    desk_reopen(desk, 0, "memory:");
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

/* Each commit is a second after the one before it. */
static void a_time_shows_all_that_was_committed_until_then(void **state)
{
    struct desk *desk = *state;
    trading_error error;
    trading_time begin = desk->now;
    desk_morning(desk);
    trading_view *now = view_at(desk, TRADING_VIEW_NOW);
    int64_t before = -1;
    for (trading_time time = begin; time <= desk->now + 1; time += TRADING_NANOSECONDS_PER_SECOND / 2) {
        trading_view *view;
        must(trading_view_open_at_time(&view, desk->engine, time, &error), &error);
        assert_true(trading_view_time(view) <= time);
        assert_true(trading_view_position(view) >= before);
        assert_true(time == begin || time - trading_view_time(view) < TRADING_NANOSECONDS_PER_SECOND ||
                    trading_view_time(view) == 0);
        assert_int_equal(view->pin != NULL, time >= desk->now); /* the newest state is not rebuilt */
        before = trading_view_position(view);
        trading_view_close(view);
    }
    assert_int_equal(before, trading_view_position(now));
    trading_view_close(now);
}

static void a_latest_view_moves(void **state)
{
    struct desk *desk = *state;
    trading_account account = {.size = sizeof account};
    trading_error error;
    desk->ann = desk_trader(desk, "Ann", UNITS(1));
    trading_view *latest = view_at(desk, TRADING_VIEW_LATEST);
    trading_view *now = view_at(desk, TRADING_VIEW_NOW);
    desk_cash(desk, TRADING_COMMAND_DEPOSIT, &desk->ann.account, UNITS(2));
    must(trading_view_account(latest, &desk->ann.account, &account, &error), &error);
    assert_int_equal(account.balance, UNITS(3));
    assert_int_equal(account.position, engine_durable(desk->engine));
    assert_int_equal(trading_view_position(latest), engine_durable(desk->engine));
    assert_int_equal(trading_view_time(latest), desk->now);
    must(trading_view_account(now, &desk->ann.account, &account, &error), &error);
    assert_int_equal(account.balance, UNITS(1));
    trading_view_close(latest);
    trading_view_close(now);
}

/* An account that was opened after the view is not in it, although the index that all views share knows it. */
static void what_came_later_is_not_in_a_view(void **state)
{
    struct desk *desk = *state;
    desk->ann = desk_trader(desk, "Ann", UNITS(1));
    trading_view *now = view_at(desk, TRADING_VIEW_NOW);
    desk->bob = desk_trader(desk, "Bob", UNITS(1));
    trading_account account = {.size = sizeof account};
    trading_portfolio portfolio = {.size = sizeof portfolio};
    assert_int_equal(trading_view_account(now, &desk->bob.account, &account, NULL), TRADING_E_NOT_FOUND);
    assert_int_equal(trading_view_portfolio(now, &desk->bob.portfolio, &portfolio, NULL), TRADING_E_NOT_FOUND);
    trading_view_close(now);
}

static void a_view_expires_when_too_much_is_kept_for_it(void **state)
{
    struct desk *desk = *state;
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.view_bytes = 4096; /* less than the smallest piece of memory that keeps records */
    must(trading_engine_close(desk->engine, TRADING_CLOSE_DRAIN, &error), &error);
    desk_open_store(desk, &options, "memory:");
    desk_morning(desk);
    trading_view *view = view_at(desk, TRADING_VIEW_NOW);
    trading_view *latest = view_at(desk, TRADING_VIEW_LATEST);
    int64_t position = trading_view_position(view);
    uint64_t seed = SEED;
    for (size_t n = 0; n < 40; n++)
        desk_random(desk, &seed);

    trading_account account = {.size = sizeof account};
    trading_id id;
    uint64_t cursor = 0;
    size_t count;
    assert_int_equal(trading_view_account(view, &desk->ann.account, &account, &error), TRADING_E_VIEW_EXPIRED);
    assert_int_equal(error.flags, TRADING_ERROR_RETRYABLE);
    assert_int_equal(trading_view_accounts(view, &cursor, &id, 1, &count, NULL), TRADING_E_VIEW_EXPIRED);
    assert_int_equal(trading_view_position(view), position);
    must(trading_view_account(latest, &desk->ann.account, &account, &error), &error);
    trading_view_close(view);
    view = view_at(desk, TRADING_VIEW_NOW);
    must(trading_view_account(view, &desk->ann.account, &account, &error), &error);
    trading_view_close(view);
    view = view_at(desk, position); /* the journal does not expire */
    must(trading_view_account(view, &desk->ann.account, &account, &error), &error);
    assert_int_equal(account.balance, UNITS(9126));
    trading_view_close(view);
    trading_view_close(latest);
}

/* Poison stops deciding; what is durable is shown all the same. */
static void a_poisoned_engine_is_still_read(void **state)
{
    struct desk *desk = *state;
    desk_morning(desk);
    char *before = text_now(desk);
    engine_poison(desk->engine, TRADING_E_POISONED, "this test says so");
    char *after = text_now(desk);
    assert_string_equal(after, before);
    free(before);
    free(after);
}

int view_past_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pinned_view_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_past_is_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_past_is_rebuilt_from_snapshots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_snapshots_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_snapshot_that_was_cut_off_hides_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_time_shows_all_that_was_committed_until_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_latest_view_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_came_later_is_not_in_a_view, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_view_expires_when_too_much_is_kept_for_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_poisoned_engine_is_still_read, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("views of the past", tests, NULL, NULL);
}
