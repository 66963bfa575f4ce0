/* Appends of several partitions that share a transaction: what each is told, whatever becomes of the others and of the transaction. */
#include "backends/lmdb/journal.h"
#include "lmdb_faults.h"
#include "lmdb_support.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <sched.h>

enum { OTHERS = 7, FIRST = OTHERS };

struct fixture {
    char path[SCRATCH_PATH];
    struct folder folder;
    struct memory memory;
    struct journal journal;
};

/* One thread's append of one commit. Partition FIRST is that of who has the transaction for which the others wait. */
struct appender {
    struct fixture *fixture;
    pthread_t thread;
    uint32_t partition;
    int64_t position;
    size_t size; /* 0: a few bytes */
    int32_t code;
    trading_store_head head;
    trading_error error;
};

static void must_be_ok(int32_t code, const trading_error *error)
{
    if (code)
        fail_msg("%s", error->message);
}

static void open_journal(struct fixture *fixture)
{
    trading_error error;
    must_be_ok(folder_open(&fixture->folder, fixture->path, true, &error), &error);
    must_be_ok(journal_open(&fixture->journal, &fixture->folder, &fixture->memory, false, 0, &error), &error);
}

static void close_journal(struct fixture *fixture)
{
    journal_close(&fixture->journal);
    folder_close(&fixture->folder);
}

static int begin(void **state)
{
    static struct fixture fixture;
    memory_init(&fixture.memory);
    fail_next(NOTHING, 0, 0);
    scratch_make(fixture.path);
    open_journal(&fixture);
    *state = &fixture;
    return 0;
}

static int end(void **state)
{
    struct fixture *fixture = *state;
    close_journal(fixture);
    scratch_remove(fixture->path);
    return 0;
}

/* ---- appending ---- */

static void run_append(struct appender *appender)
{
    size_t size = appender->size ? appender->size : 10 + appender->partition;
    uint8_t *bytes = malloc(size);
    if (!bytes)
        abort();
    memset(bytes, (int)appender->partition + 1, size);
    trading_store_commit commit = {.first_position = appender->position, .event_count = 1, .data = bytes, .size = size};
    commit.nonce.bytes[0] = (uint8_t)(appender->partition + 1);
    appender->code =
        journal_append(&appender->fixture->journal, appender->partition, &commit, 1, &appender->head, &appender->error);
    free(bytes);
}

static void *append_in_thread(void *arg)
{
    run_append(arg);
    return NULL;
}

/* ---- a transaction that syncs while others come ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned flushes;
    bool held;
    bool released;
    enum failing next; /* what fails of the transaction after it */
} first = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The first flush waits until it is let go. What is to fail of the next transaction is said as late as it can be. */
static void hold_the_first(void)
{
    pthread_mutex_lock(&first.lock);
    bool is_first = first.flushes++ == 0;
    first.held = true;
    pthread_cond_broadcast(&first.changed);
    while (!first.released)
        pthread_cond_wait(&first.changed, &first.lock);
    pthread_mutex_unlock(&first.lock);
    if (is_first == (first.next != FLUSH))
        fail_next(first.next, EIO, first.next == META_STAYS ? 2 : 1);
}

static void start(struct appender *appender)
{
    assert_int_equal(pthread_create(&appender->thread, NULL, append_in_thread, appender), 0);
}

static size_t count_waiting(struct fixture *fixture)
{
    size_t count = 0;
    pthread_mutex_lock(&fixture->journal.appends.lock);
    for (const struct group_member *at = fixture->journal.appends.first; at; at = at->next)
        count++;
    pthread_mutex_unlock(&fixture->journal.appends.lock);
    return count;
}

/* The first append after a file was opened, or after one failed, flushes by itself what it says of the file. */
static void append_before(struct fixture *fixture)
{
    struct appender before = {.fixture = fixture, .partition = FIRST};
    trading_store_head head;
    must_be_ok(journal_head(&fixture->journal, FIRST, &head, &before.error), &before.error);
    before.position = head.next_position;
    run_append(&before);
    must_be_ok(before.code, &before.error);
}

/* Appends them while another's transaction syncs, in their order. Returns how many transactions that took. */
static uint64_t append_together(struct fixture *fixture, struct appender *appenders, size_t count, enum failing next)
{
    struct appender holder = {.fixture = fixture, .partition = FIRST};
    trading_store_head head;
    trading_error error;
    append_before(fixture);
    must_be_ok(journal_head(&fixture->journal, FIRST, &head, &error), &error);
    holder.position = head.next_position;
    uint64_t flushes = flushes_of_journals();
    first.flushes = 0;
    first.held = first.released = false;
    first.next = next;
    meanwhile_flushing(hold_the_first);
    start(&holder);
    pthread_mutex_lock(&first.lock);
    while (!first.held)
        pthread_cond_wait(&first.changed, &first.lock);
    pthread_mutex_unlock(&first.lock);
    for (size_t i = 0; i < count; i++) {
        appenders[i].fixture = fixture;
        start(&appenders[i]);
        while (count_waiting(fixture) <= i)
            sched_yield();
    }
    pthread_mutex_lock(&first.lock);
    first.released = true;
    pthread_cond_broadcast(&first.changed);
    pthread_mutex_unlock(&first.lock);
    for (size_t i = 0; i < count; i++)
        pthread_join(appenders[i].thread, NULL);
    pthread_join(holder.thread, NULL);
    meanwhile_flushing(NULL);
    must_be_ok(holder.code, &holder.error);
    return flushes_of_journals() - flushes - 1;
}

