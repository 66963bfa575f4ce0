/* What reading costs: views by id, feeds, projections and replay, on LMDB, over one store that is filled first.
 *
 *      reads-bench [--quick] [--accounts N] [--events N] [--seconds S] [--folder PATH] [--store URI] [--only views|feed|replay]
 *
 * A store in a folder that was given stays, and is not filled again. The machine is noisy: compare lines of one run. Journals are not synced here, since nothing that is timed waits for the disk. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <trading.h>

#define BATCH        8192u
#define FEED_BATCH   1024u
#define READERS      2u
#define TOGETHER     64u       /* accounts in one call */
#define PACED_CALLS  1000000.0 /* a second, of both readers beside the writer */
#define PACED_STRIDE 256u      /* calls between two looks at the clock */

struct settings {
    size_t accounts;
    uint64_t events;
    double seconds; /* of each line */
    const char *only;
    const char *store; /* its URI; NULL: LMDB in the folder */
    char folder[256];
};

struct bench {
    struct settings settings;
    trading_host *host;
    trading_engine *engine;
    trading_id *accounts;
    trading_command commands[BATCH];
    trading_result results[BATCH];
    trading_cash cash;
    uint64_t random;
    uint64_t keys;
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(3);
}

static double seconds_of(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

/* Marsaglia's 64-bit xorshift. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void show(const char *what, double count, double seconds)
{
    printf("%-44s %8.2f M/s %8.1f ns\n", what, count / seconds * 1e-6, seconds / count * 1e9);
    fflush(stdout);
}

/* ---- filling ---- */

static void execute(struct bench *bench, size_t count)
{
    trading_error error;
    if (trading_engine_execute(bench->engine, bench->commands, count, bench->results, &error))
        die("execute: %s", error.message);
    for (size_t i = 0; i < count; i++)
        if (bench->results[i].status != TRADING_STATUS_ACCEPTED)
            die("a command was answered %s: %s", trading_status_name(bench->results[i].status),
                trading_reason_name(bench->results[i].reason));
}

static trading_command command_of(struct bench *bench, int32_t type, const void *body, size_t size)
{
    trading_command command = {.type = type, .body = body, .body_size = size};
    uint64_t key = ++bench->keys;
    memcpy(command.key.bytes, &key, sizeof key);
    command.key.bytes[15] = 1;
    return command;
}

static void open_accounts(struct bench *bench)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    for (size_t done = 0; done < bench->settings.accounts;) {
        size_t left = bench->settings.accounts - done;
        size_t count = left < BATCH ? left : BATCH;
        for (size_t i = 0; i < count; i++)
            bench->commands[i] = command_of(bench, TRADING_COMMAND_OPEN_ACCOUNT, &body, sizeof body);
        execute(bench, count);
        for (size_t i = 0; i < count; i++)
            bench->accounts[done + i] = bench->results[i].account;
        done += count;
    }
}

static void deposit(struct bench *bench)
{
    for (size_t i = 0; i < BATCH; i++) {
        bench->commands[i] = command_of(bench, TRADING_COMMAND_DEPOSIT, &bench->cash, sizeof bench->cash);
        bench->commands[i].account = bench->accounts[next_random(&bench->random) % bench->settings.accounts];
    }
    execute(bench, BATCH);
}

static void open_engine(struct bench *bench)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.durability = TRADING_DURABILITY_PROCESS;
    options.checkpoint_events = 0;
    options.snapshot_events = 0;
    char uri[320];
    snprintf(uri, sizeof uri, "lmdb:%s/store", bench->settings.folder);
    const char *store = bench->settings.store ? bench->settings.store : uri;
    if (trading_engine_open(&bench->engine, bench->host, store, &options, &error))
        die("open %s: %s", store, error.message);
}

static void close_engine(struct bench *bench)
{
    trading_error error;
    if (trading_engine_close(bench->engine, TRADING_CLOSE_ABANDON, &error))
        die("close: %s", error.message);
}

