/* What command keys cost: each command looks for its key, does not find it, and leaves it. By processor time of the decider's thread, and
 * of all threads; memory that is not a file's pages, bytes stored and written, opening again.
 * --rate: no more a second, as else the keys' thread falls behind with merging, and there are more runs than beside an engine,
 * which takes longer for a command.
 * --alone: no thread beside, as for callgrind. --ahead: what is stored is looked at ahead, a batch at a time, as who hands commands over does;
 * that is counted apart. At the most 100,000,000 are remembered. */
#include "base/hash.h"
#include "keys/keys.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define USAGE "keys-bench [--quick] [--count KEYS] [--rate KEYS] [--alone] [--ahead] [FOLDER for a state store on LMDB]"

#define BATCH   8192u
#define GROUP   8u
#define STRETCH 64u /* that is looked at ahead together */
#define LOOKS   1000000u

struct bench {
    struct memory memory;
    struct state_store store;
    struct keys_options options;
    struct keys *keys;
    bool ahead;
    uint64_t rate;                        /* keys a second, 0: as many as can be */
    uint64_t ahead_time;                  /* nanoseconds of a processor */
    int64_t absent_before[BATCH + GROUP]; /* of the batch's keys, and some behind it */
    uint64_t found;
};

static void fail(const char *what)
{
    fprintf(stderr, "keys-bench: %s\n", what);
    exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

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

/* A number of /proc/self/status or …/io, in its own unit. */
static uint64_t read_proc(const char *path, const char *name)
{
    char line[256];
    uint64_t value = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            value = strtoull(line + strlen(name), NULL, 10);
    if (file)
        fclose(file);
    return value;
}

static void report(void *arg, const trading_error *error)
{
    (void)arg;
    fprintf(stderr, "keys-bench: %s\n", error->message);
}

static void open_keys(struct bench *bench)
{
    trading_error error;
    if (keys_open(&bench->keys, &bench->memory, bench->store.ops ? &bench->store : NULL, &bench->options, &error))
        fail(error.message);
}

/* False: it is due already. */
static bool wait_until_due(const struct bench *bench, uint64_t began, uint64_t keys)
{
    uint64_t due = bench->rate ? began + keys * 1000 / bench->rate * 1000000 : 0;
    uint64_t now = read_clock(CLOCK_MONOTONIC);
    if (due <= now)
        return false;
    struct timespec pause = {(time_t)((due - now) / 1000000000), (long)((due - now) % 1000000000)};
    nanosleep(&pause, NULL);
    return true;
}

static void look_ahead(struct bench *bench, uint64_t from, uint64_t to)
{
    uint64_t start = read_clock(CLOCK_THREAD_CPUTIME_ID);
    struct key_list *stored = keys_visit(bench->keys);
    for (uint64_t first = from; first < to; first += STRETCH) {
        uint64_t end = first + STRETCH < to ? first + STRETCH : to;
        uint32_t suspects[STRETCH];
        for (uint64_t n = first; n < end; n++)
            keys_prefetch_stored(stored, hash_mix(n));
        for (uint64_t n = first; n < end; n++)
            suspects[n - first] = keys_suspects(stored, hash_mix(n));
        for (uint64_t n = first; n < end; n++)
            bench->absent_before[n - from] = keys_absent_before(stored, hash_mix(n), suspects[n - first]);
    }
    keys_leave(stored);
    bench->ahead_time += read_clock(CLOCK_THREAD_CPUTIME_ID) - start;
}

/* A batch is decided while the one before it becomes durable. */
static void insert(struct bench *bench, uint64_t from, uint64_t to)
{
    if (bench->ahead)
        look_ahead(bench, from, to);
    for (uint64_t n = from; n < to; n++) {
        struct keys_cursor cursor = {.absent_before = bench->absent_before[n - from]};
        keys_prefetch(bench->keys, hash_mix(n + GROUP), bench->absent_before[n + GROUP - from]);
        bench->found += keys_next(bench->keys, hash_mix(n), &cursor) >= 0;
        if (!keys_insert(bench->keys, hash_mix(n), (int64_t)n, (int64_t)n))
            fail("a key is not taken");
        if (n % BATCH == 0 && n >= BATCH)
            keys_durable(bench->keys, (int64_t)(n - BATCH));
    }
}

static void look_for_old(struct bench *bench, uint64_t count)
{
    uint64_t seed = 88172645463325252u;
    uint64_t found = 0;
    uint64_t start = read_clock(CLOCK_THREAD_CPUTIME_ID);
    for (uint32_t i = 0; i < LOOKS; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        struct keys_cursor cursor = {0};
        uint64_t n = count - 1 - (uint64_t)((unsigned __int128)seed * keys_count(bench->keys) >> 64);
        found += keys_next(bench->keys, hash_mix(n), &cursor) == (int64_t)n;
    }
    uint64_t taken = read_clock(CLOCK_THREAD_CPUTIME_ID) - start;
    printf("old ones, at random: %" PRIu64 " ns each%s\n", taken / LOOKS, found == LOOKS ? "" : " (not all are found!)");
}

static void open_again(struct bench *bench)
{
    uint64_t start = read_clock(CLOCK_MONOTONIC);
    open_keys(bench);
    uint64_t taken = read_clock(CLOCK_MONOTONIC) - start;
    printf("opened again: %.1f ms, %" PRIu64 " keys there, anonymous memory %.0f MB\n", (double)taken / 1e6,
           keys_count(bench->keys), (double)read_proc("/proc/self/status", "RssAnon:") / 1e3);
}

static void measure(struct bench *bench, uint64_t count)
{
    printf("%12s %10s %10s %10s %10s %12s %12s %12s %12s\n", "keys so far", "ns a key", "ahead", "all CPU", "worst us",
           "remembered", "anon MB", "stored MB", "written MB");
    const uint64_t began = read_clock(CLOCK_MONOTONIC);
    uint64_t worst_start = began;
    for (uint64_t from = 0, to = count < 1000000 ? count : 1000000; from < count;
         from = to, to = to * 2 < count ? to * 2 : count) {
        uint64_t thread = read_clock(CLOCK_THREAD_CPUTIME_ID);
        uint64_t all = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        uint64_t worst = 0;
        bench->ahead_time = 0;
        for (uint64_t n = from; n < to; n += BATCH) {
            insert(bench, n, n + BATCH < to ? n + BATCH : to);
            uint64_t now = read_clock(CLOCK_MONOTONIC);
            worst = now - worst_start > worst ? now - worst_start : worst;
            worst_start = wait_until_due(bench, began, n + BATCH) ? read_clock(CLOCK_MONOTONIC) : now;
        }
        thread = read_clock(CLOCK_THREAD_CPUTIME_ID) - thread - bench->ahead_time;
        all = read_clock(CLOCK_PROCESS_CPUTIME_ID) - all;
        printf("%12" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %12.0f %12.0f %12.0f\n", to,
               thread / (to - from), bench->ahead_time / (to - from), all / (to - from), worst / 1000, keys_count(bench->keys),
               (double)read_proc("/proc/self/status", "RssAnon:") / 1e3, (double)keys_stored_bytes(bench->keys) / 1e6,
               (double)read_proc("/proc/self/io", "write_bytes:") / 1e6);
        fflush(stdout);
    }
    printf("strangers that the journal has to tell, as their hashes begin like another's: %" PRIu64 "\n", bench->found);
    look_for_old(bench, count);
}

static void open_store(struct bench *bench, const char *folder)
{
    trading_host_functions host = {.size = sizeof host, .abi = TRADING_PLUGIN_ABI, .allocate = allocate, .release = release};
    trading_error error;
    if (lmdb_state_store_ops.open(folder, false, &host, &bench->store.store, &error))
        fail(error.message);
    bench->store.ops = &lmdb_state_store_ops;
}

/* How many keys are asked for. */
static uint64_t read_arguments(struct bench *bench, int argc, char **argv)
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},      {"count", required_argument, NULL, 'c'},
                                            {"rate", required_argument, NULL, 'r'}, {"alone", no_argument, NULL, 'a'},
                                            {"ahead", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0}};
    uint64_t count = 8000000;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'q') {
            count = 200000;
        } else if (option == 'c') {
            count = strtoull(optarg, NULL, 10);
        } else if (option == 'r') {
            bench->rate = strtoull(optarg, NULL, 10);
        } else if (option == 'a') {
            bench->options.thread = false;
        } else if (option == 'h') {
            bench->ahead = true;
        } else {
            fputs("usage: " USAGE "\n", stderr);
            exit(2);
        }
    }
    if (optind < argc)
        open_store(bench, argv[optind]);
    return count;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.options = {.max_count = 100000000, .thread = true, .report = report}};
    memory_init(&bench.memory);
    uint64_t count = read_arguments(&bench, argc, argv);
    bench.options.fresh = true;
    open_keys(&bench);
    measure(&bench, count);
    keys_close(bench.keys);
    bench.options.fresh = false;
    if (bench.store.ops) {
        open_again(&bench);
        keys_close(bench.keys);
        bench.store.ops->close(bench.store.store);
    }
    return 0;
}
