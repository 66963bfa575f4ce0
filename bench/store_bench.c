/* What an append to our LMDB store costs beside what LMDB itself costs: records of 128 bytes, put one by one in the order of their
 * keys, so many to a synced transaction, against one commit of the same bytes appended to the store. Both take turns in one run,
 * as this kind of figure changes twofold from run to run and only the ratio lasts.
 *
 *      store-bench [--json] [--seconds N] [FOLDER]
 *
 * In FOLDER (default: where it is run) a folder is made and removed. */
#include "backends/lmdb/lmdb_store.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 128, BATCHES = 4, ROUNDS_MOST = 64, PATH_BYTES = 512 };

static const uint32_t batch_sizes[BATCHES] = {1, 64, 1024, 8192};

struct figures {
    uint64_t raw[ROUNDS_MOST]; /* records a second */
    uint64_t store[ROUNDS_MOST];
    uint64_t ratio[ROUNDS_MOST]; /* thousandths */
    unsigned rounds;
};

_Noreturn static void stop(const char *what, const char *why)
{
    fprintf(stderr, "store-bench: %s: %s\n", what, why);
    exit(1);
}

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* ---- LMDB by itself ---- */

struct raw {
    MDB_env *env;
    MDB_dbi dbi;
    uint64_t next;
};

static void check_lmdb(int failure, const char *what)
{
    if (failure)
        stop(what, mdb_strerror(failure));
}

static void raw_open(struct raw *raw, const char *path)
{
    check_lmdb(mdb_env_create(&raw->env), "mdb_env_create");
    check_lmdb(mdb_env_set_mapsize(raw->env, (size_t)1 << 40), "mdb_env_set_mapsize");
    check_lmdb(mdb_env_open(raw->env, path, MDB_NOSUBDIR | MDB_NORDAHEAD, 0600), path);
    MDB_txn *txn;
    check_lmdb(mdb_txn_begin(raw->env, NULL, 0, &txn), "mdb_txn_begin");
    check_lmdb(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &raw->dbi), "mdb_dbi_open");
    check_lmdb(mdb_txn_commit(txn), "mdb_txn_commit");
    raw->next = 0;
}

static void raw_append(struct raw *raw, const uint8_t *records, uint32_t count)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    check_lmdb(mdb_txn_begin(raw->env, NULL, 0, &txn), "mdb_txn_begin");
    check_lmdb(mdb_cursor_open(txn, raw->dbi, &cursor), "mdb_cursor_open");
    for (uint32_t i = 0; i < count; i++) {
        MDB_val key = {.mv_size = sizeof raw->next, .mv_data = &raw->next};
        MDB_val value = {.mv_size = RECORD, .mv_data = (void *)(uintptr_t)(records + (size_t)i * RECORD)};
        check_lmdb(mdb_cursor_put(cursor, &key, &value, MDB_APPEND), "mdb_cursor_put");
        raw->next++;
    }
    mdb_cursor_close(cursor);
    check_lmdb(mdb_txn_commit(txn), "mdb_txn_commit");
}

/* ---- the store ---- */

static void *allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static void write_line(void *context, int32_t level, const char *line)
{
    (void)context;
    fprintf(stderr, "%d: %s\n", (int)level, line);
}

struct store {
    const trading_store_ops *ops;
    void *handle;
    int64_t next;
};

static void store_open(struct store *store, const char *path, int32_t durability)
{
    trading_host_functions host = {
        .size = sizeof host, .abi = TRADING_PLUGIN_ABI, .allocate = allocate, .release = release, .log = write_line};
    trading_store_request request = {.size = sizeof request, .location = path, .durability = durability};
    trading_error error;
    store->ops = &lmdb_store_ops;
    store->next = 0;
    if (store->ops->open(&request, &host, &store->handle, &error))
        stop("opening the store", error.message);
}

static void store_append(struct store *store, const uint8_t *records, uint32_t count)
{
    trading_store_commit commit = {
        .first_position = store->next, .event_count = count, .nonce = {{1}}, .data = records, .size = (uint64_t)count * RECORD};
    trading_error error;
    if (store->ops->append(store->handle, 0, &commit, 1, NULL, &error))
        stop("appending", error.message);
    store->next += count;
}

/* ---- measuring ---- */

static void fill(uint8_t *records, uint32_t count, uint64_t *state)
{
    for (size_t i = 0; i < (size_t)count * RECORD; i += sizeof *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        memcpy(records + i, state, sizeof *state);
    }
}