static uint64_t event_count(const struct bench *bench)
{
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    trading_engine_get_info(bench->engine, &info, NULL);
    return (uint64_t)info.next_position;
}

/* The accounts of a store that was filled before, in a folder that was given. */
static void find_accounts(struct bench *bench)
{
    trading_view *view;
    trading_error error;
    uint64_t cursor = 0;
    size_t count;
    if (trading_view_open(&view, bench->engine, TRADING_VIEW_NOW, &error) ||
        trading_view_accounts(view, &cursor, bench->accounts, bench->settings.accounts, &count, &error))
        die("view: %s", error.message);
    if (count < bench->settings.accounts)
        die("the store has %zu accounts", count);
    trading_view_close(view);
}

static void fill(struct bench *bench)
{
    if (event_count(bench) >= bench->settings.events) {
        find_accounts(bench);
        return;
    }
    double start = now();
    uint64_t before = event_count(bench);
    open_accounts(bench);
    while (event_count(bench) < bench->settings.events)
        deposit(bench);
    show("filling, events", (double)(event_count(bench) - before), now() - start);
}

/* ---- views by id ---- */

struct reader {
    struct bench *bench;
    trading_view *view;
    pthread_t thread;
    uint64_t random;
    double per_second; /* 0: as quick as it can */
    double seconds;
    uint64_t calls;
    double cpu;
};

static void look_at_some(struct reader *reader)
{
    const struct settings *settings = &reader->bench->settings;
    trading_account account = TRADING_ACCOUNT_INIT;
    trading_error error;
    for (uint32_t i = 0; i < PACED_STRIDE; i++) {
        const trading_id *id = &reader->bench->accounts[next_random(&reader->random) % settings->accounts];
        if (trading_view_account(reader->view, id, &account, &error))
            die("view: %s", error.message);
    }
    reader->calls += PACED_STRIDE;
}

static void wait_until(double then)
{
    double left = then - now();
    if (left > 0)
        nanosleep(&(struct timespec){.tv_nsec = (long)(left * 1e9)}, NULL);
}

static void *read_accounts(void *arg)
{
    struct reader *reader = arg;
    double start = now();
    double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    while (now() - start < reader->seconds) {
        look_at_some(reader);
        if (reader->per_second > 0)
            wait_until(start + (double)reader->calls / reader->per_second);
    }
    reader->cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - before;
    return NULL;
}

static void start_readers(struct bench *bench, trading_view *view, struct reader *readers, size_t count, double per_second)
{
    for (size_t i = 0; i < count; i++) {
        readers[i] = (struct reader){.bench = bench,
                                     .view = view,
                                     .random = UINT64_C(88172645463325252) + i,
                                     .per_second = per_second / (double)count,
                                     .seconds = bench->settings.seconds};
        if (pthread_create(&readers[i].thread, NULL, read_accounts, &readers[i]))
            die("no thread");
    }
}

static struct reader join_readers(struct reader *readers, size_t count)
{
    struct reader sum = {0};
    for (size_t i = 0; i < count; i++) {
        pthread_join(readers[i].thread, NULL);
        sum.calls += readers[i].calls;
        sum.cpu += readers[i].cpu;
    }
    return sum;
}

static void time_views(struct bench *bench, trading_view *view, size_t threads, const char *what)
{
    struct reader readers[READERS];
    start_readers(bench, view, readers, threads, 0);
    struct reader sum = join_readers(readers, threads);
    show(what, (double)sum.calls, bench->settings.seconds);
    printf("%-44s %21.1f ns of a processor a call\n", "", sum.cpu / (double)sum.calls * 1e9);
}

