/* How a reader sees what is installed while the writer edits in place.
 *
 * Each record has a stamp, the ordinal of the batch that last changed it, and a chain of what it was before (struct former), the
 * newest version first. What the writer does, in this order:
 *
 *   edit      saves the record as a former version, before which comes the chain; lets the chain begin with it; sets the stamp;
 *             (release) changes the record
 *   install   moves the horizon on; (release) uses the memory again of what the install before took out of chains; takes unneeded
 *             versions out of chains
 *   trim      makes `rewinds` odd; (release) has a mapping of the same bytes in the place of memory, and clears stamps and chains of
 *             records that are older than every pin; (release) makes it even (trim.c)
 *   discard   makes `rewinds` odd; (release) puts records, then stamps, then chains back; (release) makes it even; the memory is
 *             used again
 *
 * A reader wants the newest version of ordinal ≤ L: the horizon that it found, or its pin's. It notes rewinds and horizon, then the
 * stamp. Stamp ≤ L: it copies the record, and believes it when (acquire) stamp and rewinds are what they were. Otherwise it walks
 * the chain to the first version of ordinal ≤ L, and believes each step, and in the end the copy, when (acquire) horizon and
 * rewinds are what they were and its pin has not expired. What it does not believe it reads again, from the start.
 *
 * Why it is right. (1) A copy of the record is whole and of the version that the stamp names: a byte that came from a later edit was
 * stored after that edit's stamp, and one that came from a discard after rewinds became odd, so one of both is seen to differ. An
 * edit and its discard may not leave the stamp as it was unseen, since rewinds differs. While rewinds is odd nothing but discard
 * or trim happens, and a stamp that it has put back comes after its record. (2) A version that a believed link leads to was not used again
 * before it was believed, because the writer uses memory again only after the horizon or rewinds has moved, or the pin has expired,
 * since the last link to it was there: what an install takes out may have been met by who found the horizon as that install left it.
 * So no stale link is followed, whatever lies there now; and what is read of memory in use again is not believed. A chain that is
 * put back is noticed by its stamp, which goes first. (3) The version sought is in the chain, and no link to it is stale. For
 * the horizon: the batches beyond it are in flight, and they have saved all that they changed. For a pin: by induction over what can
 * happen. When it is taken, as for the horizon. An edit puts one version more in front. An install lets go of versions only that are
 * newer than every pin, and takes them out of the chain; or, when there is no pin, all of them, to which then no reader goes: the
 * record's stamp is at the horizon, where every later pin stops. The others it hands to the newest pin, with which they live on; and
 * when that goes, with the next older one, as newer pins see what they were overwritten with. (4) A record that was appended in
 * flight has no former version, and none is sought: it counts as installed only after the horizon has moved past it.
 *
 * A batch that nobody sees (tables_begin_unseen) is over before the first reader looks: no horizon is older, so the stamps and chains that it left
 * alone say what they must, that the record itself is wanted.
 *
 * Readers hold up nobody and wait for nobody. A read is done again when a batch was installed just while it went along a chain, or
 * when its record was edited just then.
 *
 * The bytes of records are read while they may be written, which C has no words for and processors no trouble with; so the
 * copying functions are compiled without ThreadSanitizer, which watches everything else. */
#include "state/table_inside.h"

#include <sched.h>

/* What must not have changed for a reader to believe what it read. */
struct sight {
    const struct tables *tables;
    const struct pin *pin;
    uint64_t rewinds;
    uint64_t horizon;
    uint64_t limit; /* the newest version that may be seen */
};

static struct sight look(const struct tables *tables, const struct pin *pin)
{
    struct sight sight = {.tables = tables, .pin = pin};
    sight.rewinds = atomic_load_explicit(&tables->rewinds, memory_order_acquire);
    sight.horizon = atomic_load_explicit(&tables->horizon, memory_order_acquire);
    sight.limit = pin ? pin->horizon : sight.horizon;
    return sight;
}

