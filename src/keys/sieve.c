/* Keeping the sieve: runs that are not in it yet are read and entered, oldest first, so that eras come to an end in their order. They are
 * looked for in their own filters meanwhile, so that it may be made anew, or be missing, at any time. */
#include "keys/sieve.h"

#include "base/error.h"
#include "keys/inside.h"

#define SIEVE_PIECE  65536u /* keys, between two looks at what is more urgent */
#define SIEVE_LEAST  3u     /* runs of whole tables: fewer are asked for less than entering them takes */
#define FIRST_TABLES 2u     /* fit into an era of the first sieve: with one all would soon be entered anew */
#define SIEVE_FULL   7u     /* eras that are filled by all there is, so that another may be emptied */
#define TOGETHER     64u    /* keys, whose lines are waited for together */

/* ---- the sieve ---- */

struct key_sieve *key_sieve_new(struct key_memory *memory, uint64_t era_keys)
{
    struct key_sieve *sieve = key_allocate(memory, sizeof *sieve);
    if (!sieve)
        return NULL;
    *sieve = (struct key_sieve){.lines = (era_keys - 1) / SIEVE_KEYS_PER_LINE + 1};
    sieve->line = key_reserve(memory, key_sieve_bytes(sieve));
    if (sieve->line)
        return sieve;
    key_release(memory, sieve, sizeof *sieve);
    return NULL;
}

/* Nobody else writes. */
static void set(_Atomic uint64_t *word, uint64_t bits)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) | bits, memory_order_relaxed);
}

static void clear(_Atomic uint64_t *word, uint64_t bits)
{
    atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) & ~bits, memory_order_relaxed);
}

void key_sieve_enter(struct key_sieve *sieve, const struct key_sieve_plan *plan, uint64_t hash)
{
    _Atomic uint64_t *line = key_sieve_line(sieve, hash);
    uint64_t era = plan->share[key_prefix(hash) % SIEVE_SHARES];
    uint64_t places = key_sieve_places(hash);
    for (uint32_t i = 0; i < SIEVE_PLACES; i++, places <<= SIEVE_PLACE_BITS)
        set(&line[places >> 61], UINT64_C(1) << ((places >> 55 & 56) + era));
}

/* Makes the next era the newest, with nothing in it. */
static void turn(struct key_sieve *sieve)
{
    sieve->entered = 0;
    if (++sieve->turns < SIEVE_ERAS)
        return;
    uint64_t bits = UINT64_C(0x0101010101010101) << key_sieve_newest(sieve);
    for (uint64_t i = 0; i < sieve->lines; i++)
        for (uint32_t word = 0; word < SIEVE_LINE_WORDS; word++)
            clear(&sieve->line[i][word], bits);
}

void key_sieve_plan(struct key_sieve *sieve, struct key_sieve_plan *plan, uint64_t keys, uint32_t in_use)
{
    plan->eras = 0;
    for (uint32_t i = 0; i < SIEVE_SHARES; i++) {
        uint32_t next = (key_sieve_newest(sieve) + 1) % SIEVE_ERAS;
        if (sieve->entered >= key_sieve_era_keys(sieve) && !((in_use | plan->eras) >> next & 1))
            turn(sieve);
        sieve->entered += keys * (i + 1) / SIEVE_SHARES - keys * i / SIEVE_SHARES;
        plan->share[i] = (uint8_t)key_sieve_newest(sieve);
        plan->eras |= 1u << key_sieve_newest(sieve);
    }
}

/* ---- which size ---- */

static uint64_t least_era_keys(const struct keys *keys)
{
    return (uint64_t)keys->options.young * FIRST_TABLES;
}

bool keys_sieve_is_large(const struct keys *keys, uint64_t lines)
{
    uint64_t half = lines * SIEVE_KEYS_PER_LINE / 2; /* an era's keys in one of half the size */
    return half >= least_era_keys(keys) && key_set_keys(&keys->set) <= half * (SIEVE_FULL - 1);
}