static void time_views_together(struct bench *bench, trading_view *view)
{
    static trading_id ids[TOGETHER];
    static trading_account accounts[TOGETHER];
    trading_error error;
    uint64_t calls = 0;
    trading_account_init(&accounts[0]);
    double start = now();
    double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    while (now() - start < bench->settings.seconds) {
        for (size_t i = 0; i < TOGETHER; i++)
            ids[i] = bench->accounts[next_random(&bench->random) % bench->settings.accounts];
        if (trading_view_accounts_by_id(view, ids, TOGETHER, accounts, &error))
            die("view: %s", error.message);
        calls += TOGETHER;
    }
    cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    show("views of 64 accounts in a call, accounts", (double)calls, now() - start);
    printf("%-44s %21.1f ns of a processor an account\n", "", cpu / (double)calls * 1e9);
}

static double process_cpu(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

/* Processor time of a deposit, the readers' not counted. */
static double time_writer(struct bench *bench, trading_view *view, double calls_per_second)
{
    struct reader readers[READERS];
    struct reader sum = {0};
    size_t count = calls_per_second > 0 ? READERS : 0;
    uint64_t before = event_count(bench);
    double cpu = process_cpu();
    double start = now();
    start_readers(bench, view, readers, count, calls_per_second);
    while (now() - start < bench->settings.seconds)
        deposit(bench);
    sum = join_readers(readers, count);
    double deposits = (double)(event_count(bench) - before);
    double ns = (process_cpu() - cpu - sum.cpu) / deposits * 1e9;
    printf("%-44s %8.2f M/s %8.1f ns of a processor a deposit\n", count ? "deposits beside readers" : "deposits alone",
           deposits / (now() - start) * 1e-6, ns);
    if (count)
        show("views beside the writer, paced", (double)sum.calls, bench->settings.seconds);
    return ns;
}

static void time_all_views(struct bench *bench)
{
    trading_view *view;
    trading_error error;
    if (trading_view_open(&view, bench->engine, TRADING_VIEW_LATEST, &error))
        die("view: %s", error.message);
    time_views(bench, view, 1, "views of the latest, one thread");
    time_views(bench, view, READERS, "views of the latest, two threads");
    time_views_together(bench, view);
    double alone = time_writer(bench, view, 0);
    double beside = time_writer(bench, view, PACED_CALLS);
    printf("%-44s %8.1f %%\n", "the writer's time grows by", (beside / alone - 1) * 100);
    trading_view_close(view);
}

/* ---- feeds and projections ---- */

static void time_feed(struct bench *bench)
{
    static trading_event events[FEED_BATCH];
    trading_feed *feed;
    trading_error error;
    uint64_t told = 0;
    size_t count;
    if (trading_feed_open(&feed, bench->engine, 0, NULL, NULL, &error))
        die("feed: %s", error.message);
    double start = now();
    int32_t code;
    while (!(code = trading_feed_next(feed, events, FEED_BATCH, &count, 0, &error)))
        told += count;
    double seconds = now() - start;
    if (code != TRADING_E_TIMEOUT || told != event_count(bench))
        die("feed: %s", error.message);
    show("feed, events in batches of 1,024", (double)told, seconds);
    trading_feed_close(feed);
}

static int32_t count_events(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    (void)projection;
    (void)events;
    *(uint64_t *)context += count;
    return 0;
}

/* The last position of each account. */
static int32_t put_rows(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    *(uint64_t *)context += count;
    for (size_t i = 0; i < count; i++)
        if (trading_projection_put(projection, &events[i].account, sizeof events[i].account, &events[i].position,
                                   sizeof events[i].position, NULL))
            return 1;
    return 0;
}

static void time_projection(struct bench *bench, const char *what, trading_projection_apply apply)
{
    trading_projection *projection;
    trading_error error;
    uint64_t told = 0;
    uint64_t applied;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = what;
    options.apply = apply;
    options.context = &told;
    if (trading_projection_open(&projection, bench->engine, &options, &error))
        die("projection: %s", error.message);
    double start = now();
    if (trading_projection_run(projection, &applied, &error))
        die("projection: %s", error.message);
    show(what, (double)applied, now() - start);
    trading_projection_close(projection);
}

/* ---- replay ---- */

static void time_replay(struct bench *bench)
{
    double events = (double)event_count(bench);
    close_engine(bench);
    double start = now();
    double cpu = process_cpu();
    open_engine(bench);
    show("opening by replay, events", events, now() - start);
    printf("%-44s %21.1f ns of processors an event\n", "", (process_cpu() - cpu) / events * 1e9);
}

/* ---- running ---- */

static struct settings read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},        {"accounts", required_argument, NULL, 'a'},
        {"events", required_argument, NULL, 'e'}, {"seconds", required_argument, NULL, 's'},
        {"folder", required_argument, NULL, 'f'}, {"store", required_argument, NULL, 'u'},
        {"only", required_argument, NULL, 'o'},   {NULL, 0, NULL, 0}};
    struct settings settings = {.accounts = 1000000, .events = 10000000, .seconds = 3, .only = ""};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'q') {
            settings.accounts = 2000;
            settings.events = 30000;
            settings.seconds = 0.05;
        } else if (option == 'a') {
            settings.accounts = strtoul(optarg, NULL, 10);
        } else if (option == 'e') {
            settings.events = strtoul(optarg, NULL, 10);
        } else if (option == 's') {
            settings.seconds = strtod(optarg, NULL);
        } else if (option == 'f') {
            snprintf(settings.folder, sizeof settings.folder, "%s", optarg);
        } else if (option == 'u') {
            settings.store = optarg;
        } else if (option == 'o') {
            settings.only = optarg;
        } else {
            die("usage: reads-bench [--quick] [--accounts N] [--events N] [--seconds S] [--folder PATH] [--store URI] "
                "[--only views|feed|replay]");
        }
    }
    if (settings.accounts < 1 || settings.seconds <= 0)
        die("--accounts and --seconds are more than 0");
    return settings;
}

