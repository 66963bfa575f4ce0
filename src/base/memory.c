#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* which Linux knows by this number everywhere, and libraries by name since 2022 */
#endif

static void *allocate_with_malloc(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release_with_free(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

void memory_init(struct memory *memory)
{
    memory->allocate = allocate_with_malloc;
    memory->release = release_with_free;
    memory->context = NULL;
    atomic_init(&memory->bytes, 0);
}

void memory_hold(struct memory *memory, size_t bytes)
{
    atomic_fetch_add_explicit(&memory->bytes, bytes, memory_order_relaxed);
}

void memory_let_go(struct memory *memory, size_t bytes)
{
    atomic_fetch_sub_explicit(&memory->bytes, bytes, memory_order_relaxed);
}

void *memory_allocate(struct memory *memory, size_t bytes)
{
    void *block = memory->allocate(memory->context, bytes);
    if (block)
        memory_hold(memory, bytes);
    return block;
}

void *memory_zeroed(struct memory *memory, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    void *block = memory_allocate(memory, total);
    if (block)
        memset(block, 0, total);
    return block;
}

void memory_release(struct memory *memory, void *block, size_t bytes)
{
    if (!block)
        return;
    memory_let_go(memory, bytes);
    memory->release(memory->context, block, bytes);
}

void *memory_reserve(size_t bytes)
{
    void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return space == MAP_FAILED ? NULL : space;
}

/* A table that is smaller fits what a processor keeps of addresses, and would not be worth a page of 2 MiB that is half empty. */
#define SPREAD_BYTES ((size_t)4 << 20)

static void spread(void *space, size_t bytes)
{
    if (bytes >= SPREAD_BYTES)
        madvise(space, bytes, MADV_HUGEPAGE); /* advice: it works without */
}

void *memory_reserve_spread(size_t bytes)
{
    void *space = memory_reserve(bytes);
    if (space)
        spread(space, bytes);
    return space;
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Of the first page that has a part of it. */
static void *page_begin(void *piece)
{
    return (void *)((uintptr_t)piece / page_bytes() * page_bytes());
}

/* More than is wanted, of which both ends are given back. */
void *memory_claim(size_t bytes)
{
    size_t more;
    if (__builtin_add_overflow(bytes, MEMORY_LARGE_PAGE + page_bytes(), &more))
        return NULL;
    unsigned char *space = mmap(NULL, more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (space == MAP_FAILED)
        return NULL;
    unsigned char *begin = space + MEMORY_LARGE_PAGE - (uintptr_t)space % MEMORY_LARGE_PAGE;
    unsigned char *end = page_begin(begin + bytes + page_bytes() - 1);
    munmap(space, (size_t)(begin - space));
    munmap(end, (size_t)(space + more - end));
    return begin;
}

int memory_open(void *piece, size_t bytes)
{
    void *from = page_begin(piece);
    size_t whole = (uintptr_t)piece + bytes - (uintptr_t)from;
    if (mprotect(from, whole, PROT_READ | PROT_WRITE))
        return -1;
    spread(from, whole);
    return 0;
}

void memory_unreserve(void *space, size_t bytes)
{
    if (space)
        munmap(space, bytes);
}

void memory_empty(void *pages, size_t bytes)
{
    madvise(pages, bytes, MADV_DONTNEED);
}

int memory_move(void *pages, void *onto, size_t bytes)
{
    return mremap(pages, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, onto) == MAP_FAILED ? -1 : 0;
}

void memory_ready(void *pages, size_t bytes)
{
    void *from = page_begin(pages);
    madvise(from, (uintptr_t)pages + bytes - (uintptr_t)from, MADV_POPULATE_WRITE);
}

int memory_grow(struct memory *memory, void **array, size_t *capacity, size_t needed, size_t element)
{
    if (needed <= *capacity)
        return 0;
    size_t grown = *capacity ? *capacity : 16;
    while (grown < needed) {
        if (__builtin_mul_overflow(grown, (size_t)2, &grown))
            return -1;
    }
    size_t bytes;
    if (__builtin_mul_overflow(grown, element, &bytes))
        return -1;
    void *moved = memory_allocate(memory, bytes);
    if (!moved)
        return -1;
    if (*array)
        memcpy(moved, *array, *capacity * element);
    memory_release(memory, *array, *capacity * element);
    *array = moved;
    *capacity = grown;
    return 0;
}
