/* Who leads, whom the group has, and who waits for whom: backends/lmdb/group_commit.h with work that only takes note, and a clock that stands
 * unless it is moved. So who waits where nobody is to be waited for waits for ever. */
#include "backends/lmdb/group_commit.h"
#include "base/monotonic.h"

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

enum { MOST = 100, A = 0, B = 1, C = 2 };

#define MILLISECOND INT64_C(1000000)

struct group_seen {
    size_t count;
    uint32_t names[GROUP_MEMBERS];
    pthread_t leader;
};

struct joining {
    pthread_t thread;
    struct group_member member;
};

static struct {
    struct group_commit group;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    struct group_seen seen[MOST];
    size_t begun;
    size_t let_go; /* so many may end */
    int64_t takes;
    struct joining joining[MOST];
} bed = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Atomic int64_t clock_time;

static int64_t test_clock(void)
{
    return clock_time;
}

static void note_group(void *arg, struct group_member *first)
{
    (void)arg;
    pthread_mutex_lock(&bed.lock);
    struct group_seen *seen = &bed.seen[bed.begun++];
    seen->count = 0;
    seen->leader = pthread_self();
    for (const struct group_member *at = first; at; at = at->next)
        seen->names[seen->count++] = at->name;
    pthread_cond_broadcast(&bed.changed);
    while (bed.let_go < bed.begun)
        pthread_cond_wait(&bed.changed, &bed.lock);
    pthread_mutex_unlock(&bed.lock);
    clock_time += bed.takes;
}

static int begin(void **state)
{
    (void)state;
    group_commit_open(&bed.group, note_group, NULL);
    bed.group.now = test_clock;
    clock_time = 1000 * MILLISECOND;
    bed.begun = bed.let_go = 0;
    bed.takes = MILLISECOND;
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_null(bed.group.first);
    assert_false(bed.group.working);
    group_commit_close(&bed.group);
    return 0;
}

/* ---- steps ---- */

static void *join_group(void *arg)
{
    struct joining *joining = arg;
    group_commit_join(&bed.group, &joining->member);
    return NULL;
}

static size_t count_waiting(void)
{
    size_t count = 0;
    pthread_mutex_lock(&bed.group.lock);
    for (const struct group_member *at = bed.group.first; at; at = at->next)
        count++;
    pthread_mutex_unlock(&bed.group.lock);
    return count;
}

static void await_begun(size_t count)
{
    pthread_mutex_lock(&bed.lock);
    while (bed.begun < count)
        pthread_cond_wait(&bed.changed, &bed.lock);
    pthread_mutex_unlock(&bed.lock);
}

static size_t begun(void)
{
    pthread_mutex_lock(&bed.lock);
    size_t count = bed.begun;
    pthread_mutex_unlock(&bed.lock);
    return count;
}

static void let_go(size_t count)
{
    pthread_mutex_lock(&bed.lock);
    bed.let_go = count;
    pthread_cond_broadcast(&bed.changed);
    pthread_mutex_unlock(&bed.lock);
}

static struct joining *start(size_t slot, uint32_t name, uint64_t bytes)
{
    struct joining *joining = &bed.joining[slot];
    joining->member = (struct group_member){.name = name, .bytes = bytes};
    assert_int_equal(pthread_create(&joining->thread, NULL, join_group, joining), 0);
    return joining;
}

/* Starts it and returns once it waits, as the next of so many. */
static void start_waiting(size_t slot, uint32_t name, uint64_t bytes, size_t waiting)
{
    start(slot, name, bytes);
    while (count_waiting() < waiting)
        sched_yield();
}

/* Starts it, to lead the group of this number, and returns once that works. */
static void start_leading(size_t slot, uint32_t name, size_t number)
{
    start(slot, name, 1);
    await_begun(number);
}

static void finish(size_t slot)
{
    pthread_join(bed.joining[slot].thread, NULL);
}

static void expect_group(size_t number, size_t count, const uint32_t *names)
{
    const struct group_seen *seen = &bed.seen[number - 1];
    assert_int_equal(seen->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seen->names[i], names[i]);
}

#define EXPECT_GROUP(number, ...)                                                                                              \
    expect_group(number, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (const uint32_t[]){__VA_ARGS__})

/* ---- groups ---- */

