/* How a pin goes on seeing its horizon. Before an install overwrites a record that the newest pin can see, the record is copied and
 * the copy put at the head of the record's list of former versions. A reader through a pin that finds the record too new follows
 * that list to the first version that is not.
 *
 * A version is charged to the pin that was the newest when it was made: only that pin and older ones can need it, since a newer pin
 * sees what it was overwritten with. So a pin that goes hands its versions to the next older pin, and the oldest pin's are freed.
 * Links to freed versions stay behind in records and lists, but nobody follows them: a pin steps from a version to the one before
 * only when the former came after its horizon, and then the latter was overwritten while the pin was held, and is charged to it or
 * to a newer one. */
#include "state/table.h"
#include "state/table_inside.h"

#include <string.h>

#define PIN_EXPIRED (1u << 31)

/* A former version of a record. Never changed once the record leads to it. */
struct kept {
    const struct kept *before;
    uint64_t ordinal; /* of the install that made it */
    table_word words[];
};

struct kept_chunk {
    struct kept_chunk *next;
    size_t size; /* of bytes */
    size_t used;
    _Alignas(16) unsigned char bytes[];
};

#define FIRST_CHUNK   (size_t)4096
#define LARGEST_CHUNK (size_t)262144

/* ---- the list of pins, with its mutex held ---- */

static void pin_link(struct pin *pin)
{
    struct tables *tables = pin->tables;
    pin->horizon = atomic_load_explicit(&tables->horizon, memory_order_relaxed);
    for (uint32_t id = 0; id < TABLES_MAX; id++)
        if (tables->tables[id])
            pin->counts[id] = atomic_load_explicit(&tables->tables[id]->installed, memory_order_relaxed);
    pin->older = tables->newest_pin;
    if (pin->older)
        pin->older->newer = pin;
    else
        tables->oldest_pin = pin;
    tables->newest_pin = pin;
}

static void kept_free(struct tables *tables, struct kept_chunk *chunk)
{
    for (struct kept_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        tables->kept_bytes -= sizeof *chunk + chunk->size;
        memory_release(tables->memory, chunk, sizeof *chunk + chunk->size);
    }
}

/* Takes a pin through which nobody reads any more off the list. Its chunks go behind those of the next older one. */
static void pin_unlink(struct pin *pin)
{
    struct tables *tables = pin->tables;
    struct pin *older = pin->older;
    if (!older)
        kept_free(tables, pin->first_kept);
    else if (!older->first_kept) {
        older->first_kept = pin->first_kept;
        older->last_kept = pin->last_kept;
    } else if (pin->first_kept) {
        older->last_kept->next = pin->first_kept;
        older->last_kept = pin->last_kept;
    }
    if (older)
        older->newer = pin->newer;
    else
        tables->oldest_pin = pin->newer;
    if (pin->newer)
        pin->newer->older = older;
    else
        tables->newest_pin = older;
}

struct pin *tables_pin(struct tables *tables)
{
    struct pin *pin = memory_zeroed(tables->memory, 1, sizeof *pin);
    if (!pin)
        return NULL;
    pin->tables = tables;
    struct pin *spare = NULL;
    pthread_mutex_lock(&tables->pins_mutex);
    struct pin *newest = tables->newest_pin;
    if (newest && !pin_expired(newest) && newest->horizon == atomic_load_explicit(&tables->horizon, memory_order_relaxed)) {
        spare = pin;
        pin = newest;
    } else {
        pin_link(pin);
    }
    pin->holders++;
    pthread_mutex_unlock(&tables->pins_mutex);
    memory_release(tables->memory, spare, sizeof *spare);
    return pin;
}

void tables_unpin(struct pin *pin)
{
    if (!pin)
        return;
    struct tables *tables = pin->tables;
    pthread_mutex_lock(&tables->pins_mutex);
    bool last = --pin->holders == 0;
    if (last)
        pin_unlink(pin);
    pthread_mutex_unlock(&tables->pins_mutex);
    if (last)
        memory_release(tables->memory, pin, sizeof *pin);
}

uint64_t pin_horizon(const struct pin *pin)
{
    return pin->horizon;
}

bool pin_expired(const struct pin *pin)
{
    return atomic_load_explicit(&pin->readers, memory_order_acquire) & PIN_EXPIRED;
}

