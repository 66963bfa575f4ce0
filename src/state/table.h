/* Numbered records of fixed layout with two horizons, and the pins that hold a horizon still.
 *
 * One thread, the writer, edits. It edits in place, having first saved what the record was before the batch; so what the writer has
 * decided lies in the records, and what is installed but no longer in them lies beside. tables_install moves the horizon past the
 * oldest batch once its commit is durable, tables_discard puts back what all batches in flight have changed. Readers on any
 * thread see installed records only, each one whole, without ever holding up the writer; how is told in read.c.
 *
 *      tables_begin_unseen → … → tables_install     (before anybody reads: a journal is folded)
 *      tables_begin → table_edit … table_append …   (decide and fold a batch)
 *      tables_begin → …                             (the next batch, decided on the one that still syncs)
 *      tables_install                               (the first batch is durable)
 *
 * Layout: records lie side by side in pages of TABLE_PAGE_BYTES, and pages in levels, each twice as long as the one before, so that
 * a page never moves, a small table is small, and a record's place is arithmetic. The end of a page has room for its checksum.
 * Numbers begin at 1; 0 is none. A record that was never written is all zero. Records are aligned to 8 bytes, those of 64 bytes to
 * a cache line: no 128-bit members. */
#ifndef STATE_TABLE_H
#define STATE_TABLE_H

#include "base/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <trading/error.h>

struct state_store;

#define TABLE_PAGE_BYTES   4096u
#define TABLE_IMAGE_BYTES  4088u /* of a page for records */
#define TABLE_RECORD_BYTES 2040u /* the largest record */
#define TABLES_MAX         32u   /* tables in one struct tables */
#define TABLES_STAGES      4u    /* batches in flight at once */

struct tables; /* all tables of a partition */
struct table;  /* one of them */
struct pin;    /* a horizon held still */

/* memory must outlive the tables. pin_bytes bounds what all pins together may keep of old records. No pin may be left at close. */
int32_t tables_open(struct tables **tables, struct memory *memory, uint64_t pin_bytes, trading_error *error);
void tables_close(struct tables *tables);

/* Adds table `id` (0 … TABLES_MAX − 1), before the first stage. record_bytes: a multiple of 8, at most TABLE_RECORD_BYTES. */
int32_t tables_add(struct tables *tables, uint32_t id, uint32_t record_bytes, struct table **table, trading_error *error);

/* Lets the pages lie in the store's state files, each table's in the file of its number: what is not changed is mapped from there and
 * the system's to keep or to drop, what is changed is a copy in memory. Before the first stage, and before pages are put. The store must
 * outlive the tables. Without it pages are memory. */
void tables_back(struct tables *tables, const struct state_store *store);
bool tables_are_backed(const struct tables *tables);

/* How many bytes of changed pages there should be at most: with more, memory is short. Without it there may be any number. */
void tables_set_room(struct tables *tables, uint64_t bytes);

/* ---- the writer's thread ---- */

/* Begins a stage; TABLES_STAGES may be in flight. Returns false when there is no place. */
bool tables_begin(struct tables *tables);

/* The same while nobody reads and no pin is held, for who closes the tables where the stage is to be discarded: what records were is not
 * saved, so that discarding leaves them as they were last edited, and takes back only what was appended. False when a stage is in flight. */
bool tables_begin_unseen(struct tables *tables);

/* The record as decided, now and after later edits of it. A number that was never appended gives a record of zeros. */
static inline const void *table_get(const struct table *table, uint32_t number);

/* The same for who only wants advice: zeros, too, where the page was not touched yet. */
static inline const void *table_glance(const struct table *table, uint32_t number);

/* Calls a record that will soon be wanted into the cache; nothing more. In a stage that nobody sees less is wanted. */
static inline void table_prefetch(const struct table *table, uint32_t number);
static inline void table_prefetch_unseen(const struct table *table, uint32_t number);

/* The record to change, in the newest stage; valid until the next stage is begun, or that one installed or discarded. Editing two
 * records at once is allowed. When memory runs out, or no such record or stage exists, it gives a scratch record and tables_failed
 * becomes true: the batch must then be discarded. */
static inline void *table_edit(struct table *table, uint32_t number);

/* A new record of zeros, in the newest stage, and its number: one more than the last. When memory or numbers run out, a scratch
 * record and 0, and tables_failed becomes true. */
void *table_append(struct table *table, uint32_t *number);

/* How many records there are, as decided. */
static inline uint32_t table_count(const struct table *table);

