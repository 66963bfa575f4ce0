/* What the tables cost: an edit and its install, a read, a checkpoint. Prints one line a figure. */
#include "state/table.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RECORD_BYTES 120u
#define BATCH        8192u
#define EDITS        (BATCH * 512u)
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

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
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
    struct table *table;
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

int main(void)
{
    measure_records(100);
    measure_records(10000);
    measure_records(1000000);
    return 0;
}
