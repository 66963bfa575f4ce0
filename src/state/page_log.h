/* The pages of a checkpoint on their way into the state files: first all of them into one file, the log, so that a crash while they are
 * written in place finds them there. And from the log into their places.
 *
 *   group    a page that says what follows: u64 generation, u32 count, u32 0, then for each page u32 table, u32 page, and at its end
 *            SipHash of it under the generation; then so many pages, each with its checksum as in its place
 *
 * in order of table and page, little endian. */
#ifndef STATE_PAGE_LOG_H
#define STATE_PAGE_LOG_H

#include "state/store.h"
#include "state/table.h"

#define PAGE_LOG_FILE  (STATE_FILES - 1u)
#define PAGE_LOG_GROUP 255u /* pages in one */

/* Pages that are gathered, then written: into the log, or each run of neighbours into its place. */
struct page_log {
    const struct state_store *store;
    uint64_t generation; /* 0: into their places */
    uint64_t pages;      /* taken */
    uint64_t end;        /* of the log */
    uint32_t count;      /* gathered */
    bool touched[TABLES_MAX];
    uint64_t unsynced;    /* bytes, since it was last synced */
    unsigned char *group; /* of page_log_bytes */
};

/* So much memory belongs to a log; 16-byte aligned. */
#define PAGE_LOG_BYTES ((size_t)(PAGE_LOG_GROUP + 1) * TABLE_PAGE_BYTES)

/* Takes one page of records, as table_page_take; arg is the log. */
int32_t page_log_take(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error);

/* Writes what is gathered, and makes it last. */
int32_t page_log_finish(struct page_log *log, trading_error *error);

/* Takes a whole page as it lies in its file, its checksum found good. */
typedef int32_t (*page_log_visit)(void *arg, uint32_t id, uint32_t page, const unsigned char *bytes, trading_error *error);

/* Visits the pages of the log of that generation, of which there are so many. `group` is memory for it. TRADING_E_DAMAGED when it is not
 * what it should be. */
int32_t page_log_read(const struct state_store *store, uint64_t generation, uint64_t pages, unsigned char *group,
                      page_log_visit visit, void *arg, trading_error *error);

/* Writes the pages of the log into their places, and makes that last. */
int32_t page_log_apply(const struct state_store *store, uint64_t generation, uint64_t pages, unsigned char *group,
                       trading_error *error);

#endif