/* True once an edit since the last discard found no memory, or anything that the writer read or edited was damaged. */
bool tables_failed(const struct tables *tables);

/* Any thread. True for good once a page that was read from a file did not match its checksum: the state must be made anew. Who reads such
 * a record gets zeros as the writer, and TABLE_EXPIRED as a reader. */
bool tables_damaged(const struct tables *tables);

/* Bytes that the newest stage holds of what its records were before. */
uint64_t tables_staged_bytes(const struct tables *tables);

/* Makes the oldest stage visible to readers: the horizon moves on by one. Never fails. Nothing in flight: does nothing. */
void tables_install(struct tables *tables);

/* Undoes every stage in flight; records and counts go back to what is installed. */
void tables_discard(struct tables *tables);

/* Gives memory of pages back that tables_settled says are kept elsewhere, and that have not changed since: looks at about so many pages,
 * going round. Where it lies in large pages, only if all of one may go, or, where memory is short, half of it. Between two batches. */
void tables_trim(struct tables *tables, uint32_t pages);

/* Memory for pages that tables will grow into. */
struct tables_growth {
    size_t count;
    struct {
        void *from;
        size_t bytes;
    } spans[2 * TABLES_MAX];
};

/* The writer's: notes the pages that growing tables will come to next and that nobody noted yet. They count as changed from now on. */
void tables_foresee(struct tables *tables, struct tables_growth *growth);

/* Any thread, beside the writer and readers, before the tables are closed: makes memory of them, so that the writer does not wait for it. */
void tables_grow_ahead(const struct tables_growth *growth);

/* Any thread: bytes of changed pages and what belongs to them. */
uint64_t tables_cached_bytes(const struct tables *tables);

/* Any thread: of those, what changed since tables_saved, but not in the later half of the batches since. */
uint64_t tables_idle_bytes(const struct tables *tables);

/* ---- any thread ---- */

/* What a read found. */
enum table_read { TABLE_ABSENT, TABLE_FOUND, TABLE_EXPIRED };

/* Copies the record's payload as installed, or as it was at the pin's horizon when `pin` is not NULL. */
enum table_read table_read(const struct table *table, uint32_t number, struct pin *pin, void *record);

/* The same of the first `bytes` alone, a multiple of 8. */
enum table_read table_read_first(const struct table *table, uint32_t number, struct pin *pin, void *record, uint32_t bytes);

/* Copies what does not change any more once the record is installed, such as its id: so neither its stamp nor its former versions are looked
 * at. `offset` and `bytes` are multiples of 8. False when there is no such record, or its page is damaged. */
static inline bool table_read_fixed(const struct table *table, uint32_t number, uint32_t offset, void *into, uint32_t bytes);

/* As table_prefetch, for table_read and table_read_fixed. */
static inline void table_prefetch_installed(const struct table *table, uint32_t number);
static inline void table_prefetch_fixed(const struct table *table, uint32_t number);

/* How many records are installed, now or at the pin's horizon. */
uint32_t table_installed(const struct table *table, const struct pin *pin);

/* Batches installed since the tables were opened. */
uint64_t tables_horizon(const struct tables *tables);

/* Several records as of one horizon without a pin: look, read with no pin, and ask whether the horizon stood still meanwhile. What was read
 * is of that horizon if it did, and must be thrown away if not. tables_look gives 0 while an install runs. Nothing is written, so readers do
 * not hinder each other. */
uint64_t tables_look(const struct tables *tables);
bool tables_stood_still(const struct tables *tables, uint64_t look);

/* Holds the present horizon: from now on what the writer's batches saved is kept where the pin can see it, until the bound on its
 * bytes is passed; then the oldest pin expires, and from then on reads through it say so. Pins of the same horizon are one; what
 * is kept is shared by all that need it. One pin may be read by several threads; give it back (NULL: does nothing) when none of
 * them reads. Taking and giving back wait for an install that runs; reading never waits. NULL when there is no memory. */
struct pin *tables_pin(struct tables *tables);
void tables_unpin(struct pin *pin);

/* The same for who cannot do without, as a checkpoint: it does not expire, whatever it keeps. For as short a time as may be. */
struct pin *tables_hold(struct tables *tables);
uint64_t pin_horizon(const struct pin *pin);
bool pin_expired(const struct pin *pin);

/* ---- pages, for checkpoints and snapshots ---- */

