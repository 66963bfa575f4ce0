/* The queue between many callers and one driver: nothing is lost or done twice, each caller's commands come in their order, and nobody sleeps
 * through an answer, room, or the end. A wake-up that is lost would leave a thread here for ever. */
#include "base/monotonic.h"
#include "engine/queue.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CALLERS ((size_t)16)
#define CALLS   5000
#define LIMIT   24 /* commands: fewer than all callers bring together, so that many wait for room */
#define LEAST   2  /* commands a call: as many as the driver ever waits for */
#define MOST    3
#define HELD    8 /* slices that are in flight together */

struct bed {
    struct memory memory;
    struct queue queue;
    trading_command commands[MOST];
    _Atomic size_t answered; /* calls */
    _Atomic size_t refused;
    size_t taken; /* commands, by the driver */
    uint32_t random;
};

static uint32_t draw(uint32_t *random)
{
    *random = *random * 1664525u + 1013904223u;
    return *random >> 16;
}

static void open_bed(struct bed *bed)
{
    *bed = (struct bed){.random = 1};
    memory_init(&bed->memory);
    queue_open(&bed->queue, &bed->memory, LIMIT);
}

static int32_t push(struct queue *queue, struct submission *submission, bool wait)
{
    int32_t code = queue_reserve(queue, submission->count, wait, NULL);
    return code ? code : queue_push(queue, submission, NULL);
}

/* ---- callers ---- */

static bool call(struct bed *bed, size_t count)
{
    trading_result results[MOST] = {0};
    struct submission submission = {
        .commands = bed->commands, .results = results, .count = count, .waits = true, .returns = true};
    if (push(&bed->queue, &submission, true) == TRADING_E_CLOSED)
        return false;
    queue_tell(&bed->queue);
    queue_await(&bed->queue, &submission);
    assert_int_equal(submission.taken, count);
    assert_int_equal(submission.answered, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(results[i].status, TRADING_STATUS_ACCEPTED);
    return true;
}

static void *call_again_and_again(void *arg)
{
    struct bed *bed = arg;
    uint32_t random = (uint32_t)(uintptr_t)&random;
    for (size_t i = 0; i < CALLS; i++)
        atomic_fetch_add(call(bed, LEAST + draw(&random) % (MOST - LEAST + 1)) ? &bed->answered : &bed->refused, 1);
    queue_leave(&bed->queue);
    return NULL;
}

/* ---- the driver ---- */

static void decide(const struct slice *slice)
{
    for (size_t i = slice->first; i < slice->first + slice->count; i++) {
        assert_int_equal(slice->submission->results[i].status, TRADING_STATUS_NONE);
        slice->submission->results[i].status = TRADING_STATUS_ACCEPTED;
    }
}

/* Whoever was answered runs some time, and the last of them says so. */
static void gather(struct bed *bed)
{
    struct timespec far = monotonic_after(INT64_C(60000000000));
    if (!queue_gather(&bed->queue, LIMIT, &far))
        assert_true(atomic_load(&bed->queue.stopped));
    assert_false(monotonic_has_passed(&far));
}

/* A batch of a few slices, of which the last may go back before it was decided. */
static void drive_batch(struct bed *bed)
{
    struct slice slices[HELD];
    size_t count = 0;
    while (count < HELD && (slices[count] = queue_take(&bed->queue, 1 + draw(&bed->random) % MOST)).count)
        count++;
    if (count)
        gather(bed);
    queue_turn(&bed->queue);
    if (count && draw(&bed->random) % 8 == 0)
        queue_return(&bed->queue, &slices[--count], 1);
    for (size_t i = 0; i < count; i++) {
        decide(&slices[i]);
        bed->taken += slices[i].count;
    }
    queue_answer(&bed->queue, slices, count);
}

static void *drive(void *arg)
{
    struct bed *bed = arg;
    while (queue_wait(&bed->queue, 1 + draw(&bed->random) % LEAST))
        while (!queue_is_empty(&bed->queue))
            drive_batch(bed);
    return NULL;
}

static void await_calls(struct bed *bed, size_t calls)
{
    while (atomic_load(&bed->answered) + atomic_load(&bed->refused) < calls)
        sched_yield();
}

static void run(size_t stop_after)
{
    struct bed bed;
    pthread_t driver;
    pthread_t callers[CALLERS];
    open_bed(&bed);
    assert_int_equal(pthread_create(&driver, NULL, drive, &bed), 0);
    for (size_t i = 0; i < CALLERS; i++) {
        queue_enter(&bed.queue); /* for the thread, which may start late */
        assert_int_equal(pthread_create(&callers[i], NULL, call_again_and_again, &bed), 0);
    }
    await_calls(&bed, stop_after);
    queue_stop(&bed.queue);
    pthread_join(driver, NULL);
    queue_end(&bed.queue);
    assert_int_equal(atomic_load(&bed.answered) + atomic_load(&bed.refused), CALLERS * CALLS);
    assert_int_equal(atomic_load(&bed.queue.commands), 0);
    assert_true(queue_is_empty(&bed.queue));
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    if (stop_after == CALLERS * CALLS)
        assert_int_equal(atomic_load(&bed.refused), 0);
    queue_close(&bed.queue);
}

static void test_every_call_is_answered(void **state)
{
    (void)state;
    run(CALLERS * CALLS);
}

static void test_stopping_answers_or_refuses_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < 10; i++)
        run(i * 1000);
}