/* One turn: as many commits as fit into the time, at least four. Records a second. */
struct turn {
    struct raw *raw; /* or the store */
    struct store *store;
    uint8_t *records;
    uint32_t count;
    uint64_t nanoseconds;
};

static uint64_t run_turn(const struct turn *turn)
{
    uint64_t records = 0;
    uint64_t begun = now();
    uint64_t passed = 0;
    for (uint32_t i = 0; i < 4 || passed < turn->nanoseconds; i++) {
        if (turn->raw)
            raw_append(turn->raw, turn->records, turn->count);
        else
            store_append(turn->store, turn->records, turn->count);
        records += turn->count;
        passed = now() - begun;
    }
    return records * 1000000 / (passed / 1000 + 1);
}

static void measure(struct figures *figures, uint32_t count, uint64_t seconds, const char *folder)
{
    char raw_path[PATH_BYTES];
    char store_path[PATH_BYTES];
    snprintf(raw_path, sizeof raw_path, "%s/raw-%" PRIu32 ".mdb", folder, count);
    snprintf(store_path, sizeof store_path, "%s/store-%" PRIu32, folder, count);
    struct raw raw;
    struct store store;
    raw_open(&raw, raw_path);
    store_open(&store, store_path, TRADING_DURABILITY_SYNC);
    uint8_t *records = malloc((size_t)count * RECORD);
    if (!records)
        stop("records", strerror(ENOMEM));
    uint64_t state = 88172645463325252u;
    fill(records, count, &state);
    static const uint64_t turn = 250000000;
    uint64_t rounds = seconds * 1000000000 / (2 * turn) + 2;
    figures->rounds = 0;
    for (uint64_t i = 0; i < rounds && figures->rounds < ROUNDS_MOST; i++) {
        struct turn of_raw = {.raw = &raw, .records = records, .count = count, .nanoseconds = turn};
        struct turn of_store = {.store = &store, .records = records, .count = count, .nanoseconds = turn};
        uint64_t first = run_turn(i % 2 ? &of_raw : &of_store);
        uint64_t second = run_turn(i % 2 ? &of_store : &of_raw);
        if (i == 0)
            continue; /* files and caches are new */
        unsigned at = figures->rounds++;
        figures->raw[at] = i % 2 ? first : second;
        figures->store[at] = i % 2 ? second : first;
        figures->ratio[at] = figures->store[at] * 1000 / figures->raw[at];
    }
    free(records);
    store.ops->close(store.handle);
    mdb_env_close(raw.env);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t median(uint64_t *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static void print(struct figures *figures, uint32_t count, bool json, bool first)
{
    uint64_t raw = median(figures->raw, figures->rounds);
    uint64_t store = median(figures->store, figures->rounds);
    uint64_t ratio = median(figures->ratio, figures->rounds);
    if (json)
        printf("%s{\"records_per_commit\":%" PRIu32 ",\"rounds\":%u,\"lmdb_records_per_second\":%" PRIu64
               ",\"store_records_per_second\":%" PRIu64 ",\"ratio\":%" PRIu64 ".%03" PRIu64 "}",
               first ? "" : ",", count, figures->rounds, raw, store, ratio / 1000, ratio % 1000);
    else
        printf("%10" PRIu32 " %16" PRIu64 " %16" PRIu64 " %8" PRIu64 ".%02" PRIu64 "\n", count, raw, store, ratio / 1000,
               ratio % 1000 / 10);
    fflush(stdout);
}

/* ---- the program ---- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int main(int argc, char **argv)
{
    bool json = false;
    uint64_t seconds = 6;
    const char *parent = ".";
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtoull(argv[++i], NULL, 10);
        else if (argv[i][0] != '-')
            parent = argv[i];
        else
            return fputs("usage: store-bench [--json] [--seconds S] [FOLDER for the stores]\n", stderr), 2;
    }
    char folder[PATH_BYTES - 64];
    snprintf(folder, sizeof folder, "%s/store-bench-XXXXXX", parent);
    if (!mkdtemp(folder))
        stop(folder, strerror(errno));
    if (json)
        printf("[");
    else
        printf("records of %d bytes, each commit synced; records a second, medians\n%10s %16s %16s %11s\n", (int)RECORD,
               "a commit", "LMDB, a put each", "store, a commit", "ratio");
    for (int i = 0; i < BATCHES; i++) {
        struct figures figures;
        measure(&figures, batch_sizes[i], seconds, folder);
        print(&figures, batch_sizes[i], json, i == 0);
    }
    if (json)
        printf("]\n");
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
