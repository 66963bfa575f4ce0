/* Numbered records of fixed layout with two horizons, and the pins that hold a horizon still.
 *
 * One thread, the writer, edits. An edit works on a staged copy of the record, so that what the writer has decided is apart from
 * what is durable; tables_install copies the oldest stage into place once its commit is durable, tables_discard forgets all that
 * is staged. Readers on any thread see installed records only, each one whole, without ever holding up the writer.
 *
 *      tables_begin → table_edit … table_append …   (decide and fold a batch)
 *      tables_begin → …                             (the next batch, decided on the one that still syncs)
 *      tables_install                               (the first batch is durable)
 *
 * Layout: records lie in pages that never move, so a reader needs no lock to find one. A page's image (its records' payloads in
 * order) is at most TABLE_PAGE_BYTES, which as an LMDB value fills exactly one overflow page; a page holds a power of two of
 * records. Numbers begin at 1; 0 is none. A record that was never written is all zero. */
#ifndef STATE_TABLE_H
#define STATE_TABLE_H

#include "base/memory.h"

#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

#define TABLE_PAGE_BYTES   4080u
#define TABLES_MAX         32u   /* tables in one struct tables */
#define TABLES_STAGES      4u    /* batches in flight at once */
#define TABLE_RECORD_BYTES 2040u /* the largest record */

struct tables; /* all tables of a partition */
struct table;  /* one of them */
struct pin;    /* a horizon held still */

/* memory must outlive the tables. pin_bytes bounds what all pins together may keep of old records. */
int32_t tables_open(struct tables **tables, struct memory *memory, uint64_t pin_bytes, trading_error *error);
void tables_close(struct tables *tables);

/* Adds table `id` (0 … TABLES_MAX − 1), before the first stage. record_bytes: a multiple of 8, at most TABLE_RECORD_BYTES. */
int32_t tables_add(struct tables *tables, uint32_t id, uint32_t record_bytes, struct table **table, trading_error *error);

/* ---- the writer's thread ---- */

/* Begins a stage; TABLES_STAGES may be in flight. Returns false when there is no place. */
bool tables_begin(struct tables *tables);

/* The record as decided: staged if it is, else installed. Valid until the next table_edit or table_append of the same table.
 * A number that was never appended gives a record of zeros. */
const void *table_get(const struct table *table, uint32_t number);

/* The record to change, in the newest stage; valid until that stage is installed or discarded. Editing two records at once is
 * allowed. When memory runs out it gives a scratch record and tables_failed becomes true: the batch must then be discarded. */
void *table_edit(struct table *table, uint32_t number);

/* A new record of zeros, in the newest stage, and its number: one more than the last. When memory or numbers run out, 0. */
void *table_append(struct table *table, uint32_t *number);

/* How many records there are, as decided. */
uint32_t table_count(const struct table *table);

/* True once an edit since the last discard found no memory. */
bool tables_failed(const struct tables *tables);

/* Bytes that the newest stage holds. */
uint64_t tables_staged_bytes(const struct tables *tables);

/* Makes the oldest stage visible to readers: the horizon moves on by one. */
void tables_install(struct tables *tables);

/* Forgets every stage in flight; counts go back to what is installed. */
void tables_discard(struct tables *tables);

/* ---- any thread ---- */

/* What a read found. */
enum table_read { TABLE_ABSENT, TABLE_FOUND, TABLE_EXPIRED };

/* Copies the record's payload as installed, or as it was at the pin's horizon when `pin` is not NULL. */
enum table_read table_read(const struct table *table, uint32_t number, struct pin *pin, void *record);

/* How many records are installed, now or at the pin's horizon. */
uint32_t table_installed(const struct table *table, const struct pin *pin);

/* Batches installed since the tables were opened. */
uint64_t tables_horizon(const struct tables *tables);

/* Holds the present horizon: from now on the writer keeps a copy of each record that it overwrites, until the bound on their
 * bytes is passed; then the oldest pin expires, and reads through it say so. NULL when there is no memory. */
struct pin *tables_pin(struct tables *tables);
void tables_unpin(struct pin *pin);
uint64_t pin_horizon(const struct pin *pin);

/* ---- pages, for checkpoints and snapshots ---- */

uint32_t tables_page_count(const struct tables *tables, uint32_t id, const struct pin *pin);
uint32_t tables_record_bytes(const struct tables *tables, uint32_t id); /* 0 when there is no such table */

/* Marks which pages changed by installs since the last call that took them, as of the pin: hands each one's image, in order of
 * table and page. With `all`, every page. Stops at the first failure of `take` and then marks what was not handed over, and what
 * was, changed again. TRADING_E_VIEW_EXPIRED when the pin expired. */
int32_t tables_take_pages(struct tables *tables, struct pin *pin, bool all,
                          int32_t (*take)(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes), void *arg,
                          trading_error *error);

/* Puts a page back as it was taken, before the first stage. `count` records of the table then exist (see tables_set_count). */
int32_t tables_put_page(struct tables *tables, uint32_t id, uint32_t page, const void *image, uint32_t bytes,
                        trading_error *error);
int32_t tables_set_count(struct tables *tables, uint32_t id, uint32_t count, trading_error *error);

#endif
