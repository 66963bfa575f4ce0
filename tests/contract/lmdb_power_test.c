/* The power is lost at any moment, and again while the store recovers from that: no commit is missing whose append had returned, what was under way is
 * there as a whole or not at all, and the store goes on (power.h).
 *
 * POWER_TRIALS is how many losses each workload meets, POWER_SEED makes the chances those of an earlier run. */
#include "lmdb_power_work.h"
#include "lmdb_support.h"
#include "power.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <inttypes.h>
#include <sys/wait.h>
#include <time.h>

enum {
    DEPTH = 3, /* losses in a row */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    TRIALS = 12,
#else
    TRIALS = 40,
#endif
    TRIALS_OF_A_RECORD = 20,
    KEPT_MOST = 3, /* folders that could not be recovered, to be looked at */
};

/* ---- what was promised ---- */

struct promises {
    struct promise of[PARTITIONS];
};

static void follow_marks(struct promises *promises, const struct power_record *record, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        struct mark mark;
        if (record->events[i].kind != POWER_MARKED)
            continue;
        memcpy(&mark, record->events[i].bytes, sizeof mark);
        promises->of[mark.partition] = (struct promise){.sure = mark.sure, .perhaps = mark.perhaps, .group = mark.group};
    }
}

/* ---- recovery ---- */

struct recovery {
    const char *folder;
    struct promises promises;
    uint64_t seed;
};

static int64_t check_partition(void *store, uint32_t partition, const struct promise *promise)
{
    struct extent extent = read_extent(store, partition);
    if (extent.code)
        complain("partition %" PRIu32 " cannot be read: %s", partition, extent.error.message);
    if (extent.wrong)
        complain("partition %" PRIu32 " has bytes that nobody wrote", partition);
    if (extent.end != promise->sure && extent.end != promise->perhaps)
        complain("partition %" PRIu32 " ends at %" PRId64 "; %" PRId64 " was promised, and %" PRId64 " was under way",
                 partition, extent.end, promise->sure, promise->perhaps);
    if (head_of(store, partition) != extent.end)
        complain("partition %" PRIu32 " has its head at %" PRId64 ", and ends at %" PRId64, partition,
                 head_of(store, partition), extent.end);
    return extent.end;
}

static void check_groups(const struct promises *promises, const int64_t ends[PARTITIONS])
{
    for (uint32_t a = 0; a < PARTITIONS; a++)
        for (uint32_t b = a + 1; b < PARTITIONS; b++) {
            const struct promise *one = &promises->of[a];
            const struct promise *other = &promises->of[b];
            if (one->group && one->group == other->group && (ends[a] == one->perhaps) != (ends[b] == other->perhaps))
                complain("partitions %" PRIu32 " and %" PRIu32 " appended together; one has it, the other has not", a, b);
        }
}

/* What is there is promised from now on. */
static void check_store(void *store, struct promises *promises)
{
    int64_t ends[PARTITIONS];
    trading_error error;
    for (uint32_t i = 0; i < PARTITIONS; i++)
        ends[i] = check_partition(store, i, &promises->of[i]);
    check_groups(promises, ends);
    if (lmdb_store_ops.check(store, &error))
        complain("it is not sound: %s", error.message);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        promises->of[i] = (struct promise){.sure = ends[i], .perhaps = ends[i]};
}

/* Who only reads is refused, or shown what is right, if perhaps not the newest (writer_lock.h). */
static void look(const char *folder, const struct promises *promises)
{
    void *reader;
    trading_error error;
    int32_t code = open_lmdb(folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &reader, &error);
    if (code == TRADING_E_READ_ONLY || code == TRADING_E_NOT_FOUND)
        return;
    if (code)
        complain("it does not open to be read: %s", error.message);
    for (uint32_t i = 0; i < PARTITIONS; i++) {
        struct extent extent = read_extent(reader, i);
        if (extent.code || extent.wrong || extent.end > promises->of[i].perhaps)
            complain("partition %" PRIu32 " is shown up to %" PRId64 ", and is wrong: %s", i, extent.end,
                     extent.code ? extent.error.message : "nobody wrote that");
    }
    if (lmdb_store_ops.check(reader, &error))
        complain("it is shown, and is not sound: %s", error.message);
    lmdb_store_ops.close(reader);
}

