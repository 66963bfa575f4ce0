#include "backends/memory/blobs.h"

#include "base/error.h"

#include <string.h>

struct blob {
    struct blobs *blobs;
    struct blob *next;
    uint64_t number;
    uint32_t holders; /* the list, and who mapped it */
    uint8_t *bytes;
    size_t size;
    size_t capacity;
};

void memory_blobs_open(struct blobs *blobs, struct memory *memory)
{
    *blobs = (struct blobs){.memory = memory};
    pthread_mutex_init(&blobs->lock, NULL);
}

static void free_blob(struct blob *blob)
{
    struct memory *memory = blob->blobs->memory;
    memory_release(memory, blob->bytes, blob->capacity);
    memory_release(memory, blob, sizeof *blob);
}

void memory_blobs_close(struct blobs *blobs)
{
    while (blobs->first) {
        struct blob *blob = blobs->first;
        blobs->first = blob->next;
        free_blob(blob);
    }
    pthread_mutex_destroy(&blobs->lock);
}

/* ---- writing ---- */

int32_t memory_blobs_create(struct blobs *blobs, uint64_t number, void **blob, trading_error *error)
{
    struct blob *made = memory_allocate(blobs->memory, sizeof *made);
    if (!made)
        return error_no_memory(error, "a blob");
    *made = (struct blob){.blobs = blobs, .number = number, .holders = 1};
    *blob = made;
    return TRADING_OK;
}

int32_t memory_blob_append(void *blob, const void *bytes, size_t size, trading_error *error)
{
    struct blob *to = blob;
    if (memory_grow(to->blobs->memory, (void **)&to->bytes, &to->capacity, to->size + size, 1))
        return error_no_memory(error, "a blob");
    if (size)
        memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
    return TRADING_OK;
}

void memory_blob_abandon(void *blob)
{
    free_blob(blob);
}

static struct blob **find(struct blobs *blobs, uint64_t number)
{
    struct blob **link = &blobs->first;
    while (*link && (*link)->number != number)
        link = &(*link)->next;
    return link;
}

/* Takes it off the list, which is locked; the blob when nobody holds it any more. */
static struct blob *unlist(struct blobs *blobs, uint64_t number)
{
    struct blob **link = find(blobs, number);
    struct blob *blob = *link;
    if (!blob)
        return NULL;
    *link = blob->next;
    return --blob->holders ? NULL : blob;
}

int32_t memory_blob_seal(void *blob, trading_error *error)
{
    (void)error;
    struct blob *sealed = blob;
    struct blobs *blobs = sealed->blobs;
    pthread_mutex_lock(&blobs->lock);
    struct blob *replaced = unlist(blobs, sealed->number);
    sealed->next = blobs->first;
    blobs->first = sealed;
    pthread_mutex_unlock(&blobs->lock);
    if (replaced)
        free_blob(replaced);
    return TRADING_OK;
}

void memory_blobs_drop(struct blobs *blobs, uint64_t number)
{
    pthread_mutex_lock(&blobs->lock);
    struct blob *dropped = unlist(blobs, number);
    pthread_mutex_unlock(&blobs->lock);
    if (dropped)
        free_blob(dropped);
}

/* ---- reading ---- */

int32_t memory_blobs_map(struct blobs *blobs, uint64_t number, struct state_blob *blob, trading_error *error)
{
    pthread_mutex_lock(&blobs->lock);
    struct blob *found = *find(blobs, number);
    if (found)
        found->holders++;
    pthread_mutex_unlock(&blobs->lock);
    if (!found)
        return error_set(error, TRADING_E_NOT_FOUND, "the state store has no such blob");
    *blob = (struct state_blob){.bytes = found->bytes ? found->bytes : (const uint8_t *)"", .size = found->size, .held = found};
    return TRADING_OK;
}

void memory_blobs_unmap(struct blobs *blobs, struct state_blob *blob)
{
    struct blob *held = blob->held;
    *blob = (struct state_blob){0};
    if (!held)
        return;
    pthread_mutex_lock(&blobs->lock);
    bool last = --held->holders == 0;
    pthread_mutex_unlock(&blobs->lock);
    if (last)
        free_blob(held);
}

void memory_blobs_list(struct blobs *blobs, int (*take)(void *arg, uint64_t number), void *arg)
{
    pthread_mutex_lock(&blobs->lock);
    for (const struct blob *blob = blobs->first; blob && !take(arg, blob->number); blob = blob->next)
        continue;
    pthread_mutex_unlock(&blobs->lock);
}
