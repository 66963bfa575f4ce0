/* The sieve in the store. What it holds is written at closing, unless what is stored has nearly all of it, and read again after opening, a
 * piece at a time while runs are asked themselves. It is of the runs that it names, so it serves those that are still there, also when the
 * keys were not closed since. Others are entered as if they were new. One that is twice as large as it need be is not loaded, but made anew:
 * it is of more keys, or of a library that had an era as large as the largest run.
 *
 *   lines of 64 bytes   as they are in memory
 *   sums                of 8 bytes, one of each 4,096 lines
 *   the footer          struct key_sieve_footer
 *
 * All is in the machine's order of bytes, which the footer tells. */
#include "base/checksum.h"
#include "base/error.h"
#include "keys/inside.h"
#include "keys/run_format.h"

#include <inttypes.h>

#define SIEVE_FORMAT 1u
#define SIEVE_MAGIC  "a sieve of runs" /* with its end 16 bytes */
#define CHUNK_LINES  4096u
#define LINE_BYTES   (SIEVE_LINE_WORDS * sizeof(uint64_t))
#define LINES_MOST   (UINT64_C(1) << 32)
#define LOAD_PIECE   8u  /* chunks, 2 MiB, between two looks at what is more urgent */
#define STALE_PARTS  16u /* what is stored is stored anew when it is without more than one part in so many */

struct named_run {
    uint64_t number; /* 0: there are no more */
    uint64_t eras;
};

struct key_sieve_footer {
    char magic[KEY_MAGIC_BYTES];
    uint32_t format;
    uint32_t byte_order;
    uint64_t number; /* of the blob */
    uint64_t lines;
    uint64_t turns;
    uint64_t entered;
    struct named_run runs[KEY_RUNS_MAX];
    uint64_t sums_sum;
    uint64_t sum; /* of all before it */
};

struct key_sieve_loading {
    struct key_sieve_footer footer;
    struct state_blob blob;
    uint64_t chunk; /* that comes next */
    struct key_sieve *sieve;
};

static uint64_t chunks_of(uint64_t lines)
{
    return (lines - 1) / CHUNK_LINES + 1;
}

static size_t sums_bytes(uint64_t lines)
{
    return chunks_of(lines) * sizeof(uint64_t);
}

static size_t chunk_bytes(uint64_t lines, uint64_t chunk)
{
    uint64_t first = chunk * CHUNK_LINES;
    return (lines - first < CHUNK_LINES ? lines - first : CHUNK_LINES) * LINE_BYTES;
}

static uint64_t chunk_sum(const void *lines, size_t size, uint64_t number, uint64_t chunk)
{
    return checksum(lines, size, hash_mix(number) + chunk);
}

static uint64_t footer_sum(const struct key_sieve_footer *footer)
{
    return checksum(footer, offsetof(struct key_sieve_footer, sum), SIEVE_FORMAT);
}

/* ---- storing ---- */

static void name_runs(const struct keys *keys, struct key_sieve_footer *footer)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < keys->set.count; i++)
        if (keys->set.runs[i]->eras)
            footer->runs[count++] = (struct named_run){keys->set.runs[i]->footer.number, keys->set.runs[i]->eras};
}

static int32_t append(const struct keys *keys, void *blob, struct key_sieve_footer *footer, uint64_t *sums,
                      trading_error *error)
{
    const struct key_sieve *sieve = keys->sieve;
    int32_t code = TRADING_OK;
    for (uint64_t chunk = 0; !code && chunk < chunks_of(sieve->lines); chunk++) {
        const void *lines = sieve->line[chunk * CHUNK_LINES];
        size_t size = chunk_bytes(sieve->lines, chunk);
        sums[chunk] = chunk_sum(lines, size, footer->number, chunk);
        code = keys->store.ops->blob_append(blob, lines, size, error);
    }
    if (code)
        return code;
    footer->sums_sum = checksum(sums, sums_bytes(sieve->lines), footer->number);
    footer->sum = footer_sum(footer);
    code = keys->store.ops->blob_append(blob, sums, sums_bytes(sieve->lines), error);
    return code ? code : keys->store.ops->blob_append(blob, footer, sizeof *footer, error);
}

