#include "metrics.h"

#include "output.h"
#include "record.h"

#include <inttypes.h>
#include <string.h>

void metrics_init(struct metrics *metrics, const struct wire *wire, int64_t period)
{
    *metrics = (struct metrics){.wire = wire, .period = period, .lags = new_object()};
}

void metrics_free(struct metrics *metrics)
{
    json_decref(metrics->lags);
}

bool metrics_due(const struct metrics *metrics, int64_t now)
{
    return metrics->period > 0 && now >= metrics->due;
}

static void name_partition(uint32_t partition, char name[16])
{
    snprintf(name, 16, "%" PRIu32, partition);
}

static void take_lag(void *context, const trading_bus_metric *metric)
{
    struct metrics *metrics = context;
    char name[16];
    if (strcmp(metric->name, "lag") != 0 || !metric->topic || strcmp(metric->topic, metrics->wire->commands) != 0)
        return;
    name_partition(metric->partition, name);
    put_integer(metrics->lags, name, metric->value);
}

void metrics_begin(struct metrics *metrics, trading_bus *bus, int64_t now)
{
    metrics->seconds = metrics->told ? (double)(now - metrics->told) * 1e-9 : 0;
    metrics->told = now;
    metrics->due = now + metrics->period;
    json_object_clear(metrics->lags);
    trading_bus_metrics(bus, take_lag, metrics, NULL);
}

void metrics_tell(struct metrics *metrics, uint32_t partition, const struct owned *owned)
{
    char name[16];
    struct owned_counts counts;
    owned_count(owned, &counts);
    name_partition(partition, name);
    uint64_t before = metrics->commands[partition] <= counts.commands ? metrics->commands[partition] : 0;
    double rate = metrics->seconds > 0 ? (double)(counts.commands - before) / metrics->seconds : 0;
    metrics->commands[partition] = counts.commands;
    json_t *line = new_object();
    put_integer(line, "partition", partition);
    put_integer(line, "position", counts.position);
    put_integer(line, "next_command", counts.cursor);
    json_t *lag = json_object_get(metrics->lags, name);
    if (lag)
        put(line, "lag", json_incref(lag));
    put_integer(line, "commands", (int64_t)counts.commands);
    put(line, "commands_per_second", json_real(rate));
    put_integer(line, "reads", (int64_t)counts.reads);
    put_integer(line, "refused", (int64_t)counts.refused);
    put_integer(line, "forwarded", (int64_t)counts.forwarded);
    put_integer(line, "letters_sent", (int64_t)counts.letters_sent);
    put_integer(line, "letters_taken", (int64_t)counts.letters_taken);
    put_integer(line, "failures", (int64_t)counts.failures);
    put_integer(line, "events_published", (int64_t)counts.published);
    put_integer(line, "events_lag", counts.behind);
    output_json(stdout, line);
    fflush(stdout);
    json_decref(line);
}
