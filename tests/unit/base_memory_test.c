#include "base/memory.h"
#include "base_test.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A host's allocator that counts, checks the sizes that come back, and refuses on demand. */
struct host {
    size_t held;
    size_t calls;
    int refuses;
};

static void *host_allocate(void *context, size_t bytes)
{
    struct host *host = context;
    host->calls++;
    if (host->refuses)
        return NULL;
    host->held += bytes;
    void *block = malloc(bytes);
    if (block)
        memset(block, 0xa5, bytes);
    return block;
}

static void host_release(void *context, void *memory, size_t bytes)
{
    struct host *host = context;
    host->held -= bytes;
    free(memory);
}

static void use_host(struct memory *memory, struct host *host)
{
    memory_init(memory);
    *host = (struct host){0};
    memory->allocate = host_allocate;
    memory->release = host_release;
    memory->context = host;
}

static uint64_t held(struct memory *memory)
{
    return atomic_load(&memory->bytes);
}

static void what_is_held_is_counted(void **state)
{
    (void)state;
    struct memory memory;
    memory_init(&memory);
    assert_true(held(&memory) == 0);
    void *block = memory_allocate(&memory, 100);
    unsigned char *zeros = memory_zeroed(&memory, 5, 4);
    assert_non_null(block);
    assert_non_null(zeros);
    assert_true(held(&memory) == 120);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(zeros[i], 0);
    memory_release(&memory, NULL, 0);
    memory_release(&memory, block, 100);
    memory_release(&memory, zeros, 20);
    assert_true(held(&memory) == 0);
}

static void refusals_are_not_counted(void **state)
{
    (void)state;
    struct memory memory;
    struct host host;
    use_host(&memory, &host);
    host.refuses = 1;
    assert_null(memory_allocate(&memory, 10));
    assert_null(memory_zeroed(&memory, 10, 10));
    assert_true(held(&memory) == 0);
    host.calls = 0;
    assert_null(memory_zeroed(&memory, SIZE_MAX / 2, 3)); /* never asked for, since it overflows */
    assert_int_equal(host.calls, 0);
}

static void zeroed_memory_is_zero(void **state)
{
    (void)state;
    struct memory memory;
    struct host host;
    use_host(&memory, &host);
    unsigned char *zeros = memory_zeroed(&memory, 7, 3);
    for (size_t i = 0; i < 21; i++)
        assert_int_equal(zeros[i], 0);
    memory_release(&memory, zeros, 21);
    assert_int_equal(host.held, 0);
}

