/* `trading bench`: its arguments, and which benchmark they mean. The measuring is in bench/lib. */
#include "arguments.h"
#include "bench/lib/benchmarks.h"
#include "bench_output.h"
#include "output.h"
#include "subcommand.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A benchmark by its name, and what it does when nothing else is said. */
struct benchmark {
    const char *name;
    int32_t (*run)(const struct settings *settings, struct report *report, trading_error *error);
    long accounts; /* 0: it has no engine */
    long batch;
    long threads;
    long commands; /* 0: as many as the time allows */
    long events;   /* that the journal has at first */
};

static const struct benchmark benchmarks[] = {
    {"deposits", bench_deposits, 1000000, 8192, 1, 0, 0},  {"orders", bench_orders, 1000, 1024, 1, 0, 0},
    {"book", bench_book, 0, 1024, 1, 3000000, 0},          {"views", bench_views, 10000, 8192, 2, 0, 0},
    {"replay", bench_replay, 100000, 8192, 1, 0, 2000000}, {"open", bench_open, 100000, 8192, 1, 0, 2000000},
};
#define SECONDS_MOST    86400
#define FLIGHT          4 /* batches: three that the engine has on their way, and one that it is handed meanwhile */
#define BENCHMARK_COUNT (sizeof benchmarks / sizeof benchmarks[0])

static const struct argument bench_arguments[] = {
    {ARGUMENT_OPERAND, "WORK", NULL, "deposits, orders, book, views, replay or open", NULL},
    {ARGUMENT_OPTION, "accounts", "N", "how many accounts there are", NULL},
    {ARGUMENT_OPTION, "batch", "N", "commands a call", NULL},
    {ARGUMENT_OPTION, "flight", "N", "one thread: batches on their way at a time (default: 4; of batches of 1: 1)", NULL},
    {ARGUMENT_OPTION, "threads", "N", "threads that each wait for their batch, or that read", NULL},
    {ARGUMENT_OPTION, "seconds", "S", "how long it is measured (default: 5)", NULL},
    {ARGUMENT_OPTION, "commands", "N", "measure so many commands instead of a time", NULL},
    {ARGUMENT_OPTION, "warm", "N", "commands that go before and do not count (default: those of a tenth of the time)", NULL},
    {ARGUMENT_OPTION, "events", "N", "how long the journal is before it is measured (default: replay, open: 2,000,000)", NULL},
    {ARGUMENT_OPTION, "rate", "N", "commands a second, each batch at its time (default: as many as there can be)", NULL},
    {ARGUMENT_OPTION, "reads", "N", "views: reads a second beside the writer (default: 1,000,000)", NULL},
    {ARGUMENT_OPTION, "cache", "BYTES", "memory for changed state and indexes (default: 1 GiB)", NULL},
    {ARGUMENT_OPTION, "checkpoint", "N", "events between two checkpoints (default: 16,000,000)", NULL},
    {ARGUMENT_OPTION, "partitions", "N", "partitions of the store, each with threads of its own (default: 1)", NULL},
    {ARGUMENT_OPTION, "skew", "SKEW", "which accounts: uniform, 80/20, zipf:0.99 (default: uniform)", NULL},
    {ARGUMENT_OPTION, "durability", "KIND", "sync, or process: survives the process only (default: sync)", NULL},
    {ARGUMENT_OPTION, "beside", "PEER", "measure in turns with lmdb, or with the disk's sync alone: disk", NULL},
    {ARGUMENT_OPTION, "log", "FILE", "write the latencies as an HdrHistogram log", NULL},
    {ARGUMENT_OPTION, "store", "URI", "the store (default: one in $TMPDIR that is removed at the end)", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

/* ---- reading the arguments ---- */

static const struct benchmark *find_benchmark(const struct arguments *arguments)
{
    const char *name = argument_value(arguments, "WORK");
    for (size_t i = 0; i < BENCHMARK_COUNT; i++)
        if (!strcmp(benchmarks[i].name, name))
            return &benchmarks[i];
    arguments_complain(arguments, "there is no benchmark %s", name);
    return NULL;
}

static bool read_seconds(const struct arguments *arguments, double *seconds)
{
    const char *text = argument_value(arguments, "seconds");
    char *end;
    if (!text)
        return true;
    *seconds = strtod(text, &end);
    if (end != text && !*end && *seconds > 0 && *seconds <= SECONDS_MOST)
        return true;
    arguments_complain(arguments, "--seconds: \"%s\" is not a number above 0 and up to a day", text);
    return false;
}

/* The place of an option's value among the words it may be; the first when it is not given; −1, having complained, when it is none. */
static int read_word(const struct arguments *arguments, const char *name, const char *const *words)
{
    const char *text = argument_value(arguments, name);
    if (!text)
        return 0;
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], text))
            return i;
    arguments_complain(arguments, "--%s: there is no %s", name, text);
    return -1;
}

static bool read_words(const struct arguments *arguments, struct settings *settings)
{
    static const char *const durabilities[] = {"sync", "process", NULL};
    static const int32_t durability_codes[] = {TRADING_DURABILITY_SYNC, TRADING_DURABILITY_PROCESS};
    static const char *const peers[] = {"nothing", "lmdb", "disk", NULL};
    static const enum beside peer_codes[] = {BESIDE_NOTHING, BESIDE_LMDB, BESIDE_DISK};
    int durability = read_word(arguments, "durability", durabilities);
    int peer = durability < 0 ? -1 : read_word(arguments, "beside", peers);
    if (peer < 0)
        return false;
    settings->engine.durability = durability_codes[durability];
    settings->beside = peer_codes[peer];
    const char *skew = argument_value(arguments, "skew");
    if (skew_parse(&settings->skew, skew ? skew : "uniform"))
        return true;
    arguments_complain(arguments, "--skew: \"%s\" is none of uniform, 80/20 (or others), zipf:0.99 (0 to 1)", skew);
    return false;
}

