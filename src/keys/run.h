/* A run: keys sorted by hash, never changed, in a blob of the state store that is mapped. */
#ifndef KEYS_RUN_H
#define KEYS_RUN_H

#include "keys/entry.h"
#include "keys/filter.h"
#include "keys/run_format.h"
#include "state/store.h"

struct key_run {
    struct key_footer footer; /* as it is in the blob */
    struct state_blob blob;
    const struct key_page *pages;
    struct key_filter filter;
    uint8_t *proven;      /* a bit for each page whose sum was seen to be right by a search; the searching thread's own */
    _Atomic bool damaged; /* a page is: it takes part in nothing any more */
    uint32_t eras;        /* of the sieve that have all of its keys; 0: none has */
    bool in_stored_sieve; /* which is in the store, too */
    struct key_run *next; /* in a list of what is to be freed */
};

/* The position of an entry; −1 when it is beyond what the run may have. */
static inline int64_t key_run_position(const struct key_run *run, const uint8_t *entry)
{
    int64_t distance = key_distance_at(entry);
    const struct key_span *span = &run->footer.span;
    return distance <= span->last_position - span->first_position ? span->first_position + distance : -1;
}

/* Maps a run and proves its footer and filter, not its pages. TRADING_E_NOT_FOUND, _DAMAGED, _NEWER_FORMAT, _UNSUPPORTED. */
int32_t key_run_open(struct key_run **run, struct key_memory *memory, const struct state_store *store, uint64_t number,
                     trading_error *error);
void key_run_close(struct key_run *run, struct key_memory *memory, const struct state_store *store);

#define KEY_NONE    (-1)
#define KEY_DAMAGED (-2)

/* The newest key with this hash before a position: its position, KEY_NONE, or KEY_DAMAGED when that cannot be told. Look into the filter
 * first. */
int64_t key_run_find(struct key_run *run, uint64_t hash, int64_t below);

/* ---- reading all, in order ---- */

struct key_reader {
    const struct key_run *run;
    uint64_t next_page;
    const uint8_t *at; /* the entry, in the page before it */
    uint32_t left;     /* entries of that page from there on; 0: none was read yet, or all were */
};

enum key_read { KEY_READ_ENTRY, KEY_READ_END, KEY_READ_DAMAGED };
/* Turns to the first entry of the next page that has any. */
enum key_read key_reader_turn(struct key_reader *reader);

/* Goes to the next entry, of which the other two then tell. */
static inline enum key_read key_reader_next(struct key_reader *reader)
{
    if (reader->left < 2)
        return key_reader_turn(reader);
    reader->at += KEY_ENTRY_BYTES;
    reader->left--;
    return KEY_READ_ENTRY;
}

static inline uint64_t key_reader_hash(const struct key_reader *reader)
{
    return key_prefix_at(reader->at) << (64 - KEY_PREFIX_BITS);
}

/* −1: it is damaged. */
static inline int64_t key_reader_position(const struct key_reader *reader)
{
    return key_run_position(reader->run, reader->at);
}

/* ---- writing ---- */

struct key_writer; /* a run that is being written */

/* Of exactly so many keys, which are then added in order, some at a time. */
int32_t key_writer_open(struct key_writer **writer, struct key_memory *memory, const struct state_store *store, uint64_t number,
                        uint64_t count, const struct key_span *span, trading_error *error);
/* A failure is remembered, and told at the end. */
void key_writer_add(struct key_writer *writer, const struct key_entry *entries, uint32_t count);
/* Writes a piece of what is behind the keys. False: there is nothing left but to finish, which does it all otherwise. */
bool key_writer_end_piece(struct key_writer *writer);
/* Ends it either way: sealed, or abandoned. */
int32_t key_writer_finish(struct key_writer *writer, trading_error *error);
void key_writer_abandon(struct key_writer *writer);

#endif