static void set_up(struct appender *appenders, int64_t position)
{
    for (uint32_t i = 0; i < OTHERS; i++)
        appenders[i] = (struct appender){.partition = i, .position = position};
}

/* ---- what is there then ---- */

struct visited {
    uint32_t partition;
    int64_t commits;
    bool wrong;
};

static int32_t visit(void *arg, const trading_store_commit *commit)
{
    struct visited *visited = arg;
    const uint8_t *bytes = commit->data;
    visited->wrong = visited->wrong || commit->first_position != visited->commits ||
                     commit->nonce.bytes[0] != visited->partition + 1 || bytes[0] != visited->partition + 1 ||
                     bytes[commit->size - 1] != visited->partition + 1;
    visited->commits++;
    return 0;
}

static void expect_commits(struct fixture *fixture, uint32_t partition, int64_t count)
{
    trading_error error;
    trading_store_head head;
    struct visited visited = {.partition = partition};
    must_be_ok(journal_head(&fixture->journal, partition, &head, &error), &error);
    assert_int_equal(head.next_position, count);
    assert_int_equal(head.nonce.bytes[0], count ? partition + 1 : 0);
    must_be_ok(journal_read(&fixture->journal, partition, 0, visit, &visited, &error), &error);
    assert_false(visited.wrong);
    assert_int_equal(visited.commits, count);
}

/* So many in each of the others, now and when it is opened anew, and the file is sound. */
static void expect_everywhere(struct fixture *fixture, int64_t count)
{
    for (int round = 0; round < 2; round++) {
        trading_error error;
        for (uint32_t i = 0; i < OTHERS; i++)
            expect_commits(fixture, i, count);
        must_be_ok(journal_check(&fixture->journal, &error), &error);
        close_journal(fixture);
        open_journal(fixture);
    }
}

/* All appends go together, and end the same. */
static void expect_of_all(struct fixture *fixture, int64_t position, enum failing next, int32_t code)
{
    struct appender appenders[OTHERS];
    set_up(appenders, position);
    append_together(fixture, appenders, OTHERS, next);
    for (size_t i = 0; i < OTHERS; i++) {
        assert_int_equal(appenders[i].code, code);
        if (code)
            assert_int_equal(appenders[i].error.code, code);
    }
}

/* ---- cases ---- */

static void one_transaction_for_all(void **state)
{
    struct appender appenders[OTHERS];
    for (int64_t position = 0; position < 3; position++) {
        set_up(appenders, position);
        assert_int_equal(append_together(*state, appenders, OTHERS, NOTHING), 1);
        for (size_t i = 0; i < OTHERS; i++) {
            must_be_ok(appenders[i].code, &appenders[i].error);
            assert_int_equal(appenders[i].head.next_position, position + 1);
            assert_int_equal(appenders[i].head.nonce.bytes[0], i + 1);
        }
    }
    expect_everywhere(*state, 3);
}

/* They come in any order of their partitions, of which those that are new are at first not in the file. */
static void from_the_last_partition_on(void **state)
{
    struct appender appenders[OTHERS];
    for (int64_t position = 0; position < 3; position++) {
        for (uint32_t i = 0; i < OTHERS; i++)
            appenders[i] = (struct appender){.partition = OTHERS - 1 - i, .position = position, .size = 3000};
        assert_int_equal(append_together(*state, appenders, OTHERS, NOTHING), 1);
    }
    expect_everywhere(*state, 3);
}

static void a_conflict_is_its_own(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t wrong = 0; wrong < OTHERS; wrong++) {
        struct appender appenders[OTHERS];
        set_up(appenders, wrong);
        appenders[wrong].position += 5;
        assert_int_equal(append_together(fixture, appenders, OTHERS, NOTHING), 1);
        for (uint32_t i = 0; i < OTHERS; i++) {
            assert_int_equal(appenders[i].code, i == wrong ? TRADING_E_POSITION : TRADING_OK);
            assert_int_equal(appenders[i].head.next_position, i == wrong ? wrong : wrong + 1);
        }
        appenders[wrong].position = wrong;
        run_append(&appenders[wrong]);
        must_be_ok(appenders[wrong].code, &appenders[wrong].error);
    }
    expect_everywhere(fixture, OTHERS);
}

static void nothing_but_conflicts(void **state)
{
    struct appender appenders[OTHERS];
    set_up(appenders, 1);
    assert_int_equal(append_together(*state, appenders, OTHERS, NOTHING), 0);
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(appenders[i].code, TRADING_E_POSITION);
    expect_everywhere(*state, 0);
}

