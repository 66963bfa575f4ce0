#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

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

void *memory_allocate(struct memory *memory, size_t bytes)
{
    void *block = memory->allocate(memory->context, bytes);
    if (block)
        atomic_fetch_add_explicit(&memory->bytes, bytes, memory_order_relaxed);
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
    atomic_fetch_sub_explicit(&memory->bytes, bytes, memory_order_relaxed);
    memory->release(memory->context, block, bytes);
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
