/* A bell wakes all who listen; who looked before it rang does not sleep through it, and may throw away at once what it waited for. */
#include "base/bell.h"
#include "base/monotonic.h"
#include "base_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define LISTENERS 8
#define WAITS     20000
#define ROUNDS    1000

/* What one listener waits for lies in memory of its own, gone once it was told. */
struct wish {
    _Atomic bool granted;
    int number;
};

struct chapel {
    struct bell bell;
    _Atomic(struct wish *) wishes[LISTENERS];
    _Atomic int leaving;
};

struct listener {
    struct chapel *chapel;
    size_t place;
};

static void *wait_again_and_again(void *arg)
{
    const struct listener *listener = arg;
    struct chapel *chapel = listener->chapel;
    for (int i = 0; i < WAITS; i++) {
        struct wish *wish = calloc(1, sizeof *wish);
        assert_non_null(wish);
        atomic_store(&chapel->wishes[listener->place], wish);
        while (!atomic_load(&wish->granted)) {
            uint32_t strokes = bell_strokes(&chapel->bell);
            if (!atomic_load(&wish->granted))
                bell_listen(&chapel->bell, strokes, NULL);
        }
        assert_int_equal(wish->number, i);
        free(wish);
    }
    atomic_fetch_add(&chapel->leaving, 1);
    return NULL;
}

/* Every wish that is there, and then one stroke for all. A stroke that was lost would leave its listener there for ever. */
static void grant(struct chapel *chapel, int *granted)
{
    bool any = false;
    for (size_t i = 0; i < LISTENERS; i++) {
        struct wish *wish = atomic_exchange(&chapel->wishes[i], NULL);
        if (!wish)
            continue;
        wish->number = granted[i]++;
        atomic_store(&wish->granted, true);
        any = true;
    }
    if (any)
        bell_ring(&chapel->bell);
    else
        sched_yield();
}

static void no_stroke_is_lost(void **state)
{
    (void)state;
    struct chapel chapel = {0};
    struct listener listeners[LISTENERS];
    pthread_t threads[LISTENERS];
    int granted[LISTENERS] = {0};
    for (size_t i = 0; i < LISTENERS; i++) {
        listeners[i] = (struct listener){.chapel = &chapel, .place = i};
        assert_int_equal(pthread_create(&threads[i], NULL, wait_again_and_again, &listeners[i]), 0);
    }
    while (atomic_load(&chapel.leaving) < LISTENERS)
        grant(&chapel, granted);
    for (size_t i = 0; i < LISTENERS; i++)
        pthread_join(threads[i], NULL);
}

static void a_stroke_before_listening_holds_nobody(void **state)
{
    (void)state;
    struct bell bell = {0};
    uint32_t strokes = bell_strokes(&bell);
    bell_ring(&bell);
    bell_listen(&bell, strokes, NULL);
    strokes = bell_strokes(&bell);
    bell_ring(&bell);
    bell_ring(&bell);
    bell_listen(&bell, strokes, NULL);
}

static void *listen_at_the_last_stroke(void *arg)
{
    bell_listen(arg, UINT32_MAX, NULL);
    return NULL;
}

/* After as many strokes as can be counted. In some of the rounds, if not in all, the listener sleeps by then. */
static void the_count_of_strokes_begins_anew(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct bell bell = {.state = UINT32_MAX - 1};
        pthread_t listener;
        assert_int_equal(pthread_create(&listener, NULL, listen_at_the_last_stroke, &bell), 0);
        while (atomic_load(&bell.state) != UINT32_MAX)
            sched_yield();
        bell_ring(&bell);
        pthread_join(listener, NULL);
    }
}

static void listening_ends_at_the_deadline(void **state)
{
    (void)state;
    struct bell bell = {0};
    struct timespec deadline = monotonic_after(1000000);
    while (!monotonic_has_passed(&deadline))
        bell_listen(&bell, bell_strokes(&bell), &deadline);
    bell_ring(&bell); /* nobody listens any more */
    bell_listen(&bell, bell_strokes(&bell), &deadline);
}

int bell_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stroke_is_lost),
        cmocka_unit_test(a_stroke_before_listening_holds_nobody),
        cmocka_unit_test(the_count_of_strokes_begins_anew),
        cmocka_unit_test(listening_ends_at_the_deadline),
    };
    return cmocka_run_group_tests_name("bell", tests, NULL, NULL);
}
