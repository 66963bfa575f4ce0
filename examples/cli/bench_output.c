#include "bench_output.h"

#include "output.h"

#include <math.h>
#include <unistd.h>

/* ---- progress ---- */

static void write_progress(const char *what, double part, double per_second)
{
    char buffer[48];
    char number[32];
    snprintf(number, sizeof number, "%.0f", per_second);
    fprintf(stderr, "\r%s: %3.0f %%, %s a second\033[K", what, 100 * (part < 1 ? part : 1), output_grouped(number, buffer));
}

bench_progress_line *bench_progress(void)
{
    return isatty(STDERR_FILENO) ? write_progress : NULL;
}

void bench_progress_end(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* ---- what was found ---- */

static const struct column columns[] = {
    {"work", "work", COLUMN_TEXT},
    {"accounts", "accounts", COLUMN_NUMBER},
    {"batch", "batch", COLUMN_NUMBER},
    {"threads", "threads", COLUMN_NUMBER},
    {"batches in flight", "flight", COLUMN_NUMBER},
    {"accounts by", "skew", COLUMN_TEXT},
    {"durability", "durability", COLUMN_TEXT},
    {"pace", "pace", COLUMN_TEXT},
    {"commands", "commands", COLUMN_NUMBER},
    {"orders", "orders", COLUMN_NUMBER},
    {"reads", "reads", COLUMN_NUMBER},
    {"events", "events", COLUMN_NUMBER},
    {"seconds", "measured_seconds", COLUMN_NUMBER},
    {"a second", "per_second", COLUMN_NUMBER},
    {"a CPU second", "per_cpu_second", COLUMN_NUMBER},
    {"a call, p50 µs", "p50_us", COLUMN_NUMBER},
    {"a call, p99 µs", "p99_us", COLUMN_NUMBER},
    {"a call, p99.9 µs", "p999_us", COLUMN_NUMBER},
    {"a call, longest µs", "max_us", COLUMN_NUMBER},
    {"CPU µs a command", "cpu_us_per_command", COLUMN_NUMBER},
    {"journal bytes a command", "bytes_per_command", COLUMN_NUMBER},
    {"written bytes a command", "written_bytes_per_command", COLUMN_NUMBER},
    {"events a command", "events_per_command", COLUMN_NUMBER},
    {"commits", "commits", COLUMN_NUMBER},
    {"syncs", "syncs", COLUMN_NUMBER},
    {"CPU µs an event", "cpu_us_per_event", COLUMN_NUMBER},
    {"feed, events/s", "feed_per_second", COLUMN_NUMBER},
    {"feed, CPU µs an event", "feed_cpu_us_per_event", COLUMN_NUMBER},
    {"trades", "trades", COLUMN_NUMBER},
    {"shares", "shares", COLUMN_NUMBER},
    {"resting", "resting", COLUMN_NUMBER},
    {"journal bytes a trade", "bytes_per_trade", COLUMN_NUMBER},
    {"bytes of the book", "book_bytes", COLUMN_NUMBER},
    {"beside a writer, reads/s", "beside_reads_per_second", COLUMN_NUMBER},
    {"writer alone, commands/s", "writer_per_second_alone", COLUMN_NUMBER},
    {"writer beside readers, commands/s", "writer_per_second_beside", COLUMN_NUMBER},
    {"writer alone, CPU µs a command", "writer_cpu_us_alone", COLUMN_NUMBER},
    {"writer beside readers, CPU µs", "writer_cpu_us_beside", COLUMN_NUMBER},
    {"keeping of keys besides, CPU µs", "keys_cpu_us", COLUMN_NUMBER},
    {"it grows by, median", "writer_cpu_growth", COLUMN_NUMBER},
    {"it grows by, least", "writer_cpu_growth_least", COLUMN_NUMBER},
    {"it grows by, most", "writer_cpu_growth_most", COLUMN_NUMBER},
    {"opened in, s", "open_seconds", COLUMN_NUMBER},
    {"opened after a kill in, s", "killed_open_seconds", COLUMN_NUMBER},
    {"events replayed then", "replayed_events", COLUMN_NUMBER},
    {"resident bytes at most", "max_rss_bytes", COLUMN_NUMBER},
    {"of memory of its own now", "rss_anon_bytes", COLUMN_NUMBER},
    {"LMDB alone, records/s", "lmdb_per_second", COLUMN_NUMBER},
    {"LMDB alone, p99 µs", "lmdb_p99_us", COLUMN_NUMBER},
    {"LMDB alone, CPU µs a record", "lmdb_cpu_us_per_record", COLUMN_NUMBER},
    {"disk alone, syncs/s", "disk_per_second", COLUMN_NUMBER},
    {"disk alone, p99 µs", "disk_p99_us", COLUMN_NUMBER},
    {"ratio, median", "ratio", COLUMN_NUMBER},
    {"ratio, least", "ratio_least", COLUMN_NUMBER},
    {"ratio, most", "ratio_most", COLUMN_NUMBER},
};

/* A whole number, or one with three decimals where they say something. */
static json_t *number(double value)
{
    double thousandths = round(value * 1000) / 1000;
    if (fabs(value) >= 1000 || thousandths == floor(thousandths))
        return json_integer((json_int_t)llround(value));
    return json_real(thousandths);
}

static void add_settings(json_t *json, const char *work, const struct settings *settings)
{
    static const char *const skews[] = {"uniform", "hot", "zipf"};
    json_object_set_new(json, "work", json_string(work));
    if (!settings->accounts)
        return;
    json_object_set_new(json, "accounts", json_integer((json_int_t)settings->accounts));
    json_object_set_new(json, "batch", json_integer((json_int_t)settings->batch));
    json_object_set_new(json, "threads", json_integer((json_int_t)settings->threads));
    json_object_set_new(json, "flight", json_integer((json_int_t)settings->flight));
    json_object_set_new(json, "skew", json_string(skews[settings->skew.kind]));
    json_object_set_new(json, "durability",
                        json_string(settings->engine.durability == TRADING_DURABILITY_SYNC ? "sync" : "process"));
    json_object_set_new(json, "pace", json_string(settings->rate ? "from the time it was due" : "one after another"));
}

void bench_output(const char *work, const struct settings *settings, const struct report *report, bool json)
{
    json_t *object = json_object();
    add_settings(object, work, settings);
    for (size_t i = 0; i < report->count; i++)
        json_object_set_new(object, report->figures[i].name, number(report->figures[i].value));
    if (json)
        output_json(stdout, object);
    else
        output_list(stdout, columns, sizeof columns / sizeof columns[0], object);
    json_decref(object);
}
