/* Pins, and what they keep. The versions that a batch saved are handed, when it is installed, to the pin that is the newest then: only
 * that pin and older ones can need them, since a newer pin sees what they were overwritten with. So a pin that goes hands its
 * versions to the next older pin, and the oldest pin's are free. See read.c for why a pin's reader finds what it needs. */
#include "state/table.h"
#include "state/table_inside.h"

/* ---- the list of pins, with its mutex held ---- */

/* What the writer may know without the mutex. */
static void note_newest(struct tables *tables)
{
    if (tables->newest_pin)
        atomic_store_explicit(&tables->pinned, tables->newest_pin->horizon, memory_order_relaxed);
}

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
    note_newest(tables);
}

/* The chunks are of the undo space, which is the writer's: it takes them when it installs. */
static void free_kept(struct pin *pin)
{
    pin->tables->kept_bytes -= pin->kept.bytes;
    chunks_append(&pin->tables->unneeded, &pin->kept);
}

/* The next older pin that may need what this one keeps. */
static struct pin *heir_of(const struct pin *pin)
{
    struct pin *older = pin->older;
    while (older && pin_expired(older))
        older = older->older;
    return older;
}

static void hand_down(struct pin *pin)
{
    struct pin *heir = heir_of(pin);
    if (heir)
        chunks_append(&heir->kept, &pin->kept);
    else
        free_kept(pin);
}

/* Takes a pin through which nobody reads any more off the list. Its chunks go to the next older one, if that has a use for them. */
static void pin_unlink(struct pin *pin)
{
    struct tables *tables = pin->tables;
    struct pin *older = pin->older;
    hand_down(pin);
    if (older)
        older->newer = pin->newer;
    else
        tables->oldest_pin = pin->newer;
    if (pin->newer)
        pin->newer->older = older;
    else
        tables->newest_pin = older;
    note_newest(tables);
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
    if (newest && !newest->firm && !pin_expired(newest) &&
        newest->horizon == atomic_load_explicit(&tables->horizon, memory_order_relaxed)) {
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

struct pin *tables_hold(struct tables *tables)
{
    struct pin *pin = memory_zeroed(tables->memory, 1, sizeof *pin);
    if (!pin)
        return NULL;
    pin->tables = tables;
    pin->holders = 1;
    pin->firm = true;
    pthread_mutex_lock(&tables->pins_mutex);
    pin_link(pin);
    pthread_mutex_unlock(&tables->pins_mutex);
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
    return atomic_load_explicit(&pin->expired, memory_order_acquire);
}

/* ---- keeping: the writer, with the mutex held ---- */

/* Expires the oldest pin that has not. False when there is none. */
static bool expire_oldest(struct tables *tables)
{
    struct pin *pin = tables->oldest_pin;
    while (pin && (pin->firm || pin_expired(pin)))
        pin = pin->newer;
    if (!pin)
        return false;
    atomic_store_explicit(&pin->expired, true, memory_order_release);
    fence_release(); /* before any byte that is used again */
    hand_down(pin);
    return true;
}

bool pins_give_way(struct tables *tables)
{
    pthread_mutex_lock(&tables->pins_mutex);
    bool found = expire_oldest(tables) || tables->unneeded.first;
    undo_recycle(&tables->undo, &tables->unneeded);
    pthread_mutex_unlock(&tables->pins_mutex);
    return found;
}

/* The newest that has not expired. */
static struct pin *newest_of(const struct tables *tables)
{
    struct pin *pin = tables->newest_pin;
    return pin && pin_expired(pin) ? heir_of(pin) : pin;
}

static void keep(struct tables *tables, struct chunks *chunks)
{
    while (tables->kept_bytes + chunks->bytes > tables->pin_bytes && expire_oldest(tables))
        continue;
    struct pin *newest = newest_of(tables);
    if (!newest)
        return;
    tables->kept_bytes += chunks->bytes;
    chunks_append(&newest->kept, chunks);
}

/* Takes a version out of its record's chain. All that come before it there are of batches in flight. */
static void unlink_version(struct tables *tables, uint32_t name)
{
    const struct former *former = undo_at(&tables->undo, name);
    struct head *head = place_head(former->table, place_of(former->table, former->number));
    _Atomic uint32_t *link = &head->former;
    for (uint32_t at; (at = atomic_load_explicit(link, memory_order_relaxed)) != name;)
        link = &undo_at(&tables->undo, at)->before;
    atomic_store_explicit(link, atomic_load_explicit(&former->before, memory_order_relaxed), memory_order_release);
}

static void unlink_versions(struct tables *tables, struct chunks *chunks)
{
    for (const struct chunk *chunk = chunks->first; chunk; chunk = chunk->next)
        for (uint32_t at = 0; at < chunk->used;) {
            uint32_t name = chunk->first + at / UNDO_UNIT;
            at += former_bytes(undo_at(&tables->undo, name)->table);
            unlink_version(tables, name);
        }
    chunks_append(&tables->unlinked, chunks);
}

void pins_keep(struct tables *tables, struct stage *stage)
{
    const struct pin *newest = newest_of(tables);
    if (!newest)
        return;
    if (newest->horizon <= stage->pinned)
        unlink_versions(tables, &stage->passing); /* newer than every pin */
    else
        keep(tables, &stage->passing); /* it was taken when the batch had begun */
    keep(tables, &stage->kept);
}