/* ---- keeping: the installing writer, with the mutex held ---- */

/* Expires the oldest pin that has not. False when there is none. What it keeps is freed, unless a thread reads it just now: then at
 * the next occasion, or when the pin is given back. */
static bool expire_oldest(struct tables *tables)
{
    struct pin *pin = tables->oldest_pin;
    while (pin && pin_expired(pin))
        pin = pin->newer;
    if (!pin)
        return false;
    atomic_fetch_or_explicit(&pin->readers, PIN_EXPIRED, memory_order_acq_rel);
    for (pin = tables->oldest_pin; pin; pin = pin->newer) {
        if (atomic_load_explicit(&pin->readers, memory_order_acquire) != PIN_EXPIRED)
            break;
        kept_free(tables, pin->first_kept);
        pin->first_kept = pin->last_kept = NULL;
    }
    return true;
}

static struct kept_chunk *keep_more(struct pin *pin)
{
    struct tables *tables = pin->tables;
    size_t size = FIRST_CHUNK;
    if (pin->last_kept)
        size = pin->last_kept->size < LARGEST_CHUNK ? pin->last_kept->size * 2 : LARGEST_CHUNK;
    size_t bytes = sizeof(struct kept_chunk) + size;
    while (tables->kept_bytes + bytes > tables->pin_bytes)
        if (!expire_oldest(tables))
            return NULL;
    if (pin_expired(pin))
        return NULL;
    struct kept_chunk *chunk = memory_allocate(tables->memory, bytes);
    if (!chunk) {
        while (expire_oldest(tables)) /* each of them may need what cannot be kept */
            ;
        return NULL;
    }
    tables->kept_bytes += bytes;
    chunk->next = NULL;
    chunk->size = size;
    chunk->used = 0;
    if (pin->last_kept)
        pin->last_kept->next = chunk;
    else
        pin->first_kept = chunk;
    pin->last_kept = chunk;
    return chunk;
}

void pins_keep(struct tables *tables, const struct staged *staged)
{
    struct pin *newest = tables->newest_pin;
    struct record *record = staged->record;
    uint64_t ordinal = stamp_ordinal(atomic_load_explicit(&record->stamp, memory_order_relaxed));
    if (ordinal > newest->horizon || pin_expired(newest))
        return;
    size_t bytes = sizeof(struct kept) + staged->record_words * sizeof(table_word);
    struct kept_chunk *chunk = newest->last_kept;
    if (!chunk || chunk->size - chunk->used < bytes) {
        chunk = keep_more(newest);
        if (!chunk)
            return; /* every pin that needs it has expired */
    }
    struct kept *kept = (struct kept *)(void *)(chunk->bytes + chunk->used);
    chunk->used += bytes;
    kept->before = atomic_load_explicit(&record->kept, memory_order_relaxed);
    kept->ordinal = ordinal;
    memcpy(kept->words, record->words, staged->record_words * sizeof(table_word));
    atomic_store_explicit(&record->kept, kept, memory_order_release);
}

/* ---- reading ---- */

static bool read_kept(struct pin *pin, const struct record *record, uint32_t record_words, void *payload, uint64_t *ordinal)
{
    bool held = !(atomic_fetch_add_explicit(&pin->readers, 1, memory_order_acq_rel) & PIN_EXPIRED);
    if (held) {
        const struct kept *kept = atomic_load_explicit(&record->kept, memory_order_acquire);
        while (kept->ordinal > pin->horizon)
            kept = kept->before;
        memcpy(payload, kept->words, record_words * sizeof(table_word));
        *ordinal = kept->ordinal;
    }
    atomic_fetch_sub_explicit(&pin->readers, 1, memory_order_release);
    return held;
}

bool pin_read(struct pin *pin, const struct record *record, uint32_t record_words, void *payload, uint64_t *ordinal)
{
    for (;;) {
        uint64_t before = atomic_load_explicit(&record->stamp, memory_order_acquire);
        *ordinal = stamp_ordinal(before);
        if (*ordinal > pin->horizon) /* whoever set this stamp has kept the record first, or expired the pin */
            return read_kept(pin, record, record_words, payload, ordinal);
        words_copy(payload, record->words, record_words);
        if (atomic_load_explicit(&record->stamp, memory_order_relaxed) == before)
            return true;
    }
}
