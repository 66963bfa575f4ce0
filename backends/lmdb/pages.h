/* Reads an LMDB file page by page with pread, and believes nothing: each page is checked before it is followed, so that damage is
 * an error with its place, and never a crash of the host. LMDB itself is used to write.
 *
 * Reading beside a writer, in this process or another, without LMDB's table of readers: nothing is pinned, so no reader makes the
 * file grow, none is left behind when a process dies, read-only media will do, and one process may open a store twice. Why a
 * snapshot that still stands after it was read (page_settle) was read whole:
 *
 *  - LMDB never writes a page of a committed snapshot in place. Transaction t reuses pages that were freed by transaction t − 2 or
 *    before (mdb_find_oldest gives t − 1, and mdb_page_alloc takes records below it). The pages of snapshot s are freed by s + 1
 *    at the earliest, so the first that can overwrite one is s + 3, and that one begins after s + 2 wrote its meta page.
 *  - s + 2 writes the same meta page as s. So while the meta that we began with is unchanged, and the other is not newer than
 *    s + 1, every page that we read was of snapshot s.
 *  - A meta page caught while it is being written mixes those of t − 2 and t, each field one or the other. If it is the same
 *    mixture at the end, then t was being committed all the while: its pages are written, and those of t − 2 are untouched
 *    (t + 1 would be the first). If it is not, the work is done again.
 *  - Overflow pages of the journal are never freed, so what a standing snapshot refers to may be read at leisure. */
#ifndef LMDB_PAGES_H
#define LMDB_PAGES_H

#include "backends/lmdb/files.h"
#include "backends/lmdb/page_format.h"
#include "base/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

struct page_file {
    int fd; /* of its own, read only; -1 when closed */
    const struct folder *folder;
    const char *name;
    struct memory *memory;
    uint32_t page_bytes;
    /* The newest transaction that may be seen, because it is durable; NULL where any may. */
    uint64_t (*horizon)(void *arg);
    void *horizon_arg;
};

struct page_snapshot {
    uint64_t transaction;
    uint64_t last_page;
    struct tree_record main;
    struct tree_record free;
    unsigned slot; /* the meta page that it is of */
    struct meta_record meta;
};

/* An entry of a leaf; pointers are into the page. */
struct page_entry {
    const uint8_t *key;
    uint32_t key_size;
    uint32_t value_size;
    const uint8_t *value; /* NULL when it is on overflow pages */
    uint64_t overflow;    /* … the first of them */
};

/* Where a search ended: a leaf, and the entry with the greatest key that is not above the one sought, or −1. */
struct page_place {
    uint8_t *page;   /* page_bytes, the caller's */
    uint8_t *parent; /* the same; NULL when page_advance is not used */
    int32_t index;
    uint32_t count;
    uint32_t parent_index;
    uint32_t parent_count;                 /* 0: the leaf is the root */
    uint8_t bound[TREE_KEY_MAX + 1];       /* keys of the leaves that follow are not below this one */
    uint32_t bound_size;                   /* 0: no leaves follow */
    uint8_t outer_bound[TREE_KEY_MAX + 1]; /* … of those that have another parent */
    uint32_t outer_bound_size;
};

/* Opens `name` read only and checks both meta pages. NOT_FOUND when there is no such file. The folder and the memory must outlive
 * it. */
int32_t page_file_open(struct page_file *file, const struct folder *folder, const char *name, struct memory *memory,
                       trading_error *error);
void page_file_close(struct page_file *file);

/* Runs `work` on a snapshot until one stood still for as long as it took. What the work says of damage counts when it says so again
 * and again. Returns what the work returned. */
typedef int32_t (*page_work)(void *arg, const struct page_snapshot *snapshot, trading_error *error);
int32_t page_settle(const struct page_file *file, page_work work, void *arg, trading_error *error);

/* Both meta pages. */
int32_t page_metas(const struct page_file *file, struct meta_record metas[2], trading_error *error);

/* Whether the newest transaction added to the one before it. Where it did not, in a file that is only added to, it was flushed: the next was
 * taken back (journal_recover.c), and the other meta page is its own under a smaller number; or LMDB failed to write the next one's meta page,
 * and put the old number back there but not the old trees; or it is the one that made the file one of a newer version. */
bool page_newest_adds(const struct meta_record metas[2]);

/* ---- within the work ---- */

/* Reads a page and checks it. kind: PAGE_BRANCH or PAGE_LEAF. numbers: keys are numbers, not bytes (the free tree). */
int32_t page_read(const struct page_file *file, const struct page_snapshot *snapshot, uint64_t number, uint16_t kind,
                  bool numbers, uint8_t *page, trading_error *error);

/* Searches the main tree. An empty tree gives index −1, count 0. */
int32_t page_seek(const struct page_file *file, const struct page_snapshot *snapshot, const void *key, uint32_t key_size,
                  struct page_place *place, trading_error *error);

/* Goes on to the next leaf of the same parent, whole if true is returned. False: there is none, or the snapshot that the place was
 * found in no longer stands, or something is wrong; search anew, which tells. For use after the work. */
bool page_advance(const struct page_file *file, const struct page_snapshot *snapshot, struct page_place *place);

uint32_t page_count(const uint8_t *page);
void page_entry_at(const uint8_t *page, uint32_t index, struct page_entry *entry);
uint64_t page_child_at(const uint8_t *page, uint32_t index, const uint8_t **key, uint32_t *key_size);

/* How many pages a value of this size takes. */
uint64_t page_run(const struct page_file *file, uint64_t value_size);

/* Reads the first `size` bytes of an entry's value from its overflow pages into `into`, behind the page's header: `into` takes
 * PAGE_HEADER_BYTES more. */
int32_t page_overflow(const struct page_file *file, const struct page_entry *entry, uint64_t size, uint8_t *into,
                      trading_error *error);

/* TRADING_E_DAMAGED with the file and the place. */
__attribute__((format(printf, 4, 5))) int32_t page_damaged(const struct page_file *file, uint64_t number, trading_error *error,
                                                           const char *format, ...);

/* Keys as bytes: memcmp, then the shorter first. */
int key_compare(const void *a, uint32_t a_size, const void *b, uint32_t b_size);

#endif