/* A folder of its own, removed afterwards; one that was given stays. */
static bool make_folder(struct settings *settings)
{
    if (settings->folder[0]) {
        if (mkdir(settings->folder, 0700) && errno != EEXIST)
            die("%s: %s", settings->folder, strerror(errno));
        return false;
    }
    snprintf(settings->folder, sizeof settings->folder, "%s/reads-bench-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(settings->folder))
        die("%s: %s", settings->folder, strerror(errno));
    return true;
}

static void remove_folder(const char *folder)
{
    char command[320];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    if (system(command))
        fprintf(stderr, "left behind: %s\n", folder);
}

static bool is_wanted(const struct bench *bench, const char *what)
{
    return !bench->settings.only[0] || !strcmp(bench->settings.only, what);
}

static void measure(struct bench *bench)
{
    fill(bench);
    if (is_wanted(bench, "feed")) {
        time_feed(bench);
        time_projection(bench, "projection that counts, events", count_events);
        time_projection(bench, "projection with a row an account, events", put_rows);
    }
    if (is_wanted(bench, "replay"))
        time_replay(bench);
    if (is_wanted(bench, "views"))
        time_all_views(bench);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    trading_error error;
    bench.settings = read_arguments(argc, argv);
    bench.random = UINT64_C(88172645463325252);
    bench.keys = (uint64_t)getpid() << 32;
    bool temporary = make_folder(&bench.settings);
    bench.accounts = calloc(bench.settings.accounts, sizeof *bench.accounts);
    if (!bench.accounts)
        die("no memory");
    trading_cash_init(&bench.cash);
    bench.cash.amount = 25 * TRADING_DECIMAL_ONE;
    if (trading_host_open(&bench.host, NULL, &error))
        die("%s", error.message);
    open_engine(&bench);
    measure(&bench);
    close_engine(&bench);
    trading_host_close(bench.host, NULL);
    free(bench.accounts);
    if (temporary)
        remove_folder(bench.settings.folder);
    return 0;
}
