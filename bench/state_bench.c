/* What state costs: an edit and its install, a read, a lookup, all in processor time; a checkpoint, a snapshot, by the
 * clock on the wall. Prints a line a figure.
 * usage: state-bench [--quick | FOLDER for a state store on LMDB] */
#include "base/hash.h"
#include "state/checkpoint.h"
#include "state/index.h"
#include "state/snapshot.h"
#include "state/table.h"

#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORD_BYTES 120u
#define BATCH        8192u
#define EDITS        (UINT64_C(512) * BATCH)
#define AHEAD        8u
#define READS        4000000u

struct account {
    int64_t balance;
    int64_t version;
    int64_t other[RECORD_BYTES / 8 - 2];
};

static void fail(const char *what)
{
    fprintf(stderr, "state-bench: %s\n", what);
    exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of the processor's time that this thread had, so that others on the machine count less. */
static uint64_t nanoseconds(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t pick(uint64_t *state, uint32_t records)
{
    return 1 + (uint32_t)((next_random(state) >> 32) * records >> 32);
}

static void fill(struct tables *tables, struct table *table, uint32_t records)
{
    for (uint32_t i = 0; i < records;) {
        if (!tables_begin(tables))
            fail("no stage");
        for (uint32_t n = 0; n < BATCH && i < records; n++, i++) {
            uint32_t number;
            struct account *account = table_append(table, &number);
            account->balance = number;
        }
        if (tables_failed(tables))
            fail("no memory");
        tables_install(tables);
    }
}

/* Batches of deposits, each decided while the one before waits for its sync. */
static void edit(struct tables *tables, struct table *table, uint32_t records, bool prefetch, const char *name)
{
    uint64_t seed = 88172645463325252u;
    uint64_t editing = 0;
    uint64_t installing = 0;
    uint32_t numbers[BATCH + AHEAD];
    for (uint32_t batch = 0; batch < EDITS / BATCH; batch++) {
        for (uint32_t n = 0; n < BATCH + AHEAD; n++)
            numbers[n] = pick(&seed, records);
        uint64_t start = nanoseconds();
        tables_begin(tables);
        for (uint32_t n = 0; n < BATCH; n++) {
            if (prefetch)
                table_prefetch(table, numbers[n + AHEAD]);
            struct account *account = table_edit(table, numbers[n]);
            account->balance += 100;
            account->version++;
        }
        uint64_t middle = nanoseconds();
        if (batch)
            tables_install(tables);
        editing += middle - start;
        installing += nanoseconds() - middle;
    }
    tables_install(tables);
    printf("%-40s %6" PRIu64 " ns edit + %" PRIu64 " ns install\n", name, editing / EDITS, installing / EDITS);
}

struct reader {
    struct tables *tables;
    struct table *table;
    uint32_t records;
    bool pinned;
    uint64_t nanoseconds;
    int64_t sum;
};

static void *read_randomly(void *arg)
{
    struct reader *reader = arg;
    uint64_t seed = 88172645463325252u;
    struct pin *pin = reader->pinned ? tables_pin(reader->tables) : NULL;
    uint64_t start = nanoseconds();
    for (uint32_t n = 0; n < READS; n++) {
        struct account account;
        table_read(reader->table, pick(&seed, reader->records), pin, &account);
        reader->sum += account.balance;
    }
    reader->nanoseconds = nanoseconds() - start;
    tables_unpin(pin);
    return NULL;
}

static void read_on_threads(struct tables *tables, struct table *table, uint32_t records, uint32_t threads, bool pinned,
                            const char *name)
{
    pthread_t ids[2];
    struct reader readers[2];
    for (uint32_t i = 0; i < threads; i++) {
        readers[i] = (struct reader){tables, table, records, pinned, 0, 0};
        if (pthread_create(&ids[i], NULL, read_randomly, &readers[i]))
            fail("no thread");
    }
    uint64_t total = 0;
    for (uint32_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        total += readers[i].nanoseconds;
    }
    printf("%-40s %6" PRIu64 " ns a read\n", name, total / threads / READS);
}

static void measure_records(uint32_t records)
{
    struct memory memory;
    struct tables *tables;
    struct table *table = NULL;
    memory_init(&memory);
    if (tables_open(&tables, &memory, UINT64_C(1) << 30, NULL) || tables_add(tables, 0, RECORD_BYTES, &table, NULL))
        fail("no tables");
    fill(tables, table, records);
    printf("%" PRIu32 " records of %u bytes, in batches of %u\n", records, RECORD_BYTES, BATCH);
    edit(tables, table, records, false, "  deposit");
    edit(tables, table, records, true, "  deposit, prefetched");
    struct pin *pin = tables_pin(tables);
    edit(tables, table, records, true, "  deposit, prefetched, a pin held");
    read_on_threads(tables, table, records, 1, true, "  read through a fresh pin");
    tables_unpin(pin);
    read_on_threads(tables, table, records, 1, false, "  read, 1 thread");
    read_on_threads(tables, table, records, 2, false, "  read, 2 threads");
    tables_close(tables);
}

/* ---- index ---- */

static void measure_index(uint32_t entries)
{
    struct memory memory;
    memory_init(&memory);
    struct index *index = index_open(&memory, 0);
    if (!index)
        fail("no index");
    uint64_t worst = 0;
    uint64_t start = nanoseconds();
    uint64_t before = start;
    for (uint32_t number = 1; number <= entries; number++) {
        if (!index_insert(index, number, number))
            fail("no memory");
        if (number % 64)
            continue;
        uint64_t now = nanoseconds();
        worst = now - before > worst ? now - before : worst;
        before = now;
    }
    uint64_t inserted = nanoseconds();
    uint64_t seed = 88172645463325252u;
    uint64_t found = 0;
    for (uint32_t n = 0; n < entries; n++) {
        uint64_t cursor = 0;
        found += index_next(index, pick(&seed, entries), &cursor);
    }
    uint64_t end = nanoseconds();
    printf("index of %" PRIu32 ": %" PRIu64 " ns an insert (worst 64: %" PRIu64 " us), %" PRIu64 " ns a random find%s\n",
           entries, (inserted - start) / entries, worst / 1000, (end - inserted) / entries, found ? "" : "!");
    index_close(index);
}

/* ---- checkpoints and snapshots ---- */

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *block, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(block);
}

static void print_rate(const char *name, uint64_t bytes, uint64_t since)
{
    uint64_t taken = read_clock(CLOCK_MONOTONIC) - since;
    printf("  %-38s %6" PRIu64 " ms, %" PRIu64 " MB/s\n", name, taken / 1000000, bytes * 1000 / taken);
}

static void checkpoint(struct tables *tables, const struct state_store *store, struct memory *memory, bool all, uint64_t bytes,
                       const char *name)
{
    struct pin *pin = tables_pin(tables);
    uint64_t start = read_clock(CLOCK_MONOTONIC);
    if (checkpoint_write(tables, pin, all, store, memory, NULL, 0, NULL) || checkpoint_settle(tables, store, memory, NULL))
        fail("no checkpoint");
    print_rate(name, bytes, start);
    tables_unpin(pin);
}

static void load(struct memory *memory, const struct state_store *store, uint64_t bytes, const char *name)
{
    struct tables *tables;
    struct table *table = NULL;
    struct shape shape;
    uint64_t start = read_clock(CLOCK_MONOTONIC);
    if (tables_open(&tables, memory, 0, NULL) || tables_add(tables, 0, RECORD_BYTES, &table, NULL) ||
        checkpoint_load(tables, store, true, memory, &shape, NULL))
        fail("the checkpoint does not load");
    print_rate(name, bytes, start);
    tables_close(tables);
}

static int32_t drop_chunk(void *store, uint32_t partition, int64_t position, uint32_t chunk, const void *data, uint64_t size,
                          int32_t last, trading_error *error)
{
    (void)partition, (void)position, (void)chunk, (void)data, (void)last, (void)error;
    *(uint64_t *)store += size;
    return TRADING_OK;
}

static uint64_t snapshot(struct tables *tables, struct memory *memory, struct snapshot_base *base, int64_t position,
                         uint64_t bytes, const char *name)
{
    static const trading_store_ops ops = {.size = sizeof ops, .snapshot_put = drop_chunk};
    uint64_t written = 0;
    struct snapshot_place place = {.ops = &ops, .store = &written, .position = position};
    struct pin *pin = tables_pin(tables);
    uint64_t start = read_clock(CLOCK_MONOTONIC);
    if (snapshot_write(tables, pin, NULL, 0, &place, base, memory, NULL))
        fail("no snapshot");
    print_rate(name, bytes, start);
    tables_unpin(pin);
    return written;
}

/* Changes so many records, any or the first. */
static void touch(struct tables *tables, struct table *table, uint32_t count, bool anywhere)
{
    uint64_t seed = 88172645463325252u;
    tables_begin(tables);
    for (uint32_t n = 0; n < count; n++)
        ((struct account *)table_edit(table, anywhere ? pick(&seed, table_count(table)) : n + 1))->balance++;
    tables_install(tables);
}

static void measure_increments(struct tables *tables, struct table *table, struct memory *memory, uint64_t bytes)
{
    struct snapshot_base base = {.there = false};
    uint32_t percent = table_count(table) / 100;
    snapshot(tables, memory, NULL, 0, bytes, "snapshot, not stored");
    uint64_t whole = snapshot(tables, memory, &base, 1, bytes, "the same, that has increments");
    touch(tables, table, percent, false);
    uint64_t near = snapshot(tables, memory, &base, 2, bytes, "increment, 1 % changed side by side");
    touch(tables, table, percent, true);
    uint64_t far = snapshot(tables, memory, &base, 3, bytes, "increment, 1 % changed anywhere");
    printf("  %" PRIu64 " bytes whole; with 1 %% changed %" PRIu64 " side by side, %" PRIu64 " anywhere\n", whole, near, far);
}

static void measure_saving(uint32_t records, const char *folder)
{
    trading_host_functions host = {.size = sizeof host, .abi = TRADING_PLUGIN_ABI, .allocate = allocate, .release = release};
    struct state_store store = {.ops = folder ? &lmdb_state_store_ops : &memory_state_store_ops};
    struct memory memory;
    struct tables *tables;
    struct table *table = NULL;
    trading_error error;
    memory_init(&memory);
    if (store.ops->open(folder ? folder : "", false, &host, &store.store, &error))
        fail(error.message);
    if (tables_open(&tables, &memory, UINT64_C(1) << 30, NULL) || tables_add(tables, 0, RECORD_BYTES, &table, NULL))
        fail("no tables");
    fill(tables, table, records);
    uint64_t bytes = (uint64_t)tables_pages_for(tables, 0, records) * tables_page_bytes(tables, 0);
    printf("%" PRIu32 " records, %" PRIu64 " MB, state store %s\n", records, bytes / 1000000, folder ? "on LMDB" : "in memory");
    checkpoint(tables, &store, &memory, true, bytes, "checkpoint of all");
    touch(tables, table, 2000, true);
    checkpoint(tables, &store, &memory, false, UINT64_C(2000) * tables_page_bytes(tables, 0), "checkpoint of 2,000 changed");
    load(&memory, &store, bytes, "load");
    measure_increments(tables, table, &memory, bytes);
    tables_close(tables);
    store.ops->close(store.store);
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0)
        fail("no sodium");
    bool quick = argc == 2 && !strcmp(argv[1], "--quick");
    if (argc > 2 || (argc == 2 && argv[1][0] == '-' && !quick))
        return fputs("usage: state-bench [--quick | FOLDER for a state store on LMDB]\n", stderr), 2;
    uint32_t most = quick ? 10000 : 1000000;
    measure_records(100);
    measure_records(10000);
    measure_index(most);
    measure_saving(most, NULL);
    if (quick)
        return 0;
    measure_records(most);
    if (argc > 1)
        measure_saving(most, argv[1]);
    return 0;
}