/* ---- by itself ---- */

static void test_submissions_are_taken_in_their_order(void **state)
{
    (void)state;
    struct bed bed;
    struct submission submissions[5];
    trading_result results[5][MOST];
    open_bed(&bed);
    for (size_t i = 0; i < 5; i++) {
        submissions[i] = (struct submission){.results = results[i], .count = MOST, .tag = i};
        assert_int_equal(push(&bed.queue, &submissions[i], false), TRADING_OK);
        if (i == 2)
            assert_int_equal(queue_take(&bed.queue, 2).submission->tag, 0); /* the rest is behind, and more comes */
    }
    struct slice rest = queue_take(&bed.queue, LIMIT);
    assert_int_equal(rest.submission->tag, 0);
    assert_int_equal(rest.first, 2);
    struct slice next = queue_take(&bed.queue, LIMIT);
    assert_int_equal(next.submission->tag, 1);
    queue_return(&bed.queue, &next, 1);
    for (uint64_t i = 1; i < 5; i++)
        assert_int_equal(queue_take(&bed.queue, LIMIT).submission->tag, i);
    assert_int_equal(queue_take(&bed.queue, LIMIT).count, 0);
    queue_close(&bed.queue);
}

static void test_gathering_ends(void **state)
{
    (void)state;
    struct bed bed;
    trading_result result;
    struct submission submission = {.results = &result, .count = 1, .waits = true, .returns = true};
    struct timespec past = monotonic_after(0);
    struct timespec far = monotonic_after(INT64_C(60000000000));
    open_bed(&bed);
    assert_true(queue_gather(&bed.queue, 1, &far)); /* nobody was answered */
    assert_int_equal(push(&bed.queue, &submission, false), TRADING_OK);
    struct slice slice = queue_take(&bed.queue, 1);
    queue_answer(&bed.queue, &slice, 1);
    assert_true(queue_is_returned_to(&bed.queue));
    assert_false(queue_gather(&bed.queue, 1, &past)); /* it did not run yet */
    assert_int_equal(push(&bed.queue, &(struct submission){.count = 1}, false), TRADING_OK);
    assert_true(queue_gather(&bed.queue, 1, &far)); /* so many are there */
    queue_await(&bed.queue, &submission);
    assert_false(queue_is_returned_to(&bed.queue));
    assert_true(queue_gather(&bed.queue, 2, &far)); /* it ran */
    assert_int_equal(queue_take(&bed.queue, 1).count, 1);
    assert_false(queue_linger(&bed.queue));
    queue_close(&bed.queue);
}

static void test_a_stopped_queue_has_all_it_will_have(void **state)
{
    (void)state;
    struct bed bed;
    struct submission submission = {.count = 1};
    open_bed(&bed);
    assert_int_equal(push(&bed.queue, &submission, false), TRADING_OK);
    assert_false(queue_has(&bed.queue, 2));
    assert_int_equal(queue_reserve(&bed.queue, 1, false, NULL), TRADING_OK);
    queue_stop(&bed.queue);
    queue_stop(&bed.queue);
    assert_int_equal(push(&bed.queue, &(struct submission){.count = 1}, true), TRADING_E_CLOSED);
    struct submission reserved = {.count = 1, .waits = true, .returns = true};
    assert_int_equal(queue_push(&bed.queue, &reserved, NULL), TRADING_E_CLOSED);
    atomic_store(&reserved.done, true); /* as who finds it refused says to those who wait */
    queue_await(&bed.queue, &reserved);
    assert_false(queue_is_returned_to(&bed.queue));
    assert_true(queue_has(&bed.queue, 2));
    assert_int_equal(queue_take(&bed.queue, 8).count, 1);
    assert_false(queue_has(&bed.queue, 2));
    queue_close(&bed.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_is_answered),
        cmocka_unit_test(test_stopping_answers_or_refuses_every_call),
        cmocka_unit_test(test_submissions_are_taken_in_their_order),
        cmocka_unit_test(test_gathering_ends),
        cmocka_unit_test(test_a_stopped_queue_has_all_it_will_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
