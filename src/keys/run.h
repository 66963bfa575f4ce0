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
    uint32_t at; /* in the page before it */
    uint32_t count;
    struct key_entry entry;
};

enum key_read { KEY_READ_ENTRY, KEY_READ_END, KEY_READ_DAMAGED };
enum key_read key_reader_next(struct key_reader *reader);

/* ---- writing ---- */

struct key_writer; /* a run that is being written */

/* Of exactly so many keys, which are then added in order. */
int32_t key_writer_open(struct key_writer **writer, struct key_memory *memory, const struct state_store *store, uint64_t number,
                        uint64_t count, const struct key_span *span, trading_error *error);
/* A failure is remembered, and told at the end. */
void key_writer_add(struct key_writer *writer, struct key_entry entry);
/* Ends it either way: sealed, or abandoned. */
int32_t key_writer_finish(struct key_writer *writer, trading_error *error);
void key_writer_abandon(struct key_writer *writer);

#endif