/* Several counts that are alike. */
struct count {
    const char *name;
    long most;
    long value; /* when it is not given; then as it was given */
};

static bool read_each(const struct arguments *arguments, struct count *counts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!arguments_count(arguments, counts[i].name, counts[i].most, &counts[i].value))
            return false;
    return true;
}

static bool read_counts(const struct arguments *arguments, const struct benchmark *benchmark, struct settings *settings)
{
    struct count counts[] = {{"accounts", 1000000000, benchmark->accounts},
                             {"batch", 1000000, benchmark->batch},
                             {"threads", 4096, benchmark->threads},
                             {"commands", LONG_MAX, benchmark->commands},
                             {"events", LONG_MAX, benchmark->events},
                             {"rate", 1000000000, 0},
                             {"reads", 1000000000, 1000000},
                             {"flight", 1024, 0},
                             {"partitions", 64, 1},
                             {"warm", LONG_MAX, 0},
                             {"cache", LONG_MAX, (long)settings->engine.cache_bytes},
                             {"checkpoint", LONG_MAX, (long)settings->engine.checkpoint_events}};
    if (!read_each(arguments, counts, sizeof counts / sizeof counts[0]))
        return false;
    settings->accounts = (size_t)counts[0].value;
    settings->batch = (size_t)counts[1].value;
    settings->threads = (size_t)counts[2].value;
    settings->commands = (uint64_t)counts[3].value;
    settings->events = (uint64_t)counts[4].value;
    settings->rate = (uint64_t)counts[5].value;
    settings->reads = (uint64_t)counts[6].value;
    settings->flight = (size_t)counts[7].value;
    settings->partitions = (uint32_t)counts[8].value;
    settings->warm = (uint64_t)counts[9].value;
    settings->engine.cache_bytes = (uint64_t)counts[10].value;
    settings->engine.checkpoint_events = (uint64_t)counts[11].value;
    if (!settings->flight)
        settings->flight = settings->batch > 1 && benchmark->threads == (long)settings->threads ? FLIGHT : 1;
    return true;
}

/* A batch is a commit, so that it can be compared with a peer's; threads that wait share theirs. */
static void size_engine(struct settings *settings)
{
    size_t most = settings->batch * (settings->threads * settings->flight + 1);
    settings->engine.partitions = settings->partitions;
    if (settings->engine.queue_commands < most)
        settings->engine.queue_commands = (uint32_t)(most < UINT32_MAX ? most : UINT32_MAX);
    if (settings->flight > 1)
        settings->engine.batch_commands = (uint32_t)settings->batch;
}

static bool read_settings(const struct arguments *arguments, const struct benchmark *benchmark, struct settings *settings)
{
    *settings = (struct settings){.store = argument_value(arguments, "store"), .seconds = 5};
    trading_engine_options_init(&settings->engine);
    if (!read_counts(arguments, benchmark, settings))
        return false;
    if (settings->commands && settings->warm) {
        arguments_complain(arguments, "--warm: of so many --commands each counts");
        return false;
    }
    if (settings->commands)
        settings->seconds = SECONDS_MOST;
    if (!read_seconds(arguments, &settings->seconds))
        return false;
    size_engine(settings);
    settings->progress = bench_progress();
    return read_words(arguments, settings);
}

/* ---- running ---- */

static int run_benchmark(const struct arguments *arguments, const struct benchmark *benchmark, struct settings *settings)
{
    struct report report = {0};
    trading_error error;
    int32_t code = benchmark->run(settings, &report, &error);
    bench_progress_end();
    if (code)
        return output_failure(&error);
    bench_output(benchmark->name, settings, &report, arguments->json);
    return EXIT_DONE;
}

static int run_with_log(const struct arguments *arguments, const struct benchmark *benchmark, struct settings *settings)
{
    const char *path = argument_value(arguments, "log");
    if (!path)
        return run_benchmark(arguments, benchmark, settings);
    settings->log = fopen(path, "w");
    if (!settings->log)
        return arguments_complain(arguments, "--log: %s: %s", path, strerror(errno));
    int code = run_benchmark(arguments, benchmark, settings);
    if (!fclose(settings->log) || code)
        return code;
    fprintf(stderr, "trading: %s: %s\n", path, strerror(errno));
    return EXIT_STORE;
}

static int bench_main(int argc, char **argv)
{
    int code;
    struct arguments arguments;
    struct settings settings;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    const struct benchmark *benchmark = find_benchmark(&arguments);
    if (!benchmark || !read_settings(&arguments, benchmark, &settings))
        return EXIT_USAGE;
    return run_with_log(&arguments, benchmark, &settings);
}

static const struct subcommand subcommands[] = {
    {
        .name = "bench",
        .summary = "Measure how fast it is on this machine",
        .about =
            "Every command is durable before it counts. docs/bench.md says what each benchmark does and what the figures mean.",
        .examples = "  trading bench deposits\n"
                    "  trading bench book --json\n"
                    "  trading bench deposits --batch 1024 --beside lmdb --seconds 10 --json\n"
                    "  trading bench deposits --threads 64 --batch 1 --beside disk --log latency.hlog\n",
        .arguments = bench_arguments,
        .common = COMMON_JSON,
        .main = bench_main,
    },
};

const struct subcommand_group bench_group = {"Measuring", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
