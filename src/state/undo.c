#include "state/undo.h"

static const uint32_t sizes[UNDO_KINDS] = {4096, 16384, 65536};

#define SPACE_MOST   (((uint64_t)UINT32_MAX + 1) * UNDO_UNIT)
#define SPACE_STAGES (UINT64_C(1) << 30) /* for what is in flight */
#define SPARE_BYTES  (UINT64_C(8) << 20) /* held for the next batches; what a monster batch took goes back */

int undo_open(struct undo *undo, struct memory *memory, uint64_t kept_bytes)
{
    uint64_t reserved = kept_bytes < SPACE_MOST - SPACE_STAGES ? kept_bytes + SPACE_STAGES : SPACE_MOST;
    *undo = (struct undo){.memory = memory, .reserved = reserved, .taken = sizes[0]}; /* name 0 is none */
    undo->space = memory_reserve(reserved);
    return undo->space ? 0 : -1;
}

static void release(struct undo *undo, struct chunk *chunk, bool held)
{
    for (struct chunk *next; chunk; chunk = next) {
        next = chunk->next;
        if (held)
            memory_let_go(undo->memory, chunk->size);
        memory_release(undo->memory, chunk, sizeof *chunk);
    }
}

void undo_close(struct undo *undo)
{
    for (uint32_t kind = 0; kind < UNDO_KINDS; kind++) {
        release(undo, undo->spare[kind], true);
        release(undo, undo->bare[kind], false);
    }
    memory_unreserve(undo->space, undo->reserved);
}

static struct chunk *chunk_new(struct undo *undo, uint32_t kind)
{
    if (undo->reserved - undo->taken < sizes[kind])
        return NULL;
    struct chunk *chunk = memory_allocate(undo->memory, sizeof *chunk);
    if (!chunk)
        return NULL;
    *chunk = (struct chunk){.first = (uint32_t)(undo->taken / UNDO_UNIT), .size = sizes[kind], .kind = kind};
    undo->taken += sizes[kind];
    return chunk;
}

struct chunk *undo_grow(struct undo *undo, struct chunks *chunks)
{
    uint32_t kind = !chunks->last ? 0 : chunks->last->kind + (chunks->last->kind < UNDO_KINDS - 1);
    struct chunk *chunk = undo->spare[kind];
    if (chunk) {
        undo->spare[kind] = chunk->next;
        undo->spare_bytes -= chunk->size;
    } else {
        chunk = undo->bare[kind];
        if (chunk)
            undo->bare[kind] = chunk->next;
        else
            chunk = chunk_new(undo, kind);
        if (!chunk)
            return NULL;
        memory_hold(undo->memory, chunk->size);
    }
    chunk->next = NULL;
    chunk->used = 0;
    if (chunks->last)
        chunks->last->next = chunk;
    else
        chunks->first = chunk;
    chunks->last = chunk;
    chunks->bytes += chunk->size;
    return chunk;
}

static void recycle(struct undo *undo, struct chunk *chunk)
{
    bool keep = undo->spare_bytes + chunk->size <= SPARE_BYTES;
    struct chunk **list = keep ? &undo->spare[chunk->kind] : &undo->bare[chunk->kind];
    if (keep) {
        undo->spare_bytes += chunk->size;
    } else {
        memory_empty(undo_at(undo, chunk->first), chunk->size);
        memory_let_go(undo->memory, chunk->size);
    }
    chunk->next = *list;
    *list = chunk;
}

void undo_recycle_some(struct undo *undo, struct chunks *chunks, uint64_t bytes)
{
    uint64_t left = chunks->bytes > bytes ? chunks->bytes - bytes : 0;
    while (chunks->bytes > left) {
        struct chunk *chunk = chunks->first;
        chunks->first = chunk->next;
        chunks->bytes -= chunk->size;
        recycle(undo, chunk);
    }
    if (!chunks->first)
        chunks->last = NULL;
}

void undo_recycle(struct undo *undo, struct chunks *chunks)
{
    undo_recycle_some(undo, chunks, chunks->bytes);
}

void chunks_append(struct chunks *to, struct chunks *from)
{
    if (!from->first)
        return;
    if (to->last)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->bytes += from->bytes;
    *from = (struct chunks){NULL, NULL, 0};
}
