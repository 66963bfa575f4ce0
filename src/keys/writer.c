/* Writing a run: its pages one after another, then its filter, which is made in memory meanwhile. */
#include "base/error.h"
#include "keys/run.h"

#define BUFFER_PAGES 64u
#define FILTER_PIECE 16384u /* lines, 1 MiB, between two looks at what is more urgent */

struct key_writer {
    struct key_memory *memory;
    const struct state_store *store;
    void *blob;
    struct key_footer footer;
    uint64_t *filter;
    uint64_t lines_written; /* of that */
    int32_t status;         /* of the first failure, which `failure` tells */
    trading_error failure;
    uint32_t buffered; /* pages that are full; the next is being filled */
    struct key_page buffer[BUFFER_PAGES];
};

static size_t filter_bytes(const struct key_writer *writer)
{
    return writer->footer.lines * FILTER_LINE_BYTES;
}

static void writer_free(struct key_writer *writer)
{
    key_release(writer->memory, writer->filter, filter_bytes(writer));
    key_release(writer->memory, writer, sizeof *writer);
}

int32_t key_writer_open(struct key_writer **writer, struct key_memory *memory, const struct state_store *store, uint64_t number,
                        uint64_t count, const struct key_span *span, trading_error *error)
{
    struct key_writer *opened = key_allocate(memory, sizeof *opened);
    if (!opened)
        return error_no_memory(error, "writing command keys");
    memset(opened, 0, sizeof *opened);
    opened->memory = memory;
    opened->store = store;
    opened->footer = (struct key_footer){.magic = KEY_RUN_MAGIC,
                                         .format = KEY_FORMAT,
                                         .byte_order = KEY_BYTE_ORDER,
                                         .number = number,
                                         .count = count,
                                         .span = *span,
                                         .home_pages = count / KEY_PAGE_FILL + 1,
                                         .lines = filter_lines_for(count)};
    opened->filter = key_allocate(memory, filter_bytes(opened));
    int32_t code = opened->filter ? store->ops->blob_create(store->store, number, &opened->blob, error)
                                  : error_no_memory(error, "writing command keys");
    if (code) {
        writer_free(opened);
        return code;
    }
    memset(opened->filter, 0, filter_bytes(opened));
    *writer = opened;
    return TRADING_OK;
}

static void append(struct key_writer *writer, const void *bytes, size_t size)
{
    if (!writer->status)
        writer->status = writer->store->ops->blob_append(writer->blob, bytes, size, &writer->failure);
}

static void flush_pages(struct key_writer *writer)
{
    append(writer, writer->buffer, writer->buffered * sizeof *writer->buffer);
    memset(writer->buffer, 0, sizeof writer->buffer);
    writer->buffered = 0;
}

static void end_page(struct key_writer *writer)
{
    struct key_page *page = &writer->buffer[writer->buffered++];
    page->sum = key_page_sum(page, writer->footer.number, writer->footer.pages++);
    if (writer->buffered == BUFFER_PAGES)
        flush_pages(writer);
}

/* Out of line, so that the usual way saves no registers. */
__attribute__((noinline)) static struct key_page *turn_page(struct key_writer *writer, uint64_t home)
{
    while (writer->footer.pages < home || writer->buffer[writer->buffered].count == KEY_PAGE_ENTRIES)
        end_page(writer);
    return &writer->buffer[writer->buffered];
}

void key_writer_add(struct key_writer *writer, const struct key_entry *entries, uint32_t count)
{
    struct key_page *page = &writer->buffer[writer->buffered];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t home = key_home(entries[i].hash, writer->footer.home_pages);
        if (writer->footer.pages < home || page->count == KEY_PAGE_ENTRIES)
            page = turn_page(writer, home);
        key_entry_write(page->entries + (size_t)page->count++ * KEY_ENTRY_BYTES, key_prefix(entries[i].hash),
                        entries[i].position - writer->footer.span.first_position);
        key_filter_add(writer->filter, writer->footer.lines, entries[i].hash);
    }
}

static void end_pages(struct key_writer *writer)
{
    while (writer->footer.pages < writer->footer.home_pages || writer->buffer[writer->buffered].count)
        end_page(writer);
    if (writer->buffered)
        flush_pages(writer);
}

bool key_writer_end_piece(struct key_writer *writer)
{
    end_pages(writer);
    uint64_t left = writer->footer.lines - writer->lines_written;
    uint64_t lines = left < FILTER_PIECE ? left : FILTER_PIECE;
    append(writer, writer->filter + writer->lines_written * FILTER_LINE_WORDS, lines * FILTER_LINE_BYTES);
    writer->lines_written += lines;
    return left > lines;
}

int32_t key_writer_finish(struct key_writer *writer, trading_error *error)
{
    while (writer->lines_written < writer->footer.lines)
        key_writer_end_piece(writer);
    writer->footer.filter_sum = checksum(writer->filter, filter_bytes(writer), writer->footer.number);
    writer->footer.sum = key_footer_sum(&writer->footer);
    append(writer, &writer->footer, sizeof writer->footer);
    if (!writer->status)
        writer->status = writer->store->ops->blob_seal(writer->blob, &writer->failure);
    int32_t status = writer->status;
    if (status) {
        if (error)
            *error = writer->failure;
        key_writer_abandon(writer);
        return status;
    }
    writer_free(writer);
    return TRADING_OK;
}

void key_writer_abandon(struct key_writer *writer)
{
    writer->store->ops->blob_abandon(writer->blob);
    writer_free(writer);
}