/* Also where others were before it, and were back at once. */
static void who_is_alone_leads(void **state)
{
    (void)state;
    let_go(MOST);
    for (uint32_t i = 0; i < 20; i++) {
        struct group_member member = {.name = i / 3 % 3, .bytes = i % 2 ? 1 : GROUP_BYTES * 2};
        group_commit_join(&bed.group, &member);
        assert_int_equal(begun(), i + 1);
        EXPECT_GROUP(i + 1, i / 3 % 3);
        assert_true(pthread_equal(bed.seen[i].leader, pthread_self()));
    }
}

static void who_comes_meanwhile_is_in_the_next(void **state)
{
    (void)state;
    start_leading(0, 9, 1);
    for (uint32_t i = 1; i <= 8; i++)
        start_waiting(i, 9 - i, 1, i);
    let_go(2);
    for (size_t i = 0; i <= 8; i++)
        finish(i);
    assert_int_equal(begun(), 2);
    EXPECT_GROUP(1, 9);
    EXPECT_GROUP(2, 8, 7, 6, 5, 4, 3, 2, 1);
}

static void namesakes_one_after_another(void **state)
{
    (void)state;
    static const uint32_t names[] = {A, B, A, C, C, A};
    start_leading(0, 9, 1);
    for (size_t i = 0; i < 6; i++)
        start_waiting(i + 1, names[i], 1, i + 1);
    let_go(MOST);
    for (size_t i = 0; i <= 6; i++)
        finish(i);
    assert_int_equal(begun(), 4);
    EXPECT_GROUP(2, A, B);
    EXPECT_GROUP(3, A, C);
    EXPECT_GROUP(4, C, A);
}

static void so_many_bytes_together(void **state)
{
    (void)state;
    static const uint64_t bytes[] = {GROUP_BYTES / 2, GROUP_BYTES / 2, 1, GROUP_BYTES + 1, UINT64_C(1) << 30, 1, GROUP_BYTES};
    start_leading(0, 9, 1);
    for (size_t i = 0; i < 7; i++)
        start_waiting(i + 1, (uint32_t)i, bytes[i], i + 1);
    let_go(MOST);
    for (size_t i = 0; i <= 7; i++)
        finish(i);
    assert_int_equal(begun(), 7);
    EXPECT_GROUP(2, 0, 1);
    EXPECT_GROUP(3, 2);
    EXPECT_GROUP(4, 3);
    EXPECT_GROUP(5, 4);
    EXPECT_GROUP(6, 5);
    EXPECT_GROUP(7, 6);
}

static void so_many_together(void **state)
{
    (void)state;
    start_leading(0, MOST, 1);
    for (size_t i = 1; i < MOST; i++)
        start_waiting(i, (uint32_t)i, 1, i);
    let_go(MOST);
    for (size_t i = 0; i < MOST; i++)
        finish(i);
    assert_int_equal(begun(), 3);
    assert_int_equal(bed.seen[1].count, GROUP_MEMBERS);
    assert_int_equal(bed.seen[2].count, MOST - 1 - GROUP_MEMBERS);
    assert_int_equal(bed.seen[2].names[0], GROUP_MEMBERS + 1);
}

/* ---- waiting for who is back in a moment ---- */

/* A and B take turns, each back at once, until the third group, A's, has ended and B waits. */
static void take_turns(uint64_t bytes)
{
    start(0, A, bytes);
    await_begun(1);
    start_waiting(1, B, bytes, 1);
    let_go(1);
    finish(0);
    await_begun(2);
    start_waiting(0, A, bytes, 1);
    let_go(2);
    finish(1);
    await_begun(3);
    start_waiting(1, B, bytes, 1);
    let_go(3);
    finish(0);
    EXPECT_GROUP(1, A);
    EXPECT_GROUP(2, B);
    EXPECT_GROUP(3, A);
}

static void they_meet(void **state)
{
    (void)state;
    take_turns(1);
    assert_int_equal(begun(), 3);
    const struct joining *last = start(0, A, 1);
    await_begun(4);
    EXPECT_GROUP(4, B, A);
    assert_true(pthread_equal(bed.seen[3].leader, last->thread)); /* who is awake already */
    let_go(4);
    finish(0);
    finish(1);
    for (size_t number = 5; number < 20; number++) { /* and stay together */
        size_t early = number % 2;
        start_waiting(early, (uint32_t)early, 1, 1);
        start(1 - early, (uint32_t)(1 - early), 1);
        await_begun(number);
        assert_int_equal(bed.seen[number - 1].count, 2);
        let_go(number);
        finish(A);
        finish(B);
    }
}