/* The shape of a table; each is 0 when there is no such table. */
uint32_t tables_record_bytes(const struct tables *tables, uint32_t id);
uint32_t tables_page_bytes(const struct tables *tables, uint32_t id);                /* of an image: its records */
uint32_t tables_pages_for(const struct tables *tables, uint32_t id, uint32_t count); /* how many pages hold so many records */
uint32_t tables_count_at(const struct tables *tables, uint32_t id, const struct pin *pin); /* as table_installed */

/* Takes one page's image, valid during the call. TRADING_OK to go on; anything else ends the walk, which returns it. */
typedef int32_t (*table_page_take)(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes,
                                   trading_error *error);

/* Hands over the image, as of the pin, of each page that an install changed after what tables_saved last named and up to the pin;
 * with `all`, of every page. In order of table and page. On any thread, beside the writer. TRADING_E_VIEW_EXPIRED when the pin
 * expired on the way; TRADING_E_INVALID when the pin is older than what was saved and not all is asked for. */
int32_t tables_pages(const struct tables *tables, struct pin *pin, bool all, table_page_take take, void *arg,
                     trading_error *error);

/* Pages of all tables: a bit for each that is in it. */
struct page_set {
    struct memory *memory;
    uint64_t *pages[TABLES_MAX];
    size_t words[TABLES_MAX];
    uint64_t count; /* in it */
    uint64_t all;   /* that there are */
};

/* Gathers the pages that an install changed after this horizon and up to the pin, and maybe some that were changed since, of those that the
 * tables have at the pin. What changed is known for as long as the tables are open, whatever tables_saved and tables_trim say. Soon after the
 * pin was taken, or what changes meanwhile is gathered as well. False when there is no memory. */
bool tables_changed(const struct tables *tables, const struct pin *pin, uint64_t since, struct memory *memory,
                    struct page_set *set);
void page_set_close(struct page_set *set);

/* As tables_pages with `all`, of the pages of the set, which is of that pin. */
int32_t tables_pages_of(const struct tables *tables, struct pin *pin, const struct page_set *set, table_page_take take,
                        void *arg, trading_error *error);

/* Says that the pages as of the pin are kept for good: the next tables_pages leaves out what has not changed after it. One thread at a
 * time saves. tables_settled: what was saved is in the store's state files too, so that tables_trim may do its work. */
void tables_saved(struct tables *tables, const struct pin *pin);
void tables_settled(struct tables *tables, const struct state_store *store);

/* For who saves: what is settled, as a pin for which nothing is kept in memory. tables_pages with `all` and tables_pages_of read its pages from
 * the state files; records are not read by it. It never expires, is not given back, and is good until the files are next written. NULL:
 * nothing was settled. */
struct pin *tables_at_rest(struct tables *tables);

/* Which checkpoint the tables were loaded from or last saved in; 0: none. */
uint64_t tables_generation(const struct tables *tables);
void tables_set_generation(struct tables *tables, uint64_t generation);

/* Puts a page back as it was taken, the pages before it having been put, before the first stage and before any reader. It counts as
 * saved, and is in no state file before all pages are written: that is to come before anything else is settled. */
int32_t tables_put_page(struct tables *tables, uint32_t id, uint32_t page, const void *image, uint32_t bytes,
                        trading_error *error);

/* Takes the pages of so many records as they lie in the state file, unread: each is verified when it is first touched. Before the first
 * stage, in tables that are backed. TRADING_E_DAMAGED when the file is too short. tables_set_count comes next. */
int32_t tables_load_pages(struct tables *tables, uint32_t id, uint32_t count, trading_error *error);

/* The checksum of a page, of its TABLE_IMAGE_BYTES, under its own place, so that one in another's place does not match. It lies behind
 * them: that is asked, and a page that an older library wrote has the checksum of its time. */
uint64_t page_sum(uint32_t id, uint32_t page, const void *bytes);
bool page_sum_matches(uint32_t id, uint32_t page, const unsigned char *bytes);
/* Reads a page from its state file, TABLE_PAGE_BYTES. TRADING_E_DAMAGED when its checksum does not match. */
int32_t page_read_file(const struct state_store *store, uint32_t id, uint32_t page, unsigned char *bytes, trading_error *error);

/* Says how many records the pages that were put or loaded hold. TRADING_E_DAMAGED when a page of them is missing, or when there is anything
 * past the last record or in place of number 0. */
int32_t tables_set_count(struct tables *tables, uint32_t id, uint32_t count, trading_error *error);

#include "state/table_place.h"

#endif
