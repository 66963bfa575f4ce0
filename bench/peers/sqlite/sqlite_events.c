/* An event table in SQLite, as one would make it by hand: a row an event of 128 bytes with its stream, WAL, full sync, a transaction a batch.
 *
 *      sqlite-events [--batch N] [--seconds S] [--commands N] FOLDER
 *
 * Prints one JSON object. */
#include "bench/lib/clock.h"
#include "bench/lib/histogram.h"
#include "bench/lib/random.h"

#include <getopt.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_BYTES 128
#define STREAMS     1000000u

static const char *const SETUP =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
    "CREATE TABLE event (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, data BLOB NOT NULL);";

struct table {
    sqlite3 *database;
    sqlite3_stmt *begin;
    sqlite3_stmt *insert;
    sqlite3_stmt *commit;
    uint64_t random;
};

static void check(const struct table *table, int code, int wanted)
{
    if (code == wanted)
        return;
    fprintf(stderr, "sqlite-events: %s\n", sqlite3_errmsg(table->database));
    exit(3);
}

static void prepare(struct table *table, const char *text, sqlite3_stmt **statement)
{
    check(table, sqlite3_prepare_v2(table->database, text, -1, statement, NULL), SQLITE_OK);
}

static void open_table(struct table *table, const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/events.sqlite", folder);
    *table = (struct table){.random = RANDOM_FIRST};
    check(table, sqlite3_open(path, &table->database), SQLITE_OK);
    check(table, sqlite3_exec(table->database, SETUP, NULL, NULL, NULL), SQLITE_OK);
    prepare(table, "BEGIN IMMEDIATE", &table->begin);
    prepare(table, "INSERT INTO event (stream, data) VALUES (?, ?)", &table->insert);
    prepare(table, "COMMIT", &table->commit);
}

static void run(const struct table *table, sqlite3_stmt *statement)
{
    check(table, sqlite3_step(statement), SQLITE_DONE);
    check(table, sqlite3_reset(statement), SQLITE_OK);
}

static void append_batch(struct table *table, uint64_t batch)
{
    uint8_t event[EVENT_BYTES] = {0};
    run(table, table->begin);
    for (uint64_t i = 0; i < batch; i++) {
        uint64_t u = random_next(&table->random);
        memcpy(event, &u, sizeof u);
        check(table, sqlite3_bind_int64(table->insert, 1, (sqlite3_int64)(u % STREAMS)), SQLITE_OK);
        check(table, sqlite3_bind_blob(table->insert, 2, event, sizeof event, SQLITE_STATIC), SQLITE_OK);
        run(table, table->insert);
    }
    run(table, table->commit);
}

static void close_table(struct table *table)
{
    sqlite3_finalize(table->begin);
    sqlite3_finalize(table->insert);
    sqlite3_finalize(table->commit);
    sqlite3_close(table->database);
}

struct settings {
    uint64_t batch;
    uint64_t commands; /* at most */
    double seconds;
    const char *folder;
};

static struct settings read_arguments(int argc, char **argv)
{
    static const struct option options[] = {{"batch", required_argument, NULL, 'b'},
                                            {"commands", required_argument, NULL, 'c'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    struct settings settings = {.batch = 8192, .commands = UINT64_MAX, .seconds = 3};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'b')
            settings.batch = strtoull(optarg, NULL, 10);
        else if (option == 'c')
            settings.commands = strtoull(optarg, NULL, 10);
        else if (option == 's')
            settings.seconds = strtod(optarg, NULL);
    }
    if (optind + 1 == argc && settings.batch > 0 && settings.seconds > 0) {
        settings.folder = argv[optind];
        return settings;
    }
    fputs("usage: sqlite-events [--batch N] [--seconds S] [--commands N] FOLDER\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    struct settings settings = read_arguments(argc, argv);
    struct table table;
    struct histogram latency;
    if (!histogram_open(&latency))
        return 3;
    open_table(&table, settings.folder);
    uint64_t done = 0;
    int64_t cpu = bench_process_cpu();
    int64_t begun = bench_now();
    int64_t now = begun;
    while (now - begun < (int64_t)(settings.seconds * (double)SECOND) && done < settings.commands) {
        append_batch(&table, settings.batch);
        int64_t then = bench_now();
        histogram_record(&latency, then - now);
        done += settings.batch;
        now = then;
    }
    cpu = bench_process_cpu() - cpu;
    close_table(&table);
    printf("{\"work\":\"events\",\"batch\":%" PRIu64 ",\"commands\":%" PRIu64 ",\"per_second\":%.0f,\"p50_us\":%.1f,"
           "\"p99_us\":%.1f,\"cpu_us_per_command\":%.3f}\n",
           settings.batch, done, (double)done * 1e9 / (double)(now - begun), (double)histogram_percentile(&latency, 0.5) * 1e-3,
           (double)histogram_percentile(&latency, 0.99) * 1e-3, (double)cpu * 1e-3 / (double)done);
    histogram_close(&latency);
    return 0;
}