static int32_t write_blob(struct keys *keys, struct key_sieve_footer *footer, trading_error *error)
{
    const struct state_store_ops *ops = keys->store.ops;
    size_t size = sums_bytes(footer->lines);
    uint64_t *sums = key_allocate(&keys->memory, size);
    if (!sums)
        return error_no_memory(error, "storing the sieve of command keys");
    void *blob;
    int32_t code = ops->blob_create(keys->store.store, footer->number, &blob, error);
    if (!code) {
        code = append(keys, blob, footer, sums, error);
        if (!code)
            code = ops->blob_seal(blob, error);
        if (code)
            ops->blob_abandon(blob);
    }
    key_release(&keys->memory, sums, size);
    return code;
}

static int32_t store_sieve(struct keys *keys, trading_error *error)
{
    struct key_sieve_footer footer = {.magic = SIEVE_MAGIC,
                                      .format = SIEVE_FORMAT,
                                      .byte_order = KEY_BYTE_ORDER,
                                      .number = keys->next_number++,
                                      .lines = keys->sieve->lines,
                                      .turns = keys->sieve->turns,
                                      .entered = keys->sieve->entered};
    name_runs(keys, &footer);
    int32_t code = write_blob(keys, &footer, error);
    if (code)
        return code;
    struct key_sieve_name before = keys->stored_sieve;
    keys->stored_sieve = (struct key_sieve_name){footer.number, footer.sum};
    code = keys_write_manifest(keys, &keys->set, &keys->stored, error);
    uint64_t gone = code ? footer.number : before.number;
    if (code)
        keys->stored_sieve = before;
    if (gone)
        keys->store.ops->blob_drop(keys->store.store, gone, NULL); /* else an orphan, dropped at opening */
    return code;
}

/* Writing it takes as long as merging so many keys does, so that is not done for few. */
static bool is_stale(const struct keys *keys)
{
    uint64_t count = 0;
    uint64_t without = 0;
    for (uint32_t i = 0; i < keys->set.count; i++) {
        const struct key_run *run = keys->set.runs[i];
        count += run->footer.count;
        without += run->eras && !run->in_stored_sieve ? run->footer.count : 0;
    }
    return without > count / STALE_PARTS;
}

void keys_store_sieve(struct keys *keys)
{
    trading_error error;
    if (keys->sieve && !keys->own_store && is_stale(keys) && store_sieve(keys, &error))
        keys_report(keys, &error);
}

/* ---- loading ---- */

static int32_t damaged(uint64_t number, const char *how, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "sieve %" PRIu64 " of command keys %s; it is made again from the runs", number,
                     how);
}

static int32_t read_footer(struct key_sieve_footer *footer, const struct state_blob *blob, const struct key_sieve_name *name,
                           trading_error *error)
{
    if (blob->size < sizeof *footer)
        return damaged(name->number, "is cut off", error);
    memcpy(footer, blob->bytes + blob->size - sizeof *footer, sizeof *footer);
    bool known = !memcmp(footer->magic, SIEVE_MAGIC, KEY_MAGIC_BYTES) && footer->format == SIEVE_FORMAT &&
                 footer->byte_order == KEY_BYTE_ORDER && footer->number == name->number;
    if (!known || footer->sum != name->sum || footer->sum != footer_sum(footer))
        return damaged(name->number, "is another, or is damaged", error);
    uint64_t lines = footer->lines;
    if (!lines || lines > LINES_MOST || blob->size != lines * LINE_BYTES + sums_bytes(lines) + sizeof *footer ||
        checksum(blob->bytes + lines * LINE_BYTES, sums_bytes(lines), footer->number) != footer->sums_sum)
        return damaged(name->number, "contradicts its footer", error);
    return TRADING_OK;
}

