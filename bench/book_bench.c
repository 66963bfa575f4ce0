/* The order book alone, in memory: the flow that matching engines are compared by (bench/book_flow.h), and whether its sums are those that
 * all of them agree on.
 *
 *      book-bench [--quick] [--json] [--orders N]
 *
 * The machine is noisy: orders a CPU second say more than orders a second. */
#include "bench/book_flow.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    bool json;
    uint64_t orders;
};

static struct settings read_arguments(int argc, char **argv)
{
    static const struct option options[] = {{"quick", no_argument, NULL, 'q'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"orders", required_argument, NULL, 'o'},
                                            {NULL, 0, NULL, 0}};
    struct settings settings = {.orders = BOOK_FLOW_ORDERS};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'q') {
            settings.orders = 100000;
        } else if (option == 'j') {
            settings.json = true;
        } else if (option == 'o') {
            settings.orders = strtoull(optarg, NULL, 10);
        } else {
            fputs("usage: book-bench [--quick] [--json] [--orders N]\n", stderr);
            exit(2);
        }
    }
    return settings;
}

static void print_table(const struct book_flow_result *result)
{
    printf("%12s %12s %14s %10s %10s %10s %10s %12s %10s %10s\n", "orders", "per second", "per CPU second", "p50 ns", "p99 ns",
           "p99.9 ns", "trades", "shares", "resting", "MB");
    printf("%12" PRIu64 " %12.0f %14.0f %10.0f %10.0f %10.0f %10" PRIu64 " %12" PRIu64 " %10" PRIu64 " %10.1f\n",
           result->orders, (double)result->orders / result->seconds, (double)result->orders / result->cpu_seconds,
           result->p50_ns, result->p99_ns, result->p999_ns, result->trades, result->shares, result->resting,
           (double)result->memory_bytes / 1e6);
}

static void print_json(const struct book_flow_result *result)
{
    printf("{\"orders\":%" PRIu64 ",\"per_second\":%.0f,\"per_cpu_second\":%.0f,\"p50_ns\":%.0f,\"p99_ns\":%.0f,"
           "\"p999_ns\":%.0f,\"trades\":%" PRIu64 ",\"shares\":%" PRIu64 ",\"resting\":%" PRIu64 ",\"memory_bytes\":%" PRIu64
           "}\n",
           result->orders, (double)result->orders / result->seconds, (double)result->orders / result->cpu_seconds,
           result->p50_ns, result->p99_ns, result->p999_ns, result->trades, result->shares, result->resting,
           result->memory_bytes);
}

int main(int argc, char **argv)
{
    struct settings settings = read_arguments(argc, argv);
    struct book_flow_result result;
    trading_error error;
    if (book_flow_run(settings.orders, &result, &error)) {
        fprintf(stderr, "book-bench: %s\n", error.message);
        return 3;
    }
    (settings.json ? print_json : print_table)(&result);
    if (!book_flow_agrees(&result)) {
        fputs("book-bench: the sums are not those of the other engines\n", stderr);
        return 1;
    }
    return 0;
}
