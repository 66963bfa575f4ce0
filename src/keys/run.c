#include "keys/run.h"

#include "base/error.h"
#include "keys/run_format.h"

#include <inttypes.h>

#define COUNT_MAX (UINT64_C(1) << 32)

/* ---- opening ---- */

static int32_t damaged(uint64_t number, const char *how, trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED, "run %" PRIu64 " of command keys %s", number, how);
}

static bool is_sound(const struct key_footer *footer, uint64_t number, size_t size)
{
    const struct key_span *span = &footer->span;
    return footer->number == number && footer->count && footer->count <= COUNT_MAX && span->first_position >= 0 &&
           span->first_position <= span->last_position && span->last_position - span->first_position < KEY_SPAN_MAX &&
           footer->home_pages && footer->home_pages <= COUNT_MAX && footer->pages >= footer->home_pages &&
           footer->pages <= COUNT_MAX && footer->lines && footer->lines <= COUNT_MAX &&
           size == footer->pages * sizeof(struct key_page) + footer->lines * FILTER_LINE_BYTES + sizeof *footer;
}

static int32_t read_footer(struct key_footer *footer, const struct state_blob *blob, uint64_t number, trading_error *error)
{
    if (blob->size < sizeof *footer)
        return damaged(number, "is cut off", error);
    memcpy(footer, blob->bytes + blob->size - sizeof *footer, sizeof *footer);
    if (memcmp(footer->magic, KEY_RUN_MAGIC, KEY_MAGIC_BYTES) != 0)
        return damaged(number, "is cut off, or is none", error);
    if (footer->byte_order != KEY_BYTE_ORDER)
        return error_set(error, TRADING_E_UNSUPPORTED, "run %" PRIu64 " of command keys has the other byte order", number);
    if (footer->format > KEY_FORMAT)
        return error_set(error, TRADING_E_NEWER_FORMAT,
                         "run %" PRIu64 " of command keys has format %" PRIu32 ", this library knows %u", number,
                         footer->format, KEY_FORMAT);
    if (footer->sum != key_footer_sum(footer) || !is_sound(footer, number, blob->size))
        return damaged(number, "contradicts its footer", error);
    return TRADING_OK;
}

static size_t proven_bytes(const struct key_run *run)
{
    return run->footer.pages / 8 + 1;
}

static int32_t open_mapped(struct key_run *run, struct key_memory *memory, uint64_t number, trading_error *error)
{
    int32_t code = read_footer(&run->footer, &run->blob, number, error);
    if (code)
        return code;
    run->pages = (const struct key_page *)(const void *)run->blob.bytes;
    const uint8_t *filter = run->blob.bytes + run->footer.pages * sizeof *run->pages;
    run->filter = (struct key_filter){(const uint64_t *)(const void *)filter, run->footer.lines};
    if (checksum(filter, run->footer.lines * FILTER_LINE_BYTES, number) != run->footer.filter_sum)
        return damaged(number, "has a damaged filter", error);
    run->proven = key_allocate(memory, proven_bytes(run));
    if (!run->proven)
        return error_no_memory(error, "a run of command keys");
    memset(run->proven, 0, proven_bytes(run));
    return TRADING_OK;
}

int32_t key_run_open(struct key_run **run, struct key_memory *memory, const struct state_store *store, uint64_t number,
                     trading_error *error)
{
    struct key_run *opened = key_allocate(memory, sizeof *opened);
    if (!opened)
        return error_no_memory(error, "a run of command keys");
    memset(opened, 0, sizeof *opened);
    int32_t code = store->ops->blob_map(store->store, number, &opened->blob, error);
    if (code) {
        key_release(memory, opened, sizeof *opened);
        return code;
    }
    code = open_mapped(opened, memory, number, error);
    if (code)
        key_run_close(opened, memory, store);
    else
        *run = opened;
    return code;
}

void key_run_close(struct key_run *run, struct key_memory *memory, const struct state_store *store)
{
    key_release(memory, run->proven, run->proven ? proven_bytes(run) : 0);
    store->ops->blob_unmap(store->store, &run->blob);
    key_release(memory, run, sizeof *run);
}

/* ---- searching ---- */

static bool page_is_right(const struct key_run *run, uint64_t at)
{
    const struct key_page *page = &run->pages[at];
    return page->count <= KEY_PAGE_ENTRIES && page->sum == key_page_sum(page, run->footer.number, at);
}

/* Each page once: from then on it is what was written, or the machine is broken. */
static bool prove_page(struct key_run *run, uint64_t at)
{
    uint8_t bit = (uint8_t)(1u << at % 8);
    if (run->proven[at / 8] & bit)
        return true;
    if (!page_is_right(run, at))
        return false;
    run->proven[at / 8] |= bit;
    return true;
}

static const uint8_t *entry_at(const struct key_page *page, uint32_t at)
{
    return page->entries + (size_t)at * KEY_ENTRY_BYTES;
}

static uint64_t prefix_at(const struct key_page *page, uint32_t at)
{
    return key_prefix_at(entry_at(page, at));
}

/* Hashes are spread evenly, so the place is near where the hash itself says. */
static uint32_t first_not_below(const struct key_run *run, const struct key_page *page, uint64_t hash)
{
    uint64_t prefix = key_prefix(hash);
    uint64_t within = (hash >> 32) * run->footer.home_pages & UINT32_MAX;
    uint32_t at = (uint32_t)(within * page->count >> 32);
    while (at > 0 && prefix_at(page, at - 1) >= prefix)
        at--;
    while (at < page->count && prefix_at(page, at) < prefix)
        at++;
    return at;
}

int64_t key_run_find(struct key_run *run, uint64_t hash, int64_t below)
{
    uint64_t prefix = key_prefix(hash);
    for (uint64_t number = key_home(hash, run->footer.home_pages); number < run->footer.pages; number++) {
        const struct key_page *page = &run->pages[number];
        if (!prove_page(run, number))
            return KEY_DAMAGED;
        uint32_t at = first_not_below(run, page, hash);
        for (; at < page->count && prefix_at(page, at) == prefix; at++) {
            int64_t position = key_run_position(run, entry_at(page, at));
            if (position < below)
                return position < 0 ? KEY_DAMAGED : position;
        }
        if (at < page->count || page->count < KEY_PAGE_ENTRIES)
            break;
    }
    return KEY_NONE;
}

/* ---- reading all ---- */

enum key_read key_reader_turn(struct key_reader *reader)
{
    const struct key_run *run = reader->run;
    reader->left = 0;
    while (!reader->left) {
        if (reader->next_page == run->footer.pages)
            return KEY_READ_END;
        if (!page_is_right(run, reader->next_page))
            return KEY_READ_DAMAGED;
        const struct key_page *page = &run->pages[reader->next_page++];
        reader->at = page->entries;
        reader->left = page->count;
    }
    return KEY_READ_ENTRY;
}
