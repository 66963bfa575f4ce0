/* What the tests of src/state share: the suites, random numbers that are the same in every run, memory that runs out on demand. */
#ifndef STATE_TEST_H
#define STATE_TEST_H

#include "../plain_host.h"
#include "base/memory.h"
#include "state/store.h"

/* cmocka.h wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/single_threaded.h>

#include <cmocka.h>

/* A suite in which no second thread takes part: ThreadSanitizer has nothing to find there, and would take minutes over its millions of steps. The
 * other builds see to it that none does, and so these suites come first: the C library forgets no thread that ever was. */
#ifdef __SANITIZE_THREAD__
#define ALONE(suite) 0
#else
#define ALONE(suite) failed_alone(#suite, suite)
#endif

/* How many tests failed, and one more for having had a thread. */
static inline int failed_alone(const char *name, int (*suite)(void))
{
    int failed = suite();
    if (__libc_single_threaded)
        return failed;
    fprintf(stderr, "[  FAILED  ] %s: a thread was started; ThreadSanitizer has to see this suite\n", name);
    return failed + 1;
}

/* Whether the C library sees threads at all, told by suites that had some. */
static inline int failed_to_see_threads(void)
{
    if (!__libc_single_threaded)
        return 0;
    fprintf(stderr, "[  FAILED  ] the C library tells of no thread: nothing sees whether suites are alone\n");
    return 1;
}

/* Each runs its tests and returns how many failed. */
int tables_suite(void);
int model_suite(void);
int pins_suite(void);
int index_suite(void);
int index_readers_suite(void);
int checkpoint_suite(void);
int checkpoint_damage_suite(void);
int snapshot_suite(void);
int increment_suite(void);
int blocks_suite(void);
int blocks_readers_suite(void);

/* Begin with any value but zero. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline uint32_t random_below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)((random_next(state) >> 32) * bound >> 32);
}

/* For threads beside the one that runs the test, where cmocka's own checks cannot be used. */
#define CHECK_IN_THREAD(condition)                                                                                             \
    do {                                                                                                                       \
        if (!(condition)) {                                                                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                    \
            abort();                                                                                                           \
        }                                                                                                                      \
    } while (0)

/* An allocator that fills what it gives with rubbish, and refuses once `left` allocations were granted. */
struct scarce {
    struct memory memory;
    _Atomic uint64_t left;
};

static inline void *scarce_allocate(void *context, size_t bytes)
{
    struct scarce *scarce = context;
    uint64_t left = atomic_load(&scarce->left);
    do {
        if (!left)
            return NULL;
    } while (!atomic_compare_exchange_weak(&scarce->left, &left, left - 1));
    unsigned char *block = malloc(bytes);
    for (size_t i = 0; block && i < bytes; i += 8)
        block[i] = 0xa5;
    return block;
}

static inline void scarce_release(void *context, void *block, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(block);
}

static inline void scarce_init(struct scarce *scarce, uint64_t left)
{
    memory_init(&scarce->memory);
    scarce->memory.allocate = scarce_allocate;
    scarce->memory.release = scarce_release;
    scarce->memory.context = scarce;
    atomic_init(&scarce->left, left);
}

/* A state store in memory. */
static inline void state_store_open(struct state_store *store)
{
    store->ops = &memory_state_store_ops;
    if (store->ops->open("", false, &plain_host, &store->store, NULL))
        abort();
}

static inline uint64_t memory_held(struct memory *memory)
{
    return atomic_load(&memory->bytes);
}

#endif