/* The process ends without closing the store. */
static void recover(void *arg)
{
    struct recovery *recovery = arg;
    struct promises *promises = &recovery->promises;
    look(recovery->folder, promises);
    void *store = open_store(recovery->folder);
    check_store(store, promises);
    mark_heads(store);
    for (int round = 0; round < 2; round++) {
        uint32_t partition = (uint32_t)power_random(&recovery->seed, PARTITIONS);
        append_some(store, partition, 1 + power_random(&recovery->seed, 2), 9000, &recovery->seed);
        promises->of[partition].sure = promises->of[partition].perhaps = head_of(store, partition);
        if (round == 0) {
            lmdb_store_ops.close(store);
            store = open_store(recovery->folder);
        }
        check_store(store, promises);
    }
}

/* ---- trials ---- */

static struct {
    struct power_record *records[DEPTH + 1]; /* of the workload, and of each recovery */
    uint64_t seed;
    uint64_t trials;
    uint64_t losses;
    uint64_t failed;
    unsigned kept;
} proof;

static void keep(const struct power_record *record, const struct power_loss *loss)
{
    char folder[SCRATCH_PATH];
    if (proof.kept++ >= KEPT_MOST)
        return;
    scratch_make(folder);
    power_lose(record, loss, folder);
    fprintf(stderr, "  the folder as it was left is kept: %s\n", folder);
}

static void report(const char *workload, int depth, uint64_t seed, const struct power_loss *loss, int status)
{
    char text[400];
    power_describe(loss, text, sizeof text);
    if (WIFSIGNALED(status))
        fprintf(stderr, "  the process ended by signal %d\n", WTERMSIG(status));
    fprintf(stderr,
            "  workload \"%s\", loss %d in a row of seed %" PRIu64 ", %" PRIu64 " losses so far (POWER_SEED=%" PRIu64
            "):\n  %s\n",
            workload, depth, seed, proof.losses, proof.seed, text);
}

/* Any; or as late as can be before a flush ends, when most is uncertain; or after something was promised, before anything else is done. */
static size_t draw_event(const struct power_record *record, size_t most, uint64_t *seed)
{
    enum { ANY, BEFORE_A_FLUSH, AFTER_A_PROMISE, KINDS };
    uint64_t which = power_random(seed, KINDS);
    size_t at = (size_t)power_random(seed, most + 1);
    if (which == BEFORE_A_FLUSH)
        while (at < most && record->events[at].kind != POWER_FLUSHED)
            at++;
    if (which == AFTER_A_PROMISE)
        while (at < most && (record->events[at].kind == POWER_MARKED || !at || record->events[at - 1].kind != POWER_MARKED))
            at++;
    return at;
}

/* Of a recovery, most often while it opens the store. */
static size_t draw_event_of_recovery(const struct power_record *record, uint64_t *seed)
{
    size_t opened = 0;
    while (opened < record->count && record->events[opened].kind != POWER_MARKED)
        opened++;
    return draw_event(record, power_random(seed, 3) ? opened : record->count, seed);
}

/* Loses the power at a moment of the record, recovers, and loses it again meanwhile. */
static void lose_power(const char *workload, int depth, struct promises promises, size_t at, uint64_t seed)
{
    char folder[SCRATCH_PATH];
    const struct power_record *record = proof.records[depth - 1];
    struct power_record *next = proof.records[depth];
    struct power_loss loss = power_draw(seed, at);
    follow_marks(&promises, record, at);
    scratch_make(folder);
    power_lose(record, &loss, folder);
    power_watch(next, folder, false);
    struct recovery recovery = {.folder = folder, .promises = promises, .seed = seed};
    int status = power_live(recover, &recovery);
    power_unwatch();
    proof.losses++;
    bool agrees = power_agrees(next, folder);
    scratch_remove(folder);
    if (status || !agrees) {
        proof.failed++;
        report(workload, depth, seed, &loss, status);
        keep(record, &loss);
    } else if (depth < DEPTH && power_random(&seed, (uint64_t)depth) == 0) {
        lose_power(workload, depth + 1, promises, draw_event_of_recovery(next, &seed), seed);
    }
}

