/* A read transaction that is interrupted anywhere while it begins sees the newest commit or one that ended meanwhile, never one that
 * is being written, and never an older one than the one before it saw. */
#include "backends/lmdb/environment.h"
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

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

/* Interruptions at random points, of which few are at the instructions that matter. */
enum { INTERRUPTIONS = 6000, PATIENCE_MS = 20 };

/* The reader is interrupted, and goes on within the second commit that is written after that, where its page is written and is not known
 * to LMDB; that commit waits until it has read twice. */
enum step { READING, INTERRUPTED, COMMITTED_ONCE, WITHIN_COMMIT };

static _Atomic int step;
static _Atomic uint64_t reads;
static _Atomic bool finished;

struct work {
    struct environment *environment;
    const char *_Atomic failed; /* what went wrong, of the reader or the writer */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The reader may hold what the writer waits for (malloc's lock); so nobody waits for ever. */
static void wait_while_step_is(int a, int b)
{
    int64_t end = now_ms() + PATIENCE_MS;
    for (int at = atomic_load(&step); (at == a || at == b) && now_ms() < end; at = atomic_load(&step))
        sched_yield();
}

static void interrupt(int signal)
{
    (void)signal;
    atomic_store(&step, INTERRUPTED);
    wait_while_step_is(INTERRUPTED, COMMITTED_ONCE);
}

static void publish(void)
{
    int interrupted = INTERRUPTED;
    if (atomic_compare_exchange_strong(&step, &interrupted, COMMITTED_ONCE) || interrupted != COMMITTED_ONCE)
        return;
    uint64_t before = atomic_load(&reads);
    int64_t end = now_ms() + PATIENCE_MS;
    atomic_store(&step, WITHIN_COMMIT);
    while (atomic_load(&reads) < before + 2 && now_ms() < end)
        sched_yield();
    atomic_store(&step, READING);
}

/* Until the interrupted read and the next are over, leaving both processors to others. */
static void interrupt_once(pthread_t reader_thread)
{
    uint64_t before = atomic_load(&reads);
    pthread_kill(reader_thread, SIGUSR1);
    while (atomic_load(&step) != READING || atomic_load(&reads) < before + 2)
        nanosleep(&(struct timespec){.tv_nsec = 10000}, NULL);
}

static MDB_val the_key(void)
{
    return mdb_bytes("number", strlen("number"));
}

static int write_number(struct environment *environment, uint64_t number)
{
    MDB_txn *txn;
    int failure = mdb_txn_begin(environment->env, NULL, 0, &txn);
    if (failure)
        return failure;
    MDB_val key = the_key();
    MDB_val value = mdb_bytes(&number, sizeof number);
    failure = mdb_put(txn, environment->dbi, &key, &value, 0);
    if (!failure)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return failure;
}

static int read_number(struct environment *environment, uint64_t *number)
{
    MDB_txn *txn;
    int failure = environment_begin_read(environment, &txn);
    if (failure)
        return failure;
    MDB_val key = the_key();
    MDB_val value;
    failure = mdb_get(txn, environment->dbi, &key, &value);
    if (!failure)
        memcpy(number, value.mv_data, sizeof *number);
    mdb_txn_abort(txn);
    return failure;
}

static void *write_always(void *arg)
{
    struct work *work = arg;
    for (uint64_t number = 2; !atomic_load(&finished); number++)
        if (write_number(work->environment, number))
            work->failed = "a commit failed";
    return NULL;
}

static void *read_always(void *arg)
{
    struct work *work = arg;
    uint64_t last = 0;
    while (!atomic_load(&finished)) {
        uint64_t number = 0;
        if (read_number(work->environment, &number))
            work->failed = "a read failed";
        if (number < last)
            work->failed = "a read saw an older commit than the one before it";
        last = number;
        atomic_fetch_add(&reads, 1);
    }
    return NULL;
}

static void open_environment(struct environment *environment, const char *path)
{
    struct folder folder;
    trading_error error;
    int32_t code = folder_open(&folder, path, true, &error);
    if (!code)
        code = environment_create(&folder, "numbers.mdb", &state_kind, &error);
    if (!code) /* without a flush: what the disk has does not matter here */
        code = environment_open(environment, &folder, "numbers.mdb", 0, MDB_NOTLS | MDB_NOSYNC, &error);
    if (code)
        fail_msg("%s", error.message);
    folder_close(&folder);
    assert_int_equal(write_number(environment, 1), 0);
}

static void a_reader_is_interrupted(void **state)
{
    struct environment environment;
    open_environment(&environment, *state);
    struct sigaction action = {.sa_handler = interrupt};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    meanwhile_publishing(publish);
    struct work writer = {.environment = &environment};
    struct work reader = {.environment = &environment};
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, write_always, &writer), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, read_always, &reader), 0);
    for (int i = 0; i < INTERRUPTIONS && !reader.failed; i++)
        interrupt_once(threads[1]);
    atomic_store(&finished, true);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    meanwhile_publishing(NULL);
    environment_close(&environment);
    const char *failed = writer.failed ? writer.failed : reader.failed;
    if (failed)
        fail_msg("%s", failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDER_CASE(a_reader_is_interrupted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