static void arrays_grow_and_keep_their_contents(void **state)
{
    (void)state;
    struct memory memory;
    struct host host;
    use_host(&memory, &host);
    uint32_t *array = NULL;
    size_t capacity = 0;
    for (uint32_t count = 0; count < 1000; count++) {
        void *grown = array;
        assert_int_equal(memory_grow(&memory, &grown, &capacity, count + 1, sizeof *array), 0);
        array = grown;
        assert_true(capacity > count);
        array[count] = count;
        assert_int_equal(host.held, capacity * sizeof *array);
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(array[i], i);
    assert_in_range(host.calls, 1, 8); /* doubling from 16 to 1024 */
    assert_true(held(&memory) == host.held);
    memory_release(&memory, array, capacity * sizeof *array);
    assert_int_equal(host.held, 0);
}

static void growth_that_fails_changes_nothing(void **state)
{
    (void)state;
    struct memory memory;
    struct host host;
    use_host(&memory, &host);
    void *array = NULL;
    size_t capacity = 0;
    assert_int_equal(memory_grow(&memory, &array, &capacity, 0, 8), 0);
    assert_null(array);
    assert_int_equal(memory_grow(&memory, &array, &capacity, 16, 8), 0);
    assert_int_equal(capacity, 16);
    assert_int_equal(memory_grow(&memory, &array, &capacity, 32, 8), 0);
    assert_int_equal(capacity, 32);
    void *before = array;
    host.refuses = 1;
    assert_int_equal(memory_grow(&memory, &array, &capacity, 32, 8), 0); /* there is room */
    assert_int_equal(memory_grow(&memory, &array, &capacity, 33, 8), -1);
    host.refuses = 0;
    host.calls = 0;
    assert_int_equal(memory_grow(&memory, &array, &capacity, SIZE_MAX, 8), -1);
    assert_int_equal(memory_grow(&memory, &array, &capacity, SIZE_MAX / 4, 8), -1);
    assert_int_equal(host.calls, 0);
    assert_ptr_equal(array, before);
    assert_int_equal(capacity, 32);
    memory_release(&memory, array, capacity * 8);
    assert_int_equal(host.held, 0);
}

/* In pages of any size: where they are large ones, a small part of one can be given back as well. */
static void what_is_spread_is_zero_until_written(void **state)
{
    (void)state;
    const size_t sizes[] = {4096, (size_t)8 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *space = memory_reserve_spread(sizes[i]);
        assert_non_null(space);
        for (size_t at = 0; at < sizes[i]; at += 4096)
            assert_int_equal(space[at], 0);
        memset(space, 7, sizes[i]);
        memory_empty(space + sizes[i] - 4096, 4096);
        assert_int_equal(space[0], sizes[i] > 4096 ? 7 : 0);
        assert_int_equal(space[sizes[i] - 1], 0);
        memory_unreserve(space, sizes[i]);
    }
    assert_null(memory_reserve_spread(SIZE_MAX / 2));
}

/* What is opened piece by piece, wherever pieces end, keeps what was written into those before. */
static void what_is_claimed_is_opened_piece_by_piece(void **state)
{
    (void)state;
    const size_t pieces[] = {1000, 10000, (size_t)8 << 20, 5000};
    size_t bytes = ((size_t)1 << 30) + 1;
    unsigned char *space = memory_claim(bytes);
    assert_non_null(space);
    size_t at = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        assert_int_equal(memory_open(space + at, pieces[i]), 0);
        for (size_t end = at + pieces[i]; at < end; at++) {
            assert_int_equal(space[at], 0);
            space[at] = (unsigned char)(i + 1);
        }
    }
    for (size_t i = sizeof pieces / sizeof *pieces; i-- > 0; at -= pieces[i])
        assert_true(space[at - 1] == i + 1 && space[at - pieces[i]] == i + 1);
    memory_unreserve(space, bytes);
    assert_null(memory_claim(SIZE_MAX / 2));
    assert_int_equal(memory_open(space, SIZE_MAX / 2), -1);
}

#define PAGES 6u

/* Which pages of a space are memory. */
static void look_at(unsigned char *space, size_t page, unsigned char is_memory[PAGES])
{
    assert_int_equal(mincore(space, PAGES * page, is_memory), 0);
    for (size_t i = 0; i < PAGES; i++)
        is_memory[i] &= 1;
}

/* Of a system that can, and of all of them nothing changes that was there. */
static void what_is_made_ready_is_memory_and_no_more(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char is_memory[PAGES];
    unsigned char *space = memory_reserve(PAGES * page);
    assert_non_null(space);
    space[2 * page] = 7;
    bool can = madvise(space + 2 * page, page, MADV_POPULATE_WRITE) == 0;
    memory_ready(space + page + 100, 2 * page);
    look_at(space, page, is_memory);
    const unsigned char expected[PAGES] = {0, can, 1, can, 0, 0};
    assert_memory_equal(is_memory, expected, PAGES);
    for (size_t at = 0; at < PAGES * page; at++)
        assert_int_equal(space[at], at == 2 * page ? 7 : 0);
    memory_unreserve(space, PAGES * page);
}

int memory_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_counted),
        cmocka_unit_test(refusals_are_not_counted),
        cmocka_unit_test(zeroed_memory_is_zero),
        cmocka_unit_test(arrays_grow_and_keep_their_contents),
        cmocka_unit_test(growth_that_fails_changes_nothing),
        cmocka_unit_test(what_is_spread_is_zero_until_written),
        cmocka_unit_test(what_is_claimed_is_opened_piece_by_piece),
        cmocka_unit_test(what_is_made_ready_is_memory_and_no_more),
    };
    return cmocka_run_group_tests_name("base: memory", tests, NULL, NULL);
}