struct workload {
    const char *name;
    void (*life)(void *arg);
    int lives;
    bool killed;  /* each life may end at any event */
    bool flushes; /* for real, which takes time: so appends meet */
};

static void record_workload(const struct workload *workload, const char *folder, uint64_t seed)
{
    struct power_record *record = proof.records[0];
    power_watch(record, folder, workload->flushes);
    for (int i = 0; i < workload->lives; i++) {
        uint64_t chance = seed + (uint64_t)i;
        struct run run = {.folder = folder, .seed = chance, .die_at = SIZE_MAX};
        if (workload->killed) {
            run.die_at = record->count + power_random(&chance, 100);
            run.dies_late = power_random(&chance, 2);
        }
        assert_int_equal(power_live(workload->life, &run), 0);
        power_die_at(SIZE_MAX, false);
    }
    power_unwatch();
    assert_true(power_agrees(record, folder));
}

static void prove(const struct workload *workload)
{
    uint64_t failed = proof.failed;
    uint64_t seed = proof.seed;
    for (uint64_t i = 0; i < proof.trials; i++) {
        if (i % TRIALS_OF_A_RECORD == 0) {
            char folder[SCRATCH_PATH];
            scratch_make(folder);
            record_workload(workload, folder, power_random(&seed, UINT64_MAX));
            scratch_remove(folder);
        }
        size_t at = draw_event(proof.records[0], proof.records[0]->count, &seed);
        lose_power(workload->name, 1, (struct promises){0}, at, power_random(&seed, UINT64_MAX));
    }
    if (proof.failed > failed)
        fail_msg("%" PRIu64 " of %" PRIu64 " losses of power were not survived", proof.failed - failed, proof.trials);
}

#define POWER_CASE(name, ...)                                                                                                  \
    static void name(void **state)                                                                                             \
    {                                                                                                                          \
        (void)state;                                                                                                           \
        static const struct workload workload = {#name, __VA_ARGS__};                                                          \
        prove(&workload);                                                                                                      \
    }

POWER_CASE(many_small_commits, work_small_commits, .lives = 1)
POWER_CASE(commits_of_many_pages, work_large_commits, .lives = 1)
POWER_CASE(several_commits_and_partitions, work_several_commits, .lives = 1)
POWER_CASE(appends_from_threads, work_in_threads, .lives = 1, .flushes = true)
POWER_CASE(appends_that_share_a_transaction, work_in_groups, .lives = 1)
POWER_CASE(opened_again_and_again, work_a_short_life, .lives = 5)
POWER_CASE(killed_again_and_again, work_a_short_life, .lives = 8, .killed = true)

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_small_commits),
        cmocka_unit_test(commits_of_many_pages),
        cmocka_unit_test(several_commits_and_partitions),
        cmocka_unit_test(appends_from_threads),
        cmocka_unit_test(appends_that_share_a_transaction),
        cmocka_unit_test(opened_again_and_again),
        cmocka_unit_test(killed_again_and_again),
    };
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    proof.seed = number_of("POWER_SEED", (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    proof.trials = number_of("POWER_TRIALS", TRIALS);
    for (int i = 0; i <= DEPTH; i++)
        proof.records[i] = power_record_make();
    printf("POWER_SEED=%" PRIu64 " POWER_TRIALS=%" PRIu64 "\n", proof.seed, proof.trials);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%" PRIu64 " losses of power, %" PRIu64 " not survived\n", proof.losses, proof.failed);
    return failed;
}
