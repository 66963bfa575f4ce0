#include "bench/lib/report.h"

#include "bench/lib/usage.h"

void report_add(struct report *report, const char *name, double value)
{
    if (report->count < REPORT_FIGURES)
        report->figures[report->count++] = (struct figure){name, value};
}

static double each(uint64_t sum, uint64_t count)
{
    return count ? (double)sum / (double)count : 0;
}

void report_latency(struct report *report, const struct histogram *latency)
{
    report_add(report, "p50_us", (double)histogram_percentile(latency, 0.5) * 1e-3);
    report_add(report, "p99_us", (double)histogram_percentile(latency, 0.99) * 1e-3);
    report_add(report, "p999_us", (double)histogram_percentile(latency, 0.999) * 1e-3);
    report_add(report, "max_us", (double)latency->max * 1e-3);
}

void report_memory(struct report *report)
{
    struct usage usage;
    usage_read(&usage);
    report_add(report, "max_rss_bytes", (double)usage.max_rss_bytes);
    report_add(report, "rss_anon_bytes", (double)usage.rss_anon_bytes);
}

void report_tally(struct report *report, const struct tally *tally)
{
    report_add(report, "commands", (double)tally->commands);
    report_add(report, "measured_seconds", (double)tally->nanoseconds * 1e-9);
    report_add(report, "per_second", per_second(tally->commands, tally->nanoseconds));
    report_latency(report, &tally->latency);
    report_add(report, "cpu_us_per_command", each((uint64_t)tally->cpu, tally->commands) * 1e-3);
    report_memory(report);
    report_add(report, "bytes_per_command", each(tally->journal_bytes, tally->commands));
    report_add(report, "written_bytes_per_command", each(tally->written_bytes, tally->commands));
    report_add(report, "events_per_command", each(tally->events, tally->commands));
    report_add(report, "commits", (double)tally->commits);
    report_add(report, "syncs", (double)tally->syncs);
}