static bool not_rewound(const struct sight *sight)
{
    fence_acquire();
    return atomic_load_explicit(&sight->tables->rewinds, memory_order_relaxed) == sight->rewinds;
}

static bool holds(const struct sight *sight)
{
    return not_rewound(sight) && atomic_load_explicit(&sight->tables->horizon, memory_order_relaxed) == sight->horizon &&
           !(sight->pin && pin_expired(sight->pin));
}

/* True when payload and ordinal can be believed. */
static bool read_former(const struct head *head, uint64_t stamp, const struct sight *sight, void *payload, uint32_t bytes,
                        uint64_t *ordinal)
{
    uint32_t name = atomic_load_explicit(&head->former, memory_order_acquire);
    if (atomic_load_explicit(&head->stamp, memory_order_relaxed) != stamp)
        return false;
    for (;;) {
        if (!holds(sight) || !name)
            return false;
        const struct former *former = undo_at(&sight->tables->undo, name);
        *ordinal = atomic_load_explicit(&former->ordinal, memory_order_relaxed);
        name = atomic_load_explicit(&former->before, memory_order_acquire);
        if (*ordinal <= sight->limit) {
            copy_words(payload, former->words, bytes);
            return holds(sight);
        }
    }
}

static bool try_read(const struct table *table, uint32_t number, struct pin *pin, void *payload, uint32_t bytes,
                     uint64_t *ordinal)
{
    struct sight sight = look(table->tables, pin);
    struct place place = place_of(table, number);
    const struct head *head = place_head(table, place);
    uint64_t stamp = atomic_load_explicit(&head->stamp, memory_order_acquire);
    if (stamp > sight.limit)
        return read_former(head, stamp, &sight, payload, bytes, ordinal);
    *ordinal = stamp;
    copy_words(payload, place_record(table, place), bytes);
    return not_rewound(&sight) && atomic_load_explicit(&head->stamp, memory_order_relaxed) == stamp;
}

bool record_read(const struct table *table, uint32_t number, struct pin *pin, void *payload, uint32_t bytes, uint64_t *ordinal)
{
    for (uint32_t attempts = 1;; attempts++) {
        if (pin && pin_expired(pin))
            return false;
        if (try_read(table, number, pin, payload, bytes, ordinal))
            return true;
        if (attempts % 64 == 0) /* the writer is putting a batch back, or is very quick */
            sched_yield();
    }
}

const unsigned char table_zeros[TABLE_RECORD_BYTES];

uint32_t table_installed(const struct table *table, const struct pin *pin)
{
    return pin ? pin->counts[table->id] : atomic_load_explicit(&table->installed, memory_order_acquire);
}

enum table_read table_read(const struct table *table, uint32_t number, struct pin *pin, void *record)
{
    return table_read_first(table, number, pin, record, table->record_bytes);
}

enum table_read table_read_first(const struct table *table, uint32_t number, struct pin *pin, void *record, uint32_t bytes)
{
    uint64_t ordinal;
    if (pin && pin_expired(pin))
        return TABLE_EXPIRED;
    if (number - 1u >= table_installed(table, pin))
        return TABLE_ABSENT;
    if (!table_verify_page(table, page_of(table, number)))
        return TABLE_EXPIRED;
    return record_read(table, number, pin, record, bytes, &ordinal) ? TABLE_FOUND : TABLE_EXPIRED;
}

bool page_read_unchanged(const struct table *table, uint32_t page, struct pin *pin, void *image, uint64_t *changed)
{
    struct sight sight = look(table->tables, pin);
    struct place place = place_of_page(table, page);
    const _Atomic uint64_t *newest = place_changed(table, place);
    uint64_t mark = atomic_load_explicit(newest, memory_order_acquire);
    *changed = mark & ~PAGE_GIVEN_BACK;
    if (*changed > sight.limit)
        return false;
    copy_words(image, place_record(table, place), (size_t)table->per_page * table->record_bytes);
    return not_rewound(&sight) && atomic_load_explicit(newest, memory_order_relaxed) == mark;
}
