/* A bell wakes all who listen; who looked before it rang does not sleep through it, and may throw away at once what it waited for. */
#include "base/bell.h"
#include "base/monotonic.h"
#include "base_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define LISTENERS 24 /* more than one who rings wakes by itself */
#define WAITS     5000
#define ROUNDS    1000
#define STROKES   20
#define LOST      INT64_C(60000000000) /* nanoseconds after which a stroke does not come any more */

/* What one listener waits for lies in memory of its own, gone once it was told. */
struct wish {
    _Atomic bool granted;
    int number;
};

struct chapel {
    struct peal peal;
    bool peals; /* or only the first of the bells is there */
    _Atomic(struct wish *) wishes[LISTENERS];
    _Atomic int leaving;
    _Atomic bool opens;
    _Atomic int waiting; /* for that */
};

struct listener {
    struct chapel *chapel;
    size_t place;
};

static struct bell *bell_of(struct chapel *chapel)
{
    return chapel->peals ? peal_bell(&chapel->peal) : &chapel->peal.bells[0].bell;
}

static void ring(struct chapel *chapel)
{
    if (chapel->peals)
        peal_ring(&chapel->peal);
    else
        bell_ring(bell_of(chapel));
}

static void *wait_again_and_again(void *arg)
{
    const struct listener *listener = arg;
    struct chapel *chapel = listener->chapel;
    for (int i = 0; i < WAITS; i++) {
        struct wish *wish = calloc(1, sizeof *wish);
        assert_non_null(wish);
        struct timespec deadline = monotonic_after(LOST);
        atomic_store(&chapel->wishes[listener->place], wish);
        while (!atomic_load(&wish->granted)) {
            struct bell *bell = bell_of(chapel);
            uint32_t strokes = bell_strokes(bell);
            if (!atomic_load(&wish->granted))
                bell_listen(bell, strokes, &deadline);
        }
        assert_false(monotonic_has_passed(&deadline));
        assert_int_equal(wish->number, i);
        free(wish);
    }
    atomic_fetch_add(&chapel->leaving, 1);
    return NULL;
}

/* Every wish that is there, and then one stroke for all. */
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
        ring(chapel);
    else
        sched_yield();
}

static void listen_for_all(bool peals)
{
    struct chapel chapel = {.peals = peals};
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

static void no_stroke_is_lost(void **state)
{
    (void)state;
    listen_for_all(false);
}

static void no_stroke_of_a_peal_is_lost(void **state)
{
    (void)state;
    listen_for_all(true);
}

static void a_peal_rings_every_bell(void **state)
{
    (void)state;
    struct peal peal = {0};
    uint32_t strokes[PEAL_BELLS];
    for (unsigned i = 0; i < PEAL_BELLS; i++)
        strokes[i] = bell_strokes(&peal.bells[i].bell);
    peal_ring(&peal);
    for (unsigned i = 0; i < PEAL_BELLS; i++)
        assert_true(bell_strokes(&peal.bells[i].bell) != strokes[i]);
}

static void *wait_to_enter(void *arg)
{
    struct chapel *chapel = arg;
    struct timespec deadline = monotonic_after(LOST);
    atomic_fetch_add(&chapel->waiting, 1);
    while (!atomic_load(&chapel->opens)) {
        struct bell *bell = bell_of(chapel);
        uint32_t strokes = bell_strokes(bell);
        if (!atomic_load(&chapel->opens))
            bell_listen(bell, strokes, &deadline);
    }
    assert_false(monotonic_has_passed(&deadline));
    return NULL;
}

static void open_to_all(bool peals)
{
    struct chapel chapel = {.peals = peals};
    pthread_t threads[LISTENERS];
    for (size_t i = 0; i < LISTENERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_to_enter, &chapel), 0);
    while (atomic_load(&chapel.waiting) < LISTENERS)
        sched_yield();
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* most of them sleep by then */
    atomic_store(&chapel.opens, true);
    ring(&chapel);
    for (size_t i = 0; i < LISTENERS; i++)
        pthread_join(threads[i], NULL);
}

/* Who is woken wakes those whom the one that rang did not. */
static void one_stroke_wakes_all(void **state)
{
    (void)state;
    for (int i = 0; i < STROKES; i++) {
        open_to_all(false);
        open_to_all(true);
    }
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
        cmocka_unit_test(no_stroke_of_a_peal_is_lost),
        cmocka_unit_test(one_stroke_wakes_all),
        cmocka_unit_test(a_peal_rings_every_bell),
        cmocka_unit_test(a_stroke_before_listening_holds_nobody),
        cmocka_unit_test(the_count_of_strokes_begins_anew),
        cmocka_unit_test(listening_ends_at_the_deadline),
    };
    return cmocka_run_group_tests_name("bell", tests, NULL, NULL);
}
