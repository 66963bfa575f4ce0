#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening and closing ---- */

static trading_engine *open_engine(struct cluster *cluster, uint32_t flags, uint32_t partition)
{
    trading_engine *engine;
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = flags;
    options.partitions = cluster->partitions;
    options.partition = partition;
    options.commit_bytes = 65536;
    options.snapshot_events = 4000;
    if (trading_engine_open(&engine, cluster->host, cluster->uri, &options, &error))
        fail("an engine of partition %u does not open: %s", partition, error.message);
    return engine;
}

trading_engine *cluster_engine(struct cluster *cluster, uint32_t partition)
{
    return open_engine(cluster, TRADING_ENGINE_ONE_PARTITION | cluster->flags, partition);
}

trading_engine *cluster_reader(struct cluster *cluster)
{
    return open_engine(cluster, TRADING_ENGINE_READ_ONLY, 0);
}

void cluster_open(struct cluster *cluster, uint32_t partitions, uint32_t flags, uint64_t seed)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    trading_error error;
    memset(cluster, 0, sizeof *cluster);
    cluster->partitions = partitions;
    cluster->flags = flags;
    cluster->chance.state = seed;
    shared_store_make(&cluster->store);
    if (trading_host_open(&cluster->host, &options, &error) ||
        trading_store_register(cluster->host, "shared", &cluster->store.ops, &error))
        fail("no host: %s", error.message);
    snprintf(cluster->uri, sizeof cluster->uri, "shared:%s", cluster->store.location);
    for (uint32_t i = 0; i < partitions; i++)
        cluster->seats[i] = cluster_engine(cluster, i);
}

void cluster_close(struct cluster *cluster)
{
    trading_error error;
    for (uint32_t i = 0; i < cluster->partitions; i++)
        if (trading_engine_close(cluster->seats[i], TRADING_CLOSE_DRAIN, &error))
            fail("close: %s", error.message);
    if (trading_host_memory(cluster->host) != 0)
        fail("memory is left: %llu", (unsigned long long)trading_host_memory(cluster->host));
    trading_host_close(cluster->host, NULL);
    shared_store_unmake(&cluster->store);
    free(cluster->bag);
}

/* ---- letters ---- */

static void keep(struct cluster *cluster, const trading_letter *letter)
{
    if (letter->size > TRADING_LETTER_BYTES)
        fail("a letter is longer than any may be");
    if (cluster->count == cluster->room) {
        cluster->room = cluster->room ? 2 * cluster->room : 64;
        cluster->bag = realloc(cluster->bag, cluster->room * sizeof *cluster->bag);
    }
    struct carried *carried = &cluster->bag[cluster->count++];
    carried->to = letter->to;
    carried->size = letter->size;
    memcpy(carried->data, letter->data, letter->size);
}

void cluster_collect(struct cluster *cluster, trading_engine *engine)
{
    trading_letter letters[7];
    trading_error error;
    size_t count;
    do {
        if (trading_letters_take(engine, letters, 7, &count, &error))
            fail("take: %s", error.message);
        for (size_t i = 0; i < count; i++) {
            if (!cluster->honest && chance_of(&cluster->chance, 100))
                continue;
            keep(cluster, &letters[i]);
            if (!cluster->honest && chance_of(&cluster->chance, 100))
                keep(cluster, &letters[i]);
        }
    } while (count);
}

void cluster_deliver(struct cluster *cluster)
{
    trading_error error;
    for (size_t left = cluster->count; left; left--) {
        size_t at = cluster->honest ? 0 : (size_t)chance_below(&cluster->chance, (int64_t)cluster->count);
        struct carried *carried = &cluster->bag[at];
        trading_letter letter = {.data = carried->data, .size = carried->size};
        int32_t code = trading_letters_put(cluster->seats[carried->to], &letter, 1, &error);
        if (code && code != TRADING_E_FENCED)
            fail("put: %s", error.message);
        memmove(carried, carried + 1, (size_t)(cluster->bag + cluster->count - carried - 1) * sizeof *carried);
        cluster->count--;
    }
}

void cluster_look(struct cluster *cluster)
{
    trading_error error;
    for (uint32_t i = 0; i < cluster->partitions; i++) {
        int32_t code = trading_letters_look(cluster->seats[i], &error);
        if (code && code != TRADING_E_FENCED)
            fail("look: %s", error.message);
    }
}

static uint32_t step_all(struct cluster *cluster)
{
    uint32_t steps = 0;
    for (uint32_t i = 0; i < cluster->partitions; i++) {
        uint32_t done;
        trading_error error;
        if (trading_engine_step(cluster->seats[i], 100, &done, &error))
            fail("step: %s", error.message);
        steps += done;
        cluster_collect(cluster, cluster->seats[i]);
    }
    return steps;
}

void cluster_settle(struct cluster *cluster)
{
    bool idle = false;
    while (!idle) {
        idle = step_all(cluster) == 0 && cluster->count == 0;
        cluster_deliver(cluster);
        if (!idle)
            continue;
        cluster_look(cluster);
        idle = step_all(cluster) == 0 && cluster->count == 0;
    }
}

/* ---- commands ---- */

static trading_result execute_in(trading_engine *engine, const trading_command *command)
{
    trading_result result;
    trading_error error;
    if (trading_engine_execute(engine, command, 1, &result, &error))
        fail("execute: %s", error.message);
    return result;
}

trading_result cluster_execute(struct cluster *cluster, const trading_command *command)
{
    uint32_t partition;
    trading_error error;
    if (trading_command_partition(command, cluster->partitions, &partition, &error))
        fail("a command belongs nowhere: %s", error.message);
    if (partition != TRADING_EVERY_PARTITION)
        return execute_in(cluster->seats[partition < cluster->partitions ? partition : 0], command);
    trading_result first = execute_in(cluster->seats[0], command);
    for (uint32_t i = 1; i < cluster->partitions; i++)
        execute_in(cluster->seats[i], command);
    return first;
}

static void hint_others(struct cluster *cluster, uint32_t book, const trading_quote *quote)
{
    trading_error error;
    for (uint32_t i = 0; i < cluster->partitions; i++)
        if (i != book &&
            trading_quote_hint(cluster->seats[i], &quote->symbol, &quote->currency, quote->bid, quote->ask, &error))
            fail("hint: %s", error.message);
}

void cluster_hint(struct cluster *cluster)
{
    for (uint32_t s = 0; s < SYMBOLS; s++) {
        trading_set_quote body = TRADING_SET_QUOTE_INIT;
        trading_command command = {.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
        trading_quote quote;
        trading_view *view;
        uint32_t book;
        strcpy(body.symbol.text, line_symbols[s]);
        trading_command_partition(&command, cluster->partitions, &book, NULL);
        if (trading_view_open(&view, cluster->seats[book], TRADING_VIEW_NOW, NULL))
            fail("no view");
        if (!trading_view_quote(view, &body.symbol, &quote, NULL))
            hint_others(cluster, book, &quote);
        trading_view_close(view);
    }
}

/* ---- proving ---- */

void cluster_verify(struct cluster *cluster)
{
    trading_error error;
    trading_verification found = TRADING_VERIFICATION_INIT;
    trading_engine *reader = cluster_reader(cluster);
    if (trading_engine_verify(reader, &found, NULL, NULL, &error))
        fail("verify: %s", error.message);
    if (!found.sound)
        fail("not sound: %s", found.finding);
    trading_engine_close(reader, TRADING_CLOSE_DRAIN, NULL);
}