/* Of nobody's list: those that show the one before have noted what they need of it. */
static void replace(struct keys *keys, struct key_sieve *sieve)
{
    if (keys->sieve && !keys->sieve->lists)
        key_sieve_free(&keys->memory, keys->sieve);
    keys->sieve = sieve;
    for (uint32_t i = 0; i < keys->set.count; i++) {
        keys->set.runs[i]->eras = 0;
        keys->set.runs[i]->in_stored_sieve = false;
    }
    for (struct key_run *run = keys->retired.runs; run; run = run->next)
        run->eras = 0;
}

/* Puts a larger sieve, with nothing in it, in the place of what there is, if that is too small. False: there is no memory for one. */
static bool make_sieve(struct keys *keys)
{
    uint64_t count = key_set_keys(&keys->set);
    if (keys->sieve && count <= key_sieve_era_keys(keys->sieve) * SIEVE_FULL)
        return true;
    uint64_t era_keys = least_era_keys(keys);
    while (era_keys * SIEVE_FULL < count)
        era_keys *= 2;
    struct key_sieve *sieve = key_sieve_new(&keys->memory, era_keys);
    if (!sieve)
        return keys->sieve;
    replace(keys, sieve);
    return true;
}

/* ---- entering runs ---- */

/* Of the runs that anybody may look for yet. */
static uint32_t eras_in_use(const struct keys *keys)
{
    uint32_t eras = 0;
    for (uint32_t i = 0; i < keys->set.count; i++)
        eras |= keys->set.runs[i]->eras;
    for (const struct key_run *run = keys->retired.runs; run; run = run->next)
        eras |= run->eras;
    return eras;
}

static void begin_entering(struct keys *keys, const struct key_run *run)
{
    key_sieve_plan(keys->sieve, &keys->plan, run->footer.count, eras_in_use(keys));
    keys->entering = (struct key_reader){.run = run};
}

static const struct key_run *next_to_enter(const struct keys *keys)
{
    for (uint32_t i = 0; i < keys->set.count; i++) {
        const struct key_run *run = keys->set.runs[i];
        if (!run->eras && !atomic_load_explicit(&run->damaged, memory_order_relaxed))
            return run;
    }
    return NULL;
}

static int32_t show_entered(struct keys *keys, struct key_run *run, trading_error *error)
{
    run->eras = keys->plan.eras;
    return keys_show_set(keys, error);
}

static bool are_many(const struct keys *keys)
{
    uint32_t whole = 0;
    for (uint32_t i = 0; i < keys->set.count; i++)
        whole += keys->set.runs[i]->footer.count >= keys->options.young;
    return whole >= SIEVE_LEAST;
}

bool keys_may_enter(struct keys *keys)
{
    if (keys->entering.run)
        return true;
    bool any = (keys->sieve || are_many(keys)) && next_to_enter(keys);
    if (!any || !make_sieve(keys))
        return false;
    begin_entering(keys, next_to_enter(keys));
    return true;
}

static enum key_read enter_some(struct keys *keys)
{
    struct key_sieve *sieve = keys->sieve;
    struct key_reader *reader = &keys->entering;
    uint64_t hashes[TOGETHER];
    uint32_t count = 0;
    enum key_read read = KEY_READ_ENTRY;
    while (count < TOGETHER && (read = key_reader_next(reader)) == KEY_READ_ENTRY) {
        hashes[count] = key_reader_hash(reader);
        key_sieve_prefetch(sieve, hashes[count++]);
    }
    for (uint32_t i = 0; i < count; i++)
        key_sieve_enter(sieve, &keys->plan, hashes[i]);
    return read;
}

int32_t keys_enter_piece(struct keys *keys, trading_error *error)
{
    struct key_run *run = (struct key_run *)keys->entering.run;
    enum key_read read = KEY_READ_ENTRY;
    for (uint32_t i = 0; i < SIEVE_PIECE && read == KEY_READ_ENTRY; i += TOGETHER)
        read = enter_some(keys);
    if (read == KEY_READ_ENTRY)
        return TRADING_OK;
    keys->entering.run = NULL;
    return read == KEY_READ_END ? show_entered(keys, run, error) : keys_run_damaged(keys, run, error);
}