/* In vain, for half as long as the work takes; and then no more. */
static void one_stays_away(void **state)
{
    (void)state;
    take_turns(1);
    clock_time += bed.takes / 2 - 1;
    assert_int_equal(count_waiting(), 1);
    assert_int_equal(begun(), 3);
    clock_time += 1;
    await_begun(4);
    EXPECT_GROUP(4, B);
    let_go(MOST);
    finish(1);
    for (size_t number = 5; number < 10; number++) {
        start(1, B, 1);
        finish(1);
        assert_int_equal(begun(), number);
    }
}

/* Who is not back at once is not expected the next time. */
static void one_takes_its_time(void **state)
{
    (void)state;
    start_leading(0, A, 1);
    start_waiting(1, B, 1, 1);
    let_go(1);
    finish(0);
    await_begun(2);
    clock_time += bed.takes / 2 + 1;
    start_waiting(0, A, 1, 1);
    let_go(2);
    finish(1);
    await_begun(3);
    start_waiting(1, B, 1, 1);
    let_go(3);
    await_begun(4); /* though A may be back in a moment */
    EXPECT_GROUP(4, B);
    let_go(MOST);
    finish(0);
    finish(1);
}

static void short_work_is_not_waited_for(void **state)
{
    (void)state;
    bed.takes = 10000;
    take_turns(1);
    await_begun(4);
    EXPECT_GROUP(4, B);
    let_go(4);
    finish(1);
}

static void large_ones_are_not_waited_for(void **state)
{
    (void)state;
    take_turns(GROUP_BYTES);
    await_begun(4);
    EXPECT_GROUP(4, B);
    let_go(4);
    finish(1);
}

/* One long stall of the disk does not make the next wait as long. */
static void a_stall_is_forgotten(void **state)
{
    (void)state;
    let_go(MOST);
    struct group_member member = {.name = A};
    group_commit_join(&bed.group, &member);
    bed.takes = 1000 * MILLISECOND;
    group_commit_join(&bed.group, &member);
    bed.takes = MILLISECOND;
    assert_in_range(bed.group.usual, MILLISECOND, 130 * MILLISECOND);
    group_commit_join(&bed.group, &member);
    assert_int_equal(bed.group.usual, MILLISECOND);
}

/* ---- as they come ---- */

enum { CROWD = 8, TIMES = 3000, NAMES = 6 };

static struct {
    struct group_commit group;
    _Atomic unsigned working;
    uint64_t done;
    uint64_t groups;
    bool wrong;
} crowd;

static void work_of_crowd(void *arg, struct group_member *first)
{
    (void)arg;
    uint64_t bytes = 0;
    uint32_t names = 0;
    crowd.wrong = crowd.wrong || atomic_fetch_add(&crowd.working, 1);
    for (const struct group_member *at = first; at; at = at->next) {
        crowd.wrong = crowd.wrong || names & 1u << at->name;
        names |= 1u << at->name;
        bytes += at->bytes;
        crowd.done++;
    }
    crowd.wrong = crowd.wrong || (names & (names - 1) && bytes > GROUP_BYTES); /* of more than one */
    crowd.groups++;
    if (crowd.groups % 3)
        sched_yield();
    atomic_fetch_sub(&crowd.working, 1);
}

static void *join_often(void *arg)
{
    uint32_t number = (uint32_t)(uintptr_t)arg;
    for (uint32_t i = 0; i < TIMES; i++) {
        struct group_member member = {.name = (number + i / 7) % NAMES, .bytes = i % 50 ? 1000 : GROUP_BYTES};
        group_commit_join(&crowd.group, &member);
    }
    return NULL;
}

static void in_a_crowd(void **state)
{
    (void)state;
    pthread_t threads[CROWD];
    group_commit_open(&crowd.group, work_of_crowd, NULL);
    for (uintptr_t i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_often, (void *)i), 0);
    for (size_t i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_false(crowd.wrong);
    assert_int_equal(crowd.done, CROWD * TIMES);
    group_commit_close(&crowd.group);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(who_is_alone_leads),
        CASE(who_comes_meanwhile_is_in_the_next),
        CASE(namesakes_one_after_another),
        CASE(so_many_bytes_together),
        CASE(so_many_together),
        CASE(they_meet),
        CASE(one_stays_away),
        CASE(one_takes_its_time),
        CASE(short_work_is_not_waited_for),
        CASE(large_ones_are_not_waited_for),
        CASE(a_stall_is_forgotten),
        cmocka_unit_test(in_a_crowd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