static void all_fail_together(void **state)
{
    static const enum failing failures[] = {DATA, DATA_SHORT};
    expect_of_all(*state, 0, NOTHING, TRADING_OK);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        expect_of_all(*state, 1, failures[i], TRADING_E_IO);
    expect_everywhere(*state, 1);
    expect_of_all(*state, 1, NOTHING, TRADING_OK);
    expect_everywhere(*state, 2);
}

static void a_conflict_in_what_fails(void **state)
{
    struct appender appenders[OTHERS];
    set_up(appenders, 0);
    appenders[2].position = 9;
    append_together(*state, appenders, OTHERS, DATA);
    for (uint32_t i = 0; i < OTHERS; i++)
        assert_int_equal(appenders[i].code, i == 2 ? TRADING_E_POSITION : TRADING_E_IO);
    expect_everywhere(*state, 0);
}

static void unknown_to_all(void **state)
{
    expect_of_all(*state, 0, META, TRADING_E_OUTCOME_UNKNOWN);
    expect_everywhere(*state, 0); /* the old page was put back */
    expect_of_all(*state, 0, META_STAYS, TRADING_E_OUTCOME_UNKNOWN);
    expect_everywhere(*state, 1);
    expect_of_all(*state, 0, NOTHING, TRADING_E_POSITION);
    expect_of_all(*state, 1, NOTHING, TRADING_OK);
    expect_everywhere(*state, 2);
    expect_of_all(*state, 2, FLUSH, TRADING_E_OUTCOME_UNKNOWN);
    expect_everywhere(*state, 3); /* all was written, and flushed when somebody asked */
}

/* Of two that want the same position one has it, and the other is told. */
static void rivals_in_one_partition(void **state)
{
    struct appender rivals[3] = {{.partition = 1}, {.partition = 1}, {.partition = 0}};
    assert_int_equal(append_together(*state, rivals, 3, NOTHING), 2);
    must_be_ok(rivals[0].code, &rivals[0].error);
    assert_int_equal(rivals[1].code, TRADING_E_POSITION);
    assert_int_equal(rivals[1].head.next_position, 1);
    must_be_ok(rivals[2].code, &rivals[2].error);
    expect_commits(*state, 0, 1);
    expect_commits(*state, 1, 1);
}

static void large_ones_by_themselves(void **state)
{
    struct appender appenders[4] = {
        {.partition = 0}, {.partition = 1, .size = GROUP_BYTES}, {.partition = 2, .size = GROUP_BYTES * 2}, {.partition = 3}};
    assert_int_equal(append_together(*state, appenders, 4, NOTHING), 4);
    for (uint32_t i = 0; i < 4; i++) {
        must_be_ok(appenders[i].code, &appenders[i].error);
        expect_commits(*state, i, 1);
    }
}

/* ---- as they come ---- */

enum { STORM_APPENDS = 150 };

static _Atomic bool storm_ends;

static void *append_through(void *arg)
{
    struct appender *appender = arg;
    while (appender->position < STORM_APPENDS) {
        appender->size = appender->position % 10 ? 0 : 5000;
        run_append(appender);
        trading_store_head head;
        while (appender->code == TRADING_E_OUTCOME_UNKNOWN)
            if (!journal_head(&appender->fixture->journal, appender->partition, &head, &appender->error))
                appender->code = head.next_position > appender->position ? TRADING_OK : TRADING_E_IO;
        if (!appender->code)
            appender->position++;
        else if (appender->code != TRADING_E_IO)
            break;
    }
    return NULL;
}

static void *fail_now_and_then(void *arg)
{
    (void)arg;
    static const enum failing failures[] = {FLUSH, META, DATA, META_STAYS};
    for (uint32_t i = 0; !storm_ends; i++) {
        uint64_t flushes = flushes_of_journals();
        fail_next(failures[i % 4], EIO, i % 4 == 3 ? 2 : 1);
        while (!storm_ends && flushes_of_journals() < flushes + 40)
            sched_yield();
    }
    fail_next(NOTHING, 0, 0);
    return NULL;
}

static void through_a_storm(void **state)
{
    struct appender appenders[OTHERS];
    pthread_t faults;
    set_up(appenders, 0);
    storm_ends = false;
    assert_int_equal(pthread_create(&faults, NULL, fail_now_and_then, NULL), 0);
    for (size_t i = 0; i < OTHERS; i++) {
        appenders[i].fixture = *state;
        assert_int_equal(pthread_create(&appenders[i].thread, NULL, append_through, &appenders[i]), 0);
    }
    for (size_t i = 0; i < OTHERS; i++)
        pthread_join(appenders[i].thread, NULL);
    storm_ends = true;
    pthread_join(faults, NULL);
    for (size_t i = 0; i < OTHERS; i++)
        must_be_ok(appenders[i].code, &appenders[i].error);
    expect_everywhere(*state, STORM_APPENDS);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_transaction_for_all), CASE(from_the_last_partition_on), CASE(a_conflict_is_its_own),
        CASE(nothing_but_conflicts),   CASE(all_fail_together),          CASE(a_conflict_in_what_fails),
        CASE(unknown_to_all),          CASE(rivals_in_one_partition),    CASE(large_ones_by_themselves),
        CASE(through_a_storm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