void keys_abandon_loading(struct keys *keys)
{
    struct key_sieve_loading *loading = keys->loading;
    if (!loading)
        return;
    key_sieve_free(&keys->memory, loading->sieve);
    keys->store.ops->blob_unmap(keys->store.store, &loading->blob);
    key_release(&keys->memory, loading, sizeof *loading);
    keys->loading = NULL;
}

static int32_t begin_loading(struct keys *keys, trading_error *error)
{
    struct key_sieve_loading *loading = key_allocate(&keys->memory, sizeof *loading);
    keys->loading = loading;
    if (!loading)
        return error_no_memory(error, "the sieve of command keys");
    memset(loading, 0, sizeof *loading);
    int32_t code = keys->store.ops->blob_map(keys->store.store, keys->stored_sieve.number, &loading->blob, error);
    if (!code)
        code = read_footer(&loading->footer, &loading->blob, &keys->stored_sieve, error);
    if (code)
        return code;
    loading->sieve = key_sieve_new(&keys->memory, loading->footer.lines * SIEVE_KEYS_PER_LINE);
    return loading->sieve ? TRADING_OK : error_no_memory(error, "the sieve of command keys");
}

static void forget_stored(struct keys *keys)
{
    keys_abandon_loading(keys);
    keys->stored_sieve = (struct key_sieve_name){0};
}

/* A missing one is not reported: it serves none but who has time to spare. */
void keys_begin_loading(struct keys *keys)
{
    trading_error error;
    if (!keys->stored_sieve.number)
        return;
    int32_t code = begin_loading(keys, &error);
    if (code && code != TRADING_E_NOT_FOUND)
        keys_report(keys, &error);
    if (code || keys_sieve_is_large(keys, keys->loading->footer.lines))
        forget_stored(keys);
}

static bool load_chunk(struct key_sieve_loading *loading)
{
    uint64_t chunk = loading->chunk++;
    size_t size = chunk_bytes(loading->footer.lines, chunk);
    uint64_t sum;
    memcpy(&sum, loading->blob.bytes + loading->footer.lines * LINE_BYTES + chunk * sizeof sum, sizeof sum);
    void *lines = loading->sieve->line[chunk * CHUNK_LINES];
    memcpy(lines, loading->blob.bytes + chunk * CHUNK_LINES * LINE_BYTES, size);
    return sum == chunk_sum(lines, size, loading->footer.number, chunk);
}

static uint32_t named_eras(const struct key_sieve_footer *footer, uint64_t number)
{
    for (uint32_t i = 0; i < KEY_RUNS_MAX && footer->runs[i].number; i++)
        if (footer->runs[i].number == number)
            return (uint32_t)footer->runs[i].eras;
    return 0;
}

static int32_t end_loading(struct keys *keys, trading_error *error)
{
    const struct key_sieve_footer *footer = &keys->loading->footer;
    for (uint32_t i = 0; i < keys->set.count; i++) {
        struct key_run *run = keys->set.runs[i];
        run->eras = named_eras(footer, run->footer.number);
        run->in_stored_sieve = run->eras;
    }
    keys->sieve = keys->loading->sieve;
    keys->sieve->turns = footer->turns;
    keys->sieve->entered = footer->entered;
    keys->loading->sieve = NULL;
    keys_abandon_loading(keys);
    return keys_show_set(keys, error);
}

int32_t keys_load_piece(struct keys *keys, trading_error *error)
{
    struct key_sieve_loading *loading = keys->loading;
    for (uint32_t i = 0; i < LOAD_PIECE && loading->chunk < chunks_of(loading->footer.lines); i++)
        if (!load_chunk(loading)) {
            int32_t code = damaged(loading->footer.number, "is damaged", error);
            forget_stored(keys);
            return code;
        }
    return loading->chunk < chunks_of(loading->footer.lines) ? TRADING_OK : end_loading(keys, error);
}
